/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands about accounts and access: roles, leaving, one-time codes, service tokens, revoking,
 * and the access review.
 */
#include "server/admin_internal.h"

static const struct actor operator_actor = {.kind = ACTOR_OPERATOR};

/* A change under way to the committer and back. */
struct change {
    struct store_cmd cmd; /* first: the change is found from it */
    struct str name;      /* of the person or service */
    unsigned roles, scopes;
    int64_t expires_at_us, until_us;
    struct id id;
    char code[CODE_TEXT_SIZE], secret[SECRET_TEXT_SIZE];
};

static void change_done(struct change *change)
{
    crypto_wipe(change->code, sizeof(change->code));
    crypto_wipe(change->secret, sizeof(change->secret));
}

static enum fm_err carry_out(struct ctx *ctx, struct instance *instance, struct change *change,
                             store_run_fn *run)
{
    change->cmd.run = run;
    change->cmd.ctx = ctx;
    return committer_call(instance->committer, &change->cmd);
}

/* --- accounts --------------------------------------------------------------------------------- */

struct named {
    struct str name;
    const struct json *roles;
};

static const struct json_field named_fields[] = {
    {.name = "name",
     .type = JSON_T_STR,
     .flags = JSON_F_REQUIRED,
     .offset = offsetof(struct named, name),
     .max = PEOPLE_NAME_MAX},
    {.name = "roles",
     .type = JSON_T_ARRAY,
     .flags = JSON_F_REQUIRED,
     .offset = offsetof(struct named, roles),
     .max = ROLE_COUNT},
};
#define NAME_ALONE 1 /* the first row */

static enum fm_err run_reset(struct store_cmd *cmd, struct store_conn *conn)
{
    struct change *change = (struct change *)cmd;

    TRY(people_id_of(cmd->ctx, conn, change->name, &change->id));
    return people_reset(cmd->ctx, conn, operator_actor, change->id, change->code,
                        &change->until_us);
}

static enum fm_err run_deactivate(struct store_cmd *cmd, struct store_conn *conn)
{
    struct change *change = (struct change *)cmd;

    TRY(people_id_of(cmd->ctx, conn, change->name, &change->id));
    return people_deactivate(cmd->ctx, conn, operator_actor, change->id);
}

static enum fm_err run_reactivate(struct store_cmd *cmd, struct store_conn *conn)
{
    struct change *change = (struct change *)cmd;

    TRY(people_id_of(cmd->ctx, conn, change->name, &change->id));
    return people_reactivate(cmd->ctx, conn, operator_actor, change->id);
}

static enum fm_err run_roles(struct store_cmd *cmd, struct store_conn *conn)
{
    struct change *change = (struct change *)cmd;

    TRY(people_id_of(cmd->ctx, conn, change->name, &change->id));
    return people_set_roles(cmd->ctx, conn, operator_actor, change->id, change->roles);
}

static enum fm_err change_account(struct ctx *ctx, struct instance *instance,
                                  const struct json *arguments, size_t fields, store_run_fn *run,
                                  struct json_out *answer)
{
    struct named in = {.name = STR_NONE};
    AUTO(change_done) struct change change = {.roles = 0};

    TRY(json_bind(ctx, arguments, S(""), named_fields, fields, &in));
    TRY(admin_read_roles(ctx, in.roles, &change.roles));
    change.name = in.name;
    TRY(carry_out(ctx, instance, &change, run));
    jo_m_id(answer, "id", ID_PERSON, change.id);
    jo_m_str(answer, "name", in.name);
    if (change.code[0]) {
        jo_m_str(answer, "code", str_of(change.code));
        jo_m_time(answer, "expires_at", change.until_us);
    }
    return FM_OK;
}

enum fm_err admin_person_reset(struct ctx *ctx, struct instance *instance,
                               const struct json *arguments, struct json_out *answer)
{
    return change_account(ctx, instance, arguments, NAME_ALONE, run_reset, answer);
}

enum fm_err admin_person_deactivate(struct ctx *ctx, struct instance *instance,
                                    const struct json *arguments, struct json_out *answer)
{
    return change_account(ctx, instance, arguments, NAME_ALONE, run_deactivate, answer);
}

enum fm_err admin_person_reactivate(struct ctx *ctx, struct instance *instance,
                                    const struct json *arguments, struct json_out *answer)
{
    return change_account(ctx, instance, arguments, NAME_ALONE, run_reactivate, answer);
}

enum fm_err admin_person_roles(struct ctx *ctx, struct instance *instance,
                               const struct json *arguments, struct json_out *answer)
{
    return change_account(ctx, instance, arguments, COUNT_OF(named_fields), run_roles, answer);
}

/* --- services' tokens, and ends --------------------------------------------------------------- */

struct service {
    struct str name;
    const struct json *scopes;
    int64_t expires_in;
};

static const struct json_field service_fields[] = {
    {.name = "service",
     .type = JSON_T_STR,
     .flags = JSON_F_REQUIRED,
     .offset = offsetof(struct service, name),
     .max = PEOPLE_NAME_MAX},
    {.name = "scopes",
     .type = JSON_T_ARRAY,
     .flags = JSON_F_REQUIRED,
     .offset = offsetof(struct service, scopes),
     .max = SCOPE_COUNT},
    {.name = "expires_in", .type = JSON_T_DURATION, .offset = offsetof(struct service, expires_in)},
};

static enum fm_err run_service(struct store_cmd *cmd, struct store_conn *conn)
{
    struct change *change = (struct change *)cmd;

    return people_add_service(cmd->ctx, conn, operator_actor, change->name, change->scopes,
                              change->expires_at_us, &change->id, change->secret);
}

enum fm_err admin_service_create(struct ctx *ctx, struct instance *instance,
                                 const struct json *arguments, struct json_out *answer)
{
    struct service in = {.name = STR_NONE, .expires_in = SERVICE_UNSAID};
    AUTO(change_done) struct change change = {.scopes = 0};

    TRY(json_bind(ctx, arguments, S(""), service_fields, COUNT_OF(service_fields), &in));
    for (uint32_t i = 0; i < in.scopes->count; i++) {
        int scope = scope_of_name(json_text(&in.scopes->as.items[i]));
        if (scope < 0) {
            return fail(ctx, FM_E_INVALID_ARGUMENT, "a scope is one of %s", scope_names());
        }
        change.scopes |= 1u << scope;
    }
    change.name = in.name;
    TRY(people_service_until(ctx, in.expires_in, &change.expires_at_us));
    TRY(carry_out(ctx, instance, &change, run_service));
    jo_m_id(answer, "id", ID_KEY, change.id);
    jo_m_str(answer, "key", str_of(change.secret));
    jo_m_str(answer, "token", str_of(change.secret));
    jo_m_time(answer, "expires_at", change.expires_at_us);
    return FM_OK;
}

struct revoked {
    struct id id;
};

static const struct json_field revoke_fields[] = {
    {.name = "id",
     .type = JSON_T_ID,
     .flags = JSON_F_REQUIRED,
     .id_kind = ID_KEY,
     .offset = offsetof(struct revoked, id)},
};

static enum fm_err run_revoke(struct store_cmd *cmd, struct store_conn *conn)
{
    struct change *change = (struct change *)cmd;

    return people_revoke(cmd->ctx, conn, operator_actor, change->id, NULL);
}

enum fm_err admin_key_revoke(struct ctx *ctx, struct instance *instance,
                             const struct json *arguments, struct json_out *answer)
{
    struct revoked in;
    struct change change = {.roles = 0};

    TRY(json_bind(ctx, arguments, S(""), revoke_fields, COUNT_OF(revoke_fields), &in));
    change.id = in.id;
    TRY(carry_out(ctx, instance, &change, run_revoke));
    jo_m_id(answer, "id", ID_KEY, in.id);
    return FM_OK;
}

/* --- the access review ------------------------------------------------------------------------ */

static void reader_done(struct store_conn **reader)
{
    store_reader_close(*reader);
}

static enum fm_err nothing(struct ctx *ctx, const struct json *arguments)
{
    char no_members;

    return json_bind(ctx, arguments, S(""), NULL, 0, &no_members);
}

enum fm_err admin_access_review(struct ctx *ctx, struct instance *instance,
                                const struct json *arguments, struct json_out *answer)
{
    AUTO(reader_done) struct store_conn *reader = NULL;

    TRY(nothing(ctx, arguments));
    TRY(store_reader(ctx, instance->store, &reader));
    return access_review_json(ctx, reader, answer);
}

enum fm_err admin_key_list(struct ctx *ctx, struct instance *instance, const struct json *arguments,
                           struct json_out *answer)
{
    AUTO(reader_done) struct store_conn *reader = NULL;

    TRY(nothing(ctx, arguments));
    TRY(store_reader(ctx, instance->store, &reader));
    return access_keys_json(ctx, reader, answer);
}

enum fm_err admin_access_csv(struct ctx *ctx, struct instance *instance,
                             const struct json *arguments, struct json_out *answer)
{
    AUTO(reader_done) struct store_conn *reader = NULL;
    AUTO(buf_done) struct buf csv = BUF_INIT(ADMIN_ANSWER_MAX / 2);

    TRY(nothing(ctx, arguments));
    TRY(store_reader(ctx, instance->store, &reader));
    TRY(access_review_csv(ctx, reader, &csv));
    jo_m_str(answer, "csv", buf_str(&csv));
    return FM_OK;
}
