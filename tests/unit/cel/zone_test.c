/* SPDX-License-Identifier: Apache-2.0
 *
 * Time zones against what is known of them, and against the C library in a process of its own.
 */
#include "../check.h"

#include "cel/inner.h"

#include <stdlib.h>
#include <time.h>

static const struct {
    const char *zone, *at;
    int minutes; /* east of UTC */
} rows[] = {
    {"UTC", "2026-07-01T00:00:00Z", 0},
    {"+05:30", "2026-07-01T00:00:00Z", 330},
    {"-09:30", "2026-07-01T00:00:00Z", -570},
    {"02:00", "2026-07-01T00:00:00Z", 120},
    {"Europe/Berlin", "2026-01-15T00:00:00Z", 60},
    {"Europe/Berlin", "2026-07-15T00:00:00Z", 120},
    {"Europe/Berlin", "2026-03-29T00:59:59Z", 60}, /* summer begins */
    {"Europe/Berlin", "2026-03-29T01:00:00Z", 120},
    {"Europe/Berlin", "2026-10-25T00:59:59Z", 120}, /* and ends */
    {"Europe/Berlin", "2026-10-25T01:00:00Z", 60},
    {"Europe/Berlin", "1975-07-15T00:00:00Z", 60},  /* no summer then */
    {"Europe/Berlin", "2099-07-15T00:00:00Z", 120}, /* beyond the table: by its rule */
    {"Europe/Berlin", "2099-12-15T00:00:00Z", 60},
    {"America/New_York", "2026-07-15T00:00:00Z", -240},
    {"America/New_York", "2500-07-15T00:00:00Z", -240},
    {"America/St_Johns", "2009-02-13T02:00:00Z", -210},
    {"Asia/Kathmandu", "2009-02-13T02:00:00Z", 345},
    {"Asia/Kolkata", "2400-02-13T02:00:00Z", 330},
    {"Australia/Sydney", "2026-01-15T00:00:00Z", 660}, /* summer over the turn of the year */
    {"Australia/Sydney", "2026-07-15T00:00:00Z", 600},
    {"Australia/Sydney", "2300-01-15T00:00:00Z", 660},
};

static void test_offsets(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct zone *zone = cel_zone_new(str_of(rows[i].zone));
        struct cel_moment at;
        EXPECT(zone, "there is no %s", rows[i].zone);
        EXPECT(cel_text_to_timestamp(str_of(rows[i].at), &at), "%s", rows[i].at);
        EXPECT(cel_zone_offset(zone, at.seconds) == rows[i].minutes * 60, "%s at %s: %lld",
               rows[i].zone, rows[i].at, (long long)cel_zone_offset(zone, at.seconds));
        cel_zone_free(zone);
    }
}

static void test_refused(void **state)
{
    static const char *const names[] = {
        "",
        "Mars/Base",
        "/etc/passwd",
        "../../../etc/passwd",
        "Europe/../Europe/Berlin",
        "Europe",
        "+5",
        "+24:00",
        "+05:60",
        "05:3",
        "zone.tab",
        "Europe/Berlin ",
        "tzdata.zi",
        "++05:30",
        "-",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        EXPECT(!cel_zone_new(str_of(names[i])), "there is a %s", names[i]);
    }
}

/* Every prefix of a file, and every file with one byte changed, is refused or read: nothing else. */
static void test_damaged(void **state)
{
    static char bytes[4096], copy[4096];
    FILE *file = fopen(CEL_ZONES "/Europe/Berlin", "re");
    size_t n;

    (void)state;
    assert_non_null(file);
    n = fread(bytes, 1, sizeof(bytes), file);
    (void)fclose(file);
    assert_true(n > 100 && n < sizeof(bytes));
    for (size_t i = 0; i < n; i++) {
        EXPECT(!cel_zone_read((struct str){bytes, i}), "%zu of %zu bytes", i, n);
        memcpy(copy, bytes, n);
        copy[i] = (char)(copy[i] ^ 0x81);
        cel_zone_free(cel_zone_read((struct str){copy, n}));
    }
}

/* The C library's offsets, for a moment every 11 days of 1900 to 2200: in a child, which has its own TZ. */
static void test_libc(void **state)
{
    static const char *const zones[] = {"Europe/Berlin",    "America/Sao_Paulo", "Asia/Tehran",
                                        "Pacific/Auckland", "Africa/Casablanca", "Europe/Dublin",
                                        "America/Havana",   "Antarctica/Troll"};
    char command[200], line[64];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(zones); i++) {
        struct zone *zone = cel_zone_new(str_of(zones[i]));
        FILE *pipe;
        int count = 0;
        EXPECT(zone, "there is no %s", zones[i]);
        (void)snprintf(command, sizeof(command),
                       "seq -2208988800 950400 7258118400 | sed 's/^/@/' | "
                       "TZ=%s date -f - '+%%s %%::z'",
                       zones[i]);
        pipe = popen(command, "re");
        assert_non_null(pipe);
        for (; fgets(line, sizeof(line), pipe); count++) {
            char sign;
            long long at;
            int h, m, s;
            EXPECT(sscanf(line, "%lld %c%d:%d:%d", &at, &sign, &h, &m, &s) == 5, "%s", line);
            EXPECT(cel_zone_offset(zone, at) == (h * 3600 + m * 60 + s) * (sign == '-' ? -1 : 1),
                   "%s at %lld: %lld, not %s", zones[i], at, (long long)cel_zone_offset(zone, at),
                   line);
        }
        (void)pclose(pipe);
        EXPECT(count == 9962, "%d moments", count);
        cel_zone_free(zone);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offsets),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_libc),
    };

    return CHECK_RUN(tests);
}
