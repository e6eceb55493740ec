/* SPDX-License-Identifier: Apache-2.0
 *
 * Pauses over HTTP: one person stops, two let go on.
 */
#include "api/api_internal.h"

static struct actor by_caller(const struct call *call)
{
    return (struct actor){ACTOR_REVIEWER, call->caller.person->id};
}

static void write_by(struct json_out *out, const char *name, const struct directory *directory,
                     struct id id, bool there)
{
    const struct person *person = there ? directory_person_by_id(directory, id) : NULL;

    jo_key(out, name);
    if (!person) { /* nobody yet, or the operator */
        jo_null(out);
        return;
    }
    jo_object(out);
    jo_m_id(out, "id", ID_PERSON, person->id);
    jo_m_str(out, "name", person->name);
    jo_object_end(out);
}

static void write_pause(struct json_out *out, const struct directory *directory,
                        const struct pause *pause)
{
    jo_object(out);
    jo_m_id(out, "id", ID_PAUSE, pause->id);
    jo_m_str(out, "covers", str_of(pause_covers_name(pause->covers)));
    for (int covers = PAUSE_AGENT; covers <= PAUSE_CATEGORY; covers++) {
        jo_m_str(out, pause_covers_name((enum pause_covers)covers),
                 (int)pause->covers == covers ? pause->name : STR_NONE);
    }
    jo_m_str(out, "reason", pause->reason);
    jo_m_time(out, "at", pause->at_us);
    write_by(out, "by", directory, pause->by, true);
    jo_m_time(out, "resume_asked_at", pause->resume_at_us);
    write_by(out, "resume_asked_by", directory, pause->resume_by, pause->resume_at_us != 0);
    jo_m_time(out, "ended_at", pause->ended_at_us);
    write_by(out, "ended_by", directory, pause->ended_by, pause->ended_at_us != 0);
    jo_object_end(out);
}

/* --- list ------------------------------------------------------------------------------------- */

static void write_item(void *with, const struct pause *pause)
{
    struct listing *list = with;

    if (listing_takes(list, pause->row)) {
        write_pause(&list->out, list->call->directory, pause);
    }
}

static enum fm_err render_list(struct call *call, struct store_conn *conn, struct buf *body)
{
    bool ended = str_eq(http_query(call->request, "ended"), S("1"));
    struct listing list;
    int64_t before;

    TRY(listing_begin(&list, call, body, "ended limit cursor"));
    TRY(listing_from(&list, INT64_MAX, &before));
    TRY(pause_rows(&call->ctx, conn, ended, before, list.limit + 1, write_item, &list));
    listing_end(&list);
    return FM_OK;
}

void pauses_list(struct call *call)
{
    call_read(call, render_list, 200);
}

/* --- pause ------------------------------------------------------------------------------------ */

struct pause_body {
    struct str agent, action, category, reason;
};

#define PAUSE(member) .name = #member, .offset = offsetof(struct pause_body, member)
static const struct json_field pause_fields[] = {
    {PAUSE(agent), .type = JSON_T_STR, .max = PAUSE_NAME_MAX},
    {PAUSE(action), .type = JSON_T_STR, .max = PAUSE_NAME_MAX},
    {PAUSE(category), .type = JSON_T_STR, .max = PAUSE_NAME_MAX},
    {PAUSE(reason), .type = JSON_T_STR, .flags = JSON_F_REQUIRED | JSON_F_WORDS,
     .max = PAUSE_REASON_MAX},
};

/* An agent by its name or its id. A typo must not pause nothing. */
static enum fm_err find_agent(struct call *call, struct pause *pause)
{
    struct id id;
    const struct agent *agent = id_parse(ID_AGENT, pause->name, &id)
                                    ? directory_agent_by_id(call->directory, id)
                                    : directory_agent(call->directory, pause->name);

    if (!agent) {
        return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT, S("/agent"), "there is no such agent");
    }
    pause->name = agent->name;
    return FM_OK;
}

static enum fm_err read_pause(struct call *call, struct pause *out)
{
    struct pause_body body = {.reason = STR_NONE};

    TRY(call_bind(call, pause_fields, COUNT_OF(pause_fields), &body));
    if ((body.agent.p != NULL) + (body.action.p != NULL) + (body.category.p != NULL) > 1) {
        return fail(&call->ctx, FM_E_INVALID_ARGUMENT,
                    "one of agent, action and category, or none of them for everything");
    }
    out->reason = body.reason;
    out->covers = body.agent.p      ? PAUSE_AGENT
                  : body.action.p   ? PAUSE_ACTION
                  : body.category.p ? PAUSE_CATEGORY
                                    : PAUSE_ALL;
    out->name = body.agent.p ? body.agent : body.action.p ? body.action : body.category;
    return body.agent.p ? find_agent(call, out) : FM_OK;
}

static enum fm_err run_pause(struct call *call, struct store_conn *conn)
{
    TRY(flow_check_caller(&call->ctx, &call->caller));
    return flow_pause(call->api->flow, &call->ctx, conn, by_caller(call), call->in);
}

static enum fm_err render_pause(struct call *call, struct store_conn *conn, struct buf *body)
{
    struct json_out out = JSON_OUT(body);

    (void)conn;
    write_pause(&out, call->directory, call->in);
    return FM_OK;
}

void pauses_create(struct call *call)
{
    struct pause *in = call_input(call, sizeof(*in));
    enum fm_err err = in ? read_pause(call, in) : FM_OK;

    if (err != FM_OK) {
        call_fail(call, err);
    } else if (in) {
        call_write(call, run_pause, render_pause, 201);
    }
}

/* --- resume ----------------------------------------------------------------------------------- */

static enum fm_err run_resume(struct call *call, struct store_conn *conn)
{
    struct pause *pause = call->in;

    TRY(flow_check_caller(&call->ctx, &call->caller));
    TRY(flow_resume(call->api->flow, &call->ctx, conn, by_caller(call), call->id, pause));
    call->status = pause->ended_at_us ? 200 : 202; /* 202: a second person has to agree */
    return FM_OK;
}

void pauses_delete(struct call *call)
{
    if (call_input(call, sizeof(struct pause))) {
        call_write(call, run_resume, render_pause, 200);
    }
}
