// SPDX-License-Identifier: Apache-2.0
/*
 * Whether there is room for list and decision side by side, and the size of the root font, on
 * which the row heights depend. Follows the window and the person's text size.
 */
import { signal } from "@preact/signals";

const WIDE = matchMedia("(min-width: 60rem)");

const rootFontPx = (): number =>
    parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;

export const wide = signal(WIDE.matches);
export const remPx = signal(rootFontPx());

/* Follows the window; called once. */
export function startLayout(): void {
    WIDE.addEventListener("change", () => {
        wide.value = WIDE.matches;
    });
    addEventListener("resize", () => {
        remPx.value = rootFontPx();
    });
}
