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
