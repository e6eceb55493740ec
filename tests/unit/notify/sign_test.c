/* SPDX-License-Identifier: Apache-2.0
 *
 * The signature of Standard Webhooks against its published vector and, where the test data is there,
 * against its list of cases; and the pace of retries.
 */
#include "../check.h"

#include "crypto/crypto.h"
#include "notify/notify_internal.h"

#include <stdlib.h>

static struct str sign(struct buf *out, const char *secret, const char *id, int64_t seconds,
                       struct str body)
{
    buf_reset(out);
    EXPECT(notify_sign(out, str_of(secret), str_of(id), seconds, body), "%s", secret);
    return buf_str(out);
}

static void test_published(void **state)
{
    AUTO(buf_done) struct buf out = BUF_INIT(KIB);

    (void)state;
    EXPECT_STR("the vector of the specification's libraries",
               sign(&out, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                    "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, S("{\"test\": 2432232314}")),
               S("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
}

static const char *const no_secrets[] = {
    "", "whsec_", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaL!Sw",
    "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"};

static void test_no_secrets(void **state)
{
    AUTO(buf_done) struct buf out = BUF_INIT(KIB);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(no_secrets); i++) {
        EXPECT(!notify_sign(&out, str_of(no_secrets[i]), S("id"), 1, S("{}")), "%s",
               no_secrets[i]);
    }
    EXPECT(out.n == 0, "nothing was written");
}

/* A row that verifies is signed by us to the same signature; one whose signature is wrong is not. */
static void check_case(const struct json *row)
{
    AUTO(buf_done) struct buf secret = BUF_INIT(KIB);
    AUTO(buf_done) struct buf out = BUF_INIT(KIB);
    const struct json *headers = json_get(row, S("headers"));
    struct str id = json_text(json_get(headers, S("webhook-id")));
    struct str when = json_text(json_get(headers, S("webhook-timestamp")));
    struct str signatures = json_text(json_get(headers, S("webhook-signature")));
    bool valid = json_get(row, S("valid"))->kind == JSON_TRUE, found = false;
    uint64_t seconds;

    if (!id.p || !signatures.p || !str_to_u64(when, &seconds)) {
        return;
    }
    buf_printf(&secret, "whsec_%.*s", STR_ARG(json_text(json_get(row, S("secret")))));
    EXPECT(notify_sign(&out, buf_str(&secret), id, (int64_t)seconds,
                       json_text(json_get(row, S("payload")))),
           "secret");
    while (signatures.p) {
        found = str_eq(str_split(&signatures, ' '), buf_str(&out)) || found;
    }
    EXPECT(found || !valid, "%.*s", STR_ARG(json_text(json_get(row, S("name")))));
}

/* The file's size; 0 when there is none. */
static size_t read_vectors(char *text, size_t room)
{
    const char *folder = getenv("FERMATA_TESTDATA");
    char path[1024];
    FILE *file;
    size_t n;

    (void)snprintf(path, sizeof(path), "%s/webhooks/vectors.json", folder ? folder : "");
    file = folder ? fopen(path, "r") : NULL;
    n = file ? fread(text, 1, room, file) : 0;
    if (file) {
        (void)fclose(file);
    }
    return n;
}

static void check_all(struct str text)
{
    AUTO(arena_done) struct arena *arena = arena_new(4 * MIB);
    struct ctx ctx;
    const struct json *tree, *cases;

    ctx_init(&ctx, arena);
    EXPECT(json_parse(&ctx, text, &JSON_LIMITS_WIRE, &tree) == FM_OK, "%s",
           ctx.detail);
    cases = json_get(tree, S("verify_cases"));
    EXPECT(cases && cases->count >= 10, "its cases");
    for (uint32_t i = 0; i < cases->count; i++) {
        check_case(&cases->as.items[i]);
    }
}

static void test_vectors(void **state)
{
    static char text[64 * KIB];
    size_t n = read_vectors(text, sizeof(text));

    (void)state;
    if (n == 0) {
        CHECK_SKIP("no webhooks/vectors.json in FERMATA_TESTDATA");
    }
    check_all((struct str){text, n});
}

static void test_pace(void **state)
{
    int64_t wait_us = NOTIFY_RETRY_US, least_us = 0, most_us = 0;

    (void)state;
    for (int64_t attempts = 1; attempts < NOTIFY_ATTEMPTS_MAX; attempts++) {
        for (int i = 0; i < 50; i++) {
            int64_t got = notify_retry_us(NOTIFY_RETRY_US, attempts, 0);
            EXPECT(got >= wait_us && got <= wait_us + wait_us / 5, "%lld: %lld",
                   (long long)attempts, (long long)got);
        }
        least_us += wait_us;
        most_us += wait_us + wait_us / 5;
        wait_us = wait_us * 3 > NOTIFY_RETRY_MAX_US ? NOTIFY_RETRY_MAX_US : wait_us * 3;
    }
    EXPECT(least_us > 2 * DAY_US && most_us < 5 * DAY_US, "about three days: %lld s to %lld s",
           (long long)(least_us / SECOND_US), (long long)(most_us / SECOND_US));
    EXPECT(notify_retry_us(NOTIFY_RETRY_US, 1, HOUR_US) == HOUR_US, "what the receiver asks for");
    EXPECT(notify_retry_us(NOTIFY_RETRY_US, 12, SECOND_US) >= NOTIFY_RETRY_MAX_US,
           "but never sooner than our own pace");
}

/* Waits differ: receivers that were down are not hit by everything at once. */
static void test_jitter(void **state)
{
    int64_t first = notify_retry_us(HOUR_US, 1, 0);
    bool differs = false;

    (void)state;
    for (int i = 0; i < 100; i++) {
        differs = differs || notify_retry_us(HOUR_US, 1, 0) != first;
    }
    EXPECT(differs, "jitter");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published), cmocka_unit_test(test_no_secrets),
        cmocka_unit_test(test_vectors),   cmocka_unit_test(test_pace),
        cmocka_unit_test(test_jitter),
    };

    crypto_init();
    return CHECK_RUN(tests);
}
