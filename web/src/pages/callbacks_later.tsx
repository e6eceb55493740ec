// SPDX-License-Identifier: Apache-2.0
/*
 * The page of callbacks is a part of its own: most people never go there.
 */
import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { Empty, Skeleton } from "../parts/bits";

const loaded = signal<ComponentType | "failed" | null>(null);

async function load(): Promise<void> {
    try {
        loaded.value = (await import("./callbacks")).Callbacks;
    } catch {
        loaded.value = "failed";
    }
}

export function CallbacksPage() {
    useEffect(() => void load(), []);
    const Page = loaded.value;
    if (Page === "failed") {
        return (
            <Empty title="The page could not be fetched">
                <a href="/">To the inbox</a>
            </Empty>
        );
    }
    return Page === null ? <Skeleton lines={4} label="Loading callbacks" /> : <Page />;
}
