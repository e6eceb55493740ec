/* SPDX-License-Identifier: Apache-2.0
 *
 * What follows a decision: a proposal is assessed again by the policy of now, a budget gets back
 * what was not approved, and what people approved becomes known.
 */
#include "flow/flow_internal.h"
#include "flow/windows.h"

/* Whether the policy asks for more than the action's name. */
static bool reads_requests(const struct policy *policy)
{
    return policy->env || policy->agent_count > 0 || policy->budget_count > 0;
}

/* The request as it was stored (NULL when erased), and the arguments that a reviewer put in place
 * of the proposed ones (NULL: none). */
static enum fm_err read_case(struct ctx *ctx, struct store_conn *conn, const struct proposal *p,
                             const struct json **request, const struct json **arguments)
{
    struct str payload;
    const struct json *decision = NULL;

    *request = *arguments = NULL;
    TRY(journal_payload(ctx, conn, (uint64_t)p->payload, &payload));
    if (payload.p) {
        TRY(json_parse(ctx, payload, &JSON_LIMITS_WIRE, request));
    }
    if (p->verdict != DECISION_MODIFY || p->decision_leaf < 0) {
        return FM_OK;
    }
    TRY(journal_payload(ctx, conn, (uint64_t)p->decision_leaf, &payload));
    if (payload.p) {
        TRY(json_parse(ctx, payload, &JSON_LIMITS_WIRE, &decision));
        *arguments = json_get(decision, S("arguments"));
    }
    return FM_OK;
}

enum fm_err flow_weighing(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                          const struct proposal *p, int64_t now_us, struct weighing *w)
{
    const struct policy *policy = flow_policy_now(flow);

    TRY(weighing_of(w, ctx, conn, policy, p->agent, now_us));
    w->input.action = p->action;
    if (!reads_requests(policy)) {
        return FM_OK;
    }
    TRY(read_case(ctx, conn, p, &w->request, &w->input.arguments));
    w->input.request = w->request;
    return FM_OK;
}

/* Nobody can say what the conditions of a request would give that was erased. */
enum fm_err flow_assess(struct ctx *ctx, const struct weighing *w, struct assessment *out)
{
    return assess(ctx, &w->input, out);
}

static enum fm_err let_go(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                          const struct proposal *p, int64_t now_us)
{
    const struct policy *policy = flow_policy_now(flow);
    const struct json *arguments;
    struct weighing w;

    if (flow->charged) {
        TRY(counter_keep(ctx, conn, p->row));
    }
    if (!policy->warm_up && !reads_requests(policy)) {
        return FM_OK;
    }
    TRY(flow_weighing(flow, ctx, conn, p, now_us, &w));
    arguments = w.input.arguments ? w.input.arguments : json_get(w.request, S("arguments"));
    return weigh_learn(&w, p, arguments);
}

enum fm_err flow_settle(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                        bool was_pending, const struct proposal *p, int64_t now_us)
{
    if (!was_pending || proposal_is_pending(p)) {
        return FM_OK;
    }
    if (p->state == PROPOSAL_APPROVED) {
        return let_go(flow, ctx, conn, p, now_us);
    }
    return flow->charged ? counter_give_back(ctx, conn, p->row) : FM_OK;
}

enum fm_err flow_charge_again(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                              const struct weighing *w, const struct assessment *assessment,
                              const struct proposal *p)
{
    if (!flow->charged) {
        return FM_OK;
    }
    TRY(counter_give_back(ctx, conn, p->row));
    return weigh_charge(flow, w, assessment, p->row, false);
}
