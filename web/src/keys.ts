// SPDX-License-Identifier: Apache-2.0
/*
 * The one registry of keys. A key means one thing in one scope; handlers come and go with what is
 * on the screen. Agents can never supply a key, a label or a handler, and no key loosens policy.
 *
 * Ignored: in fields, on repeat, while composing, for events that no person made (isTrusted), and
 * all single keys where the person has switched them off (WCAG 2.1.4). Matching is by event.key.
 */
import { useLayoutEffect, useRef } from "preact/hooks";

export interface Binding {
    readonly id: string;
    readonly keys: string; /* "j", "g i", "Ctrl+Enter" */
    readonly label: string;
    readonly group: "List" | "Decide" | "Read" | "Go";
    readonly always?: true; /* works in fields and with single keys off */
}

export const BINDINGS: readonly Binding[] = [
    { id: "next", keys: "j", label: "Next proposal", group: "List" },
    { id: "previous", keys: "k", label: "Previous proposal", group: "List" },
    { id: "open", keys: "Enter", label: "Open the selected proposal", group: "List" },
    { id: "back", keys: "Escape", label: "Close or go back", group: "List", always: true },
    { id: "refresh", keys: ".", label: "Show what is new", group: "List" },
    { id: "approve", keys: "a", label: "Approve (in read mode, then Enter)", group: "Decide" },
    { id: "edit", keys: "e", label: "Edit, then approve", group: "Decide" },
    { id: "reject", keys: "r", label: "Reject (then 1 to 9 for the reason)", group: "Decide" },
    { id: "ask", keys: "q", label: "Ask: return to the agent", group: "Decide" },
    { id: "send", keys: "Ctrl+Enter", label: "Send the open form", group: "Decide", always: true },
    { id: "undo", keys: "z", label: "Undo the last decision while it is held", group: "Decide" },
    { id: "claim", keys: "c", label: "Claim, or give back", group: "Decide" },
    { id: "why", keys: "w", label: "Why you see this", group: "Read" },
    { id: "facts", keys: "f", label: "Facts", group: "Read" },
    { id: "options", keys: "o", label: "Options", group: "Read" },
    { id: "comment", keys: "m", label: "Write a note for colleagues", group: "Read" },
    { id: "help", keys: "?", label: "This panel", group: "Go" },
    { id: "go-inbox", keys: "g i", label: "Inbox", group: "Go" },
    { id: "go-done", keys: "g d", label: "Done", group: "Go" },
    { id: "go-proposals", keys: "g a", label: "Proposals: all", group: "Go" },
    { id: "go-categories", keys: "g c", label: "Categories", group: "Go" },
    { id: "go-people", keys: "g p", label: "People and access", group: "Go" },
    { id: "go-pauses", keys: "g u", label: "Pauses", group: "Go" },
    { id: "go-policy", keys: "g l", label: "Policy", group: "Go" },
    { id: "go-me", keys: "g m", label: "Me", group: "Go" },
];

/* Digits pick a reason while the reject form is open; 1 is the first. */
export const DIGITS: readonly Binding[] = Array.from("123456789", (digit) => ({
    id: `digit-${digit}`,
    keys: digit,
    label: `Reason ${digit}`,
    group: "Decide" as const,
}));

const SEQUENCE_MS = 1500;

/* What of an event matters here; a KeyboardEvent fits. */
export interface Press {
    readonly key: string;
    readonly ctrlKey: boolean;
    readonly metaKey: boolean;
    readonly altKey: boolean;
    readonly repeat: boolean;
    readonly isComposing: boolean;
}

/* The press as written in the table; null for what can never match. */
export function pressName(press: Press): string | null {
    if (press.repeat || press.isComposing || press.altKey) {
        return null;
    }
    return press.ctrlKey || press.metaKey ? `Ctrl+${press.key}` : press.key;
}

/* The binding for a press after `prefix` ("" or "g"); null for none. */
export function bindingFor(
    name: string,
    prefix: string,
    bindings: readonly Binding[],
): Binding | null {
    const keys = prefix === "" ? name : `${prefix} ${name}`;
    return bindings.find((binding) => binding.keys === keys) ?? null;
}

/* Whether some sequence starts with this press. */
export function startsSequence(name: string, bindings: readonly Binding[]): boolean {
    return bindings.some((binding) => binding.keys.startsWith(`${name} `));
}

/* Pairs that would fight for a press: equal, or one the start of the other. */
export function conflicts(bindings: readonly Binding[]): string[] {
    const found: string[] = [];
    for (const [index, one] of bindings.entries()) {
        for (const other of bindings.slice(index + 1)) {
            if (
                one.keys === other.keys ||
                `${other.keys} `.startsWith(`${one.keys} `) ||
                `${one.keys} `.startsWith(`${other.keys} `)
            ) {
                found.push(`${one.id} and ${other.id} share ${one.keys}`);
            }
        }
    }
    return found;
}

export type Handlers = Readonly<Record<string, ((event: KeyboardEvent) => void) | undefined>>;

const ALL = [...BINDINGS, ...DIGITS];
const layers: { current: Handlers }[] = [];
let modalDepth = 0;
let prefix = "";
let prefixAt = 0;

const FIELDS = "input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]";
const ACTIVATED_BY_ENTER = "a[href], button, summary, input, select";

function takeName(event: KeyboardEvent): string | null {
    const altGraph = event.getModifierState("AltGraph");
    return pressName(altGraph ? { ...pick(event), altKey: false, ctrlKey: false } : event);
}

const pick = ({ key, ctrlKey, metaKey, altKey, repeat, isComposing }: KeyboardEvent): Press => ({
    key,
    ctrlKey,
    metaKey,
    altKey,
    repeat,
    isComposing,
});

function handlerFor(id: string): ((event: KeyboardEvent) => void) | undefined {
    for (let index = layers.length - 1; index >= modalDepth; index -= 1) {
        const handler = layers[index]?.current[id];
        if (handler !== undefined) {
            return handler;
        }
    }
    return undefined;
}

/* Starts listening; `singleKeys` says whether the person allows single-key shortcuts. */
export function listenForKeys(singleKeys: () => boolean): void {
    document.addEventListener("keydown", (event) => {
        const name = takeName(event);
        if (name === null || !event.isTrusted || event.defaultPrevented) {
            return;
        }
        const pending = event.timeStamp - prefixAt < SEQUENCE_MS ? prefix : "";
        prefix = "";
        const binding = bindingFor(name, pending, ALL);
        const target = event.target instanceof Element ? event.target : document.body;
        const muted = target.matches(FIELDS) || !singleKeys();
        if (binding === null) {
            if (!muted && pending === "" && startsSequence(name, ALL)) {
                [prefix, prefixAt] = [name, event.timeStamp];
            }
            return;
        }
        if (
            (muted && !binding.always) ||
            (name === "Enter" && target.closest(ACTIVATED_BY_ENTER))
        ) {
            return;
        }
        const handler = handlerFor(binding.id);
        if (handler !== undefined) {
            event.preventDefault();
            handler(event);
        }
    });
}

/* Binds handlers while a component is on the screen; the latest layer wins. With `modal`, the
 * layers below are switched off. They are bound before the component is painted: who types fast
 * enough for two keys within a frame is heard too. */
export function useKeys(handlers: Handlers, modal = false): void {
    const layer = useRef(handlers);
    layer.current = handlers;
    useLayoutEffect(() => {
        const depthBefore = modalDepth;
        modalDepth = modal ? layers.length : modalDepth;
        layers.push(layer);
        return () => {
            layers.splice(layers.indexOf(layer), 1);
            modalDepth = modal ? depthBefore : modalDepth;
        };
    }, [modal]);
}
