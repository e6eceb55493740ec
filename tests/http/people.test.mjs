// SPDX-License-Identifier: Apache-2.0
/*
 * People, agents, queues and categories over HTTP, and the log's public face.
 */
import assert from "node:assert/strict";
import { createHash, createPublicKey, verify } from "node:crypto";
import test, { after } from "node:test";

import { Caller } from "./server.mjs";
import { decided, expectProblem, propose, read, refund, startWorld } from "./world.mjs";

const world = await startWorld({ after }, { people: ["ana", "ben", "lea", "adm", "aud"], agents: ["bot", "other"] });
const { server, bot, other, ana, ben, lea, adm, aud } = world;
const AGENT = { name: "fresh-bot", owner: "ana", hosts: ["agent.example", "10.0.0.1"] };

test("a new agent: its key works at once, and is shown this once", async () => {
  const { status, body } = await adm.post("/v1/agents", AGENT);
  assert.equal(status, 201);
  const fresh = new Caller(server, {
    name: AGENT.name,
    kind: "agent",
    headersFor: () => ({ authorization: `Bearer ${body.key}` }),
  });
  assert.deepEqual((await fresh.get("/v1/me")).body, { id: body.id, name: AGENT.name, kind: "agent" });
  const list = await lea.get("/v1/agents");
  assert.deepEqual(
    list.body.items.find(({ name }) => name === AGENT.name),
    { id: body.id, name: AGENT.name, owner: { id: ana.id, name: "ana" }, hosts: AGENT.hosts },
  );
  assert.equal(list.text.includes(body.key) || list.text.includes(body.webhook_secret), false);
  await propose(fresh);
});

test("a repeated creation under another Idempotency-Key does not tell the key again", async () => {
  const first = await adm.post("/v1/agents", { name: "once", owner: "ana" }, { key: "k1" });
  const again = await adm.post("/v1/agents", { name: "once", owner: "ana" }, { key: "k2" });
  assert.equal(first.status, 201);
  expectProblem(again, 409, "already-exists");
  assert.equal(again.text.includes(first.body.key), false);
});

const BAD_AGENTS = [
  ["no name", { name: undefined }, 422, "invalid-argument", "/name"],
  ["no owner", { owner: undefined }, 422, "invalid-argument", "/owner"],
  ["an owner who is not there", { owner: "nobody" }, 404, "not-found"],
  ["a name with a capital", { name: "Bot" }, 422, "invalid-argument", "/name"],
  ["a name with a blank", { name: "a bot" }, 422, "invalid-argument", "/name"],
  ["a name of two scripts", { name: "p\u0430ypal" }, 422, "invalid-argument", "/name"],
  ["a name with a hidden character", { name: "a\u200bb" }, 422, "invalid-argument", "/name"],
  ["a name of 65 bytes", { name: "a".repeat(65) }, 422, "invalid-argument", "/name"],
  ["a host that is a number", { hosts: [1] }, 422, "invalid-argument", "/hosts/0"],
  ["33 hosts", { hosts: Array(33).fill("a.example") }, 422, "invalid-argument", "/hosts"],
  ["a key of its own", { key: "fka_x" }, 422, "unknown-member", "/key"],
];
for (const [name, members, status, error, pointer] of BAD_AGENTS) {
  test(`refused as an agent: ${name}`, async () => {
    expectProblem(await adm.post("/v1/agents", { ...AGENT, name: "never-made", ...members }), status, error, pointer);
    assert.equal(
      (await lea.get("/v1/agents")).body.items.some(({ name: each }) => each === "never-made"),
      false,
    );
  });
}

test("people with their roles, without secrets", async () => {
  for (const who of [lea, adm, aud]) {
    const { body, text } = await who.get("/v1/people");
    assert.deepEqual(body.items.find(({ name }) => name === "lea").roles, ["lead"]);
    assert.doesNotMatch(text, /"password"|\$argon|fkr_|fkc_/);
  }
});

test("queues: who is in them and what waits there", async () => {
  const before = (await ana.get("/v1/queues")).body.items.find(({ name }) => name === "general");
  const made = await propose(bot);
  const { items } = (await ana.get("/v1/queues")).body;
  const [general, leads] = ["general", "leads"].map((wanted) => items.find(({ name }) => name === wanted));
  assert.deepEqual(general.members.map(({ name }) => name).sort(), ["ana", "ben"]);
  assert.deepEqual(leads.members, [{ id: lea.id, name: "lea" }]);
  assert.deepEqual([general.backup, leads.backup], ["leads", null]);
  assert.equal(general.pending, before.pending + 1);
  assert.ok(general.oldest_at <= made.created_at);
  assert.deepEqual([leads.pending, leads.oldest_at], [0, null]);
});

test("categories: what people decided, for each agent", async (t) => {
  const fresh = await startWorld(t, { people: ["ana"], agents: ["bot", "other"] });
  for (const verdict of ["approve", "approve", "reject", "return"]) {
    await decided(fresh.ana, await propose(fresh.bot), verdict);
  }
  await decided(fresh.ana, await propose(fresh.bot), "modify", { arguments: refund({ amount: 1 }) });
  await decided(fresh.ana, await propose(fresh.other, { action: "note.write" }));
  await propose(fresh.bot, { action: "ticket.tag" }); // the policy's decisions are not people's
  await propose(fresh.bot, { action: "customer.export" });
  const { items } = (await fresh.ana.get("/v1/categories")).body;
  const of = (agent, category) => items.find((each) => each.agent.name === agent && each.category === category);
  assert.deepEqual(of("bot", "refund.issue"), {
    agent: { id: fresh.bot.id, name: "bot" },
    category: "refund.issue",
    level: "review_all",
    reviewed: 4,
    errors: 2,
    upper_bound: null,
    review_share: 1,
    approved: 2,
    modified: 1,
    rejected: 1,
    returned: 1,
    expired: 0,
  });
  assert.equal(of("other", "note.write").approved, 1);
  assert.equal(of("bot", "ticket.tag"), undefined);
  const one = (await fresh.ana.get(`/v1/categories?agent=${fresh.other.id}`)).body.items;
  assert.deepEqual(
    one.map(({ category }) => category),
    ["note.write"],
  );
  assert.deepEqual((await fresh.ana.get(`/v1/categories?agent=agt_${"0".repeat(25)}1`)).body.items, []);
  expectProblem(await fresh.ana.get("/v1/categories?agent=bot"), 422, "invalid-argument", "/agent");
  const { counts } = await read(fresh.ana, await propose(fresh.bot));
  assert.deepEqual(counts, { approved: 2, modified: 1, rejected: 1, returned: 1, expired: 0 });
});

test("me: name, roles, queues and how one came", async () => {
  const me = (await ana.get("/v1/me")).body;
  assert.deepEqual(
    [me.id, me.name, me.kind, me.roles, me.queues, me.via],
    [ana.id, "ana", "person", ["reviewer"], ["general"], "page"],
  );
  assert.deepEqual(me.reasons, ["wrong_amount", "policy", "other"]);
  assert.deepEqual((await lea.get("/v1/me")).body.queues, ["leads"]);
  assert.equal((await (await server.token("ben")).get("/v1/me")).body.expires_at, null);
  assert.equal((await ben.get("/v1/me")).body.name, "ben");
});

/* --- the log ---------------------------------------------------------------------------------------------- */

test("the checkpoint is a note that the published key has signed (C2SP signed-note)", async () => {
  const vkey = (await server.public.get("/log/vkey")).text.trim();
  const [name, hash, key] = vkey.match(/^(.+)\+([0-9a-f]{8})\+(.+)$/).slice(1);
  const bytes = Buffer.from(key, "base64");
  assert.equal(bytes[0], 1, "Ed25519");
  assert.equal(createHash("sha256").update(`${name}\n`).update(bytes).digest("hex").slice(0, 8), hash);
  const { text } = await server.public.get("/log/checkpoint");
  const end = text.indexOf("\n\n") + 1;
  const [note, signatures] = [text.slice(0, end), text.slice(end + 1)];
  assert.match(note, new RegExp(`^${name}\\n\\d+\\n[A-Za-z0-9+/]{43}=\\n`));
  const signature = Buffer.from(signatures.match(/^— \S+ (\S+)\n$/)[1], "base64");
  assert.equal(signature.subarray(0, 4).toString("hex"), hash);
  const publicKey = createPublicKey({
    key: { kty: "OKP", crv: "Ed25519", x: bytes.subarray(1).toString("base64url") },
    format: "jwk",
  });
  assert.ok(verify(null, Buffer.from(note), publicKey, signature.subarray(4)));
});

test("the log grows with what happens, and a decision names its entry", async () => {
  const size = async () => Number((await server.public.get("/log/checkpoint")).text.split("\n")[1]);
  const { decision } = await decided(ana, await propose(other));
  const pending = await propose(other);
  await read(other, pending, "2s"); // a head is signed every second
  assert.ok((await size()) > decision.log.index);
});

test("healthz and readyz", async () => {
  assert.deepEqual((await server.public.get("/healthz")).body, { status: "ok" });
  const { status, checks } = (await server.public.get("/readyz")).body;
  assert.equal(status, "ok");
  assert.deepEqual(
    checks.map(({ name }) => name),
    ["writes", "disk", "policy", "queues", "files", "clock"],
  );
  for (const check of checks.filter((each) => each.status === "ok")) {
    assert.deepEqual(Object.keys(check), ["name", "status"], "what is well says no more to strangers");
  }
});
