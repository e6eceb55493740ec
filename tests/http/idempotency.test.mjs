// SPDX-License-Identifier: Apache-2.0
/*
 * Repeated writes: the same key and body give the first answer again, at once or while the first is on
 * its way; another body, caller or path is another matter.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test, { after } from "node:test";

import { PASSWORD, ROOT } from "./server.mjs";
import { act, approved, decide, expectProblem, policyText, propose, read, refund, startWorld } from "./world.mjs";

const world = await startWorld({ after }, { people: ["ana", "ben", "lea", "adm", "pol"], agents: ["bot", "other"] });
const { server, bot, other, ana, ben, lea, adm, pol } = world;

const isReplay = ({ headers }) => headers["idempotent-replay"] === "true";

test("a proposal: 201, then 200 with the same body, and one proposal", async () => {
  const key = randomUUID();
  const body = { action: "refund.issue", arguments: refund() };
  const first = await bot.post("/v1/proposals", body, { key });
  const second = await bot.post("/v1/proposals", body, { key });
  assert.deepEqual([first.status, second.status], [201, 200]);
  assert.deepEqual([isReplay(first), isReplay(second)], [false, true]);
  assert.equal(second.text, first.text);
  const { items } = (await bot.get("/v1/proposals?limit=2")).body;
  assert.equal(items.filter(({ id }) => id === first.body.id).length, 1);
  assert.notEqual(items[1]?.arguments_digest, first.body.arguments_digest);
});

test("the first answer is given again, not the present state", async () => {
  const key = randomUUID();
  const body = { action: "refund.issue", arguments: refund() };
  const first = await bot.post("/v1/proposals", body, { key });
  await decide(ana, first.body, "reject");
  const again = await bot.post("/v1/proposals", body, { key });
  assert.equal(again.body.status, "pending");
  assert.equal((await read(bot, first.body)).status, "rejected");
});

test("the same body written otherwise is the same body", async () => {
  const key = randomUUID();
  const first = await bot.postRaw("/v1/proposals", '{"action":"note.write","arguments":{"a":1,"b":2}}', { key });
  const second = await bot.postRaw("/v1/proposals", '{ "arguments": {"b": 2.0, "a": 1e0}, "action": "note.write" }', {
    key,
  });
  assert.equal(second.status, 200, second.text);
  assert.equal(second.body.id, first.body.id);
});

test("another body is 422, and the first stands", async () => {
  const key = randomUUID();
  const first = await bot.post("/v1/proposals", { action: "note.write", arguments: { n: 1 } }, { key });
  expectProblem(
    await bot.post("/v1/proposals", { action: "note.write", arguments: { n: 2 } }, { key }),
    422,
    "idempotency-mismatch",
  );
  assert.equal(
    (await bot.post("/v1/proposals", { action: "note.write", arguments: { n: 1 } }, { key })).body.id,
    first.body.id,
  );
});

test("many at once with one key: one proposal, and all get its answer", async () => {
  const key = randomUUID();
  const body = { action: "refund.issue", arguments: refund() };
  const answers = await Promise.all(Array.from({ length: 40 }, () => bot.post("/v1/proposals", body, { key })));
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
  assert.equal(answers.filter(({ status }) => status === 201).length, 1);
  assert.equal(answers.filter(isReplay).length, 39);
});

test("many at once with one key and two bodies: one body wins", async () => {
  const key = randomUUID();
  const bodies = [1, 2].map((n) => ({ action: "note.write", arguments: { race: n } }));
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => bot.post("/v1/proposals", bodies[i % 2], { key })),
  );
  assert.deepEqual(answers.map(({ status }) => status).sort(), [...Array(9).fill(200), 201, ...Array(10).fill(422)]);
  assert.equal(new Set(answers.filter(({ status }) => status < 300).map(({ body }) => body.id)).size, 1);
});

test("the scope: caller, method and path", async () => {
  const key = randomUUID();
  const body = { action: "note.write", arguments: {} };
  const first = await bot.post("/v1/proposals", body, { key });
  const theirs = await other.post("/v1/proposals", body, { key });
  assert.equal(theirs.status, 201);
  assert.notEqual(theirs.body.id, first.body.id);
  const second = await propose(bot);
  assert.equal((await act(bot, first.body, "withdraw", {}, { key })).status, 200);
  const elsewhere = await act(bot, second, "withdraw", {}, { key });
  assert.deepEqual([elsewhere.status, isReplay(elsewhere)], [200, false]);
});

test("two keys of one agent are one caller", async () => {
  const key = randomUUID();
  const body = { action: "note.write", arguments: { k: 2 } };
  const first = await bot.post("/v1/proposals", body, { key });
  const again = await (await server.key("bot", bot.id)).post("/v1/proposals", body, { key });
  assert.equal(again.body.id, first.body.id);
});

test("session and token of one person are one caller", async () => {
  const key = randomUUID();
  const made = await propose(bot);
  const first = await act(ana, made, "comment", { text: "Once" }, { key });
  const again = await act(await server.token("ana"), made, "comment", { text: "Once" }, { key });
  assert.deepEqual([first.status, again.status], [201, 200]);
  assert.equal(again.text, first.text);
  assert.equal((await read(ana, made)).comments.length, 1);
});

/* Every write that accepts a key, with what it is tried on. */
const WRITES = [
  ["claim", () => propose(bot), (made, options) => act(ana, made, "claim", {}, options)],
  ["unclaim", () => propose(bot), (made, options) => act(ana, made, "unclaim", {}, options)],
  ["approve", () => propose(bot), (made, options) => decide(ana, made, "approve", {}, options)],
  ["modify", () => propose(bot), (made, options) => decide(ana, made, "modify", { arguments: { n: 1 } }, options)],
  ["reject", () => propose(bot), (made, options) => decide(ana, made, "reject", {}, options)],
  ["withdraw", () => propose(bot), (made, options) => act(bot, made, "withdraw", {}, options)],
  ["outcome", () => approved(bot, ana), (made, options) => act(bot, made, "outcome", { status: "failed" }, options)],
  [
    "revise",
    async () => {
      const made = await propose(bot);
      await decide(ana, made, "return");
      return made;
    },
    (made, options) => act(bot, made, "revise", { brief: { summary: "S" } }, options),
  ],
  [
    "redeem",
    () => approved(bot, ana),
    (made, options) => bot.post("/v1/permits/redeem", { permit: made.permit, arguments: made.arguments }, options),
  ],
];
for (const [name, prepare, write] of WRITES) {
  test(`${name}: a lost answer is asked again`, async () => {
    const made = await prepare();
    const key = randomUUID();
    const answers = await Promise.all([write(made, { key }), write(made, { key })]);
    answers.push(await write(made, { key }));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200],
      answers.map(({ text }) => text.slice(0, 200)).join("\n"),
    );
    assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
    assert.equal(answers.filter(isReplay).length, 2);
  });
}

/* --- every route that writes --------------------------------------------------------------------------- */

const proposed = async (end) => `/v1/proposals/${(await propose(bot)).id}/${end}`;
const invited = async () => (await adm.post("/v1/people", { name: `p-${randomUUID()}`, roles: ["reviewer"] })).body.id;
const version = async (road = {}) => {
  const yaml = policyText({ actions: `  more.${randomUUID()}: {then: allow}` });
  return (await pol.post("/v1/policies", { yaml, ...road })).body.id;
};
const replay = async () => (await pol.post("/v1/policies/backtest", { yaml: policyText() })).body.id;
const paused = async () => (await lea.post("/v1/pauses", { action: `x.${randomUUID()}`, reason: "R" })).body.id;

/* route -> who, path, a first body, another one; or why there is nothing to repeat. */
const ROUTES = {
  "POST /v1/proposals": () => [bot, "/v1/proposals", { action: "note.write", arguments: {} }, { action: "x.y", arguments: {} }],
  "POST /v1/proposals/{id}/decision": "WRITES above",
  "POST /v1/permits/redeem": "WRITES above",
  "POST /v1/proposals/{id}/outcome": "WRITES above",
  "POST /v1/proposals/batch": "a key for each item: batch.test.mjs",
  "POST /v1/decisions/batch": "a key for each item: batch.test.mjs",
  "POST /v1/proposals/{id}/revise": "WRITES above",
  "POST /v1/proposals/{id}/withdraw": async () => [bot, await proposed("withdraw"), undefined, {}],
  "POST /v1/proposals/{id}/claim": async () => [ana, await proposed("claim"), undefined, {}],
  "POST /v1/proposals/{id}/unclaim": async () => [ana, await proposed("unclaim"), undefined, {}],
  "POST /v1/proposals/{id}/undo": "undo, below",
  "POST /v1/proposals/{id}/comment": async () => [ana, await proposed("comment"), { text: "a" }, { text: "b" }],
  "POST /v1/session": "nobody is signed in: there is no caller whose key it could be",
  "POST /v1/session/link": "nobody is signed in; the code works once",
  "DELETE /v1/session": "whoever signed out is nobody any more",
  "POST /v1/me/password": async () => {
    const who = await server.person(`p-${randomUUID()}`, ["reviewer"]);
    const [current, password] = [PASSWORD, "four unrelated words here"];
    return [who, "/v1/me/password", { current, password }, { current: password, password: "four other words there" }];
  },
  "POST /v1/setup": "nobody is signed in; the link works once",
  "POST /v1/agents": () => {
    const name = `a-${randomUUID()}`;
    return [adm, "/v1/agents", { name, owner: "ana" }, { name, owner: "ben" }];
  },
  "POST /v1/agents/{agent}/hosts": () => {
    return [adm, `/v1/agents/${other.id}/hosts`, { add: ["a.example"] }, { add: ["b.example"] }];
  },
  "POST /v1/agents/{agent}/webhook-secret": () => [adm, `/v1/agents/${other.id}/webhook-secret`, undefined, {}],
  "POST /v1/people": () => {
    const name = `p-${randomUUID()}`;
    return [adm, "/v1/people", { name, roles: ["lead"] }, { name, roles: ["admin"] }];
  },
  "POST /v1/people/{person}/roles": async () => [
    adm, `/v1/people/${await invited()}/roles`, { roles: ["lead"] }, { roles: ["admin"] },
  ],
  "POST /v1/people/{person}/deactivate": async () => [adm, `/v1/people/${await invited()}/deactivate`, undefined, {}],
  "POST /v1/people/{person}/reactivate": async () => {
    const id = await invited();
    await adm.post(`/v1/people/${id}/deactivate`);
    return [adm, `/v1/people/${id}/reactivate`, undefined, {}];
  },
  "POST /v1/people/{person}/password-reset": async () => [
    adm, `/v1/people/${await invited()}/password-reset`, undefined, {},
  ],
  "POST /v1/keys": () => [adm, "/v1/keys", { agent: "bot" }, { agent: "other" }],
  "DELETE /v1/keys/{key}": async () => {
    const { id } = (await adm.post("/v1/keys", { agent: "bot" })).body;
    return [adm, `/v1/keys/${id}`, undefined, { a: 1 }];
  },
  "POST /v1/pauses": () => [lea, "/v1/pauses", { action: "x.y", reason: "a" }, { action: "x.y", reason: "b" }],
  "DELETE /v1/pauses/{pause}": async () => [lea, `/v1/pauses/${await paused()}`, undefined, { a: 1 }],
  "POST /v1/webhooks/{event}/resend": "needs a receiver: webhooks.test.mjs",
  "POST /v1/policies": () => {
    const yaml = policyText({ actions: `  more.${randomUUID()}: {then: allow}` });
    return [pol, "/v1/policies", { yaml }, { yaml: "version: 1\n" }]; // 202, a candidate
  },
  "POST /v1/policies/{policy}/activate": async () => [
    pol, `/v1/policies/${await version()}/activate`, { alone: true }, { alone: false },
  ],
  "POST /v1/policies/check": "changes nothing",
  "POST /v1/policies/backtest": () => [
    pol, "/v1/policies/backtest", { yaml: policyText() }, { yaml: policyText(), days: 2 },
  ],
  "DELETE /v1/policies/backtests/{backtest}": async () => [
    pol, `/v1/policies/backtests/${await replay()}`, undefined, { a: 1 },
  ],
  "POST /v1/policies/{policy}/shadow": async () => [pol, `/v1/policies/${await version()}/shadow`, undefined, {}],
  "DELETE /v1/policies/{policy}/shadow": async () => {
    const at = `/v1/policies/${await version()}/shadow`;
    await pol.post(at);
    return [pol, at, undefined, { a: 1 }];
  },
};

test("every route that writes is in the table", () => {
  const text = readFileSync(join(ROOT, "src", "api", "routes.c"), "utf8");
  const rows = [...text.matchAll(/\{HTTP_(POST|DELETE|PUT|PATCH), ((?:P )?"[^"]*"|P),/g)];
  const named = rows.map(([, method, path]) => `${method} ${path.replace(/^P ?/, "/v1/proposals").replaceAll('"', "")}`);
  assert.deepEqual(Object.keys(ROUTES).sort(), named.sort());
});

for (const [route, prepare] of Object.entries(ROUTES).filter(([, row]) => typeof row !== "string")) {
  const method = route.split(" ")[0];
  test(`${route}: the first answer again, and another body is 422`, async () => {
    const [who, path, body, otherBody] = await prepare();
    const key = randomUUID();
    const first = await who.request(method, path, { body, key });
    const again = await who.request(method, path, { body, key });
    assert.ok(first.status >= 200 && first.status < 300, first.text);
    assert.deepEqual([again.status, isReplay(first), isReplay(again)], [first.status === 201 ? 200 : first.status, false, true]);
    assert.equal(again.text, first.text);
    const refused = await who.request(method, path, { body: otherBody, key });
    expectProblem(refused, 422, "idempotency-mismatch");
  });
}

/* --- answers with a secret ------------------------------------------------------------------------------ */

const everything = async () =>
  (await Promise.all(["/v1/keys?revoked=1", "/v1/agents", "/v1/people"].map((path) => adm.get(path)))).flatMap(
    ({ body }) => body.items.map(({ id }) => id),
  );

for (const route of Object.keys(ROUTES).filter((each) =>
  /^POST .v1.(keys|agents|people|.*password-reset|.*webhook-secret)$/.test(each),
)) {
  test(`${route}: after a restart nothing new is made, and 409 says what was`, async () => {
    const [who, path, body, otherBody] = await ROUTES[route]();
    const key = randomUUID();
    const first = await who.request("POST", path, { body, key });
    const before = await everything();
    await server.restart({ hard: true });
    const problem = expectProblem(await who.request("POST", path, { body, key }), 409, "already-done");
    assert.equal(problem.id, first.body.id);
    assert.match(problem.detail, /was lost, .*(another|make)/);
    assert.deepEqual(await everything(), before);
    expectProblem(await who.request("POST", path, { body: otherBody, key }), 422, "idempotency-mismatch");
    const { key: secret = first.body.code ?? first.body.webhook_secret } = first.body;
    const files = readdirSync(server.data).filter((name) => name.startsWith("fermata.db"));
    const stored = files.some((name) => readFileSync(join(server.data, name)).includes(secret));
    assert.equal(stored, secret.startsWith("whsec_"), "only what signs is stored as it is");
  });
}

test("a password is changed once: the repetition is told so, without being a way to guess", async () => {
  const who = await server.person(`p-${randomUUID()}`, ["reviewer"]);
  const [key, body] = [randomUUID(), { current: PASSWORD, password: "four unrelated words here" }];
  assert.equal((await who.post("/v1/me/password", body, { key })).status, 204);
  expectProblem(await who.post("/v1/me/password", body, { key: randomUUID() }), 422, "invalid-argument", "/current");
  expectProblem(await who.post("/v1/me/password", body), 422, "invalid-argument", "/current");
  assert.equal((await who.post("/v1/me/password", body, { key })).status, 204);
});

test("undo: a lost answer is asked again", async (t) => {
  const slow = await startWorld(t, { policy: policyText({ defaults: { undo: "60s" } }) });
  const made = await propose(slow.bot);
  await decide(slow.ana, made, "approve");
  const first = await act(slow.ana, made, "undo", {}, { key: "undo" });
  await decide(slow.ana, made, "approve");
  const again = await act(slow.ana, made, "undo", {}, { key: "undo" });
  assert.deepEqual([first.status, again.status, again.text], [200, 200, first.text]);
  assert.equal((await read(slow.ana, made)).hold.phase, "undo", "the second decision was not undone");
  expectProblem(
    await slow.ana.request("POST", `/v1/proposals/${made.id}/undo`, { key: "undo" }),
    422,
    "idempotency-mismatch",
  );
});

test("redeem with another key is used, whatever the first key was", async () => {
  const made = await approved(bot, ana);
  const body = { permit: made.permit, arguments: made.arguments };
  await bot.post("/v1/permits/redeem", body, { key: randomUUID() });
  expectProblem(await bot.post("/v1/permits/redeem", body, { key: randomUUID() }), 409, "permit-used");
});

test("a refusal is not kept: the same key works once its cause is gone", async () => {
  const made = await propose(bot);
  await act(ben, made, "claim");
  const key = randomUUID();
  expectProblem(await decide(ana, made, "approve", {}, { key }), 409, "claimed");
  await act(ben, made, "unclaim");
  assert.equal((await decide(ana, made, "approve", {}, { key })).status, 200);
});

test("answers are kept over a kill and a restart", async () => {
  const key = randomUUID();
  const body = { action: "refund.issue", arguments: refund() };
  const first = await bot.post("/v1/proposals", body, { key });
  await server.restart({ hard: true });
  const again = await bot.post("/v1/proposals", body, { key });
  assert.deepEqual([again.status, isReplay(again), again.text], [200, true, first.text]);
});

test("at the limit: a key of 255 characters", async () => {
  const answer = await bot.post("/v1/proposals", { action: "note.write", arguments: {} }, { key: "k".repeat(255) });
  assert.equal(answer.status, 201);
});

for (const key of ["k".repeat(256), "a b", "käse"]) {
  test(`refused: the key ${key.slice(0, 10)}`, async () => {
    const answer = await bot.post(
      "/v1/proposals",
      { action: "note.write", arguments: {} },
      { key: Buffer.from(key).toString("latin1") },
    );
    expectProblem(answer, 422, "invalid-argument", "/Idempotency-Key");
  });
}
