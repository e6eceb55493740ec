/* SPDX-License-Identifier: Apache-2.0
 *
 * Edge cases: what people rejected, modified or returned, grouped by what was wrong, so that
 * somebody can write a rule for it.
 */
#include "base/map.h"
#include "insights/insights.h"
#include "proposal/proposal.h"

#include <stdlib.h>

#define DECISION_ARENA_MAX (16 * MIB) /* arguments of 256 KiB, and every change of them */

SQL(SQL_CORRECTED,
    "SELECT p.id, p.agent, p.action, p.category, p.verdict, p.payload, p.created_at, d.body"
    " FROM proposals p LEFT JOIN payloads d ON d.idx = p.decision_leaf"
    " WHERE p.verdict > 1 AND p.decided_by IS NOT NULL AND p.decided_at >= $since AND p.state >= 3"
    " ORDER BY p.decided_at DESC LIMIT $max");

struct grouping {
    struct ctx *ctx;
    struct arena *scratch; /* of one decision */
    struct map *map;       /* category, reason code, pointer -> struct edge_case in `out` */
    struct edge_cases *out;
};

static struct str keep(struct grouping *g, struct str text)
{
    return text.p ? arena_copy(g->ctx->arena, text) : STR_NONE;
}

/* The group of these three; NULL beyond EDGE_CASE_GROUPS_MAX. */
static enum fm_err group_of(struct grouping *g, struct str category, struct str code,
                            struct str pointer, struct edge_case **out)
{
    struct str key = arena_printf(g->ctx->arena, "%.*s\n%.*s\n%.*s", STR_ARG(category),
                                  STR_ARG(code), STR_ARG(pointer));
    struct edge_case *group;

    if (!key.p) {
        return fail_memory(g->ctx);
    }
    *out = map_find(g->map, key);
    if (*out) {
        return FM_OK;
    }
    if (g->out->count == EDGE_CASE_GROUPS_MAX) {
        g->out->left_out = true;
        return FM_OK;
    }
    group = &g->out->groups[g->out->count++];
    *group = (struct edge_case){
        .category = keep(g, category), .reason_code = keep(g, code), .pointer = keep(g, pointer)};
    *out = group;
    return group->category.p && (group->reason_code.p || !code.p) &&
                   (group->pointer.p || !pointer.p) && map_put(g->map, key, group)
               ? FM_OK
               : fail_memory(g->ctx);
}

static enum fm_err count_into(struct grouping *g, struct store_rows *rows, struct edge_case *group)
{
    int64_t verdict = rows_int(rows, 4);
    struct edge_case_example *example;

    group->rejected += verdict == DECISION_REJECT;
    group->modified += verdict == DECISION_MODIFY;
    group->returned += verdict == DECISION_RETURN;
    if (group->example_count == EDGE_CASE_EXAMPLES_MAX) {
        return FM_OK;
    }
    example = &group->examples[group->example_count++];
    *example = (struct edge_case_example){.id = rows_id(rows, 0),
                                          .agent = rows_int(rows, 1),
                                          .payload = rows_int(rows, 5),
                                          .action = keep(g, rows_bytes(rows, 2)),
                                          .created_at = rows_int(rows, 6)};
    return example->action.p ? FM_OK : fail_memory(g->ctx);
}

static enum fm_err add(struct grouping *g, struct store_rows *rows, struct str code,
                       struct str pointer)
{
    struct edge_case *group;

    TRY(group_of(g, rows_bytes(rows, 3), code, pointer, &group));
    return group ? count_into(g, rows, group) : FM_OK;
}

/* A proposal counts in a group for each member that was changed, or in one without. A decision
 * that was erased has no reason any more. */
static enum fm_err add_row(struct grouping *g, struct store_rows *rows)
{
    struct str body = rows_bytes(rows, 7), code;
    const struct json *decision = NULL, *changed;
    uint32_t count;
    struct ctx own;

    ctx_init(&own, g->scratch);
    arena_reset(g->scratch);
    if (body.p && json_parse(&own, body, &JSON_LIMITS_WIRE, &decision) != FM_OK) {
        return fail(g->ctx, FM_E_INTERNAL, "a decision cannot be read: %s", own.detail);
    }
    code = json_text(json_get(decision, S("reason_code")));
    changed = json_get(decision, S("changed"));
    count = changed && changed->kind == JSON_ARRAY ? changed->count : 0;
    for (uint32_t i = 0; i < count; i++) {
        TRY(add(g, rows, code, json_text(json_get(&changed->as.items[i], S("pointer")))));
    }
    return count ? FM_OK : add(g, rows, code, STR_NONE);
}

static int64_t size_of(const struct edge_case *group)
{
    return group->rejected + group->modified + group->returned;
}

static int by_size(const void *left, const void *right)
{
    const struct edge_case *a = left, *b = right;
    int order = str_cmp(a->category, b->category);

    if (size_of(a) != size_of(b)) {
        return size_of(a) > size_of(b) ? -1 : 1;
    }
    return order ? order : str_cmp(a->pointer, b->pointer);
}

static enum fm_err group_rows(struct grouping *g, struct store_conn *conn, int64_t since_us)
{
    struct store_rows *rows;
    enum fm_err err = FM_OK;

    g->ctx->err = FM_OK;
    TRY(store_query(g->ctx, conn, &SQL_CORRECTED,
                    ARGS(A_INT("$since", since_us), A_INT("$max", EDGE_CASES_EXAMINED_MAX + 1)),
                    &rows));
    while (err == FM_OK && rows_next(g->ctx, rows)) {
        if (g->out->examined == EDGE_CASES_EXAMINED_MAX) {
            g->out->left_out = true;
            break;
        }
        g->out->examined++;
        err = add_row(g, rows);
    }
    rows_done(rows);
    return err == FM_OK ? g->ctx->err : err;
}

enum fm_err insights_edge_cases(struct ctx *ctx, struct store_conn *conn, int64_t since_us,
                                struct edge_cases *out)
{
    struct grouping g = {
        .ctx = ctx, .scratch = arena_new(DECISION_ARENA_MAX), .map = map_new(), .out = out};
    enum fm_err err;

    *out = (struct edge_cases){
        .groups = arena_zalloc(ctx->arena, EDGE_CASE_GROUPS_MAX, sizeof(*out->groups))};
    err = g.scratch && g.map && out->groups ? group_rows(&g, conn, since_us) : fail_memory(ctx);
    map_free(g.map);
    arena_free(g.scratch);
    if (err == FM_OK) {
        qsort(out->groups, out->count, sizeof(*out->groups), by_size);
    }
    return err;
}

void insights_edge_case_write(struct json_out *out, const struct edge_case *group)
{
    jo_object(out);
    jo_m_str(out, "category", group->category);
    jo_m_str(out, "reason_code", group->reason_code);
    jo_m_str(out, "pointer", group->pointer);
    jo_m_int(out, "count", group->rejected + group->modified + group->returned);
    jo_m_int(out, "rejected", group->rejected);
    jo_m_int(out, "modified", group->modified);
    jo_m_int(out, "returned", group->returned);
    jo_key(out, "examples");
    jo_array(out);
    for (size_t i = 0; i < group->example_count; i++) {
        char id[ID_TEXT_MAX];
        jo_str(out, id_format(ID_PROPOSAL, group->examples[i].id, id));
    }
    jo_array_end(out);
}
