/* SPDX-License-Identifier: Apache-2.0
 *
 * Proofs as files (C2SP tlog-proof v1): what an auditor keeps of one entry.
 *
 *      c2sp.org/tlog-proof@v1
 *      extra BASE64                  or not there
 *      index 73894
 *      BASE64                        hashes, from the leaf's sibling up; none for a tree of one leaf
 *                                    an empty line
 *      the signed checkpoint
 *
 * It must never read two spellings as one proof, and nothing follows from reading one: extra data
 * is whatever its maker liked, and the rest counts once tlog_proof_file_check has been through it.
 */
#include "tlog/tlog.h"

#define HEADER "c2sp.org/tlog-proof@v1"

static void add_hashes(struct buf *buf, const struct tlog_proof *proof)
{
    for (size_t i = 0; i < proof->count; i++) {
        buf_add_base64(buf, hash_str(&proof->hashes[i]));
        buf_add_char(buf, '\n');
    }
    buf_add_char(buf, '\n');
}

void tlog_proof_file_write(struct buf *buf, const struct tlog_proof_file *file)
{
    buf_lit(buf, HEADER "\n");
    if (file->extra.p) {
        buf_lit(buf, "extra ");
        buf_add_base64(buf, file->extra);
        buf_add_char(buf, '\n');
    }
    buf_lit(buf, "index ");
    buf_add_u64(buf, file->index);
    buf_add_char(buf, '\n');
    add_hashes(buf, &file->proof);
    buf_add(buf, file->checkpoint);
}

void tlog_growth_file_write(struct buf *buf, const struct tlog_growth_file *file)
{
    buf_lit(buf, "old ");
    buf_add_u64(buf, file->old_size);
    buf_add_char(buf, '\n');
    add_hashes(buf, &file->proof);
    buf_add(buf, file->checkpoint);
}

static enum fm_err malformed(struct ctx *ctx, const char *what)
{
    return fail(ctx, FM_E_INVALID_ARGUMENT, "no C2SP tlog-proof: %s", what);
}

/* Takes the line "extra ..." off `*rest`, if it is there. */
static enum fm_err extra_take(struct ctx *ctx, struct str *rest, struct str *out)
{
    *out = STR_NONE;
    if (!str_starts(*rest, S("extra "))) {
        return FM_OK;
    }
    if (!base64_decode(ctx->arena, str_skip(str_split(rest, '\n'), 6), out)) {
        return malformed(ctx, "the extra data is no base64");
    }
    return FM_OK;
}

/* Takes a line of a word and a number off `*rest`. */
static bool number_take(struct str *rest, struct str word, uint64_t *out)
{
    struct str line = str_split(rest, '\n'), number = str_skip(line, word.n);

    return str_starts(line, word) && str_to_u64(number, out) &&
           !(number.n > 1 && number.p[0] == '0') && rest->p;
}

static enum fm_err hashes_take(struct ctx *ctx, struct str *rest, struct tlog_proof *out)
{
    out->count = 0;
    for (;;) {
        struct str line = str_split(rest, '\n');
        if (!rest->p) {
            return malformed(ctx, "an empty line and a checkpoint are missing");
        }
        if (line.n == 0) {
            return FM_OK;
        }
        if (out->count == TLOG_LEVELS) {
            return malformed(ctx, "more hashes than any tree has levels");
        }
        if (!base64_decode_n(line, out->hashes[out->count].bytes, SHA256_SIZE)) {
            return malformed(ctx, "a line is no hash in base64");
        }
        out->count++;
    }
}

enum fm_err tlog_proof_file_parse(struct ctx *ctx, struct str text, struct tlog_proof_file *out)
{
    struct str rest = text;

    if (text.n > TLOG_PROOF_FILE_MAX) {
        return fail(ctx, FM_E_TOO_LARGE, "a proof has at most %zu bytes", TLOG_PROOF_FILE_MAX);
    }
    if (!str_eq(str_split(&rest, '\n'), S(HEADER)) || !rest.p) {
        return malformed(ctx, "its first line is not " HEADER);
    }
    TRY(extra_take(ctx, &rest, &out->extra));
    if (!rest.p || !number_take(&rest, S("index "), &out->index)) {
        return malformed(ctx, "the index is missing or not a number");
    }
    TRY(hashes_take(ctx, &rest, &out->proof));
    out->checkpoint = rest;
    return FM_OK;
}

enum fm_err tlog_growth_file_parse(struct ctx *ctx, struct str text, struct tlog_growth_file *out)
{
    struct str rest = text;

    if (text.n > TLOG_PROOF_FILE_MAX) {
        return fail(ctx, FM_E_TOO_LARGE, "a proof has at most %zu bytes", TLOG_PROOF_FILE_MAX);
    }
    if (!number_take(&rest, S("old "), &out->old_size)) {
        return fail(ctx, FM_E_INVALID_ARGUMENT,
                    "no proof of growth: its first line is not \"old N\"");
    }
    TRY(hashes_take(ctx, &rest, &out->proof));
    out->checkpoint = rest;
    return FM_OK;
}

enum fm_err tlog_growth_file_check(struct ctx *ctx, const struct tlog_growth_file *file,
                                   const struct tlog_checkpoint *old,
                                   const struct note_verifier *verifier,
                                   struct tlog_checkpoint *out)
{
    TRY(tlog_checkpoint_open(ctx, file->checkpoint, verifier, out));
    if (file->old_size != old->size ||
        !tlog_verify_consistency(file->proof.hashes, file->proof.count, old->size, out->size,
                                 old->root, out->root)) {
        return fail(ctx, FM_E_INVALID_ARGUMENT,
                    "the signed log of %llu entries is not shown to continue the one of %llu",
                    (unsigned long long)out->size, (unsigned long long)old->size);
    }
    return FM_OK;
}

enum fm_err tlog_checkpoint_open(struct ctx *ctx, struct str note,
                                 const struct note_verifier *verifier, struct tlog_checkpoint *out)
{
    struct note opened;

    TRY(note_open(ctx, note, verifier, 1, &opened));
    if (!tlog_checkpoint_parse(opened.text, out)) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "the signed note is no log checkpoint");
    }
    if (!str_eq(out->origin, str_of(verifier->name))) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "the checkpoint is of another log than its key");
    }
    return FM_OK;
}

enum fm_err tlog_proof_file_check(struct ctx *ctx, const struct tlog_proof_file *file,
                                  struct hash leaf, const struct note_verifier *verifier,
                                  struct tlog_checkpoint *out)
{
    TRY(tlog_checkpoint_open(ctx, file->checkpoint, verifier, out));
    if (!tlog_verify_inclusion(file->proof.hashes, file->proof.count, file->index, out->size, leaf,
                               out->root)) {
        return fail(ctx, FM_E_INVALID_ARGUMENT,
                    "the entry is not leaf %llu of the signed log of %llu entries",
                    (unsigned long long)file->index, (unsigned long long)out->size);
    }
    return FM_OK;
}
