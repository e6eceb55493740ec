// SPDX-License-Identifier: Apache-2.0
/*
 * The log against software that is not ours: golang.org/x/mod/sumdb (Debian's golang-golang-x-mod-dev),
 * which reads our notes, tiles, entries and proofs over HTTP and from files (logcheck.go); and Sigstore's
 * verifier (npm @sigstore/verify), which follows our inclusion proofs. Both must also refuse: a checker
 * that accepts everything proves nothing.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";
import { promisify } from "node:util";

import { fermata, ROOT } from "../http/server.mjs";
import { act, decided, propose, signed, startWorld } from "../http/world.mjs";

const SOURCE = join(ROOT, "tests", "interop", "logcheck.go");
const run = promisify(execFile);

const place = mkdtempSync(join(tmpdir(), "fermata-interop-"));
after(() => rmSync(place, { recursive: true, force: true }));
const file = (name) => join(place, name);

/* Debian's sources in GOPATH, no modules, no network. */
const checker = file("logcheck");
await run("go", ["build", "-o", checker, SOURCE], {
  env: {
    ...process.env,
    GO111MODULE: "off",
    GOPATH: "/usr/share/gocode",
    GOCACHE: join(ROOT, "build", "go-cache"),
    GOFLAGS: "",
    GOTOOLCHAIN: "local",
  },
});

const world = await startWorld({ after }, { people: ["ana", "aud"], agents: ["bot"] });
const { server, bot, ana } = world;
const token = (await server.token("aud")).secret;
const vkey = (await server.public.get("/log/vkey")).text.trim();

async function grow(count) {
  for (let n = 0; n < count; n += 1) {
    await propose(bot, { action: "ticket.tag", arguments: { n } });
  }
}

/* The checkpoint that covers all that was written so far. */
async function checkpoint(name) {
  const last = await propose(bot, { action: "ticket.tag" });
  await signed(() => world.aud.get(`/v1/audit/bundle/${last.id}`));
  writeFileSync(file(name), (await server.public.get("/log/checkpoint")).text);
  return file(name);
}

async function cli(...args) {
  const { code, stderr } = await fermata([...args, "--data", server.data]);
  assert.equal(code, 0, stderr);
}

async function check(...args) {
  const { stdout } = await run(checker, args).catch((error) => error);
  return stdout.trimEnd().split("\n");
}

const accepts = async (...args) => {
  const lines = await check(...args);
  assert.equal(lines.at(-1), "everything fits", lines.join("\n"));
  return lines;
};

const refuses = async (what, ...args) => assert.match((await check(...args)).at(-1), what);

const made = await propose(bot, { brief: { summary: "Refund" } });
await act(ana, made, "claim");
await grow(40);
const early = await checkpoint("early.note");
await decided(ana, made);
await grow(560); // more than two tiles
await checkpoint("late.note");
await cli("audit", "prove", made.id, "-o", file("decision.tlog-proof"));
await cli("audit", "prove", made.id, "--event", "proposal.held", "--payload", "-o", file("held.tlog-proof"));
await cli("audit", "prove", "0", "-o", file("first.tlog-proof"));
await cli("audit", "prove", "--since", early, "-o", file("growth"));

test("sumdb accepts notes, tiles, entries, inclusion and consistency proofs", async () => {
  const proofs = ["decision.tlog-proof", "held.tlog-proof", "first.tlog-proof", "growth"].map(file);
  const lines = await accepts(server.url, vkey, token, early, ...proofs);
  assert.match(lines[1], /^tiles and 6\d\d entries$/);
  assert.equal(lines.filter((line) => line.startsWith("inclusion proof")).length, 3);
  assert.equal(lines.filter((line) => line.startsWith("consistency proof from")).length, 1);
});

test("at every size around the width of a tile", async (t) => {
  const own = await startWorld(t, { people: ["aud"], agents: ["bot"] });
  const auditor = (await own.server.token("aud")).secret;
  const key = (await own.server.public.get("/log/vkey")).text.trim();
  const size = async () => Number((await own.server.public.get("/log/checkpoint")).text.split("\n")[1]);
  writeFileSync(file("own.note"), (await own.server.public.get("/log/checkpoint")).text);
  for (const wanted of [255, 256, 257, 511, 512, 513]) {
    for (let at = (await own.aud.get("/v1/audit/entries?limit=1")).body.size; at < wanted; at += 1) {
      await propose(own.bot, { action: "ticket.tag", arguments: { at } });
    }
    await signed(async () => ({ status: (await size()) === wanted ? 200 : 503 }));
    const lines = await accepts(own.server.url, key, auditor, file("own.note"));
    assert.equal(lines[0], `note and checkpoint of ${wanted} entries`);
  }
});

test("sumdb refuses what was changed", async () => {
  const text = readFileSync(file("decision.tlog-proof"), "utf8");
  const changed = (name, from, to) => {
    assert.match(text, from);
    writeFileSync(file(name), text.replace(from, to));
    return file(name);
  };
  const tried = [server.url, vkey, token, early];
  await refuses(/WRONG .*moved/, ...tried, changed("moved", /index (\d+)/, (_, n) => `index ${Number(n) + 1}`));
  await refuses(/WRONG the signature/, ...tried, changed("resized", /\n\n([^\n]+)\n\d+/, "\n\n$1\n7"));
  const other = text.replace(/extra (\S+)/, (_, extra) => {
    const said = Buffer.from(extra, "base64").toString().replace("approve", "reject!");
    return `extra ${Buffer.from(said).toString("base64")}`;
  });
  assert.notEqual(other, text);
  writeFileSync(file("other"), other);
  await refuses(/WRONG .*other/, ...tried, file("other"));
  await refuses(/WRONG the verifier key/, server.url, `${vkey}A`, token, early);
  writeFileSync(file("forged.note"), readFileSync(early, "utf8").replace(/\n\d+\n/, "\n3\n"));
  await refuses(/WRONG the signature/, server.url, vkey, token, file("forged.note"));
});

/* By its path: the package shows the function to its own files only. */
const merkle = createRequire(import.meta.url)("../node_modules/@sigstore/verify/dist/tlog/merkle.js");

function followedBySigstore(text, change = (entry) => entry) {
  const [head, note] = text.split("\n\n");
  const [, extra, index, ...hashes] = head.split("\n");
  const { entry } = JSON.parse(Buffer.from(extra.slice(6), "base64"));
  const [, size, root] = note.split("\n");
  merkle.verifyMerkleInclusion(
    {
      canonicalizedBody: Buffer.from(change(entry)),
      inclusionProof: { logIndex: index.slice(6), hashes: hashes.map((hash) => Buffer.from(hash, "base64")) },
    },
    { logSize: BigInt(size), logHash: Buffer.from(root, "base64") },
  );
}

test("Sigstore's verifier follows inclusion proofs, from files and over HTTP, and refuses other entries", async () => {
  const texts = ["decision.tlog-proof", "held.tlog-proof"].map((name) => readFileSync(file(name), "utf8"));
  for (let index = 0; index < 600; index += 37) {
    texts.push((await signed(() => world.aud.get(`/v1/audit/proofs/${index}`))).text);
  }
  for (const text of texts) {
    followedBySigstore(text);
    assert.throws(() => followedBySigstore(text, (entry) => `${entry} `), /does not match inclusion proof/);
  }
});

test("the product's own checks agree", async () => {
  const elsewhere = { env: { FERMATA_DATA: file("nothing") } };
  for (const args of [
    [file("decision.tlog-proof")],
    [file("held.tlog-proof")],
    [file("growth"), "--against", early],
  ]) {
    const { code, stdout, stderr } = await fermata(["audit", "verify", ...args, "--key", vkey], elsewhere);
    assert.equal(code, 0, `${stdout}${stderr}`);
  }
  const late = ["audit", "verify", file("growth"), "--against", file("late.note"), "--key", vkey];
  assert.equal((await fermata(late, elsewhere)).code, 1, "it is no proof about another checkpoint");
});
