// SPDX-License-Identifier: Apache-2.0
/*
 * What has happened to a proposal so far, and for auditors the evidence about it. Comes apart from the
 * rest: it stands at the end.
 */
import { now } from "../state/clock";
import { me } from "../state/session";
import { eventDetail, eventName } from "../text/events";
import { clockTime } from "../text/format";
import type { Proposal, TimelineEvent } from "../wire";
import { Said } from "./untrusted";

function Happened({ event }: { event: TimelineEvent }) {
    const detail = eventDetail(event);
    return (
        <li>
            <time dateTime={event.at} title={event.at}>
                {clockTime(event.at, now.value)}
            </time>
            <span>
                <strong>{eventName(event)}</strong>
                {event.by?.name && (
                    <>
                        {" "}
                        by <Said text={event.by.name} />
                    </>
                )}
                {detail && <Said text={detail} />}
                {event.reason && (
                    <>
                        : <Said text={event.reason} />
                    </>
                )}
                {event.log && (
                    <span class="quiet" title="Index in the audit log">
                        {" "}
                        · log {event.log.index}
                    </span>
                )}
            </span>
        </li>
    );
}

/* The bundle that `fermata audit verify` checks, and the same as a page. */
function Evidence({ id }: { id: string }) {
    const url = `/v1/audit/bundle/${id}`;
    return (
        <p>
            Evidence bundle: <a href={`${url}?format=html`} target="_blank" rel="noreferrer">read it</a>
            {" or "}
            <a href={url} download={`${id}.json`}>
                save it as JSON
            </a>
            , with the proofs of the log.
        </p>
    );
}

export function Timeline({ proposal, level }: { proposal: Proposal; level: number }) {
    const Heading = `h${level}` as "h2";
    const events = proposal.timeline ?? [];
    if (events.length === 0) {
        return null;
    }
    return (
        <section class="block" aria-labelledby="timeline-heading">
            <Heading id="timeline-heading">Timeline</Heading>
            <ol class="timeline">
                {events.map((event, index) => (
                    <Happened key={index} event={event} />
                ))}
            </ol>
            {me.value?.can.audit && <Evidence id={proposal.id} />}
        </section>
    );
}
