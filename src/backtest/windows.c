/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters over sliding windows, in memory: the same arithmetic as those of the store
 * (flow/windows.c), for times that pass in a replay.
 *
 * 1. A window is cut into buckets; the oldest counts whole.
 * 2. What is given back was counted before: a slot never falls below zero.
 */
#include "backtest/inner.h"

#include "base/panic.h"
#include "crypto/crypto.h"

#include <stdlib.h>

#define GIVEBACKS_MAX 4000000 /* proposals that wait at one time, times budgets: 128 MB */

enum fm_err windows_open(struct ctx *ctx, struct arena *arena, struct windows *out)
{
    *out = (struct windows){.arena = arena, .map = map_new()};
    return out->map ? FM_OK : fail_memory(ctx);
}

static void free_slots(void *with, struct str key, void *value)
{
    struct window *window = value;

    (void)with, (void)key;
    free(window->slots);
}

void windows_done(struct windows *windows)
{
    if (windows->map) {
        map_each(windows->map, free_slots, NULL);
    }
    map_free(windows->map);
    free(windows->heap);
}

enum fm_err windows_of(struct ctx *ctx, struct windows *windows, struct str kind, struct str name,
                       struct str key, int64_t width_us, int64_t length_us, struct window **out)
{
    AUTO(buf_done) struct buf text = BUF_INIT(8 * KIB);
    struct hash hash;
    struct str bytes;

    buf_printf(&text, "%.*s\n%lld\n%.*s\n%.*s", STR_ARG(kind), (long long)length_us, STR_ARG(name),
               STR_ARG(key));
    if (!buf_ok(&text)) {
        return fail_memory(ctx);
    }
    hash = sha256(buf_str(&text));
    bytes = (struct str){hash_str(&hash).p, 16};
    *out = map_find(windows->map, bytes);
    if (*out) {
        return FM_OK;
    }
    if (map_count(windows->map) >= BACKTEST_WINDOWS_MAX) {
        return fail(
            ctx, FM_E_TOO_LARGE,
            "this history needs more than %d counters: replay fewer days, or count for fewer",
            BACKTEST_WINDOWS_MAX);
    }
    *out = arena_zalloc(windows->arena, 1, sizeof(**out));
    if (!*out || !map_put(windows->map, bytes, *out)) {
        return fail_memory(ctx);
    }
    **out = (struct window){.width_us = width_us, .length_us = length_us};
    return FM_OK;
}

void window_advance(struct window *window, int64_t now_us)
{
    int64_t from = (now_us - window->length_us) / window->width_us;

    while (window->first < window->end && window->slots[window->first].bucket < from) {
        window->count -= window->slots[window->first].count;
        window->micros -= window->slots[window->first].micros;
        window->first++;
    }
}

/* Room for one more slot: by moving to the front, or by growing. */
static bool make_room(struct window *window)
{
    size_t count = window->end - window->first;

    if (window->end < window->room) {
        return true;
    }
    if (count * 2 > window->room || window->room == 0) {
        size_t room = window->room ? window->room * 2 : 4;
        struct slot *slots = reallocarray(window->slots, room, sizeof(*slots));
        if (!slots) {
            return false;
        }
        window->slots = slots;
        window->room = room;
    }
    if (window->first) {
        memmove(window->slots, window->slots + window->first, count * sizeof(*window->slots));
        window->first = 0;
        window->end = count;
    }
    return true;
}

enum fm_err window_add(struct ctx *ctx, struct windows *windows, struct window *window,
                       int64_t micros, int64_t now_us)
{
    int64_t bucket = now_us / window->width_us;

    (void)windows;
    if (window->end > window->first && window->slots[window->end - 1].bucket > bucket) {
        bucket = window->slots[window->end - 1].bucket; /* a clock that was set back */
    }
    if (window->end == window->first || window->slots[window->end - 1].bucket != bucket) {
        if (!make_room(window)) {
            return fail_memory(ctx);
        }
        window->slots[window->end++] = (struct slot){.bucket = bucket};
    }
    window->slots[window->end - 1].count++;
    window->slots[window->end - 1].micros += micros;
    window->count++;
    window->micros += micros;
    return FM_OK;
}

/* Giving back
 * ------------------------------------------------------------------------------------- */

static bool heap_room(struct windows *windows)
{
    size_t room = windows->heap_room ? windows->heap_room * 2 : 64;
    struct giveback *heap;

    if (windows->heap_count < windows->heap_room) {
        return true;
    }
    heap = reallocarray(windows->heap, room, sizeof(*heap));
    if (!heap) {
        return false;
    }
    windows->heap = heap;
    windows->heap_room = room;
    return true;
}

static void swap(struct giveback *a, struct giveback *b)
{
    struct giveback kept = *a;

    *a = *b;
    *b = kept;
}

enum fm_err windows_give_back(struct ctx *ctx, struct windows *windows, struct giveback giveback)
{
    size_t at = windows->heap_count;

    if (at >= GIVEBACKS_MAX) {
        return fail(ctx, FM_E_TOO_LARGE, "too many proposals wait at one time: replay fewer days");
    }
    if (!heap_room(windows)) {
        return fail_memory(ctx);
    }
    windows->heap[windows->heap_count++] = giveback;
    while (at > 0 && windows->heap[(at - 1) / 2].at_us > windows->heap[at].at_us) {
        swap(&windows->heap[(at - 1) / 2], &windows->heap[at]);
        at = (at - 1) / 2;
    }
    return FM_OK;
}

static void sink(struct windows *windows)
{
    size_t at = 0;

    for (;;) {
        size_t least = at, left = 2 * at + 1;
        for (size_t child = left; child < windows->heap_count && child <= left + 1; child++) {
            least = windows->heap[child].at_us < windows->heap[least].at_us ? child : least;
        }
        if (least == at) {
            return;
        }
        swap(&windows->heap[least], &windows->heap[at]);
        at = least;
    }
}

/* What has left the window meanwhile needs no taking back. */
static void take_back(const struct giveback *giveback)
{
    struct window *window = giveback->window;

    for (size_t i = window->end; i-- > window->first;) {
        struct slot *slot = &window->slots[i];
        if (slot->bucket < giveback->bucket) {
            return;
        }
        if (slot->bucket == giveback->bucket) {
            ASSERT(slot->count > 0);
            slot->count--;
            slot->micros -= giveback->micros;
            window->count--;
            window->micros -= giveback->micros;
            return;
        }
    }
}

void windows_settle(struct windows *windows, int64_t now_us)
{
    while (windows->heap_count > 0 && windows->heap[0].at_us <= now_us) {
        take_back(&windows->heap[0]);
        windows->heap[0] = windows->heap[--windows->heap_count];
        sink(windows);
    }
}
