/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands about pauses: the operator stops things without a browser, and is one of the two who
 * let them go on.
 */
#include "server/admin_internal.h"

static const struct actor operator_actor = {.kind = ACTOR_OPERATOR};

struct change {
    struct store_cmd cmd; /* first: the change is found from it */
    struct flow *flow;    /* NULL: no server runs here */
    struct pause pause;
    struct id id;
};

static enum fm_err carry_out(struct ctx *ctx, struct instance *instance, struct change *change,
                             store_run_fn *run)
{
    change->cmd.run = run;
    change->cmd.ctx = ctx;
    change->flow = atomic_load(&instance->flow);
    return committer_call(instance->committer, &change->cmd);
}

static void write_pause(struct json_out *out, const struct pause *pause)
{
    jo_m_id(out, "id", ID_PAUSE, pause->id);
    jo_m_str(out, "covers", str_of(pause_covers_name(pause->covers)));
    jo_m_str(out, "name", pause->name);
    jo_m_str(out, "reason", pause->reason);
    jo_m_time(out, "at", pause->at_us);
    jo_m_time(out, "resume_asked_at", pause->resume_at_us);
    jo_m_time(out, "ended_at", pause->ended_at_us);
}

/* --- start ------------------------------------------------------------------------------------ */

struct start {
    struct str agent, action, category, reason;
};

#define START(member) .name = #member, .offset = offsetof(struct start, member)
static const struct json_field start_fields[] = {
    {START(agent), .type = JSON_T_STR, .max = PAUSE_NAME_MAX},
    {START(action), .type = JSON_T_STR, .max = PAUSE_NAME_MAX},
    {START(category), .type = JSON_T_STR, .max = PAUSE_NAME_MAX},
    {START(reason), .type = JSON_T_STR, .flags = JSON_F_REQUIRED | JSON_F_WORDS,
     .max = PAUSE_REASON_MAX},
};

static enum fm_err check_agent(struct ctx *ctx, struct str name)
{
    const struct directory *directory = directory_keep();
    bool there = directory_agent(directory, name) != NULL;

    directory_drop(directory);
    return there ? FM_OK : fail(ctx, FM_E_NOT_FOUND, "there is no agent named %.*s", STR_ARG(name));
}

static enum fm_err run_start(struct store_cmd *cmd, struct store_conn *conn)
{
    struct change *change = (struct change *)cmd;

    return flow_pause(change->flow, cmd->ctx, conn, operator_actor, &change->pause);
}

enum fm_err admin_pause_start(struct ctx *ctx, struct instance *instance,
                              const struct json *arguments, struct json_out *answer)
{
    struct start in = {.reason = STR_NONE};
    struct change change = {.flow = NULL};

    TRY(json_bind(ctx, arguments, S(""), start_fields, COUNT_OF(start_fields), &in));
    if (in.agent.p) {
        TRY(check_agent(ctx, in.agent));
    }
    change.pause.reason = in.reason;
    change.pause.covers = in.agent.p      ? PAUSE_AGENT
                          : in.action.p   ? PAUSE_ACTION
                          : in.category.p ? PAUSE_CATEGORY
                                          : PAUSE_ALL;
    change.pause.name = in.agent.p ? in.agent : in.action.p ? in.action : in.category;
    TRY(carry_out(ctx, instance, &change, run_start));
    write_pause(answer, &change.pause);
    return FM_OK;
}

/* --- list and resume -------------------------------------------------------------------------- */

static void write_item(void *with, const struct pause *pause)
{
    struct json_out *out = with;

    jo_object(out);
    write_pause(out, pause);
    jo_object_end(out);
}

static void reader_done(struct store_conn **reader)
{
    store_reader_close(*reader);
}

enum fm_err admin_pause_list(struct ctx *ctx, struct instance *instance,
                             const struct json *arguments, struct json_out *answer)
{
    AUTO(reader_done) struct store_conn *reader = NULL;
    char nothing;

    TRY(json_bind(ctx, arguments, S(""), NULL, 0, &nothing));
    TRY(store_reader(ctx, instance->store, &reader));
    jo_key(answer, "items");
    jo_array(answer);
    TRY(pause_rows(ctx, reader, false, INT64_MAX, INT64_MAX, write_item, answer));
    jo_array_end(answer);
    return FM_OK;
}

struct resumed {
    struct id id;
};

static const struct json_field resume_fields[] = {
    {.name = "id",
     .type = JSON_T_ID,
     .flags = JSON_F_REQUIRED,
     .id_kind = ID_PAUSE,
     .offset = offsetof(struct resumed, id)},
};

static enum fm_err run_resume(struct store_cmd *cmd, struct store_conn *conn)
{
    struct change *change = (struct change *)cmd;

    return flow_resume(change->flow, cmd->ctx, conn, operator_actor, change->id, &change->pause);
}

enum fm_err admin_pause_resume(struct ctx *ctx, struct instance *instance,
                               const struct json *arguments, struct json_out *answer)
{
    struct resumed in;
    struct change change = {.flow = NULL};

    TRY(json_bind(ctx, arguments, S(""), resume_fields, COUNT_OF(resume_fields), &in));
    change.id = in.id;
    TRY(carry_out(ctx, instance, &change, run_resume));
    write_pause(answer, &change.pause);
    return FM_OK;
}
