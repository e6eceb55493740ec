/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers: which tokens are accepted, their canonical forms, and the shortest form of doubles.
 */
#include "json_check.h"

#include <float.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>

/* Tokens and their canonical form, or NULL and a word of why not. */
static const struct {
    const char *name, *token, *form, *why;
} tokens[] = {
    {"zero", "0", "0", NULL},
    {"minus zero", "-0", "0", NULL},
    {"zero with a fraction", "-0.000", "0", NULL},
    {"zero with a huge exponent", "0e999999999999999999999", "0", NULL},
    {"integer", "1234567890", "1234567890", NULL},
    {"negative integer", "-17", "-17", NULL},
    {"integer with a fraction of zeros", "56.0", "56", NULL},
    {"integer by exponent", "20e1", "200", NULL},
    {"integer by a negative exponent", "2000e-1", "200", NULL},
    {"fraction made whole by its exponent", "1.5E+1", "15", NULL},
    {"15 digits", "123456789012345", "123456789012345", NULL},
    {"16 digits", "1234567890123456", "1234567890123456", NULL},
    {"2^53 - 1", "9007199254740991", "9007199254740991", NULL},
    {"2^53", "9007199254740992", "9007199254740992", NULL},
    {"-2^53", "-9007199254740992", "-9007199254740992", NULL},
    {"2^53 + 1", "9007199254740993", NULL, "beyond 2^53"},
    {"-2^53 - 1", "-9007199254740993", NULL, "beyond 2^53"},
    {"2^53 + 1 as a fraction", "9007199254740993.0", NULL, "beyond 2^53"},
    {"2^53 + 1 by exponent", "900719925474099.3e1", NULL, "beyond 2^53"},
    {"10^16", "10000000000000000", NULL, "beyond 2^53"},
    {"10^15 by exponent", "1e15", "1000000000000000", NULL},
    {"10^16 by exponent", "1e16", NULL, "beyond 2^53"},
    {"2^64", "18446744073709551616", NULL, "beyond 2^53"},
    {"over the largest double", "1e309", NULL, "beyond 2^53"},
    {"exponent over 64 bits", "1e99999999999999999999999", NULL, "beyond 2^53"},
    {"a long fraction, the value beyond", "12345678901234567.5", NULL, "beyond 2^53"},
    {"money", "74.50", "74.5", NULL},
    {"a tenth", "0.1", "0.1", NULL},
    {"a tenth written otherwise", "0.01e1", "0.1", NULL},
    {"scientific turned plain", "2e-3", "0.002", NULL},
    {"last plain place", "0.000001", "0.000001", NULL},
    {"first scientific place", "0.0000001", "1e-7", NULL},
    {"scientific with a fraction", "12.5e-9", "1.25e-8", NULL},
    {"two digits of exponent", "1e-10", "1e-10", NULL},
    {"three digits of exponent", "-1.5e-100", "-1.5e-100", NULL},
    {"capital E", "1E-2", "0.01", NULL},
    {"16 digits that survive", "0.1234567890123456", "0.1234567890123456", NULL},
    {"17 digits that survive", "0.30000000000000004", "0.30000000000000004", NULL},
    {"17 digits that do not", "0.30000000000000001", NULL, "does not keep"},
    {"16 digits that do not", "9007199254740.9935", NULL, "does not keep"},
    {"18 digits", "0.123456789012345678", NULL, "does not keep"},
    {"exact value of a double, not its shortest form", "0.1000000000000000055511151231257827", NULL,
     "does not keep"},
    {"a zero too many does no harm", "0.10000000000000000000000000000", "0.1", NULL},
    {"zeros in the middle count", "1.00000000000000000001", NULL, "does not keep"},
    {"smallest normal double", "2.2250738585072014e-308", "2.2250738585072014e-308", NULL},
    {"smallest double", "5e-324", "5e-324", NULL},
    {"the same in other digits", "4.9e-324", NULL, "does not keep"},
    {"subnormal, few digits", "1.5e-310", "1.5e-310", NULL},
    {"subnormal, too many digits", "1.23456789012345e-320", NULL, "does not keep"},
    {"underflow", "1e-400", NULL, "does not keep"},
    {"far underflow", "123e-10000000", NULL, "does not keep"},
    {"exponent of 2^64, which must not wrap to 0", "1e18446744073709551616", NULL, "beyond 2^53"},
    {"the same below zero", "1.5e-18446744073709551616", NULL, "does not keep"},
    {"exponent under 64 bits", "1e-99999999999999999999999", NULL, "does not keep"},
    {"needless zero", "01", NULL, "needless 0"},
    {"needless zero below zero", "-01", NULL, "needless 0"},
    {"sign alone", "-", NULL, "digit is missing"},
    {"point alone", "1.", NULL, "digit is missing"},
    {"point and exponent", "1.e3", NULL, "digit is missing"},
    {"no digit in the exponent", "1e", NULL, "digit is missing"},
    {"sign alone in the exponent", "1e+", NULL, "digit is missing"},
    {"no digit before the point", ".5", NULL, "not a JSON value"},
    {"plus", "+1", NULL, "not a JSON value"},
    {"infinity", "-Infinity", NULL, "digit is missing"},
    {"not a number", "NaN", NULL, "not a JSON value"},
    {"hexadecimal", "0x10", NULL, "follows"},
};

static void test_tokens(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(tokens); i++) {
        const struct json *value = NULL;
        struct str text = str_of(tokens[i].token);
        fixture_reset(f);
        enum fm_err err = json_parse(&f->ctx, text, &JSON_LIMITS_WIRE, &value);
        if (tokens[i].form) {
            EXPECT(err == FM_OK, "%s: %s", tokens[i].name, f->ctx.detail);
            EXPECT(value->kind == JSON_NUMBER, "%s", tokens[i].name);
            EXPECT_STR(tokens[i].name, value->as.text, str_of(tokens[i].form));
        } else {
            EXPECT(err == FM_E_INVALID_JSON, "%s: accepted", tokens[i].name);
            EXPECT(strstr(f->ctx.detail, tokens[i].why), "%s: %s", tokens[i].name, f->ctx.detail);
        }
    }
}

/* A token of a million digits costs neither memory nor a wrong answer. */
static void test_long_tokens(void **state)
{
    struct fixture *f = *state;
    static char text[1000000];
    const struct json *value;
    struct str whole = {text, sizeof(text)};

    memset(text, '0', sizeof(text));
    text[1] = '.';
    text[sizeof(text) - 1] = '1';
    EXPECT(json_parse(&f->ctx, whole, &JSON_LIMITS_WIRE, &value) == FM_E_INVALID_JSON,
           "a million zeros and a 1");
    text[sizeof(text) - 1] = '0';
    EXPECT_STR("a million zeros", must_parse(f, "zeros", whole)->as.text, S("0"));
    memcpy(text + sizeof(text) - 8, "7e999991",
           8); /* the 7 is the 999,991st digit behind the point */
    EXPECT_STR("zeros undone by the exponent", must_parse(f, "undone", whole)->as.text, S("7"));
}

static const struct {
    const char *name, *token;
    double value;
} values[] = {
    {"zero", "0", 0},
    {"minus", "-12.25", -12.25},
    {"a tenth", "0.1", 0.1},
    {"17 digits", "0.30000000000000004", 0.1 + 0.2},
    {"2^53", "9007199254740992", 9007199254740992.0},
    {"small", "1e-300", 1e-300},
    {"smallest", "5e-324", DBL_TRUE_MIN},
    {"beyond ten to 22", "1.5e-23", 1.5e-23},
};

static void test_values(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(values); i++) {
        const struct json *value = must_parse(f, values[i].name, str_of(values[i].token));
        EXPECT(json_number(value) == values[i].value, "%s: %g", values[i].name, json_number(value));
    }
    EXPECT(json_number(NULL) == 0, "no value");
    EXPECT(json_number(must_parse(f, "string", S("\"5\""))) == 0, "a string is no number");
}

/* Doubles by their bits, as node prints them. */
static const struct {
    const char *name;
    uint64_t bits;
    const char *form;
} doubles[] = {
    {"zero", 0x0000000000000000, "0"},
    {"minus zero", 0x8000000000000000, "0"},
    {"smallest", 0x0000000000000001, "5e-324"},
    {"smallest below zero", 0x8000000000000001, "-5e-324"},
    {"largest", 0x7fefffffffffffff, "1.7976931348623157e+308"},
    {"largest subnormal", 0x000fffffffffffff, "2.225073858507201e-308"},
    {"smallest normal", 0x0010000000000000, "2.2250738585072014e-308"},
    {"2^68: last plain place", 0x4430000000000000, "295147905179352830000"},
    {"10^21: first scientific", 0x444b1ae4d6e2ef50, "1e+21"},
    {"just below 10^21", 0x444b1ae4d6e2ef4f, "999999999999999900000"},
    {"10^-6: last plain place", 0x3eb0c6f7a0b5ed8d, "0.000001"},
    {"just below 10^-6", 0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
    {"10^-7", 0x3e7ad7f29abcaf48, "1e-7"},
    {"10^23 is not the nearest", 0x44b52d02c7e14af6, "1e+23"},
    {"its neighbour below", 0x44b52d02c7e14af5, "9.999999999999997e+22"},
    {"a third", 0x3fd5555555555555, "0.3333333333333333"},
    {"333333333.33333329", 0x41b3de4355555553, "333333333.3333332"},
    {"333333333.33333331", 0x41b3de4355555555, "333333333.3333333"},
    {"1424953923781206.2", 0x43143ff3c1cb0959, "1424953923781206.2"},
    {"infinity", 0x7ff0000000000000, "null"},
    {"not a number", 0x7fffffffffffffff, "null"},
    /* Powers of two whose nearest decimal of so few digits lies outside the narrow lower half: the
     * neighbour above is the answer. printf's digits alone give one digit more. */
    {"2^-44", 0x3d30000000000000, "5.684341886080802e-14"},
    {"2^-1021", 0x0020000000000000, "4.450147717014403e-308"},
    {"2^1023", 0x7fe0000000000000, "8.98846567431158e+307"},
};

static double from_bits(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

static void test_doubles(void **state)
{
    char form[JSON_NUMBER_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(doubles); i++) {
        EXPECT_STR(doubles[i].name, json_format_double(from_bits(doubles[i].bits), form),
                   str_of(doubles[i].form));
    }
}

static uint64_t fnv1a(uint64_t hash, struct str bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        hash = (hash ^ (unsigned char)bytes.p[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* All powers of two against node, by a hash (FNV-1a, a line each, from 2^-1074 on):
 * node -e 'let h=0xcbf29ce484222325n;for(let e=-1074;e<1024;e++)for(const c of 2**e+"\n")
 *   h=BigInt.asUintN(64,(h^BigInt(c.charCodeAt()))*0x100000001b3n);console.log(h.toString(16))' */
static void test_powers_of_two(void **state)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    (void)state;
    for (int exponent = -1074; exponent < 1024; exponent++) {
        char form[JSON_NUMBER_MAX];
        hash = fnv1a(hash, json_format_double(ldexp(1, exponent), form));
        hash = fnv1a(hash, S("\n"));
    }
    EXPECT(hash == UINT64_C(0x5115e8c46ea2a06d), "powers of two: %" PRIx64, hash);
}

/* Any double comes back from its form, which is at most 25 bytes. */
static void test_round_trip(void **state)
{
    uint64_t seed = 42;

    (void)state;
    for (int i = 0; i < 50000; i++) {
        char form[JSON_NUMBER_MAX + 1];
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        double value = from_bits(seed ^ seed >> 29);
        if (!isfinite(value)) {
            continue;
        }
        struct str text = json_format_double(value, form);
        EXPECT(text.n <= 25, "%.*s", STR_ARG(text));
        form[text.n] = '\0';
        EXPECT(strtod(form, NULL) == value, "%.*s", STR_ARG(text));
    }
}

/* A locale that writes 0,5 must not reach the wire. */
static void test_locale(void **state)
{
    struct fixture *f = *state;
    static const char *const locales[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
    char form[JSON_NUMBER_MAX];
    bool found = false;

    for (size_t i = 0; i < COUNT_OF(locales) && !found; i++) {
        found = setlocale(LC_NUMERIC, locales[i]) != NULL;
    }
    if (!found) {
        CHECK_SKIP("no locale with a decimal comma is installed");
    }
    struct str text = json_format_double(0.1 + 0.2, form);
    double value = json_number(must_parse(f, "comma", S("0.30000000000000004")));
    setlocale(LC_NUMERIC, "C");
    EXPECT_STR("comma", text, S("0.30000000000000004"));
    EXPECT(value == 0.1 + 0.2, "comma: %g", value);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_tokens),
        FIXTURE_TEST(test_long_tokens),
        FIXTURE_TEST(test_values),
        cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_powers_of_two),
        cmocka_unit_test(test_round_trip),
        FIXTURE_TEST(test_locale),
    };

    return CHECK_RUN(tests);
}
