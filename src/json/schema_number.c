/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers as the decimals that were written, and the order of values. 0.0075 is 75 times 0.0001
 * here, whatever doubles make of it.
 *
 * 1. Canonical tokens have at most 17 significant digits (json/number.c): they fit 64 bits, and
 *    still do when scaled to the 19 digits of the longest.
 */
#include "json/schema_inner.h"

#define DIGITS_MAX 18

__extension__ typedef unsigned __int128 u128;

/* Reads the exponent behind the e of a canonical token. */
static int read_exponent(struct str text)
{
    int exponent = 0;
    bool negative = text.n > 0 && text.p[0] == '-';

    for (size_t i = 0; i < text.n && exponent < 10000; i++) {
        if (text.p[i] >= '0' && text.p[i] <= '9') {
            exponent = exponent * 10 + (text.p[i] - '0');
        }
    }
    return negative ? -exponent : exponent;
}

struct schema_number schema_number_of(const struct json *value)
{
    struct schema_number number = {0};
    struct str rest = value->as.text, token = str_split(&rest, 'e');
    unsigned count = 0;
    bool fraction = false;

    number.exponent = read_exponent(rest);
    for (size_t i = 0; i < token.n; i++) {
        char c = token.p[i];
        number.negative |= c == '-';
        fraction |= c == '.';
        if (c < '0' || c > '9') {
            continue;
        }
        if (count < DIGITS_MAX) {
            number.digits = number.digits * 10 + (uint64_t)(c - '0');
            count += number.digits > 0;
            number.exponent -= fraction;
        } else { /* never one of ours: invariant 1 */
            number.exponent += !fraction;
        }
    }
    while (number.digits > 0 && number.digits % 10 == 0) {
        number.digits /= 10;
        number.exponent++;
    }
    if (number.digits == 0) {
        number = (struct schema_number){0};
    }
    return number;
}

static int digit_count(uint64_t digits)
{
    int count = 0;

    for (; digits > 0; digits /= 10) {
        count++;
    }
    return count;
}

/* Order of what is not 0, signs aside. */
static int magnitude_cmp(const struct schema_number *a, const struct schema_number *b)
{
    int count_a = digit_count(a->digits), count_b = digit_count(b->digits);
    uint64_t left = a->digits, right = b->digits;

    if (count_a + a->exponent != count_b + b->exponent) {
        return count_a + a->exponent < count_b + b->exponent ? -1 : 1;
    }
    for (; count_a < count_b; count_a++) {
        left *= 10;
    }
    for (; count_b < count_a; count_b++) {
        right *= 10;
    }
    return left < right ? -1 : left > right;
}

int schema_number_cmp(const struct schema_number *a, const struct schema_number *b)
{
    int sign_a = a->digits == 0 ? 0 : a->negative ? -1 : 1;
    int sign_b = b->digits == 0 ? 0 : b->negative ? -1 : 1;

    if (sign_a != sign_b || sign_a == 0) {
        return sign_a < sign_b ? -1 : sign_a > sign_b;
    }
    return sign_a * magnitude_cmp(a, b);
}

bool schema_number_is_integer(const struct schema_number *number)
{
    return number->exponent >= 0;
}

bool schema_number_divides(const struct schema_number *value, const struct schema_number *unit)
{
    int shift = value->exponent - unit->exponent;
    uint64_t rest = value->digits % unit->digits;

    if (value->digits == 0) {
        return true;
    }
    if (shift < 0) { /* the digits would have to end in zeros, and they do not */
        return false;
    }
    for (; shift > 0 && rest > 0; shift--) {
        rest = (uint64_t)((u128)rest * 10 % unit->digits);
    }
    return rest == 0;
}

/* Order -------------------------------------------------------------------------------------- */

static int text_cmp(struct str a, struct str b, int64_t *steps)
{
    *steps -= (int64_t)((a.n < b.n ? a.n : b.n) / 64);
    return str_cmp(a, b);
}

static int count_cmp(const struct json *a, const struct json *b)
{
    return a->count < b->count ? -1 : a->count > b->count;
}

/* Depth is that of the trees: JSON_DEPTH_MAX. */
static int members_cmp(const struct json *a, const struct json *b, int64_t *steps)
{
    int order = count_cmp(a, b);

    for (uint32_t i = 0; order == 0 && i < a->count; i++) {
        order = text_cmp(a->as.members[i].name, b->as.members[i].name, steps);
        order = order ? order
                      : schema_value_cmp(&a->as.members[i].value, &b->as.members[i].value, steps);
    }
    return order;
}

static int items_cmp(const struct json *a, const struct json *b, int64_t *steps)
{
    int order = count_cmp(a, b);

    for (uint32_t i = 0; order == 0 && i < a->count; i++) {
        order = schema_value_cmp(&a->as.items[i], &b->as.items[i], steps);
    }
    return order;
}

int schema_value_cmp(const struct json *a, const struct json *b, int64_t *steps)
{
    if (--*steps < 0) {
        return 0;
    }
    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    switch (a->kind) {
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE:
        return 0;
    case JSON_NUMBER:
    case JSON_STRING:
        return text_cmp(a->as.text, b->as.text, steps);
    case JSON_ARRAY:
        return items_cmp(a, b, steps);
    case JSON_OBJECT:
        return members_cmp(a, b, steps);
    }
    return 0;
}
