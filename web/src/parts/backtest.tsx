// SPDX-License-Identifier: Apache-2.0
/*
 * What a policy would have done with the past: verdicts that change, the loosened first; errors that it
 * would have let through, with their bound; reviews a day before and after.
 */
import type { Backtest, ChangeGroup, Report } from "../policy_api";
import { findingsOf } from "../policy_api";
import { now } from "../state/clock";
import { dropReplay, replay } from "../state/policy";
import { duration, instant, integer, plural, share } from "../text/format";
import { BECOMES, word } from "../text/words";
import { Empty, Failure, Notice, Skeleton, Tag } from "./bits";
import { Findings } from "./policy_text";
import { Said } from "./untrusted";

const DAY_MS = 86_400_000;
const DECISIONS = ["approved", "modified", "rejected", "returned", "undecided"] as const;

/* A share with two digits that count, and never 0 % of something. */
function fine(part: number): string {
    const percent = part * 100;
    return percent > 0 && percent < 0.01 ? "less than 0.01 %" : `${Number(percent.toPrecision(2))} %`;
}

export function Examples({ ids }: { ids: readonly string[] }) {
    return (
        <span class="examples">
            {ids.map((id, index) =>
                id.startsWith("prp_") ? (
                    <a key={id} href={`/p/${id}`} aria-label={`Example ${index + 1}: ${id}`}>
                        {index + 1}
                    </a>
                ) : (
                    <span key={id}>{id}</span>
                ),
            )}
        </span>
    );
}

function Group({ group }: { group: ChangeGroup }) {
    const people = DECISIONS.filter((name) => (group.decisions[name] ?? 0) > 0);
    const loosened = group.direction === "loosened";
    return (
        <li class="reason">
            <Tag tone={loosened ? "warn" : "ok"}>{loosened ? "Looser" : "Stricter"}</Tag>
            <div>
                <strong>{plural(group.count, "proposal")}</strong> of{" "}
                <code>
                    <Said text={group.action} />
                </code>
                : {word(BECOMES, group.from)} → <strong>{word(BECOMES, group.to)}</strong>
                {group.rule && (
                    <>
                        , because of <Said text={group.rule} />
                    </>
                )}
                <span class="sub">
                    People: {people.map((name) => `${integer(group.decisions[name] ?? 0)} ${name}`).join(", ") || "none"}.
                    Examples: <Examples ids={group.examples} />
                </span>
            </div>
        </li>
    );
}

function Changes({ report }: { report: Report }) {
    const { groups, left_out } = report.changed;
    return (
        <ul class="reasons">
            {groups.map((group, index) => (
                <Group key={index} group={group} />
            ))}
            {left_out > 0 && <li>and {plural(left_out, "proposal")} of other kinds</li>}
        </ul>
    );
}

/* Errors that nobody would have caught any more. */
function LetThrough({ report }: { report: Report }) {
    const { allowed, decided, errors, upper_bound, confidence, examples } = report.let_through;
    if (allowed === 0) {
        return <p>Nothing that people looked at would go on unseen.</p>;
    }
    return (
        <p>
            <strong>{plural(allowed, "proposal")}</strong> would go on without a review.{" "}
            {decided === 0 ? (
                "People had decided none of them: nothing is known about errors among them."
            ) : (
                <>
                    People had decided {integer(decided)} of them and found{" "}
                    <strong>{plural(errors, "error")}</strong>
                    {errors > 0 && ` (${fine(errors / decided)})`}: at {fine(confidence)} confidence, at most{" "}
                    <strong>{fine(upper_bound)}</strong> of what it lets through is wrong.{" "}
                    <Examples ids={examples} />
                </>
            )}
        </p>
    );
}

interface DaySum {
    readonly day: string;
    before: number;
    after: number;
}

/* Reviews of a day, over all queues. */
function daysOf(report: Report): DaySum[] {
    const sums = new Map<string, DaySum>();
    for (const { day, before, after } of report.reviews.days) {
        const sum = sums.get(day) ?? { day, before: 0, after: 0 };
        sums.set(day, { day, before: sum.before + before, after: sum.after + after });
    }
    return [...sums.values()];
}

/* How many days the replayed proposals lie apart: agents may be at work for fewer than were asked for. */
function daysCovered(report: Report, days: number): number {
    const [from, to] = [instant(report.from) ?? 0, instant(report.to) ?? 0];
    return Math.max(1, Math.min(days, Math.ceil((to - from) / DAY_MS)));
}

function Bar({ count, of, kind }: { count: number; of: number; kind: string }) {
    return (
        <span class="meter" aria-hidden="true">
            <span class={kind} style={{ width: `${of === 0 ? 0 : (100 * count) / of}%` }} />
        </span>
    );
}

function Reviews({ report, days }: { report: Report; days: number }) {
    const sums = daysOf(report);
    const { before, after, queues } = report.reviews;
    const most = Math.max(1, ...sums.flatMap((sum) => [sum.before, sum.after]));
    const aDay = (count: number): number => Number((count / daysCovered(report, days)).toPrecision(2));
    const late = queues.filter((row) => row.late > row.late_before);
    return (
        <>
            <p>
                Reviews: <strong>{integer(before)}</strong> before ({aDay(before)} a day),{" "}
                <strong>{integer(after)}</strong> after ({aDay(after)} a day).
            </p>
            {late.map((row) => (
                <p key={row.queue}>
                    In <Said text={row.queue} />, {plural(row.late - row.late_before, "decision")} more would have come
                    too late.
                </p>
            ))}
            {sums.length > 0 && (
                <details>
                    <summary>Day by day</summary>
                    <table class="days">
                        <thead>
                            <tr>
                                <th scope="col">Day</th>
                                <th scope="col" class="num">
                                    Before
                                </th>
                                <th scope="col" class="num">
                                    After
                                </th>
                                <td />
                            </tr>
                        </thead>
                        <tbody>
                            {sums.map((sum) => (
                                <tr key={sum.day}>
                                    <th scope="row">{sum.day}</th>
                                    <td class="num">{integer(sum.before)}</td>
                                    <td class="num">{integer(sum.after)}</td>
                                    <td>
                                        <Bar count={sum.before} of={most} kind="before" />
                                        <Bar count={sum.after} of={most} kind="after" />
                                    </td>
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </details>
            )}
        </>
    );
}

function Headline({ report, days, rule }: { report: Report; days: number; rule: string | undefined }) {
    const { loosened, tightened } = report.changed;
    const matched = report.rules.find(({ id }) => id === rule)?.matched;
    return (
        <>
            {matched !== undefined && (
                <p>
                    This rule matches <strong>{plural(matched, "proposal")}</strong> of {integer(report.compared)} (
                    {share(matched, report.compared)}).
                </p>
            )}
            <p>
                Of {plural(report.compared, "proposal")} in the last {days} days,{" "}
                {loosened + tightened === 0 ? (
                    <strong>none would be judged otherwise.</strong>
                ) : (
                    <>
                        <strong>{integer(loosened)}</strong> would be judged more loosely,{" "}
                        <strong>{integer(tightened)}</strong> more strictly.
                    </>
                )}
                {report.erased > 0 && ` ${plural(report.erased, "erased proposal")} could not be replayed.`}
            </p>
        </>
    );
}

function Done({ report, days, rule }: { report: Report; days: number; rule: string | undefined }) {
    if (report.compared === 0) {
        return (
            <Empty title={`No proposals in the last ${days} days`}>
                Once agents have proposed something, it is judged anew here.
            </Empty>
        );
    }
    return (
        <div class="replay">
            <Headline report={report} days={days} rule={rule} />
            <Changes report={report} />
            <LetThrough report={report} />
            <Reviews report={report} days={days} />
        </div>
    );
}

function Running({ job }: { job: Backtest | null }) {
    const end = instant(job?.ends_at);
    const known = job !== null && job.total > 0;
    return (
        <div class="running" role="status">
            {known ? (
                <>
                    <progress value={job.done} max={job.total} aria-label="Proposals replayed" />
                    <p>
                        {integer(job.done)} of {plural(job.total, "proposal")} replayed
                        {end !== null && end > now.value && `, about ${duration(end - now.value)} left`}.
                    </p>
                </>
            ) : (
                <Skeleton lines={3} label="Replaying the past" />
            )}
            <button type="button" class="small" onClick={dropReplay}>
                Stop
            </button>
        </div>
    );
}

/* The replay with this key, in whatever state it is; nothing where another one is shown. */
export function ReplayView({ of, source, rule }: { of: string; source?: string | undefined; rule?: string | undefined }) {
    if (replay.value?.key !== of) {
        return null;
    }
    const { job, problem, again } = replay.value;
    if (problem !== null) {
        const findings = findingsOf(problem);
        return findings.length > 0 ? (
            <Findings findings={findings} source={source ?? ""} />
        ) : (
            <Failure problem={problem} retry={again} />
        );
    }
    if (job?.state === "failed" || job?.state === "cancelled") {
        return <Notice tone="warn">The replay ended early. {job.error}</Notice>;
    }
    return job?.report ? <Done report={job.report} days={job.days} rule={rule} /> : <Running job={job} />;
}
