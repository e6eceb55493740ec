/* SPDX-License-Identifier: Apache-2.0
 *
 * A proposal arrives, is assessed, and goes on, is blocked, or is held.
 */
#include "flow/flow_internal.h"

SQL(SQL_SEEN, "INSERT INTO seen_actions(agent, action, proposals, silent, first_at, last_at)"
              " VALUES($agent, $action, 1, $silent, $at, $at) ON CONFLICT(agent, action) DO UPDATE"
              " SET proposals = proposals + 1, silent = silent + excluded.silent,"
              " last_at = max(last_at, excluded.last_at)");
/* The first that the index has: the most urgent, where all are in one queue. */
SQL(SQL_REPEAT, "SELECT id FROM proposals WHERE agent = $agent AND arguments_digest = $digest"
                " AND state < 3 AND action = $action LIMIT 1");

/* The part of the assessment that any thread can make; the text of it where that is all. */
static enum fm_err begin_assessment(struct weighing *w, struct flow_submission *s)
{
    s->assessment_json = STR_NONE;
    s->policy = w->input.policy;
    w->request = s->submission.request;
    w->input.action = s->submission.action;
    w->input.request = s->submission.request;
    TRY(assess_begin(w->ctx, &w->input, &s->assessment));
    if (weigh_is_needed(w, &s->assessment)) {
        return FM_OK;
    }
    TRY(assess_finish(w->ctx, w->input.policy, &s->assessment));
    return weigh_write(w->ctx, &s->assessment, &s->assessment_json);
}

enum fm_err flow_prepare(struct ctx *ctx, struct store_conn *conn, const struct policy *policy,
                         const struct agent *agent, struct flow_submission *out)
{
    struct weighing w;

    out->id = id_new();
    TRY(proposal_digest(ctx, out->submission.request, out->id, 1, agent->id, &out->digest));
    TRY(weighing_of(&w, ctx, conn, policy, agent->row, clock_now_us()));
    return begin_assessment(&w, out);
}

/* Assesses to the end. If the policy changed between the worker and the committer, what depends on
 * it is made again. */
static enum fm_err assess_now(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                              int64_t agent, struct flow_submission *s, bool may_draw,
                              int64_t now_us, const struct proposal *again, struct weighing *w)
{
    const struct policy *policy = flow_policy_now(flow);

    TRY(weighing_of(w, ctx, conn, policy, agent, now_us));
    w->again = again;
    if (s->policy != policy) {
        TRY(intake_check_schema(ctx, policy, s->submission.action, s->submission.arguments));
        TRY(begin_assessment(w, s));
    }
    return weigh(flow, w, s, may_draw);
}

static enum fm_err supersede(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                             const struct flow_caller *caller, struct id id, struct id by)
{
    struct proposal old;

    return id_is_zero(id) ? FM_OK : flow_supersede(flow, ctx, conn, caller, id, by, &old);
}

static void start_row(struct proposal *p, struct flow *flow, const struct flow_caller *caller,
                      const struct flow_submission *s, int64_t now_us)
{
    *p = (struct proposal){
        .id = s->id,
        .agent = caller->agent->row,
        .revision = 1,
        .action = s->submission.action,
        .category = s->weighed->category,
        .policy = flow->policy_row,
        .digest = s->digest,
        .arguments_digest = s->submission.arguments_digest,
        .assessment = s->weighed_json,
        .created_at = now_us,
        .updated_at = now_us,
        .decision_leaf = -1,
        .callback = s->submission.callback_url,
        .trace = s->submission.trace,
    };
}

static void event_data(struct buf *buf, const struct flow *flow, const struct proposal *p,
                       const struct assessment *assessment, struct str queue)
{
    struct json_out out = JSON_OUT(buf);

    jo_m_str(&out, "action", p->action);
    jo_m_str(&out, "category", p->category);
    if (!id_is_zero(flow->policy_id)) {
        jo_m_id(&out, "policy", ID_POLICY, flow->policy_id);
    }
    if (queue.p) {
        jo_m_str(&out, "queue", queue);
    }
    jo_m_int(&out, "revision", p->revision);
    jo_m_str(&out, "verdict", str_of(verdict_name(assessment->verdict)));
}

static void approve_by_policy(struct proposal *p, const struct assessment *assessment, int64_t now_us)
{
    p->state = PROPOSAL_APPROVED;
    p->verdict = DECISION_APPROVE;
    p->decision = id_new();
    p->decided_at = now_us;
    p->permit = id_new();
    p->approved_until = now_us + assessment->valid_for_us;
}

static void set_hold(struct proposal *p, struct flow *flow, const struct assessment *assessment,
                     int64_t now_us)
{
    p->queue = assessment->queue;
    p->mode = assessment->mode;
    p->undo_us = assessment->undo_us;
    p->respond_within_us = assessment->respond_within_us;
    p->on_expiry = assessment->on_expiry;
    review_hold(p, flow_policy_now(flow), now_us);
}

static enum fm_err find_repeat(struct ctx *ctx, struct store_conn *conn, struct proposal *p)
{
    struct store_rows *rows;

    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_REPEAT,
                    ARGS(A_INT("$agent", p->agent), A_BLOB("$digest", hash_str(&p->arguments_digest)),
                         A_TEXT("$action", p->action)),
                    &rows));
    if (rows_next(ctx, rows)) {
        p->repeat_of = rows_id(rows, 0);
    }
    rows_done(rows);
    return ctx->err;
}

static enum fm_err insert(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                          const struct flow_caller *caller, const struct flow_submission *s,
                          struct proposal *p, enum journal_kind kind, int64_t now_us)
{
    AUTO(buf_done) struct buf data = BUF_INIT(2 * KIB);

    event_data(&data, flow, p, s->weighed, p->queue);
    TRY(proposal_insert(ctx, conn, p,
                        (struct journal_event){.kind = kind,
                                               .by = {ACTOR_AGENT, caller->agent->id},
                                               .at_us = now_us,
                                               .data = buf_str(&data),
                                               .payload = s->submission.canonical}));
    flow_tick(flow, TICK_ASSESSED, p->action, (int)s->weighed->verdict, 0);
    if (kind == JOURNAL_PROPOSAL_HELD) { /* what goes on at once is no news: nobody waits for it */
        return flow_moved(flow, ctx, conn, false, kind, p, now_us);
    }
    flow_tick(flow, TICK_EVENT, STR_NONE, (int)kind, 0);
    return FM_OK;
}

/* Puts the new proposal where its verdict says. */
static enum fm_err place(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                         const struct flow_caller *caller, struct flow_submission *s,
                         struct proposal *out, int64_t now_us)
{
    switch (s->weighed->verdict) {
    case VERDICT_ALLOW:
        approve_by_policy(out, s->weighed, now_us);
        return insert(flow, ctx, conn, caller, s, out, JOURNAL_PROPOSAL_RELEASED, now_us);
    case VERDICT_BLOCK:
        out->state = PROPOSAL_BLOCKED;
        return insert(flow, ctx, conn, caller, s, out, JOURNAL_PROPOSAL_BLOCKED, now_us);
    case VERDICT_EARN: /* no autonomy was earned yet: reviewed */
    case VERDICT_REVIEW:
        out->state = PROPOSAL_WAITING;
        out->deadline_at =
            s->submission.deadline_us ? now_us + s->submission.deadline_us : 0;
        set_hold(out, flow, s->weighed, now_us);
        TRY(find_repeat(ctx, conn, out));
        return insert(flow, ctx, conn, caller, s, out, JOURNAL_PROPOSAL_HELD, now_us);
    }
    return fail(ctx, FM_E_INTERNAL, "an assessment without a verdict");
}

/* Whether neither a rule nor an entry of the catalogue has spoken. */
static bool is_silent(const struct assessment *a)
{
    bool silent = !a->action || !a->action->has_then;

    for (size_t i = 0; i < a->reason_count; i++) {
        silent = silent && !a->reasons[i].rule.p;
    }
    return silent;
}

/* For the catalogue's coverage: which actions an agent proposes. */
static enum fm_err note_seen(struct ctx *ctx, struct store_conn *conn,
                             const struct flow_submission *s, const struct proposal *p)
{
    return store_exec(ctx, conn, &SQL_SEEN,
                      ARGS(A_INT("$agent", p->agent), A_TEXT("$action", p->action),
                           A_INT("$silent", is_silent(s->weighed)), A_INT("$at", p->created_at)));
}

enum fm_err flow_submit(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                        const struct flow_caller *caller, struct flow_submission *s,
                        struct proposal *out)
{
    int64_t now_us = clock_now_us();
    struct weighing w;

    TRY(ledger_admit(flow, ctx, flow_policy_now(flow), caller->agent->row, now_us));
    TRY(supersede(flow, ctx, conn, caller, s->submission.supersedes, s->id));
    TRY(assess_now(flow, ctx, conn, caller->agent->row, s, true, now_us, NULL, &w));
    start_row(out, flow, caller, s, now_us);
    weigh_note_history(&w, s->weighed, out);
    TRY(place(flow, ctx, conn, caller, s, out, now_us));
    TRY(note_seen(ctx, conn, s, out));
    if (s->shadow.row) {
        TRY(shadow_record(flow, ctx, conn, s, out));
    }
    return weigh_accepted(flow, &w, s, out);
}

/* A revision is held whatever its new assessment says: people asked for it. Only `block` is stricter. */
static enum fm_err hold_again(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                              const struct flow_caller *caller, const struct flow_submission *s,
                              struct proposal *p, int64_t now_us)
{
    AUTO(buf_done) struct buf data = BUF_INIT(2 * KIB);
    int64_t reviewer = p->decided_by;

    p->revision++;
    p->policy = flow->policy_row;
    p->assessment = s->weighed_json;
    p->arguments_digest = s->submission.arguments_digest;
    TRY(proposal_digest(ctx, s->submission.request, p->id, p->revision, caller->agent->id, &p->digest));
    p->decision = (struct id){{0}};
    p->verdict = p->decided_by = p->decided_at = p->via = 0;
    p->decision_leaf = -1;
    p->edit_by = p->edit_leaf = 0;
    p->claimed_by = p->claimed_at = p->claimed_until = 0;
    set_hold(p, flow, s->weighed, now_us);
    event_data(&data, flow, p, s->weighed, p->queue);
    TRY(proposal_move(ctx, conn, p, PROPOSAL_WAITING,
                      (struct journal_event){.kind = JOURNAL_PROPOSAL_REVISED,
                                             .by = {ACTOR_AGENT, caller->agent->id},
                                             .at_us = now_us,
                                             .data = buf_str(&data),
                                             .payload = s->submission.canonical},
                      PROPOSAL_REFER_PAYLOAD));
    TRY(flow_moved(flow, ctx, conn, false, JOURNAL_PROPOSAL_REVISED, p, now_us));
    p->preferred = reviewer;
    return FM_OK;
}

/* The person who asked gets it first: as a claim of ten minutes, if they may still decide it. */
static enum fm_err give_to_asker(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                                 struct proposal *p, int64_t now_us)
{
    const struct directory *directory = directory_keep();
    const struct person *person = directory_person_by_row(directory, p->preferred);
    struct ctx refusal; /* that they may not is no error of this command */
    enum fm_err err = FM_OK;

    ctx_init(&refusal, ctx->arena);
    if (person && review_may_decide(&refusal, flow_policy_now(flow), person, p) == FM_OK) {
        err = review_claim(ctx, conn, p, person, now_us);
        if (err == FM_OK) {
            flow_note(flow, JOURNAL_PROPOSAL_CLAIMED, p, now_us);
        }
    }
    directory_drop(directory);
    return err;
}

enum fm_err flow_revise(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                        const struct flow_caller *caller, struct id id, const struct json *body,
                        struct proposal *out)
{
    int64_t now_us = clock_now_us();
    const struct policy *policy = flow_policy_now(flow);
    struct flow_submission s = {0};
    struct weighing w;
    struct str request;

    TRY(flow_find(flow, ctx, conn, caller, id, out));
    if (out->state != PROPOSAL_RETURNED) {
        if (proposal_is_pending(out)) {
            return fail(ctx, FM_E_NOT_RETURNED, "it is pending: nobody has returned it");
        }
        return review_ended(ctx, conn, out);
    }
    TRY(review_refuse_overdue(ctx, conn, out, now_us));
    TRY(journal_payload(ctx, conn, (uint64_t)out->payload, &request));
    TRY(intake_revise(ctx, policy, request, body, &s.submission));
    TRY(flow_prepare(ctx, conn, policy, caller->agent, &s));
    TRY(assess_now(flow, ctx, conn, caller->agent->row, &s, false, now_us, out, &w));
    if (s.weighed->verdict == VERDICT_BLOCK) {
        return again_blocked(ctx, s.weighed, S("/arguments"), out->action);
    }
    out->action = s.submission.action;
    TRY(hold_again(flow, ctx, conn, caller, &s, out, now_us));
    TRY(flow_charge_again(flow, ctx, conn, &w, s.weighed, out));
    return give_to_asker(flow, ctx, conn, out, now_us);
}
