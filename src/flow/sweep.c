/* SPDX-License-Identifier: Apache-2.0
 *
 * What time does. The clock thread looks twenty times a second whether something has fallen due, and
 * submits commands like anybody; it decides nothing itself.
 */
#include "autonomy/autonomy.h"
#include "base/log.h"
#include "flow/flow_internal.h"
#include "flow/windows.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define TICK_US (50 * 1000)
#define SIGN_EVERY_US SECOND_US
#define PURGE_EVERY_US MINUTE_US
#define ANSWERS_KEPT_US (7 * DAY_US)
#define SESSIONS_KEPT_US (90 * DAY_US) /* domains of an agent's sessions, from their first use on */
#define PURGE_MAX        500           /* rows of a kind removed by one command */

SQL(SQL_PURGE, "DELETE FROM answers WHERE row IN"
               " (SELECT row FROM answers WHERE at < $before ORDER BY row LIMIT $max)");

SQL(SQL_PURGE_SESSIONS, "DELETE FROM session_domains WHERE (agent, session, domain) IN"
                        " (SELECT agent, session, domain FROM session_domains WHERE at < $before"
                        " LIMIT $max)");

static enum fm_err sweep_one(struct flow *flow, struct ctx *ctx, struct store_conn *conn, int64_t row,
                             int64_t now_us)
{
    struct proposal p;
    enum journal_kind kind;
    struct assessment now;
    bool was_pending;
    const char *stricter = NULL;
    int64_t verdict;

    TRY(proposal_find_row(ctx, conn, row, &p));
    was_pending = proposal_is_pending(&p);
    verdict = p.verdict;
    if (p.state == PROPOSAL_UNDO && p.release_at <= now_us) {
        TRY(again_release(flow, ctx, conn, &p, now_us, &now, &stricter));
    }
    TRY(review_time(ctx, conn, &p, flow_policy_now(flow), stricter, now_us, &kind));
    if (kind == JOURNAL_KIND_COUNT) {
        return FM_OK;
    }
    if (kind == JOURNAL_PROPOSAL_EXPIRED) {
        flow_tick(flow, TICK_EXPIRED, STR_NONE, was_pending, 0);
    }
    if (kind == JOURNAL_PROPOSAL_EXPIRED && was_pending) {
        TRY(tally_add(ctx, conn, p.agent, p.category, TALLY_EXPIRED, 1));
    }
    if (was_pending && verdict && kind != JOURNAL_PROPOSAL_RELEASED) { /* in its undo time */
        TRY(flow_count_decision(ctx, conn, &p, verdict, -1));
    }
    if (verdict == DECISION_MODIFY && kind == JOURNAL_PROPOSAL_UNDONE) {
        TRY(again_charge_proposed(flow, ctx, conn, &p, now_us));
    }
    TRY(flow_settle(flow, ctx, conn, was_pending, &p,
                    kind == JOURNAL_PROPOSAL_RELEASED ? &now : NULL, now_us));
    return flow_moved(flow, ctx, conn, was_pending, kind, &p, now_us);
}

enum fm_err flow_sweep(struct flow *flow, struct ctx *ctx, struct store_conn *conn, int64_t now_us,
                       bool *more)
{
    int64_t rows[SWEEP_MAX];
    size_t count;

    TRY(proposal_due(ctx, conn, now_us, SWEEP_MAX, rows, &count));
    for (size_t i = 0; i < count; i++) {
        TRY(sweep_one(flow, ctx, conn, rows[i], now_us));
    }
    *more = count == SWEEP_MAX;
    return FM_OK;
}

/* --- the clock thread ---------------------------------------------------------------------------------- */

struct clockwork {
    struct flow *flow;
    struct journal *journal;
    struct committer *committer;
    struct store_conn *reader;
    struct arena *arena;
    pthread_t thread;
    pthread_mutex_t mutex; /* only for the condition; guards stopping */
    pthread_cond_t stop;
    bool stopping;
    int64_t signed_at_us, purged_at_us;
    uint64_t signed_size;
};

enum task { TASK_SWEEP, TASK_SIGN, TASK_PURGE, TASK_JUMP, TASK_USES };

struct clock_cmd {
    struct store_cmd cmd;
    struct clockwork *clockwork;
    enum task task;
    int64_t now_us, jump_us;
    bool more;
};

static enum fm_err record_jump(struct ctx *ctx, struct store_conn *conn, int64_t jump_us, int64_t now_us)
{
    AUTO(buf_done) struct buf data = BUF_INIT(KIB);
    struct json_out out = JSON_OUT(&data);
    uint64_t leaf;

    jo_m_int(&out, "ms", jump_us / 1000);
    return journal_append(ctx, conn,
                          &(struct journal_event){.kind = JOURNAL_CLOCK_JUMPED,
                                                  .by = {.kind = ACTOR_CLOCK},
                                                  .previous = -1,
                                                  .at_us = now_us,
                                                  .data = buf_str(&data)},
                          &leaf);
}

static enum fm_err purge(struct ctx *ctx, struct store_conn *conn, int64_t now_us)
{
    TRY(store_exec(ctx, conn, &SQL_PURGE,
                   ARGS(A_INT("$before", now_us - ANSWERS_KEPT_US), A_INT("$max", PURGE_MAX))));
    TRY(store_exec(ctx, conn, &SQL_PURGE_SESSIONS,
                   ARGS(A_INT("$before", now_us - SESSIONS_KEPT_US), A_INT("$max", PURGE_MAX))));
    TRY(shadow_purge(ctx, conn, now_us, PURGE_MAX));
    return counter_purge(ctx, conn, now_us, PURGE_MAX);
}

static enum fm_err clock_run(struct store_cmd *cmd, struct store_conn *conn)
{
    struct clock_cmd *clock = (struct clock_cmd *)cmd;
    struct clockwork *work = clock->clockwork;

    switch (clock->task) {
    case TASK_SWEEP:
        return flow_sweep(work->flow, cmd->ctx, conn, clock->now_us, &clock->more);
    case TASK_SIGN:
        return journal_sign(work->journal, cmd->ctx, conn);
    case TASK_PURGE:
        return purge(cmd->ctx, conn, clock->now_us);
    case TASK_USES:
        return people_write_uses(cmd->ctx, conn);
    case TASK_JUMP:
        return record_jump(cmd->ctx, conn, clock->jump_us, clock->now_us);
    }
    return FM_OK;
}

static void no_done(struct store_cmd *cmd)
{
    (void)cmd;
}

/* Runs one task and waits for it; false when it failed. `*more` (may be NULL): more is to do. */
static bool run_task(struct clockwork *work, enum task task, int64_t now_us, int64_t jump_us,
                     bool *more)
{
    struct ctx ctx;
    struct clock_cmd clock = {
        .cmd = {.run = clock_run, .done = no_done, .ctx = &ctx},
        .clockwork = work,
        .task = task,
        .now_us = now_us,
        .jump_us = jump_us,
    };

    arena_reset(work->arena);
    ctx_init(&ctx, work->arena);
    if (committer_call(work->committer, &clock.cmd) != FM_OK) {
        log_warn("clock.failed", F_INT("task", task), F_TEXT("error", str_of(ctx.detail)));
        return false;
    }
    if (more) {
        *more = clock.more;
    }
    return true;
}

static void sweep_due(struct clockwork *work, int64_t now_us)
{
    struct ctx ctx;
    int64_t due;
    bool more = false;

    arena_reset(work->arena);
    ctx_init(&ctx, work->arena);
    if (proposal_next_due(&ctx, work->reader, &due) != FM_OK || due == 0 || due > now_us) {
        return;
    }
    while (run_task(work, TASK_SWEEP, now_us, 0, &more) && more) {
    }
}

static void sign_head(struct clockwork *work)
{
    uint64_t size = journal_size(work->journal);

    if (size != work->signed_size && run_task(work, TASK_SIGN, clock_now_us(), 0, NULL)) {
        work->signed_size = size;
    }
}

static void write_uses(struct clockwork *work)
{
    if (people_has_uses()) {
        (void)run_task(work, TASK_USES, clock_now_us(), 0, NULL);
    }
}

static void tick(struct clockwork *work)
{
    int64_t monotonic_us = clock_monotonic_us(), jump_us = clock_follow();

    if (jump_us != 0) {
        log_warn("clock.jumped", F_INT("ms", jump_us / 1000),
                 F_TEXT("effect", S("not followed: nothing falls due by it; restart to adopt it")));
        (void)run_task(work, TASK_JUMP, clock_now_us(), jump_us, NULL);
    }
    sweep_due(work, clock_now_us());
    if (monotonic_us - work->signed_at_us >= SIGN_EVERY_US) {
        work->signed_at_us = monotonic_us;
        sign_head(work);
    }
    if (monotonic_us - work->purged_at_us >= PURGE_EVERY_US) {
        work->purged_at_us = monotonic_us;
        (void)run_task(work, TASK_PURGE, clock_now_us(), 0, NULL);
        write_uses(work);
    }
}

/* Waits one tick; false when told to stop. */
static bool wait_tick(struct clockwork *work)
{
    struct timespec until;
    bool stopping;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += TICK_US * 1000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&work->mutex);
    while (!work->stopping &&
           pthread_cond_timedwait(&work->stop, &work->mutex, &until) != ETIMEDOUT) {
    }
    stopping = work->stopping;
    pthread_mutex_unlock(&work->mutex);
    return !stopping;
}

static void *clockwork_main(void *arg)
{
    struct clockwork *work = arg;

    while (wait_tick(work)) {
        tick(work);
    }
    write_uses(work);
    sign_head(work); /* the last word covers everything */
    return NULL;
}

static enum fm_err clockwork_load(struct ctx *ctx, struct store *store, struct clockwork *work)
{
    work->arena = arena_new(16 * MIB);
    if (!work->arena) {
        return fail_memory(ctx);
    }
    TRY(store_reader(ctx, store, &work->reader));
    if (pthread_create(&work->thread, NULL, clockwork_main, work) != 0) {
        return fail(ctx, FM_E_INTERNAL, "cannot start a thread");
    }
    return FM_OK;
}

static void clockwork_free(struct clockwork *work)
{
    store_reader_close(work->reader);
    arena_free(work->arena);
    free(work);
}

enum fm_err clockwork_start(struct ctx *ctx, struct flow *flow, struct store *store,
                            struct journal *journal, struct committer *committer,
                            struct clockwork **out)
{
    struct clockwork *work = calloc(1, sizeof(*work));
    pthread_condattr_t attributes;
    enum fm_err err;

    if (!work) {
        return fail_memory(ctx);
    }
    work->flow = flow;
    work->journal = journal;
    work->committer = committer;
    work->signed_size = UINT64_MAX; /* sign once at start, whatever was signed before */
    pthread_mutex_init(&work->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC); /* a set wall clock must not stop the ticks */
    pthread_cond_init(&work->stop, &attributes);
    pthread_condattr_destroy(&attributes);
    err = clockwork_load(ctx, store, work);
    if (err != FM_OK) {
        clockwork_free(work);
        return err;
    }
    *out = work;
    return FM_OK;
}

void clockwork_stop(struct clockwork *work)
{
    if (!work) {
        return;
    }
    pthread_mutex_lock(&work->mutex);
    work->stopping = true;
    pthread_cond_signal(&work->stop);
    pthread_mutex_unlock(&work->mutex);
    pthread_join(work->thread, NULL);
    clockwork_free(work);
}
