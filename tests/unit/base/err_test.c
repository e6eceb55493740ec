/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of errors against the list in the wire's documentation, and the context that carries them.
 */
#include "base_check.h"

#include "base/buf.h"
#include "base/ctx.h"

/* As the documentation of the wire lists them. */
static const struct {
    enum fm_err err;
    int status;
    const char *name;
} documented[] = {
    {FM_E_INVALID_JSON, 400, "invalid-json"},
    {FM_E_TOO_LARGE, 413, "too-large"},
    {FM_E_UNKNOWN_MEMBER, 422, "unknown-member"},
    {FM_E_INVALID_ARGUMENT, 422, "invalid-argument"},
    {FM_E_BRIEF_INCOMPLETE, 422, "brief-incomplete"},
    {FM_E_SCHEMA, 422, "schema"},
    {FM_E_IDEMPOTENCY_MISMATCH, 422, "idempotency-mismatch"},
    {FM_E_UNAUTHENTICATED, 401, "unauthenticated"},
    {FM_E_FORBIDDEN, 403, "forbidden"},
    {FM_E_NOT_QUALIFIED, 403, "not-qualified"},
    {FM_E_CONFLICT_OF_INTEREST, 403, "conflict-of-interest"},
    {FM_E_NOT_FOUND, 404, "not-found"},
    {FM_E_METHOD_NOT_ALLOWED, 405, "method-not-allowed"},
    {FM_E_DIGEST_MISMATCH, 409, "digest-mismatch"},
    {FM_E_ALREADY_DECIDED, 409, "already-decided"},
    {FM_E_ALREADY_RELEASED, 409, "already-released"},
    {FM_E_CLAIMED, 409, "claimed"},
    {FM_E_CLAIM_FIRST, 409, "claim-first"},
    {FM_E_TOO_FAST, 409, "too-fast"},
    {FM_E_PERMIT_USED, 409, "permit-used"},
    {FM_E_NOT_RETURNED, 409, "not-returned"},
    {FM_E_NOT_APPROVED, 409, "not-approved"},
    {FM_E_PERMIT_EXPIRED, 410, "permit-expired"},
    {FM_E_UNSUPPORTED_MEDIA_TYPE, 415, "unsupported-media-type"},
    {FM_E_PAUSED, 423, "paused"},
    {FM_E_RATE_LIMITED, 429, "rate-limited"},
    {FM_E_INTERNAL, 500, "internal"},
    {FM_E_OVERLOADED, 503, "overloaded"},
};

static void test_documented(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(documented); i++) {
        EXPECT(err_status(documented[i].err) == documented[i].status, "%s", documented[i].name);
        EXPECT_STR(documented[i].name, err_name(documented[i].err), str_of(documented[i].name));
    }
    EXPECT(err_status(FM_OK) == 200, "no error");
}

static void test_table(void **state)
{
    (void)state;
    for (int a = 1; a < FM_ERR_COUNT; a++) {
        struct str name = err_name((enum fm_err)a), title = err_title((enum fm_err)a);

        EXPECT(err_status((enum fm_err)a) >= 400 && err_status((enum fm_err)a) < 600, "error %d",
               a);
        EXPECT(title.n > 0 && title.p[0] >= 'A' && title.p[0] <= 'Z', "%.*s", STR_ARG(name));
        EXPECT(title.p[title.n - 1] != '.', "%.*s: a title is no sentence's end", STR_ARG(name));
        for (size_t i = 0; i < name.n; i++) {
            EXPECT((name.p[i] >= 'a' && name.p[i] <= 'z') || name.p[i] == '-', "%.*s",
                   STR_ARG(name));
        }
        for (int b = 1; b < a; b++) {
            EXPECT(!str_eq(name, err_name((enum fm_err)b)), "%.*s twice", STR_ARG(name));
        }
    }
}

static void name_beyond(void *with)
{
    (void)with;
    (void)err_name(FM_ERR_COUNT);
}

static void test_beyond(void **state)
{
    (void)state;
    EXPECT(check_panics(name_beyond, NULL), "an error that is none");
}

static void test_ctx(void **state)
{
    AUTO(arena_done) struct arena *arena = arena_new(1 * MIB);
    AUTO(arena_done) struct arena *full = arena_new(0);
    struct ctx ctx;
    char name[16];

    (void)state;
    ctx_init(&ctx, arena);
    EXPECT(fail(&ctx, FM_E_CLAIMED, "%s has %d", "ana", 3) == FM_E_CLAIMED, "returned");
    EXPECT(ctx.err == FM_E_CLAIMED && strcmp(ctx.detail, "ana has 3") == 0, "%s", ctx.detail);
    EXPECT(fail(&ctx, FM_E_CLAIMED, "%1000d", 1) == FM_E_CLAIMED, "a long detail");
    EXPECT(strlen(ctx.detail) == CTX_DETAIL_MAX - 1, "is cut");
    ctx_clear(&ctx);
    EXPECT(ctx.err == FM_OK && ctx.detail[0] == '\0' && ctx.arena == arena, "cleared");
    for (int i = 0; i < CTX_FIELD_ERRORS_MAX + 5; i++) {
        (void)snprintf(name, sizeof(name), "/m%d", i);
        EXPECT(fail_at(&ctx, FM_E_INVALID_ARGUMENT, str_of(name), "bad %d", i) ==
                   FM_E_INVALID_ARGUMENT,
               "number %d", i);
    }
    EXPECT(ctx.error_count == CTX_FIELD_ERRORS_MAX, "the rest is dropped");
    EXPECT_STR("pointers are copied", ctx.errors[0].pointer, S("/m0"));
    EXPECT_STR("messages too", ctx.errors[15].message, S("bad 15"));
    ctx_init(&ctx, full);
    EXPECT(fail_at(&ctx, FM_E_INVALID_ARGUMENT, S("/m"), "bad") != FM_OK, "without memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documented),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_beyond),
        cmocka_unit_test(test_ctx),
    };

    return CHECK_RUN(tests);
}
