/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands about callbacks: what became of them, sending one again, and an agent's secret.
 */
#include "server/admin_internal.h"

#define LIST_MAX 1000 /* newest first; at 400 bytes each well within an answer */

static const struct actor operator_actor = {.kind = ACTOR_OPERATOR};

/* The list under way: the answer, and where agents' names are found. */
struct webhook_list {
    struct json_out *out;
    const struct directory *directory;
};

static void write_members(const struct webhook_list *list, const struct delivery *delivery)
{
    const struct agent *agent = directory_agent_by_row(list->directory, delivery->agent);

    notify_write(list->out, delivery);
    jo_m_str(list->out, "agent", agent ? agent->name : STR_NONE);
}

static void write_item(void *with, const struct delivery *delivery)
{
    const struct webhook_list *list = with;

    jo_object(list->out);
    write_members(list, delivery);
    jo_object_end(list->out);
}

static void write_one(void *with, const struct delivery *delivery)
{
    write_members(with, delivery);
}

struct list_arguments {
    int status;
};

static const char *const status_choices[] = {"pending", "delivered", "dead", NULL};
static const struct json_field list_fields[] = {
    {.name = "status", .type = JSON_T_CHOICE, .offset = offsetof(struct list_arguments, status),
     .choices = status_choices},
};

enum fm_err admin_webhook_list(struct ctx *ctx, struct instance *instance,
                               const struct json *arguments, struct json_out *answer)
{
    struct list_arguments in = {.status = -1};
    struct webhook_list list = {.out = answer};
    struct store_conn *reader;
    enum fm_err err;

    TRY(json_bind(ctx, arguments, S(""), list_fields, COUNT_OF(list_fields), &in));
    TRY(store_reader(ctx, instance->store, &reader));
    list.directory = directory_keep();
    jo_key(answer, "items");
    jo_array(answer);
    err = notify_list(ctx, reader,
                      in.status < 0 ? NOTIFY_STATUS_COUNT : (enum notify_status)in.status,
                      INT64_MAX, LIST_MAX, write_item, &list);
    jo_array_end(answer);
    directory_drop(list.directory);
    store_reader_close(reader);
    return err;
}

/* One change on its way to the committer and back. */
struct webhook_change {
    struct store_cmd cmd; /* first */
    struct id event;
    struct str agent;
    struct webhook_list list;
    char secret[SECRET_TEXT_SIZE];
};

static enum fm_err run_resend(struct store_cmd *cmd, struct store_conn *conn)
{
    struct webhook_change *change = (struct webhook_change *)cmd;

    return notify_resend(cmd->ctx, conn, change->event, clock_now_us());
}

static const struct json_field resend_fields[] = {
    {.name = "id", .type = JSON_T_ID, .flags = JSON_F_REQUIRED, .id_kind = ID_EVENT,
     .offset = offsetof(struct webhook_change, event)},
};

/* How it stands now, read after the commit. */
static enum fm_err write_stand(struct ctx *ctx, struct instance *instance, struct id event,
                               struct json_out *answer)
{
    struct webhook_list list = {.out = answer};
    struct store_conn *reader;
    enum fm_err err;

    TRY(store_reader(ctx, instance->store, &reader));
    list.directory = directory_keep();
    err = notify_find(ctx, reader, event, write_one, &list);
    directory_drop(list.directory);
    store_reader_close(reader);
    return err;
}

enum fm_err admin_webhook_resend(struct ctx *ctx, struct instance *instance,
                                 const struct json *arguments, struct json_out *answer)
{
    struct webhook_change change = {.cmd = {.run = run_resend, .ctx = ctx}};

    TRY(json_bind(ctx, arguments, S(""), resend_fields, COUNT_OF(resend_fields), &change));
    TRY(committer_call(instance->committer, &change.cmd));
    return write_stand(ctx, instance, change.event, answer);
}

static enum fm_err run_secret(struct store_cmd *cmd, struct store_conn *conn)
{
    struct webhook_change *change = (struct webhook_change *)cmd;

    return people_new_webhook_secret(cmd->ctx, conn, operator_actor, change->agent,
                                     clock_now_us() + NOTIFY_OLD_SECRET_US, change->secret);
}

static const struct json_field secret_fields[] = {
    {.name = "agent", .type = JSON_T_STR, .flags = JSON_F_REQUIRED, .max = PEOPLE_NAME_MAX,
     .offset = offsetof(struct webhook_change, agent)},
};

enum fm_err admin_webhook_secret(struct ctx *ctx, struct instance *instance,
                                 const struct json *arguments, struct json_out *answer)
{
    struct webhook_change change = {.cmd = {.run = run_secret, .ctx = ctx}};

    TRY(json_bind(ctx, arguments, S(""), secret_fields, COUNT_OF(secret_fields), &change));
    TRY(committer_call(instance->committer, &change.cmd));
    jo_m_str(answer, "agent", change.agent);
    jo_m_str(answer, "webhook_secret", str_of(change.secret));
    crypto_wipe(change.secret, sizeof(change.secret));
    return FM_OK;
}
