/* SPDX-License-Identifier: Apache-2.0
 *
 * Measuring: histograms that any thread may add to, and the text in which monitoring reads them
 * (OpenMetrics 1.0, and the older Prometheus text format 0.0.4 from the same calls).
 *
 * 1. Adding costs a few comparisons and two relaxed atomic additions: never a lock, never memory.
 * 2. A label's value is escaped here; that there are only so many values is the caller's promise.
 */
#ifndef FM_BASE_METRIC_H
#define FM_BASE_METRIC_H

#include "base/buf.h"

#include <stdatomic.h>

#define HISTOGRAM_BUCKETS_MAX 24

/* What a histogram counts by: upper ends (included), ascending, and how many of a value make the
 * unit that is printed: 1,000,000 for times in microseconds, 1 for things. */
struct histogram_scale {
    int64_t unit;
    size_t count; /* at most HISTOGRAM_BUCKETS_MAX */
    int64_t ends[HISTOGRAM_BUCKETS_MAX];
};
extern const struct histogram_scale SCALE_REQUEST;  /* 100 us to 30 s */
extern const struct histogram_scale SCALE_DECISION; /* 1 s to 14 days */
extern const struct histogram_scale SCALE_THINGS;   /* 1 to 256, by powers of two */

/* Cleared memory with a scale is an empty histogram. */
struct histogram {
    const struct histogram_scale *scale;
    _Atomic uint64_t buckets[HISTOGRAM_BUCKETS_MAX + 1]; /* the last one in use: beyond all ends */
    _Atomic int64_t sum;
};

/* Counts a value; negative ones count as 0. Any thread. */
void histogram_add(struct histogram *histogram, int64_t value);

/* Adds to a counter that is only ever read for metrics; reads it. Any thread. */
static inline void count_add(_Atomic uint64_t *counter, uint64_t by)
{
    atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}
static inline uint64_t count_read(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* Writing -------------------------------------------------------------------------------------- */

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_INFO };

struct metric_family {
    const char *name; /* "fermata_decisions": without _total, _info, _bucket; with the unit */
    enum metric_type type;
    const char *unit; /* "seconds", "bytes", or NULL; the name ends in it */
    const char *help; /* one sentence, without a newline */
};

struct metric_label {
    const char *name;
    struct str value;
};

struct metric_out {
    struct buf *buf;
    bool open_metrics; /* else the text format 0.0.4 */
    const struct metric_family *family;
};

/* Begins a family: its samples follow. */
void metric_begin(struct metric_out *out, const struct metric_family *family);
/* One sample of the family that was begun. `value` is in units of 1/`unit`: metric_sample(out,
 * NULL, 0, us, 1000000) prints seconds. */
void metric_sample(struct metric_out *out, const struct metric_label *labels, size_t count,
                   int64_t value, int64_t unit);
/* All buckets, sum and count of a histogram; one without a scale prints nothing. */
void metric_histogram(struct metric_out *out, const struct metric_label *labels, size_t count,
                      const struct histogram *histogram);
/* The end of the text, which OpenMetrics wants marked. */
void metric_end(struct metric_out *out);

#endif
