// SPDX-License-Identifier: Apache-2.0
/* state/bar.ts: a decision is offered only where nothing speaks against it. */
import { barState } from "../src/state/bar";
import { assert, table, test } from "./table.mjs";

const NOW = Date.parse("2026-11-22T10:00:00.000Z");
const LATER = "2026-11-22T10:05:00.000Z";
const EARLIER = "2026-11-22T09:59:59.000Z";
const me = { id: "rev_me", name: "ana", until: LATER };
const ben = { id: "rev_ben", name: "ben", until: LATER };

const proposal = (changed = {}, hold = {}) => ({
    id: "prp_1",
    status: "pending",
    digest: "sha256:1",
    decision: null,
    card: { lines: [] },
    can: { decide: true, claim: true, reason: null },
    hold: { mode: "glance", phase: "waiting", claimed_by: null, ...hold },
    ...changed,
});

const at = (shown, changed = {}) => ({
    shown,
    changed: null,
    lostClaim: false,
    offline: false,
    myId: "rev_me",
    nowMs: NOW,
    ...changed,
});

table(
    "which bar",
    [
        ["nothing read yet", at(null), "loading"],
        ["glance needs no claim", at(proposal()), "decide"],
        ["read needs one", at(proposal({}, { mode: "read" })), "claim-first"],
        ["decide_first needs one", at(proposal({}, { mode: "decide_first" })), "claim-first"],
        ["read with my claim", at(proposal({}, { mode: "read", claimed_by: me })), "decide"],
        [
            "my claim ran out",
            at(proposal({}, { mode: "read", claimed_by: { ...me, until: EARLIER } })),
            "claim-first",
        ],
        ["somebody holds it", at(proposal({}, { claimed_by: ben })), "claimed"],
        [
            "somebody's claim ran out",
            at(proposal({}, { claimed_by: { ...ben, until: EARLIER } })),
            "decide",
        ],
        [
            "not allowed",
            at(proposal({ can: { decide: false, claim: false, reason: "four eyes" } })),
            "not-allowed",
        ],
        ["what will run cannot be shown", at(proposal({ card: undefined })), "not-allowed"],
        ["offline", at(proposal(), { offline: true }), "offline"],
        [
            "a newer revision waits",
            at(proposal(), { changed: proposal({ digest: "sha256:2" }) }),
            "changed",
        ],
        [
            "a newer revision that is decided",
            at(proposal(), { changed: proposal({ status: "approved", hold: null }) }),
            "ended",
        ],
        ["decided", at(proposal({ status: "rejected", hold: null })), "ended"],
        [
            "expired while offline is still ended",
            at(proposal({ status: "expired", hold: null }), { offline: true }),
            "ended",
        ],
        [
            "held for undo",
            at(
                proposal(
                    { decision: { by: { id: "rev_me" } } },
                    { phase: "undo", release_at: LATER },
                ),
            ),
            "undo",
        ],
        ["claim lost in glance mode too", at(proposal(), { lostClaim: true }), "claim-first"],
    ],
    (situation) => barState(situation).kind,
);

test("a lost claim is told apart from none", () => {
    const read = proposal({}, { mode: "read" });
    assert.equal(barState(at(read)).lost, false);
    assert.equal(barState(at(read, { lostClaim: true })).lost, true);
});

test("the reason why not is the server's", () => {
    const bar = barState(
        at(proposal({ can: { decide: false, claim: false, reason: "four eyes" } })),
    );
    assert.equal(bar.reason, "four eyes");
});
