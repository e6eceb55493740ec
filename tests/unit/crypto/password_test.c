/* SPDX-License-Identifier: Apache-2.0
 *
 * Passwords: the costs that are written into the hash, and that an absent one costs as much.
 */
#include "../check.h"

#include <time.h>

#include "crypto/crypto.h"

static void right_and_wrong(void **state)
{
    char encoded[PASSWORD_HASH_MAX];

    (void)state;
    assert_true(password_hash(S("correct horse"), encoded));
    assert_true(str_starts(str_of(encoded), S("$argon2id$v=19$m=19456,t=2,p=1$")));
    assert_true(password_verify(encoded, S("correct horse")));
    assert_false(password_verify(encoded, S("correct horsf")));
    assert_false(password_verify(encoded, S("correct hors")));
    assert_false(password_verify(encoded, S("correct horse\0")));
    assert_false(password_verify(encoded, STR_NONE));
}

static void salt_is_fresh(void **state)
{
    char first[PASSWORD_HASH_MAX], second[PASSWORD_HASH_MAX];

    (void)state;
    assert_true(password_hash(S(""), first));
    assert_true(password_hash(STR_NONE, second));
    assert_string_not_equal(first, second);
    assert_true(password_verify(first, STR_NONE));
}

static void broken_hash(void **state)
{
    (void)state;
    assert_false(password_verify("", S("")));
    assert_false(password_verify("secret", S("secret")));
    assert_false(password_verify("$argon2id$v=19$m=19456,t=2,p=1$", S("secret")));
    assert_false(password_verify(
        "$argon2i$v=19$m=8,t=3,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAA", S("")));
}

static int64_t cpu_ns(void)
{
    struct timespec now;

    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now), 0);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The least of three, so that a busy machine does not count. */
static int64_t verify_cost_ns(const char *encoded)
{
    int64_t least = INT64_MAX;

    for (int i = 0; i < 3; i++) {
        int64_t start = cpu_ns();
        assert_false(password_verify(encoded, S("a guess")));
        int64_t cost = cpu_ns() - start;
        least = cost < least ? cost : least;
    }
    return least;
}

/* A name that does not exist must cost what a wrong password costs: half at the very least, where a
 * short cut would be a thousandth. */
static void absent_costs_the_same(void **state)
{
    char encoded[PASSWORD_HASH_MAX];
    int64_t present, absent;

    (void)state;
    assert_true(password_hash(S("correct horse"), encoded));
    present = verify_cost_ns(encoded);
    absent = verify_cost_ns(NULL);
    EXPECT(absent > present / 2, "absent %lld ns, present %lld ns", (long long)absent,
           (long long)present);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_and_wrong),
        cmocka_unit_test(salt_is_fresh),
        cmocka_unit_test(broken_hash),
        cmocka_unit_test(absent_costs_the_same),
    };

    crypto_init();
    return CHECK_RUN(tests);
}
