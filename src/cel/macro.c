/* SPDX-License-Identifier: Apache-2.0
 *
 * Macros: calls that the parser replaces. All but has() and the helpers of cel.block become a loop,
 * which evaluates its body once per item; a binding is a loop over one value.
 */
#include "cel/inner.h"

/* Which arguments a macro takes, the receiver not among them: `v` a variable's name, `e` an
 * expression. */
static const struct macro_row {
    struct str name;
    const char *arguments;
    enum loop_kind kind;
} loop_macros[] = {
    {STR("all"), "ve", LOOP_ALL},
    {STR("all"), "vve", LOOP_ALL},
    {STR("exists"), "ve", LOOP_EXISTS},
    {STR("exists"), "vve", LOOP_EXISTS},
    {STR("exists_one"), "ve", LOOP_EXISTS_ONE},
    {STR("exists_one"), "vve", LOOP_EXISTS_ONE},
    {STR("existsOne"), "ve", LOOP_EXISTS_ONE},
    {STR("existsOne"), "vve", LOOP_EXISTS_ONE},
    {STR("map"), "ve", LOOP_MAP},
    {STR("map"), "vee", LOOP_MAP},
    {STR("filter"), "ve", LOOP_FILTER},
    {STR("transformList"), "vve", LOOP_TRANSFORM_LIST},
    {STR("transformList"), "vvee", LOOP_TRANSFORM_LIST},
    {STR("transformMap"), "vve", LOOP_TRANSFORM_MAP},
    {STR("transformMap"), "vvee", LOOP_TRANSFORM_MAP},
    {STR("transformMapEntry"), "vve", LOOP_TRANSFORM_ENTRY},
    {STR("transformMapEntry"), "vvee", LOOP_TRANSFORM_ENTRY},
    {STR("optMap"), "ve", LOOP_OPT_MAP},
    {STR("optFlatMap"), "ve", LOOP_OPT_FLAT_MAP},
};

static struct node *found(struct compiler *compiler, uint32_t at, const char *message)
{
    cel_compiler_found(compiler, at, "%s", message);
    return NULL;
}

static bool is_variable(const struct node *node)
{
    return node->kind == NODE_IDENT && !(node->flags & NODE_F_ROOTED);
}

/* Loops ---------------------------------------------------------------------------------------- */

/* A loop over `range`; NULL filter or body where there is none. */
static struct node *loop_node(struct compiler *compiler, enum loop_kind kind, uint32_t at,
                              struct node *range, struct node *filter, struct node *body)
{
    struct node *args[3] = {range, filter ? filter : body, filter && body ? body : NULL};
    struct node *node = cel_node_new(compiler, NODE_LOOP, at, args, args[2] ? 3 : 2);
    struct loop *loop = arena_zalloc(compiler->arena, 1, sizeof(*loop));

    if (!node || !loop) {
        compiler->full |= !loop;
        return NULL;
    }
    loop->kind = kind;
    loop->filter = filter;
    loop->body = body;
    node->as.loop = loop;
    return node;
}

/* call->args: the range, one or two names, a filter, the body. */
static struct node *expand_loop(struct compiler *compiler, struct node *call,
                                const struct macro_row *row)
{
    bool two = row->arguments[1] == 'v';
    size_t rest = two ? 3 : 2;
    struct node *first = call->args[rest];
    struct node *second = call->count > rest + 1 ? call->args[rest + 1] : NULL;
    struct node *node;

    for (size_t i = 1; i < rest; i++) {
        if (!is_variable(call->args[i])) {
            return found(compiler, call->args[i]->at, "a variable's name is wanted here");
        }
    }
    if (two && str_eq(call->args[1]->name, call->args[2]->name)) {
        return found(compiler, call->args[2]->at, "both variables have the same name");
    }
    if (row->kind == LOOP_FILTER) {
        node = loop_node(compiler, row->kind, call->at, call->args[0], first, NULL);
    } else {
        node = loop_node(compiler, row->kind, call->at, call->args[0], second ? first : NULL,
                         second ? second : first);
    }
    if (node) {
        node->name = row->name;
        node->as.loop->two = two;
        node->as.loop->names[0] = call->args[1]->name;
        node->as.loop->names[1] = two ? call->args[2]->name : STR_NONE;
    }
    return node;
}

static const struct macro_row *loop_macro(const struct node *call)
{
    for (size_t i = 0; i < COUNT_OF(loop_macros); i++) {
        if (strlen(loop_macros[i].arguments) + 1 == call->count &&
            str_eq(loop_macros[i].name, call->name)) {
            return &loop_macros[i];
        }
    }
    return NULL;
}

/* has ------------------------------------------------------------------------------------------ */

static struct node *expand_has(struct compiler *compiler, struct node *call)
{
    struct node *select = call->args[0];

    if (select->kind != NODE_SELECT) {
        return found(compiler, select->at, "has() wants a member, such as has(args.note)");
    }
    select->kind = NODE_HAS;
    return select;
}

/* cel.bind, cel.block -------------------------------------------------------------------------- */

static struct node *expand_bind(struct compiler *compiler, struct node *call)
{
    struct node *node;

    if (!is_variable(call->args[1])) {
        return found(compiler, call->args[1]->at, "cel.bind() wants a variable's name first");
    }
    node = loop_node(compiler, LOOP_BIND, call->at, call->args[2], NULL, call->args[3]);
    if (node) {
        node->name = S("cel.bind");
        node->as.loop->names[0] = call->args[1]->name;
    }
    return node;
}

/* cel.block([a, b], result) */
static struct node *expand_block(struct compiler *compiler, struct node *call)
{
    struct node *list = call->args[1], *node;
    struct node **args;

    if (list->kind != NODE_LIST) {
        return found(compiler, list->at, "cel.block() wants a list first");
    }
    args = arena_zalloc(compiler->arena, list->count + 1, sizeof(*args));
    if (!args) {
        compiler->full = true;
        return NULL;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        args[i] = list->args[i];
    }
    args[list->count] = call->args[2];
    node = cel_node_new(compiler, NODE_BLOCK, call->at, args, list->count + 1);
    return node;
}

/* cel.index(1), cel.iterVar(0, 1), cel.accuVar(0, 1): names that no text can spell. */
static struct node *expand_name(struct compiler *compiler, struct node *call)
{
    struct node *node = cel_node_new(compiler, NODE_IDENT, call->at, NULL, 0);
    int64_t numbers[2] = {0, 0};

    for (uint32_t i = 1; i < call->count; i++) {
        struct node *arg = call->args[i];
        if (arg->kind != NODE_CONST || arg->as.value.kind != CEL_INT ||
            arg->as.value.as.number < 0) {
            return found(compiler, arg->at, "a literal int is wanted here");
        }
        numbers[i - 1] = arg->as.value.as.number;
    }
    if (node) {
        node->name = arena_printf(compiler->arena, "@%.*s:%lld:%lld", STR_ARG(call->name),
                                  (long long)numbers[0], (long long)numbers[1]);
        compiler->full |= !node->name.p;
    }
    return node;
}

static bool calls_on(const struct node *call, const char *receiver, const char *name,
                     uint32_t count)
{
    return (call->flags & NODE_F_RECEIVER) && call->count == count &&
           call->args[0]->kind == NODE_IDENT && str_eq(call->args[0]->name, str_of(receiver)) &&
           str_eq(call->name, str_of(name));
}

/* math.greatest, math.least -------------------------------------------------------------------- */

/* More than two arguments are a list. */
static struct node *expand_extreme(struct compiler *compiler, struct node *call)
{
    struct node *list =
        cel_node_new(compiler, NODE_LIST, call->at, call->args + 1, call->count - 1);
    struct node *args[2] = {call->args[0], list};
    struct node *node = list ? cel_node_new(compiler, NODE_CALL, call->at, args, 2) : NULL;

    if (node) {
        node->name = call->name;
        node->flags = call->flags;
        list->start = call->start;
        list->end = call->end;
    }
    return node;
}

/* ---------------------------------------------------------------------------------------------- */

struct node *cel_macro_expand(struct compiler *compiler, struct node *call)
{
    const struct macro_row *row;

    if (!(call->flags & NODE_F_RECEIVER)) {
        return str_eq(call->name, S("has")) && call->count == 1 ? expand_has(compiler, call) : call;
    }
    row = loop_macro(call);
    if (row) {
        return expand_loop(compiler, call, row);
    }
    if (calls_on(call, "cel", "bind", 4)) {
        return expand_bind(compiler, call);
    }
    if (calls_on(call, "cel", "block", 3)) {
        return expand_block(compiler, call);
    }
    if (calls_on(call, "cel", "index", 2) || calls_on(call, "cel", "iterVar", 3) ||
        calls_on(call, "cel", "accuVar", 3)) {
        return expand_name(compiler, call);
    }
    if (call->count > 3 && (calls_on(call, "math", "greatest", call->count) ||
                            calls_on(call, "math", "least", call->count))) {
        return expand_extreme(compiler, call);
    }
    return call;
}
