/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators: arithmetic without overflow, joining, and the signatures of all others (the walk over
 * the tree evaluates those itself).
 */
#include "cel/inner.h"

#include <math.h>

static struct cel_value overflow(struct cel_eval *eval, const struct node *node)
{
    return cel_eval_fail(eval, node, "integer overflow");
}

static struct cel_value by_zero(struct cel_eval *eval, const struct node *node, char op)
{
    return cel_eval_fail(eval, node, op == '/' ? "division by zero" : "modulus by zero");
}

/* Integers ------------------------------------------------------------------------------------- */

static struct cel_value int_arithmetic(struct cel_eval *eval, const struct node *node, char op,
                                       int64_t a, int64_t b)
{
    int64_t out = 0;
    bool bad = false;

    if (op == '/' || op == '%') {
        if (b == 0) {
            return by_zero(eval, node, op);
        }
        if (a == INT64_MIN && b == -1) {
            return op == '/' ? overflow(eval, node) : cel_int(0);
        }
        return cel_int(op == '/' ? a / b : a % b);
    }
    bad = op == '+'   ? __builtin_add_overflow(a, b, &out)
          : op == '-' ? __builtin_sub_overflow(a, b, &out)
                      : __builtin_mul_overflow(a, b, &out);
    return bad ? overflow(eval, node) : cel_int(out);
}

static struct cel_value uint_arithmetic(struct cel_eval *eval, const struct node *node, char op,
                                        uint64_t a, uint64_t b)
{
    uint64_t out = 0;
    bool bad;

    if (op == '/' || op == '%') {
        if (b == 0) {
            return by_zero(eval, node, op);
        }
        return cel_uint(op == '/' ? a / b : a % b);
    }
    bad = op == '+'   ? __builtin_add_overflow(a, b, &out)
          : op == '-' ? __builtin_sub_overflow(a, b, &out)
                      : __builtin_mul_overflow(a, b, &out);
    return bad ? overflow(eval, node) : cel_uint(out);
}

/* Doubles and numbers of JSON -------------------------------------------------------------------
 */

static double double_arithmetic(char op, double a, double b)
{
    return op == '+' ? a + b : op == '-' ? a - b : op == '*' ? a * b : a / b;
}

struct cel_value cel_finite_number(struct cel_eval *eval, const struct node *node, double real)
{
    return isfinite(real) ? cel_number(real)
                          : cel_eval_fail(eval, node, isnan(real) ? "the result is not a number"
                                                                  : "number overflow");
}

/* a % b of numbers: where both are whole. */
static struct cel_value number_modulus(struct cel_eval *eval, const struct node *node,
                                       const struct cel_value args[2])
{
    int64_t a, b;

    if (!cel_value_to_int(args[0], &a) || !cel_value_to_int(args[1], &b)) {
        return cel_eval_fail(eval, node, "%% wants whole numbers");
    }
    if (b == 0) {
        return by_zero(eval, node, '%');
    }
    return cel_number(b == -1 ? 0 : (double)(a % b));
}

/* What a double may become by IEEE 754, infinite or NaN, a number of JSON may not: it compares with
 * nothing, and a condition that silently does not match lets pass what it should have held. */
static struct cel_value number_arithmetic(struct cel_eval *eval, const struct node *node, char op,
                                          const struct cel_value args[2])
{
    double a, b;

    if (op == '%') {
        return number_modulus(eval, node, args);
    }
    if (!cel_to_double(args[0], &a) || !cel_to_double(args[1], &b)) {
        return cel_eval_no_overload(eval, node, args, 2);
    }
    return op == '/' && b == 0 ? by_zero(eval, node, op)
                               : cel_finite_number(eval, node, double_arithmetic(op, a, b));
}

/* Time ----------------------------------------------------------------------------------------- */

static struct cel_value duration_of(struct cel_eval *eval, const struct node *node, bool good,
                                    int64_t nanos)
{
    return good ? (struct cel_value){.kind = CEL_DURATION, .as.number = nanos}
                : cel_eval_fail(eval, node, "the duration is out of range");
}

static struct cel_value moment_plus(struct cel_eval *eval, const struct node *node,
                                    struct cel_moment moment, int64_t seconds, int64_t nanos)
{
    nanos += moment.nanos;
    seconds += moment.seconds + (nanos >= NANOS) - (nanos < 0);
    nanos += nanos < 0 ? NANOS : nanos >= NANOS ? -NANOS : 0;
    if (seconds < MOMENT_MIN || seconds > MOMENT_MAX) {
        return cel_eval_fail(eval, node, "the timestamp is out of range");
    }
    return (struct cel_value){.kind = CEL_TIMESTAMP, .as.moment = {seconds, (int32_t)nanos}};
}

static struct cel_value moment_minus(struct cel_eval *eval, const struct node *node,
                                     struct cel_moment a, struct cel_moment b)
{
    int64_t nanos;
    bool good = !__builtin_mul_overflow(a.seconds - b.seconds, NANOS, &nanos) &&
                !__builtin_add_overflow(nanos, (int64_t)a.nanos - b.nanos, &nanos);

    return duration_of(eval, node, good, nanos);
}

static struct cel_value time_arithmetic(struct cel_eval *eval, const struct node *node, char op,
                                        const struct cel_value args[2])
{
    struct cel_value a = args[0], b = args[1];
    int64_t sign = op == '-' ? -1 : 1, nanos = 0;

    if (op != '+' && op != '-') {
        return cel_eval_no_overload(eval, node, args, 2);
    }
    if (a.kind == CEL_DURATION && b.kind == CEL_DURATION) {
        bool bad = op == '+' ? __builtin_add_overflow(a.as.number, b.as.number, &nanos)
                             : __builtin_sub_overflow(a.as.number, b.as.number, &nanos);
        return duration_of(eval, node, !bad, nanos);
    }
    if (a.kind == CEL_TIMESTAMP && b.kind == CEL_TIMESTAMP && op == '-') {
        return moment_minus(eval, node, a.as.moment, b.as.moment);
    }
    if (a.kind == CEL_DURATION && b.kind == CEL_TIMESTAMP && op == '+') {
        return moment_plus(eval, node, b.as.moment, a.as.number / NANOS, a.as.number % NANOS);
    }
    if (a.kind == CEL_TIMESTAMP && b.kind == CEL_DURATION) {
        return moment_plus(eval, node, a.as.moment, sign * (b.as.number / NANOS),
                           sign * (b.as.number % NANOS));
    }
    return cel_eval_no_overload(eval, node, args, 2);
}

/* Joining -------------------------------------------------------------------------------------- */

static struct cel_value join_text(struct cel_eval *eval, struct cel_value a, struct cel_value b)
{
    struct str x = a.as.text, y = b.as.text;
    char *p;

    if (!eval_pay(eval, (x.n + y.n) / 256)) {
        return cel_eval_too_costly();
    }
    p = arena_alloc(eval->arena, x.n + y.n + 1);
    if (!p) {
        return cel_eval_no_memory();
    }
    for (size_t i = 0; i < x.n; i++) {
        p[i] = x.p[i];
    }
    for (size_t i = 0; i < y.n; i++) {
        p[x.n + i] = y.p[i];
    }
    return (struct cel_value){.kind = a.kind, .as.text = {p, x.n + y.n}};
}

static struct cel_value join_lists(struct cel_eval *eval, struct cel_value a, struct cel_value b)
{
    size_t first = cel_size(a), count = first + cel_size(b);
    struct cel_value *items;

    if (!eval_pay(eval, count / 8)) {
        return cel_eval_too_costly();
    }
    items = arena_alloc(eval->arena, (count + 1) * sizeof(*items));
    if (!items) {
        return cel_eval_no_memory();
    }
    for (size_t i = 0; i < count; i++) {
        items[i] = i < first ? cel_item(a, i) : cel_item(b, i - first);
    }
    return cel_value_new_list(eval, items, count);
}

/* ---------------------------------------------------------------------------------------------- */

static struct cel_value same_kind(struct cel_eval *eval, const struct node *node, char op,
                                  const struct cel_value args[2])
{
    struct cel_value a = args[0], b = args[1];

    switch (a.kind) {
    case CEL_INT:
        return int_arithmetic(eval, node, op, a.as.number, b.as.number);
    case CEL_UINT:
        return uint_arithmetic(eval, node, op, a.as.natural, b.as.natural);
    case CEL_DOUBLE:
        if (a.form == FORM_JSON || b.form == FORM_JSON) {
            return number_arithmetic(eval, node, op, args);
        }
        return op == '%' ? cel_eval_no_overload(eval, node, args, 2)
                         : cel_double(double_arithmetic(op, a.as.real, b.as.real));
    case CEL_STRING:
    case CEL_BYTES:
        return op == '+' ? join_text(eval, a, b) : cel_eval_no_overload(eval, node, args, 2);
    case CEL_LIST:
        return op == '+' ? join_lists(eval, a, b) : cel_eval_no_overload(eval, node, args, 2);
    case CEL_TIMESTAMP:
    case CEL_DURATION:
        return time_arithmetic(eval, node, op, args);
    default:
        return cel_eval_no_overload(eval, node, args, 2);
    }
}

struct cel_value cel_arithmetic(struct cel_eval *eval, const struct node *node, char op,
                                struct cel_value a, struct cel_value b)
{
    const struct cel_value args[2] = {a, b};

    if (a.kind == b.kind) {
        return same_kind(eval, node, op, args);
    }
    if (is_json_number(a) || is_json_number(b)) {
        return number_arithmetic(eval, node, op, args);
    }
    return time_arithmetic(eval, node, op, args);
}

static struct cel_value op_arithmetic(struct cel_eval *eval, const struct node *node,
                                      const struct cel_value *args, size_t count)
{
    (void)count;
    return cel_arithmetic(eval, node, node->as.callee->builtin->name.p[1], args[0], args[1]);
}

static struct cel_value op_negate(struct cel_eval *eval, const struct node *node,
                                  const struct cel_value *args, size_t count)
{
    struct cel_value value = args[0];

    if (value.kind == CEL_DOUBLE) {
        value.as.real = -value.as.real;
        return value;
    }
    if (value.kind != CEL_INT) {
        return cel_eval_no_overload(eval, node, args, count);
    }
    return value.as.number == INT64_MIN ? overflow(eval, node) : cel_int(-value.as.number);
}

/* Of operators that prepare.c made nodes of: reached where constants were folded before. */
static struct cel_value op_walked(struct cel_eval *eval, const struct node *node,
                                  const struct cel_value *args, size_t count)
{
    return cel_eval_no_overload(eval, node, args, count);
}

#define ORDERED "bb:b ii:b iu:b id:b uu:b ui:b ud:b dd:b di:b du:b ss:b yy:b tt:b rr:b"

const struct builtin cel_builtin_operators[] = {
    {STR("_+_"), "ii:i uu:u dd:d ss:s yy:y LALA:LA tr:t rt:t rr:r", op_arithmetic, 0},
    {STR("_-_"), "ii:i uu:u dd:d tt:r tr:t rr:r", op_arithmetic, 0},
    {STR("_*_"), "ii:i uu:u dd:d", op_arithmetic, 0},
    {STR("_/_"), "ii:i uu:u dd:d", op_arithmetic, 0},
    {STR("_%_"), "ii:i uu:u", op_arithmetic, 0},
    {STR("-_"), "i:i d:d", op_negate, 0},
    {STR("!_"), "b:b", op_walked, 0},
    {STR("_==_"), "AA:b", op_walked, 0},
    {STR("_!=_"), "AA:b", op_walked, 0},
    {STR("_<_"), ORDERED, op_walked, 0},
    {STR("_<=_"), ORDERED, op_walked, 0},
    {STR("_>_"), ORDERED, op_walked, 0},
    {STR("_>=_"), ORDERED, op_walked, 0},
    {STR("@in"), "ALA:b AMAB:b", op_walked, 0},
    {.name = {NULL, 0}},
};
