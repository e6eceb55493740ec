/* SPDX-License-Identifier: Apache-2.0
 *
 * What an agent does with a proposal of its own, and cannot do with another's: withdraw, revise, report.
 */
#include "story.h"

/* Brings a fresh hold into a state. */
static struct proposal in_state(enum proposal_state state)
{
    struct proposal p;

    story_set_time(STORY_START_US);
    if (state == PROPOSAL_BLOCKED) {
        OK(submit(story.bot, "{\"action\":\"no.way\",\"arguments\":{}}", &p));
        return p;
    }
    p = held();
    switch (state) {
    case PROPOSAL_CLAIMED:
        OK(claim(story.ana, &p));
        break;
    case PROPOSAL_UNDO:
        OK(decide(story.ana, &p, DECISION_APPROVE));
        break;
    case PROPOSAL_APPROVED:
    case PROPOSAL_SETTLED:
        OK(decide(story.ana, &p, DECISION_APPROVE));
        pass(5 * SECOND_US, &p);
        if (state == PROPOSAL_SETTLED) {
            OK(by_agent_do(OUTCOME, story.bot, &p));
        }
        break;
    case PROPOSAL_RETURNED:
        OK(decide(story.ana, &p, DECISION_RETURN));
        break;
    case PROPOSAL_REJECTED:
        OK(decide(story.ana, &p, DECISION_REJECT));
        break;
    case PROPOSAL_EXPIRED:
        pass(4 * HOUR_US, &p);
        break;
    case PROPOSAL_WITHDRAWN:
        OK(withdraw(story.bot, &p));
        break;
    case PROPOSAL_WAITING:
    case PROPOSAL_REDEEMED:
    case PROPOSAL_BLOCKED:
    case PROPOSAL_STATE_COUNT:
        break;
    }
    EXPECT_STATE("brought there", p, state);
    return p;
}

static const struct {
    enum proposal_state state;
    enum fm_err withdraw, revise, outcome;
} deeds[] = {
    {PROPOSAL_WAITING, FM_OK, FM_E_NOT_RETURNED, FM_E_NOT_APPROVED},
    {PROPOSAL_CLAIMED, FM_OK, FM_E_NOT_RETURNED, FM_E_NOT_APPROVED},
    {PROPOSAL_UNDO, FM_OK, FM_E_NOT_RETURNED, FM_E_NOT_APPROVED},
    {PROPOSAL_APPROVED, FM_E_ALREADY_DECIDED, FM_E_ALREADY_DECIDED, FM_OK},
    {PROPOSAL_RETURNED, FM_OK, FM_OK, FM_E_NOT_APPROVED},
    {PROPOSAL_SETTLED, FM_E_ALREADY_DECIDED, FM_E_ALREADY_DECIDED, FM_OK},
    {PROPOSAL_REJECTED, FM_E_ALREADY_DECIDED, FM_E_ALREADY_DECIDED, FM_E_NOT_APPROVED},
    {PROPOSAL_BLOCKED, FM_E_ALREADY_DECIDED, FM_E_ALREADY_DECIDED, FM_E_NOT_APPROVED},
    {PROPOSAL_EXPIRED, FM_E_ALREADY_DECIDED, FM_E_ALREADY_DECIDED, FM_E_NOT_APPROVED},
    {PROPOSAL_WITHDRAWN, FM_E_ALREADY_DECIDED, FM_E_ALREADY_DECIDED, FM_E_NOT_APPROVED},
};

static void test_deeds(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(deeds); i++) {
        const char *name = proposal_state_name(deeds[i].state);
        struct proposal p = in_state(deeds[i].state), untouched = p;
        enum fm_err err;

        REFUSED(withdraw(story.other, &p), FM_E_NOT_FOUND);
        REFUSED(revise(story.other, &p, "{\"arguments\":{}}"), FM_E_NOT_FOUND);
        REFUSED(by_agent_do(OUTCOME, story.other, &p), FM_E_NOT_FOUND);
        err = by_agent_do(OUTCOME, story.bot, &p);
        EXPECT(err == deeds[i].outcome, "outcome of %s: %s", name, world.ctx.detail);
        p = deeds[i].outcome == FM_OK ? in_state(deeds[i].state) : p;
        err = revise(story.bot, &p, "{\"arguments\":{\"amount\":1}}");
        EXPECT(err == deeds[i].revise, "revising %s: %s", name, world.ctx.detail);
        p = deeds[i].revise == FM_OK ? in_state(deeds[i].state) : p;
        err = withdraw(story.bot, &p);
        EXPECT(err == deeds[i].withdraw, "withdrawing %s: %s", name, world.ctx.detail);
        if (err == FM_OK) {
            EXPECT(p.state == PROPOSAL_WITHDRAWN && id_eq(p.ended_by, story.bot->id), "%s", name);
            EXPECT(p.next_at == 0, "%s: the clock is done with it", name);
        } else {
            OK(proposal_find(&world.ctx, story.reader, untouched.id, &untouched));
            EXPECT(deeds[i].outcome == FM_OK || untouched.state == deeds[i].state, "%s: untouched",
                   name);
        }
        (void)pending_of(story.bot);
    }
}

/* Withdrawn during the undo time: the agent never saw the approval, and nothing of it is left. */
static void test_withdraw_in_undo_time(void **state)
{
    struct proposal p = in_state(PROPOSAL_UNDO);

    (void)state;
    OK(withdraw(story.bot, &p));
    EXPECT(p.verdict == 0 && p.decided_by == 0 && id_is_zero(p.permit) && id_is_zero(p.decision) &&
               p.decision_leaf == -1,
           "no trace of the decision");
    EXPECT(tally_of(&p).approved == 0, "nor in the counts");
    EXPECT(pending_of(story.bot) == 0, "ledger");
}

static void test_revise(void **state)
{
    struct proposal p = in_state(PROPOSAL_RETURNED), before = p;
    struct str request;

    (void)state;
    EXPECT(pending_of(story.bot) == 0 && tally_of(&p).returned == 1, "returned");
    story_advance(MINUTE_US);
    OK(revise(story.bot, &p, "{\"arguments\":{\"amount\":4},\"brief\":{\"summary\":\"less\"}}"));
    EXPECT_STATE("held again, for the person who asked", p, PROPOSAL_CLAIMED);
    EXPECT(p.claimed_by == story.ana->row && p.preferred == story.ana->row, "hers first");
    EXPECT(p.revision == 2 && !hash_eq(p.digest, before.digest) &&
               !hash_eq(p.arguments_digest, before.arguments_digest),
           "a new revision");
    EXPECT(p.verdict == 0 && id_is_zero(p.decision) && p.decided_by == 0, "undecided");
    EXPECT(p.due_at == story.now_us + 4 * HOUR_US, "with its full time");
    OK(journal_payload(&world.ctx, story.reader, (uint64_t)p.payload, &request));
    EXPECT_STR("the new content", request,
               S("{\"action\":\"refund.issue\",\"arguments\":{\"amount\":4},"
                 "\"brief\":{\"summary\":\"less\"}}"));
    EXPECT(pending_of(story.bot) == 1, "it waits");
    EXPECT(news_of(JOURNAL_PROPOSAL_REVISED, &p) == 1 && news_of(JOURNAL_PROPOSAL_CLAIMED, &p) == 1,
           "both are told");
    REFUSED(decide(story.ana, &before, DECISION_APPROVE), FM_E_DIGEST_MISMATCH);
    OK(decide(story.ana, &p, DECISION_APPROVE));
}

static const struct {
    const char *name, *body;
    enum fm_err err;
} bad_revisions[] = {
    {"nothing", "{}", FM_E_INVALID_ARGUMENT},
    {"another action", "{\"action\":\"auto.go\",\"arguments\":{}}", FM_E_UNKNOWN_MEMBER},
    {"arguments that are none", "{\"arguments\":[]}", FM_E_INVALID_ARGUMENT},
    {"a deadline", "{\"deadline\":\"5m\"}", FM_E_UNKNOWN_MEMBER},
};

static void test_bad_revisions(void **state)
{
    struct proposal p = in_state(PROPOSAL_RETURNED);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad_revisions); i++) {
        EXPECT(revise(story.bot, &p, bad_revisions[i].body) == bad_revisions[i].err, "%s: %s",
               bad_revisions[i].name, world.ctx.detail);
    }
    story_activate(STORY_DEFAULTS, "  refund.issue: {then: block}\n", STORY_LIMITS);
    REFUSED(revise(story.bot, &p, "{\"arguments\":{}}"), FM_E_INVALID_ARGUMENT);
    OK(proposal_find(&world.ctx, story.reader, p.id, &p));
    EXPECT(p.state == PROPOSAL_RETURNED && p.revision == 1, "as it was");
}

/* The person who asked is in the queue no longer: it waits for anybody. */
static void test_revise_without_asker(void **state)
{
    struct proposal p = in_state(PROPOSAL_RETURNED);

    (void)state;
    story_activate(STORY_DEFAULTS, "  refund.issue: {then: review, queue: side}\n", STORY_LIMITS);
    OK(revise(story.bot, &p, "{\"arguments\":{}}"));
    EXPECT_STATE("for anybody", p, PROPOSAL_WAITING);
    EXPECT(world.ctx.err == FM_OK, "without an error left behind: %s", world.ctx.detail);
    EXPECT_STR("by the policy of today", p.queue, S("side"));
    OK(claim(story.ben, &p));
}

static void test_outcomes(void **state)
{
    struct proposal p = in_state(PROPOSAL_APPROVED);
    struct story_cmd c = {
        .deed = OUTCOME, .caller = {.agent = story.bot}, .id = p.id, .outcome = OUTCOME_REVERTED};

    (void)state;
    OK(by_agent_do(OUTCOME, story.bot, &p));
    EXPECT(p.state == PROPOSAL_SETTLED && p.outcome == OUTCOME_SUCCEEDED &&
               p.outcome_leaf == p.last_leaf,
           "reported");
    OK(story_do(&c));
    EXPECT(c.out.outcome == OUTCOME_REVERTED && c.out.last_leaf == p.last_leaf + 1, "corrected");
    EXPECT(news_of(JOURNAL_PROPOSAL_OUTCOME, &p) == 2, "both told");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY_TEST(test_deeds),         STORY_TEST(test_withdraw_in_undo_time),
        STORY_TEST(test_revise),        STORY_TEST(test_revise_without_asker),
        STORY_TEST(test_bad_revisions), STORY_TEST(test_outcomes),
    };

    return CHECK_RUN(tests);
}
