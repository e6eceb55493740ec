// SPDX-License-Identifier: Apache-2.0
/*
 * One held proposal in the list: the server's title, the agent's summary, time left, who is at it.
 * A fixed height, so that the window over a long list is exact.
 */
import { now } from "../state/clock";
import { runningClaim } from "../state/bar";
import { me } from "../state/session";
import type { Row } from "../state/inbox";
import { MODE, word } from "../text/words";
import type { InboxItem } from "../wire";
import { Tag } from "./bits";
import { alikeWords } from "./alike";
import { Countdown, isAgents } from "./countdown";
import { Teaser } from "./untrusted";

const ROOM = { limit: 160, head: 140, tail: 10 };
const RISKY = new Set(["money", "legal", "auth", "publish", "account"]);

function Claim({ item }: { item: InboxItem }) {
    const by = runningClaim(item, now.value);
    if (by === null) {
        return null;
    }
    return by.id === me.value?.id ? (
        <Tag tone="accent">you hold it</Tag>
    ) : (
        <Tag tone="warn">
            <Teaser text={by.name} room={ROOM} /> is looking
        </Tag>
    );
}

function Details({ item }: { item: InboxItem }) {
    return (
        <span class="row-tags">
            <Claim item={item} />
            {item.repeats > 1 ? (
                <Tag tone="warn">{alikeWords(item.repeats)}</Tag>
            ) : (
                item.repeat_of && <Tag tone="warn">repeat</Tag>
            )}
            {item.hold.mode !== "glance" && (
                <Tag tone="accent">{word(MODE, item.hold.mode)}</Tag>
            )}
            {item.reversible === false && <Tag tone="danger">irreversible</Tag>}
            {item.effects
                .filter((effect) => RISKY.has(effect))
                .map((effect) => (
                    <Tag key={effect}>{effect}</Tag>
                ))}
            {item.hold.escalations > 0 && <Tag tone="warn">escalated</Tag>}
            <span class="quiet">
                <Teaser text={item.agent.name} room={ROOM} /> ·{" "}
                <Teaser text={item.hold.queue} room={ROOM} />
            </span>
        </span>
    );
}

interface Props {
    readonly row: Row;
    readonly index: number;
    readonly total: number;
    readonly selected: boolean;
    readonly top: number;
    readonly height: number;
    readonly onPick: (id: string) => void;
}

export function RowView({ row, index, total, selected, top, height, onPick }: Props) {
    const { item, ended } = row;
    return (
        <div
            id={`row-${item.id}`}
            role="option"
            class={`row${selected ? " selected" : ""}${ended ? " over" : ""}`}
            aria-selected={selected}
            aria-setsize={total}
            aria-posinset={index + 1}
            style={{ top: `${top}px`, height: `${height}px` }}
            onClick={() => onPick(item.id)}
        >
            <span class="row-top">
                <span class="row-title">
                    <Teaser text={item.title} room={ROOM} />
                </span>
                {ended ? (
                    <Tag>{ended}</Tag>
                ) : (
                    <Countdown from={item.created_at} hold={item.hold} />
                )}
            </span>
            <span class="row-top">
                <span class="row-summary">
                    <Teaser text={item.summary ?? ""} room={ROOM} />
                </span>
                {!ended && isAgents(item.hold) && (
                    <span class="countdown">agent's deadline</span>
                )}
            </span>
            <Details item={item} />
        </div>
    );
}
