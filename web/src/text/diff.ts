// SPDX-License-Identifier: Apache-2.0
/*
 * What a person changed in the arguments of a proposal, leaf by leaf, in the order of the names.
 * Must never report "no change" for two values that differ. Bounded: beyond CHANGES_MAX leaves
 * the nearest common parent is reported as one change.
 */
import type { Json } from "./json";
import { pointerJoin } from "./pointer";

export interface Change {
    readonly pointer: string;
    readonly from: Json | undefined; /* undefined: the member was added */
    readonly to: Json | undefined; /* undefined: the member was removed */
}

export const CHANGES_MAX = 200;

type Container = Json[] | { [name: string]: Json };

const isContainer = (value: Json | undefined): value is Container =>
    typeof value === "object" && value !== null;

/* Both are objects, or both are arrays: then it is worth looking inside. */
function sameShape(from: Json | undefined, to: Json | undefined): boolean {
    return isContainer(from) && isContainer(to) && Array.isArray(from) === Array.isArray(to);
}

const childOf = (value: Container, name: string): Json | undefined =>
    Object.hasOwn(value, name) ? (value as { [name: string]: Json })[name] : undefined;

/* The names of both, each once, those of `from` first. */
function namesOf(from: Container, to: Container): string[] {
    return [...new Set([...Object.keys(from), ...Object.keys(to)])];
}

/* All changes from `from` to `to`. */
export function changes(from: Json | undefined, to: Json | undefined, pointer = ""): Change[] {
    if (!sameShape(from, to)) {
        return from === to ? [] : [{ pointer, from, to }];
    }
    const [before, after] = [from as Container, to as Container];
    const out: Change[] = [];
    for (const name of namesOf(before, after)) {
        out.push(
            ...changes(childOf(before, name), childOf(after, name), pointerJoin(pointer, name)),
        );
        if (out.length > CHANGES_MAX) {
            return [{ pointer, from, to }];
        }
    }
    return out;
}
