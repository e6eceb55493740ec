/* SPDX-License-Identifier: Apache-2.0
 *
 * The file's own examples: given a proposal, wanted a verdict. They are run on every load; one
 * that fails refuses the file.
 *
 * It must never run a test on something that no agent could propose: the test would then say
 * nothing.
 */
#include "base/panic.h"
#include "policy/inner.h"

/* A Monday at noon: tests must not come out otherwise tomorrow. */
#define TEST_AT "2026-01-05T12:00:00Z"

#define GIVEN_LIST_MAX 64

/* Tables --------------------------------------------------------------------------------------- */

static void read_given(struct load *load, const struct node *value, const struct key *key,
                       void *into);
static void read_want(struct load *load, const struct node *value, const struct key *key,
                      void *into);
static void read_wanted_rule(struct load *load, const struct node *value, const struct key *key,
                             void *into);
static void read_wanted_rules(struct load *load, const struct node *value, const struct key *key,
                              void *into);
static void read_wanted_verdict(struct load *load, const struct node *value, const struct key *key,
                                void *into);
static void read_wanted_mode(struct load *load, const struct node *value, const struct key *key,
                             void *into);

#define IN_TEST(member) .offset = offsetof(struct policy_test, member)

static const struct key test_keys[] = {
    {"name", value_text, IN_TEST(name), .max = POLICY_TEST_NAME_MAX},
    {.name = "given", .read = read_given},
    {.name = "want", .read = read_want},
    {0},
};

static const struct key want_keys[] = {
    {"verdict", read_wanted_verdict, IN_TEST(want.verdict), .choices = choices_then},
    {.name = "rule", .read = read_wanted_rule},
    {.name = "rules", .read = read_wanted_rules, .max = GIVEN_LIST_MAX},
    {"queue", value_queue, IN_TEST(want.queue)},
    {"mode", read_wanted_mode, IN_TEST(want.mode), .choices = choices_mode},
    {"category", value_text, IN_TEST(want.category), .max = POLICY_CATEGORY_BYTES},
    {"respond_within", value_duration, IN_TEST(want.respond_within_us), .min = SECOND_US},
    {"undo", value_duration, IN_TEST(want.undo_us)},
    {.name = "people", .read = read_later},
    {.name = "qualifications", .read = read_later},
    {.name = "not", .read = read_later},
    {.name = "sign", .read = read_later},
    {.name = "escalate", .read = read_later},
    {0},
};

/* What a test gives: members of a request, and what is assumed besides. */
struct given {
    struct str action, agent, owner, at;
    struct str version, requester, subject, session;
    const struct json *arguments, *brief, *domains, *labels, *known, *used, *history;
    enum json_bool reversible;
};

#define GIVEN(member, text) .name = text, .offset = offsetof(struct given, member)
static const struct json_field given_fields[] = {
    {GIVEN(action, "action"), .type = JSON_T_STR, .flags = JSON_F_REQUIRED,
     .max = POLICY_ACTION_NAME_MAX},
    {GIVEN(arguments, "arguments"), .type = JSON_T_OBJECT},
    {GIVEN(brief, "brief"), .type = JSON_T_OBJECT},
    {GIVEN(agent, "agent"), .type = JSON_T_STR, .max = POLICY_WORD_MAX},
    {GIVEN(owner, "owner"), .type = JSON_T_STR, .max = POLICY_WORD_MAX},
    {GIVEN(version, "agent_version"), .type = JSON_T_STR, .max = KIB},
    {GIVEN(requester, "on_behalf_of"), .type = JSON_T_STR, .max = KIB},
    {GIVEN(subject, "subject"), .type = JSON_T_STR, .max = KIB},
    {GIVEN(session, "session"), .type = JSON_T_STR, .max = KIB},
    {GIVEN(domains, "domains"), .type = JSON_T_ARRAY, .max = 16},
    {GIVEN(labels, "labels"), .type = JSON_T_OBJECT, .max = 32},
    {GIVEN(reversible, "reversible"), .type = JSON_T_BOOL},
    {GIVEN(at, "at"), .type = JSON_T_STR, .max = 64},
    {GIVEN(known, "known"), .type = JSON_T_ARRAY, .max = POLICY_TEST_KNOWN_MAX},
    {GIVEN(used, "used"), .type = JSON_T_OBJECT, .max = POLICY_BUDGETS_MAX},
    {GIVEN(history, "history"), .type = JSON_T_OBJECT},
};

struct given_brief {
    struct str text;
    double confidence;
    const struct json *list, *draft;
};

#define BRIEF(text, member) .name = text, .offset = offsetof(struct given_brief, member)
static const struct json_field brief_fields[] = {
    {BRIEF("summary", text), .type = JSON_T_STR, .flags = JSON_F_EMPTY},
    {BRIEF("request", text), .type = JSON_T_STR, .flags = JSON_F_EMPTY},
    {BRIEF("recommendation", text), .type = JSON_T_STR, .flags = JSON_F_EMPTY},
    {BRIEF("reasoning", text), .type = JSON_T_STR, .flags = JSON_F_EMPTY},
    {BRIEF("case_against", text), .type = JSON_T_STR, .flags = JSON_F_EMPTY},
    {BRIEF("confidence", confidence), .type = JSON_T_NUMBER, .min = 0, .max_number = 1},
    {BRIEF("evidence", list), .type = JSON_T_ARRAY, .max = POLICY_EVIDENCE_MAX},
    {BRIEF("options", list), .type = JSON_T_ARRAY, .max = 20},
    {BRIEF("draft", draft), .type = JSON_T_OBJECT},
};

/* Given ---------------------------------------------------------------------------------------- */

/* The node as JSON in the policy's arena; NULL when reported. */
static const struct json *json_of(struct load *load, const struct node *value)
{
    static const struct json_limits limits = {
        .bytes = POLICY_TEST_BYTES_MAX, .depth = POLICY_DEPTH_MAX + 1, .values = POLICY_NODES_MAX};
    AUTO(buf_done) struct buf form = BUF_INIT(POLICY_TEST_BYTES_MAX);
    const struct json *json;
    struct str text;
    struct ctx ctx;

    if (node_has_refused(value)) {
        return NULL;
    }
    ctx_init(&ctx, load->arena);
    if (canonical_write(load, value, &form) != FM_OK) {
        finding_error(load, value->at, "given is larger than %zu KiB", POLICY_TEST_BYTES_MAX / KIB);
        return NULL;
    }
    text = value_keep(load, buf_str(&form));
    if (!text.p) {
        return NULL;
    }
    if (json_parse(&ctx, text, &limits, &json) != FM_OK) {
        finding_error(load,
                      node_mark_at(load, value, ctx.error_count ? ctx.errors[0].pointer : S("")),
                      "given: %s", ctx.detail);
        return NULL;
    }
    return json;
}

/* Reports what binding has found wrong, where it stands. */
static void report_bound(struct load *load, const struct node *value, const struct ctx *ctx)
{
    for (unsigned i = 0; i < ctx->error_count; i++) {
        finding_error(load, node_mark_at(load, value, ctx->errors[i].pointer), "given%.*s: %.*s",
                      STR_ARG(ctx->errors[i].pointer), STR_ARG(ctx->errors[i].message));
    }
    if (ctx->error_count == 0) {
        finding_error(load, value->at, "given: %s", ctx->detail);
    }
}

/* Whether every value of a list or map is a text. */
static void check_texts(struct load *load, const struct node *value, const struct json *json,
                        const char *name)
{
    for (uint32_t i = 0; json && i < json->count; i++) {
        const struct json *item =
            json->kind == JSON_ARRAY ? &json->as.items[i] : &json->as.members[i].value;
        if (item->kind != JSON_STRING) {
            finding_error(load, node_mark_at(load, value, arena_printf(load->scratch, "/%s", name)),
                          "given/%s wants texts: write numbers and truth values in quotes", name);
            return;
        }
    }
}

static bool is_amount(const struct json *value)
{
    int64_t micros;

    return (value->kind == JSON_NUMBER || value->kind == JSON_STRING) &&
           policy_micros(value->as.text, &micros);
}

static void check_used(struct load *load, const struct node *value, const struct json *used)
{
    for (uint32_t i = 0; used && i < used->count; i++) {
        if (!is_amount(&used->as.members[i].value)) {
            finding_error(load, node_mark_at(load, value, S("/used")),
                          "given/used wants amounts, such as {refunds-per-day: 4990.50}");
        }
    }
}

static bool is_history_member(struct str name)
{
    static const char *const names[] = {
#define X(name, text, us) "count_" text, "sum_" text,
        POLICY_WINDOWS(X)
#undef X
    };

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (str_eq(name, str_of(names[i]))) {
            return true;
        }
    }
    return false;
}

static bool is_history(const struct json_member *whose)
{
    bool fits = str_eq(whose->name, S("agent")) || str_eq(whose->name, S("category")) ||
                str_eq(whose->name, S("subject"));

    fits = fits && whose->value.kind == JSON_OBJECT;
    for (uint32_t i = 0; fits && i < whose->value.count; i++) {
        fits = is_history_member(whose->value.as.members[i].name) &&
               is_amount(&whose->value.as.members[i].value);
    }
    return fits;
}

static void check_history(struct load *load, const struct node *value, const struct json *history)
{
    for (uint32_t i = 0; history && i < history->count; i++) {
        if (!is_history(&history->as.members[i])) {
            finding_error(load, node_mark_at(load, value, S("/history")),
                          "given/history wants counts and sums as conditions read them, such as "
                          "{agent: {count_1h: 3, sum_24h: 120.50}}");
        }
    }
}

/* The recipients that people have approved before, as unsourced() compares them. */
static void keep_known(struct load *load, const struct node *value, const struct json *known,
                       struct policy_test *test)
{
    struct str *items = arena_zalloc(load->arena, (known ? known->count : 0) + 1, sizeof(*items));

    if (!items) {
        load->memory_short = true;
        return;
    }
    for (uint32_t i = 0; known && i < known->count; i++) {
        items[i] = recipient_normal(load->arena, json_text(&known->as.items[i]));
        if (!items[i].p) {
            finding_error(
                load, node_mark_at(load, value, S("/known")),
                "given/known wants e-mail addresses, domains, account or telephone numbers, "
                "and URLs");
            return;
        }
    }
    test->known = (struct policy_list){items, known ? known->count : 0};
}

static void keep_given(struct load *load, const struct node *value, const struct given *given,
                       struct policy_test *test)
{
    struct str at = given->at.p ? given->at : S(TEST_AT);

    test->action = given->action;
    test->agent = given->agent.p ? given->agent : S("agent");
    test->owner = given->owner.p ? given->owner : S("owner");
    test->used = given->used;
    test->history = given->history;
    if (!clock_parse(at, &test->at_us)) {
        finding_error(load, node_mark_at(load, value, S("/at")),
                      "given/at wants a time such as %s, in quotes", TEST_AT);
    }
    check_texts(load, value, given->domains, "domains");
    check_texts(load, value, given->labels, "labels");
    check_used(load, value, given->used);
    check_history(load, value, given->history);
    keep_known(load, value, given->known, test);
}

static void read_given(struct load *load, const struct node *value, const struct key *key,
                       void *into)
{
    struct policy_test *test = into;
    struct given given = {0};
    struct given_brief brief = {0};
    struct ctx ctx;

    if (!value_is_map(load, value, key->name)) {
        return;
    }
    test->given = json_of(load, value);
    if (!test->given) {
        return;
    }
    ctx_init(&ctx, load->scratch);
    if (json_bind(&ctx, test->given, S(""), given_fields, COUNT_OF(given_fields), &given) !=
        FM_OK) {
        report_bound(load, value, &ctx);
        return;
    }
    if (given.brief && json_bind(&ctx, given.brief, S("/brief"), brief_fields,
                                 COUNT_OF(brief_fields), &brief) != FM_OK) {
        report_bound(load, value, &ctx);
        return;
    }
    keep_given(load, value, &given, test);
}

/* Want ----------------------------------------------------------------------------------------- */

static void read_wanted_verdict(struct load *load, const struct node *value, const struct key *key,
                                void *into)
{
    ((struct policy_test *)into)->want.has_verdict = true;
    value_choice(load, value, key, into);
}

static void read_wanted_mode(struct load *load, const struct node *value, const struct key *key,
                             void *into)
{
    ((struct policy_test *)into)->want.has_mode = true;
    value_choice(load, value, key, into);
}

static void add_wanted(struct load *load, struct policy_test *test, const struct str *items,
                       size_t count)
{
    const struct policy_list *had = &test->want.rules;
    struct str *all = arena_zalloc(load->arena, had->count + count + 1, sizeof(*all));

    if (!all) {
        load->memory_short = true;
        return;
    }
    for (size_t i = 0; i < had->count + count; i++) {
        all[i] = i < had->count ? had->items[i] : items[i - had->count];
    }
    test->want.rules = (struct policy_list){all, had->count + count};
}

static void read_wanted_rule(struct load *load, const struct node *value, const struct key *key,
                             void *into)
{
    static const struct key one = {.name = "rule"};
    struct str word = STR_NONE;

    (void)key;
    value_word(load, value, &one, &word);
    if (word.p) {
        add_wanted(load, into, &word, 1);
    }
}

static void read_wanted_rules(struct load *load, const struct node *value, const struct key *key,
                              void *into)
{
    const struct key list = {.name = "rules", .max = key->max};
    struct policy_list words = {NULL, 0};

    value_words(load, value, &list, &words);
    add_wanted(load, into, words.items, words.count);
}

static void read_want(struct load *load, const struct node *value, const struct key *key,
                      void *into)
{
    if (value_is_map(load, value, key->name)) {
        keys_read_map(load, value, want_keys, into);
        if (value->count == 0) {
            finding_error(load, value->at, "want is empty: say at least the verdict");
        }
    }
}

/* Tests ---------------------------------------------------------------------------------------- */

static void read_test(struct load *load, const struct node *map, struct policy_test *test)
{
    static const char *const needed[] = {"name", "given", "want"};

    *test = (struct policy_test){.at = {.line = map->at.line, .column = map->at.column}};
    test->want.respond_within_us = test->want.undo_us = -1;
    if (!value_is_map(load, map, "a test")) {
        return;
    }
    keys_read_map(load, map, test_keys, test);
    for (size_t i = 0; i < COUNT_OF(needed); i++) {
        if (!node_find(map, str_of(needed[i]))) {
            finding_error(load, map->at, "a test needs the key \"%s\"", needed[i]);
        }
    }
}

void read_tests(struct load *load, const struct node *value, const struct key *key, void *into)
{
    struct policy *policy = into;
    struct policy_test *tests;
    size_t n = 0;

    if (!value_is_list(load, value, key, POLICY_TESTS_MAX) || value->count == 0) {
        return;
    }
    tests = arena_zalloc(load->arena, value->count, sizeof(*tests));
    if (!tests) {
        load->memory_short = true;
        return;
    }
    for (const struct node *map = value->first; map; map = map->next) {
        read_test(load, map, &tests[n++]);
    }
    policy->tests = tests;
    policy->test_count = n;
}

/* Names of rules and budgets, which may stand behind the tests in the file. */
static bool is_rule(struct load *load, struct str id, struct nearest *nearest)
{
    const struct policy *policy = load->policy;
    bool found = false;

    for (size_t i = 0; i < policy->rule_count; i++) {
        found |= str_eq(policy->rules[i].id, id);
        nearest_offer(load, nearest, policy->rules[i].id);
    }
    for (size_t i = 0; i < policy->budget_count; i++) {
        found |= str_eq(policy->budgets[i].id, id);
        nearest_offer(load, nearest, policy->budgets[i].id);
    }
    return found;
}

static bool is_budget(const struct policy *policy, struct str id)
{
    for (size_t i = 0; i < policy->budget_count; i++) {
        if (str_eq(policy->budgets[i].id, id)) {
            return true;
        }
    }
    return false;
}

static void check_names(struct load *load, const struct policy_test *test)
{
    struct mark at = {test->at.line, test->at.column};

    for (size_t i = 0; i < test->want.rules.count && !finding_full(load); i++) {
        struct nearest nearest = {.wanted = test->want.rules.items[i]};
        if (!is_rule(load, nearest.wanted, &nearest)) {
            finding_error(load, at, "there is no rule or budget %s%s", quoted(load, nearest.wanted),
                          nearest_hint(load, &nearest));
        }
    }
    for (uint32_t i = 0; test->used && i < test->used->count; i++) {
        struct str id = test->used->as.members[i].name;
        if (!is_budget(load->policy, id)) {
            finding_error(load, at, "there is no budget %s, of which `used` speaks",
                          quoted(load, id));
        }
    }
}

void tests_check(struct load *load)
{
    for (size_t i = 0; i < load->policy->test_count; i++) {
        check_names(load, &load->policy->tests[i]);
    }
}

/* Running -------------------------------------------------------------------------------------- */

/* Runs one in a memory of its own. Adds what it cost. */
static void run_one(struct load *load, const struct policy_test *test, uint64_t *cost)
{
    struct arena *arena = arena_new(POLICY_SCRATCH_MAX);
    struct policy_outcome outcome = {0};
    struct mark at = {test->at.line, test->at.column};
    struct ctx ctx;

    if (!arena) {
        load->memory_short = true;
        return;
    }
    ctx_init(&ctx, arena);
    if (policy_test_run(&ctx, load->policy, test, &outcome) != FM_OK) {
        finding_error(load, at, "the test %s cannot be run: %s", quoted(load, test->name),
                      ctx.detail);
    } else if (!outcome.passed) {
        finding_error(load, at, "the test %s fails: %.*s", quoted(load, test->name),
                      STR_ARG(outcome.why));
    }
    *cost += outcome.cost;
    arena_free(arena);
}

void tests_run(struct load *load)
{
    uint64_t cost = 0;

    if (load->untested || load->error_count > 0 || load->memory_short) {
        return;
    }
    for (size_t i = 0; i < load->policy->test_count && !finding_full(load); i++) {
        const struct policy_test *test = &load->policy->tests[i];
        run_one(load, test, &cost);
        if (cost > POLICY_TESTS_COST_MAX) {
            finding_error(
                load, (struct mark){test->at.line, test->at.column},
                "the tests up to here take more than %u steps together: make them fewer, or "
                "their conditions simpler",
                (unsigned)POLICY_TESTS_COST_MAX);
            return;
        }
    }
}
