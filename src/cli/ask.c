/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests of the admin socket as the verbs build them, what comes back, and lists as tables.
 */
#include "cli/ask.h"

bool work_begin(struct work *work)
{
    work->arena = arena_new(ARENA_BYTES_MAX);
    ctx_init(&work->ctx, work->arena);
    if (!work->arena) {
        fputs("fermata: out of memory\n", stderr);
    }
    return work->arena != NULL;
}

void work_done(struct work *work)
{
    arena_free(work->arena);
}

void ask_begin(struct ask *ask, const char *command)
{
    ask->out = (struct json_out)JSON_OUT(&ask->text);
    jo_object(&ask->out);
    jo_m_str(&ask->out, "command", str_of(command));
    jo_key(&ask->out, "arguments");
    jo_object(&ask->out);
}

void ask_done(struct ask *ask)
{
    if (ask->text.p) {
        crypto_wipe(ask->text.p, ask->text.n);
    }
    buf_done(&ask->text);
}

void ask_values(struct ask *ask, const char *name, const struct cli_values *values)
{
    jo_key(&ask->out, name);
    jo_array(&ask->out);
    for (size_t i = 0; i < values->count; i++) {
        jo_str(&ask->out, str_of(values->items[i]));
    }
    jo_array_end(&ask->out);
}

/* Ends the request, has it carried out, and with --json prints the answer: `*answer` is NULL
 * then, and the verb is done with the returned code. */
int ask_send(struct work *work, const struct cli_common *common, enum cli_folder folder,
             struct ask *ask, const struct json **answer)
{
    jo_object_end(&ask->out);
    jo_object_end(&ask->out);
    if (!buf_ok(&ask->text)) {
        (void)fail(&work->ctx, FM_E_TOO_LARGE, "these are too many or too long values");
        return cli_failed(common, &work->ctx);
    }
    if (cli_call(&work->ctx, common->dir, folder, buf_str(&ask->text), answer) != FM_OK) {
        return cli_failed(common, &work->ctx);
    }
    if (common->json) {
        cli_print_answer(*answer);
        *answer = NULL;
    }
    return CLI_OK;
}

/* A text of the answer, safe for the terminal. */
struct str shown(struct work *work, const struct json *answer, const char *name)
{
    return cli_safe(&work->ctx, json_text(json_get(answer, str_of(name))));
}

/* "lead, reviewer" */
struct str joined(struct work *work, const struct json *array)
{
    AUTO(buf_done) struct buf text = BUF_INIT(4 * KIB);

    for (uint32_t i = 0; array && i < array->count; i++) {
        buf_add(&text, i ? S(", ") : S(""));
        buf_add(&text, json_text(&array->as.items[i]));
    }
    return arena_copy(work->ctx.arena, buf_str(&text));
}

struct str cell_name(struct work *work, const struct json *item)
{
    (void)work;
    return json_text(json_get(item, S("name")));
}

struct str cell_id(struct work *work, const struct json *item)
{
    (void)work;
    return json_text(json_get(item, S("id")));
}

int list_print(struct work *work, const struct json *items, const struct column *columns,
               size_t column_count)
{
    size_t rows = (items ? items->count : 0) + (size_t)1;
    struct str *cells = arena_zalloc(work->ctx.arena, rows * column_count, sizeof(*cells));

    if (!cells) {
        fputs("fermata: out of memory\n", stderr);
        return CLI_FAILED;
    }
    for (size_t i = 0; i < rows * column_count; i++) {
        const struct column *column = &columns[i % column_count];
        size_t row = i / column_count;
        cells[i] =
            row == 0 ? str_of(column->heading) : column->cell(work, &items->as.items[row - 1]);
    }
    cli_print_table(&work->ctx, cells, rows, column_count);
    return CLI_OK;
}

/* The whole of `user list` and `agent list`. `none` is what to say of an empty list. */
int list_run(const struct cli_usage *usage, int argc, char **argv, const char *command,
             const struct column *columns, size_t column_count, const char *none)
{
    struct cli_common common = {.json = false};
    AUTO(work_done) struct work work = {NULL, {0}};
    AUTO(ask_done) struct ask ask = ASK_INIT;
    const struct json *answer, *items;
    int words, code = cli_parse(usage, argc, argv, &common, &words);

    if (code != CLI_GO) {
        return code;
    }
    if (!work_begin(&work)) {
        return CLI_FAILED;
    }
    ask_begin(&ask, command);
    code = ask_send(&work, &common, CLI_FOLDER_MUST_EXIST, &ask, &answer);
    if (code != CLI_OK || !answer) {
        return code;
    }
    items = json_get(answer, S("items"));
    if (!items || items->count == 0) {
        puts(none);
        return CLI_OK;
    }
    return list_print(&work, items, columns, column_count);
}
