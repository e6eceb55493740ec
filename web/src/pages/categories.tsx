// SPDX-License-Identifier: Apache-2.0
/*
 * How people decided, for each agent and category: counts, shares and small bars. The numbers are
 * the server's; the shares are of approved, modified and rejected together.
 */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, type Problem } from "../api";
import { Empty, Failure, Skeleton } from "../parts/bits";
import { Said } from "../parts/untrusted";
import { DecisionBar } from "../parts/why";
import { noticeProblem } from "../state/session";
import { integer, share } from "../text/format";
import { LEVEL, word } from "../text/words";
import type { Category } from "../wire";

const items = signal<readonly Category[] | null>(null);
const failure = signal<Problem | null>(null);

async function read(): Promise<void> {
    try {
        items.value = (await api.categories()).items;
        failure.value = null;
    } catch (thrown) {
        failure.value = noticeProblem(thrown);
    }
}

function Count({ label, count, of }: { label: string; count: number; of: number }) {
    return (
        <td class="num" data-label={label}>
            {integer(count)} <span class="quiet">{share(count, of)}</span>
        </td>
    );
}

function CategoryRow({ item }: { item: Category }) {
    const { approved, modified, rejected } = item;
    const decided = approved + modified + rejected;
    return (
        <tr>
            <th scope="row">
                <code>
                    <Said text={item.category} />
                </code>
                <span class="sub">
                    <Said text={item.agent.name} />
                </span>
            </th>
            <td data-label="Level">{word(LEVEL, item.level)}</td>
            <td class="num" data-label="Reviewed">
                {integer(item.reviewed)}
            </td>
            <Count label="Approved" count={approved} of={decided} />
            <Count label="Modified" count={modified} of={decided} />
            <Count label="Rejected" count={rejected} of={decided} />
            <td class="bar-cell">
                <DecisionBar counts={item} />
            </td>
            <td class="num quiet" data-label="Returned">
                {integer(item.returned ?? 0)}
            </td>
            <td class="num quiet" data-label="Expired">
                {integer(item.expired ?? 0)}
            </td>
        </tr>
    );
}

const COLUMNS = [
    "Level",
    "Reviewed",
    "Approved",
    "Modified",
    "Rejected",
    "Share",
    "Returned",
    "Expired",
];
const NUMERIC = new Set(["Reviewed", "Approved", "Modified", "Rejected", "Returned", "Expired"]);

export function CategoriesPage() {
    useEffect(() => void read(), []);
    const list = items.value;
    return (
        <div class="page scroll" role="region" aria-labelledby="categories-heading" tabIndex={0}>
            <h1 id="categories-heading">Categories</h1>
            <p class="quiet">
                What people decided about each agent, by category. An approval rate alone proves
                nothing: look at what was modified and rejected.
            </p>
            {failure.value && <Failure problem={failure.value} retry={() => void read()} />}
            {list === null && failure.value === null && (
                <Skeleton lines={8} label="Loading categories" />
            )}
            {list?.length === 0 && (
                <Empty title="No categories yet">
                    They appear with the first proposal of an agent.
                </Empty>
            )}
            {list && list.length > 0 && (
                <table class="wide-table stacked">
                    <thead>
                        <tr>
                            <th scope="col">Category and agent</th>
                            {COLUMNS.map((name) => (
                                <th key={name} scope="col" class={NUMERIC.has(name) ? "num" : ""}>
                                    {name}
                                </th>
                            ))}
                        </tr>
                    </thead>
                    <tbody>
                        {list.map((item) => (
                            <CategoryRow key={`${item.agent.id} ${item.category}`} item={item} />
                        ))}
                    </tbody>
                </table>
            )}
        </div>
    );
}
