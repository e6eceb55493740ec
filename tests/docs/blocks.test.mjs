// SPDX-License-Identifier: Apache-2.0
/*
 * The runner of documents must be able to fail: a wrong command, a wrong output, a mark that is not known.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { ROOT } from "../http/server.mjs";
import { blocksOf, fits } from "./blocks.mjs";

test("blocks with their marks, also inside a list", () => {
  const text = "a\n<!-- test: until up -->\n```sh\nserve\n```\n1. b\n\n   ```json\n   {}\n   ```\n";
  const [first, second] = blocksOf(text, "x.md");
  assert.deepEqual(first, { language: "sh", text: "serve", line: 3, mark: "until", argument: "up" });
  assert.deepEqual([second.text, second.mark, second.line], ["{}", "", 8]);
});

for (const [name, text, message] of [
  ["a mark that is not known", "<!-- test: skipp it -->\n```sh\n```", /no mark skipp/],
  ["a skip without a reason", "<!-- test: skip -->\n```sh\n```", /wants more/],
  ["a mark without a block", "<!-- test: output -->\n\n```text\n```", /before its block/],
  ["a block without an end", "```sh\nls", /does not end/],
]) {
  test(`refused: ${name}`, () => assert.throws(() => blocksOf(text, "x.md"), message));
}

for (const [printed, wanted, yes] of [
  ["a\n", "a", true],
  ["a\nb\n", "a", false],
  ["a\n1\n2\nb\n", "a\n...\nb", true],
  ["a\nb\n", "a\n...\nb", true],
  ["id prp_12 ok\n", "id prp_... ok", true],
  ["a.c\n", "abc", false],
  ["abc\n", "a.c", false],
]) {
  test(`${JSON.stringify(printed)} ${yes ? "fits" : "does not fit"} ${JSON.stringify(wanted)}`, () => {
    assert.equal(fits(printed, wanted), yes);
  });
}

/* What the runner says of a document. */
function run(t, text) {
  const folder = mkdtempSync(join(tmpdir(), "fermata-docs-test-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "x.md"), text);
  const env = { ...process.env, NODE_TEST_CONTEXT: "" };
  return spawnSync("node", [join(ROOT, "tests/docs/run.mjs"), join(folder, "x.md")], { encoding: "utf8", env }).stdout;
}

test("a document that is right passes: state goes on from block to block", (t) => {
  const text = "```sh\nexport A=1\nmkdir d && cd d\necho $FERMATA_URL > url\n```\n\n```sh\necho $A; basename $PWD; wc -l < url\n```\n\n<!-- test: output -->\n```text\n1\nd\n1\n```\n";
  assert.match(run(t, text), /3 passed, 0 failed/);
});

const WRONG = [
  ["a command fails", "```sh\nfalse\necho on\n```", /exit code 1/],
  ["a program fails", "```python\nraise SystemExit(3)\n```", /exit code 3/],
  ["a pipe fails", "```sh\nfalse | cat\n```", /exit code 1/],
  ["a wrong exit code", "<!-- test: fails 2 -->\n```sh\necho a\n```", /exit code 0, expected 2/],
  ["another output", "<!-- test: output -->\n```text\nb\n```", /the document shows/],
  ["JSON that is none", "```json\n{,}\n```", /JSON/],
  ["JSON with a member twice", '```json\n{"a": 1, "a": 2}\n```', /twice/],
  ["JSON that does not fit its schema", '<!-- test: as ProposalRequest -->\n```json\n{"action": 1}\n```', /must/],
  ["a policy that is wrong", "```yaml\nversion: 1\nnonsense: 2\n```", /nonsense/],
];

test("everything that is wrong in a document is told, each for itself", (t) => {
  const said = run(t, WRONG.map(([, text]) => text).join("\n\n"));
  const told = said.split("\nFAILED ").slice(1);
  assert.equal(told.length, WRONG.length, said);
  WRONG.forEach(([name, , message], at) => assert.match(told[at], message, name));
  assert.match(said, new RegExp(`0 passed, ${WRONG.length} failed`));
});

test("what is skipped is counted, with its reason", (t) => {
  assert.match(run(t, "<!-- test: skip on Mondays -->\n```sh\nfalse\n```\n```json\n{}\n```"), /skipped: .*on Mondays/);
});
