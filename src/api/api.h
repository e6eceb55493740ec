/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP interface: routes as a table, authentication, request and answer bodies. Reads come from the
 * loop's own read connection; changes go through flow/ in commands of the committer.
 */
#ifndef FM_API_H
#define FM_API_H

#include "flow/flow.h"
#include "net/net.h"
#include "net/outgoing.h"

#define API_BODY_MAX  MIB       /* 03: request 1 MiB */
#define API_BATCH_MAX (8 * MIB) /* and a batch of proposals */

struct api;

struct api_config {
    struct store *store;
    struct journal *journal;
    struct committer *committer;
    const struct outgoing_rules *callbacks; /* where callbacks may go */
    bool (*ready)(struct str *why_not); /* for /readyz */
};

/* The api of a server; `config` is copied, what it points to must outlive it. Answers 503 until
 * api_serve. */
enum fm_err api_new(struct ctx *ctx, const struct api_config *config, struct api **out) MUST_CHECK;
void api_free(struct api *api);

/* How large the body of a request to this path may be (`body_max_of` of net). */
size_t api_body_max(void *with, struct str path);

/* From now on requests are served and news reaches the loops. `origin` is what browsers send as Origin,
 * "https://fermata.example"; with https, cookies are Secure and carry the __Host- prefix. */
void api_serve(struct api *api, struct flow *flow, struct http_server *server, struct str origin);

/* No more news for the loops: before http_stop. News under way is told still; a command of the
 * committer that is submitted behind this call comes behind it. Any thread. */
void api_quiet(struct api *api);

/* For http_config: all take the api as `with`. */
void api_handle(void *with, struct http_request *request);
void api_problem(void *with, enum fm_err err, const char *detail, struct buf *body);
void api_loop_started(void *with, struct loop *loop);
void api_loop_stopping(void *with, struct loop *loop);
void api_draining(void *with, struct loop *loop); /* parked requests are answered as they stand */

/* For flow_new: hands the news of a batch to every loop. */
flow_announce_fn api_announce;

#endif
