// SPDX-License-Identifier: Apache-2.0
/*
 * The small forms of the action bar: confirm an approval, reject with a reason, return with a
 * question. What is typed lives in the draft and survives refusals. Each form sends one decision
 * on what is shown, and says nothing about who decides.
 */
import { useEffect, useRef } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { useKeys } from "../keys";
import { now } from "../state/clock";
import { draftOf, saveDraft } from "../state/drafts";
import { ARM_MS } from "../state/guard";
import { opened, openForm } from "../state/proposal";
import { me } from "../state/session";
import { plural } from "../text/format";
import { REASONS, spoken } from "../text/words";
import type { DecisionBody, Proposal } from "../wire";
import { Key } from "./bits";
import { hiddenIn } from "./card";
import { Icon } from "./icons";

export type Send = (body: Omit<DecisionBody, "digest">) => void;

export interface FormProps {
    readonly proposal: Proposal;
    readonly send: Send;
}

interface SheetProps {
    readonly title: string;
    readonly children: ComponentChildren;
}

/* The frame of a form above the bar: titled, focused on opening, closed by Escape. */
export function Sheet({ title, children }: SheetProps) {
    useKeys({ back: () => openForm(null) });
    return (
        <section class="sheet" aria-labelledby="sheet-heading">
            <h3 id="sheet-heading">{title}</h3>
            {children}
        </section>
    );
}

/* Seconds until the server will take a decision after a claim; 0: now. */
export const secondsToWait = (): number =>
    Math.max(0, Math.ceil((opened.value.notBefore - now.value) / 1000));

/* Cancel and send; Control and Enter send too. Inert while something is missing or under way. */
export function SendRow({
    label,
    tone,
    disabled,
    onSend,
}: {
    label: string;
    tone: string;
    disabled: boolean;
    onSend: () => void;
}) {
    const wait = secondsToWait();
    const busy = opened.value.busy !== null;
    const ready = !disabled && !busy && wait === 0;
    useKeys({ send: ready ? onSend : undefined });
    return (
        <div class="send-row">
            <button type="button" onClick={() => openForm(null)}>
                Cancel <Key>Esc</Key>
            </button>
            <button
                type="button"
                class={tone}
                disabled={!ready}
                onClick={onSend}
                aria-keyshortcuts="Control+Enter"
            >
                {busy ? "Sending" : wait > 0 ? `In ${wait} s` : label} <Key>Ctrl ⏎</Key>
            </button>
        </div>
    );
}

/* Read mode, and calls with hidden characters: the second press. */
export function ConfirmForm({ proposal, send }: FormProps) {
    const button = useRef<HTMLButtonElement>(null);
    const shownAt = useRef(performance.now());
    useEffect(() => button.current?.focus({ preventScroll: true }), []);
    const wait = secondsToWait();
    const busy = opened.value.busy !== null;
    const confirm = (event: MouseEvent): void => {
        const doubleClick = event.detail > 0 && performance.now() - shownAt.current < ARM_MS;
        if (event.isTrusted && !doubleClick && wait === 0 && !busy) {
            send({ verdict: "approve" });
        }
    };
    const hidden = proposal.card ? hiddenIn(proposal.card) : 0;
    return (
        <Sheet title="Approve exactly what is shown?">
            {hidden > 0 && (
                <p>
                    <Icon name="warn" /> It contains {plural(hidden, "hidden character")}: you have
                    seen {hidden === 1 ? "it" : "them"}.
                </p>
            )}
            <div class="send-row">
                <button type="button" onClick={() => openForm(null)}>
                    Back <Key>Esc</Key>
                </button>
                <button
                    type="button"
                    class="approve"
                    ref={button}
                    aria-disabled={wait > 0 || busy}
                    onClick={confirm}
                >
                    <Icon name="check" />
                    {busy ? "Sending" : wait > 0 ? `Approve in ${wait} s` : "Confirm approval"}{" "}
                    <Key>⏎</Key>
                </button>
            </div>
        </Sheet>
    );
}

function ReasonButtons({
    codes,
    chosen,
    choose,
}: {
    codes: readonly string[];
    chosen: string;
    choose: (code: string) => void;
}) {
    const first = useRef<HTMLButtonElement>(null);
    useEffect(() => first.current?.focus({ preventScroll: true }), []);
    const digits = codes
        .slice(0, 9)
        .map((code, index) => [`digit-${index + 1}`, () => choose(code)] as const);
    useKeys(Object.fromEntries(digits));
    return (
        <div class="codes" role="group" aria-label="Reason">
            {codes.map((code, index) => (
                <button
                    key={code}
                    type="button"
                    ref={index === 0 ? first : null}
                    aria-pressed={chosen === code}
                    class={chosen === code ? "code chosen" : "code"}
                    onClick={() => choose(code)}
                >
                    {index < 9 && <Key>{String(index + 1)}</Key>}
                    {spoken(code)}
                </button>
            ))}
        </div>
    );
}

export function RejectForm({ proposal, send }: FormProps) {
    const field = useRef<HTMLTextAreaElement>(null);
    const { reason, reasonCode } = draftOf(proposal.id);
    const codes = me.value?.reasons ?? REASONS;
    const choose = (code: string): void => {
        saveDraft(proposal.id, { reasonCode: code });
        field.current?.focus({ preventScroll: true });
    };
    const text = reason.trim() || (reasonCode === "other" ? "" : spoken(reasonCode));
    return (
        <Sheet title="Reject: why?">
            <ReasonButtons codes={codes} chosen={reasonCode} choose={choose} />
            <div class="field">
                <label for="reject-field">
                    Reason for the agent
                    <span class="quiet">
                        {" "}
                        {reasonCode && reasonCode !== "other"
                            ? "(optional: the reason chosen above is sent)"
                            : "(required)"}
                    </span>
                </label>
                <textarea
                    id="reject-field"
                    ref={field}
                    rows={2}
                    value={reason}
                    onInput={(event) =>
                        saveDraft(proposal.id, { reason: event.currentTarget.value })
                    }
                />
            </div>
            <SendRow
                label="Reject"
                tone="reject"
                disabled={text === ""}
                onSend={() =>
                    send({
                        verdict: "reject",
                        reason: text,
                        ...(reasonCode && { reason_code: reasonCode }),
                    })
                }
            />
        </Sheet>
    );
}

export function AskForm({ proposal, send }: FormProps) {
    const field = useRef<HTMLTextAreaElement>(null);
    useEffect(() => field.current?.focus({ preventScroll: true }), []);
    const { question } = draftOf(proposal.id);
    return (
        <Sheet title="Return to the agent with a question">
            <div class="field">
                <label for="ask-field">
                    Question{" "}
                    <span class="quiet">
                        (the agent may revise and propose again; you see it first)
                    </span>
                </label>
                <textarea
                    id="ask-field"
                    ref={field}
                    rows={3}
                    value={question}
                    onInput={(event) =>
                        saveDraft(proposal.id, { question: event.currentTarget.value })
                    }
                />
            </div>
            <SendRow
                label="Return with this question"
                tone="primary"
                disabled={question.trim() === ""}
                onSend={() => send({ verdict: "return", reason: question.trim() })}
            />
        </Sheet>
    );
}
