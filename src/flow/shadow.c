/* SPDX-License-Identifier: Apache-2.0
 *
 * The shadow: a candidate that is asked beside the policy in force, on the thread that prepares a
 * submission, and whose answer is only recorded.
 *
 * It must never change what becomes of a proposal, nor refuse one.
 *
 * 1. At most one version is the shadow: an index of the store says so.
 * 2. The pointer in memory changes only after COMMIT, like that to the policy in force.
 */
#include "flow/flow_internal.h"

#include "base/log.h"
#include "base/panic.h"

SQL(SQL_SHADOW, "SELECT id FROM policies WHERE shadow_since IS NOT NULL");
SQL(SQL_SINCE, "SELECT shadow_since, shadow_by FROM policies WHERE row = $row");
SQL(SQL_CLEAR,
    "UPDATE policies SET shadow_since = NULL, shadow_by = NULL WHERE shadow_since IS NOT NULL");
SQL(SQL_SET, "UPDATE policies SET shadow_since = $since, shadow_by = $by WHERE row = $row");
SQL(SQL_RECORD, "INSERT INTO shadow_results(policy, proposal, live, verdict, rules, at)"
                " VALUES($policy, $proposal, $live, $verdict, $rules, $at)");
SQL(SQL_PAIRS, "SELECT live, verdict, count(*) FROM shadow_results WHERE policy = $policy"
               " GROUP BY live, verdict ORDER BY live, verdict");
SQL(SQL_EXAMPLES, "SELECT p.id, s.live, s.verdict, s.rules, s.at FROM shadow_results s"
                  " JOIN proposals p ON p.row = s.proposal"
                  " WHERE s.policy = $policy AND s.live <> s.verdict"
                  " ORDER BY s.proposal DESC LIMIT $max");
SQL(SQL_PURGE, "DELETE FROM shadow_results WHERE (policy, proposal) IN"
               " (SELECT policy, proposal FROM shadow_results WHERE at < $before LIMIT $max)");

/* In memory
 * -------------------------------------------------------------------------------------- */

static void drop(struct shadow *shadow)
{
    policy_drop(shadow->policy);
    *shadow = (struct shadow){NULL, 0};
}

static struct shadow keep(const struct shadow *shadow)
{
    return (struct shadow){shadow->policy ? policy_keep(shadow->policy) : NULL, shadow->row};
}

void shadow_mark(struct flow *flow)
{
    drop(&flow->shadow_mark);
    flow->shadow_mark = keep(&flow->shadow_next);
    flow->shadow_mark_changes = flow->shadow_changes;
}

void shadow_rollback(struct flow *flow)
{
    drop(&flow->shadow_next);
    flow->shadow_next = keep(&flow->shadow_mark);
    flow->shadow_changes = flow->shadow_mark_changes;
}

void shadow_abandon(struct flow *flow)
{
    drop(&flow->shadow_next);
    drop(&flow->shadow_mark);
    flow->shadow_changes = flow->shadow_mark_changes = false;
}

void shadow_after_commit(struct flow *flow)
{
    struct shadow old = flow->shadow;

    if (!flow->shadow_changes) {
        return;
    }
    LOCKED (&flow->lock) {
        flow->shadow = flow->shadow_next;
        atomic_store(&flow->has_shadow, flow->shadow.policy != NULL);
    }
    flow->shadow_next = (struct shadow){NULL, 0};
    shadow_abandon(flow);
    policy_drop(old.policy);
}

void shadow_free(struct flow *flow)
{
    drop(&flow->shadow);
    shadow_abandon(flow);
}

/* The pointer follows after COMMIT. NULL ends it. */
static void set_next(struct flow *flow, const struct policy *policy, int64_t row)
{
    drop(&flow->shadow_next);
    flow->shadow_next = (struct shadow){policy ? policy_keep(policy) : NULL, policy ? row : 0};
    flow->shadow_changes = true;
}

const struct policy *flow_shadow(struct flow *flow, int64_t *row)
{
    const struct policy *policy = NULL;

    if (!atomic_load_explicit(&flow->has_shadow, memory_order_acquire)) {
        return NULL;
    }
    LOCKED (&flow->lock) {
        policy = flow->shadow.policy ? policy_keep(flow->shadow.policy) : NULL;
        *row = flow->shadow.row;
    }
    return policy;
}

/* Changing
 * --------------------------------------------------------------------------------------- */

static enum fm_err record_event(struct ctx *ctx, struct store_conn *conn,
                                const struct policy_version *v, const struct person *by, bool on,
                                int64_t now_us)
{
    AUTO(buf_done) struct buf data = BUF_INIT(KIB);
    struct json_out out = JSON_OUT(&data);
    uint64_t leaf;

    jo_m_bool(&out, "on", on);
    jo_m_id(&out, "policy", ID_POLICY, v->id);
    jo_m_digest(&out, "version", hash_str(&v->version));
    return journal_append(ctx, conn,
                          &(struct journal_event){.kind = JOURNAL_POLICY_SHADOWED,
                                                  .by = {ACTOR_REVIEWER, by->id},
                                                  .previous = -1,
                                                  .at_us = now_us,
                                                  .data = buf_str(&data)},
                          &leaf);
}

static enum fm_err is_shadow(struct ctx *ctx, struct store_conn *conn, int64_t row, bool *out)
{
    int64_t since_us;

    TRY(store_int(ctx, conn, &SQL_SINCE, ARGS(A_INT("$row", row)), 0, &since_us));
    *out = since_us > 0;
    return FM_OK;
}

enum fm_err flow_set_shadow(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                            struct id id, const struct policy *policy, const struct person *by,
                            struct policy_version *out)
{
    int64_t now_us = clock_now_us();
    bool already;

    TRY(flow_version_find(ctx, conn, id, out));
    if (policy && out->state != POLICY_CANDIDATE) {
        return fail(ctx, FM_E_EXISTS, "this version is %s: a shadow is a candidate",
                    policy_state_name(out->state));
    }
    TRY(is_shadow(ctx, conn, out->row, &already));
    if (already == (policy != NULL)) {
        return FM_OK; /* nothing changes */
    }
    TRY(record_event(ctx, conn, out, by, policy != NULL, now_us));
    TRY(store_exec(ctx, conn, &SQL_CLEAR, NO_ARGS));
    if (policy) {
        TRY(store_exec(
            ctx, conn, &SQL_SET,
            ARGS(A_INT("$since", now_us), A_INT("$by", by->row), A_INT("$row", out->row))));
    }
    set_next(flow, policy, out->row);
    return FM_OK;
}

enum fm_err shadow_end(struct flow *flow, struct ctx *ctx, struct store_conn *conn, int64_t row)
{
    bool is;

    TRY(is_shadow(ctx, conn, row, &is));
    if (!is) {
        return FM_OK;
    }
    TRY(store_exec(ctx, conn, &SQL_CLEAR, NO_ARGS));
    if (flow) {
        set_next(flow, NULL, 0);
    }
    return FM_OK;
}

enum fm_err flow_shadow_version(struct ctx *ctx, struct store_conn *conn,
                                struct policy_version *out)
{
    struct store_rows *rows;
    struct id id = {{0}};

    *out = (struct policy_version){0};
    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_SHADOW, NO_ARGS, &rows));
    if (rows_next(ctx, rows)) {
        id = rows_id(rows, 0);
    }
    rows_done(rows);
    TRY(ctx->err);
    return id_is_zero(id) ? FM_OK : flow_version_find(ctx, conn, id, out);
}

/* A shadow that this program cannot read is none: it never rules anything. */
enum fm_err flow_load_shadow(struct flow *flow, struct ctx *ctx, struct store_conn *reader)
{
    struct policy_version version;
    const struct policy *policy;
    struct ctx own;

    TRY(flow_shadow_version(ctx, reader, &version));
    if (!version.row) {
        return FM_OK;
    }
    ctx_init(&own, ctx->arena);
    if (flow_version_parse(&own, reader, &version, &policy) != FM_OK) {
        log_warn("policy.shadow_unread", F_TEXT("error", str_of(own.detail)));
        return FM_OK;
    }
    flow->shadow = (struct shadow){policy, version.row};
    atomic_store(&flow->has_shadow, true);
    return FM_OK;
}

/* Asking it
 * -------------------------------------------------------------------------------------- */

bool weigh_counts_for(const struct policy *live, const struct policy_budget *budget)
{
    for (size_t i = 0; i < live->budget_count; i++) {
        const struct policy_budget *other = &live->budgets[i];
        if (str_eq(other->id, budget->id) && other->per == budget->per &&
            other->window_us == budget->window_us) {
            return true;
        }
    }
    return false;
}

/* Ids of the rules that are as strict as the verdict; their sources where they have none. */
static struct str deciding(struct ctx *ctx, const struct assessment *a)
{
    AUTO(buf_done) struct buf json = BUF_INIT(16 * KIB);
    struct json_out out = JSON_OUT(&json);

    jo_array(&out);
    for (size_t i = 0; i < a->reason_count; i++) {
        if (a->reasons[i].verdict == a->verdict) {
            jo_str(&out, a->reasons[i].rule.p ? a->reasons[i].rule : str_of(a->reasons[i].source));
        }
    }
    jo_array_end(&out);
    return buf_ok(&json) ? arena_copy(ctx->arena, buf_str(&json)) : STR_NONE;
}

static enum fm_err ask(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                       const struct policy *policy, const struct agent *agent,
                       struct flow_submission *s)
{
    struct assessment *assessment = arena_zalloc(ctx->arena, 1, sizeof(*assessment));
    const struct policy *live = flow_policy(flow);
    struct weighing w;
    enum fm_err err = assessment ? weighing_of(&w, ctx, conn, policy, agent->row, clock_now_us())
                                 : fail_memory(ctx);

    if (err == FM_OK) {
        w.request = s->submission.request;
        w.input.action = s->submission.action;
        w.input.request = s->submission.request;
        w.input.unexplained = true;
        err = weigh_shadow(&w, live, assessment);
    }
    policy_drop(live);
    TRY(err);
    s->shadow.verdict = assessment->verdict;
    s->shadow.rules = deciding(ctx, assessment);
    return s->shadow.rules.p ? FM_OK : fail_memory(ctx);
}

void flow_prepare_shadow(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                         const struct agent *agent, struct flow_submission *s)
{
    const struct policy *policy;
    struct ctx own;

    s->shadow = (struct flow_shadow){0};
    policy = flow_shadow(flow, &s->shadow.row);
    if (!policy) {
        s->shadow.row = 0;
        return;
    }
    ctx_init(&own, ctx->arena);
    s->shadow.draws = policy->warm_up > 0;
    if (ask(flow, &own, conn, policy, agent, s) != FM_OK) {
        s->shadow.verdict = VERDICT_REVIEW;
        s->shadow.rules = S("[\"(could not be evaluated)\"]");
    }
    policy_drop(policy);
}

/* First uses and spot checks were drawn for the policy in force: they would have been for the
 * shadow. */
static bool was_drawn(const struct assessment *a)
{
    for (size_t i = 0; i < a->reason_count; i++) {
        struct str source = str_of(a->reasons[i].source);
        if (str_eq(source, S("warm_up")) || str_eq(source, S("spot_check"))) {
            return true;
        }
    }
    return false;
}

enum fm_err shadow_record(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                          const struct flow_submission *s, const struct proposal *p)
{
    enum verdict verdict = s->shadow.verdict;

    if (flow->shadow.row != s->shadow.row || flow->shadow_changes) {
        return FM_OK; /* it ended meanwhile */
    }
    if (verdict == VERDICT_ALLOW && s->shadow.draws && was_drawn(s->weighed)) {
        verdict = VERDICT_REVIEW;
    }
    return store_exec(ctx, conn, &SQL_RECORD,
                      ARGS(A_INT("$policy", s->shadow.row), A_INT("$proposal", p->row),
                           A_INT("$live", s->weighed->verdict), A_INT("$verdict", verdict),
                           A_TEXT("$rules", s->shadow.rules), A_INT("$at", p->created_at)));
}

enum fm_err shadow_purge(struct ctx *ctx, struct store_conn *conn, int64_t now_us, size_t max)
{
    return store_exec(ctx, conn, &SQL_PURGE,
                      ARGS(A_INT("$before", now_us - SHADOW_KEPT_US), A_INT("$max", max)));
}

/* Reading
 * ---------------------------------------------------------------------------------------- */

static enum verdict stored_verdict(struct store_rows *rows, int column)
{
    int64_t verdict = rows_int(rows, column);

    return verdict >= VERDICT_ALLOW && verdict <= VERDICT_BLOCK ? (enum verdict)verdict
                                                                : VERDICT_BLOCK;
}

static enum fm_err read_pairs(struct ctx *ctx, struct store_conn *conn, int64_t row,
                              struct shadow_summary *out)
{
    struct store_rows *rows;

    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_PAIRS, ARGS(A_INT("$policy", row)), &rows));
    while (out->pair_count < COUNT_OF(out->pairs) && rows_next(ctx, rows)) {
        out->pairs[out->pair_count++] = (struct shadow_pair){
            stored_verdict(rows, 0), stored_verdict(rows, 1), rows_int(rows, 2)};
    }
    rows_done(rows);
    return ctx->err;
}

static enum fm_err read_examples(struct ctx *ctx, struct store_conn *conn, int64_t row,
                                 struct shadow_summary *out)
{
    struct store_rows *rows;

    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_EXAMPLES,
                    ARGS(A_INT("$policy", row), A_INT("$max", SHADOW_EXAMPLES_MAX)), &rows));
    while (out->example_count < SHADOW_EXAMPLES_MAX && rows_next(ctx, rows)) {
        struct shadow_example *example = &out->examples[out->example_count++];
        *example = (struct shadow_example){.proposal = rows_id(rows, 0),
                                           .live = stored_verdict(rows, 1),
                                           .shadow = stored_verdict(rows, 2),
                                           .rules = arena_copy(ctx->arena, rows_bytes(rows, 3)),
                                           .at_us = rows_int(rows, 4)};
        if (!example->rules.p) {
            rows_done(rows);
            return fail_memory(ctx);
        }
    }
    rows_done(rows);
    return ctx->err;
}

enum fm_err flow_shadow_read(struct ctx *ctx, struct store_conn *conn, int64_t row,
                             struct shadow_summary *out)
{
    struct store_rows *rows;

    *out = (struct shadow_summary){0};
    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_SINCE, ARGS(A_INT("$row", row)), &rows));
    if (rows_next(ctx, rows)) {
        out->since_us = rows_int(rows, 0);
        out->by = rows_int(rows, 1);
    }
    rows_done(rows);
    TRY(ctx->err);
    TRY(read_pairs(ctx, conn, row, out));
    return read_examples(ctx, conn, row, out);
}

static enum fm_err leave_out(struct ctx *ctx, struct str out[SHADOW_LEFT_OUT_MAX], size_t *count,
                             struct str text)
{
    if (!text.p) {
        return fail_memory(ctx);
    }
    if (*count < SHADOW_LEFT_OUT_MAX) {
        out[(*count)++] = text;
    }
    return FM_OK;
}

enum fm_err flow_shadow_left_out(struct ctx *ctx, const struct policy *shadow,
                                 const struct policy *live, struct str out[SHADOW_LEFT_OUT_MAX],
                                 size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < shadow->budget_count; i++) {
        if (!weigh_counts_for(live, &shadow->budgets[i])) {
            TRY(leave_out(ctx, out, count,
                          arena_printf(ctx->arena, "the budget %.*s: nothing counts for it yet",
                                       STR_ARG(shadow->budgets[i].id))));
        }
    }
    for (size_t i = 0; i < shadow->rule_count && !(live->uses & POLICY_USES_HISTORY); i++) {
        if (shadow->rules[i].when.uses & POLICY_USES_HISTORY) {
            TRY(leave_out(ctx, out, count,
                          arena_printf(ctx->arena,
                                       "history in the rule %.*s: it reads 0, for the "
                                       "policy in force has none kept",
                                       STR_ARG(shadow->rules[i].id))));
        }
    }
    return FM_OK;
}
