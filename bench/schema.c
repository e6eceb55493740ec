/* SPDX-License-Identifier: Apache-2.0
 *
 * How long it takes to check the arguments of a proposal of about 1 KB against the schema of its action,
 * beside reading the same bytes in the same run; and how long the worst schema that is admitted can keep
 * a thread. Prints the best of several rounds, since a shared machine only ever adds.
 */
#include "json/json_schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 20
#define CALLS  5000

static const struct str SCHEMA = STR(
    "{\"type\":\"object\",\"required\":[\"order_id\",\"amount\",\"currency\",\"lines\",\"message\"]"
    ","
    "\"additionalProperties\":false,\"properties\":{"
    "\"order_id\":{\"type\":\"string\",\"pattern\":\"^W[0-9]{7}$\"},"
    "\"amount\":{\"type\":\"number\",\"exclusiveMinimum\":0,\"maximum\":5000,\"multipleOf\":0.01},"
    "\"currency\":{\"enum\":[\"USD\",\"EUR\",\"GBP\",\"CHF\"]},"
    "\"message\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":2000},"
    "\"reason\":{\"enum\":[\"broken\",\"late\",\"wrong_item\",\"other\"]},"
    "\"notify\":{\"type\":\"boolean\"},"
    "\"customer\":{\"type\":\"object\",\"required\":[\"id\"],\"properties\":{"
    "\"id\":{\"type\":\"string\"},\"email\":{\"type\":[\"string\",\"null\"]}}},"
    "\"lines\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":50,\"items\":{\"$ref\":\"#/$defs/"
    "line\"}}},"
    "\"$defs\":{\"line\":{\"type\":\"object\",\"required\":[\"sku\",\"count\"],\"properties\":{"
    "\"sku\":{\"type\":\"string\",\"maxLength\":40},\"count\":{\"type\":\"integer\",\"minimum\":1},"
    "\"price\":{\"type\":\"number\",\"minimum\":0},\"note\":{\"type\":\"string\"}},"
    "\"additionalProperties\":false}}}");

static const struct str ARGUMENTS = STR(
    "{\"order_id\":\"W2378156\",\"amount\":74.5,\"currency\":\"USD\",\"reason\":\"broken\","
    "\"notify\":true,\"customer\":{\"id\":\"W771\",\"email\":\"ana@example.com\"},\"lines\":["
    "{\"sku\":\"L-9-BRASS\",\"count\":1,\"price\":39.5,\"note\":\"arrived with a broken shade\"},"
    "{\"sku\":\"B-12\",\"count\":4,\"price\":3.75,\"note\":\"bulbs, two of them broken\"},"
    "{\"sku\":\"S-1\",\"count\":1,\"price\":20,\"note\":\"the shipping that was paid for both "
    "parcels\"}],"
    "\"message\":\"We are sorry that your lamp arrived in pieces. You need not send it back: we "
    "refund "
    "the lamp, the four bulbs and the shipping to the card that you paid with, and you will see "
    "the "
    "amount there within three working days. If the fifth bulb turns out to be broken as well, "
    "answer "
    "this message and we add it. Because the same lamp has been broken in two other parcels of "
    "this "
    "week, we have asked the warehouse to pack it in the larger box with the second layer of "
    "board. "
    "Should you like a replacement instead of the refund, tell us before Friday; there are eleven "
    "left "
    "in brass and none in black. With kind regards, the support team\"}");

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

struct bench {
    struct ctx ctx;
    struct json_schema *schema;
    const struct json *value;
    struct str text;
};

/* The work of one call; whether it went well. */
typedef bool work_fn(struct bench *bench);

static bool work_parse(struct bench *bench)
{
    const struct json *value;

    arena_reset(bench->ctx.arena);
    return json_parse(&bench->ctx, bench->text, &JSON_LIMITS_WIRE, &value) == FM_OK;
}

static bool work_check(struct bench *bench)
{
    struct json_schema_error errors[JSON_SCHEMA_ERRORS_MAX];
    size_t count;

    return json_schema_check(&bench->ctx, bench->schema, bench->value, errors, &count) == FM_OK;
}

static bool work_exhaust(struct bench *bench)
{
    struct json_schema_error errors[JSON_SCHEMA_ERRORS_MAX];
    size_t count;

    return json_schema_check(&bench->ctx, bench->schema, bench->value, errors, &count) != FM_OK;
}

static bool work_compile(struct bench *bench)
{
    struct json_schema *schema;
    bool good =
        json_schema_new(&bench->ctx, json_schema_source(bench->schema), NULL, &schema) == FM_OK;

    json_schema_free(schema);
    return good;
}

static void measure(const char *name, work_fn *work, struct bench *bench, int rounds, int calls)
{
    int64_t best_ns = INT64_MAX;

    for (int round = 0; round < rounds; round++) {
        int64_t start_ns = now_ns(), took_ns;
        for (int call = 0; call < calls; call++) {
            if (!work(bench)) {
                printf("%s failed: %s\n", name, bench->ctx.detail);
                exit(1);
            }
        }
        took_ns = now_ns() - start_ns;
        best_ns = took_ns < best_ns ? took_ns : best_ns;
    }
    printf("%-28s %12.0f ns\n", name, (double)best_ns / calls);
}

/* Arenas of their own: those of the schema and the value stay, that of the work is emptied. */
static struct bench bench_make(struct arena *arena, struct arena *work, struct str schema,
                               struct str value)
{
    struct bench bench = {.text = value};
    struct ctx ctx;
    const struct json *source;

    ctx_init(&ctx, arena);
    ctx_init(&bench.ctx, work);
    if (json_parse(&ctx, schema, &JSON_LIMITS_WIRE, &source) != FM_OK ||
        json_schema_new(&ctx, source, NULL, &bench.schema) != FM_OK ||
        json_parse(&ctx, value, &JSON_LIMITS_WIRE, &bench.value) != FM_OK) {
        printf("%s\n", ctx.detail);
        exit(1);
    }
    return bench;
}

/* Schemas that use up their steps in different ways, on a list of 20,000 texts. */
static void measure_worst(struct arena *arena, struct arena *work)
{
    static const struct {
        const char *name;
        struct str keyword;
    } rows[] = {
        {"worst: types", STR("\"items\":{\"type\":\"string\"}")},
        {"worst: uniqueItems", STR("\"uniqueItems\":true")},
        {"worst: patterns", STR("\"items\":{\"pattern\":\"^(a|b|c|d)*( [0-9]+)? ?[a-d]{4}$\"}")},
        {"worst: unevaluated", STR("\"unevaluatedItems\":{\"type\":\"string\"}")},
        {"worst: contains", STR("\"contains\":{\"maxLength\":4},\"minContains\":0")},
    };
    AUTO(buf_done) struct buf value = BUF_INIT(MIB);

    buf_lit(&value, "[\"last\"");
    for (int i = 0; i < 20000; i++) {
        buf_printf(&value, ",\"abcdabcdabcd %d abcd\"", i);
    }
    buf_lit(&value, "]");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(buf_done) struct buf schema = BUF_INIT(MIB);
        struct bench bench;
        buf_lit(&schema, "{\"allOf\":[");
        for (int k = 0; k < 500; k++) { /* as often as it takes */
            buf_printf(&schema, "%s{%.*s}", k ? "," : "", STR_ARG(rows[i].keyword));
        }
        buf_lit(&schema, "]}");
        bench = bench_make(arena, work, buf_str(&schema), buf_str(&value));
        measure(rows[i].name, work_exhaust, &bench, 3, 1);
        json_schema_free(bench.schema);
    }
}

int main(void)
{
    struct arena *arena = arena_new(64 * MIB), *work = arena_new(64 * MIB);
    struct bench bench;

    if (!arena || !work) {
        return 1;
    }
    bench = bench_make(arena, work, SCHEMA, ARGUMENTS);
    printf("arguments of %zu bytes, a schema of %zu bytes\n", ARGUMENTS.n, SCHEMA.n);
    measure("json_parse", work_parse, &bench, ROUNDS, CALLS);
    measure("json_schema_check", work_check, &bench, ROUNDS, CALLS);
    measure("json_schema_new", work_compile, &bench, 5, 100);
    json_schema_free(bench.schema);
    measure_worst(arena, work);
    arena_free(work);
    arena_free(arena);
    return 0;
}
