/* SPDX-License-Identifier: Apache-2.0
 *
 * Which keys a policy has: the tables, and the walk over the file by them. A new key is one row
 * here and one in docs/policy.schema.json.
 *
 * It must never ignore a key. One that this version does not act on is refused by name, unless its
 * value means exactly what this version does anyway (`warm_up: 0`, `novelty: off`, an empty list
 * of rules).
 */
#include "policy/inner.h"

/* Words ---------------------------------------------------------------------------------------- */

/* value_choice and value_choices store into these as unsigned. */
_Static_assert(sizeof(enum verdict) == sizeof(unsigned), "enums without negatives are unsigned");
_Static_assert(sizeof(enum review_mode) == sizeof(unsigned),
               "enums without negatives are unsigned");
_Static_assert(sizeof(enum on_expiry) == sizeof(unsigned), "enums without negatives are unsigned");

#define NOT_YET(name) "this version does not know \"" name "\" yet"

const struct choice choices_then[] = {
    {"allow", VERDICT_ALLOW, NULL},
    {"earn", VERDICT_EARN, NULL},
    {"review", VERDICT_REVIEW, NULL},
    {"block", VERDICT_BLOCK, NULL},
    {0},
};

static const struct choice UNKNOWN[] = {
    {"review", VERDICT_REVIEW, NULL},
    {"block", VERDICT_BLOCK, NULL},
    {"allow", 0, "an action that is not in the catalogue is never allowed: use review or block"},
    {"earn", 0, "an action that is not in the catalogue cannot earn autonomy: use review or block"},
    {0},
};

const struct choice choices_mode[] = {
    {"glance", MODE_GLANCE, NULL},
    {"read", MODE_READ, NULL},
    {"decide_first", 0, NOT_YET("decide_first")},
    {0},
};

const struct choice choices_expiry[] = {
    {"expire", ON_EXPIRY_EXPIRE, NULL},
    {"keep", ON_EXPIRY_KEEP, NULL},
    {"approve", 0, "\"approve\" does not exist here: silence never approves; use expire or keep"},
    {0},
};

static const struct choice DECIDE_BY[] = {
    {"page", VIA_PAGE, NULL},
    {"token", VIA_TOKEN, NULL},
    {"chat", 0, NOT_YET("chat")},
    {0},
};

static const struct choice EFFECT_WORDS[] = {
#define X(name, text) {text, 1u << EFFECT_##name, NULL},
    EFFECTS(X)
#undef X
        {0},
};

static const struct choice BRIEF_WORDS[] = {
#define X(name, text) {text, 1u << BRIEF_##name, NULL},
    BRIEF_PARTS(X)
#undef X
        {0},
};

/* Readers of whole sections -------------------------------------------------------------------- */

static void skip(struct load *load, const struct node *value, const struct key *key, void *into);
static void read_actions(struct load *load, const struct node *value, const struct key *key,
                         void *into);
static void read_effects(struct load *load, const struct node *value, const struct key *key,
                         void *into);
static void read_queues(struct load *load, const struct node *value, const struct key *key,
                        void *into);
static void later_unless_empty(struct load *load, const struct node *value, const struct key *key,
                               void *into);
static void later_unless_off(struct load *load, const struct node *value, const struct key *key,
                             void *into);

/* Tables --------------------------------------------------------------------------------------- */

#define IN_POLICY(member) .offset = offsetof(struct policy, member)
#define IN_ACTION(member) .offset = offsetof(struct policy_action, member)
#define IN_QUEUE(member)  .offset = offsetof(struct policy_queue, member)

static const struct key DEFAULT_KEYS[] = {
    {"then", value_choice, IN_POLICY(then), .choices = choices_then},
    {"queue", value_queue, IN_POLICY(queue)},
    {"mode", value_choice, IN_POLICY(mode), .choices = choices_mode},
    {"undo", value_duration, IN_POLICY(undo_us)},
    {"respond_within", value_duration, IN_POLICY(respond_within_us), .min = SECOND_US},
    {"on_expiry", value_choice, IN_POLICY(on_expiry), .choices = choices_expiry},
    {"decide_by", value_choices, IN_POLICY(decide_by), .choices = DECIDE_BY, .min = 1},
    {"valid_for", value_duration, IN_POLICY(valid_for_us), .min = SECOND_US},
    {"outcome_within", value_duration, IN_POLICY(outcome_within_us), .min = SECOND_US},
    {"warm_up", value_int, IN_POLICY(warm_up), .max = POLICY_WARM_UP_MAX},
    {0},
};

static const struct key LIMIT_KEYS[] = {
    {"pending_per_agent", value_int, IN_POLICY(pending_per_agent), .min = 1,
     .max = POLICY_PENDING_MAX},
    {"proposals_per_minute", value_int, IN_POLICY(proposals_per_minute), .min = 1,
     .max = POLICY_RATE_MAX},
    {0},
};

static const struct key BRIEF_KEYS[] = {
    {"require", value_choices, IN_ACTION(brief_required), .choices = BRIEF_WORDS},
    {"evidence_min", value_int, IN_ACTION(evidence_min), .max = POLICY_EVIDENCE_MAX},
    {0},
};

static const struct key CARD_KEYS[] = {
    {"title", value_title, IN_ACTION(card_title), .max = POLICY_TITLE_CHARACTERS_MAX},
    {"critical", value_pointers, IN_ACTION(critical)},
    {0},
};

static const struct key ACTION_KEYS[] = {
    {"then", value_choice, IN_ACTION(then), .choices = choices_then},
    {"effects", read_effects, IN_ACTION(effects), .choices = EFFECT_WORDS},
    {"domain", value_word, IN_ACTION(domain)},
    {"executor", value_person, IN_ACTION(executor)},
    {"reversible", value_bool, IN_ACTION(reversible)},
    {"queue", value_queue, IN_ACTION(queue)},
    {"brief", value_map, .keys = BRIEF_KEYS},
    {"card", value_map, .keys = CARD_KEYS},
    {"oversight", value_text, IN_ACTION(oversight), .max = POLICY_OVERSIGHT_CHARACTERS_MAX},
    {"schema", value_schema, IN_ACTION(schema)},
    {"category", value_expr, IN_ACTION(category), .min = 1, .max = CEL_WANT_STRING},
    {0},
};

static const struct key QUEUE_KEYS[] = {
    {.name = "members", .read = value_members},
    {"backup", value_queue, IN_QUEUE(backup)},
    {.name = "hours", .read = read_later},
    {0},
};

static const struct key POLICY_KEYS[] = {
    {.name = "version", .read = skip},
    {"defaults", value_map, .keys = DEFAULT_KEYS},
    {.name = "actions", .read = read_actions},
    {"unknown_actions", value_choice, IN_POLICY(unknown_actions), .choices = UNKNOWN},
    {.name = "queues", .read = read_queues},
    {"reasons", value_words, IN_POLICY(reasons), .max = POLICY_REASONS_MAX},
    {"limits", value_map, .keys = LIMIT_KEYS},
    {.name = "include", .read = skip},
    {.name = "agents", .read = read_agents},
    {.name = "lexicons", .read = read_lexicons},
    {.name = "recipients", .read = read_recipients},
    {.name = "rules", .read = read_rules},
    {.name = "budgets", .read = read_budgets},
    {.name = "schedules", .read = later_unless_empty},
    {.name = "tests", .read = read_tests},
    {.name = "novelty", .read = later_unless_off},
    {.name = "autonomy", .read = later_unless_off},
    {.name = "confidence", .read = later_unless_off},
    {0},
};

/* What holds where the file is silent. */
static const struct str SILENT_REASONS[] = {
    STR("wrong_amount"),  STR("wrong_person"), STR("policy"), STR("tone"),
    STR("missing_facts"), STR("duplicate"),    STR("other"),
};

static const struct policy_queue SILENT_QUEUES[] = {
    {.name = STR("general"), .roles = ROLE_BIT(ROLE_REVIEWER), .backup = STR("leads")},
    {.name = STR("leads"), .roles = ROLE_BIT(ROLE_LEAD)},
};

const struct policy POLICY_SILENT = {
    .then = VERDICT_EARN,
    .unknown_actions = VERDICT_REVIEW,
    .queue = STR("general"),
    .mode = MODE_GLANCE,
    .undo_us = 0,
    .respond_within_us = 4 * HOUR_US,
    .valid_for_us = 24 * HOUR_US,
    .outcome_within_us = HOUR_US,
    .on_expiry = ON_EXPIRY_EXPIRE,
    .decide_by = VIA_PAGE,
    .queues = SILENT_QUEUES,
    .queue_count = COUNT_OF(SILENT_QUEUES),
    .reasons = {SILENT_REASONS, COUNT_OF(SILENT_REASONS)},
    .pending_per_agent = 10000,
    .proposals_per_minute = 6000,
    .warm_up = 20,
};

/* Maps ----------------------------------------------------------------------------------------- */

static const struct key *key_find(const struct key *keys, struct str name)
{
    for (; keys->name; keys++) {
        if (str_eq(name, str_of(keys->name))) {
            return keys;
        }
    }
    return NULL;
}

static void report_unknown(struct load *load, const struct node *value, const struct key *keys)
{
    struct nearest nearest = {.wanted = value->key};

    for (const struct key *key = keys; key->name; key++) {
        nearest_offer(load, &nearest, str_of(key->name));
    }
    finding_error(load, value->key_at, "there is no key %s here%s", quoted(load, value->key),
                  nearest_hint(load, &nearest));
}

/* Whether the value is a map; nothing is the empty one. */
bool value_is_map(struct load *load, const struct node *value, const char *name)
{
    if (value->kind == NODE_REFUSED) {
        return false;
    }
    if (value->kind != NODE_MAP && !node_is_nothing(value)) {
        finding_error(load, value->at, "%s wants a map of keys and values", name);
        return false;
    }
    return true;
}

void keys_read_map(struct load *load, const struct node *map, const struct key *keys, void *into)
{
    for (const struct node *value = map->first; value; value = value->next) {
        const struct key *key = key_find(keys, value->key);
        if (key) {
            key->read(load, value, key, into);
        } else if (value->kind != NODE_REFUSED) {
            report_unknown(load, value, keys);
        }
    }
}

void value_map(struct load *load, const struct node *value, const struct key *key, void *into)
{
    if (value_is_map(load, value, key->name)) {
        keys_read_map(load, value, key->keys, into);
    }
}

/* keys_read and tree_join have looked at them before all else. */
static void skip(struct load *load, const struct node *value, const struct key *key, void *into)
{
    (void)load;
    (void)value;
    (void)key;
    (void)into;
}

static void check_version(struct load *load, const struct node *version)
{
    if (version->kind != NODE_REFUSED &&
        (version->kind != NODE_TEXT || !version->plain || !str_eq(version->text, S("1")))) {
        finding_error(load, version->at,
                      "this program reads version 1 of the policy: write `version: 1`");
    }
}

void keys_read(struct load *load, const struct node *root)
{
    const struct node *version = node_find(root, S("version"));
    size_t findings = load->error_count;

    if (root->kind == NODE_REFUSED) {
        return;
    }
    if (root->kind != NODE_MAP) {
        finding_error(load, root->at, "a policy is a map of keys: begin it with `version: 1`");
        return;
    }
    if (version) {
        check_version(load, version);
    } else {
        finding_error(load, root->at,
                      "the key \"version\" is missing: begin the file with `version: 1`");
        findings = load->error_count;
    }
    if (load->error_count == findings) { /* another version's keys are not ours to judge */
        keys_read_map(load, root, POLICY_KEYS, load->policy);
    }
}

/* Sections ------------------------------------------------------------------------------------- */

static void read_effects(struct load *load, const struct node *value, const struct key *key,
                         void *into)
{
    struct policy_action *action = into;
    unsigned none = 1u << EFFECT_NONE;

    value_choices(load, value, key, into);
    if ((action->effects & none) && action->effects != none) {
        finding_error(load, value->at, "\"none\" cannot stand beside other effects");
    }
}

static void read_action(struct load *load, const struct node *value, struct policy_action *action)
{
    if (value->kind != NODE_REFUSED && !value_is_word(value->key, POLICY_ACTION_NAME_MAX)) {
        finding_error(load, value->key_at,
                      "%s cannot name an action: 1 to %d characters of a-z 0-9 . _ / -",
                      quoted(load, value->key), POLICY_ACTION_NAME_MAX);
    }
    action->name = value_keep(load, value->key);
    if (value_is_map(load, value, "an action")) {
        action->has_then = node_find(value, S("then")) != NULL;
        keys_read_map(load, value, ACTION_KEYS, action);
    }
}

void *keys_room(struct load *load, const struct node *section, const char *name, size_t max,
                size_t size)
{
    void *rows;

    if (!value_is_map(load, section, name) || section->count == 0) {
        return NULL;
    }
    if (section->count > max) {
        finding_error(load, section->key_at, "more than %zu %s", max, name);
        return NULL;
    }
    rows = arena_zalloc(load->arena, section->count, size);
    load->memory_short |= rows == NULL;
    return rows;
}

static void read_actions(struct load *load, const struct node *value, const struct key *key,
                         void *into)
{
    struct policy *policy = into;
    struct policy_action *actions =
        keys_room(load, value, key->name, POLICY_ACTIONS_MAX, sizeof(*actions));

    if (!actions) {
        return;
    }
    for (size_t i = 0; i < value->count; i++) { /* in the order of names, as policy->actions is */
        read_action(load, value->sorted[i], &actions[i]);
    }
    policy->actions = actions;
    policy->action_count = value->count;
}

static void read_queue(struct load *load, const struct node *value, struct policy_queue *queue)
{
    size_t findings = load->error_count;
    unsigned deciders = ROLE_BIT(ROLE_REVIEWER) | ROLE_BIT(ROLE_LEAD);

    if (value->kind != NODE_REFUSED && !value_is_word(value->key, POLICY_WORD_MAX)) {
        finding_error(load, value->key_at,
                      "%s cannot name a queue: 1 to %d characters of a-z 0-9 . _ / -",
                      quoted(load, value->key), POLICY_WORD_MAX);
    }
    queue->name = value_keep(load, value->key);
    if (!value_is_map(load, value, "a queue")) {
        return;
    }
    keys_read_map(load, value, QUEUE_KEYS, queue);
    if (load->error_count == findings && queue->people.count == 0 && !(queue->roles & deciders)) {
        finding_warning(load, value->key_at,
                        "nobody can decide in the queue %s: its members are neither people nor "
                        "role:reviewer nor role:lead",
                        quoted(load, value->key));
    }
}

static void read_queues(struct load *load, const struct node *value, const struct key *key,
                        void *into)
{
    struct policy *policy = into;
    struct policy_queue *queues =
        keys_room(load, value, key->name, POLICY_QUEUES_MAX, sizeof(*queues));

    if (!queues) {
        return;
    }
    for (size_t i = 0; i < value->count; i++) {
        read_queue(load, value->sorted[i], &queues[i]);
    }
    policy->queues = queues;
    policy->queue_count = value->count;
}

/* Keys of later versions ----------------------------------------------------------------------- */

void read_later(struct load *load, const struct node *value, const struct key *key, void *into)
{
    (void)into;
    finding_error(load, value->key_at, NOT_YET("%s"), key->name);
}

static void later_unless_empty(struct load *load, const struct node *value, const struct key *key,
                               void *into)
{
    if (!node_is_empty(value)) {
        read_later(load, value, key, into);
    }
}

static void later_unless_off(struct load *load, const struct node *value, const struct key *key,
                             void *into)
{
    (void)into;
    if (value->kind != NODE_TEXT || !str_eq(value->text, S("off"))) {
        finding_error(load, value->key_at, NOT_YET("%s") ": leave it out, or write `%s: off`",
                      key->name, key->name);
    }
}
