// SPDX-License-Identifier: Apache-2.0
/*
 * Pauses: what each kind of them holds, refuses and sends back; who may pause, and that it takes two to go on;
 * that it holds from the answer on, under load, over a restart (A44).
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import test, { after } from "node:test";

import { schemaFault } from "./contract.mjs";
import { fermata } from "./server.mjs";
import { act, approved, decide, decided, expectProblem, policyText, propose, read, startWorld } from "./world.mjs";

const policy = policyText({ extra: "limits: {pending_per_agent: 5000, proposals_per_minute: 60000}\n" });
const PEOPLE = ["ana", "lea", "pol", "adm", "aud"];
const world = await startWorld({ after }, { people: PEOPLE, agents: ["bot", "other"], policy });
const { server, bot, other, ana, lea, pol, adm, aud } = world;

async function pause(who, what) {
  const answer = await who.post("/v1/pauses", { reason: "Because", ...what });
  assert.equal(answer.status, 201, answer.text);
  return answer.body;
}

async function goOn({ id }, ...people) {
  for (const who of people.length ? people : [lea, pol]) {
    await who.delete(`/v1/pauses/${id}`);
  }
}

const redeem = (agent, { permit, arguments: args }, options) =>
  agent.post("/v1/permits/redeem", { permit, arguments: args }, options);

/* What the log has about a pause, as the store has it. */
function leaves(world_, { id }) {
  const sql = `SELECT json_extract(entry,'$.kind') || ' ' || json_extract(entry,'$.by.kind') || ' ' ||
    coalesce(json_extract(entry,'$.data.alone'), 0) FROM log_entries
    WHERE json_extract(entry,'$.data.pause') = '${id}' ORDER BY idx`;
  const path = join(world_.server.data, "fermata.db");
  return execFileSync("sqlite3", ["-readonly", path, sql], { encoding: "utf8" }).trim().split("\n");
}

/* What is paused; an agent, action and whether it is covered. */
const COVERS = [
  ["everything", {}, [[bot, "ticket.tag", true], [other, "ticket.tag", true], [bot, "refund.issue", true]]],
  ["an agent by name", { agent: "bot" }, [[bot, "ticket.tag", true], [other, "ticket.tag", false]]],
  ["an agent by id", { agent: bot.id }, [[bot, "ticket.tag", true], [other, "ticket.tag", false]]],
  ["an action", { action: "ticket.tag" }, [[bot, "ticket.tag", true], [other, "ticket.tag", true]]],
  ["another action", { action: "refund.issue" }, [[bot, "ticket.tag", false]]],
  ["a category", { category: "ticket.tag" }, [[bot, "ticket.tag", true], [other, "ticket.tag", true]]],
];
for (const [name, what, rows] of COVERS) {
  test(`covers: ${name}`, async () => {
    const made = await pause(lea, what);
    for (const [agent, action, covered] of rows) {
      const { status, assessment } = await propose(agent, { action });
      const reason = assessment.reasons.find(({ source }) => source === "pause");
      assert.equal(reason !== undefined, covered, `${action} of ${agent.name}`);
      if (covered) {
        assert.deepEqual([status, reason.verdict, assessment.verdict], ["pending", "review", "review"]);
      }
    }
    await goOn(made);
    for (const [agent] of rows) {
      assert.equal((await propose(agent, { action: "ticket.tag" })).status, "approved", "it goes on");
    }
  });
}

test("blocked stays blocked", async () => {
  const made = await pause(lea, {});
  assert.equal((await propose(bot, { action: "customer.export" })).status, "blocked");
  await goOn(made);
});

test("while it is paused: no approval and no redemption; rejecting, returning and withdrawing go on", async () => {
  const held = await Promise.all(Array.from({ length: 5 }, () => propose(bot)));
  const before = await approved(bot, ana);
  const made = await pause(lea, { agent: "bot" });
  expectProblem(await decide(ana, held[0], "approve"), 423, "paused");
  expectProblem(await decide(ana, held[0], "modify", { arguments: { amount: 1 } }), 423, "paused");
  const [one] = (await ana.post("/v1/decisions/batch", {
    items: [{ proposal: held[0].id, digest: held[0].digest, verdict: "approve" }],
  })).body.items;
  assert.equal(one.status, 423);
  await decided(ana, held[1], "reject");
  await decided(ana, held[2], "return");
  assert.equal((await act(bot, held[2], "revise", { brief: { summary: "S" } })).status, 200);
  assert.equal((await act(bot, held[3], "withdraw")).status, 200);
  expectProblem(await redeem(bot, before), 423, "paused");
  const free = await approved(other, ana);
  assert.equal((await redeem(other, free)).status, 200, "others go on");
  await goOn(made);
  assert.equal((await redeem(bot, before)).status, 200, "the approval has stayed");
  await decided(ana, held[0], "approve");
});

test("an approval in its undo time goes back to people, with both reasons", async (t) => {
  const slow = await startWorld(t, { people: ["ana", "lea"], policy: policyText({ defaults: { undo: "1s" } }) });
  const proposal = await propose(slow.bot);
  await decided(slow.ana, proposal);
  const made = await pause(slow.lea, {});
  const stream = await slow.ana.stream(`/v1/proposals/${proposal.id}/events`);
  t.after(() => stream.close());
  await stream.next(({ event }) => event === "proposal.undone");
  const now = await read(slow.ana, proposal);
  assert.deepEqual([now.status, now.hold.phase, now.decision], ["pending", "waiting", null]);
  assert.deepEqual(
    now.assessment.reasons.map(({ source }) => source),
    ["catalogue", "autonomy", "pause"],
  );
  await goOn(made, slow.lea);
  await decided(slow.ana, proposal);
  assert.equal((await read(slow.bot, proposal, "10s")).status, "approved");
});

test("it takes two to go on: the first asks, the same one again changes nothing, the second ends it", async () => {
  const made = await pause(lea, { action: "ticket.tag" });
  const at = `/v1/pauses/${made.id}`;
  const first = await lea.delete(at);
  assert.deepEqual([first.status, first.body.resume_asked_by.name, first.body.ended_at], [202, "lea", null]);
  assert.equal((await lea.delete(at)).status, 202);
  assert.equal((await propose(bot, { action: "ticket.tag" })).status, "pending", "still paused");
  const second = await pol.delete(at);
  assert.deepEqual([second.status, second.body.ended_by.name], [200, "pol"]);
  assert.equal((await lea.delete(at)).status, 200, "the wish is fulfilled");
  assert.deepEqual(leaves(world, made), [
    "pause.started reviewer 0",
    "pause.resume_asked reviewer 0",
    "pause.ended reviewer 0",
  ]);
  assert.equal((await ana.get("/v1/pauses")).body.items.some(({ id }) => id === made.id), false);
  assert.ok((await ana.get("/v1/pauses?ended=1")).body.items.some(({ id }) => id === made.id));
});

test("the only one who could agrees with nobody: alone, and the log says so", async (t) => {
  const small = await startWorld(t, { people: ["lea", "ana"], agents: ["bot"] });
  const made = await pause(small.lea, {});
  assert.equal((await small.lea.delete(`/v1/pauses/${made.id}`)).status, 200);
  assert.deepEqual(leaves(small, made), ["pause.started reviewer 0", "pause.ended reviewer 1"]);
});

test("whoever takes the other one's role still needs a second", async (t) => {
  const small = await startWorld(t, { people: ["lea", "pol", "adm"], agents: ["bot"] });
  const made = await pause(small.pol, {});
  await small.adm.post(`/v1/people/${small.pol.id}/roles`, { roles: ["auditor"] });
  for (let i = 0; i < 2; i += 1) {
    assert.equal((await small.lea.delete(`/v1/pauses/${made.id}`)).status, 202, "she asks, and asks again");
  }
  await small.adm.post(`/v1/people/${small.pol.id}/deactivate`);
  assert.equal((await small.lea.delete(`/v1/pauses/${made.id}`)).status, 202);
  await small.server.addPerson("lead2", ["lead"]);
  const lead2 = await small.server.signIn("lead2");
  assert.equal((await lead2.delete(`/v1/pauses/${made.id}`)).status, 200);
  assert.equal(leaves(small, made).at(-1), "pause.ended reviewer 0");
});

test("who has asked and has left since does not count", async (t) => {
  const small = await startWorld(t, { people: ["lea", "pol", "adm"], agents: ["bot"] });
  await small.server.addPerson("lead2", ["lead"]);
  const made = await pause(small.lea, {});
  assert.equal((await small.lea.delete(`/v1/pauses/${made.id}`)).status, 202);
  await small.adm.post(`/v1/people/${small.lea.id}/deactivate`);
  assert.equal((await small.pol.delete(`/v1/pauses/${made.id}`)).status, 202);
  const lead2 = await small.server.signIn("lead2");
  assert.equal((await lead2.delete(`/v1/pauses/${made.id}`)).status, 200);
});

test("lead and policy pause; nobody else, and agents see nothing of it", async () => {
  for (const who of [ana, adm, aud, bot]) {
    expectProblem(await who.post("/v1/pauses", { reason: "R" }), 403, "forbidden");
  }
  expectProblem(await bot.get("/v1/pauses"), 403, "forbidden");
  await goOn(await pause(pol, { action: "x" }));
});

const BAD = [
  ["no reason", {}, 422, "invalid-argument"],
  ["a blank reason", { reason: " \u200b\n" }, 422, "invalid-argument"],
  ["two of them", { agent: "bot", action: "a", reason: "R" }, 422, "invalid-argument"],
  ["an agent that is not there", { agent: "bto", reason: "R" }, 422, "invalid-argument"],
  ["all", { all: true, reason: "R" }, 422, "unknown-member"],
];
for (const [name, body, status, problem] of BAD) {
  test(`refused: ${name}`, async () => {
    expectProblem(await lea.post("/v1/pauses", body), status, problem);
    assert.deepEqual((await lea.get("/v1/pauses")).body.items, [], "a typo pauses nothing");
  });
}

test("a repeated request pauses once, and a repeated resume asks once", async () => {
  const body = { action: "x.y", reason: "Twice" };
  const first = await lea.post("/v1/pauses", body, { key: "p1" });
  const again = await lea.post("/v1/pauses", body, { key: "p1" });
  assert.deepEqual([first.status, again.status, again.body.id], [201, 200, first.body.id]);
  const at = `/v1/pauses/${first.body.id}`;
  assert.equal((await lea.delete(at, { key: "r1" })).status, 202);
  assert.equal((await lea.delete(at, { key: "r1" })).status, 202);
  expectProblem(await lea.delete(at, { key: "r1", body: { a: 1 } }), 422, "idempotency-mismatch");
  expectProblem(await lea.delete(at, { key: "k".repeat(256) }), 422, "invalid-argument");
  await goOn(first.body, pol);
});

test("everybody's page is told", async (t) => {
  const stream = await adm.stream();
  t.after(() => stream.close());
  const made = await pause(lea, {});
  await goOn(made);
  for (const type of ["pause.started", "pause.resume_asked", "pause.ended"]) {
    const { data } = await stream.next(({ event }) => event === type);
    assert.equal(schemaFault("PauseEvent", data), null);
  }
});

test("from the command line, beside a server: in force at once; and over a restart", async () => {
  const { code, stdout } = await fermata(["pause", "--agent", "bot", "--reason", "Nonsense", "--data", server.data]);
  assert.equal(code, 0);
  const id = /pau_\w+/.exec(stdout)[0];
  assert.equal((await propose(bot, { action: "ticket.tag" })).status, "pending");
  await server.restart({ hard: true });
  const fresh = await server.signIn("lea");
  assert.equal((await propose(bot, { action: "ticket.tag" })).status, "pending", "after kill -9 and a restart");
  const list = await fermata(["pause", "list", "--data", server.data]);
  assert.match(list.stdout, new RegExp(`agent +bot.*${id} +Nonsense`));
  const first = await fermata(["pause", "resume", id, "--data", server.data]);
  assert.match(first.stdout, /second person/);
  assert.equal((await fresh.delete(`/v1/pauses/${id}`)).status, 200);
  assert.equal((await propose(bot, { action: "ticket.tag" })).status, "approved");
  assert.equal((await fermata(["pause", "--data", server.data])).code, 2);
  assert.equal((await fermata(["pause", "--all", "--agent", "x", "--reason", "r", "--data", server.data])).code, 2);
});

test("without a server: the next start is paused", async () => {
  await server.stop();
  await server.cli("pause", "--all", "--reason", "Night");
  await server.start();
  assert.equal((await propose(bot, { action: "ticket.tag" })).status, "pending");
  const [{ id }] = (await (await server.signIn("lea")).get("/v1/pauses")).body.items;
  await goOn({ id }, await server.signIn("lea"), await server.signIn("pol"));
});

/* Agents at work as fast as they can: each release and redemption with the time at which it was asked for. */
async function work(agent, until, events) {
  while (!until.over) {
    const asked = performance.now();
    const answer = await agent.post("/v1/proposals", { action: "ticket.tag", arguments: {} });
    assert.equal(answer.status, 201, answer.text);
    if (answer.body.status === "approved") {
      events.push({ asked, what: "released" });
      const redeemed = performance.now();
      const used = await redeem(agent, answer.body);
      assert.ok([200, 423].includes(used.status), used.text);
      if (used.status === 200) {
        events.push({ asked: redeemed, what: "redeemed" });
      }
    }
  }
}

test("under load: nothing is released or redeemed that was asked for after the answer", async () => {
  for (let round = 0; round < 5; round += 1) {
    const [until, events] = [{ over: false }, []];
    const [first, second] = [await server.signIn("lea"), await server.signIn("pol")];
    const busy = Array.from({ length: 24 }, (_, n) => work(n % 2 ? bot : other, until, events));
    while (events.length < 50 * (round + 1)) {
      await first.get("/v1/me");
    }
    const made = await pause(first, {});
    const acknowledged = performance.now();
    const held = await Promise.all(Array.from({ length: 100 }, () => propose(bot, { action: "ticket.tag" })));
    until.over = true;
    await Promise.all(busy);
    assert.ok(events.some(({ what }) => what === "redeemed"));
    assert.deepEqual(events.filter(({ asked }) => asked >= acknowledged), []);
    assert.ok(held.every(({ status }) => status === "pending"));
    await goOn(made, first, second);
  }
});
