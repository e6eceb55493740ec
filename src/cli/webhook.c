/* SPDX-License-Identifier: Apache-2.0
 *
 * `fermata webhook`: what became of the callbacks, sending one again, and a new secret for an
 * agent.
 */
#include "cli/cli.h"

#define ARENA_BYTES_MAX (64 * MIB) /* a list of 1000 as a tree */
#define CELLS_MAX 8

/* Memory and context of one command. */
struct webhook_work {
    struct arena *arena;
    struct ctx ctx;
};

static bool begin(struct webhook_work *work)
{
    work->arena = arena_new(ARENA_BYTES_MAX);
    ctx_init(&work->ctx, work->arena);
    if (!work->arena) {
        fputs("fermata: out of memory\n", stderr);
    }
    return work->arena != NULL;
}

static void webhook_work_done(struct webhook_work *work)
{
    arena_free(work->arena);
}

/* Has {"command", "arguments": {NAME: VALUE}} carried out; `value` NULL: no arguments. With --json
 * the answer is printed and `*answer` NULL. CLI_GO, or the exit code. */
static int ask(struct webhook_work *work, const struct cli_common *common, const char *command,
               const char *name, const char *value, const struct json **answer)
{
    AUTO(buf_done) struct buf text = BUF_INIT(4 * KIB);
    struct json_out out = JSON_OUT(&text);

    jo_object(&out);
    jo_m_str(&out, "command", str_of(command));
    jo_key(&out, "arguments");
    jo_object(&out);
    if (value) {
        jo_m_str(&out, name, str_of(value));
    }
    jo_object_end(&out);
    jo_object_end(&out);
    if (!buf_ok(&text) || (value && !str_is_utf8(str_of(value)))) {
        (void)fail(&work->ctx, FM_E_INVALID_ARGUMENT, "this is no name and no id");
        return cli_failed(common, &work->ctx);
    }
    if (cli_call(&work->ctx, common->dir, CLI_FOLDER_MUST_EXIST, buf_str(&text), answer) != FM_OK) {
        return cli_failed(common, &work->ctx);
    }
    if (common->json) {
        cli_print_answer(*answer);
        *answer = NULL;
    }
    return CLI_GO;
}

/* list ---------------------------------------------------------------------------------------- */

struct webhook_list {
    struct cli_common common;
    const char *status;
};

static const struct cli_option list_options[] = {
    {"--status", CLI_VALUE, offsetof(struct webhook_list, status), "STATUS",
     "pending, delivered or dead; without it all"},
};

static const struct cli_usage list_usage = {
    .line = "webhook list [--status STATUS]",
    .about = "Lists callbacks, the newest first (at most 1000): where they went, how often it was\n"
             "tried, and what went wrong last. `dead` is what was given up: look at the receiver,\n"
             "then `fermata webhook resend ID`.",
    .options = list_options,
    .option_count = COUNT_OF(list_options),
    .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
};

static const char *const headings[CELLS_MAX] = {"CREATED", "AGENT", "HOST",  "EVENT",
                                                "STATUS",  "TRIED", "LAST", "ID"};
static const char *const members[CELLS_MAX] = {"created_at", "agent",    "host",       "type",
                                               "status",     "attempts", "last_error", "id"};

/* A cell as it may stand on a terminal. */
static struct str cell(struct webhook_work *work, const struct json *item, size_t column)
{
    const struct json *value = json_get(item, str_of(members[column]));
    const struct json *answered = json_get(item, S("last_status"));

    if (value && value->kind == JSON_NUMBER) {
        return value->as.text;
    }
    if (str_eq(json_text(value), S("status")) && answered && answered->kind == JSON_NUMBER) {
        return arena_printf(work->arena, "HTTP %.*s", STR_ARG(answered->as.text));
    }
    return json_text(value).p ? cli_safe(&work->ctx, json_text(value)) : S("-");
}

static int print_list(struct webhook_work *work, const struct json *items)
{
    size_t rows = items->count + (size_t)1;
    struct str *cells = arena_zalloc(work->arena, rows * CELLS_MAX, sizeof(*cells));

    if (!cells) {
        fputs("fermata: out of memory\n", stderr);
        return CLI_FAILED;
    }
    for (size_t i = 0; i < rows * CELLS_MAX; i++) {
        size_t row = i / CELLS_MAX, column = i % CELLS_MAX;
        cells[i] = row == 0 ? str_of(headings[column])
                            : cell(work, &items->as.items[row - 1], column);
    }
    cli_print_table(&work->ctx, cells, rows, CELLS_MAX);
    return CLI_OK;
}

static bool is_status(const char *name)
{
    return strcmp(name, "pending") == 0 || strcmp(name, "delivered") == 0 ||
           strcmp(name, "dead") == 0;
}

static int run_webhook_list(int argc, char **argv)
{
    struct webhook_list options = {.status = NULL};
    AUTO(webhook_work_done) struct webhook_work work = {NULL, {0}};
    const struct json *answer = NULL, *items;
    int words, code = cli_parse(&list_usage, argc, argv, &options, &words);

    if (code != CLI_GO) {
        return code;
    }
    if (options.status && !is_status(options.status)) {
        return cli_misused(&list_usage, "--status is pending, delivered or dead");
    }
    if (!begin(&work)) {
        return CLI_FAILED;
    }
    code = ask(&work, &options.common, "webhook.list", "status", options.status, &answer);
    if (code != CLI_GO || !answer) {
        return code == CLI_GO ? CLI_OK : code;
    }
    items = json_get(answer, S("items"));
    if (!items || items->count == 0) {
        puts("There are none.");
        return CLI_OK;
    }
    return print_list(&work, items);
}

/* resend and secret ---------------------------------------------------------------------------- */

/* A verb with one word: asks, and prints with `print`. */
static int run_one(const struct cli_usage *usage, int argc, char **argv, const char *command,
                   const char *member,
                   void (*print)(struct webhook_work *work, const struct json *answer))
{
    struct cli_common common = {.json = false};
    AUTO(webhook_work_done) struct webhook_work work = {NULL, {0}};
    const struct json *answer = NULL;
    int words, code = cli_parse(usage, argc, argv, &common, &words);

    if (code != CLI_GO) {
        return code;
    }
    if (!begin(&work)) {
        return CLI_FAILED;
    }
    code = ask(&work, &common, command, member, argv[1], &answer);
    if (code == CLI_GO && answer) {
        print(&work, answer);
    }
    return code == CLI_GO ? CLI_OK : code;
}

static void print_resent(struct webhook_work *work, const struct json *answer)
{
    struct str host = json_text(json_get(answer, S("host")));

    printf("It will be sent to %.*s again; `fermata webhook list` shows what becomes of it.\n",
           STR_ARG(cli_safe(&work->ctx, host)));
}

static int run_webhook_resend(int argc, char **argv)
{
    static const struct cli_usage usage = {
        .line = "webhook resend ID",
        .about = "Sends a callback again, whatever became of it: attempts count from 0. The\n"
                 "receiver gets the same `webhook-id` and the same body. Without a running\n"
                 "server it is sent when the next one starts.",
        .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
        .words_min = 1,
        .words_max = 1,
    };

    return run_one(&usage, argc, argv, "webhook.resend", "id", print_resent);
}

static void print_secret(struct webhook_work *work, const struct json *answer)
{
    struct str secret = json_text(json_get(answer, S("webhook_secret")));

    printf("  webhook secret  %.*s\n\n", STR_ARG(cli_safe(&work->ctx, secret)));
    puts("It is shown once. For 24 hours callbacks are signed with the old one too: give the new\n"
         "one to the receiver within that time.");
}

static int run_webhook_secret(int argc, char **argv)
{
    static const struct cli_usage usage = {
        .line = "webhook secret AGENT",
        .about = "Gives an agent another secret for its callbacks and prints it, once. The\n"
                 "old one signs besides the new one for 24 hours; four of them may at a time.",
        .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
        .words_min = 1,
        .words_max = 1,
    };

    return run_one(&usage, argc, argv, "webhook.secret", "agent", print_secret);
}

int cli_webhook(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"list", run_webhook_list, "what became of callbacks"},
        {"resend", run_webhook_resend, "send one again"},
        {"secret", run_webhook_secret, "another secret for an agent"},
    };

    return cli_run_verb(verbs, COUNT_OF(verbs), argc, argv);
}
