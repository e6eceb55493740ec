// SPDX-License-Identifier: Apache-2.0
/*
 * One proposal as a reviewer reads it, top to bottom: title and state, what will run, why it is
 * here, what the agent says, notes, timeline; and the action bar. The order is fixed: nothing of
 * the agent comes before what will run.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import { useKeys } from "../keys";
import { now } from "../state/clock";
import { guardPainted } from "../state/guard";
import { isMine, opened, rereadProposal, titleOf, unclaim, claim } from "../state/proposal";
import { runningClaim } from "../state/bar";
import { me } from "../state/session";
import { line } from "../state/live";
import { duration, instant } from "../text/format";
import { MODE, MODE_HELP, STATUS, word } from "../text/words";
import type { Proposal } from "../wire";
import { ActionBar } from "./action_bar";
import { Alike } from "./alike";
import { Empty, Failure, Skeleton, Tag } from "./bits";
import { BriefOfAgent } from "./brief";
import { ActionCard } from "./card";
import { Countdown, isAgents } from "./countdown";
import { Asked, Notes } from "./history";
import { later } from "./later";
import { Said } from "./untrusted";
import { Why } from "./why";

const below = () => import("./below");
const EditOffer = later(() => below().then((code) => code.EditOffer), false);
const Revision = later(() => below().then((code) => code.Revision), false);
const Timeline = later(() => below().then((code) => code.Timeline), false);

const RENEW_LEFT_MS = 5 * 60_000;

/* Renews the claim while the person is at it: the tab is visible and half of the time is gone. */
function Heartbeat({ proposal }: { proposal: Proposal }) {
    const until = instant(proposal.hold?.claimed_by?.until);
    const due =
        isMine(proposal) &&
        until !== null &&
        until - now.value < RENEW_LEFT_MS &&
        until > now.value;
    useEffect(() => {
        if (due && !document.hidden && line.value === "live") {
            void claim();
        }
    }, [due]);
    return null;
}

function ClaimState({ proposal }: { proposal: Proposal }) {
    const by = runningClaim(proposal, now.value);
    const until = instant(by?.until);
    if (by === null || proposal.hold?.phase === "undo") {
        return null;
    }
    if (by.id !== me.value?.id) {
        return (
            <span class="claim">
                <Said text={by.name} /> is looking
            </span>
        );
    }
    return (
        <span class="claim mine">
            You hold it {until !== null && <span class="tnum">{duration(until - now.value)}</span>}
            <button
                type="button"
                class="link"
                disabled={opened.value.busy !== null}
                onClick={() => void unclaim()}
            >
                give back
            </button>
        </span>
    );
}

/* Mode, time, claim, queue: what is true about the hold. */
function HoldFacts({ proposal, linked }: { proposal: Proposal; linked: boolean }) {
    const { hold, status, created_at: createdAt } = proposal;
    if (status !== "pending" || hold === null) {
        return (
            <p class="facts-line">
                <Tag>{word(STATUS, status)}</Tag>
            </p>
        );
    }
    return (
        <p class="facts-line">
            <Tag tone={hold.mode === "glance" ? "plain" : "accent"} title={MODE_HELP[hold.mode]}>
                {word(MODE, hold.mode)}
            </Tag>
            {hold.phase === "undo" ? (
                <Tag tone="warn">decided, held for undo</Tag>
            ) : (
                <span class="due">
                    {isAgents(hold) ? "the agent's deadline" : "due"}{" "}
                    <Countdown from={createdAt} hold={hold} />
                </span>
            )}
            <ClaimState proposal={proposal} />
            <span class="quiet">
                queue <Said text={hold.queue} />
            </span>
            {hold.escalations > 0 && <Tag tone="warn">escalated ×{hold.escalations}</Tag>}
            {hold.people_needed > 1 && (
                <Tag tone="accent">
                    {hold.people_done} of {hold.people_needed} people
                </Tag>
            )}
            {proposal.repeat_of && (proposal.alike?.count ?? 0) < 2 && (
                <Tag tone="warn">
                    repeat of <a href={`/p/${proposal.repeat_of}`}>an earlier one</a>
                </Tag>
            )}
            {linked && (
                <a class="own-page" href={`/p/${proposal.id}`}>
                    Full page
                </a>
            )}
        </p>
    );
}

const jump = (name: string) => (): void => {
    const heading = document.getElementById(`${name}-heading`);
    heading?.scrollIntoView({ block: "start" });
    heading?.focus({ preventScroll: true });
};

interface Props {
    readonly level: 1 | 2; /* of the title's heading */
    readonly takeFocus: boolean; /* the title takes the focus when it appears */
    readonly onDecided: (id: string) => void;
}

/* Whatever is open: loading, failed, or there. */
export function ProposalView(props: Props) {
    const { id, shown, problem, slow } = opened.value;
    if (shown !== null) {
        return <Ready key={id} proposal={shown} {...props} />;
    }
    if (problem !== null) {
        return problem.status === 404 ? (
            <Empty title="There is no such proposal here">
                It does not exist, or your role may not see it.
            </Empty>
        ) : (
            <div class="pad">
                <Failure problem={problem} retry={() => void rereadProposal()} />
            </div>
        );
    }
    return (
        <div class="pad">
            {slow && (
                <p class="quiet" role="status">
                    This takes longer than usual. Still waiting for the server.
                </p>
            )}
            <Skeleton lines={9} label="Loading the proposal" />
        </div>
    );
}

function Ready({ proposal, level, takeFocus, onDecided }: Props & { proposal: Proposal }) {
    const Heading = `h${level}` as "h2";
    const heading = useRef<HTMLHeadingElement>(null);
    const [unread, setUnread] = useState(0);
    const { digest, card } = proposal;
    const { before } = opened.value;
    const editable = proposal.status === "pending" && proposal.hold?.phase !== "undo";
    useKeys({
        why: jump("why"),
        facts: jump("facts"),
        options: jump("options"),
        comment: () => document.getElementById("note-field")?.focus(),
    });
    useEffect(() => {
        guardPainted();
        heading.current?.closest(".scroll")?.scrollTo(0, 0);
    }, [digest]);
    useEffect(() => {
        if (takeFocus) {
            heading.current?.focus({ preventScroll: true });
        }
    }, [digest, takeFocus]);
    return (
        <article class="proposal">
            <div class="proposal-body">
                <header class="proposal-head">
                    <Heading ref={heading} id="proposal-title" tabIndex={-1}>
                        <Said text={titleOf(proposal)} />
                    </Heading>
                    <Heartbeat proposal={proposal} />
                    <HoldFacts proposal={proposal} linked={level === 2} />
                    <Alike proposal={proposal} />
                </header>
                {card && (
                    <ActionCard
                        key={digest}
                        card={card}
                        proposal={proposal}
                        level={level + 1}
                        onUnread={setUnread}
                    />
                )}
                <Asked proposal={proposal} level={level + 1} />
                {proposal.edit && <EditOffer proposal={proposal} level={level + 1} />}
                {before && <Revision before={before} proposal={proposal} level={level + 1} />}
                <Why proposal={proposal} level={level + 1} />
                <BriefOfAgent proposal={proposal} editable={editable} level={level + 1} />
                <Notes proposal={proposal} level={level + 1} writable={line.value !== "offline"} />
                <Timeline proposal={proposal} level={level + 1} />
            </div>
            <ActionBar proposal={proposal} unread={unread} onDecided={onDecided} />
        </article>
    );
}
