/* SPDX-License-Identifier: Apache-2.0
 *
 * What mentions() and unsourced() make of texts: whole words whatever their case and punctuation;
 * where something goes, whatever its spelling.
 */
#include "policy_check.h"

#include <time.h>

static const char lexicons[] =
    "version: 1\nlexicons:\n"
    "  dispute: [chargeback, 'billing dispute', \"unauthorised charge\", he, she, hers, \"c++ "
    "a\"]\n"
    "  german: [Straße, 'MÜLL abfuhr']\n  asian: ['返金', 'คืนเงิน']\n  none: []\n  nested: [a b c, b]\n";

static void test_mentions(void **state)
{
    static const struct {
        const char *name, *lexicon, *text;
        bool want;
    } rows[] = {
        {"alone", "dispute", "chargeback", true},
        {"in a sentence", "dispute", "I want a chargeback.", true},
        {"capitals", "dispute", "CHARGEBACK!", true},
        {"a part of a word", "dispute", "chargebacks", false},
        {"the end of a word", "dispute", "supercharge back", false},
        {"two words", "dispute", "this billing   dispute is", true},
        {"a line break between", "dispute", "billing\ndispute", true},
        {"a hyphen between", "dispute", "Billing-Dispute", true},
        {"a no-break space between", "dispute",
         "billing\xC2\xA0"
         "dispute",
         true},
        {"another word between", "dispute", "billing my dispute", false},
        {"the first word alone", "dispute", "billing", false},
        {"a suffix of a longer word that fails", "dispute", "billing unauthorised charge", true},
        {"one word inside the tree of another", "dispute", "ushers", false},
        {"a word that begins like another", "dispute", "hers", true},
        {"an invisible character inside", "dispute",
         "charge\xE2\x80\x8B"
         "back",
         true},
        {"full width letters", "dispute",
         "\xEF\xBD\x83\xEF\xBD\x88\xEF\xBD\x81\xEF\xBD\x92\xEF\xBD\x87\xEF\xBD\x85\xEF\xBD\x82\xEF"
         "\xBD\x81"
         "\xEF\xBD\x83\xEF\xBD\x8B",
         true},
        {"punctuation of the word", "dispute", "c a", true},
        {"sharp s", "german", "STRASSE", true},
        {"an umlaut in the other case", "german", "die m\xC3\xBCll-abfuhr kommt", true},
        {"an umlaut, decomposed", "german", "mu\xCC\x88ll abfuhr", true},
        {"no umlaut", "german", "mull abfuhr", false},
        {"a script without spaces", "asian", "商品の返金をお願いします", true},
        {"another one", "asian", "ขอคืนเงินด้วย", true},
        {"its characters apart", "asian", "返品と金", false},
        {"a word inside the beginning of another", "nested", "a b d", true},
        {"an empty text", "dispute", "", false},
        {"an empty lexicon", "none", "anything", false},
    };
    AUTO(loading_done) struct loading l = {0};

    (void)state;
    load_text(&l, lexicons);
    EXPECT(l.policy, "%s", l.ctx.detail);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct policy_lexicon *lexicon = policy_lexicon(l.policy, str_of(rows[i].lexicon));
        bool found = !rows[i].want;
        EXPECT(policy_mentions(l.arena, lexicon, str_of(rows[i].text), &found), "%s", rows[i].name);
        EXPECT(found == rows[i].want, "%s", rows[i].name);
    }
}

/* Many words that are nearly there everywhere: the time grows with the text, not with its
 * square. */
static void test_linear(void **state)
{
    AUTO(loading_done) struct loading l = {0};
    AUTO(buf_done) struct buf yaml = BUF_INIT(4 * MIB);
    AUTO(buf_done) struct buf text = BUF_INIT(4 * MIB);
    AUTO(arena_done) struct arena *arena = arena_new(64 * MIB);
    clock_t begin;
    bool found = true;

    (void)state;
    buf_lit(&yaml, "version: 1\nlexicons: {a: [");
    for (int i = 1; i < 190; i++) {
        for (int k = 0; k < i; k++) {
            buf_lit(&yaml, "a");
        }
        buf_printf(&yaml, "b%d, ", i);
    }
    buf_lit(&yaml, "z]}\n");
    for (int i = 0; i < 1000000; i++) {
        buf_lit(&text, "a");
    }
    load_str(&l, buf_str(&yaml));
    EXPECT(l.policy, "%s", l.ctx.detail);
    begin = clock();
    EXPECT(policy_mentions(arena, policy_lexicon(l.policy, S("a")), buf_str(&text), &found),
           "memory");
    EXPECT(!found, "a million letters, no word");
    EXPECT(clock() - begin < CLOCKS_PER_SEC, "%ld us", (long)(clock() - begin));
}

/* Where it goes -------------------------------------------------------------------------------- */

struct found {
    struct buf text;
};

static void note(void *with, struct str pointer, struct str text, struct str normal)
{
    struct found *found = with;

    (void)text;
    buf_printf(&found->text, "%s%.*s %.*s", found->text.n ? "; " : "", STR_ARG(pointer),
               STR_ARG(normal));
}

static void test_recipients(void **state)
{
    static const struct {
        const char *json, *want;
    } rows[] = {
        {"{\"to\":\"Bob@Example.COM\"}", "/to e:bob@example.com"},
        /* what stands in the middle of a text is not approved with it */
        {"{\"to\":[\"a@x.org\",\"<b@x.org>\",\"C (c@x.org), d@x.org.\"]}",
         "/to/0 e:a@x.org; /to/1 e:b@x.org"},
        {"{\"to\":\"mailto:a.b+tag@mail.x.co\"}", ""},
        {"{\"to\":\"@alice and bob@home\"}", ""},
        {"{\"to\":\"['a@x.org', 'b@x.org']\"}", "/to e:a@x.org; /to e:b@x.org"},
        {"{\"u\":\"see https://WWW.Evil.com/Path?q=1.\"}", ""},
        {"{\"u\":\"www.secure-systems-252.com/\"}", "/u u:secure-systems-252.com"},
        {"{\"u\":\"https://good.com@evil.com/x\"}", "/u u:evil.com/x"},
        {"{\"u\":\"go to evil.com/a now\"}", ""},
        {"{\"u\":\"notes.txt, v1.2.3, e.g. this\"}", ""},
        {"{\"a\":\"US133000000121212121212\"}", "/a n:us133000000121212121212"},
        {"{\"a\":\"IBAN: DE89 3704 0044 0532 0130 00 Thanks\"}", ""},
        {"{\"a\":\"GB29-NWBK-6016-1331-9268-19\"}", "/a n:gb29nwbk60161331926819"},
        {"{\"a\":\"+49 (151) 234-5678\"}", "/a n:491512345678"},
        {"{\"a\":\"0049 151 2345678\"}", "/a n:491512345678"},
        {"{\"a\":\"12345678\"}", "/a n:12345678"},
        {"{\"a\":123456789}", "/a n:123456789"},
        {"{\"a\":74.5,\"b\":2026,\"c\":true,\"d\":null}", ""},
        {"{\"a\":\"2026-11-22T10:24:35Z and 22.11.2026 and 11/22/2026\"}", ""},
        {"{\"a\":\"12345678.90 EUR for W2378156 and #12345\"}", ""},
        {"{\"deep\":{\"er\":[{\"x\":\"a@x.org\"}]}}", "/deep/er/0/x e:a@x.org"},
        {"{}", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(arena_done) struct arena *arena = arena_new(MIB);
        struct found found = {BUF_INIT(64 * KIB)};
        const struct json *json = NULL;
        struct ctx ctx;
        ctx_init(&ctx, arena);
        EXPECT(json_parse(&ctx, str_of(rows[i].json), &JSON_LIMITS_WIRE, &json) == FM_OK, "%s",
               rows[i].json);
        EXPECT(policy_recipients(arena, json, note, &found), "%s", rows[i].json);
        EXPECT_STR(rows[i].json, buf_str(&found.text), str_of(rows[i].want));
        buf_done(&found.text);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mentions),
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_recipients),
    };

    crypto_init();
    return CHECK_RUN(tests);
}
