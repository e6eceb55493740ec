/* SPDX-License-Identifier: Apache-2.0
 *
 * Routing: which queue a hold is in, until when, and who may see and decide it.
 */
#include "review/review.h"

void review_hold(struct proposal *proposal, const struct policy *policy, int64_t now_us)
{
    const struct policy_queue *queue = policy_queue(policy, proposal->queue);

    proposal->first_queue = proposal->queue;
    proposal->due_at = now_us + proposal->respond_within_us;
    proposal->escalate_at =
        queue && queue->backup.p ? now_us + proposal->respond_within_us / 2 : 0;
    proposal->escalations = 0;
}

#define DECIDING_ROLES (ROLE_BIT(ROLE_REVIEWER) | ROLE_BIT(ROLE_LEAD))
#define SEES_ALL_ROLES (ROLE_BIT(ROLE_LEAD) | ROLE_BIT(ROLE_AUDITOR) | ROLE_BIT(ROLE_POLICY))

/* Members of the queue it is in, and of the one it came from: escalation adds people. A queue that the
 * policy in force no longer has falls to the leads. */
static bool is_member(const struct policy *policy, struct str name, const struct person *person)
{
    const struct policy_queue *queue = policy_queue(policy, name);

    return queue ? policy_queue_has(queue, person->name, person->roles)
                 : (person->roles & ROLE_BIT(ROLE_LEAD)) != 0;
}

static bool is_routed_to(const struct policy *policy, const struct person *person,
                         const struct proposal *proposal)
{
    return is_member(policy, proposal->queue, person) ||
           is_member(policy, proposal->first_queue, person);
}

bool review_may_see(const struct policy *policy, const struct person *person,
                    const struct proposal *proposal)
{
    if (person->roles & SEES_ALL_ROLES) {
        return true;
    }
    return (person->roles & ROLE_BIT(ROLE_REVIEWER)) && proposal->queue.p &&
           is_routed_to(policy, person, proposal);
}

enum fm_err review_may_decide(struct ctx *ctx, const struct policy *policy, const struct person *person,
                              const struct proposal *proposal)
{
    if (!(person->roles & DECIDING_ROLES)) {
        return fail(ctx, FM_E_FORBIDDEN, "deciding needs the role reviewer or lead");
    }
    if (!proposal->queue.p || !is_routed_to(policy, person, proposal)) {
        return fail(ctx, FM_E_NOT_QUALIFIED, "not a member of the queue %.*s",
                    STR_ARG(proposal->queue));
    }
    return FM_OK;
}
