/* SPDX-License-Identifier: Apache-2.0
 *
 * How long reading and writing a proposal of about 1 KB takes, beside two baselines of the same
 * run: one pass of UTF-8 validation, which any reader needs, and jansson. Link with -ljansson.
 *
 * Prints `name ns_per_op MB_per_s`; the best of several rounds, since a shared machine only ever
 * adds.
 */
#include "json/json.h"

#include "../tests/conformance/jansson_apart.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 20
#define CALLS 5000

static const struct str PROPOSAL = STR(
    "{\"action\":\"refund.issue\",\"arguments\":{\"order_id\":\"W2378156\",\"amount\":74.5,"
    "\"currency\":\"USD\",\"message\":\"We are sorry that your lamp arrived broken. We refund "
    "it.\"},"
    "\"agent_version\":\"2026-11-20\",\"on_behalf_of\":\"user:77\",\"subject\":\"customer:W771\","
    "\"brief\":{\"summary\":\"Refund 74.50 USD for a lamp that arrived broken\","
    "\"request\":\"My lamp arrived in pieces, I want my money back\","
    "\"recommendation\":\"Refund in full\",\"reasoning\":\"Photo shows the damage; delivered two "
    "days "
    "ago; policy 4.2\",\"case_against\":\"The photo carries no date\",\"confidence\":0.93,"
    "\"evidence\":[{\"title\":\"Order W2378156\",\"text\":\"delivered 2026-11-20\","
    "\"source\":\"crm://orders/W2378156\",\"data\":{\"status\":\"delivered\"}}],"
    "\"options\":[{\"title\":\"Refund\",\"pros\":[\"closes the case\"],\"cons\":[\"cost\"],"
    "\"recommended\":true},{\"title\":\"Replace\",\"cons\":[\"out of stock\"]}],"
    "\"draft\":{\"pointer\":\"/message\",\"format\":\"text/plain\"}},"
    "\"domains\":[\"billing\",\"shipping\"],\"session\":\"conv-8812\",\"reversible\":false,"
    "\"deadline\":\"30m\"}");

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The work of one call; whether it went well. */
typedef bool work_fn(struct ctx *ctx);

static bool work_utf8(struct ctx *ctx)
{
    (void)ctx;
    return str_is_utf8(PROPOSAL);
}

static bool work_parse(struct ctx *ctx)
{
    const struct json *value;

    arena_reset(ctx->arena);
    return json_parse(ctx, PROPOSAL, &JSON_LIMITS_WIRE, &value) == FM_OK;
}

static bool work_parse_write(struct ctx *ctx)
{
    AUTO(buf_done) struct buf buf = BUF_INIT(64 * KIB);
    const struct json *value;

    arena_reset(ctx->arena);
    if (json_parse(ctx, PROPOSAL, &JSON_LIMITS_WIRE, &value) != FM_OK) {
        return false;
    }
    json_write(&buf, value);
    return buf_ok(&buf);
}

static bool work_jansson(struct ctx *ctx)
{
    json_t *value = json_loadb(PROPOSAL.p, PROPOSAL.n, JSON_REJECT_DUPLICATES, NULL);

    (void)ctx;
    json_decref(value);
    return value != NULL;
}

static void measure(const char *name, work_fn *work, struct ctx *ctx)
{
    int64_t best_ns = INT64_MAX;

    for (int round = 0; round < ROUNDS; round++) {
        int64_t start_ns = now_ns(), took_ns;
        for (int call = 0; call < CALLS; call++) {
            if (!work(ctx)) {
                printf("%s failed: %s\n", name, ctx->detail);
                exit(1);
            }
        }
        took_ns = now_ns() - start_ns;
        best_ns = took_ns < best_ns ? took_ns : best_ns;
    }
    printf("%-24s %8.0f ns %8.0f MB/s\n", name, (double)best_ns / CALLS,
           (double)PROPOSAL.n * CALLS * 1e3 / (double)best_ns);
}

int main(void)
{
    struct arena *arena = arena_new(MIB);
    struct ctx ctx;

    if (!arena) {
        return 1;
    }
    ctx_init(&ctx, arena);
    printf("a proposal of %zu bytes\n", PROPOSAL.n);
    measure("utf8_check", work_utf8, &ctx);
    measure("json_parse", work_parse, &ctx);
    measure("json_parse_json_write", work_parse_write, &ctx);
    measure("jansson_load", work_jansson, &ctx);
    arena_free(arena);
    return 0;
}
