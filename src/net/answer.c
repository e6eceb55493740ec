/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers: one libmicrohttpd response each, given over at once when the handler is still running,
 * else by waking the request.
 */
#include "net/net_internal.h"

#include "base/log.h"
#include "base/panic.h"

#include <stdlib.h>

/* Adds one line; an empty value is left out, as libmicrohttpd takes none. `value` is not longer
 * than ANSWER_HEADERS_MAX. */
static bool add_header(struct MHD_Response *response, const struct http_header_line *line)
{
    char value[ANSWER_HEADERS_MAX + 1];

    for (size_t i = 0; i < line->value.n; i++) {
        unsigned char c = (unsigned char)line->value.p[i];
        ASSERT((c >= 0x20 || c == '\t') && c != 0x7f);
    }
    if (line->value.n == 0) {
        return true;
    }
    memcpy(value, line->value.p, line->value.n);
    value[line->value.n] = '\0';
    return MHD_add_response_header(response, line->name, value) == MHD_YES;
}

bool answer_headers(struct MHD_Response *response, const struct http_header_line *headers,
                    size_t header_count)
{
    size_t size = 0;

    for (size_t i = 0; i < header_count; i++) {
        size_t line = strlen(headers[i].name) + headers[i].value.n + 4; /* ": " CR LF */

        if (line > ANSWER_HEADERS_MAX - size) {
            log_error("http.answer_head_too_large", F_TEXT("name", str_of(headers[i].name)));
            return false;
        }
        size += line;
        if (!add_header(response, &headers[i])) {
            return false;
        }
    }
    return true;
}

enum MHD_Result answer_queue(struct http_request *request)
{
    struct connection *connection = request->connection;
    struct MHD_Response *response = request->response;
    enum MHD_Result result;

    request->response = NULL;
    request->phase = PHASE_SENDING;
    if ((request->chunked || connection->loop->draining) &&
        MHD_add_response_header(response, "Connection", "close") == MHD_NO) {
        MHD_destroy_response(response);
        return MHD_NO;
    }
    connection_deadline(connection, request->send_max_us == 0
                                        ? 0
                                        : connection->loop->now_us + request->send_max_us);
    result = MHD_queue_response(connection->mhd, request->status, response);
    MHD_destroy_response(response); /* the queue holds its own reference */
    return result;
}

void answer_ready(struct http_request *request, struct MHD_Response *response, int status,
                  size_t body_n)
{
    int64_t idle_us = request->connection->loop->server->config.idle_s * SECOND_US;

    request->response = response;
    request->status = (unsigned)status;
    request->send_max_us =
        request->stream ? 0 : idle_us + (int64_t)body_n * SECOND_US / SLOWEST_BYTES_PER_S;
    if (!response) {
        request->gone = true;
    }
    if (request->phase == PHASE_WAITING) {
        request_wake(request);
    }
}

static void answer(struct http_request *request, int status, const struct http_header_line *headers,
                   size_t header_count, struct MHD_Response *response, size_t body_n)
{
    if (response && !answer_headers(response, headers, header_count)) {
        MHD_destroy_response(response);
        response = NULL;
    }
    answer_ready(request, response, status, body_n);
}

bool answer_is_open(const struct http_request *request)
{
    if (request->phase == PHASE_WOKEN && request->gone) {
        return false;
    }
    ASSERT(request->phase == PHASE_HANDLING || request->phase == PHASE_WAITING);
    ASSERT(!request->response);
    return true;
}

void http_answer(struct http_request *request, int status, const struct http_header_line *headers,
                 size_t header_count, char *body_give, size_t body_n)
{
    struct MHD_Response *response;

    if (!answer_is_open(request)) {
        free(body_give);
        return;
    }
    response = MHD_create_response_from_buffer(
        body_n, body_give, body_give ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (!response) {
        free(body_give);
    }
    answer(request, status, headers, header_count, response, body_n);
}

void http_answer_static(struct http_request *request, int status,
                        const struct http_header_line *headers, size_t header_count,
                        struct str body)
{
    if (answer_is_open(request)) {
        /* libmicrohttpd wants a pointer to change, and does not change it */
        void *bytes = (void *)(uintptr_t)body.p;
        answer(request, status, headers, header_count,
               MHD_create_response_from_buffer(body.n, bytes, MHD_RESPMEM_PERSISTENT), body.n);
    }
}

void http_observe_send(struct http_request *request, int64_t committed_at_us,
                       void (*observe)(int64_t elapsed_us))
{
    request->committed_at_us = committed_at_us;
    request->observe = observe;
}
