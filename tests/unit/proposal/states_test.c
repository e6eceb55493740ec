/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a proposal as a table: is it sound, and does it say what the drawing says?
 */
#include "../check.h"

#include "proposal/proposal.h"

static const enum proposal_state first_states[] = {PROPOSAL_WAITING, PROPOSAL_APPROVED,
                                                   PROPOSAL_BLOCKED};

static bool is_final(int state)
{
    for (int to = 0; to < PROPOSAL_STATE_COUNT; to++) {
        if (proposal_may_become((enum proposal_state)state, (enum proposal_state)to) &&
            to != state) {
            return false;
        }
    }
    return true;
}

/* Everything that can come of `from`, itself included, as a set. */
static unsigned reach(int from)
{
    unsigned seen = 1u << from, before;

    do {
        before = seen;
        for (int a = 0; a < PROPOSAL_STATE_COUNT; a++) {
            for (int b = 0; b < PROPOSAL_STATE_COUNT; b++) {
                if (seen >> a & 1 &&
                    proposal_may_become((enum proposal_state)a, (enum proposal_state)b)) {
                    seen |= 1u << b;
                }
            }
        }
    } while (seen != before);
    return seen;
}

static void test_sound(void **state)
{
    unsigned reached = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(first_states); i++) {
        reached |= reach((int)first_states[i]);
    }
    for (int s = 0; s < PROPOSAL_STATE_COUNT; s++) {
        const char *name = proposal_state_name((enum proposal_state)s);
        bool can_end = false;

        EXPECT(reached >> s & 1, "%s can be reached", name);
        for (int end = 0; end < PROPOSAL_STATE_COUNT; end++) {
            can_end = can_end || (reach(s) >> end & 1 && is_final(end));
        }
        EXPECT(can_end, "%s can end", name);
    }
}

/* The states in which nothing more happens; an outcome may be corrected, which moves nothing. */
static void test_final(void **state)
{
    static const enum proposal_state finals[] = {PROPOSAL_SETTLED, PROPOSAL_REJECTED,
                                                 PROPOSAL_BLOCKED, PROPOSAL_EXPIRED,
                                                 PROPOSAL_WITHDRAWN};
    unsigned want = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(finals); i++) {
        want |= 1u << finals[i];
    }
    for (int s = 0; s < PROPOSAL_STATE_COUNT; s++) {
        EXPECT(is_final(s) == (want >> s & 1), "%s", proposal_state_name((enum proposal_state)s));
        EXPECT(proposal_may_become((enum proposal_state)s, (enum proposal_state)s) ==
                   (s == PROPOSAL_SETTLED),
               "%s to itself", proposal_state_name((enum proposal_state)s));
    }
}

static void test_pending(void **state)
{
    (void)state;
    for (int s = 0; s < PROPOSAL_STATE_COUNT; s++) {
        struct proposal p = {.state = (enum proposal_state)s};
        bool pending = strcmp(proposal_status(p.state), "pending") == 0;
        const char *name = proposal_state_name(p.state);

        EXPECT(pending == (s < PROPOSAL_PENDING_END), "%s: the indexes say so by its number", name);
        EXPECT(proposal_is_pending(&p) == pending, "%s", name);
        if (pending) { /* silence and a change of mind must always have a way out */
            EXPECT(proposal_may_become(p.state, PROPOSAL_EXPIRED), "%s can expire", name);
            EXPECT(proposal_may_become(p.state, PROPOSAL_WITHDRAWN), "%s can be withdrawn", name);
        }
        EXPECT(!proposal_may_become(p.state, PROPOSAL_BLOCKED), "%s is never blocked later", name);
    }
}

/* What must never be possible, whatever else the table says. */
static const struct {
    const char *why;
    enum proposal_state from, to;
} forbidden[] = {
    {"a rejection stands", PROPOSAL_REJECTED, PROPOSAL_APPROVED},
    {"a rejection is not undone", PROPOSAL_REJECTED, PROPOSAL_WAITING},
    {"blocked stays blocked", PROPOSAL_BLOCKED, PROPOSAL_APPROVED},
    {"blocked is not asked again", PROPOSAL_BLOCKED, PROPOSAL_WAITING},
    {"silence never approves", PROPOSAL_EXPIRED, PROPOSAL_APPROVED},
    {"what is withdrawn stays so", PROPOSAL_WITHDRAWN, PROPOSAL_APPROVED},
    {"a return needs a revision first", PROPOSAL_RETURNED, PROPOSAL_APPROVED},
    {"a used permit is not used again", PROPOSAL_REDEEMED, PROPOSAL_APPROVED},
    {"nor expires", PROPOSAL_REDEEMED, PROPOSAL_EXPIRED},
    {"nor is held again", PROPOSAL_REDEEMED, PROPOSAL_WAITING},
    {"a released approval is not undone", PROPOSAL_APPROVED, PROPOSAL_WAITING},
    {"nor rejected", PROPOSAL_APPROVED, PROPOSAL_REJECTED},
    {"nor withdrawn", PROPOSAL_APPROVED, PROPOSAL_WITHDRAWN},
    {"only what was approved is redeemed", PROPOSAL_WAITING, PROPOSAL_REDEEMED},
    {"not even during the undo time", PROPOSAL_UNDO, PROPOSAL_REDEEMED},
    {"an outcome ends it", PROPOSAL_SETTLED, PROPOSAL_APPROVED},
    {"an undone approval is not a rejection", PROPOSAL_UNDO, PROPOSAL_REJECTED},
};

static void test_forbidden(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(forbidden); i++) {
        EXPECT(!proposal_may_become(forbidden[i].from, forbidden[i].to), "%s", forbidden[i].why);
    }
    EXPECT(!(reach(PROPOSAL_EXPIRED) >> PROPOSAL_REDEEMED & 1), "nothing executes after an expiry");
}

static void test_statuses(void **state)
{
    static const char *const statuses[] = {"pending", "approved", "returned", "rejected",
                                           "blocked", "expired",  "withdrawn"};
    bool seen[COUNT_OF(statuses)] = {false};

    (void)state;
    for (int s = 0; s < PROPOSAL_STATE_COUNT; s++) {
        bool known = false;
        for (size_t i = 0; i < COUNT_OF(statuses); i++) {
            if (strcmp(proposal_status((enum proposal_state)s), statuses[i]) == 0) {
                known = seen[i] = true;
            }
        }
        EXPECT(known, "%s is no status of the wire", proposal_status((enum proposal_state)s));
    }
    for (size_t i = 0; i < COUNT_OF(statuses); i++) {
        EXPECT(seen[i], "no state reads as %s", statuses[i]);
    }
    EXPECT(strcmp(decision_verdict_name(DECISION_APPROVE), "approve") == 0 &&
               strcmp(decision_verdict_name(DECISION_RETURN), "return") == 0,
           "verdicts");
    EXPECT(strcmp(outcome_status_name(OUTCOME_REVERTED), "reverted") == 0, "outcomes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound),    cmocka_unit_test(test_final),
        cmocka_unit_test(test_pending),  cmocka_unit_test(test_forbidden),
        cmocka_unit_test(test_statuses),
    };

    return CHECK_RUN(tests);
}
