/* SPDX-License-Identifier: Apache-2.0
 *
 * Who calls, and whether this route is for them. Agents' keys and people's tokens come as Bearer, the
 * page's session as a cookie. Identity comes from the credential alone, never from a body (I4, A19).
 */
#include "api/api_internal.h"

#include <strings.h>

/* The cookie's value, or absent. */
static struct str cookie_value(struct str header, struct str name)
{
    while (header.p) {
        struct str pair = str_split(&header, ';');
        while (pair.n && pair.p[0] == ' ') {
            pair = str_skip(pair, 1);
        }
        if (str_starts(pair, name) && pair.n > name.n && pair.p[name.n] == '=') {
            return str_skip(pair, name.n + 1);
        }
    }
    return STR_NONE;
}

static bool bearer(struct str header, struct str *secret)
{
    if (header.n < 8 || strncasecmp(header.p, "Bearer ", 7) != 0) {
        return false;
    }
    *secret = str_skip(header, 7);
    return true;
}

/* A kind that fits where the secret came from: a key or token as Bearer, a session as cookie. */
static const struct credential *find_credential(struct call *call, bool *from_cookie)
{
    struct str header = http_header(call->request, "Authorization"), secret = STR_NONE;
    const struct credential *credential;

    *from_cookie = false;
    if (!header.p) {
        secret = cookie_value(http_header(call->request, "Cookie"), call->api->cookie_name);
        *from_cookie = true;
    } else if (!bearer(header, &secret)) {
        return NULL;
    }
    credential = secret.n ? directory_credential(call->directory, secret) : NULL;
    if (credential && (credential->kind == CREDENTIAL_SESSION) != *from_cookie) {
        return NULL;
    }
    return credential;
}

/* A browser says where a request comes from: a write with a cookie must come from our own page (A16). */
static enum fm_err check_origin(struct call *call, bool required)
{
    struct str origin = http_header(call->request, "Origin");
    struct str site = http_header(call->request, "Sec-Fetch-Site");

    if (site.p && !str_eq(site, S("same-origin"))) {
        return fail(&call->ctx, FM_E_FORBIDDEN, "a request from another site");
    }
    if (!origin.p) {
        return required ? fail(&call->ctx, FM_E_FORBIDDEN,
                               "a write with a session cookie needs the header Origin: %.*s",
                               STR_ARG(call->api->origin))
                        : FM_OK;
    }
    if (str_eq(origin, call->api->origin)) {
        return FM_OK;
    }
    return fail(&call->ctx, FM_E_FORBIDDEN, "another origin; this server is %.*s",
                STR_ARG(call->api->origin));
}

static bool is_write(const struct call *call)
{
    enum http_method method = http_method(call->request);

    return method != HTTP_GET && method != HTTP_HEAD;
}

/* A service reads what its scopes name, and nothing else. */
static enum fm_err check_service(struct call *call)
{
    unsigned wanted = call->route->roles / SCOPE_BIT(0), has = call->credential->scopes;

    if ((wanted & has) || (wanted && has & 1u << SCOPE_READ)) {
        return FM_OK;
    }
    return fail(&call->ctx, FM_E_FORBIDDEN, "this service token does not have the scope for this");
}

/* With a one-time code one can set a password, see who one is, and leave. */
static bool is_open_with_code(const struct route *route)
{
    return route->handle == me_get || route->handle == me_password ||
           route->handle == session_delete;
}

static enum fm_err check_kind(struct call *call)
{
    const struct credential *credential = call->credential;
    unsigned roles = call->route->roles % SCOPE_BIT(0);

    if (credential->kind == CREDENTIAL_SERVICE) {
        return check_service(call);
    }
    if (credential->person && credential->person->must_change && !is_open_with_code(call->route)) {
        return fail(&call->ctx, FM_E_FORBIDDEN, "set a new password first (POST /v1/me/password)");
    }
    if (call->route->who == WHO_AGENT && !credential->agent) {
        return fail(&call->ctx, FM_E_FORBIDDEN, "this call is for agents");
    }
    if (call->route->who == WHO_PERSON && !credential->person) {
        return fail(&call->ctx, FM_E_FORBIDDEN, "this call is for people; an agent's key cannot");
    }
    if (roles && credential->person && !(credential->person->roles & roles)) {
        return fail(&call->ctx, FM_E_FORBIDDEN, "your roles do not include this");
    }
    return FM_OK;
}

struct flow_caller credential_caller(const struct credential *credential)
{
    return (struct flow_caller){
        .agent = credential->agent,
        .person = credential->person,
        .service = credential->kind == CREDENTIAL_SERVICE,
        .via = credential->kind == CREDENTIAL_SESSION ? VIA_PAGE : VIA_TOKEN,
    };
}

struct id call_who(const struct call *call)
{
    return call->caller.agent    ? call->caller.agent->id
           : call->caller.person ? call->caller.person->id
                                 : call->credential->id;
}

enum fm_err auth_check(struct call *call)
{
    bool from_cookie;

    if (call->route->handle == metrics_get && call->api->config.metrics_open) {
        return FM_OK;
    }
    if (call->route->who == WHO_PUBLIC) {
        return is_write(call) ? check_origin(call, false) : FM_OK;
    }
    call->credential = find_credential(call, &from_cookie);
    if (!call->credential) {
        return fail(&call->ctx, FM_E_UNAUTHENTICATED, "%s",
                    from_cookie ? "sign in, or send the header Authorization: Bearer KEY"
                                : "this key is not known, was revoked, or has expired");
    }
    if (from_cookie && is_write(call)) {
        TRY(check_origin(call, true));
    }
    credential_used(call->credential);
    call->caller = credential_caller(call->credential);
    return check_kind(call);
}
