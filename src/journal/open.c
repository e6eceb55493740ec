/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening the log, reading its hashes back, and signing its head (C2SP tlog-checkpoint). A store
 * whose head does not fit its tiles and entries is not opened.
 */
#include "journal/journal_internal.h"

#include "base/log.h"

#include <stdlib.h>

SQL(SQL_HEAD, "SELECT size, root FROM log_head");
SQL(SQL_LAST_ENTRY, "SELECT max(idx) FROM log_entries");
SQL(SQL_TILE_PART, "SELECT substr(hashes, $from, $n) FROM log_tiles WHERE tile = $tile");
SQL(SQL_ENTRIES_FROM, "SELECT entry FROM log_entries WHERE idx >= $from ORDER BY idx LIMIT $n");
SQL(SQL_META, "SELECT value FROM meta WHERE name = $name");
SQL(SQL_META_SET, "INSERT INTO meta(name, value) VALUES($name, $value)");
SQL(SQL_LAST_CHECKPOINT, "SELECT size, note FROM log_checkpoints ORDER BY size DESC LIMIT 1");
SQL(SQL_KEEP_CHECKPOINT, "INSERT OR REPLACE INTO log_checkpoints(size, note, signed_at)"
                         " VALUES($size, $note, $at)");

static size_t copy_hashes(struct str bytes, struct hash *out, size_t count)
{
    size_t n = bytes.n / SHA256_SIZE;

    n = n < count ? n : count;
    if (n) {
        memcpy(out, bytes.p, n * SHA256_SIZE);
    }
    return n;
}

/* `count` hashes of tile level `level` from `first` on, within one tile; how many are stored. */
static size_t stored_hashes(struct ctx *ctx, struct store_conn *conn, unsigned level, uint64_t first,
                            size_t count, struct hash *out)
{
    struct store_rows *rows;
    size_t n = 0;
    uint64_t place = first % TLOG_TILE_WIDTH;

    if (store_query(ctx, conn, &SQL_TILE_PART,
                    ARGS(A_INT("$tile", JOURNAL_TILE(level, first / TLOG_TILE_WIDTH)),
                         A_INT("$from", place * SHA256_SIZE + 1), A_INT("$n", count * SHA256_SIZE)),
                    &rows) != FM_OK) {
        return 0;
    }
    if (rows_next(ctx, rows)) {
        n = copy_hashes(rows_bytes(rows, 0), out, count);
    }
    rows_done(rows);
    return n;
}

static size_t entry_hashes(struct ctx *ctx, struct store_conn *conn, uint64_t first, size_t count,
                           struct hash *out)
{
    struct store_rows *rows;
    size_t n = 0;

    if (store_query(ctx, conn, &SQL_ENTRIES_FROM, ARGS(A_INT("$from", first), A_INT("$n", count)),
                    &rows) != FM_OK) {
        return 0;
    }
    while (n < count && rows_next(ctx, rows)) {
        out[n++] = tlog_leaf_hash(rows_bytes(rows, 0));
    }
    rows_done(rows);
    return n;
}

static bool read_hashes(struct ctx *ctx, struct store_conn *conn, unsigned level, uint64_t first,
                        size_t count, struct hash *out)
{
    size_t n = stored_hashes(ctx, conn, level, first, count, out);

    if (n < count && level == 0) {
        n = entry_hashes(ctx, conn, first, count, out);
    }
    for (; n < count; n++) { /* from the level below: two children, each half of that tile's height */
        struct hash children[2];
        unsigned tree_level = level * JOURNAL_TILE_HEIGHT - 1;
        if (level == 0 || !journal_read_hash(conn, tree_level, (first + n) * 2, &children[0]) ||
            !journal_read_hash(conn, tree_level, (first + n) * 2 + 1, &children[1])) {
            return false;
        }
        out[n] = tlog_node_hash(children[0], children[1]);
    }
    return true;
}

bool journal_read_tile(struct store_conn *conn, unsigned level, uint64_t index, size_t count,
                       struct hash *out)
{
    struct ctx ctx = {0}; /* failures here are only ever "not there" */

    return level < JOURNAL_TILE_LEVELS &&
           read_hashes(&ctx, conn, level, index * TLOG_TILE_WIDTH, count, out);
}

bool journal_read_hash(void *with, unsigned level, uint64_t index, struct hash *out)
{
    struct store_conn *conn = with;
    struct ctx ctx = {0}; /* failures here are only ever "not there" */
    unsigned rest = level % JOURNAL_TILE_HEIGHT;
    size_t count = (size_t)1 << rest;
    struct hash hashes[TLOG_TILE_WIDTH / 2];

    if (!read_hashes(&ctx, conn, level / JOURNAL_TILE_HEIGHT, index << rest, count, hashes)) {
        return false;
    }
    for (; count > 1; count /= 2) {
        for (size_t i = 0; i < count / 2; i++) {
            hashes[i] = tlog_node_hash(hashes[2 * i], hashes[2 * i + 1]);
        }
    }
    *out = hashes[0];
    return true;
}

enum fm_err journal_read_tiles(struct ctx *ctx, struct journal *journal, struct store_conn *conn)
{
    uint64_t size = journal->frontier.size;

    for (unsigned level = 0; level < JOURNAL_TILE_LEVELS; level++, size /= TLOG_TILE_WIDTH) {
        size_t partial = size % TLOG_TILE_WIDTH;
        if (partial > 0 &&
            !read_hashes(ctx, conn, level, size - partial, partial, journal->tiles[level])) {
            return fail(ctx, FM_E_INTERNAL, "the log's tile %u/%llu cannot be read", level,
                        (unsigned long long)(size / TLOG_TILE_WIDTH));
        }
    }
    return FM_OK;
}

static enum fm_err read_head(struct ctx *ctx, struct store_conn *conn, uint64_t *size, struct hash *root)
{
    struct store_rows *rows;

    *size = 0;
    *root = tlog_empty_root();
    TRY(store_query(ctx, conn, &SQL_HEAD, NO_ARGS, &rows));
    if (rows_next(ctx, rows)) {
        *size = (uint64_t)rows_int(rows, 0);
        copy_hashes(rows_bytes(rows, 1), root, 1);
    }
    rows_done(rows);
    return FM_OK;
}

static enum fm_err load_tree(struct ctx *ctx, struct journal *journal, struct store_conn *conn)
{
    uint64_t size;
    int64_t last;
    struct hash root;

    TRY(read_head(ctx, conn, &size, &root));
    TRY(store_int(ctx, conn, &SQL_LAST_ENTRY, NO_ARGS, -1, &last));
    TRY(tlog_frontier_at(ctx, journal_read_hash, conn, size, &journal->frontier));
    if ((uint64_t)(last + 1) != size || !hash_eq(tlog_root(&journal->frontier), root)) {
        return fail(ctx, FM_E_INTERNAL,
                    "the log's head does not fit its entries: run `fermata audit verify`");
    }
    atomic_store(&journal->durable_size, size);
    return journal_read_tiles(ctx, journal, conn);
}

/* The log's own name: the stored one, or `origin` with a random part for a new log. */
static enum fm_err load_origin(struct ctx *ctx, struct store_conn *conn, struct str origin,
                               struct str *out)
{
    struct store_rows *rows;
    uint8_t part[4];

    TRY(store_query(ctx, conn, &SQL_META, ARGS(A_TEXT("$name", S("log_origin"))), &rows));
    if (rows_next(ctx, rows)) {
        *out = arena_copy(ctx->arena, rows_bytes(rows, 0));
        rows_done(rows);
        return out->p ? FM_OK : fail_memory(ctx);
    }
    random_bytes(part, sizeof(part));
    *out = arena_printf(ctx->arena, "%.*s/%02x%02x%02x%02x", STR_ARG(origin), part[0], part[1], part[2],
                        part[3]);
    if (!out->p) {
        return fail_memory(ctx);
    }
    return store_exec(ctx, conn, &SQL_META_SET,
                      ARGS(A_TEXT("$name", S("log_origin")), A_TEXT("$value", *out)));
}

enum fm_err journal_last_checkpoint(struct ctx *ctx, struct store_conn *conn, struct str *note,
                                    uint64_t *size)
{
    struct store_rows *rows;

    *note = STR_NONE;
    *size = 0;
    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_LAST_CHECKPOINT, NO_ARGS, &rows));
    if (rows_next(ctx, rows)) {
        *size = (uint64_t)rows_int(rows, 0);
        *note = arena_copy(ctx->arena, rows_bytes(rows, 1));
        rows_done(rows);
        return note->p ? FM_OK : fail_memory(ctx);
    }
    return ctx->err;
}

/* A key is made for a log in which nothing stands and nothing was signed, and for no other: under
 * a new key the log would go on as if nothing had happened, and nobody could verify it any more. */
static enum fm_err load_key(struct ctx *ctx, const char *dir, bool is_new, struct sign_key *out)
{
    struct str path = arena_printf(ctx->arena, "%s/log.key", dir);
    bool found;

    if (!path.p) {
        return fail_memory(ctx);
    }
    if (is_new) {
        return sign_key_load(ctx, path.p, out);
    }
    TRY(sign_key_find(ctx, path.p, out, &found));
    return found ? FM_OK
                 : fail(ctx, FM_E_INTERNAL,
                        "%s is missing, and the log is not empty: put it back from a backup. "
                        "Without it this log cannot be continued: keep the folder for `fermata "
                        "audit verify --key VKEY`, and begin another one",
                        path.p);
}

static enum fm_err check_signer(struct ctx *ctx, const char *dir, struct str note,
                                const struct note_verifier *verifier, struct tlog_checkpoint *out)
{
    if (tlog_checkpoint_open(ctx, note, verifier, out) == FM_OK) {
        return FM_OK;
    }
    ctx_clear(ctx);
    return fail(ctx, FM_E_INTERNAL,
                "%s/log.key is not the key that signed this log (%s): put the right one back from a "
                "backup",
                dir, verifier->name);
}

/* The newest checkpoint is one of this log, by this key. */
static enum fm_err check_checkpoint(struct ctx *ctx, const char *dir, struct store_conn *conn,
                                    struct str note, const struct journal *journal)
{
    struct tlog_checkpoint head;
    struct hash root;

    TRY(check_signer(ctx, dir, note, &journal->verifier, &head));
    if (head.size > journal->frontier.size) {
        return fail(
            ctx, FM_E_INTERNAL,
            "a checkpoint was signed for %llu entries, the log has %llu: run `fermata audit "
            "verify`",
            (unsigned long long)head.size, (unsigned long long)journal->frontier.size);
    }
    TRY(tlog_root_at(ctx, journal_read_hash, conn, head.size, &root));
    return hash_eq(root, head.root) ? FM_OK
                                    : fail(ctx, FM_E_INTERNAL,
                                           "the log is not the one that its newest checkpoint was "
                                           "signed for: run `fermata audit verify`");
}

static enum fm_err load(struct ctx *ctx, struct store *store, struct str origin, struct journal *journal)
{
    struct store_conn *conn = store_writer(store);
    const char *dir = store_dir(store);
    struct str name, note;

    TRY(load_tree(ctx, journal, conn));
    TRY(journal_last_checkpoint(ctx, conn, &note, &journal->signed_size));
    TRY(load_key(ctx, dir, journal->frontier.size == 0 && !note.p, &journal->key));
    TRY(load_origin(ctx, conn, origin, &name));
    if (!note_verifier_of(name, &journal->key, &journal->verifier)) {
        return fail(ctx, FM_E_INTERNAL, "\"%.*s\" cannot name a log", STR_ARG(name));
    }
    TRY(note.p ? check_checkpoint(ctx, dir, conn, note, journal) : FM_OK);
    buf_add(&journal->checkpoint, note);
    journal->conn = conn;
    store_set_state(conn, journal);
    return FM_OK;
}

enum fm_err journal_check_key(struct ctx *ctx, struct store_conn *conn, const char *dir)
{
    struct str path = arena_printf(ctx->arena, "%s/log.key", dir), note, name;
    struct tlog_checkpoint head;
    struct note_verifier verifier;
    struct store_rows *rows;
    struct sign_key key;
    uint64_t size;
    bool found, is_named = false;

    TRY(journal_last_checkpoint(ctx, conn, &note, &size));
    TRY(path.p ? sign_key_find(ctx, path.p, &key, &found) : fail_memory(ctx));
    if (!note.p || !found) {
        return note.p ? fail(ctx, FM_E_INTERNAL, "%s is missing", path.p) : FM_OK;
    }
    TRY(store_query(ctx, conn, &SQL_META, ARGS(A_TEXT("$name", S("log_origin"))), &rows));
    if (rows_next(ctx, rows)) {
        name = rows_bytes(rows, 0);
        is_named = note_verifier_of(name, &key, &verifier);
    }
    rows_done(rows);
    crypto_wipe(&key, sizeof(key));
    return is_named ? check_signer(ctx, dir, note, &verifier, &head)
                    : fail(ctx, FM_E_INTERNAL, "the log has no name");
}

enum fm_err journal_open(struct ctx *ctx, struct store *store, struct str origin, struct journal **out)
{
    struct journal *journal = calloc(1, sizeof(*journal));
    enum fm_err err;

    if (!journal) {
        return fail_memory(ctx);
    }
    journal->signed_note = (struct buf)BUF_INIT(NOTE_TEXT_MAX);
    journal->checkpoint = (struct buf)BUF_INIT(NOTE_TEXT_MAX);
    lock_init(&journal->lock, LOCK_CHECKPOINT);
    err = load(ctx, store, origin, journal);
    if (err != FM_OK) {
        journal_close(journal);
        return err;
    }
    *out = journal;
    return FM_OK;
}

void journal_close(struct journal *journal)
{
    if (!journal) {
        return;
    }
    if (journal->conn) {
        store_set_state(journal->conn, NULL);
    }
    crypto_wipe(&journal->key, sizeof(journal->key));
    buf_done(&journal->signed_note);
    buf_done(&journal->checkpoint);
    free(journal->pending);
    free(journal);
}

enum fm_err journal_sign(struct journal *journal, struct ctx *ctx, struct store_conn *conn)
{
    AUTO(buf_done) struct buf text = BUF_INIT(NOTE_TEXT_MAX);
    struct tlog_checkpoint head = {
        .origin = str_of(journal->verifier.name),
        .size = journal->frontier.size,
        .root = tlog_root(&journal->frontier),
    };
    enum fm_err err;

    if (head.size == journal->signed_size && buf_str(&journal->checkpoint).n > 0) {
        return FM_OK;
    }
    tlog_checkpoint_text(&text, &head);
    buf_reset(&journal->signed_note);
    if (!note_sign(&journal->signed_note, buf_str(&text), &journal->verifier, &journal->key)) {
        return fail(ctx, FM_E_INTERNAL, "the log checkpoint could not be signed");
    }
    err = store_exec(ctx, conn, &SQL_KEEP_CHECKPOINT,
                     ARGS(A_INT("$size", head.size), A_TEXT("$note", buf_str(&journal->signed_note)),
                          A_INT("$at", clock_now_us())));
    if (err != FM_OK) { /* what was not stored is not shown */
        buf_reset(&journal->signed_note);
        return err;
    }
    journal->note_size = head.size;
    return FM_OK;
}

void journal_publish_checkpoint(struct journal *journal)
{
    if (buf_str(&journal->signed_note).n == 0) {
        return;
    }
    LOCKED (&journal->lock) {
        buf_reset(&journal->checkpoint);
        buf_add(&journal->checkpoint, buf_str(&journal->signed_note));
    }
    journal->signed_size = journal->note_size;
    buf_reset(&journal->signed_note);
}

void journal_checkpoint(struct journal *journal, struct buf *out)
{
    LOCKED (&journal->lock) {
        buf_add(out, buf_str(&journal->checkpoint));
    }
}

void journal_vkey(struct journal *journal, struct buf *out)
{
    note_verifier_write(out, &journal->verifier);
}
