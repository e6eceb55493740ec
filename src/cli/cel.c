/* SPDX-License-Identifier: Apache-2.0
 *
 * `fermata cel eval EXPR`: evaluates an expression of the condition language over values from the
 * command line, for trying out conditions before they stand in a policy. Needs no server and no
 * data folder.
 */
#include "cel/cel.h"
#include "base/clock.h"
#include "cli/cli.h"

#include <stdlib.h>

#define EVAL_MEMORY_MAX (64 * MIB)
#define FILE_BYTES_MAX  (16 * MIB) /* of --vars */
#define FACTS_MAX       64
#define PRINTED_MAX     (16 * MIB) /* of one value */

struct options {
    struct cli_common common;
    struct cli_values vars;
    const char *file;
    bool lines, type_only, tree, why;
};

static const struct cli_option options_table[] = {
    {"--var", CLI_REPEAT, offsetof(struct options, vars), "NAME=JSON",
     "a variable, e.g. --var 'args={\"amount\": 74.5}'; may be repeated"},
    {"--vars", CLI_VALUE, offsetof(struct options, file), "FILE",
     "a JSON object whose members are variables; - is stdin"},
    {"--why", CLI_FLAG, offsetof(struct options, why), NULL, "also print the values that decided"},
    {"--type-check", CLI_FLAG, offsetof(struct options, type_only), NULL,
     "do not evaluate: print the type of the result"},
    {"--ast", CLI_FLAG, offsetof(struct options, tree), NULL,
     "do not evaluate: print the tree with its types"},
    {"--lines", CLI_FLAG, offsetof(struct options, lines), NULL,
     "evaluate each line of stdin instead of EXPR; one line of JSON each"},
};

static const struct cli_usage usage = {
    .line = "cel eval EXPR [--var NAME=JSON]... [--vars FILE] [--why] [--json]",
    .about =
        "Evaluates a CEL expression, the language of conditions in a policy, and prints its "
        "value.\n"
        "Variables are what --var and --vars give; `now` is the present time unless it is given.\n"
        "\n"
        "  fermata cel eval 'args.amount > 50 && args.currency == \"USD\"' \\\n"
        "      --var 'args={\"amount\": 74.5, \"currency\": \"USD\"}' --why\n"
        "\n"
        "An expression that begins with - stands behind --: fermata cel eval -- '-7 / 2'.\n"
        "The functions of a policy, mentions() and unsourced(), are not here: they need its\n"
        "lexicons and recipients. `fermata policy test` tries them, with the file's own examples.\n"
        "\n"
        "Numbers of JSON may be compared and calculated with ints and doubles alike. Exit code 1: "
        "the\n"
        "expression is wrong or its evaluation failed; stderr says where.",
    .options = options_table,
    .option_count = COUNT_OF(options_table),
    .common = CLI_TAKES_JSON,
    .words_min = 0,
    .words_max = 1,
};

/* What one run works with. */
struct run {
    const struct options *options;
    struct ctx ctx;        /* variables live in its arena */
    struct arena *scratch; /* of one evaluation */
    struct cel_env *env;
    struct cel_activation *activation;
};

/* Variables ------------------------------------------------------------------------------------ */

struct variable {
    struct str name;
    const struct json *value;
};

struct variables {
    struct variable items[CEL_VARIABLES_MAX];
    size_t count;
};

static enum fm_err add_variable(struct ctx *ctx, struct variables *variables, struct str name,
                                const struct json *value)
{
    if (name.n == 0) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "--var wants NAME=JSON");
    }
    if (variables->count == COUNT_OF(variables->items)) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "at most %zu variables are allowed",
                    COUNT_OF(variables->items));
    }
    variables->items[variables->count++] = (struct variable){name, value};
    return FM_OK;
}

/* The reader's own words: a number that a double cannot hold is JSON, but not taken. */
static enum fm_err fail_value(struct ctx *ctx, struct str name, struct str json)
{
    struct str why = arena_copy(ctx->arena, str_of(ctx->detail));
    bool begins = json.n > 0 && strchr("{[\"-0123456789tfn", json.p[0]);

    if (begins) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "--var %.*s: its value cannot be read: %.*s",
                    STR_ARG(name), STR_ARG(why));
    }
    return fail(ctx, FM_E_INVALID_ARGUMENT,
                "--var %.*s: its value cannot be read: %.*s; a text needs its quotes: "
                "%.*s='\"...\"'",
                STR_ARG(name), STR_ARG(why), STR_ARG(name));
}

static enum fm_err read_option(struct ctx *ctx, struct variables *variables, const char *text)
{
    struct str rest = str_of(text), name = str_split(&rest, '=');
    const struct json *value;

    if (!rest.p) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "--var %s: NAME=JSON is wanted", text);
    }
    if (json_parse(ctx, rest, &JSON_LIMITS_WIRE, &value) != FM_OK) {
        return fail_value(ctx, name, rest);
    }
    return add_variable(ctx, variables, name, value);
}

static void close_file(FILE **file)
{
    if (*file && *file != stdin) {
        (void)fclose(*file);
    }
}

static enum fm_err read_file(struct ctx *ctx, const char *path, struct str *out)
{
    AUTO(buf_done) struct buf buf = BUF_INIT(FILE_BYTES_MAX);
    AUTO(close_file) FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    char chunk[4096];
    size_t n;

    if (!file) {
        return fail(ctx, FM_E_NOT_FOUND, "%s cannot be read", path);
    }
    while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        buf_add(&buf, (struct str){chunk, n});
    }
    if (ferror(file) || !buf_ok(&buf)) {
        return fail(ctx, FM_E_TOO_LARGE, "%s cannot be read, or has more than %zu bytes", path,
                    FILE_BYTES_MAX);
    }
    *out = arena_copy(ctx->arena, buf_str(&buf));
    return out->p ? FM_OK : fail_memory(ctx);
}

static enum fm_err read_members(struct ctx *ctx, struct variables *variables, const char *path)
{
    const struct json *root;
    struct str text;

    TRY(read_file(ctx, path, &text));
    if (json_parse(ctx, text, &JSON_LIMITS_WIRE, &root) != FM_OK) {
        struct str why = arena_copy(ctx->arena, str_of(ctx->detail));
        return fail(ctx, FM_E_INVALID_ARGUMENT, "%s cannot be read: %.*s", path, STR_ARG(why));
    }
    if (root->kind != JSON_OBJECT) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "%s is not a JSON object", path);
    }
    for (uint32_t i = 0; i < root->count; i++) {
        TRY(add_variable(ctx, variables, root->as.members[i].name, &root->as.members[i].value));
    }
    return FM_OK;
}

static enum fm_err declare(struct run *run, const struct variables *variables)
{
    int now = cel_env_add(run->env, S("now"), cel_type(CEL_T_DYN));

    for (size_t i = 0; i < variables->count; i++) {
        if (cel_env_add(run->env, variables->items[i].name, cel_type(CEL_T_DYN)) < 0) {
            return fail_memory(&run->ctx);
        }
    }
    run->activation = cel_activation_new(run->env, run->ctx.arena, NULL);
    if (!run->activation || now < 0) {
        return fail_memory(&run->ctx);
    }
    cel_set(run->activation, now, cel_timestamp_us(clock_now_us()));
    for (size_t i = 0; i < variables->count; i++) {
        cel_set(run->activation, cel_env_find(run->env, variables->items[i].name),
                cel_json(variables->items[i].value));
    }
    return FM_OK;
}

/* What a policy's conditions have besides. */
static const struct cel_reserved of_policies[] = {
    {STR("mentions"),
     STR("mentions() is a function of policies, which needs their lexicons: try it in a policy "
         "file's tests with `fermata policy test FILE`")},
    {STR("unsourced"),
     STR("unsourced() is a function of policies, which needs their recipients: try it in a policy "
         "file's tests with `fermata policy test FILE`")},
    {{0}, {0}},
};

static enum fm_err set_up(struct run *run)
{
    struct variables *variables = arena_zalloc(run->ctx.arena, 1, sizeof(*variables));
    const struct options *options = run->options;

    run->env = cel_env_new();
    if (!variables || !run->env) {
        return fail_memory(&run->ctx);
    }
    cel_env_reserve(run->env, of_policies);
    if (options->file) {
        TRY(read_members(&run->ctx, variables, options->file));
    }
    for (size_t i = 0; i < options->vars.count; i++) {
        TRY(read_option(&run->ctx, variables, options->vars.items[i]));
    }
    return declare(run, variables);
}

/* Printing ------------------------------------------------------------------------------------- */

/* Prints text that may have several lines, safe for a terminal. */
static void print_lines(FILE *to, struct str text)
{
    AUTO(buf_done) struct buf safe = BUF_INIT(4 * PRINTED_MAX);

    while (text.n > 0) {
        cli_escape(&safe, str_split(&text, '\n'));
        buf_add_char(&safe, '\n');
    }
    if (!buf_ok(&safe)) {
        fputs("(too large to be printed)\n", to);
        return;
    }
    fwrite(buf_str(&safe).p, 1, buf_str(&safe).n, to);
}

static void write_facts(struct json_out *out, const struct cel_fact *facts, size_t count)
{
    jo_key(out, "facts");
    jo_array(out);
    for (size_t i = 0; i < count; i++) {
        jo_object(out);
        jo_m_str(out, "text", facts[i].text);
        jo_key(out, "value");
        cel_write_json_value(out, facts[i].value);
        jo_object_end(out);
    }
    jo_array_end(out);
}

static void write_result(struct json_out *out, const struct cel_result *result)
{
    AUTO(buf_done) struct buf text = BUF_INIT(PRINTED_MAX);
    static const char *const kinds[] = {"failed", "too-costly", "out-of-memory"};

    if (result->value.kind == CEL_ERROR) {
        jo_m_str(out, "error", result->message);
        jo_m_str(out, "kind", str_of(kinds[result->error]));
    } else {
        cel_write_text(&text, result->value);
        jo_key(out, "value");
        cel_write_json_value(out, result->value);
        jo_m_str(out, "text", buf_str(&text));
    }
    jo_m_int(out, "cost", (int64_t)result->cost);
}

static void print_json(const struct cel_result *result, const struct cel_fact *facts, size_t count,
                       bool why)
{
    AUTO(buf_done) struct buf line = BUF_INIT(4 * PRINTED_MAX);
    struct json_out out = JSON_OUT(&line);

    jo_object(&out);
    write_result(&out, result);
    if (why) {
        write_facts(&out, facts, count);
    }
    jo_object_end(&out);
    printf("%.*s\n", STR_ARG(buf_str(&line)));
}

static void print_value(struct cel_value value, struct str before)
{
    AUTO(buf_done) struct buf text = BUF_INIT(PRINTED_MAX);

    buf_add(&text, before);
    cel_write_text(&text, value);
    print_lines(stdout, buf_ok(&text) ? buf_str(&text) : S("(too large to be printed)"));
}

static void print_facts(const struct cel_fact *facts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        AUTO(buf_done) struct buf text = BUF_INIT(PRINTED_MAX);
        buf_printf(&text, "  %.*s = ", STR_ARG(facts[i].text));
        print_value(facts[i].value, buf_str(&text));
    }
}

/* Complaints about the expression, each with its line and a caret; as JSON one object. */
static int print_findings(struct run *run, struct str text, const struct cel_findings *findings)
{
    AUTO(buf_done) struct buf out = BUF_INIT(MIB);
    struct json_out json = JSON_OUT(&out);

    if (!run->options->common.json) {
        for (size_t i = 0; i < findings->count; i++) {
            cel_finding_write(&out, text, &findings->items[i]);
        }
        print_lines(stderr, buf_str(&out));
        return CLI_FAILED;
    }
    jo_object(&json);
    jo_key(&json, "findings");
    jo_array(&json);
    for (size_t i = 0; i < findings->count; i++) {
        jo_object(&json);
        jo_m_int(&json, "line", findings->items[i].line);
        jo_m_int(&json, "column", findings->items[i].column);
        jo_m_str(&json, "message", findings->items[i].message);
        jo_m_str(&json, "suggestion", findings->items[i].suggestion);
        jo_object_end(&json);
    }
    jo_array_end(&json);
    jo_object_end(&json);
    printf("%.*s\n", STR_ARG(buf_str(&out)));
    return CLI_FAILED;
}

static void print_error(struct str text, const struct cel_result *result)
{
    AUTO(buf_done) struct buf out = BUF_INIT(MIB);
    const struct cel_error *error = result->value.as.error;
    struct cel_finding finding = {.offset = error->offset, .message = error->message};

    if (str_eq(result->message, error->message)) { /* memory was too short to say where */
        fprintf(stderr, "fermata: %.*s\n", STR_ARG(result->message));
        return;
    }
    cel_finding_place(text, &finding);
    cel_finding_write(&out, text, &finding);
    print_lines(stderr, buf_str(&out));
}

static int print_program(const struct run *run, const struct cel_program *program)
{
    AUTO(buf_done) struct buf out = BUF_INIT(PRINTED_MAX);
    AUTO(buf_done) struct buf line = BUF_INIT(2 * PRINTED_MAX);
    struct json_out json = JSON_OUT(&line);

    if (run->options->tree) {
        cel_program_write(&out, program);
    } else {
        cel_type_write(&out, cel_program_type(program));
        buf_add(&out, run->options->common.json ? S("") : S("\n"));
    }
    if (!run->options->common.json) {
        print_lines(stdout, buf_str(&out));
        return CLI_OK;
    }
    jo_object(&json);
    jo_m_str(&json, run->options->tree ? "ast" : "type", buf_str(&out));
    jo_object_end(&json);
    printf("%.*s\n", STR_ARG(buf_str(&line)));
    return CLI_OK;
}

/* The command ---------------------------------------------------------------------------------- */

static int evaluate(struct run *run, const struct cel_program *program)
{
    struct cel_fact facts[FACTS_MAX];
    struct cel_result result = cel_eval(program, run->activation, run->scratch, 0);
    size_t count = 0;

    if (run->options->why) {
        count = cel_explain(program, run->activation, run->scratch, 0, facts, FACTS_MAX);
    }
    if (run->options->common.json || run->options->lines) {
        print_json(&result, facts, count, run->options->why);
    } else if (result.value.kind == CEL_ERROR) {
        print_error(cel_program_text(program), &result);
        print_facts(facts, count);
    } else {
        print_value(result.value, S(""));
        print_facts(facts, count);
    }
    return result.value.kind == CEL_ERROR ? CLI_FAILED : CLI_OK;
}

static int eval_text(struct run *run, struct str text)
{
    AUTO(cel_program_done) struct cel_program *program = NULL;
    struct cel_findings findings;

    if (cel_compile(&run->ctx, run->env, text, CEL_WANT_ANY, &findings, &program) != FM_OK) {
        return run->ctx.err == FM_E_INVALID_ARGUMENT ? print_findings(run, text, &findings)
                                                     : cli_failed(&run->options->common, &run->ctx);
    }
    if (run->options->type_only || run->options->tree) {
        return print_program(run, program);
    }
    return evaluate(run, program);
}

/* One line of JSON for each line of stdin, whatever it is. */
static int eval_lines(struct run *run)
{
    struct options options = *run->options;
    char *line = NULL;
    size_t room = 0;
    ssize_t n;

    options.common.json = true;
    run->options = &options;
    while ((n = getline(&line, &room, stdin)) >= 0) {
        struct str text = {line, (size_t)n - (n > 0 && line[n - 1] == '\n')};
        arena_reset(run->scratch);
        ctx_init(&run->ctx, run->scratch);
        (void)eval_text(run, text);
    }
    free(line);
    return CLI_OK;
}

static int run_eval(struct run *run, int words, char **argv)
{
    if (set_up(run) != FM_OK) {
        return cli_failed(&run->options->common, &run->ctx);
    }
    return run->options->lines ? eval_lines(run) : eval_text(run, str_of(words ? argv[1] : ""));
}

static int eval_main(int argc, char **argv)
{
    struct options options = {.common = {.json = false}};
    AUTO(arena_done) struct arena *arena = arena_new(EVAL_MEMORY_MAX);
    AUTO(arena_done) struct arena *scratch = arena_new(EVAL_MEMORY_MAX);
    struct run run = {.options = &options, .scratch = scratch};
    int words, code = cli_parse(&usage, argc, argv, &options, &words);

    if (code != CLI_GO) {
        return code;
    }
    if (options.lines ? words != 0 : words != 1) {
        return cli_misused(&usage, options.lines
                                       ? "with --lines, expressions come from stdin"
                                       : "one expression is wanted; quote it for the shell");
    }
    if (!arena || !scratch) {
        fputs("fermata: out of memory\n", stderr);
        return CLI_FAILED;
    }
    ctx_init(&run.ctx, arena);
    code = run_eval(&run, words, argv);
    cel_env_free(run.env);
    return code;
}

int cli_cel(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"eval", eval_main, "evaluate an expression of the condition language"},
    };

    return cli_run_verb(verbs, COUNT_OF(verbs), argc, argv);
}
