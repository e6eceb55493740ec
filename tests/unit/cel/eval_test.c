/* SPDX-License-Identifier: Apache-2.0
 *
 * What the official tests do not have: numbers of JSON, budgets, memory, lazy variables, functions of ours.
 */
#include "cel_check.h"

static void test_numbers_of_json(void **state)
{
    static const struct eval_row rows[] = {
        {"args.amount > 50", "true"},
        {"args.amount > 50.0", "true"},
        {"args.amount > 50u", "true"},
        {"args.amount == 74.5", "true"},
        {"args.amount in [74.5, 1]", "true"},
        {"anything.count == 75", "true"},
        {"anything.count == 75.0", "true"},
        {"anything.count in [1, 75]", "true"},
        {"args.amount * 2", "149"},
        {"args.amount * 2 + 0.5", "149.5"},
        {"2 * args.amount - 1u", "148"},
        {"-args.amount", "-74.5"},
        {"anything.count / 2", "37.5"},
        {"args.count / 2", "37"}, /* `integer` in a schema is an int */
        {"anything.count % 2", "1"},
        {"anything.amount % 2", "error: 1:17: % wants whole numbers"},
        {"anything.count % 0", "error: 1:16: modulus by zero"},
        {"type(args.amount) == double", "true"},
        {"type(args.count) == int", "true"},
        {"[10, 20, 30][anything.items.size() - 1]", "20"},
        {"'abcdef'.substring(anything.items[1].price - 7)", "'def'"},
        {"string(args.amount) + string(anything.count)", "'74.575'"},
        {"math.greatest(args.amount, 100)", "100"},
        {"math.abs(args.amount - 100)", "25.5"},
        {"anything.items.map(i, i.price * 2)", "[109, 20]"},
        {"anything.items.exists(i, i.price > 50 && i.price < 60.0)", "true"},
        {"half(anything.count - 1)", "37"},
        {"args.?count.orValue(0) / 2", "37"},
        {"args[?'count'].orValue(0) / 2", "37"},
        {"optional.of(args).count.value() / 2", "37"},
        {"anything.?count.orValue(0) / 2", "37.5"},
        {"args.amount + anything.count", "149.5"},
        {"{74: 'x', 75: 'y'}[anything.count]", "'y'"},
    };

    FIXTURE_ROWS(*state, rows);
}

/* What is not finite compares with nothing: of a number of JSON it is an error, of a double not. */
static void test_not_finite(void **state)
{
    static const struct eval_row rows[] = {
        {"anything.amount / 0 < 2.0", "error: 1:17: division by zero"},
        {"anything.amount / (anything.count - 75) > 2", "error: 1:17: division by zero"},
        {"(anything.count - 75) / (anything.count - 75) == 1", "error: 1:23: division by zero"},
        {"5.0 / (anything.count - 75) > 2.0", "error: 1:5: division by zero"},
        {"5 / (anything.count - 75) > 2", "error: 1:3: division by zero"},
        {"args.amount / 0.0 > 2.0", "error: 1:13: division by zero"},
        {"double(anything.amount) / double(anything.count - 75) > 1.0",
         "error: 1:25: division by zero"},
        {"anything.amount * 1e307", "error: 1:17: number overflow"},
        {"-anything.amount * 1e307 - 1e307", "error: 1:18: number overflow"},
        {"anything.amount + double('NaN')", "error: 1:17: the result is not a number"},
        {"math.sqrt(-anything.amount) < 1.0", "error: 1:6: the result is not a number"},
        {"anything.amount < double('NaN')", "error: 1:17: a number is compared with NaN"},
        {"double('NaN') >= anything.amount", "error: 1:15: a number is compared with NaN"},
        {"double('NaN') < 1.0", "false"},
        {"1.0 / 0.0 > 1.0", "true"},
        {"math.sqrt(-1.0) < 1.0", "false"},
        {"anything.amount / 0 < 2.0 || true", "true"},
    };

    FIXTURE_ROWS(*state, rows);
}

static void test_absent(void **state)
{
    static const struct eval_row rows[] = {
        {"args.comment == ''", "true"},
        {"has(args.comment)", "false"},
        {"args.comment.contains('x') || args.comment.size() == 0", "true"},
        {"has(args.note) && args.note == 'x'", "false"},
        {"args.?note.orValue('none')", "'none'"},
        {"args.?to.?city.orValue('nowhere')", "'Ulm'"},
        {"args.nothing == null", "true"},
        {"has(args.nothing)", "true"},
        {"anything.absent", "error: 1:10: no such key: absent"},
        {"anything.curency", "error: 1:10: no such key: curency; did you mean currency?"},
        {"anything['curency']", "error: 1:9: no such key: curency; did you mean currency?"},
        {"anything.to.cty", "error: 1:13: no such key: cty; did you mean city?"},
        {"anything.curency == 'x' || anything.absent", "error: 1:10: no such key: curency"},
        {"anything.items[5].sku", "error: 1:15: index 5 is out of range: the list has 2 items"},
        {"anything.currency.x", "error: 1:19: string has no member x"},
        {"anything.absent == 1 || true", "true"},
        {"anything.absent == 1 && false", "false"},
        {"anything.absent == 1 || false", "error: 1:10: no such key: absent"},
        {"unset + 1", "error: 1:1: unset has no value"},
    };

    FIXTURE_ROWS(*state, rows);
}

static void test_functions(void **state)
{
    static const struct eval_row rows[] = {
        {"half(10)", "5"},
        {"half(args.count)", "error: 1:1: 75 is odd"},
        {"half(args.count) == 1 || true", "true"},
        {"half(anything.currency)", "error: 1:1: no such overload: half(string)"},
        {"args.currency.mentions('SD')", "true"},
        {"args.currency.mentions('x')", "false"},
        {"'abc'.mentions('b') && half(4) == 2", "true"},
    };

    FIXTURE_ROWS(*state, rows);
}

static void test_lazy(void **state)
{
    struct fixture *f = *state;

    EXPECT_STR("not read", fixture_eval(f, S("true || lazy == 1")), S("true"));
    EXPECT(f->computed == 0, "%d", f->computed);
    EXPECT_STR("read", fixture_eval(f, S("lazy == 42 && lazy + 1 == 43")), S("true"));
    EXPECT_STR("read again", fixture_eval(f, S("lazy")), S("42"));
    EXPECT(f->computed == 1, "%d", f->computed);
}

static struct cel_value sometimes(struct cel_call *call, void *with)
{
    struct fixture *f = with;

    return f->computed++ ? cel_string(arena_printf(call->arena, "now it works"))
                         : cel_fail(call, "not yet");
}

/* An error is not kept, and a value outlives the evaluation that computed it. */
static void test_lazy_that_fails(void **state)
{
    struct fixture *f = *state;
    struct cel_program *program;

    cel_set_lazy(f->activation, 1, sometimes, f);
    EXPECT_STR("fails", fixture_eval(f, S("anything")), S("error: 1:1: not yet"));
    program = fixture_compile(f, S("anything == 'now it works'"));
    EXPECT(program, "%s", f->ctx.detail);
    for (int i = 0; i < 3; i++) {
        struct arena *short_lived = arena_new(MIB);
        struct cel_result result = cel_eval(program, f->activation, short_lived, 0);
        EXPECT(result.value.kind == CEL_BOOL && result.value.as.yes, "%d: %.*s", i,
               STR_ARG(result.message));
        arena_free(short_lived);
    }
    cel_program_free(program);
}

static struct cel_value itself(struct cel_call *call, void *with)
{
    struct fixture *f = with;
    struct cel_program *program = fixture_compile(f, S("lazy + 1"));
    struct cel_result result = cel_eval(program, f->activation, call->arena, 0);

    cel_program_free(program);
    return result.value;
}

static void test_lazy_in_a_circle(void **state)
{
    struct fixture *f = *state;

    cel_set_lazy(f->activation, 3, itself, f);
    EXPECT_STR("a circle", fixture_eval(f, S("lazy")), S("error: 1:1: lazy depends on itself"));
}

static struct cel_result run(struct fixture *f, struct str text, struct arena *arena,
                             uint64_t budget)
{
    struct cel_program *program = fixture_compile(f, text);
    struct cel_result result;

    EXPECT(program, "%s", f->ctx.detail);
    result = cel_eval(program, f->activation, arena, budget);
    cel_program_free(program);
    return result;
}

static void test_budget(void **state)
{
    static const struct str rows[] = {
        STR("args.tags.all(a, args.tags.all(b, args.tags.all(c, c + b + a != '')))"),
        STR("half(2) + half(2) + half(2)"),
        STR("args.currency.mentions('x') || args.tags.exists(t, t.mentions('x'))"),
        STR("args.tags.map(a, string(a)).join() == 'ab' && args.amount > 1"),
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cel_result whole = run(f, rows[i], f->arena, 0);
        EXPECT(whole.value.kind != CEL_ERROR, "%s", rows[i].p);
        EXPECT(run(f, rows[i], f->arena, whole.cost).value.kind != CEL_ERROR, "%s", rows[i].p);
        for (uint64_t budget = 1; budget < whole.cost; budget++) {
            struct cel_result part = run(f, rows[i], f->arena, budget);
            EXPECT(part.value.kind == CEL_ERROR && part.error == CEL_TOO_COSTLY, "%s with %llu",
                   rows[i].p, (unsigned long long)budget);
        }
    }
}

/* The budget's error is not absorbed, nor is that of memory. */
static void test_fatal(void **state)
{
    struct fixture *f = *state;
    struct arena *small = arena_new(1000);
    struct cel_result result;

    result = run(f, S("args.tags.all(a, args.tags.exists(b, a == b)) || true"), f->arena, 8);
    EXPECT(result.error == CEL_TOO_COSTLY && result.value.kind == CEL_ERROR, "absorbed");
    EXPECT_STR("its sentence", result.message,
               S("1:38: the evaluation takes more steps than it may: put what is cheap and decides "
                 "first, or look at fewer items"));
    result = run(f,
                 S("(args.currency + args.currency + 'abc') != '' && "
                   "[1,2,3].map(a, [a].map(b, [b, b, b]).map(c, c + c)).size() > 0 || true"),
                 small, 0);
    EXPECT(result.error == CEL_OUT_OF_MEMORY && result.value.kind == CEL_ERROR, "absorbed");
    arena_free(small);
}

static void test_wanted(void **state)
{
    struct fixture *f = *state;
    struct cel_program *program;
    struct cel_result result;

    EXPECT(cel_compile(&f->ctx, f->env, S("anything.amount"), CEL_WANT_BOOL, NULL, &program) ==
               FM_OK,
           "%s", f->ctx.detail);
    result = cel_eval(program, f->activation, f->arena, 0);
    EXPECT_STR("a number for a bool", result.message,
               S("1:10: the result is of type double, and bool is wanted"));
    cel_program_free(program);
    EXPECT(cel_compile(&f->ctx, f->env, S("args.amount"), CEL_WANT_NUMBER, NULL, &program) == FM_OK,
           "%s", f->ctx.detail);
    result = cel_eval(program, f->activation, f->arena, 0);
    EXPECT(result.value.kind == CEL_DOUBLE, "%d", result.value.kind);
    cel_program_free(program);
}

/* What is right of a lazy or() is not looked at. */
static void test_optional_laziness(void **state)
{
    static const struct eval_row rows[] = {
        {"optional.of(1).orValue(1 / 0)", "1"},
        {"optional.none().orValue(1 / 0)", "error: 1:27: division by zero"},
        {"optional.of(1).or(optional.of(1 / 0)).value()", "1"},
        {"optional.none().value()", "error: 1:17: the optional value is absent"},
        {"[1, 2][?5].optMap(x, x * 2).orValue(7)", "7"},
        {"[?anything.?amount, ?anything.?absent]", "[74.5]"},
        {"{?'a': anything.?amount, ?'b': anything.?absent}", "{'a': 74.5}"},
    };

    FIXTURE_ROWS(*state, rows);
}

static void test_limits(void **state)
{
    static const struct eval_row rows[] = {
        {"'abc'.matches('a{1,99}' + anything.currency)", "false"},
        {"'abc'.matches(anything.currency + '(')",
         "error: 1:7: not a regular expression in RE2 syntax: missing ): USD("},
        {"'%.200f'.format([1.0])", "error: 1:10: a precision is a number up to 100"},
        {"'%d'.format([])",
         "error: 1:6: index 0 out of range: the list has no value for this clause"},
        {"base64.decode('*')", "error: 1:8: the text is no base64"},
        {"{anything.currency: 1, 'USD': 2}", "error: 1:1: a key stands twice in a map"},
        {"now.getHours('Europe/' + anything.currency)",
         "error: 1:5: there is no time zone of this name"},
        {"now.getHours('../' + 'etc/' + anything.currency)",
         "error: 1:5: there is no time zone of this name"},
        {"duration('9223372036s') + duration('1s') > duration('0s')",
         "error: 1:25: the duration is out of range"},
    };

    FIXTURE_ROWS(*state, rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_numbers_of_json), FIXTURE_TEST(test_absent),
        FIXTURE_TEST(test_not_finite),
        FIXTURE_TEST(test_functions),       FIXTURE_TEST(test_lazy),
        FIXTURE_TEST(test_lazy_that_fails), FIXTURE_TEST(test_lazy_in_a_circle),
        FIXTURE_TEST(test_budget),          FIXTURE_TEST(test_fatal),
        FIXTURE_TEST(test_wanted),          FIXTURE_TEST(test_optional_laziness),
        FIXTURE_TEST(test_limits),
    };

    return CHECK_RUN(tests);
}
