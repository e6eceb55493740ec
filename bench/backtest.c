/* SPDX-License-Identifier: Apache-2.0
 *
 * What a backtest costs: 100,000 stored proposals of about 1 KB each, with their assessments and
 * people's decisions, replayed from a store under a policy of 100 rules and 5 budgets. The bar
 * is 10 s on one core.
 *
 * Prints time by the clock and of the processor, since a shared machine only ever adds to the
 * first; exit code 1 beyond the bar.
 */
#include "backtest/backtest.h"
#include "base/clock.h"
#include "crypto/crypto.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PROPOSALS 100000
#define RULES     100
#define BAR_S     10.0

/* Conditions as they stand in policies; the 100 rules are these with different numbers for #. */
static const char *const rules[] = {
    "\"money\" in action.effects && args.amount > #.0",
    "action.name == \"refund.issue\" && args.amount > #",
    "action.name == \"payment.send\" || (\"money\" in action.effects && args.amount >= 1#)",
    "args.currency != \"USD\" && args.currency != \"EUR\" && args.amount > #",
    "has(args.note) && args.note.contains(\"urgent#\")",
    "brief.request.contains(\"chargeback\") || brief.request.contains(\"lawyer #\")",
    "args.message.size() > 20#",
    "\"publish\" in action.effects && now.getDayOfWeek(\"Europe/Berlin\") in [0, 6] && # > 0",
    "now.getHours(\"America/New_York\") < 6 && args.amount > #",
    "agent.name in [\"other-bot\", \"bot-#\"]",
    "args.items.exists(i, i.price > 5#.0 && i.quantity > 1)",
    "args.items.exists(i, i.price * i.quantity > 1#)",
    "args.order_id.matches(\"^V[0-9]{4,9}$\") && args.amount < #",
    "has(brief.confidence) && brief.confidence < 0.#",
    "subject.startsWith(\"customer:V\") && args.amount > #.0",
    "mentions(brief.request, \"dispute\") && args.amount > #.0",
    "action.reversible == false && args.amount * 1.2 > 1#.0",
    "\"tier\" in labels && labels.tier == \"vip#\"",
    "args.?limit.orValue(100#) < args.amount",
    "history.agent.count_1h > 10000#",
};

SQL(SQL_BEGIN, "BEGIN");
SQL(SQL_COMMIT, "COMMIT");
SQL(SQL_PERSON, "INSERT INTO people(id, name, roles, created_at) VALUES($id, 'ana', 1, 0)");
SQL(SQL_AGENT,
    "INSERT INTO agents(id, name, owner, hosts, created_at) VALUES($id, $name, 1, '[]', 0)");
SQL(SQL_PAYLOAD, "INSERT INTO payloads(idx, salt, body) VALUES($idx, x'00', $body)");
SQL(SQL_PROPOSAL,
    "INSERT INTO proposals(id, agent, state, revision, action, category, policy, digest, "
    "arguments_digest,"
    " payload, last_leaf, assessment, created_at, updated_at, queue, respond_within, verdict, "
    "decided_by,"
    " decided_at) VALUES($id, $agent, $state, 1, $action, $action, 1, x'00', x'00', $payload, 0,"
    " $assessment, $at, $ended, 'general', 14400000000, $verdict, 1, $ended)");

static void die(const char *what, const char *detail)
{
    fprintf(stderr, "bench/backtest: %s: %s\n", what, detail);
    exit(1);
}

static void need(struct ctx *ctx, enum fm_err err, const char *what)
{
    if (err != FM_OK) {
        die(what, ctx->detail);
    }
}

static void request(struct buf *out, int i)
{
    int amount = i * 7919 % 997;

    buf_printf(
        out,
        "{\"action\":\"refund.issue\",\"arguments\":{\"amount\":%d.5,\"currency\":\"USD\","
        "\"items\":[{\"price\":54.5,\"quantity\":1,\"sku\":\"L-17\"},{\"price\":10,\"quantity\":2,"
        "\"sku\":\"B-2\"}],\"message\":\"We are sorry that your lamp arrived broken. We refund "
        "it.\","
        "\"order_id\":\"W%07d\"},\"brief\":{\"case_against\":\"The photo carries no date\","
        "\"confidence\":0.93,\"evidence\":[{\"source\":\"crm://orders/W%07d\",\"text\":\"delivered "
        "2026-11-20\",\"title\":\"Order W%07d\"}],\"reasoning\":\"Photo shows the damage; "
        "delivered "
        "two days ago; policy 4.2\",\"recommendation\":\"Refund in full\",\"request\":\"My lamp "
        "arrived in pieces, I want my money back, order W%07d\",\"summary\":\"Refund %d.50 USD for "
        "a "
        "lamp that arrived broken\"},\"domains\":[\"billing\",\"shipping\"],\"labels\":{\"region\":"
        "\"eu\",\"tier\":\"basic\"},\"on_behalf_of\":\"user:%d\",\"session\":\"conv-%d\","
        "\"subject\":"
        "\"customer:W%d\"}",
        amount, i, i, i, i, amount, i % 5000, i / 3, i % 20000);
}

static void add_proposal(struct ctx *ctx, struct store_conn *conn, int i, int64_t start_us)
{
    static const char assessment[] = "{\"reasons\":[{\"source\":\"catalogue\",\"text\":\"The "
                                     "catalogue says earn for refund.issue\","
                                     "\"verdict\":\"earn\"},{\"rule\":\"money-out\",\"source\":"
                                     "\"rule\",\"text\":\"Refunds above 50 are "
                                     "reviewed\",\"values\":[{\"expression\":\"args.amount\","
                                     "\"value\":74.5}],\"verdict\":\"review\"}],"
                                     "\"verdict\":\"review\"}";
    AUTO(buf_done) struct buf body = BUF_INIT(16 * KIB);
    struct id id = id_new();
    int64_t at_us = start_us + i * 20 * SECOND_US;
    bool rejected = i % 50 == 0;

    request(&body, i);
    need(ctx,
         store_exec(ctx, conn, &SQL_PAYLOAD,
                    ARGS(A_INT("$idx", i), A_BLOB("$body", buf_str(&body)))),
         "a request");
    need(ctx,
         store_exec(ctx, conn, &SQL_PROPOSAL,
                    ARGS(A_ID("$id", &id), A_INT("$agent", 1 + i % 20),
                         A_INT("$state", rejected ? 7 : 3), A_TEXT("$action", S("refund.issue")),
                         A_INT("$payload", i), A_TEXT("$assessment", str_of(assessment)),
                         A_INT("$at", at_us), A_INT("$ended", at_us + 10 * MINUTE_US),
                         A_INT("$verdict", rejected ? 3 : 1))),
         "a proposal");
}

static void fill(struct ctx *ctx, struct store_conn *conn)
{
    int64_t start_us;
    struct id id = id_new();

    if (!clock_parse(S("2026-11-01T00:00:00Z"), &start_us)) {
        die("the clock", "no start");
    }
    need(ctx, store_exec(ctx, conn, &SQL_BEGIN, NO_ARGS), "begin");
    need(ctx, store_exec(ctx, conn, &SQL_PERSON, ARGS(A_ID("$id", &id))), "a person");
    for (int i = 0; i < 20; i++) {
        struct id agent = id_new();
        struct str name = arena_printf(ctx->arena, "bot%d", i);
        need(ctx,
             store_exec(ctx, conn, &SQL_AGENT, ARGS(A_ID("$id", &agent), A_TEXT("$name", name))),
             "an agent");
    }
    for (int i = 0; i < PROPOSALS; i++) {
        add_proposal(ctx, conn, i, start_us);
    }
    need(ctx, store_exec(ctx, conn, &SQL_COMMIT, NO_ARGS), "commit");
}

static void add_rule(struct buf *yaml, int i)
{
    const char *text = rules[(size_t)i % COUNT_OF(rules)];

    buf_printf(yaml, "  - {id: rule-%d, then: review, when: '", i);
    for (; *text; text++) {
        if (*text == '#') {
            buf_printf(yaml, "%d", 10 + i);
        } else {
            buf_add_char(yaml, *text);
        }
    }
    buf_lit(yaml, "'}\n");
}

static const struct policy *make_policy(struct ctx *ctx)
{
    static const char *const per[] = {"agent", "category", "subject", "action", "all"};
    AUTO(buf_done) struct buf yaml = BUF_INIT(MIB);
    struct policy_finding findings[POLICY_FINDINGS_MAX];
    const struct policy *policy;
    size_t count;

    buf_lit(
        &yaml,
        "version: 1\ndefaults: {warm_up: 0}\nactions: {refund.issue: {then: earn, effects: [money],"
        " domain: billing}}\nlexicons: {dispute: [chargeback, billing dispute]}\nbudgets:\n");
    for (size_t i = 0; i < COUNT_OF(per); i++) {
        buf_printf(
            &yaml,
            "  - {id: b%zu, sum: args.amount, per: %s, window: 24h, limit: 5000, then: review}\n",
            i, per[i]);
    }
    buf_lit(&yaml, "rules:\n");
    for (int i = 0; i < RULES; i++) {
        add_rule(&yaml, i);
    }
    need(ctx, policy_parse(ctx, S("bench"), buf_str(&yaml), findings, &count, &policy),
         "the policy");
    return policy;
}

static double seconds(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void measure(struct ctx *ctx, struct store_conn *reader, const struct policy *policy,
                    double *cpu_s)
{
    struct backtest_options options = {.policy = policy};
    struct backtest *backtest;
    AUTO(buf_done) struct buf text = BUF_INIT(BACKTEST_JSON_MAX);
    struct json_out out = JSON_OUT(&text);
    double wall_s = seconds(CLOCK_MONOTONIC);

    *cpu_s = seconds(CLOCK_PROCESS_CPUTIME_ID);
    need(ctx, backtest_new(ctx, &options, &backtest), "a run");
    need(ctx, backtest_history(ctx, reader, backtest), "the replay");
    need(ctx, backtest_write(ctx, &out, backtest), "the report");
    *cpu_s = seconds(CLOCK_PROCESS_CPUTIME_ID) - *cpu_s;
    wall_s = seconds(CLOCK_MONOTONIC) - wall_s;
    printf("replayed %llu proposals against %d rules and 5 budgets\n",
           (unsigned long long)backtest_replayed(backtest), RULES);
    printf("  %.2f s of one core, %.2f s by the clock: %.0f us each\n", *cpu_s, wall_s,
           *cpu_s * 1e6 / PROPOSALS);
    printf("  %.*s\n", 200, buf_str(&text).p);
    backtest_free(backtest);
}

static void remove_folder(const char *dir)
{
    DIR *folder = opendir(dir);
    struct dirent *entry;

    while (folder && (entry = readdir(folder))) {
        (void)unlinkat(dirfd(folder), entry->d_name, 0);
    }
    if (folder) {
        closedir(folder);
    }
    (void)rmdir(dir);
}

int main(void)
{
    char dir[] = P_tmpdir "/fermata-backtest-XXXXXX";
    struct arena *arena = arena_new(64 * MIB);
    struct store_conn *reader;
    const struct policy *policy;
    struct store *store;
    struct ctx ctx;
    double cpu_s;

    crypto_init();
    ctx_init(&ctx, arena);
    if (!arena || !mkdtemp(dir)) {
        die("a folder", dir);
    }
    need(&ctx, store_open(&ctx, dir, &store), "the store");
    policy = make_policy(&ctx);
    fill(&ctx, store_writer(store));
    need(&ctx, store_reader(&ctx, store, &reader), "a reader");
    measure(&ctx, reader, policy, &cpu_s);
    store_reader_close(reader);
    store_close(store);
    policy_drop(policy);
    arena_free(arena);
    remove_folder(dir);
    printf("%d passed, %d failed\n", cpu_s <= BAR_S, cpu_s > BAR_S);
    return cpu_s <= BAR_S ? 0 : 1;
}
