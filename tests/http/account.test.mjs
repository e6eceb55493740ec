// SPDX-License-Identifier: Apache-2.0
/*
 * Accounts: the first admin by the setup link, passwords that only their person knows, resets, roles, leaving
 * and coming back; service tokens, revoking, and the access review.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import test, { after } from "node:test";

import { fermata, PASSWORD } from "./server.mjs";
import { act, decide, decided, expectProblem, propose, read, startWorld } from "./world.mjs";

const NEW = "four unrelated words here";
const world = await startWorld({ after }, { people: ["ana", "ben", "lea", "adm", "aud"], agents: ["bot"] });
const { server, bot, ana, lea, adm, aud } = world;

const people = async () => (await adm.get("/v1/people?deactivated=1")).body.items;
const person = async (name) => (await people()).find((each) => each.name === name);

let counter = 0;

/* Somebody of whom no other test needs anything, signed in. */
async function fresh(roles = ["reviewer"]) {
  counter += 1;
  return server.person(`p${counter}`, roles);
}

const change = (who, body) => who.post("/v1/me/password", body);
const reset = async (who, by = adm) => {
  const answer = await by.post(`/v1/people/${who.id}/password-reset`);
  assert.equal(answer.status, 200, answer.text);
  return answer.body.code;
};

/* Entries of the log about a person, as the store has them. */
function changes({ id }) {
  const sql = `SELECT json_extract(entry,'$.data.change') || ' ' || json_extract(entry,'$.by.kind') FROM log_entries
    WHERE json_extract(entry,'$.kind') = 'person.changed' AND json_extract(entry,'$.data.person') = '${id}' ORDER BY idx`;
  return execFileSync("sqlite3", ["-readonly", join(server.data, "fermata.db"), sql], { encoding: "utf8" })
    .trim()
    .split("\n");
}

/* --- the first start --------------------------------------------------------------------------------- */

const linkOf = ({ out }) => /(http\S+)\/setup#(fkf_[\w-]{43})\n/.exec(out);

async function empty(t) {
  const { server: own } = await startWorld(t, { people: [], agents: [] });
  return own;
}

test("setup: the link is printed once, its token makes the first admin, once", async (t) => {
  const own = await empty(t);
  const [, origin, token] = linkOf(own);
  assert.equal(origin, own.origin);
  assert.equal(own.log.includes(token), false, "not in the log");
  const body = { token, name: "eva", password: NEW, roles: ["lead"] };
  const answer = await own.public.post("/v1/setup", body);
  assert.equal(answer.status, 201, answer.text);
  const eva = await own.signIn("eva", NEW);
  assert.deepEqual((await eva.get("/v1/me")).body.roles, ["lead", "admin"]);
  assert.equal(answer.body.id, eva.id);
  expectProblem(await own.public.post("/v1/setup", { ...body, name: "mallory" }), 403, "forbidden");
  await own.restart();
  assert.equal(linkOf(own), null, "no link when somebody is there");
});

test("setup: of many at once, one wins", async (t) => {
  const own = await empty(t);
  const [, , token] = linkOf(own);
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, n) => own.public.post("/v1/setup", { token, name: `eva${n}`, password: NEW })),
  );
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 403, 403, 403, 403, 403, 403, 403]);
});

test("setup: void as soon as the command line has made somebody", async (t) => {
  const own = await empty(t);
  const [, , token] = linkOf(own);
  await own.addPerson("cli", ["admin"]);
  expectProblem(await own.public.post("/v1/setup", { token, name: "eva", password: NEW }), 403, "forbidden");
});

test("setup: a restart voids the link before, and makes another while there is nobody", async (t) => {
  const own = await empty(t);
  const [, , before] = linkOf(own);
  await own.restart();
  const [, , token] = linkOf(own);
  assert.notEqual(token, before);
  expectProblem(await own.public.post("/v1/setup", { token: before, name: "eva", password: NEW }), 403, "forbidden");
  const weak = await own.public.post("/v1/setup", { token, name: "eva", password: "password" });
  expectProblem(weak, 422, "invalid-argument", "/password");
  const named = await own.public.post("/v1/setup", { token, name: "evangelina", password: "i am evangelina" });
  expectProblem(named, 422, "invalid-argument", "/password");
  const foreign = { headers: { origin: "http://evil.example" } };
  expectProblem(await own.public.post("/v1/setup", { token, name: "eva", password: NEW }, foreign), 403, "forbidden");
  assert.equal((await own.public.post("/v1/setup", { token, name: "eva", password: NEW })).status, 201);
});

/* --- one's own password ------------------------------------------------------------------------------- */

test("a password is changed with the present one; other sessions end, this one goes on", async () => {
  const who = await fresh();
  const elsewhere = await server.signIn(who.name);
  expectProblem(await change(who, { current: "wrong", password: NEW }), 422, "invalid-argument", "/current");
  expectProblem(await change(who, { password: NEW }), 422, "invalid-argument", "/current");
  assert.equal((await change(who, { current: PASSWORD, password: NEW })).status, 204);
  assert.equal((await who.get("/v1/me")).status, 200);
  assert.equal((await elsewhere.get("/v1/me")).status, 401);
  await assert.rejects(server.signIn(who.name), /401/);
  await server.signIn(who.name, NEW);
  assert.deepEqual(changes(who), ["password reviewer"]);
});

const WEAK = ["short", "password1", "12345678", "aaaaaaaaaa", PASSWORD];
for (const password of WEAK) {
  test(`refused as a new password: ${password}`, async () => {
    const who = await fresh();
    expectProblem(await change(who, { current: PASSWORD, password }), 422, "invalid-argument", "/password");
    await server.signIn(who.name);
  });
}

test("a password must not hold the name", async () => {
  const who = await server.person("wilhelmina", ["reviewer"]);
  const answer = await change(who, { current: PASSWORD, password: "xx-Wilhelmina-xx" });
  expectProblem(answer, 422, "invalid-argument", "/password");
});

test("wrong present passwords are throttled as at sign-in", async () => {
  const who = await fresh();
  for (let n = 0; n < 5; n += 1) {
    expectProblem(await change(who, { current: "wrong", password: NEW }), 422, "invalid-argument");
  }
  expectProblem(await change(who, { current: PASSWORD, password: NEW }), 429, "rate-limited");
});

test("a token and an agent change no password", async () => {
  const token = await server.token("ben");
  expectProblem(await change(token, { current: PASSWORD, password: NEW }), 403, "forbidden");
  expectProblem(await change(bot, { current: PASSWORD, password: NEW }), 403, "forbidden");
});

/* --- resets -------------------------------------------------------------------------------------------- */

test("a reset: everything ends, the code opens one way, and the person reads who did it", async () => {
  const who = await fresh(["reviewer"]);
  const token = await server.token(who.name);
  const made = await propose(bot);
  const code = await reset(who);
  for (const dead of [who, token]) {
    assert.equal((await dead.get("/v1/me")).status, 401);
  }
  await assert.rejects(server.signIn(who.name), /401/, "the old password is void");
  const session = await server.signIn(who.name, code);
  const me = (await session.get("/v1/me")).body;
  assert.equal(me.must_change_password, true);
  assert.equal(me.password.reset_by, "adm");
  assert.ok(me.password.reset_at);
  for (const answer of [
    await decide(session, made, "approve"),
    await act(session, made, "claim"),
    await act(session, made, "comment", { text: "x" }),
    await session.get("/v1/inbox"),
    await session.get(`/v1/proposals/${made.id}`),
    await session.post("/v1/decisions/batch", { items: [{ proposal: made.id, digest: made.digest, verdict: "approve" }] }),
    await session.get("/v1/stream"),
  ]) {
    expectProblem(answer, 403, "forbidden");
    assert.match(answer.body.detail, /set a new password/);
  }
  const other = await server.signIn(who.name, code);
  assert.equal((await change(session, { password: NEW })).status, 204);
  assert.equal((await other.get("/v1/me")).status, 401, "what else the code has opened is closed");
  await assert.rejects(server.signIn(who.name, code), /401/, "the code is used up");
  await decided(session, made);
  assert.equal((await session.get("/v1/me")).body.must_change_password, false);
  assert.deepEqual(changes(who), ["password_reset reviewer", "password reviewer"]);
});

test("a code is read as people type it, and a second reset voids the first", async () => {
  const who = await fresh();
  const first = await reset(who);
  const second = await reset(who);
  await assert.rejects(server.signIn(who.name, first), /401/);
  await server.signIn(who.name, second.toLowerCase().replaceAll("-", " "));
});

test("nobody resets their own password, and no one but an admin anybody's", async () => {
  expectProblem(await adm.post(`/v1/people/${adm.id}/password-reset`), 403, "forbidden");
  for (const who of [ana, lea, aud]) {
    expectProblem(await who.post(`/v1/people/${ana.id}/password-reset`), 403, "forbidden");
  }
  expectProblem(await adm.post(`/v1/people/rev_${"0".repeat(25)}1/password-reset`), 404, "not-found");
});

test("a decision under way when the reset comes is refused or stands before it: never behind it", async () => {
  for (let round = 0; round < 10; round += 1) {
    const who = await fresh();
    const made = await Promise.all(Array.from({ length: 10 }, () => propose(bot)));
    const work = made.map((each) => decide(who, each, "approve"));
    const [answers] = await Promise.all([Promise.all(work), reset(who)]);
    const { password } = (await person(who.name)) ?? {};
    assert.equal(password, undefined);
    for (const [n, answer] of answers.entries()) {
      assert.ok([200, 401, 403].includes(answer.status), answer.text);
      assert.equal((await read(bot, made[n])).status, answer.status === 200 ? "approved" : "pending");
    }
  }
});

test("from the command line: reset prints a code, and says who in the page: the operator", async () => {
  const who = await fresh();
  const { code } = await server.cli("user", "reset", who.name);
  const session = await server.signIn(who.name, code);
  assert.equal((await session.get("/v1/me")).body.password.reset_by, "operator");
  assert.deepEqual(changes(who), ["password_reset operator"]);
});

test("guessing codes is throttled as passwords are", async () => {
  const who = await fresh();
  await reset(who);
  const guess = () => server.public.post("/v1/session", { name: who.name, password: "AAAAA-AAAAA-AAAAA-AAAAA" });
  for (let n = 0; n < 5; n += 1) {
    expectProblem(await guess(), 401, "unauthenticated");
  }
  expectProblem(await guess(), 429, "rate-limited");
});

/* --- who is there ---------------------------------------------------------------------------------------- */

test("a new person comes with a code, never with a password that the admin knows", async () => {
  const answer = await adm.post("/v1/people", { name: "newcomer", roles: ["reviewer", "lead"] }, { key: "once" });
  assert.equal(answer.status, 201, answer.text);
  const session = await server.signIn("newcomer", answer.body.code);
  assert.equal((await change(session, { password: NEW })).status, 204);
  assert.deepEqual((await session.get("/v1/me")).body.roles, ["reviewer", "lead"]);
  const again = await adm.post("/v1/people", { name: "newcomer", roles: ["reviewer", "lead"] }, { key: "once" });
  assert.deepEqual([again.status, again.text], [200, answer.text], "for a while: idempotency.test.mjs");
  expectProblem(await adm.post("/v1/people", { name: "newcomer", roles: ["lead"] }), 409, "already-exists");
  expectProblem(await adm.post("/v1/people", { name: "x y", roles: ["reviewer"] }), 422, "invalid-argument");
  expectProblem(await adm.post("/v1/people", { name: "x", roles: ["god"] }), 422, "invalid-argument", "/roles/0");
  expectProblem(await adm.post("/v1/people", { name: "x", roles: [] }), 422, "invalid-argument", "/roles");
});

test("roles hold from the next request on, and an admin's own are another admin's work", async () => {
  const who = await fresh();
  assert.equal((await adm.post(`/v1/people/${who.id}/roles`, { roles: ["auditor"] })).status, 200);
  assert.deepEqual((await who.get("/v1/me")).body.roles, ["auditor"]);
  expectProblem(await who.get("/v1/inbox"), 403, "forbidden");
  expectProblem(await adm.post(`/v1/people/${adm.id}/roles`, { roles: ["admin", "lead"] }), 403, "forbidden");
});

test("the last admin stays an admin, and stays", async (t) => {
  const { server: own } = await startWorld(t, { people: [], agents: [] });
  const sole = await own.person("sole", ["admin"]);
  const at = `/v1/people/${sole.id}`;
  expectProblem(await sole.post(`${at}/roles`, { roles: ["reviewer"] }), 403, "forbidden");
  expectProblem(await sole.post(`${at}/deactivate`), 403, "forbidden");
  assert.equal((await fermata(["user", "deactivate", "sole", "--data", own.data])).code, 1);
  assert.equal((await sole.post(`${at}/roles`, { roles: ["admin", "lead"] })).status, 200, "alone, of oneself");
  const second = await own.person("second", ["admin"]);
  assert.equal((await second.post(`${at}/deactivate`)).status, 200);
  expectProblem(await second.post(`/v1/people/${second.id}/deactivate`), 403, "forbidden");
});

test("deactivated: everything ends at once, what was decided keeps the name; and back again", async () => {
  const who = await fresh();
  const token = await server.token(who.name);
  const made = await propose(bot);
  await decided(who, made);
  assert.equal((await adm.post(`/v1/people/${who.id}/deactivate`)).status, 200);
  for (const dead of [who, token]) {
    assert.equal((await dead.get("/v1/me")).status, 401);
  }
  await assert.rejects(server.signIn(who.name), /401/);
  assert.equal((await read(ana, made)).decision.by.name, who.name);
  assert.equal((await adm.get("/v1/people")).body.items.some(({ name }) => name === who.name), false);
  assert.equal((await person(who.name)).active, false);
  const queues = (await ana.get("/v1/queues")).body.items;
  assert.equal(queues.some(({ members }) => members.some(({ name }) => name === who.name)), false);
  expectProblem(await adm.post("/v1/people", { name: who.name, roles: ["reviewer"] }), 409, "already-exists");
  assert.equal((await adm.post(`/v1/people/${who.id}/reactivate`)).status, 200);
  await server.signIn(who.name);
  assert.equal((await token.get("/v1/me")).status, 401, "tokens stay revoked");
  assert.deepEqual(changes(who), ["deactivated reviewer", "reactivated reviewer"]);
});

/* --- services and keys ------------------------------------------------------------------------------------- */

test("a service reads what its scopes say, as agents see it, and writes nothing", async () => {
  const reader = await server.service("reader", ["proposals:read"]);
  const made = await propose(bot);
  await act(ana, made, "comment", { text: "between us" });
  const { body, text } = await reader.get(`/v1/proposals/${made.id}`);
  assert.equal(body.id, made.id);
  assert.doesNotMatch(text, /between us|timeline|"card"/);
  assert.ok((await reader.get("/v1/proposals?limit=5")).body.items.length > 0);
  const me = (await reader.get("/v1/me")).body;
  assert.deepEqual([me.kind, me.name, me.scopes], ["service", "reader", ["proposals:read"]]);
  for (const answer of [
    await reader.get("/v1/people"),
    await reader.get("/v1/inbox"),
    await reader.get("/v1/stream"),
    await reader.post("/v1/proposals", { action: "note.write", arguments: {} }),
    await decide(reader, made, "approve"),
    await reader.get("/debug/commit-to-send"),
  ]) {
    expectProblem(answer, 403, "forbidden");
  }
  await decided(ana, made);
  assert.equal((await reader.get(`/v1/proposals/${made.id}`)).body.permit, null, "no permit for others");
});

test("service tokens: made and shown once, listed without the secret, expired, revoked", async () => {
  const made = await adm.post("/v1/keys", { service: "scraper", scopes: ["metrics"], expires_in: "1s" });
  assert.equal(made.status, 201, made.text);
  assert.deepEqual([made.body.key, made.body.key.slice(0, 4)], [made.body.token, "fks_"], "by both names");
  const list = await adm.get("/v1/keys?revoked=1");
  const row = list.body.items.find(({ id }) => id === made.body.id);
  assert.deepEqual([row.kind, row.service, row.scopes, row.created_by.name], [
    "service_token", "scraper", ["metrics"], "adm",
  ]);
  assert.equal(list.text.includes(made.body.token), false);
  const headers = { authorization: `Bearer ${made.body.token}` };
  const ends = Date.parse(made.body.expires_at);
  let status = 200;
  while (status === 200) {
    ({ status } = await server.public.get("/v1/me", { headers }));
    assert.ok(status === 200 || Date.now() + 1000 >= ends);
  }
  assert.equal(status, 401, "expired");
  const long = await adm.post("/v1/keys", { service: "scraper", scopes: ["read"] });
  const days = (Date.parse(long.body.expires_at) - Date.now()) / 86_400_000;
  assert.ok(days > 364 && days < 366);
  assert.equal((await adm.delete(`/v1/keys/${long.body.id}`)).status, 204);
  const dead = await server.public.get("/v1/me", { headers: { authorization: `Bearer ${long.body.token}` } });
  assert.equal(dead.status, 401);
  expectProblem(await adm.delete(`/v1/keys/${long.body.id}`), 404, "not-found");
});

const BAD_KEYS = [
  ["neither agent nor service", {}, "/service"],
  ["both", { agent: "bot", service: "x", scopes: ["read"] }, "/service"],
  ["a scope that is none", { service: "x", scopes: ["write"] }, "/scopes/0"],
  ["no scope", { service: "x" }, "/scopes"],
  ["an agent's key with scopes", { agent: "bot", scopes: ["read"] }, "/scopes"],
  ["a personal token", { person: "ana" }, "/person"],
  ["a bad name", { service: "a b", scopes: ["read"] }, "/name"],
  ["a life of no seconds", { service: "x", scopes: ["read"], expires_in: "0s" }, "/expires_in", /1s to 3650d/],
  ["a life of no days", { service: "x", scopes: ["read"], expires_in: "0d" }, "/expires_in", /1s to 3650d/],
  ["a life of 27 years", { service: "x", scopes: ["read"], expires_in: "9999d" }, "/expires_in", /at most 3650d/],
  ["an agent's key that expires", { agent: "bot", expires_in: "0s" }, "/expires_in", /does not expire/],
];
for (const [name, body, pointer, says = /./] of BAD_KEYS) {
  test(`refused as a key: ${name}`, async () => {
    const answer = await adm.post("/v1/keys", body);
    expectProblem(answer, 422, name === "a personal token" ? "unknown-member" : "invalid-argument", pointer);
    assert.match(answer.body.detail, says);
  });
}

test("on the command line too, a token of no time is refused and not made for a year", async () => {
  for (const [expires, says] of [["0s", /1s to 3650d/], ["9999d", /at most 3650d/]]) {
    const args = ["token", "create", "--service", "q", "--scope", "metrics", "--expires", expires];
    const { code, stderr } = await fermata([...args, "--data", server.data]);
    assert.equal(code, 1, stderr);
    assert.match(stderr, says);
  }
  assert.equal((await adm.get("/v1/keys")).body.items.some(({ service }) => service === "q"), false);
});

test("an agent's keys: one more, and the old one revoked without an interruption", async () => {
  const second = (await adm.post("/v1/keys", { agent: "bot" })).body;
  const headers = { authorization: `Bearer ${second.key}` };
  assert.equal((await server.public.get("/v1/me", { headers })).body.name, "bot");
  assert.equal((await adm.delete(`/v1/keys/${second.id}`)).status, 204);
  assert.equal((await server.public.get("/v1/me", { headers })).status, 401);
  assert.equal((await bot.get("/v1/me")).status, 200);
});

test("everybody ends their own tokens, and no one else's", async () => {
  const [own, foreign] = [await server.token("lea"), await server.token("ana")];
  const { items } = (await adm.get("/v1/keys")).body;
  const of = (name) => items.filter((each) => each.person?.name === name).at(-1).id;
  expectProblem(await lea.delete(`/v1/keys/${of("ana")}`), 404, "not-found");
  assert.equal((await lea.delete(`/v1/keys/${of("lea")}`)).status, 204);
  assert.equal((await own.get("/v1/me")).status, 401);
  assert.equal((await foreign.get("/v1/me")).status, 200);
});

test("what is not there: 404; a key of a DELETE is checked as of any write", async () => {
  const nobody = `/v1/people/rev_${"0".repeat(25)}1`;
  expectProblem(await adm.post(`${nobody}/roles`, { roles: ["lead"] }), 404, "not-found");
  expectProblem(await adm.post(`${nobody}/deactivate`), 404, "not-found");
  expectProblem(await adm.post(`${nobody}/reactivate`), 404, "not-found");
  expectProblem(await adm.post("/v1/keys", { agent: "nobody" }), 404, "not-found");
  const { id } = (await adm.post("/v1/keys", { agent: "bot" })).body;
  expectProblem(await adm.delete(`/v1/keys/${id}`, { key: "k".repeat(256) }), 422, "invalid-argument");
  assert.equal((await adm.delete(`/v1/keys/${id}`, { key: "end" })).status, 204);
  expectProblem(await adm.delete(`/v1/keys/${id}`, { key: "end", body: { a: 1 } }), 422, "idempotency-mismatch");
});

/* --- the access review ---------------------------------------------------------------------------------------- */

test("the access review has everybody and everything, with who made it and when it was used last", async () => {
  await adm.post("/v1/people", { name: "odd", roles: ["reviewer"] });
  const key = (await adm.post("/v1/keys", { agent: "bot" })).body;
  await server.public.get("/v1/me", { headers: { authorization: `Bearer ${key.key}` } });
  const { items } = (await aud.get("/v1/people/access-review")).body;
  const row = (kind, fits) => items.find((each) => each.kind === kind && fits(each));
  assert.deepEqual(row("person", ({ name }) => name === "ana").roles, ["reviewer"]);
  assert.ok(row("person", ({ name }) => name === "ana").last_sign_in_at);
  assert.deepEqual(
    [row("person", ({ name }) => name === "odd").status, row("person", ({ name }) => name === "odd").created_by],
    ["must set a password", "adm"],
  );
  const agent = row("agent", ({ name }) => name === "bot");
  assert.deepEqual([agent.holder, agent.hosts], ["owner", ["agent.example"]]);
  assert.deepEqual(row("person", ({ name }) => name === "ana").hosts, []);
  const used = row("agent_key", ({ id }) => id === key.id);
  assert.deepEqual([used.holder, used.created_by], ["bot", "adm"]);
  assert.ok(Date.parse(used.last_used_at) >= Date.parse(used.created_at));
  assert.equal(row("agent_key", ({ created_by }) => created_by === "operator").holder, "bot");
  await server.restart();
  const again = await (await server.signIn("aud")).get("/v1/people/access-review");
  assert.ok(again.body.items.find(({ id }) => id === key.id).last_used_at, "kept over a restart");
});

test("the access review as CSV: every cell quoted, and no cell that a spreadsheet runs", async () => {
  const admin = await server.signIn("adm");
  await admin.post("/v1/agents", { name: "far", owner: "ana", hosts: ["a.example", "b.example"] });
  const answer = await admin.get("/v1/people/access-review?format=csv");
  assert.match(answer.headers["content-type"], /^text\/csv/);
  const lines = answer.text.split("\r\n").slice(1, -1);
  assert.match(answer.text, /^"agent",.*,"a.example b.example"\r$/m);
  assert.ok(lines.every((line) => /^("([^"]|"")*",){12}"([^"]|"")*"$/.test(line)), answer.text);
  assert.equal(lines.some((line) => line.split('","').some((cell) => /^"?[=+\-@\t\r]/.test(cell))), false, answer.text);
  expectProblem(await admin.get("/v1/people/access-review?format=xml"), 422, "invalid-argument", "/format");
  const { stdout } = await fermata(["user", "review", "--csv", "--data", server.data]);
  const stable = (text) => text.replace(/"[\d-]+T[\d:.]+Z"/g, '""');
  assert.equal(stable(stdout), stable(answer.text));
  expectProblem(await (await server.signIn("lea")).get("/v1/people/access-review"), 403, "forbidden");
});
