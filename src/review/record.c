/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading decisions back: for answers, and for the loser of a race, who is told who won and when.
 */
#include "review/review_internal.h"

SQL(SQL_POLICY_ID, "SELECT id FROM policies WHERE row = $row");

static enum fm_err policy_id(struct ctx *ctx, struct store_conn *conn, int64_t row, struct id *out)
{
    struct store_rows *rows;

    ctx->err = FM_OK;
    *out = (struct id){{0}};
    TRY(store_query(ctx, conn, &SQL_POLICY_ID, ARGS(A_INT("$row", row)), &rows));
    if (rows_next(ctx, rows)) {
        *out = rows_id(rows, 0);
    }
    rows_done(rows);
    return ctx->err;
}

static void write_person(struct json_out *out, int64_t row)
{
    const struct directory *directory = directory_keep();
    const struct person *person = directory_person_by_row(directory, row);

    jo_m_str(out, "kind", S("reviewer"));
    jo_m_id(out, "id", ID_PERSON, person ? person->id : (struct id){{0}});
    jo_m_str(out, "name", person ? person->name : STR_NONE);
    directory_drop(directory);
}

static void write_agent(struct json_out *out, struct id id)
{
    const struct directory *directory = directory_keep();
    const struct agent *agent = directory_agent_by_id(directory, id);

    jo_m_str(out, "kind", S("agent"));
    jo_m_id(out, "id", ID_AGENT, id);
    jo_m_str(out, "name", agent ? agent->name : STR_NONE);
    directory_drop(directory);
}

static void write_clock(struct json_out *out)
{
    jo_m_str(out, "kind", S("clock"));
    jo_m_null(out, "id");
    jo_m_null(out, "name");
}

enum fm_err review_write_decider(struct ctx *ctx, struct json_out *out, struct store_conn *conn,
                                 const struct proposal *proposal)
{
    struct id policy;

    if (proposal->decided_by) {
        write_person(out, proposal->decided_by);
    } else if (!id_is_zero(proposal->ended_by)) {
        write_agent(out, proposal->ended_by);
    } else if (proposal->state == PROPOSAL_EXPIRED && !proposal->verdict) {
        write_clock(out);
    } else {
        TRY(policy_id(ctx, conn, proposal->policy, &policy));
        jo_m_str(out, "kind", S("policy"));
        jo_m_id(out, "id", ID_POLICY, policy);
        jo_m_str(out, "name", S("policy"));
    }
    return FM_OK;
}

/* What people wrote: from the payload of the decision's leaf. */
static enum fm_err write_content(struct ctx *ctx, struct json_out *out, struct store_conn *conn,
                                 const struct proposal *proposal, const struct json *arguments)
{
    static const char *const copied[] = {"changed", "severity", "reason", "reason_code"};
    struct str payload = STR_NONE;
    const struct json *content = NULL, *edited;

    if (proposal->decided_by) { /* a decision by policy has no content of its own */
        TRY(journal_payload(ctx, conn, (uint64_t)proposal->decision_leaf, &payload));
    }
    if (payload.p) {
        TRY(json_parse(ctx, payload, &JSON_LIMITS_WIRE, &content));
    }
    edited = json_get(content, S("arguments"));
    jo_key(out, "arguments");
    jo_value(out, edited ? edited : arguments);
    for (size_t i = 0; i < COUNT_OF(copied); i++) {
        const struct json *value = json_get(content, str_of(copied[i]));
        jo_key(out, copied[i]);
        if (!value && i == 0) {
            jo_raw(out, S("[]"));
        } else {
            jo_value(out, value);
        }
    }
    return FM_OK;
}

enum fm_err review_write_decision(struct ctx *ctx, struct json_out *out, struct store_conn *conn,
                                  const struct proposal *proposal, const struct json *arguments)
{
    if (!proposal->verdict) {
        jo_null(out);
        return FM_OK;
    }
    jo_object(out);
    jo_m_id(out, "id", ID_DECISION, proposal->decision);
    jo_m_str(out, "verdict", str_of(decision_verdict_name((enum decision_verdict)proposal->verdict)));
    jo_key(out, "by");
    jo_object(out);
    TRY(review_write_decider(ctx, out, conn, proposal));
    jo_object_end(out);
    jo_m_str(out, "via", proposal->via == VIA_TOKEN  ? S("token")
                         : proposal->via == VIA_PAGE ? S("page")
                                                     : S("policy"));
    jo_m_time(out, "at", proposal->decided_at);
    TRY(write_content(ctx, out, conn, proposal, arguments));
    jo_key(out, "signatures");
    jo_raw(out, S("[]"));
    jo_key(out, "log");
    jo_object(out);
    jo_m_int(out, "index", proposal->decision_leaf);
    jo_object_end(out);
    jo_object_end(out);
    return FM_OK;
}

/* Not always the decider: what was returned, or approved and not used, ends without that person. */
static enum fm_err write_ender(struct ctx *ctx, struct json_out *out, struct store_conn *conn,
                               const struct proposal *proposal)
{
    if (proposal->state == PROPOSAL_WITHDRAWN) {
        write_agent(out, proposal->ended_by);
        return FM_OK;
    }
    if (proposal->state == PROPOSAL_EXPIRED) {
        write_clock(out);
        return FM_OK;
    }
    return review_write_decider(ctx, out, conn, proposal);
}

static bool ended_by_decision(const struct proposal *proposal)
{
    return proposal->decided_at != 0 && proposal->state != PROPOSAL_WITHDRAWN &&
           proposal->state != PROPOSAL_EXPIRED;
}

/* The arguments as the agent proposed them: NULL when erased. */
static enum fm_err read_proposed(struct ctx *ctx, struct store_conn *conn,
                                 const struct proposal *proposal, const struct json **out)
{
    struct str request;
    const struct json *tree;

    *out = NULL;
    TRY(journal_payload(ctx, conn, (uint64_t)proposal->payload, &request));
    if (request.p) {
        TRY(json_parse(ctx, request, &JSON_LIMITS_WIRE, &tree));
        *out = json_get(tree, S("arguments"));
    }
    return FM_OK;
}

enum fm_err review_ended(struct ctx *ctx, struct store_conn *conn, const struct proposal *proposal)
{
    AUTO(buf_done) struct buf members = BUF_INIT(4 * MIB);
    struct json_out out = JSON_OUT(&members);
    const struct json *proposed = NULL;
    const char *status =
        proposal->state == PROPOSAL_UNDO ? "decided" : proposal_status(proposal->state);

    if (proposal->verdict) {
        TRY(read_proposed(ctx, conn, proposal, &proposed));
    }
    jo_key(&out, "decision");
    TRY(review_write_decision(ctx, &out, conn, proposal, proposed));
    jo_key(&out, "ended_by");
    jo_object(&out);
    TRY(write_ender(ctx, &out, conn, proposal));
    jo_object_end(&out);
    jo_m_time(&out, "ended_at",
              ended_by_decision(proposal) ? proposal->decided_at : proposal->updated_at);
    jo_m_str(&out, "proposal_status", str_of(proposal_status(proposal->state))); /* `status` is RFC 9457's */
    ctx->members = buf_ok(&members) ? arena_copy(ctx->arena, buf_str(&members)) : STR_NONE;
    return fail(ctx, FM_E_ALREADY_DECIDED, "it is %s already", status);
}
