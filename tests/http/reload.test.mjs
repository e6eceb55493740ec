// SPDX-License-Identifier: Apache-2.0
/*
 * SIGHUP: the policy file is read again, all or nothing. A file that is refused changes nothing, and
 * everybody who looks is told.
 */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import test from "node:test";

import { startServer } from "./server.mjs";
import { policyText, propose, startWorld } from "./world.mjs";

const policyCheck = async (server) => {
  const { status, body } = await server.public.get("/readyz");
  return { status, ...body.checks.find(({ name }) => name === "policy") };
};
const reloadMetric = async (lea) =>
  /^fermata_policy_reload_successful (\d)$/m.exec((await lea.get("/metrics")).text)[1];

test("a new file is in force at once, and stands in the log", async (t) => {
  const { server, bot } = await startWorld(t, { people: [] });
  const before = await propose(bot, { action: "ticket.tag" });
  assert.equal(before.status, "approved");
  server.setPolicy(policyText({ actions: "  ticket.untag: {then: allow}" }).replace("ticket.tag: {then: allow", "ticket.tag: {then: block"));
  const { version } = await server.signal("SIGHUP", "policy.reloaded");
  assert.match(version, /^[0-9a-f]{64}$/);
  const after = await propose(bot, { action: "ticket.tag" });
  assert.equal(after.status, "blocked");
  assert.notEqual(after.policy, before.policy, "another version assessed it");
  assert.deepEqual(await policyCheck(server), { status: "ok", name: "policy" });
});

test("the same file again is no new version", async (t) => {
  const { server, bot } = await startWorld(t, { people: [] });
  const before = await propose(bot);
  await server.signal("SIGHUP", "policy.reloaded");
  assert.equal((await propose(bot)).policy, before.policy);
});

test("a bad file: the old policy stays, and log, readyz and metrics say so until it is mended", async (t) => {
  const { server, bot, lea } = await startWorld(t, { people: ["lea"] });
  const before = await propose(bot);
  assert.equal(await reloadMetric(lea), "1");
  server.setPolicy("version: 1\nactions:\n  a.b: {then: perhaps}\n");
  const refused = await server.signal("SIGHUP", "policy.reload_refused");
  assert.match(refused.effect, /stays in force/);
  assert.match(server.log, /policy\.yaml:3:15: /, "the place, as `policy check` says it");
  assert.equal((await propose(bot)).policy, before.policy);
  const check = await policyCheck(server);
  assert.equal(check.status, "warning");
  assert.match(check.detail, /refused at line 3, column 15/);
  assert.match(check.next, /SIGHUP again/);
  assert.doesNotMatch(JSON.stringify(check), new RegExp(server.folder), "strangers learn no path");
  assert.equal((await server.public.get("/readyz")).status, 200, "it serves");
  assert.equal(await reloadMetric(lea), "0");
  server.setPolicy(policyText());
  await server.signal("SIGHUP", "policy.reloaded");
  assert.equal((await policyCheck(server)).status, "ok");
  assert.equal(await reloadMetric(lea), "1");
});

test("a file that is gone is refused like a bad one", async (t) => {
  const { server, bot } = await startWorld(t, { people: [] });
  rmSync(server.policyFile);
  await server.signal("SIGHUP", "policy.reload_refused");
  assert.equal((await policyCheck(server)).status, "warning");
  assert.equal((await propose(bot)).status, "pending");
});

test("without --policy there is nothing to read again, and the server goes on", async (t) => {
  const server = await startServer(t);
  const bot = await server.agent("bot");
  await server.signal("SIGHUP", "policy.reload_skipped");
  assert.equal((await propose(bot)).status, "pending");
});

test("many reloads while agents propose: every answer is by one policy or the other", async (t) => {
  const { server, bot } = await startWorld(t, { people: [] });
  const blocks = policyText().replace("ticket.tag: {then: allow", "ticket.tag: {then: block");
  let going = true;
  const statuses = new Set();
  const working = Promise.all(
    Array.from({ length: 4 }, async () => {
      while (going) {
        statuses.add((await propose(bot, { action: "ticket.tag" })).status);
      }
    }),
  );
  for (let i = 0; i < 10; i += 1) {
    server.setPolicy(i % 2 ? policyText() : blocks);
    await server.signal("SIGHUP", "policy.reloaded");
  }
  going = false;
  await working;
  assert.deepEqual([...statuses].sort(), ["approved", "blocked"]);
});
