/* SPDX-License-Identifier: Apache-2.0
 *
 * Any text as an expression: it is refused with findings that lie inside of it, or it is a program that ends
 * within its budget and its arena. A value that it gives is written as text of the language, and read again
 * that text gives an equal value.
 */
#include "base/panic.h"
#include "cel/cel.h"

#define BUDGET 20000
#define MEMORY (4 * MIB)
#define FACTS  16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct str JSON = STR(
    "{\"amount\":74.5,\"count\":3,\"currency\":\"USD\",\"items\":[{\"sku\":\"L-17\",\"price\":54.5}"
    ","
    "{\"sku\":\"B\",\"price\":2}],\"tags\":[\"a\",\"\\u00fc\"],\"deep\":{\"er\":{\"null\":null}}}");

struct world {
    struct cel_env *env, *open; /* the second one does not check */
    struct arena *json_arena;
    const struct json *json;
};

static struct cel_value double_it(struct cel_call *call, void *with, const struct cel_value *args,
                                  size_t count)
{
    (void)with;
    ASSERT(count == 1 && args[0].kind == CEL_INT);
    return cel_charge(call, 3) ? cel_int(args[0].as.number / 2) : cel_fail(call, "no budget");
}

static struct cel_value compute_lazy(struct cel_call *call, void *with)
{
    (void)with;
    return cel_charge(call, 5) ? cel_string(S("lazy")) : cel_fail(call, "no budget");
}

static const struct cel_type *args_type(struct cel_env *env)
{
    struct cel_type *args = cel_type_object(env, S("args"), false);
    const struct cel_type *any = cel_type(CEL_T_DYN);

    ASSERT(args);
    ASSERT(cel_object_add(env, args, S("amount"), cel_type(CEL_T_NUMBER), CEL_MEMBER_REQUIRED));
    ASSERT(cel_object_add(env, args, S("count"), cel_type(CEL_T_INT), CEL_MEMBER_OPTIONAL));
    ASSERT(cel_object_add(env, args, S("currency"), cel_type(CEL_T_STRING), CEL_MEMBER_EMPTY));
    ASSERT(cel_object_add(env, args, S("items"), cel_type_list(env, any), CEL_MEMBER_EMPTY));
    ASSERT(cel_object_add(env, args, S("absent"), cel_type_list(env, any), CEL_MEMBER_EMPTY));
    ASSERT(cel_object_add(env, args, S("deep"), any, CEL_MEMBER_OPTIONAL));
    return args;
}

static struct cel_env *make_env(bool check)
{
    struct cel_env *env = cel_env_new();
    const struct cel_function half = {.name = STR("half"),
                                      .args = {cel_type(CEL_T_INT)},
                                      .result = cel_type(CEL_T_INT),
                                      .call = double_it,
                                      .cost = 2};

    ASSERT(env);
    ASSERT(cel_env_add(env, S("args"), args_type(env)) == 0);
    ASSERT(cel_env_add(env, S("x"), cel_type(CEL_T_DYN)) == 1);
    ASSERT(cel_env_add(env, S("now"), cel_type(CEL_T_TIMESTAMP)) == 2);
    ASSERT(cel_env_add(env, S("lazy"), cel_type(CEL_T_STRING)) == 3);
    ASSERT(cel_env_add(env, S("a.b"), cel_type(CEL_T_INT)) == 4);
    ASSERT(cel_env_add(env, S("unset"), cel_type(CEL_T_DYN)) == 5);
    ASSERT(cel_env_add_function(env, &half));
    cel_env_set_check(env, check);
    return env;
}

/* Made once: environments never change. */
static const struct world *the_world(void)
{
    static struct world world;
    struct ctx ctx;

    if (!world.env) {
        world.env = make_env(true);
        world.open = make_env(false);
        world.json_arena = arena_new(MIB);
        ASSERT(world.json_arena);
        ctx_init(&ctx, world.json_arena);
        ASSERT(json_parse(&ctx, JSON, &JSON_LIMITS_WIRE, &world.json) == FM_OK);
    }
    return &world;
}

static struct cel_activation *activate(const struct world *world, const struct cel_env *env,
                                       struct arena *arena)
{
    struct cel_activation *activation = cel_activation_new(env, arena, NULL);

    ASSERT(activation);
    cel_set(activation, 0, cel_json(world->json));
    cel_set(activation, 1, cel_json(json_get(world->json, S("items"))));
    cel_set(activation, 2, cel_timestamp_us(INT64_C(1795773600123456)));
    cel_set_lazy(activation, 3, compute_lazy, NULL);
    cel_set(activation, 4, cel_int(7));
    return activation;
}

static void check_findings(struct str text, const struct cel_findings *findings)
{
    AUTO(buf_done) struct buf buf = BUF_INIT(MIB);

    ASSERT(findings->count <= CEL_FINDINGS_MAX);
    for (size_t i = 0; i < findings->count; i++) {
        ASSERT(findings->items[i].offset <= text.n && findings->items[i].line > 0);
        ASSERT(findings->items[i].message.n > 0);
        cel_finding_write(&buf, text, &findings->items[i]);
    }
    ASSERT(buf_ok(&buf));
}

/* NaN equals nothing, and types and optional values are not in literals. */
static bool can_return(struct cel_value value, unsigned depth)
{
    size_t count = cel_size(value);

    if (value.kind == CEL_LIST || value.kind == CEL_MAP) {
        for (size_t i = 0; depth > 0 && i < count; i++) {
            struct cel_value item =
                value.kind == CEL_LIST ? cel_item(value, i) : cel_value_at(value, i);
            if (!can_return(item, depth - 1)) {
                return false;
            }
        }
        return depth > 0;
    }
    return value.kind != CEL_TYPE && (value.kind != CEL_DOUBLE || value.as.real == value.as.real);
}

static void check_round_trip(struct ctx *ctx, const struct cel_env *env, struct cel_value value)
{
    AUTO(buf_done) struct buf text = BUF_INIT(CEL_TEXT_MAX);
    AUTO(cel_program_done) struct cel_program *program = NULL;
    struct cel_result result;

    cel_write_text(&text, value);
    if (!can_return(value, 20) || !buf_ok(&text) ||
        cel_compile(ctx, env, buf_str(&text), CEL_WANT_ANY, NULL, &program) != FM_OK) {
        return;
    }
    result = cel_eval(program, NULL, ctx->arena, 0);
    ASSERT(result.value.kind == CEL_ERROR ? result.error != CEL_FAILED
                                          : cel_equal(result.value, value));
}

static void check_program(const struct world *world, struct ctx *ctx, const struct cel_env *env,
                          const struct cel_program *program)
{
    AUTO(buf_done) struct buf buf = BUF_INIT(MIB);
    struct cel_activation *activation = activate(world, env, ctx->arena);
    struct cel_result result = cel_eval(program, activation, ctx->arena, BUDGET);
    struct cel_fact facts[FACTS];
    size_t count;

    ASSERT(result.cost <= BUDGET);
    ASSERT((result.value.kind == CEL_ERROR) == (result.message.p != NULL));
    cel_write_json(&buf, result.value);
    buf_reset(&buf);
    cel_program_write(&buf, program);
    count = cel_explain(program, activation, ctx->arena, BUDGET, facts, FACTS);
    for (size_t i = 0; i < count; i++) {
        buf_reset(&buf);
        cel_write_text(&buf, facts[i].value);
    }
    if (result.value.kind != CEL_ERROR) {
        check_round_trip(ctx, world->open, result.value);
    }
}

static void run(const struct world *world, const struct cel_env *env, struct str text)
{
    struct arena *arena = arena_new(MEMORY);
    struct cel_findings findings;
    struct cel_program *program;
    struct ctx ctx;

    ASSERT(arena);
    ctx_init(&ctx, arena);
    if (cel_compile(&ctx, env, text, CEL_WANT_ANY, &findings, &program) == FM_OK) {
        check_program(world, &ctx, env, program);
        cel_program_free(program);
    } else {
        ASSERT(ctx.err != FM_E_INVALID_ARGUMENT || findings.count > 0);
        check_findings(text, &findings);
    }
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct world *world = the_world();
    struct str text = {(const char *)data, size};

    run(world, world->env, text);
    run(world, world->open, text);
    return 0;
}
