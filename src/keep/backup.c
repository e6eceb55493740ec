/* SPDX-License-Identifier: Apache-2.0
 *
 * Backups and restores. A restore is a fork of history that says so: it opens a new epoch in the log, and
 * permits of the old one that were not redeemed are void (invariant 6). And its policy has to be
 * confirmed by two people, for it may be looser than the one that ruled last (flow/restored.c).
 */
#include "keep/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

SQL(SQL_EPOCH, "SELECT value FROM meta WHERE name = 'epoch'");
SQL(SQL_EPOCH_SET, "INSERT INTO meta(name, value) VALUES('epoch', $epoch)"
                   " ON CONFLICT(name) DO UPDATE SET value = excluded.value");
/* whichever key signs permits from now on (server/issuer.c): those of before are void */
SQL(SQL_ANY_PERMIT_KEY, "INSERT INTO meta(name, value) VALUES('permit_kid', '')"
                        " ON CONFLICT(name) DO UPDATE SET value = excluded.value");

#define MARK "backup.mark" /* a file that says: no store to work on */

static const char *const key_files[] = {"log.key", "permit.key"};

static enum fm_err file_failed(struct ctx *ctx, const char *what, const char *path)
{
    return fail(ctx, FM_E_INTERNAL, "cannot %s %s: %s", what, path, strerror(errno));
}

static enum fm_err write_all(struct ctx *ctx, int fd, const char *path, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t written = write(fd, p, n);
        if (written < 0) {
            return file_failed(ctx, "write", path);
        }
        p += written;
        n -= (size_t)written;
    }
    return FM_OK;
}

static enum fm_err copy_open(struct ctx *ctx, int in, int out, const char *path)
{
    char bytes[64 * 1024];
    ssize_t n;

    while ((n = read(in, bytes, sizeof(bytes))) > 0) {
        TRY(write_all(ctx, out, path, bytes, (size_t)n));
    }
    if (n < 0 || fsync(out) != 0) {
        return file_failed(ctx, "copy", path);
    }
    return FM_OK;
}

/* Copies `from`/name to `to`/name; a source that is not there is no error. Never overwrites. */
static enum fm_err copy_file(struct ctx *ctx, const char *from, const char *to, const char *name)
{
    struct str source = arena_printf(ctx->arena, "%s/%s", from, name);
    struct str target = arena_printf(ctx->arena, "%s/%s", to, name);
    enum fm_err err;
    int in, out;

    if (!source.p || !target.p) {
        return fail_memory(ctx);
    }
    in = open(source.p, O_RDONLY | O_CLOEXEC);
    if (in < 0) {
        return errno == ENOENT ? FM_OK : file_failed(ctx, "read", source.p);
    }
    out = open(target.p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    err = out < 0 ? file_failed(ctx, "make", target.p) : copy_open(ctx, in, out, target.p);
    close(in);
    if (out >= 0) {
        close(out);
    }
    return err;
}

static enum fm_err refuse_store(struct ctx *ctx, const char *dir)
{
    struct str database = arena_printf(ctx->arena, "%s/fermata.db", dir);

    if (!database.p) {
        return fail_memory(ctx);
    }
    return access(database.p, F_OK) == 0
               ? fail(ctx, FM_E_EXISTS, "%s holds a store already: give another folder", dir)
               : FM_OK;
}

/* The mark is there before the copy, and in a restored store until its new epoch is. */
static enum fm_err set_mark(struct ctx *ctx, const char *dir)
{
    struct str path = arena_printf(ctx->arena, "%s/" MARK, dir);
    int fd;

    if (!path.p) {
        return fail_memory(ctx);
    }
    TRY(store_make_folder(ctx, dir));
    fd = open(path.p, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return file_failed(ctx, "make", path.p);
    }
    close(fd);
    return FM_OK;
}

static enum fm_err remove_mark(struct ctx *ctx, const char *dir)
{
    struct str path = arena_printf(ctx->arena, "%s/" MARK, dir);

    if (!path.p) {
        return fail_memory(ctx);
    }
    return unlink(path.p) == 0 ? FM_OK : file_failed(ctx, "remove", path.p);
}

enum fm_err keep_refuse_backup(struct ctx *ctx, const char *dir)
{
    struct str path = arena_printf(ctx->arena, "%s/" MARK, dir);

    if (!path.p) {
        return fail_memory(ctx);
    }
    return access(path.p, F_OK) == 0
               ? fail(ctx, FM_E_EXISTS,
                      "%s is a backup, or a restore that was broken off: `fermata restore` it into"
                      " another folder",
                      dir)
               : FM_OK;
}

enum fm_err keep_backup(struct ctx *ctx, const char *from, const char *to,
                        void (*progress)(void *with, int done, int total), void *with)
{
    struct store_conn *reader;
    enum fm_err err;

    TRY(refuse_store(ctx, to));
    TRY(store_open_readonly(ctx, from, &reader));
    err = set_mark(ctx, to);
    err = err == FM_OK ? store_backup(ctx, reader, to, progress, with) : err;
    store_reader_close(reader);
    for (size_t i = 0; err == FM_OK && i < COUNT_OF(key_files); i++) {
        err = copy_file(ctx, from, to, key_files[i]);
    }
    return err;
}

/* What was approved and not redeemed may have been redeemed after the backup was taken. Only the clock
 * ends it, as it ends any approval whose time is over: with its leaf. */
SQL(SQL_END_APPROVALS, "UPDATE proposals SET approved_until = $now,"
                       " next_at = CASE state WHEN 3 THEN $now ELSE next_at END WHERE state IN (2, 3)");
_Static_assert(PROPOSAL_UNDO == 2 && PROPOSAL_APPROVED == 3, "the statement above says so");

/* The policy in force also becomes a candidate, unless its text is one already. road 3:
 * ROAD_RESTORE of flow.h, which is above this folder. */
SQL(SQL_MARK_RESTORED, "INSERT INTO meta(name, value) SELECT 'restored', $epoch"
                       " WHERE EXISTS(SELECT 1 FROM policies WHERE state = 1)"
                       " ON CONFLICT(name) DO UPDATE SET value = excluded.value");
SQL(SQL_HASH, "SELECT hash FROM policies p WHERE state = 1 AND NOT EXISTS"
              "(SELECT 1 FROM policies c WHERE c.state = 0 AND c.hash = p.hash)");
SQL(SQL_CANDIDATE,
    "INSERT INTO policies(id, hash, canonical, source, state, road, proposed_at, activated_at,"
    " loosened) SELECT $id, hash, canonical, source, 0, 3, $now, 0, $loosened FROM policies"
    " WHERE state = 1");

#define NOT_KNOWN                                                                                  \
    "[\"the policy comes from a backup: what ruled after that was made is not known\"]"

static enum fm_err record_candidate(struct ctx *ctx, struct store_conn *conn, struct id id,
                                    struct hash version)
{
    AUTO(buf_done) struct buf data = BUF_INIT(KIB);
    struct json_out out = JSON_OUT(&data);
    uint64_t leaf;

    jo_m_id(&out, "policy", ID_POLICY, id);
    jo_m_str(&out, "road", S("restore"));
    jo_m_digest(&out, "version", hash_str(&version));
    return journal_append(ctx, conn,
                          &(struct journal_event){.kind = JOURNAL_POLICY_PROPOSED,
                                                  .by = {.kind = ACTOR_OPERATOR},
                                                  .previous = -1,
                                                  .at_us = clock_now_us(),
                                                  .data = buf_str(&data)},
                          &leaf);
}

static enum fm_err ask_for_policy(struct ctx *ctx, struct store_conn *conn, int64_t epoch)
{
    struct id id = id_new();
    struct store_rows *rows;
    struct hash version;
    bool found = false;

    TRY(store_exec(ctx, conn, &SQL_MARK_RESTORED, ARGS(A_INT("$epoch", epoch))));
    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_HASH, NO_ARGS, &rows));
    if (rows_next(ctx, rows)) {
        found = hash_from(rows_bytes(rows, 0), &version);
    }
    rows_done(rows);
    TRY(ctx->err);
    if (!found) {
        return FM_OK; /* there is none, or it waits already */
    }
    TRY(store_exec(
        ctx, conn, &SQL_CANDIDATE,
        ARGS(A_ID("$id", &id), A_INT("$now", clock_now_us()), A_TEXT("$loosened", S(NOT_KNOWN)))));
    return record_candidate(ctx, conn, id, version);
}

enum fm_err keep_open_epoch(struct ctx *ctx, struct store_conn *conn, int64_t *epoch)
{
    AUTO(buf_done) struct buf data = BUF_INIT(KIB);
    struct json_out out = JSON_OUT(&data);
    uint64_t leaf;

    TRY(store_int(ctx, conn, &SQL_EPOCH, NO_ARGS, 1, epoch));
    (*epoch)++;
    jo_m_int(&out, "epoch", *epoch);
    TRY(store_exec(ctx, conn, &SQL_EPOCH_SET, ARGS(A_INT("$epoch", *epoch))));
    TRY(store_exec(ctx, conn, &SQL_ANY_PERMIT_KEY, NO_ARGS));
    TRY(store_exec(ctx, conn, &SQL_END_APPROVALS, ARGS(A_INT("$now", clock_now_us()))));
    TRY(journal_append(ctx, conn,
                       &(struct journal_event){.kind = JOURNAL_EPOCH_OPENED,
                                               .by = {.kind = ACTOR_OPERATOR},
                                               .previous = -1,
                                               .at_us = clock_now_us(),
                                               .data = buf_str(&data)},
                       &leaf));
    return ask_for_policy(ctx, conn, *epoch);
}

SQL(SQL_BEGIN, "BEGIN IMMEDIATE");
SQL(SQL_COMMIT, "COMMIT");

/* The epoch's row and leaf, without a committer: nothing else works on the folder yet. */
static enum fm_err open_epoch(struct ctx *ctx, const char *dir, int64_t *epoch)
{
    struct store *store;
    struct journal *journal = NULL;
    enum fm_err err;

    TRY(store_open(ctx, dir, &store));
    err = journal_open(ctx, store, S("fermata.local/log"), &journal);
    if (err == FM_OK) {
        struct store_conn *conn = store_writer(store);
        err = store_exec(ctx, conn, &SQL_BEGIN, NO_ARGS);
        err = err == FM_OK ? keep_open_epoch(ctx, conn, epoch) : err;
        err = err == FM_OK ? journal_before_commit(journal, ctx, conn) : err;
        err = err == FM_OK ? store_exec(ctx, conn, &SQL_COMMIT, NO_ARGS) : err;
        journal_after_commit(journal);
    }
    journal_close(journal);
    store_close(store);
    return err;
}

enum fm_err keep_restore(struct ctx *ctx, const char *from, const char *to, int64_t *epoch)
{
    TRY(keep_backup(ctx, from, to, NULL, NULL));
    TRY(open_epoch(ctx, to, epoch));
    return remove_mark(ctx, to);
}
