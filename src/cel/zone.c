/* SPDX-License-Identifier: Apache-2.0
 *
 * Time zones: fixed offsets, and the system's files of the IANA database (TZif, RFC 8536). A file
 * is read once per use in a program; it holds the changes of the past, and a rule for all times
 * behind them.
 *
 * 1. Nothing of the process is touched: no TZ variable, no tzset, no state that threads share.
 * 2. A file is bytes from outside: each count is checked against the size before it is used.
 */
#include "cel/inner.h"

#include <stdio.h>
#include <stdlib.h>

#define ZONE_NAME_MAX    64u
#define ZONE_FILE_MAX    (64 * KIB) /* the largest of the database has 4 KiB */
#define ZONE_CHANGES_MAX 4096u
#define ZONE_HEADER      44u
#define OFFSET_MAX       (26 * 3600) /* RFC 8536: less than 26 hours */

/* When a rule changes in a year. */
struct when {
    enum { WHEN_MONTH, WHEN_JULIAN, WHEN_DAY } kind;
    int month, week, day; /* WHEN_MONTH; else `day` of the year */
    int32_t second;       /* of the day, in the time before the change */
};

struct rule {
    bool is_set, has_summer;
    int32_t offset, summer_offset;
    struct when start, end; /* of summer */
};

struct zone {
    size_t count;
    int32_t first; /* the offset in front of the first change */
    struct rule rule;
    struct {
        int64_t at;
        int32_t offset;
    } changes[];
};

static struct zone *new_zone(size_t count)
{
    struct zone *zone = calloc(1, sizeof(*zone) + count * sizeof(zone->changes[0]));

    if (zone) {
        zone->count = count;
    }
    return zone;
}

void cel_zone_free(void *zone)
{
    free(zone);
}

/* The rule behind the last change: POSIX TZ, as RFC 8536 3.3 widens it ---------------------------
 */

static bool take_char(struct str *rest, char c)
{
    if (rest->n == 0 || rest->p[0] != c) {
        return false;
    }
    *rest = str_skip(*rest, 1);
    return true;
}

static bool take_number(struct str *rest, int most, int *out)
{
    int value = 0;
    size_t n = 0;

    while (n < rest->n && rest->p[n] >= '0' && rest->p[n] <= '9' && n < 4) {
        value = value * 10 + (rest->p[n++] - '0');
    }
    *rest = str_skip(*rest, n);
    *out = value;
    return n > 0 && value <= most;
}

/* [+-]h[:m[:s]] as seconds. */
static bool take_time(struct str *rest, int32_t *out)
{
    int hours, minutes = 0, seconds = 0;
    bool negative = take_char(rest, '-');

    if (!negative) {
        (void)take_char(rest, '+');
    }
    if (!take_number(rest, 167, &hours) ||
        (take_char(rest, ':') && !take_number(rest, 59, &minutes)) ||
        (take_char(rest, ':') && !take_number(rest, 59, &seconds))) {
        return false;
    }
    *out = (hours * 3600 + minutes * 60 + seconds) * (negative ? -1 : 1);
    return true;
}

/* An offset as POSIX has it: seconds west of UTC. */
static bool take_west(struct str *rest, int32_t *out)
{
    return take_time(rest, out) && *out > -OFFSET_MAX && *out < OFFSET_MAX;
}

/* CET or <+03> */
static bool take_abbreviation(struct str *rest)
{
    bool quoted = take_char(rest, '<');
    size_t n = 0;

    while (n < rest->n) {
        char c = rest->p[n], low = (char)(c | 0x20);
        bool letter = low >= 'a' && low <= 'z';
        if (!letter && !(quoted && (c == '+' || c == '-' || (c >= '0' && c <= '9')))) {
            break;
        }
        n++;
    }
    *rest = str_skip(*rest, n);
    return n >= 3 && (!quoted || take_char(rest, '>'));
}

static bool take_when(struct str *rest, struct when *out)
{
    *out = (struct when){.kind = WHEN_DAY, .second = 7200};
    if (take_char(rest, 'M')) {
        out->kind = WHEN_MONTH;
        if (!take_number(rest, 12, &out->month) || out->month < 1 || !take_char(rest, '.') ||
            !take_number(rest, 5, &out->week) || out->week < 1 || !take_char(rest, '.') ||
            !take_number(rest, 6, &out->day)) {
            return false;
        }
    } else {
        out->kind = take_char(rest, 'J') ? WHEN_JULIAN : WHEN_DAY;
        if (!take_number(rest, 365, &out->day)) {
            return false;
        }
    }
    return !take_char(rest, '/') || take_time(rest, &out->second);
}

static bool read_rule(struct str text, struct rule *out)
{
    int32_t west;

    if (!take_abbreviation(&text) || !take_west(&text, &west)) {
        return false;
    }
    out->offset = -west;
    out->is_set = true;
    if (text.n == 0) {
        return true;
    }
    out->has_summer = true;
    out->summer_offset = out->offset + 3600;
    if (!take_abbreviation(&text)) {
        return false;
    }
    if (text.n && text.p[0] != ',') {
        if (!take_west(&text, &west)) {
            return false;
        }
        out->summer_offset = -west;
    }
    return take_char(&text, ',') && take_when(&text, &out->start) && take_char(&text, ',') &&
           take_when(&text, &out->end) && text.n == 0;
}

/* Seconds from the start of the year, in local time. */
static int64_t when_in(const struct when *when, int64_t year)
{
    static const int days_before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    int64_t january = cel_civil_days(year, 1, 1), first, day;
    int month_days, weekday;

    if (when->kind != WHEN_MONTH) { /* J counts from 1 and leaves February 29 out */
        day = when->day;
        if (when->kind == WHEN_JULIAN) {
            day += (leap && day >= 60) - 1;
        }
        return day * 86400 + when->second;
    }
    first = january + days_before[when->month - 1] + (leap && when->month > 2);
    month_days =
        days_before[when->month] - days_before[when->month - 1] + (leap && when->month == 2);
    weekday = (int)(((first + 4) % 7 + 7) % 7);
    day = (when->day - weekday + 7) % 7 + (when->week - 1) * 7;
    day -= day >= month_days ? 7 : 0;
    return (first - january + day) * 86400 + when->second;
}

static int32_t rule_offset(const struct rule *rule, int64_t seconds)
{
    struct civil at;
    int64_t january, start, end, now;
    bool summer;

    if (!rule->has_summer) {
        return rule->offset;
    }
    cel_civil_of(seconds + rule->offset, &at);
    january = cel_civil_days(at.year, 1, 1) * 86400;
    now = seconds - january;
    start = when_in(&rule->start, at.year) - rule->offset;
    end = when_in(&rule->end, at.year) - rule->summer_offset;
    summer = start < end ? now >= start && now < end : now >= start || now < end;
    return summer ? rule->summer_offset : rule->offset;
}

int64_t cel_zone_offset(const struct zone *zone, int64_t seconds)
{
    size_t low = 0, high = zone->count;

    if (zone->rule.is_set && (high == 0 || seconds >= zone->changes[high - 1].at)) {
        return rule_offset(&zone->rule, seconds);
    }
    while (low < high) { /* the last change that is not behind the moment */
        size_t middle = (low + high) / 2;
        if (zone->changes[middle].at <= seconds) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 ? zone->first : zone->changes[low - 1].offset;
}

/* TZif ----------------------------------------------------------------------------------------- */

struct counts {
    uint32_t utc, standard, leap, time, type, chars;
};

static uint64_t big_endian(const char *p, size_t n)
{
    uint64_t value = 0;

    for (size_t i = 0; i < n; i++) {
        value = value << 8 | (unsigned char)p[i];
    }
    return value;
}

static bool read_header(struct str bytes, struct counts *out)
{
    uint32_t *const fields[] = {&out->utc,  &out->standard, &out->leap,
                                &out->time, &out->type,     &out->chars};

    if (bytes.n < ZONE_HEADER || !str_starts(bytes, S("TZif"))) {
        return false;
    }
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        *fields[i] = (uint32_t)big_endian(bytes.p + 20 + 4 * i, 4);
        if (*fields[i] > ZONE_FILE_MAX) {
            return false;
        }
    }
    return out->type > 0 && out->type <= 256 && out->time <= ZONE_CHANGES_MAX;
}

/* Bytes of the data behind a header, with times of `size` bytes. */
static size_t data_size(const struct counts *counts, size_t size)
{
    return counts->time * (size + 1) + counts->type * 6 + counts->chars +
           counts->leap * (size + 4) + counts->standard + counts->utc;
}

static bool offset_of_type(const struct counts *counts, const char *types, uint32_t type,
                           int32_t *out)
{
    if (type >= counts->type) {
        return false;
    }
    *out = (int32_t)(uint32_t)big_endian(types + 6 * type, 4);
    return *out > -OFFSET_MAX && *out < OFFSET_MAX;
}

/* The 64-bit data. */
static bool fill_changes(struct zone *zone, const struct counts *counts, const char *data)
{
    const char *indexes = data + 8 * counts->time, *types = indexes + counts->time;

    if (!offset_of_type(counts, types, 0, &zone->first)) {
        return false;
    }
    for (uint32_t i = 0; i < counts->time; i++) {
        zone->changes[i].at = (int64_t)big_endian(data + 8 * i, 8);
        if (!offset_of_type(counts, types, (unsigned char)indexes[i], &zone->changes[i].offset) ||
            (i > 0 && zone->changes[i].at <= zone->changes[i - 1].at)) {
            return false;
        }
    }
    return true;
}

/* The line behind the data, between two newlines; it may be empty. */
static bool fill_rule(struct zone *zone, struct str footer)
{
    struct str line;

    if (!take_char(&footer, '\n')) {
        return false;
    }
    line = str_split(&footer, '\n');
    if (!footer.p) { /* the second newline is missing */
        return false;
    }
    return line.n == 0 || read_rule(line, &zone->rule);
}

struct zone *cel_zone_read(struct str bytes)
{
    struct counts counts;
    struct zone *zone;
    size_t size;

    if (!read_header(bytes, &counts) || bytes.p[4] < '2') { /* version 1 has 32-bit times only */
        return NULL;
    }
    size = ZONE_HEADER + data_size(&counts, 4);
    bytes = size <= bytes.n ? str_skip(bytes, size) : S("");
    if (!read_header(bytes, &counts)) {
        return NULL;
    }
    size = data_size(&counts, 8);
    bytes = str_skip(bytes, ZONE_HEADER);
    if (size > bytes.n) {
        return NULL;
    }
    zone = new_zone(counts.time);
    if (zone &&
        (!fill_changes(zone, &counts, bytes.p) || !fill_rule(zone, str_skip(bytes, size)))) {
        cel_zone_free(zone);
        return NULL;
    }
    return zone;
}

/* Names ---------------------------------------------------------------------------------------- */

/* [+-]hh:mm; false when it is a name instead. */
static bool fixed_offset(struct str name, int32_t *out)
{
    bool negative = take_char(&name, '-');
    int hours, minutes;

    if (!negative) {
        (void)take_char(&name, '+');
    }
    if (name.n != 5 || !take_number(&name, 23, &hours) || !take_char(&name, ':') ||
        !take_number(&name, 59, &minutes) || name.n) {
        return false;
    }
    *out = (hours * 3600 + minutes * 60) * (negative ? -1 : 1);
    return true;
}

/* Whether it can be the name of a zone: no way out of the folder. */
static bool is_zone_name(struct str name)
{
    if (name.n == 0 || name.n > ZONE_NAME_MAX || name.p[0] == '/') {
        return false;
    }
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i], low = (char)(c | 0x20);
        if (!(low >= 'a' && low <= 'z') && !(c >= '0' && c <= '9') && (!c || !strchr("_+-/", c))) {
            return false;
        }
    }
    return true;
}

static struct zone *read_file(struct str name)
{
    char path[sizeof(CEL_ZONES) + ZONE_NAME_MAX + 2];
    char *bytes = malloc(ZONE_FILE_MAX);
    struct zone *zone = NULL;
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%.*s", CEL_ZONES, STR_ARG(name));
    file = bytes ? fopen(path, "re") : NULL;
    if (file) {
        size_t n = fread(bytes, 1, ZONE_FILE_MAX, file);
        zone = n < ZONE_FILE_MAX ? cel_zone_read((struct str){bytes, n}) : NULL;
        (void)fclose(file);
    }
    free(bytes);
    return zone;
}

struct zone *cel_zone_new(struct str name)
{
    int32_t offset = 0;
    struct zone *zone;

    if (str_eq(name, S("UTC")) || str_eq(name, S("Z")) || fixed_offset(name, &offset)) {
        zone = new_zone(0);
        if (zone) {
            zone->first = offset;
        }
        return zone;
    }
    return is_zone_name(name) ? read_file(name) : NULL;
}
