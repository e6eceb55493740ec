/* SPDX-License-Identifier: Apache-2.0
 *
 * Schemas of actions: what YAML becomes, and where the mistakes in it stand.
 */
#include "policy_check.h"

static const struct {
    const char *name, *yaml, *want;
} refused[] = {
    {"no schema", "version: 1\nactions: {a: {schema: 5}}\n",
     "2:15: schema: a schema is an object, true or false"},
    {"nothing", "version: 1\nactions:\n  a:\n    schema:\n",
     "4:5: schema: a schema is an object, true or false"},
    {"the place of a keyword",
     "version: 1\nactions:\n  a:\n    schema:\n      properties:\n        b: {minLength: x}\n",
     "6:13: schema: minLength must be a whole number, 0 or more"},
    {"the place of an item",
     "version: 1\nactions:\n  a:\n    schema:\n      allOf:\n        - {}\n        - {type: "
     "text}\n",
     "7:12: schema: type must be null, boolean, object, array, number, string or integer, or a "
     "list of them"},
    {"the place behind a name with a slash",
     "version: 1\nactions:\n  a:\n    schema:\n      properties:\n        b/c~d:\n          "
     "minimum: "
     "one\n",
     "7:11: schema: minimum must be a number"},
    {"a slip", "version: 1\nactions: {a: {schema: {requried: [b]}}}\n",
     "2:24: schema: requried is not a keyword of JSON Schema 2020-12; did you mean "
     "\"required\"?; notes of your own begin with x-"},
    {"null without quotes", "version: 1\nactions: {a: {schema: {type: null}}}\n",
     "2:24: schema: type must be null, boolean, object, array, number, string or integer, or a "
     "list of them; in YAML write \"null\" in quotes"},
    {"a number as JSON does not write it",
     "version: 1\nactions: {a: {schema: {minimum: 0.50, maximum: 1e3}}}\n",
     "2:33: \"0.50\" is not how JSON writes this number: write it like 0.5, 100 or -3, or in "
     "quotes if it is a text\n"
     "2:48: \"1e3\" is not how JSON writes this number: write it like 0.5, 100 or -3, or in quotes "
     "if it is a text"},
    {"a format that is not checked", "version: 1\nactions: {a: {schema: {format: e-mail}}}\n",
     "2:24: schema: format names a format that is not checked here: use one of date-time, date, "
     "time, duration, email, hostname, ipv4, ipv6, uri, uri-reference, uuid, json-pointer, "
     "relative-json-pointer, regex, or a pattern"},
    {"a pattern that needs backtracking",
     "version: 1\nactions: {a: {schema: {pattern: '(?!a)'}}}\n",
     "2:24: schema: pattern has a pattern that is refused: look-ahead cannot be matched in linear "
     "time (at byte 0)"},
    {"a remote schema", "version: 1\nactions: {a: {schema: {$ref: 'https://a.example/b'}}}\n",
     "2:24: schema: $ref leads to https://a.example/b, which is not here; nothing is fetched"},
    {"a key twice", "version: 1\nactions: {a: {schema: {type: object, type: array}}}\n",
     "2:38: the key \"type\" stands here a second time, after line 2"},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        AUTO(loading_done) struct loading l = {0};
        load_text(&l, refused[i].yaml);
        EXPECT_STR(refused[i].name, findings_text(&l), str_of(refused[i].want));
        EXPECT(l.err == FM_E_INVALID_ARGUMENT, "%s: %s", refused[i].name, l.ctx.detail);
    }
}

static void test_schema(void **state)
{
    AUTO(loading_done) struct loading l = {0};
    const struct policy_action *action;
    struct str source;

    (void)state;
    load_text(&l,
              "version: 1\nactions:\n  a: {schema: {required: [b], properties: {b: {enum: [5, '5', "
              "null, off]}}}}\n  any: {schema: {}}\n  none: {}\n");
    EXPECT(l.err == FM_OK && l.count == 0, "%s", l.ctx.detail);
    action = policy_action(l.policy, S("a"));
    EXPECT(action->schema && policy_action(l.policy, S("any"))->schema, "schemas");
    EXPECT(!policy_action(l.policy, S("none"))->schema, "a schema of nothing");
    source = json_text(
        &json_at(json_schema_source(action->schema), S("/properties/b/enum"))->as.items[3]);
    EXPECT_STR("YAML's words stay words", source, S("off"));
    EXPECT(json_at(json_schema_source(action->schema), S("/properties/b/enum/0"))->kind ==
               JSON_NUMBER,
           "a number");
}

/* What a condition says of other actions is not held against this one's arguments; what it may say
 * of this one is. */
static void test_parts(void **state)
{
    static const char head[] =
        "version: 1\nactions:\n"
        "  a: {effects: [money], schema: {required: [x], properties: {x: {type: number}}}}\n"
        "  b: {schema: {required: [y], properties: {x: {type: string}, y: {type: number}}}}\n"
        "rules:\n";
    static const struct {
        const char *when, *want;
    } rows[] = {
        {"action.name == \"a\" && args.x > 5.0 || action.name == \"b\" && args.y > 5.0", ""},
        {"args.x > 5.0 && action.name == \"a\" || (args.y > 5.0 && action.name == \"b\")", ""},
        {"action.name == \"a\" ? args.x > 5.0 : action.name == \"b\" && args.y > 5.0", ""},
        {"\"money\" in action.effects ? args.x > 5.0 : args.y > 5.0", ""},
        {"action.name == \"b\" || args.x > 5.0", ""},
        {"brief.request == \"\" || (action.name in [\"a\"] && args.x > 5.0)", ""},
        {"action.name == \"a\" || args.x > 5.0", "b"}, /* x of b is a text */
        {"action.name == \"a\" && args.x > 5.0 || action.name != \"c\" && args.y > 5.0", "a"},
        {"action.name != \"a\" ? args.x == \"\" : args.x > 5.0", "b"}, /* x of b may be absent */
        {"subject == \"a\" && args.x > 5.0 || subject == \"b\" && args.y > 5.0", "a"},
        {"[\"z\"].exists(action, action == \"a\" && args.x > 5.0 || args.y > 5.0)", "a"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(loading_done) struct loading l = {0};
        char yaml[1000], told[20];
        (void)snprintf(yaml, sizeof(yaml), "%s  - {id: r, when: '%s', then: review}\n", head,
                       rows[i].when);
        (void)snprintf(told, sizeof(told), "when for %s: ", rows[i].want);
        load_text(&l, yaml);
        struct str found = findings_text(&l);
        EXPECT((l.err == FM_OK) == (rows[i].want[0] == '\0'), "%s: %.*s", rows[i].when,
               STR_ARG(found));
        EXPECT(l.err == FM_OK || memmem(found.p, found.n, told, strlen(told)), "%s: %.*s",
               rows[i].when, STR_ARG(found));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_schema),
        cmocka_unit_test(test_parts),
    };

    crypto_init();
    return CHECK_RUN(tests);
}
