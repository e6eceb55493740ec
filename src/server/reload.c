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
    bool alone;
    struct lock lock; /* guards failed, why */
    bool failed;
    char why[WHY_MAX];
};

enum fm_err reload_new(struct ctx *ctx, const char *path, bool alone, struct reload **out)
{
    struct reload *reload = calloc(1, sizeof(*reload));

    if (!reload) {
        return fail_memory(ctx);
    }
    reload->path = path;
    reload->alone = alone;
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
        struct str file = policy_file_of(finding->at, str_of(path));
        fprintf(stderr, "%.*s:%u:%u: %s%.*s\n", STR_ARG(file), finding->at.line, finding->at.column,
                finding->warning ? "warning: " : "", STR_ARG(finding->message));
        for (struct str rest = finding->excerpt; rest.n > 0;) {
            struct str line = str_split(&rest, '\n');
            fprintf(stderr, "    %.*s\n", STR_ARG(line));
        }
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
        *out = NULL;
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
                findings->items[i].at.line, findings->items[i].at.column);
            break;
        }
    }
    remember(reload, why);
    log_error("policy.reload_refused", F_TEXT("error", str_of(ctx->detail)),
              F_TEXT("effect", S("the policy before it stays in force")));
}

static void print_loosened(struct ctx *ctx, struct str loosened)
{
    const struct json *list = NULL;

    if (!loosened.p || json_parse(ctx, loosened, &JSON_LIMITS_WIRE, &list) != FM_OK) {
        return;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        fprintf(stderr, "    %.*s\n", STR_ARG(json_text(&list->as.items[i])));
    }
}

void reload_tell(struct ctx *ctx, const char *path, const struct policy_version *version)
{
    char id[ID_TEXT_MAX];

    id_format(ID_POLICY, version->id, id);
    if (version->state == POLICY_CANDIDATE) {
        fprintf(stderr, "fermata: %s loosens the policy, and waits as %s for a second person:\n",
                path, id);
        print_loosened(ctx, version->loosened);
        fprintf(stderr,
                "  The policy that ruled before stays in force. Somebody with the role policy "
                "activates it: fermata policy activate %s\n",
                id);
        log_warn("policy.waits", F_ID("policy", ID_POLICY, version->id));
    } else if (version->state == POLICY_RETIRED) {
        fprintf(stderr,
                "fermata: %s is the version %s, which another one has replaced since: that one "
                "stays in force. To go back: fermata policy propose %s\n",
                path, id, path);
        log_warn("policy.replaced", F_ID("policy", ID_POLICY, version->id));
    }
}

void reload_tell_restored(struct ctx *ctx, struct flow *flow, struct store_conn *reader)
{
    struct policy_version candidate;
    char id[ID_TEXT_MAX];

    if (!flow_is_restored(flow)) {
        return;
    }
    fprintf(
        stderr,
        "fermata: the policy of this store comes from a backup, and may be looser than the one "
        "that ruled last:\n"
        "  everything is held for review until two people with the role policy have activated a "
        "version.\n");
    if (flow_version_candidate(ctx, reader, &candidate) == FM_OK && candidate.row) {
        id_format(ID_POLICY, candidate.id, id);
        fprintf(stderr, "  To confirm it: fermata policy activate %s\n", id);
    }
    log_warn("policy.unconfirmed",
             F_TEXT("effect", S("everything is held until two people confirm the policy")));
}

/* Proposes what was read; whether it rules now. */
static enum fm_err propose(struct reload *reload, struct ctx *ctx, struct flow *flow,
                           struct committer *committer, const struct policy *policy, bool *rules)
{
    struct policy_version version;

    TRY(flow_reload_policy(ctx, flow, committer, policy, reload->alone, &version));
    *rules = version.state == POLICY_ACTIVE;
    reload_tell(ctx, reload->path, &version);
    return FM_OK;
}

static void tell_reloaded(const struct policy *policy)
{
    AUTO(buf_done) struct buf version = BUF_INIT(KIB);

    buf_add_hex(&version, hash_str(&policy->version));
    log_info("policy.reloaded", F_TEXT("version", buf_str(&version)));
}

void reload_run(struct reload *reload, struct flow *flow, struct committer *committer)
{
    AUTO(arena_done) struct arena *arena = arena_new(ARENA_MAX);
    struct finding_list findings = {.count = 0};
    const struct policy *policy = NULL;
    bool rules = false;
    struct ctx ctx;
    enum fm_err err;

    ctx_init(&ctx, arena);
    if (!reload->path) {
        log_info("policy.reload_skipped",
                 F_TEXT("reason", S("the server was started without --policy")));
        return;
    }
    err = arena ? read_file(&ctx, reload->path, &findings, &policy) : fail_memory(&ctx);
    err = err == FM_OK ? propose(reload, &ctx, flow, committer, policy, &rules) : err;
    if (err != FM_OK) {
        refuse(reload, &ctx, &findings);
    } else {
        remember(reload, NULL);
    }
    if (rules) {
        tell_reloaded(policy);
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
