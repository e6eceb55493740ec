// SPDX-License-Identifier: Apache-2.0
/*
 * Edit, then approve: the arguments as a form by JSON type, or as JSON text, with the list of
 * changes that will be sent. Numbers stay text until they are sent. Only touched members change.
 * The action's schema gives hints and choices; what does not match it, the server says.
 */
import { useEffect, useRef } from "preact/hooks";
import { draftOf, saveDraft } from "../state/drafts";
import { opened } from "../state/proposal";
import { changes, type Change } from "../text/diff";
import {
    applyFields,
    applyRaw,
    fieldsOf,
    splitErrors,
    type EditResult,
    type Field,
} from "../text/edit";
import { plural } from "../text/format";
import { hiddenCount } from "../text/hidden";
import type { Json } from "../text/json";
import { hintOf, type Hint } from "../text/schema";
import type { Proposal } from "../wire";
import { ChangeList } from "./changes";
import { SendRow, Sheet, type FormProps } from "./forms";
import { Said } from "./untrusted";

/* What the server said about a member; its pointers are relative to the body or the arguments. */
function serverErrors(): ReadonlyMap<string, string> {
    const errors = opened.value.refusal?.errors ?? [];
    return new Map(
        errors.map(({ pointer, message }) => [pointer.replace(/^\/arguments/, ""), message]),
    );
}

interface InputProps {
    readonly field: Field;
    readonly index: number;
    readonly text: string;
    readonly hint: Hint;
    readonly error: string | undefined;
    readonly onText: (text: string) => void;
}

/* The texts of a field that can only have certain values, what it has now among them; or null. */
function choicesOf({ field, hint }: InputProps): readonly string[] | null {
    if (field.kind === "boolean") {
        return ["true", "false"];
    }
    const kind = field.kind === "text" ? "string" : field.kind;
    if (hint.choices.length === 0 || !hint.choices.every((value) => typeof value === kind)) {
        return null;
    }
    return [...new Set([field.text, ...hint.choices.map(String)])];
}

function FieldInput(props: InputProps) {
    const { field, index, text, hint, error, onText } = props;
    const id = `edit-${index}`;
    const choices = choicesOf(props);
    const described = [hint.about !== "" && `${id}-about`, error !== undefined && `${id}-error`];
    const shared = {
        id,
        value: text,
        spellcheck: false,
        "aria-invalid": error !== undefined,
        "aria-describedby": described.filter(Boolean).join(" ") || undefined,
        onInput: (event: { currentTarget: { value: string } }) => onText(event.currentTarget.value),
    };
    return (
        <div class="field">
            <label for={id}>
                <code>
                    <Said text={field.name} />
                </code>{" "}
                <span class="quiet">
                    {field.kind}
                    {hint.words !== "" && `, ${hint.words}`}
                </span>
            </label>
            {hint.about !== "" && (
                <p class="quiet about" id={`${id}-about`}>
                    {hint.about}
                </p>
            )}
            {choices !== null ? (
                <select {...shared}>
                    {choices.map((choice) => (
                        <option key={choice} value={choice}>
                            {choice}
                        </option>
                    ))}
                </select>
            ) : field.long ? (
                <textarea
                    {...shared}
                    rows={Math.min(8, text.split("\n").length + 1)}
                    class={field.kind === "json" ? "mono" : ""}
                />
            ) : (
                <input
                    {...shared}
                    type="text"
                    inputMode={field.kind === "number" ? "decimal" : "text"}
                    class={field.kind === "number" ? "number" : ""}
                    autocomplete="off"
                />
            )}
            {hiddenCount(text, "value") > 0 && (
                <p class="hidden-preview">
                    {plural(hiddenCount(text, "value"), "hidden character")}: <Said text={text} />
                </p>
            )}
            {error !== undefined && (
                <p class="error" id={`${id}-error`}>
                    {error}
                </p>
            )}
        </div>
    );
}

/* A change to a critical member is never minor: the server refuses it, the form does not offer it. */
function touchesCritical(proposal: Proposal, list: readonly Change[]): boolean {
    const critical = (proposal.card?.lines ?? [])
        .filter((line) => line.critical)
        .map((line) => line.pointer);
    return list.some(({ pointer }) =>
        critical.some(
            (other) =>
                `${other}/`.startsWith(`${pointer}/`) || `${pointer}/`.startsWith(`${other}/`),
        ),
    );
}

function Severity({ proposal, list }: { proposal: Proposal; list: readonly Change[] }) {
    const { severity } = draftOf(proposal.id);
    const critical = touchesCritical(proposal, list);
    const chosen = critical ? "material" : severity;
    return (
        <fieldset class="severity">
            <legend>The change is</legend>
            {(["material", "minor"] as const).map((name) => (
                <label key={name}>
                    <input
                        type="radio"
                        name="severity"
                        value={name}
                        checked={chosen === name}
                        disabled={critical && name === "minor"}
                        onChange={() => saveDraft(proposal.id, { severity: name })}
                    />
                    {name === "minor" ? "minor: wording only" : "material: the agent was wrong"}
                </label>
            ))}
            {critical && <span class="quiet">A critical member changed.</span>}
        </fieldset>
    );
}

function RawEditor({
    proposal,
    raw,
    error,
}: {
    proposal: Proposal;
    raw: string;
    error: string | undefined;
}) {
    return (
        <div class="field">
            <label for="edit-raw">All arguments as JSON</label>
            <textarea
                id="edit-raw"
                class="mono"
                rows={12}
                spellcheck={false}
                value={raw}
                aria-invalid={error !== undefined}
                aria-describedby={error === undefined ? undefined : "edit-raw-error"}
                onInput={(event) => saveDraft(proposal.id, { raw: event.currentTarget.value })}
            />
            {hiddenCount(raw, "value") > 0 && (
                <p class="hidden-preview">
                    {plural(hiddenCount(raw, "value"), "hidden character")} in this text.
                </p>
            )}
            {error !== undefined && (
                <p class="error" id="edit-raw-error">
                    {error}
                </p>
            )}
        </div>
    );
}

interface EditorProps {
    readonly proposal: Proposal;
    readonly fields: readonly Field[];
    readonly errors: ReadonlyMap<string, string>;
}

function FieldEditor({ proposal, fields, errors }: EditorProps) {
    const edited = draftOf(proposal.id).fields;
    return (
        <div class="fields">
            {fields.map((field, index) => (
                <FieldInput
                    key={field.name}
                    field={field}
                    index={index}
                    text={edited[field.name] ?? field.text}
                    hint={hintOf(proposal.action_schema, field.name)}
                    error={errors.get(field.pointer)}
                    onText={(text) =>
                        saveDraft(proposal.id, { fields: { ...edited, [field.name]: text } })
                    }
                />
            ))}
        </div>
    );
}

/* Switches between form and JSON text, taking the edits along. */
function switchEditor(proposal: Proposal, result: EditResult, toRaw: boolean): void {
    if (toRaw) {
        saveDraft(proposal.id, { raw: JSON.stringify(result.value, null, 2), fields: {} });
        return;
    }
    const before = fieldsOf(proposal.arguments) ?? [];
    const after = new Map((fieldsOf(result.value) ?? []).map((field) => [field.name, field.text]));
    const edited = before.filter(
        (field) => after.has(field.name) && after.get(field.name) !== field.text,
    );
    saveDraft(proposal.id, {
        raw: null,
        fields: Object.fromEntries(edited.map((f) => [f.name, after.get(f.name) ?? ""])),
    });
}

/* The form can hold a JSON text only if that has the same members with the same types. */
function fitsForm(proposal: Proposal, value: Json): boolean {
    const shape = (json: Json): string | undefined =>
        fieldsOf(json)
            ?.map((field) => `${field.name} ${field.kind}`)
            .sort()
            .join("\n");
    return shape(proposal.arguments) !== undefined && shape(proposal.arguments) === shape(value);
}

/* Everything the form shows, computed from the proposal, the draft and the server's last word. */
function editState(proposal: Proposal) {
    const draft = draftOf(proposal.id);
    const fields = fieldsOf(proposal.arguments);
    const raw = draft.raw ?? (fields === null ? JSON.stringify(proposal.arguments, null, 2) : null);
    const result = raw === null ? applyFields(proposal.arguments, draft.fields) : applyRaw(raw);
    const valid = result.errors.size === 0;
    return {
        draft,
        fields,
        raw,
        result,
        errors: new Map([...serverErrors(), ...result.errors]),
        list: valid ? changes(proposal.arguments, result.value) : [],
        canSwitch: valid && (raw === null || fitsForm(proposal, result.value)),
    };
}

/* How many members are wrong, and what stands under no field of the form. */
function Complaints({ count, others }: { count: number; others: readonly string[] }) {
    if (count === 0) {
        return null;
    }
    return (
        <div class="error" role="alert">
            <p>{plural(count, "member")} cannot be sent as it is.</p>
            {others.map((sentence) => (
                <p key={sentence}>
                    <Said text={sentence} />
                </p>
            ))}
        </div>
    );
}

export function EditForm({ proposal, send }: FormProps) {
    const root = useRef<HTMLDivElement>(null);
    const { draft, fields, raw, result, errors, list, canSwitch } = editState(proposal);
    const split = splitErrors(
        errors,
        (fields ?? []).map((field) => field.pointer),
    );
    const whole = splitErrors(errors, []).others; /* of the JSON text: each with its place */
    const severity = touchesCritical(proposal, list) ? "material" : draft.severity;
    const reason = draft.editReason.trim();
    useEffect(
        () => root.current?.querySelector<HTMLElement>("input, textarea, select")?.focus({ preventScroll: true }),
        [],
    );
    return (
        <Sheet title="Edit, then approve">
            <div ref={root} class="edit-body">
                <Complaints
                    count={errors.size}
                    others={raw === null ? split.others : whole.slice(1)}
                />
                {raw === null ? (
                    <FieldEditor proposal={proposal} fields={fields ?? []} errors={split.fields} />
                ) : (
                    <RawEditor proposal={proposal} raw={raw} error={whole[0]} />
                )}
                {canSwitch && (
                    <button
                        type="button"
                        class="link"
                        onClick={() => switchEditor(proposal, result, raw === null)}
                    >
                        {raw === null ? "Edit as JSON text" : "Edit as a form"}
                    </button>
                )}
                <h4>What you change</h4>
                <ChangeList list={list} />
                <Severity proposal={proposal} list={list} />
                <div class="field">
                    <label for="edit-reason">
                        Why <span class="quiet">(optional)</span>
                    </label>
                    <input
                        id="edit-reason"
                        type="text"
                        value={draft.editReason}
                        autocomplete="off"
                        onInput={(event) =>
                            saveDraft(proposal.id, { editReason: event.currentTarget.value })
                        }
                    />
                </div>
            </div>
            <SendRow
                label={
                    list.length === 0
                        ? "Approve with changes"
                        : `Approve with ${plural(list.length, "change")}`
                }
                tone="approve"
                disabled={list.length === 0 || result.errors.size > 0}
                onSend={() =>
                    send({
                        verdict: "modify",
                        arguments: result.value,
                        severity,
                        ...(reason && { reason }),
                    })
                }
            />
        </Sheet>
    );
}
