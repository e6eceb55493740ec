/* SPDX-License-Identifier: Apache-2.0
 *
 * What a check says: which errors, where, in which words and order; and that no schema and no value makes
 * it run for ever. That the draft's rules hold is the affair of tests/conformance/schema_test.c.
 */
#include "json_check.h"

#include "json/json_schema.h"

static struct json_schema *must_compile(struct fixture *f, const char *row, struct str text)
{
    struct json_schema *schema = NULL;
    enum fm_err err = json_schema_new(&f->ctx, must_parse(f, row, text), NULL, &schema);

    EXPECT(err == FM_OK, "%s: %s", row, f->ctx.detail);
    return schema;
}

/* Errors as lines "pointer keyword@schema_pointer: message". */
static struct str errors_of(struct fixture *f, const char *row, struct str schema_text,
                            struct str value_text)
{
    struct json_schema *schema = must_compile(f, row, schema_text);
    const struct json *value = must_parse(f, row, value_text);
    struct json_schema_error errors[JSON_SCHEMA_ERRORS_MAX];
    size_t count = 0;
    enum fm_err err = json_schema_check(&f->ctx, schema, value, errors, &count);

    EXPECT(err == (count ? FM_E_SCHEMA : FM_OK), "%s: %d", row, (int)err);
    buf_reset(&f->buf);
    for (size_t i = 0; i < count; i++) {
        buf_printf(&f->buf, "%s%.*s %s@%.*s: %.*s", i ? "\n" : "", STR_ARG(errors[i].pointer),
                   errors[i].keyword, STR_ARG(errors[i].schema_pointer),
                   STR_ARG(errors[i].message));
    }
    json_schema_free(schema);
    return buf_str(&f->buf);
}

/* clang-format off */
static const struct {
    const char *name;
    struct str schema, value, errors;
} says[] = {
    {"a match says nothing", STR("{\"type\":\"object\"}"), STR("{}"), STR("")},
    {"type", STR("{\"properties\":{\"a\":{\"type\":\"string\"}}}"), STR("{\"a\":5}"),
     STR("/a type@/properties/a/type: must be a text, not a number")},
    {"types", STR("{\"type\":[\"string\",\"null\"]}"), STR("true"),
     STR(" type@/type: must be null or a text, not true or false")},
    {"a fraction is no integer", STR("{\"type\":\"integer\"}"), STR("1.5"),
     STR(" type@/type: must be a whole number, not a number")},
    {"required points at what is missing", STR("{\"required\":[\"a\",\"b\"]}"), STR("{\"b\":1}"),
     STR("/a required@/required: is required")},
    {"names are escaped", STR("{\"required\":[\"a/b~\"]}"), STR("{}"),
     STR("/a~1b~0 required@/required: is required")},
    {"an unknown member, with a near miss",
     STR("{\"properties\":{\"order_id\":{},\"amount\":{}},\"additionalProperties\":false}"),
     STR("{\"amount\":1,\"ordr_id\":1}"),
     STR("/ordr_id additionalProperties@/additionalProperties: is not known here; did you mean `order_id`?")},
    {"an unknown member, no near miss: that one is there",
     STR("{\"properties\":{\"amount\":{}},\"additionalProperties\":false}"),
     STR("{\"amount\":1,\"amout\":1}"),
     STR("/amout additionalProperties@/additionalProperties: is not known here")},
    {"enum", STR("{\"enum\":[\"USD\",\"EUR\",1]}"), STR("\"usd\""),
     STR(" enum@/enum: must be one of \"USD\", \"EUR\", 1")},
    {"const", STR("{\"const\":{\"a\":[1]}}"), STR("{\"a\":[2]}"),
     STR(" const@/const: must be {\"a\":[1]}")},
    {"bounds", STR("{\"items\":{\"exclusiveMinimum\":0,\"maximum\":10}}"), STR("[0,11,5]"),
     STR("/0 exclusiveMinimum@/items/exclusiveMinimum: must be above 0\n"
         "/1 maximum@/items/maximum: must be at most 10")},
    {"cents", STR("{\"multipleOf\":0.01}"), STR("19.995"),
     STR(" multipleOf@/multipleOf: must be a multiple of 0.01")},
    {"cents that doubles get wrong", STR("{\"multipleOf\":0.01}"), STR("4.35"), STR("")},
    {"small units", STR("{\"multipleOf\":0.0001}"), STR("0.0075"), STR("")},
    {"length in code points", STR("{\"maxLength\":2}"), STR("\"\\ud83d\\udc32\\ud83d\\udc32\""), STR("")},
    {"length", STR("{\"minLength\":3}"), STR("\"ab\""),
     STR(" minLength@/minLength: must have at least 3 characters, not 2")},
    {"empty", STR("{\"minLength\":1}"), STR("\"\""), STR(" minLength@/minLength: must not be empty")},
    {"pattern", STR("{\"pattern\":\"^W[0-9]+$\"}"), STR("\"X1\""),
     STR(" pattern@/pattern: must match the pattern ^W[0-9]+$")},
    {"unique, the later of both", STR("{\"uniqueItems\":true}"), STR("[{\"a\":1,\"b\":2},3,{\"b\":2,\"a\":1}]"),
     STR("/2 uniqueItems@/uniqueItems: stands in the list twice")},
    {"a closed tuple", STR("{\"prefixItems\":[{},{}],\"items\":false}"), STR("[1,2,3]"),
     STR(" items@/items: must have at most 2 items, not 3")},
    {"through a reference", STR("{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"type\":\"null\"}}}"), STR("1"),
     STR(" type@/$defs/a/type: must be null, not a number")},
    {"the false schema", STR("{\"properties\":{\"a\":false}}"), STR("{\"a\":1}"),
     STR("/a false@/properties/a: is not allowed here")},
    {"unevaluated", STR("{\"allOf\":[{\"properties\":{\"a\":{}}}],\"unevaluatedProperties\":false}"),
     STR("{\"a\":1,\"b\":2}"),
     STR("/b unevaluatedProperties@/unevaluatedProperties: is not known here")},
    {"what is wrong comes before what follows from it",
     STR("{\"properties\":{\"a\":{\"type\":\"null\"}},\"unevaluatedProperties\":false}"),
     STR("{\"a\":1,\"b\":2}"),
     STR("/a type@/properties/a/type: must be null, not a number")},
    {"no alternative stands out", STR("{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}"), STR("1"),
     STR(" anyOf@/anyOf: matches none of the 2 alternatives: must be a text, not a number; or must "
         "be null, not a number")},
    {"the alternative that was meant",
     STR("{\"oneOf\":[{\"properties\":{\"kind\":{\"const\":\"card\"}},\"required\":[\"number\"]},"
         "{\"properties\":{\"kind\":{\"const\":\"iban\"}},\"required\":[\"iban\",\"name\"]}]}"),
     STR("{\"kind\":\"iban\",\"name\":\"A\"}"),
     STR("/iban required@/oneOf/1/required: is required\n"
         " oneOf@/oneOf: matches none of the 2 alternatives")},
    {"two alternatives", STR("{\"oneOf\":[{\"minimum\":1},{\"minimum\":2}]}"), STR("3"),
     STR(" oneOf@/oneOf: matches two alternatives, the 1. and the 2., but must match only one")},
    {"dependent", STR("{\"dependentRequired\":{\"card\":[\"name\"]}}"), STR("{\"card\":1}"),
     STR("/name dependentRequired@/dependentRequired: is required where there is `card`")},
    {"contains", STR("{\"contains\":{\"const\":1},\"minContains\":2}"), STR("[1,2]"),
     STR(" contains@/contains: must contain at least 2 items of the kind asked for, not 1")},
    {"control characters stay out of sentences", STR("{\"const\":\"a\\u007fb\\u001b[2J\"}"), STR("1"),
     STR(" const@/const: must be \"a\x7f" "b\\u001b[2J\"")},
};
/* clang-format on */

static void test_says(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(says); i++) {
        fixture_reset(f);
        EXPECT_STR(says[i].name, errors_of(f, says[i].name, says[i].schema, says[i].value),
                   says[i].errors);
    }
}

static void test_errors_are_bounded(void **state)
{
    struct fixture *f = *state;
    AUTO(buf_done) struct buf value = BUF_INIT(MIB);
    struct json_schema *schema = must_compile(f, "items", S("{\"items\":{\"type\":\"null\"}}"));
    struct json_schema_error errors[JSON_SCHEMA_ERRORS_MAX];
    size_t count;

    buf_lit(&value, "[0");
    for (int i = 1; i < 1000; i++) {
        buf_printf(&value, ",%d", i);
    }
    buf_lit(&value, "]");
    assert_int_equal(
        json_schema_check(&f->ctx, schema, must_parse(f, "list", buf_str(&value)), errors, &count),
        FM_E_SCHEMA);
    assert_int_equal(count, JSON_SCHEMA_ERRORS_MAX);
    EXPECT_STR("first", errors[0].pointer, S("/0"));
    json_schema_free(schema);
}

static void test_require(void **state)
{
    struct fixture *f = *state;
    struct json_schema *schema =
        must_compile(f, "two", S("{\"required\":[\"a\"],\"properties\":{\"b\":{\"minimum\":0}}}"));

    assert_int_equal(
        json_schema_require(&f->ctx, schema, must_parse(f, "v", S("{\"b\":-1}")), S("/arguments")),
        FM_E_SCHEMA);
    assert_int_equal(f->ctx.error_count, 2);
    EXPECT_STR("1", f->ctx.errors[0].pointer, S("/arguments/a"));
    EXPECT_STR("2", f->ctx.errors[1].pointer, S("/arguments/b"));
    EXPECT_STR("2", f->ctx.errors[1].message, S("must be at least 0"));
    EXPECT_STR("detail", str_of(f->ctx.detail), S("/arguments/a: is required (and 1 more)"));
    json_schema_free(schema);
}

/* Limits ------------------------------------------------------------------------------------------ */

/* Ends with an error at "" that holds `words`. */
static void check_exhausted(struct fixture *f, const char *row, struct str schema_text,
                            struct str value_text, const char *words)
{
    struct str errors = errors_of(f, row, schema_text, value_text);

    EXPECT(memmem(errors.p, errors.n, words, strlen(words)), "%s: %.*s", row, STR_ARG(errors));
}

static void test_ends(void **state)
{
    struct fixture *f = *state;
    AUTO(buf_done) struct buf schema = BUF_INIT(MIB), value = BUF_INIT(MIB);

    check_exhausted(f, "a dynamic circle", S("{\"$dynamicAnchor\":\"a\",\"$dynamicRef\":\"#a\"}"),
                    S("1"), "too deep");
    fixture_reset(f);
    check_exhausted(f, "a dynamic circle inside not",
                    S("{\"not\":{\"$dynamicAnchor\":\"a\",\"$dynamicRef\":\"#a\"}}"), S("1"),
                    "too deep");
    fixture_reset(f);
    /* each level doubles the work below it: 2^40 steps, if nobody counted */
    buf_lit(&schema, "{\"$defs\":{\"a0\":{\"type\":\"null\"}");
    for (int i = 1; i <= 40; i++) {
        buf_printf(&schema,
                   ",\"a%d\":{\"anyOf\":[{\"$ref\":\"#/$defs/a%d\"},{\"$ref\":\"#/$defs/a%d\"}]}",
                   i, i - 1, i - 1);
    }
    buf_lit(&schema, "},\"$ref\":\"#/$defs/a40\"}");
    check_exhausted(f, "a doubling", buf_str(&schema), S("1"), "too many steps");
    fixture_reset(f);
    buf_lit(&value, "[");
    for (int i = 0; i < 20000; i++) {
        buf_printf(&value, "%d,", i);
    }
    buf_lit(&value, "0]");
    EXPECT_STR("20,000 items, one twice",
               errors_of(f, "unique", S("{\"uniqueItems\":true}"), buf_str(&value)),
               S("/20000 uniqueItems@/uniqueItems: stands in the list twice"));
}

/* Words cost steps: a value that does not match is refused even where there is no room to say why. */
static void test_too_many_reasons(void **state)
{
    struct fixture *f = *state;
    AUTO(buf_done) struct buf schema = BUF_INIT(MIB);

    buf_lit(&schema, "{\"anyOf\":[false");
    for (int i = 1; i < 15000; i++) {
        buf_lit(&schema, ",{\"enum\":[\"a\"]}");
    }
    buf_lit(&schema, "]}");
    EXPECT_STR("many alternatives", errors_of(f, "many alternatives", buf_str(&schema), S("1")),
               S(" @: does not match, for too many reasons to name one"));
}

/* The nearest name is looked for among the first of many: no product of two long lists. */
static void test_many_names(void **state)
{
    struct fixture *f = *state;
    AUTO(buf_done) struct buf schema = BUF_INIT(MIB), value = BUF_INIT(MIB);
    struct str errors;

    buf_lit(&schema, "{\"additionalProperties\":false,\"properties\":{\"x\":{}");
    buf_lit(&value, "{\"x\":1");
    for (int i = 0; i < 10000; i++) {
        buf_printf(&schema, ",\"a_name_of_some_length_%d\":{}", i);
        buf_printf(&value, ",\"a_nmae_of_some_length_%d\":1", i);
    }
    buf_lit(&schema, "}}");
    buf_lit(&value, "}");
    errors = errors_of(f, "many names", buf_str(&schema), buf_str(&value));
    EXPECT(memmem(errors.p, errors.n, "did you mean `a_name_of_some_length_0`?", 39), "%.*s",
           STR_ARG(errors));
}

static void test_formats(void **state)
{
    static const struct json_schema_options options = {.assert_formats = true};
    struct fixture *f = *state;
    const struct json *text = must_parse(f, "schema", S("{\"format\":\"date\"}"));
    const struct json *bad = must_parse(f, "value", S("\"2026-02-30\""));
    struct json_schema *asserted, *noted;

    assert_int_equal(json_schema_new(&f->ctx, text, &options, &asserted), FM_OK);
    assert_int_equal(json_schema_new(&f->ctx, text, NULL, &noted), FM_OK);
    assert_int_equal(json_schema_require(&f->ctx, asserted, bad, S("")), FM_E_SCHEMA);
    EXPECT_STR("date", f->ctx.errors[0].message, S("must be of the format date"));
    assert_int_equal(json_schema_require(&f->ctx, noted, bad, S("")), FM_OK);
    json_schema_free(asserted);
    json_schema_free(noted);
}

/* Members ----------------------------------------------------------------------------------------- */

static void test_members(void **state)
{
    struct fixture *f = *state;
    struct json_schema_member members[4];
    struct json_schema *schema = must_compile(
        f, "members",
        S("{\"$defs\":{\"money\":{\"type\":\"number\"}},\"required\":[\"b\"],"
          "\"properties\":{\"b\":{\"type\":\"string\"},\"a\":{\"$ref\":\"#/$defs/money\"}},"
          "\"allOf\":[{\"properties\":{\"c\":{\"type\":\"object\",\"properties\":{\"d\":true}}},"
          "\"required\":[\"a\",\"e\"]}]}"));

    assert_int_equal(json_schema_members(schema, NULL, members, COUNT_OF(members)), 4);
    EXPECT_STR("a", members[0].name, S("a"));
    EXPECT_STR("a", canonical(f, members[0].schema), S("{\"type\":\"number\"}"));
    assert_true(members[0].required && members[1].required && members[3].required);
    assert_false(members[2].required);
    assert_null(members[3].schema);
    assert_int_equal(json_schema_members(schema, members[2].schema, members, 4), 1);
    EXPECT_STR("d", members[0].name, S("d"));
    assert_int_equal(json_schema_members(schema, NULL, members, 2), 2);
    json_schema_free(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_says),       FIXTURE_TEST(test_errors_are_bounded),
        FIXTURE_TEST(test_require),    FIXTURE_TEST(test_ends),
        FIXTURE_TEST(test_formats),    FIXTURE_TEST(test_too_many_reasons),
        FIXTURE_TEST(test_many_names), FIXTURE_TEST(test_members),
    };

    return CHECK_RUN(tests);
}
