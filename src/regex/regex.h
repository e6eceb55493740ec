/* SPDX-License-Identifier: Apache-2.0
 *
 * Regular expressions in linear time: RE2 behind a C interface. Nothing here backtracks, whatever pattern
 * and text come from outside; what RE2 cannot do in linear time (back references, look-around) is refused
 * when the pattern is compiled.
 */
#ifndef FM_REGEX_H
#define FM_REGEX_H

#include "base/ctx.h"

#define REGEX_PATTERN_MAX (8 * KIB) /* bytes: ten times the longest in the JSON Schema and CEL suites */
#define REGEX_MEMORY_MAX MIB        /* of one compiled pattern, its cache of states included */

struct regex;

/* Compiles `pattern` (UTF-8, RE2 syntax). The caller frees it with regex_free. Errors:
 * FM_E_INVALID_ARGUMENT with RE2's sentence, or that it is too long or needs too much memory;
 * FM_E_OVERLOADED when memory is short. Any thread. */
enum fm_err regex_new(struct ctx *ctx, struct str pattern, struct regex **out) MUST_CHECK;
void regex_free(struct regex *regex); /* NULL allowed */

/* Whether it matches somewhere in `text` (UTF-8); anchors are the pattern's own affair. Time is linear in
 * the text. Any thread, several at once. */
bool regex_matches(const struct regex *regex, struct str text);

/* How many instructions it was compiled to: a match takes time in proportion to the bytes of the
 * text, and at worst to these as well. */
size_t regex_size(const struct regex *regex);

#endif
