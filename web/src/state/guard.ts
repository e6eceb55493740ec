// SPDX-License-Identifier: Apache-2.0
/*
 * Keeps a decision from being made by accident or by another site: Approve is inert until the
 * proposal has been on the screen, and the window in front, for ARM_MS, and until a person has
 * moved the pointer or pressed a key inside the page (double-clickjacking). The server guards
 * too (claim time, digest); this guard protects the person at the screen.
 */
import { signal } from "@preact/signals";

export const ARM_MS = 500;

let touched = false;
let timer = 0;

/* False while Approve has to be drawn as inert. */
export const armed = signal(false);

function rearm(): void {
    armed.value = false;
    clearTimeout(timer);
    timer = window.setTimeout(() => {
        armed.value = true;
    }, ARM_MS);
}

/* Another proposal, or another revision of it, is on the screen from now. */
export function guardPainted(): void {
    rearm();
}

/* Whether a press or click of `event` may approve: never when Approve is drawn as inert, and never
 * in silence when it is not. */
export function guardAllows(event: Event): boolean {
    return event.isTrusted && touched && armed.value && document.visibilityState === "visible";
}

/* Watches the window; called once. */
export function startGuard(): void {
    const touch = (event: Event): void => {
        touched ||= event.isTrusted;
    };
    const leave = (): void => {
        touched = false;
    };
    addEventListener("pointermove", touch, { passive: true });
    addEventListener("touchstart", touch, { passive: true });
    addEventListener("keydown", touch, { capture: true });
    addEventListener("blur", leave);
    addEventListener("focus", rearm);
    document.addEventListener("visibilitychange", rearm);
}
