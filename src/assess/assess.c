/* SPDX-License-Identifier: Apache-2.0
 *
 * Combines what the policy says about one use of an action into a verdict with all its reasons.
 *
 * It must never lower a verdict: whatever else has something to say adds a reason, and the
 * strictest counts (invariant 7).
 */
#include "assess/assess.h"

static enum verdict stricter(enum verdict a, enum verdict b)
{
    return a > b ? a : b;
}

void assess_add(struct assessment *assessment, struct assess_reason reason)
{
    struct assess_reason *last = &assessment->reasons[ASSESS_REASONS_MAX - 1];

    assessment->verdict = stricter(assessment->verdict, reason.verdict);
    if (assessment->reason_count < ASSESS_REASONS_MAX) {
        assessment->reasons[assessment->reason_count++] = reason;
        return;
    }
    /* The last reason makes room for a sentence that stands for all that do not fit. */
    *last = (struct assess_reason){.source = last->source,
                                   .verdict = stricter(last->verdict, reason.verdict),
                                   .text = STR("There are more reasons than fit here")};
}

/* What the catalogue and the defaults say. Every case gives a reason: a verdict never stands
 * alone. */
static enum fm_err add_catalogue(struct ctx *ctx, const struct policy *policy,
                                 struct assessment *out)
{
    const struct policy_action *action = out->action;
    struct assess_reason reason = {.source = "catalogue"};

    if (!action) {
        reason.verdict = policy->unknown_actions;
        reason.text =
            arena_printf(ctx->arena, "%.*s is not in the catalogue", STR_ARG(out->category));
    } else if (action->has_then) {
        reason.verdict = action->then;
        reason.text = arena_printf(ctx->arena, "The catalogue says %s for %.*s",
                                   verdict_name(action->then), STR_ARG(action->name));
    } else {
        reason.verdict = policy->then;
        reason.text =
            arena_printf(ctx->arena, "The catalogue leaves %.*s open; the defaults say %s",
                         STR_ARG(action->name), verdict_name(policy->then));
    }
    if (!reason.text.p) {
        return fail_memory(ctx);
    }
    assess_add(out, reason);
    return FM_OK;
}

/* `earn` is held because autonomy is not earned yet: the reason that people and agents want to
 * read. */
static enum fm_err add_autonomy(struct ctx *ctx, struct assessment *out)
{
    struct str text =
        arena_printf(ctx->arena, "Reviewed until this agent has earned autonomy in %.*s",
                     STR_ARG(out->category));

    if (!text.p) {
        return fail_memory(ctx);
    }
    assess_add(out, (struct assess_reason){"autonomy", VERDICT_EARN, STR_NONE, STR_NONE, text});
    return FM_OK;
}

enum fm_err assess(struct ctx *ctx, const struct policy *policy, struct str action,
                   struct assessment *out)
{
    const struct policy_action *found = policy_action(policy, action);

    *out = (struct assessment){
        .verdict = VERDICT_ALLOW,
        .action = found,
        .category = found ? found->name : arena_copy(ctx->arena, action),
        .effects = found ? found->effects : 0,
        .queue = found && found->queue.p ? found->queue : policy->queue,
        .mode = policy->mode,
        .undo_us = policy->undo_us,
        .respond_within_us = policy->respond_within_us,
        .valid_for_us = policy->valid_for_us,
        .on_expiry = policy->on_expiry,
    };
    if (!out->category.p) {
        return fail_memory(ctx);
    }
    TRY(add_catalogue(ctx, policy, out));
    return out->verdict == VERDICT_EARN ? add_autonomy(ctx, out) : FM_OK;
}

static void write_reason(struct json_out *out, const struct assess_reason *reason)
{
    jo_object(out);
    if (reason->pointer.p) {
        jo_m_str(out, "pointer", reason->pointer);
    }
    if (reason->rule.p) {
        jo_m_str(out, "rule", reason->rule);
    }
    jo_m_str(out, "source", str_of(reason->source));
    jo_m_str(out, "text", reason->text);
    jo_m_str(out, "verdict", str_of(verdict_name(reason->verdict)));
    jo_object_end(out);
}

enum fm_err assess_add_stored(struct ctx *ctx, struct str *json, struct assess_reason reason)
{
    AUTO(buf_done) struct buf text = BUF_INIT(64 * KIB);
    struct json_out out = JSON_OUT(&text);
    const struct json *tree, *reasons;
    struct str verdict;
    bool strict;

    TRY(json_parse(ctx, *json, &JSON_LIMITS_WIRE, &tree));
    reasons = json_get(tree, S("reasons"));
    verdict = json_text(json_get(tree, S("verdict")));
    strict = str_eq(verdict, str_of(verdict_name(VERDICT_BLOCK))) ||
             str_eq(verdict, str_of(verdict_name(VERDICT_REVIEW)));
    jo_object(&out);
    jo_key(&out, "reasons");
    jo_array(&out);
    for (uint32_t i = 0; reasons && i < reasons->count && i < ASSESS_REASONS_MAX - 1; i++) {
        jo_value(&out, &reasons->as.items[i]);
    }
    write_reason(&out, &reason);
    jo_array_end(&out);
    jo_m_str(&out, "verdict", strict ? verdict : str_of(verdict_name(reason.verdict)));
    jo_object_end(&out);
    *json = arena_copy(ctx->arena, buf_str(&text));
    return json->p ? FM_OK : fail_memory(ctx);
}

void assess_write(struct json_out *out, const struct assessment *assessment)
{
    jo_object(out);
    jo_key(out, "reasons");
    jo_array(out);
    for (size_t i = 0; i < assessment->reason_count; i++) {
        write_reason(out, &assessment->reasons[i]);
    }
    jo_array_end(out);
    jo_m_str(out, "verdict", str_of(verdict_name(assessment->verdict)));
    jo_object_end(out);
}
