// SPDX-License-Identifier: Apache-2.0
/*
 * A new version as a text: pasted, read from a file, or begun from the active one. It is checked and
 * tried on the past without changing anything, and proposed when it is good.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import { asProblem, type Problem } from "../api";
import { findingsOf, policyApi, type Check, type Finding } from "../policy_api";
import { announce } from "../state/announce";
import { dropReplay, outcome, readVersions, readWhole, replay, startReplay, written } from "../state/policy";
import { noticeProblem } from "../state/session";
import { bytes } from "../text/format";
import { Failure, Notice } from "./bits";
import { ReplayView } from "./backtest";
import { Outcome } from "./policy_version";
import { Diff, Findings, Tests } from "./policy_text";

const TEXT_MAX = 1024 * 1024; /* bytes of a request; a larger policy comes by file */
export const REPLAY_DAYS = 30;

/* What a check found, beside the text it speaks of. */
function Checked({ check, source, onPick }: { check: Check; source: string; onPick: (finding: Finding) => void }) {
    return (
        <>
            <Notice tone={check.valid ? "ok" : "danger"} icon={check.valid ? "check" : "warn"}>
                {check.valid ? "The text is a valid policy." : "The text cannot be used as it is."}
            </Notice>
            <Findings findings={check.findings} source={source} onPick={onPick} />
            {check.version !== null && <Tests check={check} />}
        </>
    );
}

/* Proposes a text; what it came to is in `outcome`, or the refusal comes back. */
export async function proposeText(yaml: string): Promise<Problem | null> {
    try {
        outcome.value = await policyApi.propose(yaml);
        announce(outcome.value.state === "active" ? "The new version is in force." : "The new version waits for a second person.");
        dropReplay();
        written.value = null;
        await readVersions();
        return null;
    } catch (thrown) {
        return noticeProblem(thrown);
    }
}

/* The place LINE:COLUMN in a text. */
function offsetOf(text: string, { line, column }: Finding): number {
    const before = text.split("\n").slice(0, line - 1);
    return before.reduce((sum, each) => sum + each.length + 1, 0) + column - 1;
}

function Field({ base, text }: { base: string; text: string }) {
    const area = useRef<HTMLTextAreaElement>(null);
    const [check, setCheck] = useState<{ of: string; is: Check } | null>(null);
    const [problem, setProblem] = useState<Problem | null>(null);
    const [busy, setBusy] = useState("");
    const size = new TextEncoder().encode(text).length;
    const set = (value: string): void => {
        written.value = value;
        setProblem(null);
    };
    const pick = (finding: Finding): void => {
        const at = offsetOf(text, finding);
        area.current?.focus();
        area.current?.setSelectionRange(at, at + 1);
    };
    const read = async (event: Event): Promise<void> => {
        const file = (event.target as HTMLInputElement).files?.[0];
        if (file !== undefined) {
            set(file.size > TEXT_MAX ? "" : await file.text());
            setProblem(file.size > TEXT_MAX ? asProblem(new Error(`${file.name} is larger than ${bytes(TEXT_MAX)}: give it to the server by --policy`)) : null);
        }
    };
    const examine = async (): Promise<void> => {
        setBusy("check");
        setProblem(null);
        try {
            const is = await policyApi.check(text);
            setCheck({ of: text, is });
            if (is.valid) {
                void startReplay(`text ${text}`, { yaml: text }, REPLAY_DAYS);
            }
        } catch (thrown) {
            setProblem(noticeProblem(thrown));
        }
        setBusy("");
    };
    const propose = async (): Promise<void> => {
        setBusy("propose");
        setProblem(await proposeText(text));
        setBusy("");
    };
    const findings = problem === null ? [] : findingsOf(problem);
    const unusable = busy !== "" || text.trim() === "" || size > TEXT_MAX;
    return (
        <>
            <div class="field">
                <label for="policy-file">From a file</label>
                <input id="policy-file" type="file" accept=".yaml,.yml,text/yaml" onChange={(event) => void read(event)} />
            </div>
            <div class="field">
                <label for="policy-text">
                    The whole policy <span class="quiet">{bytes(size)}</span>
                </label>
                <textarea
                    id="policy-text"
                    class="src-field"
                    ref={area}
                    rows={22}
                    spellcheck={false}
                    autocomplete="off"
                    value={text}
                    onInput={(event) => set(event.currentTarget.value)}
                />
            </div>
            <div class="actions">
                <button type="button" disabled={text === base || busy !== ""} onClick={() => set(base)}>
                    Back to the active text
                </button>
                <button type="button" disabled={unusable} onClick={() => void examine()}>
                    {busy === "check" ? "Checking" : "Check and try"}
                </button>
                <button type="button" class="primary" disabled={unusable || text === base} onClick={() => void propose()}>
                    {busy === "propose" ? "Sending" : "Propose"}
                </button>
            </div>
            <div role="status">
                {problem !== null && findings.length === 0 && <Failure problem={problem} />}
                {findings.length > 0 && <Findings findings={findings} source={text} onPick={pick} />}
                {check?.of === text && <Checked check={check.is} source={text} onPick={pick} />}
                {check !== null && check.of !== text && <p class="quiet">The text has changed since it was checked.</p>}
            </div>
            {replay.value?.key === `text ${text}` && (
                <section class="block" aria-labelledby="effect-heading">
                    <h2 id="effect-heading">The last {REPLAY_DAYS} days under this text</h2>
                    <ReplayView of={`text ${text}`} source={text} />
                </section>
            )}
            {text !== base && (
                <section class="block" aria-labelledby="changes-heading">
                    <h2 id="changes-heading">Changes against the active version</h2>
                    <Diff before={base} after={text} />
                </section>
            )}
        </>
    );
}

/* The text of the active version, once it is there. */
export function useActiveText(activeId: string | undefined): { base: string | null; problem: Problem | null } {
    const [state, setState] = useState<{ base: string | null; problem: Problem | null }>({ base: null, problem: null });
    useEffect(() => {
        if (activeId !== undefined) {
            readWhole(activeId).then(
                ({ yaml }) => setState({ base: yaml, problem: null }),
                (thrown) => setState({ base: null, problem: noticeProblem(thrown) }),
            );
        }
    }, [activeId]);
    return state;
}

export function WriteTab({ activeId }: { activeId: string | undefined }) {
    const { base, problem } = useActiveText(activeId);
    return (
        <section class="block" aria-labelledby="write-heading">
            <h2 id="write-heading">A new version as a text</h2>
            <p class="quiet">
                Checking and trying change nothing. What only tightens is in force as soon as it is proposed; what
                loosens waits for a second person.
            </p>
            <Outcome />
            {problem && <Failure problem={problem} />}
            {base !== null && <Field base={base} text={written.value ?? base} />}
        </section>
    );
}
