/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: a file of JSON Lines for a backtest. What is read is replayed, and the report
 * that is written can be read again; what is not is refused with the number of its line.
 */
#include "backtest/backtest.h"
#include "base/panic.h"
#include "crypto/crypto.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX (16 * KIB)

static struct arena *arena;
static const struct policy *policy;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const struct str yaml = STR(
        "version: 1\ndefaults: {then: allow}\nactions: {pay: {effects: [money], schema: {required: "
        "[amount], properties:"
        " {amount: {type: number}}}}, mail: {brief: {require: [reasoning]}}}\n"
        "agents: {bot: {domains: [a]}}\nlexicons: {l: [refund]}\n"
        "rules:\n  - {id: r1, when: 'has(args.amount) && args.amount > 5.0', then: review}\n"
        "  - {id: r2, when: 'history.subject.count_1h > 1 || size(domains) > 1', then: review}\n"
        "  - {id: r3, when: 'unsourced(args, brief.request) && mentions(subject, \"l\")', then: "
        "block}\n"
        "budgets: [{id: b1, when: '\"money\" in action.effects', sum: args.amount, per: agent,"
        " window: 24h, limit: 10, then: block}, {id: b2, count: true, per: subject, window: 1m,"
        " limit: 2, then: review}]\n");
    struct policy_finding findings[POLICY_FINDINGS_MAX];
    struct ctx ctx;
    size_t count;

    (void)argc, (void)argv;
    crypto_init();
    arena = arena_new(64 * MIB);
    ASSERT(arena);
    ctx_init(&ctx, arena);
    if (policy_parse(&ctx, S("fuzz"), yaml, findings, &count, &policy) != FM_OK) {
        PANIC("%s", ctx.detail);
    }
    return 0;
}

static void check_report(struct ctx *ctx, const struct backtest *backtest)
{
    static const struct json_limits limits = {.bytes = MIB, .depth = 16, .values = 100000};
    AUTO(buf_done) struct buf text = BUF_INIT(MIB);
    struct json_out out = JSON_OUT(&text);
    const struct json *report;

    if (backtest_write(ctx, &out, backtest) == FM_OK) {
        ASSERT(json_parse(ctx, buf_str(&text), &limits, &report) == FM_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct backtest_options options = {.policy = policy};
    struct backtest *backtest;
    struct ctx ctx;
    FILE *file;

    if (size == 0 || size > INPUT_MAX) {
        return 0;
    }
    arena_reset(arena);
    ctx_init(&ctx, arena);
    file = fmemopen((void *)data, size, "r");
    ASSERT(file && backtest_new(&ctx, &options, &backtest) == FM_OK);
    if (backtest_lines(&ctx, file, backtest) != FM_OK) {
        ASSERT(str_starts(str_of(ctx.detail), S("line ")));
    } else {
        check_report(&ctx, backtest);
    }
    fclose(file);
    backtest_free(backtest);
    return 0;
}
