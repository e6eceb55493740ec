// SPDX-License-Identifier: Apache-2.0
/*
 * An edit that a colleague has sent and that takes somebody else's decision. It is their proposal,
 * not a decision: whoever decides may take it into the form of their own.
 */
import { saveDraft } from "../state/drafts";
import { openForm } from "../state/proposal";
import { changes } from "../text/diff";
import type { Proposal } from "../wire";
import { ChangeList } from "./changes";
import { Prose, Said } from "./untrusted";

export function EditOffer({ proposal, level }: { proposal: Proposal; level: number }) {
    const { edit, id, can } = proposal;
    const Heading = `h${level}` as "h2";
    if (!edit || edit.arguments === null) {
        return null;
    }
    const take = (): void => {
        saveDraft(id, {
            raw: JSON.stringify(edit.arguments, null, 2),
            editReason: edit.reason ?? "",
        });
        openForm("edit");
    };
    return (
        <section class="block asked" aria-labelledby="offer-heading">
            <Heading id="offer-heading">
                <Said text={edit.by.name ?? "A colleague"} /> would change it
            </Heading>
            <p class="quiet">
                That takes your decision. Approving decides on what the agent proposed, without it.
            </p>
            <ChangeList list={changes(proposal.arguments, edit.arguments)} />
            {edit.reason && <Prose text={edit.reason} />}
            {can?.decide && (
                <p>
                    <button type="button" class="small" onClick={take}>
                        Take this edit over
                    </button>
                </p>
            )}
        </section>
    );
}
