/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a proposal as its leaves tell it, read backwards, and the row held against it. Without
 * this, somebody who writes to the store could turn a rejection into an approval, or take back a
 * redemption, and leave the log untouched.
 *
 * 1. A chain ends: every predecessor has a smaller index.
 * 2. The decision that stands is the newest one, unless it was undone, revised away, or never
 *    released.
 */
#include "keep/chain.h"

SQL(SQL_LEAF, "SELECT previous, entry FROM log_entries WHERE idx = $idx");

/* What is known on the way back, of the leaves behind. */
struct walk {
    bool is_settled; /* which decision stands is known, or that none does */
    bool is_dropped; /* ended while it was not released: an approval before does not stand */
};

static enum journal_kind kind_of(const struct json *leaf)
{
    struct str name = json_text(json_get(leaf, S("kind")));
    enum journal_kind kind = 0;

    while (kind < JOURNAL_KIND_COUNT && !str_eq(name, str_of(journal_kind_name(kind)))) {
        kind++;
    }
    return kind;
}

static enum decision_verdict verdict_of(const struct json *data)
{
    struct str name = json_text(json_get(data, S("verdict")));
    enum decision_verdict verdict = DECISION_RETURN;

    while (verdict > 0 && !str_eq(name, str_of(decision_verdict_name(verdict)))) {
        verdict--;
    }
    return verdict;
}

struct id chain_id(const struct json *object, enum id_kind kind, const char *name)
{
    struct id id;

    return id_parse(kind, json_text(json_get(object, str_of(name))), &id) ? id : (struct id){{0}};
}

static bool approves(enum decision_verdict verdict)
{
    return verdict == DECISION_APPROVE || verdict == DECISION_MODIFY;
}

static void on_decided(const struct json *leaf, int64_t index, struct walk *walk, struct chain *out)
{
    const struct json *data = json_get(leaf, S("data"));
    enum decision_verdict verdict = verdict_of(data);

    if (id_is_zero(out->claimer)) {
        out->claimer = chain_id(json_get(leaf, S("by")), ID_PERSON, "id");
    }
    if (!walk->is_settled && !(walk->is_dropped && approves(verdict))) {
        out->decision_leaf = index;
        out->via = str_eq(json_text(json_get(data, S("via"))), S("token")) ? VIA_TOKEN : VIA_PAGE;
        if (!clock_parse(json_text(json_get(data, S("release_at"))), &out->release_at)) {
            out->release_at = 0;
        }
        out->verdict = verdict;
        out->decision = chain_id(data, ID_DECISION, "decision");
        out->decider = chain_id(json_get(leaf, S("by")), ID_PERSON, "id");
    }
    walk->is_settled = true;
}

static enum outcome_status outcome_of(const struct json *data)
{
    struct str name = json_text(json_get(data, S("status")));
    enum outcome_status status = OUTCOME_REVERTED;

    while (status > 0 && !str_eq(name, str_of(outcome_status_name(status)))) {
        status--;
    }
    return status;
}

/* What is told by the newest leaf of its kind alone. */
static void take_newest(const struct json *leaf, enum journal_kind kind, int64_t index,
                        struct chain *out)
{
    const struct json *by = json_get(leaf, S("by"));

    if (kind == JOURNAL_PROPOSAL_OUTCOME && out->outcome_leaf < 0) {
        out->outcome_leaf = index;
        out->outcome = outcome_of(json_get(leaf, S("data")));
    } else if (kind == JOURNAL_PROPOSAL_CLAIMED && id_is_zero(out->claimer)) {
        out->claimer = chain_id(by, ID_PERSON, "id");
    } else if (kind == JOURNAL_PROPOSAL_ESCALATED && out->content_leaf < 0) {
        out->escalated_leaf = out->escalations++ ? out->escalated_leaf : index;
    } else if (kind == JOURNAL_PROPOSAL_WITHDRAWN) {
        out->ender = chain_id(by, ID_AGENT, "id");
    }
}

/* Approvals that were not taken, and those that the clock took back. */
static bool weighs_again(enum journal_kind kind, struct str why)
{
    return kind == JOURNAL_PROPOSAL_TIGHTENED ||
           (kind == JOURNAL_PROPOSAL_UNDONE &&
            (str_eq(why, S("paused")) || str_eq(why, S("policy_stricter"))));
}

static void take_in(const struct json *leaf, int64_t index, bool is_first, struct walk *walk,
                    struct chain *out)
{
    enum journal_kind kind = kind_of(leaf);
    struct str why = json_text(json_get(json_get(leaf, S("data")), S("why")));

    if (out->leaves++ == 0) {
        out->newest = kind;
    }
    take_newest(leaf, kind, index, out);
    if (out->content_leaf < 0 && (is_first || kind == JOURNAL_PROPOSAL_REVISED)) {
        out->content_leaf = index;
    }
    if (kind == JOURNAL_PROPOSAL_DECIDED) {
        on_decided(leaf, index, walk, out);
    }
    out->is_reassessed |= out->content_leaf < 0 && weighs_again(kind, why);
    walk->is_settled |= kind == JOURNAL_PROPOSAL_UNDONE || kind == JOURNAL_PROPOSAL_REVISED;
    walk->is_dropped |= kind == JOURNAL_PROPOSAL_WITHDRAWN ||
                        (kind == JOURNAL_PROPOSAL_EXPIRED && !str_eq(why, S("approval_over")));
    out->is_redeemed |= kind == JOURNAL_PERMIT_REDEEMED;
    out->is_policys |= is_first && kind == JOURNAL_PROPOSAL_RELEASED;
}

/* Reads the leaf `index` if it is one of the proposal's; `*previous` is -1 behind the first. */
static enum fm_err read_leaf(struct ctx *ctx, struct store_conn *conn, struct id proposal,
                             int64_t index, struct walk *walk, struct chain *out, int64_t *previous)
{
    struct store_rows *rows;
    const struct json *leaf;

    arena_reset(ctx->arena);
    ctx_clear(ctx);
    TRY(store_query(ctx, conn, &SQL_LEAF, ARGS(A_INT("$idx", index)), &rows));
    if (!rows_next(ctx, rows)) {
        out->broken = index;
        return ctx->err;
    }
    *previous = rows_is_null(rows, 0) ? -1 : rows_int(rows, 0);
    if (*previous >= index ||
        json_parse(ctx, rows_bytes(rows, 1), &JSON_LIMITS_WIRE, &leaf) != FM_OK ||
        !id_eq(chain_id(leaf, ID_PROPOSAL, "proposal"), proposal)) {
        out->broken = index;
    } else {
        take_in(leaf, index, *previous < 0, walk, out);
    }
    rows_done(rows);
    return FM_OK;
}

enum fm_err chain_read(struct ctx *ctx, struct store_conn *conn, struct id proposal, int64_t newest,
                       struct chain *out)
{
    struct walk walk = {0};
    int64_t index = newest, previous = -1;

    *out = (struct chain){.broken = -1,
                          .newest = JOURNAL_KIND_COUNT,
                          .content_leaf = -1,
                          .decision_leaf = -1,
                          .escalated_leaf = -1,
                          .outcome_leaf = -1};
    do {
        TRY(read_leaf(ctx, conn, proposal, index, &walk, out, &previous));
        index = previous;
    } while (out->broken < 0 && index >= 0);
    return FM_OK;
}

/* Where a life can be, by the decision that stands. */
static unsigned states_behind(const struct chain *chain)
{
#define IN(name) (1u << PROPOSAL_##name)
    const unsigned released = IN(APPROVED) | IN(REDEEMED) | IN(SETTLED) | IN(EXPIRED);

    if (chain->decision_leaf >= 0) {
        return approves(chain->verdict)              ? released | IN(UNDO)
               : chain->verdict == DECISION_REJECT ? IN(REJECTED)
                                                   : IN(RETURNED) | IN(EXPIRED) | IN(WITHDRAWN);
    }
    return chain->is_policys
               ? released
               : IN(WAITING) | IN(CLAIMED) | IN(BLOCKED) | IN(EXPIRED) | IN(WITHDRAWN);
#undef IN
}

static bool is_same_decision(const struct chain *chain, const struct proposal *p, struct id decider)
{
    if (chain->decision_leaf < 0) {
        return p->decided_by == 0 && p->verdict == (chain->is_policys ? DECISION_APPROVE : 0);
    }
    return p->decision_leaf == chain->decision_leaf && p->verdict == (int64_t)chain->verdict &&
           id_eq(p->decision, chain->decision) && id_eq(decider, chain->decider) &&
           p->via == (int64_t)chain->via;
}

/* To the millisecond, which is what leaves have of times. */
static bool is_same_moment(int64_t a_us, int64_t b_us)
{
    return a_us / (SECOND_US / 1000) == b_us / (SECOND_US / 1000);
}

static const char *other_contradiction(const struct chain *chain, const struct proposal *p,
                                       struct id claimer)
{
    if (p->state == PROPOSAL_CLAIMED && !id_eq(claimer, chain->claimer)) {
        return "is claimed by somebody else than its leaves tell";
    }
    if (p->state == PROPOSAL_UNDO && !is_same_moment(p->release_at, chain->release_at)) {
        return "is to be released at another time than its leaves tell";
    }
    if (!id_eq(p->ended_by, chain->ender)) {
        return "was withdrawn by somebody else than its leaves tell";
    }
    if (p->outcome != (int64_t)chain->outcome ||
        (chain->outcome_leaf >= 0 && p->outcome_leaf != chain->outcome_leaf)) {
        return "has another outcome than its leaves";
    }
    if (!chain->is_reassessed && p->escalations != chain->escalations) {
        return "was moved to backup queues more or less often than its leaves tell";
    }
    if (p->payload != chain->content_leaf) {
        return "names another leaf than the one of its request";
    }
    return NULL;
}

const char *chain_contradiction(const struct chain *chain, const struct proposal *proposal,
                                struct id decider, struct id claimer)
{
    if (!is_same_decision(chain, proposal, decider)) {
        return "has another decision than its leaves";
    }
    if (!(states_behind(chain) >> proposal->state & 1)) {
        return "is in a state that its leaves do not lead to";
    }
    if (chain->is_redeemed != (proposal->redeemed_at != 0)) {
        return chain->is_redeemed ? "was redeemed by its leaves, its row denies it"
                                  : "was redeemed by its row, its leaves know nothing of it";
    }
    return other_contradiction(chain, proposal, claimer);
}

static bool is_queue(const struct json *data, const char *name, struct str queue)
{
    struct str told = json_text(json_get(data, str_of(name)));

    return str_eq(told.p ? told : S(""), queue.p ? queue : S(""));
}

/* How strict a verdict is; -1: it is none. */
static int rank_of(const struct json *verdict)
{
    for (int rank = VERDICT_ALLOW; rank <= VERDICT_BLOCK; rank++) {
        if (str_eq(json_text(verdict), str_of(verdict_name((enum verdict)rank)))) {
            return rank;
        }
    }
    return -1;
}

/* Weighed again, it only becomes stricter. */
static bool is_verdict(const struct chain *chain, const struct json *data,
                       const struct json *assessment)
{
    int told = rank_of(json_get(data, S("verdict"))),
        stated = rank_of(json_get(assessment, S("verdict")));

    return told >= 0 && (stated == told || (chain->is_reassessed && stated > told));
}

const char *chain_content_contradiction(struct ctx *ctx, const struct chain *chain,
                                        const struct json *data, const struct json *moved,
                                        const struct proposal *proposal, struct id policy)
{
    const struct json *assessment;

    if (!str_eq(json_text(json_get(data, S("category"))), proposal->category)) {
        return "has another category than its leaves tell";
    }
    if (json_number(json_get(data, S("revision"))) != (double)proposal->revision) {
        return "has another revision than its leaves tell";
    }
    if (!chain->is_reassessed && !id_eq(chain_id(data, ID_POLICY, "policy"), policy)) {
        return "was assessed by another policy than its leaves tell";
    }
    if (!chain->is_reassessed &&
        (!is_queue(data, "queue", proposal->first_queue) ||
         !is_queue(moved ? moved : data, moved ? "to" : "queue", proposal->queue))) {
        return "is in another queue than its leaves tell";
    }
    if (json_parse(ctx, proposal->assessment, &JSON_LIMITS_WIRE, &assessment) != FM_OK ||
        !is_verdict(chain, data, assessment)) {
        return "was assessed otherwise than its leaves tell";
    }
    return NULL;
}
