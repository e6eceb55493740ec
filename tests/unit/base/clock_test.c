/* SPDX-License-Identifier: Apache-2.0
 *
 * Times and durations as text. The expected seconds come from `date -u -d TEXT +%s`.
 */
#include "base_check.h"

#include "base/clock.h"

#include <time.h>

static const struct {
    const char *name, *text;
    int64_t at_us;
    const char *again; /* as it is written back; NULL: the same */
} times[] = {
    {"the beginning", "1970-01-01T00:00:00.000Z", 0, NULL},
    {"29 February of a leap year", "2024-02-29T12:00:00.000Z", 1709208000 * SECOND_US, NULL},
    {"1 March of a leap year", "2024-03-01T00:00:00.000Z", 1709251200 * SECOND_US, NULL},
    {"29 February of 2000", "2000-02-29T00:00:00.000Z", 951782400 * SECOND_US, NULL},
    {"1 March 2100, no leap year", "2100-03-01T00:00:00.000Z", 4107542400 * SECOND_US, NULL},
    {"last second of a year", "2026-12-31T23:59:59.999Z", 1798761599 * SECOND_US + 999000, NULL},
    {"the last moment", "9999-12-31T23:59:59.999Z", 253402300799 * SECOND_US + 999000, NULL},
    {"no fraction", "2026-11-22T10:24:35Z", 1795343075 * SECOND_US, "2026-11-22T10:24:35.000Z"},
    {"one digit", "2026-11-22T10:24:35.1Z", 1795343075 * SECOND_US + 100000,
     "2026-11-22T10:24:35.100Z"},
    {"microseconds are kept, and cut when written", "2026-11-22T10:24:35.123456Z",
     1795343075 * SECOND_US + 123456, "2026-11-22T10:24:35.123Z"},
    {"nanoseconds are cut", "2026-11-22T10:24:35.999999999Z", 1795343075 * SECOND_US + 999999,
     "2026-11-22T10:24:35.999Z"},
    {"east of Greenwich", "2026-11-22T10:24:35+01:30", 1795337675 * SECOND_US,
     "2026-11-22T08:54:35.000Z"},
    {"west of Greenwich, over midnight", "2026-11-21T23:24:35-11:00", 1795343075 * SECOND_US,
     "2026-11-22T10:24:35.000Z"},
    {"minus nothing", "2026-11-22T10:24:35-00:00", 1795343075 * SECOND_US,
     "2026-11-22T10:24:35.000Z"},
    {"the widest offset", "2026-11-22T10:24:35+23:59", 1795256735 * SECOND_US,
     "2026-11-21T10:25:35.000Z"},
};

static void test_times(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        char text[CLOCK_TEXT_SIZE];
        int64_t at = -1;
        EXPECT(clock_parse(str_of(times[i].text), &at), "%s", times[i].name);
        EXPECT(at == times[i].at_us, "%s: %lld", times[i].name, (long long)at);
        EXPECT_STR(times[i].name, clock_format(at, text),
                   str_of(times[i].again ? times[i].again : times[i].text));
    }
}

static const char *const bad_times[] = {
    "",
    "2026",
    "2026-11-22",
    "2026-11-22T10:24:35",
    "2026-11-22 10:24:35Z",
    "2026-11-22T10:24Z",
    "2026-11-22T10:24:35.Z",
    "2026-11-22T10:24:35.1234567890Z",
    "2026-11-22T10:24:60Z",
    "2026-11-22T24:00:00Z",
    "2026-11-22T10:60:00Z",
    "2026-00-22T10:24:35Z",
    "2026-13-22T10:24:35Z",
    "2026-11-00T10:24:35Z",
    "2026-11-31T10:24:35Z",
    "2026-02-29T10:24:35Z",
    "2100-02-29T10:24:35Z",
    "2024-02-30T10:24:35Z",
    "1969-12-31T23:59:59Z",
    "10000-01-01T00:00:00Z",
    "-026-11-22T10:24:35Z",
    "2026-11-22T10:24:35+24:00",
    "2026-11-22T10:24:35+01:60",
    "2026-11-22T10:24:35+0100",
    "2026-11-22T10:24:35+1:00",
    "2026-11-22T10:24:35+",
    "2026-11-22T10:24:35ZZ",
    "2026-11-22T10:24:35Z ",
    " 2026-11-22T10:24:35Z",
    "2026-11-22T1:24:35Z",
    "2026-11-22T10:24:3",
    "2026-1-22T10:24:35Z",
    "2026-11-22T10:24:35,5Z",
    "2O26-11-22T10:24:35Z",
    "2026-11-22T-1:24:35Z",
};

static void test_bad_times(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad_times); i++) {
        int64_t at;
        EXPECT(!clock_parse(str_of(bad_times[i]), &at), "%s", bad_times[i]);
    }
}

/* Every seventh day from 1970 to 9999 against the C library, at a changing second. */
static void test_calendar(void **state)
{
    (void)state;
    for (int64_t day = 0; day < 2932897; day += 7) {
        int64_t second = day * 86400 + day % 86400, at;
        time_t when = (time_t)second;
        struct tm tm;
        char want[64], got[CLOCK_TEXT_SIZE];

        assert_non_null(gmtime_r(&when, &tm));
        assert_true(strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S.000Z", &tm) == 24);
        clock_format(second * SECOND_US, got);
        EXPECT(strcmp(want, got) == 0, "day %lld: %s, not %s", (long long)day, got, want);
        EXPECT(clock_parse(str_of(got), &at) && at == second * SECOND_US, "%s", got);
    }
}

static void test_format_bounds(void **state)
{
    char text[CLOCK_TEXT_SIZE];

    (void)state;
    EXPECT_STR("before the beginning", clock_format(-1, text), S("1970-01-01T00:00:00.000Z"));
    EXPECT_STR("beyond the end", clock_format(INT64_MAX, text), S("9999-12-31T23:59:59.999Z"));
}

static const struct {
    const char *text;
    int64_t us; /* -1: refused */
    const char *again;
} durations[] = {
    {"0s", 0, "0s"},
    {"90s", 90 * SECOND_US, "90s"},
    {"60s", MINUTE_US, "1m"},
    {"15m", 15 * MINUTE_US, "15m"},
    {"4h", 4 * HOUR_US, "4h"},
    {"24h", DAY_US, "1d"},
    {"2d", 2 * DAY_US, "2d"},
    {"1w", 7 * DAY_US, "7d"},
    {"3650d", 3650 * DAY_US, "3650d"},
    {"315360000s", 3650 * DAY_US, "3650d"},
    {"3651d", -1, NULL},
    {"315360001s", -1, NULL},
    {"522w", -1, NULL},
    {"999999999s", -1, NULL},
    {"999999999d", -1, NULL},
    {"999999999w", -1, NULL}, /* more microseconds than 64 bits */
    {"213503983d", -1, NULL}, /* wraps to a little above nothing */
    {"30500569w", -1, NULL},
    {"", -1, NULL},
    {"s", -1, NULL},
    {"5", -1, NULL},
    {"5x", -1, NULL},
    {"5S", -1, NULL},
    {"5ms", -1, NULL},
    {"-5s", -1, NULL},
    {"+5s", -1, NULL},
    {"1.5h", -1, NULL},
    {"1h30m", -1, NULL},
    {" 5s", -1, NULL},
    {"5s ", -1, NULL},
    {"99999999999999999999s", -1, NULL},
};

static void test_durations(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(durations); i++) {
        AUTO(buf_done) struct buf again = BUF_INIT(64);
        int64_t us = 77;
        bool good = duration_parse(str_of(durations[i].text), &us);

        EXPECT(good == (durations[i].us >= 0), "\"%s\"", durations[i].text);
        if (good) {
            EXPECT(us == durations[i].us, "\"%s\": %lld", durations[i].text, (long long)us);
            buf_add_duration(&again, us);
            EXPECT_STR(durations[i].text, buf_str(&again), str_of(durations[i].again));
        }
    }
}

static void test_virtual(void **state)
{
    int64_t before = clock_now_us();

    (void)state;
    clock_set_virtual_us(1795343075 * SECOND_US);
    EXPECT(clock_now_us() == 1795343075 * SECOND_US, "stands still");
    clock_set_virtual_us(0);
    EXPECT(clock_now_us() >= before && clock_now_us() - before < HOUR_US, "the real one again");
    EXPECT(clock_follow() == 0, "it has not jumped");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times),     cmocka_unit_test(test_bad_times),
        cmocka_unit_test(test_calendar),  cmocka_unit_test(test_format_bounds),
        cmocka_unit_test(test_durations), cmocka_unit_test(test_virtual),
    };

    return CHECK_RUN(tests);
}
