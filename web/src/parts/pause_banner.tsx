// SPDX-License-Identifier: Apache-2.0
/*
 * Says on every page that something is paused. Only the newest pause is named; the page of pauses has all.
 */
import { covered, pauses } from "../state/pauses";
import { plural } from "../text/format";
import { Icon } from "./icons";
import { Said } from "./untrusted";

export function PauseBanner() {
    const list = pauses.value ?? [];
    const [newest] = list;
    if (newest === undefined) {
        return null;
    }
    const { kind, name } = covered(newest);
    return (
        <p class="pause-line">
            <Icon name="lock" />
            <span>
                <strong>
                    {kind} {name !== "" && <Said text={name} />}
                </strong>{" "}
                is paused: nothing of it is approved or executed.
                {list.length > 1 && ` And ${plural(list.length - 1, "more pause")}.`}{" "}
                <a href="/pauses">Details</a>
            </span>
        </p>
    );
}
