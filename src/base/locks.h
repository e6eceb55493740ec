/* SPDX-License-Identifier: Apache-2.0
 *
 * Every lock of the program in one table, in rank order: a thread that holds one may only take locks
 * further down: asserted. No I/O and no callbacks inside a lock.
 */
#ifndef FM_BASE_LOCKS_H
#define FM_BASE_LOCKS_H

#include <pthread.h>

#define LOCKS(X) /* name, what it guards */                                                        \
    X(ADMIN, "the admin socket's list of clients")                                                 \
    X(WORKER, "the queue of slow work (password hashing)")                                         \
    X(BACKTEST, "the list of backtests that people asked for")                                     \
    X(COMMITTER, "the committer's queue of waiting commands")                                      \
    X(PEOPLE, "the in-memory directory of people, agents and keys")                                \
    X(RELOAD, "what became of the last reload of the policy")                                      \
    X(POLICY, "the pointer to the policy in force")                                                \
    X(THROTTLE, "failed sign-ins per name and address")                                            \
    X(CHECKPOINT, "the newest signed log checkpoint")                                              \
    X(LOOP, "a loop's list of finished commands and events")                                       \
    X(STREAMS, "how many event streams each caller has open")                                      \
    X(METRICS, "histograms")                                                                       \
    X(LOG, "the operators' log line")

enum lock_rank {
#define X(name, guards) LOCK_##name,
    LOCKS(X)
#undef X
    LOCK_COUNT
};

struct lock {
    pthread_mutex_t mutex;
    enum lock_rank rank;
};

#define LOCK_INIT(lock_rank) {PTHREAD_MUTEX_INITIALIZER, lock_rank}

/* Prepares a lock of its rank; takes it (waits); gives it back. Taking out of rank order is a
 * defect: it panics. Prefer LOCKED. */
void lock_init(struct lock *lock, enum lock_rank rank);
void lock_take(struct lock *lock);
void lock_give(struct lock *lock);

/* Waits on `condition` with `lock` held. */
void lock_wait(struct lock *lock, pthread_cond_t *condition);

/* What LOCKED is made of. */
static inline void lock_scope_end_(struct lock **held)
{
    if (*held) {
        lock_give(*held);
    }
}

/* Its other half. */
static inline struct lock *lock_scope_begin_(struct lock *lock)
{
    lock_take(lock);
    return lock;
}

/* LOCKED(&x->lock) { ... }: leaves the lock on every way out of the block. */
#define LOCKED(l)                                                                                  \
    for (struct lock *held_ __attribute__((cleanup(lock_scope_end_))) = lock_scope_begin_(l),      \
                            *once_ = held_;                                                        \
         once_; once_ = NULL)

#endif
