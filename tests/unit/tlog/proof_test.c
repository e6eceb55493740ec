/* SPDX-License-Identifier: Apache-2.0
 *
 * Proofs as made: hash for hash against the recursive definitions of RFC 6962, and for trees of 1
 * to 600 entries every inclusion proof and many consistency proofs, which must verify, and must not
 * once anything about them is changed. FERMATA_SEED repeats a run.
 */
#include "tree.h"

#include <stdlib.h>

#define SIZES 600

static struct tree *tree;
static struct hash roots[SIZES + 1];
static unsigned long long seed, random_state;

static int log_up(void **state)
{
    const char *given = getenv("FERMATA_SEED");

    seed = random_state = given && *given ? strtoull(given, NULL, 10) : 20261122;
    tree = calloc(1, sizeof(*tree));
    if (!tree) {
        return -1;
    }
    for (uint64_t size = 0; size <= SIZES; size++) {
        roots[size] = tlog_root(&tree->frontier);
        tree_append(tree);
    }
    return ctx_up(state);
}

static int log_down(void **state)
{
    free(tree);
    return ctx_down(state);
}

/* splitmix64: a number below `limit`. */
static uint64_t draw(uint64_t limit)
{
    uint64_t z = random_state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (z ^ z >> 31) % limit;
}

/* RFC 6962 2.1.1 and 2.1.2, recursive as written ----------------------------------------------- */

static void add(struct tlog_proof *proof, struct hash hash)
{
    assert_in_range(proof->count, 0, TLOG_PROOF_MAX - 1);
    proof->hashes[proof->count++] = hash;
}

static void rfc_path(uint64_t m, uint64_t begin, uint64_t n, struct tlog_proof *out)
{
    uint64_t k;

    if (n == 1) {
        return;
    }
    k = rfc_split(n);
    if (m < k) {
        rfc_path(m, begin, k, out);
        add(out, rfc_root(begin + k, n - k));
    } else {
        rfc_path(m - k, begin + k, n - k, out);
        add(out, rfc_root(begin, k));
    }
}

static void rfc_subproof(uint64_t m, uint64_t begin, uint64_t n, bool whole, struct tlog_proof *out)
{
    uint64_t k;

    if (m == n) {
        if (!whole) {
            add(out, rfc_root(begin, n));
        }
        return;
    }
    k = rfc_split(n);
    if (m <= k) {
        rfc_subproof(m, begin, k, whole, out);
        add(out, rfc_root(begin + k, n - k));
    } else {
        rfc_subproof(m - k, begin + k, n - k, false, out);
        add(out, rfc_root(begin, k));
    }
}

static bool same(const struct tlog_proof *a, const struct tlog_proof *b)
{
    return a->count == b->count &&
           memcmp(a->hashes, b->hashes, a->count * sizeof(struct hash)) == 0;
}

static void proofs_as_defined(void **state)
{
    struct tlog_proof got, want;

    (void)state;
    for (uint64_t size = 1; size <= 70; size++) {
        for (uint64_t at = 0; at < size; at++) {
            want.count = 0;
            rfc_path(at, 0, size, &want);
            assert_int_equal(tlog_prove_inclusion(&ctx, tree_read, tree, at, size, &got), FM_OK);
            EXPECT(same(&got, &want), "inclusion of %d in %d", (int)at, (int)size);
            want.count = 0;
            rfc_subproof(at + 1, 0, size, true, &want);
            assert_int_equal(tlog_prove_consistency(&ctx, tree_read, tree, at + 1, size, &got),
                             FM_OK);
            EXPECT(same(&got, &want), "consistency of %d with %d", (int)at + 1, (int)size);
        }
    }
}

/* Every proof, and what was changed about it --------------------------------------------------- */

/* A proof of either kind with all that a verifier is given. */
struct claim {
    bool inclusion;
    uint64_t at, size;     /* index or old size; size */
    struct hash of, root;  /* leaf or old root; root */
    struct tlog_proof proof;
};

static bool holds(const struct claim *c)
{
    return c->inclusion ? tlog_verify_inclusion(c->proof.hashes, c->proof.count, c->at, c->size,
                                                c->of, c->root)
                        : tlog_verify_consistency(c->proof.hashes, c->proof.count, c->at, c->size,
                                                  c->of, c->root);
}

static void make(struct claim *c, bool inclusion, uint64_t at, uint64_t size)
{
    *c = (struct claim){.inclusion = inclusion, .at = at, .size = size, .root = roots[size]};
    c->of = inclusion ? tree_leaf(at) : roots[at];
    assert_int_equal((inclusion ? tlog_prove_inclusion : tlog_prove_consistency)(
                         &ctx, tree_read, tree, at, size, &c->proof),
                     FM_OK);
    EXPECT(holds(c), "%s %d %d, FERMATA_SEED=%llu", inclusion ? "inclusion" : "consistency",
           (int)at, (int)size, seed);
}

static void flip(struct hash *hash)
{
    hash->bytes[draw(SHA256_SIZE)] ^= (uint8_t)(1 << draw(8));
}

/* Each changes something; false where there is nothing to change. */
static bool change_hash(struct claim *c)
{
    if (c->proof.count == 0) {
        return false;
    }
    flip(&c->proof.hashes[draw(c->proof.count)]);
    return true;
}

static bool change_subject(struct claim *c)
{
    flip(&c->of);
    return true;
}

static bool change_root(struct claim *c)
{
    flip(&c->root);
    return true;
}

static bool drop_hash(struct claim *c)
{
    if (c->proof.count == 0) {
        return false;
    }
    for (size_t i = draw(c->proof.count) + 1; i < c->proof.count; i++) {
        c->proof.hashes[i - 1] = c->proof.hashes[i];
    }
    c->proof.count--;
    return true;
}

static bool add_hash(struct claim *c)
{
    size_t at = draw(c->proof.count + 1);

    for (size_t i = c->proof.count++; i > at; i--) {
        c->proof.hashes[i] = c->proof.hashes[i - 1];
    }
    c->proof.hashes[at] = draw(2) ? c->root : c->of;
    return true;
}

static bool exchange_hashes(struct claim *c)
{
    struct hash first = c->proof.hashes[0];

    if (c->proof.count < 2) {
        return false;
    }
    c->proof.hashes[0] = c->proof.hashes[1];
    c->proof.hashes[1] = first;
    return true;
}

static bool move_place(struct claim *c)
{
    uint64_t at = draw(c->size);

    if (!c->inclusion || at == c->at) {
        return false; /* another old size with the same old root: see exchange_roots */
    }
    c->at = at;
    return true;
}

static bool exchange_roots(struct claim *c)
{
    struct hash root = c->root;

    if (c->inclusion ? c->size == 1 : c->at == c->size) {
        return false;
    }
    c->root = c->of;
    c->of = root;
    return true;
}

static bool empty_proof(struct claim *c)
{
    if (c->proof.count == 0) {
        return false;
    }
    c->proof.count = 0;
    return true;
}

static const struct {
    const char *name;
    bool (*change)(struct claim *c);
} changes[] = {
    {"a bit of a hash", change_hash},       {"a bit of the leaf or old root", change_subject},
    {"a bit of the root", change_root},     {"a hash left out", drop_hash},
    {"a hash added", add_hash},             {"two hashes exchanged", exchange_hashes},
    {"another place", move_place},          {"both roots exchanged", exchange_roots},
    {"the proof emptied", empty_proof},
};

/* Tries change number `which` on a good claim; nothing may be left of it. */
static void expect_refused_if_changed(const struct claim *good, size_t which)
{
    struct claim bad = *good;

    if (changes[which].change(&bad)) {
        EXPECT(!holds(&bad), "%s: %s %d %d, FERMATA_SEED=%llu", changes[which].name,
               good->inclusion ? "inclusion" : "consistency", (int)good->at, (int)good->size, seed);
    }
}

static void every_inclusion(void **state)
{
    struct claim claim;

    (void)state;
    for (uint64_t size = 1; size <= SIZES; size++) {
        for (uint64_t index = 0; index < size; index++) {
            make(&claim, true, index, size);
            expect_refused_if_changed(&claim, draw(COUNT_OF(changes)));
        }
    }
}

static void many_consistencies(void **state)
{
    struct claim claim;

    (void)state;
    for (uint64_t size = 1; size <= SIZES; size++) {
        for (uint64_t old_size = 1; old_size <= size; old_size += size <= 100 ? 1 : 1 + draw(20)) {
            make(&claim, false, old_size, size);
            for (size_t which = 0; which < COUNT_OF(changes); which++) {
                expect_refused_if_changed(&claim, which);
            }
        }
    }
}

/* Refusals ------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    bool inclusion;
    uint64_t at, size;
} impossible[] = {
    {"entry of an empty log", true, 0, 0},
    {"entry behind the end", true, 7, 7},
    {"entry far behind the end", true, UINT64_MAX, 7},
    {"tree too large", true, 1, TLOG_SIZE_MAX + 1},
    {"from the empty tree", false, 0, 7},
    {"from nothing to nothing", false, 0, 0},
    {"from a larger tree", false, 8, 7},
    {"to a tree too large", false, 1, UINT64_MAX},
};

static void impossible_proofs(void **state)
{
    struct tlog_proof proof;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(impossible); i++) {
        proof.count = 99;
        EXPECT((impossible[i].inclusion ? tlog_prove_inclusion : tlog_prove_consistency)(
                   &ctx, tree_read, tree, impossible[i].at, impossible[i].size,
                   &proof) == FM_E_INVALID_ARGUMENT,
               "%s", impossible[i].name);
        EXPECT(proof.count == 0, "%s", impossible[i].name);
    }
}

static void missing_hashes(void **state)
{
    struct tlog_proof proof;

    (void)state;
    tree->known[1][2] = false; /* entries 4 and 5 */
    assert_int_equal(tlog_prove_inclusion(&ctx, tree_read, tree, 6, 7, &proof), FM_E_INTERNAL);
    assert_string_equal(ctx.detail, "the log lacks hash 2 of level 1");
    assert_int_equal(tlog_prove_consistency(&ctx, tree_read, tree, 4, 7, &proof), FM_E_INTERNAL);
    assert_int_equal(tlog_prove_inclusion(&ctx, tree_read, tree, 4, 6, &proof), FM_OK);
}

/* A log whose entries are all alike: a subtree's hash depends on its level alone. */
static bool uniform_read(void *with, unsigned level, uint64_t index, struct hash *out)
{
    EXPECT(level < TLOG_LEVELS && index < UINT64_C(1) << (TLOG_LEVELS - level), "level %u", level);
    *out = ((const struct hash *)with)[level];
    return true;
}

static void largest_trees(void **state)
{
    static const uint64_t sizes[] = {TLOG_SIZE_MAX, TLOG_SIZE_MAX - 1, (UINT64_C(1) << 62) + 1,
                                     UINT64_C(1) << 62, (UINT64_C(1) << 40) + 12345};
    struct hash levels[TLOG_LEVELS] = {tree_leaf(0)}, root, old_root;
    struct tlog_proof proof;

    (void)state;
    for (unsigned level = 1; level < TLOG_LEVELS; level++) {
        levels[level] = tlog_node_hash(levels[level - 1], levels[level - 1]);
    }
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        uint64_t ats[] = {0, 1, sizes[i] / 3, sizes[i] / 2, sizes[i] - 2, sizes[i] - 1};
        assert_int_equal(tlog_root_at(&ctx, uniform_read, levels, sizes[i], &root), FM_OK);
        for (size_t k = 0; k < COUNT_OF(ats); k++) {
            uint64_t old_size = ats[k] + 1;
            assert_int_equal(
                tlog_prove_inclusion(&ctx, uniform_read, levels, ats[k], sizes[i], &proof), FM_OK);
            EXPECT(
                tlog_verify_inclusion(proof.hashes, proof.count, ats[k], sizes[i], levels[0], root),
                "entry %zu of tree %zu", k, i);
            assert_int_equal(tlog_root_at(&ctx, uniform_read, levels, old_size, &old_root), FM_OK);
            assert_int_equal(
                tlog_prove_consistency(&ctx, uniform_read, levels, old_size, sizes[i], &proof),
                FM_OK);
            EXPECT(tlog_verify_consistency(proof.hashes, proof.count, old_size, sizes[i], old_root,
                                           root),
                   "old size %zu of tree %zu", k, i);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(proofs_as_defined, log_up, log_down),
        cmocka_unit_test_setup_teardown(every_inclusion, log_up, log_down),
        cmocka_unit_test_setup_teardown(many_consistencies, log_up, log_down),
        cmocka_unit_test_setup_teardown(impossible_proofs, log_up, log_down),
        cmocka_unit_test_setup_teardown(missing_hashes, log_up, log_down),
        cmocka_unit_test_setup_teardown(largest_trees, log_up, log_down),
    };

    crypto_init();
    return CHECK_RUN(tests);
}
