/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP interface: routes as a table, authentication, request and answer bodies. Reads come from the
 * loop's own read connection; changes go through flow/ in commands of the committer.
 */
#ifndef FM_API_H
#define FM_API_H

#include "backtest/backtest.h"
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
    void *with; /* of the functions below, which run on loop threads */
    /* For /readyz: writes the array `checks`; false when requests should go elsewhere. */
    bool (*ready)(void *with, struct ctx *ctx, struct store_conn *conn, struct json_out *checks);
    /* For /metrics: writes everything, in OpenMetrics or the older text. NULL: there are none. */
    enum fm_err (*metrics)(void *with, struct ctx *ctx, struct store_conn *conn,
                           struct metric_out *out);
    bool metrics_open; /* /metrics without a credential */
    struct backtests *backtests;
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

/* Counting, for metrics. Any thread. Requests by route: `at` from 0 until it returns false.
 * Refusals before routing and the page's files are not counted; a wait that was parked counts
 * among the statuses only. */
#define API_STATUS_CLASSES 6 /* index 2: answers with 2xx */
struct api_route_counts {
    const char *method, *path;
    const struct histogram *us; /* to the moment at which the answer is handed over */
    const _Atomic uint64_t *by_class;
};
bool api_route_counts(const struct api *api, size_t at, struct api_route_counts *out);
int64_t api_parked_waits(const struct api *api);
int64_t api_open_streams(const struct api *api);
/* From COMMIT to the answer of a parked wait. */
const struct histogram *api_commit_to_send(void);

/* For flow_new: hands the news of a batch to every loop. */
flow_announce_fn api_announce;

#endif
