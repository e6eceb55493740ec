/* SPDX-License-Identifier: Apache-2.0
 *
 * The only source of time. Times are UTC microseconds since 1970 (`_us`), durations too. Tests set a
 * virtual clock; the program then runs on it alone.
 */
#ifndef FM_BASE_CLOCK_H
#define FM_BASE_CLOCK_H

#include "base/buf.h"

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US (60 * MINUTE_US)
#define DAY_US (24 * HOUR_US)

/* Now: the wall clock as it was at start, advanced by the monotonic clock (see clock_follow), or the
 * virtual time if one is set. Any thread. */
int64_t clock_now_us(void);

/* Compares the program's clock with the wall clock. A difference of up to CLOCK_FOLLOW_US is adopted; a
 * larger one (somebody set the clock) is not, so that nothing falls due by it, and is returned once, in
 * microseconds. Otherwise 0. Called by the clock thread. */
#define CLOCK_FOLLOW_US (5 * SECOND_US)
int64_t clock_follow(void);

/* By how much the wall clock is ahead of clock_now_us(): beyond CLOCK_FOLLOW_US, a jump is not
 * followed. Any thread. */
int64_t clock_ahead_us(void);

/* Monotonic time of unknown origin: for measuring and time-outs. Any thread. */
int64_t clock_monotonic_us(void);

/* Tests only: from now on clock_now_us() returns this; 0 returns to the real clock. */
void clock_set_virtual_us(int64_t now_us);

#define CLOCK_TEXT_SIZE 25 /* "2026-11-22T10:24:35.123Z" and NUL */

/* RFC 3339 UTC with milliseconds, always CLOCK_TEXT_SIZE-1 characters. Years 1970 to 9999. */
struct str clock_format(int64_t at_us, char out[CLOCK_TEXT_SIZE]);
void buf_add_time(struct buf *buf, int64_t at_us);

/* Reads RFC 3339 (any offset, 0 to 9 fraction digits, seconds 0-59). False on anything else. */
bool clock_parse(struct str text, int64_t *out_us);

#define DURATION_MAX_US (3650 * DAY_US)
/* Reads a duration of page "Conventions": digits and one of s, m, h, d, w; 0s to 3650d. */
bool duration_parse(struct str text, int64_t *out_us);

/* Writes the largest unit that divides it: "90s", "15m", "4h", "2d". */
void buf_add_duration(struct buf *buf, int64_t duration_us);

#endif
