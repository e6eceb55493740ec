/* SPDX-License-Identifier: Apache-2.0
 *
 * Carrying out a request on a data folder: by the server that holds it (admin socket), or, when there is
 * none, by opening it here. The folder's lock decides: the two can never both happen.
 *
 * It must never send a password to a socket that somebody else has put into the folder.
 */
#include "cli/cli.h"
#include "server/admin.h"

#include "base/log.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_WAIT_S 600 /* a backup of a big store, on a slow disk */

static const struct json_limits answer_limits = {
    .bytes = ADMIN_ANSWER_MAX + 1, .depth = 16, .values = 1000000};

static void fd_close(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}

/* Finding the server --------------------------------------------------------------------------- */

/* The server runs as us, as root, or as the owner of the folder (when we are root). */
static bool server_is_trusted(int fd, const struct stat *folder)
{
    struct ucred peer;
    socklen_t n = sizeof(peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0 || peer.uid == folder->st_uid);
}

static enum fm_err connect_failed(struct ctx *ctx, const char *dir, int why)
{
    if (why == ENOENT || why == ECONNREFUSED) { /* never started, or killed: nobody listens */
        return FM_OK;
    }
    return why == EACCES ? fail(ctx, FM_E_INTERNAL,
                                "the server of %s runs as another user; run this as that user", dir)
                         : fail(ctx, FM_E_INTERNAL, "cannot reach the server of %s: %s", dir,
                                strerror(why));
}

static bool open_connection(const struct sockaddr_un *address, int *fd)
{
    struct timeval wait = {.tv_sec = ANSWER_WAIT_S};

    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return *fd >= 0 && setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0 &&
           setsockopt(*fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) == 0 &&
           connect(*fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
}

/* `*out` is a connection to the server, or -1 when there is none. */
static enum fm_err find_server(struct ctx *ctx, const char *dir, int *out)
{
    AUTO(fd_close) int dir_fd = -1;
    AUTO(fd_close) int fd = -1;
    struct sockaddr_un address;
    struct stat folder;

    *out = -1;
    if (stat(dir, &folder) != 0 && errno == ENOENT) {
        return FM_OK;
    }
    TRY(admin_address(ctx, dir, &address, &dir_fd));
    if (!open_connection(&address, &fd)) {
        return connect_failed(ctx, dir, errno);
    }
    if (!server_is_trusted(fd, &folder)) {
        return fail(ctx, FM_E_INTERNAL, "another user listens on %s/admin.sock: nothing was sent", dir);
    }
    *out = fd;
    fd = -1;
    return FM_OK;
}

/* Asking it ------------------------------------------------------------------------------------ */

/* A server that refuses the connection answers without reading: then the answer matters, not this. */
static void send_all(int fd, struct str bytes)
{
    while (bytes.n > 0) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR) {
            return;
        }
        bytes = str_skip(bytes, n > 0 ? (size_t)n : 0);
    }
}

static enum fm_err receive_line(struct ctx *ctx, int fd, struct buf *line)
{
    char part[16 * KIB];

    while (line->n == 0 || line->p[line->n - 1] != '\n') {
        ssize_t n = recv(fd, part, sizeof(part), 0);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return fail(ctx, FM_E_INTERNAL,
                        "the server closed the connection without an answer; it may have carried the"
                        " command out: look before you repeat it");
        }
        buf_add(line, (struct str){part, (size_t)n});
        crypto_wipe(part, (size_t)n);
        if (!buf_ok(line)) {
            return fail(ctx, FM_E_TOO_LARGE, "the server's answer is too large");
        }
    }
    return FM_OK;
}

enum fm_err cli_error_named(struct str name)
{
    for (int err = FM_OK + 1; err < FM_ERR_COUNT; err++) {
        if (str_eq(name, err_name((enum fm_err)err))) {
            return (enum fm_err)err;
        }
    }
    return FM_E_INTERNAL;
}

/* Reads an answer, in a copy that lives as long as its tree. */
static enum fm_err read_answer(struct ctx *ctx, const struct buf *text, const struct json **answer)
{
    struct str copy = arena_copy(ctx->arena, buf_str(text));
    const struct json *ok;

    if (!copy.p) {
        return fail_memory(ctx);
    }
    if (json_parse(ctx, copy, &answer_limits, answer) != FM_OK) {
        return fail(ctx, FM_E_INTERNAL, "the server's answer cannot be read");
    }
    ok = json_get(*answer, S("ok"));
    if (!ok || ok->kind != JSON_TRUE) {
        struct str detail = json_text(json_get(*answer, S("detail")));
        return fail(ctx, cli_error_named(json_text(json_get(*answer, S("name")))), "%.*s",
                    STR_ARG(detail));
    }
    return FM_OK;
}

static enum fm_err ask_server(struct ctx *ctx, int fd, struct str request, struct buf *text)
{
    send_all(fd, request);
    send_all(fd, S("\n"));
    return receive_line(ctx, fd, text);
}

/* Doing it here -------------------------------------------------------------------------------- */

static enum fm_err check_folder(struct ctx *ctx, const char *dir)
{
    struct str path = arena_printf(ctx->arena, "%s/fermata.db", dir);
    struct stat found;

    if (!path.p) {
        return fail_memory(ctx);
    }
    if (stat(path.p, &found) == 0) {
        return FM_OK;
    }
    return errno == ENOENT ? fail(ctx, FM_E_NOT_FOUND,
                                  "there is no data folder at %s; --data DIR names another one", dir)
                           : fail(ctx, FM_E_INTERNAL, "cannot look at %s: %s", path.p, strerror(errno));
}

static enum fm_err do_it_here(struct ctx *ctx, const char *dir, struct str request, struct buf *text)
{
    AUTO(instance_close) struct instance instance = {.store = NULL};
    const struct json *json;

    crypto_init();
    log_set_level(LOG_WARN); /* the ordinary events of opening are no answer to the caller */
    TRY(json_parse(ctx, request, &JSON_LIMITS_WIRE, &json));
    TRY(instance_open(ctx, dir, &instance));
    return admin_run(ctx, &instance, json, text);
}

enum fm_err cli_call(struct ctx *ctx, const char *dir, enum cli_folder folder, struct str request,
                     const struct json **answer)
{
    AUTO(buf_done) struct buf text = BUF_INIT(ADMIN_ANSWER_MAX + 1);
    AUTO(fd_close) int fd = -1;

    TRY(find_server(ctx, dir, &fd));
    if (fd >= 0) {
        TRY(ask_server(ctx, fd, request, &text));
    } else {
        if (folder == CLI_FOLDER_MUST_EXIST) {
            TRY(check_folder(ctx, dir));
        }
        TRY(do_it_here(ctx, dir, request, &text));
    }
    return read_answer(ctx, &text, answer);
}

enum fm_err cli_ask(struct ctx *ctx, const char *dir, struct str request,
                    const struct json **answer)
{
    AUTO(buf_done) struct buf text = BUF_INIT(ADMIN_ANSWER_MAX + 1);
    AUTO(fd_close) int fd = -1;

    *answer = NULL;
    TRY(find_server(ctx, dir, &fd));
    if (fd < 0) {
        return FM_OK;
    }
    TRY(ask_server(ctx, fd, request, &text));
    return read_answer(ctx, &text, answer);
}
