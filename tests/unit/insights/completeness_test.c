/* SPDX-License-Identifier: Apache-2.0
 *
 * Who decided what demanded a person, in which roles at that time, or why nobody did; in pages; and
 * what an insider's leaves would look like.
 */
#include "evidence_world.h"

#define ITEMS_MAX 40

struct seen {
    struct id proposal;
    const char *status, *why;
    char who[PEOPLE_NAME_MAX + 1];
    bool lacks_person, may_decide, has_problem;
};

static struct seen seen[ITEMS_MAX];
static size_t seen_count;

static enum fm_err look(void *with, const struct completeness_item *item)
{
    struct seen *row = &seen[seen_count++];

    (void)with;
    EXPECT(seen_count <= ITEMS_MAX, "not more");
    *row = (struct seen){.proposal = item->proposal,
                         .status = item->status,
                         .why = item->why_none,
                         .lacks_person = item->lacks_person,
                         .may_decide = item->record && item->record->may_decide,
                         .has_problem = item->problem.p != NULL};
    if (item->record && item->record->name.p) {
        (void)snprintf(row->who, sizeof(row->who), "%.*s", STR_ARG(item->record->name));
    }
    return FM_OK;
}

/* All pages of a period, of `page` items each. */
static void report(int64_t from_us, int64_t to_us, size_t page)
{
    struct completeness_query query = {.from_us = from_us, .to_us = to_us, .items_max = page};
    struct completeness_answer answer = {.is_last = false};

    seen_count = 0;
    while (!answer.is_last) {
        size_t before = seen_count;
        OK(insights_completeness(&world.ctx, story.reader, &query, look, NULL, &answer));
        EXPECT(seen_count - before <= page, "a page of %zu", page);
        query.after = answer.last;
    }
}

static const struct seen *row_of(const struct proposal *p)
{
    for (size_t i = 0; i < seen_count; i++) {
        if (id_eq(seen[i].proposal, p->id)) {
            return &seen[i];
        }
    }
    return NULL;
}

static void expect(const struct proposal *p, const char *status, const char *who, const char *why)
{
    const struct seen *row = row_of(p);

    EXPECT(row, "%s is in the report", status);
    EXPECT(strcmp(row->status, status) == 0, "%s: %s", status, row->status);
    EXPECT(strcmp(row->who, who) == 0, "%s: by %s", status, row->who);
    EXPECT((why == NULL) == (row->why == NULL) && (!why || strcmp(why, row->why) == 0), "%s: %s",
           status, row->why ? row->why : "-");
    EXPECT(!row->lacks_person && !row->has_problem, "%s", status);
    EXPECT(!who[0] || row->may_decide, "%s had a role to", who);
}

#define ALL 0, INT64_MAX

static void test_everybody(void **state)
{
    struct proposal approved = full_story(), rejected = held(), returned = held(), pending = held();
    struct proposal gone = held(), superseded = held(), undone = held(), by_policy, blocked, next;
    struct proposal late = held();
    char id[ID_TEXT_MAX];

    (void)state;
    OK(decide(story.ben, &rejected, DECISION_REJECT));
    OK(decide(story.ana, &returned, DECISION_RETURN));
    OK(withdraw(story.bot, &gone));
    OK(decide(story.ana, &undone, DECISION_APPROVE));
    OK(undo(story.ana, &undone));
    OK(submit(story.bot,
              arena_printf(world.arena,
                           "{\"action\":\"refund.issue\",\"arguments\":{},\"supersedes\":\"%.*s\"}",
                           STR_ARG(id_format(ID_PROPOSAL, superseded.id, id)))
                  .p,
              &next));
    OK(submit(story.bot, "{\"action\":\"auto.go\",\"arguments\":{}}", &by_policy));
    OK(submit(story.bot, "{\"action\":\"no.way\",\"arguments\":{}}", &blocked));
    report(ALL, 100);
    EXPECT(seen_count == 9, "%zu demanded a person", seen_count);
    expect(&approved, "approved", "ana", NULL);
    expect(&rejected, "rejected", "ben", NULL);
    expect(&returned, "returned", "ana", NULL);
    expect(&pending, "pending", "", "pending");
    expect(&gone, "withdrawn", "", "withdrawn");
    expect(&superseded, "withdrawn", "", "superseded");
    expect(&undone, "pending", "", "pending");
    EXPECT(!row_of(&by_policy) && !row_of(&blocked), "nobody was to be asked");
    pass(4 * HOUR_US, NULL);
    report(ALL, 100);
    expect(&late, "expired", "", "expired");
}

static void test_pages_and_periods(void **state)
{
    struct proposal first[5], second[4];
    int64_t begin, middle;

    (void)state;
    story_advance(DAY_US); /* ids rise with time, also over the tests before */
    begin = story.now_us;
    for (size_t i = 0; i < COUNT_OF(first); i++) {
        first[i] = held();
    }
    story_advance(HOUR_US);
    middle = story.now_us;
    for (size_t i = 0; i < COUNT_OF(second); i++) {
        second[i] = held();
    }
    for (size_t page = 1; page < 12; page++) {
        report(ALL, page);
        EXPECT(seen_count == 9, "pages of %zu: %zu", page, seen_count);
    }
    report(begin, middle, 3);
    EXPECT(seen_count == 5 && row_of(&first[0]) && !row_of(&second[0]), "before the hour");
    report(middle, middle + 1, 3);
    EXPECT(seen_count == 4 && !row_of(&first[4]) && row_of(&second[3]), "in that moment");
    report(middle + 1, INT64_MAX, 3);
    EXPECT(seen_count == 0, "behind it");
}

/* More proposals than one call examines. */
static void test_bounded(void **state)
{
    struct completeness_query query = {.to_us = INT64_MAX, .items_max = 100};
    struct completeness_answer answer;
    struct proposal p;

    (void)state;
    for (int i = 0; i < COMPLETENESS_EXAMINED_MAX + 20; i++) {
        OK(submit(story.bot, "{\"action\":\"auto.go\",\"arguments\":{}}", &p));
    }
    p = held();
    seen_count = 0;
    OK(insights_completeness(&world.ctx, story.reader, &query, look, NULL, &answer));
    EXPECT(seen_count == 0 && !answer.is_last, "one call ends early");
    report(ALL, 100);
    EXPECT(seen_count == 1 && row_of(&p), "the next one finds it");
}

static void test_released_without(void **state)
{
    struct proposal by_auditor = held(), by_nobody = held(), by_stranger = held();
    struct forgery rows[] = {
        {&by_auditor,
         JOURNAL_PROPOSAL_DECIDED,
         {ACTOR_REVIEWER, story.aud->id},
         "\"revision\":1,\"verdict\":\"approve\"",
         STR_NONE},
        {&by_nobody, JOURNAL_PROPOSAL_RELEASED, {.kind = ACTOR_CLOCK}, NULL, STR_NONE},
        {&by_stranger,
         JOURNAL_PROPOSAL_DECIDED,
         {ACTOR_REVIEWER, {{9}}},
         "\"revision\":1,\"verdict\":\"approve\"",
         STR_NONE},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        OK(world_do(forge, &rows[i]));
    }
    report(ALL, 100);
    EXPECT(row_of(&by_auditor)->lacks_person, "an auditor decides nothing");
    EXPECT(row_of(&by_stranger)->lacks_person, "nor somebody whom no leaf made");
    EXPECT(row_of(&by_nobody)->has_problem, "a release out of nowhere");
}

static const struct {
    const char *text;
    bool is_end, is_good;
    const char *want;
} periods[] = {
    {"2026-11-22", false, true, "2026-11-22T00:00:00.000Z"},
    {"2026-11-22", true, true, "2026-11-23T00:00:00.000Z"},
    {"2026-11-22T10:00:00Z", false, true, "2026-11-22T10:00:00.000Z"},
    {"2026-11-22T10:00:00+02:00", true, true, "2026-11-22T08:00:00.000Z"},
    {"2026-11-32", false, false, NULL},
    {"2026-11", false, false, NULL},
    {"yesterday.", false, false, NULL},
    {"", false, false, NULL},
};

static void test_period(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(periods); i++) {
        char text[CLOCK_TEXT_SIZE];
        int64_t at;
        bool is_good = insights_period_parse(str_of(periods[i].text), periods[i].is_end, &at);

        EXPECT(is_good == periods[i].is_good, "%s", periods[i].text);
        if (is_good) {
            EXPECT_STR(periods[i].text, clock_format(at, text), str_of(periods[i].want));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY_TEST(test_everybody),    STORY_TEST(test_pages_and_periods),
        STORY_TEST(test_bounded),      STORY_TEST(test_released_without),
        cmocka_unit_test(test_period),
    };

    return CHECK_RUN(tests);
}
