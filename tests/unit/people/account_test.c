/* SPDX-License-Identifier: Apache-2.0
 *
 * Accounts below HTTP: codes, the last admin, last uses that reach the store, and the cells of
 * the review.
 */
#include "world.h"

SQL(SQL_PUT_NAME, "UPDATE people SET name = $name WHERE name = 'ana'");
SQL(SQL_COUNT_USES, "SELECT count(*) FROM credentials WHERE used_at IS NOT NULL");
SQL(SQL_COUNT_HASHED, "SELECT count(*) FROM people WHERE length(code) = 32");

#define ADMIN ROLE_BIT(ROLE_ADMIN)
#define REVIEWER ROLE_BIT(ROLE_REVIEWER)

/* What a command needs and what came of it. */
struct work {
    const char *name;
    unsigned roles;
    struct id id;
    char code[CODE_TEXT_SIZE], secret[SECRET_TEXT_SIZE];
    int64_t until_us;
};

static enum fm_err add(struct ctx *ctx, struct store_conn *conn, void *with)
{
    struct work *work = with;

    return people_add_person(ctx, conn, world_operator, str_of(work->name), work->roles, "$argon2id$x",
                             &work->id);
}

static enum fm_err add_service(struct ctx *ctx, struct store_conn *conn, void *with)
{
    struct work *work = with;

    return people_add_service(ctx, conn, world_operator, str_of(work->name), 1u << SCOPE_METRICS,
                              clock_now_us() + DAY_US, &work->id, work->secret);
}

static enum fm_err reset(struct ctx *ctx, struct store_conn *conn, void *with)
{
    struct work *work = with;

    return people_reset(ctx, conn, world_operator, work->id, work->code, &work->until_us);
}

static enum fm_err set_roles(struct ctx *ctx, struct store_conn *conn, void *with)
{
    struct work *work = with;

    return people_set_roles(ctx, conn, world_operator, work->id, work->roles);
}

static enum fm_err deactivate(struct ctx *ctx, struct store_conn *conn, void *with)
{
    return people_deactivate(ctx, conn, world_operator, ((struct work *)with)->id);
}

static enum fm_err rename_ana(struct ctx *ctx, struct store_conn *conn, void *with)
{
    return store_exec(ctx, conn, &SQL_PUT_NAME, ARGS(A_TEXT("$name", str_of(with))));
}

static enum fm_err write_uses(struct ctx *ctx, struct store_conn *conn, void *with)
{
    (void)with;
    return people_write_uses(ctx, conn);
}

static struct work added(const char *name, unsigned roles)
{
    struct work work = {.name = name, .roles = roles};

    EXPECT(world_do(add, &work) == FM_OK, "%s: %s", name, world.ctx.detail);
    return work;
}

static const struct person *look(const struct directory **directory, struct id id)
{
    *directory = directory_keep();
    return directory_person_by_id(*directory, id);
}

static void test_code(void **state)
{
    struct work ana = added("ana", REVIEWER);
    const struct directory *directory;
    const struct person *person;
    char typed[64];

    (void)state;
    EXPECT(world_do(reset, &ana) == FM_OK, "%s", world.ctx.detail);
    EXPECT(world_count(&SQL_COUNT_HASHED) == 1, "only its hash is kept");
    person = look(&directory, ana.id);
    EXPECT(person->must_change && !person->password, "the password is void");
    EXPECT(people_is_code(person, str_of(ana.code)), "as it was printed");
    (void)snprintf(typed, sizeof(typed), " %.5s%.5s %.11s ", ana.code, ana.code + 6, ana.code + 12);
    typed[2] = (char)(typed[2] >= 'A' ? typed[2] | 0x20 : typed[2]);
    EXPECT(people_is_code(person, str_of(typed)), "as it is typed: %s", typed);
    ana.code[0] = ana.code[0] == '0' ? '1' : '0';
    EXPECT(!people_is_code(person, str_of(ana.code)), "another one");
    EXPECT(!people_is_code(person, S("")), "none");
    ana.code[0] = '\0';
    directory_drop(directory);
}

static void test_code_ends(void **state)
{
    struct work ana = added("ana", REVIEWER);
    const struct directory *directory;
    const struct person *person;

    (void)state;
    clock_set_virtual_us(1795343075 * SECOND_US);
    EXPECT(world_do(reset, &ana) == FM_OK, "%s", world.ctx.detail);
    person = look(&directory, ana.id);
    clock_set_virtual_us(ana.until_us - 1);
    EXPECT(people_is_code(person, str_of(ana.code)), "within its day");
    clock_set_virtual_us(ana.until_us);
    EXPECT(!people_is_code(person, str_of(ana.code)), "and not behind it");
    directory_drop(directory);
}

static void test_last_admin(void **state)
{
    struct work eva = added("eva", ADMIN), ana = added("ana", REVIEWER);

    (void)state;
    EXPECT(world_do(deactivate, &eva) == FM_E_FORBIDDEN, "the last admin stays");
    eva.roles = REVIEWER;
    EXPECT(world_do(set_roles, &eva) == FM_E_FORBIDDEN, "and stays an admin");
    ana.roles = ADMIN;
    EXPECT(world_do(set_roles, &ana) == FM_OK, "%s", world.ctx.detail);
    EXPECT(world_do(set_roles, &eva) == FM_OK, "until there is another");
    EXPECT(world_do(deactivate, &ana) == FM_E_FORBIDDEN, "who is the last one now");
    EXPECT(world_do(deactivate, &eva) == FM_OK, "others may go");
    EXPECT(world_do(deactivate, &eva) == FM_OK, "twice is no error");
}

static void test_deactivated(void **state)
{
    struct work ana = added("ana", REVIEWER);
    const struct directory *directory;
    const struct person *person;

    (void)state;
    EXPECT(world_do(deactivate, &ana) == FM_OK, "%s", world.ctx.detail);
    person = look(&directory, ana.id);
    EXPECT(person && person->deactivated && person->roles == 0, "found by what was done, without roles");
    EXPECT(!directory_person(directory, S("ana")), "and not by name");
    directory_drop(directory);
}

static void test_last_use(void **state)
{
    struct work service = {.name = "scraper"};
    const struct directory *directory;
    const struct credential *credential;

    (void)state;
    EXPECT(world_do(add_service, &service) == FM_OK, "%s", world.ctx.detail);
    directory = directory_keep();
    credential = directory_credential(directory, str_of(service.secret));
    EXPECT(credential && credential->scopes == 1u << SCOPE_METRICS, "found, with its scopes");
    EXPECT(world_do(write_uses, NULL) == FM_OK && world_count(&SQL_COUNT_USES) == 0, "not used yet");
    credential_used(credential);
    EXPECT(people_has_uses(), "there is something to write");
    EXPECT(world_do(write_uses, NULL) == FM_OK && world_count(&SQL_COUNT_USES) == 1, "written");
    EXPECT(!people_has_uses(), "once");
    credential_used(credential);
    EXPECT(!people_has_uses(), "a busy key is not written at every request");
    directory_drop(directory);
}

/* Names cannot begin like this today; a spreadsheet must not depend on it. */
static const struct {
    const char *name, *cell;
} cells[] = {
    {"=1+1", "\"'=1+1\""},       {"+1", "\"'+1\""},           {"-1", "\"'-1\""},
    {"@SUM(A1)", "\"'@SUM(A1)\""}, {"\tx", "\"'\tx\""},       {"\rx", "\"'\rx\""},
    {"a\"b", "\"a\"\"b\""},     {"a,b\nc", "\"a,b\nc\""}, {"a=1", "\"a=1\""},
};

static void test_cells(void **state)
{
    struct store_conn *conn;

    (void)state;
    EXPECT(store_reader(&world.ctx, world.instance.store, &conn) == FM_OK, "%s", world.ctx.detail);
    for (size_t i = 0; i < COUNT_OF(cells); i++) {
        AUTO(buf_done) struct buf csv = BUF_INIT(MIB);
        struct str text;
        (void)added("ana", REVIEWER); /* those before keep their new names */
        EXPECT(world_do(rename_ana, (void *)(uintptr_t)cells[i].name) == FM_OK, "%s", world.ctx.detail);
        EXPECT(access_review_csv(&world.ctx, conn, &csv) == FM_OK, "%s", world.ctx.detail);
        text = buf_str(&csv);
        EXPECT(memmem(text.p, text.n, cells[i].cell, strlen(cells[i].cell)) != NULL, "%s in %.*s",
               cells[i].cell, STR_ARG(text));
    }
    store_reader_close(conn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_code, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_code_ends, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_last_admin, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_deactivated, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_last_use, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_cells, world_setup, world_teardown),
    };

    return CHECK_RUN(tests);
}
