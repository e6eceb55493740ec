/* SPDX-License-Identifier: Apache-2.0
 *
 * The limits of the HTTP server that are not configuration, each with the arithmetic that chose it.
 */
#ifndef FM_NET_LIMITS_H
#define FM_NET_LIMITS_H

#include "base/clock.h"

/* Per connection, for the request head, its parsed form and the head of the answer. A parked
 * request may cost 6 KiB of user memory: this, about 520 bytes more in libmicrohttpd, 304 here, 112
 * of the waiter. */
#define POOL_SIZE ((size_t)4736)
#define POOL_INCREMENT ((size_t)1024)
/* Of the pool, kept for the head of the answer: a request whose head leaves less is refused with
 * 431. 832 for the caller's header lines; status line, Date, Content-Length and Connection take at
 * most 148. */
#define ANSWER_HEADERS_MAX ((size_t)832)
#define ANSWER_HEAD_MAX (ANSWER_HEADERS_MAX + 160)
/* libmicrohttpd's own record of one header, query parameter or cookie, in the same pool. */
#define POOL_PER_FIELD ((size_t)64)
#define HEADERS_MAX 64u

#define PROBLEM_MAX (8 * KIB) /* of the body of a refusal */

/* Bytes a client must move per second beyond the idle time it has anyway. */
#define SLOWEST_BYTES_PER_S ((int64_t)(16 * KIB))
#define BODY_FIRST_MAX (64 * KIB) /* reserved on the word of a Content-Length */

#define HANGUP_US SECOND_US /* for reading what a peer sent before it hung up */

#define TIMER_SLOTS 1024u               /* 1024 slots of 32 ms: a turn of the wheel is 33 s */
#define TIMER_SLOT_US INT64_C(32768)    /* with the wake-up itself: at most 50 ms late */
#define LOOP_EVENTS_MAX 128             /* taken per wait; the rest comes with the next */
#define REQUESTS_SPARE_MAX 256u         /* kept per loop for reuse, 256 bytes each */
#define ARENAS_SPARE_MAX 64u            /* kept per loop for reuse, 8 KiB each */
#define ARENA_SPARE_USED_MAX (16 * KIB) /* an arena that grew beyond is given back */

#define LINGERING_MAX 64u /* refused connections per loop that are still read from */
#define LINGER_US (2 * SECOND_US)
#define LINGER_BYTES_MAX                                                                           \
    (12 * MIB) /* a body that is over the largest limit still reads its refusal */

#define STOP_US (2 * SECOND_US) /* for libmicrohttpd to let go of the connections that were cut */

#define LISTEN_BACKLOG 4096
#define LOOPS_MAX 64u

#endif
