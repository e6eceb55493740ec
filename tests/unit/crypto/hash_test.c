/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 against the examples of FIPS 180-4 (as in RFC 6234), HMAC against RFC 4231, and what
 * surrounds them.
 */
#include "../check.h"

#include <pthread.h>
#include <stdlib.h>

#include "crypto/crypto.h"

static void expect_hash(const char *row, struct hash got, const char *want_hex)
{
    struct hash want;

    EXPECT(hex_decode(str_of(want_hex), want.bytes, SHA256_SIZE), "%s: bad row", row);
    EXPECT(hash_eq(got, want), "%s", row);
}

/* FIPS 180-4 examples -------------------------------------------------------------------------- */

static const struct {
    const char *name, *text, *want;
} sha256_rows[] = {
    {"nothing", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"one block", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"two blocks", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

static void sha256_examples(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sha256_rows); i++) {
        expect_hash(sha256_rows[i].name, sha256(str_of(sha256_rows[i].text)), sha256_rows[i].want);
    }
}

static void sha256_of_a_million(void **state)
{
    size_t n = 1000000;
    char *text = malloc(n);

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < n; i++) {
        text[i] = 'a';
    }
    expect_hash("a million times a", sha256((struct str){text, n}),
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(text);
}

/* However a text is cut into parts, its hash is the same; an absent part adds nothing. */
static void sha256_parts_join(void **state)
{
    struct str text = S("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq");
    struct hash whole = sha256(text);

    (void)state;
    for (size_t a = 0; a <= text.n; a++) {
        struct str head = {text.p, a}, tail = str_skip(text, a);
        EXPECT(hash_eq(sha256_2(head, tail), whole), "cut at %zu", a);
        for (size_t b = 0; b <= tail.n; b++) {
            struct str middle = {tail.p, b};
            EXPECT(hash_eq(sha256_3(head, middle, str_skip(tail, b)), whole), "cuts %zu, %zu", a,
                   b);
        }
    }
    EXPECT(hash_eq(sha256_3(STR_NONE, text, STR_NONE), whole), "absent parts");
}

/* RFC 4231 4 ----------------------------------------------------------------------------------- */

static const struct {
    const char *name, *key_hex;
    size_t key_times; /* the key is key_hex, that often */
    const char *data_hex;
    size_t data_times;
    const char *want;
} hmac_rows[] = {
    {"4.2", "0b", 20, "4869205468657265", 1,
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"4.3 key shorter than a hash", "4a656665", 1,
     "7768617420646f2079612077616e7420666f72206e6f7468696e673f", 1,
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"4.4", "aa", 20, "dd", 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {"4.5", "0102030405060708090a0b0c0d0e0f10111213141516171819", 1, "cd", 50,
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {"4.7 key longer than a block", "aa", 131,
     "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6"
     "5"
     "79204669727374",
     1, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {"empty key, empty text", "", 0, "", 0,
     "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
};

static struct str repeat_hex(const char *hex, size_t times, uint8_t out[256])
{
    size_t n = strlen(hex) / 2;

    for (size_t i = 0; i < times; i++) {
        assert_true(hex_decode(str_of(hex), out + i * n, n));
    }
    return (struct str){(const char *)out, n * times};
}

static void hmac_examples(void **state)
{
    uint8_t key[256], data[256];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(hmac_rows); i++) {
        expect_hash(hmac_rows[i].name,
                    hmac_sha256(repeat_hex(hmac_rows[i].key_hex, hmac_rows[i].key_times, key),
                                repeat_hex(hmac_rows[i].data_hex, hmac_rows[i].data_times, data)),
                    hmac_rows[i].want);
    }
    expect_hash("absent key and text", hmac_sha256(STR_NONE, STR_NONE), hmac_rows[5].want);
}

/* Comparing, loading, wiping ------------------------------------------------------------------- */

static void equality(void **state)
{
    struct hash a = sha256(S("a"));

    (void)state;
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        struct hash b = a;
        assert_true(hash_eq(a, b));
        b.bytes[i] ^= 0x80;
        EXPECT(!hash_eq(a, b), "byte %zu differs", i);
        EXPECT(!crypto_equal(hash_str(&a), hash_str(&b)), "byte %zu differs", i);
    }
    assert_true(crypto_equal(S("key"), S("key")));
    assert_true(crypto_equal(S(""), STR_NONE));
    assert_false(crypto_equal(S("key"), S("key ")));
    assert_false(crypto_equal(S("key"), S("")));
}

static void loading(void **state)
{
    struct hash a = sha256(S("a")), b = {{0}};
    char longer[SHA256_SIZE + 1] = {0};

    (void)state;
    assert_true(hash_from(hash_str(&a), &b));
    assert_true(hash_eq(a, b));
    assert_false(hash_from((struct str){longer, SHA256_SIZE - 1}, &b));
    assert_false(hash_from((struct str){longer, SHA256_SIZE + 1}, &b));
    assert_false(hash_from(STR_NONE, &b));
    assert_true(hash_eq(a, b)); /* untouched by the refused ones */
}

static void wiping(void **state)
{
    char secret[] = "secret";

    (void)state;
    crypto_wipe(secret, sizeof(secret) - 2);
    assert_memory_equal(secret, "\0\0\0\0\0t", sizeof(secret));
    crypto_wipe(NULL, 0);
}

/* Threads -------------------------------------------------------------------------------------- */

#define THREADS 4
#define ROUNDS 100000 /* some 10 ms: longer than a time slice, also on one core */

static pthread_barrier_t start;

/* A chain of hashes: one wrong byte anywhere changes the end. */
static void *chain(void *end)
{
    struct hash hash = sha256(S(""));

    (void)pthread_barrier_wait(&start);
    for (unsigned i = 0; i < ROUNDS; i++) {
        hash = sha256_2(hash_str(&hash), S("x"));
    }
    *(struct hash *)end = hash;
    return NULL;
}

static void every_thread_has_its_own_context(void **state)
{
    pthread_t threads[THREADS];
    struct hash ends[THREADS], want;

    (void)state;
    assert_int_equal(pthread_barrier_init(&start, NULL, 1), 0);
    (void)chain(&want); /* alone */
    assert_int_equal(pthread_barrier_destroy(&start), 0);
    assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, chain, &ends[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        EXPECT(hash_eq(ends[i], want), "thread %zu", i);
    }
    assert_int_equal(pthread_barrier_destroy(&start), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_examples),
        cmocka_unit_test(sha256_of_a_million),
        cmocka_unit_test(sha256_parts_join),
        cmocka_unit_test(hmac_examples),
        cmocka_unit_test(equality),
        cmocka_unit_test(loading),
        cmocka_unit_test(wiping),
        cmocka_unit_test(every_thread_has_its_own_context),
    };

    crypto_init();
    return CHECK_RUN(tests);
}
