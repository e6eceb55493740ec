// SPDX-License-Identifier: Apache-2.0
/*
 * What surrounds every page: the bar at the top, the line for offline, the decision that can still
 * be undone, the lines for screen readers, and the keys that work everywhere.
 */
import type { ComponentChildren } from "preact";
import { useKeys } from "../keys";
import { cameFrom, go, place } from "../router";
import { announce, polite, urgent } from "../state/announce";
import { now } from "../state/clock";
import {
    dropHeld,
    held,
    stillHeld,
    undoable,
    undoDecision,
    type HeldDecision,
} from "../state/held";
import { pendingNow } from "../state/inbox";
import { wide } from "../state/layout";
import { line } from "../state/live";
import { adopt } from "../state/proposal";
import { decides, home, me, seesAll } from "../state/session";
import { duration, integer } from "../text/format";
import { DECIDED, word } from "../text/words";
import { Key } from "./bits";
import { Dialogs, openHelp } from "./dialogs";
import { Icon, Logo } from "./icons";
import { PauseBanner } from "./pause_banner";
import { Said } from "./untrusted";
import type { Me } from "../wire";

interface NavPage {
    readonly url: string;
    readonly label: string;
    readonly more?: true; /* not in the bar of a phone, unless one starts there: found under Me */
    readonly shown?: (can: Me["can"]) => boolean;
}

const PAGES: readonly NavPage[] = [
    { url: "/", label: "Inbox", shown: decides },
    { url: "/done", label: "Done", shown: decides },
    { url: "/proposals", label: "Proposals", more: true, shown: () => decides() || seesAll() },
    { url: "/categories", label: "Categories" },
    {
        url: "/callbacks",
        label: "Callbacks",
        more: true,
        shown: ({ admin, lead }) => admin || lead,
    },
    { url: "/pauses", label: "Pauses", more: true, shown: ({ lead, policy }) => lead || policy },
    { url: "/policy", label: "Policy", more: true, shown: seesAll },
    {
        url: "/people",
        label: "People",
        more: true,
        shown: ({ admin, audit, lead }) => admin || audit || lead,
    },
];

const hasPage = ({ shown }: NavPage): boolean =>
    shown === undefined || (me.value !== null && shown(me.value.can));

const isMore = ({ more, url }: NavPage): boolean => more === true && url !== home();

/* The pages that a phone has no room for in its bar. */
export const morePages = (): readonly NavPage[] =>
    PAGES.filter((page) => isMore(page) && hasPage(page));

const LINES = {
    live: { label: "Live", help: "The page follows the server as things happen." },
    connecting: { label: "Connecting", help: "Waiting for the event stream." },
    offline: { label: "Offline", help: "No connection: read only." },
} as const;

function Nav() {
    const { path } = place.value;
    const here = path.startsWith("/p/") ? (cameFrom.value || home()).split("?")[0] : path;
    return (
        <nav aria-label="Pages">
            {PAGES.filter(hasPage).map((page) => (
                <a
                    key={page.url}
                    href={page.url}
                    class={isMore(page) ? "wide-only" : undefined}
                    aria-current={here === page.url ? "page" : undefined}
                >
                    {page.label}
                    {page.url === "/" && pendingNow.value !== null && (
                        <span class="count">{integer(pendingNow.value)}</span>
                    )}
                </a>
            ))}
        </nav>
    );
}

/* Takes a decision back and shows the proposal again. */
async function undo(entry: HeldDecision): Promise<void> {
    const proposal = await undoDecision(entry.id);
    if (proposal !== null) {
        go(wide.value && place.value.path === "/" ? `/?sel=${proposal.id}` : `/p/${proposal.id}`);
        adopt(proposal);
    }
}

/* The newest decision while it can be undone, or just after it was sent. */
function HeldLine() {
    const entry = stillHeld(now.value)[0];
    if (held.value.length === 0 || entry === undefined) {
        return null;
    }
    const left = entry.releaseAt - now.value;
    return (
        <aside class="held" aria-label="Last decision">
            <Icon name="check" />
            <p>
                <strong class="cap">{word(DECIDED, entry.verdict)}</strong>{" "}
                <Said text={entry.title} />
            </p>
            {left > 0 ? (
                <button type="button" onClick={() => void undo(entry)}>
                    <Icon name="undo" />
                    Undo <span class="tnum">{duration(left)}</span> <Key>z</Key>
                </button>
            ) : (
                <button type="button" class="link" onClick={() => dropHeld(entry.id)}>
                    Dismiss
                </button>
            )}
        </aside>
    );
}

function TopBar() {
    const state = LINES[line.value];
    return (
        <div class="top">
            <a class="brand" href="/" aria-label="Fermata">
                <Logo />
                <span>Fermata</span>
            </a>
            <Nav />
            <div class="top-end">
                <span class={`line ${line.value}`} title={state.help}>
                    {state.label}
                </span>
                <button
                    type="button"
                    class="plain keys-button"
                    aria-label="Keys"
                    aria-keyshortcuts="?"
                    onClick={openHelp}
                >
                    <kbd aria-hidden="true">?</kbd>
                </button>
                <a
                    class="who"
                    href="/me"
                    aria-current={place.value.path === "/me" ? "page" : undefined}
                >
                    <span class="sr">Me: </span>
                    <Said text={me.value?.name ?? ""} />
                </a>
            </div>
        </div>
    );
}

function useGlobalKeys(): void {
    useKeys({
        help: openHelp,
        undo: () => {
            const entry = undoable(now.value);
            if (entry) {
                void undo(entry);
            } else {
                announce("Nothing to undo.");
            }
        },
        "go-inbox": () => go("/"),
        "go-done": decides() ? () => go("/done") : undefined,
        "go-proposals": decides() || seesAll() ? () => go("/proposals") : undefined,
        "go-categories": () => go("/categories"),
        "go-people": () => go("/people"),
        "go-pauses": () => go("/pauses"),
        "go-policy": seesAll() ? () => go("/policy") : undefined,
        "go-me": () => go("/me"),
    });
}

export function Shell({ children }: { children: ComponentChildren }) {
    useGlobalKeys();
    return (
        <>
            <a class="skip" href="#main">
                Skip to content
            </a>
            <header class="chrome">
                <TopBar />
                <PauseBanner />
                {line.value === "offline" && (
                    <p class="offline-line">
                        <Icon name="warn" />
                        Offline: read only. Decisions are refused, not queued. Trying to reconnect.
                    </p>
                )}
            </header>
            <main id="main" tabIndex={-1}>
                {children}
            </main>
            <HeldLine />
            <div class="sr" role="status" aria-live="polite">
                {polite.value}
            </div>
            <div class="sr" role="alert" aria-live="assertive">
                {urgent.value}
            </div>
            <Dialogs />
        </>
    );
}
