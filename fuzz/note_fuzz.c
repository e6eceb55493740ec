/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: notes, verifier keys and checkpoints as strangers may send them. Besides not
 * crashing, what is accepted must have one spelling, and what is signed here must open here.
 */
#include "base/panic.h"
#include "tlog/tlog.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena *arena;
static struct sign_key keys[2];
static struct note_verifier verifiers[2];

/* The keys of the notes in the seed corpus. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const uint8_t seeds[2][ED25519_SEED] = {{1}, {2}};

    (void)argc, (void)argv;
    crypto_init();
    arena = arena_new(4 * MIB);
    ASSERT(arena);
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        sign_key_from_seed(seeds[i], &keys[i]);
    }
    ASSERT(note_verifier_of(S("log.example"), &keys[0], &verifiers[0]));
    ASSERT(note_verifier_of(S("witness.example"), &keys[1], &verifiers[1]));
    return 0;
}

static enum fm_err open_note(struct str text, struct note *note)
{
    struct ctx ctx;

    arena_reset(arena);
    ctx_init(&ctx, arena);
    return note_open(&ctx, text, verifiers, COUNT_OF(verifiers), note);
}

/* What opens has text that is the note's own beginning, signed by somebody. */
static void try_note(struct str input)
{
    struct note note;

    if (open_note(input, &note) != FM_OK) {
        ASSERT(!note.text.p && note.verified == 0);
        return;
    }
    ASSERT(note.text.p == input.p && note.text.n < input.n);
    ASSERT(note.verified >= 1 && (note.verified_by[0] || note.verified_by[1]));
}

/* Whatever can be signed opens again, and not once a byte is another. */
static void try_text(struct str input)
{
    AUTO(buf_done) struct buf buf = BUF_INIT(MIB);
    struct note note;

    if (!note_sign(&buf, input, &verifiers[0], &keys[0])) {
        return;
    }
    ASSERT(open_note(buf_str(&buf), &note) == FM_OK && str_eq(note.text, input));
    buf.p[buf.n / 2] ^= 1;
    ASSERT(open_note(buf_str(&buf), &note) != FM_OK);
}

static void try_vkey(struct str input)
{
    AUTO(buf_done) struct buf buf = BUF_INIT(KIB);
    struct note_verifier verifier;

    if (note_verifier_parse(input, &verifier)) {
        note_verifier_write(&buf, &verifier);
        ASSERT(str_eq(buf_str(&buf), input));
    }
}

/* The three lines that count are written back as they were read. */
static void try_checkpoint(struct str input)
{
    AUTO(buf_done) struct buf buf = BUF_INIT(MIB);
    struct tlog_checkpoint checkpoint;

    if (tlog_checkpoint_parse(input, &checkpoint)) {
        tlog_checkpoint_text(&buf, &checkpoint);
        ASSERT(buf_ok(&buf) && str_starts(input, buf_str(&buf)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {(const char *)data, size};

    if (size > MIB / 2) {
        return 0;
    }
    try_note(input);
    try_text(input);
    try_vkey(input);
    try_checkpoint(input);
    return 0;
}
