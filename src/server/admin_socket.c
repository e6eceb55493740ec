/* SPDX-License-Identifier: Apache-2.0
 *
 * The admin socket: one thread that polls the listening socket and its clients, reads lines, runs them
 * one after another and sends the answers.
 *
 * It must never let one client hold up the server: lines, answers, clients and times are bounded, and
 * a client that does not take its answer is not read from.
 *
 * 1. A client is our own user or root (SO_PEERCRED), whatever the mode of the socket's file.
 * 2. Only the thread touches clients; the rest of the program has the wake-up descriptor alone.
 * 3. A line and an answer are wiped as soon as they are done with: they hold passwords and keys.
 */
#include "server/admin.h"

#include "base/log.h"
#include "base/panic.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARENA_BYTES_MAX (16 * MIB) /* of one command */
#define ACCEPT_PAUSE_US SECOND_US  /* when no descriptor is free: instead of asking again at once */

static const struct json_limits line_limits = {.bytes = ADMIN_LINE_MAX, .depth = 16, .values = 4096};

struct client {
    int fd; /* -1: the place is free */
    bool last;           /* closed after the answer that is being sent */
    int64_t deadline_us; /* monotonic; for the next whole line, and for taking the answer */
    struct buf out;
    size_t sent, in_n;
    char in[ADMIN_LINE_MAX];
};

struct admin {
    struct instance *instance;
    struct admin_limits limits;
    int listen_fd, wake_fd;
    int64_t accept_at_us; /* 0, or when to listen again */
    char *path;
    struct arena *arena;
    pthread_t thread;
    struct client clients[ADMIN_CLIENTS_MAX];
};

/* Clients -------------------------------------------------------------------------------------- */

static void client_close(struct client *client)
{
    close(client->fd);
    client->fd = -1;
    crypto_wipe(client->in, client->in_n);
    client->in_n = 0;
    if (client->out.p) {
        crypto_wipe(client->out.p, client->out.n);
    }
    buf_done(&client->out);
    client->sent = 0;
}

static void client_open(struct admin *admin, struct client *client, int fd)
{
    client->fd = fd;
    client->last = false;
    client->in_n = client->sent = 0;
    client->out = (struct buf)BUF_INIT(ADMIN_ANSWER_MAX + 1); /* and the newline */
    client->deadline_us = clock_monotonic_us() + admin->limits.idle_ms * INT64_C(1000);
}

static bool has_answer(const struct client *client)
{
    return client->out.n > client->sent;
}

/* Ends the line in the answer; an answer that lacks memory cannot even say so. */
static void end_answer(struct client *client)
{
    buf_add_char(&client->out, '\n');
    if (!buf_ok(&client->out)) {
        buf_reset(&client->out);
        buf_lit(&client->out, "{\"ok\":false,\"status\":503,\"name\":\"overloaded\","
                              "\"detail\":\"out of memory\"}\n");
        client->last = true;
    }
}

/* A refusal that no command has seen. */
static void refuse(struct client *client, enum fm_err err, const char *detail)
{
    struct json_out out = JSON_OUT(&client->out);

    jo_object(&out);
    jo_m_bool(&out, "ok", false);
    jo_m_int(&out, "status", err_status(err));
    jo_m_str(&out, "name", err_name(err));
    jo_m_str(&out, "detail", str_of(detail));
    jo_object_end(&out);
    client->last = true;
    end_answer(client);
}

static void answer_line(struct admin *admin, struct client *client, struct str line)
{
    const struct json *request;
    struct ctx ctx;

    ctx_init(&ctx, admin->arena);
    if (json_parse(&ctx, line, &line_limits, &request) != FM_OK) {
        refuse(client, ctx.err, ctx.detail);
        client->last = false; /* the next line may be a better one */
    } else {
        (void)admin_run(&ctx, admin->instance, request, &client->out);
        end_answer(client);
    }
    arena_reset(admin->arena);
}

/* Carries out the first whole line of what has been read. False: there is none yet. */
static bool take_line(struct admin *admin, struct client *client)
{
    size_t n = str_find((struct str){client->in, client->in_n}, '\n');

    if (n == client->in_n) {
        if (client->in_n < sizeof(client->in)) {
            return false;
        }
        refuse(client, FM_E_TOO_LARGE, "a line has at most 64 KiB");
        return true;
    }
    answer_line(admin, client, (struct str){client->in, n});
    client->in_n -= n + 1;
    memmove(client->in, client->in + n + 1, client->in_n);
    crypto_wipe(client->in + client->in_n, n + 1);
    return true;
}

/* Sends what there is to send. False: the client has to be waited for, or is gone. */
static bool send_answer(struct admin *admin, struct client *client)
{
    while (has_answer(client)) {
        ssize_t n = send(client->fd, client->out.p + client->sent, client->out.n - client->sent,
                         MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            if (errno != EAGAIN) {
                client_close(client);
            }
            return false;
        }
        client->sent += (size_t)n;
    }
    if (client->last) {
        client_close(client);
        return false;
    }
    if (client->sent > 0) {
        crypto_wipe(client->out.p, client->out.n);
        buf_done(&client->out);
        client->sent = 0;
        client->deadline_us = clock_monotonic_us() + admin->limits.idle_ms * INT64_C(1000);
    }
    return true;
}

/* False: nothing came, or the client is gone. */
static bool receive(struct client *client)
{
    ssize_t n = recv(client->fd, client->in + client->in_n, sizeof(client->in) - client->in_n, 0);

    if (n > 0) {
        client->in_n += (size_t)n;
        return true;
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        client_close(client);
    }
    return false;
}

static void serve(struct admin *admin, struct client *client)
{
    if (!has_answer(client) && !receive(client)) {
        return;
    }
    while (send_answer(admin, client) && take_line(admin, client)) {
    }
}

/* Letting clients in --------------------------------------------------------------------------- */

static bool peer_is_allowed(int fd)
{
    struct ucred peer;
    socklen_t n = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0) {
        return false;
    }
    if (peer.uid != geteuid() && peer.uid != 0) {
        log_warn("admin.refused", F_INT("uid", peer.uid));
        return false;
    }
    return true;
}

static struct client *free_place(struct admin *admin)
{
    for (size_t i = 0; i < admin->limits.clients_max; i++) {
        if (admin->clients[i].fd < 0) {
            return &admin->clients[i];
        }
    }
    return NULL;
}

static void turn_away(int fd)
{
    static const char full[] = "{\"ok\":false,\"status\":503,\"name\":\"overloaded\","
                               "\"detail\":\"too many command lines at once; try again\"}\n";

    (void)!send(fd, full, sizeof(full) - 1, MSG_NOSIGNAL); /* it is closed either way */
    close(fd);
}

static void let_in(struct admin *admin)
{
    int fd = accept4(admin->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct client *client;

    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            admin->accept_at_us = clock_monotonic_us() + ACCEPT_PAUSE_US;
        }
        return;
    }
    if (!peer_is_allowed(fd)) {
        close(fd);
        return;
    }
    client = free_place(admin);
    if (!client) {
        turn_away(fd);
        return;
    }
    client_open(admin, client, fd);
}

/* The thread ----------------------------------------------------------------------------------- */

enum { POLL_WAKE, POLL_LISTEN, POLL_CLIENTS, POLL_COUNT = POLL_CLIENTS + ADMIN_CLIENTS_MAX };

/* What to wait for (a negative descriptor is skipped by poll) and for how long, in ms; -1: for ever. */
static int prepare(struct admin *admin, struct pollfd polls[POLL_COUNT])
{
    int64_t now = clock_monotonic_us();
    int64_t until = admin->accept_at_us > now ? admin->accept_at_us : INT64_MAX;

    polls[POLL_WAKE] = (struct pollfd){.fd = admin->wake_fd, .events = POLLIN};
    polls[POLL_LISTEN] = (struct pollfd){.fd = until == INT64_MAX ? admin->listen_fd : -1,
                                         .events = POLLIN};
    for (size_t i = 0; i < ADMIN_CLIENTS_MAX; i++) {
        const struct client *client = &admin->clients[i];
        polls[POLL_CLIENTS + i] = (struct pollfd){.fd = client->fd,
                                                  .events = has_answer(client) ? POLLOUT : POLLIN};
        if (client->fd >= 0 && client->deadline_us < until) {
            until = client->deadline_us;
        }
    }
    return until == INT64_MAX ? -1 : until <= now ? 0 : (int)((until - now + 999) / 1000);
}

/* Serves who is ready, then closes who is late: a client that waited behind a long command is served
 * first, and its deadline moves with its answer. */
static void attend(struct admin *admin, const struct pollfd polls[POLL_COUNT])
{
    int64_t now = clock_monotonic_us();

    for (size_t i = 0; i < ADMIN_CLIENTS_MAX; i++) {
        struct client *client = &admin->clients[i];
        if (client->fd >= 0 && polls[POLL_CLIENTS + i].revents) {
            serve(admin, client);
        }
        if (client->fd >= 0 && client->deadline_us <= now) {
            client_close(client);
        }
    }
    if (polls[POLL_LISTEN].revents) {
        let_in(admin);
    }
}

static void *admin_main(void *arg)
{
    struct admin *admin = arg;
    struct pollfd polls[POLL_COUNT];

    for (;;) {
        int wait_ms = prepare(admin, polls);
        if (poll(polls, POLL_COUNT, wait_ms) < 0) {
            if (errno == EINTR) {
                continue;
            }
            PANIC("poll: %s", strerror(errno));
        }
        if (polls[POLL_WAKE].revents) {
            return NULL;
        }
        attend(admin, polls);
    }
}

/* Start and stop ------------------------------------------------------------------------------- */

static enum fm_err make_path(struct ctx *ctx, const char *dir, char **out)
{
    AUTO(buf_done) struct buf path = BUF_INIT(64 * KIB);
    size_t n;

    buf_printf(&path, "%s/admin.sock", dir);
    buf_add_char(&path, '\0');
    *out = buf_take(&path, &n);
    return *out ? FM_OK : fail_memory(ctx);
}

/* A socket that a killed server left behind; anything else of that name is not ours to remove. */
static enum fm_err remove_old(struct ctx *ctx, const char *path)
{
    struct stat found;

    if (lstat(path, &found) != 0) {
        return errno == ENOENT ? FM_OK
                               : fail(ctx, FM_E_INTERNAL, "cannot look at %s: %s", path, strerror(errno));
    }
    if (!S_ISSOCK(found.st_mode)) {
        return fail(ctx, FM_E_INTERNAL, "%s is in the way and is not a socket", path);
    }
    return unlink(path) == 0 ? FM_OK
                             : fail(ctx, FM_E_INTERNAL, "cannot remove %s: %s", path, strerror(errno));
}

/* The file gets its mode at bind from the descriptor's (Linux): it is at no moment open to others. */
static bool bind_and_listen(int fd, const struct sockaddr_un *address)
{
    return fchmod(fd, 0600) == 0 && bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 &&
           listen(fd, ADMIN_CLIENTS_MAX) == 0;
}

static enum fm_err open_socket(struct ctx *ctx, struct admin *admin)
{
    struct sockaddr_un address;
    int dir_fd;
    enum fm_err err = FM_OK;

    TRY(make_path(ctx, store_dir(admin->instance->store), &admin->path));
    TRY(remove_old(ctx, admin->path));
    TRY(admin_address(ctx, store_dir(admin->instance->store), &address, &dir_fd));
    admin->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (admin->listen_fd < 0 || !bind_and_listen(admin->listen_fd, &address)) {
        err = fail(ctx, FM_E_INTERNAL, "cannot listen on %s: %s", admin->path, strerror(errno));
    }
    if (dir_fd >= 0) {
        close(dir_fd);
    }
    return err;
}

static void admin_free(struct admin *admin)
{
    for (size_t i = 0; i < ADMIN_CLIENTS_MAX; i++) {
        if (admin->clients[i].fd >= 0) {
            client_close(&admin->clients[i]);
        }
    }
    if (admin->listen_fd >= 0) {
        close(admin->listen_fd);
    }
    if (admin->wake_fd >= 0) {
        close(admin->wake_fd);
    }
    arena_free(admin->arena);
    free(admin->path);
    free(admin);
}

static enum fm_err set_up(struct ctx *ctx, struct admin *admin)
{
    admin->arena = arena_new(ARENA_BYTES_MAX);
    admin->wake_fd = eventfd(0, EFD_CLOEXEC);
    if (!admin->arena || admin->wake_fd < 0) {
        return fail(ctx, FM_E_INTERNAL, "cannot prepare the admin socket: %s", strerror(errno));
    }
    TRY(open_socket(ctx, admin));
    if (pthread_create(&admin->thread, NULL, admin_main, admin) != 0) {
        unlink(admin->path);
        return fail(ctx, FM_E_INTERNAL, "cannot start a thread");
    }
    return FM_OK;
}

enum fm_err admin_start_limited(struct ctx *ctx, struct instance *instance, struct admin_limits limits,
                                struct admin **out)
{
    struct admin *admin = calloc(1, sizeof(*admin));
    enum fm_err err;

    ASSERT(limits.clients_max <= ADMIN_CLIENTS_MAX);
    if (!admin) {
        return fail_memory(ctx);
    }
    admin->instance = instance;
    admin->limits = limits;
    admin->listen_fd = admin->wake_fd = -1;
    for (size_t i = 0; i < ADMIN_CLIENTS_MAX; i++) {
        admin->clients[i].fd = -1;
    }
    err = set_up(ctx, admin);
    if (err != FM_OK) {
        admin_free(admin);
        return err;
    }
    *out = admin;
    return FM_OK;
}

enum fm_err admin_start(struct ctx *ctx, struct instance *instance, struct admin **out)
{
    return admin_start_limited(ctx, instance, (struct admin_limits){ADMIN_CLIENTS_MAX, ADMIN_IDLE_MS},
                               out);
}

void admin_stop(struct admin *admin)
{
    if (!admin) {
        return;
    }
    if (eventfd_write(admin->wake_fd, 1) != 0) {
        PANIC("cannot wake the admin thread: %s", strerror(errno));
    }
    pthread_join(admin->thread, NULL);
    unlink(admin->path);
    admin_free(admin);
}
