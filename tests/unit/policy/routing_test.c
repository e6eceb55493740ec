/* SPDX-License-Identifier: Apache-2.0
 *
 * Which changes move a hold to another queue: held against what would become of every set of rules
 * that may match together.
 */
#include "../check.h"

#include "policy/inner.h"

#define RULES 4

static uint32_t random_state = 1;

static unsigned below(unsigned n)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 16) % n;
}

/* As assess/conditions.c says it: the shortest time names the queue, of equal ones the first id. */
static struct str queue_of(const struct policy *policy, unsigned ids, const struct str *action)
{
    struct str queue = *action, winner = STR_NONE;
    int64_t shortest = 0;

    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct policy_rule *rule = &policy->rules[i];
        int64_t us = rule->respond_within_us ? rule->respond_within_us : policy->respond_within_us;
        if (!(ids >> (rule->id.p[0] - 'a') & 1) || !rule->queue.p) {
            continue;
        }
        if (!winner.p || us < shortest || (us == shortest && str_cmp(rule->id, winner) < 0)) {
            queue = rule->queue;
            winner = rule->id;
            shortest = us;
        }
    }
    return queue;
}

/* Whether some hold changes its queue. */
static bool moves(const struct policy *from, const struct policy *to)
{
    for (unsigned ids = 0; ids < 1u << RULES; ids++) {
        for (size_t i = 0; i <= from->action_count; i++) {
            const struct str *base = i ? &from->actions[i - 1].queue : &from->queue;
            base = base->p ? base : &from->queue;
            if (!str_eq(queue_of(from, ids, base), queue_of(to, ids, base))) {
                return true;
            }
        }
    }
    return false;
}

static void count_move(void *with, const struct policy_rule *rule, struct str instead)
{
    EXPECT(rule->queue.p && instead.p && !str_eq(rule->queue, instead), "a move to where it was");
    ++*(size_t *)with;
}

static const struct str queues[] = {{NULL, 0}, STR("x"), STR("y"), STR("z")};
static const char ids[RULES + 1] = "abcd";

static void random_policy(struct policy *out, struct policy_rule rules[RULES],
                          struct policy_action actions[2], unsigned words)
{
    *out = (struct policy){.queue = queues[1 + words % 2],
                           .respond_within_us = 2,
                           .rules = rules,
                           .rule_count = RULES,
                           .actions = actions,
                           .action_count = 2};
    for (size_t i = 0; i < RULES; i++) {
        rules[i] = (struct policy_rule){
            .id = {&ids[i], 1}, .queue = queues[below(4)], .respond_within_us = below(4)};
    }
    for (size_t i = 0; i < 2; i++) {
        actions[i] = (struct policy_action){.queue = queues[below(3)]};
    }
}

/* What may change without being seen elsewhere: times, and which rules there are. */
static void change(const struct policy *from, struct policy *to, struct policy_rule rules[RULES])
{
    *to = *from;
    to->rules = rules;
    to->respond_within_us = 1 + (int64_t)below(3);
    for (size_t i = 0; i < RULES; i++) {
        rules[i] = from->rules[i];
        rules[i].respond_within_us = below(2) ? rules[i].respond_within_us : (int64_t)below(4);
    }
}

static void test_random(void **state)
{
    size_t moved = 0, kept = 0;

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        AUTO(arena_done) struct arena *arena = arena_new(MIB);
        struct policy_rule before[RULES], after[RULES];
        struct policy_action actions[2];
        struct policy from, to;
        size_t found = 0;
        random_policy(&from, before, actions, round);
        change(&from, &to, after);
        from.rule_count = below(RULES + 1); /* the others are new */
        EXPECT(routing_compare(arena, &from, &to, count_move, &found), "memory");
        EXPECT((found > 0) == moves(&from, &to), "round %u: %zu found", round, found);
        moved += found > 0;
        kept += found == 0;
    }
    EXPECT(moved > 1000 && kept > 1000, "%zu moved, %zu stayed", moved, kept);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};

    return CHECK_RUN(tests);
}
