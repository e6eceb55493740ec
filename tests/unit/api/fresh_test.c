/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers with secrets in memory: found by their scope alone, for ten minutes; the oldest makes
 * room.
 */
#include "../check.h"

#include "api/api_internal.h"

#define START_US (1795343075 * SECOND_US)
#define ROWS     64

static struct hash scope(int n)
{
    return sha256((struct str){(const char *)&n, sizeof(n)});
}

static void expect(struct fresh *fresh, const char *what, int n, int64_t now_us, const char *want)
{
    struct str found = fresh_find(fresh, scope(n), now_us);

    EXPECT(!found.p == !want, "%s", what);
    if (want) {
        EXPECT_STR(what, found, str_of(want));
    }
}

static void test_time(void **state)
{
    struct fresh *fresh = fresh_new();

    (void)state;
    fresh_keep(fresh, scope(1), S("{\"key\":\"one\"}"), START_US);
    fresh_keep(fresh, scope(2), S("two"), START_US + 1);
    expect(fresh, "its own", 1, START_US, "{\"key\":\"one\"}");
    expect(fresh, "another", 3, START_US, NULL);
    expect(fresh, "the last moment", 1, START_US + FRESH_US - 1, "{\"key\":\"one\"}");
    expect(fresh, "over", 1, START_US + FRESH_US, NULL);
    expect(fresh, "one younger", 2, START_US + FRESH_US, "two");
    fresh_free(fresh);
}

static void test_room(void **state)
{
    struct fresh *fresh = fresh_new();
    char longer[513] = {0};

    (void)state;
    for (int i = 0; i <= ROWS; i++) {
        fresh_keep(fresh, scope(i), S("x"), START_US + i);
    }
    expect(fresh, "the oldest made room", 0, START_US + ROWS, NULL);
    expect(fresh, "the next one stays", 1, START_US + ROWS, "x");
    fresh_keep(fresh, scope(5), S("again"), START_US + ROWS);
    expect(fresh, "one scope is one row", 5, START_US + ROWS, "again");
    expect(fresh, "which nobody else has lost", 1, START_US + ROWS, "x");
    fresh_keep(fresh, scope(5), (struct str){longer, sizeof(longer)}, START_US + ROWS);
    expect(fresh, "too long: not the one before either", 5, START_US + ROWS, NULL);
    fresh_free(fresh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_room),
    };
    crypto_init();
    return CHECK_RUN(tests);
}
