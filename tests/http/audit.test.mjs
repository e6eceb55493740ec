// SPDX-License-Identifier: Apache-2.0
/*
 * What auditors and strangers get of the log: tiles, entries, proofs, evidence bundles and the report of
 * who decided; and what the command line makes of them on a machine without the store.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";

import { fermata, fermataJson } from "./server.mjs";
import { act, decided, expectProblem, propose, read, signed, startWorld } from "./world.mjs";

const world = await startWorld({ after }, { people: ["ana", "ben", "lea", "adm", "aud"], agents: ["bot"] });
const { server, bot, ana, ben, lea, aud } = world;
const desk = mkdtempSync(join(tmpdir(), "fermata-auditor-")); // a machine without the store
after(() => rmSync(desk, { recursive: true, force: true }));

const HOSTILE = '<img src=x onerror="alert(1)">\u202Etext';
const brief = {
  summary: HOSTILE,
  request: "My lamp arrived in pieces",
  reasoning: "The photo shows it",
  evidence: [
    { title: HOSTILE, text: HOSTILE, source: "crm://1" },
    { title: "Photo", content_type: "image/png", base64: "aGk=" },
  ],
  options: [{ title: HOSTILE, pros: [HOSTILE], recommended: true }],
};

/* One of each kind. */
const edited = await propose(bot, { brief, subject: "customer:W1" });
await act(ana, edited, "claim");
await act(ana, edited, "comment", { text: HOSTILE });
const half = { ...edited.arguments, amount: 5 };
await decided(ana, edited, "modify", { arguments: half, reason: HOSTILE });
const { permit } = await read(bot, edited);
await bot.post("/v1/permits/redeem", { permit, arguments: half });
await act(bot, edited, "outcome", { status: "succeeded", detail: HOSTILE });
const rejected = await propose(bot);
await decided(ben, rejected, "reject");
const gone = await propose(bot);
await act(bot, gone, "withdraw");
const replaced = await propose(bot);
const pending = await propose(bot, { supersedes: replaced.id });
const allowed = await propose(bot, { action: "ticket.tag" });
const blocked = await propose(bot, { action: "customer.export" });
let last;
for (let n = 0; n < 260; n += 1) {
  last = await propose(bot, { action: "ticket.tag", arguments: { n } }); // more than one tile
}

const vkey = (await server.public.get("/log/vkey")).text.trim();
const bundleOf = (proposal) => signed(() => aud.get(`/v1/audit/bundle/${proposal.id}`));
const sha256 = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
const leafHash = (entry) => sha256(Buffer.from([0]), entry);

/* The newest checkpoint that covers all that was told above. */
async function checkpoint() {
  await bundleOf(last);
  const { text } = await server.public.get("/log/checkpoint");
  const [origin, size, root] = text.split("\n");
  return { text, origin, size: Number(size), root };
}

function onDesk(name, content) {
  const file = join(desk, name);
  writeFileSync(file, content);
  return file;
}

/* `audit verify FILE` with nothing but the key. */
async function verify(file, key = vkey) {
  const { code, stdout, stderr } = await fermata(["audit", "verify", file, "--key", key, "--json"], {
    env: { FERMATA_DATA: join(desk, "nothing") },
  });
  return { code, stderr, ...(stdout && JSON.parse(stdout)) };
}

/* --- tiles ------------------------------------------------------------------------------------------------ */

test("tiles and bundles of entries fit each other and the checkpoint's size", async () => {
  const { size } = await checkpoint();
  const full = (await server.public.get("/log/tile/0/000")).bytes;
  const partial = (await server.public.get(`/log/tile/0/001.p/${size - 256}`)).bytes;
  assert.deepEqual([full.length, partial.length], [8192, (size - 256) * 32]);
  for (const [path, tile] of [
    ["000", full],
    [`001.p/${size - 256}`, partial],
  ]) {
    const { bytes, headers } = await aud.get(`/log/tile/entries/${path}`);
    assert.equal(headers["content-type"], "application/octet-stream");
    let [at, count] = [0, 0];
    for (; at < bytes.length; count += 1) {
      const entry = bytes.subarray(at + 2, at + 2 + bytes.readUInt16BE(at));
      assert.deepEqual(tile.subarray(count * 32, count * 32 + 32), leafHash(entry), `${path}: entry ${count}`);
      at += 2 + entry.length;
    }
    assert.equal(count * 32, tile.length);
  }
  const above = (await server.public.get("/log/tile/1/000.p/1")).bytes;
  let row = Array.from({ length: 256 }, (_, i) => full.subarray(i * 32, i * 32 + 32));
  while (row.length > 1) {
    row = row.flatMap((hash, i) => (i % 2 ? [] : [sha256(Buffer.from([1]), hash, row[i + 1])]));
  }
  assert.deepEqual(above, row[0]);
});

test("a partial tile is the beginning of a wider one, and stays there", async () => {
  await checkpoint();
  const full = (await server.public.get("/log/tile/0/000")).bytes;
  for (const width of [1, 2, 100, 255]) {
    const { bytes, headers } = await server.public.get(`/log/tile/0/000.p/${width}`);
    assert.deepEqual(bytes, full.subarray(0, width * 32));
    assert.equal(headers["cache-control"], "public, max-age=31536000, immutable");
  }
});

test("there is no other tile, and each has one name", async () => {
  const { size } = await checkpoint();
  const paths = [
    "0/002",
    "0/001",
    `0/001.p/${size - 256 + 100}`,
    "0/000.p/0",
    "0/000.p/256",
    "0/000.p/01",
    "0/0",
    "0/x000/000",
    "00/000",
    "64/000",
    "-1/000",
    "1/000",
    "1/000.p/2",
    "2/000.p/1",
    "0/000/",
    "0/x999/x999/x999/x999/x999/x999/999",
    "entries",
    "0",
    "data/000",
  ];
  for (const path of paths) {
    expectProblem(await server.public.get(`/log/tile/${path}`), 404, "not-found");
  }
  expectProblem(await aud.get("/log/tile/entries/002"), 404, "not-found");
  expectProblem(await server.public.get("/log/tile/0/000?x=1"), 422, "unknown-member");
  expectProblem(await aud.get("/log/tile/entries/000?x=1"), 422, "unknown-member");
});

test("entries are for auditors, by session or token; nothing of theirs may be cached", async () => {
  await checkpoint();
  const token = await server.token("aud");
  for (const caller of [aud, token]) {
    const answer = await caller.get("/log/tile/entries/000.p/3");
    assert.deepEqual([answer.status, answer.headers["cache-control"]], [200, "no-store"]);
  }
  for (const caller of [ana, lea, world.adm, bot]) {
    expectProblem(await caller.get("/log/tile/entries/000.p/3"), 403, "forbidden");
  }
  expectProblem(await server.public.get("/log/tile/entries/000.p/3"), 401, "unauthenticated");
});

/* --- entries and proofs ----------------------------------------------------------------------------------- */

test("entries in pages, from any place on, with their hashes", async () => {
  const { size } = await checkpoint();
  const all = [];
  for (let path = "/v1/audit/entries?limit=100"; path; ) {
    const { body } = await aud.get(path);
    all.push(...body.items);
    path = body.next_cursor && `/v1/audit/entries?limit=100&cursor=${body.next_cursor}`;
  }
  assert.deepEqual(
    all.map(({ index }) => index),
    Array.from({ length: all.length }, (_, i) => i),
  );
  assert.ok(all.length >= size);
  const tile = (await server.public.get("/log/tile/0/000")).bytes;
  assert.equal(all[17].hash, tile.subarray(17 * 32, 18 * 32).toString("hex"));
  const { body } = await aud.get(`/v1/audit/entries?from=${all.length - 2}`);
  assert.deepEqual([body.items.length, body.next_cursor, body.size], [2, null, all.length]);
  assert.deepEqual((await aud.get(`/v1/audit/entries?from=${all.length + 5}`)).body.items, []);
  for (const query of ["from=x", "from=-1", "from=1&cursor=1-0", "limit=201", "cursor=x"]) {
    expectProblem(await aud.get(`/v1/audit/entries?${query}`), 422, "invalid-argument");
  }
});

test("a proof of an entry fits on a machine without the store; another key does not", async () => {
  const { text } = await signed(() => aud.get("/v1/audit/proofs/3"));
  const seen = await verify(onDesk("entry.tlog-proof", text));
  assert.deepEqual([seen.code, seen.kind, seen.index, seen.findings], [0, "proof", 3, []]);
  const stranger = vkey.replace(/^[^+]+/, "other.example/log");
  assert.equal((await verify(join(desk, "entry.tlog-proof"), stranger)).code, 1);
  const noKey = await fermata(["audit", "verify", join(desk, "entry.tlog-proof"), "--data", desk]);
  assert.deepEqual([noKey.code, noKey.stderr.includes("--key")], [1, true], noKey.stderr);
  expectProblem(await aud.get("/v1/audit/proofs/100000"), 404, "not-found");
  expectProblem(await aud.get("/v1/audit/proofs/3?x=1"), 422, "unknown-member");
});

/* --- bundles ---------------------------------------------------------------------------------------------- */

test("a bundle tells the whole life, with the roles of the moment", async () => {
  const { body } = await bundleOf(edited);
  const { summary } = body;
  const [decision] = summary.decisions;
  assert.deepEqual(
    [decision.verdict, decision.by.name, decision.by.roles, decision.via, decision.stands, decision.reason],
    ["modify", "ana", ["reviewer"], "page", true, HOSTILE],
  );
  assert.deepEqual([decision.arguments, decision.digest], [half, edited.digest]);
  assert.deepEqual(summary.request.arguments, edited.arguments);
  assert.equal(summary.redeemed.by.name, "bot");
  assert.deepEqual([summary.outcome.data.status, summary.outcome.detail], ["succeeded", HOSTILE]);
  assert.equal(summary.policy.id, edited.policy);
  assert.deepEqual(
    summary.events.map(({ kind }) => kind),
    [
      "proposal.held",
      "proposal.claimed",
      "proposal.commented",
      "proposal.decided",
      "permit.redeemed",
      "proposal.outcome",
    ],
  );
  assert.deepEqual(body.findings, []);
  assert.ok(body.does_not_prove.length > 3);
});

for (const [name, proposal, status] of [
  ["edited, redeemed, reported", edited, "approved"],
  ["rejected", rejected, "rejected"],
  ["withdrawn", gone, "withdrawn"],
  ["superseded", replaced, "withdrawn"],
  ["pending", pending, "pending"],
  ["let go by the policy", allowed, "approved"],
  ["blocked", blocked, "blocked"],
]) {
  test(`a bundle of one that is ${name} fits offline, and not with a bit changed`, async () => {
    const { text } = await bundleOf(proposal);
    const file = onDesk(`${proposal.id}.json`, text);
    const seen = await verify(file);
    assert.deepEqual([seen.code, seen.kind, seen.findings], [0, "bundle", []], seen.stderr);
    assert.equal(seen.summary.proposal.status, status);
    const changed = text.replace(`"status":"${status}"`, '"status":"settled"');
    assert.notEqual(changed, text);
    const caught = await verify(onDesk("changed.json", changed));
    assert.deepEqual([caught.code, caught.ok], [1, false]);
    assert.match(caught.findings[0], /\/proposal\/status/);
  });
}

test("the page of a bundle has no markup of the agent's, no script, and hides nothing", async () => {
  const path = `/v1/audit/bundle/${edited.id}`;
  const asked = await signed(() => aud.get(`${path}?format=html`));
  const browser = await aud.get(path, { headers: { accept: "text/html,application/xhtml+xml,*/*;q=0.8" } });
  for (const { status, headers, text } of [asked, browser]) {
    assert.equal(status, 200);
    assert.equal(headers["content-type"], "text/html; charset=utf-8");
    assert.match(headers["content-security-policy"], /^default-src 'none'; .*sandbox$/);
    assert.ok(!/<img|<script|<[^>]*(javascript:|\bsrc=|\bhref=)/i.test(text), "nothing of the agent's, nothing loaded");
    assert.ok(!text.includes("\u202E"), "no character that nobody sees");
    assert.ok(text.includes("&lt;img src=x onerror=&quot;alert(1)&quot;&gt;<mark"), "shown as it is");
    assert.ok(text.includes("What this does not prove") && text.includes("@media print"));
  }
  const json = await aud.get(path, { headers: { accept: "application/json, text/html" } });
  assert.equal(json.headers["content-type"], "application/json");
  expectProblem(await aud.get(`${path}?format=pdf`), 422, "invalid-argument");
  expectProblem(await aud.get(`/v1/audit/bundle/prp_${"0".repeat(26)}`), 404, "not-found");
});

/* --- completeness ----------------------------------------------------------------------------------------- */

async function report(query) {
  const items = [];
  for (let cursor = ""; cursor !== null; ) {
    const { status, body, text } = await aud.get(
      `/v1/audit/completeness?${query}${cursor ? `&cursor=${cursor}` : ""}`,
    );
    assert.equal(status, 200, text);
    items.push(...body.items);
    cursor = body.next_cursor;
  }
  return items;
}

test("everything that demanded a person is reported, with who decided or why nobody did", async () => {
  const day = new Date().toISOString().slice(0, 10);
  const rows = Object.fromEntries(
    (await report("from=2026-01-01&to=2100-01-01&limit=2")).map((row) => [row.proposal, row]),
  );
  const told = ({ id }) => rows[id] && [rows[id].status, rows[id].person?.name ?? null, rows[id].why_none];
  assert.deepEqual(told(edited), ["approved", "ana", null]);
  assert.deepEqual(told(rejected), ["rejected", "ben", null]);
  assert.deepEqual(told(gone), ["withdrawn", null, "withdrawn"]);
  assert.deepEqual(told(replaced), ["withdrawn", null, "superseded"]);
  assert.deepEqual(told(pending), ["pending", null, "pending"]);
  assert.deepEqual([told(allowed), told(blocked)], [undefined, undefined]);
  assert.deepEqual([rows[edited.id].person.roles, rows[edited.id].person.qualified], [["reviewer"], true]);
  assert.ok(Object.values(rows).every((row) => !row.released_without_person && row.problem === null));
  assert.equal((await report("from=2020-01-01&to=2020-01-02")).length, 0);
  assert.equal((await report(`from=2020-01-01&to=${day}`)).length, Object.keys(rows).length, "today counts");
  for (const query of ["", "from=2026-01-01", "from=x&to=2026-01-01", "from=2026-01-02&to=2026-01-01"]) {
    expectProblem(await aud.get(`/v1/audit/completeness?${query}`), 422, "invalid-argument");
  }
  expectProblem(
    await aud.get("/v1/audit/completeness?from=2026-01-01&to=2026-01-02&limit=0"),
    422,
    "invalid-argument",
    "/limit",
  );
});

/* --- the command line, beside a running server and after it ----------------------------------------------- */

const cli = (...args) => fermata([...args, "--data", server.data]);

test("prove, bundle and export while the server runs; each fits elsewhere", async () => {
  await checkpoint();
  const decision = await cli("audit", "prove", edited.id, "-o", join(desk, "d.tlog-proof"));
  assert.equal(decision.code, 0, decision.stderr);
  assert.match(decision.stderr, /decided by reviewer rev_\w+ .*verdict modify/);
  const seen = await verify(join(desk, "d.tlog-proof"));
  assert.deepEqual([seen.code, seen.entry.kind, seen.payload], [0, "proposal.decided", null]);
  const held = await cli("audit", "prove", edited.id, "--event", "proposal.held", "--payload");
  const shown = await verify(onDesk("h.tlog-proof", held.stdout));
  assert.equal(JSON.parse(shown.payload).brief.summary, HOSTILE);
  const all = await server.cli("audit", "prove", edited.id);
  const [first] = all.entries_of_proposal;
  for (const what of [[edited.id, "--index", `${first.index}`], [first.id], [`${first.index}`]]) {
    assert.equal((await server.cli("audit", "prove", ...what)).index, first.index, what.join(" "));
  }
  assert.equal((await cli("audit", "bundle", edited.id, "-o", join(desk, "b.json"))).code, 0);
  assert.equal((await verify(join(desk, "b.json"))).code, 0);
  const page = await cli("audit", "bundle", edited.id, "--html");
  assert.match(page.stdout, /^<!doctype html>/);
  assert.match(page.stdout, /<body>\n<main>\n[^]*<\/main>\n<\/body>/, "one landmark has all of it");
  const asProof = await verify(onDesk("page.html", page.stdout));
  assert.equal(asProof.code, 1);
  assert.match(asProof.stderr, /this is a page for reading: the bundle's JSON is checked/);
  const exported = await server.cli("audit", "export", join(desk, "log"));
  assert.ok(exported.entries > 260 && exported.was_there === 0);
  assert.equal((await verify(join(desk, "log"))).entries, exported.entries);
  assert.equal((await server.cli("audit", "export", join(desk, "log"))).was_there, exported.entries);
  assert.equal(readFileSync(join(desk, "log", "vkey"), "utf8").trim(), vkey);
  await server.cli("audit", "export", join(desk, "tiles"), "--tiles");
  const tiles = await verify(join(desk, "tiles"));
  assert.deepEqual([tiles.code, tiles.kind, tiles.entries], [0, "export", exported.entries]);
});

for (const [name, args, wanted] of [
  ["no such proposal", ["prove", `prp_${"0".repeat(26)}`], /no such proposal/],
  ["no such event", ["prove", `evt_${"0".repeat(26)}`], /no event/],
  ["no such entry", ["prove", "99999999"], /no leaf 99999999/],
  ["neither", ["prove", "hello"], /no proposal/],
  ["an entry of another proposal", ["prove", rejected.id, "--index", "0"], /not about the proposal/],
  ["an event that did not happen", ["prove", rejected.id, "--event", "permit.redeemed"], /has no event/],
  ["a choice without a proposal", ["prove", "0", "--index", "1"], /choose among/],
  ["a bundle of an event", ["bundle", `evt_${"0".repeat(26)}`], /no proposal's id/],
]) {
  test(`the command line refuses: ${name}`, async () => {
    const { code, stdout, stderr } = await cli("audit", ...args);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, wanted);
  });
}

test("audit verify --complete reports the same, and fails when one was released without a person", async () => {
  await checkpoint();
  const { code, stdout, stderr } = await cli("audit", "verify", "--complete", "2026-01-01", "2100-01-01", "--json");
  assert.equal(code, 0, stderr);
  const { items, ...rest } = JSON.parse(stdout);
  assert.deepEqual(items, await report("from=2026-01-01&to=2100-01-01"));
  assert.deepEqual([rest.verify.ok, rest.released_without_person, rest.whole], [true, 0, true]);
  const text = await cli("audit", "verify", "--complete", "2026-01-01", "2100-01-01");
  assert.match(text.stdout, /modify by ana \(reviewer\)[^]*nobody: superseded[^]*0 released without one/);
  for (const [says, ...args] of [
    [/wants FROM and TO/, "2026-01-01"],
    [/FROM \(2026-01-03\) is after TO \(2026-01-01\)/, "2026-01-03", "2026-01-01"],
    [/FROM \(2026-01-02\) is after TO \(2026-01-01\)/, "2026-01-02", "2026-01-01"],
    [/x is no date or time/, "x", "y"],
    [/y is no date or time/, "2026-01-01", "y"],
  ]) {
    const wrong = await cli("audit", "verify", "--complete", ...args);
    assert.equal(wrong.code, 2, args.join(" "));
    assert.match(wrong.stderr, says);
  }
});

test("without a server the same commands work on the folder", async (t) => {
  const own = await startWorld(t, { people: ["ana"], agents: ["bot"] });
  const made = await propose(own.bot);
  await decided(own.ana, made);
  const key = (await own.server.public.get("/log/vkey")).text.trim();
  await own.server.stop();
  const data = ["--data", own.server.data];
  for (const args of [
    ["prove", made.id, "-o", join(desk, "off.tlog-proof")],
    ["bundle", made.id, "-o", join(desk, "off.json")],
    ["export", join(desk, "off-log")],
  ]) {
    const { code, stderr } = await fermata(["audit", ...args, ...data]);
    assert.equal(code, 0, stderr);
  }
  for (const name of ["off.tlog-proof", "off.json", "off-log"]) {
    assert.equal((await verify(join(desk, name), key)).code, 0, name);
  }
  await fermataJson(["audit", "verify", ...data]);
});
