/* SPDX-License-Identifier: Apache-2.0
 *
 * Compiling schemas: what is refused, where and in which words; documents that the caller brings; the
 * limits.
 */
#include "json_check.h"

#include "json/json_schema.h"

static enum fm_err compile(struct fixture *f, const char *row, struct str text,
                           const struct json_schema_options *options)
{
    struct json_schema *schema = NULL;
    enum fm_err err = json_schema_new(&f->ctx, must_parse(f, row, text), options, &schema);

    EXPECT((err == FM_OK) == (schema != NULL), "%s", row);
    json_schema_free(schema);
    return err;
}

/* clang-format off */
static const struct {
    const char *name;
    struct str schema, pointer, message; /* the beginning of the message */
} refused[] = {
    {"no schema", STR("5"), STR(""), STR("a schema is an object, true or false")},
    {"a subschema that is none", STR("{\"properties\":{\"a\":1}}"), STR("/properties"),
     STR("properties wants a schema here")},
    {"an empty allOf", STR("{\"allOf\":[]}"), STR("/allOf"), STR("allOf must be a list of schemas")},
    {"an unknown type", STR("{\"items\":{\"type\":\"text\"}}"), STR("/items/type"),
     STR("type must be null, boolean, object")},
    {"YAML's null", STR("{\"type\":null}"), STR("/type"), STR("type must be null, boolean, object, array, "
     "number, string or integer, or a list of them; in YAML write \"null\" in quotes")},
    {"no types", STR("{\"type\":[]}"), STR("/type"), STR("type must not be an empty list")},
    {"a bound that is no number", STR("{\"minimum\":\"1\"}"), STR("/minimum"), STR("minimum must be a number")},
    {"a unit of 0", STR("{\"multipleOf\":0}"), STR("/multipleOf"), STR("multipleOf must be above 0")},
    {"half an item", STR("{\"minItems\":1.5}"), STR("/minItems"), STR("minItems must be a whole number")},
    {"less than nothing", STR("{\"maxLength\":-1}"), STR("/maxLength"), STR("maxLength must be a whole number")},
    {"required is no list", STR("{\"required\":\"a\"}"), STR("/required"), STR("required wants a list")},
    {"enum is no list", STR("{\"enum\":{}}"), STR("/enum"), STR("enum must be a list of values")},
    {"uniqueItems", STR("{\"uniqueItems\":1}"), STR("/uniqueItems"), STR("uniqueItems must be true or false")},
    {"a reference into nothing", STR("{\"$ref\":\"#/$defs/a\"}"), STR("/$ref"),
     STR("$ref leads to #/$defs/a, where there is no schema")},
    {"a reference to no schema", STR("{\"$ref\":\"#/minimum\",\"minimum\":1}"), STR("/$ref"),
     STR("$ref leads to #/minimum, where there is no schema")},
    {"a remote reference", STR("{\"$ref\":\"https://example.com/a.json\"}"), STR("/$ref"),
     STR("$ref leads to https://example.com/a.json, which is not here; nothing is fetched")},
    {"an older draft", STR("{\"$schema\":\"http://json-schema.org/draft-07/schema#\"}"), STR("/$schema"),
     STR("$schema must be \"https://json-schema.org/draft/2020-12/schema\", "
         "not http://json-schema.org/draft-07/schema: ")},
    {"an anchor twice", STR("{\"$defs\":{\"a\":{\"$anchor\":\"x\"},\"b\":{\"$anchor\":\"x\"}}}"),
     STR("/$defs/b/$anchor"), STR("$anchor names an anchor that there is already")},
    {"an id twice", STR("{\"$defs\":{\"a\":{\"$id\":\"http://a/x\"},\"b\":{\"$id\":\"http://a/x\"}}}"),
     STR("/$defs/b/$id"), STR("$id names a schema that there is already")},
    {"an id with a fragment", STR("{\"$id\":\"http://a/x#y\"}"), STR("/$id"), STR("$id must not have a fragment")},
    {"look-ahead", STR("{\"pattern\":\"^(?=a)\"}"), STR("/pattern"),
     STR("pattern has a pattern that is refused: look-ahead cannot be matched in linear time (at byte 1)")},
    {"look-behind", STR("{\"patternProperties\":{\"(?<!a)b\":{}}}"), STR("/patternProperties"),
     STR("patternProperties has a pattern that is refused: look-behind")},
    {"a back reference", STR("{\"pattern\":\"(a)\\\\1\"}"), STR("/pattern"),
     STR("pattern has a pattern that is refused: a back reference")},
    {"an escape of RE2's own", STR("{\"pattern\":\"\\\\Aa\"}"), STR("/pattern"),
     STR("pattern has a pattern that is refused: an escape that ECMA-262 does not have")},
    {"an unclosed group", STR("{\"pattern\":\"(a\"}"), STR("/pattern"), STR("pattern is not a regular expression")},
    {"a circle", STR("{\"$ref\":\"#\"}"), STR("/$ref"), STR("$ref leads back to where it came from")},
    {"a circle of two", STR("{\"$defs\":{\"a\":{\"allOf\":[{\"$ref\":\"#/$defs/b\"}]},"
     "\"b\":{\"$ref\":\"#/$defs/a\"}}}"),
     STR("/$defs/b/$ref"), STR("$ref leads back to where it came from")},
};

static const struct {
    const char *name;
    struct str schema;
} accepted[] = {
    {"true", STR("true")},
    {"a tree", STR("{\"properties\":{\"next\":{\"$ref\":\"#\"}}}")},
    {"unknown keywords", STR("{\"requried\":[\"a\"]}")},
    {"the draft's metaschema", STR("{\"$ref\":\"https://json-schema.org/draft/2020-12/schema\"}")},
    {"anything in const and enum", STR("{\"const\":{\"$ref\":\"#/nowhere\"},\"enum\":[{\"type\":5}]}")},
};
/* clang-format on */

static void test_refused(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        const char *name = refused[i].name;
        fixture_reset(f);
        EXPECT(compile(f, name, refused[i].schema, NULL) == FM_E_INVALID_ARGUMENT, "%s", name);
        assert_int_equal(f->ctx.error_count, 1);
        EXPECT_STR(name, f->ctx.errors[0].pointer, refused[i].pointer);
        EXPECT(str_starts(f->ctx.errors[0].message, refused[i].message), "%s: %.*s", name,
               STR_ARG(f->ctx.errors[0].message));
    }
}

static void test_accepted(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(accepted); i++) {
        fixture_reset(f);
        EXPECT(compile(f, accepted[i].name, accepted[i].schema, NULL) == FM_OK, "%s: %s",
               accepted[i].name, f->ctx.detail);
    }
}

static void test_strict(void **state)
{
    static const struct json_schema_options strict = {.strict = true};
    struct fixture *f = *state;

    assert_int_equal(compile(f, "x-", S("{\"x-note\":1,\"title\":\"t\",\"then\":true}"), &strict),
                     FM_OK);
    assert_int_equal(compile(f, "slip", S("{\"items\":{\"requried\":[\"a\"]}}"), &strict),
                     FM_E_INVALID_ARGUMENT);
    EXPECT_STR("slip", f->ctx.errors[0].pointer, S("/items/requried"));
    EXPECT_STR(
        "slip", f->ctx.errors[0].message,
        S("requried is not a keyword of JSON Schema 2020-12; did you mean \"required\"?; notes "
          "of your own begin with x-"));
}

static void test_documents(void **state)
{
    struct fixture *f = *state;
    struct json_schema_document document = {S("https://example.com/money"),
                                            must_parse(f, "doc", S("{\"minimum\":\"x\"}"))};
    struct json_schema_options options = {.documents = &document, .document_count = 1};
    struct str schema = S("{\"$id\":\"https://example.com/a/b\",\"$ref\":\"../money\"}");

    assert_int_equal(compile(f, "broken", schema, &options), FM_E_INVALID_ARGUMENT);
    EXPECT_STR("broken", str_of(f->ctx.detail),
               S("https://example.com/money#/minimum: minimum must be a number"));
    fixture_reset(f);
    document.schema = must_parse(f, "doc", S("{\"minimum\":1}"));
    assert_int_equal(compile(f, "good", schema, &options), FM_OK);
    document.schema = must_parse(f, "doc", S("{\"minimum\":\"x\"}"));
    assert_int_equal(compile(f, "not asked for", S("{}"), &options), FM_OK);
}

static void test_limits(void **state)
{
    struct fixture *f = *state;

    buf_lit(&f->buf, "{\"allOf\":[{}");
    for (int i = 1; i < JSON_SCHEMA_NODES_MAX; i++) {
        buf_lit(&f->buf, ",{}");
    }
    buf_lit(&f->buf, "]}");
    struct str text = arena_copy(f->arena, buf_str(&f->buf));
    assert_int_equal(compile(f, "nodes", text, NULL), FM_E_INVALID_ARGUMENT);
    EXPECT(strstr(f->ctx.detail, "more than 20000 subschemas"), "%s", f->ctx.detail);
    fixture_reset(f);
    buf_lit(&f->buf, "{\"patternProperties\":{\"\":{}");
    for (int i = 0; i < JSON_SCHEMA_PATTERNS_MAX; i++) {
        buf_printf(&f->buf, ",\"a%d\":{}", i);
    }
    buf_lit(&f->buf, "}}");
    text = arena_copy(f->arena, buf_str(&f->buf));
    assert_int_equal(compile(f, "patterns", text, NULL), FM_E_INVALID_ARGUMENT);
    EXPECT(strstr(f->ctx.detail, "one pattern too many"), "%s", f->ctx.detail);
    fixture_reset(f);
    buf_lit(&f->buf, "{\"$defs\":{\"a\":{}");
    for (int i = 0; i <= JSON_SCHEMA_ANCHORS_MAX; i++) {
        buf_printf(&f->buf, ",\"a%d\":{\"$anchor\":\"a%d\"}", i, i);
    }
    buf_lit(&f->buf, "}}");
    text = arena_copy(f->arena, buf_str(&f->buf));
    assert_int_equal(compile(f, "anchors", text, NULL), FM_E_INVALID_ARGUMENT);
    EXPECT(strstr(f->ctx.detail, "one anchor too many"), "%s", f->ctx.detail);
    fixture_reset(f);
    buf_lit(&f->buf, "{\"$defs\":{\"a0\":true");
    for (int i = 1; i < 600; i++) {
        buf_printf(&f->buf, ",\"a%d\":{\"$ref\":\"#/$defs/a%d\"}", i, i - 1);
    }
    buf_lit(&f->buf, "}}");
    text = arena_copy(f->arena, buf_str(&f->buf));
    assert_int_equal(compile(f, "a long chain", text, NULL), FM_E_INVALID_ARGUMENT);
    EXPECT(strstr(f->ctx.detail, "512"), "%s", f->ctx.detail);
}

/* Whole-tree values of the schema are copied: it outlives what it was made of. */
static void test_outlives(void **state)
{
    struct fixture *f = *state;
    struct json_schema *schema = NULL;

    assert_int_equal(
        json_schema_new(&f->ctx, must_parse(f, "s", S("{\"const\":\"kept\"}")), NULL, &schema),
        FM_OK);
    fixture_reset(f);
    memset(arena_alloc(f->arena, 4 * KIB), 'x', 4 * KIB);
    EXPECT_STR("source", canonical(f, json_schema_source(schema)), S("{\"const\":\"kept\"}"));
    json_schema_free(schema);
    json_schema_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_refused),   FIXTURE_TEST(test_accepted), FIXTURE_TEST(test_strict),
        FIXTURE_TEST(test_documents), FIXTURE_TEST(test_limits),   FIXTURE_TEST(test_outlives),
    };

    return CHECK_RUN(tests);
}
