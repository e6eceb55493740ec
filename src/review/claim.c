/* SPDX-License-Identifier: Apache-2.0
 *
 * Claims: a reviewer's lease of ten minutes on a held proposal, so that two do not work on the same one.
 */
#include "review/review_internal.h"

bool claim_is_held_by_other(const struct proposal *proposal, const struct person *person, int64_t now_us)
{
    return proposal->state == PROPOSAL_CLAIMED && proposal->claimed_by != person->row &&
           proposal->claimed_until > now_us;
}

enum fm_err claim_refused(struct ctx *ctx, const struct proposal *proposal)
{
    const struct directory *directory = directory_keep();
    const struct person *holder = directory_person_by_row(directory, proposal->claimed_by);
    AUTO(buf_done) struct buf members = BUF_INIT(4 * KIB);
    struct json_out out = JSON_OUT(&members);

    jo_key(&out, "claimed_by");
    jo_object(&out);
    jo_m_id(&out, "id", ID_PERSON, holder ? holder->id : (struct id){{0}});
    jo_m_str(&out, "name", holder ? holder->name : STR_NONE);
    jo_m_time(&out, "until", proposal->claimed_until);
    jo_object_end(&out);
    ctx->members = arena_copy(ctx->arena, buf_str(&members));
    (void)fail(ctx, FM_E_CLAIMED, "%.*s works on it", STR_ARG(holder ? holder->name : S("somebody")));
    directory_drop(directory);
    return FM_E_CLAIMED;
}

void claim_set(struct proposal *proposal, const struct person *person, int64_t now_us)
{
    if (proposal->claimed_by != person->row || proposal->claimed_at == 0) {
        proposal->claimed_at = now_us;
    }
    proposal->claimed_by = person->row;
    proposal->claimed_until = now_us + CLAIM_US;
}

void claim_clear(struct proposal *proposal)
{
    proposal->claimed_by = proposal->claimed_at = proposal->claimed_until = 0;
}

enum fm_err review_claim(struct ctx *ctx, struct store_conn *conn, struct proposal *proposal,
                         const struct person *person, int64_t now_us)
{
    bool renews = proposal->state == PROPOSAL_CLAIMED && proposal->claimed_by == person->row;
    struct journal_event event = {
        .kind = JOURNAL_PROPOSAL_CLAIMED, .by = {ACTOR_REVIEWER, person->id}, .at_us = now_us};

    if (!proposal_is_pending(proposal) || proposal->state == PROPOSAL_UNDO) {
        return review_ended(ctx, conn, proposal);
    }
    TRY(review_refuse_overdue(ctx, conn, proposal, now_us));
    if (claim_is_held_by_other(proposal, person, now_us)) {
        return claim_refused(ctx, proposal);
    }
    if (renews) { /* the heartbeat is no news for the log */
        claim_set(proposal, person, now_us);
        event.kind = JOURNAL_KIND_COUNT;
        return proposal_save(ctx, conn, proposal, event);
    }
    if (proposal->state == PROPOSAL_CLAIMED) { /* somebody's that has run out */
        claim_clear(proposal);
        claim_set(proposal, person, now_us);
        return proposal_save(ctx, conn, proposal, event);
    }
    claim_clear(proposal);
    claim_set(proposal, person, now_us);
    return proposal_move(ctx, conn, proposal, PROPOSAL_CLAIMED, event, 0);
}

enum fm_err review_unclaim(struct ctx *ctx, struct store_conn *conn, struct proposal *proposal,
                           const struct person *person, int64_t now_us)
{
    struct journal_event event = {
        .kind = JOURNAL_PROPOSAL_UNCLAIMED, .by = {ACTOR_REVIEWER, person->id}, .at_us = now_us};

    if (!proposal_is_pending(proposal) || proposal->state == PROPOSAL_UNDO) {
        return review_ended(ctx, conn, proposal);
    }
    if (proposal->state != PROPOSAL_CLAIMED) {
        return FM_OK; /* nothing to give back: the wish is fulfilled */
    }
    if (claim_is_held_by_other(proposal, person, now_us) && !(person->roles & ROLE_BIT(ROLE_LEAD))) {
        return claim_refused(ctx, proposal);
    }
    claim_clear(proposal);
    return proposal_move(ctx, conn, proposal, PROPOSAL_WAITING, event, 0);
}
