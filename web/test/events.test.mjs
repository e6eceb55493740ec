// SPDX-License-Identifier: Apache-2.0
/* text/events.ts: the timeline in words. */
import { eventDetail, eventName } from "../src/text/events";
import { table } from "./table.mjs";

const event = (type, data = null) => ({ type, at: "2026-11-22T10:00:00.000Z", by: null, data });

table(
    "an event in words",
    [
        ["held", event("proposal.held", { queue: "general" }), "Proposed and held, in the queue general"],
        ["decided", event("proposal.decided", { verdict: "modify", via: "page" }), "Approved with changes"],
        [
            "decided by a script",
            event("proposal.decided", { verdict: "approve", via: "token" }),
            "Approved, with a personal token",
        ],
        ["revised", event("proposal.revised", { revision: 2 }), "Revised: revision 2"],
        ["escalated", event("proposal.escalated", { from: "a", to: "b" }), "Escalated from a to b"],
        ["outcome", event("proposal.outcome", { status: "failed" }), "Outcome reported: failed"],
        [
            "by the clock",
            event("proposal.expired", { why: "nobody_answered" }),
            "Expired: nobody answered in time",
        ],
        ["without data", event("proposal.claimed"), "Claimed"],
        ["of a newer server", event("proposal.blessed", { why: "new_reason" }), "proposal.blessed: new_reason"],
        ["data of another type", event("proposal.expired", { why: { a: 1 } }), "Expired"],
    ],
    (input) => eventName(input) + eventDetail(input),
);
