/* SPDX-License-Identifier: Apache-2.0
 *
 * What time does: it releases, escalates, gives claims back and ends. It never approves.
 */
#include "story.h"

#define KEEP                                                                                       \
    "then: review, queue: general, mode: glance, undo: 5s, respond_within: 4h, on_expiry: keep,"   \
    " decide_by: [page], valid_for: 24h"

static struct proposal held_until(const char *deadline)
{
    struct proposal p;

    OK(submit(story.bot,
              arena_printf(world.arena,
                           "{\"action\":\"refund.issue\",\"arguments\":{},"
                           "\"deadline\":\"%s\"}",
                           deadline)
                  .p,
              &p));
    return p;
}

static void test_release(void **state)
{
    struct proposal p = held();

    (void)state;
    OK(decide(story.ana, &p, DECISION_APPROVE));
    EXPECT_STATE("decided", p, PROPOSAL_UNDO);
    pass(5 * SECOND_US - 1, &p);
    EXPECT_STATE("a microsecond before", p, PROPOSAL_UNDO);
    EXPECT(news_of(JOURNAL_PROPOSAL_RELEASED, &p) == 0, "nothing told");
    pass(1, &p);
    EXPECT_STATE("at the moment", p, PROPOSAL_APPROVED);
    EXPECT(news_of(JOURNAL_PROPOSAL_RELEASED, &p) == 1, "told once");
    EXPECT(p.decided_by == story.ana->row && p.verdict == DECISION_APPROVE, "the decision stands");
    EXPECT(p.approved_until == STORY_START_US + 5 * SECOND_US + DAY_US, "a day from the release");
    EXPECT(pending_of(story.bot) == 0, "no longer pending");
    pass(DAY_US - 1, &p);
    EXPECT_STATE("the last moment of the approval", p, PROPOSAL_APPROVED);
    pass(1, &p);
    EXPECT_STATE("void", p, PROPOSAL_EXPIRED);
    EXPECT(p.decided_by == story.ana->row, "who had approved it is still known");
    EXPECT(tally_of(&p).approved == 1 && tally_of(&p).expired == 0, "people did answer");
}

/* The policy became stricter during the undo time: people are asked again. */
static void test_release_blocked(void **state)
{
    struct proposal p = held();

    (void)state;
    OK(decide(story.ana, &p, DECISION_APPROVE));
    story_activate(STORY_DEFAULTS, "  refund.issue: {then: block}\n", STORY_LIMITS);
    pass(5 * SECOND_US, &p);
    EXPECT_STATE("back to people", p, PROPOSAL_WAITING);
    EXPECT(p.decided_by == 0 && p.verdict == 0 && id_is_zero(p.permit) && p.decision_leaf == -1 &&
               p.claimed_by == 0 && p.approved_until == 0,
           "nothing of the decision is left");
    EXPECT(tally_of(&p).approved == 0, "nor in the counts");
    EXPECT(news_of(JOURNAL_PROPOSAL_UNDONE, &p) == 1, "told");
    EXPECT(pending_of(story.bot) == 1, "it waits");
}

static void test_escalation(void **state)
{
    struct proposal p = held();

    (void)state;
    REFUSED(claim(story.aud, &p), FM_E_FORBIDDEN);
    pass(2 * HOUR_US - 1, &p);
    EXPECT_STR("in its queue", p.queue, S("general"));
    REFUSED(claim(story.lea, &p), FM_E_NOT_QUALIFIED);
    pass(1, &p);
    EXPECT_STR("at the backup", p.queue, S("leads"));
    EXPECT_STR("and it remembers", p.first_queue, S("general"));
    EXPECT(p.escalations == 1 && p.escalate_at == 0, "once");
    EXPECT_STR("in the log", last_kind(&p), S("proposal.escalated"));
    EXPECT(news_of(JOURNAL_PROPOSAL_ESCALATED, &p) == 1, "told");
    OK(claim(story.lea, &p));
    OK(unclaim(story.lea, &p));
    OK(claim(story.ana, &p));
    EXPECT_STATE("both may", p, PROPOSAL_CLAIMED);
    pass(2 * HOUR_US, &p);
    EXPECT_STATE("nobody answered", p, PROPOSAL_EXPIRED);
}

/* The hold of a queue without backup, and one whose backup the policy no longer has. */
static void test_no_backup(void **state)
{
    struct proposal side, p = held();

    (void)state;
    OK(submit(story.bot, "{\"action\":\"side.step\",\"arguments\":{}}", &side));
    EXPECT(side.escalate_at == 0, "nobody to escalate to");
    p.escalate_at = p.escalate_at ? p.escalate_at : 1;
    {
        const struct policy *policy = NULL;
        struct policy_finding findings[POLICY_FINDINGS_MAX];
        size_t count;
        struct story_cmd c = {.deed = ACTIVATE};

        OK(policy_parse(&world.ctx, S("p"),
                        S("version: 1\ndefaults: {then: review, queue: general}\n"
                          "queues: {general: {members: [role:reviewer]}}\n"),
                        findings, &count, &policy));
        c.policy = policy;
        OK(story_do(&c));
        policy_drop(policy);
    }
    pass(2 * HOUR_US, &p);
    EXPECT_STATE("it waits on", p, PROPOSAL_WAITING);
    EXPECT(p.escalations == 0 && p.escalate_at == 0, "without escalating");
    EXPECT(news_of(JOURNAL_PROPOSAL_ESCALATED, &p) == 0, "nothing to tell");
    EXPECT(p.next_at == p.due_at, "and the clock does not spin");
}

static void test_claim_over(void **state)
{
    struct proposal p = held();

    (void)state;
    OK(claim(story.ana, &p));
    pass(CLAIM_US - 1, &p);
    EXPECT_STATE("hers", p, PROPOSAL_CLAIMED);
    pass(1, &p);
    EXPECT_STATE("given back", p, PROPOSAL_WAITING);
    EXPECT(p.claimed_by == 0 && p.claimed_until == 0, "nobody's");
    EXPECT(news_of(JOURNAL_PROPOSAL_UNCLAIMED, &p) == 1, "told");
}

/* What a hold is in when its time is up, and what becomes of it. */
enum before { WAITS, IS_CLAIMED, IS_ESCALATED, IS_UNDO, IS_RETURNED };

static const struct {
    const char *name;
    bool keep, deadline; /* on_expiry: keep; the agent gave a deadline of 30 minutes */
    enum before before;
    int64_t pass_us;
    enum proposal_state after;
    int64_t expired; /* counted as not answered */
} ends[] = {
    {"due", false, false, WAITS, 4 * HOUR_US, PROPOSAL_EXPIRED, 1},
    {"due while somebody works on it", false, false, IS_CLAIMED, 4 * HOUR_US, PROPOSAL_EXPIRED, 1},
    {"due after it escalated", false, false, IS_ESCALATED, 4 * HOUR_US, PROPOSAL_EXPIRED, 1},
    {"kept: it waits", true, false, WAITS, 100 * DAY_US, PROPOSAL_WAITING, 0},
    {"kept, escalated: it waits", true, false, IS_ESCALATED, 100 * DAY_US, PROPOSAL_WAITING, 0},
    {"the agent's deadline", false, true, WAITS, 30 * MINUTE_US, PROPOSAL_EXPIRED, 1},
    {"the deadline, kept or not", true, true, WAITS, 30 * MINUTE_US, PROPOSAL_EXPIRED, 1},
    {"the deadline under a claim", false, true, IS_CLAIMED, 30 * MINUTE_US, PROPOSAL_EXPIRED, 1},
    {"before the deadline", false, true, WAITS, 30 * MINUTE_US - 1, PROPOSAL_WAITING, 0},
    {"the deadline of what was returned", false, true, IS_RETURNED, 30 * MINUTE_US,
     PROPOSAL_EXPIRED, 0},
    {"returned without a deadline", false, false, IS_RETURNED, 300 * DAY_US, PROPOSAL_RETURNED, 0},
};

static void bring(enum before before, struct proposal *p)
{
    switch (before) {
    case WAITS:
        break;
    case IS_CLAIMED:
        OK(claim(story.ana, p));
        break;
    case IS_ESCALATED:
        pass(2 * HOUR_US, p);
        EXPECT(p->escalations == 1, "escalated");
        story_advance(-2 * HOUR_US);
        break;
    case IS_UNDO:
        OK(decide(story.ana, p, DECISION_APPROVE));
        break;
    case IS_RETURNED:
        OK(decide(story.ana, p, DECISION_RETURN));
        break;
    }
}

static void test_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        struct proposal p;
        struct tally before, after;

        story_set_time(STORY_START_US);
        story_activate(ends[i].keep ? KEEP : STORY_DEFAULTS, STORY_ACTIONS, STORY_LIMITS);
        p = ends[i].deadline ? held_until("30m") : held();
        before = tally_of(&p);
        bring(ends[i].before, &p);
        pass(ends[i].pass_us, &p);
        after = tally_of(&p);
        EXPECT_STATE(ends[i].name, p, ends[i].after);
        EXPECT(after.expired - before.expired == ends[i].expired, "%s: counted", ends[i].name);
        if (p.state == PROPOSAL_EXPIRED) {
            EXPECT(p.next_at == 0, "%s: the clock is done with it", ends[i].name);
            EXPECT(id_is_zero(p.permit), "%s: no permit", ends[i].name);
        } else {
            OK(withdraw(story.bot, &p)); /* out of the next row's way */
        }
        EXPECT(pending_of(story.bot) == 0, "%s: ledger", ends[i].name);
    }
}

/* The agent's deadline falls into the undo time: the approval was never released, so it does not stand. */
static void test_deadline_in_undo_time(void **state)
{
    struct proposal p = held_until("3s");

    (void)state;
    OK(decide(story.ana, &p, DECISION_APPROVE));
    EXPECT(tally_of(&p).approved == 1, "counted when decided");
    pass(3 * SECOND_US, &p);
    EXPECT_STATE("too late", p, PROPOSAL_EXPIRED);
    EXPECT(p.verdict == 0 && p.decided_by == 0 && id_is_zero(p.permit) && id_is_zero(p.decision),
           "no trace");
    EXPECT(tally_of(&p).approved == 0 && tally_of(&p).expired == 1, "one proposal, one count");
}

/* The time is up, the clock has not come to it yet: nothing slips in between. */
enum late { APPROVE_LATE, REJECT_LATE, MODIFY_LATE, WITHDRAW_LATE, REVISE_LATE };

static const struct {
    const char *name;
    bool deadline; /* else the due time */
    enum before before;
    enum late late;
} lates[] = {
    {"approving what is due", false, WAITS, APPROVE_LATE},
    {"rejecting what is due", false, WAITS, REJECT_LATE},
    {"modifying what is due", false, WAITS, MODIFY_LATE},
    {"withdrawing what is due", false, WAITS, WITHDRAW_LATE},
    {"approving past the deadline", true, WAITS, APPROVE_LATE},
    {"approving past the deadline, in a claim", true, IS_CLAIMED, APPROVE_LATE},
    {"withdrawing past the deadline", true, WAITS, WITHDRAW_LATE},
    {"withdrawing past the deadline, in the undo time", true, IS_UNDO, WITHDRAW_LATE},
    {"revising past the deadline", true, IS_RETURNED, REVISE_LATE},
};

static enum fm_err do_late(enum late late, struct proposal *p)
{
    switch (late) {
    case APPROVE_LATE:
        return decide(story.ana, p, DECISION_APPROVE);
    case REJECT_LATE:
        return decide(story.ana, p, DECISION_REJECT);
    case MODIFY_LATE:
        return modify(story.ana, p, "{\"amount\":1}", false);
    case WITHDRAW_LATE:
        return withdraw(story.bot, p);
    case REVISE_LATE:
        return revise(story.bot, p, "{\"arguments\":{\"amount\":1}}");
    }
    return FM_E_INTERNAL;
}

static void test_late(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lates); i++) {
        struct proposal p, after;

        story_set_time(STORY_START_US);
        p = lates[i].deadline ? held_until("3s") : held();
        bring(lates[i].before, &p);
        story_advance(lates[i].deadline ? 3 * SECOND_US : 4 * HOUR_US);
        EXPECT(do_late(lates[i].late, &p) == FM_E_ALREADY_DECIDED, "%s: %s", lates[i].name,
               world.ctx.detail);
        EXPECT(world.ctx.members.p &&
                   strstr(world.ctx.members.p, "\"proposal_status\":\"expired\"") &&
                   (lates[i].before == IS_RETURNED ||
                    strstr(world.ctx.members.p, "\"decision\":null")),
               "%s: what stands: %s", lates[i].name, world.ctx.members.p);
        OK(proposal_find(&world.ctx, story.reader, p.id, &after));
        EXPECT(after.state == p.state && after.last_leaf == p.last_leaf, "%s: untouched",
               lates[i].name);
        pass(0, &after);
        EXPECT_STATE(lates[i].name, after, PROPOSAL_EXPIRED);
        EXPECT(tally_of(&after).approved == 0, "%s: not counted", lates[i].name);
        EXPECT(pending_of(story.bot) == 0, "%s: ledger", lates[i].name);
    }
}

/* The server slept through everything: what is decided must not be lost, nor anything approved. */
static void test_long_sleep(void **state)
{
    struct proposal waits = held(), approved = held(), claimed = held();

    (void)state;
    OK(decide(story.ana, &approved, DECISION_APPROVE));
    OK(claim(story.ben, &claimed));
    story_stop();
    world_open();
    story_flow();
    story_activate(STORY_DEFAULTS, STORY_ACTIONS, STORY_LIMITS);
    pass(10 * HOUR_US, &waits);
    OK(proposal_find(&world.ctx, story.reader, approved.id, &approved));
    OK(proposal_find(&world.ctx, story.reader, claimed.id, &claimed));
    EXPECT_STATE("waited", waits, PROPOSAL_EXPIRED);
    EXPECT_STATE("approved before", approved, PROPOSAL_APPROVED);
    EXPECT_STATE("claimed before", claimed, PROPOSAL_EXPIRED);
}

static void test_many(void **state)
{
    struct story_cmd c = {.deed = SWEEP};
    struct proposal p;

    (void)state;
    for (int i = 0; i < 250; i++) {
        OK(submit(story.bot, "{\"action\":\"side.step\",\"arguments\":{}}", &p));
    }
    story.news_count = 0;
    story_advance(4 * HOUR_US);
    OK(story_do(&c));
    EXPECT(c.more && story.news_count == SWEEP_MAX, "a hundred at a time: %zu", story.news_count);
    OK(story_do(&c));
    EXPECT(c.more && story.news_count == 2 * SWEEP_MAX, "and another hundred");
    OK(story_do(&c));
    EXPECT(!c.more && story.news_count == 250, "and the rest");
    OK(story_do(&c));
    EXPECT(!c.more && story.news_count == 250, "nothing twice");
    EXPECT(pending_of(story.bot) == 0, "all ended");
    EXPECT(tally_of(&p).expired == 250, "all counted");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY_TEST(test_release),
        STORY_TEST(test_release_blocked),
        STORY_TEST(test_escalation),
        STORY_TEST(test_no_backup),
        STORY_TEST(test_claim_over),
        STORY_TEST(test_ends),
        STORY_TEST(test_long_sleep),
        STORY_TEST(test_many),
        STORY_TEST(test_deadline_in_undo_time),
        STORY_TEST(test_late),
    };

    return CHECK_RUN(tests);
}
