/* SPDX-License-Identifier: Apache-2.0
 *
 * Proposals in the store: every column survives, every move is in the log, no other move is possible.
 */
#include "../store/store_check.h"

#include "proposal/proposal.h"

static struct journal *journal;

SQL(SQL_LEAF, "SELECT entry FROM log_entries WHERE idx = $idx");
SQL(SQL_PREVIOUS, "SELECT previous FROM log_entries WHERE idx = $idx");

static int setup(void **state)
{
    crypto_init();
    if (scene_setup(state) != 0) {
        return -1;
    }
    MUST(journal_open(&scene.ctx, scene.store, S("log.example"), &journal));
    MUST(conn_script(&scene.ctx, scene.conn, "BEGIN"));
    journal_mark(journal);
    return 0;
}

static int teardown(void **state)
{
    MUST(conn_script(&scene.ctx, scene.conn, "ROLLBACK"));
    journal_close(journal);
    journal = NULL;
    return scene_teardown(state);
}

static struct id numbered(uint8_t number)
{
    struct id id = {{number, 1, 2, 3}};

    return id;
}

static struct hash hash_numbered(uint8_t number)
{
    struct hash hash = {{number, 9, 8}};

    return hash;
}

/* A proposal with a different value in every column that an INSERT writes. */
static struct proposal fresh(enum proposal_state first)
{
    return (struct proposal){
        .id = numbered(1),
        .agent = 2,
        .state = first,
        .revision = 4,
        .action = S("refund.issue"),
        .category = S("refunds"),
        .policy = 7,
        .digest = hash_numbered(8),
        .arguments_digest = hash_numbered(9),
        .assessment = S("{\"verdict\":\"review\"}"),
        .created_at = 13,
        .updated_at = 14,
        .queue = S("billing"),
        .first_queue = S("general"),
        .mode = 1,
        .undo_us = 18,
        .respond_within_us = 19,
        .on_expiry = 1,
        .due_at = 21000,
        .escalate_at = 22000,
        .escalations = 23,
        .deadline_at = 24000,
        .repeat_of = numbered(25),
        .verdict = 1,
        .decided_at = 34,
        .decision = numbered(31),
        .decision_leaf = -1,
        .permit = numbered(39),
        .approved_until = 40000,
    };
}

static struct journal_event event(enum journal_kind kind)
{
    return (struct journal_event){
        .kind = kind, .by = {.kind = ACTOR_CLOCK}, .previous = -1, .at_us = 5000000};
}

/* clang-format off */
#define COLUMNS(X)                                                                                 \
    X(row) X(agent) X(state) X(revision) X(policy) X(payload) X(last_leaf) X(created_at)           \
    X(updated_at) X(next_at) X(mode) X(undo_us) X(respond_within_us) X(on_expiry) X(due_at)        \
    X(escalate_at) X(escalations) X(deadline_at) X(claimed_by) X(claimed_at) X(claimed_until)      \
    X(preferred) X(verdict) X(decided_by) X(decided_at) X(via) X(decision_leaf) X(release_at)      \
    X(approved_until) X(redeemed_at) X(outcome) X(outcome_leaf) X(outcome_at)
/* clang-format on */
#define TEXTS(X) X(action) X(category) X(assessment) X(queue) X(first_queue)
#define IDS(X)   X(id) X(repeat_of) X(decision) X(ended_by) X(permit)

static void expect_stored(const char *when, const struct proposal *want)
{
    struct proposal got = {0}, by_row = {0};

    MUST(proposal_find(&scene.ctx, scene.conn, want->id, &got));
    MUST(proposal_find_row(&scene.ctx, scene.conn, want->row, &by_row));
    EXPECT(id_eq(by_row.id, got.id), "%s: by row too", when);
#define X(name)                                                                                    \
    EXPECT((int64_t)got.name == (int64_t)want->name, "%s: %s is %lld, not %lld", when, #name,      \
           (long long)got.name, (long long)want->name);
    COLUMNS(X)
#undef X
#define X(name)                                                                                    \
    EXPECT_STR(#name, got.name, want->name);                                                       \
    EXPECT(!got.name.p == !want->name.p, "%s: %s absent or empty", when, #name);
    TEXTS(X)
#undef X
#define X(name) EXPECT(id_eq(got.name, want->name), "%s: %s", when, #name);
    IDS(X)
#undef X
    EXPECT(hash_eq(got.digest, want->digest), "%s: digest", when);
    EXPECT(hash_eq(got.arguments_digest, want->arguments_digest), "%s: arguments_digest", when);
}

static void test_insert(void **state)
{
    static const enum proposal_state firsts[] = {PROPOSAL_WAITING, PROPOSAL_APPROVED,
                                                 PROPOSAL_BLOCKED};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(firsts); i++) {
        struct proposal p = fresh(firsts[i]);
        p.id = numbered((uint8_t)(100 + i));
        MUST(proposal_insert(&scene.ctx, scene.conn, &p, event(JOURNAL_PROPOSAL_HELD)));
        EXPECT(p.row == (int64_t)i + 1 && p.payload == (int64_t)i && p.last_leaf == (int64_t)i,
               "filled in");
        EXPECT(p.decision_leaf == (firsts[i] == PROPOSAL_APPROVED ? (int64_t)i : -1),
               "an approval by policy is decided by its first leaf");
        expect_stored(proposal_state_name(firsts[i]), &p);
    }
}

static void test_insert_bare(void **state)
{
    struct proposal p = {.id = numbered(1),
                         .agent = 2,
                         .state = PROPOSAL_WAITING,
                         .revision = 1,
                         .action = S("a"),
                         .category = S("a"),
                         .assessment = S("{}"),
                         .decision_leaf = -1};

    (void)state;
    MUST(proposal_insert(&scene.ctx, scene.conn, &p, event(JOURNAL_PROPOSAL_HELD)));
    expect_stored("with nothing but what it needs", &p);
    EXPECT(proposal_insert(&scene.ctx, scene.conn, &p, event(JOURNAL_PROPOSAL_HELD)) == FM_E_EXISTS,
           "an id twice");
}

/* Changes every column that an UPDATE writes. */
static void test_update(void **state)
{
    struct proposal p = fresh(PROPOSAL_WAITING);

    (void)state;
    MUST(proposal_insert(&scene.ctx, scene.conn, &p, event(JOURNAL_PROPOSAL_HELD)));
    p.revision = 104;
    p.policy = 107;
    p.digest = hash_numbered(108);
    p.arguments_digest = hash_numbered(109);
    p.assessment = S("{\"verdict\":\"earn\"}");
    p.queue = S("leads");
    p.first_queue = S("first");
    p.mode = 2;
    p.undo_us = 118;
    p.respond_within_us = 119;
    p.on_expiry = 0;
    p.due_at = 121000;
    p.escalate_at = 122000;
    p.escalations = 123;
    p.deadline_at = 124000;
    p.claimed_by = 126;
    p.claimed_at = 127;
    p.claimed_until = 128;
    p.preferred = 129;
    p.decision = numbered(130);
    p.verdict = 2;
    p.decided_by = 132;
    p.decided_at = 133;
    p.via = 2;
    p.decision_leaf = 0;
    p.release_at = 136;
    p.ended_by = numbered(137);
    p.permit = numbered(138);
    p.approved_until = 139;
    p.redeemed_at = 140;
    p.outcome = 3;
    p.outcome_leaf = 142;
    p.outcome_at = 143;
    MUST(proposal_save(&scene.ctx, scene.conn, &p, event(JOURNAL_KIND_COUNT)));
    EXPECT(p.updated_at == 14 && p.last_leaf == 0, "no event: no leaf, no new time");
    expect_stored("saved", &p);
    p.mode = p.undo_us = p.claimed_by = p.verdict = p.outcome = p.escalate_at = 0;
    p.decision = p.ended_by = p.permit = (struct id){{0}};
    p.queue = p.first_queue = STR_NONE;
    p.decision_leaf = -1;
    MUST(proposal_save(&scene.ctx, scene.conn, &p, event(JOURNAL_PROPOSAL_ESCALATED)));
    EXPECT(p.updated_at == 5000000 && p.last_leaf == 1, "an event: a leaf and a new time");
    expect_stored("emptied again", &p);
}

static void test_move(void **state)
{
    struct proposal p = fresh(PROPOSAL_WAITING);
    int64_t previous;
    struct store_rows *rows;
    const struct json *entry;
    char id[ID_TEXT_MAX];

    (void)state;
    MUST(proposal_insert(&scene.ctx, scene.conn, &p, event(JOURNAL_PROPOSAL_HELD)));
    MUST(proposal_move(&scene.ctx, scene.conn, &p, PROPOSAL_CLAIMED,
                       event(JOURNAL_PROPOSAL_CLAIMED), 0));
    MUST(proposal_move(&scene.ctx, scene.conn, &p, PROPOSAL_RETURNED,
                       event(JOURNAL_PROPOSAL_DECIDED), PROPOSAL_REFER_DECISION));
    EXPECT(p.decision_leaf == 2 && p.payload == 0 && p.outcome_leaf == 0,
           "what refers to the decision");
    MUST(proposal_move(&scene.ctx, scene.conn, &p, PROPOSAL_WAITING,
                       event(JOURNAL_PROPOSAL_REVISED), PROPOSAL_REFER_PAYLOAD));
    EXPECT(p.payload == 3 && p.decision_leaf == 2, "what refers to the content");
    MUST(proposal_move(&scene.ctx, scene.conn, &p, PROPOSAL_APPROVED,
                       event(JOURNAL_PROPOSAL_DECIDED), 0));
    MUST(proposal_move(&scene.ctx, scene.conn, &p, PROPOSAL_SETTLED,
                       event(JOURNAL_PROPOSAL_OUTCOME), PROPOSAL_REFER_OUTCOME));
    EXPECT(p.outcome_leaf == 5 && p.last_leaf == 5, "what refers to the outcome");
    expect_stored("moved", &p);
    for (int64_t leaf = 5; leaf > 0; leaf--) {
        MUST(store_int(&scene.ctx, scene.conn, &SQL_PREVIOUS, ARGS(A_INT("$idx", leaf)), -1,
                       &previous));
        EXPECT(previous == leaf - 1, "leaf %lld points to the one before", (long long)leaf);
    }
    MUST(store_query(&scene.ctx, scene.conn, &SQL_LEAF, ARGS(A_INT("$idx", 5)), &rows));
    assert_true(rows_next(&scene.ctx, rows));
    MUST(json_parse(&scene.ctx, rows_bytes(rows, 0), &JSON_LIMITS_WIRE, &entry));
    EXPECT_STR("names it", json_text(json_get(entry, S("proposal"))),
               id_format(ID_PROPOSAL, p.id, id));
    rows_done(rows);
}

struct wrong_move {
    enum proposal_state from, to;
};

static void move_wrongly(void *with)
{
    const struct wrong_move *move = with;
    struct proposal p = fresh(PROPOSAL_WAITING);

    if (proposal_insert(&scene.ctx, scene.conn, &p, event(JOURNAL_PROPOSAL_HELD)) == FM_OK) {
        p.state = move->from;
        _exit((int)proposal_move(&scene.ctx, scene.conn, &p, move->to, event(JOURNAL_PROPOSAL_DECIDED),
                            0));
    }
}

static void test_wrong_moves(void **state)
{
    static const struct wrong_move rows[] = {
        {PROPOSAL_REJECTED, PROPOSAL_APPROVED}, {PROPOSAL_EXPIRED, PROPOSAL_APPROVED},
        {PROPOSAL_REDEEMED, PROPOSAL_REDEEMED}, {PROPOSAL_BLOCKED, PROPOSAL_WAITING},
        {PROPOSAL_WAITING, PROPOSAL_SETTLED},
    };
    struct wrong_move good = {PROPOSAL_WAITING, PROPOSAL_CLAIMED};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct wrong_move move = rows[i];
        EXPECT(check_panics(move_wrongly, &move), "%s to %s", proposal_state_name(move.from),
               proposal_state_name(move.to));
    }
    EXPECT(!check_panics(move_wrongly, &good), "a move that the table has");
}

static void insert_wrongly(void *with)
{
    struct proposal p = fresh(PROPOSAL_REDEEMED);

    (void)with;
    _exit((int)proposal_insert(&scene.ctx, scene.conn, &p, event(JOURNAL_PROPOSAL_HELD)));
}

static void test_wrong_beginning(void **state)
{
    (void)state;
    EXPECT(check_panics(insert_wrongly, NULL), "no proposal begins redeemed");
}

/* When the clock must look again, by state. Of the moments of `fresh`: due 21, escalate 22, deadline 24. */
static const struct {
    const char *name;
    enum proposal_state state;
    int64_t on_expiry, due, escalate, deadline, claimed_until, release, approved_until, next;
} moments[] = {
    {"the due time", PROPOSAL_WAITING, 0, 21, 22, 24, 0, 0, 0, 21},
    {"the escalation", PROPOSAL_WAITING, 0, 21, 20, 24, 0, 0, 0, 20},
    {"the deadline", PROPOSAL_WAITING, 0, 21, 22, 3, 0, 0, 0, 3},
    {"kept on expiry: the due time does not count", PROPOSAL_WAITING, 1, 21, 0, 0, 0, 0, 0, 0},
    {"kept, but the agent's deadline does", PROPOSAL_WAITING, 1, 21, 0, 24, 0, 0, 0, 24},
    {"the end of a claim", PROPOSAL_CLAIMED, 0, 21, 22, 24, 5, 0, 0, 5},
    {"a claim does not stop the due time", PROPOSAL_CLAIMED, 0, 21, 22, 24, 50, 0, 0, 21},
    {"the release", PROPOSAL_UNDO, 0, 21, 22, 24, 5, 9, 0, 9},
    {"an undo time does not stop the deadline", PROPOSAL_UNDO, 0, 21, 22, 8, 5, 9, 0, 8},
    {"returned: only the deadline", PROPOSAL_RETURNED, 0, 21, 22, 24, 5, 9, 0, 24},
    {"approved: until the approval ends", PROPOSAL_APPROVED, 0, 21, 22, 24, 5, 9, 40, 40},
    {"redeemed: never", PROPOSAL_REDEEMED, 0, 21, 22, 24, 5, 9, 40, 0},
    {"settled: never", PROPOSAL_SETTLED, 0, 21, 22, 24, 5, 9, 40, 0},
    {"rejected: never", PROPOSAL_REJECTED, 0, 21, 22, 24, 5, 9, 40, 0},
    {"expired: never", PROPOSAL_EXPIRED, 0, 21, 22, 24, 5, 9, 40, 0},
    {"withdrawn: never", PROPOSAL_WITHDRAWN, 0, 21, 22, 24, 5, 9, 40, 0},
};

static void test_moments(void **state)
{
    struct proposal p = fresh(PROPOSAL_WAITING);
    int64_t next, due[4];
    size_t count;

    (void)state;
    MUST(proposal_insert(&scene.ctx, scene.conn, &p, event(JOURNAL_PROPOSAL_HELD)));
    for (size_t i = 0; i < COUNT_OF(moments); i++) {
        p.state = moments[i].state;
        p.on_expiry = moments[i].on_expiry;
        p.due_at = moments[i].due;
        p.escalate_at = moments[i].escalate;
        p.deadline_at = moments[i].deadline;
        p.claimed_until = moments[i].claimed_until;
        p.release_at = moments[i].release;
        p.approved_until = moments[i].approved_until;
        MUST(proposal_save(&scene.ctx, scene.conn, &p, event(JOURNAL_KIND_COUNT)));
        EXPECT(p.next_at == moments[i].next, "%s: %lld", moments[i].name, (long long)p.next_at);
        MUST(proposal_next_due(&scene.ctx, scene.conn, &next));
        EXPECT(next == moments[i].next, "%s: in the store", moments[i].name);
        MUST(proposal_due(&scene.ctx, scene.conn, moments[i].next - 1, 4, due, &count));
        EXPECT(count == 0, "%s: not a moment too early", moments[i].name);
        MUST(proposal_due(&scene.ctx, scene.conn, moments[i].next ? moments[i].next : INT64_MAX, 4,
                          due, &count));
        EXPECT(count == (moments[i].next ? 1 : 0), "%s: at the moment", moments[i].name);
    }
}

static void test_due_order(void **state)
{
    int64_t due[3];
    size_t count;

    (void)state;
    for (uint8_t i = 0; i < 5; i++) {
        struct proposal p = fresh(PROPOSAL_WAITING);
        p.id = numbered(i);
        p.deadline_at = 1000 - i;
        MUST(proposal_insert(&scene.ctx, scene.conn, &p, event(JOURNAL_PROPOSAL_HELD)));
    }
    MUST(proposal_due(&scene.ctx, scene.conn, 2000, 3, due, &count));
    EXPECT(count == 3 && due[0] == 5 && due[1] == 4 && due[2] == 3,
           "the most urgent first, no more");
}

static void test_unknown(void **state)
{
    struct proposal p = fresh(PROPOSAL_WAITING), found;

    (void)state;
    EXPECT(proposal_find(&scene.ctx, scene.conn, numbered(77), &found) == FM_E_NOT_FOUND,
           "no such id");
    EXPECT(proposal_find_row(&scene.ctx, scene.conn, 77, &found) == FM_E_NOT_FOUND, "no such row");
    MUST(proposal_insert(&scene.ctx, scene.conn, &p, event(JOURNAL_PROPOSAL_HELD)));
    MUST(conn_script(&scene.ctx, scene.conn, "UPDATE proposals SET state = 99"));
    EXPECT(proposal_find(&scene.ctx, scene.conn, p.id, &found) == FM_E_INTERNAL,
           "an unknown state");
    MUST(conn_script(&scene.ctx, scene.conn, "UPDATE proposals SET state = -1"));
    EXPECT(proposal_find(&scene.ctx, scene.conn, p.id, &found) == FM_E_INTERNAL, "a negative one");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_insert),    TEST(test_insert_bare), TEST(test_update),
        TEST(test_move),      TEST(test_wrong_moves), TEST(test_moments),
        TEST(test_due_order), TEST(test_unknown),     TEST(test_wrong_beginning),
    };

    return CHECK_RUN(tests);
}
