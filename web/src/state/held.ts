// SPDX-License-Identifier: Apache-2.0
/*
 * Decisions that this person made and can still take back: each waits for its release time. The
 * server alone knows whether an undo came in time; a late one is refused and said so.
 */
import { signal } from "@preact/signals";
import { api } from "../api";
import { instant } from "../text/format";
import type { Proposal, Verdict } from "../wire";
import { alertNow, announce } from "./announce";
import { serverNow } from "./clock";
import { noticeProblem } from "./session";

export interface HeldDecision {
    readonly id: string;
    readonly title: string;
    readonly verdict: Verdict;
    readonly releaseAt: number; /* 0: released at once, nothing to undo */
    readonly shownUntil: number;
}

/* A decision without undo time is still confirmed on the screen for this long. */
const CONFIRM_MS = 5000;

export const held = signal<readonly HeldDecision[]>([]);

/* Takes a fresh decision up; the newest is first. */
export function holdDecision(proposal: Proposal, verdict: Verdict, title: string): void {
    const inUndo = proposal.hold?.phase === "undo";
    const releaseAt = inUndo ? (instant(proposal.hold?.release_at) ?? 0) : 0;
    const shownUntil = Math.max(releaseAt, serverNow() + CONFIRM_MS);
    const others = stillHeld(serverNow()).filter((entry) => entry.id !== proposal.id);
    held.value = [{ id: proposal.id, title, verdict, releaseAt, shownUntil }, ...others];
}

/* Those that are still worth showing at `nowMs`. */
export const stillHeld = (nowMs: number): readonly HeldDecision[] =>
    held.value.filter((entry) => entry.shownUntil > nowMs);

/* The newest that can be undone at `nowMs`. */
export const undoable = (nowMs: number): HeldDecision | null =>
    stillHeld(nowMs).find((entry) => entry.releaseAt > nowMs) ?? null;

/* Forgets an entry. */
export function dropHeld(id: string): void {
    held.value = held.value.filter((entry) => entry.id !== id);
}

/* Takes a decision back. Returns the proposal as it stands then, or null where it was refused. */
export async function undoDecision(id: string): Promise<Proposal | null> {
    try {
        const proposal = await api.undo(id);
        dropHeld(id);
        announce("Undone. It waits for a decision again, and you hold it.");
        return proposal;
    } catch (thrown) {
        const problem = noticeProblem(thrown);
        dropHeld(id);
        alertNow(
            problem.kind === "already-released"
                ? "Too late: it was already released."
                : problem.message,
        );
        return null;
    }
}
