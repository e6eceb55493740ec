/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether everything is as a server needs it: one table of checks for `fermata check` (which looks
 * from outside, at a folder that may be in use) and for /readyz (the server about itself). Each
 * that does not pass says what to do next.
 *
 * Texts of the server about itself name no path and nobody: anybody may read them.
 */
#ifndef FM_SERVER_CHECKS_H
#define FM_SERVER_CHECKS_H

#include "server/instance.h"
#include "server/reload.h"
#include "json/json.h"

#define CHECK_TEXT_MAX 512
#define CHECKS_MAX     16

enum check_level { CHECK_OK, CHECK_WARNING, CHECK_FAILED };

struct check_result {
    const char *name;
    enum check_level level;
    char detail[CHECK_TEXT_MAX];
    char next[CHECK_TEXT_MAX]; /* what to do; empty when it is OK */
};

/* "ok", "warning", "failed". */
const char *check_level_name(enum check_level level);
/* One object {"name", "status", "detail", "next"}; for everybody's eyes (`brief`), what is well
 * says no more than that. */
void check_write(struct json_out *out, const struct check_result *result, bool brief);

/* A server about itself: never blocks for long. Returns how many results there are. Any thread. */
struct checks_live {
    struct ctx *ctx; /* of the caller, as is the connection */
    struct store_conn *reader;
    const char *dir;
    struct flow *flow;
    struct committer *committer;
    struct reload *reload;
};
size_t checks_live(const struct checks_live *live, struct check_result out[CHECKS_MAX]);

/* A folder from outside, reading only; what `fermata serve` would be started with. */
struct checks_options {
    const char *dir;
    const char *policy;     /* file; NULL: the built-in one */
    const char *listen;     /* HOST:PORT */
    const char *public_url; /* or NULL */
};
size_t checks_offline(struct ctx *ctx, const struct checks_options *options,
                      struct check_result out[CHECKS_MAX]);

#endif
