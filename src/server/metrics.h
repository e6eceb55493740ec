/* SPDX-License-Identifier: Apache-2.0
 *
 * What /metrics says, as one table of families. Each reads what its owner counts already; the text
 * is made when somebody asks for it. No label holds what an agent or a person wrote: labels are
 * routes, queues and actions of the policy, and words of the product.
 */
#ifndef FM_SERVER_METRICS_H
#define FM_SERVER_METRICS_H

#include "api/api.h"
#include "server/instance.h"
#include "server/reload.h"

struct metrics_source {
    const struct instance *instance;
    struct flow *flow;
    const struct api *api;
    struct reload *reload;
    int64_t started_at_us;
};

/* Writes every family; reads queues and the log's head through `conn`. Errors: the store's. Any
 * thread. */
enum fm_err metrics_write(const struct metrics_source *source, struct ctx *ctx,
                          struct store_conn *conn, struct metric_out *out) MUST_CHECK;

#endif
