// SPDX-License-Identifier: Apache-2.0
/*
 * The way to the first-run guide: it is fetched when somebody goes there, because hardly anybody needs
 * it a second time.
 */
import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { api } from "../api";
import { Empty, Skeleton } from "../parts/bits";
import { go, place } from "../router";
import { me } from "../state/session";

const loaded = signal<ComponentType | "failed" | null>(null);

async function load(): Promise<void> {
    try {
        loaded.value = (await import("./start")).Start;
    } catch {
        loaded.value = "failed";
    }
}

export function StartPage() {
    useEffect(() => void load(), []);
    const Page = loaded.value;
    if (Page === "failed") {
        return (
            <Empty title="The guide could not be fetched">
                <a href="/">To the inbox</a>
            </Empty>
        );
    }
    return Page === null ? <Skeleton lines={4} label="Loading the guide" /> : <Page />;
}

/* Leads an admin whose store has no agent yet from the empty inbox to the guide. */
export async function offerStart(): Promise<void> {
    if (me.value?.can.admin !== true || place.value.path !== "/") {
        return;
    }
    const agents = await api.agents().catch(() => null);
    if (agents?.items.length === 0 && place.value.path === "/") {
        go("/start", true);
    }
}
