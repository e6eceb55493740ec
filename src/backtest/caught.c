/* SPDX-License-Identifier: Apache-2.0
 *
 * Which rules of a policy would match one proposal, whatever they then say.
 */
#include "backtest/backtest.h"

enum fm_err backtest_caught(struct ctx *ctx, const struct policy *policy,
                            const struct backtest_case *one, uint64_t *matched)
{
    const struct assess_input input = {
        .policy = policy,
        .action = one->action,
        .request = one->request,
        .agent_id = one->agent_id,
        .agent_name = one->agent_name,
        .owner = one->owner,
        .now_us = one->at_us,
        .unexplained = true,
        .matched = matched,
    };
    struct assessment *assessment = arena_zalloc(ctx->arena, 1, sizeof(*assessment));

    return assessment ? assess_begin(ctx, &input, assessment) : fail_memory(ctx);
}
