// SPDX-License-Identifier: Apache-2.0
/*
 * Versions of the policy: what only tightens rules at once, what loosens takes two people, by every road.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { after } from "node:test";

import { fermata, startServer } from "./server.mjs";
import { expectProblem, policyText, propose, startWorld } from "./world.mjs";

const TIGHTER = policyText({ extra: "rules: [{id: all, when: 'true', then: review}]\n" });
const LOOSER = policyText({ actions: "  letter.post: {then: allow}" });

const post = (person, yaml, members = {}) => person.post("/v1/policies", { yaml, ...members });
const activate = (person, { id }, members = {}) => person.post(`/v1/policies/${id}/activate`, members);
const states = async (person) => (await person.get("/v1/policies")).body.items.map(({ state }) => state);

/* Which version assesses now, by what becomes of an action. */
const verdictOf = async (bot, action) => (await propose(bot, { action })).assessment.verdict;

test("a change that only tightens rules at once, one that loosens waits for somebody else", async (t) => {
  const { server, bot, pol, pia, ana } = await startWorld(t, { people: ["pol", "pia", "ana"] });
  expectProblem(await post(ana, TIGHTER), 403, "forbidden");

  const tighter = await post(pol, TIGHTER);
  assert.equal(`${tighter.status} ${tighter.body.state}`, "201 active");
  assert.equal(tighter.body.loosened, null);
  assert.equal(await verdictOf(bot, "ticket.tag"), "review");

  const looser = await post(pol, LOOSER);
  assert.equal(`${looser.status} ${looser.body.state}`, "202 candidate");
  assert.deepEqual(looser.body.loosened, ["actions.letter.post is new, and would not be blocked", "rules.all is gone"]);
  assert.equal(await verdictOf(bot, "ticket.tag"), "review", "the old one rules");
  const { body: ready } = await server.public.get("/readyz");
  assert.match(ready.notes[0], new RegExp(looser.body.id));

  expectProblem(await activate(pol, looser.body), 403, "forbidden");
  expectProblem(await activate(pol, looser.body, { alone: true }), 403, "forbidden");
  expectProblem(await activate(ana, looser.body), 403, "forbidden");
  const active = await activate(pia, looser.body);
  assert.equal(`${active.status} ${active.body.state}`, "200 active");
  assert.equal(active.body.proposed_by.name, "pol");
  assert.equal(active.body.activated_by.name, "pia");
  assert.equal(active.body.alone, false);
  assert.equal(await verdictOf(bot, "ticket.tag"), "allow");
  assert.deepEqual(await states(ana), ["active", "retired", "retired"]);
  assert.equal((await server.public.get("/readyz")).body.notes, undefined);

  expectProblem(await activate(pia, looser.body), 409, "already-exists");
  expectProblem(await activate(pia, tighter.body), 409, "already-exists");
  expectProblem(await activate(pia, { id: `pol_${"0".repeat(25)}1` }), 404, "not-found");
  expectProblem(await ana.get(`/v1/policies/pol_${"0".repeat(25)}1`), 404, "not-found");
  expectProblem(await ana.get("/v1/policies?limit=201"), 422, "invalid-argument", "/limit");
});

test("one person alone says so, and the log does", async (t) => {
  const { server, bot, pol } = await startWorld(t, { people: ["pol"] });
  const looser = (await post(pol, LOOSER)).body;
  const refused = expectProblem(await activate(pol, looser), 403, "forbidden");
  assert.match(refused.detail, /alone/);
  assert.equal((await activate(pol, looser, { alone: true })).body.alone, true);
  assert.equal(await verdictOf(bot, "letter.post"), "allow");
  const again = await post(pol, policyText({ actions: "  letter.burn: {then: allow}" }), { alone: true });
  assert.equal(`${again.status} ${again.body.alone}`, "201 true");
  await server.stop();
  const { stdout } = await fermata(["audit", "verify", "--data", server.data]);
  assert.match(stdout, /./);
});

test("whoever takes the role away from the other one still needs a second", async (t) => {
  const { server, pol, adm } = await startWorld(t, { people: ["pol", "pia", "adm"] });
  const looser = (await post(pol, LOOSER)).body;
  const { items } = (await adm.get("/v1/people")).body;
  const { id: pia } = items.find(({ name }) => name === "pia");
  assert.equal((await adm.post(`/v1/people/${pia}/roles`, { roles: ["reviewer"] })).status, 200);
  const refused = expectProblem(await activate(pol, looser, { alone: true }), 403, "forbidden");
  assert.match(refused.detail, /an admin gives the role to somebody else/);
  assert.equal((await adm.post(`/v1/people/${pia}/deactivate`, {})).status, 200);
  expectProblem(await activate(pol, looser, { alone: true }), 403, "forbidden");
  assert.equal((await post(pol, policyText({ actions: "  x.y: {then: allow}" }), { alone: true })).body.state, "candidate");
  const console_ = await fermata(["policy", "activate", looser.id, "--alone", "--data", server.data]);
  assert.match(console_.stderr, /or have been/);
  assert.deepEqual((await states(adm)).sort(), ["active", "candidate", "candidate"]);
});

/* Who decides is part of what two people have agreed on. */
const ROUTED = (rules) => `version: 1
defaults: {then: earn, warm_up: 0, decide_by: [page]}
actions: {pay.out: {then: earn}}
queues: {general: {members: [role:reviewer]}, leads: {members: [role:lead]}}
rules:
  - {id: strict, when: 'args.amount > 100.0', then: review, queue: leads, respond_within: 15m}
${rules}`;
const SOFT = (within) => `  - {id: soft, when: 'args.amount > 10.0', then: review, queue: general, respond_within: ${within}}\n`;

test("one person alone cannot choose who decides", async (t) => {
  const { bot, pol, ana, lea } = await startWorld(t, { people: ["pol", "pia", "ana", "lea"], policy: ROUTED(SOFT("1h")) });
  const held = async () => {
    const proposal = await propose(bot, { action: "pay.out", arguments: { amount: 900 } });
    const seen = async (person) => (await person.get("/v1/inbox")).body.items.some(({ id }) => id === proposal.id);
    const answer = await ana.post(`/v1/proposals/${proposal.id}/decision`, { verdict: "approve", digest: proposal.digest });
    return `${proposal.hold.queue} ${await seen(ana)} ${await seen(lea)} ${answer.status}`;
  };
  assert.equal(await held(), "leads false true 404");

  const ways = {
    "a new rule with a queue of one's own": ROUTED(
      `${SOFT("1h")}  - {id: z, when: 'true', then: review, queue: mine, respond_within: 5m}\n`,
    ).replace("queues: {", "queues: {mine: {members: [ana]}, "),
    "a new rule with a queue that is there": ROUTED(
      `${SOFT("1h")}  - {id: z, when: 'true', then: review, queue: general, respond_within: 5m}\n`,
    ),
    "a new rule with nothing but a queue": ROUTED(`${SOFT("1h")}  - {id: a, when: 'true', queue: leads}\n`),
    "less time to respond": ROUTED(SOFT("10m")),
  };
  for (const [name, yaml] of Object.entries(ways)) {
    const { status, body } = await post(pol, yaml);
    assert.equal(`${status} ${body.state}`, "202 candidate", name);
    assert.match(body.loosened[0], /^rules\.\w+ can take what (leads|general) decides now to the queue (mine|general|leads)$/, name);
    assert.equal(await held(), "leads false true 404", name);
  }

  const harmless = await post(pol, ROUTED(SOFT("20m")));
  assert.equal(`${harmless.status} ${harmless.body.state}`, "201 active", "the order stays as it was");
  const once = () => pol.post("/v1/policies", { yaml: ROUTED(SOFT("20m")) }, { key: "once" });
  const [first, again] = [await once(), await once()];
  assert.deepEqual([first.status, again.status, again.body], [201, 200, first.body], "repeated, not proposed twice");
  assert.equal(await held(), "leads false true 404");
});

test("a file that loosens waits, also over restarts, and of two people the first only stands for it", async (t) => {
  const { server, bot, pol, pia } = await startWorld(t, { people: ["pol", "pia"], policy: TIGHTER, alone: false });
  await server.restart({ policy: LOOSER });
  assert.match(server.log, /loosens the policy, and waits as pol_/);
  assert.match(server.log, /rules\.all is gone/);
  assert.match(server.log, /"policy.waits"/);
  await server.restart();
  const [pol2, pia2, bot2] = await Promise.all([
    server.signIn("pol"),
    server.signIn("pia"),
    server.key("bot", bot.id),
  ]);
  assert.equal(await verdictOf(bot2, "ticket.tag"), "review", "the old one rules");
  assert.deepEqual(await states(pol2), ["candidate", "active"]);
  const [candidate] = (await pol2.get("/v1/policies")).body.items;
  assert.equal(`${candidate.road} ${candidate.proposed_by}`, "file null");

  const first = await activate(pol2, candidate);
  assert.equal(`${first.status} ${first.body.state} ${first.body.proposed_by.name}`, "202 candidate pol");
  expectProblem(await activate(pol2, candidate), 403, "forbidden");
  assert.equal((await activate(pia2, candidate)).status, 200);
  assert.equal(await verdictOf(bot2, "letter.post"), "allow");
  assert.ok(pol && pia);
});

test("SIGHUP takes the same road", async (t) => {
  const { server, bot, ana } = await startWorld(t, { people: ["ana"], policy: TIGHTER, alone: false });
  server.setPolicy(LOOSER);
  const { policy } = await server.signal("SIGHUP", "policy.waits");
  assert.equal(await verdictOf(bot, "ticket.tag"), "review", "the old one rules");
  assert.deepEqual(await states(ana), ["candidate", "active"]);
  assert.match((await server.public.get("/readyz")).body.notes[0], new RegExp(policy));
  server.setPolicy(`${TIGHTER}lexicons: {more: [words]}\n`);
  await server.signal("SIGHUP", "policy.reloaded");
  assert.deepEqual(await states(ana), ["active", "candidate", "retired"]);
  assert.equal((await server.public.get("/readyz")).body.notes, undefined, "newer than what waits");
});

test("a file that another road has replaced stays replaced", async (t) => {
  const { server, bot, pol } = await startWorld(t, { people: ["pol"], policy: LOOSER, alone: false });
  assert.equal((await post(pol, TIGHTER)).status, 202, "an action is gone");
  assert.equal((await post(pol, `${LOOSER}rules: [{id: all, when: 'true', then: review}]\n`)).status, 201);
  await server.restart();
  assert.match(server.log, /which another one has replaced since/);
  const again = await server.key("bot", bot.id);
  assert.equal(await verdictOf(again, "ticket.tag"), "review");
});

test("without a file, what the store has rules on", async (t) => {
  const { server, bot } = await startWorld(t, { policy: TIGHTER, alone: false });
  await server.stop();
  server.policyFile = null;
  await server.start();
  assert.equal(await verdictOf(await server.key("bot", bot.id), "ticket.tag"), "review");
  assert.equal(await verdictOf(await server.key("bot", bot.id), "customer.export"), "block");
});

test("a policy with mistakes is refused with all of them, at their places", async (t) => {
  const { pol } = await startWorld(t, { people: ["pol"] });
  const bad = policyText({
    extra: "rules:\n  - {id: a, when: 'action.nam == \"x\"', then: block}\n  - {id: b, when: 'args.x >', then: review}\n",
  });
  const problem = expectProblem(await post(pol, bad), 422, "invalid-argument", "/yaml");
  const line = bad.split("\n").findIndex((text) => text.includes("action.nam")) + 1;
  assert.ok(problem.errors[0].message.startsWith(`${line}:27: when: action has no member nam`), problem.errors[0].message);
  assert.equal(problem.errors.length, 2);
});

test("a version is read whole, and lists have pages", async (t) => {
  const { pol, ana } = await startWorld(t, { people: ["pol", "ana"] });
  await post(pol, TIGHTER);
  const { body: list } = await ana.get("/v1/policies?limit=1");
  assert.equal(list.items.length, 1);
  const { body: rest } = await ana.get(`/v1/policies?cursor=${list.next_cursor}`);
  assert.deepEqual(
    rest.items.map(({ state, road }) => `${state} ${road}`),
    ["retired file"],
  );
  const { body } = await ana.get(`/v1/policies/${list.items[0].id}`);
  assert.equal(body.yaml, TIGHTER);
  assert.deepEqual(body.canonical.rules, [{ id: "all", then: "review", when: "true" }]);
});

/* --- the console --------------------------------------------------------------------------------------- */

const { server } = await startWorld({ after }, { people: [], agents: [], policy: TIGHTER, alone: false });

function cli(...words) {
  return fermata(["policy", ...words, "--data", server.data]);
}

test("the console: without people, one says so with --alone", async () => {
  const file = join(server.folder, "looser.yaml");
  writeFileSync(file, LOOSER);
  const proposed = await cli("propose", file);
  assert.equal(proposed.code, 0, proposed.stderr);
  assert.match(proposed.stdout, /pol_[0-9A-Z]{26} waits for a second person/);
  assert.match(proposed.stdout, /rules\.all is gone/);
  const [id] = /pol_[0-9A-Z]{26}/.exec(proposed.stdout);
  const refused = await cli("activate", id);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /alone/);
  const activated = await cli("activate", id, "--alone");
  assert.equal(activated.code, 0, activated.stderr);
  assert.match(activated.stdout, /is in force/);
  const list = await cli("list");
  assert.match(list.stdout, new RegExp(`${id} +active`));
  const bad = join(server.folder, "bad.yaml");
  writeFileSync(bad, "version: 1\nrules: [{id: a, when: '1 +', then: block}]\n");
  const broken = await cli("propose", bad);
  assert.equal(broken.code, 1);
  assert.match(broken.stderr, /bad\.yaml:2:\d+: when: /);
});

test("the console: with two people, the operator is not one of them", async (t) => {
  const own = await startServer(t, { policy: TIGHTER, alone: false });
  await own.person("pol", ["policy"]);
  await own.person("pia", ["policy"]);
  const file = join(own.folder, "looser.yaml");
  writeFileSync(file, LOOSER);
  const at = ["--data", own.data];
  const proposed = await fermata(["policy", "propose", file, "--alone", ...at]);
  const [id] = /pol_[0-9A-Z]{26}/.exec(proposed.stdout);
  assert.match(proposed.stdout, /waits/, "--alone does not help");
  const refused = await fermata(["policy", "activate", id, "--alone", ...at]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /two people/);

  const tokens = await Promise.all(["pol", "pia"].map((name) => own.cli("token", "create", "--user", name)));
  const as = (token, ...words) => fermata(["policy", ...words, "--token-stdin", ...at], { input: `${token}\n` });
  const first = await as(tokens[0].token, "activate", id);
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /waits for a second person/);
  const second = await as(tokens[1].token, "activate", id);
  assert.match(second.stdout, /is in force/);
});

test("the console works without a server, too", async (t) => {
  const own = await startServer(t, { policy: TIGHTER, alone: false });
  await own.stop();
  const file = join(own.folder, "looser.yaml");
  writeFileSync(file, LOOSER);
  const proposed = await fermata(["policy", "propose", file, "--alone", "--data", own.data]);
  assert.equal(proposed.code, 0, proposed.stderr);
  assert.match(proposed.stdout, /is in force/);
  own.policyFile = null;
  await own.start();
  const bot = await own.agent("bot");
  assert.equal(await verdictOf(bot, "letter.post"), "allow");
});
