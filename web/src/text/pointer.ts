// SPDX-License-Identifier: Apache-2.0
/*
 * JSON pointers (RFC 6901): read one, write one, and show one. Must never evaluate anything.
 */
import type { Json } from "./json";

const escapeToken = (token: string): string => token.replace(/~/g, "~0").replace(/\//g, "~1");
const unescapeToken = (token: string): string => token.replace(/~1/g, "/").replace(/~0/g, "~");

/* The pointer one member or index further down. */
export function pointerJoin(pointer: string, token: string | number): string {
    return `${pointer}/${escapeToken(String(token))}`;
}

/* The value that `pointer` names in `root`; undefined where there is none. */
export function pointerGet(root: Json, pointer: string): Json | undefined {
    let here: Json | undefined = root;
    for (const token of pointer.split("/").slice(1).map(unescapeToken)) {
        if (Array.isArray(here)) {
            here = /^(0|[1-9]\d*)$/.test(token) ? here[Number(token)] : undefined;
        } else if (typeof here === "object" && here !== null && Object.hasOwn(here, token)) {
            here = here[token];
        } else {
            return undefined;
        }
    }
    return here;
}

/* The pointer as a label: `/items/0/sku` reads `items/0/sku`, the root reads `(all)`. */
export function pointerLabel(pointer: string): string {
    return pointer === "" ? "(all)" : pointer.slice(1);
}
