/* SPDX-License-Identifier: Apache-2.0
 *
 * A stored proposal on the scales again: what a person approves or edits is held against the whole
 * policy of that moment, and once more when it is released. What it counted for itself is out.
 */
#include "story.h"

#define QUEUES                                                                                     \
    "queues: {general: {members: [role:reviewer], backup: leads}, leads: {members: "               \
    "[role:lead]}}\n"
#define DEFAULTS(undo)                                                                             \
    "version: 1\ndefaults: {then: review, undo: " undo ", decide_by: [page], warm_up: 0}\n" QUEUES
#define PAY   "actions: {pay: {then: review, domain: billing}, tag: {then: allow}}\n"
#define NOW   DEFAULTS("0s") PAY
#define LATER DEFAULTS("1m") PAY

static struct proposal paid(const char *amount)
{
    struct proposal p = pay(amount);

    EXPECT_STATE("held", p, PROPOSAL_WAITING);
    return p;
}

/* Refused as blocked; the answer names what blocks. */
#define BLOCKED(call, name)                                                                        \
    do {                                                                                           \
        REFUSED(call, FM_E_INVALID_ARGUMENT);                                                      \
        EXPECT(strstr(world.ctx.detail, name), "%s", world.ctx.detail);                            \
    } while (0)

/* Edits -------------------------------------------------------------------------------------- */

static void test_edit_is_counted(void **state)
{
    struct proposal p;

    (void)state;
    rule_by(
        NOW
        "rules:\n"
        "  - {id: often, when: 'history.agent.count_1h >= 2 && args.amount > 50.0', then: block}\n"
        "  - {id: much, when: 'history.subject.sum_24h + args.amount > 200.0', then: block}\n"
        "  - {id: books, when: '\"billing\" in domains && args.amount > 90.0', then: block}\n"
        "budgets: [{id: day, sum: args.amount, per: agent, window: 24h, limit: 80, then: "
        "block}]\n");
    p = paid("10");
    BLOCKED(modify(story.ana, &p, "{\"amount\":81}", false), "the budget day");
    BLOCKED(modify(story.ana, &p, "{\"amount\":91}", false), "the rule books");
    BLOCKED(modify(story.ana, &p, "{\"amount\":201}", false), "the rule much");
    EXPECT_STATE("others", paid("5"), PROPOSAL_WAITING);
    EXPECT_STATE("others", paid("5"), PROPOSAL_WAITING);
    BLOCKED(modify(story.ana, &p, "{\"amount\":60}", false), "the rule often");
    OK(modify(story.ana, &p, "{\"amount\":50}", false));
    EXPECT_STATE("within all of them", p, PROPOSAL_APPROVED);
    EXPECT_STATE("the rest of the budget", paid("20"), PROPOSAL_WAITING);
    EXPECT_STATE("no more", pay("0.000001"), PROPOSAL_BLOCKED);
}

/* Edits add up in history as what they are; one that is undone as what was proposed. */
static void test_edits_in_history(void **state)
{
    struct proposal p, q;

    (void)state;
    rule_by(LATER "rules: [{id: much, when: 'history.agent.sum_24h + args.amount > 100.0', then: "
                  "block}]\n");
    p = paid("1");
    q = paid("1");
    OK(modify(story.ana, &p, "{\"amount\":90}", false));
    BLOCKED(modify(story.ana, &q, "{\"amount\":11}", false), "much");
    EXPECT_STATE("1 and 90", pay("10"), PROPOSAL_BLOCKED);
    OK(undo(story.ana, &p));
    EXPECT_STATE("1 and 1", paid("9"), PROPOSAL_WAITING);
    OK(modify(story.ana, &p, "{\"amount\":90}", false));
    restart();
    BLOCKED(modify(story.ana, &q, "{\"amount\":2}", false), "much");
    pass(2 * MINUTE_US, &p);
    EXPECT_STATE("released", p, PROPOSAL_APPROVED);
    EXPECT_STATE("1, 9 and 90", pay("0.5"), PROPOSAL_BLOCKED);
    OK(decide(story.ana, &q, DECISION_APPROVE));
}

/* A proposal never stands in its own way: what was admitted is approved, whoever came behind it. */
static void test_own_share_is_out(void **state)
{
    struct proposal held_before[3];

    (void)state;
    rule_by(NOW "rules:\n"
                "  - {id: four, when: 'history.agent.count_1h >= 3', then: block}\n"
                "  - {id: sum, when: 'history.category.sum_7d + args.amount > 30.0', then: block}\n"
                "budgets:\n"
                "  - {id: day, sum: args.amount, per: all, window: 24h, limit: 30, then: block}\n"
                "  - {id: three, count: true, per: subject, window: 7d, limit: 3, then: block}\n");
    for (size_t i = 0; i < COUNT_OF(held_before); i++) {
        held_before[i] = paid("10");
    }
    EXPECT_STATE("a fourth", pay("0"), PROPOSAL_BLOCKED);
    restart();
    OK(decide(story.ana, &held_before[0], DECISION_APPROVE));
    OK(modify(story.ana, &held_before[1], "{\"amount\":10,\"note\":\"same\"}", false));
    BLOCKED(modify(story.ana, &held_before[2], "{\"amount\":10.5}", false), "sum");
    OK(decide(story.ana, &held_before[2], DECISION_APPROVE));
    EXPECT_STATE("a fourth", pay("0"), PROPOSAL_BLOCKED);
}

/* Nor does a revision: it takes the place of the one before, and counts as what it is. */
static void test_own_share_of_a_revision(void **state)
{
    struct proposal p, q, r;

    (void)state;
    rule_by(NOW "rules:\n"
                "  - {id: three, when: 'history.agent.count_1h >= 3', then: block}\n"
                "  - {id: sum, when: 'history.agent.sum_24h + args.amount > 30.0', then: block}\n");
    p = paid("10");
    q = paid("10");
    r = paid("10");
    OK(decide(story.ana, &p, DECISION_RETURN));
    BLOCKED(revise(story.bot, &p, "{\"arguments\":{\"amount\":11}}"), "sum");
    OK(revise(story.bot, &p, "{\"arguments\":{\"amount\":4}}"));
    OK(modify(story.ana, &q, "{\"amount\":16}", false));
    BLOCKED(modify(story.ana, &r, "{\"amount\":11}", false), "sum");
}

/* Of 200 edits at once on a budget for ten, ten stand: nobody is ever charged for two. */
static void test_parallel_edits(void **state)
{
    enum { COUNT = 200 };
    static struct story_cmd commands[COUNT];
    static struct story_cmd *batch[COUNT];
    static struct ctx contexts[COUNT];
    size_t approved = 0;

    (void)state;
    rule_by(NOW
            "budgets: [{id: day, when: 'args.amount > 1.0', sum: args.amount, per: all, window: "
            "24h, limit: 50, then: block}]\n");
    for (size_t i = 0; i < COUNT; i++) {
        struct proposal p = paid("1");
        commands[i] = (struct story_cmd){.deed = DECIDE,
                                         .caller = {.person = story.ana, .via = VIA_PAGE},
                                         .id = p.id,
                                         .decision = {.verdict = DECISION_MODIFY,
                                                      .digest = p.digest,
                                                      .arguments = story_json("{\"amount\":5}")}};
        OK(intake_check_arguments(&world.ctx, commands[i].decision.arguments,
                                  &commands[i].decision.arguments_digest));
        batch[i] = &commands[i];
    }
    story_batch(batch, contexts, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        approved += commands[i].cmd.err == FM_OK && commands[i].out.state == PROPOSAL_APPROVED;
    }
    EXPECT(approved == 10, "%zu", approved);
    EXPECT_STATE("it is used up", pay("2"), PROPOSAL_BLOCKED);
}

/* An edit that does not stand is not charged: neither too much nor too little. */
static void test_undone_edit(void **state)
{
    struct proposal p;

    (void)state;
    rule_by(LATER "budgets: [{id: day, sum: args.amount, per: all, window: 24h, limit: 100, then: "
                  "block}]\n");
    p = paid("40");
    OK(modify(story.ana, &p, "{\"amount\":1}", false));
    OK(undo(story.ana, &p));
    EXPECT_STATE("40 are reserved again", pay("61"), PROPOSAL_BLOCKED);
    OK(modify(story.ana, &p, "{\"amount\":1}", false));
    EXPECT_STATE("1 is", paid("99"), PROPOSAL_WAITING);
    OK(undo(story.ana, &p));
    BLOCKED(decide(story.ana, &p, DECISION_APPROVE), "day");
    OK(modify(story.ana, &p, "{\"amount\":1}", false));
    pass(2 * MINUTE_US, &p);
    EXPECT_STATE("released", p, PROPOSAL_APPROVED);
    EXPECT_STATE("used up", pay("0.5"), PROPOSAL_BLOCKED);
}

/* What the hold becomes --------------------------------------------------------------------- */

#define LARGE                                                                                      \
    "rules:\n"                                                                                     \
    "  - {id: large, when: 'args.amount > 100.0', then: review, queue: leads, mode: read,"         \
    " respond_within: 15m, because: 'Leads look at large ones'}\n"                                 \
    "  - {id: some, when: 'args.amount > 50.0', mode: read}\n"

static void test_edit_for_others(void **state)
{
    struct proposal p, original;
    struct str text;

    (void)state;
    rule_by(NOW LARGE);
    p = original = paid("5");
    OK(claim(story.ana, &p));
    OK(modify(story.ana, &p, "{\"amount\":500}", false));
    EXPECT_STATE("it stays pending", p, PROPOSAL_WAITING);
    EXPECT_STR("with whom it now takes", p.queue, S("leads"));
    EXPECT_STR("with whom it now takes", p.first_queue, S("leads"));
    EXPECT(p.mode == MODE_READ && p.respond_within_us == 15 * MINUTE_US, "as the rule asks");
    EXPECT(p.due_at == story.now_us + 15 * MINUTE_US, "from now on");
    EXPECT(p.claimed_by == 0 && p.verdict == 0 && p.decided_by == 0, "nobody's decision");
    EXPECT(p.edit_by == story.ana->row && p.edit_leaf == p.last_leaf, "the edit is kept");
    EXPECT_STR("a leaf", last_kind(&p), S("proposal.tightened"));
    EXPECT(news_of(JOURNAL_PROPOSAL_TIGHTENED, &p) == 1, "told");
    EXPECT(has_reason(&p, "rule", &text), "the reason");
    EXPECT_STR("the reason", text, S("With a reviewer's edit: Leads look at large ones"));
    EXPECT(hash_eq(p.digest, original.digest), "what was proposed is as it was");
    EXPECT(tally_of(&p).modified == 0, "no decision was made");
    restart();
    REFUSED(decide(story.ana, &p, DECISION_APPROVE), FM_E_NOT_FOUND);
    REFUSED(modify(story.lea, &p, "{\"amount\":500}", false), FM_E_CLAIM_FIRST);
    OK(claim(story.lea, &p));
    story_advance(READ_MODE_MIN_US);
    OK(modify(story.lea, &p, "{\"amount\":500}", false));
    EXPECT_STATE("by one it takes", p, PROPOSAL_APPROVED);
    EXPECT(p.decided_by == story.lea->row && p.verdict == DECISION_MODIFY, "as hers");
}

static void test_edit_asks_for_reading(void **state)
{
    struct proposal p;

    (void)state;
    rule_by(NOW LARGE);
    p = paid("5");
    OK(modify(story.ana, &p, "{\"amount\":60}", false));
    EXPECT_STATE("it was not read", p, PROPOSAL_WAITING);
    EXPECT(p.mode == MODE_READ && str_eq(p.queue, S("general")), "in its queue");
    OK(claim(story.ana, &p));
    story_advance(READ_MODE_MIN_US);
    OK(modify(story.ana, &p, "{\"amount\":60}", false));
    EXPECT_STATE("it was", p, PROPOSAL_APPROVED);
    p = paid("5");
    OK(claim(story.ana, &p));
    story_advance(READ_MODE_MIN_US);
    OK(modify(story.ana, &p, "{\"amount\":60}", false));
    EXPECT_STATE("read before anybody asked for it", p, PROPOSAL_APPROVED);
    p = paid("5");
    OK(modify(story.ana, &p, "{\"amount\":50}", false));
    EXPECT_STATE("nothing is asked for", p, PROPOSAL_APPROVED);
}

/* The lead may think otherwise: approve what was proposed, or return it, which ends the edit. */
static void test_edit_is_only_offered(void **state)
{
    struct proposal p;

    (void)state;
    rule_by(NOW LARGE);
    p = paid("5");
    OK(modify(story.ana, &p, "{\"amount\":500}", false));
    OK(claim(story.lea, &p));
    story_advance(READ_MODE_MIN_US);
    OK(decide(story.lea, &p, DECISION_APPROVE));
    EXPECT_STATE("as proposed", p, PROPOSAL_APPROVED);
    EXPECT(p.verdict == DECISION_APPROVE, "as proposed");
    p = paid("5");
    OK(modify(story.ana, &p, "{\"amount\":500}", false));
    OK(claim(story.lea, &p));
    story_advance(READ_MODE_MIN_US);
    OK(decide(story.lea, &p, DECISION_RETURN));
    OK(revise(story.bot, &p, "{\"arguments\":{\"amount\":7},\"brief\":{\"summary\":\"less\"}}"));
    EXPECT(p.edit_by == 0, "it was about another revision");
    EXPECT_STR("back where it belongs", p.queue, S("general"));
}

/* Approvals under another policy ------------------------------------------------------------- */

static void test_approval_of_now(void **state)
{
    struct proposal p, q;

    (void)state;
    rule_by(NOW);
    p = paid("5");
    q = paid("7");
    rule_by(NOW "rules:\n"
                "  - {id: lead, when: 'args.amount < 6.0', then: review, queue: leads}\n"
                "  - {id: seen, when: 'history.agent.count_24h >= 0 && args.amount > 6.0', then: "
                "block, because: 'Never again'}\n");
    BLOCKED(decide(story.ana, &q, DECISION_APPROVE), "the rule seen: Never again");
    OK(decide(story.ana, &q, DECISION_REJECT));
    OK(decide(story.ana, &p, DECISION_APPROVE));
    EXPECT_STATE("for others", p, PROPOSAL_WAITING);
    EXPECT_STR("for others", p.queue, S("leads"));
    EXPECT(p.edit_by == 0 && p.decided_by == 0, "nothing was edited or decided");
    EXPECT(p.policy == story.flow->policy_row, "by which version");
    EXPECT(has_reason(&p, "catalogue", NULL) && has_reason(&p, "rule", NULL), "both reasons");
    OK(decide(story.lea, &p, DECISION_APPROVE));
    EXPECT_STATE("by them", p, PROPOSAL_APPROVED);
}

/* What sends back an approval in its undo time, and what does not. */
static void test_release(void **state)
{
    static const struct {
        const char *name, *more, *queue, *source;
        enum proposal_state want;
    } rows[] = {
        {"nothing new", "", NULL, NULL, PROPOSAL_APPROVED},
        {"a rule blocks", "rules: [{id: n, when: 'args.amount > 1.0', then: block}]\n", "general",
         "rule", PROPOSAL_WAITING},
        {"one that counts blocks",
         "rules: [{id: n, when: 'history.agent.count_24h >= 0', then: block}]\n", "general", "rule",
         PROPOSAL_WAITING},
        {"its own use does not count",
         "rules: [{id: n, when: 'history.agent.count_24h > 0', then: block}]\n", NULL, NULL,
         PROPOSAL_APPROVED},
        {"one that reads domains",
         "rules: [{id: n, when: '\"billing\" in domains', then: block}]\n", "general", "rule",
         PROPOSAL_WAITING},
        {"a budget blocks",
         "budgets: [{id: b, sum: args.amount, per: all, window: 1h, limit: 4, then: block}]\n",
         "general", "budget", PROPOSAL_WAITING},
        {"a budget asks for review",
         "budgets: [{id: b, sum: args.amount, per: all, window: 1h, limit: 4, then: review}]\n",
         NULL, NULL, PROPOSAL_APPROVED},
        {"another queue", "rules: [{id: n, when: 'true', then: review, queue: leads}]\n", "leads",
         "rule", PROPOSAL_WAITING},
        {"it was not read", "rules: [{id: n, when: 'true', mode: read}]\n", "general", "rule",
         PROPOSAL_WAITING},
        {"one more review", "rules: [{id: n, when: 'true', then: review}]\n", NULL, NULL,
         PROPOSAL_APPROVED},
        {"earn", "rules: [{id: n, when: 'true', then: earn}]\n", NULL, NULL, PROPOSAL_APPROVED},
        {"an agent's domains", "agents: {bot: {domains: [shipping]}}\n", NULL, NULL,
         PROPOSAL_APPROVED},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct proposal p;
        rule_by(LATER "rules: [{id: old, when: 'history.agent.count_24h > 1000', then: review}]\n");
        OK(submit(i % 2 ? story.bot : story.other,
                  "{\"action\":\"pay\",\"arguments\":{\"amount\":5}}", &p));
        OK(decide(story.ana, &p, DECISION_APPROVE));
        rule_by(arena_printf(world.arena, "%s%s", LATER, rows[i].more).p);
        restart();
        pass(2 * MINUTE_US, &p);
        EXPECT_STATE(rows[i].name, p, rows[i].want);
        if (rows[i].want == PROPOSAL_WAITING) {
            EXPECT_STR(rows[i].name, p.queue, str_of(rows[i].queue));
            EXPECT(has_reason(&p, "catalogue", NULL) && has_reason(&p, rows[i].source, NULL),
                   "%s: %.*s", rows[i].name, STR_ARG(p.assessment));
            EXPECT_STR(rows[i].name, last_kind(&p), S("proposal.undone"));
            EXPECT(tally_of(&p).approved == 0 || p.agent, "the decision does not stand");
        }
        story_advance(8 * DAY_US); /* no history of one row reaches the next */
    }
}

/* Warm-up and the coin have no say where a person has looked. */
static void test_release_draws_nothing(void **state)
{
    struct proposal p;

    (void)state;
    rule_by("version: 1\ndefaults: {undo: 1m, warm_up: 20}\n" PAY);
    random_set_seed(1);
    for (int i = 0; i < 120; i++) {
        OK(submit(story.bot, "{\"action\":\"pay\",\"arguments\":{}}", &p));
        OK(decide(story.ana, &p, DECISION_APPROVE));
        pass(2 * MINUTE_US, &p);
        EXPECT_STATE("released", p, PROPOSAL_APPROVED);
    }
    random_set_seed(0);
}

/* Whoever approved it is taken out of the queue meanwhile. */
static void test_release_membership(void **state)
{
    struct proposal p;

    (void)state;
    rule_by(LATER);
    p = paid("5");
    OK(decide(story.ana, &p, DECISION_APPROVE));
    rule_by("version: 1\ndefaults: {undo: 1m, decide_by: [page], warm_up: 0}\n"
            "queues: {general: {members: [ben]}}\n" PAY);
    pass(2 * MINUTE_US, &p);
    EXPECT_STATE("back", p, PROPOSAL_WAITING);
    EXPECT(strstr(arena_copy(world.arena, p.assessment).p, "may no longer decide"), "why");
}

/* An edit that is sent back keeps its arguments for whoever decides next, and its charge goes. */
static void test_release_of_an_edit(void **state)
{
    struct proposal p;

    (void)state;
    rule_by(LATER "budgets: [{id: day, sum: args.amount, per: all, window: 24h, limit: 200, then: "
                  "block}]\n");
    p = paid("5");
    OK(modify(story.ana, &p, "{\"amount\":150}", false));
    rule_by(LATER LARGE "budgets: [{id: day, sum: args.amount, per: all, window: 24h, limit: 200, "
                        "then: block}]\n");
    pass(2 * MINUTE_US, &p);
    EXPECT_STATE("back", p, PROPOSAL_WAITING);
    EXPECT_STR("with others", p.queue, S("leads"));
    EXPECT(p.edit_by == story.ana->row && p.edit_leaf > 0 && p.decision_leaf == -1, "the edit");
    EXPECT_STATE("5 and 195", paid("195"), PROPOSAL_WAITING);
    EXPECT_STATE("no more", pay("0.5"), PROPOSAL_BLOCKED);
}

/* Warm-up ------------------------------------------------------------------------------------ */

/* Where a rule allows, people's approvals count as they do where the catalogue does. */
static void test_warm_up_by_a_rule(void **state)
{
    struct proposal p;

    (void)state;
    rule_by("version: 1\ndefaults: {then: earn, undo: 1m, decide_by: [page], warm_up: 2}\n" QUEUES
            "actions: {pay: {effects: [none]}, tag: {then: review}}\n"
            "rules:\n"
            "  - {id: small, when: 'args.amount < 10.0', then: allow}\n"
            "  - {id: large, when: 'args.amount >= 10.0', then: review}\n");
    p = paid("100");
    OK(decide(story.ana, &p, DECISION_APPROVE));
    pass(2 * MINUTE_US, &p);
    EXPECT_STATE("no use of what is allowed", p, PROPOSAL_APPROVED);
    for (int i = 0; i < 2; i++) {
        p = paid("1");
        EXPECT(has_reason(&p, "warm_up", NULL), "the first ones");
        OK(decide(story.ana, &p, DECISION_APPROVE));
        pass(2 * MINUTE_US, &p);
        EXPECT_STATE("released", p, PROPOSAL_APPROVED);
    }
    random_set_seed(7);
    EXPECT_STATE("people have approved two", pay("1"), PROPOSAL_APPROVED);
    random_set_seed(0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        STORY_TEST(test_edits_in_history),
        STORY_TEST(test_edit_is_counted),
        STORY_TEST(test_own_share_is_out),
        STORY_TEST(test_own_share_of_a_revision),
        STORY_TEST(test_parallel_edits),
        STORY_TEST(test_undone_edit),
        STORY_TEST(test_edit_for_others),
        STORY_TEST(test_edit_asks_for_reading),
        STORY_TEST(test_edit_is_only_offered),
        STORY_TEST(test_approval_of_now),
        STORY_TEST(test_release),
        STORY_TEST(test_release_draws_nothing),
        STORY_TEST(test_release_membership),
        STORY_TEST(test_release_of_an_edit),
        STORY_TEST(test_warm_up_by_a_rule),
    };

    return CHECK_RUN(tests);
}
