/* SPDX-License-Identifier: Apache-2.0
 *
 * A context and its arena for one test, and parsing that must succeed.
 */
#ifndef FM_JSON_CHECK_H
#define FM_JSON_CHECK_H

#include "../check.h"

#include "json/json.h"

#include <stdlib.h>

struct fixture {
    struct arena *arena;
    struct ctx ctx;
    struct buf buf;
};

/* cmocka's setup: an arena of 16 MiB, a buffer of as much. */
static inline int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (!f) {
        return -1;
    }
    f->arena = arena_new(16 * MIB);
    f->buf = (struct buf)BUF_INIT(16 * MIB);
    ctx_init(&f->ctx, f->arena);
    *state = f;
    return f->arena ? 0 : -1;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    arena_free(f->arena);
    buf_done(&f->buf);
    free(f);
    return 0;
}

/* Forgets what the last row left. */
static inline void fixture_reset(struct fixture *f)
{
    arena_reset(f->arena);
    ctx_clear(&f->ctx);
    buf_reset(&f->buf);
}

static inline const struct json *must_parse(struct fixture *f, const char *row, struct str text)
{
    const struct json *value = NULL;
    enum fm_err err = json_parse(&f->ctx, text, &JSON_LIMITS_WIRE, &value);

    EXPECT(err == FM_OK, "%s: %s", row, f->ctx.detail);
    return value;
}

/* The canonical form of `value`, borrowed from the fixture's buffer until the next call. */
static inline struct str canonical(struct fixture *f, const struct json *value)
{
    buf_reset(&f->buf);
    json_write(&f->buf, value);
    return buf_str(&f->buf);
}

#define FIXTURE_TEST(function)                                                                     \
    cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

#endif
