/* SPDX-License-Identifier: Apache-2.0
 *
 * What people see, and what they do not.
 */
#include "../check.h"

#include "base/unicode.h"

static const struct {
    const char *name;
    uint32_t code;
    bool is_visible;
} rows[] = {
    {"a letter", 'a', true},
    {"a space", ' ', true},
    {"e with acute", 0xE9, true},
    {"a CJK character", 0x4E00, true},
    {"an emoji", 0x1F600, true},
    {"escape", 0x1B, false},
    {"line feed", '\n', false},
    {"delete", 0x7F, false},
    {"next line", 0x85, false},
    {"zero width space", 0x200B, false},
    {"right-to-left override", 0x202E, false},
    {"line separator", 0x2028, false},
    {"a tag character", 0xE0041, false},
    {"a variation selector", 0xFE0F, false},
    {"Hangul filler", 0x3164, false},
    {"no-break space", 0xA0, false},
    {"ogham space mark", 0x1680, false},
    {"em space", 0x2003, false},
    {"narrow no-break space", 0x202F, false},
    {"ideographic space", 0x3000, false},
    {"blank braille pattern", 0x2800, false},
    {"a braille pattern", 0x2801, true},
    {"object replacement", 0xFFFC, false},
    {"the replacement character", 0xFFFD, true},
    {"khitan filler", 0x16FE4, false},
    {"null notehead", 0x1D159, false},
    {"hieroglyph, full blank", 0x13441, false},
    {"private use", 0xE000, false},
    {"unassigned", 0x0378, false},
};

static void test_visible(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        EXPECT(code_point_is_visible(rows[i].code) == rows[i].is_visible, "%s", rows[i].name);
    }
}

static const struct {
    const char *name, *text;
    bool is_blank;
} blanks[] = {
    {"nothing", "", true},
    {"white space", " \t\r\n\v\f", true},
    {"no-break and ideographic spaces", "\xC2\xA0\xE3\x80\x80", true},
    {"zero width space, byte order mark", "\xE2\x80\x8B\xEF\xBB\xBF", true},
    {"Hangul filler, tag, variation selector", "\xE3\x85\xA4\xF3\xA0\x81\x81\xEF\xB8\x8F", true},
    {"braille blank", "\xE2\xA0\x80", true},
    {"a letter among blanks", " \xE2\x80\x8B" "a\n", false},
    {"a full stop", ".", false},
    {"an emoji", "\xF0\x9F\x98\x80", false},
};

static void test_blank(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(blanks); i++) {
        EXPECT(text_is_blank(str_of(blanks[i].text)) == blanks[i].is_blank, "%s", blanks[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_visible),
                                       cmocka_unit_test(test_blank)};

    return CHECK_RUN(tests);
}
