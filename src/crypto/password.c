/* SPDX-License-Identifier: Apache-2.0
 *
 * Passwords: Argon2id with libsodium's encoded strings (algorithm, costs, salt, hash).
 *
 * It must never tell by its duration whether a name exists: an absent hash costs the same as a
 * wrong password. Takes tens of milliseconds and 19 MiB: never on an event loop.
 */
#include "crypto/crypto.h"

#include <sodium.h>

#define PASSES 2
#define MEMORY_BYTES (19 * MIB) /* OWASP's first choice: m = 19,456 KiB, t = 2, p = 1 */

_Static_assert(PASSWORD_HASH_MAX == crypto_pwhash_argon2id_STRBYTES, "room for libsodium's string");

/* Stands in for an absent hash: the same costs, 16 zero bytes of salt and 32 of hash. */
static const char nobody[] = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA"
                             "$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

static const char *text_of(struct str password)
{
    return password.p ? password.p : "";
}

bool password_hash(struct str password, char out[PASSWORD_HASH_MAX])
{
    return crypto_pwhash_argon2id_str(out, text_of(password), password.n, PASSES, MEMORY_BYTES) ==
           0;
}

bool password_verify(const char *encoded_or_null, struct str password)
{
    const char *encoded = encoded_or_null ? encoded_or_null : nobody;
    bool matches = crypto_pwhash_argon2id_str_verify(encoded, text_of(password), password.n) == 0;

    return matches && encoded_or_null;
}
