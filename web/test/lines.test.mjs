// SPDX-License-Identifier: Apache-2.0
/* Differences line by line: both texts can be put together again, and what is equal is found. */
import { hunks, lineDiff } from "../src/text/lines.ts";
import { assert, describe, table, test } from "./table.mjs";

const MARK = { same: " ", added: "+", removed: "-" };
const shown = (lines) => lines.map(({ kind, text }) => MARK[kind] + text).join("|");

table(
    "lineDiff",
    [
        ["nothing changed", ["a\nb", "a\nb"], " a| b"],
        ["one more at the end", ["a", "a\nb"], " a|+b"],
        ["one less at the start", ["a\nb", "b"], "-a| b"],
        ["one changed", ["a\nb\nc", "a\nx\nc"], " a|-b|+x| c"],
        ["one moved", ["a\nb\nc", "b\nc\na"], "-a| b| c|+a"],
        ["other line ends", ["a\r\nb", "a\nb"], " a| b"],
        ["from nothing", ["", "a"], "-|+a"],
    ],
    ([from, to]) => shown(lineDiff(from, to)),
);

describe("lineDiff: put together again", () => {
    let seed = 7;
    const random = (n) => (seed = (seed * 48271) % 2147483647) % n;
    const textOf = () => Array.from({ length: random(12) }, () => "abc"[random(3)]).join("\n");
    test("500 pairs", () => {
        for (let i = 0; i < 500; i += 1) {
            const [from, to] = [textOf(), textOf()];
            const lines = lineDiff(from, to);
            const side = (other) => lines.filter(({ kind }) => kind !== other).map(({ text }) => text).join("\n");
            assert.equal(side("added"), from);
            assert.equal(side("removed"), to);
            lines.filter(({ before }) => before).forEach(({ text, before }) => assert.equal(from.split("\n")[before - 1], text));
        }
    });
    test("too many changes: replaced, in bounded time", () => {
        const many = (name) => Array.from({ length: 20_000 }, (_, i) => `${name} ${i}`).join("\n");
        const lines = lineDiff(`same\n${many("a")}\nend`, `same\n${many("b")}\nend`);
        assert.equal(lines.length, 40_002);
    });
});

test("hunks: three lines around each change", () => {
    const numbers = Array.from({ length: 30 }, (_, i) => String(i));
    const changed = numbers.map((n) => (n === "5" || n === "25" ? "x" : n));
    const found = hunks(lineDiff(numbers.join("\n"), changed.join("\n")));
    assert.deepEqual(found.map(shown), [" 2| 3| 4|-5|+x| 6| 7| 8", " 22| 23| 24|-25|+x| 26| 27| 28"]);
    assert.deepEqual(hunks(lineDiff("a", "a")), []);
});
