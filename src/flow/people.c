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

/* A decision on its way: on what it is made, and what the policy says of that now. */
struct deciding {
    struct flow *flow;
    const struct flow_caller *caller;
    struct decision_request *decision;
    struct policy_list critical;
    struct weighing w;
    struct assessment now; /* begun: it is an approval */
    int64_t now_us;
};

/* What would run is weighed by the policy of now, without what it was charged itself. */
static enum fm_err weigh_decision(struct deciding *d, struct ctx *ctx, struct store_conn *conn,
                                  const struct proposal *p)
{
    struct decision_request *decision = d->decision;

    if (!decision->arguments) {
        decision->arguments_digest = p->arguments_digest;
    } else {
        TRY(intake_check_schema(ctx, flow_policy_now(d->flow), p->action, decision->arguments));
        TRY(read_proposed(ctx, conn, p, &decision->proposed));
    }
    if (decision->verdict > DECISION_MODIFY) {
        return FM_OK;
    }
    TRY(pause_refuse(d->flow, ctx, p, "it can be rejected or returned meanwhile"));
    TRY(flow_weighing(d->flow, ctx, conn, p, d->now_us, &d->w));
    if (decision->arguments) {
        d->w.input.arguments = decision->arguments;
    }
    return weigh_again(&d->w, &d->now);
}

/* It takes others, or more reading: the proposal stays pending for them, with what the person would
 * have changed. */
static enum fm_err hand_over(struct deciding *d, struct ctx *ctx, struct store_conn *conn,
                             enum lack lack, struct proposal *p)
{
    struct str from = p->queue;
    struct proposal told;

    TRY(again_tighten(d->flow, ctx, &d->now, lack, d->decision->arguments != NULL, p, d->now_us));
    TRY(review_hand_over(ctx, conn, p, d->caller->person, d->decision, d->critical, from,
                         d->now_us));
    told = *p;
    told.first_queue = from; /* who had it so far is told, too */
    flow_note(d->flow, JOURNAL_PROPOSAL_TIGHTENED, &told, d->now_us);
    return FM_OK;
}

static enum fm_err record_decision(struct deciding *d, struct ctx *ctx, struct store_conn *conn,
                                   struct proposal *p)
{
    struct flow *flow = d->flow;

    if (d->now.begun) {
        again_oblige(&d->now, p);
    }
    TRY(review_decide(ctx, conn, p, d->caller->person, d->caller->via, d->decision, d->critical,
                      flow_policy_now(flow)->valid_for_us, d->now_us));
    if (d->now.begun) {
        TRY(flow_charge_again(flow, ctx, conn, &d->w, &d->now, p));
    }
    TRY(flow_count_decision(ctx, conn, p, p->verdict, 1));
    TRY(flow_settle(flow, ctx, conn, true, p, d->now.begun ? &d->now : NULL, d->now_us));
    flow_tick(flow, TICK_DECIDED, p->action, (int)p->verdict,
              d->now_us - (p->due_at - p->respond_within_us)); /* due_at: set when the hold began */
    return flow_moved(flow, ctx, conn, true, JOURNAL_PROPOSAL_DECIDED, p, d->now_us);
}

enum fm_err flow_decide(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                        const struct flow_caller *caller, struct id id,
                        struct decision_request *decision, struct proposal *out)
{
    struct deciding d = {
        .flow = flow, .caller = caller, .decision = decision, .now_us = clock_now_us()};
    const struct policy *policy = flow_policy_now(flow);
    const struct policy_action *action;
    enum lack lack = LACKS_NOTHING;

    TRY(find_decidable(flow, ctx, conn, caller, id, out));
    TRY(flow_check_via(ctx, policy, caller->via));
    TRY(review_check(ctx, conn, out, caller->person, decision, d.now_us));
    action = policy_action(policy, out->action);
    d.critical = action ? action->critical : (struct policy_list){NULL, 0};
    TRY(weigh_decision(&d, ctx, conn, out));
    if (d.now.begun) {
        lack = again_compare(policy, &d.now, out, caller->person, d.now_us);
    }
    if (lack == LACKS_PERMISSION) {
        return again_blocked(ctx, &d.now, S("/verdict"), out->action);
    }
    return lack ? hand_over(&d, ctx, conn, lack, out) : record_decision(&d, ctx, conn, out);
}

enum fm_err flow_undo(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                      const struct flow_caller *caller, struct id id, struct proposal *out)
{
    int64_t now_us = clock_now_us(), verdict;

    TRY(find_decidable(flow, ctx, conn, caller, id, out));
    verdict = out->verdict;
    TRY(review_undo(ctx, conn, out, caller->person, now_us));
    TRY(flow_count_decision(ctx, conn, out, verdict, -1));
    if (verdict == DECISION_MODIFY) {
        TRY(again_charge_proposed(flow, ctx, conn, out, now_us));
    }
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
