/* SPDX-License-Identifier: Apache-2.0
 *
 * What time does to a held proposal. Time never approves: it releases what a person approved, moves a
 * hold to the backup, gives claims back, and ends what nobody answered (invariant 5).
 */
#include "review/review_internal.h"

static bool reached(int64_t moment, int64_t now_us)
{
    return moment != 0 && moment <= now_us;
}

static enum fm_err move(struct ctx *ctx, struct store_conn *conn, struct proposal *proposal,
                        enum proposal_state to, enum journal_kind kind, const char *why, int64_t now_us)
{
    AUTO(buf_done) struct buf data = BUF_INIT(KIB);
    struct json_out out = JSON_OUT(&data);

    jo_m_str(&out, "why", str_of(why));
    return proposal_move(ctx, conn, proposal, to,
                         (struct journal_event){.kind = kind,
                                                .by = {.kind = ACTOR_CLOCK},
                                                .at_us = now_us,
                                                .data = buf_str(&data)},
                         0);
}

/* The undo time is over. What has become stricter since sends it back to people instead. */
static enum fm_err release(struct ctx *ctx, struct store_conn *conn, struct proposal *proposal,
                           const char *stricter, int64_t now_us, enum journal_kind *kind)
{
    if (!stricter) {
        *kind = JOURNAL_PROPOSAL_RELEASED;
        return move(ctx, conn, proposal, PROPOSAL_APPROVED, *kind, "undo_over", now_us);
    }
    *kind = JOURNAL_PROPOSAL_UNDONE;
    proposal->verdict = proposal->decided_by = proposal->decided_at = proposal->via = 0;
    proposal->release_at = proposal->approved_until = 0;
    proposal->decision = proposal->permit = (struct id){{0}};
    proposal->decision_leaf = -1;
    claim_clear(proposal);
    return move(ctx, conn, proposal, PROPOSAL_WAITING, *kind, stricter, now_us);
}

static enum fm_err escalate(struct ctx *ctx, struct store_conn *conn, struct proposal *proposal,
                            const struct policy *policy, int64_t now_us, enum journal_kind *kind)
{
    const struct policy_queue *queue = policy_queue(policy, proposal->queue);
    AUTO(buf_done) struct buf data = BUF_INIT(KIB);
    struct json_out out = JSON_OUT(&data);

    proposal->escalate_at = 0;
    if (!queue || !queue->backup.p) { /* the policy has changed since */
        return proposal_save(ctx, conn, proposal,
                             (struct journal_event){.kind = JOURNAL_KIND_COUNT});
    }
    jo_m_str(&out, "from", proposal->queue);
    jo_m_str(&out, "to", queue->backup);
    proposal->queue = queue->backup;
    proposal->escalations++;
    *kind = JOURNAL_PROPOSAL_ESCALATED;
    return proposal_save(ctx, conn, proposal,
                         (struct journal_event){.kind = *kind,
                                                .by = {.kind = ACTOR_CLOCK},
                                                .at_us = now_us,
                                                .data = buf_str(&data)});
}

/* A decision that was never released does not stand. */
static void drop_unreleased(struct proposal *proposal)
{
    if (proposal->state == PROPOSAL_UNDO) {
        proposal->verdict = proposal->decided_by = proposal->decided_at = proposal->via = 0;
        proposal->permit = proposal->decision = (struct id){{0}};
        proposal->decision_leaf = -1;
    }
}

static enum fm_err expire(struct ctx *ctx, struct store_conn *conn, struct proposal *proposal,
                          const char *why, int64_t now_us, enum journal_kind *kind)
{
    *kind = JOURNAL_PROPOSAL_EXPIRED;
    drop_unreleased(proposal);
    return move(ctx, conn, proposal, PROPOSAL_EXPIRED, *kind, why, now_us);
}

static bool waits(const struct proposal *proposal)
{
    return proposal->state == PROPOSAL_WAITING || proposal->state == PROPOSAL_CLAIMED;
}

static bool nobody_answered(const struct proposal *proposal, int64_t now_us)
{
    return waits(proposal) && proposal->on_expiry == ON_EXPIRY_EXPIRE &&
           reached(proposal->due_at, now_us);
}

static bool is_past_deadline(const struct proposal *proposal, int64_t now_us)
{
    bool open = proposal_is_pending(proposal) || proposal->state == PROPOSAL_RETURNED;

    return open && reached(proposal->deadline_at, now_us);
}

enum fm_err review_refuse_overdue(struct ctx *ctx, struct store_conn *conn,
                                  const struct proposal *proposal, int64_t now_us)
{
    struct proposal expired = *proposal;

    if (!is_past_deadline(proposal, now_us) && !nobody_answered(proposal, now_us)) {
        return FM_OK;
    }
    drop_unreleased(&expired);
    expired.state = PROPOSAL_EXPIRED;
    expired.updated_at = now_us;
    return review_ended(ctx, conn, &expired);
}

enum fm_err review_time(struct ctx *ctx, struct store_conn *conn, struct proposal *proposal,
                        const struct policy *policy, const char *stricter, int64_t now_us,
                        enum journal_kind *kind)
{
    *kind = JOURNAL_KIND_COUNT;
    if (is_past_deadline(proposal, now_us)) {
        return expire(ctx, conn, proposal, "deadline", now_us, kind);
    }
    if (proposal->state == PROPOSAL_UNDO && reached(proposal->release_at, now_us)) {
        return release(ctx, conn, proposal, stricter, now_us, kind);
    }
    if (nobody_answered(proposal, now_us)) {
        return expire(ctx, conn, proposal, "nobody_answered", now_us, kind);
    }
    if (waits(proposal) && reached(proposal->escalate_at, now_us)) {
        return escalate(ctx, conn, proposal, policy, now_us, kind);
    }
    if (proposal->state == PROPOSAL_CLAIMED && reached(proposal->claimed_until, now_us)) {
        claim_clear(proposal);
        *kind = JOURNAL_PROPOSAL_UNCLAIMED;
        return move(ctx, conn, proposal, PROPOSAL_WAITING, *kind, "claim_over", now_us);
    }
    if (proposal->state == PROPOSAL_APPROVED && reached(proposal->approved_until, now_us)) {
        return expire(ctx, conn, proposal, "approval_over", now_us, kind);
    }
    return FM_OK;
}
