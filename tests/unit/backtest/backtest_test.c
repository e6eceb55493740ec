/* SPDX-License-Identifier: Apache-2.0
 *
 * Replays: verdicts as a policy would have given them, with budgets, history and what people
 * approved as they would have stood at the time; what is reported of them; and lines that are
 * refused.
 */
#include "../policy/policy_check.h"

#include "backtest/backtest.h"

struct replayed {
    struct loading policy, against;
    struct backtest *backtest;
    const struct json *report;
    enum fm_err err;
};

static void replayed_done(struct replayed *r)
{
    backtest_free(r->backtest);
    loading_done(&r->policy);
    loading_done(&r->against);
}

static enum fm_err replay_text(struct replayed *r, const char *lines)
{
    struct ctx *ctx = &r->policy.ctx;
    FILE *file = fmemopen((void *)lines, strlen(lines), "r");
    enum fm_err err = backtest_lines(ctx, file, r->backtest);

    fclose(file);
    return err;
}

/* Replays lines and reads the report. */
static void replay(struct replayed *r, const char *policy, const char *against, int64_t since_us,
                   const char *lines)
{
    static const struct json_limits limits = {.bytes = MIB, .depth = 16, .values = 100000};
    AUTO(buf_done) struct buf text = BUF_INIT(MIB);
    struct json_out out = JSON_OUT(&text);
    struct backtest_options options = {.since_us = since_us};

    load_text(&r->policy, policy);
    EXPECT(r->policy.err == FM_OK, "%s", r->policy.ctx.detail);
    options.policy = r->policy.policy;
    if (against) {
        load_text(&r->against, against);
        options.against = r->against.policy;
    }
    EXPECT(backtest_new(&r->policy.ctx, &options, &r->backtest) == FM_OK, "a run");
    r->err = replay_text(r, lines);
    if (r->err == FM_OK) {
        EXPECT(backtest_write(&r->policy.ctx, &out, r->backtest) == FM_OK, "%s",
               r->policy.ctx.detail);
        EXPECT(json_parse(&r->policy.ctx, arena_copy(r->policy.arena, buf_str(&text)), &limits,
                          &r->report) == FM_OK,
               "%s", r->policy.ctx.detail);
    }
}

/* The value at a pointer of the report, as JSON. */
static struct str at(struct replayed *r, const char *pointer)
{
    AUTO(buf_done) struct buf out = BUF_INIT(64 * KIB);
    const struct json *value = json_at(r->report, str_of(pointer));

    if (value) {
        json_write(&out, value);
    }
    return arena_copy(r->policy.arena, buf_str(&out));
}

#define EXPECT_AT(r, pointer, want) EXPECT_STR(pointer, at(r, pointer), str_of(want))

#define PAY(amount, at, more)                                                                      \
    "{\"action\":\"pay\",\"agent\":\"bot\",\"arguments\":{\"amount\":" amount                      \
    "},\"at\":\"2026-11-20T" at "Z\"" more "}\n"
#define REVIEWED ",\"verdict\":\"review\""
#define DECIDED(verdict, at)                                                                       \
    REVIEWED ",\"decision\":{\"verdict\":\"" verdict "\",\"at\":\"2026-11-20T" at "Z\"}"

static void test_changes(void **state)
{
    AUTO(replayed_done) struct replayed r = {0};

    (void)state;
    replay(&r,
           "version: 1\ndefaults: {then: allow, warm_up: 0, respond_within: 1h}\n"
           "actions: {pay: {effects: [money]}}\n"
           "rules: [{id: large, when: 'args.amount > 50.0', then: review, queue: leads},\n"
           "        {id: never, when: 'args.amount > 5000.0', then: block}]\n",
           NULL, 0,
           PAY("20", "10:00:00", DECIDED("approve", "10:10:00"))
               PAY("30", "10:01:00", DECIDED("reject", "10:10:00"))
                   PAY("60", "10:02:00", DECIDED("approve", "12:00:00"))
                       PAY("70", "10:03:00", ",\"verdict\":\"allow\"")
                           PAY("45", "10:04:00", DECIDED("modify", "10:10:00"))
                               PAY("10", "10:05:00", DECIDED("return", "10:10:00"))
                                   PAY("40", "10:06:00", ""));
    EXPECT(r.err == FM_OK, "%s", r.policy.ctx.detail);
    EXPECT_AT(&r, "/replayed", "7");
    EXPECT_AT(&r, "/compared", "6");
    EXPECT_AT(&r, "/unknown", "1");
    EXPECT_AT(&r, "/verdicts/before",
              "{\"allow\":1,\"block\":0,\"earn\":0,\"refused\":0,\"review\":5}");
    EXPECT_AT(&r, "/verdicts/after",
              "{\"allow\":5,\"block\":0,\"earn\":0,\"refused\":0,\"review\":2}");
    EXPECT_AT(&r, "/changed/loosened", "4");
    EXPECT_AT(&r, "/changed/tightened", "1");
    EXPECT_AT(&r, "/changed/groups/0/direction", "\"loosened\"");
    EXPECT_AT(&r, "/changed/groups/0/decisions",
              "{\"approved\":1,\"modified\":1,\"rejected\":1,\"returned\":1,\"undecided\":0}");
    EXPECT_AT(&r, "/changed/groups/1/rule", "\"large\"");
    EXPECT_AT(&r, "/changed/groups/1/examples", "[\"line 4\"]");
    EXPECT_AT(&r, "/let_through/allowed", "4");
    EXPECT_AT(&r, "/let_through/decided", "3");
    EXPECT_AT(&r, "/let_through/returned", "1");
    EXPECT_AT(&r, "/let_through/errors", "2");
    EXPECT_AT(&r, "/let_through/examples", "[\"line 2\",\"line 5\"]");
    EXPECT_AT(&r, "/reviews/before", "5");
    EXPECT_AT(&r, "/reviews/after", "2");
    EXPECT_AT(&r, "/reviews/queues/1",
              "{\"after\":2,\"before\":0,\"decided\":1,\"examples\":[\"line 3\"],\"late\":1,"
              "\"late_before\":0,\"queue\":\"leads\"}");
    EXPECT_AT(&r, "/rules", "[{\"id\":\"large\",\"matched\":2},{\"id\":\"never\",\"matched\":0}]");
    EXPECT(backtest_matched(r.backtest, 0) == 2 && backtest_matched(r.backtest, 1) == 0, "matches");
}

/* A budget holds what was allowed, gives back what was refused when it was refused, and forgets. */
static void test_budgets(void **state)
{
    AUTO(replayed_done) struct replayed r = {0};

    (void)state;
    replay(
        &r,
        "version: 1\ndefaults: {then: allow, warm_up: 0}\nactions: {pay: {}, mail: {}}\n"
        "rules: [{id: large, when: 'args.amount > 50.0', then: review}]\n"
        "budgets: [{id: day, sum: args.amount, per: agent, window: 1h, limit: 100, then: block}]\n",
        NULL, 0,
        PAY("60", "10:00:00", DECIDED("reject", "10:10:00")) /* held: 60 reserved until 10:10 */
        PAY("50", "10:05:00", ",\"verdict\":\"allow\"")      /* 110: blocked */
        PAY("50", "10:15:00", ",\"verdict\":\"allow\"")      /* 50 */
        PAY("50", "10:20:00", ",\"verdict\":\"allow\"")      /* 100 */
        PAY("1", "10:25:00", ",\"verdict\":\"allow\"")       /* 101: blocked */
        PAY("50", "11:30:00", ",\"verdict\":\"allow\""));    /* the window has passed */
    EXPECT_AT(&r, "/changed/tightened", "2");
    EXPECT_AT(&r, "/changed/groups/0/examples", "[\"line 2\",\"line 5\"]");
    EXPECT_AT(&r, "/changed/groups/0/rule", "\"day\"");
    EXPECT_AT(&r, "/budgets", "[{\"exceeded\":2,\"id\":\"day\"}]");
}

/* History counts what came before; recipients are known once people approved them. */
static void test_past(void **state)
{
    AUTO(replayed_done) struct replayed r = {0};
    AUTO(replayed_done) struct replayed told = {0};
#define MAIL(at, more)                                                                             \
    "{\"action\":\"mail\",\"arguments\":{\"to\":\"bob@x.org\"},\"subject\":\"s\",\"at\":\"2026-"   \
    "11-20T" at "Z\",\"verdict\":\"review\"" more "}\n"

    (void)state;
    replay(
        &r,
        "version: 1\ndefaults: {then: allow, warm_up: 0}\nactions: {pay: {}, mail: {}}\n"
        "rules: [{id: often, when: 'history.agent.count_1h >= 2 || history.agent.sum_24h > 90.0',"
        " then: block}]\n",
        NULL, 0,
        PAY("10", "10:00:00", ",\"verdict\":\"allow\"")
            PAY("10", "10:20:00", ",\"verdict\":\"allow\"")
                PAY("80", "10:40:00", ",\"verdict\":\"allow\"")
                    PAY("80", "11:30:00", ",\"verdict\":\"allow\"")
                        PAY("80", "13:00:00", ",\"verdict\":\"allow\""));
    EXPECT_AT(&r, "/changed/groups/0/examples", "[\"line 3\",\"line 5\"]");
    replay(
        &told,
        "version: 1\ndefaults: {then: allow, warm_up: 0}\nactions: {pay: {}, mail: {}}\n"
        "rules: [{id: told, when: 'unsourced(args, brief.request)', then: review}]\n",
        NULL, 0,
        MAIL("10:00:00", ",\"decision\":{\"verdict\":\"approve\",\"at\":\"2026-11-20T11:00:00Z\"}")
            MAIL("10:30:00", "") MAIL("11:30:00", ""));
    EXPECT_AT(&told, "/changed/groups/0/examples", "[\"line 3\"]");
    EXPECT_AT(&told, "/verdicts/after/review", "2");
}

/* What was drawn or learnt stays as it was; what the new policy turns off does not. */
static void test_recorded(void **state)
{
#define DRAWN                                                                                      \
    "{\"action\":\"tag\",\"arguments\":{},\"assessment\":{\"verdict\":\"review\",\"reasons\":[{"   \
    "\"source\":"                                                                                  \
    "\"spot_check\",\"verdict\":\"review\",\"text\":\"Picked\"}]}}\n"
    AUTO(replayed_done) struct replayed kept = {0};
    AUTO(replayed_done) struct replayed off = {0};

    (void)state;
    replay(&kept, "version: 1\nactions: {tag: {then: allow}}\n", NULL, 0, DRAWN);
    EXPECT_AT(&kept, "/verdicts/after/review", "1");
    replay(&off, "version: 1\ndefaults: {warm_up: 0}\nactions: {tag: {then: allow}}\n", NULL, 0,
           DRAWN);
    EXPECT_AT(&off, "/verdicts/after/allow", "1");
    EXPECT_AT(&off, "/changed/groups/0/rule", "\"spot_check\"");
}

static void test_refused(void **state)
{
    AUTO(replayed_done) struct replayed r = {0};

    (void)state;
    replay(&r,
           "version: 1\nactions:\n  pay: {then: allow, schema: {properties: {amount: {maximum: "
           "50}}}}\n"
           "  tell: {then: allow, brief: {require: [reasoning]}}\n",
           NULL, 0,
           PAY("60", "10:00:00", ",\"verdict\":\"allow\"")
               PAY("50", "10:00:00", ",\"verdict\":\"allow\"") "{\"action\":\"tell\",\"arguments\":"
                                                               "{},\"verdict\":\"allow\"}\n");
    EXPECT_AT(&r, "/verdicts/after/refused", "2");
    EXPECT_AT(&r, "/changed/groups/0/to", "\"refused\"");
    EXPECT_AT(&r, "/changed/groups/0/rule", "\"schema\"");
    EXPECT_AT(&r, "/changed/groups/1/rule", "\"brief\"");
}

/* Beside another policy instead of what is recorded; and only since a time. */
static void test_against(void **state)
{
    AUTO(replayed_done) struct replayed r = {0};
    int64_t since_us;

    (void)state;
    EXPECT(clock_parse(S("2026-11-20T10:30:00Z"), &since_us), "a time");
    replay(&r,
           "version: 1\ndefaults: {then: allow, warm_up: 0}\nactions: {pay: {}, mail: {}}\n"
           "budgets: [{id: day, sum: args.amount, per: agent, window: 24h, limit: 100, then: "
           "block}]\n",
           "version: 1\ndefaults: {then: review}\n", since_us,
           PAY("90", "10:00:00", "") PAY("20", "11:00:00", "") PAY("10", "12:00:00", ""));
    EXPECT_AT(&r, "/compared", "2");
    EXPECT_AT(&r, "/verdicts/before/review", "2");
    EXPECT_AT(&r, "/verdicts/after/block", "1"); /* what came before `since` still counts */
    EXPECT_AT(&r, "/verdicts/after/allow", "1");
}

static void test_lines(void **state)
{
    static const struct {
        const char *name, *lines, *want;
    } rows[] = {
        {"no JSON", "{}\n", "line 1: "},
        {"the second", PAY("1", "10:00:00", "") "{\"action\":1}\n", "line 2: "},
        {"an unknown member", "{\"action\":\"a\",\"argumnts\":{}}\n", "line 1: "},
        {"no time", "{\"action\":\"a\",\"at\":\"noon\"}\n", "line 1: a time wants RFC 3339"},
        {"no verdict", "{\"action\":\"a\",\"verdict\":\"maybe\"}\n", "line 1: verdict wants allow"},
        {"no decision", "{\"action\":\"a\",\"decision\":\"maybe\"}\n",
         "line 1: decision wants approve"},
        {"no agent", "{\"action\":\"a\",\"agent\":{\"id\":\"x\"}}\n", "line 1: agent wants a name"},
        {"two values", "{\"action\":\"a\"} {}\n", "line 1: "},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(replayed_done) struct replayed r = {0};
        replay(&r, "version: 1\n", NULL, 0, rows[i].lines);
        EXPECT(r.err == FM_E_INVALID_ARGUMENT &&
                   strncmp(r.policy.ctx.detail, rows[i].want, strlen(rows[i].want)) == 0,
               "%s: %s", rows[i].name, r.policy.ctx.detail);
    }
}

static bool stop_soon(void *with, uint64_t done, uint64_t total)
{
    (void)with, (void)total;
    return done < 500;
}

static void test_stop(void **state)
{
    AUTO(loading_done) struct loading l = {0};
    AUTO(buf_done) struct buf lines = BUF_INIT(MIB);
    struct backtest_options options = {.progress = stop_soon};
    struct backtest *backtest;
    FILE *file;

    (void)state;
    load_text(&l, "version: 1\n");
    options.policy = l.policy;
    for (int i = 0; i < 2000; i++) {
        buf_lit(&lines, "{\"action\":\"a\"}\n");
    }
    EXPECT(backtest_new(&l.ctx, &options, &backtest) == FM_OK, "a run");
    file = fmemopen((void *)lines.p, lines.n, "r");
    EXPECT(backtest_lines(&l.ctx, file, backtest) == FM_OK, "%s", l.ctx.detail);
    EXPECT(backtest_stopped(backtest) && backtest_replayed(backtest) == 500, "%llu",
           (unsigned long long)backtest_replayed(backtest));
    fclose(file);
    backtest_free(backtest);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes), cmocka_unit_test(test_budgets),
        cmocka_unit_test(test_past),    cmocka_unit_test(test_recorded),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_against),
        cmocka_unit_test(test_lines),   cmocka_unit_test(test_stop),
    };

    crypto_init();
    return CHECK_RUN(tests);
}
