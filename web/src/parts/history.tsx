// SPDX-License-Identifier: Apache-2.0
/*
 * Notes of colleagues, and the question that a revision answers. Notes are people's text and the agent
 * never sees them; they are shown with the same care as an agent's. Who only reads writes none.
 */
import { useRef } from "preact/hooks";
import { now } from "../state/clock";
import { draftOf, saveDraft } from "../state/drafts";
import { addComment, opened } from "../state/proposal";
import { decides } from "../state/session";
import { ago, integer } from "../text/format";
import type { Proposal } from "../wire";
import { Prose, Said } from "./untrusted";

const COMMENT_MAX = 4000;

export function Notes({
    proposal,
    level,
    writable,
}: {
    proposal: Proposal;
    level: number;
    writable: boolean;
}) {
    const Heading = `h${level}` as "h2";
    const field = useRef<HTMLTextAreaElement>(null);
    const text = draftOf(proposal.id).comment;
    const send = async (): Promise<void> => {
        if (text.trim() === "") {
            field.current?.focus();
        } else if (await addComment(text)) {
            saveDraft(proposal.id, { comment: "" });
        }
    };
    const comments = proposal.comments ?? [];
    return (
        <section class="block" aria-labelledby="notes-heading">
            <Heading id="notes-heading">Notes ({integer(comments.length)})</Heading>
            {comments.map((comment) => (
                <article key={comment.id} class="note">
                    <p class="note-head">
                        <strong>
                            <Said text={comment.by.name} />
                        </strong>{" "}
                        <time dateTime={comment.at} title={comment.at}>
                            {ago(comment.at, now.value)}
                        </time>
                    </p>
                    <Prose text={comment.text ?? "(erased)"} />
                </article>
            ))}
            {decides() && (
                <div class="field">
                    <label for="note-field">
                        Note for colleagues <span class="quiet">(the agent does not see it)</span>
                    </label>
                    <textarea
                        id="note-field"
                        ref={field}
                        rows={2}
                        maxLength={COMMENT_MAX}
                        value={text}
                        disabled={!writable}
                        onInput={(event) =>
                            saveDraft(proposal.id, { comment: event.currentTarget.value })
                        }
                    />
                    <button
                        type="button"
                        class="small"
                        disabled={!writable || opened.value.busy !== null}
                        onClick={send}
                    >
                        Add note
                    </button>
                </div>
            )}
        </section>
    );
}

/* The question that a revision answers, for whoever reads it now. */
export function Asked({ proposal, level }: { proposal: Proposal; level: number }) {
    const Heading = `h${level}` as "h2";
    const decided = (proposal.timeline ?? []).filter(({ type }) => type === "proposal.decided");
    const last = decided.filter(({ data }) => data?.["verdict"] === "return").pop();
    if (proposal.status !== "pending" || !last?.reason) {
        return null;
    }
    return (
        <section class="block asked" aria-labelledby="asked-heading">
            <Heading id="asked-heading">Revised after a question</Heading>
            <p class="quiet">
                <Said text={last.by?.name ?? ""} /> asked {ago(last.at, now.value)}
            </p>
            <Prose text={last.reason} />
        </section>
    );
}
