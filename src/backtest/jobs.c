/* SPDX-License-Identifier: Apache-2.0
 *
 * Backtests that people ask the server for: one at a time, on a thread of their own with a read
 * connection of its own, so that no loop, no sign-in and no commit waits for them.
 *
 * 1. The lock guards the list and what of a job changes; a job that runs is never removed.
 * 2. Jobs live in memory: a restart forgets them.
 */
#include "backtest/backtest.h"

#include "base/locks.h"
#include "base/log.h"
#include "base/panic.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NICE          10 /* behind the threads that answer */
#define JOB_ARENA_MAX (32 * MIB)

enum job_state { JOB_WAITING, JOB_RUNNING, JOB_DONE, JOB_FAILED, JOB_CANCELLED };
static const char *const state_names[] = {"waiting", "running", "done", "failed", "cancelled"};

struct job {
    struct job *next; /* the oldest first */
    struct id id;
    struct backtest_request request; /* texts are copies behind the job */
    char name[64];
    enum job_state state;
    bool cancel;
    int64_t requested_at, started_us, ended_at;
    uint64_t done, total;
    struct buf report; /* JSON, when done */
    char error[CTX_DETAIL_MAX];
};

struct backtests {
    struct lock lock; /* guards all below but the thread */
    pthread_cond_t arrived;
    struct job *first;
    bool stopping;
    struct store *store;
    pthread_t thread;
};

static bool is_over(const struct job *job)
{
    return job->state >= JOB_DONE;
}

static void job_free(struct job *job)
{
    policy_drop(job->request.policy);
    buf_done(&job->report);
    free(job);
}

/* Running
 * ---------------------------------------------------------------------------------------- */

struct running {
    struct backtests *backtests;
    struct job *job;
};

static bool note_progress(void *with, uint64_t done, uint64_t total)
{
    struct running *running = with;
    bool go_on = true;

    LOCKED (&running->backtests->lock) {
        running->job->done = done;
        running->job->total = total;
        go_on = !running->job->cancel && !running->backtests->stopping;
    }
    return go_on;
}

static enum fm_err replay(struct ctx *ctx, struct running *running, struct store_conn *reader,
                          struct backtest *backtest, struct buf *report, bool *stopped)
{
    struct json_out out = JSON_OUT(report);

    TRY(backtest_history(ctx, reader, backtest));
    *stopped = backtest_stopped(backtest);
    (void)running;
    return *stopped ? FM_OK : backtest_write(ctx, &out, backtest);
}

static enum fm_err run(struct ctx *ctx, struct running *running, struct buf *report, bool *stopped)
{
    const struct backtest_request *request = &running->job->request;
    struct backtest_options options = {.policy = request->policy,
                                       .since_us = clock_now_us() - request->days * DAY_US,
                                       .progress = note_progress,
                                       .with = running};
    struct store_conn *reader;
    struct backtest *backtest;
    enum fm_err err;

    TRY(store_reader(ctx, running->backtests->store, &reader));
    err = backtest_new(ctx, &options, &backtest);
    if (err == FM_OK) {
        err = replay(ctx, running, reader, backtest, report, stopped);
        backtest_free(backtest);
    }
    store_reader_close(reader);
    return err;
}

static void finish(struct backtests *backtests, struct job *job, enum fm_err err,
                   const char *detail, bool stopped, struct buf *report)
{
    const struct policy *policy = job->request.policy;

    LOCKED (&backtests->lock) {
        job->ended_at = clock_now_us();
        job->state = err != FM_OK ? JOB_FAILED : stopped ? JOB_CANCELLED : JOB_DONE;
        job->report = *report;
        snprintf(job->error, sizeof(job->error), "%s", err == FM_OK ? "" : detail);
        job->request.policy = NULL;
    }
    policy_drop(policy);
}

static void run_job(struct backtests *backtests, struct job *job)
{
    struct arena *arena = arena_new(JOB_ARENA_MAX);
    struct running running = {backtests, job};
    struct buf report = BUF_INIT(BACKTEST_JSON_MAX);
    bool stopped = false;
    enum fm_err err;
    struct ctx ctx;

    ctx_init(&ctx, arena);
    err = arena ? run(&ctx, &running, &report, &stopped) : fail_memory(&ctx);
    if (err != FM_OK) {
        log_warn("backtest.failed", F_TEXT("error", str_of(ctx.detail)));
        buf_reset(&report);
    }
    finish(backtests, job, err, ctx.detail, stopped, &report);
    arena_free(arena);
}

/* The next one that waits; NULL when the thread shall stop. */
static struct job *take(struct backtests *backtests)
{
    struct job *job = NULL;

    LOCKED (&backtests->lock) {
        for (;;) {
            for (job = backtests->first; job && job->state != JOB_WAITING; job = job->next) {
            }
            if (job || backtests->stopping) {
                break;
            }
            lock_wait(&backtests->lock, &backtests->arrived);
        }
        job = backtests->stopping ? NULL : job;
        if (job) {
            job->state = JOB_RUNNING;
            job->started_us = clock_monotonic_us();
        }
    }
    return job;
}

static void *backtests_main(void *with)
{
    struct backtests *backtests = with;
    struct job *job;

    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
    while ((job = take(backtests)) != NULL) {
        run_job(backtests, job);
    }
    return NULL;
}

/* Life
 * ------------------------------------------------------------------------------------------- */

enum fm_err backtests_start(struct ctx *ctx, struct store *store, struct backtests **out)
{
    struct backtests *backtests = calloc(1, sizeof(*backtests));

    *out = NULL;
    if (!backtests) {
        return fail_memory(ctx);
    }
    lock_init(&backtests->lock, LOCK_BACKTEST);
    pthread_cond_init(&backtests->arrived, NULL);
    backtests->store = store;
    if (pthread_create(&backtests->thread, NULL, backtests_main, backtests) != 0) {
        free(backtests);
        return fail(ctx, FM_E_INTERNAL, "cannot start the thread for backtests");
    }
    *out = backtests;
    return FM_OK;
}

void backtests_stop(struct backtests *backtests)
{
    if (!backtests) {
        return;
    }
    LOCKED (&backtests->lock) {
        backtests->stopping = true;
        pthread_cond_signal(&backtests->arrived);
    }
    pthread_join(backtests->thread, NULL);
    while (backtests->first) {
        struct job *next = backtests->first->next;
        job_free(backtests->first);
        backtests->first = next;
    }
    free(backtests);
}

/* Asking
 * ----------------------------------------------------------------------------------------- */

/* Makes room: the oldest that is over goes. Counts those that are not. */
static size_t forget_oldest(struct backtests *backtests)
{
    size_t count = 0, open = 0;

    for (const struct job *job = backtests->first; job; job = job->next) {
        count++;
        open += !is_over(job);
    }
    for (struct job **at = &backtests->first; *at && count >= BACKTESTS_KEPT;) {
        struct job *job = *at;
        if (is_over(job)) {
            *at = job->next;
            job_free(job);
            count--;
        } else {
            at = &job->next;
        }
    }
    return open;
}

static void append(struct backtests *backtests, struct job *job)
{
    struct job **end = &backtests->first;

    while (*end) {
        end = &(*end)->next;
    }
    *end = job;
}

enum fm_err backtests_submit(struct ctx *ctx, struct backtests *backtests,
                             const struct backtest_request *request, struct id *out)
{
    struct job *job = calloc(1, sizeof(*job));
    bool full = false;

    if (!job) {
        return fail_memory(ctx);
    }
    *out = job->id = id_new();
    job->request = *request;
    job->requested_at = clock_now_us();
    snprintf(job->name, sizeof(job->name), "%.*s", STR_ARG(request->by_name));
    job->request.by_name = str_of(job->name);
    LOCKED (&backtests->lock) {
        full = forget_oldest(backtests) >= BACKTESTS_WAITING_MAX;
        if (!full) {
            job->request.policy = policy_keep(request->policy);
            append(backtests, job);
            pthread_cond_signal(&backtests->arrived);
        }
    }
    if (full) {
        free(job);
        return fail(ctx, FM_E_OVERLOADED, "%d backtests wait already: try again",
                    BACKTESTS_WAITING_MAX);
    }
    return FM_OK;
}

static struct job *find(struct backtests *backtests, struct id id)
{
    struct job *job = backtests->first;

    while (job && !id_eq(job->id, id)) {
        job = job->next;
    }
    return job;
}

/* When a running job will be over, going on as it did; 0: not known. */
static int64_t ends_at(const struct job *job)
{
    int64_t took_us = clock_monotonic_us() - job->started_us;

    if (job->state != JOB_RUNNING || job->done == 0 || job->total < job->done) {
        return 0;
    }
    return clock_now_us() +
           (int64_t)((double)took_us / (double)job->done * (double)(job->total - job->done));
}

static void write_job(struct json_out *out, const struct job *job)
{
    jo_object(out);
    jo_m_id(out, "id", ID_BACKTEST, job->id);
    jo_m_str(out, "state", str_of(state_names[job->state]));
    jo_m_id(out, "policy", ID_POLICY, job->request.version);
    jo_m_int(out, "days", job->request.days);
    jo_key(out, "requested_by");
    jo_object(out);
    jo_m_id(out, "id", ID_PERSON, job->request.by);
    jo_m_str(out, "name", job->request.by_name);
    jo_object_end(out);
    jo_m_time(out, "requested_at", job->requested_at);
    jo_m_int(out, "done", (int64_t)job->done);
    jo_m_int(out, "total", (int64_t)job->total);
    jo_m_time(out, "ends_at", is_over(job) ? job->ended_at : ends_at(job));
    jo_m_str(out, "error", job->state == JOB_FAILED ? str_of(job->error) : STR_NONE);
    jo_m_raw(out, "report", job->state == JOB_DONE ? buf_str(&job->report) : STR_NONE);
    jo_object_end(out);
}

enum fm_err backtests_view(struct ctx *ctx, struct backtests *backtests, struct id id,
                           struct json_out *out)
{
    bool found = false;

    LOCKED (&backtests->lock) {
        const struct job *job = find(backtests, id);
        found = job != NULL;
        if (job) {
            write_job(out, job);
        }
    }
    return found
               ? FM_OK
               : fail(ctx, FM_E_NOT_FOUND,
                      "there is no such backtest: the last %d are kept, until the server restarts",
                      BACKTESTS_KEPT);
}

enum fm_err backtests_cancel(struct ctx *ctx, struct backtests *backtests, struct id id)
{
    bool found = false;

    LOCKED (&backtests->lock) {
        struct job *job = find(backtests, id);
        found = job != NULL;
        if (job && job->state == JOB_WAITING) {
            job->state = JOB_CANCELLED;
            job->ended_at = clock_now_us();
        } else if (job) {
            job->cancel = true;
        }
    }
    return found ? FM_OK : fail(ctx, FM_E_NOT_FOUND, "there is no such backtest");
}
