/* SPDX-License-Identifier: Apache-2.0
 *
 * Roles at a time, from leaves.
 */
#include "../check.h"

#include "base/map.h"
#include "evidence/evidence.h"

static struct ctx ctx;
static struct roles_book book;

static int setup(void **state)
{
    (void)state;
    crypto_init();
    ctx_init(&ctx, arena_new(4 * MIB));
    return ctx.arena && roles_begin(&book) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    roles_done(&book);
    arena_free(ctx.arena);
    return 0;
}

static void take(uint64_t index, const char *kind, const char *data, const char *payload)
{
    struct str entry = arena_printf(
        ctx.arena,
        "{\"at\":\"2026-11-22T10:00:00.000Z\",\"by\":{\"kind\":\"operator\"},\"data\":{%s},"
        "\"id\":\"evt_01M8CNF77V000QNE03NTGWN20N\",\"kind\":\"%s\",\"v\":1}",
        data, kind);
    struct journal_leaf leaf;

    EXPECT(journal_leaf_parse(&ctx, index, entry, &leaf) == FM_OK, "%s", ctx.detail);
    leaf.payload = str_of(payload);
    EXPECT(roles_take(&book, &ctx, &leaf) == FM_OK, "%s", ctx.detail);
}

#define ANA "rev_01M8CNF770000148VPH23G68J3"
#define BEN "rev_01M8CNF794000CEJ4RTJ1SBRV7"

static void tell(void)
{
    take(3, "person.added", "\"person\":\"" ANA "\",\"roles\":[\"auditor\"]", "{\"name\":\"ana\"}");
    take(5, "person.added", "\"person\":\"" BEN "\",\"roles\":[\"lead\"]", NULL);
    take(7, "person.changed", "\"person\":\"" ANA "\",\"roles\":[\"auditor\",\"reviewer\"]", NULL);
    take(8, "person.changed", "\"password\":true,\"person\":\"" ANA "\"", NULL);
    take(9, "person.changed", "\"person\":\"" ANA "\",\"roles\":[]", "{\"name\":\"anna\"}");
    take(11, "person.changed", "\"disabled\":true,\"person\":\"" BEN "\"", "no JSON");
    take(12, "key.created", "\"person\":\"" BEN "\",\"roles\":[\"lead\"]", NULL);
}

static const struct {
    const char *name, *person;
    uint64_t index;
    bool is_known, may_decide;
    int64_t from; /* the leaf that made it so */
} rows[] = {
    {"before anybody was", ANA, 3, false, false, 0},
    {"an auditor decides nothing", ANA, 4, true, false, 3},
    {"not yet", ANA, 7, true, false, 3},
    {"a reviewer", ANA, 8, true, true, 7},
    {"a new password changes no role", ANA, 9, true, true, 8},
    {"no role any more", ANA, 10, true, false, 9},
    {"a lead", BEN, 6, true, true, 5},
    {"switched off", BEN, 100, true, false, 11},
    {"a stranger", "rev_01M8CNF794000CEJ4RTJ1SBRV8", 100, false, false, 0},
};

static void test_at(void **state)
{
    (void)state;
    tell();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct role_record *record = roles_at(&book, str_of(rows[i].person), rows[i].index);

        EXPECT((record != NULL) == rows[i].is_known, "%s", rows[i].name);
        EXPECT(!record || record->may_decide == rows[i].may_decide, "%s", rows[i].name);
        EXPECT(!record || record->index == (uint64_t)rows[i].from, "%s", rows[i].name);
    }
}

static void test_names(void **state)
{
    (void)state;
    tell();
    EXPECT_STR("as added", roles_at(&book, S(ANA), 4)->name, S("ana"));
    EXPECT_STR("kept", roles_at(&book, S(ANA), 9)->name, S("ana"));
    EXPECT_STR("changed", roles_at(&book, S(ANA), 10)->name, S("anna"));
    EXPECT(!roles_at(&book, S(BEN), 6)->name.p, "erased");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_at), TEST(test_names)};

    return CHECK_RUN(tests);
}
