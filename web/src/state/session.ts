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

/* Whether we read every proposal, and the policy. */
export function seesAll(): boolean {
    const can = me.value?.can;
    return can !== undefined && (can.policy || can.lead || can.audit);
}

/* Whether there is an inbox for us: who decides nothing has none. */
export const decides = (): boolean => me.value?.can.decide === true;

/* The page that we start from. */
export function home(): string {
    const can = me.value?.can;
    return decides() || !can
        ? "/"
        : can.audit
          ? "/proposals"
          : can.policy
            ? "/policy"
            : can.admin
              ? "/people"
              : "/me";
}

/* Why a sign-in link was refused; empty while none was. */
export const linkRefusal = signal("");

/* The code of a one-time link, which stands behind the # of the URL; it is taken out of there at once. */
function takeLinkCode(): string | null {
    const code = /^#(fkl_[\w-]+)$/.exec(location.hash)?.[1] ?? null;
    if (code !== null) {
        history.replaceState(null, "", location.pathname + location.search);
    }
    return code;
}

let linkCode = takeLinkCode();

/* Uses the link up, if the page was opened by one. */
async function signInByLink(): Promise<SessionState> {
    const code = linkCode;
    linkCode = null;
    if (code === null) {
        return "out";
    }
    try {
        enter(await api.signInByLink(code));
        return session.value;
    } catch (thrown) {
        linkRefusal.value = asProblem(thrown).message;
        return "out";
    }
}

/* Asks the server who we are. A link is used only by a browser that is signed in as nobody: nobody's
 * session turns into somebody else's by a click. */
export async function resumeSession(): Promise<void> {
    try {
        enter(await api.me());
    } catch (thrown) {
        const signedOut = asProblem(thrown).status === 401;
        session.value = signedOut ? await signInByLink() : "unreachable";
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
