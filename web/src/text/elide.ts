// SPDX-License-Identifier: Apache-2.0
/*
 * Shortens long text in the middle, on segments, so that a hidden character is never cut off
 * unseen without its bytes being counted. Must never split a code point, and never shorten
 * without saying how much is left out.
 */
import type { Segment } from "./hidden";

export interface Elided {
    readonly head: readonly Segment[];
    readonly tail: readonly Segment[];
    readonly omittedBytes: number; /* 0: nothing was left out and `tail` is empty */
}

/* How much of a value is shown at first, in code points. */
export interface Room {
    readonly limit: number;
    readonly head: number;
    readonly tail: number;
}

/* Values of the call: first and last 200. */
export const VALUE_ROOM: Room = { limit: 480, head: 200, tail: 200 };
/* Prose: enough for a long paragraph, and its end, where things are hidden. */
export const PROSE_ROOM: Room = { limit: 1800, head: 1200, tail: 300 };
/* One press of "show" adds this many; bounds the elements that hostile text can make. */
export const REVEAL_STEP = 32_768;

const encoder = new TextEncoder();

const rawOf = (part: Segment): string => ("text" in part ? part.text : part.raw);
const lengthOf = (part: Segment): number => ("text" in part ? [...part.text].length : 1);

/* UTF-8 size. */
export function byteLength(text: string): number {
    return encoder.encode(text).length;
}

/* Code points of a list of segments. */
export function segmentsLength(parts: readonly Segment[]): number {
    return parts.reduce((sum, part) => sum + lengthOf(part), 0);
}

/* The first `count` code points, and the rest. */
export function splitAt(parts: readonly Segment[], count: number): [Segment[], Segment[]] {
    const first: Segment[] = [];
    let left = count;
    for (const [index, part] of parts.entries()) {
        const length = lengthOf(part);
        if (length <= left) {
            first.push(part);
            left -= length;
            continue;
        }
        const rest = parts.slice(index + 1);
        if (left === 0 || !("text" in part)) {
            return [first, [part, ...rest]];
        }
        const points = [...part.text];
        first.push({ text: points.slice(0, left).join("") });
        return [first, [{ text: points.slice(left).join("") }, ...rest]];
    }
    return [first, []];
}

/* Elides to `room`, with `revealed` further code points after the head already asked for. */
export function elide(parts: readonly Segment[], room: Room, revealed = 0): Elided {
    const total = segmentsLength(parts);
    const head = room.head + revealed;
    if (total <= room.limit || head + room.tail >= total) {
        return { head: parts, tail: [], omittedBytes: 0 };
    }
    const [first, rest] = splitAt(parts, head);
    const [omitted, last] = splitAt(rest, total - head - room.tail);
    const omittedBytes = omitted.reduce((sum, part) => sum + byteLength(rawOf(part)), 0);
    return { head: first, tail: last, omittedBytes };
}
