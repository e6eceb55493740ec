/* SPDX-License-Identifier: Apache-2.0
 *
 * Pauses in the story: what they hold, refuse and take back, and that only what was committed
 * counts.
 */
#include "story.h"

#define ALLOWED "{\"action\":\"auto.go\",\"arguments\":{}}"

struct pausing {
    struct pause pause;
    const struct person *by; /* NULL: the operator */
    bool resume, then_fail;
};

static enum fm_err run(struct ctx *ctx, struct store_conn *conn, void *with)
{
    struct pausing *p = with;
    struct actor by = p->by ? (struct actor){ACTOR_REVIEWER, p->by->id} : world_operator;

    if (p->resume) {
        TRY(flow_resume(story.flow, ctx, conn, by, p->pause.id, &p->pause));
    } else {
        TRY(flow_pause(story.flow, ctx, conn, by, &p->pause));
    }
    return p->then_fail ? fail(ctx, FM_E_FORBIDDEN, "the test wants it") : FM_OK;
}

static struct pausing paused(enum pause_covers covers, const char *name)
{
    struct pausing p = {.pause = {.covers = covers, .name = str_of(name), .reason = S("why")},
                        .by = story.lea};

    OK(world_do(run, &p));
    return p;
}

static bool resume(struct pausing *p, const struct person *by)
{
    p->by = by;
    p->resume = true;
    OK(world_do(run, p));
    return p->pause.ended_at_us != 0;
}

static enum proposal_state state_of_new(const struct agent *agent)
{
    struct proposal p;

    OK(submit(agent, ALLOWED, &p));
    return p.state;
}

static const struct {
    const char *name;
    enum pause_covers covers;
    const char *what;
    enum proposal_state bot, other;
} rows[] = {
    {"everything", PAUSE_ALL, NULL, PROPOSAL_WAITING, PROPOSAL_WAITING},
    {"an agent", PAUSE_AGENT, "bot", PROPOSAL_WAITING, PROPOSAL_APPROVED},
    {"the action", PAUSE_ACTION, "auto.go", PROPOSAL_WAITING, PROPOSAL_WAITING},
    {"another action", PAUSE_ACTION, "auto.go.not", PROPOSAL_APPROVED, PROPOSAL_APPROVED},
    {"the category", PAUSE_CATEGORY, "auto.go", PROPOSAL_WAITING, PROPOSAL_WAITING},
};

static void test_covers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct pausing p = paused(rows[i].covers, rows[i].what);
        EXPECT(state_of_new(story.bot) == rows[i].bot, "%s: bot", rows[i].name);
        EXPECT(state_of_new(story.other) == rows[i].other, "%s: other", rows[i].name);
        EXPECT(resume(&p, story.lea), "%s: lea is the only one who could", rows[i].name);
        EXPECT(state_of_new(story.bot) == PROPOSAL_APPROVED, "%s: it goes on", rows[i].name);
    }
}

static void test_release(void **state)
{
    struct proposal p = held();
    struct pausing pause;

    (void)state;
    OK(decide(story.ana, &p, DECISION_APPROVE));
    EXPECT_STATE("decided", p, PROPOSAL_UNDO);
    pause = paused(PAUSE_ALL, NULL);
    pass(5 * SECOND_US - 1, &p);
    EXPECT_STATE("a microsecond before", p, PROPOSAL_UNDO);
    pass(1, &p);
    EXPECT_STATE("back to people", p, PROPOSAL_WAITING);
    EXPECT(p.decided_by == 0 && id_is_zero(p.permit), "the decision does not stand");
    EXPECT(memmem(p.assessment.p, p.assessment.n, "\"source\":\"pause\"", 16) != NULL &&
               memmem(p.assessment.p, p.assessment.n, "\"source\":\"catalogue\"", 20) != NULL,
           "with both reasons: %.*s", STR_ARG(p.assessment));
    EXPECT(tally_of(&p).approved == 0, "nor is it counted");
    REFUSED(decide(story.ana, &p, DECISION_APPROVE), FM_E_PAUSED);
    EXPECT(resume(&pause, story.lea), "alone");
    OK(decide(story.ana, &p, DECISION_APPROVE));
    pass(5 * SECOND_US, &p);
    EXPECT_STATE("released", p, PROPOSAL_APPROVED);
}

static void test_rejecting_goes_on(void **state)
{
    struct proposal p = held(), q = held();

    (void)state;
    (void)paused(PAUSE_AGENT, "bot");
    OK(decide(story.ana, &p, DECISION_REJECT));
    EXPECT_STATE("rejected", p, PROPOSAL_REJECTED);
    OK(decide(story.ana, &q, DECISION_RETURN));
    OK(revise(story.bot, &q, "{\"brief\":{}}"));
    EXPECT_STATE("held again", q, PROPOSAL_CLAIMED);
}

static void test_rolled_back(void **state)
{
    struct pausing p = {.pause = {.covers = PAUSE_ALL, .reason = S("why")},
                        .by = story.lea,
                        .then_fail = true};

    (void)state;
    EXPECT(world_do(run, &p) == FM_E_FORBIDDEN, "the command fails behind the pause");
    EXPECT(state_of_new(story.bot) == PROPOSAL_APPROVED, "nothing is paused");
    EXPECT(story.flow->paused_count == 0, "nor remembered");
}

static void test_restart(void **state)
{
    struct pausing p = paused(PAUSE_AGENT, "bot");

    (void)state;
    story_restart();
    EXPECT(state_of_new(story.bot) == PROPOSAL_WAITING, "it is still paused");
    EXPECT(state_of_new(story.other) == PROPOSAL_APPROVED, "and others are not");
    EXPECT(resume(&p, story.lea), "alone");
    story_restart();
    EXPECT(state_of_new(story.bot) == PROPOSAL_APPROVED, "it goes on, also after a restart");
}

static void test_two(void **state)
{
    struct pausing p = {.pause = {.covers = PAUSE_ALL, .reason = S("why")}};

    (void)state;
    OK(world_do(run, &p));
    EXPECT(!resume(&p, NULL), "the operator has asked");
    EXPECT(!resume(&p, NULL), "twice is not two");
    EXPECT(state_of_new(story.bot) == PROPOSAL_WAITING, "still paused");
    EXPECT(resume(&p, story.lea), "a person agrees");
    EXPECT(resume(&p, NULL), "it has ended: no error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY_TEST(test_covers),      STORY_TEST(test_release), STORY_TEST(test_rejecting_goes_on),
        STORY_TEST(test_rolled_back), STORY_TEST(test_restart), STORY_TEST(test_two),
    };

    return CHECK_RUN(tests);
}
