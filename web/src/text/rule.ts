// SPDX-License-Identifier: Apache-2.0
/*
 * A rule put together from fields: its condition in CEL, its lines of YAML, and what it says in words.
 * An absent value never makes a rule milder: "is not" and its like also match where nothing is given.
 */
import type { RuleText } from "./insert";
import type { Member } from "./members";
import { isWhole, numberLiteral, quoted, singleQuoted, word } from "./quote";

export type Field = "number" | "text" | "texts" | "choice" | "choices" | "yes" | "lexicon" | "none";

export interface Operator {
    readonly id: string;
    readonly label: string;
    readonly field: Field;
    readonly expression: (value: string, operand: string) => string;
    readonly absent?: true; /* it also holds where nothing is given */
}

const compare = (id: string, label: string, sign: string, field: Field): Operator => ({
    id,
    label,
    field,
    expression: (value, operand) => `${value} ${sign} ${operand}`,
});
const call = (id: string, label: string, name: string): Operator => ({
    id,
    label,
    field: "text",
    expression: (value, operand) => `${value}.${name}(${operand})`,
});
const among = (field: Field): Operator => compare("in", "is one of", "in", field);
const negated = (operator: Operator, id: string, label: string): Operator => ({
    ...operator,
    id,
    label,
    absent: true,
    expression: (value, operand) => `!(${operator.expression(value, operand)})`,
});
const differs = (field: Field): Operator => ({ ...compare("ne", "is not", "!=", field), absent: true });
const contains = call("contains", "contains", "contains");
const holds: Operator = {
    id: "holds",
    label: "includes",
    field: "text",
    expression: (value, operand) => `${operand} in ${value}`,
};
const longer = (label: string): Operator => ({
    id: "longer",
    label,
    field: "number",
    expression: (value, operand) => `size(${value}) > ${operand}`,
});

const OPERATORS: Readonly<Record<Member["kind"], readonly Operator[]>> = {
    number: [
        compare("gt", "is above", ">", "number"),
        compare("ge", "is at least", ">=", "number"),
        compare("lt", "is below", "<", "number"),
        compare("le", "is at most", "<=", "number"),
        compare("eq", "is", "==", "number"),
        differs("number"),
    ],
    text: [
        compare("eq", "is", "==", "text"),
        differs("text"),
        contains,
        negated(contains, "lacks", "does not contain"),
        call("starts", "begins with", "startsWith"),
        call("ends", "ends with", "endsWith"),
        among("texts"),
        negated(among("texts"), "notin", "is none of"),
        longer("has more characters than"),
        {
            id: "mentions",
            label: "mentions a word of the lexicon",
            field: "lexicon",
            expression: (value, operand) => `mentions(${value}, ${operand})`,
        },
    ],
    choice: [
        compare("eq", "is", "==", "choice"),
        differs("choice"),
        among("choices"),
        negated(among("choices"), "notin", "is none of"),
    ],
    boolean: [compare("eq", "is", "==", "yes")],
    list: [holds, negated(holds, "misses", "does not include"), longer("has more items than")],
};

const PRESENCE: readonly Operator[] = [
    { id: "given", label: "is given", field: "none", expression: () => "" },
    { id: "absent", label: "is not given", field: "none", expression: () => "", absent: true },
];

/* The operators that fit a member; those about lexicons only where the policy has some. */
export function operatorsOf({ kind, given }: Member, hasLexicons: boolean): Operator[] {
    const fitting = OPERATORS[kind].filter(({ field }) => field !== "lexicon" || hasLexicons);
    return given === "" ? fitting : [...fitting, ...PRESENCE];
}

export interface Condition {
    readonly member: Member;
    readonly operator: Operator;
    readonly values: readonly string[]; /* as typed or chosen; one, but for lists */
}

export type Compiled = { readonly expression: string } | { readonly problem: string };

function operandOf({ field }: Operator, values: readonly string[]): Compiled {
    const [first = ""] = values;
    if (!values.every(isWhole)) {
        return { problem: "This holds a character that cannot stand in a policy" };
    }
    switch (field) {
        case "none":
            return { expression: "" };
        case "number": {
            const literal = numberLiteral(first);
            return literal === null
                ? { problem: first.trim() === "" ? "A number is missing" : "Write a number such as 1000 or 49.5" }
                : { expression: literal };
        }
        case "yes":
            return { expression: first === "no" ? "false" : "true" };
        case "texts":
        case "choices": {
            const all = values.filter((value) => value !== "");
            return all.length === 0
                ? { problem: "Name at least one value" }
                : { expression: `[${all.map(quoted).join(", ")}]` };
        }
        default:
            return first === "" ? { problem: "A value is missing" } : { expression: quoted(first) };
    }
}

/* The condition as an expression that no absent member can break. */
export function compileCondition({ member, operator, values }: Condition): Compiled {
    const operand = operandOf(operator, values);
    if ("problem" in operand) {
        return operand;
    }
    const { given } = member;
    if (operator.field === "none") {
        return { expression: operator.id === "given" ? given : `!(${given})` };
    }
    const expression = operator.expression(member.value, operand.expression);
    if (given === "") {
        return { expression };
    }
    return { expression: operator.absent ? `(!(${given}) || ${expression})` : `${given} && ${expression}` };
}

export interface Draft {
    readonly id: string;
    readonly action: string; /* empty: any */
    readonly conditions: readonly Condition[];
    readonly then: string;
    readonly queue: string; /* empty: where the policy sends it anyway */
    readonly because: string; /* empty: the rule in words */
}

const ID = /^[a-z0-9._/-]{1,64}$/;
const BECAUSE_MAX = 300;
const EXPRESSION_MAX = 8192;

/* What is wrong with the draft, by field: "id", "because", "rule", or the number of a condition. */
export function problemsOf(draft: Draft, taken: readonly string[]): Map<string, string> {
    const out = new Map<string, string>();
    if (!ID.test(draft.id)) {
        out.set("id", "1 to 64 characters of a-z 0-9 . _ / -");
    } else if (taken.includes(draft.id)) {
        out.set("id", "Another rule of this policy has this name");
    }
    if ([...draft.because].length > BECAUSE_MAX || !isWhole(draft.because)) {
        out.set("because", `At most ${BECAUSE_MAX} characters`);
    }
    draft.conditions.forEach((condition, index) => {
        const compiled = compileCondition(condition);
        if ("problem" in compiled) {
            out.set(String(index), compiled.problem);
        }
    });
    if (draft.action === "" && draft.conditions.length === 0) {
        out.set("rule", "Choose an action or add a condition: this rule would match everything");
    } else if (out.size === 0 && expressionOf(draft).length > EXPRESSION_MAX) {
        out.set("rule", "The condition is too long: use fewer values");
    }
    return out;
}

/* The whole condition; of a draft without problems. */
export function expressionOf({ action, conditions }: Draft): string {
    const parts = conditions.flatMap((condition) => {
        const compiled = compileCondition(condition);
        return "expression" in compiled ? [compiled.expression] : [];
    });
    return [...(action === "" ? [] : [`action.name == ${quoted(action)}`]), ...parts].join(" && ");
}

const said = (condition: Condition): string => {
    const { member, operator, values } = condition;
    const shown = values.filter((value) => value !== "").join(", ");
    return `${member.label} ${operator.label}${operator.field === "none" ? "" : ` ${shown}`}`;
};

/* The conditions in words: "amount is above 50 and currency is EUR"; cut where it gets long. */
export function inWords({ action, conditions }: Draft): string {
    const text = conditions.length > 0 ? conditions.map(said).join(" and ") : `every ${action || "proposal"}`;
    return [...text].length > BECAUSE_MAX ? `${[...text].slice(0, BECAUSE_MAX - 1).join("")}…` : text;
}

/* A name for the rule that no other rule has. */
export function suggestedId({ action, conditions }: Draft, taken: readonly string[]): string {
    const parts = [action, ...conditions.map(({ member }) => member.key.split("/").pop() ?? "")];
    const base =
        parts
            .join("-")
            .toLowerCase()
            .replace(/[^a-z0-9]+/g, "-")
            .replace(/^-+|-+$/g, "")
            .slice(0, 56)
            .replace(/-+$/, "") || "rule";
    let id = base;
    for (let n = 2; taken.includes(id); n += 1) {
        id = `${base}-${n}`;
    }
    return id;
}

/* The rule as it stands in the file, a key a line. */
export function ruleText(draft: Draft): RuleText {
    const because = draft.because.trim() === "" ? inWords(draft) : draft.because.trim();
    return {
        lines: [
            `id: ${word(draft.id)}`,
            `when: ${singleQuoted(expressionOf(draft))}`,
            `then: ${draft.then}`,
            ...(draft.queue === "" || draft.then === "block" ? [] : [`queue: ${word(draft.queue)}`]),
            `because: ${quoted(because)}`,
        ],
    };
}
