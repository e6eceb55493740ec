/* SPDX-License-Identifier: Apache-2.0
 *
 * `fermata policy check FILE`: whether a policy would load, and what it says. Needs no server and
 * no data folder, and never changes anything.
 */
#include "policy/policy.h"
#include "assess/assess.h"
#include "backtest/backtest.h"
#include "cli/cli.h"
#include "crypto/crypto.h"

#define CHECK_MEMORY_MAX (4 * MIB) /* findings, and their text made safe for a terminal */

/* How many actions end at each verdict. */
struct tally {
    size_t actions[VERDICT_BLOCK + 1];
};

static struct tally tally_of(const struct policy *policy)
{
    struct tally tally = {{0}};

    for (size_t i = 0; i < policy->action_count; i++) {
        const struct policy_action *action = &policy->actions[i];
        tally.actions[action->has_then ? action->then : policy->then]++;
    }
    return tally;
}

/* For people ----------------------------------------------------------------------------------- */

/* A line of an expression and the caret below it, indented. */
static void print_excerpt(struct ctx *ctx, struct str rest)
{
    while (rest.n > 0) {
        struct str line = cli_safe(ctx, str_split(&rest, '\n'));
        printf("    %.*s\n", STR_ARG(line));
    }
}

static void print_findings(struct ctx *ctx, const char *file, const struct policy_finding *findings,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct policy_place at = findings[i].at;
        struct str name = cli_safe(ctx, policy_file_of(at, str_of(file)));
        struct str message = cli_safe(ctx, findings[i].message);
        printf("%.*s:%u:%u: %s%.*s\n", STR_ARG(name), at.line, at.column,
               findings[i].warning ? "warning: " : "", STR_ARG(message));
        print_excerpt(ctx, findings[i].excerpt);
    }
}

static void print_queue(struct buf *out, const struct policy_queue *queue)
{
    const char *separator = ": ";

    buf_printf(out, "  %.*s", STR_ARG(queue->name));
    for (unsigned role = 0; role < ROLE_COUNT; role++) {
        if (queue->roles & ROLE_BIT(role)) {
            buf_printf(out, "%srole:%s", separator, role_name((enum role)role));
            separator = ", ";
        }
    }
    for (size_t i = 0; i < queue->people.count; i++) {
        buf_printf(out, "%s%.*s", separator, STR_ARG(queue->people.items[i]));
        separator = ", ";
    }
    if (queue->backup.p) {
        buf_printf(out, "; backup %.*s", STR_ARG(queue->backup));
    }
    buf_add_char(out, '\n');
}

static void print_verdicts(struct buf *out, const struct policy *policy)
{
    struct tally tally = tally_of(policy);

    buf_printf(out, "%zu action%s in the catalogue:", policy->action_count,
               policy->action_count == 1 ? "" : "s");
    for (unsigned verdict = VERDICT_ALLOW; verdict <= VERDICT_BLOCK; verdict++) {
        buf_printf(out, "%s %zu %s", verdict == VERDICT_ALLOW ? "" : ",", tally.actions[verdict],
                   verdict_name((enum verdict)verdict));
    }
    buf_printf(out, "\nany other action: %s\n", verdict_name(policy->unknown_actions));
}

static void print_defaults(struct buf *out, const struct policy *policy)
{
    buf_printf(out, "a review goes to %.*s (mode %s), is due in ", STR_ARG(policy->queue),
               review_mode_name(policy->mode));
    buf_add_duration(out, policy->respond_within_us);
    buf_add(out, policy->on_expiry == ON_EXPIRY_KEEP
                     ? S(" and then stays; an approval holds for ")
                     : S(" and then expires; an approval holds for "));
    buf_add_duration(out, policy->valid_for_us);
    buf_lit(out, " and can be undone for ");
    buf_add_duration(out, policy->undo_us);
    buf_lit(out, "; an outcome is due within ");
    buf_add_duration(out, policy->outcome_within_us);
    buf_add_char(out, '\n');
}

static void print_count(struct buf *out, size_t count, const char *one, const char *many)
{
    if (count) {
        buf_printf(out, "%s%zu %s", out->p[out->n - 1] == '\n' ? "" : ", ", count,
                   count == 1 ? one : many);
    }
}

static void print_conditions(struct buf *out, const struct policy *policy)
{
    size_t before = out->n;

    print_count(out, policy->rule_count, "rule", "rules");
    print_count(out, policy->budget_count, "budget", "budgets");
    print_count(out, policy->lexicon_count, "lexicon", "lexicons");
    print_count(out, policy->agent_count, "agent with domains", "agents with domains");
    print_count(out, policy->test_count, "test that passes", "tests that pass");
    print_count(out, policy->recipients.count, "known recipient", "known recipients");
    if (out->n > before) {
        buf_add_char(out, '\n');
    }
    if (policy->warm_up) {
        buf_printf(
            out, "an agent's first %lld uses of an allowed action are reviewed, then one in 100\n",
            (long long)policy->warm_up);
    }
}

/* Names in a policy that loaded are plain words: they need no escaping. People's names may hold
 * letters of any script, so the whole goes through cli_escape line by line. */
static void print_summary(const char *file, const struct policy *policy)
{
    AUTO(buf_done) struct buf out = BUF_INIT(16 * MIB);
    AUTO(buf_done) struct buf safe = BUF_INIT(64 * MIB);
    struct str rest;

    buf_printf(&out, "%s is a valid policy, version sha256:", file);
    buf_add_hex(&out, hash_str(&policy->version));
    buf_add_char(&out, '\n');
    print_verdicts(&out, policy);
    print_defaults(&out, policy);
    print_conditions(&out, policy);
    buf_printf(&out, "%zu queue%s:\n", policy->queue_count, policy->queue_count == 1 ? "" : "s");
    for (size_t i = 0; i < policy->queue_count; i++) {
        print_queue(&out, &policy->queues[i]);
    }
    rest = buf_str(&out);
    while (rest.n > 0) {
        cli_escape(&safe, str_split(&rest, '\n'));
        buf_add_char(&safe, '\n');
    }
    fwrite(buf_str(&safe).p, 1, buf_str(&safe).n, stdout);
}

/* For machines --------------------------------------------------------------------------------- */

static void write_finding(struct json_out *out, const struct policy_finding *finding)
{
    jo_object(out);
    if (finding->at.file.p) {
        jo_m_str(out, "file", finding->at.file);
    }
    jo_m_int(out, "line", finding->at.line);
    jo_m_int(out, "column", finding->at.column);
    jo_m_bool(out, "warning", finding->warning);
    jo_m_str(out, "message", finding->message);
    if (finding->excerpt.p) {
        jo_m_str(out, "excerpt", finding->excerpt);
    }
    jo_object_end(out);
}

static void write_queue(struct json_out *out, const struct policy_queue *queue)
{
    jo_object(out);
    jo_m_str(out, "name", queue->name);
    jo_key(out, "roles");
    jo_array(out);
    for (unsigned role = 0; role < ROLE_COUNT; role++) {
        if (queue->roles & ROLE_BIT(role)) {
            jo_str(out, str_of(role_name((enum role)role)));
        }
    }
    jo_array_end(out);
    jo_key(out, "people");
    policy_list_write(out, queue->people);
    jo_m_str(out, "backup", queue->backup);
    jo_object_end(out);
}

static void write_policy(struct ctx *ctx, struct json_out *out, const struct policy *policy)
{
    AUTO(buf_done) struct buf hex = BUF_INIT(2 * SHA256_SIZE);
    struct tally tally = tally_of(policy);

    buf_add_hex(&hex, hash_str(&policy->version));
    jo_m_str(out, "version", arena_printf(ctx->arena, "sha256:%.*s", STR_ARG(buf_str(&hex))));
    jo_key(out, "actions");
    jo_object(out);
    for (unsigned verdict = VERDICT_ALLOW; verdict <= VERDICT_BLOCK; verdict++) {
        jo_m_int(out, verdict_name((enum verdict)verdict), (int64_t)tally.actions[verdict]);
    }
    jo_object_end(out);
    jo_m_int(out, "rules", (int64_t)policy->rule_count);
    jo_m_int(out, "budgets", (int64_t)policy->budget_count);
    jo_m_int(out, "tests", (int64_t)policy->test_count);
    jo_m_str(out, "unknown_actions", str_of(verdict_name(policy->unknown_actions)));
    jo_key(out, "queues");
    jo_array(out);
    for (size_t i = 0; i < policy->queue_count; i++) {
        write_queue(out, &policy->queues[i]);
    }
    jo_array_end(out);
}

/* `policy` is NULL when the file was refused. */
static void print_json(struct ctx *ctx, const char *file, const struct policy *policy,
                       const struct policy_finding *findings, size_t count)
{
    AUTO(buf_done) struct buf text = BUF_INIT(64 * MIB);
    struct json_out out = JSON_OUT(&text);
    struct str name = str_of(file);

    jo_object(&out);
    jo_m_str(&out, "file", str_is_utf8(name) ? name : cli_safe(ctx, name));
    jo_m_bool(&out, "valid", policy != NULL);
    jo_key(&out, "findings");
    jo_array(&out);
    for (size_t i = 0; i < count; i++) {
        write_finding(&out, &findings[i]);
    }
    jo_array_end(&out);
    if (policy) {
        write_policy(ctx, &out, policy);
    }
    jo_object_end(&out);
    printf("%.*s\n", STR_ARG(buf_str(&text)));
}

/* The command ---------------------------------------------------------------------------------- */

struct check_command {
    struct cli_common common; /* its `dir` is not used: there may be no store */
    const char *data;
};

static const struct cli_option check_table[] = {
    {"--data", CLI_VALUE, offsetof(struct check_command, data), "DIR",
     "also warn of rules that match none of the proposals in this data folder"},
};

static void close_store(struct store_conn **conn)
{
    store_reader_close(*conn);
}

static void free_backtest(struct backtest **backtest)
{
    backtest_free(*backtest);
}

/* Warns of rules that would have matched nothing so far. A server may be at work on the folder. */
static enum fm_err find_silent(struct ctx *ctx, const char *dir, const struct policy *policy,
                               struct policy_finding *findings, size_t *count)
{
    const struct backtest_options options = {.policy = policy};
    AUTO(close_store) struct store_conn *conn = NULL;
    AUTO(free_backtest) struct backtest *backtest = NULL;

    TRY(store_open_readonly(ctx, dir, &conn));
    TRY(backtest_new(ctx, &options, &backtest));
    TRY(backtest_history(ctx, conn, backtest));
    for (size_t i = 0; i < policy->rule_count && backtest_replayed(backtest) > 0; i++) {
        const struct policy_rule *rule = &policy->rules[i];
        struct str message = arena_printf(
            ctx->arena, "the rule %.*s matched none of the %llu proposals of the history",
            STR_ARG(rule->id), (unsigned long long)backtest_replayed(backtest));
        if (!message.p) {
            return fail_memory(ctx);
        }
        if (backtest_matched(backtest, i) == 0 && *count < POLICY_FINDINGS_MAX) {
            findings[(*count)++] =
                (struct policy_finding){.at = rule->at, .warning = true, .message = message};
        }
    }
    return FM_OK;
}

/* What does not show while reading. */
static enum fm_err look_closer(struct ctx *ctx, const struct check_command *command,
                               const struct policy *policy, struct policy_finding *findings,
                               size_t *count)
{
    TRY(assess_lint(ctx, policy, findings, count));
    return command->data ? find_silent(ctx, command->data, policy, findings, count) : FM_OK;
}

/* Checks one file and prints what was found. */
static int check_file(struct ctx *ctx, const struct check_command *command, const char *file)
{
    const struct cli_common *common = &command->common;
    struct policy_finding findings[POLICY_FINDINGS_MAX];
    size_t count = 0;
    const struct policy *policy = NULL;
    enum fm_err err = policy_load(ctx, file, findings, &count, &policy);

    if (err != FM_OK && count == 0) { /* not the policy's fault: no file, no memory */
        return cli_failed(common, ctx);
    }
    if (policy && look_closer(ctx, command, policy, findings, &count) != FM_OK) {
        policy_drop(policy);
        return cli_failed(common, ctx);
    }
    if (common->json) {
        print_json(ctx, file, policy, findings, count);
    } else {
        print_findings(ctx, file, findings, count);
        if (policy) {
            print_summary(file, policy);
        }
    }
    policy_drop(policy);
    return err == FM_OK ? CLI_OK : CLI_FAILED;
}

static int run_check(int argc, char **argv)
{
    static const struct cli_usage usage = {
        .line = "policy check FILE [--data DIR] [--json]",
        .about =
            "Reads a policy as the server would and prints every mistake in it as\n"
            "FILE:LINE:COLUMN: message, also tests that fail. Without a mistake it warns of rules\n"
            "that can never change anything, and prints what the policy says.\n"
            "Warnings do not make a policy fail. Nothing is changed anywhere.",
        .options = check_table,
        .option_count = COUNT_OF(check_table),
        .common = CLI_TAKES_JSON,
        .words_min = 1,
        .words_max = 1,
    };
    struct check_command options = {0};
    struct arena *arena;
    struct ctx ctx;
    int words, code = cli_parse(&usage, argc, argv, &options, &words);

    if (code != CLI_GO) {
        return code;
    }
    arena = arena_new(CHECK_MEMORY_MAX);
    if (!arena) {
        fputs("fermata: out of memory\n", stderr);
        return CLI_FAILED;
    }
    ctx_init(&ctx, arena);
    crypto_init();
    code = check_file(&ctx, &options, argv[1]);
    arena_free(arena);
    return code;
}

int cli_policy(int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"check", run_check, "read a policy file and name every mistake in it"},
        {"test", cli_policy_test, "run the examples that a policy file gives of itself"},
        {"backtest", cli_policy_backtest, "what a policy file would have done with the past"},
        {"coverage", cli_policy_coverage, "which actions agents propose"},
        {"edge-cases", cli_policy_edge_cases, "what people had to correct"},
        {"list", cli_policy_list, "the versions of a server's policy"},
        {"propose", cli_policy_propose, "give the server another policy"},
        {"activate", cli_policy_activate, "put a version in force that waits for a second person"},
    };

    return cli_run_verb(verbs, COUNT_OF(verbs), argc, argv);
}
