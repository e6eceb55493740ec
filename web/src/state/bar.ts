// SPDX-License-Identifier: Apache-2.0
/*
 * What the action bar has to be, for a proposal as it stands: one state, chosen in a fixed order,
 * so that a decision is offered only where none of the reasons against it holds. Pure.
 */
import { instant } from "../text/format";
import type { ClaimedBy, Proposal } from "../wire";

export type Bar =
    | { readonly kind: "loading" }
    | { readonly kind: "ended" }
    | { readonly kind: "undo"; readonly releaseAt: number; readonly mine: boolean }
    | { readonly kind: "changed" }
    | { readonly kind: "offline" }
    | { readonly kind: "not-allowed"; readonly reason: string }
    | { readonly kind: "claimed"; readonly by: ClaimedBy }
    | { readonly kind: "claim-first"; readonly lost: boolean }
    | { readonly kind: "decide"; readonly claimUntil: number | null };

export interface Situation {
    readonly shown: Proposal | null;
    readonly changed: Proposal | null;
    readonly lostClaim: boolean;
    readonly offline: boolean;
    readonly myId: string;
    readonly nowMs: number;
}

/* The claim that still runs, or null. A claim without a time (from an event) counts as running. */
export function runningClaim(proposal: Pick<Proposal, "hold">, nowMs: number): ClaimedBy | null {
    const claim = proposal.hold?.claimed_by ?? null;
    const until = instant(claim?.until);
    return claim !== null && until !== null && until <= nowMs ? null : claim;
}

/* The state of the bar; the first reason that holds wins. */
export function barState(situation: Situation): Bar {
    const { shown, changed, lostClaim, offline, myId, nowMs } = situation;
    if (shown === null) {
        return { kind: "loading" };
    }
    const latest = changed ?? shown;
    const { hold, can } = latest;
    if (latest.status !== "pending" || hold === null) {
        return { kind: "ended" };
    }
    if (hold.phase === "undo") {
        return {
            kind: "undo",
            releaseAt: instant(hold.release_at) ?? 0,
            mine: latest.decision?.by.id === myId,
        };
    }
    if (changed !== null) {
        return { kind: "changed" };
    }
    if (offline) {
        return { kind: "offline" };
    }
    const claim = runningClaim(shown, nowMs);
    if (claim !== null && claim.id !== myId) {
        return { kind: "claimed", by: claim };
    }
    if (shown.card === undefined) {
        return { kind: "not-allowed", reason: "The server could not show what will run." };
    }
    if (can !== undefined && !can.decide && !can.claim) {
        return { kind: "not-allowed", reason: can.reason ?? "Your role does not decide this." };
    }
    if (claim === null && (hold.mode !== "glance" || lostClaim)) {
        const expired = shown.hold?.claimed_by?.id === myId;
        return { kind: "claim-first", lost: lostClaim || expired };
    }
    return { kind: "decide", claimUntil: instant(claim?.until) };
}
