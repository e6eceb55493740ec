/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of member names: by UTF-16 code units (RFC 8785 3.2.3), found without decoding. Names
 * are chosen by outsiders: no choice of theirs may cost more than n * log(n) comparisons.
 */
#include "json/inner.h"

#define INSERTION_MAX 16 /* runs up to this are sorted by insertion, then merged */

/* A byte of UTF-8 as it ranks in UTF-16 order. The orders of UTF-8 and UTF-16 agree but for
 * U+E000..U+FFFF (lead bytes EE, EF), which UTF-16 puts behind the surrogates that stand for
 * U+10000 and up (lead bytes F0..F4): where two names first differ, it is enough to swap these two
 * groups. */
static inline unsigned char rank_of(char c)
{
    unsigned char byte = (unsigned char)c;

    if (byte < 0xEE) {
        return byte;
    }
    return (unsigned char)(byte < 0xF0 ? byte + 5 : byte - 2);
}

/*= RFC 8785 3.2.3 */
int json_name_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n, i = 0;

    while (n - i >= JSON_WORD && json_word(a.p + i) == json_word(b.p + i)) {
        i += JSON_WORD;
    }
    for (; i < n; i++) {
        if (a.p[i] != b.p[i]) {
            return rank_of(a.p[i]) < rank_of(b.p[i]) ? -1 : 1;
        }
    }
    return a.n < b.n ? -1 : a.n > b.n;
}

static uint64_t prefix_of(struct str name)
{
    uint64_t prefix = 0;

    if (name.n >= JSON_WORD) {
        prefix = json_word(name.p);
        if (!(prefix & JSON_HIGHS)) {
            return __builtin_bswap64(prefix);
        }
        prefix = 0;
    }
    for (size_t i = 0; i < JSON_WORD; i++) {
        prefix = prefix << 8 | (i < name.n ? rank_of(name.p[i]) : 0);
    }
    return prefix;
}

int json_order_cmp(const struct json_member *members, const struct json_order *a,
                   const struct json_order *b)
{
    if (a->prefix != b->prefix) {
        return a->prefix < b->prefix ? -1 : 1;
    }
    return json_name_cmp(members[a->index].name, members[b->index].name);
}

static void sort_run(const struct json_member *members, struct json_order *order, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct json_order moving = order[i];
        size_t at = i;
        for (; at > 0 && json_order_cmp(members, &order[at - 1], &moving) > 0; at--) {
            order[at] = order[at - 1];
        }
        order[at] = moving;
    }
}

/* Merges the sorted halves from[0..middle) and from[middle..n) into `to`. */
static void merge(const struct json_member *members, const struct json_order *from, size_t middle,
                  size_t n, struct json_order *to)
{
    size_t left = 0, right = middle;

    for (size_t i = 0; i < n; i++) {
        bool take_left = right == n ||
                         (left < middle && json_order_cmp(members, &from[left], &from[right]) <= 0);
        to[i] = from[take_left ? left++ : right++];
    }
}

struct json_order *json_order_members(const struct json_member *members, size_t n,
                                      struct json_order *room, struct json_order *other)
{
    struct json_order *order = room, *swap;

    for (size_t i = 0; i < n; i++) {
        order[i] = (struct json_order){prefix_of(members[i].name), (uint32_t)i};
    }
    for (size_t at = 0; at < n; at += INSERTION_MAX) {
        sort_run(members, order + at, n - at < INSERTION_MAX ? n - at : INSERTION_MAX);
    }
    for (size_t width = INSERTION_MAX; width < n; width *= 2) {
        for (size_t at = 0; at < n; at += 2 * width) {
            size_t size = n - at < 2 * width ? n - at : 2 * width;
            merge(members, order + at, size < width ? size : width, size, other + at);
        }
        swap = order;
        order = other;
        other = swap;
    }
    return order;
}
