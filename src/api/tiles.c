/* SPDX-License-Identifier: Apache-2.0
 *
 * The log as C2SP tlog-tiles has it: tiles of hashes for everybody, bundles of entries for
 * auditors.
 *
 * 1. Only what a signed checkpoint covers is served: what may be cached for ever must never change.
 * 2. Entries say who did what when: they are not for caches.
 */
#include "api/api_internal.h"

#define TILE_BYTES_MAX    ((size_t)TLOG_TILE_WIDTH * SHA256_SIZE)
#define ENTRIES_BYTES_MAX ((size_t)TLOG_TILE_WIDTH * (2 + TLOG_ENTRY_MAX))
#define PREFIX            "/log/"

/* The tile of the path, which must lie in the signed log. */
static enum fm_err find_tile(struct call *call, struct store_conn *conn, bool is_entries,
                             struct tlog_tile *out)
{
    struct str note;
    uint64_t size;

    if (!tlog_tile_parse(str_skip(http_path(call->request), sizeof(PREFIX) - 1), out) ||
        out->is_entries != is_entries) {
        return fail(&call->ctx, FM_E_NOT_FOUND,
                    "no such path: tiles are /log/tile/<L>/<N>[.p/<W>], see c2sp.org/tlog-tiles");
    }
    TRY(journal_last_checkpoint(&call->ctx, conn, &note, &size));
    if (out->width > tlog_tile_width(out->level, out->index, size)) {
        return fail(&call->ctx, FM_E_NOT_FOUND, "the signed log of %llu entries has no such tile",
                    (unsigned long long)size);
    }
    return FM_OK;
}

static enum fm_err render_tile(struct call *call, struct store_conn *conn, struct buf *body)
{
    struct hash hashes[TLOG_TILE_WIDTH];
    struct tlog_tile tile;

    TRY(query_allow(call, ""));
    TRY(find_tile(call, conn, false, &tile));
    if (!journal_read_tile(conn, tile.level, tile.index, tile.width, hashes)) {
        return fail(&call->ctx, FM_E_INTERNAL,
                    "a tile of the log is missing: run `fermata audit verify`");
    }
    buf_add(body, (struct str){(const char *)hashes, tile.width * sizeof(hashes[0])});
    return FM_OK;
}

void log_tile(struct call *call)
{
    static const struct http_header_line headers[] = {
        {"Content-Type", STR("application/octet-stream")},
        {"Cache-Control", STR("public, max-age=31536000, immutable")},
    };
    AUTO(buf_done) struct buf body = BUF_INIT(TILE_BYTES_MAX);

    if (call_render(call, render_tile, &body)) {
        call_answer_as(call, headers, COUNT_OF(headers), &body);
    }
}

/*= C2SP tlog-tiles, Log entries: big-endian uint16 length-prefixed */
static enum fm_err add_entry(void *with, uint64_t index, struct str entry)
{
    struct buf *body = with;

    (void)index;
    buf_add_char(body, (char)(entry.n >> 8));
    buf_add_char(body, (char)(entry.n & 0xff));
    buf_add(body, entry);
    return FM_OK;
}

static enum fm_err render_entries(struct call *call, struct store_conn *conn, struct buf *body)
{
    struct tlog_tile tile;

    TRY(query_allow(call, ""));
    TRY(find_tile(call, conn, true, &tile));
    return journal_each_entry(&call->ctx, conn, tile.index * TLOG_TILE_WIDTH, tile.width, add_entry,
                              body);
}

void log_entries_tile(struct call *call)
{
    static const struct http_header_line headers[] = {
        {"Content-Type", STR("application/octet-stream")}};
    AUTO(buf_done) struct buf body = BUF_INIT(ENTRIES_BYTES_MAX);

    if (call_render(call, render_entries, &body)) {
        call_answer_as(call, headers, COUNT_OF(headers), &body);
    }
}
