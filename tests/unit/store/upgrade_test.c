/* SPDX-License-Identifier: Apache-2.0
 *
 * Upgrades: a store of every earlier format is read and brought to this one with all that is in it;
 * a newer one is refused, by readers too. Old stores are not kept as files: they are made by the
 * steps that made them, which never change once released.
 */
#include "store_check.h"

/* A life in a store of the first format: what its tables need, and no more. */
static const char sample[] =
    "INSERT INTO people(row, id, name, roles, created_at) VALUES(1, x'01', 'ana', 1, 5);"
    "INSERT INTO agents(row, id, name, owner, hosts, created_at) VALUES(1, x'02', 'bot', 1, '[]', "
    "5);"
    "INSERT INTO policies(row, id, hash, canonical, activated_at) VALUES(1, x'03', x'00', '{}', 5);"
    "INSERT INTO log_entries(idx, entry) VALUES(0, x'7b7d');"
    "INSERT INTO proposals(row, id, agent, state, revision, action, category, policy, digest,"
    "  arguments_digest, payload, last_leaf, assessment, created_at, updated_at, redeemed_at)"
    " VALUES(1, x'04', 1, 5, 1, 'a', 'a', 1, x'00', x'00', 0, 0, '{}', 5, 6, 7);"
    /* three that are alike: the second has a deadline of its agent, the third was decided */
    "INSERT INTO proposals(row, id, agent, state, revision, action, category, policy, digest,"
    "  arguments_digest, payload, last_leaf, assessment, created_at, updated_at, queue,"
    "  first_queue, due_at, deadline_at)"
    " VALUES(2, x'05', 1, 0, 1, 'a', 'a', 1, x'00', x'01', 0, 0, '{}', 5, 6, 'q', 'q', 90, NULL),"
    "  (3, x'06', 1, 1, 1, 'a', 'a', 1, x'00', x'01', 0, 0, '{}', 5, 6, 'q', 'q', 91, 80),"
    "  (4, x'07', 1, 7, 1, 'a', 'a', 1, x'00', x'01', 0, 0, '{}', 5, 6, 'q', 'q', 70, NULL);"
    "INSERT INTO tallies(agent, category, approved) VALUES(1, 'a', 3);";

SQL(SQL_FORMAT, "PRAGMA user_version");
SQL(SQL_LIFE, "SELECT count(*) FROM proposals p JOIN agents a ON a.row = p.agent JOIN people o"
              " ON o.row = a.owner JOIN tallies t ON t.agent = a.row JOIN log_entries e"
              " ON e.idx = p.last_leaf WHERE p.redeemed_at = 7 AND p.state = 5 AND t.approved = 3"
              " AND o.name = 'ana'");
SQL(SQL_INBOX, "SELECT sum(follows * 1000 + urgent_at) FROM proposals WHERE queue = 'q' AND row IN"
               " (2, 3) AND follows = (row = 2)");
SQL(SQL_SCHEMA, "SELECT group_concat(name || ':' || sql, char(10)) FROM"
                " (SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'pairs'"
                "  ORDER BY name)");

/* Makes a store in the scene's folder as the version with `steps` migrations left it. */
static void make_old_store(size_t steps)
{
    struct store_conn *conn;

    MUST(conn_open(&scene.ctx, scene.dir, true, &conn));
    for (size_t i = 0; i < steps; i++) {
        MUST(conn_script(&scene.ctx, conn, store_migrations[i].text));
        MUST(conn_script(&scene.ctx, conn, i == 0 ? sample : ""));
    }
    MUST(conn_script(&scene.ctx, conn,
                     arena_printf(scene.arena, "PRAGMA user_version=%zu", steps).p));
    conn_close(conn);
}

/* The scene has opened a new store: away with it. */
static void empty_folder(void)
{
    static const char *const names[] = {"fermata.db", "fermata.db-wal", "fermata.db-shm"};

    scene_close();
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        (void)unlink(arena_printf(scene.arena, "%s/%s", scene.dir, names[i]).p);
    }
}

static int64_t number(const struct sql *sql)
{
    int64_t value = -1;

    MUST(store_int(&scene.ctx, scene.conn, sql, NO_ARGS, -1, &value));
    return value;
}

static struct str schema(void)
{
    struct store_rows *rows;
    struct str text = STR_NONE;

    MUST(store_query(&scene.ctx, scene.conn, &SQL_SCHEMA, NO_ARGS, &rows));
    if (rows_next(&scene.ctx, rows)) {
        text = arena_copy(scene.arena, rows_bytes(rows, 0));
    }
    rows_done(rows);
    return text;
}

/* From each format before; from 0, which is a new store, to the last but one. */
static void test_every_format_before(void **state)
{
    struct str fresh = schema();

    (void)state;
    for (size_t steps = 1; steps <= store_migration_count; steps++) {
        empty_folder();
        make_old_store(steps);
        scene_open();
        EXPECT(number(&SQL_FORMAT) == (int64_t)store_migration_count, "from format %zu", steps);
        EXPECT(number(&SQL_LIFE) == 1, "what was in it is in it still, from format %zu", steps);
        EXPECT(number(&SQL_INBOX) == 1000 + 90 + 80, "the more urgent one stands for both");
        EXPECT_STR("the same tables as a new store has", schema(), fresh);
    }
}

/* A step that fails leaves the store in the format that it had. */
static void test_a_step_that_fails(void **state)
{
    (void)state;
    if (store_migration_count < 2) {
        CHECK_SKIP("there is one migration alone");
    }
    empty_folder();
    make_old_store(1);
    scene_open();
    MUST(conn_script(&scene.ctx, scene.conn, "PRAGMA user_version=1")); /* the second runs again */
    scene_close();
    log_set_level(LOG_ERROR + 1);
    EXPECT(store_open(&scene.ctx, scene.dir, &scene.store) != FM_OK, "the index is there already");
    scene.store = NULL;
    MUST(store_open_readonly(&scene.ctx, scene.dir, &scene.conn));
    EXPECT(number(&SQL_FORMAT) == 1 && number(&SQL_LIFE) == 1, "as it was");
    store_reader_close(scene.conn);
}

static void test_newer(void **state)
{
    struct store_conn *reader = NULL;

    (void)state;
    MUST(conn_script(
        &scene.ctx, scene.conn,
        arena_printf(scene.arena, "PRAGMA user_version=%zu", store_migration_count + 1).p));
    scene_close();
    EXPECT(store_open(&scene.ctx, scene.dir, &scene.store) == FM_E_INTERNAL, "a newer store");
    scene.store = NULL;
    EXPECT(strstr(scene.ctx.detail, "start the newer version") != NULL, "%s", scene.ctx.detail);
    EXPECT(store_open_readonly(&scene.ctx, scene.dir, &reader) == FM_E_INTERNAL && !reader,
           "not even for reading");
    EXPECT(strstr(scene.ctx.detail, "knows up to") != NULL, "%s", scene.ctx.detail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_format_before, scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(test_a_step_that_fails, scene_setup, scene_teardown),
        cmocka_unit_test_setup_teardown(test_newer, scene_setup, scene_teardown),
    };

    return CHECK_RUN(tests);
}
