// SPDX-License-Identifier: Apache-2.0
/*
 * Which proposals an inbox shows, to whom, in which order: queues, claims, and what a queue left behind.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import { act, decided, policyText, propose, read, refund, startWorld } from "./world.mjs";

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

test("the most urgent first: by the queue's time or by the agent's deadline, whichever is earlier", async (t) => {
  const { bot, ana } = await startWorld(t, { people: ["ana"] });
  const late = await propose(bot);
  const urgent = await propose(bot, { deadline: "30m" });
  const patient = await propose(bot, { deadline: "2d" });
  const first = await propose(bot, { deadline: "10m" });
  const order = [first.id, urgent.id, late.id, patient.id];
  assert.deepEqual((await ids(ana)).ids, order);
  const paged = [];
  for (let next = "", count = 0; next !== null && count < 9; count += 1) {
    const page = await ids(ana, `?limit=1${next && `&cursor=${next}`}`);
    paged.push(...page.ids);
    next = page.next;
  }
  assert.deepEqual(paged, order, "also in pages");
  assert.deepEqual((await ids(ana, "?sort=new")).ids, [first, patient, urgent, late].map(({ id }) => id));
  for (const [index, id] of order.entries()) {
    assert.equal((await read(ana, { id })).hold.position, index + 1);
    await act(ana, { id }, "claim");
  }
  assert.deepEqual((await ids(ana, "?mine=1")).ids, order);
});

/* The rows of a grouped inbox: id and how many there are of it. */
const groups = async (person, query = "") => {
  const { status, body, text } = await person.get(`/v1/inbox?group=1${query}`);
  assert.equal(status, 200, text);
  return { rows: body.items.map(({ id, repeats }) => [id, repeats]), counts: body.counts, next: body.next_cursor };
};

test("repeats are one row with a count, and each is decided on its own", async (t) => {
  const { bot, other, ana } = await startWorld(t, { people: ["ana"], agents: ["bot", "other"] });
  const same = { arguments: refund({ order_id: "W-same" }) };
  const made = [await propose(bot, same), await propose(bot, same), await propose(bot), await propose(bot, same)];
  const [one, two, single, three] = made;
  const theirs = await propose(other, same);
  assert.deepEqual((await ids(ana)).ids, [...made, theirs].map(({ id }) => id), "nothing is merged unasked");
  assert.deepEqual(await groups(ana), {
    rows: [[one.id, 3], [single.id, 1], [theirs.id, 1]],
    counts: { pending: 5, mine: 0, escalated: 0, groups: 3 },
    next: null,
  });
  const page = await groups(ana, "&limit=2");
  assert.deepEqual((await groups(ana, `&limit=2&cursor=${page.next}`)).rows, [[theirs.id, 1]]);
  const { alike } = await read(ana, two);
  assert.deepEqual([alike.count, alike.place, alike.others.map(({ id }) => id)], [3, 2, [one.id, three.id]]);
  assert.deepEqual(alike.others.map(({ created_at: at }) => at), [one.created_at, three.created_at]);
  assert.deepEqual((await read(ana, single)).alike, { count: 1, place: 1, others: [] });
  await decided(ana, one, "reject");
  assert.deepEqual((await groups(ana)).rows, [[two.id, 2], [single.id, 1], [theirs.id, 1]]);
  assert.deepEqual((await read(ana, one)).alike.others.map(({ id }) => id), [two.id, three.id]);
  assert.equal((await read(ana, one)).alike.place, 0);
  await act(bot, two, "withdraw");
  assert.deepEqual((await groups(ana)).rows[0], [single.id, 1]);
  assert.ok((await groups(ana)).rows.some(([id, count]) => id === three.id && count === 1));
  assert.equal((await read(bot, three)).alike, undefined, "not for agents");
});

test("who stands for a group: the most urgent, whatever was undone, revised or claimed", async (t) => {
  const policy = policyText({ defaults: { undo: "60s" } });
  const { bot, ana, ben } = await startWorld(t, { people: ["ana", "ben"], policy });
  const same = { arguments: refund({ order_id: "W-same" }) };
  const one = await propose(bot, same);
  const two = await propose(bot, same);
  const urgent = await propose(bot, { ...same, deadline: "20m" });
  assert.deepEqual((await groups(ana)).rows, [[urgent.id, 3]]);
  await act(ben, urgent, "claim");
  assert.deepEqual((await groups(ana)).rows, [[urgent.id, 3]], "also while somebody looks at it");
  assert.deepEqual((await groups(ben, "&mine=1")).rows, [[urgent.id, 3]]);
  await decided(ben, urgent);
  assert.deepEqual((await groups(ana)).rows, [[one.id, 2]]);
  assert.equal((await act(ben, urgent, "undo")).status, 200);
  assert.deepEqual((await groups(ana)).rows, [[urgent.id, 3]]);
  assert.equal((await read(ana, two)).alike.place, 3);
  await act(bot, urgent, "withdraw");
  await act(bot, one, "withdraw");
  assert.deepEqual((await groups(ana)).rows, [[two.id, 1]]);
});

test("a returned one that comes back changed is in another group", async (t) => {
  const { bot, ana } = await startWorld(t, { people: ["ana"] });
  const same = { arguments: refund({ order_id: "W-same" }) };
  const one = await propose(bot, same);
  const two = await propose(bot, same);
  await decided(ana, one, "return");
  assert.deepEqual((await groups(ana)).rows, [[two.id, 1]]);
  assert.equal((await act(bot, one, "revise", { arguments: refund({ order_id: "W-new" }) })).status, 200);
  assert.deepEqual(new Map((await groups(ana)).rows), new Map([[two.id, 1], [one.id, 1]]));
  assert.equal((await ana.get("/v1/inbox?group=2")).status, 422);
});
