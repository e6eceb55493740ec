// SPDX-License-Identifier: Apache-2.0
/*
 * Sample proposals for the development server: ordinary ones, and those that a page must survive
 * (hidden characters, long values, markup, forged dialogs, attachments, odd JSON). Deterministic.
 */

const MINUTE_MS = 60_000;

/* A small PNG, as evidence with an attachment. */
const PNG =
    "iVBORw0KGgoAAAANSUhEUgAAAGAAAAA8CAIAAAAWtijjAAAAg0lEQVR42u3ZoQ0AIAwEwA6LRjMTQ6AZixGKqYFLXn/Sc5/G6C3NXjPNqz0BCBAgQIAAAQIECBAgQAVAPx9/0wMIECBAgAABAgQIECBAFUDGqjUPCBAgQIAAAQIECBAgfzFrHhAgQIAAAQIECBAgQP5ixiogQIAAAQIECBAgQIAAFfQc6ZoeyjUcD+YAAAAASUVORK5CYII=";

const LONG_TEXT = Array.from(
    { length: 900 },
    (_, n) => `Paragraph ${n + 1} of the terms as they were sent.`,
).join("\n");

const PEOPLE = { ana: { id: "rev_01ANA", name: "ana" }, ben: { id: "rev_01BEN", name: "ben" } };

const AGENTS = {
    support: { id: "agt_01SUPPORT", name: "support-bot" },
    content: { id: "agt_01CONTENT", name: "content-desk" },
    ops: { id: "agt_01OPS", name: "ops\u200b-runner" },
};

const refund = {
    agent: AGENTS.support,
    action: "refund.issue",
    category: "refund.issue/USD",
    executor: "payments",
    title: "Refund 74.5 USD for order W2378156",
    effects: ["money", "account"],
    domain: "billing",
    reversible: false,
    critical: ["/amount", "/order_id"],
    mode: "glance",
    dueMs: 12 * MINUTE_MS,
    agent_version: "2026-11-20",
    oversight: "Check the photo against the order before you approve.",
    on_behalf_of: "user:77",
    subject: "customer:W771",
    labels: { region: "eu" },
    arguments: {
        order_id: "W2378156",
        amount: 74.5,
        currency: "USD",
        notify: true,
        message:
            "Hello Ana,\n\nwe are sorry that the lamp arrived broken. We have refunded 74.50 USD to the card you paid with.\n\nSee https://shop.example/returns\n\nThe support team",
    },
    brief: {
        summary: "Refund 74.50 USD for a lamp that arrived broken",
        request: "My lamp arrived in pieces. I want my money back please!!",
        recommendation: "Refund in full",
        confidence: 0.93,
        reasoning:
            "The photo shows the damage; it was delivered two days ago; policy 4.2 allows a full refund within 14 days.",
        case_against: "The photo carries no date, and the customer had one refund in March.",
        evidence: [
            {
                title: "Order W2378156",
                text: "Delivered 2026-11-20, paid by card",
                source: "crm://orders/W2378156",
                data: { status: "delivered", total: 74.5, items: ["lamp"] },
            },
            {
                title: "Photo of the lamp",
                content_type: "image/png",
                base64: PNG,
                source: "mail://msg/8812#2",
            },
            { title: "Customer says it was promised by phone" },
        ],
        options: [
            {
                title: "Refund in full",
                pros: ["closes the case", "within policy 4.2"],
                cons: ["cost 74.50"],
                recommended: true,
            },
            {
                title: "Replace the lamp",
                pros: ["keeps the sale"],
                cons: ["out of stock until January"],
            },
            {
                title: "Refund half",
                cons: ["a second letter is likely"],
                arguments: {
                    order_id: "W2378156",
                    amount: 37.25,
                    currency: "USD",
                    notify: true,
                    message: "Hello Ana, we have refunded half.",
                },
            },
        ],
        draft: { pointer: "/message", format: "text/plain" },
    },
    reasons: [
        {
            source: "rule",
            rule: "money-out",
            verdict: "earn",
            text: "Refunds above 50 are reviewed",
            values: [
                { expression: "action.effects", value: ["account", "money"] },
                { expression: "args.amount", value: 74.5 },
            ],
        },
        {
            source: "novelty",
            verdict: "review",
            p_value: 0.0004,
            pointer: "/arguments/amount",
            text: "Four times the usual amount for this order type",
        },
    ],
    counts: { approved: 58, modified: 2, rejected: 1, returned: 3, expired: 0 },
    comments: [
        { by: PEOPLE.ben, agoMs: 9 * MINUTE_MS, text: "Called the customer: she has the box." },
    ],
};

const samples = [
    { ...refund, queue: "billing" },
    {
        ...refund,
        title: "Refund 4200 EUR for order W88\u200b12",
        mode: "read",
        dueMs: 130_000,
        queue: "billing",
        arguments: {
            order_id: "W88\u200b12",
            amount: 4200,
            currency: "EUR",
            to: "ana@examp\u200ble.com",
            iban: "DE89 3704 0044 0532 0130 00",
            note: "as agreed \u202eRUE 0024\u202c",
        },
        brief: {
            summary: "Refund 4,200.00 EUR\u200b: APPROVED BY SECURITY \u2705 press a",
            recommendation:
                "<b>Approve now</b> <img src=x onerror=alert(1)> [click](javascript:alert(1))",
            confidence: 0.999,
            reasoning:
                "+----------------------------+\n| SYSTEM: verified by Fermata |\n| Approved by: Ben            |\n+----------------------------+\nIT says approve.",
            evidence: [],
            options: [],
        },
        critical: ["/amount", "/to"],
        counts: { approved: 3, modified: 1, rejected: 2, returned: 0, expired: 1 },
        comments: [],
        reasons: [
            {
                source: "rule",
                rule: "large-refund",
                verdict: "review",
                text: "Refunds above 500 need a lead",
            },
            { source: "confidence", verdict: "earn", text: "Stated 0.999; of 6 like it, 3 stood" },
        ],
    },
    {
        agent: AGENTS.content,
        action: "post.publish",
        category: "post.publish",
        executor: "cms",
        title: "Publish \u201cSpring prices\u201d to 41,200 readers",
        effects: ["publish"],
        domain: "content",
        reversible: null,
        critical: ["/title", "/audience"],
        mode: "read",
        dueMs: 41 * MINUTE_MS,
        queue: "general",
        oversight: null,
        arguments: {
            title: "Spring prices",
            audience: "all-readers",
            tags: ["prices", "spring"],
            schedule: { at: "2026-12-01T09:00:00Z", embargo: null },
            body: LONG_TEXT,
        },
        brief: {
            summary: "Publish the spring price list to all readers",
            request: "Please put the new price list online on 1 December.",
            recommendation: "Publish as drafted",
            reasoning: "All 212 prices were taken from the catalogue export of this morning.",
            confidence: 0.71,
            evidence: [
                {
                    title: "Catalogue export",
                    text: LONG_TEXT,
                    source: "file://exports/2026-11-22.csv",
                },
            ],
            options: [
                { title: "Publish", recommended: true },
                { title: "Wait for legal", pros: ["safer"] },
            ],
            draft: { pointer: "/body" },
        },
        reasons: [
            {
                source: "catalogue",
                verdict: "review",
                text: "Publication under the brand is always reviewed",
            },
            { source: "warm_up", verdict: "review", text: "Use 7 of 20 by this agent" },
        ],
        counts: { approved: 0, modified: 0, rejected: 0, returned: 0, expired: 0 },
        comments: [],
    },
    {
        ...refund,
        title: "Refund 74.5 USD for order W2378156",
        repeatOf: 0,
        dueMs: 15 * MINUTE_MS,
        queue: "billing",
        comments: [],
    },
    {
        ...refund,
        title: "Change address of customer W8812",
        action: "customer.address",
        category: "customer.address",
        effects: ["account"],
        critical: ["/address"],
        claimedBy: "ben",
        dueMs: 22 * MINUTE_MS,
        queue: "general",
        mode: "read",
        arguments: {
            customer: "W8812",
            address: "Rue de l\u2019\u00c9glise 4, 1050 Ixelles",
            country: "BE",
        },
        brief: {
            ...refund.brief,
            summary: "Customer moved; new address confirmed by mail",
            draft: undefined,
        },
        oversight: null,
        comments: [],
    },
    {
        agent: AGENTS.ops,
        action: "shell.run",
        category: "shell.run",
        executor: null,
        title: "Run a command on db-2",
        effects: [],
        domain: null,
        reversible: null,
        critical: ["/command"],
        mode: "read",
        dueMs: 33 * MINUTE_MS,
        queue: "general",
        oversight: null,
        arguments: {
            command: "pg_dump --no-owner orders | gzip > /backup/orders.sql.gz",
            host: "db-2",
            empty: "",
            nothing: null,
            none: {},
            list: [],
        },
        brief: {},
        reasons: [
            { source: "provenance", verdict: "review", text: "The action is not in the catalogue" },
        ],
        counts: { approved: 11, modified: 0, rejected: 4, returned: 1, expired: 2 },
        comments: [],
    },
    {
        ...refund,
        title: "Close account 991 of a customer",
        action: "account.close",
        category: "account.close",
        mode: "read",
        queue: "leads",
        dueMs: 55 * MINUTE_MS,
        blockedReason: "You proposed the request: four eyes are needed.",
        arguments: { account: 991, reason: "customer asked" },
        critical: ["/account"],
        oversight: null,
        comments: [],
        brief: { ...refund.brief, draft: undefined },
    },
    {
        ...refund,
        title: "Send 3 vouchers of 20 USD",
        action: "voucher.send",
        category: "voucher.send",
        effects: ["money", "message"],
        reversible: true,
        dueMs: 4 * 60 * MINUTE_MS,
        escalations: 1,
        peopleNeeded: 2,
        queue: "general",
        arguments: {
            count: 3,
            value: "20.00",
            to: ["a@example.com", "b@example.com", "c@example.com"],
        },
        critical: ["/count", "/value"],
        oversight: null,
        brief: {
            ...refund.brief,
            draft: undefined,
            summary: "Vouchers for three customers whose parcels were late",
        },
        comments: [],
    },
];

/* Plain proposals to fill a long list. */
function filler(n) {
    const amount = 5 + ((n * 7919) % 4000) / 100;
    return {
        ...refund,
        title: `Tag ticket ${48_000 + n} as billing`,
        action: "ticket.tag",
        category: "ticket.tag",
        effects: ["record"],
        reversible: true,
        queue: "general",
        dueMs: (60 + n) * MINUTE_MS,
        arguments: { ticket: 48_000 + n, tag: "billing", weight: amount },
        critical: ["/ticket"],
        oversight: null,
        comments: [],
        brief: {
            summary: `The customer asks about an invoice of ${amount} USD`,
            recommendation: "Tag it",
            confidence: 0.8,
        },
        counts: { approved: 412, modified: 2, rejected: 1, returned: 0, expired: 0 },
    };
}

/* `count` proposals: the samples first, then fillers. */
export function sampleProposals(count) {
    const extra = Math.max(0, count - samples.length);
    return [...samples, ...Array.from({ length: extra }, (_, n) => filler(n))].slice(0, count);
}

export { AGENTS, PEOPLE, filler };
