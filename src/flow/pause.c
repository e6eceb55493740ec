/* SPDX-License-Identifier: Apache-2.0
 *
 * Pauses: one person stops everything, an agent, an action or a category, at once; two let it go
 * on.
 *
 * What is paused is asked on the committer's thread only, where all submissions, decisions,
 * releases and redemptions run. So a pause that was acknowledged holds for every command behind it.
 *
 * 1. The set in memory changes only after COMMIT, by reading it again: what was rolled back
 *    leaves nothing.
 * 2. A set that cannot be read ends the process: a pause must not be lost silently.
 */
#include "flow/flow_internal.h"

#include "base/panic.h"

#include <stdio.h>
#include <stdlib.h>

#define PAUSES_MAX 100 /* open at once; one that covers everything always has room */
#define RESUMES    (ROLE_BIT(ROLE_LEAD) | ROLE_BIT(ROLE_POLICY))

#define COLUMNS "row, id, covers, name, reason, by, at, resume_by, resume_at, ended_by, ended_at"
SQL(SQL_OPEN, "SELECT " COLUMNS " FROM pauses WHERE ended_at IS NULL AND row < $before"
              " ORDER BY row DESC LIMIT $max");
SQL(SQL_ALL, "SELECT " COLUMNS " FROM pauses WHERE row < $before ORDER BY row DESC LIMIT $max");
SQL(SQL_FIND, "SELECT " COLUMNS " FROM pauses WHERE id = $id");
SQL(SQL_COUNT, "SELECT count(*) FROM pauses WHERE ended_at IS NULL");
SQL(SQL_ADD, "INSERT INTO pauses(id, covers, name, reason, by, at)"
             " VALUES($id, $covers, $name, $reason, $by, $at)");
SQL(SQL_ASK, "UPDATE pauses SET resume_by = $by, resume_at = $at WHERE row = $row");
SQL(SQL_END, "UPDATE pauses SET ended_by = $by, ended_at = $at WHERE row = $row");

static const char *const covers_names[] = {"everything", "agent", "action", "category"};

const char *pause_covers_name(enum pause_covers covers)
{
    return covers_names[covers];
}

/* --- rows ------------------------------------------------------------------------------------- */

static void read_row(struct store_rows *rows, struct pause *out)
{
    *out = (struct pause){.row = rows_int(rows, 0),
                          .id = rows_id(rows, 1),
                          .covers = (enum pause_covers)(rows_int(rows, 2) & 3),
                          .name = rows_bytes(rows, 3),
                          .reason = rows_bytes(rows, 4),
                          .by = rows_id(rows, 5),
                          .at_us = rows_int(rows, 6),
                          .resume_by = rows_id(rows, 7),
                          .resume_at_us = rows_int(rows, 8),
                          .ended_by = rows_id(rows, 9),
                          .ended_at_us = rows_int(rows, 10)};
}

enum fm_err pause_rows(struct ctx *ctx, struct store_conn *conn, bool ended, int64_t before,
                       int64_t max,
                       void (*visit)(void *with, const struct pause *pause), void *with)
{
    struct store_rows *rows;

    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, ended ? &SQL_ALL : &SQL_OPEN,
                    ARGS(A_INT("$before", before), A_INT("$max", max)), &rows));
    while (rows_next(ctx, rows)) {
        struct pause pause;
        read_row(rows, &pause);
        visit(with, &pause);
    }
    return ctx->err;
}

enum fm_err pause_find(struct ctx *ctx, struct store_conn *conn, struct id id, struct pause *out)
{
    struct store_rows *rows;

    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_FIND, ARGS(A_ID("$id", &id)), &rows));
    if (!rows_next(ctx, rows)) {
        return ctx->err ? ctx->err : fail(ctx, FM_E_NOT_FOUND, "there is no such pause");
    }
    read_row(rows, out);
    out->name = arena_copy(ctx->arena, out->name);
    out->reason = arena_copy(ctx->arena, out->reason);
    rows_done(rows);
    return FM_OK;
}

/* --- what is paused now ----------------------------------------------------------------------- */

struct reading {
    struct flow *flow;
    const struct directory *directory;
    bool short_of_memory;
};

static void keep_pause(void *with, const struct pause *pause)
{
    struct reading *reading = with;
    struct flow *flow = reading->flow;
    struct paused *more = realloc(flow->paused, (flow->paused_count + 1) * sizeof(*more));
    const struct agent *agent = NULL;

    if (!more) {
        reading->short_of_memory = true;
        return;
    }
    if (pause->covers == PAUSE_AGENT) {
        agent = directory_agent(reading->directory, pause->name);
    }
    flow->paused = more;
    more += flow->paused_count++;
    *more = (struct paused){.covers = pause->covers, .agent = agent ? agent->row : 0};
    (void)snprintf(more->name, sizeof(more->name), "%.*s", STR_ARG(pause->name));
}

enum fm_err pauses_load(struct flow *flow, struct ctx *ctx, struct store_conn *conn)
{
    struct reading reading = {flow, directory_keep(), false};
    enum fm_err err;

    flow->paused_count = 0;
    err = pause_rows(ctx, conn, false, INT64_MAX, INT64_MAX, keep_pause, &reading);
    directory_drop(reading.directory);
    TRY(reading.short_of_memory ? fail_memory(ctx) : err);
    return restored_load(flow, ctx, conn);
}

void flow_reload_pauses(struct flow *flow, struct store_conn *conn)
{
    AUTO(arena_done) struct arena *arena = NULL;
    struct ctx ctx;

    if (!flow->pauses_changed) {
        return;
    }
    flow->pauses_changed = false;
    arena = arena_new(MIB);
    ASSERT(arena != NULL);
    ctx_init(&ctx, arena);
    if (pauses_load(flow, &ctx, conn) != FM_OK) { /* invariant 2 */
        PANIC("the pauses cannot be read: %s", ctx.detail);
    }
}

static bool covers(const struct paused *paused, int64_t agent, struct str action,
                   struct str category)
{
    switch (paused->covers) {
    case PAUSE_ALL:
        return true;
    case PAUSE_AGENT:
        return paused->agent == agent;
    case PAUSE_ACTION:
        return str_eq(action, str_of(paused->name));
    case PAUSE_CATEGORY:
        return str_eq(category, str_of(paused->name));
    }
    return true;
}

static const struct paused *find_paused(const struct flow *flow, int64_t agent, struct str action,
                                        struct str category)
{
    for (size_t i = 0; i < flow->paused_count; i++) {
        if (covers(&flow->paused[i], agent, action, category)) {
            return &flow->paused[i];
        }
    }
    return NULL;
}

static struct str sentence(struct ctx *ctx, const struct paused *paused)
{
    switch (paused->covers) {
    case PAUSE_AGENT:
        return S("The agent is paused by a person: everything it proposes is held");
    case PAUSE_ACTION:
        return arena_printf(ctx->arena, "%s is paused by a person", paused->name);
    case PAUSE_CATEGORY:
        return arena_printf(ctx->arena, "The category %s is paused by a person", paused->name);
    case PAUSE_ALL:
        break;
    }
    return S("Everything is paused by a person");
}

bool pause_reason(struct flow *flow, struct ctx *ctx, const struct proposal *proposal,
                  struct assess_reason *out)
{
    const struct paused *paused =
        find_paused(flow, proposal->agent, proposal->action, proposal->category);

    if (!paused) {
        return false;
    }
    *out = (struct assess_reason){
        .source = "pause", .verdict = VERDICT_REVIEW, .text = sentence(ctx, paused)};
    return true;
}

bool pause_holds(struct flow *flow, struct ctx *ctx, const struct proposal *proposal,
                 struct assess_reason *out)
{
    return pause_reason(flow, ctx, proposal, out) || restored_reason(flow, out);
}

enum fm_err pause_refuse(struct flow *flow, struct ctx *ctx, const struct proposal *proposal,
                         const char *what)
{
    struct assess_reason reason;

    if (!pause_reason(flow, ctx, proposal, &reason)) {
        return FM_OK;
    }
    return fail(ctx, FM_E_PAUSED, "%.*s; %s", STR_ARG(reason.text), what);
}

/* --- pausing and going on --------------------------------------------------------------------- */

static enum fm_err record(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                          enum journal_kind kind, struct actor by, const struct pause *pause,
                          bool alone)
{
    AUTO(buf_done) struct buf data = BUF_INIT(2 * KIB);
    AUTO(buf_done) struct buf payload = BUF_INIT(64 * KIB);
    struct json_out leaf = JSON_OUT(&data), erasable = JSON_OUT(&payload);
    uint64_t index;
    struct id event;

    if (alone) {
        jo_m_bool(&leaf, "alone", true);
    }
    jo_m_str(&leaf, "covers", str_of(covers_names[pause->covers]));
    jo_m_id(&leaf, "pause", ID_PAUSE, pause->id);
    jo_object(&erasable);
    jo_m_str(&erasable, "name", pause->name);
    jo_m_str(&erasable, "reason", pause->reason);
    jo_object_end(&erasable);
    TRY(journal_append_event(ctx, conn,
                             &(struct journal_event){.kind = kind,
                                                     .by = by,
                                                     .previous = -1,
                                                     .at_us = clock_now_us(),
                                                     .data = buf_str(&data),
                                                     .payload = buf_str(&payload)},
                             &index, &event));
    if (flow) {
        flow->pauses_changed = true;
        flow_note(flow, kind, &(struct proposal){.last_event = event, .last_leaf = (int64_t)index},
                  clock_now_us());
    }
    return FM_OK;
}

static enum fm_err check_room(struct ctx *ctx, struct store_conn *conn, enum pause_covers what)
{
    int64_t open;

    TRY(store_int(ctx, conn, &SQL_COUNT, NO_ARGS, 0, &open));
    if (open >= PAUSES_MAX && what != PAUSE_ALL) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "%d things are paused already: pause everything",
                    PAUSES_MAX);
    }
    return FM_OK;
}

enum fm_err flow_pause(struct flow *flow, struct ctx *ctx, struct store_conn *conn, struct actor by,
                       struct pause *pause)
{
    TRY(check_room(ctx, conn, pause->covers));
    pause->id = id_new();
    pause->by = by.id;
    pause->at_us = clock_now_us();
    TRY(store_exec(ctx, conn, &SQL_ADD,
                   ARGS(A_ID("$id", &pause->id), A_INT("$covers", pause->covers),
                        A_TEXT("$name", pause->name), A_TEXT("$reason", pause->reason),
                        A_ID("$by", &pause->by), A_INT("$at", pause->at_us))));
    pause->row = store_last_rowid(conn);
    return record(flow, ctx, conn, JOURNAL_PAUSE_STARTED, by, pause, false);
}

/* Whether whoever asked first may still let things go on; the operator always may. */
static bool asker_stands(struct id asker)
{
    const struct directory *directory = directory_keep();
    const struct person *person = directory_person_by_id(directory, asker);
    bool stands = id_is_zero(asker) || (person && (person->roles & RESUMES));

    directory_drop(directory);
    return stands;
}

static void count_resumer(void *with, const struct person *person)
{
    *(size_t *)with += (person->roles & RESUMES) != 0;
}

/* Nobody else could agree, nor ever could: who makes the second go must gain nothing by it. */
static enum fm_err is_alone(struct ctx *ctx, struct store_conn *conn, struct actor by, bool *out)
{
    const struct directory *directory = directory_keep();
    size_t count = 0;
    bool two;

    directory_each_person(directory, count_resumer, &count);
    directory_drop(directory);
    TRY(people_have_been_two(ctx, conn, TWO_RESUME, &two));
    *out = !two && count == (by.kind == ACTOR_REVIEWER ? 1 : 0);
    return FM_OK;
}

static enum fm_err ask(struct flow *flow, struct ctx *ctx, struct store_conn *conn, struct actor by,
                       struct pause *pause)
{
    pause->resume_by = by.id;
    pause->resume_at_us = clock_now_us();
    TRY(store_exec(
        ctx, conn, &SQL_ASK,
        ARGS(A_ID("$by", &by.id), A_INT("$at", pause->resume_at_us), A_INT("$row", pause->row))));
    return record(flow, ctx, conn, JOURNAL_PAUSE_RESUME_ASKED, by, pause, false);
}

enum fm_err flow_resume(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                        struct actor by, struct id id, struct pause *pause)
{
    bool alone, asked;

    TRY(is_alone(ctx, conn, by, &alone));
    TRY(pause_find(ctx, conn, id, pause));
    if (pause->ended_at_us) {
        return FM_OK; /* the wish is fulfilled */
    }
    asked = pause->resume_at_us && asker_stands(pause->resume_by);
    if (!alone && asked && id_eq(pause->resume_by, by.id)) {
        return FM_OK; /* it still takes somebody else */
    }
    if (!alone && !asked) {
        return ask(flow, ctx, conn, by, pause);
    }
    pause->ended_by = by.id;
    pause->ended_at_us = clock_now_us();
    TRY(store_exec(
        ctx, conn, &SQL_END,
        ARGS(A_ID("$by", &by.id), A_INT("$at", pause->ended_at_us), A_INT("$row", pause->row))));
    return record(flow, ctx, conn, JOURNAL_PAUSE_ENDED, by, pause, alone);
}
