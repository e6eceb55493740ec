/* SPDX-License-Identifier: Apache-2.0
 *
 * One request on its way: found in the table of routes, authenticated, handled; a write goes to the
 * committer and comes back to its loop; every way ends in exactly one answer.
 */
#include "api/api_internal.h"

#include "base/log.h"
#include <strings.h>

#include <stdio.h>

#define ANSWER_ROOM (4 * KIB) /* most answers fit without growing */

static const struct http_header_line json_headers[] = {
    {"Content-Type", STR("application/json")},
    {"Cache-Control", STR("no-store")},
    {"X-Content-Type-Options", STR("nosniff")},
};

/* --- routing ------------------------------------------------------------------------------------------- */

/* The segments that stand for an id. */
static const struct {
    struct str name;
    enum id_kind kind;
} id_segments[] = {
    {STR("{id}"), ID_PROPOSAL},   {STR("{person}"), ID_PERSON},     {STR("{key}"), ID_KEY},
    {STR("{pause}"), ID_PAUSE},   {STR("{agent}"), ID_AGENT},       {STR("{event}"), ID_EVENT},
    {STR("{policy}"), ID_POLICY}, {STR("{backtest}"), ID_BACKTEST},
};

static bool is_id_segment(struct str want, enum id_kind *kind)
{
    for (size_t i = 0; i < COUNT_OF(id_segments); i++) {
        if (str_eq(want, id_segments[i].name)) {
            *kind = id_segments[i].kind;
            return true;
        }
    }
    return false;
}

/* Whether `path` fits the pattern; reads its id and {n}. A malformed id fits and stays zero: 404
 * later. {tile} and {level} are read by their handler, from the path. */
static bool route_fits(const char *pattern, struct str path, struct id *id, uint64_t *number)
{
    struct str rest = str_of(pattern);

    while (rest.p && path.p) {
        struct str want = str_split(&rest, '/'), have = str_split(&path, '/');
        enum id_kind kind;
        if (is_id_segment(want, &kind)) {
            if (!id_parse(kind, have, id)) {
                *id = (struct id){{0}};
            }
        } else if (str_eq(want, S("{n}"))) {
            if (!str_to_u64(have, number)) {
                return false;
            }
        } else if (str_eq(want, S("{tile}"))) {
            return have.n > 0;
        } else if (!str_eq(want, have) && !str_eq(want, S("{level}"))) {
            return false;
        }
    }
    return !rest.p && !path.p;
}

/* As the header Allow has them: what answers GET answers HEAD. */
static const struct {
    enum http_method method;
    struct str names;
} method_names[] = {
    {HTTP_GET, STR("GET, HEAD")},  {HTTP_POST, STR("POST")},   {HTTP_PUT, STR("PUT")},
    {HTTP_PATCH, STR("PATCH")},    {HTTP_DELETE, STR("DELETE")},
};

/* A path that a route names to the letter is no other's: `batch` is no id. */
static bool is_literal(struct str path)
{
    for (size_t i = 0; i < api_route_count; i++) {
        if (str_eq(str_of(api_routes[i].path), path)) {
            return true;
        }
    }
    return false;
}

/* The route of the call; NULL and the methods of the path as a set of bits (0: no such path). */
static const struct route *find_route(struct call *call, unsigned *methods)
{
    enum http_method method = http_method(call->request);
    struct str path = http_path(call->request);
    bool literal = is_literal(path);

    method = method == HTTP_HEAD ? HTTP_GET : method;
    *methods = 0;
    for (size_t i = 0; i < api_route_count; i++) {
        struct id id = {{0}};
        uint64_t number = 0;
        if ((literal && !str_eq(str_of(api_routes[i].path), path)) ||
            !route_fits(api_routes[i].path, path, &id, &number)) {
            continue;
        }
        *methods |= 1u << api_routes[i].method;
        if (api_routes[i].method == method) {
            call->id = id;
            call->number = number;
            return &api_routes[i];
        }
    }
    return NULL;
}

/* --- life ---------------------------------------------------------------------------------------------- */

void call_release(struct call *call)
{
    directory_drop(call->directory);
    policy_drop(call->policy);
    call->directory = NULL;
    call->policy = NULL;
    buf_done(&call->answer);
}

void *call_input(struct call *call, size_t size)
{
    call->in = arena_zalloc(call->ctx.arena, 1, size);
    if (!call->in) {
        call_fail(call, fail_memory(&call->ctx));
    }
    return call->in;
}

static struct call *call_new(struct api *api, struct http_request *request)
{
    struct arena *arena = http_arena(request);
    struct call *call = arena ? arena_zalloc(arena, 1, sizeof(*call)) : NULL;

    if (!call) {
        return NULL;
    }
    ctx_init(&call->ctx, arena);
    call->cmd.ctx = &call->ctx;
    call->api = api;
    call->started_us = clock_monotonic_us();
    call->part = loop_state(http_request_loop(request));
    call->request = request;
    call->answer = (struct buf)BUF_INIT(API_ANSWER_MAX);
    call->directory = directory_keep();
    call->policy = flow_policy(api->flow);
    return call;
}

bool call_is_json(struct str content_type)
{
    struct str type = str_split(&content_type, ';');

    while (type.n && type.p[type.n - 1] == ' ') {
        type.n--;
    }
    return type.n == 16 && strncasecmp(type.p, "application/json", 16) == 0;
}

static enum fm_err read_body(struct call *call)
{
    struct str body = http_body(call->request);

    if (body.n == 0) {
        return FM_OK;
    }
    if (!call_is_json(http_header(call->request, "Content-Type"))) {
        return fail(&call->ctx, FM_E_UNSUPPORTED_MEDIA_TYPE,
                    "send the header Content-Type: application/json");
    }
    return json_parse(&call->ctx, body, &JSON_LIMITS_WIRE, &call->body);
}

static enum fm_err call_prepare(struct call *call)
{
    enum http_method method = http_method(call->request);

    TRY(auth_check(call));
    TRY(query_once(call));
    if (method == HTTP_GET || method == HTTP_HEAD) {
        return FM_OK;
    }
    if (call->route->handle != proposals_batch) { /* which has limits of its own */
        TRY(read_body(call));
    }
    return idempotency_read(call);
}

/* 404; or 405 and the methods that the path has (RFC 9110 15.5.6). */
static void refuse_path(struct call *call, unsigned methods)
{
    AUTO(buf_done) struct buf allow = BUF_INIT(sizeof(call->allow) - 1);
    enum fm_err err;

    methods = methods || !assets_has(http_path(call->request)) ? methods : 1u << HTTP_GET;
    if (!methods) {
        call_fail(call, fail(&call->ctx, FM_E_NOT_FOUND, "no such path: see /openapi.json"));
        return;
    }
    for (size_t i = 0; i < COUNT_OF(method_names); i++) {
        if (methods >> method_names[i].method & 1) {
            buf_add(&allow, allow.n ? S(", ") : S(""));
            buf_add(&allow, method_names[i].names);
        }
    }
    snprintf(call->allow, sizeof(call->allow), "%.*s", STR_ARG(buf_str(&allow)));
    err = fail(&call->ctx, FM_E_METHOD_NOT_ALLOWED, "this path has %s: see /openapi.json",
               call->allow);
    call_fail(call, err);
}

static void call_start(struct call *call)
{
    unsigned methods;
    enum fm_err err;

    call->route = find_route(call, &methods);
    if (!call->route) {
        refuse_path(call, methods);
        return;
    }
    err = call_prepare(call);
    if (err != FM_OK) {
        call_fail(call, err);
        return;
    }
    call->route->handle(call);
}

/* Nothing could even be allocated: the shortest answer that is still a problem document. */
static void answer_overloaded(struct http_request *request)
{
    static const struct http_header_line headers[] = {
        {"Content-Type", STR("application/problem+json")}, {"Retry-After", STR("1")}};

    http_answer_static(request, 503, headers, COUNT_OF(headers),
                       S("{\"type\":\"/problems/overloaded\",\"title\":\"The server is busy; nothing "
                         "was changed\",\"status\":503}"));
}

void api_handle(void *with, struct http_request *request)
{
    struct api *api = with;
    struct call *call;

    if (!atomic_load_explicit(&api->server, memory_order_acquire)) { /* starting */
        answer_overloaded(request);
        return;
    }
    if (assets_serve(api, request)) {
        return;
    }
    call = call_new(api, request);
    if (!call) {
        answer_overloaded(request);
        return;
    }
    call_start(call);
}

/* A parked wait comes back with a fresh arena: it is handled again from the start, so that a key revoked
 * meanwhile no longer reads anything. */
void call_wake(struct api *api, struct http_request *request, int64_t wait_until_us, bool wait_over,
               int64_t committed_at_us)
{
    struct call *call = call_new(api, request);

    if (!call) {
        answer_overloaded(request);
        return;
    }
    call->woken = true;
    call->wait_over = wait_over;
    call->wait_until_us = wait_until_us;
    call->committed_at_us = committed_at_us;
    call_start(call);
}

/* --- answers ------------------------------------------------------------------------------------------- */

void problem_write(struct buf *body, const struct ctx *ctx, enum fm_err err, int status)
{
    struct json_out out = JSON_OUT(body);

    jo_object(&out);
    jo_key(&out, "type");
    jo_text(&out);
    buf_lit(body, "/problems/");
    buf_add(body, err_name(err));
    jo_text_end(&out);
    jo_m_str(&out, "title", err_title(err));
    jo_m_int(&out, "status", status);
    if (ctx->detail[0] && err != FM_E_INTERNAL) {
        jo_m_str(&out, "detail", str_of(ctx->detail));
    }
    if (ctx->error_count) {
        jo_key(&out, "errors");
        jo_array(&out);
        for (unsigned i = 0; i < ctx->error_count; i++) {
            jo_object(&out);
            jo_m_str(&out, "pointer", ctx->errors[i].pointer.p ? ctx->errors[i].pointer : S(""));
            jo_m_str(&out, "message", ctx->errors[i].message);
            jo_object_end(&out);
        }
        jo_array_end(&out);
    }
    jo_members(&out, ctx->members);
    jo_object_end(&out);
}

void call_observe(struct call *call, int status)
{
    struct route_counts *counts;

    if (!call->route) {
        return; /* outsiders choose the paths of those */
    }
    counts = &call->api->routes[call->route - api_routes];
    count_add(&counts->by_class[status / 100 % API_STATUS_CLASSES], 1);
    if (!call->woken) { /* what waited for people says nothing about us */
        histogram_add(&counts->us, clock_monotonic_us() - call->started_us);
    }
}

static void send(struct call *call, int status, const struct http_header_line *headers, size_t count,
                 struct buf *body)
{
    size_t n;
    char *bytes = buf_take(body, &n);
    struct http_request *request = call->request;
    int64_t committed_at_us = call->committed_at_us;

    call_observe(call, status);
    call_release(call);
    if (committed_at_us) {
        http_observe_send(request, committed_at_us, commit_to_send_observe);
    }
    http_answer(request, status, headers, count, bytes, n); /* the call is gone behind this */
}

void call_fail(struct call *call, enum fm_err err)
{
    AUTO(buf_done) struct buf body = BUF_INIT(API_ANSWER_MAX);
    struct http_header_line headers[6] = {{"Content-Type", S("application/problem+json")},
                                          {"Cache-Control", S("no-store")},
                                          {"X-Content-Type-Options", S("nosniff")}};
    size_t count = 3;
    char retry[16];

    if (err == FM_E_INTERNAL) {
        log_error("api.internal", F_TEXT("path", str_of(call->route ? call->route->path : "")),
                  F_TEXT("error", str_of(call->ctx.detail)));
    }
    problem_write(&body, &call->ctx, err, err_status(err));
    if (call->ctx.retry_after_s || err == FM_E_OVERLOADED) {
        snprintf(retry, sizeof(retry), "%u", call->ctx.retry_after_s ? call->ctx.retry_after_s : 1);
        headers[count++] = (struct http_header_line){"Retry-After", str_of(retry)};
    }
    if (call->allow[0]) {
        headers[count++] = (struct http_header_line){"Allow", str_of(call->allow)};
    }
    if (err == FM_E_UNAUTHENTICATED) {
        headers[count++] = (struct http_header_line){"WWW-Authenticate", S("Bearer realm=\"fermata\"")};
    }
    send(call, err_status(err), headers, count, &body);
}

void call_answer(struct call *call, int status, struct buf *body)
{
    struct http_header_line headers[5];
    size_t count = COUNT_OF(json_headers);
    char cookie[sizeof(call->set_cookie)];

    if (!buf_ok(body)) {
        call_fail(call, fail_memory(&call->ctx));
        return;
    }
    if (status == 204) {
        call_answer_empty(call, status);
        return;
    }
    memcpy(headers, json_headers, sizeof(json_headers));
    if (call->set_cookie[0]) {
        memcpy(cookie, call->set_cookie, sizeof(cookie));
        headers[count++] = (struct http_header_line){"Set-Cookie", str_of(cookie)};
    }
    if (call->replayed) {
        headers[count++] = (struct http_header_line){"Idempotent-Replay", S("true")};
    }
    send(call, status, headers, count, body);
}

void call_answer_empty(struct call *call, int status)
{
    struct http_header_line headers[3] = {{"Cache-Control", S("no-store")}};
    size_t count = 1;
    char cookie[sizeof(call->set_cookie)];
    struct http_request *request = call->request;

    if (call->replayed) {
        headers[count++] = (struct http_header_line){"Idempotent-Replay", S("true")};
    }
    if (call->set_cookie[0]) {
        memcpy(cookie, call->set_cookie, sizeof(cookie));
        headers[count++] = (struct http_header_line){"Set-Cookie", str_of(cookie)};
    }
    call_observe(call, status);
    call_release(call);
    http_answer(request, status, headers, count, NULL, 0);
}

void call_answer_text(struct call *call, const char *content_type, struct buf *body)
{
    struct http_header_line headers[] = {{"Content-Type", str_of(content_type)},
                                         {"Cache-Control", S("no-store")},
                                         {"X-Content-Type-Options", S("nosniff")}};

    send(call, 200, headers, COUNT_OF(headers), body);
}

void call_answer_as(struct call *call, const struct http_header_line *headers, size_t count,
                    struct buf *body)
{
    struct http_header_line all[10] = {{"X-Content-Type-Options", S("nosniff")}};
    size_t used = 1;
    bool is_cached = false;

    if (!buf_ok(body)) {
        call_fail(call, fail_memory(&call->ctx));
        return;
    }
    for (size_t i = 0; i < count && used < COUNT_OF(all) - 1; i++) {
        is_cached |= strcmp(headers[i].name, "Cache-Control") == 0;
        all[used++] = headers[i];
    }
    if (!is_cached) {
        all[used++] = (struct http_header_line){"Cache-Control", S("no-store")};
    }
    send(call, 200, all, used, body);
}

bool call_render(struct call *call, call_render_fn *render, struct buf *body)
{
    struct store_conn *reader = call->part->reader;
    enum fm_err err = store_snapshot(&call->ctx, reader); /* one state, and one lock, for all its queries */

    if (err == FM_OK) {
        (void)buf_reserve(body, ANSWER_ROOM);
        err = render(call, reader, body);
        store_snapshot_end(reader);
    }
    if (err != FM_OK) {
        call_fail(call, err);
    }
    return err == FM_OK;
}

void call_read(struct call *call, call_render_fn *render, int status)
{
    AUTO(buf_done) struct buf body = BUF_INIT(API_ANSWER_MAX);

    if (call_render(call, render, &body)) {
        call_answer(call, status, &body);
    }
}

/* --- writes -------------------------------------------------------------------------------------------- */

/* On the committer's thread. A request with an Idempotency-Key has its answer written before COMMIT, so
 * that the same transaction keeps it. */
enum fm_err call_run_write(struct store_cmd *cmd, struct store_conn *conn)
{
    struct call *call = (struct call *)cmd;
    bool replay = false;

    call->status = call->wanted_status;
    call->has_answer = call->replayed = false;
    buf_reset(&call->answer);
    TRY(idempotency_begin(call, conn, &replay));
    if (replay) {
        return FM_OK;
    }
    TRY(call->run(call, conn));
    if (!call->idempotency_key.p) {
        return FM_OK;
    }
    TRY(call->render(call, conn, &call->answer));
    call->has_answer = true;
    return idempotency_keep(call, conn);
}

/* Back on the loop. */
static void write_finished(struct loop_message *message)
{
    struct call *call =
        (struct call *)(void *)((char *)message - offsetof(struct call, message));

    if (call->cmd.err != FM_OK) {
        call_fail(call, call->cmd.err);
    } else if (call->has_answer) {
        AUTO(buf_done) struct buf body = call->answer;
        call->answer = (struct buf)BUF_INIT(API_ANSWER_MAX);
        call_answer(call, call->status, &body);
    } else {
        call_read(call, call->render, call->status);
    }
}

static void write_done(struct store_cmd *cmd)
{
    struct call *call = (struct call *)cmd;

    call->message.run = write_finished;
    loop_post(call->part->loop, &call->message);
}

void call_write(struct call *call, call_run_fn *run, call_render_fn *render, int status)
{
    call->run = run;
    call->render = render;
    call->wanted_status = status;
    call->cmd.run = call_run_write;
    call->cmd.done = write_done;
    if (!committer_submit(call->api->config.committer, &call->cmd)) {
        call_fail(call, fail(&call->ctx, FM_E_OVERLOADED, "too much is waiting to be written"));
    }
}

void call_write_once(struct call *call, call_run_fn *run, call_render_fn *render, int status,
                     const char *lost)
{
    call->once = lost;
    call_write(call, run, render, status);
}

enum fm_err call_bind(struct call *call, const struct json_field *fields, size_t count, void *into)
{
    static const struct json empty = {.kind = JSON_OBJECT};

    return json_bind(&call->ctx, call->body ? call->body : &empty, S(""), fields, count, into);
}
