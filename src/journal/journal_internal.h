/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this folder share.
 */
#ifndef FM_JOURNAL_INTERNAL_H
#define FM_JOURNAL_INTERNAL_H

#include "base/locks.h"
#include "journal/journal.h"

#include <stdatomic.h>

#define JOURNAL_SALT_SIZE 16
#define JOURNAL_TILE_HEIGHT 8 /* tree levels of a tile: 2^8 = TLOG_TILE_WIDTH */
#define JOURNAL_TILE_LEVELS 8 /* 63 tree levels in steps of 8 */
#define JOURNAL_TILE(level, index) ((int64_t)((uint64_t)(level) << 48 | (uint64_t)(index)))

struct journal {
    struct store_conn *conn; /* the write connection */
    struct tlog_frontier frontier, grown;
    struct hash *pending; /* leaves of the running batch */
    size_t pending_count, pending_room, mark;
    struct hash tiles[JOURNAL_TILE_LEVELS][TLOG_TILE_WIDTH]; /* the last, partial tile of each level */
    _Atomic uint64_t durable_size;

    struct sign_key key;
    struct note_verifier verifier; /* its name is the log's origin */
    struct buf signed_note;        /* signed in the running batch, not yet durable */
    uint64_t note_size;            /* that the note in the running batch covers */
    uint64_t signed_size;          /* that the newest durable checkpoint covers */
    struct lock lock;              /* guards checkpoint */
    struct buf checkpoint;
};

/* Reads the partial tiles at the frontier from the store. */
enum fm_err journal_read_tiles(struct ctx *ctx, struct journal *journal, struct store_conn *conn)
    MUST_CHECK;

/* Shows the checkpoint that was signed in the batch that has just become durable, if any. */
void journal_publish_checkpoint(struct journal *journal);

#endif
