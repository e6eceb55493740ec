// SPDX-License-Identifier: Apache-2.0
/* What the tables of the page have in common: their heads, and the cell that leads to a proposal. */
import { titleOf } from "../state/proposal";
import type { Proposal } from "../wire";
import { Said } from "./untrusted";

/* One cell for each column; with `last`, another one that only screen readers name. */
export function Head({ columns, last }: { columns: readonly string[]; last?: string | false }) {
    return (
        <thead>
            <tr>
                {columns.map((name) => (
                    <th key={name} scope="col">
                        {name}
                    </th>
                ))}
                {last && (
                    <th scope="col">
                        <span class="sr">{last}</span>
                    </th>
                )}
            </tr>
        </thead>
    );
}

/* The title as a link, and below it the agent and what else tells proposals apart there. */
export function ProposalCell({ proposal, kind }: { proposal: Proposal; kind: string }) {
    return (
        <th scope="row">
            <a href={`/p/${proposal.id}`}>
                <Said text={titleOf(proposal)} />
            </a>
            <span class="sub">
                <Said text={proposal.agent.name} /> · <Said text={kind} />
            </span>
        </th>
    );
}
