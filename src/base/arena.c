/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that dies together: a list of blocks, the newest in use. Blocks double up to BLOCK_MAX so that
 * a small request costs one block and a 1 MiB one a handful.
 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCK_FIRST (8 * KIB)
#define BLOCK_MAX (256 * KIB)

struct block {
    struct block *previous;
    size_t used, room;
    alignas(max_align_t) char bytes[];
};

struct arena {
    struct block *block;
    size_t used, max;
};

static struct block *block_new(size_t room, struct block *previous)
{
    struct block *block = malloc(sizeof(*block) + room);

    if (block) {
        *block = (struct block){.previous = previous, .room = room};
    }
    return block;
}

struct arena *arena_new(size_t max_bytes)
{
    struct arena *arena = calloc(1, sizeof(*arena));

    if (!arena) {
        return NULL;
    }
    arena->max = max_bytes;
    return arena;
}

void arena_reset(struct arena *arena)
{
    while (arena->block && arena->block->previous) {
        struct block *previous = arena->block->previous;
        free(arena->block);
        arena->block = previous;
    }
    if (arena->block) {
        arena->block->used = 0;
    }
    arena->used = 0;
}

void arena_free(struct arena *arena)
{
    if (!arena) {
        return;
    }
    arena_reset(arena);
    free(arena->block);
    free(arena);
}

static bool arena_grow(struct arena *arena, size_t size)
{
    size_t room = arena->block ? arena->block->room * 2 : BLOCK_FIRST;
    struct block *block;

    room = room > BLOCK_MAX ? BLOCK_MAX : room;
    room = room < size ? size : room;
    block = block_new(room, arena->block);
    if (!block) {
        return false;
    }
    arena->block = block;
    return true;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t aligned = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    void *p;

    if (aligned < size || aligned > arena->max - arena->used) {
        return NULL;
    }
    if (!arena->block || aligned > arena->block->room - arena->block->used) {
        if (!arena_grow(arena, aligned)) {
            return NULL;
        }
    }
    p = arena->block->bytes + arena->block->used;
    arena->block->used += aligned;
    arena->used += aligned;
    return p;
}

void *arena_zalloc(struct arena *arena, size_t count, size_t size)
{
    size_t total;
    void *p;

    if (__builtin_mul_overflow(count, size, &total)) {
        return NULL;
    }
    p = arena_alloc(arena, total);
    return p ? memset(p, 0, total) : NULL;
}

struct str arena_copy(struct arena *arena, struct str s)
{
    char *p;

    if (!s.p) {
        return STR_NONE;
    }
    p = arena_alloc(arena, s.n + 1);
    if (!p) {
        return STR_NONE;
    }
    memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return (struct str){p, s.n};
}

struct str arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    int n;
    char *p;

    va_start(args, format);
    va_copy(again, args);
    n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    p = n < 0 ? NULL : arena_alloc(arena, (size_t)n + 1);
    if (p) {
        vsnprintf(p, (size_t)n + 1, format, again);
    }
    va_end(again);
    return p ? (struct str){p, (size_t)n} : STR_NONE;
}

size_t arena_used(const struct arena *arena)
{
    return arena->used;
}
