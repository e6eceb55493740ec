// SPDX-License-Identifier: Apache-2.0
/*
 * Name and password, for the sign-in page and for signing in again. The password lives in the
 * field only: it is read on sending and cleared on every answer.
 */
import { useRef, useState } from "preact/hooks";
import { asProblem, type Problem } from "../api";
import { signIn } from "../state/session";
import { capital } from "../text/words";

function refusalText(problem: Problem): string {
    if (problem.status === 401) {
        return "Name or password is wrong.";
    }
    if (problem.status === 403) {
        return `${capital(problem.message)}. Open it there to sign in.`;
    }
    if (problem.status === 429) {
        return `Too many attempts. Try again in ${problem.retryAfterS ?? 60} seconds.`;
    }
    return problem.message;
}

export function SignInForm({ name }: { name: string }) {
    const password = useRef<HTMLInputElement>(null);
    const who = useRef<HTMLInputElement>(null);
    const [refusal, setRefusal] = useState("");
    const [busy, setBusy] = useState(false);
    const send = async (event: Event): Promise<void> => {
        event.preventDefault();
        setBusy(true);
        setRefusal("");
        try {
            await signIn(who.current?.value ?? "", password.current?.value ?? "");
        } catch (thrown) {
            setRefusal(refusalText(asProblem(thrown)));
            setBusy(false);
            if (password.current) {
                password.current.value = "";
                password.current.focus();
            }
        }
    };
    return (
        <form class="signin-form" onSubmit={send}>
            <div class="field">
                <label for="name">Name</label>
                <input
                    id="name"
                    ref={who}
                    type="text"
                    required
                    autocomplete="username"
                    autocapitalize="none"
                    spellcheck={false}
                    defaultValue={name}
                    autofocus={name === ""}
                />
            </div>
            <div class="field">
                <label for="password">Password</label>
                <input
                    id="password"
                    ref={password}
                    type="password"
                    required
                    autocomplete="current-password"
                    autofocus={name !== ""}
                    aria-describedby="signin-refusal"
                />
            </div>
            <p class="error" id="signin-refusal" role="alert">
                {refusal}
            </p>
            <button type="submit" class="primary wide" disabled={busy}>
                {busy ? "Signing in" : "Sign in"}
            </button>
        </form>
    );
}
