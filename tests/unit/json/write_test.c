/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing: escapes, the canonical form, answers built call by call.
 */
#include "json_check.h"

static const struct {
    const char *name;
    struct str text, written;
} strings[] = {
    {"empty", STR(""), STR("\"\"")},
    {"absent", {NULL, 0}, STR("\"\"")},
    {"plain", STR("The quick brown fox"), STR("\"The quick brown fox\"")},
    {"quote and backslash", STR("\"\\"), STR("\"\\\"\\\\\"")},
    {"slash stays", STR("</script>"), STR("\"</script>\"")},
    {"short escapes", STR("\b\f\n\r\t"), STR("\"\\b\\f\\n\\r\\t\"")},
    {"NUL", STR("a\0b"), STR("\"a\\u0000b\"")},
    {"hex in lower case", STR("\x0b\x1f"), STR("\"\\u000b\\u001f\"")},
    {"delete stays", STR("\x7f"), STR("\"\x7f\"")},
    {"UTF-8 stays", STR("\xC3\xA9\xE2\x80\xA8\xF0\x9F\x98\x80"),
     STR("\"\xC3\xA9\xE2\x80\xA8\xF0\x9F\x98\x80\"")},
    {"escape in the eighth byte", STR("1234567\"9"), STR("\"1234567\\\"9\"")},
    {"escape in the ninth byte", STR("12345678\n"), STR("\"12345678\\n\"")},
    {"bytes that differ in the high bit", STR("1234567\xC2\xA2"), STR("\"1234567\xC2\xA2\"")},
};

static void test_strings(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(strings); i++) {
        buf_reset(&f->buf);
        json_write_string(&f->buf, strings[i].text);
        EXPECT_STR(strings[i].name, buf_str(&f->buf), strings[i].written);
    }
}

/* Every byte at every place in a word: escaped exactly when it must be. */
static void test_every_byte(void **state)
{
    struct fixture *f = *state;

    for (int byte = 0; byte < 256; byte++) {
        for (size_t place = 0; place < 20; place++) {
            char text[20];
            bool escaped = byte < 0x20 || byte == '"' || byte == '\\';
            bool one_letter =
                byte == '"' || byte == '\\' || (byte >= 8 && byte <= 13 && byte != 11);
            size_t extra = !escaped ? 0 : one_letter ? 1 : 5;
            memset(text, 'x', sizeof(text));
            text[place] = (char)byte;
            buf_reset(&f->buf);
            json_write_string(&f->buf, (struct str){text, sizeof(text)});
            EXPECT(buf_str(&f->buf).n == sizeof(text) + 2 + extra, "byte %d at %zu: %.*s", byte,
                   place, STR_ARG(buf_str(&f->buf)));
        }
    }
}

static void test_canonical_twice(void **state)
{
    struct fixture *f = *state;
    const struct json *value =
        must_parse(f, "first", S(" {\"b\":[1.50,{\"d\":null,\"c\":\"\\u000a\"}],\"a\":-0} "));
    struct str once = arena_copy(f->arena, canonical(f, value));

    EXPECT_STR("once", once, S("{\"a\":0,\"b\":[1.5,{\"c\":\"\\n\",\"d\":null}]}"));
    EXPECT_STR("twice", canonical(f, must_parse(f, "second", once)), once);
}

static void test_full_buffer(void **state)
{
    struct fixture *f = *state;
    const struct json *value = must_parse(f, "value", S("{\"a\":[1,2,3]}"));
    AUTO(buf_done) struct buf exact = BUF_INIT(13);
    AUTO(buf_done) struct buf small = BUF_INIT(12);

    json_write(&exact, value);
    json_write(&small, value);
    EXPECT(buf_ok(&exact) && buf_str(&exact).n == 13, "13 bytes hold it");
    EXPECT(!buf_ok(&small), "12 bytes do not");
}

/* Answers ----------------------------------------------------------------------------------- */

static void answer_nothing(struct json_out *out)
{
    jo_object(out);
    jo_object_end(out);
}

static void answer_list(struct json_out *out)
{
    jo_array(out);
    jo_int(out, 0);
    jo_int(out, INT64_C(-9007199254740992));
    jo_double(out, 0.1);
    jo_double(out, -1e-7);
    jo_bool(out, true);
    jo_bool(out, false);
    jo_null(out);
    jo_str(out, S("a\"b"));
    jo_str(out, S(""));
    jo_str(out, STR_NONE);
    jo_raw(out, S("{\"x\":1}"));
    jo_value(out, NULL);
    jo_array_end(out);
}

static void answer_nested(struct json_out *out)
{
    jo_object(out);
    jo_key(out, "a");
    jo_array(out);
    jo_object(out);
    jo_object_end(out);
    jo_array(out);
    jo_array_end(out);
    jo_int(out, 1);
    jo_array_end(out);
    jo_key_str(out, S("q\"\n"));
    jo_object(out);
    jo_m_int(out, "n", 2);
    jo_object_end(out);
    jo_m_bool(out, "last", true);
    jo_object_end(out);
}

static void answer_members(struct json_out *out)
{
    static const struct id zero;

    jo_object(out);
    jo_m_str(out, "text", S("t"));
    jo_m_str(out, "absent", STR_NONE);
    jo_m_null(out, "null");
    jo_m_time(out, "never", 0);
    jo_m_time(out, "at", INT64_C(1500000));
    jo_m_id(out, "nobody", ID_PERSON, zero);
    jo_m_id(out, "id", ID_PROPOSAL, (struct id){{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}});
    jo_m_raw(out, "raw", S("[1]"));
    jo_m_raw(out, "none", STR_NONE);
    jo_object_end(out);
}

static void answer_raw_members(struct json_out *out)
{
    jo_object(out);
    jo_members(out, S(""));
    jo_m_int(out, "a", 1);
    jo_members(out, STR_NONE);
    jo_members(out, S("\"b\":2,\"c\":3"));
    jo_m_int(out, "d", 4);
    jo_object_end(out);
}

static void answer_leading_members(struct json_out *out)
{
    jo_object(out);
    jo_members(out, S("\"a\":1"));
    jo_m_int(out, "b", 2);
    jo_object_end(out);
}

static const struct {
    const char *name;
    void (*write)(struct json_out *out);
    const char *written;
} answers[] = {
    {"nothing", answer_nothing, "{}"},
    {"every kind of item", answer_list,
     "[0,-9007199254740992,0.1,-1e-7,true,false,null,\"a\\\"b\",\"\",null,{\"x\":1},null]"},
    {"nesting", answer_nested, "{\"a\":[{},[],1],\"q\\\"\\n\":{\"n\":2},\"last\":true}"},
    {"members in one call", answer_members,
     "{\"text\":\"t\",\"absent\":null,\"null\":null,\"never\":null,\"at\":\"1970-01-01T00:00:01."
     "500Z\","
     "\"nobody\":null,\"id\":\"prp_00000000000000000000000001\",\"raw\":[1],\"none\":null}"},
    {"raw members", answer_raw_members, "{\"a\":1,\"b\":2,\"c\":3,\"d\":4}"},
    {"raw members first", answer_leading_members, "{\"a\":1,\"b\":2}"},
};

static void test_answers(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        struct json_out out = JSON_OUT(&f->buf);
        fixture_reset(f);
        answers[i].write(&out);
        EXPECT_STR(answers[i].name, buf_str(&f->buf), str_of(answers[i].written));
        must_parse(f, answers[i].name, buf_str(&f->buf));
    }
}

static void test_value_in_answer(void **state)
{
    struct fixture *f = *state;
    struct json_out out = JSON_OUT(&f->buf);
    const struct json *value = must_parse(f, "value", S("{\"b\":1.0,\"a\":[]}"));

    jo_array(&out);
    jo_value(&out, value);
    jo_value(&out, json_get(value, S("a")));
    jo_array_end(&out);
    EXPECT_STR("canonical", buf_str(&f->buf), S("[{\"a\":[],\"b\":1},[]]"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_strings),         FIXTURE_TEST(test_every_byte),
        FIXTURE_TEST(test_canonical_twice), FIXTURE_TEST(test_full_buffer),
        FIXTURE_TEST(test_answers),         FIXTURE_TEST(test_value_in_answer),
    };

    return CHECK_RUN(tests);
}
