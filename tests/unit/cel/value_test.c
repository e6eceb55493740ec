/* SPDX-License-Identifier: Apache-2.0
 *
 * Values from outside: made, looked into, compared, written as JSON and as text; and one program in several
 * threads at once.
 */
#include "cel_check.h"

#include "cel/inner.h"

#include <math.h>
#include <pthread.h>

/* As JSON, as text. */
static void expect_written(struct fixture *f, const char *row, struct cel_value value,
                           const char *json, const char *text)
{
    buf_reset(&f->buf);
    cel_write_json(&f->buf, value);
    EXPECT_STR(row, buf_str(&f->buf), str_of(json));
    buf_reset(&f->buf);
    cel_write_text(&f->buf, value);
    EXPECT_STR(row, buf_str(&f->buf), str_of(text));
}

static void test_written(void **state)
{
    struct fixture *f = *state;
    struct cel_value items[] = {cel_int(1), cel_null(), cel_bytes(S("\xFF'"))};
    struct str names[] = {S("a\"b"), S("c")};

    expect_written(f, "null", cel_null(), "null", "null");
    expect_written(f, "bool", cel_bool(true), "true", "true");
    expect_written(f, "int", cel_int(-5), "-5", "-5");
    expect_written(f, "2^53", cel_int(INT64_C(1) << 53), "9007199254740992", "9007199254740992");
    expect_written(f, "2^53 + 1", cel_int((INT64_C(1) << 53) + 1), "\"9007199254740993\"",
                   "9007199254740993");
    expect_written(f, "uint", cel_uint(UINT64_MAX), "\"18446744073709551615\"",
                   "18446744073709551615u");
    expect_written(f, "double", cel_double(3), "3", "3.0");
    expect_written(f, "number", cel_number(3), "3", "3");
    expect_written(f, "large", cel_double(1e300), "1e+300", "1e+300");
    expect_written(f, "NaN", cel_double(NAN), "\"NaN\"", "double('NaN')");
    expect_written(f, "-infinity", cel_double(-INFINITY), "\"-Infinity\"", "double('-Infinity')");
    expect_written(f, "string", cel_string(S("it's\n\"so\"")), "\"it's\\n\\\"so\\\"\"",
                   "'it\\'s\\n\"so\"'");
    expect_written(f, "absent", cel_string(STR_NONE), "\"\"", "''");
    expect_written(f, "bytes", cel_bytes(S("\xFF'a")), "\"/ydh\"", "b'\\xff\\x27a'");
    expect_written(f, "list", cel_list(f->arena, items, 3), "[1,null,\"/yc=\"]",
                   "[1, null, b'\\xff\\x27']");
    expect_written(f, "map", cel_map(f->arena, names, items, 2), "{\"a\\\"b\":1,\"c\":null}",
                   "{'a\"b': 1, 'c': null}");
    expect_written(f, "timestamp", cel_timestamp_us(-1), "\"1969-12-31T23:59:59.999999Z\"",
                   "timestamp('1969-12-31T23:59:59.999999Z')");
    expect_written(f, "duration", cel_duration_us(-1500000), "\"-1.5s\"", "duration('-1.5s')");
    expect_written(
        f, "a map twice the same", cel_map(f->arena, (struct str[]){S("a"), S("a")}, items, 2),
        "{\"error\":\"a key stands twice in a map\"}", "error: a key stands twice in a map");
}

static void test_looked_into(void **state)
{
    struct fixture *f = *state;
    struct cel_value args = f->activation->values[0], value;
    double real;

    EXPECT(cel_size(args) == 7, "%zu", cel_size(args));
    EXPECT(cel_member(args, S("tags"), &value) && cel_size(value) == 2, "tags");
    EXPECT_STR("an item", cel_item(value, 1).as.text, S("b"));
    EXPECT(!cel_member(args, S("absent"), &value) && !cel_member(cel_int(1), S("x"), &value),
           "absent");
    EXPECT_STR("a key", cel_key_at(args, 0).as.text, S("amount"));
    EXPECT(cel_to_double(cel_value_at(args, 0), &real) && real == 74.5, "%g", real);
    EXPECT(!cel_to_double(cel_string(S("1")), &real), "a text is no number");
    EXPECT(cel_size(cel_string(S("\xC3\xBC\xF0\x9F\x98\x80"))) == 2, "code points");
    EXPECT(cel_size(cel_int(5)) == 0, "an int has no size");
    EXPECT(cel_microseconds(cel_timestamp_us(-1)) == -1, "a timestamp");
    EXPECT(cel_microseconds(cel_duration_us(-1)) == -1, "a duration");
    EXPECT(cel_microseconds(cel_duration_us(INT64_MAX)) == INT64_MAX / 1000, "a long duration");
}

static void test_equal(void **state)
{
    struct fixture *f = *state;
    struct cel_value args = f->activation->values[0];
    struct cel_value one[] = {cel_int(1)}, as_double[] = {cel_double(1)};

    EXPECT(cel_equal(args, args), "itself");
    EXPECT(cel_equal(cel_int(1), cel_uint(1)) && cel_equal(cel_double(1), cel_int(1)), "numbers");
    EXPECT(!cel_equal(cel_int(-1), cel_uint(UINT64_MAX)), "-1 and the largest uint");
    EXPECT(!cel_equal(cel_double(NAN), cel_double(NAN)), "NaN");
    EXPECT(!cel_equal(cel_string(S("1")), cel_int(1)), "a text and a number");
    EXPECT(!cel_equal(cel_string(S("a")), cel_bytes(S("a"))), "a text and bytes");
    EXPECT(cel_equal(cel_list(f->arena, one, 1), cel_list(f->arena, as_double, 1)), "lists");
    EXPECT(!cel_equal(cel_list(f->arena, one, 1), cel_list(f->arena, one, 0)), "lengths");
}

/* More members than are searched one by one, keys of all kinds. */
static void test_large_map(void **state)
{
    struct fixture *f = *state;
    AUTO(buf_done) struct buf text = BUF_INIT(64 * KIB);

    buf_lit(&text, "cel.bind(m, {true: 'yes', false: 'no'");
    for (int i = 0; i < 100; i++) {
        buf_printf(&text, ", %d: %d, 'k%d': %d", i, i, i, i);
    }
    buf_lit(&text,
            "}, [m.size(), m[17], m[17u], m[dyn(17.0)], m.k99, m[true], 'k100' in m, 100 in m, "
            "dyn(17.5) in m, m == m])");
    EXPECT_STR("a large map", fixture_eval(f, buf_str(&text)),
               S("[202, 17, 17, 17, 99, 'yes', false, false, false, true]"));
}

/* Text and time -------------------------------------------------------------------------------- */

static void test_timestamps(void **state)
{
    static const struct {
        const char *text, *want; /* NULL: refused */
    } rows[] = {
        {"2026-11-22T10:24:35Z", "2026-11-22T10:24:35Z"},
        {"2026-11-22T10:24:35.120Z", "2026-11-22T10:24:35.12Z"},
        {"2026-11-22T10:24:35.123456789+01:30", "2026-11-22T08:54:35.123456789Z"},
        {"2024-02-29T00:00:00-00:00", "2024-02-29T00:00:00Z"},
        {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
        {"9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"},
        {"2026-02-29T00:00:00Z", NULL},
        {"2026-13-01T00:00:00Z", NULL},
        {"2026-11-22T24:00:00Z", NULL},
        {"2026-11-22T10:24:60Z", NULL},
        {"2026-11-22T10:24:35", NULL},
        {"2026-11-22 10:24:35Z", NULL},
        {"2026-11-22T10:24:35.Z", NULL},
        {"2026-11-22T10:24:35.1234567890Z", NULL},
        {"2026-11-22T10:24:35+1:00", NULL},
        {"2026-11-22T10:24:35ZZ", NULL},
        {"", NULL},
    };
    struct fixture *f = *state;
    struct cel_moment moment;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        bool good = cel_text_to_timestamp(str_of(rows[i].text), &moment);
        EXPECT(good == (rows[i].want != NULL), "%s", rows[i].text);
        buf_reset(&f->buf);
        if (good) {
            cel_text_of_timestamp(&f->buf, moment);
        }
        EXPECT_STR(rows[i].text, buf_str(&f->buf), str_of(rows[i].want));
    }
}

static void test_durations(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"0", "0s"},
        {"1s", "1s"},
        {"-1.5s", "-1.5s"},
        {"1h30m", "5400s"},
        {"1.5h", "5400s"},
        {".5s", "0.5s"},
        {"1.s", "1s"},
        {"100ms", "0.1s"},
        {"1us1ns", "0.000001001s"},
        {"\xC2\xB5s", NULL},
        {"5\xC2\xB5s", "0.000005s"},
        {"9223372036.854775807s", "9223372036.854775807s"},
        {"9223372037s", NULL},
        {"", NULL},
        {"-", NULL},
        {"1", NULL},
        {"1 s", NULL},
        {"s", NULL},
        {"1d", NULL},
        {".s", NULL},
        {"1s-1s", NULL},
        {"99999999999999999999s", NULL},
        {"0.1234567891s", "0.123456789s"},
    };
    struct fixture *f = *state;
    int64_t nanos;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        bool good = cel_text_to_duration(str_of(rows[i].text), &nanos);
        EXPECT(good == (rows[i].want != NULL), "%s", rows[i].text);
        buf_reset(&f->buf);
        if (good) {
            cel_text_of_duration(&f->buf, nanos);
        }
        EXPECT_STR(rows[i].text, buf_str(&f->buf), str_of(rows[i].want));
    }
}

/* Each day of 1 to 9999, there and back. */
static void test_calendar(void **state)
{
    int64_t day = MOMENT_MIN / 86400, days = 0;
    struct civil at;
    int weekday = 1; /* 0001-01-01 is a Monday */

    (void)state;
    for (; day <= MOMENT_MAX / 86400; day++, days++) {
        cel_civil_of(day * 86400, &at);
        EXPECT(cel_civil_days(at.year, at.month, at.day) == day && at.weekday == weekday,
               "%lld-%d-%d", (long long)at.year, at.month, at.day);
        weekday = (weekday + 1) % 7;
    }
    EXPECT(days == 3652059, "%lld days", (long long)days);
}

/* Threads -------------------------------------------------------------------------------------- */

#define THREADS 4

struct shared {
    const struct cel_env *env;
    const struct cel_program *program;
    struct cel_value args;
    int good;
};

static void *work(void *with)
{
    struct shared *shared = with;

    for (int i = 0; i < 500; i++) {
        struct arena *arena = arena_new(MIB);
        struct cel_activation *activation = cel_activation_new(shared->env, arena, NULL);
        struct cel_result result;
        cel_set(activation, 0, shared->args);
        cel_set(activation, 2, cel_timestamp_us(i * HOUR_US));
        result = cel_eval(shared->program, activation, arena, 0);
        shared->good += result.value.kind == CEL_BOOL && result.value.as.yes;
        arena_free(arena);
    }
    return NULL;
}

static void test_threads(void **state)
{
    struct fixture *f = *state;
    struct cel_program *program = fixture_compile(
        f, S("args.currency.matches('^[A-Z]{3}$') && now.getHours('Europe/Berlin') >= 0 && "
             "args.items.exists(i, i.price > 50) && [1, 2, 3].map(x, x * 2).size() == 3"));
    struct shared shared[THREADS];
    pthread_t threads[THREADS];

    EXPECT(program, "%s", f->ctx.detail);
    for (int i = 0; i < THREADS; i++) {
        shared[i] = (struct shared){f->env, program, f->activation->values[0], 0};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &shared[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        EXPECT(shared[i].good == 500, "%d of 500", shared[i].good);
    }
    cel_program_free(program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_written),   FIXTURE_TEST(test_looked_into), FIXTURE_TEST(test_equal),
        FIXTURE_TEST(test_large_map), FIXTURE_TEST(test_timestamps),  FIXTURE_TEST(test_durations),
        FIXTURE_TEST(test_calendar),  FIXTURE_TEST(test_threads),
    };

    return CHECK_RUN(tests);
}
