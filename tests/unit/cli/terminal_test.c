/* SPDX-License-Identifier: Apache-2.0
 *
 * What reaches the terminal: nothing that acts on it, nothing that hides.
 */
#include "../check.h"

#include "cli/cli.h"

static const struct {
    const char *row;
    struct str text, want;
} rows[] = {
    {"plain", STR("Refund 74.5 USD"), STR("Refund 74.5 USD")},
    {"empty", STR(""), STR("")},
    {"absent", {NULL, 0}, STR("")},
    {"letters of many scripts", STR("\u00e9\u0436\u4e2d\u05d0"), STR("\u00e9\u0436\u4e2d\u05d0")},
    {"an emoji", STR("\U0001F600"), STR("\U0001F600")},
    {"a combining mark", STR("e\u0301"), STR("e\u0301")},
    {"a backslash stays", STR("a\\b"), STR("a\\b")},
    {"colours", STR("\033[31mred"), STR("\\u{1B}[31mred")},
    {"the window's title", STR("\033]0;x\a"), STR("\\u{1B}]0;x\\u{7}")},
    {"the clipboard", STR("\033]52;c;eA==\033\\"), STR("\\u{1B}]52;c;eA==\\u{1B}\\")},
    {"carriage return", STR("safe\rEVIL"), STR("safe\\u{D}EVIL")},
    {"line feed", STR("a\nb"), STR("a\\u{A}b")},
    {"tab", STR("a\tb"), STR("a\\u{9}b")},
    {"backspace", STR("a\bb"), STR("a\\u{8}b")},
    {"NUL", STR("a\0b"), STR("a\\u{0}b")},
    {"delete", STR("a\177b"), STR("a\\u{7F}b")},
    {"8-bit control (CSI)", STR("\xc2\x9b" "31m"), STR("\\u{9B}31m")},
    {"right-to-left override", STR("a\u202eb"), STR("a\\u{202E}b")},
    {"isolate", STR("\u2066a\u2069"), STR("\\u{2066}a\\u{2069}")},
    {"zero width space", STR("a\u200bb"), STR("a\\u{200B}b")},
    {"soft hyphen", STR("a\u00adb"), STR("a\\u{AD}b")},
    {"a tag character", STR("a\U000E0041"), STR("a\\u{E0041}")},
    {"a variation selector", STR("a\ufe0f"), STR("a\\u{FE0F}")},
    {"a Hangul filler", STR("a\u3164"), STR("a\\u{3164}")},
    {"line separator", STR("a\u2028b"), STR("a\\u{2028}b")},
    {"private use", STR("\ue000"), STR("\\u{E000}")},
    {"a byte that is not UTF-8", STR("a\xff" "b"), STR("a\\xffb")},
    {"a character that is cut off", STR("a\xe4\xb8"), STR("a\\xe4\\xb8")},
    {"an overlong form", STR("\xc0\x9b"), STR("\\xc0\\x9b")},
    {"a surrogate", STR("\xed\xa0\x80"), STR("\\xed\\xa0\\x80")},
};

static void test_escape(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(buf_done) struct buf out = BUF_INIT(4 * KIB);
        cli_escape(&out, rows[i].text);
        EXPECT_STR(rows[i].row, buf_str(&out), rows[i].want);
    }
}

static const struct {
    const char *row;
    struct str text, want;
} shown_rows[] = {
    {"plain", STR("\u00e9"), STR("\u00e9")},
    {"a line feed", STR("a\nb"), STR("a[U+000A]b")},
    {"an escape sequence", STR("\033[31m"), STR("[U+001B][31m")},
    {"right-to-left override", STR("\u202e"), STR("[U+202E]")},
    {"a tag character", STR("\U000E0041"), STR("[U+E0041]")},
    {"a byte that is not UTF-8", STR("\xff"), STR("\\xff")},
};

static void test_shown(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(shown_rows); i++) {
        AUTO(buf_done) struct buf out = BUF_INIT(4 * KIB);
        cli_escape_shown(&out, shown_rows[i].text);
        EXPECT_STR(shown_rows[i].row, buf_str(&out), shown_rows[i].want);
    }
}

/* Every byte and every pair of bytes: what comes out is UTF-8 without control characters. */
static void test_no_control_gets_through(void **state)
{
    AUTO(buf_done) struct buf out = BUF_INIT(64);

    (void)state;
    for (unsigned pair = 0; pair < 0x10000; pair++) {
        char bytes[2] = {(char)(pair >> 8), (char)(pair & 255)};
        buf_reset(&out);
        cli_escape(&out, (struct str){bytes, 2});
        EXPECT(str_is_utf8(buf_str(&out)), "%04x is not UTF-8", pair);
        for (size_t at = 0; at < out.n;) {
            uint32_t code = str_next_code_point(buf_str(&out), &at);
            EXPECT(code >= 0x20 && code != 0x7F && !(code >= 0x80 && code < 0xA0), "%04x lets U+%04X by",
                   pair, (unsigned)code);
        }
    }
}

static void test_safe_without_memory(void **state)
{
    struct arena *arena = arena_new(16);
    struct ctx ctx;

    (void)state;
    ctx_init(&ctx, arena);
    EXPECT_STR("a full arena", cli_safe(&ctx, S("longer than sixteen bytes")), S("(out of memory)"));
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escape),
        cmocka_unit_test(test_shown),
        cmocka_unit_test(test_no_control_gets_through),
        cmocka_unit_test(test_safe_without_memory),
    };

    return CHECK_RUN(tests);
}
