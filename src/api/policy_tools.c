/* SPDX-License-Identifier: Apache-2.0
 *
 * The tools around a policy: checking a text, and what it would have done with the past. Nothing
 * here changes what rules.
 */
#include "api/api_internal.h"

/* Reading
 * ---------------------------------------------------------------------------------------- */

static void report_errors(struct call *call, const struct policy_reading *reading)
{
    for (size_t i = 0; i < reading->finding_count; i++) {
        const struct policy_finding *row = &reading->findings[i];
        if (!row->warning) {
            (void)fail_at(&call->ctx, reading->err, S("/yaml"), "%u:%u: %.*s", row->at.line,
                          row->at.column, STR_ARG(row->message));
        }
    }
}

static enum fm_err read_text(struct call *call, struct policy_reading *reading)
{
    const struct policy *policy;
    struct ctx *ctx = &call->ctx;

    TRY(reading->also ? policy_parse_untested(ctx, S("yaml"), reading->yaml, reading->findings,
                                              &reading->finding_count, &policy)
                      : policy_parse(ctx, S("yaml"), reading->yaml, reading->findings,
                                     &reading->finding_count, &policy));
    policy_drop(call->policy);
    call->policy = policy; /* call_release drops it */
    return reading->also ? reading->also(call, reading) : FM_OK;
}

static void on_read(struct loop_message *message)
{
    struct call *call = (struct call *)(void *)((char *)message - offsetof(struct call, message));
    struct policy_reading *reading = call->in;

    reading->done(call);
}

static void work(struct slow_job *job)
{
    struct policy_reading *reading = (struct policy_reading *)job;
    struct call *call = reading->call;

    reading->err = read_text(call, reading);
    if (reading->err == FM_E_INVALID_ARGUMENT) {
        report_errors(call, reading);
    }
    call->message.run = on_read;
    loop_post(call->part->loop, &call->message);
}

enum fm_err policy_reading_start(struct call *call, struct policy_reading *reading,
                                 void (*done)(struct call *call))
{
    reading->job.work = work;
    reading->call = call;
    reading->done = done;
    reading->findings =
        arena_zalloc(call->ctx.arena, POLICY_FINDINGS_MAX, sizeof(*reading->findings));
    if (!reading->findings) {
        return fail_memory(&call->ctx);
    }
    return slow_submit(&reading->job)
               ? FM_OK
               : fail(&call->ctx, FM_E_OVERLOADED, "too much slow work waits: try again");
}

/* What both tools are asked about: a text, or a version. */
struct tool_input {
    struct policy_reading reading; /* first: on_read finds it */
    struct id policy;              /* zero: a text */
    int64_t days;
    struct id backtest; /* of the job, once there is one */
};

#define TOOL_INPUT(member, text) .name = text, .offset = offsetof(struct tool_input, member)

static const struct json_field check_fields[] = {
    {TOOL_INPUT(reading.yaml, "yaml"), .type = JSON_T_STR, .flags = JSON_F_REQUIRED,
     .max = POLICY_BYTES_MAX},
};

static const struct json_field backtest_fields[] = {
    {TOOL_INPUT(reading.yaml, "yaml"), .type = JSON_T_STR, .max = POLICY_BYTES_MAX},
    {TOOL_INPUT(policy, "policy"), .type = JSON_T_ID, .id_kind = ID_POLICY},
    {TOOL_INPUT(days, "days"), .type = JSON_T_INT, .min = 1, .max_number = BACKTEST_DAYS_LIMIT},
};

/* Check
 * ------------------------------------------------------------------------------------------ */

static void write_findings(struct json_out *out, const struct policy_reading *reading)
{
    jo_key(out, "findings");
    jo_array(out);
    for (size_t i = 0; i < reading->finding_count; i++) {
        const struct policy_finding *row = &reading->findings[i];
        jo_object(out);
        jo_m_int(out, "line", row->at.line);
        jo_m_int(out, "column", row->at.column);
        jo_m_bool(out, "warning", row->warning);
        jo_m_str(out, "message", row->message);
        jo_m_str(out, "excerpt", row->excerpt);
        jo_object_end(out);
    }
    jo_array_end(out);
}

/* Runs the tests of the text until they have cost as much as a load admits. */
static enum fm_err write_tests(struct call *call, struct json_out *out, bool *passed)
{
    uint64_t cost = 0;

    jo_key(out, "tests");
    jo_array(out);
    for (size_t i = 0; i < call->policy->test_count; i++) {
        const struct policy_test *test = &call->policy->tests[i];
        struct policy_outcome outcome;
        TRY(policy_test_run(&call->ctx, call->policy, test, &outcome));
        jo_object(out);
        jo_m_str(out, "name", test->name);
        jo_m_int(out, "line", test->at.line);
        jo_m_int(out, "column", test->at.column);
        jo_m_bool(out, "passed", outcome.passed);
        jo_m_str(out, "why", outcome.passed ? STR_NONE : outcome.why);
        jo_m_str(out, "verdict", str_of(verdict_name(outcome.verdict)));
        jo_m_raw(out, "reasons", outcome.reasons);
        jo_object_end(out);
        cost += outcome.cost;
        *passed &= outcome.passed && cost <= POLICY_TESTS_COST_MAX;
        if (cost > POLICY_TESTS_COST_MAX) {
            break;
        }
    }
    jo_array_end(out);
    return FM_OK;
}

/* On the slow thread, with a policy that can be read. */
static enum fm_err examine(struct call *call, struct policy_reading *reading)
{
    struct json_out out = JSON_OUT(&call->answer);
    bool passed = true;

    TRY(assess_lint(&call->ctx, call->policy, reading->findings, &reading->finding_count));
    jo_object(&out);
    jo_m_digest(&out, "version", hash_str(&call->policy->version));
    write_findings(&out, reading);
    TRY(write_tests(call, &out, &passed));
    jo_m_bool(&out, "valid", passed);
    jo_object_end(&out);
    return buf_ok(&call->answer) ? FM_OK : fail_memory(&call->ctx);
}

/* A text that cannot be read is what was asked about, no error of the call. */
static void write_refused(struct call *call, const struct policy_reading *reading)
{
    struct json_out out = JSON_OUT(&call->answer);

    jo_object(&out);
    jo_m_null(&out, "version");
    write_findings(&out, reading);
    jo_key(&out, "tests");
    jo_array(&out);
    jo_array_end(&out);
    jo_m_bool(&out, "valid", false);
    jo_object_end(&out);
}

static void on_checked(struct call *call)
{
    const struct policy_reading *reading = call->in;

    if (reading->err != FM_OK && reading->finding_count == 0) {
        call_fail(call, reading->err);
        return;
    }
    if (reading->err != FM_OK) {
        buf_reset(&call->answer);
        write_refused(call, reading);
    }
    call_answer(call, 200, &call->answer);
}

static enum fm_err start_check(struct call *call, struct tool_input *in)
{
    TRY(call_bind(call, check_fields, COUNT_OF(check_fields), in));
    in->reading.also = examine;
    return policy_reading_start(call, &in->reading, on_checked);
}

void policies_check(struct call *call)
{
    struct tool_input *in = call_input(call, sizeof(*in));
    enum fm_err err = in ? start_check(call, in) : FM_OK;

    if (err != FM_OK) {
        call_fail(call, err);
    }
}

/* Backtest
 * --------------------------------------------------------------------------------------- */

/* In the committer for the sake of its Idempotency-Key; the replay itself runs elsewhere. */
static enum fm_err run_submit(struct call *call, struct store_conn *conn)
{
    struct tool_input *in = call->in;
    const struct backtest_request request = {.policy = call->policy,
                                             .version = in->policy,
                                             .days = in->days,
                                             .by = call->caller.person->id,
                                             .by_name = call->caller.person->name};

    (void)conn;
    if (!id_is_zero(in->backtest)) {
        return FM_OK; /* the command is run a second time */
    }
    return backtests_submit(&call->ctx, call->api->config.backtests, &request, &in->backtest);
}

static enum fm_err render_submitted(struct call *call, struct store_conn *conn, struct buf *body)
{
    const struct tool_input *in = call->in;
    struct json_out out = JSON_OUT(body);

    (void)conn;
    return backtests_view(&call->ctx, call->api->config.backtests, in->backtest, &out);
}

static void on_backtest_read(struct call *call)
{
    const struct policy_reading *reading = call->in;

    if (reading->err != FM_OK) {
        call_fail(call, reading->err);
        return;
    }
    call_write(call, run_submit, render_submitted, 202);
}

static enum fm_err start_backtest(struct call *call, struct tool_input *in)
{
    struct policy_version version;
    struct str canonical = STR_NONE;

    in->days = 30;
    TRY(call_bind(call, backtest_fields, COUNT_OF(backtest_fields), in));
    if (in->reading.yaml.p ? !id_is_zero(in->policy) : id_is_zero(in->policy)) {
        return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT, S("/policy"),
                       "send either `yaml`, a text, or `policy`, the id of a version");
    }
    if (!in->reading.yaml.p) {
        TRY(flow_version_find(&call->ctx, call->part->reader, in->policy, &version));
        TRY(flow_version_text(&call->ctx, call->part->reader, version.row, &canonical,
                              &in->reading.yaml));
    }
    return policy_reading_start(call, &in->reading, on_backtest_read);
}

void policies_backtest(struct call *call)
{
    struct tool_input *in = call_input(call, sizeof(*in));
    enum fm_err err = in ? start_backtest(call, in) : FM_OK;

    if (err != FM_OK) {
        call_fail(call, err);
    }
}

static enum fm_err render_backtest(struct call *call, struct store_conn *conn, struct buf *body)
{
    struct json_out out = JSON_OUT(body);

    (void)conn;
    TRY(query_allow(call, ""));
    return backtests_view(&call->ctx, call->api->config.backtests, call->id, &out);
}

void backtests_get(struct call *call)
{
    call_read(call, render_backtest, 200);
}

static enum fm_err render_ended(struct call *call, struct store_conn *conn, struct buf *body)
{
    struct json_out out = JSON_OUT(body);

    (void)conn;
    return backtests_view(&call->ctx, call->api->config.backtests, call->id, &out);
}

static enum fm_err run_cancel(struct call *call, struct store_conn *conn)
{
    (void)conn;
    return backtests_cancel(&call->ctx, call->api->config.backtests, call->id);
}

void backtest_end(struct call *call)
{
    call_write(call, run_cancel, render_ended, 200);
}
