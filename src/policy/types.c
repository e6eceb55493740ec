/* SPDX-License-Identifier: Apache-2.0
 *
 * What the arguments of an action look like to conditions: from its JSON Schema to a type. And the
 * second look at each condition that this allows: against every action with a schema that it can
 * concern.
 *
 * Which those are is found by evaluating the condition with nothing known but the action: if it is
 * false then, whatever the arguments, it never concerns this action.
 */
#include <stdlib.h>

#include "policy/inner.h"

#define TYPE_DEPTH_MAX   8 /* of objects and lists inside each other; below, all is allowed */
#define TYPE_MEMBERS_MAX 256
#define CONCERN_COST_MAX 2000 /* steps; beyond, it counts as concerned */

/* Types ---------------------------------------------------------------------------------------- */

struct typing {
    struct cel_env *env;
    const struct json_schema *schema;
};

static void free_members(struct json_schema_member **members)
{
    free(*members);
}

static const struct cel_type *type_of(const struct typing *t, const struct json *at,
                                      unsigned depth);

/* The type of all values of an `enum`, or of a `const`. */
static const struct cel_type *type_of_values(const struct json *at)
{
    const struct json *values = json_get(at, S("enum")), *value = json_get(at, S("const"));
    uint32_t texts = 0, numbers = 0, count = 1;

    if (values && values->kind == JSON_ARRAY && values->count > 0) {
        count = values->count;
        value = values->as.items;
    }
    for (uint32_t i = 0; value && i < count; i++) {
        texts += value[i].kind == JSON_STRING;
        numbers += value[i].kind == JSON_NUMBER;
    }
    return cel_type(texts == count ? CEL_T_STRING : numbers == count ? CEL_T_NUMBER : CEL_T_DYN);
}

static bool is_open(const struct json *at)
{
    const struct json *more = json_get(at, S("additionalProperties"));

    return json_get(at, S("patternProperties")) || (more && more->kind != JSON_FALSE);
}

static bool add_members(const struct typing *t, struct cel_type *type,
                        const struct json_schema_member *members, size_t count, unsigned depth)
{
    for (size_t i = 0; i < count; i++) {
        const struct cel_type *of = type_of(t, members[i].schema, depth + 1);
        if (!of ||
            !cel_object_add(t->env, type, members[i].name, of,
                            members[i].required ? CEL_MEMBER_REQUIRED : CEL_MEMBER_OPTIONAL)) {
            return false;
        }
    }
    return true;
}

static const struct cel_type *object_type(const struct typing *t, const struct json *at,
                                          unsigned depth)
{
    AUTO(free_members)
    struct json_schema_member *members = malloc(TYPE_MEMBERS_MAX * sizeof(*members));
    size_t count = members ? json_schema_members(t->schema, at, members, TYPE_MEMBERS_MAX) : 0;
    struct cel_type *type = members ? cel_type_object(t->env, S("args"), is_open(at)) : NULL;

    if (members && (count == 0 || count == TYPE_MEMBERS_MAX)) {
        return cel_type(CEL_T_DYN);
    }
    return type && add_members(t, type, members, count, depth) ? type : NULL;
}

static const struct cel_type *list_type(const struct typing *t, const struct json *at,
                                        unsigned depth)
{
    const struct json *items = json_get(at, S("items"));
    const struct cel_type *item = json_get(at, S("prefixItems")) || !items
                                      ? cel_type(CEL_T_DYN)
                                      : type_of(t, items, depth + 1);

    return item ? cel_type_list(t->env, item) : NULL;
}

/* The type of a subschema; NULL when memory is short. What several types are possible for is
 * dyn. */
static const struct cel_type *type_of(const struct typing *t, const struct json *at, unsigned depth)
{
    static const struct {
        const char *name;
        enum cel_type_kind kind;
    } simple[] = {{"string", CEL_T_STRING},
                  {"boolean", CEL_T_BOOL},
                  {"integer", CEL_T_INT},
                  {"number", CEL_T_NUMBER},
                  {"null", CEL_T_NULL}};
    struct str type = json_text(json_get(at, S("type")));

    if (!at || at->kind != JSON_OBJECT || depth > TYPE_DEPTH_MAX) {
        return cel_type(CEL_T_DYN);
    }
    for (size_t i = 0; i < COUNT_OF(simple); i++) {
        if (str_eq(type, str_of(simple[i].name))) {
            return cel_type(simple[i].kind);
        }
    }
    if (str_eq(type, S("array"))) {
        return list_type(t, at, depth);
    }
    if (str_eq(type, S("object")) || json_get(at, S("properties"))) {
        return object_type(t, at, depth);
    }
    return type.p ? cel_type(CEL_T_DYN) : type_of_values(at);
}

/* Members that conditions name ------------------------------------------------------------------
 * A condition over several actions asks for a member that not all of them have: has(args.amount).
 * It may, if at least one schema knows the member; a name that none knows is a slip. */

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static void name_add(struct arguments_named *named, struct str name)
{
    for (size_t i = 0; i < named->count; i++) {
        if (str_eq(named->names[i], name)) {
            return;
        }
    }
    if (name.n > 0 && named->count < COUNT_OF(named->names)) {
        named->names[named->count++] = name;
    }
}

void types_name(struct arguments_named *named, struct str expression)
{
    static const struct str prefix = STR("args.");

    for (size_t at = 0; at < expression.n; at++) {
        struct str rest = str_skip(expression, at);
        if (!str_starts(rest, prefix)) {
            continue;
        }
        rest = str_skip(rest, prefix.n);
        rest = str_starts(rest, S("?")) ? str_skip(rest, 1) : rest;
        size_t n = 0;
        while (n < rest.n && is_word_char(rest.p[n])) {
            n++;
        }
        name_add(named, (struct str){rest.p, n});
    }
}

/* Marks the names that this schema has among its members. */
static bool mark_known(const struct typing *t, struct arguments_named *named)
{
    AUTO(free_members)
    struct json_schema_member *members = malloc(TYPE_MEMBERS_MAX * sizeof(*members));
    size_t count = members ? json_schema_members(t->schema, NULL, members, TYPE_MEMBERS_MAX) : 0;

    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < named->count; k++) {
            named->known[k] = named->known[k] || str_eq(named->names[k], members[i].name);
        }
    }
    return members != NULL;
}

bool types_mark_known(struct load *load, const struct policy_action *action,
                      struct arguments_named *named)
{
    const struct typing t = {load->policy->env, action->schema};

    return mark_known(&t, named);
}

static bool has_member(const struct json_schema_member *members, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(members[i].name, name)) {
            return true;
        }
    }
    return false;
}

const struct cel_type *types_arguments(struct load *load, const struct policy_action *action,
                                       const struct arguments_named *named)
{
    const struct typing t = {load->policy->env, action->schema};
    const struct json *whole = json_schema_source(action->schema);
    AUTO(free_members)
    struct json_schema_member *members = malloc(TYPE_MEMBERS_MAX * sizeof(*members));
    size_t count = members ? json_schema_members(t.schema, NULL, members, TYPE_MEMBERS_MAX) : 0;
    struct cel_type *type =
        members ? cel_type_object(t.env, S("args"), count == TYPE_MEMBERS_MAX || is_open(whole))
                : NULL;

    if (members && whole->kind == JSON_OBJECT && whole->count == 0) {
        return cel_type(CEL_T_DYN); /* {} says nothing */
    }
    if (!type || !add_members(&t, type, members, count, 0)) {
        return NULL;
    }
    for (size_t i = 0; i < named->count; i++) {
        if (named->known[i] && !has_member(members, count, named->names[i]) &&
            !cel_object_add(t.env, type, named->names[i], cel_type(CEL_T_DYN),
                            CEL_MEMBER_OPTIONAL)) {
            return NULL;
        }
    }
    return type;
}

/* Which actions a condition concerns ----------------------------------------------------------- */

/* Two parallel arrays of the members of `action`, as conditions see it. */
static struct cel_value action_value(struct arena *arena, const struct policy_action *action)
{
    static const struct str names[] = {STR("name"), STR("effects"), STR("reversible"),
                                       STR("domain")};
    struct cel_value *values = arena_alloc(arena, COUNT_OF(names) * sizeof(*values));
    struct cel_value *effects = arena_alloc(arena, EFFECT_COUNT * sizeof(*effects));
    size_t count = 0;

    if (!values || !effects) {
        return cel_null();
    }
    for (unsigned i = 0; i < EFFECT_COUNT; i++) {
        if (action->effects >> i & 1) {
            effects[count++] = cel_string(str_of(effect_name((enum effect)i)));
        }
    }
    values[0] = cel_string(action->name);
    values[1] = cel_list(arena, effects, count);
    values[2] = cel_bool(action->reversible == JSON_YES);
    values[3] = cel_string(action->domain);
    return cel_map(arena, names, values, COUNT_OF(names));
}

struct cel_activation *types_known(struct load *load, struct arena *arena,
                                   struct policy_scope *scope, const struct policy_action *action)
{
    struct cel_activation *activation =
        arena ? cel_activation_new(load->policy->env, arena, scope) : NULL;

    *scope = (struct policy_scope){.policy = load->policy};
    if (!activation) {
        load->memory_short = true;
        return NULL;
    }
    cel_set(activation, POLICY_V_ACTION, action_value(arena, action));
    return activation;
}

bool types_concern(struct load *load, const struct cel_program *program,
                   const struct policy_action *action)
{
    AUTO(arena_done) struct arena *arena = arena_new(MIB);
    struct policy_scope scope;
    struct cel_activation *activation = types_known(load, arena, &scope, action);
    struct cel_result result;

    if (!activation) {
        return true;
    }
    result = cel_eval(program, activation, arena, CONCERN_COST_MAX);
    return result.value.kind != CEL_BOOL || result.value.as.yes;
}
