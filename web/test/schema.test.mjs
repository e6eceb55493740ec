// SPDX-License-Identifier: Apache-2.0
/* What an action's schema tells the editing form. */
import { hintOf } from "../src/text/schema.ts";
import { splitErrors } from "../src/text/edit.ts";
import { table } from "./table.mjs";

const SCHEMA = {
    required: ["amount"],
    properties: {
        amount: { $ref: "#/$defs/money", description: "beside a reference it says nothing" },
        currency: { enum: ["USD", "EUR"] },
        to: { type: "string", format: "email", maxLength: 254, description: "Whom it reaches" },
        circle: { $ref: "#/$defs/circle" },
        away: { $ref: "https://example.com/a" },
        any: true,
    },
    $defs: {
        money: { type: "number", exclusiveMinimum: 0, multipleOf: 0.01 },
        circle: { $ref: "#/$defs/circle" },
    },
};
const none = { words: "", about: "", choices: [] };

table(
    "hintOf",
    [
        ["through a reference", "amount", { ...none, words: "required, above 0, in steps of 0.01" }],
        ["choices", "currency", { ...none, choices: ["USD", "EUR"] }],
        ["format and length", "to", { ...none, words: "at most 254 characters, email", about: "Whom it reaches" }],
        ["a circle ends", "circle", none],
        ["another document", "away", none],
        ["anything goes", "any", none],
        ["a member that the schema does not name", "toString", none],
    ],
    (name) => hintOf(SCHEMA, name),
);

table(
    "hintOf: no schema at all",
    [
        ["null", null, none],
        ["true", true, none],
        ["absent", undefined, none],
    ],
    (schema) => hintOf(schema, "a"),
);

table(
    "splitErrors: under their field where there is one, else above the form",
    [
        ["its own", [["/a", "x"]], { fields: [["/a", "x"]], others: [] }],
        ["something in it", [["/a/0/b", "x"]], { fields: [["/a", "/0/b x"]], others: [] }],
        ["a name that only begins alike", [["/ab", "x"]], { fields: [], others: ["ab: x"] }],
        ["what is missing", [["/c", "is required"]], { fields: [], others: ["c: is required"] }],
        ["the whole", [["", "x"]], { fields: [], others: ["x"] }],
    ],
    (errors) => {
        const { fields, others } = splitErrors(new Map(errors), ["/a", "/b"]);
        return { fields: [...fields], others };
    },
);
