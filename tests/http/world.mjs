// SPDX-License-Identifier: Apache-2.0
/*
 * A server with a policy, people in every role and agents, as most tests want it; and the few steps
 * that they all take: propose, decide, wait.
 */
import assert from "node:assert/strict";

import { problemOf, startServer } from "./server.mjs";

/* The policy of the tests. `defaults` and `extra` are YAML of their own. */
export function policyText({ defaults = {}, actions = "", extra = "" } = {}) {
  const all = {
    then: "earn",
    queue: "general",
    mode: "glance",
    undo: "0s",
    respond_within: "4h",
    on_expiry: "expire",
    decide_by: "[page, token]",
    valid_for: "24h",
    warm_up: 0, // an allowed action goes on from the first time on
    ...defaults,
  };
  return `version: 1
defaults:
${Object.entries(all)
  .map(([name, value]) => `  ${name}: ${value}`)
  .join("\n")}
actions:
  refund.issue:
    then: earn
    effects: [money, account]
    domain: billing
    reversible: false
    executor: payments
    card: {title: 'Refund {amount} {currency} for order {order_id}', critical: [/amount, /order_id]}
    oversight: "Check the photo against the order before you approve."
  note.write: {then: review, effects: [record]}
  ticket.tag: {then: allow, effects: [none]}
  customer.export: {then: block, effects: [read]}
  contract.sign: {then: review, effects: [legal], queue: leads}
  letter.send:
    then: review
    brief: {require: [request, reasoning, evidence, options], evidence_min: 2}
${actions}
unknown_actions: review
queues:
  general: {members: [role:reviewer], backup: leads}
  leads: {members: [role:lead]}
reasons: [wrong_amount, policy, other]
${extra}`;
}

/* Who there is, and in which roles. */
export const CAST = {
  ana: ["reviewer"],
  ben: ["reviewer"],
  lea: ["lead"],
  adm: ["admin"],
  aud: ["auditor"],
  pol: ["policy"],
  pia: ["policy"],
};

/*
 * A server with the policy and the people that are named, each signed in, and the agents `bot` and
 * `other`: {server, bot, other, ana, ...}.
 */
export async function startWorld(t, { people = ["ana"], agents = ["bot"], policy = policyText(), ...options } = {}) {
  const server = await startServer(t, { policy, ...options });
  const world = { server };
  for (const name of people) {
    world[name] = await server.person(name, CAST[name]);
  }
  for (const name of agents) {
    world[name] = await server.agent(name, { hosts: ["agent.example"] });
  }
  return world;
}

let counter = 0;

/* Arguments that nobody else has. */
export function refund(changes = {}) {
  counter += 1;
  return { order_id: `W${counter}`, amount: 74.5, currency: "USD", ...changes };
}

/* Proposes and expects it to be stored: the proposal. */
export async function propose(agent, members = {}, options) {
  const answer = await agent.post(
    "/v1/proposals",
    { action: "refund.issue", arguments: refund(), ...members },
    options,
  );
  assert.equal(answer.status, 201, answer.text.slice(0, 800));
  return answer.body;
}

export function decide(person, proposal, verdict, members = {}, options) {
  const reason = verdict === "reject" || verdict === "return" ? { reason: "Because." } : {};
  const body = { verdict, digest: proposal.digest, ...reason, ...members };
  return person.post(`/v1/proposals/${proposal.id}/decision`, body, options);
}

/* Decides and expects it to hold: the proposal as the person reads it. */
export async function decided(person, proposal, verdict = "approve", members = {}) {
  const answer = await decide(person, proposal, verdict, members);
  assert.equal(answer.status, 200, answer.text);
  return answer.body;
}

/* What `caller` reads of it; with `wait`, once it has left `pending`. */
export async function read(caller, { id }, wait) {
  const answer = await caller.get(`/v1/proposals/${id}${wait ? `?wait=${wait}` : ""}`);
  assert.equal(answer.status, 200, answer.text);
  return answer.body;
}

export function act(caller, proposal, verb, body = {}, options) {
  return caller.post(`/v1/proposals/${proposal.id}/${verb}`, body, options);
}

/* Expects a problem of this name; `pointer` is where it says that something is wrong. */
export function expectProblem(answer, status, name, pointer) {
  assert.equal(`${answer.status} ${problemOf(answer)}`, `${status} ${name}`, answer.text.slice(0, 800));
  if (pointer !== undefined) {
    const pointers = (answer.body.errors ?? []).map((error) => error.pointer);
    assert.ok(pointers.includes(pointer), `expected ${pointer} among ${JSON.stringify(answer.body.errors)}`);
  }
  return answer.body;
}

/* What is asked for once the log has been signed over it, which takes a second: asks until it is there. */
export async function signed(ask, within_ms = 10_000) {
  for (const over = Date.now() + within_ms; ; ) {
    const answer = await ask();
    if (![404, 503].includes(answer.status) || Date.now() > over) {
      return answer;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/* A proposal that `person` approved, as its agent reads it: with a permit. */
export async function approved(agent, person, members) {
  const proposal = await propose(agent, members);
  await decided(person, proposal);
  return read(agent, proposal);
}
