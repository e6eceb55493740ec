/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this folder share.
 */
#ifndef FM_STORE_INTERNAL_H
#define FM_STORE_INTERNAL_H

#include "store/store.h"

#include <sqlite3.h>

#define SQL_ARGS_MAX 48   /* parameters of one statement */
#define SQL_CACHE_SLOTS 256 /* statements of one connection; a power of two, well above their number */

struct migration {
    int number;
    const char *what;
    const char *text;
};
extern const struct migration store_migrations[];
extern const size_t store_migration_count;

struct store_rows {
    const struct sql *sql;
    sqlite3_stmt *statement;
    const char *names[SQL_ARGS_MAX]; /* bound names by position, compared by address */
    int at[SQL_ARGS_MAX];            /* their parameter numbers */
    bool busy;                       /* between a query and its end */
};

struct store_conn {
    sqlite3 *db;
    void *state; /* of a library above */
    struct store_rows cache[SQL_CACHE_SLOTS];
};

struct store {
    char *dir;
    int lock_fd;
    struct store_conn *writer;
};

/* Opens the database file for writing or reading and sets its pragmas. */
enum fm_err conn_open(struct ctx *ctx, const char *dir, bool writable, struct store_conn **out) MUST_CHECK;
void conn_close(struct store_conn *conn);

/* Runs a text of several statements without arguments. */
enum fm_err conn_script(struct ctx *ctx, struct store_conn *conn, const char *text) MUST_CHECK;

/* Maps an SQLite failure to an error; logs what is not expected. */
enum fm_err conn_failed(struct ctx *ctx, struct store_conn *conn, const char *what);

/* Runs the missing migrations. FM_E_INTERNAL when the store is newer than this program. */
enum fm_err store_migrate(struct ctx *ctx, struct store_conn *conn) MUST_CHECK;

#endif
