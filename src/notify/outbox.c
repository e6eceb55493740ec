/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows of the outbox. Of one proposal only the first pending row has a time at which it is due
 * (invariant 2 of notify.h): arrange() gives the next one its turn whenever one has come or ended.
 */
#include "notify/notify_internal.h"

#include <stdatomic.h>

#define PURGE_MAX 500

SQL(SQL_ADD,
    "INSERT INTO outbox(id, proposal, agent, type, host, url, body, trace, status, attempts,"
    " created_at, next_at)"
    " VALUES($id, $proposal, $agent, $type, $host, $url, $body, $trace, 0, 0, $now, $now)");
SQL(SQL_ARRANGE,
    "UPDATE outbox SET next_at = CASE WHEN row = (SELECT min(row) FROM outbox"
    "  WHERE proposal = $proposal AND status = 0) THEN coalesce(next_at, $now) END"
    " WHERE proposal = $proposal AND status = 0");
SQL(SQL_STANDS, "SELECT proposal, attempts FROM outbox WHERE row = $row AND status = 0");
SQL(SQL_RECORD,
    "UPDATE outbox SET status = $status, attempts = attempts + 1, next_at = $next, last_at = $now,"
    " ended_at = $ended, last_error = $error, last_status = $answer WHERE row = $row");
SQL(SQL_FIND_ID, "SELECT row, proposal FROM outbox WHERE id = $id");
SQL(SQL_RESEND, "UPDATE outbox SET status = 0, attempts = 0, next_at = $now, ended_at = NULL"
                " WHERE row = $row");
SQL(SQL_PURGE,
    "DELETE FROM outbox WHERE row IN"
    " (SELECT row FROM outbox WHERE status > 0 AND ended_at < $recent"
    "  AND (status = 1 OR ended_at < $dead) ORDER BY ended_at LIMIT $max)");
SQL(SQL_HOST, "SELECT host FROM outbox WHERE status = 0 AND host > $after ORDER BY host LIMIT 1");
SQL(SQL_DUE,
    "SELECT o.row, o.id, o.url, o.body, o.trace, a.webhook_secret,"
    "  (SELECT group_concat(secret, ' ') FROM (SELECT secret FROM old_webhook_secrets"
    "   WHERE agent = a.row AND until > $now ORDER BY until DESC))"
    " FROM outbox o LEFT JOIN agents a ON a.row = o.agent AND a.disabled_at IS NULL"
    " WHERE o.status = 0 AND o.host = $host AND o.next_at <= $now ORDER BY o.next_at LIMIT $max");
SQL(SQL_PENDING, "SELECT count(*), min(created_at) FROM outbox WHERE status = 0");
SQL(SQL_DEAD, "SELECT count(*) FROM outbox WHERE status = 2");

/* The columns of read_delivery(). */
#define DELIVERY_COLUMNS                                                                           \
    "o.row, o.id, p.id, o.agent, o.type, o.host, o.status, o.attempts, o.created_at, o.next_at,"   \
    " o.last_at, o.ended_at, o.last_error, o.last_status"                                          \
    " FROM outbox o JOIN proposals p ON p.row = o.proposal "
SQL(SQL_LIST_ALL, "SELECT " DELIVERY_COLUMNS "WHERE o.row < $before"
                  " ORDER BY o.row DESC LIMIT $max");
SQL(SQL_LIST_STATUS, "SELECT " DELIVERY_COLUMNS "WHERE o.status = $status AND o.row < $before"
                     " ORDER BY o.row DESC LIMIT $max");
SQL(SQL_LIST_ONE, "SELECT " DELIVERY_COLUMNS "WHERE o.id = $id");

static const struct {
    const char *name;
    bool is_final;
} errors[NOTIFY_ERROR_COUNT] = {
#define X(code, name_, at_once) [NOTIFY_E_##code] = {name_, at_once},
    NOTIFY_ERRORS(X)
#undef X
};

static const char *const statuses[] = {"pending", "delivered", "dead"};

static atomic_bool filled;

const char *notify_error_name(enum notify_error error)
{
    return errors[error].name;
}

bool notify_error_is_final(enum notify_error error)
{
    return errors[error].is_final;
}

const char *notify_status_name(enum notify_status status)
{
    return statuses[status];
}

bool outbox_was_filled(void)
{
    return atomic_exchange(&filled, false);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Committer's hooks undo rows, not this flag: a wake-up in vain costs one look. */
static enum fm_err arrange(struct ctx *ctx, struct store_conn *conn, int64_t proposal,
                           int64_t now_us)
{
    atomic_store(&filled, true);
    return store_exec(ctx, conn, &SQL_ARRANGE,
                      ARGS(A_INT("$proposal", proposal), A_INT("$now", now_us)));
}

static void write_body(struct buf *body, const struct notice *notice)
{
    struct json_out out = JSON_OUT(body);

    jo_object(&out);
    jo_m_time(&out, "at", notice->at_us);
    jo_key(&out, "data");
    jo_object(&out);
    jo_members(&out, notice->data);
    jo_object_end(&out);
    jo_m_id(&out, "id", ID_EVENT, notice->event);
    jo_m_id(&out, "proposal", ID_PROPOSAL, notice->proposal);
    jo_m_str(&out, "type", notice->type);
    jo_object_end(&out);
}

enum fm_err notify_add(struct ctx *ctx, struct store_conn *conn, const struct notice *notice)
{
    AUTO(buf_done) struct buf body = BUF_INIT(NOTIFY_BODY_MAX);
    struct outgoing_url url;

    write_body(&body, notice);
    if (!buf_ok(&body)) {
        return fail_memory(ctx);
    }
    if (outgoing_url_parse(notice->url, &url) != NULL) { /* of a version that read it otherwise */
        url.host = S("?"); /* given up when its turn comes: no decision fails for want of a URL */
    }
    TRY(store_exec(ctx, conn, &SQL_ADD,
                   ARGS(A_ID("$id", &notice->event), A_INT("$proposal", notice->proposal_row),
                        A_INT("$agent", notice->agent_row), A_TEXT("$type", notice->type),
                        A_TEXT("$host", url.host), A_TEXT("$url", notice->url),
                        A_TEXT("$body", buf_str(&body)), A_TEXT("$trace", notice->trace),
                        A_INT("$now", notice->at_us))));
    return arrange(ctx, conn, notice->proposal_row, notice->at_us);
}

/* Two numbers of one row; false when there is none. */
static enum fm_err read_pair(struct ctx *ctx, struct store_conn *conn, const struct sql *sql,
                             const struct sql_arg *args, size_t count, int64_t out[2], bool *found)
{
    struct store_rows *rows;

    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, sql, args, count, &rows));
    *found = rows_next(ctx, rows);
    if (*found) {
        out[0] = rows_int(rows, 0);
        out[1] = rows_int(rows, 1);
    }
    rows_done(rows);
    return ctx->err;
}

enum fm_err notify_resend(struct ctx *ctx, struct store_conn *conn, struct id event, int64_t now_us)
{
    int64_t pair[2];
    bool found;

    TRY(read_pair(ctx, conn, &SQL_FIND_ID, ARGS(A_ID("$id", &event)), pair, &found));
    if (!found) {
        return fail(ctx, FM_E_NOT_FOUND, "there is no such callback, or no more");
    }
    TRY(store_exec(ctx, conn, &SQL_RESEND, ARGS(A_INT("$row", pair[0]), A_INT("$now", now_us))));
    return arrange(ctx, conn, pair[1], now_us);
}

static enum notify_status status_after(const struct outcome *outcome, int64_t attempts)
{
    if (outcome->error == NOTIFY_OK) {
        return NOTIFY_DELIVERED;
    }
    return attempts >= NOTIFY_ATTEMPTS_MAX || notify_error_is_final(outcome->error) ? NOTIFY_DEAD
                                                                                   : NOTIFY_PENDING;
}

enum fm_err outbox_record(struct ctx *ctx, struct store_conn *conn, const struct outcome *outcome,
                          int64_t retry_us, int64_t now_us, enum notify_status *now)
{
    int64_t pair[2], next_at = 0;
    bool found;

    *now = NOTIFY_STATUS_COUNT;
    TRY(read_pair(ctx, conn, &SQL_STANDS, ARGS(A_INT("$row", outcome->row)), pair, &found));
    if (!found) {
        return FM_OK;
    }
    *now = status_after(outcome, pair[1] + 1);
    if (*now == NOTIFY_PENDING) {
        next_at = now_us + notify_retry_us(retry_us, pair[1] + 1, outcome->retry_after_us);
    }
    TRY(store_exec(ctx, conn, &SQL_RECORD,
                   ARGS(A_INT("$row", outcome->row), A_INT("$status", *now),
                        A_OPT("$next", next_at), A_INT("$now", now_us),
                        A_OPT("$ended", *now == NOTIFY_PENDING ? 0 : now_us),
                        A_TEXT("$error", str_of(notify_error_name(outcome->error))),
                        A_OPT("$answer", outcome->status))));
    return arrange(ctx, conn, pair[0], now_us);
}

enum fm_err outbox_purge(struct ctx *ctx, struct store_conn *conn, int64_t now_us)
{
    return store_exec(ctx, conn, &SQL_PURGE,
                      ARGS(A_INT("$recent", now_us - NOTIFY_DELIVERED_KEPT_US),
                           A_INT("$dead", now_us - NOTIFY_DEAD_KEPT_US), A_INT("$max", PURGE_MAX)));
}

/* --- reading ---------------------------------------------------------------------------------- */

bool outbox_next_host(struct ctx *ctx, struct store_conn *conn, struct str after, struct str *out)
{
    struct store_rows *rows;

    *out = STR_NONE;
    if (store_query(ctx, conn, &SQL_HOST, ARGS(A_TEXT("$after", after)), &rows) != FM_OK) {
        return false;
    }
    if (rows_next(ctx, rows)) {
        *out = arena_copy(ctx->arena, rows_bytes(rows, 0));
    }
    rows_done(rows);
    return out->p != NULL;
}

enum fm_err outbox_due(struct ctx *ctx, struct store_conn *conn, struct str host, int64_t now_us,
                       size_t max, bool (*visit)(void *with, const struct due *due), void *with)
{
    struct store_rows *rows;
    bool more = true;

    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_DUE,
                    ARGS(A_TEXT("$host", host), A_INT("$now", now_us), A_INT("$max", max)), &rows));
    while (more && rows_next(ctx, rows)) {
        struct due due = {
            .row = rows_int(rows, 0),
            .event = rows_id(rows, 1),
            .url = rows_bytes(rows, 2),
            .body = rows_bytes(rows, 3),
            .trace = rows_bytes(rows, 4),
            .secret = rows_bytes(rows, 5),
            .old_secrets = rows_bytes(rows, 6),
        };
        more = visit(with, &due);
    }
    rows_done(rows);
    return ctx->err;
}

enum fm_err outbox_gauges(struct ctx *ctx, struct store_conn *conn, struct notify_counters *out)
{
    int64_t pair[2] = {0, 0};
    bool found;

    TRY(read_pair(ctx, conn, &SQL_PENDING, NO_ARGS, pair, &found));
    out->pending = pair[0];
    out->oldest_at_us = pair[1];
    return store_int(ctx, conn, &SQL_DEAD, NO_ARGS, 0, &out->dead);
}

static struct delivery read_delivery(struct store_rows *rows)
{
    int64_t status = rows_int(rows, 6);

    return (struct delivery){
        .row = rows_int(rows, 0),
        .event = rows_id(rows, 1),
        .proposal = rows_id(rows, 2),
        .agent = rows_int(rows, 3),
        .type = rows_bytes(rows, 4),
        .host = rows_bytes(rows, 5),
        .status = status >= 0 && status < NOTIFY_STATUS_COUNT ? (enum notify_status)status
                                                              : NOTIFY_DEAD,
        .attempts = rows_int(rows, 7),
        .created_at = rows_int(rows, 8),
        .next_at = rows_int(rows, 9),
        .last_at = rows_int(rows, 10),
        .ended_at = rows_int(rows, 11),
        .last_error = rows_bytes(rows, 12),
        .last_status = rows_int(rows, 13),
    };
}

static enum fm_err visit_all(struct ctx *ctx, struct store_rows *rows,
                             void (*visit)(void *with, const struct delivery *delivery), void *with,
                             size_t *count)
{
    for (*count = 0; rows_next(ctx, rows); (*count)++) {
        struct delivery delivery = read_delivery(rows);
        visit(with, &delivery);
    }
    return ctx->err;
}

enum fm_err notify_list(struct ctx *ctx, struct store_conn *conn, enum notify_status status,
                        int64_t before, size_t max,
                        void (*visit)(void *with, const struct delivery *delivery), void *with)
{
    struct store_rows *rows;
    size_t count;

    ctx->err = FM_OK;
    if (status == NOTIFY_STATUS_COUNT) {
        TRY(store_query(ctx, conn, &SQL_LIST_ALL,
                        ARGS(A_INT("$before", before), A_INT("$max", max)), &rows));
    } else {
        TRY(store_query(
            ctx, conn, &SQL_LIST_STATUS,
            ARGS(A_INT("$status", status), A_INT("$before", before), A_INT("$max", max)), &rows));
    }
    return visit_all(ctx, rows, visit, with, &count);
}

enum fm_err notify_find(struct ctx *ctx, struct store_conn *conn, struct id event,
                        void (*visit)(void *with, const struct delivery *delivery), void *with)
{
    struct store_rows *rows;
    size_t count;

    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_LIST_ONE, ARGS(A_ID("$id", &event)), &rows));
    TRY(visit_all(ctx, rows, visit, with, &count));
    return count ? FM_OK : fail(ctx, FM_E_NOT_FOUND, "there is no such callback");
}

void notify_write(struct json_out *out, const struct delivery *delivery)
{
    jo_m_id(out, "id", ID_EVENT, delivery->event);
    jo_m_str(out, "type", delivery->type);
    jo_m_id(out, "proposal", ID_PROPOSAL, delivery->proposal);
    jo_m_str(out, "host", delivery->host);
    jo_m_str(out, "status", str_of(notify_status_name(delivery->status)));
    jo_m_int(out, "attempts", delivery->attempts);
    jo_m_str(out, "last_error", delivery->last_error);
    jo_key(out, "last_status");
    if (delivery->last_status) {
        jo_int(out, delivery->last_status);
    } else {
        jo_null(out);
    }
    jo_m_time(out, "created_at", delivery->created_at);
    jo_m_time(out, "last_attempt_at", delivery->last_at);
    jo_m_time(out, "next_attempt_at", delivery->next_at);
    jo_m_time(out, "ended_at", delivery->ended_at);
}
