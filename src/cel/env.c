/* SPDX-License-Identifier: Apache-2.0
 *
 * The environment: variables, functions of ours, and the tables of standard functions.
 */
#include "cel/inner.h"

#define ENV_BYTES_MAX (16 * MIB) /* an action's schema has at most some thousand members */

static const struct builtin *const builtin_tables[] = {
    cel_builtin_operators, cel_builtin_conversions, cel_builtin_strings,   cel_builtin_texts,
    cel_builtin_math,      cel_builtin_times,       cel_builtin_optionals,
};

const struct builtin *cel_builtin_at(size_t index)
{
    for (size_t table = 0; table < COUNT_OF(builtin_tables); table++) {
        const struct builtin *row = builtin_tables[table];
        for (; row->name.n; row++, index--) {
            if (index == 0) {
                return row;
            }
        }
    }
    return NULL;
}

const struct builtin *cel_builtin_find(struct str name)
{
    for (size_t table = 0; table < COUNT_OF(builtin_tables); table++) {
        for (const struct builtin *row = builtin_tables[table]; row->name.n; row++) {
            if (str_eq(row->name, name)) {
                return row;
            }
        }
    }
    return NULL;
}

struct cel_env *cel_env_new(void)
{
    struct arena *arena = arena_new(ENV_BYTES_MAX);
    struct cel_env *env = arena ? arena_zalloc(arena, 1, sizeof(*env)) : NULL;

    if (!env) {
        arena_free(arena);
        return NULL;
    }
    env->arena = arena;
    return env;
}

void cel_env_free(struct cel_env *env)
{
    if (env) {
        arena_free(env->arena);
    }
}

int cel_env_find(const struct cel_env *env, struct str name)
{
    for (size_t i = 0; i < env->variable_count; i++) {
        if (str_eq(env->variables[i].name, name)) {
            return (int)i;
        }
    }
    return -1;
}

int cel_env_add(struct cel_env *env, struct str name, const struct cel_type *type)
{
    int at = cel_env_find(env, name);
    struct str copy;

    if (!type) {
        return -1;
    }
    if (at >= 0) {
        env->variables[at].type = type;
        return at;
    }
    copy = arena_copy(env->arena, name);
    if (!copy.p || env->variable_count == CEL_VARIABLES_MAX) {
        return -1;
    }
    env->variables[env->variable_count] = (struct variable){copy, type};
    return (int)env->variable_count++;
}

/* Functions ------------------------------------------------------------------------------------ */

static bool functions_grow(struct cel_env *env)
{
    size_t room = env->function_room ? env->function_room * 2 : 16;
    struct cel_function **functions = arena_zalloc(env->arena, room, sizeof(struct cel_function *));

    if (!functions) {
        return false;
    }
    for (size_t i = 0; i < env->function_count; i++) {
        functions[i] = env->functions[i];
    }
    env->functions = functions;
    env->function_room = room;
    return true;
}

/* Overloads of one name stay together. */
static void function_insert(struct cel_env *env, struct cel_function *function)
{
    size_t at = env->function_count;

    for (size_t i = 0; i < env->function_count; i++) {
        if (str_eq(env->functions[i]->name, function->name)) {
            at = i + 1;
        }
    }
    for (size_t i = env->function_count; i > at; i--) {
        env->functions[i] = env->functions[i - 1];
    }
    env->functions[at] = function;
    env->function_count++;
}

bool cel_env_add_function(struct cel_env *env, const struct cel_function *function)
{
    struct cel_function *copy = arena_zalloc(env->arena, 1, sizeof(*copy));
    struct str name = arena_copy(env->arena, function->name);

    if (!copy || !name.p || !function->result || cel_builtin_find(name) ||
        (env->function_count == env->function_room && !functions_grow(env))) {
        return false;
    }
    *copy = *function;
    copy->name = name;
    function_insert(env, copy);
    return true;
}

const struct cel_function *const *cel_env_function(const struct cel_env *env, struct str name)
{
    for (size_t i = 0; i < env->function_count; i++) {
        if (str_eq(env->functions[i]->name, name)) {
            return (const struct cel_function *const *)&env->functions[i];
        }
    }
    return NULL;
}

bool cel_env_set_container(struct cel_env *env, struct str container)
{
    env->container = arena_copy(env->arena, container);
    return env->container.p != NULL || !container.p;
}

void cel_env_reserve(struct cel_env *env, const struct cel_reserved *names)
{
    env->reserved = names;
}

void cel_env_assume(struct cel_env *env, struct cel_activation *activation)
{
    env->assumed = activation;
}

void cel_env_set_check(struct cel_env *env, bool on)
{
    env->unchecked = !on;
}

/* Names of types ------------------------------------------------------------------------------- */

#define PLAIN(which)                                                                               \
    {                                                                                              \
        .kind = (which)                                                                            \
    }
static const struct cel_type dyn_type = PLAIN(CEL_T_DYN);
static const struct cel_type *const dyn_twice[] = {&dyn_type, &dyn_type};

/* What an expression may say for a type, and what type(x) gives. */
static const struct {
    struct str name;
    struct cel_type type;
} type_names[] = {
    {STR("bool"), PLAIN(CEL_T_BOOL)},
    {STR("bytes"), PLAIN(CEL_T_BYTES)},
    {STR("double"), PLAIN(CEL_T_DOUBLE)},
    {STR("int"), PLAIN(CEL_T_INT)},
    {STR("list"), {.kind = CEL_T_LIST, .count = 1, .parameters = dyn_twice}},
    {STR("map"), {.kind = CEL_T_MAP, .count = 2, .parameters = dyn_twice}},
    {STR("null_type"), PLAIN(CEL_T_NULL)},
    {STR("optional_type"), {.kind = CEL_T_OPTIONAL, .count = 1, .parameters = dyn_twice}},
    {STR("string"), PLAIN(CEL_T_STRING)},
    {STR("type"), {.kind = CEL_T_TYPE, .count = 1, .parameters = dyn_twice}},
    {STR("uint"), PLAIN(CEL_T_UINT)},
    {STR("google.protobuf.Timestamp"), PLAIN(CEL_T_TIMESTAMP)},
    {STR("google.protobuf.Duration"), PLAIN(CEL_T_DURATION)},
};

bool cel_env_type_name(struct str name, struct cel_value *value, const struct cel_type **type)
{
    for (size_t i = 0; i < COUNT_OF(type_names); i++) {
        if (str_eq(type_names[i].name, name)) {
            *value = (struct cel_value){.kind = CEL_TYPE, .as.text = type_names[i].name};
            *type = &type_names[i].type;
            return true;
        }
    }
    return false;
}
