/* SPDX-License-Identifier: Apache-2.0
 *
 * The admin command `check`: what the running server says about itself, as /readyz does.
 */
#include "server/admin_internal.h"
#include "server/checks.h"

static void write_checks(const struct checks_live *live, struct json_out *answer)
{
    struct check_result results[CHECKS_MAX];

    jo_key(answer, "checks");
    jo_array(answer);
    for (size_t i = 0, count = checks_live(live, results); i < count; i++) {
        check_write(answer, &results[i], false);
    }
    jo_array_end(answer);
}

enum fm_err admin_check(struct ctx *ctx, struct instance *instance, const struct json *arguments,
                        struct json_out *answer)
{
    struct checks_live live = {.ctx = ctx,
                               .dir = store_dir(instance->store),
                               .flow = atomic_load(&instance->flow),
                               .committer = instance->committer,
                               .reload = instance->reload};
    char nothing;

    TRY(json_bind(ctx, arguments, S("/arguments"), NULL, 0, &nothing));
    if (!live.flow || !live.reload) {
        return fail(ctx, FM_E_NOT_FOUND, "no server works on this folder");
    }
    TRY(store_reader(ctx, instance->store, &live.reader));
    write_checks(&live, answer);
    store_reader_close(live.reader);
    return FM_OK;
}
