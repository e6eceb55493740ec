/* SPDX-License-Identifier: Apache-2.0
 *
 * `fermata user`, `agent`, `key`, `token`: who may decide and who may propose. Each verb builds one
 * request of the admin socket and prints its answer.
 *
 * It must never take a password from the command line, where every user of the machine can read it.
 */
#include "cli/cli.h"
#include "people/people.h"

#define ARENA_BYTES_MAX (128 * MIB) /* the longest list as a tree */
#define REQUEST_BYTES_MAX (64 * KIB)

#define NOT_UTF8 "a name that is not UTF-8"

/* Memory and context of one command. */
struct work {
    struct arena *arena;
    struct ctx ctx;
};

static bool work_begin(struct work *work)
{
    work->arena = arena_new(ARENA_BYTES_MAX);
    ctx_init(&work->ctx, work->arena);
    if (!work->arena) {
        fputs("fermata: out of memory\n", stderr);
    }
    return work->arena != NULL;
}

static void work_done(struct work *work)
{
    arena_free(work->arena);
}

/* A request under construction: {"command": NAME, "arguments": {... Wiped when done: it may hold a
 * password. */
struct request {
    struct buf text;
    struct json_out out;
};

#define REQUEST_INIT {.text = BUF_INIT(REQUEST_BYTES_MAX)}

static void request_begin(struct request *request, const char *command)
{
    request->out = (struct json_out)JSON_OUT(&request->text);
    jo_object(&request->out);
    jo_m_str(&request->out, "command", str_of(command));
    jo_key(&request->out, "arguments");
    jo_object(&request->out);
}

static void request_done(struct request *request)
{
    if (request->text.p) {
        crypto_wipe(request->text.p, request->text.n);
    }
    buf_done(&request->text);
}

static void add_values(struct request *request, const char *name, const struct cli_values *values)
{
    jo_key(&request->out, name);
    jo_array(&request->out);
    for (size_t i = 0; i < values->count; i++) {
        jo_str(&request->out, str_of(values->items[i]));
    }
    jo_array_end(&request->out);
}

/* Ends the request, has it carried out, and with --json prints the answer: `*answer` is NULL then, and
 * the verb is done with the returned code. */
static int send_request(struct work *work, const struct cli_common *common, enum cli_folder folder,
                        struct request *request, const struct json **answer)
{
    jo_object_end(&request->out);
    jo_object_end(&request->out);
    if (!buf_ok(&request->text)) {
        (void)fail(&work->ctx, FM_E_TOO_LARGE, "these are too many or too long values");
        return cli_failed(common, &work->ctx);
    }
    if (cli_call(&work->ctx, common->dir, folder, buf_str(&request->text), answer) != FM_OK) {
        return cli_failed(common, &work->ctx);
    }
    if (common->json) {
        cli_print_answer(*answer);
        *answer = NULL;
    }
    return CLI_OK;
}

/* A text of the answer, safe for the terminal. */
static struct str shown(struct work *work, const struct json *answer, const char *name)
{
    return cli_safe(&work->ctx, json_text(json_get(answer, str_of(name))));
}

/* "lead, reviewer" */
static struct str joined(struct work *work, const struct json *array)
{
    AUTO(buf_done) struct buf text = BUF_INIT(4 * KIB);

    for (uint32_t i = 0; array && i < array->count; i++) {
        buf_add(&text, i ? S(", ") : S(""));
        buf_add(&text, json_text(&array->as.items[i]));
    }
    return arena_copy(work->ctx.arena, buf_str(&text));
}

/* user ----------------------------------------------------------------------------------------- */

struct user_add {
    struct cli_common common;
    struct cli_values roles;
    bool password_stdin;
};

static const struct cli_option user_add_options[] = {
    {"--role", CLI_REPEAT, offsetof(struct user_add, roles), "ROLE",
     "reviewer, lead, policy, auditor or admin; may be repeated"},
    {"--password-stdin", CLI_FLAG, offsetof(struct user_add, password_stdin), NULL,
     "read the password from stdin; a terminal asks and does not show it"},
};

static const struct cli_usage user_add_usage = {
    .line = "user add NAME --role ROLE [--role ROLE] [--password-stdin]",
    .about = "Adds a person. What a person may do comes from the roles:\n"
             "\n"
             "  reviewer  decides\n"
             "  lead      decides, and runs the queues\n"
             "  policy    owns the policy\n"
             "  auditor   reads everything, and the audit log\n"
             "  admin     manages people, agents and keys\n"
             "\n"
             "admin, policy and auditor alone decide nothing. Without a password the person cannot\n"
             "sign in on the page, but can have a personal token (`fermata token create`).\n"
             "\n"
             "  fermata user add ana --role reviewer --role lead --password-stdin",
    .options = user_add_options,
    .option_count = COUNT_OF(user_add_options),
    .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
    .words_min = 1,
    .words_max = 1,
};

/* Complains about the first role that does not exist. CLI_GO when there is none. */
static int check_roles(const struct cli_values *roles)
{
    if (roles->count == 0) {
        return cli_misused(&user_add_usage, "a person needs at least one --role");
    }
    for (size_t i = 0; i < roles->count; i++) {
        if (role_of_name(str_of(roles->items[i])) < 0) {
            return cli_misused(&user_add_usage,
                               "%s is no role; there are reviewer, lead, policy, auditor and admin",
                               roles->items[i]);
        }
    }
    return CLI_GO;
}

static void print_added_person(struct work *work, const struct json *answer, bool can_sign_in)
{
    struct str name = shown(work, answer, "name"), id = shown(work, answer, "id");
    struct str roles = joined(work, json_get(answer, S("roles")));

    printf("Added %.*s (%.*s): %.*s.\n", STR_ARG(name), STR_ARG(id), STR_ARG(roles));
    if (can_sign_in) {
        printf("%.*s can sign in on the page with this password.\n", STR_ARG(name));
    } else {
        printf("Without a password %.*s cannot sign in on the page;\n"
               "`fermata token create --user %.*s` makes a personal token for the API.\n",
               STR_ARG(name), STR_ARG(name));
    }
}

static int add_user(struct work *work, const struct user_add *options, const char *name)
{
    AUTO(request_done) struct request request = REQUEST_INIT;
    struct str password = STR_NONE;
    const struct json *answer;
    int code;

    request_begin(&request, "person.add");
    if (options->password_stdin) {
        if (cli_read_password(&work->ctx, &password) != FM_OK) {
            return cli_failed(&options->common, &work->ctx);
        }
        jo_m_str(&request.out, "password", password);
        crypto_wipe((char *)password.p, password.n); /* of our own arena */
    }
    jo_m_str(&request.out, "name", str_of(name));
    add_values(&request, "roles", &options->roles);
    code = send_request(work, &options->common, CLI_FOLDER_MAY_BE_MADE, &request, &answer);
    if (code == CLI_OK && answer) {
        print_added_person(work, answer, options->password_stdin);
    }
    return code;
}

static int run_user_add(int argc, char **argv)
{
    struct user_add options = {.password_stdin = false};
    AUTO(work_done) struct work work = {NULL, {0}};
    int words, code = cli_parse(&user_add_usage, argc, argv, &options, &words);

    code = code == CLI_GO ? check_roles(&options.roles) : code;
    if (code != CLI_GO) {
        return code;
    }
    if (!str_is_utf8(str_of(argv[1]))) {
        return cli_misused(&user_add_usage, NOT_UTF8);
    }
    return work_begin(&work) ? add_user(&work, &options, argv[1]) : CLI_FAILED;
}

/* Lists ---------------------------------------------------------------------------------------- */

/* A column: its heading, and how its cell comes from an item. */
struct column {
    const char *heading;
    struct str (*cell)(struct work *work, const struct json *item);
};

static struct str cell_name(struct work *work, const struct json *item)
{
    (void)work;
    return json_text(json_get(item, S("name")));
}

static struct str cell_id(struct work *work, const struct json *item)
{
    (void)work;
    return json_text(json_get(item, S("id")));
}

static struct str cell_roles(struct work *work, const struct json *item)
{
    return joined(work, json_get(item, S("roles")));
}

static struct str cell_password(struct work *work, const struct json *item)
{
    const struct json *password = json_get(item, S("password"));

    (void)work;
    return password && password->kind == JSON_TRUE ? S("yes") : S("no");
}

static struct str cell_owner(struct work *work, const struct json *item)
{
    struct str owner = json_text(json_get(item, S("owner")));

    (void)work;
    return owner.p ? owner : S("-");
}

static int print_items(struct work *work, const struct json *items, const struct column *columns,
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
        cells[i] = row == 0 ? str_of(column->heading) : column->cell(work, &items->as.items[row - 1]);
    }
    cli_print_table(&work->ctx, cells, rows, column_count);
    return CLI_OK;
}

/* The whole of `user list` and `agent list`. `none` is what to say of an empty list. */
static int run_list(const struct cli_usage *usage, int argc, char **argv, const char *command,
                    const struct column *columns, size_t column_count, const char *none)
{
    struct cli_common common = {.json = false};
    AUTO(work_done) struct work work = {NULL, {0}};
    AUTO(request_done) struct request request = REQUEST_INIT;
    const struct json *answer, *items;
    int words, code = cli_parse(usage, argc, argv, &common, &words);

    if (code != CLI_GO) {
        return code;
    }
    if (!work_begin(&work)) {
        return CLI_FAILED;
    }
    request_begin(&request, command);
    code = send_request(&work, &common, CLI_FOLDER_MUST_EXIST, &request, &answer);
    if (code != CLI_OK || !answer) {
        return code;
    }
    items = json_get(answer, S("items"));
    if (!items || items->count == 0) {
        puts(none);
        return CLI_OK;
    }
    return print_items(&work, items, columns, column_count);
}

static void print_link(struct work *work, const struct json *answer, const char *name)
{
    struct str link = shown(work, answer, "link"), who = cli_safe(&work->ctx, str_of(name));

    if (str_starts(link, S("http"))) {
        printf("%.*s\n\n", STR_ARG(link));
    } else {
        printf("Behind the server's URL:  %.*s\n\n", STR_ARG(link));
    }
    printf("Signs %.*s in, once, within ten minutes. Whoever opens it is %.*s:\n"
           "hand it over as you would a password. The audit log says that it was made.\n",
           STR_ARG(who), STR_ARG(who));
}

static int add_link(struct work *work, const struct cli_common *common, const char *name)
{
    AUTO(request_done) struct request request = REQUEST_INIT;
    const struct json *answer;
    int code;

    request_begin(&request, "link.create");
    jo_m_str(&request.out, "person", str_of(name));
    code = send_request(work, common, CLI_FOLDER_MUST_EXIST, &request, &answer);
    if (code == CLI_OK && answer) {
        print_link(work, answer, name);
    }
    return code;
}

static int run_user_link(int argc, char **argv)
{
    static const struct cli_usage usage = {
        .line = "user link NAME",
        .about = "Makes a link that signs NAME in, once, within ten minutes, and prints it. What\n"
                 "signs in stands behind the # of the URL, which browsers send to no server.",
        .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
        .words_min = 1,
        .words_max = 1,
    };
    struct cli_common common = {.json = false};
    AUTO(work_done) struct work work = {NULL, {0}};
    int words, code = cli_parse(&usage, argc, argv, &common, &words);

    if (code != CLI_GO) {
        return code;
    }
    if (!str_is_utf8(str_of(argv[1]))) {
        return cli_misused(&usage, NOT_UTF8);
    }
    return work_begin(&work) ? add_link(&work, &common, argv[1]) : CLI_FAILED;
}

static int run_user_list(int argc, char **argv)
{
    static const struct cli_usage usage = {
        .line = "user list",
        .about = "Lists the people with their roles, in the order in which they were added.",
        .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
    };
    static const struct column columns[] = {
        {"NAME", cell_name}, {"ROLES", cell_roles}, {"PASSWORD", cell_password}, {"ID", cell_id}};

    return run_list(&usage, argc, argv, "person.list", columns, COUNT_OF(columns),
                    "There is nobody yet: `fermata user add NAME --role reviewer --password-stdin`.");
}

int cli_user(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"add", run_user_add, "add a person"},
        {"list", run_user_list, "list the people"},
        {"link", run_user_link, "make a one-time sign-in link for somebody"},
    };

    return cli_run_verb(verbs, COUNT_OF(verbs), argc, argv);
}

/* agent ---------------------------------------------------------------------------------------- */

struct agent_add {
    struct cli_common common;
    const char *owner;
    struct cli_values hosts;
};

static const struct cli_option agent_add_options[] = {
    {"--owner", CLI_VALUE, offsetof(struct agent_add, owner), "USER",
     "the person who answers for the agent"},
    {"--host", CLI_REPEAT, offsetof(struct agent_add, hosts), "HOST",
     "where its callbacks may go; may be repeated"},
};

static const struct cli_usage agent_add_usage = {
    .line = "agent add NAME --owner USER [--host HOST]",
    .about = "Adds an agent and prints its first key and its webhook secret, once.\n"
             "\n"
             "An agent sends the key as `Authorization: Bearer KEY`. Callbacks go to registered\n"
             "hosts only (a name or address, without scheme and port) and are signed with the\n"
             "webhook secret.\n"
             "\n"
             "  fermata agent add support-bot --owner ana --host hooks.example.com",
    .options = agent_add_options,
    .option_count = COUNT_OF(agent_add_options),
    .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
    .words_min = 1,
    .words_max = 1,
};

static void print_added_agent(struct work *work, const struct json *answer, const char *name,
                              const char *owner)
{
    struct str id = shown(work, answer, "id"), key = shown(work, answer, "key");
    struct str secret = shown(work, answer, "webhook_secret");

    printf("Added agent %.*s (%.*s), owned by %.*s.\n\n", STR_ARG(cli_safe(&work->ctx, str_of(name))),
           STR_ARG(id), STR_ARG(cli_safe(&work->ctx, str_of(owner))));
    printf("  key             %.*s\n  webhook secret  %.*s\n\n", STR_ARG(key), STR_ARG(secret));
    puts("Both are shown once: keep them now, in the agent's secret store.\n"
         "The agent sends `Authorization: Bearer KEY`; it checks callbacks with the webhook secret.");
}

static int add_agent(struct work *work, const struct agent_add *options, const char *name)
{
    AUTO(request_done) struct request request = REQUEST_INIT;
    const struct json *answer;
    int code;

    request_begin(&request, "agent.add");
    jo_m_str(&request.out, "name", str_of(name));
    jo_m_str(&request.out, "owner", str_of(options->owner));
    add_values(&request, "hosts", &options->hosts);
    code = send_request(work, &options->common, CLI_FOLDER_MUST_EXIST, &request, &answer);
    if (code == CLI_OK && answer) {
        print_added_agent(work, answer, name, options->owner);
    }
    return code;
}

static bool are_utf8(const struct cli_values *values)
{
    for (size_t i = 0; i < values->count; i++) {
        if (!str_is_utf8(str_of(values->items[i]))) {
            return false;
        }
    }
    return true;
}

static int run_agent_add(int argc, char **argv)
{
    struct agent_add options = {.owner = NULL};
    AUTO(work_done) struct work work = {NULL, {0}};
    int words, code = cli_parse(&agent_add_usage, argc, argv, &options, &words);

    if (code != CLI_GO) {
        return code;
    }
    if (!options.owner) {
        return cli_misused(&agent_add_usage, "an agent needs an --owner: the person who answers for it");
    }
    if (!str_is_utf8(str_of(argv[1])) || !str_is_utf8(str_of(options.owner)) ||
        !are_utf8(&options.hosts)) {
        return cli_misused(&agent_add_usage, NOT_UTF8);
    }
    return work_begin(&work) ? add_agent(&work, &options, argv[1]) : CLI_FAILED;
}

static int run_agent_list(int argc, char **argv)
{
    static const struct cli_usage usage = {
        .line = "agent list",
        .about = "Lists the agents with their owners, in the order in which they were added.",
        .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
    };
    static const struct column columns[] = {
        {"NAME", cell_name}, {"OWNER", cell_owner}, {"ID", cell_id}};

    return run_list(&usage, argc, argv, "agent.list", columns, COUNT_OF(columns),
                    "There is no agent yet: `fermata agent add NAME --owner USER`.");
}

int cli_agent(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"add", run_agent_add, "add an agent, with its first key"},
        {"list", run_agent_list, "list the agents"},
    };

    return cli_run_verb(verbs, COUNT_OF(verbs), argc, argv);
}

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

    printf("Made a %s for %.*s (%.*s).\n\n  %.*s\n\nIt is shown once: keep it now. %s\n", words->secret,
           STR_ARG(cli_safe(&work->ctx, str_of(holder))), STR_ARG(id), STR_ARG(secret), words->advice);
}

static int create(struct work *work, const struct create *options, const struct credential_words *words)
{
    AUTO(request_done) struct request request = REQUEST_INIT;
    const struct json *answer;
    int code;

    request_begin(&request, words->command);
    jo_m_str(&request.out, words->argument, str_of(options->holder));
    code = send_request(work, &options->common, CLI_FOLDER_MUST_EXIST, &request, &answer);
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
        .about = "Makes one more key for an agent and prints it, once. The agent's other keys stay\n"
                 "valid, so that a key can be replaced without an interruption.",
        .options = options,
        .option_count = COUNT_OF(options),
        .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
    };
    static const struct credential_words words = {
        &usage, "--agent", "key.create", "agent", "key",
        "The agent sends it as `Authorization: Bearer KEY`."};

    return run_create(&words, argc, argv);
}

int cli_key(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {{"create", run_key_create, "make a key for an agent"}};

    return cli_run_verb(verbs, COUNT_OF(verbs), argc, argv);
}

static int run_token_create(int argc, char **argv)
{
    static const struct cli_option options[] = {
        {"--user", CLI_VALUE, offsetof(struct create, holder), "NAME", "whose token it will be"},
    };
    static const struct cli_usage usage = {
        .line = "token create --user NAME",
        .about = "Makes a personal token and prints it, once. It carries the roles of its person, but\n"
                 "decides only where the policy says `decide_by: [page, token]`.",
        .options = options,
        .option_count = COUNT_OF(options),
        .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
    };
    static const struct credential_words words = {
        &usage, "--user", "token.create", "person", "token",
        "It acts as this person: treat it like the password."};

    return run_create(&words, argc, argv);
}

int cli_token(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"create", run_token_create, "make a personal token for the API"}};

    return cli_run_verb(verbs, COUNT_OF(verbs), argc, argv);
}
