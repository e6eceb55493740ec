/* SPDX-License-Identifier: Apache-2.0
 *
 * `fermata policy coverage` and `fermata policy edge-cases`: which actions agents propose, and
 * what people had to correct. Reads only: a server may be at work on the folder.
 */
#include "backtest/backtest.h"
#include "cli/cli.h"
#include "crypto/crypto.h"
#include "flow/flow.h"
#include "insights/insights.h"

#define ARENA_BYTES_MAX (128 * MIB)
#define ROWS_MAX        5000 /* agents times actions, of one answer */
#define DAYS_MAX        3650

SQL(SQL_AGENT, "SELECT name FROM agents WHERE row = $row");

struct past {
    struct ctx *ctx;
    struct store_conn *conn;
    const struct policy *policy; /* in force; NULL until read_policy */
    const struct coverage_row *rows;
    size_t count;
};

static void past_done(struct past *past)
{
    policy_drop(past->policy);
}

static void close_store(struct store_conn **conn)
{
    store_reader_close(*conn);
}

/* The policy in force; the one without a file where there never was another. */
static enum fm_err read_policy(struct past *past)
{
    struct policy_version version;

    TRY(flow_version_active(past->ctx, past->conn, &version));
    if (version.row) {
        return flow_version_parse(past->ctx, past->conn, &version, &past->policy);
    }
    past->policy = policy_keep(policy_builtin());
    return FM_OK;
}

/* Coverage
 * --------------------------------------------------------------------------------------- */

struct collecting {
    struct ctx *ctx;
    struct coverage_row *rows;
    size_t count;
};

static void collect(void *with, const struct coverage_row *row)
{
    struct collecting *all = with;

    all->rows[all->count] = *row;
    all->rows[all->count++].action = arena_copy(all->ctx->arena, row->action);
}

static struct str agent_name(struct past *past, int64_t row)
{
    struct store_rows *rows;
    struct str name = STR_NONE;

    if (store_query(past->ctx, past->conn, &SQL_AGENT, ARGS(A_INT("$row", row)), &rows) != FM_OK) {
        return S("?");
    }
    if (rows_next(past->ctx, rows)) {
        name = arena_copy(past->ctx->arena, rows_bytes(rows, 0));
    }
    rows_done(rows);
    return name.p ? name : S("?");
}

/* What the policy in force says of an action by its name. */
static const char *said(const struct policy *policy, struct str name)
{
    const struct policy_action *action = policy_action(policy, name);

    return !action            ? "not in the catalogue"
           : action->has_then ? verdict_name(action->then)
                              : "left open";
}

static struct str day(struct ctx *ctx, int64_t at_us)
{
    char text[CLOCK_TEXT_SIZE];

    return arena_copy(ctx->arena, (struct str){clock_format(at_us, text).p, 10});
}

static void print_coverage(struct past *past)
{
    enum { COLUMNS = 7 };
    static const char *const heads[COLUMNS] = {"AGENT", "ACTION", "PROPOSALS", "OF WHICH SILENT",
                                               "FIRST", "LAST",   "CATALOGUE"};
    struct ctx *ctx = past->ctx;
    struct str *cells = arena_zalloc(ctx->arena, (past->count + 1) * COLUMNS, sizeof(*cells));
    struct str *cell = cells;

    for (size_t i = 0; cells && i < COLUMNS; i++) {
        *cell++ = str_of(heads[i]);
    }
    for (size_t i = 0; cells && i < past->count; i++) {
        const struct coverage_row *row = &past->rows[i];
        *cell++ = cli_safe(ctx, agent_name(past, row->agent));
        *cell++ = cli_safe(ctx, row->action);
        *cell++ = arena_printf(ctx->arena, "%lld", (long long)row->proposals);
        *cell++ = arena_printf(ctx->arena, "%lld", (long long)row->silent);
        *cell++ = day(ctx, row->first_at);
        *cell++ = day(ctx, row->last_at);
        *cell++ = str_of(said(past->policy, row->action));
    }
    if (cells) {
        cli_print_table(ctx, cells, past->count + 1, COLUMNS);
    }
}

static void print_coverage_json(struct past *past)
{
    AUTO(buf_done) struct buf text = BUF_INIT(16 * MIB);
    struct json_out out = JSON_OUT(&text);

    jo_object(&out);
    jo_key(&out, "items");
    jo_array(&out);
    for (size_t i = 0; i < past->count; i++) {
        const struct coverage_row *row = &past->rows[i];
        jo_object(&out);
        jo_m_str(&out, "agent", agent_name(past, row->agent));
        jo_m_str(&out, "action", row->action);
        jo_m_int(&out, "proposals", row->proposals);
        jo_m_int(&out, "silent", row->silent);
        jo_m_time(&out, "first_at", row->first_at);
        jo_m_time(&out, "last_at", row->last_at);
        jo_m_str(&out, "catalogue", str_of(said(past->policy, row->action)));
        jo_object_end(&out);
    }
    jo_array_end(&out);
    jo_object_end(&out);
    printf("%.*s\n", STR_ARG(buf_str(&text)));
}

static enum fm_err show_coverage(struct past *past, const struct cli_common *common)
{
    struct collecting all = {.ctx = past->ctx};

    all.rows = arena_zalloc(past->ctx->arena, ROWS_MAX, sizeof(*all.rows));
    if (!all.rows) {
        return fail_memory(past->ctx);
    }
    TRY(read_policy(past));
    TRY(insights_coverage(past->ctx, past->conn, 0, S(""), ROWS_MAX, collect, &all));
    past->rows = all.rows;
    past->count = all.count;
    if (common->json) {
        print_coverage_json(past);
    } else {
        print_coverage(past);
    }
    return FM_OK;
}

/* Edge cases
 * ------------------------------------------------------------------------------------- */

/* The rules of the policy in force that would have sent a group's examples to people, or blocked
 * them: how many each. */
static enum fm_err find_catchers(struct past *past, const struct edge_case *group,
                                 uint64_t **matched)
{
    *matched = arena_zalloc(past->ctx->arena, past->policy->rule_count + 1, sizeof(**matched));
    if (!*matched) {
        return fail_memory(past->ctx);
    }
    for (size_t i = 0; past->policy->rule_count && i < group->example_count; i++) {
        TRY(backtest_caught(past->ctx, past->conn, past->policy, &group->examples[i], *matched));
    }
    return FM_OK;
}

static bool is_catcher(const struct past *past, const uint64_t *matched, size_t i)
{
    return matched[i] > 0 && backtest_catches(&past->policy->rules[i]);
}

/* "large (3 of 5), disputes (1 of 5)" */
static struct str catchers(struct past *past, const struct edge_case *group,
                           const uint64_t *matched)
{
    AUTO(buf_done) struct buf out = BUF_INIT(16 * KIB);

    for (size_t i = 0; i < past->policy->rule_count; i++) {
        if (is_catcher(past, matched, i)) {
            buf_printf(&out, "%s%.*s (%llu of %zu)", out.n ? ", " : "",
                       STR_ARG(past->policy->rules[i].id), (unsigned long long)matched[i],
                       group->example_count);
        }
    }
    return out.n ? cli_safe(past->ctx, buf_str(&out)) : S("-");
}

static enum fm_err print_cases(struct past *past, const struct edge_cases *cases)
{
    enum { COLUMNS = 8 };
    static const char *const heads[COLUMNS] = {"CATEGORY", "REASON",   "CHANGED",     "REJECTED",
                                               "MODIFIED", "RETURNED", "FOR EXAMPLE", "CAUGHT BY"};
    struct ctx *ctx = past->ctx;
    struct str *cells = arena_zalloc(ctx->arena, (cases->count + 1) * COLUMNS, sizeof(*cells));
    struct str *cell = cells;

    if (!cells) {
        return fail_memory(ctx);
    }
    for (size_t i = 0; i < COLUMNS; i++) {
        *cell++ = str_of(heads[i]);
    }
    for (size_t i = 0; i < cases->count; i++) {
        const struct edge_case *group = &cases->groups[i];
        uint64_t *matched;
        char id[ID_TEXT_MAX];
        TRY(find_catchers(past, group, &matched));
        *cell++ = cli_safe(ctx, group->category);
        *cell++ = group->reason_code.p ? cli_safe(ctx, group->reason_code) : S("-");
        *cell++ = group->pointer.p ? cli_safe(ctx, group->pointer) : S("-");
        *cell++ = arena_printf(ctx->arena, "%lld", (long long)group->rejected);
        *cell++ = arena_printf(ctx->arena, "%lld", (long long)group->modified);
        *cell++ = arena_printf(ctx->arena, "%lld", (long long)group->returned);
        *cell++ = arena_copy(ctx->arena, id_format(ID_PROPOSAL, group->examples[0].id, id));
        *cell++ = catchers(past, group, matched);
    }
    if (cases->count) {
        cli_print_table(ctx, cells, cases->count + 1, COLUMNS);
    }
    printf("%zu corrections of people%s\n", cases->examined,
           cases->left_out ? ", the newest; there are more" : "");
    return FM_OK;
}

/* As the API tells it, of the policy in force alone. */
static void write_catchers(struct past *past, struct json_out *out, const struct edge_case *group,
                           const uint64_t *matched)
{
    jo_key(out, "caught_by");
    jo_array(out);
    for (size_t i = 0; i < past->policy->rule_count; i++) {
        if (!is_catcher(past, matched, i)) {
            continue;
        }
        jo_object(out);
        jo_m_str(out, "rule", past->policy->rules[i].id);
        jo_m_int(out, "matched", (int64_t)matched[i]);
        jo_m_int(out, "of", (int64_t)group->example_count);
        jo_object_end(out);
    }
    jo_array_end(out);
}

static enum fm_err print_cases_json(struct past *past, const struct edge_cases *cases)
{
    AUTO(buf_done) struct buf text = BUF_INIT(16 * MIB);
    struct json_out out = JSON_OUT(&text);

    jo_object(&out);
    jo_m_int(&out, "examined", (int64_t)cases->examined);
    jo_m_bool(&out, "left_out", cases->left_out);
    jo_key(&out, "items");
    jo_array(&out);
    for (size_t i = 0; i < cases->count; i++) {
        uint64_t *matched;
        TRY(find_catchers(past, &cases->groups[i], &matched));
        insights_edge_case_write(&out, &cases->groups[i]);
        write_catchers(past, &out, &cases->groups[i], matched);
        jo_object_end(&out);
    }
    jo_array_end(&out);
    jo_object_end(&out);
    printf("%.*s\n", STR_ARG(buf_str(&text)));
    return FM_OK;
}

struct cases_command {
    struct cli_common common;
    const char *days;
};

static enum fm_err show_cases(struct past *past, const struct cli_common *common)
{
    const struct cases_command *command = (const struct cases_command *)common;
    struct edge_cases cases;
    uint64_t days = 30;

    if (command->days &&
        (!str_to_u64(str_of(command->days), &days) || days < 1 || days > DAYS_MAX)) {
        return fail(past->ctx, FM_E_INVALID_ARGUMENT, "--days wants a number from 1 to %d",
                    DAYS_MAX);
    }
    TRY(insights_edge_cases(past->ctx, past->conn, clock_now_us() - (int64_t)days * DAY_US,
                            &cases));
    TRY(read_policy(past));
    return common->json ? print_cases_json(past, &cases) : print_cases(past, &cases);
}

/* The commands
 * ----------------------------------------------------------------------------------- */

static int run(const struct cli_common *common,
               enum fm_err (*show)(struct past *past, const struct cli_common *common))
{
    AUTO(close_store) struct store_conn *conn = NULL;
    AUTO(arena_done) struct arena *arena = arena_new(ARENA_BYTES_MAX);
    AUTO(past_done) struct past past = {0};
    struct ctx ctx;

    ctx_init(&ctx, arena);
    crypto_init();
    past.ctx = &ctx;
    if (!arena || store_open_readonly(&ctx, common->dir, &conn) != FM_OK) {
        return cli_failed(common, &ctx);
    }
    past.conn = conn;
    return show(&past, common) == FM_OK ? CLI_OK : cli_failed(common, &ctx);
}

int cli_policy_coverage(int argc, char **argv)
{
    static const struct cli_usage usage = {
        .line = "policy coverage",
        .about =
            "Lists which actions each agent has proposed, how often, and what the catalogue in\n"
            "force says of them. Silent are those of which, at their time, neither an entry with\n"
            "a verdict nor a rule or budget spoke: the defaults decided.",
        .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
    };
    struct cli_common options = {0};
    int words, code = cli_parse(&usage, argc, argv, &options, &words);

    return code == CLI_GO ? run(&options, show_coverage) : code;
}

int cli_policy_edge_cases(int argc, char **argv)
{
    static const struct cli_option table[] = {
        {"--days", CLI_VALUE, offsetof(struct cases_command, days), "N", "of the last N days; 30"},
    };
    static const struct cli_usage usage = {
        .line = "policy edge-cases [--days N]",
        .about =
            "Groups what people rejected, modified or returned by category, reason code and\n"
            "changed member, the largest group first. The server's /v1/insights/edge-cases also\n"
            "names the rules that would have caught them.",
        .options = table,
        .option_count = COUNT_OF(table),
        .common = CLI_TAKES_DATA | CLI_TAKES_JSON,
    };
    struct cases_command options = {0};
    int words, code = cli_parse(&usage, argc, argv, &options, &words);

    return code == CLI_GO ? run(&options.common, show_cases) : code;
}
