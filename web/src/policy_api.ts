// SPDX-License-Identifier: Apache-2.0
/*
 * The calls about the policy, and their shapes: fetched with the page that needs them.
 */
import { call, newIdempotencyKey, Problem, query } from "./api";
import type { Json } from "./text/json";
import type { Named, Page, Proposal } from "./wire";

export interface Version {
    readonly id: string;
    readonly version: string;
    readonly state: "candidate" | "active" | "retired";
    readonly road: string;
    readonly proposed_at: string | null;
    readonly proposed_by: Named | null; /* null: the operator */
    readonly activated_at: string | null;
    readonly activated_by: Named | null;
    readonly alone: boolean;
    readonly loosened: readonly string[] | null;
}

export interface Whole extends Version {
    readonly canonical: Json;
    readonly yaml: string;
}

export interface Finding {
    readonly line: number;
    readonly column: number;
    readonly warning: boolean;
    readonly message: string;
    readonly excerpt?: string | null;
}

export interface TestResult {
    readonly name: string;
    readonly line: number;
    readonly column: number;
    readonly passed: boolean;
    readonly why: string | null;
    readonly verdict: string;
}

export interface Check {
    readonly version: string | null;
    readonly findings: readonly Finding[];
    readonly tests: readonly TestResult[];
    readonly valid: boolean;
}

export interface ChangeGroup {
    readonly direction: "loosened" | "tightened";
    readonly from: string;
    readonly to: string;
    readonly action: string;
    readonly rule: string | null;
    readonly count: number;
    readonly decisions: Readonly<Record<string, number>>;
    readonly examples: readonly string[];
}

export interface Day {
    readonly day: string;
    readonly queue: string;
    readonly before: number;
    readonly after: number;
}

export interface QueueTimes {
    readonly queue: string;
    readonly before: number;
    readonly after: number;
    readonly decided: number;
    readonly late: number;
    readonly late_before: number;
}

export interface Report {
    readonly from: string | null;
    readonly to: string | null;
    readonly replayed: number;
    readonly compared: number;
    readonly erased: number;
    readonly changed: {
        readonly loosened: number;
        readonly tightened: number;
        readonly left_out: number;
        readonly groups: readonly ChangeGroup[];
    };
    readonly let_through: {
        readonly allowed: number;
        readonly decided: number;
        readonly returned: number;
        readonly errors: number;
        readonly rate: number | null;
        readonly upper_bound: number;
        readonly confidence: number;
        readonly examples: readonly string[];
    };
    readonly reviews: {
        readonly before: number;
        readonly after: number;
        readonly queues: readonly QueueTimes[];
        readonly days: readonly Day[];
    };
    readonly rules: readonly { readonly id: string; readonly matched: number }[];
}

export interface Backtest {
    readonly id: string;
    readonly state: "waiting" | "running" | "done" | "failed" | "cancelled";
    readonly days: number;
    readonly done: number;
    readonly total: number;
    readonly ends_at: string | null;
    readonly error: string | null;
    readonly report: Report | null;
}

/* What a candidate said beside the active version. */
export interface Shadow {
    readonly on: boolean;
    readonly since: string | null;
    readonly by: string | null;
    readonly evaluated: number;
    readonly same: number;
    readonly stricter: number;
    readonly looser: number;
    readonly examples: readonly {
        readonly proposal: string;
        readonly live: string;
        readonly shadow: string;
        readonly rules: readonly string[];
    }[];
    readonly left_out: readonly string[];
}

export interface CoverageRow {
    readonly agent: Named;
    readonly action: string; /* agent */
    readonly proposals: number;
    readonly silent: number; /* of which neither catalogue nor rule spoke */
    readonly last_at: string;
    readonly in_catalogue: boolean;
    readonly then: string | null;
}

export interface EdgeCase {
    readonly category: string; /* agent */
    readonly reason_code: string | null;
    readonly pointer: string | null; /* agent */
    readonly count: number;
    readonly rejected: number;
    readonly modified: number;
    readonly returned: number;
    readonly examples: readonly string[];
    readonly caught_by: readonly CaughtBy[] | null; /* null: there was no time to look */
}

export interface CaughtBy {
    readonly rule: string;
    readonly policy: string;
    readonly state: string;
    readonly matched: number;
    readonly of: number;
}

export interface EdgeCases {
    readonly examined: number;
    readonly left_out: boolean;
    readonly items: readonly EdgeCase[];
}

export type Tried = { readonly yaml: string } | { readonly policy: string };

const POLICIES = "/v1/policies";
const at = (id: string, verb = ""): string => `${POLICIES}/${encodeURIComponent(id)}${verb}`;
const write = (body: unknown) => ({ body, idempotencyKey: newIdempotencyKey() });

export const policyApi = {
    versions: (cursor: string | null) => call<Page<Version>>("GET", `${POLICIES}${query({ limit: 50, cursor })}`),
    version: (id: string) => call<Whole>("GET", at(id)),
    propose: (yaml: string) => call<Version>("POST", POLICIES, write({ yaml })),
    activate: (id: string, alone: boolean) =>
        call<Version>("POST", at(id, "/activate"), write(alone ? { alone } : {})),
    check: (yaml: string) => call<Check>("POST", `${POLICIES}/check`, { body: { yaml } }),
    backtest: (tried: Tried, days: number) =>
        call<Backtest>("POST", `${POLICIES}/backtest`, write({ ...tried, days })),
    backtestNow: (id: string) => call<Backtest>("GET", `${POLICIES}/backtests/${encodeURIComponent(id)}`),
    cancelBacktest: (id: string) => call<Backtest>("DELETE", `${POLICIES}/backtests/${encodeURIComponent(id)}`),
    shadow: (id: string) => call<Shadow>("GET", at(id, "/shadow")),
    setShadow: (id: string, on: boolean) =>
        on ? call<Shadow>("POST", at(id, "/shadow"), write({})) : call<Shadow>("DELETE", at(id, "/shadow")),
    coverage: (cursor: string | null) =>
        call<Page<CoverageRow>>("GET", `/v1/insights/coverage${query({ limit: 200, cursor })}`),
    edgeCases: (days: number) => call<EdgeCases>("GET", `/v1/insights/edge-cases${query({ days })}`),
    proposalsOf: (action: string) => call<Page<Proposal>>("GET", `/v1/proposals${query({ action, limit: 50 })}`),
};

/* A place in a text that a refusal names: its messages begin with LINE:COLUMN. */
export function findingsOf(problem: Problem): Finding[] {
    return problem.errors.flatMap(({ message }) => {
        const [, line, column, text] = /^(\d+):(\d+): (.*)$/s.exec(message) ?? [];
        return text === undefined ? [] : [{ line: Number(line), column: Number(column), warning: false, message: text }];
    });
}
