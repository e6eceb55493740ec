/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole story in one process: store, journal, people, policy and flow as the server wires them, a
 * virtual clock, and short words for what agents, people and time do. There is no HTTP here.
 */
#ifndef FM_TEST_STORY_H
#define FM_TEST_STORY_H

#include "../people/world.h"

#include "autonomy/autonomy.h"
#include "flow/flow_internal.h"

#include <pthread.h>

#define STORY_START_US (1795343075 * SECOND_US) /* 2026-11-22T10:24:35Z */
#define NEWS_KEPT      1000

static struct {
    struct flow *flow;
    struct permit_issuer issuer;
    struct store_conn *reader, *witness; /* of the test, of the committer's thread */
    const struct directory *directory;
    const struct person *ana, *ben, *lea, *aud; /* reviewer, reviewer, lead, auditor */
    const struct agent *bot, *payments, *other;
    struct announcement news[NEWS_KEPT];
    size_t news_count, announced_early;
    int64_t now_us;
} story;

#define OK(call)                                                                                   \
    do {                                                                                           \
        enum fm_err ok_err_ = (call);                                                              \
        EXPECT(ok_err_ == FM_OK, "%s: %.*s: %s", #call, STR_ARG(err_name(ok_err_)),                \
               world.ctx.detail);                                                                  \
    } while (0)
#define REFUSED(call, want)                                                                        \
    do {                                                                                           \
        enum fm_err refused_err_ = (call);                                                         \
        EXPECT(refused_err_ == (want), "%s: %.*s: %s", #call, STR_ARG(err_name(refused_err_)),     \
               world.ctx.detail);                                                                  \
    } while (0)

/* Policies ----------------------------------------------------------------------------------- */

#define STORY_DEFAULTS                                                                             \
    "then: review, queue: general, mode: glance, undo: 5s, respond_within: 4h, on_expiry: expire," \
    " decide_by: [page, token], valid_for: 24h, warm_up: 0"
#define STORY_ACTIONS                                                                              \
    "  auto.go: {then: allow}\n  no.way: {then: block}\n  side.step: {then: review, queue: "       \
    "side}\n"                                                                                      \
    "  refund.issue: {then: earn, executor: payments, card: {critical: [/amount, /to/iban]}}\n"
#define STORY_LIMITS "pending_per_agent: 500, proposals_per_minute: 1000"

/* A policy from its three parts; the caller drops it. */
static inline const struct policy *story_policy(const char *defaults, const char *actions,
                                                const char *limits)
{
    static struct policy_finding findings[POLICY_FINDINGS_MAX];
    size_t count;
    const struct policy *policy = NULL;
    struct str yaml = arena_printf(
        world.arena,
        "version: 1\ndefaults: {%s}\nactions:\n%sunknown_actions: review\nqueues:\n"
        "  general: {members: [role:reviewer], backup: leads}\n  side: {members: [ben]}\n"
        "  leads: {members: [role:lead]}\nlimits: {%s}\n",
        defaults, actions, limits);

    EXPECT(policy_parse(&world.ctx, S("policy.yaml"), yaml, findings, &count, &policy) == FM_OK,
           "%s", world.ctx.detail);
    return policy;
}

/* Commands ----------------------------------------------------------------------------------- */

enum deed {
    SUBMIT,
    REVISE,
    WITHDRAW,
    OUTCOME,
    REDEEM,
    CLAIM,
    UNCLAIM,
    DECIDE,
    UNDO,
    COMMENT,
    SWEEP,
    ACTIVATE,
    SIGN,
    FAIL_AFTER_WRITING,
    SUBMIT_THEN_FAIL,
    WAIT_AT_GATE
};

struct story_cmd {
    struct store_cmd cmd; /* first */
    enum deed deed;
    struct flow_caller caller;
    struct id id;
    struct flow_submission submission;
    const struct json *body;
    struct decision_request decision;
    enum outcome_status outcome;
    struct permit_claims claims;
    struct hash arguments;
    const struct policy *policy;
    struct proposal out;
    struct id comment;
    int64_t commented_at_us;
    bool more;
    bool done;
};

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool inside, open;
} story_gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false};

SQL(SQL_STORY_TOUCH, "INSERT INTO meta(name, value) VALUES('touched', 1)");

static inline enum fm_err story_wait(void)
{
    pthread_mutex_lock(&story_gate.mutex);
    story_gate.inside = true;
    pthread_cond_broadcast(&story_gate.changed);
    while (!story_gate.open) {
        pthread_cond_wait(&story_gate.changed, &story_gate.mutex);
    }
    pthread_mutex_unlock(&story_gate.mutex);
    return FM_OK;
}

/* As the operator's file, with nobody else there to ask: it is in force, or the test is wrong. */
static enum fm_err story_propose_file(struct ctx *ctx, struct store_conn *conn,
                                      const struct policy *policy)
{
    struct policy_proposal file = {.policy = policy, .road = ROAD_FILE, .alone = true};
    struct policy_version version;

    TRY(flow_propose_policy(story.flow, ctx, conn, &file, &version));
    return version.state == POLICY_ACTIVE ? FM_OK
                                          : fail(ctx, FM_E_INTERNAL, "it is not in force");
}

static enum fm_err story_run(struct store_cmd *cmd, struct store_conn *conn)
{
    struct story_cmd *c = (struct story_cmd *)cmd;
    struct flow *flow = story.flow;
    struct ctx *ctx = cmd->ctx;

    switch (c->deed) {
    case SUBMIT:
        return flow_submit(flow, ctx, conn, &c->caller, &c->submission, &c->out);
    case REVISE:
        return flow_revise(flow, ctx, conn, &c->caller, c->id, c->body, &c->out);
    case WITHDRAW:
        return flow_withdraw(flow, ctx, conn, &c->caller, c->id, &c->out);
    case OUTCOME:
        return flow_outcome(flow, ctx, conn, &c->caller, c->id, c->outcome, S("detail"), &c->out);
    case REDEEM:
        return flow_redeem(flow, ctx, conn, &c->caller, &c->claims, c->arguments, &c->out);
    case CLAIM:
        return flow_claim(flow, ctx, conn, &c->caller, c->id, &c->out);
    case UNCLAIM:
        return flow_unclaim(flow, ctx, conn, &c->caller, c->id, &c->out);
    case DECIDE:
        return flow_decide(flow, ctx, conn, &c->caller, c->id, &c->decision, &c->out);
    case UNDO:
        return flow_undo(flow, ctx, conn, &c->caller, c->id, &c->out);
    case COMMENT:
        return flow_comment(flow, ctx, conn, &c->caller, c->id, S("a note"), &c->comment,
                            &c->commented_at_us, &c->out);
    case SWEEP:
        return flow_sweep(flow, ctx, conn, story.now_us, &c->more);
    case ACTIVATE:
        return story_propose_file(ctx, conn, c->policy);
    case SIGN:
        return journal_sign(world.instance.journal, ctx, conn);
    case FAIL_AFTER_WRITING:
        TRY(store_exec(ctx, conn, &SQL_STORY_TOUCH, NO_ARGS));
        return fail(ctx, FM_E_FORBIDDEN, "the test wants it");
    case SUBMIT_THEN_FAIL:
        TRY(flow_submit(flow, ctx, conn, &c->caller, &c->submission, &c->out));
        return fail(ctx, FM_E_FORBIDDEN, "the test wants it");
    case WAIT_AT_GATE:
        return story_wait();
    }
    return FM_E_INTERNAL;
}

static inline enum fm_err story_do(struct story_cmd *c)
{
    ctx_clear(&world.ctx);
    c->cmd = (struct store_cmd){.run = story_run, .ctx = &world.ctx};
    return committer_call(world.instance.committer, &c->cmd);
}

static void story_done(struct store_cmd *cmd)
{
    struct story_cmd *c = (struct story_cmd *)cmd;

    pthread_mutex_lock(&story_gate.mutex);
    c->done = true;
    pthread_cond_broadcast(&story_gate.changed);
    pthread_mutex_unlock(&story_gate.mutex);
}

/* Runs the commands as one batch of the committer; each has its own context in `contexts`. */
static inline void story_batch(struct story_cmd **commands, struct ctx *contexts, size_t count)
{
    struct ctx gate_ctx;
    struct story_cmd gate = {.deed = WAIT_AT_GATE};

    ctx_init(&gate_ctx, world.arena);
    gate.cmd = (struct store_cmd){.run = story_run, .done = story_done, .ctx = &gate_ctx};
    pthread_mutex_lock(&story_gate.mutex);
    story_gate.inside = story_gate.open = false;
    assert_true(committer_submit(world.instance.committer, &gate.cmd));
    while (!story_gate.inside) {
        pthread_cond_wait(&story_gate.changed, &story_gate.mutex);
    }
    for (size_t i = 0; i < count; i++) {
        ctx_init(&contexts[i], world.arena);
        commands[i]->done = false;
        commands[i]->cmd =
            (struct store_cmd){.run = story_run, .done = story_done, .ctx = &contexts[i]};
        assert_true(committer_submit(world.instance.committer, &commands[i]->cmd));
    }
    story_gate.open = true;
    pthread_cond_broadcast(&story_gate.changed);
    for (size_t i = 0; i < count; i++) {
        while (!commands[i]->done || !gate.done) {
            pthread_cond_wait(&story_gate.changed, &story_gate.mutex);
        }
    }
    pthread_mutex_unlock(&story_gate.mutex);
}

/* Begin and end ------------------------------------------------------------------------------ */

SQL(SQL_STORY_STATE, "SELECT last_leaf FROM proposals WHERE id = $id");

/* On the committer's thread: what is announced must be readable on another connection by now. */
static void story_announce(void *with, const struct announcement *news, size_t count, int64_t at_us)
{
    struct ctx ctx = {0};

    (void)with;
    (void)at_us;
    for (size_t i = 0; i < count && story.news_count < NEWS_KEPT; i++) {
        int64_t leaf = -1;
        enum fm_err err = store_int(&ctx, story.witness, &SQL_STORY_STATE,
                                    ARGS(A_ID("$id", &news[i].proposal)), -1, &leaf);
        if (!id_is_zero(news[i].proposal)) { /* a pause is about no proposal */
            story.announced_early += err != FM_OK || leaf < news[i].leaf;
        }
        story.news[story.news_count++] = news[i];
    }
}

static inline void story_activate(const char *defaults, const char *actions, const char *limits)
{
    struct story_cmd c = {.deed = ACTIVATE, .policy = story_policy(defaults, actions, limits)};

    OK(story_do(&c));
    policy_drop(c.policy);
}

static inline void story_flow(void)
{
    OK(store_reader(&world.ctx, world.instance.store, &story.reader));
    OK(store_reader(&world.ctx, world.instance.store, &story.witness));
    OK(flow_new(&world.ctx, story.reader, &story.issuer, story_announce, NULL, &story.flow));
    instance_set_flow(&world.instance, story.flow);
    story.directory = directory_keep();
    story.ana = directory_person(story.directory, S("ana"));
    story.ben = directory_person(story.directory, S("ben"));
    story.lea = directory_person(story.directory, S("lea"));
    story.aud = directory_person(story.directory, S("aud"));
    story.bot = directory_agent(story.directory, S("bot"));
    story.payments = directory_agent(story.directory, S("payments"));
    story.other = directory_agent(story.directory, S("other"));
}

static enum fm_err story_people(struct ctx *ctx, struct store_conn *conn, void *with)
{
    static const struct {
        const char *name;
        enum role role;
    } people[] = {
        {"ana", ROLE_REVIEWER}, {"ben", ROLE_REVIEWER}, {"lea", ROLE_LEAD}, {"aud", ROLE_AUDITOR}};
    static const char *const agents[] = {"bot", "payments", "other"};
    char key[SECRET_TEXT_SIZE], secret[SECRET_TEXT_SIZE];
    struct id id;

    (void)with;
    for (size_t i = 0; i < COUNT_OF(people); i++) {
        TRY(people_add_person(ctx, conn, world_operator, str_of(people[i].name),
                              ROLE_BIT(people[i].role), NULL, &id));
    }
    for (size_t i = 0; i < COUNT_OF(agents); i++) {
        TRY(people_add_agent(ctx, conn, world_operator, str_of(agents[i]), S("ana"),
                             (struct policy_list){NULL, 0}, &id, key, secret));
    }
    return FM_OK;
}

static inline void story_set_time(int64_t now_us)
{
    story.now_us = now_us;
    clock_set_virtual_us(now_us);
}

static inline void story_advance(int64_t by_us)
{
    story_set_time(story.now_us + by_us);
}

static inline int story_setup(void **state)
{
    static const uint8_t seed[ED25519_SEED] = "a seed of the tests, 32 bytes..";

    if (world_setup(state) != 0) {
        return -1;
    }
    log_set_level(LOG_ERROR);
    story_set_time(STORY_START_US);
    story.news_count = 0;
    sign_key_from_seed(seed, &story.issuer.key);
    (void)jwk_thumbprint(&story.issuer.key, story.issuer.kid);
    story.issuer.issuer = S("https://fermata.example");
    story.issuer.epoch = 1;
    OK(world_do(story_people, NULL));
    story_flow();
    story_activate(STORY_DEFAULTS, STORY_ACTIONS, STORY_LIMITS);
    return 0;
}

/* The server stops: what is in memory is gone. */
static inline void story_stop(void)
{
    store_reader_close(story.reader);
    world_close();
    store_reader_close(story.witness);
    EXPECT(story.announced_early == 0, "news before they were durable: %zu", story.announced_early);
    flow_free(story.flow);
    directory_drop(story.directory);
    story.flow = NULL;
    story.reader = NULL;
    story.directory = NULL;
}

static inline void story_restart(void)
{
    story_stop();
    world_open();
    story_flow();
    story_activate(STORY_DEFAULTS, STORY_ACTIONS, STORY_LIMITS);
}

static inline int story_teardown(void **state)
{
    story_stop();
    return world_teardown(state);
}

#define STORY_TEST(function) cmocka_unit_test_setup_teardown(function, story_setup, story_teardown)

/* What agents do ----------------------------------------------------------------------------- */

static inline const struct json *story_json(const char *text)
{
    const struct json *tree = NULL;

    EXPECT(json_parse(&world.ctx, str_of(text), &JSON_LIMITS_WIRE, &tree) == FM_OK, "%s: %s", text,
           world.ctx.detail);
    return tree;
}

/* Fills a command that submits; `body` must be accepted by intake. */
static inline void story_prepare(struct story_cmd *c, const struct agent *agent, const char *body)
{
    const struct policy *policy = flow_policy(story.flow);

    *c = (struct story_cmd){.deed = SUBMIT, .caller = {.agent = agent}};
    OK(intake_read(&world.ctx, policy, story_json(body), &c->submission.submission));
    OK(flow_prepare(&world.ctx, story.reader, policy, agent, &c->submission));
    policy_drop(policy); /* the flow holds it as long as it is in force */
}

static inline enum fm_err submit(const struct agent *agent, const char *body, struct proposal *out)
{
    struct story_cmd c;
    enum fm_err err;

    story_prepare(&c, agent, body);
    err = story_do(&c);
    *out = c.out;
    return err;
}

/* A refund that waits for people. */
static inline struct proposal held(void)
{
    struct proposal p;

    OK(submit(story.bot,
              "{\"action\":\"refund.issue\",\"arguments\":{\"amount\":5,\"to\":{\"iban\":\"X\","
              "\"name\":\"N\"},\"note\":\"n\"}}",
              &p));
    EXPECT(p.state == PROPOSAL_WAITING, "held");
    return p;
}

static inline enum fm_err by_agent_do(enum deed deed, const struct agent *agent, struct proposal *p)
{
    struct story_cmd c = {
        .deed = deed, .caller = {.agent = agent}, .id = p->id, .outcome = OUTCOME_SUCCEEDED};
    enum fm_err err = story_do(&c);

    if (err == FM_OK) {
        *p = c.out;
    }
    return err;
}

static inline enum fm_err withdraw(const struct agent *agent, struct proposal *p)
{
    return by_agent_do(WITHDRAW, agent, p);
}

static inline enum fm_err revise(const struct agent *agent, struct proposal *p, const char *body)
{
    struct story_cmd c = {
        .deed = REVISE, .caller = {.agent = agent}, .id = p->id, .body = story_json(body)};
    enum fm_err err = story_do(&c);

    if (err == FM_OK) {
        *p = c.out;
    }
    return err;
}

/* What people do ----------------------------------------------------------------------------- */

static inline enum fm_err by_person_do(enum deed deed, const struct person *person,
                                       struct proposal *p)
{
    struct story_cmd c = {.deed = deed, .caller = {.person = person, .via = VIA_PAGE}, .id = p->id};
    enum fm_err err = story_do(&c);

    if (err == FM_OK) {
        *p = c.out;
    }
    return err;
}

static inline enum fm_err claim(const struct person *person, struct proposal *p)
{
    return by_person_do(CLAIM, person, p);
}

static inline enum fm_err unclaim(const struct person *person, struct proposal *p)
{
    return by_person_do(UNCLAIM, person, p);
}

static inline enum fm_err undo(const struct person *person, struct proposal *p)
{
    return by_person_do(UNDO, person, p);
}

static inline enum fm_err decide_as(const struct person *person, struct proposal *p,
                                    struct decision_request decision, enum decide_via via)
{
    struct story_cmd c = {.deed = DECIDE,
                          .caller = {.person = person, .via = via},
                          .id = p->id,
                          .decision = decision};
    enum fm_err err = story_do(&c);

    if (err == FM_OK) {
        *p = c.out;
    }
    return err;
}

/* Decides on what was shown: the digest of `p`. */
static inline enum fm_err decide(const struct person *person, struct proposal *p,
                                 enum decision_verdict verdict)
{
    return decide_as(
        person, p,
        (struct decision_request){.verdict = verdict, .digest = p->digest, .reason = S("why")},
        VIA_PAGE);
}

static inline enum fm_err modify(const struct person *person, struct proposal *p,
                                 const char *arguments, bool minor)
{
    struct decision_request decision = {.verdict = DECISION_MODIFY,
                                        .digest = p->digest,
                                        .minor = minor,
                                        .arguments = story_json(arguments)};

    OK(intake_check_arguments(&world.ctx, decision.arguments, &decision.arguments_digest));
    return decide_as(person, p, decision, VIA_PAGE);
}

/* What time does ----------------------------------------------------------------------------- */

/* Lets `by_us` pass and sweeps until nothing more is due; `p` (may be NULL) is read again. */
static inline void pass(int64_t by_us, struct proposal *p)
{
    struct story_cmd c = {.deed = SWEEP};

    story_advance(by_us);
    do {
        OK(story_do(&c));
    } while (c.more);
    if (p) {
        OK(proposal_find(&world.ctx, story.reader, p->id, p));
    }
}

/* What is known afterwards ------------------------------------------------------------------- */

static inline struct tally tally_of(const struct proposal *p)
{
    struct tally tally;

    OK(tally_find(&world.ctx, story.reader, p->agent, p->category, &tally));
    return tally;
}

SQL(SQL_STORY_PENDING, "SELECT count(*) FROM proposals WHERE state < 3 AND agent = $agent");

/* The ledger of the agent, which must agree with the store. Only between commands. */
static inline int64_t pending_of(const struct agent *agent)
{
    struct str key = {(const char *)&agent->row, sizeof(agent->row)};
    const struct ledger_row *row = map_find(story.flow->ledger, key);
    int64_t stored;

    OK(store_int(&world.ctx, story.reader, &SQL_STORY_PENDING, ARGS(A_INT("$agent", agent->row)), 0,
                 &stored));
    EXPECT((row ? row->pending : 0) == stored, "the ledger says %lld, the store %lld",
           (long long)(row ? row->pending : 0), (long long)stored);
    return stored;
}

/* How often news of this kind about this proposal came. */
static inline size_t news_of(enum journal_kind kind, const struct proposal *p)
{
    size_t count = 0;

    for (size_t i = 0; i < story.news_count; i++) {
        count += story.news[i].kind == kind && id_eq(story.news[i].proposal, p->id);
    }
    return count;
}

SQL(SQL_STORY_LEAF, "SELECT entry FROM log_entries WHERE idx = $idx");

/* The kind of a proposal's newest leaf. */
static inline struct str last_kind(const struct proposal *p)
{
    struct store_rows *rows;
    const struct json *leaf = NULL;

    OK(store_query(&world.ctx, story.reader, &SQL_STORY_LEAF, ARGS(A_INT("$idx", p->last_leaf)),
                   &rows));
    if (rows_next(&world.ctx, rows)) {
        OK(json_parse(&world.ctx, arena_copy(world.arena, rows_bytes(rows, 0)), &JSON_LIMITS_WIRE,
                      &leaf));
        rows_done(rows);
    }
    return json_text(json_get(leaf, S("kind")));
}

/* What the policy says -------------------------------------------------------------------------- */

/* Puts a policy in force. It stays the story's: a restart brings it back. */
static inline void rule_by(const char *yaml)
{
    static struct policy_finding findings[POLICY_FINDINGS_MAX];
    struct story_cmd c = {.deed = ACTIVATE};
    size_t count;

    EXPECT(policy_parse(&world.ctx, S("policy.yaml"), str_of(yaml), findings, &count, &c.policy) ==
               FM_OK,
           "%s", world.ctx.detail);
    OK(story_do(&c));
    policy_drop(c.policy);
}

/* The server stops and starts again, with the policy that the store has. */
static inline void restart(void)
{
    bool found;

    story_stop();
    world_open();
    story_flow();
    OK(flow_load_active(story.flow, &world.ctx, story.reader, &found));
    EXPECT(found, "the policy is back");
}

/* Proposes to pay; subject s1. */
static inline struct proposal pay(const char *amount)
{
    struct proposal p;

    OK(submit(story.bot,
              arena_printf(world.arena,
                           "{\"action\":\"pay\",\"arguments\":{\"amount\":%s},"
                           "\"subject\":\"s1\"}",
                           amount)
                  .p,
              &p));
    return p;
}

/* Whether the assessment has a reason of this source; its text in `text` (may be NULL). */
static inline bool has_reason(const struct proposal *p, const char *source, struct str *text)
{
    const struct json *json = story_json(arena_copy(world.arena, p->assessment).p);
    const struct json *reasons = json_get(json, S("reasons"));

    for (uint32_t i = 0; i < reasons->count; i++) {
        if (str_eq(json_text(json_get(&reasons->as.items[i], S("source"))), str_of(source))) {
            if (text) {
                *text = json_text(json_get(&reasons->as.items[i], S("text")));
            }
            return true;
        }
    }
    return false;
}

#define EXPECT_STATE(row, p, want)                                                                 \
    EXPECT((p).state == (want), "%s: %s", (row), proposal_state_name((p).state))

#endif
