/* SPDX-License-Identifier: Apache-2.0
 *
 * The slow thread: Argon2id takes tens of milliseconds and 19 MiB, far too much for an event loop. One
 * thread, so that sign-ins can never take more than one core and one hash's memory.
 *
 * 1. Jobs run in the order of their submission.
 * 2. What has been accepted is run, also when slow_stop is called meanwhile.
 */
#include "people/people.h"

#include "base/locks.h"
#include "base/panic.h"

#define SLOW_QUEUE_MAX 128 /* at about 30 ms each: nobody waits longer than 4 s */

static struct {
    struct lock lock; /* guards all below but the thread */
    pthread_cond_t arrived;
    struct slow_job *first, **end;
    size_t count;
    bool running;
    pthread_t thread;
} slow = {.lock = LOCK_INIT(LOCK_WORKER), .arrived = PTHREAD_COND_INITIALIZER};

/* Waits for the next job; NULL when the thread shall stop and nothing is left. */
static struct slow_job *take_job(void)
{
    struct slow_job *job;

    lock_take(&slow.lock);
    while (!slow.first && slow.running) {
        lock_wait(&slow.lock, &slow.arrived);
    }
    job = slow.first;
    if (job) {
        slow.first = job->next;
        slow.end = slow.first ? slow.end : &slow.first;
        slow.count--;
    }
    lock_give(&slow.lock);
    return job;
}

static void *slow_main(void *unused)
{
    struct slow_job *job;

    (void)unused;
    while ((job = take_job()) != NULL) {
        job->work(job); /* may free the job */
    }
    return NULL;
}

void slow_start(void)
{
    LOCKED (&slow.lock) {
        ASSERT(!slow.running);
        slow.first = NULL;
        slow.end = &slow.first;
        slow.count = 0;
        slow.running = true;
    }
    if (pthread_create(&slow.thread, NULL, slow_main, NULL) != 0) {
        PANIC("cannot start the thread for slow work");
    }
}

bool slow_submit(struct slow_job *job)
{
    bool queued = false;

    job->next = NULL;
    LOCKED (&slow.lock) {
        if (slow.running && slow.count < SLOW_QUEUE_MAX) {
            *slow.end = job;
            slow.end = &job->next;
            slow.count++;
            queued = true;
            pthread_cond_signal(&slow.arrived);
        }
    }
    return queued;
}

void slow_stop(void)
{
    bool was_running = false;

    LOCKED (&slow.lock) {
        was_running = slow.running;
        slow.running = false;
        pthread_cond_signal(&slow.arrived);
    }
    if (was_running) {
        pthread_join(slow.thread, NULL);
    }
}
