// SPDX-License-Identifier: Apache-2.0
/*
 * The one proposal that is open, and everything a person can do with it.
 *
 * Invariants:
 * 1. `shown` is what is on the screen; a decision carries the digest of `shown`, of nothing newer.
 * 2. Another digest never replaces `shown` by itself: it waits in `changed` until it is read.
 * 3. One write at a time; a repeated send of the same decision carries the same idempotency key.
 */
import { signal } from "@preact/signals";
import { api, newIdempotencyKey, type Problem } from "../api";
import { spelledOut } from "../text/hidden";
import { DECIDED, STATUS, word } from "../text/words";
import type { DecisionBody, Proposal } from "../wire";
import { alertNow, announce } from "./announce";
import { serverNow } from "./clock";
import { dropDraft } from "./drafts";
import { holdDecision } from "./held";
import { standIn, syncRow } from "./inbox";
import { onLive } from "./live";
import { me, noticeProblem } from "./session";

export type Form = "edit" | "reject" | "ask" | "confirm" | null;

export interface Opened {
    readonly id: string;
    readonly shown: Proposal | null;
    readonly changed: Proposal | null;
    readonly before: Proposal | null; /* the revision that was read before `shown` */
    readonly problem: Problem | null; /* why it could not be read */
    readonly refusal: Problem | null; /* why the last write was refused */
    readonly busy: string | null; /* the write under way */
    readonly slow: boolean;
    readonly form: Form;
    readonly notBefore: number; /* the server said "too fast": earliest next try */
    readonly lostClaim: boolean;
}

const SLOW_MS = 1000;
const READ_MIN_MS = 2000;
const CACHE_MAX = 8;

const closed = (id: string): Opened => ({
    id,
    shown: null,
    changed: null,
    before: null,
    problem: null,
    refusal: null,
    busy: null,
    slow: false,
    form: null,
    notBefore: 0,
    lostClaim: false,
});

export const opened = signal<Opened>(closed(""));
const cache = new Map<string, Proposal>();
let sending: { text: string; key: string } | null = null;

function patch(id: string, changed: Partial<Opened>): void {
    if (opened.value.id === id) {
        opened.value = { ...opened.value, ...changed };
    }
}

/* The next one that is alike, once this one was decided: it has taken its place in the list. */
export function nextAlike(id: string): string | null {
    const { shown } = opened.value;
    return shown?.id === id ? standIn(shown) : null;
}

/* The title of a proposal, as the server made it. */
export const titleOf = (proposal: Proposal): string =>
    proposal.card?.title ?? proposal.title ?? proposal.action;

/* Whether the person at the screen holds the claim on it. */
export const isMine = (proposal: Proposal): boolean =>
    proposal.hold?.claimed_by?.id === me.value?.id && proposal.hold?.claimed_by != null;

function remember(proposal: Proposal): void {
    cache.delete(proposal.id);
    cache.set(proposal.id, proposal);
    if (cache.size > CACHE_MAX) {
        cache.delete([...cache.keys()][0] ?? "");
    }
}

/* Takes a fresh reading in: same digest, up to date; another digest, waits in `changed`. */
function take(proposal: Proposal): void {
    remember(proposal);
    syncRow(proposal);
    const { id, shown, lostClaim } = opened.value;
    if (id !== proposal.id) {
        return;
    }
    if (shown !== null && shown.digest !== proposal.digest) {
        patch(id, { changed: proposal, form: null, problem: null });
        alertNow("Changed since you opened it. Read it again.");
        return;
    }
    tellEnding(shown, proposal);
    const lost =
        shown !== null &&
        isMine(shown) &&
        !isMine(proposal) &&
        proposal.status === "pending" &&
        proposal.hold?.phase !== "undo";
    patch(id, {
        shown: proposal,
        problem: null,
        lostClaim: (lost || lostClaim) && !isMine(proposal),
    });
}

/* Says it when somebody or something else ended what is being read. */
function tellEnding(before: Proposal | null, after: Proposal): void {
    const was = before !== null && before.status === "pending" && before.decision === null;
    const byMe = after.decision?.by.id === me.value?.id;
    if (was && after.decision !== null && !byMe) {
        const who = spelledOut(after.decision.by.name ?? "Policy");
        alertNow(`${who} decided: ${word(DECIDED, after.decision.verdict)}.`);
    } else if (was && after.decision === null && after.status !== "pending") {
        alertNow(`${word(STATUS, after.status)}: no decision is needed.`);
    }
}

async function read(id: string): Promise<void> {
    const timer = window.setTimeout(() => patch(id, { slow: true }), SLOW_MS);
    try {
        take(await api.proposal(id));
    } catch (thrown) {
        patch(id, { problem: noticeProblem(thrown) });
    } finally {
        clearTimeout(timer);
        patch(id, { slow: false });
    }
}

/* Opens a proposal: at once from what was read ahead, and fresh from the server. */
export function openProposal(id: string): void {
    if (opened.value.id === id && opened.value.problem === null) {
        return;
    }
    opened.value = { ...closed(id), shown: cache.get(id) ?? null };
    void read(id);
}

/* Reads the open proposal again. */
export const rereadProposal = (): Promise<void> => read(opened.value.id);

/* Reads one ahead, so that the next decision starts at once. */
export function prefetchProposal(id: string | null): void {
    if (id !== null && !cache.has(id)) {
        api.proposal(id)
            .then(remember)
            .catch(() => undefined);
    }
}

/* Shows the newer revision that was waiting. */
export function showChanged(): void {
    const { id, changed, shown } = opened.value;
    if (changed !== null) {
        patch(id, { ...closed(id), shown: changed, before: shown });
        announce("This is the newest revision.");
    }
}

/* Opens or closes one of the forms of the action bar. */
export const openForm = (form: Form): void => patch(opened.value.id, { form, refusal: null });

/* Runs one write on the open proposal; answers whether it was done. */
async function write(
    name: string,
    run: (id: string) => Promise<Proposal>,
): Promise<Proposal | null> {
    const { id, busy } = opened.value;
    if (busy !== null) {
        return null;
    }
    patch(id, { busy: name, refusal: null });
    try {
        const proposal = await run(id);
        patch(id, { busy: null });
        take(proposal);
        return proposal;
    } catch (thrown) {
        refused(id, noticeProblem(thrown));
        return null;
    }
}

/* Every refusal is told; those that mean "it is no longer as you see it" are followed by a read. */
const STALE = new Set([
    "already-decided",
    "digest-mismatch",
    "claimed",
    "claim-first",
    "already-released",
    "not-decided",
    "not-found",
]);

function refused(id: string, problem: Problem): void {
    const wait =
        problem.kind === "too-fast" ? (problem.retryAfterS ?? READ_MIN_MS / 1000) * 1000 : 0;
    patch(id, { busy: null, refusal: problem, notBefore: wait > 0 ? serverNow() + wait : 0 });
    if (problem.kind !== "unauthenticated") {
        alertNow(problem.message);
    }
    if (STALE.has(problem.kind)) {
        cache.delete(id);
        void read(id);
    }
}

/* Claims the open proposal, or renews the claim. */
export async function claim(): Promise<void> {
    const renewing = opened.value.shown !== null && isMine(opened.value.shown);
    const done = await write("claim", api.claim);
    if (done !== null && !renewing) {
        patch(done.id, { notBefore: serverNow() + READ_MIN_MS, lostClaim: false });
        announce("Claimed. You hold it for ten minutes.");
    }
}

/* Gives the claim back. */
export async function unclaim(): Promise<void> {
    const { id, shown } = opened.value;
    patch(id, {
        shown: shown && { ...shown, hold: shown.hold && { ...shown.hold, claimed_by: null } },
    });
    if (await write("unclaim", api.unclaim)) {
        announce("Given back.");
    } else {
        void read(id);
    }
}

/* The policy wants others for it, or reading first: no decision was made. The page stays, and its
 * bar says so; where only reading lacks, what was typed stays for the next try. */
function handedOver(before: Proposal, after: Proposal): void {
    const queue = after.hold?.queue ?? "";
    const moved = queue !== before.hold?.queue;
    const reason = moved
        ? `Not approved: the policy wants the queue ${spelledOut(queue)} to decide it. It waits there.`
        : "Not approved: the policy wants it claimed and read first. It is not decided yet.";
    const { hold, assessment } = after;
    const nobody = { decide: false, claim: false, reason };
    const can = moved ? nobody : (before.can ?? nobody);
    alertNow(reason);
    patch(after.id, { shown: { ...before, hold, assessment, can } });
    if (moved) {
        dropDraft(after.id);
        patch(after.id, { form: null });
    }
}

/* Sends a decision on exactly what is shown. Answers whether it stands. */
export async function decide(body: Omit<DecisionBody, "digest">): Promise<boolean> {
    const { shown } = opened.value;
    if (shown === null) {
        return false;
    }
    const full: DecisionBody = { ...body, digest: shown.digest };
    const text = `${shown.id} ${JSON.stringify(full)}`;
    sending = sending?.text === text ? sending : { text, key: newIdempotencyKey() };
    const { key } = sending;
    const proposal = await write(body.verdict, (id) => api.decide(id, full, key));
    if (proposal === null) {
        return false;
    }
    sending = null;
    if (proposal.status === "pending" && proposal.hold?.phase !== "undo") {
        handedOver(shown, proposal);
        return false;
    }
    dropDraft(proposal.id);
    patch(proposal.id, { form: null });
    holdDecision(proposal, body.verdict, titleOf(proposal));
    announce(`${spelledOut(titleOf(proposal))}: ${word(DECIDED, body.verdict)}.`);
    return true;
}

/* Adds a note for colleagues. Answers whether it was kept. */
export async function addComment(text: string): Promise<boolean> {
    const done = await write("comment", async (id) => {
        await api.comment(id, text, newIdempotencyKey());
        return api.proposal(id);
    });
    return done !== null;
}

/* Puts a reading from elsewhere (an undo) on the screen. */
export function adopt(proposal: Proposal): void {
    remember(proposal);
    syncRow(proposal);
    opened.value = { ...closed(proposal.id), shown: proposal };
}

/* Listens to the stream; called once. */
export function startProposal(): void {
    onLive((event) => {
        const { id } = opened.value;
        if (event === "resync") {
            cache.clear();
        } else {
            cache.delete(event.proposal);
        }
        if (
            id !== "" &&
            (event === "resync" || event.proposal === id) &&
            opened.value.busy === null
        ) {
            void read(id);
        }
    });
}
