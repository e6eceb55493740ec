/* SPDX-License-Identifier: Apache-2.0
 *
 * Which rules of a policy would match one proposal of the past, whatever they then say.
 */
#include "backtest/backtest.h"
#include "journal/journal.h"

#define REQUEST_MEMORY_MAX (48 * MIB) /* as much as one may have when it is proposed */

SQL(SQL_AGENT, "SELECT a.id, a.name, p.name FROM agents a LEFT JOIN people p ON p.row = a.owner"
               " WHERE a.row = $row");

static enum fm_err count_matches(struct ctx *ctx, const struct policy *policy,
                                 const struct backtest_case *one, uint64_t *matched)
{
    const struct assess_input input = {
        .policy = policy,
        .action = one->action,
        .request = one->request,
        .agent_id = one->agent_id,
        .agent_name = one->agent_name,
        .owner = one->owner,
        .now_us = one->at_us,
        .unexplained = true,
        .matched = matched,
    };
    struct assessment *assessment = arena_zalloc(ctx->arena, 1, sizeof(*assessment));

    return assessment ? assess_begin(ctx, &input, assessment) : fail_memory(ctx);
}

static enum fm_err read_agent(struct ctx *ctx, struct store_conn *conn, int64_t row,
                              struct backtest_case *one)
{
    struct store_rows *rows;

    one->agent_id = one->agent_name = one->owner = S("");
    TRY(store_query(ctx, conn, &SQL_AGENT, ARGS(A_INT("$row", row)), &rows));
    if (rows_next(ctx, rows)) {
        char text[ID_TEXT_MAX];
        one->agent_id = arena_copy(ctx->arena, id_format(ID_AGENT, rows_id(rows, 0), text));
        one->agent_name = arena_copy(ctx->arena, rows_bytes(rows, 1));
        one->owner = rows_is_null(rows, 2) ? S("") : arena_copy(ctx->arena, rows_bytes(rows, 2));
    }
    rows_done(rows);
    return one->agent_id.p && one->agent_name.p && one->owner.p ? ctx->err : fail_memory(ctx);
}

static enum fm_err judge(struct ctx *ctx, struct store_conn *conn, const struct policy *policy,
                         const struct edge_case_example *example, uint64_t *matched)
{
    struct backtest_case one = {.action = example->action, .at_us = example->created_at};
    struct str request;

    TRY(journal_payload(ctx, conn, (uint64_t)example->payload, &request));
    if (!request.p) { /* erased: nobody can say */
        return FM_OK;
    }
    TRY(read_agent(ctx, conn, example->agent, &one));
    TRY(json_parse(ctx, request, &JSON_LIMITS_WIRE, &one.request));
    return count_matches(ctx, policy, &one, matched);
}

/* In a memory of its own, as large requests must not add up. */
enum fm_err backtest_caught(struct ctx *ctx, struct store_conn *conn, const struct policy *policy,
                            const struct edge_case_example *example, uint64_t *matched)
{
    struct arena *arena = arena_new(REQUEST_MEMORY_MAX);
    struct ctx own;
    enum fm_err err;

    if (!arena) {
        return fail_memory(ctx);
    }
    ctx_init(&own, arena);
    err = judge(&own, conn, policy, example, matched);
    if (err != FM_OK) {
        err = fail(ctx, err, "%s", own.detail);
    }
    arena_free(arena);
    return err;
}

bool backtest_catches(const struct policy_rule *rule)
{
    return rule->has_then && rule->then >= VERDICT_REVIEW;
}
