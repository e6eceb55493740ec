/* SPDX-License-Identifier: Apache-2.0
 *
 * Verifying a store from the first leaf to the last. The tree is built again from the entries alone and
 * compared with everything that was stored about it; every payload is compared with its commitment, and
 * every proposal with all of its leaves. Memory does not grow with the log.
 */
#include "keep/keep.h"

#include "keep/chain.h"
#include "keep/standing.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

SQL(SQL_HEAD, "SELECT size, root FROM log_head");
SQL(SQL_ENTRIES, "SELECT e.idx, e.previous, e.entry, p.idx, p.salt, p.body FROM log_entries e"
                 " LEFT JOIN payloads p ON p.idx = e.idx ORDER BY e.idx");
SQL(SQL_TILE, "SELECT hashes FROM log_tiles WHERE tile = $tile");
SQL(SQL_TILE_COUNT, "SELECT count(*) FROM log_tiles");
SQL(SQL_STRAY, "SELECT count(*) FROM payloads WHERE idx NOT IN (SELECT idx FROM log_entries)");
SQL(SQL_CHECKPOINTS, "SELECT size, note FROM log_checkpoints ORDER BY size");
SQL(SQL_PROPOSALS, "SELECT " PROPOSAL_COLUMNS " FROM proposals ORDER BY row");
SQL(SQL_BODY, "SELECT body FROM payloads WHERE idx = $idx");
SQL(SQL_ENTRY, "SELECT entry FROM log_entries WHERE idx = $idx");
SQL(SQL_POLICY, "SELECT id FROM policies WHERE row = $row");
SQL(SQL_AGENT, "SELECT id FROM agents WHERE row = $row");
SQL(SQL_PERSON, "SELECT id FROM people WHERE row = $row");
SQL(SQL_CHECK, "PRAGMA integrity_check(10)");

#define TILE_LEVELS 8

struct verify {
    struct ctx *ctx;       /* for the report: lives to the end */
    struct ctx leaf;       /* forgotten after each leaf */
    struct ctx chain;      /* for reading chains, of which each leaf is forgotten too */
    struct store_conn *conn;
    const struct verify_options *options;
    struct verify_report *report;
    struct tlog_frontier tree;
    struct hash tiles[TILE_LEVELS][TLOG_TILE_WIDTH];
    uint64_t tiles_seen;
    uint64_t of_proposals; /* leaves that name a proposal */
    uint64_t in_chains;    /* leaves that proposals lead back to */
    uint64_t head_size;
    struct hash head_root;
    struct standing *standing;      /* what leaves tell of people, keys, policies, pauses */
    struct store_rows *checkpoints; /* a cursor that follows the growing tree */
    bool checkpoint_waits;
    struct tlog_checkpoint next_checkpoint;
    struct tlog_checkpoint against;
};

void verify_found(struct ctx *ctx, struct verify_report *report, const char *format, ...)
{
    char text[400];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (report->finding_count < FINDINGS_MAX) {
        report->findings[report->finding_count] = arena_printf(ctx->arena, "%s", text);
    }
    report->finding_count++;
}

#define found(v, ...) verify_found((v)->ctx, (v)->report, __VA_ARGS__)

/* --- the tree ------------------------------------------------------------------------------------------ */

static void check_tile(struct verify *v, unsigned level, uint64_t tile, size_t width)
{
    struct store_rows *rows;
    struct str stored = STR_NONE;
    struct ctx ctx = v->leaf;

    v->tiles_seen++;
    if (store_query(&ctx, v->conn, &SQL_TILE,
                    ARGS(A_INT("$tile", (int64_t)((uint64_t)level << 48 | tile))), &rows) != FM_OK) {
        found(v, "tile %u/%" PRIu64 " cannot be read", level, tile);
        return;
    }
    if (rows_next(&ctx, rows)) {
        stored = rows_bytes(rows, 0);
    }
    if (!str_eq(stored, (struct str){(const char *)v->tiles[level], width * SHA256_SIZE})) {
        found(v, "tile %u/%" PRIu64 " does not fit the entries", level, tile);
    }
    rows_done(rows);
}

static void on_completed(void *with, unsigned level, uint64_t index, struct hash hash)
{
    struct verify *v = with;
    size_t place = index % TLOG_TILE_WIDTH;

    if (level % 8 != 0) {
        return;
    }
    v->tiles[level / 8][place] = hash;
    if (place == TLOG_TILE_WIDTH - 1) {
        check_tile(v, level / 8, index / TLOG_TILE_WIDTH, TLOG_TILE_WIDTH);
    }
}

/* The last tiles above level 0 are stored though they are not full. */
static void check_partial_tiles(struct verify *v)
{
    uint64_t size = v->tree.size / TLOG_TILE_WIDTH;

    for (unsigned level = 1; level < TILE_LEVELS; level++, size /= TLOG_TILE_WIDTH) {
        if (size % TLOG_TILE_WIDTH != 0) {
            check_tile(v, level, size / TLOG_TILE_WIDTH, size % TLOG_TILE_WIDTH);
        }
    }
}

/* --- checkpoints --------------------------------------------------------------------------------------- */

static bool open_note(struct verify *v, struct str text, const char *what, struct tlog_checkpoint *out)
{
    struct note note;
    struct ctx ctx = v->leaf;

    if (note_open(&ctx, text, v->options->verifier, 1, &note) != FM_OK) {
        found(v, "%s: %s", what, ctx.detail);
        return false;
    }
    if (!tlog_checkpoint_parse(note.text, out)) {
        found(v, "%s is no log checkpoint", what);
        return false;
    }
    return true;
}

/* Moves the cursor to the next stored checkpoint that can be opened. */
static void next_checkpoint(struct verify *v)
{
    char what[64];

    v->checkpoint_waits = false;
    while (v->checkpoints && !v->checkpoint_waits) {
        if (!rows_next(&v->leaf, v->checkpoints)) {
            v->checkpoints = NULL;
            return;
        }
        snprintf(what, sizeof(what), "the checkpoint of size %" PRId64, rows_int(v->checkpoints, 0));
        v->checkpoint_waits = open_note(v, rows_bytes(v->checkpoints, 1), what, &v->next_checkpoint);
        v->next_checkpoint.origin = STR_NONE; /* borrowed from the row */
        v->report->checkpoints++;
        if (v->checkpoint_waits && v->next_checkpoint.size != (uint64_t)rows_int(v->checkpoints, 0)) {
            found(v, "%s says another size", what);
        }
    }
}

static void check_root_at_size(struct verify *v)
{
    struct hash root;
    bool due = v->checkpoint_waits && v->next_checkpoint.size == v->tree.size;
    bool against = v->against.size == v->tree.size && v->options->against.p;

    if (!due && !against) {
        return;
    }
    root = tlog_root(&v->tree);
    if (against && !hash_eq(root, v->against.root)) {
        found(v, "the first %" PRIu64 " leaves are not those of the earlier checkpoint", v->tree.size);
    }
    while (v->checkpoint_waits && v->next_checkpoint.size == v->tree.size) {
        if (!hash_eq(root, v->next_checkpoint.root)) {
            found(v, "the first %" PRIu64 " leaves are not those of the checkpoint signed then",
                  v->tree.size);
        }
        next_checkpoint(v);
    }
}

/* --- leaves -------------------------------------------------------------------------------------------- */

/* Sets the leaf's payload if it is what the leaf commits to. */
static void check_payload(struct verify *v, struct journal_leaf *leaf, bool has_row,
                          struct str salt, struct str body)
{
    struct hash stated, real;

    if (!leaf->commitment.p) {
        if (has_row) {
            found(v, "leaf %" PRIu64 " commits to nothing but has a payload", leaf->index);
        }
        return;
    }
    if (!has_row) {
        found(v, "the payload of leaf %" PRIu64 " is missing", leaf->index);
        return;
    }
    if (!salt.p && !body.p) {
        v->report->erased++;
        return;
    }
    v->report->payloads++;
    real = journal_commitment(salt, body);
    if (!hex_decode(leaf->commitment, stated.bytes, SHA256_SIZE) || !hash_eq(stated, real)) {
        found(v, "the payload of leaf %" PRIu64 " is not the one that was committed to",
              leaf->index);
        return;
    }
    leaf->payload = body;
}

/* What the leaf says, and its payload. False when memory is short. */
static bool check_entry(struct verify *v, uint64_t index, struct str bytes, struct store_rows *rows)
{
    struct journal_leaf leaf;

    if (journal_leaf_parse(&v->leaf, index, bytes, &leaf) != FM_OK) {
        found(v, "leaf %" PRIu64 " is not a canonical entry", index);
        return true;
    }
    v->of_proposals += !id_is_zero(leaf.proposal);
    if (id_is_zero(leaf.proposal) && !rows_is_null(rows, 1)) {
        found(v, "leaf %" PRIu64 " is about no proposal and has a predecessor", index);
    }
    check_payload(v, &leaf, !rows_is_null(rows, 3), rows_bytes(rows, 4), rows_bytes(rows, 5));
    return standing_take(v->standing, &leaf);
}

static bool check_leaf(struct verify *v, struct store_rows *rows)
{
    uint64_t index = (uint64_t)rows_int(rows, 0);
    struct str bytes = rows_bytes(rows, 2);
    bool is_enough;

    arena_reset(v->leaf.arena);
    ctx_clear(&v->leaf);
    if (index != v->tree.size) {
        found(v, "leaf %" PRIu64 " is missing", v->tree.size);
    }
    is_enough = check_entry(v, index, bytes, rows);
    if (!rows_is_null(rows, 1) && rows_int(rows, 1) >= (int64_t)index) {
        found(v, "leaf %" PRIu64 " points forward to its predecessor", index);
    }
    tlog_append(&v->tree, tlog_leaf_hash(bytes), on_completed, v);
    check_root_at_size(v);
    return is_enough;
}

static enum fm_err check_log(struct verify *v)
{
    struct store_rows *rows;

    TRY(store_query(&v->leaf, v->conn, &SQL_CHECKPOINTS, NO_ARGS, &v->checkpoints));
    next_checkpoint(v);
    check_root_at_size(v); /* a checkpoint of the empty tree */
    TRY(store_query(v->ctx, v->conn, &SQL_ENTRIES, NO_ARGS, &rows));
    v->ctx->err = FM_OK;
    while (rows_next(v->ctx, rows)) {
        if (!check_leaf(v, rows)) {
            rows_done(rows);
            return fail_memory(v->ctx);
        }
        if (v->options->progress && v->tree.size % 4096 == 0) {
            v->options->progress(v->options->with, v->tree.size, v->head_size);
        }
    }
    TRY(v->ctx->err);
    check_partial_tiles(v);
    if (v->checkpoint_waits) {
        found(v, "the log has %" PRIu64 " leaves, a checkpoint was signed for %" PRIu64, v->tree.size,
              v->next_checkpoint.size);
        rows_done(v->checkpoints);
    }
    return FM_OK;
}

static enum fm_err check_head(struct verify *v)
{
    struct hash root = tlog_root(&v->tree);
    int64_t count;

    v->report->leaves = v->tree.size;
    v->report->root = root;
    if (v->tree.size != v->head_size) {
        found(v, "the log has %" PRIu64 " leaves, its head says %" PRIu64, v->tree.size, v->head_size);
    } else if (!hash_eq(root, v->head_root)) {
        found(v, "the root of the log is not the one of its head");
    }
    if (v->options->against.p && v->against.size > v->tree.size) {
        found(v, "the log has %" PRIu64 " leaves, the earlier checkpoint %" PRIu64
                 ": its tail was cut off",
              v->tree.size, v->against.size);
    }
    TRY(store_int(v->ctx, v->conn, &SQL_TILE_COUNT, NO_ARGS, 0, &count));
    if ((uint64_t)count != v->tiles_seen) {
        found(v, "%" PRId64 " tiles are stored, the log has %" PRIu64, count, v->tiles_seen);
    }
    TRY(store_int(v->ctx, v->conn, &SQL_STRAY, NO_ARGS, 0, &count));
    if (count) {
        found(v, "%" PRId64 " payloads belong to no leaf", count);
    }
    return FM_OK;
}

/* --- proposals ----------------------------------------------------------------------------------------- */

/* Which states a proposal can be in when this is its newest leaf (comments and escalations leave it). */
static bool state_fits(enum journal_kind kind, enum proposal_state state)
{
#define IN(name) (1u << PROPOSAL_##name)
    static const unsigned states[JOURNAL_KIND_COUNT + 1] = {
        [JOURNAL_PROPOSAL_HELD] = IN(WAITING),
        [JOURNAL_PROPOSAL_BLOCKED] = IN(BLOCKED),
        [JOURNAL_PROPOSAL_CLAIMED] = IN(CLAIMED),
        [JOURNAL_PROPOSAL_UNCLAIMED] = IN(WAITING),
        [JOURNAL_PROPOSAL_DECIDED] = IN(UNDO) | IN(APPROVED) | IN(REJECTED) | IN(RETURNED),
        [JOURNAL_PROPOSAL_UNDONE] = IN(CLAIMED) | IN(WAITING),
        [JOURNAL_PROPOSAL_RELEASED] = IN(APPROVED),
        [JOURNAL_PROPOSAL_REVISED] = IN(WAITING),
        [JOURNAL_PROPOSAL_ESCALATED] = IN(WAITING) | IN(CLAIMED),
        [JOURNAL_PROPOSAL_TIGHTENED] = IN(WAITING) | IN(CLAIMED),
        [JOURNAL_PROPOSAL_EXPIRED] = IN(EXPIRED),
        [JOURNAL_PROPOSAL_WITHDRAWN] = IN(WITHDRAWN),
        [JOURNAL_PROPOSAL_OUTCOME] = IN(SETTLED),
        [JOURNAL_PERMIT_REDEEMED] = IN(REDEEMED),
        [JOURNAL_PROPOSAL_COMMENTED] = ~0u,
    };
#undef IN

    return states[kind] >> state & 1;
}

static struct str read_bytes(struct verify *v, const struct sql *sql, const char *name, int64_t key)
{
    struct store_rows *rows;
    struct str bytes = STR_NONE;

    if (store_query(&v->leaf, v->conn, sql, (const struct sql_arg[]){A_INT(name, key)}, 1, &rows) ==
            FM_OK &&
        rows_next(&v->leaf, rows)) {
        bytes = arena_copy(v->leaf.arena, rows_bytes(rows, 0));
        rows_done(rows);
    }
    return bytes;
}

/* Action, digests and callback of the row, made again from the request that the leaf commits to. */
static bool is_its_content(struct verify *v, const struct proposal *p, struct str body)
{
    AUTO(buf_done) struct buf arguments = BUF_INIT(4 * MIB);
    struct id agent = id_from(read_bytes(v, &SQL_AGENT, "$row", p->agent));
    const struct json *request, *proposed;
    struct hash digest;

    if (json_parse(&v->leaf, body, &JSON_LIMITS_WIRE, &request) != FM_OK ||
        proposal_digest(&v->leaf, request, p->id, p->revision, agent, &digest) != FM_OK) {
        return false;
    }
    proposed = json_get(request, S("arguments"));
    if (!proposed || !str_eq(json_text(json_get(request, S("action"))), p->action)) {
        return false;
    }
    json_write(&arguments, proposed);
    return (!p->callback.p || /* stores of before there were callbacks have none */
            str_eq(json_text(json_at(request, S("/callback/url"))), p->callback)) &&
           hash_eq(digest, p->digest) && hash_eq(sha256(buf_str(&arguments)), p->arguments_digest);
}

static void check_content(struct verify *v, const struct proposal *p, const char *id)
{
    struct str body = read_bytes(v, &SQL_BODY, "$idx", p->payload);

    if (body.p && !is_its_content(v, p, body)) { /* else erased, or missing: said at its leaf */
        found(v, "action, digest or callback of %s is not that of its content", id);
    }
}

/* The data of a leaf; NULL when there is none that can be read, which is said elsewhere. */
static const struct json *data_of(struct verify *v, int64_t index)
{
    struct str entry = index < 0 ? STR_NONE : read_bytes(v, &SQL_ENTRY, "$idx", index);
    const struct json *leaf;

    return entry.p && json_parse(&v->leaf, entry, &JSON_LIMITS_WIRE, &leaf) == FM_OK
               ? json_get(leaf, S("data"))
               : NULL;
}

/* Category, policy, verdict and queue of the row, against the leaf of the request. */
static void check_assessment(struct verify *v, const struct proposal *p, const struct chain *chain,
                             const char *id)
{
    struct id policy = id_from(read_bytes(v, &SQL_POLICY, "$row", p->policy));
    const struct json *data = data_of(v, chain->content_leaf);
    const char *wrong;

    if (!data) {
        return;
    }
    wrong = chain_content_contradiction(&v->leaf, chain, data, data_of(v, chain->escalated_leaf), p,
                                        policy);
    if (wrong) {
        found(v, "%s %s", id, wrong);
    }
}

static struct id person_of(struct verify *v, int64_t row)
{
    return row ? id_from(read_bytes(v, &SQL_PERSON, "$row", row)) : (struct id){{0}};
}

static void check_chain(struct verify *v, const struct proposal *p, const char *id)
{
    struct chain chain;
    const char *wrong;

    if (chain_read(&v->chain, v->conn, p->id, p->last_leaf, &chain) != FM_OK ||
        chain.broken >= 0) {
        found(v, "%s leads back to leaf %" PRId64 ", which is missing or not its own", id,
              chain.broken);
        return;
    }
    v->in_chains += chain.leaves;
    wrong =
        chain_contradiction(&chain, p, person_of(v, p->decided_by), person_of(v, p->claimed_by));
    if (!state_fits(chain.newest, p->state)) {
        found(v, "%s is %s, its newest leaf does not say so", id, proposal_state_name(p->state));
    } else if (wrong) {
        found(v, "%s %s", id, wrong);
    }
    check_assessment(v, p, &chain, id);
}

static void check_proposal(struct verify *v, const struct proposal *p)
{
    char id[ID_TEXT_MAX];

    id_format(ID_PROPOSAL, p->id, id);
    v->report->proposals++;
    check_chain(v, p, id);
    check_content(v, p, id);
}

/* Every leaf that names a proposal is met on the way back from exactly one row. */
static void check_all_are_met(struct verify *v)
{
    if (v->in_chains != v->of_proposals) {
        found(v, "%" PRIu64 " leaves are about proposals, the proposals lead back to %" PRIu64
                 ": one is gone, or names an older leaf as its newest",
              v->of_proposals, v->in_chains);
    }
}

static enum fm_err check_proposals(struct verify *v)
{
    struct store_rows *rows;

    v->leaf.err = v->ctx->err = FM_OK;
    TRY(store_query(v->ctx, v->conn, &SQL_PROPOSALS, NO_ARGS, &rows));
    for (;;) {
        struct proposal p;
        arena_reset(v->leaf.arena);
        ctx_clear(&v->leaf);
        if (!rows_next(v->ctx, rows)) {
            check_all_are_met(v);
            return v->ctx->err;
        }
        if (proposal_read(&v->leaf, rows, &p) != FM_OK) {
            found(v, "a row of proposals cannot be read");
            continue;
        }
        check_proposal(v, &p);
    }
}

/* --- the whole ----------------------------------------------------------------------------------------- */

static enum fm_err read_head(struct verify *v)
{
    struct store_rows *rows;

    TRY(store_query(v->ctx, v->conn, &SQL_HEAD, NO_ARGS, &rows));
    if (rows_next(v->ctx, rows)) {
        struct str root = rows_bytes(rows, 1);
        v->head_size = (uint64_t)rows_int(rows, 0);
        if (root.n == SHA256_SIZE) {
            memcpy(v->head_root.bytes, root.p, SHA256_SIZE);
        }
        rows_done(rows);
        return FM_OK;
    }
    v->head_root = tlog_empty_root();
    return v->ctx->err;
}

static enum fm_err check_file(struct verify *v)
{
    struct store_rows *rows;

    TRY(store_query(v->ctx, v->conn, &SQL_CHECK, NO_ARGS, &rows));
    while (rows_next(v->ctx, rows)) {
        struct str line = rows_bytes(rows, 0);
        if (!str_eq(line, S("ok"))) {
            found(v, "the database file: %.*s", STR_ARG(line));
        }
    }
    return v->ctx->err;
}

static enum fm_err check_everything(struct verify *v)
{
    TRY(read_head(v));
    if (v->options->against.p &&
        !open_note(v, v->options->against, "the earlier checkpoint", &v->against)) {
        return FM_OK;
    }
    TRY(check_file(v));
    TRY(check_log(v));
    TRY(check_head(v));
    TRY(standing_check(v->standing)); /* first: a person changed is what many proposals show */
    return check_proposals(v);
}

enum fm_err keep_verify(struct ctx *ctx, struct store_conn *conn, const struct verify_options *options,
                        struct verify_report *out)
{
    AUTO(arena_done) struct arena *leaf_arena = arena_new(64 * MIB);
    AUTO(arena_done) struct arena *chain_arena = arena_new(16 * MIB);
    struct verify *v = arena_zalloc(ctx->arena, 1, sizeof(*v));
    enum fm_err err;

    if (!leaf_arena || !chain_arena || !v) {
        return fail_memory(ctx);
    }
    *out = (struct verify_report){.origin = str_of(options->verifier->name)};
    v->ctx = ctx;
    v->conn = conn;
    v->options = options;
    v->report = out;
    ctx_init(&v->leaf, leaf_arena);
    ctx_init(&v->chain, chain_arena);
    TRY(store_snapshot(ctx, conn));
    v->standing = standing_new(ctx, conn, out);
    err = v->standing ? check_everything(v) : fail_memory(ctx);
    standing_free(v->standing);
    store_snapshot_end(conn);
    return err;
}
