/* SPDX-License-Identifier: Apache-2.0
 *
 * See histogram.h. A value's bucket is its exponent (how far it must be shifted to have only
 * BUCKET_BITS + 1 bits) followed by the bits that are left.
 */
#include "histogram.h"

void histogram_add(struct histogram *histogram, uint64_t value_ns)
{
    uint32_t shift = 0;
    if (value_ns >> BUCKET_BITS != 0) {
        shift = 63u - (uint32_t)__builtin_clzll(value_ns) - BUCKET_BITS;
    }
    histogram->buckets[(shift << BUCKET_BITS) + (uint32_t)(value_ns >> shift)]++;
    histogram->count++;
    histogram->max_ns = value_ns > histogram->max_ns ? value_ns : histogram->max_ns;
}

double histogram_share_us(const struct histogram *histogram, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)histogram->count), seen = 0;
    for (uint32_t i = 0; i < BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen > wanted) {
            uint32_t shift = i >> BUCKET_BITS > 1 ? (i >> BUCKET_BITS) - 1 : 0;
            uint64_t low = (uint64_t)(i - (shift << BUCKET_BITS)) << shift;
            double middle_ns = (double)low + (double)((1ull << shift) - 1) / 2;
            double max_ns = (double)histogram->max_ns;
            return (middle_ns < max_ns ? middle_ns : max_ns) / 1000;
        }
    }
    return (double)histogram->max_ns / 1000;
}
