// SPDX-License-Identifier: Apache-2.0
/*
 * The shapes of the wire that the page reads and writes (`/v1`), and nothing else. Clients ignore
 * members they do not know. Whatever an agent wrote is marked "agent" here: it may be shown only
 * by parts/untrusted.tsx.
 */
import type { Json } from "./text/json";

export interface Named {
    readonly id: string;
    readonly name: string;
}

export interface Me extends Named {
    readonly roles: readonly string[];
    readonly queues: readonly string[];
    readonly via: string;
    readonly can: {
        readonly decide: boolean;
        readonly audit: boolean;
        readonly lead: boolean;
        readonly policy: boolean;
        readonly admin: boolean;
    };
    readonly must_change_password?: boolean;
    readonly password?: {
        readonly set_at: string | null;
        readonly reset_at: string | null;
        readonly reset_by: string | null;
    };
    readonly expires_at?: string | null;
    readonly reasons?: readonly string[];
}

/* A new agent; its key is told this once. */
export interface ClaimedBy extends Named {
    readonly until: string;
}

export type Mode = "glance" | "read" | "decide_first";

export interface Hold {
    readonly queue: string;
    readonly mode: Mode;
    readonly phase: "waiting" | "claimed" | "undo";
    readonly due_at: string | null;
    readonly deadline_at?: string | null; /* agent: afterwards it no longer wants the answer */
    readonly release_at?: string | null;
    readonly claimed_by: ClaimedBy | null;
    readonly escalations: number;
    readonly people_needed: number;
    readonly people_done: number;
}

export interface InboxItem {
    readonly id: string;
    readonly status: string;
    readonly action: string;
    readonly category: string;
    readonly agent: Named;
    readonly revision: number;
    readonly digest: string;
    readonly created_at: string;
    readonly title: string; /* holds values of the agent */
    readonly summary?: string | null; /* agent */
    readonly recommendation?: string | null; /* agent */
    readonly confidence: number | null; /* agent */
    readonly effects: readonly string[];
    readonly reversible: boolean | null;
    readonly verdict: string;
    readonly hold: Hold;
    readonly repeat_of: string | null;
    readonly repeats: number; /* how many are alike, this one included */
}

export interface Counts {
    readonly groups: number; /* of those pending, without the repeats */
    readonly pending: number;
    readonly mine: number;
    readonly escalated: number;
}

export interface Page<T> {
    readonly items: readonly T[];
    readonly next_cursor: string | null;
}

export interface InboxPage extends Page<InboxItem> {
    readonly counts: Counts;
}

export interface Evidence {
    /* agent, all of it */
    readonly title?: string;
    readonly text?: string;
    readonly source?: string;
    readonly data?: Json;
    readonly content_type?: string;
    readonly attachment?: {
        readonly index: number;
        readonly bytes: number;
        readonly sha256: string;
    };
}

export interface Option {
    /* agent, all of it */
    readonly title: string;
    readonly pros?: readonly string[];
    readonly cons?: readonly string[];
    readonly recommended?: boolean;
    readonly arguments?: Json;
}

export interface Brief {
    /* agent, all of it */
    readonly summary?: string;
    readonly request?: string;
    readonly recommendation?: string;
    readonly reasoning?: string;
    readonly case_against?: string;
    readonly confidence?: number;
    readonly evidence?: readonly Evidence[];
    readonly options?: readonly Option[];
    readonly draft?: { readonly pointer: string; readonly format?: string };
}

/* A part of a condition and what it was: the value is the agent's. */
export interface Fact {
    readonly expression: string;
    readonly value: Json;
}

export interface Reason {
    readonly source: string;
    readonly rule?: string;
    readonly verdict: string;
    readonly text?: string;
    readonly pointer?: string;
    readonly p_value?: number;
    readonly values?: readonly Fact[];
}

export type Part = { readonly text: string } | { readonly hidden: string; readonly name: string };

export interface CardLine {
    readonly pointer: string;
    readonly kind: "string" | "number" | "boolean" | "null" | "empty";
    readonly critical: boolean;
    readonly bytes: number;
    readonly parts: readonly Part[];
}

/* Made by the server from the stored bytes: what will run. */
export interface Card {
    readonly title: string;
    readonly action: string;
    readonly executor: string | null;
    readonly effects: readonly string[];
    readonly domain: string | null;
    readonly reversible: boolean | null;
    readonly oversight: string | null;
    readonly hidden: number;
    readonly cut?: boolean; /* there are more lines than these */
    readonly lines: readonly CardLine[];
}

export interface Comment {
    readonly id: string;
    readonly by: Named;
    readonly at: string;
    readonly text: string | null; /* null: erased */
}

export interface Actor {
    readonly kind: string;
    readonly id?: string;
    readonly name?: string;
}

export interface TimelineEvent {
    readonly type: string;
    readonly at: string;
    readonly by: Actor | null;
    readonly data?: Readonly<Record<string, Json>> | null;
    readonly reason?: string | null; /* of a decision */
    readonly log?: { readonly index: number } | null;
}

export type Verdict = "approve" | "modify" | "reject" | "return";

export interface Decision {
    readonly id: string;
    readonly verdict: Verdict;
    readonly by: Actor;
    readonly at: string;
    readonly changed?: readonly {
        readonly pointer: string;
        readonly from?: Json;
        readonly to?: Json;
    }[];
    readonly severity?: string | null;
    readonly reason?: string | null;
    readonly reason_code?: string | null;
}

/* What a person would change, where that takes somebody else's decision. */
export interface Edit {
    readonly by: { readonly name: string | null };
    readonly arguments: Json | null; /* null: erased */
    readonly reason: string | null;
}

export interface DecisionCounts {
    readonly approved: number;
    readonly modified: number;
    readonly rejected: number;
    readonly returned: number;
    readonly expired: number;
}

export interface Proposal {
    readonly id: string;
    readonly title?: string; /* in lists; holds values of the agent */
    readonly status: string;
    readonly action: string;
    readonly arguments: Json; /* agent */
    readonly agent_version?: string; /* agent */
    readonly on_behalf_of?: string; /* agent */
    readonly subject?: string; /* agent */
    readonly labels?: Readonly<Record<string, string>>; /* agent */
    readonly brief?: Brief;
    readonly category: string;
    readonly agent: Named;
    readonly revision: number;
    readonly digest: string;
    readonly policy: string; /* the version that assessed it */
    readonly created_at: string;
    readonly updated_at: string;
    readonly assessment: { readonly verdict: string; readonly reasons: readonly Reason[] };
    readonly hold: Hold | null;
    readonly decision: Decision | null;
    readonly approval_expires_at?: string | null;
    readonly redeemed_at?: string | null;
    readonly outcome_due_at?: string | null; /* while an outcome is awaited */
    readonly outcome: { readonly status: string; readonly detail?: string } | null;
    readonly card?: Card;
    readonly action_schema?: Json; /* policy: what `modify` is held against; null: nothing */
    readonly edit?: Edit | null;
    readonly comments?: readonly Comment[];
    readonly counts?: DecisionCounts;
    readonly timeline?: readonly TimelineEvent[];
    readonly can?: {
        readonly decide: boolean;
        readonly claim: boolean;
        readonly reason: string | null;
    };
    readonly repeat_of?: string | null;
    readonly alike?: {
        readonly count: number;
        readonly place: number;
        readonly others: readonly { readonly id: string; readonly created_at: string }[];
    };
}

export interface DecisionBody {
    readonly verdict: Verdict;
    readonly digest: string;
    readonly arguments?: Json;
    readonly severity?: "minor" | "material";
    readonly reason?: string;
    readonly reason_code?: string;
}

export interface Category extends DecisionCounts {
    readonly agent: Named;
    readonly category: string;
    readonly level: string;
    readonly reviewed: number;
}

export interface Person extends Named {
    readonly roles: readonly string[];
    readonly active: boolean;
    readonly must_change_password: boolean;
    readonly last_sign_in_at: string | null;
}

export interface Agent extends Named {
    readonly owner: Named;
}

export interface KeyRow {
    readonly id: string;
    readonly kind: string;
    readonly agent: Named | null;
    readonly person: Named | null;
    readonly service: string | null;
    readonly scopes: readonly string[];
    readonly created_at: string;
    readonly created_by: Named | null;
    readonly last_used_at: string | null;
    readonly expires_at: string | null;
}

/* What is shown once: a one-time code, a key or a token. */
export interface Secret {
    readonly id: string;
    readonly code?: string;
    readonly key?: string;
    readonly token?: string;
    readonly expires_at: string | null;
}

export interface NewAgent extends Secret {
    readonly key: string;
}

export interface Pause {
    readonly id: string;
    readonly covers: "everything" | "agent" | "action" | "category";
    readonly agent: string | null;
    readonly action: string | null;
    readonly category: string | null;
    readonly reason: string;
    readonly at: string;
    readonly by: Named | null;
    readonly resume_asked_at: string | null;
    readonly resume_asked_by: Named | null;
    readonly ended_at: string | null;
}

export interface Webhook {
    readonly id: string;
    readonly type: string;
    readonly proposal: string;
    readonly agent: Named;
    readonly host: string; /* agent */
    readonly status: string;
    readonly attempts: number;
    readonly last_error: string | null;
    readonly last_status: number | null;
    readonly created_at: string;
    readonly next_attempt_at: string | null;
}

export interface StreamEvent {
    readonly id: string;
    readonly type: string;
    readonly at: string;
    readonly proposal: string;
    readonly data: {
        readonly queue?: string;
        readonly status?: string;
        readonly by?: Named | null;
    };
}
