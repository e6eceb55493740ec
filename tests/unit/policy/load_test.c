/* SPDX-License-Identifier: Apache-2.0
 *
 * What a policy that loads says: every key, the defaults, lookups, the version, and the life of a
 * policy that is shared.
 */
#include "policy_check.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

/* Every key of this version, none with the value that a silent file has. */
static const char everything[] =
    "version: 1\n"
    "defaults:\n"
    "  then: block\n"
    "  queue: billing\n"
    "  mode: read\n"
    "  undo: 5s\n"
    "  respond_within: 15m\n"
    "  on_expiry: keep\n"
    "  decide_by: [token, page]\n"
    "  valid_for: 2d\n"
    "  outcome_within: 90s\n"
    "actions:\n"
    "  refund.issue:\n"
    "    then: earn\n"
    "    effects: [money, account]\n"
    "    domain: billing\n"
    "    reversible: false\n"
    "    executor: payments\n"
    "    queue: leads\n"
    "    brief: {require: [reasoning, evidence, options], evidence_min: 1}\n"
    "    card: {title: 'Refund {amount} {currency}', critical: [/amount, /a~1b~0, '']}\n"
    "    oversight: \"Check the photo.\"\n"
    "  ticket.tag: {then: allow, effects: [none], reversible: true}\n"
    "  mail/send: {}\n"
    "  empty:\n"
    "unknown_actions: block\n"
    "queues:\n"
    "  leads: {members: [role:lead]}\n"
    "  billing: {members: [zoe, ana, role:reviewer, 'Jos\xC3\xA9', 7, off], backup: leads}\n"
    "reasons: [tone, other]\n"
    "limits: {pending_per_agent: 10, proposals_per_minute: 60}\n";

static void test_everything(void **state)
{
    AUTO(loading_done) struct loading l = {0};
    const struct policy *p;

    (void)state;
    load_text(&l, everything);
    EXPECT(l.err == FM_OK && l.count == 0, "%s", l.ctx.detail);
    p = l.policy;
    EXPECT(p->then == VERDICT_BLOCK && p->unknown_actions == VERDICT_BLOCK, "verdicts");
    EXPECT_STR("queue", p->queue, S("billing"));
    EXPECT(p->mode == MODE_READ && p->on_expiry == ON_EXPIRY_KEEP, "words");
    EXPECT(p->undo_us == 5 * SECOND_US && p->respond_within_us == 15 * MINUTE_US &&
               p->valid_for_us == 2 * DAY_US && p->outcome_within_us == 90 * SECOND_US,
           "durations");
    EXPECT(p->decide_by == (VIA_PAGE | VIA_TOKEN), "decide_by %u", p->decide_by);
    EXPECT(p->pending_per_agent == 10 && p->proposals_per_minute == 60, "limits");
    EXPECT(p->action_count == 4 && p->queue_count == 2 && p->reasons.count == 2, "counts");
    EXPECT(policy_has_reason(p, S("tone")) && !policy_has_reason(p, S("policy")), "reasons");
}

static void test_action(void **state)
{
    AUTO(loading_done) struct loading l = {0};
    const struct policy_action *a;

    (void)state;
    load_text(&l, everything);
    a = policy_action(l.policy, S("refund.issue"));
    EXPECT(a && a->has_then && a->then == VERDICT_EARN, "then");
    EXPECT(a->effects == (1u << EFFECT_MONEY | 1u << EFFECT_ACCOUNT), "effects %x", a->effects);
    EXPECT(a->reversible == JSON_NO && a->evidence_min == 1, "values");
    EXPECT(a->brief_required ==
               (1u << BRIEF_REASONING | 1u << BRIEF_EVIDENCE | 1u << BRIEF_OPTIONS),
           "brief %x", a->brief_required);
    EXPECT_STR("domain", a->domain, S("billing"));
    EXPECT_STR("executor", a->executor, S("payments"));
    EXPECT_STR("queue", a->queue, S("leads"));
    EXPECT_STR("title", a->card_title, S("Refund {amount} {currency}"));
    EXPECT(a->critical.count == 3, "%zu pointers", a->critical.count);
    EXPECT_STR("pointer", a->critical.items[1], S("/a~1b~0"));
    EXPECT_STR("oversight", a->oversight, S("Check the photo."));
}

static void test_silent_action(void **state)
{
    static const char *const names[] = {"mail/send", "empty"};
    AUTO(loading_done) struct loading l = {0};

    (void)state;
    load_text(&l, everything);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const struct policy_action *a = policy_action(l.policy, str_of(names[i]));
        EXPECT(a && !a->has_then && a->effects == 0 && a->brief_required == 0, "%s", names[i]);
        EXPECT(!a->domain.p && !a->executor.p && !a->queue.p && !a->card_title.p && !a->oversight.p,
               "%s", names[i]);
        EXPECT(a->reversible == JSON_UNSET && a->critical.count == 0, "%s", names[i]);
    }
}

static void test_lookups(void **state)
{
    static const struct {
        const char *name;
        bool action, queue;
    } rows[] = {
        {"refund.issue", true, false},
        {"refund.issu", false, false},
        {"ticket.tag", true, false},
        {"mail/send", true, false},
        {"", false, false},
        {"zzz", false, false},
        {"billing", false, true},
        {"leads", false, true},
        {"general", false, false},
    };
    AUTO(loading_done) struct loading l = {0};

    (void)state;
    load_text(&l, everything);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct str name = str_of(rows[i].name);
        EXPECT((policy_action(l.policy, name) != NULL) == rows[i].action, "%s", rows[i].name);
        EXPECT((policy_queue(l.policy, name) != NULL) == rows[i].queue, "%s", rows[i].name);
    }
}

static void test_members(void **state)
{
    static const struct {
        const char *row, *person;
        unsigned roles;
        bool billing, leads;
    } rows[] = {
        {"by name", "ana", 0, true, false},
        {"by name, last in the order", "zoe", 0, true, false},
        {"by name beyond ASCII", "Jos\xC3\xA9", 0, true, false},
        {"a name that YAML readers take for a number", "7", 0, true, false},
        {"a name that YAML readers take for false", "off", 0, true, false},
        {"by role", "ben", ROLE_BIT(ROLE_REVIEWER), true, false},
        {"by the other role", "ben", ROLE_BIT(ROLE_LEAD), false, true},
        {"by both", "ben", ROLE_BIT(ROLE_LEAD) | ROLE_BIT(ROLE_REVIEWER), true, true},
        {"roles that decide nothing", "ben", ROLE_BIT(ROLE_ADMIN) | ROLE_BIT(ROLE_AUDITOR), false,
         false},
        {"not at all", "ben", 0, false, false},
        {"the name of a role", "reviewer", 0, false, false},
        {"the word of a role", "role:reviewer", 0, false, false},
        {"nobody", "", 0, false, false},
    };
    AUTO(loading_done) struct loading l = {0};
    const struct policy_queue *billing, *leads;

    (void)state;
    load_text(&l, everything);
    billing = policy_queue(l.policy, S("billing"));
    leads = policy_queue(l.policy, S("leads"));
    EXPECT_STR("backup", billing->backup, S("leads"));
    EXPECT(!leads->backup.p, "leads have no backup");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct str person = str_of(rows[i].person);
        EXPECT(policy_queue_has(billing, person, rows[i].roles) == rows[i].billing, "%s",
               rows[i].row);
        EXPECT(policy_queue_has(leads, person, rows[i].roles) == rows[i].leads, "%s", rows[i].row);
    }
}

/* What holds where the file is silent. */
static void expect_silent(const struct policy *p, enum verdict then)
{
    static const char *const reasons[] = {"wrong_amount",  "wrong_person", "policy", "tone",
                                          "missing_facts", "duplicate",    "other"};
    const struct policy_queue *general = policy_queue(p, S("general"));
    const struct policy_queue *leads = policy_queue(p, S("leads"));

    EXPECT(p->then == then && p->unknown_actions == VERDICT_REVIEW, "verdicts");
    EXPECT(p->mode == MODE_GLANCE && p->on_expiry == ON_EXPIRY_EXPIRE && p->decide_by == VIA_PAGE,
           "words");
    EXPECT(p->undo_us == 0 && p->respond_within_us == 4 * HOUR_US && p->valid_for_us == DAY_US &&
               p->outcome_within_us == HOUR_US,
           "times");
    EXPECT(p->pending_per_agent == 10000 && p->proposals_per_minute == 6000, "limits");
    EXPECT_STR("queue", p->queue, S("general"));
    EXPECT(p->queue_count == 2 && general && leads && p->action_count == 0, "queues and actions");
    EXPECT_STR("backup", general->backup, S("leads"));
    EXPECT(policy_queue_has(general, S("x"), ROLE_BIT(ROLE_REVIEWER)), "reviewers");
    EXPECT(policy_queue_has(leads, S("x"), ROLE_BIT(ROLE_LEAD)) && !leads->backup.p, "leads");
    EXPECT(p->reasons.count == COUNT_OF(reasons), "%zu reasons", p->reasons.count);
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        EXPECT(policy_has_reason(p, str_of(reasons[i])), "%s", reasons[i]);
    }
}

static void test_silent(void **state)
{
    static const struct {
        const char *name, *yaml;
    } rows[] = {
        {"only the version", "version: 1"},
        {"sections without a value", "version: 1\ndefaults:\nactions:\nqueues:\nlimits: ~\n"},
        {"empty sections", "version: 1\ndefaults: {}\nactions: {}\nqueues: {}\nlimits: {}\n"},
        {"later keys that say nothing",
         "version: 1\nrules: []\nbudgets: []\nlexicons: {}\ntests: []\nagents: {}\nschedules: {}\n"
         "include: []\nnovelty: off\nautonomy: off\nconfidence: off\ndefaults: {warm_up: 20}\n"},
        {"later keys without a value", "version: 1\nrules:\nbudgets:\nlexicons:\ntests: null\n"},
        {"a byte order mark and \\r\\n", "\xEF\xBB\xBFversion: 1\r\ndefaults:\r\n  then: earn\r\n"},
        {"a document with its marks", "%YAML 1.2\n---\nversion: 1\n...\n"},
        {"JSON", "{\"version\":1,\"defaults\":{\"undo\":\"0s\"}}"},
        {"a block text", "version: 1\ndefaults:\n  then: >-\n    earn\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(loading_done) struct loading l = {0};
        load_text(&l, rows[i].yaml);
        EXPECT(l.err == FM_OK && l.count == 0, "%s: %s", rows[i].name, l.ctx.detail);
        expect_silent(l.policy, VERDICT_EARN);
    }
}

static void test_builtin(void **state)
{
    const struct policy *p = policy_builtin();

    (void)state;
    expect_silent(p, VERDICT_REVIEW);
    EXPECT_STR("canonical", p->canonical, S("{\"defaults\":{\"then\":\"review\"},\"version\":1}"));
    EXPECT(policy_builtin() == p && policy_keep(p) == p, "one for all");
    for (int i = 0; i < 3; i++) {
        policy_drop(p); /* more often than kept: it stays */
    }
    EXPECT(policy_builtin()->then == VERDICT_REVIEW, "still there");
}

/* The version ---------------------------------------------------------------------------------- */

static void test_canonical(void **state)
{
    static const struct {
        const char *name, *yaml, *want;
    } rows[] = {
        {"keys are sorted, comments gone", "version: 1 # one\nreasons: [b, a]\n",
         "{\"reasons\":[\"b\",\"a\"],\"version\":1}"},
        {"numbers", "version: 1\nlimits: {pending_per_agent: 25}\n",
         "{\"limits\":{\"pending_per_agent\":25},\"version\":1}"},
        {"text that is no number",
         "version: 1\nreasons: [1e2, 100, '100', 0x1, 1.0, 007, 1_0, 12345678901234567890]\n",
         "{\"reasons\":[\"1e2\",100,\"100\",\"0x1\",\"1.0\",\"007\",\"1_0\","
         "\"12345678901234567890\"],"
         "\"version\":1}"},
        {"words",
         "version: 1\nreasons: [off, no, true, 'true']\nactions: {a: {reversible: true}, b: , c: "
         "~}\n",
         "{\"actions\":{\"a\":{\"reversible\":true},\"b\":null,\"c\":null},"
         "\"reasons\":[\"off\",\"no\",true,\"true\"],\"version\":1}"},
        {"keys are strings", "version: 1\nactions: {1: {}, true: {}, null/a: {}}\n",
         "{\"actions\":{\"1\":{},\"null/a\":{},\"true\":{}},\"version\":1}"},
        {"escapes", "version: 1\nactions: {a: {oversight: \"\\e\\\"\\\\\\n\xC3\xA9\"}}\n",
         "{\"actions\":{\"a\":{\"oversight\":\"\\u001b\\\"\\\\\\n\xC3\xA9\"}},\"version\":1}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(loading_done) struct loading l = {0};
        load_text(&l, rows[i].yaml);
        EXPECT(l.err == FM_OK, "%s: %s", rows[i].name, l.ctx.detail);
        EXPECT_STR(rows[i].name, l.policy->canonical, str_of(rows[i].want));
        EXPECT(hash_eq(l.policy->version, sha256(str_of(rows[i].want))), "%s", rows[i].name);
    }
}

static void test_version(void **state)
{
    static const struct {
        const char *name, *one, *other;
        bool same;
    } rows[] = {
        {"order, quotes, space", "version: 1\ndefaults: {then: 'review', undo: 5s}\n",
         "# new\ndefaults:\n    undo: \"5s\"\n    then: review\nversion: 1\n", true},
        {"block and flow", "version: 1\nreasons: [a, b]\n", "version: 1\nreasons:\n- a\n- b\n",
         true},
        {"a value", "version: 1\ndefaults: {undo: 5s}\n", "version: 1\ndefaults: {undo: 6s}\n",
         false},
        {"the order of a list", "version: 1\nreasons: [a, b]\n", "version: 1\nreasons: [b, a]\n",
         false},
        {"names that are one number", "version: 1\nreasons: [1e2]\n",
         "version: 1\nreasons: [100]\n", false},
        {"the silent value written down", "version: 1\n", "version: 1\ndefaults: {undo: 0s}\n",
         false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(loading_done) struct loading one = {0}, other = {0};
        load_text(&one, rows[i].one);
        load_text(&other, rows[i].other);
        EXPECT(one.policy && other.policy, "%s", rows[i].name);
        EXPECT(hash_eq(one.policy->version, other.policy->version) == rows[i].same, "%s",
               rows[i].name);
    }
}

/* Files and memory ----------------------------------------------------------------------------- */

static void test_file(void **state)
{
    AUTO(loading_done) struct loading l = {0};
    int fd = memfd_create("policy.yaml", MFD_CLOEXEC);
    char path[32];

    (void)state;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    EXPECT(write(fd, everything, strlen(everything)) == (ssize_t)strlen(everything), "%s", path);
    l.arena = arena_new(MIB);
    ctx_init(&l.ctx, l.arena);
    l.err = policy_load(&l.ctx, path, l.findings, &l.count, &l.policy);
    close(fd);
    EXPECT(l.err == FM_OK && l.policy->action_count == 4, "%s", l.ctx.detail);
}

static void test_no_file(void **state)
{
    static const struct {
        const char *path, *want;
    } rows[] = {
        {"/nowhere/policy.yaml", "/nowhere/policy.yaml: No such file or directory"},
        {"/", "/: Is a directory"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(loading_done) struct loading l = {.count = 99};
        l.arena = arena_new(MIB);
        ctx_init(&l.ctx, l.arena);
        l.err = policy_load(&l.ctx, rows[i].path, l.findings, &l.count, &l.policy);
        EXPECT(l.err == FM_E_INVALID_ARGUMENT && l.count == 0 && !l.policy, "%s", rows[i].path);
        EXPECT_STR(rows[i].path, str_of(l.ctx.detail), str_of(rows[i].want));
    }
}

/* The caller's arena holds nothing but findings; when it is full, that is said and nothing is
 * loaded. */
static void test_full_arena(void **state)
{
    AUTO(loading_done) struct loading l = {0};

    (void)state;
    l.arena = arena_new(64);
    ctx_init(&l.ctx, l.arena);
    l.err = policy_parse(&l.ctx, S("f"), str_of(everything), l.findings, &l.count, &l.policy);
    EXPECT(l.err == FM_OK, "a good policy needs none: %s", l.ctx.detail);
    policy_drop(l.policy);
    l.err = policy_parse(&l.ctx, S("f"), S("version: 1\nreasons: [A, B, C]\n"), l.findings,
                         &l.count, &l.policy);
    EXPECT(l.err == FM_E_OVERLOADED && !l.policy, "%d", (int)l.err);
}

enum { SHARING_THREADS = 4, SHARING_ROUNDS = 10000 };

static void *share(void *with)
{
    const struct policy *policy = with;

    for (int i = 0; i < SHARING_ROUNDS; i++) {
        policy_drop(policy_keep(policy));
    }
    policy_drop(policy); /* this thread's own */
    return NULL;
}

/* The last of several threads frees it; the sanitizers watch. */
static void test_sharing(void **state)
{
    AUTO(loading_done) struct loading l = {0};
    pthread_t threads[SHARING_THREADS];

    (void)state;
    load_text(&l, everything);
    for (int i = 0; i < SHARING_THREADS; i++) {
        const struct policy *kept = policy_keep(l.policy);
        EXPECT(pthread_create(&threads[i], NULL, share, (void *)(uintptr_t)kept) == 0, "thread %d",
               i);
    }
    policy_drop(l.policy);
    l.policy = NULL;
    for (int i = 0; i < SHARING_THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    policy_drop(NULL);
}

static void test_words(void **state)
{
    (void)state;
    EXPECT_STR("verdict", str_of(verdict_name(VERDICT_BLOCK)), S("block"));
    EXPECT_STR("effect", str_of(effect_name(EFFECT_HANDOFF)), S("handoff"));
    EXPECT_STR("brief", str_of(brief_part_name(BRIEF_DRAFT)), S("draft"));
    EXPECT_STR("mode", str_of(review_mode_name(MODE_DECIDE_FIRST)), S("decide_first"));
    for (int i = 0; i < ROLE_COUNT; i++) {
        EXPECT(role_of_name(str_of(role_name((enum role)i))) == i, "%s", role_name((enum role)i));
    }
    EXPECT(role_of_name(S("Lead")) == -1 && role_of_name(S("")) == -1, "no role");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything),    cmocka_unit_test(test_action),
        cmocka_unit_test(test_silent_action), cmocka_unit_test(test_lookups),
        cmocka_unit_test(test_members),       cmocka_unit_test(test_silent),
        cmocka_unit_test(test_builtin),       cmocka_unit_test(test_canonical),
        cmocka_unit_test(test_version),       cmocka_unit_test(test_file),
        cmocka_unit_test(test_no_file),       cmocka_unit_test(test_full_arena),
        cmocka_unit_test(test_sharing),       cmocka_unit_test(test_words),
    };

    crypto_init();
    return CHECK_RUN(tests);
}
