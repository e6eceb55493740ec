/* SPDX-License-Identifier: Apache-2.0
 *
 * Permits: exactly the claims of the documentation, and nothing that this server did not sign.
 */
#include "../json/json_check.h"

#include "resume/resume.h"

static struct permit_issuer issuer;
static const int64_t now_us = 1795343075 * SECOND_US;

static struct id numbered(uint8_t number)
{
    struct id id = {{number}};

    return id;
}

static int setup(void **state)
{
    static const uint8_t seed[ED25519_SEED] = "a seed of the tests, 32 bytes..";

    crypto_init();
    sign_key_from_seed(seed, &issuer.key);
    (void)jwk_thumbprint(&issuer.key, issuer.kid);
    issuer.issuer = S("https://fermata.example");
    issuer.epoch = 3;
    return fixture_setup(state);
}

static struct proposal approved(void)
{
    return (struct proposal){.id = numbered(1),
                             .decision = numbered(2),
                             .permit = numbered(3),
                             .action = S("refund.issue"),
                             .revision = 2,
                             .approved_until = now_us + DAY_US,
                             .state = PROPOSAL_APPROVED};
}

static struct str issue(struct fixture *f, const struct proposal *p, struct str audience,
                        int64_t at_us)
{
    struct hash arguments = {{0xab, 0xcd}};

    buf_reset(&f->buf);
    permit_issue(&f->buf, &issuer, p, numbered(4), audience, arguments, at_us);
    return arena_copy(f->arena, buf_str(&f->buf));
}

/* The payload of a permit, without looking at its signature. */
static struct str payload_of(struct fixture *f, struct str permit)
{
    struct str payload;

    (void)str_split(&permit, '.');
    EXPECT(base64url_decode(f->arena, str_split(&permit, '.'), &payload), "base64url");
    return payload;
}

static void test_claims(void **state)
{
    struct fixture *f = *state;
    struct proposal p = approved();
    struct str permit = issue(f, &p, S("payments"), now_us), header, rest = permit;

    EXPECT(base64url_decode(f->arena, str_split(&rest, '.'), &header), "header");
    EXPECT_STR("header", header,
               arena_printf(f->arena,
                            "{\"alg\":\"EdDSA\",\"kid\":\"%s\",\"typ\":\"fermata-permit+jwt\"}",
                            issuer.kid));
    EXPECT_STR(
        "claims", payload_of(f, permit),
        S("{\"action\":\"refund.issue\",\"arguments_sha256\":"
          "\"abcd000000000000000000000000000000000000000000000000000000000000\","
          "\"aud\":\"payments\",\"decision\":\"dec_02000000000000000000000000\","
          "\"epoch\":3,\"exp\":1795343675,\"iat\":1795343075,\"iss\":\"https://fermata.example\","
          "\"jti\":\"pmt_03000000000000000000000000\",\"proposal\":\"prp_"
          "01000000000000000000000000\","
          "\"revision\":2,\"sub\":\"agt_04000000000000000000000000\"}"));
}

static void test_audience(void **state)
{
    struct fixture *f = *state;
    struct proposal p = approved();
    struct permit_claims claims;
    char agent[ID_TEXT_MAX];

    EXPECT(permit_read(&f->ctx, &issuer, issue(f, &p, STR_NONE, now_us), &claims) == FM_OK, "%s",
           f->ctx.detail);
    EXPECT_STR("without an executor: the agent", claims.audience,
               id_format(ID_AGENT, numbered(4), agent));
}

static void test_again(void **state)
{
    struct fixture *f = *state;
    struct proposal p = approved();
    struct permit_claims first, second;

    EXPECT(permit_read(&f->ctx, &issuer, issue(f, &p, S("x"), now_us), &first) == FM_OK, "first");
    EXPECT(permit_read(&f->ctx, &issuer, issue(f, &p, S("x"), now_us + MINUTE_US), &second) ==
               FM_OK,
           "second");
    EXPECT(id_eq(first.permit, second.permit), "one jti for one release");
    EXPECT(second.issued_at == first.issued_at + MINUTE_US &&
               second.expires_at == first.expires_at + MINUTE_US,
           "a fresh life");
}

static const struct {
    const char *name;
    int64_t left_us, life_s; /* of the approval; of the permit */
} lives[] = {
    {"a day left", DAY_US, 600},
    {"ten minutes left", 10 * MINUTE_US, 600},
    {"less left than a permit lives", 90 * SECOND_US, 90},
    {"a second left", SECOND_US, 1},
    {"half a second left: cut, never rounded up", SECOND_US / 2, 0},
};

static void test_lives(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(lives); i++) {
        struct proposal p = approved();
        struct permit_claims claims;

        p.approved_until = now_us + lives[i].left_us;
        EXPECT(permit_read(&f->ctx, &issuer, issue(f, &p, S("x"), now_us), &claims) == FM_OK, "%s",
               lives[i].name);
        EXPECT(claims.expires_at - claims.issued_at == lives[i].life_s * SECOND_US, "%s",
               lives[i].name);
        EXPECT(claims.expires_at <= p.approved_until, "%s: never beyond the approval",
               lives[i].name);
    }
}

static void test_read_back(void **state)
{
    struct fixture *f = *state;
    struct proposal p = approved();
    struct permit_claims claims;

    EXPECT(permit_read(&f->ctx, &issuer, issue(f, &p, S("payments"), now_us), &claims) == FM_OK,
           "%s", f->ctx.detail);
    EXPECT(id_eq(claims.proposal, p.id) && id_eq(claims.permit, p.permit) &&
               id_eq(claims.decision, p.decision) && id_eq(claims.agent, numbered(4)),
           "ids");
    EXPECT(claims.revision == 2 && claims.epoch == 3 && claims.arguments.bytes[1] == 0xcd,
           "the rest");
    EXPECT_STR("audience", claims.audience, S("payments"));
    EXPECT_STR("action", claims.action, S("refund.issue"));
}

/* Payloads that our key signed, but that are no permit. */
static const struct {
    const char *name, *typ, *payload;
} not_permits[] = {
    {"the good one, for comparison", "fermata-permit+jwt", NULL},
    {"another type", "JWT", NULL},
    {"no claims", "fermata-permit+jwt", "{}"},
    {"not JSON", "fermata-permit+jwt", "permit"},
    {"one claim more", "fermata-permit+jwt",
     "{\"action\":\"a\",\"arguments_sha256\":"
     "\"abcd000000000000000000000000000000000000000000000000000000000000\",\"aud\":\"x\","
     "\"decision\":"
     "\"dec_02000000000000000000000000\",\"epoch\":3,\"exp\":1,\"iat\":1,\"iss\":\"i\",\"jti\":"
     "\"pmt_03000000000000000000000000\",\"proposal\":\"prp_01000000000000000000000000\","
     "\"revision\":1,"
     "\"sub\":\"agt_04000000000000000000000000\",\"admin\":true}"},
    {"a digest that is none", "fermata-permit+jwt",
     "{\"action\":\"a\",\"arguments_sha256\":\"abcd\",\"aud\":\"x\",\"decision\":"
     "\"dec_02000000000000000000000000\",\"epoch\":3,\"exp\":1,\"iat\":1,\"iss\":\"i\",\"jti\":"
     "\"pmt_03000000000000000000000000\",\"proposal\":\"prp_01000000000000000000000000\","
     "\"revision\":1,"
     "\"sub\":\"agt_04000000000000000000000000\"}"},
};

static void test_not_permits(void **state)
{
    struct fixture *f = *state;
    struct proposal p = approved();
    struct str good = issue(f, &p, S("x"), now_us);

    for (size_t i = 0; i < COUNT_OF(not_permits); i++) {
        struct permit_claims claims;
        struct str payload =
            not_permits[i].payload ? str_of(not_permits[i].payload) : payload_of(f, good);

        buf_reset(&f->buf);
        jws_sign(&f->buf, &issuer.key, str_of(issuer.kid), str_of(not_permits[i].typ), payload);
        EXPECT((permit_read(&f->ctx, &issuer, buf_str(&f->buf), &claims) == FM_OK) == (i == 0),
               "%s", not_permits[i].name);
    }
}

static void test_forged(void **state)
{
    struct fixture *f = *state;
    struct proposal p = approved();
    struct str good = issue(f, &p, S("x"), now_us);
    struct permit_issuer stranger = issuer;
    struct permit_claims claims;
    uint8_t seed[ED25519_SEED] = "another seed of 32 bytes.......";

    for (size_t i = 0; i < good.n; i++) { /* no byte of it can be another */
        struct str changed = arena_copy(f->arena, good);
        ((char *)(uintptr_t)changed.p)[i] = good.p[i] == 'A' ? 'B' : 'A';
        EXPECT(permit_read(&f->ctx, &issuer, changed, &claims) == FM_E_INVALID_ARGUMENT, "byte %zu",
               i);
    }
    for (size_t n = 0; n < good.n; n += 7) {
        EXPECT(permit_read(&f->ctx, &issuer, (struct str){good.p, n}, &claims) ==
                   FM_E_INVALID_ARGUMENT,
               "cut to %zu", n);
    }
    sign_key_from_seed(seed, &stranger.key);
    EXPECT(permit_read(&f->ctx, &stranger, good, &claims) == FM_E_INVALID_ARGUMENT, "another key");
    (void)jwk_thumbprint(&stranger.key, stranger.kid);
    EXPECT(permit_read(&f->ctx, &stranger, good, &claims) == FM_E_INVALID_ARGUMENT,
           "another key's name");
    EXPECT(permit_read(&f->ctx, &issuer, arena_printf(f->arena, "%5000s", "x"), &claims) ==
               FM_E_INVALID_ARGUMENT,
           "too long");
    EXPECT(permit_read(&f->ctx, &issuer, STR_NONE, &claims) == FM_E_INVALID_ARGUMENT, "nothing");
    EXPECT(f->ctx.error_count > 0 && str_eq(f->ctx.errors[0].pointer, S("/permit")), "where");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_claims),    TEST(test_audience),    TEST(test_again),  TEST(test_lives),
        TEST(test_read_back), TEST(test_not_permits), TEST(test_forged),
    };

    return CHECK_RUN(tests);
}
