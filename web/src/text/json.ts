// SPDX-License-Identifier: Apache-2.0
/*
 * Strict JSON for what a person types: I-JSON (RFC 7493) as the server takes it, with an error
 * that says where. JSON.parse alone would keep the last of two equal names and round numbers
 * silently; both are refused here.
 *
 * Invariants: no recursion beyond DEPTH_MAX; a number is returned only if the double means
 * exactly the decimal that was written.
 */

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

export const DEPTH_MAX = 64;

/* What is wrong, and at which character (from 0). */
export class JsonError extends Error {
    constructor(
        message: string,
        readonly at: number,
    ) {
        super(message);
    }
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SPACE = /[ \t\n\r]*/y;
const LITERALS: readonly (readonly [string, Json])[] = [
    ["true", true],
    ["false", false],
    ["null", null],
];
const LONE_SURROGATE = /\p{Cs}/u;

/* The decimal that `text` writes, in one normal form: sign, digits without outer zeros, exponent. */
function normalDecimal(text: string): string {
    const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
    if (match === null) {
        return text;
    }
    const [, sign = "", whole = "", fraction = "", exponent = "0"] = match;
    const digits = (whole + fraction).replace(/^0+/, "");
    const significant = digits.replace(/0+$/, "");
    if (significant === "") {
        return "0";
    }
    const power = Number(exponent) - fraction.length + (digits.length - significant.length);
    return `${sign}${significant}e${power}`;
}

/* The double for a JSON number, or null where it would not mean the same. */
export function exactNumber(text: string): number | null {
    NUMBER.lastIndex = 0;
    if (NUMBER.exec(text)?.[0] !== text) {
        return null;
    }
    const value = Number(text);
    return Number.isFinite(value) && normalDecimal(String(value)) === normalDecimal(text)
        ? value
        : null;
}

/* Parses one JSON text; throws JsonError. */
export function parseJson(text: string): Json {
    const reader = new Reader(text);
    const value = reader.value(0);
    reader.end();
    return value;
}

class Reader {
    private at = 0;

    constructor(private readonly text: string) {}

    value(depth: number): Json {
        if (depth > DEPTH_MAX) {
            throw new JsonError(`deeper than ${DEPTH_MAX} levels`, this.at);
        }
        this.match(SPACE);
        const first = this.text[this.at];
        if (first === "{") {
            return this.object(depth);
        }
        if (first === "[") {
            return this.array(depth);
        }
        return first === '"' ? this.string() : this.scalar();
    }

    end(): void {
        this.match(SPACE);
        if (this.at < this.text.length) {
            throw new JsonError("unexpected text after the value", this.at);
        }
    }

    private object(depth: number): Json {
        const out: { [name: string]: Json } = Object.create(null);
        this.list("}", () => {
            const at = this.at;
            const name = this.string();
            if (name in out) {
                throw new JsonError(`the name ${JSON.stringify(name)} stands twice`, at);
            }
            this.expect(":");
            out[name] = this.value(depth + 1);
        });
        return Object.fromEntries(Object.entries(out));
    }

    private array(depth: number): Json {
        const out: Json[] = [];
        this.list("]", () => out.push(this.value(depth + 1)));
        return out;
    }

    /* Reads `item` after `item`, separated by commas, up to `close`. */
    private list(close: string, item: () => void): void {
        this.at += 1;
        if (this.accept(close)) {
            return;
        }
        do {
            this.match(SPACE);
            item();
        } while (this.accept(","));
        this.expect(close);
    }

    private string(): string {
        const at = this.at;
        const token = this.match(STRING);
        if (!token) {
            throw new JsonError("expected a string in double quotes", at);
        }
        const value = JSON.parse(token) as string;
        if (LONE_SURROGATE.test(value)) {
            throw new JsonError("half of a surrogate pair", at);
        }
        return value;
    }

    private scalar(): Json {
        const literal = LITERALS.find(([word]) => this.text.startsWith(word, this.at));
        if (literal !== undefined) {
            this.at += literal[0].length;
            return literal[1];
        }
        const at = this.at;
        const token = this.match(NUMBER);
        if (!token) {
            throw new JsonError("expected a value", at);
        }
        const value = exactNumber(token);
        if (value === null) {
            throw new JsonError(`${token} does not survive as a number; write it as a string`, at);
        }
        return value;
    }

    private match(pattern: RegExp): string {
        pattern.lastIndex = this.at;
        const found = pattern.exec(this.text)?.[0] ?? "";
        this.at += found.length;
        return found;
    }

    private accept(char: string): boolean {
        this.match(SPACE);
        const found = this.text[this.at] === char;
        this.at += found ? 1 : 0;
        return found;
    }

    private expect(char: string): void {
        if (!this.accept(char)) {
            throw new JsonError(`expected "${char}"`, this.at);
        }
    }
}
