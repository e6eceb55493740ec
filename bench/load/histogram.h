/* SPDX-License-Identifier: Apache-2.0
 *
 * Latencies in logarithmic buckets: each power of two of nanoseconds has 32 of them, so that a
 * percentile is wrong by at most 3 %, in constant memory and a few nanoseconds for each value.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

enum { BUCKET_BITS = 5, BUCKETS = 60 << BUCKET_BITS };

struct histogram {
    uint64_t count, max_ns;
    uint32_t buckets[BUCKETS];
};

/* Add one value, in nanoseconds. Cannot fail; any value has a bucket. */
void histogram_add(struct histogram *histogram, uint64_t value_ns);

/* The middle of the bucket in which the share (0 to 1) of the values ends, in microseconds. */
double histogram_share_us(const struct histogram *histogram, double share);

#endif
