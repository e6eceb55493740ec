// SPDX-License-Identifier: Apache-2.0
/*
 * A development server for the page: the wire shapes it uses, in memory, with sample data. For
 * designers and for looking at states; decides nothing real. Must never be shipped or exposed:
 * it listens on loopback and its passwords are printed below.
 *
 *   npm run dev            http://127.0.0.1:8601, user ana or ben, password fermata
 *   PORT, COUNT, UNDO_S    port, number of proposals (default 24), undo seconds (default 8)
 *   POST /dev/act          {"do": "...", "id": "..."}: makes things happen, see ACTS
 */
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { watch } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "../build.mjs";
import { AGENTS, PEOPLE, filler, sampleProposals } from "./sample.mjs";
import { bodyFor, digest, full, inboxItem, iso } from "./shapes.mjs";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const PORT = Number(process.env.PORT ?? 8601);
const COUNT = Number(process.env.COUNT ?? 24);
const UNDO_MS = Number(process.env.UNDO_S ?? 8) * 1000;
const CLAIM_MS = 600_000;
const READ_MIN_MS = 2000;
const BODY_MAX = 1 << 20;
const PASSWORD = "fermata";
const REASONS = [
    "wrong_amount",
    "wrong_person",
    "policy",
    "tone",
    "missing_facts",
    "duplicate",
    "other",
];
const CSP =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'none'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const proposals = new Map();
const sessions = new Map();
const streams = new Set();
const faults = { delayMs: 0, fail: 0 };
let serial = 0;
let eventSerial = 0;
let files = new Map();

const problem = (status, name, detail, more = {}) => ({
    status,
    body: { type: `/problems/${name}`, title: name.replaceAll("-", " "), status, detail, ...more },
});
const ok = (body, status = 200) => ({ status, body });

/* --- storage ----------------------------------------------------------------------------- */

function store(sample, repeatOf = null) {
    serial += 1;
    const id = `prp_01J${String(serial).padStart(23, "0")}`;
    const createdMs = Date.now() - 5 * 60_000;
    const p = {
        id,
        sample,
        repeatOf,
        revision: 1,
        status: "pending",
        arguments: sample.arguments,
        brief: sample.brief,
        createdMs,
        updatedMs: createdMs,
        dueMs: Date.now() + sample.dueMs,
        claim: null,
        claimedMs: 0,
        decision: null,
        releaseMs: 0,
        outcome: null,
        comments: (sample.comments ?? []).map((c, n) => ({
            id: `cmt_${serial}_${n}`,
            by: c.by,
            at: iso(Date.now() - c.agoMs),
            text: c.text,
        })),
        timeline: [],
    };
    note(p, "proposal.held", { kind: "agent", ...sample.agent }, { queue: sample.queue, revision: 1 });
    if (sample.claimedBy) {
        setClaim(p, PEOPLE[sample.claimedBy]);
    }
    proposals.set(id, p);
    return p;
}

function note(p, type, by, data = null) {
    const index = 1000 + ++eventSerial;
    p.timeline.push({ id: `evt_${index}`, type, at: iso(Date.now()), by, data, log: { index } });
    p.updatedMs = Date.now();
}

/* Tells the pages; `by` is a person, or null for agents and the clock. */
function emit(p, type, person) {
    const by = person && { id: person.id, name: person.name };
    eventSerial += 1;
    const event = {
        id: `evt_${eventSerial}`,
        type,
        at: iso(Date.now()),
        proposal: p.id,
        data: { queue: p.sample.queue, status: p.status, by },
    };
    for (const stream of streams) {
        stream.write(`id: ${event.id}\nevent: ${type}\ndata: ${JSON.stringify(event)}\n\n`);
    }
}

function setClaim(p, person) {
    p.claimedMs = p.claim?.id === person.id ? p.claimedMs : Date.now();
    p.claim = { ...person, until: iso(Date.now() + CLAIM_MS) };
}

/* Releases and expiries that are due; called before every read. */
function settle() {
    const now = Date.now();
    for (const p of proposals.values()) {
        if (p.status === "pending" && p.decision && p.releaseMs <= now) {
            p.status = {
                approve: "approved",
                modify: "approved",
                reject: "rejected",
                return: "returned",
            }[p.decision.verdict];
            note(p, "proposal.released", { kind: "clock", id: null, name: null }, { why: "undo_over" });
            emit(p, "proposal.released", null);
        }
        if (p.claim && Date.parse(p.claim.until) <= now) {
            p.claim = null;
            emit(p, "proposal.unclaimed", null);
        }
    }
}

/* --- people ------------------------------------------------------------------------------- */

function meOf(person) {
    return {
        ...person,
        kind: "person",
        roles: person.decides ? ["reviewer"] : ["auditor"],
        queues: ["billing", "general", "leads"],
        via: "page",
        can: {
            decide: person.decides,
            audit: !person.decides,
            admin: false,
            policy: false,
            lead: false,
        },
        reasons: REASONS,
        expires_at: iso(Date.now() + 8 * 3600_000),
    };
}

/* --- writes ------------------------------------------------------------------------------ */

const endedProblem = (p) =>
    problem(409, "already-decided", "Somebody else was first.", {
        decision: p.decision,
        proposal_status: p.status,
        ended_by: p.decision?.by ?? null,
        ended_at: iso(p.updatedMs),
    });

function claim(p, person) {
    if (p.status !== "pending" || p.decision) {
        return endedProblem(p);
    }
    if (p.claim && p.claim.id !== person.id) {
        return problem(409, "claimed", `${p.claim.name} holds it.`, { claimed_by: p.claim });
    }
    const renewed = p.claim !== null;
    setClaim(p, { id: person.id, name: person.name });
    if (!renewed) {
        note(p, "proposal.claimed", { kind: "reviewer", id: person.id, name: person.name });
        emit(p, "proposal.claimed", p.claim);
    }
    return ok(bodyFor(p));
}

function unclaim(p, person) {
    p.claim = null;
    emit(p, "proposal.unclaimed", { id: person.id, name: person.name });
    return ok(bodyFor(p));
}

function refusal(p, person, body) {
    const { mode, blockedReason } = p.sample;
    if (p.status !== "pending" || p.decision) {
        return endedProblem(p);
    }
    if (blockedReason || !person.decides) {
        return problem(403, "forbidden", blockedReason ?? "Your roles only read.");
    }
    if (body.digest !== digest(p)) {
        return problem(409, "digest-mismatch", "It was revised.", {
            digest: digest(p),
            revision: p.revision,
        });
    }
    if (p.claim && p.claim.id !== person.id) {
        return problem(409, "claimed", `${p.claim.name} holds it.`, { claimed_by: p.claim });
    }
    if (mode !== "glance" && !p.claim) {
        return problem(409, "claim-first", "Claim it first.");
    }
    if (mode !== "glance" && Date.now() - p.claimedMs < READ_MIN_MS) {
        return { ...problem(409, "too-fast", "Read it first."), headers: { "Retry-After": "2" } };
    }
    if (["reject", "return"].includes(body.verdict) && !body.reason) {
        return problem(422, "invalid-argument", "A reason is required.", {
            errors: [{ pointer: "/reason", message: "is required" }],
        });
    }
    if (body.verdict === "modify" && body.arguments?.amount > 5000) {
        return problem(422, "schema", "The arguments do not fit the schema.", {
            errors: [{ pointer: "/arguments/amount", message: "must be at most 5000" }],
        });
    }
    return null;
}

function decide(p, person, body) {
    const refused = refusal(p, person, body);
    if (refused) {
        return refused;
    }
    const by = { kind: "reviewer", id: person.id, name: person.name };
    p.decision = {
        id: `dec_${++serial}`,
        verdict: body.verdict,
        by,
        via: "page",
        at: iso(Date.now()),
        arguments: body.arguments ?? p.arguments,
        reason: body.reason ?? null,
        reason_code: body.reason_code ?? null,
        severity: body.severity ?? null,
    };
    p.releaseMs = Date.now() + (["approve", "modify"].includes(body.verdict) ? UNDO_MS : 0);
    note(p, "proposal.decided", by, { verdict: body.verdict, via: "page" });
    p.timeline.at(-1).reason = body.reason ?? null;
    emit(p, "proposal.decided", by);
    settle();
    return ok(bodyFor(p));
}

function undo(p, person) {
    settle();
    if (p.status !== "pending" || !p.decision) {
        return problem(409, "already-released", "It was already released.");
    }
    p.decision = null;
    setClaim(p, { id: person.id, name: person.name });
    note(p, "proposal.undone", { kind: "reviewer", id: person.id, name: person.name });
    emit(p, "proposal.undone", { id: person.id, name: person.name });
    return ok(bodyFor(p));
}

function comment(p, person, body) {
    const entry = {
        id: `cmt_${++serial}`,
        by: { id: person.id, name: person.name },
        at: iso(Date.now()),
        text: String(body.text),
    };
    p.comments.push(entry);
    emit(p, "proposal.commented", entry.by);
    return ok(entry, 201);
}

const VERBS = { claim, unclaim, decision: decide, undo, comment };

/* --- things that happen without the person ------------------------------------------------ */

const BEN = { ...PEOPLE.ben, decides: true };

function end(p, status, type) {
    p.status = status;
    note(p, type, { kind: "clock", id: null, name: null });
    emit(p, type, null);
}

function revise(p) {
    p.revision += 1;
    p.arguments = { ...p.arguments, amount: (p.arguments.amount ?? 0) + 1 };
    note(p, "proposal.revised", { kind: "agent", ...p.sample.agent }, { revision: p.revision });
    emit(p, "proposal.revised", null);
}

/* `do` of POST /dev/act. */
const ACTS = {
    new: (_p, { count = 1 }) => {
        for (let n = 0; n < count; n += 1) {
            emit(store(filler(9000 + serial)), "proposal.held", null);
        }
    },
    reject: (p) => {
        p.claim = null;
        p.decision = {
            id: "dec_x",
            verdict: "reject",
            by: { kind: "reviewer", ...PEOPLE.ben },
            at: iso(Date.now()),
            reason: "Wrong amount",
        };
        p.releaseMs = 0;
        emit(p, "proposal.decided", PEOPLE.ben);
        settle();
    },
    claim: (p) => {
        p.claim = null;
        claim(p, BEN);
    },
    unclaim: (p) => unclaim(p, BEN),
    revise,
    expire: (p) => end(p, "expired", "proposal.expired"),
    withdraw: (p) => end(p, "withdrawn", "proposal.withdrawn"),
    outcome: (p) => {
        p.outcome = { status: "succeeded", detail: "payment 5521" };
        emit(p, "proposal.outcome", null);
    },
    "end-sessions": () => sessions.clear(),
    drop: () => {
        streams.forEach((stream) => stream.destroy());
    },
    faults: (_p, body) =>
        Object.assign(faults, {
            delayMs: body.delayMs ?? 0,
            fail: body.fail ?? 0,
            noStream: body.noStream ?? false,
        }),
    empty: () => proposals.clear(),
    refill: () => {
        proposals.clear();
        fill();
    },
};

function fill() {
    const stored = [];
    for (const sample of sampleProposals(COUNT)) {
        stored.push(
            store(sample, sample.repeatOf === undefined ? null : stored[sample.repeatOf].id),
        );
    }
}

/* --- HTTP -------------------------------------------------------------------------------- */

function personOf(request) {
    const token = /(?:^|; )fermata=([^;]+)/.exec(request.headers.cookie ?? "")?.[1];
    return sessions.get(token) ?? null;
}

async function bodyOf(request) {
    let text = "";
    for await (const chunk of request) {
        text += chunk;
        if (text.length > BODY_MAX) {
            throw new Error("too large");
        }
    }
    return text === "" ? {} : JSON.parse(text);
}

function signIn(body) {
    const person =
        PEOPLE[body.name] ?? (body.name === "vera" ? { id: "rev_01VERA", name: "vera" } : null);
    if (person === null || body.password !== PASSWORD) {
        return problem(401, "unauthenticated", "Name or password is wrong.");
    }
    const token = `s${Date.now()}${Math.random().toString(36).slice(2)}`;
    const who = { ...person, decides: body.name !== "vera" };
    sessions.set(token, who);
    return {
        ...ok(meOf(who)),
        headers: { "Set-Cookie": `fermata=${token}; HttpOnly; SameSite=Strict; Path=/` },
    };
}

function inbox(search, person) {
    const mine = search.get("mine") === "1";
    const queue = search.get("queue");
    const pending = [...proposals.values()].filter((p) => p.status === "pending" && !p.decision);
    const isMine = (p) => p.claim?.id === person.id;
    const list = pending.filter(
        (p) => (!mine || isMine(p)) && (!queue || p.sample.queue === queue),
    );
    list.sort(
        search.get("sort") === "new"
            ? (a, b) => (a.id < b.id ? 1 : -1)
            : (a, b) => a.dueMs - b.dueMs,
    );
    const counts = {
        pending: pending.length,
        mine: pending.filter(isMine).length,
        escalated: pending.filter((p) => p.sample.escalations).length,
    };
    return ok({ ...paged(list, search, inboxItem), counts });
}

/* The proposals of a list: all, the newest first, or those that the person decided. */
function listed(search, person) {
    const all = [...proposals.values()].reverse();
    if (search.get("decided_by") !== "me") {
        return all;
    }
    return all
        .filter((p) => p.decision?.by.id === person.id)
        .sort((a, b) => b.decision.at.localeCompare(a.decision.at));
}

function paged(list, search, shape) {
    const from = Number(search.get("cursor") ?? 0);
    const to = from + Math.min(200, Number(search.get("limit") ?? 50));
    return {
        items: list.slice(from, to).map(shape),
        next_cursor: to < list.length ? String(to) : null,
    };
}

function categories() {
    const row = (agent, category, approved, modified, rejected, returned, expired) => ({
        agent,
        category,
        level: "review_all",
        reviewed: approved + modified + rejected,
        errors: modified + rejected,
        upper_bound: null,
        review_share: 1,
        approved,
        modified,
        rejected,
        returned,
        expired,
    });
    return ok({
        items: [
            row(AGENTS.support, "refund.issue/USD", 58, 2, 1, 3, 0),
            row(AGENTS.support, "refund.issue/EUR", 3, 1, 2, 0, 1),
            row(AGENTS.support, "customer.address", 204, 11, 4, 9, 2),
            row(AGENTS.content, "post.publish", 0, 0, 0, 0, 0),
            row(AGENTS.ops, "shell.run", 11, 0, 4, 1, 2),
            row(AGENTS.support, "ticket.tag", 12412, 2, 1, 0, 0),
        ],
        next_cursor: null,
    });
}

function stream(request, response) {
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    response.write(`event: hello\ndata: {}\n\n`);
    const beat = setInterval(() => response.write(":\n\n"), 15_000);
    streams.add(response);
    request.on("close", () => {
        clearInterval(beat);
        streams.delete(response);
    });
    response.on("close", () => {
        clearInterval(beat);
        streams.delete(response);
    });
}

/* The routes of one proposal: read, attachment, verbs. */
function proposalRoute(method, parts, person, body) {
    const p = proposals.get(parts[0]);
    if (p === undefined) {
        return problem(404, "not-found", "There is no such proposal.");
    }
    if (method === "GET" && parts[1] === "attachments") {
        const item = p.brief.evidence?.[Number(parts[2])];
        return item?.base64
            ? {
                  status: 200,
                  raw: Buffer.from(item.base64, "base64"),
                  type: item.content_type,
                  headers: { "Content-Disposition": "attachment" },
              }
            : problem(404, "not-found", "");
    }
    if (method === "GET") {
        return ok(full(p, person));
    }
    const verb = VERBS[parts[1]];
    return verb ? verb(p, person, body) : problem(404, "not-found", "");
}

async function route(request, url) {
    const { method } = request;
    const parts = url.pathname.split("/").slice(2);
    const body = method === "POST" ? await bodyOf(request) : {};
    if (url.pathname.startsWith("/dev/")) {
        ACTS[body.do]?.(proposals.get(body.id), body);
        return ok({ done: body.do });
    }
    if (faults.fail && method !== "DELETE") {
        return problem(
            faults.fail,
            faults.fail === 503 ? "overloaded" : "internal",
            "Try again in a moment.",
        );
    }
    if (url.pathname === "/v1/session") {
        return method === "POST"
            ? signIn(body)
            : { status: 204, headers: { "Set-Cookie": "fermata=; Max-Age=0; Path=/" } };
    }
    const person = personOf(request);
    if (person === null) {
        return problem(401, "unauthenticated", "Sign in first.");
    }
    const lists = {
        me: () => ok(meOf(person)),
        inbox: () => inbox(url.searchParams, person),
        categories,
        pauses: () => ok({ items: [], next_cursor: null }),
    };
    if (parts.length === 1 && Object.hasOwn(lists, parts[0])) {
        return lists[parts[0]]();
    }
    if (parts[0] === "proposals" && parts.length === 1) {
        return ok(
            paged(listed(url.searchParams, person), url.searchParams, bodyFor),
        );
    }
    return parts[0] === "proposals"
        ? proposalRoute(method, parts.slice(1), person, body)
        : problem(404, "not-found", "");
}

function send(response, { status, body, raw, type, headers = {} }) {
    const json = status >= 400 ? "application/problem+json" : "application/json";
    response.writeHead(status, {
        "Content-Type": type ?? json,
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        ...headers,
    });
    response.end(raw ?? (body === undefined ? "" : JSON.stringify(body)));
}

async function page(response, path) {
    const file = files.get(path) ?? (path.startsWith("/assets/") ? undefined : files.get("/"));
    if (file === undefined) {
        send(response, problem(404, "not-found", ""));
        return;
    }
    const bytes = await readFile(join(ROOT, "dist", file.file));
    send(response, {
        status: 200,
        raw: bytes,
        type: file.type,
        headers: {
            "Content-Security-Policy": CSP,
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
        },
    });
}

async function handle(request, response) {
    const url = new URL(request.url, "http://localhost");
    settle();
    if (url.pathname === "/v1/stream" && personOf(request) && !faults.noStream) {
        stream(request, response);
    } else if (/^\/(v1|dev)\//.test(url.pathname)) {
        const delayMs = url.pathname.startsWith("/dev/") ? 0 : faults.delayMs;
        const answer = await route(request, url).catch((error) =>
            problem(400, "invalid-json", error.message),
        );
        setTimeout(() => send(response, answer), delayMs);
    } else {
        await page(response, url.pathname);
    }
}

async function rebuild() {
    files = new Map((await build()).map((file) => [file.url, file]));
}

await rebuild();
fill();
if (process.argv.includes("--watch")) {
    let timer;
    watch(join(ROOT, "src"), { recursive: true }, () => {
        clearTimeout(timer);
        timer = setTimeout(
            () =>
                rebuild().then(
                    () => console.log("rebuilt"),
                    (error) => console.error(error.message),
                ),
            100,
        );
    });
}
setInterval(settle, 500).unref();
createServer((request, response) => void handle(request, response)).listen(
    PORT,
    "127.0.0.1",
    function () {
        console.log(
            `mock server: http://127.0.0.1:${this.address().port}, user ana, ben or vera (reads only), password ${PASSWORD}`,
        );
    },
);
