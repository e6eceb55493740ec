/* SPDX-License-Identifier: Apache-2.0
 *
 * Timers in a hashed wheel: setting, moving and clearing are O(1), which 10,000 parked requests
 * need. A slot runs when its time is over, so that it is looked at once per turn; a timer further
 * away than one turn stays in it.
 *
 * Invariants
 * 1. A timer is in the slot of its `at_us`, or in the next to run where it was set into the past.
 * 2. A slot's bit is set exactly while its list is not empty.
 */
#include "net/net_internal.h"

static struct loop_timer *slot_head(struct wheel *wheel, unsigned slot)
{
    return &wheel->slots[slot];
}

void wheel_init(struct wheel *wheel, int64_t now_us)
{
    memset(wheel, 0, sizeof(*wheel));
    for (unsigned i = 0; i < TIMER_SLOTS; i++) {
        wheel->slots[i].next = wheel->slots[i].previous = &wheel->slots[i];
    }
    wheel->next_slot = now_us / TIMER_SLOT_US;
}

void wheel_clear(struct wheel *wheel, struct loop_timer *timer)
{
    struct loop_timer *next = timer->next;

    if (!next) {
        return;
    }
    next->previous = timer->previous;
    timer->previous->next = next;
    timer->next = timer->previous = NULL;
    if (next->next == next && next >= wheel->slots && next < wheel->slots + TIMER_SLOTS) {
        unsigned slot = (unsigned)(next - wheel->slots);
        wheel->used[slot / 64] &= ~(UINT64_C(1) << slot % 64);
    }
}

static void put(struct wheel *wheel, struct loop_timer *timer)
{
    int64_t at = timer->at_us / TIMER_SLOT_US;
    unsigned slot = (unsigned)((at > wheel->next_slot ? at : wheel->next_slot) % TIMER_SLOTS);
    struct loop_timer *head = slot_head(wheel, slot);

    timer->next = head;
    timer->previous = head->previous;
    head->previous->next = timer;
    head->previous = timer;
    wheel->used[slot / 64] |= UINT64_C(1) << slot % 64;
}

void wheel_set(struct wheel *wheel, struct loop_timer *timer, int64_t at_us,
               void (*run)(struct loop_timer *timer))
{
    wheel_clear(wheel, timer);
    timer->at_us = at_us;
    timer->run = run;
    put(wheel, timer);
}

/* Runs what is due in one slot. The list is moved aside first, so that a timer that sets itself
 * again for now is not met twice; clearing one that waits in `due` works, as it is only a list. */
static void turn_slot(struct wheel *wheel, unsigned slot, int64_t now_us)
{
    struct loop_timer due, *head = slot_head(wheel, slot);

    if (head->next == head) {
        return;
    }
    due.next = head->next;
    due.previous = head->previous;
    due.next->previous = due.previous->next = &due;
    head->next = head->previous = head;
    wheel->used[slot / 64] &= ~(UINT64_C(1) << slot % 64);
    while (due.next != &due) {
        struct loop_timer *timer = due.next;

        wheel_clear(wheel, timer);
        if (timer->at_us <= now_us) {
            timer->run(timer);
        } else {
            put(wheel, timer);
        }
    }
}

void wheel_turn(struct wheel *wheel, int64_t now_us)
{
    int64_t first = wheel->next_slot;
    int64_t end = now_us / TIMER_SLOT_US;

    if (end <= first) {
        return;
    }
    wheel->next_slot = end; /* before anything runs: what it sets into the past belongs there */
    if (end - first > TIMER_SLOTS) {
        end = first + TIMER_SLOTS; /* each slot once */
    }
    for (int64_t at = first; at < end; at++) {
        turn_slot(wheel, (unsigned)(at % TIMER_SLOTS), now_us);
    }
}

int wheel_wait_ms(const struct wheel *wheel, int64_t now_us)
{
    unsigned first = (unsigned)(wheel->next_slot % TIMER_SLOTS);

    for (unsigned i = 0; i < TIMER_SLOTS; i++) {
        unsigned slot = (first + i) % TIMER_SLOTS;

        if (slot % 64 == 0 && wheel->used[slot / 64] == 0) {
            i += 63; /* 64 empty slots at once */
        } else if (wheel->used[slot / 64] >> slot % 64 & 1) {
            int64_t wait_us = (wheel->next_slot + i + 1) * TIMER_SLOT_US - now_us;
            return wait_us <= 0 ? 0 : (int)((wait_us + 999) / 1000);
        }
    }
    return -1;
}
