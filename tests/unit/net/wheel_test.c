/* SPDX-License-Identifier: Apache-2.0
 *
 * The timer wheel on a time of its own: never early, at most 50 ms late, any number, any order.
 */
#include "../check.h"

#include "net/net_internal.h"

#include <stdlib.h>

#define LATE_MAX_US INT64_C(50000)
#define BEGIN_US INT64_C(1000000007)

static struct wheel wheel;
static int64_t now_us;
static unsigned ran;
static int64_t worst_late_us;
static bool early;

static void note(struct loop_timer *timer)
{
    int64_t late_us = now_us - timer->at_us;

    ran++;
    early = early || late_us < 0;
    worst_late_us = late_us > worst_late_us ? late_us : worst_late_us;
}

static int begin(void **state)
{
    (void)state;
    now_us = BEGIN_US;
    ran = 0;
    worst_late_us = 0;
    early = false;
    wheel_init(&wheel, now_us);
    return 0;
}

/* Lives as the loop does: waits as long as the wheel says, then turns it. */
static void run_until(int64_t end_us)
{
    while (now_us < end_us) {
        int ms = wheel_wait_ms(&wheel, now_us);

        now_us = ms < 0 ? end_us : now_us + (ms == 0 ? 1 : ms) * INT64_C(1000);
        wheel_turn(&wheel, now_us);
    }
}

static void test_delays(void **state)
{
    static const struct {
        const char *name;
        int64_t delay_us;
    } rows[] = {
        {"now", 0},
        {"past", -SECOND_US},
        {"1 us", 1},
        {"one slot", 32768},
        {"a turn less a slot", 33 * SECOND_US},
        {"a turn", 33554432},
        {"a minute", MINUTE_US},
        {"a day", DAY_US},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct loop_timer timer = {0};
        int64_t begun_us = now_us;

        ran = 0;
        wheel_set(&wheel, &timer, now_us + rows[i].delay_us, note);
        while (ran == 0 && now_us < begun_us + 2 * DAY_US) {
            run_until(now_us + 1);
        }
        EXPECT(ran == 1, "%s", rows[i].name);
        EXPECT(!early, "%s early", rows[i].name);
        EXPECT(now_us - begun_us - (rows[i].delay_us > 0 ? rows[i].delay_us : 0) <= LATE_MAX_US,
               "%s late", rows[i].name);
        EXPECT(!timer.next, "%s: not set any more", rows[i].name);
        EXPECT(wheel_wait_ms(&wheel, now_us) == -1, "%s: the wheel is empty", rows[i].name);
    }
}

/* 10,000 timers set, moved and cleared at random against a plain account of what must run. */
static void test_many(void **state)
{
    enum { TIMERS = 10000, STEPS = 200000 };
    struct loop_timer *timers = calloc(TIMERS, sizeof(*timers));
    unsigned set = 0, left = 0;

    (void)state;
    assert_non_null(timers);
    srandom(7);
    for (int step = 0; step < STEPS; step++) {
        struct loop_timer *timer = &timers[random() % TIMERS];
        int64_t at_us = now_us + random() % (100 * SECOND_US);

        if (random() % 4 == 0) {
            set -= timer->next != NULL;
            wheel_clear(&wheel, timer);
        } else {
            set += timer->next == NULL;
            wheel_set(&wheel, timer, at_us, note);
        }
        if (step % 100 == 0) {
            unsigned before = ran;
            run_until(now_us + 60000);
            set -= ran - before;
        }
    }
    for (int i = 0; i < TIMERS; i++) {
        left += timers[i].next != NULL;
    }
    EXPECT(left == set, "%u set, %u by the account", left, set);
    run_until(now_us + 101 * SECOND_US);
    EXPECT(wheel_wait_ms(&wheel, now_us) == -1, "all have run");
    EXPECT(!early && worst_late_us <= LATE_MAX_US, "%lld us late", (long long)worst_late_us);
    free(timers);
}

static struct loop_timer first, second;

static void clear_second(struct loop_timer *timer)
{
    (void)timer;
    ran++;
    wheel_clear(&wheel, &second);
}

static void set_again(struct loop_timer *timer)
{
    ran++;
    wheel_set(&wheel, timer, timer->at_us, set_again); /* into the past: next time, not this time */
}

/* A timer that runs may clear its neighbour or set itself anew. */
static void test_from_within(void **state)
{
    (void)state;
    first = second = (struct loop_timer){0};
    wheel_set(&wheel, &first, now_us, clear_second);
    wheel_set(&wheel, &second, now_us, note);
    now_us += SECOND_US;
    wheel_turn(&wheel, now_us);
    assert_int_equal(ran, 1);
    wheel_set(&wheel, &first, now_us, set_again);
    now_us += SECOND_US;
    wheel_turn(&wheel, now_us);
    assert_int_equal(ran, 2);
    wheel_turn(&wheel, now_us + 1);
    assert_int_equal(ran, 2);
    now_us += SECOND_US;
    wheel_turn(&wheel, now_us);
    assert_int_equal(ran, 3);
}

/* The process slept for an hour: everything due runs, once. */
static void test_long_sleep(void **state)
{
    enum { TIMERS = 3000 };
    static struct loop_timer timers[TIMERS];

    (void)state;
    for (int i = 0; i < TIMERS; i++) {
        wheel_set(&wheel, &timers[i], now_us + i * SECOND_US, note);
    }
    now_us += HOUR_US;
    wheel_turn(&wheel, now_us);
    assert_int_equal(ran, TIMERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_delays, begin),
        cmocka_unit_test_setup(test_many, begin),
        cmocka_unit_test_setup(test_from_within, begin),
        cmocka_unit_test_setup(test_long_sleep, begin),
    };

    return CHECK_RUN(tests);
}
