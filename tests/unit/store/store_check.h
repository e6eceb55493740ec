/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the store share: a folder of their own, and a small table in it.
 */
#ifndef FM_STORE_CHECK_H
#define FM_STORE_CHECK_H

#include "../base/base_check.h"

#include "base/log.h"
#include "store/store_internal.h"

#include <ftw.h>
#include <sys/stat.h>

struct scene {
    char dir[512];
    struct arena *arena;
    struct ctx ctx;
    struct store *store;
    struct store_conn *conn; /* the write connection */
};

static struct scene scene;

#define MUST(call) EXPECT((call) == FM_OK, "%s", scene.ctx.detail)

static inline void scene_open(void)
{
    MUST(store_open(&scene.ctx, scene.dir, &scene.store));
    scene.conn = store_writer(scene.store);
}

static inline void scene_close(void)
{
    store_close(scene.store);
    scene.store = NULL;
    scene.conn = NULL;
}

static inline int scene_setup(void **state)
{
    const char *parent = getenv("TMPDIR");

    (void)state;
    log_set_level(LOG_ERROR);
    (void)snprintf(scene.dir, sizeof(scene.dir), "%s/fermata-test-XXXXXX",
                   parent ? parent : P_tmpdir);
    if (!mkdtemp(scene.dir)) {
        return -1;
    }
    scene.arena = arena_new(64 * MIB);
    ctx_init(&scene.ctx, scene.arena);
    scene_open();
    MUST(conn_script(&scene.ctx, scene.conn,
                     "CREATE TABLE IF NOT EXISTS pairs("
                     "k INTEGER PRIMARY KEY, v)"));
    return 0;
}

static inline int scene_remove_one(const char *path, const struct stat *stat, int type,
                                   struct FTW *ftw)
{
    (void)stat;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void scene_remove(const char *dir)
{
    (void)nftw(dir, scene_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline int scene_teardown(void **state)
{
    (void)state;
    scene_close();
    scene_remove(scene.dir);
    arena_free(scene.arena);
    return 0;
}

/* The path of a file in the scene's folder, in the arena. */
static inline const char *scene_path(const char *name)
{
    return arena_printf(scene.arena, "%s/%s", scene.dir, name).p;
}

SQL(SQL_PUT, "INSERT INTO pairs(k, v) VALUES($k, $v)");
SQL(SQL_COUNT, "SELECT count(*) FROM pairs");

static inline int64_t scene_count(struct store_conn *conn)
{
    int64_t count;

    MUST(store_int(&scene.ctx, conn, &SQL_COUNT, NO_ARGS, -1, &count));
    return count;
}

/* From now on no file of this process can grow beyond `bytes`; RLIM_INFINITY lifts it. SIGXFSZ is
 * ignored meanwhile, so that writing fails instead. */
static inline void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    (void)signal(SIGXFSZ, bytes == RLIM_INFINITY ? SIG_DFL : SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

#define SCENE_TEST(function) cmocka_unit_test_setup_teardown(function, scene_setup, scene_teardown)

#endif
