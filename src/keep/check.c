/* SPDX-License-Identifier: Apache-2.0
 *
 * Checking what an auditor was handed, with the log's key and nothing else: proofs of one leaf, and
 * evidence bundles. Whoever made the file is not trusted with a single byte.
 *
 * 1. A leaf counts once its hash is in the signed tree; a payload once it is what the leaf commits
 *    to.
 * 2. A bundle's summary is made again from leaves that count and compared: what it says besides is
 *    a finding.
 */
#include "keep/keep.h"

#include <inttypes.h>

#define BUNDLE_LEAVES_MAX (2 * JOURNAL_CHAIN_MAX)
#define SALT_MAX          64 /* bytes; ours have 16 */

static const struct json_limits bundle_limits = {
    .bytes = CHECK_FILE_MAX, .depth = 80, .values = 4 * 1000 * 1000};

struct check {
    struct ctx *ctx;
    struct check_report *report;
};

/* --- payloads --------------------------------------------------------------------------------- */

/* Sets the leaf's payload if it is what the leaf commits to. */
static void take_payload(struct check *c, struct journal_leaf *leaf, struct str payload,
                         struct str salt)
{
    uint8_t bytes[SALT_MAX];
    struct hash stated, real;

    if (!payload.p && !salt.p) {
        c->report->erased += leaf->commitment.p != NULL;
        return;
    }
    if (!payload.p || !salt.p || salt.n % 2 != 0 || salt.n > 2 * SALT_MAX ||
        !hex_decode(salt, bytes, salt.n / 2)) {
        evidence_found(&c->report->findings, "leaf %" PRIu64 " lacks its payload or its salt",
                       leaf->index);
        return;
    }
    real = journal_commitment((struct str){(const char *)bytes, salt.n / 2}, payload);
    if (!hex_decode(leaf->commitment.p ? leaf->commitment : S(""), stated.bytes, SHA256_SIZE) ||
        !hash_eq(stated, real)) {
        evidence_found(&c->report->findings,
                       "the payload of leaf %" PRIu64 " is not the one that was committed to",
                       leaf->index);
        return;
    }
    leaf->payload = payload;
    c->report->payloads++;
}

/* --- a proof ---------------------------------------------------------------------------------- */

static enum fm_err check_proof(struct check *c, struct str text,
                               const struct note_verifier *verifier)
{
    struct tlog_proof_file file;
    const struct json *extra;
    struct str entry;

    c->report->kind = CHECK_PROOF;
    TRY(tlog_proof_file_parse(c->ctx, text, &file));
    if (!file.extra.p || json_parse(c->ctx, file.extra, &bundle_limits, &extra) != FM_OK ||
        !(entry = json_text(json_get(extra, S("entry")))).p) {
        ctx_clear(c->ctx);
        return fail(
            c->ctx, FM_E_INVALID_ARGUMENT,
            "the proof does not bring its entry as extra data: no proof of Fermata's making");
    }
    TRY(tlog_proof_file_check(c->ctx, &file, tlog_leaf_hash(entry), verifier,
                              &c->report->checkpoint));
    TRY(journal_leaf_parse(c->ctx, file.index, entry, &c->report->leaf));
    c->report->leaves = 1;
    if (json_get(extra, S("payload"))) {
        take_payload(c, &c->report->leaf, json_text(json_get(extra, S("payload"))),
                     json_text(json_get(extra, S("salt"))));
    }
    return FM_OK;
}

/* --- a bundle --------------------------------------------------------------------------------- */

static bool read_proof(const struct json *array, struct tlog_proof *out)
{
    out->count = 0;
    if (!array || array->kind != JSON_ARRAY || array->count > TLOG_LEVELS) {
        return false;
    }
    for (uint32_t i = 0; i < array->count; i++, out->count++) {
        struct str text = json_text(&array->as.items[i]);
        if (!base64_decode_n(text.p ? text : S(""), out->hashes[i].bytes, SHA256_SIZE)) {
            return false;
        }
    }
    return true;
}

static bool read_index(const struct json *value, uint64_t *out)
{
    double number = json_number(value);

    if (!value || value->kind != JSON_NUMBER || number < 0 || number >= 9007199254740992.0) {
        return false;
    }
    *out = (uint64_t)number;
    return (double)*out == number;
}

/* One leaf of a bundle. False (and a finding) for one that does not count. */
static bool take_leaf(struct check *c, const struct json *item, struct journal_leaf *out)
{
    struct str entry = json_text(json_get(item, S("entry")));
    struct tlog_checkpoint *signed_tree = &c->report->checkpoint;
    struct tlog_proof proof;
    uint64_t index;

    if (!read_index(json_get(item, S("index")), &index) || !entry.p ||
        !read_proof(json_get(item, S("proof")), &proof)) {
        evidence_found(&c->report->findings, "a leaf without index, entry or proof");
        return false;
    }
    if (!tlog_verify_inclusion(proof.hashes, proof.count, index, signed_tree->size,
                               tlog_leaf_hash(entry), signed_tree->root)) {
        evidence_found(&c->report->findings,
                       "what is shown as leaf %" PRIu64 " is not in the signed log", index);
        return false;
    }
    if (journal_leaf_parse(c->ctx, index, entry, out) != FM_OK) {
        ctx_clear(c->ctx);
        evidence_found(&c->report->findings, "leaf %" PRIu64 " is not a canonical entry", index);
        return false;
    }
    c->report->leaves++;
    take_payload(c, out, json_text(json_get(item, S("payload"))),
                 json_text(json_get(item, S("salt"))));
    return true;
}

/* Those of an array that count. */
static enum fm_err take_leaves(struct check *c, const struct json *array,
                               const struct journal_leaf **out, size_t *count)
{
    uint32_t n = array && array->kind == JSON_ARRAY ? array->count : 0;
    struct journal_leaf *leaves;

    *count = 0;
    if (n > BUNDLE_LEAVES_MAX) {
        return fail(c->ctx, FM_E_TOO_LARGE, "the bundle has more than %d leaves",
                    BUNDLE_LEAVES_MAX);
    }
    leaves = arena_zalloc(c->ctx->arena, n + 1, sizeof(*leaves));
    if (!leaves) {
        return fail_memory(c->ctx);
    }
    for (uint32_t i = 0; i < n; i++) {
        *count += take_leaf(c, &array->as.items[i], &leaves[*count]);
    }
    *out = leaves;
    return FM_OK;
}

/* Leaves about others come in the order of the log, so that of two about one person the newer
 * counts. */
static void check_order(struct check *c, const struct journal_leaf *leaves, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!id_is_zero(leaves[i].proposal)) {
            evidence_found(&c->report->findings,
                           "leaf %" PRIu64 " of the context is about a proposal", leaves[i].index);
        }
        if (i > 0 && leaves[i].index <= leaves[i - 1].index) {
            evidence_found(&c->report->findings,
                           "leaf %" PRIu64 " does not stand in the order of the log",
                           leaves[i].index);
        }
    }
}

/* Makes the summary again. */
static enum fm_err account(struct check *c, const struct evidence *evidence,
                           const struct json **out)
{
    AUTO(buf_done) struct buf text = BUF_INIT(CHECK_FILE_MAX);
    struct json_out writer = JSON_OUT(&text);
    struct str kept;

    TRY(evidence_account(c->ctx, evidence, &writer, &c->report->findings));
    kept = buf_ok(&text) ? arena_copy(c->ctx->arena, buf_str(&text)) : STR_NONE;
    if (!kept.p) {
        return fail_memory(c->ctx);
    }
    return json_parse(c->ctx, kept, &bundle_limits, out);
}

/* What nobody can check must not look as if somebody had. */
static void check_members(struct check *c, const struct json *bundle)
{
    static const char *const known[] = {
        "context", "does_not_prove", "findings", "format",   "leaves", "log",
        "made_at", "proves",         "summary",  "unproven", "v"};

    for (uint32_t i = 0; i < bundle->count; i++) {
        struct str name = bundle->as.members[i].name;
        size_t k = 0;
        while (k < COUNT_OF(known) && !str_eq(name, str_of(known[k]))) {
            k++;
        }
        if (k == COUNT_OF(known)) {
            evidence_found(&c->report->findings,
                           "\"%.*s\" is no part of a bundle: nothing proves it",
                           (int)(name.n < 60 ? name.n : 60), name.p);
        }
    }
}

/* Whose log it is stands in the signature; what the bundle says of it must be the same. */
static void check_log_member(struct check *c, const struct json *log,
                             const struct note_verifier *verifier)
{
    AUTO(buf_done) struct buf vkey = BUF_INIT(KIB);
    struct str stated = json_text(json_get(log, S("vkey")));

    note_verifier_write(&vkey, verifier);
    if (!str_eq(json_text(json_get(log, S("origin"))), c->report->checkpoint.origin) ||
        (stated.p && !str_eq(stated, buf_str(&vkey)))) {
        evidence_found(&c->report->findings,
                       "the bundle names another log or key than the one that signed");
    }
}

/* The first member that differs, by name. */
static void compare(struct check *c, const struct json *stated, const struct json *made)
{
    const struct json_change *changes;
    size_t count;

    if (json_diff(c->ctx, stated, made, 2, &changes, &count) != FM_OK) {
        ctx_clear(c->ctx);
        evidence_found(&c->report->findings, "the summary is not what the leaves tell");
    } else if (count > 0) {
        evidence_found(&c->report->findings, "the summary is not what the leaves tell%s%.*s",
                       changes[0].pointer.n ? ": see " : "",
                       (int)(changes[0].pointer.n < 200 ? changes[0].pointer.n : 200),
                       changes[0].pointer.p ? changes[0].pointer.p : "");
    }
}

static enum fm_err check_bundle(struct check *c, struct str text,
                                const struct note_verifier *verifier)
{
    struct evidence evidence = {0};
    const struct json *bundle, *log;
    struct str note;

    c->report->kind = CHECK_BUNDLE;
    TRY(json_parse(c->ctx, text, &bundle_limits, &bundle));
    if (!str_eq(json_text(json_get(bundle, S("format"))), S(EVIDENCE_FORMAT)) ||
        json_number(json_get(bundle, S("v"))) != 1) {
        return fail(c->ctx, FM_E_INVALID_ARGUMENT, "this is no evidence bundle of version 1");
    }
    log = json_get(bundle, S("log"));
    note = json_text(json_get(log, S("checkpoint")));
    TRY(tlog_checkpoint_open(c->ctx, note.p ? note : S(""), verifier, &c->report->checkpoint));
    check_members(c, bundle);
    check_log_member(c, log, verifier);
    TRY(take_leaves(c, json_get(bundle, S("leaves")), &evidence.leaves, &evidence.count));
    TRY(take_leaves(c, json_get(bundle, S("context")), &evidence.context, &evidence.context_count));
    check_order(c, evidence.context, evidence.context_count);
    TRY(account(c, &evidence, &c->report->summary));
    compare(c, json_get(bundle, S("summary")), c->report->summary);
    return FM_OK;
}

enum fm_err keep_check_file(struct ctx *ctx, struct str text, const struct note_verifier *verifier,
                            struct check_report *out)
{
    struct check c = {ctx, out};

    *out = (struct check_report){.findings = {.ctx = ctx}};
    if (text.n > CHECK_FILE_MAX) {
        return fail(ctx, FM_E_TOO_LARGE, "a proof or a bundle has at most %zu MiB",
                    CHECK_FILE_MAX / MIB);
    }
    if (str_starts(text, S("c2sp.org/"))) {
        return check_proof(&c, text, verifier);
    }
    return check_bundle(&c, text, verifier);
}

enum fm_err keep_check_growth(struct ctx *ctx, struct str text, struct str against,
                              const struct note_verifier *verifier, struct check_report *out)
{
    struct tlog_growth_file file;
    struct tlog_checkpoint old;

    *out = (struct check_report){.kind = CHECK_GROWTH, .findings = {.ctx = ctx}};
    TRY(tlog_growth_file_parse(ctx, text, &file));
    TRY(tlog_checkpoint_open(ctx, against, verifier, &old));
    TRY(tlog_growth_file_check(ctx, &file, &old, verifier, &out->checkpoint));
    out->leaves = old.size;
    return FM_OK;
}
