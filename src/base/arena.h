/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that dies together: everything of one request or job is taken from one arena and freed whole.
 * An arena has a ceiling; a request that would pass it fails with FM_E_TOO_LARGE instead of eating the
 * machine. Not thread safe: an arena belongs to one thread at a time.
 */
#ifndef FM_BASE_ARENA_H
#define FM_BASE_ARENA_H

#include "base/str.h"

struct arena;

/* A new arena that will hand out at most `max_bytes`. NULL when memory is short. Free with arena_free. */
struct arena *arena_new(size_t max_bytes) __attribute__((warn_unused_result));

/* Frees the arena and all that came from it. NULL is allowed. */
void arena_free(struct arena *arena);

/* For scope-bound arenas: AUTO(arena_done) struct arena *arena = arena_new(1 * MIB); */
static inline void arena_done(struct arena **arena)
{
    arena_free(*arena);
}

/* Forgets all that came from it but keeps its first block for the next use. */
void arena_reset(struct arena *arena);

/* `size` bytes aligned for any object, not cleared; NULL past the ceiling or when memory is short. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((warn_unused_result, malloc));

/* The same, cleared, for `count` items of `size` bytes; overflow of the product gives NULL. */
void *arena_zalloc(struct arena *arena, size_t count, size_t size)
    __attribute__((warn_unused_result, malloc));

/* A copy of `s` with a NUL behind it (not counted in n). Absent stays absent; p is NULL on failure of a
 * present one, so compare both. */
struct str arena_copy(struct arena *arena, struct str s) __attribute__((warn_unused_result));

/* printf into the arena; p is NULL on failure. */
struct str arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((warn_unused_result, format(printf, 2, 3)));

/* Bytes handed out since new or reset: for tests and metrics. */
size_t arena_used(const struct arena *arena);

#endif
