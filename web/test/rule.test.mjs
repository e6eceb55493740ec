// SPDX-License-Identifier: Apache-2.0
/* A rule put together from fields. */
import { argumentsOf, COMMON, namedArgument } from "../src/text/members.ts";
import {
    compileCondition,
    expressionOf,
    inWords,
    operatorsOf,
    problemsOf,
    ruleText,
    suggestedId,
} from "../src/text/rule.ts";
import { assert, describe, table, test } from "./table.mjs";

const SCHEMA = {
    type: "object",
    required: ["amount", "to"],
    properties: {
        amount: { type: "number" },
        count: { type: "integer" },
        currency: { enum: ["USD", "EUR"] },
        to: { $ref: "#/$defs/party" },
        note: { type: "string" },
        tags: { type: "array", items: { type: "string" } },
        gift: { type: "boolean" },
        either: { type: ["string", "number"] },
        "two words": { type: "string" },
    },
    $defs: { party: { type: "object", required: ["name"], properties: { name: { type: "string" }, city: { type: "string" } } } },
};

const MEMBERS = [...argumentsOf(SCHEMA, []), ...COMMON];
const find = (key) => MEMBERS.find((member) => member.key === key);
const condition = (key, id, ...values) => {
    const member = find(key) ?? namedArgument(key.slice(5), "text");
    const operator = operatorsOf(member, true).find((one) => one.id === id);
    return { member, operator, values };
};

table(
    "argumentsOf: a schema",
    [
        ["required", "args/amount", ["number", "args.amount", ""]],
        ["optional", "args/count", ["number", "args.count", "has(args.count)"]],
        ["choices", "args/currency", ["choice", "args.currency", "has(args.currency)"]],
        ["in another object", "args/to/name", ["text", "args.to.name", ""]],
        ["optional in another object", "args/to/city", ["text", "args.to.city", "has(args.to.city)"]],
        ["a name that is none", "args/two words", ["text", 'args["two words"]', '"two words" in args']],
    ],
    (key) => [find(key).kind, find(key).value, find(key).given],
);

test("argumentsOf: what several types may have is not offered", () => assert.equal(find("args/either"), undefined));

test("argumentsOf: without a schema, what was seen", () => {
    const seen = argumentsOf(null, [{ a: 1, b: { c: "x" } }, { a: 2, b: { c: "y" }, d: null }, "no object"]);
    assert.deepEqual(
        seen.map(({ key, kind, value, given }) => [key, kind, value, given]),
        [
            ["args/a", "number", "args.a", "has(args.a)"],
            ["args/b/c", "text", "args.b.c", "has(args.b) && has(args.b.c)"],
        ],
    );
});

test("argumentsOf: a name with a slash is no path", () => {
    const seen = argumentsOf(null, [{ "a/b": 1, a: { b: "x" } }]);
    assert.deepEqual(
        seen.map(({ key, label, value }) => [key, label, value]),
        [
            ["args/a~1b", "a/b", 'args["a/b"]'],
            ["args/a/b", "a/b", "args.a.b"],
        ],
    );
});

test("argumentsOf: hidden characters in names are spelled out", () => {
    const [seen] = argumentsOf(null, [{ "am\u200bount": 1 }]);
    assert.equal(seen.label, "am[U+200B]ount");
    assert.equal(seen.value, 'args["am\\u200bount"]');
});

table(
    "compileCondition",
    [
        ["a number", ["args/amount", "gt", "50"], "args.amount > 50"],
        ["an optional number", ["args/count", "ge", "5"], "has(args.count) && args.count >= 5"],
        ["is not: absent counts", ["args/currency", "ne", "EUR"], '(!(has(args.currency)) || args.currency != "EUR")'],
        ["one of several", ["args/currency", "in", "EUR", "", "USD"], 'has(args.currency) && args.currency in ["EUR", "USD"]'],
        ["does not contain", ["args/note", "lacks", "x"], '(!(has(args.note)) || !(args.note.contains("x")))'],
        ["a list", ["args/tags", "holds", "vip"], 'has(args.tags) && "vip" in args.tags'],
        ["more items", ["args/tags", "longer", "3"], "has(args.tags) && size(args.tags) > 3"],
        ["yes", ["args/gift", "eq", "yes"], "has(args.gift) && args.gift == true"],
        ["no", ["args/gift", "eq", "no"], "has(args.gift) && args.gift == false"],
        ["given", ["args/note", "given"], "has(args.note)"],
        ["not given", ["args/note", "absent"], "!(has(args.note))"],
        ["of a brief", ["Brief/confidence", "lt", "0.6"], "has(brief.confidence) && brief.confidence < 0.6"],
        ["an effect", ["Proposal/effects", "holds", "money"], '"money" in action.effects'],
        ["a lexicon", ["Brief/request", "mentions", "dispute"], 'mentions(brief.request, "dispute")'],
        ["hostile text", ["args/note", "eq", '" || true || "'], 'has(args.note) && args.note == "\\" || true || \\""'],
        ["a member named by hand", ["args/a/b c", "eq", "x"], 'has(args.a) && "b c" in args.a && args.a["b c"] == "x"'],
        ["no number", ["args/amount", "gt", "1 || true"], "Write a number such as 1000 or 49.5"],
        ["no value", ["args/note", "eq", ""], "A value is missing"],
        ["no values", ["args/currency", "in", ""], "Name at least one value"],
        ["half a character", ["args/note", "eq", "\ud800"], "This holds a character that cannot stand in a policy"],
    ],
    (input) => {
        const { expression, problem } = compileCondition(condition(...input));
        return expression ?? problem;
    },
);

const DRAFT = {
    id: "large",
    action: "refund.issue",
    conditions: [condition("args/amount", "gt", "50"), condition("args/currency", "in", "EUR", "USD")],
    then: "review",
    queue: "leads",
    because: "",
};

test("conditions are joined by and", () => {
    assert.equal(
        expressionOf(DRAFT),
        'action.name == "refund.issue" && args.amount > 50 && has(args.currency) && args.currency in ["EUR", "USD"]',
    );
});

test("the rule in lines, with itself in words as the reason", () => {
    assert.deepEqual(ruleText({ ...DRAFT, conditions: DRAFT.conditions.slice(0, 1) }).lines, [
        "id: large",
        `when: 'action.name == "refund.issue" && args.amount > 50'`,
        "then: review",
        "queue: leads",
        'because: "amount is above 50"',
    ]);
});

test("what is blocked waits in no queue", () => {
    assert.equal(ruleText({ ...DRAFT, then: "block" }).lines.some((line) => line.startsWith("queue")), false);
});

test("a reason cannot leave its line", () => {
    const { lines } = ruleText({ ...DRAFT, because: 'a"\nthen: allow' });
    assert.equal(lines.at(-1), 'because: "a\\"\\nthen: allow"');
});

table(
    "problemsOf",
    [
        ["none", {}, []],
        ["a name that is taken", { id: "old" }, ["id"]],
        ["no name", { id: "Large Refund" }, ["id"]],
        ["a long reason", { because: "x".repeat(301) }, ["because"]],
        ["everything", { action: "", conditions: [] }, ["rule"]],
        ["a condition", { conditions: [condition("args/amount", "gt", "x")] }, ["0"]],
        ["too long", { conditions: [condition("args/note", "eq", "x".repeat(9000))] }, ["rule"]],
    ],
    (changed) => [...problemsOf({ ...DRAFT, ...changed }, ["old"]).keys()],
);

describe("words and names", () => {
    test("in words", () => assert.equal(inWords(DRAFT), "amount is above 50 and currency is one of EUR, USD"));
    test("an action alone", () => assert.equal(inWords({ ...DRAFT, conditions: [] }), "every refund.issue"));
    test("cut", () => {
        const long = { ...DRAFT, conditions: [condition("args/note", "eq", "😀".repeat(400))] };
        assert.equal([...inWords(long)].length, 300);
    });
    test("a name", () => assert.equal(suggestedId(DRAFT, []), "refund-issue-amount-currency"));
    test("the next name", () => {
        assert.equal(suggestedId(DRAFT, ["refund-issue-amount-currency"]), "refund-issue-amount-currency-2");
    });
});
