/* SPDX-License-Identifier: Apache-2.0
 *
 * The whole signed log in files, for auditors who keep a copy of their own; and checking such a
 * copy.
 *
 * 1. What the folder says is written last: a checkpoint there covers every entry beside it.
 * 2. An export that was broken off is continued, never trusted: the tree of what is there is built
 *    again.
 * 3. Entries alone are exported. Payloads are personal and stay where they can be erased.
 */
#include "keep/keep.h"

#include "keep/tiles.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRIES_FILE    "entries.jsonl"
#define LINE_BYTES_MAX  (TLOG_ENTRY_MAX + 64) /* an entry, its index, and the words around them */
#define ENTRIES_AT_ONCE 1024
#define LINE_BEGIN      "{\"entry\":"

struct lines {
    struct ctx *ctx;
    FILE *file;
    long end;        /* behind the last whole line that fits */
    bool is_cut;     /* something that is no such line follows */
    bool is_foreign; /* and it is more than a line that was broken off */
    struct tlog_frontier tree;
    char line[LINE_BYTES_MAX + 2];
};

static void lines_done(struct lines *lines)
{
    if (lines->file) {
        fclose(lines->file);
    }
}

static enum fm_err file_failed(struct ctx *ctx, const char *what, struct str path)
{
    return fail(ctx, FM_E_INTERNAL, "cannot %s %.*s: %s", what, STR_ARG(path), strerror(errno));
}

static struct str path_in(struct ctx *ctx, const char *dir, const char *name)
{
    return arena_printf(ctx->arena, "%s/%s", dir, name);
}

/* --- lines ------------------------------------------------------------------------------------ */

/* The entry of the line with that index; absent for any other line. */
static struct str entry_of_line(struct str line, uint64_t index)
{
    char ending[48];
    size_t n = (size_t)snprintf(ending, sizeof(ending), ",\"index\":%" PRIu64 "}\n", index);
    size_t begin = sizeof(LINE_BEGIN) - 1;

    if (line.n <= begin + n || !str_starts(line, S(LINE_BEGIN)) ||
        !str_eq((struct str){line.p + line.n - n, n}, (struct str){ending, n})) {
        return STR_NONE;
    }
    return (struct str){line.p + begin, line.n - begin - n};
}

/* Reads all whole lines into the tree. */
static void read_lines(struct lines *lines)
{
    lines->end = 0;
    lines->is_cut = false;
    while (fgets(lines->line, sizeof(lines->line), lines->file)) {
        struct str entry = entry_of_line(str_of(lines->line), lines->tree.size);
        if (!entry.p || entry.n > TLOG_ENTRY_MAX) {
            lines->is_cut = true;
            lines->is_foreign = strchr(lines->line, '\n') || !feof(lines->file);
            return;
        }
        tlog_append(&lines->tree, tlog_leaf_hash(entry), NULL, NULL);
        lines->end = ftell(lines->file);
    }
}

static enum fm_err lines_open(struct ctx *ctx, const char *dir, const char *mode, struct lines *out)
{
    struct str path = path_in(ctx, dir, ENTRIES_FILE);
    int fd;

    out->ctx = ctx;
    if (!path.p) {
        return fail_memory(ctx);
    }
    fd = open(path.p, mode[0] == 'r' ? O_RDONLY | O_CLOEXEC : O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    out->file = fd < 0 ? NULL : fdopen(fd, mode[0] == 'r' ? "r" : "r+");
    if (!out->file) {
        return file_failed(ctx, "open", path);
    }
    read_lines(out);
    return ferror(out->file) ? file_failed(ctx, "read", path) : FM_OK;
}

/* What is there must be the beginning of this log. */
static enum fm_err check_is_ours(struct ctx *ctx, struct store_conn *conn,
                                 const struct lines *lines, uint64_t size)
{
    struct hash root = tlog_empty_root(), there = tlog_root(&lines->tree);

    if (lines->tree.size <= size) {
        TRY(tlog_root_at(ctx, journal_read_hash, conn, lines->tree.size, &root));
    }
    if (lines->is_foreign || lines->tree.size > size || !hash_eq(root, there)) {
        return fail(ctx, FM_E_EXISTS,
                    "the folder holds entries that are not of this log: export into another one");
    }
    return FM_OK;
}

static enum fm_err append_line(void *with, uint64_t index, struct str entry)
{
    struct lines *lines = with;

    tlog_append(&lines->tree, tlog_leaf_hash(entry), NULL, NULL);
    if (fprintf(lines->file, LINE_BEGIN "%.*s,\"index\":%" PRIu64 "}\n", STR_ARG(entry), index) <
        0) {
        return fail(lines->ctx, FM_E_INTERNAL, "cannot write the entries: %s", strerror(errno));
    }
    return FM_OK;
}

static enum fm_err append_lines(struct ctx *ctx, struct store_conn *conn, struct lines *lines,
                                uint64_t size, const struct export_options *options)
{
    while (lines->tree.size < size) {
        uint64_t left = size - lines->tree.size;
        TRY(journal_each_entry(ctx, conn, lines->tree.size,
                               left < ENTRIES_AT_ONCE ? (size_t)left : ENTRIES_AT_ONCE, append_line,
                               lines));
        if (options->progress) {
            options->progress(options->with, lines->tree.size, size);
        }
    }
    if (fflush(lines->file) != 0 || fsync(fileno(lines->file)) != 0) {
        return fail(ctx, FM_E_INTERNAL, "cannot write the entries: %s", strerror(errno));
    }
    return FM_OK;
}

static enum fm_err export_lines(struct ctx *ctx, struct store_conn *conn, const char *dir,
                                uint64_t size, const struct export_options *options,
                                struct export_report *out)
{
    AUTO(lines_done) struct lines lines = {.file = NULL};
    struct hash root;

    TRY(lines_open(ctx, dir, "w", &lines));
    TRY(check_is_ours(ctx, conn, &lines, size));
    out->was_there = lines.tree.size;
    if (fseek(lines.file, lines.end, SEEK_SET) != 0 ||
        ftruncate(fileno(lines.file), lines.end) != 0) {
        return fail(ctx, FM_E_INTERNAL, "cannot cut off a broken line: %s", strerror(errno));
    }
    TRY(append_lines(ctx, conn, &lines, size, options));
    TRY(tlog_root_at(ctx, journal_read_hash, conn, size, &root));
    if (!hash_eq(tlog_root(&lines.tree), root)) {
        return fail(ctx, FM_E_INTERNAL,
                    "the entries do not fit the log: run `fermata audit verify`");
    }
    return FM_OK;
}

/* --- files ------------------------------------------------------------------------------------ */

/* Writes a file whole or not at all. */
static enum fm_err put_file(struct ctx *ctx, struct str path, struct str bytes)
{
    struct str fresh = arena_printf(ctx->arena, "%.*s.new", STR_ARG(path));
    FILE *file;
    bool is_written;

    if (!path.p || !fresh.p) {
        return fail_memory(ctx);
    }
    file = fopen(fresh.p, "we");
    if (!file) {
        return file_failed(ctx, "make", fresh);
    }
    is_written = fwrite(bytes.p, 1, bytes.n, file) == bytes.n && fflush(file) == 0 &&
                 fsync(fileno(file)) == 0;
    if (fclose(file) != 0 || !is_written || rename(fresh.p, path.p) != 0) {
        return file_failed(ctx, "write", path);
    }
    return FM_OK;
}

static bool is_there(struct str path, size_t size)
{
    struct stat seen;

    return stat(path.p, &seen) == 0 && (size_t)seen.st_size == size;
}

/* --- tiles ------------------------------------------------------------------------------------ */

struct mirror {
    struct ctx *ctx; /* reset for each tile */
    struct store_conn *conn;
    const char *dir;
    const struct export_options *options;
    struct export_report *report;
    uint64_t size;
};

static enum fm_err add_prefixed(void *with, uint64_t index, struct str entry)
{
    struct buf *body = with;

    (void)index;
    buf_add_char(body, (char)(entry.n >> 8));
    buf_add_char(body, (char)(entry.n & 0xff));
    buf_add(body, entry);
    return FM_OK;
}

static enum fm_err read_tile(struct mirror *m, const struct tlog_tile *tile, struct buf *body)
{
    struct hash hashes[TLOG_TILE_WIDTH];

    if (tile->is_entries) {
        return journal_each_entry(m->ctx, m->conn, tile->index * TLOG_TILE_WIDTH, tile->width,
                                  add_prefixed, body);
    }
    if (!journal_read_tile(m->conn, tile->level, tile->index, tile->width, hashes)) {
        return fail(m->ctx, FM_E_INTERNAL,
                    "a tile of the log is missing: run `fermata audit verify`");
    }
    buf_add(body, (struct str){(const char *)hashes, tile->width * sizeof(hashes[0])});
    return FM_OK;
}

/* The folder of a path. */
static enum fm_err make_folder_of(struct ctx *ctx, struct str path)
{
    struct str folder;
    size_t n = path.n;

    while (n > 0 && path.p[n - 1] != '/') {
        n--;
    }
    folder = arena_copy(ctx->arena, (struct str){path.p, n ? n - 1 : 0});
    return folder.p ? store_make_folder(ctx, folder.p) : fail_memory(ctx);
}

/* Tiles of hashes that are there already and have the right size are left; the same for bundles
 * of entries, whose size is only known when they are read, and which are written again. */
static enum fm_err mirror_tile(struct mirror *m, const struct tlog_tile *tile)
{
    AUTO(buf_done) struct buf name = BUF_INIT(TLOG_TILE_PATH_MAX);
    AUTO(buf_done) struct buf body = BUF_INIT((size_t)TLOG_TILE_WIDTH * (2 + TLOG_ENTRY_MAX));
    struct str path;

    arena_reset(m->ctx->arena);
    tlog_tile_path(&name, tile);
    path = arena_printf(m->ctx->arena, "%s/%.*s", m->dir, STR_ARG(buf_str(&name)));
    TRY(path.p ? read_tile(m, tile, &body) : fail_memory(m->ctx));
    if (is_there(path, body.n)) {
        m->report->was_there++;
        return FM_OK;
    }
    TRY(make_folder_of(m->ctx, path));
    return put_file(m->ctx, path, buf_str(&body));
}

static enum fm_err mirror_level(struct mirror *m, unsigned level, bool is_entries)
{
    struct tlog_tile tile = {.is_entries = is_entries, .level = level};

    while ((tile.width = tlog_tile_width(level, tile.index, m->size)) > 0) {
        TRY(mirror_tile(m, &tile));
        tile.index++;
        if (m->options->progress && is_entries) {
            uint64_t done = tile.index * TLOG_TILE_WIDTH;
            m->options->progress(m->options->with, done < m->size ? done : m->size, m->size);
        }
    }
    return FM_OK;
}

static enum fm_err export_tiles(struct ctx *ctx, struct store_conn *conn, const char *dir,
                                uint64_t size, const struct export_options *options,
                                struct export_report *out)
{
    AUTO(arena_done) struct arena *arena = arena_new(4 * MIB);
    struct ctx own;
    struct mirror m = {&own, conn, dir, options, out, size};
    enum fm_err err;

    if (!arena) {
        return fail_memory(ctx);
    }
    ctx_init(&own, arena);
    err = mirror_level(&m, 0, true);
    for (unsigned level = 0; err == FM_OK && size >> (8 * level) > 0 && level < 8; level++) {
        err = mirror_level(&m, level, false);
    }
    return err == FM_OK ? FM_OK : fail(ctx, err, "%s", own.detail);
}

/* --- the whole -------------------------------------------------------------------------------- */

static enum fm_err export_signed(struct ctx *ctx, struct store_conn *conn, const char *dir,
                                 const struct export_options *options, struct export_report *out)
{
    struct str note, vkey = arena_printf(ctx->arena, "%.*s\n", STR_ARG(options->vkey));

    TRY(journal_last_checkpoint(ctx, conn, &note, &out->size));
    if (!note.p) {
        return fail(ctx, FM_E_NOT_FOUND,
                    "nothing was signed yet: a running server signs within a second");
    }
    TRY(store_make_folder(ctx, dir));
    TRY((options->as_tiles ? export_tiles : export_lines)(ctx, conn, dir, out->size, options, out));
    TRY(put_file(ctx, path_in(ctx, dir, "vkey"), vkey));
    return put_file(ctx, path_in(ctx, dir, "checkpoint"), note);
}

enum fm_err keep_export(struct ctx *ctx, struct store_conn *conn, const char *dir,
                        const struct export_options *options, struct export_report *out)
{
    enum fm_err err;

    *out = (struct export_report){0};
    TRY(store_snapshot(ctx, conn));
    err = export_signed(ctx, conn, dir, options, out);
    store_snapshot_end(conn);
    return err;
}

static enum fm_err read_note(struct ctx *ctx, const char *dir, struct str *out)
{
    struct str path = path_in(ctx, dir, "checkpoint");
    AUTO(buf_done) struct buf text = BUF_INIT(NOTE_MAX);
    FILE *file = path.p ? fopen(path.p, "re") : NULL;
    char bytes[4096];
    size_t n;

    if (!file) {
        return fail(ctx, FM_E_NOT_FOUND,
                    "cannot read %s/checkpoint: no export, or one that was broken off", dir);
    }
    while ((n = fread(bytes, 1, sizeof(bytes), file)) > 0) {
        buf_add(&text, (struct str){bytes, n});
    }
    fclose(file);
    *out = buf_ok(&text) ? arena_copy(ctx->arena, buf_str(&text)) : STR_NONE;
    return out->p ? FM_OK : fail(ctx, FM_E_TOO_LARGE, "%s/checkpoint is too large", dir);
}

/* Entries in lines. */
static enum fm_err check_lines(struct ctx *ctx, const char *dir, struct check_report *out)
{
    AUTO(lines_done) struct lines lines = {.file = NULL};

    TRY(lines_open(ctx, dir, "r", &lines));
    out->leaves = lines.tree.size;
    if (lines.is_cut) {
        evidence_found(&out->findings, "the line of entry %" PRIu64 " is none of an export",
                       out->leaves);
    }
    if (lines.tree.size != out->checkpoint.size) {
        evidence_found(&out->findings,
                       "there are %" PRIu64 " entries, the checkpoint covers %" PRIu64,
                       lines.tree.size, out->checkpoint.size);
    } else if (!hash_eq(tlog_root(&lines.tree), out->checkpoint.root)) {
        evidence_found(&out->findings, "the entries are not those of the signed checkpoint");
    }
    return FM_OK;
}

static bool has(struct ctx *ctx, const char *dir, const char *name)
{
    struct str path = path_in(ctx, dir, name);

    return path.p && access(path.p, F_OK) == 0;
}

enum fm_err keep_check_export(struct ctx *ctx, const char *dir,
                              const struct note_verifier *verifier, struct check_report *out)
{
    bool has_lines = has(ctx, dir, ENTRIES_FILE), has_tiles = has(ctx, dir, "tile");
    struct str note;

    *out = (struct check_report){.kind = CHECK_EXPORT, .findings = {.ctx = ctx}};
    if (has(ctx, dir, "fermata.db")) {
        return fail(ctx, FM_E_INVALID_ARGUMENT,
                    "%s is a data folder or a backup, no export: `fermata audit verify --data %s`",
                    dir, dir);
    }
    if (!has_lines && !has_tiles) {
        return fail(ctx, FM_E_NOT_FOUND,
                    "%s is no export: it has neither " ENTRIES_FILE " nor tile/ (`fermata audit "
                    "export`)",
                    dir);
    }
    TRY(read_note(ctx, dir, &note));
    TRY(tlog_checkpoint_open(ctx, note, verifier, &out->checkpoint));
    TRY(has_tiles ? tiles_check(ctx, dir, out) : FM_OK);
    return has_lines ? check_lines(ctx, dir, out) : FM_OK;
}
