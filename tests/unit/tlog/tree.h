/* SPDX-License-Identifier: Apache-2.0
 *
 * For the tests of the log: a log in memory, and its roots by the recursive definition of RFC 6962,
 * which shares nothing with the code under test but the two hash functions.
 */
#ifndef FM_TEST_TREE_H
#define FM_TEST_TREE_H

#include "../check.h"

#include "tlog/tlog.h"

#define TREE_LEVELS 11
#define TREE_MAX 1024

struct tree {
    struct tlog_frontier frontier;
    bool known[TREE_LEVELS][TREE_MAX];
    struct hash hashes[TREE_LEVELS][TREE_MAX];
};

/* A leaf that differs from all others. */
static inline struct hash tree_leaf(uint64_t index)
{
    return tlog_leaf_hash((struct str){(const char *)&index, sizeof(index)});
}

/* Keeps what an append completes: each hash once. */
static inline void tree_keep(void *with, unsigned level, uint64_t index, struct hash hash)
{
    struct tree *tree = with;

    assert_in_range(level, 0, TREE_LEVELS - 1);
    assert_in_range(index, 0, TREE_MAX - 1);
    EXPECT(!tree->known[level][index], "level %u, index %llu, again", level,
           (unsigned long long)index);
    tree->known[level][index] = true;
    tree->hashes[level][index] = hash;
}

static inline bool tree_read(void *with, unsigned level, uint64_t index, struct hash *out)
{
    const struct tree *tree = with;

    if (level >= TREE_LEVELS || index >= TREE_MAX || !tree->known[level][index]) {
        return false;
    }
    *out = tree->hashes[level][index];
    return true;
}

static inline void tree_append(struct tree *tree)
{
    tlog_append(&tree->frontier, tree_leaf(tree->frontier.size), tree_keep, tree);
}

/* RFC 6962 2.1: the largest power of two less than `count`, which is at least 2. */
static inline uint64_t rfc_split(uint64_t count)
{
    uint64_t k = 1;

    while (k * 2 < count) {
        k *= 2;
    }
    return k;
}

/* RFC 6962 2.1: MTH of the leaves from `begin` on. */
static inline struct hash rfc_root(uint64_t begin, uint64_t count)
{
    uint64_t k;

    if (count == 0) {
        return sha256(S(""));
    }
    if (count == 1) {
        return tree_leaf(begin);
    }
    k = rfc_split(count);
    return tlog_node_hash(rfc_root(begin, k), rfc_root(begin + k, count - k));
}

/* A context with an arena of its own, for setup and teardown. */
static struct ctx ctx;

static inline int ctx_up(void **state)
{
    (void)state;
    ctx_init(&ctx, arena_new(4 * MIB));
    return ctx.arena ? 0 : -1;
}

static inline int ctx_down(void **state)
{
    (void)state;
    arena_free(ctx.arena);
    return 0;
}

#endif
