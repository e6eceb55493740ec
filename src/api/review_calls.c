/* SPDX-License-Identifier: Apache-2.0
 *
 * People's calls: inbox, claims, decisions, undo, comments, the stream.
 */
#include "api/api_internal.h"
#include "base/unicode.h"

#include <stdlib.h>

#define RUN_WITH_ID(name, flow_call)                                                               \
    static enum fm_err name(struct call *call, struct store_conn *conn)                            \
    {                                                                                              \
        return flow_call(call->api->flow, &call->ctx, conn, &call->caller, call->id,        \
                         &call->proposal);                                                         \
    }

RUN_WITH_ID(run_claim, flow_claim)
RUN_WITH_ID(run_unclaim, flow_unclaim)
RUN_WITH_ID(run_undo, flow_undo)

static void write_without_members(struct call *call, call_run_fn *run)
{
    char nothing;
    enum fm_err err = call_bind(call, NULL, 0, &nothing);

    if (err != FM_OK) {
        call_fail(call, err);
        return;
    }
    call_write(call, run, call_render_proposal, 200);
}

void review_claim_call(struct call *call)
{
    write_without_members(call, run_claim);
}

void review_unclaim_call(struct call *call)
{
    write_without_members(call, run_unclaim);
}

void review_undo_call(struct call *call)
{
    write_without_members(call, run_undo);
}

void stream_open(struct call *call)
{
    bus_open_stream(call);
}

/* --- decision ------------------------------------------------------------------------------------------ */

struct decision_body {
    int verdict, severity;
    struct str digest, reason, reason_code;
    const struct json *arguments;
};

static const char *const verdict_choices[] = {"approve", "modify", "reject", "return", NULL};
static const char *const severity_choices[] = {"minor", "material", NULL};

#define FIELD(member) .name = #member, .offset = offsetof(struct decision_body, member)
static const struct json_field decision_fields[] = {
    {FIELD(verdict), .type = JSON_T_CHOICE, .flags = JSON_F_REQUIRED, .choices = verdict_choices},
    {FIELD(digest), .type = JSON_T_STR, .flags = JSON_F_REQUIRED, .max = 71},
    {FIELD(arguments), .type = JSON_T_OBJECT, .flags = JSON_F_NULL},
    {FIELD(severity), .type = JSON_T_CHOICE, .flags = JSON_F_NULL, .choices = severity_choices},
    {FIELD(reason), .type = JSON_T_STR, .flags = JSON_F_NULL | JSON_F_EMPTY, .max = REASON_MAX},
    {FIELD(reason_code), .type = JSON_T_STR, .flags = JSON_F_NULL, .max = 64},
};
#undef FIELD

/* What no table can say: which members go with which verdict. */
static enum fm_err check_decision(struct call *call, const struct decision_body *body,
                                  struct decision_request *out)
{
    struct ctx *ctx = &call->ctx;
    bool modifies = out->verdict == DECISION_MODIFY;
    bool needs_reason = out->verdict == DECISION_REJECT || out->verdict == DECISION_RETURN;

    if (!str_starts(body->digest, S("sha256:")) ||
        !hex_decode(str_skip(body->digest, 7), out->digest.bytes, SHA256_SIZE)) {
        return fail_at(ctx, FM_E_INVALID_ARGUMENT, S("/digest"),
                       "the digest that was shown: sha256: and 64 hexadecimal digits");
    }
    if (modifies != (body->arguments != NULL)) {
        return fail_at(ctx, FM_E_INVALID_ARGUMENT, S("/arguments"),
                       modifies ? "modify needs the edited arguments"
                                : "only modify takes arguments");
    }
    if (!modifies && body->severity >= 0) {
        return fail_at(ctx, FM_E_INVALID_ARGUMENT, S("/severity"), "only modify has a severity");
    }
    if (needs_reason && text_is_blank(body->reason)) {
        return fail_at(ctx, FM_E_INVALID_ARGUMENT, S("/reason"),
                       out->verdict == DECISION_RETURN ? "return needs the question to the agent"
                                                       : "reject needs a reason");
    }
    if (body->reason_code.p && !policy_has_reason(call->policy, body->reason_code)) {
        return fail_at(ctx, FM_E_INVALID_ARGUMENT, S("/reason_code"),
                       "not among the policy's reasons");
    }
    return FM_OK;
}

static enum fm_err read_decision(struct call *call, struct decision_request *out)
{
    struct decision_body body = {0};

    TRY(call_bind(call, decision_fields, COUNT_OF(decision_fields), &body));
    *out = (struct decision_request){
        .verdict = (enum decision_verdict)(DECISION_APPROVE + body.verdict),
        .arguments = body.arguments,
        .reason = text_is_blank(body.reason) ? STR_NONE : body.reason,
        .reason_code = body.reason_code,
        .minor = body.severity == 0,
    };
    TRY(check_decision(call, &body, out));
    return body.arguments
               ? intake_check_arguments(&call->ctx, body.arguments, &out->arguments_digest)
               : FM_OK;
}

static enum fm_err run_decide(struct call *call, struct store_conn *conn)
{
    return flow_decide(call->api->flow, &call->ctx, conn, &call->caller, call->id, call->in,
                       &call->proposal);
}

enum fm_err review_prepare_decision(struct call *call)
{
    struct decision_request *in = arena_zalloc(call->ctx.arena, 1, sizeof(*in));

    if (!in) {
        return fail_memory(&call->ctx);
    }
    TRY(read_decision(call, in));
    call->in = in;
    call->run = run_decide;
    call->render = call_render_proposal;
    call->wanted_status = 200;
    return FM_OK;
}

void review_decision(struct call *call)
{
    enum fm_err err = review_prepare_decision(call);

    if (err != FM_OK) {
        call_fail(call, err);
        return;
    }
    call_write(call, call->run, call->render, call->wanted_status);
}

/* --- comments ------------------------------------------------------------------------------------------ */

struct comment_input {
    struct str text;
    struct id id;
    int64_t at_us;
};

static const struct json_field comment_fields[] = {
    {.name = "text", .type = JSON_T_STR, .flags = JSON_F_REQUIRED | JSON_F_WORDS,
     .offset = offsetof(struct comment_input, text), .max = COMMENT_MAX},
};

static enum fm_err run_comment(struct call *call, struct store_conn *conn)
{
    struct comment_input *in = call->in;

    return flow_comment(call->api->flow, &call->ctx, conn, &call->caller, call->id, in->text,
                        &in->id, &in->at_us, &call->proposal);
}

static enum fm_err render_comment(struct call *call, struct store_conn *conn, struct buf *body)
{
    const struct comment_input *in = call->in;
    struct json_out out = JSON_OUT(body);

    (void)conn;
    jo_object(&out);
    jo_m_id(&out, "id", ID_COMMENT, in->id);
    jo_key(&out, "by");
    jo_object(&out);
    jo_m_id(&out, "id", ID_PERSON, call->caller.person->id);
    jo_m_str(&out, "name", call->caller.person->name);
    jo_object_end(&out);
    jo_m_time(&out, "at", in->at_us);
    jo_m_str(&out, "text", in->text);
    jo_object_end(&out);
    return FM_OK;
}

void review_comment_call(struct call *call)
{
    struct comment_input *in = call_input(call, sizeof(*in));
    enum fm_err err = in ? call_bind(call, comment_fields, COUNT_OF(comment_fields), in) : FM_OK;

    if (err != FM_OK) {
        call_fail(call, err);
    } else if (in) {
        call_write(call, run_comment, render_comment, 201);
    }
}
