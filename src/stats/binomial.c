/* SPDX-License-Identifier: Apache-2.0
 *
 * The exact bound on a rate. The chance of at most k errors in n trials is the regularised
 * incomplete beta function I(1 - p; n - k, k + 1); the bound is where it meets 1 - confidence.
 */
#include "stats/stats.h"

#include "base/panic.h"

#include <math.h>

#define STEPS_MAX                                                                                  \
    10000 /* of the continued fraction: it needs about the root of the larger parameter */
#define BISECTIONS 100 /* until the doubles are neighbours */
#define SMALLEST   1e-300

static double log_gamma(double x)
{
    int sign;

    return lgamma_r(x, &sign); /* lgamma writes a global */
}

/* The next quotient of Lentz's method; never zero. */
static double guarded(double value)
{
    return fabs(value) < SMALLEST ? SMALLEST : value;
}

/* The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method;
 * converges fast for x < (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x)
{
    double c = 1, d = 1 / guarded(1 - (a + b) * x / (a + 1)), fraction = d;

    for (int m = 1; m <= STEPS_MAX; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double change;
        d = 1 / guarded(1 + even * d);
        c = guarded(1 + even / c);
        fraction *= d * c;
        d = 1 / guarded(1 + odd * d);
        c = guarded(1 + odd / c);
        change = d * c;
        fraction *= change;
        if (fabs(change - 1) < 1e-15) {
            break;
        }
    }
    return fraction;
}

/* I(x; a, b). */
static double beta_regular(double x, double a, double b)
{
    double front;

    if (x <= 0 || x >= 1) {
        return x <= 0 ? 0 : 1;
    }
    front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
    return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a
                                     : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double stats_binomial_upper(uint64_t trials, uint64_t errors, double confidence)
{
    double low, high = 1, n = (double)trials, k = (double)errors;

    ASSERT(errors <= trials && confidence > 0 && confidence < 1);
    if (errors == trials) {
        return 1;
    }
    low = k / n;
    for (int i = 0; i < BISECTIONS; i++) {
        double middle = low + (high - low) / 2;
        if (beta_regular(1 - middle, n - k, k + 1) > 1 - confidence) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return high;
}
