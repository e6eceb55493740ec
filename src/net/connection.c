/* SPDX-License-Identifier: Apache-2.0
 *
 * One struct per connection: its deadline, and the watch for a peer that hangs up.
 *
 * libmicrohttpd's own time-outs are off: they restart with each byte, which lets a client that
 * sends one byte at a time hold a connection for ever. And it does not see every end: none while a
 * request is suspended, nor one that arrives together with the last bytes, as it takes a short read
 * for the end of an edge-triggered event. So the loop watches each connection for EPOLLRDHUP
 * itself. A peer that only closed its sending side cannot be told from one that is gone: it gets
 * the answers to what it sent, but cannot wait in a parked request or a stream.
 */
#include "net/net_internal.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static void connection_new(struct loop *loop, struct MHD_Connection *mhd, void **socket_context)
{
    struct connection *connection = calloc(1, sizeof(*connection));

    *socket_context = connection;
    if (!connection) {
        return; /* request_begin sees it and refuses */
    }
    connection->watch = WATCH_PEER;
    connection->loop = loop;
    connection->mhd = mhd;
    connection->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    connection->next = loop->connections;
    if (connection->next) {
        connection->next->previous = connection;
    }
    loop->connections = connection;
    if (!loop_watch(loop, connection->fd, &connection->watch, EPOLLRDHUP | EPOLLET)) {
        connection->peer_done = true; /* unwatched, it may at least not wait */
    }
    connection_await_request(connection);
}

static void connection_free(struct connection *connection)
{
    struct loop *loop = connection->loop;

    wheel_clear(&loop->wheel, &connection->timer);
    loop_unwatch(loop, connection->fd); /* a lingering duplicate would keep it in the set */
    if (connection->next) {
        connection->next->previous = connection->previous;
    }
    if (connection->previous) {
        connection->previous->next = connection->next;
    } else {
        loop->connections = connection->next;
    }
    free(connection);
    loop->daemon_due = true; /* at its limit libmicrohttpd listens again only in its next run */
}

void connection_notify(void *loop, struct MHD_Connection *mhd, void **socket_context,
                       enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        connection_new(loop, mhd, socket_context);
    } else if (*socket_context) {
        connection_free(*socket_context);
        *socket_context = NULL;
    }
}

void connection_cut(struct connection *connection)
{
    (void)shutdown(connection->fd, SHUT_RDWR);
}

void connection_read_no_more(struct connection *connection)
{
    (void)shutdown(connection->fd, SHUT_RD);
}

static void deadline_look(struct loop_timer *timer)
{
    struct connection *connection =
        (struct connection *)(void *)((char *)timer - offsetof(struct connection, timer));
    int64_t deadline_us = connection->deadline_us;

    if (deadline_us == 0) {
        return;
    }
    if (deadline_us > connection->loop->now_us) {
        wheel_set(&connection->loop->wheel, timer, deadline_us, deadline_look);
        return;
    }
    connection_cut(connection);
}

/* Moving a deadline further away only stores it: the timer fires once in vain and looks again,
 * which is cheaper than moving it two or three times per request. */
void connection_deadline(struct connection *connection, int64_t at_us)
{
    connection->deadline_us = at_us;
    if (at_us != 0 && (!connection->timer.next || connection->timer.at_us > at_us)) {
        wheel_set(&connection->loop->wheel, &connection->timer, at_us, deadline_look);
    }
}

void connection_await_request(struct connection *connection)
{
    struct loop *loop = connection->loop;
    int64_t wait_us = connection->peer_done ? HANGUP_US : loop->server->config.idle_s * SECOND_US;

    connection_deadline(connection, loop->now_us + wait_us);
}

void connection_peer_done(struct connection *connection)
{
    struct http_request *request = connection->request;

    connection->peer_done = true;
    if (request && (request->parked || request->stream)) {
        request_abandon(request);
    } else if (!request || request->phase <= PHASE_BODY) {
        connection_await_request(
            connection); /* what it has sent is there: soon read, then closed */
    }
}

/* Writes the address; an IPv4 peer of an IPv6 socket reads like any other IPv4 peer, so that limits
 * per address count it once. */
static void format_peer(const struct sockaddr *address, char out[INET6_ADDRSTRLEN])
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
        inet_ntop(AF_INET, &v4->sin_addr, out, INET6_ADDRSTRLEN);
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
        bool mapped = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
        inet_ntop(mapped ? AF_INET : AF_INET6, v6->sin6_addr.s6_addr + (mapped ? 12 : 0), out,
                  INET6_ADDRSTRLEN);
    }
}

struct str http_peer(const struct http_request *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct arena *arena = http_arena((struct http_request *)(uintptr_t)request);
    char text[INET6_ADDRSTRLEN] = "";

    if (info && info->client_addr) {
        format_peer(info->client_addr, text);
    }
    return arena ? arena_copy(arena, str_of(text)) : STR_NONE;
}
