// SPDX-License-Identifier: Apache-2.0
/* keys.ts: one meaning for one key, and nothing on repeat, composing or Alt. */
import { BINDINGS, bindingFor, conflicts, DIGITS, pressName, startsSequence } from "../src/keys";
import { assert, table, test } from "./table.mjs";

const ALL = [...BINDINGS, ...DIGITS];
const press = (changed) => ({
    key: "a",
    ctrlKey: false,
    metaKey: false,
    altKey: false,
    repeat: false,
    isComposing: false,
    ...changed,
});

test("no two bindings share a key or a prefix", () => assert.deepEqual(conflicts(ALL), []));

test("a conflict would be found", () => {
    const twin = { id: "twin", keys: "a", label: "", group: "Go" };
    const prefix = { id: "prefix", keys: "g", label: "", group: "Go" };
    assert.deepEqual(conflicts([...ALL, twin]), ["approve and twin share a"]);
    assert.ok(conflicts([...ALL, prefix]).length >= 4);
});

test("ids are unique and every binding has a label", () => {
    assert.equal(new Set(ALL.map((binding) => binding.id)).size, ALL.length);
    assert.ok(ALL.every((binding) => binding.label !== ""));
});

table(
    "presses",
    [
        ["plain", press({}), "a"],
        ["on repeat", press({ repeat: true }), null],
        ["while composing", press({ isComposing: true }), null],
        ["with Alt", press({ altKey: true }), null],
        ["with Control", press({ key: "Enter", ctrlKey: true }), "Ctrl+Enter"],
        ["with Command", press({ key: "Enter", metaKey: true }), "Ctrl+Enter"],
        ["Control+a is not a", press({ ctrlKey: true }), "Ctrl+a"],
    ],
    pressName,
);

table(
    "what a press means",
    [
        ["approve", ["a", ""], "approve"],
        ["capital A is another key", ["A", ""], undefined],
        ["Control+a means nothing", ["Ctrl+a", ""], undefined],
        ["g alone", ["g", ""], undefined],
        ["g i", ["i", "g"], "go-inbox"],
        ["g c is not claim", ["c", "g"], "go-categories"],
        ["c alone is claim", ["c", ""], "claim"],
        ["an unknown sequence", ["x", "g"], undefined],
    ],
    ([name, prefix]) => bindingFor(name, prefix, ALL)?.id,
);

test("only g starts a sequence", () => {
    assert.equal(startsSequence("g", ALL), true);
    assert.equal(startsSequence("a", ALL), false);
});

test("what works everywhere is named: closing and sending", () => {
    assert.deepEqual(
        ALL.filter((binding) => binding.always).map((binding) => binding.id),
        ["back", "send"],
    );
});
