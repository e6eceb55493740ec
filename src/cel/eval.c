/* SPDX-License-Identifier: Apache-2.0
 *
 * Walks the tree. Errors are values: an operand that is an error makes the whole an error, except
 * where the specification lets && and || absorb it.
 *
 * 1. Every node costs a step; what takes longer than some tens of nanoseconds pays more steps for
 *    it. The most that a step may cost is 250 ns on a slow machine: 200,000 of them are 50 ms.
 * 2. When the budget or the arena is used up, nothing absorbs that error.
 */
#include "cel/inner.h"

#include <stdarg.h>
#include <stdio.h>

/* Errors --------------------------------------------------------------------------------------- */

static const struct cel_error too_costly = {CEL_TOO_COSTLY,
                                            STR("the evaluation takes more steps than it may: put "
                                                "what is cheap and decides first, or look at fewer "
                                                "items"),
                                            0};
static const struct cel_error no_memory = {CEL_OUT_OF_MEMORY,
                                           STR("the evaluation needs more memory than it may: "
                                               "make fewer and shorter texts and lists"),
                                           0};

struct cel_value cel_eval_too_costly(void)
{
    return (struct cel_value){.kind = CEL_ERROR, .as.error = &too_costly};
}

struct cel_value cel_eval_no_memory(void)
{
    return (struct cel_value){.kind = CEL_ERROR, .as.error = &no_memory};
}

static struct cel_value fail_text(struct cel_eval *eval, const struct node *node, struct str text)
{
    struct cel_error *error = arena_alloc(eval->arena, sizeof(*error));
    struct str copy = error ? arena_copy(eval->arena, text) : STR_NONE;

    if (!copy.p) {
        return cel_eval_no_memory();
    }
    if (!eval_pay(eval, 4)) {
        return cel_eval_too_costly();
    }
    *error = (struct cel_error){CEL_FAILED, copy, node ? node->at : 0};
    return (struct cel_value){.kind = CEL_ERROR, .as.error = error};
}

struct cel_value cel_eval_fail(struct cel_eval *eval, const struct node *node, const char *format,
                               ...)
{
    char text[CTX_DETAIL_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return fail_text(eval, node, str_of(text));
}

struct cel_value cel_fail(struct cel_call *call, const char *format, ...)
{
    char text[CTX_DETAIL_MAX];
    va_list args;

    if (call->eval->broke) {
        return cel_eval_too_costly();
    }
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return fail_text(call->eval, call->eval->node, str_of(text));
}

bool cel_charge(struct cel_call *call, uint64_t steps)
{
    return eval_pay(call->eval, steps);
}

struct cel_value cel_eval_no_overload(struct cel_eval *eval, const struct node *node,
                                      const struct cel_value *args, size_t count)
{
    char text[CTX_DETAIL_MAX];
    struct str name = node->name.n ? node->name : S("operator");
    int at = snprintf(text, sizeof(text), "no such overload: %.*s(", STR_ARG(name));

    for (size_t i = 0; i < count && at >= 0 && (size_t)at < sizeof(text); i++) {
        at += snprintf(text + at, sizeof(text) - (size_t)at, "%s%.*s", i ? ", " : "",
                       STR_ARG(cel_value_type_name(args[i])));
    }
    return cel_eval_fail(eval, node, "%s)", text);
}

/* Names ---------------------------------------------------------------------------------------- */

/* A number of JSON where an int was declared. */
static struct cel_value read_int(struct cel_eval *eval, const struct node *node,
                                 struct cel_value value)
{
    int64_t number;

    if (!is_json_number(value)) {
        return value;
    }
    if (!cel_value_to_int(value, &number)) {
        return cel_eval_fail(eval, node, "%.*s is no integer", STR_ARG(node->name));
    }
    return cel_int(number);
}

/* Computes a variable that is read for the first time; after an error it is computed again. */
static struct cel_value read_lazy(struct cel_eval *eval, const struct node *node,
                                  struct cel_value *slot)
{
    struct cel_value before = *slot, value;
    struct lazy lazy = eval->activation->lazies[slot->as.number];
    struct cel_call call = {eval->activation->arena, eval->activation->of_activation, eval};

    eval->node = node;
    slot->kind = KIND_COMPUTING;
    value = lazy.compute(&call, lazy.with);
    *slot = is_error(value) ? before : value;
    return eval->broke ? cel_eval_too_costly() : value;
}

static struct cel_value eval_variable(struct cel_eval *eval, const struct node *node)
{
    struct cel_value *slot, value;

    if (!eval->activation) {
        return cel_eval_fail(eval, node, "%.*s has no value", STR_ARG(node->name));
    }
    slot = &eval->activation->values[node->as.slot];
    if (slot->kind == KIND_UNSET || slot->kind == KIND_COMPUTING) {
        return cel_eval_fail(
            eval, node, slot->kind == KIND_UNSET ? "%.*s has no value" : "%.*s depends on itself",
            STR_ARG(node->name));
    }
    value = slot->kind == KIND_LAZY ? read_lazy(eval, node, slot) : *slot;
    return node->flags & NODE_F_INT ? read_int(eval, node, value) : value;
}

/* Members and items ---------------------------------------------------------------------------- */

static struct cel_value empty_value(const struct cel_type *type)
{
    static const struct cel_list no_items;
    static const struct cel_map no_entries;

    switch (type->kind) {
    case CEL_T_BOOL:
        return cel_bool(false);
    case CEL_T_INT:
        return cel_int(0);
    case CEL_T_UINT:
        return cel_uint(0);
    case CEL_T_DOUBLE:
    case CEL_T_NUMBER:
        return cel_number(0);
    case CEL_T_STRING:
        return cel_string(S(""));
    case CEL_T_BYTES:
        return cel_bytes(S(""));
    case CEL_T_DURATION:
        return cel_duration_us(0);
    case CEL_T_LIST:
        return (struct cel_value){.kind = CEL_LIST, .as.list = &no_items};
    case CEL_T_MAP:
    case CEL_T_OBJECT:
        return (struct cel_value){.kind = CEL_MAP, .as.map = &no_entries};
    case CEL_T_DYN:
    case CEL_T_NULL:
    case CEL_T_TIMESTAMP:
    case CEL_T_TYPE:
    case CEL_T_OPTIONAL:
    case CEL_T_OPAQUE:
    case CEL_T_VAR:
        break;
    }
    return cel_null();
}

static struct cel_value no_member(struct cel_eval *eval, const struct node *node,
                                  struct cel_value of, struct str name)
{
    if (of.kind != CEL_MAP) {
        return cel_eval_fail(eval, node, "%.*s has no member %.*s",
                             STR_ARG(cel_value_type_name(of)), STR_ARG(name));
    }
    eval->missed = (struct missed){node, of, name};
    return cel_eval_fail(eval, node, "no such key: %.*s", STR_ARG(name));
}

/* x.name of something that is no optional. */
static struct cel_value member(struct cel_eval *eval, const struct node *node, struct cel_value of)
{
    struct cel_value value;

    if (of.kind == CEL_MAP && cel_value_lookup(eval, of, cel_string(node->name), &value) == 1) {
        return node->flags & NODE_F_INT ? read_int(eval, node, value) : value;
    }
    if (node->flags & NODE_F_EMPTY && of.kind == CEL_MAP) {
        return empty_value(node->type);
    }
    return no_member(eval, node, of, node->name);
}

static struct cel_value some_of(struct cel_eval *eval, const struct node *node,
                                struct cel_value value)
{
    if (node->flags & NODE_F_INT) {
        value = read_int(eval, node, value);
    }
    return is_error(value) ? value : cel_value_some(eval, value);
}

static struct cel_value optional_member(struct cel_eval *eval, const struct node *node,
                                        struct cel_value of)
{
    struct cel_value value;

    if (of.kind != CEL_MAP) {
        return no_member(eval, node, of, node->name);
    }
    return cel_value_lookup(eval, of, cel_string(node->name), &value) == 1
               ? some_of(eval, node, value)
               : value_none();
}

static struct cel_value eval_select(struct cel_eval *eval, const struct node *node, unsigned depth)
{
    struct cel_value of = cel_eval_node(eval, node->args[0], depth - 1);

    if (is_error(of)) {
        return of;
    }
    if (of.kind == CEL_OPTIONAL) {
        return of.as.some ? optional_member(eval, node, *of.as.some) : of;
    }
    return node->kind == NODE_OPT_SELECT ? optional_member(eval, node, of) : member(eval, node, of);
}

static struct cel_value eval_has(struct cel_eval *eval, const struct node *node, unsigned depth)
{
    struct cel_value of = cel_eval_node(eval, node->args[0], depth - 1), value;

    if (of.kind == CEL_OPTIONAL) {
        if (!of.as.some) {
            return cel_bool(false);
        }
        of = *of.as.some;
    }
    if (is_error(of)) {
        return of;
    }
    if (of.kind != CEL_MAP) {
        return no_member(eval, node, of, node->name);
    }
    return cel_bool(cel_value_lookup(eval, of, cel_string(node->name), &value) == 1);
}

/* 1 found, 0 not there, -1 with the error in *out. */
static int find_item(struct cel_eval *eval, const struct node *node, struct cel_value of,
                     struct cel_value index, struct cel_value *out)
{
    int64_t at;
    int found;

    if (of.kind == CEL_LIST) {
        if (!cel_value_to_int(index, &at)) {
            *out = cel_eval_fail(eval, node, "a list has no item at %.*s that is no whole number",
                                 STR_ARG(cel_value_type_name(index)));
            return -1;
        }
        if (at < 0 || (uint64_t)at >= cel_size(of)) {
            return 0;
        }
        *out = cel_item(of, (size_t)at);
        return 1;
    }
    if (of.kind != CEL_MAP) {
        *out = cel_eval_fail(eval, node, "%.*s has no items", STR_ARG(cel_value_type_name(of)));
        return -1;
    }
    found = cel_value_lookup(eval, of, index, out);
    return found < 0 ? 0 : found;
}

static struct cel_value missing_item(struct cel_eval *eval, const struct node *node,
                                     struct cel_value of, struct cel_value index)
{
    int64_t at;

    if (of.kind == CEL_LIST && cel_value_to_int(index, &at)) {
        return cel_eval_fail(eval, node, "index %lld is out of range: the list has %zu items",
                             (long long)at, cel_size(of));
    }
    if (index.kind == CEL_STRING) {
        return no_member(eval, node, of, index.as.text);
    }
    return cel_eval_fail(eval, node, "no such key");
}

static struct cel_value eval_index(struct cel_eval *eval, const struct node *node, unsigned depth)
{
    struct cel_value of = cel_eval_node(eval, node->args[0], depth - 1), index, value;
    bool optional = node->kind == NODE_OPT_INDEX || of.kind == CEL_OPTIONAL;
    int found;

    if (is_error(of)) {
        return of;
    }
    index = cel_eval_node(eval, node->args[1], depth - 1);
    if (is_error(index)) {
        return index;
    }
    if (of.kind == CEL_OPTIONAL) {
        if (!of.as.some) {
            return of;
        }
        of = *of.as.some;
    }
    found = find_item(eval, node, of, index, &value);
    if (found < 0) {
        return value;
    }
    if (optional) {
        return found ? some_of(eval, node, value) : value_none();
    }
    if (!found) {
        return node->flags & NODE_F_EMPTY && of.kind == CEL_MAP
                   ? empty_value(node->type)
                   : missing_item(eval, node, of, index);
    }
    return node->flags & NODE_F_INT ? read_int(eval, node, value) : value;
}

/* Logic ---------------------------------------------------------------------------------------- */

/* a && b && ...: false as soon as one is false, whatever the others are; else the first error. For
 * || the same with true. */
static struct cel_value eval_logic(struct cel_eval *eval, const struct node *node, unsigned depth)
{
    bool decides = node->kind == NODE_OR;
    struct cel_value failed = {.kind = CEL_NULL};

    for (uint32_t i = 0; i < node->count; i++) {
        struct cel_value value = cel_eval_node(eval, node->args[i], depth - 1);
        if (value.kind == CEL_BOOL) {
            if (value.as.yes == decides) {
                return value;
            }
            continue;
        }
        if (is_fatal(value)) {
            return value;
        }
        if (failed.kind == CEL_NULL) {
            failed = is_error(value) ? value : cel_eval_no_overload(eval, node, &value, 1);
        }
    }
    return is_error(failed) ? failed : cel_bool(!decides);
}

static struct cel_value eval_condition(struct cel_eval *eval, const struct node *node,
                                       unsigned depth)
{
    struct cel_value value = cel_eval_node(eval, node->args[0], depth - 1);

    if (value.kind != CEL_BOOL) {
        return is_error(value) ? value : cel_eval_no_overload(eval, node, &value, 1);
    }
    return cel_eval_node(eval, node->args[value.as.yes ? 1 : 2], depth - 1);
}

static struct cel_value eval_not(struct cel_eval *eval, const struct node *node, unsigned depth)
{
    struct cel_value value = cel_eval_node(eval, node->args[0], depth - 1);

    if (value.kind != CEL_BOOL) {
        return is_error(value) ? value : cel_eval_no_overload(eval, node, &value, 1);
    }
    return cel_bool(!value.as.yes);
}

/* Comparisons ---------------------------------------------------------------------------------- */

/* Evaluates both operands; whether neither is an error (else it is in args[0]). */
static bool eval_both(struct cel_eval *eval, const struct node *node, struct cel_value args[2],
                      unsigned depth)
{
    args[0] = cel_eval_node(eval, node->args[0], depth - 1);
    if (is_error(args[0])) {
        return false;
    }
    args[1] = cel_eval_node(eval, node->args[1], depth - 1);
    if (is_error(args[1])) {
        args[0] = args[1];
        return false;
    }
    return true;
}

static struct cel_value eval_equal(struct cel_eval *eval, const struct node *node, unsigned depth)
{
    struct cel_value args[2];
    bool equal;

    if (!eval_both(eval, node, args, depth)) {
        return args[0];
    }
    equal = cel_value_equal(eval, args[0], args[1], VALUE_DEPTH_MAX);
    return eval->broke ? cel_eval_too_costly() : cel_bool(equal != (bool)node->op);
}

static struct cel_value eval_order(struct cel_eval *eval, const struct node *node, unsigned depth)
{
    struct cel_value args[2];
    int order;

    if (!eval_both(eval, node, args, depth)) {
        return args[0];
    }
    order = cel_value_order(args[0], args[1]);
    if (order == 2) {
        return cel_eval_no_overload(eval, node, args, 2);
    }
    if (order == 3) { /* NaN is neither less nor greater; beside a number of JSON a mistake */
        return is_json_number(args[0]) || is_json_number(args[1])
                   ? cel_eval_fail(eval, node, "a number is compared with NaN")
                   : cel_bool(false);
    }
    switch ((enum order_op)node->op) {
    case ORDER_LESS:
        return cel_bool(order < 0);
    case ORDER_LESS_EQUAL:
        return cel_bool(order <= 0);
    case ORDER_GREATER:
        return cel_bool(order > 0);
    case ORDER_GREATER_EQUAL:
        break;
    }
    return cel_bool(order >= 0);
}

static struct cel_value eval_in(struct cel_eval *eval, const struct node *node, unsigned depth)
{
    struct cel_value args[2], value;
    size_t count;

    if (!eval_both(eval, node, args, depth)) {
        return args[0];
    }
    if (args[1].kind == CEL_MAP) {
        bool found = cel_value_lookup(eval, args[1], args[0], &value) == 1;
        return eval->broke ? cel_eval_too_costly() : cel_bool(found);
    }
    if (args[1].kind != CEL_LIST) {
        return cel_eval_no_overload(eval, node, args, 2);
    }
    count = cel_size(args[1]);
    for (size_t i = 0; i < count; i++) {
        if (cel_value_equal(eval, args[0], cel_item(args[1], i), VALUE_DEPTH_MAX)) {
            return cel_bool(true);
        }
        if (eval->broke) {
            return cel_eval_too_costly();
        }
    }
    return cel_bool(false);
}

/* Literals ------------------------------------------------------------------------------------- */

static struct cel_value eval_list(struct cel_eval *eval, const struct node *node, unsigned depth)
{
    struct cel_value *items = arena_alloc(eval->arena, (node->count + 1) * sizeof(*items));
    size_t count = 0;

    if (!items) {
        return cel_eval_no_memory();
    }
    for (uint32_t i = 0; i < node->count; i++) {
        struct cel_value item = cel_eval_node(eval, node->args[i], depth - 1);
        if (node->args[i]->flags & NODE_F_OPTIONAL && !is_error(item)) {
            if (item.kind != CEL_OPTIONAL) {
                return cel_eval_no_overload(eval, node->args[i], &item, 1);
            }
            if (!item.as.some) {
                continue;
            }
            item = *item.as.some;
        }
        if (is_error(item)) {
            return item;
        }
        items[count++] = item;
    }
    return cel_value_new_list(eval, items, count);
}

static struct cel_value eval_map(struct cel_eval *eval, const struct node *node, unsigned depth)
{
    struct cel_entry *entries = arena_alloc(eval->arena, (node->count / 2 + 1) * sizeof(*entries));
    size_t count = 0;

    if (!entries) {
        return cel_eval_no_memory();
    }
    for (uint32_t i = 0; i + 1 < node->count; i += 2) {
        struct cel_value key = cel_eval_node(eval, node->args[i], depth - 1);
        struct cel_value value =
            is_error(key) ? key : cel_eval_node(eval, node->args[i + 1], depth - 1);
        if (is_error(value)) {
            return value;
        }
        if (node->args[i]->flags & NODE_F_OPTIONAL) {
            if (value.kind != CEL_OPTIONAL) {
                return cel_eval_no_overload(eval, node->args[i + 1], &value, 1);
            }
            if (!value.as.some) {
                continue;
            }
            value = *value.as.some;
        }
        entries[count++] = (struct cel_entry){key, value};
    }
    return cel_value_map(eval, node, entries, count);
}

static struct cel_value eval_block(struct cel_eval *eval, const struct node *node, unsigned depth)
{
    for (uint32_t i = 0; i + 1 < node->count; i++) {
        struct cel_value value = cel_eval_node(eval, node->args[i], depth - 1);
        if (is_fatal(value)) {
            return value;
        }
        eval->locals[node->as.slot + i] = value; /* an error counts where it is read */
    }
    return cel_eval_node(eval, node->args[node->count - 1], depth - 1);
}

static struct cel_value eval_local(struct cel_eval *eval, const struct node *node)
{
    struct cel_value value = eval->locals[node->as.slot];

    return node->flags & NODE_F_INT ? read_int(eval, node, value) : value;
}

/* All nodes ------------------------------------------------------------------------------------ */

struct cel_value cel_eval_node(struct cel_eval *eval, const struct node *node, unsigned depth)
{
    eval->here = node;
    if (!eval_pay(eval, 1) || depth == 0) {
        return cel_eval_too_costly();
    }
    switch ((enum node_kind)node->kind) {
    case NODE_CONST:
        return node->as.value;
    case NODE_IDENT:
        return cel_eval_fail(eval, node, "there is no %.*s", STR_ARG(node->name));
    case NODE_VARIABLE:
        return eval_variable(eval, node);
    case NODE_LOCAL:
        return eval_local(eval, node);
    case NODE_SELECT:
    case NODE_OPT_SELECT:
        return eval_select(eval, node, depth);
    case NODE_HAS:
        return eval_has(eval, node, depth);
    case NODE_INDEX:
    case NODE_OPT_INDEX:
        return eval_index(eval, node, depth);
    case NODE_AND:
    case NODE_OR:
        return eval_logic(eval, node, depth);
    case NODE_NOT:
        return eval_not(eval, node, depth);
    case NODE_COND:
        return eval_condition(eval, node, depth);
    case NODE_EQUAL:
        return eval_equal(eval, node, depth);
    case NODE_ORDER:
        return eval_order(eval, node, depth);
    case NODE_IN:
        return eval_in(eval, node, depth);
    case NODE_CALL:
        return cel_eval_call(eval, node, depth);
    case NODE_LIST:
        return eval_list(eval, node, depth);
    case NODE_MAP:
        return eval_map(eval, node, depth);
    case NODE_LOOP:
        return cel_eval_loop(eval, node, depth);
    case NODE_BLOCK:
        break;
    }
    return eval_block(eval, node, depth);
}
