/* SPDX-License-Identifier: Apache-2.0
 *
 * Values: making them, and looking into them. JSON is looked into where it lies, nothing is copied.
 */
#include "cel/inner.h"

#include <math.h>

#define EQUAL_STEPS_MAX 10000000u /* of cel_equal: values that share parts may be huge */
#define MAP_LINEAR_MAX  8u        /* entries of a map that is searched without an index */

/* Making --------------------------------------------------------------------------------------- */

struct cel_value cel_null(void)
{
    return (struct cel_value){.kind = CEL_NULL};
}

struct cel_value cel_bool(bool yes)
{
    return (struct cel_value){.kind = CEL_BOOL, .as.yes = yes};
}

struct cel_value cel_int(int64_t number)
{
    return (struct cel_value){.kind = CEL_INT, .as.number = number};
}

struct cel_value cel_uint(uint64_t natural)
{
    return (struct cel_value){.kind = CEL_UINT, .as.natural = natural};
}

struct cel_value cel_double(double real)
{
    return (struct cel_value){.kind = CEL_DOUBLE, .as.real = real};
}

struct cel_value cel_number(double real)
{
    return (struct cel_value){.kind = CEL_DOUBLE, .form = FORM_JSON, .as.real = real};
}

struct cel_value cel_string(struct str text)
{
    return (struct cel_value){.kind = CEL_STRING, .as.text = text.p ? text : S("")};
}

struct cel_value cel_bytes(struct str bytes)
{
    return (struct cel_value){.kind = CEL_BYTES, .as.text = bytes.p ? bytes : S("")};
}

struct cel_value cel_timestamp_us(int64_t at_us)
{
    int64_t seconds = at_us / SECOND_US, rest = at_us % SECOND_US;

    if (rest < 0) {
        seconds--;
        rest += SECOND_US;
    }
    seconds = seconds < MOMENT_MIN ? MOMENT_MIN : seconds > MOMENT_MAX ? MOMENT_MAX : seconds;
    return (struct cel_value){.kind = CEL_TIMESTAMP,
                              .as.moment = {seconds, (int32_t)(rest * 1000)}};
}

struct cel_value cel_duration_us(int64_t duration_us)
{
    int64_t nanos;

    if (__builtin_mul_overflow(duration_us, INT64_C(1000), &nanos)) {
        nanos = duration_us < 0 ? INT64_MIN : INT64_MAX;
    }
    return (struct cel_value){.kind = CEL_DURATION, .as.number = nanos};
}

struct cel_value cel_json(const struct json *json)
{
    struct cel_value value = {.form = FORM_JSON};

    if (!json) {
        return cel_null();
    }
    switch (json->kind) {
    case JSON_NULL:
        return cel_null();
    case JSON_FALSE:
    case JSON_TRUE:
        return cel_bool(json->kind == JSON_TRUE);
    case JSON_NUMBER:
        return cel_number(json_number(json));
    case JSON_STRING:
        return cel_string(json->as.text);
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    value.kind = json->kind == JSON_ARRAY ? CEL_LIST : CEL_MAP;
    value.as.json = json;
    return value;
}

struct cel_value cel_list(struct arena *arena, const struct cel_value *items, size_t count)
{
    struct cel_list *list = arena_alloc(arena, sizeof(*list));

    if (!list) {
        return cel_eval_no_memory();
    }
    *list = (struct cel_list){count, items};
    return (struct cel_value){.kind = CEL_LIST, .as.list = list};
}

struct cel_value cel_value_new_list(struct cel_eval *eval, const struct cel_value *items,
                                    size_t count)
{
    return cel_list(eval->arena, items, count);
}

struct cel_value cel_value_some(struct cel_eval *eval, struct cel_value value)
{
    struct cel_value *some = arena_alloc(eval->arena, sizeof(*some));

    if (!some) {
        return cel_eval_no_memory();
    }
    *some = value;
    return (struct cel_value){.kind = CEL_OPTIONAL, .as.some = some};
}

struct cel_value cel_value_text_of(struct cel_eval *eval, struct buf *buf)
{
    struct str copy = buf_ok(buf) ? arena_copy(eval->arena, buf_str(buf)) : STR_NONE;

    return copy.p ? cel_string(copy) : cel_eval_no_memory();
}

/* Maps ----------------------------------------------------------------------------------------- */

bool cel_value_is_key(struct cel_value value)
{
    return value.kind == CEL_STRING || value.kind == CEL_INT || value.kind == CEL_UINT ||
           value.kind == CEL_BOOL;
}

static uint32_t hash_bytes(const char *p, size_t n)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);

    for (size_t i = 0; i < n; i++) {
        hash = (hash ^ (unsigned char)p[i]) * UINT64_C(0x100000001B3);
    }
    return (uint32_t)(hash ^ hash >> 32);
}

/* Equal keys have equal hashes, also across the kinds of numbers. */
static uint32_t hash_of(struct cel_value key)
{
    uint64_t bits = key.as.natural;

    if (key.kind == CEL_STRING) {
        return hash_bytes(key.as.text.p, key.as.text.n);
    }
    if (key.kind == CEL_BOOL) {
        return key.as.yes;
    }
    if (key.kind == CEL_DOUBLE) {
        bits = key.as.real < 0 ? (uint64_t)(int64_t)key.as.real : (uint64_t)key.as.real;
    }
    bits *= UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(bits >> 32);
}

/* The entry of that key, or NULL. Pays for the search where `eval` is given. */
static const struct cel_entry *map_find(struct cel_eval *eval, const struct cel_map *map,
                                        struct cel_value key)
{
    if (!map->slots) {
        for (size_t i = 0; i < map->count; i++) {
            if (cel_value_equal(NULL, map->entries[i].key, key, 1)) {
                return &map->entries[i];
            }
        }
        return NULL;
    }
    for (uint32_t at = hash_of(key) & map->mask; map->slots[at]; at = (at + 1) & map->mask) {
        const struct cel_entry *entry = &map->entries[map->slots[at] - 1];
        if (cel_value_equal(NULL, entry->key, key, 1)) {
            return entry;
        }
        if (eval && !eval_pay(eval, 1)) {
            return NULL;
        }
    }
    return NULL;
}

static bool map_index(struct arena *arena, struct cel_map *map, size_t count, uint32_t **slots)
{
    size_t room = 4 * MAP_LINEAR_MAX;

    *slots = NULL;
    if (count <= MAP_LINEAR_MAX) {
        return true;
    }
    while (room < 2 * count) {
        room *= 2;
    }
    *slots = arena_zalloc(arena, room, sizeof(**slots));
    map->slots = *slots;
    map->mask = (uint32_t)room - 1;
    return *slots != NULL;
}

static struct cel_value map_fill(struct cel_eval *eval, const struct node *node,
                                 struct cel_map *map, uint32_t *slots, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct cel_value key = map->entries[i].key;
        if (!cel_value_is_key(key)) {
            return cel_eval_fail(eval, node, "a key is a string, int, uint or bool, not %.*s",
                                 STR_ARG(cel_value_type_name(key)));
        }
        if (map_find(eval, map, key)) {
            return cel_eval_fail(eval, node, "a key stands twice in a map");
        }
        if (eval->broke) {
            return cel_eval_too_costly();
        }
        for (uint32_t at = slots ? hash_of(key) & map->mask : 0; slots; at = (at + 1) & map->mask) {
            if (!slots[at]) {
                slots[at] = (uint32_t)i + 1;
                break;
            }
        }
        map->count = i + 1;
    }
    return (struct cel_value){.kind = CEL_MAP, .as.map = map};
}

struct cel_value cel_value_map(struct cel_eval *eval, const struct node *node,
                               const struct cel_entry *entries, size_t count)
{
    struct cel_map *map = arena_zalloc(eval->arena, 1, sizeof(*map));
    uint32_t *slots;

    if (!map || !map_index(eval->arena, map, count, &slots)) {
        return cel_eval_no_memory();
    }
    map->entries = entries;
    return map_fill(eval, node, map, slots, count);
}

struct cel_value cel_map(struct arena *arena, const struct str *names,
                         const struct cel_value *values, size_t count)
{
    struct cel_eval eval = {.left = UINT64_MAX, .arena = arena};
    struct cel_entry *entries = arena_zalloc(arena, count ? count : 1, sizeof(*entries));

    if (!entries) {
        return cel_eval_no_memory();
    }
    for (size_t i = 0; i < count; i++) {
        entries[i] = (struct cel_entry){cel_string(names[i]), values[i]};
    }
    return cel_value_map(&eval, NULL, entries, count);
}

int cel_value_lookup(struct cel_eval *eval, struct cel_value map, struct cel_value key,
                     struct cel_value *out)
{
    const struct cel_entry *entry;

    if (map.form == FORM_JSON) {
        const struct json *json =
            key.kind == CEL_STRING ? json_get(map.as.json, key.as.text) : NULL;
        *out = json ? cel_json(json) : cel_null();
        return json != NULL;
    }
    if (!cel_value_is_key(key) && key.kind != CEL_DOUBLE) {
        return -1;
    }
    if (key.kind == CEL_DOUBLE &&
        (key.as.real != trunc(key.as.real) || key.as.real >= 18446744073709551616.0 ||
         key.as.real < -9223372036854775808.0)) {
        return 0;
    }
    entry = map_find(eval, map.as.map, key);
    *out = entry ? entry->value : cel_null();
    return entry != NULL;
}

struct cel_entry cel_value_entry(struct cel_value map, size_t index)
{
    if (map.form == FORM_JSON) {
        const struct json_member *member = &map.as.json->as.members[index];
        return (struct cel_entry){cel_string(member->name), cel_json(&member->value)};
    }
    return map.as.map->entries[index];
}

/* Looking -------------------------------------------------------------------------------------- */

static size_t code_points(struct str text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.n; i++) {
        count += (text.p[i] & 0xC0) != 0x80;
    }
    return count;
}

size_t cel_size(struct cel_value value)
{
    switch (value.kind) {
    case CEL_STRING:
        return code_points(value.as.text);
    case CEL_BYTES:
        return value.as.text.n;
    case CEL_LIST:
        return value.form == FORM_JSON ? value.as.json->count : value.as.list->count;
    case CEL_MAP:
        return value.form == FORM_JSON ? value.as.json->count : value.as.map->count;
    default:
        return 0;
    }
}

struct cel_value cel_item(struct cel_value list, size_t index)
{
    return list.form == FORM_JSON ? cel_json(&list.as.json->as.items[index])
                                  : list.as.list->items[index];
}

struct cel_value cel_key_at(struct cel_value map, size_t index)
{
    return cel_value_entry(map, index).key;
}

struct cel_value cel_value_at(struct cel_value map, size_t index)
{
    return cel_value_entry(map, index).value;
}

bool cel_member(struct cel_value map, struct str name, struct cel_value *out)
{
    return map.kind == CEL_MAP && cel_value_lookup(NULL, map, cel_string(name), out) == 1;
}

bool cel_equal(struct cel_value a, struct cel_value b)
{
    struct cel_eval eval = {.left = EQUAL_STEPS_MAX};

    return cel_value_equal(&eval, a, b, VALUE_DEPTH_MAX) && !eval.broke;
}

bool cel_to_double(struct cel_value value, double *out)
{
    if (value.kind == CEL_INT) {
        *out = (double)value.as.number;
    } else if (value.kind == CEL_UINT) {
        *out = (double)value.as.natural;
    } else if (value.kind == CEL_DOUBLE) {
        *out = value.as.real;
    } else {
        return false;
    }
    return true;
}

int64_t cel_microseconds(struct cel_value value)
{
    if (value.kind == CEL_TIMESTAMP) { /* years 1 to 9999 fit */
        return value.as.moment.seconds * SECOND_US + value.as.moment.nanos / 1000;
    }
    if (value.kind != CEL_DURATION) {
        return 0;
    }
    return value.as.number / 1000 - (value.as.number % 1000 < 0);
}

bool cel_value_to_int(struct cel_value value, int64_t *out)
{
    if (value.kind == CEL_INT) {
        *out = value.as.number;
        return true;
    }
    if (value.kind == CEL_UINT) {
        *out = (int64_t)value.as.natural;
        return value.as.natural <= INT64_MAX;
    }
    if (value.kind != CEL_DOUBLE || value.as.real != trunc(value.as.real) ||
        fabs(value.as.real) >= 9223372036854775808.0) {
        return false;
    }
    *out = (int64_t)value.as.real;
    return true;
}

bool cel_value_is_empty(struct cel_value value)
{
    switch (value.kind) {
    case CEL_NULL:
        return true;
    case CEL_BOOL:
        return !value.as.yes;
    case CEL_INT:
    case CEL_UINT:
    case CEL_DURATION:
        return value.as.natural == 0;
    case CEL_DOUBLE:
        return value.as.real == 0;
    case CEL_STRING:
    case CEL_BYTES:
        return value.as.text.n == 0;
    case CEL_LIST:
    case CEL_MAP:
        return cel_size(value) == 0;
    case CEL_TIMESTAMP:
        return value.as.moment.seconds == 0 && value.as.moment.nanos == 0;
    case CEL_OPTIONAL:
        return !value.as.some;
    default:
        return false;
    }
}

struct str cel_value_type_name(struct cel_value value)
{
    static const struct str names[] = {
        [CEL_NULL] = STR("null_type"),
        [CEL_BOOL] = STR("bool"),
        [CEL_INT] = STR("int"),
        [CEL_UINT] = STR("uint"),
        [CEL_DOUBLE] = STR("double"),
        [CEL_STRING] = STR("string"),
        [CEL_BYTES] = STR("bytes"),
        [CEL_LIST] = STR("list"),
        [CEL_MAP] = STR("map"),
        [CEL_TIMESTAMP] = STR("google.protobuf.Timestamp"),
        [CEL_DURATION] = STR("google.protobuf.Duration"),
        [CEL_TYPE] = STR("type"),
        [CEL_OPTIONAL] = STR("optional_type"),
        [CEL_ERROR] = STR("error"),
    };

    return value.kind < COUNT_OF(names) ? names[value.kind] : S("unknown");
}
