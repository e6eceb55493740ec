// SPDX-License-Identifier: Apache-2.0
/*
 * What a person sets for this browser: theme and single-key shortcuts. Kept in localStorage;
 * where that is refused, for this visit only. Must never hold anything about a proposal.
 */
import { effect, signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";
export const THEMES: readonly Theme[] = ["auto", "light", "dark"];

function load(name: string): string | null {
    try {
        return localStorage.getItem(`fermata.${name}`);
    } catch {
        return null;
    }
}

function save(name: string, value: string): void {
    try {
        localStorage.setItem(`fermata.${name}`, value);
    } catch {
        return;
    }
}

export const theme = signal<Theme>(THEMES.find((name) => name === load("theme")) ?? "auto");
export const singleKeys = signal(load("keys") !== "off");

/* Applies the preferences to the document and keeps them. */
export function startPrefs(): void {
    effect(() => {
        document.documentElement.dataset["theme"] = theme.value;
        save("theme", theme.value);
    });
    effect(() => save("keys", singleKeys.value ? "on" : "off"));
}
