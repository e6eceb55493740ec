// SPDX-License-Identifier: Apache-2.0
/*
 * Permits: what they say, that anybody can verify them, that they are redeemed once and only for what
 * was approved; and outcomes.
 */
import assert from "node:assert/strict";
import { createHash, createPublicKey, verify } from "node:crypto";
import test, { after } from "node:test";

import { schemaFault } from "./contract.mjs";
import { act, approved, decided, expectProblem, policyText, propose, read, refund, startWorld } from "./world.mjs";

const world = await startWorld({ after }, { people: ["ana", "lea"], agents: ["bot", "other", "payments"] });
const { server, bot, other, payments, ana } = world;

function partsOf(permit) {
  const [header, payload, signature] = permit.split(".");
  const json = (part) => JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
  return {
    header: json(header),
    claims: json(payload),
    signed: `${header}.${payload}`,
    signature: Buffer.from(signature, "base64url"),
  };
}

function redeem(agent, permit, args, options) {
  return agent.post("/v1/permits/redeem", { permit, arguments: args }, options);
}

/* Expects that `permit` still works: what was tried before has not used it up. */
async function stillWorks(agent, permit, args) {
  const answer = await redeem(agent, permit, args);
  assert.equal(answer.status, 200, answer.text);
}

/* --- what a permit says ------------------------------------------------------------------------------- */

test("a permit is verified with the published key, and says what was approved", async () => {
  const { keys } = (await server.public.get("/.well-known/jwks.json")).body;
  const proposal = await approved(bot, ana);
  const { header, claims, signed, signature } = partsOf(proposal.permit);
  assert.deepEqual({ ...header, kid: "" }, { alg: "EdDSA", typ: "fermata-permit+jwt", kid: "" });
  const key = keys.find(({ kid }) => kid === header.kid);
  assert.ok(verify(null, Buffer.from(signed), createPublicKey({ key, format: "jwk" }), signature), "signature");
  assert.equal(schemaFault("PermitClaims", claims), null);
  assert.equal(claims.iss, server.origin);
  assert.equal(claims.sub, bot.id);
  assert.equal(claims.aud, "payments");
  assert.deepEqual([claims.proposal, claims.revision, claims.action], [proposal.id, 1, "refund.issue"]);
  assert.equal(claims.decision, proposal.decision.id);
  assert.equal(`sha256:${claims.arguments_sha256}`, proposal.arguments_digest);
  assert.equal(claims.exp - claims.iat, 600);
  assert.ok(Math.abs(claims.iat - Date.now() / 1000) < 5);
  assert.equal(claims.epoch, 1);
  assert.doesNotMatch(JSON.stringify(keys), /"d"/);
});

test("an action without an executor is for the agent itself", async () => {
  const { permit } = await approved(bot, ana, { action: "note.write" });
  assert.equal(partsOf(permit).claims.aud, bot.id);
});

test("what the policy allows has a permit at once", async () => {
  const made = await propose(bot, { action: "ticket.tag" });
  await stillWorks(bot, made.permit, made.arguments);
});

test("reading again issues it again: the same jti, a fresh exp", async () => {
  const first = await approved(bot, ana);
  const read_ms = Date.now();
  let second = first;
  while (partsOf(second.permit).claims.iat === partsOf(first.permit).claims.iat && Date.now() - read_ms < 5000) {
    second = await read(bot, first);
  }
  const [a, b] = [first, second].map(({ permit }) => partsOf(permit).claims);
  assert.ok(b.exp > a.exp);
  assert.equal(a.jti, b.jti);
  await stillWorks(bot, first.permit, first.arguments);
  expectProblem(await redeem(bot, second.permit, first.arguments), 409, "permit-used");
});

test("people do not read permits, and a rejected proposal has none", async () => {
  const proposal = await approved(bot, ana);
  assert.equal((await read(ana, proposal)).permit, null);
  const made = await propose(bot);
  await decided(ana, made, "reject");
  assert.equal((await read(bot, made)).permit, null);
});

/* --- redeeming ------------------------------------------------------------------------------------------ */

test("a permit is redeemed once", async () => {
  const proposal = await approved(bot, ana);
  const answer = await redeem(bot, proposal.permit, proposal.arguments);
  assert.equal(answer.status, 200);
  assert.deepEqual(
    [answer.body.proposal, answer.body.action, answer.body.decision],
    [proposal.id, "refund.issue", proposal.decision.id],
  );
  assert.deepEqual(answer.body.arguments, proposal.arguments);
  const problem = expectProblem(await redeem(bot, proposal.permit, proposal.arguments), 409, "permit-used");
  assert.equal(problem.redeemed_at, answer.body.redeemed_at);
  const seen = await read(bot, proposal);
  assert.deepEqual([seen.redeemed_at, seen.permit, seen.status], [answer.body.redeemed_at, null, "approved"]);
});

test("of many who redeem at once, one may execute (A12)", async () => {
  const proposal = await approved(bot, ana);
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, i) => redeem(i % 2 ? bot : payments, proposal.permit, proposal.arguments)),
  );
  const statuses = answers.map(({ status }) => status).sort();
  assert.deepEqual(statuses, [200, ...Array(49).fill(409)]);
});

test("the executor may redeem, another agent may not", async () => {
  const proposal = await approved(bot, ana);
  expectProblem(await redeem(other, proposal.permit, proposal.arguments), 403, "forbidden");
  await stillWorks(payments, proposal.permit, proposal.arguments);
});

test("without an executor no other agent may", async () => {
  const proposal = await approved(bot, ana, { action: "note.write" });
  expectProblem(await redeem(payments, proposal.permit, proposal.arguments), 403, "forbidden");
  await stillWorks(bot, proposal.permit, proposal.arguments);
});

test("other arguments than the approved ones are refused (A11)", async () => {
  const proposal = await approved(bot, ana, { arguments: { order_id: "X", amount: 10, currency: "EUR" } });
  const others = [
    {},
    { order_id: "X", amount: 10 },
    { order_id: "X", amount: 10.01, currency: "EUR" },
    { order_id: "x", amount: 10, currency: "EUR" },
    { order_id: "X", amount: "10", currency: "EUR" },
    { order_id: "X", amount: 10, currency: "EUR", more: null },
  ];
  for (const args of others) {
    expectProblem(await redeem(bot, proposal.permit, args), 422, "invalid-argument", "/arguments");
  }
  await stillWorks(bot, proposal.permit, { currency: "EUR", amount: 1e1, order_id: "X" }); // the same value, written otherwise
});

test("modify: the permit is for the edited arguments, exactly", async () => {
  const made = await propose(bot);
  const edited = refund({ amount: 5 });
  await decided(ana, made, "modify", { arguments: edited });
  const seen = await read(bot, made);
  assert.deepEqual(seen.decision.arguments, edited);
  assert.equal(
    partsOf(seen.permit).claims.arguments_sha256,
    createHash("sha256")
      .update(JSON.stringify(edited, Object.keys(edited).sort()))
      .digest("hex"),
  );
  expectProblem(await redeem(bot, seen.permit, made.arguments), 422, "invalid-argument", "/arguments");
  await stillWorks(bot, seen.permit, edited);
});

const flip = (text, index) => text.slice(0, index) + (text[index] === "A" ? "B" : "A") + text.slice(index + 1);

test("every mutant of a permit is refused (A11)", async (t) => {
  const proposal = await approved(bot, ana);
  const { permit } = proposal;
  const [header, payload, signature] = permit.split(".");
  const { claims } = partsOf(permit);
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const mutants = {
    "no signature": `${header}.${payload}.`,
    "no parts": "abc",
    "four parts": `${permit}.${signature}`,
    "a blank behind it": `${permit} `,
    padding: `${permit}=`,
    "alg none": `${encode({ alg: "none", typ: "fermata-permit+jwt" })}.${payload}.`,
    "alg none, signed as before": `${encode({ alg: "none", typ: "fermata-permit+jwt" })}.${payload}.${signature}`,
    "alg HS256": `${encode({ alg: "HS256", typ: "fermata-permit+jwt", kid: partsOf(permit).header.kid })}.${payload}.${signature}`,
    "another type": `${encode({ ...partsOf(permit).header, typ: "JWT" })}.${payload}.${signature}`,
    "another key's name": `${encode({ ...partsOf(permit).header, kid: "x" })}.${payload}.${signature}`,
    "a key of its own in the header": `${encode({ ...partsOf(permit).header, jwk: {} })}.${payload}.${signature}`,
    "another agent": `${header}.${encode({ ...claims, sub: other.id })}.${signature}`,
    "another amount": `${header}.${encode({ ...claims, arguments_sha256: "0".repeat(64) })}.${signature}`,
    "a longer life": `${header}.${encode({ ...claims, exp: claims.exp + 3600 })}.${signature}`,
    "another epoch": `${header}.${encode({ ...claims, epoch: 2 })}.${signature}`,
  };
  for (const index of [0, 5, header.length - 1]) {
    mutants[`a byte of the header, ${index}`] = `${flip(header, index)}.${payload}.${signature}`;
  }
  for (let index = 0; index < payload.length; index += 17) {
    mutants[`a byte of the payload, ${index}`] = `${header}.${flip(payload, index)}.${signature}`;
  }
  for (let index = 0; index < signature.length; index += 5) {
    mutants[`a byte of the signature, ${index}`] = `${header}.${payload}.${flip(signature, index)}`;
  }
  for (const [name, mutant] of Object.entries(mutants)) {
    await t.test(name, async () => {
      expectProblem(await redeem(bot, mutant, proposal.arguments), 422, "invalid-argument", "/permit");
    });
  }
  await stillWorks(bot, permit, proposal.arguments);
});

const BAD_REDEEMS = [
  ["no permit", { arguments: {} }, 422, "invalid-argument", "/permit"],
  ["no arguments", { permit: "x" }, 422, "invalid-argument", "/arguments"],
  ["a typo", { permit: "x", arguments: {}, argument: {} }, 422, "unknown-member", "/argument"],
  ["a permit of more than 4 KiB", { permit: "x".repeat(4097), arguments: {} }, 413, "too-large", "/permit"],
];
for (const [name, body, status, error, pointer] of BAD_REDEEMS) {
  test(`refused: ${name}`, async () => {
    expectProblem(await bot.post("/v1/permits/redeem", body), status, error, pointer);
  });
}

test("a permit of another server is refused", async (t) => {
  const elsewhere = await startWorld(t);
  const proposal = await approved(elsewhere.bot, elsewhere.ana);
  expectProblem(await redeem(bot, proposal.permit, proposal.arguments), 422, "invalid-argument", "/permit");
});

/* --- outcomes ------------------------------------------------------------------------------------------- */

test("outcomes are reported, corrected, and read by all", async () => {
  const proposal = await approved(bot, ana);
  await stillWorks(bot, proposal.permit, proposal.arguments);
  const first = await act(bot, proposal, "outcome", { status: "succeeded", detail: "R-1 booked" });
  assert.equal(first.status, 200);
  assert.deepEqual([first.body.outcome.status, first.body.outcome.detail], ["succeeded", "R-1 booked"]);
  assert.deepEqual((await read(ana, proposal)).outcome, first.body.outcome);
  const second = await act(bot, proposal, "outcome", { status: "reverted" });
  assert.equal(second.body.outcome.status, "reverted");
  const { timeline } = await read(ana, proposal);
  assert.equal(timeline.filter(({ type }) => type === "proposal.outcome").length, 2);
});

test("an outcome ends the permit, redeemed or not", async () => {
  const proposal = await approved(bot, ana);
  await act(bot, proposal, "outcome", { status: "failed" });
  expectProblem(await redeem(bot, proposal.permit, proposal.arguments), 410, "permit-expired");
});

const BAD_OUTCOMES = [
  ["no status", {}, 422, "invalid-argument", "/status"],
  ["an unknown status", { status: "done" }, 422, "invalid-argument", "/status"],
  ["a detail of more than 8 KiB", { status: "failed", detail: "x".repeat(8193) }, 413, "too-large", "/detail"],
  ["a typo", { status: "failed", details: "x" }, 422, "unknown-member", "/details"],
];
for (const [name, body, status, error, pointer] of BAD_OUTCOMES) {
  test(`refused as an outcome: ${name}`, async () => {
    expectProblem(await act(bot, await approved(bot, ana), "outcome", body), status, error, pointer);
  });
}

test("only what was approved has an outcome, and only for its agent", async () => {
  const pending = await propose(bot);
  const blocked = await propose(bot, { action: "customer.export" });
  for (const proposal of [pending, blocked]) {
    expectProblem(await act(bot, proposal, "outcome", { status: "failed" }), 409, "not-approved");
  }
  expectProblem(await act(other, await approved(bot, ana), "outcome", { status: "failed" }), 404, "not-found");
});

/* --- the end of an approval ----------------------------------------------------------------------------- */

test("an approval that nobody used expires after valid_for, and its permit with it", async (t) => {
  const short = await startWorld(t, { people: ["ana"], policy: policyText({ defaults: { valid_for: "2s" } }) });
  const stream = await short.ana.stream();
  t.after(() => stream.close());
  const proposal = await approved(short.bot, short.ana);
  const { claims } = partsOf(proposal.permit);
  assert.ok(claims.exp - claims.iat <= 2, "a permit does not outlive the approval");
  await stream.next(({ event }) => event === "proposal.expired");
  const seen = await read(short.bot, proposal);
  assert.deepEqual([seen.status, seen.permit], ["expired", null]);
  expectProblem(await redeem(short.bot, proposal.permit, proposal.arguments), 410, "permit-expired");
  expectProblem(await act(short.bot, proposal, "outcome", { status: "succeeded" }), 409, "not-approved");
});

test("an approval that was used does not expire", async (t) => {
  const short = await startWorld(t, { policy: policyText({ defaults: { valid_for: "2s" } }) });
  const proposal = await approved(short.bot, short.ana);
  await stillWorks(short.bot, proposal.permit, proposal.arguments);
  const waiting = await propose(short.bot, { action: "note.write" });
  await read(short.bot, waiting, "3s");
  assert.equal((await read(short.bot, proposal)).status, "approved");
  assert.equal((await act(short.bot, proposal, "outcome", { status: "succeeded" })).status, 200);
});
