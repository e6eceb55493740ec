/* SPDX-License-Identifier: Apache-2.0
 *
 * The math extension: math.greatest, math.least, rounding, signs and bits. A whole number of JSON
 * is taken where an int is wanted.
 */
#include "cel/inner.h"

#include <math.h>

static bool is_number(struct cel_value value)
{
    return value.kind == CEL_INT || value.kind == CEL_UINT || value.kind == CEL_DOUBLE;
}

/* Greatest and least --------------------------------------------------------------------------- */

/* The first of the greatest (or least) of the arguments, or of the items of one list. */
static struct cel_value extreme(struct cel_eval *eval, const struct node *node,
                                const struct cel_value *args, size_t count, int wanted)
{
    bool in_list = count == 1 && args[0].kind == CEL_LIST;
    size_t n = in_list ? cel_size(args[0]) : count;
    struct cel_value best = {.kind = CEL_NULL};

    if (n == 0) {
        return cel_eval_fail(eval, node, "the list is empty");
    }
    for (size_t i = 0; i < n; i++) {
        struct cel_value item = in_list ? cel_item(args[0], i) : args[i];
        if (!is_number(item)) {
            return cel_eval_no_overload(eval, node, args, count);
        }
        if (!eval_pay(eval, 1)) {
            return cel_eval_too_costly();
        }
        if (best.kind == CEL_NULL || cel_value_order(item, best) == wanted) {
            best = item;
        }
    }
    return best;
}

static struct cel_value greatest(struct cel_eval *eval, const struct node *node,
                                 const struct cel_value *args, size_t count)
{
    return extreme(eval, node, args, count, 1);
}

static struct cel_value least(struct cel_eval *eval, const struct node *node,
                              const struct cel_value *args, size_t count)
{
    return extreme(eval, node, args, count, -1);
}

/* Doubles -------------------------------------------------------------------------------------- */

static struct cel_value rounded(struct cel_eval *eval, const struct node *node,
                                const struct cel_value *args, double (*how)(double))
{
    struct cel_value value = args[0];

    if (value.kind != CEL_DOUBLE) {
        return cel_eval_no_overload(eval, node, args, 1);
    }
    value.as.real = how(value.as.real);
    return value;
}

#define ROUNDING(name, how)                                                                        \
    static struct cel_value name(struct cel_eval *eval, const struct node *node,                   \
                                 const struct cel_value *args, size_t count)                       \
    {                                                                                              \
        (void)count;                                                                               \
        return rounded(eval, node, args, how);                                                     \
    }

ROUNDING(math_ceil, ceil)
ROUNDING(math_floor, floor)
ROUNDING(math_round, round)
ROUNDING(math_trunc, trunc)

static struct cel_value math_sqrt(struct cel_eval *eval, const struct node *node,
                                  const struct cel_value *args, size_t count)
{
    double real;

    if (!cel_to_double(args[0], &real)) {
        return cel_eval_no_overload(eval, node, args, count);
    }
    return is_json_number(args[0]) ? cel_finite_number(eval, node, sqrt(real))
                                   : cel_double(sqrt(real));
}

static struct cel_value is_nan(struct cel_eval *eval, const struct node *node,
                               const struct cel_value *args, size_t count)
{
    return args[0].kind == CEL_DOUBLE ? cel_bool(isnan(args[0].as.real))
                                      : cel_eval_no_overload(eval, node, args, count);
}

static struct cel_value is_inf(struct cel_eval *eval, const struct node *node,
                               const struct cel_value *args, size_t count)
{
    return args[0].kind == CEL_DOUBLE ? cel_bool(isinf(args[0].as.real))
                                      : cel_eval_no_overload(eval, node, args, count);
}

static struct cel_value is_finite(struct cel_eval *eval, const struct node *node,
                                  const struct cel_value *args, size_t count)
{
    return args[0].kind == CEL_DOUBLE ? cel_bool(isfinite(args[0].as.real))
                                      : cel_eval_no_overload(eval, node, args, count);
}

/* Signs ---------------------------------------------------------------------------------------- */

static struct cel_value math_abs(struct cel_eval *eval, const struct node *node,
                                 const struct cel_value *args, size_t count)
{
    struct cel_value value = args[0];

    if (value.kind == CEL_INT) {
        if (value.as.number == INT64_MIN) {
            return cel_eval_fail(eval, node, "integer overflow");
        }
        return cel_int(value.as.number < 0 ? -value.as.number : value.as.number);
    }
    if (value.kind == CEL_DOUBLE) {
        value.as.real = fabs(value.as.real);
        return value;
    }
    return value.kind == CEL_UINT ? value : cel_eval_no_overload(eval, node, args, count);
}

static struct cel_value math_sign(struct cel_eval *eval, const struct node *node,
                                  const struct cel_value *args, size_t count)
{
    struct cel_value value = args[0];

    if (value.kind == CEL_INT) {
        return cel_int((value.as.number > 0) - (value.as.number < 0));
    }
    if (value.kind == CEL_DOUBLE) {
        value.as.real =
            isnan(value.as.real) ? value.as.real : (value.as.real > 0) - (value.as.real < 0);
        return value;
    }
    return value.kind == CEL_UINT ? cel_uint(value.as.natural > 0)
                                  : cel_eval_no_overload(eval, node, args, count);
}

/* Bits ----------------------------------------------------------------------------------------- */

/* The bits of an int or uint; a whole number of JSON is an int. */
static bool bits_of(struct cel_value value, uint64_t *bits, uint8_t *kind)
{
    int64_t number;

    *kind = value.kind == CEL_UINT ? CEL_UINT : CEL_INT;
    if (value.kind == CEL_UINT) {
        *bits = value.as.natural;
        return true;
    }
    if ((value.kind != CEL_INT && !is_json_number(value)) || !cel_value_to_int(value, &number)) {
        return false;
    }
    *bits = (uint64_t)number;
    return true;
}

static struct cel_value of_bits(uint64_t bits, uint8_t kind)
{
    return kind == CEL_UINT ? cel_uint(bits) : cel_int((int64_t)bits);
}

static struct cel_value combine(struct cel_eval *eval, const struct node *node,
                                const struct cel_value *args, size_t count, char op)
{
    uint64_t a, b;
    uint8_t kind_a, kind_b;

    if (!bits_of(args[0], &a, &kind_a) || !bits_of(args[1], &b, &kind_b) || kind_a != kind_b) {
        return cel_eval_no_overload(eval, node, args, count);
    }
    return of_bits(op == '&' ? a & b : op == '|' ? a | b : a ^ b, kind_a);
}

static struct cel_value bit_and(struct cel_eval *eval, const struct node *node,
                                const struct cel_value *args, size_t count)
{
    return combine(eval, node, args, count, '&');
}

static struct cel_value bit_or(struct cel_eval *eval, const struct node *node,
                               const struct cel_value *args, size_t count)
{
    return combine(eval, node, args, count, '|');
}

static struct cel_value bit_xor(struct cel_eval *eval, const struct node *node,
                                const struct cel_value *args, size_t count)
{
    return combine(eval, node, args, count, '^');
}

static struct cel_value bit_not(struct cel_eval *eval, const struct node *node,
                                const struct cel_value *args, size_t count)
{
    uint64_t bits;
    uint8_t kind;

    return bits_of(args[0], &bits, &kind) ? of_bits(~bits, kind)
                                          : cel_eval_no_overload(eval, node, args, count);
}

/* Shifts beyond the width give 0; to the right, zeros come in. */
static struct cel_value shift(struct cel_eval *eval, const struct node *node,
                              const struct cel_value *args, size_t count, bool left)
{
    uint64_t bits, by;
    uint8_t kind, by_kind;

    if (!bits_of(args[0], &bits, &kind) || !bits_of(args[1], &by, &by_kind) || by_kind != CEL_INT) {
        return cel_eval_no_overload(eval, node, args, count);
    }
    if ((int64_t)by < 0) {
        return cel_eval_fail(eval, node, "negative offset: %lld", (long long)by);
    }
    if (by > 63) {
        return of_bits(0, kind);
    }
    return of_bits(left ? bits << by : bits >> by, kind);
}

static struct cel_value shift_left(struct cel_eval *eval, const struct node *node,
                                   const struct cel_value *args, size_t count)
{
    return shift(eval, node, args, count, true);
}

static struct cel_value shift_right(struct cel_eval *eval, const struct node *node,
                                    const struct cel_value *args, size_t count)
{
    return shift(eval, node, args, count, false);
}

#define EXTREME "i:i u:u d:d ii:i uu:u dd:d iu:* id:* ui:* ud:* di:* du:* Li:i Lu:u Ld:d L*:*"

const struct builtin cel_builtin_math[] = {
    {STR("math.greatest"), EXTREME, greatest, 0},
    {STR("math.least"), EXTREME, least, 0},
    {STR("math.ceil"), "d:d", math_ceil, 0},
    {STR("math.floor"), "d:d", math_floor, 0},
    {STR("math.round"), "d:d", math_round, 0},
    {STR("math.trunc"), "d:d", math_trunc, 0},
    {STR("math.sqrt"), "i:d u:d d:d", math_sqrt, 0},
    {STR("math.isNaN"), "d:b", is_nan, 0},
    {STR("math.isInf"), "d:b", is_inf, 0},
    {STR("math.isFinite"), "d:b", is_finite, 0},
    {STR("math.abs"), "i:i u:u d:d", math_abs, 0},
    {STR("math.sign"), "i:i u:u d:d", math_sign, 0},
    {STR("math.bitAnd"), "ii:i uu:u", bit_and, 0},
    {STR("math.bitOr"), "ii:i uu:u", bit_or, 0},
    {STR("math.bitXor"), "ii:i uu:u", bit_xor, 0},
    {STR("math.bitNot"), "i:i u:u", bit_not, 0},
    {STR("math.bitShiftLeft"), "ii:i ui:u", shift_left, 0},
    {STR("math.bitShiftRight"), "ii:i ui:u", shift_right, 0},
    {.name = {NULL, 0}},
};
