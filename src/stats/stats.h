/* SPDX-License-Identifier: Apache-2.0
 *
 * Statistics: pure functions, no I/O, no clock. Any thread.
 */
#ifndef FM_STATS_H
#define FM_STATS_H

#include "base/err.h"

#include <stdint.h>

/* The exact (Clopper-Pearson) one-sided upper bound on a rate of which `errors` of `trials` were
 * seen: the largest rate under which so few would be seen with a chance of 1 - confidence.
 * Trials that are alike and independent exceed it with at most that chance. 1 when there were no
 * trials or only errors; 0 < confidence < 1, errors <= trials. */
double stats_binomial_upper(uint64_t trials, uint64_t errors, double confidence);

#endif
