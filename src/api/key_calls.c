/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys and tokens over HTTP: making (shown once), listing, revoking; and the access review. An
 * admin makes keys for agents and tokens for services, never a personal token: that would be
 * acting as somebody else.
 */
#include "api/api_internal.h"

static struct actor by_caller(const struct call *call)
{
    return (struct actor){ACTOR_REVIEWER, call->caller.person->id};
}

/* --- list ------------------------------------------------------------------------------------- */

struct key_list {
    struct listing list; /* first */
    struct id last;
};

static void write_person_ref(struct json_out *out, const struct person *person)
{
    if (!person) {
        jo_null(out);
        return;
    }
    jo_object(out);
    jo_m_id(out, "id", ID_PERSON, person->id);
    jo_m_str(out, "name", person->name);
    jo_object_end(out);
}

static void write_scopes(struct json_out *out, unsigned scopes)
{
    jo_key(out, "scopes");
    jo_array(out);
    for (int scope = 0; scope < SCOPE_COUNT; scope++) {
        if (scopes >> scope & 1) {
            jo_str(out, str_of(scope_name((enum service_scope)scope)));
        }
    }
    jo_array_end(out);
}

static void write_key(void *with, const struct key_row *row)
{
    struct key_list *list = with;
    struct json_out *out = &list->list.out;
    const struct directory *directory = list->list.call->directory;

    if (!listing_takes(&list->list, 0)) {
        return;
    }
    list->last = row->id;
    jo_object(out);
    jo_m_id(out, "id", ID_KEY, row->id);
    jo_m_str(out, "kind", str_of(credential_kind_name(row->kind)));
    jo_key(out, "agent");
    if (row->agent) {
        write_agent_ref(out, directory, row->agent);
    } else {
        jo_null(out);
    }
    jo_key(out, "person");
    write_person_ref(out, directory_person_by_row(directory, row->person));
    jo_m_str(out, "service", row->service);
    write_scopes(out, row->scopes);
    jo_m_time(out, "created_at", row->created_at_us);
    jo_key(out, "created_by");
    write_person_ref(out, directory_person_by_id(directory, row->created_by));
    jo_m_time(out, "last_used_at", row->used_at_us);
    jo_m_time(out, "expires_at", row->expires_at_us);
    jo_m_time(out, "revoked_at", row->revoked_at_us);
    jo_object_end(out);
}

static enum fm_err render_keys(struct call *call, struct store_conn *conn, struct buf *body)
{
    struct row_part part = {.ended = str_eq(http_query(call->request, "revoked"), S("1"))};
    struct key_list keys = {.last = {{0}}};
    char cursor[ID_TEXT_MAX];
    bool present;

    TRY(listing_begin(&keys.list, call, body, "revoked limit cursor"));
    TRY(query_id(call, "cursor", ID_KEY, &part.after_id, &present));
    part.max = keys.list.limit + 1;
    TRY(key_rows(&call->ctx, conn, part, write_key, &keys));
    listing_end_at(&keys.list, id_format(ID_KEY, keys.last, cursor));
    return FM_OK;
}

void keys_list(struct call *call)
{
    call_read(call, render_keys, 200);
}

/* --- make ------------------------------------------------------------------------------------- */

struct key_body {
    struct str agent, service;
    const struct json *scopes;
    int64_t expires_in;
};

#define KEY(member) .name = #member, .offset = offsetof(struct key_body, member)
static const struct json_field key_fields[] = {
    {KEY(agent), .type = JSON_T_STR, .max = 4 * PEOPLE_NAME_MAX},
    {KEY(service), .type = JSON_T_STR, .max = 4 * PEOPLE_NAME_MAX},
    {KEY(scopes), .type = JSON_T_ARRAY, .max = SCOPE_COUNT},
    {KEY(expires_in), .type = JSON_T_DURATION},
};

struct key_input {
    struct key_body body;
    unsigned scopes;
    int64_t expires_at_us;
    struct id id;
    char secret[SECRET_TEXT_SIZE];
};

static enum fm_err read_scopes(struct call *call, struct key_input *in)
{
    for (uint32_t i = 0; in->body.scopes && i < in->body.scopes->count; i++) {
        int scope = scope_of_name(json_text(&in->body.scopes->as.items[i]));
        if (scope < 0) {
            return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT,
                           json_pointer_index(call->ctx.arena, S("/scopes"), i), "one of %s",
                           scope_names());
        }
        in->scopes |= 1u << scope;
    }
    return FM_OK;
}

/* Exactly one of agent and service, and what goes with each. */
static enum fm_err read_key(struct call *call, struct key_input *in)
{
    struct ctx *ctx = &call->ctx;

    in->body.expires_in = SERVICE_UNSAID;
    TRY(call_bind(call, key_fields, COUNT_OF(key_fields), &in->body));
    if (!in->body.agent.p == !in->body.service.p) {
        return fail_at(ctx, FM_E_INVALID_ARGUMENT, S("/service"), "name an agent or a service");
    }
    if (in->body.agent.p && (in->body.scopes || in->body.expires_in != SERVICE_UNSAID)) {
        return fail_at(ctx, FM_E_INVALID_ARGUMENT,
                       in->body.scopes ? S("/scopes") : S("/expires_in"),
                       "an agent's key has no scopes and does not expire");
    }
    TRY(people_service_until(ctx, in->body.expires_in, &in->expires_at_us));
    return read_scopes(call, in);
}

static enum fm_err run_key(struct call *call, struct store_conn *conn)
{
    struct key_input *in = call->in;

    if (in->body.agent.p) {
        return people_add_key(&call->ctx, conn, by_caller(call), in->body.agent, &in->id,
                              in->secret);
    }
    return people_add_service(&call->ctx, conn, by_caller(call), in->body.service, in->scopes,
                              in->expires_at_us, &in->id, in->secret);
}

static enum fm_err render_key(struct call *call, struct store_conn *conn, struct buf *body)
{
    const struct key_input *in = call->in;
    struct json_out out = JSON_OUT(body);

    (void)conn;
    jo_object(&out);
    jo_m_id(&out, "id", ID_KEY, in->id);
    jo_m_str(&out, "key", str_of(in->secret));
    if (!in->body.agent.p) {
        jo_m_str(&out, "token", str_of(in->secret));
    }
    jo_m_time(&out, "expires_at", in->body.agent.p ? 0 : in->expires_at_us);
    jo_object_end(&out);
    return FM_OK;
}

void keys_create(struct call *call)
{
    struct key_input *in = call_input(call, sizeof(*in));
    enum fm_err err = in ? read_key(call, in) : FM_OK;

    if (err != FM_OK) {
        call_fail(call, err);
    } else if (in) {
        call_write_once(call, run_key, render_key, 201,
                        "if the secret was lost, revoke this key (DELETE /v1/keys/{id}) and "
                        "make another with a new Idempotency-Key");
    }
}

/* --- revoke ----------------------------------------------------------------------------------- */

static enum fm_err run_revoke(struct call *call, struct store_conn *conn)
{
    const struct person *person = call->caller.person;
    bool admin = (person->roles & ROLE_BIT(ROLE_ADMIN)) != 0;

    return people_revoke(&call->ctx, conn, by_caller(call), call->id, admin ? NULL : person);
}

static enum fm_err render_revoked(struct call *call, struct store_conn *conn, struct buf *body)
{
    (void)call;
    (void)conn;
    buf_lit(body, "{}");
    return FM_OK;
}

/* An admin ends any of them, everybody else their own personal tokens. */
void keys_delete(struct call *call)
{
    call_write(call, run_revoke, render_revoked, 204);
}

/* --- access review ---------------------------------------------------------------------------- */

static enum fm_err render_review(struct call *call, struct store_conn *conn, struct buf *body)
{
    struct json_out out = JSON_OUT(body);

    jo_object(&out);
    TRY(access_review_json(&call->ctx, conn, &out));
    jo_object_end(&out);
    return FM_OK;
}

static void answer_csv(struct call *call)
{
    AUTO(buf_done) struct buf csv = BUF_INIT(API_ANSWER_MAX);
    enum fm_err err = store_snapshot(&call->ctx, call->part->reader);

    if (err == FM_OK) {
        err = access_review_csv(&call->ctx, call->part->reader, &csv);
        store_snapshot_end(call->part->reader);
    }
    if (err != FM_OK) {
        call_fail(call, err);
        return;
    }
    call_answer_text(call, "text/csv; charset=utf-8; header=present", &csv);
}

void access_review(struct call *call)
{
    struct str format = http_query(call->request, "format");
    enum fm_err err = query_allow(call, "format");

    if (err == FM_OK && format.n && !str_eq(format, S("csv")) && !str_eq(format, S("json"))) {
        err = fail_at(&call->ctx, FM_E_INVALID_ARGUMENT, S("/format"), "json or csv");
    }
    if (err != FM_OK) {
        call_fail(call, err);
    } else if (str_eq(format, S("csv"))) {
        answer_csv(call);
    } else {
        call_read(call, render_review, 200);
    }
}
