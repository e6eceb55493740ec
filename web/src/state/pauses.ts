// SPDX-License-Identifier: Apache-2.0
/*
 * What is paused now, for the banner and the page of pauses. Read again whenever the stream says so.
 */
import { effect, signal } from "@preact/signals";
import { api, type Problem } from "../api";
import type { Pause } from "../wire";
import { pauseNews } from "./live";
import { noticeProblem, session } from "./session";

export const pauses = signal<readonly Pause[] | null>(null);
export const pausesFailure = signal<Problem | null>(null);

export async function readPauses(): Promise<void> {
    try {
        pauses.value = (await api.pauses()).items;
        pausesFailure.value = null;
    } catch (thrown) {
        pausesFailure.value = noticeProblem(thrown);
    }
}

export function startPauses(): void {
    effect(() => {
        if (pauseNews.value > 0 && session.value === "in") {
            void readPauses();
        }
    });
}

/* What a pause stops, in words; names are data. */
export function covered(pause: Pause): { kind: string; name: string } {
    const name = pause.agent ?? pause.action ?? pause.category ?? "";
    return { kind: pause.covers === "everything" ? "Everything" : `The ${pause.covers}`, name };
}
