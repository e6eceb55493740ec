/* SPDX-License-Identifier: Apache-2.0
 *
 * Refusing a request that must not reach the handler: ambiguous framing, a body over the limit. The
 * answer goes to the socket past libmicrohttpd, which could not send one in the middle of a body or
 * with its memory full, and the connection ends with it. Nothing of the connection has been
 * answered in part at that point, as libmicrohttpd works on one request at a time.
 *
 * The socket is then read and what comes is thrown away for a short while: see struct lingering.
 */
#include "net/net_internal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* RFC 9110 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT" */
static void add_date(struct buf *buf)
{
    static const char days[] = "ThuFriSatSunMonTueWed"; /* 1970 began with a Thursday */
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char text[CLOCK_TEXT_SIZE];
    int64_t now_us = clock_now_us();
    size_t month;

    clock_format(now_us, text);
    month = (size_t)((text[5] - '0') * 10 + text[6] - '0' - 1);
    buf_printf(buf, "Date: %.3s, %.2s %.3s %.4s %.8s GMT\r\n", days + now_us / DAY_US % 7 * 3,
               text + 8, months + month * 3, text, text + 11);
}

static void linger_end(struct lingering *linger)
{
    struct loop *loop = linger->loop;

    loop_unwatch(loop, linger->fd);
    close(linger->fd);
    wheel_clear(&loop->wheel, &linger->timer);
    if (linger->next) {
        linger->next->previous = linger->previous;
    }
    if (linger->previous) {
        linger->previous->next = linger->next;
    } else {
        loop->lingering = linger->next;
    }
    loop->lingering_count--;
    free(linger);
}

static void linger_time_over(struct loop_timer *timer)
{
    linger_end((struct lingering *)(void *)((char *)timer - offsetof(struct lingering, timer)));
}

void linger_readable(struct lingering *linger)
{
    char waste[16 * KIB];
    ssize_t n = recv(linger->fd, waste, sizeof(waste), MSG_DONTWAIT);

    if (n > 0) {
        linger->read += (size_t)n;
    }
    if (n <= 0 || linger->read > LINGER_BYTES_MAX) {
        linger_end(linger);
    }
}

void linger_end_all(struct loop *loop)
{
    while (loop->lingering) {
        linger_end(loop->lingering);
    }
}

/* Keeps a second descriptor of the socket, which lives on when libmicrohttpd closes its own.
 * Without one the connection just closes. */
static void linger_begin(struct loop *loop, int fd)
{
    struct lingering *linger =
        loop->lingering_count < LINGERING_MAX ? calloc(1, sizeof(*linger)) : NULL;

    if (!linger) {
        return;
    }
    linger->watch = WATCH_LINGER;
    linger->loop = loop;
    linger->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (linger->fd < 0 || !loop_watch(loop, linger->fd, &linger->watch, EPOLLIN)) {
        if (linger->fd >= 0) {
            close(linger->fd);
        }
        free(linger);
        return;
    }
    linger->next = loop->lingering;
    if (linger->next) {
        linger->next->previous = linger;
    }
    loop->lingering = linger;
    loop->lingering_count++;
    wheel_set(&loop->wheel, &linger->timer, loop->now_us + LINGER_US, linger_time_over);
}

enum MHD_Result refuse(struct http_request *request, enum fm_err err, int status,
                       const char *detail)
{
    const struct http_config *config = &request->connection->loop->server->config;
    AUTO(buf_done) struct buf body = BUF_INIT(PROBLEM_MAX);
    AUTO(buf_done) struct buf text = BUF_INIT(2 * PROBLEM_MAX);
    struct str all;

    config->problem(config->with, err, detail, &body);
    buf_printf(&text, "HTTP/1.1 %d %s\r\n", status, MHD_get_reason_phrase_for((unsigned)status));
    add_date(&text);
    buf_printf(&text,
               "Content-Type: application/problem+json\r\nContent-Length: %zu\r\n"
               "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
               "Connection: close\r\n\r\n",
               buf_str(&body).n);
    if (request->method != HTTP_HEAD) {
        buf_add(&text, buf_str(&body));
    }
    all = buf_str(&text);
    if (all.p && send(request->connection->fd, all.p, all.n, MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
        linger_begin(request->connection->loop, request->connection->fd);
    }
    return MHD_NO;
}
