/* SPDX-License-Identifier: Apache-2.0
 *
 * Which optional members are certainly there. An optional member may be read where has() of it (or
 * '...' in its object) decides whether the place counts: has(x.y) && x.y > 1, !has(x.y) || x.y > 1,
 * has(x.y) ? x.y : 0. Guards are nodes, compared by the path that they spell.
 */
#include "cel/check.h"

/* The member that a node names, with its object: x.y, has(x.y), x.?y, x['y'], 'y' in x. */
static bool member_of(const struct node *node, struct str *name, const struct node **object)
{
    const struct node *key = NULL;

    switch ((enum node_kind)node->kind) {
    case NODE_SELECT:
    case NODE_HAS:
    case NODE_OPT_SELECT:
        *name = node->name;
        *object = node->args[0];
        return true;
    case NODE_INDEX:
    case NODE_OPT_INDEX:
        key = node->args[1];
        *object = node->args[0];
        break;
    case NODE_CALL:
        if (node->count != 2 || !str_eq(node->name, S("@in"))) {
            return false;
        }
        key = node->args[0];
        *object = node->args[1];
        break;
    case NODE_CONST:
    case NODE_IDENT:
    case NODE_VARIABLE:
    case NODE_LOCAL:
    case NODE_AND:
    case NODE_OR:
    case NODE_NOT:
    case NODE_COND:
    case NODE_EQUAL:
    case NODE_ORDER:
    case NODE_IN:
    case NODE_LIST:
    case NODE_MAP:
    case NODE_LOOP:
    case NODE_BLOCK:
        return false;
    }
    *name = key ? key->as.value.as.text : STR_NONE;
    return key && key->kind == NODE_CONST && key->as.value.kind == CEL_STRING;
}

static bool is_name(const struct node *node)
{
    return node->kind == NODE_IDENT || node->kind == NODE_VARIABLE || node->kind == NODE_LOCAL;
}

static bool same_path(const struct node *a, const struct node *b, unsigned depth)
{
    struct str name_a, name_b;

    while (depth-- > 0) {
        if (is_name(a) || is_name(b)) {
            return is_name(a) && is_name(b) && str_eq(a->name, b->name);
        }
        if (!member_of(a, &name_a, &a) || !member_of(b, &name_b, &b) || !str_eq(name_a, name_b)) {
            return false;
        }
    }
    return false;
}

void cel_check_guard(struct checker *checker, const struct node *node, bool truth, unsigned depth)
{
    struct str name;
    const struct node *object;

    if (depth == 0) {
        return;
    }
    if (node->kind == (truth ? NODE_AND : NODE_OR)) {
        for (uint32_t i = 0; i < node->count; i++) {
            cel_check_guard(checker, node->args[i], truth, depth - 1);
        }
    } else if (node->kind == NODE_CALL && node->count == 1 && str_eq(node->name, S("!_"))) {
        cel_check_guard(checker, node->args[0], !truth, depth - 1);
    } else if (truth && (node->kind == NODE_HAS || node->kind == NODE_CALL) &&
               member_of(node, &name, &object) && checker->guard_count < GUARDS_MAX) {
        checker->guards[checker->guard_count++] = node;
    }
}

bool cel_check_is_guarded(const struct checker *checker, const struct node *select)
{
    struct str name;

    for (uint32_t i = 0; i < checker->guard_count; i++) {
        const struct node *at = checker->guards[i]; /* has(a.b.c) says that a.b is there, too */
        for (unsigned depth = CEL_DEPTH_MAX; depth > 0 && !is_name(at); depth--) {
            if (same_path(at, select, CEL_DEPTH_MAX)) {
                return true;
            }
            if (!member_of(at, &name, &at)) {
                break;
            }
        }
    }
    return false;
}
