/* SPDX-License-Identifier: Apache-2.0
 *
 * Options by table: what a row says is what is parsed and what --help prints. What is not in the table
 * is refused, never guessed.
 */
#include "cli/cli.h"

#include "base/panic.h"

#include <stdarg.h>
#include <stdlib.h>

#define DEFAULT_DIR "./fermata-data"
#define COMPLAINT_MAX (4 * KIB)

static const struct common_option {
    unsigned taken_by; /* a CLI_TAKES_ bit; 0: by all */
    struct cli_option option;
} common_options[] = {
    {CLI_TAKES_DATA,
     {"--data", CLI_VALUE, offsetof(struct cli_common, dir), "DIR",
      "the data folder (default: FERMATA_DATA, else " DEFAULT_DIR ")"}},
    {CLI_TAKES_JSON,
     {"--json", CLI_FLAG, offsetof(struct cli_common, json), NULL, "answer in JSON, for programs"}},
    {0, {"--help", CLI_FLAG, offsetof(struct cli_common, help), NULL, "print this text"}},
};

static bool takes(const struct cli_usage *usage, const struct common_option *row)
{
    return row->taken_by == 0 || (usage->common & row->taken_by) != 0;
}

/* Complaints and help -------------------------------------------------------------------------- */

/* "user add" of "user add NAME --role ROLE": the words before the first that is not in lower case. */
static struct str command_of(const char *line)
{
    size_t n = 0;

    for (size_t at = 0; line[at] >= 'a' && line[at] <= 'z';) {
        at += strcspn(line + at, " ");
        n = at;
        at += strspn(line + at, " ");
    }
    return (struct str){line, n};
}

static void print_escaped(FILE *to, const char *text)
{
    AUTO(buf_done) struct buf safe = BUF_INIT(16 * COMPLAINT_MAX); /* a byte becomes 4 to 10 */

    cli_escape(&safe, str_of(text));
    (void)fwrite(buf_str(&safe).p, 1, buf_str(&safe).n, to);
}

int cli_misused(const struct cli_usage *usage, const char *format, ...)
{
    char complaint[COMPLAINT_MAX];
    struct str command = command_of(usage->line);
    va_list args;

    va_start(args, format);
    (void)vsnprintf(complaint, sizeof(complaint), format, args);
    va_end(args);
    fputs("fermata: ", stderr);
    print_escaped(stderr, complaint);
    fprintf(stderr, "\nusage: fermata %s\n`fermata %.*s --help` says more.\n", usage->line,
            STR_ARG(command));
    return CLI_USAGE;
}

static void print_option(const struct cli_option *option)
{
    char left[64];

    (void)snprintf(left, sizeof(left), "%s%s%s", option->name, option->value ? " " : "",
                   option->value ? option->value : "");
    if (strlen(left) > 20) {
        printf("  %s\n", left);
        left[0] = '\0';
    }
    printf("  %-20s %s\n", left, option->help);
}

static void print_help(const struct cli_usage *usage)
{
    printf("usage: fermata %s\n\n%s\n\nOptions:\n", usage->line, usage->about);
    for (size_t i = 0; i < usage->option_count; i++) {
        print_option(&usage->options[i]);
    }
    for (size_t i = 0; i < COUNT_OF(common_options); i++) {
        if (takes(usage, &common_options[i])) {
            print_option(&common_options[i].option);
        }
    }
}

/* Parsing -------------------------------------------------------------------------------------- */

/* The row of that name, or NULL. */
static const struct cli_option *find_option(const struct cli_usage *usage, struct str name)
{
    for (size_t i = 0; i < usage->option_count; i++) {
        if (str_eq(name, str_of(usage->options[i].name))) {
            return &usage->options[i];
        }
    }
    for (size_t i = 0; i < COUNT_OF(common_options); i++) {
        if (takes(usage, &common_options[i]) && str_eq(name, str_of(common_options[i].option.name))) {
            return &common_options[i].option;
        }
    }
    return NULL;
}

/* Puts a value where the row says. CLI_GO, or what the complaint gave. */
static int store_value(const struct cli_usage *usage, const struct cli_option *option,
                       const char *value, void *options)
{
    void *member = (char *)options + option->offset;
    const char **text = member;
    struct cli_values *values = member;

    if (option->kind == CLI_VALUE) {
        if (*text) {
            return cli_misused(usage, "%s is given twice", option->name);
        }
        *text = value;
        return CLI_GO;
    }
    if (values->count == CLI_VALUES_MAX) {
        return cli_misused(usage, "%s is given more than %d times", option->name, CLI_VALUES_MAX);
    }
    values->items[values->count++] = value;
    return CLI_GO;
}

/* One option at argv[*at], with its value in the same or the next word; moves `*at` to its last word. */
static int parse_option(const struct cli_usage *usage, int argc, char **argv, int *at, void *options)
{
    struct str rest = str_of(argv[*at]);
    struct str name = str_split(&rest, '=');
    const struct cli_option *option = find_option(usage, name);
    const char *value = rest.p; /* argv is NUL-ended, and so is its rest */

    if (!option && usage->words_max > 0 && name.p[1] != '-') {
        return cli_misused(usage,
                           "there is no option %.*s; what begins with - and is no option stands "
                           "behind --",
                           STR_ARG(name));
    }
    if (!option) {
        return cli_misused(usage, "there is no option %.*s", STR_ARG(name));
    }
    if (option->kind == CLI_FLAG) {
        if (value) {
            return cli_misused(usage, "%s takes no value", option->name);
        }
        *(bool *)((char *)options + option->offset) = true;
        return CLI_GO;
    }
    if (!value) {
        if (*at + 1 >= argc || str_starts(str_of(argv[*at + 1]), S("--"))) {
            return cli_misused(usage, "%s wants a value: %s %s", option->name, option->name,
                               option->value);
        }
        value = argv[++*at];
    }
    return value[0] ? store_value(usage, option, value, options)
                    : cli_misused(usage, "%s is empty", option->name);
}

/* Reads all words. CLI_GO, or what a complaint gave. */
static int parse_all(const struct cli_usage *usage, int argc, char **argv, void *options, int *words)
{
    bool ended = false;

    *words = 0;
    for (int at = 1; at < argc; at++) {
        struct str word = str_of(argv[at]);
        if (ended || word.n < 2 || word.p[0] != '-') {
            argv[++*words] = argv[at]; /* never past `at` */
        } else if (str_eq(word, S("--"))) {
            ended = true;
        } else if (str_eq(word, S("-h"))) {
            ((struct cli_common *)options)->help = true;
        } else {
            int code = parse_option(usage, argc, argv, &at, options);
            if (code != CLI_GO) {
                return code;
            }
        }
    }
    return CLI_GO;
}

static void find_dir(struct cli_common *common)
{
    const char *dir = getenv("FERMATA_DATA");

    if (!common->dir && dir && dir[0]) {
        common->dir = dir;
    }
    common->dir_by_default = !common->dir;
    common->dir = common->dir ? common->dir : DEFAULT_DIR;
}

int cli_parse(const struct cli_usage *usage, int argc, char **argv, void *options, int *words)
{
    struct cli_common *common = options;
    int code = parse_all(usage, argc, argv, options, words);

    if (common->help) { /* also beside a mistake: it is what helps */
        print_help(usage);
        return CLI_OK;
    }
    if (code != CLI_GO) {
        return code;
    }
    if (*words < usage->words_min) {
        return cli_misused(usage, "something is missing");
    }
    if (*words > usage->words_max) {
        return cli_misused(usage, "%s is one word too many", argv[1 + usage->words_max]);
    }
    find_dir(common);
    return CLI_GO;
}

/* Verbs ---------------------------------------------------------------------------------------- */

static void print_verbs(FILE *to, const struct cli_verb *verbs, size_t count, const char *command)
{
    fprintf(to, "usage: fermata %s VERB ...\n\n", command);
    for (size_t i = 0; i < count; i++) {
        fprintf(to, "  %-10s %s\n", verbs[i].name, verbs[i].help);
    }
    fprintf(to, "\n`fermata %s VERB --help` says more.\n", command);
}

int cli_run_verb(const struct cli_verb *verbs, size_t count, int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, verbs[i].name) == 0) {
            return verbs[i].run(argc - 1, argv + 1);
        }
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_verbs(stdout, verbs, count, argv[0]);
        return CLI_OK;
    }
    if (name[0]) {
        fprintf(stderr, "fermata: %s has no verb ", argv[0]);
        print_escaped(stderr, name);
        fputs("\n", stderr);
    }
    print_verbs(stderr, verbs, count, argv[0]);
    return CLI_USAGE;
}
