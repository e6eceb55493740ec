/* SPDX-License-Identifier: Apache-2.0
 *
 * Stage 4: the agent RESUMES. Permits (compact JWS with EdDSA), their one redemption, and outcomes.
 */
#ifndef FM_RESUME_H
#define FM_RESUME_H

#include "proposal/proposal.h"

#define PERMIT_US (10 * MINUTE_US) /* life of one issue; reading the proposal issues it again */
#define PERMIT_BYTES_MAX (4 * KIB)
#define OUTCOME_DETAIL_MAX (8 * KIB)

/* What signs permits and for whom. Read-only after start. */
struct permit_issuer {
    struct sign_key key;
    char kid[KID_SIZE];
    struct str issuer; /* the server's origin */
    int64_t epoch;
};

struct permit_claims {
    struct id agent, permit, proposal, decision;
    struct str audience, action;
    int64_t issued_at, expires_at; /* microseconds, whole seconds */
    int64_t revision, epoch;
    struct hash arguments;
};

/* Appends the permit for an approved, unredeemed proposal: `agent` its proposing agent, `audience` the
 * action's executor or NULL for the agent, `arguments` the digest of the final arguments. Ends at the
 * earlier of PERMIT_US and approved_until. Any thread. */
void permit_issue(struct buf *buf, const struct permit_issuer *issuer, const struct proposal *proposal,
                  struct id agent, struct str audience, struct hash arguments, int64_t now_us);

/* Checks signature and form of a permit. Errors: FM_E_INVALID_ARGUMENT for anything that this server did
 * not sign. Says nothing of expiry, epoch and use: that is the redemption's work. Any thread. */
enum fm_err permit_read(struct ctx *ctx, const struct permit_issuer *issuer, struct str permit,
                        struct permit_claims *out) MUST_CHECK;

/* Redeems: once, in the same transaction as its record (invariant 6). `arguments` is the digest of what
 * the executor is about to run. Errors: FM_E_PERMIT_USED with redeemed_at, FM_E_PERMIT_EXPIRED (expired,
 * superseded, another epoch), FM_E_INVALID_ARGUMENT (other arguments). Committer's thread. */
enum fm_err resume_redeem(struct ctx *ctx, struct store_conn *conn, const struct permit_issuer *issuer,
                          const struct permit_claims *claims, struct hash arguments, struct actor by,
                          int64_t now_us, struct proposal *out) MUST_CHECK;

/* Reports an outcome. FM_E_NOT_APPROVED unless the proposal was approved. */
enum fm_err resume_outcome(struct ctx *ctx, struct store_conn *conn, struct proposal *proposal,
                           enum outcome_status status, struct str detail, struct actor by,
                           int64_t now_us) MUST_CHECK;

/* The epoch of this store: it rises with every restore, and permits of an older one are void. */
enum fm_err resume_epoch(struct ctx *ctx, struct store_conn *conn, int64_t *out) MUST_CHECK;

/* Digest of the final arguments of a decided proposal: the modified ones, or the proposed ones. Reads the
 * decision's payload where there was a modification. */
enum fm_err resume_final_arguments(struct ctx *ctx, struct store_conn *conn,
                                   const struct proposal *proposal, struct hash *out) MUST_CHECK;

#endif
