/* SPDX-License-Identifier: Apache-2.0
 *
 * Counting what people decided: each kind for itself, per agent and category, in order.
 */
#include "../store/store_check.h"

#include "autonomy/autonomy.h"

static void add(int64_t agent, const char *category, enum tally_kind kind, int by)
{
    MUST(tally_add(&scene.ctx, scene.conn, agent, str_of(category), kind, by));
}

static struct tally find(int64_t agent, const char *category)
{
    struct tally tally;

    MUST(tally_find(&scene.ctx, scene.conn, agent, str_of(category), &tally));
    return tally;
}

static void test_kinds(void **state)
{
    static const enum tally_kind kinds[] = {TALLY_APPROVED, TALLY_MODIFIED, TALLY_REJECTED,
                                            TALLY_RETURNED, TALLY_EXPIRED};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        const char *category = arena_printf(scene.arena, "kind%zu", i).p;
        struct tally tally;

        add(1, category, kinds[i], 1);
        add(1, category, kinds[i], 1);
        add(1, category, kinds[i], -1);
        tally = find(1, category);
        EXPECT(tally.approved == (i == 0) && tally.modified == (i == 1) &&
                   tally.rejected == (i == 2) && tally.returned == (i == 3) &&
                   tally.expired == (i == 4),
               "kind %zu alone", i);
    }
}

static void test_pairs(void **state)
{
    struct tally none;

    (void)state;
    add(1, "a", TALLY_APPROVED, 1);
    add(2, "a", TALLY_REJECTED, 1);
    EXPECT(find(1, "a").approved == 1 && find(1, "a").rejected == 0, "the agent's own");
    EXPECT(find(2, "a").approved == 0 && find(2, "a").rejected == 1, "the other's own");
    none = find(1, "b");
    EXPECT(none.approved == 0 && none.expired == 0 && none.agent == 1, "nothing decided yet");
    EXPECT_STR("named all the same", none.category, S("b"));
}

struct seen {
    char text[256];
};

static void note(void *with, const struct tally *tally)
{
    struct seen *seen = with;
    size_t n = strlen(seen->text);

    (void)snprintf(seen->text + n, sizeof(seen->text) - n, "%lld%.*s ", (long long)tally->agent,
                   STR_ARG(tally->category));
}

static const struct {
    const char *name;
    int64_t only, after;
    const char *after_category;
    size_t max;
    const char *want;
} lists[] = {
    {"all, in order", 0, 0, "", 10, "1a 1b 2a 2c 10a "},
    {"the first page", 0, 0, "", 2, "1a 1b "},
    {"the page behind it", 0, 1, "b", 2, "2a 2c "},
    {"the last", 0, 2, "c", 2, "10a "},
    {"behind a pair that is gone", 0, 1, "bb", 1, "2a "},
    {"behind the last", 0, 10, "a", 2, ""},
    {"one agent", 2, 0, "", 10, "2a 2c "},
    {"one agent, second page", 2, 2, "a", 10, "2c "},
    {"an agent without any", 3, 0, "", 10, ""},
};

static void test_lists(void **state)
{
    (void)state;
    add(10, "a", TALLY_APPROVED, 1);
    add(2, "c", TALLY_APPROVED, 1);
    add(1, "b", TALLY_APPROVED, 1);
    add(2, "a", TALLY_APPROVED, 1);
    add(1, "a", TALLY_APPROVED, 1);
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        struct seen seen = {""};

        MUST(tally_list(&scene.ctx, scene.conn, lists[i].only, lists[i].after,
                        str_of(lists[i].after_category), lists[i].max, note, &seen));
        EXPECT_STR(lists[i].name, str_of(seen.text), str_of(lists[i].want));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(test_kinds),
        SCENE_TEST(test_pairs),
        SCENE_TEST(test_lists),
    };

    return CHECK_RUN(tests);
}
