/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs the examples that a policy file gives of itself, through the same steps as a proposal.
 * What counts is what the example says (`used`, `history`, `known`) and else nothing; warm-up
 * and coin are left out, so that a test says the same on every day; demands on the brief are not
 * asked.
 */
#include "assess/assess_internal.h"

#include "base/panic.h"

static bool is_known(void *with, struct str recipient)
{
    const struct policy_test *test = with;

    for (size_t i = 0; i < test->known.count; i++) {
        if (str_eq(test->known.items[i], recipient)) {
            return true;
        }
    }
    return false;
}

static const char *const whose_names[WHOSE_COUNT] = {"agent", "category", "subject"};
static const char *const count_names[] = {
#define X(name, text, us) "count_" text,
    POLICY_WINDOWS(X)
#undef X
};
static const char *const sum_names[] = {
#define X(name, text, us) "sum_" text,
    POLICY_WINDOWS(X)
#undef X
};

/* An amount of the test in millionths; 0 where it says nothing. */
static int64_t micros_of(const struct json *value)
{
    int64_t micros;

    return value && policy_micros(value->as.text, &micros) ? micros : 0;
}

static bool history_of_test(void *with, struct str category, struct assess_history *out)
{
    const struct policy_test *test = with;

    (void)category;
    for (size_t whose = 0; whose < WHOSE_COUNT; whose++) {
        const struct json *of = json_get(test->history, str_of(whose_names[whose]));
        for (size_t i = 0; i < POLICY_WINDOW_COUNT; i++) {
            out->count[whose][i] = micros_of(json_get(of, str_of(count_names[i]))) / 1000000;
            out->micros[whose][i] = micros_of(json_get(of, str_of(sum_names[i])));
        }
    }
    return true;
}

/* Budgets, with what the test says is used up. */
static enum fm_err weigh_uses(struct ctx *ctx, const struct policy_test *test, struct assessment *a)
{
    for (size_t i = 0; i < a->use_count; i++) {
        const struct policy_budget *budget = a->uses[i].budget;
        int64_t used = micros_of(json_get(test->used, budget->id)), after;
        if (!__builtin_add_overflow(used, a->uses[i].micros, &after) &&
            after <= budget->limit_micros) {
            continue;
        }
        struct assess_reason reason = {
            .source = "budget",
            .verdict = budget->then,
            .rule = budget->id,
            .text = budget->because.p
                        ? budget->because
                        : arena_printf(ctx->arena, "The budget %.*s would be exceeded",
                                       STR_ARG(budget->id)),
        };
        if (!reason.text.p) {
            return fail_memory(ctx);
        }
        assess_add(a, reason);
    }
    return FM_OK;
}

static enum fm_err assess_test(struct ctx *ctx, const struct policy *policy,
                               const struct policy_test *test, struct assessment *out)
{
    struct assess_input input = {
        .policy = policy,
        .action = test->action,
        .request = test->given,
        .agent_id = S("agt_00000000000000000000000000"),
        .agent_name = test->agent,
        .owner = test->owner,
        .now_us = test->at_us,
        .is_known = is_known,
        .history = history_of_test,
        .with = (void *)test,
    };

    TRY(assess_begin(ctx, &input, out));
    input.session_domains = out->domains;
    if (assess_needs_counts(policy)) {
        TRY(assess_counted(ctx, &input, out));
    }
    TRY(weigh_uses(ctx, test, out));
    return assess_finish(ctx, policy, out);
}

/* Comparing
 * -------------------------------------------------------------------------------------- */

static bool has_reason(const struct assessment *a, struct str rule)
{
    for (size_t i = 0; i < a->reason_count; i++) {
        if (str_eq(a->reasons[i].rule, rule)) {
            return true;
        }
    }
    return false;
}

/* "catalogue earn, money-out review": what was found. */
static void write_found(struct buf *out, const struct assessment *a)
{
    for (size_t i = 0; i < a->reason_count; i++) {
        const struct assess_reason *reason = &a->reasons[i];
        struct str name = reason->rule.p ? reason->rule : str_of(reason->source);
        buf_printf(out, "%s%.*s %s", i ? ", " : "", STR_ARG(name), verdict_name(reason->verdict));
    }
}

static void write_time(struct buf *out, const char *name, int64_t is_us, int64_t want_us)
{
    buf_printf(out, "%s is ", name);
    buf_add_duration(out, is_us);
    buf_lit(out, ", not ");
    buf_add_duration(out, want_us);
}

/* What of the hold is not as wanted. */
static void compare_hold(struct buf *out, const struct policy_want *want,
                         const struct assessment *a)
{
    bool held = a->verdict == VERDICT_EARN || a->verdict == VERDICT_REVIEW;
    bool asks =
        want->queue.p || want->has_mode || want->respond_within_us >= 0 || want->undo_us >= 0;

    if (asks && !held) {
        buf_printf(out, "nothing is held: the verdict is %s", verdict_name(a->verdict));
    } else if (want->queue.p && !str_eq(want->queue, a->queue)) {
        buf_printf(out, "the queue is %.*s, not %.*s", STR_ARG(a->queue), STR_ARG(want->queue));
    } else if (want->has_mode && want->mode != a->mode) {
        buf_printf(out, "the mode is %s, not %s", review_mode_name(a->mode),
                   review_mode_name(want->mode));
    } else if (want->respond_within_us >= 0 && want->respond_within_us != a->respond_within_us) {
        write_time(out, "respond_within", a->respond_within_us, want->respond_within_us);
    } else if (want->undo_us >= 0 && want->undo_us != a->undo_us) {
        write_time(out, "undo", a->undo_us, want->undo_us);
    }
}

/* The first thing that is not as wanted; nothing when all is. */
static void compare(struct buf *out, const struct policy_want *want, const struct assessment *a)
{
    if (want->has_verdict && want->verdict != a->verdict) {
        buf_printf(out, "the verdict is %s, not %s", verdict_name(a->verdict),
                   verdict_name(want->verdict));
        return;
    }
    for (size_t i = 0; i < want->rules.count; i++) {
        if (!has_reason(a, want->rules.items[i])) {
            buf_printf(out, "%.*s is not among the reasons", STR_ARG(want->rules.items[i]));
            return;
        }
    }
    if (want->category.p && !str_eq(want->category, a->category)) {
        buf_printf(out, "the category is %.*s, not %.*s", STR_ARG(a->category),
                   STR_ARG(want->category));
        return;
    }
    compare_hold(out, want, a);
}

static enum fm_err write_outcome(struct ctx *ctx, const struct policy_want *want,
                                 const struct assessment *a, struct policy_outcome *out)
{
    AUTO(buf_done) struct buf why = BUF_INIT(16 * KIB);
    AUTO(buf_done) struct buf reasons = BUF_INIT(ASSESS_JSON_MAX);
    struct json_out writer = JSON_OUT(&reasons);

    compare(&why, want, a);
    out->passed = why.n == 0;
    out->verdict = a->verdict;
    if (!out->passed) {
        buf_lit(&why, " (found: ");
        write_found(&why, a);
        buf_add_char(&why, ')');
    }
    assess_write_reasons(&writer, a);
    out->why = arena_copy(ctx->arena, buf_str(&why));
    out->reasons = arena_copy(ctx->arena, buf_str(&reasons));
    return buf_ok(&why) && buf_ok(&reasons) && out->why.p && out->reasons.p ? FM_OK
                                                                            : fail_memory(ctx);
}

/* An agent could not even propose this: intake would refuse it. */
static bool is_refused(struct ctx *ctx, const struct policy *policy, const struct policy_test *test,
                       struct policy_outcome *out)
{
    static const struct json no_arguments = {.kind = JSON_OBJECT};
    const struct policy_action *action = policy_action(policy, test->action);
    const struct json *arguments = json_get(test->given, S("arguments"));
    struct ctx check;

    if (!action || !action->schema) {
        return false;
    }
    ctx_init(&check, ctx->arena);
    if (json_schema_require(&check, action->schema, arguments ? arguments : &no_arguments,
                            S("/arguments")) == FM_OK) {
        return false;
    }
    out->why = arena_printf(ctx->arena, "the schema of %.*s refuses this: %s",
                            STR_ARG(test->action), check.detail);
    out->reasons = S("[]");
    out->verdict = VERDICT_BLOCK;
    return true;
}

enum fm_err policy_test_run(struct ctx *ctx, const struct policy *policy,
                            const struct policy_test *test, struct policy_outcome *out)
{
    struct assessment *assessment = arena_zalloc(ctx->arena, 1, sizeof(*assessment));

    *out = (struct policy_outcome){0};
    if (!assessment) {
        return fail_memory(ctx);
    }
    if (is_refused(ctx, policy, test, out)) {
        return out->why.p ? FM_OK : fail_memory(ctx);
    }
    TRY(assess_test(ctx, policy, test, assessment));
    out->cost = assessment->cost;
    return write_outcome(ctx, &test->want, assessment, out);
}
