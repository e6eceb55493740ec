/* SPDX-License-Identifier: Apache-2.0
 *
 * Log checkpoints: the example of C2SP tlog-checkpoint, and one spelling for each.
 */
#include "tree.h"

#define ORIGIN "example.com/behind-the-sofa"
#define ROOT "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="

static const struct {
    const char *name;
    struct str text;
    bool taken;
} rows[] = {
    {"the example", STR(ORIGIN "\n20852163\n" ROOT "\n"), true},
    {"empty log", STR(ORIGIN "\n0\n" ROOT "\n"), true},
    {"largest log", STR(ORIGIN "\n9223372036854775807\n" ROOT "\n"), true},
    {"an extension line", STR(ORIGIN "\n7\n" ROOT "\nmore\n"), true},
    {"two extension lines", STR(ORIGIN "\n7\n" ROOT "\nmore\nand more\n"), true},
    {"any origin of one line", STR("a b+c\n7\n" ROOT "\n"), true},
    {"nothing", STR(""), false},
    {"empty origin", STR("\n7\n" ROOT "\n"), false},
    {"no origin", STR("7\n" ROOT "\n"), false},
    {"origin alone", STR(ORIGIN "\n"), false},
    {"no root", STR(ORIGIN "\n7\n"), false},
    {"no line feed at the end", STR(ORIGIN "\n7\n" ROOT), false},
    {"no line feed behind an extension line", STR(ORIGIN "\n7\n" ROOT "\nmore"), false},
    {"empty extension line", STR(ORIGIN "\n7\n" ROOT "\n\n"), false},
    {"empty line between extension lines", STR(ORIGIN "\n7\n" ROOT "\na\n\nb\n"), false},
    {"empty size", STR(ORIGIN "\n\n" ROOT "\n"), false},
    {"leading zero", STR(ORIGIN "\n07\n" ROOT "\n"), false},
    {"two zeros", STR(ORIGIN "\n00\n" ROOT "\n"), false},
    {"sign", STR(ORIGIN "\n+7\n" ROOT "\n"), false},
    {"negative", STR(ORIGIN "\n-7\n" ROOT "\n"), false},
    {"hexadecimal", STR(ORIGIN "\n0x7\n" ROOT "\n"), false},
    {"space before the size", STR(ORIGIN "\n 7\n" ROOT "\n"), false},
    {"space behind the size", STR(ORIGIN "\n7 \n" ROOT "\n"), false},
    {"carriage return", STR(ORIGIN "\n7\r\n" ROOT "\n"), false},
    {"one entry too many", STR(ORIGIN "\n9223372036854775808\n" ROOT "\n"), false},
    {"past 64 bits", STR(ORIGIN "\n18446744073709551616\n" ROOT "\n"), false},
    {"root of 31 bytes", STR(ORIGIN "\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw==\n"), false},
    {"root of 33 bytes", STR(ORIGIN "\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2IA\n"), false},
    {"root without padding", STR(ORIGIN "\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n"),
     false},
    {"root with left-over bits", STR(ORIGIN "\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n"),
     false},
    {"root in base64url", STR(ORIGIN "\n7\nCsUYapGGPo4dkMgIAUqom_Xajj7h2fB2MPA3j2jxq2I=\n"), false},
    {"space behind the root", STR(ORIGIN "\n7\n" ROOT " \n"), false},
};

static void one_spelling(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tlog_checkpoint read = {.size = 4711};
        EXPECT(tlog_checkpoint_parse(rows[i].text, &read) == rows[i].taken, "%s", rows[i].name);
        EXPECT(rows[i].taken || (read.size == 4711 && !read.origin.p), "%s: untouched",
               rows[i].name);
    }
    struct tlog_checkpoint read;
    assert_false(tlog_checkpoint_parse(STR_NONE, &read));
}

static void the_example(void **state)
{
    AUTO(buf_done) struct buf text = BUF_INIT(KIB);
    struct tlog_checkpoint read;
    struct hash root;

    (void)state;
    assert_true(base64_decode_n(S(ROOT), root.bytes, SHA256_SIZE));
    assert_true(tlog_checkpoint_parse(rows[0].text, &read));
    EXPECT_STR("origin", read.origin, S(ORIGIN));
    assert_int_equal(read.size, 20852163);
    assert_true(hash_eq(read.root, root));
    tlog_checkpoint_text(&text, &read);
    EXPECT_STR("written again", buf_str(&text), rows[0].text);
}

/* From the tree to the signed note and back, as the server and a verifier do it. */
static void signed_checkpoint(void **state)
{
    static const uint8_t seed[ED25519_SEED] = {5};
    AUTO(buf_done) struct buf text = BUF_INIT(KIB), signed_note = BUF_INIT(KIB);
    struct tlog_frontier frontier = {.size = 0};
    struct tlog_checkpoint made, read;
    struct note_verifier verifier;
    struct sign_key key;
    struct note note;

    (void)state;
    sign_key_from_seed(seed, &key);
    assert_true(note_verifier_of(S(ORIGIN), &key, &verifier));
    for (uint64_t size = 0; size < 5; size++) {
        buf_reset(&text);
        buf_reset(&signed_note);
        made = (struct tlog_checkpoint){S(ORIGIN), size, tlog_root(&frontier)};
        tlog_checkpoint_text(&text, &made);
        assert_true(note_sign(&signed_note, buf_str(&text), &verifier, &key));
        assert_int_equal(note_open(&ctx, buf_str(&signed_note), &verifier, 1, &note), FM_OK);
        assert_true(tlog_checkpoint_parse(note.text, &read));
        assert_int_equal(read.size, size);
        assert_true(hash_eq(read.root, rfc_root(0, size)));
        tlog_append(&frontier, tree_leaf(size), NULL, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_spelling),
        cmocka_unit_test(the_example),
        cmocka_unit_test_setup_teardown(signed_checkpoint, ctx_up, ctx_down),
    };

    crypto_init();
    return CHECK_RUN(tests);
}
