/* SPDX-License-Identifier: Apache-2.0
 *
 * Deciding and undoing. A decision binds proposal, revision, digest and the authenticated person
 * (invariant 4). An approval waits for the undo time before it is released; a rejection or a return is
 * released at once.
 */
#include "base/panic.h"
#include "review/review_internal.h"

static enum fm_err check_digest(struct ctx *ctx, const struct proposal *proposal, struct hash shown)
{
    if (hash_eq(proposal->digest, shown)) {
        return FM_OK;
    }
    AUTO(buf_done) struct buf members = BUF_INIT(KIB);
    buf_lit(&members, "\"digest\":\"sha256:");
    buf_add_hex(&members, hash_str(&proposal->digest));
    buf_printf(&members, "\",\"revision\":%lld", (long long)proposal->revision);
    ctx->members = arena_copy(ctx->arena, buf_str(&members));
    return fail(ctx, FM_E_DIGEST_MISMATCH, "it has changed since it was shown: read it again");
}

static enum fm_err check_claim(struct ctx *ctx, const struct proposal *proposal,
                               const struct person *person, int64_t now_us)
{
    bool own = proposal->state == PROPOSAL_CLAIMED && proposal->claimed_by == person->row &&
               proposal->claimed_until > now_us;
    int64_t viewed_us = now_us - proposal->claimed_at;

    if (claim_is_held_by_other(proposal, person, now_us)) {
        return claim_refused(ctx, proposal);
    }
    if (proposal->mode == MODE_GLANCE) {
        return FM_OK;
    }
    if (!own) {
        return fail(ctx, FM_E_CLAIM_FIRST, "claim it, read it, then decide");
    }
    if (viewed_us < READ_MODE_MIN_US) {
        ctx->retry_after_s = 1 + (unsigned)((READ_MODE_MIN_US - viewed_us) / SECOND_US);
        return fail(ctx, FM_E_TOO_FAST, "this mode asks for at least %d s of reading",
                    (int)(READ_MODE_MIN_US / SECOND_US));
    }
    return FM_OK;
}

/* A change at or below a critical pointer. */
static bool touches(struct str pointer, struct str critical)
{
    struct str rest = str_skip(pointer, critical.n);

    return str_starts(critical, pointer) ||
           (str_starts(pointer, critical) && (rest.n == 0 || rest.p[0] == '/'));
}

static enum fm_err check_severity(struct ctx *ctx, const struct decision_request *decision,
                                  const struct json_change *changes, size_t count,
                                  struct policy_list critical)
{
    for (size_t i = 0; decision->minor && i < count; i++) {
        for (size_t k = 0; k < critical.count; k++) {
            if (touches(changes[i].pointer, critical.items[k])) {
                return fail_at(ctx, FM_E_INVALID_ARGUMENT, S("/severity"),
                               "%.*s is a critical member: its change is material",
                               STR_ARG(critical.items[k]));
            }
        }
    }
    return FM_OK;
}

static void write_changes(struct json_out *out, const struct json_change *changes, size_t count)
{
    jo_key(out, "changed");
    jo_array(out);
    for (size_t i = 0; i < count; i++) {
        jo_object(out);
        jo_key(out, "from");
        jo_value(out, changes[i].from);
        jo_m_str(out, "pointer", changes[i].pointer);
        jo_key(out, "to");
        jo_value(out, changes[i].to);
        jo_object_end(out);
    }
    jo_array_end(out);
}

/* The decision's content, beside the log: what review_write_decision reads back. Canonical. */
enum fm_err decision_content(struct ctx *ctx, struct buf *buf, const struct proposal *proposal,
                             const struct decision_request *decision, struct policy_list critical)
{
    struct json_out out = JSON_OUT(buf);
    const struct json_change *changes = NULL;
    size_t count = 0;

    if (decision->arguments) {
        TRY(json_diff(ctx, decision->proposed, decision->arguments, CHANGES_MAX, &changes, &count));
        if (count == 0) { /* an approval under another name, counted as the agent's error */
            return fail_at(ctx, FM_E_INVALID_ARGUMENT, S("/arguments"),
                           "nothing is changed: approve, or change something");
        }
        TRY(check_severity(ctx, decision, changes, count, critical));
    }
    jo_object(&out);
    if (decision->arguments) {
        jo_key(&out, "arguments");
        jo_value(&out, decision->arguments);
    }
    jo_m_digest(&out, "arguments_digest", hash_str(&decision->arguments_digest));
    write_changes(&out, changes, count);
    jo_m_digest(&out, "digest", hash_str(&proposal->digest));
    jo_m_str(&out, "reason", decision->reason);
    jo_m_str(&out, "reason_code", decision->reason_code);
    jo_m_str(&out, "severity",
             decision->arguments ? (decision->minor ? S("minor") : S("material")) : STR_NONE);
    jo_m_str(&out, "verdict", str_of(decision_verdict_name(decision->verdict)));
    jo_object_end(&out);
    return buf_ok(buf) ? FM_OK : fail_memory(ctx);
}

static enum proposal_state state_after(const struct proposal *proposal, enum decision_verdict verdict)
{
    switch (verdict) {
    case DECISION_APPROVE:
    case DECISION_MODIFY:
        return proposal->undo_us > 0 ? PROPOSAL_UNDO : PROPOSAL_APPROVED;
    case DECISION_REJECT:
        return PROPOSAL_REJECTED;
    case DECISION_RETURN:
        return PROPOSAL_RETURNED;
    }
    PANIC("a decision without a verdict");
}

static void set_decision(struct proposal *proposal, const struct person *person, enum decide_via via,
                         enum decision_verdict verdict, int64_t valid_for_us, int64_t now_us)
{
    proposal->decision = id_new();
    proposal->verdict = verdict;
    proposal->decided_by = person->row;
    proposal->decided_at = now_us;
    proposal->via = via;
    claim_set(proposal, person, now_us); /* kept for an undo: the same claim */
    if (verdict <= DECISION_MODIFY) {
        proposal->release_at = proposal->undo_us > 0 ? now_us + proposal->undo_us : 0;
        proposal->permit = id_new();
        proposal->approved_until = now_us + proposal->undo_us + valid_for_us;
    }
}

enum fm_err review_check(struct ctx *ctx, struct store_conn *conn, const struct proposal *proposal,
                         const struct person *person, const struct decision_request *decision,
                         int64_t now_us)
{
    if (!proposal_is_pending(proposal) || proposal->state == PROPOSAL_UNDO) {
        return review_ended(ctx, conn, proposal);
    }
    TRY(review_refuse_overdue(ctx, conn, proposal, now_us));
    TRY(check_digest(ctx, proposal, decision->digest));
    return check_claim(ctx, proposal, person, now_us);
}

enum fm_err review_decide(struct ctx *ctx, struct store_conn *conn, struct proposal *proposal,
                          const struct person *person, enum decide_via via,
                          const struct decision_request *decision, struct policy_list critical,
                          int64_t valid_for_us, int64_t now_us)
{
    AUTO(buf_done) struct buf content = BUF_INIT(4 * MIB);
    AUTO(buf_done) struct buf data = BUF_INIT(KIB);
    struct json_out data_out = JSON_OUT(&data);
    enum proposal_state to = state_after(proposal, decision->verdict);

    TRY(review_check(ctx, conn, proposal, person, decision, now_us));
    TRY(decision_content(ctx, &content, proposal, decision, critical));
    set_decision(proposal, person, via, decision->verdict, valid_for_us, now_us);
    jo_m_id(&data_out, "decision", ID_DECISION, proposal->decision);
    if (decision->verdict <= DECISION_MODIFY && proposal->release_at) {
        jo_m_time(&data_out, "release_at", proposal->release_at);
    }
    jo_m_bool(&data_out, "released", to != PROPOSAL_UNDO); /* what agents see of it, and when */
    jo_m_int(&data_out, "revision", proposal->revision);
    jo_m_str(&data_out, "verdict", str_of(decision_verdict_name(decision->verdict)));
    jo_m_str(&data_out, "via", via == VIA_TOKEN ? S("token") : S("page"));
    return proposal_move(ctx, conn, proposal, to,
                         (struct journal_event){.kind = JOURNAL_PROPOSAL_DECIDED,
                                                .by = {ACTOR_REVIEWER, person->id},
                                                .at_us = now_us,
                                                .data = buf_str(&data),
                                                .payload = buf_str(&content)},
                         PROPOSAL_REFER_DECISION);
}

/* Too late: 409, with who ended it; 422 where there is nothing to undo. */
static enum fm_err not_undoable(struct ctx *ctx, struct store_conn *conn,
                                const struct proposal *proposal)
{
    bool is_over = proposal->state == PROPOSAL_WITHDRAWN || proposal->state == PROPOSAL_EXPIRED;
    enum fm_err ended;

    if (proposal_is_pending(proposal)) {
        return fail(ctx, FM_E_NOT_DECIDED, "it is pending: there is no decision to undo");
    }
    ended = review_ended(ctx, conn, proposal); /* its members say who and when */
    if (ended != FM_E_ALREADY_DECIDED || is_over) {
        return ended;
    }
    return fail(ctx, FM_E_ALREADY_RELEASED, "the agent has it: it cannot be undone");
}

enum fm_err review_undo(struct ctx *ctx, struct store_conn *conn, struct proposal *proposal,
                        const struct person *person, int64_t now_us)
{
    AUTO(buf_done) struct buf data = BUF_INIT(KIB);
    struct json_out data_out = JSON_OUT(&data);
    int64_t holder = proposal->decided_by;

    if (proposal->state != PROPOSAL_UNDO) {
        return not_undoable(ctx, conn, proposal);
    }
    if (proposal->decided_by != person->row && !(person->roles & ROLE_BIT(ROLE_LEAD))) {
        return fail(ctx, FM_E_FORBIDDEN, "only the person who decided, or a lead, may undo it");
    }
    jo_m_id(&data_out, "decision", ID_DECISION, proposal->decision);
    proposal->decision = proposal->permit = (struct id){{0}};
    proposal->verdict = proposal->decided_by = proposal->decided_at = proposal->via = 0;
    proposal->release_at = proposal->approved_until = 0;
    proposal->decision_leaf = -1;
    proposal->claimed_by = holder;
    proposal->claimed_until = now_us + CLAIM_US;
    return proposal_move(ctx, conn, proposal, PROPOSAL_CLAIMED,
                         (struct journal_event){.kind = JOURNAL_PROPOSAL_UNDONE,
                                                .by = {ACTOR_REVIEWER, person->id},
                                                .at_us = now_us,
                                                .data = buf_str(&data)},
                         0);
}

SQL(SQL_COMMENT, "INSERT INTO comments(id, proposal, person, at, leaf)"
                 " VALUES($id, $proposal, $person, $at, $leaf)");

enum fm_err review_comment(struct ctx *ctx, struct store_conn *conn, struct proposal *proposal,
                           const struct person *person, struct str text, int64_t now_us,
                           struct id *id)
{
    struct journal_event event = {.kind = JOURNAL_PROPOSAL_COMMENTED,
                                  .by = {ACTOR_REVIEWER, person->id},
                                  .at_us = now_us,
                                  .payload = text};

    *id = id_new();
    TRY(proposal_save(ctx, conn, proposal, event));
    return store_exec(ctx, conn, &SQL_COMMENT,
                      ARGS(A_ID("$id", id), A_INT("$proposal", proposal->row),
                           A_INT("$person", person->row), A_INT("$at", now_us),
                           A_INT("$leaf", proposal->last_leaf)));
}
