// SPDX-License-Identifier: Apache-2.0
/*
 * The form editor's view of a proposal's arguments: one text for each member, by JSON type, and
 * back. Must never touch a member that the person did not, and never round a number: what does not
 * survive as a double is an error with advice, as on the server.
 */
import { exactNumber, JsonError, parseJson, type Json } from "./json";
import { pointerJoin, pointerLabel } from "./pointer";

export type FieldKind = "text" | "number" | "boolean" | "json";

export interface Field {
    readonly name: string;
    readonly pointer: string;
    readonly kind: FieldKind;
    readonly text: string; /* the value as text */
    readonly long: boolean; /* wants several lines */
}

export interface EditResult {
    readonly value: Json;
    readonly errors: ReadonlyMap<string, string>; /* by pointer; "" is the whole */
}

const LONG_TEXT = 60;

function kindOf(value: Json): FieldKind {
    if (typeof value === "string") {
        return "text";
    }
    return typeof value === "number" ? "number" : typeof value === "boolean" ? "boolean" : "json";
}

/* The members of an object as fields, in their order; null where the arguments are no object. */
export function fieldsOf(value: Json): Field[] | null {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
        return null;
    }
    return Object.entries(value).map(([name, member]) => {
        const kind = kindOf(member);
        const text = kind === "text" ? (member as string) : JSON.stringify(member, null, 2);
        const long = kind === "json" || text.length > LONG_TEXT || /[\n\r]/.test(text);
        return { name, pointer: pointerJoin("", name), kind, text, long };
    });
}

/* Where a JSON error is, as people count: line and column from 1. */
export function describeError(error: unknown, text: string): string {
    if (!(error instanceof JsonError)) {
        return "This is not valid JSON.";
    }
    const before = text.slice(0, error.at).split("\n");
    const column = (before[before.length - 1] ?? "").length + 1;
    return `Line ${before.length}, column ${column}: ${error.message}`;
}

/* One field's text as a value; throws a message for people. */
function parseField(kind: FieldKind, text: string): Json {
    if (kind === "text") {
        return text;
    }
    if (kind === "boolean") {
        return text === "true";
    }
    if (kind === "json") {
        try {
            return parseJson(text);
        } catch (error) {
            throw new Error(describeError(error, text));
        }
    }
    const value = exactNumber(text.trim());
    if (value === null) {
        throw new Error(
            "Not a number that survives exactly. Use digits with a point, such as 74.5.",
        );
    }
    return value;
}

/* The arguments with the edited members put in. */
export function applyFields(value: Json, edited: Readonly<Record<string, string>>): EditResult {
    const out = { ...(value as { [name: string]: Json }) };
    const errors = new Map<string, string>();
    for (const field of fieldsOf(value) ?? []) {
        const text = edited[field.name];
        if (text === undefined || text === field.text) {
            continue;
        }
        try {
            out[field.name] = parseField(field.kind, text);
        } catch (error) {
            errors.set(field.pointer, (error as Error).message);
        }
    }
    return { value: out, errors };
}

/* The arguments as typed in full. */
export function applyRaw(text: string): EditResult {
    try {
        return { value: parseJson(text), errors: new Map() };
    } catch (error) {
        return { value: null, errors: new Map([["", describeError(error, text)]]) };
    }
}

/* Errors by pointer, each under the field that it is about or lies in; the others as sentences. */
export function splitErrors(
    errors: ReadonlyMap<string, string>,
    pointers: readonly string[],
): { readonly fields: ReadonlyMap<string, string>; readonly others: readonly string[] } {
    const fields = new Map<string, string>();
    const others: string[] = [];
    for (const [pointer, message] of errors) {
        const field = pointers.find((each) => `${pointer}/`.startsWith(`${each}/`));
        if (field === undefined) {
            others.push(pointer === "" ? message : `${pointerLabel(pointer)}: ${message}`);
        } else if (!fields.has(field)) {
            const inside = pointer.slice(field.length);
            fields.set(field, inside === "" ? message : `${inside} ${message}`);
        }
    }
    return { fields, others };
}
