/* SPDX-License-Identifier: Apache-2.0
 *
 * Locks with ranks. The held ranks of a thread are a bit set: taking a lock whose rank is not above all
 * of them is a programming error that would deadlock one day, so it ends the process at once.
 */
#include "base/locks.h"

#include "base/panic.h"

static _Thread_local unsigned held_ranks;

_Static_assert(LOCK_COUNT < 32, "ranks fit into the bit set");

void lock_init(struct lock *lock, enum lock_rank rank)
{
    pthread_mutex_init(&lock->mutex, NULL);
    lock->rank = rank;
}

void lock_take(struct lock *lock)
{
    ASSERT(held_ranks >> lock->rank == 0);
    pthread_mutex_lock(&lock->mutex);
    held_ranks |= 1u << lock->rank;
}

void lock_give(struct lock *lock)
{
    held_ranks &= ~(1u << lock->rank);
    pthread_mutex_unlock(&lock->mutex);
}

void lock_wait(struct lock *lock, pthread_cond_t *condition)
{
    pthread_cond_wait(condition, &lock->mutex);
}
