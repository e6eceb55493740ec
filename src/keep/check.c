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

/* --- members ---------------------------------------------------------------------------------- */

/* An object of a file, and all members that it may have. */
struct shape {
    const char *what;
    const char *const known[12];
};

static const struct shape proof_extra = {"a proof", {"entry", "payload", "salt", "says", "v"}};
static const struct shape bundle_whole = {"a bundle",
                                          {"context", "does_not_prove", "findings", "format",
                                           "leaves", "log", "made_at", "proves", "summary",
                                           "unproven", "v"}};
static const struct shape bundle_log = {"a bundle's log", {"checkpoint", "origin", "vkey"}};
static const struct shape bundle_leaf = {"a bundle's leaf",
                                         {"entry", "index", "payload", "proof", "salt"}};
static const struct shape bundle_unproven = {
    "what a bundle leaves unproven", {"approved_until", "assessment", "due_at", "permit", "queue"}};

static bool is_known(const struct shape *shape, struct str name)
{
    for (size_t i = 0; i < COUNT_OF(shape->known) && shape->known[i]; i++) {
        if (str_eq(name, str_of(shape->known[i]))) {
            return true;
        }
    }
    return false;
}

/* What nobody can check must not look as if somebody had. */
static void check_members(struct check *c, const struct json *object, const struct shape *shape)
{
    if (!object || object->kind != JSON_OBJECT) {
        evidence_found(&c->report->findings, "%s is no object", shape->what);
        return;
    }
    for (uint32_t i = 0; i < object->count; i++) {
        struct str name = object->as.members[i].name;
        if (!is_known(shape, name)) {
            evidence_found(&c->report->findings, "\"%.*s\" is no part of %s: nothing proves it",
                           (int)(name.n < 60 ? name.n : 60), name.p, shape->what);
        }
    }
}

/* Text, null, or not there: whatever else stands in its place would pass for absent. */
static struct str optional_text(struct check *c, const struct json *object, const char *name)
{
    const struct json *value = json_get(object, str_of(name));

    if (value && value->kind != JSON_STRING && value->kind != JSON_NULL) {
        evidence_found(&c->report->findings, "\"%s\" is neither text nor null", name);
    }
    return json_text(value);
}

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

/* The entry in words, made again: they are what people read. */
static void check_words(struct check *c, const struct json *extra)
{
    AUTO(buf_done) struct buf words = BUF_INIT(2 * TLOG_ENTRY_MAX);
    struct str stated = optional_text(c, extra, "says");

    evidence_words(&words, &c->report->leaf);
    if (stated.p && !str_eq(stated, buf_str(&words))) {
        evidence_found(&c->report->findings, "\"says\" is not what the entry says");
    }
    if (json_number(json_get(extra, S("v"))) != 1) {
        evidence_found(&c->report->findings, "the extra data is not of version 1");
    }
}

static enum fm_err check_proof(struct check *c, struct str text,
                               const struct note_verifier *verifier)
{
    struct tlog_proof_file file;
    const struct json *extra;
    struct str entry, payload, salt;

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
    check_members(c, extra, &proof_extra);
    check_words(c, extra);
    payload = optional_text(c, extra, "payload");
    salt = optional_text(c, extra, "salt");
    if (payload.p || salt.p) {
        take_payload(c, &c->report->leaf, payload, salt);
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
    check_members(c, item, &bundle_leaf);
    take_payload(c, out, optional_text(c, item, "payload"), optional_text(c, item, "salt"));
    return true;
}

/* Those of an array that count. */
static enum fm_err take_leaves(struct check *c, const struct json *array,
                               const struct journal_leaf **out, size_t *count)
{
    bool is_array = array && array->kind == JSON_ARRAY;
    uint32_t n = is_array ? array->count : 0;
    struct journal_leaf *leaves;

    *count = 0;
    if (!is_array) {
        evidence_found(&c->report->findings, "a bundle has arrays of leaves and of context");
    }
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

/* Makes the summary again, and what its maker found. */
static enum fm_err account(struct check *c, const struct evidence *evidence,
                           struct evidence_findings *findings, const struct json **out)
{
    AUTO(buf_done) struct buf text = BUF_INIT(CHECK_FILE_MAX);
    struct json_out writer = JSON_OUT(&text);
    struct str kept;

    TRY(evidence_account(c->ctx, evidence, &writer, findings));
    kept = buf_ok(&text) ? arena_copy(c->ctx->arena, buf_str(&text)) : STR_NONE;
    if (!kept.p) {
        return fail_memory(c->ctx);
    }
    return json_parse(c->ctx, kept, &bundle_limits, out);
}

/* Whose log it is stands in the signature; what the bundle says of it must be the same. */
static void check_log_member(struct check *c, const struct json *log,
                             const struct note_verifier *verifier)
{
    AUTO(buf_done) struct buf vkey = BUF_INIT(KIB);
    struct str stated = optional_text(c, log, "vkey");

    check_members(c, log, &bundle_log);
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

static bool is_text_list(const struct json *stated, const struct str *made, size_t count)
{
    if (!stated || stated->kind != JSON_ARRAY || stated->count != count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!str_eq(json_text(&stated->as.items[i]), made[i])) {
            return false;
        }
    }
    return true;
}

/* Sentences that stand in every bundle: without them, or with others, it would promise more. */
static void check_sentences(struct check *c, const struct json *bundle, const char *name,
                            const char *const *(*sentences)(size_t *count))
{
    struct str made[EVIDENCE_SENTENCES_MAX];
    size_t count;
    const char *const *rows = sentences(&count);

    for (size_t i = 0; i < count; i++) {
        made[i] = str_of(rows[i]);
    }
    if (!is_text_list(json_get(bundle, str_of(name)), made, count)) {
        evidence_found(&c->report->findings, "\"%s\" is not what a bundle says there", name);
    }
}

/* What the maker must have found is found here too, and listed. */
static void check_findings(struct check *c, const struct json *bundle,
                           const struct evidence_findings *made)
{
    size_t kept = made->count < EVIDENCE_FINDINGS_MAX ? made->count : EVIDENCE_FINDINGS_MAX;

    if (!is_text_list(json_get(bundle, S("findings")), made->items, kept)) {
        evidence_found(&c->report->findings,
                       "\"findings\" does not list what the leaves give reason to");
    }
    for (size_t i = 0; i < kept; i++) {
        evidence_found(&c->report->findings, "%.*s", STR_ARG(made->items[i]));
    }
}

/* The members that are no leaf. `made_at` is a claim (the bundle says so), but a time. */
static void check_frame(struct check *c, const struct json *bundle,
                        const struct note_verifier *verifier)
{
    int64_t made_at;

    check_members(c, bundle, &bundle_whole);
    check_log_member(c, json_get(bundle, S("log")), verifier);
    check_members(c, json_get(bundle, S("unproven")), &bundle_unproven);
    check_sentences(c, bundle, "proves", evidence_proves);
    check_sentences(c, bundle, "does_not_prove", evidence_does_not_prove);
    if (!clock_parse(json_text(json_get(bundle, S("made_at"))), &made_at)) {
        evidence_found(&c->report->findings, "\"made_at\" is no time");
    }
}

/* --- what is neither -------------------------------------------------------------------------- */

#define NOTHING "this is no proof, bundle or export"

/* What people hand in for a proof or a bundle, by how it begins. */
static const struct stranger {
    const char *begins, *says;
} strangers[] = {
    {"<",
     "this is a page for reading: the bundle's JSON is checked, which `fermata audit bundle ID` "
     "writes without --html"},
    {"old ", "this is a proof of growth: give the checkpoint that you kept with --against NOTE"},
    {"{\"entry\":", "these are entries of an export: give the folder that they are in"},
    {"SQLite format 3", "this is a store: `fermata audit verify --data FOLDER` verifies it"},
};

static struct str skip_blanks(struct str text)
{
    text = str_starts(text, S("\xef\xbb\xbf")) ? str_skip(text, 3) : text;
    while (text.n && strchr(" \t\r\n", text.p[0]) && text.p[0]) {
        text = str_skip(text, 1);
    }
    return text;
}

static bool is_note(struct str text)
{
    static const char mark[] = "\n\n\xe2\x80\x94 "; /* before the signatures */

    return text.n < NOTE_MAX && text.n > 0 && memmem(text.p, text.n, mark, sizeof(mark) - 1);
}

/* Why this cannot be a bundle, before it is read as JSON; NULL: it may be one. */
static const char *why_no_bundle(struct str text)
{
    struct str rest = skip_blanks(text), line = rest;
    struct note_verifier verifier;

    for (size_t i = 0; i < COUNT_OF(strangers); i++) {
        if (str_starts(rest, str_of(strangers[i].begins))) {
            return strangers[i].says;
        }
    }
    if (!rest.n) {
        return "the file is empty";
    }
    if (is_note(text)) {
        return "this is a log checkpoint: give it with --against, to a proof of growth or to the "
               "whole store";
    }
    if (note_verifier_parse(str_split(&line, '\n'), &verifier)) {
        return "this is a log's verifier key: give it with --key";
    }
    return rest.p[0] == '{' ? NULL
                            : NOTHING " (`fermata audit prove`, `bundle` and `export` write them)";
}

static enum fm_err parse_bundle(struct check *c, struct str text, const struct json **out)
{
    const char *why = why_no_bundle(text);
    struct str detail;

    if (why) {
        return fail(c->ctx, FM_E_INVALID_ARGUMENT, "%s", why);
    }
    if (json_parse(c->ctx, text, &bundle_limits, out) == FM_OK) {
        return FM_OK;
    }
    detail = arena_printf(c->ctx->arena, "%s", c->ctx->detail);
    ctx_clear(c->ctx);
    return fail(c->ctx, FM_E_INVALID_ARGUMENT, NOTHING ", or one that was damaged: %.*s",
                STR_ARG(detail));
}

static enum fm_err refuse_json(struct check *c, const struct json *value)
{
    const char *why =
        json_get(value, S("proof")) && json_get(value, S("says"))
            ? "this is the answer of `audit prove --json`: the proof is what it has as "
              "\"proof\", or writes with -o"
        : str_eq(json_text(json_get(value, S("format"))), S(EVIDENCE_FORMAT))
            ? "this is an evidence bundle of a version that this program does not know"
            : NOTHING ", but some other JSON";

    return fail(c->ctx, FM_E_INVALID_ARGUMENT, "%s", why);
}

static enum fm_err check_bundle(struct check *c, struct str text,
                                const struct note_verifier *verifier)
{
    struct evidence evidence = {0};
    struct evidence_findings *findings = arena_zalloc(c->ctx->arena, 1, sizeof(*findings));
    const struct json *bundle, *log;
    struct str note;

    TRY(findings ? FM_OK : fail_memory(c->ctx));
    findings->ctx = c->ctx;
    c->report->kind = CHECK_BUNDLE;
    TRY(parse_bundle(c, text, &bundle));
    if (!str_eq(json_text(json_get(bundle, S("format"))), S(EVIDENCE_FORMAT)) ||
        json_number(json_get(bundle, S("v"))) != 1) {
        return refuse_json(c, bundle);
    }
    log = json_get(bundle, S("log"));
    note = json_text(json_get(log, S("checkpoint")));
    TRY(tlog_checkpoint_open(c->ctx, note.p ? note : S(""), verifier, &c->report->checkpoint));
    check_frame(c, bundle, verifier);
    TRY(take_leaves(c, json_get(bundle, S("leaves")), &evidence.leaves, &evidence.count));
    TRY(take_leaves(c, json_get(bundle, S("context")), &evidence.context, &evidence.context_count));
    check_order(c, evidence.context, evidence.context_count);
    TRY(account(c, &evidence, findings, &c->report->summary));
    check_findings(c, bundle, findings);
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
