// SPDX-License-Identifier: Apache-2.0
/*
 * The inbox: the list of held proposals and, where there is room, the open one beside it. Filters,
 * order and selection are in the URL. After a decision the next waiting proposal opens by id.
 */
import { useEffect, useState } from "preact/hooks";
import { useKeys } from "../keys";
import { Empty, Failure, Key, Skeleton } from "../parts/bits";
import { ProposalList } from "../parts/list";
import { ProposalView } from "../parts/proposal_view";
import { go, place, withQuery } from "../router";
import { announce } from "../state/announce";
import {
    arrived,
    counts,
    endedCount,
    failure,
    loading,
    neighbour,
    nextWaiting,
    pendingNow,
    refreshInbox,
    rows,
} from "../state/inbox";
import { wide } from "../state/layout";
import { nextAlike, opened, openForm, openProposal, prefetchProposal } from "../state/proposal";
import { me } from "../state/session";
import { integer, plural } from "../text/format";

const SORTS = [
    ["due", "Urgent first"],
    ["new", "Newest first"],
] as const;

async function refresh(): Promise<void> {
    await refreshInbox();
    announce(`The list is up to date: ${plural(rows.value.length, "proposal")}.`);
}

function Filters() {
    const search = place.value.search;
    const mine = search.get("mine") === "1";
    const set =
        (name: string) =>
        (event: { currentTarget: { value: string } }): void =>
            go(withQuery({ [name]: event.currentTarget.value, sel: null }));
    return (
        <div class="filters">
            <div class="tabs" role="group" aria-label="Which proposals">
                <a
                    href={withQuery({ mine: null, sel: null })}
                    aria-current={mine ? undefined : "true"}
                >
                    All <span class="count">{integer(pendingNow.value ?? 0)}</span>
                </a>
                <a
                    href={withQuery({ mine: "1", sel: null })}
                    aria-current={mine ? "true" : undefined}
                >
                    Mine <span class="count">{integer(counts.value?.mine ?? 0)}</span>
                </a>
            </div>
            {(me.value?.queues.length ?? 0) > 1 && (
                <select
                    aria-label="Queue"
                    value={search.get("queue") ?? ""}
                    onChange={set("queue")}
                >
                    <option value="">All queues</option>
                    {me.value?.queues.map((queue) => (
                        <option key={queue} value={queue}>
                            {queue}
                        </option>
                    ))}
                </select>
            )}
            <select aria-label="Order" value={search.get("sort") ?? "due"} onChange={set("sort")}>
                {SORTS.map(([value, label]) => (
                    <option key={value} value={value}>
                        {label}
                    </option>
                ))}
            </select>
        </div>
    );
}

/* The line under the list: what waits behind the next refresh. Its height never changes. */
function ListFoot() {
    const fresh = arrived.value.size;
    const over = endedCount.value;
    const parts = [
        fresh > 0 && `${integer(fresh)} new`,
        over > 0 && `${integer(over)} over`,
    ].filter(Boolean);
    return (
        <div class="list-foot">
            {parts.length > 0 ? (
                <button
                    type="button"
                    class="fresh"
                    onClick={() => void refresh()}
                    aria-keyshortcuts="."
                >
                    {parts.join(", ")}: show <Key>.</Key>
                </button>
            ) : (
                <span class="quiet">
                    {loading.value === "more" ? "Reading on" : "Up to date"}
                </span>
            )}
            <span class="quiet">
                {counts.value && counts.value.escalated > 0
                    ? `${integer(counts.value.escalated)} escalated`
                    : ""}
            </span>
        </div>
    );
}

function EmptyInbox() {
    const filtered = place.value.search.get("mine") === "1" || place.value.search.has("queue");
    return filtered ? (
        <Empty title="Nothing here">
            No held proposal fits this filter. <a href="/">Show all</a>
        </Empty>
    ) : (
        <Empty title="Nothing waits for you">
            Agents go on by themselves where they have earned it. Whatever needs a person appears
            here at once.
        </Empty>
    );
}

function ListColumn({
    selectedId,
    onSelect,
    onOpen,
}: {
    selectedId: string | null;
    onSelect: (id: string) => void;
    onOpen: (id: string) => void;
}) {
    const body =
        rows.value.length > 0 ? (
            <ProposalList selectedId={selectedId} onSelect={onSelect} onOpen={onOpen} />
        ) : loading.value === "first" ? (
            <div class="list pad">
                <Skeleton lines={12} label="Loading the inbox" />
            </div>
        ) : (
            <div class="list">{failure.value === null && <EmptyInbox />}</div>
        );
    return (
        <section class="list-column" aria-label="Held proposals">
            <Filters />
            {failure.value && <Failure problem={failure.value} retry={() => void refresh()} />}
            {body}
            <ListFoot />
        </section>
    );
}

/* Reads the list for the filters in the URL. */
export function useInboxFilter(): void {
    const { search } = place.value;
    const [queue, mine, sort] = [
        search.get("queue") ?? "",
        search.get("mine") === "1",
        search.get("sort") ?? "",
    ];
    useEffect(() => {
        void refreshInbox({ queue, mine: mine ? 1 : null, sort }, false);
    }, [queue, mine, sort]);
}

/* Keeps one row selected: the one in the URL, else the first that waits. */
function useSelection(): string | null {
    const inUrl = place.value.search.get("sel");
    const first = neighbour(null, 1);
    useEffect(() => {
        if (wide.value && inUrl === null && first !== null) {
            go(withQuery({ sel: first }), true);
        }
    }, [inUrl, first, wide.value]);
    useEffect(() => {
        if (!wide.value || inUrl === null) {
            return undefined;
        }
        const timer = setTimeout(() => {
            openProposal(inUrl);
            prefetchProposal(nextWaiting(inUrl));
        }, pause());
        return () => clearTimeout(timer);
    }, [inUrl, wide.value, rows.value.length]);
    return inUrl;
}

const QUICK_MS = 200;
let selectedAt = 0;

/* Nothing for a single step; a moment for somebody who runs down the list with the key held. */
function pause(): number {
    const since = performance.now() - selectedAt;
    selectedAt = performance.now();
    return since < QUICK_MS ? QUICK_MS / 2 : 0;
}

export function Inbox() {
    useInboxFilter();
    const selectedId = useSelection();
    const [decidedId, setDecidedId] = useState<string | null>(null);
    const select = (id: string | null): void => {
        if (id !== null) {
            setDecidedId(null);
            go(withQuery({ sel: id }), true);
        }
    };
    const move = (step: 1 | -1) => (): void => {
        select(neighbour(selectedId, step));
        document.getElementById("list")?.focus({ preventScroll: true });
    };
    const open = (id: string): void => (wide.value ? select(id) : go(`/p/${id}`));
    const decided = (id: string): void => {
        const next = nextAlike(id) ?? nextWaiting(id);
        setDecidedId(next === null ? null : id);
        if (next === null) {
            document.getElementById("proposal-title")?.focus();
        }
        go(withQuery({ sel: next ?? id }), true);
    };
    useKeys({
        next: move(1),
        previous: move(-1),
        refresh: () => void refresh(),
        open:
            selectedId === null
                ? undefined
                : () =>
                      wide.value
                          ? document.getElementById("proposal-title")?.focus()
                          : go(`/p/${selectedId}`),
        back: () =>
            opened.value.form !== null ? openForm(null) : document.getElementById("list")?.focus(),
    });
    const showPane = wide.value && selectedId !== null && opened.value.id === selectedId;
    return (
        <div class="inbox">
            <h1 class="sr">Inbox</h1>
            <ListColumn selectedId={selectedId} onSelect={select} onOpen={open} />
            {wide.value && (
                <section class="pane scroll" aria-label="Decision">
                    {showPane && (
                        <ProposalView
                            level={2}
                            takeFocus={decidedId !== null}
                            onDecided={decided}
                        />
                    )}
                    {!showPane && rows.value.length === 0 && loading.value === null && (
                        <Empty title="No proposal is open">
                            When an agent waits for you, what it proposes is shown here.
                        </Empty>
                    )}
                </section>
            )}
        </div>
    );
}
