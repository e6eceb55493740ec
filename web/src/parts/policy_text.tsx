// SPDX-License-Identifier: Apache-2.0
/*
 * The text of a policy: as it is, beside another one, and with what is wrong with it. Plain text; hidden
 * characters are made visible, because a rule may hold one.
 */
import { useMemo, useState } from "preact/hooks";
import type { Check, Finding } from "../policy_api";
import { segment } from "../text/hidden";
import { hunks, lineDiff, type Line } from "../text/lines";
import { integer, plural } from "../text/format";
import { Tag } from "./bits";
import { Long } from "./untrusted";

const LINE_ROOM = { limit: 4000, head: 2000, tail: 1000 };
const LINES_SHOWN = 2000;

function Text({ text }: { text: string }) {
    return <Long parts={segment(text, "lines")} room={LINE_ROOM} />;
}

const SIGN = { same: " ", added: "+", removed: "−" } as const;
const SAID = { same: "", added: "added: ", removed: "removed: " } as const;

function DiffLine({ line }: { line: Line }) {
    return (
        <div class={`ln ${line.kind}`}>
            <span class="line-no">{line.after || line.before}</span>
            <span class="sign" aria-hidden="true">
                {SIGN[line.kind]}
            </span>
            <span>
                <span class="sr">{SAID[line.kind]}</span>
                <Text text={line.text} />
            </span>
        </div>
    );
}

/* A text with its line numbers. */
export function Source({ text }: { text: string }) {
    const lines = useMemo(() => text.replace(/\n$/, "").split(/\r?\n/), [text]);
    const [shown, setShown] = useState(LINES_SHOWN);
    return (
        <>
            <div class="src" role="region" aria-label="Text of the policy" tabIndex={0}>
                {lines.slice(0, shown).map((line, index) => (
                    <div key={index} class="ln">
                        <span class="line-no">{index + 1}</span>
                        <span>
                            <Text text={line} />
                        </span>
                    </div>
                ))}
            </div>
            {lines.length > shown && (
                <button type="button" class="small" onClick={() => setShown(shown + LINES_SHOWN)}>
                    {plural(lines.length - shown, "line")} more
                </button>
            )}
        </>
    );
}

/* What changed between two texts, with the lines around it. */
export function Diff({ before, after }: { before: string; after: string }) {
    const parts = useMemo(() => hunks(lineDiff(before, after)), [before, after]);
    const all = parts.flat();
    const count = (kind: Line["kind"]): number => all.filter((line) => line.kind === kind).length;
    if (parts.length === 0) {
        return <p class="quiet">The texts are the same.</p>;
    }
    return (
        <>
            <p class="quiet">
                {plural(count("added"), "line")} added, {integer(count("removed"))} removed.
            </p>
            <div class="src" role="region" aria-label="Changes of the text" tabIndex={0}>
                {parts.map((hunk, index) => (
                    <div key={index} class="hunk">
                        {hunk.slice(0, LINES_SHOWN).map((line, at) => (
                            <DiffLine key={at} line={line} />
                        ))}
                        {hunk.length > LINES_SHOWN && <p class="quiet">{plural(hunk.length - LINES_SHOWN, "line")} more</p>}
                    </div>
                ))}
            </div>
        </>
    );
}

interface FindingsProps {
    readonly findings: readonly Finding[];
    readonly source: string;
    readonly onPick?: (finding: Finding) => void;
}

/* What is wrong with a text, each with its line and where in it. */
export function Findings({ findings, source, onPick }: FindingsProps) {
    const lines = source.split(/\r?\n/);
    return (
        <ul class="findings">
            {findings.map((finding, index) => {
                const { line, column, warning, message } = finding;
                const text = lines[line - 1] ?? "";
                const place = `${line}:${column}`;
                return (
                    <li key={index}>
                        <Tag tone={warning ? "warn" : "danger"}>{warning ? "Warning" : "Mistake"}</Tag>{" "}
                        {onPick ? (
                            <button type="button" class="link" onClick={() => onPick(finding)} aria-label={`Go to ${place}`}>
                                {place}
                            </button>
                        ) : (
                            place
                        )}{" "}
                        <Text text={message} />
                        {text.trim() !== "" && (
                            <pre class="excerpt" aria-hidden="true">
                                {text.slice(Math.max(0, column - 40), column + 40)}
                                {"\n"}
                                {" ".repeat(Math.min(column - 1, 39))}^
                            </pre>
                        )}
                    </li>
                );
            })}
        </ul>
    );
}

/* The results of a text's own tests; the failed ones by name. */
export function Tests({ check }: { check: Check }) {
    const failed = check.tests.filter(({ passed }) => !passed);
    if (check.tests.length === 0) {
        return <p class="quiet">The text brings no tests of its own.</p>;
    }
    return (
        <>
            <p>
                {failed.length === 0
                    ? `${plural(check.tests.length, "test")} of the text, all passed.`
                    : `${failed.length} of ${plural(check.tests.length, "test")} of the text failed:`}
            </p>
            <ul class="findings">
                {failed.map((test) => (
                    <li key={test.line}>
                        {test.line}:{test.column} <strong>{test.name}</strong>: <Text text={test.why ?? ""} />
                    </li>
                ))}
            </ul>
        </>
    );
}
