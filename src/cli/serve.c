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
    const char *listen, *policy, *public_url, *loops, *retry, *timeout;
    struct cli_values allow;
    bool metrics_open, policy_alone;
};

#define OPTION(member) offsetof(struct serve_options, member)
static const struct cli_option serve_table[] = {
    {"--listen", CLI_VALUE, OPTION(listen), "HOST:PORT",
     "where to listen (127.0.0.1:8600); port 0 lets the kernel pick"},
    {"--policy", CLI_VALUE, OPTION(policy), "FILE",
     "the policy; without one the store's rules on, and in a new store every action is reviewed"},
    {"--policy-alone", CLI_FLAG, OPTION(policy_alone), NULL,
     "the file may loosen the policy while there are not two people with the role policy"},
    {"--public-url", CLI_VALUE, OPTION(public_url), "URL",
     "what browsers see behind a proxy, https://fermata.example"},
    {"--loops", CLI_VALUE, OPTION(loops), "N", "event loops; default one per core"},
    {"--callback-allow", CLI_REPEAT, OPTION(allow), "CIDR",
     "callbacks may go to this private network too, also by plain http; repeatable"},
    {"--callback-retry", CLI_VALUE, OPTION(retry), "DURATION",
     "wait after a callback's first failure (5s); threefold each time, up to 12h"},
    {"--callback-timeout", CLI_VALUE, OPTION(timeout), "DURATION",
     "what one attempt at a callback may take (15s)"},
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

static bool add_network(struct outgoing_rules *rules, struct str text)
{
    return rules->allow_count < OUTGOING_ALLOW_MAX &&
           cidr_parse(text, &rules->allow[rules->allow_count++]);
}

/* Networks that callbacks may go to besides the public internet. CLI_GO, or what a complaint
 * gave. */
static int read_networks(const struct serve_options *options, struct outgoing_rules *rules)
{
    struct str rest = str_of(value_or(NULL, "FERMATA_CALLBACK_ALLOW", NULL));

    for (size_t i = 0; i < options->allow.count; i++) {
        if (!add_network(rules, str_of(options->allow.items[i]))) {
            return cli_misused(&serve_usage, "--callback-allow wants networks such as 10.0.0.0/8 or"
                                             " fd00::/8, without bits behind the prefix");
        }
    }
    while (options->allow.count == 0 && rest.n) {
        if (!add_network(rules, str_split(&rest, ','))) {
            return cli_misused(&serve_usage,
                               "FERMATA_CALLBACK_ALLOW wants networks such as 10.0.0.0/8,fd00::/8");
        }
    }
    return CLI_GO;
}

static bool read_duration(const char *value, int64_t least_us, int64_t most_us, int64_t *out)
{
    return !value || (duration_parse(str_of(value), out) && *out >= least_us && *out <= most_us);
}

static int read_callbacks(const struct serve_options *options, struct notify_options *out)
{
    const char *retry = value_or(options->retry, "FERMATA_CALLBACK_RETRY", NULL);
    const char *timeout = value_or(options->timeout, "FERMATA_CALLBACK_TIMEOUT", NULL);

    if (!read_duration(retry, SECOND_US, HOUR_US, &out->retry_us)) {
        return cli_misused(&serve_usage, "--callback-retry is 1s to 1h");
    }
    if (!read_duration(timeout, SECOND_US, MINUTE_US, &out->timeout_us)) {
        return cli_misused(&serve_usage, "--callback-timeout is 1s to 60s");
    }
    return read_networks(options, &out->rules);
}

int cli_serve(int argc, char **argv)
{
    struct serve_options options = {0};
    struct server_options server = {0};
    struct notify_options callbacks = {0};
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
    code = read_callbacks(&options, &callbacks);
    if (code != CLI_GO) {
        return code;
    }
    server = (struct server_options){
        .dir = options.common.dir,
        .listen = value_or(options.listen, "FERMATA_LISTEN", "127.0.0.1:8600"),
        .policy = value_or(options.policy, "FERMATA_POLICY", NULL),
        .policy_alone = options.policy_alone,
        .public_url = value_or(options.public_url, "FERMATA_PUBLIC_URL", NULL),
        .loops = (unsigned)loops,
        .callbacks = callbacks,
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
