/* SPDX-License-Identifier: Apache-2.0
 *
 * The folder: one process owns it (a locked file), migrations run before anything else, and backups are
 * copied page by page while the server goes on.
 */
#include "store/store_internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/version.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

SQL(SQL_USER_VERSION, "PRAGMA user_version");
SQL(SQL_BEGIN_EXCLUSIVE, "BEGIN EXCLUSIVE");
SQL(SQL_COMMIT, "COMMIT");

static enum fm_err migrate_one(struct ctx *ctx, struct store_conn *conn, const struct migration *step)
{
    struct str done = arena_printf(ctx->arena, "PRAGMA user_version=%d", step->number);

    if (!done.p) {
        return fail_memory(ctx);
    }
    TRY(store_exec(ctx, conn, &SQL_BEGIN_EXCLUSIVE, NO_ARGS));
    TRY(conn_script(ctx, conn, step->text));
    TRY(conn_script(ctx, conn, done.p));
    TRY(store_exec(ctx, conn, &SQL_COMMIT, NO_ARGS));
    log_info("store.migrated", F_INT("number", step->number), F_TEXT("what", str_of(step->what)));
    return FM_OK;
}

int64_t store_format_known(void)
{
    return store_migrations[store_migration_count - 1].number;
}

enum fm_err store_format(struct ctx *ctx, struct store_conn *conn, int64_t *out)
{
    return store_int(ctx, conn, &SQL_USER_VERSION, NO_ARGS, 0, out);
}

static enum fm_err refuse_newer(struct ctx *ctx, struct store_conn *conn, int64_t *version)
{
    TRY(store_format(ctx, conn, version));
    if (*version > store_format_known()) {
        return fail(ctx, FM_E_INTERNAL,
                    "the store has format %lld, this program (" FERMATA_VERSION
                    ") knows up to %lld: start"
                    " the newer version, or restore the backup from before the upgrade",
                    (long long)*version, (long long)store_format_known());
    }
    return FM_OK;
}

enum fm_err store_migrate(struct ctx *ctx, struct store_conn *conn)
{
    int64_t version;

    TRY(refuse_newer(ctx, conn, &version));
    for (size_t i = 0; i < store_migration_count; i++) {
        if (store_migrations[i].number > version) {
            TRY(migrate_one(ctx, conn, &store_migrations[i]));
        }
    }
    return FM_OK;
}

/* Makes the folder and every missing parent, for us alone. */
enum fm_err store_make_folder(struct ctx *ctx, const char *dir)
{
    struct str path = arena_copy(ctx->arena, str_of(dir));
    char *p = (char *)(uintptr_t)path.p;

    if (!p) {
        return fail_memory(ctx);
    }
    for (size_t i = 1; i <= path.n; i++) {
        if (p[i] == '/' || p[i] == '\0') {
            char kept = p[i];
            p[i] = '\0';
            if (mkdir(p, 0700) != 0 && errno != EEXIST) {
                return fail(ctx, FM_E_INTERNAL, "cannot make the folder %s: %s", p, strerror(errno));
            }
            p[i] = kept;
        }
    }
    return FM_OK;
}

static enum fm_err take_lock(struct ctx *ctx, const char *dir, int *fd)
{
    struct str path = arena_printf(ctx->arena, "%s/lock", dir);

    if (!path.p) {
        return fail_memory(ctx);
    }
    *fd = open(path.p, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*fd < 0) {
        return fail(ctx, FM_E_INTERNAL, "cannot open %s: %s", path.p, strerror(errno));
    }
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        close(*fd);
        *fd = -1;
        return fail(ctx, FM_E_OVERLOADED, "another process works on %s: stop it first", dir);
    }
    return FM_OK;
}

static enum fm_err open_locked(struct ctx *ctx, const char *dir, struct store *store)
{
    TRY(store_make_folder(ctx, dir));
    TRY(take_lock(ctx, dir, &store->lock_fd));
    TRY(conn_open(ctx, dir, true, &store->writer));
    return store_migrate(ctx, store->writer);
}

enum fm_err store_open(struct ctx *ctx, const char *dir, struct store **out)
{
    struct store *store = calloc(1, sizeof(*store));
    enum fm_err err;

    if (!store) {
        return fail_memory(ctx);
    }
    store->lock_fd = -1;
    store->dir = strdup(dir);
    umask(077); /* nobody else reads the store, its keys, its socket */
    err = store->dir ? open_locked(ctx, dir, store) : fail_memory(ctx);
    if (err != FM_OK) {
        store_close(store);
        return err;
    }
    *out = store;
    return FM_OK;
}

void store_close(struct store *store)
{
    if (!store) {
        return;
    }
    conn_close(store->writer);
    if (store->lock_fd >= 0) {
        close(store->lock_fd);
    }
    free(store->dir);
    free(store);
}

const char *store_dir(const struct store *store)
{
    return store->dir;
}

struct store_conn *store_writer(struct store *store)
{
    return store->writer;
}

enum fm_err store_reader(struct ctx *ctx, struct store *store, struct store_conn **out)
{
    return conn_open(ctx, store->dir, false, out);
}

void store_reader_close(struct store_conn *conn)
{
    conn_close(conn);
}

enum fm_err store_open_readonly(struct ctx *ctx, const char *dir, struct store_conn **out)
{
    struct str path = arena_printf(ctx->arena, "%s/fermata.db", dir);
    int64_t version;
    enum fm_err err;

    if (!path.p) {
        return fail_memory(ctx);
    }
    if (access(path.p, R_OK) != 0) {
        return fail(ctx, FM_E_NOT_FOUND, "there is no store in %s: %s", dir, strerror(errno));
    }
    TRY(conn_open(ctx, dir, false, out));
    err = refuse_newer(ctx, *out, &version);
    if (err != FM_OK) {
        conn_close(*out);
        *out = NULL;
    }
    return err;
}

/* Copies in steps of 64 pages (256 KiB) so that the progress is seen; readers of a WAL database do not
 * hold up the writer. */
static enum fm_err copy_pages(struct ctx *ctx, sqlite3 *from, sqlite3 *to,
                              void (*progress)(void *with, int done, int total), void *with)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    int code = backup ? SQLITE_OK : SQLITE_ERROR;

    while (code == SQLITE_OK) {
        code = sqlite3_backup_step(backup, 64);
        if (progress && (code == SQLITE_OK || code == SQLITE_DONE)) {
            int total = sqlite3_backup_pagecount(backup);
            progress(with, total - sqlite3_backup_remaining(backup), total);
        }
    }
    sqlite3_backup_finish(backup);
    if (code != SQLITE_DONE) {
        return fail(ctx, FM_E_INTERNAL, "the copy failed: %s", sqlite3_errstr(code));
    }
    return FM_OK;
}

static enum fm_err sync_folder(struct ctx *ctx, const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = fd < 0 || fsync(fd) != 0;

    if (fd >= 0) {
        close(fd);
    }
    return failed ? fail(ctx, FM_E_INTERNAL, "cannot sync %s: %s", dir, strerror(errno)) : FM_OK;
}

/* One snapshot for the whole copy: otherwise every commit would start it again. */
static enum fm_err copy_snapshot(struct ctx *ctx, struct store_conn *from, struct store_conn *to,
                                 void (*progress)(void *with, int done, int total), void *with)
{
    int64_t version;
    enum fm_err err;

    TRY(store_snapshot(ctx, from));
    err = store_int(ctx, from, &SQL_USER_VERSION, NO_ARGS, 0, &version);
    if (err == FM_OK && version == 0) { /* an empty database would be copied as a new store */
        err = fail(ctx, FM_E_NOT_FOUND, "the file that was to be copied holds no store");
    }
    err = err == FM_OK ? copy_pages(ctx, from->db, to->db, progress, with) : err;
    store_snapshot_end(from);
    return err;
}

/* Half a copy must not be taken for a store. */
static void remove_copy(struct ctx *ctx, const char *dir)
{
    static const char *const names[] = {"fermata.db", "fermata.db-wal", "fermata.db-shm"};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct str path = arena_printf(ctx->arena, "%s/%s", dir, names[i]);
        if (path.p && unlink(path.p) != 0 && errno != ENOENT) {
            log_warn("store.copy_left", F_TEXT("error", str_of(strerror(errno))));
        }
    }
}

enum fm_err store_backup(struct ctx *ctx, struct store_conn *reader, const char *dir,
                         void (*progress)(void *with, int done, int total), void *with)
{
    struct str path = arena_printf(ctx->arena, "%s/fermata.db", dir);
    struct store_conn *to = NULL;
    enum fm_err err;

    if (!path.p) {
        return fail_memory(ctx);
    }
    umask(077); /* a copy is as private as the store */
    TRY(store_make_folder(ctx, dir));
    if (access(path.p, F_OK) == 0) {
        return fail(ctx, FM_E_EXISTS, "%s holds a store already: give another folder", dir);
    }
    err = conn_open(ctx, dir, true, &to);
    err = err == FM_OK ? copy_snapshot(ctx, reader, to, progress, with) : err;
    conn_close(to);
    if (err != FM_OK) {
        remove_copy(ctx, dir);
        return err;
    }
    return sync_folder(ctx, dir);
}
