/* SPDX-License-Identifier: Apache-2.0
 *
 * Counters over sliding windows: of budgets and of `history`. Their rows are the truth; nothing of
 * them is kept in memory, so a rollback, a crash and a restart need no care, and the committer,
 * which runs one command after the other, makes them exact.
 *
 * 1. A window is cut into buckets. The oldest counts whole: a counter may hold on to a use for one
 *    bucket longer, never forget it earlier.
 * 2. Sums are millionths in 63 bits and stay at the largest when they would pass it.
 */
#include "flow/windows.h"

#include "base/panic.h"
#include "crypto/crypto.h"

#define BUCKETS 60 /* of a budget's window: at most 1/60 longer than it says */

SQL(SQL_READ,
    "SELECT bucket, count, micros FROM counters WHERE counter = $counter AND bucket >= $from");
SQL(SQL_WRITE, "INSERT INTO counters(counter, bucket, count, micros, ends_at)"
               " VALUES($counter, $bucket, $count, $micros, $ends) ON CONFLICT(counter, bucket)"
               " DO UPDATE SET count = excluded.count, micros = excluded.micros");
SQL(SQL_CHARGE, "INSERT INTO charges(proposal, counter, bucket, micros, ends_at)"
                " VALUES($proposal, $counter, $bucket, $micros, $ends)"
                " ON CONFLICT(proposal, counter) DO NOTHING");
SQL(SQL_CHARGES,
    "SELECT counter, bucket, micros FROM charges WHERE proposal = $proposal LIMIT $max");
SQL(SQL_CHARGED, "SELECT micros FROM charges WHERE proposal = $proposal AND counter = $counter"
                 " AND bucket >= $from");
SQL(SQL_FORGET, "DELETE FROM charges WHERE proposal = $proposal");
SQL(SQL_ANY_CHARGE, "SELECT count(*) FROM (SELECT 1 FROM charges LIMIT 1)");
SQL(SQL_PURGE, "DELETE FROM counters WHERE (counter, bucket) IN"
               " (SELECT counter, bucket FROM counters WHERE ends_at < $now LIMIT $max)");
SQL(SQL_PURGE_CHARGES, "DELETE FROM charges WHERE (proposal, counter) IN"
                       " (SELECT proposal, counter FROM charges WHERE ends_at < $now LIMIT $max)");

struct id counter_id_of(struct str kind, struct str name, struct str key, int64_t width_us)
{
    AUTO(buf_done) struct buf text = BUF_INIT(4 * KIB);
    struct hash hash;

    buf_add(&text, kind);
    buf_printf(&text, "\n%lld\n", (long long)width_us);
    buf_add(&text, name);
    buf_add_char(&text, '\n');
    buf_add(&text, key);
    ASSERT(buf_ok(&text) || key.n > KIB); /* keys are names, subjects, categories: below 1 KiB */
    hash = sha256(buf_ok(&text) ? buf_str(&text) : key);
    return id_from((struct str){hash_str(&hash).p, sizeof(struct id)});
}

int64_t counter_width(int64_t window_us)
{
    return window_us / BUCKETS > SECOND_US ? window_us / BUCKETS : SECOND_US;
}

static int64_t saturated(int64_t a, int64_t b)
{
    int64_t sum;

    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

enum fm_err counter_read(struct ctx *ctx, struct store_conn *conn, struct id id, int64_t width_us,
                         int64_t since_us, int64_t now_us, struct counter_total *out)
{
    struct store_rows *rows;

    *out = (struct counter_total){0};
    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_READ,
                    ARGS(A_ID("$counter", &id), A_INT("$from", since_us / width_us)), &rows));
    while (rows_next(ctx, rows)) {
        int64_t count = rows_int(rows, 1), micros = rows_int(rows, 2);
        out->count = saturated(out->count, count);
        out->micros = saturated(out->micros, micros);
        if (rows_int(rows, 0) == now_us / width_us) {
            out->bucket_count = count;
            out->bucket_micros = micros;
        }
    }
    return ctx->err;
}

static enum fm_err write_bucket(struct ctx *ctx, struct store_conn *conn, struct id counter,
                                int64_t bucket, int64_t count, int64_t micros, int64_t ends_us)
{
    return store_exec(ctx, conn, &SQL_WRITE,
                      ARGS(A_ID("$counter", &counter), A_INT("$bucket", bucket),
                           A_INT("$count", count), A_INT("$micros", micros),
                           A_INT("$ends", ends_us)));
}

enum fm_err counter_add(struct ctx *ctx, struct store_conn *conn, struct id id, int64_t width_us,
                        int64_t window_us, int64_t micros, int64_t now_us)
{
    int64_t bucket = now_us / width_us;
    struct counter_total total;

    TRY(counter_read(ctx, conn, id, width_us, bucket * width_us, now_us, &total));
    return write_bucket(ctx, conn, id, bucket, saturated(total.bucket_count, 1),
                        saturated(total.bucket_micros, micros), now_us + window_us + 2 * width_us);
}

enum fm_err counter_shift(struct ctx *ctx, struct store_conn *conn, struct id id, int64_t width_us,
                          int64_t at_us, int64_t by_micros)
{
    int64_t bucket = at_us / width_us;
    struct counter_total total;

    TRY(counter_read(ctx, conn, id, width_us, bucket * width_us, at_us, &total));
    if (total.bucket_count == 0 || total.bucket_micros == INT64_MAX) { /* purged; or invariant 2 */
        return FM_OK;
    }
    return write_bucket(ctx, conn, id, bucket, total.bucket_count,
                        saturated(total.bucket_micros, by_micros), at_us);
}

/* Charges ------------------------------------------------------------------------------------ */

enum fm_err counter_charge(struct ctx *ctx, struct store_conn *conn, int64_t proposal, struct id id,
                           int64_t width_us, int64_t window_us, int64_t micros, int64_t now_us)
{
    TRY(counter_add(ctx, conn, id, width_us, window_us, micros, now_us));
    return store_exec(ctx, conn, &SQL_CHARGE,
                      ARGS(A_INT("$proposal", proposal), A_ID("$counter", &id),
                           A_INT("$bucket", now_us / width_us), A_INT("$micros", micros),
                           A_INT("$ends", now_us + window_us + 2 * width_us)));
}

enum fm_err counter_charged(struct ctx *ctx, struct store_conn *conn, int64_t proposal,
                            struct id id, int64_t width_us, int64_t since_us, int64_t *micros)
{
    return store_int(ctx, conn, &SQL_CHARGED,
                     ARGS(A_INT("$proposal", proposal), A_ID("$counter", &id),
                          A_INT("$from", since_us / width_us)),
                     0, micros);
}

struct charge {
    struct id counter;
    int64_t bucket, micros;
};

static enum fm_err read_charges(struct ctx *ctx, struct store_conn *conn, int64_t proposal,
                                struct charge charges[CHARGES_MAX], size_t *count)
{
    struct store_rows *rows;

    *count = 0;
    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_CHARGES,
                    ARGS(A_INT("$proposal", proposal), A_INT("$max", CHARGES_MAX)), &rows));
    while (*count < CHARGES_MAX && rows_next(ctx, rows)) {
        struct charge *charge = &charges[(*count)++];
        *charge = (struct charge){rows_id(rows, 0), rows_int(rows, 1), rows_int(rows, 2)};
    }
    rows_done(rows);
    return ctx->err;
}

SQL(SQL_GIVE_BACK,
    "UPDATE counters SET count = max(0, count - 1), micros = max(0, micros - $micros)"
    " WHERE counter = $counter AND bucket = $bucket");

enum fm_err counter_give_back(struct ctx *ctx, struct store_conn *conn, int64_t proposal)
{
    struct charge charges[CHARGES_MAX];
    size_t count;

    TRY(read_charges(ctx, conn, proposal, charges, &count));
    for (size_t i = 0; i < count; i++) {
        TRY(store_exec(ctx, conn, &SQL_GIVE_BACK,
                       ARGS(A_INT("$micros", charges[i].micros),
                            A_ID("$counter", &charges[i].counter),
                            A_INT("$bucket", charges[i].bucket))));
    }
    return count ? counter_keep(ctx, conn, proposal) : FM_OK;
}

enum fm_err counter_keep(struct ctx *ctx, struct store_conn *conn, int64_t proposal)
{
    return store_exec(ctx, conn, &SQL_FORGET, ARGS(A_INT("$proposal", proposal)));
}

enum fm_err counter_any_charge(struct ctx *ctx, struct store_conn *conn, bool *out)
{
    int64_t count;

    TRY(store_int(ctx, conn, &SQL_ANY_CHARGE, NO_ARGS, 0, &count));
    *out = count > 0;
    return FM_OK;
}

enum fm_err counter_purge(struct ctx *ctx, struct store_conn *conn, int64_t now_us, size_t max)
{
    TRY(store_exec(ctx, conn, &SQL_PURGE, ARGS(A_INT("$now", now_us), A_INT("$max", max))));
    return store_exec(ctx, conn, &SQL_PURGE_CHARGES,
                      ARGS(A_INT("$now", now_us), A_INT("$max", max)));
}
