/* SPDX-License-Identifier: Apache-2.0
 *
 * Proofs as files (C2SP tlog-proof): written, read, checked; and nothing that says more than it
 * proves.
 */
#include "tree.h"

#define SIZE 300 /* leaves of the log of these tests */

static struct tree tree;
static struct sign_key key;
static struct note_verifier verifier, stranger;

static int setup(void **state)
{
    static const uint8_t seeds[2][ED25519_SEED] = {{7}, {8}};
    struct sign_key other;

    crypto_init();
    if (ctx_up(state) != 0) {
        return -1;
    }
    memset(&tree, 0, sizeof(tree));
    while (tree.frontier.size < SIZE) {
        tree_append(&tree);
    }
    sign_key_from_seed(seeds[0], &key);
    sign_key_from_seed(seeds[1], &other);
    return note_verifier_of(S("log.example"), &key, &verifier) &&
                   note_verifier_of(S("log.example"), &other, &stranger)
               ? 0
               : -1;
}

/* A checkpoint of that origin over the whole tree, signed by the log's key. */
static struct str signed_checkpoint(struct str origin)
{
    AUTO(buf_done) struct buf text = BUF_INIT(KIB);
    AUTO(buf_done) struct buf note = BUF_INIT(4 * KIB);

    tlog_checkpoint_text(&text, &(struct tlog_checkpoint){origin, SIZE, tlog_root(&tree.frontier)});
    EXPECT(note_sign(&note, buf_str(&text), &verifier, &key), "signing");
    return arena_copy(ctx.arena, buf_str(&note));
}

static struct str file_for(uint64_t index, struct str extra, struct str origin)
{
    AUTO(buf_done) struct buf text = BUF_INIT(64 * KIB);
    struct tlog_proof_file file = {
        .extra = extra, .index = index, .checkpoint = signed_checkpoint(origin)};

    EXPECT(tlog_prove_inclusion(&ctx, tree_read, &tree, index, SIZE, &file.proof) == FM_OK, "%s",
           ctx.detail);
    tlog_proof_file_write(&text, &file);
    return arena_copy(ctx.arena, buf_str(&text));
}

static enum fm_err check(struct str text, uint64_t leaf, const struct note_verifier *by)
{
    struct tlog_proof_file file;
    struct tlog_checkpoint checkpoint;

    TRY(tlog_proof_file_parse(&ctx, text, &file));
    return tlog_proof_file_check(&ctx, &file, tree_leaf(leaf), by, &checkpoint);
}

static void test_round_trip(void **state)
{
    static const uint64_t indexes[] = {0, 1, 17, 255, 256, 298, 299};
    static const char *const extras[] = {NULL, "", "{\"entry\":\"x\"}"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(indexes); i++) {
        for (size_t k = 0; k < COUNT_OF(extras); k++) {
            struct str text = file_for(indexes[i], str_of(extras[k]), S("log.example"));
            AUTO(buf_done) struct buf again = BUF_INIT(64 * KIB);
            struct tlog_proof_file file;

            EXPECT(tlog_proof_file_parse(&ctx, text, &file) == FM_OK, "%s", ctx.detail);
            EXPECT(file.index == indexes[i], "index %zu", i);
            EXPECT_STR("extra", file.extra, str_of(extras[k]));
            tlog_proof_file_write(&again, &file);
            EXPECT_STR("written again", buf_str(&again), text);
            EXPECT(check(text, indexes[i], &verifier) == FM_OK, "%s", ctx.detail);
        }
    }
}

static void test_proves_nothing_else(void **state)
{
    struct str text = file_for(17, STR_NONE, S("log.example"));

    (void)state;
    EXPECT(check(text, 18, &verifier) == FM_E_INVALID_ARGUMENT, "another leaf");
    EXPECT(check(text, 17, &stranger) == FM_E_INVALID_ARGUMENT, "another key");
    EXPECT(check(file_for(17, STR_NONE, S("other.example")), 17, &verifier) ==
               FM_E_INVALID_ARGUMENT,
           "a checkpoint of another log, signed by this one's key");
}

/* Each byte of a proof counts: with any one of them another, it proves nothing. */
static void test_every_byte(void **state)
{
    struct str text = file_for(17, STR_NONE, S("log.example"));

    (void)state;
    for (size_t i = 0; i < text.n; i++) {
        char *bytes = (char *)arena_copy(ctx.arena, text).p;

        bytes[i] ^= 1;
        EXPECT(check((struct str){bytes, text.n}, 17, &verifier) != FM_OK, "byte %zu", i);
        ctx_clear(&ctx);
    }
    for (size_t n = 0; n < text.n; n++) {
        EXPECT(check((struct str){text.p, n}, 17, &verifier) != FM_OK, "the first %zu bytes", n);
    }
}

#define H "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
static const struct {
    const char *name, *text;
} malformed[] = {
    {"nothing", ""},
    {"another header", "c2sp.org/tlog-proof@v2\nindex 0\n\nx\n"},
    {"the header alone", "c2sp.org/tlog-proof@v1\n"},
    {"no index", "c2sp.org/tlog-proof@v1\n\nx\n"},
    {"an index with a leading zero", "c2sp.org/tlog-proof@v1\nindex 01\n\nx\n"},
    {"a negative index", "c2sp.org/tlog-proof@v1\nindex -1\n\nx\n"},
    {"an index that is too large", "c2sp.org/tlog-proof@v1\nindex 99999999999999999999\n\nx\n"},
    {"extra behind the index", "c2sp.org/tlog-proof@v1\nindex 0\nextra AA==\n\nx\n"},
    {"extra twice", "c2sp.org/tlog-proof@v1\nextra AA==\nextra AA==\nindex 0\n\nx\n"},
    {"extra that is no base64", "c2sp.org/tlog-proof@v1\nextra A\nindex 0\n\nx\n"},
    {"extra with bits left", "c2sp.org/tlog-proof@v1\nextra AB==\nindex 0\n\nx\n"},
    {"a short hash", "c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\nx\n"},
    {"no empty line", "c2sp.org/tlog-proof@v1\nindex 0\n" H "log\n1\n"},
    {"no checkpoint", "c2sp.org/tlog-proof@v1\nindex 0\n" H},
    {"CR LF", "c2sp.org/tlog-proof@v1\r\nindex 0\r\n\r\nx\r\n"},
};

static void test_malformed(void **state)
{
    AUTO(buf_done) struct buf many = BUF_INIT(64 * KIB);
    struct tlog_proof_file file;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(malformed); i++) {
        EXPECT(tlog_proof_file_parse(&ctx, str_of(malformed[i].text), &file) ==
                   FM_E_INVALID_ARGUMENT,
               "%s", malformed[i].name);
    }
    buf_lit(&many, "c2sp.org/tlog-proof@v1\nindex 0\n");
    for (int i = 0; i < TLOG_LEVELS + 1; i++) {
        buf_lit(&many, H);
    }
    buf_lit(&many, "\nx\n");
    EXPECT(tlog_proof_file_parse(&ctx, buf_str(&many), &file) == FM_E_INVALID_ARGUMENT,
           "64 hashes");
}

static struct tree small;

static void test_growth(void **state)
{
    AUTO(buf_done) struct buf text = BUF_INIT(64 * KIB), again = BUF_INIT(64 * KIB);
    struct tlog_growth_file file = {.checkpoint = signed_checkpoint(S("log.example"))}, read;
    struct tlog_checkpoint old = {.size = 100}, now;

    (void)state;
    memset(&small, 0, sizeof(small));
    while (small.frontier.size < old.size) {
        tree_append(&small);
    }
    old.root = tlog_root(&small.frontier);
    file.old_size = old.size;
    EXPECT(tlog_prove_consistency(&ctx, tree_read, &tree, old.size, SIZE, &file.proof) == FM_OK, "%s",
           ctx.detail);
    tlog_growth_file_write(&text, &file);
    EXPECT(tlog_growth_file_parse(&ctx, buf_str(&text), &read) == FM_OK, "%s", ctx.detail);
    tlog_growth_file_write(&again, &read);
    EXPECT_STR("written again", buf_str(&again), buf_str(&text));
    EXPECT(tlog_growth_file_check(&ctx, &read, &old, &verifier, &now) == FM_OK && now.size == SIZE, "%s",
           ctx.detail);
    EXPECT(tlog_growth_file_check(&ctx, &read, &old, &stranger, &now) != FM_OK, "another key");
    old.root.bytes[5] ^= 1;
    EXPECT(tlog_growth_file_check(&ctx, &read, &old, &verifier, &now) != FM_OK, "another history");
    old.root.bytes[5] ^= 1;
    old.size = 99;
    EXPECT(tlog_growth_file_check(&ctx, &read, &old, &verifier, &now) != FM_OK, "another size");
    EXPECT(tlog_growth_file_parse(&ctx, S("old 01\n\nx\n"), &read) != FM_OK, "a leading zero");
    EXPECT(tlog_growth_file_parse(&ctx, S("old 1\n"), &read) != FM_OK, "cut off");
}

static void test_too_large(void **state)
{
    struct tlog_proof_file file;
    struct str huge = {"c2sp.org/tlog-proof@v1\n", TLOG_PROOF_FILE_MAX + 1}; /* never read so far */

    (void)state;
    EXPECT(tlog_proof_file_parse(&ctx, huge, &file) == FM_E_TOO_LARGE, "%s", ctx.detail);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, ctx_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_round_trip), TEST(test_proves_nothing_else), TEST(test_every_byte),
        TEST(test_malformed),  TEST(test_too_large),           TEST(test_growth),
    };

    return CHECK_RUN(tests);
}
