// SPDX-License-Identifier: Apache-2.0
/*
 * What an action's schema says about one member of the arguments, for the editing form: words beside
 * the field, and the values to choose from. Hints only: the server checks. What stands deeper than
 * `properties`, behind conditions or in another document gives no hint.
 */
import type { Json } from "./json";

export interface Hint {
    readonly words: string; /* "required, above 0, in steps of 0.01"; empty: nothing to say */
    readonly about: string; /* the schema's description */
    readonly choices: readonly Json[]; /* of `enum`; empty: anything */
}

export const NO_HINT: Hint = { words: "", about: "", choices: [] };

type Members = { readonly [name: string]: Json };

const FOLLOWED_MAX = 8;
const CHOICES_MAX = 50;

const membersOf = (value: Json | undefined): Members | null =>
    typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;

/* Follows `$ref: "#/$defs/name"` and nothing else. */
function followed(root: Members, schema: Members | null): Members | null {
    for (let i = 0; i < FOLLOWED_MAX && schema !== null; i += 1) {
        const name = /^#\/\$defs\/([^/~%]+)$/.exec(String(schema.$ref ?? ""))?.[1];
        if (name === undefined) {
            return schema;
        }
        schema = membersOf(membersOf(root.$defs)?.[name]);
    }
    return null;
}

/* A bound and the words around its value. */
const BOUNDS: readonly (readonly [keyword: string, before: string, after: string])[] = [
    ["minimum", "at least ", ""],
    ["exclusiveMinimum", "above ", ""],
    ["maximum", "at most ", ""],
    ["exclusiveMaximum", "below ", ""],
    ["multipleOf", "in steps of ", ""],
    ["minLength", "at least ", " characters"],
    ["maxLength", "at most ", " characters"],
    ["minItems", "at least ", " items"],
    ["maxItems", "at most ", " items"],
    ["format", "", ""],
    ["pattern", "matching ", ""],
];

function wordsOf(member: Members, required: boolean): string {
    const bounds = BOUNDS.filter(([keyword]) => ["number", "string"].includes(typeof member[keyword])).map(
        ([keyword, before, after]) => `${before}${String(member[keyword])}${after}`,
    );
    return [...(required ? ["required"] : []), ...bounds].join(", ");
}

/* What the schema says about the member `name` of the arguments. */
export function hintOf(schema: Json | undefined, name: string): Hint {
    const root = membersOf(schema);
    const properties = membersOf(root?.properties);
    if (root === null || properties === null || !Object.hasOwn(properties, name)) {
        return NO_HINT;
    }
    const member = followed(root, membersOf(properties[name]));
    if (member === null) {
        return NO_HINT;
    }
    const required = Array.isArray(root.required) && root.required.includes(name);
    const choices = Array.isArray(member.enum) && member.enum.length <= CHOICES_MAX ? member.enum : [];
    const about = typeof member.description === "string" ? member.description : "";
    return { words: wordsOf(member, required), about, choices };
}
