/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: proofs, bundles and tile paths as strangers may send them. Besides not crashing: what is
 * read has one spelling, and nothing fits that the log of the corpus has not signed.
 */
#include "base/panic.h"
#include "keep/keep.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ORIGIN S("fermata.local/log/9ea21e18") /* of the log whose files are the corpus */

static struct arena *arena;
static struct note_verifier verifier;

/* The key of the log in the seed corpus. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const uint8_t seed[ED25519_SEED] = {1};
    struct sign_key key;

    (void)argc, (void)argv;
    crypto_init();
    arena = arena_new(256 * MIB);
    ASSERT(arena);
    sign_key_from_seed(seed, &key);
    ASSERT(note_verifier_of(ORIGIN, &key, &verifier));
    return 0;
}

static void try_tile(struct str input)
{
    AUTO(buf_done) struct buf again = BUF_INIT(KIB);
    struct tlog_tile tile;

    if (tlog_tile_parse(input, &tile)) {
        tlog_tile_path(&again, &tile);
        ASSERT(str_eq(buf_str(&again), input));
        ASSERT(tlog_tile_width(tile.level, tile.index, TLOG_SIZE_MAX) <= TLOG_TILE_WIDTH);
    }
}

static void try_proof(struct ctx *ctx, struct str input)
{
    AUTO(buf_done) struct buf again = BUF_INIT(16 * MIB);
    struct tlog_proof_file file;

    if (tlog_proof_file_parse(ctx, input, &file) == FM_OK) {
        tlog_proof_file_write(&again, &file);
        ASSERT(str_eq(buf_str(&again), input));
    }
}

static void try_growth(struct ctx *ctx, struct str input)
{
    AUTO(buf_done) struct buf again = BUF_INIT(16 * MIB);
    struct tlog_growth_file file;

    if (tlog_growth_file_parse(ctx, input, &file) == FM_OK) {
        tlog_growth_file_write(&again, &file);
        ASSERT(str_eq(buf_str(&again), input));
    }
}

/* A leaf and its words, whatever the bytes are. */
static void try_leaf(struct ctx *ctx, struct str input)
{
    AUTO(buf_done) struct buf words = BUF_INIT(MIB);
    struct journal_leaf leaf;
    struct life life;

    if (journal_leaf_parse(ctx, 0, input, &leaf) == FM_OK) {
        evidence_words(&words, &leaf);
        life_replay(&leaf, 1, &life, NULL);
    }
}

/* What fits is signed by the log's key; what does not says why. */
static void try_file(struct ctx *ctx, struct str input)
{
    struct check_report *report = arena_zalloc(ctx->arena, 1, sizeof(*report));

    ASSERT(report);
    if (keep_check_file(ctx, input, &verifier, report) == FM_OK) {
        ASSERT(str_eq(report->checkpoint.origin, ORIGIN));
        ASSERT(report->findings.count > 0 || report->leaves > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const tries[])(struct ctx *ctx, struct str input) = {try_proof, try_growth, try_leaf,
                                                                       try_file};
    struct str input = {(const char *)data, size};

    if (size > MIB / 2) {
        return 0;
    }
    try_tile(input);
    for (size_t i = 0; i < COUNT_OF(tries); i++) {
        struct ctx ctx;

        arena_reset(arena);
        ctx_init(&ctx, arena);
        tries[i](&ctx, input);
    }
    return 0;
}
