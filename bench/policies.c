/* SPDX-License-Identifier: Apache-2.0
 *
 * Assesses proposals without a server: reads one a line from standard input (members of a
 * proposal's request, `now` in seconds, and `known`, the recipients that people approved before),
 * and writes one line about each:
 *
 *   {"verdict":"review","rules":["told"],"unsourced":["/url"],"recipients":["u:x.org"],"uses":[...]}
 *
 * `uses` are the amounts that budgets would be charged; who sums them up is the caller. A
 * proposal whose arguments the action's schema refuses has the verdict `refused`. What
 * bench/policies/policies.mjs drives.
 */
#include <stdio.h>
#include <stdlib.h>

#include "assess/assess.h"

#define LINE_MEMORY_MAX (64 * MIB)
#define LINE_OUT_MAX    (1 * MIB)

static bool is_known(void *with, struct str recipient)
{
    const struct json *known = with;

    for (uint32_t i = 0; known && i < known->count; i++) {
        if (str_eq(json_text(&known->as.items[i]), recipient)) {
            return true;
        }
    }
    return false;
}

static bool no_history(void *with, struct str category, struct assess_history *out)
{
    (void)with, (void)category;
    *out = (struct assess_history){0};
    return true;
}

static void write_recipient(void *with, struct str pointer, struct str text, struct str normal)
{
    (void)pointer, (void)text;
    jo_str(with, normal);
}

static void write_rules(struct json_out *out, const struct assessment *a)
{
    jo_key(out, "rules");
    jo_array(out);
    for (size_t i = 0; i < a->reason_count; i++) {
        if (a->reasons[i].rule.p) {
            jo_str(out, a->reasons[i].rule);
        }
    }
    jo_array_end(out);
    jo_key(out, "unsourced");
    jo_array(out);
    for (size_t i = 0; i < a->reason_count; i++) {
        if (a->reasons[i].pointer.p) {
            jo_str(out, a->reasons[i].pointer);
        }
    }
    jo_array_end(out);
}

static void write_uses(struct json_out *out, const struct assessment *a)
{
    jo_key(out, "uses");
    jo_array(out);
    for (size_t i = 0; i < a->use_count; i++) {
        const struct assess_use *use = &a->uses[i];
        jo_object(out);
        jo_m_str(out, "budget", use->budget->id);
        jo_m_int(out, "micros", use->micros);
        jo_m_int(out, "limit_micros", use->budget->limit_micros);
        jo_m_str(out, "per", str_of(budget_per_name(use->budget->per)));
        jo_m_str(out, "then", str_of(verdict_name(use->budget->then)));
        jo_object_end(out);
    }
    jo_array_end(out);
}

static int64_t seconds_of(const struct json *now)
{
    int64_t micros = 0;

    return now && policy_micros(now->as.text, &micros) ? micros / 1000000 : 0;
}

static bool is_refused(struct ctx *ctx, const struct policy *policy, struct str name,
                       const struct json *arguments)
{
    const struct policy_action *action = policy_action(policy, name);

    return action && action->schema &&
           json_schema_require(ctx, action->schema, arguments, S("/arguments")) != FM_OK;
}

static enum fm_err assess_line(struct ctx *ctx, const struct policy *policy,
                               const struct json *line, struct json_out *out)
{
    static struct assessment a;
    const struct json *arguments = json_get(line, S("arguments"));
    struct str name = json_text(json_get(line, S("action")));
    struct assess_input input = {
        .policy = policy,
        .action = name,
        .request = line,
        .agent_id = S("agt_00000000000000000000000000"),
        .agent_name = json_text(json_get(line, S("agent"))),
        .now_us = seconds_of(json_get(line, S("now"))) * SECOND_US,
        .is_known = is_known,
        .history = no_history,
        .with = (void *)json_get(line, S("known")),
    };

    if (is_refused(ctx, policy, name, arguments)) {
        jo_m_str(out, "verdict", S("refused"));
        jo_m_str(out, "why", str_of(ctx->detail));
        return FM_OK;
    }
    TRY(assess_begin(ctx, &input, &a));
    input.session_domains = a.domains;
    TRY(assess_counted(ctx, &input, &a));
    TRY(assess_finish(ctx, policy, &a));
    jo_m_str(out, "verdict", str_of(verdict_name(a.verdict)));
    write_rules(out, &a);
    write_uses(out, &a);
    jo_key(out, "recipients");
    jo_array(out);
    if (!policy_recipients(ctx->arena, arguments, write_recipient, out)) {
        return fail_memory(ctx);
    }
    jo_array_end(out);
    return FM_OK;
}

/* False: the line could not be assessed, and why is printed. */
static bool answer(const struct policy *policy, struct str text)
{
    static const struct json_limits limits = {.bytes = 4 * MIB, .depth = 64, .values = 200000};
    struct arena *arena = arena_new(LINE_MEMORY_MAX);
    AUTO(buf_done) struct buf buf = BUF_INIT(LINE_OUT_MAX);
    struct json_out out = JSON_OUT(&buf);
    const struct json *line;
    struct ctx ctx;
    bool good;

    ctx_init(&ctx, arena);
    jo_object(&out);
    good = json_parse(&ctx, text, &limits, &line) == FM_OK &&
           assess_line(&ctx, policy, line, &out) == FM_OK;
    jo_object_end(&out);
    if (good && buf_ok(&buf)) {
        printf("%.*s\n", STR_ARG(buf_str(&buf)));
    } else {
        fprintf(stderr, "a line cannot be assessed: %s\n", ctx.detail);
    }
    (void)fflush(stdout);
    arena_free(arena);
    return good && buf_ok(&buf);
}

int main(int argc, char **argv)
{
    static struct policy_finding findings[POLICY_FINDINGS_MAX];
    struct arena *arena = arena_new(LINE_MEMORY_MAX);
    const struct policy *policy;
    char *line = NULL;
    size_t room = 0, count;
    ssize_t n;
    struct ctx ctx;
    bool good = true;

    ctx_init(&ctx, arena);
    crypto_init();
    if (argc != 2 || policy_load(&ctx, argv[1], findings, &count, &policy) != FM_OK) {
        fprintf(stderr, "%s\n", argc == 2 ? ctx.detail : "usage: policies POLICY.yaml <PROPOSALS");
        return 2;
    }
    while (good && (n = getline(&line, &room, stdin)) > 0) {
        good = answer(policy, (struct str){line, (size_t)n - (line[n - 1] == '\n')});
    }
    free(line);
    policy_drop(policy);
    arena_free(arena);
    return good ? 0 : 1;
}
