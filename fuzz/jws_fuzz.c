/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: tokens and base64 as strangers may send them. Signing is deterministic, so a token
 * that passes must be, byte for byte, the one that signing its payload makes.
 */
#include "base/panic.h"
#include "crypto/crypto.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX (64 * KIB)

static struct arena *arena;
static struct sign_key key;
static char kid[KID_SIZE];

/* The key of the tokens in the seed corpus. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const uint8_t seed[ED25519_SEED] = {1};

    (void)argc, (void)argv;
    crypto_init();
    arena = arena_new(4 * MIB);
    ASSERT(arena);
    sign_key_from_seed(seed, &key);
    (void)jwk_thumbprint(&key, kid);
    return 0;
}

static bool passes(struct str token, struct str *payload)
{
    return jws_verify(arena, key.public_key, str_of(kid), S("fuzz+jwt"), token, payload);
}

static void try_token(struct str input)
{
    AUTO(buf_done) struct buf again = BUF_INIT(MIB);
    struct str payload;

    if (passes(input, &payload)) {
        jws_sign(&again, &key, str_of(kid), S("fuzz+jwt"), payload);
        ASSERT(str_eq(buf_str(&again), input));
    }
}

/* Whatever is signed passes, and not once a character is another. */
static void try_payload(struct str input)
{
    AUTO(buf_done) struct buf token = BUF_INIT(MIB);
    struct str payload;

    jws_sign(&token, &key, str_of(kid), S("fuzz+jwt"), input);
    ASSERT(passes(buf_str(&token), &payload) && str_eq(payload, input));
    token.p[input.n % token.n] ^= 1;
    ASSERT(!passes(buf_str(&token), &payload));
}

/* What decodes has no other spelling. */
static void try_base64(struct str input)
{
    AUTO(buf_done) struct buf again = BUF_INIT(MIB);
    struct str bytes;

    if (base64_decode(arena, input, &bytes)) {
        buf_add_base64(&again, bytes);
        ASSERT(str_eq(buf_str(&again), input));
    }
    buf_reset(&again);
    if (base64url_decode(arena, input, &bytes)) {
        buf_add_base64url(&again, bytes);
        ASSERT(str_eq(buf_str(&again), input));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {(const char *)data, size};

    if (size > INPUT_MAX) {
        return 0;
    }
    arena_reset(arena);
    try_token(input);
    try_payload(input);
    try_base64(input);
    return 0;
}
