/* SPDX-License-Identifier: Apache-2.0
 *
 * `fermata serve`: the server in the foreground.
 */
#include "cli/cli.h"
#include "crypto/crypto.h"
#include "server/server.h"

#include <stdlib.h>

struct serve_options {
    struct cli_common common;
    const char *listen, *policy, *public_url, *loops;
    bool metrics_open;
};

#define OPTION(member) offsetof(struct serve_options, member)
static const struct cli_option serve_table[] = {
    {"--listen", CLI_VALUE, OPTION(listen), "HOST:PORT",
     "where to listen (127.0.0.1:8600); port 0 lets the kernel pick"},
    {"--policy", CLI_VALUE, OPTION(policy), "FILE",
     "the policy; without one every action is reviewed by role:reviewer"},
    {"--public-url", CLI_VALUE, OPTION(public_url), "URL",
     "what browsers see behind a proxy, https://fermata.example"},
    {"--loops", CLI_VALUE, OPTION(loops), "N", "event loops; default one per core"},
    {"--metrics-open", CLI_FLAG, OPTION(metrics_open), NULL,
     "answer /metrics without a credential: where only the monitoring reaches the port"},
};

static const struct cli_usage serve_usage = {
    .line = "serve [--listen HOST:PORT] [--policy FILE]",
    .about =
        "Runs the server until SIGTERM or Ctrl-C: prints its URL when it serves, and on the way\n"
        "down answers what waits and closes. SIGHUP reads the policy file again. One process owns "
        "a\n"
        "data folder.\n"
        "TLS is the proxy's work: name the outside address with --public-url.",
    .options = serve_table,
    .option_count = COUNT_OF(serve_table),
    .common = CLI_TAKES_DATA,
};

static const char *value_or(const char *value, const char *variable, const char *fallback)
{
    const char *from_environment = getenv(variable);

    return value ? value : from_environment ? from_environment : fallback;
}

int cli_serve(int argc, char **argv)
{
    struct serve_options options = {0};
    struct server_options server = {0};
    struct ctx ctx;
    struct arena *arena;
    uint64_t loops = 0;
    int words, code = cli_parse(&serve_usage, argc, argv, &options, &words);

    if (code != CLI_GO) {
        return code;
    }
    if (options.loops && (!str_to_u64(str_of(options.loops), &loops) || loops < 1 || loops > 64)) {
        return cli_misused(&serve_usage, "--loops is 1 to 64");
    }
    server = (struct server_options){
        .dir = options.common.dir,
        .listen = value_or(options.listen, "FERMATA_LISTEN", "127.0.0.1:8600"),
        .policy = value_or(options.policy, "FERMATA_POLICY", NULL),
        .public_url = value_or(options.public_url, "FERMATA_PUBLIC_URL", NULL),
        .loops = (unsigned)loops,
        .metrics_open = options.metrics_open,
    };
    arena = arena_new(64 * MIB);
    if (!arena) {
        fputs("fermata: out of memory\n", stderr);
        return CLI_FAILED;
    }
    crypto_init();
    ctx_init(&ctx, arena);
    code = server_run(&ctx, &server) == FM_OK ? CLI_OK : cli_failed(&options.common, &ctx);
    arena_free(arena);
    return code;
}
