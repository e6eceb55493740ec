/* SPDX-License-Identifier: Apache-2.0
 *
 * Accounts over HTTP: the first admin, one's own password, and what an admin does with people. No
 * answer but the one-time code holds a secret, and nobody sets a password for somebody else.
 */
#include "api/api_internal.h"

#include <stdio.h>

#define PASSWORD_BYTES_MAX (4 * PASSWORD_MAX) /* longer ones are told the limit, not cut */
#define NAME_BYTES_MAX     (4 * PEOPLE_NAME_MAX)

static struct actor by_caller(const struct call *call)
{
    return (struct actor){ACTOR_REVIEWER, call->caller.person->id};
}

enum fm_err call_read_roles(struct call *call, const struct json *array, unsigned *out)
{
    *out = 0;
    for (uint32_t i = 0; array && i < array->count; i++) {
        int role = role_of_name(json_text(&array->as.items[i]));
        if (role < 0) {
            return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT,
                           json_pointer_index(call->ctx.arena, S("/roles"), i),
                           "a role is reviewer, lead, policy, auditor or admin");
        }
        *out |= ROLE_BIT(role);
    }
    return FM_OK;
}

/* --- hashing a new password off the loop ------------------------------------------------------ */

/* A new password on its way: `check` runs first, on the slow thread; then the hash; then `then`,
 * back on the loop. */
struct hashing {
    struct slow_job job;
    struct call *call;
    struct str password;
    bool (*check)(struct hashing *hashing);
    void (*then)(struct call *call);
    bool right, hashed;
    char encoded[PASSWORD_HASH_MAX];
};

static void on_hashed(struct loop_message *message)
{
    struct call *call = (struct call *)(void *)((char *)message - offsetof(struct call, message));
    struct hashing *hashing = call->in;

    hashing->then(call);
}

static void hash_on_slow_thread(struct slow_job *job)
{
    struct hashing *hashing = (struct hashing *)job;
    struct call *call = hashing->call;

    hashing->right = !hashing->check || hashing->check(hashing);
    hashing->hashed = hashing->right && password_hash(hashing->password, hashing->encoded);
    call->message.run = on_hashed;
    loop_post(call->part->loop, &call->message);
}

static enum fm_err start_hashing(struct hashing *hashing)
{
    hashing->job.work = hash_on_slow_thread;
    return slow_submit(&hashing->job)
               ? FM_OK
               : fail(&hashing->call->ctx, FM_E_OVERLOADED, "too many people sign in at once");
}

/* --- the first admin -------------------------------------------------------------------------- */

struct setup_body {
    struct str token, name, password;
    const struct json *roles;
};

#define SETUP(member) .name = #member, .offset = offsetof(struct setup_body, member)
static const struct json_field setup_fields[] = {
    {SETUP(token), .type = JSON_T_STR, .flags = JSON_F_REQUIRED, .max = 256},
    {SETUP(name), .type = JSON_T_STR, .flags = JSON_F_REQUIRED, .max = NAME_BYTES_MAX},
    {SETUP(password), .type = JSON_T_STR, .flags = JSON_F_REQUIRED, .max = PASSWORD_BYTES_MAX},
    {SETUP(roles), .type = JSON_T_ARRAY, .max = ROLE_COUNT},
};

struct setup_input {
    struct hashing hashing; /* first */
    struct setup_body body;
    unsigned roles;
    struct id id;
};

static enum fm_err run_setup(struct call *call, struct store_conn *conn)
{
    struct setup_input *in = call->in;

    return people_add_first(&call->ctx, conn, in->body.name, in->roles, in->hashing.encoded,
                            &in->id);
}

static enum fm_err render_setup(struct call *call, struct store_conn *conn, struct buf *body)
{
    const struct setup_input *in = call->in;
    struct json_out out = JSON_OUT(body);

    (void)conn;
    jo_object(&out);
    jo_m_id(&out, "id", ID_PERSON, in->id);
    jo_m_str(&out, "name", in->body.name);
    jo_object_end(&out);
    return FM_OK;
}

static void setup_hashed(struct call *call)
{
    const struct setup_input *in = call->in;

    if (!in->hashing.hashed) {
        call_fail(call, fail_memory(&call->ctx));
        return;
    }
    call_write(call, run_setup, render_setup, 201);
}

static enum fm_err start_setup(struct call *call, struct setup_input *in)
{
    TRY(call_bind(call, setup_fields, COUNT_OF(setup_fields), &in->body));
    TRY(setup_check(&call->ctx, in->body.token));
    TRY(call_read_roles(call, in->body.roles, &in->roles));
    in->roles |= ROLE_BIT(ROLE_ADMIN);
    TRY(people_check_name(&call->ctx, in->body.name));
    TRY(people_check_password(&call->ctx, in->body.password, in->body.name));
    in->hashing.call = call;
    in->hashing.password = in->body.password;
    in->hashing.then = setup_hashed;
    return start_hashing(&in->hashing);
}

void setup_create(struct call *call)
{
    struct setup_input *in = call_input(call, sizeof(*in));
    enum fm_err err = in ? start_setup(call, in) : FM_OK;

    if (err != FM_OK) {
        call_fail(call, err);
    }
}

/* --- one's own password ----------------------------------------------------------------------- */

struct password_body {
    struct str current, password;
};

static const struct json_field password_fields[] = {
    {.name = "current",
     .type = JSON_T_STR,
     .offset = offsetof(struct password_body, current),
     .max = PASSWORD_BYTES_MAX},
    {.name = "password",
     .type = JSON_T_STR,
     .flags = JSON_F_REQUIRED,
     .offset = offsetof(struct password_body, password),
     .max = PASSWORD_BYTES_MAX},
};

struct password_input {
    struct hashing hashing; /* first */
    struct password_body body;
    bool repeats;
};

static enum fm_err not_current(struct call *call)
{
    return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT, S("/current"),
                   "this is not your present password");
}

/* A repetition sends the password before as the present one: what it asks for is done already.
 * Whether it is a repetition the store knows. */
static bool is_current(struct hashing *hashing)
{
    struct password_input *in = (struct password_input *)hashing;
    const struct call *call = hashing->call;
    const char *present = call->caller.person->password;

    if (in->body.current.p && password_verify(present, in->body.current)) {
        return true;
    }
    in->repeats = call->idempotency_key.p && password_verify(present, in->body.password);
    return false;
}

/* What tells this body from another must be no hash that passwords can be tried on faster than on
 * the one that is stored anyway: so it is made of that one, which this call's password must fit. */
static void set_body_hash(struct call *call, const char *encoded)
{
    call->body_hash = sha256(str_of(encoded));
}

static enum fm_err run_password(struct call *call, struct store_conn *conn)
{
    const struct password_input *in = call->in;

    if (in->repeats) { /* under a key that is not known */
        return not_current(call);
    }
    return people_set_password(&call->ctx, conn, call->caller.person, call->credential,
                               in->hashing.encoded);
}

static enum fm_err render_nothing(struct call *call, struct store_conn *conn, struct buf *body)
{
    (void)call;
    (void)conn;
    buf_lit(body, "{}");
    return FM_OK;
}

static void password_hashed(struct call *call)
{
    const struct password_input *in = call->in;
    struct str name = call->caller.person->name;

    if (!in->hashing.right) {
        throttle_failed(name, http_peer(call->request));
        if (in->repeats) {
            set_body_hash(call, call->caller.person->password);
            call_write(call, run_password, render_nothing, 204);
        } else {
            call_fail(call, not_current(call));
        }
        return;
    }
    throttle_succeeded(name);
    if (!in->hashing.hashed) {
        call_fail(call, fail_memory(&call->ctx));
        return;
    }
    set_body_hash(call, in->hashing.encoded);
    call_write(call, run_password, render_nothing, 204);
}

static enum fm_err check_new(struct call *call, const struct password_input *in)
{
    const struct person *person = call->caller.person;

    if (call->credential->kind != CREDENTIAL_SESSION) {
        return fail(&call->ctx, FM_E_FORBIDDEN,
                    "a password is changed in the page, not by a token");
    }
    if (!person->must_change && !in->body.current.p && !call->idempotency_key.p) {
        return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT, S("/current"), "is missing");
    }
    if (str_eq(in->body.current, in->body.password)) {
        return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT, S("/password"),
                       "this is the present one");
    }
    return people_check_password(&call->ctx, in->body.password, person->name);
}

static enum fm_err start_password(struct call *call, struct password_input *in)
{
    const struct person *person = call->caller.person;
    unsigned wait_s;

    TRY(call_bind(call, password_fields, COUNT_OF(password_fields), &in->body));
    TRY(check_new(call, in));
    wait_s = throttle_check(person->name, http_peer(call->request));
    if (wait_s) {
        call->ctx.retry_after_s = wait_s;
        return fail(&call->ctx, FM_E_RATE_LIMITED, "too many wrong passwords: wait %u s", wait_s);
    }
    in->hashing.call = call;
    in->hashing.password = in->body.password;
    in->hashing.check =
        person->must_change ? NULL : is_current; /* the code has opened the session */
    in->hashing.then = password_hashed;
    return start_hashing(&in->hashing);
}

void me_password(struct call *call)
{
    struct password_input *in = call_input(call, sizeof(*in));
    enum fm_err err = in ? start_password(call, in) : FM_OK;

    if (err != FM_OK) {
        call_fail(call, err);
    }
}

/* --- what an admin does ----------------------------------------------------------------------- */

struct person_body {
    struct str name;
    const struct json *roles;
};

static const struct json_field person_fields[] = {
    {.name = "roles",
     .type = JSON_T_ARRAY,
     .flags = JSON_F_REQUIRED,
     .offset = offsetof(struct person_body, roles),
     .max = ROLE_COUNT},
    {.name = "name",
     .type = JSON_T_STR,
     .flags = JSON_F_REQUIRED,
     .offset = offsetof(struct person_body, name),
     .max = NAME_BYTES_MAX},
};
#define ROLES_ALONE 1 /* the first row: for a change of roles */

struct person_input {
    struct person_body body;
    unsigned roles;
    struct id id;
    char code[CODE_TEXT_SIZE];
    int64_t until_us;
};

static enum fm_err run_invite(struct call *call, struct store_conn *conn)
{
    struct person_input *in = call->in;

    return people_invite(&call->ctx, conn, by_caller(call), in->body.name, in->roles, &in->id,
                         in->code, &in->until_us);
}

static enum fm_err run_reset(struct call *call, struct store_conn *conn)
{
    struct person_input *in = call->in;

    in->id = call->id;
    return people_reset(&call->ctx, conn, by_caller(call), call->id, in->code, &in->until_us);
}

static enum fm_err render_code(struct call *call, struct store_conn *conn, struct buf *body)
{
    const struct person_input *in = call->in;
    struct json_out out = JSON_OUT(body);

    (void)conn;
    jo_object(&out);
    jo_m_id(&out, "id", ID_PERSON, in->id);
    jo_m_str(&out, "code", str_of(in->code));
    jo_m_time(&out, "expires_at", in->until_us);
    jo_object_end(&out);
    return FM_OK;
}

static enum fm_err read_person(struct call *call, struct person_input *in, size_t fields)
{
    TRY(call_bind(call, person_fields, fields, &in->body));
    return call_read_roles(call, in->body.roles, &in->roles);
}

void people_create(struct call *call)
{
    struct person_input *in = call_input(call, sizeof(*in));
    enum fm_err err = in ? read_person(call, in, COUNT_OF(person_fields)) : FM_OK;

    if (err != FM_OK) {
        call_fail(call, err);
    } else if (in) {
        call_write_once(call, run_invite, render_code, 201,
                        "if the code was lost, make another: "
                        "POST /v1/people/{id}/password-reset");
    }
}

/* Calls without members that change the account of the path. `lost`: see call_write_once; NULL for
 * an answer without a secret. */
static void write_account(struct call *call, call_run_fn *run, call_render_fn *render,
                          const char *lost)
{
    struct person_input *in = call_input(call, sizeof(*in));
    char nothing;
    enum fm_err err = in ? call_bind(call, NULL, 0, &nothing) : FM_OK;

    if (err != FM_OK) {
        call_fail(call, err);
    } else if (in) {
        call->once = lost;
        call_write(call, run, render, 200);
    }
}

void people_reset_call(struct call *call)
{
    write_account(call, run_reset, render_code,
                  "if the code was lost, ask for another with a new Idempotency-Key, which voids "
                  "the first");
}

static enum fm_err run_deactivate(struct call *call, struct store_conn *conn)
{
    return people_deactivate(&call->ctx, conn, by_caller(call), call->id);
}

static enum fm_err run_reactivate(struct call *call, struct store_conn *conn)
{
    return people_reactivate(&call->ctx, conn, by_caller(call), call->id);
}

void people_deactivate_call(struct call *call)
{
    write_account(call, run_deactivate, render_nothing, NULL);
}

void people_reactivate_call(struct call *call)
{
    write_account(call, run_reactivate, render_nothing, NULL);
}

static enum fm_err run_roles(struct call *call, struct store_conn *conn)
{
    const struct person_input *in = call->in;

    return people_set_roles(&call->ctx, conn, by_caller(call), call->id, in->roles);
}

void people_roles(struct call *call)
{
    struct person_input *in = call_input(call, sizeof(*in));
    enum fm_err err = in ? read_person(call, in, ROLES_ALONE) : FM_OK;

    if (err != FM_OK) {
        call_fail(call, err);
    } else if (in) {
        call_write(call, run_roles, render_nothing, 200);
    }
}
