/* SPDX-License-Identifier: Apache-2.0
 *
 * Base64, base64url and hex, strict in reading.
 *
 * Every byte string has exactly one accepted spelling: anything lenient here (white space, missing
 * or surplus padding, left-over bits) would give one signature or one token several spellings, and
 * a list of used or revoked ones could be walked around. libsodium's decoder keeps to that
 * within ASCII.
 */
#include "crypto/crypto.h"

#include <openssl/evp.h>
#include <sodium.h>

#define CHUNK 768 /* bytes encoded at a time; chunks of whole groups of 3 join without padding */

_Static_assert(CHUNK % 3 == 0, "only the last chunk may be padded");

/* OpenSSL's encoder looks letters up in a table; libsodium's hides which, at ten times the cost. What is
 * encoded all the time is public (permits, notes); a secret is encoded once, when it is made. */
static size_t encode_chunk(char *text, struct str bytes)
{
    return (size_t)EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)bytes.p, (int)bytes.n);
}

void buf_add_base64(struct buf *buf, struct str bytes)
{
    char text[CHUNK / 3 * 4 + 5];

    while (bytes.n) {
        struct str chunk = {bytes.p, bytes.n < CHUNK ? bytes.n : CHUNK};
        buf_add(buf, (struct str){text, encode_chunk(text, chunk)});
        bytes = str_skip(bytes, chunk.n);
    }
}

void buf_add_base64url(struct buf *buf, struct str bytes)
{
    char text[CHUNK / 3 * 4 + 5];

    while (bytes.n) {
        struct str chunk = {bytes.p, bytes.n < CHUNK ? bytes.n : CHUNK};
        size_t n = encode_chunk(text, chunk);
        for (size_t i = 0; i < n; i++) {
            text[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
        }
        while (n > 0 && text[n - 1] == '=') {
            n--;
        }
        buf_add(buf, (struct str){text, n});
        bytes = str_skip(bytes, chunk.n);
    }
}

static bool is_ascii(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] > 0x7f) {
            return false;
        }
    }
    return true;
}

/* Decodes all of `text` into at most `room` bytes at `out`. libsodium 1.0.18 takes most bytes
 * beyond ASCII for the last two letters of the alphabet, so they are refused before. */
static bool decode(struct str text, int variant, uint8_t *out, size_t room, size_t *n)
{
    *n = 0;
    return is_ascii(text) &&
           (text.n == 0 ||
            sodium_base642bin(out, room, text.p, text.n, NULL, n, NULL, variant) == 0);
}

static bool decode_into(struct arena *arena, struct str text, int variant, struct str *out)
{
    size_t room = text.n / 4 * 3 + 3; /* four characters are three bytes; the rest, at most two */
    uint8_t *bytes = arena_alloc(arena, room);
    size_t n;

    if (!bytes || !decode(text, variant, bytes, room, &n)) {
        return false;
    }
    *out = (struct str){(const char *)bytes, n};
    return true;
}

bool base64_decode(struct arena *arena, struct str text, struct str *out)
{
    return decode_into(arena, text, sodium_base64_VARIANT_ORIGINAL, out);
}

bool base64url_decode(struct arena *arena, struct str text, struct str *out)
{
    return decode_into(arena, text, sodium_base64_VARIANT_URLSAFE_NO_PADDING, out);
}

bool base64_decode_n(struct str text, uint8_t *out, size_t n)
{
    size_t decoded;

    return decode(text, sodium_base64_VARIANT_ORIGINAL, out, n, &decoded) && decoded == n;
}

/* The value of a lower-case digit, or -1. */
static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

bool hex_decode(struct str text, uint8_t *out, size_t n)
{
    if (text.n / 2 != n || text.n % 2) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        int high = hex_value(text.p[2 * i]);
        int low = hex_value(text.p[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
