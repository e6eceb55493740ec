/* SPDX-License-Identifier: Apache-2.0
 *
 * `fermata schema check SCHEMA [VALUE]`: whether a JSON Schema would be taken in a policy, and whether a
 * value matches it. Needs no server and no data folder, and never changes anything.
 */
#include <errno.h>

#include "cli/cli.h"
#include "json/json_schema.h"

#define SCHEMA_MEMORY_MAX (32 * MIB) /* both trees, at the limits of the wire, and the errors */

struct schema_options {
    struct cli_common common; /* first: cli_parse finds it there */
    bool lenient;
};

static void file_done(FILE **file)
{
    if (*file) {
        fclose(*file);
    }
}

static enum fm_err read_file(struct ctx *ctx, const char *path, const struct json **out)
{
    AUTO(file_done) FILE *file = fopen(path, "rbe");
    AUTO(buf_done) struct buf bytes = BUF_INIT(JSON_LIMITS_WIRE.bytes + 32 * KIB);
    char chunk[16 * KIB];
    struct str text;
    size_t n;

    if (!file) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "%s: %s", path, strerror(errno));
    }
    while (bytes.n <= JSON_LIMITS_WIRE.bytes && (n = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        buf_add(&bytes, (struct str){chunk, n});
    }
    if (ferror(file)) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "%s: %s", path, strerror(errno));
    }
    text = arena_copy(ctx->arena, buf_str(&bytes)); /* the tree borrows from it */
    if (!text.p) {
        return fail_memory(ctx);
    }
    if (json_parse(ctx, text, &JSON_LIMITS_WIRE, out) != FM_OK) {
        struct str why = arena_copy(ctx->arena, str_of(ctx->detail));
        return fail(ctx, ctx->err, "%s: %.*s", path, STR_ARG(why));
    }
    return FM_OK;
}

static void write_errors(struct json_out *out, const struct json_schema_error *errors, size_t count)
{
    jo_key(out, "errors");
    jo_array(out);
    for (size_t i = 0; i < count; i++) {
        jo_object(out);
        jo_m_str(out, "pointer", errors[i].pointer);
        jo_m_str(out, "keyword", str_of(errors[i].keyword));
        jo_m_str(out, "schema_pointer", errors[i].schema_pointer);
        jo_m_str(out, "message", errors[i].message);
        jo_object_end(out);
    }
    jo_array_end(out);
}

/* Prints what was found; `what` is "schema" or "value". */
static int report(struct ctx *ctx, const struct cli_common *common, const char *what,
                  const struct json_schema_error *errors, size_t count)
{
    AUTO(buf_done) struct buf text = BUF_INIT(4 * MIB);
    struct json_out out = JSON_OUT(&text);

    if (common->json) {
        jo_object(&out);
        jo_m_bool(&out, "valid", count == 0);
        jo_m_str(&out, "checked", str_of(what));
        write_errors(&out, errors, count);
        jo_object_end(&out);
        printf("%.*s\n", STR_ARG(buf_str(&text)));
        return count ? CLI_FAILED : CLI_OK;
    }
    for (size_t i = 0; i < count; i++) {
        struct str pointer = errors[i].pointer.n ? errors[i].pointer : S("(all)");
        printf("%s %.*s: %.*s\n", what, STR_ARG(cli_safe(ctx, pointer)),
               STR_ARG(cli_safe(ctx, errors[i].message)));
    }
    if (count == 0) {
        printf("the %s\n", strcmp(what, "value") == 0 ? "value matches" : "schema is good");
    }
    return count ? CLI_FAILED : CLI_OK;
}

static int report_refused(struct ctx *ctx, const struct cli_common *common)
{
    struct json_schema_error error = {.keyword = ""};

    if (ctx->error_count == 0) {
        return cli_failed(common, ctx);
    }
    error.pointer = error.schema_pointer = ctx->errors[0].pointer;
    error.message = ctx->errors[0].message;
    return report(ctx, common, "schema", &error, 1);
}

static int check(struct ctx *ctx, const struct schema_options *options, const char *schema_path,
                 const char *value_path)
{
    struct json_schema_options how = {.strict = !options->lenient, .assert_formats = true};
    struct json_schema_error errors[JSON_SCHEMA_ERRORS_MAX];
    const struct json *source, *value = NULL;
    struct json_schema *schema;
    enum fm_err err = FM_OK;
    size_t count = 0;

    if (read_file(ctx, schema_path, &source) != FM_OK ||
        (value_path && read_file(ctx, value_path, &value) != FM_OK)) {
        return cli_failed(&options->common, ctx);
    }
    if (json_schema_new(ctx, source, &how, &schema) != FM_OK) {
        return report_refused(ctx, &options->common);
    }
    if (value) {
        err = json_schema_check(ctx, schema, value, errors, &count);
    }
    json_schema_free(schema);
    if (err != FM_OK && count == 0) {
        return cli_failed(&options->common, ctx);
    }
    return report(ctx, &options->common, value ? "value" : "schema", errors, count);
}

static int run_check(int argc, char **argv)
{
    static const struct cli_option rows[] = {
        {"--lenient", CLI_FLAG, offsetof(struct schema_options, lenient), NULL,
         "let keywords and formats pass that nothing here checks"},
    };
    static const struct cli_usage usage = {
        .line = "schema check SCHEMA [VALUE] [--lenient] [--json]",
        .about =
            "Reads a JSON Schema (draft 2020-12, a file of JSON) as a policy would take it, and,\n"
            "where a second file is named, checks the value in it: arguments, for example. Each\n"
            "error is a line with the pointer and a sentence, the most useful first. Formats are\n"
            "checked, nothing is fetched. Exit code 1: the schema is refused, or the value does\n"
            "not match.",
        .options = rows,
        .option_count = COUNT_OF(rows),
        .common = CLI_TAKES_JSON,
        .words_min = 1,
        .words_max = 2,
    };
    struct schema_options options = {.lenient = false};
    struct arena *arena;
    struct ctx ctx;
    int words, code = cli_parse(&usage, argc, argv, &options, &words);

    if (code != CLI_GO) {
        return code;
    }
    arena = arena_new(SCHEMA_MEMORY_MAX);
    if (!arena) {
        fputs("fermata: out of memory\n", stderr);
        return CLI_FAILED;
    }
    ctx_init(&ctx, arena);
    code = check(&ctx, &options, argv[1], words > 1 ? argv[2] : NULL);
    arena_free(arena);
    return code;
}

int cli_schema(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"check", run_check, "check a JSON Schema, and a value against it"},
    };

    return cli_run_verb(verbs, COUNT_OF(verbs), argc, argv);
}
