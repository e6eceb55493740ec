// SPDX-License-Identifier: Apache-2.0
/*
 * The headers that keep the page to itself, to the letter, and those of the API; the page's files and
 * its own routes.
 */
import assert from "node:assert/strict";
import test, { after } from "node:test";
import { gunzipSync } from "node:zlib";

import { act, expectProblem, propose, startWorld } from "./world.mjs";

const world = await startWorld({ after }, { people: ["ana"] });
const { server, bot, ana } = world;
const nobody = server.public;

/* Exactly this, byte by byte: a weaker one must not pass for a better one. */
const PAGE_HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'none'; " +
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "publickey-credentials-get=(self)",
};

function assertPageHeaders({ headers }) {
  for (const [name, value] of Object.entries(PAGE_HEADERS)) {
    assert.equal(headers[name], value, name);
  }
  assert.equal("access-control-allow-origin" in headers, false);
  assert.equal("set-cookie" in headers, false);
}

const PAGES = [
  ...["/", "/p/prp_00000000000000000000000001", "/p/anything", "/done", "/categories", "/me"],
  ...["/people", "/pauses", "/policy", "/callbacks", "/proposals", "/setup", "/start"],
];
for (const path of PAGES) {
  test(`the page at ${path}`, async () => {
    const answer = await nobody.get(path);
    assert.equal(answer.status, 200);
    assert.match(answer.headers["content-type"], /^text\/html; ?charset=utf-8$/i);
    assert.equal(answer.headers["cache-control"], "no-store");
    assertPageHeaders(answer);
    assert.equal(answer.text, (await nobody.get("/")).text);
  });
}

/* Every file that the page names. */
async function assets() {
  const { text } = await nobody.get("/");
  return [...text.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path);
}

test("the page has no script and no style of its own, and names only files of this server", async () => {
  const { text } = await nobody.get("/");
  assert.doesNotMatch(text, /<script(?![^>]*\ssrc="\/)[^>]*>/);
  assert.doesNotMatch(text, /<style|\sstyle=|\son\w+=|javascript:|https?:\/\//);
  assert.ok((await assets()).length >= 2);
});

test("its files: types, caching for ever under names of their own, headers", async () => {
  const types = { js: /^text\/javascript/, css: /^text\/css/, svg: /^image\/svg\+xml/ };
  for (const path of await assets()) {
    const answer = await nobody.get(path);
    assert.equal(answer.status, 200, path);
    assert.match(answer.headers["content-type"], types[path.split(".").at(-1)], path);
    assert.equal(answer.headers["cache-control"], "public, max-age=31536000, immutable", path);
    assertPageHeaders(answer);
  }
});

test("compressed for those who take it, with the same content", async () => {
  for (const path of ["/", ...(await assets())]) {
    const plain = await nobody.get(path);
    const packed = await nobody.get(path, { headers: { "accept-encoding": "gzip, deflate" } });
    assert.equal("content-encoding" in plain.headers, false);
    assert.equal(packed.headers["content-encoding"], "gzip");
    assert.deepEqual(gunzipSync(packed.bytes), plain.bytes);
    assert.equal(packed.headers.vary, "Accept-Encoding");
  }
});

test("only GET and HEAD", async () => {
  for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
    const { status } = await nobody.request(method, "/");
    assert.ok(status === 404 || status === 405, `${method} ${status}`);
  }
  assert.equal((await nobody.request("HEAD", "/")).bytes.length, 0);
});

test("no way out of the files", async () => {
  for (const path of [
    "/assets/",
    "/assets/..",
    "/assets/../openapi.json",
    "/../etc/passwd",
    "/assets/%2e%2e/x",
    "/index.html",
    "/manifest.txt",
  ]) {
    const { status } = await nobody.get(path);
    assert.ok([400, 404].includes(status), `${path} ${status}`);
  }
});

test("behind https the browser is told to stay there", async (t) => {
  const { server: secure } = await startWorld(t, {
    people: [],
    agents: [],
    args: ["--public-url", "https://fermata.example"],
  });
  const answer = await secure.public.get("/");
  assert.equal(answer.headers["strict-transport-security"], "max-age=31536000; includeSubDomains");
  assertPageHeaders(answer);
  assert.equal("strict-transport-security" in (await nobody.get("/")).headers, false);
});

test("answers of the API are not kept, not guessed at, and not framed as pages", async () => {
  const made = await propose(bot);
  const answers = [
    await ana.get("/v1/me"),
    await ana.get(`/v1/proposals/${made.id}`),
    await act(ana, made, "claim"),
    await ana.get("/v1/nothing"),
    await nobody.get("/v1/me"),
    await nobody.get("/readyz"),
    await nobody.get("/log/vkey"),
  ];
  for (const { headers, status } of answers) {
    assert.equal(headers["cache-control"], "no-store", `${status}`);
    assert.equal(headers["x-content-type-options"], "nosniff", `${status}`);
    assert.doesNotMatch(headers["content-type"], /html/);
  }
});

test("what an agent wrote never comes back as anything but JSON (A2)", async () => {
  const evil = "</script><script>alert(1)</script>";
  const made = await propose(bot, {
    arguments: { order_id: evil, amount: 1, currency: "EUR" },
    brief: { summary: evil },
  });
  const answer = await ana.get(`/v1/proposals/${made.id}`);
  assert.equal(answer.headers["content-type"], "application/json");
  assert.equal(answer.body.brief.summary, evil);
  expectProblem(await ana.get(`/v1/${encodeURIComponent("<b>")}`), 404, "not-found");
});
