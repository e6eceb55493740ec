/* SPDX-License-Identifier: Apache-2.0
 *
 * Event streams: an answer whose body stays open. libmicrohttpd asks for bytes; when there are none
 * the request is suspended until somebody sends some. The buffer is bounded, so a peer that reads
 * too slowly loses its stream, not our memory: it comes back with Last-Event-ID.
 *
 * Invariants
 * 1. `asleep` exactly while suspended; only an awake stream is asked for bytes.
 * 2. A stream that is broken or ended sends nothing new.
 */
#include "net/net_internal.h"

#include "base/panic.h"

#include <stdlib.h>

static void wake(struct stream *stream)
{
    struct connection *connection = stream->request->connection;

    if (stream->asleep) {
        stream->asleep = false;
        connection->loop->daemon_due = true;
        MHD_resume_connection(connection->mhd);
    }
}

/* Ends the stream without the proper last chunk, so that the peer knows that something is missing.
 */
void stream_break(struct stream *stream)
{
    stream->broken = true;
    if (stream->request->phase == PHASE_SENDING) {
        connection_cut(stream->request->connection);
        wake(stream);
    }
}

/* libmicrohttpd wants bytes. */
static ssize_t read_stream(void *with, uint64_t position, char *out, size_t room)
{
    struct stream *stream = with;
    size_t n = stream->buffer.n - stream->sent;

    (void)position;
    if (stream->broken) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (n == 0 && stream->ended) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    if (n == 0) {
        stream->asleep = true;
        MHD_suspend_connection(stream->request->connection->mhd);
        return 0;
    }
    n = n < room ? n : room;
    memcpy(out, stream->buffer.p + stream->sent, n);
    stream->sent += n;
    if (stream->sent == stream->buffer.n) {
        buf_done(&stream->buffer); /* a quiet stream keeps no buffer */
        stream->sent = 0;
    }
    return (ssize_t)n;
}

static void append(struct stream *stream, struct str bytes)
{
    struct buf *buffer = &stream->buffer;

    /* what is sent makes room when it is more than half, or when the room is needed */
    if (stream->sent > 0 && (stream->sent > buffer->n / 2 || bytes.n > buffer->max - buffer->n)) {
        memmove(buffer->p, buffer->p + stream->sent, buffer->n - stream->sent);
        buffer->n -= stream->sent;
        stream->sent = 0;
    }
    buf_add(buffer, bytes);
    stream->quiet_since_us = stream->request->connection->loop->now_us;
    if (!buf_ok(buffer)) {
        stream_break(stream);
        return;
    }
    wake(stream);
}

static void heartbeat(struct loop_timer *timer)
{
    struct stream *stream =
        (struct stream *)(void *)((char *)timer - offsetof(struct stream, timer));
    struct loop *loop = stream->request->connection->loop;

    if (stream->broken || stream->ended) {
        return;
    }
    if (stream->quiet_since_us + stream->heartbeat_us <= loop->now_us) {
        append(stream, S(":\n\n"));
    }
    wheel_set(&loop->wheel, timer, stream->quiet_since_us + stream->heartbeat_us, heartbeat);
}

static struct stream *stream_new(struct http_request *request, size_t buffer_max,
                                 unsigned heartbeat_s)
{
    struct loop *loop = request->connection->loop;
    struct stream *stream = calloc(1, sizeof(*stream));

    if (!stream) {
        return NULL;
    }
    request->stream = stream;
    stream->request = request;
    stream->buffer = (struct buf)BUF_INIT(buffer_max);
    stream->heartbeat_us = heartbeat_s * SECOND_US;
    stream->quiet_since_us = loop->now_us;
    wheel_set(&loop->wheel, &stream->timer, loop->now_us + stream->heartbeat_us, heartbeat);
    return stream;
}

/* libmicrohttpd would send a last chunk even in answer to HEAD: an empty body has none. */
static struct MHD_Response *response_of(struct stream *stream)
{
    if (stream->request->method == HTTP_HEAD) {
        stream->ended = true;
        return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    }
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1, read_stream, stream, NULL);
}

void http_stream(struct http_request *request, const struct http_header_line *headers,
                 size_t header_count, size_t buffer_max, unsigned heartbeat_s)
{
    struct stream *stream;
    struct MHD_Response *response;

    if (!answer_is_open(request)) {
        return;
    }
    stream = stream_new(request, buffer_max, heartbeat_s);
    response = stream ? response_of(stream) : NULL;
    if (response && !answer_headers(response, headers, header_count)) {
        MHD_destroy_response(response);
        response = NULL;
    }
    if (stream) {
        stream->broken = response == NULL || request->connection->peer_done;
    }
    answer_ready(request, response, 200, 0);
}

bool http_stream_send(struct http_request *request, struct str bytes)
{
    struct stream *stream = request->stream;

    if (!stream || stream->broken || stream->ended) {
        return false;
    }
    append(stream, bytes);
    return !stream->broken;
}

void http_stream_end(struct http_request *request)
{
    if (request->stream && !request->stream->broken) {
        request->stream->ended = true;
        wake(request->stream);
    }
}

void stream_end(struct stream *stream)
{
    wheel_clear(&stream->request->connection->loop->wheel, &stream->timer);
    buf_done(&stream->buffer);
    free(stream);
}
