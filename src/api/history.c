/* SPDX-License-Identifier: Apache-2.0
 *
 * What has become of a proposal so far: the chain of its leaves, and colleagues' notes.
 */
#include "api/api_internal.h"

#define TIMELINE_MAX 200 /* newest events shown */
#define COMMENTS_MAX 100 /* newest notes shown: with all escapes they fit into an answer */

SQL(SQL_LEAF, "SELECT previous, entry FROM log_entries WHERE idx = $idx");
SQL(SQL_COMMENTS, "SELECT c.id, c.person, c.at, p.body FROM (SELECT * FROM comments"
                  " WHERE proposal = $proposal ORDER BY row DESC LIMIT $max) c"
                  " LEFT JOIN payloads p ON p.idx = c.leaf ORDER BY c.row");

struct leaf {
    int64_t index, previous;
    struct str entry;
};

/* Follows the chain backwards: the newest first. */
static enum fm_err read_chain(const struct view *view, const struct proposal *p, struct leaf *leaves,
                              size_t *count)
{
    struct store_rows *rows;
    int64_t index = p->last_leaf;

    for (*count = 0; index >= 0 && *count < TIMELINE_MAX; (*count)++) {
        struct leaf *leaf = &leaves[*count];
        view->ctx->err = FM_OK;
        TRY(store_query(view->ctx, view->conn, &SQL_LEAF, ARGS(A_INT("$idx", index)), &rows));
        if (!rows_next(view->ctx, rows)) {
            return view->ctx->err;
        }
        leaf->index = index;
        leaf->previous = rows_is_null(rows, 0) ? -1 : rows_int(rows, 0);
        leaf->entry = arena_copy(view->ctx->arena, rows_bytes(rows, 1));
        rows_done(rows);
        index = leaf->previous < index ? leaf->previous : -1; /* a chain only ever goes back */
    }
    return FM_OK;
}

static struct str name_of(const struct view *view, struct str id)
{
    struct id parsed;
    const struct person *person = NULL;
    const struct agent *agent = NULL;

    if (id_parse(ID_PERSON, id, &parsed)) {
        person = directory_person_by_id(view->directory, parsed);
    } else if (id_parse(ID_AGENT, id, &parsed)) {
        agent = directory_agent_by_id(view->directory, parsed);
    }
    return person ? person->name : agent ? agent->name : STR_NONE;
}

/* What was written with a decision: of those that were undone or answered, only the log still has it. */
static enum fm_err write_reason(const struct view *view, struct json_out *out,
                                const struct leaf *leaf)
{
    struct str payload;
    const struct json *content = NULL;

    TRY(journal_payload(view->ctx, view->conn, (uint64_t)leaf->index, &payload));
    if (payload.p) {
        TRY(json_parse(view->ctx, payload, &JSON_LIMITS_WIRE, &content));
    }
    jo_key(out, "reason");
    jo_value(out, json_get(content, S("reason")));
    return FM_OK;
}

static enum fm_err write_event(const struct view *view, struct json_out *out,
                               const struct leaf *leaf, const struct json *entry)
{
    const struct json *by = json_get(entry, S("by"));
    struct str by_id = json_text(json_get(by, S("id")));
    struct str kind = json_text(json_get(entry, S("kind")));

    jo_object(out);
    jo_m_str(out, "id", json_text(json_get(entry, S("id"))));
    jo_m_str(out, "type", kind);
    jo_m_str(out, "at", json_text(json_get(entry, S("at"))));
    jo_key(out, "by");
    jo_object(out);
    jo_m_str(out, "kind", json_text(json_get(by, S("kind"))));
    jo_m_str(out, "id", by_id);
    jo_m_str(out, "name", name_of(view, by_id));
    jo_object_end(out);
    jo_key(out, "data");
    jo_value(out, json_get(entry, S("data")));
    if (str_eq(kind, str_of(journal_kind_name(JOURNAL_PROPOSAL_DECIDED)))) {
        TRY(write_reason(view, out, leaf));
    }
    jo_key(out, "log");
    jo_object(out);
    jo_m_int(out, "index", leaf->index);
    jo_object_end(out);
    jo_object_end(out);
    return FM_OK;
}

enum fm_err view_timeline(const struct view *view, struct json_out *out, const struct proposal *p)
{
    struct leaf *leaves = arena_zalloc(view->ctx->arena, TIMELINE_MAX, sizeof(*leaves));
    size_t count;

    if (!leaves) {
        return fail_memory(view->ctx);
    }
    TRY(read_chain(view, p, leaves, &count));
    jo_array(out);
    while (count-- > 0) {
        const struct json *entry;
        TRY(json_parse(view->ctx, leaves[count].entry, &JSON_LIMITS_WIRE, &entry));
        TRY(write_event(view, out, &leaves[count], entry));
    }
    jo_array_end(out);
    return FM_OK;
}

enum fm_err view_comments(const struct view *view, struct json_out *out, const struct proposal *p)
{
    struct store_rows *rows;

    view->ctx->err = FM_OK;
    TRY(store_query(view->ctx, view->conn, &SQL_COMMENTS,
                    ARGS(A_INT("$proposal", p->row), A_INT("$max", COMMENTS_MAX)), &rows));
    jo_array(out);
    while (rows_next(view->ctx, rows)) {
        const struct person *person = directory_person_by_row(view->directory, rows_int(rows, 1));
        jo_object(out);
        jo_m_id(out, "id", ID_COMMENT, rows_id(rows, 0));
        jo_key(out, "by");
        jo_object(out);
        jo_m_id(out, "id", ID_PERSON, person ? person->id : (struct id){{0}});
        jo_m_str(out, "name", person ? person->name : STR_NONE);
        jo_object_end(out);
        jo_m_time(out, "at", rows_int(rows, 2));
        jo_m_str(out, "text", rows_bytes(rows, 3));
        jo_object_end(out);
    }
    jo_array_end(out);
    return view->ctx->err;
}
