/* SPDX-License-Identifier: Apache-2.0
 *
 * CEL against the official tests of google/cel-spec (as JSON rows; `cel/README.md` of the test data says
 * from where) and the parser's and checker's tests of cel-go. What needs messages of protocol buffers is
 * skipped and counted; everything else must be as the row says.
 */
#include "cel_rows.h"

#define SUITES_MAX 64

struct suite {
    char name[40];
    int passed, failed, protobuf;
};

struct tally {
    struct suite suites[SUITES_MAX];
    size_t count;
    int told_early; /* evaluation errors that the compilation reports already */
};

static struct suite *suite_of(struct tally *tally, struct str name)
{
    for (size_t i = 0; i < tally->count; i++) {
        if (str_eq(str_of(tally->suites[i].name), name)) {
            return &tally->suites[i];
        }
    }
    assert_true(tally->count < SUITES_MAX);
    (void)snprintf(tally->suites[tally->count].name, sizeof(tally->suites[0].name), "%.*s",
                   STR_ARG(name));
    return &tally->suites[tally->count++];
}

static int rows_setup(void **state)
{
    struct rows *rows = calloc(1, sizeof(*rows));

    assert_non_null(rows);
    rows->arena = arena_new(16 * MIB);
    ctx_init(&rows->ctx, rows->arena);
    *state = rows;
    return rows->arena ? 0 : -1;
}

static int rows_teardown(void **state)
{
    struct rows *rows = *state;

    arena_free(rows->arena);
    free(rows);
    return 0;
}

static void rows_begin(struct rows *rows)
{
    arena_reset(rows->arena);
    ctx_clear(&rows->ctx);
    rows->env = cel_env_new();
    assert_non_null(rows->env);
}

/* Suites that are about messages, enums and wrappers alone; some of their rows are not marked so. */
static const char *const protobuf_suites[] = {"proto2",  "proto2_ext", "proto3",
                                              "dynamic", "enums",      "wrappers"};

static bool needs_protobuf(const json_t *row)
{
    struct str suite = row_member(row, "suite");

    for (size_t i = 0; i < COUNT_OF(protobuf_suites); i++) {
        if (str_eq(suite, str_of(protobuf_suites[i]))) {
            return true;
        }
    }
    return row_is(row, "needs_protobuf");
}

static bool complain(const json_t *row, const char *what, struct cel_value got)
{
    AUTO(buf_done) struct buf buf = BUF_INIT(4 * KIB);
    char *want = json_dumps(json_object_get(row, "expect"), JSON_COMPACT);

    cel_write_text(&buf, got);
    printf("%s: %s: %s -> %.*s, want %s\n", json_string_value(json_object_get(row, "id")),
           json_string_value(json_object_get(row, "expr")), what, STR_ARG(buf_str(&buf)),
           want ? want : "true");
    free(want);
    return false;
}

static bool same_type(struct rows *rows, const json_t *row, const struct cel_program *program,
                      const json_t *deduced)
{
    AUTO(buf_done) struct buf got = BUF_INIT(4 * KIB);
    AUTO(buf_done) struct buf want = BUF_INIT(4 * KIB);

    cel_type_write(&got, cel_program_type(program));
    cel_type_write(&want, row_type(rows, deduced));
    if (str_eq(buf_str(&got), buf_str(&want))) {
        return true;
    }
    printf("type %.*s, want %.*s: ", STR_ARG(buf_str(&got)), STR_ARG(buf_str(&want)));
    return complain(row, "its type", cel_null());
}

static bool run_program(struct rows *rows, const json_t *row, const struct cel_program *program)
{
    json_t *expect = json_object_get(row, "expect");
    json_t *typed = json_object_get(expect, "typedResult");
    json_t *want = json_object_get(typed ? typed : expect, typed ? "result" : "value");
    struct cel_result result;

    if (typed && !same_type(rows, row, program, json_object_get(typed, "deducedType"))) {
        return false;
    }
    if (row_is(row, "checkOnly")) {
        return true;
    }
    result = cel_eval(program, row_bind(rows, row), rows->arena, 0);
    if (json_object_get(expect, "evalError")) {
        return result.value.kind == CEL_ERROR || complain(row, "no error", result.value);
    }
    if (!want) {
        return (result.value.kind == CEL_BOOL && result.value.as.yes) ||
               complain(row, "not true", result.value);
    }
    return row_same(rows, want, result.value) || complain(row, "another value", result.value);
}

static bool run_row(struct rows *rows, const json_t *row, struct tally *tally)
{
    AUTO(cel_program_done) struct cel_program *program = NULL;
    struct cel_findings findings;
    bool unchecked = row_is(row, "disableCheck");

    assert_true(cel_env_set_container(rows->env, row_member(row, "container")));
    cel_env_set_check(rows->env, !unchecked);
    row_declare(rows, row);
    (void)row_bind(rows, row);
    if (cel_compile(&rows->ctx, rows->env, row_member(row, "expr"), CEL_WANT_ANY, &findings,
                    &program) == FM_OK) {
        return run_program(rows, row, program);
    }
    if (!unchecked && json_object_get(json_object_get(row, "expect"), "evalError")) {
        tally->told_early++;
        return true;
    }
    return complain(row, rows->ctx.detail, cel_null());
}

static void print_tally(const struct tally *tally)
{
    struct suite all = {.passed = 0};

    printf("%-20s %6s %6s %9s\n", "official tests", "passed", "failed", "protobuf");
    for (size_t i = 0; i < tally->count; i++) {
        const struct suite *suite = &tally->suites[i];
        printf("%-20s %6d %6d %9d\n", suite->name, suite->passed, suite->failed, suite->protobuf);
        all.passed += suite->passed;
        all.failed += suite->failed;
        all.protobuf += suite->protobuf;
    }
    printf("%-20s %6d %6d %9d (skipped: they need messages, enums or wrappers of protobuf)\n",
           "all", all.passed, all.failed, all.protobuf);
    printf("%d of the evaluation errors are told when the expression is compiled\n",
           tally->told_early);
}

static void test_official(void **state)
{
    struct rows *rows = *state;
    struct tally tally = {.count = 0};
    int failed = 0, passed = 0;
    struct data data;
    struct str line;

    DATA_OPEN(&data, "cel/conformance.jsonl.gz");
    for (line = data_line(&data); line.p; line = data_line(&data)) {
        json_t *row = row_read(line);
        struct suite *suite;
        bool good;
        assert_non_null(row);
        suite = suite_of(&tally, row_member(row, "suite"));
        rows_begin(rows);
        if (needs_protobuf(row)) {
            suite->protobuf++;
        } else {
            good = run_row(rows, row, &tally);
            suite->passed += good;
            suite->failed += !good;
            passed += good;
            failed += !good;
        }
        cel_env_free(rows->env);
        json_decref(row);
    }
    data_close(&data);
    print_tally(&tally);
    EXPECT(failed == 0, "%d rows", failed);
    EXPECT(passed == 1650, "%d rows", passed);
}

/* The tests of cel-go ---------------------------------------------------------------------------- */

/* Why cel-go refuses what we accept, as its message has it. */
static const char *const accepted_here[] = {
    "unsupported syntax",       /* optional values and backticks are switched off there */
    "recursion limit exceeded", /* our limits are wider */
    "max recursion depth",
    "overwrites accumulator variable",              /* our loops have no such variable */
    "mismatched input 'true' expecting IDENTIFIER", /* x.true names a member */
};

static bool is_accepted_here(struct str error)
{
    for (size_t i = 0; i < COUNT_OF(accepted_here); i++) {
        if (error.p && strstr(error.p, accepted_here[i])) {
            return true;
        }
    }
    return false;
}

static bool has_text(struct str text, const char *part)
{
    return text.p && strstr(text.p, part) != NULL;
}

/* Messages, and macros whose variables are no names: cel-go's parser ran without those macros. */
static bool is_refused_here(const struct ctx *ctx)
{
    return strstr(ctx->detail, "messages of protocol buffers") ||
           strstr(ctx->detail, "a variable's name is wanted") ||
           strstr(ctx->detail, "both variables have the same name") ||
           strstr(ctx->detail, "literal int is wanted") ||
           strstr(ctx->detail, "wants a list first");
}

struct parsed {
    int same, here, there; /* as in cel-go; accepted here alone; refused here alone */
    int truths, others;
};

static void parse_row(struct rows *rows, const json_t *row, struct parsed *parsed)
{
    AUTO(cel_program_done) struct cel_program *program = NULL;
    struct str expr = row_member(row, "expr"), error = row_member(row, "error");
    bool parses = row_member(row, "ast").p != NULL;
    struct cel_result result;

    cel_env_set_check(rows->env, false);
    if (cel_compile(&rows->ctx, rows->env, expr, CEL_WANT_ANY, NULL, &program) != FM_OK) {
        EXPECT(!parses || is_refused_here(&rows->ctx), "%.*s: %s", STR_ARG(expr), rows->ctx.detail);
        parsed->same += !parses;
        parsed->there += parses;
        return;
    }
    EXPECT(parses || is_accepted_here(error), "%.*s was accepted; cel-go: %.*s", STR_ARG(expr),
           STR_ARG(error));
    parsed->same += parses;
    parsed->here += !parses;
    result = cel_eval(program, row_bind(rows, row), rows->arena, 0);
    parsed->truths += result.value.kind == CEL_BOOL && result.value.as.yes;
    parsed->others += result.value.kind != CEL_ERROR && !(result.value.kind == CEL_BOOL);
}

static struct parsed parse_rows(struct rows *rows, struct data *data)
{
    struct parsed parsed = {.same = 0};
    struct str line;

    for (line = data_line(data); line.p; line = data_line(data)) {
        json_t *row = row_read(line);
        assert_non_null(row);
        rows_begin(rows);
        parse_row(rows, row, &parsed);
        cel_env_free(rows->env);
        json_decref(row);
    }
    data_close(data);
    return parsed;
}

static void test_parser(void **state)
{
    struct parsed parsed;
    struct data data;

    DATA_OPEN(&data, "cel/parsing.jsonl.gz");
    parsed = parse_rows(*state, &data);
    printf("cel-go's parser tests: %d as there, %d accepted here alone, %d refused here alone\n",
           parsed.same, parsed.here, parsed.there);
    EXPECT(parsed.same + parsed.here + parsed.there == 194, "%d rows", parsed.same);
}

/* These evaluate to true there, as far as they need no variables. */
static void test_comprehensions(void **state)
{
    struct parsed parsed;
    struct data data;

    DATA_OPEN(&data, "cel/comprehension.jsonl.gz");
    parsed = parse_rows(*state, &data);
    printf("cel-go's comprehensions: %d as there, %d accepted here alone, %d refused here alone; "
           "%d true, %d of other values\n",
           parsed.same, parsed.here, parsed.there, parsed.truths, parsed.others);
    EXPECT(parsed.same + parsed.here + parsed.there == 92, "%d rows", parsed.same);
    EXPECT(parsed.truths == 49, "%d are true", parsed.truths);
}

/* Variables and functions that cel-go's tests of the checker have beside those of a row. */
static void declare_checker(struct rows *rows)
{
    static const struct {
        struct str name;
        enum cel_type_kind kind;
    } names[] = {{STR("is"), CEL_T_STRING}, {STR("ii"), CEL_T_INT},    {STR("iu"), CEL_T_UINT},
                 {STR("iz"), CEL_T_BOOL},   {STR("id"), CEL_T_DOUBLE}, {STR("ix"), CEL_T_NULL},
                 {STR("ib"), CEL_T_BYTES}};
    struct cel_function functions[] = {
        {.name = STR("fg_s"), .result = cel_type(CEL_T_STRING), .call = row_never},
        {.name = STR("fi_s_s"),
         .receiver = true,
         .args = {cel_type(CEL_T_STRING)},
         .result = cel_type(CEL_T_STRING),
         .call = row_never},
    };

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        EXPECT(cel_env_add(rows->env, names[i].name, cel_type(names[i].kind)) >= 0, "a variable");
    }
    for (size_t i = 0; i < COUNT_OF(functions); i++) {
        EXPECT(cel_env_add_function(rows->env, &functions[i]), "a function");
    }
}

/* Rows about messages; functions that replace standard ones; optional syntax, which is off there. */
static bool is_elsewhere(struct str line)
{
    static const char *const parts[] = {"messageType",        "TestAllTypes", "wrapper",
                                        "unsupported syntax", "base64",       "Msg{}",
                                        "typeParam",          "well_known"};

    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        if (has_text(line, parts[i])) {
            return true;
        }
    }
    return false;
}

/* Where our check is wider than cel-go's, with the reason. */
static const struct {
    const char *part, *reason;
} wider[] = {
    {"1.0 && 1u", "numbers of different kinds have an order, as the specification says"},
    {"[].map(x, [].map(y", "an item of an empty list may be anything"},
    {"{}.map(c,c,c)", "a key of an empty map may be anything"},
};

static bool is_wider(struct str expr)
{
    for (size_t i = 0; i < COUNT_OF(wider); i++) {
        if (has_text(expr, wider[i].part)) {
            return true;
        }
    }
    return false;
}

static void check_row(struct rows *rows, const json_t *row, int counts[3])
{
    AUTO(cel_program_done) struct cel_program *program = NULL;
    AUTO(buf_done) struct buf got = BUF_INIT(4 * KIB);
    struct str expr = row_member(row, "expr"), type = row_member(row, "type");

    declare_checker(rows);
    row_declare(rows, row);
    if (is_wider(expr)) {
        counts[1]++;
        return;
    }
    counts[0]++;
    if (cel_compile(&rows->ctx, rows->env, expr, CEL_WANT_ANY, NULL, &program) != FM_OK) {
        EXPECT(!type.p, "%.*s: %s", STR_ARG(expr), rows->ctx.detail);
        return;
    }
    EXPECT(type.p, "%.*s was accepted", STR_ARG(expr));
    cel_type_write(&got, cel_program_type(program));
    EXPECT(str_eq(buf_str(&got), str_eq(type, S("null")) ? S("null_type") : type),
           "%.*s: %.*s, want %.*s", STR_ARG(expr), STR_ARG(buf_str(&got)), STR_ARG(type));
}

static void test_checker(void **state)
{
    struct rows *rows = *state;
    int counts[3] = {0, 0, 0};
    struct data data;
    struct str line;

    DATA_OPEN(&data, "cel/checking.jsonl.gz");
    for (line = data_line(&data); line.p; line = data_line(&data)) {
        json_t *row = is_elsewhere(line) ? NULL : row_read(line);
        counts[2] += !row;
        if (row) {
            rows_begin(rows);
            check_row(rows, row, counts);
            cel_env_free(rows->env);
            json_decref(row);
        }
    }
    data_close(&data);
    printf("cel-go's checker tests: %d as there, %d wider here, %d skipped (messages, type "
           "parameters of "
           "variables, functions that replace standard ones)\n",
           counts[0], counts[1], counts[2]);
    for (size_t i = 0; i < COUNT_OF(wider); i++) {
        printf("  wider: %s: %s\n", wider[i].part, wider[i].reason);
    }
    EXPECT(counts[0] >= 60, "%d rows", counts[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_official, rows_setup, rows_teardown),
        cmocka_unit_test_setup_teardown(test_parser, rows_setup, rows_teardown),
        cmocka_unit_test_setup_teardown(test_checker, rows_setup, rows_teardown),
        cmocka_unit_test_setup_teardown(test_comprehensions, rows_setup, rows_teardown),
    };

    return CHECK_RUN(tests);
}
