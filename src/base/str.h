/* SPDX-License-Identifier: Apache-2.0
 *
 * Text and bytes with a length. A `struct str` borrows: whoever made it says how long it lives.
 * It is never assumed to end in NUL; use STR_ARG with "%.*s" for printing.
 */
#ifndef FM_BASE_STR_H
#define FM_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)

struct str {
    const char *p; /* NULL means absent, which differs from empty */
    size_t n;
};

/* A str over a string literal; usable as a constant initialiser. */
#define STR(literal) {"" literal "", sizeof(literal) - 1}
#define S(literal) ((struct str)STR(literal))
#define STR_NONE ((struct str){NULL, 0})
/* For "%.*s". A str longer than INT_MAX is never printed this way: inputs are bounded far below. */
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A str over a NUL-ended C string; NULL gives the absent str. Borrows `text`. */
static inline struct str str_of(const char *text)
{
    return (struct str){text, text ? strlen(text) : 0};
}

/* Whether both hold the same bytes. Absent equals empty. Not constant time: see crypto_equal. */
static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Whether `s` begins with `prefix`. */
static inline bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

/* `s` without its first `n` bytes (the empty str when it is shorter). Borrows from `s`. */
static inline struct str str_skip(struct str s, size_t n)
{
    return n >= s.n ? (struct str){s.p ? s.p + s.n : NULL, 0} : (struct str){s.p + n, s.n - n};
}

/* Bytewise order, shorter first where one is a prefix of the other: <0, 0, >0. */
int str_cmp(struct str a, struct str b);

/* Position of the first `byte`, or s.n. */
size_t str_find(struct str s, char byte);

/* Splits `*rest` at the first `separator`: returns the part before it and moves `*rest` behind it;
 * without a separator the whole is returned and `*rest` becomes absent. */
struct str str_split(struct str *rest, char separator);

/* The value of a hexadecimal digit in either case, or -1. */
int hex_digit(char c);

/* Reads an unsigned decimal of 1 to 19 digits, nothing else around it. False and `*out` untouched on
 * anything else, overflow included. */
bool str_to_u64(struct str s, uint64_t *out);

/* Whether `s` is well-formed UTF-8 (RFC 3629: no overlong form, no surrogate, at most U+10FFFF). */
bool str_is_utf8(struct str s);

/* Decodes the code point at `*at` of well-formed UTF-8 and moves `*at` behind it. */
uint32_t str_next_code_point(struct str s, size_t *at);

#endif
