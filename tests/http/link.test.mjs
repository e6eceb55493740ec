// SPDX-License-Identifier: Apache-2.0
/*
 * One-time sign-in links: made by the operator, used once, soon, by whoever holds them, and for nothing
 * but signing in.
 */
import assert from "node:assert/strict";
import test, { after } from "node:test";

import { fermata } from "./server.mjs";
import { decide, expectProblem, propose, startWorld } from "./world.mjs";

const world = await startWorld({ after }, { people: ["ana", "aud"] });
const { server, ana, bot } = world;
const nobody = server.public;

const codeOf = ({ link }) => link.split("#")[1];
const newLink = (...args) => server.cli("user", "link", "ana", ...args);
const use = (code, options) => nobody.post("/v1/session/link", { code }, options);

test("a link is the server's URL with the code behind the #, where it is not sent", async () => {
  const made = await newLink();
  assert.match(made.link, new RegExp(`^${server.origin}/#fkl_[\\w-]{43}$`));
  const minutes = (Date.parse(made.expires_at) - Date.now()) / 60_000;
  assert.ok(minutes > 9 && minutes <= 10.1, `${minutes} minutes`);
});

test("it signs in, with a session that decides as the page does", async () => {
  const answer = await use(codeOf(await newLink()));
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.body.name, "ana");
  assert.match(answer.headers["set-cookie"][0], /^fermata=fkc_.*HttpOnly; SameSite=Strict$/);
  const headers = { cookie: answer.headers["set-cookie"][0].split(";")[0], origin: server.origin };
  const { id, digest } = await propose(bot);
  const decision = await nobody.post(`/v1/proposals/${id}/decision`, { verdict: "approve", digest }, { headers });
  assert.equal(decision.status, 200, decision.text);
  assert.equal(decision.body.decision.via, "page");
});

test("it is used once, also by twenty at the same time", async () => {
  const code = codeOf(await newLink());
  const answers = await Promise.all(Array.from({ length: 20 }, () => use(code)));
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  for (const answer of answers.filter(({ status }) => status !== 200)) {
    expectProblem(answer, 401, "unauthenticated");
  }
});

test("a code is nothing that calls the API", async () => {
  const code = codeOf(await newLink());
  for (const headers of [{ authorization: `Bearer ${code}` }, { cookie: `fermata=${code}` }]) {
    expectProblem(await nobody.get("/v1/me", { headers }), 401, "unauthenticated");
  }
  const other = await server.token("ana"); // and no other secret is a link
  expectProblem(await use(other.secret), 401, "unauthenticated");
  expectProblem(await use(ana.headersFor(false).cookie.split("=")[1]), 401, "unauthenticated");
  assert.equal((await use(code)).status, 200);
});

test("another site cannot use it", async () => {
  const code = codeOf(await newLink());
  expectProblem(await use(code, { headers: { origin: "https://evil.example" } }), 403, "forbidden");
  expectProblem(await use(code, { headers: { "sec-fetch-site": "cross-site" } }), 403, "forbidden");
});

const BAD = [
  ["no code", { code: undefined }, 422, "invalid-argument", "/code"],
  ["a code that is a number", { code: 1 }, 422, "invalid-argument", "/code"],
  ["a code of 97 bytes", { code: "x".repeat(97) }, 413, "too-large", "/code"],
  ["a code that never was", { code: `fkl_${"A".repeat(43)}` }, 401, "unauthenticated"],
  ["a member more", { code: "x", name: "ana" }, 422, "unknown-member", "/name"],
];
for (const [name, body, status, error, pointer] of BAD) {
  test(`refused: ${name}`, async () => {
    expectProblem(await nobody.post("/v1/session/link", body), status, error, pointer);
  });
}

test("the log says who got a link and that it signed in, and never the code", async () => {
  const made = await newLink();
  await use(codeOf(made));
  const { stdout, code } = await fermata(["audit", "verify", "--data", server.data]);
  assert.equal(code, 0, stdout);
  assert.equal(server.log.includes(codeOf(made)), false);
  assert.equal(server.log.includes("fkl_"), false);
});

test("for nobody there is none, and the command says so", async () => {
  const { code, stderr } = await fermata(["user", "link", "zoe", "--data", server.data]);
  assert.equal(code, 1);
  assert.match(stderr, /there is no person named zoe/);
});

test("a person who cannot decide gets in and still cannot", async () => {
  const code = codeOf(await server.cli("user", "link", "aud"));
  const answer = await use(code);
  const headers = { cookie: answer.headers["set-cookie"][0].split(";")[0], origin: server.origin };
  const caller = { post: (path, body) => nobody.post(path, body, { headers }) };
  expectProblem(await decide(caller, await propose(bot), "approve"), 403, "forbidden");
});
