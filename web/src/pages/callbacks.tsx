// SPDX-License-Identifier: Apache-2.0
/*
 * What agents' own servers were told, for leads and administrators: what waits, what was given up and
 * why, and sending it again. Shows where a callback goes by host alone: paths may hold secrets.
 */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { call, newIdempotencyKey, query, type Problem } from "../api";
import { Empty, Failure, Skeleton, Tag, type Tone } from "../parts/bits";
import { Head } from "../parts/table";
import { Said } from "../parts/untrusted";
import { announce } from "../state/announce";
import { now } from "../state/clock";
import { noticeProblem } from "../state/session";
import { CALLBACK_ERROR, CALLBACK_STATUS, CALLBACK_TYPE } from "../text/callback_words";
import { clockTime, plural } from "../text/format";
import { capital, word } from "../text/words";
import type { Page, Webhook } from "../wire";

const PAGE_LIMIT = 50;
const SHOWN = ["dead", "pending", "delivered"] as const;
type Shown = (typeof SHOWN)[number];

interface Listed {
    readonly status: Shown;
    readonly items: readonly Webhook[];
    readonly cursor: string | null;
    readonly busy: boolean;
    readonly problem: Problem | null;
}

const listed = signal<Listed>({
    status: "dead",
    items: [],
    cursor: null,
    busy: true,
    problem: null,
});

/* Reads the newest of one status, or with a cursor the next page after those that are there. */
async function read(status: Shown, from: string | null): Promise<void> {
    const before = from === null ? [] : listed.value.items;
    listed.value = { ...listed.value, status, items: before, busy: true, problem: null };
    try {
        const wanted = query({ status, limit: PAGE_LIMIT, cursor: from });
        const page = await call<Page<Webhook>>("GET", `/v1/webhooks${wanted}`);
        if (listed.value.status === status) {
            const items = [...before, ...page.items];
            listed.value = { status, items, cursor: page.next_cursor, busy: false, problem: null };
        }
    } catch (thrown) {
        listed.value = { ...listed.value, busy: false, problem: noticeProblem(thrown) };
    }
}

/* The row stays where it is and shows how it stands now. */
async function sendAgain(id: string): Promise<void> {
    try {
        const fresh = await call<Webhook>("POST", `/v1/webhooks/${id}/resend`, {
            body: {},
            idempotencyKey: newIdempotencyKey(),
        });
        const items = listed.value.items.map((item) => (item.id === id ? fresh : item));
        listed.value = { ...listed.value, items, problem: null };
        announce(`It is sent to ${fresh.host} again.`);
    } catch (thrown) {
        listed.value = { ...listed.value, problem: noticeProblem(thrown) };
    }
}

const TONES: Readonly<Record<string, Tone>> = { dead: "danger", pending: "warn", delivered: "ok" };

function Standing({ item }: { item: Webhook }) {
    const answered = item.last_error !== null && item.last_status !== null;
    return (
        <>
            <Tag tone={TONES[item.status] ?? "plain"}>{word(CALLBACK_STATUS, item.status)}</Tag>
            {item.last_error !== null && (
                <span class="sub">
                    {word(CALLBACK_ERROR, item.last_error)}
                    {answered && ` (HTTP ${item.last_status})`}
                </span>
            )}
            {item.next_attempt_at !== null && item.attempts > 0 && (
                <span class="sub">Next at {clockTime(item.next_attempt_at, now.value)}</span>
            )}
        </>
    );
}

function Row({ item }: { item: Webhook }) {
    return (
        <tr>
            <td data-label="Written" class="nowrap">
                <time dateTime={item.created_at}>{clockTime(item.created_at, now.value)}</time>
            </td>
            <th scope="row">
                <a href={`/p/${item.proposal}`}>{word(CALLBACK_TYPE, item.type)}</a>
                <span class="sub">
                    <Said text={item.agent.name} />
                </span>
            </th>
            <td data-label="To">
                <Said text={item.host} />
            </td>
            <td data-label="Standing">
                <Standing item={item} />
            </td>
            <td data-label="Tried" class="nowrap">
                {item.attempts === 0 ? "not yet" : plural(item.attempts, "time")}
            </td>
            <td>
                <button type="button" class="small" onClick={() => void sendAgain(item.id)}>
                    Send again<span class="sr">: to {item.host}</span>
                </button>
            </td>
        </tr>
    );
}

const NONE: Readonly<Record<Shown, string>> = {
    dead: "Nothing was given up. What could not be delivered in about three days stands here.",
    pending: "Nothing is on its way.",
    delivered: "Nothing was delivered in the last seven days.",
};

function Choice() {
    return (
        <fieldset class="choices">
            <legend class="sr">Which callbacks</legend>
            {SHOWN.map((status) => (
                <label key={status}>
                    <input
                        type="radio"
                        name="callbacks"
                        checked={listed.value.status === status}
                        onChange={() => void read(status, null)}
                    />
                    {capital(word(CALLBACK_STATUS, status))}
                </label>
            ))}
        </fieldset>
    );
}

function Table({ items }: { items: readonly Webhook[] }) {
    return (
        <table class="wide-table stacked">
            <Head columns={["Written", "What", "To", "Standing", "Tried"]} last="What can be done" />
            <tbody>
                {items.map((item) => (
                    <Row key={item.id} item={item} />
                ))}
            </tbody>
        </table>
    );
}

export function Callbacks() {
    useEffect(() => void read("dead", null), []);
    const { status, items, cursor, busy, problem } = listed.value;
    return (
        <div class="page scroll" role="region" aria-labelledby="callbacks-heading" tabIndex={0}>
            <h1 id="callbacks-heading">Callbacks</h1>
            <p class="quiet">
                What agents' own servers are told when their proposals are decided. A receiver that
                was away for days has missed something: send it again when it is well.
            </p>
            <Choice />
            {problem && <Failure problem={problem} retry={() => void read(status, null)} />}
            {busy && items.length === 0 && <Skeleton lines={6} label="Loading callbacks" />}
            {!busy && !problem && items.length === 0 && (
                <Empty title={`None ${word(CALLBACK_STATUS, status).toLowerCase()}`}>
                    {NONE[status]}
                </Empty>
            )}
            {items.length > 0 && <Table items={items} />}
            {cursor !== null && (
                <button type="button" disabled={busy} onClick={() => void read(status, cursor)}>
                    Show more
                </button>
            )}
        </div>
    );
}
