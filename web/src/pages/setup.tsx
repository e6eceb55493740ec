// SPDX-License-Identifier: Apache-2.0
/*
 * The first admin, by the link that the server printed. The token comes behind the # of the URL, which
 * browsers do not send; it leaves the address bar and the history at once, and goes out in a body only.
 */
import { signal } from "@preact/signals";
import { useRef, useState } from "preact/hooks";
import { api, asProblem } from "../api";
import { Notice } from "../parts/bits";
import { Logo } from "../parts/icons";
import {
    PASSWORD_HINT,
    PasswordField,
    refusalOf,
} from "../parts/password_form";
import { go } from "../router";
import { signIn } from "../state/session";

const token = signal("");

/* Takes the token out of the address: at the start, and when the link is opened where this page is open. */
function takeToken(): void {
    if (location.pathname === "/setup" && location.hash.length > 1) {
        token.value = location.hash.slice(1);
        history.replaceState(null, "", "/setup");
    }
}
takeToken();
addEventListener("hashchange", takeToken);

const ALL_ROLES = ["reviewer", "lead", "policy", "auditor"];

function Form() {
    const name = useRef<HTMLInputElement>(null);
    const password = useRef<HTMLInputElement>(null);
    const again = useRef<HTMLInputElement>(null);
    const decides = useRef<HTMLInputElement>(null);
    const [refusal, setRefusal] = useState("");
    const [busy, setBusy] = useState(false);
    const [over, setOver] = useState(false); // somebody is here, or the link is void: no use in trying again
    const send = async (event: Event): Promise<void> => {
        event.preventDefault();
        const [who, secret] = [name.current?.value ?? "", password.current?.value ?? ""];
        if (secret !== again.current?.value) {
            setRefusal("The two passwords are not the same.");
            return;
        }
        setBusy(true);
        setRefusal("");
        try {
            await api.setUp(token.value, who, secret, decides.current?.checked ? ALL_ROLES : []);
            await signIn(who, secret);
            go("/", true);
        } catch (thrown) {
            const problem = asProblem(thrown);
            setRefusal(refusalOf(problem));
            setOver(problem.status === 403);
            setBusy(false);
        }
    };
    return (
        <form class="signin-form" onSubmit={send}>
            <div class="field">
                <label for="setup-name">Your name</label>
                <input
                    id="setup-name"
                    ref={name}
                    type="text"
                    required
                    maxLength={64}
                    autocomplete="username"
                    autocapitalize="none"
                    spellcheck={false}
                    autofocus
                    aria-describedby="setup-name-hint"
                />
                <span class="quiet small-text" id="setup-name-hint">
                    As you will sign in: lower case, such as lena or lena@example.com
                </span>
            </div>
            <PasswordField
                id="setup-password"
                label="Password"
                complete="new-password"
                input={password}
                hint={PASSWORD_HINT}
            />
            <PasswordField
                id="setup-again"
                label="Password, again"
                complete="new-password"
                input={again}
            />
            <label class="check">
                <input type="checkbox" ref={decides} defaultChecked />
                <span>
                    I also decide proposals, lead and own the policy
                    <span class="quiet small-text">
                        {" "}
                        An admin alone decides nothing. Roles can be shared out later.
                    </span>
                </span>
            </label>
            <p class="error" id="setup-refusal" role="alert">
                {refusal}
            </p>
            {over && <a href="/">Sign in instead</a>}
            <button type="submit" class="primary wide" disabled={busy}>
                {busy ? "Setting up" : "Make the first admin"}
            </button>
        </form>
    );
}

export function SetupPage() {
    return (
        <main class="signin">
            <div class="signin-box">
                <Logo />
                <h1>Set up Fermata</h1>
                {token.value === "" ? (
                    <>
                        <Notice tone="warn" icon="warn">
                            This page needs the link that the server printed at its first start. It is
                            good once, for an hour; a restart prints another while nobody is here.
                        </Notice>
                        <a href="/">Sign in instead</a>
                    </>
                ) : (
                    <>
                        <p class="quiet">
                            The link makes the first admin. It works once, while nobody else is here yet.
                        </p>
                        <Form />
                    </>
                )}
            </div>
        </main>
    );
}
