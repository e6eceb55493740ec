// SPDX-License-Identifier: Apache-2.0
/*
 * People, agents, keys: read together, and again after each change. Secrets that the server shows once
 * live in `shownOnce` until the dialog is closed, nowhere else.
 */
import { signal } from "@preact/signals";
import { api, type Problem } from "../api";
import type { Agent, KeyRow, Person } from "../wire";
import { me, noticeProblem } from "./session";

export interface Access {
    readonly people: readonly Person[];
    readonly agents: readonly Agent[];
    readonly keys: readonly KeyRow[] | null; /* null: not for this role */
}

export interface ShownOnce {
    readonly title: string;
    readonly secret: string;
    readonly hint: string;
}

export const access = signal<Access | null>(null);
export const failure = signal<Problem | null>(null);
export const shownOnce = signal<ShownOnce | null>(null);

export async function readAccess(): Promise<void> {
    const seesKeys = me.value?.can.admin === true || me.value?.can.audit === true;
    try {
        const [people, agents, keys] = await Promise.all([
            api.people(),
            api.agents(),
            seesKeys ? api.keys() : null,
        ]);
        access.value = { people: people.items, agents: agents.items, keys: keys?.items ?? null };
        failure.value = null;
    } catch (thrown) {
        failure.value = noticeProblem(thrown);
    }
}

/* Does something and reads everything again; a refusal is shown above the lists. False: refused. */
export async function change(work: () => Promise<ShownOnce | null>): Promise<boolean> {
    try {
        shownOnce.value = await work();
        await readAccess();
        return true;
    } catch (thrown) {
        failure.value = noticeProblem(thrown);
        return false;
    }
}

export const codeFor = (name: string, code: string): ShownOnce => ({
    title: `One-time code for ${name}`,
    secret: code,
    hint:
        "Shown this once. With it as the password they sign in within a day and set a new one; nothing can be " +
        "decided before that. Hand it over on a way that is theirs alone.",
});
