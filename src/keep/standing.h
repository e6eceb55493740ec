/* SPDX-License-Identifier: Apache-2.0
 *
 * What leaves tell of people, agents, keys, policies and pauses, for verifying: the rows from
 * which the server works can be rewritten, the leaves cannot. Reads only. Memory grows with how
 * many of them there are (a few hundred bytes each), not with the log.
 */
#ifndef FM_KEEP_STANDING_H
#define FM_KEEP_STANDING_H

#include "keep/keep.h"

/* Adds a sentence to the report; it lives in the arena of `ctx`. */
void verify_found(struct ctx *ctx, struct verify_report *report, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

struct standing;

/* Begins, with nothing told yet. NULL when memory is short or the store cannot be read. */
struct standing *standing_new(struct ctx *ctx, struct store_conn *conn,
                              struct verify_report *report) __attribute__((warn_unused_result));
void standing_free(struct standing *standing); /* NULL allowed */

/* Takes in a leaf; those that tell nothing of the above are passed over. Leaves come in the order
 * of the log. `leaf->payload` is absent unless it is what the leaf commits to. False when memory
 * is short. */
bool standing_take(struct standing *standing, const struct journal_leaf *leaf) MUST_CHECK;

/* Compares every row with what was told; what differs goes into the report. Errors: the store's. */
enum fm_err standing_check(struct standing *standing) MUST_CHECK;

#endif
