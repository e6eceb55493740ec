/* SPDX-License-Identifier: Apache-2.0
 *
 * Compact JWS: RFC 8037 appendix A where it applies, and a table of tokens that must not pass
 * although each is correctly signed or nearly so.
 */
#include "../check.h"

#include "crypto/crypto.h"

#define KID "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
#define TYP "fermata-permit+jwt"
#define HEADER "{\"alg\":\"EdDSA\",\"kid\":\"" KID "\",\"typ\":\"" TYP "\"}"
#define PAYLOAD "{\"sub\":\"agt_1\"}"

static struct arena *arena;
static struct sign_key key; /* of RFC 8037 A.1 */

static int up(void **state)
{
    uint8_t seed[ED25519_SEED];

    (void)state;
    arena = arena_new(MIB);
    if (!arena || !hex_decode(S("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
                              seed, ED25519_SEED)) {
        return -1;
    }
    sign_key_from_seed(seed, &key);
    return 0;
}

static int down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static bool passes(struct str token, struct str *payload)
{
    return jws_verify(arena, key.public_key, S(KID), S(TYP), token, payload);
}

/* A token with any header at all, correctly signed. */
static void sign_with_header(struct buf *token, struct str header, struct str payload)
{
    uint8_t signature[ED25519_SIGNATURE];

    buf_reset(token);
    buf_add_base64url(token, header);
    buf_add_char(token, '.');
    buf_add_base64url(token, payload);
    sign_ed25519(&key, buf_str(token), signature);
    buf_add_char(token, '.');
    buf_add_base64url(token, (struct str){(const char *)signature, sizeof(signature)});
}

/* RFC 8037 appendix A -------------------------------------------------------------------------- */

static void rfc8037_a3_thumbprint(void **state)
{
    char kid[KID_SIZE];

    (void)state;
    EXPECT_STR("thumbprint", jwk_thumbprint(&key, kid), S(KID));
    assert_string_equal(kid, KID);
}

static void rfc8037_a4_signature(void **state)
{
    AUTO(buf_done) struct buf token = BUF_INIT(KIB);
    struct str payload;

    (void)state;
    sign_with_header(&token, S("{\"alg\":\"EdDSA\"}"), S("Example of Ed25519 signing"));
    EXPECT_STR(
        "token", buf_str(&token),
        S("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-"
          "09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"));
    assert_false(passes(buf_str(&token), &payload)); /* not our header */
}

static void jwk_set(void **state)
{
    AUTO(buf_done) struct buf buf = BUF_INIT(KIB);

    (void)state;
    jwks_write(&buf, &key, S(KID));
    EXPECT_STR("JWK Set", buf_str(&buf),
               S("{\"keys\":[{\"alg\":\"EdDSA\",\"crv\":\"Ed25519\",\"kid\":\"" KID
                 "\",\"kty\":\"OKP\",\"use\":\"sig\","
                 "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}"));
}

/* Round trip ----------------------------------------------------------------------------------- */

static void signed_and_verified(void **state)
{
    static const struct str payloads[] = {STR(PAYLOAD), STR(""), STR("\0\xff.")};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(payloads); i++) {
        AUTO(buf_done) struct buf token = BUF_INIT(KIB), same = BUF_INIT(KIB);
        struct str payload;

        buf_lit(&token, "Bearer ");
        jws_sign(&token, &key, S(KID), S(TYP), payloads[i]);
        struct str made = str_skip(buf_str(&token), strlen("Bearer "));
        sign_with_header(&same, S(HEADER), payloads[i]);
        EXPECT_STR("the form of the token", made, buf_str(&same));
        EXPECT(passes(made, &payload), "payload %zu", i);
        EXPECT_STR("payload", payload, payloads[i]);
    }
}

static void full_buffer(void **state)
{
    (void)state;
    for (size_t max = 0; max < 300; max++) {
        AUTO(buf_done) struct buf token = BUF_INIT(max);
        struct str payload;
        jws_sign(&token, &key, S(KID), S(TYP), S(PAYLOAD));
        EXPECT(!buf_ok(&token) || passes(buf_str(&token), &payload), "room for %zu bytes", max);
    }
}

static void full_arena(void **state)
{
    AUTO(buf_done) struct buf token = BUF_INIT(KIB);
    unsigned verified = 0;

    (void)state;
    jws_sign(&token, &key, S(KID), S(TYP), S(PAYLOAD));
    for (size_t max = 0; max < 512; max += 16) {
        struct arena *small = arena_new(max);
        struct str payload;
        assert_non_null(small);
        verified += jws_verify(small, key.public_key, S(KID), S(TYP), buf_str(&token), &payload);
        arena_free(small);
    }
    assert_in_range(verified, 1, 31); /* refused while the arena is too small, then taken */
}

/* Refusals ------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    struct str header;
} headers[] = {
    {"no algorithm", STR("{\"alg\":\"none\",\"kid\":\"" KID "\",\"typ\":\"" TYP "\"}")},
    {"HMAC", STR("{\"alg\":\"HS256\",\"kid\":\"" KID "\",\"typ\":\"" TYP "\"}")},
    {"other case", STR("{\"alg\":\"eddsa\",\"kid\":\"" KID "\",\"typ\":\"" TYP "\"}")},
    {"the newer name", STR("{\"alg\":\"Ed25519\",\"kid\":\"" KID "\",\"typ\":\"" TYP "\"}")},
    {"other kid", STR("{\"alg\":\"EdDSA\",\"kid\":\"other\",\"typ\":\"" TYP "\"}")},
    {"other typ", STR("{\"alg\":\"EdDSA\",\"kid\":\"" KID "\",\"typ\":\"JWT\"}")},
    {"typ with a tail", STR("{\"alg\":\"EdDSA\",\"kid\":\"" KID "\",\"typ\":\"" TYP "x\"}")},
    {"no typ", STR("{\"alg\":\"EdDSA\",\"kid\":\"" KID "\"}")},
    {"no kid", STR("{\"alg\":\"EdDSA\",\"typ\":\"" TYP "\"}")},
    {"one more member", STR("{\"alg\":\"EdDSA\",\"kid\":\"" KID "\",\"typ\":\"" TYP "\",\"x\":1}")},
    {"critical extension",
     STR("{\"alg\":\"EdDSA\",\"crit\":[\"b64\"],\"kid\":\"" KID "\",\"typ\":\"" TYP "\"}")},
    {"a key of its own",
     STR("{\"alg\":\"EdDSA\",\"jwk\":{},\"kid\":\"" KID "\",\"typ\":\"" TYP "\"}")},
    {"a member twice",
     STR("{\"alg\":\"none\",\"alg\":\"EdDSA\",\"kid\":\"" KID "\",\"typ\":\"" TYP "\"}")},
    {"other order", STR("{\"kid\":\"" KID "\",\"alg\":\"EdDSA\",\"typ\":\"" TYP "\"}")},
    {"a space", STR("{\"alg\": \"EdDSA\",\"kid\":\"" KID "\",\"typ\":\"" TYP "\"}")},
    {"an escape", STR("{\"alg\":\"\\u0045dDSA\",\"kid\":\"" KID "\",\"typ\":\"" TYP "\"}")},
    {"a tail", STR(HEADER " ")},
    {"NUL behind", STR(HEADER "\0")},
    {"cut", STR("{\"alg\":\"EdDSA\",\"kid\":\"" KID "\",\"typ\":\"" TYP "\"")},
    {"empty object", STR("{}")},
    {"nothing", STR("")},
};

static void other_headers(void **state)
{
    AUTO(buf_done) struct buf token = BUF_INIT(4 * KIB);
    struct str payload = S("untouched");

    (void)state;
    sign_with_header(&token, S(HEADER), S(PAYLOAD));
    assert_true(passes(buf_str(&token), &payload)); /* so what follows fails for its header alone */
    for (size_t i = 0; i < COUNT_OF(headers); i++) {
        sign_with_header(&token, headers[i].header, S(PAYLOAD));
        EXPECT(!passes(buf_str(&token), &payload), "%s", headers[i].name);
    }
}

/* The token is cut into its parts H, P, S and put together again by the row. */
static const struct {
    const char *name, *form;
} forms[] = {
    {"no signature", "H.P"},          {"empty signature", "H.P."},
    {"no payload", "H.S"},            {"header alone", "H"},
    {"dots alone", ".."},             {"nothing", ""},
    {"a fourth part", "H.P.S.S"},     {"dot at the end", "H.P.S."},
    {"dot at the start", ".H.P.S"},   {"payload emptied", "H..S"},
    {"header emptied", ".P.S"},       {"parts exchanged", "P.H.S"},
    {"padding", "H.P.S=="},           {"padded header", "H=.P.S"},
    {"line feed", "H.P.S\n"},         {"space before", " H.P.S"},
    {"signature twice", "H.P.SS"},    {"payload twice", "H.PP.S"},
    {"JSON in place of its base64", "{}.P.S"},
};

static void other_forms(void **state)
{
    AUTO(buf_done) struct buf token = BUF_INIT(KIB), form = BUF_INIT(2 * KIB);
    struct str payload, parts[3];

    (void)state;
    jws_sign(&token, &key, S(KID), S(TYP), S(PAYLOAD));
    struct str rest = buf_str(&token);
    for (size_t i = 0; i < 3; i++) {
        parts[i] = str_split(&rest, '.');
    }
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        buf_reset(&form);
        for (const char *at = forms[i].form; *at; at++) {
            const char *part = strchr("HPS", *at);
            if (part) {
                buf_add(&form, parts[part - "HPS"]);
            } else {
                buf_add_char(&form, *at);
            }
        }
        EXPECT(!passes(buf_str(&form), &payload), "%s", forms[i].name);
    }
    assert_false(passes(STR_NONE, &payload));
}

/* No character of a token can be another one: not even in bits that base64 leaves over. */
static void any_other_character(void **state)
{
    AUTO(buf_done) struct buf token = BUF_INIT(KIB);
    struct str payload;

    (void)state;
    jws_sign(&token, &key, S(KID), S(TYP), S(PAYLOAD));
    for (size_t i = 0; i < token.n; i++) {
        char kept = token.p[i];
        for (const char *other = "ABCDwxyz019-_.=+/ "; *other; other++) {
            token.p[i] = *other;
            EXPECT(*other == kept || !passes(buf_str(&token), &payload), "%c at %zu", *other, i);
        }
        token.p[i] = kept;
        EXPECT(!passes((struct str){token.p, i}, &payload), "cut at %zu", i);
        arena_reset(arena);
    }
    assert_true(passes(buf_str(&token), &payload));
}

static void other_key_and_names(void **state)
{
    AUTO(buf_done) struct buf token = BUF_INIT(KIB);
    struct str payload;
    uint8_t seed[ED25519_SEED] = {7};
    struct sign_key other;
    char long_name[600];

    (void)state;
    memset(long_name, 'x', sizeof(long_name));
    sign_key_from_seed(seed, &other);
    jws_sign(&token, &other, S(KID), S(TYP), S(PAYLOAD));
    assert_false(passes(buf_str(&token), &payload)); /* a key that only claims our kid */
    buf_reset(&token);
    jws_sign(&token, &key, S(KID), S(TYP), S(PAYLOAD));
    assert_false(jws_verify(arena, key.public_key, S("x"), S(TYP), buf_str(&token), &payload));
    assert_false(jws_verify(arena, key.public_key, S(KID), S("x"), buf_str(&token), &payload));
    /* a name that would write a member of its own into the header */
    sign_with_header(&token, S("{\"alg\":\"EdDSA\",\"kid\":\"a\",\"b\":\"c\",\"typ\":\"" TYP "\"}"),
                     S(PAYLOAD));
    assert_false(jws_verify(arena, key.public_key, S("a\",\"b\":\"c"), S(TYP), buf_str(&token),
                            &payload));
    assert_false(jws_verify(arena, key.public_key, (struct str){long_name, sizeof(long_name)},
                            S(TYP), buf_str(&token), &payload));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rfc8037_a3_thumbprint, up, down),
        cmocka_unit_test_setup_teardown(rfc8037_a4_signature, up, down),
        cmocka_unit_test_setup_teardown(jwk_set, up, down),
        cmocka_unit_test_setup_teardown(signed_and_verified, up, down),
        cmocka_unit_test_setup_teardown(full_buffer, up, down),
        cmocka_unit_test_setup_teardown(full_arena, up, down),
        cmocka_unit_test_setup_teardown(other_headers, up, down),
        cmocka_unit_test_setup_teardown(other_forms, up, down),
        cmocka_unit_test_setup_teardown(any_other_character, up, down),
        cmocka_unit_test_setup_teardown(other_key_and_names, up, down),
    };

    crypto_init();
    return CHECK_RUN(tests);
}
