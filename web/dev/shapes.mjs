// SPDX-License-Identifier: Apache-2.0
/*
 * The shapes of the wire as the development server answers them, made from its stored proposals.
 */
import { cardOf, digestOf } from "./card.mjs";

export const iso = (ms) => new Date(ms).toISOString();

/* The digest that a decision has to name. */
export const digest = (p) =>
    digestOf({
        v: 1,
        id: p.id,
        revision: p.revision,
        action: p.sample.action,
        arguments: p.arguments,
        brief: p.brief,
    });

function holdOf(p) {
    if (p.status !== "pending") {
        return null;
    }
    const { queue, mode, escalations = 0, peopleNeeded = 1 } = p.sample;
    const phase = p.decision ? "undo" : p.claim ? "claimed" : "waiting";
    return {
        queue,
        mode,
        phase,
        due_at: iso(p.dueMs),
        claimed_by: p.claim,
        escalations,
        people_needed: peopleNeeded,
        people_done: 0,
        ...(p.decision && { release_at: iso(p.releaseMs) }),
    };
}

function common(p) {
    const { agent, action, category } = p.sample;
    return {
        id: p.id,
        status: p.status,
        action,
        category,
        agent,
        revision: p.revision,
        digest: digest(p),
        created_at: iso(p.createdMs),
        updated_at: iso(p.updatedMs),
        repeat_of: p.repeatOf,
        hold: holdOf(p),
    };
}

export function inboxItem(p) {
    const { title, effects, reversible, reasons } = p.sample;
    const { summary = null, recommendation = null, confidence = null } = p.brief;
    return {
        ...common(p),
        title,
        summary,
        recommendation,
        confidence,
        effects,
        reversible,
        verdict: reasons[0].verdict,
    };
}

function briefOf(p) {
    const evidence = p.brief.evidence?.map(({ base64, ...rest }, index) => {
        const raw = base64 && Buffer.from(base64, "base64");
        return raw
            ? {
                  ...rest,
                  attachment: { index, bytes: raw.length, sha256: digestOf(base64).slice(7) },
              }
            : rest;
    });
    return { ...p.brief, ...(evidence && { evidence }) };
}

/* What every answer about a proposal has. */
export function bodyFor(p) {
    const { agent_version, on_behalf_of, subject, labels, reasons, title } = p.sample;
    return {
        ...common(p),
        title,
        arguments: p.arguments,
        brief: briefOf(p),
        agent_version,
        on_behalf_of,
        subject,
        labels,
        policy: "pol_01",
        assessment: { verdict: reasons.at(-1).verdict, reasons },
        decision: p.decision,
        permit: null,
        outcome: p.outcome,
    };
}

/* And what a person's read of one proposal has besides. */
export function full(p, person) {
    const {
        counts,
        blockedReason = null,
    } = p.sample;
    return {
        ...bodyFor(p),
        card: cardOf(p),
        comments: p.comments,
        counts,
        timeline: p.timeline,
        can: {
            decide: blockedReason === null && person.decides,
            claim: blockedReason === null && person.decides,
            reason: blockedReason ?? (person.decides ? null : "Your roles only read."),
        },
    };
}
