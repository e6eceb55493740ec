/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: policies. A refused one has findings with places; one that loads is whole, and its
 * canonical form is itself a policy of the same version, for JSON is YAML.
 */
#include "assess/assess.h"
#include "base/panic.h"
#include "policy/policy.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX (64 * KIB)

static struct arena *arena;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    crypto_init();
    arena = arena_new(16 * MIB);
    ASSERT(arena);
    return 0;
}

/* Loads; NULL when refused. `*hidden`: for a character that must be written as an escape. */
static const struct policy *load(struct str yaml, bool *hidden)
{
    struct policy_finding findings[POLICY_FINDINGS_MAX];
    const struct policy *policy;
    struct ctx ctx;
    size_t count, errors = 0;
    enum fm_err err;

    ctx_init(&ctx, arena);
    err = policy_parse(&ctx, S("f"), yaml, findings, &count, &policy);
    ASSERT(count <= POLICY_FINDINGS_MAX && (err == FM_OK) == (policy != NULL));
    for (size_t i = 0; i < count; i++) {
        ASSERT(findings[i].at.line > 0 && findings[i].at.column > 0 && findings[i].message.n > 0);
        ASSERT(findings[i].at.column <= yaml.n + 1 && str_is_utf8(findings[i].message));
        errors += !findings[i].warning;
    }
    ASSERT((errors == 0) == (err == FM_OK));
    *hidden = count > 0 && str_starts(findings[0].message, S("U+"));
    return policy;
}

/* What other code takes for granted. */
static void check_policy(const struct policy *policy)
{
    ASSERT(policy_queue(policy, policy->queue) && policy->decide_by != 0);
    ASSERT(policy->unknown_actions >= VERDICT_REVIEW && policy->mode != MODE_DECIDE_FIRST);
    ASSERT(policy->undo_us < policy->valid_for_us && policy->respond_within_us > 0);
    for (size_t i = 0; i < policy->rule_count; i++) {
        ASSERT(policy->rules[i].id.n > 0 && policy->rules[i].when.program);
    }
    for (size_t i = 0; i < policy->queue_count; i++) {
        const struct policy_queue *queue = &policy->queues[i];
        size_t steps = 0;
        ASSERT(policy_queue(policy, queue->name) == queue);
        for (; queue->backup.p; queue = policy_queue(policy, queue->backup)) {
            ASSERT(steps++ < policy->queue_count);
        }
    }
}

/* A request that conditions can read: some of everything. */
static const struct json *make_request(struct ctx *ctx)
{
    static const struct str text =
        STR("{\"action\":\"a\",\"arguments\":{\"amount\":74.5,\"to\":\"eve@evil.example\",\"list\":"
            "[1,\"x\"]},"
            "\"brief\":{\"request\":\"A chargeback, please\",\"evidence\":[{\"title\":\"t\"}],"
            "\"draft\":{\"pointer\":\"/to\"}},\"domains\":[\"billing\"],\"session\":\"s\"}");
    const struct json *request = NULL;

    ASSERT(json_parse(ctx, text, &JSON_LIMITS_WIRE, &request) == FM_OK);
    return request;
}

/* Whatever conditions say, catalogue and defaults hold at least (invariant 7), and what is written is
 * bounded JSON. */
static void check_assessment(struct ctx *ctx, const struct assess_input *input,
                             const struct policy_action *action)
{
    struct assessment assessment;
    AUTO(buf_done) struct buf json = BUF_INIT(ASSESS_JSON_MAX);
    struct json_out out = JSON_OUT(&json);
    enum fm_err err = assess(ctx, input, &assessment);

    if (err == FM_E_OVERLOADED) { /* the arena of this target is small */
        return;
    }
    ASSERT(err == FM_OK && assessment.action == action);
    ASSERT(policy_queue(input->policy, assessment.queue) && assessment.reason_count > 0);
    ASSERT(!action->has_then || assessment.verdict >= action->then);
    ASSERT(input->policy->rule_count || action->has_then ||
           assessment.verdict >= input->policy->then);
    ASSERT(assessment.mode >= input->policy->mode && assessment.undo_us >= input->policy->undo_us);
    assess_write(&out, &assessment);
    ASSERT(buf_ok(&json) && str_is_utf8(buf_str(&json)));
}

static void check_actions(const struct policy *policy)
{
    struct ctx ctx;

    ctx_init(&ctx, arena);
    for (size_t i = 0; i < policy->action_count && i < 100; i++) {
        struct assess_input input = {.policy = policy,
                                     .action = policy->actions[i].name,
                                     .request = make_request(&ctx),
                                     .agent_name = S("bot"),
                                     .now_us = 1795343075 * SECOND_US};
        check_assessment(&ctx, &input, &policy->actions[i]);
    }
}

/* A policy compared with itself changes nothing. */
static void check_compare(const struct policy *policy)
{
    struct policy_change change;
    struct ctx ctx;

    ctx_init(&ctx, arena);
    if (policy_compare(&ctx, policy, policy, &change) == FM_OK) {
        ASSERT(change.same && change.count == 0);
    }
}

static void check_canonical(const struct policy *policy)
{
    bool hidden;
    const struct policy *again = load(policy->canonical, &hidden);

    ASSERT(again || hidden);
    if (again) {
        ASSERT(str_eq(again->canonical, policy->canonical));
        ASSERT(hash_eq(again->version, policy->version));
    }
    policy_drop(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {(const char *)data, size < INPUT_MAX ? size : INPUT_MAX};
    const struct policy *policy;
    bool hidden;

    arena_reset(arena);
    policy = load(input, &hidden);
    if (policy) {
        check_policy(policy);
        check_actions(policy);
        check_compare(policy);
        check_canonical(policy);
    }
    policy_drop(policy);
    return 0;
}
