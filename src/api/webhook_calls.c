/* SPDX-License-Identifier: Apache-2.0
 *
 * Callbacks as leads and administrators see them: what was delivered, what waits, what could not be
 * delivered and can be sent again; and agents' secrets.
 */
#include "api/api_internal.h"

#include "notify/notify.h"

/* --- list ------------------------------------------------------------------------------------- */

static void write_webhook(struct json_out *out, const struct directory *directory,
                          const struct delivery *delivery)
{
    jo_object(out);
    notify_write(out, delivery);
    jo_key(out, "agent");
    write_agent_ref(out, directory, delivery->agent);
    jo_object_end(out);
}

static void write_row(void *with, const struct delivery *delivery)
{
    struct listing *list = with;

    if (listing_takes(list, delivery->row)) {
        write_webhook(&list->out, list->call->directory, delivery);
    }
}

static enum fm_err read_status(struct call *call, enum notify_status *out)
{
    struct str wanted = http_query(call->request, "status");

    *out = NOTIFY_STATUS_COUNT;
    for (int status = 0; status < NOTIFY_STATUS_COUNT; status++) {
        if (str_eq(wanted, str_of(notify_status_name((enum notify_status)status)))) {
            *out = (enum notify_status)status;
        }
    }
    if (wanted.p && *out == NOTIFY_STATUS_COUNT) {
        return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT, S("/status"),
                       "pending, delivered or dead");
    }
    return FM_OK;
}

static enum fm_err render_webhooks(struct call *call, struct store_conn *conn, struct buf *body)
{
    struct listing list;
    enum notify_status status;
    int64_t before;

    TRY(listing_begin(&list, call, body, "status limit cursor"));
    TRY(read_status(call, &status));
    TRY(listing_from(&list, INT64_MAX, &before));
    TRY(notify_list(&call->ctx, conn, status, before, (size_t)list.limit + 1, write_row, &list));
    listing_end(&list);
    return FM_OK;
}

void webhooks_list(struct call *call)
{
    call_read(call, render_webhooks, 200);
}

/* --- send again ------------------------------------------------------------------------------- */

static enum fm_err run_resend(struct call *call, struct store_conn *conn)
{
    return notify_resend(&call->ctx, conn, call->id, clock_now_us());
}

static void write_one(void *with, const struct delivery *delivery)
{
    struct listing *list = with;

    write_webhook(&list->out, list->call->directory, delivery);
}

static enum fm_err render_webhook(struct call *call, struct store_conn *conn, struct buf *body)
{
    struct listing list = {.call = call, .out = JSON_OUT(body)};

    return notify_find(&call->ctx, conn, call->id, write_one, &list);
}

/* Calls without members: anything in the body is refused by name. */
static bool takes_nothing(struct call *call)
{
    char nothing;
    enum fm_err err = call_bind(call, NULL, 0, &nothing);

    if (err != FM_OK) {
        call_fail(call, err);
    }
    return err == FM_OK;
}

void webhooks_resend(struct call *call)
{
    if (takes_nothing(call)) {
        call_write(call, run_resend, render_webhook, 200);
    }
}

/* --- secrets ---------------------------------------------------------------------------------- */

struct secret_input {
    char secret[SECRET_TEXT_SIZE];
};

static enum fm_err run_secret(struct call *call, struct store_conn *conn)
{
    struct secret_input *in = call->in;
    const struct agent *agent = directory_agent_by_id(call->directory, call->id);

    if (!agent) {
        return fail(&call->ctx, FM_E_NOT_FOUND, "there is no such agent");
    }
    return people_new_webhook_secret(&call->ctx, conn,
                                     (struct actor){ACTOR_REVIEWER, call->caller.person->id},
                                     agent->name, clock_now_us() + NOTIFY_OLD_SECRET_US,
                                     in->secret);
}

static enum fm_err render_secret(struct call *call, struct store_conn *conn, struct buf *body)
{
    const struct secret_input *in = call->in;
    struct json_out out = JSON_OUT(body);

    (void)conn;
    jo_object(&out);
    jo_m_id(&out, "id", ID_AGENT, call->id);
    jo_m_str(&out, "webhook_secret", str_of(in->secret));
    jo_object_end(&out);
    return FM_OK;
}

void agents_webhook_secret(struct call *call)
{
    struct secret_input *in = call_input(call, sizeof(*in));

    if (in && takes_nothing(call)) {
        call_write_once(call, run_secret, render_secret, 200,
                        "if the secret was lost, ask for another with a new Idempotency-Key; the "
                        "replaced ones sign on for 24 hours");
    }
}

/* --- hosts ------------------------------------------------------------------------------------ */

#define HOSTS_MAX 32 /* of one change */

struct hosts_body {
    const struct json *add, *remove;
};

#define HOSTS(member)                                                                              \
    {.name = #member, .type = JSON_T_ARRAY, .max = HOSTS_MAX,                                      \
     .offset = offsetof(struct hosts_body, member)}
static const struct json_field hosts_fields[] = {HOSTS(add), HOSTS(remove)};

struct hosts_input {
    struct policy_list add, remove, hosts;
    struct str added[HOSTS_MAX], removed[HOSTS_MAX];
};

static enum fm_err read_hosts(struct call *call, const struct json *array, const char *pointer,
                              struct str items[HOSTS_MAX], struct policy_list *out)
{
    *out = (struct policy_list){items, array ? array->count : 0};
    for (uint32_t i = 0; i < out->count; i++) {
        items[i] = json_text(&array->as.items[i]);
        if (!items[i].n) {
            return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT,
                           json_pointer_index(call->ctx.arena, str_of(pointer), i),
                           "must be the name of a host");
        }
    }
    return FM_OK;
}

static enum fm_err read_change(struct call *call, struct hosts_input *in)
{
    struct hosts_body body = {NULL, NULL};

    TRY(call_bind(call, hosts_fields, COUNT_OF(hosts_fields), &body));
    if (!body.add && !body.remove) {
        return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT, S("/add"),
                       "say what to add or to remove");
    }
    TRY(read_hosts(call, body.add, "/add", in->added, &in->add));
    return read_hosts(call, body.remove, "/remove", in->removed, &in->remove);
}

static enum fm_err run_hosts(struct call *call, struct store_conn *conn)
{
    struct hosts_input *in = call->in;
    const struct agent *agent = directory_agent_by_id(call->directory, call->id);

    if (!agent) {
        return fail(&call->ctx, FM_E_NOT_FOUND, "there is no such agent");
    }
    return people_change_hosts(&call->ctx, conn,
                               (struct actor){ACTOR_REVIEWER, call->caller.person->id}, agent->name,
                               in->add, in->remove, &in->hosts);
}

static enum fm_err render_hosts(struct call *call, struct store_conn *conn, struct buf *body)
{
    const struct hosts_input *in = call->in;
    struct json_out out = JSON_OUT(body);

    (void)conn;
    jo_object(&out);
    jo_m_id(&out, "id", ID_AGENT, call->id);
    jo_key(&out, "hosts");
    policy_list_write(&out, in->hosts);
    jo_object_end(&out);
    return FM_OK;
}

void agents_hosts(struct call *call)
{
    struct hosts_input *in = call_input(call, sizeof(*in));
    enum fm_err err = in ? read_change(call, in) : FM_OK;

    if (err != FM_OK) {
        call_fail(call, err);
    } else if (in) {
        call_write(call, run_hosts, render_hosts, 200);
    }
}
