// SPDX-License-Identifier: Apache-2.0
/*
 * Rules, budgets, domains and warm-up over HTTP: what an agent and a reviewer read of them.
 */
import assert from "node:assert/strict";
import test from "node:test";

import { startServer } from "./server.mjs";
import { act, decide, decided, expectProblem, policyText, propose, read, refund, startWorld } from "./world.mjs";

const RULES = `lexicons:
  dispute: [chargeback, "billing dispute"]
recipients: [shop.example]
rules:
  - id: money-out
    when: '"money" in action.effects && args.amount > 50.0'
    then: review
    because: "Refunds above 50 are reviewed"
    mode: read
  - {id: large, when: 'args.?amount.orValue(0.0) > 500.0', then: review, queue: leads, respond_within: 15m}
  - {id: disputes, when: 'mentions(brief.request, "dispute")', then: block}
  - {id: injected, when: 'unsourced(args, brief.request)', then: review, because: "It goes where nobody asked for"}
`;

const sources = ({ assessment }) => assessment.reasons.map(({ source, rule }) => (rule ? `${source} ${rule}` : source));

test("reasons carry the rule, its text and the values that made it match", async (t) => {
  const { bot, ana } = await startWorld(t, { people: ["ana"], policy: policyText({ extra: RULES }) });
  const small = await propose(bot, { arguments: refund({ amount: 20 }) });
  assert.deepEqual(sources(small), ["catalogue", "autonomy"]);
  const large = await propose(bot, { arguments: refund({ amount: 74.5 }) });
  assert.equal(large.assessment.verdict, "review");
  assert.deepEqual(large.assessment.reasons[1], {
    source: "rule",
    rule: "money-out",
    verdict: "review",
    text: "Refunds above 50 are reviewed",
    values: [
      { expression: "action.effects", value: ["account", "money"] },
      { expression: "args.amount", value: 74.5 },
    ],
  });
  assert.equal(large.hold.mode, "read");
  expectProblem(await decide(ana, large, "approve"), 409, "claim-first");
});

test("the shortest response time names the queue", async (t) => {
  const { bot, lea } = await startWorld(t, { people: ["lea"], policy: policyText({ extra: RULES }) });
  const huge = await propose(bot, { arguments: refund({ amount: 900 }) });
  assert.deepEqual(sources(huge), ["catalogue", "rule money-out", "rule large"]);
  assert.equal(huge.hold.queue, "leads");
  assert.equal(Date.parse(huge.hold.due_at) - Date.parse(huge.created_at), 15 * 60_000);
  assert.equal((await lea.get("/v1/inbox")).body.items[0].id, huge.id);
});

test("words and recipients", async (t) => {
  const { bot } = await startWorld(t, { policy: policyText({ extra: RULES }) });
  const ask = (request, args) => propose(bot, { action: "ticket.tag", arguments: args, brief: { request } });
  assert.equal((await ask("I will ask for a CHARGE­BACK!", {})).status, "blocked");
  assert.equal((await ask("Tag it", { note: "support@shop.example" })).status, "approved");
  assert.equal((await ask("Tell bob@x.example", { to: "Bob@X.example" })).status, "approved");
  const injected = await ask("Tell bob@x.example", { to: ["bob@x.example", "eve@evil.example"] });
  const reason = injected.assessment.reasons.at(-1);
  assert.equal(reason.pointer, "/arguments/to/1");
  assert.deepEqual(reason.values[0], { expression: "args/to/1", value: "eve@evil.example" });
});

test("of 200 parallel proposals on a budget for 10, exactly 10 pass", async (t) => {
  const budgets = "budgets: [{id: tags, count: true, per: all, window: 1h, limit: 10, then: review}]\n";
  const { server, bot, other, ana } = await startWorld(t, {
    people: ["ana"],
    agents: ["bot", "other"],
    policy: policyText({ extra: budgets }),
  });
  const made = await Promise.all(
    Array.from({ length: 200 }, (_, i) =>
      propose(i % 2 ? bot : other, { action: "ticket.tag", arguments: { i } }, i % 3 ? {} : { key: `k${i}` }),
    ),
  );
  assert.equal(made.filter(({ status }) => status === "approved").length, 10);
  const [held] = made.filter(({ status }) => status === "pending");
  assert.deepEqual(held.assessment.reasons.at(-1).values.slice(0, 3).map(({ expression }) => expression), [
    "used",
    "this",
    "limit",
  ]);
  await server.restart({ hard: true });
  const again = await server.key("bot", bot.id);
  assert.equal((await propose(again, { action: "ticket.tag", arguments: {} })).status, "pending");
  assert.ok(ana);
});

test("an allowed action is reviewed until people have approved some uses", async (t) => {
  const { bot, ana } = await startWorld(t, { people: ["ana"], policy: policyText({ defaults: { warm_up: 2 } }) });
  for (let i = 0; i < 2; i++) {
    const proposal = await propose(bot, { action: "ticket.tag", arguments: { i } });
    assert.deepEqual(sources(proposal), ["catalogue", "warm_up"]);
    await decided(ana, proposal);
  }
  // One in a hundred is picked by a coin: it takes a while, but a thousandth of a billionth not 3,000.
  let picked;
  for (let i = 0; i < 30 && !picked; i++) {
    const made = await Promise.all(
      Array.from({ length: 100 }, (_, k) => propose(bot, { action: "ticket.tag", arguments: { i, k } })),
    );
    picked = made.find(({ status }) => status === "pending");
  }
  const reason = picked.assessment.reasons[1];
  assert.deepEqual(sources(picked), ["catalogue", "autonomy"], "agents do not see the coin");
  assert.equal(reason.text, "Reviewed until this agent has earned autonomy");
  assert.deepEqual(sources(await read(bot, picked)), ["catalogue", "autonomy"]);
  assert.deepEqual(sources(await read(ana, picked)), ["catalogue", "spot_check"]);
});

test("domains: outside the list, and never approved together", async (t) => {
  const policy = policyText({
    actions: "  parcel.send: {then: allow, domain: shipping}\n  bill.read: {then: allow, domain: billing}",
    extra: "agents: {bot: {domains: [billing, shipping]}}\n",
  });
  const { bot, ana } = await startWorld(t, { people: ["ana"], policy });
  const one = await propose(bot, { action: "bill.read", arguments: {}, session: "s" });
  assert.equal(one.status, "approved");
  const two = await propose(bot, { action: "parcel.send", arguments: {}, session: "s" });
  assert.deepEqual(sources(two), ["catalogue", "novelty"]);
  await decided(ana, two);
  assert.equal((await propose(bot, { action: "parcel.send", arguments: { again: 1 }, session: "s" })).status, "approved");
  const outside = await propose(bot, { action: "bill.read", arguments: {}, domains: ["legal"] });
  assert.deepEqual(sources(outside), ["catalogue", "rule", "novelty"]);
});

test("an edit is assessed by the rules, too: it stays pending for whom they ask for", async (t) => {
  const { bot, ana, lea } = await startWorld(t, { people: ["ana", "lea"], policy: policyText({ extra: RULES }) });
  const small = await propose(bot, { arguments: refund({ amount: 20 }) });
  const edit = (amount) =>
    decide(ana, small, "modify", { arguments: { ...small.arguments, amount }, reason: "They paid more" });
  const read60 = await edit(60);
  assert.equal(read60.status, 200, read60.text);
  assert.deepEqual(
    [read60.body.status, read60.body.decision, read60.body.hold.mode, read60.body.hold.queue],
    ["pending", null, "read", "general"],
  );
  expectProblem(await edit(60), 409, "claim-first");
  const other = await propose(bot, { arguments: refund({ amount: 20 }) });
  const answer = await decided(ana, other, "modify", {
    arguments: { ...other.arguments, amount: 900 },
    reason: "They paid more",
  });
  assert.deepEqual(
    [answer.status, answer.decision, answer.hold.queue, answer.hold.phase, answer.digest],
    ["pending", null, "leads", "waiting", other.digest],
  );
  const { edit: offered, ...seen } = await read(lea, other);
  assert.deepEqual(offered, {
    by: { id: ana.id, name: "ana" },
    arguments: { ...other.arguments, amount: 900 },
    changed: [{ from: 20, pointer: "/amount", to: 900 }],
    reason: "They paid more",
  });
  assert.deepEqual(sources(seen), ["catalogue", "autonomy", "rule money-out", "rule large"]);
  assert.ok(seen.assessment.reasons.slice(2).every(({ edited, text }) => edited && text.startsWith("With a reviewer's edit: ")));
  assert.equal(seen.timeline.at(-1).type, "proposal.tightened");
  assert.deepEqual(seen.timeline.at(-1).by.name, "ana");
  const agents = await read(bot, other);
  assert.deepEqual([sources(agents), agents.assessment.verdict, agents.edit], [["catalogue", "autonomy"], "earn", undefined]);
  assert.equal((await ana.get(`/v1/proposals/${other.id}`)).status, 404, "it is not hers any more");
  assert.equal((await act(lea, other, "claim")).status, 200);
});

test("a batch of decisions is assessed one by one", async (t) => {
  const budgets = "budgets: [{id: day, sum: args.amount, per: all, window: 24h, limit: 100, then: block}]\n";
  const extra = `rules: [{id: large, when: 'args.amount > 50.0', then: review, queue: leads}]\n${budgets}`;
  const { bot, ana } = await startWorld(t, { people: ["ana"], policy: policyText({ extra }) });
  const made = [];
  for (const amount of [10, 20, 30]) {
    made.push(await propose(bot, { arguments: refund({ amount }) }));
  }
  const items = [5000, 60, 40].map((amount, i) => ({
    proposal: made[i].id,
    verdict: "modify",
    digest: made[i].digest,
    arguments: { ...made[i].arguments, amount },
  }));
  const { body } = await ana.post("/v1/decisions/batch", { items });
  assert.deepEqual(
    body.items.map(({ status, body: { status: of } }) => [status, of]),
    [[422, 422], [200, "pending"], [200, "approved"]],
  );
  assert.match(body.items[0].body.detail, /the budget day/);
});

test("of 200 parallel edits on a budget for 10, exactly 10 stand", async (t) => {
  const budgets = `budgets:
  - {id: day, when: 'args.amount > 1.0', sum: args.amount, per: all, window: 24h, limit: 50, then: block}
`;
  const policy = policyText({ extra: budgets });
  const { bot, ana, ben } = await startWorld(t, { people: ["ana", "ben"], policy });
  const made = await Promise.all(
    Array.from({ length: 200 }, () => propose(bot, { arguments: refund({ amount: 1 }) })),
  );
  const answers = await Promise.all(
    made.map((proposal, i) =>
      decide(i % 2 ? ana : ben, proposal, "modify", { arguments: { ...proposal.arguments, amount: 5 } }),
    ),
  );
  assert.equal(answers.filter(({ status }) => status === 200).length, 10);
  assert.equal(answers.filter(({ status }) => status === 422).length, 190);
});

test("an expression with a mistake stops the start at its place", async (t) => {
  const bad = policyText({ extra: "rules:\n  - id: a\n    then: block\n    when: |\n      true &&\n      agnt.name == 'x'\n" });
  const line = bad.split("\n").findIndex((text) => text.includes("agnt")) + 1;
  await assert.rejects(startServer(t, { policy: bad }), (error) => {
    assert.match(error.message, new RegExp(`policy\\.yaml:${line}:7: when: there is no agnt here; did you mean agent\\?`));
    assert.match(error.message, / \| {1,}\^/);
    return true;
  });
  assert.ok(act);
});
