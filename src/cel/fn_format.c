/* SPDX-License-Identifier: Apache-2.0
 *
 * 'text'.format([...]): %s %d %f %e %b %o %x %X and %%, with a precision for %f and %e.
 */
#include "cel/inner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define FORMAT_MAX    MIB
#define PRECISION_MAX 100
#define DOUBLE_MAX    512 /* of %f: 309 digits, a point, and the precision */

struct format {
    struct cel_eval *eval;
    const struct node *node;
    struct buf out;
    struct cel_value failed; /* CEL_ERROR once something was wrong */
};

static void fail_on(struct format *format, const char *what, struct cel_value value)
{
    format->failed = cel_eval_fail(format->eval, format->node, "%s, and this is %.*s", what,
                                   STR_ARG(cel_value_type_name(value)));
}

/* %s ------------------------------------------------------------------------------------------- */

static void add_text(struct format *format, struct buf *out, struct cel_value value,
                     unsigned depth);

static void add_list(struct format *format, struct buf *out, struct cel_value list, unsigned depth)
{
    size_t count = cel_size(list);

    buf_add_char(out, '[');
    for (size_t i = 0; i < count && !is_error(format->failed); i++) {
        buf_add(out, i ? S(", ") : S(""));
        add_text(format, out, cel_item(list, i), depth);
    }
    buf_add_char(out, ']');
}

struct line {
    struct str key, text;
};

static int line_order(const void *a, const void *b)
{
    return str_cmp(((const struct line *)a)->key, ((const struct line *)b)->key);
}

/* The text of a value, in the arena. */
static struct str text_in_arena(struct format *format, struct cel_value value, unsigned depth)
{
    AUTO(buf_done) struct buf buf = BUF_INIT(FORMAT_MAX);
    struct str copy;

    add_text(format, &buf, value, depth);
    copy = buf_ok(&buf) ? arena_copy(format->eval->arena, buf_str(&buf)) : STR_NONE;
    if (!copy.p && !is_error(format->failed)) {
        format->failed = cel_eval_no_memory();
    }
    return copy;
}

/* Entries in the order of their keys as text. */
static void add_map(struct format *format, struct buf *out, struct cel_value map, unsigned depth)
{
    size_t count = cel_size(map);
    struct line *lines = arena_alloc(format->eval->arena, (count + 1) * sizeof(*lines));

    if (!lines) {
        format->failed = cel_eval_no_memory();
        return;
    }
    for (size_t i = 0; i < count && !is_error(format->failed); i++) {
        struct cel_entry entry = cel_value_entry(map, i);
        lines[i] = (struct line){text_in_arena(format, entry.key, depth),
                                 text_in_arena(format, entry.value, depth)};
    }
    if (is_error(format->failed)) {
        return;
    }
    qsort(lines, count, sizeof(*lines), line_order);
    buf_add_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        buf_add(out, i ? S(", ") : S(""));
        buf_add(out, lines[i].key);
        buf_lit(out, ": ");
        buf_add(out, lines[i].text);
    }
    buf_add_char(out, '}');
}

static void add_scalar(struct format *format, struct buf *out, struct cel_value value)
{
    switch (value.kind) {
    case CEL_NULL:
        buf_lit(out, "null");
        return;
    case CEL_BOOL:
        buf_add(out, value.as.yes ? S("true") : S("false"));
        return;
    case CEL_INT:
        buf_printf(out, "%lld", (long long)value.as.number);
        return;
    case CEL_UINT:
        buf_add_u64(out, value.as.natural);
        return;
    case CEL_DOUBLE:
        cel_text_of_double(out, value.as.real);
        return;
    case CEL_STRING:
    case CEL_BYTES:
    case CEL_TYPE:
        buf_add(out, value.as.text);
        return;
    case CEL_TIMESTAMP:
        cel_text_of_timestamp(out, value.as.moment);
        return;
    case CEL_DURATION:
        cel_text_of_duration(out, value.as.number);
        return;
    default:
        fail_on(format, "%s shows texts, numbers, times, lists and maps", value);
    }
}

static void add_text(struct format *format, struct buf *out, struct cel_value value, unsigned depth)
{
    if (depth == 0 || !eval_pay(format->eval, 2) || !buf_ok(out)) {
        format->failed = buf_ok(out) ? cel_eval_too_costly() : cel_eval_no_memory();
        return;
    }
    if (value.kind == CEL_LIST) {
        add_list(format, out, value, depth - 1);
    } else if (value.kind == CEL_MAP) {
        add_map(format, out, value, depth - 1);
    } else if ((value.kind == CEL_STRING || value.kind == CEL_BYTES) &&
               !cel_pay_bytes(format->eval, value.as.text.n)) {
        format->failed = cel_eval_too_costly();
    } else {
        add_scalar(format, out, value);
    }
}

/* Numbers -------------------------------------------------------------------------------------- */

static void add_decimal(struct format *format, struct cel_value value)
{
    if (value.kind == CEL_INT || value.kind == CEL_UINT || value.kind == CEL_DOUBLE) {
        add_scalar(format, &format->out, value);
        return;
    }
    fail_on(format, "%d shows numbers", value);
}

static void add_fixed(struct format *format, struct cel_value value, char clause, int precision)
{
    char text[DOUBLE_MAX];
    double real;

    if (!cel_to_double(value, &real)) {
        fail_on(format, clause == 'f' ? "%f shows numbers" : "%e shows numbers", value);
        return;
    }
    if (!isfinite(real)) {
        cel_text_of_double(&format->out, real);
        return;
    }
    (void)snprintf(text, sizeof(text), clause == 'f' ? "%.*f" : "%.*e", precision, real);
    buf_add(&format->out, str_of(text));
}

/* An integer in a base; negative ones with their sign. */
static void add_based(struct buf *out, bool negative, uint64_t size, unsigned base,
                      const char *digits)
{
    char text[65];
    size_t at = sizeof(text);

    do {
        text[--at] = digits[size % base];
        size /= base;
    } while (size > 0);
    buf_add(out, negative ? S("-") : S(""));
    buf_add(out, (struct str){text + at, sizeof(text) - at});
}

static void add_integer(struct format *format, struct cel_value value, unsigned base,
                        const char *digits, const char *what)
{
    int64_t number;

    if (value.kind == CEL_UINT) {
        add_based(&format->out, false, value.as.natural, base, digits);
    } else if (value.kind == CEL_INT ||
               (is_json_number(value) && cel_value_to_int(value, &number))) {
        (void)cel_value_to_int(value, &number);
        add_based(&format->out, number < 0, number < 0 ? 0 - (uint64_t)number : (uint64_t)number,
                  base, digits);
    } else {
        fail_on(format, what, value);
    }
}

static void add_hex(struct format *format, struct cel_value value, const char *digits)
{
    if (value.kind != CEL_STRING && value.kind != CEL_BYTES) {
        add_integer(format, value, 16, digits, "%x shows ints, uints, strings and bytes");
        return;
    }
    if (!cel_pay_bytes(format->eval, 4 * value.as.text.n)) {
        format->failed = cel_eval_too_costly();
        return;
    }
    for (size_t i = 0; i < value.as.text.n; i++) {
        unsigned char c = (unsigned char)value.as.text.p[i];
        buf_add_char(&format->out, digits[c >> 4]);
        buf_add_char(&format->out, digits[c & 15]);
    }
}

/* Clauses -------------------------------------------------------------------------------------- */

static void add_clause(struct format *format, char clause, int precision, struct cel_value value)
{
    static const char low[] = "0123456789abcdef", high[] = "0123456789ABCDEF";

    switch (clause) {
    case 's':
        add_text(format, &format->out, value, VALUE_DEPTH_MAX);
        return;
    case 'd':
        add_decimal(format, value);
        return;
    case 'f':
    case 'e':
        add_fixed(format, value, clause, precision);
        return;
    case 'b':
        if (value.kind == CEL_BOOL) {
            buf_add_char(&format->out, value.as.yes ? '1' : '0');
            return;
        }
        add_integer(format, value, 2, low, "%b shows ints, uints and bools");
        return;
    case 'o':
        add_integer(format, value, 8, low, "%o shows ints and uints");
        return;
    case 'x':
    case 'X':
        add_hex(format, value, clause == 'x' ? low : high);
        return;
    default:
        format->failed =
            cel_eval_fail(format->eval, format->node,
                          "%%%c is no clause; %%s %%d %%f %%e %%b %%o %%x %%X %%%% are",
                          clause > 32 && clause < 127 ? clause : '?');
    }
}

/* The precision behind a point at text[*at]; false when it is none. */
static bool read_precision(struct str text, size_t *at, int *precision)
{
    int value = 0;
    size_t from = ++*at;

    while (*at < text.n && text.p[*at] >= '0' && text.p[*at] <= '9' && value <= PRECISION_MAX) {
        value = value * 10 + (text.p[(*at)++] - '0');
    }
    *precision = value;
    return *at > from && value <= PRECISION_MAX;
}

/* Reads the clause at text[*at], which is behind its %. */
static void format_one(struct format *format, struct str text, size_t *at, struct cel_value list,
                       size_t *used)
{
    int precision = 6;

    if (*at < text.n && text.p[*at] == '.' && !read_precision(text, at, &precision)) {
        format->failed = cel_eval_fail(format->eval, format->node,
                                       "a precision is a number up to %d", PRECISION_MAX);
        return;
    }
    if (*at == text.n) {
        format->failed = cel_eval_fail(format->eval, format->node, "the text ends in a single %%");
        return;
    }
    if (*used == cel_size(list)) {
        format->failed =
            cel_eval_fail(format->eval, format->node,
                          "index %zu out of range: the list has no value for this clause", *used);
        return;
    }
    add_clause(format, text.p[(*at)++], precision, cel_item(list, (*used)++));
}

static void format_all(struct format *format, struct str text, struct cel_value list)
{
    size_t used = 0;

    for (size_t i = 0; i < text.n && !is_error(format->failed);) {
        char c = text.p[i++];
        if (c != '%') {
            buf_add_char(&format->out, c);
        } else if (i < text.n && text.p[i] == '%') {
            buf_add_char(&format->out, '%');
            i++;
        } else if (!eval_pay(format->eval, 32)) { /* a double of 1e300 takes 4 us */
            format->failed = cel_eval_too_costly();
        } else {
            format_one(format, text, &i, list, &used);
        }
    }
}

struct cel_value cel_text_format(struct cel_eval *eval, const struct node *node,
                                 const struct cel_value *args, size_t count)
{
    struct format format = {.eval = eval, .node = node, .out = BUF_INIT(FORMAT_MAX)};
    struct cel_value value;

    if (args[0].kind != CEL_STRING || args[1].kind != CEL_LIST) {
        return cel_eval_no_overload(eval, node, args, count);
    }
    if (!cel_pay_bytes(eval, 4 * args[0].as.text.n)) {
        return cel_eval_too_costly();
    }
    format_all(&format, args[0].as.text, args[1]);
    value = is_error(format.failed) ? format.failed : cel_value_text_of(eval, &format.out);
    buf_done(&format.out);
    return value;
}
