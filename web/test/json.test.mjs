// SPDX-License-Identifier: Apache-2.0
/* text/json.ts, diff.ts, edit.ts, pointer.ts: what a person edits is what is sent, exactly. */
import { changes, CHANGES_MAX } from "../src/text/diff";
import { applyFields, applyRaw, fieldsOf } from "../src/text/edit";
import { DEPTH_MAX, exactNumber, JsonError, parseJson } from "../src/text/json";
import { pointerGet, pointerJoin, pointerLabel } from "../src/text/pointer";
import { assert, describe, table, test } from "./table.mjs";

table(
    "numbers that mean exactly what is written",
    [
        ["integer", "4200", 4200],
        ["trailing zeros", "74.50", 74.5],
        ["exponent", "1e3", 1000],
        ["negative", "-0.25", -0.25],
        ["zero in any form", "0.00", 0],
        ["smallest step", "5e-324", 5e-324],
        ["2^53", "9007199254740992", 9007199254740992],
        ["beyond 2^53 rounds", "9007199254740993", null],
        ["too many decimals", "0.1000000000000000055", null],
        ["overflow", "1e400", null],
        ["underflow", "1e-400", null],
        ["leading zero is no JSON", "007", null],
        ["comma is no point", "74,5", null],
        ["plus sign", "+1", null],
        ["empty", "", null],
        ["hexadecimal", "0x10", null],
        ["words", "NaN", null],
    ],
    exactNumber,
);

table(
    "JSON that is taken",
    [
        ["nested", '{"a":[1,{"b":null}],"c":"x"}', { a: [1, { b: null }], c: "x" }],
        ["white space", " [ true , false ] ", [true, false]],
        ["empty containers", '{"a":{},"b":[]}', { a: {}, b: [] }],
        ["escapes", '"\\u0041\\n\\ud83d\\ude00"', "A\n😀"],
        ["a name that objects have", '{"__proto__":1}', JSON.parse('{"__proto__":1}')],
    ],
    parseJson,
);

const failure = (text) => {
    try {
        parseJson(text);
        return null;
    } catch (error) {
        assert.ok(error instanceof JsonError);
        return error.at;
    }
};

table(
    "JSON that is refused, and where",
    [
        ["two equal names", '{"amount":10,"amount":99999}', 13],
        ["two equal names, one escaped", '{"a":1,"\\u0061":2}', 7],
        ["a number that would be rounded", "[9007199254740993]", 1],
        ["trailing comma", "[1,]", 3],
        ["text after the value", "1 2", 2],
        ["half a surrogate pair", '"\\ud800"', 0],
        ["raw control character", '"a\u0001b"', 0],
        ["single quotes", "{'a':1}", 1],
        ["unfinished", '{"a":', 5],
        ["nothing", "", 0],
    ],
    failure,
);

describe("depth", () => {
    const nested = (depth) => "[".repeat(depth) + "]".repeat(depth);
    test("at the limit", () => assert.ok(Array.isArray(parseJson(nested(DEPTH_MAX)))));
    test("beyond the limit", () =>
        assert.throws(() => parseJson(nested(DEPTH_MAX + 2)), JsonError));
    test("a hostile depth does not exhaust the stack", () =>
        assert.throws(() => parseJson("[".repeat(200_000)), JsonError));
});

table(
    "changes",
    [
        [
            "equal",
            [
                { a: 1, b: [1] },
                { b: [1], a: 1 },
            ],
            [],
        ],
        ["a number", [{ a: 1 }, { a: 2 }], [{ pointer: "/a", from: 1, to: 2 }]],
        ["string and number differ", [{ a: "1" }, { a: 1 }], [{ pointer: "/a", from: "1", to: 1 }]],
        [
            "null and absent differ",
            [{ a: null }, {}],
            [{ pointer: "/a", from: null, to: undefined }],
        ],
        ["added", [{}, { a: 1 }], [{ pointer: "/a", from: undefined, to: 1 }]],
        [
            "deep",
            [{ a: { b: [1, 2] } }, { a: { b: [1, 3] } }],
            [{ pointer: "/a/b/1", from: 2, to: 3 }],
        ],
        ["shorter list", [[1, 2], [1]], [{ pointer: "/1", from: 2, to: undefined }]],
        ["object to list", [{ a: {} }, { a: [] }], [{ pointer: "/a", from: {}, to: [] }]],
        ["the whole", ["x", "y"], [{ pointer: "", from: "x", to: "y" }]],
        [
            "names are escaped",
            [{ "a/b~": 1 }, { "a/b~": 2 }],
            [{ pointer: "/a~1b~0", from: 1, to: 2 }],
        ],
        [
            "a name that objects have",
            [{}, JSON.parse('{"toString":1}')],
            [{ pointer: "/toString", from: undefined, to: 1 }],
        ],
    ],
    ([from, to]) => changes(from, to),
);

test("too many changes become one of the parent", () => {
    const many = (value) => ({ a: Array.from({ length: CHANGES_MAX + 1 }, () => value) });
    const list = changes(many(1), many(2));
    assert.deepEqual(
        list.map((change) => change.pointer),
        ["/a"],
    );
});

const ARGS = { name: "lamp", amount: 74.5, notify: true, items: [1], gone: null };

test("fields by type", () => {
    assert.deepEqual(
        fieldsOf(ARGS).map(({ name, kind }) => [name, kind]),
        [
            ["name", "text"],
            ["amount", "number"],
            ["notify", "boolean"],
            ["items", "json"],
            ["gone", "json"],
        ],
    );
    assert.equal(fieldsOf([1]), null);
    assert.equal(fieldsOf("x"), null);
});

table(
    "applying edits",
    [
        ["nothing touched", {}, [ARGS, []]],
        ["a number", { amount: "37.250" }, [{ ...ARGS, amount: 37.25 }, []]],
        ["a number that would be rounded", { amount: "9007199254740993" }, [ARGS, ["/amount"]]],
        ["text stays text", { name: "74.5" }, [{ ...ARGS, name: "74.5" }, []]],
        ["a boolean", { notify: "false" }, [{ ...ARGS, notify: false }, []]],
        ["inner JSON", { items: "[1, 2]" }, [{ ...ARGS, items: [1, 2] }, []]],
        ["inner JSON that is none", { items: "[1" }, [ARGS, ["/items"]]],
        ["a member that does not exist is ignored", { other: "1" }, [ARGS, []]],
    ],
    (fields) => {
        const { value, errors } = applyFields(ARGS, fields);
        return [value, [...errors.keys()]];
    },
);

test("raw text says line and column", () => {
    assert.equal(
        applyRaw('{\n  "a": 1,\n  "a": 2}').errors.get(""),
        'Line 3, column 3: the name "a" stands twice',
    );
});

table(
    "pointers",
    [
        ["a member", [{ a: { b: 1 } }, "/a/b"], 1],
        ["an index", [[5, 6], "/1"], 6],
        ["escapes", [{ "a/b": { "~": 2 } }, "/a~1b/~0"], 2],
        ["the root", ["x", ""], "x"],
        ["missing", [{ a: 1 }, "/b"], undefined],
        ["through a string", [{ a: "x" }, "/a/0"], undefined],
        ["an index with a leading zero", [[1], "/00"], undefined],
        ["what objects inherit is not there", [{}, "/toString"], undefined],
    ],
    ([root, pointer]) => pointerGet(root, pointer),
);

test("labels", () => {
    assert.equal(pointerLabel("/items/0"), "items/0");
    assert.equal(pointerLabel(""), "(all)");
    assert.equal(pointerJoin("/a", "b/c"), "/a/b~1c");
});
