/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a change of the policy can move a hold to another queue, and so to other people. Of the
 * rules that match, the one with the shortest time to respond names the queue
 * (assess/conditions.c): a new rule that names one, or a time that is lowered, can take a hold from
 * those who decided it. And the backup of a queue joins at half of the time.
 *
 * It must never reason about which rules match together: any two may.
 */
#include "policy/inner.h"

/* Whether `a` names the queue where both match; as add_obligations() has it. */
static bool goes_before(const struct policy *policy, const struct policy_rule *a,
                        const struct policy_rule *b)
{
    int64_t own = a->respond_within_us, other = b->respond_within_us;

    own = own ? own : policy->respond_within_us;
    other = other ? other : policy->respond_within_us;
    return own < other || (own == other && str_cmp(a->id, b->id) < 0);
}

/* The rule of that id, where it names a queue. */
static const struct policy_rule *router(const struct policy *policy, struct str id)
{
    const struct policy_rule *rule = policy_rule(policy, id);

    return rule && rule->queue.p ? rule : NULL;
}

/* A hold to which no other rule gives a queue is in the action's, or in that of the defaults. */
static bool moves_from_base(const struct policy *from, struct str queue, struct str *instead)
{
    *instead = from->queue;
    if (!str_eq(from->queue, queue)) {
        return true;
    }
    for (size_t i = 0; i < from->action_count; i++) {
        *instead = from->actions[i].queue;
        if (instead->p && !str_eq(*instead, queue)) {
            return true;
        }
    }
    return false;
}

/* The leads, who have what falls to nobody, or people who decide in the queue anyway. */
static bool is_harmless(const struct policy_queue *backup, const struct policy_queue *queue)
{
    if (!backup || (backup->roles == ROLE_BIT(ROLE_LEAD) && backup->people.count == 0)) {
        return true;
    }
    for (size_t i = 0; i < backup->people.count; i++) {
        if (!policy_queue_has(queue, backup->people.items[i], 0)) {
            return false;
        }
    }
    return (backup->roles & ~queue->roles) == 0;
}

const struct policy_queue *routing_backup(const struct policy *policy)
{
    for (size_t i = 0; i < policy->queue_count; i++) {
        const struct policy_queue *queue = &policy->queues[i];
        if (queue->backup.p && !is_harmless(policy_queue(policy, queue->backup), queue)) {
            return queue;
        }
    }
    return NULL;
}

struct routing {
    const struct policy *from, *to;
    const struct policy_rule *
        *before; /* per rule of `to`: the one that routed before; NULL: none */
};

/* Another rule that named the queue where both match, and does no more. */
static bool moves_from_rule(const struct routing *r, size_t at, struct str *instead)
{
    const struct policy_rule *rule = &r->to->rules[at], *old = r->before[at];

    for (size_t i = 0; i < r->to->rule_count; i++) {
        const struct policy_rule *other = &r->to->rules[i];
        if (r->before[i] && !str_eq(other->queue, rule->queue) && goes_before(r->to, rule, other) &&
            (!old || goes_before(r->from, r->before[i], old))) {
            *instead = other->queue;
            return true;
        }
    }
    return false;
}

bool routing_compare(struct arena *scratch, const struct policy *from, const struct policy *to,
                     void (*visit)(void *with, const struct policy_rule *rule, struct str instead),
                     void *with)
{
    struct routing r = {from, to, arena_zalloc(scratch, to->rule_count + 1, sizeof(*r.before))};
    struct str instead;

    if (!r.before) {
        return false;
    }
    for (size_t i = 0; i < to->rule_count; i++) {
        r.before[i] = to->rules[i].queue.p ? router(from, to->rules[i].id) : NULL;
    }
    for (size_t i = 0; i < to->rule_count; i++) {
        const struct policy_rule *rule = &to->rules[i];
        if (rule->queue.p && ((!r.before[i] && moves_from_base(from, rule->queue, &instead)) ||
                              moves_from_rule(&r, i, &instead))) {
            visit(with, rule, instead);
        }
    }
    return true;
}
