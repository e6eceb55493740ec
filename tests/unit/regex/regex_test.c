/* SPDX-License-Identifier: Apache-2.0 */
#include "regex/regex.h"

#include "../check.h"
#include "base/buf.h"

static const struct {
    const char *name, *pattern, *text;
    bool matches;
} rows[] = {
    {"somewhere in the text", "b+", "abbc", true},
    {"nowhere", "x", "abc", false},
    {"anchored at both ends", "^abc$", "abc", true},
    {"the end is no line's end", "^abc$", "abc\n", false},
    {"one code point is one character", "^.$", "\xc3\xa9", true},
    {"classes of Unicode", "^\\p{L}+$", "Ünal", true},
    {"an empty pattern is everywhere", "", "", true},
    {"flags stand in the pattern", "(?i)REFUND", "a refund", true},
};

static const struct {
    const char *name, *pattern, *says;
} refused[] = {
    {"a bracket that does not close", "(a", "missing"},
    {"a back reference", "(a)\\1", "invalid escape"},
    {"look-ahead", "(?=a)", "invalid"},
    {"more repetitions than memory", "((((a{1,100}){1,100}){1,100}){1,100})", "repetition"},
    {"not UTF-8", "\xff", "UTF-8"},
};

static void test_matches(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(arena_done) struct arena *arena = arena_new(MIB);
        struct ctx ctx;
        struct regex *regex = NULL;

        ctx_init(&ctx, arena);
        EXPECT(regex_new(&ctx, str_of(rows[i].pattern), &regex) == FM_OK, "%s: %s", rows[i].name,
               ctx.detail);
        EXPECT(regex_matches(regex, str_of(rows[i].text)) == rows[i].matches, "%s", rows[i].name);
        regex_free(regex);
    }
}

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        AUTO(arena_done) struct arena *arena = arena_new(MIB);
        struct ctx ctx;
        struct regex *regex = NULL;

        ctx_init(&ctx, arena);
        EXPECT(regex_new(&ctx, str_of(refused[i].pattern), &regex) == FM_E_INVALID_ARGUMENT, "%s",
               refused[i].name);
        EXPECT(strstr(ctx.detail, refused[i].says) != NULL, "%s: %s", refused[i].name, ctx.detail);
        EXPECT(regex == NULL, "%s: nothing to free", refused[i].name);
    }
}

/* What takes a backtracking engine minutes: 30 optional characters that must all be there. */
static void test_linear(void **state)
{
    AUTO(arena_done) struct arena *arena = arena_new(MIB);
    struct ctx ctx;
    struct regex *regex = NULL;
    char text[31] = {0};

    (void)state;
    memset(text, 'a', 30);
    ctx_init(&ctx, arena);
    EXPECT(regex_new(&ctx, S("^(a?){30}a{30}$"), &regex) == FM_OK, "%s", ctx.detail);
    EXPECT(regex_matches(regex, str_of(text)), "30 of 30");
    EXPECT(!regex_matches(regex, (struct str){text, 29}), "29 of 30");
    regex_free(regex);
}

static void test_too_long(void **state)
{
    AUTO(arena_done) struct arena *arena = arena_new(MIB);
    static char pattern[REGEX_PATTERN_MAX + 1];
    struct ctx ctx;
    struct regex *regex = NULL;

    (void)state;
    memset(pattern, 'a', sizeof(pattern));
    ctx_init(&ctx, arena);
    EXPECT(regex_new(&ctx, (struct str){pattern, sizeof(pattern)}, &regex) == FM_E_INVALID_ARGUMENT,
           "one byte too long");
    EXPECT(regex_new(&ctx, (struct str){pattern, sizeof(pattern) - 1}, &regex) == FM_OK, "%s", ctx.detail);
    regex_free(regex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_too_long),
    };

    return CHECK_RUN(tests);
}
