// SPDX-License-Identifier: Apache-2.0
/*
 * Makes hidden characters visible: splits text into runs of visible text and single marked
 * characters. Must never drop or replace a character: the segments put together are the text.
 *
 * Marked: controls (Cc), formats (Cf), line and paragraph separators (Zl, Zp), private use (Co),
 * unassigned (Cn), lone surrogates (Cs), and everything with Default_Ignorable_Code_Point. The
 * browser's own Unicode tables decide; an older browser marks more, never less, of what is new.
 */

export type Segment =
    | { readonly text: string }
    | { readonly hidden: string; readonly name: string; readonly raw: string };

const MARKED = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}\p{Default_Ignorable_Code_Point}]/u;
const MARKED_ALL = new RegExp(MARKED.source, "gu");

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
    0x007f: "DELETE",
    0x0085: "NEXT LINE",
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
    0x3164: "HANGUL FILLER",
    0xfeff: "ZERO WIDTH NO-BREAK SPACE",
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

/* Splits `text`; with `lines`, line feeds and tabs stay text (they are visible as layout). */
export function segment(text: string, lines = false): Segment[] {
    const out: Segment[] = [];
    let from = 0;
    for (const match of text.matchAll(MARKED_ALL)) {
        const raw = match[0];
        if (lines && (raw === "\n" || raw === "\t")) {
            continue;
        }
        if (match.index > from) {
            out.push({ text: text.slice(from, match.index) });
        }
        out.push({ hidden: codePointLabel(raw.codePointAt(0) ?? 0), name: hiddenName(raw), raw });
        from = match.index + raw.length;
    }
    if (from < text.length) {
        out.push({ text: text.slice(from) });
    }
    return out;
}

/* How many characters of `text` are marked. */
export function hiddenCount(text: string, lines = false): number {
    return segment(text, lines).filter((part) => "hidden" in part).length;
}

/* Text for places that take no elements (the document's title, aria labels): marks in brackets. */
export function spelledOut(text: string): string {
    return segment(text)
        .map((part) => ("text" in part ? part.text : `[${part.hidden}]`))
        .join("");
}
