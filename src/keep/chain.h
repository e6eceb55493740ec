/* SPDX-License-Identifier: Apache-2.0
 *
 * What the leaves of one proposal say about it, for verifying: the row of a proposal can be
 * rewritten, its leaves cannot. Reads only.
 */
#ifndef FM_KEEP_CHAIN_H
#define FM_KEEP_CHAIN_H

#include "proposal/proposal.h"

struct chain {
    uint64_t leaves;               /* from the newest back to the first */
    int64_t broken;                /* the leaf that is missing or another proposal's; -1: none */
    enum journal_kind newest;      /* of the newest leaf; JOURNAL_KIND_COUNT: unknown */
    int64_t decision_leaf;         /* of the decision by a person that stands; -1: none does */
    struct id decision, decider;
    enum decision_verdict verdict; /* 0: none, or unknown */
    bool is_policys;               /* approved by the policy, in its first leaf */
    bool is_redeemed;
};

/* Reads the leaves of a proposal back from `newest`. A chain that does not hold together is no error:
 * see `broken`. `ctx` is scratch: its arena is reset for every leaf. Any connection. */
enum fm_err chain_read(struct ctx *ctx, struct store_conn *conn, struct id proposal, int64_t newest,
                       struct chain *out) MUST_CHECK;

/* What of the row cannot be true by its leaves, as the end of a sentence that begins with its id; NULL
 * when all of it can. `decider` is the id of the person in the row; zero when there is none. */
const char *chain_contradiction(const struct chain *chain, const struct proposal *proposal,
                                struct id decider);

#endif
