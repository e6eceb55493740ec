/* SPDX-License-Identifier: Apache-2.0
 *
 * The store: one folder that one process owns (lock file), an SQLite database in it (WAL,
 * synchronous=FULL), connections, statements bound by name, numbered migrations, and the committer that
 * owns the write connection and commits in groups. Knows nothing of proposals.
 */
#ifndef FM_STORE_H
#define FM_STORE_H

#include "base/ctx.h"
#include "base/id.h"
#include "base/metric.h"

struct store;
struct store_conn;
struct store_rows;

/* Opens (or makes) the folder `dir`, takes its lock, runs missing migrations. Errors, each with a
 * sentence for the operator: FM_E_OVERLOADED when another process works on it, FM_E_INTERNAL when
 * it is newer than this program or not writable. */
enum fm_err store_open(struct ctx *ctx, const char *dir, struct store **out) MUST_CHECK;
void store_close(struct store *store);
const char *store_dir(const struct store *store);

/* Connections: one for writing (the committer's), any number for reading, each used by one thread. */
enum fm_err store_reader(struct ctx *ctx, struct store *store, struct store_conn **out) MUST_CHECK;
void store_reader_close(struct store_conn *conn);

/* Opens `dir` for reading only, without lock and migrations: for verifying a store in use or a
 * copy. Refuses one that is newer than this program, as store_open does. */
enum fm_err store_open_readonly(struct ctx *ctx, const char *dir, struct store_conn **out) MUST_CHECK;

/* The number of the last migration that a store has seen, and of the last that this program
 * knows. */
enum fm_err store_format(struct ctx *ctx, struct store_conn *conn, int64_t *out) MUST_CHECK;
int64_t store_format_known(void);

/* Statements ----------------------------------------------------------------------------------------
 * An SQL text is a static object; a connection prepares it once. Arguments are bound by name. */

struct sql {
    const char *text; /* parameters as $name */
};
#define SQL(name, body) static const struct sql name = {body}

struct sql_arg {
    const char *name; /* with the $; must be a literal: lookups are cached by its address */
    enum { SQL_INT, SQL_BLOB, SQL_TEXT, SQL_NULL } kind;
    int64_t number;
    struct str bytes; /* stays valid until the statement is finished; absent binds NULL */
};
#define A_INT(name, value) ((struct sql_arg){name, SQL_INT, (int64_t)(value), STR_NONE})
#define A_BLOB(name, value) ((struct sql_arg){name, SQL_BLOB, 0, value})
#define A_TEXT(name, value) ((struct sql_arg){name, SQL_TEXT, 0, value})
#define A_ID(name, idp) ((struct sql_arg){name, SQL_BLOB, 0, id_bytes(idp)})
#define A_NULL(name) ((struct sql_arg){name, SQL_NULL, 0, STR_NONE})
/* A_INT that binds NULL for zero: times and references that are not set. */
#define A_OPT(name, value) ((struct sql_arg){name, (value) ? SQL_INT : SQL_NULL, (int64_t)(value), STR_NONE})
#define ARGS(...) (const struct sql_arg[]){__VA_ARGS__},                                           \
                  sizeof((const struct sql_arg[]){__VA_ARGS__}) / sizeof(struct sql_arg)
#define NO_ARGS NULL, 0

/* Runs a statement to its end. Errors: FM_E_EXISTS on a violated unique index; FM_E_OVERLOADED when the
 * disk is full or busy; FM_E_INTERNAL otherwise (logged). */
enum fm_err store_exec(struct ctx *ctx, struct store_conn *conn, const struct sql *sql,
                       const struct sql_arg *args, size_t count) MUST_CHECK;

/* Starts a query; rows are read with rows_next. Ended by rows_done, by the last row, or by the next use
 * of the same statement. */
enum fm_err store_query(struct ctx *ctx, struct store_conn *conn, const struct sql *sql,
                        const struct sql_arg *args, size_t count, struct store_rows **out) MUST_CHECK;
/* True: a row is there. False: the end, or an error, which then stands in ctx->err. */
bool rows_next(struct ctx *ctx, struct store_rows *rows);
void rows_done(struct store_rows *rows); /* NULL allowed */
int64_t rows_int(struct store_rows *rows, int column);    /* NULL reads as 0 */
struct str rows_bytes(struct store_rows *rows, int column); /* borrowed until the next step; NULL: absent */
struct id rows_id(struct store_rows *rows, int column);
bool rows_is_null(struct store_rows *rows, int column);

/* Runs a query that gives at most one row of one integer; `fallback` when there is none. */
enum fm_err store_int(struct ctx *ctx, struct store_conn *conn, const struct sql *sql,
                      const struct sql_arg *args, size_t count, int64_t fallback, int64_t *out) MUST_CHECK;

/* A slot of the connection for a library above that works inside its transactions (the journal). */
void store_set_state(struct store_conn *conn, void *state);
void *store_state(const struct store_conn *conn);

/* Of the last INSERT of this connection. */
int64_t store_last_rowid(struct store_conn *conn);
int64_t store_changed(struct store_conn *conn); /* rows changed by the last statement */

/* A read transaction: all queries between see one state. Its end also ends queries that an error left
 * before their last row. */
enum fm_err store_snapshot(struct ctx *ctx, struct store_conn *conn) MUST_CHECK;
void store_snapshot_end(struct store_conn *conn);

/* The committer --------------------------------------------------------------------------------------
 * Takes all waiting commands (at most COMMIT_BATCH_MAX), runs them in one transaction, commits once, then
 * hands every command back. A failing command leaves no trace. A COMMIT that fails ends the process, unless
 * it was for want of room on the disk: then every command of the batch fails with FM_E_OVERLOADED. */

#define COMMIT_BATCH_MAX 256
#define COMMIT_QUEUE_MAX 4096

struct store_cmd;

/* Runs on the committer's thread inside the batch's transaction; an error rolls the command back (only
 * it). `conn` is the write connection. May be called a second time, after everything that the first call
 * wrote was undone: it must start from the command's inputs again. */
typedef enum fm_err store_run_fn(struct store_cmd *cmd, struct store_conn *conn);
/* Runs on the committer's thread after COMMIT has returned (or after the rollback of this command). */
typedef void store_done_fn(struct store_cmd *cmd);

struct store_cmd {
    struct store_cmd *next;
    store_run_fn *run;
    store_done_fn *done;
    struct ctx *ctx;        /* of the command: arena and error */
    enum fm_err err;        /* what `run` returned */
    int64_t committed_at_us; /* monotonic time at which COMMIT returned */
};

/* What must happen around each batch: the journal's tree, in-memory states. All on the committer's
 * thread. `mark` and `rollback` bracket one command: rollback forgets all since the last mark. */
struct store_hooks {
    void *with;
    void (*mark)(void *with);
    void (*rollback)(void *with);
    void (*abandon)(void *with); /* the whole batch is undone */
    enum fm_err (*before_commit)(void *with, struct ctx *ctx, struct store_conn *conn);
    void (*after_commit)(void *with, int64_t committed_at_us); /* before the commands' `done` */
};

struct committer;

/* Starts the thread; from now on it owns the write connection. `hooks` is copied. */
enum fm_err committer_start(struct ctx *ctx, struct store *store, const struct store_hooks *hooks,
                            struct committer **out) MUST_CHECK;

/* Queues a command. False: the queue is full (503), the command is untouched. Any thread. */
bool committer_submit(struct committer *committer, struct store_cmd *cmd) MUST_CHECK;

/* The same for a chain of `count` commands, linked by `next`: all of them or none. */
bool committer_submit_all(struct committer *committer, struct store_cmd *first, size_t count)
    MUST_CHECK;

/* Submits and waits until it is done: for the command line and start. Not on a loop thread. */
enum fm_err committer_call(struct committer *committer, struct store_cmd *cmd) MUST_CHECK;

/* Finishes what is queued, stops the thread, and frees. */
void committer_stop(struct committer *committer);

struct committer_stats {
    uint64_t batches, commands, rolled_back, run_again, largest_batch, queue_full;
    size_t waiting; /* commands that wait now */
};
/* Since the start; for metrics. Any thread. */
struct committer_stats committer_stats(struct committer *committer);
/* Commands per batch, and the time that COMMIT took in microseconds. Any thread. */
const struct histogram *committer_batch_sizes(const struct committer *committer);
const struct histogram *committer_commit_times(const struct committer *committer);

/* The write connection, before committer_start or after committer_stop only. */
struct store_conn *store_writer(struct store *store);

/* Makes a folder that only its owner may enter, and those above it. That it is there is no error. */
enum fm_err store_make_folder(struct ctx *ctx, const char *dir) MUST_CHECK;

/* Backup: an online copy of the database into `dir/fermata.db` (made if missing, must hold no
 * store). A copy that fails is removed. Errors: FM_E_EXISTS, FM_E_NOT_FOUND when `reader` reads a
 * file without a store, FM_E_INTERNAL. */
enum fm_err store_backup(struct ctx *ctx, struct store_conn *reader, const char *dir,
                         void (*progress)(void *with, int done, int total), void *with) MUST_CHECK;

#endif
