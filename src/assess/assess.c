/* SPDX-License-Identifier: Apache-2.0
 *
 * Combines what the policy says about one use of an action into a verdict with all its reasons.
 *
 * It must never lower a verdict: whatever else has something to say adds a reason, and the
 * strictest counts (invariant 7).
 */
#include "assess/assess_internal.h"

#include "base/panic.h"

#define DOMAINS_MAX 17 /* 16 claims and the catalogue's */
#define EDITED_TEXT "With a reviewer's edit: "

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

/* Adds a reason whose text was just made. */
static enum fm_err add(struct ctx *ctx, struct assessment *out, struct assess_reason reason)
{
    if (!reason.text.p) {
        return fail_memory(ctx);
    }
    assess_add(out, reason);
    return FM_OK;
}

/* What the catalogue says of an action, which counts like a rule. */
static enum fm_err add_catalogue(struct ctx *ctx, const struct policy *policy, struct str name,
                                 struct assessment *out)
{
    const struct policy_action *action = out->action;
    struct assess_reason reason = {.source = "catalogue"};

    if (action && !action->has_then) {
        return FM_OK;
    }
    out->spoken = true;
    if (action) {
        reason.verdict = action->then;
        reason.text = arena_printf(ctx->arena, "The catalogue says %s for %.*s",
                                   verdict_name(action->then), STR_ARG(action->name));
    } else {
        reason.verdict = policy->unknown_actions;
        reason.text = arena_printf(ctx->arena, "%.*s is not in the catalogue", STR_ARG(name));
    }
    return add(ctx, out, reason);
}

/* Where neither catalogue nor rule has spoken. So a verdict never stands alone. */
static enum fm_err add_defaults(struct ctx *ctx, const struct policy *policy,
                                struct assessment *out)
{
    const char *name = verdict_name(policy->then);
    struct str action = out->action ? out->action->name : out->category;
    struct assess_reason reason = {
        .source = "catalogue",
        .verdict = policy->then,
        .text = arena_printf(ctx->arena, "The catalogue leaves %.*s open; the defaults say %s",
                             STR_ARG(action), name),
    };

    return out->spoken ? FM_OK : add(ctx, out, reason);
}

/* `earn` is held because autonomy is not earned yet: the reason that people and agents want to
 * read. */
static enum fm_err add_autonomy(struct ctx *ctx, struct assessment *out)
{
    struct assess_reason reason = {
        .source = "autonomy",
        .verdict = VERDICT_EARN,
        .text = arena_printf(ctx->arena, "Reviewed until this agent has earned autonomy in %.*s",
                             STR_ARG(out->category)),
    };

    return add(ctx, out, reason);
}

/* Domains ------------------------------------------------------------------------------------ */

static bool list_has(const struct str *items, size_t count, struct str text)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(items[i], text)) {
            return true;
        }
    }
    return false;
}

/* The catalogue's domain and those that the agent claims, each once. */
static enum fm_err set_domains(struct assess_run *run)
{
    const struct json *claims = json_get(run->input->request, S("domains"));
    const struct policy_action *action = run->out->action;
    struct str *items = arena_zalloc(run->ctx->arena, DOMAINS_MAX, sizeof(*items));
    size_t count = 0;

    if (!items) {
        return fail_memory(run->ctx);
    }
    if (action && action->domain.p) {
        items[count++] = action->domain;
    }
    for (uint32_t i = 0; claims && claims->kind == JSON_ARRAY && i < claims->count; i++) {
        struct str claim = json_text(&claims->as.items[i]);
        if (count < DOMAINS_MAX && !list_has(items, count, claim)) {
            items[count++] = claim;
        }
    }
    run->out->domains = (struct policy_list){items, count};
    return FM_OK;
}

/* A domain that is not among those of the agent. */
static enum fm_err check_domains(struct assess_run *run)
{
    const struct policy_agent *agent = policy_agent(run->input->policy, run->input->agent_name);
    const struct policy_list *domains = &run->out->domains;

    for (size_t i = 0; agent && i < domains->count; i++) {
        if (!policy_agent_has(agent, domains->items[i])) {
            TRY(add(
                run->ctx, run->out,
                (struct assess_reason){
                    .source = "rule",
                    .verdict = VERDICT_REVIEW,
                    .text = arena_printf(run->ctx->arena, "%.*s works outside its domains: %.*s",
                                         STR_ARG(agent->name), STR_ARG(domains->items[i]))}));
        }
    }
    return FM_OK;
}

/* Steps -------------------------------------------------------------------------------------- */

static void start(const struct assess_input *input, struct assessment *out, struct str name)
{
    const struct policy *policy = input->policy;
    const struct policy_action *found = policy_action(policy, input->action);

    *out = (struct assessment){
        .verdict = VERDICT_ALLOW,
        .action = found,
        .category = name,
        .effects = found ? found->effects : 0,
        .mode = policy->mode,
        .undo_us = policy->undo_us,
        .valid_for_us = policy->valid_for_us,
        .on_expiry = policy->on_expiry,
        .begun = true,
    };
}

/* What only conditions need: without any, nothing of it costs anything. */
static enum fm_err apply_conditions(struct assess_run *run)
{
    TRY(facts_bind(run));
    TRY(category_apply(run));
    TRY(rules_apply(run, false));
    return run->input->policy->budget_count ? budgets_apply(run) : FM_OK;
}

enum fm_err assess_begin(struct ctx *ctx, const struct assess_input *input, struct assessment *out)
{
    struct str name = arena_copy(ctx->arena, input->action);
    struct assess_run run = {.ctx = ctx, .input = input, .out = out};

    start(input, out, name);
    if (!name.p) {
        return fail_memory(ctx);
    }
    TRY(add_catalogue(ctx, input->policy, input->action, out));
    if (input->policy->agent_count || (input->policy->uses & POLICY_USES_DOMAINS)) {
        TRY(set_domains(&run));
        TRY(check_domains(&run));
    }
    return input->policy->env || input->policy->budget_count ? apply_conditions(&run) : FM_OK;
}

bool assess_needs_counts(const struct policy *policy)
{
    return (policy->uses & POLICY_USES_COUNTS) != 0;
}

enum fm_err assess_counted(struct ctx *ctx, const struct assess_input *input,
                           struct assessment *assessment)
{
    struct assess_run run = {.ctx = ctx, .input = input, .out = assessment};

    ASSERT(assessment->begun && !assessment->finished);
    TRY(facts_bind(&run));
    facts_bind_counts(&run);
    return rules_apply(&run, true);
}

enum fm_err assess_finish(struct ctx *ctx, const struct policy *policy, struct assessment *out)
{
    ASSERT(out->begun && !out->finished);
    out->finished = true;
    TRY(add_defaults(ctx, policy, out));
    out->respond_within_us =
        out->rule_respond_us ? out->rule_respond_us : policy->respond_within_us;
    if (!out->queue.p) {
        out->queue = out->action && out->action->queue.p ? out->action->queue : policy->queue;
    }
    return out->verdict == VERDICT_EARN ? add_autonomy(ctx, out) : FM_OK;
}

enum fm_err assess(struct ctx *ctx, const struct assess_input *input, struct assessment *out)
{
    TRY(assess_begin(ctx, input, out));
    return assess_finish(ctx, input->policy, out);
}

/* Writing ------------------------------------------------------------------------------------ */

static void write_text(struct json_out *out, const struct assess_reason *reason)
{
    AUTO(buf_done) struct buf text = BUF_INIT(ASSESS_JSON_MAX);

    if (reason->edited) {
        buf_lit(&text, EDITED_TEXT);
        buf_add(&text, reason->text);
    }
    jo_m_str(out, "text", reason->edited && buf_ok(&text) ? buf_str(&text) : reason->text);
}

static void write_reason(struct json_out *out, const struct assess_reason *reason)
{
    jo_object(out);
    if (reason->edited) {
        jo_m_bool(out, "edited", true);
    }
    if (reason->pointer.p) {
        jo_m_str(out, "pointer", reason->pointer);
    }
    if (reason->rule.p) {
        jo_m_str(out, "rule", reason->rule);
    }
    jo_m_str(out, "source", str_of(reason->source));
    write_text(out, reason);
    if (reason->values.p) {
        jo_m_raw(out, "values", reason->values);
    }
    jo_m_str(out, "verdict", str_of(verdict_name(reason->verdict)));
    jo_object_end(out);
}

/* A stored verdict's name read back; one that is unknown counts as the strictest. */
static enum verdict verdict_of(const struct json *tree)
{
    struct str name = json_text(json_get(tree, S("verdict")));
    enum verdict verdict = VERDICT_ALLOW;

    while (verdict < VERDICT_BLOCK && !str_eq(name, str_of(verdict_name(verdict)))) {
        verdict++;
    }
    return verdict;
}

static bool says(const struct json *stored, const char *name, struct str text)
{
    struct str has = json_text(json_get(stored, str_of(name)));

    if (has.p && str_starts(has, S(EDITED_TEXT))) {
        has = str_skip(has, sizeof(EDITED_TEXT) - 1);
    }
    return text.p ? has.p && str_eq(has, text) : !has.p;
}

static bool has_stored(const struct json *reasons, const struct assess_reason *reason)
{
    for (uint32_t i = 0; reasons && i < reasons->count; i++) {
        const struct json *stored = &reasons->as.items[i];
        if (says(stored, "source", str_of(reason->source)) && says(stored, "rule", reason->rule) &&
            says(stored, "text", reason->text) && verdict_of(stored) >= reason->verdict) {
            return true;
        }
    }
    return false;
}

/* Keeps those that it has not; they are never more than fit beside one of before. */
static size_t choose(const struct json *stored, const struct assess_reason *reasons, size_t count,
                     const struct assess_reason *out[ASSESS_REASONS_MAX])
{
    size_t chosen = 0;

    for (size_t i = 0; i < count && chosen < ASSESS_REASONS_MAX - 1; i++) {
        bool asks = reasons[i].verdict > VERDICT_ALLOW || reasons[i].rule.p; /* a mode, a queue */
        if (asks && !has_stored(stored, &reasons[i])) {
            out[chosen++] = &reasons[i];
        }
    }
    return chosen;
}

bool assess_has_edited(struct str json)
{
    static const struct str mark = STR("\"edited\":true");

    return memmem(json.p, json.n, mark.p, mark.n) != NULL;
}

enum fm_err assess_without_edited(struct ctx *ctx, struct str json, struct str *out)
{
    AUTO(buf_done) struct buf text = BUF_INIT(2 * ASSESS_JSON_MAX);
    struct json_out writer = JSON_OUT(&text);
    enum verdict verdict = VERDICT_ALLOW;
    const struct json *tree, *reasons;

    TRY(json_parse(ctx, json, &JSON_LIMITS_WIRE, &tree));
    reasons = json_get(tree, S("reasons"));
    jo_object(&writer);
    jo_key(&writer, "reasons");
    jo_array(&writer);
    for (uint32_t i = 0; reasons && i < reasons->count; i++) {
        const struct json *reason = &reasons->as.items[i];
        if (!json_get(reason, S("edited"))) {
            jo_value(&writer, reason);
            verdict = stricter(verdict, verdict_of(reason));
        }
    }
    jo_array_end(&writer);
    jo_m_str(&writer, "verdict", str_of(verdict_name(verdict)));
    jo_object_end(&writer);
    *out = buf_ok(&text) ? arena_copy(ctx->arena, buf_str(&text)) : STR_NONE;
    return out->p ? FM_OK : fail_memory(ctx);
}

enum fm_err assess_add_stored(struct ctx *ctx, struct str *json,
                              const struct assess_reason *reasons, size_t count)
{
    AUTO(buf_done) struct buf text = BUF_INIT(2 * ASSESS_JSON_MAX);
    struct json_out out = JSON_OUT(&text);
    const struct assess_reason *added[ASSESS_REASONS_MAX];
    const struct json *tree, *stored;
    enum verdict verdict;
    size_t more;

    TRY(json_parse(ctx, *json, &JSON_LIMITS_WIRE, &tree));
    stored = json_get(tree, S("reasons"));
    verdict = verdict_of(tree);
    more = choose(stored, reasons, count, added);
    jo_object(&out);
    jo_key(&out, "reasons");
    jo_array(&out);
    for (uint32_t i = 0; stored && i < stored->count && i + more < ASSESS_REASONS_MAX; i++) {
        jo_value(&out, &stored->as.items[i]);
    }
    for (size_t i = 0; i < more; i++) {
        write_reason(&out, added[i]);
        verdict = stricter(verdict, added[i]->verdict);
    }
    jo_array_end(&out);
    jo_m_str(&out, "verdict", str_of(verdict_name(verdict)));
    jo_object_end(&out);
    *json = buf_ok(&text) ? arena_copy(ctx->arena, buf_str(&text)) : STR_NONE;
    return json->p ? FM_OK : fail_memory(ctx);
}

void assess_write_reasons(struct json_out *out, const struct assessment *assessment)
{
    jo_array(out);
    for (size_t i = 0; i < assessment->reason_count; i++) {
        write_reason(out, &assessment->reasons[i]);
    }
    jo_array_end(out);
}

void assess_write(struct json_out *out, const struct assessment *assessment)
{
    jo_object(out);
    jo_key(out, "reasons");
    assess_write_reasons(out, assessment);
    jo_m_str(out, "verdict", str_of(verdict_name(assessment->verdict)));
    jo_object_end(out);
}
