/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a change of the policy only tightens it, by construction: verdicts raised, limits and
 * times lowered, rules and budgets added, actions removed where unknown ones are blocked. Whatever
 * no row of the tables below shows to be tighter counts as loosening, so that a key which was
 * added to the language later is on the safe side by itself.
 *
 * It must never reason about what conditions mean: two texts are the same or they are not.
 */
#include <stdarg.h>
#include <stdio.h>

#include "policy/inner.h"

#define SENTENCE_MAX 300

/* Which way a value may go. */
enum way {
    WAY_SAME,
    WAY_ANY, /* looked at elsewhere */
    WAY_VERDICT_UP,
    WAY_MODE_UP,
    WAY_EXPIRY, /* from keep to expire */
    WAY_TIME_DOWN,
    WAY_TIME_UP,
    WAY_NUMBER_DOWN,
    WAY_NUMBER_UP,
    WAY_LOSE, /* items of a list */
    WAY_GAIN,
    WAY_BRIEF, /* maps of their own */
    WAY_CARD
};

/* A key of some map. `absent` is what holds without it; NULL: nothing does. Tables end in {0}. */
struct way_key {
    const char *name;
    enum way way;
    const char *absent;
};

static const struct way_key default_ways[] = {
    {"then", WAY_VERDICT_UP, "earn"},        {"queue", WAY_SAME, "general"},
    {"mode", WAY_MODE_UP, "glance"},         {"undo", WAY_TIME_UP, "0s"},
    {"respond_within", WAY_TIME_DOWN, "4h"}, {"on_expiry", WAY_EXPIRY, "expire"},
    {"valid_for", WAY_TIME_DOWN, "24h"},     {"warm_up", WAY_NUMBER_UP, "20"},
    {"decide_by", WAY_LOSE, "page"},         {0},
};

static const struct way_key limit_ways[] = {
    {"pending_per_agent", WAY_NUMBER_DOWN, "10000"},
    {"proposals_per_minute", WAY_NUMBER_DOWN, "6000"},
    {0},
};

static const struct way_key brief_ways[] = {
    {"require", WAY_GAIN, NULL},
    {"evidence_min", WAY_NUMBER_UP, "0"},
    {0},
};

static const struct way_key card_ways[] = {{"critical", WAY_GAIN, NULL}, {0}};

/* `then` of actions and rules is looked at apart. */
static const struct way_key action_ways[] = {
    {"brief", WAY_BRIEF, NULL},
    {"card", WAY_CARD, NULL},
    {0},
};

static const struct way_key rule_ways[] = {
    {"mode", WAY_MODE_UP, "glance"},
    {"undo", WAY_TIME_UP, "0s"},
    {"on_expiry", WAY_EXPIRY, "keep"},
    {"respond_within", WAY_TIME_DOWN, NULL},
    {0},
};

static const struct way_key budget_ways[] = {
    {"limit", WAY_NUMBER_DOWN, NULL},
    {"then", WAY_VERDICT_UP, NULL},
    {0},
};

static const struct way_key agent_ways[] = {{"domains", WAY_LOSE, NULL}, {0}};
/* Who is in a queue is compared as structs. */
static const struct way_key queue_ways[] = {
    {"members", WAY_ANY, NULL},
    {"backup", WAY_ANY, NULL},
    {0},
};
static const struct way_key no_ways[] = {{0}};

struct comparison {
    struct ctx *ctx;
    struct arena *scratch;
    const struct policy *from, *to;
    const struct json *from_json, *to_json;
    struct policy_change *out;
    bool memory_short;
};

/* Findings ----------------------------------------------------------------------------------- */

static void __attribute__((format(printf, 2, 3)))
loosen(struct comparison *c, const char *format, ...)
{
    char sentence[SENTENCE_MAX];
    struct str copy;
    va_list args;

    if (c->out->count == POLICY_LOOSENED_MAX) {
        c->out->loosened[POLICY_LOOSENED_MAX - 1] = S("there is more");
        return;
    }
    va_start(args, format);
    vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    copy = arena_copy(c->ctx->arena, str_of(sentence));
    c->memory_short |= copy.p == NULL;
    c->out->loosened[c->out->count++] = copy.p ? copy : S("?");
}

/* A value in few words, for a sentence. */
static struct str shown(struct comparison *c, const struct json *value, const char *absent)
{
    AUTO(buf_done) struct buf text = BUF_INIT(64 * KIB);
    struct str copy;

    if (!value) {
        return absent ? str_of(absent) : S("nothing");
    }
    if (value->kind == JSON_STRING && value->as.text.n <= 40) {
        return value->as.text;
    }
    json_write(&text, value);
    if (!buf_ok(&text) || text.n > 40) {
        return S("another value");
    }
    copy = arena_copy(c->ctx->arena, buf_str(&text));
    return copy.p ? copy : S("?");
}

static void loosen_value(struct comparison *c, const char *where, const struct way_key *key,
                         const struct json *from, const struct json *to)
{
    loosen(c, "%s.%s: %.*s becomes %.*s", where, key->name, STR_ARG(shown(c, from, key->absent)),
           STR_ARG(shown(c, to, key->absent)));
}

/* Values ------------------------------------------------------------------------------------- */

static int64_t index_of(struct str text, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(text, str_of(names[i]))) {
            return (int64_t)i;
        }
    }
    return -1;
}

static int64_t verdict_rank(struct str text)
{
    static const char *const names[] = {"allow", "earn", "review", "block"};

    return index_of(text, names, COUNT_OF(names));
}

/* How strict a value is on its own scale; -1 when it is on none. */
static int64_t rank(enum way way, struct str text)
{
    static const char *const modes[] = {"glance", "read", "decide_first"};
    static const char *const expiry[] = {"keep", "expire"};
    int64_t value = -1;

    switch (way) {
    case WAY_VERDICT_UP:
        return verdict_rank(text);
    case WAY_MODE_UP:
        return index_of(text, modes, COUNT_OF(modes));
    case WAY_EXPIRY:
        return index_of(text, expiry, COUNT_OF(expiry));
    case WAY_TIME_DOWN:
    case WAY_TIME_UP:
        return duration_parse(text, &value) ? value : -1;
    case WAY_NUMBER_DOWN:
    case WAY_NUMBER_UP:
        return policy_micros(text, &value) ? value : -1;
    case WAY_SAME:
    case WAY_ANY:
    case WAY_LOSE:
    case WAY_GAIN:
    case WAY_BRIEF:
    case WAY_CARD:
        break;
    }
    return -1;
}

static bool goes_down(enum way way)
{
    return way == WAY_TIME_DOWN || way == WAY_NUMBER_DOWN;
}

static struct str scalar(const struct json *value, const char *absent)
{
    if (!value) {
        return str_of(absent);
    }
    return value->kind == JSON_STRING || value->kind == JSON_NUMBER ? value->as.text : STR_NONE;
}

static bool scalar_is_tighter(const struct way_key *key, const struct json *from,
                              const struct json *to)
{
    int64_t a = rank(key->way, scalar(from, key->absent)),
            b = rank(key->way, scalar(to, key->absent));

    if (!from && !key->absent) {
        return b >= 0; /* what was not there at all is an obligation more */
    }
    return a >= 0 && b >= 0 && (goes_down(key->way) ? b <= a : b >= a);
}

/* Whether a list holds the item; an absent list the one word that holds without it. */
static bool list_holds(const struct json *list, const char *absent, const struct json *item)
{
    for (uint32_t i = 0; list && list->kind == JSON_ARRAY && i < list->count; i++) {
        if (json_eq(&list->as.items[i], item)) {
            return true;
        }
    }
    return !list && absent && item->kind == JSON_STRING && str_eq(item->as.text, str_of(absent));
}

/* Whether everything in `small` is in `large`. */
static bool list_within(const struct json *small, const struct json *large, const char *absent)
{
    for (uint32_t i = 0; small && small->kind == JSON_ARRAY && i < small->count; i++) {
        if (!list_holds(large, absent, &small->as.items[i])) {
            return false;
        }
    }
    return small || !absent || !large ||
           list_holds(large, NULL, &(struct json){.kind = JSON_STRING, .as.text = str_of(absent)});
}

static bool same(const struct json *a, const struct json *b)
{
    return a && b ? json_eq(a, b) : a == b;
}

/* Maps --------------------------------------------------------------------------------------- */

static void compare_map(struct comparison *c, const char *where, const struct way_key *keys,
                        const struct json *from, const struct json *to);

static const struct way_key *way_of(const struct way_key *keys, struct str name)
{
    while (keys->name && !str_eq(name, str_of(keys->name))) {
        keys++;
    }
    return keys->name ? keys : NULL;
}

static bool value_is_tighter(const struct way_key *key, const struct json *from,
                             const struct json *to)
{
    if (key->way == WAY_SAME) {
        return str_eq(scalar(from, key->absent), scalar(to, key->absent));
    }
    if (key->way == WAY_LOSE) {
        return list_within(to, from, key->absent);
    }
    return key->way == WAY_GAIN ? list_within(from, to, key->absent)
                                : scalar_is_tighter(key, from, to);
}

static void compare_value(struct comparison *c, const char *where, const struct way_key *key,
                          const struct json *from, const struct json *to)
{
    char inside[SENTENCE_MAX];

    if (same(from, to) || key->way == WAY_ANY) {
        return;
    }
    if (key->way == WAY_BRIEF || key->way == WAY_CARD) {
        snprintf(inside, sizeof(inside), "%s.%s", where, key->name);
        compare_map(c, inside, key->way == WAY_BRIEF ? brief_ways : card_ways, from, to);
    } else if (!value_is_tighter(key, from, to)) {
        loosen_value(c, where, key, from, to);
    }
}

/* A member that no table names must stay as it is; `then` is the caller's. */
static void compare_other(struct comparison *c, const char *where, const struct way_key *keys,
                          struct str name, const struct json *from, const struct json *to)
{
    if (!way_of(keys, name) && !same(from, to) && !str_eq(name, S("then"))) {
        loosen(c, "%s.%.*s has changed", where, STR_ARG(name));
    }
}

static const struct json *as_map(const struct json *value)
{
    return value && value->kind == JSON_OBJECT ? value : NULL;
}

static void compare_map(struct comparison *c, const char *where, const struct way_key *keys,
                        const struct json *from, const struct json *to)
{
    from = as_map(from);
    to = as_map(to);
    for (const struct way_key *key = keys; key->name; key++) {
        compare_value(c, where, key, json_get(from, str_of(key->name)),
                      json_get(to, str_of(key->name)));
    }
    for (uint32_t i = 0; from && i < from->count; i++) {
        struct str name = from->as.members[i].name;
        compare_other(c, where, keys, name, &from->as.members[i].value, json_get(to, name));
    }
    for (uint32_t i = 0; to && i < to->count; i++) {
        struct str name = to->as.members[i].name;
        if (!json_get(from, name)) {
            compare_other(c, where, keys, name, NULL, &to->as.members[i].value);
        }
    }
}

/* Sections ----------------------------------------------------------------------------------- */

/* `then` of an action or rule. Without one, it does not speak, and the defaults may. */
static void compare_then(struct comparison *c, const char *where, const struct json *from,
                         const struct json *to)
{
    const struct json *a = json_get(from, S("then")), *b = json_get(to, S("then"));
    int64_t before = a ? verdict_rank(json_text(a)) : (int64_t)c->from->then;
    int64_t after = b ? verdict_rank(json_text(b)) : -1;

    if (same(a, b)) {
        return;
    }
    if (after < before || before < 0) {
        loosen(c, "%s.then: %.*s becomes %.*s", where, STR_ARG(shown(c, a, "silence")),
               STR_ARG(shown(c, b, "silence")));
    }
}

static void compare_actions(struct comparison *c)
{
    const struct json *from = as_map(json_get(c->from_json, S("actions")));
    const struct json *to = as_map(json_get(c->to_json, S("actions")));

    for (uint32_t i = 0; from && i < from->count; i++) {
        const struct json_member *old = &from->as.members[i];
        const struct json *now = json_get(to, old->name);
        char where[SENTENCE_MAX];
        snprintf(where, sizeof(where), "actions.%.*s", STR_ARG(old->name));
        if (now) {
            compare_then(c, where, as_map(&old->value), as_map(now));
            compare_map(c, where, action_ways, &old->value, now);
        } else if (c->to->unknown_actions != VERDICT_BLOCK) {
            loosen(c, "%s is gone, and unknown actions are not blocked", where);
        }
    }
    for (uint32_t i = 0; to && i < to->count; i++) {
        struct str name = to->as.members[i].name;
        struct str then = json_text(json_get(as_map(&to->as.members[i].value), S("then")));
        if (!json_get(from, name) && !str_eq(then, S("block"))) {
            loosen(c, "actions.%.*s is new, and would not be blocked", STR_ARG(name));
        }
    }
}

/* The row of a list whose id is `id`. */
static const struct json *row_of(const struct json *list, struct str id)
{
    for (uint32_t i = 0; list && list->kind == JSON_ARRAY && i < list->count; i++) {
        if (str_eq(json_text(json_get(&list->as.items[i], S("id"))), id)) {
            return &list->as.items[i];
        }
    }
    return NULL;
}

/* A rule that speaks where nothing did takes the place of the defaults. One that cannot be
 * evaluated speaks for review, whatever it says. */
static void check_new_rule(struct comparison *c, struct str id, const struct json *rule)
{
    const struct json *then = json_get(rule, S("then"));
    int64_t verdict = verdict_rank(json_text(then)), respond_us;

    if (then && verdict < (int64_t)c->to->then) {
        loosen(c, "rules.%.*s is new, and says %.*s where the defaults say %s", STR_ARG(id),
               STR_ARG(json_text(then)), verdict_name(c->to->then));
    } else if (c->to->then == VERDICT_BLOCK) {
        loosen(c,
               "rules.%.*s is new, and an error in it asks for a review where the defaults block",
               STR_ARG(id));
    }
    if (duration_parse(json_text(json_get(rule, S("respond_within"))), &respond_us) &&
        respond_us > c->to->respond_within_us) {
        loosen(c, "rules.%.*s is new, and leaves more time than the defaults", STR_ARG(id));
    }
}

static void compare_rule(struct comparison *c, const char *where, const struct json *from,
                         const struct json *to)
{
    int64_t respond_us;

    compare_then(c, where, from, to);
    compare_map(c, where, rule_ways, from, to);
    if (!json_get(from, S("respond_within")) &&
        duration_parse(json_text(json_get(to, S("respond_within"))), &respond_us) &&
        respond_us > c->from->respond_within_us) {
        loosen(c, "%s.respond_within leaves more time than the defaults", where);
    }
}

static void add_move(void *with, const struct policy_rule *rule, struct str instead)
{
    loosen(with, "rules.%.*s can take what %.*s decides now to the queue %.*s", STR_ARG(rule->id),
           STR_ARG(instead), STR_ARG(rule->queue));
}

/* Less time to respond brings a queue's backup in sooner. */
static void compare_backups(struct comparison *c)
{
    const struct policy_queue *queue = routing_backup(c->to);

    if (queue && c->to->respond_within_us < c->from->respond_within_us) {
        loosen(c, "defaults.respond_within is shorter, which brings in the backup of %.*s sooner",
               STR_ARG(queue->name));
    }
    for (size_t i = 0; queue && i < c->to->rule_count; i++) {
        const struct policy_rule *rule = &c->to->rules[i];
        const struct policy_rule *old = policy_rule(c->from, rule->id);
        int64_t before = old ? old->respond_within_us : 0;
        if (rule->respond_within_us && (!before || rule->respond_within_us < before)) {
            loosen(c, "rules.%.*s leaves less time, which brings in the backup of %.*s sooner",
                   STR_ARG(rule->id), STR_ARG(queue->name));
        }
    }
}

/* Lists of maps with an id: what is there must stay; what is new only adds. */
static void compare_rows(struct comparison *c, const char *section, bool rules)
{
    const struct json *from = json_get(c->from_json, str_of(section));
    const struct json *to = json_get(c->to_json, str_of(section));

    for (uint32_t i = 0; from && from->kind == JSON_ARRAY && i < from->count; i++) {
        const struct json *old = &from->as.items[i];
        struct str id = json_text(json_get(old, S("id")));
        const struct json *now = row_of(to, id);
        char where[SENTENCE_MAX];
        snprintf(where, sizeof(where), "%s.%.*s", section, STR_ARG(id));
        if (!now) {
            loosen(c, "%s is gone", where);
        } else if (rules) {
            compare_rule(c, where, old, now);
        } else {
            compare_map(c, where, budget_ways, old, now);
        }
    }
    for (uint32_t i = 0; rules && to && to->kind == JSON_ARRAY && i < to->count; i++) {
        struct str id = json_text(json_get(&to->as.items[i], S("id")));
        if (!row_of(from, id)) {
            check_new_rule(c, id, &to->as.items[i]);
        }
    }
}

/* Maps of maps in which more entries only tighten; `may_go`: fewer do too. */
static void compare_entries(struct comparison *c, const char *section, const struct way_key *keys,
                            bool may_go)
{
    const struct json *from = as_map(json_get(c->from_json, str_of(section)));
    const struct json *to = as_map(json_get(c->to_json, str_of(section)));

    for (uint32_t i = 0; from && i < from->count; i++) {
        const struct json_member *old = &from->as.members[i];
        const struct json *now = json_get(to, old->name);
        char where[SENTENCE_MAX];
        snprintf(where, sizeof(where), "%s.%.*s", section, STR_ARG(old->name));
        if (!now && !may_go) {
            loosen(c, "%s is gone", where);
        } else if (now && (old->value.kind != JSON_OBJECT || now->kind != JSON_OBJECT)) {
            if (!json_eq(&old->value, now)) {
                loosen(c, "%s has changed", where);
            }
        } else if (now) {
            compare_map(c, where, keys, &old->value, now);
        }
    }
}

static bool list_eq(struct policy_list a, struct policy_list b)
{
    if (a.count != b.count) {
        return false;
    }
    for (size_t i = 0; i < a.count; i++) {
        if (!str_eq(a.items[i], b.items[i])) {
            return false;
        }
    }
    return true;
}

/* What waits in a queue that is no more is the leads' (review/route.c); a new one of that name
 * would take it from them. */
static void compare_new_queues(struct comparison *c)
{
    for (size_t i = 0; i < c->to->queue_count; i++) {
        const struct policy_queue *now = &c->to->queues[i];
        bool leads = now->roles == ROLE_BIT(ROLE_LEAD) && !now->people.count && !now->backup.p;
        if (!leads && !policy_queue(c->from, now->name)) {
            loosen(c, "queues.%.*s is new, with other members than the leads", STR_ARG(now->name));
        }
    }
}

/* Who may decide. As structs: a file without queues has the silent ones. */
static void compare_queues(struct comparison *c)
{
    for (size_t i = 0; i < c->from->queue_count; i++) {
        const struct policy_queue *old = &c->from->queues[i];
        const struct policy_queue *now = policy_queue(c->to, old->name);
        if (!now) {
            loosen(c, "queues.%.*s is gone", STR_ARG(old->name));
        } else if (old->roles != now->roles || !list_eq(old->people, now->people)) {
            loosen(c, "queues.%.*s has other members", STR_ARG(old->name));
        } else if (!str_eq(old->backup, now->backup)) {
            loosen(c, "queues.%.*s has another backup", STR_ARG(old->name));
        }
    }
}

static void compare_rest(struct comparison *c)
{
    static const struct way_key looked_at[] = {
        {"version", WAY_SAME, NULL},
        {"defaults", WAY_SAME, NULL},
        {"actions", WAY_SAME, NULL},
        {"rules", WAY_SAME, NULL},
        {"budgets", WAY_SAME, NULL},
        {"queues", WAY_SAME, NULL},
        {"limits", WAY_SAME, NULL},
        {"lexicons", WAY_SAME, NULL},
        {"agents", WAY_SAME, NULL},
        {"reasons", WAY_SAME, NULL},
        {"unknown_actions", WAY_SAME, NULL},
        {"tests", WAY_SAME, NULL},
        {0},
    };
    const struct json *maps[] = {c->from_json, c->to_json};

    for (size_t m = 0; m < COUNT_OF(maps); m++) {
        for (uint32_t i = 0; i < maps[m]->count; i++) {
            struct str name = maps[m]->as.members[i].name;
            const struct json *from = json_get(c->from_json, name),
                              *to = json_get(c->to_json, name);
            if (!way_of(looked_at, name) && !same(from, to) && (m == 0 || !from)) {
                loosen(c, "%.*s has changed", STR_ARG(name));
            }
        }
    }
    if (!list_eq(c->from->reasons, c->to->reasons)) {
        loosen(c, "reasons has changed");
    }
}

static void compare_all(struct comparison *c)
{
    static const struct way_key unknown[] = {{"unknown_actions", WAY_VERDICT_UP, "review"}, {0}};
    const struct json *from = c->from_json, *to = c->to_json;

    compare_map(c, "defaults", default_ways, json_get(from, S("defaults")),
                json_get(to, S("defaults")));
    compare_value(c, "policy", unknown, json_get(from, S("unknown_actions")),
                  json_get(to, S("unknown_actions")));
    compare_actions(c);
    compare_rows(c, "rules", true);
    compare_rows(c, "budgets", false);
    c->memory_short |= !routing_compare(c->scratch, c->from, c->to, add_move, c);
    compare_backups(c);
    compare_queues(c);
    compare_new_queues(c);
    compare_entries(c, "queues", queue_ways, true);
    compare_entries(c, "lexicons", no_ways, true);
    compare_entries(c, "agents", agent_ways, false);
    compare_map(c, "limits", limit_ways, json_get(from, S("limits")), json_get(to, S("limits")));
    compare_rest(c);
}

static enum fm_err read_canonical(struct ctx *ctx, const struct policy *policy,
                                  const struct json **out)
{
    static const struct json_limits limits = {
        .bytes = POLICY_JSON_MAX, .depth = POLICY_DEPTH_MAX + 1, .values = POLICY_NODES_MAX + 1};

    return json_parse(ctx, policy->canonical, &limits, out);
}

enum fm_err policy_compare(struct ctx *ctx, const struct policy *from, const struct policy *to,
                           struct policy_change *out)
{
    AUTO(arena_done) struct arena *scratch = arena_new(POLICY_SCRATCH_MAX);
    struct comparison c = {.ctx = ctx, .scratch = scratch, .from = from, .to = to, .out = out};
    struct ctx own;

    *out = (struct policy_change){.same = hash_eq(from->version, to->version)};
    if (out->same) {
        return FM_OK;
    }
    if (!scratch) {
        return fail_memory(ctx);
    }
    ctx_init(&own, scratch);
    if (read_canonical(&own, from, &c.from_json) != FM_OK ||
        read_canonical(&own, to, &c.to_json) != FM_OK) {
        return fail(ctx, own.err, "%s", own.detail);
    }
    compare_all(&c);
    return c.memory_short ? fail_memory(ctx) : FM_OK;
}
