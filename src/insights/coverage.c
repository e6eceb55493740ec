/* SPDX-License-Identifier: Apache-2.0
 *
 * Coverage of the catalogue: which actions each agent has proposed, and how often nothing of the
 * policy spoke of them. Reads what each submission has counted.
 */
#include "insights/insights.h"

SQL(SQL_ROWS, "SELECT agent, action, proposals, silent, first_at, last_at FROM seen_actions"
              " WHERE (agent, action) > ($agent, $action) ORDER BY agent, action LIMIT $max");

enum fm_err insights_coverage(struct ctx *ctx, struct store_conn *conn, int64_t agent,
                              struct str action, size_t max, coverage_visit_fn *visit, void *with)
{
    struct store_rows *rows;

    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_ROWS,
                    ARGS(A_INT("$agent", agent), A_TEXT("$action", action.p ? action : S("")),
                         A_INT("$max", max)),
                    &rows));
    while (rows_next(ctx, rows)) {
        const struct coverage_row row = {.agent = rows_int(rows, 0),
                                         .action = rows_bytes(rows, 1),
                                         .proposals = rows_int(rows, 2),
                                         .silent = rows_int(rows, 3),
                                         .first_at = rows_int(rows, 4),
                                         .last_at = rows_int(rows, 5)};
        visit(with, &row);
    }
    rows_done(rows);
    return ctx->err;
}
