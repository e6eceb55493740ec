// SPDX-License-Identifier: Apache-2.0
/*
 * What all lists have in common: a limit, a cursor, an end. Each list of the interface is a row here; a
 * new one that is not fails the first test.
 */
import assert from "node:assert/strict";
import test, { after } from "node:test";

import { openapi, operations, schemaFault } from "./contract.mjs";
import { decided, expectProblem, policyText, propose, startWorld } from "./world.mjs";

const LEADS = "  leads: {members: [role:lead]}";
const policy = policyText({
  actions: `  odd.one: {then: review, category: '"odd/" + args.kind'}`,
}).replace(LEADS, `${LEADS}\n  three: {members: [ana]}\n  four: {members: [ana]}\n  five: {members: [ana]}`);
const AGENTS = ["bot", "bit", "but", "bat", "bet"];
const PEOPLE = ["ana", "ben", "lea", "adm", "aud", "pol"];
const world = await startWorld({ after }, { people: PEOPLE, agents: AGENTS, policy });
const { ana, lea, adm, aud, pol, bot } = world;

const byId = ({ id }) => id;
/* operationId -> [who reads it, path, what an item is known by, how many there are at least] */
const LISTS = {
  listProposals: [ana, "/v1/proposals", byId, 5],
  readInbox: [ana, "/v1/inbox", byId, 5],
  listCategories: [ana, "/v1/categories", ({ agent, category }) => `${agent.name} ${category}`, 6],
  listQueues: [ana, "/v1/queues", ({ name }) => name, 5],
  listAgents: [lea, "/v1/agents", byId, 5],
  listPeople: [lea, "/v1/people", byId, 5],
  listKeys: [adm, "/v1/keys", byId, 5],
  listPauses: [lea, "/v1/pauses", byId, 5],
  listEntries: [aud, "/v1/audit/entries", ({ index }) => index, 5],
  listPolicies: [ana, "/v1/policies", byId, 1],
  listWebhooks: [lea, "/v1/webhooks", byId, 0], // webhooks.test.mjs has some
  readCoverage: [pol, "/v1/insights/coverage", JSON.stringify, 0], // policy_tools.test.mjs
};
/* What is read whole, or is bounded by a period of its own. */
const REPORTS = ["reviewAccess", "readEdgeCases", "reportCompleteness"];

for (const [n, agent] of AGENTS.entries()) {
  await decided(ana, await propose(world[agent], { action: "note.write" }));
  await propose(world[agent], { action: "note.write" });
  await decided(ana, await propose(bot, { action: "odd.one", arguments: { kind: `\u00e4&=#"${n}` } }), "reject");
  assert.equal((await lea.post("/v1/pauses", { action: `never.${n}`, reason: "A test" })).status, 201);
}

test("every answer with items is a row here", () => {
  const listed = operations
    .filter(({ method, operation }) => {
      const schema = operation.responses["200"]?.content?.["application/json"]?.schema?.$ref;
      return method === "GET" && schema && openapi.components.schemas[schema.split("/").at(-1)].properties?.items;
    })
    .map(({ operation }) => operation.operationId);
  assert.deepEqual(listed.sort(), [...Object.keys(LISTS), ...REPORTS].sort());
});

for (const [name, [who, path, known, least]] of Object.entries(LISTS)) {
  const page = async (limit, cursor) => {
    const { status, body, text } = await who.get(`${path}?limit=${limit}${cursor ? `&cursor=${cursor}` : ""}`);
    assert.equal(status, 200, text);
    assert.ok(body.items.length <= limit);
    return body;
  };

  test(`${name}: pages of two are the whole, in order, and end`, async () => {
    const whole = await page(200);
    assert.equal(whole.next_cursor, null);
    assert.ok(whole.items.length >= least, `${whole.items.length}`);
    const pieces = [];
    let cursor = null;
    do {
      const next = await page(2, cursor);
      assert.ok(next.next_cursor === null || next.items.length === 2);
      pieces.push(...next.items);
      cursor = next.next_cursor;
    } while (cursor !== null);
    assert.deepEqual(pieces.map(known), whole.items.map(known));
    assert.equal(new Set(pieces.map(known)).size, pieces.length, "none twice");
    if (whole.items.length > 0) {
      assert.equal((await page(whole.items.length)).next_cursor, null, "a page that is just full is the last");
    }
  });

  test(`${name}: a limit or cursor that is none is refused`, async () => {
    for (const query of ["limit=0", "limit=201", "limit=x", "cursor=x", "cursor=1-zz"]) {
      const [parameter] = query.split("=");
      expectProblem(await who.get(`${path}?${query}`), 422, "invalid-argument", `/${parameter}`);
    }
    expectProblem(await who.get(`${path}?no_such=1`), 422, "unknown-member", "/no_such");
  });
}

test("a list without a limit has 50 items and a cursor", async () => {
  for (let n = 0; n < 51; n += 1) {
    await adm.post("/v1/keys", { agent: "bot" });
  }
  const first = (await adm.get("/v1/keys")).body;
  assert.equal(first.items.length, 50);
  assert.equal(schemaFault("KeyList", first), null);
  const second = (await adm.get(`/v1/keys?cursor=${first.next_cursor}`)).body;
  assert.ok(second.items.length >= 6);
  assert.equal(second.next_cursor, null);
});
