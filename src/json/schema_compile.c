/* SPDX-License-Identifier: Apache-2.0
 *
 * The keywords of the draft, and how each becomes a rule. What is malformed is refused with its
 * place: a schema that checks less than it says must not be accepted.
 *
 * 1. The rules of a node stand in the order of the table; those that ask what others have
 *    evaluated come last.
 * 2. No chain of subschemas on one value goes round in a circle or is longer than
 *    JSON_SCHEMA_DEPTH_MAX, as far as it can be seen without a value ($dynamicRef cannot).
 */
#include "base/panic.h"
#include "json/schema_inner.h"

#include <stdlib.h>

#define NEAREST_BYTES 32

const char *const SCHEMA_TYPES[7] = {"null",   "boolean", "object", "array",
                                     "number", "string",  "integer"};

/* Table -------------------------------------------------------------------------------------- */

static compile_fn compile_one, compile_list, compile_map, compile_ref, compile_dynamic_ref,
    compile_members, compile_items, compile_contains, compile_if, compile_type, compile_const,
    compile_enum, compile_number, compile_unit, compile_limit, compile_unique, compile_pattern,
    compile_required, compile_dependent_required, compile_format;

#define CORE    VOCABULARY_CORE
#define APPLY   VOCABULARY_APPLICATOR
#define ASSERTS VOCABULARY_VALIDATION

/* What is only read, or read with another keyword; what looks at the value itself; what applies
 * subschemas to parts of it. */
#define NOTE(name, vocabulary, subschemas)                                                         \
    {                                                                                              \
        name, vocabulary, subschemas, NULL, NULL, false, false                                     \
    }
#define CHECK(name, vocabulary, compile, check)                                                    \
    {                                                                                              \
        name, vocabulary, SUB_NONE, compile, check, false, false                                   \
    }
#define APPLIES(name, vocabulary, subschemas, compile, check)                                      \
    {                                                                                              \
        name, vocabulary, subschemas, compile, check, false, false                                 \
    }

const struct keyword SCHEMA_KEYWORDS[] = {
    {"$ref", CORE, SUB_NONE, compile_ref, check_ref, .in_place = true},
    CHECK("$dynamicRef", CORE, compile_dynamic_ref, check_dynamic_ref),
    NOTE("$defs", CORE, SUB_MAP),
    NOTE("$id", CORE, SUB_NONE),
    NOTE("$schema", CORE, SUB_NONE),
    NOTE("$anchor", CORE, SUB_NONE),
    NOTE("$dynamicAnchor", CORE, SUB_NONE),
    NOTE("$vocabulary", CORE, SUB_NONE),
    NOTE("$comment", CORE, SUB_NONE),
    NOTE("definitions", CORE, SUB_MAP), /* of older drafts; the metaschema keeps it */
    CHECK("type", ASSERTS, compile_type, check_type),
    CHECK("const", ASSERTS, compile_const, check_const),
    CHECK("enum", ASSERTS, compile_enum, check_enum),
    CHECK("multipleOf", ASSERTS, compile_unit, check_multiple_of),
    CHECK("maximum", ASSERTS, compile_number, check_maximum),
    CHECK("exclusiveMaximum", ASSERTS, compile_number, check_exclusive_maximum),
    CHECK("minimum", ASSERTS, compile_number, check_minimum),
    CHECK("exclusiveMinimum", ASSERTS, compile_number, check_exclusive_minimum),
    CHECK("maxLength", ASSERTS, compile_limit, check_max_length),
    CHECK("minLength", ASSERTS, compile_limit, check_min_length),
    CHECK("pattern", ASSERTS, compile_pattern, check_pattern),
    CHECK("format", VOCABULARY_FORMAT, compile_format, check_format),
    CHECK("maxItems", ASSERTS, compile_limit, check_max_items),
    CHECK("minItems", ASSERTS, compile_limit, check_min_items),
    CHECK("uniqueItems", ASSERTS, compile_unique, check_unique_items),
    NOTE("maxContains", ASSERTS, SUB_NONE),
    NOTE("minContains", ASSERTS, SUB_NONE),
    CHECK("maxProperties", ASSERTS, compile_limit, check_max_properties),
    CHECK("minProperties", ASSERTS, compile_limit, check_min_properties),
    CHECK("required", ASSERTS, compile_required, check_required),
    CHECK("dependentRequired", ASSERTS, compile_dependent_required, check_dependent_required),
    APPLIES("properties", APPLY, SUB_MAP, compile_members, check_members),
    APPLIES("patternProperties", APPLY, SUB_MAP, compile_members, check_members),
    APPLIES("additionalProperties", APPLY, SUB_ONE, compile_members, check_members),
    APPLIES("propertyNames", APPLY, SUB_ONE, compile_one, check_property_names),
    APPLIES("prefixItems", APPLY, SUB_LIST, compile_items, check_items),
    APPLIES("items", APPLY, SUB_ONE, compile_items, check_items),
    APPLIES("contains", APPLY, SUB_ONE, compile_contains, check_contains),
    {"allOf", APPLY, SUB_LIST, compile_list, check_all_of, .in_place = true},
    {"anyOf", APPLY, SUB_LIST, compile_list, check_any_of, .in_place = true},
    {"oneOf", APPLY, SUB_LIST, compile_list, check_one_of, .in_place = true},
    {"not", APPLY, SUB_ONE, compile_one, check_not, .in_place = true},
    {"if", APPLY, SUB_ONE, compile_if, check_if, .in_place = true},
    NOTE("then", APPLY, SUB_ONE),
    NOTE("else", APPLY, SUB_ONE),
    {"dependentSchemas", APPLY, SUB_MAP, compile_map, check_dependent_schemas, .in_place = true},
    {"unevaluatedItems", VOCABULARY_UNEVALUATED, SUB_ONE, compile_one, check_unevaluated_items,
     .late = true},
    {"unevaluatedProperties", VOCABULARY_UNEVALUATED, SUB_ONE, compile_one,
     check_unevaluated_properties, .late = true},
    NOTE("title", VOCABULARY_META, SUB_NONE),
    NOTE("description", VOCABULARY_META, SUB_NONE),
    NOTE("default", VOCABULARY_META, SUB_NONE),
    NOTE("deprecated", VOCABULARY_META, SUB_NONE),
    NOTE("readOnly", VOCABULARY_META, SUB_NONE),
    NOTE("writeOnly", VOCABULARY_META, SUB_NONE),
    NOTE("examples", VOCABULARY_META, SUB_NONE),
    NOTE("contentEncoding", VOCABULARY_CONTENT, SUB_NONE),
    NOTE("contentMediaType", VOCABULARY_CONTENT, SUB_NONE),
    NOTE("contentSchema", VOCABULARY_CONTENT, SUB_ONE),
    {0},
};

const struct keyword *schema_keyword(struct str name)
{
    for (const struct keyword *keyword = SCHEMA_KEYWORDS; keyword->name; keyword++) {
        if (str_eq(name, str_of(keyword->name))) {
            return keyword;
        }
    }
    return NULL;
}

/* Near misses -------------------------------------------------------------------------------- */

/* Edits from `a` to `b`, both at most NEAREST_BYTES: insert, delete, replace. */
static size_t edits(struct str a, struct str b)
{
    size_t row[NEAREST_BYTES + 1];

    for (size_t j = 0; j <= b.n; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a.n; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t replaced = corner + (a.p[i - 1] != b.p[j - 1]);
            size_t other = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);
            corner = row[j];
            row[j] = replaced < other ? replaced : other;
        }
    }
    return row[b.n];
}

void schema_nearest(struct str wanted, struct str candidate, struct str *best)
{
    size_t most = wanted.n < 4 ? 1 : wanted.n < 8 ? 2 : 3;

    size_t gap = wanted.n > candidate.n ? wanted.n - candidate.n : candidate.n - wanted.n;

    if (wanted.n > NEAREST_BYTES || candidate.n > NEAREST_BYTES || candidate.n == 0 || gap > most) {
        return;
    }
    if (best->p) {
        size_t before = edits(wanted, *best);
        most = before > 0 ? before - 1 : 0;
    }
    if (edits(wanted, candidate) <= most) {
        *best = candidate;
    }
}

static enum fm_err refuse_unknown(struct compile *compile, const struct node *node, struct str name)
{
    struct str best = STR_NONE;

    for (const struct keyword *keyword = SCHEMA_KEYWORDS; keyword->name; keyword++) {
        schema_nearest(name, str_of(keyword->name), &best);
    }
    return schema_refuse(compile, node, name,
                         "is not a keyword of JSON Schema 2020-12%s%.*s%s; notes of your own begin "
                         "with x-",
                         best.p ? "; did you mean \"" : "", STR_ARG(best), best.p ? "\"?" : "");
}

static enum fm_err check_keywords(struct compile *compile, const struct node *node)
{
    for (uint32_t i = 0; compile->options->strict && i < node->source->count; i++) {
        struct str name = node->source->as.members[i].name;
        if (!schema_keyword(name) && !str_starts(name, S("x-"))) {
            return refuse_unknown(compile, node, name);
        }
    }
    return FM_OK;
}

/* Subschemas --------------------------------------------------------------------------------- */

static struct str name_of(const struct rule *rule)
{
    return str_of(rule->keyword->name);
}

/* The node of a keyword that stands beside a rule's own, or NULL. */
static const struct node *beside(const struct compile *compile, const struct node *node,
                                 const char *name)
{
    const struct json *value = json_get(node->source, str_of(name));

    return value ? schema_node(compile->schema, value) : NULL;
}

static enum fm_err compile_one(struct compile *compile, struct node *node, struct rule *rule)
{
    (void)node;
    rule->node = schema_node(compile->schema, rule->value);
    rule->check = rule->keyword->check;
    return FM_OK;
}

/* The nodes of the items or members of `value`, in its order. */
static enum fm_err nodes_of(struct compile *compile, const struct json *value,
                            const struct node ***out)
{
    const struct node **nodes =
        arena_zalloc(compile->schema->arena, value->count + 1, sizeof(*nodes));

    for (uint32_t i = 0; nodes && i < value->count; i++) {
        nodes[i] =
            schema_node(compile->schema, value->kind == JSON_ARRAY ? &value->as.items[i]
                                                                   : &value->as.members[i].value);
    }
    *out = nodes;
    return nodes ? FM_OK : fail_memory(compile->ctx);
}

static enum fm_err compile_list(struct compile *compile, struct node *node, struct rule *rule)
{
    (void)node;
    rule->count = rule->value->count;
    rule->check = rule->keyword->check;
    return nodes_of(compile, rule->value, &rule->nodes);
}

static enum fm_err compile_map(struct compile *compile, struct node *node, struct rule *rule)
{
    return compile_list(compile, node, rule);
}

static enum fm_err compile_if(struct compile *compile, struct node *node, struct rule *rule)
{
    rule->other = beside(compile, node, "then");
    rule->otherwise = beside(compile, node, "else");
    return compile_one(compile, node, rule);
}

static enum fm_err compile_items(struct compile *compile, struct node *node, struct rule *rule)
{
    const struct json *prefix = json_get(node->source, S("prefixItems"));

    if (prefix && rule->value != prefix) {
        return FM_OK; /* read with it */
    }
    rule->check = rule->keyword->check;
    rule->other = beside(compile, node, "items");
    rule->other_keyword = schema_keyword(S("items"));
    return prefix ? compile_list(compile, node, rule) : FM_OK;
}

/* References --------------------------------------------------------------------------------- */

static enum fm_err find_target(struct compile *compile, struct node *node, struct rule *rule,
                               struct str *fragment, struct node **target)
{
    if (rule->value->kind != JSON_STRING) {
        return schema_refuse(compile, node, name_of(rule), "must be a URI reference, as a string");
    }
    return schema_resolve(compile, node, name_of(rule), rule->value->as.text, fragment, target);
}

static enum fm_err compile_ref(struct compile *compile, struct node *node, struct rule *rule)
{
    struct node *target;
    struct str fragment;

    TRY(find_target(compile, node, rule, &fragment, &target));
    rule->node = target;
    rule->check = rule->keyword->check;
    return FM_OK;
}

static enum fm_err compile_dynamic_ref(struct compile *compile, struct node *node,
                                       struct rule *rule)
{
    const struct anchor *anchor;
    struct node *target;
    struct str fragment;

    TRY(find_target(compile, node, rule, &fragment, &target));
    anchor = fragment.n > 0 ? schema_anchor(target->resource, fragment) : NULL;
    rule->node = target;
    rule->anchor = anchor && anchor->dynamic && anchor->node == target ? fragment : STR_NONE;
    rule->check = rule->keyword->check;
    return FM_OK;
}

/* Patterns ----------------------------------------------------------------------------------- */

static enum fm_err make_pattern(struct compile *compile, const struct node *node,
                                struct str keyword, struct str text, struct regex **out)
{
    AUTO(buf_done) struct buf translated = BUF_INIT(REGEX_PATTERN_MAX);
    size_t at = 0;
    const char *why = schema_pattern_translate(text, &translated, &at);
    struct ctx scratch;

    if (why) {
        return schema_refuse(compile, node, keyword,
                             "has a pattern that is refused: %s (at byte %zu)", why, at);
    }
    if (map_count(compile->schema->patterns) >= JSON_SCHEMA_PATTERNS_MAX) {
        return schema_refuse(compile, node, keyword, "is one pattern too many: at most %d",
                             JSON_SCHEMA_PATTERNS_MAX);
    }
    ctx_init(&scratch, compile->ctx->arena);
    if (regex_new(&scratch, buf_str(&translated), out) != FM_OK) {
        return schema_refuse(compile, node, keyword, "is %s", scratch.detail);
    }
    if (!map_put(compile->schema->patterns, text, *out)) {
        regex_free(*out);
        return fail_memory(compile->ctx);
    }
    return FM_OK;
}

/* The compiled pattern; one for each text. */
static enum fm_err find_pattern(struct compile *compile, const struct node *node,
                                struct str keyword, struct str text, const struct regex **out)
{
    struct regex *regex = map_find(compile->schema->patterns, text);

    if (!regex) {
        TRY(make_pattern(compile, node, keyword, text, &regex));
    }
    *out = regex;
    return FM_OK;
}

static enum fm_err pattern_room(struct compile *compile, struct rule *rule, uint32_t count)
{
    rule->patterns = arena_zalloc(compile->schema->arena, count + 1, sizeof(*rule->patterns));
    rule->pattern_count = count;
    return rule->patterns ? FM_OK : fail_memory(compile->ctx);
}

static enum fm_err compile_pattern(struct compile *compile, struct node *node, struct rule *rule)
{
    if (rule->value->kind != JSON_STRING) {
        return schema_refuse(compile, node, name_of(rule), "must be a pattern, as a string");
    }
    TRY(pattern_room(compile, rule, 1));
    rule->check = rule->keyword->check;
    return find_pattern(compile, node, name_of(rule), rule->value->as.text, &rule->patterns[0]);
}

/* Members ------------------------------------------------------------------------------------ */

static enum fm_err compile_member_patterns(struct compile *compile, struct node *node,
                                           struct rule *rule, const struct json *patterns)
{
    TRY(pattern_room(compile, rule, patterns->count));
    for (uint32_t i = 0; i < patterns->count; i++) {
        TRY(find_pattern(compile, node, S("patternProperties"), patterns->as.members[i].name,
                         &rule->patterns[i]));
    }
    return nodes_of(compile, patterns, &rule->pattern_nodes);
}

/* properties, patternProperties and additionalProperties are one rule: that of the first of them.
 */
static enum fm_err compile_members(struct compile *compile, struct node *node, struct rule *rule)
{
    const struct json *named = json_get(node->source, S("properties"));
    const struct json *patterns = json_get(node->source, S("patternProperties"));
    const struct json *first = named ? named : patterns ? patterns : rule->value;

    if (rule->value != first) {
        return FM_OK;
    }
    rule->check = rule->keyword->check;
    rule->other = beside(compile, node, "additionalProperties");
    rule->other_keyword = schema_keyword(S("additionalProperties"));
    rule->value = named;
    if (patterns) {
        TRY(compile_member_patterns(compile, node, rule, patterns));
    }
    rule->count = named ? named->count : 0;
    return named ? nodes_of(compile, named, &rule->nodes) : FM_OK;
}

static enum fm_err check_names(struct compile *compile, struct node *node, struct rule *rule,
                               const struct json *names)
{
    bool good = names->kind == JSON_ARRAY;

    for (uint32_t i = 0; good && i < names->count; i++) {
        good = names->as.items[i].kind == JSON_STRING;
    }
    return good ? FM_OK
                : schema_refuse(compile, node, name_of(rule), "wants a list of members' names");
}

static enum fm_err compile_required(struct compile *compile, struct node *node, struct rule *rule)
{
    rule->check = rule->keyword->check;
    return check_names(compile, node, rule, rule->value);
}

static enum fm_err compile_dependent_required(struct compile *compile, struct node *node,
                                              struct rule *rule)
{
    rule->check = rule->keyword->check;
    if (rule->value->kind != JSON_OBJECT) {
        return schema_refuse(compile, node, name_of(rule), "must be an object of lists of names");
    }
    for (uint32_t i = 0; i < rule->value->count; i++) {
        TRY(check_names(compile, node, rule, &rule->value->as.members[i].value));
    }
    return FM_OK;
}

/* Values ------------------------------------------------------------------------------------- */

static enum fm_err add_type(struct compile *compile, struct node *node, struct rule *rule,
                            const struct json *name)
{
    for (size_t i = 0; name->kind == JSON_STRING && i < COUNT_OF(SCHEMA_TYPES); i++) {
        if (str_eq(name->as.text, str_of(SCHEMA_TYPES[i]))) {
            rule->types |= 1u << i;
            return FM_OK;
        }
    }
    return schema_refuse(
        compile, node, S("type"),
        "must be null, boolean, object, array, number, string or integer, or a list "
        "of them%s",
        name->kind == JSON_NULL ? "; in YAML write \"null\" in quotes" : "");
}

static enum fm_err compile_type(struct compile *compile, struct node *node, struct rule *rule)
{
    rule->check = rule->keyword->check;
    if (rule->value->kind != JSON_ARRAY) {
        return add_type(compile, node, rule, rule->value);
    }
    if (rule->value->count == 0) {
        return schema_refuse(compile, node, S("type"),
                             "must not be an empty list: nothing matches");
    }
    for (uint32_t i = 0; i < rule->value->count; i++) {
        TRY(add_type(compile, node, rule, &rule->value->as.items[i]));
    }
    return FM_OK;
}

static enum fm_err compile_const(struct compile *compile, struct node *node, struct rule *rule)
{
    (void)compile;
    (void)node;
    rule->check = rule->keyword->check;
    return FM_OK;
}

static int enum_cmp(const void *left, const void *right, void *steps)
{
    return schema_value_cmp(*(const struct json *const *)left, *(const struct json *const *)right,
                            steps);
}

static enum fm_err compile_enum(struct compile *compile, struct node *node, struct rule *rule)
{
    const struct json *value = rule->value;
    int64_t steps = INT64_MAX / 2;

    if (value->kind != JSON_ARRAY) {
        return schema_refuse(compile, node, name_of(rule), "must be a list of values");
    }
    rule->sorted = arena_zalloc(compile->schema->arena, value->count + 1, sizeof(*rule->sorted));
    if (!rule->sorted) {
        return fail_memory(compile->ctx);
    }
    for (uint32_t i = 0; i < value->count; i++) {
        rule->sorted[i] = &value->as.items[i];
    }
    qsort_r(rule->sorted, value->count, sizeof(*rule->sorted), enum_cmp, &steps);
    rule->count = value->count;
    rule->check = rule->keyword->check;
    return FM_OK;
}

static enum fm_err compile_number(struct compile *compile, struct node *node, struct rule *rule)
{
    if (rule->value->kind != JSON_NUMBER) {
        return schema_refuse(compile, node, name_of(rule), "must be a number");
    }
    rule->number = schema_number_of(rule->value);
    rule->check = rule->keyword->check;
    return FM_OK;
}

static enum fm_err compile_unit(struct compile *compile, struct node *node, struct rule *rule)
{
    TRY(compile_number(compile, node, rule));
    if (rule->number.negative || rule->number.digits == 0) {
        return schema_refuse(compile, node, name_of(rule), "must be above 0");
    }
    return FM_OK;
}

static enum fm_err read_limit(struct compile *compile, struct node *node, struct str keyword,
                              const struct json *value, uint64_t *out)
{
    struct schema_number number = {.negative = true};

    if (value->kind == JSON_NUMBER) {
        number = schema_number_of(value);
    }
    if (number.negative || number.exponent < 0) {
        return schema_refuse(compile, node, keyword, "must be a whole number, 0 or more");
    }
    for (; number.exponent > 0 && number.digits < UINT64_MAX / 10; number.exponent--) {
        number.digits *= 10;
    }
    *out = number.exponent > 0 ? UINT64_MAX : number.digits;
    return FM_OK;
}

static enum fm_err compile_limit(struct compile *compile, struct node *node, struct rule *rule)
{
    rule->check = rule->keyword->check;
    return read_limit(compile, node, name_of(rule), rule->value, &rule->limit);
}

static enum fm_err compile_unique(struct compile *compile, struct node *node, struct rule *rule)
{
    if (rule->value->kind != JSON_TRUE && rule->value->kind != JSON_FALSE) {
        return schema_refuse(compile, node, name_of(rule), "must be true or false");
    }
    rule->check = rule->value->kind == JSON_TRUE ? rule->keyword->check : NULL;
    return FM_OK;
}

/* contains with minContains and maxContains. */
static enum fm_err compile_contains(struct compile *compile, struct node *node, struct rule *rule)
{
    bool asserts = (node->resource->vocabularies & VOCABULARY_VALIDATION) != 0;
    const struct json *least = asserts ? json_get(node->source, S("minContains")) : NULL;
    const struct json *most = asserts ? json_get(node->source, S("maxContains")) : NULL;

    rule->limit = 1;
    rule->limit_max = UINT64_MAX;
    if (least) {
        TRY(read_limit(compile, node, S("minContains"), least, &rule->limit));
    }
    if (most) {
        TRY(read_limit(compile, node, S("maxContains"), most, &rule->limit_max));
    }
    return compile_one(compile, node, rule);
}

static enum fm_err compile_format(struct compile *compile, struct node *node, struct rule *rule)
{
    bool asserted = compile->options->assert_formats ||
                    (node->resource->vocabularies & VOCABULARY_FORMAT_ASSERTION) != 0;

    if (rule->value->kind != JSON_STRING) {
        return schema_refuse(compile, node, name_of(rule), "must be the name of a format");
    }
    if (compile->options->strict && asserted && !schema_format_find(rule->value->as.text)) {
        return schema_refuse(compile, node, name_of(rule),
                             "names a format that is not checked here: use one of %s, or a pattern",
                             SCHEMA_FORMATS);
    }
    rule->format = asserted ? schema_format_find(rule->value->as.text) : NULL;
    rule->check = rule->format ? rule->keyword->check : NULL;
    return FM_OK;
}

/* Nodes -------------------------------------------------------------------------------------- */

/* The keywords of a node that this draft's vocabularies switch on. */
static enum fm_err compile_rules(struct compile *compile, struct node *node, struct rule *rules)
{
    for (const struct keyword *keyword = SCHEMA_KEYWORDS; keyword->name; keyword++) {
        struct rule *rule = &rules[node->rule_count];
        const struct json *value =
            keyword->compile && (node->resource->vocabularies & keyword->vocabulary)
                ? json_get(node->source, str_of(keyword->name))
                : NULL;
        if (!value) {
            continue;
        }
        *rule = (struct rule){.keyword = keyword, .value = value};
        TRY(keyword->compile(compile, node, rule));
        if (rule->check) {
            node->rule_count++;
            node->unevaluated |= keyword->late;
        }
    }
    return FM_OK;
}

static enum fm_err compile_node(struct compile *compile, struct node *node)
{
    struct rule *rules;

    if (node->source->kind != JSON_OBJECT || node->source->count == 0) {
        return FM_OK;
    }
    TRY(check_keywords(compile, node));
    rules = arena_zalloc(compile->schema->arena, node->source->count + 1, sizeof(*rules));
    if (!rules) {
        return fail_memory(compile->ctx);
    }
    node->rules = rules;
    return compile_rules(compile, node, rules);
}

enum fm_err schema_compile(struct compile *compile)
{
    for (struct node *node = compile->schema->first; node; node = node->next) {
        TRY(compile_node(compile, node)); /* may append: what references name */
    }
    for (struct node *node = compile->schema->first; node; node = node->next) {
        TRY(schema_measure(compile, node, 1));
    }
    return FM_OK;
}
