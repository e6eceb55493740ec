// SPDX-License-Identifier: Apache-2.0
/*
 * Pauses: everybody sees them; leads and policy owners stop and let go on. Going on takes two, which the page
 * says before and after.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../api";
import { Empty, Failure, Skeleton } from "../parts/bits";
import { refusalOf } from "../parts/password_form";
import { Head } from "../parts/table";
import { Said } from "../parts/untrusted";
import { announce } from "../state/announce";
import { now } from "../state/clock";
import { covered, pauses, pausesFailure, readPauses } from "../state/pauses";
import { me, noticeProblem } from "../state/session";
import { clockTime } from "../text/format";
import type { Pause } from "../wire";

const COVERS = [
    { value: "", label: "Everything" },
    { value: "agent", label: "An agent" },
    { value: "action", label: "An action" },
    { value: "category", label: "A category" },
] as const;

const mayPause = (): boolean => me.value?.can.lead === true || me.value?.can.policy === true;

function PauseForm() {
    const [what, setWhat] = useState("");
    const name = useRef<HTMLInputElement>(null);
    const reason = useRef<HTMLInputElement>(null);
    const [refusal, setRefusal] = useState("");
    const [busy, setBusy] = useState(false);
    const send = async (event: Event): Promise<void> => {
        event.preventDefault();
        setBusy(true);
        setRefusal("");
        try {
            await api.pause({
                reason: reason.current?.value ?? "",
                ...(what !== "" && { [what]: name.current?.value ?? "" }),
            });
            await readPauses();
            announce("Paused.");
            (event.target as HTMLFormElement).reset();
            setWhat("");
        } catch (thrown) {
            setRefusal(refusalOf(noticeProblem(thrown)));
        }
        setBusy(false);
    };
    return (
        <section class="block" aria-labelledby="pause-heading">
            <h2 id="pause-heading">Pause</h2>
            <p class="quiet">
                It holds at once: new proposals are held, nothing is approved or executed, and
                approvals that can still be undone come back to people. You can do it alone; to go
                on takes two.
            </p>
            <form onSubmit={send} class="inline-form">
                <div class="field">
                    <label for="pause-what">What</label>
                    <select
                        id="pause-what"
                        value={what}
                        onChange={(event) => setWhat(event.currentTarget.value)}
                    >
                        {COVERS.map(({ value, label }) => (
                            <option key={value} value={value}>
                                {label}
                            </option>
                        ))}
                    </select>
                </div>
                {what !== "" && (
                    <div class="field">
                        <label for="pause-name">Name of the {what}</label>
                        <input id="pause-name" ref={name} type="text" required maxLength={256} />
                    </div>
                )}
                <div class="field grow">
                    <label for="pause-reason">Reason</label>
                    <input id="pause-reason" ref={reason} type="text" required maxLength={1000} />
                </div>
                <button type="submit" class="reject" disabled={busy}>
                    {busy ? "Pausing" : "Pause now"}
                </button>
            </form>
            <p class="error" id="pause-refusal" role="alert">
                {refusal}
            </p>
        </section>
    );
}

function Resume({ pause }: { pause: Pause }) {
    const [busy, setBusy] = useState(false);
    const mine = pause.resume_asked_by?.id === me.value?.id;
    if (!mayPause() || mine) {
        return null;
    }
    const resume = async (): Promise<void> => {
        setBusy(true);
        try {
            const { ended_at } = await api.resume(pause.id);
            announce(ended_at ? "It goes on." : "Noted: a second person has to agree.");
        } catch (thrown) {
            pausesFailure.value = noticeProblem(thrown);
        }
        await readPauses();
        setBusy(false);
    };
    return (
        <button type="button" disabled={busy} onClick={() => void resume()}>
            {pause.resume_asked_at ? "Agree, and go on" : "Go on"}
        </button>
    );
}

function PauseRow({ pause }: { pause: Pause }) {
    const { kind, name } = covered(pause);
    return (
        <tr>
            <th scope="row">
                {kind} {name !== "" && <Said text={name} />}
                <span class="sub">
                    <Said text={pause.reason} />
                </span>
            </th>
            <td data-label="Since" class="tnum">
                {clockTime(pause.at, now.value)}
            </td>
            <td data-label="By">
                <Said text={pause.by?.name ?? "operator"} />
            </td>
            <td data-label="Going on">
                {pause.resume_asked_at ? (
                    <>
                        <Said text={pause.resume_asked_by?.name ?? "operator"} /> asked: one more
                        person
                    </>
                ) : (
                    "nobody has asked"
                )}
            </td>
            <td class="row-actions">
                <Resume pause={pause} />
            </td>
        </tr>
    );
}

export function PausesPage() {
    useEffect(() => void readPauses(), []);
    const list = pauses.value;
    return (
        <div class="page scroll" role="region" aria-labelledby="pauses-heading" tabIndex={0}>
            <h1 id="pauses-heading">Pauses</h1>
            {pausesFailure.value && (
                <Failure problem={pausesFailure.value} retry={() => void readPauses()} />
            )}
            {list === null && pausesFailure.value === null && (
                <Skeleton lines={4} label="Loading pauses" />
            )}
            {list?.length === 0 && (
                <Empty title="Nothing is paused">Agents go on as the policy says.</Empty>
            )}
            {list && list.length > 0 && (
                <table class="wide-table stacked">
                    <Head columns={["What", "Since", "By", "Going on"]} last="Actions" />
                    <tbody>
                        {list.map((pause) => (
                            <PauseRow key={pause.id} pause={pause} />
                        ))}
                    </tbody>
                </table>
            )}
            {mayPause() && <PauseForm />}
        </div>
    );
}
