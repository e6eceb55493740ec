/* SPDX-License-Identifier: Apache-2.0
 *
 * `fermata inbox` and `fermata show`: what waits for this person, and one proposal in full.
 */
#include "cli/remote.h"

#define ARENA_BYTES_MAX   (256 * MIB)
#define ROWS_MAX          201
#define COLUMNS           5
#define TITLE_COLUMNS_MAX 60 /* of a row; `fermata show` has all of it */

struct inbox_command {
    struct remote_options remote; /* first */
    const char *queue, *limit;
    bool mine;
};

#define OPTION(member) offsetof(struct inbox_command, member)
static const struct cli_option inbox_table[] = {
    REMOTE_OPTION_URL,
    {"--queue", CLI_VALUE, OPTION(queue), "QUEUE", "only this queue"},
    {"--mine", CLI_FLAG, OPTION(mine), NULL, "only what you have claimed"},
    {"--limit", CLI_VALUE, OPTION(limit), "N", "how many at most, 1 to 200 (50)"},
};

static const struct cli_usage inbox_usage = {
    .line = "inbox [--queue QUEUE] [--mine] [--limit N]",
    .about = "Lists what you may decide, the most urgent first; repeats are one row with a count,\n"
             "and with --json each is an item. You are who FERMATA_TOKEN says: a personal token\n"
             "from `fermata token create --user NAME`.\n"
             "`fermata show ID` shows one in full, `fermata decide ID VERDICT` decides it.",
    .options = inbox_table,
    .option_count = COUNT_OF(inbox_table),
    .common = CLI_TAKES_JSON,
};

static const struct cli_option show_table[] = {REMOTE_OPTION_URL};

static const struct cli_usage show_usage = {
    .line = "show ID",
    .about = "Shows a proposal: what would run, who wants it, why it is held, the brief, and the "
             "digest\n"
             "that a decision names. What others wrote stands behind a bar, and characters that "
             "hide are\n"
             "named as [U+HEX].",
    .options = show_table,
    .option_count = COUNT_OF(show_table),
    .common = CLI_TAKES_JSON,
    .words_min = 1,
    .words_max = 1,
};

/* --- inbox ------------------------------------------------------------------------------------ */

static void add_query(struct buf *path, const char *name, const char *value)
{
    buf_printf(path, "&%s=", name);
    for (const char *at = value; *at; at++) {
        buf_printf(path, "%%%02X", (unsigned char)*at);
    }
}

static struct str short_title(struct ctx *ctx, struct str title)
{
    struct str safe = cli_safe(ctx, title);
    size_t n = 0;

    while (n < safe.n) {
        size_t next = cli_next_character(str_skip(safe, n));
        if (cli_columns((struct str){safe.p, n + next}) > TITLE_COLUMNS_MAX) {
            return arena_printf(ctx->arena, "%.*s...", (int)n, safe.p);
        }
        n += next;
    }
    return safe;
}

/* When it ends: at the queue's time, or at the agent's own deadline where that is earlier. */
static struct str due_of(struct ctx *ctx, const struct json *hold)
{
    struct str due = json_text(json_get(hold, S("due_at")));
    struct str deadline = json_text(json_get(hold, S("deadline_at")));
    bool agents = deadline.n && (!due.n || str_cmp(deadline, due) < 0);
    struct str text = show_time(ctx, agents ? deadline : due);
    size_t comma = str_find(text, ',');

    if (comma >= text.n) {
        return S("-");
    }
    text = str_skip(text, comma + 2);
    return agents ? arena_printf(ctx->arena, "%.*s, agent's", STR_ARG(text)) : text;
}

static double repeats_of(const struct json *item)
{
    const struct json *repeats = json_get(item, S("repeats"));

    return repeats ? json_number(repeats) : 1;
}

/* The id, and how many are alike where it stands for several. Not beside the title: that is theirs. */
static struct str id_of(struct ctx *ctx, const struct json *item)
{
    struct str id = json_text(json_get(item, S("id")));
    double alike = repeats_of(item);

    return alike > 1 ? arena_printf(ctx->arena, "%.*s x%.0f", STR_ARG(id), alike) : id;
}

static void print_inbox(struct ctx *ctx, const struct json *answer)
{
    static const struct str heading[COLUMNS] = {STR("ID"), STR("DUE"), STR("QUEUE"), STR("AGENT"),
                                                STR("TITLE")};
    const struct json *items = json_get(answer, S("items"));
    struct str *cells = arena_zalloc(ctx->arena, ROWS_MAX * COLUMNS, sizeof(*cells));
    uint32_t count = items ? items->count : 0;
    const struct json *pending = json_at(answer, S("/counts/pending"));
    bool alike = false;

    if (!cells || count + 1 > ROWS_MAX) {
        return;
    }
    for (size_t i = 0; i < COLUMNS; i++) {
        cells[i] = heading[i];
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct json *item = &items->as.items[i], *hold = json_get(item, S("hold"));
        struct str *row = &cells[(i + 1) * COLUMNS];
        row[0] = id_of(ctx, item);
        alike = alike || repeats_of(item) > 1;
        row[1] = due_of(ctx, hold);
        row[2] = json_text(json_get(hold, S("queue")));
        row[3] = json_text(json_get(json_get(item, S("agent")), S("name")));
        row[4] = short_title(ctx, json_text(json_get(item, S("title"))));
    }
    if (count > 0) {
        cli_print_table(ctx, cells, count + 1, COLUMNS);
    }
    if (count == 0) {
        puts("Nothing waits for you.");
    } else {
        printf("%u shown, %.0f pending in your queues.\n", count,
               pending ? json_number(pending) : count);
    }
    if (alike) {
        puts("x2 and more: so many are alike; `fermata show ID` names the others.");
    }
}

static enum fm_err read_inbox(struct ctx *ctx, const struct inbox_command *command)
{
    AUTO(remote_close) struct remote remote = {.curl = NULL};
    AUTO(buf_done) struct buf path = BUF_INIT(64 * KIB);
    const struct json *answer;

    TRY(remote_open(ctx, &command->remote, &remote));
    buf_printf(&path, "/v1/inbox?mine=%d&group=%d", command->mine,
               !command->remote.common.json); /* a machine wants each of them */
    if (command->queue) {
        add_query(&path, "queue", command->queue);
    }
    if (command->limit) {
        add_query(&path, "limit", command->limit);
    }
    TRY(remote_get(&remote, ctx, buf_str(&path), &answer));
    if (command->remote.common.json) {
        cli_print_answer(answer);
    } else {
        print_inbox(ctx, answer);
    }
    return FM_OK;
}

int cli_inbox(int argc, char **argv)
{
    AUTO(arena_done) struct arena *arena = arena_new(ARENA_BYTES_MAX);
    struct inbox_command command = {.queue = NULL};
    struct ctx ctx;
    int words, code = cli_parse(&inbox_usage, argc, argv, &command, &words);

    if (code != CLI_GO) {
        return code;
    }
    ctx_init(&ctx, arena);
    return read_inbox(&ctx, &command) == FM_OK ? CLI_OK : cli_failed(&command.remote.common, &ctx);
}

/* --- show ------------------------------------------------------------------------------------- */

static enum fm_err read_proposal(struct ctx *ctx, const struct remote_options *options,
                                 struct str id)
{
    AUTO(remote_close) struct remote remote = {.curl = NULL};
    const struct json *proposal;
    struct str path;
    struct id parsed;

    if (!id_parse(ID_PROPOSAL, id, &parsed)) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "%.*s is no proposal's id (prp_...)", STR_ARG(id));
    }
    TRY(remote_open(ctx, options, &remote));
    path = arena_printf(ctx->arena, "/v1/proposals/%.*s", STR_ARG(id));
    TRY(remote_get(&remote, ctx, path, &proposal));
    if (options->common.json) {
        cli_print_answer(proposal);
    } else {
        show_proposal(ctx, proposal);
    }
    return FM_OK;
}

int cli_show(int argc, char **argv)
{
    AUTO(arena_done) struct arena *arena = arena_new(ARENA_BYTES_MAX);
    struct remote_options options = {.url = NULL};
    struct ctx ctx;
    int words, code = cli_parse(&show_usage, argc, argv, &options, &words);

    if (code != CLI_GO) {
        return code;
    }
    ctx_init(&ctx, arena);
    return read_proposal(&ctx, &options, str_of(argv[1])) == FM_OK
               ? CLI_OK
               : cli_failed(&options.common, &ctx);
}
