/* SPDX-License-Identifier: Apache-2.0
 *
 * Names and members. A dotted name may be a variable, a type, or members of something: the longest
 * name that is declared wins, macros' variables before all. In a container "a.b" the name x may be
 * a.b.x, a.x or x.
 */
#include "cel/check.h"

/* Names ---------------------------------------------------------------------------------------- */

struct str cel_check_candidate(struct checker *checker, struct str name, bool rooted, size_t index)
{
    struct str prefix = rooted ? STR_NONE : checker->compiler->env->container;
    struct str joined;

    for (size_t i = 0; i < index && prefix.n; i++) { /* drop the last part */
        size_t n = prefix.n;
        while (n > 0 && prefix.p[n - 1] != '.') {
            n--;
        }
        if (n == 0) {
            prefix.n = 0;
            return i + 1 == index ? name : STR_NONE;
        }
        prefix.n = n - 1;
    }
    if (prefix.n == 0) {
        return index == 0 ? name : STR_NONE;
    }
    joined = arena_printf(checker->compiler->arena, "%.*s.%.*s", STR_ARG(prefix), STR_ARG(name));
    checker->compiler->full |= !joined.p;
    return joined;
}

struct str cel_node_dotted(struct compiler *compiler, const struct node *node)
{
    struct str name = STR_NONE;

    for (; node->kind == NODE_SELECT; node = node->args[0]) {
        name = name.p
                   ? arena_printf(compiler->arena, "%.*s.%.*s", STR_ARG(node->name), STR_ARG(name))
                   : node->name;
        if (!name.p) {
            compiler->full = true;
            return STR_NONE;
        }
    }
    if (node->kind != NODE_IDENT) {
        return STR_NONE;
    }
    return name.p ? arena_printf(compiler->arena, "%.*s.%.*s", STR_ARG(node->name), STR_ARG(name))
                  : node->name;
}

static void become_variable(struct checker *checker, struct node *node, int variable,
                            struct str name)
{
    node->kind = NODE_VARIABLE;
    node->count = 0;
    node->name = name;
    node->as.slot = (uint32_t)variable;
    node->type = checker->compiler->env->variables[variable].type;
    checker->compiler->program->reads[variable] = true;
}

/* Makes the node the variable or type that `name` stands for; false when there is none. */
static bool resolve(struct checker *checker, struct node *node, struct str name, bool rooted)
{
    struct compiler *compiler = checker->compiler;
    struct str candidate = cel_check_candidate(checker, name, rooted, 0);
    const struct cel_type *type;

    for (size_t i = 0; candidate.p; candidate = cel_check_candidate(checker, name, rooted, ++i)) {
        int variable = cel_env_find(compiler->env, candidate);
        struct cel_value value;
        if (variable >= 0) {
            become_variable(checker, node, variable, name);
            return true;
        }
        if (cel_env_type_name(candidate, &value, &type)) {
            node->kind = NODE_CONST;
            node->count = 0;
            node->as.value = value;
            node->type = cel_type_of_1(compiler->arena, CEL_T_TYPE, type);
            compiler->full |= !node->type;
            node->type = node->type ? node->type : cel_type(CEL_T_DYN);
            return true;
        }
    }
    return false;
}

bool cel_check_reserved(struct checker *checker, const struct node *node, struct str object,
                        struct str name)
{
    struct str dotted = object.n ? arena_printf(checker->compiler->arena, "%.*s.%.*s",
                                                STR_ARG(object), STR_ARG(name))
                                 : name;

    for (const struct cel_reserved *one = checker->compiler->env->reserved; one && one->name.p;
         one++) {
        if (str_eq(one->name, dotted)) {
            cel_check_found(checker, node->at, STR_NONE, "%.*s", STR_ARG(one->why));
            return true;
        }
    }
    return false;
}

static void unknown_name(struct checker *checker, struct node *node)
{
    struct nearest nearest = {.wanted = node->name};
    const struct cel_env *env = checker->compiler->env;

    if (cel_check_reserved(checker, node, STR_NONE, node->name)) {
        return;
    }
    for (uint32_t i = 0; i < checker->local_count; i++) {
        cel_nearest_offer(&nearest, checker->locals[i].name);
    }
    for (size_t i = 0; i < env->variable_count; i++) {
        cel_nearest_offer(&nearest, env->variables[i].name);
    }
    cel_check_found(checker, node->at, nearest.best, "there is no %.*s here",
                    STR_ARG(node->name.p[0] == '@' ? S("such variable") : node->name));
}

void cel_check_ident(struct checker *checker, struct node *node)
{
    bool rooted = node->flags & NODE_F_ROOTED;
    int local = rooted ? -1 : cel_check_local(checker, node->name);

    if (local >= 0) {
        node->kind = NODE_LOCAL;
        node->as.slot = (uint32_t)local;
        node->type = checker->locals[local].type;
    } else if (!resolve(checker, node, node->name, rooted)) {
        unknown_name(checker, node);
    }
}

/* Whether x.y.z as a whole is a declared name. */
static bool resolve_dotted(struct checker *checker, struct node *node)
{
    const struct node *root = node;
    struct str name;

    while (root->kind == NODE_SELECT) {
        root = root->args[0];
    }
    if (root->kind != NODE_IDENT) {
        return false;
    }
    if (!(root->flags & NODE_F_ROOTED) && cel_check_local(checker, root->name) >= 0) {
        return false;
    }
    name = cel_node_dotted(checker->compiler, node);
    return name.p && resolve(checker, node, name, root->flags & NODE_F_ROOTED);
}

/* Members -------------------------------------------------------------------------------------- */

static void unknown_member(struct checker *checker, const struct node *node, struct str name,
                           const struct cel_type *object)
{
    struct nearest nearest = {.wanted = name};

    if (cel_check_reserved(checker, node, object->name, name)) {
        return;
    }
    for (size_t i = 0; i < object->member_count; i++) {
        cel_nearest_offer(&nearest, object->members[i].name);
    }
    cel_check_found(checker, node->at, nearest.best, "%.*s has no member %.*s",
                    STR_ARG(object->name.n ? object->name : S("this object")), STR_ARG(name));
}

/* What a flag of the member asks of a plain access. */
static void apply_flag(struct checker *checker, struct node *node, struct str name,
                       const struct member *member)
{
    if (node->kind != NODE_SELECT && node->kind != NODE_INDEX) {
        return;
    }
    if (member->flag == CEL_MEMBER_EMPTY) {
        node->flags |= NODE_F_EMPTY;
    } else if (member->flag == CEL_MEMBER_OPTIONAL && !cel_check_is_guarded(checker, node)) {
        const struct node *of = node->args[0];
        int n = (int)(of->end - of->start);
        const char *text = checker->compiler->text.p + of->start;
        cel_check_found(checker, node->at, STR_NONE,
                        "%.*s may be absent: guard it with has(%.*s.%.*s) && ..., or read it with "
                        "%.*s.?%.*s.orValue(...)",
                        STR_ARG(name), n, text, STR_ARG(name), n, text, STR_ARG(name));
    }
}

/* The type of a member of `of`, where `name` is known. */
static const struct cel_type *member_type(struct checker *checker, struct node *node,
                                          const struct cel_type *of, struct str name)
{
    const struct member *member;

    if (of->kind == CEL_T_MAP) {
        const struct cel_type *text = cel_type(CEL_T_STRING);
        if (!cel_binding_all_assignable(&checker->binding, &of->parameters[0], &text, 1)) {
            cel_check_found(checker, node->at, STR_NONE, "the keys of this map are no strings");
        }
        return of->parameters[1];
    }
    if (of->kind != CEL_T_OBJECT) {
        if (of->kind != CEL_T_DYN && of->kind != CEL_T_VAR) {
            cel_check_found(checker, node->at, STR_NONE, "%.*s has no members",
                            STR_ARG(cel_check_name(checker, of)));
        }
        return cel_type(CEL_T_DYN);
    }
    member = cel_type_member(of, name);
    if (!member) {
        if (!of->open) {
            unknown_member(checker, node, name, of);
        }
        return cel_type(CEL_T_DYN);
    }
    apply_flag(checker, node, name, member);
    return member->type;
}

/* What lies inside of an optional, and whether it was one. */
static const struct cel_type *inside(struct checker *checker, const struct cel_type *type,
                                     bool *was)
{
    type = cel_binding_find(&checker->binding, type);
    *was = type->kind == CEL_T_OPTIONAL;
    return *was ? cel_binding_find(&checker->binding, type->parameters[0]) : type;
}

void cel_check_select(struct checker *checker, struct node *node, unsigned depth)
{
    const struct cel_type *of;
    bool optional;

    if (node->kind == NODE_SELECT && resolve_dotted(checker, node)) {
        return;
    }
    cel_check_node(checker, node->args[0], depth - 1);
    of = inside(checker, node->args[0]->type, &optional);
    of = member_type(checker, node, of, node->name);
    if (node->kind == NODE_HAS) {
        node->type = cel_type(CEL_T_BOOL);
        return;
    }
    node->type =
        optional || node->kind == NODE_OPT_SELECT ? cel_check_optional_of(checker, of) : of;
}

/* Indexes -------------------------------------------------------------------------------------- */

static const struct cel_type *index_type(struct checker *checker, struct node *node,
                                         const struct cel_type *of)
{
    const struct node *index = node->args[1];

    if (of->kind == CEL_T_LIST) {
        cel_check_wants(checker, index, CEL_T_INT);
        return of->parameters[0];
    }
    if (of->kind == CEL_T_OBJECT) {
        cel_check_wants(checker, index, CEL_T_STRING);
        return index->kind == NODE_CONST && index->as.value.kind == CEL_STRING
                   ? member_type(checker, node, of, index->as.value.as.text)
                   : cel_type(CEL_T_DYN);
    }
    if (of->kind == CEL_T_MAP) {
        if (!cel_binding_all_assignable(&checker->binding, &of->parameters[0], &index->type, 1)) {
            cel_check_found(checker, index->start, STR_NONE,
                            "the keys of this map are of type %.*s, not %.*s",
                            STR_ARG(cel_check_name(checker, of->parameters[0])),
                            STR_ARG(cel_check_name(checker, index->type)));
        }
        return of->parameters[1];
    }
    if (of->kind != CEL_T_DYN && of->kind != CEL_T_VAR) {
        cel_check_found(checker, node->at, STR_NONE, "%.*s has no items",
                        STR_ARG(cel_check_name(checker, of)));
    }
    return cel_type(CEL_T_DYN);
}

void cel_check_index(struct checker *checker, struct node *node, unsigned depth)
{
    const struct cel_type *of;
    bool optional;

    cel_check_node(checker, node->args[0], depth - 1);
    cel_check_node(checker, node->args[1], depth - 1);
    of = inside(checker, node->args[0]->type, &optional);
    of = index_type(checker, node, of);
    node->type = optional || node->kind == NODE_OPT_INDEX ? cel_check_optional_of(checker, of) : of;
}
