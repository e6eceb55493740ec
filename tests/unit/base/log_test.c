/* SPDX-License-Identifier: Apache-2.0
 *
 * The operators' log: one line for one event, whatever the fields hold.
 */
#include "base_check.h"

#include "base/clock.h"
#include "base/log.h"
#include "json/json.h"

static char got[64 * KIB];

/* Runs `act` with stderr going into `got`. */
static struct str capture(void (*act)(const void *with), const void *with)
{
    int ends[2], kept = dup(STDERR_FILENO);
    ssize_t n;

    assert_int_equal(pipe(ends), 0);
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    (void)dup2(ends[1], STDERR_FILENO);
    act(with);
    (void)dup2(kept, STDERR_FILENO);
    close(kept);
    close(ends[1]);
    n = read(ends[0], got, sizeof(got));
    close(ends[0]);
    return (struct str){got, n < 0 ? 0 : (size_t)n};
}

static void log_text(const void *with)
{
    const struct str *text = with;

    log_info("test.text", F_TEXT("text", *text), F_INT("n", -5));
}

static const struct {
    const char *name;
    struct str text;
    struct str want; /* as it reads back; each byte beyond ASCII as the code point of that number */
} texts[] = {
    {"plain", STR("abc"), STR("abc")},
    {"absent", {NULL, 0}, STR("")},
    {"a forged line", STR("x\"}\n{\"event\":\"forged\"}"), STR("x\"}\n{\"event\":\"forged\"}")},
    {"CR LF", STR("a\r\nb"), STR("a\r\nb")},
    {"a backslash at the end", STR("a\\"), STR("a\\")},
    {"an escape sequence of terminals", STR("\x1b[31mred"), STR("\x1b[31mred")},
    {"DEL", STR("\x7f"), STR("\x7f")},
    {"bytes that are no UTF-8", STR("\xff\x80"), STR("\xC3\xBF\xC2\x80")},
};

static void test_one_line(void **state)
{
    AUTO(arena_done) struct arena *arena = arena_new(4 * MIB);
    struct ctx ctx;

    (void)state;
    ctx_init(&ctx, arena);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct str line = capture(log_text, &texts[i].text);
        const struct json *tree;

        EXPECT(line.n > 0 && str_find(line, '\n') == line.n - 1, "%s: one line", texts[i].name);
        for (size_t k = 0; k + 1 < line.n; k++) {
            EXPECT(line.p[k] >= 0x20 && line.p[k] < 0x7F, "%s: printable", texts[i].name);
        }
        EXPECT(json_parse(&ctx, (struct str){line.p, line.n - 1}, &JSON_LIMITS_WIRE, &tree) ==
                   FM_OK,
               "%s: %.*s", texts[i].name, STR_ARG(line));
        EXPECT_STR(texts[i].name, json_text(json_get(tree, S("text"))), texts[i].want);
        EXPECT_STR(texts[i].name, json_text(json_get(tree, S("event"))), S("test.text"));
        EXPECT_STR(texts[i].name, json_text(json_get(tree, S("level"))), S("info"));
        EXPECT(json_number(json_get(tree, S("n"))) == -5, "%s", texts[i].name);
    }
}

static void test_long(void **state)
{
    static char long_text[10000];
    struct str text = {long_text, sizeof(long_text)}, line;

    (void)state;
    memset(long_text, '\n', sizeof(long_text));
    line = capture(log_text, &text);
    EXPECT(line.n > 300 && line.n < 8 * KIB, "cut, not dropped: %zu bytes", line.n);
    EXPECT(str_find(line, '\n') == line.n - 1, "one line");
}

static void log_every_level(const void *with)
{
    (void)with;
    log_info("test.info", F_INT("n", 1));
    log_warn("test.warn", F_INT("n", 1));
    log_error("test.error", F_ID("id", ID_AGENT, ((struct id){{0}})));
}

static void test_levels(void **state)
{
    struct str lines;

    (void)state;
    clock_set_virtual_us(1795343075 * SECOND_US);
    log_set_level(LOG_ERROR);
    lines = capture(log_every_level, NULL);
    log_set_level(LOG_INFO);
    clock_set_virtual_us(0);
    EXPECT_STR(
        "only the error", lines,
        S("{\"at\":\"2026-11-22T10:24:35.000Z\",\"level\":\"error\",\"event\":\"test.error\","
          "\"id\":\"agt_00000000000000000000000000\"}\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_line),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_levels),
    };

    return CHECK_RUN(tests);
}
