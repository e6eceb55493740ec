/* SPDX-License-Identifier: Apache-2.0
 *
 * `fermata policy list`, `propose` and `activate`: versions of the policy, from the console.
 *
 * It must never take a token from the command line, where every user of the machine can read it.
 */
#include "cli/cli.h"
#include "crypto/crypto.h"
#include "people/people.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#define ARENA_BYTES_MAX   (64 * MIB)
#define REQUEST_BYTES_MAX (32 * KIB)

struct version_options {
    struct cli_common common;
    bool alone, token_stdin;
};

#define OPTION(member) offsetof(struct version_options, member)
static const struct cli_option change_options[] = {
    {"--alone", CLI_FLAG, OPTION(alone), NULL,
     "loosen it without a second person, while there have never been two with the role policy; "
     "the log says so"},
    {"--token-stdin", CLI_FLAG, OPTION(token_stdin), NULL,
     "act as the person whose personal token stands on stdin (or in FERMATA_TOKEN)"},
};

static const struct cli_usage list_usage = {
    .line = "policy list [--json]",
    .about = "Lists the versions of the policy, the newest first: which one rules, which wait for "
             "a second\n"
             "person, who proposed and who activated them.",
    .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
};

static const struct cli_usage propose_usage = {
    .line = "policy propose FILE [--alone] [--token-stdin]",
    .about = "Proposes a policy to the server. What only tightens rules at once. What loosens "
             "waits until\n"
             "a second person with the role policy activates it:\n"
             "\n"
             "  fermata policy activate pol_01K...\n"
             "\n"
             "Without a token the operator proposes, who is nobody of the two.",
    .options = change_options,
    .option_count = COUNT_OF(change_options),
    .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
    .words_min = 1,
    .words_max = 1,
};

static const struct cli_usage activate_usage = {
    .line = "policy activate ID [--alone] [--token-stdin]",
    .about =
        "Activates a version that waits. It takes another person than the one who proposed it, "
        "both\n"
        "with the role policy; while there have never been two, --alone, which stands in the log.",
    .options = change_options,
    .option_count = COUNT_OF(change_options),
    .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
    .words_min = 1,
    .words_max = 1,
};

/* Printing ------------------------------------------------------------------------------------- */

static struct str shown(struct ctx *ctx, const struct json *answer, const char *name)
{
    struct str text = json_text(json_get(answer, str_of(name)));

    return text.p ? cli_safe(ctx, text) : S("-");
}

static void print_loosened(struct ctx *ctx, const struct json *answer)
{
    const struct json *loosened = json_get(answer, S("loosened"));

    for (uint32_t i = 0; loosened && loosened->kind == JSON_ARRAY && i < loosened->count; i++) {
        struct str line = cli_safe(ctx, json_text(&loosened->as.items[i]));
        printf("  %.*s\n", STR_ARG(line));
    }
}

static void print_change(struct ctx *ctx, const struct json *answer)
{
    struct str id = shown(ctx, answer, "id"), state = shown(ctx, answer, "state");
    const struct json *alone = json_get(answer, S("alone"));

    if (str_eq(state, S("candidate"))) {
        printf("%.*s waits for a second person, for it loosens the policy:\n", STR_ARG(id));
        print_loosened(ctx, answer);
        return;
    }
    if (str_eq(state, S("retired"))) {
        printf("%.*s was replaced since; nothing has changed\n", STR_ARG(id));
        return;
    }
    printf("%.*s is in force%s\n", STR_ARG(id),
           alone && alone->kind == JSON_TRUE ? ", loosened by one person alone" : "");
}

static void print_list(struct ctx *ctx, const struct json *answer)
{
    static const char *const columns[] = {
        "id", "state", "road", "proposed_at", "proposed_by", "activated_at", "activated_by"};
    const struct json *list = json_get(answer, S("policies"));
    size_t width = COUNT_OF(columns), rows = list && list->kind == JSON_ARRAY ? list->count : 0;
    struct str *cells = arena_zalloc(ctx->arena, (rows + 1) * width, sizeof(*cells));

    for (size_t c = 0; cells && c < width; c++) {
        cells[c] = str_of(columns[c]);
        for (size_t r = 0; r < rows; r++) {
            cells[(r + 1) * width + c] = shown(ctx, &list->as.items[r], columns[c]);
        }
    }
    if (cells) {
        cli_print_table(ctx, cells, rows + 1, width);
    }
}

/* Asking --------------------------------------------------------------------------------------- */

/* {"command": COMMAND, "arguments": {WHAT: VALUE, ...}} */
struct request {
    const char *command, *what;
    struct str value;
    bool alone;
    struct str token;
};

static void request_write(struct buf *text, const struct request *request)
{
    struct json_out out = JSON_OUT(text);

    jo_object(&out);
    jo_m_str(&out, "command", str_of(request->command));
    jo_key(&out, "arguments");
    jo_object(&out);
    if (request->what) {
        jo_m_str(&out, request->what, request->value);
    }
    if (request->alone) {
        jo_m_bool(&out, "alone", true);
    }
    if (request->token.p) {
        jo_m_str(&out, "token", request->token);
    }
    jo_object_end(&out);
    jo_object_end(&out);
}

static void wipe(struct buf *text)
{
    if (text->p) {
        crypto_wipe(text->p, text->n);
    }
    buf_done(text);
}

/* Sends it and prints the answer by `print`, or as JSON. */
static int ask(struct ctx *ctx, const struct cli_common *common, const struct request *request,
               void (*print)(struct ctx *ctx, const struct json *answer))
{
    AUTO(wipe) struct buf text = BUF_INIT(REQUEST_BYTES_MAX);
    const struct json *answer;

    request_write(&text, request);
    if (!buf_ok(&text)) {
        (void)fail(ctx, FM_E_TOO_LARGE, "this is too long");
        return cli_failed(common, ctx);
    }
    if (cli_call(ctx, common->dir, CLI_FOLDER_MUST_EXIST, buf_str(&text), &answer) != FM_OK) {
        return cli_failed(common, ctx);
    }
    if (common->json) {
        cli_print_answer(answer);
    } else {
        print(ctx, answer);
    }
    return CLI_OK;
}

/* The personal token of whoever acts; absent for the operator. */
static enum fm_err read_token(struct ctx *ctx, const struct version_options *options,
                              struct str *out)
{
    *out = str_of(getenv("FERMATA_TOKEN"));
    return options->token_stdin ? cli_read_password(ctx, out) : FM_OK;
}

/* The server reads the file itself: it may stand in another folder. */
static enum fm_err absolute(struct ctx *ctx, const char *path, struct str *out)
{
    char whole[PATH_MAX];

    if (!realpath(path, whole)) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "%s: %s", path, strerror(errno));
    }
    *out = arena_copy(ctx->arena, str_of(whole));
    return out->p ? FM_OK : fail_memory(ctx);
}

static int change(struct ctx *ctx, const struct version_options *options, const char *word,
                  bool propose)
{
    struct request request = {.command = propose ? "policy.propose" : "policy.activate",
                              .what = propose ? "file" : "policy",
                              .value = str_of(word),
                              .alone = options->alone};
    enum fm_err err = propose ? absolute(ctx, word, &request.value) : FM_OK;

    err = err == FM_OK ? read_token(ctx, options, &request.token) : err;
    return err == FM_OK ? ask(ctx, &options->common, &request, print_change)
                        : cli_failed(&options->common, ctx);
}

/* Verbs ---------------------------------------------------------------------------------------- */

enum verb { VERB_LIST, VERB_PROPOSE, VERB_ACTIVATE };

static int run(enum verb verb, const struct cli_usage *usage, int argc, char **argv)
{
    struct version_options options = {0};
    AUTO(arena_done) struct arena *arena = NULL;
    struct ctx ctx;
    int words, code = cli_parse(usage, argc, argv, &options, &words);

    if (code != CLI_GO) {
        return code;
    }
    arena = arena_new(ARENA_BYTES_MAX);
    if (!arena) {
        fputs("fermata: out of memory\n", stderr);
        return CLI_FAILED;
    }
    ctx_init(&ctx, arena);
    if (verb == VERB_LIST) {
        return ask(&ctx, &options.common, &(struct request){.command = "policy.list"}, print_list);
    }
    return change(&ctx, &options, argv[1], verb == VERB_PROPOSE);
}

int cli_policy_list(int argc, char **argv)
{
    return run(VERB_LIST, &list_usage, argc, argv);
}

int cli_policy_propose(int argc, char **argv)
{
    return run(VERB_PROPOSE, &propose_usage, argc, argv);
}

int cli_policy_activate(int argc, char **argv)
{
    return run(VERB_ACTIVATE, &activate_usage, argc, argv);
}
