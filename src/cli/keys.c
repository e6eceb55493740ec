/* SPDX-License-Identifier: Apache-2.0
 *
 * `fermata key` and `token`: what agents, people and services show to be let in. A secret is
 * printed once, when it is made.
 */
#include "cli/ask.h"

/* key and token -------------------------------------------------------------------------------- */

struct create {
    struct cli_common common;
    const char *holder;
};

/* What differs between a key and a token. */
struct credential_words {
    const struct cli_usage *usage;
    const char *option;   /* that names the holder */
    const char *command;  /* of the admin socket */
    const char *argument; /* of that command */
    const char *secret;   /* member of the answer */
    const char *advice;
};

static void print_created(struct work *work, const struct json *answer,
                          const struct credential_words *words, const char *holder)
{
    struct str id = shown(work, answer, "id"), secret = shown(work, answer, words->secret);

    printf("Made a %s for %.*s (%.*s).\n\n  %.*s\n\nIt is shown once: keep it now. %s\n",
           words->secret, STR_ARG(cli_safe(&work->ctx, str_of(holder))), STR_ARG(id),
           STR_ARG(secret), words->advice);
}

static int create(struct work *work, const struct create *options,
                  const struct credential_words *words)
{
    AUTO(ask_done) struct ask ask = ASK_INIT;
    const struct json *answer;
    int code;

    ask_begin(&ask, words->command);
    jo_m_str(&ask.out, words->argument, str_of(options->holder));
    code = ask_send(work, &options->common, CLI_FOLDER_MUST_EXIST, &ask, &answer);
    if (code == CLI_OK && answer) {
        print_created(work, answer, words, options->holder);
    }
    return code;
}

static int run_create(const struct credential_words *words, int argc, char **argv)
{
    struct create options = {.holder = NULL};
    AUTO(work_done) struct work work = {NULL, {0}};
    int count, code = cli_parse(words->usage, argc, argv, &options, &count);

    if (code != CLI_GO) {
        return code;
    }
    if (!options.holder) {
        return cli_misused(words->usage, "%s is missing", words->option);
    }
    if (!str_is_utf8(str_of(options.holder))) {
        return cli_misused(words->usage, NOT_UTF8);
    }
    return work_begin(&work) ? create(&work, &options, words) : CLI_FAILED;
}

static int run_key_create(int argc, char **argv)
{
    static const struct cli_option options[] = {
        {"--agent", CLI_VALUE, offsetof(struct create, holder), "NAME", "whose key it will be"},
    };
    static const struct cli_usage usage = {
        .line = "key create --agent NAME",
        .about =
            "Makes one more key for an agent and prints it, once. The agent's other keys stay\n"
            "valid, so that a key can be replaced without an interruption.",
        .options = options,
        .option_count = COUNT_OF(options),
        .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
    };
    static const struct credential_words words = {
        &usage,  "--agent", "key.create",
        "agent", "key",     "The agent sends it as `Authorization: Bearer KEY`."};

    return run_create(&words, argc, argv);
}

/* --- token: of a person, or of a service ------------------------------------------------------ */

struct token {
    struct create person; /* first: the common options and --user */
    const char *service, *expires;
    struct cli_values scopes;
};

static const struct cli_option token_options[] = {
    {"--user", CLI_VALUE, offsetof(struct token, person.holder), "NAME",
     "a personal token, of this person"},
    {"--service", CLI_VALUE, offsetof(struct token, service), "NAME",
     "a token of a machine that is no agent; it only reads"},
    {"--scope", CLI_REPEAT, offsetof(struct token, scopes), "SCOPE",
     "read (everything), metrics, audit:read, proposals:read or people:read; may be repeated"},
    {"--expires", CLI_VALUE, offsetof(struct token, expires), "DURATION",
     "of a service's token, such as 90d; default 365d"},
};

static const struct cli_usage token_usage = {
    .line = "token create --user NAME | --service NAME --scope SCOPE",
    .about =
        "Makes a token and prints it, once.\n"
        "\n"
        "A personal token carries the roles of its person, but decides only where the policy says\n"
        "`decide_by: [page, token]`. A service's token is for machines that are not agents, such "
        "as\n"
        "monitoring or a data warehouse: it reads what its scopes say, until it expires.\n"
        "\n"
        "  fermata token create --service prometheus --scope metrics",
    .options = token_options,
    .option_count = COUNT_OF(token_options),
    .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
};

static const struct credential_words token_words = {
    &token_usage, "--user", "token.create",
    "person",     "token",  "It acts as this person: treat it like the password."};

static const struct credential_words service_words = {
    &token_usage, "--service", "service.create",
    "service",    "token",     "The service sends it as `Authorization: Bearer TOKEN`."};

static int create_service(struct work *work, const struct token *options)
{
    AUTO(ask_done) struct ask ask = ASK_INIT;
    const struct json *answer;
    int code;

    ask_begin(&ask, "service.create");
    jo_m_str(&ask.out, "service", str_of(options->service));
    ask_values(&ask, "scopes", &options->scopes);
    if (options->expires) {
        jo_m_str(&ask.out, "expires_in", str_of(options->expires));
    }
    code = ask_send(work, &options->person.common, CLI_FOLDER_MUST_EXIST, &ask, &answer);
    if (code == CLI_OK && answer) {
        print_created(work, answer, &service_words, options->service);
        printf("It is good until %.*s.\n", STR_ARG(shown(work, answer, "expires_at")));
    }
    return code;
}

/* CLI_GO when the options go together. */
static int check_token(const struct token *options)
{
    const char *holder = options->service ? options->service : options->person.holder;

    if (!options->service == !options->person.holder) {
        return cli_misused(&token_usage, "either --user or --service");
    }
    if (options->service && options->scopes.count == 0) {
        return cli_misused(&token_usage, "a service needs at least one --scope");
    }
    if (!options->service && (options->scopes.count || options->expires)) {
        return cli_misused(&token_usage, "--scope and --expires are for a service");
    }
    return str_is_utf8(str_of(holder)) ? CLI_GO : cli_misused(&token_usage, NOT_UTF8);
}

static int run_token_create(int argc, char **argv)
{
    struct token options = {.service = NULL};
    AUTO(work_done) struct work work = {NULL, {0}};
    int count, code = cli_parse(&token_usage, argc, argv, &options, &count);

    code = code == CLI_GO ? check_token(&options) : code;
    if (code != CLI_GO) {
        return code;
    }
    if (!work_begin(&work)) {
        return CLI_FAILED;
    }
    return options.service ? create_service(&work, &options)
                           : create(&work, &options.person, &token_words);
}

/* --- ends ------------------------------------------------------------------------------------- */

static const struct cli_usage revoke_usage = {
    .line = "key revoke ID",
    .about =
        "Ends a key or token for good, from the next request on. `fermata key list` shows the ids.",
    .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
    .words_min = 1,
    .words_max = 1,
};

static int revoke(struct work *work, const struct cli_common *common, const char *id)
{
    AUTO(ask_done) struct ask ask = ASK_INIT;
    const struct json *answer;
    int code;

    ask_begin(&ask, "key.revoke");
    jo_m_str(&ask.out, "id", str_of(id));
    code = ask_send(work, common, CLI_FOLDER_MUST_EXIST, &ask, &answer);
    if (code == CLI_OK && answer) {
        printf("Revoked %.*s.\n", STR_ARG(shown(work, answer, "id")));
    }
    return code;
}

static int run_revoke(int argc, char **argv)
{
    struct cli_common common = {.json = false};
    AUTO(work_done) struct work work = {NULL, {0}};
    int words, code = cli_parse(&revoke_usage, argc, argv, &common, &words);

    if (code != CLI_GO) {
        return code;
    }
    if (!str_is_utf8(str_of(argv[1]))) {
        return cli_misused(&revoke_usage, "an id that is not UTF-8");
    }
    return work_begin(&work) ? revoke(&work, &common, argv[1]) : CLI_FAILED;
}

int cli_key(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {{"create", run_key_create, "make a key for an agent"},
                                            {"list", run_key_list, "list keys and tokens"},
                                            {"revoke", run_revoke, "end a key or token"}};

    return cli_run_verb(verbs, COUNT_OF(verbs), argc, argv);
}

int cli_token(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"create", run_token_create, "make a token of a person or a service"},
        {"list", run_key_list, "list keys and tokens"},
        {"revoke", run_revoke, "end a key or token"}};

    return cli_run_verb(verbs, COUNT_OF(verbs), argc, argv);
}
