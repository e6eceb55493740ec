/* SPDX-License-Identifier: Apache-2.0
 *
 * The sections of the file that hold conditions and what they speak of: rules, budgets, the agents'
 * domains, lexicons, known recipients. Tables of their keys, as in keys.c.
 *
 * It must never accept a key that nothing acts on: a rule without its people or its signature would
 * look stricter than it is.
 */
#include <stdlib.h>

#include "base/panic.h"
#include "policy/inner.h"

static const struct choice budget_then[] = {
    {"review", VERDICT_REVIEW, NULL},
    {"block", VERDICT_BLOCK, NULL},
    {"allow", 0, "a budget that is used up cannot allow anything: use review or block"},
    {"earn", 0, "a budget that is used up is not lifted by autonomy: use review or block"},
    {0},
};

static const struct choice per_words[] = {
    {"agent", PER_AGENT, NULL},   {"category", PER_CATEGORY, NULL}, {"subject", PER_SUBJECT, NULL},
    {"action", PER_ACTION, NULL}, {"all", PER_ALL, NULL},           {0},
};

const char *budget_per_name(enum budget_per per)
{
    ASSERT((size_t)per + 1 < COUNT_OF(per_words));
    return per_words[per].name;
}

static void read_domains(struct load *load, const struct node *value, const struct key *key,
                         void *into);
static void read_window(struct load *load, const struct node *value, const struct key *key,
                        void *into);
static void read_count(struct load *load, const struct node *value, const struct key *key,
                       void *into);

#define IN_RULE(member)   .offset = offsetof(struct policy_rule, member)
#define IN_BUDGET(member) .offset = offsetof(struct policy_budget, member)
#define IN_AGENT(member)  .offset = offsetof(struct policy_agent, member)

static const struct key rule_keys[] = {
    {"id", value_word, IN_RULE(id)},
    {"when", value_expr, IN_RULE(when), .max = CEL_WANT_BOOL},
    {"then", value_choice, IN_RULE(then), .choices = choices_then},
    {"because", value_text, IN_RULE(because), .max = POLICY_BECAUSE_CHARACTERS_MAX},
    {"mode", value_choice, IN_RULE(mode), .choices = choices_mode},
    {"queue", value_queue, IN_RULE(queue)},
    {"respond_within", value_duration, IN_RULE(respond_within_us), .min = SECOND_US},
    {"undo", value_duration, IN_RULE(undo_us)},
    {"on_expiry", value_choice, IN_RULE(on_expiry), .choices = choices_expiry},
    {.name = "require", .read = read_later},
    {.name = "escalate", .read = read_later},
    {0},
};

static const struct key budget_keys[] = {
    {"id", value_word, IN_BUDGET(id)},
    {"when", value_expr, IN_BUDGET(when), .min = 1, .max = CEL_WANT_BOOL},
    {"sum", value_expr, IN_BUDGET(sum), .min = 1, .max = CEL_WANT_ANY},
    {.name = "count", .read = read_count},
    {"per", value_choice, IN_BUDGET(per), .choices = per_words},
    {"window", read_window, IN_BUDGET(window_us), .min = SECOND_US},
    {"limit", value_decimal, IN_BUDGET(limit_micros)},
    {"then", value_choice, IN_BUDGET(then), .choices = budget_then},
    {"because", value_text, IN_BUDGET(because), .max = POLICY_BECAUSE_CHARACTERS_MAX},
    {0},
};

static const struct key agent_keys[] = {
    {"domains", read_domains, IN_AGENT(domains), .max = POLICY_DOMAINS_MAX},
    {0},
};

_Static_assert(sizeof(enum budget_per) == sizeof(unsigned), "enums without negatives are unsigned");

/* Lists of maps with an id ------------------------------------------------------------------- */

struct id_at {
    struct str id;
    struct mark at;
};

static int id_order(const void *left, const void *right)
{
    const struct id_at *a = left, *b = right;
    int order = str_cmp(a->id, b->id);

    return order ? order : a->at.line != b->at.line ? (a->at.line < b->at.line ? -1 : 1) : 0;
}

/* Reports ids that stand a second time. */
static void check_ids(struct load *load, struct id_at *ids, size_t count)
{
    qsort(ids, count, sizeof(*ids), id_order);
    for (size_t i = 1; i < count; i++) {
        if (ids[i].id.p && str_eq(ids[i].id, ids[i - 1].id)) {
            finding_error(load, ids[i].at, "the id %s stands here a second time, after line %u",
                          quoted(load, ids[i].id), ids[i - 1].at.line);
        }
    }
}

/* Whether the map has this key; reported when not. */
static bool has_key(struct load *load, const struct node *map, const char *what, const char *name)
{
    if (node_find(map, str_of(name))) {
        return true;
    }
    finding_error(load, map->at, "%s needs the key \"%s\"", what, name);
    return false;
}

/* Reads a list of maps by `read_one`, each into a row of `size` bytes that begins with its id. */
static void *read_list(struct load *load, const struct node *list, const struct key *key,
                       size_t max, size_t size,
                       void (*read_one)(struct load *load, const struct node *map, void *row))
{
    char *rows;
    struct id_at *ids;
    size_t n = 0;

    if (!value_is_list(load, list, key, max) || list->count == 0) {
        return NULL;
    }
    rows = arena_zalloc(load->arena, list->count, size);
    ids = arena_zalloc(load->scratch, list->count, sizeof(*ids));
    if (!rows || !ids) {
        load->memory_short = true;
        return NULL;
    }
    for (const struct node *map = list->first; map; map = map->next, n++) {
        const struct node *id = node_find(map, S("id"));
        if (value_is_map(load, map, key->name)) { /* nothing is an empty one, which lacks all */
            read_one(load, map, rows + n * size);
        }
        ids[n] = (struct id_at){id && id->kind == NODE_TEXT ? id->text : STR_NONE,
                                id ? id->at : map->at};
    }
    check_ids(load, ids, n);
    return rows;
}

static void read_rule(struct load *load, const struct node *map, void *row)
{
    struct policy_rule *rule = row;

    rule->at.line = map->at.line;
    rule->at.column = map->at.column;
    rule->on_expiry = ON_EXPIRY_KEEP;
    rule->has_then = node_find(map, S("then")) != NULL;
    keys_read_map(load, map, rule_keys, rule);
    (void)has_key(load, map, "a rule", "id");
    (void)has_key(load, map, "a rule", "when");
    if (!rule->has_then && map->count <= 2) {
        finding_error(load, map->at,
                      "this rule does nothing: give it `then`, or an obligation such as "
                      "`mode` or `respond_within`");
    }
}

void read_rules(struct load *load, const struct node *value, const struct key *key, void *into)
{
    struct policy *policy = into;
    const struct policy_rule *rules =
        read_list(load, value, key, POLICY_RULES_MAX, sizeof(*rules), read_rule);

    if (rules) { /* what a second, refused section would replace holds programs */
        policy->rules = rules;
        policy->rule_count = value->count;
    }
}

/* Budgets -------------------------------------------------------------------------------------- */

static void read_window(struct load *load, const struct node *value, const struct key *key,
                        void *into)
{
    struct policy_budget *budget = into;

    value_duration(load, value, key, into);
    if (budget->window_us > POLICY_BUDGET_WINDOW_MAX) {
        finding_error(load, value->at, "window is at most %dd: counters are kept no longer",
                      (int)(POLICY_BUDGET_WINDOW_MAX / DAY_US));
    }
}

static void read_count(struct load *load, const struct node *value, const struct key *key,
                       void *into)
{
    struct policy_budget *budget = into;

    (void)key;
    if (value->kind == NODE_REFUSED) {
        return;
    }
    if (value->kind != NODE_TEXT || !value->plain || !str_eq(value->text, S("true"))) {
        finding_error(load, value->at, "count wants true: every proposal counts one");
        return;
    }
    budget->counts = true;
}

static void read_budget(struct load *load, const struct node *map, void *row)
{
    static const char *const needed[] = {"id", "per", "window", "limit", "then"};
    struct policy_budget *budget = row;
    bool sums = node_find(map, S("sum")) != NULL, counts = node_find(map, S("count")) != NULL;

    budget->then = VERDICT_REVIEW;
    keys_read_map(load, map, budget_keys, budget);
    for (size_t i = 0; i < COUNT_OF(needed); i++) {
        (void)has_key(load, map, "a budget", needed[i]);
    }
    if (sums == counts) {
        finding_error(load, map->at,
                      "a budget needs either `sum`, an expression such as args.amount, or "
                      "`count: true`");
    }
}

void read_budgets(struct load *load, const struct node *value, const struct key *key, void *into)
{
    struct policy *policy = into;
    const struct policy_budget *budgets =
        read_list(load, value, key, POLICY_BUDGETS_MAX, sizeof(*budgets), read_budget);

    if (budgets) {
        policy->budgets = budgets;
        policy->budget_count = value->count;
    }
}

/* Agents --------------------------------------------------------------------------------------- */

static int str_order(const void *left, const void *right)
{
    return str_cmp(*(const struct str *)left, *(const struct str *)right);
}

static void sort_list(struct policy_list *list)
{
    if (list->count > 0) { /* an empty one has no items to point at */
        qsort((struct str *)list->items, list->count, sizeof(struct str), str_order);
    }
}

static void read_domains(struct load *load, const struct node *value, const struct key *key,
                         void *into)
{
    struct policy_agent *agent = into;

    value_words(load, value, key, into);
    sort_list(&agent->domains);
}

void read_agents(struct load *load, const struct node *value, const struct key *key, void *into)
{
    struct policy *policy = into;
    struct policy_agent *agents =
        keys_room(load, value, key->name, POLICY_AGENTS_MAX, sizeof(*agents));

    if (!agents) {
        return;
    }
    for (size_t i = 0; i < value->count; i++) {
        const struct node *child = value->sorted[i];
        agents[i].name = value_person_name(load, child);
        if (value_is_map(load, child, "an agent")) {
            keys_read_map(load, child, agent_keys, &agents[i]);
            (void)has_key(load, child, "an agent", "domains");
        }
    }
    policy->agents = agents;
    policy->agent_count = value->count;
}

/* Lexicons and recipients ---------------------------------------------------------------------- */

/* A list of texts of 1 to `max_bytes` bytes. */
static struct policy_list read_texts(struct load *load, const struct node *value,
                                     const struct key *key, size_t max_bytes)
{
    struct str *items;
    size_t n = 0;

    if (!value_is_list(load, value, key, (size_t)key->max)) {
        return (struct policy_list){NULL, 0};
    }
    items = arena_zalloc(load->arena, value->count + 1, sizeof(*items));
    load->memory_short |= items == NULL;
    for (const struct node *item = value->first; items && item; item = item->next) {
        if (item->kind == NODE_TEXT && item->text.n > 0 && item->text.n <= max_bytes) {
            items[n++] = value_keep(load, item->text);
        } else if (item->kind != NODE_REFUSED) {
            finding_error(load, item->at, "%s wants texts of 1 to %zu bytes", key->name, max_bytes);
        }
    }
    return (struct policy_list){items, n};
}

static void read_lexicon(struct load *load, const struct node *child,
                         struct policy_lexicon *lexicon, size_t *bytes)
{
    static const struct key words = {.name = "a lexicon", .max = POLICY_LEXICON_WORDS_MAX};

    if (child->kind != NODE_REFUSED && !value_is_word(child->key, POLICY_WORD_MAX)) {
        finding_error(load, child->key_at,
                      "%s cannot name a lexicon: 1 to %d characters of a-z 0-9 . _ / -",
                      quoted(load, child->key), POLICY_WORD_MAX);
    }
    lexicon->name = value_keep(load, child->key);
    lexicon->words = read_texts(load, child, &words, POLICY_LEXICON_WORD_MAX);
    if (*bytes <= POLICY_LEXICON_BYTES_MAX) {
        lexicon->matcher = lexicon_new(load, lexicon->words, child->key_at, bytes);
    }
}

void read_lexicons(struct load *load, const struct node *value, const struct key *key, void *into)
{
    struct policy *policy = into;
    struct policy_lexicon *lexicons =
        keys_room(load, value, key->name, POLICY_LEXICONS_MAX, sizeof(*lexicons));
    size_t bytes = 0;

    if (!lexicons) {
        return;
    }
    for (size_t i = 0; i < value->count; i++) {
        read_lexicon(load, value->sorted[i], &lexicons[i], &bytes);
    }
    if (bytes > POLICY_LEXICON_BYTES_MAX) {
        finding_error(load, value->key_at, "all lexicons together have at most %zu KiB of words",
                      POLICY_LEXICON_BYTES_MAX / KIB);
    }
    policy->lexicons = lexicons;
    policy->lexicon_count = value->count;
}

void read_recipients(struct load *load, const struct node *value, const struct key *key, void *into)
{
    static const struct key texts = {.name = "recipients", .max = POLICY_RECIPIENTS_MAX};
    struct policy *policy = into;
    struct policy_list list = read_texts(load, value, &texts, POLICY_RECIPIENT_MAX);
    const struct node *item = value->first;
    struct str *items = (struct str *)list.items;

    (void)key;
    for (size_t i = 0; i < list.count; i++, item = item->next) {
        items[i] = recipient_normal(load->arena, list.items[i]);
        if (!items[i].p) {
            finding_error(
                load, item ? item->at : value->at,
                "recipients wants e-mail addresses, domains such as example.com, account or "
                "telephone numbers, and URLs");
            items[i] = S("");
        }
    }
    sort_list(&list);
    policy->recipients = list;
}
