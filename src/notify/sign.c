/* SPDX-License-Identifier: Apache-2.0
 *
 * What the wire wants: the signature of Standard Webhooks, and how long to wait before another try.
 */
#include "crypto/crypto.h"
#include "notify/notify_internal.h"

#define SECRET_BYTES_MAX 64 /* Standard Webhooks: 24 to 64 */

int64_t notify_retry_us(int64_t retry_us, int64_t attempts, int64_t asked_us)
{
    int64_t wait_us = retry_us;
    uint32_t chance;

    for (int64_t i = 1; i < attempts && wait_us < NOTIFY_RETRY_MAX_US; i++) {
        wait_us *= 3;
    }
    if (wait_us > NOTIFY_RETRY_MAX_US) {
        wait_us = NOTIFY_RETRY_MAX_US;
    }
    random_bytes(&chance, sizeof(chance));
    wait_us += wait_us / 5 * (int64_t)(chance % 1000) / 1000;
    return wait_us > asked_us ? wait_us : asked_us;
}

/* The bytes of "whsec_" and base64. Not in an arena: they are wiped. */
static bool read_secret(struct str secret, uint8_t out[SECRET_BYTES_MAX], size_t *n)
{
    struct str text = str_skip(secret, 6);

    if (!str_starts(secret, S("whsec_")) || text.n < 4 || text.n % 4 != 0) {
        return false;
    }
    *n = text.n / 4 * 3;
    for (size_t i = text.n; i > text.n - 2 && text.p[i - 1] == '='; i--) {
        (*n)--;
    }
    return *n >= 16 && *n <= SECRET_BYTES_MAX && base64_decode_n(text, out, *n);
}

bool notify_sign(struct buf *out, struct str secret, struct str id, int64_t seconds,
                 struct str body)
{
    AUTO(buf_done) struct buf text = BUF_INIT(NOTIFY_BODY_MAX + KIB);
    uint8_t key[SECRET_BYTES_MAX];
    struct hash hash;
    size_t n;

    if (!read_secret(secret, key, &n)) {
        return false;
    }
    buf_add(&text, id);
    buf_printf(&text, ".%lld.", (long long)seconds);
    buf_add(&text, body);
    hash = hmac_sha256((struct str){(const char *)key, n}, buf_str(&text));
    crypto_wipe(key, sizeof(key));
    buf_lit(out, "v1,");
    buf_add_base64(out, hash_str(&hash));
    return buf_ok(&text);
}
