/* SPDX-License-Identifier: Apache-2.0
 *
 * The cryptography that Fermata uses, and no more: SHA-256 (OpenSSL EVP with a digest fetched
 * once), HMAC, Ed25519 and Argon2id (libsodium), base64, compact JWS with EdDSA. Everything but
 * crypto_init and sign_key_load may be called from any thread.
 */
#ifndef FM_CRYPTO_H
#define FM_CRYPTO_H

#include "base/buf.h"
#include "base/ctx.h"

#define SHA256_SIZE 32

struct hash {
    uint8_t bytes[SHA256_SIZE];
};

/* Prepares the libraries. Call once, before threads. Ends the process if they do not start. */
void crypto_init(void);

/* SHA-256 of the parts, one after another (RFC 6234). Each thread reuses one context. */
struct hash sha256(struct str bytes);
struct hash sha256_2(struct str first, struct str second);
struct hash sha256_3(struct str first, struct str second, struct str third);

/* HMAC-SHA256 (RFC 2104). */
struct hash hmac_sha256(struct str key, struct str bytes);

/* Constant-time equality of two hashes. */
bool hash_eq(struct hash a, struct hash b);

/* The hash from stored bytes; false and `*out` untouched unless there are exactly SHA256_SIZE. */
bool hash_from(struct str bytes, struct hash *out) MUST_CHECK;

/* The bytes of a hash as a str that borrows it. */
static inline struct str hash_str(const struct hash *hash)
{
    return (struct str){(const char *)hash->bytes, SHA256_SIZE};
}

/* Constant-time equality for secrets; lengths may leak. */
bool crypto_equal(struct str a, struct str b);

/* Overwrites memory that held a secret. */
void crypto_wipe(void *p, size_t n);

/* Ed25519 (RFC 8032) --------------------------------------------------------------------------- */
#define ED25519_SEED 32
#define ED25519_PUBLIC 32
#define ED25519_SIGNATURE 64

struct sign_key {
    uint8_t secret[64]; /* libsodium's form: seed and public key */
    uint8_t public_key[ED25519_PUBLIC];
};

/* The key pair of a seed (RFC 8032 5.1.5). The caller wipes seed and key when done with them. */
void sign_key_from_seed(const uint8_t seed[ED25519_SEED], struct sign_key *out);

/* Signs; the same bytes always give the same signature (RFC 8032 5.1.6). */
void sign_ed25519(const struct sign_key *key, struct str bytes, uint8_t out[ED25519_SIGNATURE]);

/* RFC 8032 5.1.7, and stricter: a signature with S >= L, a small-order key or point is refused. */
bool verify_ed25519(const uint8_t public_key[ED25519_PUBLIC], struct str bytes,
                    struct str signature);

/* Reads a 32-byte seed from `path`, or makes one (mode 0600, fsynced, never overwriting) when the
 * file does not exist. Errors: FM_E_INTERNAL with the path and the reason; a file that others can
 * read, or of another size, is refused. */
enum fm_err sign_key_load(struct ctx *ctx, const char *path, struct sign_key *out) MUST_CHECK;
/* The same, but never makes one: `*found` is false when the file does not exist. */
enum fm_err sign_key_find(struct ctx *ctx, const char *path, struct sign_key *out, bool *found)
    MUST_CHECK;

/* Passwords ------------------------------------------------------------------------------------ */
#define PASSWORD_HASH_MAX 128

/* Argon2id, 19 MiB, t=2, p=1 (OWASP's first choice), as an encoded string. Takes tens of
 * milliseconds: never on an event loop. False when memory is short. */
bool password_hash(struct str password, char out[PASSWORD_HASH_MAX]) MUST_CHECK;

/* Whether `password` matches; the same cost for a hash that is absent, so that names cannot be
 * probed. */
bool password_verify(const char *encoded_or_null, struct str password);

/* Base64 --------------------------------------------------------------------------------------- */
void buf_add_base64(struct buf *buf, struct str bytes);     /* RFC 4648 4, padded */
void buf_add_base64url(struct buf *buf, struct str bytes);  /* RFC 4648 5, without padding */
/* Decodes into the arena; strict: no white space, correct padding (none for url), zero trailing
 * bits. False also when the arena is full. */
bool base64_decode(struct arena *arena, struct str text, struct str *out) MUST_CHECK;
bool base64url_decode(struct arena *arena, struct str text, struct str *out) MUST_CHECK;
/* The same for exactly `n` bytes, without an arena; `out` is undefined on false. */
bool base64_decode_n(struct str text, uint8_t *out, size_t n) MUST_CHECK;
/* Reads exactly 2n lower-case digits; `out` is undefined on false. */
bool hex_decode(struct str text, uint8_t *out, size_t n) MUST_CHECK;

/* Compact JWS (RFC 7515) with EdDSA (RFC 8037) ------------------------------------------------- */

/* Appends BASE64URL(header).BASE64URL(payload).BASE64URL(signature); header
 * {"alg":"EdDSA","kid":..,"typ":..}. `kid` and `typ` are plain ASCII (no quote, no backslash),
 * together under 400 bytes; anything else ends the process, for they are names of our own. */
void jws_sign(struct buf *buf, const struct sign_key *key, struct str kid, struct str typ,
              struct str payload);

/* Checks a compact JWS: three strict base64url parts, header exactly alg EdDSA with this kid and
 * typ (RFC 8725: no other algorithm, no other header member), signature. On success `*payload` (in
 * the arena) is the signed bytes. False on anything else; never says why. */
bool jws_verify(struct arena *arena, const uint8_t public_key[ED25519_PUBLIC], struct str kid,
                struct str typ, struct str token, struct str *payload) MUST_CHECK;

/* The JWK Set (RFC 7517) with this one key; `kid` is its RFC 7638 thumbprint. */
void jwks_write(struct buf *buf, const struct sign_key *key, struct str kid);

#define KID_SIZE 44 /* 32 bytes in base64url, and NUL */
/* RFC 7638 thumbprint (base64url) of the key: 43 characters and NUL. The str borrows `out`. */
struct str jwk_thumbprint(const struct sign_key *key, char out[KID_SIZE]);

#endif
