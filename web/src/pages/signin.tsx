// SPDX-License-Identifier: Apache-2.0
/*
 * The sign-in page, and the page where the server does not answer at all.
 */
import { Logo } from "../parts/icons";
import { Notice } from "../parts/bits";
import { SignInForm } from "../parts/signin_form";
import { linkRefusal, resumeSession } from "../state/session";
import { capital } from "../text/words";

export function SignIn() {
    return (
        <main class="signin">
            <div class="signin-box">
                <Logo />
                <h1>Fermata</h1>
                <p class="quiet">Agents wait here for a person's decision.</p>
                {linkRefusal.value !== "" && (
                    <Notice tone="warn" icon="warn">
                        {capital(linkRefusal.value)}.
                    </Notice>
                )}
                <SignInForm name="" />
            </div>
        </main>
    );
}

export function Unreachable() {
    return (
        <main class="signin">
            <div class="signin-box">
                <Logo />
                <h1>Fermata</h1>
                <Notice tone="danger" icon="warn">
                    <strong>No answer from the server.</strong> Check the connection, then try
                    again.
                </Notice>
                <button type="button" class="primary wide" onClick={() => void resumeSession()}>
                    Try again
                </button>
            </div>
        </main>
    );
}
