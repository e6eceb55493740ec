/* SPDX-License-Identifier: Apache-2.0
 *
 * Ed25519 against RFC 8032 7.1, signatures that only careless verifiers accept, and the key file.
 */
#include "../check.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/crypto.h"

/* RFC 8032 7.1 --------------------------------------------------------------------------------- */

static const struct {
    const char *name, *seed, *public_key, *message, *signature;
} rows[] = {
    {"TEST 1", "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "4"
     "6bd25bf5f0595bbe24655141438e7a100b"},
    {"TEST 2", "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
     "d"
     "8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"TEST 3", "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
     "6"
     "594a7c15e9716ed28dc027beceea1ec40a"},
    {"TEST SHA(abc)", "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
     "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3fee"
     "b"
     "bd454d4423643ce80e2a9ac94fa54ca49f",
     "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e"
     "0"
     "303dca179c138ac17ad9bef1177331a704"},
};

static struct str unhex(const char *hex, uint8_t out[64])
{
    size_t n = strlen(hex) / 2;

    assert_true(hex_decode(str_of(hex), out, n));
    return (struct str){(const char *)out, n};
}

static void examples(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t seed[64], public_key[64], bytes[64], want[64], got[ED25519_SIGNATURE];
        struct str message = unhex(rows[i].message, bytes);
        struct sign_key key;

        unhex(rows[i].seed, seed);
        unhex(rows[i].public_key, public_key);
        sign_key_from_seed(seed, &key);
        EXPECT(memcmp(key.public_key, public_key, ED25519_PUBLIC) == 0, "%s", rows[i].name);
        sign_ed25519(&key, message, got);
        EXPECT_STR(rows[i].name, ((struct str){(const char *)got, 64}),
                   unhex(rows[i].signature, want));
        EXPECT(verify_ed25519(public_key, message, unhex(rows[i].signature, want)), "%s",
               rows[i].name);
    }
}

/* Refusals ------------------------------------------------------------------------------------- */

/* Every single bit of signature, message and key counts. */
static void any_other_bit(void **state)
{
    uint8_t seed[64], signature[ED25519_SIGNATURE];
    char message[] = "pay 74.50 to bob";
    struct str text = {message, sizeof(message) - 1}, signature_str = {(char *)signature, 64};
    struct sign_key key;

    (void)state;
    unhex(rows[1].seed, seed);
    sign_key_from_seed(seed, &key);
    sign_ed25519(&key, text, signature);
    assert_true(verify_ed25519(key.public_key, text, signature_str));
    for (size_t bit = 0; bit < 8 * sizeof(signature); bit++) {
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
        EXPECT(!verify_ed25519(key.public_key, text, signature_str), "signature bit %zu", bit);
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * text.n; bit++) {
        message[bit / 8] = (char)(message[bit / 8] ^ 1 << bit % 8);
        EXPECT(!verify_ed25519(key.public_key, text, signature_str), "message bit %zu", bit);
        message[bit / 8] = (char)(message[bit / 8] ^ 1 << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * ED25519_PUBLIC; bit++) {
        key.public_key[bit / 8] ^= (uint8_t)(1 << bit % 8);
        EXPECT(!verify_ed25519(key.public_key, text, signature_str), "key bit %zu", bit);
        key.public_key[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void careless_signatures(void **state)
{
    uint8_t public_key[64], bytes[65] = {0};
    uint8_t small_order[ED25519_PUBLIC] = {
        1}; /* the neutral point: R = A, S = 0 signs everything */

    (void)state;
    unhex(rows[0].public_key, public_key);
    unhex(rows[0].signature, bytes);
    assert_true(verify_ed25519(public_key, S(""), (struct str){(char *)bytes, 64}));
    assert_false(verify_ed25519(public_key, S(""), (struct str){(char *)bytes, 63}));
    assert_false(verify_ed25519(public_key, S(""), (struct str){(char *)bytes, 65}));
    assert_false(verify_ed25519(public_key, S(""), STR_NONE));
    /* TEST 1 with S + L in place of S: RFC 8032 5.1.7 wants S < L */
    unhex("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901554c8c7872aa064e049dbb3013"
          "fbf293"
          "80d25bf5f0595bbe24655141438e7a101b",
          bytes);
    assert_false(verify_ed25519(public_key, S(""), (struct str){(char *)bytes, 64}));
    memset(bytes, 0, sizeof(bytes));
    bytes[0] = 1;
    assert_false(verify_ed25519(small_order, S("anything"), (struct str){(char *)bytes, 64}));
}

/* The key file --------------------------------------------------------------------------------- */

static struct ctx ctx;
static char folder[256], path[300];

static int folder_up(void **state)
{
    (void)state;
    ctx_init(&ctx, arena_new(64 * KIB));
    snprintf(folder, sizeof(folder), "%s/sign_test.XXXXXX", P_tmpdir);
    if (!ctx.arena || !mkdtemp(folder)) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/log.key", folder);
    return 0;
}

static int folder_down(void **state)
{
    (void)state;
    arena_free(ctx.arena);
    (void)unlink(path);
    (void)rmdir(path);
    return rmdir(folder); /* fails if anything was left beside the key */
}

static void file_write(const void *bytes, size_t n, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), (ssize_t)n);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static void expect_refused(const char *row, const char *reason)
{
    struct sign_key key;

    ctx_clear(&ctx);
    EXPECT(sign_key_load(&ctx, path, &key) == FM_E_INTERNAL, "%s", row);
    EXPECT(strstr(ctx.detail, path) && strstr(ctx.detail, reason), "%s: said \"%s\"", row,
           ctx.detail);
}

static void file_is_made_once(void **state)
{
    struct sign_key first, second;
    struct stat stat_made;

    (void)state;
    assert_int_equal(sign_key_load(&ctx, path, &first), FM_OK);
    assert_int_equal(stat(path, &stat_made), 0);
    assert_int_equal(stat_made.st_mode, S_IFREG | S_IRUSR | S_IWUSR);
    assert_int_equal(stat_made.st_size, ED25519_SEED);
    assert_int_equal(sign_key_load(&ctx, path, &second), FM_OK);
    assert_memory_equal(&first, &second, sizeof(first));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(sign_key_load(&ctx, path, &second), FM_OK);
    assert_memory_not_equal(&first, &second, sizeof(first)); /* the seed is random */
}

static void file_of_a_known_seed(void **state)
{
    uint8_t seed[64], public_key[64];
    struct sign_key key;

    (void)state;
    unhex(rows[0].seed, seed);
    unhex(rows[0].public_key, public_key);
    file_write(seed, ED25519_SEED, 0400);
    assert_int_equal(sign_key_load(&ctx, path, &key), FM_OK);
    assert_memory_equal(key.public_key, public_key, ED25519_PUBLIC);
}

static void file_name_alone(void **state)
{
    char before[1024];
    struct sign_key key;

    (void)state;
    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(sign_key_load(&ctx, "log.key", &key), FM_OK);
    assert_int_equal(chdir(before), 0);
    assert_int_equal(sign_key_load(&ctx, path, &key), FM_OK);
}

static void file_refused(void **state)
{
    static const mode_t modes[] = {0640, 0604, 0620, 0601, 0610, 0644, 0777};
    uint8_t seed[ED25519_SEED + 1] = {1, 2, 3};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        file_write(seed, ED25519_SEED, modes[i]);
        expect_refused("others may use it", "chmod 600");
    }
    file_write(seed, 0, 0600);
    expect_refused("empty", "0 bytes instead of 32");
    file_write(seed, ED25519_SEED - 1, 0600);
    expect_refused("short", "31 bytes instead of 32");
    file_write(seed, ED25519_SEED + 1, 0600);
    expect_refused("long", "33 bytes instead of 32");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    expect_refused("a folder", "not a regular file");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_refused("a FIFO, without waiting for its writer", "not a regular file");
}

static void file_cannot_be_made(void **state)
{
    char long_path[5000];
    struct sign_key key;

    (void)state;
    snprintf(path, sizeof(path), "%s/none/log.key", folder);
    expect_refused("no such folder", "cannot be created");
    snprintf(path, sizeof(path), "%s/log.key", folder);
    memset(long_path, 'x', sizeof(long_path) - 1);
    long_path[sizeof(long_path) - 1] = '\0';
    assert_int_equal(sign_key_load(&ctx, long_path, &key), FM_E_INTERNAL);
    assert_int_equal(symlink("nowhere", path), 0);
    expect_refused("a link to nowhere is never overwritten", "vanished");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples),
        cmocka_unit_test(any_other_bit),
        cmocka_unit_test(careless_signatures),
        cmocka_unit_test_setup_teardown(file_is_made_once, folder_up, folder_down),
        cmocka_unit_test_setup_teardown(file_of_a_known_seed, folder_up, folder_down),
        cmocka_unit_test_setup_teardown(file_name_alone, folder_up, folder_down),
        cmocka_unit_test_setup_teardown(file_refused, folder_up, folder_down),
        cmocka_unit_test_setup_teardown(file_cannot_be_made, folder_up, folder_down),
    };

    crypto_init();
    return CHECK_RUN(tests);
}
