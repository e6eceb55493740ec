// SPDX-License-Identifier: Apache-2.0
/*
 * What the page about the policy shows: the versions, the texts that were read, the text that is being
 * written, and the one replay that runs for this page. Nothing of it outlives the page.
 */
import { signal } from "@preact/signals";
import type { Problem } from "../api";
import { policyApi, type Backtest, type Tried, type Version, type Whole } from "../policy_api";
import { noticeProblem } from "./session";

export const versions = signal<readonly Version[] | null>(null);
export const more = signal<string | null>(null); /* the cursor of older versions */
export const failure = signal<Problem | null>(null);

/* The text that is being written; null: none yet, the active version's is offered. */
export const written = signal<string | null>(null);

/* What a proposal or an activation has come to, said until the next one. */
export const outcome = signal<Version | null>(null);

const PAGES_MAX = 20;
const isActive = ({ state }: Version): boolean => state === "active";

export const activeVersion = (): Version | undefined => versions.value?.find(isActive);

/* Reads the newest versions, or with `older` one page more; on to the active one, however many candidates
 * came after it. */
export async function readVersions(older = false): Promise<void> {
    try {
        let page = await policyApi.versions(older ? more.value : null);
        let items = older ? [...(versions.value ?? []), ...page.items] : page.items;
        for (let i = 0; i < PAGES_MAX && page.next_cursor !== null && !items.some(isActive); i += 1) {
            page = await policyApi.versions(page.next_cursor);
            items = [...items, ...page.items];
        }
        versions.value = items;
        more.value = page.next_cursor;
        failure.value = null;
    } catch (thrown) {
        failure.value = noticeProblem(thrown);
    }
}

const TEXTS_MAX = 20;
const texts = new Map<string, Whole>();

/* A version with its text; the text of a version never changes, its state does. */
export async function readWhole(id: string, fresh = false): Promise<Whole> {
    const known = texts.get(id);
    if (known !== undefined && !fresh) {
        return known;
    }
    const whole = await policyApi.version(id);
    if (texts.size >= TEXTS_MAX) {
        texts.clear();
    }
    texts.set(id, whole);
    return whole;
}

/* Replays -------------------------------------------------------------------------------------- */

export interface Replay {
    readonly key: string; /* what was asked for */
    readonly job: Backtest | null;
    readonly problem: Problem | null;
    readonly again: () => void;
}

export const replay = signal<Replay | null>(null);

const LOOK_AGAIN_MS = 400;
let turn = 0;

const isOver = ({ state }: Backtest): boolean => state !== "waiting" && state !== "running";
const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/* Ends the replay that runs for this page, if there is one: the server has few places. */
export function dropReplay(): void {
    const job = replay.value?.job;
    turn += 1;
    replay.value = null;
    if (job && !isOver(job)) {
        void policyApi.cancelBacktest(job.id).catch(() => undefined);
    }
}

/* Replays the last `days` under a text or a version, and follows it to its end. A newer one ends this. */
export async function startReplay(key: string, tried: Tried, days: number): Promise<void> {
    dropReplay();
    const mine = turn;
    const again = (): void => void startReplay(key, tried, days);
    replay.value = { key, job: null, problem: null, again };
    try {
        let job = await policyApi.backtest(tried, days);
        while (mine === turn && !isOver(job)) {
            replay.value = { key, job, problem: null, again };
            await pause(LOOK_AGAIN_MS);
            if (mine === turn) {
                job = await policyApi.backtestNow(job.id);
            }
        }
        if (mine === turn) {
            replay.value = { key, job, problem: null, again };
        } else if (!isOver(job)) {
            await policyApi.cancelBacktest(job.id);
        }
    } catch (thrown) {
        if (mine === turn) {
            replay.value = { key, job: null, problem: noticeProblem(thrown), again };
        }
    }
}
