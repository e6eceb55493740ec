// SPDX-License-Identifier: Apache-2.0
/*
 * The versions of the policy, and one of them: who proposed and activated it, what it loosens, its
 * tests, its text beside another one, what it would have done, and the second person's part.
 */
import { useEffect, useState } from "preact/hooks";
import type { Problem } from "../api";
import { policyApi, type Check, type Shadow, type Version, type Whole } from "../policy_api";
import { announce } from "../state/announce";
import { now } from "../state/clock";
import { activeVersion, more, outcome, readVersions, readWhole, startReplay, versions, written } from "../state/policy";
import { me, noticeProblem } from "../state/session";
import { go } from "../router";
import { clockTime, integer, plural, shortDigest } from "../text/format";
import { asMembers } from "../text/members";
import { BECOMES, word } from "../text/words";
import { ReplayView } from "./backtest";
import { Failure, Notice, Skeleton, Tag, type Tone } from "./bits";
import { Diff, Source, Tests } from "./policy_text";
import { Head } from "./table";
import { Said } from "./untrusted";

const STATES: Readonly<Record<string, readonly [string, Tone]>> = {
    active: ["Active", "ok"],
    candidate: ["Candidate", "warn"],
    retired: ["Retired", "plain"],
};
const ROADS: Readonly<Record<string, string>> = {
    file: "by file",
    api: "here or by API",
    console: "at the console",
    restore: "from a backup",
};

const EXAMPLES_MAX = 10;

export const mayWrite = (): boolean => me.value?.can.policy === true;

function State({ version }: { version: Version }) {
    const [label, tone] = STATES[version.state] ?? [version.state, "plain"];
    return <Tag tone={tone}>{label}</Tag>;
}

const when = (at: string | null): string => (at === null ? "" : clockTime(at, now.value));

function Proposed({ version }: { version: Version }) {
    return (
        <>
            <Said text={version.proposed_by?.name ?? "the operator"} /> {ROADS[version.road] ?? version.road}
            <span class="sub">{when(version.proposed_at ?? version.activated_at)}</span>
        </>
    );
}

function Activated({ version }: { version: Version }) {
    if (version.activated_at === null) {
        return version.state === "candidate" ? <>waits for a second person</> : <>never</>;
    }
    return (
        <>
            {version.activated_by === null ? "at once" : <Said text={version.activated_by.name} />}
            {version.alone && (
                <>
                    {" "}
                    <Tag tone="warn" title="It loosened, and no second person looked at it">
                        alone
                    </Tag>
                </>
            )}
            <span class="sub">{when(version.activated_at)}</span>
        </>
    );
}

function Row({ version }: { version: Version }) {
    return (
        <tr>
            <th scope="row">
                <a href={`/policy?v=${version.id}`}>
                    <code>{shortDigest(version.version)}</code>
                </a>
            </th>
            <td data-label="State">
                <State version={version} />
            </td>
            <td data-label="Proposed">
                <Proposed version={version} />
            </td>
            <td data-label="Activated">
                <Activated version={version} />
            </td>
            <td data-label="Loosens">{version.loosened === null ? "nothing" : plural(version.loosened.length, "thing")}</td>
        </tr>
    );
}

export function VersionsTab({ list }: { list: readonly Version[] }) {
    return (
        <>
            <table class="wide-table stacked">
                <Head columns={["Version", "State", "Proposed", "Activated", "Loosens"]} />
                <tbody>
                    {list.map((version) => (
                        <Row key={version.id} version={version} />
                    ))}
                </tbody>
            </table>
            {more.value !== null && (
                <button type="button" onClick={() => void readVersions(true)}>
                    Older versions
                </button>
            )}
        </>
    );
}

/* What the last proposal or activation has come to. */
export function Outcome() {
    const version = outcome.value;
    if (version === null) {
        return null;
    }
    return (
        <Notice tone={version.state === "active" ? "ok" : "warn"} icon={version.state === "active" ? "check" : "warn"}>
            {version.state === "active" ? (
                <>It is in force: it judges every proposal from now on. </>
            ) : (
                <>It loosens the policy, so it waits for a second person with the role policy. Until then the active version rules. </>
            )}
            <a href={`/policy?v=${version.id}`}>See the version</a>
        </Notice>
    );
}

/* Activation ------------------------------------------------------------------------------------ */

type Step = "shown" | "asked" | "sending";

/* Who proposed it cannot activate it, unless nobody else could. */
function Activation({ version }: { version: Whole }) {
    const [step, setStep] = useState<Step>("shown");
    const [sure, setSure] = useState(false);
    const [problem, setProblem] = useState<Problem | null>(null);
    const own = version.proposed_by !== null && version.proposed_by.id === me.value?.id;
    const fromFile = version.proposed_by === null; /* or from a backup */
    const alone = (own || fromFile) && sure;
    const send = async (): Promise<void> => {
        setStep("sending");
        setProblem(null);
        try {
            outcome.value = await policyApi.activate(version.id, alone);
            announce(outcome.value.state === "active" ? "The version is in force." : "You stand for it; a second person is missing.");
            await readVersions();
        } catch (thrown) {
            setProblem(noticeProblem(thrown));
        }
        setStep("shown");
    };
    return (
        <section class="block" aria-labelledby="activate-heading">
            <h2 id="activate-heading">Activate it</h2>
            {own ? (
                <p>
                    You proposed this version: <strong>somebody else with the role policy activates it.</strong> Only where
                    nobody but you has ever had that role can you do it alone.
                </p>
            ) : fromFile ? (
                <p>
                    {version.road === "restore"
                        ? "It came back with a backup, and what ruled after that was made is not known: until it is confirmed, everything is held for review."
                        : "It came by file, from nobody in particular."}{" "}
                    You would stand for it as its proposer, and a second person
                    with the role policy would activate it.
                </p>
            ) : (
                <p>
                    Proposed by <Said text={version.proposed_by?.name ?? ""} />. With you, two people have looked at it: it
                    then judges every proposal from now on.
                </p>
            )}
            {(own || fromFile) && (
                <label class="check">
                    <input type="checkbox" checked={sure} onChange={(event) => setSure(event.currentTarget.checked)} />
                    Nobody else has ever had the role policy. I loosen the policy alone, and the log will say so.
                </label>
            )}
            {problem && <Failure problem={problem} />}
            <div class="actions">
                {step === "shown" ? (
                    <button type="button" class={own ? "" : "primary"} disabled={own && !sure} onClick={() => setStep("asked")}>
                        {own || alone ? "Activate alone" : fromFile ? "Stand for it" : "Activate"}
                    </button>
                ) : (
                    <>
                        <button type="button" disabled={step === "sending"} onClick={() => setStep("shown")}>
                            Not now
                        </button>
                        <button type="button" class="primary" disabled={step === "sending"} onClick={() => void send()}>
                            {step === "sending" ? "Sending" : own || alone ? "Yes, activate it alone" : "Yes, I have read what it loosens"}
                        </button>
                    </>
                )}
            </div>
        </section>
    );
}

/* Shadow ------------------------------------------------------------------------------------------ */

function ShadowCounts({ shadow }: { shadow: Shadow }) {
    return (
        <>
            <p>
                {shadow.on && shadow.since !== null && (
                    <>
                        Since {when(shadow.since)}, by <Said text={shadow.by ?? "the operator"} />.{" "}
                    </>
                )}
                Of {plural(shadow.evaluated, "proposal")}, it judged <strong>{integer(shadow.looser)}</strong> more loosely
                than the active version, <strong>{integer(shadow.stricter)}</strong> more strictly, and{" "}
                {integer(shadow.same)} alike.
            </p>
            <ul class="reasons">
                {shadow.examples.slice(0, EXAMPLES_MAX).map((example) => (
                    <li key={example.proposal}>
                        <a href={`/p/${example.proposal}`}>{word(BECOMES, example.live)}</a> →{" "}
                        <strong>{word(BECOMES, example.shadow)}</strong>
                        {example.rules.length > 0 && (
                            <>
                                , because of <Said text={example.rules.join(", ")} />
                            </>
                        )}
                    </li>
                ))}
            </ul>
            {shadow.left_out.length > 0 && (
                <p class="quiet">
                    Not judged by it: <Said text={shadow.left_out.join("; ")} />.
                </p>
            )}
        </>
    );
}

/* A candidate beside the active version: asked on every proposal, and only noted. */
function ShadowPart({ version }: { version: Whole }) {
    const [shadow, setShadow] = useState<Shadow | null>(null);
    const [problem, setProblem] = useState<Problem | null>(null);
    const take = (answer: Promise<Shadow>): void => {
        answer.then(
            (is) => {
                setShadow(is);
                setProblem(null);
            },
            (thrown) => setProblem(noticeProblem(thrown)),
        );
    };
    useEffect(() => take(policyApi.shadow(version.id)), [version.id]);
    if (version.state !== "candidate" && !shadow?.evaluated) {
        return null;
    }
    return (
        <section class="block" aria-labelledby="shadow-heading">
            <h2 id="shadow-heading">As a shadow {shadow?.on && <Tag tone="accent">On</Tag>}</h2>
            <p class="quiet">
                A shadow is asked beside the active version on every new proposal. Its answer is only noted: nothing that
                agents or reviewers see depends on it. One candidate at a time.
            </p>
            {problem && <Failure problem={problem} />}
            <div role="status">{shadow !== null && (shadow.on || shadow.evaluated > 0) && <ShadowCounts shadow={shadow} />}</div>
            {shadow !== null && mayWrite() && version.state === "candidate" && (
                <div class="actions">
                    <button type="button" onClick={() => take(policyApi.setShadow(version.id, !shadow.on))}>
                        {shadow.on ? "End the shadow" : "Run it as a shadow"}
                    </button>
                    {shadow.on && (
                        <button type="button" onClick={() => take(policyApi.shadow(version.id))}>
                            Count again
                        </button>
                    )}
                </div>
            )}
        </section>
    );
}

/* Parts of a version ------------------------------------------------------------------------------ */

function Loosens({ version }: { version: Version }) {
    if (version.loosened === null) {
        return <p>It only tightens what was before, or it was the first.</p>;
    }
    return (
        <ul class="bullets">
            {version.loosened.map((text, index) => (
                <li key={index}>
                    <Said text={text} />
                </li>
            ))}
        </ul>
    );
}

function OwnTests({ version }: { version: Whole }) {
    const [check, setCheck] = useState<Check | null>(null);
    const [problem, setProblem] = useState<Problem | null>(null);
    const own = asMembers(version.canonical)?.tests;
    const count = Array.isArray(own) ? own.length : 0;
    const run = async (): Promise<void> => {
        try {
            setCheck(await policyApi.check(version.yaml));
        } catch (thrown) {
            setProblem(noticeProblem(thrown));
        }
    };
    return (
        <section class="block" aria-labelledby="tests-heading">
            <h2 id="tests-heading">Its tests</h2>
            <div role="status">
                {check ? (
                    <Tests check={check} />
                ) : count === 0 ? (
                    <p class="quiet">This version brings no tests of its own.</p>
                ) : (
                    <p>{plural(count, "test")}: all passed when it was proposed, else it would have been refused.</p>
                )}
            </div>
            {problem && <Failure problem={problem} />}
            {count > 0 && check === null && mayWrite() && (
                <button type="button" class="small" onClick={() => void run()}>
                    Run them now
                </button>
            )}
        </section>
    );
}

const DAYS = [7, 30, 90, 365] as const;

function TryIt({ version }: { version: Whole }) {
    const [days, setDays] = useState<number>(30);
    const key = `${version.id} ${days}`;
    return (
        <section class="block" aria-labelledby="backtest-heading">
            <h2 id="backtest-heading">What it would have done</h2>
            <div class="inline-form">
                <div class="field">
                    <label for="backtest-days">Proposals of the last</label>
                    <select id="backtest-days" value={days} onChange={(event) => setDays(Number(event.currentTarget.value))}>
                        {DAYS.map((count) => (
                            <option key={count} value={count}>
                                {count} days
                            </option>
                        ))}
                    </select>
                </div>
                <button type="button" onClick={() => void startReplay(key, { policy: version.id }, days)}>
                    Backtest
                </button>
            </div>
            <ReplayView of={key} source={version.yaml} />
        </section>
    );
}

/* Beside another version: the active one at first, of the active one the version before. */
function Compared({ version }: { version: Whole }) {
    const others = (versions.value ?? []).filter(({ id }) => id !== version.id);
    const active = activeVersion();
    const before = others.find(({ state }) => state === "retired");
    const [otherId, setOtherId] = useState((version.state === "active" ? before : active)?.id ?? "");
    const [other, setOther] = useState<Whole | null>(null);
    const [problem, setProblem] = useState<Problem | null>(null);
    useEffect(() => {
        if (otherId !== "") {
            readWhole(otherId).then(setOther, (thrown) => setProblem(noticeProblem(thrown)));
        }
    }, [otherId]);
    return (
        <section class="block" aria-labelledby="compared-heading">
            <h2 id="compared-heading">Its text</h2>
            <div class="field">
                <label for="compared-with">Show</label>
                <select id="compared-with" value={otherId} onChange={(event) => setOtherId(event.currentTarget.value)}>
                    <option value="">the whole text</option>
                    {others.map((one) => (
                        <option key={one.id} value={one.id}>
                            changes since {one.state} {shortDigest(one.version)}
                        </option>
                    ))}
                </select>
            </div>
            {problem && <Failure problem={problem} />}
            {otherId === "" ? (
                <Source text={version.yaml} />
            ) : other?.id === otherId ? (
                <Diff before={other.yaml} after={version.yaml} />
            ) : (
                <Skeleton lines={4} label="Loading the other version" />
            )}
        </section>
    );
}

function Facts({ version }: { version: Whole }) {
    return (
        <section class="block" aria-labelledby="version-heading">
            <h2 id="version-heading" tabIndex={-1}>
                Version <code>{shortDigest(version.version)}</code> <State version={version} />
            </h2>
            <dl class="about">
                <div>
                    <dt>Proposed</dt>
                    <dd>
                        <Proposed version={version} />
                    </dd>
                </div>
                <div>
                    <dt>Activated</dt>
                    <dd>
                        <Activated version={version} />
                    </dd>
                </div>
                <div>
                    <dt>Loosens</dt>
                    <dd>
                        <Loosens version={version} />
                    </dd>
                </div>
                <div>
                    <dt>Digest</dt>
                    <dd>
                        <code>{version.version}</code>
                    </dd>
                </div>
            </dl>
            {mayWrite() && (
                <button
                    type="button"
                    class="small"
                    onClick={() => {
                        written.value = version.yaml;
                        go("/policy?tab=write");
                    }}
                >
                    Begin a new version with this text
                </button>
            )}
        </section>
    );
}

/* One version, read anew when the list says that its state has changed. */
export function VersionView({ id }: { id: string }) {
    const [version, setVersion] = useState<Whole | null>(null);
    const [problem, setProblem] = useState<Problem | null>(null);
    const listed = versions.value?.find((one) => one.id === id);
    useEffect(() => {
        readWhole(id, true).then(setVersion, (thrown) => setProblem(noticeProblem(thrown)));
    }, [id, listed]);
    if (problem) {
        return <Failure problem={problem} />;
    }
    if (version?.id !== id) {
        return <Skeleton lines={8} label="Loading the version" />;
    }
    return (
        <>
            <p>
                <a href="/policy">All versions</a>
            </p>
            {outcome.value?.id === id && <Outcome />}
            <Facts version={version} />
            {version.state === "candidate" && mayWrite() && <Activation version={version} />}
            {mayWrite() && <TryIt version={version} />}
            <ShadowPart version={version} />
            <OwnTests version={version} />
            <Compared key={`${id} ${version.state}`} version={version} />
        </>
    );
}
