/* SPDX-License-Identifier: Apache-2.0
 *
 * A request from its first line to its end: libmicrohttpd's callbacks, the body, reading, parking.
 * libmicrohttpd calls request_call() once for the head, once per piece of the body, once when all
 * is there, and once more after each time it was woken.
 */
#include "net/net_internal.h"

#include "base/panic.h"

#include <stdlib.h>
#include <strings.h>

/* Life ---------------------------------------------------------------------------------------- */

static struct http_request *request_take(struct loop *loop)
{
    struct http_request *request = loop->spare_requests;

    if (!request) {
        return calloc(1, sizeof(*request));
    }
    loop->spare_requests = request->next;
    loop->spare_request_count--;
    memset(request, 0, sizeof(*request));
    return request;
}

static void request_give(struct loop *loop, struct http_request *request)
{
    if (loop->spare_request_count == REQUESTS_SPARE_MAX) {
        free(request);
        return;
    }
    request->next = loop->spare_requests;
    loop->spare_requests = request;
    loop->spare_request_count++;
}

static void arena_give(struct loop *loop, struct arena *arena)
{
    if (!arena) {
        return;
    }
    if (loop->spare_arena_count == ARENAS_SPARE_MAX || arena_used(arena) > ARENA_SPARE_USED_MAX) {
        arena_free(arena);
        return;
    }
    arena_reset(arena);
    loop->spare_arenas[loop->spare_arena_count++] = arena;
}

void request_free_spares(struct loop *loop)
{
    while (loop->spare_requests) {
        struct http_request *request = loop->spare_requests;
        loop->spare_requests = request->next;
        free(request);
    }
    while (loop->spare_arena_count) {
        arena_free(loop->spare_arenas[--loop->spare_arena_count]);
    }
}

void *request_begin(void *loop_with, const char *target, struct MHD_Connection *mhd)
{
    struct loop *loop = loop_with;
    struct connection *connection =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    bool is_over = loop->drained_told || loop->stopping; /* what began now could not be awaited */
    struct http_request *request = connection && !is_over ? request_take(loop) : NULL;

    if (!request) {
        return NULL; /* request_call closes the connection */
    }
    request->connection = connection;
    request->target = target;
    request->target_n = target ? strlen(target) : 0;
    request->target_fault = framing_target_fault(target);
    request->body = (struct buf)BUF_INIT(loop->server->config.body_max);
    connection->request = request;
    loop->requests_open++;
    connection_await_request(connection);
    return request;
}

/* What the handler used and the answer does not need. */
static void request_trim(struct http_request *request)
{
    arena_give(request->connection->loop, request->arena);
    request->arena = NULL;
    buf_done(&request->body);
}

void request_end(void *loop_with, struct MHD_Connection *mhd, void **context,
                 enum MHD_RequestTerminationCode code)
{
    struct loop *loop = loop_with;
    struct http_request *request = *context;
    struct connection *connection;

    (void)mhd;
    if (!request) {
        return;
    }
    *context = NULL;
    connection = request->connection;
    connection->request = NULL;
    connection_await_request(connection);
    if (request->observe && code == MHD_REQUEST_TERMINATED_COMPLETED_OK) {
        request->observe(clock_monotonic_us() - request->committed_at_us);
    }
    if (request->response) {
        MHD_destroy_response(request->response);
    }
    if (request->stream) {
        stream_end(request->stream);
    }
    request_trim(request);
    if (request->done) {
        request->done(request->state);
    }
    loop->requests_open--;
    request_give(loop, request);
}

/* Going on ------------------------------------------------------------------------------------ */

static enum http_method method_of(const char *method)
{
    static const struct {
        const char *name;
        enum http_method method;
    } methods[] = {
        {"GET", HTTP_GET},       {"HEAD", HTTP_HEAD}, {"POST", HTTP_POST},
        {"DELETE", HTTP_DELETE}, {"PUT", HTTP_PUT},   {"PATCH", HTTP_PATCH},
    };

    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        if (strcmp(method, methods[i].name) == 0) {
            return methods[i].method;
        }
    }
    return HTTP_OTHER;
}

/* The head is complete: nothing may be answered in this call but a refusal, as libmicrohttpd would
 * take an early answer for one that ends the connection. */
static enum MHD_Result take_head(struct http_request *request, const char *url, const char *method,
                                 const char *version)
{
    const struct http_config *config = &request->connection->loop->server->config;
    struct framing framing;

    request->method = method_of(method);
    framing = framing_check(request, method, version);
    if (framing.err != FM_OK) {
        return refuse(request, framing.err, framing.status, framing.detail);
    }
    if (!str_is_utf8(str_of(url))) {
        return refuse(request, FM_E_BAD_REQUEST, 400, "the path is not UTF-8");
    }
    if (config->body_max_of) {
        request->body.max = config->body_max_of(config->with, str_of(url));
    }
    if (framing.content_length > request->body.max) {
        return refuse(request, FM_E_TOO_LARGE, 413, "the body is larger than the limit");
    }
    request->path = url;
    request->phase = PHASE_BODY;
    if (framing.content_length > 0) {
        size_t first = (size_t)framing.content_length;
        (void)buf_reserve(&request->body, first < BODY_FIRST_MAX ? first : BODY_FIRST_MAX);
    }
    return MHD_YES;
}

static enum MHD_Result take_body(struct http_request *request, const char *upload, size_t *upload_n)
{
    if (*upload_n > request->body.max - request->body.n) {
        return refuse(request, FM_E_TOO_LARGE, 413, "the body is larger than the limit");
    }
    buf_add(&request->body, (struct str){upload, *upload_n});
    if (!buf_ok(&request->body)) {
        return refuse(request, FM_E_OVERLOADED, 503, "memory is short");
    }
    connection_deadline(request->connection,
                        request->connection->deadline_us +
                            (int64_t)*upload_n * SECOND_US / SLOWEST_BYTES_PER_S);
    *upload_n = 0;
    return MHD_YES;
}

static enum MHD_Result go_on(struct http_request *request)
{
    request_trim(request);
    return request->gone ? MHD_NO : answer_queue(request);
}

static enum MHD_Result dispatch(struct http_request *request)
{
    const struct http_config *config = &request->connection->loop->server->config;

    connection_deadline(request->connection, 0);
    request->phase = PHASE_HANDLING;
    config->handler(config->with, request);
    if (request->parked && request->connection->peer_done && !request->response) {
        request->gone = true;
    }
    if (request->response || request->gone) {
        return go_on(request);
    }
    request->phase = PHASE_WAITING;
    MHD_suspend_connection(request->connection->mhd);
    return MHD_YES;
}

enum MHD_Result request_call(void *loop, struct MHD_Connection *mhd, const char *url,
                             const char *method, const char *version, const char *upload,
                             size_t *upload_n, void **context)
{
    struct http_request *request = *context;

    (void)mhd;
    if (!request || (request->phase <= PHASE_BODY && ((struct loop *)loop)->stopping)) {
        return MHD_NO;
    }
    switch (request->phase) {
    case PHASE_HEAD:
        return take_head(request, url, method, version);
    case PHASE_BODY:
        return *upload_n ? take_body(request, upload, upload_n) : dispatch(request);
    case PHASE_WOKEN:
        return go_on(request);
    case PHASE_HANDLING:
    case PHASE_WAITING:
    case PHASE_SENDING:
        break;
    }
    PANIC("request called in phase %d", (int)request->phase);
}

void request_wake(struct http_request *request)
{
    ASSERT(request->phase == PHASE_WAITING);
    request->phase = PHASE_WOKEN;
    request->connection->loop->daemon_due = true;
    MHD_resume_connection(request->connection->mhd);
}

void request_abandon(struct http_request *request)
{
    if (request->phase == PHASE_WAITING) {
        request->gone = true;
        request_wake(request);
    } else if (request->phase == PHASE_SENDING && request->stream) {
        stream_break(request->stream);
    }
}

/* Reading ------------------------------------------------------------------------------------- */

enum http_method http_method(const struct http_request *request)
{
    return request->method;
}

struct str http_path(const struct http_request *request)
{
    return str_of(request->path);
}

struct str http_body(const struct http_request *request)
{
    return buf_str(&request->body);
}

struct loop *http_request_loop(const struct http_request *request)
{
    return request->connection->loop;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct str http_header(const struct http_request *request, const char *name)
{
    struct str value = STR_NONE;

    if (MHD_lookup_connection_value_n(request->connection->mhd, MHD_HEADER_KIND, name, strlen(name),
                                      &value.p, &value.n) == MHD_NO) {
        return STR_NONE;
    }
    while (value.n && is_blank(value.p[value.n - 1])) { /*= RFC 9112 5.1: OWS is not of the value */
        value.n--;
    }
    return value;
}

struct repeated {
    const char *name;
    unsigned count;
};

static enum MHD_Result count_same(void *with, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    struct repeated *repeated = with;

    (void)kind;
    (void)value;
    repeated->count += strcasecmp(name, repeated->name) == 0;
    return MHD_YES;
}

bool http_repeated(const struct http_request *request, const char *name)
{
    struct repeated repeated = {name, 0};

    MHD_get_connection_values(request->connection->mhd, MHD_HEADER_KIND, count_same, &repeated);
    return repeated.count > 1;
}

struct query {
    void (*visit)(void *with, struct str name, struct str value);
    void *with;
};

static struct str present(const char *p, size_t n)
{
    return p ? (struct str){p, n} : S("");
}

static enum MHD_Result visit_query(void *with, enum MHD_ValueKind kind, const char *name,
                                   size_t name_n, const char *value, size_t value_n)
{
    struct query *query = with;

    (void)kind;
    query->visit(query->with, present(name, name_n), present(value, value_n));
    return MHD_YES;
}

void http_query_each(const struct http_request *request,
                     void (*visit)(void *with, struct str name, struct str value), void *with)
{
    struct query query = {visit, with};

    MHD_get_connection_values_n(request->connection->mhd, MHD_GET_ARGUMENT_KIND, visit_query,
                                &query);
}

struct wanted {
    struct str name, value;
};

static void find_query(void *with, struct str name, struct str value)
{
    struct wanted *wanted = with;

    if (!wanted->value.p && str_eq(name, wanted->name)) {
        wanted->value = value;
    }
}

struct str http_query(const struct http_request *request, const char *name)
{
    struct wanted wanted = {str_of(name), STR_NONE};

    http_query_each(request, find_query, &wanted); /* libmicrohttpd's lookup ignores case */
    return wanted.value;
}

/* Arena, state, parking ----------------------------------------------------------------------- */

struct arena *http_arena(struct http_request *request)
{
    struct loop *loop = request->connection->loop;

    if (!request->arena && loop->spare_arena_count) {
        request->arena = loop->spare_arenas[--loop->spare_arena_count];
    }
    if (!request->arena) {
        request->arena = arena_new(loop->server->config.arena_max);
    }
    return request->arena;
}

void http_set_state(struct http_request *request, void *state, void (*done)(void *state))
{
    ASSERT(!request->done);
    request->state = state;
    request->done = done;
}

void *http_state(const struct http_request *request)
{
    return request->state;
}

void http_park(struct http_request *request)
{
    ASSERT(request->phase == PHASE_HANDLING || request->phase == PHASE_WAITING ||
           request->phase == PHASE_WOKEN);
    request_trim(request);
    request->parked = true;
    if (request->connection->peer_done) {
        request_abandon(request); /* in the handler: dispatch() does */
    }
}
