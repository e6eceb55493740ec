// SPDX-License-Identifier: Apache-2.0
/*
 * The event stream of one proposal: what its agent is told and when, what people are told besides, and that
 * nothing is missed or told twice however a client comes and goes.
 */
import assert from "node:assert/strict";
import test, { after } from "node:test";

import { schemaFault } from "./contract.mjs";
import { act, approved, decided, expectProblem, policyText, propose, read, refund, startWorld } from "./world.mjs";

const policy = policyText({ defaults: { undo: "2s" } });
const world = await startWorld({ after }, { people: ["ana", "lea", "adm"], agents: ["bot", "other"], policy });
const { server, bot, other, ana, lea, adm } = world;

const pathOf = ({ id }) => `/v1/proposals/${id}/events`;

async function follow(t, who, proposal, lastEventId) {
  const stream = await who.stream(pathOf(proposal), lastEventId && { "last-event-id": lastEventId });
  t?.after(() => stream.close());
  assert.equal(stream.status, 200);
  return stream;
}

/* Events up to the first one of this type, or to the end of the stream. */
async function until(stream, type) {
  const events = [];
  const isEvent = ({ event }) => event !== undefined;
  while (events.at(-1)?.event !== type) {
    events.push(await stream.next(isEvent));
  }
  for (const { id, event, data } of events) {
    assert.equal(schemaFault("ProposalEvent", data), null, JSON.stringify(data));
    assert.deepEqual([data.id, data.type], [id, event]);
  }
  return events;
}

const told = (events) => events.map(({ event, data }) => `${event} ${data.data.status}`);

/* A whole life, driven while somebody listens. */
async function live(proposal) {
  await act(ana, proposal, "claim");
  await act(ana, proposal, "comment", { text: "secret note" });
  await decided(ana, proposal);
  await act(ana, proposal, "undo");
  await decided(ana, proposal, "return");
  const revised = (await act(bot, proposal, "revise", { brief: { summary: "S" } })).body;
  await decided(ana, revised);
  const { permit, arguments: args } = await read(bot, proposal, "30s");
  assert.equal((await bot.post("/v1/permits/redeem", { permit, arguments: args })).status, 200);
  await act(bot, proposal, "outcome", { status: "succeeded" });
}

const AGENTS_VIEW = [
  "proposal.held pending",
  "proposal.returned returned",
  "proposal.revised pending",
  "proposal.released approved",
  "permit.redeemed approved",
  "proposal.outcome approved",
];

test("an agent is told of its own steps and of releases, and of nothing between people", async (t) => {
  const made = await propose(bot);
  const stream = await follow(t, bot, made);
  await live(made);
  const events = await until(stream, "proposal.outcome");
  assert.deepEqual(told(events), AGENTS_VIEW);
  assert.doesNotMatch(JSON.stringify(events), /ana|queue|index|secret|"by"/);
  const later = await until(await follow(t, bot, made), "proposal.outcome");
  assert.deepEqual(later, events, "who comes late is told the same");
});

test("people are told everything, with who did it", async (t) => {
  const made = await propose(bot);
  const stream = await follow(t, lea, made);
  await live(made);
  const events = await until(stream, "proposal.outcome");
  assert.deepEqual(
    events.map(({ event, data }) => `${event.split(".")[1]} ${data.data.by?.name ?? ""}`),
    ["held ", "claimed ana", "commented ana", "decided ana", "undone ana", "decided ana", "revised ", "claimed ana",
     "decided ana", "released ", "redeemed ", "outcome "],
  );
  assert.doesNotMatch(JSON.stringify(events), /secret/);
});

test("an approval in its undo time is no event to the agent until it is released", async (t) => {
  const made = await propose(bot);
  const stream = await follow(t, bot, made);
  await until(stream, "proposal.held");
  const { hold } = await decided(ana, made);
  const { data } = await stream.next(({ event }) => event === "proposal.released");
  assert.ok(data.at >= hold.release_at, `${data.at} is before ${hold.release_at}`);
  assert.deepEqual(stream.waiting.filter(({ event }) => event), []);
});

test("Last-Event-ID: from each event on exactly what came behind it", async (t) => {
  const made = await propose(bot);
  await live(made);
  for (const who of [bot, ana]) {
    const whole = await until(await follow(t, who, made), "proposal.outcome");
    for (const [index, { id }] of whole.entries()) {
      if (index + 1 < whole.length) {
        const rest = await until(await follow(t, who, made, id), "proposal.outcome");
        assert.deepEqual(rest, whole.slice(index + 1));
      }
    }
  }
});

test("Last-Event-ID: one that is unknown, or of another proposal, begins at the beginning", async (t) => {
  const [made, foreign] = [await propose(bot), await propose(bot)];
  const [{ id }] = await until(await follow(t, bot, foreign), "proposal.held");
  for (const unknown of [id, "evt_x", "", `evt_${"0".repeat(26)}`]) {
    assert.deepEqual(told(await until(await follow(t, bot, made, unknown), "proposal.held")), AGENTS_VIEW.slice(0, 1));
  }
});

test("a client that hangs up and comes again all the time misses nothing and hears nothing twice", async () => {
  const made = await propose(bot);
  const living = live(made);
  const events = [];
  while (events.at(-1)?.event !== "proposal.outcome") {
    const stream = await follow(null, bot, made, events.at(-1)?.id);
    events.push(await stream.next(({ event }) => event !== undefined, 30_000));
    stream.close();
  }
  await living;
  assert.deepEqual(told(events), AGENTS_VIEW);
});

const ENDS = {
  rejected: async (made) => decided(ana, made, "reject"),
  withdrawn: async (made) => act(bot, made, "withdraw"),
};
for (const [status, end] of Object.entries(ENDS)) {
  test(`behind the last event the stream ends, and asking again is 204: ${status}`, async (t) => {
    const made = await propose(bot);
    const stream = await follow(t, bot, made);
    await end(made);
    const last = await stream.next(({ data }) => data?.data?.status === status);
    await stream.ended;
    const answer = await bot.get(pathOf(made), { headers: { "last-event-id": last.id } });
    assert.equal(answer.status, 204);
  });
}

test("blocked, and what goes on at once, are told from the beginning", async (t) => {
  const blocked = await propose(bot, { action: "customer.export" });
  const stream = await follow(t, bot, blocked);
  assert.deepEqual(told(await until(stream, "proposal.blocked")), ["proposal.blocked blocked"]);
  await stream.ended;
  const allowed = await propose(bot, { action: "ticket.tag" });
  const released = await until(await follow(t, bot, allowed), "proposal.released");
  assert.deepEqual(told(released), ["proposal.released approved"]);
});

test("other agents and people who may not see it: 404 (A40)", async () => {
  const made = await propose(bot);
  for (const who of [other, adm]) {
    expectProblem(await who.get(pathOf(made)), 404, "not-found");
  }
  expectProblem(await server.public.get(pathOf(made)), 401, "unauthenticated");
});

test("a stream hears nothing once its session has ended", async (t) => {
  const made = await propose(bot);
  const session = await server.signIn("ana");
  const stream = await follow(t, session, made);
  await until(stream, "proposal.held");
  await session.delete("/v1/session");
  await act(ana, made, "claim");
  await stream.ended;
  assert.deepEqual(stream.waiting.filter(({ event }) => event), []);
});

test("one caller may have 256 streams; the next is 429, and others are not held up", async (t) => {
  const made = await propose(other);
  const streams = await Promise.all(Array.from({ length: 256 }, () => follow(t, other, made)));
  const answer = await other.get(pathOf(made));
  expectProblem(answer, 429, "rate-limited");
  await follow(t, bot, await propose(bot));
  streams[0].close();
  await streams[0].ended;
  await act(other, made, "withdraw");
  await Promise.all(streams.slice(1).map((stream) => stream.ended));
  const again = await follow(t, other, await propose(other, { arguments: refund() }));
  assert.deepEqual(told(await until(again, "proposal.held")), ["proposal.held pending"]);
});

test("a query parameter is refused by name", async () => {
  expectProblem(await bot.get(`${pathOf(await propose(bot))}?after=x`), 422, "unknown-member", "/after");
});

test("the page's streams count too", async () => {
  const person = await server.person("many", ["reviewer"]);
  const streams = await Promise.all(Array.from({ length: 256 }, () => person.stream()));
  expectProblem(await person.get("/v1/stream"), 429, "rate-limited");
  streams.forEach((stream) => stream.close());
});

test("a stream lives through a restart of the server by its last id", async (t) => {
  const made = await propose(bot);
  const stream = await follow(t, bot, made);
  const [{ id }] = await until(stream, "proposal.held");
  await server.restart();
  await stream.ended;
  const again = await follow(t, bot, made, id);
  await act(bot, made, "withdraw");
  assert.deepEqual(told(await until(again, "proposal.withdrawn")), ["proposal.withdrawn withdrawn"]);
  await approved(bot, await server.signIn("ana"));
});
