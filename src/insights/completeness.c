/* SPDX-License-Identifier: Apache-2.0
 *
 * The completeness report: each proposal of a period whose assessment demanded a person, with who
 * decided it in which roles at that time, or why nobody did.
 *
 * 1. What is reported comes from leaves. The rows of proposals only say where the leaves are: that
 *    no row is missing, and none names an older leaf, is what verifying the whole store shows
 *    (keep/verify.c).
 * 2. Memory does not grow with the number of proposals.
 */
#include "insights/insights_internal.h"

#define BATCH_MAX          100
#define PROPOSAL_BYTES_MAX (16 * MIB) /* 10,000 leaves as trees */
#define ID_AWAY_US         MINUTE_US  /* by far more than an id's time is from its first leaf's */
#define ID_MS_MAX          ((UINT64_C(1) << 48) - 1)

SQL(SQL_PERIOD, "SELECT id, last_leaf FROM proposals WHERE id > $after AND id < $end ORDER BY id"
                " LIMIT $max");

struct row {
    struct id id;
    int64_t last_leaf;
};

struct report {
    struct ctx *ctx;
    struct store_conn *conn;
    const struct completeness_query *query;
    completeness_visit_fn *visit;
    void *with;
    struct roles_book book;
    struct ctx own; /* of one proposal */
    size_t examined, visited;
};

/* --- one proposal ----------------------------------------------------------------------------- */

/* Why no person has decided it. */
static const char *why_none(const struct life *life)
{
    if (life->decision || life->is_policys) {
        return NULL;
    }
    if (life->state == PROPOSAL_WITHDRAWN) {
        bool is_superseded = life->ended && json_get(life->ended->data, S("superseded_by"));
        return is_superseded ? "superseded" : "withdrawn";
    }
    return life->state == PROPOSAL_EXPIRED ? "expired" : "pending";
}

static void examine_life(struct report *r, const struct life *life, struct completeness_item *item)
{
    enum decision_verdict verdict = life->decision ? life_verdict(life->decision) : 0;
    bool approves = verdict == DECISION_APPROVE || verdict == DECISION_MODIFY;

    item->at = life->first->at;
    item->action = json_text(json_get(life->first->data, S("action")));
    item->category = json_text(json_get(life->first->data, S("category")));
    item->demanded = json_text(json_get(life->first->data, S("verdict")));
    item->status = life->state == PROPOSAL_STATE_COUNT ? "unknown" : proposal_status(life->state);
    item->decision = life->decision;
    item->why_none = why_none(life);
    item->released = life->released;
    if (life->decision && life->decision->by_id.p) {
        item->record = roles_at(&r->book, life->decision->by_id, life->decision->index);
    }
    item->lacks_person = life->released && !(approves && item->record && item->record->may_decide &&
                                             str_eq(life->decision->by_kind, S("reviewer")));
}

static bool is_in_period(const struct report *r, const struct journal_leaf *first)
{
    int64_t at_us;

    return !clock_parse(first->at, &at_us) || /* better once too often than not at all */
           (at_us >= r->query->from_us && at_us < r->query->to_us);
}

static enum fm_err examine(struct report *r, const struct row *row)
{
    struct completeness_item item = {.proposal = row->id};
    struct evidence_findings *findings = arena_zalloc(r->own.arena, 1, sizeof(*findings));
    struct journal_leaf *leaves;
    struct life life;
    size_t count;

    if (!findings) {
        return fail_memory(&r->own);
    }
    findings->ctx = &r->own;
    TRY(journal_read_chain(&r->own, r->conn, row->id, row->last_leaf, JOURNAL_BARE, &leaves,
                           &count));
    life_replay(leaves, count, &life, findings);
    if (count == 0 || !is_in_period(r, life.first) || !life_demands_person(&life)) {
        return FM_OK;
    }
    examine_life(r, &life, &item);
    item.problem = findings->count ? findings->items[0] : STR_NONE;
    r->visited++;
    return r->visit(r->with, &item);
}

/* --- the period ------------------------------------------------------------------------------- */

/* The smallest id of that millisecond. */
static struct id id_at(int64_t at_us)
{
    struct id id = {{0}};
    uint64_t ms = at_us > 0 ? (uint64_t)at_us / 1000 : 0;

    ms = ms < ID_MS_MAX ? ms : ID_MS_MAX;
    for (int i = 5; i >= 0; i--, ms >>= 8) {
        id.bytes[i] = (uint8_t)ms;
    }
    return id;
}

static enum fm_err read_rows(struct report *r, struct id after, struct row *rows, size_t *count)
{
    int64_t to_us = r->query->to_us;
    struct id end = id_at(to_us < INT64_MAX - ID_AWAY_US ? to_us + ID_AWAY_US : to_us);
    struct store_rows *found;

    *count = 0;
    r->ctx->err = FM_OK;
    TRY(store_query(r->ctx, r->conn, &SQL_PERIOD,
                    ARGS(A_ID("$after", &after), A_ID("$end", &end), A_INT("$max", BATCH_MAX)),
                    &found));
    while (rows_next(r->ctx, found)) {
        rows[*count] = (struct row){rows_id(found, 0), rows_int(found, 1)};
        ++*count;
    }
    return r->ctx->err;
}

static bool is_full(const struct report *r)
{
    return r->examined >= COMPLETENESS_EXAMINED_MAX || r->visited >= r->query->items_max;
}

static enum fm_err examine_batch(struct report *r, const struct row *rows, size_t count,
                                 struct completeness_answer *out)
{
    for (size_t i = 0; i < count; i++) {
        if (is_full(r)) {
            return FM_OK;
        }
        arena_reset(r->own.arena);
        ctx_clear(&r->own);
        enum fm_err err = examine(r, &rows[i]);
        if (err != FM_OK) {
            return fail(r->ctx, err, "%s", r->own.detail);
        }
        r->examined++;
        out->last = rows[i].id;
    }
    out->is_last = count < BATCH_MAX;
    return FM_OK;
}

static enum fm_err examine_period(struct report *r, struct completeness_answer *out)
{
    struct row rows[BATCH_MAX];
    size_t count;

    *out = (struct completeness_answer){.last = r->query->after};
    if (id_is_zero(out->last)) {
        out->last = id_at(r->query->from_us - ID_AWAY_US);
    }
    while (!out->is_last && !is_full(r)) {
        TRY(read_rows(r, out->last, rows, &count));
        TRY(examine_batch(r, rows, count, out));
    }
    return FM_OK;
}

enum fm_err insights_completeness(struct ctx *ctx, struct store_conn *conn,
                                  const struct completeness_query *query,
                                  completeness_visit_fn *visit, void *with,
                                  struct completeness_answer *out)
{
    AUTO(arena_done) struct arena *arena = arena_new(PROPOSAL_BYTES_MAX);
    struct report r = {.ctx = ctx, .conn = conn, .query = query, .visit = visit, .with = with};
    enum fm_err err;

    if (!arena || !roles_begin(&r.book)) {
        return fail_memory(ctx);
    }
    ctx_init(&r.own, arena);
    err = journal_each_standing(ctx, conn, INT64_MAX, roles_take, &r.book);
    err = err == FM_OK ? examine_period(&r, out) : err;
    roles_done(&r.book);
    return err;
}

/* --- words ------------------------------------------------------------------------------------ */

static void write_decider(struct json_out *out, const struct completeness_item *item)
{
    const struct journal_leaf *leaf = item->decision;

    jo_key(out, "person");
    if (!leaf) {
        jo_null(out);
        return;
    }
    jo_object(out);
    jo_m_str(out, "id", leaf->by_id);
    jo_m_str(out, "name", item->record ? item->record->name : STR_NONE);
    jo_key(out, "roles");
    jo_value(out, item->record ? item->record->roles : NULL);
    jo_m_bool(out, "qualified", item->record && item->record->may_decide);
    jo_m_str(out, "at", leaf->at);
    jo_key(out, "verdict");
    jo_value(out, json_get(leaf->data, S("verdict")));
    jo_key(out, "via");
    jo_value(out, json_get(leaf->data, S("via")));
    jo_key(out, "log");
    jo_object(out);
    jo_m_int(out, "index", (int64_t)leaf->index);
    jo_object_end(out);
    jo_object_end(out);
}

void insights_completeness_write(struct json_out *out, const struct completeness_item *item)
{
    jo_object(out);
    jo_m_id(out, "proposal", ID_PROPOSAL, item->proposal);
    jo_m_str(out, "proposed_at", item->at);
    jo_m_str(out, "action", item->action);
    jo_m_str(out, "category", item->category);
    jo_m_str(out, "demanded", item->demanded);
    jo_m_str(out, "status", str_of(item->status));
    write_decider(out, item);
    jo_m_str(out, "why_none", str_of(item->why_none));
    jo_m_str(out, "released_at", item->released ? item->released->at : STR_NONE);
    jo_m_bool(out, "released_without_person", item->lacks_person);
    jo_m_str(out, "problem", item->problem);
    jo_object_end(out);
}

bool insights_period_parse(struct str text, bool is_end, int64_t *out_us)
{
    char moment[] = "2026-11-22T00:00:00Z";

    if (text.n != 10) {
        return clock_parse(text, out_us);
    }
    for (size_t i = 0; i < text.n; i++) {
        moment[i] = text.p[i];
    }
    if (!clock_parse(str_of(moment), out_us)) {
        return false;
    }
    *out_us += is_end ? DAY_US : 0;
    return true;
}
