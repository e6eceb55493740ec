/* SPDX-License-Identifier: Apache-2.0
 *
 * Options by table: what is read, and what is refused with exit code 2.
 */
#include "../check.h"

#include "cli/cli.h"

#include <stdlib.h>

#define WORDS_MAX 72

struct options {
    struct cli_common common;
    struct cli_values roles;
    const char *owner;
    bool quick;
};

static const struct cli_option options_table[] = {
    {"--role", CLI_REPEAT, offsetof(struct options, roles), "ROLE", "may be repeated"},
    {"--owner", CLI_VALUE, offsetof(struct options, owner), "USER", "once"},
    {"--quick", CLI_FLAG, offsetof(struct options, quick), NULL, "a flag"},
};

static const struct cli_usage usage = {
    .line = "thing add NAME [OTHER] --role ROLE",
    .about = "A thing for tests.",
    .options = options_table,
    .option_count = COUNT_OF(options_table),
    .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
    .words_min = 1,
    .words_max = 2,
};

static const struct {
    const char *row;
    const char *argv[8];
    int code;
    const char *words, *roles, *owner, *dir; /* words and roles joined by commas */
    bool quick, json;
} rows[] = {
    {"a word", {"ana"}, CLI_GO, "ana", "", NULL, NULL, false, false},
    {"two words", {"ana", "ben"}, CLI_GO, "ana,ben", "", NULL, NULL, false, false},
    {"options behind", {"ana", "--role", "lead", "--quick"}, CLI_GO, "ana", "lead", NULL, NULL, true, false},
    {"options before", {"--role", "lead", "--json", "ana"}, CLI_GO, "ana", "lead", NULL, NULL, false, true},
    {"options between", {"ana", "--owner", "x", "ben"}, CLI_GO, "ana,ben", "", "x", NULL, false, false},
    {"with =", {"ana", "--role=lead", "--data=d"}, CLI_GO, "ana", "lead", NULL, "d", false, false},
    {"= inside the value", {"ana", "--owner=a=b"}, CLI_GO, "ana", "", "a=b", NULL, false, false},
    {"repeated", {"ana", "--role", "lead", "--role=admin"}, CLI_GO, "ana", "lead,admin", NULL, NULL, false, false},
    {"-- ends them", {"--quick", "--", "--role"}, CLI_GO, "--role", "", NULL, NULL, true, false},
    {"- alone is a word", {"-"}, CLI_GO, "-", "", NULL, NULL, false, false},
    {"--data", {"ana", "--data", "x/y"}, CLI_GO, "ana", "", NULL, "x/y", false, false},
    {"a value that looks like -x", {"ana", "--owner", "-x"}, CLI_GO, "ana", "", "-x", NULL, false, false},
    {"help", {"--help"}, CLI_OK, NULL, NULL, NULL, NULL, false, false},
    {"-h", {"ana", "-h"}, CLI_OK, NULL, NULL, NULL, NULL, false, false},
    {"help before a mistake", {"--help", "--nonsense"}, CLI_OK, NULL, NULL, NULL, NULL, false, false},
    {"no word", {"--quick"}, CLI_USAGE, NULL, NULL, NULL, NULL, false, false},
    {"a word too many", {"a", "b", "c"}, CLI_USAGE, NULL, NULL, NULL, NULL, false, false},
    {"an unknown option", {"ana", "--rol", "lead"}, CLI_USAGE, NULL, NULL, NULL, NULL, false, false},
    {"a short option", {"ana", "-q"}, CLI_USAGE, NULL, NULL, NULL, NULL, false, false},
    {"no value", {"ana", "--role"}, CLI_USAGE, NULL, NULL, NULL, NULL, false, false},
    {"an option as value", {"ana", "--owner", "--quick"}, CLI_USAGE, NULL, NULL, NULL, NULL, false, false},
    {"an empty value", {"ana", "--owner="}, CLI_USAGE, NULL, NULL, NULL, NULL, false, false},
    {"an empty word as value", {"ana", "--owner", ""}, CLI_USAGE, NULL, NULL, NULL, NULL, false, false},
    {"a flag with a value", {"ana", "--quick=yes"}, CLI_USAGE, NULL, NULL, NULL, NULL, false, false},
    {"a value twice", {"ana", "--owner", "a", "--owner", "b"}, CLI_USAGE, NULL, NULL, NULL, NULL, false, false},
};

static char name[] = "add";

/* argv as main would have it; returns argc. */
static int fill(char *argv[WORDS_MAX], const char *const *from, size_t n)
{
    int argc = 1;

    argv[0] = name;
    for (size_t i = 0; i < n && from[i]; i++) {
        argv[argc++] = strdup(from[i]);
    }
    argv[argc] = NULL;
    return argc;
}

static void join(char *out, size_t room, const char *const *items, size_t n)
{
    out[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        size_t used = strlen(out);
        (void)snprintf(out + used, room - used, "%s%s", i ? "," : "", items[i]);
    }
}

static void test_parse(void **state)
{
    char *argv[WORDS_MAX], *copies[WORDS_MAX], joined[256];

    (void)state;
    (void)unsetenv("FERMATA_DATA");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct options options = {.quick = false};
        int words, argc = fill(argv, rows[i].argv, COUNT_OF(rows[i].argv));
        memcpy(copies, argv, sizeof(argv));
        int code = cli_parse(&usage, argc, argv, &options, &words);

        EXPECT(code == rows[i].code, "%s: code %d", rows[i].row, code);
        if (code == CLI_GO) {
            join(joined, sizeof(joined), (const char *const *)argv + 1, (size_t)words);
            EXPECT_STR(rows[i].row, str_of(joined), str_of(rows[i].words));
            join(joined, sizeof(joined), options.roles.items, options.roles.count);
            EXPECT_STR(rows[i].row, str_of(joined), str_of(rows[i].roles));
            EXPECT_STR(rows[i].row, str_of(options.owner), str_of(rows[i].owner));
            EXPECT_STR(rows[i].row, str_of(options.common.dir),
                       str_of(rows[i].dir ? rows[i].dir : "./fermata-data"));
            EXPECT(options.quick == rows[i].quick, "%s: quick", rows[i].row);
            EXPECT(options.common.json == rows[i].json, "%s: json", rows[i].row);
        }
        for (int k = 1; k < argc; k++) {
            free(copies[k]);
        }
    }
}

static void test_the_environment_names_the_folder(void **state)
{
    static const struct {
        const char *row, *environment, *option, *want;
    } cases[] = {
        {"neither", NULL, NULL, "./fermata-data"},
        {"an empty variable", "", NULL, "./fermata-data"},
        {"the variable", "from/env", NULL, "from/env"},
        {"the option wins", "from/env", "from/option", "from/option"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct options options = {.quick = false};
        char data[] = "--data", ana[] = "ana", value[32];
        char *argv[] = {name, ana, cases[i].option ? data : NULL, value, NULL};
        int words;

        (void)snprintf(value, sizeof(value), "%s", cases[i].option ? cases[i].option : "");
        if (cases[i].environment) {
            (void)setenv("FERMATA_DATA", cases[i].environment, 1);
        } else {
            (void)unsetenv("FERMATA_DATA");
        }
        EXPECT(cli_parse(&usage, cases[i].option ? 4 : 2, argv, &options, &words) == CLI_GO, "%s",
               cases[i].row);
        EXPECT_STR(cases[i].row, str_of(options.common.dir), str_of(cases[i].want));
    }
    (void)unsetenv("FERMATA_DATA");
}

static void test_repeats_are_bounded(void **state)
{
    struct options options = {.quick = false};
    char role[] = "--role", lead[] = "lead", ana[] = "ana";
    char *argv[2 + 2 * (CLI_VALUES_MAX + 1)] = {name, ana};
    int words;

    (void)state;
    for (size_t i = 0; i <= CLI_VALUES_MAX; i++) {
        argv[2 + 2 * i] = role;
        argv[3 + 2 * i] = lead;
    }
    EXPECT(cli_parse(&usage, 2 + 2 * CLI_VALUES_MAX, argv, &options, &words) == CLI_GO, "32 values");
    options = (struct options){.quick = false};
    EXPECT(cli_parse(&usage, 4 + 2 * CLI_VALUES_MAX, argv, &options, &words) == CLI_USAGE, "33 values");
}

/* A command without --data and --json refuses them. */
static void test_common_options_are_opted_into(void **state)
{
    static const struct cli_usage bare = {.line = "bare", .about = "Takes nothing."};
    char json[] = "--json", data[] = "--data=x", help[] = "--help";
    struct cli_common common = {.dir = NULL};
    int words;

    (void)state;
    EXPECT(cli_parse(&bare, 2, (char *[]){name, json, NULL}, &common, &words) == CLI_USAGE, "--json");
    EXPECT(cli_parse(&bare, 2, (char *[]){name, data, NULL}, &common, &words) == CLI_USAGE, "--data");
    EXPECT(cli_parse(&bare, 2, (char *[]){name, help, NULL}, &common, &words) == CLI_OK, "--help");
}

/* Verbs ---------------------------------------------------------------------------------------- */

static char ran[64];

static int run_add(int argc, char **argv)
{
    (void)snprintf(ran, sizeof(ran), "%s %d", argv[0], argc);
    return 7;
}

static void test_verbs(void **state)
{
    static const struct cli_verb verbs[] = {{"add", run_add, "adds"}};
    static const struct {
        const char *row, *verb;
        int code;
    } cases[] = {
        {"a verb", "add", 7},        {"help", "--help", CLI_OK},   {"-h", "-h", CLI_OK},
        {"none", NULL, CLI_USAGE},   {"unknown", "ad", CLI_USAGE}, {"escape", "\033[2J", CLI_USAGE},
        {"empty", "", CLI_USAGE},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char thing[] = "thing", verb[16], rest[] = "rest";
        char *argv[] = {thing, verb, rest, NULL};

        (void)snprintf(verb, sizeof(verb), "%s", cases[i].verb ? cases[i].verb : "");
        ran[0] = '\0';
        int code = cli_run_verb(verbs, COUNT_OF(verbs), cases[i].verb ? 3 : 1, argv);
        EXPECT(code == cases[i].code, "%s: %d", cases[i].row, code);
        EXPECT_STR(cases[i].row, str_of(ran), code == 7 ? S("add 2") : S(""));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_the_environment_names_the_folder),
        cmocka_unit_test(test_repeats_are_bounded),
        cmocka_unit_test(test_common_options_are_opted_into),
        cmocka_unit_test(test_verbs),
    };

    return CHECK_RUN(tests);
}
