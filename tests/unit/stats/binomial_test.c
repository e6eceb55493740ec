/* SPDX-License-Identifier: Apache-2.0
 *
 * The exact bound against values computed with 60 digits from the definition (the sum of binomial
 * probabilities), and what must hold for any numbers.
 */
#include "../check.h"

#include "stats/stats.h"

#include <math.h>

static void test_vectors(void **state)
{
    static const struct {
        uint64_t trials, errors;
        double confidence, want;
    } rows[] = {
        {1, 0, 0.95, 0.950000000000},
        {10, 0, 0.95, 0.258865550893},
        {100, 0, 0.95, 0.029513049607},
        {100, 1, 0.95, 0.046559811454},
        {100, 50, 0.95, 0.586378285369},
        {1000, 2, 0.95, 0.006282284547},
        {59, 0, 0.95, 0.049507609888},
        {10, 9, 0.95, 0.994883803108},
        {300, 3, 0.99, 0.033092742207},
        {5000, 12, 0.95, 0.003885619667},
        {0, 0, 0.95, 1},
        {7, 7, 0.95, 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        double got = stats_binomial_upper(rows[i].trials, rows[i].errors, rows[i].confidence);
        EXPECT(fabs(got - rows[i].want) < 1e-9, "%llu of %llu: %.12f",
               (unsigned long long)rows[i].errors, (unsigned long long)rows[i].trials, got);
    }
}

/* Without errors there is a formula; more errors and more confidence never lower the bound. */
static void test_shape(void **state)
{
    double before = 0;

    (void)state;
    for (uint64_t n = 1; n < 100000; n = n * 3 + 1) {
        double got = stats_binomial_upper(n, 0, 0.95), want = 1 - pow(0.05, 1 / (double)n);
        EXPECT(fabs(got - want) < 1e-9, "%llu: %.12f, %.12f", (unsigned long long)n, got, want);
    }
    for (uint64_t k = 0; k <= 200; k++) {
        double got = stats_binomial_upper(200, k, 0.95);
        EXPECT(got > before && got >= (double)k / 200, "%llu", (unsigned long long)k);
        EXPECT(stats_binomial_upper(200, k, 0.99) >= got, "%llu", (unsigned long long)k);
        before = got < 1 ? got : 0.99;
    }
    EXPECT(stats_binomial_upper(10000000, 5000, 0.95) < 0.00052, "many");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors),
                                              cmocka_unit_test(test_shape)};

    return CHECK_RUN(tests);
}
