/* SPDX-License-Identifier: Apache-2.0
 *
 * Compact JWS (RFC 7515) with EdDSA (RFC 8037), and the JWK Set that lets others check it.
 *
 * There is one algorithm, one key and one header per kind of token. The header of a token is never
 * interpreted: the expected one is written and compared, so that nothing in it can choose an
 * algorithm, a key, or a critical extension (RFC 8725 3.1, 3.2, 3.11).
 */
#include "crypto/crypto.h"

#include <sodium.h>
#include <stdio.h>

#include "base/panic.h"

#define BASE64URL sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define HEADER_MAX 512 /* {"alg":"EdDSA","kid":"43 characters","typ":"a short name"}, with room */

/* Whether `s` stands for itself in a JSON string: printable ASCII, no quote, no backslash. */
static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < 0x20 || s.p[i] > 0x7e || s.p[i] == '"' || s.p[i] == '\\') {
            return false;
        }
    }
    return true;
}

/* Writes the one header that this kind of token has. Absent unless both names are plain and fit. */
static struct str header_write(char out[HEADER_MAX], struct str kid, struct str typ)
{
    int n;

    if (!is_plain(kid) || !is_plain(typ)) {
        return STR_NONE;
    }
    n = snprintf(out, HEADER_MAX, "{\"alg\":\"EdDSA\",\"kid\":\"%.*s\",\"typ\":\"%.*s\"}",
                 STR_ARG(kid), STR_ARG(typ));
    return n > 0 && n < HEADER_MAX ? (struct str){out, (size_t)n} : STR_NONE;
}

void jws_sign(struct buf *buf, const struct sign_key *key, struct str kid, struct str typ,
              struct str payload)
{
    char room[HEADER_MAX];
    struct str header = header_write(room, kid, typ);
    uint8_t signature[ED25519_SIGNATURE];
    size_t start = buf->n;

    ASSERT(header.p); /* kid and typ are names of our own, not input */
    buf_add_base64url(buf, header);
    buf_add_char(buf, '.');
    buf_add_base64url(buf, payload);
    if (!buf_ok(buf)) {
        return;
    }
    sign_ed25519(key, str_skip(buf_str(buf), start), signature);
    buf_add_char(buf, '.');
    buf_add_base64url(buf, (struct str){(const char *)signature, sizeof(signature)});
}

static bool header_matches(struct arena *arena, struct str kid, struct str typ, struct str part)
{
    char room[HEADER_MAX];
    struct str expected = header_write(room, kid, typ);
    struct str header;

    return expected.p && base64url_decode(arena, part, &header) && str_eq(header, expected);
}

bool jws_verify(struct arena *arena, const uint8_t public_key[ED25519_PUBLIC], struct str kid,
                struct str typ, struct str token, struct str *payload)
{
    struct str rest = token;
    struct str header_part = str_split(&rest, '.');
    struct str payload_part = str_split(&rest, '.');
    struct str signature_part = rest; /* a third dot would stay in it and is no base64url */
    struct str signature;

    if (!signature_part.p || !header_matches(arena, kid, typ, header_part)) {
        return false;
    }
    /*= RFC 7515 5.2: the signature covers the encoded header, the dot and the encoded payload. */
    struct str signed_part = {token.p, header_part.n + 1 + payload_part.n};
    return base64url_decode(arena, signature_part, &signature) &&
           verify_ed25519(public_key, signed_part, signature) &&
           base64url_decode(arena, payload_part, payload);
}

#define JWK_X_SIZE 44 /* 32 bytes in base64url, and NUL */

_Static_assert(KID_SIZE == sodium_base64_ENCODED_LEN(SHA256_SIZE, BASE64URL), "size");
_Static_assert(JWK_X_SIZE == sodium_base64_ENCODED_LEN(ED25519_PUBLIC, BASE64URL), "size");

/* The public key as RFC 8037 2 writes it. */
static struct str jwk_x(const struct sign_key *key, char out[JWK_X_SIZE])
{
    sodium_bin2base64(out, JWK_X_SIZE, key->public_key, ED25519_PUBLIC, BASE64URL);
    return str_of(out);
}

void jwks_write(struct buf *buf, const struct sign_key *key, struct str kid)
{
    char x[JWK_X_SIZE];

    ASSERT(is_plain(kid));
    buf_lit(buf, "{\"keys\":[{\"alg\":\"EdDSA\",\"crv\":\"Ed25519\",\"kid\":\"");
    buf_add(buf, kid);
    buf_lit(buf, "\",\"kty\":\"OKP\",\"use\":\"sig\",\"x\":\"");
    buf_add(buf, jwk_x(key, x));
    buf_lit(buf, "\"}]}");
}

/*= RFC 7638 3: SHA-256 of the required members in lexicographic order; RFC 8037 2: crv, kty, x. */
struct str jwk_thumbprint(const struct sign_key *key, char out[KID_SIZE])
{
    char x[JWK_X_SIZE];
    struct hash hash = sha256_3(S("{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\""), jwk_x(key, x),
                                S("\"}"));

    sodium_bin2base64(out, KID_SIZE, hash.bytes, SHA256_SIZE, BASE64URL);
    return str_of(out);
}
