// SPDX-License-Identifier: Apache-2.0
/*
 * One proposal on its own page, `/p/{id}`: where links lead, and what a phone shows. Moves through
 * the inbox by id.
 */
import { useEffect } from "preact/hooks";
import { useKeys } from "../keys";
import { Icon } from "../parts/icons";
import { ProposalView } from "../parts/proposal_view";
import { cameFrom, go } from "../router";
import { neighbour, nextWaiting, refreshInbox, rows, total } from "../state/inbox";
import { decides, home } from "../state/session";
import {
    nextAlike,
    opened,
    openForm,
    openProposal,
    prefetchProposal,
    titleOf,
} from "../state/proposal";
import { integer } from "../text/format";
import { spelledOut } from "../text/hidden";

function Step({ id, label, icon }: { id: string | null; label: string; icon: "back" | "forward" }) {
    return id === null ? (
        <span class="step off" aria-hidden="true">
            <Icon name={icon} />
        </span>
    ) : (
        <a class="step" href={`/p/${id}`} aria-label={label}>
            <Icon name={icon} />
        </a>
    );
}

const LABELS: Readonly<Record<string, string>> = {
    "/": "Inbox",
    "/done": "Done",
    "/proposals": "Proposals",
};

/* The page that this one was opened from, or the one that we start from. */
const backUrl = (): string => cameFrom.value || home();

/* Where this one stands in the list, with the way to its neighbours. */
function Position({ id }: { id: string }) {
    const at = rows.value.findIndex((row) => row.item.id === id);
    const url = backUrl();
    return (
        <div class="position">
            <a class="back" href={url}>
                <Icon name="back" />
                {LABELS[url.split("?")[0] as string] ?? "Back"}
            </a>
            {at >= 0 && (
                <nav aria-label="Neighbours">
                    <Step id={neighbour(id, -1)} label="Previous proposal" icon="back" />
                    <span class="tnum">
                        {integer(at + 1)} of {integer(total.value)}
                    </span>
                    <Step id={neighbour(id, 1)} label="Next proposal" icon="forward" />
                </nav>
            )}
        </div>
    );
}

export function ProposalPage({ id }: { id: string }) {
    useEffect(() => {
        openProposal(id);
        prefetchProposal(nextWaiting(id));
    }, [id]);
    useEffect(() => {
        if (rows.value.length === 0 && decides()) {
            void refreshInbox({}, false);
        }
    }, []);
    const { shown } = opened.value;
    useEffect(() => {
        document.title = shown ? `${spelledOut(titleOf(shown)).slice(0, 80)} · Fermata` : "Fermata";
    }, [shown]);
    const to = (next: string | null): void => {
        if (next !== null) {
            go(`/p/${next}`);
        }
    };
    const decided = (done: string): void => {
        const next = nextAlike(done) ?? nextWaiting(done);
        to(next);
        if (next === null) {
            document.getElementById("proposal-title")?.focus();
        }
    };
    useKeys({
        next: () => to(neighbour(id, 1)),
        previous: () => to(neighbour(id, -1)),
        back: () => (opened.value.form !== null ? openForm(null) : go(backUrl())),
    });
    return (
        <div class="single scroll">
            <Position id={id} />
            {shown === null && <h1 class="sr">Proposal</h1>}
            {opened.value.id === id && <ProposalView level={1} takeFocus onDecided={decided} />}
        </div>
    );
}
