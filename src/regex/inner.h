/* SPDX-License-Identifier: Apache-2.0
 *
 * Between regex.c and the one file of C++: plain types only, for the product's headers are not C++.
 */
#ifndef FM_REGEX_INNER_H
#define FM_REGEX_INNER_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A compiled pattern, also when it was refused (then shim_error gives a sentence, else NULL). NULL when
 * memory is short. */
struct regex *shim_new(const char *pattern, size_t n, size_t memory_max);
void shim_free(struct regex *regex);
const char *shim_error(const struct regex *regex);
bool shim_matches(const struct regex *regex, const char *text, size_t n);
size_t shim_size(const struct regex *regex);

#ifdef __cplusplus
}
#endif

#endif
