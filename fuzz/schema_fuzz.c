/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: a JSON list of a schema and a value. What compiles also compiles from its own source; a
 * check ends within its steps, gives the same answer again, and says why where the value does not match,
 * at places that the value has or lacks by a member.
 */
#include "base/panic.h"
#include "json/json_schema.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX (16 * KIB)

static struct arena *arena;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    arena = arena_new(16 * MIB);
    ASSERT(arena);
    return 0;
}

static struct json_schema *compile(const struct json *source, bool strict)
{
    struct json_schema_options options = {.strict = strict, .assert_formats = strict};
    struct json_schema *schema;
    struct ctx ctx;

    ctx_init(&ctx, arena);
    if (json_schema_new(&ctx, source, &options, &schema) == FM_OK) {
        ASSERT(json_eq(json_schema_source(schema), source));
        return schema;
    }
    ASSERT(!schema && ctx.err == FM_E_INVALID_ARGUMENT && ctx.error_count == 1 && ctx.detail[0]);
    ASSERT(str_is_utf8(ctx.errors[0].pointer));
    return NULL;
}

static void check_errors(const struct json_schema_error *errors, size_t count,
                         const struct json *value)
{
    for (size_t i = 0; i < count; i++) {
        struct str parent = errors[i].pointer;
        ASSERT(errors[i].message.n > 0 && errors[i].keyword);
        while (parent.n > 0 && parent.p[parent.n - 1] != '/') {
            parent.n--;
        }
        parent.n -= parent.n > 0;
        ASSERT(json_at(value, parent));
    }
}

static bool check(const struct json_schema *schema, const struct json *value)
{
    struct json_schema_error errors[JSON_SCHEMA_ERRORS_MAX];
    struct ctx ctx;
    size_t count;
    enum fm_err err;

    ctx_init(&ctx, arena);
    err = json_schema_check(&ctx, schema, value, errors, &count);
    ASSERT(err == FM_OK ? count == 0 : err == FM_E_SCHEMA && count > 0);
    ASSERT(count <= JSON_SCHEMA_ERRORS_MAX);
    check_errors(errors, count, value);
    return err == FM_OK;
}

static void try(const struct json *source, const struct json *value, bool strict)
{
    struct json_schema_member members[8];
    struct json_schema *schema = compile(source, strict), *again;
    bool matches;

    if (!schema) {
        return;
    }
    matches = check(schema, value);
    ASSERT(check(schema, value) == matches);
    ASSERT(json_schema_members(schema, NULL, members, COUNT_OF(members)) <= COUNT_OF(members));
    again = compile(json_schema_source(schema), strict);
    ASSERT(again && check(again, value) == matches);
    json_schema_free(again);
    json_schema_free(schema);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {(const char *)data, size < INPUT_MAX ? size : INPUT_MAX};
    const struct json *pair;
    struct ctx ctx;

    arena_reset(arena);
    ctx_init(&ctx, arena);
    if (json_parse(&ctx, input, &JSON_LIMITS_WIRE, &pair) == FM_OK && pair->kind == JSON_ARRAY &&
        pair->count == 2) {
        try(&pair->as.items[0], &pair->as.items[1], false);
        try(&pair->as.items[0], &pair->as.items[1], true);
    }
    return 0;
}
