// SPDX-License-Identifier: Apache-2.0
/*
 * Puts a rule into the text of a policy, at the end of its list of rules, and leaves every other
 * character as it is: comments, order, line ends. Knows the forms that people write; in any other it
 * refuses, and the rule is to be pasted by hand. The server reads the result anyway.
 */

export interface RuleText {
    readonly lines: readonly string[]; /* `id: a`, `when: '...'`, ...: one key each, a value of one line */
}

export type Inserted = { readonly text: string } | { readonly refusal: string };

const KEY = /^(?:rules|"rules"|'rules')[ ]*:(?=\s|$)(.*)$/;
const OTHER_FORM = "the rules of this policy are written in a form that is not changed here";

const flowOf = ({ lines }: RuleText): string => `{${lines.join(", ")}}`;

function blockOf({ lines }: RuleText, indent: string): string[] {
    return lines.map((line, index) => `${indent}${index === 0 ? "- " : "  "}${line}`);
}

const isBlank = (line: string): boolean => /^\s*(?:#.*)?$/.test(line);
const isItem = (line: string): boolean => /^ *-(?:\s|$)/.test(line);

/* Where the list that begins after line `key` ends: behind the last line that belongs to it. */
function endOfList(lines: readonly string[], key: number): number {
    let end = key + 1;
    for (let at = key + 1; at < lines.length; at += 1) {
        const line = lines[at] as string;
        if (isBlank(line)) {
            if (/^\s+#/.test(line)) {
                end = at + 1; /* an indented comment belongs to the list */
            }
            continue;
        }
        if (!/^\s/.test(line) && !/^-(?:\s|$)/.test(line)) {
            break;
        }
        end = at + 1;
    }
    return end;
}

function intoBlock(lines: readonly string[], key: number, rule: RuleText): string[] | null {
    const first = lines.slice(key + 1).find((line) => !isBlank(line));
    const belongs = first !== undefined && (/^\s/.test(first) || /^-(?:\s|$)/.test(first));
    if (belongs && !isItem(first)) {
        return null;
    }
    const indent = belongs ? (/^ */.exec(first)?.[0] ?? "") : "  ";
    const end = belongs ? endOfList(lines, key) : key + 1;
    return [...lines.slice(0, end), ...blockOf(rule, indent), ...lines.slice(end)];
}

/* The place behind a quoted text that begins at `from`; -1 where it does not end. */
function skipQuoted(text: string, from: number): number {
    const quote = text[from];
    for (let at = from + 1; at < text.length; at += 1) {
        if (quote === '"' && text[at] === "\\") {
            at += 1;
        } else if (text[at] === quote) {
            if (quote === "'" && text[at + 1] === "'") {
                at += 1;
            } else {
                return at + 1;
            }
        }
    }
    return -1;
}

interface Flow {
    readonly close: number; /* where the closing bracket is */
    readonly last: number; /* behind the last character that is neither space nor comment */
    readonly empty: boolean;
    readonly comma: boolean; /* one stands there already */
}

/* Reads a list in brackets from its [ on; null where it is not clear where it ends. */
function readFlow(text: string, open: number): Flow | null {
    let depth = 0;
    let last = open + 1;
    let before = "[";
    for (let at = open; at < text.length; ) {
        const char = text[at] as string;
        const fresh = /[\s,[\]{}:]/.test(text[at - 1] ?? " ");
        if (char === "#" && /\s/.test(text[at - 1] ?? " ")) {
            const end = text.indexOf("\n", at);
            at = end < 0 ? text.length : end;
            continue;
        }
        if ((char === '"' || char === "'") && fresh) {
            at = skipQuoted(text, at);
            if (at < 0) {
                return null;
            }
            [last, before] = [at, char];
            continue;
        }
        if (char === "]" || char === "}") {
            depth -= 1;
            if (depth === 0) {
                return { close: at, last, empty: before === "[" && last === open + 1, comma: before === "," };
            }
        }
        depth += char === "[" || char === "{" ? 1 : 0;
        if (!/\s/.test(char)) {
            [last, before] = [at + 1, char];
        }
        at += 1;
    }
    return null;
}

function intoFlow(text: string, open: number, rule: RuleText): string | null {
    const flow = readFlow(text, open);
    if (flow === null || !/^[ \t]*(?:#.*)?\r?(?:\n|$)/.test(text.slice(flow.close + 1))) {
        return null;
    }
    const joint = flow.empty ? "" : flow.comma ? " " : ", ";
    return text.slice(0, flow.last) + joint + flowOf(rule) + text.slice(flow.last);
}

/* Whether the document is a mapping in lines, as everybody writes it. */
function isUsual(lines: readonly string[]): boolean {
    const first = lines.find((line) => !isBlank(line) && !/^(?:---|%)/.test(line));
    return first !== undefined && /^["'A-Za-z]/.test(first);
}

function append(lines: readonly string[], rule: RuleText): string[] {
    const marker = lines.findIndex((line) => /^\.\.\.(?:\s|$)/.test(line));
    const body = marker < 0 ? [...lines] : lines.slice(0, marker);
    while (body.length > 0 && /^\s*$/.test(body[body.length - 1] as string)) {
        body.pop();
    }
    return [...body, "", "rules:", ...blockOf(rule, "  "), ...(marker < 0 ? [""] : lines.slice(marker))];
}

/* Where the files begin that the first document includes: at the line `---` behind it. */
function endOfFirst(lines: readonly string[]): number {
    const first = lines.findIndex((line) => !isBlank(line) && !/^(?:---|%)/.test(line));
    const next = lines.findIndex((line, at) => at > first && /^---(?:\s|$)/.test(line));
    return first < 0 || next < 0 ? lines.length : next;
}

/* The text with the rule in it, in the main file where it has several. */
export function insertRule(source: string, rule: RuleText): Inserted {
    const end = source.includes("\r\n") ? "\r\n" : "\n";
    const all = source.split(end);
    const behind = all.slice(endOfFirst(all));
    if (behind.length === 0) {
        return insertInto(source, end, rule);
    }
    const done = insertInto(all.slice(0, -behind.length).join(end) + end, end, rule);
    return "text" in done ? { text: done.text + behind.join(end) } : done;
}

function insertInto(source: string, end: string, rule: RuleText): Inserted {
    const lines = source.split(end);
    const keys = lines.flatMap((line, at) => (KEY.test(line) ? [at] : []));
    if (!isUsual(lines) || keys.length > 1) {
        return { refusal: OTHER_FORM };
    }
    const key = keys[0];
    if (key === undefined) {
        return { text: append(lines, rule).join(end) };
    }
    const value = (KEY.exec(lines[key] as string)?.[1] ?? "").trim();
    if (value === "" || value.startsWith("#")) {
        const done = intoBlock(lines, key, rule);
        return done === null ? { refusal: OTHER_FORM } : { text: done.join(end) };
    }
    if (/^(?:null|~)(?:\s+#.*)?$/.test(value)) {
        const kept = (lines[key] as string).replace(/(?:null|~)/, "").trimEnd();
        return { text: [...lines.slice(0, key), kept, ...blockOf(rule, "  "), ...lines.slice(key + 1)].join(end) };
    }
    if (value.startsWith("[")) {
        const start = lines.slice(0, key).reduce((sum, line) => sum + line.length + end.length, 0);
        const text = intoFlow(source, source.indexOf("[", start), rule);
        return text === null ? { refusal: OTHER_FORM } : { text };
    }
    return { refusal: OTHER_FORM };
}
