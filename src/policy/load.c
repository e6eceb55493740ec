/* SPDX-License-Identifier: Apache-2.0
 *
 * Loading a policy, all or nothing, and sharing it by counted references.
 *
 * It must never hand out a policy with an error in it, and never change one that it handed out.
 *
 * 1. Everything of a policy lives in one arena but its conditions' programs; the last reference
 *    frees both.
 * 2. The policy without a file takes the same road as one with a file.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/panic.h"
#include "policy/inner.h"

/* Owns the arena that it lives in. */
struct owned {
    struct policy policy; /* first: policy_keep and policy_drop find the rest from it */
    atomic_size_t references;
    struct arena *arena;
    bool immortal; /* never freed: the one without a file */
};

_Static_assert(offsetof(struct owned, policy) == 0, "a policy is the beginning of its owner");

/* Loading -------------------------------------------------------------------------------------- */

/* Reads the tree and the struct; what is wrong with them is in the findings. */
static void load_struct(struct load *load, struct str yaml, const struct node **root)
{
    *root = tree_read(load, yaml);
    if (*root) {
        keys_read(load, *root);
        check_whole(load, *root);
        tests_check(load);
        conditions_compile(load);
        tests_run(load);
    }
    finding_sort(load);
}

/* Copies the findings out and turns the first error into ctx->detail. */
static enum fm_err load_report(struct load *load, struct str file, struct policy_finding *findings,
                               size_t *finding_count)
{
    for (size_t i = 0; i < load->finding_count; i++) {
        struct policy_place at = load->findings[i].at;
        findings[i] = load->findings[i];
        findings[i].at = place_of(load, (struct mark){at.line, at.column});
    }
    *finding_count = load->finding_count;
    if (load->memory_short) {
        return fail_memory(load->ctx);
    }
    for (size_t i = 0; i < load->finding_count; i++) {
        const struct policy_finding *row = &findings[i];
        if (!row->warning) {
            return fail(load->ctx, FM_E_INVALID_ARGUMENT, "%.*s:%u:%u: %.*s",
                        STR_ARG(policy_file_of(row->at, file)), row->at.line, row->at.column,
                        STR_ARG(row->message));
        }
    }
    return FM_OK;
}

/* Gives the policy its version. */
static enum fm_err load_version(struct load *load, const struct node *root)
{
    AUTO(buf_done) struct buf form = BUF_INIT(POLICY_JSON_MAX);
    struct policy *policy = load->policy;

    TRY(canonical_write(load, root, &form));
    policy->canonical = value_keep(load, buf_str(&form));
    policy->version = sha256(policy->canonical);
    policy->source = value_keep(load, load->source);
    return load->memory_short ? fail_memory(load->ctx) : FM_OK;
}

static void settle(struct load *load, struct policy_place *at)
{
    *at = place_of(load, (struct mark){at->line, at->column});
    at->file = at->file.p ? value_keep(load, at->file) : STR_NONE;
}

/* What was read knows its place in the whole text; from now on it knows its file. */
static void settle_places(struct load *load)
{
    struct policy *policy = load->policy;

    for (size_t i = 0; load->part_count > 0 && i < policy->rule_count; i++) {
        settle(load, &((struct policy_rule *)&policy->rules[i])->at);
    }
    for (size_t i = 0; load->part_count > 0 && i < policy->test_count; i++) {
        settle(load, &((struct policy_test *)&policy->tests[i])->at);
    }
}

static struct owned *owned_new(void)
{
    struct arena *arena = arena_new(POLICY_ARENA_MAX);
    struct owned *owned = arena ? arena_zalloc(arena, 1, sizeof(*owned)) : NULL;

    if (!owned) {
        arena_free(arena);
        return NULL;
    }
    owned->policy = POLICY_SILENT;
    owned->arena = arena;
    atomic_init(&owned->references, 1);
    return owned;
}

/* Frees the arena, in which it lives itself, and what does not lie in it. NULL allowed. */
static void owned_free(struct owned *owned)
{
    if (!owned) {
        return;
    }
    conditions_free(&owned->policy);
    for (size_t i = 0; i < owned->policy.action_count; i++) {
        json_schema_free(owned->policy.actions[i].schema);
    }
    arena_free(owned->arena);
}

static void owned_scope_end(struct owned **owned)
{
    owned_free(*owned);
}

static void arena_scope_end(struct arena **arena)
{
    arena_free(*arena);
}

/* Where a policy comes from, and how it is read. */
struct source {
    struct str file;  /* its name in messages */
    const char *path; /* to read it from, with what it includes; NULL: `yaml` is the whole */
    struct str yaml;
    bool untested;
};

static enum fm_err parse(struct ctx *ctx, const struct source *source,
                         struct policy_finding *findings, size_t *finding_count,
                         const struct policy **out)
{
    AUTO(arena_scope_end) struct arena *scratch = arena_new(POLICY_SCRATCH_MAX);
    AUTO(buf_done) struct buf text = BUF_INIT(2 * POLICY_BYTES_MAX + 32 * KIB);
    AUTO(owned_scope_end) struct owned *owned = owned_new();
    struct load load = {.ctx = ctx, .scratch = scratch, .untested = source->untested};
    const struct node *root = NULL;

    *out = NULL;
    *finding_count = 0;
    if (!scratch || !owned) {
        return fail_memory(ctx);
    }
    load.arena = owned->arena;
    load.policy = &owned->policy;
    if (source->path) {
        TRY(include_read(&load, source->path, &text));
    }
    load.source = source->path ? buf_str(&text) : source->yaml;
    load_struct(&load, load.source, &root);
    TRY(load_report(&load, source->file, findings, finding_count));
    ASSERT(root);
    TRY(load_version(&load, root));
    settle_places(&load);
    *out = &owned->policy;
    owned = NULL;
    return FM_OK;
}

enum fm_err policy_parse(struct ctx *ctx, struct str file, struct str yaml,
                         struct policy_finding *findings, size_t *finding_count,
                         const struct policy **out)
{
    const struct source source = {.file = file, .yaml = yaml};

    return parse(ctx, &source, findings, finding_count, out);
}

enum fm_err policy_parse_untested(struct ctx *ctx, struct str file, struct str yaml,
                                  struct policy_finding *findings, size_t *finding_count,
                                  const struct policy **out)
{
    const struct source source = {.file = file, .yaml = yaml, .untested = true};

    return parse(ctx, &source, findings, finding_count, out);
}

enum fm_err policy_load(struct ctx *ctx, const char *path, struct policy_finding *findings,
                        size_t *finding_count, const struct policy **out)
{
    const struct source source = {.file = str_of(path), .path = path};

    return parse(ctx, &source, findings, finding_count, out);
}

enum fm_err policy_load_untested(struct ctx *ctx, const char *path, struct policy_finding *findings,
                                 size_t *finding_count, const struct policy **out)
{
    const struct source source = {.file = str_of(path), .path = path, .untested = true};

    return parse(ctx, &source, findings, finding_count, out);
}

/* The policy without a file -------------------------------------------------------------------- */

static const struct policy *builtin;

static void builtin_make(void)
{
    static const struct str yaml = STR("version: 1\ndefaults: {then: review}\n");
    struct policy_finding findings[POLICY_FINDINGS_MAX];
    struct arena *arena = arena_new(64 * KIB);
    struct ctx ctx;
    size_t n;

    ctx_init(&ctx, arena);
    if (!arena || policy_parse(&ctx, S("builtin"), yaml, findings, &n, &builtin) != FM_OK) {
        PANIC("the policy without a file cannot be made: %s", ctx.detail);
    }
    ((struct owned *)builtin)->immortal = true;
    arena_free(arena);
}

const struct policy *policy_builtin(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, builtin_make);
    return builtin;
}

/* References ----------------------------------------------------------------------------------- */

const struct policy *policy_keep(const struct policy *policy)
{
    struct owned *owned = (struct owned *)policy;

    if (!owned->immortal) {
        size_t before = atomic_fetch_add_explicit(&owned->references, 1, memory_order_relaxed);
        ASSERT(before > 0);
    }
    return policy;
}

void policy_drop(const struct policy *policy)
{
    struct owned *owned = (struct owned *)policy;
    size_t before;

    if (!owned || owned->immortal) {
        return;
    }
    before = atomic_fetch_sub_explicit(&owned->references, 1, memory_order_acq_rel);
    ASSERT(before > 0);
    if (before == 1) {
        owned_free(owned);
    }
}
