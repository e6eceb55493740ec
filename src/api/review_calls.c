/* SPDX-License-Identifier: Apache-2.0
 *
 * People's calls: inbox, claims, decisions, undo, comments, the stream.
 */
#include "api/api_internal.h"

#include <stdlib.h>

#define RUN_WITH_ID(name, flow_call)                                                               \
    static enum fm_err name(struct call *call, struct store_conn *conn)                            \
    {                                                                                              \
        return flow_call(call->api->flow, &call->ctx, conn, &call->caller, call->id,        \
                         &call->proposal);                                                         \
    }

RUN_WITH_ID(run_claim, flow_claim)
RUN_WITH_ID(run_unclaim, flow_unclaim)
RUN_WITH_ID(run_undo, flow_undo)

static void write_without_members(struct call *call, call_run_fn *run)
{
    char nothing;
    enum fm_err err = call_bind(call, NULL, 0, &nothing);

    if (err != FM_OK) {
        call_fail(call, err);
        return;
    }
    call_write(call, run, call_render_proposal, 200);
}

void review_claim_call(struct call *call)
{
    write_without_members(call, run_claim);
}

void review_unclaim_call(struct call *call)
{
    write_without_members(call, run_unclaim);
}

void review_undo_call(struct call *call)
{
    write_without_members(call, run_undo);
}

void stream_open(struct call *call)
{
    bus_open_stream(call);
}

/* --- decision ------------------------------------------------------------------------------------------ */

struct decision_body {
    int verdict, severity;
    struct str digest, reason, reason_code;
    const struct json *arguments;
};

static const char *const verdict_choices[] = {"approve", "modify", "reject", "return", NULL};
static const char *const severity_choices[] = {"minor", "material", NULL};

#define FIELD(member) .name = #member, .offset = offsetof(struct decision_body, member)
static const struct json_field decision_fields[] = {
    {FIELD(verdict), .type = JSON_T_CHOICE, .flags = JSON_F_REQUIRED, .choices = verdict_choices},
    {FIELD(digest), .type = JSON_T_STR, .flags = JSON_F_REQUIRED, .max = 71},
    {FIELD(arguments), .type = JSON_T_OBJECT, .flags = JSON_F_NULL},
    {FIELD(severity), .type = JSON_T_CHOICE, .flags = JSON_F_NULL, .choices = severity_choices},
    {FIELD(reason), .type = JSON_T_STR, .flags = JSON_F_NULL | JSON_F_EMPTY, .max = REASON_MAX},
    {FIELD(reason_code), .type = JSON_T_STR, .flags = JSON_F_NULL, .max = 64},
};
#undef FIELD

/* What no table can say: which members go with which verdict. */
static enum fm_err check_decision(struct call *call, const struct decision_body *body,
                                  struct decision_request *out)
{
    struct ctx *ctx = &call->ctx;
    bool modifies = out->verdict == DECISION_MODIFY;
    bool needs_reason = out->verdict == DECISION_REJECT || out->verdict == DECISION_RETURN;

    if (!str_starts(body->digest, S("sha256:")) ||
        !hex_decode(str_skip(body->digest, 7), out->digest.bytes, SHA256_SIZE)) {
        return fail_at(ctx, FM_E_INVALID_ARGUMENT, S("/digest"),
                       "the digest that was shown: sha256: and 64 hexadecimal digits");
    }
    if (modifies != (body->arguments != NULL)) {
        return fail_at(ctx, FM_E_INVALID_ARGUMENT, S("/arguments"),
                       modifies ? "modify needs the edited arguments"
                                : "only modify takes arguments");
    }
    if (!modifies && body->severity >= 0) {
        return fail_at(ctx, FM_E_INVALID_ARGUMENT, S("/severity"), "only modify has a severity");
    }
    if (needs_reason && !body->reason.n) {
        return fail_at(ctx, FM_E_INVALID_ARGUMENT, S("/reason"),
                       out->verdict == DECISION_RETURN ? "return needs the question to the agent"
                                                       : "reject needs a reason");
    }
    if (body->reason_code.p && !policy_has_reason(call->policy, body->reason_code)) {
        return fail_at(ctx, FM_E_INVALID_ARGUMENT, S("/reason_code"),
                       "not among the policy's reasons");
    }
    return FM_OK;
}

static enum fm_err read_decision(struct call *call, struct decision_request *out)
{
    struct decision_body body = {0};

    TRY(call_bind(call, decision_fields, COUNT_OF(decision_fields), &body));
    *out = (struct decision_request){
        .verdict = (enum decision_verdict)(DECISION_APPROVE + body.verdict),
        .arguments = body.arguments,
        .reason = body.reason.n ? body.reason : STR_NONE,
        .reason_code = body.reason_code,
        .minor = body.severity == 0,
    };
    TRY(check_decision(call, &body, out));
    return body.arguments
               ? intake_check_arguments(&call->ctx, body.arguments, &out->arguments_digest)
               : FM_OK;
}

static enum fm_err run_decide(struct call *call, struct store_conn *conn)
{
    return flow_decide(call->api->flow, &call->ctx, conn, &call->caller, call->id, call->in,
                       &call->proposal);
}

void review_decision(struct call *call)
{
    struct decision_request *in = call_input(call, sizeof(*in));
    enum fm_err err = in ? read_decision(call, in) : FM_OK;

    if (err != FM_OK) {
        call_fail(call, err);
    } else if (in) {
        call_write(call, run_decide, call_render_proposal, 200);
    }
}

/* --- comments ------------------------------------------------------------------------------------------ */

struct comment_input {
    struct str text;
    struct id id;
    int64_t at_us;
};

static const struct json_field comment_fields[] = {
    {.name = "text", .type = JSON_T_STR, .flags = JSON_F_REQUIRED,
     .offset = offsetof(struct comment_input, text), .max = COMMENT_MAX},
};

static enum fm_err run_comment(struct call *call, struct store_conn *conn)
{
    struct comment_input *in = call->in;

    return flow_comment(call->api->flow, &call->ctx, conn, &call->caller, call->id, in->text,
                        &in->id, &in->at_us, &call->proposal);
}

static enum fm_err render_comment(struct call *call, struct store_conn *conn, struct buf *body)
{
    const struct comment_input *in = call->in;
    struct json_out out = JSON_OUT(body);

    (void)conn;
    jo_object(&out);
    jo_m_id(&out, "id", ID_COMMENT, in->id);
    jo_key(&out, "by");
    jo_object(&out);
    jo_m_id(&out, "id", ID_PERSON, call->caller.person->id);
    jo_m_str(&out, "name", call->caller.person->name);
    jo_object_end(&out);
    jo_m_time(&out, "at", in->at_us);
    jo_m_str(&out, "text", in->text);
    jo_object_end(&out);
    return FM_OK;
}

void review_comment_call(struct call *call)
{
    struct comment_input *in = call_input(call, sizeof(*in));
    enum fm_err err = in ? call_bind(call, comment_fields, COUNT_OF(comment_fields), in) : FM_OK;

    if (err != FM_OK) {
        call_fail(call, err);
    } else if (in) {
        call_write(call, run_comment, render_comment, 201);
    }
}

/* --- inbox --------------------------------------------------------------------------------------------- */

#define MINE " AND ($mine = 0 OR claimed_by = $mine)"
/* Waiting or claimed: what is in its undo time was decided and waits for nobody. (state < 3 besides: by it
 * SQLite knows the index of what is pending.) */
#define OPEN "state < 3 AND state <> 2"
_Static_assert(PROPOSAL_UNDO == 2, "the queries of the inbox say so");

SQL(SQL_INBOX, "SELECT " PROPOSAL_COLUMNS " FROM proposals WHERE queue = $queue AND " OPEN
               " AND (due_at, row) > ($due, $row)" MINE " ORDER BY due_at, row LIMIT $max");
SQL(SQL_INBOX_ESCALATED,
    "SELECT " PROPOSAL_COLUMNS " FROM proposals WHERE first_queue = $queue AND " OPEN
    " AND escalations > 0 AND (due_at, row) > ($due, $row)" MINE " ORDER BY due_at, row LIMIT $max");
/* The newest first: $due is not looked at, $row is the row before which to go on. */
SQL(SQL_INBOX_NEW, "SELECT " PROPOSAL_COLUMNS " FROM proposals WHERE queue = $queue AND " OPEN
                   " AND ($due < 0 OR row < $row)" MINE " ORDER BY row DESC LIMIT $max");
SQL(SQL_INBOX_ESCALATED_NEW,
    "SELECT " PROPOSAL_COLUMNS " FROM proposals WHERE first_queue = $queue AND " OPEN
    " AND escalations > 0 AND ($due < 0 OR row < $row)" MINE " ORDER BY row DESC LIMIT $max");
SQL(SQL_COUNT, "SELECT count(*) FROM proposals WHERE queue = $queue AND " OPEN);
SQL(SQL_COUNT_ESCALATED, "SELECT count(*) FROM proposals WHERE first_queue = $queue AND " OPEN
                         " AND escalations > 0");
/* state < 3 besides: by it SQLite knows the index of what is pending. */
SQL(SQL_COUNT_MINE,
    "SELECT count(*) FROM proposals WHERE state < 3 AND state = 1 AND claimed_by = $person");

static int by_urgency(const void *a, const void *b);
static int by_age(const void *a, const void *b);

/* The orders of an inbox: what is read from each queue, and how queues are merged. */
struct inbox_order {
    const char *name;
    const struct sql *sql, *escalated;
    int (*compare)(const void *a, const void *b);
};

static const struct inbox_order inbox_orders[] = {
    {"due", &SQL_INBOX, &SQL_INBOX_ESCALATED, by_urgency},
    {"new", &SQL_INBOX_NEW, &SQL_INBOX_ESCALATED_NEW, by_age},
};

struct inbox {
    struct call *call;
    const struct inbox_order *order;
    struct page page;
    struct str queue; /* absent: all of the person's */
    bool mine;
    struct proposal *items; /* sorted by urgency, at most page.limit + 1 */
    int64_t count;
    int64_t pending, escalated;
};

static int by_urgency(const void *a, const void *b)
{
    const struct proposal *x = a, *y = b;

    if (x->due_at != y->due_at) {
        return x->due_at < y->due_at ? -1 : 1;
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

/* Adds the first ones of a queue; the list stays as long as a page and one more. */
static enum fm_err gather(struct inbox *inbox, const struct sql *sql, struct str queue)
{
    struct ctx *ctx = &inbox->call->ctx;
    struct store_rows *rows;
    int64_t room = inbox->page.limit + 1;
    enum fm_err err = FM_OK;

    ctx->err = FM_OK;
    TRY(store_query(ctx, inbox->call->part->reader, sql,
                    ARGS(A_TEXT("$queue", queue),
                         A_INT("$due", inbox->page.has_cursor ? inbox->page.first : -1),
                         A_INT("$row", inbox->page.second),
                         A_INT("$mine", inbox->mine ? inbox->call->caller.person->row : 0),
                         A_INT("$max", room)),
                    &rows));
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

    TRY(gather(inbox, inbox->order->sql, queue));
    TRY(gather(inbox, inbox->order->escalated, queue));
    TRY(store_int(ctx, conn, &SQL_COUNT, ARGS(A_TEXT("$queue", queue)), 0, &count));
    inbox->pending += count;
    TRY(store_int(ctx, conn, &SQL_COUNT_ESCALATED, ARGS(A_TEXT("$queue", queue)), 0, &count));
    inbox->escalated += count;
    return FM_OK;
}

static enum fm_err gather_all(struct inbox *inbox)
{
    const struct call *call = inbox->call;
    const struct person *person = call->caller.person;

    for (size_t i = 0; i < call->policy->queue_count; i++) {
        const struct policy_queue *queue = &call->policy->queues[i];
        if ((!inbox->queue.n || str_eq(inbox->queue, queue->name)) &&
            policy_queue_has(queue, person->name, person->roles)) {
            TRY(gather_queue(inbox, queue->name));
        }
    }
    return FM_OK;
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
    page_write_cursor(&out, more, shown ? inbox->items[shown - 1].due_at : 0,
                      shown ? inbox->items[shown - 1].row : 0);
    jo_key(&out, "counts");
    jo_object(&out);
    jo_m_int(&out, "pending", inbox->pending);
    jo_m_int(&out, "mine", mine);
    jo_m_int(&out, "escalated", inbox->escalated);
    jo_object_end(&out);
    jo_object_end(&out);
    return FM_OK;
}

static bool is_flag(struct str text)
{
    return str_eq(text, S("1")) || str_eq(text, S("true")) || str_eq(text, S("0")) ||
           str_eq(text, S("false"));
}

static enum fm_err render_inbox(struct call *call, struct store_conn *conn, struct buf *body)
{
    struct inbox inbox = {.call = call};
    struct str sort = http_query(call->request, "sort"), mine = http_query(call->request, "mine");

    (void)conn;
    TRY(query_allow(call, "queue mine sort limit cursor"));
    for (size_t i = 0; i < COUNT_OF(inbox_orders); i++) {
        if (str_eq(sort.n ? sort : S("due"), str_of(inbox_orders[i].name))) {
            inbox.order = &inbox_orders[i];
        }
    }
    if (!inbox.order) {
        return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT, S("/sort"),
                       "due (the most urgent first) or new (the newest first)");
    }
    if (mine.n && !is_flag(mine)) {
        return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT, S("/mine"), "1 or 0");
    }
    TRY(page_read(call, &inbox.page));
    inbox.queue = http_query(call->request, "queue");
    inbox.mine = str_eq(mine, S("1")) || str_eq(mine, S("true"));
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
