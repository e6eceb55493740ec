// SPDX-License-Identifier: Apache-2.0
/*
 * The first-run guide: make an agent, copy three lines, see its first proposal arrive. The key stays in
 * this page's memory alone and is gone when the page is left.
 */
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { api, type Problem } from "../api";
import { Notice } from "../parts/bits";
import { Said } from "../parts/untrusted";
import { announce } from "../state/announce";
import { onLive } from "../state/live";
import { me, noticeProblem } from "../state/session";
import { firstLines, HOW, LANGUAGES, type Language } from "../text/first_lines";
import type { NewAgent, Proposal } from "../wire";

interface Made extends NewAgent {
    readonly name: string;
}

const NO_KEY = "fka_...";
const made = signal<Made | null>(null);

function Step({ n, title, children }: { n: number; title: string; children: ComponentChildren }) {
    return (
        <section class="block step-block" aria-labelledby={`step-${n}`}>
            <h2 id={`step-${n}`}>
                {n}. {title}
            </h2>
            {children}
        </section>
    );
}

function Copy({ text, what }: { text: string; what: string }) {
    const [label, setLabel] = useState("Copy");
    const copy = async (): Promise<void> => {
        try {
            await navigator.clipboard.writeText(text);
            setLabel("Copied");
            announce(`${what} copied.`);
        } catch {
            setLabel("Select it and copy");
        }
    };
    return (
        <button type="button" class="small" aria-label={`${label}: ${what}`} onClick={() => void copy()}>
            {label}
        </button>
    );
}

function MakeAgent() {
    const [name, setName] = useState("my-agent");
    const [problem, setProblem] = useState<Problem | null>(null);
    const [busy, setBusy] = useState(false);
    const send = async (event: Event): Promise<void> => {
        event.preventDefault();
        setBusy(true);
        setProblem(null);
        try {
            made.value = { ...(await api.addAgent(name, me.value?.name ?? "")), name };
        } catch (thrown) {
            setProblem(noticeProblem(thrown));
        }
        setBusy(false);
    };
    const wrong = problem?.errors[0]?.message ?? problem?.message ?? "";
    return (
        <form class="inline-form" onSubmit={(event) => void send(event)}>
            <div class="field">
                <label for="agent-name">Name</label>
                <input
                    id="agent-name"
                    type="text"
                    required
                    autocapitalize="none"
                    autocomplete="off"
                    spellcheck={false}
                    value={name}
                    aria-describedby="agent-refusal"
                    onInput={(event) => setName(event.currentTarget.value)}
                />
            </div>
            <button type="submit" class="primary" disabled={busy}>
                Make the agent
            </button>
            <p class="error" id="agent-refusal" role="alert">
                {wrong}
            </p>
        </form>
    );
}

function KeyShown({ agent }: { agent: Made }) {
    return (
        <>
            <p>
                <strong>
                    <Said text={agent.name} />
                </strong>{" "}
                is there, and you answer for it. This is its key, shown this once:
            </p>
            <p class="code-line">
                <code id="agent-key">{agent.key}</code>
                <Copy text={agent.key} what="key" />
            </p>
        </>
    );
}

function AgentStep() {
    if (made.value !== null) {
        return <KeyShown agent={made.value} />;
    }
    return me.value?.can.admin ? (
        <MakeAgent />
    ) : (
        <p>
            An admin makes agents, here or with <code>fermata agent add NAME --owner USER</code>. Ask
            for a key.
        </p>
    );
}

function Lines() {
    const [language, setLanguage] = useState<Language>("curl");
    const text = firstLines(language, location.origin, made.value?.key ?? NO_KEY);
    return (
        <>
            <fieldset class="choices">
                <legend class="sr">Language</legend>
                {LANGUAGES.map((each) => (
                    <label key={each}>
                        <input
                            type="radio"
                            name="language"
                            checked={language === each}
                            onChange={() => setLanguage(each)}
                        />
                        {each}
                    </label>
                ))}
            </fieldset>
            <div class="code-box">
                <pre tabIndex={0} aria-label={`Three lines for ${language}`}>
                    <code id="first-lines">{text}</code>
                </pre>
                <Copy text={text} what="three lines" />
            </div>
            <p class="quiet">{HOW[language]}</p>
        </>
    );
}

/* The first proposal of the new agent, once the event stream tells of it. */
function useFirstProposal(): Proposal | null {
    const [first, setFirst] = useState<Proposal | null>(null);
    useEffect(
        () =>
            onLive((event) => {
                if (event === "resync" || event.type !== "proposal.held" || made.value === null) {
                    return;
                }
                void api.proposal(event.proposal).then(
                    (proposal) => {
                        if (proposal.agent.id === made.value?.id) {
                            setFirst((before) => before ?? proposal);
                            announce("The first proposal has arrived.");
                        }
                    },
                    noticeProblem,
                );
            }),
        [],
    );
    return first;
}

function Arrival() {
    const first = useFirstProposal();
    const sees = me.value?.roles.some((role) => role !== "admin") ?? false;
    if (first !== null) {
        return (
            <Notice tone="ok" icon="check">
                <strong>It is here.</strong> <Said text={first.card?.title ?? first.action} /> waits for
                a decision. <a href={`/p/${first.id}`}>Open it</a>
            </Notice>
        );
    }
    if (!sees) {
        return (
            <p>
                It arrives in the inbox of the reviewers. Your role does not see proposals:{" "}
                <code>fermata user add NAME --role reviewer</code> makes somebody who does.
            </p>
        );
    }
    return (
        <p role="status">
            {made.value === null ? "First make the agent." : "Waiting for it. Run the three lines."}
        </p>
    );
}

export function Start() {
    return (
        <div class="page scroll">
            <h1>Your first agent</h1>
            <p class="quiet">
                An agent proposes what it is about to do, and waits here until a person has decided.
                Three steps, two minutes.
            </p>
            <Step n={1} title="Make an agent">
                <AgentStep />
            </Step>
            <Step n={2} title="Copy three lines">
                <Lines />
            </Step>
            <Step n={3} title="See its first proposal arrive">
                <Arrival />
            </Step>
            <p class="quiet">
                Next: wait for the decision, redeem the permit, report what came of it. The quick
                starts in docs/guide lead through it, and <a href="/openapi.json" target="_blank">
                    the interface
                </a>{" "}
                is described by this server. <a href="/">To the inbox</a>
            </p>
        </div>
    );
}
