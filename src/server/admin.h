/* SPDX-License-Identifier: Apache-2.0
 *
 * The admin socket: how the command line speaks to the server that holds the data folder. A stream
 * socket DIR/admin.sock (mode 0600); a client must be the server's own user or root. One JSON object per
 * line and direction:
 *
 *     {"command": "person.add", "arguments": {"name": "ana", "roles": ["reviewer"]}}
 *     {"ok": true, "id": "rev_..."}     or     {"ok": false, "status", "name", "detail"}
 *
 * The same commands run without a server (admin_run): the command line opens the folder itself. Either
 * way each change is one command of the committer with the same journal entries.
 */
#ifndef FM_SERVER_ADMIN_H
#define FM_SERVER_ADMIN_H

#include "json/json.h"
#include "server/instance.h"

#include <sys/un.h>

#define ADMIN_LINE_MAX (64 * KIB)  /* of a request, with its newline; longer: 413 and closed */
#define ADMIN_ANSWER_MAX (8 * MIB) /* 50,000 people in a list */
#define ADMIN_CLIENTS_MAX 16       /* one more is told 503 and closed */
#define ADMIN_IDLE_MS 30000        /* to send a whole request, and to take a whole answer */

struct admin;

/* Binds DIR/admin.sock (a socket left behind is replaced: the folder's lock is ours) and starts the
 * thread. `instance` must outlive it. Errors: FM_E_INTERNAL with the reason. Main thread. */
enum fm_err admin_start(struct ctx *ctx, struct instance *instance, struct admin **out) MUST_CHECK;

/* The same with other limits, for tests of the limits. */
struct admin_limits {
    size_t clients_max; /* at most ADMIN_CLIENTS_MAX */
    int idle_ms;
};
enum fm_err admin_start_limited(struct ctx *ctx, struct instance *instance, struct admin_limits limits,
                                struct admin **out) MUST_CHECK;

/* Finishes the command that runs, closes all clients, removes the socket, frees. NULL is allowed. */
void admin_stop(struct admin *admin);

/* Carries out one request on the caller's thread, which it may take long (password hashing, commit):
 * never a loop thread. `answer` (with room for ADMIN_ANSWER_MAX) gets one JSON object without a newline,
 * also when it fails. Errors: FM_E_INVALID_ARGUMENT for an unknown command, those of the command. */
enum fm_err admin_run(struct ctx *ctx, struct instance *instance, const struct json *request,
                      struct buf *answer);

/* The socket's address for bind and connect. A folder whose path is too long for it is reached through
 * `*dir_fd`, which the caller closes after the call (-1 when there is none). Errors: FM_E_INTERNAL. */
enum fm_err admin_address(struct ctx *ctx, const char *dir, struct sockaddr_un *out, int *dir_fd)
    MUST_CHECK;

#endif
