// SPDX-License-Identifier: Apache-2.0
/*
 * The event stream of the page, and whether there is a connection at all. Listeners get each
 * event once; after a gap they get `resync`, because what was missed is unknown. Offline means
 * read-only: decisions are refused here, never queued.
 */
import { effect, signal } from "@preact/signals";
import { api } from "../api";
import type { StreamEvent } from "../wire";
import { noticeProblem, session } from "./session";

export type Line = "connecting" | "live" | "offline";

const OF_PROPOSALS = [
    "held",
    "claimed",
    "unclaimed",
    "decided",
    "undone",
    "released",
    "returned",
    "expired",
    "withdrawn",
    "outcome",
    "escalated",
    "tightened",
    "commented",
    "revised",
];
const TYPES = [...OF_PROPOSALS.map((name) => `proposal.${name}`), "permit.redeemed"];

const RETRY_MS = 4000;
/* A hidden tab gives its connection back (browsers allow few of them) and reads again later. */
const HIDDEN_MAX_MS = 120_000;

/* Rises whenever something was paused or goes on, or may have been: what it is has to be read. */
export const pauseNews = signal(0);
const PAUSE_TYPES = ["pause.started", "pause.resume_asked", "pause.ended"];

export const line = signal<Line>("connecting");

type Listener = (event: StreamEvent | "resync") => void;
const listeners = new Set<Listener>();
let source: EventSource | null = null;
let retryTimer = 0;
let hiddenTimer = 0;

/* Calls `listener` for each event; the answer ends that. */
export function onLive(listener: Listener): () => void {
    listeners.add(listener);
    return () => {
        listeners.delete(listener);
    };
}

const tell = (event: StreamEvent | "resync"): void =>
    listeners.forEach((listener) => listener(event));

function receive(message: MessageEvent<string>): void {
    try {
        tell(JSON.parse(message.data) as StreamEvent);
    } catch {
        tell("resync");
    }
}

function open(): void {
    close();
    source = new EventSource("/v1/stream");
    source.addEventListener("hello", () => {
        line.value = "live";
        pauseNews.value += 1;
        tell("resync");
    });
    TYPES.forEach((type) => source?.addEventListener(type, receive as EventListener));
    PAUSE_TYPES.forEach((type) =>
        source?.addEventListener(type, () => {
            pauseNews.value += 1;
        }),
    );
    source.addEventListener("error", lost);
}

function close(): void {
    clearTimeout(retryTimer);
    source?.close();
    source = null;
}

/* Closes and tries again: EventSource itself gives up for good on an error answer. */
function lost(): void {
    close();
    line.value = "offline";
    retryTimer = window.setTimeout(() => void retry(), RETRY_MS);
}

/* Asks first whether the session still stands: the stream itself cannot say why it was refused. */
async function retry(): Promise<void> {
    try {
        await api.me();
        open();
    } catch (thrown) {
        if (noticeProblem(thrown).status !== 401) {
            lost();
        }
    }
}

function visibility(): void {
    clearTimeout(hiddenTimer);
    if (document.hidden) {
        hiddenTimer = window.setTimeout(() => {
            close();
            line.value = "connecting";
        }, HIDDEN_MAX_MS);
    } else if (source === null && session.value === "in") {
        open();
    }
}

/* Opens the stream while somebody is signed in; called once. */
export function startLive(): void {
    effect(() => {
        if (session.value === "in") {
            open();
        } else {
            close();
        }
    });
    document.addEventListener("visibilitychange", visibility);
    addEventListener("offline", lost);
    addEventListener("online", () => {
        if (session.value === "in") {
            open();
        }
    });
}
