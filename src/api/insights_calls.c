/* SPDX-License-Identifier: Apache-2.0
 *
 * What the past says about the policy: which actions it speaks of, and what people had to correct.
 */
#include "api/api_internal.h"
#include "insights/insights.h"

#define DAYS_DEFAULT 30
#define JUDGE_US_MAX (30 * SECOND_US / 1000) /* of holding rules against examples */

/* Coverage
 * --------------------------------------------------------------------------------------- */

struct coverage {
    struct call *call;
    struct json_out *out;
    int64_t limit, count, last_agent;
    struct str last_action;
};

/* What the policy in force says of an action by its name. */
static void write_entry(struct json_out *out, const struct policy *policy, struct str name)
{
    const struct policy_action *action = policy_action(policy, name);
    bool speaks = action && action->has_then;

    jo_m_bool(out, "in_catalogue", action != NULL);
    jo_m_str(out, "then", speaks ? str_of(verdict_name(action->then)) : STR_NONE);
}

static void write_coverage_row(void *with, const struct coverage_row *row)
{
    struct coverage *coverage = with;
    struct json_out *out = coverage->out;

    if (coverage->count++ >= coverage->limit) {
        return;
    }
    jo_object(out);
    jo_key(out, "agent");
    write_agent_ref(out, coverage->call->directory, row->agent);
    jo_m_str(out, "action", row->action);
    jo_m_int(out, "proposals", row->proposals);
    jo_m_int(out, "silent", row->silent);
    jo_m_time(out, "first_at", row->first_at);
    jo_m_time(out, "last_at", row->last_at);
    write_entry(out, coverage->call->policy, row->action);
    jo_object_end(out);
    coverage->last_agent = row->agent;
    coverage->last_action = arena_copy(coverage->call->ctx.arena, row->action);
}

/* A cursor is the agent's row and the action: "12.refund.issue". */
static enum fm_err read_cursor(struct call *call, int64_t *agent, struct str *action)
{
    struct str cursor = http_query(call->request, "cursor"), first;
    uint64_t row;

    *agent = 0;
    *action = S("");
    if (!cursor.p) {
        return FM_OK;
    }
    first = str_split(&cursor, '.');
    if (!str_to_u64(first, &row) || row > INT64_MAX || !cursor.p) {
        return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT, S("/cursor"),
                       "is no cursor of this list");
    }
    *agent = (int64_t)row;
    *action = cursor;
    return FM_OK;
}

static enum fm_err read_number(struct call *call, const char *name, uint64_t otherwise,
                               uint64_t max, int64_t *out)
{
    struct str text = http_query(call->request, name);
    uint64_t number = otherwise;

    if (text.p && (!str_to_u64(text, &number) || number < 1 || number > max)) {
        return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT,
                       json_pointer_member(call->ctx.arena, S(""), str_of(name)),
                       "wants a number from 1 to %llu", (unsigned long long)max);
    }
    *out = (int64_t)number;
    return FM_OK;
}

static enum fm_err render_coverage(struct call *call, struct store_conn *conn, struct buf *body)
{
    struct json_out out = JSON_OUT(body);
    struct coverage coverage = {.call = call, .out = &out};
    struct str action;
    int64_t agent;

    TRY(query_allow(call, "limit cursor"));
    TRY(read_number(call, "limit", LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX, &coverage.limit));
    TRY(read_cursor(call, &agent, &action));
    jo_object(&out);
    jo_key(&out, "items");
    jo_array(&out);
    TRY(insights_coverage(&call->ctx, conn, agent, action, (size_t)coverage.limit + 1,
                          write_coverage_row, &coverage));
    jo_array_end(&out);
    jo_m_str(&out, "next_cursor",
             coverage.count > coverage.limit
                 ? arena_printf(call->ctx.arena, "%lld.%.*s", (long long)coverage.last_agent,
                                STR_ARG(coverage.last_action))
                 : STR_NONE);
    jo_object_end(&out);
    return FM_OK;
}

void insights_coverage_get(struct call *call)
{
    call_read(call, render_coverage, 200);
}

/* Edge cases
 * ------------------------------------------------------------------------------------- */

/* A policy whose rules are held against the examples. */
struct judge {
    const struct policy *policy;
    struct id id;
    const char *state;
    uint64_t *matched;
};
struct judges {
    struct judge items[2];
    size_t count;
    int64_t until_us; /* a loop has other things to do, too */
};

static void write_matches(struct json_out *out, const struct judge *judge, size_t examples)
{
    for (size_t i = 0; i < judge->policy->rule_count; i++) {
        const struct policy_rule *rule = &judge->policy->rules[i];
        if (judge->matched[i] == 0 || !backtest_catches(rule)) {
            continue;
        }
        jo_object(out);
        jo_m_str(out, "rule", rule->id);
        jo_m_id(out, "policy", ID_POLICY, judge->id);
        jo_m_str(out, "state", str_of(judge->state));
        jo_m_int(out, "matched", (int64_t)judge->matched[i]);
        jo_m_int(out, "of", (int64_t)examples);
        jo_object_end(out);
    }
}

/* Rules that would have sent the examples to people, or blocked them; null when there is no time
 * left to look. */
static enum fm_err write_caught(struct call *call, struct store_conn *conn, struct json_out *out,
                                const struct edge_case *group, const struct judges *judges)
{
    jo_key(out, "caught_by");
    if (clock_monotonic_us() > judges->until_us) {
        jo_null(out);
        return FM_OK;
    }
    jo_array(out);
    for (size_t k = 0; k < judges->count; k++) {
        const struct judge *judge = &judges->items[k];
        size_t rules = judge->policy->rule_count;
        for (size_t i = 0; i < rules; i++) {
            judge->matched[i] = 0;
        }
        for (size_t i = 0; rules && i < group->example_count; i++) {
            TRY(backtest_caught(&call->ctx, conn, judge->policy, &group->examples[i],
                                judge->matched));
        }
        write_matches(out, judge, group->example_count);
    }
    jo_array_end(out);
    return FM_OK;
}

static enum fm_err write_group(struct call *call, struct store_conn *conn, struct json_out *out,
                               const struct edge_case *group, const struct judges *judges)
{
    insights_edge_case_write(out, group);
    TRY(write_caught(call, conn, out, group, judges));
    jo_object_end(out);
    return FM_OK;
}

static enum fm_err open_judge(struct call *call, struct store_conn *conn,
                              const struct policy *policy, const char *state, struct judge *out)
{
    struct policy_version version = {0};

    *out = (struct judge){.policy = policy, .state = state};
    out->matched = arena_zalloc(call->ctx.arena, policy->rule_count + 1, sizeof(uint64_t));
    if (!out->matched) {
        return fail_memory(&call->ctx);
    }
    if (str_eq(str_of(state), S("active"))) {
        TRY(flow_version_active(&call->ctx, conn, &version));
    } else {
        TRY(flow_shadow_version(&call->ctx, conn, &version));
    }
    out->id = version.id;
    return FM_OK;
}

static enum fm_err write_groups(struct call *call, struct store_conn *conn, struct json_out *out,
                                const struct policy *shadow, int64_t since_us)
{
    struct judges judges = {.count = shadow ? 2 : 1};
    struct edge_cases cases;

    TRY(insights_edge_cases(&call->ctx, conn, since_us, &cases));
    TRY(open_judge(call, conn, call->policy, "active", &judges.items[0]));
    if (shadow) {
        TRY(open_judge(call, conn, shadow, "shadow", &judges.items[1]));
    }
    judges.until_us = clock_monotonic_us() + JUDGE_US_MAX;
    jo_object(out);
    jo_m_time(out, "since", since_us);
    jo_m_int(out, "examined", (int64_t)cases.examined);
    jo_m_bool(out, "left_out", cases.left_out);
    jo_key(out, "items");
    jo_array(out);
    for (size_t i = 0; i < cases.count; i++) {
        TRY(write_group(call, conn, out, &cases.groups[i], &judges));
    }
    jo_array_end(out);
    jo_object_end(out);
    return FM_OK;
}

static enum fm_err render_edge_cases(struct call *call, struct store_conn *conn, struct buf *body)
{
    struct json_out out = JSON_OUT(body);
    const struct policy *shadow;
    int64_t days, row;
    enum fm_err err;

    TRY(query_allow(call, "days"));
    TRY(read_number(call, "days", DAYS_DEFAULT, BACKTEST_DAYS_LIMIT, &days));
    shadow = flow_shadow(call->api->flow, &row);
    err = write_groups(call, conn, &out, shadow, clock_now_us() - days * DAY_US);
    policy_drop(shadow);
    return err;
}

void insights_edge_cases_get(struct call *call)
{
    call_read(call, render_edge_cases, 200);
}
