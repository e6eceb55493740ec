// SPDX-License-Identifier: Apache-2.0
/*
 * Repeats: what waits of the same agent with the same action and values, in one queue. Says how many, and
 * leads to each: they are decided one by one.
 */
import { now } from "../state/clock";
import { wide } from "../state/layout";
import { place, withQuery } from "../router";
import { clockTime, integer } from "../text/format";
import type { Proposal } from "../wire";
import { Tag } from "./bits";

const COUNT_MAX = 1000; /* the server counts no further */

export const alikeWords = (count: number): string =>
    `${integer(count)}${count < COUNT_MAX ? "" : " or more"} alike`;

export function Alike({ proposal }: { proposal: Proposal }) {
    const { alike } = proposal;
    if (!alike || alike.others.length === 0) {
        return null;
    }
    const words = alikeWords(alike.count);
    const beside = wide.value && place.value.path === "/";
    return (
        <details class="alike">
            <summary>
                <Tag tone="warn">
                    {alike.place > 0 ? `${integer(alike.place)} of ${words}` : `${words}, waiting`}
                </Tag>
            </summary>
            <p>
                The same agent, action and values. Each is decided on its own. The others are from:
                {alike.others.map(({ id, created_at: at }) => (
                    <a key={id} href={beside ? withQuery({ sel: id }) : `/p/${id}`}>
                        {clockTime(at, now.value)}
                    </a>
                ))}
            </p>
        </details>
    );
}
