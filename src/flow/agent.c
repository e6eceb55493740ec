/* SPDX-License-Identifier: Apache-2.0
 *
 * What agents do with a proposal of theirs: withdraw it, redeem its permit, report its outcome.
 */
#include "flow/flow_internal.h"

static struct actor by_agent(const struct flow_caller *caller)
{
    return (struct actor){ACTOR_AGENT, caller->agent->id};
}

enum fm_err flow_supersede(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                           const struct flow_caller *caller, struct id id, struct id by,
                           struct proposal *out)
{
    AUTO(buf_done) struct buf data = BUF_INIT(KIB);
    struct json_out writer = JSON_OUT(&data);
    int64_t now_us = clock_now_us();
    bool was_pending;

    TRY(flow_find(flow, ctx, conn, caller, id, out));
    was_pending = proposal_is_pending(out);
    if (!proposal_may_become(out->state, PROPOSAL_WITHDRAWN)) {
        return review_ended(ctx, conn, out);
    }
    TRY(review_refuse_overdue(ctx, conn, out, now_us));
    if (out->state == PROPOSAL_UNDO) { /* the agent never saw that decision: it does not stand */
        TRY(flow_count_decision(ctx, conn, out, out->verdict, -1));
        out->verdict = out->decided_by = out->decided_at = out->via = 0;
        out->decision = out->permit = (struct id){{0}};
        out->decision_leaf = -1;
    }
    out->ended_by = caller->agent->id;
    if (!id_is_zero(by)) {
        jo_m_id(&writer, "superseded_by", ID_PROPOSAL, by);
    }
    TRY(proposal_move(ctx, conn, out, PROPOSAL_WITHDRAWN,
                      (struct journal_event){.kind = JOURNAL_PROPOSAL_WITHDRAWN,
                                             .by = by_agent(caller),
                                             .at_us = now_us,
                                             .data = buf_str(&data)},
                      0));
    TRY(flow_settle(flow, ctx, conn, was_pending, out, NULL, now_us));
    return flow_moved(flow, ctx, conn, was_pending, JOURNAL_PROPOSAL_WITHDRAWN, out, now_us);
}

enum fm_err flow_withdraw(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                          const struct flow_caller *caller, struct id id, struct proposal *out)
{
    return flow_supersede(flow, ctx, conn, caller, id, (struct id){{0}}, out);
}

enum fm_err flow_outcome(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                         const struct flow_caller *caller, struct id id, enum outcome_status status,
                         struct str detail, struct proposal *out)
{
    int64_t now_us = clock_now_us();

    TRY(flow_find(flow, ctx, conn, caller, id, out));
    TRY(resume_outcome(ctx, conn, out, status, detail, by_agent(caller), now_us));
    flow_tick(flow, TICK_OUTCOME, STR_NONE, (int)status, 0);
    return flow_moved(flow, ctx, conn, false, JOURNAL_PROPOSAL_OUTCOME, out, now_us);
}

/* What was approved before the pause is not executed during it. */
static enum fm_err refuse_paused(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                                 const struct permit_claims *claims)
{
    struct proposal p;

    if (flow->paused_count == 0) { /* almost always: spares the reading */
        return FM_OK;
    }
    TRY(proposal_find(ctx, conn, claims->proposal, &p));
    return pause_refuse(flow, ctx, &p,
                        "redeem when it goes on: the approval stays until it expires");
}

enum fm_err flow_redeem(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                        const struct flow_caller *caller, const struct permit_claims *claims,
                        struct hash arguments, struct proposal *out)
{
    char own_id[ID_TEXT_MAX];
    int64_t now_us = clock_now_us();
    bool may = id_eq(claims->agent, caller->agent->id) ||
               str_eq(claims->audience, caller->agent->name) ||
               str_eq(claims->audience, id_format(ID_AGENT, caller->agent->id, own_id));

    if (!may) {
        return fail(ctx, FM_E_FORBIDDEN,
                    "this permit is for the agent that proposed and for the action's executor");
    }
    TRY(refuse_paused(flow, ctx, conn, claims));
    TRY(resume_redeem(ctx, conn, flow->issuer, claims, arguments, by_agent(caller), now_us, out));
    return flow_moved(flow, ctx, conn, false, JOURNAL_PERMIT_REDEEMED, out, now_us);
}
