// SPDX-License-Identifier: Apache-2.0
/*
 * Keeps a decision from being made by accident or by another site: Approve is inert until the
 * proposal has been on the screen, and the window in front, for ARM_MS, and until a person has
 * moved the pointer or pressed a key inside the page (double-clickjacking). The server guards
 * too (claim time, digest); this guard protects the person at the screen.
 */
import { signal } from "@preact/signals";

export const ARM_MS = 500;

let paintedAt = Number.POSITIVE_INFINITY;
let focusedAt = performance.now();
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
    paintedAt = performance.now();
    rearm();
}

/* Whether a press or click of `event` may approve. */
export function guardAllows(event: Event): boolean {
    const since = performance.now() - Math.max(paintedAt, focusedAt);
    return event.isTrusted && touched && since >= ARM_MS && document.visibilityState === "visible";
}

/* Watches the window; called once. */
export function startGuard(): void {
    const touch = (event: Event): void => {
        touched ||= event.isTrusted;
    };
    const leave = (): void => {
        touched = false;
    };
    const enter = (): void => {
        focusedAt = performance.now();
        rearm();
    };
    addEventListener("pointermove", touch, { passive: true });
    addEventListener("touchstart", touch, { passive: true });
    addEventListener("keydown", touch, { capture: true });
    addEventListener("blur", leave);
    addEventListener("focus", enter);
    document.addEventListener("visibilitychange", enter);
}
