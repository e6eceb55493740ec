// SPDX-License-Identifier: Apache-2.0
/*
 * A page, or a part of one, whose code is loaded when it is first shown. What cannot be loaded says so, and
 * can be tried again.
 */
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Problem } from "../api";
import { Failure, Skeleton } from "./bits";

const LOST = new Problem(
    "unreachable",
    0,
    "This part of the page could not be loaded",
    "Check the connection, and load it again if the server was updated.",
);

function Waiting({ lost, retry }: { lost: boolean; retry: () => void }) {
    return lost ? (
        <Failure problem={LOST} retry={retry} />
    ) : (
        <Skeleton lines={6} label="Loading" />
    );
}

/* `whole`: it is a page of its own, with a heading, also while it is loading. */
export function later<Props extends object>(
    load: () => Promise<ComponentType<Props>>,
    whole = true,
): ComponentType<Props> {
    let loaded: ComponentType<Props> | null = null;
    return function Later(props: Props) {
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
            return <Page {...props} />;
        }
        const waiting = <Waiting lost={lost} retry={fetchIt} />;
        return whole ? (
            <div class="page">
                <h1 class="sr">Loading</h1>
                {waiting}
            </div>
        ) : (
            waiting
        );
    };
}
