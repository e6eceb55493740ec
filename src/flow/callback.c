/* SPDX-License-Identifier: Apache-2.0
 *
 * What an agent's server is told when its proposal has left `pending`: enough to know which one and
 * how it ended, and nothing that could be executed. The permit is read from us with the agent's
 * key.
 */
#include "flow/flow_internal.h"
#include "notify/notify.h"

/* The type of the event for agents, by what they read now. NULL: nothing to tell. */
static const char *type_of(enum proposal_state state)
{
    switch (state) {
    case PROPOSAL_APPROVED:
    case PROPOSAL_REJECTED:
        return journal_kind_name(JOURNAL_PROPOSAL_RELEASED);
    case PROPOSAL_RETURNED:
        return journal_kind_name(JOURNAL_PROPOSAL_RETURNED);
    case PROPOSAL_BLOCKED:
        return journal_kind_name(JOURNAL_PROPOSAL_BLOCKED);
    case PROPOSAL_EXPIRED:
        return journal_kind_name(JOURNAL_PROPOSAL_EXPIRED);
    case PROPOSAL_WITHDRAWN:
        return journal_kind_name(JOURNAL_PROPOSAL_WITHDRAWN);
    case PROPOSAL_WAITING:
    case PROPOSAL_CLAIMED:
    case PROPOSAL_UNDO:
    case PROPOSAL_REDEEMED:
    case PROPOSAL_SETTLED:
    case PROPOSAL_STATE_COUNT:
        return NULL;
    }
    return NULL;
}

static void write_data(struct buf *data, const struct proposal *p)
{
    struct json_out out = JSON_OUT(data);
    bool decided = p->verdict && (p->state == PROPOSAL_APPROVED || p->state == PROPOSAL_REJECTED ||
                                  p->state == PROPOSAL_RETURNED);

    jo_m_str(&out, "action", p->action);
    jo_m_digest(&out, "arguments_digest", hash_str(&p->arguments_digest));
    jo_m_id(&out, "decision", ID_DECISION, decided ? p->decision : (struct id){{0}});
    jo_m_digest(&out, "digest", hash_str(&p->digest));
    jo_m_int(&out, "revision", p->revision);
    jo_m_str(&out, "status", str_of(proposal_status(p->state)));
    jo_m_str(&out, "verdict",
             decided ? str_of(decision_verdict_name((enum decision_verdict)p->verdict)) : STR_NONE);
}

enum fm_err flow_call_back(struct ctx *ctx, struct store_conn *conn, const struct proposal *p,
                           int64_t at_us)
{
    AUTO(buf_done) struct buf data = BUF_INIT(4 * KIB);
    const char *type = type_of(p->state);

    if (!type) {
        return FM_OK;
    }
    write_data(&data, p);
    if (!buf_ok(&data)) {
        return fail_memory(ctx);
    }
    return notify_add(ctx, conn,
                      &(struct notice){.event = p->last_event,
                                       .proposal = p->id,
                                       .proposal_row = p->row,
                                       .agent_row = p->agent,
                                       .type = str_of(type),
                                       .url = p->callback,
                                       .trace = p->trace,
                                       .data = buf_str(&data),
                                       .at_us = at_us});
}
