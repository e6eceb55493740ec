/* SPDX-License-Identifier: Apache-2.0
 *
 * Stage 3: a proposal IS HELD, ROUTED, DECIDED. Who may decide what, claims (a lease of ten minutes),
 * decisions, undo, escalation and expiry. Every function that writes runs inside a command of the
 * committer and changes states only through proposal_move. Nothing in a request body says who decides.
 */
#ifndef FM_REVIEW_H
#define FM_REVIEW_H

#include "people/people.h"
#include "proposal/proposal.h"

#define CLAIM_US (10 * MINUTE_US)
#define READ_MODE_MIN_US (2 * SECOND_US) /* from claim to decision in `read` mode, by the server's clock */
#define REASON_MAX (8 * KIB)
#define COMMENT_MAX (8 * KIB)
#define CHANGES_MAX 200 /* differences listed of a modification */

/* Sets the times of a fresh hold: due, escalation to the queue's backup after half of respond_within. */
void review_hold(struct proposal *proposal, const struct policy *policy, int64_t now_us);

/* Whether this person may see a proposal, and whether they may decide it. Errors: FM_E_FORBIDDEN without
 * a deciding role, FM_E_NOT_QUALIFIED when not a member of its queue. */
bool review_may_see(const struct policy *policy, const struct person *person,
                    const struct proposal *proposal);
enum fm_err review_may_decide(struct ctx *ctx, const struct policy *policy, const struct person *person,
                              const struct proposal *proposal) MUST_CHECK;

/* Claims, or renews one's own claim. Errors: FM_E_CLAIMED (by somebody else), FM_E_ALREADY_DECIDED. */
enum fm_err review_claim(struct ctx *ctx, struct store_conn *conn, struct proposal *proposal,
                         const struct person *person, int64_t now_us) MUST_CHECK;
/* Gives a claim back: one's own, or anybody's for a lead. */
enum fm_err review_unclaim(struct ctx *ctx, struct store_conn *conn, struct proposal *proposal,
                           const struct person *person, int64_t now_us) MUST_CHECK;

struct decision_request {
    enum decision_verdict verdict;
    struct hash digest; /* of what the person was shown */
    const struct json *proposed;  /* the arguments as the agent proposed them */
    const struct json *arguments; /* of a modification; NULL otherwise */
    struct hash arguments_digest; /* of the final arguments */
    struct str reason, reason_code;
    bool minor; /* severity "minor" was asked for */
};

/* Whether this person may record this decision now. Errors: FM_E_ALREADY_DECIDED,
 * FM_E_DIGEST_MISMATCH, FM_E_CLAIMED, FM_E_CLAIM_FIRST, FM_E_TOO_FAST. */
enum fm_err review_check(struct ctx *ctx, struct store_conn *conn, const struct proposal *proposal,
                         const struct person *person, const struct decision_request *decision,
                         int64_t now_us) MUST_CHECK;
/* Whether it was read as the stricter modes ask, when the person (a row) decided at `at_us`. */
bool review_was_read(const struct proposal *proposal, int64_t person, int64_t at_us);

/* Hands a proposal over to those whom an approval takes now, instead of recording it: the hold and
 * the assessment are changed already. `from` is the queue before. The content of a `modify` stays
 * as an edit for them; a claim ends where the queue is another one. */
enum fm_err review_hand_over(struct ctx *ctx, struct store_conn *conn, struct proposal *proposal,
                             const struct person *person, const struct decision_request *decision,
                             struct policy_list critical, struct str from,
                             int64_t now_us) MUST_CHECK;

/* Writes the edit that waits for somebody else's decision: {arguments, by, changed, reason}, or
 * null. */
enum fm_err review_write_edit(struct ctx *ctx, struct json_out *out, struct store_conn *conn,
                              const struct proposal *proposal) MUST_CHECK;

/* Decides. `critical` are the pointers whose change makes a modification material; an approval holds for
 * `valid_for_us`. Errors: FM_E_ALREADY_DECIDED,
 * FM_E_DIGEST_MISMATCH, FM_E_CLAIMED, FM_E_CLAIM_FIRST, FM_E_TOO_FAST, FM_E_INVALID_ARGUMENT. */
enum fm_err review_decide(struct ctx *ctx, struct store_conn *conn, struct proposal *proposal,
                          const struct person *person, enum decide_via via,
                          const struct decision_request *decision, struct policy_list critical,
                          int64_t valid_for_us, int64_t now_us) MUST_CHECK;

/* Takes a decision back before its release: to the same person's claim. */
enum fm_err review_undo(struct ctx *ctx, struct store_conn *conn, struct proposal *proposal,
                        const struct person *person, int64_t now_us) MUST_CHECK;

/* Adds a colleague's note; `*id` is the comment's. */
enum fm_err review_comment(struct ctx *ctx, struct store_conn *conn, struct proposal *proposal,
                           const struct person *person, struct str text, int64_t now_us,
                           struct id *id) MUST_CHECK;

/* What time does to one proposal (called by the sweep until it returns false in `*again`): release after
 * undo, return of an expired claim, deadline, expiry, escalation, end of an approval. `*kind` is the event
 * that happened, JOURNAL_KIND_COUNT for none. `stricter` says why it must not be released now
 * ("paused"), NULL if it may. */
enum fm_err review_time(struct ctx *ctx, struct store_conn *conn, struct proposal *proposal,
                        const struct policy *policy, const char *stricter, int64_t now_us,
                        enum journal_kind *kind) MUST_CHECK;

/* The 409 of an expired proposal where the time is up but the clock thread has not come to it: nothing
 * slips in between (invariant 5). FM_OK while there is time, or no time limit. */
enum fm_err review_refuse_overdue(struct ctx *ctx, struct store_conn *conn,
                                  const struct proposal *proposal, int64_t now_us) MUST_CHECK;

/* 409 with who decided and when, or who ended it otherwise: for the loser of a race. */
enum fm_err review_ended(struct ctx *ctx, struct store_conn *conn, const struct proposal *proposal)
    MUST_CHECK;

/* Writes the members kind, id and name of whoever decided or ended the proposal into an open object. */
enum fm_err review_write_decider(struct ctx *ctx, struct json_out *out, struct store_conn *conn,
                                 const struct proposal *proposal) MUST_CHECK;

/* Writes the decision object of 03, or null while there is none. `arguments` are the proposed ones, for a
 * decision that did not change them (NULL when erased). Names come from the directory of the moment. */
enum fm_err review_write_decision(struct ctx *ctx, struct json_out *out, struct store_conn *conn,
                                  const struct proposal *proposal, const struct json *arguments)
    MUST_CHECK;

#endif
