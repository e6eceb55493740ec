// SPDX-License-Identifier: Apache-2.0
/*
 * The two dialogs: the panel of keys, and signing in again without losing what was typed. Native
 * <dialog> elements: the browser keeps the focus inside and the page behind inert.
 */
import { signal } from "@preact/signals";
import type { ComponentChildren, ComponentType } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useKeys } from "../keys";
import { me, session, signOut } from "../state/session";
import { SignInForm } from "./signin_form";

/* The panel of keys while it is open; its code comes when it is asked for. */
export const help = signal<ComponentType | null>(null);

export const openHelp = (): void =>
    void import("../pages/rare").then(
        ({ KeysPanel }) => {
            help.value = KeysPanel;
        },
        () => undefined,
    );

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
    const Help = help.value;
    return Help && <Help />;
}
