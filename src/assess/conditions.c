/* SPDX-License-Identifier: Apache-2.0
 *
 * Evaluating conditions on one proposal, and saying why they gave what they gave.
 *
 * It must never take a failure for "no": a rule whose condition fails, or costs too much, matches
 * for review (invariant 5).
 */
#include "assess/assess_internal.h"

#include "base/panic.h"

#define TEXT_SHOWN       160 /* bytes of a condition in the place of a sentence */
#define EXPRESSION_SHOWN 120 /* bytes of one operand */
#define VALUE_SHOWN      120 /* bytes of its value */

struct cel_result conditions_eval(struct assess_run *run, const struct cel_program *program)
{
    uint64_t spent = run->out->cost, left = spent < ASSESS_COST_MAX ? ASSESS_COST_MAX - spent : 1;
    struct cel_result result = cel_eval(program, run->activation, run->ctx->arena,
                                        left < CEL_COST_MAX ? left : CEL_COST_MAX);

    run->starved = left < CEL_COST_MAX && result.value.kind == CEL_ERROR;
    run->out->cost += result.cost;
    return result;
}

/* Values ------------------------------------------------------------------------------------- */

/* The first bytes of a text, up to the end of a character. */
static struct str head_of(struct str text, size_t max)
{
    size_t n = text.n < max ? text.n : max;

    while (n > 0 && n < text.n && ((unsigned char)text.p[n] & 0xC0) == 0x80) {
        n--;
    }
    return (struct str){text.p, n};
}

static void write_cut(struct json_out *out, struct str text, size_t max)
{
    struct str head = head_of(text, max);

    if (head.n == text.n) {
        jo_str(out, text);
        return;
    }
    AUTO(buf_done) struct buf shown = BUF_INIT(4 * KIB);
    buf_add(&shown, head);
    buf_lit(&shown, "\xE2\x80\xA6");
    jo_str(out, buf_str(&shown));
}

static void write_shown(struct json_out *out, struct cel_value value)
{
    AUTO(buf_done) struct buf json = BUF_INIT(64 * KIB);

    if (value.kind == CEL_STRING) {
        write_cut(out, value.as.text, VALUE_SHOWN);
        return;
    }
    cel_write_json(&json, value);
    if (!buf_ok(&json)) {
        jo_str(out, S("(too long to be shown)"));
    } else if (json.n <= VALUE_SHOWN) {
        jo_raw(out, buf_str(&json));
    } else {
        write_cut(out, buf_str(&json), VALUE_SHOWN);
    }
}

static void write_value(struct json_out *out, struct str expression, struct cel_value value)
{
    jo_object(out);
    jo_key(out, "expression");
    write_cut(out, expression, EXPRESSION_SHOWN);
    jo_key(out, "value");
    write_shown(out, value);
    jo_object_end(out);
}

/* What unsourced() found: at most ASSESS_VALUES_MAX; how many were written. */
static size_t write_unsourced(struct assess_run *run, struct json_out *out)
{
    size_t count = 0;

    for (const struct policy_unsourced *row = run->scope.unsourced;
         row && count < ASSESS_VALUES_MAX; row = row->next, count++) {
        struct str at = arena_printf(run->ctx->arena, "args%.*s", STR_ARG(row->pointer));
        write_value(out, at.p ? at : S("args"), cel_string(row->value));
    }
    return count;
}

struct str conditions_values(struct assess_run *run, const struct cel_program *program)
{
    AUTO(buf_done) struct buf json = BUF_INIT(64 * KIB);
    struct json_out out = JSON_OUT(&json);
    struct cel_fact facts[ASSESS_VALUES_MAX];
    size_t written, count;
    struct str copy;

    jo_array(&out);
    written = write_unsourced(run, &out);
    count = cel_explain(program, run->activation, run->ctx->arena, CEL_COST_MAX, facts,
                        ASSESS_VALUES_MAX - written);
    for (size_t i = 0; i < count; i++) {
        write_value(&out, facts[i].text, facts[i].value);
    }
    jo_array_end(&out);
    if (!buf_ok(&json) || written + count == 0 ||
        run->out->values_bytes + json.n > ASSESS_VALUES_BYTES_MAX) {
        return STR_NONE;
    }
    copy = arena_copy(run->ctx->arena, buf_str(&json));
    run->out->values_bytes += copy.n;
    return copy;
}

/* Rules -------------------------------------------------------------------------------------- */

/* A condition in one line, where its author gave no reason. */
static struct str condition_text(struct assess_run *run, const struct policy_rule *rule)
{
    struct str head = head_of(rule->when.text, TEXT_SHOWN);
    struct str text =
        arena_printf(run->ctx->arena, "The rule %.*s says so: %.*s%s", STR_ARG(rule->id),
                     STR_ARG(head), head.n < rule->when.text.n ? "\xE2\x80\xA6" : "");

    for (size_t i = 0; i < text.n; i++) {
        ((char *)text.p)[i] = text.p[i] == '\n' || text.p[i] == '\t' ? ' ' : text.p[i];
    }
    return text;
}

/* Obligations add up: the shortest response time, whose rule names the queue; the strictest mode;
 * the longest undo; expiry before keeping. Of equally short ones the first id, so that order means
 * nothing. */
static void add_obligations(struct assess_run *run, const struct policy_rule *rule)
{
    struct assessment *out = run->out;
    int64_t own = rule->respond_within_us;
    int64_t respond_us = own ? own : run->input->policy->respond_within_us;

    out->mode = rule->mode > out->mode ? rule->mode : out->mode;
    out->undo_us = rule->undo_us > out->undo_us ? rule->undo_us : out->undo_us;
    if (rule->on_expiry == ON_EXPIRY_EXPIRE) {
        out->on_expiry = ON_EXPIRY_EXPIRE;
    }
    if (own && (!out->rule_respond_us || own < out->rule_respond_us)) {
        out->rule_respond_us = own;
    }
    if (rule->queue.p &&
        (!out->queue_rule.p || respond_us < out->queue_respond_us ||
         (respond_us == out->queue_respond_us && str_cmp(rule->id, out->queue_rule) < 0))) {
        out->queue = rule->queue;
        out->queue_rule = rule->id;
        out->queue_respond_us = respond_us;
    }
}

/* Where in the proposal, when unsourced() has found something. */
static struct str pointer_of(struct assess_run *run)
{
    const struct policy_unsourced *first = run->scope.unsourced;

    return first ? arena_printf(run->ctx->arena, "/arguments%.*s", STR_ARG(first->pointer))
                 : STR_NONE;
}

static enum fm_err add_match(struct assess_run *run, const struct policy_rule *rule,
                             const struct cel_program *program)
{
    struct assess_reason reason = {
        .source = "rule",
        .verdict = rule->has_then ? rule->then : VERDICT_ALLOW,
        .rule = rule->id,
        .pointer = pointer_of(run),
        .text = rule->because.p ? rule->because : condition_text(run, rule),
        .values = run->input->unexplained ? STR_NONE : conditions_values(run, program),
    };

    if (!reason.text.p) {
        return fail_memory(run->ctx);
    }
    run->out->spoken |= rule->has_then;
    assess_add(run->out, reason);
    add_obligations(run, rule);
    return FM_OK;
}

/* Nobody knows whether a rule that fails is meant: it asks for a review. But one that blocks must not
 * be got round by those before it, which one person may add alone, nor by arguments that keep them
 * busy. */
static enum verdict failed_verdict(const struct assess_run *run, enum verdict then)
{
    return run->starved && then == VERDICT_BLOCK ? VERDICT_BLOCK : VERDICT_REVIEW;
}

/* The error is the reason. */
static enum fm_err add_failure(struct assess_run *run, const struct policy_rule *rule,
                               struct str message)
{
    struct assess_reason reason = {
        .source = "rule",
        .verdict = failed_verdict(run, rule->has_then ? rule->then : VERDICT_REVIEW),
        .rule = rule->id,
        .text = arena_printf(run->ctx->arena, "The rule %.*s could not be evaluated: %.*s",
                             STR_ARG(rule->id), STR_ARG(head_of(message, TEXT_SHOWN))),
    };

    if (!reason.text.p) {
        return fail_memory(run->ctx);
    }
    run->out->spoken = true;
    assess_add(run->out, reason);
    add_obligations(run, rule);
    return FM_OK;
}

static enum fm_err rule_apply(struct assess_run *run, const struct policy_rule *rule)
{
    const struct cel_program *program = policy_program(&rule->when, run->out->action);
    struct cel_result result;

    if (!program) {
        return FM_OK;
    }
    run->scope.unsourced = NULL;
    result = conditions_eval(run, program);
    if (run->input->matched && (result.value.kind != CEL_BOOL || result.value.as.yes)) {
        run->input->matched[rule - run->input->policy->rules]++;
    }
    if (result.value.kind != CEL_BOOL) {
        return add_failure(run, rule,
                           result.value.kind == CEL_ERROR ? result.message
                                                          : S("it is not a truth value"));
    }
    return result.value.as.yes ? add_match(run, rule, program) : FM_OK;
}

enum fm_err rules_apply(struct assess_run *run, bool counted)
{
    const struct policy *policy = run->input->policy;

    for (size_t i = 0; i < policy->rule_count; i++) {
        bool reads_counts = (policy->rules[i].when.uses & POLICY_USES_COUNTS) != 0;
        if (reads_counts == counted) {
            TRY(rule_apply(run, &policy->rules[i]));
        }
    }
    return FM_OK;
}

/* Category ----------------------------------------------------------------------------------- */

/* One line of a length that lists and indexes bear. */
static bool is_category(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7F) {
            return false;
        }
    }
    return text.n > 0 && text.n <= POLICY_CATEGORY_BYTES;
}

enum fm_err category_apply(struct assess_run *run)
{
    const struct policy_action *action = run->out->action;
    const struct cel_program *program =
        action && action->category.text.p ? policy_program(&action->category, action) : NULL;
    struct cel_result result;
    struct str text;

    if (!program) {
        return FM_OK;
    }
    result = conditions_eval(run, program);
    if (result.value.kind == CEL_STRING && is_category(result.value.as.text)) {
        run->out->category = result.value.as.text;
        run->out->own_category = true;
        cel_set(run->activation, POLICY_V_CATEGORY, cel_string(run->out->category));
        return FM_OK;
    }
    text = arena_printf(run->ctx->arena, "The category could not be computed: %.*s",
                        STR_ARG(result.value.kind == CEL_ERROR
                                    ? head_of(result.message, TEXT_SHOWN)
                                    : S("it wants 1 to 128 bytes in one line")));
    if (!text.p) {
        return fail_memory(run->ctx);
    }
    assess_add(run->out, (struct assess_reason){
                             .source = "catalogue", .verdict = VERDICT_REVIEW, .text = text});
    return FM_OK;
}

/* Budgets ------------------------------------------------------------------------------------ */

/* The amount in millionths: a number, or a decimal in a text. */
static bool amount_of(struct cel_value value, int64_t *micros)
{
    AUTO(buf_done) struct buf digits = BUF_INIT(64);

    if (value.kind == CEL_STRING) {
        return policy_micros(value.as.text, micros);
    }
    if (value.kind != CEL_INT && value.kind != CEL_UINT && value.kind != CEL_DOUBLE) {
        return false;
    }
    cel_write_json(&digits, value);
    return buf_ok(&digits) && policy_micros(buf_str(&digits), micros);
}

static enum fm_err budget_failed(struct assess_run *run, const struct policy_budget *budget,
                                 struct cel_result result)
{
    struct str why = result.value.kind == CEL_ERROR
                         ? head_of(result.message, TEXT_SHOWN)
                         : S("the amount is no number from 0 to 9000000000000");
    struct assess_reason reason = {
        .source = "budget",
        .verdict = failed_verdict(run, budget->then),
        .rule = budget->id,
        .text = arena_printf(run->ctx->arena, "The budget %.*s could not be evaluated: %.*s",
                             STR_ARG(budget->id), STR_ARG(why)),
    };

    if (!reason.text.p) {
        return fail_memory(run->ctx);
    }
    assess_add(run->out, reason);
    return FM_OK;
}

/* Whether the budget is about this proposal at all; an error is a reason. */
static enum fm_err budget_matches(struct assess_run *run, const struct policy_budget *budget,
                                  bool *out)
{
    const struct cel_program *program = policy_program(&budget->when, run->out->action);
    struct cel_result result;

    *out = !budget->when.text.p;
    if (*out || !program) {
        return FM_OK;
    }
    result = conditions_eval(run, program);
    if (result.value.kind != CEL_BOOL) {
        return budget_failed(run, budget, result);
    }
    *out = result.value.as.yes;
    return FM_OK;
}

static enum fm_err budget_apply(struct assess_run *run, const struct policy_budget *budget,
                                struct assess_use *uses)
{
    struct assess_use *use = &uses[run->out->use_count];
    const struct cel_program *sum = policy_program(&budget->sum, run->out->action);
    struct cel_result result;
    bool matches;

    TRY(budget_matches(run, budget, &matches));
    if (!matches) {
        return FM_OK;
    }
    *use = (struct assess_use){budget, 1000000};
    if (sum) {
        result = conditions_eval(run, sum);
        if (!amount_of(result.value, &use->micros)) {
            return budget_failed(run, budget, result);
        }
    }
    run->out->use_count++;
    return FM_OK;
}

enum fm_err budgets_apply(struct assess_run *run)
{
    const struct policy *policy = run->input->policy;
    struct assess_use *uses =
        arena_zalloc(run->ctx->arena, policy->budget_count + 1, sizeof(*uses));

    if (!uses) {
        return fail_memory(run->ctx);
    }
    run->out->uses = uses;
    for (size_t i = 0; i < policy->budget_count; i++) {
        TRY(budget_apply(run, &policy->budgets[i], uses));
    }
    return FM_OK;
}
