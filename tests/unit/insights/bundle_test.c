/* SPDX-License-Identifier: Apache-2.0
 *
 * What a bundle says, when there is none, and the page that is made of it.
 */
#include "evidence_world.h"

static const struct json *read_bundle(struct str text)
{
    const struct json *bundle = NULL;

    OK(json_parse(&world.ctx, text, &INSIGHTS_BUNDLE_LIMITS, &bundle));
    return bundle;
}

static struct str text_at(const struct json *bundle, const char *pointer)
{
    const struct json *value = json_at(bundle, str_of(pointer));

    return value && value->kind == JSON_NUMBER ? value->as.text : json_text(value);
}

static const struct {
    const char *pointer, *want;
} told[] = {
    {"/format", "fermata-evidence-bundle"},
    {"/summary/proposal/status", "approved"},
    {"/summary/proposal/action", "refund.issue"},
    {"/summary/proposal/agent/name", "bot"},
    {"/summary/proposal/revision", "1"},
    {"/summary/proposal/assessed", "earn"},
    {"/summary/request/subject", "customer:W1"},
    {"/summary/request/arguments/amount", "5"},
    {"/summary/decisions/0/verdict", "modify"},
    {"/summary/decisions/0/by/name", "ana"},
    {"/summary/decisions/0/by/roles/0", "reviewer"},
    {"/summary/decisions/0/arguments/amount", "4"},
    {"/summary/decisions/0/changed/0/pointer", "/amount"},
    {"/summary/decisions/0/via", "page"},
    {"/summary/released/kind", "proposal.released"},
    {"/summary/outcome/data/status", "succeeded"},
    {"/summary/outcome/detail", "detail"},
    {"/summary/outcome/by/name", "bot"},
    {"/summary/events/0/kind", "proposal.held"},
    {"/summary/events/2/text", "a note"},
};

static void test_tells(void **state)
{
    struct proposal p = full_story();
    const struct json *bundle;

    (void)state;
    sign_log();
    bundle = read_bundle(bundle_of(&p));
    for (size_t i = 0; i < COUNT_OF(told); i++) {
        EXPECT_STR(told[i].pointer, text_at(bundle, told[i].pointer), str_of(told[i].want));
    }
    EXPECT(json_at(bundle, S("/summary/decisions/0/stands"))->kind == JSON_TRUE, "it stands");
    EXPECT(json_get(bundle, S("findings"))->count == 0, "nothing is wrong");
    EXPECT(json_get(bundle, S("leaves"))->count == 6, "every leaf: held, claimed, note, decided, "
                                                      "released, outcome");
    EXPECT(json_get(bundle, S("context"))->count == 3, "ana, bot, the policy");
    EXPECT_STR("policy", text_at(bundle, "/summary/policy/version"),
               text_at(read_bundle(bundle_of(&p)), "/summary/policy/version"));
    EXPECT(text_at(bundle, "/summary/policy/version").n == 71, "sha256: and 64 digits");
}

static void test_by_policy(void **state)
{
    struct proposal p;
    const struct json *bundle;

    (void)state;
    OK(submit(story.bot, "{\"action\":\"auto.go\",\"arguments\":{}}", &p));
    sign_log();
    bundle = read_bundle(bundle_of(&p));
    EXPECT(json_at(bundle, S("/summary/approved_by_policy"))->kind == JSON_TRUE, "by the policy");
    EXPECT(json_at(bundle, S("/summary/decisions"))->count == 0, "no person");
    EXPECT(json_get(bundle, S("findings"))->count == 0, "nothing is wrong");
}

static void test_not_yet(void **state)
{
    struct proposal p = held();
    struct str text;

    (void)state;
    REFUSED(make_bundle(p.id, &text), FM_E_OVERLOADED);
    EXPECT(world.ctx.retry_after_s == 1, "ask again in a second");
    sign_log();
    OK(make_bundle(p.id, &text));
    OK(claim(story.ana, &p));
    REFUSED(make_bundle(p.id, &text), FM_E_OVERLOADED);
    REFUSED(make_bundle((struct id){{1}}, &text), FM_E_NOT_FOUND);
}

static void test_too_large(void **state)
{
    AUTO(buf_done) struct buf small = BUF_INIT(6 * KIB);
    struct proposal p = full_story();

    (void)state;
    sign_log();
    EXPECT(bundle_of(&p).n > 6 * KIB, "it is larger");
    REFUSED(insights_bundle(&world.ctx, story.reader, p.id, S("key"), &small), FM_E_TOO_LARGE);
}

SQL(SQL_ERASE, "UPDATE payloads SET salt = NULL, body = NULL WHERE idx = $idx");

static enum fm_err erase(struct ctx *ctx, struct store_conn *conn, void *with)
{
    const struct proposal *p = with;

    return store_exec(ctx, conn, &SQL_ERASE, ARGS(A_INT("$idx", p->payload)));
}

static void test_erased(void **state)
{
    struct proposal p = full_story();
    struct check_report report;
    const struct json *bundle;
    struct str text;

    (void)state;
    OK(world_do(erase, &p));
    sign_log();
    text = bundle_of(&p);
    bundle = read_bundle(text);
    EXPECT(json_at(bundle, S("/summary/request"))->kind == JSON_NULL, "the request is gone");
    EXPECT_STR("the decision is not", text_at(bundle, "/summary/decisions/0/verdict"), S("modify"));
    OK(keep_check_file(&world.ctx, text, &log_verifier, &report));
    EXPECT(report.findings.count == 0 && report.erased == 1, "it still fits: %.*s",
           STR_ARG(report.findings.items[0]));
}

static void test_page(void **state)
{
    AUTO(buf_done) struct buf page = BUF_INIT(8 * MIB);
    struct proposal p = full_story();
    const char *html;

    (void)state;
    sign_log();
    OK(insights_bundle_page(&world.ctx, bundle_of(&p), &page));
    buf_add_char(&page, '\0');
    html = buf_str(&page).p;
    EXPECT(strstr(html, "modify by ana"), "who");
    EXPECT(strstr(html, "&lt;b&gt;<mark title=\"a character that nobody sees\">U+202E</mark>S"),
           "what the agent wrote, escaped and visible");
    EXPECT(!strstr(html, "<b>") && !strstr(html, "<script") && !strstr(html, "src="),
           "no markup of the agent's, no script, nothing loaded");
    EXPECT(strstr(html, "What this does not prove") && strstr(html, "@media print"), "for filing");
    REFUSED(insights_bundle_page(&world.ctx, S("{"), &page), FM_E_INVALID_JSON);
}

static void test_proof(void **state)
{
    struct proposal p = full_story();
    struct check_report report;

    (void)state;
    sign_log();
    for (int with = PROOF_ENTRY; with <= PROOF_ENTRY_AND_PAYLOAD; with++) {
        AUTO(buf_done) struct buf proof = BUF_INIT(MIB);
        OK(insights_proof(&world.ctx, story.reader, (uint64_t)p.decision_leaf,
                          (enum proof_extra)with, &proof));
        OK(keep_check_file(&world.ctx, buf_str(&proof), &log_verifier, &report));
        EXPECT(report.findings.count == 0 && report.kind == CHECK_PROOF, "it fits");
        EXPECT(report.leaf.index == (uint64_t)p.decision_leaf, "the leaf that was asked for");
        EXPECT((report.leaf.payload.p != NULL) == (with == PROOF_ENTRY_AND_PAYLOAD), "payload");
    }
    AUTO(buf_done) struct buf proof = BUF_INIT(MIB);
    REFUSED(insights_proof(&world.ctx, story.reader, 100000, PROOF_ENTRY, &proof), FM_E_NOT_FOUND);
    REFUSED(insights_proof(&world.ctx, story.reader, UINT64_MAX, PROOF_ENTRY, &proof),
            FM_E_NOT_FOUND);
}

static struct str hex_of(struct hash hash)
{
    AUTO(buf_done) struct buf text = BUF_INIT(KIB);

    buf_add_hex(&text, hash_str(&hash));
    return arena_copy(world.arena, buf_str(&text));
}

/* What an insider could append to a log that the server goes on signing. <D> is the proposal's
 * digest, <A> that of its arguments. */
#define APPROVE "\"revision\":1,\"verdict\":\"approve\""
#define CONTENT(arguments_digest, digest, verdict)                                                 \
    "{\"arguments_digest\":\"sha256:" arguments_digest "\",\"digest\":\"sha256:" digest "\","      \
    "\"verdict\":\"" verdict "\"}"
static const struct {
    const char *name, *data, *content, *finding;
    enum actor_kind by;
    const struct person **who;
} forged[] = {
    {"an honest one", APPROVE, CONTENT("<A>", "<D>", "approve"), NULL, ACTOR_REVIEWER, &story.ana},
    {"by an auditor", APPROVE, CONTENT("<A>", "<D>", "approve"), "had no role to decide",
     ACTOR_REVIEWER, &story.aud},
    {"by a stranger", APPROVE, CONTENT("<A>", "<D>", "approve"), "says who", ACTOR_REVIEWER, NULL},
    {"by the policy", APPROVE, CONTENT("<A>", "<D>", "approve"), "by no person", ACTOR_POLICY,
     NULL},
    {"on something else", APPROVE, CONTENT("<A>", "<A>", "approve"), "something else",
     ACTOR_REVIEWER, &story.ana},
    {"other arguments", APPROVE, CONTENT("<D>", "<D>", "approve"), "not of its arguments",
     ACTOR_REVIEWER, &story.ana},
    {"another verdict", APPROVE, CONTENT("<A>", "<D>", "reject"), "decide differently",
     ACTOR_REVIEWER, &story.ana},
    {"an edit without arguments", "\"revision\":1,\"verdict\":\"modify\"",
     CONTENT("<A>", "<D>", "modify"), "decide differently", ACTOR_REVIEWER, &story.ana},
    {"a digest that is none", APPROVE, CONTENT("<A>", "xy", "approve"), "something else",
     ACTOR_REVIEWER, &story.ana},
    {"another revision", "\"revision\":2,\"verdict\":\"approve\"", CONTENT("<A>", "<D>", "approve"),
     "another revision", ACTOR_REVIEWER, &story.ana},
    {"no JSON", APPROVE, "x", "is not JSON", ACTOR_REVIEWER, &story.ana},
};

static struct str filled(const char *format, const struct proposal *p)
{
    struct str text = str_of(format);

    while (strstr(text.p, "<D>")) {
        text = replaced(text, "<D>", hex_of(p->digest).p);
    }
    while (strstr(text.p, "<A>")) {
        text = replaced(text, "<A>", hex_of(p->arguments_digest).p);
    }
    return text;
}

static void test_forged(void **state)
{
    struct check_report report;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(forged); i++) {
        struct proposal p = held();
        struct forgery f = {
            .p = &p,
            .kind = JOURNAL_PROPOSAL_DECIDED,
            .by = {forged[i].by, forged[i].who ? (*forged[i].who)->id : (struct id){{9}}},
            .data = forged[i].data,
            .payload = filled(forged[i].content, &p)};
        const struct json *findings;

        OK(world_do(forge, &f));
        sign_log();
        OK(keep_check_file(&world.ctx, bundle_of(&p), &log_verifier, &report));
        findings = json_get(read_bundle(bundle_of(&p)), S("findings"));
        EXPECT(report.findings.count == (forged[i].finding ? 1 : 0), "%s: %llu: %.*s",
               forged[i].name, (unsigned long long)report.findings.count,
               STR_ARG(report.findings.items[0]));
        EXPECT(findings->count == report.findings.count, "%s: the bundle says so itself",
               forged[i].name);
        EXPECT(!forged[i].finding || strstr(report.findings.items[0].p, forged[i].finding),
               "%s: %s", forged[i].name, report.findings.items[0].p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY_TEST(test_tells),  STORY_TEST(test_by_policy), STORY_TEST(test_not_yet),
        STORY_TEST(test_erased), STORY_TEST(test_page),      STORY_TEST(test_proof),
        STORY_TEST(test_forged), STORY_TEST(test_too_large),
    };

    return CHECK_RUN(tests);
}
