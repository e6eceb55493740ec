/* SPDX-License-Identifier: Apache-2.0
 *
 * Versions of the policy: candidates, the active one, retired ones. A change that only tightens
 * rules at once; one that loosens waits until a second person activates it, whatever road it came
 * by.
 *
 * It must never let one person loosen the policy where there are two who could.
 *
 * 1. At most one version is active: an index of the store says so.
 * 2. What rules is what the store says is active, also after a restart with another file.
 */
#include "flow/flow_internal.h"

#include "base/panic.h"

#define VERSION_COLUMNS                                                                            \
    "row, id, hash, state, road, proposed_at, proposed_by, activated_at, activated_by, alone, "    \
    "loosened"

SQL(SQL_ACTIVE, "SELECT " VERSION_COLUMNS " FROM policies WHERE state = 1");
SQL(SQL_LAST_FILE,
    "SELECT " VERSION_COLUMNS " FROM policies WHERE road = 0 ORDER BY row DESC LIMIT 1");
SQL(SQL_CANDIDATE_OF, "SELECT " VERSION_COLUMNS " FROM policies WHERE state = 0 AND hash = $hash"
                      " ORDER BY row DESC LIMIT 1");
SQL(SQL_NEWEST_CANDIDATE, "SELECT " VERSION_COLUMNS " FROM policies WHERE state = 0"
                          " ORDER BY row DESC LIMIT 1");
SQL(SQL_BY_ID, "SELECT " VERSION_COLUMNS " FROM policies WHERE id = $id");
SQL(SQL_LIST,
    "SELECT " VERSION_COLUMNS " FROM policies WHERE row < $before ORDER BY row DESC LIMIT $max");
SQL(SQL_SOURCE, "SELECT canonical, source FROM policies WHERE row = $row");
SQL(SQL_ADD,
    "INSERT INTO policies(id, hash, canonical, source, state, road, proposed_at, proposed_by,"
    " activated_at, activated_by, alone, loosened) VALUES($id, $hash, $canonical, $source, $state,"
    " $road, $proposed_at, $proposed_by, $activated_at, $activated_by, $alone, $loosened)");
SQL(SQL_RETIRE, "UPDATE policies SET state = 2 WHERE state = 1");
SQL(SQL_ACTIVATE,
    "UPDATE policies SET state = 1, activated_at = $at, activated_by = $by, alone = $alone"
    " WHERE row = $row");
SQL(SQL_ENDORSE, "UPDATE policies SET proposed_by = $by WHERE row = $row");

const char *policy_state_name(enum policy_state state)
{
    static const char *const names[] = {"candidate", "active", "retired"};

    ASSERT((size_t)state < COUNT_OF(names));
    return names[state];
}

const char *policy_road_name(enum policy_road road)
{
    static const char *const names[] = {"file", "api", "console", "restore"};
    _Static_assert(ROAD_RESTORE == 3, "keep/backup.c says so");

    ASSERT((size_t)road < COUNT_OF(names));
    return names[road];
}

/* Reading ------------------------------------------------------------------------------------ */

static enum fm_err read_version(struct ctx *ctx, struct store_rows *rows,
                                struct policy_version *out)
{
    struct str hash = rows_bytes(rows, 2);

    *out = (struct policy_version){
        .row = rows_int(rows, 0),
        .id = rows_id(rows, 1),
        .state = (enum policy_state)rows_int(rows, 3),
        .road = (enum policy_road)rows_int(rows, 4),
        .proposed_at = rows_int(rows, 5),
        .proposed_by = rows_int(rows, 6),
        .activated_at = rows_int(rows, 7),
        .activated_by = rows_int(rows, 8),
        .alone = rows_int(rows, 9) != 0,
        .loosened = arena_copy(ctx->arena, rows_bytes(rows, 10)),
    };
    if (!hash_from(hash, &out->version) || out->state > POLICY_RETIRED ||
        out->road > ROAD_RESTORE) {
        return fail(ctx, FM_E_INTERNAL, "a version of the policy in no known state");
    }
    return out->loosened.p || rows_is_null(rows, 10) ? FM_OK : fail_memory(ctx);
}

/* The one row of a query; `out->row` is 0 when there is none. */
static enum fm_err find_version(struct ctx *ctx, struct store_conn *conn, const struct sql *sql,
                                const struct sql_arg *args, size_t count,
                                struct policy_version *out)
{
    struct store_rows *rows;
    enum fm_err err = FM_OK;

    *out = (struct policy_version){0};
    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, sql, args, count, &rows));
    if (rows_next(ctx, rows)) {
        err = read_version(ctx, rows, out);
    }
    rows_done(rows);
    return err == FM_OK ? ctx->err : err;
}

enum fm_err flow_version_find(struct ctx *ctx, struct store_conn *conn, struct id id,
                              struct policy_version *out)
{
    TRY(find_version(ctx, conn, &SQL_BY_ID, ARGS(A_ID("$id", &id)), out));
    return out->row ? FM_OK : fail(ctx, FM_E_NOT_FOUND, "there is no such version of the policy");
}

enum fm_err flow_version_active(struct ctx *ctx, struct store_conn *conn,
                                struct policy_version *out)
{
    return find_version(ctx, conn, &SQL_ACTIVE, NO_ARGS, out);
}

enum fm_err flow_version_candidate(struct ctx *ctx, struct store_conn *conn,
                                   struct policy_version *out)
{
    return find_version(ctx, conn, &SQL_NEWEST_CANDIDATE, NO_ARGS, out);
}

enum fm_err flow_version_waiting(struct ctx *ctx, struct store_conn *conn, struct str *note)
{
    struct policy_version candidate, active;
    char waits[ID_TEXT_MAX], rules[ID_TEXT_MAX];

    *note = STR_NONE;
    TRY(flow_version_candidate(ctx, conn, &candidate));
    TRY(flow_version_active(ctx, conn, &active));
    if (candidate.row <= active.row) {
        return FM_OK;
    }
    *note = arena_printf(ctx->arena,
                         "the policy %.*s loosens and waits for a second person; %.*s is in force",
                         STR_ARG(id_format(ID_POLICY, candidate.id, waits)),
                         STR_ARG(id_format(ID_POLICY, active.id, rules)));
    return note->p ? FM_OK : fail_memory(ctx);
}

enum fm_err flow_version_text(struct ctx *ctx, struct store_conn *conn, int64_t row,
                              struct str *canonical, struct str *source)
{
    struct store_rows *rows;

    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_SOURCE, ARGS(A_INT("$row", row)), &rows));
    if (rows_next(ctx, rows)) {
        *canonical = arena_copy(ctx->arena, rows_bytes(rows, 0));
        *source = rows_is_null(rows, 1) ? *canonical : arena_copy(ctx->arena, rows_bytes(rows, 1));
    }
    rows_done(rows);
    if (ctx->err != FM_OK) {
        return ctx->err;
    }
    return canonical->p && source->p ? FM_OK : fail_memory(ctx);
}

enum fm_err flow_version_each(struct ctx *ctx, struct store_conn *conn, int64_t before, size_t max,
                              void (*visit)(void *with, const struct policy_version *version),
                              void *with)
{
    struct store_rows *rows;
    struct policy_version version;

    ctx->err = FM_OK;
    TRY(store_query(ctx, conn, &SQL_LIST, ARGS(A_INT("$before", before), A_INT("$max", max)),
                    &rows));
    while (rows_next(ctx, rows)) {
        TRY(read_version(ctx, rows, &version));
        visit(with, &version);
    }
    return ctx->err;
}

enum fm_err flow_version_parse(struct ctx *ctx, struct store_conn *conn,
                               const struct policy_version *version, const struct policy **out)
{
    struct policy_finding findings[POLICY_FINDINGS_MAX];
    char id[ID_TEXT_MAX];
    struct str canonical = STR_NONE, source = STR_NONE;
    size_t count;

    TRY(flow_version_text(ctx, conn, version->row, &canonical, &source));
    return policy_parse(ctx, id_format(ID_POLICY, version->id, id), source, findings, &count, out);
}

enum fm_err flow_load_active(struct flow *flow, struct ctx *ctx, struct store_conn *reader,
                             bool *found)
{
    struct policy_version version;
    const struct policy *policy;

    *found = false;
    TRY(flow_version_active(ctx, reader, &version));
    if (!version.row) {
        return FM_OK;
    }
    if (flow_version_parse(ctx, reader, &version, &policy) != FM_OK) {
        return fail(
            ctx, FM_E_INTERNAL,
            "this program cannot read the policy in force (%s): start the version that made it",
            arena_printf(ctx->arena, "%s", ctx->detail).p);
    }
    policy_drop(flow->policy);
    flow->policy = policy;
    flow->policy_row = version.row;
    flow->policy_id = version.id;
    *found = true;
    return FM_OK;
}

/* Writing ------------------------------------------------------------------------------------ */

static struct actor actor_of(const struct policy_proposal *p)
{
    return p->by ? (struct actor){ACTOR_REVIEWER, p->by->id}
                 : (struct actor){.kind = ACTOR_OPERATOR};
}

static enum fm_err record(struct ctx *ctx, struct store_conn *conn, enum journal_kind kind,
                          const struct policy_version *v, struct actor by, int64_t now_us)
{
    AUTO(buf_done) struct buf data = BUF_INIT(KIB);
    struct json_out out = JSON_OUT(&data);
    uint64_t leaf;

    if (v->alone) {
        jo_m_bool(&out, "alone", true);
    }
    jo_m_id(&out, "policy", ID_POLICY, v->id);
    jo_m_str(&out, "road", str_of(policy_road_name(v->road)));
    jo_m_digest(&out, "version", hash_str(&v->version));
    return journal_append(
        ctx, conn,
        &(struct journal_event){
            .kind = kind, .by = by, .previous = -1, .at_us = now_us, .data = buf_str(&data)},
        &leaf);
}

static enum fm_err insert(struct ctx *ctx, struct store_conn *conn, const struct policy *policy,
                          struct policy_version *v)
{
    TRY(store_exec(
        ctx, conn, &SQL_ADD,
        ARGS(A_ID("$id", &v->id), A_BLOB("$hash", hash_str(&v->version)),
             A_TEXT("$canonical", policy->canonical), A_TEXT("$source", policy->source),
             A_INT("$state", v->state), A_INT("$road", v->road),
             A_INT("$proposed_at", v->proposed_at), A_OPT("$proposed_by", v->proposed_by),
             A_INT("$activated_at", v->activated_at), A_OPT("$activated_by", v->activated_by),
             A_INT("$alone", v->alone), A_TEXT("$loosened", v->loosened))));
    v->row = store_last_rowid(conn);
    return FM_OK;
}

/* The pointer follows after COMMIT. */
static void put_in_force(struct flow *flow, const struct policy *policy,
                         const struct policy_version *v)
{
    if (flow) {
        policy_drop(flow->activated);
        flow->activated = policy_keep(policy);
        flow->activated_row = v->row;
        flow->activated_id = v->id;
    }
}

static void make_version(const struct policy_proposal *p, enum policy_state state, int64_t now_us,
                         struct policy_version *out)
{
    *out = (struct policy_version){
        .id = id_new(),
        .version = p->policy->version,
        .state = state,
        .road = p->road,
        .proposed_at = now_us,
        .proposed_by = p->by ? p->by->row : 0,
    };
}

/* A new row that rules at once. */
static enum fm_err activate_new(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                                const struct policy_proposal *p, struct str loosened, bool alone,
                                struct policy_version *out)
{
    int64_t now_us = clock_now_us();

    make_version(p, POLICY_ACTIVE, now_us, out);
    out->activated_at = now_us;
    out->activated_by = out->proposed_by;
    out->alone = alone;
    out->loosened = loosened;
    TRY(record(ctx, conn, JOURNAL_POLICY_ACTIVATED, out, actor_of(p), now_us));
    TRY(store_exec(ctx, conn, &SQL_RETIRE, NO_ARGS));
    TRY(insert(ctx, conn, p->policy, out));
    put_in_force(flow, p->policy, out);
    return FM_OK;
}

/* A candidate; the one that waits already where it is the same. */
static enum fm_err add_candidate(struct ctx *ctx, struct store_conn *conn,
                                 const struct policy_proposal *p, struct str loosened,
                                 struct policy_version *out)
{
    int64_t now_us = clock_now_us();

    TRY(find_version(ctx, conn, &SQL_CANDIDATE_OF,
                     ARGS(A_BLOB("$hash", hash_str(&p->policy->version))), out));
    if (out->row) {
        return FM_OK;
    }
    make_version(p, POLICY_CANDIDATE, now_us, out);
    out->loosened = loosened;
    TRY(record(ctx, conn, JOURNAL_POLICY_PROPOSED, out, actor_of(p), now_us));
    return insert(ctx, conn, p->policy, out);
}

/* Two people --------------------------------------------------------------------------------- */

static enum fm_err write_loosened(struct ctx *ctx, const struct policy_change *change,
                                  struct str *out)
{
    AUTO(buf_done) struct buf json = BUF_INIT(128 * KIB);
    struct json_out writer = JSON_OUT(&json);

    jo_array(&writer);
    for (size_t i = 0; i < change->count; i++) {
        jo_str(&writer, change->loosened[i]);
    }
    jo_array_end(&writer);
    *out = arena_copy(ctx->arena, buf_str(&json));
    return out->p ? FM_OK : fail_memory(ctx);
}

static const struct policy *active_policy(struct flow *flow, const struct policy_proposal *p)
{
    if (!flow) {
        return p->active;
    }
    return flow->activated ? flow->activated
                           : flow_policy_now(flow); /* of a command before, in this batch */
}

/* Whether there has never been a second: then `alone` is enough. One who could make the second go
 * must gain nothing by it. */
static enum fm_err may_be_alone(struct ctx *ctx, struct store_conn *conn, bool *out)
{
    bool two;

    TRY(people_have_been_two(ctx, conn, TWO_POLICY, &two));
    *out = !two;
    return FM_OK;
}

/* What a change loosens. After a restore that takes two whatever it is, if it is to confirm the
 * policy: what ruled before cannot be compared with. */
static enum fm_err compare_now(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                               const struct policy_proposal *p, bool confirms,
                               struct policy_change *out)
{
    bool restored;

    TRY(policy_compare(ctx, active_policy(flow, p), p->policy, out));
    TRY(flow_read_restored(ctx, conn, &restored));
    if (restored && confirms && out->count < POLICY_LOOSENED_MAX) {
        out->loosened[out->count++] =
            S("the policy comes from a backup: what ruled after that was made is not known");
    }
    return FM_OK;
}

static enum fm_err activate_row(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                                const struct policy_proposal *p, bool alone,
                                struct policy_version *v);

/* One person alone, or the operator. A candidate of the same text is what becomes active. */
static enum fm_err propose_alone(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                                 const struct policy_proposal *p, struct str loosened,
                                 struct policy_version *out)
{
    TRY(find_version(ctx, conn, &SQL_CANDIDATE_OF,
                     ARGS(A_BLOB("$hash", hash_str(&p->policy->version))), out));
    TRY(out->row ? activate_row(flow, ctx, conn, p, true, out)
                 : activate_new(flow, ctx, conn, p, loosened, true, out));
    return restored_confirm(flow, ctx, conn);
}

/* `again`: of the version that rules, which only a restore makes a change. */
static enum fm_err propose_change(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                                  const struct policy_proposal *p, bool again,
                                  struct policy_version *out)
{
    struct policy_change change;
    struct str loosened;
    bool alone;

    TRY(may_be_alone(ctx, conn, &alone));
    alone = alone && p->alone;
    TRY(compare_now(flow, ctx, conn, p, again || alone, &change));
    if (change.count == 0) {
        return activate_new(flow, ctx, conn, p, STR_NONE, false, out);
    }
    TRY(write_loosened(ctx, &change, &loosened));
    return alone ? propose_alone(flow, ctx, conn, p, loosened, out)
                 : add_candidate(ctx, conn, p, loosened, out);
}

enum fm_err flow_propose_policy(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                                const struct policy_proposal *p, struct policy_version *out)
{
    struct policy_version active, last;
    bool again, restored;

    TRY(p->by ? flow_check_stands(ctx, p->by) : FM_OK);
    TRY(flow_version_active(ctx, conn, &active));
    if (!active.row) {
        return activate_new(flow, ctx, conn, p, STR_NONE, false, out); /* the first needs nobody */
    }
    TRY(flow_read_restored(ctx, conn, &restored));
    again = hash_eq(active.version, p->policy->version);
    if (again && !restored) {
        *out = active;
        put_in_force(flow, p->policy, out);
        return FM_OK;
    }
    if (!again && p->road == ROAD_FILE) {
        TRY(find_version(ctx, conn, &SQL_LAST_FILE, NO_ARGS, &last));
        if (last.state == POLICY_RETIRED && hash_eq(last.version, p->policy->version)) {
            *out = last; /* the file has not changed since another road replaced it */
            return FM_OK;
        }
    }
    return propose_change(flow, ctx, conn, p, again, out);
}

/* Activating a candidate --------------------------------------------------------------------- */

/* Whether the proposer still counts as one of two. */
static bool proposer_counts(const struct policy_version *v)
{
    const struct directory *directory = directory_keep();
    const struct person *person = directory_person_by_row(directory, v->proposed_by);
    bool counts = person && !person->deactivated && (person->roles & ROLE_BIT(ROLE_POLICY));

    directory_drop(directory);
    return counts;
}

static enum fm_err activate_row(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                                const struct policy_proposal *p, bool alone,
                                struct policy_version *v)
{
    v->state = POLICY_ACTIVE;
    v->activated_at = clock_now_us();
    v->activated_by = p->by ? p->by->row : 0;
    v->alone = alone;
    TRY(record(ctx, conn, JOURNAL_POLICY_ACTIVATED, v, actor_of(p), v->activated_at));
    TRY(store_exec(ctx, conn, &SQL_RETIRE, NO_ARGS));
    TRY(store_exec(ctx, conn, &SQL_ACTIVATE,
                   ARGS(A_INT("$at", v->activated_at), A_OPT("$by", v->activated_by),
                        A_INT("$alone", alone), A_INT("$row", v->row))));
    TRY(shadow_end(flow, ctx, conn, v->row));
    put_in_force(flow, p->policy, v);
    return FM_OK;
}

/* The first of two people: they now stand for it as if they had proposed it. */
static enum fm_err endorse(struct ctx *ctx, struct store_conn *conn,
                           const struct policy_proposal *p, struct policy_version *v)
{
    v->proposed_by = p->by->row;
    TRY(record(ctx, conn, JOURNAL_POLICY_PROPOSED, v, actor_of(p), clock_now_us()));
    return store_exec(ctx, conn, &SQL_ENDORSE,
                      ARGS(A_INT("$by", v->proposed_by), A_INT("$row", v->row)));
}

/* What one person alone is told. */
static enum fm_err refuse_alone(struct ctx *ctx, const struct policy_proposal *p, bool alone)
{
    if (alone) {
        return fail(ctx, FM_E_FORBIDDEN,
                    "this loosens the policy, which takes two people with the role policy. There "
                    "have never "
                    "been two: say so with `alone`, and the log will");
    }
    return p->by
               ? fail(ctx, FM_E_FORBIDDEN,
                      "this loosens the policy, and you stand for it already: another person with "
                      "the role policy must activate it. Where only one is left of two, an admin "
                      "gives the role to somebody else")
               : fail(ctx, FM_E_FORBIDDEN,
                      "this loosens the policy, and there are two people with the role policy, or "
                      "have "
                      "been: two activate it, on the page or with a token");
}

static enum fm_err activate_loosening(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                                      const struct policy_proposal *p, struct policy_version *v)
{
    bool counts = v->proposed_by && proposer_counts(v), alone;

    TRY(may_be_alone(ctx, conn, &alone));
    if (p->by && counts && v->proposed_by != p->by->row) {
        TRY(activate_row(flow, ctx, conn, p, false, v));
        return restored_confirm(flow, ctx, conn);
    }
    if (alone && p->alone) {
        TRY(activate_row(flow, ctx, conn, p, true, v));
        return restored_confirm(flow, ctx, conn);
    }
    if (p->by && !alone && !counts) {
        return endorse(ctx, conn, p, v);
    }
    return refuse_alone(ctx, p, alone);
}

enum fm_err flow_activate_version(struct flow *flow, struct ctx *ctx, struct store_conn *conn,
                                  struct id id, const struct policy_proposal *p,
                                  struct policy_version *out)
{
    struct policy_change change;

    TRY(p->by ? flow_check_stands(ctx, p->by) : FM_OK);
    TRY(flow_version_find(ctx, conn, id, out));
    if (out->state != POLICY_CANDIDATE) {
        return fail(
            ctx, FM_E_EXISTS,
            out->state == POLICY_ACTIVE
                ? "it is active already"
                : "it was active before: propose its text again, which compares it with what "
                  "rules now");
    }
    if (!hash_eq(out->version, p->policy->version)) {
        return fail(ctx, FM_E_INTERNAL, "another text than that of this version");
    }
    TRY(compare_now(flow, ctx, conn, p, true, &change));
    if (change.count == 0) {
        return activate_row(flow, ctx, conn, p, false, out);
    }
    TRY(write_loosened(ctx, &change, &out->loosened));
    return activate_loosening(flow, ctx, conn, p, out);
}

/* The file, again ---------------------------------------------------------------------------- */

struct reload_cmd {
    struct store_cmd cmd; /* first */
    struct flow *flow;
    struct policy_proposal proposal;
    struct policy_version *out;
};

static enum fm_err run_reload(struct store_cmd *cmd, struct store_conn *conn)
{
    struct reload_cmd *reload = (struct reload_cmd *)cmd;

    return flow_propose_policy(reload->flow, cmd->ctx, conn, &reload->proposal, reload->out);
}

static void no_done(struct store_cmd *cmd)
{
    (void)cmd;
}

enum fm_err flow_reload_policy(struct ctx *ctx, struct flow *flow, struct committer *committer,
                               const struct policy *policy, bool alone, struct policy_version *out)
{
    struct reload_cmd reload = {
        .cmd = {.run = run_reload, .done = no_done, .ctx = ctx},
        .flow = flow,
        .proposal = {.policy = policy, .road = ROAD_FILE, .alone = alone},
        .out = out};

    return committer_call(committer, &reload.cmd);
}
