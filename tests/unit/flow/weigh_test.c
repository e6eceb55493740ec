/* SPDX-License-Identifier: Apache-2.0
 *
 * What the committer adds to an assessment: budgets, history, domains, categories, warm-up and
 * coin; what is given back, what is learned, and that all of it survives a restart and a batch
 * that is run again.
 */
#include "story.h"

#define HEAD                                                                                       \
    "version: 1\n"                                                                                 \
    "defaults: {then: review, undo: 0s, decide_by: [page], warm_up: 0}\n"                          \
    "queues: {general: {members: [role:reviewer], backup: leads}, leads: {members: "               \
    "[role:lead]}}\n"
#define ACTIONS                                                                                    \
    "actions: {pay: {then: allow, effects: [money], domain: billing}, tag: {then: allow}}\n"

/* Budgets -------------------------------------------------------------------------------------- */

#define BUDGET(rest) HEAD ACTIONS "budgets: [{id: b, " rest "}]\n"

static void test_budget_sum(void **state)
{
    struct proposal p;
    struct str text;

    (void)state;
    rule_by(BUDGET("sum: args.amount, per: agent, window: 24h, limit: 100, then: review"));
    p = pay("99.9");
    EXPECT_STATE("within", p, PROPOSAL_APPROVED);
    p = pay("0.1");
    EXPECT_STATE("exactly the limit", p, PROPOSAL_APPROVED);
    p = pay("0.000001");
    EXPECT_STATE("a millionth more", p, PROPOSAL_WAITING);
    EXPECT(has_reason(&p, "budget", &text), "the reason");
    EXPECT_STR("its text", text, S("The budget b of 100 in 1d would be exceeded"));
    EXPECT(strstr(arena_copy(world.arena, p.assessment).p,
                  "\"values\":[{\"expression\":\"used\",\"value\":\"100\"},{\"expression\":"
                  "\"this\",\"value\":"
                  "\"0.000001\"},{\"expression\":\"limit\",\"value\":\"100\"}]"),
           "%.*s", STR_ARG(p.assessment));
    OK(submit(story.other, "{\"action\":\"pay\",\"arguments\":{\"amount\":50}}", &p));
    EXPECT_STATE("another agent's", p, PROPOSAL_APPROVED);
    restart();
    p = pay("1");
    EXPECT_STATE("after a restart", p, PROPOSAL_WAITING);
    story_advance(DAY_US);
    p = pay("1");
    EXPECT_STATE("the last bucket counts whole", p, PROPOSAL_WAITING);
    story_advance(DAY_US / 60 + SECOND_US);
    p = pay("98");
    EXPECT_STATE("the window has passed, but for what still waits", p, PROPOSAL_APPROVED);
}

static void test_budget_amounts(void **state)
{
    static const struct {
        const char *amount;
        enum proposal_state want;
    } rows[] = {
        {"1", PROPOSAL_APPROVED},
        {"\"2.50\"", PROPOSAL_APPROVED},
        {"0", PROPOSAL_APPROVED},
        {"-1", PROPOSAL_WAITING},
        {"\"a lot\"", PROPOSAL_WAITING},
        {"true", PROPOSAL_WAITING},
        {"9000000000000", PROPOSAL_WAITING},
        {"null", PROPOSAL_WAITING},
        {"[1]", PROPOSAL_WAITING},
    };

    (void)state;
    rule_by(BUDGET("sum: args.amount, per: all, window: 1h, limit: 1000, then: review"));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct proposal p = pay(rows[i].amount);
        EXPECT_STATE(rows[i].amount, p, rows[i].want);
        EXPECT(has_reason(&p, "budget", NULL) == (rows[i].want == PROPOSAL_WAITING), "%s",
               rows[i].amount);
    }
    EXPECT_STATE("what could not be counted is not", pay("996.5"), PROPOSAL_APPROVED);
    EXPECT_STATE("the rest", pay("0.1"), PROPOSAL_WAITING);
}

static void test_budget_per(void **state)
{
    static const struct {
        const char *per, *body;
        enum proposal_state want; /* after pay by bot for s1 */
    } rows[] = {
        {"agent", "{\"action\":\"tag\",\"arguments\":{},\"subject\":\"s2\"}", PROPOSAL_WAITING},
        {"subject", "{\"action\":\"tag\",\"arguments\":{},\"subject\":\"s2\"}", PROPOSAL_APPROVED},
        {"subject", "{\"action\":\"tag\",\"arguments\":{},\"subject\":\"s1\"}", PROPOSAL_WAITING},
        {"action", "{\"action\":\"tag\",\"arguments\":{},\"subject\":\"s1\"}", PROPOSAL_APPROVED},
        {"action", "{\"action\":\"pay\",\"arguments\":{},\"subject\":\"s2\"}", PROPOSAL_WAITING},
        {"category", "{\"action\":\"tag\",\"arguments\":{}}", PROPOSAL_APPROVED},
        {"all", "{\"action\":\"tag\",\"arguments\":{}}", PROPOSAL_WAITING},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct proposal p;
        rule_by(arena_printf(world.arena,
                             BUDGET("count: true, per: %s, window: 1h, limit: %d, then: review"),
                             rows[i].per, 1)
                    .p);
        story_advance(2 * HOUR_US);
        EXPECT_STATE(rows[i].per, pay("1"), PROPOSAL_APPROVED);
        OK(submit(story.bot, rows[i].body, &p));
        EXPECT_STATE(rows[i].body, p, rows[i].want);
    }
}

/* What is held is reserved, and given back unless people approve it. */
static void test_budget_gives_back(void **state)
{
    struct proposal first, second, p;

    (void)state;
    rule_by(HEAD "actions: {pay: {then: allow}, ask: {then: review}}\n"
                 "budgets: [{id: b, count: true, per: all, window: 1h, limit: 2, then: block}]\n");
    OK(submit(story.bot, "{\"action\":\"ask\",\"arguments\":{}}", &first));
    OK(submit(story.bot, "{\"action\":\"ask\",\"arguments\":{\"a\":1}}", &second));
    EXPECT_STATE("two are reserved", pay("1"), PROPOSAL_BLOCKED);
    EXPECT_STATE("what is blocked counts nothing", pay("1"), PROPOSAL_BLOCKED);
    OK(decide(story.ana, &first, DECISION_REJECT));
    EXPECT_STATE("a rejection gives back", pay("1"), PROPOSAL_APPROVED);
    EXPECT_STATE("once", pay("1"), PROPOSAL_BLOCKED);
    OK(withdraw(story.bot, &second));
    OK(submit(story.bot, "{\"action\":\"ask\",\"arguments\":{}}", &first));
    EXPECT_STATE("withdrawn and taken again", first, PROPOSAL_WAITING);
    restart();
    EXPECT_STATE("still reserved", pay("1"), PROPOSAL_BLOCKED);
    OK(decide(story.ana, &first, DECISION_RETURN));
    EXPECT_STATE("returned", pay("1"), PROPOSAL_APPROVED);
    REFUSED(revise(story.bot, &first, "{\"arguments\":{\"b\":1}}"), FM_E_INVALID_ARGUMENT);
    story_advance(2 * HOUR_US);
    OK(submit(story.bot, "{\"action\":\"ask\",\"arguments\":{}}", &p));
    OK(decide(story.ana, &p, DECISION_APPROVE));
    EXPECT_STATE("approved counts", pay("1"), PROPOSAL_APPROVED);
    EXPECT_STATE("for good", pay("1"), PROPOSAL_BLOCKED);
}

static void test_budget_expires(void **state)
{
    struct proposal p;

    (void)state;
    rule_by(HEAD "actions: {pay: {then: allow}, ask: {then: review}}\n"
                 "budgets: [{id: b, count: true, per: all, window: 7d, limit: 1, then: review}]\n");
    OK(submit(story.bot, "{\"action\":\"ask\",\"arguments\":{},\"deadline\":\"1h\"}", &p));
    pass(HOUR_US + SECOND_US, &p);
    EXPECT_STATE("expired", p, PROPOSAL_EXPIRED);
    EXPECT_STATE("its place is free", pay("1"), PROPOSAL_APPROVED);
}

/* A person's edit counts as what it is. */
static void test_budget_modified(void **state)
{
    struct proposal p;

    (void)state;
    rule_by(
        HEAD
        "actions: {pay: {then: allow}, ask: {then: review}}\n"
        "budgets: [{id: b, sum: args.amount, per: all, window: 1h, limit: 100, then: review}]\n");
    OK(submit(story.bot, "{\"action\":\"ask\",\"arguments\":{\"amount\":90}}", &p));
    EXPECT_STATE("reserved", pay("20"), PROPOSAL_WAITING);
    OK(modify(story.ana, &p, "{\"amount\":10}", false));
    EXPECT_STATE("20 wait, 10 are approved", pay("70"), PROPOSAL_APPROVED);
    EXPECT_STATE("and no more", pay("0.5"), PROPOSAL_WAITING);
}

/* Ten of two hundred, all in one batch, one of which fails and makes the committer run it again. */
static void test_budget_run_again(void **state)
{
    enum { COUNT = 200 };
    static struct story_cmd commands[COUNT + 1];
    static struct story_cmd *batch[COUNT + 1];
    static struct ctx contexts[COUNT + 1];
    size_t approved = 0;

    (void)state;
    rule_by(BUDGET("count: true, per: all, window: 1h, limit: 10, then: review"));
    for (size_t i = 0; i <= COUNT; i++) {
        story_prepare(&commands[i], story.bot, "{\"action\":\"pay\",\"arguments\":{}}");
        commands[i].deed = i == 100 ? SUBMIT_THEN_FAIL : SUBMIT;
        batch[i] = &commands[i];
    }
    story_batch(batch, contexts, COUNT + 1);
    for (size_t i = 0; i <= COUNT; i++) {
        EXPECT((commands[i].cmd.err == FM_OK) == (i != 100), "%zu: %s", i, contexts[i].detail);
        approved += i != 100 && commands[i].out.state == PROPOSAL_APPROVED;
    }
    EXPECT(approved == 10, "%zu", approved);
}

/* History -------------------------------------------------------------------------------------- */

static void test_history(void **state)
{
    struct proposal p;

    (void)state;
    rule_by(
        HEAD ACTIONS
        "rules:\n"
        "  - {id: often, when: 'history.agent.count_1h >= 2', then: review}\n"
        "  - {id: much, when: 'history.subject.sum_24h + args.?amount.orValue(0.0) > 100.0', then: "
        "block}\n"
        "  - {id: seen, when: 'history.category.count_7d == 0', mode: read}\n");
    EXPECT_STATE("the first", pay("40"), PROPOSAL_APPROVED);
    p = pay("40.5");
    EXPECT_STATE("the second", p, PROPOSAL_APPROVED);
    p = pay("19.5");
    EXPECT_STATE("the third within the hour", p, PROPOSAL_WAITING);
    EXPECT(p.mode == MODE_GLANCE, "its category was seen");
    EXPECT_STATE("too much for one subject", pay("0.5"), PROPOSAL_BLOCKED);
    restart();
    OK(submit(story.other, "{\"action\":\"tag\",\"arguments\":{}}", &p));
    EXPECT_STATE("another agent, subject, category", p, PROPOSAL_APPROVED);
    story_advance(HOUR_US + 2 * MINUTE_US);
    EXPECT_STATE("the hour is over, the day is not", pay("0.5"), PROPOSAL_BLOCKED);
    OK(submit(story.bot, "{\"action\":\"tag\",\"arguments\":{},\"subject\":\"s2\"}", &p));
    EXPECT_STATE("another subject", p, PROPOSAL_APPROVED);
}

/* Domains -------------------------------------------------------------------------------------- */

#define DOMAINS                                                                                    \
    HEAD "actions: {pay: {then: allow, domain: billing}, ship: {then: allow, domain: shipping},"   \
         " sign: {then: allow, domain: legal}}\n"                                                  \
         "agents: {bot: {domains: [billing, shipping]}}\n"

static struct proposal in_session(const struct agent *agent, const char *action, const char *rest)
{
    struct proposal p;

    OK(submit(agent,
              arena_printf(world.arena, "{\"action\":\"%s\",\"arguments\":{}%s}", action, rest).p,
              &p));
    return p;
}

static void test_domains(void **state)
{
    struct proposal p;
    struct str text;

    (void)state;
    rule_by(DOMAINS);
    p = in_session(story.bot, "sign", "");
    EXPECT_STATE("outside", p, PROPOSAL_WAITING);
    EXPECT(has_reason(&p, "rule", &text), "why");
    EXPECT_STR("why", text, S("bot works outside its domains: legal"));
    EXPECT_STATE("another agent", in_session(story.other, "sign", ""), PROPOSAL_APPROVED);
    EXPECT_STATE("one domain", in_session(story.bot, "pay", ",\"session\":\"a\""),
                 PROPOSAL_APPROVED);
    p = in_session(story.bot, "ship", ",\"session\":\"a\"");
    EXPECT_STATE("two in a session, never together", p, PROPOSAL_WAITING);
    EXPECT(has_reason(&p, "novelty", &text), "why");
    EXPECT_STR("why", text,
               S("People have never approved billing together with shipping for this agent"));
    EXPECT_STATE("each in its own session", in_session(story.bot, "ship", ",\"session\":\"b\""),
                 PROPOSAL_APPROVED);
    EXPECT_STATE("a claim brings the other one",
                 in_session(story.bot, "pay", ",\"domains\":[\"shipping\"]"), PROPOSAL_WAITING);
    EXPECT_STATE("a claim outside", in_session(story.bot, "pay", ",\"domains\":[\"legal\"]"),
                 PROPOSAL_WAITING);
    OK(decide(story.ana, &p, DECISION_APPROVE));
    restart();
    EXPECT_STATE("together by now", in_session(story.bot, "pay", ",\"domains\":[\"shipping\"]"),
                 PROPOSAL_APPROVED);
    EXPECT_STATE("in any session",
                 in_session(story.bot, "ship", ",\"session\":\"c\",\"domains\":[\"billing\"]"),
                 PROPOSAL_APPROVED);
}

static void test_domains_in_rules(void **state)
{
    (void)state;
    rule_by(
        HEAD
        "actions: {pay: {then: allow, domain: billing}, ship: {then: allow, domain: shipping}}\n"
        "rules: [{id: both, when: '\"billing\" in domains && \"shipping\" in domains', then: "
        "block}]\n");
    EXPECT_STATE("one", in_session(story.bot, "pay", ",\"session\":\"a\""), PROPOSAL_APPROVED);
    EXPECT_STATE("both", in_session(story.bot, "ship", ",\"session\":\"a\""), PROPOSAL_BLOCKED);
    EXPECT_STATE("another agent's session", in_session(story.other, "ship", ",\"session\":\"a\""),
                 PROPOSAL_APPROVED);
    EXPECT_STATE("no session", in_session(story.bot, "ship", ""), PROPOSAL_APPROVED);
}

/* Warm-up and coin ----------------------------------------------------------------------------- */

#define WARM(n)                                                                                    \
    "version: 1\ndefaults: {then: review, undo: 0s, decide_by: [page], warm_up: " n "}\n"

static void test_warm_up(void **state)
{
    struct proposal p, q;

    (void)state;
    rule_by(WARM("2") ACTIONS);
    p = pay("1");
    EXPECT_STATE("the first use", p, PROPOSAL_WAITING);
    EXPECT(has_reason(&p, "warm_up", NULL), "why");
    q = pay("1");
    EXPECT_STATE("before any is approved", q, PROPOSAL_WAITING);
    OK(decide(story.ana, &p, DECISION_REJECT));
    OK(decide(story.ana, &q, DECISION_APPROVE));
    p = pay("1");
    EXPECT_STATE("a rejected use does not count", p, PROPOSAL_WAITING);
    OK(decide(story.ana, &p, DECISION_APPROVE));
    restart();
    random_set_seed(7);
    EXPECT_STATE("two are approved", pay("1"), PROPOSAL_APPROVED);
    random_set_seed(0);
    OK(submit(story.bot, "{\"action\":\"tag\",\"arguments\":{}}", &p));
    EXPECT_STATE("another action", p, PROPOSAL_WAITING);
    OK(submit(story.other, "{\"action\":\"pay\",\"arguments\":{}}", &p));
    EXPECT_STATE("another agent", p, PROPOSAL_WAITING);
    rule_by(WARM("0") ACTIONS);
    OK(submit(story.other, "{\"action\":\"pay\",\"arguments\":{}}", &p));
    EXPECT_STATE("off", p, PROPOSAL_APPROVED);
}

SQL(SQL_WARM, "INSERT INTO uses(agent, action, approved) SELECT row, 'pay', 20 FROM agents");

static enum fm_err warm(struct ctx *ctx, struct store_conn *conn, void *with)
{
    (void)with;
    return store_exec(ctx, conn, &SQL_WARM, NO_ARGS);
}

static void test_spot_check(void **state)
{
    size_t checked = 0;
    struct str text;

    (void)state;
    rule_by("version: 1\ndefaults: {undo: 0s}\n" ACTIONS
            "limits: {proposals_per_minute: 100000}\n");
    OK(world_do(warm, NULL));
    random_set_seed(42);
    for (int i = 0; i < 1000; i++) {
        struct proposal p = pay("1");
        bool picked = p.state == PROPOSAL_WAITING;
        EXPECT(has_reason(&p, "spot_check", &text) == picked, "%d", i);
        checked += picked;
    }
    random_set_seed(0);
    EXPECT(checked >= 3 && checked <= 20, "%zu of 1000",
           checked); /* 10 on average; the seed is fixed */
    EXPECT_STR("its text", text, S(FLOW_SPOT_CHECK_TEXT));
    rule_by(HEAD ACTIONS "limits: {proposals_per_minute: 100000}\n");
    for (int i = 0; i < 300; i++) {
        EXPECT_STATE("warm_up 0 turns the coin off too", pay("1"), PROPOSAL_APPROVED);
    }
}

/* Category and recipients ---------------------------------------------------------------------- */

SQL(SQL_FILL, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)"
              " INSERT INTO categories(name) SELECT 'c' || i FROM n");

static enum fm_err fill(struct ctx *ctx, struct store_conn *conn, void *with)
{
    (void)with;
    return store_exec(ctx, conn, &SQL_FILL, NO_ARGS);
}

static void test_category(void **state)
{
    struct proposal p;

    (void)state;
    rule_by(HEAD
            "actions: {pay: {then: allow, category: 'action.name + \"/\" + args.currency'}}\n");
    OK(submit(story.bot, "{\"action\":\"pay\",\"arguments\":{\"currency\":\"USD\"}}", &p));
    EXPECT_STR("refined", p.category, S("pay/USD"));
    EXPECT_STATE("refined", p, PROPOSAL_APPROVED);
    OK(submit(story.bot, "{\"action\":\"pay\",\"arguments\":{}}", &p));
    EXPECT_STR("an error: the action's name", p.category, S("pay"));
    EXPECT_STATE("and review", p, PROPOSAL_WAITING);
    OK(submit(story.bot, "{\"action\":\"pay\",\"arguments\":{\"currency\":\"\\n\"}}", &p));
    EXPECT_STATE("two lines", p, PROPOSAL_WAITING);
    OK(world_do(fill, NULL));
    OK(submit(story.bot, "{\"action\":\"pay\",\"arguments\":{\"currency\":\"USD\"}}", &p));
    EXPECT_STATE("one that is known", p, PROPOSAL_APPROVED);
    OK(submit(story.bot, "{\"action\":\"pay\",\"arguments\":{\"currency\":\"EUR\"}}", &p));
    EXPECT_STR("one too many", p.category, S("pay"));
    EXPECT_STATE("one too many", p, PROPOSAL_WAITING);
}

static struct proposal send_to(const char *to, const char *rest)
{
    struct proposal p;

    OK(submit(
        story.bot,
        arena_printf(world.arena, "{\"action\":\"pay\",\"arguments\":{\"to\":\"%s\"}%s}", to, rest)
            .p,
        &p));
    return p;
}

static void test_recipients(void **state)
{
    static const char for_s1[] = ",\"subject\":\"s1\"", for_s2[] = ",\"subject\":\"s2\"";
    static const char asked[] =
        ",\"brief\":{\"request\":\"Send it to eve@evil.example, or call 0151 234 5678\"}";
    struct proposal p;

    (void)state;
    rule_by(HEAD ACTIONS
            "recipients: [example.com]\n"
            "rules: [{id: u, when: 'unsourced(args, brief.request)', then: review}]\n");
    EXPECT_STATE("no address", send_to("nobody", for_s1), PROPOSAL_APPROVED);
    EXPECT_STATE("a known domain", send_to("a@mail.Example.com", for_s1), PROPOSAL_APPROVED);
    EXPECT_STATE("from the request", send_to("EVE@evil.example", asked), PROPOSAL_APPROVED);
    EXPECT_STATE("in another spelling", send_to("+49 1512345678", asked), PROPOSAL_APPROVED);
    p = send_to("eve@evil.example", for_s1);
    EXPECT_STATE("from nowhere", p, PROPOSAL_WAITING);
    EXPECT(strstr(arena_copy(world.arena, p.assessment).p,
                  "{\"pointer\":\"/arguments/to\",\"rule\":\"u\",\"source\":\"rule\""),
           "%.*s", STR_ARG(p.assessment));
    EXPECT(strstr(arena_copy(world.arena, p.assessment).p,
                  "\"values\":[{\"expression\":\"args/to\",\"value\":\"eve@evil.example\"}"),
           "%.*s", STR_ARG(p.assessment));
    OK(decide(story.ana, &p, DECISION_APPROVE));
    restart();
    EXPECT_STATE("approved before, for s1", send_to("eve@evil.example", for_s1), PROPOSAL_APPROVED);
    EXPECT_STATE("not for s2", send_to("eve@evil.example", for_s2), PROPOSAL_WAITING);
    EXPECT_STATE("nor for nobody", send_to("eve@evil.example", ""), PROPOSAL_WAITING);
    p = send_to("mallory@evil.example", for_s1);
    OK(decide(story.ana, &p, DECISION_REJECT));
    EXPECT_STATE("rejected before", send_to("mallory@evil.example", for_s1), PROPOSAL_WAITING);
    p = send_to("old@evil.example", for_s1);
    OK(modify(story.ana, &p, "{\"to\":\"new@evil.example\"}", false));
    EXPECT_STATE("what a person put there", send_to("new@evil.example", for_s1), PROPOSAL_APPROVED);
    EXPECT_STATE("not what they took away", send_to("old@evil.example", for_s1), PROPOSAL_WAITING);
    OK(submit(story.bot,
              "{\"action\":\"tag\",\"arguments\":{\"to\":\"eve@evil.example\"},\"subject\":\"s1\"}",
              &p));
    EXPECT_STATE("not to another action", p, PROPOSAL_WAITING);
    p = send_to("Beware of www.evil.example", for_s1);
    OK(decide(story.ana, &p, DECISION_APPROVE));
    EXPECT_STATE("nor what was only talked about", send_to("www.evil.example", for_s1),
                 PROPOSAL_WAITING);
    EXPECT_STATE("nor that, talked about again", send_to("So: www.evil.example", for_s1),
                 PROPOSAL_WAITING);
}

/* The policy changes between the worker and the committer. */
static void test_assessed_again(void **state)
{
    struct story_cmd c;

    (void)state;
    rule_by(HEAD ACTIONS);
    story_prepare(&c, story.bot, "{\"action\":\"pay\",\"arguments\":{}}");
    rule_by(
        HEAD ACTIONS
        "rules: [{id: r, when: 'agent.name == \"bot\" && agent.owner == \"ana\"', then: block}]\n");
    OK(story_do(&c));
    EXPECT_STATE("by the new one", c.out, PROPOSAL_BLOCKED);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        STORY_TEST(test_budget_sum),
        STORY_TEST(test_budget_amounts),
        STORY_TEST(test_budget_per),
        STORY_TEST(test_budget_gives_back),
        STORY_TEST(test_budget_expires),
        STORY_TEST(test_budget_modified),
        STORY_TEST(test_budget_run_again),
        STORY_TEST(test_history),
        STORY_TEST(test_domains),
        STORY_TEST(test_domains_in_rules),
        STORY_TEST(test_warm_up),
        STORY_TEST(test_spot_check),
        STORY_TEST(test_category),
        STORY_TEST(test_recipients),
        STORY_TEST(test_assessed_again),
    };

    return CHECK_RUN(tests);
}
