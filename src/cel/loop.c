/* SPDX-License-Identifier: Apache-2.0
 *
 * Loops over lists and maps: what the macros all, exists, map and their kin became.
 */
#include "cel/inner.h"

void cel_loop_enter(struct cel_eval *eval, const struct loop *loop, struct cel_value range,
                    size_t i)
{
    struct cel_value *first = &eval->locals[loop->slots[0]];

    if (range.kind == CEL_LIST) {
        if (loop->two) {
            *first = cel_int((int64_t)i);
            eval->locals[loop->slots[1]] = cel_item(range, i);
        } else {
            *first = cel_item(range, i);
        }
        return;
    }
    *first = cel_value_entry(range, i).key;
    if (loop->two) {
        eval->locals[loop->slots[1]] = cel_value_entry(range, i).value;
    }
}

/* A condition of the loop: 1 true, 0 false, -1 with the error in *error. */
static int test(struct cel_eval *eval, const struct node *condition, struct cel_value *error,
                unsigned depth)
{
    struct cel_value value = cel_eval_node(eval, condition, depth - 1);

    if (value.kind == CEL_BOOL) {
        return value.as.yes;
    }
    *error = is_error(value) ? value : cel_eval_no_overload(eval, condition, &value, 1);
    return -1;
}

/* all and exists: an error counts only where no item decides. */
static struct cel_value eval_any(struct cel_eval *eval, const struct node *node,
                                 struct cel_value range, unsigned depth)
{
    const struct loop *loop = node->as.loop;
    bool decides = loop->kind == LOOP_EXISTS;
    struct cel_value failed = cel_bool(!decides), error;
    size_t count = cel_size(range);

    for (size_t i = 0; i < count; i++) {
        int truth;
        cel_loop_enter(eval, loop, range, i);
        truth = test(eval, loop->body, &error, depth);
        if (truth == (int)decides) {
            return cel_bool(decides);
        }
        if (truth < 0) {
            if (is_fatal(error)) {
                return error;
            }
            failed = is_error(failed) ? failed : error;
        }
    }
    return failed;
}

static struct cel_value eval_exists_one(struct cel_eval *eval, const struct node *node,
                                        struct cel_value range, unsigned depth)
{
    const struct loop *loop = node->as.loop;
    size_t count = cel_size(range), hits = 0;
    struct cel_value error;

    for (size_t i = 0; i < count; i++) {
        int truth;
        cel_loop_enter(eval, loop, range, i);
        truth = test(eval, loop->body, &error, depth);
        if (truth < 0) {
            return error;
        }
        hits += (size_t)truth;
    }
    return cel_bool(hits == 1);
}

/* map, filter, transformList */
static struct cel_value eval_collect(struct cel_eval *eval, const struct node *node,
                                     struct cel_value range, unsigned depth)
{
    const struct loop *loop = node->as.loop;
    size_t size = cel_size(range), count = 0;
    struct cel_value *items = arena_alloc(eval->arena, (size + 1) * sizeof(*items)), error;

    if (!items) {
        return cel_eval_no_memory();
    }
    for (size_t i = 0; i < size; i++) {
        int truth;
        cel_loop_enter(eval, loop, range, i);
        truth = loop->filter ? test(eval, loop->filter, &error, depth) : 1;
        if (truth < 0) {
            return error;
        }
        if (truth == 0) {
            continue;
        }
        items[count] =
            loop->body ? cel_eval_node(eval, loop->body, depth - 1) : eval->locals[loop->slots[0]];
        if (is_error(items[count++])) {
            return items[count - 1];
        }
    }
    return cel_value_new_list(eval, items, count);
}

/* transformMapEntry: the body gives a map, whose entries are added. */
static struct cel_value add_entries(struct cel_eval *eval, const struct node *body,
                                    struct cel_value value, struct cel_entry *entries, size_t room,
                                    size_t *count)
{
    size_t more = cel_size(value);

    if (value.kind != CEL_MAP) {
        return is_error(value) ? value : cel_eval_no_overload(eval, body, &value, 1);
    }
    if (more > room - *count) {
        return cel_eval_fail(eval, body, "one entry at most is wanted from each item");
    }
    for (size_t i = 0; i < more; i++) {
        entries[(*count)++] = cel_value_entry(value, i);
    }
    return cel_null();
}

/* transformMap, transformMapEntry */
static struct cel_value eval_collect_map(struct cel_eval *eval, const struct node *node,
                                         struct cel_value range, unsigned depth)
{
    const struct loop *loop = node->as.loop;
    size_t size = cel_size(range), count = 0;
    struct cel_entry *entries = arena_alloc(eval->arena, (size + 1) * sizeof(*entries));
    struct cel_value value, error;

    if (!entries) {
        return cel_eval_no_memory();
    }
    for (size_t i = 0; i < size; i++) {
        int truth;
        cel_loop_enter(eval, loop, range, i);
        truth = loop->filter ? test(eval, loop->filter, &error, depth) : 1;
        if (truth <= 0) {
            if (truth < 0) {
                return error;
            }
            continue;
        }
        value = cel_eval_node(eval, loop->body, depth - 1);
        if (loop->kind == LOOP_TRANSFORM_ENTRY) {
            value = add_entries(eval, loop->body, value, entries, size, &count);
        } else {
            entries[count++] = (struct cel_entry){eval->locals[loop->slots[0]], value};
        }
        if (is_error(value)) {
            return value;
        }
    }
    return cel_value_map(eval, node, entries, count);
}

/* cel.bind: an error of the bound value counts where it is read. */
static struct cel_value eval_bind(struct cel_eval *eval, const struct node *node,
                                  struct cel_value bound, unsigned depth)
{
    if (is_fatal(bound)) {
        return bound;
    }
    eval->locals[node->as.loop->slots[0]] = bound;
    return cel_eval_node(eval, node->as.loop->body, depth - 1);
}

static struct cel_value eval_opt_map(struct cel_eval *eval, const struct node *node,
                                     struct cel_value optional, unsigned depth)
{
    const struct loop *loop = node->as.loop;
    struct cel_value value;

    if (optional.kind != CEL_OPTIONAL) {
        return is_error(optional) ? optional : cel_eval_no_overload(eval, node, &optional, 1);
    }
    if (!optional.as.some) {
        return optional;
    }
    eval->locals[loop->slots[0]] = *optional.as.some;
    value = cel_eval_node(eval, loop->body, depth - 1);
    if (is_error(value)) {
        return value;
    }
    if (loop->kind == LOOP_OPT_MAP) {
        return cel_value_some(eval, value);
    }
    return value.kind == CEL_OPTIONAL ? value : cel_eval_no_overload(eval, node, &value, 1);
}

struct cel_value cel_eval_loop(struct cel_eval *eval, const struct node *node, unsigned depth)
{
    struct cel_value range = cel_eval_node(eval, node->args[0], depth - 1);
    const struct loop *loop = node->as.loop;

    if (loop->kind == LOOP_BIND) {
        return eval_bind(eval, node, range, depth);
    }
    if (loop->kind == LOOP_OPT_MAP || loop->kind == LOOP_OPT_FLAT_MAP) {
        return eval_opt_map(eval, node, range, depth);
    }
    if (range.kind != CEL_LIST && range.kind != CEL_MAP) {
        return is_error(range) ? range : cel_eval_no_overload(eval, node, &range, 1);
    }
    switch (loop->kind) {
    case LOOP_ALL:
    case LOOP_EXISTS:
        return eval_any(eval, node, range, depth);
    case LOOP_EXISTS_ONE:
        return eval_exists_one(eval, node, range, depth);
    case LOOP_MAP:
    case LOOP_FILTER:
    case LOOP_TRANSFORM_LIST:
        return eval_collect(eval, node, range, depth);
    case LOOP_TRANSFORM_MAP:
    case LOOP_TRANSFORM_ENTRY:
    case LOOP_BIND:
    case LOOP_OPT_MAP:
    case LOOP_OPT_FLAT_MAP:
        break;
    }
    return eval_collect_map(eval, node, range, depth);
}
