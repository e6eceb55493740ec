// SPDX-License-Identifier: Apache-2.0
/*
 * What the agent presents: facts, options, draft, recommendation, case against, request. All of it
 * is the agent's text, boxed and labelled as such, below what will run.
 */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { attachmentUrl } from "../api";
import { openForm } from "../state/proposal";
import { saveDraft } from "../state/drafts";
import { bytes, integer, shortDigest } from "../text/format";
import type { Json } from "../text/json";
import { pointerGet } from "../text/pointer";
import type { Evidence, Option, Proposal } from "../wire";
import { Tag } from "./bits";
import { isLong } from "./card";
import { Icon } from "./icons";
import { Prose, Said } from "./untrusted";

/* Only these are drawn; everything else is a download. */
const IMAGES: readonly string[] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/* Members of a fact's data that are still easily read side by side. */
const FLAT_MAX = 12;

interface BlockProps {
    readonly id: string;
    readonly title: string;
    readonly level: number;
    readonly aside?: ComponentChildren; /* beside the title */
    readonly children: ComponentChildren;
}

function Block({ id, title, level, aside, children }: BlockProps) {
    const Heading = `h${level}` as "h2";
    return (
        <section class="block" aria-labelledby={`${id}-heading`}>
            <header class="block-head">
                <Heading id={`${id}-heading`} tabIndex={-1}>
                    {title}
                </Heading>
                {aside}
            </header>
            {children}
        </section>
    );
}

function Attachment({
    proposal,
    evidence,
    number,
}: {
    proposal: string;
    evidence: Evidence;
    number: number;
}) {
    const { attachment, content_type: type = "unknown type" } = evidence;
    if (attachment === undefined) {
        return null;
    }
    const url = attachmentUrl(proposal, attachment.index);
    return (
        <div class="attachment">
            {IMAGES.includes(type) && (
                <img
                    src={url}
                    alt={`Attachment of fact ${number}, supplied by the agent`}
                    loading="lazy"
                />
            )}
            <p class="quiet">
                <a href={url} download>
                    Download
                </a>{" "}
                {bytes(attachment.bytes)}, <Said text={type} />, SHA-256{" "}
                <code title={attachment.sha256}>{shortDigest(attachment.sha256)}</code>
            </p>
        </div>
    );
}

/* Data of a fact: flat members as a table, anything deeper as JSON text. */
function Data({ data }: { data: Json }) {
    const members = data !== null && typeof data === "object" ? Object.entries(data) : [];
    const flat = members.every(([, value]) => value === null || typeof value !== "object");
    if (members.length === 0 || Array.isArray(data) || !flat || members.length > FLAT_MAX) {
        return (
            <div class="data">
                <Prose text={JSON.stringify(data, null, 2)} />
            </div>
        );
    }
    return (
        <dl class="data flat">
            {members.map(([name, value]) => (
                <div key={name}>
                    <dt>
                        <Said text={name} />
                    </dt>
                    <dd>
                        <Said text={String(value)} />
                    </dd>
                </div>
            ))}
        </dl>
    );
}

interface FactProps {
    readonly proposal: string;
    readonly evidence: Evidence;
    readonly number: number;
}

function Fact({ proposal, evidence, number }: FactProps) {
    return (
        <li class="fact">
            <p class="fact-head">
                <strong>
                    <Said text={evidence.title ?? `Fact ${number}`} />
                </strong>
                {evidence.source ? (
                    <span class="source" title="As the agent names it; nobody has checked it.">
                        <span class="sr">Source: </span>
                        <code>
                            <Said text={evidence.source} />
                        </code>
                    </span>
                ) : (
                    <Tag tone="warn" title="Nothing says where this comes from.">
                        no source
                    </Tag>
                )}
            </p>
            {evidence.text && <Prose text={evidence.text} />}
            {evidence.data !== undefined && <Data data={evidence.data} />}
            <Attachment proposal={proposal} evidence={evidence} number={number} />
        </li>
    );
}

function Points({ texts, none }: { texts: readonly string[] | undefined; none: string }) {
    if (!texts || texts.length === 0) {
        return <span class="quiet">{none}</span>;
    }
    return (
        <ul class="points">
            {texts.map((text, index) => (
                <li key={index}>
                    <Said text={text} />
                </li>
            ))}
        </ul>
    );
}

/* Takes an option's own arguments into the edit form: they are still read and sent by the person. */
function takeOption(proposal: Proposal, option: Option): void {
    saveDraft(proposal.id, { raw: JSON.stringify(option.arguments, null, 2), fields: {} });
    openForm("edit");
}

function OptionRow({
    proposal,
    option,
    editable,
}: {
    proposal: Proposal;
    option: Option;
    editable: boolean;
}) {
    return (
        <tr class={option.recommended ? "recommended" : ""}>
            <th scope="row">
                <Said text={option.title} />
                {option.recommended && <Tag tone="accent">agent recommends</Tag>}
                {option.arguments !== undefined && editable && (
                    <button
                        type="button"
                        class="small"
                        onClick={() => takeOption(proposal, option)}
                    >
                        Edit with its arguments
                    </button>
                )}
            </th>
            <td data-label="For">
                <Points texts={option.pros} none="nothing named" />
            </td>
            <td data-label="Against">
                <Points texts={option.cons} none="nothing named" />
            </td>
        </tr>
    );
}

function Options({
    proposal,
    editable,
    level,
}: {
    proposal: Proposal;
    editable: boolean;
    level: number;
}) {
    const options = proposal.brief?.options ?? [];
    return (
        <Block id="options" title="Options" level={level}>
            {options.length === 0 ? (
                <p class="quiet">The agent named none.</p>
            ) : (
                <table class="options">
                    <thead>
                        <tr>
                            <th scope="col">Option</th>
                            <th scope="col">For</th>
                            <th scope="col">Against</th>
                        </tr>
                    </thead>
                    <tbody>
                        {options.map((option, index) => (
                            <OptionRow
                                key={index}
                                proposal={proposal}
                                option={option}
                                editable={editable}
                            />
                        ))}
                    </tbody>
                </table>
            )}
        </Block>
    );
}

/* The draft as the agent laid it out, where the card above shows only its beginning and end. */
function Draft({ proposal, level }: { proposal: Proposal; level: number }) {
    const pointer = proposal.brief?.draft?.pointer;
    const text = pointer === undefined ? undefined : pointerGet(proposal.arguments, pointer);
    const line = proposal.card?.lines.find((other) => other.pointer === pointer);
    if (typeof text !== "string" || (line !== undefined && !isLong(line))) {
        return null;
    }
    return (
        <Block id="draft" title="Draft" level={level}>
            <p class="quiet">
                Part of what will run, at{" "}
                <code>
                    <Said text={pointer ?? ""} />
                </code>
                . Links are not clickable.
            </p>
            <div class="draft">
                <Prose text={text} />
            </div>
        </Block>
    );
}

/* Two decimals at most, and never 100 for what is less. */
const stated = (confidence: number): string => `${Math.floor(confidence * 1000) / 10} %`;

/* The agent's own claim, and marked as one. */
function Confidence({ confidence }: { confidence: number | undefined }) {
    return confidence === undefined ? (
        <p class="confidence quiet">no confidence stated</p>
    ) : (
        <p class="confidence" title="The agent's own claim; nobody has checked it.">
            stated confidence <strong>{stated(confidence)}</strong>
            <span class="meter" aria-hidden="true">
                <span class="fill" style={{ width: `${confidence * 100}%` }} />
            </span>
        </p>
    );
}

function Recommendation({ proposal, level }: { proposal: Proposal; level: number }) {
    const { recommendation, reasoning, confidence } = proposal.brief ?? {};
    return (
        <Block
            id="recommendation"
            title="Recommendation"
            level={level}
            aside={<Confidence confidence={confidence} />}
        >
            {recommendation ? (
                <div class="lead">
                    <Prose text={recommendation} />
                </div>
            ) : (
                <p class="quiet">The agent recommends nothing.</p>
            )}
            {reasoning && <Prose text={reasoning} />}
        </Block>
    );
}

function Facts({ proposal, level }: { proposal: Proposal; level: number }) {
    const evidence = proposal.brief?.evidence ?? [];
    return (
        <Block id="facts" title={`Facts (${integer(evidence.length)})`} level={level}>
            {evidence.length === 0 ? (
                <p class="quiet">The agent supplied none.</p>
            ) : (
                <ol class="facts">
                    {evidence.map((item, index) => (
                        <Fact
                            key={index}
                            proposal={proposal.id}
                            evidence={item}
                            number={index + 1}
                        />
                    ))}
                </ol>
            )}
        </Block>
    );
}

function Request({ text, level }: { text: string | undefined; level: number }) {
    return (
        <Block id="request" title="Request" level={level}>
            {text ? (
                <div class="quote">
                    <Prose text={text} />
                </div>
            ) : (
                <p class="quiet">The request was not supplied.</p>
            )}
        </Block>
    );
}

/* What the agent wants, and what speaks against it, side by side. */
function Advice({ proposal, level }: { proposal: Proposal; level: number }) {
    const against = proposal.brief?.case_against;
    return (
        <div class="pair">
            <Recommendation proposal={proposal} level={level} />
            <Block id="against" title="Case against" level={level}>
                {against ? (
                    <Prose text={against} />
                ) : (
                    <p class="none">
                        <Icon name="warn" /> The agent named none.
                    </p>
                )}
            </Block>
        </div>
    );
}

interface BriefProps {
    readonly proposal: Proposal;
    readonly editable: boolean;
    readonly level: number;
}

/* The brief as the agent's own area, with its label. Who has to read it sees the facts before the
 * advice. */
export function BriefOfAgent({ proposal, editable, level }: BriefProps) {
    const Heading = `h${level}` as "h2";
    const { request, summary } = proposal.brief ?? {};
    const below = level + 1;
    /* Once: nothing may change places under the reader when the hold ends. */
    const [adviceFirst] = useState((proposal.hold?.mode ?? "glance") === "glance");
    return (
        <section class="agent" aria-labelledby="agent-heading">
            <header class="agent-head">
                <Heading id="agent-heading">From the agent</Heading>
                <p class="quiet">
                    Written by <Said text={proposal.agent.name} />
                    {proposal.agent_version && (
                        <>
                            , version <Said text={proposal.agent_version} />
                        </>
                    )}
                    . Not checked by Fermata.
                </p>
            </header>
            {summary && (
                <div class="lead">
                    <Prose text={summary} />
                </div>
            )}
            {adviceFirst && <Advice proposal={proposal} level={below} />}
            <Facts proposal={proposal} level={below} />
            <Options proposal={proposal} editable={editable} level={below} />
            <Draft proposal={proposal} level={below} />
            {!adviceFirst && <Advice proposal={proposal} level={below} />}
            <Request text={request} level={below} />
            <About proposal={proposal} />
        </section>
    );
}

/* The rest of what the agent said about it: on whose behalf, whom it concerns, labels. */
function About({ proposal }: { proposal: Proposal }) {
    const rows: [string, string][] = Object.entries(proposal.labels ?? {});
    const { on_behalf_of: requester, subject } = proposal;
    if (!requester && !subject && rows.length === 0) {
        return null;
    }
    return (
        <dl class="about">
            {requester && (
                <div>
                    <dt>Requester</dt>
                    <dd>
                        <Said text={requester} />
                    </dd>
                </div>
            )}
            {subject && (
                <div>
                    <dt>Subject</dt>
                    <dd>
                        <Said text={subject} />
                    </dd>
                </div>
            )}
            {rows.map(([name, value]) => (
                <div key={name}>
                    <dt>
                        <Said text={name} />
                    </dt>
                    <dd>
                        <Said text={value} />
                    </dd>
                </div>
            ))}
        </dl>
    );
}
