// SPDX-License-Identifier: Apache-2.0
/*
 * The page's event stream: what comes, in which order, for whom.
 */
import assert from "node:assert/strict";
import test, { after } from "node:test";

import { schemaFault } from "./contract.mjs";
import { act, decided, policyText, propose, read, startWorld } from "./world.mjs";

const policy = policyText({ defaults: { undo: "3s" } });
const world = await startWorld({ after }, { people: ["ana", "lea", "aud", "adm"], agents: ["bot"], policy });
const { server, bot, ana, lea, aud, adm } = world;

async function open(t, who, headers) {
  const stream = await who.stream("/v1/stream", headers);
  t.after(() => stream.close());
  await stream.next(({ event }) => event === "hello");
  return stream;
}

const of = (proposal, type) => (event) => event.data?.proposal === proposal.id && (!type || event.event === type);

test("its headers, and hello first", async (t) => {
  const stream = await ana.stream();
  t.after(() => stream.close());
  assert.equal(stream.status, 200);
  assert.equal(stream.headers["content-type"], "text/event-stream");
  assert.equal(stream.headers["cache-control"], "no-store");
  assert.equal(stream.headers["x-content-type-options"], "nosniff");
  const first = await stream.next();
  assert.deepEqual([first.event, first.data], ["hello", {}]);
});

test("a life, event by event: who has decided it or holds it then, and each with its id, type and data", async (t) => {
  const stream = await open(t, ana);
  const made = await propose(bot);
  await act(ana, made, "claim");
  await act(ana, made, "unclaim");
  await act(ana, made, "comment", { text: "secret note" });
  await decided(ana, made);
  await act(ana, made, "undo");
  await decided(ana, made, "return");
  const revised = (await act(bot, made, "revise", { brief: { summary: "secret brief" } })).body;
  await decided(ana, revised);
  const released = await read(bot, made, "60s");
  await act(bot, released, "outcome", { status: "succeeded", detail: "secret detail" });
  const events = [];
  while (events.at(-1)?.event !== "proposal.outcome") {
    events.push(await stream.next(of(made)));
  }
  assert.deepEqual(
    events.map(({ event, data }) => `${event.replace("proposal.", "")} ${data.data.status} ${data.data.by?.name ?? ""}`),
    [
      "held pending ",
      "claimed pending ana",
      "unclaimed pending ",
      "commented pending ",
      "decided pending ana",
      "undone pending ana",
      "decided returned ana",
      "revised pending ",
      "claimed pending ana", // it goes back to the person who asked
      "decided pending ana",
      "released approved ana",
      "outcome approved ana",
    ],
  );
  for (const { id, event, data } of events) {
    assert.equal(schemaFault("StreamEvent", data), null, JSON.stringify(data));
    assert.deepEqual([data.id, data.type, data.proposal, data.data.queue], [id, event, made.id, "general"]);
  }
  assert.equal(new Set(events.map(({ id }) => id)).size, events.length);
  assert.doesNotMatch(JSON.stringify(events), /secret/, "no content of agents or people");
});

test("the other ends: withdrawn, rejected, expired", async (t) => {
  const stream = await open(t, ana);
  const withdrawn = await propose(bot);
  await act(bot, withdrawn, "withdraw");
  const rejected = await propose(bot);
  await decided(ana, rejected, "reject");
  const expired = await propose(bot, { deadline: "1s" });
  assert.equal((await stream.next(of(withdrawn, "proposal.withdrawn"))).data.data.status, "withdrawn");
  assert.equal((await stream.next(of(rejected, "proposal.decided"))).data.data.status, "rejected");
  assert.equal((await stream.next(of(expired, "proposal.expired"))).data.data.status, "expired");
});

test("each hears of what they may see (A40)", async (t) => {
  const streams = Object.fromEntries(
    await Promise.all([ana, lea, aud, adm].map(async (who) => [who.name, await open(t, who)])),
  );
  const general = await propose(bot);
  const leads = await propose(bot, { action: "contract.sign" });
  const last = await propose(bot); // behind it everything before has been told
  for (const name of ["ana", "lea", "aud"]) {
    await streams[name].next(of(general, "proposal.held"));
    await streams[name].next(of(last, "proposal.held"));
  }
  await streams.lea.next(of(leads));
  await streams.aud.next(of(leads));
  assert.equal(streams.ana.waiting.some(of(leads)), false, "a queue that is not hers");
  await read(bot, leads, "1s");
  assert.deepEqual(
    streams.adm.waiting.filter(({ data }) => data?.proposal),
    [],
    "an admin alone sees no proposals",
  );
});

test("what goes on at once, and what is blocked, is no news", async (t) => {
  const stream = await open(t, lea);
  const allowed = await propose(bot, { action: "ticket.tag" });
  const blocked = await propose(bot, { action: "customer.export" });
  await stream.next(of(await propose(bot), "proposal.held"));
  assert.equal(
    stream.waiting.some((event) => of(allowed)(event) || of(blocked)(event)),
    false,
  );
});

test("a stream hears nothing once its session has ended", async (t) => {
  const ended = await server.signIn("ana");
  const stream = await open(t, ended);
  assert.equal((await ended.delete("/v1/session")).status, 204);
  const made = await propose(bot);
  const heard = stream.next(of(made), 5000).catch(() => "neither an event nor the end");
  assert.equal(await Promise.race([heard, stream.ended.then(() => "the end")]), "the end");
});

test("every stream of one person gets every event", async (t) => {
  const streams = await Promise.all(Array.from({ length: 20 }, () => open(t, ana)));
  const made = await propose(bot);
  await Promise.all(streams.map((stream) => stream.next(of(made, "proposal.held"))));
});

test("a stream ends when the server stops, and works again afterwards", async (t) => {
  const stream = await open(t, ana);
  await server.restart();
  await stream.ended;
  const again = await open(t, ana, { "last-event-id": "evt_x" });
  const made = await propose(bot);
  await again.next(of(made, "proposal.held"));
});
