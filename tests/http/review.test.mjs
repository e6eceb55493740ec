// SPDX-License-Identifier: Apache-2.0
/*
 * What people do: the inbox, claims, decisions in both modes, modifications, returns and revisions,
 * notes. What the clock does stands in time.test.mjs.
 */
import assert from "node:assert/strict";
import test, { after } from "node:test";

import { act, decide, decided, expectProblem, policyText, propose, read, refund, startWorld } from "./world.mjs";

const world = await startWorld({ after }, { people: ["ana", "ben", "lea"], agents: ["bot", "other"] });
const { bot, other, ana, ben, lea } = world;
const OTHER_DIGEST = `sha256:${"0".repeat(64)}`;

/* --- decisions ---------------------------------------------------------------------------------------- */

const DECISIONS = [
  ["approve", {}, "approved"],
  ["modify", { arguments: { order_id: "M", amount: 5, currency: "EUR" }, reason: "Less" }, "approved"],
  ["reject", { reason: "No.", reason_code: "wrong_amount" }, "rejected"],
  ["return", { reason: "When?" }, "returned"],
];
for (const [verdict, members, status] of DECISIONS) {
  test(`${verdict}: what the person, the agent and everybody later reads`, async () => {
    const made = await propose(bot);
    const answer = await decided(ana, made, verdict, members);
    const seen = await read(bot, made);
    assert.deepEqual([answer.status, seen.status, answer.hold, seen.hold], [status, status, null, null]);
    const { decision } = seen;
    assert.deepEqual(answer.decision, decision);
    assert.deepEqual(decision.by, { kind: "reviewer", id: ana.id, name: "ana" });
    assert.equal(decision.verdict, verdict);
    assert.equal(decision.via, "page");
    assert.deepEqual(decision.arguments, members.arguments ?? made.arguments);
    assert.equal(decision.reason, members.reason ?? null);
    assert.equal(decision.reason_code, members.reason_code ?? null);
    assert.equal(decision.severity, verdict === "modify" ? "material" : null);
    assert.deepEqual(seen.arguments, made.arguments, "what was proposed stays as it was");
    assert.equal(typeof seen.permit, status === "approved" ? "string" : "object");
    assert.equal(seen.approval_expires_at !== null, status === "approved");
    assert.ok(Date.parse(seen.updated_at) >= Date.parse(made.updated_at));
    assert.ok(decision.log.index > 0);
    assert.deepEqual((await read(ana, made)).decision, decision);
  });
}

test("modify lists what it changed, by pointer", async () => {
  const made = await propose(bot, {
    action: "note.write",
    arguments: { a: 1, b: { c: [1, 2] }, gone: true, same: "x" },
  });
  const { decision } = await decided(ana, made, "modify", {
    arguments: { a: 2, b: { c: [1, 3] }, same: "x", fresh: null },
    severity: "minor",
  });
  assert.deepEqual(
    decision.changed.map(({ pointer, from, to }) => [pointer, from, to]),
    [
      ["/a", 1, 2],
      ["/b/c/1", 2, 3],
      ["/fresh", null, null],
      ["/gone", true, null],
    ],
  );
  assert.equal(decision.severity, "minor");
});

/* Each row: name, members that differ from an approval, [status, error, pointer]. */
const BAD_DECISIONS = [
  ["no verdict", { verdict: undefined }, 422, "invalid-argument", "/verdict"],
  ["an unknown verdict", { verdict: "allow" }, 422, "invalid-argument", "/verdict"],
  ["no digest", { digest: undefined }, 422, "invalid-argument", "/digest"],
  ["a digest that is none", { digest: "sha256:00" }, 422, "invalid-argument", "/digest"],
  ["a digest without its prefix", { digest: "0".repeat(64) }, 422, "invalid-argument", "/digest"],
  ["another digest", { digest: OTHER_DIGEST }, 409, "digest-mismatch"],
  ["approve with arguments", { arguments: {} }, 422, "invalid-argument", "/arguments"],
  ["modify without arguments", { verdict: "modify" }, 422, "invalid-argument", "/arguments"],
  ["modify to a list", { verdict: "modify", arguments: [] }, 422, "invalid-argument", "/arguments"],
  [
    "modify to more than 256 KiB",
    { verdict: "modify", arguments: { a: "x".repeat(256 * 1024) } },
    413,
    "too-large",
    "/arguments",
  ],
  ["approve with a severity", { severity: "minor" }, 422, "invalid-argument", "/severity"],
  [
    "an unknown severity",
    { verdict: "modify", arguments: {}, severity: "small" },
    422,
    "invalid-argument",
    "/severity",
  ],
  [
    "minor for a critical member",
    { verdict: "modify", arguments: refund({ amount: 1 }), severity: "minor" },
    422,
    "invalid-argument",
    "/severity",
  ],
  [
    "minor for a critical member that is taken away",
    { verdict: "modify", arguments: {}, severity: "minor" },
    422,
    "invalid-argument",
    "/severity",
  ],
  ["reject without a reason", { verdict: "reject" }, 422, "invalid-argument", "/reason"],
  ["reject with an empty reason", { verdict: "reject", reason: "" }, 422, "invalid-argument", "/reason"],
  ["reject with a blank reason", { verdict: "reject", reason: " \t\n" }, 422, "invalid-argument", "/reason"],
  ["return with a blank question", { verdict: "return", reason: "\n\u00a0" }, 422, "invalid-argument", "/reason"],
  ["reject with hidden characters", { verdict: "reject", reason: "\u200b\ufeff" }, 422, "invalid-argument", "/reason"],
  ["return without a question", { verdict: "return" }, 422, "invalid-argument", "/reason"],
  ["a reason of more than 8 KiB", { verdict: "reject", reason: "x".repeat(8 * 1024 + 1) }, 413, "too-large", "/reason"],
  [
    "a code that the policy does not have",
    { verdict: "reject", reason: "R", reason_code: "mood" },
    422,
    "invalid-argument",
    "/reason_code",
  ],
  ["who decides (A19)", { decided_by: "lea" }, 422, "unknown-member", "/decided_by"],
  ["a name of an approver (A19)", { approver_name: "lea" }, 422, "unknown-member", "/approver_name"],
];
for (const [name, members, status, error, pointer] of BAD_DECISIONS) {
  test(`refused: ${name}`, async () => {
    const made = await propose(bot);
    expectProblem(await decide(ana, made, "approve", members), status, error, pointer);
    const seen = await read(ana, made);
    assert.deepEqual([seen.status, seen.decision, seen.hold.phase], ["pending", null, "waiting"]);
  });
}

test("modify to what was proposed is refused, and does not count as an error", async () => {
  const made = await propose(bot);
  const errors = async () =>
    (await ana.get("/v1/categories")).body.items
      .filter(({ agent, category }) => agent.name === "bot" && category === made.category)
      .map((each) => each.errors);
  const before = await errors();
  for (const given of [made.arguments, JSON.parse(JSON.stringify(made.arguments).replace("74.5", "74.50"))]) {
    const problem = expectProblem(
      await decide(ana, made, "modify", { arguments: given }),
      422,
      "invalid-argument",
      "/arguments",
    );
    assert.match(problem.errors[0].message, /nothing is changed: approve, or change something/);
  }
  assert.deepEqual([(await read(ana, made)).decision, await errors()], [null, before]);
});

test("another digest: the answer has the current one", async () => {
  const made = await propose(bot);
  const problem = expectProblem(await decide(ana, made, "approve", { digest: OTHER_DIGEST }), 409, "digest-mismatch");
  assert.deepEqual([problem.digest, problem.revision], [made.digest, 1]);
});

test("one that is decided: the answer has the decision that stands", async () => {
  const made = await propose(bot);
  const { decision } = await decided(ana, made, "reject");
  const problem = expectProblem(await decide(ben, made, "approve"), 409, "already-decided");
  assert.deepEqual(problem.decision, decision, "to the last member: the arguments too");
  assert.deepEqual(decision.arguments, made.arguments);
  assert.deepEqual(problem.ended_by, { kind: "reviewer", id: ana.id, name: "ana" });
  assert.equal(problem.ended_at, decision.at);
  assert.equal(problem.proposal_status, "rejected");
});

test("one that the agent withdrew: the answer says who ended it", async () => {
  const made = await propose(bot);
  await act(bot, made, "withdraw");
  const problem = expectProblem(await decide(ben, made, "approve"), 409, "already-decided");
  assert.deepEqual([problem.decision, problem.proposal_status], [null, "withdrawn"]);
  assert.deepEqual(problem.ended_by, { kind: "agent", id: bot.id, name: "bot" });
});

test("one that the policy blocked cannot be decided", async () => {
  const made = await propose(bot, { action: "customer.export" });
  const problem = expectProblem(await decide(lea, made, "approve"), 403, "not-qualified");
  assert.match(problem.detail, /queue/);
});

test("two who decide at once: one wins, the other is told so", async () => {
  for (let round = 0; round < 10; round += 1) {
    const made = await propose(bot);
    const answers = await Promise.all([decide(ana, made, "approve"), decide(ben, made, "reject")]);
    const statuses = answers.map(({ status }) => status).sort();
    assert.deepEqual(statuses, [200, 409]);
    const [winner, loser] = answers[0].status === 200 ? answers : answers.reverse();
    assert.equal(loser.body.decision.id, winner.body.decision.id);
    assert.equal((await read(bot, made)).decision.id, winner.body.decision.id);
  }
});

test("not routed: 403 not-qualified with the queue", async () => {
  const made = await propose(bot);
  const problem = expectProblem(await decide(lea, made, "approve"), 403, "not-qualified");
  assert.match(problem.detail, /general/);
  for (const verb of ["claim", "unclaim", "undo"]) {
    expectProblem(await act(lea, made, verb), 403, "not-qualified");
  }
});

test("not to be seen: 404", async () => {
  const made = await propose(bot, { action: "contract.sign" });
  for (const answer of [
    await decide(ana, made, "approve"),
    await act(ana, made, "claim"),
    await act(ana, made, "unclaim"),
    await act(ana, made, "undo"),
    await act(ana, made, "comment", { text: "x" }),
  ]) {
    expectProblem(answer, 404, "not-found");
  }
});

test("a token decides only where the policy says so, and the decision says that it was one", async (t) => {
  const token = await world.server.token("ben");
  const { decision } = await decided(token, await propose(bot));
  assert.deepEqual([decision.via, decision.by.name], ["token", "ben"]);
  const strict = await startWorld(t, { policy: policyText({ defaults: { decide_by: "[page]" } }) });
  const hers = await strict.server.token("ana");
  const made = await propose(strict.bot);
  const problem = expectProblem(await decide(hers, made, "approve"), 403, "forbidden");
  assert.match(problem.detail, /token/);
  assert.equal((await act(hers, made, "claim")).status, 200, "a claim decides nothing");
  await decided(strict.ana, made);
});

/* --- claims -------------------------------------------------------------------------------------------- */

test("a claim holds ten minutes, for one person", async () => {
  const made = await propose(bot);
  const claimed = (await act(ana, made, "claim")).body;
  assert.equal(claimed.hold.phase, "claimed");
  assert.deepEqual([claimed.hold.claimed_by.id, claimed.hold.claimed_by.name], [ana.id, "ana"]);
  const left = Date.parse(claimed.hold.claimed_by.until) - Date.now();
  assert.ok(left > 590_000 && left <= 600_000, `${left} ms`);
  const problem = expectProblem(await act(ben, made, "claim"), 409, "claimed");
  assert.deepEqual(problem.claimed_by, { id: ana.id, name: "ana", until: claimed.hold.claimed_by.until });
  expectProblem(await decide(ben, made, "approve"), 409, "claimed");
  expectProblem(await act(ben, made, "unclaim"), 409, "claimed");
  assert.equal((await read(bot, made)).hold.claimed_by, null, "agents do not read who works on it");
  await decided(ana, made);
});

test("claiming again renews it", async () => {
  const made = await propose(bot);
  const first = (await act(ana, made, "claim")).body.hold.claimed_by;
  await read(bot, made, "1s");
  const second = (await act(ana, made, "claim")).body.hold.claimed_by;
  assert.ok(Date.parse(second.until) > Date.parse(first.until));
  const { timeline } = await read(ana, made);
  assert.equal(timeline.filter(({ type }) => type === "proposal.claimed").length, 1, "a renewal is no event");
});

test("a claim that is given back may be taken by another", async () => {
  const made = await propose(bot);
  await act(ana, made, "claim");
  const given = (await act(ana, made, "unclaim")).body;
  assert.deepEqual([given.hold.phase, given.hold.claimed_by], ["waiting", null]);
  assert.equal((await act(ana, made, "unclaim")).status, 200, "again: there is nothing to give back");
  assert.equal((await act(ben, made, "claim")).status, 200);
});

test("claims of what is decided: 409 already-decided", async () => {
  const made = await propose(bot);
  await decided(ana, made);
  expectProblem(await act(ana, made, "claim"), 409, "already-decided");
  expectProblem(await act(ana, made, "unclaim"), 409, "already-decided");
});

test("two who claim at once: one gets it", async () => {
  for (let round = 0; round < 10; round += 1) {
    const made = await propose(bot);
    const answers = await Promise.all([act(ana, made, "claim"), act(ben, made, "claim")]);
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409]);
  }
});

test("calls without members refuse any", async () => {
  const made = await propose(bot);
  for (const [who, verb] of [
    [ana, "claim"],
    [ana, "unclaim"],
    [ana, "undo"],
    [bot, "withdraw"],
  ]) {
    expectProblem(await act(who, made, verb, { force: true }), 422, "unknown-member", "/force");
  }
});

test("and take no body at all", async () => {
  const made = await propose(bot);
  assert.equal((await ana.request("POST", `/v1/proposals/${made.id}/claim`)).status, 200);
  assert.equal((await ana.request("POST", `/v1/proposals/${made.id}/unclaim`)).status, 200);
  assert.equal((await bot.request("POST", `/v1/proposals/${made.id}/withdraw`)).status, 200);
});

/* --- the mode `read` ------------------------------------------------------------------------------------ */

test("mode read: claim first, then read for two seconds, then decide", async (t) => {
  const reading = await startWorld(t, { people: ["ana", "ben"], policy: policyText({ defaults: { mode: "read" } }) });
  const made = await propose(reading.bot);
  assert.equal(made.hold.mode, "read");
  for (const [verdict, members] of DECISIONS) {
    expectProblem(await decide(reading.ana, made, verdict, members), 409, "claim-first");
  }
  await act(reading.ana, made, "claim");
  const answer = await decide(reading.ana, made, "approve");
  expectProblem(answer, 409, "too-fast");
  assert.ok(["1", "2"].includes(answer.headers["retry-after"]), answer.headers["retry-after"]);
  expectProblem(await decide(reading.ben, made, "approve"), 409, "claimed");
  await act(reading.ana, made, "claim");
  expectProblem(await decide(reading.ana, made, "approve"), 409, "too-fast"); // renewing does not end them
  await read(reading.bot, made, "2s");
  await act(reading.ana, made, "claim"); // nor does it start them again
  await decided(reading.ana, made);
});

test("mode read: a claim given back and taken again starts the two seconds again", async (t) => {
  const reading = await startWorld(t, { policy: policyText({ defaults: { mode: "read" } }) });
  const made = await propose(reading.bot);
  await act(reading.ana, made, "claim");
  await read(reading.bot, made, "2s");
  await act(reading.ana, made, "unclaim");
  expectProblem(await decide(reading.ana, made, "approve"), 409, "claim-first");
  await act(reading.ana, made, "claim");
  expectProblem(await decide(reading.ana, made, "approve"), 409, "too-fast");
});

/* --- return and revise ----------------------------------------------------------------------------------- */

test("return, revise, approve: the same reviewer has it first, under a new digest", async () => {
  const made = await propose(bot, {
    arguments: { order_id: "V1", amount: 50, currency: "EUR" },
    brief: { summary: "First" },
    session: "s1",
  });
  await decided(ana, made, "return", { reason: "Which photo?" });
  const asked = await read(bot, made);
  assert.deepEqual([asked.status, asked.decision.reason, asked.permit], ["returned", "Which photo?", null]);
  const answer = await act(bot, made, "revise", {
    arguments: { order_id: "V1", amount: 40, currency: "EUR" },
    brief: { summary: "Second" },
  });
  const revised = answer.body;
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual([revised.id, revised.status, revised.revision], [made.id, "pending", 2]);
  assert.deepEqual([revised.arguments.amount, revised.brief.summary, revised.session], [40, "Second", "s1"]);
  assert.notEqual(revised.digest, made.digest);
  assert.equal(revised.decision, null);
  const seen = await read(ana, made);
  assert.deepEqual([seen.hold.phase, seen.hold.claimed_by.name], ["claimed", "ana"]);
  expectProblem(await decide(ben, revised, "approve"), 409, "claimed");
  const problem = expectProblem(await decide(ana, made, "approve"), 409, "digest-mismatch");
  assert.deepEqual([problem.digest, problem.revision], [revised.digest, 2]);
  const { decision } = await decided(ana, revised);
  assert.equal(decision.arguments.amount, 40);
  const types = (await read(ana, made)).timeline.map(({ type }) => type);
  assert.deepEqual(
    types.filter((type) => type !== "proposal.claimed"),
    ["proposal.held", "proposal.decided", "proposal.revised", "proposal.decided"],
  );
});

test("revise: members that are not given stay", async () => {
  const made = await propose(bot, {
    arguments: { order_id: "V2", amount: 50 },
    brief: { summary: "First", request: "R" },
  });
  await decided(ana, made, "return");
  const revised = (await act(bot, made, "revise", { brief: { summary: "Second" } })).body;
  assert.deepEqual(revised.arguments, made.arguments);
  assert.equal(revised.arguments_digest, made.arguments_digest);
  assert.deepEqual(revised.brief, { summary: "Second" });
});

const BAD_REVISIONS = [
  ["nothing", {}, 422, "invalid-argument"],
  ["another action", { action: "ticket.tag" }, 422, "unknown-member", "/action"],
  ["arguments that are a list", { arguments: [] }, 422, "invalid-argument", "/arguments"],
  ["a typo in the brief", { brief: { sumary: "x" } }, 422, "unknown-member", "/brief/sumary"],
];
for (const [name, body, status, error, pointer] of BAD_REVISIONS) {
  test(`refused as a revision: ${name}`, async () => {
    const made = await propose(bot);
    await decided(ana, made, "return");
    expectProblem(await act(bot, made, "revise", body), status, error, pointer);
    assert.equal((await read(bot, made)).status, "returned");
  });
}

test("a revision must have the brief that the policy requires", async () => {
  const brief = { request: "R", reasoning: "R", evidence: [{ title: "1" }, { title: "2" }], options: [{ title: "O" }] };
  const made = await propose(bot, { action: "letter.send", brief });
  await decided(ana, made, "return");
  expectProblem(
    await act(bot, made, "revise", { brief: { request: "R" } }),
    422,
    "brief-incomplete",
    "/brief/reasoning",
  );
});

test("only what was returned is revised, and only by its agent", async () => {
  const made = await propose(bot);
  expectProblem(await act(bot, made, "revise", { brief: {} }), 409, "not-returned");
  expectProblem(await act(other, made, "revise", { brief: {} }), 404, "not-found");
  await decided(ana, made);
  expectProblem(await act(bot, made, "revise", { brief: {} }), 409, "already-decided");
});

test("what was returned may be withdrawn, and superseded", async () => {
  const made = await propose(bot);
  await decided(ana, made, "return");
  assert.equal((await act(bot, made, "withdraw")).body.status, "withdrawn");
  const again = await propose(bot);
  await decided(ana, again, "return");
  await propose(bot, { supersedes: again.id });
  assert.equal((await read(bot, again)).status, "withdrawn");
});

/* --- withdraw and notes ----------------------------------------------------------------------------------- */

test("withdraw: once, by its agent, while nobody has decided", async () => {
  const made = await propose(bot);
  expectProblem(await act(other, made, "withdraw"), 404, "not-found");
  await act(ana, made, "claim");
  const gone = (await act(bot, made, "withdraw")).body;
  assert.deepEqual([gone.status, gone.hold, gone.decision], ["withdrawn", null, null]);
  expectProblem(await act(bot, made, "withdraw"), 409, "already-decided");
  const done = await propose(bot);
  await decided(ana, done);
  const problem = expectProblem(await act(bot, done, "withdraw"), 409, "already-decided");
  assert.equal(problem.decision.by.name, "ana");
});

test("notes are for people, in order, also afterwards", async () => {
  const made = await propose(bot);
  const answer = await act(ana, made, "comment", { text: "One.\n\u202eTwo" });
  assert.equal(answer.status, 201);
  assert.deepEqual([answer.body.by, answer.body.text], [{ id: ana.id, name: "ana" }, "One.\n\u202eTwo"]);
  await decided(ana, made);
  await act(ben, made, "comment", { text: "Three" });
  const { comments } = await read(ben, made);
  assert.deepEqual(
    comments.map(({ by, text }) => [by.name, text]),
    [
      ["ana", "One.\n\u202eTwo"],
      ["ben", "Three"],
    ],
  );
  assert.deepEqual(comments[0], answer.body);
  assert.doesNotMatch(JSON.stringify(await read(bot, made)), /Three/);
});

const BAD_NOTES = [
  ["no text", {}, 422, "invalid-argument", "/text"],
  ["an empty text", { text: "" }, 422, "invalid-argument", "/text"],
  ["a blank text", { text: "  \u200b" }, 422, "invalid-argument", "/text"],
  ["more than 8 KiB", { text: "x".repeat(8 * 1024 + 1) }, 413, "too-large", "/text"],
  ["an author", { text: "x", by: "lea" }, 422, "unknown-member", "/by"],
];
for (const [name, body, status, error, pointer] of BAD_NOTES) {
  test(`refused as a note: ${name}`, async () => {
    const made = await propose(bot);
    expectProblem(await act(ana, made, "comment", body), status, error, pointer);
    assert.deepEqual((await read(ana, made)).comments, []);
  });
}

test("at the limit: a note of 8 KiB", async () => {
  const made = await propose(bot);
  assert.equal((await act(ana, made, "comment", { text: "x".repeat(8 * 1024) })).status, 201);
});

/* --- the inbox ------------------------------------------------------------------------------------------- */

test("the inbox: the most urgent first, what the caller may decide, and the counts", async (t) => {
  const inboxes = await startWorld(t, { people: ["ana", "ben", "lea"], agents: ["bot"] });
  const both = await inboxes.server.person("eva", ["reviewer", "lead"]);
  const made = [];
  for (let i = 0; i < 5; i += 1) {
    const brief = i === 0 ? { summary: "S", recommendation: "R", confidence: 0.5 } : undefined;
    made.push(await propose(inboxes.bot, { action: i === 3 ? "contract.sign" : "refund.issue", brief }));
  }
  const list = async (who, query = "") => {
    const answer = await who.get(`/v1/inbox${query}`);
    assert.equal(answer.status, 200, answer.text.slice(0, 500));
    return answer.body;
  };
  const numbers = ({ items }) => items.map(({ id }) => made.findIndex((each) => each.id === id));

  await t.test("each sees the queues of theirs", async () => {
    assert.deepEqual(numbers(await list(inboxes.ana)), [0, 1, 2, 4]);
    assert.deepEqual(numbers(await list(inboxes.lea)), [3]);
    assert.deepEqual(numbers(await list(both)), [0, 1, 2, 3, 4]);
  });
  await t.test("an item has what a row needs", async () => {
    const [item] = (await list(inboxes.ana)).items;
    assert.equal(item.title, `Refund 74.5 USD for order ${made[0].arguments.order_id}`);
    assert.deepEqual([item.summary, item.recommendation, item.confidence, item.reversible], ["S", "R", 0.5, false]);
    assert.deepEqual(item.effects, ["account", "money"]);
    assert.deepEqual([item.digest, item.revision, item.hold.position], [made[0].digest, 1, 1]);
  });
  await t.test("the newest first", async () => {
    assert.deepEqual(numbers(await list(inboxes.ana, "?sort=new")), [4, 2, 1, 0]);
  });
  await t.test("one queue", async () => {
    assert.deepEqual(numbers(await list(both, "?queue=leads")), [3]);
    assert.deepEqual(numbers(await list(inboxes.ana, "?queue=leads")), []);
    assert.deepEqual(numbers(await list(inboxes.ana, "?queue=nowhere")), []);
  });
  await t.test("mine", async () => {
    await act(inboxes.ana, made[2], "claim");
    assert.deepEqual(numbers(await list(inboxes.ana, "?mine=1")), [2]);
    assert.deepEqual(numbers(await list(inboxes.ben, "?mine=1")), []);
    assert.deepEqual((await list(inboxes.ana)).counts, { pending: 4, mine: 1, escalated: 0 });
    assert.deepEqual(numbers(await list(inboxes.ben)), [0, 1, 2, 4], "what others have claimed is shown");
  });
  for (const sort of ["due", "new"]) {
    for (const limit of [1, 2, 3, 5]) {
      await t.test(`pages of ${limit}, ${sort} first`, async () => {
        const seen = [];
        for (let cursor = ""; cursor !== null;) {
          const page = await list(
            both,
            `?sort=${sort}&limit=${limit}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
          );
          assert.ok(page.items.length > 0 && page.items.length <= limit);
          seen.push(...numbers(page));
          cursor = page.next_cursor;
        }
        assert.deepEqual(seen, sort === "due" ? [0, 1, 2, 3, 4] : [4, 3, 2, 1, 0]);
      });
    }
  }
  await t.test("what is decided leaves it", async () => {
    await decided(inboxes.ana, made[0]);
    await act(inboxes.bot, made[1], "withdraw");
    assert.deepEqual(numbers(await list(inboxes.ana)), [2, 4]);
    assert.equal((await read(inboxes.bot, made[2])).hold.position, 1);
  });
  for (const [query, error, pointer] of [
    ["sort=old", "invalid-argument", "/sort"],
    ["limit=201", "invalid-argument", "/limit"],
    ["cursor=x", "invalid-argument", "/cursor"],
    ["who=me", "unknown-member", "/who"],
    ["mine=yes", "invalid-argument", "/mine"],
  ]) {
    await t.test(`${query} is refused`, async () => {
      expectProblem(await inboxes.ana.get(`/v1/inbox?${query}`), 422, error, pointer);
    });
  }
});
