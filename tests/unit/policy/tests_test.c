/* SPDX-License-Identifier: Apache-2.0
 *
 * The examples that a policy gives of itself: what they can assume, what they can want, that one
 * which fails refuses the file, and what is refused in them.
 */
#include "policy_check.h"

#include "policy/policy_limits.h"

/* All rows stand below this; the first test is on line 15. */
#define POLICY                                                                                     \
    "version: 1\n"                                                                                 \
    "defaults: {then: earn}\n"                                                                     \
    "actions:\n"                                                                                   \
    "  refund.issue:\n"                                                                            \
    "    schema: {type: object, required: [amount], properties: {amount: {type: number}}}\n"       \
    "    effects: [money]\n"                                                                       \
    "    brief: {require: [reasoning]}\n"                                                          \
    "  mail.send: {effects: [message], category: 'action.name + \"/\" + subject'}\n"               \
    "  tag: {then: allow}\n"                                                                       \
    "rules:\n"                                                                                     \
    "  - {id: large, when: '\"money\" in action.effects && args.amount > 500.0', then: review,"    \
    " mode: read, respond_within: 15m, undo: 5s, queue: leads}\n"                                  \
    "  - {id: often, when: 'history.agent.count_1h >= 3', then: block}\n"                          \
    "  - {id: told, when: 'unsourced(args, brief.request)', then: review}\n"                       \
    "  - {id: sunday, when: 'now.getDayOfWeek() == 0', then: block}\n"                             \
    "budgets: [{id: day, when: '\"money\" in action.effects', sum: args.amount, per: agent,"       \
    " window: 24h, limit: 5000, then: block}]\n"                                                   \
    "tests:\n"

#define TEST(given, want) POLICY "  - {name: one, given: {" given "}, want: {" want "}}\n"
#define REFUND(amount)    "action: refund.issue, arguments: {amount: " amount "}"

struct row {
    const char *name, *yaml;
    const char *why; /* of a failure; NULL: it passes */
};

static void expect_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        AUTO(loading_done) struct loading l = {0};
        AUTO(buf_done) struct buf want = BUF_INIT(KIB);
        load_text(&l, rows[i].yaml);
        if (rows[i].why) {
            buf_printf(&want, "17:5: the test \"one\" fails: %s", rows[i].why);
        }
        EXPECT_STR(rows[i].name, findings_text(&l), buf_str(&want));
        EXPECT((l.policy == NULL) == (rows[i].why != NULL), "%s: loads", rows[i].name);
    }
}

static void test_outcomes(void **state)
{
    static const struct row rows[] = {
        {"a verdict", TEST(REFUND("20"), "verdict: earn"), NULL},
        {"another one", TEST(REFUND("20"), "verdict: review"),
         "the verdict is earn, not review (found: catalogue earn, autonomy earn)"},
        {"the hold",
         TEST(REFUND("900"), "verdict: review, rule: large, queue: leads, mode: read,"
                             " respond_within: 15m, undo: 5s"),
         NULL},
        {"another rule", TEST(REFUND("900"), "rule: often"),
         "often is not among the reasons (found: large review)"},
        {"several",
         TEST(REFUND("900") ", history: {agent: {count_1h: 3}}",
              "verdict: block, rules: [large, often]"),
         NULL},
        {"another queue", TEST(REFUND("900"), "queue: general"),
         "the queue is leads, not general (found: large review)"},
        {"another mode", TEST(REFUND("900"), "mode: glance"),
         "the mode is read, not glance (found: large review)"},
        {"another time", TEST(REFUND("900"), "respond_within: 1h"),
         "respond_within is 15m, not 1h (found: large review)"},
        {"no hold at all", TEST("action: tag", "queue: general"),
         "nothing is held: the verdict is allow (found: catalogue allow)"},
        {"the category", TEST("action: mail.send, subject: s1", "category: mail.send/s1"), NULL},
        {"another category", TEST("action: mail.send, subject: s1", "category: mail.send"),
         "the category is mail.send/s1, not mail.send (found: catalogue earn, autonomy earn)"},
        {"an unknown action", TEST("action: fly", "verdict: review"), NULL},
    };

    (void)state;
    expect_rows(rows, COUNT_OF(rows));
}

/* What is assumed besides the proposal, and that nothing else is. */
static void test_assumptions(void **state)
{
    static const struct row rows[] = {
        {"nothing is used up", TEST(REFUND("400"), "verdict: earn"), NULL},
        {"a budget", TEST(REFUND("400") ", used: {day: 4600.01}", "verdict: block, rule: day"),
         NULL},
        {"up to its limit", TEST(REFUND("400") ", used: {day: 4600}", "verdict: earn"), NULL},
        {"history below", TEST("action: tag, history: {agent: {count_1h: 2}}", "verdict: allow"),
         NULL},
        {"a Monday", TEST("action: tag", "verdict: allow"), NULL},
        {"a Sunday",
         TEST("action: tag, at: \"2026-11-22T10:00:00Z\"", "verdict: block, rule: sunday"), NULL},
        {"an address that nobody gave",
         TEST("action: mail.send, arguments: {to: bob@x.org}", "verdict: review, rule: told"),
         NULL},
        {"one of the request",
         TEST("action: mail.send, arguments: {to: bob@x.org}, brief: {request: 'to bob@x.org'}",
              "verdict: earn"),
         NULL},
        {"one that is known",
         TEST("action: mail.send, arguments: {to: bob@x.org}, known: [BOB@x.org]", "verdict: earn"),
         NULL},
        {"no brief is asked for", TEST(REFUND("20"), "verdict: earn"), NULL},
        {"arguments that no agent could send", TEST("action: refund.issue", "verdict: earn"),
         "the schema of refund.issue refuses this: /arguments/amount: is required"},
    };

    (void)state;
    expect_rows(rows, COUNT_OF(rows));
}

static void test_refusals(void **state)
{
    static const struct row rows[] = {
        {"no name", POLICY "  - {given: {action: tag}, want: {verdict: allow}}\n",
         "17:5: a test needs the key \"name\""},
        {"no want", POLICY "  - {name: one, given: {action: tag}}\n",
         "17:5: a test needs the key \"want\""},
        {"an empty want", TEST("action: tag", ""),
         "17:45: want is empty: say at least the verdict"},
        {"people", TEST("action: tag", "people: 2"),
         "17:46: this version does not know \"people\" yet"},
        {"an unknown want", TEST("action: tag", "verdikt: allow"),
         "17:46: there is no key \"verdikt\" here; did you mean \"verdict\"?"},
        {"an unknown rule", TEST("action: tag", "rule: larg"),
         "17:5: there is no rule or budget \"larg\"; did you mean \"large\"?"},
        {"an unknown budget", TEST("action: tag, used: {week: 1}", "verdict: allow"),
         "17:5: there is no budget \"week\", of which `used` speaks"},
        {"no action", TEST("arguments: {}", "verdict: allow"), "17:17: given/action: is required"},
        {"an unknown member", TEST("action: tag, argument: {}", "verdict: allow"),
         "17:38: given/argument: "},
        {"a member of the brief", TEST("action: tag, brief: {reqest: x}", "verdict: allow"),
         "17:46: given/brief/reqest: "},
        {"a number for a text", TEST("action: tag, subject: 12", "verdict: allow"),
         "17:38: given/subject: "},
        {"a number among labels", TEST("action: tag, labels: {a: 1}", "verdict: allow"),
         "17:38: given/labels wants texts"},
        {"no time", TEST("action: tag, at: noon", "verdict: allow"),
         "17:38: given/at wants a time"},
        {"no amount", TEST("action: tag, used: {day: x}", "verdict: allow"),
         "17:38: given/used wants amounts"},
        {"no window", TEST("action: tag, history: {agent: {count_2h: 1}}", "verdict: allow"),
         "17:38: given/history wants counts and sums"},
        {"no recipient", TEST("action: tag, known: [Bob]", "verdict: allow"),
         "17:38: given/known wants e-mail addresses"},
        {"an unknown queue", TEST("action: tag", "queue: lead"),
         "17:53: there is no queue \"lead\"; did you mean \"leads\"?"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(loading_done) struct loading l = {0};
        load_text(&l, rows[i].yaml);
        EXPECT(str_starts(findings_text(&l), str_of(rows[i].why)), "%s: %.*s", rows[i].name,
               STR_ARG(findings_text(&l)));
        EXPECT(l.err == FM_E_INVALID_ARGUMENT && !l.policy, "%s", rows[i].name);
    }
}

/* `fermata policy test` shows each: the file is read without running them. */
static void test_untested(void **state)
{
    AUTO(loading_done) struct loading l = {0};
    struct policy_outcome outcome;

    (void)state;
    l.arena = arena_new(4 * MIB);
    ctx_init(&l.ctx, l.arena);
    l.err = policy_parse_untested(&l.ctx, S("p"), S(TEST(REFUND("20"), "verdict: block")),
                                  l.findings, &l.count, &l.policy);
    EXPECT(l.err == FM_OK && l.policy && l.policy->test_count == 1, "%s", l.ctx.detail);
    EXPECT(policy_test_run(&l.ctx, l.policy, &l.policy->tests[0], &outcome) == FM_OK, "runs");
    EXPECT(!outcome.passed && outcome.verdict == VERDICT_EARN && l.policy->tests[0].at.line == 17,
           "fails");
}

/* POLICY_TESTS_MAX tests, and steps of all together. */
static void test_limits(void **state)
{
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        AUTO(loading_done) struct loading l = {0};
        AUTO(buf_done) struct buf yaml = BUF_INIT(4 * MIB);
        buf_lit(&yaml, POLICY);
        for (size_t n = 0; n < POLICY_TESTS_MAX + more; n++) {
            buf_printf(&yaml, "  - {name: t%zu, given: {action: tag}, want: {verdict: allow}}\n",
                       n);
        }
        load_str(&l, buf_str(&yaml));
        EXPECT((l.err == FM_OK) == (more == 0), "%zu more: %s", more, l.ctx.detail);
    }
}

static void test_cost(void **state)
{
    AUTO(loading_done) struct loading l = {0};
    AUTO(buf_done) struct buf yaml = BUF_INIT(MIB);

    (void)state;
    buf_lit(&yaml,
            "version: 1\nrules: [{id: a, then: review, when: 'args.n.all(x, args.n.all(y, args.n"
            ".all(z, x + y + z < 1000)))'}]\ntests:\n");
    for (size_t n = 0; n < 100; n++) {
        buf_lit(
            &yaml,
            "  - {name: t, given: {action: a, arguments: {n: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,"
            " 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24]}}, want: {rule: a}}\n");
    }
    load_str(&l, buf_str(&yaml));
    EXPECT(l.err == FM_E_INVALID_ARGUMENT && strstr(l.ctx.detail, "steps together"), "%s",
           l.ctx.detail);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outcomes), cmocka_unit_test(test_assumptions),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_untested),
        cmocka_unit_test(test_limits),   cmocka_unit_test(test_cost),
    };

    crypto_init();
    return CHECK_RUN(tests);
}
