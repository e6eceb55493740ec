// SPDX-License-Identifier: Apache-2.0
/*
 * The events of a proposal's timeline in words. Pure. An event that this page does not know is
 * shown by its type, so that a newer server never leaves a gap.
 */
import type { TimelineEvent } from "../wire";
import { capital, DECIDED, OUTCOME, word } from "./words";

const EVENTS: Readonly<Record<string, string>> = {
    "proposal.held": "Proposed and held",
    "proposal.blocked": "Proposed and blocked",
    "proposal.claimed": "Claimed",
    "proposal.unclaimed": "Given back",
    "proposal.undone": "Decision undone",
    "proposal.released": "Released to the agent",
    "proposal.returned": "Returned to the agent",
    "proposal.revised": "Revised",
    "proposal.expired": "Expired",
    "proposal.withdrawn": "Withdrawn",
    "proposal.escalated": "Escalated",
    "proposal.tightened": "Not approved: it takes others, or more reading, now",
    "proposal.commented": "Note added",
    "proposal.outcome": "Outcome reported",
    "permit.redeemed": "Permit redeemed",
};

/* Why the clock did something. */
const WHY: Readonly<Record<string, string>> = {
    undo_over: "the undo time is over",
    policy_stricter: "the policy has become stricter",
    deadline: "the agent no longer wants the answer",
    nobody_answered: "nobody answered in time",
    claim_over: "the claim ran out",
    approval_over: "the approval was not used in time",
};

function member(event: TimelineEvent, name: string): string {
    const value = event.data?.[name];
    return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

/* What happened, in a word or two. */
export function eventName(event: TimelineEvent): string {
    return event.type === "proposal.decided"
        ? capital(word(DECIDED, member(event, "verdict")))
        : (EVENTS[event.type] ?? event.type);
}

/* What is worth knowing about it, with what leads over to it; empty for nothing. */
export function eventDetail(event: TimelineEvent): string {
    switch (event.type) {
        case "proposal.held":
            return member(event, "queue") && `, in the queue ${member(event, "queue")}`;
        case "proposal.revised":
            return `: revision ${member(event, "revision")}`;
        case "proposal.escalated":
            return ` from ${member(event, "from")} to ${member(event, "to")}`;
        case "proposal.outcome":
            return `: ${word(OUTCOME, member(event, "status")).toLowerCase()}`;
        case "proposal.decided":
            return member(event, "via") === "token" ? ", with a personal token" : "";
        default:
            return member(event, "why") && `: ${word(WHY, member(event, "why"))}`;
    }
}
