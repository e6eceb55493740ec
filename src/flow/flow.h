/* SPDX-License-Identifier: Apache-2.0
 *
 * THE story: what happens to a proposal, told by calling the stages in order. Every function that takes a
 * connection runs inside a command of the committer: on any error nothing has happened, not even in the
 * log. Knows nothing of HTTP.
 */
#ifndef FM_FLOW_H
#define FM_FLOW_H

#include "assess/assess.h"
#include "base/metric.h"
#include "intake/intake.h"
#include "people/people.h"
#include "resume/resume.h"
#include "review/review.h"

struct flow;

/* Who calls: an agent, a person, or a service, which only reads. Borrowed from a directory that
 * outlives the call. */
struct flow_caller {
    bool service;
    const struct agent *agent;
    const struct person *person;
    enum decide_via via;
};

/* News of a committed batch, for whoever waits: agents' long polls and the page's stream. */
struct announcement {
    enum journal_kind kind;
    struct id proposal, event;
    int64_t agent;              /* row */
    int64_t leaf;               /* of the event */
    enum proposal_state state;  /* after it */
    int64_t person;             /* row of the decider or holder of the claim; 0: neither */
    int64_t at_us;
    char queue[PEOPLE_NAME_MAX + 1], first_queue[PEOPLE_NAME_MAX + 1];
};
/* Called on the committer's thread after COMMIT; must not block. The array lives for the call. */
typedef void flow_announce_fn(void *with, const struct announcement *news, size_t count,
                              int64_t committed_at_us);

/* Life: reads what the ledgers need. `issuer` and `policy` (one reference of ours) stay until flow_free.
 * The policy is recorded in the log if it is not the one in force. */
enum fm_err flow_new(struct ctx *ctx, struct store_conn *reader, const struct permit_issuer *issuer,
                     flow_announce_fn *announce, void *with, struct flow **out) MUST_CHECK;
void flow_free(struct flow *flow);

/* The committer's hooks of the in-memory states kept here. */
void flow_mark(struct flow *flow);
void flow_rollback(struct flow *flow);
void flow_abandon(struct flow *flow);
void flow_after_commit(struct flow *flow, int64_t committed_at_us);

/* The policy in force, with one reference for the caller. Any thread. */
const struct policy *flow_policy(struct flow *flow);
const struct permit_issuer *flow_issuer(const struct flow *flow);

/* The id of the policy in force if `row` is its row: spares a query. Any thread. */
bool flow_policy_id(struct flow *flow, int64_t row, struct id *out);

/* Versions of the policy ------------------------------------------------------------------------
 * What rules is the active version of the store. A change that only tightens rules at once; one
 * that loosens becomes a candidate and waits for a second person with the role policy. */

enum policy_state { POLICY_CANDIDATE, POLICY_ACTIVE, POLICY_RETIRED };
enum policy_road { ROAD_FILE, ROAD_API, ROAD_CONSOLE, ROAD_RESTORE }; /* how it came */
const char *policy_state_name(enum policy_state state); /* "candidate" */
const char *policy_road_name(enum policy_road road);    /* "file" */

struct policy_version {
    int64_t row; /* 0: there is none */
    struct id id;
    struct hash version;
    enum policy_state state;
    enum policy_road road;
    int64_t proposed_at, proposed_by;   /* a person's row; 0: the operator */
    int64_t activated_at, activated_by; /* 0: not yet; the operator */
    bool alone;                         /* loosened by one person, while there were not two */
    struct str loosened;                /* JSON: sentences on what it loosens; absent: nothing */
};

struct policy_proposal {
    const struct policy *policy;
    const struct policy *active; /* without a flow: the active version; otherwise unused */
    const struct person *by;     /* with the role policy; NULL: the operator at the console */
    enum policy_road road;
    bool alone; /* one person is enough while there are not two */
};

/* Proposes a policy: it becomes active at once (the first of a store, a tightening, or alone) or a
 * candidate; `out->state` tells. The version that rules already changes nothing; nor does a file
 * that has not changed since another road replaced it (POLICY_RETIRED). `flow` NULL: a command
 * line without a server. */
enum fm_err flow_propose_policy(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                                const struct policy_proposal *proposal, struct policy_version *out)
    MUST_CHECK;

/* Activates a candidate whose text was parsed into proposal->policy. Of two people the first only
 * stands for it where its proposer has not the role (`out->state` stays POLICY_CANDIDATE). Errors:
 * FM_E_NOT_FOUND, FM_E_EXISTS for a version that is no candidate, FM_E_FORBIDDEN where it takes
 * somebody else. */
enum fm_err flow_activate_version(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                                  struct id id, const struct policy_proposal *proposal,
                                  struct policy_version *out) MUST_CHECK;

/* Proposes the file as it was read again, as the operator, and waits. Not on a loop thread, nor the
 * committer's. */
enum fm_err flow_reload_policy(struct ctx *ctx, struct flow *flow, struct committer *committer,
                               const struct policy *policy, bool alone,
                               struct policy_version *out) MUST_CHECK;

/* At start, before any thread: makes the active version of the store the one in force. */
enum fm_err flow_load_active(struct flow *flow, struct ctx *ctx, struct store_conn *reader,
                             bool *found) MUST_CHECK;

/* Whether the policy comes from a backup and is not confirmed: then everything is held. Any
 * thread. */
bool flow_is_restored(const struct flow *flow);
/* The same from the store. Any connection. */
enum fm_err flow_read_restored(struct ctx *ctx, struct store_conn *conn, bool *out) MUST_CHECK;

/* Reading, on any connection. `out->row` is 0 when there is none (flow_version_find:
 * FM_E_NOT_FOUND). */
enum fm_err flow_version_find(struct ctx *ctx, struct store_conn *conn, struct id id,
                              struct policy_version *out) MUST_CHECK;
enum fm_err flow_version_active(struct ctx *ctx, struct store_conn *conn,
                                struct policy_version *out) MUST_CHECK;
enum fm_err flow_version_candidate(struct ctx *ctx, struct store_conn *conn,
                                   struct policy_version *out) MUST_CHECK; /* the newest */
/* A sentence about the version that waits for a second person, in the arena; absent: none does. */
enum fm_err flow_version_waiting(struct ctx *ctx, struct store_conn *conn, struct str *note)
    MUST_CHECK;
/* The canonical form, and the text as it was submitted, in the arena. */
enum fm_err flow_version_text(struct ctx *ctx, struct store_conn *conn, int64_t row,
                              struct str *canonical, struct str *source) MUST_CHECK;
/* Its text, parsed; the caller drops it. */
enum fm_err flow_version_parse(struct ctx *ctx, struct store_conn *conn,
                               const struct policy_version *version, const struct policy **out)
    MUST_CHECK;
/* The newest first, those whose row is below `before`. */
enum fm_err flow_version_each(struct ctx *ctx, struct store_conn *conn, int64_t before, size_t max,
                              void (*visit)(void *with, const struct policy_version *version),
                              void *with) MUST_CHECK;

/* Shadow -------------------------------------------------------------------------------------
 * One candidate can be evaluated beside the policy in force on each submission, and only recorded:
 * nothing that agents or reviewers see depends on it. */

#define SHADOW_KEPT_US      (90 * DAY_US) /* what it said of a proposal */
#define SHADOW_EXAMPLES_MAX 50

/* What the shadow says of one submission. */
struct flow_shadow {
    int64_t row; /* of the version; 0: there is no shadow */
    enum verdict verdict;
    bool draws;       /* it has a warm-up and spot checks, too */
    struct str rules; /* JSON: ids of what decided its verdict */
};

/* Makes a candidate (parsed into `policy`) the shadow, in place of another one, or ends it
 * (`policy` NULL). Errors: FM_E_NOT_FOUND, FM_E_EXISTS for a version that is no candidate. */
enum fm_err flow_set_shadow(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                            struct id id, const struct policy *policy, const struct person *by,
                            struct policy_version *out) MUST_CHECK;
/* At start, behind flow_load_active: takes up the shadow of before. */
enum fm_err flow_load_shadow(struct flow *flow, struct ctx *ctx, struct store_conn *reader)
    MUST_CHECK;
/* The shadow, with one reference for the caller; NULL: none. `*row` is its version's. Any
 * thread. */
const struct policy *flow_shadow(struct flow *flow, int64_t *row);

/* Its version; `out->row` is 0 when there is none. Any connection. */
enum fm_err flow_shadow_version(struct ctx *ctx, struct store_conn *conn,
                                struct policy_version *out) MUST_CHECK;

/* One comparison: what ruled, what the shadow said, how often. */
struct shadow_pair {
    enum verdict live, shadow;
    int64_t count;
};
struct shadow_example {
    struct id proposal;
    enum verdict live, shadow;
    struct str rules; /* JSON */
    int64_t at_us;
};
struct shadow_summary {
    int64_t since_us,
        by; /* since when it is the shadow; a person's row. 0: it is none (any more) */
    size_t pair_count, example_count;
    struct shadow_pair pairs[(VERDICT_BLOCK + 1) * (VERDICT_BLOCK + 1)];
    struct shadow_example examples[SHADOW_EXAMPLES_MAX]; /* that differ, the newest first */
};
/* What a version said as the shadow. Any connection. */
enum fm_err flow_shadow_read(struct ctx *ctx, struct store_conn *conn, int64_t row,
                             struct shadow_summary *out) MUST_CHECK;
/* What of a policy its evaluation as a shadow leaves out, in words. */
#define SHADOW_LEFT_OUT_MAX 100
enum fm_err flow_shadow_left_out(struct ctx *ctx, const struct policy *shadow,
                                 const struct policy *live, struct str out[SHADOW_LEFT_OUT_MAX],
                                 size_t *count) MUST_CHECK;

/* Agents ---------------------------------------------------------------------------------------------- */

struct flow_submission {
    struct submission submission;
    struct assessment assessment;
    const struct policy *policy; /* that the two were made with */
    struct str assessment_json;  /* absent: the committer finishes it */
    struct id id;                /* of the new proposal */
    struct hash digest;          /* with revision 1 */
    struct flow_shadow shadow;
    /* of the committer: with what counts, ranks or draws */
    struct assessment copy;
    const struct assessment *weighed;
    struct str weighed_json;
};

/* The text of a reason of the source spot_check, by which it is found again: agents read another
 * one. */
#define FLOW_SPOT_CHECK_TEXT "Picked for a spot check: one in 100 allowed uses is read"

/* Makes id, assessment and digest of a submission: what depends on the proposal and the policy
 * alone (and on whom people have approved before, read through `conn`). Any thread. */
enum fm_err flow_prepare(struct ctx *ctx, struct store_conn *conn, const struct policy *policy,
                         const struct agent *agent, struct flow_submission *out) MUST_CHECK;

/* Asks the shadow, where there is one, through the loop's connection. Never fails the submission: a
 * shadow that cannot be evaluated would have reviewed it. Behind flow_prepare, any thread. */
void flow_prepare_shadow(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                         const struct agent *agent, struct flow_submission *submission);

/* Accepts, and lets it go on, blocks it, or holds it. */
enum fm_err flow_submit(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                        const struct flow_caller *caller, struct flow_submission *submission,
                        struct proposal *out) MUST_CHECK;
enum fm_err flow_revise(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                        const struct flow_caller *caller, struct id id, const struct json *body,
                        struct proposal *out) MUST_CHECK;
enum fm_err flow_withdraw(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                          const struct flow_caller *caller, struct id id, struct proposal *out) MUST_CHECK;
enum fm_err flow_outcome(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                         const struct flow_caller *caller, struct id id, enum outcome_status status,
                         struct str detail, struct proposal *out) MUST_CHECK;
enum fm_err flow_redeem(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                        const struct flow_caller *caller, const struct permit_claims *claims,
                        struct hash arguments, struct proposal *out) MUST_CHECK;

/* People ---------------------------------------------------------------------------------------------- */

/* Whether the policy lets somebody who came this way decide. FM_E_FORBIDDEN with the next step. */
enum fm_err flow_check_via(struct ctx *ctx, const struct policy *policy, enum decide_via via)
    MUST_CHECK;
/* Takes or renews a claim of ten minutes. FM_E_CLAIMED when somebody else has it. */
enum fm_err flow_claim(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                       const struct flow_caller *caller, struct id id, struct proposal *out) MUST_CHECK;
/* Gives the caller's claim back; a no-op without one. */
enum fm_err flow_unclaim(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                         const struct flow_caller *caller, struct id id, struct proposal *out) MUST_CHECK;
/* Records the caller's decision on the digest that it names. Errors: FM_E_DIGEST_MISMATCH and
 * FM_E_ALREADY_DECIDED (both with what stands), FM_E_CLAIMED, FM_E_CLAIM_FIRST, FM_E_TOO_FAST. */
enum fm_err flow_decide(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                        const struct flow_caller *caller, struct id id,
                        struct decision_request *decision, struct proposal *out) MUST_CHECK;
/* Takes a decision back before its release. FM_E_ALREADY_RELEASED afterwards. */
enum fm_err flow_undo(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                      const struct flow_caller *caller, struct id id, struct proposal *out) MUST_CHECK;
/* Leaves a note for colleagues; agents never read it. */
enum fm_err flow_comment(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                         const struct flow_caller *caller, struct id id, struct str text,
                         struct id *comment, int64_t *at_us,
                         struct proposal *out) MUST_CHECK;

/* Pauses
 * --------------------------------------------------------------------------------------------- A
 * pause holds every new proposal that it covers, refuses approvals and redemptions (FM_E_PAUSED),
 * and sends approvals in their undo time back to people. Rejecting and returning go on. */

#define PAUSE_NAME_MAX   256
#define PAUSE_REASON_MAX 2000

enum pause_covers { PAUSE_ALL, PAUSE_AGENT, PAUSE_ACTION, PAUSE_CATEGORY };
const char *pause_covers_name(enum pause_covers covers); /* "everything", "agent", ... */

struct pause {
    int64_t row;
    struct id id;
    enum pause_covers covers;
    struct str name, reason; /* name: of the agent, action or category; absent for everything */
    struct id by, resume_by, ended_by;        /* people; zero: the operator */
    int64_t at_us, resume_at_us, ended_at_us; /* 0: not (yet) */
};

/* Begins a pause; fills in id, by and at. `flow` may be NULL where no server runs. In force for
 * every command behind the batch's COMMIT. */
enum fm_err flow_pause(struct flow *flow, struct ctx *ctx, struct store_conn *conn, struct actor by,
                       struct pause *pause) MUST_CHECK;
/* Asks to end it; the second person ends it, and whoever is the only one who could.
 * `pause->ended_at_us` says which it was. */
enum fm_err flow_resume(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                        struct actor by, struct id id, struct pause *pause) MUST_CHECK;
/* The open ones, or with `ended` all, the newest first: at most `max` of those before the row
 * `before`. Texts live for the visit. Any connection. */
enum fm_err pause_rows(struct ctx *ctx, struct store_conn *conn, bool ended, int64_t before,
                       int64_t max,
                       void (*visit)(void *with, const struct pause *pause), void *with) MUST_CHECK;
/* One of them, its texts in the arena. FM_E_NOT_FOUND. */
enum fm_err pause_find(struct ctx *ctx, struct store_conn *conn, struct id id, struct pause *out)
    MUST_CHECK;
/* Committer's hook, after COMMIT and before anything is acknowledged: reads what is paused if the
 * batch has changed it. `conn` is the write connection. */
void flow_reload_pauses(struct flow *flow, struct store_conn *conn);
/* FM_E_FORBIDDEN for a person whose account has changed since the request was let in. */
enum fm_err flow_check_caller(struct ctx *ctx, const struct flow_caller *caller) MUST_CHECK;

/* Whether this caller may read it: an agent its own, a person what their role and queues show. */
bool flow_may_see(const struct policy *policy, const struct flow_caller *caller,
                  const struct proposal *proposal);

/* Counting ------------------------------------------------------------------------------------- */

/* Of the policy's actions; the next one counts as `other`, as do those that the policy does not
 * name: an agent must not be able to make labels. */
#define FLOW_ACTIONS_COUNTED 100

struct flow_action_counts {
    char name[ACTION_MAX + 1];
    _Atomic uint64_t assessed[VERDICT_BLOCK + 1]; /* by verdict */
    _Atomic uint64_t
        decided[DECISION_RETURN + 1]; /* people's, by verdict; an undone one counts still */
};

/* What was committed since the start, for metrics. Only the committer's thread adds. */
struct flow_counts {
    struct flow_action_counts actions[FLOW_ACTIONS_COUNTED + 1]; /* the first: `other` */
    _Atomic unsigned action_count;                               /* of those in use */
    _Atomic uint64_t events[JOURNAL_KIND_COUNT];                 /* of proposals */
    _Atomic uint64_t outcomes[OUTCOME_REVERTED + 1];
    _Atomic uint64_t expired_held, expired_approved;
    struct histogram decision_us; /* from the begin of the hold to a person's decision */
};

/* Borrowed from the flow; any thread may read. */
const struct flow_counts *flow_counts(const struct flow *flow);

/* Time ------------------------------------------------------------------------------------------------ */

#define SWEEP_MAX 100 /* proposals of one sweep */

/* Does what is due, at most SWEEP_MAX proposals; `*more` when there is more. */
enum fm_err flow_sweep(struct flow *flow, struct ctx *ctx, struct store_conn *conn, int64_t now_us,
                       bool *more) MUST_CHECK;

/* The clock thread: sweeps when something falls due, signs the log once a second, removes answers that
 * were kept long enough. */
struct clockwork;
enum fm_err clockwork_start(struct ctx *ctx, struct flow *flow, struct store *store,
                            struct journal *journal, struct committer *committer,
                            struct clockwork **out) MUST_CHECK;
void clockwork_stop(struct clockwork *clockwork);

#endif
