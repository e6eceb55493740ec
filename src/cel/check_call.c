/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls: finds the function by its name, then the overloads whose arguments fit. As in cel-go all
 * overloads are tried, and where several fit with different results, the result is only known at
 * run time.
 */
#include "cel/check.h"

/* Signatures ----------------------------------------------------------------------------------- */

/* Reads one type of a signature. `vars` are the type parameters A and B of this use, once they are
 * met. */
static const struct cel_type *read_type(struct checker *checker, const char **at,
                                        const struct cel_type *vars[2], unsigned depth)
{
    static const char letters[] = "*nbiud#sytr"; /* in the order of enum cel_type_kind */
    struct arena *arena = checker->compiler->arena;
    char c = *(*at)++;
    const char *hit = strchr(letters, c);
    const struct cel_type *first, *second, *type = NULL;

    if (hit) {
        return cel_type((enum cel_type_kind)(hit - letters));
    }
    if (c == 'A' || c == 'B' || depth == 0) {
        vars[c == 'B'] = vars[c == 'B'] ? vars[c == 'B'] : cel_binding_fresh(&checker->binding);
        return vars[c == 'B'];
    }
    first = read_type(checker, at, vars, depth - 1);
    if (c == 'M') {
        second = read_type(checker, at, vars, depth - 1);
        type = cel_type_of_2(arena, CEL_T_MAP, first, second);
    } else {
        type = cel_type_of_1(arena,
                             c == 'L'   ? CEL_T_LIST
                             : c == 'O' ? CEL_T_OPTIONAL
                                        : CEL_T_TYPE,
                             first);
    }
    checker->compiler->full |= !type;
    return type ? type : cel_type(CEL_T_DYN);
}

struct signature {
    const struct cel_type *args[CALL_ARGS_MAX], *result;
    size_t count;
    bool receiver;
};

/* Reads the next overload of a builtin and moves behind it; false at the end. */
static bool next_overload(struct checker *checker, const char **at, struct signature *out)
{
    const struct cel_type *vars[2] = {NULL, NULL};

    if (**at == '\0') {
        return false;
    }
    *out = (struct signature){.receiver = **at == '.'};
    *at += out->receiver;
    while (**at != ':') {
        out->args[out->count++] = read_type(checker, at, vars, 4);
    }
    (*at)++;
    out->result = read_type(checker, at, vars, 4);
    *at += **at == ' ';
    return true;
}

/* Type parameters of a function of ours, replaced by fresh ones. */
static const struct cel_type *instance(struct checker *checker, const struct cel_type *type,
                                       const struct cel_type *vars[CEL_ARGUMENTS_MAX],
                                       unsigned depth)
{
    const struct cel_type *of[CEL_ARGUMENTS_MAX];

    if (type->kind == CEL_T_VAR) {
        size_t at = type->number % CEL_ARGUMENTS_MAX;
        vars[at] = vars[at] ? vars[at] : cel_binding_fresh(&checker->binding);
        return vars[at];
    }
    if (type->count == 0 || depth == 0) {
        return type;
    }
    for (size_t i = 0; i < type->count; i++) {
        of[i] = instance(checker, type->parameters[i], vars, depth - 1);
    }
    type = cel_type_new(checker->compiler->arena, type->kind, type->name, of, type->count);
    checker->compiler->full |= !type;
    return type ? type : cel_type(CEL_T_DYN);
}

static void signature_of(struct checker *checker, const struct cel_function *function,
                         struct signature *out)
{
    const struct cel_type *vars[CEL_ARGUMENTS_MAX] = {NULL};

    *out = (struct signature){.receiver = function->receiver};
    while (out->count < CEL_ARGUMENTS_MAX && function->args[out->count]) {
        out->args[out->count] = instance(checker, function->args[out->count], vars, CEL_DEPTH_MAX);
        out->count++;
    }
    out->result = instance(checker, function->result, vars, CEL_DEPTH_MAX);
}

/* Overloads ------------------------------------------------------------------------------------ */

struct match {
    const struct cel_type *result; /* NULL: none fits */
    bool any_number;               /* an argument is a number of JSON */
    bool any_dyn;                  /* one may turn out to be such a number, or anything else */
    bool shape;                    /* an overload has as many arguments, in this style */
};

static void try_overload(struct checker *checker, const struct node *node,
                         const struct cel_type *const *types, const struct signature *signature,
                         struct match *match)
{
    const struct cel_type *before = match->result, *result;

    if (signature->count != node->count ||
        signature->receiver != ((node->flags & NODE_F_RECEIVER) != 0)) {
        return;
    }
    match->shape = true;
    if (!cel_binding_all_assignable(&checker->binding, signature->args, types, node->count)) {
        return;
    }
    result = cel_binding_find(&checker->binding, signature->result);
    if (!before || before == result) {
        match->result = result;
        return;
    }
    before = cel_binding_find(&checker->binding, before);
    if (match->any_number && cel_type_is_numeric(before) && cel_type_is_numeric(result)) {
        match->result = cel_type(CEL_T_NUMBER);
    } else if (before->kind != result->kind || before->count > 0) {
        match->result = cel_type(CEL_T_DYN);
    }
}

static bool is_arithmetic(struct str name)
{
    return name.n == 3 && name.p[0] == '_' && name.p[2] == '_' && strchr("+-*/%", name.p[1]);
}

/* A number of JSON and any other number: a number. */
static bool number_arithmetic(struct checker *checker, struct node *node)
{
    const struct cel_type *a, *b;

    if (!is_arithmetic(node->name) || node->count != 2) {
        return false;
    }
    a = cel_binding_find(&checker->binding, node->args[0]->type);
    b = cel_binding_find(&checker->binding, node->args[1]->type);
    if ((a->kind != CEL_T_NUMBER && b->kind != CEL_T_NUMBER) || !cel_type_is_numeric(a) ||
        !cel_type_is_numeric(b)) {
        return false;
    }
    node->type = cel_type(CEL_T_NUMBER);
    return true;
}

/* Complaints ----------------------------------------------------------------------------------- */

static struct str argument_names(struct checker *checker, const struct node *node, uint32_t from,
                                 struct str between)
{
    AUTO(buf_done) struct buf buf = BUF_INIT(4 * KIB);

    for (uint32_t i = from; i < node->count; i++) {
        buf_add(&buf, i > from ? between : S(""));
        cel_type_write(&buf,
                       cel_binding_close(&checker->binding, node->args[i]->type, CEL_DEPTH_MAX));
    }
    return buf_ok(&buf) ? arena_copy(checker->compiler->arena, buf_str(&buf)) : S("...");
}

/* "+" of "_+_"; absent for a function. */
static struct str operator_sign(struct str name)
{
    if (str_eq(name, S("@in"))) {
        return S("in");
    }
    if (name.n >= 3 && name.p[0] == '_' && name.p[name.n - 1] == '_') {
        return (struct str){name.p + 1, name.n - 2};
    }
    return str_eq(name, S("!_")) ? S("!") : str_eq(name, S("-_")) ? S("-") : STR_NONE;
}

static void no_overload(struct checker *checker, const struct node *node)
{
    struct str sign = operator_sign(node->name);
    bool receiver = node->flags & NODE_F_RECEIVER;
    struct str args =
        argument_names(checker, node, receiver ? 1 : 0, sign.p ? S(" and ") : S(", "));
    const struct cel_type *a =
        node->count ? cel_binding_find(&checker->binding, node->args[0]->type) : NULL;
    const struct cel_type *b =
        node->count > 1 ? cel_binding_find(&checker->binding, node->args[1]->type) : NULL;

    if (sign.p && a && b && cel_type_is_numeric(a) && cel_type_is_numeric(b)) {
        cel_check_found(
            checker, node->at, STR_NONE,
            "%.*s does not mix %.*s; convert one side with int(), uint() or double(), or "
            "write a literal as 1, 1u or 1.0",
            STR_ARG(sign), STR_ARG(args));
    } else if (sign.p) {
        cel_check_found(checker, node->at, STR_NONE, "%.*s does not take %.*s", STR_ARG(sign),
                        STR_ARG(args));
    } else if (receiver && a) {
        cel_check_found(checker, node->at, STR_NONE, "%.*s() of %.*s does not take (%.*s)",
                        STR_ARG(node->name), STR_ARG(cel_check_name(checker, a)), STR_ARG(args));
    } else {
        cel_check_found(checker, node->at, STR_NONE, "%.*s() does not take (%.*s)",
                        STR_ARG(node->name), STR_ARG(args));
    }
}

/* The dotted name of a call whose receiver is a name that nothing declares ("math.greatst"): that
 * is half of a function's name. Absent for any other call. */
static struct str undeclared_dotted(struct checker *checker, const struct node *node)
{
    const struct node *root = node->args && node->count ? node->args[0] : NULL;
    struct str target;

    if (!root || !(node->flags & NODE_F_RECEIVER)) {
        return STR_NONE;
    }
    while (root->kind == NODE_SELECT) {
        root = root->args[0];
    }
    if (root->kind != NODE_IDENT || cel_check_local(checker, root->name) >= 0 ||
        cel_env_find(checker->compiler->env, root->name) >= 0) {
        return STR_NONE;
    }
    target = cel_node_dotted(checker->compiler, node->args[0]);
    return target.p ? arena_printf(checker->compiler->arena, "%.*s.%.*s", STR_ARG(target),
                                   STR_ARG(node->name))
                    : STR_NONE;
}

/* Macros, and how they are written. */
static const struct {
    struct str name;
    const char *form;
} macros[] = {
    {STR("has"), "has(x.member)"},
    {STR("all"), "list.all(x, condition)"},
    {STR("exists"), "list.exists(x, condition)"},
    {STR("exists_one"), "list.exists_one(x, condition)"},
    {STR("map"), "list.map(x, value) or list.map(x, condition, value)"},
    {STR("filter"), "list.filter(x, condition)"},
    {STR("transformList"), "list.transformList(i, x, value)"},
    {STR("transformMap"), "map.transformMap(k, v, value)"},
    {STR("transformMapEntry"), "map.transformMapEntry(k, v, {key: value})"},
    {STR("optMap"), "optional.optMap(x, value)"},
    {STR("optFlatMap"), "optional.optFlatMap(x, optional)"},
    {STR("bind"), "cel.bind(x, value, expression)"},
};

/* A macro's name with arguments that no macro has. */
static bool found_macro(struct checker *checker, const struct node *node)
{
    for (size_t i = 0; i < COUNT_OF(macros); i++) {
        if (str_eq(macros[i].name, node->name)) {
            cel_check_found(checker, node->at, STR_NONE, "%.*s is written %s", STR_ARG(node->name),
                            macros[i].form);
            return true;
        }
    }
    return false;
}

static void unknown_function(struct checker *checker, const struct node *node, struct str dotted)
{
    struct nearest nearest = {.wanted = dotted.p ? dotted : node->name};
    const struct cel_env *env = checker->compiler->env;
    const struct builtin *row;

    if (cel_check_reserved(checker, node, STR_NONE, nearest.wanted)) {
        return;
    }
    for (size_t i = 0; (row = cel_builtin_at(i)) != NULL; i++) {
        if (row->name.p[0] != '_' && row->name.p[0] != '@') {
            cel_nearest_offer(&nearest, row->name);
        }
    }
    for (size_t i = 0; i < env->function_count; i++) {
        cel_nearest_offer(&nearest, env->functions[i]->name);
    }
    for (size_t i = 0; i < COUNT_OF(macros); i++) {
        cel_nearest_offer(&nearest, macros[i].name);
    }
    cel_check_found(checker, dotted.p ? node->start : node->at, nearest.best,
                    "there is no function %.*s()", STR_ARG(nearest.wanted));
}

/* Finding -------------------------------------------------------------------------------------- */

static bool functions_push(struct compiler *compiler, struct str name)
{
    struct cel_program *program = compiler->program;

    if (program->function_count == program->function_room) {
        size_t room = program->function_room ? program->function_room * 2 : 8;
        struct str *names = arena_zalloc(compiler->arena, room, sizeof(*names));
        if (!names) {
            compiler->full = true;
            return false;
        }
        for (size_t i = 0; i < program->function_count; i++) {
            names[i] = program->functions[i];
        }
        program->functions = names;
        program->function_room = room;
    }
    program->functions[program->function_count++] = name;
    return true;
}

static void note_call(struct compiler *compiler, struct str name)
{
    if (operator_sign(name).p || cel_program_calls(compiler->program, name)) {
        return;
    }
    (void)functions_push(compiler, name);
}

/* Sets node->as.callee to the function of that name; false when there is none. */
static bool find_function(struct checker *checker, struct node *node, struct str name)
{
    struct compiler *compiler = checker->compiler;
    const struct builtin *builtin = cel_builtin_find(name);
    const struct cel_function *const *functions = cel_env_function(compiler->env, name);
    struct callee *callee;

    if (!builtin && !functions) {
        return false;
    }
    callee = arena_zalloc(compiler->arena, 1, sizeof(*callee));
    if (!callee) {
        compiler->full = true;
        return false;
    }
    callee->builtin = builtin;
    callee->functions = functions;
    for (size_t i = 0; i < compiler->env->function_count; i++) { /* they stand together */
        callee->function_count += str_eq(compiler->env->functions[i]->name, name);
    }
    node->as.callee = callee;
    node->name = name;
    note_call(compiler, name);
    return true;
}

static bool find_in_container(struct checker *checker, struct node *node, struct str name,
                              bool rooted)
{
    struct str candidate = cel_check_candidate(checker, name, rooted, 0);

    for (size_t i = 0; candidate.p; candidate = cel_check_candidate(checker, name, rooted, ++i)) {
        if (find_function(checker, node, candidate)) {
            return true;
        }
    }
    return false;
}

/* math.greatest(...): a function whose name is dotted, not a method of a variable `math`. */
static bool find_dotted(struct checker *checker, struct node *node)
{
    struct str target = cel_node_dotted(checker->compiler, node->args[0]), name;
    const struct node *root = node->args[0];

    while (root->kind == NODE_SELECT) {
        root = root->args[0];
    }
    if (!target.p || root->kind != NODE_IDENT || cel_check_local(checker, root->name) >= 0) {
        return false;
    }
    name =
        arena_printf(checker->compiler->arena, "%.*s.%.*s", STR_ARG(target), STR_ARG(node->name));
    if (!name.p || !find_in_container(checker, node, name, root->flags & NODE_F_ROOTED)) {
        return false;
    }
    node->args++;
    node->count--;
    node->flags &= (uint8_t)~NODE_F_RECEIVER;
    return true;
}

static bool find_callee(struct checker *checker, struct node *node)
{
    if (!(node->flags & NODE_F_RECEIVER)) {
        return find_in_container(checker, node, node->name, node->flags & NODE_F_ROOTED);
    }
    return find_dotted(checker, node) || find_function(checker, node, node->name);
}

/* ---------------------------------------------------------------------------------------------- */

static void match_overloads(struct checker *checker, struct node *node,
                            const struct cel_type *const *types, struct match *match)
{
    const struct callee *callee = node->as.callee;
    const char *at = callee->builtin ? callee->builtin->overloads : "";
    struct signature signature;

    while (next_overload(checker, &at, &signature)) {
        try_overload(checker, node, types, &signature, match);
    }
    for (size_t i = 0; i < callee->function_count; i++) {
        signature_of(checker, callee->functions[i], &signature);
        try_overload(checker, node, types, &signature, match);
    }
}

void cel_check_call(struct checker *checker, struct node *node, unsigned depth)
{
    const struct cel_type *types[CALL_ARGS_MAX];
    struct match match = {.result = NULL};
    bool known = find_callee(checker, node);
    struct str dotted = known ? STR_NONE : undeclared_dotted(checker, node);

    if (!known && found_macro(checker, node)) {
        node->as.callee = NULL;
        return;
    }
    if (node->count > CALL_ARGS_MAX) {
        cel_compiler_found(checker->compiler, node->at, "a call has at most %u arguments",
                           CALL_ARGS_MAX);
        return;
    }
    for (uint32_t i = dotted.p ? 1 : 0; i < node->count; i++) {
        cel_check_node(checker, node->args[i], depth - 1);
        types[i] = node->args[i]->type;
        match.any_number |= cel_binding_find(&checker->binding, types[i])->kind == CEL_T_NUMBER;
        match.any_dyn |= cel_binding_find(&checker->binding, types[i])->kind == CEL_T_DYN;
    }
    if (!known) {
        unknown_function(checker, node, dotted);
        node->as.callee = NULL;
        return;
    }
    if (number_arithmetic(checker, node)) {
        return;
    }
    match_overloads(checker, node, types, &match);
    if (!match.shape) { /* without a check it fails at run time, before the function sees it */
        *node->as.callee = (struct callee){.builtin = NULL};
    }
    if (!match.result) {
        no_overload(checker, node);
        return;
    }
    node->type = match.any_dyn && is_arithmetic(node->name) ? cel_type(CEL_T_DYN) : match.result;
}
