/* SPDX-License-Identifier: Apache-2.0
 *
 * The inbox: the held proposals that a person may decide, merged from their queues. Nothing here may cost
 * more than the page that is shown, however many wait: each query walks an index of what is open, and
 * counting is one walk over it. What stands for a group of repeats and what follows it are two
 * ranges of that index, so that leaving the followers out costs nothing.
 */
#include "api/api_internal.h"

#include <stdlib.h>

/* Waiting or claimed: what is in its undo time was decided and waits for nobody. */
#define OPEN "state < 2"
_Static_assert(PROPOSAL_UNDO == 2,
               "the queries of the inbox and the indexes of migration 1 say so");

#define FROM_OPEN      "SELECT " PROPOSAL_COLUMNS " FROM proposals WHERE " OPEN
#define ESCALATED_HERE "first_queue = $queue AND escalations > 0"
#define IN_QUEUE       "queue = $queue AND follows = $follows"
#define IN_ESCALATED   ESCALATED_HERE " AND follows = $follows"
#define BY_DUE         " AND (urgent_at, row) > ($due, $row) ORDER BY urgent_at, row LIMIT $max"
/* The newest first: $due is not looked at, $row is the row before which to go on. */
#define BY_AGE " AND ($due < 0 OR row < $row) ORDER BY row DESC LIMIT $max"
#define MINE                                                                                       \
    "SELECT " PROPOSAL_COLUMNS " FROM proposals WHERE state = 1 AND claimed_by = $person"          \
    " AND ($queue = '' OR queue = $queue OR (" ESCALATED_HERE "))"

SQL(SQL_DUE, FROM_OPEN " AND " IN_QUEUE BY_DUE);
SQL(SQL_DUE_ESCALATED, FROM_OPEN " AND " IN_ESCALATED BY_DUE);
SQL(SQL_DUE_MINE, MINE BY_DUE);
SQL(SQL_NEW, FROM_OPEN " AND " IN_QUEUE BY_AGE);
SQL(SQL_NEW_ESCALATED, FROM_OPEN " AND " IN_ESCALATED BY_AGE);
SQL(SQL_NEW_MINE, MINE BY_AGE);
SQL(SQL_COUNT, "SELECT count(*) FROM proposals WHERE " OPEN " AND queue = $queue");
SQL(SQL_COUNT_FOLLOWERS, "SELECT count(*) FROM proposals WHERE " OPEN " AND " IN_QUEUE);
SQL(SQL_COUNT_ESCALATED, "SELECT count(*) FROM proposals WHERE " OPEN " AND " ESCALATED_HERE);
SQL(SQL_COUNT_MINE, "SELECT count(*) FROM proposals WHERE state = 1 AND claimed_by = $person");
/* The names of queues in which something waits, each found by one step in the index. */
SQL(SQL_QUEUES,
    "WITH RECURSIVE q(name) AS (SELECT min(queue) FROM proposals WHERE " OPEN
    " UNION ALL SELECT (SELECT min(queue) FROM proposals WHERE " OPEN " AND queue > q.name)"
    " FROM q WHERE q.name IS NOT NULL) SELECT name FROM q WHERE name IS NOT NULL");

#define ORPHANS_MAX 64 /* queues of earlier policies that hold something; more wait their turn */

static int by_urgency(const void *a, const void *b);
static int by_age(const void *a, const void *b);

/* The orders of an inbox: what is read from each queue, and how queues are merged. */
struct inbox_order {
    const char *name;
    const struct sql *sql, *escalated, *mine;
    int (*compare)(const void *a, const void *b);
};

static const struct inbox_order inbox_orders[] = {
    {"due", &SQL_DUE, &SQL_DUE_ESCALATED, &SQL_DUE_MINE, by_urgency},
    {"new", &SQL_NEW, &SQL_NEW_ESCALATED, &SQL_NEW_MINE, by_age},
};

struct inbox {
    struct call *call;
    const struct inbox_order *order;
    struct page page;
    struct str queue; /* absent: all of the person's */
    bool mine, grouped;
    struct proposal *items; /* sorted by urgency, at most page.limit + 1 */
    int64_t count;
    int64_t pending, escalated, followers;
};

static int by_urgency(const void *a, const void *b)
{
    const struct proposal *x = a, *y = b;

    if (proposal_urgent_at(x) != proposal_urgent_at(y)) {
        return proposal_urgent_at(x) < proposal_urgent_at(y) ? -1 : 1;
    }
    return x->row < y->row ? -1 : x->row > y->row;
}

static int by_age(const void *a, const void *b)
{
    const struct proposal *x = a, *y = b;

    return x->row > y->row ? -1 : x->row < y->row;
}

/* An escalated one may stand in a person's queue twice: as its present and as its first.
 * The list is sorted. */
static void drop_doubles(struct inbox *inbox)
{
    int64_t kept = 0;

    for (int64_t i = 0; i < inbox->count; i++) {
        if (kept == 0 || inbox->items[kept - 1].row != inbox->items[i].row) {
            inbox->items[kept++] = inbox->items[i];
        }
    }
    inbox->count = kept;
}

/* Adds the first ones that a query gives; the list stays as long as a page and one more. */
static enum fm_err gather(struct inbox *inbox, const struct sql *sql, struct str queue,
                          bool follows)
{
    struct ctx *ctx = &inbox->call->ctx;
    const struct sql_arg args[] = {
        A_TEXT("$queue", queue),
        A_INT("$due", inbox->page.has_cursor ? inbox->page.first : -1),
        A_INT("$row", inbox->page.second),
        A_INT("$max", inbox->page.limit + 1),
        inbox->mine ? A_INT("$person", inbox->call->caller.person->row)
                    : A_INT("$follows", follows),
    };
    struct store_rows *rows;
    int64_t room = inbox->page.limit + 1;
    enum fm_err err = FM_OK;

    ctx->err = FM_OK;
    TRY(store_query(ctx, inbox->call->part->reader, sql, args, COUNT_OF(args), &rows));
    while (err == FM_OK && rows_next(ctx, rows)) {
        err = proposal_read(ctx, rows, &inbox->items[inbox->count++]);
    }
    rows_done(rows);
    TRY(err);
    TRY(ctx->err);
    qsort(inbox->items, (size_t)inbox->count, sizeof(*inbox->items), inbox->order->compare);
    drop_doubles(inbox); /* before the cut: a double must not push another one off the page */
    inbox->count = inbox->count > room ? room : inbox->count;
    return FM_OK;
}

static enum fm_err gather_queue(struct inbox *inbox, struct str queue)
{
    struct ctx *ctx = &inbox->call->ctx;
    struct store_conn *conn = inbox->call->part->reader;
    int64_t count;

    for (int follows = 0; !inbox->mine && follows <= !inbox->grouped; follows++) {
        TRY(gather(inbox, inbox->order->sql, queue, follows));
        TRY(gather(inbox, inbox->order->escalated, queue, follows));
    }
    if (inbox->grouped) {
        TRY(store_int(ctx, conn, &SQL_COUNT_FOLLOWERS,
                      ARGS(A_TEXT("$queue", queue), A_INT("$follows", 1)), 0, &count));
        inbox->followers += count;
    }
    TRY(store_int(ctx, conn, &SQL_COUNT, ARGS(A_TEXT("$queue", queue)), 0, &count));
    inbox->pending += count;
    TRY(store_int(ctx, conn, &SQL_COUNT_ESCALATED, ARGS(A_TEXT("$queue", queue)), 0, &count));
    inbox->escalated += count;
    return FM_OK;
}

static bool wants_queue(const struct inbox *inbox, struct str name)
{
    return !inbox->queue.n || str_eq(inbox->queue, name);
}

/* What waits in a queue that the policy in force no longer has falls to the leads (review/route.c). */
static enum fm_err gather_orphans(struct inbox *inbox)
{
    struct call *call = inbox->call;
    struct str names[ORPHANS_MAX];
    struct store_rows *rows;
    size_t count = 0;

    call->ctx.err = FM_OK;
    TRY(store_query(&call->ctx, call->part->reader, &SQL_QUEUES, NO_ARGS, &rows));
    while (count < ORPHANS_MAX && rows_next(&call->ctx, rows)) {
        struct str name = rows_bytes(rows, 0);

        if (!policy_queue(call->policy, name) && wants_queue(inbox, name)) {
            names[count++] = arena_copy(call->ctx.arena, name);
        }
    }
    rows_done(rows);
    TRY(call->ctx.err);
    for (size_t i = 0; i < count; i++) {
        TRY(gather_queue(inbox, names[i]));
    }
    return FM_OK;
}

static enum fm_err gather_all(struct inbox *inbox)
{
    const struct call *call = inbox->call;
    const struct person *person = call->caller.person;

    if (inbox->mine) {
        TRY(gather(inbox, inbox->order->mine, inbox->queue.n ? inbox->queue : S(""), false));
    }
    for (size_t i = 0; i < call->policy->queue_count; i++) {
        const struct policy_queue *queue = &call->policy->queues[i];
        if (wants_queue(inbox, queue->name) &&
            policy_queue_has(queue, person->name, person->roles)) {
            TRY(gather_queue(inbox, queue->name));
        }
    }
    return person->roles & ROLE_BIT(ROLE_LEAD) ? gather_orphans(inbox) : FM_OK;
}

static enum fm_err write_inbox(struct inbox *inbox, struct buf *body)
{
    struct call *call = inbox->call;
    struct json_out out = JSON_OUT(body);
    struct view view;
    int64_t mine, shown = inbox->count > inbox->page.limit ? inbox->page.limit : inbox->count;
    bool more = inbox->count > inbox->page.limit;

    view_of_call(call, call->part->reader, &view);
    TRY(store_int(&call->ctx, call->part->reader, &SQL_COUNT_MINE,
                  ARGS(A_INT("$person", call->caller.person->row)), 0, &mine));
    jo_object(&out);
    jo_key(&out, "items");
    jo_array(&out);
    for (int64_t i = 0; i < shown; i++) {
        if (body->n > LIST_BYTES_MAX) {
            shown = i;
            more = true;
            break;
        }
        TRY(view_list_item(&view, &out, &inbox->items[i], view_inbox_item));
    }
    jo_array_end(&out);
    page_write_cursor(&out, more, shown ? proposal_urgent_at(&inbox->items[shown - 1]) : 0,
                      shown ? inbox->items[shown - 1].row : 0);
    jo_key(&out, "counts");
    jo_object(&out);
    jo_m_int(&out, "pending", inbox->pending);
    jo_m_int(&out, "mine", mine);
    jo_m_int(&out, "escalated", inbox->escalated);
    if (inbox->grouped) {
        jo_m_int(&out, "groups", inbox->pending - inbox->followers);
    }
    jo_object_end(&out);
    jo_object_end(&out);
    return FM_OK;
}

static bool is_flag(struct str text)
{
    return str_eq(text, S("1")) || str_eq(text, S("true")) || str_eq(text, S("0")) ||
           str_eq(text, S("false"));
}

static enum fm_err read_flag(struct call *call, const char *name, bool *out)
{
    struct str text = http_query(call->request, name);

    *out = str_eq(text, S("1")) || str_eq(text, S("true"));
    return !text.n || is_flag(text)
               ? FM_OK
               : fail_at(&call->ctx, FM_E_INVALID_ARGUMENT,
                         arena_printf(call->ctx.arena, "/%s", name), "1 or 0");
}

static enum fm_err render_inbox(struct call *call, struct store_conn *conn, struct buf *body)
{
    struct inbox inbox = {.call = call};
    struct str sort = http_query(call->request, "sort");

    (void)conn;
    TRY(query_allow(call, "queue mine sort group limit cursor"));
    for (size_t i = 0; i < COUNT_OF(inbox_orders); i++) {
        if (str_eq(sort.n ? sort : S("due"), str_of(inbox_orders[i].name))) {
            inbox.order = &inbox_orders[i];
        }
    }
    if (!inbox.order) {
        return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT, S("/sort"),
                       "due (the most urgent first) or new (the newest first)");
    }
    TRY(read_flag(call, "mine", &inbox.mine));
    TRY(read_flag(call, "group", &inbox.grouped));
    TRY(page_read(call, &inbox.page));
    inbox.queue = http_query(call->request, "queue");
    inbox.items =
        arena_zalloc(call->ctx.arena, (size_t)(2 * (inbox.page.limit + 1)), sizeof(*inbox.items));
    if (!inbox.items) {
        return fail_memory(&call->ctx);
    }
    TRY(gather_all(&inbox));
    return write_inbox(&inbox, body);
}

void review_inbox(struct call *call)
{
    call_read(call, render_inbox, 200);
}
