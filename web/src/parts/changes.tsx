// SPDX-License-Identifier: Apache-2.0
/* What differs between two versions of the arguments, member by member. */
import type { Change } from "../text/diff";
import type { Json } from "../text/json";
import { pointerLabel } from "../text/pointer";
import { Said } from "./untrusted";

const shownJson = (value: Json | undefined): string =>
    value === undefined ? "(none)" : typeof value === "string" ? value : JSON.stringify(value);

/* The changes as a list: member, from, to. */
export function ChangeList({ list }: { list: readonly Change[] }) {
    if (list.length === 0) {
        return <p class="quiet">Nothing changed yet.</p>;
    }
    return (
        <table class="changes">
            <thead>
                <tr>
                    <th scope="col">Member</th>
                    <th scope="col">From</th>
                    <th scope="col">To</th>
                </tr>
            </thead>
            <tbody>
                {list.map((change) => (
                    <tr key={change.pointer}>
                        <th scope="row">
                            <code>
                                <Said text={pointerLabel(change.pointer)} />
                            </code>
                        </th>
                        <td class="was">
                            <Said text={shownJson(change.from)} />
                        </td>
                        <td class="is">
                            <Said text={shownJson(change.to)} />
                        </td>
                    </tr>
                ))}
            </tbody>
        </table>
    );
}
