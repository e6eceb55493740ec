/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading: what is accepted and as what, what is refused and where, limits, order, memory.
 */
#include "json_check.h"

#include "base/clock.h"

#define SMILE "\xF0\x9F\x98\x80"    /* U+1F600: in UTF-16 a pair from D83D on */
#define PRIVATE "\xEE\x80\x80"      /* U+E000: in UTF-16 behind all pairs */
#define NONCHARACTER "\xEF\xBF\xBF" /* U+FFFF */

static const struct {
    const char *name, *text, *canonical;
} accepted[] = {
    {"null", "null", "null"},
    {"true", " true\n", "true"},
    {"false", "\t\rfalse", "false"},
    {"empty string", "\"\"", "\"\""},
    {"empty object", "{ }", "{}"},
    {"empty array", "[\n]", "[]"},
    {"nested", "[[],{},[{\"a\":[1]}]]", "[[],{},[{\"a\":[1]}]]"},
    {"space everywhere", " { \"a\" : [ 1 , 2 ] , \"b\" : { } } ", "{\"a\":[1,2],\"b\":{}}"},
    {"members sorted", "{\"b\":1,\"a\":2,\"\":3}", "{\"\":3,\"a\":2,\"b\":1}"},
    {"a prefix sorts first", "{\"abcdefghi\":1,\"abcdefgh\":2,\"abc\":3}",
     "{\"abc\":3,\"abcdefgh\":2,\"abcdefghi\":1}"},
    {"capitals before small", "{\"a\":1,\"A\":2,\"1\":3}", "{\"1\":3,\"A\":2,\"a\":1}"},
    {"UTF-16 order, not UTF-8", "{\"" PRIVATE "\":1,\"" SMILE "\":2}",
     "{\"" SMILE "\":2,\"" PRIVATE "\":1}"},
    {"the same behind nine equal bytes", "{\"123456789" PRIVATE "\":1,\"123456789" SMILE "\":2}",
     "{\"123456789" SMILE "\":2,\"123456789" PRIVATE "\":1}"},
    {"an escaped name sorts by what it means", "{\"b\":1,\"\\u0061\":2}", "{\"a\":2,\"b\":1}"},
    {"short escapes", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\""},
    {"one byte by \\u", "\"\\u0041\\u007f\"", "\"A\x7f\""},
    {"two bytes by \\u", "\"\\u0080\\u07FF\"", "\"\xC2\x80\xDF\xBF\""},
    {"three bytes by \\u", "\"\\u0800\\uffff\"", "\"\xE0\xA0\x80" NONCHARACTER "\""},
    {"four bytes by a pair", "\"\\ud800\\udc00\\uDBFF\\uDFFF\"",
     "\"\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\""},
    {"control character by \\u", "\"\\u001F\"", "\"\\u001f\""},
    {"an escaped backslash before a quote", "\"\\\\\"", "\"\\\\\""},
    {"escapes among plain text", "\"one\\ntwo three four\\tfive\"",
     "\"one\\ntwo three four\\tfive\""},
    {"UTF-8 as it is", "\"\xC3\xA9\xE2\x82\xAC" SMILE "\"", "\"\xC3\xA9\xE2\x82\xAC" SMILE "\""},
    {"UTF-8 and an escape", "\"\xC3\xA9\\u00e9\"", "\"\xC3\xA9\xC3\xA9\""},
    {"names that differ in the ninth byte", "{\"12345678b\":1,\"12345678a\":2}",
     "{\"12345678a\":2,\"12345678b\":1}"},
};

static void test_accepted(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(accepted); i++) {
        fixture_reset(f);
        const struct json *value = must_parse(f, accepted[i].name, str_of(accepted[i].text));
        EXPECT_STR(accepted[i].name, canonical(f, value), str_of(accepted[i].canonical));
    }
}

/* `at` is the byte offset, `pointer` the place, `why` a part of the sentence. */
static const struct {
    const char *name, *text, *pointer;
    size_t at;
    const char *why;
} refused[] = {
    {"nothing", "", "", 0, "value is missing"},
    {"only space", " \n", "", 2, "value is missing"},
    {"byte order mark", "\xEF\xBB\xBF{}", "", 0, "byte order mark"},
    {"two values", "1 2", "", 2, "follows"},
    {"comma behind the value", "[],", "", 2, "follows"},
    {"a word cut short", "tru", "", 0, "not a JSON value"},
    {"a word in capitals", "[True]", "/0", 1, "not a JSON value"},
    {"a word too long", "nulll", "", 4, "follows"},
    {"form feed is no space", "[\f1]", "/0", 1, "not a JSON value"},
    {"no-break space is no space", "[\xC2\xA0]", "/0", 1, "not a JSON value"},
    {"comment", "[1,/**/2]", "/1", 3, "not a JSON value"},
    {"single quotes", "['a']", "/0", 1, "not a JSON value"},
    {"open array", "[1,[2", "/1", 5, "end of the array"},
    {"open array after a comma", "[1,", "/1", 3, "value is missing"},
    {"comma at the end of an array", "[1,]", "/1", 3, "not a JSON value"},
    {"comma at the start of an array", "[,1]", "/0", 1, "not a JSON value"},
    {"array closed as an object", "[1}", "", 2, "end of the array"},
    {"colon in an array", "[\"a\":1]", "", 4, "end of the array"},
    {"open object", "{\"a\":1", "", 6, "end of the object"},
    {"open object after a comma", "{\"a\":1,", "", 7, "name in quotes"},
    {"comma at the end of an object", "{\"a\":1,}", "", 7, "name in quotes"},
    {"object closed as an array", "{\"a\":1]", "", 6, "end of the object"},
    {"no colon", "{\"a\" 1}", "/a", 5, "colon"},
    {"no value", "{\"a\":}", "/a", 5, "not a JSON value"},
    {"name without quotes", "{a:1}", "", 1, "name in quotes"},
    {"number as a name", "{\"a\":{1:2}}", "/a", 6, "name in quotes"},
    {"member twice", "{\"x\":[{\"a\":1,\"b\":2,\"a\":3}]}", "/x/0/a", 25, "stands twice"},
    {"member twice, once escaped", "{\"a\":1,\"\\u0061\":1}", "/a", 18, "stands twice"},
    {"long member twice", "{\"123456789\":1,\"b\":2,\"123456789\":1}", "/123456789", 35,
     "stands twice"},
    {"pointer escaped", "{\"a/b\":{\"~\":?}}", "/a~1b/~0", 12, "not a JSON value"},
    {"open string", "\"abc", "", 4, "does not end"},
    {"open string after a long run", "[\"abcdefghijklmnop", "/0", 18, "does not end"},
    {"open string at a backslash", "\"abc\\", "", 4, "does not end"},
    {"its quote escaped", "\"abc\\\"", "", 6, "does not end"},
    {"line feed in a string", "{\"a\":\"b\nc\"}", "/a", 7, "control character"},
    {"control character near the end", "\"a\x1f\"", "", 2, "control character"},
    {"control character far in", "\"abcdefghijkl\x01\"", "", 13, "control character"},
    {"line feed in a name", "{\"b\nc\":1}", "", 3, "control character"},
    {"U+0000 escaped", "[\"a\\u0000b\"]", "/0", 3, "U+0000"},
    {"U+0000 in a name", "{\"\\u0000\":1}", "", 2, "U+0000"},
    {"unknown escape", "\"\\x41\"", "", 1, "escape"},
    {"escaped line feed", "\"\\\n\"", "", 1, "escape"},
    {"a backslash tears UTF-8 apart", "\"\\\xC3\xA9\"", "", 3, "UTF-8"},
    {"three hex digits", "\"\\u123\"", "", 1, "four hex digits"},
    {"no hex digits", "\"\\u12g4\"", "", 1, "four hex digits"},
    {"sign among hex digits", "\"\\u+123\"", "", 1, "four hex digits"},
    {"first half alone", "\"\\ud800\"", "", 1, "surrogate"},
    {"first half and text", "\"\\ud800abcdef\"", "", 1, "surrogate"},
    {"first half twice", "\"\\ud800\\ud800\"", "", 1, "surrogate"},
    {"first half and another escape", "\"\\ud800\\n12345\"", "", 1, "surrogate"},
    {"second half twice", "\"\\udc00\\udc00\"", "", 1, "surrogate"},
    {"second half alone", "\"ab\\udc00\"", "", 3, "surrogate"},
    {"halves the wrong way round", "\"\\udc00\\ud800\"", "", 1, "surrogate"},
    {"half in UTF-8", "\"\xED\xA0\x80\"", "", 1, "UTF-8"},
    {"overlong", "\"\xC0\xAF\"", "", 1, "UTF-8"},
    {"beyond U+10FFFF", "\"\xF4\x90\x80\x80\"", "", 1, "UTF-8"},
    {"continuation alone", "\"abcdefgh\x80\"", "", 9, "UTF-8"},
    {"sequence cut by the quote", "\"\xE2\x82\"", "", 1, "UTF-8"},
    {"Latin 1", "[\"caf\xE9\"]", "/0", 5, "UTF-8"},
    {"bad UTF-8 outside a string", "[\xFF]", "/0", 1, "not a JSON value"},
};

static void test_refused(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        const struct json *value = NULL;
        const char *name = refused[i].name;
        char place[40];
        fixture_reset(f);
        enum fm_err err = json_parse(&f->ctx, str_of(refused[i].text), &JSON_LIMITS_WIRE, &value);
        EXPECT(err == FM_E_INVALID_JSON && !value, "%s: accepted", name);
        EXPECT(f->ctx.error_count == 1, "%s: %u field errors", name, f->ctx.error_count);
        EXPECT_STR(name, f->ctx.errors[0].pointer, str_of(refused[i].pointer));
        EXPECT(strstr(f->ctx.detail, refused[i].why), "%s: %s", name, f->ctx.detail);
        (void)snprintf(place, sizeof(place), "(at byte %zu)", refused[i].at);
        EXPECT(strstr(f->ctx.detail, place), "%s: %s, want %s", name, f->ctx.detail, place);
    }
}

/* Bytes that C strings cannot hold. */
static void test_nul(void **state)
{
    struct fixture *f = *state;
    static const struct str texts[] = {STR("\0"),  STR("[1,\0 2]"),    STR("\"a\0b\""),
                                       STR("1\0"), STR("{\0\"a\":1}"), STR("\"\\\0\"")};

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        const struct json *value;
        EXPECT(json_parse(&f->ctx, texts[i], &JSON_LIMITS_WIRE, &value) == FM_E_INVALID_JSON,
               "text %zu with a NUL", i);
    }
    EXPECT(json_parse(&f->ctx, STR_NONE, &JSON_LIMITS_WIRE, &(const struct json *){0}) ==
               FM_E_INVALID_JSON,
           "absent text");
}

static struct str nested(struct fixture *f, size_t depth)
{
    buf_reset(&f->buf);
    for (size_t i = 0; i < depth; i++) {
        buf_add(&f->buf, i % 2 ? S("{\"a\":") : S("["));
    }
    buf_lit(&f->buf, "1");
    for (size_t i = depth; i > 0; i--) {
        buf_add_char(&f->buf, (i - 1) % 2 ? '}' : ']');
    }
    return buf_str(&f->buf);
}

static const struct {
    const char *name;
    size_t depth;
    enum fm_err err;
} depths[] = {
    {"depth 1", 1, FM_OK},
    {"depth 64", 64, FM_OK},
    {"depth 65", 65, FM_E_INVALID_JSON},
    {"depth 100000", 100000, FM_E_INVALID_JSON},
};

static void test_depth(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(depths); i++) {
        const struct json *value;
        fixture_reset(f);
        enum fm_err err =
            json_parse(&f->ctx, nested(f, depths[i].depth), &JSON_LIMITS_WIRE, &value);
        EXPECT(err == depths[i].err, "%s: %s", depths[i].name, f->ctx.detail);
        EXPECT(err == FM_OK || strstr(f->ctx.detail, "deeper"), "%s: %s", depths[i].name,
               f->ctx.detail);
    }
}

/* `limits` against texts right at and right over them. */
static const struct {
    const char *name, *text;
    struct json_limits limits;
    enum fm_err err;
} limited[] = {
    {"bytes at the limit", "[1,2]", {5, 9, 9}, FM_OK},
    {"bytes over the limit", "[1,2]", {4, 9, 9}, FM_E_TOO_LARGE},
    {"values at the limit", "[1,{\"a\":2}]", {99, 9, 4}, FM_OK},
    {"values over the limit", "[1,{\"a\":2}]", {99, 9, 3}, FM_E_INVALID_JSON},
    {"no container", "1", {99, 0, 9}, FM_OK},
    {"a container too many", "[]", {99, 0, 9}, FM_E_INVALID_JSON},
    {"depth counts containers, not scalars", "[[1]]", {99, 2, 9}, FM_OK},
    {"depth comes back up", "[[1],[1],[[]]]", {99, 3, 9}, FM_OK},
};

static void test_limits(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(limited); i++) {
        const struct json *value;
        enum fm_err err = json_parse(&f->ctx, str_of(limited[i].text), &limited[i].limits, &value);
        EXPECT(err == limited[i].err, "%s: %s", limited[i].name, f->ctx.detail);
    }
}

static void test_zero_copy(void **state)
{
    struct fixture *f = *state;
    static const char text[] = "{\"plain\":\"text\",\"escaped\":\"te\\u0078t\",\"n\":12,\"m\":1.0}";
    const struct json *value = must_parse(f, "zero copy", str_of(text));

    EXPECT(json_text(json_get(value, S("plain"))).p == text + 10, "plain text is borrowed");
    EXPECT_STR("escaped", json_text(json_get(value, S("escaped"))), S("text"));
    EXPECT(json_get(value, S("n"))->as.text.p == strstr(text, "12"),
           "a canonical number is borrowed");
    EXPECT_STR("number", json_get(value, S("m"))->as.text, S("1"));
}

static const char proposal[] =
    "{\"action\":\"refund.issue\",\"arguments\":{\"order\":\"W23\",\"amount\":74.50,\"note\":"
    "\"\\u00e9"
    "\xC3\xA9 \\\"x\\\"\"},\"labels\":[true,false,null,-0.25e2,{\"deep\":[[\"\\ud83d\\ude00\"]]}]}";

/* Every proper prefix is refused; each is read from a block of just its size, so that a sanitizer
 * sees a read beyond its end. */
static void test_prefixes(void **state)
{
    struct fixture *f = *state;

    for (size_t n = 0; n < sizeof(proposal) - 1; n++) {
        const struct json *value;
        char *block = malloc(n ? n : 1);
        assert_non_null(block);
        memcpy(block, proposal, n);
        fixture_reset(f);
        enum fm_err err = json_parse(&f->ctx, (struct str){block, n}, &JSON_LIMITS_WIRE, &value);
        free(block);
        EXPECT(err == FM_E_INVALID_JSON, "the first %zu bytes", n);
    }
    must_parse(f, "the whole", str_of(proposal));
}

/* With an arena of any size the answer is a tree or an error, never half a tree. */
static void test_small_arenas(void **state)
{
    size_t failed = 0;

    (void)state;
    for (size_t max = 0; max < 4096; max += 16) {
        const struct json *value = NULL;
        struct arena *arena = arena_new(max);
        struct ctx ctx;
        assert_non_null(arena);
        ctx_init(&ctx, arena);
        enum fm_err err = json_parse(&ctx, str_of(proposal), &JSON_LIMITS_WIRE, &value);
        EXPECT(err == FM_OK || !value, "%zu bytes: %s", max,
               ctx.detail);
        failed += err != FM_OK;
        if (err == FM_OK) {
            EXPECT(json_get(value, S("labels"))->count == 5, "%zu bytes", max);
        }
        arena_free(arena);
    }
    EXPECT(failed > 10 && failed < 256, "%zu arenas were too small", failed);
}

/* Order ------------------------------------------------------------------------------------- */

/* The order that RFC 8785 asks for, the slow and obvious way. */
static size_t utf16(struct str name, uint16_t out[64])
{
    size_t n = 0;

    for (size_t at = 0; at < name.n;) {
        uint32_t code = str_next_code_point(name, &at);
        if (code >= 0x10000) {
            out[n++] = (uint16_t)(0xD800 + ((code - 0x10000) >> 10));
            code = 0xDC00 + ((code - 0x10000) & 0x3FF);
        }
        out[n++] = (uint16_t)code;
    }
    return n;
}

static bool utf16_less(struct str a, struct str b)
{
    uint16_t x[64], y[64];
    size_t n = utf16(a, x), m = utf16(b, y);

    for (size_t i = 0; i < n && i < m; i++) {
        if (x[i] != y[i]) {
            return x[i] < y[i];
        }
    }
    return n < m;
}

static uint32_t draw(uint64_t *seed, uint32_t below)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33) % below;
}

/* Names of few different parts, so that long common beginnings and duplicates are frequent. */
static void add_random_name(struct buf *buf, uint64_t *seed)
{
    static const char *const parts[] = {
        "a",  "b",  "A",     "z",         "0",   "12345678",         "\xC3\xA9", "\xE2\x82\xAC",
        "\xED\x9F\xBF", PRIVATE, NONCHARACTER, SMILE, "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"};
    uint32_t n = 1 + draw(seed, 6);

    for (uint32_t i = 0; i < n; i++) {
        buf_add(buf, str_of(parts[draw(seed, COUNT_OF(parts))]));
    }
}

static void check_sorted(const struct json *object, uint64_t seed)
{
    for (uint32_t i = 1; i < object->count; i++) {
        const struct json_member *before = &object->as.members[i - 1], *here = before + 1;
        EXPECT(utf16_less(before->name, here->name), "seed %llu: \"%.*s\" before \"%.*s\"",
               (unsigned long long)seed, STR_ARG(before->name), STR_ARG(here->name));
    }
}

static void test_random_order(void **state)
{
    struct fixture *f = *state;
    size_t twice = 0, sorted = 0;

    for (uint64_t seed = 1; seed <= 2000; seed++) {
        const struct json *value = NULL;
        uint64_t next = seed;
        uint32_t n = 1 + draw(&next, seed % 3 ? 20 : 150);
        fixture_reset(f);
        for (uint32_t i = 0; i < n; i++) {
            buf_add(&f->buf, i ? S("\":0,\"") : S("{\""));
            add_random_name(&f->buf, &next);
        }
        buf_lit(&f->buf, "\":0}");
        if (json_parse(&f->ctx, buf_str(&f->buf), &JSON_LIMITS_WIRE, &value) != FM_OK) {
            EXPECT(strstr(f->ctx.detail, "twice"), "%s", f->ctx.detail);
            twice++;
            continue;
        }
        sorted++;
        EXPECT(value->count == n, "seed %llu: %u of %u", (unsigned long long)seed, value->count, n);
        check_sorted(value, seed);
    }
    EXPECT(twice > 100 && sorted > 100, "%zu with duplicates, %zu without", twice, sorted);
}

/* 60,000 names of one beginning, in falling order: a quadratic sort would take minutes. */
static void test_many_members(void **state)
{
    struct fixture *f = *state;
    const int n = 60000;

    buf_lit(&f->buf, "{");
    for (int i = n; i > 0; i--) {
        buf_printf(&f->buf, "\"samebegin%06d\":0%s", i, i > 1 ? "," : "}");
    }
    int64_t start_us = clock_monotonic_us();
    const struct json *value = NULL;
    struct json_limits limits = {2 * MIB, 64, 100000};
    EXPECT(json_parse(&f->ctx, buf_str(&f->buf), &limits, &value) == FM_OK, "%s", f->ctx.detail);
    EXPECT(clock_monotonic_us() - start_us < 10 * SECOND_US, "too slow");
    EXPECT(value->count == (uint32_t)n, "%u members", value->count);
    check_sorted(value, 0);
    EXPECT(json_get(value, S("samebegin031415")) != NULL, "found again");
    EXPECT(json_get(value, S("samebegin060001")) == NULL, "not there");
}

/* A name of 100 KB must not come back in an error. */
static void test_hostile_pointer(void **state)
{
    struct fixture *f = *state;
    const struct json *value;

    buf_lit(&f->buf, "{\"a\":{\"");
    for (int i = 0; i < 100000; i++) {
        buf_add_char(&f->buf, '~');
    }
    buf_lit(&f->buf, "\":?}}");
    EXPECT(json_parse(&f->ctx, buf_str(&f->buf), &JSON_LIMITS_WIRE, &value) == FM_E_INVALID_JSON,
           "accepted");
    EXPECT_STR("the place above", f->ctx.errors[0].pointer, S("/a"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_accepted),
        FIXTURE_TEST(test_refused),
        FIXTURE_TEST(test_nul),
        FIXTURE_TEST(test_depth),
        FIXTURE_TEST(test_limits),
        FIXTURE_TEST(test_zero_copy),
        FIXTURE_TEST(test_prefixes),
        cmocka_unit_test(test_small_arenas),
        FIXTURE_TEST(test_random_order),
        FIXTURE_TEST(test_many_members),
        FIXTURE_TEST(test_hostile_pointer),
    };

    return CHECK_RUN(tests);
}
