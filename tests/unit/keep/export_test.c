/* SPDX-License-Identifier: Apache-2.0
 *
 * Exports: whole, continued, never mixed with another log's; and checking them.
 */
#include "../insights/evidence_world.h"

#include <sys/stat.h>
#include <unistd.h>

static struct check_report report;
static struct export_report done;

static const char *folder(const char *name)
{
    return arena_printf(world.arena, "%s/%s", world.dir, name).p;
}

static enum fm_err export_into(const char *dir, bool as_tiles)
{
    struct export_options options = {.vkey = S("the key"), .as_tiles = as_tiles};

    ctx_clear(&world.ctx);
    return keep_export(&world.ctx, story.reader, dir, &options, &done);
}

static void grow(int by)
{
    struct proposal p;

    for (int i = 0; i < by; i++) {
        OK(submit(story.bot, "{\"action\":\"auto.go\",\"arguments\":{}}", &p));
    }
}

static void write_file(const char *dir, const char *name, const char *mode, const char *text)
{
    FILE *file = fopen(arena_printf(world.arena, "%s/%s", dir, name).p, mode);

    assert_non_null(file);
    EXPECT(fputs(text, file) >= 0 && fclose(file) == 0, "writing %s", name);
}

static off_t size_of(const char *dir, const char *name)
{
    struct stat seen;

    return stat(arena_printf(world.arena, "%s/%s", dir, name).p, &seen) == 0 ? seen.st_size : -1;
}

static void expect_fits(const char *dir)
{
    OK(keep_check_export(&world.ctx, dir, &log_verifier, &report));
    EXPECT(report.findings.count == 0 && report.leaves == done.size, "%.*s",
           STR_ARG(report.findings.count ? report.findings.items[0] : S("another size")));
}

static void test_continues(void **state)
{
    const char *dir = folder("export");
    uint64_t first;

    (void)state;
    REFUSED(export_into(dir, false), FM_E_NOT_FOUND); /* nothing was signed */
    grow(300);
    sign_log();
    OK(export_into(dir, false));
    EXPECT(done.was_there == 0 && done.size == journal_size(world.instance.journal), "all of it");
    expect_fits(dir);
    first = done.size;
    grow(5);
    OK(export_into(dir, false));
    EXPECT(done.size == first && done.was_there == first, "what is not signed is not exported");
    sign_log();
    OK(export_into(dir, false));
    EXPECT(done.size == first + 5 && done.was_there == first, "what is new is added");
    expect_fits(dir);
}

static void test_broken_off(void **state)
{
    const char *dir = folder("export");
    off_t size;

    (void)state;
    grow(20);
    sign_log();
    OK(export_into(dir, false));
    size = size_of(dir, "entries.jsonl");
    EXPECT(truncate(arena_printf(world.arena, "%s/entries.jsonl", dir).p, size - 40) == 0, "cut");
    OK(keep_check_export(&world.ctx, dir, &log_verifier, &report));
    EXPECT(report.findings.count == 2, "a broken line, and one too few");
    OK(export_into(dir, false));
    EXPECT(done.was_there == done.size - 1 && size_of(dir, "entries.jsonl") == size, "mended");
    expect_fits(dir);
}

static void test_not_mixed(void **state)
{
    const char *dir = folder("export"), *other = folder("other");

    (void)state;
    grow(3);
    sign_log();
    OK(store_make_folder(&world.ctx, other));
    write_file(other, "entries.jsonl", "w", "my own notes\nin some lines\n");
    REFUSED(export_into(other, false), FM_E_EXISTS);
    EXPECT(size_of(other, "entries.jsonl") == 27, "left as it was");
    OK(store_make_folder(&world.ctx, dir));
    write_file(dir, "entries.jsonl", "w", "{\"entry\":{\"v\":1},\"index\":0}\n");
    REFUSED(export_into(dir, false), FM_E_EXISTS);
}

static void test_changed(void **state)
{
    const char *dir = folder("export");

    (void)state;
    grow(3);
    sign_log();
    OK(export_into(dir, false));
    write_file(dir, "entries.jsonl", "a", "{\"entry\":{\"v\":1},\"index\":99}\n");
    OK(keep_check_export(&world.ctx, dir, &log_verifier, &report));
    EXPECT(report.findings.count == 1, "a line of another index");
    write_file(dir, "entries.jsonl", "r+", "{\"entry\":{\"at\":\"1999");
    OK(keep_check_export(&world.ctx, dir, &log_verifier, &report));
    EXPECT(report.findings.count == 2, "another entry");
    write_file(dir, "checkpoint", "w", "no note\n");
    REFUSED(keep_check_export(&world.ctx, dir, &log_verifier, &report), FM_E_INVALID_ARGUMENT);
    REFUSED(keep_check_export(&world.ctx, folder("none"), &log_verifier, &report), FM_E_NOT_FOUND);
}

static void test_tiles(void **state)
{
    const char *dir = folder("tiles");

    (void)state;
    grow(300);
    sign_log();
    OK(export_into(dir, true));
    EXPECT(done.was_there == 0, "a new folder");
    EXPECT(size_of(dir, "tile/0/000") == 8192 && size_of(dir, "tile/1/000.p/1") == 32, "hashes");
    EXPECT(size_of(dir, arena_printf(world.arena, "tile/0/001.p/%d", (int)(done.size - 256)).p) ==
               (off_t)(done.size - 256) * 32,
           "the partial tile");
    EXPECT(size_of(dir, "tile/entries/000") > 256 * 100 && size_of(dir, "vkey") == 8, "the rest");
    OK(export_into(dir, true));
    EXPECT(done.was_there == 5, "%d files were there", (int)done.was_there);
    expect_fits(dir);
    grow(
        300); /* more than one full tile of hashes, and partial files of before beside the new ones */
    sign_log();
    OK(export_into(dir, true));
    expect_fits(dir);
}

/* What is done to a file of tiles, and what is found. */
static const struct {
    const char *name, *text, *finding;
} tile_changes[] = {
    {"tile/0/000", "another hash", "tile 0/0 does not fit"},
    {"tile/1/000.p/1", "another hash", "tile 1/0 does not fit"},
    {"tile/entries/000", "\1\xff another length", "does not hold 256"},
    {"tile/entries/000", "\2", "does not hold 256"},
    {"tile/0/000", NULL, "tile/0/000 cannot be read"},
    {"tile/entries/000", NULL, "tile/entries/000 cannot be read"},
};

static void test_changed_tiles(void **state)
{
    (void)state;
    grow(300);
    sign_log();
    for (size_t i = 0; i < COUNT_OF(tile_changes); i++) {
        const char *dir = folder(arena_printf(world.arena, "tiles%zu", i).p);
        const char *name = tile_changes[i].name;
        OK(export_into(dir, true));
        if (tile_changes[i].text) {
            write_file(dir, name, "r+", tile_changes[i].text);
        } else {
            EXPECT(unlink(arena_printf(world.arena, "%s/%s", dir, name).p) == 0, "%s", name);
        }
        OK(keep_check_export(&world.ctx, dir, &log_verifier, &report));
        EXPECT(report.findings.count > 0 &&
                   strstr(report.findings.items[0].p, tile_changes[i].finding),
               "%s: %.*s", name,
               STR_ARG(report.findings.count ? report.findings.items[0] : S("nothing found")));
    }
}

static void test_other_folders(void **state)
{
    (void)state;
    grow(1);
    sign_log();
    REFUSED(keep_check_export(&world.ctx, world.dir, &log_verifier, &report),
            FM_E_INVALID_ARGUMENT);
    EXPECT(strstr(world.ctx.detail, "a data folder or a backup"), "%s", world.ctx.detail);
    OK(store_make_folder(&world.ctx, folder("empty")));
    REFUSED(keep_check_export(&world.ctx, folder("empty"), &log_verifier, &report), FM_E_NOT_FOUND);
    EXPECT(strstr(world.ctx.detail, "is no export"), "%s", world.ctx.detail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY_TEST(test_continues),     STORY_TEST(test_broken_off), STORY_TEST(test_not_mixed),
        STORY_TEST(test_changed),       STORY_TEST(test_tiles),      STORY_TEST(test_changed_tiles),
        STORY_TEST(test_other_folders),
    };

    return CHECK_RUN(tests);
}
