/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the policy file, at start and again.
 */
#include "server/reload.h"

#include "base/locks.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

#define WHY_MAX   256
#define ARENA_MAX (64 * MIB) /* as much as a start has */

struct reload {
    const char *path;
    struct lock lock; /* guards failed, why */
    bool failed;
    char why[WHY_MAX];
};

enum fm_err reload_new(struct ctx *ctx, const char *path, struct reload **out)
{
    struct reload *reload = calloc(1, sizeof(*reload));

    if (!reload) {
        return fail_memory(ctx);
    }
    reload->path = path;
    lock_init(&reload->lock, LOCK_RELOAD);
    *out = reload;
    return FM_OK;
}

void reload_free(struct reload *reload)
{
    free(reload);
}

/* --- reading ---------------------------------------------------------------------------------- */

struct finding_list {
    struct policy_finding items[POLICY_FINDINGS_MAX];
    size_t count;
};

static enum fm_err read_file(struct ctx *ctx, const char *path, struct finding_list *findings,
                             const struct policy **out)
{
    enum fm_err err = policy_load(ctx, path, findings->items, &findings->count, out);

    for (size_t i = 0; i < findings->count; i++) {
        const struct policy_finding *finding = &findings->items[i];
        fprintf(stderr, "%s:%u:%u: %s%.*s\n", path, finding->line, finding->column,
                finding->warning ? "warning: " : "", STR_ARG(finding->message));
    }
    if (err != FM_OK && findings->count > 0) {
        return fail(ctx, err,
                    "the policy cannot be loaded; `fermata policy check %s` says the same", path);
    }
    return err;
}

enum fm_err reload_read(struct reload *reload, struct ctx *ctx, const struct policy **out)
{
    struct finding_list findings = {.count = 0};

    if (!reload->path) {
        *out = policy_builtin();
        return FM_OK;
    }
    return read_file(ctx, reload->path, &findings, out);
}

/* --- again ------------------------------------------------------------------------------------ */

static void remember(struct reload *reload, const char *why)
{
    LOCKED (&reload->lock) {
        reload->failed = why != NULL;
        (void)snprintf(reload->why, sizeof(reload->why), "%s", why ? why : "");
    }
}

/* The first error's place is worth telling to anybody; the file's name and words are the
 * operator's. */
static void refuse(struct reload *reload, struct ctx *ctx, const struct finding_list *findings)
{
    char why[WHY_MAX] =
        "the last reload of the policy was refused; the one before it stays in force";

    for (size_t i = 0; i < findings->count; i++) {
        if (!findings->items[i].warning) {
            (void)snprintf(
                why, sizeof(why),
                "the last reload of the policy was refused at line %u, column %u; the one before"
                " it stays in force",
                findings->items[i].line, findings->items[i].column);
            break;
        }
    }
    remember(reload, why);
    log_error("policy.reload_refused", F_TEXT("error", str_of(ctx->detail)),
              F_TEXT("effect", S("the policy before it stays in force")));
}

enum fm_err reload_admit(struct ctx *ctx, const struct policy *now, const struct policy *next)
{
    (void)ctx;
    (void)now;
    (void)next;
    return FM_OK;
}

struct reload_cmd {
    struct store_cmd cmd;
    struct flow *flow;
    const struct policy *policy;
};

static enum fm_err run_reload(struct store_cmd *cmd, struct store_conn *conn)
{
    struct reload_cmd *reload = (struct reload_cmd *)cmd;

    return flow_activate_policy(reload->flow, cmd->ctx, conn, reload->policy,
                                (struct actor){.kind = ACTOR_OPERATOR});
}

static void no_done(struct store_cmd *cmd)
{
    (void)cmd;
}

static enum fm_err put_in_force(struct ctx *ctx, struct flow *flow, struct committer *committer,
                                const struct policy *policy)
{
    struct reload_cmd reload = {
        .cmd = {.run = run_reload, .done = no_done, .ctx = ctx}, .flow = flow, .policy = policy};
    const struct policy *now = flow_policy(flow);
    enum fm_err err = reload_admit(ctx, now, policy);

    policy_drop(now);
    TRY(err);
    return committer_call(committer, &reload.cmd);
}

void reload_run(struct reload *reload, struct flow *flow, struct committer *committer)
{
    AUTO(arena_done) struct arena *arena = arena_new(ARENA_MAX);
    struct finding_list findings = {.count = 0};
    const struct policy *policy = NULL;
    struct ctx ctx;
    enum fm_err err;

    ctx_init(&ctx, arena);
    if (!reload->path) {
        log_info("policy.reload_skipped",
                 F_TEXT("reason", S("the server was started without --policy")));
        return;
    }
    err = arena ? read_file(&ctx, reload->path, &findings, &policy) : fail_memory(&ctx);
    err = err == FM_OK ? put_in_force(&ctx, flow, committer, policy) : err;
    if (err != FM_OK) {
        refuse(reload, &ctx, &findings);
    } else {
        AUTO(buf_done) struct buf version = BUF_INIT(KIB);
        buf_add_hex(&version, hash_str(&policy->version));
        remember(reload, NULL);
        log_info("policy.reloaded", F_TEXT("version", buf_str(&version)));
    }
    policy_drop(policy);
}

bool reload_failed(struct reload *reload)
{
    bool failed = false;

    LOCKED (&reload->lock) {
        failed = reload->failed;
    }
    return failed;
}

void reload_why(struct reload *reload, char *out, size_t size)
{
    LOCKED (&reload->lock) {
        (void)snprintf(out, size, "%s", reload->why);
    }
}
