/* SPDX-License-Identifier: Apache-2.0
 *
 * Versions of the policy: what becomes active, what waits and for whom, a file that is read again, and
 * commands of one batch that change the policy one after the other.
 */
#include "story.h"

#define BASE    "version: 1\ndefaults: {then: review, warm_up: 0, decide_by: [page]}\n"
#define TIGHTER BASE "rules: [{id: r, when: 'true', then: block}]\n"
#define LOOSER  "version: 1\ndefaults: {then: earn, warm_up: 0, decide_by: [page]}\n"

static struct policy_version version; /* what the last command gave */

struct change {
    struct store_cmd cmd; /* first */
    struct policy_proposal proposal;
    struct id id; /* to activate; zero: to propose */
    bool fails;   /* afterwards, and after something was written */
};

static enum fm_err run_change(struct store_cmd *cmd, struct store_conn *conn)
{
    struct change *c = (struct change *)cmd;
    struct ctx *ctx = cmd->ctx;

    if (id_is_zero(c->id)) {
        TRY(flow_propose_policy(story.flow, ctx, conn, &c->proposal, &version));
    } else {
        TRY(flow_activate_version(story.flow, ctx, conn, c->id, &c->proposal, &version));
    }
    return c->fails ? fail(ctx, FM_E_FORBIDDEN, "the test wants it") : FM_OK;
}

static void no_done(struct store_cmd *cmd)
{
    (void)cmd;
}

static const struct policy *parsed(const char *yaml)
{
    static struct policy_finding findings[POLICY_FINDINGS_MAX];
    const struct policy *policy = NULL;
    size_t count;

    EXPECT(policy_parse(&world.ctx, S("policy.yaml"), str_of(yaml), findings, &count, &policy) ==
               FM_OK,
           "%s", world.ctx.detail);
    return policy;
}

/* Proposes a text, or activates `id` (whose text it is). */
static enum fm_err change_as(const struct person *by, const char *yaml, struct id id, bool alone)
{
    struct change c = {.id = id};
    enum fm_err err;

    ctx_clear(&world.ctx);
    c.cmd = (struct store_cmd){.run = run_change, .done = no_done, .ctx = &world.ctx};
    c.proposal = (struct policy_proposal){
        .policy = parsed(yaml), .by = by, .road = by ? ROAD_API : ROAD_CONSOLE, .alone = alone};
    err = committer_call(world.instance.committer, &c.cmd);
    policy_drop(c.proposal.policy);
    return err;
}

static enum fm_err propose(const struct person *by, const char *yaml, bool alone)
{
    return change_as(by, yaml, (struct id){{0}}, alone);
}

/* The version that assesses new proposals. */
static bool rules(const char *yaml)
{
    const struct policy *now = flow_policy(story.flow), *want = parsed(yaml);
    bool same = hash_eq(now->version, want->version);

    policy_drop(now);
    policy_drop(want);
    return same;
}

static enum fm_err add_owner(struct ctx *ctx, struct store_conn *conn, void *with)
{
    struct id id;

    return people_add_person(ctx, conn, world_operator, str_of(with), ROLE_BIT(ROLE_POLICY), NULL,
                             &id);
}

/* A person with the role policy. */
static const struct person *owner(const char *name)
{
    OK(world_do(add_owner, (void *)name));
    directory_drop(story.directory);
    story.directory = directory_keep();
    return directory_person(story.directory, str_of(name));
}

#define EXPECT_VERSION(row, want)                                                                  \
    EXPECT(version.state == (want), "%s: %s", (row), policy_state_name(version.state))

static void test_tightening(void **state)
{
    (void)state;
    OK(propose(NULL, BASE, true)); /* the story's own policy had queues of its own */
    EXPECT_VERSION("alone, for nobody has the role", POLICY_ACTIVE);
    EXPECT(version.alone && rules(BASE), "in force");
    OK(propose(NULL, TIGHTER, false));
    EXPECT_VERSION("it only tightens", POLICY_ACTIVE);
    EXPECT(!version.alone && !version.loosened.p && rules(TIGHTER), "in force");
    OK(propose(NULL, TIGHTER, false));
    EXPECT_VERSION("the same again", POLICY_ACTIVE);
}

static void test_two_people(void **state)
{
    const struct person *pol = owner("pol"), *pia;
    struct id id;

    (void)state;
    OK(propose(NULL, BASE, true));
    pia = owner("pia");
    pol = directory_person(story.directory, S("pol"));
    OK(propose(pol, LOOSER, true));
    EXPECT_VERSION("alone does not help where there are two", POLICY_CANDIDATE);
    EXPECT_STR("what it loosens", version.loosened, S("[\"defaults.then: review becomes earn\"]"));
    id = version.id;
    OK(propose(pia, LOOSER, false));
    EXPECT(id_eq(version.id, id), "the same candidate");
    REFUSED(change_as(pol, LOOSER, id, false), FM_E_FORBIDDEN);
    REFUSED(change_as(pol, LOOSER, id, true), FM_E_FORBIDDEN);
    REFUSED(change_as(NULL, LOOSER, id, true), FM_E_FORBIDDEN);
    REFUSED(change_as(pia, TIGHTER, id, false), FM_E_INTERNAL); /* another text */
    EXPECT(rules(BASE), "the old one rules");
    OK(change_as(pia, LOOSER, id, false));
    EXPECT_VERSION("the second person", POLICY_ACTIVE);
    EXPECT(!version.alone && version.proposed_by == pol->row && version.activated_by == pia->row,
           "who");
    EXPECT(rules(LOOSER), "in force");
    REFUSED(change_as(pia, LOOSER, id, false), FM_E_EXISTS);
}

/* What was a loosening when it was proposed is compared again with what rules by then. */
static void test_compared_again(void **state)
{
    const struct person *pol = owner("pol");
    struct id id;

    (void)state;
    (void)owner("pia");
    pol = directory_person(story.directory, S("pol"));
    OK(propose(NULL, LOOSER, false));
    id = version.id;
    EXPECT_VERSION("the story's policy says more", POLICY_CANDIDATE);
    REFUSED(change_as(NULL, LOOSER, id, false), FM_E_FORBIDDEN);
    OK(change_as(pol, LOOSER, id, false));
    EXPECT_VERSION("the first only stands for it", POLICY_CANDIDATE);
    OK(change_as(directory_person(story.directory, S("pia")), LOOSER, id, false));
    OK(propose(pol, BASE, false));
    EXPECT_VERSION("tighter than that", POLICY_ACTIVE);
}

/* What makes two people into one. */
struct leaving {
    struct id person;
    unsigned roles; /* 0: the account ends */
};

static enum fm_err run_leave(struct ctx *ctx, struct store_conn *conn, void *with)
{
    const struct leaving *leaving = with;

    return leaving->roles
               ? people_set_roles(ctx, conn, world_operator, leaving->person, leaving->roles)
               : people_deactivate(ctx, conn, world_operator, leaving->person);
}

/* Whoever takes the role away from the other one gains nothing. */
static void test_once_two(void **state)
{
    struct leaving ways[] = {{.roles = ROLE_BIT(ROLE_REVIEWER)}, {.roles = 0}};
    const struct person *pol;
    struct id id;

    (void)state;
    OK(propose(NULL, BASE, true));
    (void)owner("pol");
    OK(propose(NULL, TIGHTER, false));
    OK(propose(NULL, BASE, true));
    EXPECT(version.alone, "one, and never two");
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        ways[i].person = owner(i ? "pia" : "pat")->id;
        OK(world_do(run_leave, &ways[i]));
        directory_drop(story.directory);
        story.directory = directory_keep();
        pol = directory_person(story.directory, S("pol"));
        OK(propose(pol, LOOSER, true));
        EXPECT_VERSION("there have been two", POLICY_CANDIDATE);
        id = version.id;
        REFUSED(change_as(pol, LOOSER, id, true), FM_E_FORBIDDEN);
        REFUSED(change_as(NULL, LOOSER, id, true), FM_E_FORBIDDEN);
        EXPECT(rules(BASE), "the old one rules");
    }
    OK(change_as(owner("new"), LOOSER, id, false));
    EXPECT(rules(LOOSER) && !version.alone, "another second");
}

/* The file -------------------------------------------------------------------------------------- */

static enum fm_err reload(const char *yaml, bool alone)
{
    const struct policy *policy = parsed(yaml);
    enum fm_err err;

    ctx_clear(&world.ctx);
    err = flow_reload_policy(&world.ctx, story.flow, world.instance.committer, policy, alone,
                             &version);
    policy_drop(policy);
    return err;
}

static void test_reload(void **state)
{
    (void)state;
    OK(reload(BASE, true));
    EXPECT(rules(BASE) && version.alone, "in force");
    OK(reload(LOOSER, false));
    EXPECT_VERSION("it waits", POLICY_CANDIDATE);
    OK(reload(TIGHTER, false));
    EXPECT(rules(TIGHTER), "in force");
    OK(propose(NULL, BASE, true));
    OK(reload(TIGHTER, false));
    EXPECT_VERSION("the file has not changed since the console replaced it", POLICY_RETIRED);
    EXPECT(rules(BASE), "which stays");
}

/* Batches --------------------------------------------------------------------------------------- */

/* The second command of a batch is compared with what the first has put in force; one that fails has
 * changed nothing, though the batch is run again for it. */
static void test_batch(void **state)
{
    struct change first = {.proposal = {.policy = parsed(TIGHTER), .road = ROAD_CONSOLE}};
    struct change second = {
        .proposal = {.policy = parsed(LOOSER), .road = ROAD_CONSOLE, .alone = true}, .fails = true};
    struct ctx contexts[2];
    int64_t versions;
    SQL(SQL_VERSIONS, "SELECT count(*) FROM policies");
    SQL(SQL_ACTIVE, "SELECT count(*) FROM policies WHERE state = 1");

    (void)state;
    OK(propose(NULL, BASE, true));
    versions = world_count(&SQL_VERSIONS);
    for (int i = 0; i < 2; i++) {
        struct change *c = i ? &second : &first;
        ctx_init(&contexts[i], world.arena);
        c->cmd = (struct store_cmd){.run = run_change, .done = no_done, .ctx = &contexts[i]};
    }
    assert_true(committer_submit(world.instance.committer, &first.cmd));
    EXPECT(committer_call(world.instance.committer, &second.cmd) == FM_E_FORBIDDEN,
           "the second fails");
    EXPECT(rules(TIGHTER), "the first one holds");
    EXPECT(world_count(&SQL_VERSIONS) == versions + 1 && world_count(&SQL_ACTIVE) == 1, "one more");
    policy_drop(first.proposal.policy);
    policy_drop(second.proposal.policy);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        STORY_TEST(test_tightening), STORY_TEST(test_two_people), STORY_TEST(test_compared_again),
        STORY_TEST(test_once_two),   STORY_TEST(test_reload),     STORY_TEST(test_batch),
    };

    return CHECK_RUN(tests);
}
