/* SPDX-License-Identifier: Apache-2.0
 *
 * After the check: operators become nodes of their own, what is constant is computed, and patterns
 * and time zones that are written out are made ready, so that their mistakes are told before
 * anything runs.
 */
#include "cel/inner.h"
#include "regex/regex.h"

#define FOLD_STEPS 2000u /* of one constant; larger ones are computed at run time */

/* Operators ------------------------------------------------------------------------------------ */

static const struct {
    struct str name;
    enum node_kind kind;
    uint8_t op;
} operators[] = {
    {STR("!_"), NODE_NOT, 0},
    {STR("_==_"), NODE_EQUAL, 0},
    {STR("_!=_"), NODE_EQUAL, 1},
    {STR("_<_"), NODE_ORDER, ORDER_LESS},
    {STR("_<=_"), NODE_ORDER, ORDER_LESS_EQUAL},
    {STR("_>_"), NODE_ORDER, ORDER_GREATER},
    {STR("_>=_"), NODE_ORDER, ORDER_GREATER_EQUAL},
    {STR("@in"), NODE_IN, 0},
};

static void choose_kind(struct node *node)
{
    for (size_t i = 0; i < COUNT_OF(operators); i++) {
        if (str_eq(node->name, operators[i].name)) {
            node->kind = (uint8_t)operators[i].kind;
            node->op = operators[i].op;
        }
    }
}

/* Patterns and zones --------------------------------------------------------------------------- */

static void free_regex(void *regex)
{
    regex_free(regex);
}

static void ready_pattern(struct compiler *compiler, struct node *node, const struct node *pattern)
{
    struct ctx ctx;
    struct regex *regex;

    if (compiler->program->pattern_count++ == CEL_PATTERNS_MAX) {
        cel_compiler_found(compiler, pattern->start, "at most %u patterns are allowed",
                           CEL_PATTERNS_MAX);
        return;
    }
    ctx_init(&ctx, compiler->finding_arena);
    if (regex_new(&ctx, pattern->as.value.as.text, &regex) != FM_OK) {
        if (ctx.err == FM_E_INVALID_ARGUMENT && !compiler->env->unchecked) {
            cel_compiler_found(compiler, pattern->start, "%s", ctx.detail);
        }
        return;
    }
    if (cel_compiler_keep(compiler, regex, free_regex)) {
        node->as.callee->ready = regex;
    }
}

static void ready_zone(struct compiler *compiler, struct node *node, const struct node *name)
{
    struct zone *zone = cel_zone_new(name->as.value.as.text);

    if (!zone) {
        if (!compiler->env->unchecked) {
            cel_compiler_found(compiler, name->start,
                               "there is no time zone of this name; \"Europe/Berlin\", \"UTC\" and "
                               "\"+02:00\" are some");
        }
        return;
    }
    if (cel_compiler_keep(compiler, zone, cel_zone_free)) {
        node->as.callee->ready = zone;
    }
}

static void make_ready(struct compiler *compiler, struct node *node)
{
    const struct node *last = node->count ? node->args[node->count - 1] : NULL;

    if (!last || node->count != 2 || last->kind != NODE_CONST ||
        last->as.value.kind != CEL_STRING) {
        return;
    }
    if (str_eq(node->name, S("matches"))) {
        ready_pattern(compiler, node, last);
    } else if (str_starts(node->name, S("get")) && (node->flags & NODE_F_RECEIVER)) {
        ready_zone(compiler, node, last);
    }
}

/* Constants ------------------------------------------------------------------------------------ */

static bool is_foldable(const struct node *node)
{
    switch ((enum node_kind)node->kind) {
    case NODE_SELECT:
    case NODE_HAS:
    case NODE_INDEX:
    case NODE_AND:
    case NODE_OR:
    case NODE_NOT:
    case NODE_COND:
    case NODE_EQUAL:
    case NODE_ORDER:
    case NODE_IN:
    case NODE_LIST:
    case NODE_MAP:
        break;
    case NODE_CALL:
        if (!node->as.callee || !node->as.callee->builtin) {
            return false;
        }
        break;
    case NODE_CONST:
    case NODE_IDENT:
    case NODE_VARIABLE:
    case NODE_LOCAL:
    case NODE_OPT_SELECT:
    case NODE_OPT_INDEX:
    case NODE_LOOP:
    case NODE_BLOCK:
        return false;
    }
    for (uint32_t i = 0; i < node->count; i++) {
        if (node->args[i]->kind != NODE_CONST) {
            return false;
        }
    }
    return true;
}

/* timestamp('tomorrow') can never be right. */
static void report_never(struct compiler *compiler, const struct node *node, struct cel_value error)
{
    bool is_time = str_eq(node->name, S("timestamp")) || str_eq(node->name, S("duration"));

    if (node->kind == NODE_CALL && is_time && !compiler->env->unchecked && !is_fatal(error)) {
        cel_compiler_found(compiler, node->at, "%.*s", STR_ARG(error.as.error->message));
    }
}

static void fold(struct compiler *compiler, struct node *node)
{
    struct cel_eval eval = {
        .left = FOLD_STEPS, .program = compiler->program, .arena = compiler->arena};
    struct cel_value value = cel_eval_node(&eval, node, CEL_DEPTH_MAX + 1);

    if (is_error(value)) {
        report_never(compiler, node, value);
        return;
    }
    node->kind = NODE_CONST;
    node->count = 0;
    node->flags &= NODE_F_OPTIONAL;
    node->as.value = value;
}

void cel_prepare(struct compiler *compiler, struct node *node, unsigned depth)
{
    for (uint32_t i = 0; i < node->count && depth > 0; i++) {
        cel_prepare(compiler, node->args[i], depth - 1);
    }
    if (node->kind == NODE_CALL && node->as.callee && node->as.callee->builtin) {
        choose_kind(node);
        if (str_eq(node->name, S("or")) || str_eq(node->name, S("orValue"))) {
            node->op = CALL_LAZY;
        }
        if (node->kind == NODE_CALL) {
            make_ready(compiler, node);
        }
    }
    if (is_foldable(node)) {
        fold(compiler, node);
    }
}
