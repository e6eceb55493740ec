/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers and times as text, in both directions, without a locale.
 */
#include "cel/inner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DOUBLE_TEXT_MAX                                                                            \
    400 /* of a double in a literal: its longest exact form has 330 digits before e */

/* Doubles -------------------------------------------------------------------------------------- */

static size_t skip_digits(struct str text, size_t at)
{
    while (at < text.n && text.p[at] >= '0' && text.p[at] <= '9') {
        at++;
    }
    return at;
}

/* [sign] digits [. digits] [e [sign] digits], with a digit somewhere in front of the e. */
static bool is_double(struct str text)
{
    size_t at = text.n && (text.p[0] == '-' || text.p[0] == '+');
    size_t digits = at;

    at = skip_digits(text, at);
    digits = at - digits;
    if (at < text.n && text.p[at] == '.') {
        size_t from = ++at;
        at = skip_digits(text, at);
        digits += at - from;
    }
    if (digits > 0 && at < text.n && (text.p[at] | 0x20) == 'e') {
        size_t from =
            at + 1 + (at + 1 < text.n && (text.p[at + 1] == '-' || text.p[at + 1] == '+'));
        at = skip_digits(text, from);
        digits = at - from;
    }
    return digits > 0 && at == text.n;
}

bool cel_text_to_double(struct str text, double *out)
{
    char copy[DOUBLE_TEXT_MAX];

    if (text.n >= sizeof(copy) || !is_double(text)) {
        return false;
    }
    (void)snprintf(copy, sizeof(copy), "%.*s", STR_ARG(text));
    *out = strtod(copy, NULL); /* the program never leaves the C locale */
    return isfinite(*out);
}

void cel_text_of_double(struct buf *buf, double value)
{
    char form[JSON_NUMBER_MAX];

    if (isnan(value)) {
        buf_lit(buf, "NaN");
    } else if (isinf(value)) {
        buf_add(buf, value > 0 ? S("Infinity") : S("-Infinity"));
    } else {
        buf_add(buf, json_format_double(value, form));
    }
}

/* Calendar ------------------------------------------------------------------------------------- */

/* Howard Hinnant's days_from_civil: eras of 400 years that begin in March. */
int64_t cel_civil_days(int64_t year, int month, int day)
{
    int64_t era, of_era, of_year;

    year -= month <= 2;
    era = (year >= 0 ? year : year - 399) / 400;
    of_era = year - era * 400;
    of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void cel_civil_of(int64_t seconds, struct civil *out)
{
    int64_t days = seconds / 86400 - (seconds % 86400 < 0), rest = seconds - days * 86400;
    int64_t shifted = days + 719468, era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t of_era = shifted - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;

    out->day = (int)(of_year - (153 * month + 2) / 5 + 1);
    out->month = (int)(month < 10 ? month + 3 : month - 9);
    out->year = year + era * 400 + (out->month <= 2);
    out->hour = (int)(rest / 3600);
    out->minute = (int)(rest % 3600 / 60);
    out->second = (int)(rest % 60);
    out->weekday = (int)(((days + 4) % 7 + 7) % 7);
    out->yearday = (int)(days - cel_civil_days(out->year, 1, 1));
}

static int month_days(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (leap && month == 2);
}

/* Timestamps ----------------------------------------------------------------------------------- */

/* `n` digits at `at`; -1 if they are none. */
static int digits_at(struct str text, size_t at, size_t n)
{
    int value = 0;

    if (at + n > text.n) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        char c = text.p[at + i];
        if (c < '0' || c > '9') {
            return -1;
        }
        value = value * 10 + (c - '0');
    }
    return value;
}

static bool char_at(struct str text, size_t at, const char *any)
{
    return at < text.n && text.p[at] && strchr(any, text.p[at]) != NULL;
}

/* The date and time in front of the fraction, as if UTC. */
static bool read_civil(struct str text, int64_t *seconds)
{
    int year = digits_at(text, 0, 4), month = digits_at(text, 5, 2), day = digits_at(text, 8, 2);
    int hour = digits_at(text, 11, 2), minute = digits_at(text, 14, 2);
    int second = digits_at(text, 17, 2);

    if (!char_at(text, 4, "-") || !char_at(text, 7, "-") || !char_at(text, 10, "Tt") ||
        !char_at(text, 13, ":") || !char_at(text, 16, ":") || year < 0 || month < 1 || month > 12 ||
        day < 1 || day > month_days(year, month) || hour < 0 || hour > 23 || minute < 0 ||
        minute > 59 || second < 0 || second > 59) {
        return false;
    }
    *seconds = cel_civil_days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}

/* Seconds east of UTC; false when it is none. */
static bool read_offset(struct str text, int64_t *offset)
{
    int hours = digits_at(text, 1, 2), minutes = digits_at(text, 4, 2);

    if (text.n == 1 && (text.p[0] == 'Z' || text.p[0] == 'z')) {
        *offset = 0;
        return true;
    }
    if (text.n != 6 || !char_at(text, 0, "+-") || text.p[3] != ':' || hours < 0 || hours > 23 ||
        minutes < 0 || minutes > 59) {
        return false;
    }
    *offset = (hours * 3600 + minutes * 60) * (text.p[0] == '-' ? -1 : 1);
    return true;
}

bool cel_text_to_timestamp(struct str text, struct cel_moment *out)
{
    size_t at = 19;
    int64_t seconds, offset;
    int32_t nanos = 0, scale = (int32_t)NANOS;

    if (!read_civil(text, &seconds)) {
        return false;
    }
    if (char_at(text, at, ".")) {
        size_t from = ++at;
        for (; at < text.n && text.p[at] >= '0' && text.p[at] <= '9' && at < from + 9; at++) {
            scale /= 10;
            nanos += (text.p[at] - '0') * scale;
        }
        if (at == from) {
            return false;
        }
    }
    if (!read_offset(str_skip(text, at), &offset)) {
        return false;
    }
    *out = (struct cel_moment){seconds - offset, nanos};
    return true;
}

/* ".5" of 500,000,000; nothing of 0. */
static void add_nanos(struct buf *buf, int64_t nanos)
{
    char digits[16];
    int n;

    if (nanos == 0) {
        return;
    }
    n = snprintf(digits, sizeof(digits), ".%09lld", (long long)nanos);
    while (n > 0 && digits[n - 1] == '0') {
        n--;
    }
    buf_add(buf, (struct str){digits, (size_t)n});
}

void cel_text_of_timestamp(struct buf *buf, struct cel_moment moment)
{
    struct civil at;

    cel_civil_of(moment.seconds, &at);
    buf_printf(buf, "%04lld-%02d-%02dT%02d:%02d:%02d", (long long)at.year, at.month, at.day,
               at.hour, at.minute, at.second);
    add_nanos(buf, moment.nanos);
    buf_add_char(buf, 'Z');
}

/* Durations ------------------------------------------------------------------------------------ */

void cel_text_of_duration(struct buf *buf, int64_t nanos)
{
    uint64_t size = nanos < 0 ? 0 - (uint64_t)nanos : (uint64_t)nanos;

    if (nanos < 0) {
        buf_add_char(buf, '-');
    }
    buf_add_u64(buf, size / (uint64_t)NANOS);
    add_nanos(buf, (int64_t)(size % (uint64_t)NANOS));
    buf_add_char(buf, 's');
}

static const struct {
    struct str name; /* longer names first where one begins another */
    uint64_t nanos;
} units[] = {
    {STR("ns"), 1},           {STR("us"), 1000},         {STR("\xC2\xB5s"), 1000},
    {STR("\xCE\xBCs"), 1000}, {STR("ms"), 1000000},      {STR("s"), 1000000000},
    {STR("m"), 60000000000},  {STR("h"), 3600000000000},
};

/* The unit at the start of `*rest`, behind which it moves; 0 when there is none. */
static uint64_t take_unit(struct str *rest)
{
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (str_starts(*rest, units[i].name)) {
            *rest = str_skip(*rest, units[i].name.n);
            return units[i].nanos;
        }
    }
    return 0;
}

/* Reads one `1.5h` and adds it. */
static bool take_part(struct str *rest, uint64_t *total)
{
    uint64_t whole = 0, unit, part, fraction = 0, scale = 1;
    size_t n = 0, digits = 0;

    for (; n < rest->n && rest->p[n] >= '0' && rest->p[n] <= '9'; n++, digits++) {
        if (__builtin_mul_overflow(whole, 10u, &whole) ||
            __builtin_add_overflow(whole, (uint64_t)(rest->p[n] - '0'), &whole)) {
            return false;
        }
    }
    if (n < rest->n && rest->p[n] == '.') {
        for (n++; n < rest->n && rest->p[n] >= '0' && rest->p[n] <= '9'; n++, digits++) {
            if (scale < UINT64_C(10000000000000)) { /* smaller makes no nanosecond of an hour */
                fraction = fraction * 10 + (uint64_t)(rest->p[n] - '0');
                scale *= 10;
            }
        }
    }
    *rest = str_skip(*rest, n);
    unit = take_unit(rest);
    if (digits == 0 || unit == 0 || __builtin_mul_overflow(whole, unit, &part)) {
        return false;
    }
    fraction = (uint64_t)((double)fraction * ((double)unit / (double)scale)); /* as Go reads it */
    return !__builtin_add_overflow(part, fraction, &part) &&
           !__builtin_add_overflow(*total, part, total);
}

bool cel_text_to_duration(struct str text, int64_t *nanos)
{
    bool negative = text.n && text.p[0] == '-';
    uint64_t total = 0;

    if (text.n && (text.p[0] == '-' || text.p[0] == '+')) {
        text = str_skip(text, 1);
    }
    if (str_eq(text, S("0"))) {
        *nanos = 0;
        return true;
    }
    if (text.n == 0) {
        return false;
    }
    while (text.n) {
        if (!take_part(&text, &total)) {
            return false;
        }
    }
    if (total > INT64_MAX) {
        return false;
    }
    *nanos = negative ? -(int64_t)total : (int64_t)total;
    return true;
}

/* Characters ----------------------------------------------------------------------------------- */

void cel_text_add_code_point(struct buf *buf, uint32_t code)
{
    if (code < 0x80) {
        buf_add_char(buf, (char)code);
    } else if (code < 0x800) {
        buf_add_char(buf, (char)(0xC0 | code >> 6));
        buf_add_char(buf, (char)(0x80 | (code & 0x3F)));
    } else if (code < 0x10000) {
        buf_add_char(buf, (char)(0xE0 | code >> 12));
        buf_add_char(buf, (char)(0x80 | (code >> 6 & 0x3F)));
        buf_add_char(buf, (char)(0x80 | (code & 0x3F)));
    } else {
        buf_add_char(buf, (char)(0xF0 | code >> 18));
        buf_add_char(buf, (char)(0x80 | (code >> 12 & 0x3F)));
        buf_add_char(buf, (char)(0x80 | (code >> 6 & 0x3F)));
        buf_add_char(buf, (char)(0x80 | (code & 0x3F)));
    }
}

void cel_text_quote(struct buf *buf, struct str text, char quote)
{
    static const char letters[] = "abtnvfr"; /* of the characters 7 to 13 */

    buf_add_char(buf, quote);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c >= 7 && c <= 13) {
            buf_add_char(buf, '\\');
            buf_add_char(buf, letters[c - 7]);
        } else {
            if (c == '\\' || c == quote) {
                buf_add_char(buf, '\\');
            }
            buf_add_char(buf, c);
        }
    }
    buf_add_char(buf, quote);
}
