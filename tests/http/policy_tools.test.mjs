// SPDX-License-Identifier: Apache-2.0
/*
 * The tools around a policy: checking a text with its tests, replaying the past, a shadow beside the policy
 * in force, which actions it speaks of, and what people had to correct.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { fermata } from "./server.mjs";
import { act, decide, expectProblem, policyText, propose, startWorld } from "./world.mjs";

const LOOSER = policyText({
  defaults: { respond_within: "1h" },
  extra: `rules:
  - {id: large, when: 'has(args.amount) && args.amount > 100.0', then: review, queue: leads}
  - {id: never, when: 'has(args.amount) && args.amount > 100000.0', then: block}
`,
}).replace("refund.issue:\n    then: earn", "refund.issue:\n    then: allow");

const refund = (bot, amount) =>
  propose(bot, { action: "refund.issue", arguments: { order_id: "A1", amount, currency: "EUR" } });

/* Reads a job until it is over; each read is answered at once, so this asks again. */
async function finished(person, { id }) {
  for (;;) {
    const { body } = await person.get(`/v1/policies/backtests/${id}`);
    if (!["waiting", "running"].includes(body.state)) {
      return body;
    }
  }
}

const candidateOf = async (pol, yaml = LOOSER) => {
  const { status, body } = await pol.post("/v1/policies", { yaml });
  assert.equal(`${status} ${body.state}`, "202 candidate");
  return body;
};

test("a text is checked: mistakes, tests one by one, rules that never change anything", async (t) => {
  const { pol, ana } = await startWorld(t, { people: ["pol", "ana"] });
  const check = async (yaml) => (await pol.post("/v1/policies/check", { yaml })).body;

  expectProblem(await ana.post("/v1/policies/check", { yaml: "version: 1\n" }), 403, "forbidden");
  const typo = await check("version: 1\nrules: [{id: a, when: 'args.x > 1.0 && actoin.name == \"x\"', then: block}]\n");
  assert.equal(typo.valid, false);
  assert.equal(typo.version, null);
  assert.match(typo.findings[0].message, /did you mean action/);
  assert.match(typo.findings[0].excerpt, /\^/);

  const tests = `tests:
  - {name: good, given: {action: ticket.tag}, want: {verdict: allow}}
  - {name: bad, given: {action: refund.issue, arguments: {amount: 1}}, want: {verdict: block}}
`;
  const tested = await check(policyText({ extra: `rules: [{id: idle, when: 'false', then: block}]\n${tests}` }));
  assert.equal(tested.valid, false);
  assert.match(tested.version, /^sha256:/);
  assert.deepEqual(
    tested.tests.map(({ name, passed, verdict }) => [name, passed, verdict]),
    [
      ["good", true, "allow"],
      ["bad", false, "earn"],
    ],
  );
  assert.match(tested.tests[1].why, /^the verdict is earn, not block \(found: /);
  assert.match(tested.findings[0].message, /the rule idle never matches/);
  assert.equal(tested.findings[0].warning, true);
  assert.equal((await check(policyText())).valid, true);

  const refused = await pol.post("/v1/policies", { yaml: policyText({ extra: tests }) });
  const problem = expectProblem(refused, 422, "invalid-argument", "/yaml");
  assert.match(problem.errors[0].message, /the test "bad" fails/);
});

test("the past is replayed: what would be loosened, late, and let through", async (t) => {
  const { server, bot, pol, ana, aud } = await startWorld(t, { people: ["pol", "ana", "aud"] });
  const small = await refund(bot, 20);
  const wrong = await refund(bot, 30);
  await refund(bot, 500);
  await decide(ana, small, "approve");
  await decide(ana, wrong, "reject", { reason: "No.", reason_code: "wrong_amount" });

  const asked = await pol.post("/v1/policies/backtest", { yaml: LOOSER });
  assert.equal(asked.status, 202);
  assert.equal(asked.body.requested_by.name, "pol");
  const { state, report, policy, done, total } = await finished(aud, asked.body);
  assert.equal(`${state} ${policy} ${done} ${total}`, "done null 3 3");
  assert.deepEqual(report.verdicts.before, { allow: 0, earn: 3, review: 0, block: 0, refused: 0 });
  assert.deepEqual(report.verdicts.after, { allow: 2, earn: 0, review: 1, block: 0, refused: 0 });
  const [loosened, tightened] = report.changed.groups;
  assert.equal(`${loosened.direction} ${loosened.from} ${loosened.to} ${loosened.count}`, "loosened earn allow 2");
  assert.deepEqual(loosened.examples, [small.id, wrong.id]);
  assert.equal(loosened.decisions.rejected, 1);
  assert.equal(`${tightened.direction} ${tightened.rule}`, "tightened large");
  assert.equal(report.let_through.errors, 1);
  assert.equal(report.let_through.decided, 2);
  assert.deepEqual(report.let_through.examples, [wrong.id]);
  assert.ok(report.let_through.upper_bound > 0.97 && report.let_through.upper_bound < 0.98); // 1 of 2
  assert.deepEqual(
    report.reviews.queues.map(({ queue, before, after }) => [queue, before, after]),
    [
      ["general", 3, 0],
      ["leads", 0, 1],
    ],
  );
  assert.deepEqual(report.rules, [
    { id: "large", matched: 1 },
    { id: "never", matched: 0 },
  ]);

  const version = await candidateOf(pol);
  const again = await pol.post("/v1/policies/backtest", { policy: version.id, days: 1 });
  const second = await finished(pol, again.body);
  assert.equal(second.policy, version.id);
  assert.deepEqual(second.report.changed, report.changed);

  const file = join(server.folder, "looser.yaml");
  writeFileSync(file, LOOSER);
  const printed = await fermata(["policy", "backtest", file, "--data", server.data, "--json"]);
  assert.deepEqual(JSON.parse(printed.stdout).changed, report.changed);
  const checked = await fermata(["policy", "check", file, "--data", server.data]);
  assert.match(checked.stdout, /warning: the rule never matched none of the 3 proposals of the history/);
});

test("a backtest is refused, and cancelled", async (t) => {
  const { pol, ana, lea } = await startWorld(t, { people: ["pol", "ana", "lea"] });
  const ask = (body, person = pol) => person.post("/v1/policies/backtest", body);
  expectProblem(await ask({ yaml: LOOSER }, ana), 403, "forbidden");
  expectProblem(await ask({ yaml: LOOSER }, lea), 403, "forbidden");
  expectProblem(await ask({}), 422, "invalid-argument", "/policy");
  expectProblem(await ask({ yaml: LOOSER, policy: `pol_${"0".repeat(25)}1` }), 422, "invalid-argument", "/policy");
  expectProblem(await ask({ policy: `pol_${"0".repeat(25)}1` }), 404, "not-found");
  expectProblem(await ask({ yaml: LOOSER, days: 0 }), 422, "invalid-argument", "/days");
  expectProblem(await ask({ yaml: "version: 2\n" }), 422, "invalid-argument", "/yaml");
  expectProblem(await pol.get(`/v1/policies/backtests/bkt_${"0".repeat(25)}1`), 404, "not-found");

  const { body } = await ask({ yaml: LOOSER });
  expectProblem(await lea.get(`/v1/policies/backtests/${body.id}?wait=1s`), 422, "unknown-member", "/wait");
  const once = { key: "cancel-once" };
  assert.equal((await pol.request("DELETE", `/v1/policies/backtests/${body.id}`, once)).status, 200);
  expectProblem(
    await pol.request("DELETE", `/v1/policies/backtests/${body.id}`, { ...once, body: { a: 1 } }),
    422,
    "idempotency-mismatch",
  );
  expectProblem(await pol.delete(`/v1/policies/backtests/bkt_${"0".repeat(25)}1`), 404, "not-found");
  expectProblem(await lea.delete(`/v1/policies/backtests/${body.id}`), 403, "forbidden");
  expectProblem(await ana.get(`/v1/policies/backtests/${body.id}`), 403, "forbidden");
  await pol.delete(`/v1/policies/backtests/${body.id}`);
  assert.match((await finished(lea, body)).state, /^(cancelled|done)$/);
});

test("a shadow only watches, until it ends or rules", async (t) => {
  const { server, bot, pol, pia, aud, ana } = await startWorld(t, { people: ["pol", "pia", "aud", "ana"] });
  const version = await candidateOf(pol);
  const at = `/v1/policies/${version.id}/shadow`;
  const read = async () => (await aud.get(at)).body;

  expectProblem(await ana.post(at), 403, "forbidden");
  expectProblem(await ana.get(at), 403, "forbidden");
  expectProblem(await aud.get(`${at}?x=1`), 422, "unknown-member", "/x");
  expectProblem(await pol.post(`/v1/policies/pol_${"0".repeat(25)}1/shadow`), 404, "not-found");
  expectProblem(await pol.delete(`/v1/policies/pol_${"0".repeat(25)}1/shadow`), 404, "not-found");
  expectProblem(await aud.get(`/v1/policies/pol_${"0".repeat(25)}1/shadow`), 404, "not-found");
  await refund(bot, 20);
  assert.deepEqual({ ...(await read()), examples: [] }, {
    policy: version.id, on: false, since: null, by: null, pairs: [], evaluated: 0, same: 0, stricter: 0, looser: 0,
    examples: [], left_out: [],
  });

  const on = await pol.post(at);
  assert.equal(`${on.status} ${on.body.on} ${on.body.by}`, "200 true pol");
  const small = await refund(bot, 20);
  const large = await refund(bot, 500);
  await propose(bot, { action: "ticket.tag" });
  assert.equal(small.assessment.verdict, "earn", "the policy in force rules");
  assert.doesNotMatch(JSON.stringify((await ana.get(`/v1/proposals/${small.id}`)).body), /large|shadow/);
  const seen = await read();
  assert.equal(`${seen.evaluated} ${seen.same} ${seen.stricter} ${seen.looser}`, "3 1 1 1");
  assert.deepEqual(
    seen.examples.map(({ proposal, live, shadow, rules }) => [proposal, live, shadow, rules]),
    [
      [large.id, "earn", "review", ["large"]],
      [small.id, "earn", "allow", ["catalogue"]],
    ],
  );

  await server.restart();
  await refund(bot, 20);
  assert.equal((await read()).looser, 2, "also after a restart");

  const once = { key: "end-once" };
  assert.equal((await pol.request("DELETE", at, once)).body.on, false);
  expectProblem(await pol.request("DELETE", at, { ...once, body: { a: 1 } }), 422, "idempotency-mismatch");
  await refund(bot, 20);
  assert.equal((await read()).evaluated, 4);

  await pol.post(at);
  await pia.post(`/v1/policies/${version.id}/activate`);
  assert.equal((await read()).on, false, "what rules is no shadow");
  expectProblem(await pol.post(at), 409, "already-exists");
  await refund(bot, 20);
  assert.equal((await read()).evaluated, 4);
});

test("what of a shadow cannot be evaluated is said", async (t) => {
  const { pol } = await startWorld(t, { people: ["pol"] });
  const version = await candidateOf(
    pol,
    policyText({
      actions: "  letter.post: {then: allow}",
      extra: `rules: [{id: often, when: 'history.agent.count_1h > 5', then: review}]
budgets: [{id: day, count: true, per: agent, window: 24h, limit: 5, then: review}]
`,
    }),
  );
  const { body } = await pol.post(`/v1/policies/${version.id}/shadow`);
  assert.equal(body.left_out.length, 2);
  assert.match(body.left_out[0], /^the budget day: /);
  assert.match(body.left_out[1], /^history in the rule often: /);
});

test("coverage: which actions an agent proposes, and what the policy says of them", async (t) => {
  const { bot, other, lea, ana } = await startWorld(t, {
    people: ["lea", "ana"],
    agents: ["bot", "other"],
    policy: policyText({ actions: "  open.door: {effects: [record]}" }),
  });
  for (const action of ["ticket.tag", "ticket.tag", "fly", "open.door"]) {
    await propose(bot, { action });
  }
  await propose(other, { action: "ticket.tag" });
  expectProblem(await ana.get("/v1/insights/coverage"), 403, "forbidden");

  const { body } = await lea.get("/v1/insights/coverage");
  assert.deepEqual(
    body.items.map((row) => [row.agent.name, row.action, row.proposals, row.silent, row.in_catalogue, row.then]),
    [
      ["bot", "fly", 1, 1, false, null],
      ["bot", "open.door", 1, 1, true, null],
      ["bot", "ticket.tag", 2, 0, true, "allow"],
      ["other", "ticket.tag", 1, 0, true, "allow"],
    ],
  );
  assert.equal(body.next_cursor, null);
  assert.ok(body.items[2].first_at <= body.items[2].last_at);

  const pages = [];
  for (let cursor = ""; cursor !== null; ) {
    const page = await lea.get(`/v1/insights/coverage?limit=1${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    pages.push(...page.body.items);
    cursor = page.body.next_cursor;
  }
  assert.deepEqual(pages, body.items);
  expectProblem(await lea.get("/v1/insights/coverage?cursor=x"), 422, "invalid-argument", "/cursor");
});

test("edge cases: what people corrected, and the rules that would have caught it", async (t) => {
  const { server, bot, ana, pol, lea } = await startWorld(t, {
    people: ["ana", "pol", "lea"],
    policy: policyText({ extra: "rules: [{id: strict, when: 'has(args.amount) && args.amount > 900.0', then: review}]\n" }),
  });
  const first = await refund(bot, 950);
  const second = await refund(bot, 960);
  const third = await refund(bot, 20);
  const fourth = await refund(bot, 21);
  await decide(ana, first, "reject", { reason: "No.", reason_code: "wrong_amount" });
  await decide(ana, second, "reject", { reason: "No.", reason_code: "wrong_amount" });
  await decide(ana, third, "modify", { arguments: { ...third.arguments, amount: 10 } });
  await decide(ana, fourth, "return", { reason: "Which lamp?" });
  await decide(ana, await refund(bot, 22), "approve");
  expectProblem(await ana.get("/v1/insights/edge-cases"), 403, "forbidden");

  const { body } = await lea.get("/v1/insights/edge-cases?days=7");
  assert.equal(body.examined, 4);
  const shown = body.items.map((row) => [row.reason_code, row.pointer, row.rejected, row.modified, row.returned]);
  assert.deepEqual(shown[0], ["wrong_amount", null, 2, 0, 0]);
  assert.deepEqual(shown.slice(1).sort(), [
    [null, null, 0, 0, 1],
    [null, "/amount", 0, 1, 0],
  ]);
  assert.deepEqual(body.items[0].examples, [second.id, first.id]);
  assert.deepEqual(
    body.items[0].caught_by.map(({ rule, state, matched, of }) => [rule, state, matched, of]),
    [["strict", "active", 2, 2]],
  );
  assert.deepEqual(body.items[1].caught_by, []);
  const console = await fermata(["policy", "edge-cases", "--data", server.data, "--json"]);
  assert.deepEqual(JSON.parse(console.stdout).items.map(({ caught_by }) => caught_by), [
    [{ matched: 2, of: 2, rule: "strict" }], [], [],
  ]);
  const table = await fermata(["policy", "edge-cases", "--data", server.data]);
  assert.match(table.stdout, /CAUGHT BY\n.* strict \(2 of 2\)\n/);

  const version = await candidateOf(
    pol,
    policyText({ actions: "  letter.post: {then: allow}", extra: "rules: [{id: all, when: 'true', then: review}]\n" }),
  );
  await pol.post(`/v1/policies/${version.id}/shadow`);
  const beside = (await lea.get("/v1/insights/edge-cases")).body.items[1].caught_by;
  assert.deepEqual(
    beside.map(({ rule, state, policy }) => [rule, state, policy]),
    [["all", "shadow", version.id]],
  );
  expectProblem(await lea.get("/v1/insights/edge-cases?days=0"), 422, "invalid-argument", "/days");
});
