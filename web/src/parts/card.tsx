// SPDX-License-Identifier: Apache-2.0
/*
 * WHAT WILL RUN: the server's card and nothing else. Stands above all text of the agent and looks
 * like nothing that an agent could draw. Must never compute a value itself: it prints the parts
 * that the server cut, in the server's order.
 */
import { useEffect, useMemo, useState } from "preact/hooks";
import { segmentsLength, VALUE_ROOM } from "../text/elide";
import { bytes, plural, shortDigest } from "../text/format";
import type { Segment } from "../text/hidden";
import { pointerLabel } from "../text/pointer";
import type { Card, CardLine, Part } from "../wire";
import { Notice, Tag } from "./bits";
import { Long, Said } from "./untrusted";

/* The server's parts as segments; the raw character is known from its code point. */
const asSegment = (part: Part): Segment =>
    "text" in part
        ? part
        : { ...part, raw: String.fromCodePoint(parseInt(part.hidden.slice(2), 16) || 0) };

/* Values that are not shown whole at first. */
export const isLong = (line: CardLine): boolean =>
    segmentsLength(line.parts.map(asSegment)) > VALUE_ROOM.limit;

const KINDS: Readonly<Record<string, string>> = {
    number: "number",
    boolean: "true or false",
    null: "null",
    empty: "empty",
};

function Line({ line, onWhole }: { line: CardLine; onWhole: () => void }) {
    const parts = useMemo(() => line.parts.map(asSegment), [line]);
    const empty = parts.length === 0 ? (line.kind === "string" ? "empty text" : line.kind) : null;
    return (
        <div class={line.critical ? "card-line critical" : "card-line"}>
            <dt>
                <Said text={pointerLabel(line.pointer)} />
                {line.critical && <span class="sr"> (critical)</span>}
            </dt>
            <dd>
                <span class={`value ${line.kind}`}>
                    {empty !== null ? (
                        <em class="quiet">{empty}</em>
                    ) : (
                        <Long parts={parts} room={VALUE_ROOM} onWhole={onWhole} />
                    )}
                </span>
                <span class="kind">
                    {KINDS[line.kind] ?? "text"}
                    {line.bytes > 64 ? `, ${bytes(line.bytes)}` : ""}
                </span>
            </dd>
        </div>
    );
}

/* The effect tags and what cannot be taken back. */
function Effects({ card }: { card: Card }) {
    return (
        <p class="card-effects">
            {card.effects.map((effect) => (
                <Tag key={effect} tone="accent">
                    <Said text={effect} />
                </Tag>
            ))}
            {card.reversible === false && <Tag tone="danger">cannot be reversed</Tag>}
            {card.reversible === true && <Tag tone="ok">reversible</Tag>}
            {card.reversible === null && <Tag>reversible: not known</Tag>}
        </p>
    );
}

interface Props {
    readonly card: Card;
    readonly digest: string;
    readonly revision: number;
    readonly level: number; /* of the heading */
    readonly onUnread: (unread: number) => void; /* long values that were not opened yet */
}

export function ActionCard({ card, digest, revision, level, onUnread }: Props) {
    const Heading = `h${level}` as "h2";
    const [whole, setWhole] = useState<ReadonlySet<string>>(new Set());
    const unread = card.lines.filter((line) => isLong(line) && !whole.has(line.pointer)).length;
    useEffect(() => {
        setWhole(new Set());
    }, [digest]);
    useEffect(() => {
        onUnread(unread);
    }, [unread]);
    return (
        <section class="card" aria-labelledby="card-heading">
            <header class="card-head">
                <Heading id="card-heading">What will run</Heading>
                <span class="digest" title={digest}>
                    revision {revision} · digest <code>{shortDigest(digest)}</code>
                </span>
            </header>
            <p class="card-action">
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
            {card.hidden > 0 && (
                <Notice tone="warn" icon="warn">
                    <strong>{plural(card.hidden, "hidden character")}</strong> in this call, marked
                    where
                    {card.hidden === 1 ? " it stands." : " they stand."}
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
                            onWhole={() => setWhole((seen) => new Set([...seen, line.pointer]))}
                        />
                    ))}
                </dl>
            )}
            <Effects card={card} />
            {card.oversight && (
                <p class="card-oversight">
                    <strong>Before you approve:</strong> <Said text={card.oversight} />
                </p>
            )}
        </section>
    );
}
