/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands about people, agents and their credentials.
 *
 * It must never print a stored secret: what is in an answer has been made by this very command, and is
 * shown this once.
 */
#include "server/admin_internal.h"

static const struct actor operator_actor = {.kind = ACTOR_OPERATOR};

/* A change under way to the committer and back: what it needs, and what came of it. */
struct change {
    struct store_cmd cmd; /* first: the change is found from it */
    struct str name;      /* of the person or agent that is added */
    struct str of;        /* the name of the owner, agent or person it belongs to */
    unsigned roles;
    const char *password; /* encoded, or NULL */
    struct policy_list hosts, removed;
    struct id id;
    char secret[SECRET_TEXT_SIZE], webhook_secret[SECRET_TEXT_SIZE];
};

static void change_done(struct change *change)
{
    crypto_wipe(change->secret, sizeof(change->secret));
    crypto_wipe(change->webhook_secret, sizeof(change->webhook_secret));
}

static enum fm_err carry_out(struct ctx *ctx, struct instance *instance, struct change *change,
                             store_run_fn *run)
{
    change->cmd.run = run;
    change->cmd.ctx = ctx;
    return committer_call(instance->committer, &change->cmd);
}

/* The strings of an array, in the arena. Errors: FM_E_INVALID_ARGUMENT for anything but strings. */
static enum fm_err read_strings(struct ctx *ctx, const struct json *array, const char *name,
                                struct policy_list *out)
{
    struct str *items;

    *out = (struct policy_list){NULL, 0};
    if (!array || array->count == 0) {
        return FM_OK;
    }
    items = arena_zalloc(ctx->arena, array->count, sizeof(*items));
    if (!items) {
        return fail_memory(ctx);
    }
    for (uint32_t i = 0; i < array->count; i++) {
        items[i] = json_text(&array->as.items[i]);
        if (!items[i].p) {
            return fail(ctx, FM_E_INVALID_ARGUMENT, "/%s/%u: must be a string", name, i);
        }
    }
    *out = (struct policy_list){items, array->count};
    return FM_OK;
}

/* People --------------------------------------------------------------------------------------- */

struct person_add {
    struct str name, password;
    const struct json *roles;
};

static const struct json_field person_add_fields[] = {
    {.name = "name", .type = JSON_T_STR, .flags = JSON_F_REQUIRED,
     .offset = offsetof(struct person_add, name), .max = PEOPLE_NAME_MAX},
    {.name = "roles", .type = JSON_T_ARRAY, .flags = JSON_F_REQUIRED,
     .offset = offsetof(struct person_add, roles), .max = ROLE_COUNT},
    {.name = "password", .type = JSON_T_STR, .offset = offsetof(struct person_add, password),
     .max = PASSWORD_MAX},
};

enum fm_err admin_read_roles(struct ctx *ctx, const struct json *array, unsigned *out)
{
    struct policy_list names;

    TRY(read_strings(ctx, array, "roles", &names));
    *out = 0;
    for (size_t i = 0; i < names.count; i++) {
        int role = role_of_name(names.items[i]);
        if (role < 0) {
            return fail(ctx, FM_E_INVALID_ARGUMENT,
                        "/roles/%zu: a role is reviewer, lead, policy, auditor or admin", i);
        }
        *out |= ROLE_BIT(role);
    }
    return FM_OK;
}

static void write_roles(struct json_out *out, unsigned roles)
{
    jo_key(out, "roles");
    jo_array(out);
    for (int role = 0; role < ROLE_COUNT; role++) {
        if (roles & ROLE_BIT(role)) {
            jo_str(out, str_of(role_name((enum role)role)));
        }
    }
    jo_array_end(out);
}

static enum fm_err run_person_add(struct store_cmd *cmd, struct store_conn *conn)
{
    struct change *change = (struct change *)cmd;

    return people_add_person(cmd->ctx, conn, operator_actor, change->name, change->roles,
                             change->password, &change->id);
}

enum fm_err admin_person_add(struct ctx *ctx, struct instance *instance, const struct json *arguments,
                             struct json_out *answer)
{
    struct person_add in = {.name = STR_NONE};
    AUTO(change_done) struct change change = {.password = NULL};
    char encoded[PASSWORD_HASH_MAX];

    TRY(json_bind(ctx, arguments, S(""), person_add_fields, COUNT_OF(person_add_fields), &in));
    TRY(admin_read_roles(ctx, in.roles, &change.roles));
    TRY(people_check_name(ctx, in.name));
    if (in.password.p) {
        TRY(people_check_password(ctx, in.password, in.name));
        if (!password_hash(in.password, encoded)) {
            return fail_memory(ctx);
        }
        change.password = encoded;
    }
    change.name = in.name;
    TRY(carry_out(ctx, instance, &change, run_person_add));
    jo_m_id(answer, "id", ID_PERSON, change.id);
    jo_m_str(answer, "name", change.name);
    write_roles(answer, change.roles);
    return FM_OK;
}

static void write_person(void *with, const struct person *person)
{
    struct json_out *out = with;

    jo_object(out);
    jo_m_id(out, "id", ID_PERSON, person->id);
    jo_m_str(out, "name", person->name);
    write_roles(out, person->roles);
    jo_m_bool(out, "password", person->password != NULL);
    jo_object_end(out);
}

enum fm_err admin_person_list(struct ctx *ctx, struct instance *instance, const struct json *arguments,
                              struct json_out *answer)
{
    const struct directory *directory;
    char nothing;

    (void)instance;
    TRY(json_bind(ctx, arguments, S(""), NULL, 0, &nothing));
    directory = directory_keep();
    jo_key(answer, "items");
    jo_array(answer);
    directory_each_person(directory, write_person, answer);
    jo_array_end(answer);
    directory_drop(directory);
    return FM_OK;
}

/* Agents --------------------------------------------------------------------------------------- */

struct agent_add {
    struct str name, owner;
    const struct json *hosts;
};

static const struct json_field agent_add_fields[] = {
    {.name = "name", .type = JSON_T_STR, .flags = JSON_F_REQUIRED,
     .offset = offsetof(struct agent_add, name), .max = PEOPLE_NAME_MAX},
    {.name = "owner", .type = JSON_T_STR, .flags = JSON_F_REQUIRED,
     .offset = offsetof(struct agent_add, owner), .max = PEOPLE_NAME_MAX},
    {.name = "hosts", .type = JSON_T_ARRAY, .offset = offsetof(struct agent_add, hosts), .max = 64},
};

static enum fm_err run_agent_add(struct store_cmd *cmd, struct store_conn *conn)
{
    struct change *change = (struct change *)cmd;

    return people_add_agent(cmd->ctx, conn, operator_actor, change->name, change->of, change->hosts,
                            &change->id, change->secret, change->webhook_secret);
}

enum fm_err admin_agent_add(struct ctx *ctx, struct instance *instance, const struct json *arguments,
                            struct json_out *answer)
{
    struct agent_add in = {.name = STR_NONE};
    AUTO(change_done) struct change change = {.password = NULL};

    TRY(json_bind(ctx, arguments, S(""), agent_add_fields, COUNT_OF(agent_add_fields), &in));
    TRY(read_strings(ctx, in.hosts, "hosts", &change.hosts));
    change.name = in.name;
    change.of = in.owner;
    TRY(carry_out(ctx, instance, &change, run_agent_add));
    jo_m_id(answer, "id", ID_AGENT, change.id);
    jo_m_str(answer, "key", str_of(change.secret));
    jo_m_str(answer, "webhook_secret", str_of(change.webhook_secret));
    return FM_OK;
}

/* The list under way: the answer, and where owners' names are found. */
struct agent_list {
    struct json_out *out;
    const struct directory *directory;
};

static void write_agent(void *with, const struct agent *agent)
{
    const struct agent_list *list = with;
    const struct person *owner = directory_person_by_row(list->directory, agent->owner);

    jo_object(list->out);
    jo_m_id(list->out, "id", ID_AGENT, agent->id);
    jo_m_str(list->out, "name", agent->name);
    jo_m_str(list->out, "owner", owner ? owner->name : STR_NONE);
    jo_m_raw(list->out, "hosts", agent->hosts);
    jo_object_end(list->out);
}

enum fm_err admin_agent_list(struct ctx *ctx, struct instance *instance, const struct json *arguments,
                             struct json_out *answer)
{
    const struct directory *directory;
    char nothing;

    (void)instance;
    TRY(json_bind(ctx, arguments, S(""), NULL, 0, &nothing));
    directory = directory_keep();
    jo_key(answer, "items");
    jo_array(answer);
    directory_each_agent(directory, write_agent, &(struct agent_list){answer, directory});
    jo_array_end(answer);
    directory_drop(directory);
    return FM_OK;
}

struct agent_hosts {
    struct str agent;
    const struct json *add, *remove;
};

#define HOSTS(member, ...)                                                                         \
    {.name = #member, .offset = offsetof(struct agent_hosts, member), __VA_ARGS__}
static const struct json_field agent_hosts_fields[] = {
    HOSTS(agent, .type = JSON_T_STR, .flags = JSON_F_REQUIRED, .max = PEOPLE_NAME_MAX),
    HOSTS(add, .type = JSON_T_ARRAY, .max = 64),
    HOSTS(remove, .type = JSON_T_ARRAY, .max = 64),
};

static enum fm_err run_agent_hosts(struct store_cmd *cmd, struct store_conn *conn)
{
    struct change *change = (struct change *)cmd;

    return people_change_hosts(cmd->ctx, conn, operator_actor, change->of, change->hosts,
                               change->removed, &change->hosts);
}

/* Without anything to add or remove it just says what there is. */
enum fm_err admin_agent_hosts(struct ctx *ctx, struct instance *instance,
                              const struct json *arguments, struct json_out *answer)
{
    struct agent_hosts in = {.agent = STR_NONE};
    AUTO(change_done) struct change change = {.password = NULL};

    TRY(json_bind(ctx, arguments, S(""), agent_hosts_fields, COUNT_OF(agent_hosts_fields), &in));
    TRY(read_strings(ctx, in.add, "add", &change.hosts));
    TRY(read_strings(ctx, in.remove, "remove", &change.removed));
    change.of = in.agent;
    TRY(carry_out(ctx, instance, &change, run_agent_hosts));
    jo_m_str(answer, "agent", change.of);
    jo_key(answer, "hosts");
    policy_list_write(answer, change.hosts);
    return FM_OK;
}

/* Credentials ---------------------------------------------------------------------------------- */

/* {"agent": NAME} and {"person": NAME}. */
struct holder {
    struct str name;
};

static const struct json_field agent_fields[] = {
    {.name = "agent", .type = JSON_T_STR, .flags = JSON_F_REQUIRED,
     .offset = offsetof(struct holder, name), .max = PEOPLE_NAME_MAX},
};

static const struct json_field person_fields[] = {
    {.name = "person", .type = JSON_T_STR, .flags = JSON_F_REQUIRED,
     .offset = offsetof(struct holder, name), .max = PEOPLE_NAME_MAX},
};

static enum fm_err run_key_create(struct store_cmd *cmd, struct store_conn *conn)
{
    struct change *change = (struct change *)cmd;

    return people_add_key(cmd->ctx, conn, operator_actor, change->of, &change->id, change->secret);
}

static enum fm_err run_token_create(struct store_cmd *cmd, struct store_conn *conn)
{
    struct change *change = (struct change *)cmd;

    return people_add_token(cmd->ctx, conn, operator_actor, change->of, &change->id, change->secret);
}

static enum fm_err create(struct ctx *ctx, struct instance *instance, const struct json *arguments,
                          const struct json_field *field, store_run_fn *run,
                          struct json_out *answer)
{
    struct holder in = {.name = STR_NONE};
    AUTO(change_done) struct change change = {.password = NULL};

    TRY(json_bind(ctx, arguments, S(""), field, 1, &in));
    change.of = in.name;
    TRY(carry_out(ctx, instance, &change, run));
    jo_m_id(answer, "id", ID_KEY, change.id);
    jo_m_str(answer, "key", str_of(change.secret));
    if (run == run_token_create) { /* by both names */
        jo_m_str(answer, "token", str_of(change.secret));
    }
    return FM_OK;
}

enum fm_err admin_key_create(struct ctx *ctx, struct instance *instance, const struct json *arguments,
                             struct json_out *answer)
{
    return create(ctx, instance, arguments, agent_fields, run_key_create, answer);
}

enum fm_err admin_token_create(struct ctx *ctx, struct instance *instance, const struct json *arguments,
                               struct json_out *answer)
{
    return create(ctx, instance, arguments, person_fields, run_token_create, answer);
}

/* Sign-in links -------------------------------------------------------------------------------- */

static enum fm_err run_link_create(struct store_cmd *cmd, struct store_conn *conn)
{
    struct change *change = (struct change *)cmd;

    return people_add_link(cmd->ctx, conn, operator_actor, change->of, &change->id, change->secret);
}

/* The whole URL where a server is running, else what stands behind the server's. */
enum fm_err admin_link_create(struct ctx *ctx, struct instance *instance,
                              const struct json *arguments, struct json_out *answer)
{
    struct holder in = {.name = STR_NONE};
    AUTO(change_done) struct change change = {.password = NULL};
    struct str url;

    TRY(json_bind(ctx, arguments, S(""), person_fields, COUNT_OF(person_fields), &in));
    change.of = in.name;
    TRY(carry_out(ctx, instance, &change, run_link_create));
    url = arena_printf(ctx->arena, "%.*s/#%s", STR_ARG(instance->origin), change.secret);
    if (!url.p) {
        return fail_memory(ctx);
    }
    jo_m_time(answer, "expires_at", clock_now_us() + LINK_US);
    jo_m_id(answer, "id", ID_KEY, change.id);
    jo_m_str(answer, "link", url);
    return FM_OK;
}
