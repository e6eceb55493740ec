/* SPDX-License-Identifier: Apache-2.0
 *
 * Files for outsiders, checked without a store: what is true fits, and nothing else does, whoever
 * it is that changed a bundle.
 */
#include "../insights/evidence_world.h"

static struct check_report report;

static enum fm_err check(struct str text)
{
    ctx_clear(&world.ctx);
    return keep_check_file(&world.ctx, text, &log_verifier, &report);
}

static bool mentions(const char *text)
{
    for (uint64_t i = 0; i < report.findings.count && i < EVIDENCE_FINDINGS_MAX; i++) {
        if (strstr(report.findings.items[i].p, text)) {
            return true;
        }
    }
    return false;
}

static void test_true_ones_fit(void **state)
{
    struct proposal lives[6];

    (void)state;
    lives[0] = full_story();
    lives[1] = held();
    OK(decide(story.ben, &lives[1], DECISION_REJECT));
    lives[2] = held();
    OK(decide(story.ana, &lives[2], DECISION_RETURN));
    OK(revise(story.bot, &lives[2], "{\"arguments\":{\"amount\":1}}"));
    OK(decide(story.ana, &lives[2], DECISION_APPROVE));
    lives[3] = held();
    OK(decide(story.ana, &lives[3], DECISION_APPROVE));
    OK(undo(story.ana, &lives[3]));
    OK(submit(story.bot, "{\"action\":\"no.way\",\"arguments\":{}}", &lives[4]));
    lives[5] = held();
    OK(withdraw(story.bot, &lives[5]));
    sign_log();
    for (size_t i = 0; i < COUNT_OF(lives); i++) {
        OK(check(bundle_of(&lives[i])));
        EXPECT(report.findings.count == 0, "life %zu: %.*s", i, STR_ARG(report.findings.items[0]));
        EXPECT(report.kind == CHECK_BUNDLE && report.leaves >= 3 && report.payloads >= 2,
               "life %zu", i);
    }
}

/* What somebody changes in the text of a true bundle, and what is found; NULL: it is refused. */
static const struct {
    const char *name, *from, *to, *finding;
} changes[] = {
    {"the verdict in the summary", "\"verdict\":\"modify\"", "\"verdict\":\"approve\"",
     "see /decisions/0/verdict"},
    {"the decider's name", "\"name\":\"ana\"", "\"name\":\"eva\"", "see /decisions/0/by/name"},
    {"the roles", "[\"reviewer\"]", "[\"lead\"]", "see /decisions/0/by/roles"},
    {"a member of the summary taken away", "\"approved_by_policy\":false,", "",
     "approved_by_policy"},
    {"a member added", "\"v\":1,\"made_at\"", "\"v\":1,\"verdict\":\"approve\",\"made_at\"",
     "\"verdict\" is no part"},
    {"the request in the summary", "\"request\":{\"action\"", "\"request\":{\"Action\"",
     "see /request"},
    {"an entry", "\\\"kind\\\":\\\"proposal.decided\\\"", "\\\"kind\\\":\\\"proposal.withdraw\\\"",
     "is not in the signed log"},
    {"the place of an entry", "\"leaves\":[{\"index\":1", "\"leaves\":[{\"index\":2", "signed log"},
    {"a payload", "\"payload\":\"{\\\"action", "\"payload\":\"{\\\"Action", "not the one"},
    {"a payload taken away", "\"payload\":\"a note\"", "\"payload\":null", "lacks its payload"},
    {"the salt", "\"salt\":\"", "\"salt\":\"00", "not the one that was committed to"},
    {"a salt that is no hex", "\"salt\":\"", "\"salt\":\"zz", "lacks its payload or its salt"},
    {"a proof", "\"proof\":[\"", "\"proof\":[\"AAAA\",\"", "without index, entry or proof"},
    {"all context", "\"context\":[{", "\"context\":[],\"unproven\":[{", NULL},
    {"the log's name", "\"origin\":\"", "\"origin\":\"x", "another log or key"},
    {"the log's key", "\"vkey\":\"", "\"vkey\":\"x", "another log or key"},
    {"the size of the checkpoint", "\\n", "\\n1", NULL},
    {"the format", "fermata-evidence-bundle", "fermata-evidence-bundle2", NULL},
    {"its version", "\"v\":1,", "\"v\":2,", NULL},
    {"a member in a leaf", "\"leaves\":[{", "\"leaves\":[{\"zzz\":1,",
     "\"zzz\" is no part of a bundle's leaf"},
    {"a member in the context", "\"context\":[{", "\"context\":[{\"zzz\":1,",
     "\"zzz\" is no part of a bundle's leaf"},
    {"a member in the log", "\"log\":{", "\"log\":{\"zzz\":1,",
     "\"zzz\" is no part of a bundle's log"},
    {"a member among what is unproven", "\"unproven\":{", "\"unproven\":{\"approved_by\":1,",
     "\"approved_by\" is no part of what a bundle leaves unproven"},
    {"a payload that is no text", "\"payload\":\"a note\"", "\"payload\":{\"a\":1}",
     "\"payload\" is neither text nor null"},
    {"an invented finding", "\"findings\":[", "\"findings\":[\"all is lost\"",
     "\"findings\" does not list"},
    {"findings taken away", "\"findings\":[],", "", "\"findings\" does not list"},
    {"another promise", "\"proves\":[\"", "\"proves\":[\"All is well. ",
     "\"proves\" is not what a bundle says there"},
    {"promises taken away", "\"proves\":[", "\"proves\":[],\"unproven\":[", NULL},
    {"limits replaced", "\"does_not_prove\":[\"That the", "\"does_not_prove\":[\"This the",
     "\"does_not_prove\" is not what a bundle says there"},
    {"no time", "\"made_at\":\"2", "\"made_at\":\"x", "\"made_at\" is no time"},
    {"a key that is no text", "\"vkey\":", "\"vkey\":{},\"origin\":", NULL},
    {"the checkpoint taken away", "\"checkpoint\":", "\"checkpont\":", NULL},
};

static void test_changed(void **state)
{
    struct proposal p = full_story();
    struct str text;

    (void)state;
    sign_log();
    text = bundle_of(&p);
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        enum fm_err err = check(replaced(text, changes[i].from, changes[i].to));

        EXPECT((err == FM_OK) == (changes[i].finding != NULL), "%s: %s", changes[i].name,
               world.ctx.detail);
        EXPECT(err != FM_OK || mentions(changes[i].finding), "%s: %.*s", changes[i].name,
               STR_ARG(report.findings.count ? report.findings.items[0] : S("nothing found")));
    }
}

/* Another bundle's leaves are in the log too, but tell another life. */
static void test_parts_of_another(void **state)
{
    struct proposal p = full_story(), q = held();
    struct str mine, theirs, cut;
    const char *from, *begin, *end;

    (void)state;
    OK(decide(story.ana, &q, DECISION_REJECT));
    sign_log();
    mine = bundle_of(&p);
    theirs = bundle_of(&q);
    begin = strstr(theirs.p, ",\"leaves\":[");
    end = strstr(theirs.p, ",\"context\":[");
    from = strstr(mine.p, ",\"leaves\":[");
    cut = arena_printf(world.arena, "%.*s%.*s%s", (int)(from - mine.p), mine.p, (int)(end - begin),
                       begin, strstr(mine.p, ",\"context\":["));
    OK(check(cut));
    EXPECT(mentions("the summary is not what the leaves tell"), "leaves of another proposal");
    cut = arena_printf(world.arena, "%.*s,\"leaves\":[],%s", (int)(from - mine.p), mine.p,
                       strstr(mine.p, ",\"context\":[") + 1);
    OK(check(cut));
    EXPECT(mentions("no leaf about the proposal"), "no leaves");
}

static void test_key(void **state)
{
    static const uint8_t seed[ED25519_SEED] = {3};
    struct note_verifier other;
    struct proposal p = full_story();
    struct sign_key key;

    (void)state;
    sign_log();
    sign_key_from_seed(seed, &key);
    EXPECT(note_verifier_of(str_of(log_verifier.name), &key, &other), "a key");
    REFUSED(keep_check_file(&world.ctx, bundle_of(&p), &other, &report), FM_E_INVALID_ARGUMENT);
}

static const struct {
    const char *name, *text, *says;
} strange[] = {
    {"nothing", "", "the file is empty"},
    {"blanks", " \n\n", "the file is empty"},
    {"no JSON", "hello", "no proof, bundle or export"},
    {"a control character", "\x01\x02", "no proof, bundle or export"},
    {"another JSON", "{\"a\":1}", "but some other JSON"},
    {"an array", "[]", "no proof, bundle or export"},
    {"a damaged bundle", "{\"format\":\"fermata-evidence-bundle\",", "damaged: "},
    {"a page", "\n<!doctype html>", "a page for reading"},
    {"a checkpoint", "log.example\n1\nAAAA\n\n\xe2\x80\x94 log.example AAAA\n", "a log checkpoint"},
    {"a proof of growth", "old 1\n", "a proof of growth"},
    {"a line of an export", "{\"entry\":{\"v\":1},\"index\":0}\n", "entries of an export"},
    {"an answer", "{\"index\":1,\"proof\":\"x\",\"says\":\"x\"}", "the answer of"},
    {"a bundle of the future", "{\"format\":\"fermata-evidence-bundle\",\"v\":2}", "a version"},
    {"a proof of nothing", "c2sp.org/tlog-proof@v1\nindex 0\n\nx\n1\n", "proof"},
    {"a bundle without a log", "{\"format\":\"fermata-evidence-bundle\",\"v\":1}", ""},
};

static void test_strange(void **state)
{
    (void)state;
    sign_log();
    for (size_t i = 0; i < COUNT_OF(strange); i++) {
        EXPECT(check(str_of(strange[i].text)) == FM_E_INVALID_ARGUMENT, "%s: %s", strange[i].name,
               world.ctx.detail);
        EXPECT(strstr(world.ctx.detail, strange[i].says), "%s: %s", strange[i].name,
               world.ctx.detail);
    }
    REFUSED(check((struct str){"\0\0\0", 3}), FM_E_INVALID_ARGUMENT);
    EXPECT(strstr(world.ctx.detail, "no proof, bundle or export"), "NUL: %s", world.ctx.detail);
}

static const struct {
    const char *from, *to, *finding;
} extras[] = {
    {"\"says\":\"decided", "\"says\":\"REJECTED by the board",
     "\"says\" is not what the entry says"},
    {"\"says\":\"", "\"says\":[],\"zzz\":\"", "\"says\" is neither text nor null"},
    {"\"says\"", "\"zzz\":1,\"says\"", "\"zzz\" is no part of a proof"},
    {"\"v\":1", "\"v\":2", "not of version 1"},
    {"\"salt\":\"", "\"salt\":null,\"salz\":\"", "lacks its payload or its salt"},
};

/* A proof whose extra data says something else than its leaf. */
static void test_proof_extra(void **state)
{
    AUTO(buf_done) struct buf proof = BUF_INIT(MIB);
    AUTO(buf_done) struct buf forged = BUF_INIT(MIB);
    struct proposal p = full_story();
    struct tlog_proof_file file;
    struct str extra;

    (void)state;
    sign_log();
    OK(insights_proof(&world.ctx, story.reader, (uint64_t)p.decision_leaf, PROOF_ENTRY_AND_PAYLOAD,
                      &proof));
    OK(tlog_proof_file_parse(&world.ctx, buf_str(&proof), &file));
    extra = file.extra;
    file.extra = replaced(file.extra, "\"payload\":\"{", "\"payload\":\"{ ");
    tlog_proof_file_write(&forged, &file);
    OK(check(buf_str(&forged)));
    EXPECT(mentions("not the one that was committed to"), "another payload");
    for (size_t i = 0; i < COUNT_OF(extras); i++) {
        struct tlog_proof_file changed = file;
        changed.extra = replaced(extra, extras[i].from, extras[i].to);
        buf_reset(&forged);
        tlog_proof_file_write(&forged, &changed);
        OK(check(buf_str(&forged)));
        EXPECT(mentions(extras[i].finding), "%s", extras[i].finding);
    }
    buf_reset(&forged);
    file.extra = replaced(file.extra, "modify", "reject");
    tlog_proof_file_write(&forged, &file);
    REFUSED(check(buf_str(&forged)), FM_E_INVALID_ARGUMENT);
    buf_reset(&forged);
    file.extra = STR_NONE;
    tlog_proof_file_write(&forged, &file);
    REFUSED(check(buf_str(&forged)), FM_E_INVALID_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY_TEST(test_true_ones_fit), STORY_TEST(test_changed), STORY_TEST(test_parts_of_another),
        STORY_TEST(test_key),           STORY_TEST(test_strange), STORY_TEST(test_proof_extra),
    };

    return CHECK_RUN(tests);
}
