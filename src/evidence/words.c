/* SPDX-License-Identifier: Apache-2.0
 *
 * Leaves in words, and what evidence is worth: for people who read it without this program.
 */
#include "evidence/evidence.h"

/* What happened; a kind that has no words here is called by its name on the wire. */
static const char *const happened[JOURNAL_KIND_COUNT + 1] = {
    [JOURNAL_PROPOSAL_HELD] = "proposed, and held for people",
    [JOURNAL_PROPOSAL_BLOCKED] = "proposed, and blocked by the policy",
    [JOURNAL_PROPOSAL_CLAIMED] = "claimed",
    [JOURNAL_PROPOSAL_UNCLAIMED] = "claim given back",
    [JOURNAL_PROPOSAL_DECIDED] = "decided",
    [JOURNAL_PROPOSAL_UNDONE] = "decision taken back before its release",
    [JOURNAL_PROPOSAL_RELEASED] = "approval released to the agent",
    [JOURNAL_PROPOSAL_RETURNED] = "returned to the agent",
    [JOURNAL_PROPOSAL_REVISED] = "revised, and held again",
    [JOURNAL_PROPOSAL_ESCALATED] = "moved to the backup queue",
    [JOURNAL_PROPOSAL_TIGHTENED] = "not approved: it takes others, or more reading, now",
    [JOURNAL_PROPOSAL_EXPIRED] = "expired",
    [JOURNAL_PROPOSAL_WITHDRAWN] = "withdrawn",
    [JOURNAL_PROPOSAL_OUTCOME] = "outcome reported",
    [JOURNAL_PROPOSAL_COMMENTED] = "commented on",
    [JOURNAL_PERMIT_REDEEMED] = "permit redeemed: the action was started, once",
    [JOURNAL_POLICY_PROPOSED] = "policy proposed, waits for a second person",
    [JOURNAL_POLICY_ACTIVATED] = "policy put in force",
    [JOURNAL_POLICY_SHADOWED] = "policy evaluated beside the one in force, or no longer",
    [JOURNAL_PERSON_ADDED] = "person added",
    [JOURNAL_PERSON_CHANGED] = "person changed",
    [JOURNAL_PERSON_SIGNED_IN] = "signed in",
    [JOURNAL_PERSON_SIGNED_OUT] = "signed out",
    [JOURNAL_AGENT_ADDED] = "agent added",
    [JOURNAL_AGENT_SECRET_CHANGED] = "another secret for an agent's callbacks",
    [JOURNAL_AGENT_HOSTS_CHANGED] = "other hosts for an agent's callbacks",
    [JOURNAL_KEY_CREATED] = "key made",
    [JOURNAL_KEY_REVOKED] = "key revoked",
    [JOURNAL_LINK_CREATED] = "sign-in link made",
    [JOURNAL_PAUSE_STARTED] = "paused by a person",
    [JOURNAL_PAUSE_RESUME_ASKED] = "asked to go on after a pause",
    [JOURNAL_PAUSE_ENDED] = "pause ended",
    [JOURNAL_STORE_OPENED] = "store opened",
    [JOURNAL_EPOCH_OPENED] = "restored from a backup: a new epoch",
    [JOURNAL_CLOCK_JUMPED] = "the wall clock jumped",
};

static void add_value(struct buf *buf, const struct json *value)
{
    if (value->kind == JSON_STRING) {
        buf_add(buf, value->as.text);
    } else if (value->kind == JSON_ARRAY) {
        for (uint32_t i = 0; i < value->count; i++) {
            buf_add(buf, i ? S(" and ") : S(""));
            add_value(buf, &value->as.items[i]);
        }
    } else {
        json_write(buf, value);
    }
}

static void add_data(struct buf *buf, const struct json *data)
{
    for (uint32_t i = 0; data && data->kind == JSON_OBJECT && i < data->count; i++) {
        const struct json_member *member = &data->as.members[i];
        buf_add(buf, i ? S(", ") : S(" ("));
        for (size_t k = 0; k < member->name.n; k++) {
            buf_add_char(buf, member->name.p[k] == '_' ? ' ' : member->name.p[k]);
        }
        buf_add_char(buf, ' ');
        add_value(buf, &member->value);
    }
    buf_add(buf, data && data->kind == JSON_OBJECT && data->count ? S(")") : S(""));
}

void evidence_words(struct buf *buf, const struct journal_leaf *leaf)
{
    const char *what = happened[leaf->kind];

    buf_add(buf, what ? str_of(what) : leaf->kind_name);
    buf_lit(buf, " by ");
    buf_add(buf, str_eq(leaf->by_kind, S("clock")) ? S("the clock") : leaf->by_kind);
    if (leaf->by_id.p) {
        buf_add_char(buf, ' ');
        buf_add(buf, leaf->by_id);
    }
    add_data(buf, leaf->data);
}

static const char *const proves[] = {
    "Each event below is an entry of the log that the signed checkpoint covers: it was there when "
    "the "
    "checkpoint was signed, at that place, and no byte of it has changed since.",
    "The request, the decisions and the notes are those that the entries committed to.",
    "Each decision was made by a credential of the person named, on exactly the bytes whose digest "
    "it "
    "names, and the person had the roles shown by an entry before it.",
    "Each step was allowed where it stands: the events are one unbroken life of a proposal.",
    "The permit was redeemed at most once, and only after the approval.",
};

static const char *const does_not_prove[] = {
    "That the person read or understood what they decided, or that nobody else used their session "
    "or "
    "token.",
    "That these are all entries about the proposal or these people: only the whole log can show "
    "that "
    "(fermata audit verify, fermata audit export).",
    "That everybody is shown the same log: compare its checkpoints with those that others have "
    "kept.",
    "When something really happened: order is proven by the place in the log, times are those of "
    "the "
    "server's clock.",
    "That the claims in the request are true: an agent wrote them.",
    "That the executor did what it reported: outcomes are reports.",
    "What stands under \"unproven\" (the reasons of the assessment, the permit's number and end): "
    "it "
    "comes from the store's rows, which no entry commits to; and when the file was made "
    "(\"made_at\").",
};

_Static_assert(COUNT_OF(proves) <= EVIDENCE_SENTENCES_MAX &&
                   COUNT_OF(does_not_prove) <= EVIDENCE_SENTENCES_MAX,
               "as many as the header says");

const char *const *evidence_proves(size_t *count)
{
    *count = COUNT_OF(proves);
    return proves;
}

const char *const *evidence_does_not_prove(size_t *count)
{
    *count = COUNT_OF(does_not_prove);
    return does_not_prove;
}
