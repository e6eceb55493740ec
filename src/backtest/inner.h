/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this folder share: the state of one policy during a replay (replay.c,
 * windows.c), and what is found (report.c, write.c).
 */
#ifndef FM_BACKTEST_INNER_H
#define FM_BACKTEST_INNER_H

#include "backtest/backtest.h"
#include "base/map.h"

/* Windows
 * ---------------------------------------------------------------------------------------- */

__extension__ typedef __int128 wide; /* sums of millionths of any history */

struct slot {
    int64_t bucket, count;
    wide micros;
};

/* What was counted within a time, in buckets: the newest at the end. */
struct window {
    int64_t width_us, length_us;
    struct slot *slots;
    size_t first, end, room;
    int64_t count; /* of all slots that are left */
    wide micros;
};

/* What a pending proposal has reserved and gives back if it is not approved. */
struct giveback {
    int64_t at_us, bucket, micros;
    struct window *window;
};

struct windows {
    struct arena *arena;
    struct map *map;       /* key of 16 bytes -> struct window */
    struct giveback *heap; /* the earliest first */
    size_t heap_count, heap_room;
};

enum fm_err windows_open(struct ctx *ctx, struct arena *arena, struct windows *out) MUST_CHECK;
void windows_done(struct windows *windows);

/* The window of a key, made when it is new. */
enum fm_err windows_of(struct ctx *ctx, struct windows *windows, struct str kind, struct str name,
                       struct str key, int64_t width_us, int64_t length_us, struct window **out)
    MUST_CHECK;
/* Forgets what lies before the window that ends now. */
void window_advance(struct window *window, int64_t now_us);
enum fm_err window_add(struct ctx *ctx, struct windows *windows, struct window *window,
                       int64_t micros, int64_t now_us) MUST_CHECK;
/* Takes one use back at a time to come; carried out by windows_settle. */
enum fm_err windows_give_back(struct ctx *ctx, struct windows *windows, struct giveback giveback)
    MUST_CHECK;
void windows_settle(struct windows *windows, int64_t now_us);

/* Replay
 * ----------------------------------------------------------------------------------------- */

/* Beyond `block`: the schema or the brief's demands would have refused the request. */
#define OUTCOME_REFUSED (VERDICT_BLOCK + 1)
#define OUTCOME_COUNT   (OUTCOME_REFUSED + 1)

struct domains_seen {
    struct domains_seen *next;
    struct str domain;
};

/* One policy, as time passes. */
struct replay {
    const struct policy *policy;
    struct arena *arena; /* of the run */
    struct windows windows;
    struct map *sessions;   /* agent and session -> struct domains_seen */
    struct map *recipients; /* agent, party, value -> int64_t: since when people know it */
    uint64_t *matched;      /* of each rule, then of each budget */
};

enum fm_err replay_open(struct ctx *ctx, struct arena *arena, const struct policy *policy,
                        struct replay *out) MUST_CHECK;
void replay_done(struct replay *replay);

/* What comes of one proposal; `outcome` is a verdict or OUTCOME_REFUSED (then
 * assessment->reasons[0] says why). Texts live in ctx->arena. */
enum fm_err replay_case(struct ctx *ctx, struct replay *replay, const struct backtest_case *one,
                        struct assessment *assessment, unsigned *outcome) MUST_CHECK;

/* Report
 * ----------------------------------------------------------------------------------------- */

struct examples {
    struct str ids[BACKTEST_EXAMPLES_MAX];
    size_t count;
};

/* A kind of change: from one outcome to another, for an action, because of a rule. */
struct group {
    unsigned from, to;
    struct str action, rule;
    uint64_t count, decisions[BACKTEST_DECISION_COUNT];
    struct examples examples;
};

struct queue_day {
    struct str day, queue;
    uint64_t before, after;
};

struct queue_times {
    struct str queue;
    uint64_t before, after, decided, late, late_before;
    struct examples examples;
};

struct report {
    uint64_t replayed, compared, unknown, erased;
    uint64_t before[OUTCOME_COUNT], after[OUTCOME_COUNT];
    uint64_t loosened, tightened, held_before, held_after;
    struct map *groups, *days, *queues;
    struct group rest; /* beyond BACKTEST_GROUPS_MAX */
    bool days_left_out;
    uint64_t allowed_newly, allowed_decided, allowed_errors, allowed_returned;
    struct examples errors;
    int64_t first_us, last_us; /* of what was compared */
};

struct backtest {
    struct backtest_options options;
    struct arena *arena, *scratch; /* of the run; of one proposal */
    struct replay replay, against;
    struct report report;
    bool stopped;
};

enum fm_err report_open(struct ctx *ctx, struct report *report) MUST_CHECK;
void report_done(struct report *report);

/* What one proposal was and what it would be. */
struct comparison {
    const struct backtest_case *one;
    unsigned before, after;
    struct str queue_before;
    int64_t respond_before_us;
    struct str rule_before; /* what decided */
    const struct assessment *assessment;
};
enum fm_err report_add(struct ctx *ctx, struct backtest *backtest,
                       const struct comparison *comparison) MUST_CHECK;
/* Keeps the first few. */
enum fm_err examples_add(struct ctx *ctx, struct arena *arena, struct examples *examples,
                         struct str id) MUST_CHECK;

/* "allow", ..., "refused". */
const char *outcome_name(unsigned outcome);
bool outcome_is_held(unsigned outcome);

/* What decided an assessment: the first reason that is as strict as its verdict; a rule before
 * others. */
struct str deciding_rule(const struct assessment *assessment);

#endif
