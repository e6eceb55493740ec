// SPDX-License-Identifier: Apache-2.0
/*
 * Which proposals an inbox shows, to whom, in which order: queues, claims, and what a queue left behind.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import { act, decided, policyText, propose, startWorld } from "./world.mjs";

const ids = async (person, query = "") => {
  const answer = await person.get(`/v1/inbox${query}`);
  assert.equal(answer.status, 200, answer.text);
  return { ids: answer.body.items.map((item) => item.id), counts: answer.body.counts, next: answer.body.next_cursor };
};

test("mine: only what this person holds, in both orders, by queue and in pages", async (t) => {
  const { bot, ana, ben } = await startWorld(t, { people: ["ana", "ben"] });
  const made = [];
  for (let count = 0; count < 5; count += 1) {
    made.push(await propose(bot));
  }
  for (const at of [3, 1, 4]) {
    assert.equal((await act(ana, made[at], "claim")).status, 200);
  }
  assert.equal((await act(ben, made[0], "claim")).status, 200);
  const held = [made[1].id, made[3].id, made[4].id];
  assert.deepEqual((await ids(ana, "?mine=1")).ids, held);
  assert.deepEqual((await ids(ana, "?mine=1&sort=new")).ids, held.toReversed());
  assert.deepEqual((await ids(ana, "?mine=1&queue=general")).ids, held);
  assert.deepEqual((await ids(ana, "?mine=1&queue=leads")).ids, []);
  assert.deepEqual((await ids(ben, "?mine=1")).ids, [made[0].id]);
  assert.deepEqual((await ids(ana)).ids, made.map(({ id }) => id));
  assert.deepEqual((await ids(ana)).counts, { pending: 5, mine: 3, escalated: 0 });
  const first = await ids(ana, "?mine=1&limit=2");
  const second = await ids(ana, `?mine=1&limit=2&cursor=${first.next}`);
  assert.deepEqual([...first.ids, ...second.ids], held);
  assert.equal(second.next, null);
  await decided(ana, made[3]);
  assert.deepEqual((await ids(ana, "?mine=1")).ids, [made[1].id, made[4].id]);
});

test("what waits in a queue that the policy no longer has is in the leads' inbox, and can be decided", async (t) => {
  const policy = policyText({
    actions: "  page.publish: {then: review, effects: [publish], queue: editors}",
    extra: "",
  }).replace("queues:\n", "queues:\n  editors: {members: [role:reviewer]}\n");
  const { server, bot, ana, lea } = await startWorld(t, { people: ["ana", "lea"], policy });
  const kept = await propose(bot);
  const orphan = await propose(bot, { action: "page.publish" });
  assert.deepEqual((await ids(ana)).ids, [kept.id, orphan.id]);
  assert.deepEqual((await ids(lea)).ids, []);
  await server.restart({ policy: policyText() });
  assert.deepEqual((await ids(ana)).ids, [kept.id]);
  assert.deepEqual((await ids(lea)).ids, [orphan.id]);
  assert.deepEqual((await ids(lea)).counts, { pending: 1, mine: 0, escalated: 0 });
  assert.deepEqual((await ids(lea, "?queue=editors")).ids, [orphan.id]);
  assert.deepEqual((await ids(lea, "?queue=leads")).ids, []);
  await decided(lea, orphan, "reject");
  assert.deepEqual((await ids(lea)).ids, []);
});
