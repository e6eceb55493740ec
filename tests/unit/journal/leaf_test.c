/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading leaves back: single ones, chains, those about people, tiles; and what is no leaf.
 */
#include "../flow/story.h"

#define BY "\"by\":{\"kind\":\"clock\"},"
#define AT "\"at\":\"2026-11-22T10:00:00.000Z\","
#define ID "\"id\":\"evt_01M8CNF77V000QNE03NTGWN20N\","
#define KIND "\"kind\":\"clock.jumped\","

static const struct {
    const char *name, *text;
    bool is_leaf;
} rows[] = {
    {"the least", "{" AT BY ID KIND "\"v\":1}", true},
    {"of a kind from later", "{" AT BY ID "\"kind\":\"proposal.sung\",\"v\":1}", true},
    {"nothing", "", false},
    {"no JSON", "leaf", false},
    {"an array", "[]", false},
    {"without a time", "{" BY ID KIND "\"v\":1}", false},
    {"without an actor", "{" AT ID KIND "\"v\":1}", false},
    {"without an id", "{" AT BY KIND "\"v\":1}", false},
    {"without a kind", "{" AT BY ID "\"v\":1}", false},
    {"of another version", "{" AT BY ID KIND "\"v\":2}", false},
    {"not in order", "{" BY AT ID KIND "\"v\":1}", false},
    {"with a blank", "{ " AT BY ID KIND "\"v\":1}", false},
    {"about what is no proposal", "{" AT BY ID KIND "\"proposal\":\"prp_1\",\"v\":1}", false},
};

static void test_parse(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct journal_leaf leaf;
        enum fm_err err = journal_leaf_parse(&world.ctx, 7, str_of(rows[i].text), &leaf);

        EXPECT(err == (rows[i].is_leaf ? FM_OK : FM_E_INVALID_ARGUMENT), "%s: %s", rows[i].name,
               world.ctx.detail);
        EXPECT(!rows[i].is_leaf || (leaf.index == 7 && leaf.previous == -1), "%s", rows[i].name);
    }
}

static void test_chain(void **state)
{
    struct journal_leaf *leaves, leaf;
    struct proposal p = held(), other = held();
    size_t count;

    (void)state;
    OK(claim(story.ana, &p));
    OK(claim(story.ana, &other));
    OK(decide(story.ana, &p, DECISION_REJECT));
    OK(journal_read_chain(&world.ctx, story.reader, p.id, p.last_leaf, JOURNAL_WITH_PAYLOADS, &leaves,
                          &count));
    EXPECT(count == 3 && leaves[0].kind == JOURNAL_PROPOSAL_HELD && leaves[0].previous == -1 &&
               leaves[1].kind == JOURNAL_PROPOSAL_CLAIMED &&
               leaves[2].kind == JOURNAL_PROPOSAL_DECIDED &&
               leaves[2].previous == (int64_t)leaves[1].index,
           "%zu leaves, the first one first", count);
    EXPECT(leaves[0].payload.n > 0 && leaves[0].salt.n == 16 && !leaves[1].payload.p, "payloads");
    OK(journal_read_chain(&world.ctx, story.reader, p.id, p.last_leaf, JOURNAL_BARE, &leaves, &count));
    EXPECT(count == 3 && !leaves[0].payload.p, "bare");
    REFUSED(journal_read_chain(&world.ctx, story.reader, p.id, other.last_leaf, JOURNAL_BARE, &leaves,
                               &count),
            FM_E_INTERNAL);
    OK(journal_read_leaf(&world.ctx, story.reader, (uint64_t)p.last_leaf, &leaf));
    EXPECT(leaf.kind == JOURNAL_PROPOSAL_DECIDED && id_eq(leaf.proposal, p.id), "one");
    REFUSED(journal_read_leaf(&world.ctx, story.reader, 1000000, &leaf), FM_E_NOT_FOUND);
}

struct tally_of_kinds {
    size_t counts[JOURNAL_KIND_COUNT + 1];
    uint64_t last;
};

static enum fm_err count_kind(void *with, struct ctx *ctx, const struct journal_leaf *leaf)
{
    struct tally_of_kinds *seen = with;

    (void)ctx;
    EXPECT(leaf->index == 0 || leaf->index > seen->last, "in the order of the log");
    seen->last = leaf->index;
    seen->counts[leaf->kind]++;
    return FM_OK;
}

static enum fm_err sign_in(struct ctx *ctx, struct store_conn *conn, void *with)
{
    char cookie[SECRET_TEXT_SIZE];
    struct id id;

    return people_sign_in(ctx, conn, with, &id, cookie);
}

static enum fm_err refuse(void *with, struct ctx *ctx, const struct journal_leaf *leaf)
{
    (void)with;
    return fail(ctx, FM_E_TOO_LARGE, "leaf %d", (int)leaf->index);
}

/* Leaves about people, agents and policies; no proposals and no sign-ins. */
static void test_standing(void **state)
{
    struct tally_of_kinds seen = {.last = 0};
    struct proposal p;

    (void)state;
    OK(world_do(sign_in, (void *)(uintptr_t)story.ana));
    p = held();
    OK(claim(story.ana, &p));
    OK(journal_each_standing(&world.ctx, story.reader, INT64_MAX, count_kind, &seen));
    EXPECT(seen.counts[JOURNAL_PERSON_ADDED] == 4 && seen.counts[JOURNAL_AGENT_ADDED] == 3 &&
               seen.counts[JOURNAL_POLICY_ACTIVATED] == 1,
           "people, agents, policy");
    EXPECT(seen.counts[JOURNAL_PERSON_SIGNED_IN] == 0 && seen.counts[JOURNAL_PROPOSAL_HELD] == 0,
           "nothing else");
    seen = (struct tally_of_kinds){.last = 0};
    OK(journal_each_standing(&world.ctx, story.reader, 1, count_kind, &seen));
    EXPECT(seen.last <= 1, "not beyond the last");
    REFUSED(journal_each_standing(&world.ctx, story.reader, INT64_MAX, refuse, NULL), FM_E_TOO_LARGE);
}

static enum fm_err hash_entry(void *with, uint64_t index, struct str entry)
{
    struct hash *hashes = with;

    hashes[index % TLOG_TILE_WIDTH] = tlog_leaf_hash(entry);
    return FM_OK;
}

static void test_tiles_and_entries(void **state)
{
    struct hash entries[TLOG_TILE_WIDTH], tile[TLOG_TILE_WIDTH];
    struct proposal p;
    struct str note;
    uint64_t size;

    (void)state;
    OK(journal_last_checkpoint(&world.ctx, story.reader, &note, &size));
    EXPECT(!note.p && size == 0, "nothing was signed");
    for (int i = 0; i < 300; i++) {
        OK(submit(story.bot, "{\"action\":\"auto.go\",\"arguments\":{}}", &p));
    }
    for (size_t width = 1; width <= TLOG_TILE_WIDTH; width += 51) {
        OK(journal_each_entry(&world.ctx, story.reader, 0, width, hash_entry, entries));
        EXPECT(journal_read_tile(story.reader, 0, 0, width, tile), "%zu hashes", width);
        assert_memory_equal(entries, tile, width * sizeof(tile[0]));
    }
    EXPECT(journal_read_tile(story.reader, 0, 1, 20, tile), "a partial tile");
    OK(journal_each_entry(&world.ctx, story.reader, 256, 20, hash_entry, entries));
    assert_memory_equal(entries, tile, 20 * sizeof(tile[0]));
    EXPECT(!journal_read_tile(story.reader, 0, 1, 256, tile), "not that wide");
    EXPECT(journal_read_tile(story.reader, 1, 0, 1, tile) && !journal_read_tile(story.reader, 1, 0, 2, tile),
           "one full tile below");
    EXPECT(!journal_read_tile(story.reader, 8, 0, 1, tile), "no such level");
    REFUSED(journal_each_entry(&world.ctx, story.reader, 0, 100000, hash_entry, entries),
            FM_E_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY_TEST(test_parse),    STORY_TEST(test_chain),
        STORY_TEST(test_standing), STORY_TEST(test_tiles_and_entries),
    };

    return CHECK_RUN(tests);
}
