/* SPDX-License-Identifier: Apache-2.0
 *
 * The card: what will run, line by line, with nothing hidden and nothing left out unsaid.
 */
#include "../json/json_check.h"

#include "api/api_internal.h"

static const struct policy *policy;

static int setup(void **state)
{
    static struct policy_finding findings[POLICY_FINDINGS_MAX];
    struct fixture *f = calloc(1, sizeof(*f));
    size_t count;

    crypto_init();
    assert_non_null(f);
    f->arena = arena_new(64 * MIB);
    f->buf = (struct buf)BUF_INIT(16 * MIB);
    ctx_init(&f->ctx, f->arena);
    *state = f;
    EXPECT(
        policy_parse(&f->ctx, S("p"),
                     S("version: 1\ndefaults: {then: review, queue: general}\nactions:\n"
                       "  pay: {executor: bank, effects: [money, account], domain: billing, "
                       "reversible: false,"
                       " oversight: 'Check twice', card: {title: 'Pay {amount} {currency} to {to}',"
                       " critical: [/amount, /to]}}\n"
                       "  many: {card: {critical: [/list]}}\n"
                       "queues: {general: {members: [role:reviewer]}}\n"),
                     findings, &count, &policy) == FM_OK,
        "%s", f->ctx.detail);
    return 0;
}

static int teardown(void **state)
{
    policy_drop(policy);
    return fixture_teardown(state);
}

/* The card of an action with these arguments, read back. */
static const struct json *card_of(struct fixture *f, const char *row, const char *action,
                                  struct str arguments)
{
    struct buf text = BUF_INIT(16 * MIB);
    struct json_out out = JSON_OUT(&text);
    struct view view = {.ctx = &f->ctx, .policy = policy};
    struct proposal p = {.action = str_of(action)};
    const struct json *request, *card = NULL;

    buf_printf(&f->buf, "{\"action\":\"%s\",\"arguments\":", action);
    buf_add(&f->buf, arguments);
    buf_add_char(&f->buf, '}');
    request = must_parse(f, row, arena_copy(f->arena, buf_str(&f->buf)));
    EXPECT(view_card(&view, &out, &p, request) == FM_OK, "%s: %s", row, f->ctx.detail);
    EXPECT(json_parse(&f->ctx, arena_copy(f->arena, buf_str(&text)),
                      &(struct json_limits){16 * MIB, 64, 1000000}, &card) == FM_OK,
           "%s: %s", row, f->ctx.detail);
    buf_done(&text);
    return card;
}

static const struct json *line_of(const struct json *card, uint32_t index)
{
    const struct json *lines = json_get(card, S("lines"));

    return index < lines->count ? &lines->as.items[index] : NULL;
}

/* The parts of a line as one text: what is hidden as <U+200B NAME>. */
static struct str shown(struct fixture *f, const struct json *line)
{
    const struct json *parts = json_get(line, S("parts"));
    AUTO(buf_done) struct buf text = BUF_INIT(MIB);

    for (uint32_t i = 0; i < parts->count; i++) {
        const struct json *part = &parts->as.items[i];
        if (json_get(part, S("text"))) {
            buf_add(&text, json_text(json_get(part, S("text"))));
        } else {
            buf_printf(&text, "<%.*s %.*s>", STR_ARG(json_text(json_get(part, S("hidden")))),
                       STR_ARG(json_text(json_get(part, S("name")))));
        }
    }
    return arena_copy(f->arena, buf_str(&text));
}

/* Hidden characters -------------------------------------------------------------------------- */

static const struct {
    const char *name, *text; /* inside a JSON string */
    const char *shown;
    unsigned hidden;
} texts[] = {
    {"plain", "Hello", "Hello", 0},
    {"nothing", "", "", 0},
    {"accents, emoji, Chinese", "\xC3\xA9 \xF0\x9F\x98\x80 \xE4\xB8\xAD",
     "\xC3\xA9 \xF0\x9F\x98\x80 \xE4\xB8\xAD", 0},
    {"a zero width space", "pay\\u200Bpal", "pay<U+200B ZERO WIDTH SPACE>pal", 1},
    {"an override of direction", "\\u202Egpj.exe", "<U+202E RIGHT-TO-LEFT OVERRIDE>gpj.exe", 1},
    {"an isolate at the end", "x\\u2066", "x<U+2066 LEFT-TO-RIGHT ISOLATE>", 1},
    {"a mark of direction", "a\\u200Eb", "a<U+200E LEFT-TO-RIGHT MARK>b", 1},
    {"a soft hyphen", "a\\u00ADb", "a<U+00AD SOFT HYPHEN>b", 1},
    {"a joiner", "a\\u200Db", "a<U+200D ZERO WIDTH JOINER>b", 1},
    {"a byte order mark", "\\uFEFFa", "<U+FEFF ZERO WIDTH NO-BREAK SPACE>a", 1},
    {"a line feed", "a\\nb", "a<U+000A no name>b", 1},
    {"a tab", "a\\tb", "a<U+0009 no name>b", 1},
    {"an escape", "\\u001b[2J", "<U+001B no name>[2J", 1},
    {"DEL", "a\\u007f", "a<U+007F no name>", 1},
    {"a C1 control", "\\u0085", "<U+0085 no name>", 1},
    {"a line separator", "a\\u2028b", "a<U+2028 LINE SEPARATOR>b", 1},
    {"a tag character", "a\\uDB40\\uDC41", "a<U+E0041 TAG LATIN CAPITAL LETTER A>", 1},
    {"a private character", "\\uE000", "<U+E000 no name>", 1},
    {"an unassigned one", "\\u0378", "<U+0378 no name>", 1},
    {"a filler that looks like a space", "a\\u3164b", "a<U+3164 HANGUL FILLER>b", 1},
    {"a variation selector", "a\\uFE0F", "a<U+FE0F VARIATION SELECTOR-16>", 1},
    {"a no-break space", "a\\u00A0b", "a<U+00A0 NO-BREAK SPACE>b", 1},
    {"an em space", "a\\u2003b", "a<U+2003 EM SPACE>b", 1},
    {"an ideographic space", "a\\u3000b", "a<U+3000 IDEOGRAPHIC SPACE>b", 1},
    {"an object replacement", "bank\\uFFFC", "bank<U+FFFC OBJECT REPLACEMENT CHARACTER>", 1},
    {"a blank of Braille", "a\\u2800", "a<U+2800 BRAILLE PATTERN BLANK>", 1},
    {"a filler of Khitan", "a\\uD81B\\uDFE4", "a<U+16FE4 KHITAN SMALL SCRIPT FILLER>", 1},
    {"spaces between words", "a b  c", "a b  c", 0},
    {"a space at the end", "a b ", "a b<U+0020 SPACE>", 1},
    {"several at the end", "a  ", "a<U+0020 SPACE><U+0020 SPACE>", 2},
    {"a space at the beginning", " a", "<U+0020 SPACE>a", 1},
    {"a space before the last line feed", "a \\n", "a<U+0020 SPACE><U+000A no name>", 2},
    {"nothing but a space", " ", "<U+0020 SPACE>", 1},
    {"an indented line", "a\\n b", "a<U+000A no name> b", 1},
    {"several in a row", "\\u200B\\u200B", "<U+200B ZERO WIDTH SPACE><U+200B ZERO WIDTH SPACE>", 2},
};

static void test_hidden(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        const struct json *card, *line;

        fixture_reset(f);
        card = card_of(f, texts[i].name, "other",
                       arena_printf(f->arena, "{\"t\":\"%s\"}", texts[i].text));
        line = line_of(card, 0);
        EXPECT_STR(texts[i].name, shown(f, line), str_of(texts[i].shown));
        EXPECT(json_number(json_get(card, S("hidden"))) == texts[i].hidden, "%s: counted",
               texts[i].name);
    }
}

/* Lines -------------------------------------------------------------------------------------- */

static const struct {
    const char *pointer, *kind, *shown;
    bool critical;
    unsigned bytes;
} pay_lines[] = {
    {"/amount", "number", "74.5", true, 4},         {"/to/iban", "string", "DE02", true, 4},
    {"/to/name", "string", "\xC3\x84nne", true, 5}, {"/a~1b", "null", "null", false, 4},
    {"/amounts", "number", "9", false, 1},          {"/flag", "boolean", "true", false, 4},
    {"/list/0", "empty", "[]", false, 2},           {"/list/1", "empty", "{}", false, 2},
    {"/list/2/x", "boolean", "false", false, 5},
};

static void test_lines(void **state)
{
    struct fixture *f = *state;
    const struct json *card =
        card_of(f, "pay", "pay",
                S("{\"list\":[[],{},{\"x\":false}],\"flag\":true,\"a/b\":null,\"amount\":74.50,"
                  "\"amounts\":9,\"to\":{\"name\":\"\xC3\x84nne\",\"iban\":\"DE02\"}}"));

    EXPECT(json_get(card, S("lines"))->count == COUNT_OF(pay_lines), "every leaf once");
    for (uint32_t i = 0; i < COUNT_OF(pay_lines); i++) {
        const struct json *line = line_of(card, i);
        EXPECT_STR("critical ones first, then in canonical order",
                   json_text(json_get(line, S("pointer"))), str_of(pay_lines[i].pointer));
        EXPECT_STR(pay_lines[i].pointer, json_text(json_get(line, S("kind"))),
                   str_of(pay_lines[i].kind));
        EXPECT_STR(pay_lines[i].pointer, shown(f, line), str_of(pay_lines[i].shown));
        EXPECT((json_get(line, S("critical"))->kind == JSON_TRUE) == pay_lines[i].critical, "%s",
               pay_lines[i].pointer);
        EXPECT(json_number(json_get(line, S("bytes"))) == pay_lines[i].bytes, "%s",
               pay_lines[i].pointer);
    }
    EXPECT(json_get(card, S("cut"))->kind == JSON_FALSE, "nothing is left out");
    EXPECT_STR("executor", json_text(json_get(card, S("executor"))), S("bank"));
    EXPECT_STR("domain", json_text(json_get(card, S("domain"))), S("billing"));
    EXPECT_STR("oversight", json_text(json_get(card, S("oversight"))), S("Check twice"));
    EXPECT(json_get(card, S("reversible"))->kind == JSON_FALSE &&
               json_get(card, S("effects"))->count == 2,
           "the catalogue's facts");
}

static void test_facts_of_unknown(void **state)
{
    struct fixture *f = *state;
    const struct json *card = card_of(f, "unknown", "never.heard", S("{}"));

    EXPECT(json_get(card, S("lines"))->count == 1 && json_get(card, S("effects"))->count == 0,
           "no facts");
    EXPECT_STR("arguments without members are shown as such", shown(f, line_of(card, 0)), S("{}"));
    EXPECT(json_get(card, S("reversible"))->kind == JSON_NULL &&
               json_get(card, S("executor"))->kind == JSON_NULL,
           "nothing is known");
    EXPECT_STR("the name for a title", json_text(json_get(card, S("title"))), S("never.heard"));
}

static void test_depth(void **state)
{
    struct fixture *f = *state;
    AUTO(buf_done) struct buf text = BUF_INIT(64 * KIB);
    const struct json *line;

    for (int i = 0; i < 62;
         i++) { /* with the request and its arguments: the deepest that the wire takes */
        buf_lit(&text, "{\"x\":");
    }
    buf_lit(&text, "[7]");
    for (int i = 0; i < 62; i++) {
        buf_add_char(&text, '}');
    }
    line = line_of(card_of(f, "deep", "other", buf_str(&text)), 0);
    EXPECT_STR("the leaf itself", shown(f, line), S("7"));
    EXPECT(json_text(json_get(line, S("pointer"))).n == 62 * 2 + 2, "at its place");
}

/* Cutting: 2000 lines of each kind, and the card says when that was not all. */
static const struct {
    const char *name;
    unsigned critical, others; /* leaves */
    unsigned lines;
    bool cut;
} sizes[] = {
    {"a few", 3, 4, 7, false},
    {"exactly as many others", 0, 2000, 2000, false},
    {"one other too many", 0, 2001, 2000, true},
    {"exactly as many critical", 2000, 1, 2001, false},
    {"one critical too many", 2001, 1, 2001, true},
    {"both too many", 2500, 2500, 4000, true},
    {"as many of both", 2000, 2000, 4000, false},
};

static void test_cut(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        AUTO(buf_done) struct buf text = BUF_INIT(MIB);
        const struct json *card;

        fixture_reset(f);
        buf_lit(&text, "{\"list\":[");
        for (unsigned k = 0; k < sizes[i].critical; k++) {
            buf_printf(&text, "%s1", k ? "," : "");
        }
        buf_lit(&text, "],\"other\":[");
        for (unsigned k = 0; k < sizes[i].others; k++) {
            buf_printf(&text, "%s2", k ? "," : "");
        }
        buf_lit(&text, "]}");
        card = card_of(f, sizes[i].name, "many", buf_str(&text));
        EXPECT(json_get(card, S("lines"))->count == sizes[i].lines + (sizes[i].critical == 0),
               "%s: %u lines", sizes[i].name, json_get(card, S("lines"))->count);
        EXPECT((json_get(card, S("cut"))->kind == JSON_TRUE) == sizes[i].cut, "%s: says so",
               sizes[i].name);
    }
}

/* A long name stands in the pointer of every leaf below it: 1500 times 100 KiB. */
static void test_long_names(void **state)
{
    struct fixture *f = *state;
    AUTO(buf_done) struct buf text = BUF_INIT(MIB);
    const struct json *card;

    buf_lit(&text, "{\"");
    for (unsigned i = 0; i < 100 * KIB; i++) {
        buf_add_char(&text, 'a');
    }
    buf_lit(&text, "\":[0");
    for (unsigned i = 1; i < 1500; i++) {
        buf_lit(&text, ",0");
    }
    buf_lit(&text, "],\"list\":[7],\"m~/n\":1}");
    card = card_of(f, "long names", "many", buf_str(&text));
    EXPECT_STR("the critical line is there, and first", json_text(json_get(line_of(card, 0), S("pointer"))),
               S("/list/0"));
    EXPECT(json_get(card, S("cut"))->kind == JSON_TRUE, "the rest is left out, and it says so");
    EXPECT(json_get(card, S("lines"))->count < 100, "%u lines", json_get(card, S("lines"))->count);
}

/* Titles ------------------------------------------------------------------------------------- */

static const struct {
    const char *name, *arguments, *title;
} titles[] = {
    {"all there", "{\"amount\":74.50,\"currency\":\"USD\",\"to\":\"ana\"}", "Pay 74.5 USD to ana"},
    {"a hole without an argument", "{\"amount\":1,\"to\":\"ana\"}", "Pay 1 ? to ana"},
    {"null, boolean", "{\"amount\":null,\"currency\":true,\"to\":\"x\"}", "Pay null true to x"},
    {"an empty list", "{\"amount\":1,\"currency\":\"USD\",\"to\":[]}", "Pay 1 USD to []"},
    {"a list is not shown as an empty one",
     "{\"amount\":1,\"currency\":\"USD\",\"to\":[\"ana\",\"ben\"]}", "Pay 1 USD to [...]"},
    {"nor an object", "{\"amount\":1,\"currency\":\"USD\",\"to\":{\"iban\":\"x\"}}",
     "Pay 1 USD to {...}"},
    {"braces in an argument are no holes",
     "{\"amount\":\"{to}\",\"currency\":\"USD\",\"to\":\"ana\"}", "Pay {to} USD to ana"},
    {"nothing", "{}", "Pay ? ? to ?"},
};

static void test_titles(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(titles); i++) {
        fixture_reset(f);
        EXPECT_STR(titles[i].name,
                   json_text(json_get(
                       card_of(f, titles[i].name, "pay", str_of(titles[i].arguments)), S("title"))),
                   str_of(titles[i].title));
    }
}

static void test_erased(void **state)
{
    struct fixture *f = *state;
    struct buf text = BUF_INIT(KIB);
    struct json_out out = JSON_OUT(&text);
    struct view view = {.ctx = &f->ctx, .policy = policy};
    struct proposal p = {.action = S("pay")};

    EXPECT(view_card(&view, &out, &p, NULL) == FM_OK, "%s", f->ctx.detail);
    EXPECT_STR("no content, no card", buf_str(&text), S("null"));
    EXPECT_STR("and a title without it", view_title(&view, &p, NULL), S("pay"));
    buf_done(&text);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_hidden), TEST(test_lines),  TEST(test_facts_of_unknown), TEST(test_depth),
        TEST(test_cut),    TEST(test_titles), TEST(test_erased),          TEST(test_long_names),
    };

    return CHECK_RUN(tests);
}
