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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_official, rows_setup, rows_teardown),
    };

    return CHECK_RUN(tests);
}
