// SPDX-License-Identifier: Apache-2.0
/*
 * Callbacks from outside: what is sent, when, in which order, signed how; what a receiver's answers
 * lead to; what leads and administrators see of it and do. Verified with the package
 * `standardwebhooks`, as receivers do. Where callbacks may not go: tests/attack/ssrf.mjs.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test, { after } from "node:test";

import { Webhook } from "standardwebhooks";

import { schemaFault } from "./contract.mjs";
import { startReceiver, until } from "./receiver.mjs";
import { fermata, ROOT } from "./server.mjs";
import { act, decided, expectProblem, policyText, propose, read, refund, startWorld } from "./world.mjs";

const TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

const world = await startWorld(
  { after },
  {
    people: ["ana", "lea", "adm", "aud"],
    agents: [],
    args: ["--callback-allow", "127.0.0.0/8", "--callback-retry", "1s", "--callback-timeout", "1s"],
  },
);
const { server, ana, lea, adm, aud } = world;
const receiver = await startReceiver({ after });
const made = await server.cli("agent", "add", "bot", "--owner", "ana", "--host", "127.0.0.1", "--host", "agent.example");
const bot = await server.key("bot", made.id);
const webhook = new Webhook(made.webhook_secret);

const withCallback = (path, members, options) =>
  propose(bot, { callback: { url: `${receiver.url}${path}` }, ...members }, options);
const list = async (query = "") => (await lea.get(`/v1/webhooks${query}`)).body.items;
const one = async (id) => (await list("?limit=200")).find((each) => each.id === id);
const ended = (id) => until(() => one(id), (row) => row.status !== "pending");

/* --- what is sent ----------------------------------------------------------------------------------- */

const ENDS = [
  ["an approval", "proposal.released", "approved", "approve", (it) => decided(ana, it, "approve")],
  ["a modification", "proposal.released", "approved", "modify", (it) => decided(ana, it, "modify", { arguments: refund() })],
  ["a rejection", "proposal.released", "rejected", "reject", (it) => decided(ana, it, "reject")],
  ["a return", "proposal.returned", "returned", "return", (it) => decided(ana, it, "return")],
  ["a withdrawal", "proposal.withdrawn", "withdrawn", null, (it) => act(bot, it, "withdraw")],
];
for (const [name, type, status, verdict, end] of ENDS) {
  test(`${name} is told, signed, and holds nothing to execute`, async () => {
    const proposal = await withCallback(`/hooks?for=${status}`);
    await end(proposal);
    const { method, path, headers, text, body } = await receiver.next();
    assert.deepEqual([method, path], ["POST", `/hooks?for=${status}`]);
    assert.deepEqual(webhook.verify(text, headers), body);
    assert.equal(schemaFault("Callback", body), null);
    assert.deepEqual([body.type, body.proposal, body.id], [type, proposal.id, headers["webhook-id"]]);
    const seen = await read(bot, proposal);
    assert.deepEqual([body.data.status, body.data.digest], [status, seen.digest]);
    assert.deepEqual([body.data.verdict, body.data.decision], [verdict, seen.decision?.id ?? null]);
    assert.ok(!text.includes("order_id") && !text.includes("permit"), text);
    assert.equal(headers["content-type"], "application/json");
    assert.equal(headers.traceparent, undefined);
    const row = await ended(body.id);
    assert.deepEqual([row.status, row.attempts, row.last_error, row.last_status], ["delivered", 1, null, 204]);
  });
}

test("an approval with undo time is told when it is released, not before", async (t) => {
  const slow = await startWorld(t, { agents: [], policy: policyText({ defaults: { undo: "1s" } }), args: ["--callback-allow", "127.0.0.1"] });
  await slow.server.cli("agent", "add", "bot", "--owner", "ana", "--host", "127.0.0.1");
  const agent = await slow.server.key("bot");
  const proposal = await propose(agent, { callback: { url: `${receiver.url}/slow` } });
  await decided(slow.ana, proposal);
  const { body } = await receiver.next();
  assert.equal(body.type, "proposal.released");
  assert.ok(Date.parse(body.at) - Date.parse((await read(agent, proposal)).decision.at) >= 1000);
});

test("what never was pending is not told", async () => {
  await withCallback("/never", { action: "ticket.tag" });
  await withCallback("/never", { action: "customer.export" });
  await act(bot, await withCallback("/told"), "withdraw");
  assert.equal((await receiver.next()).path, "/told");
});

test("of one proposal the events come in their order, also when the first one fails", async () => {
  receiver.answers.push({ status: 500 });
  const proposal = await withCallback("/order");
  await decided(ana, proposal, "return");
  const revised = await act(bot, proposal, "revise", { arguments: refund() });
  await decided(ana, revised.body, "approve");
  const types = [];
  for (let i = 0; i < 3; i++) {
    types.push((await receiver.next()).body.type);
  }
  assert.deepEqual(types, ["proposal.returned", "proposal.returned", "proposal.released"]);
});

/* --- what answers lead to --------------------------------------------------------------------------- */

/* The first answer, the error that it is, and whether it comes again. */
const ANSWERS = [
  ["500", { status: 500 }, "status", 500, true],
  ["404", { status: 404 }, "status", 404, true],
  ["429 with Retry-After", { status: 429, headers: { "retry-after": "2" } }, "status", 429, true],
  ["a redirect, which is not followed", { status: 307, headers: { location: "/elsewhere" } }, "redirect", 307, true],
  ["410", { status: 410 }, "gone", 410, false],
  ["silence", { hang: true }, "timeout", null, true],
];
for (const [name, answer, error, status, again] of ANSWERS) {
  test(`${name}: ${again ? "tried again, the same bytes" : "given up at once"}`, async () => {
    receiver.answers.push(answer);
    await act(bot, await withCallback("/answers"), "withdraw");
    const first = await receiver.next();
    const row = await until(() => one(first.body.id), ({ attempts }) => attempts === 1);
    assert.deepEqual([row.last_error, row.last_status], [error, status]);
    assert.equal(row.status, again ? "pending" : "dead");
    if (!again) {
      return;
    }
    const second = await receiver.next();
    assert.deepEqual([second.path, second.text], ["/answers", first.text]);
    assert.equal(second.headers["webhook-id"], first.headers["webhook-id"]);
    webhook.verify(second.text, second.headers);
    const waited = Date.parse(row.next_attempt_at) - Date.parse(row.last_attempt_at);
    const least = answer.headers?.["retry-after"] ? 2000 : 1000;
    assert.ok(waited >= least && waited <= least * 1.2, `${waited} ms`);
    assert.equal((await ended(first.body.id)).attempts, 2);
  });
}

test("an answer of many bytes is cut off, and counts by its status", async () => {
  receiver.answers.push({ status: 200, text: "x".repeat(4 << 20) });
  await act(bot, await withCallback("/large"), "withdraw");
  const { body } = await receiver.next();
  assert.equal((await ended(body.id)).status, "delivered");
});

test("a host that does not answer does not hold up another", async (t) => {
  const other = await startReceiver(t);
  const second = await server.cli("agent", "add", "second", "--owner", "ana", "--host", "127.0.0.2", "--host", "127.0.0.1");
  const agent = await server.key("second", second.id);
  const deaf = Array.from({ length: 40 }, () => ({ hang: true }));
  other.answers.push(...deaf);
  for (let i = 0; i < 12; i++) {
    await act(agent, await propose(agent, { callback: { url: `http://127.0.0.1:${other.port}/` } }), "withdraw");
  }
  const began = Date.now();
  const free = await propose(agent, { callback: { url: `http://127.0.0.2:${receiver.port}/` } });
  await act(agent, free, "withdraw");
  const [row] = await until(list, ([newest]) => newest.attempts === 1);
  assert.deepEqual([row.proposal, row.last_error], [free.id, "connection"], "nobody listens at 127.0.0.2");
  assert.ok(Date.now() - began < 900, "and it did not wait for the time-out of the other");
});

/* --- people ------------------------------------------------------------------------------------------ */

test("a dead letter is seen, sent again, and arrives", async () => {
  receiver.answers.push({ status: 410 });
  await act(bot, await withCallback("/dead"), "withdraw");
  const { body } = await receiver.next();
  await ended(body.id);
  const [row] = await list("?status=dead");
  assert.deepEqual([row.id, row.host, row.agent.name, row.type], [body.id, "127.0.0.1", "bot", "proposal.withdrawn"]);
  assert.ok(!JSON.stringify(row).includes("/dead"), "the path may hold a secret");
  const answer = await lea.post(`/v1/webhooks/${body.id}/resend`, {}, { key: "again" });
  assert.deepEqual([answer.status, answer.body.status, answer.body.attempts], [200, "pending", 0]);
  assert.equal((await receiver.next()).headers["webhook-id"], body.id);
  assert.equal((await ended(body.id)).status, "delivered");
  const replay = await lea.post(`/v1/webhooks/${body.id}/resend`, {}, { key: "again" });
  assert.equal(replay.headers["idempotent-replay"], "true");
});

test("the command line lists and sends again", async () => {
  receiver.answers.push({ status: 410 });
  await act(bot, await withCallback("/cli"), "withdraw");
  const { body } = await receiver.next();
  await ended(body.id);
  const listed = await server.cli("webhook", "list", "--status", "dead");
  assert.equal(listed.items[0].id, body.id);
  const { code, stdout } = await fermata(["webhook", "list", "--data", server.data]);
  assert.ok(code === 0 && stdout.includes("HTTP") === false && stdout.includes("gone"), stdout);
  assert.equal((await server.cli("webhook", "resend", body.id)).id, body.id);
  assert.equal((await receiver.next()).body.id, body.id);
  const wrong = await fermata(["webhook", "resend", `evt_${"0".repeat(26)}`, "--data", server.data]);
  const lost = await fermata(["webhook", "list", "--status", "lost", "--data", server.data]);
  assert.ok(lost.code === 2 && lost.stderr.includes("--status is pending, delivered or dead"), lost.stderr);
  assert.deepEqual([wrong.code, wrong.stderr], [1, "fermata: there is no such callback, or no more\n"]);
});

test("pages of the list", async () => {
  const all = await list("?limit=200");
  const first = (await lea.get("/v1/webhooks?limit=2")).body;
  const second = (await lea.get(`/v1/webhooks?limit=2&cursor=${first.next_cursor}`)).body;
  assert.deepEqual(
    [...first.items, ...second.items].map(({ id }) => id),
    all.slice(0, 4).map(({ id }) => id),
  );
  for (const query of ["?status=lost", "?limit=0", "?cursor=x", "?agent=x"]) {
    expectProblem(await lea.get(`/v1/webhooks${query}`), 422, query === "?agent=x" ? "unknown-member" : "invalid-argument");
  }
});

test("only leads and administrators see callbacks, and only administrators make secrets", async () => {
  const [{ id }] = await list();
  for (const who of [ana, aud, bot]) {
    expectProblem(await who.get("/v1/webhooks"), 403, "forbidden");
    expectProblem(await who.post(`/v1/webhooks/${id}/resend`), 403, "forbidden");
  }
  for (const who of [ana, aud, lea, bot]) {
    expectProblem(await who.post(`/v1/agents/${made.id}/webhook-secret`), 403, "forbidden");
  }
  for (const path of ["/v1/webhooks", `/v1/webhooks/${id}/resend`, `/v1/agents/${made.id}/webhook-secret`]) {
    const method = path === "/v1/webhooks" ? "GET" : "POST";
    expectProblem(await server.public.request(method, path), 401, "unauthenticated");
  }
  expectProblem(await lea.post(`/v1/webhooks/evt_${"0".repeat(25)}1/resend`), 404, "not-found");
  expectProblem(await lea.post("/v1/webhooks/x/resend"), 404, "not-found");
  expectProblem(await adm.post(`/v1/agents/agt_${"0".repeat(25)}1/webhook-secret`), 404, "not-found");
  expectProblem(await lea.post(`/v1/webhooks/${id}/resend`, { x: 1 }), 422, "unknown-member", "/x");
  await lea.post(`/v1/webhooks/${id}/resend`, {}, { key: "mismatch" });
  expectProblem(await lea.postRaw(`/v1/webhooks/${id}/resend`, "", { key: "mismatch" }), 422, "idempotency-mismatch");
});

test("a replaced secret signs besides the new one", async () => {
  const { body } = await adm.post(`/v1/agents/${made.id}/webhook-secret`);
  assert.notEqual(body.webhook_secret, made.webhook_secret);
  const proposal = await withCallback("/rotated");
  await act(bot, proposal, "withdraw");
  let got = await receiver.next();
  while (got.body.proposal !== proposal.id) {
    got = await receiver.next(); // what was sent again above
  }
  assert.equal(got.headers["webhook-signature"].split(" ").length, 2);
  new Webhook(body.webhook_secret).verify(got.text, got.headers);
  webhook.verify(got.text, got.headers);
  assert.throws(() => new Webhook(`whsec_${"A".repeat(32)}`).verify(got.text, got.headers));
  const cli = await server.cli("webhook", "secret", "bot");
  assert.match(cli.webhook_secret, /^whsec_[A-Za-z0-9+/]{32}$/);
});

test("every secret of the last 24 hours signs, and none is given up for one more", async () => {
  const own = await server.cli("agent", "add", "often", "--owner", "ana", "--host", "127.0.0.1");
  const agent = await server.key("often", own.id);
  const rotate = () => adm.post(`/v1/agents/${own.id}/webhook-secret`);
  const secrets = [own.webhook_secret];
  for (let i = 0; i < 4; i += 1) {
    secrets.push((await rotate()).body.webhook_secret);
  }
  assert.match(expectProblem(await rotate(), 409, "rotated-too-often").detail, /can be made at 20/);
  const proposal = await propose(agent, { callback: { url: `${receiver.url}/often` } });
  await act(agent, proposal, "withdraw");
  const { text, headers } = await receiver.next();
  assert.equal(headers["webhook-signature"].split(" ").length, 5);
  secrets.forEach((secret) => new Webhook(secret).verify(text, headers));
});

/* --- hosts -------------------------------------------------------------------------------------------- */

test("the refusal of a host says what to do, and that works", async () => {
  const url = "https://late.example/hooks";
  const { size } = (await aud.get("/v1/audit/entries?limit=1")).body;
  const ask = () => bot.post("/v1/proposals", { action: "ticket.tag", arguments: {}, callback: { url } });
  const problem = expectProblem(await ask(), 422, "invalid-argument", "/callback/url");
  const advised = /`fermata (agent hosts bot --add late\.example)`/.exec(problem.detail);
  assert.ok(advised, problem.detail);
  assert.deepEqual(await server.cli(...advised[1].split(" ")), {
    agent: "bot",
    hosts: ["127.0.0.1", "agent.example", "late.example"],
  });
  assert.equal((await ask()).status, 201);
  const hosts = `/v1/agents/${made.id}/hosts`;
  const answer = await adm.post(hosts, { remove: ["late.example"], add: ["new.example", "agent.example"] });
  assert.equal(schemaFault("AgentHosts", answer.body), null);
  assert.deepEqual(answer.body, { id: made.id, hosts: ["127.0.0.1", "agent.example", "new.example"] });
  expectProblem(await ask(), 422, "invalid-argument", "/callback/url");
  const listed = (await lea.get("/v1/agents")).body.items.find(({ id }) => id === made.id);
  assert.deepEqual(listed.hosts, answer.body.hosts);
  const entries = (await aud.get(`/v1/audit/entries?from=${size}`)).body.items.filter(
    ({ entry }) => entry.kind === "agent.hosts_changed",
  );
  assert.deepEqual(
    entries.map(({ entry }) => [entry.by.kind, entry.data.agent]),
    [
      ["operator", made.id],
      ["reviewer", made.id],
    ],
  );
  await server.cli("agent", "hosts", "bot");
  await adm.post(hosts, { add: ["new.example"] }); // neither changes anything
  await adm.post(hosts, { remove: ["new.example"] });
  assert.match((await fermata(["agent", "hosts", "bot", "--data", server.data])).stdout, /go to 127\.0\.0\.1, agent\.example\.$/m);
});

const BAD_HOSTS = [
  ["nothing", {}, "invalid-argument", "/add"],
  ["a scheme", { add: ["https://x.example"] }, "invalid-argument", "/add/0"],
  ["a number", { add: [1] }, "invalid-argument", "/add/0"],
  ["one that is not there", { remove: ["127.0.0.1", "agent.exampel"] }, "invalid-argument", "/remove/1"],
  ["more than 16", { add: Array.from({ length: 16 }, (_, n) => `h${n}.example`) }, "invalid-argument", "/add"],
  ["a member unknown", { add: [], hosts: [] }, "unknown-member", "/hosts"],
];
for (const [name, body, error, pointer] of BAD_HOSTS) {
  test(`refused as a change of hosts: ${name}`, async () => {
    const before = (await server.cli("agent", "hosts", "bot")).hosts;
    expectProblem(await adm.post(`/v1/agents/${made.id}/hosts`, body), 422, error, pointer);
    assert.deepEqual((await server.cli("agent", "hosts", "bot")).hosts, before);
  });
}

test("only administrators say where callbacks may go", async () => {
  for (const who of [ana, aud, lea, bot]) {
    expectProblem(await who.post(`/v1/agents/${made.id}/hosts`, { add: ["x.example"] }), 403, "forbidden");
  }
  expectProblem(await adm.post(`/v1/agents/agt_${"0".repeat(25)}1/hosts`, { add: ["x.example"] }), 404, "not-found");
  const { code, stderr } = await fermata(["agent", "hosts", "nobody", "--add", "x.example", "--data", server.data]);
  assert.deepEqual([code, /there is no agent named nobody/.test(stderr)], [1, true]);
});

/* --- the guide ---------------------------------------------------------------------------------------- */

const GUIDE = readFileSync(join(ROOT, "docs", "guide", "integrators.md"), "utf8");
const printed = (language) => new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(GUIDE)[1];
const PROGRAMS = [
  ["Python", "python3", ["-c", printed("python")]],
  ["JavaScript", process.execPath, ["--input-type=module", "-e", printed("javascript")]],
];
for (const [language, command, args] of PROGRAMS) {
  test(`the receiver in ${language} that the guide prints`, async (t) => {
    const { webhook_secret: secret } = (await adm.post(`/v1/agents/${made.id}/webhook-secret`)).body;
    const child = spawn(command, args, {
      cwd: join(ROOT, "tests"), // where the package is found
      env: { ...process.env, PORT: "0", FERMATA_WEBHOOK_SECRET: secret, PYTHONPATH: join(ROOT, "sdk", "python", "src") },
      stdio: ["ignore", "pipe", "ignore"],
    });
    t.after(() => child.kill("SIGKILL"));
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text) => (said += text));
    const port = await until(() => /listening on (\d+)/.exec(said)?.[1], Boolean);
    const proposal = await propose(bot, { callback: { url: `http://127.0.0.1:${port}/` } });
    await decided(ana, proposal);
    await until(() => said, (text) => text.includes(`${proposal.id} is approved`));
    const forged = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: "{}" });
    assert.equal(forged.status, 400);
    const [row] = await until(list, ([newest]) => newest.proposal === proposal.id && newest.status !== "pending");
    assert.equal(row.status, "delivered");
  });
}

/* --- trace context ----------------------------------------------------------------------------------- */

test("a traceparent is kept with the proposal and sent with its callback", async () => {
  const proposal = await withCallback("/traced", {}, { headers: { traceparent: TRACE } });
  await act(bot, proposal, "withdraw");
  const { headers } = await receiver.next();
  assert.equal(headers.traceparent, TRACE);
  assert.equal((await read(ana, proposal)).trace, TRACE);
  assert.equal((await read(bot, proposal)).trace, undefined);
});

for (const [name, header] of [
  ["of version ff", TRACE.replace("00", "ff")],
  ["without a trace", `00-${"0".repeat(32)}-00f067aa0ba902b7-01`],
  ["in upper case", TRACE.toUpperCase()],
  ["with something behind it", `${TRACE}-x`],
]) {
  test(`a traceparent ${name} is ignored`, async () => {
    const proposal = await propose(bot, {}, { headers: { traceparent: header } });
    assert.equal((await read(ana, proposal)).trace, null);
  });
}

/* --- restarts ---------------------------------------------------------------------------------------- */

test("what could not be delivered is delivered by the next server, and can be sent again in between", async (t) => {
  const away = await startReceiver(t);
  away.close();
  const proposal = await propose(bot, { callback: { url: `${away.url}/late` } });
  await act(bot, proposal, "withdraw");
  const [row] = await until(list, ([newest]) => newest.proposal === proposal.id && newest.attempts > 0);
  await server.kill();
  const offline = (await server.cli("webhook", "list", "--status", "pending")).items;
  assert.ok(offline.some(({ id }) => id === row.id));
  assert.deepEqual((await server.cli("webhook", "resend", row.id)).attempts, 0);
  const back = await startReceiver(t, away.port);
  await server.start();
  assert.equal((await back.next()).body.proposal, proposal.id);
});
