// SPDX-License-Identifier: Apache-2.0
/*
 * The only place where text of an agent gets onto the screen. Text nodes only, inside elements
 * marked `data-untrusted`; no links, no markup, no title taken from the text. Hidden characters
 * are chips with their code point. Long text is elided in the middle, and says by how much.
 */
import { useMemo, useState } from "preact/hooks";
import { elide, PROSE_ROOM, REVEAL_STEP, VALUE_ROOM, type Room } from "../text/elide";
import { bytes } from "../text/format";
import { segment, type Segment } from "../text/hidden";

/* Runs of the same hidden character beyond this become one chip with a count. */
const RUN_MAX = 3;

function Chip({ part, count }: { part: { hidden: string; name: string }; count: number }) {
    const times = count > 1 ? ` ×${count}` : "";
    return (
        <span
            class="hid"
            role="img"
            title={part.name}
            aria-label={`hidden character ${part.hidden} ${part.name}${times}`}
        >
            {part.hidden}
            {times}
        </span>
    );
}

/* Layout that a value may have: shown as a mark and as what it does. */
const LAYOUT: Readonly<Record<string, readonly [mark: string, effect: string]>> = {
    "U+000A": ["↵", "\n"],
    "U+0009": ["⇥", "\t"],
};

/* Whether a part is only layout, and not something that hides. */
export const isLayout = (part: Segment): boolean =>
    "hidden" in part && Object.hasOwn(LAYOUT, part.hidden);

function Break({ part }: { part: { hidden: string; name: string } }) {
    const [mark, effect] = LAYOUT[part.hidden] ?? [part.hidden, ""];
    return (
        <>
            <span class="hid break" role="img" title={part.name} aria-label={part.name}>
                {mark}
            </span>
            {effect}
        </>
    );
}

interface Group {
    readonly part: Segment;
    readonly count: number;
}

/* Puts long runs of one hidden character together. */
function grouped(parts: readonly Segment[]): Group[] {
    const out: { part: Segment; count: number }[] = [];
    let run = 0;
    for (const part of parts) {
        const last = out[out.length - 1];
        const same =
            last !== undefined &&
            "hidden" in part &&
            "hidden" in last.part &&
            last.part.hidden === part.hidden;
        run = same ? run + 1 : 1;
        if (same && run > RUN_MAX) {
            out.splice(out.length - (run === RUN_MAX + 1 ? RUN_MAX : 1));
            out.push({ part, count: run });
        } else {
            out.push({ part, count: 1 });
        }
    }
    return out;
}

function Segments({ parts, layout }: { parts: readonly Segment[]; layout?: boolean | undefined }) {
    return (
        <>
            {grouped(parts).map(({ part, count }) =>
                "text" in part ? (
                    part.text
                ) : layout && count === 1 && isLayout(part) ? (
                    <Break part={part} />
                ) : (
                    <Chip part={part} count={count} />
                ),
            )}
        </>
    );
}

/* A short string in one line of text: names, titles, labels, sources. Line feeds are chips. */
export function Said({ text, room = VALUE_ROOM }: { text: string; room?: Room }) {
    return <Long parts={useMemo(() => segment(text), [text])} room={room} />;
}

/* One line of a list: what does not fit is left out behind an ellipsis, without a button. */
export function Teaser({ text, room }: { text: string; room: Room }) {
    const { head, tail, omittedBytes } = useMemo(() => elide(segment(text), room), [text]);
    return (
        <bdi data-untrusted>
            <Segments parts={head} />
            {omittedBytes > 0 && " … "}
            <Segments parts={tail} />
        </bdi>
    );
}

/* Text of several lines, as it is: white space kept. */
export function Prose({ text, room = PROSE_ROOM }: { text: string; room?: Room }) {
    return (
        <div class="prose">
            <Long parts={useMemo(() => segment(text, "prose"), [text])} room={room} />
        </div>
    );
}

interface LongProps {
    readonly parts: readonly Segment[];
    readonly room: Room;
    readonly layout?: boolean; /* line feeds and tabs are marked and take effect */
    readonly onWhole?: () => void; /* called once nothing is left out any more */
}

/* Segments with the middle left out where there are too many, and a button that brings it back. */
export function Long({ parts, room, layout, onWhole }: LongProps) {
    const [revealed, setRevealed] = useState(0);
    const { head, tail, omittedBytes } = useMemo(
        () => elide(parts, room, revealed),
        [parts, revealed],
    );
    const more = (): void => {
        const next = revealed + REVEAL_STEP;
        setRevealed(next);
        if (elide(parts, room, next).omittedBytes === 0) {
            onWhole?.();
        }
    };
    return (
        <>
            <bdi data-untrusted>
                <Segments parts={head} layout={layout} />
            </bdi>
            {omittedBytes > 0 && (
                <button type="button" class="elided" onClick={more}>
                    {bytes(omittedBytes)} left out, show{" "}
                    {omittedBytes > REVEAL_STEP ? "more" : "all"}
                </button>
            )}
            {tail.length > 0 && (
                <bdi data-untrusted>
                    <Segments parts={tail} layout={layout} />
                </bdi>
            )}
        </>
    );
}
