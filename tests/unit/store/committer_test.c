/* SPDX-License-Identifier: Apache-2.0
 *
 * The committer: groups, order, a failing command among good ones, a full queue, a full disk, the end.
 * A gate holds the committer inside a command, so that what waits behind it is exactly one batch.
 */
#include "store_check.h"

#include <pthread.h>
#include <stdatomic.h>

/* Hooks that keep a memory beside the store: the keys of commands, as the journal and the ledgers do. */
struct memory {
    int64_t pending[COMMIT_BATCH_MAX * 4], kept[COMMIT_QUEUE_MAX * 2];
    size_t pending_count, mark, kept_count;
    size_t commits, abandons;
    enum fm_err refuse;    /* what before_commit returns */
    int done_before_after; /* commands handed back before their memory was kept */
};

static struct memory memory;

static void on_mark(void *with)
{
    struct memory *m = with;

    m->mark = m->pending_count;
}

static void on_rollback(void *with)
{
    struct memory *m = with;

    m->pending_count = m->mark;
}

static void on_abandon(void *with)
{
    struct memory *m = with;

    m->pending_count = m->mark = 0;
    m->abandons++;
}

static enum fm_err on_before_commit(void *with, struct ctx *ctx, struct store_conn *conn)
{
    struct memory *m = with;

    (void)conn;
    return m->refuse ? fail(ctx, m->refuse, "refused by the test") : FM_OK;
}

static void on_after_commit(void *with, int64_t committed_at_us)
{
    struct memory *m = with;

    EXPECT(committed_at_us > 0, "a time");
    memcpy(m->kept + m->kept_count, m->pending, m->pending_count * sizeof(m->pending[0]));
    m->kept_count += m->pending_count;
    m->pending_count = 0;
    m->commits++;
}

static const struct store_hooks hooks = {.with = &memory,
                                         .mark = on_mark,
                                         .rollback = on_rollback,
                                         .abandon = on_abandon,
                                         .before_commit = on_before_commit,
                                         .after_commit = on_after_commit};

/* A command: writes its key, remembers it, then does what the test asked for. */
enum act {
    SUCCEED,
    FAIL_AFTER_WRITING,
    FAIL_BEFORE_WRITING,
    FAIL_IN_SQL,
    WAIT_AT_GATE,
    WRITE_MUCH
};

struct job {
    struct store_cmd cmd; /* first */
    struct ctx ctx;
    struct arena *arena;
    enum act act;
    int64_t key;
    int runs;
    int64_t done_order; /* from 1; 0: not done */
};

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool inside, open;
    int64_t done;
} gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false, 0};

static void wait_at_gate(void)
{
    pthread_mutex_lock(&gate.mutex);
    gate.inside = true;
    pthread_cond_broadcast(&gate.changed);
    while (!gate.open) {
        pthread_cond_wait(&gate.changed, &gate.mutex);
    }
    pthread_mutex_unlock(&gate.mutex);
}

static enum fm_err put(struct job *job, struct store_conn *conn)
{
    memory.pending[memory.pending_count++] = job->key;
    return store_exec(&job->ctx, conn, &SQL_PUT,
                      ARGS(A_INT("$k", job->key), A_INT("$v", job->key)));
}

static enum fm_err put_much(struct job *job, struct store_conn *conn)
{
    AUTO(buf_done) struct buf bytes = BUF_INIT(4 * MIB);

    (void)buf_reserve(&bytes, 1 * MIB);
    memset(bytes.p, 'x', 1 * MIB);
    bytes.n = 1 * MIB;
    memory.pending[memory.pending_count++] = job->key;
    return store_exec(&job->ctx, conn, &SQL_PUT,
                      ARGS(A_INT("$k", job->key), A_BLOB("$v", buf_str(&bytes))));
}

static enum fm_err job_run(struct store_cmd *cmd, struct store_conn *conn)
{
    struct job *job = (struct job *)cmd;

    job->runs++;
    switch (job->act) {
    case SUCCEED:
        return put(job, conn);
    case FAIL_AFTER_WRITING:
        TRY(put(job, conn));
        return fail(&job->ctx, FM_E_FORBIDDEN, "the test wants it");
    case FAIL_BEFORE_WRITING:
        memory.pending[memory.pending_count++] = job->key;
        return fail(&job->ctx, FM_E_FORBIDDEN, "the test wants it");
    case FAIL_IN_SQL:
        TRY(put(job, conn));
        return put(job, conn); /* the same key again */
    case WAIT_AT_GATE:
        wait_at_gate();
        return FM_OK;
    case WRITE_MUCH:
        return put_much(job, conn);
    }
    return FM_E_INTERNAL;
}

static void job_done(struct store_cmd *cmd)
{
    struct job *job = (struct job *)cmd;

    if (cmd->err == FM_OK && job->act == SUCCEED &&
        (memory.kept_count == 0 || memory.pending_count != 0)) {
        memory.done_before_after++;
    }
    pthread_mutex_lock(&gate.mutex);
    job->done_order = ++gate.done;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.mutex);
}

static struct job *job_new(enum act act, int64_t key)
{
    struct job *job = calloc(1, sizeof(*job));

    assert_non_null(job);
    job->arena = arena_new(64 * KIB);
    ctx_init(&job->ctx, job->arena);
    job->cmd = (struct store_cmd){.run = job_run, .done = job_done, .ctx = &job->ctx};
    job->act = act;
    job->key = key;
    return job;
}

static void job_free(struct job *job)
{
    arena_free(job->arena);
    free(job);
}

/* Starts a committer whose thread stands at the gate. */
static struct committer *start_held(struct job **keeper)
{
    struct committer *committer;

    memory = (struct memory){0};
    gate.inside = gate.open = false;
    gate.done = 0;
    MUST(committer_start(&scene.ctx, scene.store, &hooks, &committer));
    *keeper = job_new(WAIT_AT_GATE, 0);
    assert_true(committer_submit(committer, &(*keeper)->cmd));
    pthread_mutex_lock(&gate.mutex);
    while (!gate.inside) {
        pthread_cond_wait(&gate.changed, &gate.mutex);
    }
    pthread_mutex_unlock(&gate.mutex);
    return committer;
}

static void open_gate(void)
{
    pthread_mutex_lock(&gate.mutex);
    gate.open = true;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.mutex);
}

static void wait_done(int64_t count)
{
    pthread_mutex_lock(&gate.mutex);
    while (gate.done < count) {
        pthread_cond_wait(&gate.changed, &gate.mutex);
    }
    pthread_mutex_unlock(&gate.mutex);
}

/* Commands in groups ------------------------------------------------------------------------- */

static void test_groups(void **state)
{
    enum { MANY = COMMIT_BATCH_MAX + 44 };
    struct job *jobs[MANY], *keeper;
    struct committer *committer = start_held(&keeper);
    struct committer_stats stats;

    (void)state;
    for (int i = 0; i < MANY; i++) {
        jobs[i] = job_new(SUCCEED, i + 1);
        assert_true(committer_submit(committer, &jobs[i]->cmd));
    }
    open_gate();
    wait_done(MANY + 1);
    stats = committer_stats(committer);
    committer_stop(committer);
    EXPECT(stats.batches == 3 && stats.commands == MANY + 1 &&
               stats.largest_batch == COMMIT_BATCH_MAX,
           "%llu batches of at most %llu", (unsigned long long)stats.batches,
           (unsigned long long)stats.largest_batch);
    EXPECT(memory.commits == 3 && memory.kept_count == MANY && memory.done_before_after == 0,
           "kept");
    EXPECT(scene_count(scene.conn) == MANY, "stored");
    for (int i = 0; i < MANY; i++) {
        EXPECT(jobs[i]->cmd.err == FM_OK && jobs[i]->done_order == i + 2, "number %d in order", i);
        EXPECT(memory.kept[i] == i + 1, "memory of number %d", i);
        EXPECT(i == 0 || jobs[i]->cmd.committed_at_us >= jobs[i - 1]->cmd.committed_at_us,
               "time %d", i);
        EXPECT(jobs[i]->runs == 1, "number %d ran once", i);
    }
    for (int i = 0; i < MANY; i++) {
        job_free(jobs[i]);
    }
    job_free(keeper);
}

/* One batch: what each command does and what becomes of it. */
static const struct {
    const char *name;
    struct {
        enum act act;
        enum fm_err err;
    } jobs[6];
    int count;
} batches[] = {
    {"a failed one among good ones",
     {{SUCCEED, FM_OK}, {FAIL_AFTER_WRITING, FM_E_FORBIDDEN}, {SUCCEED, FM_OK}, {SUCCEED, FM_OK}},
     4},
    {"the first fails",
     {{FAIL_AFTER_WRITING, FM_E_FORBIDDEN}, {SUCCEED, FM_OK}, {SUCCEED, FM_OK}},
     3},
    {"the last fails",
     {{SUCCEED, FM_OK}, {SUCCEED, FM_OK}, {FAIL_AFTER_WRITING, FM_E_FORBIDDEN}},
     3},
    {"all fail", {{FAIL_AFTER_WRITING, FM_E_FORBIDDEN}, {FAIL_IN_SQL, FM_E_EXISTS}}, 2},
    {"refused by a unique index",
     {{SUCCEED, FM_OK}, {FAIL_IN_SQL, FM_E_EXISTS}, {SUCCEED, FM_OK}},
     3},
    {"refused before it wrote anything",
     {{SUCCEED, FM_OK}, {FAIL_BEFORE_WRITING, FM_E_FORBIDDEN}, {SUCCEED, FM_OK}},
     3},
    {"several kinds",
     {{FAIL_BEFORE_WRITING, FM_E_FORBIDDEN},
      {SUCCEED, FM_OK},
      {FAIL_IN_SQL, FM_E_EXISTS},
      {SUCCEED, FM_OK},
      {FAIL_AFTER_WRITING, FM_E_FORBIDDEN},
      {SUCCEED, FM_OK}},
     6},
};

static void run_batch(size_t row, struct committer *committer, struct job *keeper, int64_t stored)
{
    struct job *jobs[6];
    int count = batches[row].count, kept = 0;

    for (int i = 0; i < count; i++) {
        jobs[i] = job_new(batches[row].jobs[i].act, (int64_t)row * 100 + i + 1);
        assert_true(committer_submit(committer, &jobs[i]->cmd));
    }
    open_gate();
    wait_done(count + 1);
    committer_stop(committer);
    for (int i = 0; i < count; i++) {
        EXPECT(jobs[i]->cmd.err == batches[row].jobs[i].err, "%s: command %d", batches[row].name,
               i);
        EXPECT(jobs[i]->cmd.err == FM_OK || jobs[i]->ctx.err == jobs[i]->cmd.err,
               "%s: detail of %d", batches[row].name, i);
        EXPECT(jobs[i]->done_order == i + 2, "%s: order of %d", batches[row].name, i);
        if (jobs[i]->cmd.err == FM_OK) {
            EXPECT(memory.kept[kept++] == jobs[i]->key, "%s: memory of %d", batches[row].name, i);
        }
        job_free(jobs[i]);
    }
    EXPECT(memory.kept_count == (size_t)kept, "%s: no memory of failed ones", batches[row].name);
    EXPECT(scene_count(scene.conn) - stored == kept, "%s: rows", batches[row].name);
    job_free(keeper);
}

static void test_failures(void **state)
{
    (void)state;
    for (size_t row = 0; row < COUNT_OF(batches); row++) {
        struct job *keeper;
        int64_t stored = scene_count(scene.conn);
        struct committer *committer = start_held(&keeper);

        run_batch(row, committer, keeper, stored);
    }
}

static void test_queue_full(void **state)
{
    static struct job *jobs[COMMIT_QUEUE_MAX];
    struct job *keeper, *late = job_new(SUCCEED, 99999999);
    struct committer *committer = start_held(&keeper);
    struct store_cmd before;

    (void)state;
    for (int i = 0; i < COMMIT_QUEUE_MAX; i++) {
        jobs[i] = job_new(SUCCEED, i + 1);
        EXPECT(committer_submit(committer, &jobs[i]->cmd), "number %d has room", i);
    }
    before = late->cmd;
    EXPECT(!committer_submit(committer, &late->cmd), "one more has not");
    EXPECT(memcmp(&before, &late->cmd, sizeof(before)) == 0 && late->runs == 0, "and is untouched");
    EXPECT(committer_call(committer, &late->cmd) == FM_E_OVERLOADED,
           "nor has a caller that would wait");
    open_gate();
    wait_done(COMMIT_QUEUE_MAX + 1);
    EXPECT(committer_submit(committer, &late->cmd), "later there is room");
    committer_stop(committer);
    EXPECT(scene_count(scene.conn) == COMMIT_QUEUE_MAX + 1, "all were stored");
    for (int i = 0; i < COMMIT_QUEUE_MAX; i++) {
        job_free(jobs[i]);
    }
    job_free(late);
    job_free(keeper);
}

static void *stop_committer(void *committer)
{
    committer_stop(committer);
    return NULL;
}

static void test_stop_drains(void **state)
{
    struct job *jobs[100], *keeper;
    struct committer *committer = start_held(&keeper);
    pthread_t stopper;

    (void)state;
    for (int i = 0; i < 100; i++) {
        jobs[i] = job_new(SUCCEED, i + 1);
        assert_true(committer_submit(committer, &jobs[i]->cmd));
    }
    assert_int_equal(pthread_create(&stopper, NULL, stop_committer, committer), 0);
    open_gate();
    pthread_join(stopper, NULL);
    EXPECT(scene_count(scene.conn) == 100, "what was queued is stored");
    for (int i = 0; i < 100; i++) {
        EXPECT(jobs[i]->done_order == i + 2 && jobs[i]->cmd.err == FM_OK, "number %d handed back",
               i);
        job_free(jobs[i]);
    }
    job_free(keeper);
    committer_stop(NULL);
}

static void *call_many(void *arg)
{
    struct committer *committer = arg;
    static _Atomic int64_t next_key = 1;
    int wrong = 0;

    for (int i = 0; i < 100; i++) {
        int64_t key = atomic_fetch_add(&next_key, 1);
        struct job *job = job_new(key % 3 == 0 ? FAIL_AFTER_WRITING : SUCCEED, key);
        enum fm_err err = committer_call(committer, &job->cmd);
        wrong += err != (key % 3 == 0 ? FM_E_FORBIDDEN : FM_OK);
        job_free(job);
    }
    return (void *)(intptr_t)wrong;
}

static void test_many_callers(void **state)
{
    struct job *keeper;
    struct committer *committer = start_held(&keeper);
    pthread_t threads[8];

    (void)state;
    open_gate();
    for (int i = 0; i < 8; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, call_many, committer), 0);
    }
    while (committer_stats(committer).commands < 400) { /* from any thread, at any time */
    }
    for (int i = 0; i < 8; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        EXPECT(wrong == NULL, "caller %d got another answer than its own", i);
    }
    committer_stop(committer);
    EXPECT(scene_count(scene.conn) == 800 - 266, "two thirds: %lld",
           (long long)scene_count(scene.conn));
    EXPECT(memory.kept_count == 800 - 266, "in memory too");
    job_free(keeper);
}

/* A full disk -------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    rlim_t room; /* bytes that the write-ahead log may still grow */
    enum act second;
} full_disks[] = {
    {"no byte left", 0, SUCCEED},
    {"room for the first command alone", 5000, WRITE_MUCH},
    {"room for a part of the second", 64 * 1024, WRITE_MUCH},
};

static void test_full_disk(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR + 1);
    for (size_t row = 0; row < COUNT_OF(full_disks); row++) {
        struct job *jobs[3], *keeper;
        int64_t stored = scene_count(scene.conn);
        struct committer *committer = start_held(&keeper);
        struct stat wal;

        for (int i = 0; i < 3; i++) {
            jobs[i] = job_new(i == 1 ? full_disks[row].second : SUCCEED, (int64_t)row * 10 + i + 1);
            assert_true(committer_submit(committer, &jobs[i]->cmd));
        }
        assert_int_equal(stat(scene_path("fermata.db-wal"), &wal), 0);
        limit_files((rlim_t)wal.st_size + full_disks[row].room);
        open_gate();
        wait_done(4);
        limit_files(RLIM_INFINITY);
        for (int i = 0; i < 3; i++) {
            EXPECT(jobs[i]->cmd.err == FM_E_OVERLOADED, "%s: command %d says %s",
                   full_disks[row].name, i, jobs[i]->ctx.detail);
        }
        EXPECT(memory.kept_count == 0 && memory.pending_count == 0 && memory.abandons >= 1,
               "%s: no memory of it", full_disks[row].name);

        for (int i = 0; i < 3; i++) { /* with room it works again, the same commands */
            jobs[i]->done_order = 0;
            ctx_clear(&jobs[i]->ctx);
            EXPECT(committer_call(committer, &jobs[i]->cmd) == FM_OK, "%s: again, %d: %s",
                   full_disks[row].name, i, jobs[i]->ctx.detail);
            job_free(jobs[i]);
        }
        committer_stop(committer);
        EXPECT(scene_count(scene.conn) == stored + 3, "%s: stored once", full_disks[row].name);
        EXPECT(memory.kept_count == 3, "%s: remembered once", full_disks[row].name);
        job_free(keeper);
    }
}

/* What the journal writes before COMMIT can fail too. */
static void test_refused_before_commit(void **state)
{
    struct job *job = job_new(SUCCEED, 1), *keeper;
    struct committer *committer = start_held(&keeper);

    (void)state;
    open_gate();
    wait_done(1);
    memory.refuse = FM_E_OVERLOADED;
    EXPECT(committer_call(committer, &job->cmd) == FM_E_OVERLOADED, "%s", job->ctx.detail);
    EXPECT(memory.kept_count == 0, "no memory of it");
    memory.refuse = FM_OK;
    ctx_clear(&job->ctx);
    EXPECT(committer_call(committer, &job->cmd) == FM_OK, "%s", job->ctx.detail);
    committer_stop(committer);
    EXPECT(scene_count(scene.conn) == 1, "stored once");
    job_free(job);
    job_free(keeper);
}

static void die_of_commit(void *with)
{
    struct job *job = job_new(SUCCEED, 1), *keeper;
    struct committer *committer;

    (void)with;
    memory = (struct memory){0};
    committer = start_held(&keeper);
    open_gate();
    wait_done(1);
    memory.refuse = FM_E_INTERNAL;
    _exit((int)committer_call(committer, &job->cmd));
}

static void test_unknown_commit(void **state)
{
    (void)state;
    EXPECT(check_panics(die_of_commit, NULL),
           "a commit that fails for no known reason ends the process");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(test_groups),         SCENE_TEST(test_failures),
        SCENE_TEST(test_queue_full),     SCENE_TEST(test_stop_drains),
        SCENE_TEST(test_many_callers),   SCENE_TEST(test_refused_before_commit),
        SCENE_TEST(test_unknown_commit), SCENE_TEST(test_full_disk),
    };

    return CHECK_RUN(tests);
}
