/* SPDX-License-Identifier: Apache-2.0
 *
 * By the tables of libunistring.
 */
#include "base/unicode.h"

#include <unictype.h>

bool code_point_is_visible(uint32_t code)
{
    return !uc_is_general_category(code, UC_OTHER) &&
           !uc_is_general_category(code, UC_LINE_SEPARATOR) &&
           !uc_is_general_category(code, UC_PARAGRAPH_SEPARATOR) &&
           !uc_is_property_default_ignorable_code_point(code);
}

#define BRAILLE_BLANK 0x2800 /* a symbol by its category, a blank to the eye */

bool text_is_blank(struct str text)
{
    for (size_t at = 0; at < text.n;) {
        uint32_t code = str_next_code_point(text, &at);
        if (code_point_is_visible(code) && !uc_is_property_white_space(code) &&
            code != BRAILLE_BLANK) {
            return false;
        }
    }
    return true;
}
