/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules, budgets, agents, lexicons and recipients of a policy: what is read, and what is refused
 * with its place in the file, down to the place inside an expression.
 */
#include "policy_check.h"

#include "policy/policy_limits.h"

static const char everything[] =
    "version: 1\n"
    "defaults: {warm_up: 7}\n"
    "actions:\n"
    "  refund.issue: {effects: [money], category: 'action.name + \"/\" + args.currency'}\n"
    "agents: {bot: {domains: [shipping, billing]}}\n"
    "lexicons: {dispute: [chargeback, billing dispute]}\n"
    "recipients: [example.com, bob@x.org]\n"
    "rules:\n"
    "  - id: money-out\n"
    "    when: '\"money\" in action.effects && args.amount > 50.0'\n"
    "    then: review\n"
    "    because: \"Above 50\"\n"
    "    mode: read\n"
    "    queue: leads\n"
    "    respond_within: 15m\n"
    "    undo: 5s\n"
    "    on_expiry: expire\n"
    "  - {id: quiet, when: 'history.agent.count_1h > 3', mode: read}\n"
    "  - {id: told, when: 'unsourced(args, brief.request) || \"x\" in domains', then: block}\n"
    "budgets:\n"
    "  - {id: per-day, when: '\"money\" in action.effects', sum: args.amount, per: subject,"
    "     window: 24h, limit: 49.95, then: block, because: Enough}\n"
    "  - {id: calls, count: true, per: all, window: 1m, limit: 10, then: review}\n";

static void test_rules(void **state)
{
    AUTO(loading_done) struct loading l = {0};
    const struct policy_rule *rule;

    (void)state;
    load_text(&l, everything);
    EXPECT(l.err == FM_OK && l.count == 0, "%s", l.ctx.detail);
    EXPECT(l.policy->rule_count == 3 && l.policy->warm_up == 7, "%zu rules", l.policy->rule_count);
    rule = &l.policy->rules[0];
    EXPECT_STR("id", rule->id, S("money-out"));
    EXPECT_STR("when", rule->when.text, S("\"money\" in action.effects && args.amount > 50.0"));
    EXPECT(rule->has_then && rule->then == VERDICT_REVIEW && rule->mode == MODE_READ, "words");
    EXPECT_STR("because", rule->because, S("Above 50"));
    EXPECT_STR("queue", rule->queue, S("leads"));
    EXPECT(rule->respond_within_us == 15 * MINUTE_US && rule->undo_us == 5 * SECOND_US, "times");
    EXPECT(rule->on_expiry == ON_EXPIRY_EXPIRE && rule->when.uses == 0, "expiry");
    rule = &l.policy->rules[1];
    EXPECT(!rule->has_then && rule->on_expiry == ON_EXPIRY_KEEP && !rule->queue.p,
           "asks for little");
    EXPECT(rule->when.uses == POLICY_USES_HISTORY, "uses %u", rule->when.uses);
    EXPECT(l.policy->rules[2].when.uses == (POLICY_USES_RECIPIENTS | POLICY_USES_DOMAINS), "uses");
    EXPECT(l.policy->uses == 7, "all of them");
}

static void test_sections(void **state)
{
    AUTO(loading_done) struct loading l = {0};
    const struct policy_budget *budget;
    const struct policy_agent *agent;

    (void)state;
    load_text(&l, everything);
    budget = &l.policy->budgets[0];
    EXPECT(l.policy->budget_count == 2 && budget->limit_micros == 49950000, "budgets");
    EXPECT(budget->per == PER_SUBJECT && budget->window_us == DAY_US && !budget->counts, "budget");
    EXPECT(budget->then == VERDICT_BLOCK && budget->when.program && budget->sum.program, "budget");
    EXPECT_STR("because", budget->because, S("Enough"));
    budget = &l.policy->budgets[1];
    EXPECT(budget->counts && !budget->when.program && budget->per == PER_ALL, "the other");
    agent = policy_agent(l.policy, S("bot"));
    EXPECT(agent && policy_agent_has(agent, S("billing")) && policy_agent_has(agent, S("shipping")),
           "domains");
    EXPECT(!policy_agent_has(agent, S("legal")) && !policy_agent(l.policy, S("bo")), "no others");
    EXPECT(policy_lexicon(l.policy, S("dispute")) && l.policy->recipients.count == 2, "words");
    EXPECT(policy_action(l.policy, S("refund.issue"))->category.program != NULL, "category");
}

struct row {
    const char *name, *yaml, *want;
};

#define EXPECT_FINDINGS(rows)                                                                      \
    for (size_t i = 0; i < COUNT_OF(rows); i++) {                                                  \
        AUTO(loading_done) struct loading l = {0};                                                 \
        load_text(&l, (rows)[i].yaml);                                                             \
        EXPECT_STR((rows)[i].name, findings_text(&l), str_of((rows)[i].want));                     \
    }

#define RULE(text) "version: 1\nrules: [{id: a, then: block, when: " text "}]\n"

static void test_expressions(void **state)
{
    static const struct row rows[] = {
        {"a typo in single quotes", RULE("'action.nam == \"x\"'"),
         "2:44: when: action has no member nam; did you mean name?"},
        {"in double quotes", RULE("\"agnt.name == 'x'\""),
         "2:37: when: there is no agnt here; did you mean agent?"},
        {"without quotes", RULE("agnt.name == 'x'"),
         "2:36: when: there is no agnt here; did you mean agent?"},
        {"behind an escape, the beginning of the text", RULE("\"\\x61ction.nam == 'x'\""),
         "2:36: when: action has no member nam; did you mean name?"},
        {"in a block, its own line",
         "version: 1\nrules:\n  - id: a\n    then: block\n    when: |\n      true &&\n\n        "
         "args.x == brif.y\n",
         "8:19: when: there is no brif here; did you mean brief?"},
        {"characters, not bytes", RULE("'\"\xC3\xA9\xC3\xA9\" == sesion'"),
         "2:45: when: there is no sesion here; did you mean session?"},
        {"no truth value", RULE("'1 + 1'"),
         "2:37: when: the expression must give bool, not int"},
        {"an empty one", RULE("''"), "2:36: when wants an expression of 1 to 8192 bytes"},
        {"a list", RULE("[a]"), "2:36: when wants an expression, in quotes, not a list"},
        {"a lexicon that is not there", RULE("'mentions(brief.request, \"disput\")'"),
         "2:62: when: there is no lexicon \"disput\""},
        {"what MCP calls will have", RULE("'params.name == \"x\"'"),
         "2:37: when: this version does not know \"params\" yet: it comes with the MCP gateway, "
         "which sees the calls themselves; what the agent proposes stands in args"},
        {"the caller's token", RULE("'has(token.sub)'"),
         "2:41: when: this version does not know \"token\" yet: it comes with the MCP gateway, which "
         "sees the caller's; who asked stands in requester, the agent in agent.id"},
        {"an agent's labels", RULE("'agent.labels.team == \"x\"'"),
         "2:43: when: this version does not know \"agent.labels\" yet: it comes with labels that "
         "admins give to agents; what an agent claims of a proposal stands in labels"},
        {"confidence must be guarded", RULE("'brief.confidence < 0.5'"),
         "2:43: when: confidence may be absent: guard it with has(brief.confidence) && ..., or "
         "read it with brief.?confidence.orValue(...)"},
    };
    static const struct row early[] = {
        {"a category by itself", "version: 1\nactions: {a: {category: 'category + \"x\"'}}\n",
         "2:25: category cannot depend on `category`"},
        {"a category by counts",
         "version: 1\nactions: {a: {category: 'string(history.agent.count_1h)'}}\n",
         "2:25: category cannot depend on `history`"},
        {"a budget by counts",
         "version: 1\nbudgets: [{id: a, when: 'size(domains) > 1', count: true, per: all, window: "
         "1h,"
         " limit: 1, then: review}]\n",
         "2:25: when cannot depend on `domains`"},
        {"a category that is no text", "version: 1\nactions: {a: {category: '1'}}\n",
         "2:26: category: the expression must give string, not int"},
    };

    (void)state;
    EXPECT_FINDINGS(rows)
    EXPECT_FINDINGS(early)
}

static void test_excerpt(void **state)
{
    AUTO(loading_done) struct loading l = {0};

    (void)state;
    load_text(&l, RULE("'action.nam == \"x\"'"));
    EXPECT_STR("the line and a caret", l.findings[0].excerpt,
               S(" | action.nam == \"x\"\n |        ^"));
}

/* Rows that are refused; the findings begin with what is wanted. */
static void expect_refused(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        AUTO(loading_done) struct loading l = {0};
        load_text(&l, rows[i].yaml);
        EXPECT(str_starts(findings_text(&l), str_of(rows[i].want)), "%s: %.*s", rows[i].name,
               STR_ARG(findings_text(&l)));
        EXPECT(l.err == FM_E_INVALID_ARGUMENT, "%s", rows[i].name);
    }
}

static void test_rules_refused(void **state)
{
    static const struct row rows[] = {
        {"no id", "version: 1\nrules: [{when: 'true', then: block}]\n",
         "2:9: a rule needs the key \"id\""},
        {"no when", "version: 1\nrules: [{id: a, then: block}]\n",
         "2:9: a rule needs the key \"when\""},
        {"an id twice",
         "version: 1\nrules:\n  - {id: a, when: 'true', then: block}\n  - {id: a, when: 'true', "
         "then: "
         "block}\n",
         "4:10: the id \"a\" stands here a second time, after line 3"},
        {"nothing to do", "version: 1\nrules: [{id: a, when: 'true'}]\n",
         "2:9: this rule does nothing: give it `then`, or an obligation such as `mode` or "
         "`respond_within`"},
        {"an unknown queue", "version: 1\nrules: [{id: a, when: 'true', queue: lead}]\n",
         "2:38: there is no queue \"lead\"; did you mean \"leads\"?"},
        {"a slip", "version: 1\nrules: [{id: a, when: 'true', than: block}]\n",
         "2:31: there is no key \"than\" here; did you mean \"then\"?"},
    };

    (void)state;
    expect_refused(rows, COUNT_OF(rows));
}

static void test_sections_refused(void **state)
{
    static const struct row rows[] = {
        {"a budget that allows",
         "version: 1\nbudgets: [{id: a, count: true, per: all, window: 1h, limit: 1, then: "
         "allow}]\n",
         "2:70: a budget that is used up cannot allow anything: use review or block"},
        {"neither sum nor count",
         "version: 1\nbudgets: [{id: a, per: all, window: 1h, limit: 1, then: block}]\n",
         "2:11: a budget needs either `sum`, an expression such as args.amount, or `count: true`"},
        {"a limit with seven decimals",
         "version: 1\nbudgets: [{id: a, count: true, per: all, window: 1h, limit: 1.0000001, then: "
         "block}]\n",
         "2:61: limit wants a number from 0 to 9000000000000 with at most six decimals, such as "
         "5000 "
         "or 49.95"},
        {"a limit that JSON writes otherwise",
         "version: 1\nbudgets: [{id: a, count: true, per: all, window: 1h, limit: 0010, then: "
         "block}]\n",
         "2:61: limit wants a number from 0 to"},
        {"a window that counters do not reach",
         "version: 1\nbudgets: [{id: a, count: true, per: all, window: 91d, limit: 1, then: "
         "block}]\n",
         "2:50: window is at most 90d: counters are kept no longer"},
        {"a person that no agent can be", "version: 1\nagents: {'role:x': {domains: [a]}}\n",
         "2:10: \"role:x\" cannot name an agent: 1 to 64 bytes of letters, digits and . _ - @"},
        {"an agent without domains", "version: 1\nagents: {bot: {}}\n",
         "2:15: an agent needs the key \"domains\""},
        {"an agent of nothing", "version: 1\nagents: {a: }\n",
         "2:13: an agent needs the key \"domains\""},
        {"a rule of nothing", "version: 1\nrules:\n  -\n",
         "3:4: a rule needs the key \"id\"\n3:4: a rule needs the key \"when\"\n"
         "3:4: this rule does nothing: give it `then`, or an obligation such as `mode` or "
         "`respond_within`"},
        {"a test of nothing", "version: 1\ntests:\n  -\n",
         "3:4: a test needs the key \"given\"\n3:4: a test needs the key \"name\"\n"
         "3:4: a test needs the key \"want\""},
        {"a word without letters", "version: 1\nlexicons: {a: ['!?']}\n",
         "2:12: \"!?\" has no letter and no digit: nothing could mention it"},
        {"a word that is a list", "version: 1\nlexicons: {a: [[b]]}\n",
         "2:16: a lexicon wants texts of 1 to 200 bytes"},
        {"a recipient that is none", "version: 1\nrecipients: [Bob]\n",
         "2:14: recipients wants e-mail addresses, domains such as example.com, account or "
         "telephone "
         "numbers, and URLs"},
        {"warm_up below zero", "version: 1\ndefaults: {warm_up: -1}\n",
         "2:21: warm_up wants a whole number from 0 to 1000000"},
    };

    (void)state;
    expect_refused(rows, COUNT_OF(rows));
}

static void test_limits(void **state)
{
    static const struct {
        const char *name, *head, *piece, *tail;
        size_t fits;
    } rows[] = {
        {"rules", "version: 1\nrules:\n", "  - {id: r%zu, when: 'true', then: block}\n", "",
         POLICY_RULES_MAX},
        {"budgets", "version: 1\nbudgets:\n",
         "  - {id: r%zu, count: true, per: all, window: 1h, limit: 1, then: block}\n", "",
         POLICY_BUDGETS_MAX},
        {"words", "version: 1\nlexicons:\n  a:\n", "    - word%zu\n", "", POLICY_LEXICON_WORDS_MAX},
        {"recipients", "version: 1\nrecipients:\n", "  - p%zu@x.org\n", "", POLICY_RECIPIENTS_MAX},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t more = 0; more < 2; more++) {
            AUTO(loading_done) struct loading l = {0};
            AUTO(buf_done) struct buf yaml = BUF_INIT(4 * MIB);
            buf_printf(&yaml, "%s", rows[i].head);
            for (size_t n = 0; n < rows[i].fits + more; n++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                buf_printf(&yaml, rows[i].piece, n);
#pragma GCC diagnostic pop
            }
            load_str(&l, buf_str(&yaml));
            EXPECT((l.err == FM_OK) == (more == 0), "%s + %zu: %s", rows[i].name, more,
                   l.ctx.detail);
        }
    }
}

static void test_micros(void **state)
{
    static const struct {
        const char *text;
        int64_t want; /* -1: refused */
    } rows[] = {
        {"0", 0},
        {"74.5", 74500000},
        {"0.000001", 1},
        {"0.0000001", 1},
        {"1.0000000", 1000000},
        {"5000", 5000000000},
        {"8999999999999.999999", 8999999999999999999},
        {"9000000000000", -1},
        {"-1", -1},
        {"1e3", -1},
        {"", -1},
        {".5", -1},
        {"1.", -1},
        {"1.5.5", -1},
        {" 1", -1},
        {"12 ", -1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t micros = -1;
        bool good = policy_micros(str_of(rows[i].text), &micros);
        EXPECT(good == (rows[i].want >= 0) && micros == rows[i].want, "%s: %lld", rows[i].text,
               (long long)micros);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),       cmocka_unit_test(test_sections),
        cmocka_unit_test(test_expressions), cmocka_unit_test(test_excerpt),
        cmocka_unit_test(test_rules_refused), cmocka_unit_test(test_sections_refused),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_micros),
    };

    crypto_init();
    return CHECK_RUN(tests);
}
