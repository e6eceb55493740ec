// SPDX-License-Identifier: Apache-2.0
/*
 * The window over the list: only the rows in view exist, with the right aria-setsize and
 * aria-posinset. One tab stop; the arrows move the selection, which is announced as the active
 * descendant. Must never scroll by itself except to keep the selection in view.
 */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { hasMore, loading, moreInbox, rows, total } from "../state/inbox";
import { remPx, wide } from "../state/layout";
import { RowView } from "./row";

const ROW_REM = { wide: 5.25, narrow: 7.25 };
const OVERSCAN = 4;

interface Props {
    readonly selectedId: string | null;
    readonly onSelect: (id: string) => void;
    readonly onOpen: (id: string) => void;
}

/* Follows the scroll position and height of an element. */
function useViewport() {
    const box = useRef<HTMLDivElement>(null);
    const [view, setView] = useState({ top: 0, height: 800 });
    useLayoutEffect(() => {
        const element = box.current;
        if (element === null) {
            return undefined;
        }
        const measure = (): void =>
            setView({ top: element.scrollTop, height: element.clientHeight });
        const observer = new ResizeObserver(measure);
        observer.observe(element);
        element.addEventListener("scroll", measure, { passive: true });
        return () => {
            observer.disconnect();
            element.removeEventListener("scroll", measure);
        };
    }, []);
    return { box, view };
}

const STEPS: Readonly<Record<string, (at: number, last: number) => number>> = {
    ArrowDown: (at) => at + 1,
    ArrowUp: (at) => at - 1,
    PageDown: (at) => at + 8,
    PageUp: (at) => at - 8,
    Home: () => 0,
    End: (_at, last) => last,
};

export function ProposalList({ selectedId, onSelect, onOpen }: Props) {
    const { box, view } = useViewport();
    const list = rows.value;
    const height = Math.round((wide.value ? ROW_REM.wide : ROW_REM.narrow) * remPx.value);
    const first = Math.max(0, Math.floor(view.top / height) - OVERSCAN);
    const end = Math.min(list.length, Math.ceil((view.top + view.height) / height) + OVERSCAN);
    const at = list.findIndex((row) => row.item.id === selectedId);
    const visible = list.slice(first, end).map((row, offset) => ({ row, index: first + offset }));
    if (at >= 0 && (at < first || at >= end)) {
        visible.push({ row: list[at] as (typeof list)[number], index: at });
    }

    useLayoutEffect(() => {
        const element = box.current;
        if (at >= 0 && element !== null) {
            const top = Math.min(element.scrollTop, at * height);
            element.scrollTop = Math.max(top, (at + 1) * height - element.clientHeight);
        }
    }, [selectedId, height]);
    useEffect(() => {
        if (hasMore.value && end + OVERSCAN >= list.length) {
            void moreInbox();
        }
    }, [end, list.length]);

    const onKeyDown = (event: KeyboardEvent): void => {
        const step = STEPS[event.key];
        const target =
            step && list[Math.max(0, Math.min(list.length - 1, step(at, list.length - 1)))];
        if (target && !event.ctrlKey && !event.altKey && !event.metaKey) {
            event.preventDefault();
            onSelect(target.item.id);
        }
    };
    return (
        <div
            class="list"
            role="listbox"
            aria-label="Held proposals, most urgent first"
            id="list"
            tabIndex={0}
            ref={box}
            aria-activedescendant={at >= 0 ? `row-${selectedId}` : undefined}
            aria-busy={loading.value !== null}
            onKeyDown={onKeyDown}
        >
            <div
                class="list-space"
                role="presentation"
                style={{ height: `${list.length * height}px` }}
            >
                {visible.map(({ row, index }) => (
                    <RowView
                        key={row.item.id}
                        row={row}
                        index={index}
                        total={total.value}
                        selected={index === at}
                        top={index * height}
                        height={height}
                        onPick={onOpen}
                    />
                ))}
            </div>
        </div>
    );
}
