/* SPDX-License-Identifier: Apache-2.0
 *
 * Deciding and undoing: what a decision binds, what each mode asks for, and what is counted.
 */
#include "../flow/story.h"

#define READ                                                                                       \
    "then: review, queue: general, mode: read, undo: 0s, respond_within: 4h, on_expiry: expire,"   \
    " decide_by: [page], valid_for: 24h"
#define NO_UNDO                                                                                    \
    "then: review, queue: general, mode: glance, undo: 0s, respond_within: 4h, on_expiry: expire," \
    " decide_by: [page, token], valid_for: 1h"

static const struct {
    const char *name;
    enum decision_verdict verdict;
    enum proposal_state with_undo, without;
    size_t tally; /* index into the counts */
} verdicts[] = {
    {"approve", DECISION_APPROVE, PROPOSAL_UNDO, PROPOSAL_APPROVED, 0},
    {"modify", DECISION_MODIFY, PROPOSAL_UNDO, PROPOSAL_APPROVED, 1},
    {"reject", DECISION_REJECT, PROPOSAL_REJECTED, PROPOSAL_REJECTED, 2},
    {"return", DECISION_RETURN, PROPOSAL_RETURNED, PROPOSAL_RETURNED, 3},
};

static int64_t counted(struct tally tally, size_t which)
{
    int64_t counts[] = {tally.approved, tally.modified, tally.rejected, tally.returned};

    return counts[which];
}

static enum fm_err decide_by_row(size_t i, struct proposal *p)
{
    if (verdicts[i].verdict == DECISION_MODIFY) {
        return modify(story.ana, p, "{\"amount\":4}", false);
    }
    return decide(story.ana, p, verdicts[i].verdict);
}

static void test_verdicts(void **state)
{
    (void)state;
    for (int with_undo = 0; with_undo < 2; with_undo++) {
        story_activate(with_undo ? STORY_DEFAULTS : NO_UNDO, STORY_ACTIONS, STORY_LIMITS);
        for (size_t i = 0; i < COUNT_OF(verdicts); i++) {
            struct proposal p = held();
            struct tally before = tally_of(&p);
            bool approves = verdicts[i].verdict <= DECISION_MODIFY;
            int64_t undo_us = with_undo ? 5 * SECOND_US : 0,
                    valid_us = with_undo ? DAY_US : HOUR_US;

            OK(decide_by_row(i, &p));
            EXPECT_STATE(verdicts[i].name, p,
                         with_undo ? verdicts[i].with_undo : verdicts[i].without);
            EXPECT(p.verdict == (int64_t)verdicts[i].verdict && p.decided_by == story.ana->row &&
                       p.decided_at == story.now_us && p.via == VIA_PAGE,
                   "%s", verdicts[i].name);
            EXPECT(p.decision_leaf == p.last_leaf, "%s: its leaf", verdicts[i].name);
            EXPECT(id_is_zero(p.permit) == !approves, "%s: a permit", verdicts[i].name);
            EXPECT(p.approved_until == (approves ? story.now_us + undo_us + valid_us : 0), "%s",
                   verdicts[i].name);
            EXPECT(counted(tally_of(&p), verdicts[i].tally) - counted(before, verdicts[i].tally) ==
                       1,
                   "%s is counted", verdicts[i].name);
            EXPECT(news_of(JOURNAL_PROPOSAL_DECIDED, &p) == 1, "%s is told", verdicts[i].name);
            if (p.state == PROPOSAL_UNDO) {
                OK(undo(story.ana, &p));
                EXPECT(counted(tally_of(&p), verdicts[i].tally) ==
                           counted(before, verdicts[i].tally),
                       "%s undone is not counted", verdicts[i].name);
            }
        }
    }
}

static void test_digest(void **state)
{
    struct proposal p = held(), stale = p;
    char hex[128];

    (void)state;
    stale.digest.bytes[31] ^= 1;
    REFUSED(decide(story.ana, &stale, DECISION_APPROVE), FM_E_DIGEST_MISMATCH);
    {
        AUTO(buf_done) struct buf text = BUF_INIT(128);
        buf_add_hex(&text, hash_str(&p.digest));
        (void)snprintf(hex, sizeof(hex), "\"digest\":\"sha256:%.*s\",\"revision\":1",
                       STR_ARG(buf_str(&text)));
    }
    EXPECT_STR("what stands", world.ctx.members, str_of(hex));
    REFUSED(decide(story.ana, &stale, DECISION_REJECT), FM_E_DIGEST_MISMATCH);
    OK(proposal_find(&world.ctx, story.reader, p.id, &p));
    EXPECT_STATE("undecided", p, PROPOSAL_WAITING);
    EXPECT(tally_of(&p).approved == 0, "nothing counted");
}

static void test_second_decision(void **state)
{
    struct proposal p = held(), same = p;

    (void)state;
    OK(decide(story.ana, &p, DECISION_REJECT));
    REFUSED(decide(story.ben, &same, DECISION_APPROVE), FM_E_ALREADY_DECIDED);
    EXPECT(world.ctx.members.p && strstr(world.ctx.members.p, "\"name\":\"ana\"") &&
               strstr(world.ctx.members.p, "\"verdict\":\"reject\""),
           "the decision that stands: %s", world.ctx.members.p);
    REFUSED(decide(story.ana, &same, DECISION_APPROVE), FM_E_ALREADY_DECIDED);
    EXPECT(tally_of(&p).rejected == 1 && tally_of(&p).approved == 0, "one count");
    OK(withdraw(story.bot, (same = held(), &same)));
    REFUSED(decide(story.ana, &same, DECISION_APPROVE), FM_E_ALREADY_DECIDED);
    EXPECT(world.ctx.members.p && strstr(world.ctx.members.p, "\"decision\":null") &&
               strstr(world.ctx.members.p, "\"kind\":\"agent\""),
           "ended by its agent: %s", world.ctx.members.p);
}

/* During the undo time a second person comes too late, unless the first takes it back. */
static void test_undo(void **state)
{
    struct proposal p = held(), same = p;

    (void)state;
    OK(decide(story.ana, &p, DECISION_APPROVE));
    REFUSED(decide(story.ben, &same, DECISION_REJECT), FM_E_ALREADY_DECIDED);
    REFUSED(undo(story.ben, &p), FM_E_FORBIDDEN);
    OK(undo(story.ana, &p));
    EXPECT_STATE("back in the claim", p, PROPOSAL_CLAIMED);
    EXPECT(p.claimed_by == story.ana->row && p.verdict == 0 && p.decided_by == 0 && p.via == 0 &&
               id_is_zero(p.permit) && id_is_zero(p.decision) && p.decision_leaf == -1 &&
               p.release_at == 0 && p.approved_until == 0,
           "nothing of the decision is left");
    pass(5 * SECOND_US, &p);
    EXPECT_STATE("and nothing is released", p, PROPOSAL_CLAIMED);
    REFUSED(undo(story.ana, &p), FM_E_NOT_DECIDED);
    OK(decide(story.ana, &p, DECISION_REJECT));
    REFUSED(undo(story.ana, &p), FM_E_ALREADY_RELEASED);
}

static void test_undo_too_late(void **state)
{
    struct proposal p = held();

    (void)state;
    OK(decide(story.ana, &p, DECISION_APPROVE));
    pass(5 * SECOND_US, &p);
    REFUSED(undo(story.ana, &p), FM_E_ALREADY_RELEASED);
    OK(proposal_find(&world.ctx, story.reader, p.id, &p));
    EXPECT(p.state == PROPOSAL_APPROVED && tally_of(&p).approved == 1, "it stands");
}

static void test_undo_by_lead(void **state)
{
    struct proposal p = held();

    (void)state;
    pass(2 * HOUR_US, &p); /* escalated to the leads */
    OK(decide(story.ana, &p, DECISION_APPROVE));
    OK(undo(story.lea, &p));
    EXPECT(p.state == PROPOSAL_CLAIMED && p.claimed_by == story.ana->row, "back to who decided");
}

/* The mode `read`: claim, look at it for two seconds, decide. */
static void test_read_mode(void **state)
{
    struct proposal p;

    (void)state;
    story_activate(READ, STORY_ACTIONS, STORY_LIMITS);
    p = held();
    REFUSED(decide(story.ana, &p, DECISION_APPROVE), FM_E_CLAIM_FIRST);
    OK(claim(story.ana, &p));
    REFUSED(decide(story.ana, &p, DECISION_APPROVE), FM_E_TOO_FAST);
    EXPECT(world.ctx.retry_after_s >= 2, "when: %u s", world.ctx.retry_after_s);
    story_advance(READ_MODE_MIN_US - 1);
    REFUSED(decide(story.ana, &p, DECISION_REJECT), FM_E_TOO_FAST);
    OK(claim(story.ana, &p)); /* a heartbeat does not start it again */
    story_advance(1);
    OK(decide(story.ana, &p, DECISION_APPROVE));
    EXPECT_STATE("without undo time", p, PROPOSAL_APPROVED);
    p = held();
    OK(claim(story.ana, &p));
    story_advance(CLAIM_US);
    REFUSED(decide(story.ana, &p, DECISION_APPROVE), FM_E_CLAIM_FIRST);
    OK(claim(story.ben, &p));
    REFUSED(decide(story.ana, &p, DECISION_APPROVE), FM_E_CLAIMED);
    REFUSED(decide(story.ben, &p, DECISION_APPROVE), FM_E_TOO_FAST);
}

static void test_via(void **state)
{
    struct proposal p = held();
    struct decision_request decision = {.verdict = DECISION_REJECT, .digest = p.digest};

    (void)state;
    REFUSED(decide_as(story.ana, &p, decision, VIA_CHAT), FM_E_FORBIDDEN);
    story_activate(READ, STORY_ACTIONS, STORY_LIMITS);
    REFUSED(decide_as(story.ana, &p, decision, VIA_TOKEN), FM_E_FORBIDDEN);
    story_activate(NO_UNDO, STORY_ACTIONS, STORY_LIMITS);
    OK(decide_as(story.ana, &p, decision, VIA_TOKEN));
    EXPECT(p.via == VIA_TOKEN, "how it was decided is kept");
}

/* The proposed arguments: {"amount":5,"to":{"iban":"X","name":"N"},"note":"n"}; critical /amount, /to/iban. */
static const struct {
    const char *name, *arguments;
    bool minor;
    enum fm_err err;
} edits[] = {
    {"a note, minor", "{\"amount\":5,\"to\":{\"iban\":\"X\",\"name\":\"N\"},\"note\":\"m\"}", true,
     FM_OK},
    {"a note, material", "{\"amount\":5,\"to\":{\"iban\":\"X\",\"name\":\"N\"},\"note\":\"m\"}",
     false, FM_OK},
    {"the amount, minor", "{\"amount\":6,\"to\":{\"iban\":\"X\",\"name\":\"N\"},\"note\":\"n\"}",
     true, FM_E_INVALID_ARGUMENT},
    {"the amount, material", "{\"amount\":6,\"to\":{\"iban\":\"X\",\"name\":\"N\"},\"note\":\"n\"}",
     false, FM_OK},
    {"the amount dropped, minor", "{\"to\":{\"iban\":\"X\",\"name\":\"N\"},\"note\":\"n\"}", true,
     FM_E_INVALID_ARGUMENT},
    {"below a neighbour of a critical member, minor",
     "{\"amount\":5,\"to\":{\"iban\":\"X\",\"name\":\"M\"},\"note\":\"n\"}", true, FM_OK},
    {"a critical member below, minor",
     "{\"amount\":5,\"to\":{\"iban\":\"Y\",\"name\":\"N\"},\"note\":\"n\"}", true,
     FM_E_INVALID_ARGUMENT},
    {"what a critical member stands in, minor", "{\"amount\":5,\"to\":\"X\",\"note\":\"n\"}", true,
     FM_E_INVALID_ARGUMENT},
    {"a critical member made an object, minor",
     "{\"amount\":{\"is\":5},\"to\":{\"iban\":\"X\",\"name\":\"N\"},\"note\":\"n\"}", true,
     FM_E_INVALID_ARGUMENT},
    {"a name that only begins like a critical one, minor",
     "{\"amount\":5,\"amounts\":6,\"to\":{\"iban\":\"X\",\"name\":\"N\"},\"note\":\"n\"}", true,
     FM_OK},
};

static void test_edits(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(edits); i++) {
        struct proposal p = held();
        struct hash final, want;
        enum fm_err err = modify(story.ana, &p, edits[i].arguments, edits[i].minor);

        EXPECT(err == edits[i].err, "%s: %s", edits[i].name, world.ctx.detail);
        if (err == FM_OK) {
            OK(intake_check_arguments(&world.ctx, story_json(edits[i].arguments), &want));
            OK(resume_final_arguments(&world.ctx, story.reader, &p, &final));
            EXPECT(hash_eq(final, want), "%s: what will run", edits[i].name);
            EXPECT(!hash_eq(final, p.arguments_digest), "%s: is not what was proposed",
                   edits[i].name);
        } else {
            OK(proposal_find(&world.ctx, story.reader, p.id, &p));
            EXPECT_STATE(edits[i].name, p, PROPOSAL_WAITING);
        }
    }
}

static void test_edit_blocked(void **state)
{
    struct proposal p = held();

    (void)state;
    story_activate(STORY_DEFAULTS, "  refund.issue: {then: block}\n", STORY_LIMITS);
    REFUSED(modify(story.ana, &p, "{\"amount\":4}", false), FM_E_INVALID_ARGUMENT);
    OK(decide(story.ana, &p, DECISION_REJECT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY_TEST(test_verdicts),        STORY_TEST(test_digest),
        STORY_TEST(test_second_decision), STORY_TEST(test_undo),
        STORY_TEST(test_undo_too_late),   STORY_TEST(test_undo_by_lead),
        STORY_TEST(test_read_mode),       STORY_TEST(test_via),
        STORY_TEST(test_edits),           STORY_TEST(test_edit_blocked),
    };

    return CHECK_RUN(tests);
}
