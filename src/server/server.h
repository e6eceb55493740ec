/* SPDX-License-Identifier: Apache-2.0
 *
 * The server: starts everything in order, waits for a signal, drains, stops.
 */
#ifndef FM_SERVER_H
#define FM_SERVER_H

#include "base/ctx.h"
#include "notify/notify.h"

struct server_options {
    const char *dir;
    const char *listen;     /* HOST:PORT, [V6]:PORT; port 0: the kernel picks */
    const char *policy; /* file; NULL: what the store has; in a new one everything is reviewed */
    bool policy_alone; /* the file may loosen while there have never been two with the role policy */
    const char *public_url; /* what browsers see, "https://fermata.example"; NULL: http://HOST:PORT */
    unsigned loops;         /* 0: one per core, at most 16 */
    struct notify_options callbacks;
    bool metrics_open;      /* /metrics without a credential */
};

/* HOST:PORT or [V6]:PORT; false when it is neither. */
bool server_read_listen(const char *listen, struct str *host, uint16_t *port) MUST_CHECK;

/* Runs until SIGTERM or SIGINT; drains and returns FM_OK. SIGHUP reads the policy again. Errors:
 * with a sentence for the operator. The line "fermata: listening on URL" goes to stdout when
 * requests are served. */
enum fm_err server_run(struct ctx *ctx, const struct server_options *options) MUST_CHECK;

#endif
