/* SPDX-License-Identifier: Apache-2.0
 *
 * `fermata pause`: stop now, from a terminal; see what is stopped; let it go on.
 */
#include "base/unicode.h"
#include "cli/ask.h"

struct pause {
    struct cli_common common;
    const char *agent, *action, *category, *reason;
    bool all;
};

static const struct cli_option pause_options[] = {
    {"--all", CLI_FLAG, offsetof(struct pause, all), NULL, "everything"},
    {"--agent", CLI_VALUE, offsetof(struct pause, agent), "NAME", "what this agent proposes"},
    {"--action", CLI_VALUE, offsetof(struct pause, action), "ACTION", "this action, of all agents"},
    {"--category", CLI_VALUE, offsetof(struct pause, category), "CATEGORY", "this category"},
    {"--reason", CLI_VALUE, offsetof(struct pause, reason), "TEXT", "why; people read it"},
};

static const struct cli_usage pause_usage = {
    .line = "pause --all | --agent NAME | --action ACTION | --category CATEGORY  --reason TEXT",
    .about =
        "Stops at once: new proposals that it covers are held, nothing of it is approved or "
        "executed,\n"
        "and approvals that can still be undone go back to people. It takes two people to go on.\n"
        "\n"
        "  fermata pause --all --reason 'The bot answers nonsense'\n"
        "  fermata pause list\n"
        "  fermata pause resume pau_...",
    .options = pause_options,
    .option_count = COUNT_OF(pause_options),
    .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
};

static void print_started(struct work *work, const struct json *answer)
{
    struct str name = shown(work, answer, "name"), covers = shown(work, answer, "covers");

    printf("Paused: %.*s%s%.*s (%.*s).\nTo go on, two people use `fermata pause resume ID` or the "
           "page.\n",
           STR_ARG(covers), name.n ? " " : "", STR_ARG(name), STR_ARG(shown(work, answer, "id")));
}

static int start(struct work *work, const struct pause *options)
{
    AUTO(ask_done) struct ask ask = ASK_INIT;
    const struct json *answer;
    int code;

    ask_begin(&ask, "pause.start");
    if (options->agent) {
        jo_m_str(&ask.out, "agent", str_of(options->agent));
    }
    if (options->action) {
        jo_m_str(&ask.out, "action", str_of(options->action));
    }
    if (options->category) {
        jo_m_str(&ask.out, "category", str_of(options->category));
    }
    jo_m_str(&ask.out, "reason", str_of(options->reason));
    code = ask_send(work, &options->common, CLI_FOLDER_MUST_EXIST, &ask, &answer);
    if (code == CLI_OK && answer) {
        print_started(work, answer);
    }
    return code;
}

/* CLI_GO when the options go together: what is stopped is always said. */
static int check(const struct pause *options)
{
    const char *const texts[] = {options->agent, options->action, options->category,
                                 options->reason};
    int named = options->all + (options->agent != NULL) + (options->action != NULL) +
                (options->category != NULL);

    if (named != 1) {
        return cli_misused(&pause_usage, "one of --all, --agent, --action and --category");
    }
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (texts[i] && !str_is_utf8(str_of(texts[i]))) {
            return cli_misused(&pause_usage, "a text that is not UTF-8");
        }
    }
    if (text_is_blank(str_of(options->reason))) {
        return cli_misused(&pause_usage, "--reason is missing");
    }
    return CLI_GO;
}

static int run_start(int argc, char **argv)
{
    struct pause options = {.all = false};
    AUTO(work_done) struct work work = {NULL, {0}};
    int words, code = cli_parse(&pause_usage, argc, argv, &options, &words);

    code = code == CLI_GO ? check(&options) : code;
    if (code != CLI_GO) {
        return code;
    }
    return work_begin(&work) ? start(&work, &options) : CLI_FAILED;
}

/* --- list and resume -------------------------------------------------------------------------- */

static struct str cell_covers(struct work *work, const struct json *item)
{
    (void)work;
    return json_text(json_get(item, S("covers")));
}

static struct str cell_what(struct work *work, const struct json *item)
{
    struct str name = json_text(json_get(item, S("name")));

    (void)work;
    return name.n ? name : S("-");
}

static struct str cell_since(struct work *work, const struct json *item)
{
    (void)work;
    return json_text(json_get(item, S("at")));
}

static struct str cell_state(struct work *work, const struct json *item)
{
    (void)work;
    return json_text(json_get(item, S("resume_asked_at"))).n ? S("one more to go on") : S("paused");
}

static struct str cell_reason(struct work *work, const struct json *item)
{
    (void)work;
    return json_text(json_get(item, S("reason")));
}

static int run_list(int argc, char **argv)
{
    static const struct cli_usage usage = {
        .line = "pause list",
        .about = "Lists what is paused now, the newest first.",
        .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
    };
    static const struct column columns[] = {{"COVERS", cell_covers}, {"WHAT", cell_what},
                                            {"SINCE", cell_since},   {"STATE", cell_state},
                                            {"ID", cell_id},         {"REASON", cell_reason}};

    return list_run(&usage, argc, argv, "pause.list", columns, COUNT_OF(columns),
                    "Nothing is paused.");
}

static const struct cli_usage resume_usage = {
    .line = "pause resume ID",
    .about =
        "Asks to let it go on; the second who asks ends the pause. People with the role lead or\n"
        "policy count, and the operator once. While there is nobody else, one is enough, and the\n"
        "log says so.",
    .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
    .words_min = 1,
    .words_max = 1,
};

static int resume(struct work *work, const struct cli_common *common, const char *id)
{
    AUTO(ask_done) struct ask ask = ASK_INIT;
    const struct json *answer;
    int code;

    ask_begin(&ask, "pause.resume");
    jo_m_str(&ask.out, "id", str_of(id));
    code = ask_send(work, common, CLI_FOLDER_MUST_EXIST, &ask, &answer);
    if (code == CLI_OK && answer) {
        puts(json_text(json_get(answer, S("ended_at"))).n
                 ? "It goes on. What was held stays held: people decide it."
                 : "Noted. It goes on when a second person, lead or policy, agrees.");
    }
    return code;
}

static int run_resume(int argc, char **argv)
{
    struct cli_common common = {.json = false};
    AUTO(work_done) struct work work = {NULL, {0}};
    int words, code = cli_parse(&resume_usage, argc, argv, &common, &words);

    if (code != CLI_GO) {
        return code;
    }
    if (!str_is_utf8(str_of(argv[1]))) {
        return cli_misused(&resume_usage, "an id that is not UTF-8");
    }
    return work_begin(&work) ? resume(&work, &common, argv[1]) : CLI_FAILED;
}

int cli_pause(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "list") == 0) {
        return run_list(argc - 1, argv + 1);
    }
    if (argc > 1 && strcmp(argv[1], "resume") == 0) {
        return run_resume(argc - 1, argv + 1);
    }
    return run_start(argc, argv);
}
