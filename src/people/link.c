/* SPDX-License-Identifier: Apache-2.0
 *
 * Sign-in links: a code behind the # of a URL, exchanged once for a session.
 *
 * It must never sign anybody in twice with one code, nor leave a code where a log of URLs could
 * keep it: what stands behind the # is sent to no server, and the page hands it over in a body.
 *
 * 1. A code is looked up by its hash, like every other secret, and its row is gone once it is used.
 */
#include "people/people_internal.h"

SQL(SQL_FIND_LINK, "SELECT person FROM credentials WHERE hash = $hash AND kind = 4"
                   " AND revoked_at IS NULL AND expires_at > $now");
SQL(SQL_DROP_LINKS,
    "DELETE FROM credentials WHERE kind = 4 AND (hash = $hash OR expires_at <= $now)");

_Static_assert(CREDENTIAL_LINK == 4, "the statements above say kind = 4 for links");

enum fm_err people_find_link(struct ctx *ctx, struct store_conn *conn, struct str code,
                             int64_t *person_row)
{
    struct hash hash = sha256(code);
    struct store_rows *rows;

    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_FIND_LINK,
                    ARGS(A_BLOB("$hash", hash_str(&hash)), A_INT("$now", clock_now_us())), &rows));
    if (!rows_next(ctx, rows)) {
        return ctx->err != FM_OK
                   ? ctx->err
                   : fail(ctx, FM_E_UNAUTHENTICATED,
                          "this sign-in link has been used or is too old; "
                          "`fermata user link` makes another");
    }
    *person_row = rows_int(rows, 0);
    rows_done(rows);
    return FM_OK;
}

enum fm_err people_sign_in_by_link(struct ctx *ctx, struct store_conn *conn,
                                   const struct person *person, struct str code, struct id *id,
                                   char cookie[SECRET_TEXT_SIZE])
{
    struct hash hash = sha256(code);
    int64_t row;

    TRY(people_find_link(ctx, conn, code, &row)); /* again: somebody may have been faster */
    if (row != person->row) {
        return fail(ctx, FM_E_UNAUTHENTICATED, "sign in again");
    }
    TRY(store_exec(ctx, conn, &SQL_DROP_LINKS,
                   ARGS(A_BLOB("$hash", hash_str(&hash)), A_INT("$now", clock_now_us()))));
    return people_sign_in(ctx, conn, person, id, cookie);
}
