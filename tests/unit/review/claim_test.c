/* SPDX-License-Identifier: Apache-2.0
 *
 * Claims: who may take a hold, for how long, and who is told what instead.
 */
#include "../flow/story.h"

SQL(SQL_LEAVES, "SELECT count(*) FROM log_entries");

static void test_claim(void **state)
{
    struct proposal p = held(), ours;
    char until[CLOCK_TEXT_SIZE];

    (void)state;
    OK(claim(story.ana, &p));
    EXPECT(p.state == PROPOSAL_CLAIMED && p.claimed_by == story.ana->row &&
               p.claimed_at == story.now_us && p.claimed_until == story.now_us + CLAIM_US,
           "ten minutes");
    EXPECT(news_of(JOURNAL_PROPOSAL_CLAIMED, &p) == 1, "told");
    ours = p;
    REFUSED(claim(story.ben, &p), FM_E_CLAIMED);
    clock_format(ours.claimed_until, until);
    EXPECT(world.ctx.members.p && strstr(world.ctx.members.p, "\"name\":\"ana\"") &&
               strstr(world.ctx.members.p, until),
           "who has it, until when: %s", world.ctx.members.p);
    REFUSED(unclaim(story.ben, &p), FM_E_CLAIMED);
    REFUSED(decide(story.ben, &p, DECISION_APPROVE), FM_E_CLAIMED);
    OK(proposal_find(&world.ctx, story.reader, p.id, &p));
    EXPECT(p.claimed_by == story.ana->row && p.claimed_until == ours.claimed_until, "still hers");
}

static void test_renewal(void **state)
{
    struct proposal p = held();
    int64_t leaves;

    (void)state;
    OK(claim(story.ana, &p));
    leaves = world_count(&SQL_LEAVES);
    for (int i = 0; i < 5; i++) {
        story_advance(5 * MINUTE_US);
        OK(claim(story.ana, &p));
        EXPECT(p.claimed_at == STORY_START_US, "since the first claim");
        EXPECT(p.claimed_until == story.now_us + CLAIM_US, "ten minutes from now");
    }
    EXPECT(world_count(&SQL_LEAVES) == leaves, "a heartbeat is no news for the log");
    EXPECT(news_of(JOURNAL_PROPOSAL_CLAIMED, &p) == 1, "nor for the page");
    pass(5 * MINUTE_US, &p);
    EXPECT_STATE("alive", p, PROPOSAL_CLAIMED);
}

/* A claim that has run out and that the clock has not collected yet. */
static void test_taken_over(void **state)
{
    struct proposal p = held();

    (void)state;
    OK(claim(story.ana, &p));
    story_advance(CLAIM_US - 1);
    REFUSED(claim(story.ben, &p), FM_E_CLAIMED);
    story_advance(1);
    OK(claim(story.ben, &p));
    EXPECT(p.claimed_by == story.ben->row && p.claimed_at == story.now_us, "his, from now");
    EXPECT(news_of(JOURNAL_PROPOSAL_CLAIMED, &p) == 2, "told");
    EXPECT_STR("and in the log", last_kind(&p), S("proposal.claimed"));
    REFUSED(claim(story.ana, &p), FM_E_CLAIMED);
}

static void test_unclaim(void **state)
{
    struct proposal p = held();

    (void)state;
    OK(unclaim(story.ana, &p));
    EXPECT_STATE("nothing to give back", p, PROPOSAL_WAITING);
    EXPECT(news_of(JOURNAL_PROPOSAL_UNCLAIMED, &p) == 0, "no news");
    OK(claim(story.ana, &p));
    OK(unclaim(story.ana, &p));
    EXPECT(p.state == PROPOSAL_WAITING && p.claimed_by == 0 && p.claimed_until == 0, "given back");
    EXPECT(news_of(JOURNAL_PROPOSAL_UNCLAIMED, &p) == 1, "told");
    OK(claim(story.ben, &p));
    pass(2 * HOUR_US, NULL); /* escalated: the lead is a member now */
    OK(proposal_find(&world.ctx, story.reader, p.id, &p));
    OK(claim(story.ben, &p));
    OK(unclaim(story.lea, &p));
    EXPECT_STATE("a lead may take it from anybody", p, PROPOSAL_WAITING);
}

/* Who may do what, by role and queue. `side` has one member, ben. */
static const struct {
    const char *name, *person, *action;
    enum fm_err claim;
} rights[] = {
    {"a member by role", "ana", "refund.issue", FM_OK},
    {"a member by name", "ben", "side.step", FM_OK},
    {"not a member, not shown", "ana", "side.step", FM_E_NOT_FOUND},
    {"a lead sees it, but is not a member", "lea", "side.step", FM_E_NOT_QUALIFIED},
    {"an auditor sees it, but decides nothing", "aud", "refund.issue", FM_E_FORBIDDEN},
};

static void test_rights(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rights); i++) {
        const struct person *person = directory_person(story.directory, str_of(rights[i].person));
        struct proposal p;

        OK(submit(
            story.bot,
            arena_printf(world.arena, "{\"action\":\"%s\",\"arguments\":{}}", rights[i].action).p,
            &p));
        EXPECT(claim(person, &p) == rights[i].claim, "%s: claim: %s", rights[i].name,
               world.ctx.detail);
        EXPECT(decide(person, &p, DECISION_REJECT) == rights[i].claim, "%s: decide: %s",
               rights[i].name, world.ctx.detail);
        if (rights[i].claim != FM_OK) {
            REFUSED(unclaim(person, &p), rights[i].claim);
            REFUSED(undo(person, &p), rights[i].claim);
        }
    }
}

static void test_not_pending(void **state)
{
    struct proposal p = held(), undone = held();

    (void)state;
    OK(decide(story.ana, &p, DECISION_REJECT));
    REFUSED(claim(story.ana, &p), FM_E_ALREADY_DECIDED);
    REFUSED(claim(story.ben, &p), FM_E_ALREADY_DECIDED);
    EXPECT(world.ctx.members.p && strstr(world.ctx.members.p, "\"proposal_status\":\"rejected\""),
           "what stands");
    REFUSED(unclaim(story.ana, &p), FM_E_ALREADY_DECIDED);
    OK(decide(story.ana, &undone, DECISION_APPROVE));
    REFUSED(claim(story.ben, &undone), FM_E_ALREADY_DECIDED);
    REFUSED(unclaim(story.ben, &undone), FM_E_ALREADY_DECIDED);
}

static void test_comment(void **state)
{
    struct proposal p = held(), before = p;
    struct story_cmd c = {.deed = COMMENT, .caller = {.person = story.ana}, .id = p.id};

    (void)state;
    OK(story_do(&c));
    EXPECT(c.out.state == before.state && c.out.last_leaf == before.last_leaf + 1,
           "a leaf, no move");
    EXPECT(news_of(JOURNAL_PROPOSAL_COMMENTED, &p) == 1, "told");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY_TEST(test_claim),   STORY_TEST(test_renewal), STORY_TEST(test_taken_over),
        STORY_TEST(test_unclaim), STORY_TEST(test_rights),  STORY_TEST(test_not_pending),
        STORY_TEST(test_comment),
    };

    return CHECK_RUN(tests);
}
