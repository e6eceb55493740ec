/* SPDX-License-Identifier: Apache-2.0
 *
 * A proposal as 03 has it: the request's members as they were stored, then ours. Agents read `pending`
 * and no decision until the release; people read everything.
 */
#include "api/api_internal.h"

#define ALIKE_SHOWN_MAX 20 /* others by name; the count says how many more */
#define POSITION_MAX 50 /* positions beyond are not counted: a count would cost more than the answer */

SQL(SQL_POLICY_ID, "SELECT id FROM policies WHERE row = $row");
#define BEFORE                                                                                     \
    "SELECT 1 FROM proposals WHERE queue = $queue AND state < 2"                                   \
    " AND (urgent_at, row) < ($urgent, $row)"
SQL(SQL_POSITION, "SELECT count(*) FROM (" BEFORE " AND follows = 0 UNION ALL " BEFORE
                  " AND follows = 1 LIMIT $max)");

void view_of_call(struct call *call, struct store_conn *conn, struct view *out)
{
    *out = (struct view){
        .ctx = &call->ctx,
        .conn = conn,
        .directory = call->directory,
        .policy = call->policy,
        .caller = &call->caller,
        .issuer = flow_issuer(call->api->flow),
        .now_us = clock_now_us(),
        .request_bytes = call->request_bytes,
        .request_tree = call->request_tree,
        .flow = call->api->flow,
    };
}

void write_agent_ref(struct json_out *out, const struct directory *directory, int64_t row)
{
    const struct agent *agent = directory_agent_by_row(directory, row);

    jo_object(out);
    jo_m_id(out, "id", ID_AGENT, agent ? agent->id : (struct id){{0}});
    jo_m_str(out, "name", agent ? agent->name : STR_NONE);
    jo_object_end(out);
}

/* --- the request's members ----------------------------------------------------------------------------- */

/* An evidence item without its bytes: where they are, how many, and their hash. */
static void write_attachment(const struct view *view, struct json_out *out, struct str base64,
                             uint32_t index)
{
    struct str bytes;
    struct hash hash;

    if (!base64_decode(view->ctx->arena, base64, &bytes)) {
        return;
    }
    hash = sha256(bytes);
    jo_key(out, "attachment");
    jo_object(out);
    jo_m_int(out, "bytes", (int64_t)bytes.n);
    jo_m_int(out, "index", index);
    jo_m_hex(out, "sha256", hash_str(&hash));
    jo_object_end(out);
}

static void write_evidence(const struct view *view, struct json_out *out, const struct json *evidence)
{
    jo_array(out);
    for (uint32_t i = 0; i < evidence->count; i++) {
        const struct json *item = &evidence->as.items[i];
        jo_object(out);
        for (uint32_t k = 0; k < item->count; k++) {
            const struct json_member *member = &item->as.members[k];
            if (str_eq(member->name, S("base64"))) {
                write_attachment(view, out, member->value.as.text, i);
            } else {
                jo_key_str(out, member->name);
                jo_value(out, &member->value);
            }
        }
        jo_object_end(out);
    }
    jo_array_end(out);
}

static void write_brief(const struct view *view, struct json_out *out, const struct json *brief)
{
    jo_object(out);
    for (uint32_t i = 0; i < brief->count; i++) {
        const struct json_member *member = &brief->as.members[i];
        jo_key_str(out, member->name);
        if (str_eq(member->name, S("evidence"))) {
            write_evidence(view, out, &member->value);
        } else {
            jo_value(out, &member->value);
        }
    }
    jo_object_end(out);
}

static bool has_attachment(struct str request)
{
    return request.n && memmem(request.p, request.n, "\"base64\":", 9) != NULL;
}

/* Almost always the stored bytes as they are; with attachments the tree without their bytes. */
static void write_request(const struct view *view, struct json_out *out, struct str bytes,
                          const struct json *request)
{
    if (!has_attachment(bytes)) {
        jo_members(out, bytes.n > 2 ? (struct str){bytes.p + 1, bytes.n - 2} : STR_NONE);
        return;
    }
    for (uint32_t i = 0; i < request->count; i++) {
        const struct json_member *member = &request->as.members[i];
        jo_key_str(out, member->name);
        if (str_eq(member->name, S("brief"))) {
            write_brief(view, out, &member->value);
        } else {
            jo_value(out, &member->value);
        }
    }
}

/* --- ours ---------------------------------------------------------------------------------------------- */

static enum fm_err policy_id(const struct view *view, int64_t row, struct id *out)
{
    struct store_rows *rows;

    if (flow_policy_id(view->flow, row, out)) {
        return FM_OK;
    }
    *out = (struct id){{0}};
    view->ctx->err = FM_OK;
    TRY(store_query(view->ctx, view->conn, &SQL_POLICY_ID, ARGS(A_INT("$row", row)), &rows));
    if (rows_next(view->ctx, rows)) {
        *out = rows_id(rows, 0);
    }
    rows_done(rows);
    return view->ctx->err;
}

/* The assessment as the caller reads it. Agents never see which proposals a coin has picked: they
 * read that autonomy is not earned yet. Nor what a reviewer's edit would ask for. */
static enum fm_err write_assessment(const struct view *view, struct json_out *out,
                                    const struct proposal *p)
{
    static const struct str picked =
        STR("\"source\":\"spot_check\",\"text\":\"" FLOW_SPOT_CHECK_TEXT "\"");
    struct str all = p->assessment;
    const char *at;
    AUTO(buf_done) struct buf text = BUF_INIT(2 * ASSESS_JSON_MAX);
    struct json_out writer = JSON_OUT(&text);

    if (!view->caller->person && assess_has_edited(all)) {
        TRY(assess_without_edited(view->ctx, all, &all));
    }
    at = view->caller->person ? NULL : memmem(all.p, all.n, picked.p, picked.n);
    if (!at) {
        jo_m_raw(out, "assessment", all);
        return FM_OK;
    }
    buf_add(&text, (struct str){all.p, (size_t)(at - all.p)});
    buf_lit(&text, "\"source\":\"autonomy\",\"text\":");
    jo_text(&writer);
    buf_lit(&text, "Reviewed until this agent has earned autonomy");
    jo_text_end(&writer);
    buf_add(&text, str_skip(all, (size_t)(at - all.p) + picked.n));
    jo_m_raw(out, "assessment", buf_str(&text));
    return FM_OK;
}

static enum fm_err write_identity(const struct view *view, struct json_out *out,
                                  const struct proposal *p)
{
    struct id policy;

    TRY(policy_id(view, p->policy, &policy));
    jo_m_id(out, "id", ID_PROPOSAL, p->id);
    jo_m_str(out, "status", str_of(proposal_status(p->state)));
    jo_m_str(out, "category", p->category);
    jo_key(out, "agent");
    write_agent_ref(out, view->directory, p->agent);
    jo_m_int(out, "revision", p->revision);
    jo_m_digest(out, "digest", hash_str(&p->digest));
    jo_m_digest(out, "arguments_digest", hash_str(&p->arguments_digest));
    jo_m_id(out, "policy", ID_POLICY, policy);
    jo_m_time(out, "created_at", p->created_at);
    jo_m_time(out, "updated_at", p->updated_at);
    jo_m_id(out, "repeat_of", ID_PROPOSAL, p->repeat_of);
    return write_assessment(view, out, p);
}

static void write_claim(const struct view *view, struct json_out *out, const struct proposal *p)
{
    const struct person *holder = directory_person_by_row(view->directory, p->claimed_by);

    jo_key(out, "claimed_by");
    if (p->state != PROPOSAL_CLAIMED || !holder || !view->caller->person) {
        jo_null(out);
        return;
    }
    jo_object(out);
    jo_m_id(out, "id", ID_PERSON, holder->id);
    jo_m_str(out, "name", holder->name);
    jo_m_time(out, "at", p->claimed_at);
    jo_m_time(out, "until", p->claimed_until);
    jo_object_end(out);
}

static void write_position(const struct view *view, struct json_out *out, const struct proposal *p)
{
    int64_t before;

    jo_key(out, "position");
    if (store_int(view->ctx, view->conn, &SQL_POSITION,
                  ARGS(A_TEXT("$queue", p->queue), A_INT("$urgent", proposal_urgent_at(p)),
                       A_INT("$row", p->row), A_INT("$max", POSITION_MAX)),
                  POSITION_MAX, &before) != FM_OK ||
        before >= POSITION_MAX) {
        jo_null(out);
        return;
    }
    jo_int(out, before + 1);
}

static const char *phase_of(const struct view *view, const struct proposal *p)
{
    if (p->state == PROPOSAL_UNDO) {
        return view->caller->person ? "undo" : "claimed"; /* agents read nothing before the release */
    }
    return p->state == PROPOSAL_CLAIMED ? "claimed" : "waiting";
}

void view_hold(const struct view *view, struct json_out *out, const struct proposal *p)
{
    bool decided = p->state == PROPOSAL_UNDO && view->caller->person;

    if (!proposal_is_pending(p)) {
        jo_null(out);
        return;
    }
    jo_object(out);
    jo_m_str(out, "queue", p->queue);
    jo_m_str(out, "mode", str_of(review_mode_name((enum review_mode)p->mode)));
    jo_m_str(out, "phase", str_of(phase_of(view, p)));
    jo_m_time(out, "due_at", p->due_at);
    jo_m_time(out, "escalates_at", p->escalate_at);
    jo_m_time(out, "deadline_at", p->deadline_at);
    jo_m_time(out, "release_at", decided ? p->release_at : 0);
    write_claim(view, out, p);
    jo_m_int(out, "escalations", p->escalations);
    jo_m_int(out, "people_needed", 1);
    jo_m_int(out, "people_done", decided ? 1 : 0);
    write_position(view, out, p);
    jo_m_null(out, "expected_at");
    jo_object_end(out);
}

/* A decision that is not released yet exists for people only. */
static enum fm_err write_decision(const struct view *view, struct json_out *out,
                                  const struct proposal *p, const struct json *arguments)
{
    bool hidden = p->state == PROPOSAL_UNDO && !view->caller->person;

    jo_key(out, "decision");
    if (hidden) {
        jo_null(out);
        return FM_OK;
    }
    return review_write_decision(view->ctx, out, view->conn, p, arguments);
}

static enum fm_err write_permit(const struct view *view, struct json_out *out, const struct proposal *p)
{
    const struct policy_action *action = policy_action(view->policy, p->action);
    struct hash arguments;

    jo_key(out, "permit");
    if (p->state != PROPOSAL_APPROVED || !view->caller->agent || view->now_us >= p->approved_until) {
        jo_null(out);
        return FM_OK;
    }
    TRY(resume_final_arguments(view->ctx, view->conn, p, &arguments));
    jo_text(out);
    permit_issue(out->buf, view->issuer, p, view->caller->agent->id,
                 action ? action->executor : STR_NONE, arguments, view->now_us);
    jo_text_end(out);
    return FM_OK;
}

static enum fm_err write_outcome(const struct view *view, struct json_out *out, const struct proposal *p)
{
    struct str payload;
    const struct json *content;

    jo_key(out, "outcome");
    if (!p->outcome) {
        jo_null(out);
        return FM_OK;
    }
    TRY(journal_payload(view->ctx, view->conn, (uint64_t)p->outcome_leaf, &payload));
    jo_object(out);
    jo_m_str(out, "status", str_of(outcome_status_name((enum outcome_status)p->outcome)));
    jo_m_time(out, "at", p->outcome_at);
    jo_key(out, "detail");
    if (payload.p) {
        TRY(json_parse(view->ctx, payload, &JSON_LIMITS_WIRE, &content));
        jo_value(out, json_get(content, S("detail")));
    } else {
        jo_null(out);
    }
    jo_object_end(out);
    return FM_OK;
}

static enum fm_err write_result(const struct view *view, struct json_out *out, const struct proposal *p,
                                const struct json *arguments)
{
    bool approved = p->verdict == DECISION_APPROVE || p->verdict == DECISION_MODIFY;
    bool released = approved && p->state != PROPOSAL_UNDO;

    TRY(write_decision(view, out, p, arguments));
    TRY(write_permit(view, out, p));
    jo_m_time(out, "approval_expires_at", released ? p->approved_until : 0);
    jo_m_time(out, "redeemed_at", p->redeemed_at);
    if (view->caller->person) {
        bool awaited = p->state == PROPOSAL_REDEEMED;
        jo_m_time(out, "outcome_due_at",
                  awaited ? p->redeemed_at + view->policy->outcome_within_us : 0);
    }
    return write_outcome(view, out, p);
}

static enum fm_err write_counts(const struct view *view, struct json_out *out, const struct proposal *p)
{
    struct tally tally;

    TRY(tally_find(view->ctx, view->conn, p->agent, p->category, &tally));
    jo_key(out, "counts");
    jo_object(out);
    jo_m_int(out, "approved", tally.approved);
    jo_m_int(out, "modified", tally.modified);
    jo_m_int(out, "rejected", tally.rejected);
    jo_m_int(out, "returned", tally.returned);
    jo_m_int(out, "expired", tally.expired);
    jo_object_end(out);
    return FM_OK;
}

static void write_can(const struct view *view, struct json_out *out, const struct proposal *p)
{
    struct ctx ctx;
    bool may, may_this_way;

    ctx_init(&ctx, view->ctx->arena);
    may = proposal_is_pending(p) && p->state != PROPOSAL_UNDO &&
          review_may_decide(&ctx, view->policy, view->caller->person, p) == FM_OK;
    may_this_way = may && flow_check_via(&ctx, view->policy, view->caller->via) == FM_OK;
    jo_key(out, "can");
    jo_object(out);
    jo_m_bool(out, "decide", may_this_way);
    jo_m_bool(out, "claim", may);
    jo_m_str(out, "reason", ctx.detail[0] ? str_of(ctx.detail) : STR_NONE);
    jo_object_end(out);
}

/* What `modify` will be held against, for the editing form: the policy of now. */
static void write_schema(const struct view *view, struct json_out *out, const struct proposal *p)
{
    const struct policy_action *action = policy_action(view->policy, p->action);

    jo_key(out, "action_schema");
    jo_value(out, action && action->schema ? json_schema_source(action->schema) : NULL);
}

/* The open ones that are the same again: how many, which of them this is, and the others. */
static enum fm_err write_alike(const struct view *view, struct json_out *out,
                               const struct proposal *p)
{
    struct proposal_alike others[ALIKE_SHOWN_MAX];
    int64_t alike, place;
    size_t count;

    TRY(proposal_count_alike(view->ctx, view->conn, p, &alike));
    TRY(proposal_place_alike(view->ctx, view->conn, p, &place));
    TRY(proposal_others_alike(view->ctx, view->conn, p, others, COUNT_OF(others), &count));
    jo_key(out, "alike");
    jo_object(out);
    jo_m_int(out, "count", alike);
    jo_m_int(out, "place", place);
    jo_key(out, "others");
    jo_array(out);
    for (size_t i = 0; i < count; i++) {
        jo_object(out);
        jo_m_id(out, "id", ID_PROPOSAL, others[i].id);
        jo_m_time(out, "created_at", others[i].created_at);
        jo_object_end(out);
    }
    jo_array_end(out);
    jo_object_end(out);
    return FM_OK;
}

/* What only people's single read has. */
static enum fm_err write_whole(const struct view *view, struct json_out *out, const struct proposal *p,
                               const struct json *request)
{
    jo_key(out, "card");
    TRY(view_card(view, out, p, request));
    write_schema(view, out, p);
    TRY(write_alike(view, out, p));
    TRY(write_counts(view, out, p));
    jo_key(out, "edit");
    TRY(review_write_edit(view->ctx, out, view->conn, p));
    jo_key(out, "comments");
    TRY(view_comments(view, out, p));
    jo_key(out, "timeline");
    TRY(view_timeline(view, out, p));
    write_can(view, out, p);
    return FM_OK;
}

/* The request as it was stored, and its tree where something of it is needed. */
static enum fm_err read_request(const struct view *view, const struct proposal *p, struct str *bytes,
                                const struct json **request)
{
    bool needs_tree = view->caller->person || p->verdict;

    *bytes = view->request_bytes;
    *request = view->request_tree;
    if (bytes->p) {
        return FM_OK;
    }
    TRY(journal_payload(view->ctx, view->conn, (uint64_t)p->payload, bytes));
    if (bytes->p && (needs_tree || has_attachment(*bytes))) {
        TRY(json_parse(view->ctx, *bytes, &JSON_LIMITS_WIRE, request));
    }
    return FM_OK;
}

enum fm_err view_proposal(const struct view *view, struct json_out *out, const struct proposal *p)
{
    struct str bytes;
    const struct json *request;

    TRY(read_request(view, p, &bytes, &request));
    jo_object(out);
    write_request(view, out, bytes, request);
    TRY(write_identity(view, out, p));
    if (view->caller->person) {
        jo_m_str(out, "title", view_title(view, p, request));
        jo_m_str(out, "trace", p->trace);
    }
    jo_key(out, "hold");
    view_hold(view, out, p);
    TRY(write_result(view, out, p, json_get(request, S("arguments"))));
    if (view->whole) {
        TRY(write_whole(view, out, p, request));
    }
    jo_object_end(out);
    return FM_OK;
}

static void m_text_of(struct json_out *out, const char *name, const struct json *object)
{
    jo_key(out, name);
    jo_value(out, json_get(object, str_of(name)));
}

enum fm_err view_inbox_item(const struct view *view, struct json_out *out, const struct proposal *p)
{
    const struct policy_action *action = policy_action(view->policy, p->action);
    struct str bytes;
    const struct json *request = NULL, *brief;
    int64_t alike;

    TRY(proposal_count_alike(view->ctx, view->conn, p, &alike));
    TRY(journal_payload(view->ctx, view->conn, (uint64_t)p->payload, &bytes));
    if (bytes.p) {
        TRY(json_parse(view->ctx, bytes, &JSON_LIMITS_WIRE, &request));
    }
    brief = json_get(request, S("brief"));
    jo_object(out);
    jo_m_str(out, "action", p->action);
    TRY(write_identity(view, out, p));
    jo_m_int(out, "repeats", alike);
    jo_m_str(out, "title", view_title(view, p, request));
    m_text_of(out, "summary", brief);
    m_text_of(out, "recommendation", brief);
    m_text_of(out, "confidence", brief);
    jo_key(out, "effects");
    jo_array(out);
    for (unsigned i = 0; action && i < EFFECT_COUNT; i++) {
        if (action->effects >> i & 1) {
            jo_str(out, str_of(effect_name((enum effect)i)));
        }
    }
    jo_array_end(out);
    jo_key(out, "reversible");
    if (action && action->reversible != JSON_UNSET) {
        jo_bool(out, action->reversible == JSON_YES);
    } else {
        jo_null(out);
    }
    jo_key(out, "hold");
    view_hold(view, out, p);
    jo_object_end(out);
    return FM_OK;
}

enum fm_err view_list_item(const struct view *view, struct json_out *out, const struct proposal *p,
                           enum fm_err (*write)(const struct view *view, struct json_out *out,
                                                const struct proposal *p))
{
    AUTO(arena_done) struct arena *arena = arena_new(ITEM_ARENA_MAX);
    struct view own = *view;
    struct ctx ctx;
    enum fm_err err;

    if (!arena) {
        return fail_memory(view->ctx);
    }
    ctx_init(&ctx, arena);
    own.ctx = &ctx;
    err = write(&own, out, p);
    return err == FM_OK ? FM_OK : fail(view->ctx, err, "%s", ctx.detail);
}

enum fm_err call_render_proposal(struct call *call, struct store_conn *conn, struct buf *body)
{
    struct view view;
    struct json_out out = JSON_OUT(body);

    view_of_call(call, conn, &view);
    return view_proposal(&view, &out, &call->proposal);
}

enum fm_err call_render_whole(struct call *call, struct store_conn *conn, struct buf *body)
{
    struct view view;
    struct json_out out = JSON_OUT(body);

    view_of_call(call, conn, &view);
    view.whole = call->caller.person != NULL;
    return view_proposal(&view, &out, &call->proposal);
}
