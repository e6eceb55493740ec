/* SPDX-License-Identifier: Apache-2.0
 *
 * The context of one request or job.
 */
#include "base/ctx.h"

#include <stdarg.h>
#include <stdio.h>

void ctx_init(struct ctx *ctx, struct arena *arena)
{
    *ctx = (struct ctx){.arena = arena};
}

void ctx_clear(struct ctx *ctx)
{
    ctx_init(ctx, ctx->arena);
}

__attribute__((format(printf, 3, 0))) static void set_detail(struct ctx *ctx, enum fm_err err,
                                                             const char *format, va_list args)
{
    ctx->err = err;
    vsnprintf(ctx->detail, sizeof(ctx->detail), format, args);
}

enum fm_err fail(struct ctx *ctx, enum fm_err err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    set_detail(ctx, err, format, args);
    va_end(args);
    return err;
}

enum fm_err fail_at(struct ctx *ctx, enum fm_err err, struct str pointer, const char *format, ...)
{
    va_list args;
    struct field_error *row;

    va_start(args, format);
    set_detail(ctx, err, format, args);
    va_end(args);
    if (ctx->error_count < CTX_FIELD_ERRORS_MAX) {
        row = &ctx->errors[ctx->error_count++];
        row->pointer = arena_copy(ctx->arena, pointer);
        row->message = arena_copy(ctx->arena, str_of(ctx->detail));
    }
    return err;
}

enum fm_err fail_memory(struct ctx *ctx)
{
    return fail(ctx, FM_E_OVERLOADED, "out of memory for this request");
}
