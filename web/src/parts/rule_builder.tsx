// SPDX-License-Identifier: Apache-2.0
/*
 * A rule for who writes no YAML: action, conditions, verdict, and beside them the rule as it will stand in
 * the policy and what it would have done in the last 30 days.
 */
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Problem } from "../api";
import { policyApi, type Whole } from "../policy_api";
import { activeVersion, dropReplay, outcome, readVersions, readWhole, startReplay, written } from "../state/policy";
import { noticeProblem } from "../state/session";
import { go } from "../router";
import { insertRule } from "../text/insert";
import type { Json } from "../text/json";
import { asMembers } from "../text/members";
import { inWords, problemsOf, ruleText, suggestedId, type Draft } from "../text/rule";
import { ReplayView } from "./backtest";
import { Failure, Notice, Skeleton } from "./bits";
import { conditionOf, ConditionRow, freshRow, membersFor, type Row } from "./rule_condition";
import { Outcome } from "./policy_version";
import { proposeText, REPLAY_DAYS } from "./policy_write";

const SETTLED_MS = 700; /* without typing, before the past is replayed */

const THENS = [
    ["review", "Review", "People look at it, always, whatever the agent has earned."],
    ["earn", "Review until earned", "People look at it until this agent has earned autonomy in it."],
    ["block", "Block", "Nobody is asked: the answer is no."],
] as const;

/* What the builder reads from the active version. */
interface Known {
    readonly actions: Readonly<Record<string, Json>>;
    readonly queues: readonly string[];
    readonly lexicons: readonly string[];
    readonly ids: readonly string[];
}

function knownOf(canonical: Json): Known {
    const root = asMembers(canonical) ?? {};
    const rules = Array.isArray(root.rules) ? root.rules : [];
    return {
        actions: asMembers(root.actions) ?? {},
        queues: Object.keys(asMembers(root.queues) ?? { general: null, leads: null }),
        lexicons: Object.keys(asMembers(root.lexicons) ?? {}),
        ids: rules.flatMap((rule) => {
            const id = asMembers(rule)?.id;
            return typeof id === "string" ? [id] : [];
        }),
    };
}

interface Fields {
    readonly action: string;
    readonly rows: readonly Row[];
    readonly then: string;
    readonly queue: string;
    readonly because: string;
    readonly id: string; /* empty: the one that is suggested */
}

const EMPTY: Fields = { action: "", rows: [], then: "review", queue: "", because: "", id: "" };

/* Arguments that agents gave for an action, where our role sees any. */
function useSeen(action: string): readonly Json[] {
    const [seen, setSeen] = useState<{ action: string; items: readonly Json[] }>({ action: "", items: [] });
    useEffect(() => {
        if (action !== "") {
            policyApi.proposalsOf(action).then(
                ({ items }) => setSeen({ action, items: items.map((one) => one.arguments) }),
                () => setSeen({ action, items: [] }),
            );
        }
    }, [action]);
    return seen.action === action ? seen.items : [];
}

type Change = (changed: Partial<Fields>) => void;

function Then({ fields, known, change }: { fields: Fields; known: Known; change: Change }) {
    return (
        <>
            <fieldset class="thens">
                <legend>Then</legend>
                {THENS.map(([then, label, help]) => (
                    <label key={then} class="check">
                        <input type="radio" name="then" checked={fields.then === then} onChange={() => change({ then })} />
                        <span>
                            <strong>{label}</strong> <span class="quiet">{help}</span>
                        </span>
                    </label>
                ))}
            </fieldset>
            {fields.then !== "block" && (
                <div class="field">
                    <label for="rule-queue">Queue</label>
                    <select id="rule-queue" value={fields.queue} onChange={(event) => change({ queue: event.currentTarget.value })}>
                        <option value="">where it would go anyway</option>
                        {known.queues.map((name) => (
                            <option key={name} value={name}>
                                {name}
                            </option>
                        ))}
                    </select>
                    {fields.queue !== "" && known.queues.length > 1 && (
                        <p class="quiet">
                            If that takes holds from another queue, other people decide them: the rule then waits for a second
                            person with the role policy.
                        </p>
                    )}
                </div>
            )}
        </>
    );
}

function Naming({ fields, draft, problems, change }: { fields: Fields; draft: Draft; problems: Map<string, string>; change: Change }) {
    return (
        <>
            <div class="field">
                <label for="rule-because">
                    Because{" "}
                    <span class="quiet">{fields.because === "" ? `if empty: ${inWords(draft)}` : "what people read beside it"}</span>
                </label>
                <input
                    id="rule-because"
                    maxLength={300}
                    autocomplete="off"
                    value={fields.because}
                    aria-describedby="rule-because-error"
                    onInput={(event) => change({ because: event.currentTarget.value })}
                />
                <p class="error" id="rule-because-error">
                    {problems.get("because")}
                </p>
            </div>
            <div class="field">
                <label for="rule-id">
                    Name of the rule <span class="quiet">{fields.id === "" && `if empty: ${draft.id}`}</span>
                </label>
                <input
                    id="rule-id"
                    maxLength={64}
                    spellcheck={false}
                    autocomplete="off"
                    value={fields.id}
                    aria-invalid={problems.has("id")}
                    aria-describedby="rule-id-error"
                    onInput={(event) => change({ id: event.currentTarget.value })}
                />
                <p class="error" id="rule-id-error">
                    {problems.get("id")}
                </p>
            </div>
        </>
    );
}

interface FormProps {
    readonly fields: Fields;
    readonly known: Known;
    readonly draft: Draft;
    readonly problems: Map<string, string>;
    readonly change: Change;
    readonly seen: readonly Json[];
}

function Form({ fields, known, draft, problems, change, seen }: FormProps) {
    const members = useMemo(() => membersFor(known.actions[fields.action], seen), [known, fields.action, seen]);
    const setRow = (at: number, row: Row | null): void =>
        change({ rows: fields.rows.flatMap((old, index) => (index !== at ? [old] : row === null ? [] : [row])) });
    return (
        <form class="builder" aria-label="Rule" onSubmit={(event) => event.preventDefault()}>
            <div class="field">
                <label for="rule-action">When an agent proposes</label>
                <select
                    id="rule-action"
                    value={fields.action}
                    onChange={(event) => change({ action: event.currentTarget.value, rows: [] })}
                >
                    <option value="">any action</option>
                    {Object.keys(known.actions).map((name) => (
                        <option key={name} value={name}>
                            {name}
                        </option>
                    ))}
                </select>
            </div>
            {fields.rows.map((row, index) => (
                <ConditionRow
                    key={row.key}
                    row={row}
                    first={index === 0}
                    members={members}
                    lexicons={known.lexicons}
                    problem={row.touched ? problems.get(String(index)) : undefined}
                    onChange={(changed) => setRow(index, changed)}
                />
            ))}
            <button type="button" onClick={() => change({ rows: [...fields.rows, freshRow(members)] })}>
                {fields.rows.length === 0 ? "Add a condition" : "And another condition"}
            </button>
            <Then fields={fields} known={known} change={change} />
            <Naming fields={fields} draft={draft} problems={problems} change={change} />
        </form>
    );
}

/* Replays the past once the text has settled. */
function useEffectOf(text: string | null): void {
    useEffect(() => {
        dropReplay();
        if (text === null) {
            return;
        }
        const timer = setTimeout(() => void startReplay(`rule ${text}`, { yaml: text }, REPLAY_DAYS), SETTLED_MS);
        return () => clearTimeout(timer);
    }, [text]);
    useEffect(() => dropReplay, []);
}

interface ResultProps {
    readonly base: Whole;
    readonly draft: Draft;
    readonly problems: Map<string, string>;
    readonly onProposed: () => void;
}

/* The rule, its effect, and what can be done with it. */
function Result({ base, draft, problems, onProposed }: ResultProps) {
    const [problem, setProblem] = useState<Problem | null>(null);
    const [moved, setMoved] = useState(false);
    const [busy, setBusy] = useState(false);
    const good = problems.size === 0;
    const rule = ruleText(draft);
    const lines = rule.lines.join("\n");
    const inserted = useMemo(() => (good ? insertRule(base.yaml, rule) : null), [base.yaml, lines, good]);
    const text = inserted !== null && "text" in inserted ? inserted.text : null;
    useEffectOf(text);
    const propose = async (): Promise<void> => {
        if (text === null) {
            return;
        }
        setBusy(true);
        await readVersions();
        const stale = activeVersion()?.id !== base.id;
        setMoved(stale);
        const refusal = stale ? null : await proposeText(text);
        setProblem(refusal);
        setBusy(false);
        if (!stale && refusal === null) {
            onProposed();
        }
    };
    return (
        <div class="result">
            <h3>The rule</h3>
            {good ? (
                <pre class="src rule-text">{`- ${rule.lines.join("\n  ")}`}</pre>
            ) : (
                <p class="quiet">{problems.get("rule") ?? "Something is missing on the left; the rule appears when it is there."}</p>
            )}
            {inserted !== null && "refusal" in inserted && (
                <Notice tone="warn" icon="warn">
                    It cannot be put in for you: {inserted.refusal}. Paste it under <code>rules:</code> as a text.
                </Notice>
            )}
            {moved && (
                <Notice tone="warn" icon="warn">
                    Another version has come into force meanwhile. Look at the effect again, then propose.
                </Notice>
            )}
            {text !== null && (
                <>
                    <h3>The last {REPLAY_DAYS} days with it</h3>
                    <ReplayView of={`rule ${text}`} source={text} rule={draft.id} />
                </>
            )}
            {problem && <Failure problem={problem} />}
            <div class="actions">
                <button
                    type="button"
                    disabled={text === null}
                    onClick={() => {
                        written.value = text;
                        go("/policy?tab=write");
                    }}
                >
                    Go on as a text
                </button>
                <button type="button" class="primary" disabled={text === null || busy} onClick={() => void propose()}>
                    {busy ? "Sending" : "Propose this rule"}
                </button>
            </div>
        </div>
    );
}

function Builder({ base }: { base: Whole }) {
    const [fields, setFields] = useState(EMPTY);
    const known = useMemo(() => knownOf(base.canonical), [base]);
    const seen = useSeen(fields.action);
    const change: Change = (changed) => setFields((old) => ({ ...old, ...changed }));
    const unnamed = { ...fields, conditions: fields.rows.map(conditionOf) };
    const draft: Draft = { ...unnamed, id: fields.id === "" ? suggestedId(unnamed, known.ids) : fields.id };
    const problems = problemsOf(draft, known.ids);
    return (
        <div class="columns">
            <Form fields={fields} known={known} draft={draft} problems={problems} change={change} seen={seen} />
            <Result base={base} draft={draft} problems={problems} onProposed={() => setFields(EMPTY)} />
        </div>
    );
}

export function BuildTab({ activeId }: { activeId: string | undefined }) {
    const [base, setBase] = useState<Whole | null>(null);
    const [problem, setProblem] = useState<Problem | null>(null);
    useEffect(() => {
        if (activeId !== undefined) {
            readWhole(activeId).then(setBase, (thrown) => setProblem(noticeProblem(thrown)));
        }
    }, [activeId]);
    return (
        <section class="block" aria-labelledby="build-heading">
            <h2 id="build-heading">A new rule</h2>
            <p class="quiet">
                Every rule that matches counts, and the strictest verdict wins: a rule that only asks for more is in force
                as soon as it is proposed. One that could loosen something waits for a second person, and so does one whose
                queue takes over what another queue decides now.
            </p>
            {outcome.value !== null && <Outcome />}
            {problem && <Failure problem={problem} />}
            {base === null && problem === null && <Skeleton lines={6} label="Loading the active version" />}
            {base !== null && <Builder base={base} />}
        </section>
    );
}
