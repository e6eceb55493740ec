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
        cmocka_unit_test(test_found),    cmocka_unit_test(test_sources),
        cmocka_unit_test(test_records),  cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_approved),
    };

    crypto_init();
    return CHECK_RUN(tests);
}
