// SPDX-License-Identifier: Apache-2.0
/*
 * What outlives the process: everything that was answered with 2xx, over kill -9; the log, verifiable;
 * a backup taken at work, and what a restore voids.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { fermata, fermataJson, Server } from "./server.mjs";
import { act, approved, decide, decided, expectProblem, policyText, propose, read, signed, startWorld } from "./world.mjs";

const claimsOf = (permit) => JSON.parse(Buffer.from(permit.split(".")[1], "base64url"));

async function verifies(data) {
  const { code, stdout, stderr } = await fermata(["audit", "verify", "--data", data]);
  assert.equal(code, 0, `${stdout}${stderr}`);
}

/* A server on a folder that a restore has made; `policy` null: with the policy of the store. */
async function restored(t, backup, policy = policyText()) {
  const server = new Server({ policy: policy ?? undefined });
  t.after(() => server.remove());
  const { epoch } = await fermataJson(["restore", backup, "--data", server.data]);
  await server.start();
  return { server, epoch };
}

/* The same credentials at another server. Sessions, too, are in the backup. */
function at(server, caller) {
  const headersFor = (write) => ({ ...caller.headersFor(false), ...(write && { origin: server.origin }) });
  return Object.assign(Object.create(Object.getPrototypeOf(caller)), caller, { server, headersFor });
}

test("kill -9 and start again: everything that was answered is there", async (t) => {
  const { server, bot, ana, lea } = await startWorld(t, {
    people: ["ana", "lea"],
    policy: policyText({ defaults: { undo: "60s" } }),
  });
  const pending = await propose(bot, {
    brief: { evidence: [{ title: "P", content_type: "image/png", base64: "aGk=" }] },
  });
  const claimed = await propose(bot);
  await act(ana, claimed, "claim");
  await act(ana, claimed, "comment", { text: "note" });
  const undo = await propose(bot);
  await decided(ana, undo);
  const rejected = await propose(bot);
  await decided(ana, rejected, "reject");
  const allowed = await propose(bot, { action: "ticket.tag" });
  const everything = async () => {
    const seen = await Promise.all(
      [pending, claimed, undo, rejected, allowed].flatMap((made) => [read(bot, made), read(lea, made)]),
    );
    return seen.map((each) => ({ ...each, permit: null })); // permits are issued again with each reading
  };
  const [before, attachment] = [await everything(), await bot.get(`/v1/proposals/${pending.id}/attachments/0`)];
  await server.restart({ hard: true });
  assert.deepEqual(await everything(), before);
  assert.deepEqual((await bot.get(`/v1/proposals/${pending.id}/attachments/0`)).bytes, attachment.bytes);
  expectProblem(await decide(ana, undo, "reject"), 409, "already-decided");
  assert.equal((await act(ana, undo, "undo")).status, 200, "the undo time goes on");
  await decided(ana, claimed);
  const { permit } = await read(bot, allowed);
  assert.equal((await bot.post("/v1/permits/redeem", { permit, arguments: allowed.arguments })).status, 200);
});

test("kill -9 while agents propose: what was answered is there, what was not may be asked again", async (t) => {
  const { server, bot } = await startWorld(t, { people: [] });
  const answered = [];
  let going = true;
  const clients = Array.from({ length: 8 }, async (_, i) => {
    for (let n = 0; going; n += 1) {
      const body = { action: "note.write", arguments: { i, n } };
      const answer = await bot.post("/v1/proposals", body, { key: `k-${i}-${n}` }).catch(() => null);
      if (answer?.status !== 201) {
        return { body, key: `k-${i}-${n}` };
      }
      answered.push(answer.body);
      if (answered.length >= 200 && going) {
        going = false;
        await server.kill();
      }
    }
    return null;
  });
  const unanswered = (await Promise.all(clients)).filter(Boolean);
  await server.start();
  for (const made of answered) {
    assert.deepEqual(await read(bot, made), made);
  }
  const again = await Promise.all(unanswered.map(({ body, key }) => bot.post("/v1/proposals", body, { key })));
  assert.ok(again.every(({ status }) => status === 200 || status === 201));
  const twice = await Promise.all(unanswered.map(({ body, key }) => bot.post("/v1/proposals", body, { key })));
  assert.deepEqual(
    twice.map(({ body }) => body.id),
    again.map(({ body }) => body.id),
  );
  await server.stop();
  await verifies(server.data);
});

test("a permit is redeemed once, also over kill -9", async (t) => {
  const { server, bot, ana } = await startWorld(t);
  const made = await approved(bot, ana);
  const body = { permit: made.permit, arguments: made.arguments };
  const first = await bot.post("/v1/permits/redeem", body, { key: "attempt-1" });
  await server.restart({ hard: true });
  expectProblem(await bot.post("/v1/permits/redeem", body, { key: "attempt-2" }), 409, "permit-used");
  const again = await bot.post("/v1/permits/redeem", body, { key: "attempt-1" });
  assert.deepEqual([again.status, again.text], [200, first.text]);
});

test("a session ends with sign-out, not with a restart", async (t) => {
  const { server, ana } = await startWorld(t);
  const gone = await server.signIn("ana");
  await gone.delete("/v1/session");
  await server.restart({ hard: true });
  assert.equal((await ana.get("/v1/me")).status, 200);
  expectProblem(await gone.get("/v1/me"), 401, "unauthenticated");
});

test("an orderly stop answers what waits, and exits with 0", async (t) => {
  const { server, bot } = await startWorld(t);
  const made = await propose(bot);
  const parked = read(bot, made, "60s");
  await read(bot, made, "1s");
  assert.equal(await server.stop(), 0);
  assert.equal((await parked).status, "pending");
  await verifies(server.data);
});

test("a backup taken at work is whole; a restore opens a new epoch and voids permits", async (t) => {
  const { server, bot, ana } = await startWorld(t);
  const used = await approved(bot, ana);
  await bot.post("/v1/permits/redeem", { permit: used.permit, arguments: used.arguments });
  const unused = await approved(bot, ana);
  const pending = await propose(bot);
  let going = true;
  const working = (async () => {
    for (let n = 0; going; n += 1) {
      await propose(bot, { action: "note.write", arguments: { n } });
    }
  })();
  const backup = join(server.folder, "backup");
  await fermataJson(["backup", backup, "--data", server.data]);
  going = false;
  await working;
  await bot.post("/v1/permits/redeem", { permit: unused.permit, arguments: unused.arguments }); // after the backup
  const later = await approved(bot, ana);
  await verifies(backup);
  const asStore = await fermata(["user", "add", "eva", "--role", "lead", "--data", backup]);
  assert.deepEqual([asStore.code, /is a backup/.test(asStore.stderr)], [1, true], asStore.stderr);

  const { server: second, epoch } = await restored(t, backup);
  assert.equal(epoch, 2);
  const [bot2, ana2] = [at(second, bot), at(second, ana)];
  const seen = await read(bot2, unused);
  assert.deepEqual([seen.redeemed_at, seen.permit], [null, null], "the backup does not know that it was executed");
  expectProblem(
    await bot2.post("/v1/permits/redeem", { permit: unused.permit, arguments: unused.arguments }),
    410,
    "permit-expired",
  );
  expectProblem(
    await bot2.post("/v1/permits/redeem", { permit: used.permit, arguments: used.arguments }),
    410,
    "permit-expired",
  );
  expectProblem(
    await bot2.post("/v1/permits/redeem", { permit: later.permit, arguments: later.arguments }),
    410,
    "permit-expired",
  );
  assert.equal((await read(bot2, used)).redeemed_at !== null, true);
  await decided(ana2, pending);
  const fresh = await read(bot2, pending);
  assert.equal(claimsOf(fresh.permit).epoch, 2);
  assert.equal(
    (await bot2.post("/v1/permits/redeem", { permit: fresh.permit, arguments: fresh.arguments })).status,
    200,
  );
  await second.stop();
  await verifies(second.data);
  expectProblem(
    await bot.post("/v1/permits/redeem", { permit: fresh.permit, arguments: fresh.arguments }),
    410,
    "permit-expired",
  );
});

test("what was approved before the restore may have been executed: it is not handed out again (A12, A28)", async (t) => {
  const { server, bot, ana } = await startWorld(t, { policy: policyText({ defaults: { undo: "3s" } }) });
  const allowed = await propose(bot, { action: "ticket.tag" });
  const undo = await propose(bot);
  await decided(ana, undo);
  const backup = join(server.folder, "backup");
  await fermataJson(["backup", backup, "--data", server.data]);
  for (const made of [allowed, undo]) {
    const { permit } = await read(bot, made, "60s");
    assert.equal((await bot.post("/v1/permits/redeem", { permit, arguments: made.arguments })).status, 200);
  }
  const { server: second } = await restored(t, backup, policyText({ defaults: { undo: "3s" } }));
  const [bot2, ana2] = [at(second, bot), at(second, ana)];
  const stream = await ana2.stream();
  t.after(() => stream.close());
  await stream.next(({ event }) => event === "hello");
  if ((await read(ana2, undo)).status !== "expired") {
    await stream.next(({ event, data }) => event === "proposal.expired" && data.proposal === undo.id);
  }
  for (const made of [allowed, undo]) {
    const seen = await read(bot2, made);
    assert.deepEqual([seen.status, seen.permit], ["expired", null]);
  }
  await second.stop();
  await verifies(second.data);
});

/* Starts the server on its folder, which must refuse; what it says. */
async function refusal(server) {
  const error = await server.start().then(
    () => null,
    (why) => why,
  );
  await server.kill().catch(() => {});
  assert.ok(error, "it started");
  return error.message;
}

const KEYS = [
  ["log.key", /log\.key is missing, and the log is not empty: put it back from a backup/, /log\.key is not the key that signed/],
  ["permit.key", /permit\.key is missing: put it back from a backup/, /permit\.key is not the key of this store's permits/],
];
for (const [name, missing, exchanged] of KEYS) {
  test(`${name}: lost or exchanged, the server does not start, and makes no other`, async (t) => {
    const { server, bot } = await startWorld(t, { people: ["ana"] });
    await propose(bot, { action: "ticket.tag" }); // allowed: there is a permit
    const aud = await server.person("aud", ["auditor"]);
    await signed(() => aud.get("/v1/audit/proofs/1"));
    await server.stop();
    const path = join(server.data, name);
    const key = readFileSync(path);
    rmSync(path);
    assert.match(await refusal(server), missing);
    assert.equal(existsSync(path), false, "no key was made");
    writeFileSync(path, randomBytes(32), { mode: 0o600 });
    assert.match(await refusal(server), exchanged);
    writeFileSync(path, key, { mode: 0o600 });
    await server.start();
    await server.stop();
    await verifies(server.data);
  });
}

test("a store from before the permit key was remembered needs it once there are permits", async (t) => {
  const { server, bot } = await startWorld(t, { people: ["ana"] });
  const forget = () =>
    execFileSync("sqlite3", [join(server.data, "fermata.db"), "DELETE FROM meta WHERE name = 'permit_kid'"]);
  await server.stop();
  forget();
  rmSync(join(server.data, "permit.key"));
  await server.start(); // no permit was ever given
  await propose(bot, { action: "ticket.tag" });
  await server.stop();
  forget();
  rmSync(join(server.data, "permit.key"));
  assert.match(await refusal(server), /permit\.key is missing/);
});

test("restored without permit.key, a store gets a new one: no permit of the old one holds", async (t) => {
  const { server, bot, ana } = await startWorld(t);
  const made = await approved(bot, ana);
  const backup = join(server.folder, "backup");
  await fermataJson(["backup", backup, "--data", server.data]);
  rmSync(join(backup, "permit.key"));
  const { server: second } = await restored(t, backup);
  const bot2 = at(second, bot);
  const answer = await bot2.post("/v1/permits/redeem", { permit: made.permit, arguments: made.arguments });
  assert.ok(answer.status >= 400, answer.text);
  const fresh = await propose(bot2, { action: "ticket.tag" });
  const { permit } = await read(bot2, fresh);
  assert.equal((await bot2.post("/v1/permits/redeem", { permit, arguments: fresh.arguments })).status, 200);
  await second.restart();
});

test("a backup without log.key is not restored", async (t) => {
  const { server } = await startWorld(t, { people: [], agents: [] });
  const backup = join(server.folder, "backup");
  await fermataJson(["backup", backup, "--data", server.data]);
  rmSync(join(backup, "log.key"));
  const { code, stderr } = await fermata(["restore", backup, "--data", join(server.folder, "new")]);
  assert.equal(code, 1);
  assert.match(stderr, /log\.key is missing, and the log is not empty/);
});

const LOOSE = policyText();
const TIGHT = policyText({ extra: "rules: [{id: all, when: 'true', then: review}]\n" });
const HELD = /The policy comes from a backup: everything is read until two people have confirmed it/;

/* A backup of the loose policy; what was tightened afterwards is lost with the store. */
async function looseBackup(t, options) {
  const world = await startWorld(t, { policy: LOOSE, ...options });
  const backup = join(world.server.folder, "backup");
  await fermataJson(["backup", backup, "--data", world.server.data]);
  assert.equal((await propose(world.bot, { action: "ticket.tag" })).status, "approved");
  return { ...world, backup };
}

/* Whether what the policy allows goes on unread. */
async function heldStill(bot) {
  const { status, assessment } = await propose(bot, { action: "ticket.tag" });
  assert.equal(assessment.reasons.some(({ text, source }) => source === "pause" && HELD.test(text)), status === "pending");
  return status === "pending";
}

const policyCheck = async (server) =>
  (await server.public.get("/readyz")).body.checks.find(({ name }) => name === "policy");
const confirm = (person, { id }, members = {}) => person.post(`/v1/policies/${id}/activate`, members);

test("a restored policy is confirmed by two people; until then everything is held", async (t) => {
  const { backup, ...first } = await looseBackup(t, { people: ["ana", "pol", "pia"] });
  const tighter = await first.pol.post("/v1/policies", { yaml: TIGHT });
  assert.equal(tighter.body.state, "active");
  await first.server.stop();

  const { server } = await restored(t, backup, null);
  const [bot, ana, pol, pia] = [first.bot, first.ana, first.pol, first.pia].map((one) => at(server, one));
  assert.ok(await heldStill(bot));
  assert.match(server.log, /comes from a backup, and may be looser[^]*two people[^]*fermata policy activate pol_/);
  assert.match(server.log, /"policy.unconfirmed"/);
  const check = await policyCheck(server);
  assert.equal(check.status, "warning");
  assert.match(check.detail, /backup and is not confirmed/);
  const { items } = (await pol.get("/v1/policies")).body;
  const [waits, active] = items;
  assert.deepEqual([waits.state, waits.road, waits.proposed_by, active.state], ["candidate", "restore", null, "active"]);
  assert.equal(waits.version, active.version);
  assert.match(waits.loosened[0], /what ruled after that was made is not known/);

  const person = await propose(bot);
  await decided(ana, person); // people go on
  await server.restart(); // and it is not forgotten
  assert.ok(await heldStill(bot));
  assert.equal((await confirm(pol, waits, { alone: true })).status, 202, "the first stands for it");
  expectProblem(await confirm(pol, waits, { alone: true }), 403, "forbidden");
  const console_ = await fermata(["policy", "activate", waits.id, "--alone", "--data", server.data]);
  assert.equal(console_.code, 1, console_.stdout);
  assert.ok(await heldStill(bot), "one person only stands for it");
  const confirmed = await confirm(pia, waits);
  assert.deepEqual([confirmed.status, confirmed.body.state], [200, "active"]);
  assert.equal(await heldStill(bot), false);
  assert.equal((await policyCheck(server)).status, "ok");
  await server.restart();
  assert.equal(await heldStill(bot), false, "also later");
  assert.doesNotMatch(server.log, /comes from a backup/);
  await server.stop();
  await verifies(server.data);
});

test("a version that one person tightens after the restore does not confirm it", async (t) => {
  const { backup, ...first } = await looseBackup(t, { people: ["pol", "pia"] });
  await first.server.stop();
  const { server } = await restored(t, backup, null);
  const [bot, pol, pia] = [first.bot, first.pol, first.pia].map((one) => at(server, one));
  const some = policyText({ extra: "rules: [{id: few, when: 'action.name == \"note.write\"', then: review}]\n" });
  assert.equal((await pol.post("/v1/policies", { yaml: some })).body.state, "active");
  assert.ok(await heldStill(bot));
  const again = await pol.post("/v1/policies", { yaml: some });
  assert.deepEqual([again.status, again.body.state], [202, "candidate"], "the version in force may be confirmed");
  expectProblem(await confirm(pol, again.body), 403, "forbidden");
  assert.equal((await confirm(pia, again.body)).body.state, "active");
  assert.equal(await heldStill(bot), false);
  const states = (await pol.get("/v1/policies")).body.items.map(({ state }) => state);
  assert.deepEqual(states.sort(), ["active", "candidate", "retired", "retired"], "the backup's version is a candidate like any");
  assert.equal((await policyCheck(server)).status, "ok", "and asks for nobody");
});

test("where there have never been two, one confirms it: with alone, or by --policy-alone", async (t) => {
  const { backup, ...first } = await looseBackup(t, { people: ["pol"] });
  await first.server.stop();
  const { server } = await restored(t, backup, null);
  const [bot, pol] = [first.bot, first.pol].map((one) => at(server, one));
  assert.ok(await heldStill(bot));
  const [waits] = (await pol.get("/v1/policies")).body.items;
  expectProblem(await confirm(pol, waits), 403, "forbidden");
  assert.equal((await confirm(pol, waits, { alone: true })).body.alone, true);
  assert.equal(await heldStill(bot), false);

  const { server: byFile } = await restored(t, backup, LOOSE); // --policy-alone
  assert.equal(await heldStill(at(byFile, first.bot)), false);
  const items = (await at(byFile, first.pol).get("/v1/policies")).body.items.map(({ state, alone }) => `${state} ${alone}`);
  assert.deepEqual(items, ["active true", "retired false"]);
});

test("two servers do not share a folder", async (t) => {
  const { server } = await startWorld(t, { people: [], agents: [] });
  const second = new Server({ policy: policyText() });
  t.after(() => second.remove());
  second.data = server.data;
  await assert.rejects(second.start(), /did not start/);
  assert.equal((await server.public.get("/readyz")).status, 200);
});
