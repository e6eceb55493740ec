/* SPDX-License-Identifier: Apache-2.0
 *
 * A hash map from bytes to pointers: open addressing, linear probing, deletion by shifting back.
 * FNV-1a mixed with a random seed: the seed keeps outsiders from aiming for collisions.
 */
#include "base/map.h"

#include "base/id.h"

#include <stdlib.h>

struct slot {
    char *key; /* NULL: free */
    size_t n;
    uint64_t hash;
    void *value;
};

struct map {
    struct slot *slots;
    size_t room, count; /* room is a power of two; at most 3/4 of it is used */
    uint64_t seed;
};

struct map *map_new(void)
{
    struct map *map = calloc(1, sizeof(*map));

    if (map) {
        random_bytes(&map->seed, sizeof(map->seed));
    }
    return map;
}

void map_free(struct map *map)
{
    if (!map) {
        return;
    }
    for (size_t i = 0; i < map->room; i++) {
        free(map->slots[i].key);
    }
    free(map->slots);
    free(map);
}

static uint64_t map_hash(const struct map *map, struct str key)
{
    uint64_t hash = map->seed ^ UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < key.n; i++) {
        hash = (hash ^ (unsigned char)key.p[i]) * UINT64_C(0x100000001b3);
    }
    hash ^= hash >> 32;
    hash *= UINT64_C(0xd6e8feb86659fd93) ^ (map->seed | 1);
    return hash ^ hash >> 29;
}

/* The slot of `key`, or the free one where it would go. */
static struct slot *find_slot(const struct map *map, struct str key, uint64_t hash)
{
    size_t at = hash & (map->room - 1);

    while (map->slots[at].key) {
        struct slot *slot = &map->slots[at];
        if (slot->hash == hash && slot->n == key.n && memcmp(slot->key, key.p, key.n) == 0) {
            return slot;
        }
        at = (at + 1) & (map->room - 1);
    }
    return &map->slots[at];
}

static bool map_grow(struct map *map)
{
    struct map bigger = *map;

    bigger.room = map->room ? map->room * 2 : 16;
    bigger.slots = calloc(bigger.room, sizeof(*bigger.slots));
    if (!bigger.slots) {
        return false;
    }
    for (size_t i = 0; i < map->room; i++) {
        struct slot *slot = &map->slots[i];
        if (slot->key) {
            *find_slot(&bigger, (struct str){slot->key, slot->n}, slot->hash) = *slot;
        }
    }
    free(map->slots);
    *map = bigger;
    return true;
}

void *map_find(const struct map *map, struct str key)
{
    return map->room ? find_slot(map, key, map_hash(map, key))->value : NULL;
}

bool map_put(struct map *map, struct str key, void *value)
{
    uint64_t hash = map_hash(map, key);
    struct slot *slot;
    char *copy;

    if (map->count + 1 > map->room / 4 * 3 && !map_grow(map)) {
        return false;
    }
    slot = find_slot(map, key, hash);
    if (slot->key) {
        slot->value = value;
        return true;
    }
    copy = malloc(key.n + 1);
    if (!copy) {
        return false;
    }
    if (key.n) {
        memcpy(copy, key.p, key.n);
    }
    *slot = (struct slot){copy, key.n, hash, value};
    map->count++;
    return true;
}

void *map_remove(struct map *map, struct str key)
{
    struct slot *slot = map->room ? find_slot(map, key, map_hash(map, key)) : NULL;
    void *value;
    size_t hole, at;

    if (!slot || !slot->key) {
        return NULL;
    }
    value = slot->value;
    free(slot->key);
    hole = (size_t)(slot - map->slots);
    at = hole;
    for (;;) { /* pull back every later slot of the run that may stand at the hole */
        size_t home;
        at = (at + 1) & (map->room - 1);
        if (!map->slots[at].key) {
            break;
        }
        home = map->slots[at].hash & (map->room - 1);
        if (((at - home) & (map->room - 1)) >= ((at - hole) & (map->room - 1))) {
            map->slots[hole] = map->slots[at];
            hole = at;
        }
    }
    map->slots[hole] = (struct slot){NULL, 0, 0, NULL};
    map->count--;
    return value;
}

size_t map_count(const struct map *map)
{
    return map->count;
}

void map_each(const struct map *map, void (*visit)(void *with, struct str key, void *value),
              void *with)
{
    for (size_t i = 0; i < map->room; i++) {
        struct slot *slot = &map->slots[i];
        if (slot->key) {
            visit(with, (struct str){slot->key, slot->n}, slot->value);
        }
    }
}
