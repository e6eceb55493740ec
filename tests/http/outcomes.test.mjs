// SPDX-License-Identifier: Apache-2.0
/*
 * What became of what people decided: used or not, in time or not, reported or unknown.
 */
import assert from "node:assert/strict";
import test, { describe } from "node:test";

import { act, approved, decided, expectProblem, policyText, propose, read, startWorld } from "./world.mjs";

const TOGETHER = { concurrency: 8 };
const HOUR_MS = 3_600_000;

const ids = async (who, query) => {
  const answer = await who.get(`/v1/proposals?${query}`);
  assert.equal(answer.status, 200, answer.text);
  return answer.body.items.map(({ id }) => id);
};

/* An approval that its agent has redeemed. */
async function redeemed(bot, ana, members) {
  const made = await approved(bot, ana, members);
  const answer = await bot.post("/v1/permits/redeem", { permit: made.permit, arguments: made.arguments });
  assert.equal(answer.status, 200, answer.text);
  return made;
}

async function listen(t, person) {
  const stream = await person.stream();
  t.after(() => stream.close());
  await stream.next(({ event }) => event === "hello");
  return (type, { id }) => stream.next((event) => event.event === type && event.data.proposal === id);
}

describe("outcomes", TOGETHER, () => {
  test("a decider reads each step: not used, executing, reported; and hears of each", async (t) => {
    const { bot, ana } = await startWorld(t);
    const heard = await listen(t, ana);
    const made = await approved(bot, ana);
    const standing = async () => {
      const seen = await read(ana, made);
      return [seen.redeemed_at !== null, seen.outcome_due_at !== null, seen.outcome?.status ?? null];
    };
    assert.deepEqual(await standing(), [false, false, null]);
    await bot.post("/v1/permits/redeem", { permit: made.permit, arguments: made.arguments });
    const { data } = await heard("permit.redeemed", made);
    assert.equal(data.data.status, "approved");
    assert.deepEqual(await standing(), [true, true, null]);
    const { redeemed_at, outcome_due_at } = await read(ana, made);
    assert.equal(Date.parse(outcome_due_at) - Date.parse(redeemed_at), HOUR_MS, "outcome_within is 1h");
    await act(bot, made, "outcome", { status: "failed", detail: "No such order" });
    await heard("proposal.outcome", made);
    assert.deepEqual(await standing(), [true, false, "failed"]);
    assert.equal("outcome_due_at" in (await read(bot, made)), false, "for people only");
  });

  test("`done` is what I decided, with what became of it, also by outcome", async (t) => {
    const { bot, ana, ben } = await startWorld(t, { people: ["ana", "ben"] });
    const good = await redeemed(bot, ana);
    await act(bot, good, "outcome", { status: "succeeded" });
    const bad = await redeemed(bot, ana);
    await act(bot, bad, "outcome", { status: "failed" });
    await act(bot, bad, "outcome", { status: "reverted" });
    const open = await redeemed(bot, ana);
    await redeemed(bot, ben);
    assert.deepEqual(await ids(ana, "decided_by=me"), [open.id, bad.id, good.id]);
    assert.deepEqual(await ids(ana, "decided_by=me&outcome=succeeded"), [good.id]);
    assert.deepEqual(await ids(ana, "decided_by=me&outcome=failed"), [], "it was corrected");
    assert.deepEqual(await ids(ana, "outcome=reverted"), [bad.id]);
    assert.deepEqual(await ids(bot, "outcome=succeeded"), [good.id], "agents may ask too");
    expectProblem(await ana.get("/v1/proposals?outcome=fine"), 422, "invalid-argument", "/outcome");
  });

  test("executed and not reported in time: unknown, to leads and to the agent, until it reports", async (t) => {
    const policy = policyText({ defaults: { outcome_within: "1s" } });
    const { bot, other, ana, lea } = await startWorld(t, { people: ["ana", "lea"], agents: ["bot", "other"], policy });
    const [first, second] = [await redeemed(bot, ana), await redeemed(bot, ana)];
    await approved(bot, ana); // not redeemed: not unknown
    assert.deepEqual(await ids(lea, "outcome=unknown"), [], "not yet");
    const waited = await propose(other);
    await read(other, waited, "2s"); // longer than outcome_within
    assert.deepEqual(await ids(lea, "outcome=unknown"), [second.id, first.id]);
    assert.deepEqual(await ids(ana, "outcome=unknown&decided_by=me"), [second.id, first.id]);
    assert.deepEqual(await ids(bot, "outcome=unknown"), [second.id, first.id]);
    assert.deepEqual(await ids(other, "outcome=unknown"), []);
    const one = (await lea.get("/v1/proposals?outcome=unknown&limit=1")).body;
    assert.deepEqual(await ids(lea, `outcome=unknown&limit=1&cursor=${one.next_cursor}`), [first.id]);
    assert.match((await lea.get("/metrics")).text, /^fermata_outcomes_unknown 2$/m);
    await act(bot, first, "outcome", { status: "succeeded" });
    assert.deepEqual(await ids(lea, "outcome=unknown"), [second.id]);
  });

  test("an approval that nobody used in time is expired, with the decision that granted it", async (t) => {
    const { bot, ana } = await startWorld(t, { policy: policyText({ defaults: { valid_for: "1s" } }) });
    const heard = await listen(t, ana);
    const made = await propose(bot);
    await decided(ana, made);
    await heard("proposal.expired", made);
    const [seen] = (await ana.get("/v1/proposals?decided_by=me")).body.items;
    assert.deepEqual([seen.status, seen.decision.verdict, seen.redeemed_at], ["expired", "approve", null]);
  });
});
