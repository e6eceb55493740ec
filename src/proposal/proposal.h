/* SPDX-License-Identifier: Apache-2.0
 *
 * What a proposal is, and its life as one table of states and moves.
 *
 *                 +-------------------------- undo -------------------------+
 *                 v                                                         |
 *   submit --> WAITING <--claim/unclaim--> CLAIMED --decide, undo > 0--> UNDO --time--> APPROVED
 *     |           |  waits for a reviewer     |  waits for this person     (people may still undo)
 *     |           +--decide--> APPROVED, REJECTED, RETURNED                      |
 *     |           +--time----> EXPIRED         ^                                 v
 *     |           +--agent---> WITHDRAWN       +--revise-- RETURNED          REDEEMED --> SETTLED
 *     +--> APPROVED (by policy)                                     (executed once)   (outcome known)
 *     +--> BLOCKED
 */
#ifndef FM_PROPOSAL_H
#define FM_PROPOSAL_H

#include "crypto/crypto.h"
#include "journal/journal.h"
#include "json/json.h"

#define PROPOSAL_STATES(X) /* state, status on the wire, may become; pending states come first */      \
    X(WAITING, "pending", TO(CLAIMED) | TO_DECIDED | TO(EXPIRED) | TO(WITHDRAWN))                      \
    X(CLAIMED, "pending", TO(WAITING) | TO_DECIDED | TO(EXPIRED) | TO(WITHDRAWN))                      \
    X(UNDO, "pending", TO(WAITING) | TO(CLAIMED) | TO(APPROVED) | TO(EXPIRED) | TO(WITHDRAWN))         \
    X(APPROVED, "approved", TO(REDEEMED) | TO(SETTLED) | TO(EXPIRED))                                  \
    X(RETURNED, "returned", TO(WAITING) | TO(WITHDRAWN) | TO(EXPIRED))                                 \
    X(REDEEMED, "approved", TO(SETTLED))                                                               \
    X(SETTLED, "approved", TO(SETTLED)) /* an outcome may be corrected: succeeded, then reverted */    \
    X(REJECTED, "rejected", 0)                                                                         \
    X(BLOCKED, "blocked", 0)                                                                           \
    X(EXPIRED, "expired", 0)                                                                           \
    X(WITHDRAWN, "withdrawn", 0)

enum proposal_state {
#define X(name, status, moves) PROPOSAL_##name,
    PROPOSAL_STATES(X)
#undef X
    PROPOSAL_STATE_COUNT
};

#define PROPOSAL_PENDING_END PROPOSAL_APPROVED /* states before it are pending; the indexes know: < 3 */
_Static_assert(PROPOSAL_PENDING_END == 3, "the partial indexes of migration 1 say state < 3");
_Static_assert(PROPOSAL_REDEEMED == 5, "the index of what has no outcome says state = 5");

enum decision_verdict { DECISION_APPROVE = 1, DECISION_MODIFY, DECISION_REJECT, DECISION_RETURN };
const char *decision_verdict_name(enum decision_verdict verdict); /* "approve", ... */

enum outcome_status { OUTCOME_NONE, OUTCOME_SUCCEEDED, OUTCOME_FAILED, OUTCOME_REVERTED };
/* "succeeded", "failed", "reverted"; empty for none. */
const char *outcome_status_name(enum outcome_status status);

/* What makes repeats of each other, besides the agent and the action, which never change. */
struct proposal_group {
    bool is_open; /* waits, or is claimed: only those are in a group */
    struct hash arguments_digest;
    struct str queue, first_queue;
    int64_t urgent_at;
};

/* A row. Texts are borrowed from wherever it was read; see proposal_find. */
struct proposal {
    int64_t row;
    struct id id;
    int64_t agent; /* row */
    enum proposal_state state;
    int64_t revision;
    struct str action, category;
    int64_t policy; /* row of the version that assessed it */
    struct hash digest, arguments_digest;
    int64_t payload;   /* leaf whose payload is the request */
    int64_t last_leaf; /* newest leaf of its chain */
    struct id last_event; /* that leaf's event, where this process appended it; not stored */
    struct str assessment; /* JSON: verdict, reasons, and the catalogue's facts at that time */
    int64_t created_at, updated_at;
    int64_t next_at; /* when the clock must look at it; 0: never */
    /* the hold */
    struct str queue, first_queue; /* now, and before it escalated */
    int64_t mode, undo_us, respond_within_us, on_expiry;
    int64_t due_at, escalate_at, escalations, deadline_at;
    struct id repeat_of;
    int64_t claimed_by, claimed_at, claimed_until; /* person's row */
    int64_t preferred; /* the person who returned it: held again for them first */
    /* the decision */
    struct id decision;
    int64_t verdict, decided_by, decided_at, via; /* decided_by 0: by policy */
    int64_t decision_leaf; /* its payload is the decision's content; -1: none */
    int64_t release_at;
    struct id ended_by; /* who ended it without a decision: the agent; zero: the clock */
    /* the permit and what came of it */
    struct id permit;
    int64_t approved_until, redeemed_at;
    int64_t outcome, outcome_leaf, outcome_at;
    bool follows; /* another one stands for its group in the inbox (alike.c) */
    struct proposal_group group; /* as it is stored */
    struct str callback, trace; /* URL to be called back; W3C traceparent; absent: none */
    bool in_history;            /* `history` counted it when it was accepted, with this amount: */
    int64_t history_micros;
    /* an edit that somebody else must decide on; edit_by 0: none */
    int64_t edit_by, edit_leaf; /* person's row; its payload is the decision that did not stand */
};

const char *proposal_status(enum proposal_state state); /* as agents read it */
const char *proposal_state_name(enum proposal_state state);
bool proposal_is_pending(const struct proposal *proposal);
bool proposal_may_become(enum proposal_state from, enum proposal_state to);

/* When it ends if nobody decides: at due_at or at the agent's own deadline, whichever is earlier.
 * 0: never held. The column urgent_at says the same. */
int64_t proposal_urgent_at(const struct proposal *proposal);

/* Repeats (alike.c): what is open of one agent with the same action and arguments, in one queue. */
#define PROPOSAL_ALIKE_MAX 1000 /* counts end here: so many are shown in a millisecond */

/* Says who stands for the groups that a proposal leaves and joins, before its row is written: sets
 * `follows`, and that of others. Committer. */
enum fm_err proposal_settle_group(struct ctx *ctx, struct store_conn *conn,
                                  struct proposal *proposal) MUST_CHECK;
struct proposal_group proposal_group_of(const struct proposal *proposal);
/* How many are open in its group, this one among them if it is, at most PROPOSAL_ALIKE_MAX; and
 * which of them it is, from 1 (0: it no longer waits). Any connection. */
enum fm_err proposal_count_alike(struct ctx *ctx, struct store_conn *conn,
                                 const struct proposal *proposal, int64_t *out) MUST_CHECK;
enum fm_err proposal_place_alike(struct ctx *ctx, struct store_conn *conn,
                                 const struct proposal *proposal, int64_t *out) MUST_CHECK;
/* The others, the most urgent first. */
struct proposal_alike {
    struct id id;
    int64_t created_at;
};
enum fm_err proposal_others_alike(struct ctx *ctx, struct store_conn *conn,
                                  const struct proposal *proposal, struct proposal_alike *out,
                                  size_t max, size_t *count) MUST_CHECK;

/* Reads a proposal into the arena. FM_E_NOT_FOUND when there is none. Any connection. */
enum fm_err proposal_find(struct ctx *ctx, struct store_conn *conn, struct id id, struct proposal *out)
    MUST_CHECK;
enum fm_err proposal_find_row(struct ctx *ctx, struct store_conn *conn, int64_t row,
                              struct proposal *out) MUST_CHECK;

/* Fills `out` from a row of a query that begins "SELECT " PROPOSAL_COLUMNS; texts are copied into the
 * arena. For lists. */
#define PROPOSAL_COLUMNS                                                                              \
    "row, id, agent, state, revision, action, category, policy, digest, arguments_digest, payload,"   \
    " last_leaf, assessment, created_at, updated_at, next_at, queue, first_queue, mode, undo,"        \
    " respond_within, on_expiry, due_at, escalate_at, escalations, deadline_at, repeat_of,"           \
    " claimed_by, claimed_at, claimed_until, preferred, decision, verdict, decided_by, decided_at,"   \
    " via, decision_leaf, release_at, ended_by, permit, approved_until, redeemed_at, outcome,"        \
    " outcome_leaf, outcome_at, callback, trace, history_micros, edit_by, edit_leaf,"                \
    " follows"
enum fm_err proposal_read(struct ctx *ctx, struct store_rows *rows, struct proposal *out) MUST_CHECK;

/* Stores a new proposal in its first state together with its first leaf: WAITING, APPROVED or BLOCKED.
 * Sets row, payload and last_leaf. The event's previous and proposal are filled in. */
enum fm_err proposal_insert(struct ctx *ctx, struct store_conn *conn, struct proposal *proposal,
                            struct journal_event event) MUST_CHECK;

/* The only function that changes a state (invariant 2): checks the table, appends the event to the log,
 * writes the row. `*leaf` (may be NULL) is the event's place in the log; fields that refer to it
 * (decision_leaf, outcome_leaf, payload) are set by `refer`, a set of PROPOSAL_REFER_*. A move that the
 * table does not have is a defect of this program: it panics. */
enum {
    PROPOSAL_REFER_DECISION = 1,
    PROPOSAL_REFER_OUTCOME = 2,
    PROPOSAL_REFER_PAYLOAD = 4,
    PROPOSAL_REFER_EDIT = 8
};
enum fm_err proposal_move(struct ctx *ctx, struct store_conn *conn, struct proposal *proposal,
                          enum proposal_state to, struct journal_event event, unsigned refer) MUST_CHECK;

/* Writes changes that are no move (a renewed claim, an escalation), with an event or without (kind
 * JOURNAL_KIND_COUNT). */
enum fm_err proposal_save(struct ctx *ctx, struct store_conn *conn, struct proposal *proposal,
                          struct journal_event event) MUST_CHECK;

/* The same with an event that fields refer to. */
enum fm_err proposal_note(struct ctx *ctx, struct store_conn *conn, struct proposal *proposal,
                          struct journal_event event, unsigned refer) MUST_CHECK;

/* Changes the amount that `history` counts of it; no event. */
enum fm_err proposal_set_history(struct ctx *ctx, struct store_conn *conn, struct proposal *proposal,
                                 int64_t micros) MUST_CHECK;

/* Proposals at which the clock must look: rows with next_at <= now, the most urgent first. */
enum fm_err proposal_due(struct ctx *ctx, struct store_conn *conn, int64_t now_us, size_t max,
                         int64_t *rows, size_t *count) MUST_CHECK;
/* The earliest next_at; 0 when there is none. */
enum fm_err proposal_next_due(struct ctx *ctx, struct store_conn *conn, int64_t *out) MUST_CHECK;

/* The digest that a decision names: SHA-256 of the RFC 8785 form of {"v":1, id, revision, agent,
 * agent_version, action, tool_digest, arguments, brief, on_behalf_of, subject}, absent members left out.
 * `request` is the canonical request (an object). */
enum fm_err proposal_digest(struct ctx *ctx, const struct json *request, struct id id, int64_t revision,
                            struct id agent, struct hash *out) MUST_CHECK;

#endif
