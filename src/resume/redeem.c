/* SPDX-License-Identifier: Apache-2.0
 *
 * Redemption and outcomes. A permit is a claim; whether it still holds is read from the proposal's row,
 * in the transaction that records its use.
 */
#include "resume/resume.h"

SQL(SQL_EPOCH, "SELECT value FROM meta WHERE name = 'epoch'");

enum fm_err resume_epoch(struct ctx *ctx, struct store_conn *conn, int64_t *out)
{
    return store_int(ctx, conn, &SQL_EPOCH, NO_ARGS, 1, out);
}

enum fm_err resume_final_arguments(struct ctx *ctx, struct store_conn *conn,
                                   const struct proposal *proposal, struct hash *out)
{
    struct str payload;
    const struct json *tree;
    struct str hex;

    *out = proposal->arguments_digest;
    if (proposal->verdict != DECISION_MODIFY) {
        return FM_OK;
    }
    TRY(journal_payload(ctx, conn, (uint64_t)proposal->decision_leaf, &payload));
    TRY(json_parse(ctx, payload, &JSON_LIMITS_WIRE, &tree));
    hex = json_text(json_get(tree, S("arguments_digest")));
    if (!str_starts(hex, S("sha256:")) || !hex_decode(str_skip(hex, 7), out->bytes, SHA256_SIZE)) {
        return fail(ctx, FM_E_INTERNAL, "a decision without the digest of its arguments");
    }
    return FM_OK;
}

static enum fm_err already_used(struct ctx *ctx, const struct proposal *proposal)
{
    char at[CLOCK_TEXT_SIZE];

    clock_format(proposal->redeemed_at, at);
    ctx->members = arena_printf(ctx->arena, "\"redeemed_at\":\"%s\"", at);
    return fail(ctx, FM_E_PERMIT_USED,
                "redeemed at %s: ask again with the Idempotency-Key of that attempt for its answer", at);
}

static enum fm_err check_current(struct ctx *ctx, const struct permit_claims *claims,
                                 const struct proposal *proposal, int64_t now_us)
{
    if (!id_eq(claims->permit, proposal->permit) || claims->revision != proposal->revision) {
        return fail(ctx, FM_E_PERMIT_EXPIRED, "superseded: read the proposal again");
    }
    if (proposal->redeemed_at) {
        return already_used(ctx, proposal);
    }
    if (proposal->state != PROPOSAL_APPROVED) {
        return fail(ctx, FM_E_PERMIT_EXPIRED, "the proposal is %s and not to be executed any more",
                    proposal->state == PROPOSAL_SETTLED ? "settled" : proposal_status(proposal->state));
    }
    if (now_us >= proposal->approved_until) {
        return fail(ctx, FM_E_PERMIT_EXPIRED, "the approval has expired: propose again");
    }
    if (now_us >= claims->expires_at) {
        return fail(ctx, FM_E_PERMIT_EXPIRED,
                    "the permit has expired: read the proposal for a fresh one");
    }
    return FM_OK;
}

enum fm_err resume_redeem(struct ctx *ctx, struct store_conn *conn, const struct permit_issuer *issuer,
                          const struct permit_claims *claims, struct hash arguments, struct actor by,
                          int64_t now_us, struct proposal *out)
{
    struct hash approved;
    struct journal_event event = {.kind = JOURNAL_PERMIT_REDEEMED, .by = by, .at_us = now_us};

    if (claims->epoch != issuer->epoch) {
        return fail(ctx, FM_E_PERMIT_EXPIRED, "the store was restored since: this permit is void");
    }
    TRY(proposal_find(ctx, conn, claims->proposal, out));
    TRY(check_current(ctx, claims, out, now_us));
    TRY(resume_final_arguments(ctx, conn, out, &approved));
    if (!hash_eq(arguments, approved) || !hash_eq(claims->arguments, approved)) {
        return fail_at(ctx, FM_E_INVALID_ARGUMENT, S("/arguments"),
                       "these are not the arguments that were approved");
    }
    out->redeemed_at = now_us;
    return proposal_move(ctx, conn, out, PROPOSAL_REDEEMED, event, 0);
}

enum fm_err resume_outcome(struct ctx *ctx, struct store_conn *conn, struct proposal *proposal,
                           enum outcome_status status, struct str detail, struct actor by,
                           int64_t now_us)
{
    AUTO(buf_done) struct buf payload = BUF_INIT(4 * OUTCOME_DETAIL_MAX);
    AUTO(buf_done) struct buf data = BUF_INIT(KIB);
    struct json_out out = JSON_OUT(&payload), data_out = JSON_OUT(&data);

    if (!proposal_may_become(proposal->state, PROPOSAL_SETTLED)) {
        return fail(ctx, FM_E_NOT_APPROVED, "the proposal is %s", proposal_status(proposal->state));
    }
    jo_object(&out);
    jo_m_str(&out, "detail", detail.p ? detail : S(""));
    jo_object_end(&out);
    jo_m_str(&data_out, "status", str_of(outcome_status_name(status)));
    if (!buf_ok(&payload)) {
        return fail_memory(ctx);
    }
    proposal->outcome = status;
    proposal->outcome_at = now_us;
    return proposal_move(ctx, conn, proposal, PROPOSAL_SETTLED,
                         (struct journal_event){.kind = JOURNAL_PROPOSAL_OUTCOME,
                                                .by = by,
                                                .at_us = now_us,
                                                .data = buf_str(&data),
                                                .payload = buf_str(&payload)},
                         PROPOSAL_REFER_OUTCOME);
}
