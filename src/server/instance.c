/* SPDX-License-Identifier: Apache-2.0
 *
 * Wiring: which in-memory states follow the committer's transactions.
 */
#include "server/instance.h"

#include "keep/keep.h"

#define LOG_ORIGIN "fermata.local/log" /* the new log's name; a random part follows */

static struct flow *flow_of(struct instance *instance)
{
    return atomic_load_explicit(&instance->flow, memory_order_acquire);
}

static void mark(void *with)
{
    struct instance *instance = with;
    struct flow *flow = flow_of(instance);

    journal_mark(instance->journal);
    if (flow) {
        flow_mark(flow);
    }
}

static void rollback(void *with)
{
    struct instance *instance = with;
    struct flow *flow = flow_of(instance);

    journal_rollback(instance->journal);
    if (flow) {
        flow_rollback(flow);
    }
}

static void abandon(void *with)
{
    struct instance *instance = with;
    struct flow *flow = flow_of(instance);

    journal_abandon(instance->journal);
    if (flow) {
        flow_abandon(flow);
    }
}

static enum fm_err before_commit(void *with, struct ctx *ctx, struct store_conn *conn)
{
    struct instance *instance = with;

    return journal_before_commit(instance->journal, ctx, conn);
}

static void after_commit(void *with, int64_t committed_at_us)
{
    struct instance *instance = with;
    struct flow *flow = flow_of(instance);

    journal_after_commit(instance->journal);
    people_after_commit(store_writer(instance->store));
    if (flow) {
        flow_reload_pauses(flow, store_writer(instance->store));
        flow_after_commit(flow, committed_at_us);
    }
    notify_after_commit(atomic_load_explicit(&instance->notifier, memory_order_acquire));
}

static enum fm_err open_parts(struct ctx *ctx, const char *dir, struct instance *out)
{
    const struct store_hooks hooks = {.with = out,
                                      .mark = mark,
                                      .rollback = rollback,
                                      .abandon = abandon,
                                      .before_commit = before_commit,
                                      .after_commit = after_commit};

    TRY(keep_refuse_backup(ctx, dir));
    TRY(store_open(ctx, dir, &out->store));
    TRY(journal_open(ctx, out->store, S(LOG_ORIGIN), &out->journal));
    TRY(people_load(ctx, store_writer(out->store)));
    return committer_start(ctx, out->store, &hooks, &out->committer);
}

enum fm_err instance_open(struct ctx *ctx, const char *dir, struct instance *out)
{
    enum fm_err err;

    *out = (struct instance){0};
    err = open_parts(ctx, dir, out);
    if (err != FM_OK) {
        instance_close(out);
    }
    return err;
}

void instance_set_flow(struct instance *instance, struct flow *flow)
{
    atomic_store_explicit(&instance->flow, flow, memory_order_release);
}

void instance_set_notifier(struct instance *instance, struct notifier *notifier)
{
    atomic_store_explicit(&instance->notifier, notifier, memory_order_release);
}

void instance_close(struct instance *instance)
{
    committer_stop(instance->committer);
    journal_close(instance->journal);
    store_close(instance->store);
    *instance = (struct instance){0};
}
