// SPDX-License-Identifier: Apache-2.0
/*
 * What changed between two texts, line by line, with a few lines around each change. Bounded: texts
 * that have too little in common count as replaced where they differ.
 */

export interface Line {
    readonly kind: "same" | "added" | "removed";
    readonly text: string;
    readonly before: number; /* its number in the old text; 0: not there */
    readonly after: number;
}

export type Hunk = readonly Line[];

const EDITS_MAX = 1200; /* beyond this many changed lines, what differs is shown as replaced */
const AROUND = 3;

/* Runs of equal lines between two texts, by the greedy algorithm of Myers: pairs of places. */
function matches(from: readonly string[], to: readonly string[]): [number, number][] | null {
    const offset = EDITS_MAX + 1;
    const ends = new Int32Array(2 * offset + 1);
    const trace: Int32Array[] = [];
    for (let edits = 0; edits <= Math.min(EDITS_MAX, from.length + to.length); edits += 1) {
        trace.push(ends.slice(offset - edits - 1, offset + edits + 2));
        for (let k = -edits; k <= edits; k += 2) {
            const [less, more] = [ends[offset + k - 1] as number, ends[offset + k + 1] as number];
            let x = k === -edits || (k !== edits && less < more) ? more : less + 1;
            while (x < from.length && x - k < to.length && from[x] === to[x - k]) {
                x += 1;
            }
            ends[offset + k] = x;
            if (x >= from.length && x - k >= to.length) {
                return walkBack(trace, from.length, to.length);
            }
        }
    }
    return null;
}

/* From the end back to the start, noting the diagonals. */
function walkBack(trace: readonly Int32Array[], fromEnd: number, toEnd: number): [number, number][] {
    const found: [number, number][] = [];
    let [x, y] = [fromEnd, toEnd];
    for (let edits = trace.length - 1; edits >= 0; edits -= 1) {
        const ends = trace[edits] as Int32Array;
        const at = (k: number): number => ends[k + edits + 1] as number;
        const k = x - y;
        const down = k === -edits || (k !== edits && at(k - 1) < at(k + 1));
        const from = edits === 0 ? 0 : down ? at(k + 1) : at(k - 1);
        const to = from - (down ? k + 1 : k - 1);
        const [startX, startY] = edits === 0 ? [0, 0] : down ? [from, to + 1] : [from + 1, to];
        while (x > startX && y > startY) {
            [x, y] = [x - 1, y - 1];
            found.push([x, y]);
        }
        [x, y] = [from, to];
    }
    return found.reverse();
}

/* All lines of both texts in order. */
export function lineDiff(before: string, after: string): Line[] {
    const [from, to] = [before.split(/\r?\n/), after.split(/\r?\n/)];
    let head = 0;
    while (head < from.length && head < to.length && from[head] === to[head]) {
        head += 1;
    }
    let tail = 0;
    const room = Math.min(from.length, to.length) - head;
    while (tail < room && from[from.length - 1 - tail] === to[to.length - 1 - tail]) {
        tail += 1;
    }
    const middle = matches(from.slice(head, from.length - tail), to.slice(head, to.length - tail)) ?? [];
    const pairs = [
        ...Array.from({ length: head }, (_, i): [number, number] => [i, i]),
        ...middle.map(([x, y]): [number, number] => [x + head, y + head]),
        ...Array.from({ length: tail }, (_, i): [number, number] => [
            from.length - tail + i,
            to.length - tail + i,
        ]),
    ];
    return spread(from, to, pairs);
}

function spread(from: readonly string[], to: readonly string[], pairs: readonly [number, number][]): Line[] {
    const out: Line[] = [];
    let [x, y] = [0, 0];
    for (const [nextX, nextY] of [...pairs, [from.length, to.length] as [number, number]]) {
        for (; x < nextX; x += 1) {
            out.push({ kind: "removed", text: from[x] as string, before: x + 1, after: 0 });
        }
        for (; y < nextY; y += 1) {
            out.push({ kind: "added", text: to[y] as string, before: 0, after: y + 1 });
        }
        if (x < from.length && y < to.length) {
            out.push({ kind: "same", text: from[x] as string, before: x + 1, after: y + 1 });
            [x, y] = [x + 1, y + 1];
        }
    }
    return out;
}

/* Only what changed, with the lines around it. */
export function hunks(lines: readonly Line[]): Hunk[] {
    const near = new Array<boolean>(lines.length).fill(false);
    lines.forEach(({ kind }, at) => {
        if (kind !== "same") {
            near.fill(true, Math.max(0, at - AROUND), at + AROUND + 1);
        }
    });
    const out: Line[][] = [];
    lines.forEach((line, at) => {
        if (!near[at]) {
            return;
        }
        if (at === 0 || !near[at - 1]) {
            out.push([]);
        }
        out[out.length - 1]?.push(line);
    });
    return out;
}
