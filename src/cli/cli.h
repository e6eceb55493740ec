/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line: one function per subcommand, options read by tables, and output that is safe on a
 * terminal. What an option is and how it is spelled stands in one row: parsing and --help come from it.
 *
 * 1. Exit codes: 0 done, 1 failed, 2 wrong usage.
 * 2. Results go to stdout, complaints to stderr. With --json, stdout has JSON and nothing else.
 * 3. No byte from outside reaches the terminal unescaped (cli_safe).
 */
#ifndef FM_CLI_H
#define FM_CLI_H

#include "base/ctx.h"
#include "base/version.h"
#include "json/json.h"

#include <stdio.h>

enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };
#define CLI_GO (-1) /* of cli_parse: not an exit code, carry on */

/* Subcommands. argv[0] is the subcommand's name. They return an exit code. */
int cli_serve(int argc, char **argv);
int cli_demo(int argc, char **argv);
int cli_user(int argc, char **argv);
int cli_agent(int argc, char **argv);
int cli_key(int argc, char **argv);
int cli_token(int argc, char **argv);
int cli_pause(int argc, char **argv);
int cli_policy(int argc, char **argv);
int cli_schema(int argc, char **argv);
int cli_webhook(int argc, char **argv);
int cli_cel(int argc, char **argv);
int cli_policy_test(int argc, char **argv); /* verbs of policy */
int cli_policy_backtest(int argc, char **argv);
int cli_policy_coverage(int argc, char **argv);
int cli_policy_edge_cases(int argc, char **argv);
int cli_policy_list(int argc, char **argv);
int cli_policy_propose(int argc, char **argv);
int cli_policy_activate(int argc, char **argv);
int cli_audit(int argc, char **argv);
int cli_backup(int argc, char **argv);
int cli_restore(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_inbox(int argc, char **argv);
int cli_show(int argc, char **argv);
int cli_decide(int argc, char **argv);

/* Options -------------------------------------------------------------------------------------- */

#define CLI_VALUES_MAX 32 /* of one repeated option */

/* What a CLI_REPEAT option collects; borrows from argv. */
struct cli_values {
    const char *items[CLI_VALUES_MAX];
    size_t count;
};

/* CLI_FLAG sets a bool, CLI_VALUE a const char *, CLI_REPEAT adds to a struct cli_values. */
enum cli_kind { CLI_FLAG, CLI_VALUE, CLI_REPEAT };

struct cli_option {
    const char *name;   /* with its dashes: "--role" */
    enum cli_kind kind;
    size_t offset;      /* offsetof the member in the command's struct of options */
    const char *value;  /* how --help names the value, "ROLE"; NULL for a flag */
    const char *help;   /* one line */
};

/* The first member of every command's struct of options. */
struct cli_common {
    const char *dir; /* --data, else FERMATA_DATA, else ./fermata-data; never NULL after cli_parse */
    bool dir_by_default; /* neither --data nor the environment said where */
    bool json;       /* --json */
    bool help;
};

/* Which common options a command takes; --help is always there. */
enum { CLI_TAKES_DATA = 1, CLI_TAKES_JSON = 2 };

/* One command, or one verb of a subcommand: all that --help prints and cli_parse needs. */
struct cli_usage {
    const char *line;  /* "user add NAME --role ROLE [--role ROLE] [--password-stdin]" */
    const char *about; /* paragraphs, without a newline at the end */
    const struct cli_option *options;
    size_t option_count;
    unsigned common;             /* set of CLI_TAKES_ */
    int words_min, words_max;    /* how many words that are not options */
};

/* Reads argv[1] and on. Options stand anywhere, as `--name VALUE` or `--name=VALUE`; `--` ends them.
 * `options` begins with struct cli_common and is cleared by the caller. The words that are not options
 * are moved to the front of argv[1..], their number goes to `*words`. CLI_GO, or the exit code after
 * --help has been printed (0) or a complaint (2): an unknown option, a missing value, one that is given
 * twice, too few or too many words. */
int cli_parse(const struct cli_usage *usage, int argc, char **argv, void *options, int *words);

/* Complains about the usage, points to --help, and returns CLI_USAGE. */
int cli_misused(const struct cli_usage *usage, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A verb of a subcommand, `add` of `user add`. Its run() gets argv with argv[0] = the verb. */
struct cli_verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help; /* one line */
};

/* Runs the verb that argv[1] names; without one, or with --help, prints the list. */
int cli_run_verb(const struct cli_verb *verbs, size_t count, int argc, char **argv);

/* Output --------------------------------------------------------------------------------------- */

/* Appends `text` as it may appear on a terminal: control, bidirectional, invisible and unassigned
 * characters become \u{HEX}, bytes that are not UTF-8 become \xHH. Nothing else changes. */
void cli_escape(struct buf *buf, struct str text);

/* The same for text that people read closely: what is not safe becomes [U+HEX], as on the page. */
void cli_escape_shown(struct buf *buf, struct str text);

/* Bytes of the first character of a text that is not empty; columns that a text takes; columns
 * of the terminal, or a width to read at where stdout is none. */
size_t cli_next_character(struct str text);
int cli_columns(struct str text);
int cli_terminal_columns(void);

/* cli_escape in the context's arena; "(out of memory)" when it is full. */
struct str cli_safe(struct ctx *ctx, struct str text);

/* Prints `fermata: DETAIL` on stderr, or with --json one line {"detail","name","status"}; returns
 * CLI_FAILED. */
int cli_failed(const struct cli_common *common, struct ctx *ctx);

/* Prints the answer of the server (an object with "ok") as one line of JSON, without "ok". */
void cli_print_answer(const struct json *answer);

/* Prints rows of `columns` cells each as an aligned table; the first row is the heading. */
void cli_print_table(struct ctx *ctx, const struct str *cells, size_t rows, size_t columns);

/* Input ---------------------------------------------------------------------------------------- */

/* Reads one line from stdin: a password. On a terminal it asks, and does not echo. The text lives in
 * the arena; the caller wipes it. Errors: FM_E_INVALID_ARGUMENT when it is empty, over PASSWORD_MAX
 * bytes, or more than one line. */
enum fm_err cli_read_password(struct ctx *ctx, struct str *out) MUST_CHECK;

/* The data folder ------------------------------------------------------------------------------ */

enum cli_folder { CLI_FOLDER_MUST_EXIST, CLI_FOLDER_MAY_BE_MADE };

/* Carries out one request of the admin socket (server/admin.h): {"command": "...", "arguments": {...}}.
 * A server that holds the folder does it; without one, this process opens the folder and does it itself.
 * `*answer` lives in ctx->arena. Errors: those of the command, FM_E_NOT_FOUND for a folder that must
 * exist, FM_E_INTERNAL for one that cannot be opened or a server that does not answer. */
enum fm_err cli_call(struct ctx *ctx, const char *dir, enum cli_folder folder, struct str request,
                     const struct json **answer) MUST_CHECK;

/* The error of this name on the wire; FM_E_INTERNAL for an unknown one. */
enum fm_err cli_error_named(struct str name);

/* The same, but only of a server that runs: `*answer` is NULL when there is none. */
enum fm_err cli_ask(struct ctx *ctx, const char *dir, struct str request,
                    const struct json **answer) MUST_CHECK;

#endif
