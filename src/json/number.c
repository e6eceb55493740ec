/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers: from the token of a text to the form of RFC 8785, and from a double to that form.
 *
 * A number must never change on its way: what a person approves is what runs. So a token is
 * accepted only if a reader with IEEE doubles (every JavaScript, most JSON libraries) keeps it,
 * which is to say if its canonical form is numerically the token.
 *
 * 1. A decimal of at most 15 significant digits survives a normal double (DBL_DIG), and no other
 *    decimal of so few digits means the same double: its canonical form are its own digits.
 * 2. 17 digits tell every double from its neighbours; a token with more cannot be a shortest form.
 * 3. The C library reads only digits and an exponent, never a decimal point: no locale matters.
 */
#include "json/inner.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DIGITS_SAFE 15 /* invariant 1 */
#define DIGITS_MAX 17  /* invariant 2 */
#define INTEGER_MAX (UINT64_C(1) << 53)
#define INTEGER_DIGITS 16   /* of 9007199254740992 */
#define POINT_NORMAL (-290) /* 0.1e-290 is well above the smallest normal double, 2.2e-308 */
#define EXPONENT_CLAMP INT64_C(1000000000000000) /* far beyond any token's length: no overflow */
#define POWER_EXACT 22 /* 10^22 is the last power of ten that a double holds exactly */

static const char BEYOND[] = "a number beyond 2^53 is not kept exactly; send it as a string";
static const char INEXACT[] =
    "a number that a double does not keep exactly; send fewer digits, or send it as a string";

/* 0.DIGITS * 10^point, the first and the last digit not 0; count 0 is zero. */
struct decimal {
    int64_t point;
    int64_t zeros; /* seen behind the last digit: dropped unless another digit follows */
    unsigned count;
    bool negative;
    bool excess; /* had more than DIGITS_MAX digits: the rest is cut off */
    char digits[DIGITS_MAX];
};

/* Canonical form ---------------------------------------------------------------------------- */

static char *put_digits(char *at, const char *digits, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        *at++ = digits[i];
    }
    return at;
}

static char *put_zeros(char *at, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        *at++ = '0';
    }
    return at;
}

/* e, a sign and up to three digits. */
static char *put_exponent(char *at, int64_t exponent)
{
    int64_t size = exponent < 0 ? -exponent : exponent;

    *at++ = 'e';
    *at++ = exponent < 0 ? '-' : '+';
    if (size >= 100) {
        *at++ = (char)('0' + size / 100);
    }
    if (size >= 10) {
        *at++ = (char)('0' + size / 10 % 10);
    }
    *at++ = (char)('0' + size % 10);
    return at;
}

static char *put_scientific(char *at, const struct decimal *d)
{
    *at++ = d->digits[0];
    if (d->count > 1) {
        *at++ = '.';
        at = put_digits(at, d->digits + 1, d->count - 1);
    }
    return put_exponent(at, d->point - 1);
}

/*= ECMA-262 6.1.6.1.20 Number::toString, steps 6 to 10; RFC 8785 3.2.2.3 */
static struct str decimal_format(const struct decimal *d, char out[JSON_NUMBER_MAX])
{
    char *at = out;

    if (d->count == 0) {
        return S("0"); /* and never -0 */
    }
    if (d->negative) {
        *at++ = '-';
    }
    if (d->point > 21 || d->point <= -6) {
        at = put_scientific(at, d);
    } else if (d->point <= 0) {
        *at++ = '0';
        *at++ = '.';
        at = put_digits(put_zeros(at, -d->point), d->digits, d->count);
    } else if (d->point >= d->count) {
        at = put_zeros(put_digits(at, d->digits, d->count), d->point - d->count);
    } else {
        at = put_digits(at, d->digits, d->point);
        *at++ = '.';
        at = put_digits(at, d->digits + d->point, d->count - d->point);
    }
    return (struct str){out, (size_t)(at - out)};
}

/* Tokens ------------------------------------------------------------------------------------ */

static inline bool is_digit(const char *at, const char *end)
{
    return at < end && *at >= '0' && *at <= '9';
}

static void decimal_add(struct decimal *d, char digit, bool fraction)
{
    if (digit == '0' && d->count == 0) {
        d->point -= fraction;
        return;
    }
    d->point += !fraction;
    if (digit == '0') {
        d->zeros++;
        return;
    }
    for (; d->zeros > 0 && d->count < DIGITS_MAX; d->zeros--) {
        d->digits[d->count++] = '0';
    }
    if (d->count == DIGITS_MAX) {
        d->excess = true;
        return;
    }
    d->digits[d->count++] = digit;
}

/* Reads digits into `d`; the first byte behind them, or NULL if there is none. */
static const char *scan_digits(const char *at, const char *end, struct decimal *d, bool fraction)
{
    if (!is_digit(at, end)) {
        return NULL;
    }
    for (; is_digit(at, end); at++) {
        decimal_add(d, *at, fraction);
    }
    return at;
}

static const char *scan_exponent(const char *at, const char *end, struct decimal *d)
{
    int64_t exponent = 0;
    bool negative = at < end && *at == '-';

    at += at < end && (*at == '-' || *at == '+');
    if (!is_digit(at, end)) {
        return NULL;
    }
    for (; is_digit(at, end); at++) {
        if (exponent < EXPONENT_CLAMP) {
            exponent = exponent * 10 + (*at - '0');
        }
    }
    d->point += negative ? -exponent : exponent;
    return at;
}

/* The grammar of RFC 8259 section 6. `*rest` moves behind what was read. */
static const char *scan_token(const char **rest, const char *end, struct decimal *d)
{
    static const char missing[] = "a digit is missing in a number";
    const char *at = *rest;
    bool zero;

    d->negative = at < end && *at == '-';
    at += d->negative;
    *rest = at;
    zero = at < end && *at == '0';
    if (zero && is_digit(at + 1, end)) {
        return "a number begins with a needless 0";
    }
    at = scan_digits(at, end, d, false);
    if (at && at < end && *at == '.') {
        *rest = at + 1;
        at = scan_digits(at + 1, end, d, true);
    }
    if (at && at < end && (*at == 'e' || *at == 'E')) {
        *rest = at + 1;
        at = scan_exponent(at + 1, end, d);
    }
    if (!at) {
        return missing;
    }
    *rest = at;
    return NULL;
}

/* Doubles ----------------------------------------------------------------------------------- */

static uint64_t decimal_digits(const struct decimal *d)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < d->count; i++) {
        value = value * 10 + (uint64_t)(d->digits[i] - '0');
    }
    return value;
}

/* The nearest double to the digits, sign left aside. `point` is between -900 and 900. */
static double decimal_double(const struct decimal *d)
{
    static const double powers[POWER_EXACT + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    int64_t exponent = d->point - d->count;
    char text[JSON_NUMBER_MAX];

    if (d->count <= DIGITS_SAFE && exponent >= -POWER_EXACT && exponent <= POWER_EXACT) {
        double digits = (double)decimal_digits(d); /* both operands exact: one correct rounding */
        return exponent < 0 ? digits / powers[-exponent] : digits * powers[exponent];
    }
    *put_exponent(put_digits(text, d->digits, d->count), exponent) = '\0';
    return strtod(text, NULL);
}

/* `value` rounded to `count` digits, trailing zeros kept. Only digits are read of what printf
 * wrote, so that the locale's decimal point does not matter. */
static void decimal_round(double value, unsigned count, struct decimal *d)
{
    char text[DIGITS_MAX + 24];
    const char *at = text;

    (void)snprintf(text, sizeof(text), "%.*e", (int)count - 1, value);
    for (d->count = 0; *at != 'e'; at++) {
        if (*at >= '0' && *at <= '9') {
            d->digits[d->count++] = *at;
        }
    }
    d->point = strtol(at + 1, NULL, 10) + 1;
}

/* The next decimal of the same number of digits, away from zero. */
static void decimal_step(struct decimal *d)
{
    unsigned i = d->count;

    while (i > 0 && d->digits[i - 1] == '9') {
        d->digits[--i] = '0';
    }
    if (i > 0) {
        d->digits[i - 1]++;
        return;
    }
    d->digits[0] = '1'; /* 99..9 became 00..0: now 10..0 and one place more */
    d->point++;
}

/* Looks for a decimal of `count` digits that means `value` (finite, above zero); the closest if there
 * are several. If there is one of `count` digits, there is one of any greater count.
 *
 * Correct rounding finds it where the doubles around `value` are spaced evenly. Below a power of two
 * they stand half as far apart as above: there the rounded decimal may fall out of the narrow lower
 * half while its upper neighbour, though farther away, still lies within the wide one. */
static bool decimal_find(double value, unsigned count, struct decimal *d)
{
    int exponent;

    decimal_round(value, count, d);
    if (decimal_double(d) == value) {
        return true;
    }
    if (frexp(value, &exponent) > 0.5) {
        return false;
    }
    decimal_step(d);
    return decimal_double(d) == value;
}

/* The fewest digits that mean `value` (finite, above zero) and, of those, the closest. */
static void decimal_shortest(double value, struct decimal *d)
{
    unsigned count = value < DBL_MIN ? 1 : DIGITS_SAFE; /* fewer of a normal one: by trimming */

    while (count < DIGITS_MAX && !decimal_find(value, count, d)) {
        count++;
    }
    if (count == DIGITS_MAX) {
        decimal_round(value, count, d); /* invariant 2: this one always means it */
    }
    while (d->count > 1 && d->digits[d->count - 1] == '0') {
        d->count--;
    }
}

/* Whether `d` (not zero, sign left aside) is the shortest form of the double nearest to it: the closest
 * of its length, and none is shorter. Two lengths tell; an outsider pays for many such tokens with no
 * more than two printf each. */
static bool decimal_survives(const struct decimal *d)
{
    struct decimal other = {0};
    double value = decimal_double(d);

    if (value <= 0 || !isfinite(value) || !decimal_find(value, d->count, &other) ||
        other.point != d->point ||
        !str_eq((struct str){other.digits, other.count}, (struct str){d->digits, d->count})) {
        return false;
    }
    return d->count == 1 || !decimal_find(value, d->count - 1, &other);
}

/* Reading ----------------------------------------------------------------------------------- */

/* What speaks against the number, or NULL. */
static const char *decimal_judge(const struct decimal *d)
{
    if (d->count == 0) {
        return NULL;
    }
    if (d->point > INTEGER_DIGITS) {
        return BEYOND;
    }
    if (d->excess) {
        return INEXACT;
    }
    if (d->point >= d->count) { /* an integer of at most 16 digits */
        uint64_t value = decimal_digits(d);
        for (int64_t i = d->count; i < d->point; i++) {
            value *= 10;
        }
        return value > INTEGER_MAX ? BEYOND : NULL;
    }
    if (d->count <= DIGITS_SAFE && d->point >= POINT_NORMAL) {
        return NULL;
    }
    if (d->point < DBL_MIN_10_EXP * 2) { /* nowhere near a double, whatever the digits */
        return INEXACT;
    }
    return decimal_survives(d) ? NULL : INEXACT;
}

/* The length of a plain integer of at most 15 digits, its own canonical form; 0 otherwise. */
static size_t plain_integer(struct str text)
{
    size_t start = text.n && text.p[0] == '-', at = start;

    while (at < text.n && at - start <= DIGITS_SAFE && text.p[at] >= '0' && text.p[at] <= '9') {
        at++;
    }
    if (at == start || at - start > DIGITS_SAFE || (text.p[start] == '0' && at > 1) ||
        (at < text.n && (text.p[at] == '.' || text.p[at] == 'e' || text.p[at] == 'E'))) {
        return 0;
    }
    return at;
}

const char *json_number_read(struct str text, char form[JSON_NUMBER_MAX], struct str *canonical,
                             size_t *length)
{
    struct decimal d = {0};
    const char *rest = text.p, *fault;

    *length = plain_integer(text);
    if (*length > 0) {
        *canonical = (struct str){text.p, *length};
        return NULL;
    }
    fault = scan_token(&rest, text.p + text.n, &d);
    *length = (size_t)(rest - text.p);
    if (fault) {
        return fault;
    }
    fault = decimal_judge(&d);
    if (fault) {
        *length = 0;
        return fault;
    }
    *canonical = decimal_format(&d, form);
    if (str_eq(*canonical, (struct str){text.p, *length})) {
        canonical->p = text.p;
    }
    return NULL;
}

double json_number(const struct json *value)
{
    struct decimal d = {0};
    const char *rest;
    double size;

    if (!value || value->kind != JSON_NUMBER) {
        return 0;
    }
    rest = value->as.text.p;
    if (scan_token(&rest, rest + value->as.text.n, &d) || d.count == 0) {
        return 0;
    }
    size = decimal_double(&d);
    return d.negative ? -size : size;
}

struct str json_format_double(double value, char out[JSON_NUMBER_MAX])
{
    struct decimal d = {0};

    if (!isfinite(value)) {
        return S("null"); /* as JSON.stringify has it; no caller gets here with what it read */
    }
    d.negative = value < 0;
    value = fabs(value);
    if (value > 0) {
        decimal_shortest(value, &d);
    }
    return decimal_format(&d, out);
}
