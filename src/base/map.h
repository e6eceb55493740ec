/* SPDX-License-Identifier: Apache-2.0
 *
 * A hash map from bytes to pointers, with a seed drawn at creation so that outsiders cannot aim for
 * collisions. Keys are copied, values are the caller's. Not thread safe.
 */
#ifndef FM_BASE_MAP_H
#define FM_BASE_MAP_H

#include "base/str.h"

struct map;

struct map *map_new(void) __attribute__((warn_unused_result)); /* NULL when memory is short */
void map_free(struct map *map);                                /* not the values; NULL is allowed */

/* The value under `key`, or NULL. */
void *map_find(const struct map *map, struct str key);

/* Puts `value` (not NULL) under `key`, replacing; false when memory is short (map unchanged). */
bool map_put(struct map *map, struct str key, void *value) __attribute__((warn_unused_result));

/* Removes `key` and returns its value, or NULL. */
void *map_remove(struct map *map, struct str key);

/* How many entries it has. */
size_t map_count(const struct map *map);

/* Calls `visit` for each entry in no particular order; `visit` must not change the map. */
void map_each(const struct map *map, void (*visit)(void *with, struct str key, void *value),
              void *with);

#endif
