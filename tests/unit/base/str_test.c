/* SPDX-License-Identifier: Apache-2.0
 *
 * Text with a length: what is UTF-8, splitting, numbers, order.
 */
#include "base_check.h"

static const struct {
    const char *name;
    struct str text;
    bool good;
} utf8[] = {
    {"nothing", STR(""), true},
    {"absent", {NULL, 0}, true},
    {"ASCII with NUL", STR("a\0b"), true},
    {"U+007F", STR("\x7F"), true},
    {"U+0080, the first of two bytes", STR("\xC2\x80"), true},
    {"U+07FF, the last of two bytes", STR("\xDF\xBF"), true},
    {"U+0800, the first of three", STR("\xE0\xA0\x80"), true},
    {"U+D7FF, before the surrogates", STR("\xED\x9F\xBF"), true},
    {"U+E000, behind the surrogates", STR("\xEE\x80\x80"), true},
    {"U+FFFF, a noncharacter", STR("\xEF\xBF\xBF"), true},
    {"U+10000, the first of four", STR("\xF0\x90\x80\x80"), true},
    {"U+10FFFF, the last", STR("\xF4\x8F\xBF\xBF"), true},
    {"U+110000, beyond", STR("\xF4\x90\x80\x80"), false},
    {"F5, never", STR("\xF5\x80\x80\x80"), false},
    {"overlong NUL", STR("\xC0\x80"), false},
    {"overlong slash in two", STR("\xC0\xAF"), false},
    {"C1, never", STR("\xC1\xBF"), false},
    {"overlong slash in three", STR("\xE0\x80\xAF"), false},
    {"overlong U+07FF in three", STR("\xE0\x9F\xBF"), false},
    {"overlong U+FFFF in four", STR("\xF0\x8F\xBF\xBF"), false},
    {"the first surrogate", STR("\xED\xA0\x80"), false},
    {"the last surrogate", STR("\xED\xBF\xBF"), false},
    {"a lone continuation", STR("\x80"), false},
    {"a lone lead", STR("\xC3"), false},
    {"three bytes cut to two", STR("\xE2\x82"), false},
    {"four bytes cut to three", STR("a\xF0\x9F\x98"), false},
    {"a letter where the second byte belongs", STR("\xC3("), false},
    {"a letter where the third byte belongs", STR("\xE2\x82("), false},
    {"a letter where the fourth byte belongs", STR("\xF0\x9F\x98("), false},
    {"FE", STR("\xFE"), false},
    {"good, then bad", STR("\xE2\x82\xAC\xFF"), false},
};

static void test_utf8(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(utf8); i++) {
        EXPECT(str_is_utf8(utf8[i].text) == utf8[i].good, "%s", utf8[i].name);
    }
}

/* Writes a code point as RFC 3629 section 3 says. */
static size_t encode(uint32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

static void test_every_code_point(void **state)
{
    (void)state;
    for (uint32_t code = 0; code <= 0x110000; code++) {
        char bytes[4];
        struct str text = {bytes, encode(code, bytes)};
        bool good = code < 0x110000 && (code < 0xD800 || code > 0xDFFF);
        size_t at = 0;

        EXPECT(str_is_utf8(text) == good, "U+%04X", code);
        if (good) {
            EXPECT(str_next_code_point(text, &at) == code && at == text.n, "U+%04X", code);
        }
    }
}

static const struct {
    const char *name;
    struct str text;
    bool good;
    uint64_t value;
} numbers[] = {
    {"zero", STR("0"), true, 0},
    {"leading zeros", STR("0007"), true, 7},
    {"the largest of 19 digits", STR("9999999999999999999"), true, UINT64_C(9999999999999999999)},
    {"20 digits", STR("10000000000000000000"), false, 0},
    {"2^64, which would be 0", STR("18446744073709551616"), false, 0},
    {"nothing", STR(""), false, 0},
    {"absent", {NULL, 0}, false, 0},
    {"a sign", STR("+1"), false, 0},
    {"a minus", STR("-1"), false, 0},
    {"a space before", STR(" 1"), false, 0},
    {"a space behind", STR("1 "), false, 0},
    {"a NUL behind", STR("1\0"), false, 0},
    {"hexadecimal", STR("0x1"), false, 0},
    {"the character before 0", STR("1/"), false, 0},
    {"the character behind 9", STR("1:"), false, 0},
};

static void test_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        uint64_t value = 77;
        EXPECT(str_to_u64(numbers[i].text, &value) == numbers[i].good, "%s", numbers[i].name);
        EXPECT(value == (numbers[i].good ? numbers[i].value : 77), "%s: untouched on failure",
               numbers[i].name);
    }
}

static const struct {
    const char *name;
    struct str text;
    const char *parts[4];
} splits[] = {
    {"three", STR("a/b/c"), {"a", "b", "c"}},
    {"empty ones count", STR("/b/"), {"", "b", ""}},
    {"no separator", STR("abc"), {"abc"}},
    {"nothing", STR(""), {""}},
};

static void test_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(splits); i++) {
        struct str rest = splits[i].text;
        for (size_t k = 0; splits[i].parts[k]; k++) {
            EXPECT(rest.p != NULL, "%s: part %zu", splits[i].name, k);
            EXPECT_STR(splits[i].name, str_split(&rest, '/'), str_of(splits[i].parts[k]));
        }
        EXPECT(rest.p == NULL, "%s: and no more", splits[i].name);
    }
}

static const struct {
    const char *name;
    struct str a, b;
    int order;
} orders[] = {
    {"equal", STR("ab"), STR("ab"), 0},
    {"a prefix comes first", STR("ab"), STR("abc"), -1},
    {"bytes are unsigned", STR("\x7F"), STR("\x80"), -1},
    {"later byte decides", STR("ax"), STR("ab"), 1},
    {"absent equals empty", {NULL, 0}, STR(""), 0},
    {"NUL is a byte", STR("a\0"), STR("a"), 1},
};

static void test_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(orders); i++) {
        int there = str_cmp(orders[i].a, orders[i].b), back = str_cmp(orders[i].b, orders[i].a);
        EXPECT((there > 0) - (there < 0) == orders[i].order, "%s", orders[i].name);
        EXPECT((back > 0) - (back < 0) == -orders[i].order, "%s, turned round", orders[i].name);
        EXPECT(str_eq(orders[i].a, orders[i].b) == (orders[i].order == 0), "%s", orders[i].name);
    }
}

static void test_ends(void **state)
{
    (void)state;
    EXPECT(str_starts(S("abc"), S("ab")) && str_starts(S("abc"), S("")), "beginnings");
    EXPECT(!str_starts(S("ab"), S("abc")) && !str_starts(S("abc"), S("b")), "no beginnings");
    EXPECT_STR("skip", str_skip(S("abc"), 1), S("bc"));
    EXPECT(str_skip(S("abc"), 4).n == 0 && str_skip(S("abc"), 3).p != NULL, "present and empty");
    EXPECT(str_skip(STR_NONE, 1).p == NULL, "absent stays absent");
    EXPECT(str_find(S("abc"), 'c') == 2 && str_find(S("abc"), 'x') == 3, "find");
    EXPECT(str_find(STR_NONE, 'x') == 0, "find in nothing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8),    cmocka_unit_test(test_every_code_point),
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_split),
        cmocka_unit_test(test_order),   cmocka_unit_test(test_ends),
    };

    return CHECK_RUN(tests);
}
