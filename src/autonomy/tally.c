/* SPDX-License-Identifier: Apache-2.0
 *
 * Counting what people decided.
 */
#include "autonomy/autonomy.h"

SQL(SQL_ADD, "INSERT INTO tallies(agent, category, approved, modified, rejected, returned, expired)"
             " VALUES($agent, $category, $a, $m, $j, $r, $e) ON CONFLICT(agent, category) DO UPDATE SET"
             " approved = approved + $a, modified = modified + $m, rejected = rejected + $j,"
             " returned = returned + $r, expired = expired + $e");
SQL(SQL_FIND, "SELECT agent, category, approved, modified, rejected, returned, expired FROM tallies"
              " WHERE agent = $agent AND category = $category");
SQL(SQL_LIST, "SELECT agent, category, approved, modified, rejected, returned, expired FROM tallies"
              " WHERE (agent, category) > ($agent, $category) AND ($only = 0 OR agent = $only)"
              " ORDER BY agent, category LIMIT $max");

enum fm_err tally_add(struct ctx *ctx, struct store_conn *conn, int64_t agent, struct str category,
                      enum tally_kind kind, int by)
{
    return store_exec(ctx, conn, &SQL_ADD,
                      ARGS(A_INT("$agent", agent), A_TEXT("$category", category),
                           A_INT("$a", kind == TALLY_APPROVED ? by : 0),
                           A_INT("$m", kind == TALLY_MODIFIED ? by : 0),
                           A_INT("$j", kind == TALLY_REJECTED ? by : 0),
                           A_INT("$r", kind == TALLY_RETURNED ? by : 0),
                           A_INT("$e", kind == TALLY_EXPIRED ? by : 0)));
}

static void read_tally(struct store_rows *rows, struct tally *out)
{
    *out = (struct tally){
        .agent = rows_int(rows, 0),
        .category = rows_bytes(rows, 1),
        .approved = rows_int(rows, 2),
        .modified = rows_int(rows, 3),
        .rejected = rows_int(rows, 4),
        .returned = rows_int(rows, 5),
        .expired = rows_int(rows, 6),
    };
}

enum fm_err tally_find(struct ctx *ctx, struct store_conn *conn, int64_t agent, struct str category,
                       struct tally *out)
{
    struct store_rows *rows;

    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_FIND,
                    ARGS(A_INT("$agent", agent), A_TEXT("$category", category)), &rows));
    *out = (struct tally){.agent = agent};
    if (rows_next(ctx, rows)) {
        read_tally(rows, out);
    }
    out->category = category;
    rows_done(rows);
    return ctx->err;
}

enum fm_err tally_list(struct ctx *ctx, struct store_conn *conn, int64_t only_agent, int64_t after_agent,
                       struct str after_category, size_t max,
                       void (*visit)(void *with, const struct tally *tally), void *with)
{
    struct store_rows *rows;
    struct str after = after_category.p ? after_category : S("");

    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_LIST,
                    ARGS(A_INT("$agent", after_agent), A_TEXT("$category", after),
                         A_INT("$only", only_agent), A_INT("$max", max)),
                    &rows));
    while (rows_next(ctx, rows)) {
        struct tally tally;
        read_tally(rows, &tally);
        visit(with, &tally);
    }
    return ctx->err;
}
