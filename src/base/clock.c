/* SPDX-License-Identifier: Apache-2.0
 *
 * The only source of time, and its text forms. Days are counted with the proleptic Gregorian calendar
 * arithmetic of civil dates, so that no locale, time zone or leap-second table is involved.
 */
#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

static _Atomic int64_t virtual_us;

static int64_t read_clock(clockid_t which)
{
    struct timespec now;

    clock_gettime(which, &now);
    return (int64_t)now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

/* Wall clock minus monotonic clock, as last adopted; 0 before the first use. */
static _Atomic int64_t offset_us, reported_us;

int64_t clock_now_us(void)
{
    int64_t fixed = atomic_load_explicit(&virtual_us, memory_order_relaxed);
    int64_t offset = atomic_load_explicit(&offset_us, memory_order_relaxed);

    if (fixed) {
        return fixed;
    }
    if (offset == 0) {
        offset = read_clock(CLOCK_REALTIME) - read_clock(CLOCK_MONOTONIC);
        atomic_store(&offset_us, offset);
    }
    return read_clock(CLOCK_MONOTONIC) + offset;
}

int64_t clock_follow(void)
{
    int64_t wall = read_clock(CLOCK_REALTIME) - read_clock(CLOCK_MONOTONIC);
    int64_t jump = wall - atomic_load(&offset_us);

    if (atomic_load(&offset_us) == 0 || (jump <= CLOCK_FOLLOW_US && jump >= -CLOCK_FOLLOW_US)) {
        atomic_store(&offset_us, wall);
        atomic_store(&reported_us, 0);
        return 0;
    }
    if (atomic_exchange(&reported_us, wall) == 0) {
        return jump;
    }
    return 0;
}

int64_t clock_ahead_us(void)
{
    return read_clock(CLOCK_REALTIME) - clock_now_us();
}

int64_t clock_monotonic_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void clock_set_virtual_us(int64_t now_us)
{
    atomic_store(&virtual_us, now_us);
}

struct date {
    int64_t year;
    int month, day;
};

/* Days since 1970-01-01 of a civil date; years are counted from March so that leap days come last. */
static int64_t days_of(struct date date)
{
    int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    int64_t era = year / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

static struct date date_of(int64_t days)
{
    int64_t z = days + 719468;
    int64_t era = z / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    struct date date = {.year = year_of_era + era * 400,
                        .month = (int)(month < 10 ? month + 3 : month - 9),
                        .day = (int)(day_of_year - (153 * month + 2) / 5 + 1)};

    date.year += date.month <= 2;
    return date;
}

static void put_digits(char *out, int64_t value, size_t digits)
{
    for (size_t i = digits; i-- > 0; value /= 10) {
        out[i] = (char)('0' + value % 10);
    }
}

struct str clock_format(int64_t at_us, char out[CLOCK_TEXT_SIZE])
{
    int64_t at = at_us < 0 ? 0 : at_us > 253402300799999999 ? 253402300799999999 : at_us;
    struct date date = date_of(at / DAY_US);
    int64_t ms = at % DAY_US / 1000;

    memcpy(out, "0000-00-00T00:00:00.000Z", CLOCK_TEXT_SIZE);
    put_digits(out, date.year, 4);
    put_digits(out + 5, date.month, 2);
    put_digits(out + 8, date.day, 2);
    put_digits(out + 11, ms / 3600000, 2);
    put_digits(out + 14, ms / 60000 % 60, 2);
    put_digits(out + 17, ms / 1000 % 60, 2);
    put_digits(out + 20, ms % 1000, 3);
    return (struct str){out, CLOCK_TEXT_SIZE - 1};
}

void buf_add_time(struct buf *buf, int64_t at_us)
{
    char text[CLOCK_TEXT_SIZE];

    buf_add(buf, clock_format(at_us, text));
}

/* Reads `digits` digits at `*at`; -1 when they are not there. */
static int take_digits(struct str text, size_t *at, size_t digits)
{
    int value = 0;

    if (text.n - *at < digits || *at > text.n) {
        return -1;
    }
    for (size_t i = 0; i < digits; i++) {
        char c = text.p[(*at)++];
        if (c < '0' || c > '9') {
            return -1;
        }
        value = value * 10 + (c - '0');
    }
    return value;
}

static bool take_char(struct str text, size_t *at, char wanted)
{
    if (*at >= text.n || text.p[*at] != wanted) {
        return false;
    }
    (*at)++;
    return true;
}

/* ".123456789": microseconds, or -1. */
static int64_t take_fraction(struct str text, size_t *at)
{
    int64_t micros = 0, weight = SECOND_US / 10;
    size_t digits = 0;

    while (*at < text.n && text.p[*at] >= '0' && text.p[*at] <= '9') {
        micros += weight * (text.p[(*at)++] - '0');
        weight /= 10;
        digits++;
    }
    return digits >= 1 && digits <= 9 ? micros : -1;
}

/* "Z" or "+01:30": microseconds east of UTC. */
static bool take_offset(struct str text, size_t *at, int64_t *out_us)
{
    int sign, hours, minutes;

    *out_us = 0;
    if (take_char(text, at, 'Z')) {
        return true;
    }
    sign = take_char(text, at, '+') ? 1 : take_char(text, at, '-') ? -1 : 0;
    hours = sign ? take_digits(text, at, 2) : -1;
    if (hours < 0 || hours > 23 || !take_char(text, at, ':')) {
        return false;
    }
    minutes = take_digits(text, at, 2);
    *out_us = sign * (hours * HOUR_US + minutes * MINUTE_US);
    return minutes >= 0 && minutes <= 59;
}

static bool date_is_valid(struct date date)
{
    struct date again;

    if (date.year < 1970 || date.month < 1 || date.month > 12 || date.day < 1 || date.day > 31) {
        return false;
    }
    again = date_of(days_of(date));
    return again.month == date.month && again.day == date.day;
}

bool clock_parse(struct str text, int64_t *out_us)
{
    size_t at = 0;
    struct date date;
    int hour, minute, second;
    int64_t fraction = 0, offset;

    date.year = take_digits(text, &at, 4);
    if (!take_char(text, &at, '-')) {
        return false;
    }
    date.month = take_digits(text, &at, 2);
    if (!take_char(text, &at, '-')) {
        return false;
    }
    date.day = take_digits(text, &at, 2);
    if (!date_is_valid(date) || !take_char(text, &at, 'T')) {
        return false;
    }
    hour = take_digits(text, &at, 2);
    if (!take_char(text, &at, ':')) {
        return false;
    }
    minute = take_digits(text, &at, 2);
    if (!take_char(text, &at, ':')) {
        return false;
    }
    second = take_digits(text, &at, 2);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) {
        return false;
    }
    if (take_char(text, &at, '.')) {
        fraction = take_fraction(text, &at);
    }
    if (fraction < 0 || !take_offset(text, &at, &offset) || at != text.n) {
        return false;
    }
    *out_us = days_of(date) * DAY_US + hour * HOUR_US + minute * MINUTE_US + second * SECOND_US +
              fraction - offset;
    return true;
}


static const struct {
    char unit;
    int64_t us;
} duration_units[] = {
    {'w', 7 * DAY_US}, {'d', DAY_US}, {'h', HOUR_US}, {'m', MINUTE_US}, {'s', SECOND_US},
};

bool duration_parse(struct str text, int64_t *out_us)
{
    uint64_t count;

    if (text.n < 2 || text.n > 10 || !str_to_u64((struct str){text.p, text.n - 1}, &count)) {
        return false;
    }
    for (size_t i = 0; i < COUNT_OF(duration_units); i++) {
        if (text.p[text.n - 1] == duration_units[i].unit) {
            if (count > (uint64_t)(DURATION_MAX_US / duration_units[i].us)) {
                return false; /* before multiplying: 10^9 days overflow 64 bits */
            }
            *out_us = (int64_t)count * duration_units[i].us;
            return true;
        }
    }
    return false;
}

void buf_add_duration(struct buf *buf, int64_t duration_us)
{
    for (size_t i = 1; i < COUNT_OF(duration_units); i++) { /* weeks are written as days */
        if (duration_us % duration_units[i].us == 0 && duration_us >= duration_units[i].us) {
            buf_printf(buf, "%lld%c", (long long)(duration_us / duration_units[i].us),
                       duration_units[i].unit);
            return;
        }
    }
    buf_printf(buf, "%llds", (long long)(duration_us / SECOND_US));
}
