/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands of the admin socket as a table, and the one function that carries out a request, on
 * whichever side of the socket it runs.
 *
 * It must never leave a caller without an answer: whatever goes wrong, `answer` says so.
 */
#include "server/admin_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>

#define SOCKET_NAME "admin.sock"

static const struct {
    struct str name;
    admin_command_fn *run;
} commands[] = {
    {STR("person.add"), admin_person_add},
    {STR("person.list"), admin_person_list},
    {STR("agent.add"), admin_agent_add},
    {STR("agent.list"), admin_agent_list},
    {STR("agent.hosts"), admin_agent_hosts},
    {STR("key.create"), admin_key_create},
    {STR("token.create"), admin_token_create},
    {STR("link.create"), admin_link_create},
    {STR("person.reset"), admin_person_reset},
    {STR("person.deactivate"), admin_person_deactivate},
    {STR("person.reactivate"), admin_person_reactivate},
    {STR("person.roles"), admin_person_roles},
    {STR("service.create"), admin_service_create},
    {STR("key.revoke"), admin_key_revoke},
    {STR("key.list"), admin_key_list},
    {STR("access.review"), admin_access_review},
    {STR("access.csv"), admin_access_csv},
    {STR("pause.start"), admin_pause_start},
    {STR("pause.list"), admin_pause_list},
    {STR("pause.resume"), admin_pause_resume},
    {STR("webhook.list"), admin_webhook_list},
    {STR("webhook.resend"), admin_webhook_resend},
    {STR("webhook.secret"), admin_webhook_secret},
    {STR("check"), admin_check},
    {STR("policy.list"), admin_policy_list},
    {STR("policy.propose"), admin_policy_propose},
    {STR("policy.activate"), admin_policy_activate},
};

struct request {
    struct str command;
    const struct json *arguments;
};

static const struct json_field request_fields[] = {
    {.name = "command", .type = JSON_T_STR, .flags = JSON_F_REQUIRED,
     .offset = offsetof(struct request, command), .max = 64},
    {.name = "arguments", .type = JSON_T_OBJECT, .offset = offsetof(struct request, arguments)},
};

static const struct json no_arguments = {.kind = JSON_OBJECT};

static enum fm_err run_request(struct ctx *ctx, struct instance *instance, const struct json *json,
                               struct json_out *answer)
{
    struct request request = {.arguments = NULL};

    TRY(json_bind(ctx, json, S(""), request_fields, COUNT_OF(request_fields), &request));
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        if (str_eq(request.command, commands[i].name)) {
            return commands[i].run(ctx, instance,
                                   request.arguments ? request.arguments : &no_arguments, answer);
        }
    }
    return fail(ctx, FM_E_INVALID_ARGUMENT,
                "this server does not know the command %.*s; is the command line of the same version?",
                STR_ARG(request.command));
}

/* A detail can hold a path, and a path any bytes. */
static struct str printable_detail(struct ctx *ctx, enum fm_err err)
{
    struct str detail = ctx->detail[0] ? str_of(ctx->detail) : err_title(err);

    if (str_is_utf8(detail)) {
        return detail;
    }
    for (char *p = ctx->detail; *p; p++) {
        *p = (*p & 0x80) ? '?' : *p;
    }
    return detail;
}

static void write_problem(struct ctx *ctx, enum fm_err err, struct buf *answer)
{
    struct json_out out = JSON_OUT(answer);

    buf_reset(answer);
    jo_object(&out);
    jo_m_bool(&out, "ok", false);
    jo_m_int(&out, "status", err_status(err));
    jo_m_str(&out, "name", err_name(err));
    jo_m_str(&out, "detail", printable_detail(ctx, err));
    jo_object_end(&out);
}

enum fm_err admin_run(struct ctx *ctx, struct instance *instance, const struct json *request,
                      struct buf *answer)
{
    struct json_out out = JSON_OUT(answer);
    enum fm_err err;

    jo_object(&out);
    jo_m_bool(&out, "ok", true);
    err = run_request(ctx, instance, request, &out);
    jo_object_end(&out);
    if (err == FM_OK && !buf_ok(answer)) {
        err = fail(ctx, FM_E_TOO_LARGE, "the answer is larger than %zu bytes", answer->max);
    }
    if (err != FM_OK) {
        write_problem(ctx, err, answer);
    }
    return err;
}

enum fm_err admin_address(struct ctx *ctx, const char *dir, struct sockaddr_un *out, int *dir_fd)
{
    int n;

    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    *dir_fd = -1;
    n = snprintf(out->sun_path, sizeof(out->sun_path), "%s/" SOCKET_NAME, dir);
    if (n > 0 && (size_t)n < sizeof(out->sun_path)) {
        return FM_OK;
    }
    *dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*dir_fd < 0) {
        return fail(ctx, FM_E_INTERNAL, "cannot open %s: %s", dir, strerror(errno));
    }
    (void)snprintf(out->sun_path, sizeof(out->sun_path), "/proc/self/fd/%d/" SOCKET_NAME, *dir_fd);
    return FM_OK;
}
