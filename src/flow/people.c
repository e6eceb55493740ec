/* SPDX-License-Identifier: Apache-2.0
 *
 * What people do with a held proposal.
 */
#include "autonomy/autonomy.h"
#include "flow/flow_internal.h"

/* The directory of the committer's thread is the newest. */
enum fm_err flow_check_stands(struct ctx *ctx, const struct person *person)
{
    const struct directory *directory = directory_keep();
    const struct person *now = directory_person_by_row(directory, person->row);
    bool stands = now && !now->deactivated && !now->must_change && now->roles == person->roles;

    directory_drop(directory);
    return stands ? FM_OK
                  : fail(ctx, FM_E_FORBIDDEN, "your account has changed: load the page again");
}

enum fm_err flow_check_caller(struct ctx *ctx, const struct flow_caller *caller)
{
    return caller->person ? flow_check_stands(ctx, caller->person) : FM_OK;
}

/* What every change by a person begins with: it is there, they may see it, they may decide it. */
static enum fm_err find_decidable(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                                  const struct flow_caller *caller, struct id id, struct proposal *out)
{
    TRY(flow_check_stands(ctx, caller->person));
    TRY(flow_find(flow, ctx, conn, caller, id, out));
    return review_may_decide(ctx, flow_policy_now(flow), caller->person, out);
}

enum fm_err flow_claim(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                       const struct flow_caller *caller, struct id id, struct proposal *out)
{
    int64_t now_us = clock_now_us();
    enum proposal_state before;
    int64_t holder;

    TRY(find_decidable(flow, ctx, conn, caller, id, out));
    before = out->state;
    holder = out->claimed_by;
    TRY(review_claim(ctx, conn, out, caller->person, now_us));
    if (before != PROPOSAL_CLAIMED || holder != out->claimed_by) {
        flow_note(flow, JOURNAL_PROPOSAL_CLAIMED, out, now_us);
    }
    return FM_OK;
}

enum fm_err flow_unclaim(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                         const struct flow_caller *caller, struct id id, struct proposal *out)
{
    int64_t now_us = clock_now_us();
    enum proposal_state before;

    TRY(find_decidable(flow, ctx, conn, caller, id, out));
    before = out->state;
    TRY(review_unclaim(ctx, conn, out, caller->person, now_us));
    if (before != out->state) {
        flow_note(flow, JOURNAL_PROPOSAL_UNCLAIMED, out, now_us);
    }
    return FM_OK;
}

enum fm_err flow_check_via(struct ctx *ctx, const struct policy *policy, enum decide_via via)
{
    if (policy->decide_by & (unsigned)via) {
        return FM_OK;
    }
    return fail(ctx, FM_E_FORBIDDEN,
                "the policy does not let a personal token decide (`decide_by`): use the page");
}

/* The proposed arguments, for the list of changes and for the digest of an unchanged approval. */
static enum fm_err read_proposed(struct ctx *ctx, struct store_conn *conn, const struct proposal *p,
                                 const struct json **arguments)
{
    struct str request;
    const struct json *tree;

    TRY(journal_payload(ctx, conn, (uint64_t)p->payload, &request));
    if (!request.p) {
        return fail(ctx, FM_E_NOT_FOUND, "its content was erased");
    }
    TRY(json_parse(ctx, request, &JSON_LIMITS_WIRE, &tree));
    *arguments = json_get(tree, S("arguments"));
    return *arguments ? FM_OK : fail(ctx, FM_E_INTERNAL, "a request without arguments");
}

/* What a change of the arguments asks for: another queue's people, more reading, more time to
 * undo. */
static enum fm_err oblige(struct ctx *ctx, const struct policy *policy, const struct person *person,
                          const struct assessment *now, struct proposal *p)
{
    const struct policy_queue *queue = now->queue_rule.p ? policy_queue(policy, now->queue) : NULL;
    bool elsewhere = queue && !str_eq(now->queue, p->queue) && !str_eq(now->queue, p->first_queue);

    if (elsewhere && !policy_queue_has(queue, person->name, person->roles)) {
        return fail(
            ctx, FM_E_NOT_QUALIFIED,
            "with these arguments the rule %.*s sends it to the queue %.*s: return it to the "
            "agent, or let a member of that queue decide",
            STR_ARG(now->queue_rule), STR_ARG(now->queue));
    }
    p->mode = now->mode > (enum review_mode)p->mode ? now->mode : (enum review_mode)p->mode;
    p->undo_us = now->undo_us > p->undo_us ? now->undo_us : p->undo_us;
    return FM_OK;
}

/* What would run is assessed again, by the policy of now: `block` refuses it. */
static enum fm_err assess_again(struct flow *flow, struct ctx *ctx,
                                const struct flow_caller *caller,
                                const struct decision_request *decision, struct weighing *w,
                                struct proposal *p, struct assessment *out)
{
    if (decision->arguments) {
        w->input.arguments = decision->arguments;
    }
    TRY(pause_refuse(flow, ctx, p, "it can be rejected or returned meanwhile"));
    TRY(flow_assess(ctx, w, out));
    if (out->verdict == VERDICT_BLOCK) {
        return fail_at(ctx, FM_E_INVALID_ARGUMENT, S("/verdict"), "the policy blocks %.*s now",
                       STR_ARG(p->action));
    }
    return decision->arguments ? oblige(ctx, w->input.policy, caller->person, out, p) : FM_OK;
}

enum fm_err flow_count_decision(struct ctx *ctx, struct store_conn *conn, const struct proposal *p,
                                int64_t verdict, int by)
{
    static const enum tally_kind kinds[] = {
        [DECISION_APPROVE] = TALLY_APPROVED,
        [DECISION_MODIFY] = TALLY_MODIFIED,
        [DECISION_REJECT] = TALLY_REJECTED,
        [DECISION_RETURN] = TALLY_RETURNED,
    };

    return tally_add(ctx, conn, p->agent, p->category, kinds[verdict], by);
}

/* The steps before a person's decision is written: what they decided on, and whether it may run. */
static enum fm_err prepare_decision(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                                    const struct flow_caller *caller,
                                    struct decision_request *decision, struct proposal *p,
                                    struct weighing *w, struct assessment *now)
{
    bool was_pending = proposal_is_pending(p);

    if (!decision->arguments) {
        decision->arguments_digest = p->arguments_digest;
    } else if (was_pending) {
        TRY(intake_check_schema(ctx, flow_policy_now(flow), p->action, decision->arguments));
        TRY(read_proposed(ctx, conn, p, &decision->proposed));
    }
    if (!was_pending || decision->verdict > DECISION_MODIFY) {
        return FM_OK;
    }
    TRY(flow_weighing(flow, ctx, conn, p, clock_now_us(), w));
    return assess_again(flow, ctx, caller, decision, w, p, now);
}

enum fm_err flow_decide(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                        const struct flow_caller *caller, struct id id,
                        struct decision_request *decision, struct proposal *out)
{
    int64_t now_us = clock_now_us();
    const struct policy *policy = flow_policy_now(flow);
    const struct policy_action *action;
    struct assessment now = {0};
    struct weighing w;
    bool was_pending;

    TRY(find_decidable(flow, ctx, conn, caller, id, out));
    TRY(flow_check_via(ctx, policy, caller->via));
    was_pending = proposal_is_pending(out);
    action = policy_action(policy, out->action);
    TRY(prepare_decision(flow, ctx, conn, caller, decision, out, &w, &now));
    TRY(review_decide(ctx, conn, out, caller->person, caller->via, decision,
                      action ? action->critical : (struct policy_list){NULL, 0}, policy->valid_for_us,
                      now_us));
    if (now.begun) {
        TRY(flow_charge_again(flow, ctx, conn, &w, &now, out));
    }
    TRY(flow_count_decision(ctx, conn, out, out->verdict, 1));
    TRY(flow_settle(flow, ctx, conn, was_pending, out, now_us));
    flow_tick(flow, TICK_DECIDED, out->action, (int)out->verdict,
              now_us -
                  (out->due_at - out->respond_within_us)); /* due_at: set when the hold began */
    return flow_moved(flow, ctx, conn, was_pending, JOURNAL_PROPOSAL_DECIDED, out, now_us);
}

enum fm_err flow_undo(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                      const struct flow_caller *caller, struct id id, struct proposal *out)
{
    int64_t now_us = clock_now_us(), verdict;

    TRY(find_decidable(flow, ctx, conn, caller, id, out));
    verdict = out->verdict;
    TRY(review_undo(ctx, conn, out, caller->person, now_us));
    TRY(flow_count_decision(ctx, conn, out, verdict, -1));
    return flow_moved(flow, ctx, conn, true, JOURNAL_PROPOSAL_UNDONE, out, now_us);
}

enum fm_err flow_comment(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                         const struct flow_caller *caller, struct id id, struct str text,
                         struct id *comment, int64_t *at_us, struct proposal *out)
{
    int64_t now_us = clock_now_us();

    *at_us = now_us;
    TRY(flow_check_stands(ctx, caller->person));
    TRY(flow_find(flow, ctx, conn, caller, id, out));
    TRY(review_comment(ctx, conn, out, caller->person, text, now_us, comment));
    flow_note(flow, JOURNAL_PROPOSAL_COMMENTED, out, now_us);
    return FM_OK;
}
