/* SPDX-License-Identifier: Apache-2.0
 *
 * An environment as a policy has it, and evaluating one text in it.
 */
#ifndef FM_CEL_CHECK_H_
#define FM_CEL_CHECK_H_

#include "../check.h"

#include "base/clock.h"
#include "cel/cel.h"

#include <stdlib.h>

static const struct str CEL_ARGS = STR(
    "{\"amount\":74.5,\"count\":75,\"currency\":\"USD\",\"items\":[{\"sku\":\"L\",\"price\":54.5},"
    "{\"sku\":\"B\",\"price\":10}],\"tags\":[\"a\",\"b\"],\"to\":{\"city\":\"Ulm\"},\"nothing\":"
    "null}");

struct fixture {
    struct arena *arena;
    struct ctx ctx;
    struct buf buf;
    struct cel_env *env;
    struct cel_activation *activation;
    struct cel_findings findings;
    int computed; /* how often the lazy variable was */
};

static inline struct cel_value fixture_half(struct cel_call *call, void *with,
                                            const struct cel_value *args, size_t count)
{
    (void)with;
    if (count != 1 || args[0].kind != CEL_INT) {
        return cel_fail(call, "not an int");
    }
    return args[0].as.number % 2 ? cel_fail(call, "%lld is odd", (long long)args[0].as.number)
                                 : cel_int(args[0].as.number / 2);
}

/* text.mentions('word'), by whoever evaluates. */
static inline struct cel_value fixture_mentions(struct cel_call *call, void *with,
                                                const struct cel_value *args, size_t count)
{
    const struct fixture *f = call->of_activation;

    (void)with;
    if (count != 2 || !f || !cel_charge(call, args[0].as.text.n)) {
        return cel_fail(call, "too much");
    }
    return cel_bool(
        memmem(args[0].as.text.p, args[0].as.text.n, args[1].as.text.p, args[1].as.text.n) != NULL);
}

static inline struct cel_value fixture_lazy(struct cel_call *call, void *with)
{
    struct fixture *f = with;

    (void)call;
    f->computed++;
    return cel_int(42);
}

static inline void fixture_args(struct fixture *f)
{
    static const struct {
        struct str name;
        enum cel_type_kind kind;
        enum cel_member_flag flag;
    } rows[] = {
        {STR("amount"), CEL_T_NUMBER, CEL_MEMBER_REQUIRED},
        {STR("count"), CEL_T_INT, CEL_MEMBER_REQUIRED},
        {STR("currency"), CEL_T_STRING, CEL_MEMBER_REQUIRED},
        {STR("note"), CEL_T_STRING, CEL_MEMBER_OPTIONAL},
        {STR("comment"), CEL_T_STRING, CEL_MEMBER_EMPTY},
        {STR("nothing"), CEL_T_DYN, CEL_MEMBER_REQUIRED},
    };
    struct cel_type *args = cel_type_object(f->env, S("args"), false);
    struct cel_type *to = cel_type_object(f->env, S("args.to"), false);
    bool good = args && to;

    for (size_t i = 0; good && i < COUNT_OF(rows); i++) {
        good = cel_object_add(f->env, args, rows[i].name, cel_type(rows[i].kind), rows[i].flag);
    }
    good = good &&
           cel_object_add(f->env, to, S("city"), cel_type(CEL_T_STRING), CEL_MEMBER_OPTIONAL) &&
           cel_object_add(f->env, args, S("to"), to, CEL_MEMBER_OPTIONAL) &&
           cel_object_add(f->env, args, S("items"), cel_type_list(f->env, cel_type(CEL_T_DYN)),
                          CEL_MEMBER_REQUIRED) &&
           cel_object_add(f->env, args, S("tags"), cel_type_list(f->env, cel_type(CEL_T_STRING)),
                          CEL_MEMBER_REQUIRED) &&
           cel_env_add(f->env, S("args"), args) >= 0;
    assert_true(good);
}

static inline void fixture_functions(struct fixture *f)
{
    const struct cel_function half = {.name = STR("half"),
                                      .args = {cel_type(CEL_T_INT)},
                                      .result = cel_type(CEL_T_INT),
                                      .call = fixture_half,
                                      .cost = 100};
    const struct cel_function mentions = {.name = STR("mentions"),
                                          .receiver = true,
                                          .args = {cel_type(CEL_T_STRING), cel_type(CEL_T_STRING)},
                                          .result = cel_type(CEL_T_BOOL),
                                          .call = fixture_mentions};

    assert_true(cel_env_add_function(f->env, &half) && cel_env_add_function(f->env, &mentions));
}

/* args with a schema, anything (the same without one), now, lazy (42), unset. */
static inline int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const struct json *args;

    assert_non_null(f);
    f->arena = arena_new(16 * MIB);
    f->buf = (struct buf)BUF_INIT(MIB);
    f->env = cel_env_new();
    assert_true(f->arena && f->env);
    ctx_init(&f->ctx, f->arena);
    fixture_args(f);
    fixture_functions(f);
    assert_true(cel_env_add(f->env, S("anything"), cel_type(CEL_T_DYN)) == 1);
    assert_true(cel_env_add(f->env, S("now"), cel_type(CEL_T_TIMESTAMP)) == 2);
    assert_true(cel_env_add(f->env, S("lazy"), cel_type(CEL_T_INT)) == 3);
    assert_true(cel_env_add(f->env, S("unset"), cel_type(CEL_T_INT)) == 4);
    assert_int_equal(json_parse(&f->ctx, CEL_ARGS, &JSON_LIMITS_WIRE, &args), FM_OK);
    f->activation = cel_activation_new(f->env, f->arena, f);
    assert_non_null(f->activation);
    cel_set(f->activation, 0, cel_json(args));
    cel_set(f->activation, 1, cel_json(args));
    cel_set(f->activation, 2, cel_timestamp_us(INT64_C(1795773600) * SECOND_US));
    cel_set_lazy(f->activation, 3, fixture_lazy, f);
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    cel_env_free(f->env);
    arena_free(f->arena);
    buf_done(&f->buf);
    free(f);
    return 0;
}

/* The program, or NULL with f->findings and f->ctx set. */
static inline struct cel_program *fixture_compile(struct fixture *f, struct str text)
{
    struct cel_program *program = NULL;

    ctx_clear(&f->ctx);
    return cel_compile(&f->ctx, f->env, text, CEL_WANT_ANY, &f->findings, &program) == FM_OK
               ? program
               : NULL;
}

/* The value as text, "error: ..." or "refused: ..."; in the arena. */
static inline struct str fixture_eval(struct fixture *f, struct str text)
{
    struct cel_program *program = fixture_compile(f, text);
    struct cel_result result;

    buf_reset(&f->buf);
    if (!program) {
        buf_printf(&f->buf, "refused: %s", f->ctx.detail);
        return arena_copy(f->arena, buf_str(&f->buf));
    }
    result = cel_eval(program, f->activation, f->arena, 0);
    if (result.value.kind == CEL_ERROR) {
        buf_printf(&f->buf, "error: %.*s", STR_ARG(result.message));
    } else {
        cel_write_text(&f->buf, result.value);
    }
    cel_program_free(program);
    return arena_copy(f->arena, buf_str(&f->buf));
}

struct eval_row {
    const char *text, *want;
};

static inline void fixture_rows(struct fixture *f, const struct eval_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        EXPECT_STR(rows[i].text, fixture_eval(f, str_of(rows[i].text)), str_of(rows[i].want));
    }
}

#define FIXTURE_ROWS(f, rows) fixture_rows((f), (rows), COUNT_OF(rows))
#define FIXTURE_TEST(name)    cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

#endif
