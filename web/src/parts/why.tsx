// SPDX-License-Identifier: Apache-2.0
/*
 * WHY YOU SEE THIS: every reason of the assessment, the strictest first, with the values that made
 * its rule match, and what people decided about this agent in this category before.
 */
import { seesAll } from "../state/session";
import { integer, plural, share } from "../text/format";
import type { Json } from "../text/json";
import { SOURCE, VERDICT, word } from "../text/words";
import type { DecisionCounts, Fact, Proposal, Reason } from "../wire";
import { Tag, type Tone } from "./bits";
import { Said } from "./untrusted";

const TONES: Readonly<Record<string, Tone>> = { block: "danger", review: "warn", earn: "accent" };

const STRICTNESS = ["allow", "earn", "review", "block"];

/* What decided stands first; reasons of one verdict stay in the order of the server. */
const strictestFirst = (reasons: readonly Reason[]): Reason[] =>
    [...reasons].sort((a, b) => STRICTNESS.indexOf(b.verdict) - STRICTNESS.indexOf(a.verdict));

/* Texts in quotes, so that a number and its digits look different; amounts of a budget are decimals. */
const shownValue = (value: Json, source: string): string =>
    typeof value !== "string" ? JSON.stringify(value) : source === "budget" ? value : `"${value}"`;

/* What made a condition true: parts of it as the policy has them, values as the agent gave them. */
function Facts({ values, source }: { values: readonly Fact[]; source: string }) {
    return (
        <ul class="facts">
            {values.map(({ expression, value }, index) => (
                <li key={index}>
                    <code>
                        <Said text={expression} /> = <Said text={shownValue(value, source)} />
                    </code>
                </li>
            ))}
        </ul>
    );
}

function ReasonLine({ reason }: { reason: Reason }) {
    return (
        <li class="reason">
            <Tag tone={TONES[reason.verdict] ?? "plain"}>{word(VERDICT, reason.verdict)}</Tag>
            <div>
                <Tag>{word(SOURCE, reason.source)}</Tag>{" "}
                {reason.rule && (
                    <strong>
                        <Said text={reason.rule} />
                    </strong>
                )}
                {reason.rule && reason.text && ": "}
                {reason.text && <Said text={reason.text} />}
                {reason.pointer && (
                    <span class="quiet">
                        {" "}
                        at{" "}
                        <code>
                            <Said text={reason.pointer} />
                        </code>
                    </span>
                )}
                {reason.p_value !== undefined && <span class="quiet"> (p = {reason.p_value})</span>}
                {reason.values && reason.values.length > 0 && <Facts values={reason.values} source={reason.source} />}
            </div>
        </li>
    );
}

/* The reviews of an agent in a category as a bar of three parts; the numbers stand beside it. */
export function DecisionBar({ counts }: { counts: DecisionCounts }) {
    const { approved, modified, rejected } = counts;
    const parts = [
        ["ok", approved],
        ["warn", modified],
        ["danger", rejected],
    ] as const;
    const whole = approved + modified + rejected;
    return (
        <span class="stack" aria-hidden="true">
            {whole > 0 &&
                parts
                    .filter(([, count]) => count > 0)
                    .map(([tone, count]) => (
                        <span key={tone} class={tone} style={{ flexGrow: count }} />
                    ))}
        </span>
    );
}

function Record({ proposal, counts }: { proposal: Proposal; counts: DecisionCounts }) {
    const { approved, modified, rejected, returned, expired } = counts;
    const reviewed = approved + modified + rejected;
    return (
        <div class="record">
            <p>
                <Said text={proposal.agent.name} /> in{" "}
                <code>
                    <Said text={proposal.category} />
                </code>
                :{" "}
                {reviewed === 0 ? (
                    "nothing reviewed by people yet."
                ) : (
                    <>
                        of {plural(reviewed, "review")}, <strong>{integer(approved)}</strong>{" "}
                        approved unchanged ({share(approved, reviewed)}),{" "}
                        <strong>{integer(modified)}</strong> modified,{" "}
                        <strong>{integer(rejected)}</strong> rejected.
                    </>
                )}
                {returned + expired > 0 && (
                    <span class="quiet">
                        {" "}
                        Also {integer(returned)} returned, {integer(expired)} expired.
                    </span>
                )}
            </p>
            {reviewed > 0 && <DecisionBar counts={counts} />}
        </div>
    );
}

export function Why({ proposal, level }: { proposal: Proposal; level: number }) {
    const Heading = `h${level}` as "h2";
    const { reasons } = proposal.assessment;
    return (
        <section class="block" aria-labelledby="why-heading">
            <Heading id="why-heading" tabIndex={-1}>
                Why you see this
            </Heading>
            {reasons.length === 0 ? (
                <p class="quiet">No reasons were recorded.</p>
            ) : (
                <ul class="reasons">
                    {strictestFirst(reasons).map((reason, index) => (
                        <ReasonLine key={index} reason={reason} />
                    ))}
                </ul>
            )}
            {seesAll() && (
                <p class="quiet">
                    <a href={`/policy?v=${proposal.policy}`}>The version of the policy that said so</a>
                </p>
            )}
            {proposal.counts && <Record proposal={proposal} counts={proposal.counts} />}
        </section>
    );
}
