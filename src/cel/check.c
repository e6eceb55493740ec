/* SPDX-License-Identifier: Apache-2.0
 *
 * Resolves names and gives each node its type. It never stops at the first mistake: a node that is
 * wrong is of type dyn, so that its mistake is told once.
 */
#include "cel/check.h"

#include <stdarg.h>
#include <stdio.h>

void cel_check_found(struct checker *checker, uint32_t at, struct str suggestion,
                     const char *format, ...)
{
    char text[CTX_DETAIL_MAX];
    va_list args;

    if (checker->compiler->env->unchecked) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    cel_compiler_found_near(checker->compiler, at, suggestion, "%s", text);
}

struct str cel_check_name(struct checker *checker, const struct cel_type *type)
{
    AUTO(buf_done) struct buf buf = BUF_INIT(4 * KIB);

    cel_type_write(&buf, cel_binding_close(&checker->binding, type, CEL_DEPTH_MAX));
    return buf_ok(&buf) ? arena_copy(checker->compiler->arena, buf_str(&buf)) : S("(a large type)");
}

static const struct cel_type *kept(struct checker *checker, const struct cel_type *type)
{
    checker->compiler->full |= !type;
    return type ? type : cel_type(CEL_T_DYN);
}

const struct cel_type *cel_check_list_of(struct checker *checker, const struct cel_type *type)
{
    return kept(checker, cel_type_of_1(checker->compiler->arena, CEL_T_LIST, type));
}

const struct cel_type *cel_check_optional_of(struct checker *checker, const struct cel_type *type)
{
    return kept(checker, cel_type_of_1(checker->compiler->arena, CEL_T_OPTIONAL, type));
}

void cel_check_wants(struct checker *checker, const struct node *node, enum cel_type_kind kind)
{
    const struct cel_type *want = cel_type(kind);

    if (!cel_binding_all_assignable(&checker->binding, &want, &node->type, 1)) {
        cel_check_found(checker, node->start, STR_NONE, "%.*s is wanted here, not %.*s",
                        STR_ARG(cel_check_name(checker, want)),
                        STR_ARG(cel_check_name(checker, node->type)));
    }
}

static const struct cel_type *type_of_value(struct cel_value value)
{
    static const enum cel_type_kind kinds[] = {
        [CEL_NULL] = CEL_T_NULL,   [CEL_BOOL] = CEL_T_BOOL,     [CEL_INT] = CEL_T_INT,
        [CEL_UINT] = CEL_T_UINT,   [CEL_DOUBLE] = CEL_T_DOUBLE, [CEL_STRING] = CEL_T_STRING,
        [CEL_BYTES] = CEL_T_BYTES,
    };

    return cel_type(value.kind < COUNT_OF(kinds) ? kinds[value.kind] : CEL_T_DYN);
}

/* Literals ------------------------------------------------------------------------------------- */

/* The type that an item adds: that of an optional one is what it may hold. */
static const struct cel_type *item_type(struct checker *checker, const struct node *item)
{
    const struct cel_type *type = cel_binding_find(&checker->binding, item->type);

    if (!(item->flags & NODE_F_OPTIONAL) || type->kind == CEL_T_DYN) {
        return type;
    }
    if (type->kind == CEL_T_OPTIONAL) {
        return type->parameters[0];
    }
    cel_check_found(checker, item->start, STR_NONE,
                    "an optional value is wanted behind ?, not %.*s",
                    STR_ARG(cel_check_name(checker, type)));
    return cel_type(CEL_T_DYN);
}

static const struct cel_type *joined(struct checker *checker, const struct cel_type *before,
                                     const struct cel_type *type)
{
    return before ? cel_binding_join(&checker->binding, before, type) : type;
}

static void check_list(struct checker *checker, struct node *node, unsigned depth)
{
    const struct cel_type *type = NULL;

    for (uint32_t i = 0; i < node->count; i++) {
        cel_check_node(checker, node->args[i], depth - 1);
        type = joined(checker, type, item_type(checker, node->args[i]));
    }
    node->type = cel_check_list_of(checker, type ? type : cel_binding_fresh(&checker->binding));
}

static void check_key(struct checker *checker, const struct node *key)
{
    const struct cel_type *type = cel_binding_find(&checker->binding, key->type);

    if (type->kind != CEL_T_STRING && type->kind != CEL_T_INT && type->kind != CEL_T_UINT &&
        type->kind != CEL_T_BOOL && type->kind != CEL_T_DYN && type->kind != CEL_T_NUMBER &&
        type->kind != CEL_T_VAR) {
        cel_check_found(checker, key->start, STR_NONE,
                        "a key is a string, int, uint or bool, not %.*s",
                        STR_ARG(cel_check_name(checker, type)));
    }
}

static void check_map(struct checker *checker, struct node *node, unsigned depth)
{
    const struct cel_type *key = NULL, *value = NULL;

    for (uint32_t i = 0; i + 1 < node->count; i += 2) {
        struct node *pair[2] = {node->args[i], node->args[i + 1]};
        uint8_t optional = pair[0]->flags & NODE_F_OPTIONAL;
        cel_check_node(checker, pair[0], depth - 1);
        cel_check_node(checker, pair[1], depth - 1);
        check_key(checker, pair[0]);
        key = joined(checker, key, pair[0]->type);
        pair[1]->flags |= optional;
        value = joined(checker, value, item_type(checker, pair[1]));
    }
    node->type = kept(checker, cel_type_of_2(checker->compiler->arena, CEL_T_MAP,
                                             key ? key : cel_binding_fresh(&checker->binding),
                                             value ? value : cel_binding_fresh(&checker->binding)));
}

/* Logic ---------------------------------------------------------------------------------------- */

/* In a && b, each side may rely on what the other tests: an error beside a false is no error. */
static void check_logic(struct checker *checker, struct node *node, unsigned depth)
{
    uint32_t mark = checker->guard_count;

    if (cel_check_decided(checker, node)) {
        return;
    }
    for (uint32_t i = 0; i < node->count; i++) {
        for (uint32_t k = 0; k < node->count; k++) {
            if (k != i && node->count <= GUARDS_MAX) {
                cel_check_guard(checker, node->args[k], node->kind == NODE_AND, depth - 1);
            }
        }
        cel_check_node(checker, node->args[i], depth - 1);
        checker->guard_count = mark;
        cel_check_wants(checker, node->args[i], CEL_T_BOOL);
    }
    node->type = cel_type(CEL_T_BOOL);
}

static void check_condition(struct checker *checker, struct node *node, unsigned depth)
{
    uint32_t mark = checker->guard_count;
    const struct cel_type *yes, *no;
    bool truth;

    if (cel_check_known(checker, node->args[0], &truth)) {
        *node = *node->args[truth ? 1 : 2]; /* the other branch is of no concern */
        cel_check_node(checker, node, depth - 1);
        return;
    }
    cel_check_node(checker, node->args[0], depth - 1);
    cel_check_wants(checker, node->args[0], CEL_T_BOOL);
    for (uint32_t i = 1; i <= 2; i++) {
        cel_check_guard(checker, node->args[0], i == 1, depth - 1);
        cel_check_node(checker, node->args[i], depth - 1);
        checker->guard_count = mark;
    }
    yes = node->args[1]->type;
    no = node->args[2]->type;
    if (!cel_binding_all_assignable(&checker->binding, &yes, &no, 1) &&
        !cel_binding_all_assignable(&checker->binding, &no, &yes, 1)) {
        cel_check_found(checker, node->at, STR_NONE,
                        "both results of ?: must be of one type, not %.*s and %.*s",
                        STR_ARG(cel_check_name(checker, yes)),
                        STR_ARG(cel_check_name(checker, no)));
        return;
    }
    node->type = cel_binding_join(&checker->binding, yes, no);
}

/* Loops ---------------------------------------------------------------------------------------- */

int cel_check_local(const struct checker *checker, struct str name)
{
    for (uint32_t i = checker->local_count; i > 0; i--) {
        if (str_eq(checker->locals[i - 1].name, name)) {
            return (int)i - 1;
        }
    }
    return -1;
}

static bool local_add(struct checker *checker, uint32_t at, struct str name,
                      const struct cel_type *type, uint16_t *slot)
{
    if (checker->local_count == LOCALS_MAX) {
        cel_compiler_found(checker->compiler, at, "more than %u variables at once", LOCALS_MAX);
        return false;
    }
    *slot = (uint16_t)checker->local_count;
    checker->locals[checker->local_count++] = (struct local){name, type};
    return true;
}

/* What an item of an empty literal is, nothing says. */
static const struct cel_type *known_or_dyn(struct checker *checker, const struct cel_type *type)
{
    type = cel_binding_find(&checker->binding, type);
    return type->kind == CEL_T_VAR ? cel_type(CEL_T_DYN) : type;
}

/* What the loop's variables hold: key (or index) and item. */
static void loop_types(struct checker *checker, const struct node *range, bool over_optional,
                       const struct cel_type *out[2])
{
    const struct cel_type *type = cel_binding_find(&checker->binding, range->type);

    out[0] = out[1] = cel_type(CEL_T_DYN);
    if (over_optional ? type->kind == CEL_T_OPTIONAL : type->kind == CEL_T_LIST) {
        out[0] = cel_type(CEL_T_INT);
        out[1] = known_or_dyn(checker, type->parameters[0]);
    } else if (!over_optional && type->kind == CEL_T_MAP) {
        out[0] = known_or_dyn(checker, type->parameters[0]);
        out[1] = known_or_dyn(checker, type->parameters[1]);
    } else if (!over_optional && type->kind == CEL_T_OBJECT) {
        out[0] = cel_type(CEL_T_STRING);
    } else if (type->kind != CEL_T_DYN && type->kind != CEL_T_VAR) {
        cel_check_found(checker, range->start, STR_NONE, "%s is wanted here, not %.*s",
                        over_optional ? "an optional value" : "a list or map",
                        STR_ARG(cel_check_name(checker, type)));
    }
}

/* transformMapEntry: each item gives a map. */
static const struct cel_type *entry_result(struct checker *checker, const struct node *body)
{
    const struct cel_type *type = cel_binding_find(&checker->binding, body->type);

    if (type->kind != CEL_T_MAP && type->kind != CEL_T_OBJECT && type->kind != CEL_T_DYN &&
        type->kind != CEL_T_VAR) {
        cel_check_found(checker, body->start, STR_NONE,
                        "a map such as {k: v} is wanted here, not %.*s",
                        STR_ARG(cel_check_name(checker, type)));
        return cel_type(CEL_T_DYN);
    }
    return type;
}

static const struct cel_type *loop_result(struct checker *checker, const struct node *node,
                                          const struct cel_type *const types[2])
{
    const struct loop *loop = node->as.loop;
    const struct cel_type *range = cel_binding_find(&checker->binding, node->args[0]->type);
    const struct cel_type *first = range->kind == CEL_T_LIST ? types[1] : types[0];

    switch (loop->kind) {
    case LOOP_ALL:
    case LOOP_EXISTS:
    case LOOP_EXISTS_ONE:
        cel_check_wants(checker, loop->body, CEL_T_BOOL);
        return cel_type(CEL_T_BOOL);
    case LOOP_FILTER:
        return cel_check_list_of(checker, first);
    case LOOP_MAP:
    case LOOP_TRANSFORM_LIST:
        return cel_check_list_of(checker, loop->body->type);
    case LOOP_TRANSFORM_MAP:
        return kept(checker,
                    cel_type_of_2(checker->compiler->arena, CEL_T_MAP, types[0], loop->body->type));
    case LOOP_OPT_MAP:
        return cel_check_optional_of(checker, loop->body->type);
    case LOOP_TRANSFORM_ENTRY:
        return entry_result(checker, loop->body);
    case LOOP_BIND:
    case LOOP_OPT_FLAT_MAP:
        break;
    }
    return loop->body->type;
}

static bool loop_locals(struct checker *checker, struct node *node,
                        const struct cel_type *const types[2])
{
    struct loop *loop = node->as.loop;
    const struct cel_type *range = cel_binding_find(&checker->binding, node->args[0]->type);
    const struct cel_type *only = types[1];

    if (loop->two) {
        return local_add(checker, node->at, loop->names[0], types[0], &loop->slots[0]) &&
               local_add(checker, node->at, loop->names[1], types[1], &loop->slots[1]);
    }
    if (loop->kind == LOOP_BIND) {
        only = node->args[0]->type;
    } else if (range->kind == CEL_T_MAP || range->kind == CEL_T_OBJECT) {
        only = types[0];
    }
    return local_add(checker, node->at, loop->names[0], only, &loop->slots[0]);
}

static void check_loop(struct checker *checker, struct node *node, unsigned depth)
{
    struct loop *loop = node->as.loop;
    const struct cel_type *types[2] = {cel_type(CEL_T_DYN), cel_type(CEL_T_DYN)};
    uint32_t mark = checker->local_count, guards = checker->guard_count;

    cel_check_node(checker, node->args[0], depth - 1);
    if (loop->kind != LOOP_BIND) {
        loop_types(checker, node->args[0], loop->kind >= LOOP_OPT_MAP, types);
    }
    if (!loop_locals(checker, node, types)) {
        return;
    }
    if (loop->filter) {
        cel_check_node(checker, loop->filter, depth - 1);
        cel_check_wants(checker, loop->filter, CEL_T_BOOL);
        cel_check_guard(checker, loop->filter, true, depth - 1);
    }
    if (loop->body) {
        cel_check_node(checker, loop->body, depth - 1);
    }
    node->type = loop_result(checker, node, types);
    checker->guard_count = guards;
    checker->local_count = mark;
}

/* cel.block: item i is the variable that cel.index(i) names, for the items behind it and the
 * result. */
static void check_block(struct checker *checker, struct node *node, unsigned depth)
{
    uint32_t mark = checker->local_count;

    node->as.slot = mark;
    for (uint32_t i = 0; i < node->count; i++) {
        struct str name = arena_printf(checker->compiler->arena, "@index:%u:0", i);
        uint16_t slot;
        cel_check_node(checker, node->args[i], depth - 1);
        if (i + 1 < node->count &&
            !local_add(checker, node->at, name, item_type(checker, node->args[i]), &slot)) {
            return;
        }
    }
    node->type = node->args[node->count - 1]->type;
    checker->local_count = mark;
}

/* ---------------------------------------------------------------------------------------------- */

void cel_check_node(struct checker *checker, struct node *node, unsigned depth)
{
    if (depth == 0) {
        cel_compiler_found(checker->compiler, node->at, "nested too deeply");
        return;
    }
    switch ((enum node_kind)node->kind) {
    case NODE_CONST:
        node->type = type_of_value(node->as.value);
        return;
    case NODE_IDENT:
        cel_check_ident(checker, node);
        return;
    case NODE_SELECT:
    case NODE_HAS:
    case NODE_OPT_SELECT:
        cel_check_select(checker, node, depth);
        return;
    case NODE_INDEX:
    case NODE_OPT_INDEX:
        cel_check_index(checker, node, depth);
        return;
    case NODE_AND:
    case NODE_OR:
        check_logic(checker, node, depth);
        return;
    case NODE_COND:
        check_condition(checker, node, depth);
        return;
    case NODE_LIST:
        check_list(checker, node, depth);
        return;
    case NODE_MAP:
        check_map(checker, node, depth);
        return;
    case NODE_LOOP:
        check_loop(checker, node, depth);
        return;
    case NODE_BLOCK:
        check_block(checker, node, depth);
        return;
    case NODE_CALL:
        cel_check_call(checker, node, depth);
        return;
    case NODE_VARIABLE: /* made by the check, and by prepare.c behind it */
    case NODE_LOCAL:
    case NODE_NOT:
    case NODE_EQUAL:
    case NODE_ORDER:
    case NODE_IN:
        return;
    }
}

/* Whether a node reads what was declared as an int, perhaps inside of an optional. */
static bool reads_int(const struct node *node)
{
    const struct cel_type *type = node->type;

    if (node->kind == NODE_VARIABLE || node->kind == NODE_LOCAL) {
        return type->kind == CEL_T_INT;
    }
    if (node->kind != NODE_SELECT && node->kind != NODE_OPT_SELECT && node->kind != NODE_INDEX &&
        node->kind != NODE_OPT_INDEX) {
        return false;
    }
    type = type->kind == CEL_T_OPTIONAL ? type->parameters[0] : type;
    return type->kind == CEL_T_INT;
}

/* Replaces type variables by what was found for them, and marks what is read as an int. */
static void close_types(struct checker *checker, struct node *node, unsigned depth)
{
    node->type = cel_binding_close(&checker->binding, node->type, CEL_DEPTH_MAX);
    if (reads_int(node)) {
        node->flags |= NODE_F_INT;
    }
    for (uint32_t i = 0; i < node->count && depth > 0; i++) {
        close_types(checker, node->args[i], depth - 1);
    }
}

static void check_result(struct checker *checker, const struct node *root)
{
    static const enum cel_type_kind kinds[] = {
        [CEL_WANT_ANY] = CEL_T_DYN,
        [CEL_WANT_BOOL] = CEL_T_BOOL,
        [CEL_WANT_STRING] = CEL_T_STRING,
        [CEL_WANT_NUMBER] = CEL_T_NUMBER,
    };
    const struct cel_type *want = cel_type(kinds[checker->compiler->program->want]);

    if (!cel_binding_all_assignable(&checker->binding, &want, &root->type, 1)) {
        cel_check_found(checker, root->start, STR_NONE, "the expression must give %.*s, not %.*s",
                        STR_ARG(cel_check_name(checker, want)),
                        STR_ARG(cel_check_name(checker, root->type)));
    }
}

void cel_check_all(struct compiler *compiler, struct node *root)
{
    struct checker *checker = arena_zalloc(compiler->arena, 1, sizeof(*checker));

    if (!checker) {
        compiler->full = true;
        return;
    }
    checker->compiler = compiler;
    checker->binding.arena = compiler->arena;
    cel_check_node(checker, root, CEL_DEPTH_MAX + 1);
    check_result(checker, root);
    close_types(checker, root, CEL_DEPTH_MAX + 1);
    compiler->full |= checker->binding.full;
}
