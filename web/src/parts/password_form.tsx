// SPDX-License-Identifier: Apache-2.0
/*
 * Setting a password: the present one where there is one, the new one twice. Passwords live in the
 * fields only: they are read on sending and cleared by every refusal.
 */
import { useRef, useState } from "preact/hooks";
import { api, asProblem, type Problem } from "../api";
import { noticeProblem } from "../state/session";
import { capital } from "../text/words";

export const PASSWORD_MIN = 8;

/* What the server refused, as a sentence. */
export function refusalOf(problem: Problem): string {
    if (problem.status === 429) {
        return `Too many attempts. Try again in ${problem.retryAfterS ?? 60} seconds.`;
    }
    return `${capital(problem.errors[0]?.message ?? problem.message)}.`;
}

interface FieldProps {
    readonly id: string;
    readonly label: string;
    readonly complete: string;
    readonly input: { current: HTMLInputElement | null };
    readonly hint?: string;
    readonly autofocus?: boolean;
}

/* One password field, with what is wanted of it. */
export function PasswordField({ id, label, complete, input, hint, autofocus }: FieldProps) {
    return (
        <div class="field">
            <label for={id}>{label}</label>
            <input
                id={id}
                ref={input}
                type="password"
                required
                minLength={complete === "new-password" ? PASSWORD_MIN : undefined}
                autocomplete={complete}
                autofocus={autofocus === true}
                aria-describedby={hint ? `${id}-hint` : undefined}
            />
            {hint && (
                <span class="quiet small-text" id={`${id}-hint`}>
                    {hint}
                </span>
            )}
        </div>
    );
}

export const PASSWORD_HINT = "At least 8 characters. Four unrelated words make a good one.";

interface FormProps {
    readonly asksCurrent: boolean;
    readonly name: string; /* for password managers */
    readonly label: string;
    readonly done: () => Promise<void>;
}

export function PasswordForm({ asksCurrent, name, label, done }: FormProps) {
    const current = useRef<HTMLInputElement>(null);
    const fresh = useRef<HTMLInputElement>(null);
    const again = useRef<HTMLInputElement>(null);
    const [refusal, setRefusal] = useState("");
    const [busy, setBusy] = useState(false);
    const refuse = (text: string): void => {
        setRefusal(text);
        setBusy(false);
        [current, fresh, again].forEach(({ current: field }) => {
            if (field) {
                field.value = "";
            }
        });
        (current.current ?? fresh.current)?.focus();
    };
    const send = async (event: Event): Promise<void> => {
        event.preventDefault();
        if (fresh.current?.value !== again.current?.value) {
            refuse("The two new passwords are not the same.");
            return;
        }
        setBusy(true);
        setRefusal("");
        try {
            await api.changePassword(
                asksCurrent ? (current.current?.value ?? "") : null,
                fresh.current?.value ?? "",
            );
            await done();
        } catch (thrown) {
            noticeProblem(thrown);
            refuse(refusalOf(asProblem(thrown)));
        }
    };
    return (
        <form onSubmit={send}>
            <input class="sr" type="text" autocomplete="username" value={name} tabIndex={-1} readOnly aria-label="Name" />
            {asksCurrent && (
                <PasswordField
                    id="password-current"
                    label="Present password"
                    complete="current-password"
                    input={current}
                />
            )}
            <PasswordField
                id="password-new"
                label="New password"
                complete="new-password"
                input={fresh}
                hint={PASSWORD_HINT}
                autofocus={!asksCurrent}
            />
            <PasswordField
                id="password-again"
                label="New password, again"
                complete="new-password"
                input={again}
            />
            <p class="error" id="password-refusal" role="alert">
                {refusal}
            </p>
            <button type="submit" class="primary" disabled={busy}>
                {busy ? "Saving" : label}
            </button>
        </form>
    );
}
