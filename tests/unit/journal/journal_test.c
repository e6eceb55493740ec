/* SPDX-License-Identifier: Apache-2.0
 *
 * The audit log in the store, against a tree built anew from its entries by the definition of RFC 6962.
 * The test plays the committer: it brackets commands and batches itself.
 */
#include "../store/store_check.h"

#include "base/clock.h"
#include "journal/journal.h"
#include "json/json.h"

#include <stdio.h>
#include <unistd.h>

#define LEAVES_MAX 66100
#define LEVELS     17

static struct journal *journal;
static struct hash (*naive)[LEAVES_MAX]; /* [level][index], rebuilt from the entries */
static uint64_t naive_size;

SQL(SQL_ENTRIES, "SELECT entry FROM log_entries ORDER BY idx");
SQL(SQL_ENTRY, "SELECT entry FROM log_entries WHERE idx = $idx");
SQL(SQL_HEAD_ROOT, "SELECT root FROM log_head");
SQL(SQL_HEAD_SIZE, "SELECT size FROM log_head");
SQL(SQL_TILES, "SELECT count(*) FROM log_tiles WHERE tile >> 48 = $level");
SQL(SQL_TILE, "SELECT hashes FROM log_tiles WHERE tile = $tile");
SQL(SQL_CHECKPOINTS, "SELECT count(*) FROM log_checkpoints");
SQL(SQL_PAYLOAD, "SELECT salt, body FROM payloads WHERE idx = $idx");

/* Begin and end ------------------------------------------------------------------------------ */

static void open_journal(void)
{
    MUST(journal_open(&scene.ctx, scene.store, S("log.example"), &journal));
}

static void reopen(void)
{
    journal_close(journal);
    scene_close();
    arena_reset(scene.arena);
    scene_open();
    open_journal();
}

static int setup(void **state)
{
    crypto_init();
    naive = calloc(LEVELS, sizeof(*naive));
    if (!naive || scene_setup(state) != 0) {
        return -1;
    }
    open_journal();
    return 0;
}

static int teardown(void **state)
{
    journal_close(journal);
    journal = NULL;
    free(naive);
    return scene_teardown(state);
}

/* The committer's part ----------------------------------------------------------------------- */

static void begin(void)
{
    MUST(conn_script(&scene.ctx, scene.conn, "BEGIN IMMEDIATE"));
}

static void commit(void)
{
    MUST(journal_before_commit(journal, &scene.ctx, scene.conn));
    MUST(conn_script(&scene.ctx, scene.conn, "COMMIT"));
    journal_after_commit(journal);
}

static uint64_t append(int64_t number)
{
    struct journal_event event = {.kind = JOURNAL_PROPOSAL_HELD,
                                  .by = {.kind = ACTOR_CLOCK},
                                  .previous = -1,
                                  .at_us = 1795343075 * SECOND_US + number};
    uint64_t index;

    MUST(journal_append(&scene.ctx, scene.conn, &event, &index));
    return index;
}

static void append_many(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        (void)append((int64_t)i);
    }
}

/* One batch of commands of three leaves each, so that marks fall everywhere. */
static void append_batch(uint64_t count)
{
    begin();
    for (uint64_t done = 0; done < count; done += 3) {
        journal_mark(journal);
        append_many(count - done < 3 ? count - done : 3);
    }
    commit();
}

/* Grows the log to `size` in batches of changing sizes. */
static void grow_to(uint64_t size)
{
    static const uint64_t sizes[] = {1, 700, 2, 255, 2000, 256, 17};

    for (size_t i = 0; journal_size(journal) < size; i++) {
        uint64_t left = size - journal_size(journal), want = sizes[i % COUNT_OF(sizes)];
        append_batch(left < want ? left : want);
    }
}

/* The naive tree ----------------------------------------------------------------------------- */

static void build_naive(void)
{
    struct store_rows *rows;

    naive_size = 0;
    MUST(store_query(&scene.ctx, scene.conn, &SQL_ENTRIES, NO_ARGS, &rows));
    while (rows_next(&scene.ctx, rows)) {
        naive[0][naive_size++] = tlog_leaf_hash(rows_bytes(rows, 0));
    }
    for (unsigned level = 1; level < LEVELS; level++) {
        for (uint64_t i = 0; i < naive_size >> level; i++) {
            naive[level][i] = tlog_node_hash(naive[level - 1][2 * i], naive[level - 1][2 * i + 1]);
        }
    }
}

/* RFC 6962 2.1: MTH(D[n]) = SHA-256(0x01 || MTH(D[0:k]) || MTH(D[k:n])), k the largest power of two
 * smaller than n. */
static struct hash naive_root(const struct hash *leaves, uint64_t count)
{
    uint64_t k = 1;

    if (count == 0) {
        return sha256(S(""));
    }
    if (count == 1) {
        return leaves[0];
    }
    while (k * 2 < count) {
        k *= 2;
    }
    return tlog_node_hash(naive_root(leaves, k), naive_root(leaves + k, count - k));
}

static void expect_head(uint64_t size)
{
    struct store_rows *rows;
    struct hash root = naive_root(naive[0], size);
    int64_t stored;

    EXPECT(naive_size == size && journal_size(journal) == size, "%llu entries, size %llu, not %llu",
           (unsigned long long)naive_size, (unsigned long long)journal_size(journal),
           (unsigned long long)size);
    MUST(store_int(&scene.ctx, scene.conn, &SQL_HEAD_SIZE, NO_ARGS, 0, &stored));
    EXPECT(stored == (int64_t)size, "size %lld in the head", (long long)stored);
    MUST(store_query(&scene.ctx, scene.conn, &SQL_HEAD_ROOT, NO_ARGS, &rows));
    EXPECT(rows_next(&scene.ctx, rows) && str_eq(rows_bytes(rows, 0), hash_str(&root)),
           "root of %llu leaves", (unsigned long long)size);
    rows_done(rows);
}

static void expect_tiles(uint64_t size)
{
    uint64_t tiles[3] = {size / 256, (size / 256 + 255) / 256, (size / 65536 + 255) / 256};
    uint64_t widths[3] = {size / 256 * 256, size / 256, size / 65536};

    for (unsigned level = 0; level < 3; level++) {
        int64_t count;
        MUST(
            store_int(&scene.ctx, scene.conn, &SQL_TILES, ARGS(A_INT("$level", level)), 0, &count));
        EXPECT(count == (int64_t)tiles[level], "%lld tiles of level %u at %llu leaves",
               (long long)count, level, (unsigned long long)size);
        for (uint64_t tile = 0; tile < tiles[level]; tile++) {
            uint64_t width = widths[level] - tile * 256 < 256 ? widths[level] - tile * 256 : 256;
            struct store_rows *rows;
            MUST(store_query(&scene.ctx, scene.conn, &SQL_TILE,
                             ARGS(A_INT("$tile", (uint64_t)level << 48 | tile)), &rows));
            EXPECT(rows_next(&scene.ctx, rows) &&
                       str_eq(rows_bytes(rows, 0),
                              (struct str){(const char *)&naive[level * 8][tile * 256],
                                           width * SHA256_SIZE}),
                   "tile %u/%llu at %llu leaves", level, (unsigned long long)tile,
                   (unsigned long long)size);
            rows_done(rows);
        }
    }
}

static void expect_hash(unsigned level, uint64_t index)
{
    struct hash got;
    bool there = index < naive_size >> level;

    EXPECT(journal_read_hash(scene.conn, level, index, &got) == there,
           "hash %u/%llu of %llu leaves", level, (unsigned long long)index,
           (unsigned long long)naive_size);
    EXPECT(!there || hash_eq(got, naive[level][index]), "hash %u/%llu of %llu leaves", level,
           (unsigned long long)index, (unsigned long long)naive_size);
}

/* Sizes -------------------------------------------------------------------------------------- */

static const uint64_t sizes[] = {1,   2,   3,   254, 255,   256,   257,   258,  511,
                                 512, 513, 600, 767, 65535, 65536, 65537, 65800};

static void test_sizes(void **state)
{
    uint64_t seed = 3;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        grow_to(sizes[i]);
        build_naive();
        expect_head(sizes[i]);
        expect_tiles(sizes[i]);
        for (unsigned level = 0; level < LEVELS; level++) {
            uint64_t count = sizes[i] >> level;
            for (uint64_t k = 0; k <= count + 1 && k < 800;
                 k++) { /* all of a small log, and beyond */
                expect_hash(level, sizes[i] < 800 ? k : draw(&seed) % (count + 2));
                k += sizes[i] < 800 ? 0 : 15;
            }
            expect_hash(level, count ? count - 1 : 0);
        }
        reopen();
        expect_head(sizes[i]);
    }
}

static void test_empty(void **state)
{
    struct hash hash;

    (void)state;
    EXPECT(journal_size(journal) == 0, "nothing");
    EXPECT(!journal_read_hash(scene.conn, 0, 0, &hash), "no hash");
    begin();
    commit();
    EXPECT(journal_size(journal) == 0, "a batch without leaves adds nothing");
    reopen();
    EXPECT(journal_size(journal) == 0, "still nothing");
}

/* Undoing ------------------------------------------------------------------------------------ */

static void savepoint(const char *what)
{
    MUST(conn_script(&scene.ctx, scene.conn, what));
}

static void test_rollback(void **state)
{
    (void)state;
    begin();
    journal_mark(journal);
    append_many(3);
    savepoint("SAVEPOINT command");
    journal_mark(journal);
    EXPECT(append(10) == 3 && append(11) == 4, "places behind");
    journal_rollback(journal);
    savepoint("ROLLBACK TO command");
    journal_mark(journal);
    EXPECT(append(12) == 3, "the place is free again");
    EXPECT(journal_size(journal) == 0, "nothing is durable yet");
    commit();
    build_naive();
    expect_head(4);
    EXPECT(append(13) == 4, "the next place");
    journal_rollback(journal);
}

/* A batch that went as far as writing tiles and head, at every kind of border. */
static void test_abandon(void **state)
{
    static const uint64_t borders[] = {0, 10, 249, 256, 505, 512};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(borders); i++) {
        grow_to(borders[i]);
        begin();
        journal_mark(journal);
        append_many(300);
        MUST(journal_before_commit(journal, &scene.ctx, scene.conn));
        MUST(conn_script(&scene.ctx, scene.conn, "ROLLBACK"));
        journal_abandon(journal);
        EXPECT(journal_size(journal) == borders[i], "nothing of it at %llu",
               (unsigned long long)borders[i]);
        append_batch(7);
        build_naive();
        expect_head(borders[i] + 7);
        expect_tiles(borders[i] + 7);
    }
    grow_to(1000);
    build_naive();
    expect_head(1000);
    expect_tiles(1000);
    reopen();
}

/* Leaves ------------------------------------------------------------------------------------- */

static struct str entry(uint64_t index)
{
    struct store_rows *rows;
    struct str bytes = STR_NONE;

    MUST(store_query(&scene.ctx, scene.conn, &SQL_ENTRY, ARGS(A_INT("$idx", index)), &rows));
    if (rows_next(&scene.ctx, rows)) {
        bytes = arena_copy(scene.arena, rows_bytes(rows, 0));
        rows_done(rows);
    }
    return bytes;
}

static const struct json *entry_tree(uint64_t index)
{
    const struct json *tree;

    MUST(json_parse(&scene.ctx, entry(index), &JSON_LIMITS_WIRE, &tree));
    return tree;
}

static void test_leaves(void **state)
{
    (void)state;
    for (int kind = 0; kind < JOURNAL_KIND_COUNT; kind++) {
        for (int who = ACTOR_AGENT; who <= ACTOR_OPERATOR; who++) {
            AUTO(buf_done) struct buf again = BUF_INIT(64 * KIB);
            char text[ID_TEXT_MAX];
            struct id proposal = kind % 2 ? id_new() : (struct id){{0}}, event;
            struct id by = who <= ACTOR_REVIEWER ? id_new() : (struct id){{0}};
            const struct json *leaf;
            uint64_t index;

            begin();
            journal_mark(journal);
            MUST(journal_append_event(
                &scene.ctx, scene.conn,
                &(struct journal_event){.kind = (enum journal_kind)kind,
                                        .by = {(enum actor_kind)who, by},
                                        .proposal = proposal,
                                        .previous = kind % 3 ? 0 : -1,
                                        .at_us = 1795343075 * SECOND_US,
                                        .data = kind % 5 ? S("\"a\":1,\"b\":[]") : S(""),
                                        .payload = kind % 2 ? S("{}") : STR_NONE},
                &index, &event));
            commit();
            leaf = entry_tree(index);
            json_write(&again, leaf);
            EXPECT_STR("canonical", buf_str(&again), entry(index));
            EXPECT_STR("kind", json_text(json_get(leaf, S("kind"))),
                       str_of(journal_kind_name((enum journal_kind)kind)));
            EXPECT_STR("id", json_text(json_get(leaf, S("id"))), id_format(ID_EVENT, event, text));
            EXPECT(!json_get(leaf, S("proposal")) == id_is_zero(proposal), "proposal");
            EXPECT(!json_get(leaf, S("commitment")) == !(kind % 2), "commitment");
            EXPECT_STR("by", json_text(json_at(leaf, S("/by/kind"))),
                       str_of(actor_kind_name((enum actor_kind)who)));
            EXPECT(!json_at(leaf, S("/by/id")) == (who > ACTOR_REVIEWER), "by whom");
            EXPECT(json_number(json_get(leaf, S("v"))) == 1, "version");
        }
    }
}

static void test_payloads(void **state)
{
    struct str payload = S("{\"name\":\"ana\"}"), got;
    struct hash stated, real;
    struct store_rows *rows;
    uint64_t index, bare;

    (void)state;
    begin();
    journal_mark(journal);
    MUST(journal_append(&scene.ctx, scene.conn,
                        &(struct journal_event){.kind = JOURNAL_PERSON_ADDED,
                                                .by = {.kind = ACTOR_OPERATOR},
                                                .previous = -1,
                                                .payload = payload},
                        &index));
    bare = append(1);
    commit();
    EXPECT(strstr(entry(index).p, "ana") == NULL, "what is personal is not in the leaf");
    MUST(journal_payload(&scene.ctx, scene.conn, index, &got));
    EXPECT_STR("kept beside it", got, payload);
    EXPECT(hex_decode(json_text(json_get(entry_tree(index), S("commitment"))), stated.bytes, 32),
           "hex");
    MUST(store_query(&scene.ctx, scene.conn, &SQL_PAYLOAD, ARGS(A_INT("$idx", index)), &rows));
    assert_true(rows_next(&scene.ctx, rows));
    EXPECT(rows_bytes(rows, 0).n == 16, "a salt of 16 bytes");
    real = sha256(payload);
    real = hmac_sha256(rows_bytes(rows, 0), hash_str(&real));
    EXPECT(hash_eq(stated, real), "the leaf commits to it");
    EXPECT(hash_eq(journal_commitment(rows_bytes(rows, 0), payload), real), "by the same rule");
    rows_done(rows);
    EXPECT(journal_payload(&scene.ctx, scene.conn, bare, &got) == FM_E_NOT_FOUND,
           "a leaf without one");
    EXPECT(journal_payload(&scene.ctx, scene.conn, 99, &got) == FM_E_NOT_FOUND, "no leaf");
    MUST(conn_script(&scene.ctx, scene.conn, "UPDATE payloads SET salt = NULL, body = NULL"));
    MUST(journal_payload(&scene.ctx, scene.conn, index, &got));
    EXPECT(got.p == NULL, "erased");
}

/* Equal payloads must not be seen to be equal: each has its own salt. */
static void test_salts(void **state)
{
    struct str first = STR_NONE;

    (void)state;
    begin();
    for (uint64_t i = 0; i < 20; i++) {
        struct str commitment;
        uint64_t index;
        MUST(journal_append(&scene.ctx, scene.conn,
                            &(struct journal_event){
                                .kind = JOURNAL_PERSON_ADDED, .previous = -1, .payload = S("{}")},
                            &index));
        commitment = json_text(json_get(entry_tree(index), S("commitment")));
        EXPECT(commitment.n == 64 && !str_eq(commitment, first), "number %llu",
               (unsigned long long)i);
        first = commitment;
    }
    commit();
}

/* Log checkpoints ---------------------------------------------------------------------------- */

static bool newest_checkpoint(struct tlog_checkpoint *out)
{
    struct buf note = BUF_INIT(64 * KIB), vkey = BUF_INIT(4 * KIB);
    struct note_verifier verifier;
    struct note opened;
    struct str text;

    journal_checkpoint(journal, &note);
    journal_vkey(journal, &vkey);
    text = arena_copy(scene.arena, buf_str(&note));
    EXPECT(note_verifier_parse(buf_str(&vkey), &verifier), "%.*s", STR_ARG(buf_str(&vkey)));
    buf_done(&note);
    buf_done(&vkey);
    if (text.n == 0) {
        return false;
    }
    MUST(note_open(&scene.ctx, text, &verifier, 1, &opened));
    EXPECT(tlog_checkpoint_parse(opened.text, out), "%.*s", STR_ARG(opened.text));
    EXPECT_STR("the log's name", out->origin, str_of(verifier.name));
    return true;
}

static void expect_checkpoint(const char *when, uint64_t size)
{
    struct tlog_checkpoint checkpoint = {.size = UINT64_MAX};

    build_naive();
    EXPECT(newest_checkpoint(&checkpoint), "%s: there is one", when);
    EXPECT(checkpoint.size == size, "%s: of size %llu", when, (unsigned long long)checkpoint.size);
    EXPECT(hash_eq(checkpoint.root, naive_root(naive[0], size)), "%s: its root", when);
}

static int64_t stored_checkpoints(void)
{
    int64_t count;

    MUST(store_int(&scene.ctx, scene.conn, &SQL_CHECKPOINTS, NO_ARGS, -1, &count));
    return count;
}

static void test_signing(void **state)
{
    struct tlog_checkpoint none;

    (void)state;
    EXPECT(!newest_checkpoint(&none), "a new log has none");
    append_batch(5);
    EXPECT(!newest_checkpoint(&none), "appending signs nothing");
    begin();
    journal_mark(journal);
    append_many(4);
    journal_mark(journal);
    MUST(journal_sign(journal, &scene.ctx, scene.conn));
    EXPECT(!newest_checkpoint(&none), "not shown before it is durable");
    commit();
    expect_checkpoint("signed in the batch that added four", 5);
    begin();
    MUST(journal_sign(journal, &scene.ctx, scene.conn));
    commit();
    expect_checkpoint("once more", 9);
    begin();
    MUST(journal_sign(journal, &scene.ctx, scene.conn));
    commit();
    EXPECT(stored_checkpoints() == 2, "nothing is new: nothing is signed");
    reopen();
    expect_checkpoint("after a restart", 9);
    begin();
    MUST(journal_sign(journal, &scene.ctx, scene.conn));
    commit();
    EXPECT(stored_checkpoints() == 2, "still nothing new");
}

/* The batch in which it was signed was undone: it is neither shown nor taken for signed. */
static void test_signing_undone(void **state)
{
    struct tlog_checkpoint none;

    (void)state;
    for (int round = 0; round < 2; round++) {
        append_batch(5);
        begin();
        MUST(journal_sign(journal, &scene.ctx, scene.conn));
        MUST(conn_script(&scene.ctx, scene.conn, "ROLLBACK"));
        journal_abandon(journal);
        journal_after_commit(journal);
        EXPECT(round > 0 || !newest_checkpoint(&none), "not shown");
        EXPECT(stored_checkpoints() == round, "nor stored");
        begin();
        MUST(journal_sign(journal, &scene.ctx, scene.conn));
        commit();
        expect_checkpoint("signed again", 5 * (uint64_t)(round + 1));
        EXPECT(stored_checkpoints() == round + 1, "and stored");
    }
}

/* Opening ------------------------------------------------------------------------------------ */

static const struct {
    const char *name, *sql;
    bool opens;
} tampered[] = {
    {"nothing", "SELECT 1", true},
    {"another root", "UPDATE log_head SET root = zeroblob(32)", false},
    {"a root that is none", "UPDATE log_head SET root = x'00'", false},
    {"one leaf more in the head", "UPDATE log_head SET size = size + 1", false},
    {"one leaf less in the head", "UPDATE log_head SET size = size - 1", false},
    {"a negative size", "UPDATE log_head SET size = -1", false},
    {"no head", "DELETE FROM log_head", false},
    {"the last leaf changed", "UPDATE log_entries SET entry = x'7B7D' WHERE idx = 599", false},
    {"a leaf of the last tile missing", "DELETE FROM log_entries WHERE idx = 550", false},
    {"the last leaf missing", "DELETE FROM log_entries WHERE idx = 599", false},
    {"a tile above changed", "UPDATE log_tiles SET hashes = zeroblob(64) WHERE tile >> 48 = 1",
     false},
    /* the lowest tiles can be made again from the entries, or the entries be found wrong by verify */
    {"the lowest tiles missing", "DELETE FROM log_tiles WHERE tile < 256", true},
    {"all tiles missing", "DELETE FROM log_tiles", true},
};

static void test_tampered(void **state)
{
    (void)state;
    grow_to(600);
    journal_close(journal);
    journal = NULL;
    for (size_t i = 0; i < COUNT_OF(tampered); i++) {
        struct journal *opened = NULL;
        enum fm_err err;

        begin();
        MUST(conn_script(&scene.ctx, scene.conn, tampered[i].sql));
        err = journal_open(&scene.ctx, scene.store, S("log.example"), &opened);
        EXPECT((err == FM_OK) == tampered[i].opens, "%s: %s", tampered[i].name, scene.ctx.detail);
        EXPECT(err == FM_OK || err == FM_E_INTERNAL || err == FM_E_INVALID_ARGUMENT, "%s: error %d",
               tampered[i].name, (int)err);
        journal_close(opened);
        MUST(conn_script(&scene.ctx, scene.conn, "ROLLBACK"));
    }
}

static void test_name(void **state)
{
    struct buf first = BUF_INIT(4 * KIB), second = BUF_INIT(4 * KIB);

    (void)state;
    journal_vkey(journal, &first);
    EXPECT(str_starts(buf_str(&first), S("log.example/")), "%.*s", STR_ARG(buf_str(&first)));
    journal_close(journal);
    MUST(journal_open(&scene.ctx, scene.store, S("another.example"), &journal));
    journal_vkey(journal, &second);
    EXPECT_STR("a log keeps its name and key", buf_str(&second), buf_str(&first));
    buf_done(&first);
    buf_done(&second);
}

static void sign_and_close(void)
{
    begin();
    MUST(journal_sign(journal, &scene.ctx, scene.conn));
    commit();
    journal_close(journal);
    journal = NULL;
}

/* Tries to open the log as it is now. */
static void expect_refused(const char *row, const char *says)
{
    struct journal *opened = NULL;

    ctx_clear(&scene.ctx);
    EXPECT(journal_open(&scene.ctx, scene.store, S("log.example"), &opened) == FM_E_INTERNAL, "%s",
           row);
    EXPECT(strstr(scene.ctx.detail, says), "%s: said \"%s\"", row, scene.ctx.detail);
    journal_close(opened);
}

static void test_key(void **state)
{
    struct str path = arena_printf(scene.arena, "%s/log.key", store_dir(scene.store));
    struct str beside = arena_printf(scene.arena, "%s/log.key.kept", store_dir(scene.store));
    struct sign_key other;

    (void)state;
    grow_to(3);
    sign_and_close();
    assert_int_equal(rename(path.p, beside.p), 0);
    expect_refused("a log with entries gets no new key",
                   "log.key is missing, and the log is not empty");
    assert_int_equal(access(path.p, F_OK), -1);
    MUST(sign_key_load(&scene.ctx, path.p, &other));
    expect_refused("another key", "not the key that signed this log");
    assert_int_equal(rename(beside.p, path.p), 0);
    open_journal();
}

/* The head fits, and yet an earlier state was signed that this log does not continue. */
static void test_signed_otherwise(void **state)
{
    (void)state;
    grow_to(3);
    sign_and_close();
    MUST(conn_script(&scene.ctx, scene.conn,
                     "DELETE FROM log_entries; DELETE FROM log_tiles; DELETE FROM log_head"));
    expect_refused("a cut log", "signed for 3 entries, the log has 0");
    MUST(conn_script(&scene.ctx, scene.conn,
                     "CREATE TEMP TABLE old AS SELECT * FROM log_checkpoints;"
                     "DELETE FROM log_checkpoints"));
    open_journal();
    grow_to(4);
    journal_close(journal);
    journal = NULL;
    MUST(conn_script(&scene.ctx, scene.conn, "INSERT INTO log_checkpoints SELECT * FROM old"));
    expect_refused("another history", "not the one that its newest checkpoint was signed for");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_empty),          TEST(test_sizes),    TEST(test_rollback), TEST(test_abandon),
        TEST(test_leaves),         TEST(test_payloads), TEST(test_salts),    TEST(test_signing),
        TEST(test_signing_undone), TEST(test_tampered), TEST(test_name),     TEST(test_key),
        TEST(test_signed_otherwise),
    };

    return CHECK_RUN(tests);
}
