/* SPDX-License-Identifier: Apache-2.0
 *
 * The whole policy, key by key: which change one person may make alone, and which way. A key of the
 * schema without a row here fails. What each change is said to loosen stands in compare_test.c.
 */
#include "policy_check.h"

#include <stdio.h>
#include <stdlib.h>

#define SCHEMA "docs/policy.schema.json"

static const char base[] =
    "version: 1\n"
    "defaults: {then: review, queue: general, mode: read, undo: 5s, respond_within: 1h,"
    " on_expiry: keep, valid_for: 2h, outcome_within: 1h, decide_by: [page, token], warm_up: 5}\n"
    "actions:\n"
    "  a.one: {then: review, effects: [money], domain: d, executor: e, reversible: false,"
    " queue: leads, schema: {type: object}, category: 'action.name', brief: {require: [request],"
    " evidence_min: 1}, card: {title: T, critical: [/x]}, oversight: O}\n"
    "  a.bare: {then: review}\n"
    "unknown_actions: review\n"
    "queues: {general: {members: [ana], backup: leads}, leads: {members: [role:lead]}}\n"
    "reasons: [other]\n"
    "limits: {pending_per_agent: 10, proposals_per_minute: 60}\n"
    "agents: {bot: {domains: [x]}}\n"
    "lexicons: {l: [w]}\n"
    "recipients: [x.org]\n"
    "rules:\n"
    "  - {id: r, when: 'true', then: review, because: B, mode: read, queue: leads,"
    " respond_within: 10m, undo: 10s, on_expiry: keep}\n"
    "  - {id: s, when: 'true', queue: general, respond_within: 20m}\n"
    "  - {id: t, when: 'true', queue: leads}\n"
    "budgets:\n"
    "  - {id: b, when: 'true', sum: 1.5, per: all, window: 1h, limit: 10, then: review,"
    " because: B}\n"
    "  - {id: c, count: true, per: all, window: 1h, limit: 10, then: review}\n";

enum who { ALONE, TWO };

/* `from` becomes `to`, and the other way round. */
static const struct {
    const char *key, *from, *to;
    enum who there, back;
} rows[] = {
    {"defaults",
     "defaults: {then: review, queue: general, mode: read, undo: 5s, "
     "respond_within: 1h, on_expiry: keep, valid_for: 2h, outcome_within: 1h, "
     "decide_by: [page, token], warm_up: 5}\n",
     "", TWO, TWO},
    {"defaults.then", "then: review, queue: general", "then: block, queue: general", ALONE, TWO},
    {"defaults.then", "then: review, queue: general", "then: earn, queue: general", TWO, ALONE},
    {"defaults.queue", "queue: general, mode", "queue: leads, mode", TWO, TWO},
    {"defaults.mode", "mode: read, undo: 5s", "mode: glance, undo: 5s", TWO, ALONE},
    {"defaults.undo", "undo: 5s", "undo: 6s", ALONE, TWO},
    /* at 15m, the rule t would go before the rule s, and take holds to its queue */
    {"defaults.respond_within", "respond_within: 1h", "respond_within: 30m", ALONE, TWO},
    {"defaults.respond_within", "respond_within: 1h", "respond_within: 15m", TWO, TWO},
    {"defaults.on_expiry", "on_expiry: keep, valid", "on_expiry: expire, valid", ALONE, TWO},
    {"defaults.decide_by", "decide_by: [page, token]", "decide_by: [page]", ALONE, TWO},
    {"defaults.valid_for", "valid_for: 2h", "valid_for: 1h", ALONE, TWO},
    {"defaults.outcome_within", "outcome_within: 1h", "outcome_within: 2h", TWO, TWO},
    {"defaults.warm_up", "warm_up: 5", "warm_up: 6", ALONE, TWO},
    {"actions", "  a.bare: {then: review}\n", "", TWO, TWO},
    {"actions", "  a.bare: {then: review}\n", "  a.bare: {then: review}\n  n: {then: block}\n",
     ALONE, TWO},
    {"actions.*.then", "a.bare: {then: review}", "a.bare: {then: block}", ALONE, TWO},
    {"actions.*.then", "a.bare: {then: review}", "a.bare: {}", TWO, ALONE},
    {"actions.*.effects", "effects: [money]", "effects: [money, legal]", TWO, TWO},
    {"actions.*.domain", "domain: d", "domain: x", TWO, TWO},
    {"actions.*.executor", "executor: e", "executor: f", TWO, TWO},
    {"actions.*.reversible", "reversible: false", "reversible: true", TWO, TWO},
    {"actions.*.queue", "queue: leads, schema", "queue: general, schema", TWO, TWO},
    {"actions.*.queue", "a.bare: {then: review}", "a.bare: {then: review, queue: leads}", TWO, TWO},
    {"actions.*.schema", "schema: {type: object}", "schema: {type: object, required: [q]}", TWO,
     TWO},
    {"actions.*.category", "category: 'action.name'", "category: 'action.name + \"x\"'", TWO, TWO},
    {"actions.*.brief", "brief: {require: [request], evidence_min: 1}, ", "", TWO, ALONE},
    {"actions.*.brief.require", "require: [request]", "require: [request, draft]", ALONE, TWO},
    {"actions.*.brief.evidence_min", "evidence_min: 1", "evidence_min: 2", ALONE, TWO},
    {"actions.*.card", "card: {title: T, critical: [/x]}, ", "", TWO, TWO},
    {"actions.*.card.title", "title: T", "title: U", TWO, TWO},
    {"actions.*.card.critical", "critical: [/x]", "critical: [/x, /y]", ALONE, TWO},
    {"actions.*.oversight", "oversight: O", "oversight: P", TWO, TWO},
    {"unknown_actions", "unknown_actions: review", "unknown_actions: block", ALONE, TWO},
    /* what waits in a queue that is gone is the leads': only they may have it back alone */
    {"queues", "queues: {", "queues: {new: {members: [mal]}, ", TWO, TWO},
    {"queues", "queues: {", "queues: {new: {members: [role:lead]}, ", ALONE, TWO},
    {"queues.*.members", "members: [ana]", "members: [ana, mal]", TWO, TWO},
    {"queues.*.backup", ", backup: leads", "", TWO, TWO},
    {"reasons", "reasons: [other]", "reasons: [other, tone]", TWO, TWO},
    {"limits", "limits: {pending_per_agent: 10, proposals_per_minute: 60}\n", "", TWO, ALONE},
    {"limits.pending_per_agent", "pending_per_agent: 10", "pending_per_agent: 9", ALONE, TWO},
    {"limits.proposals_per_minute", "per_minute: 60", "per_minute: 59", ALONE, TWO},
    {"agents", "agents: {", "agents: {new: {domains: [x]}, ", ALONE, TWO},
    {"agents.*.domains", "domains: [x]", "domains: []", ALONE, TWO},
    {"lexicons", "l: [w]", "l: [w, v]", TWO, TWO},
    {"lexicons", "lexicons: {l: [w]}\n", "", ALONE, ALONE},
    {"recipients", "recipients: [x.org]", "recipients: [x.org, y.org]", TWO, TWO},
    {"rules", "rules:\n", "rules:\n  - {id: n, when: 'true', then: block}\n", ALONE, TWO},
    {"rules.*.id", "id: r", "id: q", TWO, TWO},
    {"rules.*.when", "id: r, when: 'true'", "id: r, when: 'true || true'", TWO, TWO},
    {"rules.*.then", "'true', then: review, because: B, mode",
     "'true', then: block, because: B, mode", ALONE, TWO},
    {"rules.*.then", "when: 'true', queue: general", "when: 'true', then: block, queue: general",
     ALONE, TWO},
    {"rules.*.then", "when: 'true', queue: general", "when: 'true', then: earn, queue: general",
     TWO, TWO},
    {"rules.*.because", "because: B, mode", "because: C, mode", TWO, TWO},
    {"rules.*.mode", "mode: read, queue", "mode: glance, queue", TWO, ALONE},
    {"rules.*.queue", "queue: leads, respond", "queue: general, respond", TWO, TWO},
    {"rules.*.queue", "'true', queue: leads}", "'true', mode: read}", TWO, TWO},
    /* a new one: wherever another rule or action leads to another queue, it takes holds from it */
    {"rules.*.queue", "rules:\n", "rules:\n  - {id: n, when: 'true', then: review, queue: leads}\n",
     TWO, TWO},
    {"rules.*.respond_within", "respond_within: 10m", "respond_within: 9m", ALONE, TWO},
    {"rules.*.respond_within", "respond_within: 20m", "respond_within: 19m", ALONE, TWO},
    {"rules.*.respond_within", "respond_within: 20m", "respond_within: 9m", TWO, TWO},
    {"rules.*.respond_within", "'true', queue: leads}",
     "'true', queue: leads, respond_within: 30m}", ALONE, TWO},
    {"rules.*.respond_within", "'true', queue: leads}", "'true', queue: leads, respond_within: 1m}",
     TWO, TWO},
    {"rules.*.undo", "undo: 10s", "undo: 20s", ALONE, TWO},
    {"rules.*.on_expiry", "on_expiry: keep}", "on_expiry: expire}", ALONE, TWO},
    {"budgets", "budgets:\n",
     "budgets:\n  - {id: n, count: true, per: all, window: 1h, limit: 1, then: block}\n", ALONE,
     TWO},
    {"budgets.*.id", "id: b", "id: a", TWO, TWO},
    {"budgets.*.when", "id: b, when: 'true'", "id: b, when: 'false'", TWO, TWO},
    {"budgets.*.sum", "sum: 1.5", "sum: 2.5", TWO, TWO},
    {"budgets.*.count", "id: c, count: true", "id: c, sum: 1.5", TWO, TWO},
    {"budgets.*.per", "per: all", "per: agent", TWO, TWO},
    {"budgets.*.window", "window: 1h", "window: 2h", TWO, TWO},
    {"budgets.*.limit", "limit: 10", "limit: 9", ALONE, TWO},
    {"budgets.*.then", "limit: 10, then: review", "limit: 10, then: block", ALONE, TWO},
    {"budgets.*.because", "because: B}", "because: C}", TWO, TWO},
    {"tests", "version: 1\n",
     "version: 1\ntests: [{name: n, given: {action: a.bare}, want: {verdict: review}}]\n", ALONE,
     ALONE},
};

/* One value only, or nothing that a test of the file does not say itself. */
static const char *const no_choice[] = {"version", "include",  "schedules",
                                        "novelty", "autonomy", "confidence"};

static const struct policy *changed(struct loading *l, const char *from, const char *to)
{
    AUTO(buf_done) struct buf yaml = BUF_INIT(64 * KIB);
    const char *at = strstr(base, from);

    EXPECT(at, "%s is not in the base", from);
    buf_add(&yaml, (struct str){base, (size_t)(at - base)});
    buf_add(&yaml, str_of(to));
    buf_add(&yaml, str_of(at + strlen(from)));
    load_str(l, buf_str(&yaml));
    EXPECT(l->policy, "%s -> %s: %s", from, to, findings_text(l).p);
    return l->policy;
}

static void expect_who(struct loading *l, const char *what, const char *key,
                       const struct policy *from, const struct policy *to, enum who want)
{
    struct policy_change change;

    EXPECT(policy_compare(&l->ctx, from, to, &change) == FM_OK, "%s", l->ctx.detail);
    EXPECT(!change.same, "%s: %s changes nothing", key, what);
    EXPECT((change.count > 0) == (want == TWO), "%s: %s takes %s: %.*s", key, what,
           change.count ? "two" : "one", STR_ARG(change.count ? change.loosened[0] : S("nothing")));
}

static void test_who(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(loading_done) struct loading l = {0}, before = {0};
        char back[200];
        const struct policy *to;
        load_text(&before, base);
        EXPECT(before.policy, "%s", findings_text(&before).p);
        to = changed(&l, rows[i].from, rows[i].to);
        (void)snprintf(back, sizeof(back), "back from %s", rows[i].to);
        expect_who(&l, rows[i].to, rows[i].key, before.policy, to, rows[i].there);
        expect_who(&l, back, rows[i].key, to, before.policy, rows[i].back);
    }
}

/* --- every key has a row ------------------------------------------------------------------------ */

static bool has_row(const char *key)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (strcmp(rows[i].key, key) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < COUNT_OF(no_choice); i++) {
        if (strcmp(no_choice[i], key) == 0) {
            return true;
        }
    }
    return false;
}

static const struct json *resolved(const struct json *root, const struct json *schema)
{
    struct str ref = json_text(json_get(schema, S("$ref")));
    const struct json *found =
        ref.p ? json_get(json_get(root, S("$defs")), str_skip(ref, S("#/$defs/").n)) : NULL;

    return found ? found : schema;
}

/* Each named property below a schema; `*` stands for any name and for an item. */
static size_t walk(const struct json *root, const struct json *schema, const char *at)
{
    const struct json *inside = resolved(root, schema), *named = json_get(inside, S("properties"));
    const struct json *more[] = {json_get(inside, S("additionalProperties")),
                                 json_get(inside, S("items"))};
    size_t count = 0;
    char path[200];

    for (uint32_t i = 0; named && i < named->count; i++) {
        (void)snprintf(path, sizeof(path), "%s%s%.*s", at, *at ? "." : "",
                       STR_ARG(named->as.members[i].name));
        EXPECT(has_row(path), "the key %s has no row: who may change it alone?", path);
        count += 1 + (strcmp(path, "tests") ? walk(root, &named->as.members[i].value, path) : 0);
    }
    for (size_t i = 0; i < COUNT_OF(more); i++) {
        (void)snprintf(path, sizeof(path), "%s.*", at);
        count += more[i] && more[i]->kind == JSON_OBJECT ? walk(root, more[i], path) : 0;
    }
    return count;
}

static void test_every_key(void **state)
{
    AUTO(arena_done) struct arena *arena = arena_new(4 * MIB);
    static char text[256 * KIB];
    const struct json *schema;
    FILE *file = fopen(SCHEMA, "r");
    struct ctx ctx;
    size_t n;

    (void)state;
    EXPECT(file, "cannot read %s", SCHEMA);
    n = fread(text, 1, sizeof(text), file);
    (void)fclose(file);
    ctx_init(&ctx, arena);
    EXPECT(json_parse(&ctx, (struct str){text, n}, &JSON_LIMITS_WIRE, &schema) == FM_OK, "%s",
           ctx.detail);
    n = walk(schema, schema, "");
    EXPECT(n > 60, "only %zu keys", n);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who),
        cmocka_unit_test(test_every_key),
    };

    crypto_init();
    return CHECK_RUN(tests);
}
