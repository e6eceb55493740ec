/* SPDX-License-Identifier: Apache-2.0
 *
 * Compiled schemas, and checking values with them. A check runs twice where it has to: first
 * silently, to know whether the value matches, which most do; then again, to say what is wrong.
 *
 * It must never accept what it could not check to the end: too many steps, too deep and too
 * little memory are failures.
 *
 * 1. A run that has used up its steps, or is too deep or short of memory, fails in all that
 *    follows (schema_spend), `not` and `anyOf` included, since json_schema_check looks at the
 *    run, not only at the answer.
 */
#include "base/panic.h"
#include "json/schema_inner.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define MESSAGE_MAX        400
#define SHOWN_MAX          80         /* bytes of a value in a sentence */
#define SHOWN_PARTS_MAX    32         /* of a list or object in a sentence */
#define SHOWN_STEPS        64         /* of making the words for one value */
#define SCRATCH_MAX        (64 * MIB) /* of one check: a step for 8 bytes of it at the most */
#define DETAIL_POINTER_MAX 200

/* Schemas ------------------------------------------------------------------------------------ */

static void drop_pattern(void *with, struct str key, void *value)
{
    (void)with;
    (void)key;
    regex_free(value);
}

void json_schema_free(struct json_schema *schema)
{
    if (!schema) {
        return;
    }
    if (schema->patterns) {
        map_each(schema->patterns, drop_pattern, NULL);
    }
    map_free(schema->by_source);
    map_free(schema->resources);
    map_free(schema->patterns);
    arena_free(schema->arena); /* and with it, itself */
}

static struct json_schema *schema_alloc(void)
{
    struct arena *arena = arena_new(JSON_SCHEMA_MEMORY_MAX);
    struct json_schema *schema = arena ? arena_zalloc(arena, 1, sizeof(*schema)) : NULL;

    if (!schema) {
        arena_free(arena);
        return NULL;
    }
    schema->arena = arena;
    schema->by_source = map_new();
    schema->resources = map_new();
    schema->patterns = map_new();
    if (!schema->by_source || !schema->resources || !schema->patterns) {
        json_schema_free(schema);
        return NULL;
    }
    return schema;
}

enum fm_err json_schema_new(struct ctx *ctx, const struct json *schema,
                            const struct json_schema_options *options, struct json_schema **out)
{
    static const struct json_schema_options none = {0};
    struct compile compile = {ctx, schema_alloc(), options ? options : &none};
    struct resource *resource = NULL;
    enum fm_err err;

    *out = NULL;
    if (!compile.schema) {
        return fail_memory(ctx);
    }
    err = schema_index(&compile, S(""), S(""), schema, &resource);
    if (err == FM_OK) {
        compile.schema->root = compile.schema->first;
        compile.schema->source = compile.schema->root->source;
        err = schema_compile(&compile);
    }
    if (err != FM_OK) {
        json_schema_free(compile.schema);
        return err;
    }
    *out = compile.schema;
    return FM_OK;
}

const struct json *json_schema_source(const struct json_schema *schema)
{
    return schema->source;
}

/* Running ------------------------------------------------------------------------------------ */

bool schema_spend(struct run *run, size_t steps)
{
    run->steps -= (int64_t)steps;
    return run->steps > 0;
}

void *schema_scratch(struct run *run, size_t size)
{
    void *room;

    run->scratch = run->scratch ? run->scratch : arena_new(SCRATCH_MAX);
    room = run->scratch ? arena_zalloc(run->scratch, 1, size) : NULL;
    if (!room) {
        run->memory_short = true;
        run->steps = 0;
    }
    return room;
}

uint64_t *schema_bits(struct run *run, const struct frame *frame, uint64_t *room)
{
    size_t words = frame->value->count / 64 + 1;

    if (words == 1) {
        *room = 0;
        return room;
    }
    return schema_spend(run, words) ? schema_scratch(run, words * sizeof(*room)) : NULL;
}

static bool is_container(const struct json *value)
{
    return value->kind == JSON_ARRAY || value->kind == JSON_OBJECT;
}

static void merge_bits(const struct frame *into, const uint64_t *bits)
{
    for (size_t i = 0; into->seen && bits && i <= into->value->count / 64; i++) {
        into->seen[i] |= bits[i];
    }
}

/* Once something is wrong, what asks what was evaluated would only repeat it. */
static bool run_rules(struct run *run, const struct node *node, const struct frame *frame)
{
    bool matches = true;

    for (uint32_t i = 0; i < node->rule_count; i++) {
        const struct rule *rule = &node->rules[i];
        if (!matches && (!schema_collects(run) || rule->keyword->late)) {
            return false;
        }
        matches = schema_spend(run, 1) && rule->check(run, rule, frame) && matches;
    }
    return matches;
}

static bool run_object(struct run *run, const struct node *node, const struct frame *above)
{
    struct frame frame = *above;
    struct scope scope = {above->scope, node->resource};
    uint64_t room;
    bool matches;

    frame.node = node;
    if (++frame.depth > JSON_SCHEMA_DEPTH_MAX) {
        run->too_deep = true;
        run->steps = 0;
        return false;
    }
    if (!above->scope || above->scope->resource != node->resource) {
        frame.scope = &scope;
    }
    if (node->unevaluated && is_container(frame.value)) {
        frame.seen = schema_bits(run, &frame, &room);
        if (!frame.seen) {
            return false;
        }
    }
    matches = run_rules(run, node, &frame);
    if (matches && frame.seen != above->seen) {
        merge_bits(above, frame.seen);
    }
    return matches;
}

bool schema_run(struct run *run, const struct node *node, const struct frame *frame)
{
    struct frame here = *frame;

    if (!schema_spend(run, 1)) {
        return false;
    }
    if (node->source->kind == JSON_FALSE) {
        here.node = node;
        return schema_say(run, NULL, &here, NULL, "is not allowed here");
    }
    return node->rule_count == 0 || run_object(run, node, frame);
}

bool schema_try(struct run *run, const struct node *node, const struct frame *frame)
{
    struct problems *problems = run->problems;
    struct frame apart = *frame;
    uint64_t room;
    bool matches;

    if (frame->seen) {
        apart.seen = schema_bits(run, frame, &room);
        if (!apart.seen) {
            return false;
        }
    }
    run->problems = NULL;
    matches = schema_run(run, node, &apart);
    run->problems = problems;
    if (matches && frame->seen) {
        merge_bits(frame, apart.seen);
    }
    return matches;
}

bool schema_run_part(struct run *run, const struct node *node, const struct frame *frame,
                     const struct json *part, struct json_path step)
{
    struct frame below = {.value = part,
                          .path = &step,
                          .scope = frame->scope,
                          .depth = frame->depth,
                          .node = frame->node};

    step.up = frame->path;
    return schema_run(run, node, &below);
}

/* Saying ------------------------------------------------------------------------------------- */

/* Sentences about alternatives come behind what is wrong with a member. */
static unsigned rank_of(const struct rule *rule)
{
    static const char *const summaries[] = {"anyOf", "oneOf", "not", "contains"};

    for (size_t i = 0; rule && i < COUNT_OF(summaries); i++) {
        if (strcmp(rule->keyword->name, summaries[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

bool schema_say(struct run *run, const struct rule *rule, const struct frame *frame,
                const struct json_path *step, const char *format, ...)
{
    const char *keyword = rule ? rule->keyword->name : "false";
    struct json_path at = {.up = frame->node->at, .name = str_of(keyword)};
    struct problem *row;
    char message[MESSAGE_MAX];
    va_list args;

    if (!run->problems || run->steps <= 0 || run->problems->seen++ >= PROBLEMS_MAX) {
        return false;
    }
    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    row = &run->problems->rows[run->problems->count++];
    *row = (struct problem){.rank = rank_of(rule), .error.keyword = keyword};
    row->error.message = arena_copy(run->arena, str_of(message));
    row->error.pointer =
        json_path_pointer(run->arena, step ? step : frame->path, JSON_ERROR_POINTER_MAX);
    row->error.schema_pointer =
        json_path_pointer(run->arena, rule ? &at : frame->node->at, JSON_ERROR_POINTER_MAX);
    if (!row->error.message.p || !row->error.pointer.p || !row->error.schema_pointer.p) {
        run->memory_short = true;
    }
    return false;
}

/* As much of `text` as a sentence has room for, whole characters only. */
static struct str cut(struct str text)
{
    struct str part = {text.p, text.n < SHOWN_MAX ? text.n : SHOWN_MAX};

    while (part.n > 0 && part.n < text.n && ((unsigned char)text.p[part.n] & 0xC0) == 0x80) {
        part.n--;
    }
    return part;
}

const char *schema_show_text(struct run *run, struct str text)
{
    struct str part = cut(text), shown;
    char *bytes;

    if (!schema_collects(run) || !schema_spend(run, SHOWN_STEPS)) {
        return "";
    }
    shown = arena_printf(run->arena, "%.*s%s", STR_ARG(part), part.n < text.n ? "..." : "");
    bytes = (char *)(uintptr_t)shown.p;
    for (size_t i = 0; bytes && i < shown.n; i++) {
        bytes[i] = (unsigned char)bytes[i] < 0x20 ? ' ' : bytes[i];
    }
    return bytes ? bytes : "";
}

/* Whether the value has at most `*room` parts; takes them off. */
static bool is_small(const struct json *value, uint32_t *room)
{
    bool small = *room > 0;

    *room -= small;
    for (uint32_t i = 0; small && value->kind == JSON_ARRAY && i < value->count; i++) {
        small = is_small(&value->as.items[i], room);
    }
    for (uint32_t i = 0; small && value->kind == JSON_OBJECT && i < value->count; i++) {
        small = is_small(&value->as.members[i].value, room);
    }
    return small;
}

const char *schema_show(struct run *run, const struct json *value)
{
    AUTO(buf_done) struct buf form = BUF_INIT(4 * KIB);
    uint32_t room = SHOWN_PARTS_MAX;
    struct json text = *value;

    if (!schema_collects(run)) {
        return "";
    }
    if (value->kind == JSON_STRING) {
        text.as.text = cut(value->as.text);
    }
    if (is_small(value, &room)) {
        json_write(&form, &text);
    }
    if (!buf_ok(&form) || form.n == 0) {
        return value->kind == JSON_ARRAY ? "[...]" : "{...}";
    }
    return schema_show_text(run, buf_str(&form));
}

/* Checking ----------------------------------------------------------------------------------- */

static int problem_cmp(const void *left, const void *right)
{
    const struct problem *a = *(const struct problem *const *)left;
    const struct problem *b = *(const struct problem *const *)right;

    if (a->rank != b->rank) {
        return a->rank < b->rank ? -1 : 1;
    }
    return a < b ? -1 : a > b;
}

static bool is_repeated(const struct json_schema_error *errors, size_t count,
                        const struct json_schema_error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(errors[i].pointer, error->pointer) &&
            str_eq(errors[i].message, error->message)) {
            return true;
        }
    }
    return false;
}

/* The problems in the order of their use, without repetitions. */
static size_t put_errors(const struct problems *problems, struct json_schema_error *errors)
{
    const struct problem *sorted[PROBLEMS_MAX];
    size_t count = 0;

    for (size_t i = 0; i < problems->count; i++) {
        sorted[i] = &problems->rows[i];
    }
    qsort(sorted, problems->count, sizeof(sorted[0]), problem_cmp);
    for (size_t i = 0; i < problems->count && count < JSON_SCHEMA_ERRORS_MAX; i++) {
        if (!is_repeated(errors, count, &sorted[i]->error)) {
            errors[count++] = sorted[i]->error;
        }
    }
    return count;
}

/* One error for the whole: why there is none for a part. */
static void put_whole(struct str message, struct json_schema_error *errors, size_t *count)
{
    *count = 1;
    errors[0] = (struct json_schema_error){
        .pointer = S(""), .schema_pointer = S(""), .keyword = "", .message = message};
}

/* One pass over the value; `problems` NULL: silent. */
static bool pass(struct run *run, const struct json_schema *schema, const struct json *value,
                 struct problems *problems)
{
    struct frame frame = {.value = value, .node = schema->root};

    run->steps = JSON_SCHEMA_STEPS_MAX;
    run->problems = problems;
    return schema_run(run, schema->root, &frame) && run->steps > 0;
}

enum fm_err json_schema_check(struct ctx *ctx, const struct json_schema *schema,
                              const struct json *value, struct json_schema_error *errors,
                              size_t *count)
{
    struct run run = {.arena = ctx->arena};
    struct problems problems = {.count = 0};
    bool matches = pass(&run, schema, value, NULL), exhausted = run.steps <= 0;

    *count = 0;
    if (!matches && !exhausted) {
        (void)pass(&run, schema, value, &problems);
    }
    arena_free(run.scratch);
    if (run.memory_short) {
        return fail_memory(ctx);
    }
    if (matches) {
        return FM_OK;
    }
    *count = put_errors(&problems, errors);
    if (*count == 0 && !exhausted) {
        put_whole(S("does not match, for too many reasons to name one"), errors, count);
    } else if (*count == 0 && run.too_deep) {
        put_whole(S("cannot be checked: the schema goes too deep on this value"), errors, count);
    } else if (*count == 0) {
        put_whole(S("cannot be checked: the schema takes too many steps on this value"), errors,
                  count);
    }
    return FM_E_SCHEMA;
}

/* The errors as the wire wants them. */
static enum fm_err put_fields(struct ctx *ctx, const struct json_schema_error *errors, size_t count,
                              struct str prefix)
{
    struct str first = STR_NONE;
    char more[40] = "";

    for (size_t i = 0; i < count; i++) {
        struct str at =
            arena_printf(ctx->arena, "%.*s%.*s", STR_ARG(prefix), STR_ARG(errors[i].pointer));
        if (!at.p) {
            return fail_memory(ctx);
        }
        first = i == 0 ? at : first;
        (void)fail_at(ctx, FM_E_SCHEMA, at, "%.*s", STR_ARG(errors[i].message));
    }
    if (count > 1) {
        (void)snprintf(more, sizeof(more), " (and %zu more)", count - 1);
    }
    if (first.n > DETAIL_POINTER_MAX) {
        first = S("a member");
    }
    return fail(ctx, FM_E_SCHEMA, "%.*s: %.*s%s", STR_ARG(first), STR_ARG(errors[0].message), more);
}

enum fm_err json_schema_require(struct ctx *ctx, const struct json_schema *schema,
                                const struct json *value, struct str prefix)
{
    struct json_schema_error errors[JSON_SCHEMA_ERRORS_MAX];
    size_t count;
    enum fm_err err = json_schema_check(ctx, schema, value, errors, &count);

    return err == FM_E_SCHEMA ? put_fields(ctx, errors, count, prefix) : err;
}
