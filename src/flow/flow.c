/* SPDX-License-Identifier: Apache-2.0
 *
 * The in-memory side of the story: the policy in force, the agents' ledgers, and the news of a batch.
 * All of it changes for good only after COMMIT; a command that is rolled back leaves no trace.
 */
#include "flow/flow_internal.h"
#include "flow/windows.h"

#include "base/log.h"
#include "base/panic.h"

#include <stdlib.h>

SQL(SQL_PENDING, "SELECT agent, count(*) FROM proposals WHERE state < 3 GROUP BY agent");

/* --- ledger ------------------------------------------------------------------------------------------ */

static struct ledger_row *ledger_row(struct flow *flow, int64_t agent)
{
    struct str key = {(const char *)&agent, sizeof(agent)};
    struct ledger_row *row = map_find(flow->ledger, key);

    if (row) {
        return row;
    }
    row = calloc(1, sizeof(*row));
    if (row && !map_put(flow->ledger, key, row)) {
        free(row);
        return NULL;
    }
    if (row) {
        row->agent = agent;
    }
    return row;
}

static bool ledger_room(struct flow *flow)
{
    size_t room = flow->change_room ? flow->change_room * 2 : 512;
    struct ledger_change *bigger;

    if (flow->change_count < flow->change_room) {
        return true;
    }
    bigger = realloc(flow->changes, room * sizeof(*bigger));
    if (!bigger) {
        return false;
    }
    flow->changes = bigger;
    flow->change_room = room;
    return true;
}

enum fm_err ledger_add(struct flow *flow, struct ctx *ctx, int64_t agent, int pending)
{
    struct ledger_row *row = ledger_row(flow, agent);

    if (!row || !ledger_room(flow)) {
        return fail_memory(ctx);
    }
    row->pending += pending;
    flow->changes[flow->change_count++] = (struct ledger_change){row, pending, 0};
    return FM_OK;
}

/* Attempts count, whatever becomes of them; only a batch that is undone as a whole, perhaps to be
 * run again, takes them back. */
static enum fm_err ledger_attempt(struct flow *flow, struct ctx *ctx, struct ledger_row *row)
{
    if (!ledger_room(flow)) {
        return fail_memory(ctx);
    }
    row->in_minute++;
    flow->changes[flow->change_count++] = (struct ledger_change){row, 0, row->minute};
    return FM_OK;
}

static void ledger_undo(struct flow *flow, size_t mark)
{
    for (size_t i = mark; i < flow->change_count; i++) {
        flow->changes[i].row->pending -= flow->changes[i].pending;
        flow->changes[i].pending = 0;
    }
}

static void ledger_undo_attempts(struct flow *flow)
{
    for (size_t i = 0; i < flow->change_count; i++) {
        struct ledger_row *row = flow->changes[i].row;
        if (flow->changes[i].attempt_minute == row->minute && row->in_minute > 0) {
            row->in_minute--;
        }
    }
    flow->change_count = 0;
}

enum fm_err ledger_admit(struct flow *flow, struct ctx *ctx, const struct policy *policy, int64_t agent,
                         int64_t now_us)
{
    struct ledger_row *row = ledger_row(flow, agent);

    if (!row) {
        return fail_memory(ctx);
    }
    if (row->minute != now_us / MINUTE_US) {
        row->minute = now_us / MINUTE_US;
        row->in_minute = 0;
    }
    if (row->in_minute >= policy->proposals_per_minute) {
        ctx->retry_after_s = (unsigned)(60 - now_us / SECOND_US % 60);
        return fail(ctx, FM_E_RATE_LIMITED, "at most %lld proposals a minute from one agent",
                    (long long)policy->proposals_per_minute);
    }
    TRY(ledger_attempt(flow, ctx, row));
    if (row->pending >= policy->pending_per_agent) {
        ctx->retry_after_s = 60;
        return fail(ctx, FM_E_RATE_LIMITED,
                    "%lld proposals of this agent are pending: wait for decisions or withdraw some",
                    (long long)row->pending);
    }
    return FM_OK;
}

enum fm_err ledger_load(struct flow *flow, struct ctx *ctx, struct store_conn *conn)
{
    struct store_rows *rows;

    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_PENDING, NO_ARGS, &rows));
    while (rows_next(ctx, rows)) {
        struct ledger_row *row = ledger_row(flow, rows_int(rows, 0));
        if (!row) {
            rows_done(rows);
            return fail_memory(ctx);
        }
        row->pending = rows_int(rows, 1);
    }
    return ctx->err;
}

/* --- life -------------------------------------------------------------------------------------------- */

static enum fm_err flow_load(struct flow *flow, struct ctx *ctx, struct store_conn *reader)
{
    flow->ledger = map_new();
    flow->news = calloc(NEWS_MAX, sizeof(*flow->news));
    flow->ticks = calloc(NEWS_MAX, sizeof(*flow->ticks));
    if (!flow->ledger || !flow->news || !flow->ticks) {
        return fail_memory(ctx);
    }
    flow->policy = policy_builtin();
    TRY(pauses_load(flow, ctx, reader));
    TRY(counter_any_charge(ctx, reader, &flow->charged));
    return ledger_load(flow, ctx, reader);
}

enum fm_err flow_new(struct ctx *ctx, struct store_conn *reader, const struct permit_issuer *issuer,
                     flow_announce_fn *announce, void *with, struct flow **out)
{
    struct flow *flow = calloc(1, sizeof(*flow));
    enum fm_err err;

    if (!flow) {
        return fail_memory(ctx);
    }
    flow->issuer = issuer;
    flow->announce = announce;
    flow->with = with;
    flow->counts.decision_us.scale = &SCALE_DECISION;
    atomic_store(&flow->counts.action_count, 1); /* `other` */
    lock_init(&flow->lock, LOCK_POLICY);
    err = flow_load(flow, ctx, reader);
    if (err != FM_OK) {
        flow_free(flow);
        return err;
    }
    *out = flow;
    return FM_OK;
}

static void free_row(void *with, struct str key, void *value)
{
    (void)with;
    (void)key;
    free(value);
}

void flow_free(struct flow *flow)
{
    if (!flow) {
        return;
    }
    if (flow->ledger) {
        map_each(flow->ledger, free_row, NULL);
    }
    map_free(flow->ledger);
    policy_drop(flow->policy);
    policy_drop(flow->activated);
    policy_drop(flow->marked);
    shadow_free(flow);
    free(flow->changes);
    free(flow->paused);
    free(flow->news);
    free(flow->ticks);
    free(flow);
}

const struct permit_issuer *flow_issuer(const struct flow *flow)
{
    return flow->issuer;
}

/* --- policy ------------------------------------------------------------------------------------------ */

const struct policy *flow_policy(struct flow *flow)
{
    const struct policy *policy = NULL;

    LOCKED (&flow->lock) {
        policy = policy_keep(flow->policy);
    }
    return policy;
}

bool flow_policy_id(struct flow *flow, int64_t row, struct id *out)
{
    bool same = false;

    LOCKED (&flow->lock) {
        same = row == flow->policy_row;
        *out = flow->policy_id;
    }
    return same;
}

const struct policy *flow_policy_now(struct flow *flow)
{
    return flow->policy;
}

static void forget_mark(struct flow *flow)
{
    policy_drop(flow->marked);
    flow->marked = NULL;
}

static void mark_policy(struct flow *flow)
{
    forget_mark(flow);
    flow->marked = flow->activated ? policy_keep(flow->activated) : NULL;
    flow->marked_row = flow->activated_row;
    flow->marked_id = flow->activated_id;
}

/* What a command before this one put in force stays: its row and leaf are committed too. */
static void rollback_policy(struct flow *flow)
{
    policy_drop(flow->activated);
    flow->activated = flow->marked;
    flow->activated_row = flow->marked_row;
    flow->activated_id = flow->marked_id;
    flow->marked = NULL;
}

static void put_in_force(struct flow *flow)
{
    const struct policy *old = flow->policy;

    LOCKED (&flow->lock) {
        flow->policy = flow->activated;
        flow->policy_row = flow->activated_row;
        flow->policy_id = flow->activated_id;
    }
    flow->activated = NULL;
    forget_mark(flow);
    policy_drop(old);
}

/* --- news and hooks ------------------------------------------------------------------------------------ */

static void copy_name(char out[PEOPLE_NAME_MAX + 1], struct str name)
{
    size_t n = name.n < PEOPLE_NAME_MAX ? name.n : PEOPLE_NAME_MAX;

    if (n) {
        memcpy(out, name.p, n);
    }
    out[n] = '\0';
}

void flow_note(struct flow *flow, enum journal_kind kind, const struct proposal *proposal, int64_t at_us)
{
    struct announcement *news;

    ASSERT(flow->news_count < NEWS_MAX); /* 256 commands with at most SWEEP_MAX events in one of them */
    news = &flow->news[flow->news_count++];
    *news = (struct announcement){.kind = kind,
                                  .proposal = proposal->id,
                                  .event = proposal->last_event,
                                  .leaf = proposal->last_leaf,
                                  .agent = proposal->agent,
                                  .person = proposal->decided_by ? proposal->decided_by
                                                                 : proposal->claimed_by,
                                  .state = proposal->state,
                                  .at_us = at_us};
    copy_name(news->queue, proposal->queue);
    copy_name(news->first_queue, proposal->first_queue);
    flow_tick(flow, TICK_EVENT, STR_NONE, (int)kind, 0);
}

void flow_mark(struct flow *flow)
{
    flow->change_mark = flow->change_count;
    flow->news_mark = flow->news_count;
    flow->tick_mark = flow->tick_count;
    mark_policy(flow);
    shadow_mark(flow);
}

void flow_rollback(struct flow *flow)
{
    ledger_undo(flow, flow->change_mark);
    flow->news_count = flow->news_mark;
    flow->tick_count = flow->tick_mark;
    rollback_policy(flow);
    shadow_rollback(flow);
}

void flow_abandon(struct flow *flow)
{
    ledger_undo(flow, 0);
    ledger_undo_attempts(flow);
    flow->news_count = flow->tick_count = 0;
    forget_mark(flow);
    rollback_policy(flow);
    shadow_abandon(flow);
}

void flow_after_commit(struct flow *flow, int64_t committed_at_us)
{
    flow->change_count = 0;
    flow_ticks_commit(flow);
    if (flow->activated) {
        put_in_force(flow);
    }
    shadow_after_commit(flow);
    if (flow->news_count > 0) {
        flow->announce(flow->with, flow->news, flow->news_count, committed_at_us);
        flow->news_count = 0;
    }
}

enum fm_err flow_moved(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                       bool was_pending, enum journal_kind kind, const struct proposal *proposal,
                       int64_t at_us)
{
    bool is_pending = proposal_is_pending(proposal);

    if (was_pending != is_pending) {
        TRY(ledger_add(flow, ctx, proposal->agent, is_pending ? 1 : -1));
    }
    if (was_pending && !is_pending && proposal->callback.p) {
        TRY(flow_call_back(ctx, conn, proposal, at_us));
    }
    flow_note(flow, kind, proposal, at_us);
    return FM_OK;
}

bool flow_may_see(const struct policy *policy, const struct flow_caller *caller,
                  const struct proposal *proposal)
{
    if (caller->agent) {
        return proposal->agent == caller->agent->row;
    }
    if (caller->service) {
        return true; /* its route has asked for the scope */
    }
    return review_may_see(policy, caller->person, proposal);
}

enum fm_err flow_find(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                      const struct flow_caller *caller, struct id id, struct proposal *out)
{
    TRY(proposal_find(ctx, conn, id, out));
    if (!flow_may_see(flow_policy_now(flow), caller, out)) {
        return fail(ctx, FM_E_NOT_FOUND, "no such proposal"); /* as for one that is not there */
    }
    return FM_OK;
}
