/* SPDX-License-Identifier: Apache-2.0
 *
 * Base64 against RFC 4648 10, and every way of spelling the same bytes differently, which must be
 * refused.
 */
#include "../check.h"

#include "crypto/crypto.h"

static struct arena *arena;

static int arena_up(void **state)
{
    (void)state;
    arena = arena_new(64 * KIB);
    return arena ? 0 : -1;
}

static int arena_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

/* Examples ------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    struct str bytes, base64, base64url;
} rows[] = {
    {"nothing", STR(""), STR(""), STR("")},
    {"f", STR("f"), STR("Zg=="), STR("Zg")},
    {"fo", STR("fo"), STR("Zm8="), STR("Zm8")},
    {"foo", STR("foo"), STR("Zm9v"), STR("Zm9v")},
    {"foob", STR("foob"), STR("Zm9vYg=="), STR("Zm9vYg")},
    {"fooba", STR("fooba"), STR("Zm9vYmE="), STR("Zm9vYmE")},
    {"foobar", STR("foobar"), STR("Zm9vYmFy"), STR("Zm9vYmFy")},
    {"the two alphabets differ", STR("\xfb\xef\xff"), STR("++//"), STR("--__")},
    {"zero bytes", STR("\0\0\0\0"), STR("AAAAAA=="), STR("AAAAAA")},
};

static void examples(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(buf_done) struct buf buf = BUF_INIT(KIB);
        struct str bytes;

        buf_add_base64(&buf, rows[i].bytes);
        EXPECT_STR(rows[i].name, buf_str(&buf), rows[i].base64);
        buf_reset(&buf);
        buf_add_base64url(&buf, rows[i].bytes);
        EXPECT_STR(rows[i].name, buf_str(&buf), rows[i].base64url);
        EXPECT(base64_decode(arena, rows[i].base64, &bytes), "%s", rows[i].name);
        EXPECT_STR(rows[i].name, bytes, rows[i].bytes);
        EXPECT(base64url_decode(arena, rows[i].base64url, &bytes), "%s", rows[i].name);
        EXPECT_STR(rows[i].name, bytes, rows[i].bytes);
    }
}

/* Every length across two chunks of the encoder comes back. */
static void every_length_returns(void **state)
{
    char bytes[2000];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (char)(i * 37 + i / 256);
    }
    for (size_t n = 0; n <= sizeof(bytes); n++) {
        AUTO(buf_done) struct buf buf = BUF_INIT(4 * KIB);
        struct str want = {bytes, n}, got;

        arena_reset(arena);
        buf_add_base64(&buf, want);
        EXPECT(buf.n == (n + 2) / 3 * 4, "%zu bytes", n);
        EXPECT(base64_decode(arena, buf_str(&buf), &got) && str_eq(got, want), "%zu bytes", n);
        buf_reset(&buf);
        buf_add_base64url(&buf, want);
        EXPECT(base64url_decode(arena, buf_str(&buf), &got) && str_eq(got, want), "%zu bytes", n);
    }
}

/* Refusals ------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    struct str text;
    bool url;
} refused[] = {
    {"one character is no byte", STR("Z"), false},
    {"five characters", STR("Zm9vY==="), false},
    {"no padding", STR("Zg"), false},
    {"half the padding", STR("Zg="), false},
    {"too much padding", STR("Zg==="), false},
    {"padding of a whole group", STR("Zm9v===="), false},
    {"padding alone", STR("===="), false},
    {"padding inside", STR("Zg==Zm9v"), false},
    {"left-over bits of one byte", STR("Zh=="), false},
    {"left-over bits of two bytes", STR("Zm9="), false},
    {"line feed at the end", STR("Zm9v\n"), false},
    {"line feed inside", STR("Zm9v\nZm9v"), false},
    {"space before", STR(" Zm9v"), false},
    {"NUL at the end", STR("Zm9v\0"), false},
    {"alphabet of base64url", STR("--__"), false},
    {"byte beyond ASCII", STR("Zm9\xe9"), false},
    {"url: padding", STR("Zg=="), true},
    {"url: one character", STR("Z"), true},
    {"url: five characters", STR("Zm9vY"), true},
    {"url: left-over bits of one byte", STR("Zh"), true},
    {"url: left-over bits of two bytes", STR("Zm9"), true},
    {"url: alphabet of base64", STR("++//"), true},
    {"url: line feed", STR("Zm9v\n"), true},
    {"url: dot", STR("Zm9v."), true},
};

static void one_spelling_only(void **state)
{
    struct str out;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        bool taken = refused[i].url ? base64url_decode(arena, refused[i].text, &out)
                                    : base64_decode(arena, refused[i].text, &out);
        EXPECT(!taken, "%s", refused[i].name);
    }
}

/* Of the 64 last characters of a group, exactly those without left-over bits are taken. */
static void last_characters(void **state)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned one = 0, two = 0;

    (void)state;
    for (size_t i = 0; i < 64; i++) {
        char group[] = {'A', alphabet[i], '=', '='};
        uint8_t out[2];
        one += base64_decode_n((struct str){group, 4}, out, 1);
        group[1] = 'A';
        group[2] = alphabet[i];
        two += base64_decode_n((struct str){group, 4}, out, 2);
    }
    assert_int_equal(one, 4);  /* 2 of 6 bits count */
    assert_int_equal(two, 16); /* 4 of 6 bits count */
}

/* In each place of a group, exactly the 64 letters are taken out of the 256 bytes. */
static void the_alphabet(void **state)
{
    (void)state;
    for (size_t place = 0; place < 4; place++) {
        unsigned base64 = 0, url = 0;
        for (int byte = 0; byte < 256; byte++) {
            char group[] = {'A', 'A', 'A', 'A'};
            struct str text = {group, 4}, decoded;
            uint8_t out[3];
            group[place] = (char)byte;
            base64 += base64_decode_n(text, out, 3);
            url += base64url_decode(arena, text, &decoded);
        }
        EXPECT(base64 == 64 && url == 64, "place %zu: %u and %u letters", place, base64, url);
    }
}

static void exact_size(void **state)
{
    uint8_t out[4];

    (void)state;
    assert_true(base64_decode_n(S("Zm9v"), out, 3));
    assert_memory_equal(out, "foo", 3);
    assert_false(base64_decode_n(S("Zm9v"), out, 2));
    assert_false(base64_decode_n(S("Zm9v"), out, 4));
    assert_false(base64_decode_n(S(""), out, 1));
    assert_false(base64_decode_n(STR_NONE, out, 1));
    assert_true(base64_decode_n(STR_NONE, out, 0));
}

static void full_arena(void **state)
{
    struct arena *small = arena_new(16);
    struct str out;

    (void)state;
    assert_non_null(small);
    assert_false(base64_decode(small, S("Zm9vYmFyZm9vYmFyZm9vYmFy"), &out));
    arena_free(small);
}

/* Hex ------------------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    struct str text;
    bool taken;
} hex_rows[] = {
    {"two bytes", STR("00ff"), true},      {"digits and letters", STR("9a0f"), true},
    {"upper case", STR("00FF"), false},    {"odd", STR("00f"), false},
    {"too short", STR("00"), false},       {"too long", STR("00ff00"), false},
    {"odd and too long", STR("00ff0"), false},
    {"prefix", STR("0x0f"), false},        {"before a", STR("0`0f"), false},
    {"behind f", STR("000g"), false},      {"behind 9", STR(":00f"), false},
    {"nothing", STR(""), false},
};

static void hex(void **state)
{
    uint8_t out[2];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(hex_rows); i++) {
        EXPECT(hex_decode(hex_rows[i].text, out, 2) == hex_rows[i].taken, "%s", hex_rows[i].name);
    }
    assert_true(hex_decode(S("9a0f"), out, 2));
    assert_memory_equal(out, "\x9a\x0f", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(examples, arena_up, arena_down),
        cmocka_unit_test_setup_teardown(every_length_returns, arena_up, arena_down),
        cmocka_unit_test_setup_teardown(one_spelling_only, arena_up, arena_down),
        cmocka_unit_test(last_characters),
        cmocka_unit_test_setup_teardown(the_alphabet, arena_up, arena_down),
        cmocka_unit_test(exact_size),
        cmocka_unit_test(full_arena),
        cmocka_unit_test(hex),
    };

    crypto_init();
    return CHECK_RUN(tests);
}
