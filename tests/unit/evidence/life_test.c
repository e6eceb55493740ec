/* SPDX-License-Identifier: Apache-2.0
 *
 * Lives replayed from leaves: those that can be, in what state they end, and what cannot be.
 */
#include "../check.h"

#include "evidence/evidence.h"

static struct ctx ctx;
static struct evidence_findings findings;

static int setup(void **state)
{
    (void)state;
    crypto_init();
    ctx_init(&ctx, arena_new(4 * MIB));
    findings = (struct evidence_findings){.ctx = &ctx};
    return ctx.arena ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(ctx.arena);
    return 0;
}

#define LIFE_MAX 12

/* One word for each leaf. */
static const struct {
    const char *word;
    enum journal_kind kind;
    const char *by, *data;
} words[] = {
    {"held", JOURNAL_PROPOSAL_HELD, "agent", "{\"revision\":1,\"verdict\":\"review\"}"},
    {"go", JOURNAL_PROPOSAL_RELEASED, "agent", "{\"revision\":1,\"verdict\":\"allow\"}"},
    {"block", JOURNAL_PROPOSAL_BLOCKED, "agent", "{\"revision\":1,\"verdict\":\"block\"}"},
    {"claim", JOURNAL_PROPOSAL_CLAIMED, "reviewer", NULL},
    {"unclaim", JOURNAL_PROPOSAL_UNCLAIMED, "reviewer", NULL},
    {"approve", JOURNAL_PROPOSAL_DECIDED, "reviewer", "{\"revision\":1,\"verdict\":\"approve\"}"},
    {"approve2", JOURNAL_PROPOSAL_DECIDED, "reviewer", "{\"revision\":2,\"verdict\":\"approve\"}"},
    {"slowly", JOURNAL_PROPOSAL_DECIDED, "reviewer",
     "{\"release_at\":\"2026-11-22T10:00:05.000Z\",\"revision\":1,\"verdict\":\"modify\"}"},
    {"reject", JOURNAL_PROPOSAL_DECIDED, "reviewer", "{\"revision\":1,\"verdict\":\"reject\"}"},
    {"return", JOURNAL_PROPOSAL_DECIDED, "reviewer", "{\"revision\":1,\"verdict\":\"return\"}"},
    {"shrug", JOURNAL_PROPOSAL_DECIDED, "reviewer", "{\"revision\":1,\"verdict\":\"shrug\"}"},
    {"undo", JOURNAL_PROPOSAL_UNDONE, "reviewer", NULL},
    {"stricter", JOURNAL_PROPOSAL_UNDONE, "clock", NULL},
    {"release", JOURNAL_PROPOSAL_RELEASED, "clock", NULL},
    {"revise", JOURNAL_PROPOSAL_REVISED, "agent", "{\"revision\":2,\"verdict\":\"review\"}"},
    {"escalate", JOURNAL_PROPOSAL_ESCALATED, "clock", NULL},
    {"tighten", JOURNAL_PROPOSAL_TIGHTENED, "reviewer", "{\"revision\":1}"},
    {"expire", JOURNAL_PROPOSAL_EXPIRED, "clock", NULL},
    {"withdraw", JOURNAL_PROPOSAL_WITHDRAWN, "agent", NULL},
    {"redeem", JOURNAL_PERMIT_REDEEMED, "agent", NULL},
    {"outcome", JOURNAL_PROPOSAL_OUTCOME, "agent", NULL},
    {"note", JOURNAL_PROPOSAL_COMMENTED, "reviewer", NULL},
    {"sign-in", JOURNAL_PERSON_SIGNED_IN, "reviewer", NULL},
    {"strange", JOURNAL_KIND_COUNT, "agent", NULL},
};

static struct journal_leaf leaf_of(struct str word, uint64_t index)
{
    struct journal_leaf leaf = {.index = index, .proposal = {{1}}};
    size_t i = 0;

    while (i < COUNT_OF(words) && !str_eq(word, str_of(words[i].word))) {
        i++;
    }
    EXPECT(i < COUNT_OF(words), "no word %.*s", STR_ARG(word));
    leaf.kind = words[i].kind;
    leaf.kind_name = word;
    leaf.by_kind = str_of(words[i].by);
    if (words[i].data) {
        EXPECT(json_parse(&ctx, str_of(words[i].data), &JSON_LIMITS_WIRE, &leaf.data) == FM_OK,
               "%s", words[i].data);
    }
    return leaf;
}

static size_t tell(const char *story, struct journal_leaf leaves[LIFE_MAX], struct life *life)
{
    size_t count = 0;

    findings.count = 0;
    for (struct str rest = str_of(story); rest.p;) {
        leaves[count] = leaf_of(str_split(&rest, ' '), count);
        count++;
    }
    life_replay(leaves, count, life, &findings);
    return count;
}

/* `decided`: the place of the decision that stands, -1 for none; the same for the release. */
static const struct {
    const char *story;
    enum proposal_state state;
    int decided, released;
} good[] = {
    {"go", PROPOSAL_APPROVED, -1, 0},
    {"go redeem outcome outcome", PROPOSAL_SETTLED, -1, 0},
    {"go expire", PROPOSAL_EXPIRED, -1, 0},
    {"block", PROPOSAL_BLOCKED, -1, -1},
    {"block note", PROPOSAL_BLOCKED, -1, -1},
    {"held", PROPOSAL_WAITING, -1, -1},
    {"held claim claim unclaim escalate", PROPOSAL_WAITING, -1, -1},
    {"held tighten", PROPOSAL_WAITING, -1, -1},
    {"held claim unclaim tighten claim tighten approve", PROPOSAL_APPROVED, 6, 6},
    {"held approve", PROPOSAL_APPROVED, 1, 1},
    {"held claim note approve redeem", PROPOSAL_REDEEMED, 3, 3},
    {"held approve outcome", PROPOSAL_SETTLED, 1, 1},
    {"held slowly", PROPOSAL_UNDO, 1, -1},
    {"held slowly release redeem", PROPOSAL_REDEEMED, 1, 2},
    {"held slowly undo", PROPOSAL_CLAIMED, -1, -1},
    {"held slowly stricter", PROPOSAL_WAITING, -1, -1},
    {"held slowly undo reject", PROPOSAL_REJECTED, 3, -1},
    {"held slowly expire", PROPOSAL_EXPIRED, -1, -1},
    {"held slowly withdraw", PROPOSAL_WITHDRAWN, -1, -1},
    {"held return", PROPOSAL_RETURNED, 1, -1},
    {"held return withdraw", PROPOSAL_WITHDRAWN, 1, -1},
    {"held return revise", PROPOSAL_WAITING, -1, -1},
    {"held return revise claim approve2", PROPOSAL_APPROVED, 4, 4},
    {"held expire", PROPOSAL_EXPIRED, -1, -1},
    {"held claim expire note", PROPOSAL_EXPIRED, -1, -1},
    {"held withdraw", PROPOSAL_WITHDRAWN, -1, -1},
};

static void test_good(void **state)
{
    struct journal_leaf leaves[LIFE_MAX];
    struct life life;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        tell(good[i].story, leaves, &life);
        EXPECT(findings.count == 0, "%s: %.*s", good[i].story, STR_ARG(findings.items[0]));
        EXPECT(life.state == good[i].state, "%s: %s", good[i].story,
               proposal_state_name(life.state));
        EXPECT(life.decision == (good[i].decided < 0 ? NULL : &leaves[good[i].decided]), "%s",
               good[i].story);
        EXPECT(life.released == (good[i].released < 0 ? NULL : &leaves[good[i].released]), "%s",
               good[i].story);
        EXPECT(life.is_policys == str_starts(str_of(good[i].story), S("go")), "%s", good[i].story);
        EXPECT(life_demands_person(&life) == str_starts(str_of(good[i].story), S("held")), "%s",
               good[i].story);
    }
}

static const char *const impossible[] = {
    "approve",
    "claim",
    "note",
    "redeem",
    "held held",
    "held go",
    "held release",
    "held redeem",
    "held outcome",
    "held undo",
    "held revise",
    "held shrug",
    "held approve approve",
    "held approve undo",
    "held approve withdraw",
    "held approve redeem redeem",
    "held approve2",
    "held approve tighten",
    "held slowly tighten",
    "held slowly redeem",
    "held slowly reject",
    "held reject redeem",
    "held reject approve",
    "held reject revise",
    "held return approve",
    "held return revise approve",
    "held expire approve",
    "held withdraw claim",
    "go approve",
    "go expire redeem",
    "block release",
    "held sign-in",
    "held strange",
};

static void test_impossible(void **state)
{
    struct journal_leaf leaves[LIFE_MAX];
    struct life life;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(impossible); i++) {
        tell(impossible[i], leaves, &life);
        EXPECT(findings.count == 1, "%s: %llu findings", impossible[i],
               (unsigned long long)findings.count);
    }
}

static void test_others(void **state)
{
    struct journal_leaf leaves[LIFE_MAX];
    struct life life;

    (void)state;
    tell("held approve", leaves, &life);
    leaves[1].proposal.bytes[3] = 9;
    findings.count = 0;
    life_replay(leaves, 2, &life, &findings);
    EXPECT(findings.count == 1 && life.state == PROPOSAL_WAITING, "a leaf of another proposal");
    tell("held approve", leaves, &life);
    leaves[0].index = 7;
    life_replay(leaves, 2, &life, &findings);
    EXPECT(findings.count == 1, "not in the order of the log");
    findings.count = 0;
    life_replay(leaves, 0, &life, &findings);
    EXPECT(findings.count == 1 && !life.first && !life_demands_person(&life), "no leaf at all");
}

/* Every kind of a proposal's leaf has a move: a new one that lacks its row would make honest
 * lives look like forgeries. */
static void test_every_kind(void **state)
{
    (void)state;
    for (int kind = 0; kind < JOURNAL_KIND_COUNT; kind++) {
        struct str name = str_of(journal_kind_name((enum journal_kind)kind));
        bool is_one = str_starts(name, S("proposal.")) || str_starts(name, S("permit."));
        bool is_told =
            kind == JOURNAL_PROPOSAL_RETURNED; /* nobody appends it: a return is decided */

        for (size_t i = 0; i < COUNT_OF(words); i++) {
            is_told = is_told || (int)words[i].kind == kind;
        }
        EXPECT(!is_one || is_told,
               "%.*s: give it a row in moves[] of evidence/life.c and a word here", STR_ARG(name));
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_good),
        TEST(test_impossible),
        TEST(test_others),
        TEST(test_every_kind),
    };

    return CHECK_RUN(tests);
}
