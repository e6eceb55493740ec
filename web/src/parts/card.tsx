// SPDX-License-Identifier: Apache-2.0
/*
 * WHAT WILL RUN: the server's card and nothing else. Stands above all text of the agent and looks
 * like nothing that an agent could draw. Must never compute a value itself: it prints the parts
 * that the server cut, in the server's order.
 */
import { useEffect, useMemo, useState } from "preact/hooks";
import { PROSE_ROOM, segmentsLength, VALUE_ROOM } from "../text/elide";
import { bytes, plural, shortDigest } from "../text/format";
import { segment, type Segment } from "../text/hidden";
import { pointerLabel } from "../text/pointer";
import type { Card, CardLine, Part, Proposal } from "../wire";
import { Notice, Tag } from "./bits";
import { isLayout, Long, Said } from "./untrusted";

/* Critical values beyond this many characters are set as text, not as a headline. */
const HEADLINE_MAX = 80;

/* The server's parts as segments; the raw character is known from its code point. */
const asSegment = (part: Part): Segment =>
    "text" in part
        ? part
        : { ...part, raw: String.fromCodePoint(parseInt(part.hidden.slice(2), 16) || 0) };

/* Values that are not shown whole at first. */
export const isLong = (line: CardLine): boolean =>
    segmentsLength(line.parts.map(asSegment)) > VALUE_ROOM.limit;

/* Hidden characters of the call; line feeds and tabs do not hide: they are seen for what they do. */
export function hiddenIn(card: Card): number {
    const layout = card.lines.flatMap((line) => line.parts.map(asSegment)).filter(isLayout);
    return Math.max(0, card.hidden - layout.length);
}

const KINDS: Readonly<Record<string, string>> = {
    number: "number",
    boolean: "true or false",
    null: "null",
    empty: "empty",
};

/* What is worth saying about a value besides the value. */
function kindOf(line: CardLine, draft: boolean): string {
    const told = [
        draft && "draft",
        KINDS[line.kind] ?? false,
        line.bytes > 64 && bytes(line.bytes),
    ].filter(Boolean);
    return told.join(", ");
}

interface LineProps {
    readonly line: CardLine;
    readonly draft: boolean;
    readonly onWhole: () => void;
}

function Line({ line, draft, onWhole }: LineProps) {
    const parts = useMemo(() => line.parts.map(asSegment), [line]);
    const empty = parts.length === 0 ? (line.kind === "string" ? "empty text" : line.kind) : null;
    const size = segmentsLength(parts) > HEADLINE_MAX ? "long" : "";
    const kind = kindOf(line, draft);
    return (
        <div class={line.critical ? "card-line critical" : "card-line"}>
            <dt>
                <Said text={pointerLabel(line.pointer)} />
                {line.critical && <span class="sr"> (critical)</span>}
            </dt>
            <dd>
                <span class={`value ${line.kind} ${size}`}>
                    {empty !== null ? (
                        <em class="quiet">{empty}</em>
                    ) : (
                        <Long parts={parts} room={VALUE_ROOM} layout onWhole={onWhole} />
                    )}
                </span>
                {kind && <span class="kind">{kind}</span>}
            </dd>
        </div>
    );
}

/* What the action is, who carries it out, what it touches, and whether it can be taken back. */
function Top({ card }: { card: Card }) {
    return (
        <div class="card-top">
            <p>
                <code>
                    <Said text={card.action} />
                </code>
                {card.executor && (
                    <>
                        {" "}
                        run by{" "}
                        <strong>
                            <Said text={card.executor} />
                        </strong>
                    </>
                )}
                {card.domain && (
                    <>
                        {" "}
                        in <Said text={card.domain} />
                    </>
                )}
            </p>
            <p class="card-effects">
                {card.effects.map((effect) => (
                    <Tag key={effect} tone="accent">
                        <Said text={effect} />
                    </Tag>
                ))}
                {card.reversible === false && <Tag tone="danger">irreversible</Tag>}
                {card.reversible === true && <Tag tone="ok">reversible</Tag>}
                {card.reversible === null && <Tag>reversible: not known</Tag>}
            </p>
        </div>
    );
}

/* A call with more values than the server lists: the whole of it as JSON text. */
function Rest({ proposal, onWhole }: { proposal: Proposal; onWhole: () => void }) {
    const parts = useMemo(
        () => segment(JSON.stringify(proposal.arguments, null, 1), "lines"),
        [proposal.digest],
    );
    return (
        <div class="card-rest">
            <Notice tone="danger" icon="warn">
                <strong>Not every value is listed above.</strong> This call has too many. All of it
                stands here as JSON, and has to be opened before it can be approved.
            </Notice>
            <div class="prose mono">
                <Long parts={parts} room={PROSE_ROOM} onWhole={onWhole} />
            </div>
        </div>
    );
}

const REST = "\u0000rest"; /* no pointer can be this */

/* How many of the card's long texts were not opened yet, and how to note that one was. */
function useUnread(card: Card, digest: string, onUnread: (unread: number) => void) {
    const [whole, setWhole] = useState<ReadonlySet<string>>(new Set());
    const long = useMemo(
        () => [...card.lines.filter(isLong).map((l) => l.pointer), ...(card.cut ? [REST] : [])],
        [digest],
    );
    const unread = long.filter((pointer) => !whole.has(pointer)).length;
    useEffect(() => {
        setWhole(new Set());
    }, [digest]);
    useEffect(() => {
        onUnread(unread);
    }, [unread]);
    return (pointer: string) => (): void => setWhole((seen) => new Set([...seen, pointer]));
}

interface Props {
    readonly card: Card;
    readonly proposal: Proposal;
    readonly level: number; /* of the heading */
    readonly onUnread: (unread: number) => void; /* long values that were not opened yet */
}

export function ActionCard({ card, proposal, level, onUnread }: Props) {
    const Heading = `h${level}` as "h2";
    const { digest, revision, brief } = proposal;
    const opened = useUnread(card, digest, onUnread);
    const hidden = hiddenIn(card);
    return (
        <section class="card" aria-labelledby="card-heading">
            <header class="card-head">
                <Heading id="card-heading">What will run</Heading>
                <span class="digest" title={digest}>
                    revision {revision} · digest <code>{shortDigest(digest)}</code>
                </span>
            </header>
            <Top card={card} />
            {hidden > 0 && (
                <Notice tone="warn" icon="warn">
                    <strong>{plural(hidden, "hidden character")}</strong> in this call, marked where
                    {hidden === 1 ? " it stands." : " they stand."}
                </Notice>
            )}
            {card.lines.length === 0 ? (
                <p class="quiet card-none">No arguments.</p>
            ) : (
                <dl class="card-lines">
                    {card.lines.map((line) => (
                        <Line
                            key={line.pointer}
                            line={line}
                            draft={line.pointer === brief?.draft?.pointer}
                            onWhole={opened(line.pointer)}
                        />
                    ))}
                </dl>
            )}
            {card.cut && <Rest proposal={proposal} onWhole={opened(REST)} />}
            {card.oversight && (
                <p class="card-oversight">
                    <strong>Before you approve:</strong> <Said text={card.oversight} />
                </p>
            )}
        </section>
    );
}
