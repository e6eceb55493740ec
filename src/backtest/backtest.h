/* SPDX-License-Identifier: Apache-2.0
 *
 * What a policy would have done: replays proposals of the past in their order, with the clock,
 * the counts and the budgets as they would have stood, and compares with what became of them.
 * Reads only.
 *
 * Catalogue, schemas, rules and budgets are replayed. What was drawn or learnt at the time
 * (first uses, spot checks, domains never seen together) is taken as recorded. A proposal that
 * people decided counts as decided the same way again; one that was not held is taken as carried
 * out.
 */
#ifndef FM_BACKTEST_H
#define FM_BACKTEST_H

#include "assess/assess.h"
#include "insights/insights.h"
#include "store/store.h"

#include <stdio.h>

#define BACKTEST_MEMORY_MAX   (384 * MIB) /* of one run: counters, sessions, groups of changes */
#define BACKTEST_WINDOWS_MAX  1000000     /* counters: one for each budget and whom it counts for */
#define BACKTEST_GROUPS_MAX   500   /* kinds of change that are told apart; the rest are one */
#define BACKTEST_EXAMPLES_MAX 5     /* proposals named for each kind */
#define BACKTEST_DAYS_MAX     20000 /* pairs of a day and a queue */
#define BACKTEST_LINE_MAX     MIB   /* of a file: as much as a request may have */
#define BACKTEST_JSON_MAX     (8 * MIB)
#define BACKTEST_CONFIDENCE   0.95 /* of the bound on errors let through */

/* What people decided. */
enum backtest_decision {
    BACKTEST_UNDECIDED,
    BACKTEST_APPROVED, /* also with a minor modification */
    BACKTEST_MODIFIED, /* materially */
    BACKTEST_REJECTED,
    BACKTEST_RETURNED,
    BACKTEST_DECISION_COUNT
};

/* One proposal of the past. Borrowed for the call. */
struct backtest_case {
    struct str id; /* as reports name it: "prp_...", "line 12" */
    const struct json *request;
    struct str action;
    struct str agent_id, agent_name, owner;
    int64_t at_us;
    bool has_verdict; /* what it was assessed as is known */
    enum verdict verdict;
    const struct json *reasons; /* with the verdict: an array; NULL: none */
    struct str queue;           /* where it was held; absent: not known */
    int64_t respond_within_us;  /* of that hold; 0: not known */
    enum backtest_decision decision;
    int64_t ended_at_us; /* when people decided, or it ended without; 0: not known */
    bool ended;          /* without being carried out */
};

struct backtest_options {
    const struct policy *policy;
    const struct policy *against; /* what was before, assessed likewise; NULL: what is recorded */
    int64_t since_us; /* earlier proposals only count (budgets, history); 0: all are compared */
    /* Called now and then; false ends the run early (backtest_stopped). `total` 0: not known.
     * May be NULL. */
    bool (*progress)(void *with, uint64_t done, uint64_t total);
    void *with;
};

struct backtest;

/* A run, empty at first. The policies stay until backtest_free. Errors: that of fail_memory. */
enum fm_err backtest_new(struct ctx *ctx, const struct backtest_options *options,
                         struct backtest **out) MUST_CHECK;
void backtest_free(struct backtest *backtest); /* NULL allowed */

/* Replays one more, in the order of time. Errors: FM_E_TOO_LARGE beyond a limit above; that of
 * fail_memory. ctx->arena is for messages only. */
enum fm_err backtest_add(struct ctx *ctx, struct backtest *backtest,
                         const struct backtest_case *one) MUST_CHECK;

/* Replays what a store holds, as it stood when this was called. Proposals whose request was
 * erased are counted and passed over. Not on a loop: about 0.1 ms for each. The connection is
 * used in short read transactions. Errors: the store's; those of backtest_add. */
enum fm_err backtest_history(struct ctx *ctx, struct store_conn *conn, struct backtest *backtest)
    MUST_CHECK;

/* Replays a file of JSON Lines: a proposal each, as agents send it or as the server answers it,
 * and `agent` (a name), `at`, `verdict`, `decision` ("approve", "modify", "reject", "return", or
 * an object with `verdict`, `severity` and `at`). Errors: FM_E_INVALID_ARGUMENT with the number
 * of the line. */
enum fm_err backtest_lines(struct ctx *ctx, FILE *file, struct backtest *backtest) MUST_CHECK;

/* Writes what was found as one JSON object. */
enum fm_err backtest_write(struct ctx *ctx, struct json_out *out, const struct backtest *backtest)
    MUST_CHECK;

/* Whether a rule or budget matched at least once: rules in the order of the file. */
uint64_t backtest_matched(const struct backtest *backtest, size_t rule);
uint64_t backtest_replayed(const struct backtest *backtest);
bool backtest_stopped(
    const struct backtest *backtest); /* progress said no: the numbers are of a part */

/* Adds one to `matched` (one for each rule of the policy) for each rule that would match a
 * proposal by itself: rules that read the history or the session's domains are left out. Erased:
 * none does. Any thread; errors: the store's, FM_E_OVERLOADED when memory is short. */
enum fm_err backtest_caught(struct ctx *ctx, struct store_conn *conn, const struct policy *policy,
                            const struct edge_case_example *example,
                            uint64_t *matched) MUST_CHECK;

/* Whether a rule that matches would have sent the proposal to people, or blocked it. */
bool backtest_catches(const struct policy_rule *rule);

/* Jobs ---------------------------------------------------------------------------------------
 * What people ask a server for: one at a time, beside all else. */

#define BACKTESTS_KEPT        16 /* the newest; each report takes at most BACKTEST_JSON_MAX */
#define BACKTESTS_WAITING_MAX 8  /* that are not over */
#define BACKTEST_DAYS_LIMIT   3650

struct backtests;

struct backtest_request {
    const struct policy *policy;
    struct id version; /* of the policy; zero: a text that is no version */
    int64_t days;
    struct id by; /* a person */
    struct str by_name;
};

/* Starts the thread; `store` outlives it. backtests_stop ends what runs; NULL allowed. */
enum fm_err backtests_start(struct ctx *ctx, struct store *store, struct backtests **out)
    MUST_CHECK;
void backtests_stop(struct backtests *backtests);

/* Any thread. Errors: FM_E_OVERLOADED when too many wait. */
enum fm_err backtests_submit(struct ctx *ctx, struct backtests *backtests,
                             const struct backtest_request *request, struct id *out) MUST_CHECK;
/* Writes {"id", "state", ..., "report"} as docs/openapi.yaml has it. FM_E_NOT_FOUND. */
enum fm_err backtests_view(struct ctx *ctx, struct backtests *backtests, struct id id,
                           struct json_out *out) MUST_CHECK;
/* One that waits never runs; one that runs ends soon; one that is over stays. FM_E_NOT_FOUND. */
enum fm_err backtests_cancel(struct ctx *ctx, struct backtests *backtests, struct id id) MUST_CHECK;

#endif
