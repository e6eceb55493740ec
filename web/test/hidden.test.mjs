// SPDX-License-Identifier: Apache-2.0
/* text/hidden.ts and text/elide.ts: nothing hidden stays hidden, nothing is lost. */
import { codePointLabel, hiddenCount, hiddenName, segment, spelledOut } from "../src/text/hidden";
import { byteLength, elide, segmentsLength, splitAt } from "../src/text/elide";
import { assert, describe, table, test } from "./table.mjs";

const whole = (parts) => parts.map((part) => part.text ?? part.raw).join("");
const labels = (text, reading) =>
    segment(text, reading)
        .filter((part) => part.hidden)
        .map((part) => part.hidden);

table(
    "marked characters",
    [
        ["plain text has none", "Refund 74.50", []],
        ["letters of other scripts are not hidden", "Łódź 東京 שלום", []],
        ["zero width space", "a\u200bb", ["U+200B"]],
        ["bidi override and its end", "\u202egpj\u202c", ["U+202E", "U+202C"]],
        ["bidi isolates", "\u2066x\u2069", ["U+2066", "U+2069"]],
        ["soft hyphen", "pay\u00adpal", ["U+00AD"]],
        ["C0 and C1 controls", "\u001b[2J\u0085", ["U+001B", "U+0085"]],
        ["tag characters", "\u{e0041}", ["U+E0041"]],
        ["variation selector", "\u2764\ufe0f", ["U+FE0F"]],
        ["supplementary variation selector", "a\u{e0100}", ["U+E0100"]],
        ["Hangul filler is ignorable", "\u3164", ["U+3164"]],
        ["line and paragraph separators", "\u2028\u2029", ["U+2028", "U+2029"]],
        ["private use", "\ue000", ["U+E000"]],
        ["unassigned", "\u0378", ["U+0378"]],
        ["lone surrogate", "a\ud800b", ["U+D800"]],
        ["a line feed in a single line", "a\nb", ["U+000A"]],
        ["a tab in a single line", "a\tb", ["U+0009"]],
        ["byte order mark", "\ufeffx", ["U+FEFF"]],
        ["no-break space", "a\u00a0b", ["U+00A0"]],
        ["em space", "a\u2003b", ["U+2003"]],
        ["ideographic space", "a\u3000b", ["U+3000"]],
        ["object replacement character", "bank\ufffc", ["U+FFFC"]],
        ["Braille pattern blank, and none that has dots", "\u2800\u2801", ["U+2800"]],
        ["Khitan filler", "a\u{16fe4}", ["U+16FE4"]],
        ["null notehead", "a\u{1d159}", ["U+1D159"]],
        ["blank hieroglyphs", "\u{13441}\u{13442}", ["U+13441", "U+13442"]],
        ["spaces between words", "a b  c", []],
        ["spaces at the end", "a b  ", ["U+0020", "U+0020"]],
        ["a space at the beginning", " a", ["U+0020"]],
        ["a space before the last line feed", "a \n", ["U+0020", "U+000A"]],
        ["nothing but a space", " ", ["U+0020"]],
    ],
    (text) => labels(text),
);

table(
    "several lines",
    [
        ["line feed and tab are layout", "a\n\tb", []],
        ["carriage return is not", "a\rb", ["U+000D"]],
    ],
    (text) => labels(text, "lines"),
);

table(
    "readings of one text",
    [
        ["one line", "line", ["U+0020", "U+000A", "U+00A0", "U+200B", "U+0020"]],
        ["a value", "value", ["U+0020", "U+00A0", "U+200B", "U+0020"]],
        ["several lines", "lines", ["U+00A0", "U+200B"]],
        ["prose", "prose", ["U+200B"]],
    ],
    (reading) => labels(" a\nb\u00a0c d\u200b ", reading),
);

table(
    "names",
    [
        ["from the table", "\u200b", "ZERO WIDTH SPACE"],
        ["variation selector 16", "\ufe0f", "VARIATION SELECTOR-16"],
        ["variation selector 17", "\u{e0100}", "VARIATION SELECTOR-17"],
        ["tag letter", "\u{e0041}", "TAG A"],
        ["control without a name here", "\u0001", "CONTROL CHARACTER"],
        ["private use", "\ue000", "PRIVATE USE CHARACTER"],
        ["a space", " ", "SPACE"],
        ["another space", "\u2003", "SPACE OF ANOTHER KIND"],
        ["unassigned", "\u0378", "UNASSIGNED CHARACTER"],
        ["lone surrogate", "\udfff", "LONE SURROGATE"],
    ],
    hiddenName,
);

describe("every ignorable, format and control character", () => {
    test("is marked, and its text survives", () => {
        const pattern = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Zs}\p{Default_Ignorable_Code_Point}]/u;
        let seen = 0;
        for (let code = 0; code <= 0x10ffff; code += 1) {
            const char = String.fromCodePoint(code);
            if (char !== " " && pattern.test(char)) {
                const parts = segment(`a${char}b`);
                assert.equal(parts.length, 3, codePointLabel(code));
                assert.equal(whole(parts), `a${char}b`);
                seen += 1;
            }
        }
        assert.ok(seen > 4000, `only ${seen}`);
    });
    test("counts and spells out", () => {
        assert.equal(hiddenCount("a\u200b\u200bb"), 2);
        assert.equal(spelledOut("a\u202eb"), "a[U+202E]b");
    });
});

const room = { limit: 10, head: 4, tail: 3 };
table(
    "elision in the middle",
    [
        ["at the limit nothing is left out", "0123456789", ["0123456789", 0, ""]],
        ["beyond it head, bytes, tail", "0123456789a", ["0123", 4, "89a"]],
        ["bytes are UTF-8", "0123ééééabc", ["0123", 8, "abc"]],
        ["code points are never split", "😀😀😀😀😀😀😀😀😀😀😀😀", ["😀😀😀😀", 20, "😀😀😀"]],
        [
            "hidden characters left out are counted",
            `0123${"\u200b".repeat(5)}abc`,
            ["0123", 15, "abc"],
        ],
    ],
    (text) => {
        const { head, tail, omittedBytes } = elide(segment(text), room);
        return [whole(head), omittedBytes, whole(tail)];
    },
);

describe("revealing", () => {
    test("more of the head, then all", () => {
        const parts = segment("0123456789abcdef");
        assert.equal(whole(elide(parts, room, 4).head), "01234567");
        assert.equal(elide(parts, room, 100).omittedBytes, 0);
        assert.equal(whole(elide(parts, room, 100).head), "0123456789abcdef");
    });
    test("splitting keeps everything", () => {
        const parts = segment("ab\u200bcd");
        for (let at = 0; at <= 6; at += 1) {
            const [first, rest] = splitAt(parts, at);
            assert.equal(whole(first) + whole(rest), "ab\u200bcd");
            assert.equal(segmentsLength(first), Math.min(at, 5));
        }
    });
    test("bytes", () => assert.equal(byteLength("é😀"), 6));
});
