/* SPDX-License-Identifier: Apache-2.0
 *
 * What every test program shares, on top of cmocka: a runner that ends with the line
 * `N passed, N failed`, a skip that says why, and expectations that name the row of a table.
 * Include it before the product's headers or after them, and instead of cmocka.h: cmocka's macro
 * fail() would hide the product's function of that name.
 */
#ifndef FM_CHECK_H
#define FM_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#undef fail

#include "base/str.h"

static size_t check_skipped; /* tests of this program that were skipped */

/* Runs the tests, prints the final line and returns the exit code of main: 0 when none failed.
 * Skipped tests count as neither passed nor failed. */
static inline int check_run(const struct CMUnitTest *tests, size_t n)
{
    int failed = _cmocka_run_group_tests("tests", tests, n, NULL, NULL);
    size_t bad = failed < 0 ? n : (size_t)failed;

    printf("%zu passed, %zu failed\n", n - bad - check_skipped, bad);
    return bad == 0 ? 0 : 1;
}

/* int main(void) { return CHECK_RUN(tests); } */
#define CHECK_RUN(tests) check_run((tests), sizeof(tests) / sizeof((tests)[0]))

/* Leaves the test as skipped and says why. */
#define CHECK_SKIP(...)                                                                            \
    do {                                                                                           \
        printf("skipped: ");                                                                       \
        printf(__VA_ARGS__);                                                                       \
        printf("\n");                                                                              \
        check_skipped++;                                                                           \
        skip();                                                                                    \
    } while (0)

/* Fails the test unless `condition` holds; the rest is printf's: name the row and what was seen. */
#define EXPECT(condition, ...)                                                                     \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            print_error("%s: not so for: ", #condition);                                           \
            print_error(__VA_ARGS__);                                                              \
            print_error("\n");                                                                     \
            _fail(__FILE__, __LINE__);                                                             \
        }                                                                                          \
    } while (0)

/* The same for two strs; `row` is a C string. */
#define EXPECT_STR(row, got, want)                                                                 \
    do {                                                                                           \
        struct str check_got = (got), check_want = (want);                                         \
        EXPECT(str_eq(check_got, check_want), "%s: got \"%.*s\", want \"%.*s\"", (row),            \
               STR_ARG(check_got), STR_ARG(check_want));                                           \
    } while (0)

#endif
