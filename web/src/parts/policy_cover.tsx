// SPDX-License-Identifier: Apache-2.0
/*
 * What the policy speaks of, and where people decided against the agents: two lists that say where a rule
 * is missing.
 */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Problem } from "../api";
import { policyApi, type CaughtBy, type CoverageRow, type EdgeCase, type EdgeCases } from "../policy_api";
import { now } from "../state/clock";
import { noticeProblem } from "../state/session";
import { clockTime, integer, plural } from "../text/format";
import { BECOMES, spoken, word } from "../text/words";
import type { Page } from "../wire";
import { Examples } from "./backtest";
import { Empty, Failure, Skeleton, Tag } from "./bits";
import { Head } from "./table";
import { Said } from "./untrusted";

interface Answer<T> {
    readonly is: T | null;
    readonly problem: Problem | null;
    readonly take: (answer: Promise<T>) => void;
}

/* An answer of the server once it is there. */
function useAnswer<T>(): Answer<T> {
    const [state, setState] = useState<{ is: T | null; problem: Problem | null }>({ is: null, problem: null });
    const take = (answer: Promise<T>): void => {
        answer.then(
            (is) => setState({ is, problem: null }),
            (thrown) => setState((old) => ({ is: old.is, problem: noticeProblem(thrown) })),
        );
    };
    return { ...state, take };
}

function Loading({ problem, label, retry }: { problem: Problem | null; label: string; retry: () => void }) {
    return problem ? <Failure problem={problem} retry={retry} /> : <Skeleton lines={6} label={label} />;
}

/* Coverage ---------------------------------------------------------------------------------------- */

function Spoken({ row }: { row: CoverageRow }): ComponentChildren {
    if (row.silent === 0) {
        return <Tag tone="ok">Always</Tag>;
    }
    return (
        <>
            <Tag tone="warn">{row.silent === row.proposals ? "Never" : "Not always"}</Tag>
            <span class="sub">{plural(row.silent, "proposal")} judged by the defaults alone</span>
        </>
    );
}

function CoverageLine({ row }: { row: CoverageRow }) {
    return (
        <tr>
            <th scope="row">
                <code>
                    <Said text={row.action} />
                </code>
                <span class="sub">
                    <Said text={row.agent.name} />
                </span>
            </th>
            <td data-label="Proposals">
                {integer(row.proposals)}
                <span class="sub">last {clockTime(row.last_at, now.value)}</span>
            </td>
            <td data-label="Catalogue">
                {row.in_catalogue ? (row.then === null ? "leaves it to the defaults" : word(BECOMES, row.then)) : "not in it"}
            </td>
            <td data-label="Spoken of">
                <Spoken row={row} />
            </td>
        </tr>
    );
}

export function CoverageTab() {
    const { is, problem, take } = useAnswer<Page<CoverageRow>>();
    const read = (): void => take(policyApi.coverage(null));
    const older = async (page: Page<CoverageRow>): Promise<Page<CoverageRow>> => {
        const next = await policyApi.coverage(page.next_cursor);
        return { ...next, items: [...page.items, ...next.items] };
    };
    useEffect(read, []);
    if (is === null) {
        return <Loading problem={problem} label="Loading the coverage" retry={read} />;
    }
    if (is.items.length === 0) {
        return (
            <Empty title="No agent has proposed anything yet">
                Every action an agent proposes appears here, and whether catalogue or rules speak of it.
            </Empty>
        );
    }
    const silent = is.items.filter((row) => row.silent > 0).length;
    return (
        <>
            <p>
                {silent === 0
                    ? "Catalogue or rules speak of everything that agents have proposed."
                    : `Neither catalogue nor rules always speak of ${plural(silent, "action")}: what is missing belongs into the catalogue.`}
            </p>
            {problem && <Failure problem={problem} />}
            <table class="wide-table stacked">
                <Head columns={["Action and agent", "Proposals", "Catalogue", "Spoken of"]} />
                <tbody>
                    {is.items.map((row) => (
                        <CoverageLine key={`${row.agent.id} ${row.action}`} row={row} />
                    ))}
                </tbody>
            </table>
            {is.next_cursor !== null && (
                <button type="button" onClick={() => take(older(is))}>
                    More
                </button>
            )}
        </>
    );
}

/* Edge cases -------------------------------------------------------------------------------------- */

function Caught({ by }: { by: readonly CaughtBy[] | null }) {
    if (by === null) {
        return <>not looked at, for lack of time</>;
    }
    if (by.length === 0) {
        return <Tag tone="warn">No rule</Tag>;
    }
    return (
        <ul>
            {by.map(({ rule, state, matched, of }) => (
                <li key={`${state} ${rule}`}>
                    <Said text={rule} />{" "}
                    <span class="quiet">
                        {matched} of {of}
                        {state === "shadow" && ", of the shadow"}
                    </span>
                </li>
            ))}
        </ul>
    );
}

const DEEDS = ["rejected", "modified", "returned"] as const;

function EdgeLine({ item }: { item: EdgeCase }) {
    const deeds = DEEDS.filter((name) => item[name] > 0).map((name) => `${integer(item[name])} ${name}`);
    return (
        <tr>
            <th scope="row">
                <code>
                    <Said text={item.category} />
                </code>
            </th>
            <td data-label="Reason">{item.reason_code === null ? "none given" : <Said text={spoken(item.reason_code)} />}</td>
            <td data-label="Changed">
                {item.pointer === null ? (
                    "nothing"
                ) : (
                    <code>
                        <Said text={item.pointer} />
                    </code>
                )}
            </td>
            <td data-label="People">{deeds.join(", ")}</td>
            <td data-label="Caught by">
                <Caught by={item.caught_by} />
            </td>
            <td data-label="Examples">
                <Examples ids={item.examples} />
            </td>
        </tr>
    );
}

const DAYS = [7, 30, 90, 365] as const;

function EdgeTable({ cases, days }: { cases: EdgeCases; days: number }) {
    if (cases.items.length === 0) {
        return (
            <Empty title={`Nothing in the last ${days} days`}>
                What people reject, change or return appears here, by category, reason and changed member.
            </Empty>
        );
    }
    return (
        <>
            <table class="wide-table stacked">
                <Head columns={["Category", "Reason", "Changed", "People", "Caught by", "Examples"]} />
                <tbody>
                    {cases.items.map((item, index) => (
                        <EdgeLine key={index} item={item} />
                    ))}
                </tbody>
            </table>
            {cases.left_out && <p class="quiet">There are more groups than these.</p>}
        </>
    );
}

export function EdgeCasesTab() {
    const [days, setDays] = useState<number>(30);
    const { is, problem, take } = useAnswer<EdgeCases>();
    const read = (): void => take(policyApi.edgeCases(days));
    useEffect(read, [days]);
    return (
        <>
            <p>What people decided otherwise than the agents wanted, and which rule would have stopped it.</p>
            <div class="field">
                <label for="edge-days">Decided in the last</label>
                <select id="edge-days" value={days} onChange={(event) => setDays(Number(event.currentTarget.value))}>
                    {DAYS.map((count) => (
                        <option key={count} value={count}>
                            {count} days
                        </option>
                    ))}
                </select>
            </div>
            {is === null || problem ? (
                <Loading problem={problem} label="Loading the edge cases" retry={read} />
            ) : (
                <EdgeTable cases={is} days={days} />
            )}
        </>
    );
}
