/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections and statements. A connection belongs to one thread at a time and prepares every SQL text
 * once; arguments are bound by name, and the numbers of the names are remembered per statement, so that
 * binding costs a pointer comparison.
 *
 * Pragmas: WAL and synchronous=FULL make COMMIT durable when it returns; the page cache is small because
 * the kernel's cache holds the file anyway; checkpoints every 4000 pages (16 MiB of log).
 */
#include "store/store_internal.h"

#include "base/log.h"
#include "base/panic.h"

#include <pthread.h>
#include <stdlib.h>

static const char pragmas_write[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                                    "PRAGMA wal_autocheckpoint=4000; PRAGMA cache_size=-8192;"
                                    "PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF;";
static const char pragmas_read[] = "PRAGMA query_only=ON; PRAGMA cache_size=-2048;"
                                   "PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF;";

/* Want of room for a write. SQLite knows it by ENOSPC alone; a quota or a limit on the size of
 * files is to it a failed write, like a broken disk, and COMMIT does not tell which. All three
 * leave the last frame of the write-ahead log unwritten, so nothing of the transaction has
 * happened. A failed sync is another matter: there, what is on disk is unknown. */
static bool wants_room(int code)
{
    return (code & 0xff) == SQLITE_FULL || code == SQLITE_IOERR_WRITE;
}

enum fm_err conn_failed(struct ctx *ctx, struct store_conn *conn, const char *what)
{
    int code = sqlite3_extended_errcode(conn->db);
    const char *message = sqlite3_errmsg(conn->db);

    switch (wants_room(code) ? SQLITE_FULL : code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_BUSY:
    case SQLITE_NOMEM:
        log_error("store.unavailable", F_TEXT("while", str_of(what)), F_TEXT("error", str_of(message)));
        return fail(ctx, FM_E_OVERLOADED, "the store cannot take this now: %s", message);
    case SQLITE_CONSTRAINT:
        return fail(ctx, FM_E_EXISTS, "there is one already");
    default:
        log_error("store.failed", F_INT("code", code), F_TEXT("while", str_of(what)),
                  F_TEXT("error", str_of(message)));
        return fail(ctx, FM_E_INTERNAL, "the store failed");
    }
}

enum fm_err conn_script(struct ctx *ctx, struct store_conn *conn, const char *text)
{
    if (sqlite3_exec(conn->db, text, NULL, NULL, NULL) != SQLITE_OK) {
        return conn_failed(ctx, conn, "script");
    }
    return FM_OK;
}

static void configure(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* SQLite's account of its own memory takes one lock for all threads at each allocation, and nobody asks for
 * it. Before the first connection; later calls change nothing. */
static void forgo_statistics(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, configure);
}

enum fm_err conn_open(struct ctx *ctx, const char *dir, bool writable, struct store_conn **out)
{
    struct str path = arena_printf(ctx->arena, "%s/fermata.db", dir);
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                (writable ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READWRITE);
    struct store_conn *conn = calloc(1, sizeof(*conn));
    enum fm_err err;

    if (!conn || !path.p) {
        free(conn);
        return fail_memory(ctx);
    }
    forgo_statistics();
    if (sqlite3_open_v2(path.p, &conn->db, flags, NULL) != SQLITE_OK) {
        err = fail(ctx, FM_E_INTERNAL, "cannot open %s: %s", path.p, sqlite3_errmsg(conn->db));
        conn_close(conn);
        return err;
    }
    sqlite3_busy_timeout(conn->db, 10000);
    sqlite3_limit(conn->db, SQLITE_LIMIT_ATTACHED, 0);
    err = conn_script(ctx, conn, writable ? pragmas_write : pragmas_read);
    if (err != FM_OK) {
        conn_close(conn);
        return err;
    }
    *out = conn;
    return FM_OK;
}

void conn_close(struct store_conn *conn)
{
    if (!conn) {
        return;
    }
    for (size_t i = 0; i < SQL_CACHE_SLOTS; i++) {
        sqlite3_finalize(conn->cache[i].statement);
    }
    sqlite3_close(conn->db);
    free(conn);
}

/* The slot of an SQL text: by its address, open addressing. */
static struct store_rows *cache_slot(struct store_conn *conn, const struct sql *sql)
{
    size_t at = ((uintptr_t)sql >> 3) * 0x9E3779B97F4A7C15u >> 32 & (SQL_CACHE_SLOTS - 1);

    for (size_t i = 0; i < SQL_CACHE_SLOTS; i++, at = (at + 1) & (SQL_CACHE_SLOTS - 1)) {
        if (!conn->cache[at].sql || conn->cache[at].sql == sql) {
            return &conn->cache[at];
        }
    }
    PANIC("more SQL texts than the cache has slots");
}

static enum fm_err prepare(struct ctx *ctx, struct store_conn *conn, const struct sql *sql,
                           struct store_rows **out)
{
    struct store_rows *rows = cache_slot(conn, sql);

    if (!rows->statement) {
        if (sqlite3_prepare_v3(conn->db, sql->text, -1, SQLITE_PREPARE_PERSISTENT, &rows->statement,
                               NULL) != SQLITE_OK) {
            return conn_failed(ctx, conn, sql->text);
        }
        rows->sql = sql;
    } else if (rows->busy) {
        sqlite3_reset(rows->statement);
        rows->busy = false;
    }
    *out = rows;
    return FM_OK;
}

static int parameter_number(struct store_rows *rows, size_t i, const char *name)
{
    if (rows->names[i] != name) {
        rows->names[i] = name;
        rows->at[i] = sqlite3_bind_parameter_index(rows->statement, name);
        ASSERT(rows->at[i] > 0);
    }
    return rows->at[i];
}

static int bind_one(struct store_rows *rows, size_t i, const struct sql_arg *arg)
{
    int at = parameter_number(rows, i, arg->name);

    switch (arg->kind) {
    case SQL_INT:
        return sqlite3_bind_int64(rows->statement, at, arg->number);
    case SQL_BLOB:
        return sqlite3_bind_blob64(rows->statement, at, arg->bytes.p, arg->bytes.n, SQLITE_STATIC);
    case SQL_TEXT:
        return sqlite3_bind_text64(rows->statement, at, arg->bytes.p, arg->bytes.n, SQLITE_STATIC,
                                   SQLITE_UTF8);
    case SQL_NULL:
        return sqlite3_bind_null(rows->statement, at);
    }
    return SQLITE_MISUSE;
}

static enum fm_err bind_all(struct ctx *ctx, struct store_conn *conn, struct store_rows *rows,
                            const struct sql_arg *args, size_t count)
{
    ASSERT(count <= SQL_ARGS_MAX);
    ASSERT((int)count == sqlite3_bind_parameter_count(rows->statement));
    for (size_t i = 0; i < count; i++) {
        if (bind_one(rows, i, &args[i]) != SQLITE_OK) {
            return conn_failed(ctx, conn, rows->sql->text);
        }
    }
    return FM_OK;
}

enum fm_err store_query(struct ctx *ctx, struct store_conn *conn, const struct sql *sql,
                        const struct sql_arg *args, size_t count, struct store_rows **out)
{
    TRY(prepare(ctx, conn, sql, out));
    TRY(bind_all(ctx, conn, *out, args, count));
    (*out)->busy = true;
    return FM_OK;
}

bool rows_next(struct ctx *ctx, struct store_rows *rows)
{
    int code = sqlite3_step(rows->statement);

    if (code == SQLITE_ROW) {
        return true;
    }
    if (code != SQLITE_DONE) {
        struct store_conn conn = {.db = sqlite3_db_handle(rows->statement)};
        (void)conn_failed(ctx, &conn, rows->sql->text);
    }
    rows_done(rows);
    return false;
}

void rows_done(struct store_rows *rows)
{
    if (rows && rows->busy) {
        sqlite3_reset(rows->statement);
        rows->busy = false;
    }
}

int64_t rows_int(struct store_rows *rows, int column)
{
    return sqlite3_column_int64(rows->statement, column);
}

struct str rows_bytes(struct store_rows *rows, int column)
{
    const char *p = sqlite3_column_blob(rows->statement, column);
    int n = sqlite3_column_bytes(rows->statement, column);

    if (sqlite3_column_type(rows->statement, column) == SQLITE_NULL) {
        return STR_NONE;
    }
    return (struct str){p ? p : "", (size_t)n}; /* an empty blob has no address */
}

struct id rows_id(struct store_rows *rows, int column)
{
    return id_from(rows_bytes(rows, column));
}

bool rows_is_null(struct store_rows *rows, int column)
{
    return sqlite3_column_type(rows->statement, column) == SQLITE_NULL;
}

enum fm_err store_exec(struct ctx *ctx, struct store_conn *conn, const struct sql *sql,
                       const struct sql_arg *args, size_t count)
{
    struct store_rows *rows;
    int code;
    enum fm_err err = FM_OK;

    TRY(store_query(ctx, conn, sql, args, count, &rows));
    do {
        code = sqlite3_step(rows->statement);
    } while (code == SQLITE_ROW);
    if (code != SQLITE_DONE) {
        err = conn_failed(ctx, conn, sql->text);
    }
    rows_done(rows);
    return err;
}

enum fm_err store_int(struct ctx *ctx, struct store_conn *conn, const struct sql *sql,
                      const struct sql_arg *args, size_t count, int64_t fallback, int64_t *out)
{
    struct store_rows *rows;

    TRY(store_query(ctx, conn, sql, args, count, &rows));
    ctx->err = FM_OK;
    *out = fallback;
    if (rows_next(ctx, rows)) {
        *out = rows_is_null(rows, 0) ? fallback : rows_int(rows, 0);
    }
    rows_done(rows);
    return ctx->err;
}

void store_set_state(struct store_conn *conn, void *state)
{
    conn->state = state;
}

void *store_state(const struct store_conn *conn)
{
    return conn->state;
}

int64_t store_last_rowid(struct store_conn *conn)
{
    return sqlite3_last_insert_rowid(conn->db);
}

int64_t store_changed(struct store_conn *conn)
{
    return sqlite3_changes64(conn->db);
}

SQL(SQL_BEGIN_READ, "BEGIN");
SQL(SQL_END_READ, "COMMIT");

enum fm_err store_snapshot(struct ctx *ctx, struct store_conn *conn)
{
    return store_exec(ctx, conn, &SQL_BEGIN_READ, NO_ARGS);
}

/* A query that an error left before its last row pins the snapshot beyond its end: every later reading
 * of this connection would see the old state. */
static void end_queries(struct store_conn *conn)
{
    for (size_t i = 0; i < SQL_CACHE_SLOTS; i++) {
        rows_done(&conn->cache[i]);
    }
}

void store_snapshot_end(struct store_conn *conn)
{
    struct ctx ctx = {0};

    if (store_exec(&ctx, conn, &SQL_END_READ, NO_ARGS) != FM_OK) {
        log_warn("store.snapshot", F_TEXT("error", str_of(ctx.detail)));
    }
    if (sqlite3_txn_state(conn->db, NULL) != SQLITE_TXN_NONE) {
        end_queries(conn);
    }
}
