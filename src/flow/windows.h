/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters over sliding windows, as rows of the store. All on the committer's thread.
 */
#ifndef FM_FLOW_WINDOWS_H
#define FM_FLOW_WINDOWS_H

#include "base/clock.h"
#include "store/store.h"

#define CHARGES_MAX 100 /* of one proposal: as many as a policy has budgets */

/* Which counter: of a kind, a name in it, and for whom. Texts are hashed: no row holds a name. */
struct id counter_id_of(struct str kind, struct str name, struct str key, int64_t width_us);

/* How wide the buckets of a budget's window are. */
int64_t counter_width(int64_t window_us);

struct counter_total {
    int64_t count, micros;               /* since `since_us` */
    int64_t bucket_count, bucket_micros; /* of them in the bucket of now */
};

/* Reads what was counted since; adds one use; the same for a proposal that may give it back. */
enum fm_err counter_read(struct ctx *ctx, struct store_conn *conn, struct id id, int64_t width_us,
                         int64_t since_us, int64_t now_us, struct counter_total *out) MUST_CHECK;
enum fm_err counter_add(struct ctx *ctx, struct store_conn *conn, struct id id, int64_t width_us,
                        int64_t window_us, int64_t micros, int64_t now_us) MUST_CHECK;
enum fm_err counter_charge(struct ctx *ctx, struct store_conn *conn, int64_t proposal, struct id id,
                           int64_t width_us, int64_t window_us, int64_t micros, int64_t now_us)
    MUST_CHECK;

/* What of a counter is this proposal's own since `since_us`; 0: nothing. */
enum fm_err counter_charged(struct ctx *ctx, struct store_conn *conn, int64_t proposal,
                            struct id id, int64_t width_us, int64_t since_us, int64_t *micros)
    MUST_CHECK;
/* The use that was counted at `at_us` has another amount. */
enum fm_err counter_shift(struct ctx *ctx, struct store_conn *conn, struct id id, int64_t width_us,
                          int64_t at_us, int64_t by_micros) MUST_CHECK;
/* What a proposal was charged goes back, or stays for good. */
enum fm_err counter_give_back(struct ctx *ctx, struct store_conn *conn, int64_t proposal)
    MUST_CHECK;
enum fm_err counter_keep(struct ctx *ctx, struct store_conn *conn, int64_t proposal) MUST_CHECK;
/* Whether any proposal could still give something back. */
enum fm_err counter_any_charge(struct ctx *ctx, struct store_conn *conn, bool *out) MUST_CHECK;

/* Removes what no window reaches any more, at most `max` rows of each kind. */
enum fm_err counter_purge(struct ctx *ctx, struct store_conn *conn, int64_t now_us, size_t max)
    MUST_CHECK;

#endif
