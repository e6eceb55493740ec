// SPDX-License-Identifier: Apache-2.0
/* A rule goes into a policy's text, and nothing else changes. */
import { parse, parseAllDocuments } from "yaml";

import { insertRule } from "../src/text/insert.ts";
import { assert, describe, test } from "./table.mjs";

const RULE = { lines: ["id: new", `when: 'args.x == "it''s, ]} # 1"'`, "then: review", 'because: "a: b"'] };
const READ = { id: "new", when: `args.x == "it's, ]} # 1"`, then: "review", because: "a: b" };

const FORMS = {
    "a list in lines": "version: 1\nrules:\n  - id: a\n    when: 'true'\n  # of b\n  - {id: b}\nbudgets: []\n",
    "at the end of the file": "version: 1\nrules:\n  - id: a\n",
    "at the end, without a line end": "version: 1\nrules:\n  - id: a",
    "not indented": "rules:\n- id: a\n- id: b\n# queues\nqueues: {}\n",
    "with blank lines and comments around": "rules: # all\n\n  # first\n  - id: a\n\n  # last word\n\n# next\nqueues: {}\n",
    "a text of several lines": "rules:\n  - id: a\n    when: |\n      x\n\n      y\n    then: block\nqueues: {}\n",
    "no list at all": "# ours\nversion: 1\n",
    "no list, no line end": "version: 1",
    "an empty list": "version: 1\nrules: []  # none yet\nqueues: {}\n",
    "an empty key": "version: 1\nrules:\nqueues: {}\n",
    "an empty key with a comment": "version: 1\nrules: # none yet\n# queues\nqueues: {}\n",
    "null": "version: 1\nrules: null # none\nqueues: {}\n",
    "brackets in a line": "rules: [{id: a, when: 'x # ]'}, {id: b, when: \"\\\"]\"}]\nqueues: {}\n",
    "brackets over lines": "rules: [\n  {id: a}, # one ]\n  {id: b}  # two }\n]\nqueues: {}\n",
    "brackets with a comma at the end": "rules: [\n  {id: a},\n  ]\n",
    "an apostrophe within a plain text": "rules: [{id: a, because: it's so}, {id: b}]\n",
    "a quoted key": '"rules":\n  - id: a\n',
    "one document with its marks": "---\nversion: 1\nrules:\n  - id: a\n...\n",
    "marks, and no rules": "---\nversion: 1\n...\n",
    "line ends of Windows": "version: 1\r\nrules:\r\n  - id: a\r\n\r\nqueues: {}\r\n",
    "a key of the same name further in": "actions:\n  x:\n    rules: 1\nrules:\n  - id: a\n",
};

describe("insertRule", () => {
    for (const [name, source] of Object.entries(FORMS)) {
        test(name, () => {
            const { text } = insertRule(source, RULE);
            const [before, after] = [parse(source), parse(text)];
            assert.deepEqual(after, { ...before, rules: [...(before.rules ?? []), READ] });
            const kept = source.split(/(?<=\n)/).map((line) => line.trim()).filter((line) => line.startsWith("#"));
            kept.forEach((comment) => assert.ok(text.includes(comment), comment));
            assert.equal(/[^\r]\n/.test(text), /[^\r]\n/.test(source) || !source.includes("\n"), "line ends");
        });
    }
});

test("a rule goes into the main file, whatever the others hold", () => {
    const included = "--- # b\nrules: &all\n  - id: b\n";
    const source = `---\nversion: 1\ninclude: [b.yaml]\nrules:\n  - id: a\n${included}`;
    const { text } = insertRule(source, RULE);
    const [main, part] = parseAllDocuments(text).map((document) => document.toJS());
    assert.deepEqual([main.rules, part.rules], [[{ id: "a" }, READ], [{ id: "b" }]]);
    assert.ok(text.endsWith(included), text);
});

const REFUSED = {
    "a policy in one line": "{version: 1, rules: []}\n",
    "an anchor": "rules: &all\n  - id: a\n",
    "an alias": "rules: *all\n",
    "a map": "rules:\n  a: {}\n",
    "two of them": "rules: []\nrules: []\n",
    "brackets that do not close": "rules: [{id: a}\n",
    "something behind the brackets": "rules: [] x\n",
    "nothing": "",
};

describe("insertRule refuses", () => {
    for (const [name, source] of Object.entries(REFUSED)) {
        test(name, () => assert.match(insertRule(source, RULE).refusal, /form/));
    }
});
