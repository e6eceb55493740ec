// SPDX-License-Identifier: Apache-2.0
/*
 * The time left until a proposal is due, or until its agent no longer wants the answer, whichever is
 * earlier: text, bar and icon, never colour alone. Shows only; what happens at the end is the server's.
 */
import { now } from "../state/clock";
import { duration, instant, spokenDuration } from "../text/format";
import type { Hold } from "../wire";
import { Icon, type IconName } from "./icons";

export type Urgency = "calm" | "soon" | "late";

const SOON_SHARE = 0.2;
const SOON_MS = 120_000;

const ICONS: Readonly<Record<Urgency, IconName>> = { calm: "clock", soon: "warn", late: "late" };

/* How pressing it is with `left` of `whole` milliseconds to go. */
export function urgency(left: number, whole: number): Urgency {
    if (left <= 0) {
        return "late";
    }
    return left < SOON_MS || left < whole * SOON_SHARE ? "soon" : "calm";
}

/* Whether the agent's own deadline comes first. Times of the wire are in order as texts. */
export const isAgents = ({ due_at: due, deadline_at: deadline }: Hold): boolean =>
    deadline != null && (due === null || deadline < due);

export function Countdown({ from, hold }: { from: string; hold: Hold }) {
    const agents = isAgents(hold);
    const dueMs = instant(agents ? hold.deadline_at : hold.due_at);
    if (dueMs === null) {
        return (
            <span class="countdown calm">
                <span class="left">no limit</span>
            </span>
        );
    }
    const left = dueMs - now.value;
    const whole = Math.max(1, dueMs - (instant(from) ?? dueMs));
    const state = urgency(left, whole);
    const width = `${Math.max(0, Math.min(100, Math.round((100 * left) / whole)))}%`;
    const spoken = left > 0 ? `${agents ? "ends" : "due"} in ${spokenDuration(left)}` : "overdue";
    return (
        <span class={`countdown ${state}`}>
            <Icon name={ICONS[state]} />
            <span class="left" aria-hidden="true">
                {left > 0 ? duration(left) : "overdue"}
            </span>
            <span class="sr">{spoken}</span>
            <span class="track" aria-hidden="true">
                <span class="fill" style={{ width }} />
            </span>
        </span>
    );
}
