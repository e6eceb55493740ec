// SPDX-License-Identifier: Apache-2.0
/* What a new revision changed. Comes when there is one. */
import { changes } from "../text/diff";
import type { Json } from "../text/json";
import type { Proposal } from "../wire";
import { ChangeList } from "./changes";

const asJson = (brief: Proposal["brief"]): Json => (brief ?? null) as unknown as Json;

/* What a new revision changed, for somebody who has read the one before. */
export function Revision({
    before,
    proposal,
    level,
}: {
    before: Proposal;
    proposal: Proposal;
    level: number;
}) {
    const Heading = `h${level}` as "h2";
    const list = changes(before.arguments, proposal.arguments);
    const sameBrief = changes(asJson(before.brief), asJson(proposal.brief)).length === 0;
    return (
        <section class="block revision" aria-labelledby="revision-heading">
            <Heading id="revision-heading">Changed since revision {before.revision}</Heading>
            {list.length === 0 ? <p>What will run is the same.</p> : <ChangeList list={list} />}
            {!sameBrief && <p class="quiet">The brief has changed too: read it again.</p>}
        </section>
    );
}
