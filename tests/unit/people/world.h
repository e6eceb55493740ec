/* SPDX-License-Identifier: Apache-2.0
 *
 * A small world for tests of people: a data folder of its own, opened as a server opens it, and short
 * ways of making changes in it.
 */
#ifndef FM_TEST_WORLD_H
#define FM_TEST_WORLD_H

#include "../check.h"

#include "base/log.h"
#include "server/instance.h"

#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

struct world {
    char dir[512];
    struct arena *arena;
    struct ctx ctx;
    struct instance instance;
};

static struct world world;
static const struct actor world_operator = {.kind = ACTOR_OPERATOR};

/* Begin and end -------------------------------------------------------------------------------- */

static inline void world_open(void)
{
    EXPECT(instance_open(&world.ctx, world.dir, &world.instance) == FM_OK, "opening: %s",
           world.ctx.detail);
}

static inline void world_close(void)
{
    instance_close(&world.instance);
}

static inline int world_setup(void **state)
{
    const char *parent = getenv("TMPDIR");

    (void)state;
    crypto_init();
    log_set_level(LOG_WARN);
    (void)snprintf(world.dir, sizeof(world.dir), "%s/fermata-test-XXXXXX", parent ? parent : P_tmpdir);
    if (!mkdtemp(world.dir)) {
        return -1;
    }
    world.arena = arena_new(64 * MIB);
    ctx_init(&world.ctx, world.arena);
    world_open();
    return 0;
}

static int world_remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
    (void)stat;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline int world_teardown(void **state)
{
    (void)state;
    clock_set_virtual_us(0);
    world_close();
    (void)nftw(world.dir, world_remove_one, 8, FTW_DEPTH | FTW_PHYS);
    arena_free(world.arena);
    return 0;
}

/* Changes -------------------------------------------------------------------------------------- */

/* One command of the committer: `act` does the work, with what the test hands it. */
struct world_cmd {
    struct store_cmd cmd;
    enum fm_err (*act)(struct ctx *ctx, struct store_conn *conn, void *with);
    void *with;
};

static enum fm_err world_run(struct store_cmd *cmd, struct store_conn *conn)
{
    struct world_cmd *ours = (struct world_cmd *)cmd;

    return ours->act(cmd->ctx, conn, ours->with);
}

static inline enum fm_err world_do(enum fm_err (*act)(struct ctx *ctx, struct store_conn *conn,
                                                      void *with),
                                   void *with)
{
    struct world_cmd command = {.cmd = {.run = world_run, .ctx = &world.ctx}, .act = act, .with = with};

    ctx_clear(&world.ctx);
    return committer_call(world.instance.committer, &command.cmd);
}

/* One integer of the store, read on a connection of its own. */
static inline int64_t world_count(const struct sql *sql)
{
    struct store_conn *conn;
    int64_t count = -1;

    EXPECT(store_reader(&world.ctx, world.instance.store, &conn) == FM_OK, "%s", world.ctx.detail);
    EXPECT(store_int(&world.ctx, conn, sql, NO_ARGS, -1, &count) == FM_OK, "%s", world.ctx.detail);
    store_reader_close(conn);
    return count;
}

#endif
