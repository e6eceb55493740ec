// SPDX-License-Identifier: Apache-2.0
/*
 * An action's schema: what an agent proposes, revises, and what a reviewer makes of it are held against
 * it, and people read it beside the proposal. Which schemas and which errors there are is the affair of
 * tests/unit/json and tests/conformance.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test, { after } from "node:test";

import { ROOT } from "./server.mjs";
import { act, decide, decided, expectProblem, policyText, propose, read, startWorld } from "./world.mjs";

const SCHEMA = {
  type: "object",
  required: ["to", "amount"],
  properties: {
    to: { type: "string", format: "email" },
    amount: { type: "number", exclusiveMinimum: 0, multipleOf: 0.01 },
    lines: { type: "array", items: { type: "object", required: ["sku"] } },
  },
  additionalProperties: false,
};
const policy = policyText({ actions: `  gift.send: {then: review, schema: ${JSON.stringify(SCHEMA)}}` });
const world = await startWorld({ after }, { people: ["ana"], agents: ["bot"], policy });
const { bot, ana } = world;
const GOOD = { to: "maya@example.com", amount: 4.35 };

const pointers = (problem) => problem.errors.map((error) => error.pointer);
const gift = (args = GOOD) => ({ action: "gift.send", arguments: args });

/* Each row: name, arguments, pointers in the order of their use. */
const REFUSED = [
  ["a member is missing", { to: GOOD.to }, ["/arguments/amount"]],
  ["a slip", { to: GOOD.to, amuont: 1 }, ["/arguments/amount", "/arguments/amuont"]],
  ["half a cent", { ...GOOD, amount: 4.355 }, ["/arguments/amount"]],
  ["a format", { ...GOOD, to: "maya" }, ["/arguments/to"]],
  ["deep down", { ...GOOD, lines: [{ sku: 1 }, {}] }, ["/arguments/lines/1/sku"]],
];
for (const [name, args, wanted] of REFUSED) {
  test(`refused at intake: ${name}`, async () => {
    const problem = expectProblem(await bot.post("/v1/proposals", gift(args)), 422, "schema");
    assert.deepEqual(pointers(problem), wanted);
    assert.ok(problem.detail.startsWith(`${wanted[0]}: `), problem.detail);
    assert.ok(problem.errors.every((error) => error.message.length > 3));
  });
}

test("a slip names what was probably meant", async () => {
  const { errors } = expectProblem(await bot.post("/v1/proposals", gift({ to: GOOD.to, amuont: 1 })), 422, "schema");
  assert.equal(errors[1].message, "is not known here; did you mean `amount`?");
});

test("what was refused left nothing behind", async () => {
  const before = (await bot.get("/v1/proposals")).body.items.length;
  expectProblem(await bot.post("/v1/proposals", gift({})), 422, "schema");
  assert.equal((await bot.get("/v1/proposals")).body.items.length, before);
});

test("people read the schema beside the proposal, agents do not", async () => {
  const made = await propose(bot, gift());
  assert.deepEqual((await read(ana, made)).action_schema, SCHEMA);
  assert.equal((await read(bot, made)).action_schema, undefined);
  assert.equal((await read(ana, await propose(bot, { action: "note.write", arguments: {} }))).action_schema, null);
});

test("modify is held against it, and may be tried again", async () => {
  const made = await propose(bot, gift());
  const problem = expectProblem(
    await decide(ana, made, "modify", { arguments: { ...GOOD, amount: -1 } }),
    422,
    "schema",
    "/arguments/amount",
  );
  assert.equal(problem.errors[0].message, "must be above 0");
  assert.equal((await read(ana, made)).status, "pending");
  const { decision } = await decided(ana, made, "modify", { arguments: { ...GOOD, amount: 1 } });
  assert.equal(decision.arguments.amount, 1);
});

test("so is a revision", async () => {
  const made = await propose(bot, gift());
  await decided(ana, made, "return");
  expectProblem(await act(bot, made, "revise", { arguments: { to: "x" } }), 422, "schema", "/arguments/to");
  assert.equal((await read(bot, made)).status, "returned");
  const answer = await act(bot, made, "revise", { arguments: { ...GOOD, amount: 2 } });
  assert.equal(answer.status, 200, answer.text);
});

test("an action without a schema takes any object", async () => {
  await propose(bot, { action: "note.write", arguments: { to: 5, anything: null } });
});

/* --- the samples ------------------------------------------------------------------------------------------ */

const SAMPLES_JSON = `
import json, sys
sys.path.insert(0, "examples")
import first_proposals
print(json.dumps([{"action": s.action, "arguments": s.arguments, "brief": s.brief, **s.members}
                  for s in first_proposals.SAMPLES]))
`;

test("the sample proposals match the schemas of the sample policy", async (t) => {
  const { stdout, stderr, status } = spawnSync("python3", ["-c", SAMPLES_JSON], { cwd: ROOT, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  const sample = readFileSync(join(ROOT, "examples", "policy.yaml"), "utf8");
  const samples = await startWorld(t, { people: [], policy: sample });
  for (const body of JSON.parse(stdout)) {
    assert.ok(sample.includes(`  ${body.action}:`), body.action);
    await propose(samples.bot, body);
  }
});
