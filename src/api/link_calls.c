/* SPDX-License-Identifier: Apache-2.0
 *
 * Signing in by a one-time link: the page hands over the code that stood behind the # of its URL.
 *
 * It must never take the code from a URL: what is in a request line ends up in logs.
 */
#include "api/api_internal.h"

struct link_input {
    struct str code;
    const struct person *person;
    char cookie[SECRET_TEXT_SIZE];
};

static const struct json_field link_fields[] = {
    {.name = "code", .type = JSON_T_STR, .flags = JSON_F_REQUIRED,
     .offset = offsetof(struct link_input, code), .max = 2 * SECRET_TEXT_SIZE},
};

static enum fm_err run_link(struct call *call, struct store_conn *conn)
{
    struct link_input *in = call->in;
    struct id id;

    return people_sign_in_by_link(&call->ctx, conn, in->person, in->code, &id, in->cookie);
}

static enum fm_err render_link(struct call *call, struct store_conn *conn, struct buf *body)
{
    const struct link_input *in = call->in;

    (void)conn;
    session_answer(call, in->person, in->cookie, body);
    return FM_OK;
}

/* Refuses with the loop's own reader first: a guess must not cost the committer anything. */
static enum fm_err find_person(struct call *call, struct link_input *in)
{
    int64_t row;

    TRY(call_bind(call, link_fields, COUNT_OF(link_fields), in));
    TRY(people_find_link(&call->ctx, call->part->reader, in->code, &row));
    in->person = directory_person_by_row(call->directory, row);
    return in->person ? FM_OK
                      : fail(&call->ctx, FM_E_UNAUTHENTICATED, "its person can no longer sign in");
}

void session_link(struct call *call)
{
    struct link_input *in = call_input(call, sizeof(*in));
    enum fm_err err = in ? find_person(call, in) : FM_OK;

    if (err != FM_OK) {
        call_fail(call, err);
    } else if (in) {
        call_write(call, run_link, render_link, 200);
    }
}
