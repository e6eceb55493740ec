/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules on a proposal: which match, that the strictest wins and obligations add up in any order,
 * what conditions see, and that a failure of theirs is a review.
 */
#include "../policy/policy_check.h"

#include "assess/assess.h"

#define HEAD                                                                                       \
    "version: 1\n"                                                                                 \
    "defaults: {then: review, mode: glance, undo: 5s, respond_within: 4h, on_expiry: keep}\n"      \
    "actions:\n"                                                                                   \
    "  pay: {then: allow, effects: [money, account], domain: billing, reversible: true}\n"         \
    "  tag: {}\n"                                                                                  \
    "lexicons: {dispute: [chargeback]}\n"                                                          \
    "queues: {general: {members: [ana]}, fast: {members: [ben]}, slow: {members: [cleo]}}\n"

static const char request[] =
    "{\"action\":\"pay\",\"arguments\":{\"amount\":74.5,\"message\":\"Sorry\",\"to\":\"eve@evil."
    "example\"},"
    "\"agent_version\":\"7\",\"on_behalf_of\":\"user:77\",\"subject\":\"customer:W771\","
    "\"session\":\"conv\","
    "\"labels\":{\"region\":\"eu\"},\"domains\":[\"shipping\"],\"reversible\":true,"
    "\"brief\":{\"request\":\"A chargeback please\",\"draft\":{\"pointer\":\"/message\"},"
    "\"evidence\":[{\"title\":\"Order\"}]}}";

static void assess_rules(struct loading *l, const char *rules, const char *action,
                         struct assessment *out)
{
    AUTO(buf_done) struct buf yaml = BUF_INIT(64 * KIB);
    struct assess_input input;
    const struct json *tree = NULL;
    enum fm_err err;

    buf_printf(&yaml, HEAD "rules:\n%s", rules);
    load_str(l, buf_str(&yaml));
    EXPECT(l->policy, "%s", l->ctx.detail);
    EXPECT(json_parse(&l->ctx, str_of(request), &JSON_LIMITS_WIRE, &tree) == FM_OK, "%s",
           l->ctx.detail);
    input = (struct assess_input){.policy = l->policy,
                                  .action = str_of(action),
                                  .request = tree,
                                  .agent_id = S("agt_1"),
                                  .agent_name = S("bot"),
                                  .owner = S("ana"),
                                  .now_us =
                                      1795343075 * SECOND_US}; /* 2026-11-22T10:24:35Z, a Sunday */
    err = assess(&l->ctx, &input, out);
    EXPECT(err == FM_OK, "%s", l->ctx.detail);
}

/* What conditions see ------------------------------------------------------------------------ */

static void test_facts(void **state)
{
    static const char *const truths[] = {
        "action.name == \"pay\" && action.effects == [\"account\", \"money\"]",
        "action.domain == \"billing\" && action.reversible",
        "args.amount > 50 && args.amount == 74.5 && args.message == \"Sorry\"",
        "agent.id == \"agt_1\" && agent.name == \"bot\" && agent.owner == \"ana\" && agent.version "
        "== \"7\"",
        "requester == \"user:77\" && subject == \"customer:W771\" && session == \"conv\"",
        "category == \"pay\" && labels.region == \"eu\" && !has(labels.other)",
        "brief.request.contains(\"please\") && brief.draft == \"Sorry\"",
        "brief.reasoning == \"\" && brief.summary.size() == 0 && size(brief.options) == 0",
        "size(brief.evidence) == 1 && brief.evidence[0].title == \"Order\"",
        "!has(brief.confidence)",
        "now.getDayOfWeek(\"Europe/Berlin\") == 0 && now.getFullYear() == 2026",
        "mentions(brief.request, \"dispute\") && !mentions(args.message, \"dispute\")",
        "unsourced(args, brief.request) && !unsourced({\"x\": 1}, brief.request)",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(truths); i++) {
        AUTO(loading_done) struct loading l = {0};
        AUTO(buf_done) struct buf rule = BUF_INIT(4 * KIB);
        struct assessment a;
        buf_printf(&rule, "  - {id: a, when: '%s', then: block, because: B}\n", truths[i]);
        assess_rules(&l, buf_str(&rule).p, "pay", &a);
        EXPECT(a.verdict == VERDICT_BLOCK, "%s: %.*s", truths[i],
               STR_ARG(a.reasons[a.reason_count - 1].text));
        EXPECT_STR(truths[i], a.reasons[a.reason_count - 1].text, S("B"));
    }
}

/* A claim that it can be undone does not count where the catalogue is silent. */
static void test_claims(void **state)
{
    AUTO(loading_done) struct loading l = {0};
    struct assessment a;

    (void)state;
    assess_rules(&l, "  - {id: a, when: '!action.reversible', then: block}\n", "tag", &a);
    EXPECT(a.verdict == VERDICT_BLOCK, "silent is not reversible");
}

/* Combination -------------------------------------------------------------------------------- */

static void test_verdicts(void **state)
{
    static const struct {
        const char *name, *rules, *action;
        enum verdict want;
        size_t reasons;
    } rows[] = {
        {"none matches", "  - {id: a, when: 'false', then: block}\n", "pay", VERDICT_ALLOW, 1},
        {"stricter than the catalogue", "  - {id: a, when: 'true', then: review}\n", "pay",
         VERDICT_REVIEW, 2},
        {"nothing lowers the catalogue", "  - {id: a, when: 'true', then: allow}\n", "pay",
         VERDICT_ALLOW, 2},
        {"the strictest of three",
         "  - {id: a, when: 'true', then: earn}\n  - {id: b, when: 'true', then: block}\n"
         "  - {id: c, when: 'true', then: review}\n",
         "pay", VERDICT_BLOCK, 4},
        {"earn has its reason", "  - {id: a, when: 'true', then: earn}\n", "pay", VERDICT_EARN, 3},
        {"a rule speaks where the catalogue is silent", "  - {id: a, when: 'true', then: allow}\n",
         "tag", VERDICT_ALLOW, 1},
        {"one without `then` does not", "  - {id: a, when: 'true', mode: read}\n", "tag",
         VERDICT_REVIEW, 2},
        {"the defaults hold where none matches", "  - {id: a, when: 'false', then: allow}\n", "tag",
         VERDICT_REVIEW, 1},
        {"an unknown action", "  - {id: a, when: 'true', then: allow}\n", "never.heard",
         VERDICT_REVIEW, 2},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(loading_done) struct loading l = {0};
        struct assessment a;
        assess_rules(&l, rows[i].rules, rows[i].action, &a);
        EXPECT(a.verdict == rows[i].want, "%s: %s", rows[i].name, verdict_name(a.verdict));
        EXPECT(a.reason_count == rows[i].reasons, "%s: %zu reasons", rows[i].name, a.reason_count);
    }
}

/* Every order of the rules gives the same obligations. */
static void test_obligations(void **state)
{
    static const char *const rules[] = {
        "  - {id: one, when: 'true', queue: slow, respond_within: 2h, mode: read}\n",
        "  - {id: two, when: 'true', queue: fast, respond_within: 15m, undo: 1s}\n",
        "  - {id: three, when: 'true', undo: 30s, on_expiry: expire, respond_within: 10m}\n",
        "  - {id: four, when: 'false', queue: general, respond_within: 1s, undo: 1h}\n",
    };
    static const int orders[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 0, 3, 2}, {2, 3, 0, 1}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(orders); i++) {
        AUTO(loading_done) struct loading l = {0};
        AUTO(buf_done) struct buf all = BUF_INIT(4 * KIB);
        struct assessment a;
        for (int k = 0; k < 4; k++) {
            buf_printf(&all, "%s", rules[orders[i][k]]);
        }
        assess_rules(&l, buf_str(&all).p, "pay", &a);
        EXPECT(a.respond_within_us == 10 * MINUTE_US, "the shortest: %lld",
               (long long)a.respond_within_us);
        EXPECT_STR("of the rules that name a queue, the shortest", a.queue, S("fast"));
        EXPECT(a.mode == MODE_READ && a.undo_us == 30 * SECOND_US, "the strictest, the longest");
        EXPECT(a.on_expiry == ON_EXPIRY_EXPIRE, "expiry is stricter");
    }
}

static void test_queue_of_a_tie(void **state)
{
    AUTO(loading_done) struct loading l = {0}, m = {0};
    struct assessment a;

    (void)state;
    assess_rules(&l,
                 "  - {id: b, when: 'true', queue: fast}\n  - {id: a, when: 'true', queue: slow}\n",
                 "pay", &a);
    EXPECT_STR("the first id", a.queue, S("slow"));
    EXPECT(a.respond_within_us == 4 * HOUR_US, "the default's time");
    assess_rules(&m, "  - {id: a, when: 'true', queue: slow, respond_within: 1d}\n", "pay", &a);
    EXPECT(a.respond_within_us == DAY_US, "a rule's own time, also a longer one");
}

/* Reasons ------------------------------------------------------------------------------------ */

static void test_values(void **state)
{
    AUTO(loading_done) struct loading l = {0};
    struct assessment a;
    const struct assess_reason *reason = &a.reasons[1];

    (void)state;
    assess_rules(&l,
                 "  - {id: money-out, when: '\"money\" in action.effects && args.amount > 50.0', "
                 "then: review}\n",
                 "pay", &a);
    EXPECT_STR("source", str_of(reason->source), S("rule"));
    EXPECT_STR("rule", reason->rule, S("money-out"));
    EXPECT_STR("text", reason->text,
               S("The rule money-out says so: \"money\" in action.effects && args.amount > 50.0"));
    EXPECT_STR("values", reason->values,
               S("[{\"expression\":\"action.effects\",\"value\":[\"account\",\"money\"]},"
                 "{\"expression\":\"args.amount\",\"value\":74.5}]"));
}

/* An assessment stays bounded whatever the rules and the arguments. */
static void test_bounded(void **state)
{
    AUTO(loading_done) struct loading l = {0};
    AUTO(buf_done) struct buf rules = BUF_INIT(64 * KIB);
    AUTO(buf_done) struct buf json = BUF_INIT(ASSESS_JSON_MAX);
    struct json_out out = JSON_OUT(&json);
    struct assessment a;

    (void)state;
    for (int i = 0; i < 100; i++) {
        buf_printf(&rules,
                   "  - {id: r%d, then: review, when: 'args.message + \"%0100d\" != args.to && "
                   "brief.request + "
                   "\"%0100d\" != subject && string(args.amount) + \"%0100d\" != session'}\n",
                   i, i, i, i);
    }
    assess_rules(&l, buf_str(&rules).p, "pay", &a);
    EXPECT(a.verdict == VERDICT_REVIEW && a.reason_count == ASSESS_REASONS_MAX, "%zu",
           a.reason_count);
    EXPECT(a.values_bytes <= ASSESS_VALUES_BYTES_MAX, "%zu bytes", a.values_bytes);
    assess_write(&out, &a);
    EXPECT(buf_ok(&json), "it fits");
}

/* Failures ----------------------------------------------------------------------------------- */

static void test_failures(void **state)
{
    static const struct {
        const char *name, *rules;
        const char *text; /* a part of the reason */
    } rows[] = {
        {"a missing member", "  - {id: a, when: 'args.none > 1', then: allow}\n", "none"},
        {"of a rule that would block", "  - {id: a, when: 'args.none > 1', then: block}\n", "none"},
        {"of one without `then`", "  - {id: a, when: 'args.none > 1', mode: read}\n", "none"},
        {"the wrong type", "  - {id: a, when: 'args.message > 1', then: allow}\n", ""},
        {"no truth value", "  - {id: a, when: 'args.amount', then: allow}\n", ""},
        {"division by zero", "  - {id: a, when: '1 / int(args.amount - 74.5) == 1', then: allow}\n",
         "zero"},
        {"a lexicon that is computed",
         "  - {id: a, when: 'mentions(brief.request, args.message)', then: allow}\n",
         "there is no lexicon Sorry"},
        {"too costly",
         "  - {id: a, then: allow, when: '[1,2,3,4,5,6,7,8,9,10].all(a, "
         "[1,2,3,4,5,6,7,8,9,10].all(b, "
         "[1,2,3,4,5,6,7,8,9,10].all(c, [1,2,3,4,5,6,7,8,9,10].all(d, "
         "[1,2,3,4,5,6,7,8,9,10].all(e, "
         "[1,2,3,4,5,6,7,8,9,10].all(f, a + b + c + d + e + f + int(args.amount) > 0))))))'}\n",
         ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(loading_done) struct loading l = {0};
        struct assessment a;
        assess_rules(&l, rows[i].rules, "pay", &a);
        EXPECT(a.verdict == VERDICT_REVIEW, "%s: %s", rows[i].name, verdict_name(a.verdict));
        EXPECT(str_starts(a.reasons[1].text, S("The rule a could not be evaluated: ")) &&
                   strstr(a.reasons[1].text.p, rows[i].text),
               "%s: %.*s", rows[i].name, STR_ARG(a.reasons[1].text));
    }
}

/* One costly rule after the other: all of them together end, and what is left over is reviewed. */
static void test_cost_of_all(void **state)
{
    AUTO(loading_done) struct loading l = {0};
    AUTO(buf_done) struct buf rules = BUF_INIT(64 * KIB);
    struct assessment a;

    (void)state;
    for (int i = 0; i < 30; i++) {
        buf_printf(&rules,
                   "  - {id: r%d, then: allow, when: '[1,2,3,4,5,6,7,8,9,10].all(a, "
                   "[1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, "
                   "[1,2,3,4,5,6,7,8,9,10].all(d, "
                   "a + b + c + d > %d))))'}\n",
                   i, -i);
    }
    assess_rules(&l, buf_str(&rules).p, "pay", &a);
    EXPECT(a.verdict == VERDICT_REVIEW, "%s", verdict_name(a.verdict));
    EXPECT(a.cost <= ASSESS_COST_MAX + CEL_COST_MAX, "%llu steps", (unsigned long long)a.cost);
    buf_printf(&rules, "  - {id: z, then: block, when: 'args.amount > 1.0'}\n");
    {
        AUTO(loading_done) struct loading m = {0};
        assess_rules(&m, buf_str(&rules).p, "pay", &a);
        EXPECT(a.verdict == VERDICT_BLOCK, "those before it must not switch off what blocks: %s",
               verdict_name(a.verdict));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts),          cmocka_unit_test(test_claims),
        cmocka_unit_test(test_verdicts),       cmocka_unit_test(test_obligations),
        cmocka_unit_test(test_queue_of_a_tie), cmocka_unit_test(test_values),
        cmocka_unit_test(test_bounded),        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_cost_of_all),
    };

    crypto_init();
    return CHECK_RUN(tests);
}
