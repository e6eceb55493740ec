/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting and stopping: the listening sockets, one libmicrohttpd daemon and one thread per loop.
 *
 * The sockets share their address by SO_REUSEPORT. So that a second server on the same address is
 * an error as ever and not a thief of half the connections, the address is first bound without it.
 */
#include "net/net_internal.h"

#include "base/panic.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define ADDRESS_TEXT_MAX 64

/* Addresses and sockets ----------------------------------------------------------------------- */

struct address {
    struct sockaddr_storage bytes;
    socklen_t n;
};

static enum fm_err resolve(struct ctx *ctx, const struct http_config *config, struct address *out)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char host[ADDRESS_TEXT_MAX], port[8];
    int failed;

    snprintf(host, sizeof(host), "%.*s", STR_ARG(config->host));
    snprintf(port, sizeof(port), "%u", (unsigned)config->port);
    failed = getaddrinfo(host, port, &hints, &found);
    if (failed) {
        return fail(ctx, FM_E_INTERNAL, "cannot listen on %s: %s", host, gai_strerror(failed));
    }
    memcpy(&out->bytes, found->ai_addr, found->ai_addrlen);
    out->n = found->ai_addrlen;
    freeaddrinfo(found);
    return FM_OK;
}

/* A socket bound to the address, or -1 with errno. */
static int bind_socket(const struct address *address, bool shared)
{
    int on = 1, saved;
    int fd = socket(address->bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        (!shared || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0) &&
        bind(fd, (const struct sockaddr *)&address->bytes, address->n) == 0) {
        return fd;
    }
    saved = errno;
    if (fd >= 0) {
        close(fd);
    }
    errno = saved;
    return -1;
}

static uint16_t port_of(const struct address *address)
{
    /* sin_port and sin6_port lie at the same place */
    return ntohs(((const struct sockaddr_in *)(const void *)&address->bytes)->sin_port);
}

/* Whether nobody else listens there; a port of 0 is always free. */
static bool address_free(const struct address *address)
{
    int fd = port_of(address) == 0 ? -1 : bind_socket(address, false);

    if (fd >= 0) {
        close(fd);
        return true;
    }
    return port_of(address) == 0;
}

/* One more listening socket of the address; the first one settles a port of 0. */
static int listen_socket(struct address *address)
{
    int fd = bind_socket(address, true);

    if (fd >= 0 && listen(fd, LISTEN_BACKLOG) == 0 &&
        getsockname(fd, (struct sockaddr *)&address->bytes, &address->n) == 0) {
        return fd;
    }
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

/* Starting ------------------------------------------------------------------------------------ */

static _Noreturn void daemon_panic(void *with, const char *file, unsigned line, const char *reason)
{
    (void)with;
    panic(file, (int)line, "libmicrohttpd: %s", reason ? reason : "no reason given");
}

/* The leniency of libmicrohttpd is left at its default: framing.c judges each head itself, and so
 * can answer with a problem document. */
static struct MHD_Daemon *daemon_start(struct loop *loop, int listen_fd)
{
    const struct http_config *config = &loop->server->config;

    return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, request_call,
                            loop, MHD_OPTION_LISTEN_SOCKET, listen_fd, /* becomes its own */
                            MHD_OPTION_CONNECTION_LIMIT, config->connections_max,   /* */
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, POOL_SIZE,          /* */
                            MHD_OPTION_CONNECTION_MEMORY_INCREMENT, POOL_INCREMENT, /* */
                            MHD_OPTION_CONNECTION_TIMEOUT, 0u, /* see connection.c */
                            MHD_OPTION_NOTIFY_CONNECTION, connection_notify, (void *)loop, /* */
                            MHD_OPTION_URI_LOG_CALLBACK, request_begin, (void *)loop,      /* */
                            MHD_OPTION_NOTIFY_COMPLETED, request_end, (void *)loop, MHD_OPTION_END);
}

static enum fm_err start_loop(struct ctx *ctx, struct loop *loop, struct address *address)
{
    const struct http_config *config = &loop->server->config;
    int fd = listen_socket(address);

    if (fd < 0) {
        return fail(ctx, FM_E_INTERNAL, "cannot listen on %.*s port %u: %s", STR_ARG(config->host),
                    (unsigned)config->port, strerror(errno));
    }
    loop->daemon = daemon_start(loop, fd);
    if (!loop->daemon) {
        close(fd);
        return fail(ctx, FM_E_INTERNAL, "cannot start the HTTP server: %s", strerror(errno));
    }
    loop->daemon_fd = MHD_get_daemon_info(loop->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    if (!loop_watch(loop, loop->daemon_fd, &loop->watch_daemon, EPOLLIN)) {
        return fail(ctx, FM_E_INTERNAL, "cannot watch the HTTP server: %s", strerror(errno));
    }
    return FM_OK;
}

static void server_free(struct http_server *server)
{
    for (unsigned i = 0; i < server->loop_count; i++) {
        loop_done(&server->loops[i]);
    }
    if (server->told_fd >= 0) {
        close(server->told_fd);
    }
    free(server);
}

/* Waits until the loops have told `count` times together; false when the time is over first. */
static bool wait_told(const struct http_server *server, uint64_t count, int wait_ms)
{
    int64_t end_us = clock_monotonic_us() + (int64_t)wait_ms * 1000;
    uint64_t told = 0, more;

    while (told < count) {
        struct pollfd poll_fd = {.fd = server->told_fd, .events = POLLIN};
        int64_t left_ms = wait_ms < 0 ? -1 : (end_us - clock_monotonic_us() + 999) / 1000;

        if (wait_ms >= 0 && left_ms <= 0) {
            return false;
        }
        if (poll(&poll_fd, 1, (int)left_ms) > 0 &&
            read(server->told_fd, &more, sizeof(more)) == sizeof(more)) {
            told += more;
        }
    }
    return true;
}

static void run_stop(struct loop_message *message)
{
    struct loop *loop = (struct loop *)(void *)((char *)message - offsetof(struct loop, stop));

    loop->stopping = true;
}

static void stop_threads(struct http_server *server, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        server->loops[i].stop.run = run_stop;
        loop_post(&server->loops[i], &server->loops[i].stop);
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(server->loops[i].thread, NULL);
    }
}

/* Signals are the main thread's business: the loops are born with all of them blocked. */
static bool start_threads(struct http_server *server)
{
    sigset_t all, before;
    unsigned started = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (started < server->loop_count &&
           pthread_create(&server->loops[started].thread, NULL, loop_thread,
                          &server->loops[started]) == 0) {
        started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)wait_told(server, started, -1);
    if (started < server->loop_count) {
        stop_threads(server, started);
        return false;
    }
    return true;
}

static enum fm_err start_all(struct ctx *ctx, struct http_server *server)
{
    struct address address;

    TRY(resolve(ctx, &server->config, &address));
    if (!address_free(&address)) {
        return fail(ctx, FM_E_INTERNAL, "cannot listen on %.*s port %u: %s",
                    STR_ARG(server->config.host), (unsigned)server->config.port, strerror(errno));
    }
    for (unsigned i = 0; i < server->loop_count; i++) {
        TRY(start_loop(ctx, &server->loops[i], &address));
    }
    server->port = port_of(&address);
    if (!start_threads(server)) {
        return fail(ctx, FM_E_INTERNAL, "cannot start the threads of the HTTP server");
    }
    return FM_OK;
}

enum fm_err http_start(struct ctx *ctx, const struct http_config *config, struct http_server **out)
{
    struct http_server *server;
    enum fm_err err = FM_OK;

    ASSERT(config->loops >= 1 && config->loops <= LOOPS_MAX && config->idle_s >= 1);
    server = calloc(1, sizeof(*server) + config->loops * sizeof(struct loop));
    if (!server) {
        return fail_memory(ctx);
    }
    MHD_set_panic_func(daemon_panic, NULL);
    server->config = *config;
    server->told_fd = eventfd(0, EFD_CLOEXEC);
    for (unsigned i = 0; i < config->loops; i++) {
        server->loop_count++;
        if (!loop_init(&server->loops[i], server, i)) {
            err = fail(ctx, FM_E_INTERNAL, "cannot start an event loop: %s", strerror(errno));
            break;
        }
    }
    if (err == FM_OK && server->told_fd < 0) {
        err = fail(ctx, FM_E_INTERNAL, "cannot start an event loop: %s", strerror(errno));
    }
    err = err == FM_OK ? start_all(ctx, server) : err;
    if (err != FM_OK) {
        server_free(server);
        return err;
    }
    *out = server;
    return FM_OK;
}

uint16_t http_port(const struct http_server *server)
{
    return server->port;
}

unsigned http_loop_count(const struct http_server *server)
{
    return server->loop_count;
}

struct loop *http_loop(const struct http_server *server, unsigned index)
{
    ASSERT(index < server->loop_count);
    return (struct loop *)(uintptr_t)&server->loops[index];
}

/* Stopping ------------------------------------------------------------------------------------ */

/* No new connections; idle ones close, after a request that may have arrived just now. */
static void run_drain(struct loop_message *message)
{
    struct loop *loop = (struct loop *)(void *)((char *)message - offsetof(struct loop, drain));
    int listen_fd = MHD_quiesce_daemon(loop->daemon);

    if (listen_fd >= 0) {
        close(listen_fd);
    }
    loop->draining = true;
    for (struct connection *at = loop->connections; at; at = at->next) {
        if (!at->request) {
            connection_read_no_more(at);
        }
    }
    if (loop->server->draining) {
        loop->server->draining(loop->server->config.with, loop);
    }
}

void http_stop(struct http_server *server, unsigned grace_ms,
               void (*draining)(void *with, struct loop *))
{
    server->draining = draining;
    for (unsigned i = 0; i < server->loop_count; i++) {
        server->loops[i].drain.run = run_drain;
        loop_post(&server->loops[i], &server->loops[i].drain);
    }
    (void)wait_told(server, server->loop_count, (int)grace_ms);
    stop_threads(server, server->loop_count);
    server_free(server);
}

void net_raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}
