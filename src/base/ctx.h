/* SPDX-License-Identifier: Apache-2.0
 *
 * The context of one request or job: its arena and what went wrong. One thread at a time.
 */
#ifndef FM_BASE_CTX_H
#define FM_BASE_CTX_H

#include "base/arena.h"
#include "base/err.h"

#define CTX_DETAIL_MAX 400
#define CTX_FIELD_ERRORS_MAX 16

/* One bad member of the input: RFC 6901 pointer and what is wrong with it. */
struct field_error {
    struct str pointer, message; /* live in the arena */
};

struct ctx {
    struct arena *arena;
    enum fm_err err;              /* of the last fail(); FM_OK before */
    char detail[CTX_DETAIL_MAX];  /* a sentence for people, with the next step where there is one */
    struct field_error errors[CTX_FIELD_ERRORS_MAX];
    unsigned error_count;
    unsigned retry_after_s;       /* for rate-limited, overloaded, too-fast; 0 = none */
    struct str members;           /* raw JSON members for the problem document, e.g. "digest":"sha256:.." */
};

/* A context over `arena`, which must outlive it. */
void ctx_init(struct ctx *ctx, struct arena *arena);

/* Forgets the error, keeps the arena. */
void ctx_clear(struct ctx *ctx);

/* Records `err` with a sentence and returns it: return fail(ctx, FM_E_FORBIDDEN, "..."). */
enum fm_err fail(struct ctx *ctx, enum fm_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a bad member of the input: adds {pointer, message} to the problem document. Up to
 * CTX_FIELD_ERRORS_MAX are kept, the rest is dropped. */
enum fm_err fail_at(struct ctx *ctx, enum fm_err err, struct str pointer, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Memory is short, or the request's arena is full. */
enum fm_err fail_memory(struct ctx *ctx);

#endif
