/* SPDX-License-Identifier: Apache-2.0
 *
 * Sign-in and sign-out, who am I, and the lists of people, agents, queues and categories.
 */
#include "api/api_internal.h"

#include <stdio.h>

/* --- me ------------------------------------------------------------------------------------------------ */

static void write_roles(struct json_out *out, unsigned roles)
{
    jo_array(out);
    for (unsigned i = 0; i < ROLE_COUNT; i++) {
        if (roles >> i & 1) {
            jo_str(out, str_of(role_name((enum role)i)));
        }
    }
    jo_array_end(out);
}

static void write_can(struct json_out *out, unsigned roles)
{
    static const struct {
        const char *name;
        unsigned roles;
    } abilities[] = {
        {"decide", ROLE_BIT(ROLE_REVIEWER) | ROLE_BIT(ROLE_LEAD)},
        {"lead", ROLE_BIT(ROLE_LEAD)},
        {"policy", ROLE_BIT(ROLE_POLICY)},
        {"audit", ROLE_BIT(ROLE_AUDITOR)},
        {"admin", ROLE_BIT(ROLE_ADMIN)},
    };

    jo_object(out);
    for (size_t i = 0; i < COUNT_OF(abilities); i++) {
        jo_m_bool(out, abilities[i].name, (roles & abilities[i].roles) != 0);
    }
    jo_object_end(out);
}

static void write_queues_of(struct json_out *out, const struct policy *policy,
                            const struct person *person)
{
    jo_array(out);
    for (size_t i = 0; i < policy->queue_count; i++) {
        if (policy_queue_has(&policy->queues[i], person->name, person->roles)) {
            jo_str(out, policy->queues[i].name);
        }
    }
    jo_array_end(out);
}

/* When it was set, and who has had it reset when: the person shall notice a reset that was not
 * asked for. */
static void write_password(struct json_out *out, const struct person *person)
{
    const struct directory *directory = directory_keep();
    const struct person *by = directory_person_by_id(directory, person->reset_by);

    jo_m_bool(out, "must_change_password", person->must_change);
    jo_key(out, "password");
    jo_object(out);
    jo_m_time(out, "set_at", person->password_at_us);
    jo_m_time(out, "reset_at", person->reset_at_us);
    jo_m_str(out, "reset_by", by ? by->name : person->reset_at_us ? S("operator") : STR_NONE);
    jo_object_end(out);
    directory_drop(directory);
}

static void write_service_me(struct json_out *out, const struct credential *credential)
{
    jo_object(out);
    jo_m_id(out, "id", ID_KEY, credential->id);
    jo_m_str(out, "name", credential->service);
    jo_m_str(out, "kind", S("service"));
    jo_key(out, "scopes");
    jo_array(out);
    for (int scope = 0; scope < SCOPE_COUNT; scope++) {
        if (credential->scopes >> scope & 1) {
            jo_str(out, str_of(scope_name((enum service_scope)scope)));
        }
    }
    jo_array_end(out);
    jo_m_time(out, "expires_at", credential->expires_at_us);
    jo_object_end(out);
}

static void write_person_me(struct json_out *out, const struct policy *policy,
                            const struct person *person, enum decide_via via, int64_t expires_at_us)
{
    jo_object(out);
    jo_m_id(out, "id", ID_PERSON, person->id);
    jo_m_str(out, "name", person->name);
    jo_m_str(out, "kind", S("person"));
    jo_key(out, "roles");
    write_roles(out, person->roles);
    jo_key(out, "queues");
    write_queues_of(out, policy, person);
    jo_m_str(out, "via", via == VIA_PAGE ? S("page") : S("token"));
    jo_key(out, "can");
    write_can(out, person->roles);
    jo_key(out, "reasons");
    policy_list_write(out, policy->reasons);
    jo_m_time(out, "expires_at", expires_at_us);
    write_password(out, person);
    jo_object_end(out);
}

static enum fm_err render_me(struct call *call, struct store_conn *conn, struct buf *body)
{
    struct json_out out = JSON_OUT(body);
    const struct agent *agent = call->caller.agent;

    (void)conn;
    if (call->caller.person) {
        write_person_me(&out, call->policy, call->caller.person, call->caller.via,
                        call->credential->expires_at_us);
        return FM_OK;
    }
    if (call->caller.service) {
        write_service_me(&out, call->credential);
        return FM_OK;
    }
    jo_object(&out);
    jo_m_id(&out, "id", ID_AGENT, agent->id);
    jo_m_str(&out, "name", agent->name);
    jo_m_str(&out, "kind", S("agent"));
    jo_object_end(&out);
    return FM_OK;
}

void me_get(struct call *call)
{
    call_read(call, render_me, 200);
}

/* --- session ------------------------------------------------------------------------------------------- */

struct session_body {
    struct str name, password;
};

static const struct json_field session_fields[] = {
    {.name = "name", .type = JSON_T_STR, .flags = JSON_F_REQUIRED,
     .offset = offsetof(struct session_body, name), .max = 4 * PEOPLE_NAME_MAX},
    {.name = "password", .type = JSON_T_STR, .flags = JSON_F_REQUIRED,
     .offset = offsetof(struct session_body, password), .max = 4 * PASSWORD_MAX},
};

struct sign_in {
    struct slow_job job;
    struct call *call;
    struct session_body body;
    const struct person *person; /* NULL for a name that is not there: the password is hashed all the same */
    bool right;
    char cookie[SECRET_TEXT_SIZE];
};

static enum fm_err run_sign_in(struct call *call, struct store_conn *conn)
{
    struct sign_in *in = call->in;
    struct id id;

    return people_sign_in(&call->ctx, conn, in->person, &id, in->cookie);
}

void session_answer(struct call *call, const struct person *person, const char *cookie,
                    struct buf *body)
{
    struct json_out out = JSON_OUT(body);
    bool secure = call->api->secure;

    snprintf(call->set_cookie, sizeof(call->set_cookie), "%.*s=%s; Path=/; HttpOnly; SameSite=Strict%s",
             STR_ARG(call->api->cookie_name), cookie, secure ? "; Secure" : "");
    write_person_me(&out, call->policy, person, VIA_PAGE, clock_now_us() + SESSION_US);
}

static enum fm_err render_sign_in(struct call *call, struct store_conn *conn, struct buf *body)
{
    const struct sign_in *in = call->in;

    (void)conn;
    session_answer(call, in->person, in->cookie, body);
    return FM_OK;
}

/* Back on the loop with the verdict on the password. */
static void on_verified(struct loop_message *message)
{
    struct call *call =
        (struct call *)(void *)((char *)message - offsetof(struct call, message));
    struct sign_in *in = call->in;

    if (!in->right) {
        throttle_failed(in->body.name, http_peer(call->request));
        call_fail(call, fail(&call->ctx, FM_E_UNAUTHENTICATED, "name or password is wrong"));
        return;
    }
    throttle_succeeded(in->body.name);
    call_write(call, run_sign_in, render_sign_in, 200);
}

static void verify(struct slow_job *job)
{
    struct sign_in *in = (struct sign_in *)job;
    struct call *call = in->call;

    in->right = password_verify(in->person ? in->person->password : NULL, in->body.password) ||
                (in->person && people_is_code(in->person, in->body.password));
    in->right = in->right && in->person;
    call->message.run = on_verified;
    loop_post(call->part->loop, &call->message);
}

static enum fm_err start_sign_in(struct call *call, struct sign_in *in)
{
    unsigned wait_s;

    TRY(call_bind(call, session_fields, COUNT_OF(session_fields), &in->body));
    wait_s = throttle_check(in->body.name, http_peer(call->request));
    if (wait_s) {
        call->ctx.retry_after_s = wait_s;
        return fail(&call->ctx, FM_E_RATE_LIMITED, "too many failed sign-ins: wait %u s", wait_s);
    }
    in->job.work = verify;
    in->call = call;
    in->person = directory_person(call->directory, in->body.name);
    if (!slow_submit(&in->job)) {
        return fail(&call->ctx, FM_E_OVERLOADED, "too many people sign in at once");
    }
    return FM_OK;
}

void session_create(struct call *call)
{
    struct sign_in *in = call_input(call, sizeof(*in));
    enum fm_err err = in ? start_sign_in(call, in) : FM_OK;

    if (err != FM_OK) {
        call_fail(call, err);
    }
}

static enum fm_err run_sign_out(struct call *call, struct store_conn *conn)
{
    return people_sign_out(&call->ctx, conn, call->credential);
}

static enum fm_err render_signed_out(struct call *call, struct store_conn *conn, struct buf *body)
{
    (void)conn;
    snprintf(call->set_cookie, sizeof(call->set_cookie),
             "%.*s=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0%s",
             STR_ARG(call->api->cookie_name), call->api->secure ? "; Secure" : "");
    buf_lit(body, "{}");
    return FM_OK;
}

void session_delete(struct call *call)
{
    if (call->credential->kind != CREDENTIAL_SESSION) {
        call_fail(call, fail(&call->ctx, FM_E_INVALID_ARGUMENT,
                             "this is a token, not a session: revoke it instead"));
        return;
    }
    call_write(call, run_sign_out, render_signed_out, 204);
}

/* --- lists --------------------------------------------------------------------------------------------- */

static void write_person_row(void *with, const struct person_row *person)
{
    struct listing *list = with;
    struct json_out *out = &list->out;

    if (!listing_takes(list, person->row)) {
        return;
    }
    jo_object(out);
    jo_m_id(out, "id", ID_PERSON, person->id);
    jo_m_str(out, "name", person->name);
    jo_key(out, "roles");
    write_roles(out, person->roles);
    jo_m_bool(out, "active", person->deactivated_at_us == 0);
    jo_m_bool(out, "must_change_password", person->has_code);
    jo_m_time(out, "created_at", person->created_at_us);
    jo_m_time(out, "last_sign_in_at", person->signed_in_at_us);
    jo_object_end(out);
}

struct agent_list {
    struct listing list; /* first */
    int64_t after;
};

static void write_agent_row(void *with, const struct agent *agent)
{
    struct agent_list *agents = with;
    struct json_out *out = &agents->list.out;
    const struct directory *directory = agents->list.call->directory;
    const struct person *owner = directory_person_by_row(directory, agent->owner);

    if (agent->row <= agents->after || !listing_takes(&agents->list, agent->row)) {
        return;
    }
    jo_object(out);
    jo_m_id(out, "id", ID_AGENT, agent->id);
    jo_m_str(out, "name", agent->name);
    jo_m_raw(out, "hosts", agent->hosts);
    jo_key(out, "owner");
    jo_object(out);
    jo_m_id(out, "id", ID_PERSON, owner ? owner->id : (struct id){{0}});
    jo_m_str(out, "name", owner ? owner->name : STR_NONE);
    jo_object_end(out);
    jo_object_end(out);
}

static enum fm_err render_people(struct call *call, struct store_conn *conn, struct buf *body)
{
    struct row_part part = {.ended = str_eq(http_query(call->request, "deactivated"), S("1"))};
    struct listing list;

    TRY(listing_begin(&list, call, body, "deactivated limit cursor"));
    TRY(listing_from(&list, 0, &part.after));
    part.max = list.limit + 1;
    TRY(people_rows(&call->ctx, conn, part, write_person_row, &list));
    listing_end(&list);
    return FM_OK;
}

void people_list(struct call *call)
{
    call_read(call, render_people, 200);
}

static enum fm_err render_agents(struct call *call, struct store_conn *conn, struct buf *body)
{
    struct agent_list agents;

    (void)conn;
    TRY(listing_begin(&agents.list, call, body, "limit cursor"));
    TRY(listing_from(&agents.list, 0, &agents.after));
    directory_each_agent(call->directory, write_agent_row, &agents);
    listing_end(&agents.list);
    return FM_OK;
}

void agents_list(struct call *call)
{
    call_read(call, render_agents, 200);
}

/* --- new agents ---------------------------------------------------------------------------------------- */

#define HOSTS_MAX 32

struct agent_body {
    struct str name, owner;
    const struct json *hosts;
};

static const struct json_field agent_fields[] = {
    {.name = "name", .type = JSON_T_STR, .flags = JSON_F_REQUIRED,
     .offset = offsetof(struct agent_body, name), .max = 4 * PEOPLE_NAME_MAX},
    {.name = "owner", .type = JSON_T_STR, .flags = JSON_F_REQUIRED,
     .offset = offsetof(struct agent_body, owner), .max = 4 * PEOPLE_NAME_MAX},
    {.name = "hosts", .type = JSON_T_ARRAY, .offset = offsetof(struct agent_body, hosts),
     .max = HOSTS_MAX},
};

struct agent_input {
    struct agent_body body;
    struct str hosts[HOSTS_MAX];
    struct id id;
    char key[SECRET_TEXT_SIZE], webhook_secret[SECRET_TEXT_SIZE];
};

static enum fm_err run_add_agent(struct call *call, struct store_conn *conn)
{
    struct agent_input *in = call->in;
    struct policy_list hosts = {in->hosts, in->body.hosts ? in->body.hosts->count : 0};

    return people_add_agent(&call->ctx, conn,
                            (struct actor){ACTOR_REVIEWER, call->caller.person->id}, in->body.name,
                            in->body.owner, hosts, &in->id, in->key, in->webhook_secret);
}

static enum fm_err render_agent(struct call *call, struct store_conn *conn, struct buf *body)
{
    const struct agent_input *in = call->in;
    struct json_out out = JSON_OUT(body);

    (void)conn;
    jo_object(&out);
    jo_m_id(&out, "id", ID_AGENT, in->id);
    jo_m_str(&out, "key", str_of(in->key));
    jo_m_str(&out, "webhook_secret", str_of(in->webhook_secret));
    jo_object_end(&out);
    return FM_OK;
}

static enum fm_err read_agent(struct call *call, struct agent_input *in)
{
    TRY(call_bind(call, agent_fields, COUNT_OF(agent_fields), &in->body));
    for (uint32_t i = 0; in->body.hosts && i < in->body.hosts->count; i++) {
        in->hosts[i] = json_text(&in->body.hosts->as.items[i]);
        if (!in->hosts[i].n || in->hosts[i].n > 253) {
            return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT,
                           json_pointer_index(call->ctx.arena, S("/hosts"), i),
                           "a host name of at most 253 characters");
        }
    }
    return FM_OK;
}

void agents_create(struct call *call)
{
    struct agent_input *in = call_input(call, sizeof(*in));
    enum fm_err err = in ? read_agent(call, in) : FM_OK;

    if (err != FM_OK) {
        call_fail(call, err);
    } else if (in) {
        call_write_once(call, run_add_agent, render_agent, 201,
                        "if its key was lost, revoke it and make another (POST /v1/keys); for its "
                        "webhook secret, POST /v1/agents/{id}/webhook-secret");
    }
}

/* --- queues -------------------------------------------------------------------------------------------- */

/* Rows are in the order of their making; what is in its undo time does not count. */
SQL(SQL_QUEUE, "SELECT n, (SELECT created_at FROM proposals WHERE row = first) FROM"
               " (SELECT count(*) AS n, min(row) AS first FROM proposals WHERE queue = $queue"
               " AND state < 2)");

struct members {
    struct json_out *out;
    const struct policy_queue *queue;
};

static void write_member(void *with, const struct person *person)
{
    struct members *members = with;

    if (policy_queue_has(members->queue, person->name, person->roles)) {
        jo_object(members->out);
        jo_m_id(members->out, "id", ID_PERSON, person->id);
        jo_m_str(members->out, "name", person->name);
        jo_object_end(members->out);
    }
}

static enum fm_err write_queue(struct call *call, struct json_out *out, const struct policy_queue *queue)
{
    struct members members = {out, queue};
    struct store_rows *rows;

    call->ctx.err = FM_OK;
    TRY(store_query(&call->ctx, call->part->reader, &SQL_QUEUE, ARGS(A_TEXT("$queue", queue->name)),
                    &rows));
    if (!rows_next(&call->ctx, rows)) {
        return call->ctx.err;
    }
    jo_object(out);
    jo_m_str(out, "name", queue->name);
    jo_key(out, "members");
    jo_array(out);
    directory_each_person(call->directory, write_member, &members);
    jo_array_end(out);
    jo_m_str(out, "backup", queue->backup);
    jo_m_int(out, "pending", rows_int(rows, 0));
    jo_m_time(out, "oldest_at", rows_int(rows, 1));
    jo_object_end(out);
    rows_done(rows);
    return FM_OK;
}

static enum fm_err render_queues(struct call *call, struct store_conn *conn, struct buf *body)
{
    struct listing list;
    int64_t at;

    (void)conn;
    TRY(listing_begin(&list, call, body, "limit cursor"));
    TRY(listing_from(&list, 0, &at));
    for (; at < (int64_t)call->policy->queue_count && listing_takes(&list, at + 1); at++) {
        TRY(write_queue(call, &list.out, &call->policy->queues[at]));
    }
    listing_end(&list);
    return FM_OK;
}

void queues_list(struct call *call)
{
    call_read(call, render_queues, 200);
}

/* --- categories ---------------------------------------------------------------------------------------- */

/* A category can hold any characters, some of what the agent wrote: its cursor is the row of the
 * agent and the category in hexadecimal digits. */
struct category_list {
    struct listing list; /* first */
    struct str last;
};

static void write_category(void *with, const struct tally *tally)
{
    struct category_list *categories = with;
    struct json_out *out = &categories->list.out;
    int64_t reviewed = tally->approved + tally->modified + tally->rejected;

    if (!listing_takes(&categories->list, tally->agent)) {
        return;
    }
    categories->last = arena_copy(categories->list.call->ctx.arena, tally->category);
    jo_object(out);
    jo_key(out, "agent");
    write_agent_ref(out, categories->list.call->directory, tally->agent);
    jo_m_str(out, "category", tally->category);
    jo_m_str(out, "level", S("review_all"));
    jo_m_int(out, "reviewed", reviewed);
    jo_m_int(out, "errors", tally->modified + tally->rejected);
    jo_m_null(out, "upper_bound");
    jo_m_int(out, "review_share", 1);
    jo_m_int(out, "approved", tally->approved);
    jo_m_int(out, "modified", tally->modified);
    jo_m_int(out, "rejected", tally->rejected);
    jo_m_int(out, "returned", tally->returned);
    jo_m_int(out, "expired", tally->expired);
    jo_object_end(out);
}

/* The pair behind which the page begins. */
static enum fm_err read_category_cursor(struct call *call, int64_t *agent, struct str *category)
{
    struct str rest = http_query(call->request, "cursor");
    struct str row = str_split(&rest, '-');
    uint8_t *bytes = arena_zalloc(call->ctx.arena, 1, POLICY_CATEGORY_BYTES);
    uint64_t number;

    *agent = 0;
    *category = S("");
    if (!row.n) {
        return FM_OK;
    }
    if (!bytes) {
        return fail_memory(&call->ctx);
    }
    *category = (struct str){(const char *)bytes, rest.n / 2};
    if (!str_to_u64(row, &number) || number > INT64_MAX || category->n > POLICY_CATEGORY_BYTES ||
        !hex_decode(rest, bytes, category->n) || !str_is_utf8(*category)) {
        return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT, S("/cursor"),
                       "use next_cursor of the page before");
    }
    *agent = (int64_t)number;
    return FM_OK;
}

static enum fm_err render_categories(struct call *call, struct store_conn *conn, struct buf *body)
{
    AUTO(buf_done) struct buf cursor = BUF_INIT(KIB);
    struct category_list categories = {.last = S("")};
    int64_t after_agent;
    struct str after;
    struct id id;
    bool present;
    const struct agent *agent;

    TRY(listing_begin(&categories.list, call, body, "agent limit cursor"));
    TRY(query_id(call, "agent", ID_AGENT, &id, &present));
    TRY(read_category_cursor(call, &after_agent, &after));
    agent = present ? directory_agent_by_id(call->directory, id) : NULL;
    if (!present || agent) {
        TRY(tally_list(&call->ctx, conn, agent ? agent->row : 0, after_agent, after,
                       (size_t)categories.list.limit + 1, write_category, &categories));
    }
    buf_printf(&cursor, "%lld-", (long long)categories.list.last);
    buf_add_hex(&cursor, categories.last);
    listing_end_at(&categories.list, buf_str(&cursor));
    return FM_OK;
}

void categories_list(struct call *call)
{
    call_read(call, render_categories, 200);
}
