/* SPDX-License-Identifier: Apache-2.0
 *
 * What leaves of the log tell about a proposal: its life replayed, who decided in which roles, and
 * all of it as one account. Pure functions over leaves: no store, no clock, no names from anywhere
 * but the leaves' own payloads, so that the maker of an evidence bundle and its checker come to the
 * same words.
 *
 * 1. Nothing is believed: leaves that contradict each other give findings, never an account
 *    without.
 * 2. Whoever calls has held leaves against proofs, and payloads against commitments, or does not
 *    care.
 */
#ifndef FM_EVIDENCE_H
#define FM_EVIDENCE_H

#include "people/people.h"
#include "proposal/proposal.h"

#define EVIDENCE_FORMAT       "fermata-evidence-bundle"
#define EVIDENCE_FINDINGS_MAX 100 /* kept in words; more are only counted */

/* What does not fit, in sentences. */
struct evidence_findings {
    struct ctx *ctx; /* the sentences live in its arena */
    uint64_t count;
    struct str items[EVIDENCE_FINDINGS_MAX];
};
/* Adds a sentence; does nothing when `findings` is NULL. */
void evidence_found(struct evidence_findings *findings, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A life --------------------------------------------------------------------------------------- */

struct life {
    enum proposal_state state; /* PROPOSAL_STATE_COUNT: nothing has happened yet */
    int64_t revision;
    const struct journal_leaf *first;
    const struct journal_leaf *content;  /* the newest that carries the request: held, or revised */
    const struct journal_leaf *decision; /* by a person, that stands; NULL: none does */
    const struct journal_leaf *released; /* when the approval became visible; NULL: never */
    const struct journal_leaf *redeemed, *outcome, *ended;
    bool is_policys; /* approved by the policy, in its first leaf */
};

/* Replays leaves, the first one first, through the table of proposal.h. What is no legal move,
 * or names another proposal, is a finding, and the replay goes on behind it. */
void life_replay(const struct journal_leaf *leaves, size_t count, struct life *out,
                 struct evidence_findings *findings);

/* The verdict of a decision's leaf; 0 when it has none that is known. */
enum decision_verdict life_verdict(const struct journal_leaf *decision);
/* Whether the first leaf says that the assessment demanded a person. */
bool life_demands_person(const struct life *life);

/* Roles at a time ------------------------------------------------------------------------------ */

/* What a leaf made of somebody's roles. */
struct role_record {
    uint64_t index;           /* of that leaf */
    const struct json *roles; /* an array of names */
    struct str name;          /* of the person; absent when erased */
    bool may_decide;          /* reviewer or lead among them */
    struct role_record *older;
};

/* All role records that were taken in; lives in the arena of its context. */
struct roles_book {
    struct map *people; /* id as text -> struct role_record, the newest */
};
/* An empty book; false when memory is short. */
bool roles_begin(struct roles_book *book) MUST_CHECK;
void roles_done(struct roles_book *book);
/* Takes in a leaf that makes or changes a person; others are passed over. Leaves come in the
 * order of the log. `with` is the book. */
journal_visit_fn roles_take;
/* The person's record as of leaf `index`; NULL when the leaves know nobody of that id then. */
const struct role_record *roles_at(const struct roles_book *book, struct str person,
                                   uint64_t index);

/* The account ---------------------------------------------------------------------------------- */

struct evidence {
    const struct journal_leaf *leaves; /* of the proposal, the first one first */
    size_t count;
    const struct journal_leaf
        *context; /* of people, the agent and policies, in the order of the log */
    size_t context_count;
};

/* Writes what the leaves tell as one object: proposal, request, policy, decisions with the
 * deciders' roles at that time, release, redemption, outcome, events. Findings: illegal moves,
 * digests that are not those of what was decided, deciders without a role to. */
enum fm_err evidence_account(struct ctx *ctx, const struct evidence *evidence, struct json_out *out,
                             struct evidence_findings *findings) MUST_CHECK;

/* One leaf in words, without a full stop: "decided by reviewer rev_... (verdict approve, via
 * page)". */
void evidence_words(struct buf *buf, const struct journal_leaf *leaf);

/* What a bundle proves and what it does not, in sentences; `*count` of them, at most
 * EVIDENCE_SENTENCES_MAX. They are a part of version 1 of the bundle: with others it is another
 * version, for checkers compare them. */
#define EVIDENCE_SENTENCES_MAX 16
const char *const *evidence_proves(size_t *count);
const char *const *evidence_does_not_prove(size_t *count);

#endif
