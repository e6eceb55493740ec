/* SPDX-License-Identifier: Apache-2.0
 *
 * `fermata check`: is everything as a server needs it? Looks at the folder and at what it would be
 * served with, and asks a running server about itself. Changes nothing.
 */
#include "cli/serving.h"
#include "crypto/crypto.h"
#include "server/checks.h"

#include "base/log.h"

#define ARENA_BYTES_MAX (128 * MIB)
#define ROWS_MAX        (2 * CHECKS_MAX + 2)

static const struct cli_usage check_usage = {
    .line = "check [--config FILE] [--policy FILE] [--listen HOST:PORT] [--public-url URL]",
    .about = "Checks configuration, folder, keys, store, log, clock, disk and limits, and asks a "
             "running\n"
             "server what it says in /readyz. Give it the options (or the environment, or the "
             "file) that\n"
             "`serve` gets. Reads only. Whatever did not pass says what to do next. Exit code 1 "
             "when\n"
             "something failed; warnings are 0.",
    .options = serving_options,
    .option_count = SERVING_OPTIONS,
    .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
};

/* Everything that is to be said; rows of a server are texts in the arena. */
struct report {
    struct check_result offline[CHECKS_MAX];
    size_t count;
    const struct json *server; /* the array of its checks; NULL: none runs */
    bool server_failed;        /* it runs and does not answer */
};

static void gather(struct ctx *ctx, const struct server_options *server, struct report *report)
{
    struct checks_options options = {
        .dir = server->dir,
        .policy = server->policy,
        .listen = server->listen,
        .public_url = server->public_url,
    };
    const struct json *answer = NULL;

    report->count = checks_offline(ctx, &options, report->offline);
    ctx_clear(ctx);
    report->server_failed =
        cli_ask(ctx, options.dir, S("{\"command\":\"check\"}"), &answer) != FM_OK;
    report->server = json_get(answer, S("checks"));
}

static bool is_failed(const struct report *report)
{
    bool failed = report->server_failed;

    for (size_t i = 0; i < report->count; i++) {
        failed = failed || report->offline[i].level == CHECK_FAILED;
    }
    for (uint32_t i = 0; report->server && i < report->server->count; i++) {
        struct str status = json_text(json_get(&report->server->as.items[i], S("status")));
        failed = failed || str_eq(status, S("failed"));
    }
    return failed;
}

/* --- table ------------------------------------------------------------------------------------ */

struct table {
    struct str cells[ROWS_MAX * 3];
    size_t rows;
    struct str next[ROWS_MAX]; /* by row; absent: nothing to do */
};

static void add_row(struct table *table, struct str status, struct str name, struct str detail,
                    struct str next)
{
    if (table->rows < ROWS_MAX) {
        struct str *cell = &table->cells[table->rows * 3];
        cell[0] = status;
        cell[1] = name;
        cell[2] = detail;
        table->next[table->rows++] = next;
    }
}

static void add_server(struct ctx *ctx, struct table *table, const struct report *report)
{
    if (report->server_failed) {
        add_row(table, S("failed"), S("server"), arena_copy(ctx->arena, str_of(ctx->detail)),
                S("look at its log lines; restart it"));
    } else if (!report->server) {
        add_row(table, S("ok"), S("server"), S("none runs on this folder"), STR_NONE);
    }
    for (uint32_t i = 0; report->server && i < report->server->count; i++) {
        const struct json *check = &report->server->as.items[i];
        struct str name = json_text(json_get(check, S("name")));
        add_row(table, json_text(json_get(check, S("status"))),
                arena_printf(ctx->arena, "server: %.*s", STR_ARG(name)),
                json_text(json_get(check, S("detail"))), json_text(json_get(check, S("next"))));
    }
}

static void print_table(struct ctx *ctx, const struct report *report)
{
    struct table *table = arena_zalloc(ctx->arena, 1, sizeof(*table));

    if (!table) {
        return;
    }
    add_row(table, S("STATUS"), S("CHECK"), S("FINDING"), STR_NONE);
    for (size_t i = 0; i < report->count; i++) {
        const struct check_result *result = &report->offline[i];
        add_row(table, str_of(check_level_name(result->level)), str_of(result->name),
                str_of(result->detail), result->next[0] ? str_of(result->next) : STR_NONE);
    }
    add_server(ctx, table, report);
    cli_print_table(ctx, table->cells, table->rows, 3);
    for (size_t i = 0; i < table->rows; i++) {
        if (table->next[i].n) {
            printf("\n%.*s: %.*s\n  next: %.*s\n", STR_ARG(table->cells[i * 3 + 1]),
                   STR_ARG(cli_safe(ctx, table->cells[i * 3 + 2])),
                   STR_ARG(cli_safe(ctx, table->next[i])));
        }
    }
}

/* --- JSON ------------------------------------------------------------------------------------- */

/* A path may hold bytes that are no UTF-8. */
static void write_printable(struct ctx *ctx, struct json_out *out, struct check_result result)
{
    if (!str_is_utf8(str_of(result.detail))) {
        struct str safe = cli_safe(ctx, str_of(result.detail));
        (void)snprintf(result.detail, sizeof(result.detail), "%.*s", STR_ARG(safe));
    }
    check_write(out, &result, false);
}

static void print_json(struct ctx *ctx, const struct report *report)
{
    AUTO(buf_done) struct buf text = BUF_INIT(MIB);
    struct json_out out = JSON_OUT(&text);

    jo_object(&out);
    jo_m_bool(&out, "ok", !is_failed(report));
    jo_key(&out, "checks");
    jo_array(&out);
    for (size_t i = 0; i < report->count; i++) {
        write_printable(ctx, &out, report->offline[i]);
    }
    jo_array_end(&out);
    jo_key(&out, "server");
    jo_object(&out);
    jo_m_bool(&out, "running", report->server != NULL || report->server_failed);
    jo_m_str(&out, "error", report->server_failed ? cli_safe(ctx, str_of(ctx->detail)) : STR_NONE);
    jo_key(&out, "checks");
    jo_value(&out, report->server);
    jo_object_end(&out);
    jo_object_end(&out);
    printf("%.*s\n", STR_ARG(buf_str(&text)));
}

int cli_check(int argc, char **argv)
{
    AUTO(arena_done) struct arena *arena = arena_new(ARENA_BYTES_MAX);
    struct serving command = {.config = NULL};
    struct server_options server;
    struct report *report;
    struct ctx ctx;
    int words, code = cli_parse(&check_usage, argc, argv, &command, &words);

    if (code != CLI_GO) {
        return code;
    }
    crypto_init();
    log_set_level(LOG_ERROR + 1); /* what goes wrong here is a row of the table */
    ctx_init(&ctx, arena);
    code = serving_read(&ctx, &check_usage, &command, &server);
    if (code != CLI_GO) {
        return code;
    }
    report = arena_zalloc(arena, 1, sizeof(*report));
    if (!report) {
        (void)fail_memory(&ctx);
        return cli_failed(&command.common, &ctx);
    }
    gather(&ctx, &server, report);
    if (command.common.json) {
        print_json(&ctx, report);
    } else {
        print_table(&ctx, report);
    }
    return is_failed(report) ? CLI_FAILED : CLI_OK;
}
