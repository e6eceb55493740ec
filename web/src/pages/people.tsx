// SPDX-License-Identifier: Apache-2.0
/*
 * People and access: who is there and what they may do, agents with their keys, services with their tokens. An
 * admin changes; leads and auditors read. Nobody sets a password for somebody else.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { api } from "../api";
import { Failure, Skeleton, Tag } from "../parts/bits";
import { Dialog } from "../parts/dialogs";
import { Head } from "../parts/table";
import { Said } from "../parts/untrusted";
import { now } from "../state/clock";
import { access, change, codeFor, failure, readAccess, shownOnce } from "../state/people";
import { me } from "../state/session";
import { clockTime } from "../text/format";
import { ROLE, SCOPE, word } from "../text/words";
import type { Agent, KeyRow, Person, Secret } from "../wire";

const isAdmin = (): boolean => me.value?.can.admin === true;
const when = (text: string | null): string =>
    text === null ? "never" : clockTime(text, now.value);

/* --- what is shown once, and what is asked first --------------------------------------------------- */

function Once() {
    const shown = shownOnce.value;
    if (shown === null) {
        return null;
    }
    const close = (): void => {
        shownOnce.value = null;
    };
    return (
        <Dialog title={shown.title} onCancel={close}>
            <p>
                <code class="secret">{shown.secret}</code>
            </p>
            <p>{shown.hint}</p>
            <div class="send-row">
                <button
                    type="button"
                    onClick={() => void navigator.clipboard?.writeText(shown.secret)}
                >
                    Copy
                </button>
                <button type="button" class="primary" autofocus onClick={close}>
                    I have kept it
                </button>
            </div>
        </Dialog>
    );
}

/* A button that asks before it acts. */
function Asking({
    label,
    question,
    yes,
    act,
}: {
    label: string;
    question: ComponentChildren;
    yes: string;
    act: () => Promise<unknown>;
}) {
    const [open, setOpen] = useState(false);
    const go = async (): Promise<void> => {
        setOpen(false);
        await act();
    };
    return (
        <>
            <button type="button" class="small" onClick={() => setOpen(true)}>
                {label}
            </button>
            {open && (
                <Dialog title={yes} onCancel={() => setOpen(false)}>
                    <p>{question}</p>
                    <div class="send-row">
                        <button type="button" autofocus onClick={() => setOpen(false)}>
                            Cancel
                        </button>
                        <button type="button" class="primary" onClick={() => void go()}>
                            {yes}
                        </button>
                    </div>
                </Dialog>
            )}
        </>
    );
}

/* Boxes to tick, as one set. */
function Choices({
    legend,
    words,
    chosen,
    choose,
}: {
    legend: string;
    words: Readonly<Record<string, string>>;
    chosen: readonly string[];
    choose: (chosen: readonly string[]) => void;
}) {
    return (
        <fieldset class="choices">
            <legend>{legend}</legend>
            {Object.keys(words).map((name) => (
                <label key={name}>
                    <input
                        type="checkbox"
                        checked={chosen.includes(name)}
                        onChange={(event) =>
                            choose(
                                event.currentTarget.checked
                                    ? [...chosen, name]
                                    : chosen.filter((other) => other !== name),
                            )
                        }
                    />
                    {word(words, name)}
                </label>
            ))}
        </fieldset>
    );
}

/* --- people ---------------------------------------------------------------------------------------- */

function RolesDialog({ person, close }: { person: Person; close: () => void }) {
    const [roles, setRoles] = useState<readonly string[]>(person.roles);
    const save = async (): Promise<void> => {
        close();
        await change(async () => {
            await api.setRoles(person.id, roles);
            return null;
        });
    };
    return (
        <Dialog title={`Roles of ${person.name}`} onCancel={close}>
            <Choices legend="What they may do" words={ROLE} chosen={roles} choose={setRoles} />
            <div class="send-row">
                <button type="button" onClick={close}>
                    Cancel
                </button>
                <button
                    type="button"
                    class="primary"
                    disabled={roles.length === 0}
                    onClick={() => void save()}
                >
                    Save
                </button>
            </div>
        </Dialog>
    );
}

const reset = (person: Person): Promise<boolean> =>
    change(async () => codeFor(person.name, (await api.resetPassword(person.id)).code ?? ""));

const setActive = (person: Person, active: boolean): Promise<boolean> =>
    change(async () => {
        await api.setActive(person.id, active);
        return null;
    });

function PersonActions({ person }: { person: Person }) {
    const [editing, setEditing] = useState(false);
    if (!person.active) {
        return (
            <button type="button" class="small" onClick={() => void setActive(person, true)}>
                Reactivate <span class="sr">{person.name}</span>
            </button>
        );
    }
    return (
        <>
            <button type="button" class="small" onClick={() => setEditing(true)}>
                Roles <span class="sr">of {person.name}</span>
            </button>
            {person.id !== me.value?.id && (
                <>
                    <Asking
                        label="Reset password"
                        yes={`Reset the password of ${person.name}`}
                        question="Their password, sessions and tokens end now. You get a one-time code for them; they read that it was you."
                        act={() => reset(person)}
                    />
                    <Asking
                        label="Deactivate"
                        yes={`Deactivate ${person.name}`}
                        question="Sessions and tokens end now. What they decided keeps their name; the account can be given back."
                        act={() => setActive(person, false)}
                    />
                </>
            )}
            {editing && <RolesDialog person={person} close={() => setEditing(false)} />}
        </>
    );
}

function PersonRow({ person }: { person: Person }) {
    return (
        <tr class={person.active ? "" : "off"}>
            <th scope="row">
                <Said text={person.name} />
            </th>
            <td data-label="Roles" class="tags">
                {person.roles.map((role) => (
                    <Tag key={role}>{word(ROLE, role)}</Tag>
                ))}
            </td>
            <td data-label="State">
                {!person.active
                    ? "Deactivated"
                    : person.must_change_password
                      ? "Must set a password"
                      : "Active"}
            </td>
            <td data-label="Signed in" class="tnum">
                {when(person.last_sign_in_at)}
            </td>
            {isAdmin() && (
                <td class="row-actions">
                    <PersonActions person={person} />
                </td>
            )}
        </tr>
    );
}

function AddPerson() {
    const name = useRef<HTMLInputElement>(null);
    const [roles, setRoles] = useState<readonly string[]>(["reviewer"]);
    const send = async (event: Event): Promise<void> => {
        event.preventDefault();
        const who = name.current?.value ?? "";
        const added = await change(async () =>
            codeFor(who, (await api.addPerson(who, roles)).code ?? ""),
        );
        if (added && name.current) {
            name.current.value = "";
        }
    };
    return (
        <form class="inline-form" onSubmit={send}>
            <div class="field">
                <label for="person-name">New person</label>
                <input
                    id="person-name"
                    ref={name}
                    type="text"
                    required
                    maxLength={64}
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck={false}
                />
            </div>
            <Choices legend="Roles" words={ROLE} chosen={roles} choose={setRoles} />
            <button type="submit" class="primary" disabled={roles.length === 0}>
                Add person
            </button>
        </form>
    );
}

function People({ people }: { people: readonly Person[] }) {
    return (
        <section class="block" aria-labelledby="people-list">
            <h2 id="people-list">People</h2>
            <table class="wide-table stacked">
                <Head columns={["Name", "Roles", "State", "Signed in"]} last={isAdmin() && "Actions"} />
                <tbody>
                    {people.map((person) => (
                        <PersonRow key={person.id} person={person} />
                    ))}
                </tbody>
            </table>
            {isAdmin() && <AddPerson />}
        </section>
    );
}

/* --- keys ------------------------------------------------------------------------------------------- */

const revoke = (key: KeyRow): Promise<boolean> =>
    change(async () => {
        await api.revoke(key.id);
        return null;
    });

function KeyLine({ row }: { row: KeyRow }) {
    return (
        <li>
            <span>
                <code>…{row.id.slice(-6)}</code>{" "}
                {row.scopes.map((scope) => (
                    <Tag key={scope}>{word(SCOPE, scope)}</Tag>
                ))}{" "}
                <span class="quiet">
                    made {when(row.created_at)} by{" "}
                    <Said text={row.created_by?.name ?? "operator"} />, used {when(row.last_used_at)}
                    {row.expires_at && `, until ${when(row.expires_at)}`}
                </span>
            </span>
            {isAdmin() && (
                <Asking
                    label="Revoke"
                    yes={`Revoke …${row.id.slice(-6)}`}
                    question="It opens nothing any more from the next request on. This cannot be taken back."
                    act={() => revoke(row)}
                />
            )}
        </li>
    );
}

const secretOf = (title: string, made: Secret) => ({
    title,
    secret: made.key ?? made.token ?? "",
    hint: "Shown this once: keep it now, in a secret store. It is sent as Authorization: Bearer.",
});

function AgentItem({ agent, keys }: { agent: Agent; keys: readonly KeyRow[] | null }) {
    return (
        <div class="holder">
            <h3>
                <Said text={agent.name} />{" "}
                <span class="quiet">
                    of <Said text={agent.owner.name} />
                </span>
            </h3>
            {keys && (
                <ul class="key-list">
                    {keys.map((row) => (
                        <KeyLine key={row.id} row={row} />
                    ))}
                </ul>
            )}
            {isAdmin() && (
                <Asking
                    label="New key"
                    yes={`Make a key for ${agent.name}`}
                    question="Its other keys stay good, so that one can be replaced without an interruption."
                    act={() =>
                        change(async () =>
                            secretOf(`Key of ${agent.name}`, await api.addKey(agent.name)),
                        )
                    }
                />
            )}
        </div>
    );
}

function AddAgent({ people }: { people: readonly Person[] }) {
    const name = useRef<HTMLInputElement>(null);
    const owner = useRef<HTMLSelectElement>(null);
    const send = async (event: Event): Promise<void> => {
        event.preventDefault();
        const who = name.current?.value ?? "";
        const added = await change(async () =>
            secretOf(`First key of ${who}`, await api.addAgent(who, owner.current?.value ?? "")),
        );
        if (added && name.current) {
            name.current.value = "";
        }
    };
    return (
        <form class="inline-form" onSubmit={send}>
            <div class="field">
                <label for="agent-name">New agent</label>
                <input id="agent-name" ref={name} type="text" required maxLength={64} autocomplete="off" spellcheck={false} />
            </div>
            <div class="field">
                <label for="agent-owner">Owner</label>
                <select id="agent-owner" ref={owner}>
                    {people
                        .filter(({ active }) => active)
                        .map((person) => (
                            <option key={person.id} value={person.name}>
                                {person.name}
                            </option>
                        ))}
                </select>
            </div>
            <button type="submit" class="primary">
                Add agent
            </button>
        </form>
    );
}

function Agents() {
    const { agents = [], keys = null, people = [] } = access.value ?? {};
    return (
        <section class="block" aria-labelledby="agents-list">
            <h2 id="agents-list">Agents</h2>
            {agents.length === 0 && <p class="quiet">No agent yet.</p>}
            {agents.map((agent) => (
                <AgentItem
                    key={agent.id}
                    agent={agent}
                    keys={keys && keys.filter((row) => row.agent?.id === agent.id)}
                />
            ))}
            {isAdmin() && <AddAgent people={people} />}
        </section>
    );
}

function AddService() {
    const name = useRef<HTMLInputElement>(null);
    const [scopes, setScopes] = useState<readonly string[]>(["metrics"]);
    const send = async (event: Event): Promise<void> => {
        event.preventDefault();
        const who = name.current?.value ?? "";
        const added = await change(async () =>
            secretOf(`Token of ${who}`, await api.addService(who, scopes)),
        );
        if (added && name.current) {
            name.current.value = "";
        }
    };
    return (
        <form class="inline-form" onSubmit={send}>
            <div class="field">
                <label for="service-name">New service</label>
                <input id="service-name" ref={name} type="text" required maxLength={64} autocomplete="off" spellcheck={false} />
            </div>
            <Choices legend="May read" words={SCOPE} chosen={scopes} choose={setScopes} />
            <button type="submit" class="primary" disabled={scopes.length === 0}>
                Make a token
            </button>
        </form>
    );
}

/* Tokens of people and of services: everything that is no agent's key. */
function Tokens({ keys }: { keys: readonly KeyRow[] }) {
    const rows = keys.filter((row) => row.agent === null);
    return (
        <section class="block" aria-labelledby="tokens-list">
            <h2 id="tokens-list">Tokens</h2>
            <p class="quiet">
                Services are machines that are not agents, such as monitoring: they only read, and
                their tokens expire. Personal tokens act as their person.
            </p>
            {rows.map((row) => (
                <div class="holder" key={row.id}>
                    <h3>
                        <Said text={row.service ?? row.person?.name ?? ""} />{" "}
                        <span class="quiet">{row.service ? "service" : "person"}</span>
                    </h3>
                    <ul class="key-list">
                        <KeyLine row={row} />
                    </ul>
                </div>
            ))}
            {isAdmin() && <AddService />}
        </section>
    );
}

function Review() {
    return (
        <p class="quiet">
            The access review, for an auditor:{" "}
            <a href="/v1/people/access-review?format=csv" download="access-review.csv">
                CSV
            </a>{" "}
            or{" "}
            <a href="/v1/people/access-review" download="access-review.json">
                JSON
            </a>
            .
        </p>
    );
}

export function PeoplePage() {
    useEffect(() => void readAccess(), []);
    const seen = access.value;
    return (
        <div class="page scroll" role="region" aria-labelledby="people-heading" tabIndex={0}>
            <h1 id="people-heading">People and access</h1>
            {seen?.keys && <Review />}
            {failure.value && <Failure problem={failure.value} retry={() => void readAccess()} />}
            {seen === null && failure.value === null && (
                <Skeleton lines={8} label="Loading people" />
            )}
            {seen && (
                <>
                    <People people={seen.people} />
                    <Agents />
                    {seen.keys && <Tokens keys={seen.keys} />}
                </>
            )}
            <Once />
        </div>
    );
}
