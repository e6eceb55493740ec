// SPDX-License-Identifier: Apache-2.0
/*
 * All proposals that this person may read, the newest first: what auditors and policy owners start from,
 * and where everybody else looks something up. Filters are in the URL. Rows never move by themselves:
 * news waits behind a button.
 */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, call, query, type Problem } from "../api";
import { useKeys } from "../keys";
import { Empty, Failure, Key, Skeleton, Tag, type Tone } from "../parts/bits";
import { Head, ProposalCell } from "../parts/table";
import { Said } from "../parts/untrusted";
import { go, place } from "../router";
import { announce } from "../state/announce";
import { now } from "../state/clock";
import { line, onLive } from "../state/live";
import { me, noticeProblem, seesAll } from "../state/session";
import { clockTime, plural } from "../text/format";
import { capital, DECIDED, STATUS, word } from "../text/words";
import type { Agent, Page, Proposal } from "../wire";

const PAGE_LIMIT = 50;
const FILTERS = ["q", "status", "queue", "agent", "action", "category"] as const;
type Filter = Readonly<Record<(typeof FILTERS)[number], string>>;

interface Listed {
    readonly items: readonly Proposal[];
    readonly cursor: string | null;
    readonly busy: boolean;
    readonly news: boolean; /* something has happened since it was read */
    readonly problem: Problem | null;
}

const EMPTY: Listed = { items: [], cursor: null, busy: true, news: false, problem: null };
const listed = signal<Listed>(EMPTY);
const queues = signal<readonly string[]>([]);
const agents = signal<readonly Agent[]>([]);
let generation = 0;

const filterOf = (search: URLSearchParams): Filter =>
    Object.fromEntries(FILTERS.map((name) => [name, search.get(name) ?? ""])) as Filter;

/* Reads the newest, or with a cursor the next page after those that are there. */
async function read(filter: Filter, from: string | null): Promise<void> {
    const mine = ++generation;
    const before = from === null ? [] : listed.value.items;
    listed.value = { ...listed.value, busy: true, problem: null };
    try {
        const wanted = query({ ...filter, limit: PAGE_LIMIT, cursor: from });
        const page = await call<Page<Proposal>>("GET", `/v1/proposals${wanted}`);
        if (mine === generation) {
            const items = [...before, ...page.items];
            const news = from !== null && listed.value.news;
            listed.value = { items, cursor: page.next_cursor, busy: false, news, problem: null };
        }
    } catch (thrown) {
        if (mine === generation) {
            listed.value = { ...listed.value, busy: false, problem: noticeProblem(thrown) };
        }
    }
}

/* What can be chosen from; who may not read the agents filters without them. */
async function readChoices(): Promise<void> {
    const can = me.value?.can;
    try {
        const page = await call<Page<{ name: string }>>("GET", "/v1/queues");
        queues.value = page.items.map(({ name }) => name);
        if (can?.admin || can?.lead || can?.audit) {
            agents.value = (await api.agents()).items;
        }
    } catch (thrown) {
        noticeProblem(thrown);
    }
}

function Select({
    name,
    label,
    any,
    value,
    choices,
}: {
    name: string;
    label: string;
    any: string;
    value: string;
    choices: readonly (readonly [value: string, label: string])[];
}) {
    return (
        <div class="field">
            <label for={`by-${name}`}>{label}</label>
            <select id={`by-${name}`} name={name} value={value}>
                <option value="">{any}</option>
                {choices.map(([each, shown]) => (
                    <option key={each} value={each}>
                        {shown}
                    </option>
                ))}
            </select>
        </div>
    );
}

function Text({
    name,
    label,
    value,
    help,
    grow,
}: {
    name: string;
    label: string;
    value: string;
    help: string;
    grow?: boolean;
}) {
    return (
        <div class={grow ? "field grow" : "field"}>
            <label for={`by-${name}`}>
                {label} {help !== "" && <span class="quiet">{help}</span>}
            </label>
            <input
                id={`by-${name}`}
                name={name}
                type="text"
                value={value}
                autocomplete="off"
                spellcheck={false}
            />
        </div>
    );
}

/* Sent as a whole: the URL then says what is looked at, and can be sent to a colleague. */
function Filters({ filter }: { filter: Filter }) {
    const set = FILTERS.some((name) => filter[name] !== "");
    const submit = (event: SubmitEvent): void => {
        event.preventDefault();
        const form = new FormData(event.currentTarget as HTMLFormElement);
        const wanted = FILTERS.map((name) => [name, String(form.get(name) ?? "").trim()] as const);
        go(`/proposals${query(Object.fromEntries(wanted))}`);
    };
    return (
        <form
            key={FILTERS.map((name) => filter[name]).join("\n")}
            class="inline-form proposal-filters"
            role="search"
            aria-label="Filter"
            onSubmit={submit}
        >
            <Text name="q" label="Search" value={filter.q} help="the request's text" grow />
            <Select
                name="status"
                label="Status"
                any="Any"
                value={filter.status}
                choices={Object.entries(STATUS)}
            />
            <Select
                name="queue"
                label="Queue"
                any="All"
                value={filter.queue}
                choices={queues.value.map((name) => [name, name])}
            />
            {agents.value.length > 0 && (
                <Select
                    name="agent"
                    label="Agent"
                    any="All"
                    value={filter.agent}
                    choices={agents.value.map(({ id, name }) => [id, name])}
                />
            )}
            <Text name="action" label="Action" value={filter.action} help="" />
            <Text name="category" label="Category" value={filter.category} help="" />
            <button type="submit">Filter</button>
            {set && <a href="/proposals">Show all</a>}
        </form>
    );
}

const TONES: Readonly<Record<string, Tone>> = {
    approved: "ok",
    returned: "warn",
    rejected: "danger",
    blocked: "danger",
};

function Row({ proposal }: { proposal: Proposal }) {
    const { decision, hold, created_at: at, status } = proposal;
    return (
        <tr>
            <td data-label="When" class="nowrap">
                <time dateTime={at}>{clockTime(at, now.value)}</time>
            </td>
            <ProposalCell proposal={proposal} kind={proposal.action} />
            <td data-label="Status">
                <Tag tone={TONES[status] ?? "plain"}>{word(STATUS, status)}</Tag>
                {hold && (
                    <span class="sub">
                        in <Said text={hold.queue} />
                    </span>
                )}
            </td>
            <td data-label="Decision">
                {decision ? (
                    <>
                        {capital(word(DECIDED, decision.verdict))}
                        <span class="sub">
                            by <Said text={decision.by.name ?? decision.by.kind} />,{" "}
                            {clockTime(decision.at, now.value)}
                        </span>
                    </>
                ) : (
                    <span class="quiet">none</span>
                )}
            </td>
        </tr>
    );
}

function Table({ items }: { items: readonly Proposal[] }) {
    return (
        <table class="wide-table stacked">
            <Head columns={["When", "Proposal", "Status", "Decision"]} />
            <tbody>
                {items.map((proposal) => (
                    <Row key={proposal.id} proposal={proposal} />
                ))}
            </tbody>
        </table>
    );
}

/* A page of a filtered list ends after so many rows looked at, even if none of them fits. */
function Nothing({ more, set }: { more: boolean; set: boolean }) {
    return more ? (
        <Empty title="None among the newest">Older ones were not looked at yet.</Empty>
    ) : (
        <Empty title={set ? "Nothing fits" : "No proposals yet"}>
            {set
                ? "No proposal that you may read fits. Action and category are compared as whole names."
                : "What agents propose appears here, whether a person had to decide it or not."}
        </Empty>
    );
}

export function ProposalsPage() {
    const filter = filterOf(place.value.search);
    const text = place.value.search.toString();
    const refresh = async (): Promise<void> => {
        await read(filter, null);
        announce(`The list is up to date: ${plural(listed.value.items.length, "proposal")}.`);
    };
    useEffect(() => void readChoices(), []);
    useEffect(() => {
        listed.value = EMPTY;
        void read(filter, null);
        let joined = line.value === "live";
        return onLive((event) => {
            if (event === "resync" && !joined) {
                void read(filter, null); /* it was read just before the stream was there */
            } else {
                listed.value = { ...listed.value, news: true };
            }
            joined = true;
        });
    }, [text]);
    useKeys({ refresh: () => void refresh() });
    const { items, cursor, busy, news, problem } = listed.value;
    return (
        <div class="page scroll">
            <h1>Proposals</h1>
            <p class="quiet">
                {seesAll()
                    ? "Everything that agents proposed, the newest first."
                    : "What agents proposed for your queues, the newest first."}
            </p>
            <Filters filter={filter} />
            {news && (
                <button type="button" class="fresh" aria-keyshortcuts="." onClick={refresh}>
                    There is news: show <Key>.</Key>
                </button>
            )}
            {problem && <Failure problem={problem} retry={() => void refresh()} />}
            {items.length > 0 && <Table items={items} />}
            {items.length === 0 && busy && <Skeleton lines={8} label="Loading" />}
            {items.length === 0 && !busy && problem === null && (
                <Nothing
                    more={cursor !== null}
                    set={FILTERS.some((name) => filter[name] !== "")}
                />
            )}
            {cursor !== null && !busy && (
                <button type="button" onClick={() => void read(filter, cursor)}>
                    Look further back
                </button>
            )}
        </div>
    );
}
