/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of errors.
 */
#include "base/err.h"

#include "base/panic.h"

static const struct {
    int status;
    struct str name, title;
} rows[] = {
    {200, STR("ok"), STR("Done")},
#define X(code, http, wire, sentence) {http, STR(wire), STR(sentence)},
    FM_ERRORS(X)
#undef X
};

_Static_assert(COUNT_OF(rows) == FM_ERR_COUNT, "one row per error");

int err_status(enum fm_err err)
{
    ASSERT((size_t)err < COUNT_OF(rows));
    return rows[err].status;
}

struct str err_name(enum fm_err err)
{
    ASSERT((size_t)err < COUNT_OF(rows));
    return rows[err].name;
}

struct str err_title(enum fm_err err)
{
    ASSERT((size_t)err < COUNT_OF(rows));
    return rows[err].title;
}
