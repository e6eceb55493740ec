/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules that can never change anything. Only what is certain is said: a condition is called
 * false when it gives false although nothing of the proposal is known, because CEL then has not
 * looked at it.
 */
#include "assess/assess_internal.h"

#include "base/panic.h"

#include <stdlib.h>

/* A condition on an action takes some microseconds: at worst a second. */
#define LINT_PAIRS_MAX 200000

struct lint {
    struct ctx *ctx;
    const struct policy *policy;
    struct policy_finding *findings;
    size_t *count;
    enum cel_kind *constants; /* of each rule: CEL_BOOL where its value never changes */
    bool *values;
};

static enum fm_err warn(struct lint *lint, const struct policy_rule *rule, struct str message)
{
    if (!message.p) {
        return fail_memory(lint->ctx);
    }
    if (*lint->count < POLICY_FINDINGS_MAX) {
        lint->findings[(*lint->count)++] =
            (struct policy_finding){.at = rule->at, .warning = true, .message = message};
    }
    return FM_OK;
}

/* Evaluates with the action alone (NULL: with nothing); CEL_BOOL when that is enough to know. */
static enum fm_err eval_blind(struct lint *lint, const struct cel_program *program,
                              const struct policy_action *action, enum cel_kind *kind, bool *value)
{
    struct arena *arena = arena_new(MIB);
    struct assessment *assessment = arena ? arena_zalloc(arena, 1, sizeof(*assessment)) : NULL;
    struct assess_input input = {.policy = lint->policy};
    struct ctx ctx;
    struct assess_run run = {.ctx = &ctx, .input = &input, .out = assessment};
    struct cel_result result;

    if (!assessment) {
        arena_free(arena);
        return fail_memory(lint->ctx);
    }
    ctx_init(&ctx, arena);
    assessment->action = action;
    assessment->effects = action ? action->effects : 0;
    input.action = action ? action->name : STR_NONE;
    if (facts_bind_action(&run) != FM_OK) {
        arena_free(arena);
        return fail_memory(lint->ctx);
    }
    result = conditions_eval(&run, program);
    *kind = result.value.kind;
    *value = result.value.kind == CEL_BOOL && result.value.as.yes;
    arena_free(arena);
    return FM_OK;
}

static enum fm_err find_constants(struct lint *lint)
{
    size_t count = lint->policy->rule_count;

    lint->constants = arena_zalloc(lint->ctx->arena, count + 1, sizeof(*lint->constants));
    lint->values = arena_zalloc(lint->ctx->arena, count + 1, sizeof(*lint->values));
    if (!lint->constants || !lint->values) {
        return fail_memory(lint->ctx);
    }
    for (size_t i = 0; i < count; i++) {
        const struct policy_expr *when = &lint->policy->rules[i].when;
        if (!(when->uses & POLICY_USES_RECIPIENTS)) { /* which people may approve tomorrow */
            TRY(eval_blind(lint, when->program, NULL, &lint->constants[i], &lint->values[i]));
        }
    }
    return FM_OK;
}

static bool is_always(const struct lint *lint, size_t rule, bool value)
{
    return lint->constants[rule] == CEL_BOOL && lint->values[rule] == value;
}

/* Whether a rule asks for nothing but its verdict. */
static bool only_speaks(const struct policy_rule *rule)
{
    return rule->has_then && !rule->queue.p && rule->mode == MODE_GLANCE &&
           !rule->respond_within_us && !rule->undo_us && rule->on_expiry == ON_EXPIRY_KEEP;
}

/* A rule that matches whenever this one does, and is at least as strict; of twins the first
 * stays. */
static const struct policy_rule *stronger(const struct lint *lint, size_t rule)
{
    const struct policy_rule *own = &lint->policy->rules[rule];

    for (size_t i = 0; i < lint->policy->rule_count; i++) {
        const struct policy_rule *other = &lint->policy->rules[i];
        bool covers = is_always(lint, i, true) || str_eq(other->when.text, own->when.text);
        bool first = other->then > own->then || (other->then == own->then && i < rule);
        if (i != rule && other->has_then && covers && first) {
            return other;
        }
    }
    return NULL;
}

/* Whether an action outside the catalogue is dealt with already, whatever this rule says. */
static bool unknown_is_settled(const struct policy *policy, const struct policy_rule *rule)
{
    return policy->unknown_actions == VERDICT_BLOCK ||
           (only_speaks(rule) && rule->then <= policy->unknown_actions);
}

/* Whether no action of the catalogue can meet the condition, whatever its arguments. */
static enum fm_err misses_catalogue(struct lint *lint, const struct policy_rule *rule, bool *out)
{
    const struct policy *policy = lint->policy;

    *out = false;
    if (!unknown_is_settled(policy, rule) ||
        policy->action_count * policy->rule_count > LINT_PAIRS_MAX ||
        !cel_program_reads(rule->when.program, S("action"))) {
        return FM_OK;
    }
    for (size_t i = 0; i < policy->action_count; i++) {
        enum cel_kind kind;
        bool value;
        TRY(eval_blind(lint, rule->when.program, &policy->actions[i], &kind, &value));
        if (kind != CEL_BOOL || value) {
            return FM_OK;
        }
    }
    *out = true;
    return FM_OK;
}

static enum fm_err lint_rule(struct lint *lint, size_t index)
{
    const struct policy_rule *rule = &lint->policy->rules[index];
    const struct policy_rule *other = only_speaks(rule) ? stronger(lint, index) : NULL;
    struct arena *arena = lint->ctx->arena;
    bool misses;

    if (is_always(lint, index, false)) {
        return warn(lint, rule,
                    arena_printf(arena,
                                 "the rule %.*s never matches: its condition is false "
                                 "whatever is proposed",
                                 STR_ARG(rule->id)));
    }
    if (other) {
        return warn(lint, rule,
                    arena_printf(arena,
                                 "the rule %.*s never changes a verdict: %.*s says %s wherever it "
                                 "matches",
                                 STR_ARG(rule->id), STR_ARG(other->id), verdict_name(other->then)));
    }
    TRY(misses_catalogue(lint, rule, &misses));
    if (!misses) {
        return FM_OK;
    }
    return warn(
        lint, rule,
        arena_printf(arena,
                     "the rule %.*s never changes anything: no action of the catalogue meets "
                     "its condition, and others are %s anyway",
                     STR_ARG(rule->id),
                     lint->policy->unknown_actions == VERDICT_BLOCK ? "blocked" : "reviewed"));
}

static int by_place(const void *left, const void *right)
{
    const struct policy_finding *a = left, *b = right;

    int order = str_cmp(a->at.file, b->at.file); /* the file itself first: its name is absent */

    if (order != 0) {
        return order;
    }
    return a->at.line != b->at.line ? (a->at.line < b->at.line ? -1 : 1)
                                    : (a->at.column > b->at.column) - (a->at.column < b->at.column);
}

enum fm_err assess_lint(struct ctx *ctx, const struct policy *policy,
                        struct policy_finding *findings, size_t *count)
{
    struct lint lint = {.ctx = ctx, .policy = policy, .findings = findings, .count = count};

    if (!policy->env) {
        return FM_OK;
    }
    TRY(find_constants(&lint));
    for (size_t i = 0; i < policy->rule_count; i++) {
        TRY(lint_rule(&lint, i));
    }
    qsort(findings, *count, sizeof(*findings), by_place);
    return FM_OK;
}
