/* SPDX-License-Identifier: Apache-2.0
 *
 * When keys and tokens were used last. A loop notes a use in a cell of memory, the clock writes
 * the cells that have changed: an access review needs the day, not a write for every request.
 *
 * 1. Cells are made on the committer's thread (or before it starts) and live as long as the
 *    process: a credential of any picture of the directory may point to its own.
 * 2. A crash loses at most what was noted since the clock last wrote.
 */
#include "people/people_internal.h"

#include "base/map.h"

#include <stdlib.h>

#define NOTE_EVERY_US MINUTE_US /* a busy key writes its cell once in this time */

SQL(SQL_USED, "UPDATE credentials SET used_at = $at WHERE hash = $hash");

struct cell {
    _Atomic int64_t used_us; /* first: a credential points here */
    int64_t stored_us;
    struct hash key;
};

static struct map *cells; /* by the credential's hash; committer's thread */
static atomic_bool has_news;

_Atomic int64_t *use_cell(struct hash key, int64_t stored_us)
{
    struct cell *cell;

    cells = cells ? cells : map_new();
    cell = cells ? map_find(cells, hash_str(&key)) : NULL;
    if (cell || !cells) {
        return cell ? &cell->used_us : NULL;
    }
    cell = calloc(1, sizeof(*cell));
    if (!cell || !map_put(cells, hash_str(&key), cell)) {
        free(cell);
        return NULL;
    }
    cell->key = key;
    cell->stored_us = stored_us;
    atomic_init(&cell->used_us, stored_us);
    return &cell->used_us;
}

void credential_used(const struct credential *credential)
{
    int64_t now_us = clock_now_us();

    if (credential->used_us &&
        now_us - atomic_load_explicit(credential->used_us, memory_order_relaxed) >= NOTE_EVERY_US) {
        atomic_store_explicit(credential->used_us, now_us, memory_order_relaxed);
        atomic_store(&has_news, true);
    }
}

bool people_has_uses(void)
{
    return atomic_load(&has_news);
}

/* What is under way to the store. */
struct writing {
    struct ctx *ctx;
    struct store_conn *conn;
    enum fm_err err;
};

static void write_cell(void *with, struct str key, void *value)
{
    struct writing *writing = with;
    struct cell *cell = value;
    int64_t used_us = atomic_load(&cell->used_us);

    if (writing->err != FM_OK || used_us == cell->stored_us) {
        return;
    }
    writing->err = store_exec(writing->ctx, writing->conn, &SQL_USED,
                              ARGS(A_INT("$at", used_us), A_BLOB("$hash", key)));
    cell->stored_us = used_us; /* if the batch is undone, the next use writes again */
}

enum fm_err people_write_uses(struct ctx *ctx, struct store_conn *conn)
{
    struct writing writing = {ctx, conn, FM_OK};

    atomic_store(&has_news, false);
    if (cells) {
        map_each(cells, write_cell, &writing);
    }
    return writing.err;
}
