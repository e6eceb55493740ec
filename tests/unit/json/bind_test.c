/* SPDX-License-Identifier: Apache-2.0
 *
 * Binding: each type, each way of being wrong, and that all of it is said at once.
 */
#include "json_check.h"

struct sample {
    struct str text, free;
    enum json_bool flag;
    double share;
    int64_t count, any_number, wait_us;
    const struct json *object, *array, *any;
    struct id id;
    int choice;
};

static const char *const choices[] = {"approve", "reject", "return", NULL};

#define AT(member) .offset = offsetof(struct sample, member)

static const struct json_field fields[] = {
    {.name = "text", .type = JSON_T_STR, .flags = JSON_F_REQUIRED, .max = 8, AT(text)},
    {.name = "free", .type = JSON_T_STR, .flags = JSON_F_EMPTY | JSON_F_NULL, AT(free)},
    {.name = "flag", .type = JSON_T_BOOL, AT(flag)},
    {.name = "share", .type = JSON_T_NUMBER, .min = 0, .max_number = 1, AT(share)},
    {.name = "count", .type = JSON_T_INT, .min = 1, .max_number = 200, AT(count)},
    {.name = "any_number", .type = JSON_T_INT, AT(any_number)},
    {.name = "object", .type = JSON_T_OBJECT, .max = 2, AT(object)},
    {.name = "array", .type = JSON_T_ARRAY, .max = 2, AT(array)},
    {.name = "any", .type = JSON_T_ANY, AT(any)},
    {.name = "wait", .type = JSON_T_DURATION, AT(wait_us)},
    {.name = "id", .type = JSON_T_ID, .id_kind = ID_PROPOSAL, AT(id)},
    {.name = "choice", .type = JSON_T_CHOICE, .flags = JSON_F_NULL, .choices = choices, AT(choice)},
};

static enum fm_err bind(struct fixture *f, const char *row, const char *body, struct sample *into)
{
    const struct json *value = must_parse(f, row, str_of(body));

    return json_bind(&f->ctx, value, S("/in"), fields, COUNT_OF(fields), into);
}

static void test_everything(void **state)
{
    struct fixture *f = *state;
    struct sample s = {.count = 0};
    enum fm_err err =
        bind(f, "all",
             "{\"text\":\"12345678\",\"free\":\"\",\"flag\":false,\"share\":0.25,\"count\":200,"
             "\"any_number\":-9007199254740992,\"object\":{\"a\":1,\"b\":2},\"array\":[1,2],"
             "\"any\":null,\"wait\":\"30m\",\"id\":\"prp_00000000000000000000000001\","
             "\"choice\":\"return\"}",
             &s);

    EXPECT(err == FM_OK && f->ctx.err == FM_OK, "%s", f->ctx.detail);
    EXPECT_STR("text", s.text, S("12345678"));
    EXPECT(s.free.p && s.free.n == 0, "an empty string is there");
    EXPECT(s.flag == JSON_NO, "flag %d", (int)s.flag);
    EXPECT(s.share == 0.25, "share %g", s.share);
    EXPECT(s.count == 200 && s.any_number == INT64_C(-9007199254740992), "numbers");
    EXPECT(s.object->count == 2 && s.array->count == 2, "trees");
    EXPECT(s.any->kind == JSON_NULL, "any takes null as it is");
    EXPECT(s.wait_us == INT64_C(1800000000), "30 minutes");
    EXPECT(s.id.bytes[15] == 1, "id");
    EXPECT(s.choice == 2, "choice %d", s.choice);
}

static void test_absent(void **state)
{
    struct fixture *f = *state;
    struct sample s = {.count = 0};

    EXPECT(bind(f, "few", "{\"text\":\"x\",\"free\":null,\"choice\":null}", &s) == FM_OK, "%s",
           f->ctx.detail);
    EXPECT(s.free.p == NULL, "null reads as absent where allowed");
    EXPECT(s.flag == JSON_UNSET && s.count == 0 && !s.object && !s.any, "untouched");
    EXPECT(s.choice == -1, "an absent choice is -1");
}

/* Each row's errors as `pointer message` in the order they are reported, a line each. */
static const struct {
    const char *name, *body;
    enum fm_err err;
    const char *errors;
} bad[] = {
    {"not an object", "[]", FM_E_INVALID_ARGUMENT, "/in must be an object\n"},
    {"required", "{}", FM_E_INVALID_ARGUMENT, "/in/text is required\n"},
    {"required is not null", "{\"text\":null}", FM_E_INVALID_ARGUMENT,
     "/in/text must be a string\n"},
    {"string of another kind", "{\"text\":5}", FM_E_INVALID_ARGUMENT,
     "/in/text must be a string\n"},
    {"empty", "{\"text\":\"\"}", FM_E_INVALID_ARGUMENT, "/in/text must not be empty\n"},
    {"too long", "{\"text\":\"123456789\"}", FM_E_TOO_LARGE,
     "/in/text has 9 bytes; the limit is 8\n"},
    {"bytes, not characters", "{\"text\":\"\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\"}", FM_E_TOO_LARGE,
     "/in/text has 9 bytes; the limit is 8\n"},
    {"unknown", "{\"text\":\"x\",\"texts\":1}", FM_E_UNKNOWN_MEMBER,
     "/in/texts is not known here\n"},
    {"unknown, its pointer escaped", "{\"text\":\"x\",\"a/~\":1}", FM_E_UNKNOWN_MEMBER,
     "/in/a~1~0 is not known here\n"},
    {"flag", "{\"text\":\"x\",\"flag\":1}", FM_E_INVALID_ARGUMENT,
     "/in/flag must be true or false\n"},
    {"null without leave", "{\"text\":\"x\",\"flag\":null}", FM_E_INVALID_ARGUMENT,
     "/in/flag must be true or false\n"},
    {"number below", "{\"text\":\"x\",\"share\":-0.1}", FM_E_INVALID_ARGUMENT,
     "/in/share must be a number from 0 to 1\n"},
    {"number above", "{\"text\":\"x\",\"share\":1.5}", FM_E_INVALID_ARGUMENT,
     "/in/share must be a number from 0 to 1\n"},
    {"number as a string", "{\"text\":\"x\",\"share\":\"0.5\"}", FM_E_INVALID_ARGUMENT,
     "/in/share must be a number from 0 to 1\n"},
    {"integer below", "{\"text\":\"x\",\"count\":0}", FM_E_INVALID_ARGUMENT,
     "/in/count must be a whole number from 1 to 200\n"},
    {"integer above", "{\"text\":\"x\",\"count\":201}", FM_E_INVALID_ARGUMENT,
     "/in/count must be a whole number from 1 to 200\n"},
    {"integer with a fraction", "{\"text\":\"x\",\"count\":1.5}", FM_E_INVALID_ARGUMENT,
     "/in/count must be a whole number from 1 to 200\n"},
    {"integer without a range", "{\"text\":\"x\",\"any_number\":1e-9}", FM_E_INVALID_ARGUMENT,
     "/in/any_number must be a whole number\n"},
    {"object", "{\"text\":\"x\",\"object\":[]}", FM_E_INVALID_ARGUMENT,
     "/in/object must be an object\n"},
    {"object too large", "{\"text\":\"x\",\"object\":{\"a\":1,\"b\":1,\"c\":1}}",
     FM_E_INVALID_ARGUMENT, "/in/object has 3 members; the limit is 2\n"},
    {"array", "{\"text\":\"x\",\"array\":{}}", FM_E_INVALID_ARGUMENT,
     "/in/array must be an array\n"},
    {"array too long", "{\"text\":\"x\",\"array\":[1,2,3]}", FM_E_INVALID_ARGUMENT,
     "/in/array has 3 items; the limit is 2\n"},
    {"duration", "{\"text\":\"x\",\"wait\":\"soon\"}", FM_E_INVALID_ARGUMENT,
     "/in/wait must be a duration such as \"90s\", \"30m\", \"4h\" or \"2d\", at most 3650d\n"},
    {"duration over ten years", "{\"text\":\"x\",\"wait\":\"3651d\"}", FM_E_INVALID_ARGUMENT,
     "/in/wait must be a duration such as \"90s\", \"30m\", \"4h\" or \"2d\", at most 3650d\n"},
    {"duration as a number", "{\"text\":\"x\",\"wait\":30}", FM_E_INVALID_ARGUMENT,
     "/in/wait must be a duration such as \"90s\", \"30m\", \"4h\" or \"2d\", at most 3650d\n"},
    {"id of another kind", "{\"text\":\"x\",\"id\":\"rev_00000000000000000000000001\"}",
     FM_E_INVALID_ARGUMENT, "/in/id must be an id of the form prp_00000000000000000000000000\n"},
    {"choice", "{\"text\":\"x\",\"choice\":\"Approve\"}", FM_E_INVALID_ARGUMENT,
     "/in/choice must be one of approve, reject, return\n"},
    {"choice of another kind", "{\"text\":\"x\",\"choice\":0}", FM_E_INVALID_ARGUMENT,
     "/in/choice must be one of approve, reject, return\n"},
    {"all at once", "{\"b\":1,\"count\":0,\"flag\":\"no\",\"a\":2}", FM_E_INVALID_ARGUMENT,
     "/in/text is required\n/in/flag must be true or false\n"
     "/in/count must be a whole number from 1 to 200\n"
     "/in/a is not known here\n/in/b is not known here\n"},
};

static void test_bad(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct sample s = {.count = 0};
        fixture_reset(f);
        enum fm_err err = bind(f, bad[i].name, bad[i].body, &s);
        EXPECT(err == bad[i].err && f->ctx.err == err, "%s: %d", bad[i].name, (int)err);
        for (unsigned k = 0; k < f->ctx.error_count; k++) {
            buf_printf(&f->buf, "%.*s %.*s\n", STR_ARG(f->ctx.errors[k].pointer),
                       STR_ARG(f->ctx.errors[k].message));
        }
        EXPECT_STR(bad[i].name, buf_str(&f->buf), str_of(bad[i].errors));
    }
}

static void test_detail(void **state)
{
    struct fixture *f = *state;
    struct sample s;

    (void)bind(f, "three", "{\"text\":5,\"x\":1,\"y\":1}", &s);
    EXPECT_STR("the first, and how many more", str_of(f->ctx.detail),
               S("/in/text: must be a string (and 2 more)"));
    EXPECT(json_bind(&f->ctx, NULL, S(""), fields, COUNT_OF(fields), &s) == FM_E_INVALID_ARGUMENT,
           "accepted nothing");
    EXPECT_STR("the root has no pointer", str_of(f->ctx.detail), S("the body: must be an object"));
}

/* More bad members than there is room for: the first stay, and nothing breaks. */
static void test_many_unknown(void **state)
{
    struct fixture *f = *state;
    struct sample s;

    buf_lit(&f->buf, "{\"text\":\"x\"");
    for (int i = 0; i < 5000; i++) {
        buf_printf(&f->buf, ",\"unknown%04d\":0", i);
    }
    buf_lit(&f->buf, "}");
    const struct json *value = must_parse(f, "many", buf_str(&f->buf));
    EXPECT(json_bind(&f->ctx, value, S(""), fields, COUNT_OF(fields), &s) == FM_E_UNKNOWN_MEMBER,
           "accepted");
    EXPECT(f->ctx.error_count == CTX_FIELD_ERRORS_MAX, "%u errors", f->ctx.error_count);
    EXPECT_STR("the last that fits", f->ctx.errors[15].pointer, S("/unknown0015"));
}

/* A name of a kilobyte does not come back. */
static void test_long_unknown(void **state)
{
    struct fixture *f = *state;
    struct sample s;

    buf_lit(&f->buf, "{\"text\":\"x\",\"");
    for (int i = 0; i < 1024; i++) {
        buf_add_char(&f->buf, 'n');
    }
    buf_lit(&f->buf, "\":0}");
    const struct json *value = must_parse(f, "long", buf_str(&f->buf));
    EXPECT(json_bind(&f->ctx, value, S("/in"), fields, COUNT_OF(fields), &s) == FM_E_UNKNOWN_MEMBER,
           "accepted");
    EXPECT_STR("the object instead", f->ctx.errors[0].pointer, S("/in"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_everything),   FIXTURE_TEST(test_absent),
        FIXTURE_TEST(test_bad),          FIXTURE_TEST(test_detail),
        FIXTURE_TEST(test_many_unknown), FIXTURE_TEST(test_long_unknown),
    };

    return CHECK_RUN(tests);
}
