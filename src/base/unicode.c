/* SPDX-License-Identifier: Apache-2.0
 *
 * By the tables of libunistring.
 */
#include "base/unicode.h"

#include <unictype.h>

/* What has a width or none, and no ink: everything that Unicode calls a space but U+0020 itself,
 * and characters of other categories whose glyph is empty (at U+13441 since Unicode 15). */
static bool is_blank(uint32_t code)
{
    static const uint32_t blanks[] = {
        0x2800,  /* BRAILLE PATTERN BLANK */
        0xFFFC,  /* OBJECT REPLACEMENT CHARACTER */
        0x13441, /* EGYPTIAN HIEROGLYPH FULL BLANK */
        0x13442, /* EGYPTIAN HIEROGLYPH HALF BLANK */
        0x16FE4, /* KHITAN SMALL SCRIPT FILLER */
        0x1D159, /* MUSICAL SYMBOL NULL NOTEHEAD */
    };

    for (size_t i = 0; i < COUNT_OF(blanks); i++) {
        if (code == blanks[i]) {
            return true;
        }
    }
    return code != ' ' && uc_is_general_category(code, UC_SPACE_SEPARATOR);
}

bool code_point_is_visible(uint32_t code)
{
    return !uc_is_general_category(code, UC_OTHER) &&
           !uc_is_general_category(code, UC_LINE_SEPARATOR) &&
           !uc_is_general_category(code, UC_PARAGRAPH_SEPARATOR) &&
           !uc_is_property_default_ignorable_code_point(code) && !is_blank(code);
}

bool text_is_blank(struct str text)
{
    for (size_t at = 0; at < text.n;) {
        uint32_t code = str_next_code_point(text, &at);
        if (code_point_is_visible(code) && !uc_is_property_white_space(code)) {
            return false;
        }
    }
    return true;
}
