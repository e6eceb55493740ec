// SPDX-License-Identifier: Apache-2.0
/*
 * Makes hidden characters visible: splits text into runs of visible text and single marked
 * characters. Must never drop or replace a character: the segments put together are the text.
 *
 * Marked: controls (Cc), formats (Cf), line and paragraph separators (Zl, Zp), private use (Co),
 * unassigned (Cn), lone surrogates (Cs), everything with Default_Ignorable_Code_Point, and what is
 * blank: spaces (Zs) but U+0020, and the glyphs without ink that base/unicode.c lists too. The
 * browser's own Unicode tables decide; an older browser marks more, never less, of what is new.
 * U+0020 is marked at the ends of a line, where nobody sees it.
 */

export type Segment =
    | { readonly text: string }
    | { readonly hidden: string; readonly name: string; readonly raw: string };

const MARKED =
    /(?! )[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800\ufffc\u{13441}\u{13442}\u{16fe4}\u{1d159}]/gu;
const MARKED_AT_ENDS = new RegExp(MARKED.source.slice("(?! )".length), "gu");

/* Names of UnicodeData.txt for what attacks and accidents really bring. */
const NAMES: Readonly<Record<number, string>> = {
    0x0000: "NULL",
    0x0007: "BELL",
    0x0008: "BACKSPACE",
    0x0009: "TAB",
    0x000a: "LINE FEED",
    0x000b: "VERTICAL TAB",
    0x000c: "FORM FEED",
    0x000d: "CARRIAGE RETURN",
    0x001b: "ESCAPE",
    0x0020: "SPACE",
    0x007f: "DELETE",
    0x0085: "NEXT LINE",
    0x00a0: "NO-BREAK SPACE",
    0x00ad: "SOFT HYPHEN",
    0x034f: "COMBINING GRAPHEME JOINER",
    0x061c: "ARABIC LETTER MARK",
    0x115f: "HANGUL CHOSEONG FILLER",
    0x1160: "HANGUL JUNGSEONG FILLER",
    0x17b4: "KHMER VOWEL INHERENT AQ",
    0x17b5: "KHMER VOWEL INHERENT AA",
    0x180e: "MONGOLIAN VOWEL SEPARATOR",
    0x200b: "ZERO WIDTH SPACE",
    0x200c: "ZERO WIDTH NON-JOINER",
    0x200d: "ZERO WIDTH JOINER",
    0x200e: "LEFT-TO-RIGHT MARK",
    0x200f: "RIGHT-TO-LEFT MARK",
    0x2028: "LINE SEPARATOR",
    0x2029: "PARAGRAPH SEPARATOR",
    0x202a: "LEFT-TO-RIGHT EMBEDDING",
    0x202b: "RIGHT-TO-LEFT EMBEDDING",
    0x202c: "POP DIRECTIONAL FORMATTING",
    0x202d: "LEFT-TO-RIGHT OVERRIDE",
    0x202e: "RIGHT-TO-LEFT OVERRIDE",
    0x2060: "WORD JOINER",
    0x2061: "FUNCTION APPLICATION",
    0x2062: "INVISIBLE TIMES",
    0x2063: "INVISIBLE SEPARATOR",
    0x2064: "INVISIBLE PLUS",
    0x2066: "LEFT-TO-RIGHT ISOLATE",
    0x2067: "RIGHT-TO-LEFT ISOLATE",
    0x2068: "FIRST STRONG ISOLATE",
    0x2069: "POP DIRECTIONAL ISOLATE",
    0x2800: "BRAILLE PATTERN BLANK",
    0x3164: "HANGUL FILLER",
    0xfeff: "ZERO WIDTH NO-BREAK SPACE",
    0xfffc: "OBJECT REPLACEMENT CHARACTER",
    0xffa0: "HALFWIDTH HANGUL FILLER",
    0xe0001: "LANGUAGE TAG",
    0xe007f: "CANCEL TAG",
};

/* Names of whole ranges; the first that fits wins. */
const RANGES: readonly (readonly [number, number, (code: number) => string])[] = [
    [0xfe00, 0xfe0f, (code) => `VARIATION SELECTOR-${code - 0xfe00 + 1}`],
    [0xe0100, 0xe01ef, (code) => `VARIATION SELECTOR-${code - 0xe0100 + 17}`],
    [0xe0020, 0xe007e, (code) => `TAG ${String.fromCharCode(code - 0xe0000)}`],
    [0xd800, 0xdfff, () => "LONE SURROGATE"],
];

/* Names by general category, where neither table speaks. */
const CATEGORIES: readonly (readonly [RegExp, string])[] = [
    [/\p{Cc}/u, "CONTROL CHARACTER"],
    [/\p{Co}/u, "PRIVATE USE CHARACTER"],
    [/\p{Cf}/u, "FORMAT CHARACTER"],
    [/\p{Cn}/u, "UNASSIGNED CHARACTER"],
    [/\p{Zs}/u, "SPACE OF ANOTHER KIND"],
];

/* The code point in the usual notation: `U+200B`. */
export function codePointLabel(code: number): string {
    return `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

/* A name for any marked character; never empty. */
export function hiddenName(char: string): string {
    const code = char.codePointAt(0) ?? 0;
    const known = NAMES[code];
    if (known !== undefined) {
        return known;
    }
    const range = RANGES.find(([first, last]) => code >= first && code <= last);
    if (range !== undefined) {
        return range[2](code);
    }
    return CATEGORIES.find(([pattern]) => pattern.test(char))?.[1] ?? "IGNORABLE CHARACTER";
}

/* How a text is read. `line`: everything is marked. `value`: line feeds and tabs stay text (they are visible
 * as layout). `lines`: spaces at the ends do too. `prose`: and spaces of every kind; for what does not
 * run. */
export type Reading = "line" | "value" | "lines" | "prose";

const LAYOUT = /[\n\t]/;
const STAYS: Readonly<Record<Reading, RegExp>> = {
    line: /[]/,
    value: LAYOUT,
    lines: LAYOUT,
    prose: /[\n\t\p{Zs}]/u,
};

/* Where the white space at the beginning ends, and where that at the end begins. */
function innerOf(text: string): [number, number] {
    const from = text.search(/[^ \n\t]|$/);
    let to = text.length;
    while (to > from && " \n\t".includes(text[to - 1] as string)) {
        to -= 1;
    }
    return [from, to];
}

/* Splits `text`. */
export function segment(text: string, reading: Reading = "line"): Segment[] {
    const out: Segment[] = [];
    const [inner, outer] = innerOf(text);
    let from = 0;
    const mark = (start: number, end: number, pattern: RegExp): void => {
        for (const match of text.slice(start, end).matchAll(pattern)) {
            const raw = match[0];
            const at = start + match.index;
            if (STAYS[reading].test(raw)) {
                continue;
            }
            if (at > from) {
                out.push({ text: text.slice(from, at) });
            }
            out.push({ hidden: codePointLabel(raw.codePointAt(0) ?? 0), name: hiddenName(raw), raw });
            from = at + raw.length;
        }
    };
    const ends = reading === "line" || reading === "value" ? MARKED_AT_ENDS : MARKED;
    mark(0, inner, ends);
    mark(inner, outer, MARKED);
    mark(outer, text.length, ends);
    if (from < text.length) {
        out.push({ text: text.slice(from) });
    }
    return out;
}

/* How many characters of `text` are marked. */
export function hiddenCount(text: string, reading: Reading = "line"): number {
    return segment(text, reading).filter((part) => "hidden" in part).length;
}

/* Text for places that take no elements (the document's title, aria labels): marks in brackets. */
export function spelledOut(text: string): string {
    return segment(text)
        .map((part) => ("text" in part ? part.text : `[${part.hidden}]`))
        .join("");
}
