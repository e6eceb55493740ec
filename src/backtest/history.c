/* SPDX-License-Identifier: Apache-2.0
 *
 * The proposals of a store, in the order in which they came, for a replay.
 *
 * It must never hold a read transaction for longer than a batch: the store's journal file could
 * not shrink meanwhile.
 */
#include "backtest/inner.h"

#include "base/panic.h"
#include "proposal/proposal.h"

#define BATCH_MAX         500
#define AGENTS_MAX        100000
#define RECORDS_ARENA_MAX (64 * MIB) /* of one proposal's request and assessment */

SQL(SQL_LAST, "SELECT max(row) FROM proposals");
SQL(SQL_FIRST, "SELECT min(row) FROM proposals WHERE created_at >= $since");
SQL(SQL_COUNT, "SELECT count(*) FROM proposals WHERE row >= $first AND row <= $last");
SQL(SQL_AGENTS,
    "SELECT a.row, a.id, a.name, p.name FROM agents a LEFT JOIN people p ON p.row = a.owner"
    " LIMIT $max");
SQL(SQL_CASES,
    "SELECT p.row, p.id, p.agent, p.action, p.assessment, p.created_at, p.state, p.queue, "
    "p.first_queue,"
    " p.respond_within, p.verdict, p.decided_by, p.decided_at, p.updated_at, r.body, d.body"
    " FROM proposals p LEFT JOIN payloads r ON r.idx = p.payload"
    " LEFT JOIN payloads d ON d.idx = CASE WHEN p.verdict = 2 THEN p.decision_leaf END"
    " WHERE p.row >= $first AND p.row <= $last ORDER BY p.row LIMIT $max");

struct known_agent {
    struct str id, name, owner;
};

struct history {
    struct ctx *ctx;
    struct store_conn *conn;
    struct backtest *backtest;
    struct map *agents;  /* row as 8 bytes -> struct known_agent */
    struct arena *arena; /* of one proposal */
    int64_t next, last;
    uint64_t done, total;
};

/* Agents
 * ----------------------------------------------------------------------------------------- */

static struct str row_bytes(const int64_t *row)
{
    return (struct str){(const char *)row, sizeof(*row)};
}

static enum fm_err add_agent(struct history *h, struct store_rows *rows)
{
    struct arena *arena = h->backtest->arena;
    struct known_agent *agent = arena_zalloc(arena, 1, sizeof(*agent));
    int64_t row = rows_int(rows, 0);
    char id[ID_TEXT_MAX];

    if (!agent) {
        return fail_memory(h->ctx);
    }
    agent->id = arena_copy(arena, id_format(ID_AGENT, rows_id(rows, 1), id));
    agent->name = arena_copy(arena, rows_bytes(rows, 2));
    agent->owner = rows_is_null(rows, 3) ? S("") : arena_copy(arena, rows_bytes(rows, 3));
    return agent->id.p && agent->name.p && agent->owner.p &&
                   map_put(h->agents, row_bytes(&row), agent)
               ? FM_OK
               : fail_memory(h->ctx);
}

/* All of them, also those that are disabled by now. */
static enum fm_err read_agents(struct history *h)
{
    struct store_rows *rows;
    enum fm_err err = FM_OK;

    h->ctx->err = FM_OK;
    TRY(store_query(h->ctx, h->conn, &SQL_AGENTS, ARGS(A_INT("$max", AGENTS_MAX)), &rows));
    while (err == FM_OK && rows_next(h->ctx, rows)) {
        err = add_agent(h, rows);
    }
    rows_done(rows);
    return err == FM_OK ? h->ctx->err : err;
}

/* Cases
 * ------------------------------------------------------------------------------------------ */

/* What people decided; what a policy let go is no decision of theirs. */
static enum backtest_decision decision_of(struct ctx *ctx, struct store_rows *rows)
{
    const struct json *decision = NULL;
    struct str body = rows_bytes(rows, 15);

    if (rows_is_null(rows, 11)) {
        return BACKTEST_UNDECIDED;
    }
    switch (rows_int(rows, 10)) {
    case DECISION_APPROVE:
        return BACKTEST_APPROVED;
    case DECISION_MODIFY: /* material, where nobody can say any more that it was not */
        if (body.p && json_parse(ctx, body, &JSON_LIMITS_WIRE, &decision) == FM_OK &&
            str_eq(json_text(json_get(decision, S("severity"))), S("minor"))) {
            return BACKTEST_APPROVED;
        }
        return BACKTEST_MODIFIED;
    case DECISION_REJECT:
        return BACKTEST_REJECTED;
    case DECISION_RETURN:
        return BACKTEST_RETURNED;
    default:
        return BACKTEST_UNDECIDED;
    }
}

static bool ended_without(enum proposal_state state)
{
    return state == PROPOSAL_REJECTED || state == PROPOSAL_EXPIRED || state == PROPOSAL_WITHDRAWN ||
           state == PROPOSAL_RETURNED;
}

/* The recorded verdict, without what a reviewer's edit was told; false when it cannot be read. */
static bool read_verdict(struct ctx *ctx, struct str assessment, struct backtest_case *one)
{
    const struct json *json;
    struct str name;

    if (assess_has_edited(assessment) &&
        assess_without_edited(ctx, assessment, &assessment) != FM_OK) {
        return false;
    }
    if (json_parse(ctx, assessment, &JSON_LIMITS_WIRE, &json) != FM_OK) {
        return false;
    }
    name = json_text(json_get(json, S("verdict")));
    one->reasons = json_get(json, S("reasons"));
    for (unsigned verdict = VERDICT_ALLOW; verdict <= VERDICT_BLOCK; verdict++) {
        if (str_eq(name, str_of(verdict_name((enum verdict)verdict)))) {
            one->verdict = (enum verdict)verdict;
            return true;
        }
    }
    return false;
}

static void read_case(struct ctx *ctx, struct history *h, struct store_rows *rows,
                      struct backtest_case *one)
{
    static const struct known_agent nobody = {STR("?"), STR(""), STR("")};
    enum proposal_state state = (enum proposal_state)rows_int(rows, 6);
    int64_t agent_row = rows_int(rows, 2);
    const struct known_agent *agent = map_find(h->agents, row_bytes(&agent_row));
    int64_t decided_at = rows_int(rows, 12);

    agent = agent ? agent : &nobody;
    *one = (struct backtest_case){
        .action = rows_bytes(rows, 3),
        .agent_id = agent->id,
        .agent_name = agent->name,
        .owner = agent->owner,
        .at_us = rows_int(rows, 5),
        .queue = rows_is_null(rows, 8) ? rows_bytes(rows, 7) : rows_bytes(rows, 8),
        .respond_within_us = rows_int(rows, 9),
        .decision = decision_of(ctx, rows),
        .ended_at_us = decided_at ? decided_at : rows_int(rows, 13),
        .ended = ended_without(state),
    };
    one->has_verdict = read_verdict(ctx, rows_bytes(rows, 4), one);
}

static enum fm_err replay_row(struct history *h, struct store_rows *rows)
{
    struct backtest_case one;
    struct id id = rows_id(rows, 1);
    char text[ID_TEXT_MAX];
    struct ctx ctx;

    h->next = rows_int(rows, 0) + 1;
    h->done++;
    if (rows_is_null(rows, 14)) {
        h->backtest->report.erased++;
        return FM_OK;
    }
    ctx_init(&ctx, h->arena);
    arena_reset(h->arena);
    read_case(&ctx, h, rows, &one);
    one.id = id_format(ID_PROPOSAL, id, text);
    if (json_parse(&ctx, rows_bytes(rows, 14), &JSON_LIMITS_WIRE, &one.request) != FM_OK) {
        return fail(h->ctx, FM_E_INTERNAL, "the request of %.*s cannot be read: %s",
                    STR_ARG(one.id), ctx.detail);
    }
    return backtest_add(h->ctx, h->backtest, &one);
}

static enum fm_err replay_rows(struct history *h, bool *more)
{
    struct store_rows *rows;
    enum fm_err err = FM_OK;
    size_t count = 0;

    h->ctx->err = FM_OK;
    TRY(store_query(
        h->ctx, h->conn, &SQL_CASES,
        ARGS(A_INT("$first", h->next), A_INT("$last", h->last), A_INT("$max", BATCH_MAX)), &rows));
    while (err == FM_OK && rows_next(h->ctx, rows)) {
        count++;
        err = replay_row(h, rows);
    }
    rows_done(rows);
    *more = count == BATCH_MAX;
    return err == FM_OK ? h->ctx->err : err;
}

/* From which time on proposals have to be replayed so that counts are right at `since`. */
static int64_t begin_of(const struct backtest *b)
{
    int64_t longest = 7 * DAY_US; /* of history */

    if ((b->options.policy->uses & POLICY_USES_RECIPIENTS) || b->options.since_us == 0) {
        return 0;
    }
    for (size_t i = 0; i < b->options.policy->budget_count; i++) {
        int64_t window_us = b->options.policy->budgets[i].window_us;
        longest = window_us > longest ? window_us : longest;
    }
    return b->options.since_us > longest ? b->options.since_us - longest : 0;
}

static enum fm_err find_range(struct history *h)
{
    int64_t count, since_us = begin_of(h->backtest);

    TRY(store_int(h->ctx, h->conn, &SQL_LAST, NO_ARGS, 0, &h->last));
    TRY(store_int(h->ctx, h->conn, &SQL_FIRST, ARGS(A_INT("$since", since_us)), 0, &h->next));
    if (h->next == 0) {
        h->last = 0; /* there is none */
    }
    TRY(store_int(h->ctx, h->conn, &SQL_COUNT,
                  ARGS(A_INT("$first", h->next), A_INT("$last", h->last)), 0, &count));
    h->total = (uint64_t)count;
    return FM_OK;
}

static enum fm_err replay_all(struct history *h)
{
    const struct backtest_options *options = &h->backtest->options;
    bool more = true;

    TRY(read_agents(h));
    TRY(find_range(h));
    while (more && h->next > 0) {
        enum fm_err err;
        if (options->progress && !options->progress(options->with, h->done, h->total)) {
            h->backtest->stopped = true;
            return FM_OK;
        }
        TRY(store_snapshot(h->ctx, h->conn));
        err = replay_rows(h, &more);
        store_snapshot_end(h->conn);
        TRY(err);
    }
    if (options->progress) {
        (void)options->progress(options->with, h->total, h->total);
    }
    return FM_OK;
}

enum fm_err backtest_history(struct ctx *ctx, struct store_conn *conn, struct backtest *backtest)
{
    struct history h = {.ctx = ctx, .conn = conn, .backtest = backtest};
    enum fm_err err;

    h.agents = map_new();
    h.arena = arena_new(RECORDS_ARENA_MAX);
    err = h.agents && h.arena ? replay_all(&h) : fail_memory(ctx);
    map_free(h.agents);
    arena_free(h.arena);
    return err;
}
