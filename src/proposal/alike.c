/* SPDX-License-Identifier: Apache-2.0
 *
 * Repeats: what waits in one queue, of one agent, with the same action and the same arguments. The
 * most urgent of such a group stands for it in the inbox; the others follow. Each is decided on its
 * own.
 *
 * 1. In every group that has an open member, at least one does not follow: nothing is lost from
 *    sight.
 * 2. A change costs a few steps in an index, however many repeats there are.
 */
#include "proposal/proposal.h"

#define GROUP                                                                                      \
    " FROM proposals INDEXED BY proposals_repeat WHERE agent = $agent"                             \
    " AND arguments_digest = $digest AND state < 3 AND action = $action AND queue = $queue"        \
    " AND first_queue = $first AND state < 2"

SQL(SQL_FIRST, "SELECT row, urgent_at, follows" GROUP " AND row <> $row"
               " ORDER BY urgent_at, row LIMIT 1");
SQL(SQL_FOLLOW, "UPDATE proposals SET follows = $follows WHERE row = $row");
SQL(SQL_COUNT, "SELECT count(*) FROM (SELECT 1" GROUP " LIMIT $max)");
SQL(SQL_PLACE, "SELECT count(*) FROM (SELECT 1" GROUP " AND (urgent_at, row) <= ($urgent, $row)"
               " LIMIT $max)");
SQL(SQL_OTHERS, "SELECT id, created_at" GROUP " AND row <> $row"
                " ORDER BY urgent_at, row LIMIT $max");

/* What a member of a group must know of another one. */
struct member {
    bool found, follows;
    int64_t row, urgent_at;
};

static bool is_open(const struct proposal *p)
{
    return p->state == PROPOSAL_WAITING || p->state == PROPOSAL_CLAIMED;
}

struct proposal_group proposal_group_of(const struct proposal *p)
{
    return (struct proposal_group){
        .is_open = is_open(p),
        .arguments_digest = p->arguments_digest,
        .queue = p->queue,
        .first_queue = p->first_queue,
        .urgent_at = proposal_urgent_at(p),
    };
}

static bool is_same(const struct proposal_group *a, const struct proposal_group *b)
{
    return str_eq(hash_str(&a->arguments_digest), hash_str(&b->arguments_digest)) &&
           str_eq(a->queue, b->queue) && str_eq(a->first_queue, b->first_queue);
}

#define A_GROUP(p, group)                                                                          \
    A_INT("$agent", (p)->agent), A_TEXT("$action", (p)->action),                                   \
        A_BLOB("$digest", hash_str(&(group)->arguments_digest)), A_TEXT("$queue", (group)->queue), \
        A_TEXT("$first", (group)->first_queue)

/* The first open member of a group besides the proposal itself. */
static enum fm_err find_first(struct ctx *ctx, struct store_conn *conn, const struct proposal *p,
                              const struct proposal_group *group, struct member *out)
{
    struct store_rows *rows;

    *out = (struct member){.found = false};
    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_FIRST, ARGS(A_GROUP(p, group), A_INT("$row", p->row)), &rows));
    if (rows_next(ctx, rows)) {
        *out = (struct member){true, rows_int(rows, 2) != 0, rows_int(rows, 0), rows_int(rows, 1)};
    }
    rows_done(rows);
    return ctx->err;
}

static enum fm_err set_follows(struct ctx *ctx, struct store_conn *conn,
                               const struct member *member, bool follows)
{
    if (!member->found || member->follows == follows) {
        return FM_OK;
    }
    return store_exec(ctx, conn, &SQL_FOLLOW,
                      ARGS(A_INT("$row", member->row), A_INT("$follows", follows)));
}

/* A new one (row 0) will have a higher row than all that are there. */
static bool goes_before(const struct member *other, const struct proposal_group *group, int64_t row)
{
    return other->found && (other->urgent_at < group->urgent_at ||
                            (other->urgent_at == group->urgent_at && (!row || other->row < row)));
}

enum fm_err proposal_settle_group(struct ctx *ctx, struct store_conn *conn, struct proposal *p)
{
    struct proposal_group was = p->group, is = proposal_group_of(p);
    bool led = was.is_open && !p->follows, same = is_same(&was, &is);
    struct member other;

    if (was.is_open == is.is_open && (!is.is_open || (same && was.urgent_at == is.urgent_at))) {
        return FM_OK;
    }
    p->group = is;
    p->follows = false;
    if (is.is_open) {
        TRY(find_first(ctx, conn, p, &is, &other));
        p->follows = goes_before(&other, &is, p->row);
        TRY(set_follows(ctx, conn, &other, !p->follows));
    }
    if (led && !(is.is_open && same)) {
        TRY(find_first(ctx, conn, p, &was, &other));
        TRY(set_follows(ctx, conn, &other, false));
    }
    return FM_OK;
}

enum fm_err proposal_count_alike(struct ctx *ctx, struct store_conn *conn, const struct proposal *p,
                                 int64_t *out)
{
    struct proposal_group group = proposal_group_of(p);

    return store_int(ctx, conn, &SQL_COUNT,
                     ARGS(A_GROUP(p, &group), A_INT("$max", PROPOSAL_ALIKE_MAX)), 0, out);
}

enum fm_err proposal_place_alike(struct ctx *ctx, struct store_conn *conn, const struct proposal *p,
                                 int64_t *out)
{
    struct proposal_group group = proposal_group_of(p);

    *out = 0;
    if (!group.is_open) {
        return FM_OK;
    }
    return store_int(ctx, conn, &SQL_PLACE,
                     ARGS(A_GROUP(p, &group), A_INT("$urgent", group.urgent_at),
                          A_INT("$row", p->row), A_INT("$max", PROPOSAL_ALIKE_MAX)),
                     0, out);
}

enum fm_err proposal_others_alike(struct ctx *ctx, struct store_conn *conn,
                                  const struct proposal *p, struct proposal_alike *out, size_t max,
                                  size_t *count)
{
    struct proposal_group group = proposal_group_of(p);
    struct store_rows *rows;

    *count = 0;
    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_OTHERS,
                    ARGS(A_GROUP(p, &group), A_INT("$row", p->row), A_INT("$max", max)), &rows));
    while (*count < max && rows_next(ctx, rows)) {
        out[(*count)++] = (struct proposal_alike){rows_id(rows, 0), rows_int(rows, 1)};
    }
    rows_done(rows);
    return ctx->err;
}
