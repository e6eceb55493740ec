// SPDX-License-Identifier: Apache-2.0
/*
 * The words of the product as people read them, one table for each list of the wire. What is
 * not in a table is shown as it came, so that a newer server never leaves a blank.
 */

export type Words = Readonly<Record<string, string>>;

export const STATUS: Words = {
    pending: "Pending",
    approved: "Approved",
    returned: "Returned",
    rejected: "Rejected",
    blocked: "Blocked",
    expired: "Expired",
    withdrawn: "Withdrawn",
};

/* A verdict of a decision, as a finished deed. */
export const DECIDED: Words = {
    approve: "approved",
    modify: "approved with changes",
    reject: "rejected",
    return: "returned with a question",
};

export const VERDICT: Words = {
    allow: "Allowed",
    earn: "Not yet earned",
    review: "Must be reviewed",
    block: "Blocked",
};

/* What a policy has become of a proposal, before anybody looks. */
export const BECOMES: Words = {
    allow: "Allowed",
    earn: "Reviewed until earned",
    review: "Always reviewed",
    block: "Blocked",
    refused: "Refused",
};

export const SOURCE: Words = {
    catalogue: "Catalogue",
    rule: "Rule",
    novelty: "Novelty",
    autonomy: "Autonomy",
    confidence: "Confidence",
    budget: "Budget",
    provenance: "Provenance",
    flood: "Flood",
    pause: "Pause",
    warm_up: "Warm-up",
    spot_check: "Spot check",
};

export const MODE: Words = { glance: "Glance", read: "Read", decide_first: "Decide first" };

export const MODE_HELP: Words = {
    glance: "Decide at once: deciding claims it for you.",
    read: "Claim it first, read it, then decide. Approving takes a confirmation.",
    decide_first: "Form your own view before you see the recommendation.",
};

export const LEVEL: Words = {
    review_all: "Review all",
    sampled: "Sampled",
    spot_check: "Spot check",
};

export const OUTCOME: Words = {
    succeeded: "Succeeded",
    failed: "Failed",
    reverted: "Reverted",
    unknown: "Unknown",
};

export const ROLE: Words = {
    reviewer: "Reviewer",
    lead: "Lead",
    policy: "Policy",
    auditor: "Auditor",
    admin: "Admin",
};

export const SCOPE: Words = {
    read: "Everything",
    metrics: "Metrics",
    "audit:read": "Audit log",
    "proposals:read": "Proposals",
    "people:read": "People",
};

/* The policy's list where the file names none; the server refuses what is not in its own. */
export const REASONS: readonly string[] = [
    "wrong_amount",
    "wrong_person",
    "policy",
    "tone",
    "missing_facts",
    "duplicate",
    "other",
];

/* The word for `key`, or `key` itself. */
export function word(words: Words, key: string): string {
    return Object.hasOwn(words, key) ? (words[key] as string) : key;
}

/* With a capital, as a sentence begins. */
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/* `wrong_amount` as `Wrong amount`. */
export const spoken = (code: string): string => capital(code.replace(/_/g, " "));
