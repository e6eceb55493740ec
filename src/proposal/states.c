/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a proposal: the table of proposal.h, and nothing else.
 */
#include "proposal/proposal.h"

#define TO(name) (1u << PROPOSAL_##name)
#define TO_DECIDED (TO(UNDO) | TO(APPROVED) | TO(REJECTED) | TO(RETURNED))

static const struct {
    const char *name, *status;
    unsigned moves;
} states[] = {
#define X(name, status, moves) {#name, status, moves},
    PROPOSAL_STATES(X)
#undef X
};

const char *proposal_state_name(enum proposal_state state)
{
    return states[state].name;
}

const char *proposal_status(enum proposal_state state)
{
    return states[state].status;
}

bool proposal_is_pending(const struct proposal *proposal)
{
    return proposal->state < PROPOSAL_PENDING_END;
}

bool proposal_may_become(enum proposal_state from, enum proposal_state to)
{
    return states[from].moves >> to & 1;
}

const char *decision_verdict_name(enum decision_verdict verdict)
{
    static const char *const names[] = {"", "approve", "modify", "reject", "return"};

    return names[verdict];
}

const char *outcome_status_name(enum outcome_status status)
{
    static const char *const names[] = {"", "succeeded", "failed", "reverted"};

    return names[status];
}
