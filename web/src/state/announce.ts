// SPDX-License-Identifier: Apache-2.0
/*
 * What is said to people who do not see the screen: one polite line, one urgent line. Must be
 * called with the page's own words and with text that was spelled out (text/hidden.ts).
 */
import { signal } from "@preact/signals";

export const polite = signal("");
export const urgent = signal("");

/* Says `text` when the reader is free. The same text twice is said twice. */
export function announce(text: string): void {
    polite.value = polite.value === text ? `${text}\u00a0` : text;
}

/* Says `text` at once: refusals and conflicts only. */
export function alertNow(text: string): void {
    urgent.value = urgent.value === text ? `${text}\u00a0` : text;
}
