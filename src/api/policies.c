/* SPDX-License-Identifier: Apache-2.0
 *
 * Versions of the policy: listed, read, proposed, activated. Reading a policy's text takes longer
 * than a loop may stand still: the slow thread does it.
 */
#include "api/api_internal.h"

/* What a change needs on its way: loop, slow thread, loop, committer, loop. */
struct policy_input {
    struct policy_reading reading; /* first: its `yaml` is of a new version */
    enum json_bool alone;
    bool activates;
    struct policy_version version;
};

#define POLICY_INPUT(member, text) .name = text, .offset = offsetof(struct policy_input, member)

static const struct json_field propose_fields[] = {
    {POLICY_INPUT(reading.yaml, "yaml"), .type = JSON_T_STR, .flags = JSON_F_REQUIRED,
     .max = POLICY_BYTES_MAX},
    {POLICY_INPUT(alone, "alone"), .type = JSON_T_BOOL},
};

static const struct json_field activate_fields[] = {
    {POLICY_INPUT(alone, "alone"), .type = JSON_T_BOOL},
};

/* Writing ------------------------------------------------------------------------------------ */

static void write_person(struct json_out *out, const char *name, const struct directory *directory,
                         int64_t row)
{
    const struct person *person = directory_person_by_row(directory, row);

    jo_key(out, name);
    if (!person) { /* the operator, or somebody who is gone */
        jo_null(out);
        return;
    }
    jo_object(out);
    jo_m_id(out, "id", ID_PERSON, person->id);
    jo_m_str(out, "name", person->name);
    jo_object_end(out);
}

static void write_members(struct json_out *out, const struct directory *directory,
                          const struct policy_version *v)
{
    jo_m_id(out, "id", ID_POLICY, v->id);
    jo_m_digest(out, "version", hash_str(&v->version));
    jo_m_str(out, "state", str_of(policy_state_name(v->state)));
    jo_m_str(out, "road", str_of(policy_road_name(v->road)));
    jo_m_time(out, "proposed_at", v->proposed_at);
    write_person(out, "proposed_by", directory, v->proposed_by);
    jo_m_time(out, "activated_at", v->activated_at);
    write_person(out, "activated_by", directory, v->activated_by);
    jo_m_bool(out, "alone", v->alone);
    jo_m_raw(out, "loosened", v->loosened);
}

static void write_row(void *with, const struct policy_version *version)
{
    struct listing *list = with;

    if (listing_takes(list, version->row)) {
        jo_object(&list->out);
        write_members(&list->out, list->call->directory, version);
        jo_object_end(&list->out);
    }
}

static enum fm_err render_list(struct call *call, struct store_conn *conn, struct buf *body)
{
    struct listing list;
    int64_t before;

    TRY(listing_begin(&list, call, body, "limit cursor"));
    TRY(listing_from(&list, INT64_MAX, &before));
    TRY(flow_version_each(&call->ctx, conn, before, (size_t)list.limit + 1, write_row, &list));
    listing_end(&list);
    return FM_OK;
}

void policies_list(struct call *call)
{
    call_read(call, render_list, 200);
}

static enum fm_err render_one(struct call *call, struct store_conn *conn, struct buf *body)
{
    struct json_out out = JSON_OUT(body);
    struct policy_version version;
    struct str canonical = STR_NONE, source = STR_NONE;

    TRY(flow_version_find(&call->ctx, conn, call->id, &version));
    TRY(flow_version_text(&call->ctx, conn, version.row, &canonical, &source));
    jo_object(&out);
    write_members(&out, call->directory, &version);
    jo_m_raw(&out, "canonical", canonical);
    jo_m_str(&out, "yaml", source);
    jo_object_end(&out);
    return FM_OK;
}

void policies_get(struct call *call)
{
    call_read(call, render_one, 200);
}

/* Changing ----------------------------------------------------------------------------------- */

static enum fm_err run_change(struct call *call, struct store_conn *conn)
{
    struct policy_input *in = call->in;
    struct policy_proposal proposal = {.policy = call->policy,
                                       .by = call->caller.person,
                                       .road = ROAD_API,
                                       .alone = in->alone == JSON_YES};
    enum fm_err err = in->activates ? flow_activate_version(call->api->flow, &call->ctx, conn,
                                                            call->id, &proposal, &in->version)
                                    : flow_propose_policy(call->api->flow, &call->ctx, conn,
                                                          &proposal, &in->version);

    if (err == FM_OK && in->version.state == POLICY_CANDIDATE) {
        call->status = 202; /* it waits for somebody else */
    }
    return err;
}

static enum fm_err render_change(struct call *call, struct store_conn *conn, struct buf *body)
{
    const struct policy_input *in = call->in;
    struct json_out out = JSON_OUT(body);

    (void)conn;
    jo_object(&out);
    write_members(&out, call->directory, &in->version);
    jo_object_end(&out);
    return FM_OK;
}

/* Back on the loop, with call->policy being the one that was read. */
static void on_parsed(struct call *call)
{
    struct policy_input *in = call->in;

    if (in->reading.err != FM_OK) {
        call_fail(call, in->reading.err);
        return;
    }
    call_write(call, run_change, render_change, in->activates ? 200 : 201);
}

static enum fm_err start_propose(struct call *call, struct policy_input *in)
{
    TRY(call_bind(call, propose_fields, COUNT_OF(propose_fields), in));
    return policy_reading_start(call, &in->reading, on_parsed);
}

void policies_create(struct call *call)
{
    struct policy_input *in = call_input(call, sizeof(*in));
    enum fm_err err = in ? start_propose(call, in) : FM_OK;

    if (err != FM_OK) {
        call_fail(call, err);
    }
}

static enum fm_err start_activate(struct call *call, struct policy_input *in)
{
    struct policy_version version;
    struct str canonical = STR_NONE;

    TRY(call_bind(call, activate_fields, COUNT_OF(activate_fields), in));
    TRY(flow_version_find(&call->ctx, call->part->reader, call->id, &version));
    TRY(flow_version_text(&call->ctx, call->part->reader, version.row, &canonical,
                          &in->reading.yaml));
    in->activates = true;
    return policy_reading_start(call, &in->reading, on_parsed);
}

void policies_activate(struct call *call)
{
    struct policy_input *in = call_input(call, sizeof(*in));
    enum fm_err err = in ? start_activate(call, in) : FM_OK;

    if (err != FM_OK) {
        call_fail(call, err);
    }
}
