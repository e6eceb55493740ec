/* SPDX-License-Identifier: Apache-2.0
 *
 * Making evidence: the bundle of a proposal, and the proof of one leaf. All that is said here can
 * be checked without this store (keep/check.c); what cannot stands under "unproven".
 */
#include "insights/insights_internal.h"

#define PROOF_EXTRA_MAX (6 * MIB) /* entry and payload, escaped */

const struct json_limits INSIGHTS_BUNDLE_LIMITS = {
    .bytes = 64 * MIB, .depth = 80, .values = 4 * 1000 * 1000};

enum fm_err insights_covering(struct ctx *ctx, struct store_conn *conn, uint64_t last,
                              struct str *note, uint64_t *size)
{
    TRY(journal_last_checkpoint(ctx, conn, note, size));
    if (last < *size) {
        return FM_OK;
    }
    ctx->retry_after_s = 1;
    return fail(ctx, FM_E_OVERLOADED,
                "leaf %llu is not signed yet: a running server signs within a second, ask again",
                (unsigned long long)last);
}

/* --- one leaf --------------------------------------------------------------------------------- */

static enum fm_err write_extra(struct ctx *ctx, const struct journal_leaf *leaf,
                               enum proof_extra wanted, struct str *out)
{
    AUTO(buf_done)
    struct buf text = BUF_INIT(PROOF_EXTRA_MAX), words = BUF_INIT(2 * TLOG_ENTRY_MAX);
    struct json_out writer = JSON_OUT(&text);

    evidence_words(&words, leaf);
    jo_object(&writer);
    jo_m_str(&writer, "entry", leaf->entry);
    if (wanted == PROOF_ENTRY_AND_PAYLOAD && leaf->payload.p) {
        jo_m_str(&writer, "payload", leaf->payload);
        jo_m_hex(&writer, "salt", leaf->salt);
    }
    jo_m_str(&writer, "says", buf_str(&words));
    jo_m_int(&writer, "v", 1);
    jo_object_end(&writer);
    *out = buf_ok(&text) ? arena_copy(ctx->arena, buf_str(&text)) : STR_NONE;
    return out->p ? FM_OK : fail(ctx, FM_E_TOO_LARGE, "the payload is too large for a proof file");
}

enum fm_err insights_proof(struct ctx *ctx, struct store_conn *conn, uint64_t index,
                           enum proof_extra extra, struct buf *out)
{
    struct tlog_proof_file file = {.index = index};
    struct journal_leaf leaf;
    uint64_t size;

    TRY(journal_read_leaf(ctx, conn, index, &leaf));
    TRY(insights_covering(ctx, conn, index, &file.checkpoint, &size));
    TRY(tlog_prove_inclusion(ctx, journal_read_hash, conn, index, size, &file.proof));
    TRY(write_extra(ctx, &leaf, extra, &file.extra));
    tlog_proof_file_write(out, &file);
    return buf_ok(out) ? FM_OK : fail_memory(ctx);
}

enum fm_err insights_growth(struct ctx *ctx, struct store_conn *conn, uint64_t old_size,
                            struct buf *out)
{
    struct tlog_growth_file file = {.old_size = old_size};
    uint64_t size;

    TRY(journal_last_checkpoint(ctx, conn, &file.checkpoint, &size));
    TRY(tlog_prove_consistency(ctx, journal_read_hash, conn, old_size, size, &file.proof));
    tlog_growth_file_write(out, &file);
    return buf_ok(out) ? FM_OK : fail_memory(ctx);
}

/* --- what belongs to a proposal --------------------------------------------------------------- */

/* The leaves of people, agent and policies that the proposal's leaves name. */
struct gathering {
    const struct journal_leaf *leaves;
    size_t count;
    struct journal_leaf *context;
    size_t context_count;
};

static bool acts_in(const struct gathering *g, struct str id)
{
    for (size_t i = 0; i < g->count; i++) {
        if (id.p && str_eq(g->leaves[i].by_id, id)) {
            return true;
        }
    }
    return false;
}

static bool is_policy_of(const struct gathering *g, struct str id)
{
    for (size_t i = 0; i < g->count; i++) {
        if (id.p && str_eq(json_text(json_get(g->leaves[i].data, S("policy"))), id)) {
            return true;
        }
    }
    return false;
}

static bool belongs(const struct gathering *g, const struct journal_leaf *leaf)
{
    switch ((int)leaf->kind) { /* a choice among many kinds */
    case JOURNAL_PERSON_ADDED:
    case JOURNAL_PERSON_CHANGED:
        return acts_in(g, json_text(json_get(leaf->data, S("person"))));
    case JOURNAL_AGENT_ADDED:
        return acts_in(g, json_text(json_get(leaf->data, S("agent"))));
    case JOURNAL_POLICY_ACTIVATED:
        return is_policy_of(g, json_text(json_get(leaf->data, S("policy"))));
    }
    return false;
}

static enum fm_err gather(void *with, struct ctx *ctx, const struct journal_leaf *leaf)
{
    struct gathering *g = with;

    if (!belongs(g, leaf)) {
        return FM_OK;
    }
    if (g->context_count == BUNDLE_CONTEXT_MAX) {
        return fail(ctx, FM_E_TOO_LARGE, "its people were changed more than %d times",
                    BUNDLE_CONTEXT_MAX);
    }
    return journal_leaf_copy(ctx, leaf, &g->context[g->context_count++]) ? FM_OK : fail_memory(ctx);
}

/* --- writing ---------------------------------------------------------------------------------- */

struct bundle {
    struct ctx *ctx;
    struct store_conn *conn;
    struct json_out out;
    struct str note, vkey;
    uint64_t size;
};

static void write_log(struct bundle *b)
{
    struct str rest = b->note, origin = str_split(&rest, '\n');

    jo_key(&b->out, "log");
    jo_object(&b->out);
    jo_m_str(&b->out, "origin", origin);
    jo_m_str(&b->out, "vkey", b->vkey);
    jo_m_str(&b->out, "checkpoint", b->note);
    jo_object_end(&b->out);
}

static enum fm_err write_leaf(struct bundle *b, const struct journal_leaf *leaf)
{
    struct tlog_proof proof;

    TRY(tlog_prove_inclusion(b->ctx, journal_read_hash, b->conn, leaf->index, b->size, &proof));
    jo_object(&b->out);
    jo_m_int(&b->out, "index", (int64_t)leaf->index);
    jo_m_str(&b->out, "entry", leaf->entry);
    if (leaf->commitment.p) {
        jo_m_str(&b->out, "payload", leaf->payload);
        if (leaf->salt.p) {
            jo_m_hex(&b->out, "salt", leaf->salt);
        } else {
            jo_m_null(&b->out, "salt");
        }
    }
    jo_key(&b->out, "proof");
    jo_array(&b->out);
    for (size_t i = 0; i < proof.count; i++) {
        jo_text(&b->out);
        buf_add_base64(b->out.buf, hash_str(&proof.hashes[i]));
        jo_text_end(&b->out);
    }
    jo_array_end(&b->out);
    jo_object_end(&b->out);
    return buf_ok(b->out.buf) ? FM_OK
                              : fail(b->ctx, FM_E_TOO_LARGE, "the bundle is larger than %zu bytes",
                                     b->out.buf->max);
}

static enum fm_err write_leaves(struct bundle *b, const char *name,
                                const struct journal_leaf *leaves, size_t count)
{
    jo_key(&b->out, name);
    jo_array(&b->out);
    for (size_t i = 0; i < count; i++) {
        TRY(write_leaf(b, &leaves[i]));
    }
    jo_array_end(&b->out);
    return FM_OK;
}

/* From the row: nothing in the log commits to it. */
static void write_unproven(struct bundle *b, const struct proposal *p)
{
    jo_key(&b->out, "unproven");
    jo_object(&b->out);
    jo_m_raw(&b->out, "assessment", p->assessment);
    jo_m_id(&b->out, "permit", ID_PERMIT, p->permit);
    jo_m_time(&b->out, "approved_until", p->approved_until);
    jo_m_str(&b->out, "queue", p->queue);
    jo_m_time(&b->out, "due_at", p->due_at);
    jo_object_end(&b->out);
}

static void write_sentences(struct bundle *b, const char *name,
                            const char *const *(*sentences)(size_t *count))
{
    size_t count;
    const char *const *rows = sentences(&count);

    jo_key(&b->out, name);
    jo_array(&b->out);
    for (size_t i = 0; i < count; i++) {
        jo_str(&b->out, str_of(rows[i]));
    }
    jo_array_end(&b->out);
}

static enum fm_err write_bundle(struct bundle *b, const struct proposal *p,
                                const struct gathering *g)
{
    struct evidence evidence = {g->leaves, g->count, g->context, g->context_count};
    struct evidence_findings *findings = arena_zalloc(b->ctx->arena, 1, sizeof(*findings));

    if (!findings) {
        return fail_memory(b->ctx);
    }
    findings->ctx = b->ctx;
    jo_object(&b->out);
    jo_m_str(&b->out, "format", S(EVIDENCE_FORMAT));
    jo_m_int(&b->out, "v", 1);
    jo_m_time(&b->out, "made_at", clock_now_us());
    write_log(b);
    jo_key(&b->out, "summary");
    TRY(evidence_account(b->ctx, &evidence, &b->out, findings));
    jo_key(&b->out, "findings");
    jo_array(&b->out);
    for (uint64_t i = 0; i < findings->count && i < EVIDENCE_FINDINGS_MAX; i++) {
        jo_str(&b->out, findings->items[i]);
    }
    jo_array_end(&b->out);
    write_unproven(b, p);
    write_sentences(b, "proves", evidence_proves);
    write_sentences(b, "does_not_prove", evidence_does_not_prove);
    TRY(write_leaves(b, "leaves", g->leaves, g->count));
    TRY(write_leaves(b, "context", g->context, g->context_count));
    jo_object_end(&b->out);
    return buf_ok(b->out.buf) ? FM_OK
                              : fail(b->ctx, FM_E_TOO_LARGE, "the bundle is larger than %zu bytes",
                                     b->out.buf->max);
}

enum fm_err insights_bundle(struct ctx *ctx, struct store_conn *conn, struct id proposal,
                            struct str vkey, struct buf *out)
{
    struct bundle b = {.ctx = ctx, .conn = conn, .out = JSON_OUT(out), .vkey = vkey};
    struct gathering g = {.context_count = 0};
    struct journal_leaf *leaves;
    struct proposal p;

    TRY(proposal_find(ctx, conn, proposal, &p));
    TRY(insights_covering(ctx, conn, (uint64_t)p.last_leaf, &b.note, &b.size));
    TRY(journal_read_chain(ctx, conn, proposal, p.last_leaf, JOURNAL_WITH_PAYLOADS, &leaves,
                           &g.count));
    g.leaves = leaves;
    g.context = arena_alloc(ctx->arena, BUNDLE_CONTEXT_MAX * sizeof(*g.context));
    if (!g.context) {
        return fail_memory(ctx);
    }
    TRY(journal_each_standing(ctx, conn, p.last_leaf, gather, &g));
    return write_bundle(&b, &p, &g);
}
