/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading leaves back, from the store or from wherever somebody says that they come from. What a
 * leaf says is believed by nobody here: callers hold it against hashes, proofs and commitments.
 */
#include "journal/journal_internal.h"

#define LEAF_COLUMNS                                                                               \
    "SELECT e.previous, e.entry, p.salt, p.body, e.idx FROM log_entries e"                         \
    " LEFT JOIN payloads p ON p.idx = e.idx WHERE "
/* The words of the index of migration 2. */
#define IS_STANDING                                                                                \
    "e.previous IS NULL AND instr(e.entry, CAST('\"proposal\":' AS BLOB)) = 0"                     \
    " AND instr(e.entry, CAST('\"kind\":\"person.signed' AS BLOB)) = 0"

SQL(SQL_LEAF, LEAF_COLUMNS "e.idx = $idx");
SQL(SQL_ENTRIES,
    "SELECT idx, entry FROM log_entries WHERE idx >= $first AND idx < $end ORDER BY idx");
SQL(SQL_BARE_LEAF, "SELECT previous, entry, NULL, NULL, idx FROM log_entries WHERE idx = $idx");
SQL(SQL_STANDING, LEAF_COLUMNS IS_STANDING " AND e.idx <= $last ORDER BY e.idx");

static enum journal_kind kind_of(struct str name)
{
    enum journal_kind kind = 0;

    while (kind < JOURNAL_KIND_COUNT && !str_eq(name, str_of(journal_kind_name(kind)))) {
        kind++;
    }
    return kind;
}

static bool is_canonical(const struct json *tree, struct str entry)
{
    AUTO(buf_done) struct buf again = BUF_INIT(TLOG_ENTRY_MAX + 1);

    json_write(&again, tree);
    return str_eq(buf_str(&again), entry);
}

static bool read_members(const struct json *tree, struct journal_leaf *out)
{
    const struct json *by = json_get(tree, S("by"));
    struct str proposal = json_text(json_get(tree, S("proposal")));

    out->at = json_text(json_get(tree, S("at")));
    out->event = json_text(json_get(tree, S("id")));
    out->kind_name = json_text(json_get(tree, S("kind")));
    out->by_kind = json_text(json_get(by, S("kind")));
    out->by_id = json_text(json_get(by, S("id")));
    out->commitment = json_text(json_get(tree, S("commitment")));
    out->data = json_get(tree, S("data"));
    out->kind = kind_of(out->kind_name);
    return out->at.p && out->event.p && out->kind_name.p && out->by_kind.p &&
           (!proposal.p || id_parse(ID_PROPOSAL, proposal, &out->proposal)) &&
           json_number(json_get(tree, S("v"))) == 1;
}

enum fm_err journal_leaf_parse(struct ctx *ctx, uint64_t index, struct str entry,
                               struct journal_leaf *out)
{
    const struct json *tree;

    *out = (struct journal_leaf){.index = index, .previous = -1, .entry = entry};
    if (entry.n > TLOG_ENTRY_MAX || json_parse(ctx, entry, &JSON_LIMITS_WIRE, &tree) != FM_OK ||
        !is_canonical(tree, entry) || !read_members(tree, out)) {
        ctx_clear(ctx);
        return fail(ctx, FM_E_INVALID_ARGUMENT, "leaf %llu is not a canonical entry",
                    (unsigned long long)index);
    }
    return FM_OK;
}

/* The leaf on which the reader stands, copied. */
static enum fm_err read_row(struct ctx *ctx, struct store_rows *rows, struct journal_leaf *out)
{
    struct str entry = arena_copy(ctx->arena, rows_bytes(rows, 1));
    struct str salt = rows_bytes(rows, 2), body = rows_bytes(rows, 3);

    TRY(entry.p ? FM_OK : fail_memory(ctx));
    TRY(journal_leaf_parse(ctx, (uint64_t)rows_int(rows, 4), entry, out));
    out->previous = rows_is_null(rows, 0) ? -1 : rows_int(rows, 0);
    out->salt = arena_copy(ctx->arena, salt);
    out->payload = arena_copy(ctx->arena, body);
    return (salt.p && !out->salt.p) || (body.p && !out->payload.p) ? fail_memory(ctx) : FM_OK;
}

static enum fm_err read_leaf(struct ctx *ctx, struct store_conn *conn, const struct sql *sql,
                             uint64_t index, struct journal_leaf *out)
{
    struct store_rows *rows;
    enum fm_err err;

    ctx->err = FM_OK;
    if (index > TLOG_SIZE_MAX) {
        return fail(ctx, FM_E_NOT_FOUND, "the log has no leaf %llu", (unsigned long long)index);
    }
    TRY(store_query(ctx, conn, sql, ARGS(A_INT("$idx", index)), &rows));
    if (!rows_next(ctx, rows)) {
        return ctx->err ? ctx->err
                        : fail(ctx, FM_E_NOT_FOUND, "the log has no leaf %llu",
                               (unsigned long long)index);
    }
    err = read_row(ctx, rows, out);
    rows_done(rows);
    return err;
}

enum fm_err journal_read_leaf(struct ctx *ctx, struct store_conn *conn, uint64_t index,
                              struct journal_leaf *out)
{
    return read_leaf(ctx, conn, &SQL_LEAF, index, out);
}

/* The newest first. */
static enum fm_err read_back(struct ctx *ctx, struct store_conn *conn, struct id proposal,
                             int64_t newest, enum journal_read how, struct journal_leaf *leaves,
                             size_t *count)
{
    const struct sql *sql = how == JOURNAL_BARE ? &SQL_BARE_LEAF : &SQL_LEAF;
    int64_t index = newest;

    for (*count = 0; index >= 0; (*count)++) {
        struct journal_leaf *leaf = &leaves[*count];
        if (*count == JOURNAL_CHAIN_MAX) {
            return fail(ctx, FM_E_TOO_LARGE, "it has more than %d leaves", JOURNAL_CHAIN_MAX);
        }
        TRY(read_leaf(ctx, conn, sql, (uint64_t)index, leaf));
        if (!id_eq(leaf->proposal, proposal) || leaf->previous >= index) {
            return fail(ctx, FM_E_INTERNAL,
                        "leaf %lld does not belong to its chain: run `fermata audit verify`",
                        (long long)index);
        }
        index = leaf->previous;
    }
    return FM_OK;
}

enum fm_err journal_read_chain(struct ctx *ctx, struct store_conn *conn, struct id proposal,
                               int64_t newest, enum journal_read how, struct journal_leaf **out,
                               size_t *count)
{
    struct journal_leaf *leaves = arena_alloc(ctx->arena, JOURNAL_CHAIN_MAX * sizeof(*leaves));

    if (!leaves) {
        return fail_memory(ctx);
    }
    TRY(read_back(ctx, conn, proposal, newest, how, leaves, count));
    for (size_t i = 0; i < *count / 2; i++) {
        struct journal_leaf other = leaves[i];
        leaves[i] = leaves[*count - 1 - i];
        leaves[*count - 1 - i] = other;
    }
    *out = leaves;
    return FM_OK;
}

enum fm_err journal_each_standing(struct ctx *ctx, struct store_conn *conn, int64_t last,
                                  journal_visit_fn *visit, void *with)
{
    AUTO(arena_done) struct arena *arena = arena_new(8 * MIB);
    struct store_rows *rows;
    struct ctx leaf_ctx;
    enum fm_err err = FM_OK;

    TRY(arena ? FM_OK : fail_memory(ctx));
    ctx_init(&leaf_ctx, arena);
    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_STANDING, ARGS(A_INT("$last", last)), &rows));
    while (err == FM_OK && rows_next(ctx, rows)) {
        struct journal_leaf leaf;
        err = read_row(&leaf_ctx, rows, &leaf);
        err = err == FM_OK ? visit(with, ctx, &leaf) : fail(ctx, err, "%s", leaf_ctx.detail);
        arena_reset(arena);
    }
    if (err != FM_OK) {
        rows_done(rows);
    }
    return err != FM_OK ? err : ctx->err;
}

enum fm_err journal_each_entry(struct ctx *ctx, struct store_conn *conn, uint64_t first,
                               size_t count, journal_entry_fn *visit, void *with)
{
    struct store_rows *rows;
    uint64_t index = first, end = first + count;
    enum fm_err err = FM_OK;

    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_ENTRIES, ARGS(A_INT("$first", first), A_INT("$end", end)),
                    &rows));
    while (err == FM_OK && rows_next(ctx, rows)) {
        err = (uint64_t)rows_int(rows, 0) == index ? visit(with, index, rows_bytes(rows, 1))
                                                   : FM_E_NOT_FOUND;
        index++;
    }
    if (err != FM_OK) {
        rows_done(rows);
    }
    TRY(err != FM_OK ? err : ctx->err);
    return index == end
               ? FM_OK
               : fail(ctx, FM_E_NOT_FOUND, "the log has no leaf %llu", (unsigned long long)index);
}

bool journal_leaf_copy(struct ctx *ctx, const struct journal_leaf *leaf, struct journal_leaf *out)
{
    struct str entry = arena_copy(ctx->arena, leaf->entry);

    if (!entry.p || journal_leaf_parse(ctx, leaf->index, entry, out) != FM_OK) {
        return false;
    }
    out->previous = leaf->previous;
    out->salt = arena_copy(ctx->arena, leaf->salt);
    out->payload = arena_copy(ctx->arena, leaf->payload);
    return (out->salt.p || !leaf->salt.p) && (out->payload.p || !leaf->payload.p);
}
