/* SPDX-License-Identifier: Apache-2.0
 *
 * What auditors read: the log's entries, proofs, evidence bundles, the completeness report.
 */
#include "api/api_internal.h"

#include <strings.h>

#define PROOF_BYTES_MAX TLOG_PROOF_FILE_MAX

/* --- entries ---------------------------------------------------------------------------------- */

struct entries {
    struct page page;
    uint64_t first;
    struct json_out out;
};

static enum fm_err write_entry(void *with, uint64_t index, struct str entry)
{
    struct entries *in = with;
    struct hash hash = tlog_leaf_hash(entry);

    jo_object(&in->out);
    jo_m_int(&in->out, "index", (int64_t)index);
    jo_m_hex(&in->out, "hash", hash_str(&hash));
    jo_m_raw(&in->out, "entry", entry);
    jo_object_end(&in->out);
    return FM_OK;
}

SQL(SQL_SIZE, "SELECT size FROM log_head");

static enum fm_err render_entries(struct call *call, struct store_conn *conn, struct buf *body)
{
    struct entries *in = call->in;
    int64_t size, left, count;

    TRY(store_int(&call->ctx, conn, &SQL_SIZE, NO_ARGS, 0, &size));
    left = size > (int64_t)in->first ? size - (int64_t)in->first : 0;
    count = left < in->page.limit ? left : in->page.limit;
    in->out = (struct json_out)JSON_OUT(body);
    jo_object(&in->out);
    jo_key(&in->out, "items");
    jo_array(&in->out);
    TRY(journal_each_entry(&call->ctx, conn, in->first, (size_t)count, write_entry, in));
    jo_array_end(&in->out);
    jo_m_int(&in->out, "size", size);
    page_write_cursor(&in->out, count < left, (int64_t)in->first + count, 0);
    jo_object_end(&in->out);
    return FM_OK;
}

static enum fm_err read_entries_query(struct call *call, struct entries *in)
{
    struct str from = http_query(call->request, "from");

    TRY(query_allow(call, "limit cursor from"));
    TRY(page_read(call, &in->page));
    in->first = (uint64_t)in->page.first;
    if (from.p &&
        (in->page.has_cursor || !str_to_u64(from, &in->first) || in->first > TLOG_SIZE_MAX)) {
        return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT, S("/from"),
                       "from is the index of an entry, and is not used together with cursor");
    }
    return FM_OK;
}

void audit_entries(struct call *call)
{
    struct entries *in = call_input(call, sizeof(*in));
    enum fm_err err;

    if (!in) {
        return;
    }
    err = read_entries_query(call, in);
    if (err != FM_OK) {
        call_fail(call, err);
        return;
    }
    call_read(call, render_entries, 200);
}

/* --- proofs and bundles ----------------------------------------------------------------------- */

static enum fm_err render_proof(struct call *call, struct store_conn *conn, struct buf *body)
{
    TRY(query_allow(call, ""));
    return insights_proof(&call->ctx, conn, call->number, PROOF_ENTRY, body);
}

void audit_proof(struct call *call)
{
    AUTO(buf_done) struct buf body = BUF_INIT(PROOF_BYTES_MAX);

    if (call_render(call, render_proof, &body)) {
        call_answer_text(call, "text/plain; charset=utf-8", &body);
    }
}

static enum fm_err render_bundle(struct call *call, struct store_conn *conn, struct buf *body)
{
    AUTO(buf_done) struct buf vkey = BUF_INIT(KIB);

    journal_vkey(call->api->config.journal, &vkey);
    return insights_bundle(&call->ctx, conn, call->id, buf_str(&vkey), body);
}

static enum fm_err render_page(struct call *call, struct store_conn *conn, struct buf *body)
{
    AUTO(buf_done) struct buf bundle = BUF_INIT(API_ANSWER_MAX);

    TRY(render_bundle(call, conn, &bundle));
    return insights_bundle_page(&call->ctx, buf_str(&bundle), body);
}

/* A browser asks for text/html first; everybody else gets what programs read. */
static bool accepts_html(struct call *call)
{
    struct str rest = http_header(call->request, "Accept");

    while (rest.n) {
        struct str one = str_split(&rest, ',');
        while (one.n && one.p[0] == ' ') {
            one = str_skip(one, 1);
        }
        if (one.n >= 9 && strncasecmp(one.p, "text/html", 9) == 0) {
            return true;
        }
        if (one.n >= 16 && strncasecmp(one.p, "application/json", 16) == 0) {
            return false;
        }
    }
    return false;
}

static enum fm_err read_format(struct call *call, bool *is_html)
{
    struct str format = http_query(call->request, "format");

    TRY(query_allow(call, "format"));
    *is_html = format.p ? str_eq(format, S("html")) : accepts_html(call);
    if (format.p && !*is_html && !str_eq(format, S("json"))) {
        return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT, S("/format"), "format is json or html");
    }
    return FM_OK;
}

void audit_bundle(struct call *call)
{
    static const struct http_header_line headers[] = {
        {"Content-Type", STR("text/html; charset=utf-8")},
        {"Content-Security-Policy",
         STR("default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
             "frame-ancestors 'none'; sandbox")},
        {"Referrer-Policy", STR("no-referrer")},
        {"Vary", STR("Accept, Authorization, Cookie")},
    };
    AUTO(buf_done) struct buf body = BUF_INIT(API_ANSWER_MAX);
    bool is_html;
    enum fm_err err = read_format(call, &is_html);

    if (err != FM_OK) {
        call_fail(call, err);
    } else if (!is_html) {
        call_read(call, render_bundle, 200);
    } else if (call_render(call, render_page, &body)) {
        call_answer_as(call, headers, COUNT_OF(headers), &body);
    }
}

/* --- completeness ----------------------------------------------------------------------------- */

struct completeness {
    struct completeness_query query;
    struct json_out out;
    int64_t lacking;
};

static enum fm_err write_item(void *with, const struct completeness_item *item)
{
    struct completeness *in = with;

    insights_completeness_write(&in->out, item);
    in->lacking += item->lacks_person;
    return FM_OK;
}

static enum fm_err render_completeness(struct call *call, struct store_conn *conn, struct buf *body)
{
    struct completeness *in = call->in;
    struct completeness_answer answer;

    in->out = (struct json_out)JSON_OUT(body);
    jo_object(&in->out);
    jo_m_time(&in->out, "from", in->query.from_us);
    jo_m_time(&in->out, "to", in->query.to_us);
    jo_key(&in->out, "items");
    jo_array(&in->out);
    TRY(insights_completeness(&call->ctx, conn, &in->query, write_item, in, &answer));
    jo_array_end(&in->out);
    jo_m_int(&in->out, "released_without_person", in->lacking);
    jo_m_id(&in->out, "next_cursor", ID_PROPOSAL, answer.is_last ? (struct id){{0}} : answer.last);
    jo_object_end(&in->out);
    return FM_OK;
}

static enum fm_err read_period(struct call *call, struct completeness_query *query)
{
    struct str from = http_query(call->request, "from"), to = http_query(call->request, "to");

    if (!from.p || !insights_period_parse(from, false, &query->from_us)) {
        return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT, S("/from"),
                       "from is a date or a time: 2026-11-01, or 2026-11-01T08:00:00Z");
    }
    if (!to.p || !insights_period_parse(to, true, &query->to_us) ||
        query->to_us <= query->from_us) {
        return fail_at(&call->ctx, FM_E_INVALID_ARGUMENT, S("/to"),
                       "to is a date (its whole day counts) or a time, behind from");
    }
    return FM_OK;
}

static enum fm_err read_completeness_query(struct call *call, struct completeness *in)
{
    bool has_cursor;
    int64_t limit;

    TRY(query_allow(call, "from to limit cursor"));
    TRY(read_period(call, &in->query));
    TRY(page_limit(call, &limit));
    in->query.items_max = (size_t)limit;
    return query_id(call, "cursor", ID_PROPOSAL, &in->query.after, &has_cursor);
}

void audit_completeness(struct call *call)
{
    struct completeness *in = call_input(call, sizeof(*in));
    enum fm_err err;

    if (!in) {
        return;
    }
    err = read_completeness_query(call, in);
    if (err != FM_OK) {
        call_fail(call, err);
        return;
    }
    call_read(call, render_completeness, 200);
}
