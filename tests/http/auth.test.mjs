// SPDX-License-Identifier: Apache-2.0
/*
 * Who may call what: every route of src/api/routes.c with every kind of caller, made from that table;
 * requests that a browser was tricked into (A16); sign-in, its throttling, sessions and their end.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test, { after } from "node:test";

import { operations } from "./contract.mjs";
import { Caller, PASSWORD, problemOf, ROOT } from "./server.mjs";
import { act, decide, decided, expectProblem, propose, read, startWorld } from "./world.mjs";

const world = await startWorld({ after }, { people: ["ana", "lea", "adm", "aud", "pol"], agents: ["bot", "other"] });
const { server, bot, other, ana, lea, adm, aud, pol } = world;
const token = await server.token("ana");
const metrics = await server.service("prometheus", ["metrics"]);
const reader = await server.service("warehouse", ["proposals:read"]);
const everything = await server.service("archive", ["read"]);
const nobody = server.public;

/* --- the matrix ----------------------------------------------------------------------------------------- */

/* The rows of api_routes[], with its names for groups of roles resolved. */
function routesOfSource() {
  const text = readFileSync(join(ROOT, "src", "api", "routes.c"), "utf8");
  const defined = Object.fromEntries([...text.matchAll(/#define (\w+) (.+)/g)].map(([, name, value]) => [name, value]));
  const resolved = (expression) =>
    expression.replace(/\b[A-Z_]+\b/g, (word) => (word in defined ? resolved(defined[word]) : word));
  const rolesOf = (expression) =>
    [...resolved(expression).matchAll(/ROLE_(?!BIT)(\w+)/g)].map(([, name]) => name.toLowerCase());
  const scopesOf = (expression) =>
    [...resolved(expression).matchAll(/SCOPE_(?!BIT)(\w+)/g)].map(([, name]) => name.toLowerCase());
  const rows = [...text.matchAll(/\{HTTP_(\w+), (P )?(?:"([^"]*)"|P), WHO_(\w+), ([^,]+), (\w+)\}/g)];
  assert.equal(rows.length, [...text.matchAll(/\{HTTP_/g)].length, "a row of routes.c that this test cannot read");
  return rows.map(([row, method, prefix, path, who, roles]) => ({
    method,
    path: `${prefix || /HTTP_\w+, P,/.test(row) ? defined.P.replaceAll('"', "") : ""}${path ?? ""}`,
    who,
    roles: rolesOf(roles),
    scopes: scopesOf(roles),
  }));
}

const routes = routesOfSource();

const CALLERS = [
  { name: "nobody", caller: nobody },
  { name: "an agent", caller: bot, kind: "AGENT" },
  { name: "another agent", caller: other, kind: "AGENT" },
  { name: "a reviewer's token", caller: token, kind: "PERSON", roles: ["reviewer"] },
  { name: "a reviewer's session", caller: ana, kind: "PERSON", roles: ["reviewer"] },
  { name: "a lead", caller: lea, kind: "PERSON", roles: ["lead"] },
  { name: "an auditor", caller: aud, kind: "PERSON", roles: ["auditor"] },
  { name: "an admin", caller: adm, kind: "PERSON", roles: ["admin"] },
  { name: "a service for metrics", caller: metrics, kind: "SERVICE", scopes: ["metrics"] },
  { name: "a service for proposals", caller: reader, kind: "SERVICE", scopes: ["proposals"] },
  { name: "a service that reads everything", caller: everything, kind: "SERVICE", scopes: ["read"] },
  { name: "a policy owner", caller: pol, kind: "PERSON", roles: ["policy"] },
];

function allowed(route, { kind, roles, scopes }) {
  if (route.who === "PUBLIC") {
    return "open";
  }
  if (!kind) {
    return "unauthenticated";
  }
  if (kind === "SERVICE") {
    const fits = scopes.includes("read") ? route.scopes.length > 0 : scopes.some((scope) => route.scopes.includes(scope));
    return fits || route.scopes.includes("count") ? "open" : "forbidden"; // every scope: SCOPE_COUNT
  }
  if (route.who !== "ANY" && route.who !== kind) {
    return "forbidden";
  }
  return route.roles.length === 0 || kind === "AGENT" || route.roles.some((role) => roles.includes(role))
    ? "open"
    : "forbidden";
}

for (const route of routes) {
  for (const who of CALLERS) {
    const wanted = allowed(route, who);
    test(`${route.method} ${route.path} as ${who.name}: ${wanted}`, async () => {
      const made = await propose(bot);
      const path = route.path
        .replace("{id}", made.id)
        .replace("{n}", "0")
        .replace("{level}", "0")
        .replace("{tile}", "000.p/1")
        .replace("{person}", aud.id)
        .replace("{key}", `key_${"0".repeat(25)}1`)
        .replace("{pause}", `pau_${"0".repeat(25)}1`);
      if (/\/(stream|events)$/.test(route.path) && wanted === "open" && who.caller !== other) {
        const stream = await who.caller.stream(path);
        assert.ok([200, 404].includes(stream.status)); // 404: not theirs to see
        stream.close();
        return;
      }
      if (
        route.path === "/v1/session" &&
        route.method === "DELETE" &&
        wanted === "open" &&
        who.caller.kind === "session"
      ) {
        const again = await server.signIn(who.caller.name); // of its own: the others are still needed
        assert.equal((await again.delete(path)).status, 204);
        return;
      }
      const body = route.method === "POST" ? { not_a_member: 1 } : undefined;
      const before = JSON.stringify(await read(bot, made));
      const answer = await who.caller.request(route.method, path, { body });
      const problem = problemOf(answer);
      if (wanted === "open") {
        assert.ok(
          !["unauthenticated", "forbidden"].includes(problem) && (answer.status < 500 || problem === "overloaded"),
          answer.text.slice(0, 300),
        );
      } else {
        assert.equal(problem, wanted, answer.text.slice(0, 300));
      }
      assert.equal(JSON.stringify(await read(bot, made)), before, "nothing was changed");
    });
  }
}

test("the document asks for the same credentials as the routes", () => {
  const wanted = {
    PUBLIC: [],
    AGENT: ["agentKey"],
    PERSON: ["personalToken", "session"],
    ANY: ["agentKey", "personalToken", "session"],
  };
  for (const { method, path, who, scopes } of routes) {
    const found = operations.find((each) => each.method === method && each.path === path);
    assert.ok(found, `${method} ${path} is not in docs/openapi.yaml`);
    const kinds = [...wanted[who], ...(scopes.length > 0 ? ["serviceToken"] : [])].sort();
    assert.deepEqual(found.operation.security.flatMap(Object.keys).sort(), kinds, `${method} ${path}`);
  }
});

test("another agent's proposal is 404 on every route that an agent may call (A40)", async () => {
  for (const { method, path } of routes.filter(
    (route) => ["AGENT", "ANY"].includes(route.who) && route.path.includes("{id}"),
  )) {
    const made = await propose(bot);
    const bodies = { revise: { brief: {} }, outcome: { status: "failed" } };
    const body = method === "POST" ? (bodies[path.split("/").at(-1)] ?? {}) : undefined;
    const answer = await other.request(method, path.replace("{id}", made.id).replace("{n}", "0"), { body });
    expectProblem(answer, 404, "not-found");
  }
});

/* --- credentials ------------------------------------------------------------------------------------------ */

const asHeader = (authorization) =>
  new Caller(server, { name: "x", kind: "raw", headersFor: () => ({ authorization }) });

const BAD_CREDENTIALS = {
  "no scheme": bot.secret,
  basic: `Basic ${Buffer.from(`ana:${PASSWORD}`).toString("base64")}`,
  "an empty key": "Bearer ",
  "a key that is too short": `Bearer ${bot.secret.slice(0, -1)}`,
  "a key with a byte more": `Bearer ${bot.secret}A`,
  "a key with another byte": `Bearer ${bot.secret.slice(0, -2)}${bot.secret.at(-2) === "A" ? "B" : "A"}${bot.secret.at(-1)}`,
  "a key of another kind": `Bearer fkr_${bot.secret.slice(4)}`,
  "two keys": `Bearer ${bot.secret} ${other.secret}`,
  "a session as a key": `Bearer ${ana.headersFor(false).cookie.split("=")[1]}`,
  "a very long key": `Bearer fka_${"A".repeat(2000)}`,
};
for (const [name, header] of Object.entries(BAD_CREDENTIALS)) {
  test(`401 for ${name}`, async () => {
    const answer = await asHeader(header).get("/v1/me");
    expectProblem(answer, 401, "unauthenticated");
    assert.match(answer.headers["www-authenticate"], /^Bearer/);
    assert.equal(answer.text.includes(bot.secret.slice(4, 20)), false, "the key is not told back");
  });
}

test("the scheme is read in any case", async () => {
  assert.equal((await asHeader(`bearer ${bot.secret}`).get("/v1/me")).body.name, "bot");
});

test("a key in the cookie is no session", async () => {
  const caller = new Caller(server, {
    name: "x",
    kind: "raw",
    headersFor: () => ({ cookie: `fermata=${bot.secret}` }),
  });
  expectProblem(await caller.get("/v1/me"), 401, "unauthenticated");
});

test("a key and a session together: the key counts", async () => {
  const headers = { ...ana.headersFor(false), authorization: `Bearer ${bot.secret}` };
  assert.equal((await nobody.get("/v1/me", { headers })).body.name, "bot");
  expectProblem(
    await nobody.get("/v1/me", { headers: { ...headers, authorization: "Bearer wrong" } }),
    401,
    "unauthenticated",
  );
});

test("a secret in the URL opens nothing (A18)", async () => {
  for (const name of ["token", "key", "access_token", "fermata"]) {
    const answer = await nobody.get(`/v1/me?${name}=${bot.secret}`);
    expectProblem(answer, 401, "unauthenticated");
  }
});

test("no secret stands in the server's own log", async () => {
  await asHeader(`Bearer ${bot.secret}`).get("/v1/me");
  const cookie = ana.headersFor(false).cookie.split("=")[1];
  for (const secret of [bot.secret, token.secret, cookie, PASSWORD]) {
    assert.equal(server.log.includes(secret), false);
  }
});

/* --- requests from elsewhere (A16) -------------------------------------------------------------------------- */

/* Each row: name, headers that differ from the page's own, whether it passes. */
const ORIGINS = [
  ["the page's own", {}, true],
  ["and Sec-Fetch-Site: same-origin", { "sec-fetch-site": "same-origin" }, true],
  ["no Origin", { origin: undefined }, false],
  ["Origin: null", { origin: "null" }, false],
  ["an empty Origin", { origin: "" }, false],
  ["another host", { origin: "http://evil.example" }, false],
  ["another port", { origin: "http://127.0.0.1:1" }, false],
  ["https", { origin: server.origin.replace("http:", "https:") }, false],
  ["localhost by name", { origin: server.origin.replace("127.0.0.1", "localhost") }, false],
  ["with a slash", { origin: `${server.origin}/` }, false],
  ["with another name before", { origin: server.origin.replace("127.0.0.1", "127.0.0.1.evil.example") }, false],
  ["in capitals", { origin: server.origin.toUpperCase() }, false],
  ["a Referer instead", { origin: undefined, referer: `${server.origin}/` }, false],
  ["from another site", { "sec-fetch-site": "cross-site" }, false],
  ["from the same site", { "sec-fetch-site": "same-site" }, false],
  ["typed by the user", { "sec-fetch-site": "none" }, false],
  ["a Host of the attacker, and its Origin", { host: "evil.example", origin: "http://evil.example" }, false],
  [
    "forwarded headers",
    { origin: "http://evil.example", "x-forwarded-host": "evil.example", "x-forwarded-proto": "http" },
    false,
  ],
];
const WRITES = {
  claim: (made, options) => act(ana, made, "claim", {}, options),
  comment: (made, options) => act(ana, made, "comment", { text: "x" }, options),
  approve: (made, options) => decide(ana, made, "approve", {}, options),
};
for (const [name, headers, passes] of ORIGINS) {
  for (const [write, call] of Object.entries(WRITES)) {
    test(`a write with a cookie, ${write}: ${name}`, async () => {
      const made = await propose(bot);
      const before = JSON.stringify(await read(bot, made));
      const answer = await call(made, { headers });
      if (passes) {
        assert.ok(answer.status < 300, answer.text);
        return;
      }
      expectProblem(answer, 403, "forbidden");
      assert.equal(JSON.stringify(await read(bot, made)), before);
      assert.deepEqual((await read(ana, made)).comments, []);
    });
  }
  test(`sign-out: ${name}`, async () => {
    const session = await server.signIn("ana");
    const { status } = await session.delete("/v1/session", { headers });
    assert.equal(status, passes ? 204 : 403);
    assert.equal((await session.get("/v1/me")).status, passes ? 401 : 200);
  });
  test(`sign-in (login CSRF): ${name}`, async () => {
    const wanted = passes || (headers.origin === undefined && "origin" in headers) ? 200 : 403; // a script has no Origin, and no browser to trick
    const answer = await nobody.post(
      "/v1/session",
      { name: "ana", password: PASSWORD },
      { headers: { origin: server.origin, ...headers } },
    );
    assert.equal(answer.status, wanted, answer.text);
    assert.equal("set-cookie" in answer.headers, wanted === 200);
  });
}

const FORMS = [
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=b",
  "text/plain",
  undefined,
  "text/plain; application/json",
];
for (const type of FORMS) {
  test(`a form's content type, ${type}, writes nothing even from the page`, async () => {
    const made = await propose(bot);
    const answer = await act(ana, made, "comment", { text: "x" }, { headers: { "content-type": type } });
    expectProblem(answer, 415, "unsupported-media-type");
    assert.deepEqual((await read(ana, made)).comments, []);
    const session = await nobody.post(
      "/v1/session",
      { name: "ana", password: PASSWORD },
      { headers: { "content-type": type } },
    );
    assert.equal(session.status, 415);
  });
}

for (const name of ["x-http-method-override", "x-http-method", "x-method-override"]) {
  test(`${name} overrides nothing`, async () => {
    const made = await propose(bot);
    const answer = await ana.get(`/v1/proposals/${made.id}/claim`, { headers: { [name]: "POST" } });
    expectProblem(answer, 405, "method-not-allowed");
    assert.equal((await read(ana, made)).hold.phase, "waiting");
  });
}

test("a preflight from elsewhere gets no permission", async () => {
  const headers = {
    origin: "http://evil.example",
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type",
  };
  const answer = await nobody.request("OPTIONS", "/v1/proposals", { headers });
  assert.ok(answer.status >= 400);
  assert.equal(
    Object.keys(answer.headers).some((name) => name.startsWith("access-control")),
    false,
  );
});

test("a read from elsewhere gets no permission to be read", async () => {
  const answer = await ana.get("/v1/me", { headers: { origin: "http://evil.example" } });
  assert.equal("access-control-allow-origin" in answer.headers, false);
});

test("a token needs no Origin, and none from elsewhere helps it", async () => {
  const made = await propose(bot);
  assert.equal((await act(token, made, "claim")).status, 200);
  await decided(token, made);
});

/* --- sessions ------------------------------------------------------------------------------------------------ */

test("sign-in: the cookie's name and attributes, and who one is", async () => {
  const answer = await nobody.post("/v1/session", { name: "ana", password: PASSWORD });
  assert.match(answer.headers["set-cookie"][0], /^fermata=fkc_[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
  assert.deepEqual({ ...answer.body, expires_at: null }, { ...(await ana.get("/v1/me")).body, expires_at: null });
  const hours = (Date.parse(answer.body.expires_at) - Date.now()) / 3_600_000;
  assert.ok(hours > 0 && hours <= 24, `${hours} h`);
});

test("behind https the cookie is __Host-, Secure, and the origin is the outside one", async (t) => {
  const { server: secure } = await startWorld(t, { people: [], args: ["--public-url", "https://fermata.example"] });
  await secure.addPerson("ana");
  const headers = { origin: "https://fermata.example" };
  const answer = await secure.public.post("/v1/session", { name: "ana", password: PASSWORD }, { headers });
  assert.match(
    answer.headers["set-cookie"][0],
    /^__Host-fermata=fkc_[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
  );
  const cookie = answer.headers["set-cookie"][0].split(";")[0];
  assert.equal((await secure.public.get("/v1/me", { headers: { cookie } })).status, 200);
  expectProblem(
    await secure.public.delete("/v1/session", { headers: { cookie, origin: secure.url } }),
    403,
    "forbidden",
  );
  assert.equal((await secure.public.delete("/v1/session", { headers: { cookie, ...headers } })).status, 204);
  const plain = { cookie: cookie.replace("__Host-", "") };
  expectProblem(await secure.public.get("/v1/me", { headers: plain }), 401, "unauthenticated");
});

test("sign-out ends this session, not the others", async () => {
  const [one, two] = [await server.signIn("ana"), await server.signIn("ana")];
  const answer = await one.delete("/v1/session");
  assert.equal(answer.status, 204);
  assert.match(answer.headers["set-cookie"][0], /^fermata=; Path=\/; HttpOnly; SameSite=Strict; Max-Age=0$/);
  expectProblem(await one.get("/v1/me"), 401, "unauthenticated");
  assert.equal((await two.get("/v1/me")).status, 200);
  expectProblem(await token.delete("/v1/session"), 422, "invalid-argument");
});

test("two sign-ins give two secrets", async () => {
  const cookies = await Promise.all([1, 2].map(async () => (await server.signIn("ana")).headersFor(false).cookie));
  assert.notEqual(cookies[0], cookies[1]);
});

const BAD_SIGN_INS = [
  ["no name", { password: "x" }, 422, "invalid-argument", "/name"],
  ["no password", { name: "ana" }, 422, "invalid-argument", "/password"],
  ["a role", { name: "ana", password: PASSWORD, role: "admin" }, 422, "unknown-member", "/role"],
  ["a name that is a list", { name: ["ana"], password: PASSWORD }, 422, "invalid-argument", "/name"],
  ["a very long password", { name: "ana", password: "x".repeat(5000) }, 413, "too-large", "/password"],
];
for (const [name, body, status, error, pointer] of BAD_SIGN_INS) {
  test(`refused as a sign-in: ${name}`, async () => {
    expectProblem(await nobody.post("/v1/session", body), status, error, pointer);
  });
}

test("a wrong password and a wrong name are told apart by nothing", async (t) => {
  const { server: fresh } = await startWorld(t, { people: [] });
  await fresh.addPerson("ana");
  const wrong = await fresh.public.post("/v1/session", { name: "ana", password: "wrong password" });
  const nobodys = await fresh.public.post("/v1/session", { name: "nobody", password: "wrong password" });
  expectProblem(wrong, 401, "unauthenticated");
  assert.equal(wrong.text, nobodys.text);
  assert.equal("set-cookie" in wrong.headers, false);
});

test("after several failures a name has to wait, known or not, and the right password with it", async (t) => {
  const { server: fresh } = await startWorld(t, { people: [] });
  await fresh.addPerson("ana");
  await fresh.addPerson("ben");
  for (const name of ["ana", "nobody"]) {
    const statuses = [];
    let last;
    for (let i = 0; i < 12 && statuses.at(-1) !== 429; i += 1) {
      last = await fresh.public.post("/v1/session", { name, password: `wrong ${i}` });
      statuses.push(last.status);
    }
    assert.deepEqual(statuses, [...Array(5).fill(401), 429], name);
    assert.equal(problemOf(last), "rate-limited");
    assert.ok(Number(last.headers["retry-after"]) >= 1);
  }
  const right = await fresh.public.post("/v1/session", { name: "ana", password: PASSWORD });
  expectProblem(right, 429, "rate-limited");
  assert.equal(
    (await fresh.public.post("/v1/session", { name: "ben", password: PASSWORD })).status,
    200,
    "another name does not wait",
  );
});

test("a burst of guesses at once gains nothing", async (t) => {
  const { server: fresh } = await startWorld(t, { people: [] });
  await fresh.addPerson("ana");
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => fresh.public.post("/v1/session", { name: "ana", password: `wrong ${i}` })),
  );
  const tried = answers.filter(({ status }) => status === 401).length;
  assert.ok(tried <= 5, `${tried} guesses were let through`);
});

test("what a person may do follows the roles of the moment, not of the sign-in", async () => {
  assert.deepEqual((await ana.get("/v1/me")).body.can, {
    decide: true,
    lead: false,
    policy: false,
    audit: false,
    admin: false,
  });
  assert.deepEqual((await lea.get("/v1/me")).body.can, {
    decide: true,
    lead: true,
    policy: false,
    audit: false,
    admin: false,
  });
  assert.deepEqual((await adm.get("/v1/me")).body.can, {
    decide: false,
    lead: false,
    policy: false,
    audit: false,
    admin: true,
  });
  assert.deepEqual((await bot.get("/v1/me")).body, { id: bot.id, name: "bot", kind: "agent" });
  assert.deepEqual([(await token.get("/v1/me")).body.via, (await ana.get("/v1/me")).body.via], ["token", "page"]);
});
