/* SPDX-License-Identifier: Apache-2.0
 *
 * Throttling of sign-ins, on a virtual clock: stories of steps, each at its time.
 */
#include "../check.h"

#include "people/people.h"

#define BASE_US (INT64_C(1700000000) * SECOND_US)
#define STEPS_MAX 12

enum step_kind { END, TRY_AND_FAIL, TRY_ALONE, SUCCEED, WAIT, EXPECT_WAIT };

/* TRY_AND_FAIL `count` times: check, then failed; each must be let through. TRY_ALONE: check without an
 * end. WAIT: `count` milliseconds pass. EXPECT_WAIT: check says `count` seconds. */
struct step {
    enum step_kind kind;
    int64_t count;
};

static const struct {
    const char *row;
    struct step steps[STEPS_MAX];
} stories[] = {
    {"five attempts are free", {{TRY_AND_FAIL, 5}}},
    {"the sixth waits a second", {{TRY_AND_FAIL, 5}, {EXPECT_WAIT, 1}}},
    {"waiting is not counted as an attempt",
     {{TRY_AND_FAIL, 5}, {EXPECT_WAIT, 1}, {EXPECT_WAIT, 1}, {WAIT, 1000}, {TRY_AND_FAIL, 1}}},
    {"waits double",
     {{TRY_AND_FAIL, 5}, {WAIT, 1000}, {TRY_AND_FAIL, 1}, {EXPECT_WAIT, 2}, {WAIT, 2000},
      {TRY_AND_FAIL, 1}, {EXPECT_WAIT, 4}, {WAIT, 4000}, {TRY_AND_FAIL, 1}, {EXPECT_WAIT, 8}}},
    {"a wait is rounded up, never down",
     {{TRY_AND_FAIL, 5}, {WAIT, 1}, {EXPECT_WAIT, 1}, {WAIT, 998}, {EXPECT_WAIT, 1}, {WAIT, 1},
      {TRY_AND_FAIL, 1}}},
    {"success forgets", {{TRY_AND_FAIL, 5}, {WAIT, 1000}, {SUCCEED, 1}, {TRY_AND_FAIL, 5}}},
    {"attempts under way count: a burst gains nothing", {{TRY_ALONE, 5}, {EXPECT_WAIT, 1}}},
    {"an attempt that fails counts once", {{TRY_ALONE, 3}, {TRY_AND_FAIL, 2}, {EXPECT_WAIT, 1}}},
    {"an hour of silence forgets", {{TRY_AND_FAIL, 5}, {WAIT, 3600000}, {TRY_AND_FAIL, 5}}},
    {"a little less does not", {{TRY_AND_FAIL, 5}, {WAIT, 3599999}, {TRY_AND_FAIL, 1}, {EXPECT_WAIT, 2}}},
    {"a clock that is set back lengthens no wait",
     {{TRY_AND_FAIL, 5}, {WAIT, -7200000}, {EXPECT_WAIT, 1}, {WAIT, 1000}, {TRY_AND_FAIL, 1}}},
};

static void run_step(const char *row, struct step step, struct str name, struct str address,
                     int64_t *now_us)
{
    for (int64_t i = 0; i < step.count && (step.kind == TRY_AND_FAIL || step.kind == TRY_ALONE); i++) {
        unsigned wait_s = throttle_check(name, address);
        EXPECT(wait_s == 0, "%s: attempt %d has to wait %u s", row, (int)i + 1, wait_s);
        if (step.kind == TRY_AND_FAIL) {
            throttle_failed(name, address);
        }
    }
    if (step.kind == SUCCEED) {
        EXPECT(throttle_check(name, address) == 0, "%s: the good attempt waits", row);
        throttle_succeeded(name);
    } else if (step.kind == WAIT) {
        *now_us += step.count * 1000;
        clock_set_virtual_us(*now_us);
    } else if (step.kind == EXPECT_WAIT) {
        unsigned wait_s = throttle_check(name, address);
        EXPECT(wait_s == (unsigned)step.count, "%s: waits %u s, not %u", row, wait_s,
               (unsigned)step.count);
    }
}

static void test_names(void **state)
{
    char name[32], address[32];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(stories); i++) {
        int64_t now_us = BASE_US;
        clock_set_virtual_us(now_us);
        (void)snprintf(name, sizeof(name), "story%zu", i);
        (void)snprintf(address, sizeof(address), "192.0.2.%zu", i);
        for (size_t k = 0; k < STEPS_MAX && stories[i].steps[k].kind != END; k++) {
            run_step(stories[i].row, stories[i].steps[k], str_of(name), str_of(address), &now_us);
        }
    }
}

static void test_a_name_waits_at_most_a_minute(void **state)
{
    int64_t now_us = BASE_US;

    (void)state;
    for (int i = 0; i < 40; i++) {
        clock_set_virtual_us(now_us);
        EXPECT(throttle_check(S("longest"), S("198.51.100.1")) == 0, "attempt %d after 60 s", i);
        throttle_failed(S("longest"), S("198.51.100.1"));
        now_us += 60 * SECOND_US;
    }
    EXPECT(throttle_check(S("longest"), S("198.51.100.1")) == 60, "the wait is capped");
}

/* Fails once for each of `count` names from one address. */
static void spray(const char *address, int count, int first)
{
    char name[32];

    for (int i = 0; i < count; i++) {
        (void)snprintf(name, sizeof(name), "sprayed%d", first + i);
        EXPECT(throttle_check(str_of(name), str_of(address)) == 0, "name %d from %s waits", i, address);
        throttle_failed(str_of(name), str_of(address));
    }
}

static void test_addresses(void **state)
{
    (void)state;
    clock_set_virtual_us(BASE_US);
    spray("203.0.113.5", 50, 0);
    EXPECT(throttle_check(S("fresh"), S("203.0.113.5")) == 1, "the 51st from this address waits");
    EXPECT(throttle_check(S("fresh"), S("203.0.113.6")) == 0, "its neighbour does not");
    throttle_succeeded(S("fresh"));
    EXPECT(throttle_check(S("fresh"), S("203.0.113.5")) == 1, "a success does not clear the address");
    clock_set_virtual_us(BASE_US + 15 * MINUTE_US);
    EXPECT(throttle_check(S("fresh"), S("203.0.113.5")) == 0, "a quarter of an hour later it may");
    throttle_succeeded(S("fresh"));
}

static void test_ipv6_counts_by_network(void **state)
{
    (void)state;
    clock_set_virtual_us(BASE_US);
    spray("2001:db8:1:2::1", 25, 1000);
    spray("2001:db8:1:2:ffff::9", 25, 2000);
    EXPECT(throttle_check(S("fresh6"), S("2001:db8:1:2::77")) == 1, "the same /64 waits");
    EXPECT(throttle_check(S("fresh6"), S("2001:db8:1:3::77")) == 0, "the next /64 does not");
    throttle_succeeded(S("fresh6"));
}

static void test_known_and_unknown_names_are_the_same(void **state)
{
    (void)state; /* nothing here knows who exists: the same steps give the same answers */
    clock_set_virtual_us(BASE_US);
    for (int i = 0; i < 5; i++) {
        throttle_failed(S("root"), S("203.0.113.70"));
        throttle_failed(S("no-such-person"), S("203.0.113.71"));
    }
    EXPECT(throttle_check(S("root"), S("203.0.113.70")) ==
               throttle_check(S("no-such-person"), S("203.0.113.71")), "the same wait");
    EXPECT(throttle_check(S(""), S("203.0.113.72")) == 0, "an empty name is a name");
    EXPECT(throttle_check(STR_NONE, STR_NONE) == 0, "an absent one too");
}

static void test_a_flood_does_not_wash_off_the_guilty(void **state)
{
    char name[32], address[32];

    (void)state;
    clock_set_virtual_us(BASE_US);
    for (int i = 0; i < 9; i++) {
        throttle_failed(S("victim"), S("203.0.113.90"));
    }
    for (int i = 0; i < 100000; i++) { /* twelve times what the table holds */
        (void)snprintf(name, sizeof(name), "flood%d", i);
        (void)snprintf(address, sizeof(address), "10.%d.%d.%d", i >> 16, (i >> 8) & 255, i & 255);
        throttle_failed(str_of(name), str_of(address));
    }
    EXPECT(throttle_check(S("victim"), S("203.0.113.91")) == 16, "the victim's name still waits");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_a_name_waits_at_most_a_minute),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_ipv6_counts_by_network),
        cmocka_unit_test(test_known_and_unknown_names_are_the_same),
        cmocka_unit_test(test_a_flood_does_not_wash_off_the_guilty),
    };

    crypto_init();
    return CHECK_RUN(tests);
}
