/* SPDX-License-Identifier: Apache-2.0
 *
 * What an agent may send: every limit at and over, members that nobody knows, and a brief that is
 * complete before a person's time is spent on it.
 */
#include "../json/json_check.h"

#include "intake/intake.h"

static const struct policy *policy;

static int setup(void **state)
{
    static struct policy_finding findings[POLICY_FINDINGS_MAX];
    size_t count;
    struct fixture *f;

    crypto_init();
    if (fixture_setup(state) != 0) {
        return -1;
    }
    f = *state;
    EXPECT(policy_parse(
               &f->ctx, S("p"),
               S("version: 1\ndefaults: {then: review, queue: general}\nactions:\n"
                 "  full.brief: {brief: {require: [summary, request, recommendation, reasoning,"
                 " case_against, confidence, evidence, options, draft]}}\n"
                 "  strict.one: {schema: {required: [a, b], properties: {a: {type: number}},"
                 " additionalProperties: false}, brief: {require: [reasoning]}}\n"
                 "  two.items: {brief: {require: [evidence], evidence_min: 2}}\n"
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

static enum fm_err read_text(struct fixture *f, struct str text, struct submission *out)
{
    const struct json *body;

    TRY(json_parse(&f->ctx, text, &JSON_LIMITS_WIRE, &body));
    return intake_read(&f->ctx, policy, body, out);
}

/* Limits ------------------------------------------------------------------------------------- */

/* A body is `before`, `unit` so many times with `comma` between, and `after`. */
static const struct {
    const char *name, *before, *unit, *comma, *after;
    size_t max;
    enum fm_err err;
    const char *pointer;
} limits[] = {
    {"action", "{\"arguments\":{},\"action\":\"", "a", "", "\"}", 128, FM_E_TOO_LARGE, "/action"},
    {"arguments", "{\"action\":\"a\",\"arguments\":{\"x\":\"", "a", "", "\"}}", 256 * 1024 - 8,
     FM_E_TOO_LARGE, "/arguments"},
    {"agent_version", "{\"action\":\"a\",\"arguments\":{},\"agent_version\":\"", "a", "", "\"}",
     256, FM_E_TOO_LARGE, "/agent_version"},
    {"on_behalf_of", "{\"action\":\"a\",\"arguments\":{},\"on_behalf_of\":\"", "a", "", "\"}", 256,
     FM_E_TOO_LARGE, "/on_behalf_of"},
    {"subject", "{\"action\":\"a\",\"arguments\":{},\"subject\":\"", "a", "", "\"}", 256,
     FM_E_TOO_LARGE, "/subject"},
    {"session", "{\"action\":\"a\",\"arguments\":{},\"session\":\"", "a", "", "\"}", 256,
     FM_E_TOO_LARGE, "/session"},
    {"summary, ASCII", "{\"action\":\"a\",\"arguments\":{},\"brief\":{\"summary\":\"", "a", "",
     "\"}}", 300, FM_E_TOO_LARGE, "/brief/summary"},
    {"summary, four bytes each", "{\"action\":\"a\",\"arguments\":{},\"brief\":{\"summary\":\"",
     "\xF0\x9F\x98\x80", "", "\"}}", 300, FM_E_TOO_LARGE, "/brief/summary"},
    {"request", "{\"action\":\"a\",\"arguments\":{},\"brief\":{\"request\":\"", "a", "", "\"}}",
     32 * 1024, FM_E_TOO_LARGE, "/brief/request"},
    {"reasoning", "{\"action\":\"a\",\"arguments\":{},\"brief\":{\"reasoning\":\"", "a", "", "\"}}",
     32 * 1024, FM_E_TOO_LARGE, "/brief/reasoning"},
    {"recommendation", "{\"action\":\"a\",\"arguments\":{},\"brief\":{\"recommendation\":\"", "a",
     "", "\"}}", 32 * 1024, FM_E_TOO_LARGE, "/brief/recommendation"},
    {"case_against", "{\"action\":\"a\",\"arguments\":{},\"brief\":{\"case_against\":\"", "a", "",
     "\"}}", 32 * 1024, FM_E_TOO_LARGE, "/brief/case_against"},
    {"evidence", "{\"action\":\"a\",\"arguments\":{},\"brief\":{\"evidence\":[",
     "{\"title\":\"t\"}", ",", "]}}", 50, FM_E_INVALID_ARGUMENT, "/brief/evidence"},
    {"options", "{\"action\":\"a\",\"arguments\":{},\"brief\":{\"options\":[", "{\"title\":\"t\"}",
     ",", "]}}", 20, FM_E_INVALID_ARGUMENT, "/brief/options"},
    {"evidence text",
     "{\"action\":\"a\",\"arguments\":{},\"brief\":{\"evidence\":[{\"title\":\"t\",\"text\":\"",
     "a", "", "\"}]}}", 32 * 1024, FM_E_TOO_LARGE, "/brief/evidence/0/text"},
    {"domains", "{\"action\":\"a\",\"arguments\":{},\"domains\":[", "\"d\"", ",", "]}", 16,
     FM_E_INVALID_ARGUMENT, "/domains"},
    {"a domain", "{\"action\":\"a\",\"arguments\":{},\"domains\":[\"d\",\"", "a", "", "\"]}", 128,
     FM_E_TOO_LARGE, "/domains/1"},
    {"a label's name", "{\"action\":\"a\",\"arguments\":{},\"labels\":{\"", "a", "", "\":\"v\"}}",
     64, FM_E_INVALID_ARGUMENT, NULL},
    {"a label's value", "{\"action\":\"a\",\"arguments\":{},\"labels\":{\"n\":\"", "a", "", "\"}}",
     256, FM_E_INVALID_ARGUMENT, "/labels/n"},
    {"a draft",
     "{\"action\":\"a\",\"brief\":{\"draft\":{\"pointer\":\"/m\"}},\"arguments\":{\"m\":\"", "a",
     "", "\"}}", 32 * 1024, FM_E_TOO_LARGE, "/arguments/m"},
    /* "AAAA" is three bytes: 174762 of them are 524286, two below the limit */
    {"attachments together",
     "{\"action\":\"a\",\"arguments\":{},\"brief\":{\"evidence\":[{\"title\":\"t\","
     "\"content_type\":\"x/y\",\"base64\":\"AAA=\"},{\"title\":\"t\",\"content_type\":\"x/"
     "y\",\"base64\":\"",
     "AAAA", "", "\"}]}}", 174762, FM_E_TOO_LARGE, "/brief/evidence/1/base64"},
};

static struct str build(struct fixture *f, size_t row, size_t count)
{
    struct buf text = BUF_INIT(2 * MIB);
    struct str copy;

    buf_add(&text, str_of(limits[row].before));
    for (size_t i = 0; i < count; i++) {
        buf_add(&text, i ? str_of(limits[row].comma) : S(""));
        buf_add(&text, str_of(limits[row].unit));
    }
    buf_add(&text, str_of(limits[row].after));
    copy = arena_copy(f->arena, buf_str(&text));
    buf_done(&text);
    return copy;
}

static void test_limits(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        struct submission s;

        fixture_reset(f);
        EXPECT(read_text(f, build(f, i, limits[i].max), &s) == FM_OK, "%s: %zu: %s", limits[i].name,
               limits[i].max, f->ctx.detail);
        fixture_reset(f);
        EXPECT(read_text(f, build(f, i, limits[i].max + 1), &s) == limits[i].err,
               "%s: one more: %s", limits[i].name, f->ctx.detail);
        EXPECT(f->ctx.error_count == 1, "%s: where", limits[i].name);
        if (limits[i].pointer) {
            EXPECT_STR(limits[i].name, f->ctx.errors[0].pointer, str_of(limits[i].pointer));
        }
    }
}

/* A small attachment beside one of 524286 bytes: the limit of both is 524288. */
static void test_attachments(void **state)
{
    static const struct {
        const char *small;
        bool fits;
    } rows[] = {{"AA==", true}, {"AAA=", true}, {"AAAA", false}};
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(buf_done) struct buf text = BUF_INIT(2 * MIB);
        struct submission s;

        fixture_reset(f);
        buf_printf(&text,
                   "{\"action\":\"a\",\"arguments\":{},\"brief\":{\"evidence\":[{\"title\":\"t\","
                   "\"content_type\":\"x/y\",\"base64\":\"%s\"},{\"title\":\"t\","
                   "\"content_type\":\"x/y\",\"base64\":\"",
                   rows[i].small);
        for (int k = 0; k < 174762; k++) {
            buf_lit(&text, "AAAA");
        }
        buf_lit(&text, "\"}]}}");
        EXPECT((read_text(f, buf_str(&text), &s) == FM_OK) == rows[i].fits, "%s: %s", rows[i].small,
               f->ctx.detail);
    }
}

static void test_schema(void **state)
{
    static const struct {
        const char *name;
        struct str body;
        enum fm_err err;
        const char *pointers; /* with a space behind each */
    } rows[] = {
        {"all at once, the brief later", STR("{\"action\":\"strict.one\",\"arguments\":{\"a\":\"1\",\"c\":2}}"),
         FM_E_SCHEMA, "/arguments/b /arguments/a /arguments/c "},
        {"one member is missing", STR("{\"action\":\"strict.one\",\"arguments\":{\"a\":1}}"), FM_E_SCHEMA,
         "/arguments/b "},
        {"another action", STR("{\"action\":\"strict.two\",\"arguments\":{\"c\":2}}"), FM_OK, ""},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct submission s;
        fixture_reset(f);
        EXPECT(read_text(f, rows[i].body, &s) == rows[i].err, "%s: %s", rows[i].name, f->ctx.detail);
        buf_reset(&f->buf);
        for (unsigned k = 0; k < f->ctx.error_count; k++) {
            buf_printf(&f->buf, "%.*s ", STR_ARG(f->ctx.errors[k].pointer));
        }
        EXPECT_STR(rows[i].name, buf_str(&f->buf), str_of(rows[i].pointers));
    }
}

static void test_labels(void **state)
{
    struct fixture *f = *state;

    for (int count = 32; count <= 33; count++) {
        AUTO(buf_done) struct buf text = BUF_INIT(64 * KIB);
        struct submission s;

        buf_lit(&text, "{\"action\":\"a\",\"arguments\":{},\"labels\":{");
        for (int i = 0; i < count; i++) {
            buf_printf(&text, "%s\"l%d\":\"v\"", i ? "," : "", i);
        }
        buf_lit(&text, "}}");
        EXPECT((read_text(f, buf_str(&text), &s) == FM_OK) == (count == 32), "%d labels", count);
    }
}

/* Bodies ------------------------------------------------------------------------------------- */

#define LEAST             "\"action\":\"a\",\"arguments\":{}"
#define BRIEF(members)    "{" LEAST ",\"brief\":{" members "}}"
#define EVIDENCE(members) BRIEF("\"evidence\":[{\"title\":\"t\"},{" members "}]")
#define OPTION(members)   BRIEF("\"options\":[{" members "}]")

static const struct {
    const char *name, *body;
    enum fm_err err;
    const char *pointer;
} bodies[] = {
    {"the least", "{" LEAST "}", FM_OK, NULL},
    {"not an object", "[]", FM_E_INVALID_ARGUMENT, ""},
    {"no action", "{\"arguments\":{}}", FM_E_INVALID_ARGUMENT, "/action"},
    {"no arguments", "{\"action\":\"a\"}", FM_E_INVALID_ARGUMENT, "/arguments"},
    {"arguments as an array", "{\"action\":\"a\",\"arguments\":[]}", FM_E_INVALID_ARGUMENT,
     "/arguments"},
    {"arguments null", "{\"action\":\"a\",\"arguments\":null}", FM_E_INVALID_ARGUMENT,
     "/arguments"},
    {"every character of a name", "{\"action\":\"az09._/-\",\"arguments\":{}}", FM_OK, NULL},
    {"an empty name", "{\"action\":\"\",\"arguments\":{}}", FM_E_INVALID_ARGUMENT, "/action"},
    {"an upper-case name", "{\"action\":\"Refund\",\"arguments\":{}}", FM_E_INVALID_ARGUMENT,
     "/action"},
    {"a name with a space", "{\"action\":\"a b\",\"arguments\":{}}", FM_E_INVALID_ARGUMENT,
     "/action"},
    {"a name beyond ASCII", "{\"action\":\"caf\xC3\xA9\",\"arguments\":{}}", FM_E_INVALID_ARGUMENT,
     "/action"},
    {"an unknown member", "{" LEAST ",\"aproval\":true}", FM_E_UNKNOWN_MEMBER, "/aproval"},
    {"an unknown member with a slash", "{" LEAST ",\"a/b~\":1}", FM_E_UNKNOWN_MEMBER, "/a~1b~0"},
    {"an unknown member of the brief", BRIEF("\"sumary\":\"x\""), FM_E_UNKNOWN_MEMBER,
     "/brief/sumary"},
    {"an unknown member of evidence", EVIDENCE("\"title\":\"t\",\"url\":\"x\""),
     FM_E_UNKNOWN_MEMBER, "/brief/evidence/1/url"},
    {"an unknown member of an option", OPTION("\"title\":\"t\",\"cost\":1"), FM_E_UNKNOWN_MEMBER,
     "/brief/options/0/cost"},
    {"an unknown member of the draft", BRIEF("\"draft\":{\"pointer\":\"/m\",\"x\":1}"),
     FM_E_UNKNOWN_MEMBER, "/brief/draft/x"},
    {"an unknown member of the callback",
     "{" LEAST ",\"callback\":{\"url\":\"https://a.example/\",\"x\":1}}", FM_E_UNKNOWN_MEMBER,
     "/callback/x"},
    {"anything inside arguments", "{\"action\":\"a\",\"arguments\":{\"x\":{\"y\":[null]}}}", FM_OK,
     NULL},
    {"anything inside data", EVIDENCE("\"title\":\"t\",\"data\":{\"x\":[1]}"), FM_OK, NULL},
    {"evidence without a title", EVIDENCE("\"text\":\"x\""), FM_E_INVALID_ARGUMENT,
     "/brief/evidence/1/title"},
    {"evidence that is no object", BRIEF("\"evidence\":[1]"), FM_E_INVALID_ARGUMENT,
     "/brief/evidence/0"},
    {"an option without a title", OPTION("\"text\":\"x\""), FM_E_INVALID_ARGUMENT,
     "/brief/options/0/title"},
    {"a reason for that is no text", OPTION("\"title\":\"t\",\"pros\":[\"x\",1]"),
     FM_E_INVALID_ARGUMENT, "/brief/options/0/pros/1"},
    {"a reason against that is no text", OPTION("\"title\":\"t\",\"cons\":[null]"),
     FM_E_INVALID_ARGUMENT, "/brief/options/0/cons/0"},
    {"confidence 0", BRIEF("\"confidence\":0"), FM_OK, NULL},
    {"confidence 1", BRIEF("\"confidence\":1"), FM_OK, NULL},
    {"confidence over 1", BRIEF("\"confidence\":1.01"), FM_E_INVALID_ARGUMENT, "/brief/confidence"},
    {"confidence below 0", BRIEF("\"confidence\":-0.1"), FM_E_INVALID_ARGUMENT,
     "/brief/confidence"},
    {"confidence as text", BRIEF("\"confidence\":\"0.9\""), FM_E_INVALID_ARGUMENT,
     "/brief/confidence"},
    {"a domain that is no text", "{" LEAST ",\"domains\":[\"a\",1]}", FM_E_INVALID_ARGUMENT,
     "/domains/1"},
    {"a label that is no text", "{" LEAST ",\"labels\":{\"a\":1}}", FM_E_INVALID_ARGUMENT,
     "/labels/a"},
    {"a label without a name", "{" LEAST ",\"labels\":{\"\":\"v\"}}", FM_E_INVALID_ARGUMENT,
     "/labels/"},
    {"reversible", "{" LEAST ",\"reversible\":false}", FM_OK, NULL},
    {"reversible as text", "{" LEAST ",\"reversible\":\"no\"}", FM_E_INVALID_ARGUMENT,
     "/reversible"},
    {"a deadline", "{" LEAST ",\"deadline\":\"30m\"}", FM_OK, NULL},
    {"a deadline of nothing", "{" LEAST ",\"deadline\":\"0s\"}", FM_E_INVALID_ARGUMENT,
     "/deadline"},
    {"a deadline beyond 64 bits", "{" LEAST ",\"deadline\":\"999999999w\"}", FM_E_INVALID_ARGUMENT,
     "/deadline"},
    {"a deadline as a number", "{" LEAST ",\"deadline\":30}", FM_E_INVALID_ARGUMENT, "/deadline"},
    {"supersedes", "{" LEAST ",\"supersedes\":\"prp_00000000000000000000000001\"}", FM_OK, NULL},
    {"supersedes an agent", "{" LEAST ",\"supersedes\":\"agt_00000000000000000000000001\"}",
     FM_E_INVALID_ARGUMENT, "/supersedes"},
    {"a callback", "{" LEAST ",\"callback\":{\"url\":\"https://a.example/\"}}", FM_OK, NULL},
    {"a callback to a file", "{" LEAST ",\"callback\":{\"url\":\"file:///etc/passwd\"}}",
     FM_E_INVALID_ARGUMENT, "/callback/url"},
    {"a callback without URL", "{" LEAST ",\"callback\":{}}", FM_E_INVALID_ARGUMENT,
     "/callback/url"},
    /* drafts */
    {"a draft",
     "{\"action\":\"a\",\"arguments\":{\"m\":{\"t\":\"x\"}},\"brief\":{\"draft\":{\"pointer\":"
     "\"/m/t\",\"format\":\"text/plain\"}}}",
     FM_OK, NULL},
    {"a draft of no text",
     "{\"action\":\"a\",\"arguments\":{\"m\":1},\"brief\":{\"draft\":{\"pointer\":"
     "\"/m\"}}}",
     FM_E_INVALID_ARGUMENT, "/brief/draft/pointer"},
    {"a draft that is not there", BRIEF("\"draft\":{\"pointer\":\"/m\"}"), FM_E_INVALID_ARGUMENT,
     "/brief/draft/pointer"},
    {"a draft from the top", BRIEF("\"draft\":{\"pointer\":\"/arguments/m\"}"),
     FM_E_INVALID_ARGUMENT, "/brief/draft/pointer"},
    {"a draft without pointer", BRIEF("\"draft\":{}"), FM_E_INVALID_ARGUMENT,
     "/brief/draft/pointer"},
    /* attachments */
    {"an attachment",
     EVIDENCE("\"title\":\"t\",\"content_type\":\"image/png\",\"base64\":\"AAEC\""), FM_OK, NULL},
    {"an attachment of nothing",
     EVIDENCE("\"title\":\"t\",\"content_type\":\"x/y\",\"base64\":\"\""), FM_OK, NULL},
    {"without a type", EVIDENCE("\"title\":\"t\",\"base64\":\"AAEC\""), FM_E_INVALID_ARGUMENT,
     "/brief/evidence/1/base64"},
    {"not base64", EVIDENCE("\"title\":\"t\",\"content_type\":\"x/y\",\"base64\":\"A-_=\""),
     FM_E_INVALID_ARGUMENT, "/brief/evidence/1/base64"},
    {"base64 without padding",
     EVIDENCE("\"title\":\"t\",\"content_type\":\"x/y\",\"base64\":\"AA\""), FM_E_INVALID_ARGUMENT,
     "/brief/evidence/1/base64"},
};

static void test_bodies(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        struct submission s;

        fixture_reset(f);
        EXPECT(read_text(f, str_of(bodies[i].body), &s) == bodies[i].err, "%s: %s", bodies[i].name,
               f->ctx.detail);
        if (bodies[i].err != FM_OK) {
            EXPECT(f->ctx.error_count >= 1, "%s: where", bodies[i].name);
            EXPECT_STR(bodies[i].name, f->ctx.errors[0].pointer, str_of(bodies[i].pointer));
        }
    }
}

static void test_submission(void **state)
{
    struct fixture *f = *state;
    struct submission s;
    struct hash digest = sha256(S("{\"b\":2,\"x\":1.5}"));

    EXPECT(read_text(f,
                     S(" {\"arguments\" : {\"x\":1.50, \"b\":2e0}, \"action\":\"a.b\","
                       "\"deadline\":\"90s\", \"supersedes\":\"prp_00000000000000000000000001\","
                       "\"callback\":{\"url\":\"https://a.example/h\"}}"),
                     &s) == FM_OK,
           "%s", f->ctx.detail);
    EXPECT_STR("one canonical byte string", s.canonical,
               S("{\"action\":\"a.b\",\"arguments\":{\"b\":2,\"x\":1.5},\"callback\":{\"url\":"
                 "\"https://a.example/h\"},\"deadline\":\"90s\","
                 "\"supersedes\":\"prp_00000000000000000000000001\"}"));
    EXPECT(hash_eq(s.arguments_digest, digest), "of the arguments");
    EXPECT(s.deadline_us == 90 * INT64_C(1000000) && s.supersedes.bytes[15] == 1, "times and ids");
    EXPECT_STR("callback", s.callback_url, S("https://a.example/h"));
}

/* Completeness ------------------------------------------------------------------------------- */

#define FULL                                                                                       \
    "\"summary\":\"s\",\"request\":\"r\",\"recommendation\":\"r\",\"reasoning\":\"r\","            \
    "\"case_against\":\"c\",\"confidence\":0,\"evidence\":[{\"title\":\"t\"}],"                    \
    "\"options\":[{\"title\":\"o\"}],\"draft\":{\"pointer\":\"/m\"}"

static void test_complete(void **state)
{
    struct fixture *f = *state;
    struct submission s;

    EXPECT(read_text(
               f, S("{\"action\":\"full.brief\",\"arguments\":{\"m\":\"x\"},\"brief\":{" FULL "}}"),
               &s) == FM_OK,
           "all there: %s", f->ctx.detail);
    EXPECT(read_text(f, S("{\"action\":\"full.brief\",\"arguments\":{}}"), &s) ==
               FM_E_BRIEF_INCOMPLETE,
           "no brief");
    EXPECT(f->ctx.error_count == BRIEF_PART_COUNT, "every missing part is named: %u",
           f->ctx.error_count);
    for (unsigned part = 0; part < BRIEF_PART_COUNT; part++) {
        EXPECT_STR("in order", f->ctx.errors[part].pointer,
                   arena_printf(f->arena, "/brief/%s", brief_part_name((enum brief_part)part)));
    }
    EXPECT(read_text(f, S("{\"action\":\"other\",\"arguments\":{}}"), &s) == FM_OK,
           "another action");
}

/* Parts that are there and say nothing. */
static const struct {
    const char *name, *brief;
    unsigned missing;
} empties[] = {
    {"empty texts",
     "\"summary\":\"\",\"request\":\"\",\"recommendation\":\"\",\"reasoning\":\"\","
     "\"case_against\":\"\",\"confidence\":0,\"evidence\":[{\"title\":\"t\"}],"
     "\"options\":[{\"title\":\"o\"}],\"draft\":{\"pointer\":\"/m\"}",
     5},
    {"empty lists",
     "\"summary\":\"s\",\"request\":\"r\",\"recommendation\":\"r\",\"reasoning\":\"r\","
     "\"case_against\":\"c\",\"confidence\":0,\"evidence\":[],\"options\":[],\"draft\":{"
     "\"pointer\":\"/m\"}",
     2},
};

static void test_empty_parts(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(empties); i++) {
        struct submission s;
        struct str text = arena_printf(f->arena,
                                       "{\"action\":\"full.brief\",\"arguments\":{\"m\":\"x\"},"
                                       "\"brief\":{%s}}",
                                       empties[i].brief);

        ctx_clear(&f->ctx);
        EXPECT(read_text(f, text, &s) == FM_E_BRIEF_INCOMPLETE, "%s: %s", empties[i].name,
               f->ctx.detail);
        EXPECT(f->ctx.error_count == empties[i].missing, "%s: %u", empties[i].name,
               f->ctx.error_count);
    }
}

static void test_evidence_min(void **state)
{
    struct fixture *f = *state;
    struct submission s;

    EXPECT(read_text(f,
                     S("{\"action\":\"two.items\",\"arguments\":{},\"brief\":{\"evidence\":"
                       "[{\"title\":\"a\"},{\"title\":\"b\"}]}}"),
                     &s) == FM_OK,
           "two");
    EXPECT(read_text(f,
                     S("{\"action\":\"two.items\",\"arguments\":{},\"brief\":{\"evidence\":"
                       "[{\"title\":\"a\"}]}}"),
                     &s) == FM_E_BRIEF_INCOMPLETE,
           "one");
    EXPECT(strstr(f->ctx.detail, "2") != NULL, "how many: %s", f->ctx.detail);
    EXPECT(read_text(f, S("{\"action\":\"two.items\",\"arguments\":{}}"), &s) ==
               FM_E_BRIEF_INCOMPLETE,
           "none");
}

/* Revisions ---------------------------------------------------------------------------------- */

static const char old_request[] =
    "{\"action\":\"a\",\"arguments\":{\"x\":1},\"brief\":{\"summary\":\"old\"},\"deadline\":"
    "\"30m\","
    "\"labels\":{\"l\":\"v\"},\"supersedes\":\"prp_00000000000000000000000001\"}";
static const char without_brief[] = "{\"action\":\"a\",\"arguments\":{\"x\":1},\"session\":\"s\"}";

static const struct {
    const char *name, *old, *body;
    enum fm_err err;
    const char *canonical;
} revisions[] = {
    {"arguments", old_request, "{\"arguments\":{\"x\":2}}", FM_OK,
     "{\"action\":\"a\",\"arguments\":{\"x\":2},\"brief\":{\"summary\":\"old\"},\"deadline\":"
     "\"30m\","
     "\"labels\":{\"l\":\"v\"}}"},
    {"a brief", old_request, "{\"brief\":{\"summary\":\"new\"}}", FM_OK,
     "{\"action\":\"a\",\"arguments\":{\"x\":1},\"brief\":{\"summary\":\"new\"},\"deadline\":"
     "\"30m\","
     "\"labels\":{\"l\":\"v\"}}"},
    {"both", old_request, "{\"brief\":{\"summary\":\"new\"},\"arguments\":{}}", FM_OK,
     "{\"action\":\"a\",\"arguments\":{},\"brief\":{\"summary\":\"new\"},\"deadline\":\"30m\","
     "\"labels\":{\"l\":\"v\"}}"},
    {"a first brief", without_brief, "{\"brief\":{\"summary\":\"new\"}}", FM_OK,
     "{\"action\":\"a\",\"arguments\":{\"x\":1},\"brief\":{\"summary\":\"new\"},\"session\":"
     "\"s\"}"},
    {"no brief before or after", without_brief, "{\"arguments\":{\"x\":2}}", FM_OK,
     "{\"action\":\"a\",\"arguments\":{\"x\":2},\"session\":\"s\"}"},
    {"nothing", old_request, "{}", FM_E_INVALID_ARGUMENT, NULL},
    {"an action", old_request, "{\"action\":\"b\",\"arguments\":{}}", FM_E_UNKNOWN_MEMBER, NULL},
    {"a bad brief", old_request, "{\"brief\":{\"sumary\":\"x\"}}", FM_E_UNKNOWN_MEMBER, NULL},
    {"a brief that is none", old_request, "{\"brief\":\"x\"}", FM_E_INVALID_ARGUMENT, NULL},
};

static void test_revisions(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(revisions); i++) {
        struct submission s;
        const struct json *body;

        fixture_reset(f);
        body = must_parse(f, revisions[i].name, str_of(revisions[i].body));
        EXPECT(intake_revise(&f->ctx, policy, str_of(revisions[i].old), body, &s) ==
                   revisions[i].err,
               "%s: %s", revisions[i].name, f->ctx.detail);
        if (revisions[i].err == FM_OK) {
            EXPECT_STR(revisions[i].name, s.canonical, str_of(revisions[i].canonical));
            EXPECT(id_is_zero(s.supersedes), "%s: `supersedes` was for its time only",
                   revisions[i].name);
        }
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_limits),      TEST(test_attachments),  TEST(test_labels), TEST(test_schema),
        TEST(test_bodies),      TEST(test_submission),   TEST(test_complete),
        TEST(test_empty_parts), TEST(test_evidence_min), TEST(test_revisions),
    };

    return CHECK_RUN(tests);
}
