// SPDX-License-Identifier: Apache-2.0
/*
 * The two dialogs: the panel of keys, and signing in again without losing what was typed. Native
 * <dialog> elements: the browser keeps the focus inside and the page behind inert.
 */
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { BINDINGS, useKeys } from "../keys";
import { singleKeys } from "../state/prefs";
import { me, session, signOut } from "../state/session";
import { SignInForm } from "./signin_form";

export const helpOpen = signal(false);

/* A native dialog; the focus comes back to where it was. */
export function Dialog({
    title,
    onCancel,
    children,
}: {
    title: string;
    onCancel: (() => void) | null;
    children: ComponentChildren;
}) {
    const dialog = useRef<HTMLDialogElement>(null);
    useKeys({ back: onCancel ?? (() => undefined) }, true);
    useEffect(() => {
        const before = document.activeElement as HTMLElement | null;
        dialog.current?.showModal();
        return () => before?.focus?.();
    }, []);
    return (
        <dialog
            ref={dialog}
            aria-labelledby="dialog-heading"
            onCancel={(event) => {
                event.preventDefault();
                onCancel?.();
            }}
        >
            <h2 id="dialog-heading">{title}</h2>
            {children}
        </dialog>
    );
}

const printed = (keys: string): string => keys.replace("Escape", "Esc");

function KeysPanel() {
    const close = (): void => {
        helpOpen.value = false;
    };
    return (
        <Dialog title="Keys" onCancel={close}>
            {!singleKeys.value && (
                <p>
                    Single-key shortcuts are switched off in{" "}
                    <a href="/me" onClick={close}>
                        Me
                    </a>
                    .
                </p>
            )}
            <KeyTable />
            <div class="send-row">
                <button type="button" class="primary" autofocus onClick={close}>
                    Close <kbd aria-hidden="true">Esc</kbd>
                </button>
            </div>
        </Dialog>
    );
}

/* Every key of the registry, by group. */
export function KeyTable() {
    const groups = [...new Set(BINDINGS.map((binding) => binding.group))];
    return (
        <div class="key-groups">
            {groups.map((group) => (
                <table key={group} class="keys">
                    <caption>{group}</caption>
                    <tbody>
                        {BINDINGS.filter((binding) => binding.group === group).map((binding) => (
                            <tr key={binding.id}>
                                <th scope="row">
                                    {printed(binding.keys)
                                        .split(" ")
                                        .map((key) => (
                                            <kbd key={key}>{key}</kbd>
                                        ))}
                                </th>
                                <td>{binding.label}</td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            ))}
        </div>
    );
}

function SessionEnded() {
    return (
        <Dialog title="Your session has ended" onCancel={null}>
            <p>Sign in again to go on. What you typed is still here, and nothing was sent.</p>
            <SignInForm name={me.value?.name ?? ""} />
            <button type="button" class="link" onClick={() => void signOut()}>
                Leave, and forget what I typed
            </button>
        </Dialog>
    );
}

/* Whichever dialog is open. */
export function Dialogs() {
    if (session.value === "ended") {
        return <SessionEnded />;
    }
    return helpOpen.value ? <KeysPanel /> : null;
}
