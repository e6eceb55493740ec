/* SPDX-License-Identifier: Apache-2.0
 *
 * Types, and what fits what. The check is gradual: dyn fits everything, and whatever it lets
 * through is looked at again at run time. Type variables are bound as in cel-go: to the first type
 * that they meet, then to a more general one where that fits.
 */
#include "cel/inner.h"

#define TYPE_DEPTH_MAX (2 * CEL_DEPTH_MAX)

static const struct cel_type plain_types[] = {
    {.kind = CEL_T_DYN},       {.kind = CEL_T_NULL},     {.kind = CEL_T_BOOL},
    {.kind = CEL_T_INT},       {.kind = CEL_T_UINT},     {.kind = CEL_T_DOUBLE},
    {.kind = CEL_T_NUMBER},    {.kind = CEL_T_STRING},   {.kind = CEL_T_BYTES},
    {.kind = CEL_T_TIMESTAMP}, {.kind = CEL_T_DURATION},
};

static const char *const plain_names[] = {
    "dyn",
    "null_type",
    "bool",
    "int",
    "uint",
    "double",
    "number",
    "string",
    "bytes",
    "google.protobuf.Timestamp",
    "google.protobuf.Duration",
};

static const struct cel_type parameters[CEL_ARGUMENTS_MAX] = {
    {.kind = CEL_T_VAR, .number = 0}, {.kind = CEL_T_VAR, .number = 1},
    {.kind = CEL_T_VAR, .number = 2}, {.kind = CEL_T_VAR, .number = 3},
    {.kind = CEL_T_VAR, .number = 4}, {.kind = CEL_T_VAR, .number = 5},
    {.kind = CEL_T_VAR, .number = 6}, {.kind = CEL_T_VAR, .number = 7},
};

/* Making --------------------------------------------------------------------------------------- */

const struct cel_type *cel_type(enum cel_type_kind kind)
{
    return (size_t)kind < COUNT_OF(plain_types) ? &plain_types[kind] : &plain_types[CEL_T_DYN];
}

const struct cel_type *cel_type_parameter(size_t index)
{
    return &parameters[index < COUNT_OF(parameters) ? index : 0];
}

const struct cel_type *cel_type_new(struct arena *arena, enum cel_type_kind kind, struct str name,
                                    const struct cel_type *const *of, size_t count)
{
    struct cel_type *type = arena_zalloc(arena, 1, sizeof(*type));
    const struct cel_type **copies = arena_zalloc(arena, count ? count : 1, sizeof(*copies));

    if (!type || !copies) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (!of[i]) {
            return NULL;
        }
        copies[i] = of[i];
    }
    type->kind = kind;
    type->name = name;
    type->count = (uint16_t)count;
    type->parameters = copies;
    return type;
}

const struct cel_type *cel_type_of_1(struct arena *arena, enum cel_type_kind kind,
                                     const struct cel_type *of)
{
    return cel_type_new(arena, kind, STR_NONE, &of, 1);
}

const struct cel_type *cel_type_of_2(struct arena *arena, enum cel_type_kind kind,
                                     const struct cel_type *first, const struct cel_type *second)
{
    return cel_type_new(arena, kind, STR_NONE, (const struct cel_type *[]){first, second}, 2);
}

const struct cel_type *cel_type_list(struct cel_env *env, const struct cel_type *item)
{
    return cel_type_of_1(env->arena, CEL_T_LIST, item);
}

const struct cel_type *cel_type_map(struct cel_env *env, const struct cel_type *key,
                                    const struct cel_type *value)
{
    return cel_type_of_2(env->arena, CEL_T_MAP, key, value);
}

const struct cel_type *cel_type_optional(struct cel_env *env, const struct cel_type *of)
{
    return cel_type_of_1(env->arena, CEL_T_OPTIONAL, of);
}

const struct cel_type *cel_type_opaque(struct cel_env *env, struct str name,
                                       const struct cel_type *const *of, size_t count)
{
    struct str copy = arena_copy(env->arena, name);

    return copy.p && count <= CEL_ARGUMENTS_MAX
               ? cel_type_new(env->arena, CEL_T_OPAQUE, copy, of, count)
               : NULL;
}

struct cel_type *cel_type_object(struct cel_env *env, struct str name, bool open)
{
    struct cel_type *type = arena_zalloc(env->arena, 1, sizeof(*type));
    struct str copy = arena_copy(env->arena, name);

    if (!type || (name.p && !copy.p)) {
        return NULL;
    }
    *type = (struct cel_type){.kind = CEL_T_OBJECT, .open = open, .name = copy};
    return type;
}

static bool object_grow(struct cel_env *env, struct cel_type *object)
{
    size_t room = object->member_room ? object->member_room * 2 : 8;
    struct member *members = arena_zalloc(env->arena, room, sizeof(*members));

    if (!members) {
        return false;
    }
    for (size_t i = 0; i < object->member_count; i++) {
        members[i] = object->members[i];
    }
    object->members = members;
    object->member_room = room;
    return true;
}

bool cel_object_add(struct cel_env *env, struct cel_type *object, struct str name,
                    const struct cel_type *type, enum cel_member_flag flag)
{
    struct member row = {arena_copy(env->arena, name.p ? name : S("")), type, flag};

    if (!row.name.p || !type) {
        return false;
    }
    for (size_t i = 0; i < object->member_count; i++) {
        if (str_eq(object->members[i].name, name)) {
            object->members[i] = row;
            return true;
        }
    }
    if (object->member_count == object->member_room && !object_grow(env, object)) {
        return false;
    }
    object->members[object->member_count++] = row;
    return true;
}

const struct member *cel_type_member(const struct cel_type *object, struct str name)
{
    for (size_t i = 0; i < object->member_count; i++) {
        if (str_eq(object->members[i].name, name)) {
            return &object->members[i];
        }
    }
    return NULL;
}

bool cel_type_is_numeric(const struct cel_type *type)
{
    return type->kind == CEL_T_INT || type->kind == CEL_T_UINT || type->kind == CEL_T_DOUBLE ||
           type->kind == CEL_T_NUMBER;
}

/* Names ---------------------------------------------------------------------------------------- */

static struct str base_name(const struct cel_type *type)
{
    switch (type->kind) {
    case CEL_T_LIST:
        return S("list");
    case CEL_T_MAP:
        return S("map");
    case CEL_T_TYPE:
        return S("type");
    case CEL_T_OPTIONAL:
        return S("optional_type");
    case CEL_T_OBJECT:
        return type->name.n ? type->name : S("object");
    case CEL_T_OPAQUE:
        return type->name;
    case CEL_T_VAR:
        return S("dyn");
    case CEL_T_DYN:
    case CEL_T_NULL:
    case CEL_T_BOOL:
    case CEL_T_INT:
    case CEL_T_UINT:
    case CEL_T_DOUBLE:
    case CEL_T_NUMBER:
    case CEL_T_STRING:
    case CEL_T_BYTES:
    case CEL_T_TIMESTAMP:
    case CEL_T_DURATION:
        break;
    }
    return str_of(plain_names[type->kind]);
}

static void write_type(struct buf *buf, const struct cel_type *type, unsigned depth)
{
    buf_add(buf, base_name(type));
    if (type->count == 0 || depth == 0) {
        return;
    }
    for (size_t i = 0; i < type->count; i++) {
        buf_add(buf, i ? S(", ") : S("("));
        write_type(buf, type->parameters[i], depth - 1);
    }
    buf_add_char(buf, ')');
}

void cel_type_write(struct buf *buf, const struct cel_type *type)
{
    write_type(buf, type, TYPE_DEPTH_MAX);
}

/* Binding -------------------------------------------------------------------------------------- */

const struct cel_type *cel_binding_fresh(struct binding *binding)
{
    struct cel_type *type;

    if (binding->count == binding->room) {
        uint32_t room = binding->room ? binding->room * 2 : 64;
        const struct cel_type **bound = arena_zalloc(binding->arena, room, sizeof(*bound));
        for (uint32_t i = 0; bound && i < binding->count; i++) {
            bound[i] = binding->bound[i];
        }
        binding->bound = bound ? bound : binding->bound;
        binding->room = bound ? room : binding->room;
    }
    type = arena_zalloc(binding->arena, 1, sizeof(*type));
    if (!type || binding->count == binding->room) {
        binding->full = true;
        return cel_type(CEL_T_DYN);
    }
    binding->bound[binding->count] = NULL;
    type->kind = CEL_T_VAR;
    type->number = binding->count++;
    return type;
}

const struct cel_type *cel_binding_find(const struct binding *binding, const struct cel_type *type)
{
    for (uint32_t i = 0; i <= binding->count && type->kind == CEL_T_VAR; i++) {
        if (type->number >= binding->count || !binding->bound[type->number]) {
            return type;
        }
        type = binding->bound[type->number];
    }
    return type;
}

static void bind(struct binding *binding, uint32_t number, const struct cel_type *type)
{
    if (binding->trail_count == binding->trail_room) {
        uint32_t room = binding->trail_room ? binding->trail_room * 2 : 64;
        void *trail = arena_zalloc(binding->arena, room, sizeof(*binding->trail));
        if (!trail) {
            binding->full = true;
            return;
        }
        for (uint32_t i = 0; i < binding->trail_count; i++) {
            ((__typeof__(binding->trail))trail)[i] = binding->trail[i];
        }
        binding->trail = trail;
        binding->trail_room = room;
    }
    binding->trail[binding->trail_count].number = number;
    binding->trail[binding->trail_count++].before = binding->bound[number];
    binding->bound[number] = type;
}

static void undo_to(struct binding *binding, uint32_t mark)
{
    while (binding->trail_count > mark) {
        binding->trail_count--;
        binding->bound[binding->trail[binding->trail_count].number] =
            binding->trail[binding->trail_count].before;
    }
}

static bool occurs(const struct binding *binding, uint32_t number, const struct cel_type *in,
                   unsigned depth)
{
    const struct cel_type *type = in;

    for (uint32_t i = 0; i <= binding->count && type->kind == CEL_T_VAR; i++) {
        if (type->number == number) {
            return true;
        }
        if (!binding->bound[type->number]) {
            return false;
        }
        type = binding->bound[type->number];
    }
    for (size_t i = 0; i < type->count; i++) {
        if (depth == 0 || occurs(binding, number, type->parameters[i], depth - 1)) {
            return true;
        }
    }
    return false;
}

/* Whether `a` is as general as `b` or more: dyn and free variables are, part by part. */
static bool as_general(const struct binding *binding, const struct cel_type *a,
                       const struct cel_type *b, unsigned depth)
{
    a = cel_binding_find(binding, a);
    b = cel_binding_find(binding, b);
    if (a->kind == CEL_T_DYN || a->kind == CEL_T_VAR) {
        return true;
    }
    if (a->kind == CEL_T_NUMBER && cel_type_is_numeric(b)) {
        return true;
    }
    if (b->kind == CEL_T_NULL && a->kind != CEL_T_NULL) {
        return true; /* it was assignable, so `a` is of a kind that may be null */
    }
    if (a->kind != b->kind || a->count != b->count || depth == 0) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (!as_general(binding, a->parameters[i], b->parameters[i], depth - 1)) {
            return false;
        }
    }
    return a->kind != CEL_T_OBJECT || a == b;
}

static const struct cel_type *more_general(const struct binding *binding, const struct cel_type *a,
                                           const struct cel_type *b)
{
    return as_general(binding, a, b, TYPE_DEPTH_MAX) ? a : b;
}

/* `var` is a variable. It takes `other`, or keeps what it has where that fits. */
static bool take(struct binding *binding, const struct cel_type *var, const struct cel_type *other,
                 bool is_target, unsigned depth)
{
    const struct cel_type *has = binding->bound[var->number], *general;

    if (other->kind == CEL_T_VAR && other->number == var->number) {
        return true;
    }
    if (!has) {
        if (occurs(binding, var->number, other, TYPE_DEPTH_MAX)) {
            return cel_binding_find(binding, other) == var;
        }
        bind(binding, var->number, other);
        return true;
    }
    if (!(is_target ? cel_binding_assignable(binding, has, other, depth)
                    : cel_binding_assignable(binding, other, has, depth))) {
        return false;
    }
    general = more_general(binding, other, has);
    if (general != has && !occurs(binding, var->number, general, TYPE_DEPTH_MAX)) {
        bind(binding, var->number, general);
    }
    return true;
}

static bool takes_null(const struct cel_type *type)
{
    return type->kind == CEL_T_OPTIONAL || type->kind == CEL_T_OPAQUE ||
           type->kind == CEL_T_OBJECT || type->kind == CEL_T_TIMESTAMP ||
           type->kind == CEL_T_DURATION;
}

/* A map from text stands for an object and the other way round. */
static bool object_fits(struct binding *binding, const struct cel_type *to,
                        const struct cel_type *from, unsigned depth)
{
    const struct cel_type *map = to->kind == CEL_T_MAP ? to : from;

    if (to->kind == CEL_T_OBJECT && from->kind == CEL_T_OBJECT) {
        return true;
    }
    return map->kind == CEL_T_MAP &&
           cel_binding_assignable(binding, map->parameters[0], cel_type(CEL_T_STRING), depth) &&
           cel_binding_assignable(binding, map->parameters[1], cel_type(CEL_T_DYN), depth);
}

bool cel_binding_assignable(struct binding *binding, const struct cel_type *to,
                            const struct cel_type *from, unsigned depth)
{
    if (depth == 0) {
        return false;
    }
    if (to->kind == CEL_T_VAR && to->number < binding->count) {
        return take(binding, to, from, true, depth - 1);
    }
    if (from->kind == CEL_T_VAR && from->number < binding->count) {
        return take(binding, from, to, false, depth - 1);
    }
    if (to->kind == CEL_T_DYN || from->kind == CEL_T_DYN) {
        return true;
    }
    if (from->kind == CEL_T_NULL && takes_null(to)) {
        return true;
    }
    if (to->kind == CEL_T_NUMBER || from->kind == CEL_T_NUMBER) {
        return cel_type_is_numeric(to) && cel_type_is_numeric(from);
    }
    if (to->kind == CEL_T_OBJECT || from->kind == CEL_T_OBJECT) {
        return object_fits(binding, to, from, depth - 1);
    }
    if (to->kind != from->kind || to->count != from->count || !str_eq(to->name, from->name)) {
        return false;
    }
    for (size_t i = 0; i < to->count && to->kind != CEL_T_TYPE; i++) {
        if (!cel_binding_assignable(binding, to->parameters[i], from->parameters[i], depth - 1)) {
            return false;
        }
    }
    return true;
}

bool cel_binding_all_assignable(struct binding *binding, const struct cel_type *const *to,
                                const struct cel_type *const *from, size_t count)
{
    uint32_t mark = binding->trail_count;

    for (size_t i = 0; i < count; i++) {
        if (!cel_binding_assignable(binding, to[i], from[i], TYPE_DEPTH_MAX)) {
            undo_to(binding, mark);
            return false;
        }
    }
    return true;
}

const struct cel_type *cel_binding_join(struct binding *binding, const struct cel_type *a,
                                        const struct cel_type *b)
{
    if (cel_binding_all_assignable(binding, &a, &b, 1) ||
        cel_binding_all_assignable(binding, &b, &a, 1)) {
        return more_general(binding, a, b);
    }
    return cel_type(CEL_T_DYN);
}

const struct cel_type *cel_binding_close(struct binding *binding, const struct cel_type *type,
                                         unsigned depth)
{
    const struct cel_type *found = cel_binding_find(binding, type);
    const struct cel_type *of[CEL_ARGUMENTS_MAX];

    if (found->kind == CEL_T_VAR || depth == 0) {
        return cel_type(CEL_T_DYN);
    }
    if (found->count == 0) {
        return found;
    }
    for (size_t i = 0; i < found->count; i++) {
        of[i] = cel_binding_close(binding, found->parameters[i], depth - 1);
    }
    found = cel_type_new(binding->arena, found->kind, found->name, of, found->count);
    if (!found) {
        binding->full = true;
    }
    return found ? found : cel_type(CEL_T_DYN);
}
