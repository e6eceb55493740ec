/* SPDX-License-Identifier: Apache-2.0
 *
 * A stored proposal on the scales again: when a person approves or edits it, and when an approval
 * is released, the policy of that moment has the last word on what would run.
 *
 * 1. All of the policy is asked: rules that count too, and budgets. What the proposal itself has
 *    counted for is out, so that it never stands in its own way.
 * 2. Only what binds people is compared: block, the queue, the mode. A person has looked: warm-up,
 *    coin, `earn` and further reasons to review turn nobody's approval back (docs/decisions/028).
 */
#include "flow/flow_internal.h"

/* Whether the policy asks for more than the action's name. */
bool again_reads_requests(const struct policy *policy)
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
    w->again = p;
    w->input.action = p->action;
    if (!again_reads_requests(policy)) {
        return FM_OK;
    }
    TRY(read_case(ctx, conn, p, &w->request, &w->input.arguments));
    w->input.request = w->request;
    return FM_OK;
}

/* Comparing ---------------------------------------------------------------------------------- */

/* A rule or the catalogue names a queue that it is not in, and the person is in none of those. The
 * defaults' queue binds nobody: it is where nothing was said. */
static bool is_for_others(const struct policy *policy, const struct assessment *now,
                          const struct proposal *p, const struct person *person)
{
    bool is_named = now->queue_rule.p || (now->action && now->action->queue.p);
    bool is_there = str_eq(now->queue, p->queue) || str_eq(now->queue, p->first_queue);
    const struct policy_queue *queue = policy_queue(policy, now->queue);

    return is_named && !is_there &&
           !(queue && policy_queue_has(queue, person->name, person->roles));
}

enum lack again_compare(const struct policy *policy, const struct assessment *now,
                        const struct proposal *p, const struct person *person, int64_t at_us)
{
    if (now->verdict == VERDICT_BLOCK) {
        return LACKS_PERMISSION;
    }
    if (is_for_others(policy, now, p, person)) {
        return LACKS_PEOPLE;
    }
    return now->mode > (enum review_mode)p->mode && !review_was_read(p, person->row, at_us)
               ? LACKS_READING
               : LACKS_NOTHING;
}

enum fm_err again_blocked(struct ctx *ctx, const struct assessment *now, struct str pointer,
                          struct str action)
{
    const struct assess_reason *reason = &now->reasons[0];

    for (size_t i = 0; i < now->reason_count && reason->verdict != VERDICT_BLOCK; i++) {
        reason = &now->reasons[i];
    }
    if (!reason->rule.p) {
        return fail_at(ctx, FM_E_INVALID_ARGUMENT, pointer, "the policy blocks %.*s now: %.*s",
                       STR_ARG(action), STR_ARG(reason->text));
    }
    return fail_at(ctx, FM_E_INVALID_ARGUMENT, pointer,
                   "the policy blocks %.*s now, by the %s %.*s: %.*s", STR_ARG(action),
                   reason->source, STR_ARG(reason->rule), STR_ARG(reason->text));
}

/* Tightening --------------------------------------------------------------------------------- */

static void move_hold(struct flow *flow, const struct assessment *now, struct proposal *p,
                      int64_t now_us)
{
    p->queue = now->queue;
    p->respond_within_us = now->respond_within_us;
    p->on_expiry = now->on_expiry;
    review_hold(p, flow_policy_now(flow), now_us);
}

void again_oblige(const struct assessment *now, struct proposal *p)
{
    p->mode = now->mode > (enum review_mode)p->mode ? now->mode : (enum review_mode)p->mode;
    p->undo_us = now->undo_us > p->undo_us ? now->undo_us : p->undo_us;
}

enum fm_err again_tighten(struct flow *flow, struct ctx *ctx, struct assessment *now,
                          enum lack lack, bool edited, struct proposal *p, int64_t now_us)
{
    for (size_t i = 0; i < now->reason_count; i++) {
        now->reasons[i].edited = edited;
    }
    TRY(assess_add_stored(ctx, &p->assessment, now->reasons, now->reason_count));
    p->policy = flow->policy_row;
    again_oblige(now, p);
    if (lack == LACKS_PEOPLE) {
        move_hold(flow, now, p, now_us);
    }
    return FM_OK;
}

/* Releasing ---------------------------------------------------------------------------------- */

/* Whether the person's approval would be taken from them now. One who is in no queue of it any more
 * is told as a reason. */
static enum lack lack_now(struct ctx *ctx, const struct policy *policy, const struct proposal *p,
                          struct assessment *now)
{
    const struct directory *directory = directory_keep();
    const struct person *person = directory_person_by_row(directory, p->decided_by);
    enum lack lack = LACKS_MEMBERSHIP;
    struct ctx refusal;

    ctx_init(&refusal, ctx->arena);
    if (person && review_may_decide(&refusal, policy, person, p) == FM_OK) {
        lack = again_compare(policy, now, p, person, p->decided_at);
    } else if (now->verdict == VERDICT_BLOCK) {
        lack = LACKS_PERMISSION;
    }
    if (lack == LACKS_MEMBERSHIP) {
        assess_add(now, (struct assess_reason){
                            .source = "rule",
                            .verdict = VERDICT_REVIEW,
                            .text = STR("Whoever approved it may no longer decide in its queue")});
    }
    directory_drop(directory);
    return lack;
}

enum fm_err again_release(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                          struct proposal *p, int64_t now_us, struct assessment *now,
                          const char **why)
{
    struct assess_reason pause;
    struct weighing w;
    enum lack lack;
    bool paused = pause_reason(flow, ctx, p, &pause);

    TRY(flow_weighing(flow, ctx, conn, p, now_us, &w));
    TRY(weigh_again(&w, now));
    lack = lack_now(ctx, w.input.policy, p, now);
    *why = lack ? "policy_stricter" : paused ? "paused" : NULL;
    if (!*why) {
        return flow_charge_again(flow, ctx, conn, &w, now, p);
    }
    if (lack) {
        TRY(again_tighten(flow, ctx, now, lack, p->verdict == DECISION_MODIFY, p, now_us));
    }
    if (p->verdict == DECISION_MODIFY) { /* what was edited stays, for whoever decides next */
        p->edit_by = p->decided_by;
        p->edit_leaf = p->decision_leaf;
    }
    return paused ? assess_add_stored(ctx, &p->assessment, &pause, 1) : FM_OK;
}

enum fm_err again_charge_proposed(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                                  struct proposal *p, int64_t now_us)
{
    struct assessment now;
    struct weighing w;

    TRY(flow_weighing(flow, ctx, conn, p, now_us, &w));
    TRY(weigh_again(&w, &now));
    return flow_charge_again(flow, ctx, conn, &w, &now, p);
}
