/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this folder share.
 */
#ifndef FM_REVIEW_INTERNAL_H
#define FM_REVIEW_INTERNAL_H

#include "review/review.h"

/* Whether somebody else's claim is in force. */
bool claim_is_held_by_other(const struct proposal *proposal, const struct person *person,
                            int64_t now_us);
/* 409 claimed, with who holds it and until when. */
enum fm_err claim_refused(struct ctx *ctx, const struct proposal *proposal);
/* Puts the claim's fields; a renewal keeps the time of the first claim. */
void claim_set(struct proposal *proposal, const struct person *person, int64_t now_us);
void claim_clear(struct proposal *proposal);
/* Writes what a decision says, canonical: what review_write_decision reads back. */
enum fm_err decision_content(struct ctx *ctx, struct buf *buf, const struct proposal *proposal,
                             const struct decision_request *decision,
                             struct policy_list critical) MUST_CHECK;

#endif
