/* SPDX-License-Identifier: Apache-2.0
 *
 * Proposals in the store. Every change of a state goes through proposal_move, which writes the row and
 * the leaf in the caller's command (invariants 1 and 2).
 */
#include "proposal/proposal.h"

#include "base/panic.h"

SQL(SQL_FIND, "SELECT " PROPOSAL_COLUMNS " FROM proposals WHERE id = $id");
SQL(SQL_FIND_ROW, "SELECT " PROPOSAL_COLUMNS " FROM proposals WHERE row = $row");
SQL(SQL_INSERT,
    "INSERT INTO proposals(id, agent, state, revision, action, category, policy, digest,"
    " arguments_digest, payload, last_leaf, assessment, created_at, updated_at, next_at, queue,"
    " first_queue, mode, undo, respond_within, on_expiry, due_at, escalate_at, escalations,"
    " deadline_at, repeat_of, verdict, decided_at, decision, decision_leaf, permit, approved_until,"
    " callback, trace, history_micros, follows)"
    " VALUES($id, $agent, $state, $revision, $action, $category, $policy, $digest,"
    " $arguments_digest, $payload, $last_leaf, $assessment, $created_at, $updated_at, $next_at, $queue,"
    " $first_queue, $mode, $undo, $respond_within, $on_expiry, $due_at, $escalate_at, $escalations,"
    " $deadline_at, $repeat_of, $verdict, $decided_at, $decision, $decision_leaf, $permit,"
    " $approved_until, $callback, $trace, $history_micros, $follows)");
SQL(SQL_UPDATE,
    "UPDATE proposals SET state = $state, revision = $revision, policy = $policy, digest = $digest,"
    " arguments_digest = $arguments_digest, payload = $payload, last_leaf = $last_leaf,"
    " assessment = $assessment, updated_at = $updated_at, next_at = $next_at, queue = $queue,"
    " first_queue = $first_queue, mode = $mode, undo = $undo, respond_within = $respond_within,"
    " on_expiry = $on_expiry, due_at = $due_at, escalate_at = $escalate_at,"
    " escalations = $escalations, deadline_at = $deadline_at, claimed_by = $claimed_by,"
    " claimed_at = $claimed_at, claimed_until = $claimed_until, preferred = $preferred,"
    " decision = $decision, verdict = $verdict, decided_by = $decided_by, decided_at = $decided_at,"
    " via = $via, decision_leaf = $decision_leaf, release_at = $release_at, ended_by = $ended_by,"
    " permit = $permit, approved_until = $approved_until, redeemed_at = $redeemed_at,"
    " outcome = $outcome, outcome_leaf = $outcome_leaf, outcome_at = $outcome_at,"
    " edit_by = $edit_by, edit_leaf = $edit_leaf,"
    " follows = $follows WHERE row = $row");
SQL(SQL_HISTORY, "UPDATE proposals SET history_micros = $micros WHERE row = $row");
SQL(SQL_DUE, "SELECT row FROM proposals WHERE next_at <= $now ORDER BY next_at LIMIT $max");
SQL(SQL_NEXT_DUE, "SELECT min(next_at) FROM proposals WHERE next_at IS NOT NULL");

static struct hash hash_of(struct str bytes)
{
    struct hash hash;

    return hash_from(bytes, &hash) ? hash : (struct hash){{0}};
}

/* A cursor over the columns of a row, in the order of PROPOSAL_COLUMNS. */
struct columns {
    struct ctx *ctx;
    struct store_rows *rows;
    int at;
};

static int64_t next_int(struct columns *columns)
{
    return rows_int(columns->rows, columns->at++);
}

static struct id next_id(struct columns *columns)
{
    return rows_id(columns->rows, columns->at++);
}

static struct str next_text(struct columns *columns)
{
    return arena_copy(columns->ctx->arena, rows_bytes(columns->rows, columns->at++));
}

static struct hash next_hash(struct columns *columns)
{
    return hash_of(rows_bytes(columns->rows, columns->at++));
}

static void read_identity(struct columns *c, struct proposal *p)
{
    p->row = next_int(c);
    p->id = next_id(c);
    p->agent = next_int(c);
    p->state = (enum proposal_state)next_int(c);
    p->revision = next_int(c);
    p->action = next_text(c);
    p->category = next_text(c);
    p->policy = next_int(c);
    p->digest = next_hash(c);
    p->arguments_digest = next_hash(c);
    p->payload = next_int(c);
    p->last_leaf = next_int(c);
    p->assessment = next_text(c);
    p->created_at = next_int(c);
    p->updated_at = next_int(c);
    p->next_at = next_int(c);
}

static void read_hold(struct columns *c, struct proposal *p)
{
    p->queue = next_text(c);
    p->first_queue = next_text(c);
    p->mode = next_int(c);
    p->undo_us = next_int(c);
    p->respond_within_us = next_int(c);
    p->on_expiry = next_int(c);
    p->due_at = next_int(c);
    p->escalate_at = next_int(c);
    p->escalations = next_int(c);
    p->deadline_at = next_int(c);
    p->repeat_of = next_id(c);
    p->claimed_by = next_int(c);
    p->claimed_at = next_int(c);
    p->claimed_until = next_int(c);
    p->preferred = next_int(c);
}

static void read_decision(struct columns *c, struct proposal *p)
{
    p->decision = next_id(c);
    p->verdict = next_int(c);
    p->decided_by = next_int(c);
    p->decided_at = next_int(c);
    p->via = next_int(c);
    p->decision_leaf = rows_is_null(c->rows, c->at) ? -1 : rows_int(c->rows, c->at);
    c->at++;
    p->release_at = next_int(c);
    p->ended_by = next_id(c);
    p->permit = next_id(c);
    p->approved_until = next_int(c);
    p->redeemed_at = next_int(c);
    p->outcome = next_int(c);
    p->outcome_leaf = next_int(c);
    p->outcome_at = next_int(c);
    p->callback = next_text(c);
    p->trace = next_text(c);
    p->in_history = !rows_is_null(c->rows, c->at);
    p->history_micros = next_int(c);
    p->edit_by = next_int(c);
    p->edit_leaf = next_int(c);
    p->follows = next_int(c) != 0;
}

enum fm_err proposal_read(struct ctx *ctx, struct store_rows *rows, struct proposal *out)
{
    struct columns columns = {.ctx = ctx, .rows = rows};

    read_identity(&columns, out);
    read_hold(&columns, out);
    read_decision(&columns, out);
    out->group = proposal_group_of(out);
    if (!out->action.p || !out->category.p || !out->assessment.p) {
        return fail_memory(ctx);
    }
    if ((unsigned)out->state >= PROPOSAL_STATE_COUNT) { /* verified after reading: not ours to trust */
        return fail(ctx, FM_E_INTERNAL, "a proposal in an unknown state");
    }
    return FM_OK;
}

static enum fm_err read_one(struct ctx *ctx, struct store_rows *rows, struct proposal *out)
{
    enum fm_err err;

    ctx->err = FM_OK;
    if (!rows_next(ctx, rows)) {
        return ctx->err ? ctx->err : fail(ctx, FM_E_NOT_FOUND, "no such proposal");
    }
    err = proposal_read(ctx, rows, out);
    rows_done(rows);
    return err;
}

enum fm_err proposal_find(struct ctx *ctx, struct store_conn *conn, struct id id, struct proposal *out)
{
    struct store_rows *rows;

    TRY(store_query(ctx, conn, &SQL_FIND, ARGS(A_ID("$id", &id)), &rows));
    return read_one(ctx, rows, out);
}

enum fm_err proposal_find_row(struct ctx *ctx, struct store_conn *conn, int64_t row,
                              struct proposal *out)
{
    struct store_rows *rows;

    TRY(store_query(ctx, conn, &SQL_FIND_ROW, ARGS(A_INT("$row", row)), &rows));
    return read_one(ctx, rows, out);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a == 0 ? b : b == 0 || a < b ? a : b;
}

int64_t proposal_urgent_at(const struct proposal *p)
{
    return earlier(p->due_at, p->deadline_at);
}

/* What the clock must not miss in this state. */
static int64_t next_moment(const struct proposal *p)
{
    int64_t next = 0;

    switch (p->state) {
    case PROPOSAL_CLAIMED:
        next = p->claimed_until; /* fall through: the hold's own times go on */
        __attribute__((fallthrough));
    case PROPOSAL_WAITING:
        next = earlier(next, p->on_expiry ? 0 : p->due_at);
        next = earlier(next, p->escalate_at);
        return earlier(next, p->deadline_at);
    case PROPOSAL_UNDO:
        return earlier(p->release_at, p->deadline_at);
    case PROPOSAL_RETURNED:
        return p->deadline_at;
    case PROPOSAL_APPROVED:
        return p->approved_until;
    case PROPOSAL_REDEEMED:
    case PROPOSAL_SETTLED:
    case PROPOSAL_REJECTED:
    case PROPOSAL_BLOCKED:
    case PROPOSAL_EXPIRED:
    case PROPOSAL_WITHDRAWN:
    case PROPOSAL_STATE_COUNT:
        return 0;
    }
    return 0;
}

#define A_OPT_ID(name, idp) (id_is_zero(*(idp)) ? A_NULL(name) : A_ID(name, idp))
#define A_LEAF(name, leaf) ((leaf) < 0 ? A_NULL(name) : A_INT(name, leaf))

enum fm_err proposal_insert(struct ctx *ctx, struct store_conn *conn, struct proposal *p,
                            struct journal_event event)
{
    uint64_t leaf;
    bool decided = p->state == PROPOSAL_APPROVED;

    ASSERT(p->state == PROPOSAL_WAITING || decided || p->state == PROPOSAL_BLOCKED);
    event.proposal = p->id;
    event.previous = -1;
    TRY(journal_append_event(ctx, conn, &event, &leaf, &p->last_event));
    p->payload = p->last_leaf = (int64_t)leaf;
    p->decision_leaf = decided ? (int64_t)leaf : -1;
    p->next_at = next_moment(p);
    TRY(proposal_settle_group(ctx, conn, p));
    TRY(store_exec(
        ctx, conn, &SQL_INSERT,
        ARGS(A_ID("$id", &p->id), A_INT("$agent", p->agent), A_INT("$state", p->state),
             A_INT("$revision", p->revision), A_TEXT("$action", p->action),
             A_TEXT("$category", p->category), A_INT("$policy", p->policy),
             A_BLOB("$digest", hash_str(&p->digest)),
             A_BLOB("$arguments_digest", hash_str(&p->arguments_digest)),
             A_INT("$payload", p->payload), A_INT("$last_leaf", p->last_leaf),
             A_TEXT("$assessment", p->assessment), A_INT("$created_at", p->created_at),
             A_INT("$updated_at", p->updated_at), A_OPT("$next_at", p->next_at),
             A_TEXT("$queue", p->queue), A_TEXT("$first_queue", p->first_queue),
             A_OPT("$mode", p->mode), A_OPT("$undo", p->undo_us),
             A_OPT("$respond_within", p->respond_within_us), A_OPT("$on_expiry", p->on_expiry),
             A_OPT("$due_at", p->due_at), A_OPT("$escalate_at", p->escalate_at),
             A_OPT("$escalations", p->escalations), A_OPT("$deadline_at", p->deadline_at),
             A_OPT_ID("$repeat_of", &p->repeat_of), A_OPT("$verdict", p->verdict),
             A_OPT("$decided_at", p->decided_at), A_OPT_ID("$decision", &p->decision),
             A_LEAF("$decision_leaf", p->decision_leaf), A_OPT_ID("$permit", &p->permit),
             A_OPT("$approved_until", p->approved_until), A_TEXT("$callback", p->callback),
             A_TEXT("$trace", p->trace),
             p->in_history ? A_INT("$history_micros", p->history_micros)
                           : A_NULL("$history_micros"),
             A_INT("$follows", p->follows))));
    p->row = store_last_rowid(conn);
    return FM_OK;
}

static enum fm_err update(struct ctx *ctx, struct store_conn *conn, struct proposal *p)
{
    p->next_at = next_moment(p);
    TRY(proposal_settle_group(ctx, conn, p));
    return store_exec(
        ctx, conn, &SQL_UPDATE,
        ARGS(A_INT("$row", p->row), A_INT("$state", p->state), A_INT("$revision", p->revision),
             A_INT("$policy", p->policy), A_BLOB("$digest", hash_str(&p->digest)),
             A_BLOB("$arguments_digest", hash_str(&p->arguments_digest)),
             A_INT("$payload", p->payload), A_INT("$last_leaf", p->last_leaf),
             A_TEXT("$assessment", p->assessment), A_INT("$updated_at", p->updated_at),
             A_OPT("$next_at", p->next_at), A_TEXT("$queue", p->queue),
             A_TEXT("$first_queue", p->first_queue), A_OPT("$mode", p->mode),
             A_OPT("$undo", p->undo_us), A_OPT("$respond_within", p->respond_within_us),
             A_OPT("$on_expiry", p->on_expiry), A_OPT("$due_at", p->due_at),
             A_OPT("$escalate_at", p->escalate_at), A_OPT("$escalations", p->escalations),
             A_OPT("$deadline_at", p->deadline_at), A_OPT("$claimed_by", p->claimed_by),
             A_OPT("$claimed_at", p->claimed_at), A_OPT("$claimed_until", p->claimed_until),
             A_OPT("$preferred", p->preferred), A_OPT_ID("$decision", &p->decision),
             A_OPT("$verdict", p->verdict), A_OPT("$decided_by", p->decided_by),
             A_OPT("$decided_at", p->decided_at), A_OPT("$via", p->via),
             A_LEAF("$decision_leaf", p->decision_leaf), A_OPT("$release_at", p->release_at),
             A_OPT_ID("$ended_by", &p->ended_by), A_OPT_ID("$permit", &p->permit),
             A_OPT("$approved_until", p->approved_until), A_OPT("$redeemed_at", p->redeemed_at),
             A_OPT("$outcome", p->outcome), A_OPT("$outcome_leaf", p->outcome_leaf),
             A_OPT("$outcome_at", p->outcome_at), A_OPT("$edit_by", p->edit_by),
             A_OPT("$edit_leaf", p->edit_leaf), A_INT("$follows", p->follows)));
}

static enum fm_err append_event(struct ctx *ctx, struct store_conn *conn, struct proposal *p,
                                struct journal_event event, unsigned refer)
{
    uint64_t leaf;

    event.proposal = p->id;
    event.previous = p->last_leaf;
    TRY(journal_append_event(ctx, conn, &event, &leaf, &p->last_event));
    p->last_leaf = (int64_t)leaf;
    if (refer & PROPOSAL_REFER_DECISION) {
        p->decision_leaf = (int64_t)leaf;
    }
    if (refer & PROPOSAL_REFER_OUTCOME) {
        p->outcome_leaf = (int64_t)leaf;
    }
    if (refer & PROPOSAL_REFER_PAYLOAD) {
        p->payload = (int64_t)leaf;
    }
    if (refer & PROPOSAL_REFER_EDIT) {
        p->edit_leaf = (int64_t)leaf;
    }
    return FM_OK;
}

enum fm_err proposal_move(struct ctx *ctx, struct store_conn *conn, struct proposal *p,
                          enum proposal_state to, struct journal_event event, unsigned refer)
{
    ASSERT(proposal_may_become(p->state, to));
    p->state = to;
    p->updated_at = event.at_us;
    TRY(append_event(ctx, conn, p, event, refer));
    return update(ctx, conn, p);
}

enum fm_err proposal_save(struct ctx *ctx, struct store_conn *conn, struct proposal *p,
                          struct journal_event event)
{
    return proposal_note(ctx, conn, p, event, 0);
}

enum fm_err proposal_note(struct ctx *ctx, struct store_conn *conn, struct proposal *p,
                          struct journal_event event, unsigned refer)
{
    if (event.kind != JOURNAL_KIND_COUNT) {
        if (event.kind != JOURNAL_PROPOSAL_COMMENTED) { /* a note changes nothing about it */
            p->updated_at = event.at_us;
        }
        TRY(append_event(ctx, conn, p, event, refer));
    }
    return update(ctx, conn, p);
}

enum fm_err proposal_set_history(struct ctx *ctx, struct store_conn *conn, struct proposal *p,
                                 int64_t micros)
{
    p->history_micros = micros;
    return store_exec(ctx, conn, &SQL_HISTORY,
                      ARGS(A_INT("$micros", micros), A_INT("$row", p->row)));
}

enum fm_err proposal_due(struct ctx *ctx, struct store_conn *conn, int64_t now_us, size_t max,
                         int64_t *out, size_t *count)
{
    struct store_rows *rows;

    *count = 0;
    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_DUE, ARGS(A_INT("$now", now_us), A_INT("$max", max)), &rows));
    while (*count < max && rows_next(ctx, rows)) {
        out[(*count)++] = rows_int(rows, 0);
    }
    rows_done(rows);
    return ctx->err;
}

enum fm_err proposal_next_due(struct ctx *ctx, struct store_conn *conn, int64_t *out)
{
    return store_int(ctx, conn, &SQL_NEXT_DUE, NO_ARGS, 0, out);
}
