// SPDX-License-Identifier: Apache-2.0
/*
 * What every test of the page starts from: a real server with the sample policy, people, an agent, the
 * sample proposals of examples/first_proposals.py, and a browser.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT, startServer } from "../http/server.mjs";
import { startBrowser } from "./browser.mjs";

const SAMPLES_JSON = `
import json, sys
sys.path.insert(0, "examples")
import first_proposals
print(json.dumps({s.action: {"action": s.action, "arguments": s.arguments, "brief": s.brief, **s.members}
                  for s in first_proposals.SAMPLES}))
`;

/* The sample proposals by action, as an agent sends them. */
export function samples() {
  const { stdout, stderr, status } = spawnSync("python3", ["-c", SAMPLES_JSON], { cwd: ROOT, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

/* An action like refund.issue whose arguments may be anything, for what no schema would let in. */
const ANYTHING = `actions:
  anything.refund:
    then: earn
    effects: [money, account]
    domain: billing
    reversible: false
    executor: payments
    card: {title: 'Refund {amount} {currency} for order {order_id}', critical: [/amount, /order_id]}
    oversight: "Hold the amount against the order."
`;

/* The sample policy with another undo time and mode, and room for a busy agent. */
export function policy({ undo = "0s", mode = "glance" } = {}) {
  const text = readFileSync(join(ROOT, "examples", "policy.yaml"), "utf8");
  return [
    ["undo: 5s", `undo: ${undo}`],
    ["mode: glance ", `mode: ${mode} `],
    ["pending_per_agent: 200", "pending_per_agent: 2000"],
    ["actions:\n", ANYTHING],
    ["proposals_per_minute: 120", "proposals_per_minute: 6000"],
  ].reduce((before, [from, to]) => {
    assert.ok(before.includes(from), `the sample policy holds ${from}`);
    return before.replace(from, to);
  }, text);
}

/* A server and a browser for a file of tests. ana, ben and bob review, vera reads, eve is an admin
 * besides, lena leads and is an admin, max owns the policy. */
export async function startWorld(t, { undo, mode, ...options } = {}) {
  const server = await startServer(t, { policy: policy({ undo, mode }), ...options });
  const [browser, bot] = await Promise.all([startBrowser(t), server.agent("support-bot")]);
  await server.addPerson("ana", ["reviewer"]);
  await server.addPerson("ben", ["reviewer"]);
  await server.addPerson("bob", ["reviewer"]);
  await server.addPerson("vera", ["auditor"]);
  await server.addPerson("eve", ["admin", "reviewer"]);
  await server.addPerson("lena", ["lead", "admin"]);
  await server.addPerson("max", ["policy"]);
  return { server, browser, bot, samples: samples() };
}

/* Proposes; answers with the proposal as the agent reads it. */
export async function propose(bot, body) {
  const { status, body: proposal, text } = await bot.post("/v1/proposals", body);
  assert.equal(status, 201, text);
  return proposal;
}

/* The refund of the samples, for another order each time. With members or an order that the schema of
 * refund.issue would not let in, it is one of anything.refund. */
export function refund({ samples: all }, order = "W2378156", changed = {}) {
  const sample = all["refund.issue"];
  const strange = Object.keys(changed).length > 0 || !/^W.{0,39}$/u.test(order);
  const action = strange ? "anything.refund" : sample.action;
  return { ...sample, action, arguments: { ...sample.arguments, order_id: order, ...changed } };
}

/* A callback that is given up at once: to an address that callbacks may not go to. Its proposal. */
export async function givenUp({ server }) {
  await server.cli("agent", "add", "inside-bot", "--owner", "ana", "--host", "localhost");
  const agent = await server.key("inside-bot");
  const proposal = await propose(agent, {
    action: "ticket.close",
    arguments: {},
    callback: { url: "https://localhost:8443/hooks" },
  });
  await agent.post(`/v1/proposals/${proposal.id}/withdraw`);
  return proposal;
}

/* A decision through the API, by somebody who is signed in. */
export async function decide(caller, { id, digest }, decision) {
  const { status, text } = await caller.post(`/v1/proposals/${id}/decision`, { digest, ...decision });
  assert.equal(status, 200, text);
}

/* The proposal as its agent reads it once it is no longer pending. */
export async function released(bot, { id }) {
  return (await bot.get(`/v1/proposals/${id}?wait=20s`)).body;
}
