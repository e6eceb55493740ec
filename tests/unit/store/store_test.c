/* SPDX-License-Identifier: Apache-2.0
 *
 * The folder and its statements: binding by name, snapshots, migrations, the lock, backups.
 */
#include "store_check.h"

#include <pthread.h>
#include <stdatomic.h>

SQL(SQL_GET, "SELECT v FROM pairs WHERE k = $k");
SQL(SQL_TWICE, "SELECT $a || $b || $a");
SQL(SQL_VERSION, "PRAGMA user_version");
SQL(SQL_ORDERED, "SELECT k FROM pairs ORDER BY k");
SQL(SQL_UPDATE, "UPDATE pairs SET v = 1 WHERE k < $k");
SQL(SQL_WRONG, "SELECT nothing FROM nowhere");
SQL(SQL_NOTHING, "SELECT max(k) FROM pairs WHERE k < 0");

/* Statements --------------------------------------------------------------------------------- */

static void test_bind_by_name(void **state)
{
    struct store_rows *rows;

    (void)state;
    for (int round = 0; round < 3;
         round++) { /* in turns: the remembered numbers must follow the names */
        MUST(store_query(&scene.ctx, scene.conn, &SQL_TWICE,
                         ARGS(A_TEXT("$a", S("a")), A_TEXT("$b", S("b"))), &rows));
        assert_true(rows_next(&scene.ctx, rows));
        EXPECT_STR("in the order of the text", rows_bytes(rows, 0), S("aba"));
        rows_done(rows);
        MUST(store_query(&scene.ctx, scene.conn, &SQL_TWICE,
                         ARGS(A_TEXT("$b", S("b")), A_TEXT("$a", S("a"))), &rows));
        assert_true(rows_next(&scene.ctx, rows));
        EXPECT_STR("in another order", rows_bytes(rows, 0), S("aba"));
        rows_done(rows);
    }
}

static void bind_unknown(void *with)
{
    struct store_rows *rows;

    (void)with;
    _exit((int)store_query(&scene.ctx, scene.conn, &SQL_TWICE,
                      ARGS(A_TEXT("$a", S("a")), A_TEXT("$c", S("c"))), &rows));
}

static void bind_too_few(void *with)
{
    struct store_rows *rows;

    (void)with;
    _exit((int)store_query(&scene.ctx, scene.conn, &SQL_TWICE, ARGS(A_TEXT("$a", S("a"))), &rows));
}

static void test_bind_wrong(void **state)
{
    (void)state;
    EXPECT(check_panics(bind_unknown, NULL), "a name that the text does not have");
    EXPECT(check_panics(bind_too_few, NULL), "a parameter that is not bound");
}

static const struct {
    const char *name;
    struct sql_arg arg;
    bool is_null;
    int64_t number;
    struct str bytes;
} values[] = {
    {"an integer",
     {"$v", SQL_INT, INT64_MIN, {NULL, 0}},
     false,
     INT64_MIN,
     STR("-9223372036854775808")},
    {"bytes with NUL", {"$v", SQL_BLOB, 0, STR("a\0b")}, false, 0, STR("a\0b")},
    {"an empty blob is present", {"$v", SQL_BLOB, 0, STR("")}, false, 0, STR("")},
    {"an absent blob is NULL", {"$v", SQL_BLOB, 0, {NULL, 0}}, true, 0, {NULL, 0}},
    {"text", {"$v", SQL_TEXT, 0, STR("h\xC3\xA9")}, false, 0, STR("h\xC3\xA9")},
    {"an empty text is present", {"$v", SQL_TEXT, 0, STR("")}, false, 0, STR("")},
    {"an absent text is NULL", {"$v", SQL_TEXT, 0, {NULL, 0}}, true, 0, {NULL, 0}},
    {"NULL", {"$v", SQL_NULL, 0, {NULL, 0}}, true, 0, {NULL, 0}},
};

static void test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        struct store_rows *rows;
        struct sql_arg arg = values[i].arg;

        arg.name = "$v";
        MUST(store_exec(&scene.ctx, scene.conn, &SQL_PUT, ARGS(A_INT("$k", i), arg)));
        EXPECT(store_last_rowid(scene.conn) == (int64_t)i, "%s", values[i].name);
        MUST(store_query(&scene.ctx, scene.conn, &SQL_GET, ARGS(A_INT("$k", i)), &rows));
        assert_true(rows_next(&scene.ctx, rows));
        EXPECT(rows_is_null(rows, 0) == values[i].is_null, "%s", values[i].name);
        EXPECT(rows_int(rows, 0) == values[i].number, "%s", values[i].name);
        EXPECT(!rows_bytes(rows, 0).p == values[i].is_null, "%s", values[i].name);
        EXPECT_STR(values[i].name, rows_bytes(rows, 0), values[i].bytes);
        EXPECT(!rows_next(&scene.ctx, rows), "%s: one row", values[i].name);
    }
}

static void test_integers(void **state)
{
    int64_t got;

    (void)state;
    MUST(store_int(&scene.ctx, scene.conn, &SQL_GET, ARGS(A_INT("$k", 5)), -7, &got));
    EXPECT(got == -7, "no row: the fallback");
    MUST(store_int(&scene.ctx, scene.conn, &SQL_NOTHING, NO_ARGS, -7, &got));
    EXPECT(got == -7, "NULL: the fallback");
    MUST(store_exec(&scene.ctx, scene.conn, &SQL_PUT, ARGS(A_INT("$k", 5), A_OPT("$v", 0))));
    MUST(store_int(&scene.ctx, scene.conn, &SQL_GET, ARGS(A_INT("$k", 5)), -7, &got));
    EXPECT(got == -7, "an optional 0 is NULL");
    MUST(store_exec(&scene.ctx, scene.conn, &SQL_UPDATE, ARGS(A_INT("$k", 6))));
    EXPECT(store_changed(scene.conn) == 1, "one row changed");
    MUST(store_int(&scene.ctx, scene.conn, &SQL_GET, ARGS(A_INT("$k", 5)), -7, &got));
    EXPECT(got == 1, "a value");
}

static void test_errors(void **state)
{
    struct store_rows *rows;

    (void)state;
    log_set_level(LOG_ERROR + 1);
    MUST(store_exec(&scene.ctx, scene.conn, &SQL_PUT, ARGS(A_INT("$k", 1), A_NULL("$v"))));
    EXPECT(store_exec(&scene.ctx, scene.conn, &SQL_PUT, ARGS(A_INT("$k", 1), A_NULL("$v"))) ==
               FM_E_EXISTS,
           "a key twice");
    EXPECT(store_query(&scene.ctx, scene.conn, &SQL_WRONG, NO_ARGS, &rows) == FM_E_INTERNAL,
           "a text that is no SQL of this store");
    EXPECT(scene_count(scene.conn) == 1, "and it goes on");
}

/* Snapshots ---------------------------------------------------------------------------------- */

static void test_snapshot(void **state)
{
    struct store_conn *reader;

    (void)state;
    MUST(store_reader(&scene.ctx, scene.store, &reader));
    MUST(store_snapshot(&scene.ctx, reader));
    EXPECT(scene_count(reader) == 0, "the state at its first query");
    MUST(store_exec(&scene.ctx, scene.conn, &SQL_PUT, ARGS(A_INT("$k", 1), A_NULL("$v"))));
    EXPECT(scene_count(scene.conn) == 1, "written");
    EXPECT(scene_count(reader) == 0, "not seen inside");
    store_snapshot_end(reader);
    EXPECT(scene_count(reader) == 1, "seen after it");
    log_set_level(LOG_ERROR + 1);
    EXPECT(store_exec(&scene.ctx, reader, &SQL_PUT, ARGS(A_INT("$k", 2), A_NULL("$v"))) != FM_OK,
           "a reader cannot write");
    store_reader_close(reader);
}

/* The folder --------------------------------------------------------------------------------- */

static void test_migrations(void **state)
{
    int64_t version;
    int newest = store_migrations[store_migration_count - 1].number;

    (void)state;
    for (size_t i = 0; i < store_migration_count; i++) {
        EXPECT(store_migrations[i].number == (int)i + 1, "numbered without gaps: %zu", i);
    }
    MUST(store_int(&scene.ctx, scene.conn, &SQL_VERSION, NO_ARGS, -1, &version));
    EXPECT(version == newest, "a fresh store has the newest format");
    MUST(store_exec(&scene.ctx, scene.conn, &SQL_PUT, ARGS(A_INT("$k", 1), A_NULL("$v"))));
    scene_close();
    scene_open();
    EXPECT(scene_count(scene.conn) == 1, "opening it again changes nothing");
    MUST(conn_script(&scene.ctx, scene.conn,
                     arena_printf(scene.arena, "PRAGMA user_version=%d", newest + 1).p));
    scene_close();
    EXPECT(store_open(&scene.ctx, scene.dir, &scene.store) == FM_E_INTERNAL && !scene.store,
           "a newer store is refused");
    EXPECT(strstr(scene.ctx.detail, "newer version") != NULL, "%s", scene.ctx.detail);
}

/* A folder as the program of `steps` migrations left it, with something in it. */
static void make_older(size_t steps)
{
    scene_close();
    scene_remove(scene.dir);
    assert_int_equal(mkdir(scene.dir, 0700), 0);
    MUST(conn_open(&scene.ctx, scene.dir, true, &scene.conn));
    for (size_t i = 0; i < steps; i++) {
        MUST(conn_script(&scene.ctx, scene.conn, store_migrations[i].text));
    }
    MUST(conn_script(
        &scene.ctx, scene.conn,
        arena_printf(scene.arena,
                     "PRAGMA user_version=%d; INSERT INTO proposals(id, agent, state, revision,"
                     " action, category, policy, digest, arguments_digest, payload, last_leaf,"
                     " assessment, created_at, updated_at) VALUES(x'01', 1, 0, 1, 'a', 'a', 1, x'',"
                     " x'', 0, 0, '{}', 1, 1)",
                     store_migrations[steps - 1].number)
            .p));
    conn_close(scene.conn);
}

SQL(SQL_OLD_ROWS, "SELECT count(*) FROM proposals WHERE id = x'01' AND callback IS NULL");

static void test_older(void **state)
{
    (void)state;
    for (size_t steps = 1; steps < store_migration_count; steps++) {
        int64_t version, rows;

        make_older(steps);
        scene_open();
        MUST(store_int(&scene.ctx, scene.conn, &SQL_VERSION, NO_ARGS, -1, &version));
        EXPECT(version == store_migrations[store_migration_count - 1].number,
               "a store of %zu steps is brought up", steps);
        MUST(store_int(&scene.ctx, scene.conn, &SQL_OLD_ROWS, NO_ARGS, -1, &rows));
        EXPECT(rows == 1, "with what was in it");
    }
}

/* Opens the same folder in another process: 0 when it could, 1 when it was refused as locked. */
static int open_elsewhere(void)
{
    int status = -1;
    pid_t child;

    (void)fflush(NULL);
    child = fork();
    if (child == 0) {
        struct store *store = NULL;
        enum fm_err err = store_open(&scene.ctx, scene.dir, &store);
        _exit(err == FM_OK ? 0 : err == FM_E_OVERLOADED && !store ? 1 : 2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_lock(void **state)
{
    struct store *second = NULL;

    (void)state;
    EXPECT(store_open(&scene.ctx, scene.dir, &second) == FM_E_OVERLOADED && !second,
           "in this process");
    EXPECT(strstr(scene.ctx.detail, "another process") != NULL, "%s", scene.ctx.detail);
    EXPECT(open_elsewhere() == 1, "in another one");
    scene_close();
    EXPECT(open_elsewhere() == 0, "free again");
    scene_open();
}

static void test_private(void **state)
{
    static const char *const names[] = {"fermata.db", "fermata.db-wal", "lock"};
    struct stat stat_;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        assert_int_equal(stat(scene_path(names[i]), &stat_), 0);
        EXPECT((stat_.st_mode & 077) == 0, "%s is for its owner alone", names[i]);
    }
}

static void test_not_a_folder(void **state)
{
    struct store *store = NULL;
    struct store_conn *conn = NULL;

    (void)state;
    EXPECT(store_open(&scene.ctx, "/dev/null/store", &store) == FM_E_INTERNAL && !store,
           "under a file");
    EXPECT(store_open_readonly(&scene.ctx, scene_path("nowhere"), &conn) == FM_E_NOT_FOUND && !conn,
           "nothing to read");
    EXPECT(access(scene_path("nowhere"), F_OK) != 0, "and nothing was made");
}

/* Backups ------------------------------------------------------------------------------------ */

/* Writes pairs in transactions of ten until told to stop. */
static _Atomic bool stop_writing;

static void *write_on(void *arg)
{
    struct ctx ctx = {0};

    (void)arg;
    for (int64_t k = 0; !atomic_load(&stop_writing) && k < 200000; k += 10) {
        enum fm_err err = conn_script(&ctx, scene.conn, "BEGIN IMMEDIATE");
        for (int64_t i = 0; err == FM_OK && i < 10; i++) {
            err = store_exec(&ctx, scene.conn, &SQL_PUT, ARGS(A_INT("$k", k + i), A_INT("$v", k)));
        }
        if (err != FM_OK || conn_script(&ctx, scene.conn, "COMMIT") != FM_OK) {
            return arg;
        }
    }
    return NULL;
}

static void note_progress(void *with, int done, int total)
{
    int *calls = with;

    EXPECT(done >= 0 && done <= total, "%d of %d", done, total);
    (*calls)++;
}

static void test_backup_while_writing(void **state)
{
    const char *copy = scene_path("copy");
    struct store_conn *reader, *copied;
    struct store_rows *rows;
    pthread_t writer;
    void *failed = NULL;
    int calls = 0;
    int64_t next = 0;
    struct stat stat_;

    (void)state;
    MUST(conn_script(
        &scene.ctx, scene.conn, /* a few hundred pages, so that the copy takes its steps */
        "CREATE TABLE ballast(b); WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1"
        " FROM n WHERE i < 500) INSERT INTO ballast SELECT randomblob(2000) FROM n"));
    atomic_store(&stop_writing, false);
    MUST(store_reader(&scene.ctx, scene.store, &reader));
    assert_int_equal(pthread_create(&writer, NULL, write_on, &failed), 0);
    while (scene_count(reader) < 100) { /* the writer is at work */
    }
    MUST(store_backup(&scene.ctx, reader, copy, note_progress, &calls));
    atomic_store(&stop_writing, true);
    pthread_join(writer, &failed);
    EXPECT(failed == NULL, "the writer was not disturbed");
    EXPECT(calls > 1, "in steps: %d", calls);

    MUST(store_open_readonly(&scene.ctx, copy, &copied));
    MUST(store_query(&scene.ctx, copied, &SQL_ORDERED, NO_ARGS, &rows));
    while (rows_next(&scene.ctx, rows)) {
        EXPECT(rows_int(rows, 0) == next, "no gap before %lld", (long long)rows_int(rows, 0));
        next++;
    }
    EXPECT(next >= 100 && next % 10 == 0, "whole transactions: %lld", (long long)next);
    EXPECT(next <= scene_count(scene.conn), "nothing from nowhere");
    store_reader_close(copied);
    assert_int_equal(stat(arena_printf(scene.arena, "%s/fermata.db", copy).p, &stat_), 0);
    EXPECT((stat_.st_mode & 077) == 0, "the copy is for its owner alone");

    EXPECT(store_backup(&scene.ctx, reader, copy, NULL, NULL) == FM_E_EXISTS, "never over a store");
    store_reader_close(reader);
}

/* Every step of the copy is followed by a commit: it must neither start again nor see any of them. */
static int steps, last_done;

static void write_between(void *with, int done, int total)
{
    (void)with;
    (void)total;
    EXPECT(done > last_done, "it goes on: %d after %d", done, last_done);
    last_done = done;
    MUST(store_exec(&scene.ctx, scene.conn, &SQL_PUT,
                    ARGS(A_INT("$k", 1000 + steps++), A_NULL("$v"))));
}

static void test_backup_is_one_state(void **state)
{
    struct store_conn *reader, *copied;

    (void)state;
    steps = last_done = 0;
    MUST(conn_script(
        &scene.ctx, scene.conn,
        "CREATE TABLE ballast(b); WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1"
        " FROM n WHERE i < 500) INSERT INTO ballast SELECT randomblob(2000) FROM n"));
    MUST(store_exec(&scene.ctx, scene.conn, &SQL_PUT, ARGS(A_INT("$k", 1), A_NULL("$v"))));
    MUST(store_reader(&scene.ctx, scene.store, &reader));
    MUST(store_backup(&scene.ctx, reader, scene_path("copy"), write_between, NULL));
    MUST(store_open_readonly(&scene.ctx, scene_path("copy"), &copied));
    EXPECT(steps > 2 && scene_count(reader) == 1 + steps, "%d commits meanwhile", steps);
    EXPECT(scene_count(copied) == 1, "the state at the beginning");
    store_reader_close(copied);
    store_reader_close(reader);
}

/* A copy for which there was no room, and a copy of nothing: neither is left to be taken for one. */
static void test_failed_backup(void **state)
{
    const char *copy = scene_path("copy");
    struct store_conn *reader, *nothing;

    (void)state;
    log_set_level(LOG_ERROR + 1);
    MUST(store_reader(&scene.ctx, scene.store, &reader));
    limit_files(16 * KIB);
    EXPECT(store_backup(&scene.ctx, reader, copy, NULL, NULL) != FM_OK, "no room");
    limit_files(RLIM_INFINITY);
    EXPECT(access(scene_path("copy/fermata.db"), F_OK) != 0, "nothing is left");
    MUST(store_backup(&scene.ctx, reader, copy, NULL, NULL));
    store_reader_close(reader);

    MUST(conn_open(&scene.ctx, scene_path("copy"), true, &nothing));
    MUST(conn_script(&scene.ctx, nothing, "PRAGMA user_version=0"));
    EXPECT(store_backup(&scene.ctx, nothing, scene_path("other"), NULL, NULL) == FM_E_NOT_FOUND,
           "a file that is no store");
    EXPECT(access(scene_path("other/fermata.db"), F_OK) != 0, "nothing is left of that either");
    conn_close(nothing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(test_bind_by_name),
        SCENE_TEST(test_bind_wrong),
        SCENE_TEST(test_values),
        SCENE_TEST(test_integers),
        SCENE_TEST(test_errors),
        SCENE_TEST(test_snapshot),
        SCENE_TEST(test_migrations),
        SCENE_TEST(test_older),
        SCENE_TEST(test_lock),
        SCENE_TEST(test_private),
        SCENE_TEST(test_not_a_folder),
        SCENE_TEST(test_backup_while_writing),
        SCENE_TEST(test_backup_is_one_state),
        SCENE_TEST(test_failed_backup),
    };

    return CHECK_RUN(tests);
}
