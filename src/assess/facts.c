/* SPDX-License-Identifier: Apache-2.0
 *
 * What conditions see of a proposal: the variables of policy.h, bound to the request, the
 * catalogue and the agent. What takes work is made when a condition first reads it.
 *
 * It must never let an agent's claim stand for the catalogue: what is reversible says the
 * catalogue alone.
 */
#include "assess/assess_internal.h"

#include "base/panic.h"

static const struct json no_members = {.kind = JSON_OBJECT};

static const struct json *request_member(const struct assess_run *run, const char *name)
{
    return json_get(run->input->request, str_of(name));
}

static struct cel_value request_text(const struct assess_run *run, const char *name)
{
    return cel_string(json_text(request_member(run, name)));
}

/* Two parallel arrays in the arena of the call; false when it is full. */
struct members {
    struct str *names;
    struct cel_value *values;
    size_t count;
};

static bool members_room(struct arena *arena, size_t max, struct members *out)
{
    *out = (struct members){arena_alloc(arena, max * sizeof(struct str)),
                            arena_alloc(arena, max * sizeof(struct cel_value)), 0};
    return out->names && out->values;
}

static void members_add(struct members *members, struct str name, struct cel_value value)
{
    members->names[members->count] = name;
    members->values[members->count++] = value;
}

static struct cel_value members_map(struct cel_call *call, const struct members *members)
{
    return cel_map(call->arena, members->names, members->values, members->count);
}

static struct cel_value effects_list(struct cel_call *call, unsigned effects)
{
    struct cel_value *items = arena_alloc(call->arena, EFFECT_COUNT * sizeof(*items));
    size_t count = 0;

    for (unsigned i = 0; items && i < EFFECT_COUNT; i++) {
        if (effects >> i & 1) {
            items[count++] = cel_string(str_of(effect_name((enum effect)i)));
        }
    }
    return items ? cel_list(call->arena, items, count) : cel_fail(call, "out of memory");
}

/* `reversible` is false where the catalogue is silent: a claim could only take a review away. */
static struct cel_value make_action(struct cel_call *call, void *with)
{
    const struct assess_run *run = with;
    const struct policy_action *action = run->out->action;
    struct members members;

    if (!members_room(call->arena, 4, &members)) {
        return cel_fail(call, "out of memory");
    }
    members_add(&members, S("name"), cel_string(run->input->action));
    members_add(&members, S("effects"), effects_list(call, run->out->effects));
    members_add(&members, S("reversible"), cel_bool(action && action->reversible == JSON_YES));
    members_add(&members, S("domain"), cel_string(action ? action->domain : STR_NONE));
    return members_map(call, &members);
}

static struct cel_value make_agent(struct cel_call *call, void *with)
{
    const struct assess_run *run = with;
    struct members members;

    if (!members_room(call->arena, 4, &members)) {
        return cel_fail(call, "out of memory");
    }
    members_add(&members, S("id"), cel_string(run->input->agent_id));
    members_add(&members, S("name"), cel_string(run->input->agent_name));
    members_add(&members, S("owner"), cel_string(run->input->owner));
    members_add(&members, S("version"), request_text(run, "agent_version"));
    return members_map(call, &members);
}

/* The text that the draft's pointer points to. */
static struct cel_value draft_text(const struct assess_run *run, const struct json *draft)
{
    struct str pointer = json_text(json_get(draft, S("pointer")));

    return cel_string(json_text(json_at(run->arguments, pointer)));
}

static struct cel_value make_brief(struct cel_call *call, void *with)
{
    const struct assess_run *run = with;
    const struct json *brief = request_member(run, "brief");
    struct members members;

    if (!json_get(brief, S("draft"))) {
        return cel_json(brief ? brief : &no_members);
    }
    if (!members_room(call->arena, brief->count, &members)) {
        return cel_fail(call, "out of memory");
    }
    for (uint32_t i = 0; i < brief->count; i++) {
        const struct json_member *member = &brief->as.members[i];
        bool draft = str_eq(member->name, S("draft"));
        members_add(&members, member->name,
                    draft ? draft_text(run, &member->value) : cel_json(&member->value));
    }
    return members_map(call, &members);
}

enum fm_err facts_bind(struct assess_run *run)
{
    const struct assess_input *in = run->input;
    const struct json *labels = request_member(run, "labels");
    struct cel_activation *a;

    run->arguments = in->arguments ? in->arguments : request_member(run, "arguments");
    run->scope = (struct policy_scope){.policy = in->policy,
                                       .is_known = in->is_known,
                                       .with = in->with,
                                       .requester = json_text(request_member(run, "on_behalf_of"))};
    if (!in->policy->env) {
        return FM_OK;
    }
    a = cel_activation_new(in->policy->env, run->ctx->arena, &run->scope);
    if (!a) {
        return fail_memory(run->ctx);
    }
    cel_set_lazy(a, POLICY_V_ACTION, make_action, run);
    cel_set_lazy(a, POLICY_V_BRIEF, make_brief, run);
    cel_set_lazy(a, POLICY_V_AGENT, make_agent, run);
    cel_set(a, POLICY_V_ARGS, cel_json(run->arguments ? run->arguments : &no_members));
    cel_set(a, POLICY_V_REQUESTER, request_text(run, "on_behalf_of"));
    cel_set(a, POLICY_V_SUBJECT, request_text(run, "subject"));
    cel_set(a, POLICY_V_SESSION, request_text(run, "session"));
    cel_set(a, POLICY_V_LABELS, cel_json(labels ? labels : &no_members));
    cel_set(a, POLICY_V_NOW, cel_timestamp_us(in->now_us));
    cel_set(a, POLICY_V_CATEGORY, cel_string(run->out->category));
    run->activation = a;
    return FM_OK;
}

enum fm_err facts_bind_action(struct assess_run *run)
{
    run->scope = (struct policy_scope){.policy = run->input->policy};
    run->activation = cel_activation_new(run->input->policy->env, run->ctx->arena, &run->scope);
    if (!run->activation) {
        return fail_memory(run->ctx);
    }
    if (run->out->action) {
        cel_set_lazy(run->activation, POLICY_V_ACTION, make_action, run);
    }
    return FM_OK;
}

/* Counts ------------------------------------------------------------------------------------- */

static struct cel_value make_domains(struct cel_call *call, void *with)
{
    const struct assess_run *run = with;
    const struct policy_list *domains = &run->input->session_domains;
    struct cel_value *items = arena_alloc(call->arena, (domains->count + 1) * sizeof(*items));

    for (size_t i = 0; items && i < domains->count; i++) {
        items[i] = cel_string(domains->items[i]);
    }
    return items ? cel_list(call->arena, items, domains->count) : cel_fail(call, "out of memory");
}

static struct cel_value history_of(struct cel_call *call, const struct assess_history *history,
                                   enum assess_whose whose)
{
    static const char *const counts[] = {
#define X(name, text, us) "count_" text,
        POLICY_WINDOWS(X)
#undef X
    };
    static const char *const sums[] = {
#define X(name, text, us) "sum_" text,
        POLICY_WINDOWS(X)
#undef X
    };
    struct members members;

    if (!members_room(call->arena, 2 * POLICY_WINDOW_COUNT, &members)) {
        return cel_fail(call, "out of memory");
    }
    for (size_t i = 0; i < POLICY_WINDOW_COUNT; i++) {
        members_add(&members, str_of(counts[i]), cel_int(history->count[whose][i]));
        members_add(&members, str_of(sums[i]), cel_number((double)history->micros[whose][i] / 1e6));
    }
    return members_map(call, &members);
}

static struct cel_value make_history(struct cel_call *call, void *with)
{
    static const char *const names[] = {"agent", "category", "subject"};
    const struct assess_run *run = with;
    const struct assess_input *in = run->input;
    struct assess_history history = {0};
    struct members members;

    if (!in->history || !in->history(in->with, run->out->category, &history)) {
        return cel_fail(call, "the history could not be read");
    }
    if (!members_room(call->arena, WHOSE_COUNT, &members)) {
        return cel_fail(call, "out of memory");
    }
    for (unsigned i = 0; i < WHOSE_COUNT; i++) {
        members_add(&members, str_of(names[i]), history_of(call, &history, (enum assess_whose)i));
    }
    return members_map(call, &members);
}

void facts_bind_counts(struct assess_run *run)
{
    cel_set_lazy(run->activation, POLICY_V_DOMAINS, make_domains, run);
    cel_set_lazy(run->activation, POLICY_V_HISTORY, make_history, run);
}
