/* SPDX-License-Identifier: Apache-2.0
 *
 * Redeeming: once, for exactly what was approved, in this life of the store.
 */
#include "../flow/story.h"

static struct proposal approved(void)
{
    struct proposal p = held();

    OK(decide(story.ana, &p, DECISION_APPROVE));
    pass(5 * SECOND_US, &p);
    EXPECT_STATE("approved", p, PROPOSAL_APPROVED);
    return p;
}

/* The permit as the agent reads it now, and back. */
static struct permit_claims claims_of(const struct proposal *p)
{
    AUTO(buf_done) struct buf permit = BUF_INIT(PERMIT_BYTES_MAX);
    struct permit_claims claims;
    struct hash arguments;

    OK(resume_final_arguments(&world.ctx, story.reader, p, &arguments));
    permit_issue(&permit, &story.issuer, p, story.bot->id, S("payments"), arguments, story.now_us);
    OK(permit_read(&world.ctx, &story.issuer, arena_copy(world.arena, buf_str(&permit)), &claims));
    return claims;
}

static enum fm_err redeem(const struct agent *agent, const struct permit_claims *claims,
                          struct hash arguments, struct proposal *out)
{
    struct story_cmd c = {
        .deed = REDEEM, .caller = {.agent = agent}, .claims = *claims, .arguments = arguments};
    enum fm_err err = story_do(&c);

    if (err == FM_OK) {
        *out = c.out;
    }
    return err;
}

/* What happened between the issue of the permit and its redemption. */
enum between {
    NOTHING,
    ALMOST_TOO_LATE,
    TEN_MINUTES,
    APPROVAL_OVER,
    RESTORED,
    REDEEMED_ALREADY,
    OUTCOME_REPORTED,
    EXPIRED_BY_CLOCK,
    ISSUED_AGAIN,
    OTHER_ARGUMENTS,
    OTHER_ARGUMENTS_IN_PERMIT,
    OTHER_JTI,
    OTHER_REVISION,
    NO_SUCH_PROPOSAL,
    BY_EXECUTOR,
    BY_STRANGER
};

static const struct {
    const char *name;
    enum between between;
    enum fm_err err;
} rows[] = {
    {"at once", NOTHING, FM_OK},
    {"by the executor", BY_EXECUTOR, FM_OK},
    {"by another agent", BY_STRANGER, FM_E_FORBIDDEN},
    {"in the last moment", ALMOST_TOO_LATE, FM_OK},
    {"after ten minutes", TEN_MINUTES, FM_E_PERMIT_EXPIRED},
    {"after ten minutes, issued again", ISSUED_AGAIN, FM_OK},
    {"when the approval is over, before the clock saw it", APPROVAL_OVER, FM_E_PERMIT_EXPIRED},
    {"when the clock has ended it", EXPIRED_BY_CLOCK, FM_E_PERMIT_EXPIRED},
    {"after a restore", RESTORED, FM_E_PERMIT_EXPIRED},
    {"a second time", REDEEMED_ALREADY, FM_E_PERMIT_USED},
    {"after its outcome", OUTCOME_REPORTED, FM_E_PERMIT_EXPIRED},
    {"with other arguments", OTHER_ARGUMENTS, FM_E_INVALID_ARGUMENT},
    {"a permit for other arguments", OTHER_ARGUMENTS_IN_PERMIT, FM_E_INVALID_ARGUMENT},
    {"superseded", OTHER_JTI, FM_E_PERMIT_EXPIRED},
    {"of another revision", OTHER_REVISION, FM_E_PERMIT_EXPIRED},
    {"of no proposal", NO_SUCH_PROPOSAL, FM_E_NOT_FOUND},
};

/* Changes the claims or the world; returns who redeems. */
static const struct agent *bring(enum between between, struct proposal *p,
                                 struct permit_claims *claims)
{
    switch (between) {
    case NOTHING:
    case OTHER_ARGUMENTS:
        return story.bot;
    case BY_EXECUTOR:
        return story.payments;
    case BY_STRANGER:
        return story.other;
    case ALMOST_TOO_LATE:
        story_advance(PERMIT_US - 1);
        return story.bot;
    case TEN_MINUTES:
        story_advance(PERMIT_US);
        return story.bot;
    case ISSUED_AGAIN:
        story_advance(PERMIT_US);
        *claims = claims_of(p);
        return story.bot;
    case APPROVAL_OVER:
        story_set_time(p->approved_until - MINUTE_US);
        *claims = claims_of(p);
        claims->expires_at = p->approved_until + HOUR_US; /* the row counts, not the permit alone */
        story_advance(MINUTE_US);
        return story.bot;
    case EXPIRED_BY_CLOCK:
        pass(DAY_US, p);
        claims->expires_at = story.now_us + HOUR_US;
        return story.bot;
    case RESTORED:
        claims->epoch = story.issuer.epoch - 1;
        return story.bot;
    case REDEEMED_ALREADY:
        OK(redeem(story.payments, claims, claims->arguments, p));
        return story.bot;
    case OUTCOME_REPORTED:
        OK(by_agent_do(OUTCOME, story.bot, p));
        return story.bot;
    case OTHER_ARGUMENTS_IN_PERMIT:
        claims->arguments.bytes[0] ^= 1;
        return story.bot;
    case OTHER_JTI:
        claims->permit = id_new();
        return story.bot;
    case OTHER_REVISION:
        claims->revision++;
        return story.bot;
    case NO_SUCH_PROPOSAL:
        claims->proposal = id_new();
        return story.bot;
    }
    return NULL;
}

static void test_redeem(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct proposal p, after;
        struct permit_claims claims;
        struct hash arguments;
        const struct agent *agent;
        enum fm_err err;

        story_set_time(STORY_START_US +
                       (int64_t)i * 10 * DAY_US); /* whole seconds, as permits have */
        p = approved();
        claims = claims_of(&p);
        arguments = claims.arguments;
        agent = bring(rows[i].between, &p, &claims);

        arguments.bytes[5] ^= rows[i].between == OTHER_ARGUMENTS;
        OK(proposal_find(&world.ctx, story.reader, p.id, &p));
        err = redeem(agent, &claims, arguments, &after);
        EXPECT(err == rows[i].err, "%s: %s", rows[i].name, world.ctx.detail);
        if (err == FM_OK) {
            EXPECT_STATE(rows[i].name, after, PROPOSAL_REDEEMED);
            EXPECT(after.redeemed_at == story.now_us, "%s", rows[i].name);
            EXPECT_STR(rows[i].name, last_kind(&after), S("permit.redeemed"));
        } else {
            OK(proposal_find(&world.ctx, story.reader, p.id, &after));
            EXPECT(after.state == p.state && after.last_leaf == p.last_leaf, "%s: untouched",
                   rows[i].name);
        }
        if (err == FM_E_PERMIT_USED) {
            EXPECT(world.ctx.members.p && strstr(world.ctx.members.p, "\"redeemed_at\":\"20"),
                   "%s: when", rows[i].name);
        }
    }
}

/* A modification: what the reviewer wrote runs, and nothing else. */
static void test_modified(void **state)
{
    struct proposal p = held();
    struct hash proposed = p.arguments_digest;
    struct permit_claims claims;

    (void)state;
    OK(modify(story.ana, &p, "{\"amount\":4}", false));
    pass(5 * SECOND_US, &p);
    claims = claims_of(&p);
    EXPECT(!hash_eq(claims.arguments, proposed), "another digest");
    REFUSED(redeem(story.bot, &claims, proposed, &p), FM_E_INVALID_ARGUMENT);
    OK(redeem(story.bot, &claims, sha256(S("{\"amount\":4}")), &p));
}

static void test_after_redemption(void **state)
{
    struct proposal p = approved();
    struct permit_claims claims = claims_of(&p);

    (void)state;
    OK(redeem(story.bot, &claims, claims.arguments, &p));
    pass(10 * DAY_US, &p);
    EXPECT_STATE("no longer expires", p, PROPOSAL_REDEEMED);
    REFUSED(withdraw(story.bot, &p), FM_E_ALREADY_DECIDED);
    REFUSED(undo(story.ana, &p), FM_E_ALREADY_RELEASED);
    OK(by_agent_do(OUTCOME, story.bot, &p));
    EXPECT_STATE("settled", p, PROPOSAL_SETTLED);
    REFUSED(redeem(story.bot, &claims, claims.arguments, &p), FM_E_PERMIT_USED);
}

static void test_epoch(void **state)
{
    int64_t epoch;

    (void)state;
    OK(resume_epoch(&world.ctx, story.reader, &epoch));
    EXPECT(epoch == 1, "a new store is in its first");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY_TEST(test_redeem),
        STORY_TEST(test_modified),
        STORY_TEST(test_after_redemption),
        STORY_TEST(test_epoch),
    };

    return CHECK_RUN(tests);
}
