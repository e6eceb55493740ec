/* SPDX-License-Identifier: Apache-2.0
 *
 * Proposals from a file of JSON Lines, for a replay: as agents send them, or as the server
 * answers them.
 *
 * It must never pass over a line that it cannot read, nor a member that it does not know: the
 * numbers would be about something else than the file.
 */
#include "backtest/inner.h"

#include <stdlib.h>

#define FIRST_AT_US                                                                                \
    INT64_C(1767614400000000) /* 2026-01-05T12:00:00Z, where the file says nothing */
#define LINE_ARENA_MAX (64 * MIB)

struct line {
    struct str action, at, created_at, verdict, queue, id;
    const struct json *agent, *decision, *assessment;
    const struct json *other; /* what is passed over, or read from the whole */
};

#define LINE(text, member, kind)                                                                   \
    {                                                                                              \
        .name = text, .type = kind, .flags = JSON_F_NULL, .offset = offsetof(struct line, member)  \
    }

static const struct json_field line_fields[] = {
    {.name = "action",
     .type = JSON_T_STR,
     .flags = JSON_F_REQUIRED,
     .offset = offsetof(struct line, action),
     .max = 128},
    LINE("at", at, JSON_T_STR),
    LINE("created_at", created_at, JSON_T_STR),
    LINE("verdict", verdict, JSON_T_STR),
    LINE("queue", queue, JSON_T_STR),
    LINE("id", id, JSON_T_STR),
    LINE("agent", agent, JSON_T_ANY),
    LINE("decision", decision, JSON_T_ANY),
    LINE("assessment", assessment, JSON_T_OBJECT),
    /* of the request */
    LINE("arguments", other, JSON_T_OBJECT),
    LINE("brief", other, JSON_T_OBJECT),
    LINE("agent_version", other, JSON_T_ANY),
    LINE("on_behalf_of", other, JSON_T_ANY),
    LINE("subject", other, JSON_T_ANY),
    LINE("domains", other, JSON_T_ANY),
    LINE("session", other, JSON_T_ANY),
    LINE("labels", other, JSON_T_ANY),
    LINE("reversible", other, JSON_T_ANY),
    LINE("deadline", other, JSON_T_ANY),
    LINE("callback", other, JSON_T_ANY),
    LINE("supersedes", other, JSON_T_ANY),
    /* of the server's answers */
    LINE("status", other, JSON_T_ANY),
    LINE("category", other, JSON_T_ANY),
    LINE("revision", other, JSON_T_ANY),
    LINE("digest", other, JSON_T_ANY),
    LINE("arguments_digest", other, JSON_T_ANY),
    LINE("policy", other, JSON_T_ANY),
    LINE("updated_at", other, JSON_T_ANY),
    LINE("hold", other, JSON_T_ANY),
    LINE("permit", other, JSON_T_ANY),
    LINE("approval_expires_at", other, JSON_T_ANY),
    LINE("redeemed_at", other, JSON_T_ANY),
    LINE("outcome", other, JSON_T_ANY),
    LINE("decisions", other, JSON_T_ANY),
    LINE("repeat_of", other, JSON_T_ANY),
    LINE("title", other, JSON_T_ANY),
};

static enum fm_err wrong(struct ctx *ctx, const char *what)
{
    return fail(ctx, FM_E_INVALID_ARGUMENT, "%s", what);
}

/* Reads a time, where there is one. */
static enum fm_err read_time(struct ctx *ctx, struct str text, int64_t *out)
{
    if (!text.p) {
        return FM_OK;
    }
    return clock_parse(text, out)
               ? FM_OK
               : wrong(ctx, "a time wants RFC 3339, such as 2026-11-22T10:24:35Z");
}

static enum fm_err read_agent(struct ctx *ctx, const struct json *agent, struct backtest_case *one)
{
    struct str name = agent && agent->kind == JSON_OBJECT ? json_text(json_get(agent, S("name")))
                                                          : json_text(agent);

    if (agent && !name.p) {
        return wrong(ctx, "agent wants a name, or an object with one");
    }
    one->agent_name = name.p ? name : S("agent");
    one->agent_id = one->agent_name;
    one->owner = S("");
    return FM_OK;
}

static enum fm_err read_verdict(struct ctx *ctx, struct str verdict, struct backtest_case *one)
{
    for (unsigned i = VERDICT_ALLOW; verdict.p && i <= VERDICT_BLOCK; i++) {
        if (str_eq(verdict, str_of(verdict_name((enum verdict)i)))) {
            one->has_verdict = true;
            one->verdict = (enum verdict)i;
            return FM_OK;
        }
    }
    return verdict.p ? wrong(ctx, "verdict wants allow, earn, review or block") : FM_OK;
}

static enum fm_err read_decision(struct ctx *ctx, const struct json *decision,
                                 struct backtest_case *one)
{
    static const struct str names[] = {STR("approve"), STR("modify"), STR("reject"), STR("return")};
    static const enum backtest_decision decisions[] = {BACKTEST_APPROVED, BACKTEST_MODIFIED,
                                                       BACKTEST_REJECTED, BACKTEST_RETURNED};
    const struct json *by = json_get(decision, S("by"));
    struct str verdict = decision && decision->kind == JSON_OBJECT
                             ? json_text(json_get(decision, S("verdict")))
                             : json_text(decision);

    if (!decision || str_eq(json_text(json_get(by, S("kind"))), S("policy"))) {
        return FM_OK; /* nobody decided */
    }
    TRY(read_time(ctx, json_text(json_get(decision, S("at"))), &one->ended_at_us));
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (str_eq(verdict, names[i])) {
            one->decision = decisions[i];
            one->ended = i >= 2;
            if (i == 1 && str_eq(json_text(json_get(decision, S("severity"))), S("minor"))) {
                one->decision = BACKTEST_APPROVED;
            }
            return FM_OK;
        }
    }
    return wrong(ctx, "decision wants approve, modify, reject or return");
}

static enum fm_err read_line(struct ctx *ctx, const struct json *json, int64_t last_us,
                             struct backtest_case *one)
{
    struct line line = {0};
    struct str verdict;

    TRY(json_bind(ctx, json, S(""), line_fields, COUNT_OF(line_fields), &line));
    *one = (struct backtest_case){.request = json, .action = line.action, .queue = line.queue};
    one->id = line.id;
    one->at_us = last_us;
    TRY(read_time(ctx, line.created_at, &one->at_us));
    TRY(read_time(ctx, line.at, &one->at_us));
    verdict = line.verdict.p ? line.verdict : json_text(json_get(line.assessment, S("verdict")));
    one->reasons = json_get(line.assessment, S("reasons"));
    if (one->reasons && one->reasons->kind != JSON_ARRAY) {
        return wrong(ctx, "assessment/reasons wants a list");
    }
    TRY(read_agent(ctx, line.agent, one));
    TRY(read_verdict(ctx, verdict, one));
    return read_decision(ctx, line.decision, one);
}

struct reading {
    struct backtest *backtest;
    struct arena *arena; /* of one line */
    int64_t last_us;
    uint64_t number;
};

static enum fm_err replay_line(struct ctx *ctx, struct reading *r, struct str text)
{
    const struct json *json;
    struct backtest_case one;
    struct ctx own;
    enum fm_err err;

    ctx_init(&own, r->arena);
    arena_reset(r->arena);
    err = json_parse(&own, text, &JSON_LIMITS_WIRE, &json);
    err = err == FM_OK ? read_line(&own, json, r->last_us, &one) : err;
    if (err != FM_OK) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "line %llu: %s", (unsigned long long)r->number,
                    own.detail);
    }
    if (!one.id.p) {
        one.id = arena_printf(r->arena, "line %llu", (unsigned long long)r->number);
    }
    r->last_us = one.at_us;
    err = backtest_add(&own, r->backtest, &one);
    return err == FM_OK
               ? FM_OK
               : fail(ctx, err, "line %llu: %s", (unsigned long long)r->number, own.detail);
}

static void free_text(char **text)
{
    free(*text);
}

static enum fm_err replay_lines(struct ctx *ctx, FILE *file, struct reading *r)
{
    const struct backtest_options *options = &r->backtest->options;
    AUTO(free_text) char *text = NULL;
    size_t room = 0;
    ssize_t n;

    while ((n = getline(&text, &room, file)) > 0) {
        struct str line = {text, (size_t)n};
        r->number++;
        if (line.n > BACKTEST_LINE_MAX) {
            return fail(ctx, FM_E_TOO_LARGE, "line %llu is longer than 1 MiB",
                        (unsigned long long)r->number);
        }
        while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r')) {
            line.n--;
        }
        if (line.n > 0) {
            TRY(replay_line(ctx, r, line));
        }
        if (options->progress && r->number % 500 == 0 &&
            !options->progress(options->with, r->number, 0)) {
            r->backtest->stopped = true;
            return FM_OK;
        }
    }
    return ferror(file) ? fail(ctx, FM_E_INVALID_ARGUMENT, "the file cannot be read") : FM_OK;
}

enum fm_err backtest_lines(struct ctx *ctx, FILE *file, struct backtest *backtest)
{
    struct reading reading = {.backtest = backtest, .last_us = FIRST_AT_US};
    enum fm_err err;

    reading.arena = arena_new(LINE_ARENA_MAX);
    err = reading.arena ? replay_lines(ctx, file, &reading) : fail_memory(ctx);
    arena_free(reading.arena);
    return err;
}
