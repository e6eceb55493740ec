/* SPDX-License-Identifier: Apache-2.0
 *
 * Parts of timestamps and durations. A timestamp's parts are those of UTC, or of the zone that is
 * named.
 */
#include "cel/inner.h"

#define ZONE_STEPS 400u /* reading a zone's file at run time: about 50 us */

enum part {
    PART_YEAR,
    PART_MONTH,
    PART_DATE,
    PART_DAY_OF_MONTH,
    PART_DAY_OF_WEEK,
    PART_DAY_OF_YEAR,
    PART_HOURS,
    PART_MINUTES,
    PART_SECONDS,
    PART_MILLISECONDS
};

static int64_t part_of(struct cel_moment moment, int64_t offset, enum part part)
{
    struct civil at;

    cel_civil_of(moment.seconds + offset, &at);
    switch (part) {
    case PART_YEAR:
        return at.year;
    case PART_MONTH:
        return at.month - 1;
    case PART_DATE:
        return at.day;
    case PART_DAY_OF_MONTH:
        return at.day - 1;
    case PART_DAY_OF_WEEK:
        return at.weekday;
    case PART_DAY_OF_YEAR:
        return at.yearday;
    case PART_HOURS:
        return at.hour;
    case PART_MINUTES:
        return at.minute;
    case PART_SECONDS:
        return at.second;
    case PART_MILLISECONDS:
        break;
    }
    return moment.nanos / 1000000;
}

static struct cel_value part_of_duration(struct cel_eval *eval, const struct node *node,
                                         const struct cel_value *args, enum part part)
{
    int64_t nanos = args[0].as.number;

    switch (part) {
    case PART_HOURS:
        return cel_int(nanos / (3600 * NANOS));
    case PART_MINUTES:
        return cel_int(nanos / (60 * NANOS));
    case PART_SECONDS:
        return cel_int(nanos / NANOS);
    case PART_MILLISECONDS:
        return cel_int(nanos / 1000000);
    case PART_YEAR:
    case PART_MONTH:
    case PART_DATE:
    case PART_DAY_OF_MONTH:
    case PART_DAY_OF_WEEK:
    case PART_DAY_OF_YEAR:
        break;
    }
    return cel_eval_no_overload(eval, node, args, 1);
}

static struct cel_value get(struct cel_eval *eval, const struct node *node,
                            const struct cel_value *args, size_t count, enum part part)
{
    struct cel_moment moment = args[0].as.moment;
    struct zone *zone;
    int64_t offset;

    if (count == 1 && args[0].kind == CEL_DURATION) {
        return part_of_duration(eval, node, args, part);
    }
    if (args[0].kind != CEL_TIMESTAMP || (count == 2 && args[1].kind != CEL_STRING)) {
        return cel_eval_no_overload(eval, node, args, count);
    }
    if (count == 1) {
        return cel_int(part_of(moment, 0, part));
    }
    if (node->as.callee->ready) {
        return cel_int(
            part_of(moment, cel_zone_offset(node->as.callee->ready, moment.seconds), part));
    }
    if (!eval_pay(eval, ZONE_STEPS)) {
        return cel_eval_too_costly();
    }
    zone = cel_zone_new(args[1].as.text);
    if (!zone) {
        return cel_eval_fail(eval, node, "there is no time zone of this name");
    }
    offset = cel_zone_offset(zone, moment.seconds);
    cel_zone_free(zone);
    return cel_int(part_of(moment, offset, part));
}

#define GETTER(function, part)                                                                     \
    static struct cel_value function(struct cel_eval *eval, const struct node *node,               \
                                     const struct cel_value *args, size_t count)                   \
    {                                                                                              \
        return get(eval, node, args, count, part);                                                 \
    }

GETTER(get_full_year, PART_YEAR)
GETTER(get_month, PART_MONTH)
GETTER(get_date, PART_DATE)
GETTER(get_day_of_month, PART_DAY_OF_MONTH)
GETTER(get_day_of_week, PART_DAY_OF_WEEK)
GETTER(get_day_of_year, PART_DAY_OF_YEAR)
GETTER(get_hours, PART_HOURS)
GETTER(get_minutes, PART_MINUTES)
GETTER(get_seconds, PART_SECONDS)
GETTER(get_milliseconds, PART_MILLISECONDS)

const struct builtin cel_builtin_times[] = {
    {STR("getFullYear"), ".t:i .ts:i", get_full_year, 1},
    {STR("getMonth"), ".t:i .ts:i", get_month, 1},
    {STR("getDate"), ".t:i .ts:i", get_date, 1},
    {STR("getDayOfMonth"), ".t:i .ts:i", get_day_of_month, 1},
    {STR("getDayOfWeek"), ".t:i .ts:i", get_day_of_week, 1},
    {STR("getDayOfYear"), ".t:i .ts:i", get_day_of_year, 1},
    {STR("getHours"), ".t:i .ts:i .r:i", get_hours, 1},
    {STR("getMinutes"), ".t:i .ts:i .r:i", get_minutes, 1},
    {STR("getSeconds"), ".t:i .ts:i .r:i", get_seconds, 1},
    {STR("getMilliseconds"), ".t:i .ts:i .r:i", get_milliseconds, 1},
    {.name = {NULL, 0}},
};
