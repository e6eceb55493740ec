/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of tiles as C2SP tlog-tiles has them, each in one spelling; and how wide a tile is.
 */
#include "../check.h"

#include "tlog/tlog.h"

static const struct {
    const char *path;
    struct tlog_tile tile;
} good[] = {
    {"tile/0/000", {false, 0, 0, 256}},
    {"tile/0/000.p/1", {false, 0, 0, 1}},
    {"tile/0/001.p/255", {false, 0, 1, 255}},
    {"tile/2/x001/x234/067", {false, 2, 1234067, 256}}, /* the example of the specification */
    {"tile/2/x001/x234/067.p/7", {false, 2, 1234067, 7}},
    {"tile/63/999", {false, 63, 999, 256}},
    {"tile/0/x001/000", {false, 0, 1000, 256}},
    {"tile/entries/000", {true, 0, 0, 256}},
    {"tile/entries/x999/999.p/12", {true, 0, 999999, 12}},
    {"tile/0/x009/x223/x372/x036/x854/x775/807", {false, 0, INT64_MAX, 256}},
};

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        AUTO(buf_done) struct buf again = BUF_INIT(KIB);
        const struct tlog_tile *want = &good[i].tile;
        struct tlog_tile tile;

        EXPECT(tlog_tile_parse(str_of(good[i].path), &tile), "%s", good[i].path);
        EXPECT(tile.is_entries == want->is_entries && tile.level == want->level &&
                   tile.index == want->index && tile.width == want->width,
               "%s", good[i].path);
        tlog_tile_path(&again, &tile);
        EXPECT_STR(good[i].path, buf_str(&again), str_of(good[i].path));
    }
}

static const char *const bad[] = {
    "",
    "tile",
    "tile/",
    "tile/0",
    "tile/0/",
    "tile/0/0",
    "tile/0/0000",
    "tile/0/x000/000",
    "tile/0/x000/001",
    "tile/0/001/002",
    "tile/0/x001",
    "tile/0/x001/",
    "tile/0/x001/x002",
    "tile/0/x001/02",
    "tile/0/X001/002",
    "tile/0/-01",
    "tile/0/+01",
    "tile/0/ 01",
    "tile/00/000",
    "tile/01/000",
    "tile/64/000",
    "tile/-1/000",
    "tile/data/000",
    "tile/0/000.p",
    "tile/0/000.p/",
    "tile/0/000.p/0",
    "tile/0/000.p/01",
    "tile/0/000.p/256",
    "tile/0/000.p/1/",
    "tile/0/000.p/1.p/1",
    "tile/0/000.p1",
    "tile/0/000/",
    "/tile/0/000",
    "tile//000",
    "tile/entries/0",
    "tile/0/x009/x223/x372/x036/x854/x775/808",
    "tile/0/x001/x000/x000/x000/x000/x000/x000/000",
    "tile/0/000\n",
};

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct tlog_tile tile;

        EXPECT(!tlog_tile_parse(str_of(bad[i]), &tile), "%s", bad[i]);
    }
}

/* The example of the specification: a tree of 70,000; and the edges. */
static const struct {
    unsigned level;
    uint64_t index, size;
    unsigned width;
} widths[] = {
    {0, 0, 0, 0},          {0, 0, 1, 1},           {0, 0, 255, 255},     {0, 0, 256, 256},
    {0, 1, 256, 0},        {0, 1, 257, 1},         {1, 0, 255, 0},       {1, 0, 256, 1},
    {0, 272, 70000, 256},  {0, 273, 70000, 112},   {0, 274, 70000, 0},   {1, 0, 70000, 256},
    {1, 1, 70000, 17},     {1, 2, 70000, 0},       {2, 0, 70000, 1},     {3, 0, 70000, 0},
    {63, 0, INT64_MAX, 0}, {7, 0, INT64_MAX, 127}, {8, 0, INT64_MAX, 0},
};

static void test_widths(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(widths); i++) {
        unsigned width = tlog_tile_width(widths[i].level, widths[i].index, widths[i].size);

        EXPECT(width == widths[i].width, "row %zu: %u", i, width);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_widths),
    };

    return CHECK_RUN(tests);
}
