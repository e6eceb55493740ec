/* SPDX-License-Identifier: Apache-2.0
 *
 * The tree: hashes with known values, roots against the recursive definition, what appending
 * completes, and frontiers rebuilt from stored hashes.
 */
#include "tree.h"

#include <stdlib.h>

static struct tree *tree;

static int tree_up(void **state)
{
    tree = calloc(1, sizeof(*tree));
    return tree ? ctx_up(state) : -1;
}

static int tree_down(void **state)
{
    free(tree);
    return ctx_down(state);
}

/* Hashes --------------------------------------------------------------------------------------- */

static void expect_hash(const char *row, struct hash got, const char *want_hex)
{
    struct hash want;

    EXPECT(hex_decode(str_of(want_hex), want.bytes, SHA256_SIZE), "%s: bad row", row);
    EXPECT(hash_eq(got, want), "%s", row);
}

static void known_hashes(void **state)
{
    struct hash leaf = tlog_leaf_hash(S(""));

    (void)state;
    expect_hash("no entries", tlog_empty_root(),
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect_hash("SHA-256 of one zero byte", leaf,
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    expect_hash("entry 'abc'", tlog_leaf_hash(S("abc")),
                "609f6e36d2405585188d5cfd761f407c7cc46a7d3f314c88270469dde315fcd1");
    expect_hash("node of two empty entries", tlog_node_hash(leaf, leaf),
                "fe43d66afa4a9a5c4f9c9da89f4ffb52635c8f342e7ffb731d68e36c5982072a");
}

static void a_node_is_no_entry(void **state)
{
    struct hash pair[2] = {tree_leaf(0), tree_leaf(1)};
    struct hash node = tlog_node_hash(pair[0], pair[1]);
    struct str bytes = {(const char *)pair, sizeof(pair)};

    (void)state;
    assert_false(hash_eq(tlog_leaf_hash(bytes), node));
    assert_false(hash_eq(tlog_node_hash(pair[1], pair[0]), node));
    assert_true(hash_eq(sha256_2(S("\1"), bytes), node));
    assert_true(hash_eq(sha256_2((struct str){"\0", 1}, bytes), tlog_leaf_hash(bytes)));
}

/* Appending ------------------------------------------------------------------------------------ */

static void roots_as_defined(void **state)
{
    (void)state;
    for (uint64_t size = 0; size <= 300; size++) {
        EXPECT(tree->frontier.size == size, "size %llu", (unsigned long long)size);
        EXPECT(hash_eq(tlog_root(&tree->frontier), rfc_root(0, size)), "size %llu",
               (unsigned long long)size);
        tree_append(tree);
    }
}

/* Which hashes (level, index) each of eight appends completes, in order. */
static const struct {
    unsigned level, index;
} completions[] = {
    {0, 0},                         /* append 0 */
    {0, 1}, {1, 0},                 /* append 1 */
    {0, 2},                         /* append 2 */
    {0, 3}, {1, 1}, {2, 0},         /* append 3 */
    {0, 4},                         /* append 4 */
    {0, 5}, {1, 2},                 /* append 5 */
    {0, 6},                         /* append 6 */
    {0, 7}, {1, 3}, {2, 1}, {3, 0}, /* append 7 */
};

static size_t completed;

static void expect_next(void *with, unsigned level, uint64_t index, struct hash hash)
{
    assert_ptr_equal(with, completions);
    assert_in_range(completed, 0, COUNT_OF(completions) - 1);
    EXPECT(level == completions[completed].level && index == completions[completed].index,
           "completion %zu is (%u, %llu)", completed, level, (unsigned long long)index);
    EXPECT(hash_eq(hash, rfc_root(index << level, UINT64_C(1) << level)), "hash (%u, %llu)", level,
           (unsigned long long)index);
    completed++;
}

static void completed_hashes(void **state)
{
    struct tlog_frontier frontier = {.size = 0};

    (void)state;
    completed = 0;
    for (uint64_t i = 0; i < 8; i++) {
        tlog_append(&frontier, tree_leaf(i), expect_next, (void *)(uintptr_t)completions);
    }
    assert_int_equal(completed, COUNT_OF(completions));
    tlog_append(&frontier, tree_leaf(8), NULL, NULL); /* nobody has to listen */
    assert_true(hash_eq(tlog_root(&frontier), rfc_root(0, 9)));
}

/* Rebuilding ----------------------------------------------------------------------------------- */

static void frontier_is_rebuilt(void **state)
{
    static struct tlog_frontier appended[601];

    (void)state;
    for (uint64_t size = 0; size <= 600; size++) {
        appended[size] = tree->frontier;
        tree_append(tree);
    }
    for (uint64_t size = 0; size <= 600; size++) {
        struct tlog_frontier rebuilt;
        struct hash root;
        assert_int_equal(tlog_frontier_at(&ctx, tree_read, tree, size, &rebuilt), FM_OK);
        EXPECT(memcmp(&rebuilt, &appended[size], sizeof(rebuilt)) == 0, "size %llu",
               (unsigned long long)size);
        assert_int_equal(tlog_root_at(&ctx, tree_read, tree, size, &root), FM_OK);
        EXPECT(hash_eq(root, tlog_root(&appended[size])), "size %llu", (unsigned long long)size);
    }
}

static void missing_hash(void **state)
{
    struct tlog_frontier frontier;
    struct hash root;

    (void)state;
    for (unsigned i = 0; i < 7; i++) {
        tree_append(tree);
    }
    tree->known[1][2] = false;
    assert_int_equal(tlog_frontier_at(&ctx, tree_read, tree, 7, &frontier), FM_E_INTERNAL);
    assert_string_equal(ctx.detail, "the log lacks hash 2 of level 1");
    assert_int_equal(tlog_root_at(&ctx, tree_read, tree, 7, &root), FM_E_INTERNAL);
    assert_int_equal(tlog_root_at(&ctx, tree_read, tree, 8, &root), FM_E_INTERNAL);
    assert_int_equal(tlog_root_at(&ctx, tree_read, tree, 5, &root), FM_OK);
}

/* All entries are alike, so the hash of a subtree depends on its level alone: a log of any size. */
static bool uniform_read(void *with, unsigned level, uint64_t index, struct hash *out)
{
    EXPECT(level < TLOG_LEVELS && index < UINT64_C(1) << (TLOG_LEVELS - level), "level %u", level);
    *out = ((const struct hash *)with)[level];
    return true;
}

static void largest_tree(void **state)
{
    struct hash levels[TLOG_LEVELS] = {tree_leaf(0)};
    struct tlog_frontier frontier;
    struct hash root;

    (void)state;
    for (unsigned level = 1; level < TLOG_LEVELS; level++) {
        levels[level] = tlog_node_hash(levels[level - 1], levels[level - 1]);
    }
    assert_int_equal(tlog_frontier_at(&ctx, uniform_read, levels, TLOG_SIZE_MAX - 1, &frontier),
                     FM_OK);
    tlog_append(&frontier, levels[0], NULL, NULL);
    assert_int_equal(tlog_root_at(&ctx, uniform_read, levels, TLOG_SIZE_MAX, &root), FM_OK);
    assert_true(hash_eq(tlog_root(&frontier), root));
    assert_int_equal(tlog_root_at(&ctx, uniform_read, levels, TLOG_SIZE_MAX + 1, &root),
                     FM_E_INVALID_ARGUMENT);
    assert_int_equal(tlog_root_at(&ctx, uniform_read, levels, UINT64_MAX, &root),
                     FM_E_INVALID_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_hashes),
        cmocka_unit_test(a_node_is_no_entry),
        cmocka_unit_test_setup_teardown(roots_as_defined, tree_up, tree_down),
        cmocka_unit_test(completed_hashes),
        cmocka_unit_test_setup_teardown(frontier_is_rebuilt, tree_up, tree_down),
        cmocka_unit_test_setup_teardown(missing_hash, tree_up, tree_down),
        cmocka_unit_test_setup_teardown(largest_tree, tree_up, tree_down),
    };

    crypto_init();
    return CHECK_RUN(tests);
}
