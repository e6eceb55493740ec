// SPDX-License-Identifier: Apache-2.0
/*
 * The bar at the end of a proposal: the four verbs where a decision is possible, and otherwise the
 * one reason why it is not. Approve is inert while the guard says so. Approving names the digest
 * that is on the screen; this file never sees another.
 */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useKeys } from "../keys";
import { alertNow, announce } from "../state/announce";
import { barState, type Bar } from "../state/bar";
import { now } from "../state/clock";
import { notesOf } from "../state/drafts";
import { armed, guardAllows } from "../state/guard";
import { undoDecision } from "../state/held";
import { line } from "../state/live";
import {
    adopt,
    claim,
    decide,
    opened,
    openForm,
    rereadProposal,
    showChanged,
    unclaim,
    type Form,
} from "../state/proposal";
import { me } from "../state/session";
import { ago, clockTime, duration, plural } from "../text/format";
import { pointerLabel } from "../text/pointer";
import { capital, DECIDED, STATUS, word } from "../text/words";
import type { FieldError } from "../api";
import type { DecisionBody, Proposal } from "../wire";
import { Failure, Key, Notice } from "./bits";
import { hiddenIn } from "./card";
import { AskForm, ConfirmForm, RejectForm } from "./forms";
import { Icon, type IconName } from "./icons";
import { later } from "./later";
import { Prose, Said } from "./untrusted";

/* The bar's state for what is open now. */
export function currentBar(): Bar {
    const { shown, changed, lostClaim } = opened.value;
    const offline = line.value === "offline";
    return barState({
        shown,
        changed,
        lostClaim,
        offline,
        myId: me.value?.id ?? "",
        nowMs: now.value,
    });
}

function StateRow({
    icon,
    children,
    action,
}: {
    icon: IconName;
    children: ComponentChildren;
    action?: ComponentChildren;
}) {
    return (
        <div class="bar-state">
            <Icon name={icon} />
            <p>{children}</p>
            {action}
        </div>
    );
}

/* Who ended it, when and how; and what this person had typed. */
function Ended({ proposal }: { proposal: Proposal }) {
    const { decision, status, updated_at: endedAt } = proposal;
    const notes = notesOf(proposal.id);
    const mine = decision?.by.id === me.value?.id;
    return (
        <>
            <StateRow icon="lock">
                {decision ? (
                    <>
                        <strong>
                            {mine ? "You" : <Said text={decision.by.name ?? "Policy"} />} decided{" "}
                            {ago(decision.at, now.value)}: {word(DECIDED, decision.verdict)}.
                        </strong>{" "}
                        {decision.reason && (
                            <>
                                Reason: <Said text={decision.reason} />
                            </>
                        )}
                    </>
                ) : (
                    <strong>
                        {word(STATUS, status)} {ago(endedAt, now.value)}. No decision is needed.
                    </strong>
                )}
            </StateRow>
            {notes && !mine && (
                <div class="kept">
                    <p>Your note was kept and not sent:</p>
                    <Prose text={notes} />
                </div>
            )}
        </>
    );
}

async function undo(id: string): Promise<void> {
    const proposal = await undoDecision(id);
    if (proposal !== null) {
        adopt(proposal);
    } else {
        void rereadProposal();
    }
}

function Undoable({ bar, proposal }: { bar: Bar & { kind: "undo" }; proposal: Proposal }) {
    const left = bar.releaseAt - now.value;
    const mayUndo = bar.mine || me.value?.can.lead === true;
    const what = proposal.decision ? word(DECIDED, proposal.decision.verdict) : "decided";
    return (
        <StateRow
            icon="clock"
            action={
                mayUndo &&
                left > 0 && (
                    <button type="button" class="primary" onClick={() => void undo(proposal.id)}>
                        <Icon name="undo" />
                        Undo <Key>z</Key>
                    </button>
                )
            }
        >
            <strong>
                {bar.mine ? "You" : <Said text={proposal.decision?.by.name ?? ""} />} {what} it.
            </strong>{" "}
            {left > 0 ? (
                <>
                    Released to the agent in <span class="tnum">{duration(left)}</span>.
                </>
            ) : (
                "Being released."
            )}
        </StateRow>
    );
}

interface Verb {
    readonly id: string;
    readonly label: string;
    readonly icon: IconName;
    readonly cap: string;
    readonly tone: string;
    readonly run: (event: Event) => void;
}

function VerbButton({ verb, pressed }: { verb: Verb; pressed: boolean }) {
    const inert = verb.id === "approve" && !armed.value;
    return (
        <button
            type="button"
            class={`verb verb-${verb.id} ${verb.tone}`}
            disabled={opened.value.busy !== null}
            aria-disabled={inert}
            aria-pressed={verb.id === "approve" ? undefined : pressed}
            aria-keyshortcuts={verb.cap}
            onClick={verb.run}
        >
            <Icon name={verb.icon} />
            <span>{verb.label}</span> <Key>{verb.cap}</Key>
        </button>
    );
}

/* On a phone: what does not fit into the bar. */
function More({
    proposal,
    toggle,
    close,
}: {
    proposal: Proposal;
    toggle: (form: Form) => void;
    close: () => void;
}) {
    const act = (run: () => void) => (): void => {
        close();
        run();
    };
    const claimed = proposal.hold?.claimed_by?.id === me.value?.id;
    return (
        <div class="more-menu">
            <button type="button" onClick={act(() => toggle("edit"))}>
                <Icon name="edit" />
                Edit, then approve
            </button>
            <button
                type="button"
                onClick={act(() => document.getElementById("note-field")?.focus())}
            >
                <Icon name="ask" />
                Note for colleagues
            </button>
            {claimed ? (
                <button type="button" onClick={act(() => void unclaim())}>
                    <Icon name="undo" />
                    Give it back
                </button>
            ) : (
                <button type="button" onClick={act(() => void claim())}>
                    <Icon name="lock" />
                    Claim it
                </button>
            )}
        </div>
    );
}

/* The editing form comes apart from the rest, and is there before anybody asks for it. */
const loadEditForm = () => import("./edit_form").then((code) => code.EditForm);
const EditForm = later(loadEditForm, false);

const FORMS = { confirm: ConfirmForm, reject: RejectForm, ask: AskForm, edit: EditForm } as const;

interface DecideProps {
    readonly proposal: Proposal;
    readonly unread: number;
    readonly onDecided: (id: string) => void;
}

/* Approval was asked for: says why not, asks again, or sends. */
function approval(
    proposal: Proposal,
    unread: number,
    send: (body: Omit<DecisionBody, "digest">) => void,
) {
    return (event: Event): void => {
        if (!guardAllows(event)) {
            announce("One moment: it has only just appeared.");
            return;
        }
        const needsReading = proposal.hold?.mode !== "glance";
        if ((needsReading || proposal.card?.cut) && unread > 0) {
            alertNow(`First open ${plural(unread, "long value")} of what will run.`);
            document.querySelector<HTMLElement>(".card .elided")?.focus();
            return;
        }
        if (needsReading || (proposal.card && hiddenIn(proposal.card) > 0)) {
            openForm("confirm");
        } else {
            send({ verdict: "approve" });
        }
    };
}

/* When a form closes, the focus returns to the verb that opened it. */
function useFocusBack(form: Form): void {
    const before = useRef<Form>(null);
    useEffect(() => {
        const verb = before.current === "confirm" ? "approve" : before.current;
        if (form === null && verb !== null) {
            document
                .querySelector<HTMLElement>(`.verb-${verb}`)
                ?.focus({ preventScroll: true });
        }
        before.current = form;
    }, [form]);
}

function Decide({ proposal, unread, onDecided }: DecideProps) {
    const [more, setMore] = useState(false);
    const { form, busy } = opened.value;
    useFocusBack(form);
    useEffect(() => void loadEditForm().catch(() => undefined), []);
    const send = async (body: Omit<DecisionBody, "digest">): Promise<void> => {
        if (await decide(body)) {
            onDecided(proposal.id);
        }
    };
    const toggle = (name: Form): void => {
        setMore(false);
        openForm(opened.value.form === name ? null : name);
    };
    const approve = approval(proposal, unread, (body) => void send(body));
    const verbs: readonly Verb[] = [
        {
            id: "reject",
            label: "Reject",
            icon: "cross",
            cap: "r",
            tone: "reject-line",
            run: () => toggle("reject"),
        },
        { id: "ask", label: "Ask", icon: "ask", cap: "q", tone: "", run: () => toggle("ask") },
        { id: "edit", label: "Edit", icon: "edit", cap: "e", tone: "", run: () => toggle("edit") },
        { id: "approve", label: "Approve", icon: "check", cap: "a", tone: "approve", run: approve },
    ];
    useKeys(
        busy !== null || form === "confirm"
            ? {}
            : Object.fromEntries(verbs.map((verb) => [verb.id, verb.run])),
    );
    const Form = form === null ? null : FORMS[form];
    return (
        <>
            {Form && <Form proposal={proposal} send={(body) => void send(body)} />}
            {more && <More proposal={proposal} toggle={toggle} close={() => setMore(false)} />}
            {form === null && (
                <div class="verbs">
                    {verbs.slice(0, 3).map((verb) => (
                        <VerbButton key={verb.id} verb={verb} pressed={false} />
                    ))}
                    <button
                        type="button"
                        class="verb verb-more"
                        aria-expanded={more}
                        onClick={() => setMore(!more)}
                    >
                        <Icon name="more" />
                        <span>More</span>
                    </button>
                    <VerbButton verb={verbs[3] as Verb} pressed={false} />
                </div>
            )}
        </>
    );
}

function ClaimFirst({ lost }: { lost: boolean }) {
    const tell = (): void => announce("Claim it first, with c.");
    useKeys({ approve: tell, edit: tell, reject: tell, ask: tell });
    return (
        <StateRow
            icon="eye"
            action={
                <button
                    type="button"
                    class="primary claim"
                    disabled={opened.value.busy !== null}
                    onClick={() => void claim()}
                >
                    {lost ? "Claim again" : "Claim to decide"} <Key>c</Key>
                </button>
            }
        >
            {lost ? (
                <>
                    <strong>Your claim ran out.</strong> What you typed was kept.
                </>
            ) : (
                <>Claim it first, so that no two people work on the same one.</>
            )}
        </StateRow>
    );
}

/* What is wrong, and with which member where it is one. */
function sentenceOf({ pointer, message }: FieldError): string {
    const member = pointerLabel(pointer).replace(/^arguments\//, "");
    return pointer === "" ? message : `${member}: ${message}`;
}

function StateOf({ bar, proposal }: { bar: Bar; proposal: Proposal }) {
    switch (bar.kind) {
        case "loading":
        case "decide":
            return null;
        case "ended":
            return <Ended proposal={opened.value.changed ?? proposal} />;
        case "undo":
            return <Undoable bar={bar} proposal={opened.value.changed ?? proposal} />;
        case "changed":
            return (
                <StateRow
                    icon="warn"
                    action={
                        <button type="button" class="primary" onClick={showChanged}>
                            Show the new revision
                        </button>
                    }
                >
                    <strong>Changed since you opened it.</strong> What you see is no longer what
                    would run: read it again.
                </StateRow>
            );
        case "offline":
            return (
                <StateRow icon="warn">
                    <strong>Offline: read only.</strong> Decisions are refused, not queued.
                </StateRow>
            );
        case "claimed":
            return (
                <StateRow icon="eye">
                    <strong>
                        <Said text={bar.by.name} /> is looking at it
                    </strong>
                    {bar.by.until && <> and holds it until {clockTime(bar.by.until, now.value)}</>}.
                </StateRow>
            );
        case "not-allowed":
            return (
                <StateRow icon="lock">
                    <strong>You cannot decide this one.</strong> <Said text={capital(bar.reason)} />
                </StateRow>
            );
        case "claim-first":
            return <ClaimFirst lost={bar.lost} />;
    }
}

export function ActionBar({ proposal, unread, onDecided }: DecideProps) {
    const bar = currentBar();
    const { refusal } = opened.value;
    const claimable = bar.kind === "claim-first" || bar.kind === "decide";
    const mine = proposal.hold?.claimed_by?.id === me.value?.id;
    useKeys({ claim: claimable ? () => void (mine ? unclaim() : claim()) : undefined });
    const told =
        refusal !== null &&
        refusal.kind !== "unauthenticated" &&
        bar.kind !== "ended" &&
        bar.kind !== "changed";
    return (
        <footer class={`bar ${bar.kind}`} aria-label="Decision">
            {told &&
                refusal &&
                (refusal.errors.length > 0 ? (
                    <Notice tone="danger" icon="warn">
                        <strong>{refusal.title}</strong>{" "}
                        <Said text={refusal.errors.map(sentenceOf).join("; ")} />
                    </Notice>
                ) : (
                    <Failure problem={refusal} />
                ))}
            {bar.kind === "decide" ? (
                <Decide proposal={proposal} unread={unread} onDecided={onDecided} />
            ) : (
                <StateOf bar={bar} proposal={proposal} />
            )}
        </footer>
    );
}
