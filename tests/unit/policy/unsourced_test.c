/* SPDX-License-Identifier: Apache-2.0
 *
 * unsourced(): what is found in arguments, what counts as a source of it, and what does not; and what
 * people approve when they approve arguments.
 */
#include "policy_check.h"

#include "assess/assess.h"
#include "policy/policy_limits.h"

static const char policy_yaml[] =
    "version: 1\n"
    "actions: {act: {then: allow}}\n"
    "recipients: [ourfirm.example, bank@partner.org, DE89 3704 0044 0532 0130 00]\n"
    "rules: [{id: told, when: 'unsourced(args, brief.request)', then: review}]\n";

struct row {
    const char *name, *arguments, *request;
    const char *want;             /* pointers of what is unsourced; "": nothing */
    const char *requester, *more; /* of the brief */
};

#define ROW(n, a, r, w, ...)                                                                       \
    {                                                                                              \
        .name = n, .arguments = a, .request = r, .want = w, __VA_ARGS__                            \
    }

static const struct json *parsed(struct loading *l, struct str text)
{
    static const struct json_limits limits = {.bytes = MIB, .depth = 64, .values = 10000};
    const struct json *json = NULL;

    EXPECT(json_parse(&l->ctx, text, &limits, &json) == FM_OK, "%.*s: %s", STR_ARG(text),
           l->ctx.detail);
    return json;
}

static const struct json *proposal(struct loading *l, const struct row *row)
{
    AUTO(buf_done) struct buf text = BUF_INIT(MIB);
    struct json_out out = JSON_OUT(&text);

    jo_object(&out);
    jo_m_raw(&out, "arguments", str_of(row->arguments));
    jo_key(&out, "brief");
    jo_object(&out);
    jo_m_str(&out, "reasoning", str_of(row->more ? row->more : ""));
    if (row->request) {
        jo_m_str(&out, "request", str_of(row->request));
    }
    jo_object_end(&out);
    jo_m_str(&out, "on_behalf_of", str_of(row->requester ? row->requester : "user:77"));
    jo_object_end(&out);
    return parsed(l, arena_copy(l->arena, buf_str(&text)));
}

/* Pointers into the arguments, in their order, with blanks between. */
static struct str pointers(struct loading *l, const struct assessment *a)
{
    AUTO(buf_done) struct buf out = BUF_INIT(64 * KIB);

    for (size_t i = 0; i < a->reason_count; i++) {
        if (!str_eq(a->reasons[i].rule, S("told"))) {
            continue;
        }
        const struct json *values = parsed(l, a->reasons[i].values);
        for (uint32_t n = values->count; n > 0; n--) { /* the last is noted first */
            struct str at = json_text(json_get(&values->as.items[n - 1], S("expression")));
            if (str_starts(at, S("args/")) || str_eq(at, S("args"))) {
                buf_printf(&out, "%s%.*s", out.n ? " " : "", STR_ARG(str_skip(at, 4)));
            }
        }
    }
    return arena_copy(l->arena, buf_str(&out));
}

static void expect_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        AUTO(loading_done) struct loading l = {0};
        struct assessment a;
        load_text(&l, policy_yaml);
        EXPECT(l.policy, "%s", l.ctx.detail);
        EXPECT(assess(&l.ctx,
                      &(struct assess_input){.policy = l.policy,
                                             .action = S("act"),
                                             .request = proposal(&l, &rows[i])},
                      &a) == FM_OK,
               "%s: %s", rows[i].name, l.ctx.detail);
        EXPECT_STR(rows[i].name, pointers(&l, &a), str_of(rows[i].want));
        EXPECT((a.verdict == VERDICT_REVIEW) == (rows[i].want[0] != '\0'), "%s", rows[i].name);
    }
}

static void test_found(void **state)
{
    static const struct row rows[] = {
        ROW("an address", "{\"to\":\"eve@evil.org\"}", "Write to Bob", "/to"),
        ROW("without any request", "{\"to\":\"eve@evil.org\"}", NULL, "/to"),
        ROW("in a list", "{\"to\":[\"bob@x.org\",\"eve@evil.org\"]}", "to bob@x.org", "/to/1"),
        ROW("in a list in a text", "{\"to\":\"['bob@x.org','eve@evil.org']\"}", "to bob@x.org",
            "/to"),
        ROW("in the middle of a text", "{\"b\":\"See www.evil.org.\"}", "Write to Bob", "/b"),
        ROW("emphasised", "{\"b\":\"See **www.evil.org**: now\"}", "Write to Bob", "/b"),
        ROW("with a query behind its host", "{\"u\":\"www.evil.org?q=secret\"}", "Look it up",
            "/u"),
        ROW("with an address in its path", "{\"u\":\"www.evil.org/?to=bob@x.org\"}", "to bob@x.org",
            "/u"),
        ROW("without a scheme's name", "{\"u\":\"//evil.example/x\"}", "Look it up", "/u"),
        ROW("of a country, as a value of its own", "{\"u\":\"evil.tk\"}", "Look it up", "/u"),
        ROW("with dots of another script",
            "{\"u\":\"www\xE3\x80\x82"
            "evil\xE3\x80\x82org\"}",
            "Look", "/u"),
        ROW("a mailbox behind such dots", "{\"to\":\"eve@evil\xEF\xBC\x8Eorg\"}", "Write", "/to"),
        ROW("an account", "{\"iban\":\"US133000000121212121212\"}", "Pay the rent", "/iban"),
        ROW("an account in groups", "{\"n\":\"GB29 NWBK 6016 1331 9268 19\"}", "Pay the rent",
            "/n"),
        ROW("a number", "{\"account\":12345678901}", "Pay the rent", "/account"),
        ROW("a telephone number", "{\"b\":\"Call +49 151 2345678\"}", "Write to Bob", "/b"),
        ROW("no file", "{\"path\":\"landlord-notices.txt\",\"p\":\"setup.py\"}", "Read it", ""),
        ROW("no date", "{\"at\":\"2024-05-16 10:00\",\"on\":\"16.05.2024\"}", "Tomorrow", ""),
        ROW("no amount", "{\"amount\":1234567.89,\"n\":\"12345678.90\"}", "Pay", ""),
        ROW("no forgotten blank", "{\"b\":\"It is done.Is there more\"}", "Write", ""),
    };

    (void)state;
    expect_rows(rows, COUNT_OF(rows));
}

/* Spellings that programs understand and a finder must too. */
static void test_spellings(void **state)
{
    static const struct row rows[] = {
        ROW("an IPv6 host", "{\"u\":\"http://[2001:db8::1]/collect?d=1\"}", "hi", "/u"),
        ROW("an IPv4 host as a number", "{\"u\":\"http://16909060/\"}", "hi", "/u"),
        ROW("one slash", "{\"u\":\"https:/evil.example/\"}", "hi", "/u"),
        ROW("no slash", "{\"u\":\"HtTp:evil.example\"}", "hi", "/u"),
        ROW("backslashes", "{\"u\":\"https:\\\\\\\\evil.test\"}", "hi", "/u"),
        ROW("escaped slashes", "{\"u\":\"{\\\"u\\\":\\\"https:\\\\/\\\\/evil.test\\\\/x\\\"}\"}", "hi",
            "/u"),
        ROW("a word and a colon in front", "{\"u\":\"link:https://evil.test/\"}", "hi", "/u"),
        ROW("an equals sign in front", "{\"u\":\"to=evil.test/x\"}", "hi", "/u"),
        ROW("full-width letters in it", "{\"u\":\"\xEF\xBD\x88ttps://evil.test\"}", "hi", "/u"),
        ROW("an encoded host", "{\"u\":\"evil%2Ecom\"}", "hi", "/u"),
        ROW("a bare host with a path", "{\"b\":\"Open evil.test/x now\"}", "hi", "/b"),
        ROW("a bare host with a port", "{\"b\":\"Open evil.test:8080 now\"}", "hi", "/b"),
        ROW("an IP address with a path", "{\"b\":\"Open 192.0.2.1/x now\"}", "hi", "/b"),
        ROW("no version", "{\"b\":\"Version 1.2.3.4 and 1.2.3/x\"}", "hi", ""),
        ROW("an address and a host", "{\"b\":\"eve@evil.org:shop.example/\"}",
            "https://shop.example", "/b"),
        ROW("a name in quotation marks", "{\"to\":\"\\\"e\\\"@evil.example\"}", "hi", "/to"),
        ROW("a name that ends oddly", "{\"to\":\"e=@evil.example\"}", "hi", "/to"),
        ROW("an address of an IP", "{\"to\":\"eve@[192.0.2.1]\"}", "hi", "/to"),
        ROW("a full-width @", "{\"to\":\"e\xEF\xBC\xA0"
                              "evil.example\"}",
            "hi", "/to"),
        ROW("an encoded @", "{\"to\":\"mailto:ana@x.org?bcc=e%40evil.example\"}", "to ana@x.org",
            "/to"),
    };

    (void)state;
    expect_rows(rows, COUNT_OF(rows));
}

static void test_number_spellings(void **state)
{
    static const struct row rows[] = {
        ROW("full-width digits", "{\"n\":\"\xEF\xBC\x91\xEF\xBC\x92\xEF\xBC\x93"
                                 "45678901\"}",
            "hi", "/n"),
        ROW("Arabic digits",
            "{\"n\":\"\xD9\xA1\xD9\xA2\xD9\xA3\xD9\xA4\xD9\xA5\xD9\xA6\xD9\xA7\xD9\xA8\xD9\xA9\"}",
            "hi", "/n"),
        ROW("an IBAN in such",
            "{\"n\":\"DE\xEF\xBC\x98\xEF\xBC\x99 3704 0044 0532 0131 00\"}", "hi", "/n"),
        ROW("invisible characters between", "{\"n\":\"1234\xE2\x80\x8B"
                                            "5678901\"}",
            "hi", "/n"),
        ROW("underscores", "{\"n\":\"12_345_678_901\"}", "hi", "/n"),
        ROW("blanks of another kind", "{\"n\":\"1234\xC2\xA0"
                                      "5678\xC2\xA0"
                                      "901\"}",
            "hi", "/n"),
        ROW("45 digits", "{\"n\":\"111111111111111111111111111111111111111111111\"}", "hi", "/n"),
        ROW("a word before it", "{\"n\":\"acct12345678901\"}", "hi", "/n"),
        ROW("a word behind it", "{\"n\":\"12345678901USD\"}", "hi", "/n"),
        ROW("no short one, as in a code", "{\"n\":\"W23781567 20240516T103000Z\"}", "hi", ""),
        ROW("a wallet", "{\"n\":\"0x52908400098527886E0F7030069857D2E4169EE7\"}", "hi", "/n"),
        ROW("another", "{\"n\":\"bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq\"}", "hi", "/n"),
        ROW("a third", "{\"n\":\"1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2\"}", "hi", "/n"),
        ROW("a member's name", "{\"to\":{\"e@evil.example\":\"to\"}}", "hi", "/to/e@evil.example"),
        ROW("no checksum", "{\"h\":\"da39a3ee5e6b4b0d3255bfef95601890afd80709\"}", "hi", ""),
        ROW("no line of a file", "{\"b\":\"see main.cpp:12 and notes.txt:3\"}", "hi", ""),
        ROW("no path of files", "{\"b\":\"docs/readme.md, ./a/b.c and and/or\"}", "hi", ""),
        ROW("no name of somebody", "{\"b\":\"ask @john.doe about it\"}", "hi", ""),
        ROW("a number for a name", "{\"accounts\":{\"1151293680\":2}}", "hi",
            "/accounts/1151293680"),
    };

    (void)state;
    expect_rows(rows, COUNT_OF(rows));
}

/* A host that the request names must not lend its name to another. */
static void test_borrowed_names(void **state)
{
    static const char request[] = "Look at https://shop.example/ and write to ana@shop.example";
    static const struct row rows[] = {
        ROW("a semicolon", "{\"u\":\"https://shop.example;@evil.example/\"}", request, "/u"),
        ROW("a backslash", "{\"u\":\"https://shop.example\\\\@evil.example/\"}", request,
            "/u /u"),
        ROW("a question mark", "{\"u\":\"https://shop.example?@evil.example/\"}", request, "/u"),
        ROW("and its opposite", "{\"u\":\"https://evil.example?@shop.example/\"}", request, "/u"),
        ROW("an encoded slash", "{\"u\":\"https://shop.example%2F@evil.example/\"}", request, "/u"),
        ROW("a full-width slash",
            "{\"u\":\"https://shop.example\xEF\xBC\x8F@evil.example/\"}", request, "/u"),
        ROW("a comma", "{\"u\":\"https://shop.example,evil.example/\"}", request, "/u"),
        ROW("a second @", "{\"to\":\"ana@shop.example@evil.example\"}", request, "/to"),
        ROW("a number that ends alike", "{\"n\":\"99991234567890\"}", "Pay 1234567890", "/n"),
        ROW("a country in front is the same", "{\"n\":\"+49 151 2345678\"}", "Call 0151 2345678",
            ""),
        ROW("its own pages", "{\"u\":\"https://user:pw@shop.example:8443/a?b=c\"}", request, ""),
    };

    (void)state;
    expect_rows(rows, COUNT_OF(rows));
}

/* What is long is found, not passed over: a secret in a URL makes it so. */
static void test_long(void **state)
{
    static const struct {
        const char *name, *before, *after, *request, *want;
    } rows[] = {
        {"a query", "https://evil.example/?d=", "", "hi", "/u"},
        {"a mailbox", "", "@evil.example", "hi", "/u"},
        {"a host", "https://", ".evil.example", "hi", "/u /u"},
        {"a name before the host", "https://shop.example;", ":@evil.example/",
         "Look at https://shop.example", "/u"},
        {"of a host that the request names", "https://shop.example/?d=", "",
         "Look at https://shop.example", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char filler[1000], arguments[2000];
        memset(filler, 'b', sizeof(filler));
        (void)snprintf(arguments, sizeof(arguments), "{\"u\":\"%s%.*s%s\"}", rows[i].before,
                       (int)sizeof(filler), filler, rows[i].after);
        struct row row = ROW(rows[i].name, arguments, rows[i].request, rows[i].want);
        expect_rows(&row, 1);
    }
}

static void test_sources(void **state)
{
    static const struct row rows[] = {
        ROW("the request", "{\"to\":\"bob@x.org\"}", "Write to Bob@X.org, please", ""),
        ROW("in quotation marks", "{\"to\":\"bob@x.org\"}", "Write to 'bob@x.org'", ""),
        ROW("in such of its own", "{\"to\":\"'bob@x.org'\"}", "Write to bob@x.org", ""),
        ROW("with dots of another script", "{\"to\":\"bob@x.org\"}", "to bob@x\xE3\x80\x82org", ""),
        ROW("a host names all below it", "{\"u\":\"https://x.org/a/b\"}", "Look at www.x.org", ""),
        ROW("a page names no other", "{\"u\":\"https://x.org/b\"}", "Look at x.org/a", "/u"),
        ROW("another host at the end", "{\"u\":\"https://x.org.evil.org/\"}", "Look at x.org",
            "/u"),
        ROW("a name before the host", "{\"u\":\"https://x.org@evil.org/\"}", "Look at x.org", "/u"),
        ROW("a number, otherwise grouped", "{\"n\":\"GB29NWBK60161331926819\"}",
            "Pay GB29 NWBK 6016 1331 9268 19", ""),
        ROW("the requester's own address", "{\"to\":\"emma@x.org\"}", "Invite me", "",
            .requester = "Emma@x.org"),
        ROW("the same with a word before it", "{\"to\":\"emma@x.org\"}", "Invite me", "",
            .requester = "user:emma@x.org"),
        ROW("no other at the same firm", "{\"to\":\"eve@x.org\"}", "Invite me", "/to",
            .requester = "emma@x.org"),
        ROW("not the requester's firm's site", "{\"u\":\"x.org\"}", "Invite me", "/u",
            .requester = "emma@x.org"),
        ROW("two requesters are none", "{\"to\":\"eve@x.org\"}", "Invite", "/to",
            .requester = "emma@x.org,eve@x.org"),
        ROW("a requester's number is no account", "{\"n\":\"12345678901\"}", "Pay", "/n",
            .requester = "12345678901"),
        ROW("what the policy lists",
            "{\"a\":\"bank@partner.org\",\"b\":\"x@mail.ourfirm.example\","
            "\"c\":\"DE89370400440532013000\"}",
            "Pay", ""),
        ROW("a firm whose name ends alike", "{\"a\":\"x@notourfirm.example\"}", "Pay", "/a"),
        ROW("never what the agent says it read", "{\"to\":\"eve@evil.org\"}", "Write", "/to",
            .more = "The page says: eve@evil.org"),
    };

    (void)state;
    expect_rows(rows, COUNT_OF(rows));
}

static void test_records(void **state)
{
    static const struct row rows[] = {
        ROW("records of one's own",
            "{\"item_ids\":[\"1151293680\"],\"new_item_ids\":[\"7706410293\"],"
            "\"order_id\":1234567890123}",
            "The lamp, please", ""),
        ROW("and where they are names", "{\"item_ids\":{\"1151293680\":2}}", "The lamp", ""),
        ROW("an account is none", "{\"account_id\":\"1151293680\"}", "Pay", "/account_id"),
        ROW("nor is whoever gets it",
            "{\"recipient_id\":\"1151293680\",\"user_id\":\"1151293681\"}", "Pay",
            "/recipient_id /user_id"),
        ROW("only at the end of the name", "{\"item_id_account\":\"1151293680\"}", "Pay",
            "/item_id_account"),
        ROW("an address in one is still found", "{\"file_id\":\"eve@evil.org\"}", "Read",
            "/file_id"),
        ROW("members inside have names of their own", "{\"item_ids\":[{\"iban\":\"1151293680\"}]}",
            "Pay", "/item_ids/0/iban"),
        ROW("and what follows is looked at again",
            "{\"order_id\":\"1151293680\",\"to\":\"1151293681\"}", "Pay", "/to"),
    };

    (void)state;
    expect_rows(rows, COUNT_OF(rows));
}

static void test_too_many(void **state)
{
    AUTO(buf_done) struct buf arguments = BUF_INIT(64 * KIB);
    AUTO(buf_done) struct buf request = BUF_INIT(64 * KIB);

    (void)state;
    buf_lit(&arguments, "{\"to\":[");
    for (size_t i = 0; i <= POLICY_RECIPIENTS_FOUND_MAX; i++) {
        buf_printf(&arguments, "%s\"p%zu@x.org\"", i ? "," : "", i);
        buf_printf(&request, " p%zu@x.org", i);
    }
    buf_lit(&arguments, "]}");
    buf_add_char(&arguments, '\0');
    buf_add_char(&request, '\0');
    struct row row = ROW("one more than is looked at", arguments.p, request.p, "");
    AUTO(loading_done) struct loading l = {0};
    struct assessment a;
    load_text(&l, policy_yaml);
    EXPECT(assess(&l.ctx,
                  &(struct assess_input){
                      .policy = l.policy, .action = S("act"), .request = proposal(&l, &row)},
                  &a) == FM_OK,
           "assess");
    EXPECT(a.verdict == VERDICT_REVIEW, "nobody looked at the last one");
}

/* Approving -------------------------------------------------------------------------------------- */

static void add_normal(void *with, struct str pointer, struct str text, struct str normal)
{
    (void)pointer, (void)text;
    buf_printf(with, "%s%.*s", ((struct buf *)with)->n ? " " : "", STR_ARG(normal));
}

static void test_approved(void **state)
{
    static const struct {
        const char *name, *arguments, *want;
    } rows[] = {
        {"a value of its own", "{\"to\":\"Bob@x.org\"}", "e:bob@x.org"},
        {"each of a list", "{\"to\":[\"a@x.org\",\"b@x.org\"]}", "e:a@x.org e:b@x.org"},
        {"a list in a text", "{\"to\":\"['a@x.org', 'b@x.org']\"}", "e:a@x.org e:b@x.org"},
        {"a page", "{\"url\":\"http://www.x.org/a\"}", "u:x.org/a"},
        {"an account", "{\"iban\":\"GB29 NWBK 6016 1331 9268 19\"}", "n:gb29nwbk60161331926819"},
        {"a number", "{\"account\":12345678901}", "n:12345678901"},
        {"nothing that a text talks about", "{\"body\":\"Never open www.evil.org\"}", ""},
        {"nor what is hidden beside one", "{\"to\":\"a@x.org \xC3\xA9\"}", ""},
        {"nor what overlaps", "{\"b\":\"www.evil.org/12345678901 go there\"}", ""},
        {"a member's name", "{\"to\":{\"a@x.org\":1}}", "e:a@x.org"},
        {"however it is spelt", "{\"to\":\"a\xEF\xBC\xA0x\xE3\x80\x82org\"}", "e:a@x.org"},
        {"no number of a record", "{\"order_id\":\"12345678901\"}", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(loading_done) struct loading l = {0};
        AUTO(buf_done) struct buf found = BUF_INIT(KIB);
        load_text(&l, policy_yaml);
        EXPECT(
            policy_recipients(l.arena, parsed(&l, str_of(rows[i].arguments)), add_normal, &found),
            "%s", rows[i].name);
        EXPECT_STR(rows[i].name, buf_str(&found), str_of(rows[i].want));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),    cmocka_unit_test(test_spellings),
        cmocka_unit_test(test_number_spellings),
        cmocka_unit_test(test_borrowed_names),
        cmocka_unit_test(test_long),     cmocka_unit_test(test_sources),
        cmocka_unit_test(test_records),  cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_approved),
    };

    crypto_init();
    return CHECK_RUN(tests);
}
