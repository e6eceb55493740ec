/* SPDX-License-Identifier: Apache-2.0
 *
 * After a restore: what ruled after the backup was made is not known, so that its policy may be
 * looser. It rules on, but nothing goes on unread until two people have activated a version (one,
 * with `alone`, where there have never been two). keep/backup.c leaves the mark, and the policy of
 * the backup as a candidate.
 *
 * It must never be lifted by a version that one person put in force: tighter than the backup's may
 * still be looser than what ruled.
 */
#include "flow/flow_internal.h"

SQL(SQL_RESTORED, "SELECT count(*) FROM meta WHERE name = 'restored'");
SQL(SQL_CONFIRM, "DELETE FROM meta WHERE name = 'restored'");

enum fm_err flow_read_restored(struct ctx *ctx, struct store_conn *conn, bool *out)
{
    int64_t count = 0;

    TRY(store_int(ctx, conn, &SQL_RESTORED, NO_ARGS, 0, &count));
    *out = count > 0;
    return FM_OK;
}

enum fm_err restored_load(struct flow *flow, struct ctx *ctx, struct store_conn *conn)
{
    bool waits;

    TRY(flow_read_restored(ctx, conn, &waits));
    atomic_store_explicit(&flow->restored, waits, memory_order_relaxed);
    return FM_OK;
}

bool flow_is_restored(const struct flow *flow)
{
    return atomic_load_explicit(&flow->restored, memory_order_relaxed);
}

bool restored_reason(const struct flow *flow, struct assess_reason *out)
{
    *out = (struct assess_reason){
        .source = "pause",
        .verdict = VERDICT_REVIEW,
        .text = S("The policy comes from a backup: everything is read until two people have "
                  "confirmed it"),
    };
    return flow_is_restored(flow);
}

enum fm_err restored_confirm(struct flow *flow, struct ctx *ctx, struct store_conn *conn)
{
    TRY(store_exec(ctx, conn, &SQL_CONFIRM, NO_ARGS));
    if (flow) {
        flow->pauses_changed = true; /* read again behind the batch, with the mark */
    }
    return FM_OK;
}
