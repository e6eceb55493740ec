/* SPDX-License-Identifier: Apache-2.0
 *
 * A proposal arrives: what becomes of it, what it replaces, and how many an agent may have.
 */
#include "story.h"

SQL(SQL_LEAVES, "SELECT count(*) FROM log_entries");
SQL(SQL_POLICIES, "SELECT count(*) FROM policies");
SQL(SQL_PROPOSALS, "SELECT count(*) FROM proposals");

/* Verdicts ----------------------------------------------------------------------------------- */

static const struct {
    const char *name, *body, *queue, *kind;
    enum proposal_state state;
    size_t news;
} verdicts[] = {
    {"allowed", "{\"action\":\"auto.go\",\"arguments\":{}}", NULL, "proposal.released",
     PROPOSAL_APPROVED, 0},
    {"blocked", "{\"action\":\"no.way\",\"arguments\":{}}", NULL, "proposal.blocked",
     PROPOSAL_BLOCKED, 0},
    {"earn without autonomy", "{\"action\":\"refund.issue\",\"arguments\":{}}", "general",
     "proposal.held", PROPOSAL_WAITING, 1},
    {"review in its own queue", "{\"action\":\"side.step\",\"arguments\":{}}", "side",
     "proposal.held", PROPOSAL_WAITING, 1},
    {"unknown action", "{\"action\":\"never.heard\",\"arguments\":{}}", "general", "proposal.held",
     PROPOSAL_WAITING, 1},
};

static void test_verdicts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(verdicts); i++) {
        struct proposal p, stored;
        bool approved = verdicts[i].state == PROPOSAL_APPROVED;

        story.news_count = 0;
        OK(submit(story.bot, verdicts[i].body, &p));
        OK(proposal_find(&world.ctx, story.reader, p.id, &stored));
        EXPECT_STATE(verdicts[i].name, stored, verdicts[i].state);
        EXPECT_STR(verdicts[i].name, stored.queue, str_of(verdicts[i].queue));
        EXPECT_STR(verdicts[i].name, last_kind(&stored), str_of(verdicts[i].kind));
        EXPECT(story.news_count == verdicts[i].news, "%s: news", verdicts[i].name);
        EXPECT(stored.revision == 1 && stored.agent == story.bot->row, "%s", verdicts[i].name);
        EXPECT(!id_is_zero(stored.permit) == approved, "%s: a permit", verdicts[i].name);
        EXPECT(stored.approved_until == (approved ? story.now_us + DAY_US : 0), "%s",
               verdicts[i].name);
        EXPECT(stored.due_at == (verdicts[i].news ? story.now_us + 4 * HOUR_US : 0), "%s",
               verdicts[i].name);
    }
    EXPECT(pending_of(story.bot) == 3, "three wait");
}

static void test_repeats(void **state)
{
    struct proposal first = held(), second = held(), other;

    (void)state;
    EXPECT(id_is_zero(first.repeat_of) && id_eq(second.repeat_of, first.id), "the same again");
    OK(submit(story.other,
              "{\"action\":\"refund.issue\",\"arguments\":{\"amount\":5,\"to\":{\"iban\":"
              "\"X\",\"name\":\"N\"},\"note\":\"n\"}}",
              &other));
    EXPECT(id_is_zero(other.repeat_of), "another agent's is no repeat");
    OK(submit(story.bot,
              "{\"action\":\"side.step\",\"arguments\":{\"amount\":5,\"to\":{\"iban\":\"X\","
              "\"name\":\"N\"},\"note\":\"n\"}}",
              &other));
    EXPECT(id_is_zero(other.repeat_of), "nor another action's");
    OK(submit(story.bot, "{\"action\":\"refund.issue\",\"arguments\":{\"amount\":6}}", &other));
    EXPECT(id_is_zero(other.repeat_of), "nor other arguments");
    OK(decide(story.ana, &first, DECISION_REJECT));
    other = held();
    EXPECT(id_eq(other.repeat_of, second.id), "of what still waits");
}

/* supersedes --------------------------------------------------------------------------------- */

static enum fm_err submit_instead(const struct agent *agent, const struct proposal *old,
                                  struct proposal *out)
{
    char id[ID_TEXT_MAX];

    id_format(ID_PROPOSAL, old->id, id);
    return submit(agent,
                  arena_printf(world.arena,
                               "{\"action\":\"refund.issue\",\"arguments\":{},"
                               "\"supersedes\":\"%s\"}",
                               id)
                      .p,
                  out);
}

static void test_supersedes(void **state)
{
    struct proposal old = held(), next, again;

    (void)state;
    OK(submit_instead(story.bot, &old, &next));
    OK(proposal_find(&world.ctx, story.reader, old.id, &old));
    EXPECT_STATE("the old one", old, PROPOSAL_WITHDRAWN);
    EXPECT(id_eq(old.ended_by, story.bot->id), "by its agent");
    EXPECT(pending_of(story.bot) == 1, "one for one");
    EXPECT(news_of(JOURNAL_PROPOSAL_WITHDRAWN, &old) == 1 &&
               news_of(JOURNAL_PROPOSAL_HELD, &next) == 1,
           "both are told");
    REFUSED(submit_instead(story.bot, &old, &again), FM_E_ALREADY_DECIDED);
    REFUSED(submit_instead(story.other, &next, &again), FM_E_NOT_FOUND);
    OK(decide(story.ana, &next, DECISION_REJECT));
    REFUSED(submit_instead(story.bot, &next, &again), FM_E_ALREADY_DECIDED);
    EXPECT(world_count(&SQL_PROPOSALS) == 2, "what is refused is not stored");
    EXPECT(pending_of(story.bot) == 0 && pending_of(story.other) == 0, "nor counted");
}

/* Ledgers ------------------------------------------------------------------------------------ */

static void test_pending_limit(void **state)
{
    struct proposal first, p;

    (void)state;
    story_activate(STORY_DEFAULTS, STORY_ACTIONS,
                   "pending_per_agent: 3, proposals_per_minute: 100");
    first = held();
    (void)held();
    (void)held();
    REFUSED(submit(story.bot, "{\"action\":\"refund.issue\",\"arguments\":{}}", &p),
            FM_E_RATE_LIMITED);
    EXPECT(world.ctx.retry_after_s > 0, "when to come again");
    OK(submit(story.other, "{\"action\":\"refund.issue\",\"arguments\":{}}", &p));
    EXPECT(pending_of(story.bot) == 3 && pending_of(story.other) == 1, "each agent for itself");
    OK(decide(story.ana, &first, DECISION_APPROVE));
    EXPECT(pending_of(story.bot) == 3, "an approval that can be undone still waits");
    pass(5 * SECOND_US, &first);
    EXPECT_STATE("released", first, PROPOSAL_APPROVED);
    (void)held();
    EXPECT(pending_of(story.bot) == 3, "its place was free");
    story_restart();
    EXPECT(pending_of(story.bot) == 3, "counted again after a restart");
}

static void test_minute_limit(void **state)
{
    struct proposal p;

    (void)state;
    story_activate(STORY_DEFAULTS, STORY_ACTIONS,
                   "pending_per_agent: 100, proposals_per_minute: 4");
    story_set_time(STORY_START_US / MINUTE_US * MINUTE_US + 20 * SECOND_US);
    for (int i = 0; i < 4; i++) {
        OK(submit(story.bot, "{\"action\":\"auto.go\",\"arguments\":{}}", &p));
    }
    REFUSED(submit(story.bot, "{\"action\":\"auto.go\",\"arguments\":{}}", &p), FM_E_RATE_LIMITED);
    EXPECT(world.ctx.retry_after_s == 40, "until the minute is over: %u s",
           world.ctx.retry_after_s);
    OK(submit(story.other, "{\"action\":\"auto.go\",\"arguments\":{}}", &p));
    story_advance(39 * SECOND_US);
    REFUSED(submit(story.bot, "{\"action\":\"auto.go\",\"arguments\":{}}", &p), FM_E_RATE_LIMITED);
    story_advance(SECOND_US);
    OK(submit(story.bot, "{\"action\":\"auto.go\",\"arguments\":{}}", &p));
}

/* What metrics count of an action. */
static uint64_t assessed(const char *action, enum verdict verdict)
{
    const struct flow_counts *counts = flow_counts(story.flow);

    for (unsigned i = 1; i < counts->action_count; i++) {
        if (strcmp(counts->actions[i].name, action) == 0) {
            return counts->actions[i].assessed[verdict];
        }
    }
    return 0;
}

/* A failing command of a neighbour makes the committer run the batch again: nobody may be counted twice. */
static void test_run_again(void **state)
{
    struct story_cmd good[3], bad;
    struct story_cmd *batch[] = {&good[0], &good[1], &bad, &good[2]};
    struct ctx contexts[4];
    struct proposal p;

    (void)state;
    story_activate(STORY_DEFAULTS, STORY_ACTIONS, "pending_per_agent: 6, proposals_per_minute: 6");
    for (int i = 0; i < 3; i++) {
        story_prepare(&good[i], story.bot, "{\"action\":\"refund.issue\",\"arguments\":{}}");
    }
    story_prepare(&bad, story.bot, "{\"action\":\"refund.issue\",\"arguments\":{}}");
    bad.deed = SUBMIT_THEN_FAIL;
    story.news_count = 0;
    story_batch(batch, contexts, 4);
    for (int i = 0; i < 4; i++) {
        EXPECT(batch[i]->cmd.err == (batch[i] == &bad ? FM_E_FORBIDDEN : FM_OK), "command %d: %s",
               i, contexts[i].detail);
    }
    EXPECT(pending_of(story.bot) == 3 && story.news_count == 3, "three wait, told once each");
    EXPECT(world_count(&SQL_PROPOSALS) == 3, "the bad one left no trace");
    EXPECT(assessed("refund.issue", VERDICT_EARN) == 3, "nor was it counted: %llu",
           (unsigned long long)assessed("refund.issue", VERDICT_EARN));
    for (int i = 0; i < 2; i++) { /* but it was an attempt */
        OK(submit(story.bot, "{\"action\":\"refund.issue\",\"arguments\":{}}", &p));
    }
    REFUSED(submit(story.bot, "{\"action\":\"auto.go\",\"arguments\":{}}", &p), FM_E_RATE_LIMITED);
    EXPECT(pending_of(story.bot) == 5, "six attempts of six");
}

static void test_rollback_of_news(void **state)
{
    struct proposal p = held();
    int64_t leaves = world_count(&SQL_LEAVES);

    (void)state;
    story.news_count = 0;
    REFUSED(withdraw(story.other, &p), FM_E_NOT_FOUND);
    OK(withdraw(story.bot, &p));
    REFUSED(withdraw(story.bot, &p), FM_E_ALREADY_DECIDED);
    EXPECT(story.news_count == 1 && world_count(&SQL_LEAVES) == leaves + 1,
           "one of three happened");
}

/* Policies ----------------------------------------------------------------------------------- */

static void test_activation(void **state)
{
    const struct policy *before = flow_policy(story.flow), *after;
    int64_t leaves = world_count(&SQL_LEAVES);

    (void)state;
    story_activate(STORY_DEFAULTS, STORY_ACTIONS, STORY_LIMITS);
    EXPECT(world_count(&SQL_POLICIES) == 1 && world_count(&SQL_LEAVES) == leaves,
           "the same: no version");
    story_activate(STORY_DEFAULTS, "  auto.go: {then: block}\n", STORY_LIMITS);
    EXPECT(world_count(&SQL_POLICIES) == 2 && world_count(&SQL_LEAVES) == leaves + 1,
           "a version, a leaf");
    after = flow_policy(story.flow);
    EXPECT(!hash_eq(before->version, after->version), "in force");
    EXPECT(before->action_count == 4, "who still holds the old one may read it");
    policy_drop(before);
    policy_drop(after);
    story_restart();
    EXPECT(world_count(&SQL_POLICIES) == 3, "back to the first is a version of its own");
}

/* The policy changed between the loop, which assessed, and the committer, which counts. */
static void test_policy_overtakes(void **state)
{
    struct story_cmd c;

    (void)state;
    story_prepare(&c, story.bot, "{\"action\":\"auto.go\",\"arguments\":{}}");
    EXPECT(c.submission.assessment.verdict == VERDICT_ALLOW, "it would have gone on");
    story_activate(STORY_DEFAULTS, "  auto.go: {then: block}\n", STORY_LIMITS);
    OK(story_do(&c));
    EXPECT_STATE("assessed again", c.out, PROPOSAL_BLOCKED);
    EXPECT(strstr(c.out.assessment.p, "\"verdict\":\"block\"") != NULL, "with its reasons");
}

/* The same, where the new policy has a schema that the arguments do not match. */
static void test_schema_overtakes(void **state)
{
    struct story_cmd c;

    (void)state;
    story_prepare(&c, story.bot, "{\"action\":\"auto.go\",\"arguments\":{}}");
    story_activate(STORY_DEFAULTS, "  auto.go: {then: allow, schema: {required: [a]}}\n", STORY_LIMITS);
    EXPECT(story_do(&c) == FM_E_SCHEMA, "%s", world.ctx.detail);
    EXPECT_STR("it says what is missing", world.ctx.errors[0].pointer, S("/arguments/a"));
    story_prepare(&c, story.bot, "{\"action\":\"auto.go\",\"arguments\":{\"a\":1}}");
    OK(story_do(&c));
    EXPECT_STATE("what matches goes on", c.out, PROPOSAL_APPROVED);
}

/* An activation and a failing command in one batch: the activation is committed, so it is in force. */
static void test_activation_with_failing_neighbour(void **state)
{
    struct story_cmd activate = {.deed = ACTIVATE}, withdraw_nothing = {.deed = WITHDRAW};
    struct story_cmd bad = {.deed = FAIL_AFTER_WRITING};
    struct story_cmd *neighbours[] = {&withdraw_nothing, &bad};
    struct proposal p;

    (void)state;
    withdraw_nothing.caller.agent = story.bot;
    withdraw_nothing.id = id_new();
    for (size_t i = 0; i < COUNT_OF(neighbours); i++) {
        struct story_cmd *batch[] = {&activate, neighbours[i]};
        struct ctx contexts[2];
        int64_t versions = world_count(&SQL_POLICIES);

        activate.policy = story_policy(
            STORY_DEFAULTS, i == 0 ? "  auto.go: {then: block}\n" : "  auto.go: {then: review}\n",
            STORY_LIMITS);
        story_batch(batch, contexts, 2);
        EXPECT(activate.cmd.err == FM_OK && neighbours[i]->cmd.err != FM_OK, "neighbour %zu", i);
        EXPECT(world_count(&SQL_POLICIES) == versions + 1, "recorded");
        OK(submit(story.bot, "{\"action\":\"auto.go\",\"arguments\":{}}", &p));
        EXPECT_STATE("and in force", p, i == 0 ? PROPOSAL_BLOCKED : PROPOSAL_WAITING);
        policy_drop(activate.policy);
    }
}

static void test_announced_when_durable(void **state)
{
    struct proposal p = held(), stored;

    (void)state;
    EXPECT(story.news_count == 1 && story.news[0].kind == JOURNAL_PROPOSAL_HELD, "told");
    OK(proposal_find(&world.ctx, story.reader, p.id, &stored));
    EXPECT(story.news[0].leaf == stored.last_leaf && story.news[0].state == stored.state &&
               story.news[0].agent == story.bot->row && story.news[0].at_us == story.now_us,
           "what is stored");
    EXPECT(strcmp(story.news[0].queue, "general") == 0, "in its queue");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY_TEST(test_verdicts),
        STORY_TEST(test_repeats),
        STORY_TEST(test_supersedes),
        STORY_TEST(test_pending_limit),
        STORY_TEST(test_minute_limit),
        STORY_TEST(test_run_again),
        STORY_TEST(test_rollback_of_news),
        STORY_TEST(test_activation),
        STORY_TEST(test_policy_overtakes),
        STORY_TEST(test_schema_overtakes),
        STORY_TEST(test_activation_with_failing_neighbour),
        STORY_TEST(test_announced_when_durable),
    };

    return CHECK_RUN(tests);
}
