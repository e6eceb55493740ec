/* SPDX-License-Identifier: Apache-2.0
 *
 * The audit log inside the store. During a batch, leaves are only collected; before COMMIT they enter
 * the tree, and tiles and head are written; after COMMIT the new frontier becomes the one that is signed.
 *
 * 1. `frontier` is what is durable. Only it is ever signed (invariant 8).
 * 2. A leaf is written nowhere but in journal_append (invariant 2).
 * 3. A rolled-back command takes its leaves with it: `pending` is cut back to the mark.
 */
#include "journal/journal_internal.h"

#include "base/log.h"
#include "base/panic.h"
#include "json/json.h"

#include <stdlib.h>

SQL(SQL_APPEND_ENTRY, "INSERT INTO log_entries(idx, previous, entry) VALUES($idx, $previous, $entry)");
SQL(SQL_APPEND_PAYLOAD, "INSERT INTO payloads(idx, salt, body) VALUES($idx, $salt, $body)");
SQL(SQL_PAYLOAD, "SELECT body FROM payloads WHERE idx = $idx");
SQL(SQL_WRITE_TILE, "INSERT INTO log_tiles(tile, hashes) VALUES($tile, $hashes)"
                    " ON CONFLICT(tile) DO UPDATE SET hashes = excluded.hashes");
SQL(SQL_WRITE_HEAD, "INSERT INTO log_head(one, size, root) VALUES(1, $size, $root)"
                    " ON CONFLICT(one) DO UPDATE SET size = excluded.size, root = excluded.root");

static const struct {
    const char *name;
    bool shown;
} kinds[] = {
#define X(name, wire, is_shown) {wire, is_shown},
    JOURNAL_KINDS(X)
#undef X
};

static const char *const actor_kinds[] = {"agent", "reviewer", "policy", "clock", "operator"};

const char *journal_kind_name(enum journal_kind kind)
{
    return kinds[kind].name;
}

bool journal_kind_is_shown(enum journal_kind kind)
{
    return kinds[kind].shown;
}

const char *actor_kind_name(enum actor_kind kind)
{
    return actor_kinds[kind];
}

static enum id_kind actor_id_kind(enum actor_kind kind)
{
    return kind == ACTOR_AGENT ? ID_AGENT : ID_PERSON;
}

/* The leaf: canonical JSON (RFC 8785), so members stand in sorted order. */
static void write_leaf(struct buf *buf, const struct journal_event *event, struct id id,
                       const struct hash *commitment)
{
    struct json_out out = JSON_OUT(buf);

    jo_object(&out);
    jo_m_time(&out, "at", event->at_us);
    jo_key(&out, "by");
    jo_object(&out);
    if (!id_is_zero(event->by.id)) {
        jo_m_id(&out, "id", actor_id_kind(event->by.kind), event->by.id);
    }
    jo_m_str(&out, "kind", str_of(actor_kind_name(event->by.kind)));
    jo_object_end(&out);
    if (commitment) {
        jo_m_hex(&out, "commitment", hash_str(commitment));
    }
    if (event->data.n) {
        jo_key(&out, "data");
        jo_object(&out);
        jo_members(&out, event->data);
        jo_object_end(&out);
    }
    jo_m_id(&out, "id", ID_EVENT, id);
    jo_m_str(&out, "kind", str_of(journal_kind_name(event->kind)));
    if (!id_is_zero(event->proposal)) {
        jo_m_id(&out, "proposal", ID_PROPOSAL, event->proposal);
    }
    jo_m_int(&out, "v", 1);
    jo_object_end(&out);
}

struct hash journal_commitment(struct str salt, struct str payload)
{
    struct hash digest = sha256(payload);

    return hmac_sha256(salt, hash_str(&digest));
}

static enum fm_err keep_payload(struct ctx *ctx, struct store_conn *conn, uint64_t index,
                                struct str payload, struct hash *commitment)
{
    char salt[JOURNAL_SALT_SIZE];
    struct str salt_str = {salt, sizeof(salt)};

    random_bytes(salt, sizeof(salt));
    *commitment = journal_commitment(salt_str, payload);
    return store_exec(ctx, conn, &SQL_APPEND_PAYLOAD,
                      ARGS(A_INT("$idx", index), A_BLOB("$salt", salt_str), A_BLOB("$body", payload)));
}

static bool remember(struct journal *journal, struct hash leaf)
{
    if (journal->pending_count == journal->pending_room) {
        size_t room = journal->pending_room ? journal->pending_room * 2 : 512;
        struct hash *bigger = realloc(journal->pending, room * sizeof(*bigger));
        if (!bigger) {
            return false;
        }
        journal->pending = bigger;
        journal->pending_room = room;
    }
    journal->pending[journal->pending_count++] = leaf;
    return true;
}

enum fm_err journal_append(struct ctx *ctx, struct store_conn *conn, const struct journal_event *event,
                           uint64_t *index)
{
    struct id id;

    return journal_append_event(ctx, conn, event, index, &id);
}

enum fm_err journal_append_event(struct ctx *ctx, struct store_conn *conn,
                                 const struct journal_event *event, uint64_t *index, struct id *id)
{
    struct journal *journal = store_state(conn);
    AUTO(buf_done) struct buf leaf = BUF_INIT(TLOG_ENTRY_MAX);
    struct hash commitment;

    ASSERT(journal != NULL);
    *index = journal->frontier.size + journal->pending_count;
    if (event->payload.p) {
        TRY(keep_payload(ctx, conn, *index, event->payload, &commitment));
    }
    *id = id_new();
    write_leaf(&leaf, event, *id, event->payload.p ? &commitment : NULL);
    if (!buf_ok(&leaf) || !remember(journal, tlog_leaf_hash(buf_str(&leaf)))) {
        return fail_memory(ctx);
    }
    return store_exec(ctx, conn, &SQL_APPEND_ENTRY,
                      ARGS(A_INT("$idx", *index),
                           event->previous < 0 ? A_NULL("$previous")
                                               : A_INT("$previous", event->previous),
                           A_BLOB("$entry", buf_str(&leaf))));
}

enum fm_err journal_payload(struct ctx *ctx, struct store_conn *conn, uint64_t index, struct str *out)
{
    struct store_rows *rows;
    struct str body;

    TRY(store_query(ctx, conn, &SQL_PAYLOAD, ARGS(A_INT("$idx", index)), &rows));
    if (!rows_next(ctx, rows)) {
        return ctx->err ? ctx->err : fail(ctx, FM_E_NOT_FOUND, "leaf %llu has no payload",
                                          (unsigned long long)index);
    }
    body = rows_bytes(rows, 0);
    *out = arena_copy(ctx->arena, body);
    rows_done(rows);
    return body.p && !out->p ? fail_memory(ctx) : FM_OK;
}

void journal_mark(struct journal *journal)
{
    journal->mark = journal->pending_count;
}

void journal_rollback(struct journal *journal)
{
    journal->pending_count = journal->mark;
}

/* What tlog_append reports while a batch enters the tree. */
struct growth {
    struct journal *journal;
    struct ctx *ctx;
    struct store_conn *conn;
    enum fm_err err;
};

static enum fm_err write_tile(struct ctx *ctx, struct store_conn *conn, unsigned level, uint64_t tile,
                              const struct hash *hashes, size_t count)
{
    struct str bytes = {(const char *)hashes, count * sizeof(*hashes)};

    return store_exec(ctx, conn, &SQL_WRITE_TILE,
                      ARGS(A_INT("$tile", JOURNAL_TILE(level, tile)), A_BLOB("$hashes", bytes)));
}

/* Tile levels are every eighth tree level. Level 0 is written when it is full (until then the entries
 * tell its hashes), the levels above with every hash: once in 256 leaves. */
static void on_completed(void *with, unsigned level, uint64_t index, struct hash hash)
{
    struct growth *growth = with;
    size_t place = index % TLOG_TILE_WIDTH;
    struct hash *tile;

    if (level % JOURNAL_TILE_HEIGHT != 0 || growth->err != FM_OK) {
        return;
    }
    level /= JOURNAL_TILE_HEIGHT;
    tile = growth->journal->tiles[level];
    tile[place] = hash;
    if (level > 0 || place == TLOG_TILE_WIDTH - 1) {
        growth->err = write_tile(growth->ctx, growth->conn, level, index / TLOG_TILE_WIDTH, tile,
                                 place + 1);
    }
}

enum fm_err journal_before_commit(struct journal *journal, struct ctx *ctx, struct store_conn *conn)
{
    struct growth growth = {.journal = journal, .ctx = ctx, .conn = conn, .err = FM_OK};
    struct hash root;

    if (journal->pending_count == 0) {
        return FM_OK;
    }
    journal->grown = journal->frontier;
    for (size_t i = 0; i < journal->pending_count; i++) {
        tlog_append(&journal->grown, journal->pending[i], on_completed, &growth);
    }
    TRY(growth.err);
    root = tlog_root(&journal->grown);
    return store_exec(ctx, conn, &SQL_WRITE_HEAD,
                      ARGS(A_INT("$size", journal->grown.size), A_BLOB("$root", hash_str(&root))));
}

void journal_after_commit(struct journal *journal)
{
    if (journal->pending_count > 0) {
        journal->frontier = journal->grown;
        journal->pending_count = 0;
        atomic_store(&journal->durable_size, journal->frontier.size);
    }
    journal_publish_checkpoint(journal);
}

void journal_abandon(struct journal *journal)
{
    AUTO(arena_done) struct arena *arena = arena_new(1 * MIB);
    struct ctx ctx;

    ASSERT(arena != NULL);
    ctx_init(&ctx, arena);
    journal->pending_count = journal->mark = 0;
    buf_reset(&journal->signed_note); /* not durable: it will be signed again */
    if (journal_read_tiles(&ctx, journal, journal->conn) != FM_OK) {
        PANIC("the log cannot be read again: %s", ctx.detail);
    }
}

uint64_t journal_size(struct journal *journal)
{
    return atomic_load(&journal->durable_size);
}
