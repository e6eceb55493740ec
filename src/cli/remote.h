/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line as a client of the HTTP interface: for people who decide without a browser, on
 * any machine. They are who their personal token says; nothing else is sent.
 *
 * 1. A token never travels in clear beyond this machine, and never to another host by a redirect.
 * 2. What comes back is outside data: it has limits, and reaches the terminal through cli_shown
 * alone.
 */
#ifndef FM_CLI_REMOTE_H
#define FM_CLI_REMOTE_H

#include "cli/cli.h"

/* Begins the options of a command that talks to a server. */
struct remote_options {
    struct cli_common common;
    const char *url; /* --url, else FERMATA_URL, else http://127.0.0.1:8600 */
};
#define REMOTE_OPTION_URL                                                                          \
    {                                                                                              \
        "--url", CLI_VALUE, offsetof(struct remote_options, url), "URL",                           \
            "the server (default: FERMATA_URL, else http://127.0.0.1:8600)"                        \
    }

struct remote {
    void *curl;
    struct str url;           /* without a slash at the end */
    struct str authorization; /* the header line */
};

/* Reads address and token (FERMATA_TOKEN). Errors: FM_E_INVALID_ARGUMENT with the next step. */
enum fm_err remote_open(struct ctx *ctx, const struct remote_options *options, struct remote *out)
    MUST_CHECK;
void remote_close(struct remote *remote); /* harmless on a cleared struct */

/* One request; `body` is JSON or absent. `*answer` lives in ctx->arena; NULL for an answer
 * without a body. Errors: those of the server with its words, FM_E_INTERNAL when it cannot be
 * reached. */
enum fm_err remote_get(struct remote *remote, struct ctx *ctx, struct str path,
                       const struct json **answer) MUST_CHECK;
enum fm_err remote_post(struct remote *remote, struct ctx *ctx, struct str path, struct str body,
                        const struct json **answer) MUST_CHECK;

/* Prints everything that a person needs for a decision: what runs, who wants it, why it waits. */
void show_proposal(struct ctx *ctx, const struct json *proposal);
/* A label, and below it text of somebody else: each line behind a bar, so that none passes for
 * ours. */
void show_block(const char *label, struct str text);
/* The same for JSON, one member a line. NULL prints nothing. */
void show_json(const char *label, const struct json *value);
/* The time of a text as it is written on the wire, with how far it is: "in 3 h", "2 min ago". */
struct str show_time(struct ctx *ctx, struct str text);

#endif
