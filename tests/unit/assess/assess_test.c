/* SPDX-License-Identifier: Apache-2.0
 *
 * The assessment: which verdict and which reasons a policy leads to, that reasons only ever make it
 * stricter (invariant 7), and how it is written.
 */
#include "../policy/policy_check.h"

#include "assess/assess.h"

#define POLICY(defaults, unknown)                                                                  \
    "version: 1\n"                                                                                 \
    "defaults: {then: " defaults ", mode: read, undo: 5s, respond_within: 1h, on_expiry: keep,"    \
    "           valid_for: 2h}\n"                                                                  \
    "unknown_actions: " unknown "\n"                                                               \
    "queues: {general: {members: [ana]}, billing: {members: [ben]}}\n"                             \
    "actions:\n"                                                                                   \
    "  a.allow: {then: allow}\n"                                                                   \
    "  a.earn: {then: earn}\n"                                                                     \
    "  a.review: {then: review, queue: billing, effects: [money]}\n"                               \
    "  a.block: {then: block}\n"                                                                   \
    "  a.silent: {}\n"

static void assess_text(struct loading *l, const char *action, struct assessment *out)
{
    enum fm_err err;

    EXPECT(l->policy, "%s", l->ctx.detail);
    err =
        assess(&l->ctx, &(struct assess_input){.policy = l->policy, .action = str_of(action)}, out);
    EXPECT(err == FM_OK, "%s: %s", action, l->ctx.detail);
}

/* "verdict; source verdict: text; ..." */
static struct str told(struct loading *l, const struct assessment *a)
{
    AUTO(buf_done) struct buf out = BUF_INIT(64 * KIB);

    buf_printf(&out, "%s", verdict_name(a->verdict));
    for (size_t i = 0; i < a->reason_count; i++) {
        buf_printf(&out, "; %s %s: %.*s", a->reasons[i].source, verdict_name(a->reasons[i].verdict),
                   STR_ARG(a->reasons[i].text));
    }
    return arena_copy(l->arena, buf_str(&out));
}

static void test_verdicts(void **state)
{
    static const struct {
        const char *name, *yaml, *action, *want;
    } rows[] = {
        {"allow", POLICY("block", "block"), "a.allow",
         "allow; catalogue allow: The catalogue says allow for a.allow"},
        {"earn has a second reason", POLICY("allow", "block"), "a.earn",
         "earn; catalogue earn: The catalogue says earn for a.earn; autonomy earn: Reviewed until "
         "this agent has earned autonomy in a.earn"},
        {"review", POLICY("allow", "block"), "a.review",
         "review; catalogue review: The catalogue says review for a.review"},
        {"block", POLICY("allow", "review"), "a.block",
         "block; catalogue block: The catalogue says block for a.block"},
        {"silent under allow", POLICY("allow", "block"), "a.silent",
         "allow; catalogue allow: The catalogue leaves a.silent open; the defaults say allow"},
        {"silent under earn", POLICY("earn", "block"), "a.silent",
         "earn; catalogue earn: The catalogue leaves a.silent open; the defaults say earn; "
         "autonomy "
         "earn: Reviewed until this agent has earned autonomy in a.silent"},
        {"silent under block", POLICY("block", "review"), "a.silent",
         "block; catalogue block: The catalogue leaves a.silent open; the defaults say block"},
        {"unknown is reviewed, whatever the defaults allow", POLICY("allow", "review"),
         "ticket.close", "review; catalogue review: ticket.close is not in the catalogue"},
        {"unknown is blocked", POLICY("allow", "block"), "ticket.close",
         "block; catalogue block: ticket.close is not in the catalogue"},
        {"unknown in a silent policy", "version: 1\n", "ticket.close",
         "review; catalogue review: ticket.close is not in the catalogue"},
        {"a name that begins like one", POLICY("allow", "block"), "a.allowed",
         "block; catalogue block: a.allowed is not in the catalogue"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(loading_done) struct loading l = {0};
        struct assessment a;
        load_text(&l, rows[i].yaml);
        assess_text(&l, rows[i].action, &a);
        EXPECT_STR(rows[i].name, told(&l, &a), str_of(rows[i].want));
    }
}

static void test_obligations(void **state)
{
    static const struct {
        const char *action, *queue;
        bool known;
        unsigned effects;
    } rows[] = {
        {"a.review", "billing", true, 1u << EFFECT_MONEY},
        {"a.allow", "general", true, 0},
        {"ticket.close", "general", false, 0},
    };
    AUTO(loading_done) struct loading l = {0};

    (void)state;
    load_text(&l, POLICY("earn", "review"));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct assessment a;
        assess_text(&l, rows[i].action, &a);
        EXPECT_STR(rows[i].action, a.queue, str_of(rows[i].queue));
        EXPECT_STR(rows[i].action, a.category, str_of(rows[i].action));
        EXPECT((a.action != NULL) == rows[i].known && a.effects == rows[i].effects, "%s",
               rows[i].action);
        EXPECT(a.mode == MODE_READ && a.on_expiry == ON_EXPIRY_KEEP, "%s", rows[i].action);
        EXPECT(a.undo_us == 5 * SECOND_US && a.respond_within_us == HOUR_US &&
                   a.valid_for_us == 2 * HOUR_US,
               "%s", rows[i].action);
    }
}

/* The category outlives the request's text. */
static void test_borrows_nothing(void **state)
{
    AUTO(loading_done) struct loading l = {0};
    char name[] = "ticket.close";
    struct assessment a;

    (void)state;
    load_text(&l, "version: 1\n");
    assess_text(&l, name, &a);
    name[0] = 'X';
    EXPECT_STR("category", a.category, S("ticket.close"));
}

static struct assess_reason reason(enum verdict verdict)
{
    return (struct assess_reason){.source = "pause", .verdict = verdict, .text = STR("Paused")};
}

/* Invariant 7: in whatever order reasons come, the verdict is the strictest, and never goes down.
 * */
static void test_monotone(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 256; bits++) { /* four reasons of two bits */
        struct assessment a = {.verdict = VERDICT_ALLOW};
        enum verdict strictest = VERDICT_ALLOW;
        for (unsigned i = 0; i < 4; i++) {
            enum verdict next = (enum verdict)(bits >> (2 * i) & 3), before = a.verdict;
            assess_add(&a, reason(next));
            strictest = next > strictest ? next : strictest;
            EXPECT(a.verdict == strictest && a.verdict >= before, "order %u, reason %u", bits, i);
        }
        EXPECT(a.reason_count == 4, "order %u", bits);
    }
}

static void test_too_many(void **state)
{
    struct assessment a = {.verdict = VERDICT_ALLOW};
    const struct assess_reason *last = &a.reasons[ASSESS_REASONS_MAX - 1];

    (void)state;
    for (size_t i = 0; i < ASSESS_REASONS_MAX; i++) {
        assess_add(&a, reason(VERDICT_ALLOW));
    }
    EXPECT_STR("all are kept", last->text, S("Paused"));
    assess_add(&a, reason(VERDICT_BLOCK));
    assess_add(&a, reason(VERDICT_REVIEW));
    EXPECT(a.reason_count == ASSESS_REASONS_MAX, "%zu", a.reason_count);
    EXPECT(a.verdict == VERDICT_BLOCK && last->verdict == VERDICT_BLOCK, "what is left out counts");
    EXPECT_STR("and is said", last->text, S("There are more reasons than fit here"));
}

static void test_write(void **state)
{
    struct assessment a = {.verdict = VERDICT_ALLOW};
    AUTO(buf_done) struct buf text = BUF_INIT(4 * KIB);
    struct json_out out = JSON_OUT(&text);

    (void)state;
    assess_add(&a, reason(VERDICT_REVIEW));
    assess_add(&a,
               (struct assess_reason){
                   .source = "rule",
                   .verdict = VERDICT_EARN,
                   .rule = STR("money-out"),
                   .pointer = STR("/arguments/amount"),
                   .text = STR("Above \"50\""),
                   .values = STR("[{\"expression\":\"args.amount\",\"value\":74.5}]")});
    assess_write(&out, &a);
    EXPECT_STR("all members, sorted", buf_str(&text),
               S("{\"reasons\":[{\"source\":\"pause\",\"text\":\"Paused\",\"verdict\":\"review\"},"
                 "{\"pointer\":\"/arguments/amount\",\"rule\":\"money-out\",\"source\":\"rule\","
                 "\"text\":\"Above "
                 "\\\"50\\\"\",\"values\":[{\"expression\":\"args.amount\",\"value\":74.5}],"
                 "\"verdict\":\"earn\"}],\"verdict\":\"review\"}"));
}

#define STORED(more, verdict)                                                                      \
    S("{\"reasons\":[{\"source\":\"pause\",\"text\":\"Paused\",\"verdict\":\"earn\"}" more              \
      "],\"verdict\":\"" verdict "\"}")

/* What was said stays, what is said again is not said twice, and the strictest counts. */
static void test_add_stored(void **state)
{
    AUTO(arena_done) struct arena *arena = arena_new(MIB);
    const struct assess_reason added[] = {
        reason(VERDICT_EARN),
        {.source = "catalogue", .text = STR("Fine")},
        {.source = "rule", .verdict = VERDICT_REVIEW, .rule = STR("r"), .text = STR("Paused")},
        {.source = "rule", .rule = STR("e"), .text = STR("No"), .verdict = VERDICT_BLOCK,
         .edited = true},
    };
    struct str json = STORED("", "earn"), agents;
    struct ctx ctx;

    (void)state;
    ctx_init(&ctx, arena);
    for (int i = 0; i < 2; i++) {
        EXPECT(assess_add_stored(&ctx, &json, added, COUNT_OF(added)) == FM_OK, "%s", ctx.detail);
        EXPECT_STR("what is new", json,
                   STORED(",{\"rule\":\"r\",\"source\":\"rule\",\"text\":\"Paused\","
                          "\"verdict\":\"review\"},{\"edited\":true,\"rule\":\"e\",\"source\":"
                          "\"rule\",\"text\":\"With a reviewer's edit: No\",\"verdict\":\"block\"}",
                          "block"));
    }
    EXPECT(assess_has_edited(json) && !assess_has_edited(STORED("", "earn")), "marked");
    EXPECT(assess_without_edited(&ctx, json, &agents) == FM_OK, "%s", ctx.detail);
    EXPECT_STR("to agents", agents,
               STORED(",{\"rule\":\"r\",\"source\":\"rule\",\"text\":\"Paused\","
                      "\"verdict\":\"review\"}",
                      "review"));
}

/* New ones push the last ones out, never each other nor the first. */
static void test_add_stored_many(void **state)
{
    AUTO(arena_done) struct arena *arena = arena_new(MIB);
    struct assess_reason added[ASSESS_REASONS_MAX];
    struct str json = STORED("", "earn");
    const struct json *tree, *reasons;
    struct ctx ctx;

    (void)state;
    ctx_init(&ctx, arena);
    for (size_t i = 0; i < COUNT_OF(added); i++) {
        added[i] = reason(VERDICT_REVIEW);
        added[i].rule = arena_printf(arena, "r%zu", i);
    }
    EXPECT(assess_add_stored(&ctx, &json, added, COUNT_OF(added)) == FM_OK, "%s", ctx.detail);
    EXPECT(json_parse(&ctx, json, &JSON_LIMITS_WIRE, &tree) == FM_OK, "%s", ctx.detail);
    reasons = json_get(tree, S("reasons"));
    EXPECT(reasons->count == ASSESS_REASONS_MAX, "%u", reasons->count);
    EXPECT(!json_get(&reasons->as.items[0], S("rule")), "the first is that of before");
    EXPECT_STR("the last", json_text(json_get(&reasons->as.items[31], S("rule"))), S("r30"));
}

/* Every amount of memory that is too small fails cleanly. */
static void test_short_memory(void **state)
{
    AUTO(loading_done) struct loading l = {0};
    enum fm_err err = FM_E_OVERLOADED;

    (void)state;
    load_text(&l, POLICY("earn", "review"));
    for (size_t bytes = 0; err != FM_OK; bytes += 16) {
        struct arena *arena = arena_new(bytes);
        struct assessment a;
        struct ctx ctx;
        ctx_init(&ctx, arena);
        err = assess(&ctx, &(struct assess_input){.policy = l.policy, .action = S("a.silent")}, &a);
        EXPECT(err == FM_OK || err == FM_E_OVERLOADED, "%zu bytes", bytes);
        EXPECT(bytes < 4096, "it works at last");
        arena_free(arena);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add_stored),      cmocka_unit_test(test_add_stored_many),
        cmocka_unit_test(test_verdicts),        cmocka_unit_test(test_obligations),
        cmocka_unit_test(test_borrows_nothing), cmocka_unit_test(test_monotone),
        cmocka_unit_test(test_too_many),        cmocka_unit_test(test_write),
        cmocka_unit_test(test_short_memory),
    };

    crypto_init();
    return CHECK_RUN(tests);
}
