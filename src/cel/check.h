/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the check share: check.c walks the tree, check_name.c resolves names and
 * members, check_call.c finds overloads, check_guard.c knows which optional members are certainly
 * there.
 */
#ifndef FM_CEL_CHECK_H
#define FM_CEL_CHECK_H

#include "cel/inner.h"

#define GUARDS_MAX 64u /* has() conditions that hold at one place; those beyond are not seen */

struct local {
    struct str name;
    const struct cel_type *type;
};

struct checker {
    struct compiler *compiler;
    struct binding binding;
    struct local locals[LOCALS_MAX]; /* in scope, by slot */
    uint32_t local_count;
    const struct node *guards[GUARDS_MAX]; /* NODE_HAS, or '...' in x */
    uint32_t guard_count;
};

/* Resolves and types a node and all below it. */
void cel_check_node(struct checker *checker, struct node *node, unsigned depth);
void cel_check_call(struct checker *checker, struct node *node, unsigned depth);
/* A name, or a member that may be part of a dotted name. */
void cel_check_ident(struct checker *checker, struct node *node);
void cel_check_select(struct checker *checker, struct node *node, unsigned depth);
void cel_check_index(struct checker *checker, struct node *node, unsigned depth);

/* Tells what is known of a name that is reserved (cel_env_reserve), of a member with its object's;
 * false when it is none. */
bool cel_check_reserved(struct checker *checker, const struct node *node, struct str object,
                        struct str name);
/* Adds a finding unless types are not checked. */
void cel_check_found(struct checker *checker, uint32_t at, struct str suggestion,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Complains unless the node is of that kind. */
void cel_check_wants(struct checker *checker, const struct node *node, enum cel_type_kind kind);
/* A type's name, in the arena. */
struct str cel_check_name(struct checker *checker, const struct cel_type *type);
/* The slot of a macro's variable, or -1. */
int cel_check_local(const struct checker *checker, struct str name);
const struct cel_type *cel_check_list_of(struct checker *checker, const struct cel_type *type);
const struct cel_type *cel_check_optional_of(struct checker *checker, const struct cel_type *type);

/* The i-th of the names that `name` may stand for in the container, from the longest on; absent
 * after the last. */
struct str cel_check_candidate(struct checker *checker, struct str name, bool rooted, size_t index);

/* Whether a node is true or false by what is known ahead (cel_env_assume), whatever else is. */
bool cel_check_known(const struct checker *checker, const struct node *node, bool *truth);
/* Makes a constant of a `&&` or `||` that is decided so; nothing else of it is looked at. */
bool cel_check_decided(struct checker *checker, struct node *node);
/* Notes what holds where `node` is `truth`; the caller resets guard_count. */
void cel_check_guard(struct checker *checker, const struct node *node, bool truth, unsigned depth);
/* Whether a member is certainly there. */
bool cel_check_is_guarded(const struct checker *checker, const struct node *select);

#endif
