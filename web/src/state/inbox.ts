// SPDX-License-Identifier: Apache-2.0
/*
 * The list of held proposals. Invariant: rows never move by themselves. What arrives waits behind
 * "N new", what ends is marked in its place; only the person's own refresh (`.`) reorders.
 * Selection is by id, never by position.
 */
import { computed, signal } from "@preact/signals";
import { api, type InboxQuery, type Problem } from "../api";
import { word, DECIDED } from "../text/words";
import type { ClaimedBy, Counts, InboxItem, Proposal, StreamEvent } from "../wire";
import { onLive } from "./live";
import { me, noticeProblem } from "./session";

export interface Row {
    readonly item: InboxItem;
    readonly ended: string | null; /* why it no longer waits, in words */
}

export type Loading = "first" | "more" | "refresh" | null;

const PAGE_LIMIT = 100;
const PAGES_MAX_ON_REFRESH = 20;

export const rows = signal<readonly Row[]>([]);
export const counts = signal<Counts | null>(null);
export const loading = signal<Loading>("first");
export const failure = signal<Problem | null>(null);
export const arrived = signal<ReadonlySet<string>>(new Set());
const cursor = signal<string | null>(null);
let filter: InboxQuery = {};
let generation = 0;

export const endedCount = computed(() => rows.value.filter((row) => row.ended !== null).length);
/* How many wait on the server now: what it told, and what was heard since. Null: not read yet. */
export const pendingNow = computed(() =>
    counts.value === null
        ? null
        : Math.max(0, counts.value.pending + arrived.value.size - endedCount.value),
);
export const hasMore = computed(() => cursor.value !== null);

/* How many rows the whole list has, as far as the server has told. */
export const total = computed(() => {
    const told = filter.mine ? counts.value?.mine : counts.value?.groups;
    const known = rows.value.length;
    return cursor.value === null || filter.queue ? known : Math.max(known, told ?? 0);
});

/* A row as the server tells it: its inbox holds only what still waits. */
const rowOf = (item: InboxItem): Row => ({ item, ended: null });

/* Reads the list from the start, as deep as it was read before. */
export async function refreshInbox(members: InboxQuery = filter, keepDepth = true): Promise<void> {
    const mine = ++generation;
    const depth = keepDepth ? rows.value.length : 0;
    filter = members;
    loading.value = keepDepth && rows.value.length > 0 ? "refresh" : "first";
    try {
        const fresh: Row[] = [];
        let next: string | null = null;
        for (let page = 0; page < PAGES_MAX_ON_REFRESH; page += 1) {
            const answer = await api.inbox({ ...members, limit: PAGE_LIMIT, cursor: next });
            if (mine !== generation) {
                return;
            }
            counts.value = answer.counts;
            fresh.push(...answer.items.map(rowOf));
            next = answer.next_cursor;
            if (next === null || fresh.length >= depth) {
                break;
            }
        }
        rows.value = fresh;
        cursor.value = next;
        arrived.value = new Set();
        failure.value = null;
    } catch (thrown) {
        failure.value = noticeProblem(thrown);
    } finally {
        loading.value = mine === generation ? null : loading.value;
    }
}

/* Reads the next page, if there is one and nothing else is being read. */
export async function moreInbox(): Promise<void> {
    if (cursor.value === null || loading.value !== null) {
        return;
    }
    const mine = generation;
    loading.value = "more";
    try {
        const answer = await api.inbox({ ...filter, limit: PAGE_LIMIT, cursor: cursor.value });
        if (mine === generation) {
            const known = new Set(rows.value.map((row) => row.item.id));
            const fresh = answer.items.filter((item) => !known.has(item.id));
            rows.value = [...rows.value, ...fresh.map(rowOf)];
            cursor.value = answer.next_cursor;
        }
    } catch (thrown) {
        failure.value = noticeProblem(thrown);
    } finally {
        loading.value = null;
    }
}

/* The row before or after `id` that still waits; null at the end. Unknown `id`: the first. */
export function neighbour(id: string | null, step: 1 | -1): string | null {
    const list = rows.value;
    const from = list.findIndex((row) => row.item.id === id);
    if (from < 0) {
        return list.find((row) => row.ended === null)?.item.id ?? null;
    }
    return list[from + step]?.item.id ?? null;
}

/* The nearest row that still waits, looking on from `id` and then back. */
export function nextWaiting(id: string): string | null {
    const list = rows.value;
    const from = list.findIndex((row) => row.item.id === id);
    const onward = [...list.slice(from + 1), ...list.slice(0, Math.max(from, 0)).reverse()];
    return onward.find((row) => row.ended === null && row.item.id !== id)?.item.id ?? null;
}

function patchRow(id: string, change: (row: Row) => Row): boolean {
    const found = rows.value.some((row) => row.item.id === id);
    if (found) {
        rows.value = rows.value.map((row) => (row.item.id === id ? change(row) : row));
    }
    return found;
}

/* Puts the next one that is alike into the place of one that was decided; answers which one that is. */
export function standIn({ id, alike }: Proposal): string | null {
    const next = alike?.others[0]?.id ?? null;
    const known = counts.value;
    if (next !== null && !rows.value.some(({ item }) => item.id === next)) {
        const there = patchRow(id, ({ item }) => {
            const hold = { ...item.hold, phase: "waiting" as const, claimed_by: null };
            return { item: { ...item, id: next, hold }, ended: null };
        });
        if (there && known !== null) {
            counts.value = { ...known, pending: known.pending - 1 };
        }
    }
    return next;
}

/* Brings the row of a proposal that was just read up to date, in its place. */
export function syncRow(proposal: Proposal): void {
    const { id, status, hold, decision, revision, digest } = proposal;
    patchRow(id, (row) => {
        const done = status !== "pending" || hold === null || hold.phase === "undo";
        const who = decision?.by.id === me.value?.id ? "you" : (decision?.by.name ?? "");
        const words = decision ? `${word(DECIDED, decision.verdict)} by ${who}` : status;
        return {
            item: {
                ...row.item,
                status,
                revision,
                digest,
                title: proposal.card?.title ?? row.item.title,
                created_at: proposal.created_at,
                repeat_of: proposal.repeat_of ?? null,
                repeats: proposal.alike?.count ?? row.item.repeats,
                summary: proposal.brief?.summary ?? null,
                hold: hold ?? row.item.hold,
            },
            ended: done ? words : null,
        };
    });
}

const ENDINGS: Readonly<Record<string, string>> = {
    "proposal.decided": "decided",
    "proposal.released": "decided",
    "proposal.returned": "returned",
    "proposal.expired": "expired",
    "proposal.withdrawn": "withdrawn",
};

const ARRIVALS = new Set([
    "proposal.held",
    "proposal.revised",
    "proposal.escalated",
    "proposal.tightened",
    "proposal.undone",
]);

function setClaim(id: string, by: ClaimedBy | null): void {
    patchRow(id, (row) => ({
        ...row,
        item: {
            ...row.item,
            hold: { ...row.item.hold, phase: by ? "claimed" : "waiting", claimed_by: by },
        },
    }));
}

function endRow(event: StreamEvent, words: string): void {
    arrived.value = new Set([...arrived.value].filter((id) => id !== event.proposal));
    const who = event.data.by?.id === me.value?.id ? "you" : event.data.by?.name;
    patchRow(event.proposal, (row) =>
        row.ended ? row : { ...row, ended: who ? `${words} by ${who}` : words },
    );
}

/* One event of the stream, applied without moving a row. */
function apply(event: StreamEvent): void {
    const { type, proposal: id, data } = event;
    const ending = ENDINGS[type];
    if (ending !== undefined) {
        endRow(event, ending);
    } else if (type === "proposal.claimed" && data.by?.id) {
        const by = { id: data.by.id, name: data.by.name ?? "", until: "" };
        setClaim(id, by);
    } else if (type === "proposal.unclaimed") {
        setClaim(id, null);
    } else if (ARRIVALS.has(type)) {
        const known = patchRow(id, (row) => ({ ...row, ended: null }));
        arrived.value = known ? arrived.value : new Set([...arrived.value, id]);
    }
}

/* Listens to the stream; called once. */
export function startInbox(): void {
    onLive((event) => {
        if (event !== "resync") {
            apply(event);
        } else if (rows.value.length > 0) {
            void countArrivals();
        }
    });
}

/* After a gap: what is on the server's first page and not in the list waits behind "N new"; what
 * is in the list and on none of its pages is over, where there is one page only. */
async function countArrivals(): Promise<void> {
    try {
        const answer = await api.inbox({ ...filter, limit: PAGE_LIMIT });
        const fresh = new Map(answer.items.map((item) => [item.id, item]));
        rows.value = rows.value.map((row) => {
            const item = fresh.get(row.item.id);
            const over = item === undefined && answer.next_cursor === null;
            return item
                ? rowOf(item)
                : over
                  ? { ...row, ended: row.ended ?? "no longer waits" }
                  : row;
        });
        const known = new Set(rows.value.map((row) => row.item.id));
        arrived.value = new Set([...fresh.keys()].filter((id) => !known.has(id)));
        const pending = answer.counts.pending - arrived.value.size + endedCount.value;
        counts.value = { ...answer.counts, pending };
    } catch (thrown) {
        noticeProblem(thrown);
    }
}
