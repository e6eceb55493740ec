/* SPDX-License-Identifier: Apache-2.0
 *
 * Equality and order. Numbers of different kinds are compared as numbers: an int or uint beside a
 * double as the double nearest to it, as the official tests want (2^63 - 1 equals 2^63 as a
 * double); a uint beside an int exactly.
 */
#include "cel/inner.h"

#include <math.h>

enum { UNORDERED = 2, NAN_ORDER = 3 };

#define TWO_63 9223372036854775808.0
#define TWO_64 18446744073709551616.0

static int order_i64(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int order_u64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int order_double(double a, double b)
{
    if (isnan(a) || isnan(b)) {
        return NAN_ORDER;
    }
    return a < b ? -1 : a > b;
}

static int order_int_double(int64_t a, double b)
{
    if (b > TWO_63 || b < -TWO_63) {
        return b > 0 ? -1 : 1;
    }
    return order_double((double)a, b);
}

static int order_uint_double(uint64_t a, double b)
{
    if (b > TWO_64 || b < 0) {
        return b > 0 ? -1 : 1;
    }
    return order_double((double)a, b);
}

static int reversed(int order)
{
    return order == -1 ? 1 : order == 1 ? -1 : order;
}

static bool is_numeric(struct cel_value value)
{
    return value.kind == CEL_INT || value.kind == CEL_UINT || value.kind == CEL_DOUBLE;
}

/* Both are numbers. */
static int order_numbers(struct cel_value a, struct cel_value b)
{
    if (a.kind == CEL_DOUBLE && b.kind == CEL_DOUBLE) {
        return order_double(a.as.real, b.as.real);
    }
    if (a.kind == CEL_DOUBLE) {
        return reversed(order_numbers(b, a)); /* then `a` is none: once */
    }
    if (b.kind == CEL_DOUBLE) {
        return a.kind == CEL_INT ? order_int_double(a.as.number, b.as.real)
                                 : order_uint_double(a.as.natural, b.as.real);
    }
    if (a.kind == b.kind) {
        return a.kind == CEL_INT ? order_i64(a.as.number, b.as.number)
                                 : order_u64(a.as.natural, b.as.natural);
    }
    if (a.kind == CEL_INT) {
        return a.as.number < 0 ? -1 : order_u64((uint64_t)a.as.number, b.as.natural);
    }
    return b.as.number < 0 ? 1 : order_u64(a.as.natural, (uint64_t)b.as.number);
}

static int order_text(struct str a, struct str b)
{
    int order = str_cmp(a, b);

    return order < 0 ? -1 : order > 0;
}

int cel_value_order(struct cel_value a, struct cel_value b)
{
    int order;

    if (is_numeric(a) && is_numeric(b)) {
        return order_numbers(a, b);
    }
    if (a.kind != b.kind) {
        return UNORDERED;
    }
    switch (a.kind) {
    case CEL_BOOL:
        return (int)a.as.yes - (int)b.as.yes;
    case CEL_STRING:
    case CEL_BYTES:
        return order_text(a.as.text, b.as.text);
    case CEL_DURATION:
        return order_i64(a.as.number, b.as.number);
    case CEL_TIMESTAMP:
        order = order_i64(a.as.moment.seconds, b.as.moment.seconds);
        return order ? order : order_i64(a.as.moment.nanos, b.as.moment.nanos);
    default:
        return UNORDERED;
    }
}

/* Equality ------------------------------------------------------------------------------------- */

static bool equal_lists(struct cel_eval *eval, struct cel_value a, struct cel_value b,
                        unsigned depth)
{
    size_t count = cel_size(a);

    if (count != cel_size(b)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!cel_value_equal(eval, cel_item(a, i), cel_item(b, i), depth)) {
            return false;
        }
    }
    return true;
}

static bool equal_maps(struct cel_eval *eval, struct cel_value a, struct cel_value b,
                       unsigned depth)
{
    size_t count = cel_size(a);

    if (count != cel_size(b)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct cel_entry entry = cel_value_entry(a, i);
        struct cel_value other;
        if (cel_value_lookup(eval, b, entry.key, &other) != 1 ||
            !cel_value_equal(eval, entry.value, other, depth)) {
            return false;
        }
    }
    return true;
}

static bool equal_optionals(struct cel_eval *eval, struct cel_value a, struct cel_value b,
                            unsigned depth)
{
    if (!a.as.some || !b.as.some) {
        return a.as.some == b.as.some;
    }
    return cel_value_equal(eval, *a.as.some, *b.as.some, depth);
}

bool cel_value_equal(struct cel_eval *eval, struct cel_value a, struct cel_value b, unsigned depth)
{
    if (depth == 0 || (eval && !eval_pay(eval, 1))) {
        return false;
    }
    if (is_numeric(a) && is_numeric(b)) {
        return order_numbers(a, b) == 0;
    }
    if (a.kind != b.kind) {
        return false;
    }
    switch (a.kind) {
    case CEL_NULL:
        return true;
    case CEL_STRING:
    case CEL_BYTES:
        return str_eq(a.as.text, b.as.text) && (!eval || eval_pay(eval, a.as.text.n / 256));
    case CEL_TYPE:
        return str_eq(a.as.text, b.as.text);
    case CEL_LIST:
        return equal_lists(eval, a, b, depth - 1);
    case CEL_MAP:
        return equal_maps(eval, a, b, depth - 1);
    case CEL_OPTIONAL:
        return equal_optionals(eval, a, b, depth - 1);
    default:
        return cel_value_order(a, b) == 0;
    }
}
