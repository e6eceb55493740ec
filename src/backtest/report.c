/* SPDX-License-Identifier: Apache-2.0
 *
 * What a replay finds: kinds of change, reviews a day, response times, and the errors that would
 * have been let through.
 */
#include "backtest/inner.h"

#include "base/panic.h"

const char *outcome_name(unsigned outcome)
{
    return outcome == OUTCOME_REFUSED ? "refused" : verdict_name((enum verdict)outcome);
}

bool outcome_is_held(unsigned outcome)
{
    return outcome == VERDICT_EARN || outcome == VERDICT_REVIEW;
}

enum fm_err report_open(struct ctx *ctx, struct report *report)
{
    *report = (struct report){.groups = map_new(), .days = map_new(), .queues = map_new()};
    return report->groups && report->days && report->queues ? FM_OK : fail_memory(ctx);
}

void report_done(struct report *report)
{
    map_free(report->groups);
    map_free(report->days);
    map_free(report->queues);
}

enum fm_err examples_add(struct ctx *ctx, struct arena *arena, struct examples *examples,
                         struct str id)
{
    if (examples->count == BACKTEST_EXAMPLES_MAX) {
        return FM_OK;
    }
    examples->ids[examples->count] = arena_copy(arena, id);
    return examples->ids[examples->count++].p ? FM_OK : fail_memory(ctx);
}

struct str deciding_rule(const struct assessment *a)
{
    struct str source = STR_NONE;

    for (size_t i = 0; i < a->reason_count; i++) {
        if (a->reasons[i].verdict == a->verdict && a->reasons[i].rule.p) {
            return a->reasons[i].rule;
        }
        if (a->reasons[i].verdict == a->verdict && !source.p) {
            source = str_of(a->reasons[i].source);
        }
    }
    return source.p ? source : S("catalogue");
}

/* Finds the row under a key, or makes one in the run's arena while there are fewer than `max`;
 * NULL (and FM_OK) beyond. */
static enum fm_err row_of(struct ctx *ctx, struct backtest *b, struct map *map, struct str key,
                          size_t size, size_t max, void **out)
{
    *out = map_find(map, key);
    if (*out || map_count(map) >= max) {
        return FM_OK;
    }
    *out = arena_zalloc(b->arena, 1, size);
    return *out && map_put(map, key, *out) ? FM_OK : fail_memory(ctx);
}

/* Changes
 * ---------------------------------------------------------------------------------------- */

static enum fm_err group_of(struct ctx *ctx, struct backtest *b, const struct comparison *c,
                            struct str rule, struct group **out)
{
    struct str key = arena_printf(ctx->arena, "%u %u %.*s\n%.*s", c->before, c->after,
                                  STR_ARG(c->one->action), STR_ARG(rule));
    void *row;

    if (!key.p) {
        return fail_memory(ctx);
    }
    TRY(row_of(ctx, b, b->report.groups, key, sizeof(**out), BACKTEST_GROUPS_MAX, &row));
    *out = row ? row : &b->report.rest;
    if (row && (*out)->count == 0) {
        (*out)->from = c->before;
        (*out)->to = c->after;
        (*out)->action = arena_copy(b->arena, c->one->action);
        (*out)->rule = arena_copy(b->arena, rule);
    }
    return !row || ((*out)->action.p && (*out)->rule.p) ? FM_OK : fail_memory(ctx);
}

static enum fm_err add_change(struct ctx *ctx, struct backtest *b, const struct comparison *c)
{
    bool loosened = c->after < c->before;
    struct str rule = loosened ? c->rule_before : deciding_rule(c->assessment);
    struct group *group = NULL;

    b->report.loosened += loosened;
    b->report.tightened += !loosened;
    TRY(group_of(ctx, b, c, rule.p ? rule : S("(not recorded)"), &group));
    ASSERT(group);
    group->count++;
    group->decisions[c->one->decision]++;
    return examples_add(ctx, b->arena, &group->examples, c->one->id);
}

/* Errors let through
 * ------------------------------------------------------------------------------- */

static enum fm_err add_allowed(struct ctx *ctx, struct backtest *b, const struct comparison *c)
{
    struct report *report = &b->report;
    enum backtest_decision decision = c->one->decision;
    bool error = decision == BACKTEST_REJECTED || decision == BACKTEST_MODIFIED;

    report->allowed_newly++;
    report->allowed_decided += error || decision == BACKTEST_APPROVED;
    report->allowed_returned += decision == BACKTEST_RETURNED;
    report->allowed_errors += error;
    return error ? examples_add(ctx, b->arena, &report->errors, c->one->id) : FM_OK;
}

/* Queues
 * ----------------------------------------------------------------------------------------- */

static enum fm_err count_day(struct ctx *ctx, struct backtest *b, int64_t at_us, struct str queue,
                             bool after)
{
    char time[CLOCK_TEXT_SIZE];
    struct str day = {clock_format(at_us, time).p, 10};
    struct str key = arena_printf(ctx->arena, "%.*s%.*s", STR_ARG(day), STR_ARG(queue));
    struct queue_day *row;
    void *found;

    if (!key.p) {
        return fail_memory(ctx);
    }
    TRY(row_of(ctx, b, b->report.days, key, sizeof(*row), BACKTEST_DAYS_MAX, &found));
    row = found;
    if (!row) {
        b->report.days_left_out = true;
        return FM_OK;
    }
    if (!row->day.p) {
        row->day = arena_copy(b->arena, day);
        row->queue = arena_copy(b->arena, queue);
    }
    *(after ? &row->after : &row->before) += 1;
    return row->day.p && row->queue.p ? FM_OK : fail_memory(ctx);
}

static enum fm_err times_of(struct ctx *ctx, struct backtest *b, struct str queue,
                            struct queue_times **out)
{
    void *found;

    TRY(row_of(ctx, b, b->report.queues, queue, sizeof(**out), BACKTEST_DAYS_MAX, &found));
    *out = found;
    if (*out && !(*out)->queue.p) {
        (*out)->queue = arena_copy(b->arena, queue);
    }
    return *out && (*out)->queue.p ? FM_OK : fail_memory(ctx);
}

static enum fm_err add_before(struct ctx *ctx, struct backtest *b, const struct comparison *c)
{
    struct str queue = c->queue_before.p ? c->queue_before : S("(not recorded)");
    struct queue_times *times;

    b->report.held_before++;
    TRY(times_of(ctx, b, queue, &times));
    times->before++;
    return count_day(ctx, b, c->one->at_us, queue, false);
}

/* Whether people would have answered in time: those who did then, as fast as they did. */
static enum fm_err add_times(struct ctx *ctx, struct backtest *b, const struct comparison *c,
                             struct queue_times *times)
{
    int64_t took_us = c->one->ended_at_us - c->one->at_us;

    if (!outcome_is_held(c->before) || c->one->decision == BACKTEST_UNDECIDED ||
        !c->one->ended_at_us) {
        return FM_OK;
    }
    times->decided++;
    times->late_before += c->respond_before_us && took_us > c->respond_before_us;
    if (took_us <= c->assessment->respond_within_us) {
        return FM_OK;
    }
    times->late++;
    return examples_add(ctx, b->arena, &times->examples, c->one->id);
}

static enum fm_err add_after(struct ctx *ctx, struct backtest *b, const struct comparison *c)
{
    struct queue_times *times;

    b->report.held_after++;
    TRY(times_of(ctx, b, c->assessment->queue, &times));
    times->after++;
    TRY(add_times(ctx, b, c, times));
    return count_day(ctx, b, c->one->at_us, c->assessment->queue, true);
}

/* All of it
 * ---------------------------------------------------------------------------------------- */

static enum fm_err compare(struct ctx *ctx, struct backtest *b, const struct comparison *c)
{
    b->report.compared++;
    b->report.before[c->before]++;
    if (outcome_is_held(c->before)) {
        TRY(add_before(ctx, b, c));
    }
    if (c->after != c->before) {
        TRY(add_change(ctx, b, c));
    }
    return c->after == VERDICT_ALLOW && c->before != VERDICT_ALLOW ? add_allowed(ctx, b, c) : FM_OK;
}

enum fm_err report_add(struct ctx *ctx, struct backtest *b, const struct comparison *c)
{
    struct report *report = &b->report;

    report->first_us = report->first_us ? report->first_us : c->one->at_us;
    report->last_us = c->one->at_us;
    report->after[c->after]++;
    if (outcome_is_held(c->after)) {
        TRY(add_after(ctx, b, c));
    }
    if (c->before == OUTCOME_COUNT) {
        report->unknown++;
        return FM_OK;
    }
    return compare(ctx, b, c);
}
