/* SPDX-License-Identifier: Apache-2.0
 *
 * Which characters people can see: for everything that shows outside text where it could mislead.
 */
#ifndef FM_BASE_UNICODE_H
#define FM_BASE_UNICODE_H

#include "base/str.h"

/* Whether a code point shows as itself. Not so: control, format, private, unassigned, separators
 * of lines, what Unicode calls default ignorable, and what is blank without being U+0020; they are
 * seen as nothing or as something else, or are acted upon. */
bool code_point_is_visible(uint32_t code);

/* Whether UTF-8 text says nothing: it is empty, or all of it is white space or not visible. */
bool text_is_blank(struct str text);

#endif
