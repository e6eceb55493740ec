/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this folder share.
 */
#ifndef FM_NOTIFY_INTERNAL_H
#define FM_NOTIFY_INTERNAL_H

#include "notify/notify.h"

/* What came of one attempt. */
struct outcome {
    int64_t row;
    enum notify_error error; /* NOTIFY_OK: delivered */
    int status;              /* of the answer; 0 without one */
    int64_t retry_after_us;
};

/* Records an attempt inside the running command: delivered, to be tried again, or given up; then
 * the proposal's next one has its turn. A row that is pending no more stays as it is. `*ended` is
 * how it stands now. */
enum fm_err outbox_record(struct ctx *ctx, struct store_conn *conn, const struct outcome *outcome,
                          int64_t retry_us, int64_t now_us, enum notify_status *now) MUST_CHECK;

/* Removes what was kept long enough, at most 500 rows. */
enum fm_err outbox_purge(struct ctx *ctx, struct store_conn *conn, int64_t now_us) MUST_CHECK;

/* A host with something pending, after `after` in bytewise order. False: there is none (or an
 * error, which stands in ctx). In the arena. */
bool outbox_next_host(struct ctx *ctx, struct store_conn *conn, struct str after, struct str *out);

/* A row that is due, with all that an attempt needs. Borrowed for the visit. */
struct due {
    int64_t row;
    struct id event;
    struct str url, body, trace; /* url, body absent: erased */
    struct str secret, old_secrets; /* absent: no agent; not replaced lately. Blanks between them */
};

/* The due rows of a host, the longest due first, at most `max`, until `visit` returns false. */
enum fm_err outbox_due(struct ctx *ctx, struct store_conn *conn, struct str host, int64_t now_us,
                       size_t max, bool (*visit)(void *with, const struct due *due), void *with)
    MUST_CHECK;

/* Gauges: how many rows of that status; when the oldest that is pending was written. */
enum fm_err outbox_gauges(struct ctx *ctx, struct store_conn *conn, struct notify_counters *out)
    MUST_CHECK;

/* Whether something was put into the outbox since the last call. */
bool outbox_was_filled(void);

#endif
