/* SPDX-License-Identifier: Apache-2.0
 *
 * Checking proofs (RFC 9162 2.1.3.2 and 2.1.4.2), line by line as the RFC numbers them.
 *
 * Needs no log, only the hashes that are given. It must never accept a proof that is too long, too
 * short, or for another place: the numbers `node` and `last` fix how many hashes there must be and
 * on which side each of them stands.
 */
#include "tlog/tlog.h"

/* The way up, seen from one node: its number in its level, and the number of the last node
 * there. */
struct climb {
    uint64_t node, last;
};

static void climb_one(struct climb *at)
{
    at->node >>= 1;
    at->last >>= 1;
}

/* Whether the next hash of the proof stands on the left. */
static bool next_is_left(struct climb at)
{
    return (at.node & 1) || at.node == at.last;
}

/* A last node that is a left child has no sibling: up to where it has one, or to the top. */
static void skip_lone(struct climb *at)
{
    while ((at->node & 1) == 0 && at->node != 0) {
        climb_one(at);
    }
}

bool tlog_verify_inclusion(const struct hash *proof, size_t count, uint64_t index, uint64_t size,
                           struct hash leaf, struct hash root)
{
    if (index >= size) { /* step 1 */
        return false;
    }
    struct climb at = {index, size - 1}; /* step 2 */
    struct hash hash = leaf;             /* step 3 */
    for (size_t i = 0; i < count; i++) { /* step 4 */
        if (at.last == 0) {
            return false;
        }
        if (next_is_left(at)) {
            hash = tlog_node_hash(proof[i], hash);
            skip_lone(&at);
        } else {
            hash = tlog_node_hash(hash, proof[i]);
        }
        climb_one(&at);
    }
    return at.last == 0 && hash_eq(hash, root); /* step 5 */
}

/* The rest of a consistency proof, from the subtree `start` that both trees share. */
static bool climb_both(const struct hash *proof, size_t count, struct climb at, struct hash start,
                       struct hash old_root, struct hash root)
{
    struct hash old_hash = start; /* step 5 */
    struct hash hash = start;

    for (size_t i = 0; i < count; i++) { /* step 6 */
        if (at.last == 0) {
            return false;
        }
        if (next_is_left(at)) {
            old_hash = tlog_node_hash(proof[i], old_hash);
            hash = tlog_node_hash(proof[i], hash);
            skip_lone(&at);
        } else {
            hash = tlog_node_hash(hash, proof[i]);
        }
        climb_one(&at);
    }
    return at.last == 0 && hash_eq(old_hash, old_root) && hash_eq(hash, root); /* step 7 */
}

bool tlog_verify_consistency(const struct hash *proof, size_t count, uint64_t old_size,
                             uint64_t size, struct hash old_root, struct hash root)
{
    if (old_size == 0 || old_size > size) { /* every tree continues the empty one */
        return false;
    }
    if (old_size == size) {
        return count == 0 && hash_eq(old_root, root);
    }
    if (count == 0) { /* step 1 */
        return false;
    }
    struct climb at = {old_size - 1, size - 1}; /* step 3 */
    while (at.node & 1) {                       /* step 4 */
        climb_one(&at);
    }
    if ((old_size & (old_size - 1)) == 0) { /* step 2: the old tree is one perfect subtree */
        return climb_both(proof, count, at, old_root, old_root, root);
    }
    return climb_both(proof + 1, count - 1, at, proof[0], old_root, root);
}
