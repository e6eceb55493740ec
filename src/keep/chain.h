/* SPDX-License-Identifier: Apache-2.0
 *
 * What the leaves of one proposal say about it, for verifying: the row of a proposal can be
 * rewritten, its leaves cannot. Reads only.
 */
#ifndef FM_KEEP_CHAIN_H
#define FM_KEEP_CHAIN_H

#include "policy/policy.h"
#include "proposal/proposal.h"

struct chain {
    uint64_t leaves;               /* from the newest back to the first */
    int64_t broken;                /* the leaf that is missing or another proposal's; -1: none */
    enum journal_kind newest;      /* of the newest leaf; JOURNAL_KIND_COUNT: unknown */
    int64_t content_leaf;          /* that carries the request: the newest revision; -1: none */
    int64_t decision_leaf;         /* of the decision by a person that stands; -1: none does */
    int64_t escalated_leaf;        /* the newest of this revision; -1: none */
    int64_t escalations;           /* of this revision */
    int64_t outcome_leaf;          /* the newest; -1: none */
    struct id decision, decider;
    struct id claimer;   /* who claimed it last, or decided, which keeps the claim */
    struct id ender;     /* the agent that withdrew it; zero: none did */
    int64_t release_at;  /* of that decision; 0: it was released at once */
    enum decide_via via; /* of that decision */
    enum outcome_status outcome;
    enum decision_verdict verdict; /* 0: none, or unknown */
    bool is_reassessed; /* this revision was weighed again: its verdict may be stricter, its policy and
                         * queue others */
    bool is_policys;               /* approved by the policy, in its first leaf */
    bool is_redeemed;
};

/* The id under a member of a leaf; zero where there is none of that kind. */
struct id chain_id(const struct json *object, enum id_kind kind, const char *name);

/* Reads the leaves of a proposal back from `newest`. A chain that does not hold together is no
 * error: see `broken`. `ctx` is scratch: its arena is reset for every leaf. Any connection. */
enum fm_err chain_read(struct ctx *ctx, struct store_conn *conn, struct id proposal, int64_t newest,
                       struct chain *out) MUST_CHECK;

/* What of the row cannot be true by its leaves, as the end of a sentence that begins with its id;
 * NULL when all of it can. `decider` and `claimer` are the ids of these people in the row; zero
 * when there is none. */
const char *chain_contradiction(const struct chain *chain, const struct proposal *proposal,
                                struct id decider, struct id claimer);

/* The same of what the leaf of the request tells: `data` is its data, `moved` that of the newest
 * escalation (NULL: none), `policy` the id of the policy in the row. `ctx` is scratch. */
const char *chain_content_contradiction(struct ctx *ctx, const struct chain *chain,
                                        const struct json *data, const struct json *moved,
                                        const struct proposal *proposal, struct id policy);

#endif
