/* SPDX-License-Identifier: Apache-2.0
 *
 * `fermata policy test FILE`: runs the examples that a policy gives of itself, and shows each
 * with what was found. Needs no server and no data folder, and never changes anything.
 */
#include "cli/cli.h"
#include "crypto/crypto.h"
#include "policy/policy.h"

#define TEST_MEMORY_MAX (256 * MIB) /* the outcomes of POLICY_TESTS_MAX tests */
#define TEST_COLUMNS    4

struct tests {
    const struct policy *policy;
    struct policy_outcome *outcomes; /* one for each test */
    size_t failed;
};

static enum fm_err run_all(struct ctx *ctx, struct tests *tests)
{
    const struct policy *policy = tests->policy;

    tests->outcomes = arena_zalloc(ctx->arena, policy->test_count + 1, sizeof(*tests->outcomes));
    if (!tests->outcomes) {
        return fail_memory(ctx);
    }
    for (size_t i = 0; i < policy->test_count; i++) {
        TRY(policy_test_run(ctx, policy, &policy->tests[i], &tests->outcomes[i]));
        tests->failed += !tests->outcomes[i].passed;
    }
    return FM_OK;
}

/* For people ----------------------------------------------------------------------------------- */

/* "money-out review, catalogue earn": the reasons in short. */
static struct str found(struct ctx *ctx, struct str reasons)
{
    AUTO(buf_done) struct buf out = BUF_INIT(64 * KIB);
    const struct json *list;

    if (json_parse(ctx, reasons, &JSON_LIMITS_WIRE, &list) != FM_OK) {
        return S("?");
    }
    for (uint32_t i = 0; i < list->count; i++) {
        const struct json *reason = &list->as.items[i];
        struct str rule = json_text(json_get(reason, S("rule")));
        struct str name = rule.p ? rule : json_text(json_get(reason, S("source")));
        struct str verdict = json_text(json_get(reason, S("verdict")));
        buf_printf(&out, "%s%.*s %.*s", i ? ", " : "", STR_ARG(name), STR_ARG(verdict));
    }
    return arena_copy(ctx->arena, buf_str(&out));
}

static void print_people(struct ctx *ctx, const char *file, const struct tests *tests)
{
    size_t count = tests->policy->test_count;
    struct str *cells = arena_zalloc(ctx->arena, (count + 1) * TEST_COLUMNS, sizeof(*cells));
    struct str *cell = cells;

    if (!cells) {
        return;
    }
    *cell++ = S(""), *cell++ = S("TEST"), *cell++ = S("VERDICT"), *cell++ = S("WHY");
    for (size_t i = 0; i < count; i++) {
        const struct policy_outcome *outcome = &tests->outcomes[i];
        *cell++ = outcome->passed ? S("pass") : S("FAIL");
        *cell++ = cli_safe(ctx, tests->policy->tests[i].name);
        *cell++ = str_of(verdict_name(outcome->verdict));
        *cell++ = cli_safe(ctx, outcome->passed ? found(ctx, outcome->reasons) : outcome->why);
    }
    if (count) {
        cli_print_table(ctx, cells, count + 1, TEST_COLUMNS);
    }
    for (size_t i = 0; i < count; i++) {
        if (!tests->outcomes[i].passed) {
            struct policy_place at = tests->policy->tests[i].at;
            struct str name = cli_safe(ctx, policy_file_of(at, str_of(file)));
            printf("%.*s:%u:%u: the test fails\n", STR_ARG(name), at.line, at.column);
        }
    }
    printf("%zu passed, %zu failed\n", count - tests->failed, tests->failed);
}

/* For machines --------------------------------------------------------------------------------- */

static void write_test(struct json_out *out, const struct policy_test *test,
                       const struct policy_outcome *outcome)
{
    jo_object(out);
    jo_m_str(out, "name", test->name);
    if (test->at.file.p) {
        jo_m_str(out, "file", test->at.file);
    }
    jo_m_int(out, "line", test->at.line);
    jo_m_int(out, "column", test->at.column);
    jo_m_bool(out, "passed", outcome->passed);
    jo_m_str(out, "why", outcome->passed ? STR_NONE : outcome->why);
    jo_m_str(out, "verdict", str_of(verdict_name(outcome->verdict)));
    jo_m_raw(out, "reasons", outcome->reasons);
    jo_object_end(out);
}

static void print_json(struct ctx *ctx, const char *file, const struct tests *tests)
{
    AUTO(buf_done) struct buf text = BUF_INIT(TEST_MEMORY_MAX);
    struct json_out out = JSON_OUT(&text);

    jo_object(&out);
    jo_m_str(&out, "file", cli_safe(ctx, str_of(file)));
    jo_m_int(&out, "passed", (int64_t)(tests->policy->test_count - tests->failed));
    jo_m_int(&out, "failed", (int64_t)tests->failed);
    jo_key(&out, "tests");
    jo_array(&out);
    for (size_t i = 0; i < tests->policy->test_count; i++) {
        write_test(&out, &tests->policy->tests[i], &tests->outcomes[i]);
    }
    jo_array_end(&out);
    jo_object_end(&out);
    printf("%.*s\n", STR_ARG(buf_str(&text)));
}

/* The command ---------------------------------------------------------------------------------- */

static void drop_policy(const struct policy **policy)
{
    policy_drop(*policy);
}

static int test_file(struct ctx *ctx, const struct cli_common *common, const char *file)
{
    struct policy_finding findings[POLICY_FINDINGS_MAX];
    AUTO(drop_policy) const struct policy *policy = NULL;
    struct tests tests = {0};
    size_t count;

    if (policy_load_untested(ctx, file, findings, &count, &policy) != FM_OK) {
        return cli_failed(common, ctx);
    }
    tests.policy = policy;
    if (run_all(ctx, &tests) != FM_OK) {
        return cli_failed(common, ctx);
    }
    if (common->json) {
        print_json(ctx, file, &tests);
    } else {
        print_people(ctx, file, &tests);
    }
    return tests.failed ? CLI_FAILED : CLI_OK;
}

int cli_policy_test(int argc, char **argv)
{
    static const struct cli_usage usage = {
        .line = "policy test FILE [--json]",
        .about =
            "Runs the examples under `tests` in a policy file and prints what becomes of each, "
            "with\n"
            "the reasons found. A server runs them too, on every load: a file with a test that\n"
            "fails is refused. What briefs must hold is not asked of them; first uses and spot\n"
            "checks are left out.",
        .common = CLI_TAKES_JSON,
        .words_min = 1,
        .words_max = 1,
    };
    struct cli_common options = {0};
    struct arena *arena;
    struct ctx ctx;
    int words, code = cli_parse(&usage, argc, argv, &options, &words);

    if (code != CLI_GO) {
        return code;
    }
    arena = arena_new(TEST_MEMORY_MAX);
    if (!arena) {
        fputs("fermata: out of memory\n", stderr);
        return CLI_FAILED;
    }
    ctx_init(&ctx, arena);
    crypto_init();
    code = test_file(&ctx, &options, argv[1]);
    arena_free(arena);
    return code;
}
