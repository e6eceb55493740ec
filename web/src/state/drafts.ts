// SPDX-License-Identifier: Apache-2.0
/*
 * What a person has typed and not sent: kept for each proposal until it was acknowledged, through
 * conflicts, lost sessions and moving to another row. In memory only: nothing of a proposal is
 * ever written to the browser's storage.
 */
import { signal } from "@preact/signals";

export interface Draft {
    readonly reason: string;
    readonly reasonCode: string;
    readonly question: string;
    readonly comment: string;
    readonly fields: Readonly<Record<string, string>>; /* edited members, as text */
    readonly raw: string | null; /* all arguments, as JSON text */
    readonly editReason: string;
    readonly severity: "minor" | "material";
}

const EMPTY: Draft = {
    reason: "",
    reasonCode: "",
    question: "",
    comment: "",
    fields: {},
    raw: null,
    editReason: "",
    severity: "material",
};

const drafts = signal<ReadonlyMap<string, Draft>>(new Map());

/* The draft for a proposal; an empty one where there is none. */
export const draftOf = (id: string): Draft => drafts.value.get(id) ?? EMPTY;

/* Changes some members of a draft. */
export function saveDraft(id: string, changed: Partial<Draft>): void {
    drafts.value = new Map(drafts.value).set(id, { ...draftOf(id), ...changed });
}

/* Forgets the draft of a proposal, once it was acknowledged. */
export function dropDraft(id: string): void {
    const rest = new Map(drafts.value);
    rest.delete(id);
    drafts.value = rest;
}

/* Forgets all of them: another person, or nobody. */
export function clearDrafts(): void {
    drafts.value = new Map();
}

/* What was typed for a decision, to be shown where somebody else decided first. */
export function notesOf(id: string): string {
    const { reason, question, editReason } = draftOf(id);
    return [reason, question, editReason].filter((text) => text !== "").join("\n\n");
}
