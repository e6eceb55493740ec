/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of json/ share and nobody else needs: eight bytes at a time, the order of member
 * names, where in a tree the work stands, and number tokens.
 */
#ifndef FM_JSON_INNER_H
#define FM_JSON_INNER_H

#include "json/json.h"

/* Words ------------------------------------------------------------------------------------- */

#define JSON_WORD sizeof(uint64_t)
#define JSON_ONES UINT64_C(0x0101010101010101)
#define JSON_HIGHS UINT64_C(0x8080808080808080)

/* Eight bytes, the first in the low bits. The compilers make one load of it. */
static inline uint64_t json_word(const char *at)
{
    const unsigned char *p = (const unsigned char *)at;

    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
           (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
           (uint64_t)p[7] << 56;
}

/* The high bit of bytes that are quote, backslash or a control character. Exact up to and including
 * the lowest hit: a borrow starts only at a hit and runs upwards. */
static inline uint64_t json_word_special(uint64_t word)
{
    uint64_t quote = word ^ JSON_ONES * '"', backslash = word ^ JSON_ONES * '\\';

    return (((quote - JSON_ONES) & ~quote) | ((backslash - JSON_ONES) & ~backslash) |
            ((word - JSON_ONES * 0x20) & ~word)) &
           JSON_HIGHS;
}

/* Index of the byte of the lowest hit; `hits` is not 0. */
static inline size_t json_word_first(uint64_t hits)
{
    return (size_t)__builtin_ctzll(hits) / 8;
}

/* Names ------------------------------------------------------------------------------------- */

/* Order of member names by UTF-16 code units: <0, 0, >0. */
int json_name_cmp(struct str a, struct str b);

/* A member on its way to its place: `prefix` are the first eight bytes of its name as they rank, so
 * that most comparisons touch nothing else. Names hold no NUL, hence padding with 0 sorts prefixes
 * first. */
struct json_order {
    uint64_t prefix;
    uint32_t index;
};

/* Order of two members of `members` by name: <0, 0, >0. */
int json_order_cmp(const struct json_member *members, const struct json_order *a,
                   const struct json_order *b);

/* The order of members[0..n) by name, in one of `room` and `other`, each of which has room for n.
 * At most n * log2(n) comparisons, whoever chose the names; equal names come to stand side by side.
 */
struct json_order *json_order_members(const struct json_member *members, size_t n,
                                      struct json_order *room, struct json_order *other);

/* Places ------------------------------------------------------------------------------------ */

/* One step from the root: a member's name, or an index where name.p is NULL. The steps live on the
 * C stack of whoever descends, so that a pointer costs nothing until it is needed. */
struct json_path {
    const struct json_path *up; /* NULL above the first step */
    struct str name;
    size_t index;
};

/* The RFC 6901 pointer of a place, in the arena; NULL is the root. Where it would be longer than
 * `max_bytes`, the pointer of the nearest place above that fits. p is NULL when the arena is full.
 */
struct str json_path_pointer(struct arena *arena, const struct json_path *path, size_t max_bytes);

/* Pointers in errors are cut to this: a hostile name must not come back a thousandfold. */
#define JSON_ERROR_POINTER_MAX 512

/* Numbers ----------------------------------------------------------------------------------- */

/* Reads the number token that `text` begins with. Returns NULL and sets `canonical` to the RFC 8785
 * form (in `text` where the token is already that, else in `form`), or returns what is wrong with
 * it. `length` becomes the bytes of the token, or where in it the fault is. */
const char *json_number_read(struct str text, char form[JSON_NUMBER_MAX], struct str *canonical,
                             size_t *length);

#endif
