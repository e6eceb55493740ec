/* SPDX-License-Identifier: Apache-2.0
 *
 * Counting for metrics: what commands did is noted like their news and becomes visible after
 * COMMIT, so that a command that was rolled back was never counted. Only names from the policy
 * become labels.
 */
#include "flow/flow_internal.h"

#include <stdio.h>

/* The place of an action among the counted; 0, `other`, when it has none. */
static unsigned action_index(struct flow *flow, struct str action)
{
    struct flow_counts *counts = &flow->counts;
    unsigned count = atomic_load_explicit(&counts->action_count, memory_order_relaxed);

    for (unsigned i = 1; i < count; i++) {
        if (str_eq(str_of(counts->actions[i].name), action)) {
            return i;
        }
    }
    if (count > FLOW_ACTIONS_COUNTED || action.n > ACTION_MAX ||
        !policy_action(flow_policy_now(flow), action)) {
        return 0;
    }
    (void)snprintf(counts->actions[count].name, ACTION_MAX + 1, "%.*s", STR_ARG(action));
    atomic_store_explicit(&counts->action_count, count + 1, memory_order_release);
    return count;
}

void flow_tick(struct flow *flow, enum flow_tick_kind kind, struct str action, int which,
               int64_t us)
{
    if (flow->tick_count < NEWS_MAX) {
        flow->ticks[flow->tick_count++] =
            (struct flow_tick){kind, action.n ? action_index(flow, action) : 0, which, us};
    }
}

static void count_one(struct flow_counts *counts, const struct flow_tick *tick)
{
    struct flow_action_counts *action = &counts->actions[tick->action];

    switch (tick->kind) {
    case TICK_ASSESSED:
        count_add(&action->assessed[tick->which], 1);
        break;
    case TICK_DECIDED:
        count_add(&action->decided[tick->which], 1);
        histogram_add(&counts->decision_us, tick->us);
        break;
    case TICK_EVENT:
        count_add(&counts->events[tick->which], 1);
        break;
    case TICK_OUTCOME:
        count_add(&counts->outcomes[tick->which], 1);
        break;
    case TICK_EXPIRED:
        count_add(tick->which ? &counts->expired_held : &counts->expired_approved, 1);
        break;
    }
}

void flow_ticks_commit(struct flow *flow)
{
    for (size_t i = 0; i < flow->tick_count; i++) {
        count_one(&flow->counts, &flow->ticks[i]);
    }
    flow->tick_count = 0;
}

const struct flow_counts *flow_counts(const struct flow *flow)
{
    return &flow->counts;
}
