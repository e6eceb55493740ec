/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a proposal as its leaves tell it, replayed forwards. Each kind of leaf is a move of
 * the table in proposal.h, or leaves the state as it is; what the table does not have has not
 * happened.
 *
 * 1. The decision that stands is the newest one, unless it was undone, revised away, or never
 *    released.
 * 2. An approval with `release_at` waits in its undo time; one without was released at once.
 */
#include "evidence/evidence.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define NOWHERE  PROPOSAL_STATE_COUNT
#define IN(name) (1u << PROPOSAL_##name)
#define BEFORE   (1u << NOWHERE)
#define ANYWHERE (BEFORE - 1)

/* Where a kind of leaf leads. */
enum where { NO_MOVE_EVER, TO_STATE, STAYS, AS_DECIDED, BACK_TO_PEOPLE };

/* From which states a kind is possible, and what it makes of them. A kind that is not here is
 * none of a proposal's. */
static const struct move {
    unsigned from;
    enum where where;
    enum proposal_state to; /* of TO_STATE */
} moves[JOURNAL_KIND_COUNT + 1] = {
    [JOURNAL_PROPOSAL_HELD] = {BEFORE, TO_STATE, PROPOSAL_WAITING},
    [JOURNAL_PROPOSAL_BLOCKED] = {BEFORE, TO_STATE, PROPOSAL_BLOCKED},
    [JOURNAL_PROPOSAL_RELEASED] = {BEFORE | IN(UNDO), TO_STATE, PROPOSAL_APPROVED},
    [JOURNAL_PROPOSAL_CLAIMED] = {IN(WAITING) | IN(CLAIMED), TO_STATE, PROPOSAL_CLAIMED},
    [JOURNAL_PROPOSAL_UNCLAIMED] = {IN(CLAIMED), TO_STATE, PROPOSAL_WAITING},
    [JOURNAL_PROPOSAL_DECIDED] = {IN(WAITING) | IN(CLAIMED), AS_DECIDED, 0},
    [JOURNAL_PROPOSAL_UNDONE] = {IN(UNDO), BACK_TO_PEOPLE, 0},
    [JOURNAL_PROPOSAL_RETURNED] = {IN(RETURNED), STAYS, 0},
    [JOURNAL_PROPOSAL_REVISED] = {IN(RETURNED), TO_STATE, PROPOSAL_WAITING},
    [JOURNAL_PROPOSAL_ESCALATED] = {IN(WAITING) | IN(CLAIMED), STAYS, 0},
    [JOURNAL_PROPOSAL_TIGHTENED] = {IN(WAITING) | IN(CLAIMED), STAYS, 0},
    [JOURNAL_PROPOSAL_EXPIRED] = {IN(WAITING) | IN(CLAIMED) | IN(UNDO) | IN(RETURNED) |
                                      IN(APPROVED),
                                  TO_STATE, PROPOSAL_EXPIRED},
    [JOURNAL_PROPOSAL_WITHDRAWN] = {IN(WAITING) | IN(CLAIMED) | IN(UNDO) | IN(RETURNED), TO_STATE,
                                    PROPOSAL_WITHDRAWN},
    [JOURNAL_PROPOSAL_OUTCOME] = {IN(APPROVED) | IN(REDEEMED) | IN(SETTLED), TO_STATE,
                                  PROPOSAL_SETTLED},
    [JOURNAL_PROPOSAL_COMMENTED] = {ANYWHERE, STAYS, 0},
    [JOURNAL_PERMIT_REDEEMED] = {IN(APPROVED), TO_STATE, PROPOSAL_REDEEMED},
};

void evidence_found(struct evidence_findings *findings, const char *format, ...)
{
    char text[400];
    va_list args;

    if (!findings) {
        return;
    }
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (findings->count < EVIDENCE_FINDINGS_MAX) {
        findings->items[findings->count] = arena_printf(findings->ctx->arena, "%s", text);
    }
    findings->count++;
}

enum decision_verdict life_verdict(const struct journal_leaf *decision)
{
    struct str name = json_text(json_get(decision->data, S("verdict")));
    enum decision_verdict verdict = DECISION_RETURN;

    while (verdict > 0 && !str_eq(name, str_of(decision_verdict_name(verdict)))) {
        verdict--;
    }
    return verdict;
}

bool life_demands_person(const struct life *life)
{
    struct str verdict =
        life->first ? json_text(json_get(life->first->data, S("verdict"))) : STR_NONE;

    return life->first && !str_eq(verdict, S("allow")) && !str_eq(verdict, S("block"));
}

static enum proposal_state state_decided(const struct journal_leaf *leaf)
{
    bool waits = json_get(leaf->data, S("release_at")) != NULL;

    switch (life_verdict(leaf)) {
    case DECISION_APPROVE:
    case DECISION_MODIFY:
        return waits ? PROPOSAL_UNDO : PROPOSAL_APPROVED;
    case DECISION_REJECT:
        return PROPOSAL_REJECTED;
    case DECISION_RETURN:
        return PROPOSAL_RETURNED;
    }
    return NOWHERE;
}

static enum proposal_state state_behind(const struct life *life, const struct move *move,
                                        const struct journal_leaf *leaf)
{
    switch (move->where) {
    case TO_STATE:
        return move->to;
    case STAYS:
        return life->state;
    case AS_DECIDED:
        return state_decided(leaf);
    case BACK_TO_PEOPLE:
        return str_eq(leaf->by_kind, S("reviewer")) ? PROPOSAL_CLAIMED : PROPOSAL_WAITING;
    case NO_MOVE_EVER:
        break;
    }
    return NOWHERE;
}

/* What the leaf was, for those who ask the life afterwards. `was` is the state before it. */
static void remember(struct life *life, const struct journal_leaf *leaf, enum proposal_state was)
{
    bool ends_unreleased = was == PROPOSAL_UNDO &&
                           (life->state == PROPOSAL_EXPIRED || life->state == PROPOSAL_WITHDRAWN);
    bool is_reviewed = was == PROPOSAL_RETURNED && life->state == PROPOSAL_WAITING;

    if (was == NOWHERE || is_reviewed) {
        life->content = leaf;
        life->revision++;
    }
    if (was == NOWHERE && life->state == PROPOSAL_APPROVED) {
        life->is_policys = true;
    }
    if (leaf->kind == JOURNAL_PROPOSAL_DECIDED) {
        life->decision = leaf;
    }
    if (leaf->kind == JOURNAL_PROPOSAL_UNDONE || is_reviewed || ends_unreleased) {
        life->decision = NULL;
    }
    if (life->state == PROPOSAL_APPROVED && was != PROPOSAL_APPROVED) {
        life->released = leaf;
    }
    if (leaf->kind == JOURNAL_PERMIT_REDEEMED) {
        life->redeemed = leaf;
    }
    if (life->state == PROPOSAL_EXPIRED || life->state == PROPOSAL_WITHDRAWN) {
        life->ended = leaf;
    }
    if (leaf->kind == JOURNAL_PROPOSAL_OUTCOME) {
        life->outcome = leaf;
    }
}

static void check_revision(const struct life *life, const struct journal_leaf *leaf,
                           struct evidence_findings *findings)
{
    const struct json *revision = json_get(leaf->data, S("revision"));

    if (revision && json_number(revision) != (double)life->revision) {
        evidence_found(findings, "leaf %" PRIu64 " is about another revision than %" PRId64,
                       leaf->index, life->revision);
    }
}

static void step(struct life *life, const struct journal_leaf *leaf,
                 struct evidence_findings *findings)
{
    const struct move *move = &moves[leaf->kind];
    enum proposal_state was = life->state, to = state_behind(life, move, leaf);
    bool is_move = move->where != STAYS && was != NOWHERE && to != was;

    if (!(move->from >> was & 1) || to == NOWHERE || (is_move && !proposal_may_become(was, to))) {
        evidence_found(findings, "leaf %" PRIu64 " (%.*s) cannot come %s%s", leaf->index,
                       STR_ARG(leaf->kind_name), was == NOWHERE ? "first" : "in the state ",
                       was == NOWHERE ? "" : proposal_state_name(was));
        return;
    }
    life->state = to;
    remember(life, leaf, was);
    if (leaf->kind == JOURNAL_PROPOSAL_DECIDED || leaf == life->content) {
        check_revision(life, leaf, findings);
    }
}

void life_replay(const struct journal_leaf *leaves, size_t count, struct life *out,
                 struct evidence_findings *findings)
{
    *out = (struct life){.state = NOWHERE, .first = count ? &leaves[0] : NULL};
    for (size_t i = 0; i < count; i++) {
        if (!id_eq(leaves[i].proposal, leaves[0].proposal) || id_is_zero(leaves[i].proposal)) {
            evidence_found(findings, "leaf %" PRIu64 " is not about this proposal",
                           leaves[i].index);
            continue;
        }
        if (i > 0 && leaves[i].index <= leaves[i - 1].index) {
            evidence_found(findings, "leaf %" PRIu64 " does not stand in the order of the log",
                           leaves[i].index);
        }
        step(out, &leaves[i], findings);
    }
    if (count == 0) {
        evidence_found(findings, "there is no leaf about the proposal");
    }
}
