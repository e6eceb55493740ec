/* SPDX-License-Identifier: Apache-2.0
 *
 * What a server is run with: the options of `serve`, which `check` takes too. An option beats the
 * environment, the environment beats the file that --config names.
 */
#ifndef FM_CLI_SERVING_H
#define FM_CLI_SERVING_H

#include "cli/cli.h"
#include "server/server.h"

struct serving {
    struct cli_common common; /* first */
    const char *config, *listen, *policy, *public_url, *loops, *retry, *timeout;
    struct cli_values allow;
    bool metrics_open, policy_alone;
    unsigned said; /* by the index of the option: an option or the environment has spoken */
};

#define SERVING_OPTIONS 10
extern const struct cli_option serving_options[SERVING_OPTIONS];

/* Behind cli_parse: fills in what no option said, from the environment and the file, and makes the
 * server's options of it; texts live in the context's arena. CLI_GO, or the exit code behind a
 * complaint. */
int serving_read(struct ctx *ctx, const struct cli_usage *usage, struct serving *in,
                 struct server_options *out);

#endif
