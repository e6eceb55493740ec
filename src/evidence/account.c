/* SPDX-License-Identifier: Apache-2.0
 *
 * The account of a proposal: what its leaves, their payloads, and a few leaves about people, agent
 * and policy tell together. The same function makes a bundle's summary and checks it.
 *
 * 1. Every word comes from a leaf or from a payload that a leaf commits to.
 * 2. Payloads that were erased leave nulls, not findings.
 */
#include "evidence/evidence.h"

#include <inttypes.h>

#define FORM_BYTES_MAX (4 * MIB) /* the canonical form of 1 MiB may have four times as many bytes */

/* While an account is written. */
struct account {
    struct ctx *ctx;
    const struct evidence *evidence;
    struct evidence_findings *findings;
    struct json_out *out;
    struct life life;
    struct roles_book book;
    const struct json *request;           /* of the newest revision; NULL when erased */
    struct hash digest, arguments_digest; /* of it */
};

/* The payload as JSON; NULL when it was erased or is none. */
static const struct json *payload_of(struct account *a, const struct journal_leaf *leaf)
{
    const struct json *tree = NULL;
    struct ctx own;

    if (!leaf || !leaf->payload.p) {
        return NULL;
    }
    ctx_init(&own, a->ctx->arena);
    if (json_parse(&own, leaf->payload, &JSON_LIMITS_WIRE, &tree) != FM_OK) {
        evidence_found(a->findings, "the payload of leaf %" PRIu64 " is not JSON", leaf->index);
        return NULL;
    }
    return tree;
}

/* --- names and other leaves ------------------------------------------------------------------- */

static const struct journal_leaf *find_context(const struct account *a, enum journal_kind kind,
                                               struct str member, struct str id)
{
    for (size_t i = 0; i < a->evidence->context_count; i++) {
        const struct journal_leaf *leaf = &a->evidence->context[i];
        if (leaf->kind == kind && str_eq(json_text(json_get(leaf->data, member)), id)) {
            return leaf;
        }
    }
    return NULL;
}

static struct str agent_name(struct account *a, struct str id)
{
    const struct journal_leaf *leaf = find_context(a, JOURNAL_AGENT_ADDED, S("agent"), id);

    return json_text(json_get(payload_of(a, leaf), S("name")));
}

static struct str actor_name(struct account *a, const struct journal_leaf *leaf)
{
    const struct role_record *record;

    if (str_eq(leaf->by_kind, S("agent"))) {
        return agent_name(a, leaf->by_id);
    }
    record = leaf->by_id.p ? roles_at(&a->book, leaf->by_id, leaf->index) : NULL;
    return record ? record->name : STR_NONE;
}

static void write_place(struct json_out *out, const struct journal_leaf *leaf)
{
    jo_key(out, "log");
    jo_object(out);
    jo_m_int(out, "index", (int64_t)leaf->index);
    jo_object_end(out);
}

/* {kind, id, name}, and the roles at that time where they are asked for. */
static void write_actor(struct account *a, const struct journal_leaf *leaf, bool with_roles)
{
    const struct role_record *record =
        with_roles && leaf->by_id.p ? roles_at(&a->book, leaf->by_id, leaf->index) : NULL;

    jo_key(a->out, "by");
    jo_object(a->out);
    jo_m_str(a->out, "kind", leaf->by_kind);
    jo_m_str(a->out, "id", leaf->by_id);
    jo_m_str(a->out, "name", actor_name(a, leaf));
    if (with_roles) {
        jo_key(a->out, "roles");
        jo_value(a->out, record ? record->roles : NULL);
        jo_key(a->out, "roles_log");
        if (record) {
            jo_object(a->out);
            jo_m_int(a->out, "index", (int64_t)record->index);
            jo_object_end(a->out);
        } else {
            jo_null(a->out);
        }
    }
    jo_object_end(a->out);
}

/* --- requests and decisions ------------------------------------------------------------------- */

/* Whether the leaf carries a request: the first one does, and every revision. */
static bool is_content(const struct account *a, const struct journal_leaf *leaf)
{
    return leaf == a->life.first || leaf->kind == JOURNAL_PROPOSAL_REVISED;
}

static struct hash canonical_hash(const struct json *value)
{
    AUTO(buf_done) struct buf form = BUF_INIT(FORM_BYTES_MAX);

    if (value) {
        json_write(&form, value);
    }
    return sha256(buf_str(&form));
}

/* From here on this leaf's request is the one that decisions are about. */
static enum fm_err take_content(struct account *a, const struct journal_leaf *leaf,
                                int64_t revision)
{
    const struct json *action = json_get(leaf->data, S("action"));
    struct id agent;

    a->request = payload_of(a, leaf);
    if (!a->request) {
        return FM_OK;
    }
    if (!id_parse(ID_AGENT, leaf->by_id, &agent)) {
        evidence_found(a->findings, "leaf %" PRIu64 " is a proposal of nobody", leaf->index);
        agent = (struct id){{0}};
    }
    if (!action || !json_eq(action, json_get(a->request, S("action")))) {
        evidence_found(a->findings, "leaf %" PRIu64 " names another action than its request",
                       leaf->index);
    }
    a->arguments_digest = canonical_hash(json_get(a->request, S("arguments")));
    return proposal_digest(a->ctx, a->request, leaf->proposal, revision, agent, &a->digest);
}

static bool says_digest(const struct json *content, struct str member, struct hash hash)
{
    struct str text = json_text(json_get(content, member));
    struct hash stated;

    return str_starts(text, S("sha256:")) &&
           hex_decode(str_skip(text, 7), stated.bytes, SHA256_SIZE) && hash_eq(stated, hash);
}

/* What was decided is what the decision's content says: digest, arguments, verdict. */
static void check_content(struct account *a, const struct journal_leaf *leaf,
                          const struct json *content)
{
    const struct json *edited = json_get(content, S("arguments"));
    bool is_edit = life_verdict(leaf) == DECISION_MODIFY;

    if (!content) {
        return;
    }
    if (!str_eq(json_text(json_get(content, S("verdict"))),
                json_text(json_get(leaf->data, S("verdict")))) ||
        is_edit != (edited != NULL)) {
        evidence_found(a->findings, "leaf %" PRIu64 " and its payload decide differently",
                       leaf->index);
    }
    if (a->request && !says_digest(content, S("digest"), a->digest)) {
        evidence_found(a->findings, "leaf %" PRIu64 " decides on something else than the request",
                       leaf->index);
    }
    if ((edited || a->request) &&
        !says_digest(content, S("arguments_digest"),
                     edited ? canonical_hash(edited) : a->arguments_digest)) {
        evidence_found(a->findings, "leaf %" PRIu64 " names a digest that is not of its arguments",
                       leaf->index);
    }
}

static void check_decider(struct account *a, const struct journal_leaf *leaf)
{
    const struct role_record *record =
        leaf->by_id.p ? roles_at(&a->book, leaf->by_id, leaf->index) : NULL;

    if (!str_eq(leaf->by_kind, S("reviewer"))) {
        evidence_found(a->findings, "leaf %" PRIu64 " is a decision by no person", leaf->index);
    } else if (!record) {
        evidence_found(a->findings, "no leaf before %" PRIu64 " says who %.*s is", leaf->index,
                       STR_ARG(leaf->by_id));
    } else if (!record->may_decide) {
        evidence_found(a->findings, "%.*s had no role to decide at leaf %" PRIu64,
                       STR_ARG(leaf->by_id), leaf->index);
    }
}

static void write_final_arguments(struct account *a, const struct json *content)
{
    const struct json *edited = json_get(content, S("arguments"));

    jo_key(a->out, "arguments");
    jo_value(a->out, edited ? edited : json_get(a->request, S("arguments")));
}

static void write_decision(struct account *a, const struct journal_leaf *leaf)
{
    static const char *const copied[] = {"arguments_digest", "changed",     "digest",
                                         "reason",           "reason_code", "severity"};
    const struct json *content = payload_of(a, leaf);

    check_content(a, leaf, content);
    check_decider(a, leaf);
    jo_object(a->out);
    write_place(a->out, leaf);
    jo_m_str(a->out, "at", leaf->at);
    jo_key(a->out, "id");
    jo_value(a->out, json_get(leaf->data, S("decision")));
    jo_key(a->out, "verdict");
    jo_value(a->out, json_get(leaf->data, S("verdict")));
    write_actor(a, leaf, true);
    jo_key(a->out, "via");
    jo_value(a->out, json_get(leaf->data, S("via")));
    jo_key(a->out, "revision");
    jo_value(a->out, json_get(leaf->data, S("revision")));
    jo_m_bool(a->out, "stands", a->life.decision == leaf);
    for (size_t i = 0; i < COUNT_OF(copied); i++) {
        jo_key(a->out, copied[i]);
        jo_value(a->out, json_get(content, str_of(copied[i])));
    }
    write_final_arguments(a, content);
    jo_object_end(a->out);
}

static enum fm_err write_decisions(struct account *a)
{
    int64_t revision = 0;

    jo_key(a->out, "decisions");
    jo_array(a->out);
    for (size_t i = 0; i < a->evidence->count; i++) {
        const struct journal_leaf *leaf = &a->evidence->leaves[i];
        if (is_content(a, leaf)) {
            TRY(take_content(a, leaf, ++revision));
        } else if (leaf->kind == JOURNAL_PROPOSAL_DECIDED) {
            write_decision(a, leaf);
        }
    }
    jo_array_end(a->out);
    return FM_OK;
}

/* --- the whole -------------------------------------------------------------------------------- */

static void write_digest(struct json_out *out, const char *name, bool is_known,
                         const struct hash *hash)
{
    if (is_known) {
        jo_m_digest(out, name, hash_str(hash));
    } else {
        jo_m_null(out, name);
    }
}

static void write_proposal(struct account *a)
{
    const struct journal_leaf *first = a->life.first, *content = a->life.content;
    const struct json *data = content ? content->data : NULL;
    bool is_known = a->life.state != PROPOSAL_STATE_COUNT;

    jo_key(a->out, "proposal");
    jo_object(a->out);
    jo_m_id(a->out, "id", ID_PROPOSAL, first ? first->proposal : (struct id){{0}});
    jo_m_str(a->out, "status", is_known ? str_of(proposal_status(a->life.state)) : STR_NONE);
    jo_m_str(a->out, "created_at", first ? first->at : STR_NONE);
    jo_m_int(a->out, "revision", a->life.revision);
    jo_key(a->out, "action");
    jo_value(a->out, json_get(data, S("action")));
    jo_key(a->out, "category");
    jo_value(a->out, json_get(data, S("category")));
    write_digest(a->out, "digest", a->request, &a->digest);
    write_digest(a->out, "arguments_digest", a->request, &a->arguments_digest);
    jo_key(a->out, "agent");
    jo_object(a->out);
    jo_m_str(a->out, "id", first ? first->by_id : STR_NONE);
    jo_m_str(a->out, "name", first ? agent_name(a, first->by_id) : STR_NONE);
    jo_object_end(a->out);
    jo_key(a->out, "assessed");
    jo_value(a->out, json_get(data, S("verdict")));
    jo_object_end(a->out);
    jo_key(a->out, "request");
    jo_value(a->out, a->request);
}

static void write_policy(struct account *a)
{
    const struct journal_leaf *content = a->life.content;
    struct str id = content ? json_text(json_get(content->data, S("policy"))) : STR_NONE;
    const struct journal_leaf *leaf =
        id.p ? find_context(a, JOURNAL_POLICY_ACTIVATED, S("policy"), id) : NULL;

    jo_key(a->out, "policy");
    if (!leaf) {
        jo_null(a->out);
        return;
    }
    jo_object(a->out);
    jo_m_str(a->out, "id", id);
    jo_key(a->out, "version");
    jo_value(a->out, json_get(leaf->data, S("version")));
    jo_m_str(a->out, "activated_at", leaf->at);
    write_place(a->out, leaf);
    jo_object_end(a->out);
}

/* A moment of the life: null, or where and when it was and by whom. */
static void write_moment(struct account *a, const char *name, const struct journal_leaf *leaf)
{
    jo_key(a->out, name);
    if (!leaf) {
        jo_null(a->out);
        return;
    }
    jo_object(a->out);
    jo_m_str(a->out, "at", leaf->at);
    jo_m_str(a->out, "kind", leaf->kind_name);
    write_actor(a, leaf, false);
    jo_key(a->out, "data");
    jo_value(a->out, leaf->data);
    if (leaf->kind == JOURNAL_PROPOSAL_OUTCOME) {
        jo_key(a->out, "detail");
        jo_value(a->out, json_get(payload_of(a, leaf), S("detail")));
    }
    write_place(a->out, leaf);
    jo_object_end(a->out);
}

static void write_event(struct account *a, const struct journal_leaf *leaf)
{
    AUTO(buf_done) struct buf words = BUF_INIT(2 * TLOG_ENTRY_MAX);

    evidence_words(&words, leaf);
    jo_object(a->out);
    write_place(a->out, leaf);
    jo_m_str(a->out, "at", leaf->at);
    jo_m_str(a->out, "kind", leaf->kind_name);
    write_actor(a, leaf, false);
    jo_m_str(a->out, "says", buf_str(&words));
    if (leaf->kind == JOURNAL_PROPOSAL_COMMENTED) {
        jo_m_str(a->out, "text", leaf->payload);
    }
    jo_object_end(a->out);
}

static void write_events(struct account *a)
{
    jo_key(a->out, "events");
    jo_array(a->out);
    for (size_t i = 0; i < a->evidence->count; i++) {
        write_event(a, &a->evidence->leaves[i]);
    }
    jo_array_end(a->out);
}

static enum fm_err write_account(struct account *a)
{
    for (size_t i = 0; i < a->evidence->context_count; i++) {
        TRY(roles_take(&a->book, a->ctx, &a->evidence->context[i]));
    }
    jo_object(a->out);
    TRY(write_decisions(a));
    write_proposal(a);
    write_policy(a);
    jo_m_bool(a->out, "approved_by_policy", a->life.is_policys);
    write_moment(a, "released", a->life.released);
    write_moment(a, "redeemed", a->life.redeemed);
    write_moment(a, "outcome", a->life.outcome);
    write_moment(a, "ended", a->life.ended);
    write_events(a);
    jo_object_end(a->out);
    return FM_OK;
}

enum fm_err evidence_account(struct ctx *ctx, const struct evidence *evidence, struct json_out *out,
                             struct evidence_findings *findings)
{
    struct account a = {.ctx = ctx, .evidence = evidence, .findings = findings, .out = out};
    enum fm_err err;

    if (!roles_begin(&a.book)) {
        return fail_memory(ctx);
    }
    life_replay(evidence->leaves, evidence->count, &a.life, findings);
    err = write_account(&a);
    roles_done(&a.book);
    return err;
}
