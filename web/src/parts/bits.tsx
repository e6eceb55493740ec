// SPDX-License-Identifier: Apache-2.0
/*
 * The small pieces that every page uses: keycaps, tags, notices, empty and loading states.
 * They show the page's own words only, or children made by parts/untrusted.tsx.
 */
import type { ComponentChildren } from "preact";
import type { Problem } from "../api";
import { Icon, type IconName } from "./icons";

export type Tone = "plain" | "accent" | "ok" | "warn" | "danger";

/* A key as printed on its cap; hidden from screen readers, which get aria-keyshortcuts. */
export function Key({ children }: { children: string }) {
    return <kbd aria-hidden="true">{children}</kbd>;
}

/* A word in a box. */
export function Tag({
    tone = "plain",
    title,
    children,
}: {
    tone?: Tone;
    title?: string | undefined;
    children: ComponentChildren;
}) {
    return (
        <span class={`tag ${tone}`} title={title}>
            {children}
        </span>
    );
}

/* A sentence that asks for attention, with what can be done about it. */
export function Notice({
    tone,
    icon,
    children,
}: {
    tone: Tone;
    icon?: IconName;
    children: ComponentChildren;
}) {
    return (
        <div class={`notice ${tone}`}>
            {icon && <Icon name={icon} />}
            <div class="notice-text">{children}</div>
        </div>
    );
}

/* A failure with its name, so that support can find it, and a way to try again. */
export function Failure({ problem, retry }: { problem: Problem; retry?: () => void }) {
    return (
        <Notice tone="danger" icon="warn">
            <strong>{problem.title}</strong> {problem.detail}
            <span class="quiet">
                {" "}
                ({problem.kind}
                {problem.status > 0 ? `, ${problem.status}` : ""})
            </span>
            {retry && (
                <button type="button" class="small" onClick={retry}>
                    Try again
                </button>
            )}
        </Notice>
    );
}

/* A page or list without content, and why. */
export function Empty({ title, children }: { title: string; children: ComponentChildren }) {
    return (
        <div class="empty">
            <p class="empty-title">{title}</p>
            <p>{children}</p>
        </div>
    );
}

/* Grey lines of fixed height where text will be. */
export function Skeleton({ lines, label }: { lines: number; label: string }) {
    return (
        <div class="skeleton" role="status" aria-label={label}>
            {Array.from({ length: lines }, (_, index) => (
                <span key={index} class={`bone b${index % 4}`} />
            ))}
        </div>
    );
}
