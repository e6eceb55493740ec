/* SPDX-License-Identifier: Apache-2.0
 *
 * Making proofs (RFC 6962 2.1.1 and 2.1.2) from stored hashes of perfect subtrees.
 *
 * Both kinds go down from the root to a target and collect the root of what stands beside the way;
 * the proof lists them from the bottom up. The target of an inclusion proof is one leaf. The target
 * of a consistency proof is the last subtree of the old tree: the first range on the way to leaf
 * old_size-1 that ends with this leaf.
 *
 *                  root                   leaf c (2) in the tree of 7: d, ab, efg
 *                /      \
 *               .        efg              the tree of 3 in the tree of 7: c, d, ab, efg
 *             /   \                       (the target is c: old tree = ab + c)
 *           ab     .
 *                 / \                     the tree of 4 in the tree of 7: efg
 *                c   d                    (the target is the old tree, whose root the verifier has)
 *
 * It reads hashes only, never entries, and at most 63 of them for each hash of the proof.
 */
#include "tlog/tlog.h"

#include "base/panic.h"

/* `count` leaves from `begin` on. In the tree `begin` is a multiple of a power of two that is not
 * less than `count`, so the perfect subtrees of the range are perfect subtrees of the tree. */
struct range {
    uint64_t begin, count;
};

/* Where the hashes come from. */
struct source {
    tlog_read_fn *read;
    void *with;
};

/* The way from the root down: what stands beside it, root first, and where it ended. */
struct way {
    unsigned count;
    struct range beside[TLOG_LEVELS];
    struct range target;
};

/* The largest power of two less than `count`, which is at least 2 (RFC 6962 2.1: k). */
static uint64_t split_of(uint64_t count)
{
    return UINT64_C(1) << (63 - __builtin_clzll(count - 1));
}

/* Goes down to `leaf`; with `whole` it stops at the first range that ends with `leaf`. */
static void way_down(uint64_t leaf, uint64_t size, bool whole, struct way *way)
{
    struct range at = {0, size};

    way->count = 0;
    while (at.count > 1 && !(whole && at.begin + at.count - 1 == leaf)) {
        uint64_t left_count = split_of(at.count);
        struct range left = {at.begin, left_count};
        struct range right = {at.begin + left_count, at.count - left_count};
        bool goes_left = leaf < right.begin;

        ASSERT(way->count < TLOG_LEVELS); /* the count at least halves to the next power of two */
        way->beside[way->count++] = goes_left ? right : left;
        at = goes_left ? left : right;
    }
    way->target = at;
}

/* The root of a range, from the roots of its perfect subtrees, the smallest (rightmost) first. */
static enum fm_err range_root(struct ctx *ctx, struct source source, struct range range,
                              struct hash *out)
{
    bool begun = false;

    for (unsigned level = 0; range.count >> level; level++) {
        struct hash hash;
        uint64_t index = (range.begin >> level) + (range.count >> level) - 1;

        if ((range.count >> level & 1) == 0) {
            continue;
        }
        if (!source.read(source.with, level, index, &hash)) {
            return fail(ctx, FM_E_INTERNAL, "the log lacks hash %llu of level %u",
                        (unsigned long long)index, level);
        }
        *out = begun ? tlog_node_hash(hash, *out) : hash;
        begun = true;
    }
    return FM_OK;
}

/* Adds what stands beside the way, from the bottom up. */
static enum fm_err add_beside(struct ctx *ctx, struct source source, const struct way *way,
                              struct tlog_proof *out)
{
    _Static_assert(TLOG_LEVELS + 1 <= TLOG_PROOF_MAX, "target and way fit");
    for (unsigned i = way->count; i > 0; i--) {
        TRY(range_root(ctx, source, way->beside[i - 1], &out->hashes[out->count]));
        out->count++;
    }
    return FM_OK;
}

enum fm_err tlog_prove_inclusion(struct ctx *ctx, tlog_read_fn *read, void *with, uint64_t index,
                                 uint64_t size, struct tlog_proof *out)
{
    struct way way;

    out->count = 0;
    if (index >= size || size > TLOG_SIZE_MAX) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "no entry %llu in a log of %llu entries",
                    (unsigned long long)index, (unsigned long long)size);
    }
    way_down(index, size, false, &way);
    return add_beside(ctx, (struct source){read, with}, &way, out);
}

enum fm_err tlog_prove_consistency(struct ctx *ctx, tlog_read_fn *read, void *with,
                                   uint64_t old_size, uint64_t size, struct tlog_proof *out)
{
    struct source source = {read, with};
    struct way way;

    out->count = 0;
    if (old_size == 0 || old_size > size || size > TLOG_SIZE_MAX) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "no proof leads from %llu to %llu entries",
                    (unsigned long long)old_size, (unsigned long long)size);
    }
    way_down(old_size - 1, size, true, &way);
    /*= RFC 6962 2.1.2: the old tree itself is left out, for the verifier has its root. */
    if (way.target.begin > 0) {
        TRY(range_root(ctx, source, way.target, &out->hashes[0]));
        out->count = 1;
    }
    return add_beside(ctx, source, &way, out);
}
