/* SPDX-License-Identifier: Apache-2.0
 *
 * The tree of an exported log, built again from its bundles of entries (C2SP tlog-tiles). Memory
 * does not grow with the log: one bundle, and the last tile of each level.
 */
#include "keep/tiles.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define LEVELS          8 /* 63 tree levels in steps of 8 */
#define BUNDLE_FILE_MAX ((size_t)TLOG_TILE_WIDTH * (2 + TLOG_ENTRY_MAX))

struct tiles {
    struct ctx file; /* forgotten after each file */
    const char *dir;
    struct check_report *report;
    struct tlog_frontier tree;
    struct hash last[LEVELS][TLOG_TILE_WIDTH]; /* the tile that grows at each level */
};

/* The bytes of a tile's file; false, and a finding, when it cannot be read. */
static bool read_tile(struct tiles *t, const struct tlog_tile *tile, struct buf *out)
{
    AUTO(buf_done) struct buf name = BUF_INIT(TLOG_TILE_PATH_MAX);
    char bytes[64 * 1024];
    struct str path;
    FILE *file;
    size_t n;

    arena_reset(t->file.arena);
    tlog_tile_path(&name, tile);
    path = arena_printf(t->file.arena, "%s/%.*s", t->dir, STR_ARG(buf_str(&name)));
    file = path.p ? fopen(path.p, "re") : NULL;
    if (!file) {
        evidence_found(&t->report->findings, "%.*s cannot be read: %s", STR_ARG(buf_str(&name)),
                       strerror(errno));
        return false;
    }
    while ((n = fread(bytes, 1, sizeof(bytes), file)) > 0) {
        buf_add(out, (struct str){bytes, n});
    }
    fclose(file);
    if (!buf_ok(out)) {
        evidence_found(&t->report->findings, "%.*s is larger than such a file can be",
                       STR_ARG(buf_str(&name)));
    }
    return buf_ok(out);
}

/* A tile of hashes, against those that the entries have. */
static void check_hashes(struct tiles *t, unsigned level, uint64_t index, unsigned width)
{
    const struct tlog_tile tile = {.level = level, .index = index, .width = width};
    AUTO(buf_done) struct buf body = BUF_INIT(sizeof(t->last[0]));
    struct str made = {(const char *)t->last[level], width * sizeof(struct hash)};

    if (read_tile(t, &tile, &body) && !str_eq(buf_str(&body), made)) {
        evidence_found(&t->report->findings, "tile %u/%" PRIu64 " does not fit the entries", level,
                       index);
    }
}

static void on_completed(void *with, unsigned level, uint64_t index, struct hash hash)
{
    struct tiles *t = with;
    size_t place = index % TLOG_TILE_WIDTH;

    if (level % 8 != 0 || level / 8 >= LEVELS) {
        return;
    }
    t->last[level / 8][place] = hash;
    if (place == TLOG_TILE_WIDTH - 1) {
        check_hashes(t, level / 8, index / TLOG_TILE_WIDTH, TLOG_TILE_WIDTH);
    }
}

static void check_partial_tiles(struct tiles *t)
{
    uint64_t count = t->tree.size;

    for (unsigned level = 0; level < LEVELS && count > 0; level++, count /= TLOG_TILE_WIDTH) {
        if (count % TLOG_TILE_WIDTH != 0) {
            check_hashes(t, level, count / TLOG_TILE_WIDTH, (unsigned)(count % TLOG_TILE_WIDTH));
        }
    }
}

/* The entries of a bundle, each behind its length in two bytes. False unless there are `width`. */
static bool take_entries(struct tiles *t, struct str bundle, unsigned width)
{
    for (unsigned i = 0; i < width; i++) {
        const uint8_t *p = (const uint8_t *)bundle.p;
        size_t n = bundle.n < 2 ? bundle.n : (size_t)p[0] << 8 | p[1];

        if (bundle.n < 2 + n) {
            return false;
        }
        tlog_append(&t->tree, tlog_leaf_hash((struct str){bundle.p + 2, n}), on_completed, t);
        bundle = str_skip(bundle, 2 + n);
    }
    return bundle.n == 0;
}

/* All bundles that the checkpoint covers. False when one of them is not what it should be. */
static bool take_bundles(struct tiles *t, uint64_t size)
{
    struct tlog_tile tile = {.is_entries = true};

    for (; (tile.width = tlog_tile_width(0, tile.index, size)) > 0; tile.index++) {
        AUTO(buf_done) struct buf body = BUF_INIT(BUNDLE_FILE_MAX);

        if (!read_tile(t, &tile, &body)) {
            return false;
        }
        if (!take_entries(t, buf_str(&body), tile.width)) {
            evidence_found(&t->report->findings,
                           "the bundle of entries from %" PRIu64 " on does not hold %u",
                           tile.index * TLOG_TILE_WIDTH, tile.width);
            return false;
        }
    }
    return true;
}

enum fm_err tiles_check(struct ctx *ctx, const char *dir, struct check_report *out)
{
    AUTO(arena_done) struct arena *arena = arena_new(MIB);
    struct tiles *t = arena_zalloc(ctx->arena, 1, sizeof(*t));

    if (!arena || !t) {
        return fail_memory(ctx);
    }
    t->dir = dir;
    t->report = out;
    ctx_init(&t->file, arena);
    if (take_bundles(t, out->checkpoint.size)) {
        check_partial_tiles(t);
        if (!hash_eq(tlog_root(&t->tree), out->checkpoint.root)) {
            evidence_found(&out->findings, "the entries are not those of the signed checkpoint");
        }
    }
    out->leaves = t->tree.size;
    return FM_OK;
}
