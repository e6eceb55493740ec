/* SPDX-License-Identifier: Apache-2.0
 *
 * Text and bytes with a length.
 */
#include "base/str.h"

int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;

    if (order != 0) {
        return order;
    }
    return a.n < b.n ? -1 : a.n > b.n;
}

size_t str_find(struct str s, char byte)
{
    const char *hit = s.n ? memchr(s.p, byte, s.n) : NULL;

    return hit ? (size_t)(hit - s.p) : s.n;
}

struct str str_split(struct str *rest, char separator)
{
    size_t at = str_find(*rest, separator);
    struct str part = {rest->p, at};

    *rest = at < rest->n ? str_skip(*rest, at + 1) : STR_NONE;
    return part;
}

bool str_to_u64(struct str s, uint64_t *out)
{
    uint64_t value = 0;

    if (s.n == 0 || s.n > 19) { /* 19 digits always fit into 64 bits */
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
        value = value * 10 + (uint64_t)(s.p[i] - '0');
    }
    *out = value;
    return true;
}

/* Length of the well-formed sequence at `p`, 0 if it is not one. RFC 3629 section 4. */
static size_t utf8_sequence(const unsigned char *p, size_t room)
{
    static const struct {
        unsigned char first_min, first_max, second_min, second_max, length;
    } rows[] = {
        {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3},
        {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
        {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (p[0] < rows[i].first_min || p[0] > rows[i].first_max) {
            continue;
        }
        if (room < rows[i].length || p[1] < rows[i].second_min || p[1] > rows[i].second_max) {
            return 0;
        }
        for (size_t k = 2; k < rows[i].length; k++) {
            if ((p[k] & 0xC0) != 0x80) {
                return 0;
            }
        }
        return rows[i].length;
    }
    return 0;
}

int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

bool str_is_utf8(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;

    for (size_t i = 0; i < s.n;) {
        size_t n = p[i] < 0x80 ? 1 : utf8_sequence(p + i, s.n - i);
        if (n == 0) {
            return false;
        }
        i += n;
    }
    return true;
}

uint32_t str_next_code_point(struct str s, size_t *at)
{
    const unsigned char *p = (const unsigned char *)s.p + *at;
    size_t length = p[0] < 0x80 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    static const unsigned char first_mask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t code = p[0] & first_mask[length];

    for (size_t k = 1; k < length; k++) {
        code = code << 6 | (p[k] & 0x3Fu);
    }
    *at += length;
    return code;
}
