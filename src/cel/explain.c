/* SPDX-License-Identifier: Apache-2.0
 *
 * Why a condition gave what it gave: walks down the operands that decided, and notes the values of
 * what is compared there. Values are computed again, within a budget of its own.
 */
#include "cel/inner.h"

struct explain {
    struct cel_eval eval;
    struct cel_fact *facts;
    size_t count, max;
};

static void explain_node(struct explain *explain, const struct node *node, unsigned depth);

static struct cel_value value_of(struct explain *explain, const struct node *node)
{
    return cel_eval_node(&explain->eval, node, CEL_DEPTH_MAX + 1);
}

static void add_fact(struct explain *explain, const struct node *node, struct cel_value value)
{
    const char *text = explain->eval.program->text.p;
    struct cel_fact fact = {{text + node->start, node->end - node->start}, value};

    if (is_fatal(value) || explain->count == explain->max) {
        return;
    }
    if (node->flags & NODE_F_PARENTHESES && fact.text.n > 2) {
        fact.text = (struct str){fact.text.p + 1, fact.text.n - 2};
    }
    for (size_t i = 0; i < explain->count; i++) {
        if (str_eq(explain->facts[i].text, fact.text)) {
            return;
        }
    }
    explain->facts[explain->count++] = fact;
}

/* An operand: its value, and for a calculation what went into it. */
static void explain_operand(struct explain *explain, const struct node *node, bool is_inner,
                            unsigned depth)
{
    if (node->kind == NODE_CONST || depth == 0) {
        return;
    }
    if (!is_inner || node->kind != NODE_CALL || node->name.p[0] != '_') { /* no steps in between */
        add_fact(explain, node, value_of(explain, node));
    }
    if (node->kind == NODE_CALL || node->kind == NODE_LIST || node->kind == NODE_COND) {
        for (uint32_t i = 0; i < node->count; i++) {
            explain_operand(explain, node->args[i], true, depth - 1);
        }
    }
}

static void explain_operands(struct explain *explain, const struct node *node, unsigned depth)
{
    for (uint32_t i = 0; i < node->count && depth > 0; i++) {
        explain_operand(explain, node->args[i], false, depth - 1);
    }
}

/* && and ||: the first operand that decided, or all where none did. */
static void explain_logic(struct explain *explain, const struct node *node, unsigned depth)
{
    bool decides = node->kind == NODE_OR;

    for (uint32_t i = 0; i < node->count; i++) {
        struct cel_value value = value_of(explain, node->args[i]);
        if (value.kind == CEL_BOOL && value.as.yes == decides) {
            explain_node(explain, node->args[i], depth - 1);
            return;
        }
    }
    for (uint32_t i = 0; i < node->count; i++) {
        explain_node(explain, node->args[i], depth - 1);
    }
}

/* "p" and the item, for a loop that an item decided; then why. */
static void explain_item(struct explain *explain, const struct node *node, unsigned depth)
{
    const struct loop *loop = node->as.loop;

    for (size_t i = 0; i < (loop->two ? 2 : 1) && explain->count < explain->max; i++) {
        explain->facts[explain->count++] =
            (struct cel_fact){loop->names[i], explain->eval.locals[loop->slots[i]]};
    }
    explain_node(explain, loop->body, depth - 1);
}

static void explain_loop(struct explain *explain, const struct node *node, unsigned depth)
{
    const struct loop *loop = node->as.loop;
    struct cel_value range = value_of(explain, node->args[0]), value;
    bool decides = loop->kind == LOOP_EXISTS;
    size_t count = cel_size(range);

    if (loop->kind == LOOP_BIND && !is_error(range)) {
        explain->eval.locals[loop->slots[0]] = range;
        explain_item(explain, node, depth);
        return;
    }
    for (size_t i = 0; (loop->kind == LOOP_ALL || decides) && i < count; i++) {
        cel_loop_enter(&explain->eval, loop, range, i);
        value = value_of(explain, loop->body);
        if (value.kind == CEL_BOOL && value.as.yes == decides) {
            explain_item(explain, node, depth);
            return;
        }
    }
    explain_operand(explain, node->args[0], false, depth - 1);
}

static void explain_condition(struct explain *explain, const struct node *node, unsigned depth)
{
    struct cel_value value = value_of(explain, node->args[0]);

    explain_node(explain, node->args[0], depth - 1);
    if (value.kind == CEL_BOOL) {
        explain_node(explain, node->args[value.as.yes ? 1 : 2], depth - 1);
    }
}

static void explain_node(struct explain *explain, const struct node *node, unsigned depth)
{
    if (depth == 0 || explain->eval.broke || explain->count == explain->max) {
        return;
    }
    switch ((enum node_kind)node->kind) {
    case NODE_CONST:
        return;
    case NODE_AND:
    case NODE_OR:
        explain_logic(explain, node, depth);
        return;
    case NODE_NOT:
        explain_node(explain, node->args[0], depth - 1);
        return;
    case NODE_COND:
        explain_condition(explain, node, depth);
        return;
    case NODE_EQUAL:
    case NODE_ORDER:
    case NODE_IN:
    case NODE_CALL:
        explain_operands(explain, node, depth);
        return;
    case NODE_LOOP:
        explain_loop(explain, node, depth);
        return;
    case NODE_IDENT:
    case NODE_VARIABLE:
    case NODE_LOCAL:
    case NODE_SELECT:
    case NODE_HAS:
    case NODE_OPT_SELECT:
    case NODE_INDEX:
    case NODE_OPT_INDEX:
    case NODE_LIST:
    case NODE_MAP:
    case NODE_BLOCK:
        break;
    }
    add_fact(explain, node, value_of(explain, node));
}

size_t cel_explain(const struct cel_program *program, struct cel_activation *activation,
                   struct arena *arena, uint64_t budget, struct cel_fact *facts, size_t max)
{
    struct cel_value locals[LOCALS_MAX];
    struct explain explain = {.eval = {.left = budget ? budget : CEL_COST_MAX,
                                       .program = program,
                                       .activation = activation,
                                       .arena = arena,
                                       .locals = locals},
                              .facts = facts,
                              .max = max};

    explain_node(&explain, program->root, CEL_DEPTH_MAX + 1);
    return explain.count;
}
