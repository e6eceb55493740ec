/* SPDX-License-Identifier: Apache-2.0
 *
 * Locks: a thread takes them in the order of their ranks or not at all.
 */
#include "base_check.h"

#include "base/locks.h"

/* What a thread does, in order: take the lock of a rank, or give it back. */
struct step {
    enum { END, TAKE, GIVE } what;
    enum lock_rank rank;
};

struct row {
    const char *name;
    bool panics;
    struct step steps[6];
};

static const struct row rows[] = {
    {"in order",
     false,
     {{TAKE, LOCK_WORKER}, {TAKE, LOCK_LOOP}, {GIVE, LOCK_LOOP}, {GIVE, LOCK_WORKER}}},
    {"given back, then a higher one",
     false,
     {{TAKE, LOCK_LOOP}, {GIVE, LOCK_LOOP}, {TAKE, LOCK_WORKER}, {GIVE, LOCK_WORKER}}},
    {"the first given back first",
     false,
     {{TAKE, LOCK_ADMIN}, {TAKE, LOCK_LOOP}, {GIVE, LOCK_ADMIN}, {TAKE, LOCK_LOG}}},
    {"the wrong order", true, {{TAKE, LOCK_LOOP}, {TAKE, LOCK_WORKER}}},
    {"the same rank twice", true, {{TAKE, LOCK_POLICY}, {TAKE, LOCK_POLICY}}},
    {"the wrong order behind a third",
     true,
     {{TAKE, LOCK_ADMIN}, {TAKE, LOCK_LOOP}, {TAKE, LOCK_COMMITTER}}},
    {"the first and the last", false, {{TAKE, LOCK_ADMIN}, {TAKE, LOCK_LOG}}},
    {"the last and the first", true, {{TAKE, LOCK_LOG}, {TAKE, LOCK_ADMIN}}},
};

static void run_row(void *with)
{
    const struct row *row = with;
    struct lock locks[LOCK_COUNT], second; /* of one rank there may be several */

    for (int i = 0; i < LOCK_COUNT; i++) {
        lock_init(&locks[i], (enum lock_rank)i);
    }
    for (const struct step *step = row->steps; step->what != END; step++) {
        if (step->what == GIVE) {
            lock_give(&locks[step->rank]);
        } else if (pthread_mutex_trylock(&locks[step->rank].mutex) == 0) {
            pthread_mutex_unlock(&locks[step->rank].mutex);
            lock_take(&locks[step->rank]);
        } else {
            lock_init(&second, step->rank);
            lock_take(&second);
        }
    }
}

static void test_ranks(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct row row = rows[i];
        EXPECT(check_panics(run_row, &row) == row.panics, "%s", row.name);
    }
}

static int early_return(struct lock *lock)
{
    LOCKED (lock) {
        return 5;
    }
    return 0;
}

static void test_scope(void **state)
{
    struct lock lock = LOCK_INIT(LOCK_POLICY);
    int times = 0;

    (void)state;
    LOCKED (&lock) {
        times++;
        EXPECT(pthread_mutex_trylock(&lock.mutex) != 0, "held inside");
    }
    EXPECT(times == 1, "entered once");
    EXPECT(early_return(&lock) == 5, "a return leaves it");
    LOCKED (&lock) {
        break;
    }
    EXPECT(pthread_mutex_trylock(&lock.mutex) == 0, "free outside");
    pthread_mutex_unlock(&lock.mutex);
}

static struct lock shared = LOCK_INIT(LOCK_METRICS);
static int counter;

static void *count_up(void *arg)
{
    for (int i = 0; i < 20000; i++) {
        LOCKED (&shared) {
            counter++;
        }
    }
    return arg;
}

static void test_exclusion(void **state)
{
    pthread_t threads[4];

    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, count_up, NULL), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    EXPECT(counter == 80000, "%d", counter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranks),
        cmocka_unit_test(test_scope),
        cmocka_unit_test(test_exclusion),
    };

    return CHECK_RUN(tests);
}
