/* SPDX-License-Identifier: Apache-2.0
 *
 * What a replay found, as JSON: the changes that loosen first, then by how many.
 */
#include "backtest/inner.h"
#include "stats/stats.h"

#include <stdlib.h>

static const char *const decision_names[BACKTEST_DECISION_COUNT] = {
    "undecided", "approved", "modified", "rejected", "returned"};

/* The rows of a map as a sorted array. */
struct rows {
    void **items;
    size_t count;
};

static void collect(void *with, struct str key, void *value)
{
    struct rows *rows = with;

    (void)key;
    rows->items[rows->count++] = value;
}

static enum fm_err rows_of(struct ctx *ctx, const struct map *map,
                           int (*order)(const void *, const void *), struct rows *out)
{
    *out = (struct rows){arena_zalloc(ctx->arena, map_count(map) + 1, sizeof(void *)), 0};
    if (!out->items) {
        return fail_memory(ctx);
    }
    map_each(map, collect, out);
    qsort(out->items, out->count, sizeof(void *), order);
    return FM_OK;
}

static int by_count(uint64_t a, uint64_t b)
{
    return a > b ? -1 : a < b;
}

static int group_order(const void *left, const void *right)
{
    const struct group *a = *(const struct group *const *)left,
                       *b = *(const struct group *const *)right;
    bool a_loosens = a->to < a->from, b_loosens = b->to < b->from;
    int order = a_loosens != b_loosens ? (a_loosens ? -1 : 1) : by_count(a->count, b->count);

    order = order ? order : str_cmp(a->action, b->action);
    return order ? order : str_cmp(a->rule, b->rule);
}

static int day_order(const void *left, const void *right)
{
    const struct queue_day *a = *(const struct queue_day *const *)left;
    const struct queue_day *b = *(const struct queue_day *const *)right;
    int order = str_cmp(a->day, b->day);

    return order ? order : str_cmp(a->queue, b->queue);
}

static int queue_order(const void *left, const void *right)
{
    const struct queue_times *a = *(const struct queue_times *const *)left;
    const struct queue_times *b = *(const struct queue_times *const *)right;

    return str_cmp(a->queue, b->queue);
}

static void write_outcomes(struct json_out *out, const char *name,
                           const uint64_t counts[OUTCOME_COUNT])
{
    jo_key(out, name);
    jo_object(out);
    for (unsigned i = 0; i < OUTCOME_COUNT; i++) {
        jo_m_int(out, outcome_name(i), (int64_t)counts[i]);
    }
    jo_object_end(out);
}

static void write_examples(struct json_out *out, const struct examples *examples)
{
    jo_key(out, "examples");
    jo_array(out);
    for (size_t i = 0; i < examples->count; i++) {
        jo_str(out, examples->ids[i]);
    }
    jo_array_end(out);
}

static void write_decisions(struct json_out *out, const struct group *group)
{
    jo_key(out, "decisions");
    jo_object(out);
    for (unsigned i = 0; i < BACKTEST_DECISION_COUNT; i++) {
        jo_m_int(out, decision_names[i], (int64_t)group->decisions[i]);
    }
    jo_object_end(out);
}

static void write_group(struct json_out *out, const struct group *group)
{
    jo_object(out);
    jo_m_str(out, "direction", group->to < group->from ? S("loosened") : S("tightened"));
    jo_m_str(out, "from", str_of(outcome_name(group->from)));
    jo_m_str(out, "to", str_of(outcome_name(group->to)));
    jo_m_str(out, "action", group->action);
    jo_m_str(out, "rule", group->rule);
    jo_m_int(out, "count", (int64_t)group->count);
    write_decisions(out, group);
    write_examples(out, &group->examples);
    jo_object_end(out);
}

static enum fm_err write_changes(struct ctx *ctx, struct json_out *out, const struct report *report)
{
    struct rows groups;

    TRY(rows_of(ctx, report->groups, group_order, &groups));
    jo_key(out, "changed");
    jo_object(out);
    jo_m_int(out, "loosened", (int64_t)report->loosened);
    jo_m_int(out, "tightened", (int64_t)report->tightened);
    jo_m_int(out, "left_out", (int64_t)report->rest.count);
    jo_key(out, "groups");
    jo_array(out);
    for (size_t i = 0; i < groups.count; i++) {
        write_group(out, groups.items[i]);
    }
    jo_array_end(out);
    jo_object_end(out);
    return FM_OK;
}

static void write_let_through(struct json_out *out, const struct report *report)
{
    uint64_t decided = report->allowed_decided, errors = report->allowed_errors;

    jo_key(out, "let_through");
    jo_object(out);
    jo_m_int(out, "allowed", (int64_t)report->allowed_newly);
    jo_m_int(out, "decided", (int64_t)decided);
    jo_m_int(out, "returned", (int64_t)report->allowed_returned);
    jo_m_int(out, "errors", (int64_t)errors);
    jo_key(out, "rate");
    if (decided) {
        jo_double(out, (double)errors / (double)decided);
    } else {
        jo_null(out);
    }
    jo_key(out, "upper_bound");
    jo_double(out, stats_binomial_upper(decided, errors, BACKTEST_CONFIDENCE));
    jo_key(out, "confidence");
    jo_double(out, BACKTEST_CONFIDENCE);
    write_examples(out, &report->errors);
    jo_object_end(out);
}

static void write_day(struct json_out *out, const struct queue_day *row)
{
    jo_object(out);
    jo_m_str(out, "day", row->day);
    jo_m_str(out, "queue", row->queue);
    jo_m_int(out, "before", (int64_t)row->before);
    jo_m_int(out, "after", (int64_t)row->after);
    jo_object_end(out);
}

static void write_queue(struct json_out *out, const struct queue_times *row)
{
    jo_object(out);
    jo_m_str(out, "queue", row->queue);
    jo_m_int(out, "before", (int64_t)row->before);
    jo_m_int(out, "after", (int64_t)row->after);
    jo_m_int(out, "decided", (int64_t)row->decided);
    jo_m_int(out, "late", (int64_t)row->late);
    jo_m_int(out, "late_before", (int64_t)row->late_before);
    write_examples(out, &row->examples);
    jo_object_end(out);
}

static enum fm_err write_reviews(struct ctx *ctx, struct json_out *out, const struct report *report)
{
    struct rows days, queues;

    TRY(rows_of(ctx, report->days, day_order, &days));
    TRY(rows_of(ctx, report->queues, queue_order, &queues));
    jo_key(out, "reviews");
    jo_object(out);
    jo_m_int(out, "before", (int64_t)report->held_before);
    jo_m_int(out, "after", (int64_t)report->held_after);
    jo_m_bool(out, "days_left_out", report->days_left_out);
    jo_key(out, "queues");
    jo_array(out);
    for (size_t i = 0; i < queues.count; i++) {
        write_queue(out, queues.items[i]);
    }
    jo_array_end(out);
    jo_key(out, "days");
    jo_array(out);
    for (size_t i = 0; i < days.count; i++) {
        write_day(out, days.items[i]);
    }
    jo_array_end(out);
    jo_object_end(out);
    return FM_OK;
}

static void write_matches(struct json_out *out, const struct backtest *b)
{
    const struct policy *policy = b->options.policy;

    jo_key(out, "rules");
    jo_array(out);
    for (size_t i = 0; i < policy->rule_count; i++) {
        jo_object(out);
        jo_m_str(out, "id", policy->rules[i].id);
        jo_m_int(out, "matched", (int64_t)b->replay.matched[i]);
        jo_object_end(out);
    }
    jo_array_end(out);
    jo_key(out, "budgets");
    jo_array(out);
    for (size_t i = 0; i < policy->budget_count; i++) {
        jo_object(out);
        jo_m_str(out, "id", policy->budgets[i].id);
        jo_m_int(out, "exceeded", (int64_t)b->replay.matched[policy->rule_count + i]);
        jo_object_end(out);
    }
    jo_array_end(out);
}

enum fm_err backtest_write(struct ctx *ctx, struct json_out *out, const struct backtest *b)
{
    const struct report *report = &b->report;

    jo_object(out);
    jo_m_digest(out, "version", hash_str(&b->options.policy->version));
    jo_m_time(out, "from", report->first_us);
    jo_m_time(out, "to", report->last_us);
    jo_m_int(out, "replayed", (int64_t)report->replayed);
    jo_m_int(out, "compared", (int64_t)report->compared);
    jo_m_int(out, "unknown", (int64_t)report->unknown);
    jo_m_int(out, "erased", (int64_t)report->erased);
    jo_m_bool(out, "stopped", b->stopped);
    jo_key(out, "verdicts");
    jo_object(out);
    write_outcomes(out, "before", report->before);
    write_outcomes(out, "after", report->after);
    jo_object_end(out);
    TRY(write_changes(ctx, out, report));
    write_let_through(out, report);
    TRY(write_reviews(ctx, out, report));
    write_matches(out, b);
    jo_object_end(out);
    return buf_ok(out->buf) ? FM_OK
                            : fail(ctx, FM_E_TOO_LARGE, "the report is larger than %zu MiB",
                                   BACKTEST_JSON_MAX / MIB);
}
