// SPDX-License-Identifier: Apache-2.0
/*
 * What this person decided lately, what became of it, and what can still be undone.
 */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, type Problem } from "../api";
import { Empty, Failure, Skeleton, Tag, type Tone } from "../parts/bits";
import { Said } from "../parts/untrusted";
import { now } from "../state/clock";
import { undoDecision } from "../state/held";
import { onLive } from "../state/live";
import { titleOf } from "../state/proposal";
import { noticeProblem } from "../state/session";
import { clockTime, duration, instant } from "../text/format";
import { capital, DECIDED, OUTCOME, STATUS, word } from "../text/words";
import type { Proposal } from "../wire";

const PAGE_LIMIT = 50;
const SETTLE_MS = 500;

interface Done {
    readonly items: readonly Proposal[];
    readonly cursor: string | null;
    readonly busy: boolean;
    readonly problem: Problem | null;
}

const done = signal<Done>({ items: [], cursor: null, busy: true, problem: null });

/* Reads the newest, or with a cursor the next page after those that are there. */
async function read(from: string | null): Promise<void> {
    const before = from === null ? [] : done.value.items;
    done.value = { ...done.value, busy: true, problem: null };
    try {
        const page = await api.decidedByMe(PAGE_LIMIT, from);
        const items = [...before, ...page.items];
        done.value = { items, cursor: page.next_cursor, busy: false, problem: null };
    } catch (thrown) {
        done.value = { ...done.value, busy: false, problem: noticeProblem(thrown) };
    }
}

const TONES: Readonly<Record<string, Tone>> = {
    approve: "ok",
    modify: "warn",
    reject: "danger",
    succeeded: "ok",
    failed: "danger",
    reverted: "warn",
};

const NO_OUTCOME: Readonly<Record<string, string>> = {
    pending: "not yet",
    approved: "not reported",
};

function Standing({ proposal }: { proposal: Proposal }) {
    const releaseAt = instant(proposal.hold?.release_at);
    if (proposal.hold?.phase === "undo" && releaseAt !== null) {
        const left = releaseAt - now.value;
        return left <= 0 ? (
            <>Being released</>
        ) : (
            <span class="standing">
                Held <span class="tnum">{duration(left)}</span>
                <button
                    type="button"
                    class="small"
                    onClick={async () => {
                        await undoDecision(proposal.id);
                        void read(null);
                    }}
                >
                    Undo
                </button>
            </span>
        );
    }
    return <>{word(STATUS, proposal.status)}</>;
}

function DoneRow({ proposal }: { proposal: Proposal }) {
    const { decision, outcome } = proposal;
    return (
        <tr>
            <td data-label="When" class="nowrap">
                <time dateTime={decision?.at}>{clockTime(decision?.at ?? "", now.value)}</time>
            </td>
            <th scope="row">
                <a href={`/p/${proposal.id}`}>
                    <Said text={titleOf(proposal)} />
                </a>
                <span class="sub">
                    <Said text={proposal.agent.name} /> · <Said text={proposal.category} />
                </span>
            </th>
            <td data-label="Decision">
                <Tag tone={TONES[decision?.verdict ?? ""] ?? "plain"}>
                    {capital(word(DECIDED, decision?.verdict ?? ""))}
                </Tag>
                {decision?.reason && (
                    <span class="sub">
                        <Said text={decision.reason} />
                    </span>
                )}
            </td>
            <td data-label="Status">
                <Standing proposal={proposal} />
            </td>
            <td data-label="Outcome">
                {outcome ? (
                    <>
                        <Tag tone={TONES[outcome.status] ?? "plain"}>
                            {word(OUTCOME, outcome.status)}
                        </Tag>
                        {outcome.detail && (
                            <span class="sub">
                                <Said text={outcome.detail} />
                            </span>
                        )}
                    </>
                ) : (
                    <span class="quiet">{NO_OUTCOME[proposal.status] ?? "none"}</span>
                )}
            </td>
        </tr>
    );
}

function DoneTable({ items }: { items: readonly Proposal[] }) {
    return (
        <table class="wide-table stacked">
            <thead>
                <tr>
                    <th scope="col">When</th>
                    <th scope="col">Proposal</th>
                    <th scope="col">Decision</th>
                    <th scope="col">Status</th>
                    <th scope="col">Outcome</th>
                </tr>
            </thead>
            <tbody>
                {items.map((proposal) => (
                    <DoneRow key={proposal.id} proposal={proposal} />
                ))}
            </tbody>
        </table>
    );
}

export function DonePage() {
    useEffect(() => {
        void read(null);
        let timer = 0;
        const stop = onLive(() => {
            clearTimeout(timer);
            timer = window.setTimeout(() => void read(null), SETTLE_MS);
        });
        return () => {
            stop();
            clearTimeout(timer);
        };
    }, []);
    const { items, cursor, busy, problem } = done.value;
    return (
        <div class="page scroll">
            <h1>Done</h1>
            <p class="quiet">Your decisions, the newest first.</p>
            {problem && <Failure problem={problem} retry={() => void read(null)} />}
            {items.length > 0 && <DoneTable items={items} />}
            {items.length === 0 && busy && <Skeleton lines={8} label="Loading your decisions" />}
            {items.length === 0 && !busy && problem === null && (
                <Empty title="No decisions yet">
                    What you decide appears here with what became of it.
                </Empty>
            )}
            {cursor !== null && !busy && (
                <button type="button" onClick={() => void read(cursor)}>
                    Look further back
                </button>
            )}
        </div>
    );
}
