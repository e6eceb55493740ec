/* SPDX-License-Identifier: Apache-2.0
 *
 * The slow thread: order, bound, and what a stop leaves behind.
 */
#include "../check.h"

#include "people/people.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#define JOBS 1000

struct job {
    struct slow_job slow;
    int number;
};

static struct job jobs[JOBS];
static sem_t started, released;
static _Atomic int order[JOBS];
static _Atomic int ran;

static void block(struct slow_job *job)
{
    (void)job;
    sem_post(&started);
    sem_wait(&released);
}

static void note(struct slow_job *job)
{
    order[atomic_fetch_add(&ran, 1)] = ((struct job *)job)->number;
}

/* Submits until the queue is full, with the thread held up; returns how many were taken. */
static int fill(void)
{
    int taken = 0;

    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (struct job){.slow = {.work = note}, .number = i};
        if (!slow_submit(&jobs[i].slow)) {
            break;
        }
        taken++;
    }
    return taken;
}

static void test_bounded_in_order_and_finished(void **state)
{
    struct slow_job blocker = {.work = block};
    int taken;

    (void)state;
    atomic_store(&ran, 0);
    slow_start();
    EXPECT(slow_submit(&blocker), "an empty queue takes a job");
    sem_wait(&started);
    taken = fill();
    EXPECT(taken == 128, "the queue takes 128 and no more: %d", taken);
    sem_post(&released);
    slow_stop();
    EXPECT(atomic_load(&ran) == taken, "what was taken has run: %d of %d", atomic_load(&ran), taken);
    for (int i = 0; i < taken; i++) {
        EXPECT(order[i] == i, "job %d ran as number %d", order[i], i);
    }
}

static void test_stopped(void **state)
{
    struct slow_job job = {.work = note};

    (void)state;
    EXPECT(!slow_submit(&job), "a stopped thread takes nothing");
    slow_stop(); /* harmless */
}

static void test_restart(void **state)
{
    (void)state;
    atomic_store(&ran, 0);
    slow_start();
    jobs[0] = (struct job){.slow = {.work = note}, .number = 7};
    EXPECT(slow_submit(&jobs[0].slow), "it takes jobs again");
    slow_stop();
    EXPECT(atomic_load(&ran) == 1 && order[0] == 7, "and runs them");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounded_in_order_and_finished),
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_restart),
    };

    sem_init(&started, 0, 0);
    sem_init(&released, 0, 0);
    return CHECK_RUN(tests);
}
