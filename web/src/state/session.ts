// SPDX-License-Identifier: Apache-2.0
/*
 * Who is signed in. The session itself is a cookie that scripts cannot read. When it ends while
 * somebody works, the page stays as it is (drafts and all) and asks for the password again.
 *
 * States: unknown -> out | in; in -> ended (asks again) -> in; in -> out (signed out by choice); renew
 * instead of in while a one-time code stands in for the password: then only a new one can be set.
 */
import { signal } from "@preact/signals";
import { api, asProblem, Problem } from "../api";
import type { Me } from "../wire";
import { clearDrafts } from "./drafts";

export type SessionState = "unknown" | "out" | "in" | "renew" | "ended" | "unreachable";

export const session = signal<SessionState>("unknown");
export const me = signal<Me | null>(null);

function enter(who: Me): void {
    me.value = who;
    session.value = who.must_change_password === true ? "renew" : "in";
}

/* Asks the server who we are. */
export async function resumeSession(): Promise<void> {
    try {
        enter(await api.me());
    } catch (thrown) {
        session.value = asProblem(thrown).status === 401 ? "out" : "unreachable";
    }
}

/* Signs in; a refusal is thrown as a Problem. Another person than before starts afresh. */
export async function signIn(name: string, password: string): Promise<void> {
    const who = await api.signIn(name, password);
    const samePerson = me.value === null || me.value.id === who.id;
    if (!samePerson) {
        clearDrafts();
        location.assign("/");
        return;
    }
    enter(who);
}

/* Signs out and forgets everything that was on the screen. */
export async function signOut(): Promise<void> {
    await api.signOut().catch(() => undefined);
    clearDrafts();
    location.assign("/");
}

/* To be called with every failure: notices that the session is over. Returns the problem. */
export function noticeProblem(thrown: unknown): Problem {
    const problem = asProblem(thrown);
    if (problem.status === 401 && session.value === "in") {
        session.value = "ended";
    }
    return problem;
}
