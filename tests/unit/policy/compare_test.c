/* SPDX-License-Identifier: Apache-2.0
 *
 * Which changes of a policy only tighten it. Each row is a change; what it loosens is named. The
 * other way round, a tightening loosens.
 */
#include "policy_check.h"

#include <stdio.h>

static const char base[] =
    "version: 1\n"
    "defaults: {then: review, queue: general, mode: read, undo: 5s, respond_within: 1h,"
    " on_expiry: keep, valid_for: 2h, decide_by: [page], warm_up: 5}\n"
    "actions:\n"
    "  a.one: {then: earn, effects: [money], brief: {require: [request], evidence_min: 1},"
    " card: {title: T, critical: [/x]}, oversight: O}\n"
    "  a.two: {}\n"
    "  a.gone: {then: review}\n"
    "unknown_actions: review\n"
    "limits: {pending_per_agent: 10, proposals_per_minute: 60}\n"
    "agents: {bot: {domains: [x, y]}}\n"
    "lexicons: {l: [w]}\n"
    "recipients: [x.org]\n"
    "reasons: [other]\n"
    "queues: {general: {members: [ana], backup: leads}, leads: {members: [role:lead]}}\n"
    "rules:\n"
    "  - {id: r, when: 'true', then: review, mode: read, undo: 10s, queue: leads,"
    " respond_within: 10m, because: B}\n"
    "budgets:\n"
    "  - {id: b, count: true, per: all, window: 1h, limit: 10, then: review}\n";

/* `base` with `from` replaced by `to`, loaded. */
static const struct policy *changed(struct loading *l, const char *from, const char *to)
{
    AUTO(buf_done) struct buf yaml = BUF_INIT(64 * KIB);
    const char *at = strstr(base, from);

    EXPECT(at, "%s is not in the base", from);
    buf_add(&yaml, (struct str){base, (size_t)(at - base)});
    buf_add(&yaml, str_of(to));
    buf_add(&yaml, str_of(at + strlen(from)));
    load_str(l, buf_str(&yaml));
    EXPECT(l->policy, "%s -> %s: %s", from, to, l->ctx.detail);
    return l->policy;
}

/* All that a change loosens, in one line. */
static struct str loosened(struct loading *l, const struct policy *from, const struct policy *to)
{
    AUTO(buf_done) struct buf out = BUF_INIT(64 * KIB);
    struct policy_change change;

    EXPECT(policy_compare(&l->ctx, from, to, &change) == FM_OK, "%s", l->ctx.detail);
    EXPECT(change.same == hash_eq(from->version, to->version), "same");
    for (size_t i = 0; i < change.count; i++) {
        buf_printf(&out, "%s%.*s", i ? "; " : "", STR_ARG(change.loosened[i]));
    }
    return arena_copy(l->arena, buf_str(&out));
}

static const struct {
    const char *from, *to;
    const char *loosens; /* "": it only tightens */
    const char *back;    /* what the way back loosens; NULL: not asked */
} rows[] = {
    {"then: review, queue", "then: block, queue", "", "defaults.then: block becomes review"},
    {"queue: general, mode", "queue: leads, mode", "defaults.queue: general becomes leads", NULL},
    {"mode: read, undo: 5s", "mode: glance, undo: 5s", "defaults.mode: read becomes glance", ""},
    {"undo: 5s", "undo: 6s", "", "defaults.undo: 6s becomes 5s"},
    {"undo: 5s, ", "", "defaults.undo: 5s becomes 0s", ""},
    {"respond_within: 1h", "respond_within: 59m", "", "defaults.respond_within: 59m becomes 1h"},
    {"respond_within: 1h", "respond_within: 60m", "", ""},
    {"on_expiry: keep", "on_expiry: expire", "", "defaults.on_expiry: expire becomes keep"},
    {"valid_for: 2h", "valid_for: 1h", "", "defaults.valid_for: 1h becomes 2h"},
    {"decide_by: [page]", "decide_by: [page, token]",
     "defaults.decide_by: [\"page\"] becomes [\"page\",\"token\"]", ""},
    {", decide_by: [page]", "", "", ""},
    {"warm_up: 5", "warm_up: 0", "defaults.warm_up: 5 becomes 0", ""},
    {", warm_up: 5", "", "", "defaults.warm_up: 20 becomes 5"},
    {"then: earn", "then: block", "", "actions.a.one.then: block becomes earn"},
    {"then: earn, ", "", "actions.a.one.then: earn becomes silence",
     "actions.a.one.then: silence becomes earn"},
    {"effects: [money]", "effects: [money, legal]", "actions.a.one.effects has changed", NULL},
    {"require: [request]", "require: [request, draft]", "",
     "actions.a.one.brief.require: [\"request\",\"draft\"] becomes [\"request\"]"},
    {", evidence_min: 1", "", "actions.a.one.brief.evidence_min: 1 becomes 0", ""},
    {"brief: {require: [request], evidence_min: 1}, ", "",
     "actions.a.one.brief.require: [\"request\"] becomes nothing; "
     "actions.a.one.brief.evidence_min: 1 becomes 0",
     ""},
    {"critical: [/x]", "critical: [/x, /y]", "", NULL},
    {"title: T", "title: U", "actions.a.one.card.title has changed", NULL},
    {"oversight: O", "oversight: P", "actions.a.one.oversight has changed", NULL},
    {"a.two: {}", "a.two: {then: review}", "", "actions.a.two.then: review becomes silence"},
    {"a.two: {}", "a.two: {then: earn}", "actions.a.two.then: silence becomes earn", NULL},
    {"a.two: {}", "a.two: {executor: x}", "actions.a.two.executor has changed", NULL},
    {"a.two: {}", "a.two: {schema: {type: object}}", "actions.a.two.schema has changed", NULL},
    {"  a.gone: {then: review}\n", "",
     "actions.a.gone is gone, and unknown actions are not blocked",
     "actions.a.gone is new, and would not be blocked"},
    {"unknown_actions: review", "unknown_actions: block", "",
     "policy.unknown_actions: block becomes review"},
    {"  a.two: {}\n", "  a.two: {}\n  a.new: {then: block}\n", "",
     "actions.a.new is gone, and unknown actions are not blocked"},
    {"pending_per_agent: 10", "pending_per_agent: 9", "", "limits.pending_per_agent: 9 becomes 10"},
    {"limits: {pending_per_agent: 10, proposals_per_minute: 60}\n", "",
     "limits.pending_per_agent: 10 becomes 10000; limits.proposals_per_minute: 60 becomes 6000",
     ""},
    {"domains: [x, y]", "domains: [x]", "", "agents.bot.domains: [\"x\"] becomes [\"x\",\"y\"]"},
    {"agents: {bot: {domains: [x, y]}}\n", "", "agents.bot is gone", ""},
    {"l: [w]", "l: [w, v]", "lexicons.l has changed", NULL},
    {"lexicons: {l: [w]}\n", "", "", ""},
    {"recipients: [x.org]", "recipients: [y.org]", "recipients has changed", NULL},
    {"reasons: [other]", "reasons: [other, tone]", "reasons has changed", NULL},
    {"members: [ana]", "members: [ana, ben]", "queues.general has other members", NULL},
    {", backup: leads", "", "queues.general has another backup", NULL},
    {"leads: {members: [role:lead]}", "leads: {members: [role:lead]}, more: {members: [ben]}",
     "queues.more is new, with other members than the leads", "queues.more is gone"},
    {"leads: {members: [role:lead]}", "leads: {members: [role:lead]}, more: {members: [role:lead]}",
     "", "queues.more is gone"},
    {"when: 'true', then", "when: 'true || true', then", "rules.r.when has changed", NULL},
    {"id: r, when: 'true', then: review", "id: r, when: 'true', then: block", "",
     "rules.r.then: block becomes review"},
    {"mode: read, undo: 10s", "mode: glance, undo: 10s", "rules.r.mode: read becomes glance", ""},
    {"undo: 10s", "undo: 20s", "", "rules.r.undo: 20s becomes 10s"},
    {"respond_within: 10m", "respond_within: 5m", "", "rules.r.respond_within: 5m becomes 10m"},
    {" respond_within: 10m,", "", "rules.r.respond_within: 10m becomes nothing", ""},
    {"queue: leads, respond", "queue: general, respond", "rules.r.queue has changed", NULL},
    {"because: B", "because: C", "rules.r.because has changed", NULL},
    {"budgets:\n", "  - {id: s, when: 'true', then: review}\nbudgets:\n", "", "rules.s is gone"},
    {"budgets:\n", "  - {id: s, when: 'true', then: allow}\nbudgets:\n",
     "rules.s is new, and says allow where the defaults say review", "rules.s is gone"},
    {"budgets:\n", "  - {id: s, when: 'true', mode: read}\nbudgets:\n", "", "rules.s is gone"},
    {"budgets:\n", "  - {id: s, when: 'true', respond_within: 2h}\nbudgets:\n",
     "rules.s is new, and leaves more time than the defaults", "rules.s is gone"},
    {"limit: 10", "limit: 9.5", "", "budgets.b.limit: 9.5 becomes 10"},
    {"window: 1h", "window: 2h", "budgets.b.window has changed", NULL},
    {"limit: 10, then: review", "limit: 10, then: block", "",
     "budgets.b.then: block becomes review"},
    {"per: all", "per: agent", "budgets.b.per has changed", NULL},
    {"budgets:\n",
     "budgets:\n  - {id: c, count: true, per: all, window: 1h, limit: 1, then: block}\n", "",
     "budgets.c is gone"},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(loading_done) struct loading l = {0}, before = {0};
        const struct policy *to;
        load_text(&before, base);
        EXPECT(before.policy, "%s", before.ctx.detail);
        to = changed(&l, rows[i].from, rows[i].to);
        EXPECT_STR(rows[i].to, loosened(&l, before.policy, to), str_of(rows[i].loosens));
        if (rows[i].back) {
            EXPECT_STR(rows[i].to, loosened(&l, to, before.policy), str_of(rows[i].back));
        }
    }
}

/* `then: block` everywhere: also a rule that says review loosens it. */
static void test_block_is_the_end(void **state)
{
    AUTO(loading_done) struct loading l = {0}, m = {0}, n = {0};

    (void)state;
    load_text(&l, "version: 1\ndefaults: {then: block}\n");
    load_text(
        &m, "version: 1\ndefaults: {then: block}\nrules: [{id: a, when: 'true', then: review}]\n");
    EXPECT_STR("a rule that speaks", loosened(&l, l.policy, m.policy),
               S("rules.a is new, and says review where the defaults say block"));
    load_text(
        &n,
        "version: 1\ndefaults: {then: block}\nrules: [{id: a, when: '1 / 0 > 1', then: block}]\n");
    EXPECT_STR("one that fails for review", loosened(&l, l.policy, n.policy),
               S("rules.a is new, and an error in it asks for a review where the defaults block"));
}

/* At half of the time the backup decides, too: less of it is less for those of the queue. */
static void test_backup(void **state)
{
    static const char file[] = "version: 1\ndefaults: {respond_within: %s}\nqueues: {general: "
                               "{members: [ana, ben], backup: "
                               "b}, b: {members: [%s]}}\nrules: [{id: r, when: 'true', mode: read, "
                               "respond_within: %s}%s]\n";
    static const char more[] = ", {id: n, when: 'true', then: review, respond_within: 1m}";
    static const struct {
        const char *defaults, *backup, *rule, *more, *loosens;
    } changes[] = {
        {"4h", "mal", "1h", "", ""},
        {"3h", "mal", "1h", "",
         "defaults.respond_within is shorter, which brings in the backup of general sooner"},
        {"4h", "mal", "59m", "",
         "rules.r leaves less time, which brings in the backup of general sooner"},
        {"4h", "mal", "1h", more,
         "rules.n leaves less time, which brings in the backup of general sooner"},
        {"3h", "role:lead", "59m", more, ""},
        {"3h", "ben", "59m", more, ""},
        {"3h", "'role:lead', mal", "1h", "",
         "defaults.respond_within is shorter, which brings in the backup of general sooner"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        AUTO(loading_done) struct loading l = {0}, m = {0};
        char before[600], after[600];
        (void)snprintf(before, sizeof(before), file, "4h", changes[i].backup, "1h", "");
        (void)snprintf(after, sizeof(after), file, changes[i].defaults, changes[i].backup,
                       changes[i].rule, changes[i].more);
        load_text(&l, before);
        load_text(&m, after);
        EXPECT(l.policy && m.policy, "%s", after);
        EXPECT_STR(after, loosened(&l, l.policy, m.policy), str_of(changes[i].loosens));
    }
}

/* A silent file and one that says the same are of different versions, and change nothing. */
static void test_silence(void **state)
{
    AUTO(loading_done) struct loading l = {0}, m = {0};

    (void)state;
    load_text(&l, "version: 1\n");
    load_text(
        &m,
        "version: 1\ndefaults: {then: earn, queue: general, mode: glance, undo: 0s, "
        "respond_within: "
        "4h, on_expiry: expire, decide_by: [page], valid_for: 24h, warm_up: 20}\n"
        "limits: {pending_per_agent: 10000, proposals_per_minute: 6000}\nunknown_actions: review\n"
        "queues: {general: {members: [role:reviewer], backup: leads}, leads: {members: "
        "[role:lead]}}\n");
    EXPECT_STR("said", loosened(&l, l.policy, m.policy), S(""));
    EXPECT_STR("unsaid", loosened(&l, m.policy, l.policy), S(""));
}

static void test_many(void **state)
{
    AUTO(loading_done) struct loading l = {0}, m = {0};
    AUTO(buf_done) struct buf yaml = BUF_INIT(64 * KIB);
    struct policy_change change;

    (void)state;
    buf_lit(&yaml, "version: 1\nrules:\n");
    for (int i = 0; i < 100; i++) {
        buf_printf(&yaml, "  - {id: r%d, when: 'true', then: block}\n", i);
    }
    load_str(&l, buf_str(&yaml));
    load_text(&m, "version: 1\n");
    EXPECT(policy_compare(&l.ctx, l.policy, m.policy, &change) == FM_OK, "%s", l.ctx.detail);
    EXPECT(change.count == POLICY_LOOSENED_MAX, "%zu", change.count);
    EXPECT_STR("the last", change.loosened[POLICY_LOOSENED_MAX - 1], S("there is more"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),   cmocka_unit_test(test_block_is_the_end),
        cmocka_unit_test(test_backup), cmocka_unit_test(test_silence),
        cmocka_unit_test(test_many),
    };

    crypto_init();
    return CHECK_RUN(tests);
}
