// SPDX-License-Identifier: Apache-2.0
/*
 * What this person decided lately, what became of it, and what can still be undone. Leads also see what
 * was executed without anybody knowing how it ended.
 */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, type Problem } from "../api";
import { Empty, Failure, Skeleton, Tag, type Tone } from "../parts/bits";
import { Head, ProposalCell } from "../parts/table";
import { Said } from "../parts/untrusted";
import { now } from "../state/clock";
import { undoDecision } from "../state/held";
import { onLive } from "../state/live";
import { decides, me, noticeProblem } from "../state/session";
import { clockTime, duration, instant } from "../text/format";
import { capital, DECIDED, OUTCOME, STATUS, word } from "../text/words";
import type { Proposal } from "../wire";

const PAGE_LIMIT = 50;
const SETTLE_MS = 500;

type View = "mine" | "unknown";

interface Done {
    readonly view: View;
    readonly items: readonly Proposal[];
    readonly cursor: string | null;
    readonly busy: boolean;
    readonly problem: Problem | null;
}

const EMPTY: Done = { view: "mine", items: [], cursor: null, busy: true, problem: null };
const done = signal<Done>(EMPTY);

/* Reads the newest, or with a cursor the next page after those that are there. An answer for another
 * view than the one that is shown by then is dropped. */
async function read(from: string | null): Promise<void> {
    const { view } = done.value;
    const before = from === null ? [] : done.value.items;
    const list = view === "mine" ? api.decidedByMe : api.outcomeUnknown;
    done.value = { ...done.value, busy: true, problem: null };
    try {
        const page = await list(PAGE_LIMIT, from);
        if (done.value.view === view) {
            const items = [...before, ...page.items];
            done.value = { view, items, cursor: page.next_cursor, busy: false, problem: null };
        }
    } catch (thrown) {
        done.value = { ...done.value, busy: false, problem: noticeProblem(thrown) };
    }
}

function show(view: View): void {
    if (done.value.view !== view) {
        done.value = { ...EMPTY, view };
        void read(null);
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

const GRANTS = ["approve", "modify"];

/* What is known of an execution that nobody has reported on. */
function Execution({ proposal }: { proposal: Proposal }) {
    const { status, decision, redeemed_at: redeemed, outcome_due_at: due } = proposal;
    if (redeemed) {
        const at = clockTime(redeemed, now.value);
        const overdue = now.value >= (instant(due) ?? Number.POSITIVE_INFINITY);
        return overdue ? (
            <>
                <Tag tone="warn">Unknown</Tag>
                <span class="sub">executed {at}, and nothing was reported</span>
            </>
        ) : (
            <>
                Executing
                <span class="sub">since {at}</span>
            </>
        );
    }
    if (status === "approved") {
        const until = proposal.approval_expires_at ?? null;
        return (
            <>
                Not used yet
                {until && <span class="sub">valid until {clockTime(until, now.value)}</span>}
            </>
        );
    }
    if (status === "expired" && GRANTS.includes(decision?.verdict ?? "")) {
        return (
            <>
                <Tag tone="plain">Never used</Tag>
                <span class="sub">the approval has expired</span>
            </>
        );
    }
    return <span class="quiet">{status === "pending" ? "not yet" : "none"}</span>;
}

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
            <ProposalCell proposal={proposal} kind={proposal.category} />
            <td data-label="Decision">
                <Tag tone={TONES[decision?.verdict ?? ""] ?? "plain"}>
                    {capital(word(DECIDED, decision?.verdict ?? ""))}
                </Tag>
                {decision?.by && decision.by.name !== me.value?.name && (
                    <span class="sub">
                        by <Said text={decision.by.name ?? decision.by.kind} />
                    </span>
                )}
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
                    <Execution proposal={proposal} />
                )}
            </td>
        </tr>
    );
}

function DoneTable({ items }: { items: readonly Proposal[] }) {
    return (
        <table class="wide-table stacked">
            <Head columns={["When", "Proposal", "Decision", "Status", "Outcome"]} />
            <tbody>
                {items.map((proposal) => (
                    <DoneRow key={proposal.id} proposal={proposal} />
                ))}
            </tbody>
        </table>
    );
}

const VIEWS: Readonly<Record<View, Readonly<Record<"label" | "about" | "empty" | "hint", string>>>> = {
    mine: {
        label: "My decisions",
        about: "Your decisions, the newest first.",
        empty: "No decisions yet",
        hint: "What you decide appears here with what became of it.",
    },
    unknown: {
        label: "Outcome unknown",
        about: "Executed, and the agent has not reported in time what came of it.",
        empty: "Every outcome is known",
        hint: "What an agent executes without reporting how it ended appears here.",
    },
};

function Views({ view }: { view: View }) {
    return (
        <p class="views" role="group" aria-label="Which ones">
            {(Object.keys(VIEWS) as View[]).map((each) => (
                <button
                    key={each}
                    type="button"
                    class="small"
                    aria-pressed={each === view}
                    onClick={() => show(each)}
                >
                    {VIEWS[each].label}
                </button>
            ))}
        </p>
    );
}

export function DonePage() {
    useEffect(() => {
        done.value = EMPTY;
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
    const { view, items, cursor, busy, problem } = done.value;
    return (
        <div class="page scroll">
            <h1>Done</h1>
            {me.value?.can.lead && <Views view={view} />}
            <p class="quiet">{VIEWS[view].about}</p>
            {problem && <Failure problem={problem} retry={() => void read(null)} />}
            {items.length > 0 && <DoneTable items={items} />}
            {items.length === 0 && busy && <Skeleton lines={8} label="Loading" />}
            {items.length === 0 && !busy && problem === null && (
                <Empty title={VIEWS[view].empty}>
                    {decides() ? VIEWS[view].hint : "Your roles read, and decide nothing."}
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
