// SPDX-License-Identifier: Apache-2.0
/*
 * Texts of a person as literals of CEL and YAML. Whatever is typed stays inside its quotes: both forms
 * end at one character alone, and that one is escaped. Hidden characters become escapes, so that a
 * rule shows what it compares with.
 */
import { segment } from "./hidden";

const NO_TEXT_AT_ALL = /[\p{Cs}\0]/u;

/* Whether a text can stand in a policy at all: half a character and the null cannot. */
export const isWhole = (text: string): boolean => !NO_TEXT_AT_ALL.test(text);

const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function escapeHidden(char: string): string {
    const hex = (char.codePointAt(0) ?? 0).toString(16);
    return SHORT[char] ?? (hex.length <= 4 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`);
}

/* In double quotes, as CEL and YAML both read it. The text is whole. */
export function quoted(text: string): string {
    const inside = segment(text).map((part) =>
        "hidden" in part ? escapeHidden(part.raw) : part.text.replace(/["\\]/g, "\\$&"),
    );
    return `"${inside.join("")}"`;
}

/* A text of one line without hidden characters in single quotes of YAML, where only ' means something. */
export const singleQuoted = (text: string): string => `'${text.replace(/'/g, "''")}'`;

/* Words that YAML 1.1 or 1.2 reads as something else than a text. */
const OTHER_THAN_TEXT = /^(?:true|false|null|yes|no|on|off|y|n)$/;

/* A word of a policy (an id, a queue), quoted only where it would not be read as a text. */
export const word = (text: string): string =>
    /^[a-z][a-z0-9._/-]*$/.test(text) && !OTHER_THAN_TEXT.test(text) ? text : singleQuoted(text);

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const RESERVED = new Set(
    ("as break const continue else false for function if import in let loop namespace null package " +
        "return true var void while").split(" "),
);

export interface Access {
    readonly value: string; /* the expression of the member */
    readonly given: string; /* the expression that says whether it is there */
}

/* A member of `of`, whatever its name is. */
export function member(of: string, name: string): Access {
    if (NAME.test(name) && !RESERVED.has(name)) {
        return { value: `${of}.${name}`, given: `has(${of}.${name})` };
    }
    return { value: `${of}[${quoted(name)}]`, given: `${quoted(name)} in ${of}` };
}

const DIGITS_MAX = 15; /* what a double holds exactly, and a 64 bit integer too */

/* A number as typed, as a literal; null for what is none. */
export function numberLiteral(typed: string): string | null {
    const text = typed.trim();
    if (!/^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(text)) {
        return null;
    }
    return text.replace(/\D/g, "").length <= DIGITS_MAX ? text : null;
}
