/* SPDX-License-Identifier: Apache-2.0
 *
 * `fermata user` and `agent`: who may decide and who may propose. Each verb builds one request of
 * the admin socket and prints its answer.
 *
 * It must never take a password from the command line, where every user of the machine can read it.
 */
#include "cli/ask.h"

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
    AUTO(ask_done) struct ask ask = ASK_INIT;
    struct str password = STR_NONE;
    const struct json *answer;
    int code;

    ask_begin(&ask, "person.add");
    if (options->password_stdin) {
        if (cli_read_password(&work->ctx, &password) != FM_OK) {
            return cli_failed(&options->common, &work->ctx);
        }
        jo_m_str(&ask.out, "password", password);
        crypto_wipe((char *)password.p, password.n); /* of our own arena */
    }
    jo_m_str(&ask.out, "name", str_of(name));
    ask_values(&ask, "roles", &options->roles);
    code = ask_send(work, &options->common, CLI_FOLDER_MAY_BE_MADE, &ask, &answer);
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

static struct str cell_hosts(struct work *work, const struct json *item)
{
    struct str hosts = joined(work, json_get(item, S("hosts")));

    return hosts.n ? hosts : S("-");
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
    AUTO(ask_done) struct ask ask = ASK_INIT;
    const struct json *answer;
    int code;

    ask_begin(&ask, "link.create");
    jo_m_str(&ask.out, "person", str_of(name));
    code = ask_send(work, common, CLI_FOLDER_MUST_EXIST, &ask, &answer);
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

    return list_run(
        &usage, argc, argv, "person.list", columns, COUNT_OF(columns),
        "There is nobody yet: `fermata user add NAME --role reviewer --password-stdin`.");
}

int cli_user(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"add", run_user_add, "add a person"},
        {"list", run_user_list, "list the people"},
        {"roles", run_user_roles, "say what a person may do from now on"},
        {"reset", run_user_reset, "end a password; a one-time code sets a new one"},
        {"deactivate", run_user_deactivate, "end an account, its sessions and tokens"},
        {"reactivate", run_user_reactivate, "give an account back"},
        {"review", run_user_review, "everybody and everything that has access"},
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
    AUTO(ask_done) struct ask ask = ASK_INIT;
    const struct json *answer;
    int code;

    ask_begin(&ask, "agent.add");
    jo_m_str(&ask.out, "name", str_of(name));
    jo_m_str(&ask.out, "owner", str_of(options->owner));
    ask_values(&ask, "hosts", &options->hosts);
    code = ask_send(work, &options->common, CLI_FOLDER_MUST_EXIST, &ask, &answer);
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
        .about = "Lists the agents with their owners and the hosts that callbacks may go to,\n"
                 "in the order in which they were added.",
        .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
    };
    static const struct column columns[] = {
        {"NAME", cell_name}, {"OWNER", cell_owner}, {"ID", cell_id}, {"HOSTS", cell_hosts}};

    return list_run(&usage, argc, argv, "agent.list", columns, COUNT_OF(columns),
                    "There is no agent yet: `fermata agent add NAME --owner USER`.");
}

struct agent_hosts {
    struct cli_common common;
    struct cli_values add, remove;
};

static const struct cli_option agent_hosts_options[] = {
    {"--add", CLI_REPEAT, offsetof(struct agent_hosts, add), "HOST",
     "callbacks may go there from now on; may be repeated"},
    {"--remove", CLI_REPEAT, offsetof(struct agent_hosts, remove), "HOST",
     "proposals that come from now on may not name it; may be repeated"},
};

static const struct cli_usage agent_hosts_usage = {
    .line = "agent hosts NAME [--add HOST] [--remove HOST]",
    .about = "Says where the callbacks of an agent may go, and changes it: names or addresses,\n"
             "without scheme and port, at most 16. The audit log has each change. Callbacks of\n"
             "proposals that are held already still go where they were to go.\n"
             "\n"
             "  fermata agent hosts support-bot --add hooks.example.com",
    .options = agent_hosts_options,
    .option_count = COUNT_OF(agent_hosts_options),
    .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
    .words_min = 1,
    .words_max = 1,
};

static int change_hosts(struct work *work, const struct agent_hosts *options, const char *name)
{
    AUTO(ask_done) struct ask ask = ASK_INIT;
    const struct json *answer;
    struct str hosts;
    int code;

    ask_begin(&ask, "agent.hosts");
    jo_m_str(&ask.out, "agent", str_of(name));
    ask_values(&ask, "add", &options->add);
    ask_values(&ask, "remove", &options->remove);
    code = ask_send(work, &options->common, CLI_FOLDER_MUST_EXIST, &ask, &answer);
    if (code == CLI_OK && answer) {
        hosts = joined(work, json_get(answer, S("hosts")));
        printf("Callbacks of %.*s go to %.*s.\n", STR_ARG(cli_safe(&work->ctx, str_of(name))),
               STR_ARG(hosts.n ? hosts : S("no host")));
    }
    return code;
}

static int run_agent_hosts(int argc, char **argv)
{
    struct agent_hosts options = {.add = {.count = 0}};
    AUTO(work_done) struct work work = {NULL, {0}};
    int words, code = cli_parse(&agent_hosts_usage, argc, argv, &options, &words);

    if (code != CLI_GO) {
        return code;
    }
    if (!str_is_utf8(str_of(argv[1])) || !are_utf8(&options.add) || !are_utf8(&options.remove)) {
        return cli_misused(&agent_hosts_usage, NOT_UTF8);
    }
    return work_begin(&work) ? change_hosts(&work, &options, argv[1]) : CLI_FAILED;
}

int cli_agent(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"add", run_agent_add, "add an agent, with its first key"},
        {"list", run_agent_list, "list the agents"},
        {"hosts", run_agent_hosts, "say where callbacks may go, and change it"},
    };

    return cli_run_verb(verbs, COUNT_OF(verbs), argc, argv);
}
