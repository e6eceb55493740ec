// SPDX-License-Identifier: Apache-2.0
/*
 * docs/openapi.yaml itself: the served one is it, it and src/api/routes.c have the same calls, every call
 * answers as it says, its examples are true, and requests are closed where the server closes them.
 * That every answer of the suite fits is checked where the answers come in (contract.mjs).
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test, { after } from "node:test";

import { declaredErrors, duplicateMember, openapi, operations, schemaFault } from "./contract.mjs";
import { PASSWORD, problemOf, ROOT } from "./server.mjs";
import {
  act,
  approved,
  decided,
  expectProblem,
  policyText,
  propose,
  signed,
  startWorld,
} from "./world.mjs";

const world = await startWorld({ after }, { people: ["ana", "lea", "adm", "aud", "pol"], agents: ["bot"] });
const { server, bot, ana, lea, adm, aud, pol } = world;

test("the served document is the one in docs", async () => {
  assert.deepEqual((await server.public.get("/openapi.json")).body, openapi);
});

test("the document and routes.c have the same calls", () => {
  const text = readFileSync(join(ROOT, "src", "api", "routes.c"), "utf8");
  const calls = [...text.matchAll(/\{HTTP_(\w+), (P\b)? ?(?:"([^"]*)")?/g)].map(
    ([, method, prefix, path]) => `${method} ${prefix ? "/v1/proposals" : ""}${path ?? ""}`,
  );
  assert.deepEqual(operations.map(({ method, path }) => `${method} ${path}`).sort(), calls.sort());
});

test("every operation has a name of its own, a summary, and the errors that every call may have", () => {
  const names = operations.map(({ operation }) => operation.operationId);
  assert.equal(new Set(names).size, names.length);
  for (const each of operations) {
    const { operation, method } = each;
    assert.ok(operation.summary.length > 5, operation.operationId);
    for (const status of ["500", "503"]) {
      assert.ok(operation.responses[status], `${operation.operationId} ${status}`);
    }
    assert.equal(
      operation.responses["401"] !== undefined,
      operation.security.length > 0 || operation.operationId.startsWith("signIn"),
      operation.operationId,
    );
    if (method === "POST") {
      for (const [status, name] of [
        [400, "invalid-json"],
        [413, "too-large"],
        [415, "unsupported-media-type"],
        [422, "unknown-member"],
      ]) {
        assert.ok(declaredErrors(each, status).includes(name), `${operation.operationId} ${name}`);
      }
    }
  }
});

test("every name of an error has its schema and its response", () => {
  const text = readFileSync(join(ROOT, "src", "base", "err.h"), "utf8");
  const rows = [...text.matchAll(/X\([A-Z_]+, (\d+), "([a-z-]+)", "([^"]+)"\)/g)];
  const schemas = Object.keys(openapi.components.schemas).filter((name) => name.startsWith("problem-"));
  assert.deepEqual(schemas.sort(), rows.map(([, , name]) => `problem-${name}`).sort());
  for (const [, status, name, title] of rows) {
    assert.equal(
      schemaFault(`problem-${name}`, { type: `/problems/${name}`, title, status: Number(status) })?.includes(
        "constant",
      ) ?? false,
      false,
      name,
    );
    assert.ok(openapi.components.responses[name], name);
  }
});

const SCHEMA_OF_EXAMPLE = { refund: "ProposalRequest", pending: "Proposal" };
for (const [name, { value }] of Object.entries(openapi.components.examples)) {
  test(`the example ${name} fits its schema`, () => {
    assert.equal(schemaFault(SCHEMA_OF_EXAMPLE[name] ?? "DecisionRequest", value), null);
  });
}

/* A callback that waits: nobody answers at that port. */
let event;
async function anEvent() {
  event ??= (async () => {
    const { id } = await propose(bot, { callback: { url: "https://agent.example/hook" } });
    await act(bot, { id }, "withdraw");
    return (await adm.get("/v1/webhooks?limit=1")).body.items[0].id;
  })();
  return event;
}

async function linkCode() {
  return (await server.cli("user", "link", "ana")).link.split("#")[1];
}

const setupExample = openapi.paths["/v1/setup"].post.requestBody.content["application/json"].example;

/* The id of somebody of whom nobody else needs anything. */
const victims = new Map();
async function victim(name = "victim") {
  if (!victims.has(name)) {
    victims.set(name, (await server.addPerson(name)).id);
  }
  return victims.get(name);
}

/* Every call once, as it is meant, with what it answers. */
const made = (members) => propose(bot, members);

/* A version of the policy that waits: it lets one action more go on. */
let versions = 0;
async function candidate() {
  versions += 1;
  const yaml = policyText({ actions: `  more.${versions}: {then: allow}` });
  const answer = await pol.post("/v1/policies", { yaml });
  assert.equal(`${answer.status} ${answer.body.state}`, "202 candidate", answer.text);
  return answer.body;
}

/* A replay that somebody asked for. */
const backtest = async () => (await pol.post("/v1/policies/backtest", { yaml: policyText() })).body.id;

const CALLS = {
  propose: [201, () => bot.post("/v1/proposals", openapi.components.examples.refund.value)],
  listProposals: [200, () => bot.get("/v1/proposals?limit=200")],
  readProposal: [200, async () => ana.get(`/v1/proposals/${(await made()).id}`)],
  proposeMany: [
    200,
    () =>
      bot.post(
        "/v1/proposals/batch",
        openapi.paths["/v1/proposals/batch"].post.requestBody.content["application/json"].example,
      ),
  ],
  decideMany: [
    200,
    async () => {
      const { id, digest } = await made();
      return ana.post("/v1/decisions/batch", { items: [{ proposal: id, digest, verdict: "approve" }] });
    },
  ],
  readAttachment: [
    200,
    async () => bot.get(`/v1/proposals/${(await made(openapi.components.examples.refund.value)).id}/attachments/1`),
  ],
  reviseProposal: [
    200,
    async () => {
      const returned = await made();
      await decided(ana, returned, "return");
      return act(
        bot,
        returned,
        "revise",
        openapi.paths["/v1/proposals/{id}/revise"].post.requestBody.content["application/json"].example,
      );
    },
  ],
  withdrawProposal: [200, async () => act(bot, await made(), "withdraw")],
  reportOutcome: [
    200,
    async () =>
      act(
        bot,
        await approved(bot, ana),
        "outcome",
        openapi.paths["/v1/proposals/{id}/outcome"].post.requestBody.content["application/json"].example,
      ),
  ],
  redeemPermit: [
    200,
    async () => {
      const { permit, arguments: args } = await approved(bot, ana);
      return bot.post("/v1/permits/redeem", { permit, arguments: args });
    },
  ],
  claimProposal: [200, async () => act(ana, await made(), "claim")],
  unclaimProposal: [200, async () => act(ana, await made(), "unclaim")],
  decideProposal: [
    200,
    async () => {
      const { id, digest } = await made();
      return ana.post(`/v1/proposals/${id}/decision`, {
        ...openapi.components.examples.reject.value,
        digest,
        reason_code: "wrong_amount",
      });
    },
  ],
  undoDecision: [409, async () => act(ana, await approved(bot, ana), "undo")],
  commentProposal: [201, async () => act(ana, await made(), "comment", { text: "Look." })],
  readInbox: [200, () => ana.get("/v1/inbox")],
  signIn: [200, () => server.public.post("/v1/session", { name: "ana", password: PASSWORD })],
  signInByLink: [200, async () => server.public.post("/v1/session/link", { code: await linkCode() })],
  signOut: [204, async () => (await server.signIn("ana")).delete("/v1/session")],
  whoAmI: [200, () => ana.get("/v1/me")],
  listCategories: [200, () => ana.get("/v1/categories")],
  listQueues: [200, () => ana.get("/v1/queues")],
  listAgents: [200, () => lea.get("/v1/agents")],
  addAgent: [
    201,
    () => adm.post("/v1/agents", openapi.paths["/v1/agents"].post.requestBody.content["application/json"].example),
  ],
  changePassword: [
    204,
    async () => {
      const session = await server.person("changer", ["reviewer"]);
      return session.post("/v1/me/password", { current: PASSWORD, password: "another good password" });
    },
  ],
  setUp: [403, () => server.public.post("/v1/setup", setupExample)],
  addPerson: [201, () => adm.post("/v1/people", { name: "invited", roles: ["reviewer"] })],
  reviewAccess: [200, () => adm.get("/v1/people/access-review")],
  setRoles: [200, async () => adm.post(`/v1/people/${await victim("roled")}/roles`, { roles: ["auditor"] })],
  deactivatePerson: [200, async () => adm.post(`/v1/people/${await victim("leaver")}/deactivate`)],
  reactivatePerson: [200, async () => adm.post(`/v1/people/${await victim("comer")}/reactivate`)],
  resetPassword: [200, async () => adm.post(`/v1/people/${await victim("forgetful")}/password-reset`)],
  listKeys: [200, () => adm.get("/v1/keys")],
  makeKey: [
    201,
    () => adm.post("/v1/keys", openapi.paths["/v1/keys"].post.requestBody.content["application/json"].example),
  ],
  revokeKey: [
    204,
    async () => adm.delete(`/v1/keys/${(await adm.post("/v1/keys", { agent: "bot" })).body.id}`),
  ],
  listPauses: [200, () => ana.get("/v1/pauses")],
  pause: [201, () => lea.post("/v1/pauses", { action: "never.proposed", reason: "A test" })],
  resume: [
    200, // by the second person
    async () => {
      const { id } = (await lea.post("/v1/pauses", { action: "no.such", reason: "R" })).body;
      await lea.delete(`/v1/pauses/${id}`);
      return pol.delete(`/v1/pauses/${id}`);
    },
  ],
  newWebhookSecret: [200, () => adm.post(`/v1/agents/${bot.id}/webhook-secret`)],
  changeHosts: [200, () => adm.post(`/v1/agents/${bot.id}/hosts`, { add: ["hooks.example"] })],
  listWebhooks: [200, () => lea.get("/v1/webhooks")],
  resendWebhook: [200, async () => lea.post(`/v1/webhooks/${await anEvent()}/resend`)],
  listPeople: [200, () => lea.get("/v1/people")],
  listPolicies: [200, () => ana.get("/v1/policies")],
  proposePolicy: [201, () => pol.post("/v1/policies", { yaml: policyText(), alone: true })],
  readPolicy: [200, async () => ana.get(`/v1/policies/${(await candidate()).id}`)],
  activatePolicy: [200, async () => pol.post(`/v1/policies/${(await candidate()).id}/activate`, { alone: true })],
  checkPolicy: [200, () => pol.post("/v1/policies/check", { yaml: policyText() })],
  startBacktest: [202, () => pol.post("/v1/policies/backtest", { yaml: policyText(), days: 3 })],
  readBacktest: [200, async () => lea.get(`/v1/policies/backtests/${await backtest()}`)],
  cancelBacktest: [200, async () => pol.delete(`/v1/policies/backtests/${await backtest()}`)],
  setShadow: [200, async () => pol.post(`/v1/policies/${(await candidate()).id}/shadow`)],
  readShadow: [200, async () => aud.get(`/v1/policies/${(await candidate()).id}/shadow`)],
  endShadow: [200, async () => pol.delete(`/v1/policies/${(await candidate()).id}/shadow`)],
  readCoverage: [200, () => lea.get("/v1/insights/coverage")],
  readEdgeCases: [200, () => lea.get("/v1/insights/edge-cases")],
  readCheckpoint: [200, () => server.public.get("/log/checkpoint")],
  readVerifierKey: [200, () => server.public.get("/log/vkey")],
  readTile: [200, () => signed(() => server.public.get("/log/tile/0/000.p/1"))],
  readEntriesTile: [200, () => signed(() => aud.get("/log/tile/entries/000.p/1"))],
  listEntries: [200, () => aud.get("/v1/audit/entries")],
  readProof: [200, () => signed(() => aud.get("/v1/audit/proofs/0"))],
  readBundle: [
    200,
    async () => {
      const { id } = await approved(bot, ana);
      return signed(() => aud.get(`/v1/audit/bundle/${id}`));
    },
  ],
  reportCompleteness: [200, () => aud.get("/v1/audit/completeness?from=2026-01-01&to=2100-01-01")],
  readPermitKeys: [200, () => server.public.get("/.well-known/jwks.json")],
  isAlive: [200, () => server.public.get("/healthz")],
  isReady: [200, () => server.public.get("/readyz")],
  readMetrics: [200, () => lea.get("/metrics")],
  readOpenApi: [200, () => server.public.get("/openapi.json")],
  readCommitToSend: [200, () => ana.get("/debug/commit-to-send")],
};

const STREAMS = ["followStream", "followProposal"];

test("every call of the document is called here", () => {
  const named = operations.map(({ operation }) => operation.operationId).filter((name) => !STREAMS.includes(name));
  assert.deepEqual(Object.keys(CALLS).sort(), named.sort());
});

for (const [name, [status, call]] of Object.entries(CALLS)) {
  test(`${name} answers ${status}`, async () => {
    const answer = await call();
    assert.equal(answer.status, status, answer.text.slice(0, 500));
  });
}

test("followStream and followProposal open", async () => {
  for (const stream of [await ana.stream(), await bot.stream(`/v1/proposals/${(await made()).id}/events`)]) {
    assert.equal(stream.headers["content-type"], "text/event-stream");
    stream.close();
  }
});

/* --- what every write refuses -------------------------------------------------------------------------- */

const ADMINS = [
  "addAgent", "addPerson", "setRoles", "deactivatePerson", "reactivatePerson", "resetPassword", "makeKey", "revokeKey",
  "newWebhookSecret", "changeHosts", "resendWebhook",
];

const LEADS = ["pause", "resume"];

/* Who may make this call. */
function callerOf({ operation }) {
  const [kinds, { operationId }] = [operation.security.flatMap(Object.keys), operation];
  const listed = ADMINS.includes(operationId) ? adm : LEADS.includes(operationId) ? lea : null;
  const tagged = operation.tags.includes("policy") ? pol : operation.tags.includes("audit") ? aud : ana;
  const person = listed ?? tagged;
  return kinds.length === 0 ? server.public : kinds.includes("agentKey") ? bot : person;
}

/* The path, with a proposal to which the call may apply. */
async function pathOf({ path, operation }) {
  const proposal = path.includes("{id}") ? await made() : { id: "" };
  if (operation.operationId === "reviseProposal") {
    await decided(ana, proposal, "return");
  }
  const person = path.includes("{person}") ? await victim() : "";
  const event = path.includes("{event}") ? await anEvent() : "";
  const policy = path.includes("{policy}") ? (await candidate()).id : "";
  const job = path.includes("{backtest}") ? await backtest() : "";
  const ids = { policy, backtest: job, id: proposal.id, person, event, agent: bot.id, key: `key_${"0".repeat(25)}1`, pause: `pau_${"0".repeat(25)}1` };
  return path.replace(/\{(\w+)\}/g, (all, name) => ids[name] ?? all);
}

const REFUSALS = [
  [400, "invalid-json", { raw: "{" }],
  [413, "too-large", ({ path }) => ({ raw: " ".repeat((path === "/v1/proposals/batch" ? 8 : 1) * 1024 * 1024 + 1) })],
  [415, "unsupported-media-type", { raw: "{}", headers: { "content-type": "text/plain" } }],
  [422, "invalid-argument", { raw: "[]" }],
];
for (const each of operations.filter(({ method }) => method !== "GET")) {
  const { method, operation } = each;
  for (const [status, name, options] of REFUSALS.filter((row) => method === "POST" || row[0] < 422)) {
    test(`${operation.operationId} refuses: ${name}`, async () => {
      const sent = typeof options === "function" ? options(each) : options;
      expectProblem(await callerOf(each).request(method, await pathOf(each), sent), status, name);
    });
  }
}

/* Bodies that are right as far as a call looks before it looks at the proposal. */
const BODIES = {
  propose: { action: "note.write", arguments: {} },
  proposeMany: { items: [{}] },
  decideMany: { items: [{}] },
  reportOutcome: { status: "failed" },
  redeemPermit: { permit: "x", arguments: {} },
  decideProposal: openapi.components.examples.approve.value,
  commentProposal: { text: "x" },
  signIn: { name: "ana", password: PASSWORD },
  signInByLink: { code: "fkl_unknown" },
  addAgent: { name: "never-made", owner: "ana" },
  changeHosts: { add: ["hooks.example"] },
  addPerson: { name: "never-made", roles: ["reviewer"] },
  setRoles: { roles: ["reviewer"] },
  makeKey: { agent: "bot" },
  changePassword: { current: PASSWORD, password: "another good password" },
  setUp: setupExample,
  pause: { action: "never.proposed", reason: "R" },
  reviseProposal: { brief: {} },
  proposePolicy: { yaml: policyText() },
  checkPolicy: { yaml: policyText() },
  startBacktest: { yaml: policyText() },
};

for (const each of operations.filter(({ method }) => method === "POST")) {
  const { operationId } = each.operation;
  test(`${operationId} refuses: a member that it does not know`, async () => {
    const answer = await callerOf(each).post(await pathOf(each), { ...BODIES[operationId], no_such: 1 });
    expectProblem(answer, 422, "unknown-member", "/no_such");
  });
}

test("every call on a proposal says 404 for one that is not there", async () => {
  for (const each of operations.filter(({ path }) => path.includes("{id}"))) {
    const path = each.path.replace("{id}", `prp_${"0".repeat(25)}1`).replace("{n}", "0");
    const body = each.method === "POST" ? (BODIES[each.operation.operationId] ?? {}) : undefined;
    expectProblem(await callerOf(each).request(each.method, path, { body }), 404, "not-found");
  }
});

/* A first body that holds, and another under the same key. */
const KEYED = {
  propose: () => [
    "/v1/proposals",
    { action: "note.write", arguments: {} },
    { action: "note.write", arguments: { a: 1 } },
  ],
  reviseProposal: async (each) => [await pathOf(each), { brief: {} }, { brief: { summary: "S" } }],
  reportOutcome: async () => [
    `/v1/proposals/${(await approved(bot, ana)).id}/outcome`,
    { status: "failed" },
    { status: "reverted" },
  ],
  redeemPermit: async () => {
    const { permit, arguments: args } = await approved(bot, ana);
    return ["/v1/permits/redeem", { permit, arguments: args }, { permit, arguments: {} }];
  },
  decideProposal: async () => {
    const { id, digest } = await made();
    return [`/v1/proposals/${id}/decision`, { verdict: "approve", digest }, { verdict: "reject", digest, reason: "R" }];
  },
  pause: () => ["/v1/pauses", { action: "x", reason: "a" }, { action: "x", reason: "b" }],
  setRoles: async (each) => [await pathOf(each), { roles: ["reviewer"] }, { roles: ["lead"] }],
  commentProposal: async () => [`/v1/proposals/${(await made()).id}/comment`, { text: "a" }, { text: "b" }],
  changeHosts: async (each) => [await pathOf(each), { add: ["a.example"] }, { add: ["b.example"] }],
  proposeMany: null, // its items are refused one by one: batch.test.mjs
  decideMany: null,
  proposePolicy: () => ["/v1/policies", { yaml: policyText(), alone: true }, { yaml: "version: 1\n" }],
  activatePolicy: async () => [`/v1/policies/${(await candidate()).id}/activate`, { alone: true }, {}],
  startBacktest: () => ["/v1/policies/backtest", { yaml: policyText() }, { yaml: policyText(), days: 1 }],
  addAgent: () => ["/v1/agents", { name: "keyed", owner: "ana" }, { name: "keyed", owner: "lea" }],
  addPerson: () => ["/v1/people", { name: "keyed", roles: ["lead"] }, { name: "keyed", roles: ["admin"] }],
  makeKey: () => ["/v1/keys", { agent: "bot" }, { service: "keyed", scopes: ["metrics"] }],
  changePassword: null, // ana's is needed here: idempotency.test.mjs
  undoDecision: null, // what it undoes is gone at the second time: idempotency.test.mjs
};
for (const each of operations.filter(
  ({ method, parameters }) => method === "POST" && parameters.some(({ name }) => name === "Idempotency-Key"),
)) {
  const { operationId } = each.operation;
  if (KEYED[operationId] === null) {
    continue;
  }
  test(`${operationId} refuses: another body under the same key`, async () => {
    const [path, first, second] = KEYED[operationId]
      ? await KEYED[operationId](each)
      : [await pathOf(each), undefined, {}];
    const caller = callerOf(each);
    const options = { key: `mismatch-${operationId}` };
    const { status } = await caller.request("POST", path, { ...options, body: first });
    assert.ok(status >= 200 && status < 300);
    expectProblem(await caller.request("POST", path, { ...options, body: second }), 422, "idempotency-mismatch");
  });
}

test("every object of a request is closed in the document, but those that are the agent's own", () => {
  const open = [];
  const walk = (node, at) => {
    if (!node || typeof node !== "object") {
      return;
    }
    if (node.type === "object" && node.additionalProperties === undefined) {
      open.push(at);
    }
    for (const [name, child] of Object.entries(node)) {
      walk(child, `${at}/${name}`);
    }
  };
  const requests = Object.keys(openapi.components.schemas).filter(
    (name) => name.endsWith("Request") || ["Brief", "Evidence", "Option"].includes(name),
  );
  requests.forEach((name) => walk(openapi.components.schemas[name], name));
  assert.deepEqual(open, ["Option/properties/arguments"], "besides the shared Arguments");
});

test("a call that has query parameters refuses others", async () => {
  for (const { method, path, parameters } of operations) {
    if (method !== "GET" || !parameters.some(({ in: place }) => place === "query") || path.startsWith("/debug")) {
      continue;
    }
    const { id } = await made();
    const caller = ["/v1/keys", "/v1/people/access-review"].includes(path)
      ? adm
      : path.startsWith("/v1/audit/")
        ? aud
        : lea;
    const answer = await caller.get(`${path.replace("{id}", id).replace("{n}", "0")}?no_such=1`);
    expectProblem(answer, 422, "unknown-member", "/no_such");
  }
});

test("what holds the wire to the document notices what is wrong", () => {
  assert.equal(duplicateMember('{"a":1,"b":{"a":2},"a":3}'), "a");
  assert.equal(duplicateMember('{"a":"\\"a\\":","b":[{"a":1},{"a":2}]}'), null);
  assert.match(schemaFault("ProposalRequest", { action: "a", arguments: {}, typo: 1 }), /additional/);
  assert.match(
    schemaFault("Proposal", { ...openapi.components.examples.pending.value, status: "open" }),
    /allowed values/,
  );
  assert.equal(schemaFault("Proposal", { ...openapi.components.examples.pending.value, added_later: 1 }), null);
  assert.equal(problemOf({ headers: {}, body: {} }), undefined);
});
