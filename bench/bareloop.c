/* SPDX-License-Identifier: Apache-2.0
 *
 * The bare loop: the rows, indexes and leaf of an auto-approved proposal, committed in groups with the
 * same pragmas and nothing else: no HTTP, no JSON, no hashing, no checks, one thread. What the disk and
 * SQLite give is the yardstick for the server's durable rate.
 *
 *   bareloop --dir DIR --rows N --group 64      prints {"rate": rows per second, ...}
 */
#include "base/clock.h"
#include "store/store_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define PAYLOAD 1024 /* bytes of the canonical request, as the load generator sends */
#define LEAF 330
#define ASSESSMENT 120

struct loop {
    sqlite3 *db;
    sqlite3_stmt *entry, *payload, *proposal, *begin, *commit, *head;
    char bytes[PAYLOAD];
};

static void check(sqlite3 *db, int code)
{
    if (code != SQLITE_OK && code != SQLITE_DONE && code != SQLITE_ROW) {
        fprintf(stderr, "bareloop: %s\n", sqlite3_errmsg(db));
        exit(1);
    }
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *text)
{
    sqlite3_stmt *statement;

    check(db, sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL));
    return statement;
}

static void run(struct loop *loop, sqlite3_stmt *statement)
{
    check(loop->db, sqlite3_step(statement));
    check(loop->db, sqlite3_reset(statement));
}

static void prepare_all(struct loop *loop)
{
    loop->begin = prepare(loop->db, "BEGIN IMMEDIATE");
    loop->commit = prepare(loop->db, "COMMIT");
    loop->entry = prepare(loop->db, "INSERT INTO log_entries(idx, previous, entry) VALUES(?1, NULL, ?2)");
    loop->payload = prepare(loop->db, "INSERT INTO payloads(idx, salt, body) VALUES(?1, ?2, ?3)");
    loop->head = prepare(loop->db, "INSERT INTO log_head(one, size, root) VALUES(1, ?1, ?2)"
                                   " ON CONFLICT(one) DO UPDATE SET size = ?1, root = ?2");
    loop->proposal = prepare(
        loop->db,
        "INSERT INTO proposals(id, agent, state, revision, action, category, policy, digest,"
        " arguments_digest, payload, last_leaf, assessment, created_at, updated_at, next_at, verdict,"
        " decided_at, decision, decision_leaf, permit, approved_until)"
        " VALUES(?1, ?2, 3, 1, 'bench.allow', 'bench.allow', 1, ?3, ?4, ?5, ?5, ?6, ?7, ?7, ?8, 1, ?7, ?9,"
        " ?5, ?10, ?8)");
}

static void bind_bytes(struct loop *loop, sqlite3_stmt *statement, int at, const void *p, int n)
{
    check(loop->db, sqlite3_bind_blob(statement, at, p, n, SQLITE_STATIC));
}

static void insert_one(struct loop *loop, int64_t index, int64_t agents)
{
    struct id id = id_new(), decision = id_new(), permit = id_new();
    int64_t now_us = clock_now_us();

    random_bytes(loop->bytes, 80); /* digests and salt differ from row to row */
    sqlite3_bind_int64(loop->payload, 1, index);
    bind_bytes(loop, loop->payload, 2, loop->bytes, 16);
    bind_bytes(loop, loop->payload, 3, loop->bytes, PAYLOAD);
    run(loop, loop->payload);
    sqlite3_bind_int64(loop->entry, 1, index);
    bind_bytes(loop, loop->entry, 2, loop->bytes, LEAF);
    run(loop, loop->entry);
    bind_bytes(loop, loop->proposal, 1, id.bytes, 16);
    sqlite3_bind_int64(loop->proposal, 2, 1 + index % agents);
    bind_bytes(loop, loop->proposal, 3, loop->bytes, 32);
    bind_bytes(loop, loop->proposal, 4, loop->bytes + 32, 32);
    sqlite3_bind_int64(loop->proposal, 5, index);
    check(loop->db, sqlite3_bind_text(loop->proposal, 6, loop->bytes + 100, ASSESSMENT, SQLITE_STATIC));
    sqlite3_bind_int64(loop->proposal, 7, now_us);
    sqlite3_bind_int64(loop->proposal, 8, now_us + DAY_US);
    bind_bytes(loop, loop->proposal, 9, decision.bytes, 16);
    bind_bytes(loop, loop->proposal, 10, permit.bytes, 16);
    run(loop, loop->proposal);
}

static double run_rows(struct loop *loop, int64_t rows, int64_t group)
{
    int64_t started_us = clock_monotonic_us();

    for (int64_t done = 0; done < rows;) {
        run(loop, loop->begin);
        for (int64_t i = 0; i < group && done < rows; i++, done++) {
            insert_one(loop, done, 64);
        }
        sqlite3_bind_int64(loop->head, 1, done);
        bind_bytes(loop, loop->head, 2, loop->bytes, 32);
        run(loop, loop->head);
        run(loop, loop->commit);
    }
    return (double)rows * SECOND_US / (double)(clock_monotonic_us() - started_us);
}

static const char *option(int argc, char **argv, const char *name, const char *fallback)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            return argv[i + 1];
        }
    }
    return fallback;
}

int main(int argc, char **argv)
{
    const char *dir = option(argc, argv, "--dir", NULL);
    int64_t rows = strtoll(option(argc, argv, "--rows", "50000"), NULL, 10);
    int64_t group = strtoll(option(argc, argv, "--group", "64"), NULL, 10);
    AUTO(arena_done) struct arena *arena = arena_new(MIB);
    struct loop loop = {0};
    struct store *store;
    struct ctx ctx;

    ctx_init(&ctx, arena);
    if (!dir || rows < 1 || group < 1 || store_open(&ctx, dir, &store) != FM_OK) {
        fprintf(stderr, "usage: bareloop --dir DIR [--rows N] [--group 64]: %s\n", ctx.detail);
        return 2;
    }
    memset(loop.bytes, 'x', sizeof(loop.bytes));
    loop.db = store->writer->db;
    prepare_all(&loop);
    printf("{\"rate\":%.0f,\"rows\":%lld,\"group\":%lld}\n", run_rows(&loop, rows, group), (long long)rows,
           (long long)group);
    return 0; /* the statements go with the process */
}
