// SPDX-License-Identifier: Apache-2.0
/*
 * After signing in with a one-time code: nothing but a new password, and who had the old one reset.
 */
import { Notice } from "../parts/bits";
import { Logo } from "../parts/icons";
import { PasswordForm } from "../parts/password_form";
import { Said } from "../parts/untrusted";
import { now } from "../state/clock";
import { me, resumeSession, signOut } from "../state/session";
import { clockTime } from "../text/format";

export function RenewPage() {
    const who = me.value;
    const password = who?.password;
    return (
        <main class="signin">
            <div class="signin-box">
                <Logo />
                <h1>Set a new password</h1>
                {password?.set_at || password?.reset_at ? (
                    <Notice tone="warn" icon="lock">
                        The password of <Said text={who?.name ?? ""} /> was{" "}
                        {password.set_at ? "reset" : "asked for"} by{" "}
                        <strong>
                            <Said text={password.reset_by ?? "somebody"} />
                        </strong>
                        {password.reset_at && ` (${clockTime(password.reset_at, now.value)})`}. If you
                        did not ask for it, tell somebody other than them.
                    </Notice>
                ) : null}
                <PasswordForm
                    asksCurrent={false}
                    name={who?.name ?? ""}
                    label="Set password"
                    done={resumeSession}
                />
                <button type="button" class="link" onClick={() => void signOut()}>
                    Not now: sign out
                </button>
            </div>
        </main>
    );
}
