/* SPDX-License-Identifier: Apache-2.0
 *
 * `fermata policy backtest FILE`: what a policy would have done with the proposals of a store,
 * or of a file of JSON Lines. Reads only: a server may be at work on the folder.
 */
#include "backtest/backtest.h"
#include "cli/cli.h"
#include "crypto/crypto.h"

#include <errno.h>
#include <unistd.h>

#define ARENA_BYTES_MAX (256 * MIB)
#define GROUPS_SHOWN    40
#define DAYS_SHOWN      30
#define DAYS_MAX        3650
#define TELL_EVERY_US   (SECOND_US / 4)

struct backtest_command {
    struct cli_common common;
    const char *days, *file, *against;
    bool progress;
};

static const struct cli_option backtest_table[] = {
    {"--days", CLI_VALUE, offsetof(struct backtest_command, days), "N",
     "compare the last N days; earlier proposals only count for budgets and history"},
    {"--file", CLI_VALUE, offsetof(struct backtest_command, file), "PROPOSALS",
     "a file of JSON Lines instead of the store: one proposal each; - is stdin"},
    {"--against", CLI_VALUE, offsetof(struct backtest_command, against), "POLICY",
     "what was before is what this policy file says, not what is recorded"},
    {"--progress", CLI_FLAG, offsetof(struct backtest_command, progress), NULL,
     "how far it is and when it ends, on stderr (on a terminal by itself)"},
};

/* Progress
 * --------------------------------------------------------------------------------------- */

struct progress {
    bool shown, told;
    int64_t started_us, last_us;
};

static bool tell(void *with, uint64_t done, uint64_t total)
{
    struct progress *progress = with;
    int64_t now_us = clock_monotonic_us(), took_us = now_us - progress->started_us;

    if (!progress->shown || (now_us - progress->last_us < TELL_EVERY_US && done != total)) {
        return true;
    }
    progress->last_us = now_us;
    progress->told = true;
    if (total) {
        double left_s = done ? (double)took_us / (double)done * (double)(total - done) / 1e6 : 0;
        fprintf(stderr, "\r%llu of %llu proposals, %.0f s left   ", (unsigned long long)done,
                (unsigned long long)total, left_s);
    } else {
        fprintf(stderr, "\r%llu proposals", (unsigned long long)done);
    }
    return true;
}

/* For people
 * ------------------------------------------------------------------------------------- */

static long long number(const struct json *of, const char *name)
{
    return (long long)json_number(json_get(of, str_of(name)));
}

static struct str cell(struct ctx *ctx, const struct json *of, const char *name)
{
    const struct json *value = json_get(of, str_of(name));

    return value && value->kind == JSON_STRING ? cli_safe(ctx, value->as.text)
                                               : arena_printf(ctx->arena, "%lld", number(of, name));
}

/* Prints a list of objects as a table: a column for each name, the headings beside them. */
static void print_list(struct ctx *ctx, const struct json *list, size_t max,
                       const char *const names[], const char *const heads[], size_t columns)
{
    size_t count = list && list->count < max ? list->count : max;
    struct str *cells = arena_zalloc(ctx->arena, (count + 1) * columns, sizeof(*cells));

    for (size_t k = 0; cells && k < columns; k++) {
        cells[k] = str_of(heads[k]);
    }
    for (size_t i = 0; cells && i < count; i++) {
        for (size_t k = 0; k < columns; k++) {
            cells[(i + 1) * columns + k] = cell(ctx, &list->as.items[i], names[k]);
        }
    }
    if (cells) {
        cli_print_table(ctx, cells, count + 1, columns);
    }
    if (list && list->count > count) {
        printf("... and %zu more: --json has all\n", list->count - count);
    }
}

static void print_examples(struct ctx *ctx, const char *head, const struct json *examples)
{
    for (uint32_t i = 0; examples && i < examples->count; i++) {
        printf("%s%.*s", i ? ", " : head,
               STR_ARG(cli_safe(ctx, json_text(&examples->as.items[i]))));
    }
    fputs(examples && examples->count ? "\n" : "", stdout);
}

static void print_verdicts(const struct json *report)
{
    static const char *const names[] = {"allow", "earn", "review", "block", "refused"};
    const struct json *verdicts = json_get(report, S("verdicts"));

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        printf("%s%s %lld -> %lld", i ? ", " : "verdicts: ", names[i],
               number(json_get(verdicts, S("before")), names[i]),
               number(json_get(verdicts, S("after")), names[i]));
    }
    putchar('\n');
}

static void print_changes(struct ctx *ctx, const struct json *report)
{
    static const char *const names[] = {"direction", "from",  "to",     "action",
                                        "rule",      "count", "example"};
    static const char *const heads[] = {"CHANGE", "FROM", "TO", "ACTION", "BECAUSE OF", "COUNT"};
    const struct json *changed = json_get(report, S("changed"));
    const struct json *groups = json_get(changed, S("groups"));

    printf("\n%lld would be loosened, %lld tightened\n", number(changed, "loosened"),
           number(changed, "tightened"));
    if (groups && groups->count) {
        print_list(ctx, groups, GROUPS_SHOWN, names, heads, COUNT_OF(heads));
        print_examples(
            ctx, "for example, of the first: ", json_get(&groups->as.items[0], S("examples")));
    }
    if (number(changed, "left_out")) {
        printf("... and %lld changes of further kinds\n", number(changed, "left_out"));
    }
}

static void print_let_through(struct ctx *ctx, const struct json *report)
{
    const struct json *let = json_get(report, S("let_through"));
    long long decided = number(let, "decided"), errors = number(let, "errors");

    if (number(let, "allowed") == 0) {
        return;
    }
    printf("\n%lld that were held or blocked would be allowed; people decided %lld of them.\n"
           "Errors that would be let through (rejected or materially modified): %lld\n",
           number(let, "allowed"), decided, errors);
    if (decided == 0) {
        puts("Without decisions nothing can be said of its rate of errors.");
        return;
    }
    printf(
        "If what comes is like what was, at most %.2f %% of them are errors (95 %% confidence).\n",
        100 * json_number(json_get(let, S("upper_bound"))));
    print_examples(ctx, "errors: ", json_get(let, S("examples")));
}

static void print_reviews(struct ctx *ctx, const struct json *report)
{
    static const char *const names[] = {"queue",   "before",      "after",
                                        "decided", "late_before", "late"};
    static const char *const heads[] = {"QUEUE",   "REVIEWS BEFORE", "AFTER",
                                        "DECIDED", "LATE BEFORE",    "LATE AFTER"};
    static const char *const day_names[] = {"day", "queue", "before", "after"};
    static const char *const day_heads[] = {"DAY", "QUEUE", "REVIEWS BEFORE", "AFTER"};
    const struct json *reviews = json_get(report, S("reviews"));
    const struct json *days = json_get(reviews, S("days"));

    printf("\n%lld reviews before, %lld after\n", number(reviews, "before"),
           number(reviews, "after"));
    print_list(ctx, json_get(reviews, S("queues")), 100, names, heads, COUNT_OF(heads));
    if (days && days->count) {
        putchar('\n');
        print_list(ctx, days, DAYS_SHOWN, day_names, day_heads, COUNT_OF(day_heads));
    }
}

/* Rules that matched nothing. */
static void print_silent(struct ctx *ctx, const struct json *report)
{
    const struct json *rules = json_get(report, S("rules"));
    bool any = false;

    for (uint32_t i = 0; rules && i < rules->count; i++) {
        if (number(&rules->as.items[i], "matched") == 0) {
            printf("%s%.*s", any ? ", " : "\nrules that matched nothing: ",
                   STR_ARG(cli_safe(ctx, json_text(json_get(&rules->as.items[i], S("id"))))));
            any = true;
        }
    }
    fputs(any ? "\n" : "", stdout);
}

static void print_report(struct ctx *ctx, const struct json *report)
{
    printf("%lld proposals replayed, %lld compared", number(report, "replayed"),
           number(report, "compared"));
    if (number(report, "unknown")) {
        printf(", %lld whose verdict before is not known", number(report, "unknown"));
    }
    if (number(report, "erased")) {
        printf(", %lld passed over because they were erased", number(report, "erased"));
    }
    putchar('\n');
    print_verdicts(report);
    print_changes(ctx, report);
    print_let_through(ctx, report);
    print_reviews(ctx, report);
    print_silent(ctx, report);
}

/* The command
 * ------------------------------------------------------------------------------------ */

static void drop_policy(const struct policy **policy)
{
    policy_drop(*policy);
}

static void free_backtest(struct backtest **backtest)
{
    backtest_free(*backtest);
}

static void close_store(struct store_conn **conn)
{
    store_reader_close(*conn);
}

static void close_input(FILE **file)
{
    if (*file && *file != stdin) {
        fclose(*file);
    }
}

static enum fm_err replay_file(struct ctx *ctx, const char *path, struct backtest *backtest)
{
    AUTO(close_input) FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");

    if (!file) {
        return fail(ctx, FM_E_NOT_FOUND, "%s: %s", path, strerror(errno));
    }
    return backtest_lines(ctx, file, backtest);
}

static enum fm_err replay(struct ctx *ctx, const struct backtest_command *command,
                          struct backtest *backtest)
{
    AUTO(close_store) struct store_conn *conn = NULL;

    if (command->file) {
        return replay_file(ctx, command->file, backtest);
    }
    TRY(store_open_readonly(ctx, command->common.dir, &conn));
    return backtest_history(ctx, conn, backtest);
}

static enum fm_err show(struct ctx *ctx, const struct backtest_command *command,
                        const struct backtest *backtest)
{
    static const struct json_limits limits = {
        .bytes = BACKTEST_JSON_MAX, .depth = 16, .values = 1000000};
    AUTO(buf_done) struct buf text = BUF_INIT(BACKTEST_JSON_MAX);
    struct json_out out = JSON_OUT(&text);
    const struct json *report;

    TRY(backtest_write(ctx, &out, backtest));
    if (command->common.json) {
        printf("%.*s\n", STR_ARG(buf_str(&text)));
        return FM_OK;
    }
    TRY(json_parse(ctx, buf_str(&text), &limits, &report));
    print_report(ctx, report);
    return FM_OK;
}

static enum fm_err load(struct ctx *ctx, const char *path, const struct policy **out)
{
    struct policy_finding findings[POLICY_FINDINGS_MAX];
    size_t count;

    *out = NULL;
    return path ? policy_load(ctx, path, findings, &count, out) : FM_OK;
}

static enum fm_err run(struct ctx *ctx, const struct backtest_command *command, const char *path,
                       uint64_t days)
{
    AUTO(drop_policy) const struct policy *policy = NULL;
    AUTO(drop_policy) const struct policy *against = NULL;
    AUTO(free_backtest) struct backtest *backtest = NULL;
    struct progress progress = {.shown = command->progress || isatty(STDERR_FILENO),
                                .started_us = clock_monotonic_us()};
    struct backtest_options options = {.progress = tell, .with = &progress};
    enum fm_err err;

    TRY(load(ctx, path, &policy));
    TRY(load(ctx, command->against, &against));
    options.policy = policy;
    options.against = against;
    options.since_us = days ? clock_now_us() - (int64_t)days * DAY_US : 0;
    TRY(backtest_new(ctx, &options, &backtest));
    err = replay(ctx, command, backtest);
    fputs(progress.told ? "\n" : "", stderr);
    TRY(err);
    return show(ctx, command, backtest);
}

int cli_policy_backtest(int argc, char **argv)
{
    static const struct cli_usage usage = {
        .line =
            "policy backtest FILE [--days N] [--file PROPOSALS] [--against POLICY] [--progress]",
        .about =
            "Replays all proposals of the store, in their order, under the policy of FILE, and "
            "prints\n"
            "every change of a verdict (loosened first), the reviews of each queue before and "
            "after,\n"
            "response times that would not have been kept, and, where people decided, the errors "
            "that\n"
            "it would have let through. Nothing is changed anywhere; a server may be running.\n"
            "Catalogue, schemas, rules and budgets are replayed; first uses, spot checks and "
            "domains\n"
            "never seen together are taken as recorded.",
        .options = backtest_table,
        .option_count = COUNT_OF(backtest_table),
        .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
        .words_min = 1,
        .words_max = 1,
    };
    struct backtest_command command = {0};
    struct arena *arena;
    uint64_t days = 0;
    struct ctx ctx;
    int words, code = cli_parse(&usage, argc, argv, &command, &words);

    if (code != CLI_GO) {
        return code;
    }
    if (command.days && (!str_to_u64(str_of(command.days), &days) || days < 1 || days > DAYS_MAX)) {
        return cli_misused(&usage, "--days wants a number from 1 to %d", DAYS_MAX);
    }
    arena = arena_new(ARENA_BYTES_MAX);
    if (!arena) {
        fputs("fermata: out of memory\n", stderr);
        return CLI_FAILED;
    }
    ctx_init(&ctx, arena);
    crypto_init();
    code = run(&ctx, &command, argv[1], days) == FM_OK ? CLI_OK : cli_failed(&command.common, &ctx);
    arena_free(arena);
    return code;
}
