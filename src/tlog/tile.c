/* SPDX-License-Identifier: Apache-2.0
 *
 * The names of tiles (C2SP tlog-tiles): index 1234067 of level 2 is tile/2/x001/x234/067, its first
 * seven hashes tile/2/x001/x234/067.p/7.
 *
 * It must never know two spellings of one tile: what is cached for ever under one name must not be
 * asked for under a thousand others. So a path is read loosely, written again, and compared.
 */
#include "tlog/tlog.h"

#include "base/panic.h"

#define LEVEL_MAX       63 /* C2SP tlog-tiles, Merkle Tree */
#define INDEX_PARTS_MAX 7  /* groups of three digits of a 63-bit number */

/* Appends the index in groups of three digits, the first ones behind an x. */
static void add_index(struct buf *buf, uint64_t index)
{
    unsigned parts[INDEX_PARTS_MAX];
    size_t count = 0;

    do {
        parts[count++] = (unsigned)(index % 1000);
        index /= 1000;
    } while (index > 0);
    while (count-- > 0) {
        buf_printf(buf, count > 0 ? "x%03u/" : "%03u", parts[count]);
    }
}

void tlog_tile_path(struct buf *buf, const struct tlog_tile *tile)
{
    ASSERT(tile->width >= 1 && tile->width <= TLOG_TILE_WIDTH && tile->index <= TLOG_SIZE_MAX);
    buf_lit(buf, "tile/");
    if (tile->is_entries) {
        buf_lit(buf, "entries/");
    } else {
        buf_printf(buf, "%u/", tile->level);
    }
    add_index(buf, tile->index);
    if (tile->width < TLOG_TILE_WIDTH) {
        buf_printf(buf, ".p/%u", tile->width);
    }
}

/* Reads ".p/<W>" off the end of `*path`, if it is there. */
static bool width_take(struct str *path, unsigned *width)
{
    uint64_t number;

    *width = TLOG_TILE_WIDTH;
    for (size_t i = path->n > 6 ? path->n - 6 : 0; i + 3 <= path->n; i++) {
        struct str rest = str_skip(*path, i);
        if (str_starts(rest, S(".p/"))) {
            if (!str_to_u64(str_skip(rest, 3), &number) || number < 1 ||
                number >= TLOG_TILE_WIDTH) {
                return false;
            }
            *width = (unsigned)number;
            path->n = i;
            return true;
        }
    }
    return true;
}

static bool index_read(struct str path, uint64_t *out)
{
    uint64_t index = 0, part;

    for (size_t parts = 0; path.p; parts++) {
        struct str word = str_split(&path, '/');
        if (path.p && (word.n == 0 || word.p[0] != 'x')) {
            return false;
        }
        word = path.p ? str_skip(word, 1) : word;
        if (parts == INDEX_PARTS_MAX || word.n != 3 || !str_to_u64(word, &part) ||
            index > (TLOG_SIZE_MAX - part) / 1000) {
            return false;
        }
        index = index * 1000 + part;
    }
    *out = index;
    return true;
}

static bool level_read(struct str word, struct tlog_tile *out)
{
    uint64_t level = 0;

    out->is_entries = str_eq(word, S("entries"));
    if (!out->is_entries && (!str_to_u64(word, &level) || level > LEVEL_MAX)) {
        return false;
    }
    out->level = (unsigned)level;
    return true;
}

bool tlog_tile_parse(struct str path, struct tlog_tile *out)
{
    AUTO(buf_done) struct buf again = BUF_INIT(TLOG_TILE_PATH_MAX);
    struct str rest = path;
    struct tlog_tile tile;

    if (path.n > TLOG_TILE_PATH_MAX || !str_eq(str_split(&rest, '/'), S("tile")) || !rest.p ||
        !level_read(str_split(&rest, '/'), &tile) || !rest.p || !width_take(&rest, &tile.width) ||
        !index_read(rest, &tile.index)) {
        return false;
    }
    tlog_tile_path(&again, &tile);
    if (!str_eq(buf_str(&again), path)) {
        return false;
    }
    *out = tile;
    return true;
}

unsigned tlog_tile_width(unsigned level, uint64_t index, uint64_t size)
{
    uint64_t count = level * 8 < 64 ? size >> (level * 8) : 0; /* hashes of that level */
    uint64_t tiles = count / TLOG_TILE_WIDTH;                  /* full ones */

    if (index < tiles) {
        return TLOG_TILE_WIDTH;
    }
    return index == tiles ? (unsigned)(count % TLOG_TILE_WIDTH) : 0;
}
