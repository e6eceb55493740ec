/* SPDX-License-Identifier: Apache-2.0
 *
 * How many people there are of a role: from the store, so that a command sees those before it.
 */
#include "people/people.h"

SQL(SQL_COUNT_ROLE, "SELECT count(*) FROM people WHERE disabled_at IS NULL AND roles & $role");

enum fm_err people_count_role(struct ctx *ctx, struct store_conn *conn, enum role role,
                              int64_t *out)
{
    return store_int(ctx, conn, &SQL_COUNT_ROLE, ARGS(A_INT("$role", ROLE_BIT(role))), 0, out);
}
