/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether there are, or have been, two people who can do what takes two: from the store, so that a
 * command sees those before it. Triggers of the store remember it (store/migrations.c): no road by
 * which people change can go round them.
 */
#include "people/people.h"

SQL(SQL_TWO, "SELECT count(*) FROM meta WHERE name = $name");

_Static_assert(ROLE_BIT(ROLE_POLICY) == 4 && ROLE_BIT(ROLE_LEAD) == 2, "the triggers say so");

enum fm_err people_have_been_two(struct ctx *ctx, struct store_conn *conn, enum people_two what,
                                 bool *out)
{
    static const struct str names[] = {
        [TWO_POLICY] = STR("two_policy"), [TWO_RESUME] = STR("two_resume")};
    int64_t count = 0;

    TRY(store_int(ctx, conn, &SQL_TWO, ARGS(A_TEXT("$name", names[what])), 0, &count));
    *out = count > 0;
    return FM_OK;
}
