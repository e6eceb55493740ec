/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes: they are refused with a place, or they are a tree whose canonical form is read back as
 * the same tree and written as the same bytes, from whose every member a pointer leads back.
 */
#include "base/panic.h"
#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_places(struct ctx *ctx, const struct json *root, const struct json *at,
                         struct str pointer)
{
    ASSERT(json_at(root, pointer) == at);
    for (uint32_t i = 0; i < at->count; i++) { /* scalars count 0 */
        bool array = at->kind == JSON_ARRAY;
        const struct json *below = array ? &at->as.items[i] : &at->as.members[i].value;
        struct str step = array ? json_pointer_index(ctx->arena, pointer, i)
                                : json_pointer_member(ctx->arena, pointer, at->as.members[i].name);
        if (!step.p) {
            return; /* the arena is full */
        }
        ASSERT(array || json_get(at, at->as.members[i].name) == below);
        check_places(ctx, root, below, step); /* as deep as the reader allows */
    }
}

static void check_accepted(struct ctx *ctx, const struct json *value)
{
    AUTO(buf_done) struct buf once = BUF_INIT(16 * MIB);
    AUTO(buf_done) struct buf twice = BUF_INIT(16 * MIB);
    const struct json_limits longer = {16 * MIB, JSON_LIMITS_WIRE.depth, JSON_LIMITS_WIRE.values};
    const struct json *again; /* the canonical form may be longer: 1e15 becomes 16 digits */
    const struct json_change *changes;
    size_t count;

    json_write(&once, value);
    ASSERT(buf_ok(&once) && str_is_utf8(buf_str(&once)));
    ASSERT(json_parse(ctx, buf_str(&once), &longer, &again) == FM_OK);
    json_write(&twice, again);
    ASSERT(str_eq(buf_str(&once), buf_str(&twice)));
    ASSERT(json_eq(value, again));
    ASSERT(json_diff(ctx, value, again, 4, &changes, &count) == FM_OK && count == 0);
    check_places(ctx, again, again, S(""));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(64 * MIB);
    struct ctx ctx;
    const struct json *value;

    ASSERT(arena);
    ctx_init(&ctx, arena);
    if (json_parse(&ctx, (struct str){(const char *)data, size}, &JSON_LIMITS_WIRE, &value) ==
        FM_OK) {
        check_accepted(&ctx, value);
    } else {
        ASSERT(ctx.err == FM_E_TOO_LARGE || ctx.error_count == 1);
        ASSERT(ctx.err == FM_E_TOO_LARGE || ctx.errors[0].pointer.p);
    }
    arena_free(arena);
    return 0;
}
