/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: what says where something goes. The first line is a request, the rest a text of the
 * arguments. Found is always a piece of the text; a text whose own words are its request has nothing
 * that is unsourced; and what people approve is a part of what is found.
 */
#include "assess/assess.h"
#include "base/panic.h"
#include "policy/recipients.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX (16 * KIB)

static struct arena *arena;
static const struct policy *policy;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct policy_finding findings[POLICY_FINDINGS_MAX];
    struct ctx ctx;
    size_t count;

    (void)argc, (void)argv;
    crypto_init();
    arena = arena_new(16 * MIB);
    ASSERT(arena);
    ctx_init(&ctx, arena);
    ASSERT(
        policy_parse(&ctx, S("f"),
                     S("version: 1\nactions: {a: {then: allow}}\nrecipients: [x.org]\n"
                       "rules: [{id: t, when: 'unsourced(args, brief.request)', then: review}]\n"),
                     findings, &count, &policy) == FM_OK);
    return 0;
}

static void inside(void *with, struct str text, struct str normal)
{
    const struct str *whole = with;

    ASSERT(text.n > 0 && text.p >= whole->p && text.p + text.n <= whole->p + whole->n);
    ASSERT(normal.n > 2 && normal.p[1] == ':' && strchr("eun", normal.p[0]));
}

static void count_one(void *with, struct str pointer, struct str text, struct str normal)
{
    (void)text, (void)normal;
    ASSERT(str_eq(pointer, S("/t")));
    ++*(size_t *)with;
}

static const struct json *proposal_of(struct ctx *ctx, struct str text, struct str request)
{
    AUTO(buf_done) struct buf buf = BUF_INIT(16 * INPUT_MAX);
    struct json_out out = JSON_OUT(&buf);
    const struct json *json;

    jo_object(&out);
    jo_key(&out, "arguments");
    jo_object(&out);
    jo_m_str(&out, "t", text);
    jo_object_end(&out);
    jo_key(&out, "brief");
    jo_object(&out);
    jo_m_str(&out, "request", request);
    jo_object_end(&out);
    jo_object_end(&out);
    ASSERT(json_parse(ctx, arena_copy(arena, buf_str(&buf)), &JSON_LIMITS_WIRE, &json) == FM_OK);
    return json;
}

static bool is_told(struct str text, struct str request, const struct json **proposal)
{
    static struct assessment a;
    struct ctx ctx;

    ctx_init(&ctx, arena);
    *proposal = proposal_of(&ctx, text, request);
    ASSERT(assess(&ctx,
                  &(struct assess_input){
                      .policy = policy, .action = S("a"), .request = *proposal, .now_us = 1},
                  &a) == FM_OK);
    return a.verdict != VERDICT_ALLOW;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {(const char *)data, size}, request;
    const struct json *proposal;
    size_t approved = 0;

    if (size > INPUT_MAX || !str_is_utf8(input) || memchr(data, 0, size)) {
        return 0;
    }
    arena_reset(arena);
    request = str_split(&input, '\n');
    struct finder finder = {.arena = arena, .visit = inside, .with = &input, .max = 64};
    finder_text(&finder, input);
    ASSERT(!finder.failed);
    (void)is_told(input, request, &proposal);
    ASSERT(policy_recipients(arena, json_get(proposal, S("arguments")), count_one, &approved));
    ASSERT(approved <= finder.count);
    if (finder.count == 0) {
        ASSERT(!is_told(input, S(""), &proposal));
    }
    return 0;
}
