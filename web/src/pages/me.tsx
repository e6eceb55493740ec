// SPDX-License-Identifier: Apache-2.0
/*
 * Who am I and what may I do; theme and keys of this browser; signing out.
 */
import { useState } from "preact/hooks";
import { api } from "../api";
import { Tag } from "../parts/bits";
import { KeyTable } from "../parts/keys_panel";
import { PasswordForm } from "../parts/password_form";
import { morePages } from "../parts/shell";
import { Said } from "../parts/untrusted";
import { now } from "../state/clock";
import { singleKeys, theme, THEMES } from "../state/prefs";
import { me, signOut } from "../state/session";
import { clockTime } from "../text/format";
import { ROLE, spoken, word } from "../text/words";

function Person() {
    const who = me.value;
    if (who === null) {
        return null;
    }
    return (
        <section class="block" aria-labelledby="person-heading">
            <h2 id="person-heading">Signed in</h2>
            <dl class="about">
                <div>
                    <dt>Name</dt>
                    <dd>
                        <strong>
                            <Said text={who.name} />
                        </strong>
                    </dd>
                </div>
                <div>
                    <dt>Roles</dt>
                    <dd>
                        {who.roles.map((role) => (
                            <Tag key={role}>{word(ROLE, role)}</Tag>
                        ))}
                    </dd>
                </div>
                <div>
                    <dt>Queues</dt>
                    <dd>{who.queues.length === 0 ? "none" : who.queues.join(", ")}</dd>
                </div>
                <div>
                    <dt>Decides</dt>
                    <dd>{who.can.decide ? "yes" : "no: your roles only read"}</dd>
                </div>
                {who.expires_at && (
                    <div>
                        <dt>Session until</dt>
                        <dd class="tnum">{clockTime(who.expires_at, now.value)}</dd>
                    </div>
                )}
            </dl>
            <button type="button" onClick={() => void signOut()}>
                Sign out
            </button>
            {who.can.admin && (
                <p>
                    <a href="/start">Connect an agent</a>
                </p>
            )}
        </section>
    );
}

function Password() {
    const [done, setDone] = useState(false);
    const password = me.value?.password;
    return (
        <section class="block" aria-labelledby="password-heading">
            <h2 id="password-heading">Password</h2>
            <p class="quiet">
                {password?.set_at
                    ? `Set ${clockTime(password.set_at, now.value)}.`
                    : "None was set."}{" "}
                {password?.reset_at && (
                    <>
                        Reset {clockTime(password.reset_at, now.value)} by{" "}
                        <strong>
                            <Said text={password.reset_by ?? "somebody"} />
                        </strong>
                        .
                    </>
                )}
            </p>
            {done ? (
                <p role="status">
                    Changed. Your other sessions have ended.
                </p>
            ) : (
                <PasswordForm
                    asksCurrent
                    name={me.value?.name ?? ""}
                    label="Change password"
                    done={async () => {
                        me.value = await api.me();
                        setDone(true);
                    }}
                />
            )}
        </section>
    );
}

/* On a phone the bar at the top has no room for these. */
function More() {
    const pages = morePages();
    if (pages.length === 0) {
        return null;
    }
    return (
        <section class="block narrow-only" aria-labelledby="more-heading">
            <h2 id="more-heading">More pages</h2>
            {pages.map(({ url, label }) => (
                <a key={url} class="page-link" href={url}>
                    {label}
                </a>
            ))}
        </section>
    );
}

function Look() {
    return (
        <section class="block" aria-labelledby="look-heading">
            <h2 id="look-heading">This browser</h2>
            <fieldset class="choices">
                <legend>Theme</legend>
                {THEMES.map((name) => (
                    <label key={name}>
                        <input
                            type="radio"
                            name="theme"
                            value={name}
                            checked={theme.value === name}
                            onChange={() => {
                                theme.value = name;
                            }}
                        />
                        {name === "auto" ? "As the system" : spoken(name)}
                    </label>
                ))}
            </fieldset>
            <fieldset class="choices">
                <legend>Keys</legend>
                <label>
                    <input
                        type="checkbox"
                        checked={singleKeys.value}
                        onChange={(event) => {
                            singleKeys.value = event.currentTarget.checked;
                        }}
                    />
                    Single-key shortcuts
                </label>
            </fieldset>
        </section>
    );
}

export function MePage() {
    return (
        <div class="page scroll">
            <h1>Me</h1>
            <div class="columns">
                <Person />
                <More />
                <Password />
                <Look />
            </div>
            <section class="block" aria-labelledby="keys-heading">
                <h2 id="keys-heading">Keys</h2>
                <KeyTable />
            </section>
        </div>
    );
}
