/* SPDX-License-Identifier: Apache-2.0
 *
 * Buffers: the ceiling breaks them for good, taking moves the bytes out.
 */
#include "base_check.h"

#include "base/buf.h"

static void add_ten(struct buf *buf)
{
    buf_add(buf, S("0123456789"));
}
static void add_one(struct buf *buf)
{
    buf_add_char(buf, 'x');
}
static void add_number(struct buf *buf)
{
    buf_add_u64(buf, UINT64_MAX);
}
static void add_hex(struct buf *buf)
{
    buf_add_hex(buf, S("\x01\xFE\x7F"));
}
static void add_printed(struct buf *buf)
{
    buf_printf(buf, "%s=%d", "ab", -7);
}
static void add_nothing(struct buf *buf)
{
    buf_add(buf, STR_NONE);
}

/* printf asks for one byte more than it keeps. */
static const struct {
    const char *name;
    void (*add)(struct buf *buf);
    const char *text;
    size_t wants;
} appends[] = {
    {"bytes", add_ten, "0123456789", 10},
    {"one byte", add_one, "x", 1},
    {"the largest number", add_number, "18446744073709551615", 20},
    {"hex", add_hex, "01fe7f", 6},
    {"printf", add_printed, "ab=-7", 6},
    {"nothing", add_nothing, "", 0},
};

static void test_append(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(appends); i++) {
        AUTO(buf_done) struct buf fits = BUF_INIT(appends[i].wants);
        AUTO(buf_done) struct buf small = BUF_INIT(appends[i].wants ? appends[i].wants - 1 : 0);

        appends[i].add(&fits);
        EXPECT(buf_ok(&fits), "%s: at the ceiling", appends[i].name);
        EXPECT_STR(appends[i].name, buf_str(&fits), str_of(appends[i].text));
        appends[i].add(&small);
        EXPECT(buf_ok(&small) == (appends[i].wants == 0), "%s: one below", appends[i].name);
    }
}

static void test_broken(void **state)
{
    AUTO(buf_done) struct buf buf = BUF_INIT(16);
    size_t n = 99;

    (void)state;
    add_ten(&buf);
    add_ten(&buf);
    EXPECT(!buf_ok(&buf) && buf_str(&buf).p == NULL && buf.p == NULL,
           "broken, and its bytes freed");
    add_one(&buf);
    add_hex(&buf);
    add_printed(&buf);
    EXPECT(!buf_ok(&buf) && buf.p == NULL && !buf_reserve(&buf, 0), "it stays broken");
    EXPECT(buf_take(&buf, &n) == NULL && n == 0 && !buf_ok(&buf), "there is nothing to take");
    buf_reset(&buf);
    add_ten(&buf);
    EXPECT_STR("a reset mends it", buf_str(&buf), S("0123456789"));
}

static void test_take(void **state)
{
    AUTO(buf_done) struct buf buf = BUF_INIT(1 * KIB);
    size_t n;
    char *bytes = buf_take(&buf, &n);

    (void)state;
    EXPECT(bytes != NULL && n == 0, "an empty buffer still gives something to own");
    free(bytes);
    add_ten(&buf);
    bytes = buf_take(&buf, &n);
    EXPECT_STR("taken", ((struct str){bytes, n}), S("0123456789"));
    free(bytes);
    EXPECT(buf_ok(&buf) && buf.p == NULL && buf_str(&buf).n == 0, "and gone from the buffer");
    add_one(&buf);
    EXPECT_STR("which goes on", buf_str(&buf), S("x"));
    buf_done(&buf);
    EXPECT(buf.max == 1 * KIB && buf_str(&buf).n == 0, "done leaves it usable");
}

static void test_growth(void **state)
{
    AUTO(buf_done) struct buf buf = BUF_INIT(100 * KIB);

    (void)state;
    for (size_t i = 0; i < 100 * KIB; i++) {
        buf_add_char(&buf, (char)(i % 251));
    }
    EXPECT(buf_ok(&buf) && buf.n == 100 * KIB, "full to the last byte");
    for (size_t i = 0; i < buf.n; i++) {
        EXPECT(buf.p[i] == (char)(i % 251), "byte %zu", i);
    }
    EXPECT(!buf_reserve(&buf, SIZE_MAX) && !buf_ok(&buf), "a request that wraps round");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_take),
        cmocka_unit_test(test_growth),
    };

    return CHECK_RUN(tests);
}
