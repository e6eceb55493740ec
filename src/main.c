/* SPDX-License-Identifier: Apache-2.0
 *
 * fermata: the table of subcommands. Each does its own work in src/cli; this file only finds it.
 */
#include "cli/cli.h"

#include <signal.h>

static int run_version(int argc, char **argv);
static int run_help(int argc, char **argv);

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help; /* one line */
} subcommands[] = {
    {"serve", cli_serve, "run the server"},
    {"demo", cli_demo, "a server with sample people and an agent at work, for a first look"},
    {"user", cli_user, "add, list, change and review people; sign-in links"},
    {"agent", cli_agent, "add and list agents"},
    {"key", cli_key, "make, list and revoke keys of agents"},
    {"token", cli_token, "make, list and revoke tokens of people and services"},
    {"pause", cli_pause, "stop everything, an agent, an action or a category"},
    {"webhook", cli_webhook, "see callbacks and send them again"},
    {"inbox", cli_inbox, "what waits for your decision"},
    {"show", cli_show, "one proposal, with all that a decision needs"},
    {"decide", cli_decide, "approve, modify, reject or return a proposal"},
    {"policy", cli_policy, "check a policy file"},
    {"schema", cli_schema, "check a JSON Schema, and a value against it"},
    {"check", cli_check, "check configuration, folder, store, clock, disk and limits"},
    {"cel", cli_cel, "try out a condition"},
    {"audit", cli_audit, "verify the audit log; proofs, evidence bundles, export"},
    {"backup", cli_backup, "copy a data folder while it is in use"},
    {"restore", cli_restore, "make a data folder from a backup"},
    {"version", run_version, "print the version"},
    {"help", run_help, "print this text, or that of a command"},
};

static void print_overview(FILE *to)
{
    fputs("Fermata holds what an AI agent is about to do until a person has decided.\n\n"
          "usage: fermata COMMAND ...\n\n",
          to);
    for (size_t i = 0; i < COUNT_OF(subcommands); i++) {
        fprintf(to, "  %-10s %s\n", subcommands[i].name, subcommands[i].help);
    }
    fputs("\n`fermata COMMAND --help` says more. Exit codes: 0 done, 1 failed, 2 wrong usage.\n", to);
}

/* -1 when there is none. */
static int find_subcommand(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(subcommands); i++) {
        if (strcmp(name, subcommands[i].name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static int unknown(const char *name)
{
    AUTO(buf_done) struct buf safe = BUF_INIT(64 * KIB);

    cli_escape(&safe, str_of(name));
    fprintf(stderr, "fermata: there is no command %.*s\n\n", STR_ARG(buf_str(&safe)));
    print_overview(stderr);
    return CLI_USAGE;
}

static int run_version(int argc, char **argv)
{
    static const struct cli_usage usage = {.line = "version",
                                           .about = "Prints the version.",
                                           .common = CLI_TAKES_JSON};
    struct cli_common options = {.json = false};
    int words, code = cli_parse(&usage, argc, argv, &options, &words);

    if (code != CLI_GO) {
        return code;
    }
    puts(options.json ? "{\"version\":\"" FERMATA_VERSION "\"}" : "fermata " FERMATA_VERSION);
    return CLI_OK;
}

static int run_help(int argc, char **argv)
{
    static char help_option[] = "--help";
    int at = argc > 1 ? find_subcommand(argv[1]) : -1;

    if (argc > 1 && at < 0 && argv[1][0] != '-') {
        return unknown(argv[1]);
    }
    if (at < 0 || subcommands[at].run == run_help) {
        print_overview(stdout);
        return CLI_OK;
    }
    return subcommands[at].run(2, (char *[]){argv[1], help_option, NULL});
}

/* What was printed must have arrived: a full disk or a closed pipe is a failure, not an empty answer. */
static int finish(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) {
        return code;
    }
    fputs("fermata: stdout cannot be written\n", stderr);
    return code == CLI_OK ? CLI_FAILED : code;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    int at;

    signal(SIGPIPE, SIG_IGN); /* writing to what has gone is an error of that write alone */
    signal(SIGXFSZ, SIG_IGN); /* so is writing to a file that may not grow */
    if (!name[0]) {
        print_overview(stderr);
        return CLI_USAGE;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        name = "help";
    } else if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        name = "version";
    }
    at = find_subcommand(name);
    return finish(at < 0 ? unknown(name) : subcommands[at].run(argc - 1, argv + 1));
}
