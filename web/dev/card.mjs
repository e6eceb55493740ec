// SPDX-License-Identifier: Apache-2.0
/*
 * The server's card and digests, as far as the development server needs them: every leaf of the
 * arguments in canonical order, critical members first, each hidden character its own part.
 */
import { createHash } from "node:crypto";

const MARKED = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}\p{Default_Ignorable_Code_Point}]/u;
const NAMES = {
    0x0009: "CHARACTER TABULATION",
    0x000a: "LINE FEED",
    0x200b: "ZERO WIDTH SPACE",
    0x202e: "RIGHT-TO-LEFT OVERRIDE",
    0x202c: "POP DIRECTIONAL FORMATTING",
};

/* The canonical form (RFC 8785) of a JSON value. */
export function canonical(value) {
    if (Array.isArray(value)) {
        return `[${value.map(canonical).join(",")}]`;
    }
    if (typeof value === "object" && value !== null) {
        const names = Object.keys(value)
            .filter((name) => value[name] !== undefined)
            .sort();
        return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
    }
    return JSON.stringify(value);
}

export const digestOf = (value) =>
    `sha256:${createHash("sha256").update(canonical(value)).digest("hex")}`;

function partsOf(text) {
    const parts = [];
    for (const char of text) {
        const last = parts.at(-1);
        if (MARKED.test(char)) {
            const code = char.codePointAt(0);
            parts.push({
                hidden: `U+${code.toString(16).toUpperCase().padStart(4, "0")}`,
                name: NAMES[code] ?? "FORMAT CHARACTER",
            });
        } else if (last?.text !== undefined) {
            last.text += char;
        } else {
            parts.push({ text: char });
        }
    }
    return parts;
}

const isContainer = (value) => typeof value === "object" && value !== null;
const escapeToken = (token) => token.replaceAll("~", "~0").replaceAll("/", "~1");

function leaves(value, pointer = "") {
    if (isContainer(value) && Object.keys(value).length > 0) {
        return Object.keys(value)
            .sort()
            .flatMap((name) => leaves(value[name], `${pointer}/${escapeToken(name)}`));
    }
    const text =
        typeof value === "string" ? value : isContainer(value) ? "" : JSON.stringify(value);
    const kind = isContainer(value) ? "empty" : value === null ? "null" : typeof value;
    return [{ pointer, kind, bytes: Buffer.byteLength(text), parts: partsOf(text) }];
}

/* The card of a stored proposal. */
export function cardOf({ sample, arguments: args }) {
    const lines = leaves(args).map((line) => ({
        ...line,
        critical: sample.critical.includes(line.pointer),
    }));
    lines.sort((a, b) => Number(b.critical) - Number(a.critical));
    const hidden = lines.flatMap((line) => line.parts).filter((part) => part.hidden).length;
    const { title, action, executor, effects, domain, reversible, oversight } = sample;
    return { title, action, executor, effects, domain, reversible, oversight, hidden, cut: false, lines };
}
