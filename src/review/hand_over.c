/* SPDX-License-Identifier: Apache-2.0
 *
 * An approval that the policy of now does not take from this person: others decide, and what the
 * person wanted to change waits for them as an edit. It is a decision of nobody, until somebody who
 * may sends it as theirs.
 */
#include "review/review_internal.h"

bool review_was_read(const struct proposal *proposal, int64_t person, int64_t at_us)
{
    return proposal->claimed_by == person && proposal->claimed_until > at_us &&
           at_us - proposal->claimed_at >= READ_MODE_MIN_US;
}

/* The claim was this person's, who is not in the new queue. */
static enum fm_err give_back(struct ctx *ctx, struct store_conn *conn, struct proposal *proposal,
                             const struct person *person, int64_t now_us)
{
    claim_clear(proposal);
    if (proposal->state == PROPOSAL_WAITING) {
        return FM_OK;
    }
    return proposal_move(ctx, conn, proposal, PROPOSAL_WAITING,
                         (struct journal_event){.kind = JOURNAL_PROPOSAL_UNCLAIMED,
                                                .by = {ACTOR_REVIEWER, person->id},
                                                .at_us = now_us},
                         0);
}

enum fm_err review_hand_over(struct ctx *ctx, struct store_conn *conn, struct proposal *proposal,
                             const struct person *person, const struct decision_request *decision,
                             struct policy_list critical, struct str from, int64_t now_us)
{
    AUTO(buf_done) struct buf content = BUF_INIT(4 * MIB);
    AUTO(buf_done) struct buf data = BUF_INIT(KIB);
    struct json_out out = JSON_OUT(&data);
    bool moves = !str_eq(from, proposal->queue);
    struct journal_event event = {.kind = JOURNAL_PROPOSAL_TIGHTENED,
                                  .by = {ACTOR_REVIEWER, person->id},
                                  .at_us = now_us};

    if (decision->arguments) {
        TRY(decision_content(ctx, &content, proposal, decision, critical));
        event.payload = buf_str(&content);
        proposal->edit_by = person->row;
    }
    if (moves) {
        TRY(give_back(ctx, conn, proposal, person, now_us));
        jo_m_str(&out, "from", from);
    }
    jo_m_str(&out, "mode", str_of(review_mode_name((enum review_mode)proposal->mode)));
    jo_m_str(&out, "queue", proposal->queue);
    jo_m_int(&out, "revision", proposal->revision);
    jo_m_str(&out, "why", decision->arguments ? S("edit") : S("policy_stricter"));
    event.data = buf_str(&data);
    return proposal_note(ctx, conn, proposal, event,
                         decision->arguments ? PROPOSAL_REFER_EDIT : 0);
}

enum fm_err review_write_edit(struct ctx *ctx, struct json_out *out, struct store_conn *conn,
                              const struct proposal *proposal)
{
    static const char *const members[] = {"arguments", "changed", "reason"};
    const struct directory *directory;
    const struct person *person;
    const struct json *content = NULL;
    struct str payload = STR_NONE;

    if (!proposal->edit_by || !proposal_is_pending(proposal)) {
        jo_null(out);
        return FM_OK;
    }
    TRY(journal_payload(ctx, conn, (uint64_t)proposal->edit_leaf, &payload));
    if (payload.p) {
        TRY(json_parse(ctx, payload, &JSON_LIMITS_WIRE, &content));
    }
    directory = directory_keep();
    person = directory_person_by_row(directory, proposal->edit_by);
    jo_object(out);
    jo_key(out, "by");
    jo_object(out);
    jo_m_id(out, "id", ID_PERSON, person ? person->id : (struct id){{0}});
    jo_m_str(out, "name", person ? person->name : STR_NONE);
    jo_object_end(out);
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        jo_key(out, members[i]);
        jo_value(out, json_get(content, str_of(members[i])));
    }
    jo_object_end(out);
    directory_drop(directory);
    return FM_OK;
}
