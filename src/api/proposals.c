/* SPDX-License-Identifier: Apache-2.0
 *
 * Agents' calls on proposals, and reads for everybody who may see them.
 */
#include "api/api_internal.h"

#include <strings.h>

#define SCAN_MAX 5000 /* rows looked at for one page of a filtered list */
#define SEARCH_BYTES_MAX (16 * MIB) /* and bytes searched: a page holds up its loop no longer */

/* --- propose ------------------------------------------------------------------------------------------- */

static enum fm_err run_create(struct call *call, struct store_conn *conn)
{
    return flow_submit(call->api->flow, &call->ctx, conn, &call->caller, call->in,
                       &call->proposal);
}

/* A callback may only go to a host that was registered with the agent. */
static enum fm_err check_callback(struct call *call, struct str url)
{
    const struct json *hosts;
    struct outgoing_url parts;
    const char *refusal;

    if (!url.p) {
        return FM_OK;
    }
    refusal = outgoing_url_parse(url, &parts);
    refusal = refusal ? refusal : outgoing_url_refusal(call->api->config.callbacks, &parts);
    if (refusal) {
        return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT, S("/callback/url"), "%s", refusal);
    }
    TRY(json_parse(&call->ctx, call->caller.agent->hosts, &JSON_LIMITS_WIRE, &hosts));
    for (uint32_t i = 0; i < hosts->count; i++) {
        if (outgoing_url_is_at(&parts, json_text(&hosts->as.items[i]))) {
            return FM_OK;
        }
    }
    return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT, S("/callback/url"),
                   "the host is not registered with this agent; an administrator adds it:"
                   " `fermata agent hosts %.*s --add %.*s`",
                   STR_ARG(call->caller.agent->name), STR_ARG(parts.host));
}

/* The trace that this proposal belongs to. What is malformed, or comes twice, is no trace and no
 * error (W3C Trace Context 4.3). */
static enum fm_err read_trace(struct call *call, struct str *out)
{
    struct str header = http_header(call->request, "traceparent");
    char trace[TRACE_SIZE];

    if (!header.p || http_repeated(call->request, "traceparent") || !trace_parse(header, trace)) {
        return FM_OK;
    }
    *out = arena_copy(call->ctx.arena, str_of(trace));
    return out->p ? FM_OK : fail_memory(&call->ctx);
}

static enum fm_err read_submission(struct call *call, struct flow_submission *in)
{
    if (!call->body) {
        return fail(&call->ctx, FM_E_INVALID_ARGUMENT, "send a proposal as JSON");
    }
    TRY(intake_read(&call->ctx, call->policy, call->body, &in->submission));
    TRY(check_callback(call, in->submission.callback_url));
    TRY(read_trace(call, &in->submission.trace));
    TRY(flow_prepare(&call->ctx, call->part->reader, call->policy, call->caller.agent, in));
    flow_prepare_shadow(call->api->flow, &call->ctx, call->part->reader, call->caller.agent, in);
    return FM_OK;
}

enum fm_err proposals_prepare(struct call *call)
{
    struct flow_submission *in = arena_zalloc(call->ctx.arena, 1, sizeof(*in));

    if (!in) {
        return fail_memory(&call->ctx);
    }
    TRY(read_submission(call, in));
    call->in = in;
    call->request_bytes = in->submission.canonical;
    call->request_tree = in->submission.request;
    call->run = run_create;
    call->render = call_render_proposal;
    call->wanted_status = 201;
    return FM_OK;
}

void proposals_create(struct call *call)
{
    enum fm_err err = proposals_prepare(call);

    if (err != FM_OK) {
        call_fail(call, err);
        return;
    }
    call_write(call, call->run, call->render, call->wanted_status);
}

/* --- read and wait ------------------------------------------------------------------------------------- */

/* ?wait=30s, or Prefer: wait=30. 0: do not wait. */
static enum fm_err read_wait(struct call *call, int64_t *wait_us)
{
    struct str wait = http_query(call->request, "wait"), prefer = http_header(call->request, "Prefer");
    uint64_t seconds;

    *wait_us = 0;
    if (wait.p && !duration_parse(wait, wait_us)) {
        return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT, S("/wait"), "a duration such as 30s");
    }
    while (!wait.p && prefer.p) {
        struct str part = str_split(&prefer, ',');
        while (part.n && part.p[0] == ' ') {
            part = str_skip(part, 1);
        }
        if (str_starts(part, S("wait=")) && str_to_u64(str_skip(part, 5), &seconds)) {
            *wait_us = seconds > 120 ? WAIT_MAX_US : (int64_t)seconds * SECOND_US;
        }
    }
    if (*wait_us > WAIT_MAX_US) {
        return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT, S("/wait"), "at most 120s");
    }
    return FM_OK;
}

enum fm_err call_find_visible(struct call *call)
{
    TRY(proposal_find(&call->ctx, call->part->reader, call->id, &call->proposal));
    if (!flow_may_see(call->policy, &call->caller, &call->proposal)) {
        return fail(&call->ctx, FM_E_NOT_FOUND, "no such proposal");
    }
    return FM_OK;
}

static bool must_wait(struct call *call, int64_t wait_us)
{
    int64_t now_us = clock_monotonic_us();

    if (wait_us == 0 || call->wait_over || !proposal_is_pending(&call->proposal) ||
        atomic_load(&call->api->draining)) {
        return false;
    }
    if (call->wait_until_us == 0) {
        call->wait_until_us = now_us + wait_us;
    }
    return now_us < call->wait_until_us;
}

void proposals_get(struct call *call)
{
    int64_t wait_us;
    enum fm_err err = query_allow(call, "wait");

    err = err == FM_OK ? read_wait(call, &wait_us) : err;
    err = err == FM_OK ? call_find_visible(call) : err;
    if (err != FM_OK) {
        call_fail(call, err);
        return;
    }
    if (must_wait(call, wait_us)) {
        (void)bus_park(call);
        return;
    }
    call_read(call, call_render_whole, 200);
}

/* --- attachments --------------------------------------------------------------------------------------- */

static enum fm_err find_attachment(struct call *call, struct str *bytes, struct str *type)
{
    struct str payload;
    const struct json *request, *evidence, *item;

    TRY(call_find_visible(call));
    TRY(journal_payload(&call->ctx, call->part->reader, (uint64_t)call->proposal.payload, &payload));
    if (!payload.p) {
        return fail(&call->ctx, FM_E_NOT_FOUND, "its content was erased");
    }
    TRY(json_parse(&call->ctx, payload, &JSON_LIMITS_WIRE, &request));
    evidence = json_at(request, S("/brief/evidence"));
    item = evidence && call->number < evidence->count ? &evidence->as.items[call->number] : NULL;
    if (!json_get(item, S("base64")) ||
        !base64_decode(call->ctx.arena, json_text(json_get(item, S("base64"))), bytes)) {
        return fail(&call->ctx, FM_E_NOT_FOUND, "no such attachment");
    }
    *type = json_text(json_get(item, S("content_type")));
    return FM_OK;
}

/* Only these may be shown; everything else is bytes to be saved, whatever the agent calls it. */
static struct str safe_type(struct str claimed)
{
    static const struct str images[] = {STR("image/png"), STR("image/jpeg"), STR("image/gif"),
                                        STR("image/webp")};

    for (size_t i = 0; i < COUNT_OF(images); i++) {
        if (str_eq(claimed, images[i])) {
            return images[i];
        }
    }
    return S("application/octet-stream");
}

void proposals_attachment(struct call *call)
{
    struct str bytes, type;
    AUTO(buf_done) struct buf body = BUF_INIT(API_ANSWER_MAX);
    enum fm_err err = find_attachment(call, &bytes, &type);
    struct http_request *request = call->request;
    size_t n;
    char *p;

    if (err != FM_OK) {
        call_fail(call, err);
        return;
    }
    struct http_header_line headers[] = {
        {"Content-Type", safe_type(type)},
        {"Content-Disposition", S("attachment")},
        {"Content-Security-Policy", S("default-src 'none'; sandbox")},
        {"Cross-Origin-Resource-Policy", S("same-origin")},
        {"Cache-Control", S("no-store")},
        {"X-Content-Type-Options", S("nosniff")},
    };
    buf_add(&body, bytes);
    p = buf_take(&body, &n);
    call_observe(call, 200);
    call_release(call);
    http_answer(request, 200, headers, COUNT_OF(headers), p, n);
}

/* --- lists --------------------------------------------------------------------------------------------- */

SQL(SQL_LIST_ALL, "SELECT " PROPOSAL_COLUMNS " FROM proposals WHERE row < $before"
                  " ORDER BY row DESC LIMIT $max");
SQL(SQL_LIST_AGENT, "SELECT " PROPOSAL_COLUMNS " FROM proposals WHERE agent = $agent AND row < $before"
                    " ORDER BY row DESC LIMIT $max");
SQL(SQL_LIST_DECIDER, "SELECT " PROPOSAL_COLUMNS " FROM proposals WHERE decided_by = $person"
                      " AND (decided_at, row) < ($before, $row)"
                      " ORDER BY decided_at DESC, row DESC LIMIT $max");

/* Executed, and the agent has not told in time what came of it; the longest ago comes last. */
SQL(SQL_LIST_UNKNOWN, "SELECT " PROPOSAL_COLUMNS " FROM proposals INDEXED BY proposals_redeemed"
                      " WHERE state = 5 AND redeemed_at < $due"
                      " AND (redeemed_at, row) < ($before, $row)"
                      " ORDER BY redeemed_at DESC, row DESC LIMIT $max");

#define OUTCOME_UNKNOWN (OUTCOME_REVERTED + 1) /* of a filter: redeemed, and overdue */

struct filter {
    struct str status, action, category, queue, q;
    int outcome;     /* OUTCOME_NONE: any */
    int64_t overdue; /* redeemed before: an outcome was due */
    int64_t agent;  /* row; 0: any */
    int64_t decided_by; /* row; 0: any */
    size_t searched; /* bytes so far */
};

static bool is_status(struct str name)
{
    for (int state = 0; state < PROPOSAL_STATE_COUNT; state++) {
        if (str_eq(name, str_of(proposal_status((enum proposal_state)state)))) {
            return true;
        }
    }
    return false;
}

static enum fm_err read_outcome(struct call *call, struct filter *out)
{
    struct str wanted = http_query(call->request, "outcome");

    out->overdue = clock_now_us() - call->policy->outcome_within_us;
    if (!wanted.n) {
        return FM_OK;
    }
    for (int status = OUTCOME_SUCCEEDED; status <= OUTCOME_REVERTED; status++) {
        if (str_eq(wanted, str_of(outcome_status_name((enum outcome_status)status)))) {
            out->outcome = status;
            return FM_OK;
        }
    }
    out->outcome = OUTCOME_UNKNOWN;
    return str_eq(wanted, S("unknown")) ? FM_OK
                                        : fail_at(&call->ctx, FM_E_INVALID_ARGUMENT, S("/outcome"),
                                                  "succeeded, failed, reverted, or unknown");
}

static enum fm_err read_filter(struct call *call, struct filter *out)
{
    struct id id;
    bool present, decided;
    const struct agent *agent;

    TRY(query_allow(call, "status action category agent queue q limit cursor decided_by outcome"));
    *out = (struct filter){.status = http_query(call->request, "status"),
                           .action = http_query(call->request, "action"),
                           .category = http_query(call->request, "category"),
                           .queue = http_query(call->request, "queue"),
                           .q = http_query(call->request, "q")};
    if (out->status.n && !is_status(out->status)) {
        return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT, S("/status"), "there is no such status");
    }
    TRY(read_outcome(call, out));
    TRY(query_id(call, "agent", ID_AGENT, &id, &present));
    agent = present ? directory_agent_by_id(call->directory, id) : call->caller.agent;
    out->agent = agent ? agent->row : present ? -1 : 0;
    decided = http_query(call->request, "decided_by").n > 0;
    if (decided && (!call->caller.person ||
                    !str_eq(http_query(call->request, "decided_by"), S("me")))) {
        return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT, S("/decided_by"), "must be `me`");
    }
    out->decided_by = decided ? call->caller.person->row : 0;
    return FM_OK;
}

static bool holds(struct str wanted, struct str value)
{
    return !wanted.n || str_eq(wanted, value);
}

static char folded(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* A case-insensitive search in the stored request: ASCII letters fold, the rest compares as it is. */
static bool contains(struct str text, struct str wanted)
{
    char first = folded(wanted.p[0]);

    for (size_t i = 0; wanted.n <= text.n && i <= text.n - wanted.n; i++) {
        if (folded(text.p[i]) == first && strncasecmp(text.p + i, wanted.p, wanted.n) == 0) {
            return true;
        }
    }
    return false;
}

/* In a memory of its own: what does not match must not add up. */
static enum fm_err matches_search(struct call *call, struct filter *filter, const struct proposal *p,
                                  bool *out)
{
    AUTO(arena_done) struct arena *arena = filter->q.n ? arena_new(ITEM_ARENA_MAX) : NULL;
    struct ctx ctx;
    struct str payload;
    enum fm_err err;

    *out = true;
    if (!filter->q.n) {
        return FM_OK;
    }
    if (!arena) {
        return fail_memory(&call->ctx);
    }
    ctx_init(&ctx, arena);
    err = journal_payload(&ctx, call->part->reader, (uint64_t)p->payload, &payload);
    if (err != FM_OK) {
        return fail(&call->ctx, err, "%s", ctx.detail);
    }
    filter->searched += payload.n;
    *out = payload.p && contains(payload, filter->q);
    return FM_OK;
}

static bool matches_outcome(const struct filter *filter, const struct proposal *p)
{
    if (filter->outcome == OUTCOME_UNKNOWN) {
        return p->state == PROPOSAL_REDEEMED && p->redeemed_at < filter->overdue;
    }
    return filter->outcome == OUTCOME_NONE || p->outcome == filter->outcome;
}

static bool matches(const struct call *call, const struct filter *filter, const struct proposal *p)
{
    return holds(filter->status, str_of(proposal_status(p->state))) &&
           holds(filter->action, p->action) && holds(filter->category, p->category) &&
           holds(filter->queue, p->queue) && (!filter->agent || filter->agent == p->agent) &&
           matches_outcome(filter, p) && flow_may_see(call->policy, &call->caller, p);
}

/* Whether the list comes from the index of what has no outcome. */
static bool by_redemption(const struct filter *filter)
{
    return filter->outcome == OUTCOME_UNKNOWN && !filter->decided_by;
}

static enum fm_err start_list(struct call *call, const struct filter *filter, const struct page *page,
                              struct store_rows **rows)
{
    struct store_conn *conn = call->part->reader;
    int64_t before = page->has_cursor ? page->first : INT64_MAX;

    if (filter->decided_by) {
        return store_query(&call->ctx, conn, &SQL_LIST_DECIDER,
                           ARGS(A_INT("$person", filter->decided_by), A_INT("$before", before),
                                A_INT("$row", page->second), A_INT("$max", SCAN_MAX)),
                           rows);
    }
    if (by_redemption(filter)) {
        return store_query(&call->ctx, conn, &SQL_LIST_UNKNOWN,
                           ARGS(A_INT("$due", filter->overdue), A_INT("$before", before),
                                A_INT("$row", page->second), A_INT("$max", SCAN_MAX)),
                           rows);
    }
    if (filter->agent) {
        return store_query(&call->ctx, conn, &SQL_LIST_AGENT,
                           ARGS(A_INT("$agent", filter->agent), A_INT("$before", before),
                                A_INT("$max", SCAN_MAX)),
                           rows);
    }
    return store_query(&call->ctx, conn, &SQL_LIST_ALL,
                       ARGS(A_INT("$before", before), A_INT("$max", SCAN_MAX)), rows);
}

/* Whether the row read last belongs into the list. */
static enum fm_err is_listed(struct call *call, struct filter *filter, bool *out)
{
    *out = matches(call, filter, &call->proposal);
    return *out ? matches_search(call, filter, &call->proposal, out) : FM_OK;
}

static void write_list_cursor(struct json_out *out, const struct filter *filter, bool more,
                              const struct proposal *last)
{
    if (filter->decided_by) {
        page_write_cursor(out, more, last->decided_at, last->row);
    } else if (by_redemption(filter)) {
        page_write_cursor(out, more, last->redeemed_at, last->row);
    } else {
        page_write_cursor(out, more, last->row, 0);
    }
}

/* One page: newest first; ends at the limit, at the size of an answer, or after SCAN_MAX rows or
 * SEARCH_BYTES_MAX (then the cursor goes on from there). That there is more is known when the first one
 * of it was found. */
static enum fm_err write_page(struct call *call, struct filter *filter, const struct page *page,
                              struct buf *body)
{
    struct json_out out = JSON_OUT(body);
    struct store_rows *rows;
    struct view view;
    struct proposal last = {0};
    int64_t count = 0, scanned = 0;
    bool more = false;

    view_of_call(call, call->part->reader, &view);
    call->ctx.err = FM_OK;
    TRY(start_list(call, filter, page, &rows));
    jo_object(&out);
    jo_key(&out, "items");
    jo_array(&out);
    while (!more && filter->searched < SEARCH_BYTES_MAX && rows_next(&call->ctx, rows)) {
        bool listed;
        TRY(proposal_read(&call->ctx, rows, &call->proposal));
        TRY(is_listed(call, filter, &listed));
        more = listed && (count == page->limit || body->n > LIST_BYTES_MAX);
        if (!more) {
            last = call->proposal;
            scanned++;
        }
        if (listed && !more) {
            count++;
            TRY(view_list_item(&view, &out, &call->proposal, view_proposal));
        }
    }
    rows_done(rows);
    jo_array_end(&out);
    more = more || scanned == SCAN_MAX || filter->searched >= SEARCH_BYTES_MAX;
    write_list_cursor(&out, filter, more, &last);
    jo_object_end(&out);
    return call->ctx.err;
}

static enum fm_err render_list(struct call *call, struct store_conn *conn, struct buf *body)
{
    struct filter filter;
    struct page page;

    (void)conn;
    TRY(read_filter(call, &filter));
    TRY(page_read(call, &page));
    return write_page(call, &filter, &page, body);
}

void proposals_list(struct call *call)
{
    call_read(call, render_list, 200);
}

/* --- revise, withdraw, outcome ------------------------------------------------------------------------- */

static enum fm_err run_revise(struct call *call, struct store_conn *conn)
{
    return flow_revise(call->api->flow, &call->ctx, conn, &call->caller, call->id, call->body,
                       &call->proposal);
}

void proposals_revise(struct call *call)
{
    if (!call->body) {
        call_fail(call, fail(&call->ctx, FM_E_INVALID_ARGUMENT, "send `arguments`, `brief` or both"));
        return;
    }
    call_write(call, run_revise, call_render_proposal, 200);
}

static enum fm_err run_withdraw(struct call *call, struct store_conn *conn)
{
    return flow_withdraw(call->api->flow, &call->ctx, conn, &call->caller, call->id,
                         &call->proposal);
}

/* For calls without members: anything in the body is refused by name. */
static bool no_members(struct call *call)
{
    char nothing;
    enum fm_err err = call_bind(call, NULL, 0, &nothing);

    if (err != FM_OK) {
        call_fail(call, err);
    }
    return err == FM_OK;
}

void proposals_withdraw(struct call *call)
{
    if (no_members(call)) {
        call_write(call, run_withdraw, call_render_proposal, 200);
    }
}

struct outcome_body {
    int status;
    struct str detail;
};

static const char *const outcome_choices[] = {"succeeded", "failed", "reverted", NULL};
static const struct json_field outcome_fields[] = {
    {.name = "status", .type = JSON_T_CHOICE, .flags = JSON_F_REQUIRED,
     .offset = offsetof(struct outcome_body, status), .choices = outcome_choices},
    {.name = "detail", .type = JSON_T_STR, .flags = JSON_F_EMPTY,
     .offset = offsetof(struct outcome_body, detail), .max = OUTCOME_DETAIL_MAX},
};

static enum fm_err run_outcome(struct call *call, struct store_conn *conn)
{
    const struct outcome_body *in = call->in;

    return flow_outcome(call->api->flow, &call->ctx, conn, &call->caller, call->id,
                        (enum outcome_status)(OUTCOME_SUCCEEDED + in->status), in->detail,
                        &call->proposal);
}

void proposals_outcome(struct call *call)
{
    struct outcome_body *in = call_input(call, sizeof(*in));
    enum fm_err err = in ? call_bind(call, outcome_fields, COUNT_OF(outcome_fields), in) : FM_OK;

    if (err != FM_OK) {
        call_fail(call, err);
    } else if (in) {
        call_write(call, run_outcome, call_render_proposal, 200);
    }
}

/* --- permits ------------------------------------------------------------------------------------------- */

struct redeem_body {
    struct str permit;
    const struct json *arguments;
};

static const struct json_field redeem_fields[] = {
    {.name = "permit", .type = JSON_T_STR, .flags = JSON_F_REQUIRED,
     .offset = offsetof(struct redeem_body, permit), .max = PERMIT_BYTES_MAX},
    {.name = "arguments", .type = JSON_T_OBJECT, .flags = JSON_F_REQUIRED,
     .offset = offsetof(struct redeem_body, arguments)},
};

struct redeem_input {
    struct redeem_body body;
    struct permit_claims claims;
    struct hash arguments;
};

static enum fm_err run_redeem(struct call *call, struct store_conn *conn)
{
    const struct redeem_input *in = call->in;

    return flow_redeem(call->api->flow, &call->ctx, conn, &call->caller, &in->claims,
                       in->arguments, &call->proposal);
}

static enum fm_err render_redeemed(struct call *call, struct store_conn *conn, struct buf *body)
{
    const struct redeem_input *in = call->in;
    struct json_out out = JSON_OUT(body);

    (void)conn;
    jo_object(&out);
    jo_m_id(&out, "proposal", ID_PROPOSAL, call->proposal.id);
    jo_m_str(&out, "action", call->proposal.action);
    jo_m_id(&out, "decision", ID_DECISION, call->proposal.decision);
    jo_m_int(&out, "revision", call->proposal.revision);
    jo_m_time(&out, "redeemed_at", call->proposal.redeemed_at);
    jo_key(&out, "arguments");
    jo_value(&out, in->body.arguments);
    jo_object_end(&out);
    return FM_OK;
}

static enum fm_err read_redeem(struct call *call, struct redeem_input *in)
{
    TRY(call_bind(call, redeem_fields, COUNT_OF(redeem_fields), &in->body));
    TRY(permit_read(&call->ctx, flow_issuer(call->api->flow), in->body.permit, &in->claims));
    return intake_check_arguments(&call->ctx, in->body.arguments, &in->arguments);
}

void permits_redeem(struct call *call)
{
    struct redeem_input *in = call_input(call, sizeof(*in));
    enum fm_err err = in ? read_redeem(call, in) : FM_OK;

    if (err != FM_OK) {
        call_fail(call, err);
    } else if (in) {
        call_write(call, run_redeem, render_redeemed, 200);
    }
}
