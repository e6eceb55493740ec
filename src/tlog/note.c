/* SPDX-License-Identifier: Apache-2.0
 *
 * Signed notes (C2SP signed-note v1.0.0) with Ed25519 keys:
 *
 *      text                          one or more lines, may hold empty ones
 *                                    the last empty line parts text and signatures
 *      — NAME BASE64(id signature)   one or more of these; id is 4 bytes, big endian
 *
 * It must never hand out text that no given verifier has signed, nor text of a note in which one of
 * them has a wrong signature. Signatures by other keys are counted and otherwise ignored, whatever
 * their algorithm. Nothing is repaired: what does not match the grammar is no note.
 */
#include "tlog/tlog.h"

#include <stdio.h>

#define KEY_ID 4          /* bytes of the key id before a signature */
#define ALG_ED25519 0x01  /* C2SP signed-note: signature types */
#define VKEY_BYTES (1 + ED25519_PUBLIC)
#define DASH "\xE2\x80\x94 " /* em dash and space begin a signature line */

struct signature {
    struct str name;
    uint32_t key_id;
    struct str bytes; /* without the id */
};

struct signatures {
    size_t count;
    struct signature rows[NOTE_SIGNATURES_MAX];
};

/* Grammar -------------------------------------------------------------------------------------- */

/* Unicode White_Space; the ASCII ones but the space are control characters, refused anyway. */
static bool is_space(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } rows[] = {
        {0x20, 0x20},     {0x85, 0x85},     {0xA0, 0xA0},     {0x1680, 0x1680},
        {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F},
        {0x3000, 0x3000},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (code >= rows[i].first && code <= rows[i].last) {
            return true;
        }
    }
    return false;
}

/* Whether `text` is UTF-8 without control characters but LF. */
static bool is_clean(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] < 0x20 && text.p[i] != '\n') {
            return false;
        }
    }
    return str_is_utf8(text);
}

static bool is_text(struct str text)
{
    return text.n > 0 && text.n <= NOTE_TEXT_MAX && text.p[text.n - 1] == '\n' && is_clean(text);
}

/* Whether `name` is clean, not empty, and without any space or plus. */
static bool is_name(struct str name)
{
    if (name.n == 0 || !is_clean(name)) {
        return false;
    }
    for (size_t at = 0; at < name.n;) {
        uint32_t code = str_next_code_point(name, &at);
        if (code == '\n' || code == '+' || is_space(code)) {
            return false;
        }
    }
    return true;
}

/* Keys ----------------------------------------------------------------------------------------- */

static uint32_t load_id(const uint8_t bytes[KEY_ID])
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* The public key as it stands in a verifier key: its type before it. */
static void typed_key(const uint8_t public_key[ED25519_PUBLIC], uint8_t out[VKEY_BYTES])
{
    out[0] = ALG_ED25519;
    for (size_t i = 0; i < ED25519_PUBLIC; i++) {
        out[1 + i] = public_key[i];
    }
}

/*= C2SP signed-note, Signatures: key ID = SHA-256(key name || 0x0A || type || public key)[:4] */
static uint32_t key_id_of(struct str name, const uint8_t typed[VKEY_BYTES])
{
    struct hash hash = sha256_3(name, S("\n"), (struct str){(const char *)typed, VKEY_BYTES});

    return load_id(hash.bytes);
}

static bool verifier_make(struct str name, const uint8_t typed[VKEY_BYTES],
                          struct note_verifier *out)
{
    if (!is_name(name) || name.n >= NOTE_NAME_MAX) {
        return false;
    }
    *out = (struct note_verifier){.id = key_id_of(name, typed)};
    snprintf(out->name, sizeof(out->name), "%.*s", STR_ARG(name));
    for (size_t i = 0; i < ED25519_PUBLIC; i++) {
        out->public_key[i] = typed[1 + i];
    }
    return true;
}

bool note_verifier_of(struct str name, const struct sign_key *key, struct note_verifier *out)
{
    uint8_t typed[VKEY_BYTES];

    typed_key(key->public_key, typed);
    return verifier_make(name, typed, out);
}

bool note_verifier_parse(struct str vkey, struct note_verifier *out)
{
    struct str rest = vkey;
    struct str name = str_split(&rest, '+');
    struct str id_part = str_split(&rest, '+'); /* the base64 that is left may hold more of them */
    uint8_t id[KEY_ID], typed[VKEY_BYTES];
    struct note_verifier verifier;

    if (!hex_decode(id_part, id, KEY_ID) || !base64_decode_n(rest, typed, VKEY_BYTES) ||
        typed[0] != ALG_ED25519 || !verifier_make(name, typed, &verifier) ||
        verifier.id != load_id(id)) {
        return false;
    }
    *out = verifier;
    return true;
}

void note_verifier_write(struct buf *buf, const struct note_verifier *verifier)
{
    uint8_t typed[VKEY_BYTES];

    typed_key(verifier->public_key, typed);
    buf_printf(buf, "%s+%08x+", verifier->name, verifier->id);
    buf_add_base64(buf, (struct str){(const char *)typed, VKEY_BYTES});
}

/* Signing -------------------------------------------------------------------------------------- */

bool note_sign(struct buf *buf, struct str text, const struct note_verifier *as,
               const struct sign_key *key)
{
    uint8_t line[KEY_ID + ED25519_SIGNATURE];

    if (!is_text(text) || !str_eq((struct str){(const char *)as->public_key, ED25519_PUBLIC},
                                  (struct str){(const char *)key->public_key, ED25519_PUBLIC})) {
        return false;
    }
    for (unsigned i = 0; i < KEY_ID; i++) {
        line[i] = (uint8_t)(as->id >> (24 - 8 * i));
    }
    sign_ed25519(key, text, line + KEY_ID);
    buf_add(buf, text);
    buf_printf(buf, "\n" DASH "%s ", as->name);
    buf_add_base64(buf, (struct str){(const char *)line, sizeof(line)});
    buf_add_char(buf, '\n');
    return buf_ok(buf);
}

/* Opening -------------------------------------------------------------------------------------- */

/* Reads one signature line without its LF. */
static bool signature_read(struct arena *arena, struct str line, struct signature *out)
{
    struct str rest = str_skip(line, sizeof(DASH) - 1);
    struct str bytes;

    out->name = str_split(&rest, ' ');
    if (!str_starts(line, S(DASH)) || !is_name(out->name) || !base64_decode(arena, rest, &bytes) ||
        bytes.n <= KEY_ID) {
        return false;
    }
    out->key_id = load_id((const uint8_t *)bytes.p);
    out->bytes = str_skip(bytes, KEY_ID);
    return true;
}

static enum fm_err signatures_read(struct ctx *ctx, struct str block, struct signatures *out)
{
    out->count = 0;
    for (struct str rest = block; rest.n;) {
        struct str line = str_split(&rest, '\n');
        if (out->count == NOTE_SIGNATURES_MAX) {
            return fail(ctx, FM_E_INVALID_ARGUMENT, "the note has more than %d signatures",
                        NOTE_SIGNATURES_MAX);
        }
        if (!signature_read(ctx->arena, line, &out->rows[out->count])) {
            return fail(ctx, FM_E_INVALID_ARGUMENT, "signature line %zu of the note is malformed",
                        out->count + 1);
        }
        out->count++;
    }
    return FM_OK;
}

/* Parts the note at its last empty line. Both text and block of signatures end in LF. */
static enum fm_err note_split(struct ctx *ctx, struct str note, struct str *text, struct str *block)
{
    size_t at = note.n;

    if (note.n > NOTE_MAX || note.n == 0 || note.p[note.n - 1] != '\n' || !is_clean(note)) {
        return fail(
            ctx, FM_E_INVALID_ARGUMENT,
            "not a note: too long, not UTF-8, control characters, or no line feed at the end");
    }
    while (at >= 2 && !(note.p[at - 2] == '\n' && note.p[at - 1] == '\n')) {
        at--;
    }
    *text = (struct str){note.p, at < 2 ? 0 : at - 1};
    *block = str_skip(note, at);
    if (!is_text(*text) || block->n == 0) {
        return fail(ctx, FM_E_INVALID_ARGUMENT,
                    "not a note: needs text, an empty line and signature lines");
    }
    return FM_OK;
}

static bool verifier_is(const struct note_verifier *verifier, struct str name, uint32_t id)
{
    return verifier->id == id && str_eq(str_of(verifier->name), name);
}

/*= C2SP signed-note, Signatures: name and key ID identify a key; so no two verifiers may share
 * both. */
static enum fm_err verifiers_check(struct ctx *ctx, const struct note_verifier *verifiers,
                                   size_t count)
{
    if (count > NOTE_SIGNATURES_MAX) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "more than %d verifiers", NOTE_SIGNATURES_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (verifier_is(&verifiers[k], str_of(verifiers[i].name), verifiers[i].id)) {
                return fail(ctx, FM_E_INVALID_ARGUMENT, "two verifiers are called %s+%08x",
                            verifiers[i].name, verifiers[i].id);
            }
        }
    }
    return FM_OK;
}

/* Whether an earlier signature has the same name and id. */
static bool is_repeated(const struct signatures *signatures, size_t index)
{
    const struct signature *row = &signatures->rows[index];

    for (size_t i = 0; i < index; i++) {
        if (signatures->rows[i].key_id == row->key_id &&
            str_eq(signatures->rows[i].name, row->name)) {
            return true;
        }
    }
    return false;
}

/* The number of the verifier that signature `row` names, or `count`. */
static size_t verifier_find(const struct note_verifier *verifiers, size_t count,
                            const struct signature *row)
{
    size_t i = 0;

    while (i < count && !verifier_is(&verifiers[i], row->name, row->key_id)) {
        i++;
    }
    return i;
}

/* Checks every signature by a given verifier, repeated ones too, and counts keys. */
static enum fm_err signatures_check(struct ctx *ctx, const struct signatures *signatures,
                                    const struct note_verifier *verifiers, size_t count,
                                    struct note *note)
{
    for (size_t i = 0; i < signatures->count; i++) {
        const struct signature *row = &signatures->rows[i];
        size_t who = verifier_find(verifiers, count, row);
        unsigned new_key = is_repeated(signatures, i) ? 0 : 1;

        if (who == count) {
            note->unverified += new_key;
            continue;
        }
        if (!verify_ed25519(verifiers[who].public_key, note->text, row->bytes)) {
            return fail(ctx, FM_E_INVALID_ARGUMENT, "the signature of %s+%08x is wrong",
                        verifiers[who].name, verifiers[who].id);
        }
        note->verified += new_key;
        note->verified_by[who] = true;
    }
    return FM_OK;
}

enum fm_err note_open(struct ctx *ctx, struct str note, const struct note_verifier *verifiers,
                      size_t count, struct note *out)
{
    struct note opened = {.verified = 0};
    struct signatures signatures;
    struct str block = STR_NONE;

    *out = opened;
    TRY(verifiers_check(ctx, verifiers, count));
    TRY(note_split(ctx, note, &opened.text, &block));
    TRY(signatures_read(ctx, block, &signatures));
    TRY(signatures_check(ctx, &signatures, verifiers, count, &opened));
    if (opened.verified == 0) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "none of the known keys has signed the note");
    }
    *out = opened;
    return FM_OK;
}
