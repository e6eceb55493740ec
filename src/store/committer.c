/* SPDX-License-Identifier: Apache-2.0
 *
 * The committer: one thread that owns the write connection. It takes whatever waits (at most
 * COMMIT_BATCH_MAX), runs the commands in one transaction, commits once, and hands them back. There is no
 * timer: while one batch syncs, the next one gathers.
 *
 * 1. `done` is called only after COMMIT has returned, or after the command was rolled back.
 * 2. A command that fails leaves no trace: what it wrote and the hooks' memory are rolled back.
 * 3. A COMMIT that fails in writing (want of room, see wants_room) undoes the batch: every command
 *    of it failed, nothing happened. Any other failed COMMIT, above all a failed sync, ends the
 *    process: what is on disk is unknown, a restart reads it.
 */
#include "store/store_internal.h"

#include "base/clock.h"
#include "base/locks.h"
#include "base/log.h"
#include "base/panic.h"

#include <stdlib.h>

SQL(SQL_BEGIN, "BEGIN IMMEDIATE");
SQL(SQL_COMMIT_BATCH, "COMMIT");
SQL(SQL_ROLLBACK, "ROLLBACK");
SQL(SQL_SAVEPOINT, "SAVEPOINT command");
SQL(SQL_RELEASE, "RELEASE command");
SQL(SQL_ROLLBACK_TO, "ROLLBACK TO command");

struct committer {
    struct lock lock; /* guards head, tail, waiting, stopping, stats */
    pthread_cond_t arrived;
    struct store_cmd *head, **tail;
    size_t waiting;
    bool stopping;
    pthread_t thread;
    struct store_conn *conn;
    struct store_hooks hooks;
    struct committer_stats stats;
    struct histogram batch_sizes, commit_us;
};

/* Takes up to COMMIT_BATCH_MAX commands; NULL when stopping and nothing is left. */
static struct store_cmd *take_batch(struct committer *committer, size_t *count)
{
    struct store_cmd *first = NULL, **end = &first;

    *count = 0;
    lock_take(&committer->lock);
    while (!committer->head && !committer->stopping) {
        lock_wait(&committer->lock, &committer->arrived);
    }
    while (committer->head && *count < COMMIT_BATCH_MAX) {
        *end = committer->head;
        committer->head = committer->head->next;
        end = &(*end)->next;
        (*count)++;
    }
    *end = NULL;
    if (!committer->head) {
        committer->tail = &committer->head;
    }
    committer->waiting -= *count;
    lock_give(&committer->lock);
    return first;
}

static void must(struct ctx *ctx, enum fm_err err, const char *what)
{
    if (err != FM_OK) {
        log_error("committer.stopped", F_TEXT("while", str_of(what)), F_TEXT("error", str_of(ctx->detail)));
        PANIC("the store cannot go on (%s): %s", what, ctx->detail);
    }
}

/* A statement that ran out of disk may have rolled back the whole transaction: then no command of the
 * batch has happened, whatever it returned. */
static bool transaction_is_open(struct committer *committer)
{
    return sqlite3_get_autocommit(committer->conn->db) == 0;
}

/* Runs a command. False: it failed after it had written something, which must be undone. */
static bool run_command(struct committer *committer, struct store_cmd *cmd)
{
    int64_t changes = sqlite3_total_changes64(committer->conn->db);

    committer->hooks.mark(committer->hooks.with);
    cmd->err = cmd->run(cmd, committer->conn);
    if (cmd->err == FM_OK) {
        return transaction_is_open(committer); /* a failure that the command did not notice */
    }
    committer->hooks.rollback(committer->hooks.with);
    return sqlite3_total_changes64(committer->conn->db) == changes && transaction_is_open(committer);
}

/* The same inside a savepoint, which undoes what a failing command wrote. */
static void run_guarded(struct committer *committer, struct ctx *own, struct store_cmd *cmd)
{
    struct store_conn *conn = committer->conn;

    must(own, store_exec(own, conn, &SQL_SAVEPOINT, NO_ARGS), "savepoint");
    if (!run_command(committer, cmd) && transaction_is_open(committer)) {
        must(own, store_exec(own, conn, &SQL_ROLLBACK_TO, NO_ARGS), "rollback");
    }
    if (transaction_is_open(committer)) {
        must(own, store_exec(own, conn, &SQL_RELEASE, NO_ARGS), "release");
    }
}

/* Whether the transaction could begin: a full disk may refuse even that; then every command of the batch
 * fails with 503 and nothing has changed. */
static bool begin_batch(struct committer *committer, struct ctx *own, struct store_cmd *first)
{
    if (store_exec(own, committer->conn, &SQL_BEGIN, NO_ARGS) == FM_OK) {
        return true;
    }
    for (struct store_cmd *cmd = first; cmd; cmd = cmd->next) {
        cmd->err = fail(cmd->ctx, FM_E_OVERLOADED, "%s", own->detail);
    }
    return false;
}

/* Savepoints cost as much as the rows of a small command, and hardly any command fails after it has
 * written something. So all are run without; if one does, everything is undone and run again with. */
static bool run_plain(struct committer *committer, struct store_cmd *first)
{
    for (struct store_cmd *cmd = first; cmd; cmd = cmd->next) {
        if (!run_command(committer, cmd)) {
            return false;
        }
    }
    return true;
}

static bool run_again_guarded(struct committer *committer, struct ctx *own, struct store_cmd *first)
{
    if (transaction_is_open(committer)) {
        must(own, store_exec(own, committer->conn, &SQL_ROLLBACK, NO_ARGS), "undoing a batch");
    }
    committer->hooks.abandon(committer->hooks.with);
    LOCKED (&committer->lock) {
        committer->stats.run_again++;
    }
    if (!begin_batch(committer, own, first)) {
        return false;
    }
    for (struct store_cmd *cmd = first; cmd; cmd = cmd->next) {
        ctx_clear(cmd->ctx);
        run_guarded(committer, own, cmd);
        if (!transaction_is_open(committer)) {
            return false;
        }
    }
    return true;
}

static bool run_commands(struct committer *committer, struct ctx *own, struct store_cmd *first)
{
    return run_plain(committer, first) || run_again_guarded(committer, own, first);
}

/* Commits. False: the disk was full, the transaction is undone, nothing has happened. Any other failure
 * ends the process (3). */
static bool commit_batch(struct committer *committer, struct ctx *own)
{
    enum fm_err err = committer->hooks.before_commit(committer->hooks.with, own, committer->conn);
    int64_t begun_us = clock_monotonic_us();

    if (err == FM_OK) {
        err = store_exec(own, committer->conn, &SQL_COMMIT_BATCH, NO_ARGS);
        histogram_add(&committer->commit_us, clock_monotonic_us() - begun_us);
    }
    if (err != FM_OK && err != FM_E_OVERLOADED) {
        must(own, err, "commit");
    }
    return err == FM_OK;
}

static void undo_batch(struct committer *committer, struct ctx *own, struct store_cmd *first)
{
    if (transaction_is_open(committer)) {
        must(own, store_exec(own, committer->conn, &SQL_ROLLBACK, NO_ARGS), "undoing a batch");
    }
    committer->hooks.abandon(committer->hooks.with);
    for (struct store_cmd *cmd = first; cmd; cmd = cmd->next) {
        cmd->err = fail(cmd->ctx, FM_E_OVERLOADED,
                        "the store cannot be written (is the disk full?); nothing was changed");
    }
}

static void run_batch(struct committer *committer, struct ctx *own, struct store_cmd *first)
{
    ctx_clear(own);
    if (!begin_batch(committer, own, first)) {
        return;
    }
    if (!run_commands(committer, own, first) || !commit_batch(committer, own)) {
        undo_batch(committer, own, first);
    }
}

static void count_batch(struct committer *committer, const struct store_cmd *first, size_t count)
{
    struct committer_stats *stats = &committer->stats;
    size_t failed = 0;

    for (const struct store_cmd *cmd = first; cmd; cmd = cmd->next) {
        failed += cmd->err != FM_OK;
    }
    histogram_add(&committer->batch_sizes, (int64_t)count);
    LOCKED (&committer->lock) {
        stats->batches++;
        stats->commands += count;
        stats->rolled_back += failed;
        if (count > stats->largest_batch) {
            stats->largest_batch = count;
        }
    }
}

static void hand_back(struct committer *committer, struct store_cmd *first)
{
    int64_t committed_at_us = clock_monotonic_us();

    committer->hooks.after_commit(committer->hooks.with, committed_at_us);
    for (struct store_cmd *cmd = first, *next; cmd; cmd = next) {
        next = cmd->next; /* done() may free the command */
        cmd->committed_at_us = committed_at_us;
        cmd->done(cmd);
    }
}

static void *committer_main(void *arg)
{
    struct committer *committer = arg;
    struct arena *arena = arena_new(16 * MIB);
    struct ctx own;
    struct store_cmd *first;
    size_t count;

    ASSERT(arena != NULL);
    ctx_init(&own, arena);
    while ((first = take_batch(committer, &count)) != NULL) {
        run_batch(committer, &own, first);
        count_batch(committer, first, count);
        hand_back(committer, first);
        arena_reset(arena);
    }
    arena_free(arena);
    return NULL;
}

enum fm_err committer_start(struct ctx *ctx, struct store *store, const struct store_hooks *hooks,
                            struct committer **out)
{
    struct committer *committer = calloc(1, sizeof(*committer));

    if (!committer) {
        return fail_memory(ctx);
    }
    committer->batch_sizes.scale = &SCALE_THINGS;
    committer->commit_us.scale = &SCALE_REQUEST;
    lock_init(&committer->lock, LOCK_COMMITTER);
    pthread_cond_init(&committer->arrived, NULL);
    committer->tail = &committer->head;
    committer->conn = store_writer(store);
    committer->hooks = *hooks;
    if (pthread_create(&committer->thread, NULL, committer_main, committer) != 0) {
        free(committer);
        return fail(ctx, FM_E_INTERNAL, "cannot start a thread");
    }
    *out = committer;
    return FM_OK;
}

bool committer_submit(struct committer *committer, struct store_cmd *cmd)
{
    cmd->next = NULL;
    return committer_submit_all(committer, cmd, 1);
}

bool committer_submit_all(struct committer *committer, struct store_cmd *first, size_t count)
{
    bool queued = false;
    struct store_cmd *last = first;

    while (last->next) {
        last = last->next;
    }
    LOCKED (&committer->lock) {
        if (count <= COMMIT_QUEUE_MAX - committer->waiting && !committer->stopping) {
            *committer->tail = first;
            committer->tail = &last->next;
            committer->waiting += count;
            queued = true;
            pthread_cond_signal(&committer->arrived);
        } else {
            committer->stats.queue_full++;
        }
    }
    return queued;
}

/* A caller that waits: wraps the command's own `done`. */
struct waiting_call {
    struct store_cmd cmd; /* first: the wrapper is found from it */
    struct store_cmd *inner;
    struct lock lock;
    pthread_cond_t finished;
    bool is_done;
};

static enum fm_err call_run(struct store_cmd *cmd, struct store_conn *conn)
{
    struct waiting_call *call = (struct waiting_call *)cmd;

    return call->inner->run(call->inner, conn);
}

static void call_done(struct store_cmd *cmd)
{
    struct waiting_call *call = (struct waiting_call *)cmd;

    call->inner->err = cmd->err;
    call->inner->committed_at_us = cmd->committed_at_us;
    LOCKED (&call->lock) {
        call->is_done = true;
        pthread_cond_signal(&call->finished);
    }
}

enum fm_err committer_call(struct committer *committer, struct store_cmd *cmd)
{
    struct waiting_call call = {
        .cmd = {.run = call_run, .done = call_done, .ctx = cmd->ctx},
        .inner = cmd,
        .lock = LOCK_INIT(LOCK_LOOP),
    };

    pthread_cond_init(&call.finished, NULL);
    if (!committer_submit(committer, &call.cmd)) {
        return fail(cmd->ctx, FM_E_OVERLOADED, "too much is waiting to be written; try again");
    }
    lock_take(&call.lock);
    while (!call.is_done) {
        lock_wait(&call.lock, &call.finished);
    }
    lock_give(&call.lock);
    return cmd->err;
}

void committer_stop(struct committer *committer)
{
    if (!committer) {
        return;
    }
    LOCKED (&committer->lock) {
        committer->stopping = true;
        pthread_cond_signal(&committer->arrived);
    }
    pthread_join(committer->thread, NULL);
    free(committer);
}

struct committer_stats committer_stats(struct committer *committer)
{
    struct committer_stats stats = {0};

    LOCKED (&committer->lock) {
        stats = committer->stats;
        stats.waiting = committer->waiting;
    }
    return stats;
}

const struct histogram *committer_batch_sizes(const struct committer *committer)
{
    return &committer->batch_sizes;
}

const struct histogram *committer_commit_times(const struct committer *committer)
{
    return &committer->commit_us;
}
