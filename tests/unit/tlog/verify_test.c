/* SPDX-License-Identifier: Apache-2.0
 *
 * The verifiers alone, on the tree of seven entries that RFC 6962 2.1.3 draws: its proofs, written
 * down by hand, and claims that no proof can carry.
 *
 *             root
 *           /      \
 *          k        l          a to f and j are the leaves d0 to d6
 *        /   \    /   \        g = ab, h = cd, i = ef, k = gh, l = ij
 *       g     h  i     j
 *      / \   / \ / \   |
 *      a b   c d e f   d6
 */
#include "tree.h"

enum name { a, b, c, d, e, f, g, h, i, j, k, l, ROOT, NAMES };

static struct hash node[NAMES];
static struct hash old_root[8]; /* of the first N entries */

static int picture_up(void **state)
{
    static const enum name leaves[] = {a, b, c, d, e, f, j};

    (void)state;
    for (size_t at = 0; at < COUNT_OF(leaves); at++) {
        node[leaves[at]] = tree_leaf(at);
    }
    node[g] = tlog_node_hash(node[a], node[b]);
    node[h] = tlog_node_hash(node[c], node[d]);
    node[i] = tlog_node_hash(node[e], node[f]);
    node[k] = tlog_node_hash(node[g], node[h]);
    node[l] = tlog_node_hash(node[i], node[j]);
    node[ROOT] = tlog_node_hash(node[k], node[l]);
    for (size_t size = 0; size < COUNT_OF(old_root); size++) {
        old_root[size] = rfc_root(0, size);
    }
    return hash_eq(old_root[7], node[ROOT]) ? 0 : -1;
}

/* The proofs of RFC 6962 2.1.3 and wrong ones -------------------------------------------------- */

static const struct {
    const char *label;
    bool inclusion;
    uint64_t at, size;
    size_t count;
    enum name proof[4];
    bool holds;
} rows[] = {
    {"d0", true, 0, 7, 3, {b, h, l}, true},
    {"d3", true, 3, 7, 3, {c, g, l}, true},
    {"d4", true, 4, 7, 3, {f, j, k}, true},
    {"d6", true, 6, 7, 2, {i, k}, true},
    {"d0 with the proof of d1's place", true, 1, 7, 3, {b, h, l}, false},
    {"d6 with a hash for a sibling it has not", true, 6, 7, 3, {j, i, k}, false},
    {"d0, last hash missing", true, 0, 7, 2, {b, h}, false},
    {"d0, first hash missing", true, 0, 7, 2, {h, l}, false},
    {"d0, root added", true, 0, 7, 4, {b, h, l, ROOT}, false},
    {"d0, order turned", true, 0, 7, 3, {l, h, b}, false},
    {"d0, no proof", true, 0, 7, 0, {a}, false},
    {"d0 in a smaller tree", true, 0, 4, 3, {b, h, l}, false},
    {"d0 in a larger tree", true, 0, 9, 3, {b, h, l}, false},
    {"behind the end", true, 7, 7, 3, {b, h, l}, false},
    {"far behind the end", true, UINT64_MAX, 7, 3, {b, h, l}, false},
    {"in nothing", true, 0, 0, 0, {a}, false},
    {"3 to 7", false, 3, 7, 4, {c, d, g, l}, true},
    {"4 to 7", false, 4, 7, 1, {l}, true},
    {"6 to 7", false, 6, 7, 3, {i, j, k}, true},
    {"7 to 7", false, 7, 7, 0, {a}, true},
    {"7 to 7 with a hash", false, 7, 7, 1, {ROOT}, false},
    {"3 to 7, last hash missing", false, 3, 7, 3, {c, d, g}, false},
    {"3 to 7, first hash missing", false, 3, 7, 3, {d, g, l}, false},
    {"4 to 7, old root repeated", false, 4, 7, 2, {k, l}, false},
    {"4 to 7, no proof", false, 4, 7, 0, {a}, false},
    {"4 to 7, root added", false, 4, 7, 2, {l, ROOT}, false},
    {"6 to 7, order turned", false, 6, 7, 3, {k, j, i}, false},
    {"6 to 7 with the proof of 4", false, 6, 7, 1, {l}, false},
    {"0 to 7", false, 0, 7, 0, {a}, false},
    {"0 to 7 with the root", false, 0, 7, 1, {ROOT}, false},
    {"0 to 0", false, 0, 0, 0, {a}, false},
    {"7 to 6", false, 7, 6, 3, {i, j, k}, false},
};

static void the_picture(void **state)
{
    (void)state;
    for (size_t at = 0; at < COUNT_OF(rows); at++) {
        struct hash proof[4], subject;
        bool holds;

        for (size_t n = 0; n < rows[at].count; n++) {
            proof[n] = node[rows[at].proof[n]];
        }
        subject = rows[at].inclusion ? tree_leaf(rows[at].at) : old_root[rows[at].at];
        if (rows[at].inclusion) {
            holds = tlog_verify_inclusion(proof, rows[at].count, rows[at].at, rows[at].size,
                                          subject, node[ROOT]);
        } else {
            holds = tlog_verify_consistency(proof, rows[at].count, rows[at].at, rows[at].size,
                                            subject, node[ROOT]);
        }
        EXPECT(holds == rows[at].holds, "%s", rows[at].label);
    }
}

/* No proof at all, as callers may hand it over: without a pointer. */
static void no_hashes(void **state)
{
    (void)state;
    assert_true(tlog_verify_inclusion(NULL, 0, 0, 1, node[a], node[a]));
    assert_false(tlog_verify_inclusion(NULL, 0, 0, 1, node[a], node[b]));
    assert_false(tlog_verify_inclusion(NULL, 0, 0, 2, node[a], node[a]));
    assert_true(tlog_verify_consistency(NULL, 0, 1, 1, node[a], node[a]));
    assert_false(tlog_verify_consistency(NULL, 0, 1, 1, node[a], node[b]));
    assert_false(tlog_verify_consistency(NULL, 0, 1, 2, node[a], node[a]));
    assert_false(tlog_verify_consistency(NULL, 0, 3, 7, old_root[3], node[ROOT]));
    assert_false(tlog_verify_consistency(NULL, 0, 0, 0, tlog_empty_root(), tlog_empty_root()));
}

/* Roots made to fit a proof that is too long for the sizes, or leads back: only the numbers betray
 * it. */
static void roots_made_to_fit(void **state)
{
    struct hash above_a = tlog_node_hash(node[k], node[a]);
    struct hash above_b = tlog_node_hash(node[k], tlog_node_hash(node[a], node[b]));
    struct hash old_above = tlog_node_hash(node[l], tlog_node_hash(node[g], node[c]));
    struct hash new_above = tlog_node_hash(node[l], tlog_node_hash(node[g], node[h]));
    struct hash back = tlog_node_hash(node[k], node[a]);

    (void)state;
    assert_false(tlog_verify_inclusion((struct hash[]){node[k]}, 1, 0, 1, node[a], above_a));
    assert_false(
        tlog_verify_inclusion((struct hash[]){node[a], node[k]}, 2, 1, 2, node[b], above_b));
    assert_true(tlog_verify_consistency((struct hash[]){node[c], node[d], node[g]}, 3, 3, 4,
                                        old_root[3], old_root[4]));
    assert_false(tlog_verify_consistency((struct hash[]){node[c], node[d], node[g], node[l]}, 4, 3,
                                         4, old_above, new_above));
    assert_false(tlog_verify_consistency((struct hash[]){node[a], node[k]}, 2, 6, 5, back, back));
}

/* Numbers at the end of their range end quickly and are refused. */
static void largest_numbers(void **state)
{
    static const uint64_t numbers[] = {1, 2, TLOG_SIZE_MAX - 1, TLOG_SIZE_MAX, TLOG_SIZE_MAX + 1,
                                       UINT64_MAX - 1, UINT64_MAX};
    struct hash proof[TLOG_PROOF_MAX] = {{{0}}};

    (void)state;
    for (size_t at = 0; at < COUNT_OF(numbers); at++) {
        for (size_t size = 0; size < COUNT_OF(numbers); size++) {
            for (size_t count = 0; count <= TLOG_PROOF_MAX; count++) {
                bool included = tlog_verify_inclusion(proof, count, numbers[at], numbers[size],
                                                      node[a], node[ROOT]);
                bool consistent = tlog_verify_consistency(proof, count, numbers[at], numbers[size],
                                                          node[a], node[ROOT]);
                EXPECT(!included && !consistent, "numbers %zu and %zu, %zu hashes", at, size,
                       count);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_picture, picture_up),
        cmocka_unit_test_setup(no_hashes, picture_up),
        cmocka_unit_test_setup(roots_made_to_fit, picture_up),
        cmocka_unit_test_setup(largest_numbers, picture_up),
    };

    crypto_init();
    return CHECK_RUN(tests);
}
