// SPDX-License-Identifier: Apache-2.0
/*
 * What time does, and never does: undo and release, escalation, expiry, deadlines. Nothing here sleeps:
 * a test waits for the server's own answer or event, with a limit. Times of the policy are whole seconds.
 */
import assert from "node:assert/strict";
import test, { describe } from "node:test";

import { act, decide, decided, expectProblem, policyText, propose, read, startWorld } from "./world.mjs";

const TOGETHER = { concurrency: 16 }; // each has its own server and mostly waits

/* Opens a stream for `person` that ends with the test; resolves once it listens. */
async function listen(t, person) {
  const stream = await person.stream();
  t.after(() => stream.close());
  await stream.next(({ event }) => event === "hello");
  return (type, proposal) => stream.next((event) => event.event === type && event.data.proposal === proposal.id);
}

const world = (t, defaults, options = {}) =>
  startWorld(t, { people: ["ana", "ben", "lea"], policy: policyText({ defaults }), ...options });

describe("undo", TOGETHER, () => {
  test("an approval is released after the undo time; until then people read it, agents do not", async (t) => {
    const { bot, ana, ben } = await world(t, { undo: "2s" });
    const made = await propose(bot);
    const parked = read(bot, made, "60s");
    const answer = await decided(ana, made);
    assert.deepEqual([answer.status, answer.hold.phase, answer.decision.verdict], ["pending", "undo", "approve"]);
    assert.equal(Date.parse(answer.hold.release_at) - Date.parse(answer.decision.at), 2000);
    assert.equal(answer.hold.people_done, 1);
    const meanwhile = await read(bot, made);
    assert.deepEqual(
      [meanwhile.status, meanwhile.decision, meanwhile.permit, meanwhile.hold.release_at],
      ["pending", null, null, null],
    );
    assert.notEqual(meanwhile.hold.phase, "undo", "an agent must not learn of the decision");
    expectProblem(await decide(ben, made, "reject"), 409, "already-decided");
    const released = await parked;
    assert.ok(Date.now() >= Date.parse(answer.hold.release_at), "not before its time");
    assert.equal(released.status, "approved");
    assert.equal(typeof released.permit, "string");
    expectProblem(await act(ana, made, "undo"), 409, "already-released");
  });

  test("undone: it waits again under the same claim, and nothing reaches the agent", async (t) => {
    const { bot, ana, ben } = await world(t, { undo: "2s" });
    const made = await propose(bot);
    await decided(ana, made);
    expectProblem(await act(ben, made, "undo"), 403, "forbidden");
    const undone = await act(ana, made, "undo");
    assert.equal(undone.status, 200, undone.text);
    assert.deepEqual([undone.body.status, undone.body.decision, undone.body.hold.phase], ["pending", null, "claimed"]);
    assert.equal(undone.body.hold.claimed_by.name, "ana");
    assert.equal((await read(bot, made, "3s")).status, "pending", "longer than the undo time");
    await decided(ana, made, "reject");
    assert.equal((await read(bot, made)).status, "rejected");
  });

  test("nothing to undo, or gone: each is told as it is", async (t) => {
    const { bot, ana, ben } = await world(t, { undo: "60s" });
    const made = await propose(bot);
    const nothing = async () => expectProblem(await act(ana, made, "undo"), 409, "not-decided").detail;
    assert.equal(await nothing(), "it is pending: there is no decision to undo");
    await decided(ana, made);
    const { decision } = expectProblem(await decide(ben, made, "reject"), 409, "already-decided");
    assert.deepEqual(decision.arguments, made.arguments, "of an approval that may still be undone");
    await act(ana, made, "undo");
    assert.equal(await nothing(), "it is pending: there is no decision to undo");
    await act(bot, made, "withdraw");
    assert.equal(
      expectProblem(await act(ana, made, "undo"), 409, "already-decided").proposal_status,
      "withdrawn",
    );
  });

  test("a lead undoes what others decided, if it is routed to them", async (t) => {
    const { server, bot, ana } = await world(t, { undo: "60s" });
    const eva = await server.person("eva", ["reviewer", "lead"]);
    const made = await propose(bot);
    await decided(ana, made);
    const undone = await act(eva, made, "undo");
    assert.equal(undone.body.hold.claimed_by.name, "ana", "the claim stays with who decided");
  });

  test("counts follow a decision and its undoing", async (t) => {
    const { bot, ana } = await world(t, { undo: "60s" });
    const made = await propose(bot);
    const counts = async () => (await read(ana, made)).counts.approved;
    await decided(ana, made);
    assert.equal(await counts(), 1);
    await act(ana, made, "undo");
    assert.equal(await counts(), 0);
  });

  for (const [verdict, status] of [
    ["reject", "rejected"],
    ["return", "returned"],
  ]) {
    test(`${verdict} is released at once and cannot be undone`, async (t) => {
      const { bot, ana } = await world(t, { undo: "60s" });
      const made = await propose(bot);
      await decided(ana, made, verdict);
      assert.equal((await read(bot, made, "60s")).status, status);
      expectProblem(await act(ana, made, "undo"), 409, "already-released");
    });
  }

  test("without an undo time an approval is released at once", async (t) => {
    const { bot, ana } = await world(t, {});
    const made = await propose(bot);
    await decided(ana, made);
    const problem = expectProblem(await act(ana, made, "undo"), 409, "already-released");
    assert.equal(problem.decision.verdict, "approve");
  });

  test("a withdrawal during the undo time: the decision does not stand", async (t) => {
    const { bot, ana } = await world(t, { undo: "2s" });
    const made = await propose(bot);
    await decided(ana, made);
    const gone = await act(bot, made, "withdraw");
    assert.deepEqual([gone.body.status, gone.body.decision, gone.body.permit], ["withdrawn", null, null]);
  });

  test("undo and release at once: one of the two, never both (A48)", async (t) => {
    const { bot, ana } = await world(t, { undo: "1s" });
    const made = [];
    for (let i = 0; i < 30; i += 1) {
      made.push(await propose(bot));
      await decided(ana, made[i]);
    }
    const outcomes = await Promise.all(
      made.map(async (proposal, i) => {
        const release = Date.parse((await read(ana, proposal)).hold?.release_at ?? new Date());
        await bot.get(`/v1/proposals/${made[(i + 1) % 30].id}?wait=1s`);
        const undo = await act(ana, proposal, "undo");
        assert.ok(undo.status === 200 || undo.status === 409, undo.text);
        assert.ok(release > 0);
        return { undo, proposal };
      }),
    );
    for (const { undo, proposal } of outcomes) {
      const seen = await read(bot, proposal);
      assert.equal(seen.status, undo.status === 200 ? "pending" : "approved");
      assert.equal(seen.permit !== null, undo.status !== 200);
    }
  });

  test("a policy that has become stricter sends it back to people instead of releasing it", async (t) => {
    const { server, bot, ana, lea } = await world(t, { undo: "2s" });
    const made = await propose(bot, { action: "note.write" });
    const moved = await propose(bot);
    await decided(ana, made);
    await decided(ana, moved);
    const strict = policyText({
      defaults: { undo: "2s" },
      extra: "rules: [{id: lead, when: 'history.agent.count_1h >= 0', then: review, queue: leads, because: Leads look}]\n",
    }).replace("note.write: {then: review", "note.write: {then: block");
    await server.restart({ policy: strict });
    const happened = await listen(t, lea);
    for (const proposal of [made, moved]) {
      if ((await read(lea, proposal)).hold.phase === "undo") {
        await happened("proposal.undone", proposal);
      }
    }
    const [blocked, led] = [await read(lea, made), await read(lea, moved)];
    assert.deepEqual([(await read(bot, made)).status, blocked.decision], ["pending", null]);
    const texts = ({ assessment }) => assessment.reasons.map(({ text }) => text);
    assert.deepEqual(texts(blocked).slice(0, 2), ["The catalogue says review for note.write", "The catalogue says block for note.write"]);
    assert.equal(blocked.assessment.verdict, "block");
    assert.deepEqual([led.hold.queue, led.hold.phase, led.decision], ["leads", "waiting", null]);
    assert.deepEqual(texts(led).at(-1), "Leads look", "both reasons");
    assert.equal(texts(led)[0], "The catalogue says earn for refund.issue");
    assert.equal(led.timeline.at(-1).type, "proposal.undone");
    assert.equal(led.timeline.at(-1).data.why, "policy_stricter");
    const again = expectProblem(await decide(ana, made, "approve"), 422, "invalid-argument", "/verdict");
    assert.match(again.detail, /blocks note.write now: The catalogue says block/);
  });
});

describe("nobody answers", TOGETHER, () => {
  test("after half of respond_within it escalates to the backup, then it expires; it is never approved", async (t) => {
    const { bot, ana, lea } = await world(t, { respond_within: "6s" });
    const [seenByAna, seenByLea] = [await listen(t, ana), await listen(t, lea)];
    const made = await propose(bot);
    assert.deepEqual((await lea.get("/v1/inbox")).body.items, []);
    expectProblem(await decide(lea, made, "approve"), 403, "not-qualified");
    const parked = read(bot, made, "60s");
    await Promise.all([seenByAna("proposal.escalated", made), seenByLea("proposal.escalated", made)]);
    const escalated = await read(lea, made);
    assert.deepEqual(
      [escalated.hold.queue, escalated.hold.escalations, escalated.hold.escalates_at],
      ["leads", 1, null],
    );
    assert.equal(escalated.hold.due_at, made.hold.due_at);
    for (const who of [ana, lea]) {
      const { items, counts } = (await who.get("/v1/inbox")).body;
      assert.deepEqual(
        items.map(({ id }) => id),
        [made.id],
        `${who.name} still may decide it`,
      );
      assert.equal(counts.escalated, who === ana ? 1 : 0);
    }
    const expired = await parked;
    assert.deepEqual([expired.status, expired.decision, expired.permit, expired.hold], ["expired", null, null, null]);
    const late = Date.now() - Date.parse(made.hold.due_at);
    assert.ok(late >= 0 && late < 5000, `${late} ms`);
    const problem = expectProblem(await decide(ana, made, "approve"), 409, "already-decided");
    assert.deepEqual(problem.ended_by, { kind: "clock", id: null, name: null });
    assert.equal((await read(ana, made)).counts.expired, 1);
  });

  test("the backup decides what has escalated", async (t) => {
    const { bot, lea } = await world(t, { respond_within: "3s" });
    const happened = await listen(t, lea);
    const made = await propose(bot);
    await happened("proposal.escalated", made);
    await decided(lea, made);
    assert.equal((await read(bot, made)).decision.by.name, "lea");
  });

  test("a claim is kept over an escalation", async (t) => {
    const { bot, ana, lea } = await world(t, { respond_within: "3s" });
    const happened = await listen(t, ana);
    const made = await propose(bot);
    await act(ana, made, "claim");
    await happened("proposal.escalated", made);
    assert.equal((await read(ana, made)).hold.claimed_by.name, "ana");
    expectProblem(await decide(lea, made, "approve"), 409, "claimed");
    await decided(ana, made);
  });

  test("a lead gives back another's claim", async (t) => {
    const { bot, ana, lea } = await world(t, { respond_within: "3s" });
    const happened = await listen(t, lea);
    const made = await propose(bot);
    await act(ana, made, "claim");
    await happened("proposal.escalated", made);
    assert.equal((await act(lea, made, "unclaim")).body.hold.phase, "waiting");
  });

  test("one who is in both queues sees an escalated one once, and pages lose nothing", async (t) => {
    const { server, bot } = await world(t, { respond_within: "4s", on_expiry: "keep" });
    const eva = await server.person("eva", ["reviewer", "lead"]);
    const happened = await listen(t, eva);
    const made = [];
    for (let i = 0; i < 4; i += 1) {
      made.push(await propose(bot));
    }
    await happened("proposal.escalated", made[3]);
    for (const limit of [1, 2, 3, 50]) {
      const seen = [];
      for (let cursor = ""; cursor !== null;) {
        const { items, next_cursor } = (
          await eva.get(`/v1/inbox?limit=${limit}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`)
        ).body;
        seen.push(...items.map(({ id }) => id));
        cursor = next_cursor;
      }
      assert.deepEqual(
        seen,
        made.map(({ id }) => id),
        `pages of ${limit}`,
      );
    }
  });

  test("on_expiry keep: it stays for the backup", async (t) => {
    const { bot, lea } = await world(t, { respond_within: "2s", on_expiry: "keep" });
    const happened = await listen(t, lea);
    const made = await propose(bot);
    await happened("proposal.escalated", made);
    assert.equal((await read(bot, made, "3s")).status, "pending", "well after respond_within");
    await decided(lea, made);
    assert.equal((await read(bot, made)).status, "approved");
  });

  test("a deadline ends it, whatever on_expiry says", async (t) => {
    const { bot, ana } = await world(t, { on_expiry: "keep" });
    const made = await propose(bot, { deadline: "1s" });
    assert.equal(Date.parse(made.hold.deadline_at) - Date.parse(made.created_at), 1000);
    await act(ana, made, "claim");
    const expired = await read(bot, made, "60s");
    assert.deepEqual([expired.status, expired.decision], ["expired", null]);
    expectProblem(await decide(ana, made, "approve"), 409, "already-decided");
  });

  test("a deadline during the undo time: it is not released", async (t) => {
    const { bot, ana } = await world(t, { undo: "60s" });
    const made = await propose(bot, { deadline: "2s" });
    await decided(ana, made);
    const expired = await read(bot, made, "60s");
    assert.deepEqual([expired.status, expired.decision, expired.permit], ["expired", null, null]);
  });

  test("a deadline ends what was returned as well", async (t) => {
    const { bot, ana } = await world(t, {});
    const happened = await listen(t, ana);
    const made = await propose(bot, { deadline: "2s" });
    await decided(ana, made, "return");
    await happened("proposal.expired", made);
    expectProblem(await act(bot, made, "revise", { brief: {} }), 409, "already-decided");
  });

  test("what fell due while the server was down is done when it is back", async (t) => {
    const { server, bot, ana } = await world(t, { undo: "1s" });
    const made = await propose(bot, { deadline: "1s" });
    const undo = await propose(bot);
    await decided(ana, undo);
    await server.kill();
    await server.start();
    assert.equal((await read(bot, undo, "60s")).status, "approved");
    assert.equal((await read(bot, made, "60s")).status, "expired");
  });
});
