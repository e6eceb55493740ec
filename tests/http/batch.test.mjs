// SPDX-License-Identifier: Apache-2.0
/*
 * Batches: each item is answered as if it had come alone, in its place; keys make them repeatable; limits.
 */
import assert from "node:assert/strict";
import test, { after } from "node:test";

import { act, decide, expectProblem, policyText, propose, read, refund, startWorld } from "./world.mjs";

const policy = policyText({ extra: "limits: {pending_per_agent: 4000, proposals_per_minute: 6000}\n" });
const world = await startWorld({ after }, { people: ["ana", "ben", "lea"], agents: ["bot", "other"], policy });
const { bot, other, ana, ben, lea } = world;

const note = (members = {}) => ({ action: "note.write", arguments: refund(), ...members });

async function batch(who, items, options) {
  const answer = await who.post("/v1/proposals/batch", { items }, options);
  assert.equal(answer.status, 200, answer.text.slice(0, 500));
  assert.equal(answer.body.items.length, items.length);
  return answer.body.items;
}

async function decideMany(who, items, options) {
  const answer = await who.post("/v1/decisions/batch", { items }, options);
  assert.equal(answer.status, 200, answer.text.slice(0, 500));
  return answer.body.items;
}

const nameOf = ({ status, body }) => `${status} ${body.type?.replace("/problems/", "") ?? body.status}`;

test("each item is answered in its place, and a bad one leaves the others alone", async () => {
  const items = [
    note(),
    { action: "ticket.tag", arguments: {} },
    { action: "customer.export", arguments: {} },
    { arguments: {} },
    note({ no_such: 1 }),
    { action: "letter.send", arguments: {} },
    7,
    note({ supersedes: `prp_${"0".repeat(25)}1` }),
    note(),
  ];
  const answers = await batch(bot, items);
  assert.deepEqual(answers.map(nameOf), [
    "201 pending",
    "201 approved",
    "201 blocked",
    "422 invalid-argument",
    "422 unknown-member",
    "422 brief-incomplete",
    "422 invalid-argument",
    "404 not-found",
    "201 pending",
  ]);
  assert.deepEqual(answers[4].body.errors[0].pointer, "/no_such", "pointers begin at the item");
  for (const { body } of answers.filter(({ status }) => status === 201)) {
    const { permit: _, ...shown } = body;
    const { permit: __, ...stored } = await read(bot, body);
    assert.deepEqual(shown, stored, "as a single answer");
  }
});

test("500 at once, each stored in its order", async () => {
  const items = Array.from({ length: 500 }, () => note());
  const answers = await batch(bot, items);
  assert.ok(answers.every(({ status }) => status === 201));
  assert.equal(new Set(answers.map(({ body }) => body.id)).size, 500);
  for (const [index, { body }] of answers.entries()) {
    assert.deepEqual(body.arguments, items[index].arguments);
  }
  await batch(bot, [note({ supersedes: answers[499].body.id })]);
  assert.equal((await read(bot, answers[499].body)).status, "withdrawn");
});

test("an item's key is that of a single proposal", async () => {
  const item = note();
  const [{ body: first }] = await batch(bot, [{ ...item, idempotency_key: "same" }]);
  const alone = await bot.post("/v1/proposals", item, { key: "same" });
  assert.deepEqual([alone.status, alone.body.id], [200, first.id]);
  const again = await batch(bot, [
    { ...item, idempotency_key: "same" },
    { ...item, idempotency_key: "same", arguments: {} },
    { ...item, idempotency_key: "same" },
    { ...note(), idempotency_key: 7 },
    { ...note(), idempotency_key: "\u00e9" },
  ]);
  assert.deepEqual(again.map(nameOf), [
    "200 pending",
    "422 idempotency-mismatch",
    "200 pending",
    "422 invalid-argument",
    "422 invalid-argument",
  ]);
  assert.equal(again[0].body.id, first.id);
  assert.notEqual((await batch(other, [{ ...item, idempotency_key: "same" }]))[0].body.id, first.id);
});

test("two items with one key are one proposal", async () => {
  const item = { ...note(), idempotency_key: "twice" };
  const [one, two] = await batch(bot, [item, item]);
  assert.deepEqual([one.status, two.status, one.body.id], [201, 200, two.body.id]);
});

test("a key of the whole makes the batch repeatable, item by item", async () => {
  const items = [note(), { action: "ticket.tag", arguments: {} }, { action: "no", arguments: 1 }];
  const first = await batch(bot, items, { key: "whole" });
  const again = await batch(bot, items, { key: "whole" });
  assert.deepEqual(again.map(nameOf), ["200 pending", "200 approved", "422 invalid-argument"]);
  assert.deepEqual(
    again.slice(0, 2).map(({ body }) => body.id),
    first.slice(0, 2).map(({ body }) => body.id),
  );
  const changed = await batch(bot, [items[1], items[0]], { key: "whole" });
  assert.deepEqual(changed.map(nameOf), ["422 idempotency-mismatch", "422 idempotency-mismatch"]);
});

test("what was lost is asked again: 20 clients with one key make one set of proposals", async () => {
  const items = Array.from({ length: 30 }, () => note());
  const all = await Promise.all(Array.from({ length: 20 }, () => batch(bot, items, { key: "storm" })));
  const ids = new Set(all.flatMap((answers) => answers.map(({ body }) => body.id)));
  assert.equal(ids.size, 30);
});

const BAD = [
  ["no items", { items: [] }, 422, "invalid-argument"],
  ["501 items", { items: Array(501).fill({}) }, 422, "invalid-argument"],
  ["items that are no array", { items: {} }, 422, "invalid-argument"],
  ["nothing", {}, 422, "invalid-argument"],
];
for (const [name, body, status, problem] of BAD) {
  test(`refused as a whole: ${name}`, async () => {
    expectProblem(await bot.post("/v1/proposals/batch", body), status, problem, "/items");
  });
}

test("no body at all is refused", async () => {
  expectProblem(await bot.request("POST", "/v1/proposals/batch"), 422, "invalid-argument");
});

test("7 MiB of proposals pass; one item over its own limits does not", async () => {
  const brief = (n) => ({ request: "x".repeat(n), reasoning: "y".repeat(n) });
  const items = Array.from({ length: 110 }, () => note({ brief: brief(32 * 1024) }));
  const answers = await batch(bot, items);
  assert.ok(answers.every(({ status }) => status === 201), JSON.stringify(answers.map(nameOf)));
  const dense = note({ arguments: { list: Array(120_000).fill(1) } });
  const large = note({ arguments: { text: "x".repeat(300 * 1024) } });
  assert.deepEqual((await batch(bot, [dense, large, note()])).map(nameOf), [
    "413 too-large",
    "413 too-large",
    "201 pending",
  ]);
});

test("the agent's own limits hold for items too", async (t) => {
  const tight = policyText({ extra: "limits: {pending_per_agent: 3, proposals_per_minute: 6000}\n" });
  const small = await startWorld(t, { people: [], policy: tight });
  const answers = await batch(small.bot, Array.from({ length: 5 }, () => note()));
  assert.deepEqual(answers.map(({ status }) => status), [201, 201, 201, 429, 429]);
  assert.ok(answers[4].retry_after > 0);
});

test("decisions: one by one, each as if it had come alone", async () => {
  const made = await Promise.all(Array.from({ length: 6 }, () => propose(bot)));
  await act(ben, made[2], "claim");
  const foreign = await propose(bot, { action: "contract.sign" });
  const items = [
    { proposal: made[0].id, digest: made[0].digest, verdict: "approve" },
    { proposal: made[1].id, digest: made[1].digest, verdict: "reject", reason: "No." },
    { proposal: made[2].id, digest: made[2].digest, verdict: "approve" },
    { proposal: made[3].id, digest: made[4].digest, verdict: "approve" },
    { proposal: made[4].id, digest: made[4].digest, verdict: "reject" },
    { proposal: foreign.id, digest: foreign.digest, verdict: "approve" },
    { proposal: "x", digest: made[5].digest, verdict: "approve" },
    { proposal: made[0].id, digest: made[0].digest, verdict: "approve" },
    { proposal: made[5].id, digest: made[5].digest, verdict: "approve", decided_by: "ben" },
  ];
  assert.deepEqual((await decideMany(ana, items)).map(nameOf), [
    "200 approved",
    "200 rejected",
    "409 claimed",
    "409 digest-mismatch",
    "422 invalid-argument",
    "404 not-found",
    "422 invalid-argument",
    "409 already-decided",
    "422 unknown-member",
  ]);
  assert.equal((await read(lea, made[0])).decision.by.name, "ana");
  assert.equal((await read(bot, made[5])).status, "pending");
});

test("decisions: keys repeat them", async () => {
  const made = await propose(bot);
  const item = { proposal: made.id, digest: made.digest, verdict: "approve" };
  const [first] = await decideMany(ana, [{ ...item, idempotency_key: "d1" }]);
  const [again] = await decideMany(ana, [{ ...item, idempotency_key: "d1" }]);
  assert.deepEqual([again.status, again.body.decision.id], [200, first.body.decision.id]);
  const alone = await decide(ana, made, "approve", {}, { key: "d1" });
  assert.equal(alone.body.decision.id, first.body.decision.id);
  expectProblem(await ana.post("/v1/decisions/batch", { items: Array(101).fill(item) }), 422, "invalid-argument");
});
