/* SPDX-License-Identifier: Apache-2.0
 *
 * Why a condition holds or not: which values are named, and that they are those that decided.
 */
#include "cel_check.h"

#define FACTS_MAX 20

/* "text = value; ..." */
static struct str explain(struct fixture *f, struct str text, size_t max)
{
    struct cel_fact facts[FACTS_MAX];
    struct cel_program *program = fixture_compile(f, text);
    size_t count;

    EXPECT(program, "%.*s: %s", STR_ARG(text), f->ctx.detail);
    count = cel_explain(program, f->activation, f->arena, 0, facts, max);
    buf_reset(&f->buf);
    for (size_t i = 0; i < count; i++) {
        buf_printf(&f->buf, "%s%.*s = ", i ? "; " : "", STR_ARG(facts[i].text));
        cel_write_text(&f->buf, facts[i].value);
    }
    cel_program_free(program);
    return buf_str(&f->buf);
}

static const struct eval_row rows[] = {
    {"args.amount > 50.0", "args.amount = 74.5"},
    {"50 < args.amount", "args.amount = 74.5"},
    {"'USD' == args.currency && args.amount > 50", "args.currency = 'USD'; args.amount = 74.5"},
    {"args.amount > 50 && args.amount < 100", "args.amount = 74.5"},
    /* of a false && the first false side alone */
    {"args.amount > 50 && args.currency == 'EUR' && args.count > 0", "args.currency = 'USD'"},
    {"args.amount > 500 || args.currency == 'USD' || args.count > 0", "args.currency = 'USD'"},
    {"args.amount > 500 || args.currency == 'EUR'", "args.amount = 74.5; args.currency = 'USD'"},
    {"!(args.amount > 500)", "args.amount = 74.5"},
    {"args.amount > 50 ? args.currency == 'USD' : args.count == 1",
     "args.amount = 74.5; args.currency = 'USD'"},
    {"args.amount * 2 + args.count > 100",
     "args.amount * 2 + args.count = 224; args.amount = 74.5; args.count = 75"},
    {"(args.amount * 2) > 100", "args.amount * 2 = 149; args.amount = 74.5"},
    {"size(args.tags) > 1", "size(args.tags) = 2; args.tags = ['a', 'b']"},
    {"args.currency.startsWith('U')", "args.currency = 'USD'"},
    {"args.tags.exists(t, t == 'b')", "t = 'b'"},
    {"args.tags.all(t, t == 'a')", "t = 'b'"},
    {"args.tags.exists(i, t, i > 0 && t == 'b')", "i = 1; t = 'b'"},
    {"args.tags.exists(t, t == 'z')", "args.tags = ['a', 'b']"},
    {"args.items.exists(i, i.price > 50.0)", "i = {'price': 54.5, 'sku': 'L'}; i.price = 54.5"},
    {"has(args.note)", "has(args.note) = false"},
    {"args.?note.orValue('') == ''", "args.?note.orValue('') = ''; args.?note = optional.none()"},
    {"'b' in args.tags", "args.tags = ['a', 'b']"},
    {"cel.bind(a, args.amount, a > 50)", "a = 74.5"},
    {"now > timestamp('2026-01-01T00:00:00Z')", "now = timestamp('2026-11-27T10:00:00Z')"},
    {"half(4) == 2", "half(4) = 2"},
    {"anything.absent > 1", "anything.absent = error: no such key: absent"},
    {"true", ""},
};

static void test_rows(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        EXPECT_STR(rows[i].text, explain(f, str_of(rows[i].text), FACTS_MAX), str_of(rows[i].want));
    }
}

static void test_max(void **state)
{
    EXPECT_STR("one fact", explain(*state, S("args.amount > 1 && args.count > 1"), 1),
               S("args.amount = 74.5"));
}

static void test_budget(void **state)
{
    struct fixture *f = *state;
    struct cel_fact facts[FACTS_MAX];
    struct cel_program *program =
        fixture_compile(f, S("args.amount > 1 && args.tags.all(t, t != '')"));

    for (uint64_t budget = 1; budget < 60; budget++) {
        size_t count = cel_explain(program, f->activation, f->arena, budget, facts, FACTS_MAX);
        for (size_t i = 0; i < count; i++) {
            EXPECT(facts[i].value.kind != CEL_ERROR, "a fact of a budget that is used up");
        }
    }
    cel_program_free(program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_rows),
        FIXTURE_TEST(test_max),
        FIXTURE_TEST(test_budget),
    };

    return CHECK_RUN(tests);
}
