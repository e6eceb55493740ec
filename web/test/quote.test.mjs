// SPDX-License-Identifier: Apache-2.0
/* What somebody types stays inside its quotes, in CEL and in YAML. */
import { parse } from "yaml";

import { isWhole, member, numberLiteral, quoted, singleQuoted, word } from "../src/text/quote.ts";
import { assert, describe, table, test } from "./table.mjs";

const HOSTILE = [
    ['a quote', 'a"b', '"a\\"b"'],
    ["a backslash at the end", "a\\", '"a\\\\"'],
    ["a backslash before a quote", '\\"', '"\\\\\\""'],
    ["an attempt to end the condition", '" || true || "', '"\\" || true || \\""'],
    ["an attempt to end the line", "x'\nthen: allow #", `"x'\\nthen: allow #"`],
    ["line ends of all kinds", "\r\n\u0085\u2028\u2029", '"\\r\\n\\u0085\\u2028\\u2029"'],
    ["hidden characters", "pay\u200bpal\u202e", '"pay\\u200bpal\\u202e"'],
    ["beyond the first plane", "\u{e0041}", '"\\U000e0041"'],
    ["what YAML would read otherwise", "{a: [b]} # c & *d !e %f @g `h", '"{a: [b]} # c & *d !e %f @g `h"'],
    ["letters of the world", "Straße 東京 😀", '"Straße 東京 😀"'],
    ["nothing", "", '""'],
];

table(
    "quoted",
    HOSTILE.map(([name, text, want]) => [name, text, want]),
    quoted,
);

describe("a YAML reader gets back what was typed", () => {
    for (const [name, text] of HOSTILE) {
        test(`${name}, in double quotes`, () => assert.equal(parse(`a: ${quoted(text)}\n`).a, text));
        test(`${name}, as a literal of CEL in single quotes`, () => {
            const line = singleQuoted(`x == ${quoted(text)}`);
            assert.doesNotMatch(line, /[\r\n\u0085\u2028\u2029]/);
            assert.equal(parse(`a: ${line}\n`).a, `x == ${quoted(text)}`);
        });
    }
});

table(
    "member",
    [
        ["a plain name", "amount", { value: "args.amount", given: "has(args.amount)" }],
        ["with a dash", "a-b", { value: 'args["a-b"]', given: '"a-b" in args' }],
        ["a word of the language", "in", { value: 'args["in"]', given: '"in" in args' }],
        ["hostile", '"] || true || args["', {
            value: 'args["\\"] || true || args[\\""]',
            given: '"\\"] || true || args[\\"" in args',
        }],
        ["empty", "", { value: 'args[""]', given: '"" in args' }],
    ],
    (name) => member("args", name),
);

table(
    "numberLiteral",
    [
        ["whole", "50", "50"],
        ["with a fraction", " 49.50 ", "49.50"],
        ["negative", "-0.5", "-0.5"],
        ["thousands in groups", "1,000", null],
        ["a decimal comma", "49,5", null],
        ["an expression", "1 || true", null],
        ["an exponent", "1e9", null],
        ["octal", "010", null],
        ["more digits than are exact", "1234567890123456", null],
        ["nothing", "", null],
    ],
    numberLiteral,
);

table(
    "word",
    [
        ["an id", "large-refund", "large-refund"],
        ["a number", "123", "'123'"],
        ["a truth", "true", "'true'"],
        ["a dash", "-", "'-'"],
        ["nothing at all", "null", "'null'"],
        ["a dot", ".inf", "'.inf'"],
    ],
    word,
);

table(
    "isWhole",
    [
        ["half a character", "\ud83d", false],
        ["the null, which no proposal holds either", "a\0", false],
        ["a whole one", "😀", true],
    ],
    isWhole,
);
