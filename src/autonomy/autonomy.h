/* SPDX-License-Identifier: Apache-2.0
 *
 * Stage 5: the log TEACHES. What people decided, counted for each pair of agent and category: the
 * evidence on which autonomy will rest.
 */
#ifndef FM_AUTONOMY_H
#define FM_AUTONOMY_H

#include "store/store.h"

struct tally {
    int64_t agent; /* row */
    struct str category;
    int64_t approved, modified, rejected, returned, expired;
};

enum tally_kind { TALLY_APPROVED, TALLY_MODIFIED, TALLY_REJECTED, TALLY_RETURNED, TALLY_EXPIRED };

/* Adds `by` (1, or -1 when a decision is undone) to one count, inside the command that decided. */
enum fm_err tally_add(struct ctx *ctx, struct store_conn *conn, int64_t agent, struct str category,
                      enum tally_kind kind, int by) MUST_CHECK;

/* The counts of a pair; all zero when nothing was decided yet. */
enum fm_err tally_find(struct ctx *ctx, struct store_conn *conn, int64_t agent, struct str category,
                       struct tally *out) MUST_CHECK;

/* Calls `visit` for pairs in order of (agent, category) behind the given one (agent 0: from the start),
 * at most `max`. `only_agent` 0: all agents. */
enum fm_err tally_list(struct ctx *ctx, struct store_conn *conn, int64_t only_agent, int64_t after_agent,
                       struct str after_category, size_t max,
                       void (*visit)(void *with, const struct tally *tally), void *with) MUST_CHECK;

#endif
