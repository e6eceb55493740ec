/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256, HMAC, and the handling of secrets in memory.
 *
 * The digest is looked up once: OpenSSL 3 takes locks and compares names for every look-up, which
 * for a 65-byte tree node costs more than the hashing. Each thread keeps one context, which
 * its end frees.
 *
 * It must never return a hash that was not computed: a library that fails in the middle ends the
 * process, because there is no hash that would be safe to go on with.
 */
#include "crypto/crypto.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <sodium.h>

#include "base/panic.h"

#define HMAC_BLOCK 64 /* bytes of a SHA-256 block: the padded key of RFC 2104 */

static EVP_MD *sha256_digest;                 /* set by crypto_init, read-only afterwards */
static pthread_key_t context_key;             /* only for its destructor at the end of a thread */
static _Thread_local EVP_MD_CTX *own_context; /* of this thread, made at its first hash */

static void context_free(void *context)
{
    EVP_MD_CTX_free(context);
}

void crypto_init(void)
{
    if (sha256_digest) {
        return;
    }
    if (sodium_init() < 0) {
        PANIC("libsodium does not start");
    }
    if (pthread_key_create(&context_key, context_free) != 0) {
        PANIC("no thread key for the hash context");
    }
    sha256_digest = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!sha256_digest) {
        PANIC("OpenSSL has no SHA-256");
    }
}

static EVP_MD_CTX *context_get(void)
{
    ASSERT(sha256_digest); /* crypto_init ran */
    if (!own_context) {
        own_context = EVP_MD_CTX_new();
        if (!own_context || pthread_setspecific(context_key, own_context) != 0) {
            PANIC("no memory for a hash context");
        }
    }
    return own_context;
}

static struct hash sha256_parts(const struct str *parts, size_t count)
{
    EVP_MD_CTX *context = context_get();
    struct hash out;
    unsigned size = 0;
    bool done = EVP_DigestInit_ex2(context, sha256_digest, NULL) == 1;

    for (size_t i = 0; i < count; i++) {
        done = done && EVP_DigestUpdate(context, parts[i].p, parts[i].n) == 1;
    }
    done = done && EVP_DigestFinal_ex(context, out.bytes, &size) == 1;
    if (!done || size != SHA256_SIZE) {
        PANIC("SHA-256 failed");
    }
    return out;
}

struct hash sha256(struct str bytes)
{
    return sha256_parts(&bytes, 1);
}

struct hash sha256_2(struct str first, struct str second)
{
    return sha256_parts((const struct str[]){first, second}, 2);
}

struct hash sha256_3(struct str first, struct str second, struct str third)
{
    return sha256_parts((const struct str[]){first, second, third}, 3);
}

/* RFC 2104 over the EVP digest, which uses the processor's SHA instructions; libsodium's does not, and
 * every leaf of the log costs one HMAC. */
struct hash hmac_sha256(struct str key, struct str bytes)
{
    char inner[HMAC_BLOCK], outer[HMAC_BLOCK];
    struct hash hashed, out;

    if (key.n > HMAC_BLOCK) {
        hashed = sha256(key);
        key = hash_str(&hashed);
    }
    for (size_t i = 0; i < HMAC_BLOCK; i++) {
        char byte = i < key.n ? key.p[i] : '\0';
        inner[i] = byte ^ 0x36;
        outer[i] = byte ^ 0x5C;
    }
    hashed = sha256_2((struct str){inner, HMAC_BLOCK}, bytes);
    out = sha256_2((struct str){outer, HMAC_BLOCK}, hash_str(&hashed));
    sodium_memzero(inner, sizeof(inner));
    sodium_memzero(outer, sizeof(outer));
    return out;
}

bool hash_eq(struct hash a, struct hash b)
{
    return sodium_memcmp(a.bytes, b.bytes, SHA256_SIZE) == 0;
}

bool hash_from(struct str bytes, struct hash *out)
{
    if (bytes.n != SHA256_SIZE) {
        return false;
    }
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        out->bytes[i] = (uint8_t)bytes.p[i];
    }
    return true;
}

bool crypto_equal(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || sodium_memcmp(a.p, b.p, a.n) == 0);
}

void crypto_wipe(void *p, size_t n)
{
    if (n) {
        sodium_memzero(p, n);
    }
}
