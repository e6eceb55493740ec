/* SPDX-License-Identifier: Apache-2.0
 *
 * The outbox: what has to be told to agents' own servers (callbacks). A row is written in the
 * transaction of the change that it announces; a thread of its own works the rows off, at least
 * once, as Standard Webhooks, with retries over three days, then keeps what could not be delivered
 * as dead letters for a person.
 *
 * It must never hold up the committer or a loop for somebody else's server, nor let one host's
 * slowness keep another host waiting.
 *
 * 1. A row is there if and only if the change that it announces is committed (invariant 1).
 * 2. Of one proposal, an event is tried only when every earlier one was delivered or given up.
 * 3. A row ends as delivered only after an answer of 2xx has been read.
 */
#ifndef FM_NOTIFY_H
#define FM_NOTIFY_H

#include "base/clock.h"
#include "json/json.h"
#include "net/outgoing.h"
#include "store/store.h"

#define NOTIFY_ATTEMPTS_MAX 15 /* at the default pace: 5 s, threefold up to 12 h, about 3 days */
#define NOTIFY_RETRY_US (5 * SECOND_US)
#define NOTIFY_RETRY_MAX_US (12 * HOUR_US)
#define NOTIFY_TIMEOUT_US (15 * SECOND_US)
#define NOTIFY_IN_FLIGHT_MAX 256     /* at once: 70 KiB each with TLS, 18 MiB */
#define NOTIFY_PER_HOST_MAX 8        /* of these to one host: 32 slow hosts, and others still go */
#define NOTIFY_DELIVERED_KEPT_US (7 * DAY_US)
#define NOTIFY_DEAD_KEPT_US (30 * DAY_US)
#define NOTIFY_OLD_SECRET_US DAY_US  /* a replaced secret signs besides the new one */
#define NOTIFY_BODY_MAX (16 * KIB)

/* Why an attempt failed, as people and stores read it. */
#define NOTIFY_ERRORS(X) /* code, name, whether it is given up at once */                          \
    X(STATUS, "status", 0)         /* an answer other than 2xx */                                  \
    X(REDIRECT, "redirect", 0)     /* 3xx: not followed */                                         \
    X(GONE, "gone", 1)             /* 410: the receiver wants no more of it */                     \
    X(TIMEOUT, "timeout", 0)       /* no whole answer in time */                                   \
    X(CONNECTION, "connection", 0) /* nobody listens, or the connection broke */                   \
    X(NAME, "name", 0)             /* the host's name does not resolve */                          \
    X(TLS, "tls", 0)               /* certificate or TLS not acceptable */                         \
    X(ADDRESS, "address", 1)       /* leads to where callbacks must not go, or nowhere */          \
    X(NO_AGENT, "agent", 1)        /* its agent is switched off */                                 \
    X(ERASED, "erased", 1)         /* its content was erased */

enum notify_error {
    NOTIFY_OK,
#define X(code, name, at_once) NOTIFY_E_##code,
    NOTIFY_ERRORS(X)
#undef X
    NOTIFY_ERROR_COUNT
};

const char *notify_error_name(enum notify_error error); /* "timeout"; NULL for NOTIFY_OK */
bool notify_error_is_final(enum notify_error error);    /* given up at once */

enum notify_status { NOTIFY_PENDING, NOTIFY_DELIVERED, NOTIFY_DEAD, NOTIFY_STATUS_COUNT };
const char *notify_status_name(enum notify_status status); /* "pending", "delivered", "dead" */

/* Writing ------------------------------------------------------------------------------------- */

/* One thing to tell. Borrowed for the call. */
struct notice {
    struct id event;         /* the log's: what the receiver deduplicates by */
    struct id proposal;
    int64_t proposal_row, agent_row;
    struct str type;         /* "proposal.released" */
    struct str url, trace;   /* trace may be absent */
    struct str data;         /* raw canonical JSON members, sorted: the body's `data` */
    int64_t at_us;
};

/* Puts it into the outbox, inside the running command. Committer's thread. A URL that cannot be
 * read any more ends as a dead letter. Errors: the store's. */
enum fm_err notify_add(struct ctx *ctx, struct store_conn *conn, const struct notice *notice)
    MUST_CHECK;

/* Begins the delivery of one again, whatever became of it: attempts count from 0. FM_E_NOT_FOUND.
 * Committer's thread. */
enum fm_err notify_resend(struct ctx *ctx, struct store_conn *conn, struct id event, int64_t now_us)
    MUST_CHECK;

/* Reading ------------------------------------------------------------------------------------- */

/* A row of the outbox as people see it: no path, no body. Texts live as long as the visit. */
struct delivery {
    int64_t row;
    struct id event, proposal;
    int64_t agent; /* row */
    struct str type, host, last_error;
    enum notify_status status;
    int64_t attempts, last_status;
    int64_t created_at, next_at, last_at, ended_at; /* 0: none */
};

/* Newest first: rows below `before`, at most `max`, of one status or (NOTIFY_STATUS_COUNT) of all.
 * */
enum fm_err notify_list(struct ctx *ctx, struct store_conn *conn, enum notify_status status,
                        int64_t before, size_t max,
                        void (*visit)(void *with, const struct delivery *delivery), void *with)
    MUST_CHECK;
/* One; FM_E_NOT_FOUND. */
enum fm_err notify_find(struct ctx *ctx, struct store_conn *conn, struct id event,
                        void (*visit)(void *with, const struct delivery *delivery), void *with)
    MUST_CHECK;
/* The members of one as JSON, without the braces and without its agent. */
void notify_write(struct json_out *out, const struct delivery *delivery);

/* Delivering ---------------------------------------------------------------------------------- */

/* When to try again after `attempts` failures: `retry_us` threefold each time up to
 * NOTIFY_RETRY_MAX_US and up to a fifth more by chance; never sooner than `asked_us`. */
int64_t notify_retry_us(int64_t retry_us, int64_t attempts, int64_t asked_us);

/* `v1,` and base64 of HMAC-SHA256 over ID.SECONDS.BODY; false for a secret that is none. Appends.
 * */
bool notify_sign(struct buf *out, struct str secret, struct str id, int64_t seconds,
                 struct str body) MUST_CHECK;

struct notify_options {
    struct outgoing_rules rules;
    int64_t retry_us;   /* after the first failure; 0: NOTIFY_RETRY_US */
    int64_t timeout_us; /* of one attempt; 0: NOTIFY_TIMEOUT_US */
};

/* For metrics. Counters since the start, gauges at most a second old. */
struct notify_counters {
    uint64_t delivered, failed_attempts, given_up; /* counters */
    int64_t pending, dead;                         /* gauges */
    int64_t oldest_at_us; /* when the oldest that is pending was written; 0: none */
};

/* The delivery thread. Errors: FM_E_INTERNAL, that of fail_memory. */
struct notifier;
enum fm_err notifier_start(struct ctx *ctx, struct store *store, struct committer *committer,
                           const struct notify_options *options, struct notifier **out) MUST_CHECK;
/* Breaks off what is under way (it will be tried again) and ends the thread; the committer must
 * still run. The struct stays until notifier_free, which comes after the committer has ended. Both
 * accept NULL. */
void notifier_stop(struct notifier *notifier);
void notifier_free(struct notifier *notifier);

/* The committer's hook: wakes the thread if this batch has put something into the outbox. NULL is
 * allowed. Must not block. */
void notify_after_commit(struct notifier *notifier);

/* Any thread. */
struct notify_counters notifier_counters(struct notifier *notifier);

#endif
