/* SPDX-License-Identifier: Apache-2.0
 *
 * What follows a decision: a budget gets back what was not approved, and what people approved
 * becomes known.
 */
#include "flow/flow_internal.h"
#include "flow/windows.h"

static enum fm_err let_go(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                          const struct proposal *p, const struct assessment *now, int64_t now_us)
{
    const struct policy *policy = flow_policy_now(flow);
    const struct json *arguments;
    struct weighing w;

    if (flow->charged) {
        TRY(counter_keep(ctx, conn, p->row));
    }
    if (!policy->warm_up && !again_reads_requests(policy)) {
        return FM_OK;
    }
    TRY(flow_weighing(flow, ctx, conn, p, now_us, &w));
    arguments = w.input.arguments ? w.input.arguments : json_get(w.request, S("arguments"));
    return weigh_learn(&w, p, arguments, now);
}

enum fm_err flow_settle(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                        bool was_pending, const struct proposal *p, const struct assessment *now,
                        int64_t now_us)
{
    if (!was_pending || proposal_is_pending(p)) {
        return FM_OK;
    }
    if (p->state == PROPOSAL_APPROVED) {
        return let_go(flow, ctx, conn, p, now, now_us);
    }
    return flow->charged ? counter_give_back(ctx, conn, p->row) : FM_OK;
}

enum fm_err flow_charge_again(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                              const struct weighing *w, const struct assessment *assessment,
                              struct proposal *p)
{
    TRY(weigh_history_again(w, p));
    if (flow->charged) {
        TRY(counter_give_back(ctx, conn, p->row));
    }
    return weigh_charge(flow, w, assessment, p->row, false);
}
