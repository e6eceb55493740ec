// SPDX-License-Identifier: Apache-2.0
/*
 * `fermata check`: all is well, or it says what is not and what to do next. It changes nothing.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { BINARY, fermata, Server } from "./server.mjs";
import { policyText, propose, startWorld } from "./world.mjs";

const PEOPLE = ["ana", "lea"]; // every queue of the tests' policy has somebody

/* A world whose server has stopped: a folder to look at. */
async function stoppedWorld(t) {
  const { server } = await startWorld(t, { people: PEOPLE });
  await server.stop();
  return server;
}

async function check(server, args = [], options = {}) {
  const policy = server.policyFile ? ["--policy", server.policyFile] : [];
  const { code, stdout, stderr } = await fermata(
    ["check", "--json", "--data", server.data, ...policy, ...args],
    options,
  );
  assert.equal(stderr, "", "what is wrong is a row, not a complaint");
  const report = JSON.parse(stdout);
  assert.equal(report.ok, code === 0);
  return { code, report, row: (name) => report.checks.find((each) => each.name === name) };
}

/* Expects one row of this status, which says what to do next. */
function expectRow({ row }, name, status, detail) {
  const found = row(name);
  assert.equal(found.status, status, JSON.stringify(found));
  assert.match(found.detail, detail);
  assert.equal(found.next === null, status === "ok", "what is not well says what to do");
}

const sql = (server, text) => {
  server.isTampered = true;
  return execFileSync("sqlite3", [join(server.data, "fermata.db"), text], { encoding: "utf8" });
};
const newest = (server) => Number(sql(server, "PRAGMA user_version"));

test("a server at work: everything passes, and the server speaks for itself", async (t) => {
  const { server, bot } = await startWorld(t, { people: PEOPLE });
  await propose(bot);
  const { code, report } = await check(server);
  assert.equal(code, 0, JSON.stringify(report));
  assert.equal(report.server.running, true);
  const live = (await server.public.get("/readyz")).body.checks;
  assert.deepEqual(
    report.server.checks.map(({ name, status }) => [name, status]),
    live.map(({ name, status }) => [name, status]),
    "check and readyz agree",
  );
});

test("the table names each check, and exits with 0", async (t) => {
  const server = await stoppedWorld(t);
  const { code, stdout } = await fermata(["check", "--data", server.data, "--policy", server.policyFile]);
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^STATUS +CHECK +FINDING\n/);
  for (const name of ["folder", "store", "keys", "log", "clock", "disk", "files", "policy", "queues", "address"]) {
    assert.match(stdout, new RegExp(`^(ok|warning) +${name} `, "m"));
  }
  assert.match(stdout, /^ok +server +none runs on this folder$/m);
});

test("it changes nothing in the folder", async (t) => {
  const server = await stoppedWorld(t);
  const state = () => [readdirSync(server.data).sort(), sql(server, "SELECT size FROM log_head")];
  const before = state();
  await check(server);
  assert.deepEqual(state(), before);
});

test("a folder that is not there", async (t) => {
  const server = new Server({ policy: policyText() });
  t.after(() => server.remove());
  const result = await check(server);
  assert.equal(result.code, 1);
  expectRow(result, "folder", "failed", /No such file/);
});

test("a store of a newer version is refused by name, by check, serve and audit", async (t) => {
  const server = await stoppedWorld(t);
  const known = newest(server);
  sql(server, `PRAGMA user_version = ${known + 1}`);
  const result = await check(server);
  assert.equal(result.code, 1);
  const says = new RegExp(`format ${known + 1}, this program \\(0\\.1\\.0\\) knows up to ${known}: start the newer`);
  expectRow(result, "store", "failed", says);
  for (const args of [["serve", "--listen", "127.0.0.1:0"], ["audit", "verify"]]) {
    const { code, stderr } = await fermata([...args, "--data", server.data]);
    assert.equal(code, 1, args.join(" "));
    assert.match(stderr, says);
  }
  assert.equal(newest(server), known + 1, "and is left as it is");
});

const OTHER_KEY = Buffer.alloc(32, 7);
const WRONG = [
  ["keys", "failed", /others can read it \(mode 0644\)/, (s) => ((s.isTampered = true), chmodSync(join(s.data, "log.key"), 0o644))],
  ["keys", "failed", /No such file/, (s) => rmSync(join(s.data, "permit.key"))],
  ["keys", "failed", /log\.key is not the key that signed/, (s) => ((s.isTampered = true), writeFileSync(join(s.data, "log.key"), OTHER_KEY))],
  ["keys", "failed", /permit\.key is not the key of/, (s) => writeFileSync(join(s.data, "permit.key"), OTHER_KEY)],
  ["keys", "failed", /has 3 bytes/, (s) => writeFileSync(join(s.data, "permit.key"), "abc")],
  ["folder", "warning", /mode 0755/, (s) => chmodSync(s.data, 0o755)],
  ["policy", "failed", /policy\.yaml:1:10: /, (s) => writeFileSync(s.policyFile, "version: 2\n")],
  ["policy", "failed", /policy\.yaml/, (s) => rmSync(s.policyFile)],
  [
    "queues",
    "warning",
    /nobody can decide in 1 of 3 queues, among them night/,
    (s) => writeFileSync(s.policyFile, policyText().replace("queues:", "queues:\n  night: {members: [nobody]}")),
  ],
  [
    "clock",
    "failed",
    /behind the newest entry/,
    (s) => sql(s, `UPDATE log_entries SET entry = CAST(replace(CAST(entry AS TEXT), '"at":"20', '"at":"21') AS BLOB)`),
  ],
  ["log", "failed", /covers 99999 entries/, (s) => sql(s, "UPDATE log_checkpoints SET size = 99999 WHERE size = (SELECT max(size) FROM log_checkpoints)")],
];
for (const [name, status, detail, spoil] of WRONG) {
  test(`${name} ${status}: ${detail}`, async (t) => {
    const server = await stoppedWorld(t);
    spoil(server);
    const result = await check(server);
    assert.equal(result.code, status === "failed" ? 1 : 0);
    expectRow(result, name, status, detail);
  });
}

test("an address that is reached from outside without TLS is a warning", async (t) => {
  const server = await stoppedWorld(t);
  expectRow(await check(server, ["--listen", "0.0.0.0:8600"]), "address", "warning", /without TLS/);
  const url = ["--listen", "0.0.0.0:8600", "--public-url", "https://fermata.example"];
  expectRow(await check(server, url), "address", "ok", /seen as https/);
  expectRow(await check(server, ["--public-url", "fermata.example"]), "address", "failed", /no http or https/);
  const env = { FERMATA_LISTEN: "0.0.0.0:1" };
  expectRow(await check(server, [], { env }), "address", "warning", /0\.0\.0\.0:1/);
});

test("a low limit of open files is a warning", async (t) => {
  const server = await stoppedWorld(t);
  const line = 'ulimit -n 256; exec "$0" check --json --data "$1"';
  const report = JSON.parse(execFileSync("bash", ["-c", line, BINARY, server.data], { encoding: "utf8" }));
  expectRow({ row: (name) => report.checks.find((each) => each.name === name) }, "files", "warning", /^256 files/);
});

test("a version that waits for a second person is a warning, not the policy in force", async (t) => {
  const { server } = await startWorld(t, { people: [...PEOPLE, "pol", "pia"] });
  server.setPolicy(policyText({ actions: "  more.more: {then: allow}" }));
  await server.signal("SIGHUP", "policy.waits");
  const { code, report } = await check(server);
  assert.equal(code, 0, "a warning");
  const { status, detail, next } = report.server.checks.find(({ name }) => name === "policy");
  const { checks, notes } = (await server.public.get("/readyz")).body;
  assert.deepEqual([status, detail], ["warning", notes[0]]);
  assert.match(detail, /^the policy pol_\w{26} loosens and waits for a second person; pol_\w{26} is in force$/);
  assert.match(next, /fermata policy activate ID/);
  assert.equal(checks.find(({ name }) => name === "policy").status, "warning");
  const { stdout } = await fermata(["check", "--data", server.data, "--policy", server.policyFile]);
  assert.match(stdout, /^warning +server: policy +the policy pol_/m);
});

test("a refused reload is what the server says about itself", async (t) => {
  const { server } = await startWorld(t, { people: PEOPLE });
  server.setPolicy("version: 2\n");
  await server.signal("SIGHUP", "policy.reload_refused");
  const { code, report } = await check(server);
  assert.equal(code, 1, "and the file itself has failed");
  const { status, next } = report.server.checks.find(({ name }) => name === "policy");
  assert.equal(status, "warning");
  assert.match(next, /SIGHUP/);
});

test("a path with an escape sequence does not reach the terminal", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fermata-test-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { code, stdout } = await fermata(["check", "--data", join(folder, "\u001b[31mred")]);
  assert.equal(code, 1);
  assert.doesNotMatch(stdout, /[\u0000-\u0009\u000b-\u001f]/);
  assert.match(stdout, /\\u\{1B\}\[31mred/);
});

test("version too refuses what it does not know", async () => {
  assert.equal((await fermata(["version"])).stdout, "fermata 0.1.0\n");
  const { code, stdout, stderr } = await fermata(["version", "--foo"]);
  assert.equal(`${code}${stdout}`, "2");
  assert.match(stderr, /^fermata: there is no option --foo\n/);
});
