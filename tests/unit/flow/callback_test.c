/* SPDX-License-Identifier: Apache-2.0
 *
 * When a callback is written: with the change after which agents no longer read `pending`, in its
 * transaction (invariant 1), and only where one was asked for.
 */
#include "story.h"

#define CALLBACK ",\"callback\":{\"url\":\"https://hooks.example/x\"}"
#define TRACE    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

SQL(SQL_ROWS, "SELECT count(*) FROM outbox");
SQL(SQL_TYPES, "SELECT group_concat(type || '/' || json_extract(body, '$.data.status') || '/' ||"
               " coalesce(json_extract(body, '$.data.verdict'), '-'), ' ') FROM"
               " (SELECT * FROM outbox ORDER BY row)");
/* rows that are not their proposal's newest leaf: another event, or one that does not exist */
SQL(SQL_STRANGE, "SELECT count(*) FROM outbox WHERE trace IS NOT '" TRACE "'"
                 " OR host <> 'hooks.example' OR json_extract(body, '$.id') IS NULL");

static void expect_types(const char *when, const char *want)
{
    struct store_rows *rows;

    ctx_clear(&world.ctx);
    OK(store_query(&world.ctx, story.reader, &SQL_TYPES, NO_ARGS, &rows));
    EXPECT(rows_next(&world.ctx, rows), "a row");
    EXPECT_STR(when, rows_bytes(rows, 0), str_of(want));
    rows_done(rows);
}

static struct proposal held_with_callback(void)
{
    struct proposal p;
    struct story_cmd c;

    story_prepare(&c, story.bot, "{\"action\":\"refund.issue\",\"arguments\":{}" CALLBACK "}");
    c.submission.submission.trace = S(TRACE);
    OK(story_do(&c));
    p = c.out;
    EXPECT(p.state == PROPOSAL_WAITING, "held");
    return p;
}

static void test_ends(void **state)
{
    struct proposal p = held_with_callback();

    (void)state;
    OK(claim(story.ana, &p));
    OK(decide(story.ana, &p, DECISION_APPROVE));
    expect_types("agents still read `pending`", "");
    OK(undo(story.ana, &p));
    OK(decide(story.ana, &p, DECISION_APPROVE));
    expect_types("nor now", "");
    pass(5 * SECOND_US, &p);
    expect_types("released", "proposal.released/approved/approve");
    OK(by_agent_do(OUTCOME, story.bot, &p));
    p = held_with_callback();
    OK(decide(story.ana, &p, DECISION_RETURN));
    OK(revise(story.bot, &p, "{\"arguments\":{\"amount\":1}}"));
    OK(decide(story.ana, &p, DECISION_REJECT));
    p = held_with_callback();
    pass(4 * HOUR_US, &p);
    p = held_with_callback();
    OK(withdraw(story.bot, &p));
    expect_types("all ends",
                 "proposal.released/approved/approve proposal.returned/returned/return"
                 " proposal.released/rejected/reject proposal.expired/expired/-"
                 " proposal.withdrawn/withdrawn/-");
    EXPECT(world_count(&SQL_STRANGE) == 0, "with the trace, to the host");
}

/* What leaves another status than `pending` was told before. */
static void test_once(void **state)
{
    struct proposal p = held_with_callback();

    (void)state;
    OK(decide(story.ana, &p, DECISION_RETURN));
    OK(withdraw(story.bot, &p));
    p = held_with_callback();
    OK(decide(story.ana, &p, DECISION_APPROVE));
    pass(5 * SECOND_US, &p);
    pass(25 * HOUR_US, &p);
    EXPECT(p.state == PROPOSAL_EXPIRED, "an approval that nobody used");
    expect_types("each once",
                 "proposal.returned/returned/return proposal.released/approved/approve");
}

static void test_without(void **state)
{
    struct proposal p = held();

    (void)state;
    OK(withdraw(story.bot, &p));
    OK(submit(story.bot, "{\"action\":\"auto.go\",\"arguments\":{}" CALLBACK "}", &p));
    OK(submit(story.bot, "{\"action\":\"no.way\",\"arguments\":{}" CALLBACK "}", &p));
    EXPECT(world_count(&SQL_ROWS) == 0, "nobody asked, or nobody waited");
}

/* A command that withdraws and then fails: neither has happened. */
static void test_undone(void **state)
{
    struct proposal p = held_with_callback();
    struct story_cmd c;
    char id[ID_TEXT_MAX];
    const char *body;

    (void)state;
    body = arena_printf(world.arena,
                        "{\"action\":\"refund.issue\",\"arguments\":{},\"supersedes\":\"%s\"}",
                        id_format(ID_PROPOSAL, p.id, id).p)
               .p;
    story_prepare(&c, story.bot, body);
    c.deed = SUBMIT_THEN_FAIL;
    REFUSED(story_do(&c), FM_E_FORBIDDEN);
    EXPECT(world_count(&SQL_ROWS) == 0, "no row for what did not happen");
    story_prepare(&c, story.bot, body);
    OK(story_do(&c));
    expect_types("superseded", "proposal.withdrawn/withdrawn/-");
}

int main(void)
{
    const struct CMUnitTest tests[] = {STORY_TEST(test_ends), STORY_TEST(test_once),
                                       STORY_TEST(test_without), STORY_TEST(test_undone)};

    return CHECK_RUN(tests);
}
