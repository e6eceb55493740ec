/* SPDX-License-Identifier: Apache-2.0
 *
 * Sign-in links in virtual time: used once, not too late, and only for whom they were made.
 */
#include "world.h"

SQL(SQL_COUNT_LINKS, "SELECT count(*) FROM credentials WHERE kind = 4");
SQL(SQL_COUNT_LINK_LEAVES, "SELECT count(*) FROM log_entries WHERE"
                           " instr(CAST(entry AS TEXT), '\"link.created\"')");

struct work {
    const char *name;
    const struct person *person;
    struct id id;
    char code[SECRET_TEXT_SIZE], cookie[SECRET_TEXT_SIZE];
};

static enum fm_err add_person(struct ctx *ctx, struct store_conn *conn, void *with)
{
    struct work *work = with;

    return people_add_person(ctx, conn, world_operator, str_of(work->name), ROLE_BIT(ROLE_REVIEWER), NULL,
                             &work->id);
}

static enum fm_err add_link(struct ctx *ctx, struct store_conn *conn, void *with)
{
    struct work *work = with;

    return people_add_link(ctx, conn, world_operator, str_of(work->name), &work->id, work->code);
}

static enum fm_err use_link(struct ctx *ctx, struct store_conn *conn, void *with)
{
    struct work *work = with;

    return people_sign_in_by_link(ctx, conn, work->person, str_of(work->code), &work->id, work->cookie);
}

/* ana and ben are there; `work` holds a fresh link of ana's. */
static const struct directory *begin(struct work *work)
{
    struct work ben = {.name = "ben"};
    const struct directory *directory;

    clock_set_virtual_us(1700000000 * SECOND_US);
    *work = (struct work){.name = "ana"};
    EXPECT(world_do(add_person, work) == FM_OK, "%s", world.ctx.detail);
    EXPECT(world_do(add_person, &ben) == FM_OK, "%s", world.ctx.detail);
    EXPECT(world_do(add_link, work) == FM_OK, "%s", world.ctx.detail);
    directory = directory_keep();
    work->person = directory_person(directory, S("ana"));
    return directory;
}

static void test_signs_in_once(void **state)
{
    struct work work;
    const struct directory *directory = begin(&work);
    const struct directory *after;

    (void)state;
    EXPECT(str_starts(str_of(work.code), S("fkl_")), "%s", work.code);
    EXPECT(world_count(&SQL_COUNT_LINK_LEAVES) == 1, "one leaf");
    EXPECT(world_do(use_link, &work) == FM_OK, "%s", world.ctx.detail);
    after = directory_keep();
    EXPECT(directory_credential(after, str_of(work.cookie)) != NULL, "the session is known");
    EXPECT(directory_credential(after, str_of(work.code)) == NULL, "the code is no credential");
    EXPECT(world_count(&SQL_COUNT_LINKS) == 0, "its row is gone");
    EXPECT(world_do(use_link, &work) == FM_E_UNAUTHENTICATED, "a second time");
    directory_drop(after);
    directory_drop(directory);
}

static void test_too_late(void **state)
{
    struct work work;
    const struct directory *directory = begin(&work);

    (void)state;
    clock_set_virtual_us(1700000000 * SECOND_US + LINK_US);
    EXPECT(world_do(use_link, &work) == FM_E_UNAUTHENTICATED, "at the end of its time");
    clock_set_virtual_us(1700000000 * SECOND_US + LINK_US - 1);
    EXPECT(world_do(use_link, &work) == FM_OK, "just before: %s", world.ctx.detail);
    directory_drop(directory);
}

static void test_only_for_whom(void **state)
{
    struct work work;
    const struct directory *directory = begin(&work);

    (void)state;
    work.person = directory_person(directory, S("ben"));
    EXPECT(world_do(use_link, &work) == FM_E_UNAUTHENTICATED, "somebody else's");
    EXPECT(world_count(&SQL_COUNT_LINKS) == 1, "and it is not used up");
    directory_drop(directory);
}

static void test_old_ones_are_swept(void **state)
{
    struct work work, later;
    const struct directory *directory = begin(&work);

    (void)state;
    clock_set_virtual_us(1700000000 * SECOND_US + 2 * LINK_US);
    later = (struct work){.name = "ana", .person = work.person};
    EXPECT(world_do(add_link, &later) == FM_OK, "%s", world.ctx.detail);
    EXPECT(world_do(use_link, &later) == FM_OK, "%s", world.ctx.detail);
    EXPECT(world_count(&SQL_COUNT_LINKS) == 0, "the forgotten one went along");
    directory_drop(directory);
}

static void test_unknown_person(void **state)
{
    struct work work = {.name = "zoe"};

    (void)state;
    EXPECT(world_do(add_link, &work) == FM_E_NOT_FOUND, "nobody of that name");
    EXPECT(world_count(&SQL_COUNT_LINK_LEAVES) == 0, "and no leaf");
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(test_signs_in_once),      ROW(test_too_late),      ROW(test_only_for_whom),
        ROW(test_old_ones_are_swept), ROW(test_unknown_person),
    };

    return CHECK_RUN(tests);
}
