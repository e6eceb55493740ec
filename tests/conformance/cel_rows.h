/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of CEL's official tests: protobuf JSON into values and types of ours. jansson reads them, for they
 * hold what our own reader refuses (U+0000, numbers beyond 2^53).
 */
#ifndef FM_CEL_ROWS_H
#define FM_CEL_ROWS_H

#include "data.h"
#include "jansson_apart.h"

#include "cel/cel.h"

#include <math.h>
#include <stdlib.h>

struct rows {
    struct arena *arena;
    struct ctx ctx;
    struct cel_env *env;
};

static inline json_t *row_read(struct str line)
{
    return json_loadb(line.p, line.n, JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL);
}

static inline struct str row_text(const json_t *value)
{
    const char *text = json_string_value(value);

    return text ? (struct str){text, json_string_length(value)} : STR_NONE;
}

static inline struct str row_member(const json_t *row, const char *name)
{
    return row_text(json_object_get(row, name));
}

static inline bool row_is(const json_t *row, const char *name)
{
    const json_t *value = json_object_get(row, name);

    return value && json_typeof(value) == JANSSON_TRUE;
}

/* Values --------------------------------------------------------------------------------------- */

static inline double row_double(const json_t *value)
{
    struct str text = row_text(value);

    if (!text.p) {
        return json_number_value(value);
    }
    return str_eq(text, S("NaN")) ? (double)NAN : text.p[0] == '-' ? -INFINITY : (double)INFINITY;
}

static inline struct cel_value row_bytes(struct rows *rows, struct str base64)
{
    AUTO(buf_done) struct buf buf = BUF_INIT(MIB);

    EXPECT(data_base64(&buf, base64), "no base64");
    return cel_bytes(arena_copy(rows->arena, buf_str(&buf)));
}

static inline struct cel_value row_value(struct rows *rows, const json_t *value);

static inline struct cel_value row_list(struct rows *rows, const json_t *values)
{
    size_t count = json_array_size(values);
    struct cel_value *items = arena_zalloc(rows->arena, count + 1, sizeof(*items));

    assert_non_null(items);
    for (size_t i = 0; i < count; i++) {
        items[i] = row_value(rows, json_array_get(values, i));
    }
    return cel_list(rows->arena, items, count);
}

/* Maps of the rows that are read have strings for keys, or are compared by row_same_map alone. */
static inline struct cel_value row_map(struct rows *rows, const json_t *entries)
{
    size_t count = json_array_size(entries);
    struct cel_value *values = arena_zalloc(rows->arena, count + 1, sizeof(*values));
    struct str *names = arena_zalloc(rows->arena, count + 1, sizeof(*names));

    assert_true(values && names);
    for (size_t i = 0; i < count; i++) {
        const json_t *entry = json_array_get(entries, i);
        struct str name = row_member(json_object_get(entry, "key"), "stringValue");
        EXPECT(name.p, "a bound map has keys that are no strings");
        names[i] = arena_copy(rows->arena, name);
        values[i] = row_value(rows, json_object_get(entry, "value"));
    }
    return cel_map(rows->arena, names, values, count);
}

static inline struct cel_value row_value(struct rows *rows, const json_t *value)
{
    const char *key = json_object_iter_key(json_object_iter((json_t *)value));
    const json_t *of = key ? json_object_get(value, key) : NULL;
    struct str text = row_text(of);

    if (strcmp(key, "int64Value") == 0) {
        return cel_int(strtoll(text.p, NULL, 10));
    }
    if (strcmp(key, "uint64Value") == 0) {
        return cel_uint(strtoull(text.p, NULL, 10));
    }
    if (strcmp(key, "doubleValue") == 0) {
        return cel_double(row_double(of));
    }
    if (strcmp(key, "boolValue") == 0) {
        return cel_bool(json_typeof(of) == JANSSON_TRUE);
    }
    if (strcmp(key, "stringValue") == 0) {
        return cel_string(arena_copy(rows->arena, text));
    }
    if (strcmp(key, "bytesValue") == 0) {
        return row_bytes(rows, text);
    }
    if (strcmp(key, "listValue") == 0) {
        return row_list(rows, json_object_get(of, "values"));
    }
    if (strcmp(key, "mapValue") == 0) {
        return row_map(rows, json_object_get(of, "entries"));
    }
    EXPECT(strcmp(key, "nullValue") == 0, "%s", key);
    return cel_null();
}

/* Whether a value is what the row says, kind by kind ------------------------------------------- */

static inline bool row_same(struct rows *rows, const json_t *want, struct cel_value got);

static inline bool row_same_list(struct rows *rows, const json_t *values, struct cel_value got)
{
    size_t count = json_array_size(values);

    if (got.kind != CEL_LIST || cel_size(got) != count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!row_same(rows, json_array_get(values, i), cel_item(got, i))) {
            return false;
        }
    }
    return true;
}

/* Entries may be in any order; each of the row must be there. */
static inline bool row_same_map(struct rows *rows, const json_t *entries, struct cel_value got)
{
    size_t count = json_array_size(entries);

    if (got.kind != CEL_MAP || cel_size(got) != count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *entry = json_array_get(entries, i);
        bool found = false;
        for (size_t k = 0; k < count && !found; k++) {
            found = row_same(rows, json_object_get(entry, "key"), cel_key_at(got, k)) &&
                    row_same(rows, json_object_get(entry, "value"), cel_value_at(got, k));
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

static inline bool row_same(struct rows *rows, const json_t *want, struct cel_value got)
{
    const char *key = json_object_iter_key(json_object_iter((json_t *)want));
    const json_t *of = json_object_get(want, key);
    struct cel_value value;

    if (strcmp(key, "listValue") == 0) {
        return row_same_list(rows, json_object_get(of, "values"), got);
    }
    if (strcmp(key, "mapValue") == 0) {
        return row_same_map(rows, json_object_get(of, "entries"), got);
    }
    if (strcmp(key, "typeValue") == 0) {
        return got.kind == CEL_TYPE && str_eq(got.as.text, row_text(of));
    }
    value = row_value(rows, want);
    if (value.kind == CEL_DOUBLE && isnan(value.as.real)) {
        return got.kind == CEL_DOUBLE && isnan(got.as.real);
    }
    return got.kind == value.kind && cel_equal(got, value);
}

/* Types ---------------------------------------------------------------------------------------- */

static inline const struct cel_type *row_type(struct rows *rows, const json_t *type);

static inline const struct cel_type *row_primitive(struct str name)
{
    static const struct {
        struct str name;
        enum cel_type_kind kind;
    } kinds[] = {
        {STR("BOOL"), CEL_T_BOOL},     {STR("INT64"), CEL_T_INT},     {STR("UINT64"), CEL_T_UINT},
        {STR("DOUBLE"), CEL_T_DOUBLE}, {STR("STRING"), CEL_T_STRING}, {STR("BYTES"), CEL_T_BYTES},
    };

    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (str_eq(kinds[i].name, name)) {
            return cel_type(kinds[i].kind);
        }
    }
    EXPECT(false, "no primitive %.*s", STR_ARG(name));
    return NULL;
}

static inline const struct cel_type *row_abstract(struct rows *rows, const json_t *of)
{
    const struct cel_type *parameters[CEL_ARGUMENTS_MAX];
    const json_t *given = json_object_get(of, "parameterTypes");
    size_t count = json_array_size(given);

    for (size_t i = 0; i < count && i < CEL_ARGUMENTS_MAX; i++) {
        parameters[i] = row_type(rows, json_array_get(given, i));
    }
    if (str_eq(row_member(of, "name"), S("optional_type"))) {
        return cel_type_optional(rows->env, parameters[0]);
    }
    return cel_type_opaque(rows->env, row_member(of, "name"), parameters, count);
}

static inline const struct cel_type *row_type(struct rows *rows, const json_t *type)
{
    const char *key = json_object_iter_key(json_object_iter((json_t *)type));
    const json_t *of = json_object_get(type, key);

    if (strcmp(key, "primitive") == 0) {
        return row_primitive(row_text(of));
    }
    if (strcmp(key, "null") == 0) {
        return cel_type(CEL_T_NULL);
    }
    if (strcmp(key, "listType") == 0) {
        return cel_type_list(rows->env, row_type(rows, json_object_get(of, "elemType")));
    }
    if (strcmp(key, "mapType") == 0) {
        return cel_type_map(rows->env, row_type(rows, json_object_get(of, "keyType")),
                            row_type(rows, json_object_get(of, "valueType")));
    }
    if (strcmp(key, "abstractType") == 0) {
        return row_abstract(rows, of);
    }
    if (strcmp(key, "typeParam") == 0) { /* T, U, V */
        return cel_type_parameter((size_t)(row_text(of).p[0] - 'T'));
    }
    EXPECT(strcmp(key, "dyn") == 0, "no type %s", key);
    return cel_type(CEL_T_DYN);
}

/* Declarations --------------------------------------------------------------------------------- */

/* None of the functions that rows declare is called: they are for the check alone. */
static inline struct cel_value row_never(struct cel_call *call, void *with,
                                         const struct cel_value *args, size_t count)
{
    (void)with;
    (void)args;
    (void)count;
    return cel_fail(call, "called");
}

static inline void row_function(struct rows *rows, struct str name, const json_t *overload)
{
    const json_t *params = json_object_get(overload, "params");
    struct cel_function function = {
        .name = name, .receiver = row_is(overload, "isInstanceFunction"), .call = row_never};

    for (size_t i = 0; i < json_array_size(params) && i < CEL_ARGUMENTS_MAX; i++) {
        function.args[i] = row_type(rows, json_array_get(params, i));
    }
    function.result = row_type(rows, json_object_get(overload, "resultType"));
    EXPECT(cel_env_add_function(rows->env, &function), "%.*s", STR_ARG(name));
}

static inline void row_declare(struct rows *rows, const json_t *row)
{
    const json_t *declared = json_object_get(row, "typeEnv");

    for (size_t i = 0; i < json_array_size(declared); i++) {
        const json_t *one = json_array_get(declared, i);
        const json_t *ident = json_object_get(one, "ident");
        const json_t *overloads = json_object_get(json_object_get(one, "function"), "overloads");
        struct str name = row_member(one, "name");
        if (ident) {
            EXPECT(cel_env_add(rows->env, name, row_type(rows, json_object_get(ident, "type"))) >=
                       0,
                   "%.*s", STR_ARG(name));
        }
        for (size_t k = 0; k < json_array_size(overloads); k++) {
            row_function(rows, name, json_array_get(overloads, k));
        }
    }
}

/* What is bound without being declared is dyn. */
static inline struct cel_activation *row_bind(struct rows *rows, const json_t *row)
{
    json_t *bindings = json_object_get(row, "bindings");
    struct cel_activation *activation;
    const char *name;
    json_t *value;

    json_object_foreach(bindings, name, value)
    {
        if (cel_env_find(rows->env, str_of(name)) < 0) {
            EXPECT(cel_env_add(rows->env, str_of(name), cel_type(CEL_T_DYN)) >= 0, "%s", name);
        }
    }
    activation = cel_activation_new(rows->env, rows->arena, NULL);
    assert_non_null(activation);
    json_object_foreach(bindings, name, value)
    {
        cel_set(activation, cel_env_find(rows->env, str_of(name)),
                row_value(rows, json_object_get(value, "value")));
    }
    return activation;
}

#endif
