/* SPDX-License-Identifier: Apache-2.0
 *
 * A candidate as a shadow: set, ended, and what it said beside the policy in force.
 */
#include "api/api_internal.h"

struct shadow_input {
    struct policy_reading reading; /* first: policy_tools.c finds it */
    struct policy_version version;
    bool on;
};

/* Writing
 * ---------------------------------------------------------------------------------------- */

static void write_pairs(struct json_out *out, const struct shadow_summary *summary)
{
    int64_t same = 0, stricter = 0, looser = 0;

    jo_key(out, "pairs");
    jo_array(out);
    for (size_t i = 0; i < summary->pair_count; i++) {
        const struct shadow_pair *pair = &summary->pairs[i];
        same += pair->shadow == pair->live ? pair->count : 0;
        stricter += pair->shadow > pair->live ? pair->count : 0;
        looser += pair->shadow < pair->live ? pair->count : 0;
        jo_object(out);
        jo_m_str(out, "live", str_of(verdict_name(pair->live)));
        jo_m_str(out, "shadow", str_of(verdict_name(pair->shadow)));
        jo_m_int(out, "count", pair->count);
        jo_object_end(out);
    }
    jo_array_end(out);
    jo_m_int(out, "evaluated", same + stricter + looser);
    jo_m_int(out, "same", same);
    jo_m_int(out, "stricter", stricter);
    jo_m_int(out, "looser", looser);
}

static void write_examples(struct json_out *out, const struct shadow_summary *summary)
{
    jo_key(out, "examples");
    jo_array(out);
    for (size_t i = 0; i < summary->example_count; i++) {
        const struct shadow_example *example = &summary->examples[i];
        jo_object(out);
        jo_m_id(out, "proposal", ID_PROPOSAL, example->proposal);
        jo_m_str(out, "live", str_of(verdict_name(example->live)));
        jo_m_str(out, "shadow", str_of(verdict_name(example->shadow)));
        jo_m_raw(out, "rules", example->rules);
        jo_m_time(out, "at", example->at_us);
        jo_object_end(out);
    }
    jo_array_end(out);
}

/* `shadow` NULL: it is none. */
static enum fm_err write_left_out(struct call *call, struct json_out *out,
                                  const struct policy *shadow)
{
    struct str left_out[SHADOW_LEFT_OUT_MAX];
    size_t count = 0;
    const struct policy *live = flow_policy(call->api->flow);
    enum fm_err err =
        shadow ? flow_shadow_left_out(&call->ctx, shadow, live, left_out, &count) : FM_OK;

    policy_drop(live);
    TRY(err);
    jo_key(out, "left_out");
    jo_array(out);
    for (size_t i = 0; i < count; i++) {
        jo_str(out, left_out[i]);
    }
    jo_array_end(out);
    return FM_OK;
}

static enum fm_err write_summary(struct call *call, struct store_conn *conn, struct buf *body,
                                 const struct policy_version *version, const struct policy *shadow)
{
    struct shadow_summary *summary = arena_zalloc(call->ctx.arena, 1, sizeof(*summary));
    struct json_out out = JSON_OUT(body);
    const struct person *by;

    if (!summary) {
        return fail_memory(&call->ctx);
    }
    TRY(flow_shadow_read(&call->ctx, conn, version->row, summary));
    by = directory_person_by_row(call->directory, summary->by);
    jo_object(&out);
    jo_m_id(&out, "policy", ID_POLICY, version->id);
    jo_m_bool(&out, "on", summary->since_us != 0);
    jo_m_time(&out, "since", summary->since_us);
    jo_m_str(&out, "by", by ? by->name : STR_NONE);
    write_pairs(&out, summary);
    write_examples(&out, summary);
    TRY(write_left_out(call, &out, shadow));
    jo_object_end(&out);
    return FM_OK;
}

/* Reading
 * ---------------------------------------------------------------------------------------- */

static enum fm_err render_shadow(struct call *call, struct store_conn *conn, struct buf *body)
{
    struct policy_version version;
    const struct policy *shadow;
    int64_t row = 0;
    enum fm_err err;

    TRY(query_allow(call, ""));
    TRY(flow_version_find(&call->ctx, conn, call->id, &version));
    shadow = flow_shadow(call->api->flow, &row);
    err = write_summary(call, conn, body, &version, row == version.row ? shadow : NULL);
    policy_drop(shadow);
    return err;
}

void shadow_get(struct call *call)
{
    call_read(call, render_shadow, 200);
}

/* Changing
 * --------------------------------------------------------------------------------------- */

static enum fm_err run_set(struct call *call, struct store_conn *conn)
{
    struct shadow_input *in = call->in;

    return flow_set_shadow(call->api->flow, &call->ctx, conn, call->id,
                           in->on ? call->policy : NULL, call->caller.person, &in->version);
}

static enum fm_err render_set(struct call *call, struct store_conn *conn, struct buf *body)
{
    const struct shadow_input *in = call->in;

    return write_summary(call, conn, body, &in->version, in->on ? call->policy : NULL);
}

/* Back on the loop, with call->policy being the candidate. */
static void on_candidate(struct call *call)
{
    const struct shadow_input *in = call->in;

    if (in->reading.err != FM_OK) {
        call_fail(call, in->reading.err);
        return;
    }
    call_write(call, run_set, render_set, 200);
}

static enum fm_err start_set(struct call *call, struct shadow_input *in)
{
    struct str canonical = STR_NONE;

    TRY(call_bind(call, NULL, 0, in));
    TRY(flow_version_find(&call->ctx, call->part->reader, call->id, &in->version));
    TRY(flow_version_text(&call->ctx, call->part->reader, in->version.row, &canonical,
                          &in->reading.yaml));
    in->on = true;
    return policy_reading_start(call, &in->reading, on_candidate);
}

void shadow_set(struct call *call)
{
    struct shadow_input *in = call_input(call, sizeof(*in));
    enum fm_err err = in ? start_set(call, in) : FM_OK;

    if (err != FM_OK) {
        call_fail(call, err);
    }
}

void shadow_delete(struct call *call)
{
    if (call_input(call, sizeof(struct shadow_input))) {
        call_write(call, run_set, render_set, 200);
    }
}
