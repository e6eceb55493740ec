/* SPDX-License-Identifier: Apache-2.0
 *
 * Places in a tree: looking up members and RFC 6901 pointers, making pointers, and the differences
 * between two trees. Nothing here allocates but for its result.
 *
 * 1. Objects are sorted by json_name_cmp and hold no name twice (json/parse.c), so a lookup may
 *    halve and a comparison may walk two objects side by side.
 */
#include "base/panic.h"
#include "json/inner.h"

/* Members ----------------------------------------------------------------------------------- */

const struct json *json_get(const struct json *object, struct str name)
{
    size_t low = 0, high;

    if (!object || object->kind != JSON_OBJECT) {
        return NULL;
    }
    for (high = object->count; low < high;) {
        size_t middle = low + (high - low) / 2;
        int order = json_name_cmp(object->as.members[middle].name, name);
        if (order == 0) {
            return &object->as.members[middle].value;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

struct str json_text(const struct json *value)
{
    return value && value->kind == JSON_STRING ? value->as.text : STR_NONE;
}

/* Following pointers ------------------------------------------------------------------------ */

/* Whether `token`, with ~0 and ~1 read as ~ and /, is `name`. A ~ before anything else matches
 * nothing. */
static bool token_is(struct str token, struct str name)
{
    size_t at = 0;

    for (size_t i = 0; i < token.n; i++, at++) {
        char c = token.p[i];
        if (c == '~') {
            i++;
            if (i == token.n || (token.p[i] != '0' && token.p[i] != '1')) {
                return false;
            }
            c = token.p[i] == '0' ? '~' : '/';
        }
        if (at == name.n || name.p[at] != c) {
            return false;
        }
    }
    return at == name.n;
}

static const struct json *member_at(const struct json *object, struct str token)
{
    if (str_find(token, '~') == token.n) {
        return json_get(object, token);
    }
    for (uint32_t i = 0; i < object->count; i++) {
        if (token_is(token, object->as.members[i].name)) {
            return &object->as.members[i].value;
        }
    }
    return NULL;
}

/*= RFC 6901 4: an index is digits without a leading zero; "-" names no item that exists */
static const struct json *item_at(const struct json *array, struct str token)
{
    uint64_t index;

    if (!str_to_u64(token, &index) || (token.n > 1 && token.p[0] == '0') || index >= array->count) {
        return NULL;
    }
    return &array->as.items[index];
}

const struct json *json_at(const struct json *value, struct str pointer)
{
    if (pointer.n > 0 && pointer.p[0] != '/') {
        return NULL;
    }
    pointer = pointer.n > 0 ? str_skip(pointer, 1) : STR_NONE;
    while (value && pointer.p) {
        struct str token = str_split(&pointer, '/');
        if (value->kind == JSON_OBJECT) {
            value = member_at(value, token);
        } else {
            value = value->kind == JSON_ARRAY ? item_at(value, token) : NULL;
        }
    }
    return value;
}

/* Making pointers --------------------------------------------------------------------------- */

static size_t escaped_size(struct str name)
{
    size_t n = name.n;

    for (size_t i = 0; i < name.n; i++) {
        n += name.p[i] == '~' || name.p[i] == '/';
    }
    return n;
}

static size_t index_size(size_t index)
{
    size_t n = 1;

    for (; index >= 10; index /= 10) {
        n++;
    }
    return n;
}

static size_t step_size(const struct json_path *step)
{
    return 1 + (step->name.p ? escaped_size(step->name) : index_size(step->index));
}

/* Writes a step so that it ends before `end`; where it begins. */
static char *put_step(char *end, const struct json_path *step)
{
    if (!step->name.p) {
        size_t index = step->index;
        do {
            *--end = (char)('0' + index % 10);
            index /= 10;
        } while (index > 0);
    }
    for (size_t i = step->name.p ? step->name.n : 0; i > 0; i--) {
        char c = step->name.p[i - 1];
        *--end = c == '~' ? '0' : c == '/' ? '1' : c;
        if (c == '~' || c == '/') {
            *--end = '~';
        }
    }
    *--end = '/';
    return end;
}

/* parent + the steps from the root to `path`, `size` bytes. */
static struct str make_pointer(struct arena *arena, struct str parent, const struct json_path *path,
                               size_t size)
{
    char *p = arena_alloc(arena, size + 1), *at;

    if (!p) {
        return STR_NONE;
    }
    at = p + size;
    *at = '\0';
    for (const struct json_path *step = path; step; step = step->up) {
        at = put_step(at, step);
    }
    for (size_t i = parent.n; i > 0; i--) {
        *--at = parent.p[i - 1];
    }
    return (struct str){p, size};
}

struct str json_path_pointer(struct arena *arena, const struct json_path *path, size_t max_bytes)
{
    size_t size = 0;

    for (const struct json_path *step = path; step; step = step->up) {
        size += step_size(step);
    }
    for (; size > max_bytes; path = path->up) {
        size -= step_size(path);
    }
    return make_pointer(arena, STR_NONE, path, size);
}

struct str json_pointer_member(struct arena *arena, struct str parent, struct str name)
{
    struct json_path step = {.name = name};

    return make_pointer(arena, parent, &step, parent.n + step_size(&step));
}

struct str json_pointer_index(struct arena *arena, struct str parent, size_t index)
{
    struct json_path step = {.index = index};

    return make_pointer(arena, parent, &step, parent.n + step_size(&step));
}

/* Comparing --------------------------------------------------------------------------------- */

static bool is_scalar(const struct json *value)
{
    return value->kind != JSON_ARRAY && value->kind != JSON_OBJECT;
}

/* Two values that are not both arrays or both objects. */
static bool scalar_eq(const struct json *a, const struct json *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    return (a->kind != JSON_STRING && a->kind != JSON_NUMBER) || str_eq(a->as.text, b->as.text);
}

static bool value_eq(const struct json *a, const struct json *b, unsigned depth);

static bool array_eq(const struct json *a, const struct json *b, unsigned depth)
{
    for (uint32_t i = 0; i < a->count; i++) {
        if (!value_eq(&a->as.items[i], &b->as.items[i], depth)) {
            return false;
        }
    }
    return true;
}

static bool object_eq(const struct json *a, const struct json *b, unsigned depth)
{
    for (uint32_t i = 0; i < a->count; i++) {
        const struct json_member *x = &a->as.members[i], *y = &b->as.members[i];
        if (!str_eq(x->name, y->name) || !value_eq(&x->value, &y->value, depth)) {
            return false;
        }
    }
    return true;
}

static bool value_eq(const struct json *a, const struct json *b, unsigned depth)
{
    ASSERT(depth <= JSON_DEPTH_MAX); /* json_parse makes no deeper tree */
    if (a->kind != b->kind || is_scalar(a)) {
        return scalar_eq(a, b);
    }
    if (a->count != b->count) {
        return false;
    }
    return a->kind == JSON_ARRAY ? array_eq(a, b, depth + 1) : object_eq(a, b, depth + 1);
}

bool json_eq(const struct json *a, const struct json *b)
{
    return value_eq(a, b, 0);
}

/* A comparison under way: changes[0..count), one more than `max` when there are too many. */
struct diff {
    struct ctx *ctx;
    struct json_change *changes;
    size_t count, max;
};

static enum fm_err diff_add(struct diff *diff, const struct json_path *path,
                            const struct json *from, const struct json *to)
{
    struct str pointer;

    if (diff->count >= diff->max) {
        diff->count = diff->max + 1;
        return FM_OK;
    }
    pointer = json_path_pointer(diff->ctx->arena, path, SIZE_MAX);
    if (!pointer.p) {
        return fail_memory(diff->ctx);
    }
    diff->changes[diff->count++] = (struct json_change){pointer, from, to};
    return FM_OK;
}

static enum fm_err diff_values(struct diff *diff, const struct json_path *path,
                               const struct json *from, const struct json *to, unsigned depth);

static enum fm_err diff_arrays(struct diff *diff, const struct json_path *path,
                               const struct json *from, const struct json *to, unsigned depth)
{
    uint32_t n = from->count > to->count ? from->count : to->count;

    for (uint32_t i = 0; i < n && diff->count <= diff->max; i++) {
        struct json_path step = {.up = path, .index = i};
        TRY(diff_values(diff, &step, i < from->count ? &from->as.items[i] : NULL,
                        i < to->count ? &to->as.items[i] : NULL, depth));
    }
    return FM_OK;
}

static enum fm_err diff_objects(struct diff *diff, const struct json_path *path,
                                const struct json *from, const struct json *to, unsigned depth)
{
    uint32_t i = 0, k = 0;

    while ((i < from->count || k < to->count) && diff->count <= diff->max) {
        const struct json_member *x = i < from->count ? &from->as.members[i] : NULL;
        const struct json_member *y = k < to->count ? &to->as.members[k] : NULL;
        int order = !x ? 1 : !y ? -1 : json_name_cmp(x->name, y->name);
        struct json_path step = {.up = path, .name = order <= 0 ? x->name : y->name};
        TRY(diff_values(diff, &step, order <= 0 ? &x->value : NULL, order >= 0 ? &y->value : NULL,
                        depth));
        i += order <= 0;
        k += order >= 0;
    }
    return FM_OK;
}

static enum fm_err diff_values(struct diff *diff, const struct json_path *path,
                               const struct json *from, const struct json *to, unsigned depth)
{
    ASSERT(depth <= JSON_DEPTH_MAX);
    if (!from || !to) {
        return from == to ? FM_OK : diff_add(diff, path, from, to);
    }
    if (from->kind != to->kind || is_scalar(from)) {
        return scalar_eq(from, to) ? FM_OK : diff_add(diff, path, from, to);
    }
    return from->kind == JSON_ARRAY ? diff_arrays(diff, path, from, to, depth + 1)
                                    : diff_objects(diff, path, from, to, depth + 1);
}

enum fm_err json_diff(struct ctx *ctx, const struct json *from, const struct json *to, size_t max,
                      const struct json_change **out, size_t *count)
{
    struct diff diff = {.ctx = ctx, .max = max};

    ASSERT(max > 0);
    diff.changes = arena_zalloc(ctx->arena, max, sizeof(*diff.changes));
    if (!diff.changes) {
        return fail_memory(ctx);
    }
    TRY(diff_values(&diff, NULL, from, to, 0));
    if (diff.count > max) {
        diff.changes[max - 1] = (struct json_change){S(""), from, to};
        diff.count = max;
    }
    *out = diff.changes;
    *count = diff.count;
    return FM_OK;
}
