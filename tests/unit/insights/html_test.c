/* SPDX-License-Identifier: Apache-2.0
 *
 * Text from outside in a page: never markup, never hidden.
 */
#include "../check.h"

#include "insights/html.h"

static const struct {
    const char *name, *text, *html;
} rows[] = {
    {"plain", "Refund 74.50", "Refund 74.50"},
    {"markup", "<b>&\"'", "&lt;b&gt;&amp;&quot;&#39;"},
    {"a script", "</pre><script>alert(1)</script>",
     "&lt;/pre&gt;&lt;script&gt;alert(1)&lt;/script&gt;"},
    {"lines and tabs stay", "a\n\tb", "a\n\tb"},
    {"beyond ASCII", "Grüße 你好", "Grüße 你好"},
    {"right-to-left override",
     "a\xE2\x80\xAE"
     "b",
     "a<mark title=\"a character that nobody sees\">U+202E</mark>b"},
    {"zero width space", "\xE2\x80\x8B",
     "<mark title=\"a character that nobody sees\">U+200B</mark>"},
    {"a tag character", "\xF3\xA0\x81\x81",
     "<mark title=\"a character that nobody sees\">U+E0041</mark>"},
    {"escape", "\x1b[31m", "<mark title=\"a character that nobody sees\">U+001B</mark>[31m"},
    {"carriage return", "a\rb", "a<mark title=\"a character that nobody sees\">U+000D</mark>b"},
    {"empty", "", ""},
};

static void test_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(buf_done) struct buf buf = BUF_INIT(KIB);

        html_text(&buf, str_of(rows[i].text));
        EXPECT_STR(rows[i].name, buf_str(&buf), str_of(rows[i].html));
    }
}

static void test_json(void **state)
{
    AUTO(buf_done) struct buf buf = BUF_INIT(KIB);
    struct ctx ctx;
    const struct json *value;

    (void)state;
    ctx_init(&ctx, arena_new(MIB));
    EXPECT(json_parse(&ctx, S("{\"a\":[1,{\"<b>\":\"</pre>\\n\"}],\"c\":{},\"d\":[],\"e\":null}"),
                      &JSON_LIMITS_WIRE, &value) == FM_OK,
           "%s", ctx.detail);
    html_json(&buf, value);
    EXPECT_STR("indented", buf_str(&buf),
               S("{\n  &quot;a&quot;: [\n    1,\n    {\n      &quot;&lt;b&gt;&quot;: "
                 "&quot;&lt;/pre&gt;\\n&quot;\n    }\n  ],\n  &quot;c&quot;: {},\n  "
                 "&quot;d&quot;: [],\n  &quot;e&quot;: null\n}"));
    buf_reset(&buf);
    html_json(&buf, NULL);
    EXPECT_STR("nothing", buf_str(&buf), S(""));
    arena_free(ctx.arena);
}

static void test_element(void **state)
{
    AUTO(buf_done) struct buf buf = BUF_INIT(KIB);

    (void)state;
    html_element(&buf, "p", S("<"));
    html_element(&buf, "div class=\"text\"", S("x"));
    html_element(&buf, "p", STR_NONE);
    html_row(&buf, "Name", S("&"));
    html_row(&buf, "Name", S(""));
    EXPECT_STR("elements", buf_str(&buf),
               S("<p>&lt;</p>\n<div class=\"text\">x</div>\n<dt>Name</dt>\n<dd>&amp;</dd>\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_element),
    };

    return CHECK_RUN(tests);
}
