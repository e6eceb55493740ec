/* SPDX-License-Identifier: Apache-2.0
 *
 * The log library against outside truth: the proof vectors and the reference tree of
 * transparency-dev/merkle, and the signed notes of Go's sumdb/note. The vectors lie in the folder
 * FERMATA_TESTDATA; without it the tests are skipped.
 */
#include "data.h"

#include "json/json.h"
#include "tlog/tlog.h"

#define VECTORS 98 /* rows of each file of proofs */
#define REFUSED 92 /* of them must be refused */

static struct ctx ctx;

static int ctx_up(void **state)
{
    (void)state;
    ctx_init(&ctx, arena_new(16 * MIB));
    return ctx.arena ? 0 : -1;
}

static int ctx_down(void **state)
{
    (void)state;
    arena_free(ctx.arena);
    return 0;
}

/* Reading vectors ------------------------------------------------------------------------------ */

/* A whole JSON document of the test data. Lives in the arena. */
static struct str document_read(const char *path)
{
    AUTO(buf_done) struct buf text = BUF_INIT(MIB);
    struct data data;
    struct str line, kept;

    DATA_OPEN(&data, path);
    while ((line = data_line(&data)).p) {
        buf_add(&text, line);
        buf_add_char(&text, '\n');
    }
    data_close(&data);
    kept = arena_copy(ctx.arena, buf_str(&text));
    assert_non_null(kept.p);
    return kept;
}

static const struct json *parse(struct str text)
{
    const struct json *value;

    EXPECT(json_parse(&ctx, text, &JSON_LIMITS_WIRE, &value) == FM_OK, "%.40s...: %s", text.p,
           ctx.detail);
    return value;
}

static struct str text_of(const struct json *object, const char *name)
{
    return json_text(json_get(object, str_of(name)));
}

/* Proofs --------------------------------------------------------------------------------------- */

/* The vectors hold 2^64 - 1 as a number, which is no I-JSON: it is read as a string. */
static struct str quote_largest(struct str line)
{
    static const char largest[] = "18446744073709551615";
    struct str copy = arena_copy(ctx.arena, line);
    const char *at = strstr(copy.p, largest);

    return at ? arena_printf(ctx.arena, "%.*s\"%s\"%s", (int)(at - copy.p), copy.p, largest,
                             at + strlen(largest))
              : copy;
}

static uint64_t number_of(const struct json *row, const char *name)
{
    const struct json *value = json_get(row, str_of(name));
    uint64_t number;

    assert_non_null(value);
    if (value->kind == JSON_STRING) {
        EXPECT_STR(name, value->as.text, S("18446744073709551615"));
        return UINT64_MAX;
    }
    assert_int_equal(value->kind, JSON_NUMBER);
    assert_true(str_to_u64(value->as.text, &number));
    return number;
}

/* A hash of a vector. False for an empty one: our verifiers cannot even be given it, so the row
 * counts as refused. Other lengths ("don't care") stand for some hash, the same for the same
 * text. */
static bool hash_of(const struct json *value, struct hash *out)
{
    struct str bytes;

    assert_true(base64_decode(ctx.arena, json_text(value), &bytes));
    if (!hash_from(bytes, out)) {
        *out = sha256(bytes);
    }
    return bytes.n > 0;
}

/* The row's proof, null and [] alike; false if one of its hashes is empty. */
static bool proof_of(const struct json *row, struct tlog_proof *out)
{
    const struct json *list = json_get(row, S("proof"));
    bool whole = true;

    assert_non_null(list);
    out->count = list->kind == JSON_ARRAY ? list->count : 0;
    assert_in_range(out->count, 0, TLOG_PROOF_MAX);
    for (size_t i = 0; i < out->count; i++) {
        whole = hash_of(&list->as.items[i], &out->hashes[i]) && whole;
    }
    return whole;
}

static bool inclusion_holds(const struct json *row)
{
    struct hash leaf, root;
    struct tlog_proof proof;

    return hash_of(json_get(row, S("leafHash")), &leaf) &&
           hash_of(json_get(row, S("root")), &root) && proof_of(row, &proof) &&
           tlog_verify_inclusion(proof.hashes, proof.count, number_of(row, "leafIdx"),
                                 number_of(row, "treeSize"), leaf, root);
}

static bool consistency_holds(const struct json *row)
{
    struct hash old_root, root;
    struct tlog_proof proof;

    return hash_of(json_get(row, S("root1")), &old_root) &&
           hash_of(json_get(row, S("root2")), &root) && proof_of(row, &proof) &&
           tlog_verify_consistency(proof.hashes, proof.count, number_of(row, "size1"),
                                   number_of(row, "size2"), old_root, root);
}

static void check_rows(const char *file, bool (*holds)(const struct json *row))
{
    struct data data;
    struct str line;
    unsigned rows = 0, refused = 0;

    DATA_OPEN(&data, file);
    while ((line = data_line(&data)).p) {
        const struct json *row = parse(quote_largest(line));
        const struct json *want_error = json_get(row, S("wantErr"));
        bool got = holds(row);

        assert_non_null(want_error);
        EXPECT(got == (want_error->kind == JSON_FALSE), "%s: %.*s", file,
               STR_ARG(text_of(row, "name")));
        rows++;
        refused += !got;
    }
    data_close(&data);
    assert_int_equal(rows, VECTORS);
    assert_int_equal(refused, REFUSED);
}

static void inclusion_vectors(void **state)
{
    (void)state;
    check_rows("merkle/inclusion.jsonl.gz", inclusion_holds);
}

static void consistency_vectors(void **state)
{
    (void)state;
    check_rows("merkle/consistency.jsonl.gz", consistency_holds);
}

/* The reference tree --------------------------------------------------------------------------- */

struct reference {
    const struct json *levels;
    unsigned seen;
};

static void expect_hex(const char *what, struct hash got, const struct json *want)
{
    AUTO(buf_done) struct buf hex = BUF_INIT(KIB);

    buf_add_hex(&hex, hash_str(&got));
    EXPECT_STR(what, buf_str(&hex), json_text(want));
}

static void expect_node(void *with, unsigned level, uint64_t index, struct hash hash)
{
    struct reference *reference = with;

    assert_in_range(level, 0, reference->levels->count - 1);
    assert_in_range(index, 0, reference->levels->as.items[level].count - 1);
    expect_hex("node", hash, &reference->levels->as.items[level].as.items[index]);
    reference->seen++;
}

static void reference_tree(void **state)
{
    const struct json *tree = parse(document_read("merkle/reference_tree.json"));
    const struct json *leaves = json_get(tree, S("leaf_inputs_hex"));
    const struct json *roots = json_get(tree, S("root_hashes_hex_by_size"));
    struct reference reference = {json_get(tree, S("node_hashes_hex")), 0};
    struct tlog_frontier frontier = {.size = 0};

    (void)state;
    assert_non_null(leaves);
    assert_non_null(roots);
    assert_int_equal(leaves->count + 1, roots->count);
    for (uint32_t i = 0; i < leaves->count; i++) {
        uint8_t bytes[16];
        struct str hex = json_text(&leaves->as.items[i]);

        expect_hex("root", tlog_root(&frontier), &roots->as.items[i]);
        assert_true(hex.n / 2 <= sizeof(bytes) && hex_decode(hex, bytes, hex.n / 2));
        tlog_append(&frontier, tlog_leaf_hash((struct str){(const char *)bytes, hex.n / 2}),
                    expect_node, &reference);
    }
    expect_hex("root", tlog_root(&frontier), &roots->as.items[leaves->count]);
    assert_int_equal(reference.seen, 8 + 4 + 2 + 1);
}

/* Signed notes --------------------------------------------------------------------------------- */

#define VERIFIERS_MAX 8

/* Reads the verifiers that a row names. */
static size_t verifiers_of(const struct json *keys, const struct json *row,
                           struct note_verifier out[VERIFIERS_MAX])
{
    const struct json *names = json_get(row, S("verifiers"));

    assert_non_null(names);
    assert_in_range(names->count, 0, VERIFIERS_MAX);
    for (uint32_t i = 0; i < names->count; i++) {
        struct str vkey = json_text(json_get(keys, json_text(&names->as.items[i])));
        EXPECT(note_verifier_parse(vkey, &out[i]), "%.*s", STR_ARG(vkey));
    }
    return names->count;
}

/* How upstream's errors begin, and what ours say. */
static const struct {
    const char *theirs, *ours;
} errors[] = {
    {"note has no verifiable signatures", "none of the known keys"},
    {"ambiguous key", "two verifiers are called"},
    {"malformed note", "more than 64 signatures"},
    {"invalid signature", "is wrong"},
};

static void expect_error(enum fm_err err, struct str theirs)
{
    bool known = false;

    assert_int_equal(err, FM_E_INVALID_ARGUMENT);
    for (size_t i = 0; i < COUNT_OF(errors); i++) {
        if (str_starts(theirs, str_of(errors[i].theirs))) {
            EXPECT(strstr(ctx.detail, errors[i].ours), "%.*s: %s", STR_ARG(theirs), ctx.detail);
            known = true;
        }
    }
    EXPECT(known, "an error of upstream that the table lacks: %.*s", STR_ARG(theirs));
}

static void expect_opened(const struct json *row, const struct note *note,
                          const struct note_verifier *verifiers, size_t count)
{
    const struct json *verified = json_get(row, S("verified"));
    unsigned named = 0;

    assert_int_equal(note->verified, verified->count);
    assert_int_equal(note->unverified, json_get(row, S("unverified"))->count);
    assert_true(str_starts(text_of(row, "msg"), note->text));
    for (size_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < verified->count; k++) {
            if (str_eq(json_text(&verified->as.items[k]), str_of(verifiers[i].name))) {
                EXPECT(note->verified_by[i], "%s", verifiers[i].name);
                named++;
            }
        }
    }
    assert_int_equal(named, verified->count);
}

static void notes_opened(void **state)
{
    const struct json *vectors = parse(document_read("signed_note/vectors.json"));
    const struct json *rows = json_get(vectors, S("open"));

    (void)state;
    assert_non_null(rows);
    assert_int_equal(rows->count, 6);
    for (uint32_t i = 0; i < rows->count; i++) {
        const struct json *row = &rows->as.items[i];
        struct note_verifier verifiers[VERIFIERS_MAX];
        size_t count = verifiers_of(json_get(vectors, S("keys")), row, verifiers);
        struct str error = text_of(row, "error");
        struct note note;
        enum fm_err err = note_open(&ctx, text_of(row, "msg"), verifiers, count, &note);

        if (error.p) {
            expect_error(err, error);
        } else {
            EXPECT(err == FM_OK, "row %u: %s", i, ctx.detail);
            expect_opened(row, &note, verifiers, count);
        }
    }
}

static void notes_malformed(void **state)
{
    const struct json *vectors = parse(document_read("signed_note/vectors.json"));
    const struct json *rows = json_get(vectors, S("malformed_b64"));
    struct note_verifier verifier;

    (void)state;
    assert_non_null(rows);
    assert_int_equal(rows->count, 7);
    assert_true(
        note_verifier_parse(text_of(json_get(vectors, S("keys")), "peter_verifier"), &verifier));
    for (uint32_t i = 0; i < rows->count; i++) {
        struct str note_text;
        struct note note;

        assert_true(base64_decode(ctx.arena, json_text(&rows->as.items[i]), &note_text));
        EXPECT(note_open(&ctx, note_text, &verifier, 1, &note) == FM_E_INVALID_ARGUMENT, "row %u",
               i);
        /* refused for its form, not for its signatures */
        EXPECT(strstr(ctx.detail, "not a note") || strstr(ctx.detail, "malformed"), "row %u: %s", i,
               ctx.detail);
    }
}

static void bad_verifier_keys(void **state)
{
    const struct json *vectors = parse(document_read("signed_note/vectors.json"));
    const struct json *rows = json_get(vectors, S("bad_verifier_keys"));
    struct note_verifier verifier;

    (void)state;
    assert_non_null(rows);
    assert_int_equal(rows->count, 2);
    for (uint32_t i = 0; i < rows->count; i++) {
        EXPECT(!note_verifier_parse(json_text(&rows->as.items[i]), &verifier), "row %u", i);
    }
}

/* The key of `PRIVATE+KEY+NAME+ID+BASE64(1 seed)`: sumdb/note's form, which the product never
 * reads. */
static void signer_parse(struct str text, struct sign_key *key, struct note_verifier *verifier)
{
    uint8_t typed[1 + ED25519_SEED];
    struct str rest = text, name;

    EXPECT_STR("PRIVATE", str_split(&rest, '+'), S("PRIVATE"));
    EXPECT_STR("KEY", str_split(&rest, '+'), S("KEY"));
    name = str_split(&rest, '+');
    (void)str_split(&rest, '+');
    assert_true(base64_decode_n(rest, typed, sizeof(typed)));
    sign_key_from_seed(typed + 1, key);
    assert_true(note_verifier_of(name, key, verifier));
}

static void note_signed(void **state)
{
    const struct json *vectors = parse(document_read("signed_note/vectors.json"));
    const struct json *keys = json_get(vectors, S("keys")), *sign = json_get(vectors, S("sign"));
    AUTO(buf_done) struct buf note = BUF_INIT(4 * KIB), vkey = BUF_INIT(KIB);
    struct note_verifier verifier;
    struct sign_key key;

    (void)state;
    signer_parse(text_of(keys, "peter_signer"), &key, &verifier);
    note_verifier_write(&vkey, &verifier);
    EXPECT_STR("verifier key", buf_str(&vkey), text_of(keys, "peter_verifier"));
    assert_true(note_sign(&note, text_of(sign, "text"), &verifier, &key));
    EXPECT_STR("note", buf_str(&note), text_of(sign, "want"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(inclusion_vectors, ctx_up, ctx_down),
        cmocka_unit_test_setup_teardown(consistency_vectors, ctx_up, ctx_down),
        cmocka_unit_test_setup_teardown(reference_tree, ctx_up, ctx_down),
        cmocka_unit_test_setup_teardown(notes_opened, ctx_up, ctx_down),
        cmocka_unit_test_setup_teardown(notes_malformed, ctx_up, ctx_down),
        cmocka_unit_test_setup_teardown(bad_verifier_keys, ctx_up, ctx_down),
        cmocka_unit_test_setup_teardown(note_signed, ctx_up, ctx_down),
    };

    crypto_init();
    return CHECK_RUN(tests);
}
