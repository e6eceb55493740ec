// SPDX-License-Identifier: Apache-2.0
/*
 * The typed client of the server's JSON interface. Must never: put a payload, digest or secret
 * into a URL, retry a write by itself, or turn a refusal into a success. Every failure, also of
 * the network, is a Problem.
 */
import { noteServerDate } from "./state/clock";
import type {
    Agent,
    Category,
    Comment,
    DecisionBody,
    InboxPage,
    KeyRow,
    Me,
    NewAgent,
    Page,
    Pause,
    Person,
    Proposal,
    Secret,
} from "./wire";

export interface FieldError {
    readonly pointer: string;
    readonly message: string;
}

const TIMEOUT_MS = 20_000;

/* A refusal (RFC 9457), or `unreachable` where no answer came. */
export class Problem extends Error {
    constructor(
        readonly kind: string,
        readonly status: number,
        readonly title: string,
        readonly detail: string,
        readonly errors: readonly FieldError[] = [],
        readonly retryAfterS: number | null = null,
        readonly members: Readonly<Record<string, unknown>> = {},
    ) {
        super(detail || title);
    }
}

const unreachable = (): Problem =>
    new Problem(
        "unreachable",
        0,
        "No answer from the server",
        "Check the connection and try again.",
    );

/* Reads a problem document; a body that is none still makes a Problem with its status. */
async function problemOf(response: Response): Promise<Problem> {
    const body = (await response.json().catch(() => ({}))) as Record<string, unknown>;
    const text = (name: string): string =>
        typeof body[name] === "string" ? (body[name] as string) : "";
    const retry = Number(response.headers.get("Retry-After") ?? Number.NaN);
    return new Problem(
        text("type").split("/").pop() || "internal",
        response.status,
        text("title") || `The server answered ${response.status}`,
        text("detail"),
        Array.isArray(body["errors"]) ? (body["errors"] as FieldError[]) : [],
        Number.isFinite(retry) ? retry : null,
        body,
    );
}

interface Call {
    readonly body?: unknown;
    readonly idempotencyKey?: string;
}

/* One exchange; parts of the page that are fetched later have their own calls. */
export async function call<T>(
    method: string,
    path: string,
    { body, idempotencyKey }: Call = {},
): Promise<T> {
    const headers: Record<string, string> = { Accept: "application/json" };
    if (body !== undefined) {
        headers["Content-Type"] = "application/json";
    }
    if (idempotencyKey !== undefined) {
        headers["Idempotency-Key"] = idempotencyKey;
    }
    const response = await fetch(path, {
        method,
        headers,
        credentials: "same-origin",
        cache: "no-store",
        redirect: "error",
        signal: AbortSignal.timeout(TIMEOUT_MS),
        body: body === undefined ? null : JSON.stringify(body),
    }).catch(() => {
        throw unreachable();
    });
    noteServerDate(response.headers.get("Date"));
    if (!response.ok) {
        throw await problemOf(response);
    }
    if (response.status === 204) {
        return undefined as T;
    }
    return (await response.json().catch(() => {
        throw unreachable();
    })) as T;
}

/* 128 random bits in hex; works without a secure context, unlike crypto.randomUUID. */
export function newIdempotencyKey(): string {
    const random = crypto.getRandomValues(new Uint8Array(16));
    return [...random].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/* A query string of the members that are set, with its question mark; empty for none. */
export function query(
    members: Readonly<Record<string, string | number | null | undefined>>,
): string {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(members)) {
        if (value !== null && value !== undefined && value !== "") {
            search.set(name, String(value));
        }
    }
    const text = search.toString();
    return text === "" ? "" : `?${text}`;
}

const at = (id: string, verb = ""): string => `/v1/proposals/${encodeURIComponent(id)}${verb}`;

const person = (id: string, verb: string): string =>
    `/v1/people/${encodeURIComponent(id)}/${verb}`;

/* A write answers with the proposal alone; what the page shows besides comes with a read. The write stands
 * even if that read fails. */
async function thenRead(written: Promise<Proposal>): Promise<Proposal> {
    const answer = await written;
    return call<Proposal>("GET", at(answer.id)).catch(() => answer);
}

export interface InboxQuery {
    readonly queue?: string;
    readonly mine?: 1 | null;
    readonly sort?: string;
    readonly limit?: number;
    readonly cursor?: string | null;
}

/* Where the bytes of an attachment are; for <img> and download links. */
export const attachmentUrl = (id: string, index: number): string => at(id, `/attachments/${index}`);

/* A list to its end: lists that are shown whole come in pages of at most 200. */
async function whole<T>(path: string, members: Record<string, string> = {}): Promise<Page<T>> {
    const items: T[] = [];
    let cursor: string | null = null;
    do {
        const page: Page<T> = await call<Page<T>>(
            "GET",
            `${path}${query({ ...members, limit: 200, cursor })}`,
        );
        items.push(...page.items);
        cursor = page.next_cursor;
    } while (cursor !== null);
    return { items, next_cursor: null };
}

export const api = {
    me: () => call<Me>("GET", "/v1/me"),
    signIn: (name: string, password: string) =>
        call<Me>("POST", "/v1/session", { body: { name, password } }),
    signInByLink: (code: string) => call<Me>("POST", "/v1/session/link", { body: { code } }),
    signOut: () => call<void>("DELETE", "/v1/session"),
    inbox: (members: InboxQuery) => call<InboxPage>("GET", `/v1/inbox${query({ ...members, group: 1 })}`),
    proposal: (id: string) => call<Proposal>("GET", at(id)),
    decidedByMe: (limit: number, cursor: string | null) =>
        call<Page<Proposal>>(
            "GET",
            `/v1/proposals${query({ decided_by: "me", limit, cursor })}`,
        ),
    /* Executed, and the agent has not told in time what came of it. */
    outcomeUnknown: (limit: number, cursor: string | null) =>
        call<Page<Proposal>>(
            "GET",
            `/v1/proposals${query({ outcome: "unknown", limit, cursor })}`,
        ),
    claim: (id: string) => thenRead(call<Proposal>("POST", at(id, "/claim"), { body: {} })),
    unclaim: (id: string) => thenRead(call<Proposal>("POST", at(id, "/unclaim"), { body: {} })),
    decide: (id: string, body: DecisionBody, idempotencyKey: string) =>
        thenRead(call<Proposal>("POST", at(id, "/decision"), { body, idempotencyKey })),
    undo: (id: string) => thenRead(call<Proposal>("POST", at(id, "/undo"), { body: {} })),
    comment: (id: string, text: string, idempotencyKey: string) =>
        call<Comment>("POST", at(id, "/comment"), { body: { text }, idempotencyKey }),
    categories: () => whole<Category>("/v1/categories"),
    setUp: (token: string, name: string, password: string, roles: readonly string[]) =>
        call<unknown>("POST", "/v1/setup", { body: { token, name, password, roles } }),
    /* `current` is null where a one-time code stands in for the password. */
    changePassword: (current: string | null, password: string) =>
        call<void>("POST", "/v1/me/password", {
            body: current === null ? { password } : { current, password },
        }),
    people: () => whole<Person>("/v1/people", { deactivated: "1" }),
    addPerson: (name: string, roles: readonly string[]) =>
        call<Secret>("POST", "/v1/people", { body: { name, roles } }),
    setRoles: (id: string, roles: readonly string[]) =>
        call<unknown>("POST", person(id, "roles"), { body: { roles } }),
    setActive: (id: string, active: boolean) =>
        call<unknown>("POST", person(id, active ? "reactivate" : "deactivate"), { body: {} }),
    resetPassword: (id: string) => call<Secret>("POST", person(id, "password-reset"), { body: {} }),
    agents: () => whole<Agent>("/v1/agents"),
    addAgent: (name: string, owner: string) =>
        call<NewAgent>("POST", "/v1/agents", { body: { name, owner } }),
    keys: () => whole<KeyRow>("/v1/keys"),
    addKey: (agent: string) => call<Secret>("POST", "/v1/keys", { body: { agent } }),
    addService: (service: string, scopes: readonly string[]) =>
        call<Secret>("POST", "/v1/keys", { body: { service, scopes } }),
    revoke: (id: string) => call<void>("DELETE", `/v1/keys/${encodeURIComponent(id)}`),
    pauses: () => whole<Pause>("/v1/pauses"),
    pause: (what: Readonly<Record<string, string>>) =>
        call<Pause>("POST", "/v1/pauses", { body: what }),
    resume: (id: string) => call<Pause>("DELETE", `/v1/pauses/${encodeURIComponent(id)}`),
};

/* Any thrown thing as a Problem; a defect of the page becomes one too, so that it is shown. */
export function asProblem(thrown: unknown): Problem {
    if (thrown instanceof Problem) {
        return thrown;
    }
    return new Problem("page", 0, "The page failed", thrown instanceof Error ? thrown.message : "");
}
