// SPDX-License-Identifier: Apache-2.0
/*
 * One condition of the rule builder: a member, an operator, and a field for the value that fits both.
 */
import type { Json } from "../text/json";
import { argumentPath, argumentsOf, asMembers, COMMON, namedArgument, type Kind, type Member } from "../text/members";
import { operatorsOf, type Condition, type Operator } from "../text/rule";

export interface Row {
    readonly key: number;
    readonly member: Member;
    readonly operator: Operator;
    readonly values: readonly string[];
    readonly named: boolean; /* the argument is named by hand */
    readonly touched: boolean; /* the value was in hand: now it may be called wrong */
}

const NAMED = "named";
const KINDS: readonly (readonly [Kind, string])[] = [
    ["text", "a text"],
    ["number", "a number"],
    ["boolean", "yes or no"],
    ["list", "a list"],
];

let keys = 0;

/* What can be chosen for an action. */
export const membersFor = (entry: Json | undefined, seen: readonly Json[]): Member[] => [
    ...argumentsOf(asMembers(entry)?.schema, seen),
    ...COMMON,
];

const firstValue = (operator: Operator, member: Member, lexicons: readonly string[]): string[] => {
    switch (operator.field) {
        case "choice":
            return [member.choices[0] ?? ""];
        case "yes":
            return ["yes"];
        case "lexicon":
            return [lexicons[0] ?? ""];
        default:
            return [""];
    }
};

function rowOf(member: Member, named: boolean, key: number): Row {
    const operator = operatorsOf(member, false)[0] as Operator;
    return { key, member, operator, values: firstValue(operator, member, []), named, touched: false };
}

export function freshRow(members: readonly Member[]): Row {
    keys += 1;
    return rowOf(members[0] as Member, false, keys);
}

export const conditionOf = ({ member, operator, values }: Row): Condition => ({ member, operator, values });

interface ValueProps {
    readonly row: Row;
    readonly lexicons: readonly string[];
    readonly invalid: boolean;
    readonly set: (values: readonly string[]) => void;
}

function Select({ options, value, label, set }: { options: readonly (readonly [string, string])[]; value: string; label: string; set: (value: string) => void }) {
    return (
        <select aria-label={label} value={value} onChange={(event) => set(event.currentTarget.value)}>
            {options.map(([id, text]) => (
                <option key={id} value={id}>
                    {text}
                </option>
            ))}
        </select>
    );
}

const same = (text: string): readonly [string, string] => [text, text];

function Value({ row, lexicons, invalid, set }: ValueProps) {
    const { operator, member, values } = row;
    const [value = ""] = values;
    const common = {
        "aria-label": "Value",
        "aria-invalid": invalid,
        "aria-describedby": `value-${row.key}-error`,
        autocomplete: "off" as const,
        spellcheck: false,
    };
    switch (operator.field) {
        case "none":
            return null;
        case "yes":
            return <Select options={[["yes", "yes"], ["no", "no"]]} value={value} label="Value" set={(next) => set([next])} />;
        case "choice":
            return <Select options={member.choices.map(same)} value={value} label="Value" set={(next) => set([next])} />;
        case "lexicon":
            return <Select options={lexicons.map(same)} value={value} label="Lexicon" set={(next) => set([next])} />;
        case "choices":
            return (
                <fieldset class="choices" aria-label="Values">
                    {member.choices.map((choice) => (
                        <label key={choice} class="check">
                            <input
                                type="checkbox"
                                checked={values.includes(choice)}
                                onChange={(event) =>
                                    set(event.currentTarget.checked ? [...values, choice] : values.filter((one) => one !== choice))
                                }
                            />
                            {choice}
                        </label>
                    ))}
                </fieldset>
            );
        case "texts":
            return (
                <textarea
                    {...common}
                    aria-label="Values, one a line"
                    rows={3}
                    value={values.join("\n")}
                    onInput={(event) => set(event.currentTarget.value.split("\n"))}
                />
            );
        case "number":
            return <input {...common} inputMode="decimal" class="number" value={value} onInput={(event) => set([event.currentTarget.value])} />;
        case "text":
            return member.choices.length > 0 ? (
                <Select options={[["", "…"], ...member.choices.map(same)]} value={value} label="Value" set={(next) => set([next])} />
            ) : (
                <input {...common} value={value} onInput={(event) => set([event.currentTarget.value])} />
            );
    }
}

/* The argument that no schema names. */
function Named({ row, onChange }: { row: Row; onChange: (row: Row) => void }) {
    const path = argumentPath(row.member.key);
    const set = (next: string, kind: Kind): void => onChange({ ...rowOf(namedArgument(next, kind), true, row.key), values: row.values });
    return (
        <>
            <input
                aria-label="Name of the argument"
                spellcheck={false}
                autocomplete="off"
                value={path}
                onInput={(event) => set(event.currentTarget.value, row.member.kind)}
            />
            <Select options={KINDS} value={row.member.kind} label="Kind of the argument" set={(kind) => set(path, kind as Kind)} />
        </>
    );
}

interface Props {
    readonly row: Row;
    readonly first: boolean;
    readonly members: readonly Member[];
    readonly lexicons: readonly string[];
    readonly problem: string | undefined;
    readonly onChange: (row: Row | null) => void;
}

export function ConditionRow({ row, first, members, lexicons, problem, onChange }: Props) {
    const groups = [...new Set(members.map(({ group }) => group))];
    const operators = operatorsOf(row.member, lexicons.length > 0);
    const setMember = (key: string): void => {
        const member = key === NAMED ? namedArgument("", "text") : members.find((one) => one.key === key);
        if (member !== undefined) {
            onChange(rowOf(member, key === NAMED, row.key));
        }
    };
    const setOperator = (id: string): void => {
        const operator = operators.find((one) => one.id === id);
        if (operator !== undefined) {
            const kept = operator.field === row.operator.field;
            onChange({ ...row, operator, values: kept ? row.values : firstValue(operator, row.member, lexicons) });
        }
    };
    return (
        <fieldset class="condition" aria-label={`Condition: ${row.member.label}`}>
            <span class="joint">
                {first ? "and its" : "and"}
                {row.named && " (a name, or outer/inner)"}
                {row.operator.field === "texts" && " (values one a line)"}
            </span>
            <select aria-label="Member" value={row.named ? NAMED : row.member.key} onChange={(event) => setMember(event.currentTarget.value)}>
                {groups.map((group) => (
                    <optgroup key={group} label={group}>
                        {members
                            .filter((one) => one.group === group)
                            .map((one) => (
                                <option key={one.key} value={one.key}>
                                    {one.label}
                                </option>
                            ))}
                    </optgroup>
                ))}
                <optgroup label="Other">
                    <option value={NAMED}>another argument</option>
                </optgroup>
            </select>
            {row.named && <Named row={row} onChange={onChange} />}
            <Select
                options={operators.map(({ id, label }) => [id, label] as const)}
                value={row.operator.id}
                label="Comparison"
                set={setOperator}
            />
            <Value
                row={row}
                lexicons={lexicons}
                invalid={problem !== undefined}
                set={(values) => onChange({ ...row, values, touched: true })}
            />
            <button type="button" class="small" aria-label={`Remove the condition on ${row.member.label}`} onClick={() => onChange(null)}>
                Remove
            </button>
            <p class="error" id={`value-${row.key}-error`}>
                {problem}
            </p>
        </fieldset>
    );
}
