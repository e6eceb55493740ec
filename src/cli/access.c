/* SPDX-License-Identifier: Apache-2.0
 *
 * `fermata user roles, reset, deactivate, reactivate, review`: accounts, and who has access.
 *
 * It must never print a password: a reset prints a code with which the person sets one.
 */
#include "cli/ask.h"

/* --- verbs with a name ------------------------------------------------------------------------ */

struct named {
    struct cli_common common;
    struct cli_values roles;
};

/* A verb that changes one account. */
struct account_verb {
    const struct cli_usage *usage;
    const char *command; /* of the admin socket */
    void (*say)(struct work *work, const struct json *answer);
};

static int change_account(struct work *work, const struct named *options,
                          const struct account_verb *verb, const char *name)
{
    AUTO(ask_done) struct ask ask = ASK_INIT;
    const struct json *answer;
    int code;

    ask_begin(&ask, verb->command);
    jo_m_str(&ask.out, "name", str_of(name));
    if (options->roles.count) {
        ask_values(&ask, "roles", &options->roles);
    }
    code = ask_send(work, &options->common, CLI_FOLDER_MUST_EXIST, &ask, &answer);
    if (code == CLI_OK && answer) {
        verb->say(work, answer);
    }
    return code;
}

static int run_verb(const struct account_verb *verb, bool wants_roles, int argc, char **argv)
{
    struct named options = {.roles.count = 0};
    AUTO(work_done) struct work work = {NULL, {0}};
    int words, code = cli_parse(verb->usage, argc, argv, &options, &words);

    if (code != CLI_GO) {
        return code;
    }
    if (wants_roles && options.roles.count == 0) {
        return cli_misused(verb->usage, "a person needs at least one --role");
    }
    if (!str_is_utf8(str_of(argv[1]))) {
        return cli_misused(verb->usage, NOT_UTF8);
    }
    return work_begin(&work) ? change_account(&work, &options, verb, argv[1]) : CLI_FAILED;
}

static void say_code(struct work *work, const struct json *answer)
{
    printf(
        "The password of %.*s is void, and sessions and tokens have ended.\n\n  %.*s\n\n"
        "It is shown once. With this one-time code as the password %.*s signs in and sets a new\n"
        "one, until %.*s. Nothing can be decided before that.\n",
        STR_ARG(shown(work, answer, "name")), STR_ARG(shown(work, answer, "code")),
        STR_ARG(shown(work, answer, "name")), STR_ARG(shown(work, answer, "expires_at")));
}

int run_user_reset(int argc, char **argv)
{
    static const struct cli_usage usage = {
        .line = "user reset NAME",
        .about =
            "Ends a person's password, sessions and personal tokens, and prints a one-time code.\n"
            "With it the person signs in within a day and sets a new password. The person reads\n"
            "that the password was reset, and the log keeps it.",
        .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
        .words_min = 1,
        .words_max = 1,
    };
    static const struct account_verb verb = {&usage, "person.reset", say_code};

    return run_verb(&verb, false, argc, argv);
}

static void say_roles(struct work *work, const struct json *answer)
{
    printf("Changed the roles of %.*s.\n", STR_ARG(shown(work, answer, "name")));
}

int run_user_roles(int argc, char **argv)
{
    static const struct cli_option options[] = {
        {"--role", CLI_REPEAT, offsetof(struct named, roles), "ROLE",
         "reviewer, lead, policy, auditor or admin; may be repeated"},
    };
    static const struct cli_usage usage = {
        .line = "user roles NAME --role ROLE [--role ROLE]",
        .about =
            "Says what a person may do from now on, instead of what was said before. The last\n"
            "admin stays one.",
        .options = options,
        .option_count = COUNT_OF(options),
        .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
        .words_min = 1,
        .words_max = 1,
    };
    static const struct account_verb verb = {&usage, "person.roles", say_roles};

    return run_verb(&verb, true, argc, argv);
}

static void say_deactivated(struct work *work, const struct json *answer)
{
    printf("Deactivated %.*s: sessions and tokens have ended. What was decided keeps the name.\n",
           STR_ARG(shown(work, answer, "name")));
}

int run_user_deactivate(int argc, char **argv)
{
    static const struct cli_usage usage = {
        .line = "user deactivate NAME",
        .about =
            "Ends an account with its sessions and personal tokens. The name stays taken, and\n"
            "what the person decided keeps it. The agents that the person owns go on.",
        .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
        .words_min = 1,
        .words_max = 1,
    };
    static const struct account_verb verb = {&usage, "person.deactivate", say_deactivated};

    return run_verb(&verb, false, argc, argv);
}

static void say_reactivated(struct work *work, const struct json *answer)
{
    printf("%.*s is back, with the roles and the password of before.\n",
           STR_ARG(shown(work, answer, "name")));
}

int run_user_reactivate(int argc, char **argv)
{
    static const struct cli_usage usage = {
        .line = "user reactivate NAME",
        .about =
            "Gives an account back. If the password may be forgotten: `fermata user reset NAME`.",
        .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
        .words_min = 1,
        .words_max = 1,
    };
    static const struct account_verb verb = {&usage, "person.reactivate", say_reactivated};

    return run_verb(&verb, false, argc, argv);
}

/* --- the access review ------------------------------------------------------------------------ */

static struct str text_or_dash(const struct json *item, const char *name)
{
    struct str text = json_text(json_get(item, str_of(name)));

    return text.n ? text : S("-");
}

/* The day is enough in a table. */
static struct str day_or_dash(const struct json *item, const char *name)
{
    struct str text = text_or_dash(item, name);

    return text.n > 10 ? (struct str){text.p, 10} : text;
}

static struct str cell_kind(struct work *work, const struct json *item)
{
    (void)work;
    return text_or_dash(item, "kind");
}

static struct str cell_who(struct work *work, const struct json *item)
{
    (void)work;
    return json_text(json_get(item, S("name"))).n ? text_or_dash(item, "name")
                                                  : text_or_dash(item, "holder");
}

static struct str cell_may(struct work *work, const struct json *item)
{
    const struct json *roles = json_get(item, S("roles")), *scopes = json_get(item, S("scopes"));
    struct str text = joined(work, roles && roles->count ? roles : scopes);

    return text.n ? text : S("-");
}

static struct str cell_status(struct work *work, const struct json *item)
{
    (void)work;
    return text_or_dash(item, "status");
}

static struct str cell_made(struct work *work, const struct json *item)
{
    (void)work;
    return day_or_dash(item, "created_at");
}

static struct str cell_maker(struct work *work, const struct json *item)
{
    (void)work;
    return text_or_dash(item, "created_by");
}

static struct str cell_last(struct work *work, const struct json *item)
{
    struct str used = day_or_dash(item, "last_used_at");

    (void)work;
    return str_eq(used, S("-")) ? day_or_dash(item, "last_sign_in_at") : used;
}

static struct str cell_expires(struct work *work, const struct json *item)
{
    (void)work;
    return day_or_dash(item, "expires_at");
}

static const struct column review_columns[] = {
    {"KIND", cell_kind},     {"WHO", cell_who},         {"MAY", cell_may},
    {"STATUS", cell_status}, {"MADE", cell_made},       {"BY", cell_maker},
    {"LAST", cell_last},     {"EXPIRES", cell_expires}, {"ID", cell_id}};

struct review {
    struct cli_common common;
    bool csv;
};

static const struct cli_option review_options[] = {
    {"--csv", CLI_FLAG, offsetof(struct review, csv), NULL, "for a spreadsheet"},
};

static const struct cli_usage review_usage = {
    .line = "user review [--csv | --json]",
    .about =
        "Everybody and everything that has access: people, agents, keys and tokens, with roles or\n"
        "scopes, made when and by whom, last used or signed in, and until when. For a regular\n"
        "access review; in the page and over HTTP too (GET /v1/people/access-review).",
    .options = review_options,
    .option_count = COUNT_OF(review_options),
    .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
};

/* Written as it is: escaping is the CSV's own work, and it goes to a file. */
static void print_csv(const struct json *answer)
{
    struct str csv = json_text(json_get(answer, S("csv")));

    (void)fwrite(csv.p, 1, csv.n, stdout);
}

static int review(struct work *work, const struct review *options)
{
    AUTO(ask_done) struct ask ask = ASK_INIT;
    const struct json *answer;
    int code;

    ask_begin(&ask, options->csv ? "access.csv" : "access.review");
    code = ask_send(work, &options->common, CLI_FOLDER_MUST_EXIST, &ask, &answer);
    if (code != CLI_OK || !answer) {
        return code;
    }
    if (options->csv) {
        print_csv(answer);
        return CLI_OK;
    }
    return list_print(work, json_get(answer, S("items")), review_columns, COUNT_OF(review_columns));
}

int run_user_review(int argc, char **argv)
{
    struct review options = {.csv = false};
    AUTO(work_done) struct work work = {NULL, {0}};
    int words, code = cli_parse(&review_usage, argc, argv, &options, &words);

    if (code != CLI_GO) {
        return code;
    }
    if (options.csv && options.common.json) {
        return cli_misused(&review_usage, "either --csv or --json");
    }
    return work_begin(&work) ? review(&work, &options) : CLI_FAILED;
}

int run_key_list(int argc, char **argv)
{
    static const struct cli_usage usage = {
        .line = "key list",
        .about =
            "Lists the keys of agents and the tokens of people and services that are good now.",
        .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
    };
    static const struct column columns[] = {
        {"KIND", cell_kind},      {"OF", cell_who},          {"MAY", cell_may}, {"MADE", cell_made},
        {"LAST USED", cell_last}, {"EXPIRES", cell_expires}, {"ID", cell_id}};

    return list_run(&usage, argc, argv, "key.list", columns, COUNT_OF(columns),
                    "There is none yet: `fermata key create --agent NAME`.");
}
