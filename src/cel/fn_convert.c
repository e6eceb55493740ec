/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversions between types: int(), uint(), double(), string(), bytes(), bool(), timestamp(),
 * duration(), type() and dyn().
 */
#include "cel/inner.h"

#include <math.h>

static struct cel_value range_error(struct cel_eval *eval, const struct node *node)
{
    return cel_eval_fail(eval, node, "range error: %.*s() cannot hold the value",
                         STR_ARG(node->name));
}

static struct cel_value no_text(struct cel_eval *eval, const struct node *node,
                                struct cel_value value)
{
    int n = value.as.text.n > 100 ? 100 : (int)value.as.text.n;

    return cel_eval_fail(eval, node, "%.*s() cannot read '%.*s'", STR_ARG(node->name), n,
                         value.as.text.p);
}

/* Numbers -------------------------------------------------------------------------------------- */

/* Digits with an optional sign. */
static bool read_digits(struct str text, bool *negative, uint64_t *out)
{
    uint64_t value = 0;
    size_t i = text.n && (text.p[0] == '-' || text.p[0] == '+');

    *negative = text.n && text.p[0] == '-';
    if (i == text.n) {
        return false;
    }
    for (; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9' || __builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text.p[i] - '0'), &value)) {
            return false;
        }
    }
    *out = value;
    return true;
}

static struct cel_value text_to_int(struct cel_eval *eval, const struct node *node,
                                    struct cel_value value)
{
    bool negative;
    uint64_t digits;

    if (!read_digits(value.as.text, &negative, &digits) ||
        digits > (uint64_t)INT64_MAX + negative) {
        return no_text(eval, node, value);
    }
    return cel_int(negative ? (int64_t)(0 - digits) : (int64_t)digits);
}

static struct cel_value to_int(struct cel_eval *eval, const struct node *node,
                               const struct cel_value *args, size_t count)
{
    struct cel_value value = args[0];

    switch (value.kind) {
    case CEL_INT:
        return value;
    case CEL_UINT:
        return value.as.natural > INT64_MAX ? range_error(eval, node)
                                            : cel_int((int64_t)value.as.natural);
    case CEL_DOUBLE:
        return value.as.real > -9223372036854775808.0 && value.as.real < 9223372036854775808.0
                   ? cel_int((int64_t)value.as.real)
                   : range_error(eval, node);
    case CEL_STRING:
        return text_to_int(eval, node, value);
    case CEL_TIMESTAMP:
        return cel_int(value.as.moment.seconds);
    case CEL_DURATION:
        return cel_int(value.as.number);
    default:
        return cel_eval_no_overload(eval, node, args, count);
    }
}

static struct cel_value to_uint(struct cel_eval *eval, const struct node *node,
                                const struct cel_value *args, size_t count)
{
    struct cel_value value = args[0];
    bool negative;
    uint64_t digits;

    switch (value.kind) {
    case CEL_UINT:
        return value;
    case CEL_INT:
        return value.as.number < 0 ? range_error(eval, node) : cel_uint((uint64_t)value.as.number);
    case CEL_DOUBLE:
        return value.as.real >= 0 && value.as.real < 18446744073709551616.0
                   ? cel_uint((uint64_t)value.as.real)
                   : range_error(eval, node);
    case CEL_STRING:
        return read_digits(value.as.text, &negative, &digits) && !negative
                   ? cel_uint(digits)
                   : no_text(eval, node, value);
    default:
        return cel_eval_no_overload(eval, node, args, count);
    }
}

static bool read_double(struct str text, double *out)
{
    static const struct {
        struct str name;
        double value;
    } names[] = {{STR("NaN"), NAN},
                 {STR("Infinity"), INFINITY},
                 {STR("+Infinity"), INFINITY},
                 {STR("-Infinity"), -INFINITY},
                 {STR("Inf"), INFINITY},
                 {STR("+Inf"), INFINITY},
                 {STR("-Inf"), -INFINITY}};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (str_eq(text, names[i].name)) {
            *out = names[i].value;
            return true;
        }
    }
    return cel_text_to_double(text, out);
}

static struct cel_value to_double(struct cel_eval *eval, const struct node *node,
                                  const struct cel_value *args, size_t count)
{
    double real;

    if (args[0].kind == CEL_STRING) {
        return read_double(args[0].as.text, &real) ? cel_double(real)
                                                   : no_text(eval, node, args[0]);
    }
    if (is_json_number(args[0])) { /* it stays one, which may not become infinite */
        return args[0];
    }
    return cel_to_double(args[0], &real) ? cel_double(real)
                                         : cel_eval_no_overload(eval, node, args, count);
}

static struct cel_value to_bool(struct cel_eval *eval, const struct node *node,
                                const struct cel_value *args, size_t count)
{
    static const struct {
        struct str text;
        bool yes;
    } rows[] = {{STR("1"), true},      {STR("t"), true},      {STR("true"), true},
                {STR("TRUE"), true},   {STR("True"), true},   {STR("T"), true},
                {STR("0"), false},     {STR("f"), false},     {STR("false"), false},
                {STR("FALSE"), false}, {STR("False"), false}, {STR("F"), false}};

    if (args[0].kind == CEL_BOOL) {
        return args[0];
    }
    if (args[0].kind != CEL_STRING) {
        return cel_eval_no_overload(eval, node, args, count);
    }
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (str_eq(args[0].as.text, rows[i].text)) {
            return cel_bool(rows[i].yes);
        }
    }
    return no_text(eval, node, args[0]);
}

/* Text ----------------------------------------------------------------------------------------- */

static struct cel_value scalar_text(struct cel_eval *eval, struct cel_value value)
{
    AUTO(buf_done) struct buf buf = BUF_INIT(KIB);

    switch (value.kind) {
    case CEL_INT:
        buf_printf(&buf, "%lld", (long long)value.as.number);
        break;
    case CEL_UINT:
        buf_add_u64(&buf, value.as.natural);
        break;
    case CEL_DOUBLE:
        cel_text_of_double(&buf, value.as.real);
        break;
    case CEL_BOOL:
        buf_add(&buf, value.as.yes ? S("true") : S("false"));
        break;
    case CEL_TIMESTAMP:
        cel_text_of_timestamp(&buf, value.as.moment);
        break;
    case CEL_DURATION:
        cel_text_of_duration(&buf, value.as.number);
        break;
    default:
        break;
    }
    return cel_value_text_of(eval, &buf);
}

static struct cel_value to_string(struct cel_eval *eval, const struct node *node,
                                  const struct cel_value *args, size_t count)
{
    struct cel_value value = args[0];

    switch (value.kind) {
    case CEL_STRING:
        return value;
    case CEL_BYTES:
        if (!eval_pay(eval, value.as.text.n / 64)) {
            return cel_eval_too_costly();
        }
        return str_is_utf8(value.as.text) ? cel_string(value.as.text)
                                          : cel_eval_fail(eval, node, "the bytes are not UTF-8");
    case CEL_INT:
    case CEL_UINT:
    case CEL_DOUBLE:
    case CEL_BOOL:
    case CEL_TIMESTAMP:
    case CEL_DURATION:
        return scalar_text(eval, value);
    default:
        return cel_eval_no_overload(eval, node, args, count);
    }
}

static struct cel_value to_bytes(struct cel_eval *eval, const struct node *node,
                                 const struct cel_value *args, size_t count)
{
    if (args[0].kind != CEL_STRING && args[0].kind != CEL_BYTES) {
        return cel_eval_no_overload(eval, node, args, count);
    }
    return cel_bytes(args[0].as.text);
}

/* Time ----------------------------------------------------------------------------------------- */

static struct cel_value to_timestamp(struct cel_eval *eval, const struct node *node,
                                     const struct cel_value *args, size_t count)
{
    struct cel_value value = {.kind = CEL_TIMESTAMP};

    if (args[0].kind == CEL_TIMESTAMP) {
        return args[0];
    }
    if (args[0].kind == CEL_INT || is_json_number(args[0])) {
        if (!cel_value_to_int(args[0], &value.as.moment.seconds)) {
            return range_error(eval, node);
        }
        value.as.moment.nanos = 0;
    } else if (args[0].kind != CEL_STRING) {
        return cel_eval_no_overload(eval, node, args, count);
    } else if (!cel_text_to_timestamp(args[0].as.text, &value.as.moment)) {
        return no_text(eval, node, args[0]);
    }
    if (value.as.moment.seconds < MOMENT_MIN || value.as.moment.seconds > MOMENT_MAX) {
        return range_error(eval, node);
    }
    return value;
}

static struct cel_value to_duration(struct cel_eval *eval, const struct node *node,
                                    const struct cel_value *args, size_t count)
{
    struct cel_value value = {.kind = CEL_DURATION};

    if (args[0].kind == CEL_DURATION) {
        return args[0];
    }
    if (args[0].kind != CEL_STRING) {
        return cel_eval_no_overload(eval, node, args, count);
    }
    return cel_text_to_duration(args[0].as.text, &value.as.number) ? value
                                                                   : no_text(eval, node, args[0]);
}

/* Types ---------------------------------------------------------------------------------------- */

static struct cel_value to_dyn(struct cel_eval *eval, const struct node *node,
                               const struct cel_value *args, size_t count)
{
    (void)eval;
    (void)node;
    (void)count;
    return args[0];
}

static struct cel_value type_of(struct cel_eval *eval, const struct node *node,
                                const struct cel_value *args, size_t count)
{
    (void)eval;
    (void)node;
    (void)count;
    return (struct cel_value){.kind = CEL_TYPE, .as.text = cel_value_type_name(args[0])};
}

const struct builtin cel_builtin_conversions[] = {
    {STR("int"), "i:i u:i d:i s:i t:i r:i", to_int, 1},
    {STR("uint"), "u:u i:u d:u s:u", to_uint, 1},
    {STR("double"), "d:d i:d u:d s:d", to_double, 1},
    {STR("bool"), "b:b s:b", to_bool, 1},
    {STR("string"), "s:s i:s u:s d:s b:s y:s t:s r:s", to_string, 2},
    {STR("bytes"), "y:y s:y", to_bytes, 0},
    {STR("timestamp"), "t:t s:t i:t", to_timestamp, 1},
    {STR("duration"), "r:r s:r", to_duration, 1},
    {STR("dyn"), "A:*", to_dyn, 0},
    {STR("type"), "A:TA", type_of, 0},
    {.name = {NULL, 0}},
};
