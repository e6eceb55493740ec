/* SPDX-License-Identifier: Apache-2.0
 *
 * Signed notes: the grammar of notes, names and verifier keys, and who must have signed.
 */
#include "tree.h"

#define DASH "\xE2\x80\x94 "
#define TEXT "fermata.example/log\n7\n"

/* Three keys; `log` and `witness` are known to the reader, `stranger` is not. */
static struct sign_key log_key, witness_key, stranger_key;
static struct note_verifier known[2], stranger;
static struct buf log_line, witness_line, stranger_line; /* signatures of TEXT, with LF */

static void sign_line(struct buf *line, const struct note_verifier *as, const struct sign_key *key)
{
    AUTO(buf_done) struct buf note = BUF_INIT(4 * KIB);

    *line = (struct buf)BUF_INIT(KIB);
    assert_true(note_sign(&note, S(TEXT), as, key));
    buf_add(line, str_skip(buf_str(&note), strlen(TEXT "\n")));
}

static int up(void **state)
{
    static const uint8_t seeds[3][ED25519_SEED] = {{1}, {2}, {3}};

    sign_key_from_seed(seeds[0], &log_key);
    sign_key_from_seed(seeds[1], &witness_key);
    sign_key_from_seed(seeds[2], &stranger_key);
    assert_true(note_verifier_of(S("fermata.example/log"), &log_key, &known[0]));
    assert_true(note_verifier_of(S("witness.example"), &witness_key, &known[1]));
    assert_true(note_verifier_of(S("stranger.example"), &stranger_key, &stranger));
    sign_line(&log_line, &known[0], &log_key);
    sign_line(&witness_line, &known[1], &witness_key);
    sign_line(&stranger_line, &stranger, &stranger_key);
    return ctx_up(state);
}

static int down(void **state)
{
    buf_done(&log_line);
    buf_done(&witness_line);
    buf_done(&stranger_line);
    return ctx_down(state);
}

static enum fm_err open_note(const struct buf *note, struct note *out)
{
    ctx_clear(&ctx);
    return note_open(&ctx, buf_str(note), known, COUNT_OF(known), out);
}

/* Names ---------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    struct str text;
    bool taken;
} names[] = {
    {"a URL without scheme", STR("fermata.example/log"), true},
    {"one letter", STR("a"), true},
    {"beyond ASCII", STR("\xc3\xa9t\xc3\xa9"), true},
    {"DEL is none of the control characters meant", STR("a\x7f"), true},
    {"zero width space is no white space", STR("a\xe2\x80\x8b"), true},
    {"nothing", STR(""), false},
    {"space", STR("a b"), false},
    {"space at the end", STR("a "), false},
    {"plus", STR("a+b"), false},
    {"line feed", STR("a\nb"), false},
    {"tab", STR("a\tb"), false},
    {"NUL", STR("a\0b"), false},
    {"not UTF-8", STR("a\xff"), false},
    {"cut UTF-8", STR("a\xe2\x80"), false},
    {"U+0085 next line", STR("a\xc2\x85"), false},
    {"U+00A0 no-break space", STR("a\xc2\xa0z"), false},
    {"U+1680 ogham space", STR("\xe1\x9a\x80"), false},
    {"U+2000 en quad", STR("a\xe2\x80\x80"), false},
    {"U+200A hair space", STR("a\xe2\x80\x8a"), false},
    {"U+2028 line separator", STR("a\xe2\x80\xa8"), false},
    {"U+2029 paragraph separator", STR("a\xe2\x80\xa9"), false},
    {"U+202F narrow no-break space", STR("a\xe2\x80\xaf"), false},
    {"U+205F mathematical space", STR("a\xe2\x81\x9f"), false},
    {"U+3000 ideographic space", STR("a\xe3\x80\x80"), false},
};

static void key_names(void **state)
{
    struct note_verifier verifier;
    char name[NOTE_NAME_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        EXPECT(note_verifier_of(names[i].text, &log_key, &verifier) == names[i].taken, "%s",
               names[i].name);
    }
    memset(name, 'x', sizeof(name));
    assert_true(note_verifier_of((struct str){name, NOTE_NAME_MAX - 1}, &log_key, &verifier));
    assert_int_equal(strlen(verifier.name), NOTE_NAME_MAX - 1);
    assert_false(note_verifier_of((struct str){name, NOTE_NAME_MAX}, &log_key, &verifier));
}

/* Verifier keys -------------------------------------------------------------------------------- */

/* Written and read, for so many keys that ids begin with a zero too. */
static void vkey_round_trip(void **state)
{
    unsigned short_ids = 0;

    (void)state;
    for (unsigned n = 0; n < 100; n++) {
        AUTO(buf_done) struct buf vkey = BUF_INIT(KIB);
        uint8_t key_seed[ED25519_SEED] = {(uint8_t)n};
        struct note_verifier made, read;
        struct sign_key key;

        sign_key_from_seed(key_seed, &key);
        assert_true(note_verifier_of(S("name"), &key, &made));
        note_verifier_write(&vkey, &made);
        EXPECT(note_verifier_parse(buf_str(&vkey), &read), "key %u", n);
        assert_memory_equal(&read, &made, sizeof(read));
        short_ids += made.id < 0x10000000;
    }
    assert_int_not_equal(short_ids, 0);
}

/* The id as C2SP signed-note defines it, computed here from parts. */
static void key_id(void **state)
{
    struct hash hash = sha256_3(S("witness.example\n"), S("\1"),
                                (struct str){(const char *)witness_key.public_key, ED25519_PUBLIC});

    (void)state;
    assert_int_equal(known[1].id, (uint32_t)hash.bytes[0] << 24 | (uint32_t)hash.bytes[1] << 16 |
                                      (uint32_t)hash.bytes[2] << 8 | hash.bytes[3]);
    assert_int_not_equal(known[0].id, known[1].id);
}

/* Each makes another text of the good key: parts N (name), I (id), K (key). */
static const struct {
    const char *name, *form;
} vkeys[] = {
    {"name and id alone", "N+I"},     {"no key", "N+I+"},
    {"no id", "N++K"},                {"no name", "+I+K"},
    {"space before", " N+I+K"},       {"line feed behind", "N+I+K\n"},
    {"id too short", "N+0I+K"},       {"another name", "Nx+I+K"},
    {"another id", "N+00000000+K"},   {"key twice", "N+I+KK"},
    {"a part more", "N+I+K+K"},       {"nothing", ""},
    {"pluses alone", "++"},           {"id cut", "N+1234567+K"},
    {"space in the name", "N N+I+K"},
};

static void expand(struct buf *out, const char *form, const char *letters, const struct str *parts)
{
    buf_reset(out);
    for (; *form; form++) {
        const char *letter = strchr(letters, *form);
        if (letter) {
            buf_add(out, parts[letter - letters]);
        } else {
            buf_add_char(out, *form);
        }
    }
}

static void vkeys_refused(void **state)
{
    AUTO(buf_done) struct buf vkey = BUF_INIT(KIB), form = BUF_INIT(4 * KIB);
    struct note_verifier read = {.id = 99};
    struct str parts[3];

    (void)state;
    note_verifier_write(&vkey, &known[0]);
    struct str rest = buf_str(&vkey);
    parts[0] = str_split(&rest, '+');
    parts[1] = str_split(&rest, '+');
    parts[2] = rest;
    expand(&form, "N+I+K", "NIK", parts);
    assert_true(note_verifier_parse(buf_str(&form), &read));
    for (size_t i = 0; i < COUNT_OF(vkeys); i++) {
        expand(&form, vkeys[i].form, "NIK", parts);
        EXPECT(!note_verifier_parse(buf_str(&form), &read), "%s", vkeys[i].name);
    }
    assert_false(note_verifier_parse(STR_NONE, &read));
    assert_int_equal(read.id, known[0].id); /* untouched by the refused ones */
}

/* A key whose type byte or length is another, with the id that is right for it. */
static void vkey_of_another_kind(void **state)
{
    static const struct {
        const char *name;
        uint8_t type;
        size_t n;
        bool taken;
    } rows[] = {
        {"Ed25519", 1, 33, true},          {"cosignature", 4, 33, false},
        {"type 0", 0, 33, false},          {"type 0xff", 0xff, 33, false},
        {"a byte too few", 1, 32, false},  {"a byte too many", 1, 34, false},
        {"type alone", 1, 1, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(buf_done) struct buf vkey = BUF_INIT(KIB);
        struct note_verifier read;
        uint8_t typed[34] = {rows[i].type};

        for (size_t k = 0; k < ED25519_PUBLIC; k++) {
            typed[1 + k] = log_key.public_key[k];
        }
        struct str bytes = {(const char *)typed, rows[i].n};
        struct hash hash = sha256_2(S("name\n"), bytes);
        buf_lit(&vkey, "name+");
        buf_add_hex(&vkey, (struct str){(const char *)hash.bytes, 4});
        buf_add_char(&vkey, '+');
        buf_add_base64(&vkey, bytes);
        EXPECT(note_verifier_parse(buf_str(&vkey), &read) == rows[i].taken, "%s", rows[i].name);
    }
}

static void vkey_in_upper_case(void **state)
{
    AUTO(buf_done) struct buf vkey = BUF_INIT(KIB);
    struct note_verifier read;
    size_t at = strlen("stranger.example+");

    (void)state;
    note_verifier_write(&vkey, &stranger);
    assert_true(note_verifier_parse(buf_str(&vkey), &read));
    for (size_t i = at; i < at + 8; i++) {
        if (vkey.p[i] >= 'a') {
            vkey.p[i] = (char)(vkey.p[i] - 'a' + 'A');
            assert_false(note_verifier_parse(buf_str(&vkey), &read));
            return;
        }
    }
    EXPECT(false, "the id has no letter: choose another name");
}

/* Signing -------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    struct str text;
    bool taken;
} texts[] = {
    {"one line", STR("a\n"), true},
    {"an empty line alone", STR("\n"), true},
    {"empty lines inside and at the end", STR("a\n\nb\n\n"), true},
    {"what looks like a signature", STR("a\n\n" DASH "b AAAAAAAA\n"), true},
    {"beyond ASCII", STR("\xe2\x82\xac\n"), true},
    {"nothing", STR(""), false},
    {"no line feed at the end", STR("a"), false},
    {"carriage return", STR("a\r\n"), false},
    {"tab", STR("a\tb\n"), false},
    {"NUL", STR("a\0\n"), false},
    {"escape", STR("\x1b[0m\n"), false},
    {"not UTF-8", STR("\xff\n"), false},
    {"surrogate", STR("\xed\xa0\x80\n"), false},
};

static void texts_signed_and_opened(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        AUTO(buf_done) struct buf note = BUF_INIT(KIB);
        struct note opened;

        EXPECT(note_sign(&note, texts[i].text, &known[0], &log_key) == texts[i].taken, "%s",
               texts[i].name);
        if (!texts[i].taken) {
            EXPECT(note.n == 0, "%s", texts[i].name);
            continue;
        }
        EXPECT(open_note(&note, &opened) == FM_OK, "%s: %s", texts[i].name, ctx.detail);
        EXPECT_STR(texts[i].name, opened.text, texts[i].text);
    }
}

static void signing_refused(void **state)
{
    AUTO(buf_done) struct buf note = BUF_INIT(KIB), small = BUF_INIT(60), large = BUF_INIT(MIB);
    struct note opened;

    (void)state;
    assert_false(
        note_sign(&note, S(TEXT), &known[0], &witness_key)); /* the name is of another key */
    assert_int_equal(note.n, 0);
    assert_false(note_sign(&small, S(TEXT), &known[0], &log_key));
    while (large.n < NOTE_TEXT_MAX) {
        buf_add_char(&large, '\n');
    }
    struct str longest = {large.p, NOTE_TEXT_MAX};
    AUTO(buf_done) struct buf signed_longest = BUF_INIT(MIB);
    assert_true(note_sign(&signed_longest, longest, &known[0], &log_key));
    assert_int_equal(open_note(&signed_longest, &opened), FM_OK);
    buf_add_char(&large, '\n');
    assert_false(note_sign(&note, buf_str(&large), &known[0], &log_key));
}

/* Opening -------------------------------------------------------------------------------------- */

/* Each form is a note of these parts: T the text, L, W, S the good signature lines of log, witness
 * and stranger; l, w: the same with a wrong signature; o: an unknown key with another algorithm,
 * o's line is 2,000 bytes long; n: a line that has log's name with an unknown id; e: an empty
 * line. */
static const struct {
    const char *name, *form;
    int verified; /* -1: refused */
    int unverified;
    bool by_log, by_witness;
} notes[] = {
    {"log", "TeL", 1, 0, true, false},
    {"witness", "TeW", 1, 0, false, true},
    {"both", "TeLW", 2, 0, true, true},
    {"both, turned", "TeWL", 2, 0, true, true},
    {"log and a stranger", "TeLS", 1, 1, true, false},
    {"a stranger first", "TeSL", 1, 1, true, false},
    {"log and another algorithm", "TeoL", 1, 1, true, false},
    {"log's name with an unknown id", "TenL", 1, 1, true, false},
    {"log twice counts once", "TeLL", 1, 0, true, false},
    {"a stranger twice counts once", "TeSLS", 1, 1, true, false},
    {"nobody that is known", "TeS", -1, 0, false, false},
    {"log's name alone", "Ten", -1, 0, false, false},
    {"log wrong", "Tel", -1, 0, false, false},
    {"log wrong, witness right", "TelW", -1, 0, false, false},
    {"log right, witness wrong", "TeLw", -1, 0, false, false},
    {"log right, then log wrong", "TeLl", -1, 0, false, false},
    {"log wrong, then log right", "TelL", -1, 0, false, false},
    {"another text", "TTeL", -1, 0, false, false},
    {"text with an empty line more", "TeeL", -1, 0, false, false},
    {"no signature", "Te", -1, 0, false, false},
    {"no empty line", "TL", -1, 0, false, false},
    {"text alone", "T", -1, 0, false, false},
    {"no text", "eL", -1, 0, false, false},
    {"no text, no empty line", "L", -1, 0, false, false},
    {"empty line between signatures", "TeLeW", -1, 0, false, false},
    {"empty line at the end", "TeLe", -1, 0, false, false},
    {"text behind", "TeLT", -1, 0, false, false},
    {"text between", "TeTL", -1, 0, false, false},
    {"nothing", "", -1, 0, false, false},
};

static void wrong_line(struct buf *out, const struct note_verifier *as, const struct sign_key *key)
{
    AUTO(buf_done) struct buf note = BUF_INIT(KIB);

    assert_true(note_sign(&note, S("another text\n"), as, key));
    buf_add(out, str_skip(buf_str(&note), strlen("another text\n\n")));
}

static void unknown_line(struct buf *out, const char *name, size_t bytes)
{
    AUTO(buf_done) struct buf blob = BUF_INIT(8 * KIB);

    for (size_t i = 0; i < bytes; i++) {
        buf_add_char(&blob, (char)i);
    }
    buf_printf(out, DASH "%s ", name);
    buf_add_base64(out, buf_str(&blob));
    buf_add_char(out, '\n');
}

static void who_signed(void **state)
{
    AUTO(buf_done) struct buf note = BUF_INIT(64 * KIB), bad_log = BUF_INIT(KIB),
                              bad_witness = BUF_INIT(KIB), other = BUF_INIT(8 * KIB),
                              unknown_id = BUF_INIT(KIB);

    (void)state;
    wrong_line(&bad_log, &known[0], &log_key);
    wrong_line(&bad_witness, &known[1], &witness_key);
    unknown_line(&other, "other.example", 1500);
    unknown_line(&unknown_id, known[0].name, 68);
    struct str parts[] = {S(TEXT),
                          buf_str(&log_line),
                          buf_str(&witness_line),
                          buf_str(&stranger_line),
                          buf_str(&bad_log),
                          buf_str(&bad_witness),
                          buf_str(&other),
                          buf_str(&unknown_id),
                          S("\n")};
    for (size_t i = 0; i < COUNT_OF(notes); i++) {
        struct note opened;

        expand(&note, notes[i].form, "TLWSlwone", parts);
        enum fm_err err = open_note(&note, &opened);
        if (notes[i].verified < 0) {
            EXPECT(err == FM_E_INVALID_ARGUMENT && ctx.detail[0], "%s", notes[i].name);
            EXPECT(!opened.text.p && !opened.verified && !opened.verified_by[0], "%s",
                   notes[i].name);
            continue;
        }
        EXPECT(err == FM_OK, "%s: %s", notes[i].name, ctx.detail);
        EXPECT_STR(notes[i].name, opened.text, S(TEXT));
        EXPECT(opened.text.p == note.p, "%s: borrows", notes[i].name);
        EXPECT((int)opened.verified == notes[i].verified, "%s", notes[i].name);
        EXPECT((int)opened.unverified == notes[i].unverified, "%s", notes[i].name);
        EXPECT(opened.verified_by[0] == notes[i].by_log, "%s", notes[i].name);
        EXPECT(opened.verified_by[1] == notes[i].by_witness, "%s", notes[i].name);
    }
}

/* A signature line beside log's good one; each of these makes the whole no note. */
static const struct {
    const char *name;
    struct str line;
} lines[] = {
    {"hyphen for the dash", STR("- a AAAAAAAA\n")},
    {"no space behind the dash", STR("\xE2\x80\x94" "a AAAAAAAA\n")},
    {"two spaces behind the dash", STR(DASH " a AAAAAAAA\n")},
    {"no signature", STR(DASH "a\n")},
    {"space for a signature", STR(DASH "a \n")},
    {"id alone", STR(DASH "a AAAAAA==\n")},
    {"less than an id", STR(DASH "a AAAA\n")},
    {"not base64", STR(DASH "a AAAA!AAA\n")},
    {"padding missing", STR(DASH "a AAAAAAA\n")},
    {"base64url", STR(DASH "a AAAA_AAA\n")},
    {"a fourth field", STR(DASH "a AAAAAAAA b\n")},
    {"space at the end", STR(DASH "a AAAAAAAA \n")},
    {"two words in the name", STR(DASH "a b AAAAAAAA\n")},
    {"plus in the name", STR(DASH "a+b AAAAAAAA\n")},
    {"no-break space in the name", STR(DASH "a\xc2\xa0" "b AAAAAAAA\n")},
    {"no name", STR(DASH "AAAAAAAA\n")},
    {"empty name", STR(DASH " AAAAAAAA\n")},
    {"carriage return", STR(DASH "a AAAAAAAA\r\n")},
    {"NUL", STR(DASH "a AAAAAAAA\0\n")},
    {"no line feed", STR(DASH "a AAAAAAAA")},
    {"not UTF-8", STR(DASH "\xff AAAAAAAA\n")},
};

static void malformed_lines(void **state)
{
    AUTO(buf_done) struct buf note = BUF_INIT(4 * KIB);
    struct note opened;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        buf_reset(&note);
        buf_lit(&note, TEXT "\n");
        buf_add(&note, buf_str(&log_line));
        buf_add(&note, lines[i].line);
        EXPECT(open_note(&note, &opened) == FM_E_INVALID_ARGUMENT, "%s", lines[i].name);
    }
    buf_reset(&note);
    buf_lit(&note, TEXT "\n");
    buf_add(&note, buf_str(&log_line));
    buf_lit(&note, DASH "a AAAAAAA=\n"); /* five bytes: an id and one more */
    EXPECT(open_note(&note, &opened) == FM_OK, "%s", ctx.detail);
}

/* Limits --------------------------------------------------------------------------------------- */

static void number_of_signatures(void **state)
{
    static const struct {
        unsigned strangers;
        bool taken;
    } rows[] = {{16, true}, {NOTE_SIGNATURES_MAX - 1, true}, {NOTE_SIGNATURES_MAX, false}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(buf_done) struct buf note = BUF_INIT(64 * KIB);
        struct note opened;

        buf_lit(&note, TEXT "\n");
        for (unsigned n = 0; n < rows[i].strangers; n++) {
            buf_printf(&note, DASH "s%u AAAAAAAA\n", n);
        }
        buf_add(&note, buf_str(&log_line));
        EXPECT((open_note(&note, &opened) == FM_OK) == rows[i].taken, "%u strangers",
               rows[i].strangers);
        EXPECT(opened.unverified == (rows[i].taken ? rows[i].strangers : 0), "%u strangers",
               rows[i].strangers);
    }
}

static void length_of_a_note(void **state)
{
    static const struct {
        size_t n;
        bool taken;
    } rows[] = {{NOTE_MAX, true}, {NOTE_MAX + 1, false}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(buf_done) struct buf note = BUF_INIT(MIB);
        struct note opened;

        buf_lit(&note, TEXT "\n" DASH);
        size_t rest = rows[i].n - note.n - log_line.n - strlen(" AAAAAAAA\n");
        for (size_t n = 0; n < rest; n++) {
            buf_add_char(&note, 'n'); /* an unknown key may have any name */
        }
        buf_lit(&note, " AAAAAAAA\n");
        buf_add(&note, buf_str(&log_line));
        assert_int_equal(note.n, rows[i].n);
        EXPECT((open_note(&note, &opened) == FM_OK) == rows[i].taken, "%zu bytes: %s", rows[i].n,
               ctx.detail);
    }
}

static void length_of_the_text(void **state)
{
    AUTO(buf_done) struct buf note = BUF_INIT(MIB);
    struct note opened;

    (void)state;
    for (size_t n = 0; n < NOTE_TEXT_MAX; n++) {
        buf_add_char(&note, 'x');
    }
    buf_lit(&note, "\n\n");
    buf_add(&note, buf_str(&log_line));
    assert_int_equal(open_note(&note, &opened), FM_E_INVALID_ARGUMENT);
    assert_non_null(strstr(ctx.detail, "not a note"));
}

static void verifiers_given(void **state)
{
    AUTO(buf_done) struct buf note = BUF_INIT(4 * KIB);
    struct note_verifier twice[] = {known[0], known[1], known[0]};
    struct note_verifier many[NOTE_SIGNATURES_MAX + 1] = {known[0]};
    struct note opened;

    (void)state;
    buf_lit(&note, TEXT "\n");
    buf_add(&note, buf_str(&log_line));
    assert_int_equal(note_open(&ctx, buf_str(&note), NULL, 0, &opened), FM_E_INVALID_ARGUMENT);
    assert_int_equal(note_open(&ctx, buf_str(&note), twice, 2, &opened), FM_OK);
    assert_int_equal(note_open(&ctx, buf_str(&note), twice, 3, &opened), FM_E_INVALID_ARGUMENT);
    assert_non_null(strstr(ctx.detail, "two verifiers are called fermata.example/log+"));
    for (unsigned i = 1; i < COUNT_OF(many); i++) {
        many[i].id = i;
    }
    assert_int_equal(note_open(&ctx, buf_str(&note), many, NOTE_SIGNATURES_MAX, &opened), FM_OK);
    assert_int_equal(note_open(&ctx, buf_str(&note), many, NOTE_SIGNATURES_MAX + 1, &opened),
                     FM_E_INVALID_ARGUMENT);
}

/* Every byte of a note counts, and so does every shorter note. */
static void any_other_byte(void **state)
{
    AUTO(buf_done) struct buf note = BUF_INIT(4 * KIB);
    struct note opened;

    (void)state;
    buf_lit(&note, TEXT "\n");
    buf_add(&note, buf_str(&log_line));
    for (size_t i = 0; i < note.n; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            note.p[i] = (char)(note.p[i] ^ 1 << bit);
            EXPECT(open_note(&note, &opened) != FM_OK, "bit %u of byte %zu", bit, i);
            note.p[i] = (char)(note.p[i] ^ 1 << bit);
        }
        struct buf cut = {note.p, i, note.room, note.max, false};
        EXPECT(open_note(&cut, &opened) != FM_OK, "cut at %zu", i);
    }
    assert_int_equal(open_note(&note, &opened), FM_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(key_names, up, down),
        cmocka_unit_test_setup_teardown(vkey_round_trip, up, down),
        cmocka_unit_test_setup_teardown(key_id, up, down),
        cmocka_unit_test_setup_teardown(vkeys_refused, up, down),
        cmocka_unit_test_setup_teardown(vkey_of_another_kind, up, down),
        cmocka_unit_test_setup_teardown(vkey_in_upper_case, up, down),
        cmocka_unit_test_setup_teardown(texts_signed_and_opened, up, down),
        cmocka_unit_test_setup_teardown(signing_refused, up, down),
        cmocka_unit_test_setup_teardown(who_signed, up, down),
        cmocka_unit_test_setup_teardown(malformed_lines, up, down),
        cmocka_unit_test_setup_teardown(number_of_signatures, up, down),
        cmocka_unit_test_setup_teardown(length_of_a_note, up, down),
        cmocka_unit_test_setup_teardown(length_of_the_text, up, down),
        cmocka_unit_test_setup_teardown(verifiers_given, up, down),
        cmocka_unit_test_setup_teardown(any_other_byte, up, down),
    };

    crypto_init();
    return CHECK_RUN(tests);
}
