/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the HTTP server share: a server on a port the kernel picks, a client on a raw
 * socket that sees exactly what goes over the wire, and a gate to wait for the other side without
 * sleeping. Everything waits at most PATIENCE_MS and then fails.
 */
#ifndef FM_NET_CHECK_H
#define FM_NET_CHECK_H

#include "../check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/net.h"

#define PATIENCE_MS 20000
#define BODY_MAX (1536 * KIB)

/* Gates --------------------------------------------------------------------------------------- */

/* Counts what happened; gate_wait returns once it happened often enough. */
struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t moved;
    unsigned count;
};

#define GATE_INIT                                                                                  \
    {                                                                                              \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0                                     \
    }

static inline void gate_pass(struct gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    gate->count++;
    pthread_cond_broadcast(&gate->moved);
    pthread_mutex_unlock(&gate->mutex);
}

static inline unsigned gate_count(struct gate *gate)
{
    unsigned count;

    pthread_mutex_lock(&gate->mutex);
    count = gate->count;
    pthread_mutex_unlock(&gate->mutex);
    return count;
}

static inline void gate_reset(struct gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    gate->count = 0;
    pthread_mutex_unlock(&gate->mutex);
}

static inline bool gate_wait(struct gate *gate, unsigned count)
{
    struct timespec until;
    int late = 0;
    bool reached;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_MS / 1000;
    pthread_mutex_lock(&gate->mutex);
    while (gate->count < count && late == 0) {
        late = pthread_cond_timedwait(&gate->moved, &gate->mutex, &until);
    }
    reached = gate->count >= count;
    pthread_mutex_unlock(&gate->mutex);
    return reached;
}

/* Server -------------------------------------------------------------------------------------- */

static inline void write_problem(void *with, enum fm_err err, const char *detail, struct buf *body)
{
    (void)with;
    buf_printf(body, "{\"type\":\"/problems/%.*s\",\"detail\":\"%s\"}", STR_ARG(err_name(err)),
               detail);
}

static inline struct http_config test_config(http_handler_fn *handler)
{
    return (struct http_config){.host = S("127.0.0.1"),
                                .loops = 1,
                                .body_max = BODY_MAX,
                                .arena_max = MIB,
                                .connections_max = 1000,
                                .idle_s = 30,
                                .handler = handler,
                                .problem = write_problem};
}

static inline struct http_server *test_start(const struct http_config *config)
{
    struct arena *arena = arena_new(64 * KIB);
    struct http_server *server = NULL;
    struct ctx ctx;

    ctx_init(&ctx, arena);
    EXPECT(http_start(&ctx, config, &server) == FM_OK, "start: %s", ctx.detail);
    arena_free(arena);
    return server;
}

static inline void test_stop(struct http_server *server)
{
    http_stop(server, 0, NULL);
}

/* Client -------------------------------------------------------------------------------------- */

struct client {
    int fd;
    struct buf in; /* `used` of it belong to answers taken before */
    size_t used;
};

struct answer {
    int status;
    struct str head, body; /* until the next answer of the same client */
    bool chunked, closes;  /* as the head says */
};

static inline struct client client_open(const struct http_server *server)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(http_port(server)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    struct client client = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
                            .in = BUF_INIT(16 * MIB)};
    int on = 1;

    EXPECT(client.fd >= 0, "socket: %s", strerror(errno));
    setsockopt(client.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(client.fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    setsockopt(client.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    EXPECT(connect(client.fd, (struct sockaddr *)&to, sizeof(to)) == 0, "connect: %s",
           strerror(errno));
    return client;
}

static inline void client_close(struct client *client)
{
    if (client->fd >= 0) {
        close(client->fd);
    }
    client->fd = -1;
    buf_done(&client->in);
}

/* Sends all; false when the server has closed. */
static inline bool client_send(struct client *client, struct str bytes)
{
    while (bytes.n) {
        ssize_t n = send(client->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n < 0) {
            return false;
        }
        bytes = str_skip(bytes, (size_t)n);
    }
    return true;
}

/* More bytes into `in`; false at the end of the connection. */
static inline bool client_more(struct client *client)
{
    ssize_t n;

    if (!buf_reserve(&client->in, 64 * KIB)) {
        return false;
    }
    n = recv(client->fd, client->in.p + client->in.n, 64 * KIB, 0);
    EXPECT(n >= 0 || errno == ECONNRESET, "recv: %s", strerror(errno));
    client->in.n += n > 0 ? (size_t)n : 0;
    return n > 0;
}

static inline struct str client_unread(const struct client *client)
{
    return str_skip(buf_str(&client->in), client->used);
}

/* Whether the server has closed without sending anything more. */
static inline bool client_at_end(struct client *client)
{
    return client_unread(client).n == 0 && !client_more(client);
}

static inline struct str answer_header(const struct answer *answer, const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i + n + 2 < answer->head.n; i++) {
        const char *at = answer->head.p + i;
        if (at[0] == '\n' && strncasecmp(at + 1, name, n) == 0 && at[1 + n] == ':') {
            struct str rest = str_skip(answer->head, i + n + 3);
            return (struct str){rest.p, str_find(rest, '\r')};
        }
    }
    return STR_NONE;
}

/* Takes the chunks apart in place; false when the last one has not come yet. */
static inline bool unchunk(struct str raw, struct str *body, size_t *taken)
{
    char *out = (char *)(uintptr_t)raw.p;
    size_t at = 0, n = 0;
    bool done = false;

    /* first look only whether all is there */
    for (int copy = 0; copy < 2; copy++) {
        at = n = 0;
        done = false;
        while (!done) {
            struct str rest = str_skip(raw, at);
            size_t line = str_find(rest, '\n');
            size_t size;
            if (line == rest.n) {
                return false;
            }
            size = (size_t)strtoul(rest.p, NULL, 16);
            if (at + line + 1 + size + 2 > raw.n) {
                return false;
            }
            if (copy) {
                memmove(out + n, raw.p + at + line + 1, size);
            }
            n += size;
            at += line + 1 + size + 2;
            done = size == 0;
        }
    }
    *body = (struct str){raw.p, n};
    *taken = at;
    return true;
}

static inline size_t head_end(struct str s)
{
    for (size_t i = 0; i + 4 <= s.n; i++) {
        if (memcmp(s.p + i, "\r\n\r\n", 4) == 0) {
            return i + 4;
        }
    }
    return 0;
}

/* Takes one answer; false when the connection ended before it was whole. */
static inline bool client_answer_to(struct client *client, bool to_head, struct answer *out)
{
    size_t head_n, body_n = 0;
    uint64_t length = 0;

    while ((head_n = head_end(client_unread(client))) == 0) {
        if (!client_more(client)) {
            return false;
        }
    }
    *out = (struct answer){.head = {client_unread(client).p, head_n}};
    out->status = (int)strtol(out->head.p + 9, NULL, 10);
    out->chunked = answer_header(out, "Transfer-Encoding").p != NULL;
    out->closes = str_eq(answer_header(out, "Connection"), S("close"));
    str_to_u64(answer_header(out, "Content-Length"), &length);
    for (;;) {
        struct str rest = str_skip(client_unread(client), head_n);
        out->head = (struct str){client_unread(client).p, head_n};
        out->body = (struct str){rest.p, (size_t)length};
        body_n = (size_t)length;
        if (to_head || out->status == 100 || out->status == 204 ||
            (out->chunked ? unchunk(rest, &out->body, &body_n) : rest.n >= length)) {
            break;
        }
        if (!client_more(client)) {
            return false;
        }
    }
    if (to_head || out->status == 100 || out->status == 204) {
        body_n = 0;
        out->body = S("");
    }
    client->used += head_n + body_n;
    return true;
}

static inline bool client_answer(struct client *client, struct answer *out)
{
    return client_answer_to(client, false, out);
}

/* Sends printf text. */
static inline bool client_printf(struct client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline bool client_printf(struct client *client, const char *format, ...)
{
    char text[8192];
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    EXPECT(n >= 0 && (size_t)n < sizeof(text), "%s", format);
    return client_send(client, (struct str){text, (size_t)n});
}

/* GET on an open connection. */
static inline bool client_get(struct client *client, const char *path, struct answer *out)
{
    return client_printf(client, "GET %s HTTP/1.1\r\nHost: t\r\n\r\n", path) &&
           client_answer(client, out);
}

#endif
