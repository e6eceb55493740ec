// SPDX-License-Identifier: Apache-2.0
/*
 * A page whose code is loaded when it is first shown. What cannot be loaded says so, and can be tried again.
 */
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Problem } from "../api";
import { Failure, Skeleton } from "./bits";

const LOST = new Problem(
    "unreachable",
    0,
    "This page could not be loaded",
    "Check the connection, and load it again if the server was updated.",
);

export function later(load: () => Promise<ComponentType>): ComponentType {
    let loaded: ComponentType | null = null;
    return function Later() {
        const [, show] = useState(0);
        const [lost, setLost] = useState(false);
        const fetchIt = (): void => {
            setLost(false);
            load().then(
                (page) => {
                    loaded = page;
                    show((count) => count + 1);
                },
                () => setLost(true),
            );
        };
        useEffect(() => {
            if (loaded === null) {
                fetchIt();
            }
        }, []);
        if (loaded !== null) {
            const Page = loaded;
            return <Page />;
        }
        return (
            <div class="page">
                <h1 class="sr">Loading</h1>
                {lost ? (
                    <Failure problem={LOST} retry={fetchIt} />
                ) : (
                    <Skeleton lines={6} label="Loading the page" />
                )}
            </div>
        );
    };
}
