/* SPDX-License-Identifier: Apache-2.0
 *
 * The tree itself: hashing, appending, and roots (RFC 6962 2.1).
 *
 * A tree of `size` leaves is a row of perfect subtrees, one per set bit of `size`, largest first:
 *
 *      size 7 = 4+2+1          roots[2]      roots[1]   roots[0]
 *                             /        \     /     \       |
 *                            0  1  2   3    4      5       6
 *
 * Appending a leaf is adding one to `size`: each carry joins two subtrees of the same height. It
 * must never hash a leaf and a node alike: the prefixes 0x00 and 0x01 keep a node from passing as
 * an entry.
 *
 * Invariants of a frontier: (1) size <= TLOG_SIZE_MAX; (2) roots[k] is the root of its subtree if
 * bit k of size is set, else all zero, so that two frontiers are equal exactly if their bytes are.
 */
#include "tlog/tlog.h"

#include "base/panic.h"

struct hash tlog_leaf_hash(struct str entry)
{
    return sha256_2((struct str){"\x00", 1}, entry);
}

struct hash tlog_node_hash(struct hash left, struct hash right)
{
    return sha256_3((struct str){"\x01", 1}, hash_str(&left), hash_str(&right));
}

struct hash tlog_empty_root(void)
{
    return sha256(STR_NONE);
}

void tlog_append(struct tlog_frontier *frontier, struct hash leaf, tlog_completed_fn *completed,
                 void *with)
{
    struct hash hash = leaf;
    unsigned level = 0;

    ASSERT(frontier->size < TLOG_SIZE_MAX);
    for (;; level++) {
        if (completed) {
            completed(with, level, frontier->size >> level, hash);
        }
        if ((frontier->size >> level & 1) == 0) {
            break;
        }
        hash = tlog_node_hash(frontier->roots[level], hash);
        frontier->roots[level] = (struct hash){{0}};
    }
    frontier->roots[level] = hash;
    frontier->size++;
}

struct hash tlog_root(const struct tlog_frontier *frontier)
{
    struct hash root;
    bool begun = false;

    for (unsigned level = 0; level < TLOG_LEVELS; level++) {
        if (frontier->size >> level & 1) {
            root = begun ? tlog_node_hash(frontier->roots[level], root) : frontier->roots[level];
            begun = true;
        }
    }
    return begun ? root : tlog_empty_root();
}

enum fm_err tlog_frontier_at(struct ctx *ctx, tlog_read_fn *read, void *with, uint64_t size,
                             struct tlog_frontier *out)
{
    if (size > TLOG_SIZE_MAX) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "no tree has %llu leaves",
                    (unsigned long long)size);
    }
    *out = (struct tlog_frontier){.size = size};
    for (unsigned level = 0; level < TLOG_LEVELS; level++) {
        if ((size >> level & 1) == 0) {
            continue;
        }
        /* bit `level` is set, so what stands left is (size >> level) - 1 subtrees of this size */
        uint64_t index = (size >> level) - 1;
        if (!read(with, level, index, &out->roots[level])) {
            return fail(ctx, FM_E_INTERNAL, "the log lacks hash %llu of level %u",
                        (unsigned long long)index, level);
        }
    }
    return FM_OK;
}

enum fm_err tlog_root_at(struct ctx *ctx, tlog_read_fn *read, void *with, uint64_t size,
                         struct hash *out)
{
    struct tlog_frontier frontier;

    TRY(tlog_frontier_at(ctx, read, with, size, &frontier));
    *out = tlog_root(&frontier);
    return FM_OK;
}
