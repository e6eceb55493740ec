/* SPDX-License-Identifier: Apache-2.0
 *
 * One run: proposals in their order through one policy or two, and what they came to.
 */
#include "backtest/inner.h"

#include "base/panic.h"

#include <stdlib.h>

#define SCRATCH_MAX (64 * MIB) /* of one proposal */

static enum fm_err open_parts(struct ctx *ctx, struct backtest *b)
{
    b->arena = arena_new(BACKTEST_MEMORY_MAX);
    b->scratch = arena_new(SCRATCH_MAX);
    if (!b->arena || !b->scratch) {
        return fail_memory(ctx);
    }
    TRY(report_open(ctx, &b->report));
    TRY(replay_open(ctx, b->arena, b->options.policy, &b->replay));
    return b->options.against ? replay_open(ctx, b->arena, b->options.against, &b->against) : FM_OK;
}

enum fm_err backtest_new(struct ctx *ctx, const struct backtest_options *options,
                         struct backtest **out)
{
    struct backtest *b = calloc(1, sizeof(*b));
    enum fm_err err;

    *out = NULL;
    if (!b) {
        return fail_memory(ctx);
    }
    b->options = *options;
    err = open_parts(ctx, b);
    if (err != FM_OK) {
        backtest_free(b);
        return err;
    }
    *out = b;
    return FM_OK;
}

void backtest_free(struct backtest *b)
{
    if (!b) {
        return;
    }
    replay_done(&b->replay);
    replay_done(&b->against);
    report_done(&b->report);
    arena_free(b->scratch);
    arena_free(b->arena);
    free(b);
}

/* The strictest of the recorded reasons; a rule before others. */
static struct str recorded_rule(const struct backtest_case *one)
{
    struct str source = STR_NONE, want = str_of(verdict_name(one->verdict));

    for (uint32_t i = 0; one->reasons && i < one->reasons->count; i++) {
        const struct json *reason = &one->reasons->as.items[i];
        struct str rule = json_text(json_get(reason, S("rule")));
        if (!str_eq(json_text(json_get(reason, S("verdict"))), want)) {
            continue;
        }
        if (rule.p) {
            return rule;
        }
        source = source.p ? source : json_text(json_get(reason, S("source")));
    }
    return source;
}

static enum fm_err before(struct ctx *ctx, struct backtest *b, const struct backtest_case *one,
                          struct comparison *c)
{
    struct assessment *assessment;

    c->before = one->has_verdict ? one->verdict : OUTCOME_COUNT;
    c->queue_before = one->queue;
    c->respond_before_us = one->respond_within_us;
    c->rule_before = recorded_rule(one);
    if (!b->options.against) {
        return FM_OK;
    }
    assessment = arena_zalloc(ctx->arena, 1, sizeof(*assessment));
    if (!assessment) {
        return fail_memory(ctx);
    }
    TRY(replay_case(ctx, &b->against, one, assessment, &c->before));
    c->queue_before = assessment->queue;
    c->respond_before_us = assessment->respond_within_us;
    c->rule_before = deciding_rule(assessment);
    return FM_OK;
}

static enum fm_err add(struct ctx *ctx, struct backtest *b, const struct backtest_case *one)
{
    struct assessment *assessment = arena_zalloc(ctx->arena, 1, sizeof(*assessment));
    struct comparison c = {.one = one, .assessment = assessment};

    if (!assessment) {
        return fail_memory(ctx);
    }
    TRY(before(ctx, b, one, &c));
    TRY(replay_case(ctx, &b->replay, one, assessment, &c.after));
    b->report.replayed++;
    return one->at_us >= b->options.since_us ? report_add(ctx, b, &c) : FM_OK;
}

enum fm_err backtest_add(struct ctx *ctx, struct backtest *b, const struct backtest_case *one)
{
    struct ctx own;
    enum fm_err err;

    ctx_init(&own, b->scratch);
    err = add(&own, b, one);
    if (err != FM_OK) {
        (void)fail(ctx, err, "%s", own.detail);
    }
    arena_reset(b->scratch);
    return err;
}

uint64_t backtest_matched(const struct backtest *b, size_t rule)
{
    ASSERT(rule < b->options.policy->rule_count);
    return b->replay.matched[rule];
}

uint64_t backtest_replayed(const struct backtest *b)
{
    return b->report.replayed;
}

bool backtest_stopped(const struct backtest *b)
{
    return b->stopped;
}
