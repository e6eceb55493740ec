/* SPDX-License-Identifier: Apache-2.0
 *
 * `fermata serve`: the server in the foreground.
 */
#include "cli/serving.h"
#include "crypto/crypto.h"

static const struct cli_usage serve_usage = {
    .line = "serve [--config FILE] [--listen HOST:PORT] [--policy FILE]",
    .about =
        "Runs the server until SIGTERM or Ctrl-C: prints its URL when it serves, and on the way\n"
        "down answers what waits and closes. SIGHUP reads the policy file again. One process owns "
        "a\n"
        "data folder.\n"
        "TLS is the proxy's work: name the outside address with --public-url.\n"
        "\n"
        "Each option can stand in the environment (FERMATA_PUBLIC_URL, FERMATA_METRICS_OPEN=1)\n"
        "and, without its dashes, in the YAML file that --config names. An option beats the\n"
        "environment, the environment beats the file. No file is read that is not named.",
    .options = serving_options,
    .option_count = SERVING_OPTIONS,
    .common = CLI_TAKES_DATA,
};

static int serve(struct ctx *ctx, struct serving *options)
{
    struct server_options server;
    int code = serving_read(ctx, &serve_usage, options, &server);

    if (code != CLI_GO) {
        return code;
    }
    crypto_init();
    return server_run(ctx, &server) == FM_OK ? CLI_OK : cli_failed(&options->common, ctx);
}

int cli_serve(int argc, char **argv)
{
    struct serving options = {.config = NULL};
    struct ctx ctx;
    struct arena *arena;
    int words, code = cli_parse(&serve_usage, argc, argv, &options, &words);

    if (code != CLI_GO) {
        return code;
    }
    arena = arena_new(64 * MIB);
    if (!arena) {
        fputs("fermata: out of memory\n", stderr);
        return CLI_FAILED;
    }
    ctx_init(&ctx, arena);
    code = serve(&ctx, &options);
    arena_free(arena);
    return code;
}
