/* SPDX-License-Identifier: Apache-2.0
 *
 * The link of the first start: whoever holds it makes the first admin. Its token lives in the
 * memory of this process alone, and is good once, for an hour, and only while there is nobody.
 */
#include "people/people_internal.h"

#define TOKEN_BYTES 32

/* Set before the server serves, read-only from then on; that it is used up shows in the store. */
static struct {
    struct hash token;
    int64_t until_us; /* 0: there is none */
} setup;

static void note_one(void *with, const struct person *person)
{
    (void)person;
    *(bool *)with = true;
}

static bool somebody_is_there(void)
{
    const struct directory *directory = directory_keep();
    bool there = false;

    directory_each_person(directory, note_one, &there);
    directory_drop(directory);
    return there;
}

bool setup_open(char token[SECRET_TEXT_SIZE])
{
    struct ctx ctx = {0};

    setup.until_us = 0;
    if (somebody_is_there() ||
        people_make_secret(&ctx, S("fkf_"), TOKEN_BYTES, buf_add_base64url, token) != FM_OK) {
        return false;
    }
    setup.token = sha256(str_of(token));
    setup.until_us = clock_now_us() + SETUP_US;
    return true;
}

enum fm_err setup_check(struct ctx *ctx, struct str token)
{
    if (setup.until_us == 0 || somebody_is_there()) {
        return fail(ctx, FM_E_FORBIDDEN, "there is somebody already: sign in, or ask an admin");
    }
    if (!hash_eq(sha256(token), setup.token)) {
        return fail(ctx, FM_E_FORBIDDEN, "this is not the setup link of this server");
    }
    if (clock_now_us() >= setup.until_us) {
        return fail(ctx, FM_E_FORBIDDEN,
                    "the setup link has expired: restart the server for a new one");
    }
    return FM_OK;
}
