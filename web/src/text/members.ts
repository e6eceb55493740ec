// SPDX-License-Identifier: Apache-2.0
/*
 * What a condition can speak of: the arguments of an action, as its schema describes them or as they
 * were seen, and what every proposal has.
 */
import { spelledOut } from "./hidden";
import type { Json } from "./json";
import { pointerJoin } from "./pointer";
import { member } from "./quote";

export type Kind = "number" | "text" | "choice" | "boolean" | "list";

export interface Member {
    readonly key: string; /* "args/amount": stays the same while the builder is open */
    readonly label: string; /* as people read it: hidden characters in brackets */
    readonly group: string;
    readonly kind: Kind;
    readonly value: string; /* the expression */
    readonly given: string; /* the expression that must hold before; empty: it is always there */
    readonly choices: readonly string[]; /* of kind choice */
}

type Members = { readonly [name: string]: Json };

const DEPTH_MAX = 3;
const MEMBERS_MAX = 200;

export const asMembers = (value: Json | undefined): Members | null =>
    typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;

const asTexts = (value: Json | undefined): string[] =>
    Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];

/* A part of the tree of arguments. */
interface Place {
    readonly expression: string;
    readonly given: string;
    readonly path: string; /* a JSON pointer behind "args" */
}

const both = (one: string, other: string): string => (one === "" || other === "" ? one + other : `${one} && ${other}`);

function below(place: Place, name: string, required: boolean): Place {
    const { value, given } = member(place.expression, name);
    return {
        expression: value,
        given: required ? place.given : both(place.given, given),
        path: pointerJoin(place.path, name),
    };
}

/* The name of an argument as people write it, from its key: "outer/inner". */
export const argumentPath = (key: string): string =>
    key.replace(/^args\//, "").replace(/~1/g, "/").replace(/~0/g, "~");

function argument(place: Place, kind: Kind, choices: readonly string[]): Member {
    return {
        key: place.path,
        label: spelledOut(argumentPath(place.path)),
        group: "Arguments",
        kind,
        value: place.expression,
        given: place.given,
        choices,
    };
}

const KINDS: Readonly<Record<string, Kind>> = {
    number: "number",
    integer: "number",
    string: "text",
    boolean: "boolean",
    array: "list",
};

/* The kind that a schema demands; null for several, or for what the builder has no field for. */
function kindOf(schema: Members): Kind | null {
    const choices = schema.enum;
    if (Array.isArray(choices) && choices.length > 0 && choices.every((item) => typeof item === "string")) {
        return "choice";
    }
    return typeof schema.type === "string" ? (KINDS[schema.type] ?? null) : null;
}

function ofSchema(root: Members, schema: Members, place: Place, depth: number, out: Member[]): void {
    const required = new Set(asTexts(schema.required));
    for (const [name, value] of Object.entries(asMembers(schema.properties) ?? {})) {
        const ref = /^#\/\$defs\/([^/~%]+)$/.exec(String(asMembers(value)?.$ref ?? ""))?.[1];
        const known = asMembers(ref === undefined ? value : asMembers(root.$defs)?.[ref]);
        if (known === null || out.length >= MEMBERS_MAX) {
            continue;
        }
        const here = below(place, name, required.has(name));
        const kind = kindOf(known);
        if (kind !== null) {
            out.push(argument(here, kind, asTexts(known.enum)));
        } else if (known.properties !== undefined && depth < DEPTH_MAX) {
            ofSchema(root, known, here, depth + 1, out);
        }
    }
}

function seenKind(value: Json): Kind | null {
    if (Array.isArray(value)) {
        return "list";
    }
    return KINDS[typeof value] ?? null;
}

function ofSeen(seen: readonly Members[], place: Place, depth: number, out: Member[]): void {
    const names = new Set(seen.flatMap((one) => Object.keys(one)));
    for (const name of names) {
        const values = seen.flatMap((one) => (Object.hasOwn(one, name) ? [one[name] as Json] : []));
        const inner = values.map(asMembers).filter((one) => one !== null);
        const kinds = new Set(values.map(seenKind));
        const here = below(place, name, false);
        if (inner.length > 0 && depth < DEPTH_MAX) {
            ofSeen(inner, here, depth + 1, out);
        }
        const [kind] = kinds;
        if (kinds.size === 1 && kind && out.length < MEMBERS_MAX) {
            out.push(argument(here, kind, []));
        }
    }
}

/* The arguments of an action: those of its schema, then those that were seen and are not in it. */
export function argumentsOf(schema: Json | undefined, seen: readonly Json[]): Member[] {
    const place = { expression: "args", given: "", path: "args" };
    const [described, found]: [Member[], Member[]] = [[], []];
    const root = asMembers(schema);
    if (root !== null) {
        ofSchema(root, root, place, 1, described);
    }
    ofSeen(
        seen.map(asMembers).filter((one) => one !== null),
        place,
        1,
        found,
    );
    const keys = new Set(described.map(({ key }) => key));
    return [...described, ...found.filter(({ key }) => !keys.has(key))];
}

/* An argument that somebody names by hand: nothing is known about it. */
export function namedArgument(path: string, kind: Kind): Member {
    const start: Place = { expression: "args", given: "", path: "args" };
    const place = path.split("/").reduce((at, name) => below(at, name, false), start);
    return argument(place, kind, []);
}

const EFFECTS = ["none", "read", "record", "account", "money", "message", "publish", "legal", "auth", "fetch", "handoff"];

/* key, words, kind, expression, what must hold before, choices */
type Row = readonly [string, string, Kind, string, string?, (readonly string[])?];

const PROPOSAL: readonly Row[] = [
    ["effects", "effects of the action", "list", "action.effects", "", EFFECTS],
    ["domain", "domain of the action", "text", "action.domain"],
    ["reversible", "it can be reversed", "boolean", "action.reversible"],
    ["category", "category", "text", "category"],
    ["requester", "for whom the agent acts", "text", "requester"],
    ["subject", "subject", "text", "subject"],
    ["unsourced", "an address, account or link that the request does not hold", "boolean", "unsourced(args, brief.request)"],
];

const BRIEF: readonly Row[] = [
    ["confidence", "confidence", "number", "brief.confidence", "has(brief.confidence)"],
    ["request", "the request it answers", "text", "brief.request"],
    ["summary", "summary", "text", "brief.summary"],
    ["reasoning", "reasoning", "text", "brief.reasoning"],
    ["draft", "draft", "text", "brief.draft"],
    ["evidence", "pieces of evidence", "number", "size(brief.evidence)"],
    ["options", "options weighed", "number", "size(brief.options)"],
];

const AGENT: readonly Row[] = [
    ["name", "name", "text", "agent.name"],
    ["owner", "owner", "text", "agent.owner"],
    ["version", "version", "text", "agent.version"],
    ["count_1h", "proposals of the last hour", "number", "history.agent.count_1h"],
    ["count_24h", "proposals of the last 24 hours", "number", "history.agent.count_24h"],
    ["count_7d", "proposals of the last 7 days", "number", "history.agent.count_7d"],
];

const GROUPS: readonly (readonly [string, readonly Row[]])[] = [
    ["Proposal", PROPOSAL],
    ["Brief", BRIEF],
    ["Agent", AGENT],
];

/* What every proposal has. */
export const COMMON: readonly Member[] = GROUPS.flatMap(([group, rows]) =>
    rows.map(([name, label, kind, value, given = "", choices = []]) => ({
        key: `${group}/${name}`,
        label,
        group,
        kind,
        value,
        given,
        choices,
    })),
);
