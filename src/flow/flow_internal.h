/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this folder share.
 */
#ifndef FM_FLOW_INTERNAL_H
#define FM_FLOW_INTERNAL_H

#include "base/locks.h"
#include "base/map.h"
#include "flow/flow.h"

#include <stdatomic.h>

/* A candidate that is evaluated beside the policy in force. */
struct shadow {
    const struct policy *policy; /* NULL: none */
    int64_t row;
};

#define NEWS_MAX 8192 /* announcements of one batch; a command makes at most SWEEP_MAX */

/* Per agent: how many are pending, and the proposals of the running minute. */
struct ledger_row {
    int64_t agent;
    int64_t pending;
    int64_t minute, in_minute;
};

/* A change of a ledger row that can be taken back. */
struct ledger_change {
    struct ledger_row *row;
    int pending;
    int64_t attempt_minute; /* of an attempt to propose; 0: none */
};

/* What is paused now. */
struct paused {
    enum pause_covers covers;
    int64_t agent; /* row */
    char name[PAUSE_NAME_MAX + 1];
};

/* Something to count once the batch is committed. */
enum flow_tick_kind { TICK_ASSESSED, TICK_DECIDED, TICK_EVENT, TICK_OUTCOME, TICK_EXPIRED };

struct flow_tick {
    enum flow_tick_kind kind;
    unsigned action; /* index among the counted */
    int which;       /* verdict, kind of event, outcome; of TICK_EXPIRED: whether it was held */
    int64_t us;
};

struct flow {
    const struct permit_issuer *issuer;
    flow_announce_fn *announce;
    void *with;

    struct lock lock; /* guards policy, its row and id; only the committer's thread writes them */
    const struct policy *policy;
    int64_t policy_row;
    struct id policy_id;
    /* committer's thread only, as everything below */
    const struct policy *activated; /* in the running batch */
    int64_t activated_row;
    const struct policy *marked; /* `activated` before the running command */
    int64_t marked_row;
    struct id marked_id;
    struct id activated_id;

    _Atomic bool has_shadow;                /* spares the lock where there is none */
    struct shadow shadow;                   /* under the lock, like the policy */
    struct shadow shadow_next, shadow_mark; /* in the running batch; before the running command */
    bool shadow_changes, shadow_mark_changes;

    struct map *ledger; /* agent's row -> struct ledger_row */
    struct ledger_change *changes;
    size_t change_count, change_room, change_mark;

    struct paused *paused;
    size_t paused_count;
    bool pauses_changed;   /* in the running batch: they are read again behind it */
    _Atomic bool restored; /* the policy comes from a backup, and is not confirmed */

    struct announcement *news;
    size_t news_count, news_mark;

    struct flow_tick *ticks; /* NEWS_MAX; what does not fit is not counted */
    size_t tick_count, tick_mark;
    struct flow_counts counts;

    bool charged; /* some pending proposal may have a charge to give back; true is always safe */
};

/* counters.c: counts something of the running command; forgotten with it. */
void flow_tick(struct flow *flow, enum flow_tick_kind kind, struct str action, int which,
               int64_t us);
/* What is counted becomes visible. */
void flow_ticks_commit(struct flow *flow);

/* One proposal on the scales: what conditions may ask, and on which connection. `input.with` is
 * itself: it must not move. */
struct weighing {
    struct ctx *ctx;
    struct store_conn *conn;
    int64_t agent; /* row */
    int64_t now_us;
    const struct json *request;   /* NULL when it was erased */
    const struct proposal *again; /* is weighed again: without what it has counted for itself */
    char agent_id[ID_TEXT_MAX];
    struct assess_input input;
};

/* Fills what does not depend on the proposal. Any thread, with its own connection. */
enum fm_err weighing_of(struct weighing *w, struct ctx *ctx, struct store_conn *conn,
                        const struct policy *policy, int64_t agent, int64_t now_us) MUST_CHECK;

/* Whether only the committer can finish this assessment. */
bool weigh_is_needed(const struct weighing *w, const struct assessment *begun);
/* Finishes it in s->weighed; `may_draw`: also warm-up and coin. What flow_prepare has made
 * stays. */
enum fm_err weigh(struct flow *flow, struct weighing *w, struct flow_submission *s, bool may_draw)
    MUST_CHECK;
/* Sets what `history` counts of an accepted proposal. */
void weigh_note_history(const struct weighing *w, const struct assessment *assessment,
                        struct proposal *p);
/* `history` counts the amount that would run now, instead of the one before. */
enum fm_err weigh_history_again(const struct weighing *w, struct proposal *p) MUST_CHECK;
/* Counts an accepted proposal, whose row is stored by now. */
enum fm_err weigh_accepted(struct flow *flow, const struct weighing *w,
                           const struct flow_submission *s, const struct proposal *p) MUST_CHECK;
/* Counts what an assessment uses up; `final`: nothing of it can come back. */
enum fm_err weigh_charge(struct flow *flow, const struct weighing *w,
                         const struct assessment *assessment, int64_t proposal, bool final)
    MUST_CHECK;
/* Remembers what people have approved: the use, recipients, domains together. `arguments` may be
 * NULL, and `now`, what the policy said of it when they did, too. */
enum fm_err weigh_learn(struct weighing *w, const struct proposal *p, const struct json *arguments,
                        const struct assessment *now) MUST_CHECK;
/* All that can be said of a stored proposal (`w->again`) but for warm-up and coin: a person has
 * looked, or will. What flow_weighing has made. */
enum fm_err weigh_again(struct weighing *w, struct assessment *out) MUST_CHECK;
/* The same as weigh does, for a policy that does not rule: on any thread, changing nothing. Budgets
 * that `live` does not have are left out, since nobody has counted for them. */
enum fm_err weigh_shadow(struct weighing *w, const struct policy *live, struct assessment *out)
    MUST_CHECK;
/* Whether the policy in force counts for a budget as another policy would. */
bool weigh_counts_for(const struct policy *live, const struct policy_budget *budget);
enum fm_err weigh_write(struct ctx *ctx, const struct assessment *assessment, struct str *out)
    MUST_CHECK;
/* A text member of a request, empty when absent; a text's hash in 16 bytes, for rows that must not
 * hold whose it is. */
struct str weigh_text(const struct json *request, const char *name);
struct id weigh_hash(struct str text);

/* domains.c: whether anything asks for domains; the session's into the input, and what was never
 * approved together; remembered for the session; approved together. */
bool domains_are_watched(const struct weighing *w);
enum fm_err domains_weigh(struct weighing *w, struct assessment *out) MUST_CHECK;
enum fm_err domains_keep(const struct weighing *w, const struct policy_list *own) MUST_CHECK;
enum fm_err domains_learn(const struct weighing *w, const struct proposal *p) MUST_CHECK;
#define WEIGH_CATEGORIES_MAX 10000 /* that expressions may make, in one store */

/* A stored proposal on the scales, with the arguments that would run, for weigh_again. It must
 * outlive `w`. */
enum fm_err flow_weighing(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                          const struct proposal *p, int64_t now_us, struct weighing *w) MUST_CHECK;

/* again.c. What an approval lacks by the policy of now: nothing may let it run; other people's
 * decision; the person's reading; or the person is in none of its queues any more. */
enum lack { LACKS_NOTHING, LACKS_PERMISSION, LACKS_PEOPLE, LACKS_READING, LACKS_MEMBERSHIP };
/* `at_us`: when the person decides, or has. */
enum lack again_compare(const struct policy *policy, const struct assessment *now,
                        const struct proposal *p, const struct person *person, int64_t at_us);
/* The problem of an approval that the policy blocks, with the rule's or budget's name. */
enum fm_err again_blocked(struct ctx *ctx, const struct assessment *now, struct str pointer,
                          struct str action) MUST_CHECK;
/* Raises the hold's mode and undo time to those of now. */
void again_oblige(const struct assessment *now, struct proposal *p);
/* Changes the hold and its reasons into what is asked for now; nothing is stored. `edited`: it is a
 * person's edit that asks for it. */
enum fm_err again_tighten(struct flow *flow, struct ctx *ctx, struct assessment *now,
                          enum lack lack, bool edited, struct proposal *p, int64_t now_us)
    MUST_CHECK;
/* Whether an approval may be released: `*why` is NULL and its charge is that of now; or says why
 * not, and the proposal is tightened. */
enum fm_err again_release(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                          struct proposal *p, int64_t now_us, struct assessment *now,
                          const char **why) MUST_CHECK;
/* After an edit that does not stand: charges for the arguments that were proposed. */
enum fm_err again_charge_proposed(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                                  struct proposal *p, int64_t now_us) MUST_CHECK;
bool again_reads_requests(const struct policy *policy);

/* After a move: what is approved becomes known, what is not gives back what it reserved. `now`: what
 * the policy said of what was approved; NULL: nothing was. */
enum fm_err flow_settle(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                        bool was_pending, const struct proposal *p, const struct assessment *now,
                        int64_t now_us) MUST_CHECK;
/* What is reserved, and what `history` has, follows the arguments that a person has decided on. */
enum fm_err flow_charge_again(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                              const struct weighing *w, const struct assessment *assessment,
                              struct proposal *p) MUST_CHECK;

/* Adds to an agent's pending count; taken back with the command. */
enum fm_err ledger_add(struct flow *flow, struct ctx *ctx, int64_t agent, int pending) MUST_CHECK;
/* Whether the agent may propose once more; counts the attempt. FM_E_RATE_LIMITED. */
enum fm_err ledger_admit(struct flow *flow, struct ctx *ctx, const struct policy *policy,
                         int64_t agent, int64_t now_us) MUST_CHECK;
enum fm_err ledger_load(struct flow *flow, struct ctx *ctx, struct store_conn *conn) MUST_CHECK;

/* Notes an event of the running command for announcing after COMMIT. */
void flow_note(struct flow *flow, enum journal_kind kind, const struct proposal *proposal,
               int64_t at_us);

/* Reads a proposal that the caller may see: otherwise FM_E_NOT_FOUND, as if there were none. */
enum fm_err flow_find(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                      const struct flow_caller *caller, struct id id, struct proposal *out)
    MUST_CHECK;

/* Withdraws a proposal because the new one `by` takes its place; zero: without one. */
enum fm_err flow_supersede(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                           const struct flow_caller *caller, struct id id, struct id by,
                           struct proposal *out) MUST_CHECK;

/* After a move: keeps the ledger right, notes the news, and puts a callback into the outbox where
 * the agent asked for one. `was_pending` is the state before. */
enum fm_err flow_moved(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                       bool was_pending, enum journal_kind kind, const struct proposal *proposal,
                       int64_t at_us) MUST_CHECK;

/* Writes the callback of a proposal that agents no longer read as pending (callback.c). */
enum fm_err flow_call_back(struct ctx *ctx, struct store_conn *conn,
                           const struct proposal *proposal, int64_t at_us) MUST_CHECK;

/* The committer's hooks of shadow.c. */
void shadow_mark(struct flow *flow);
void shadow_rollback(struct flow *flow);
void shadow_abandon(struct flow *flow);
void shadow_after_commit(struct flow *flow);
void shadow_free(struct flow *flow);
/* A version that is activated or retired is no shadow any more. */
enum fm_err shadow_end(struct flow *flow, struct ctx *ctx, struct store_conn *conn, int64_t row)
    MUST_CHECK;
/* Records what the shadow says of an accepted proposal, beside what the policy in force said. */
enum fm_err shadow_record(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                          const struct flow_submission *s, const struct proposal *p) MUST_CHECK;
/* Removes what was recorded long ago, at most `max` rows. */
enum fm_err shadow_purge(struct ctx *ctx, struct store_conn *conn, int64_t now_us, size_t max)
    MUST_CHECK;

/* Counts a person's decision for agent and category: `by` 1 when it was made, -1 when it no longer
 * stands before anybody but people saw it. */
enum fm_err flow_count_decision(struct ctx *ctx, struct store_conn *conn,
                                const struct proposal *proposal, int64_t verdict, int by)
    MUST_CHECK;

/* Who was deactivated, reset or given other roles since the request came changes nothing (A43). */
enum fm_err flow_check_stands(struct ctx *ctx, const struct person *person) MUST_CHECK;

/* Pauses (pause.c). The reason that a pause adds to this proposal, if one covers it. */
bool pause_reason(struct flow *flow, struct ctx *ctx, const struct proposal *proposal,
                  struct assess_reason *out);
/* FM_E_PAUSED if one does; `what` ends the sentence. */
enum fm_err pause_refuse(struct flow *flow, struct ctx *ctx, const struct proposal *proposal,
                         const char *what) MUST_CHECK;
enum fm_err pauses_load(struct flow *flow, struct ctx *ctx, struct store_conn *conn) MUST_CHECK;
/* Whether a new proposal is held whatever the policy says, for a pause or after a restore. */
bool pause_holds(struct flow *flow, struct ctx *ctx, const struct proposal *proposal,
                 struct assess_reason *out);

/* restored.c: the mark that a restore leaves, read into the flow; the reason that it is; taken away
 * by a version that two people stand for (there, `flow` may be NULL). */
enum fm_err restored_load(struct flow *flow, struct ctx *ctx, struct store_conn *conn) MUST_CHECK;
bool restored_reason(const struct flow *flow, struct assess_reason *out);
enum fm_err restored_confirm(struct flow *flow, struct ctx *ctx, struct store_conn *conn)
    MUST_CHECK;

/* The write side reads the pointer without a reference: only its own thread replaces it. */
const struct policy *flow_policy_now(struct flow *flow);

#endif
