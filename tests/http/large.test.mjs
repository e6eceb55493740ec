// SPDX-License-Identifier: Apache-2.0
/*
 * What somebody can pile up: large proposals, many notes. Lists and single reads must go on working for
 * everybody, and one refused read must not spoil the next.
 */
import assert from "node:assert/strict";
import test from "node:test";

import { act, decided, policyText, propose, read, startWorld } from "./world.mjs";

const MANY = 60;
const ONE_LOOP = ["--loops", "1"]; // what one request spoils, the next one meets

const brief = {
  recommendation: "\u0001".repeat(32_000), // six bytes each in an answer
  reasoning: "x".repeat(32_000),
  evidence: [{ title: "P", content_type: "image/png", base64: Buffer.alloc(400_000, 1).toString("base64") }],
};

async function pages(who, path) {
  const ids = [];
  for (let cursor = null; ; ) {
    const page = await who.get(`${path}${cursor ? `&cursor=${cursor}` : ""}`);
    assert.equal(page.status, 200, page.text.slice(0, 300));
    ids.push(...page.body.items.map(({ id }) => id));
    cursor = page.body.next_cursor;
    if (!cursor) {
      return ids;
    }
  }
}

test("many large proposals", async (t) => {
  const { bot, ana } = await startWorld(t, { args: ONE_LOOP });
  const small = await propose(bot);
  const made = [small.id];
  for (let number = 0; number < MANY; number++) {
    const large = { arguments: { number, text: "y".repeat(200_000) }, brief };
    made.push((await propose(bot, { action: "note.write", ...large })).id);
  }
  const parked = read(bot, small, "60s");

  await t.test("the inbox shows all of them", async () => {
    assert.deepEqual(await pages(ana, "/v1/inbox?limit=200"), made);
    assert.deepEqual(await pages(ana, "/v1/inbox?limit=200&mine=1"), []);
  });
  for (const name of ["bot", "ana"]) {
    await t.test(`${name} lists all of them`, async () => {
      assert.deepEqual(await pages({ bot, ana }[name], "/v1/proposals?limit=200"), made.toReversed());
    });
    await t.test(`${name} searches all of them`, async () => {
      assert.deepEqual(await pages({ bot, ana }[name], `/v1/proposals?q=${small.arguments.order_id}%22`), [small.id]);
    });
  }
  await t.test("and what was decided meanwhile is read by everybody", async () => {
    await decided(ana, small);
    assert.equal((await parked).status, "approved");
    assert.equal((await read(bot, small)).status, "approved");
  });
});

test("many notes: the newest are shown, and it can still be read and decided", async (t) => {
  const { bot, ana } = await startWorld(t);
  const made = await propose(bot);
  const text = `x${"\u0001".repeat(8 * 1024 - 1)}`;
  for (let number = 0; number < 200; number++) {
    await act(ana, made, "comment", { text: number < 199 ? text : "the last" });
  }
  const { comments } = await read(ana, made);
  assert.deepEqual([comments.length, comments.at(-1).text], [100, "the last"]);
  await decided(ana, made);
});

test("what the policy blocks by now cannot be approved, with or without an edit", async (t) => {
  const { server, bot, ana } = await startWorld(t);
  const made = await propose(bot);
  const stricter = policyText().replace("refund.issue:\n    then: earn", "refund.issue:\n    then: block");
  await server.restart({ policy: stricter });
  for (const [verdict, members] of [
    ["approve", {}],
    ["modify", { arguments: { ...made.arguments, amount: 1 } }],
  ]) {
    const answer = await act(ana, made, "decision", { verdict, digest: made.digest, ...members });
    assert.equal(answer.status, 422, answer.text);
  }
  assert.equal((await read(bot, made)).status, "pending");
  await decided(ana, made, "reject");
});
