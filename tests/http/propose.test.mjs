// SPDX-License-Identifier: Apache-2.0
/*
 * POST /v1/proposals: what is stored, what is refused and where it says so, the limits at and over, and
 * JSON that has more than one reading.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test, { after } from "node:test";

import { openapi } from "./contract.mjs";
import { problemOf } from "./server.mjs";
import { decided, expectProblem, policyText, propose, read, refund, startWorld } from "./world.mjs";

const world = await startWorld({ after }, { agents: ["bot", "other"] });

const KIB = 1024;

/* RFC 8785 for values whose numbers are plain: members sorted, no blanks. */
function canonical(value) {
  if (Array.isArray(value)) {
    return `[${value.map(canonical).join(",")}]`;
  }
  if (value && typeof value === "object") {
    const names = Object.keys(value).sort();
    return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

function digestOf(value) {
  return `sha256:${createHash("sha256").update(canonical(value)).digest("hex")}`;
}

test("the example of the document is held, and read back as it was sent", async () => {
  const { bot } = world;
  const sent = openapi.components.examples.refund.value;
  const made = await propose(bot, sent);
  const { base64, ...photo } = sent.brief.evidence[1];
  for (const name of Object.keys(sent).filter((member) => member !== "brief")) {
    assert.deepEqual(made[name], sent[name], name);
  }
  assert.deepEqual(made.brief.evidence[1], {
    ...photo,
    attachment: {
      index: 1,
      bytes: Buffer.from(base64, "base64").length,
      sha256: createHash("sha256").update(Buffer.from(base64, "base64")).digest("hex"),
    },
  });
  assert.deepEqual({ ...made.brief, evidence: null }, { ...sent.brief, evidence: null });
  assert.equal(made.status, "pending");
  assert.equal(made.category, "refund.issue");
  assert.deepEqual(made.agent, { id: bot.id, name: "bot" });
  assert.equal(made.revision, 1);
  assert.equal(made.assessment.verdict, "earn");
  assert.deepEqual(
    made.assessment.reasons.map(({ source, verdict }) => `${source} ${verdict}`),
    ["catalogue earn", "autonomy earn"],
  );
  assert.equal(made.hold.queue, "general");
  assert.equal(made.hold.mode, "glance");
  assert.equal(made.hold.phase, "waiting");
  assert.equal(made.hold.claimed_by, null);
  assert.deepEqual([made.hold.escalations, made.hold.people_needed, made.hold.people_done], [0, 1, 0]);
  assert.equal(Date.parse(made.hold.due_at) - Date.parse(made.created_at), 4 * 3600 * 1000);
  assert.deepEqual(
    [made.decision, made.permit, made.approval_expires_at, made.redeemed_at, made.outcome],
    [null, null, null, null, null],
  );
  assert.deepEqual(await read(bot, made), made);
});

test("digest and arguments_digest are those of the RFC 8785 form", async () => {
  const { bot } = world;
  const sent = {
    action: "refund.issue",
    arguments: { z: 1, a: { ä: "€", b: [true, null, "x\n"] } },
    agent_version: "v1",
    on_behalf_of: "user:1",
    subject: "customer:2",
    brief: { summary: "S", evidence: [{ title: "T", content_type: "text/plain", base64: "aGk=" }] },
    session: "not part of it",
  };
  const made = await propose(bot, sent);
  const { session, ...shown } = sent;
  assert.equal(made.arguments_digest, digestOf(sent.arguments));
  assert.equal(made.digest, digestOf({ v: 1, id: made.id, revision: 1, agent: bot.id, ...shown }));
});

const VERDICTS = [
  ["an action that is allowed goes on at once", "ticket.tag", "approved", "allow"],
  ["an action that is blocked is 201 and blocked", "customer.export", "blocked", "block"],
  ["an action that is to be earned is held", "refund.issue", "pending", "earn"],
  ["an action that is to be reviewed is held", "note.write", "pending", "review"],
  ["an action that nobody described is held", "no.such/action", "pending", "review"],
];
for (const [name, action, status, verdict] of VERDICTS) {
  test(name, async () => {
    const made = await propose(world.bot, { action });
    assert.equal(made.status, status);
    assert.equal(made.assessment.verdict, verdict);
    assert.equal(made.hold !== null, status === "pending");
    assert.equal(typeof made.permit, status === "approved" ? "string" : "object");
  });
}

test("the decision of the policy says that it was the policy", async () => {
  const { decision, approval_expires_at, created_at } = await propose(world.bot, {
    action: "ticket.tag",
    arguments: { tag: 1 },
  });
  assert.equal(decision.verdict, "approve");
  assert.equal(decision.by.kind, "policy");
  assert.deepEqual(decision.arguments, { tag: 1 });
  assert.equal(Date.parse(approval_expires_at) - Date.parse(created_at), 24 * 3600 * 1000);
});

test("the queue of the action counts, not that of the defaults", async () => {
  const made = await propose(world.bot, { action: "contract.sign" });
  assert.equal(made.hold.queue, "leads");
});

/* Each row: name, members of the request, [status, error, pointer]. */
const text = (n) => "x".repeat(n);
const evidence = (n, more = {}) => Array.from({ length: n }, () => ({ title: "E", ...more }));
const attached = (bytes) => ({ title: "E", content_type: "image/png", base64: Buffer.alloc(bytes).toString("base64") });
const argumentsOf = (bytes) => ({ a: text(bytes - '{"a":""}'.length) });
const labels = (n, name, value) => Object.fromEntries(Array.from({ length: n }, (_, i) => [name(i), value]));

const AT_LIMIT = {
  "arguments of 256 KiB": { arguments: argumentsOf(256 * KIB) },
  "an action of 128 bytes": { action: "a".repeat(128) },
  "an action of every allowed character": { action: "az09._/-" },
  "a summary of 300 characters of two bytes": { brief: { summary: "ä".repeat(300) } },
  "a summary of 300 characters of four bytes": { brief: { summary: "𝄐".repeat(300) } },
  "a request of 32 KiB": { brief: { request: text(32 * KIB) } },
  "a reasoning of 32 KiB": { brief: { reasoning: text(32 * KIB) } },
  "a draft of 32 KiB": { arguments: { message: text(32 * KIB) }, brief: { draft: { pointer: "/message" } } },
  "50 items of evidence": { brief: { evidence: evidence(50) } },
  "20 options": { brief: { options: evidence(20) } },
  "16 domains": { domains: Array(16).fill("d") },
  "32 labels": { labels: labels(32, (i) => `l${i}`, "v") },
  "a label of 64 and 256 bytes": { labels: { [text(64)]: text(256) } },
  "attachments of 512 KiB together": { brief: { evidence: [attached(256 * KIB), attached(256 * KIB)] } },
  "confidence 0": { brief: { confidence: 0 } },
  "confidence 1": { brief: { confidence: 1 } },
  "a whole number of 2^53": { arguments: { n: 2 ** 53 } },
  "empty arguments": { arguments: {} },
  "a deadline of two days": { deadline: "2d" },
  "a callback with a port": { callback: { url: "https://agent.example:8443/hook?x=1" } },
};
for (const [name, members] of Object.entries(AT_LIMIT)) {
  test(`at the limit: ${name}`, async () => {
    const made = await propose(world.bot, members);
    assert.equal(made.status, "pending");
    assert.deepEqual((await read(world.bot, made)).arguments, made.arguments);
  });
}

const OVER_LIMIT = [
  ["arguments of 256 KiB and a byte", { arguments: argumentsOf(256 * KIB + 1) }, 413, "too-large", "/arguments"],
  ["an action of 129 bytes", { action: "a".repeat(129) }, 413, "too-large", "/action"],
  ["an action with a capital letter", { action: "Refund" }, 422, "invalid-argument", "/action"],
  ["an action with a blank", { action: "a b" }, 422, "invalid-argument", "/action"],
  ["an action that is empty", { action: "" }, 422, "invalid-argument", "/action"],
  ["an action that is a number", { action: 1 }, 422, "invalid-argument", "/action"],
  ["no action", { action: undefined }, 422, "invalid-argument", "/action"],
  ["no arguments", { arguments: undefined }, 422, "invalid-argument", "/arguments"],
  ["arguments that are a list", { arguments: [] }, 422, "invalid-argument", "/arguments"],
  ["arguments that are null", { arguments: null }, 422, "invalid-argument", "/arguments"],
  ["a summary of 301 characters", { brief: { summary: "ä".repeat(301) } }, 413, "too-large", "/brief/summary"],
  ["a request of 32 KiB and a byte", { brief: { request: text(32 * KIB + 1) } }, 413, "too-large", "/brief/request"],
  [
    "a reasoning of 32 KiB and a byte",
    { brief: { reasoning: text(32 * KIB + 1) } },
    413,
    "too-large",
    "/brief/reasoning",
  ],
  [
    "a draft of 32 KiB and a byte",
    { arguments: { message: text(32 * KIB + 1) }, brief: { draft: { pointer: "/message" } } },
    413,
    "too-large",
    "/arguments/message",
  ],
  ["51 items of evidence", { brief: { evidence: evidence(51) } }, 422, "invalid-argument", "/brief/evidence"],
  ["21 options", { brief: { options: evidence(21) } }, 422, "invalid-argument", "/brief/options"],
  ["17 domains", { domains: Array(17).fill("d") }, 422, "invalid-argument", "/domains"],
  ["33 labels", { labels: labels(33, (i) => `l${i}`, "v") }, 422, "invalid-argument", "/labels"],
  ["a label's name of 65 bytes", { labels: { [text(65)]: "v" } }, 422, "invalid-argument", `/labels/${text(65)}`],
  ["a label's value of 257 bytes", { labels: { l: text(257) } }, 422, "invalid-argument", "/labels/l"],
  ["a label that is a number", { labels: { l: 1 } }, 422, "invalid-argument", "/labels/l"],
  [
    "attachments of 512 KiB and a byte",
    { brief: { evidence: [attached(512 * KIB), attached(1)] } },
    413,
    "too-large",
    "/brief/evidence/1/base64",
  ],
  [
    "an attachment without its type",
    { brief: { evidence: [{ title: "E", base64: "aGk=" }] } },
    422,
    "invalid-argument",
    "/brief/evidence/0/base64",
  ],
  [
    "an attachment that is not base64",
    { brief: { evidence: [{ ...attached(1), base64: "a_-=" }] } },
    422,
    "invalid-argument",
    "/brief/evidence/0/base64",
  ],
  ["confidence below 0", { brief: { confidence: -0.01 } }, 422, "invalid-argument", "/brief/confidence"],
  ["confidence above 1", { brief: { confidence: 1.01 } }, 422, "invalid-argument", "/brief/confidence"],
  [
    "a draft that points nowhere",
    { brief: { draft: { pointer: "/nothing" } } },
    422,
    "invalid-argument",
    "/brief/draft/pointer",
  ],
  [
    "a draft that points to a number",
    { brief: { draft: { pointer: "/amount" } } },
    422,
    "invalid-argument",
    "/brief/draft/pointer",
  ],
  ["a deadline without a unit", { deadline: "30" }, 422, "invalid-argument", "/deadline"],
  ["a deadline of nothing", { deadline: "0s" }, 422, "invalid-argument", "/deadline"],
  ...[
    "agent.example",
    "http://agent.example/hook",
    "https://evil.example/hook",
    "https://agent.example.evil.example/hook",
    "https://evil.example/agent.example",
    "https://agent.example@evil.example/hook",
    "https://agent.example:x@evil.example/hook",
    "https://evil.example#agent.example",
    "https://",
    "ftp://agent.example/",
  ].map((url) => [`a callback to ${url}`, { callback: { url } }, 422, "invalid-argument", "/callback/url"]),
  ["supersedes that is no id", { supersedes: "agt_1" }, 422, "invalid-argument", "/supersedes"],
  ["supersedes of nothing that is there", { supersedes: `prp_${"0".repeat(25)}1` }, 404, "not-found"],
  ["an unknown member", { agent_verison: "1" }, 422, "unknown-member", "/agent_verison"],
  ["an unknown member of the brief", { brief: { sumary: "S" } }, 422, "unknown-member", "/brief/sumary"],
  [
    "an unknown member of evidence",
    { brief: { evidence: [{ title: "E", url: "x" }] } },
    422,
    "unknown-member",
    "/brief/evidence/0/url",
  ],
  [
    "an unknown member of an option",
    { brief: { options: [{ title: "O", pro: [] }] } },
    422,
    "unknown-member",
    "/brief/options/0/pro",
  ],
  [
    "an unknown member of the draft",
    { brief: { draft: { pointer: "/order_id", kind: "x" } } },
    422,
    "unknown-member",
    "/brief/draft/kind",
  ],
  [
    "an unknown member of the callback",
    { callback: { url: "https://agent.example", secret: "x" } },
    422,
    "unknown-member",
    "/callback/secret",
  ],
  ["who decides (A19)", { decided_by: "ana" }, 422, "unknown-member", "/decided_by"],
];
for (const [name, members, status, error, pointer] of OVER_LIMIT) {
  test(`refused: ${name}`, async () => {
    const { bot } = world;
    const before_ = (await bot.get("/v1/proposals?limit=1")).body.items[0]?.id;
    const answer = await bot.post("/v1/proposals", { action: "refund.issue", arguments: refund(), ...members });
    expectProblem(answer, status, error, pointer);
    assert.equal((await bot.get("/v1/proposals?limit=1")).body.items[0]?.id, before_, "something was stored");
  });
}

test("members inside arguments, labels and evidence data are the agent's own", async () => {
  const members = {
    arguments: { anything: { deeper: [{ x: 1 }] } },
    labels: { whatever: "v" },
    brief: { evidence: [{ title: "E", data: { free: [1, null] } }] },
  };
  const made = await propose(world.bot, members);
  assert.deepEqual(made.brief.evidence[0].data, { free: [1, null] });
});

test("everything that is wrong is said at once", async () => {
  const answer = await world.bot.post("/v1/proposals", { action: 1, arguments: [], wrong: 1 });
  assert.deepEqual(answer.body.errors.map(({ pointer }) => pointer).sort(), ["/action", "/arguments", "/wrong"]);
});

/* --- briefs ---------------------------------------------------------------------------------------- */

const WHOLE_BRIEF = { request: "R", reasoning: "R", evidence: evidence(2), options: [{ title: "O" }] };

test("a complete brief is accepted", async () => {
  const made = await propose(world.bot, { action: "letter.send", brief: WHOLE_BRIEF });
  assert.equal(made.status, "pending");
});

const INCOMPLETE = [
  ["no brief at all", undefined, ["/brief/request", "/brief/reasoning", "/brief/evidence", "/brief/options"]],
  ["an empty text", { ...WHOLE_BRIEF, reasoning: "" }, ["/brief/reasoning"]],
  ["an empty list", { ...WHOLE_BRIEF, options: [] }, ["/brief/options"]],
  ["too little evidence", { ...WHOLE_BRIEF, evidence: evidence(1) }, ["/brief/evidence"]],
];
for (const [name, brief, pointers] of INCOMPLETE) {
  test(`an incomplete brief: ${name}`, async () => {
    const answer = await world.bot.post("/v1/proposals", { action: "letter.send", arguments: refund(), brief });
    expectProblem(answer, 422, "brief-incomplete");
    assert.deepEqual([...new Set(answer.body.errors.map(({ pointer }) => pointer))].sort(), pointers.sort());
  });
}

test("an incomplete brief stores nothing", async () => {
  await world.other.post("/v1/proposals", { action: "letter.send", arguments: refund() });
  assert.deepEqual((await world.other.get("/v1/proposals")).body.items, []);
});

/* --- JSON with one reading (A5) -------------------------------------------------------------------- */

const wrap = (json) => `{"action":"note.write","arguments":{"v":${json}}}`;
const nested = (depth) => "[".repeat(depth) + "]".repeat(depth);

const BAD_JSON = {
  "a duplicate member": `{"action":"note.write","arguments":{"amount":10,"amount":99999}}`,
  "a duplicate member, one of them escaped": `{"action":"note.write","arguments":{"a":1,"\\u0061":2}}`,
  "a NUL": wrap('"ana@good.example\\u0000@evil.example"'),
  "a lone surrogate": wrap('"\\ud800"'),
  "invalid UTF-8": Buffer.concat([
    Buffer.from('{"action":"note.write","arguments":{"v":"'),
    Buffer.from([0xc3, 0x28]),
    Buffer.from('"}}'),
  ]),
  "a byte order mark": `\ufeff${wrap("1")}`,
  "a whole number beyond 2^53": wrap("9007199254740993"),
  "a whole number beyond 2^53, with an exponent": wrap("1e30"),
  "a decimal that does not survive": wrap("0.1234567890123456789"),
  "a number with a leading zero": wrap("012"),
  NaN: wrap("NaN"),
  Infinity: wrap("1e999"),
  "a trailing comma": wrap("[1,]"),
  "a comment": wrap("1 /* */"),
  "single quotes": wrap("'a'"),
  "a control character": wrap('"a\u0001b"'),
  "something behind the value": `${wrap("1")} {}`,
  "the end too early": wrap("1").slice(0, -2),
  "no JSON": "hello",
  "depth 65": wrap(nested(63)),
};
for (const [name, raw] of Object.entries(BAD_JSON)) {
  test(`refused as not I-JSON: ${name}`, async () => {
    expectProblem(await world.bot.postRaw("/v1/proposals", raw), 400, "invalid-json");
  });
}

test("at the limit: depth 64", async () => {
  const answer = await world.bot.postRaw("/v1/proposals", wrap(nested(62)));
  assert.equal(answer.status, 201, answer.text.slice(0, 800));
});

test("a number that is refused comes with the advice to send a string", async () => {
  const answer = await world.bot.postRaw("/v1/proposals", wrap("9007199254740993"));
  assert.match(answer.text, /string/);
});

const NOT_OBJECTS = ["[]", "null", "1", '"a"'];
for (const raw of NOT_OBJECTS) {
  test(`a body that is ${raw}`, async () => {
    expectProblem(await world.bot.postRaw("/v1/proposals", raw), 422, "invalid-argument", "");
  });
}

test("no body", async () => {
  expectProblem(await world.bot.request("POST", "/v1/proposals"), 422, "invalid-argument");
});

/* A body of exactly this many bytes; the members fit every other limit. */
function bodyOf(bytes) {
  const items = Array.from({ length: 50 }, () => ({ title: "E", text: "" }));
  const body = { action: "note.write", arguments: {}, brief: { evidence: items } };
  let missing = bytes - JSON.stringify(body).length;
  for (const item of items) {
    item.text = text(Math.min(missing, 32 * KIB));
    missing -= item.text.length;
  }
  return JSON.stringify(body);
}

test("at the limit: a request of 1 MiB", async () => {
  const raw = bodyOf(1024 * KIB);
  assert.equal(raw.length, 1024 * KIB);
  const answer = await world.bot.postRaw("/v1/proposals", raw);
  assert.equal(answer.status, 201, answer.text.slice(0, 800));
});

test("refused: a request of 1 MiB and a byte", async () => {
  const answer = await world.bot.postRaw("/v1/proposals", bodyOf(1024 * KIB + 1));
  expectProblem(answer, 413, "too-large");
});

const TYPES = [
  "text/plain",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "application/jsonx",
  undefined,
];
for (const type of TYPES) {
  test(`the content type ${type}`, async () => {
    const answer = await world.bot.post(
      "/v1/proposals",
      { action: "note.write", arguments: {} },
      { headers: { "content-type": type } },
    );
    expectProblem(answer, 415, "unsupported-media-type");
  });
}

test("the content type application/json; charset=utf-8", async () => {
  const headers = { "content-type": "application/json; charset=utf-8" };
  const answer = await world.bot.post("/v1/proposals", { action: "note.write", arguments: {} }, { headers });
  assert.equal(answer.status, 201);
});

/* --- repeats and supersedes -------------------------------------------------------------------------- */

test("the same again while the first is held is a repeat of it", async () => {
  const { bot, other, ana } = world;
  const first = await propose(bot, { arguments: { order_id: "R1" } });
  const second = await propose(bot, { arguments: { order_id: "R1" } });
  const third = await propose(bot, { arguments: { order_id: "R1" } });
  assert.deepEqual([first.repeat_of, second.repeat_of, third.repeat_of], [null, first.id, first.id]);
  assert.equal((await propose(bot, { arguments: { order_id: "R2" } })).repeat_of, null, "other arguments");
  assert.equal(
    (await propose(bot, { action: "note.write", arguments: { order_id: "R1" } })).repeat_of,
    null,
    "another action",
  );
  assert.equal((await propose(other, { arguments: { order_id: "R1" } })).repeat_of, null, "another agent");
  await decided(ana, first);
  assert.equal((await propose(bot, { arguments: { order_id: "R1" } })).repeat_of, second.id, "the first is decided");
});

test("supersedes withdraws the old one in the same transaction", async () => {
  const { bot } = world;
  const old = await propose(bot);
  const fresh = await propose(bot, { supersedes: old.id });
  assert.equal((await read(bot, old)).status, "withdrawn");
  assert.equal(fresh.status, "pending");
  assert.equal(fresh.supersedes, old.id);
});

test("supersedes of one that is decided is refused, and nothing is stored", async () => {
  const { bot, ana } = world;
  const old = await propose(bot);
  await decided(ana, old);
  const answer = await bot.post("/v1/proposals", { action: "note.write", arguments: {}, supersedes: old.id });
  const problem = expectProblem(answer, 409, "already-decided");
  assert.equal(problem.decision.verdict, "approve");
  assert.notEqual((await bot.get("/v1/proposals?limit=1")).body.items[0].action, "note.write");
});

test("supersedes of another agent's is not found", async () => {
  const { bot, other } = world;
  const theirs = await propose(other);
  const answer = await bot.post("/v1/proposals", { action: "note.write", arguments: {}, supersedes: theirs.id });
  expectProblem(answer, 404, "not-found");
  assert.equal((await read(other, theirs)).status, "pending");
});

/* --- limits of the policy ---------------------------------------------------------------------------- */

test("more pending than the policy allows is 429 and stores nothing", async (t) => {
  const { bot } = await startWorld(t, { people: [], policy: policyText({ extra: "limits: {pending_per_agent: 2}" }) });
  const first = await propose(bot);
  await propose(bot);
  const answer = await bot.post("/v1/proposals", { action: "note.write", arguments: {} });
  expectProblem(answer, 429, "rate-limited");
  assert.equal((await bot.get("/v1/proposals")).body.items.length, 2);
  await bot.post(`/v1/proposals/${first.id}/withdraw`);
  await propose(bot);
});

test("more in a minute than the policy allows is 429, for that agent alone", async (t) => {
  const policy = policyText({ extra: "limits: {proposals_per_minute: 5}" });
  const { bot, other } = await startWorld(t, { people: [], agents: ["bot", "other"], policy });
  const answers = [];
  for (let i = 0; i < 11; i += 1) {
    // a minute may end in between, once
    answers.push(await bot.post("/v1/proposals", { action: "ticket.tag", arguments: { i } }));
  }
  const refused = answers.filter(({ status }) => status === 429);
  assert.ok(refused.length >= 1 && answers[4].status !== 500);
  assert.equal(problemOf(refused[0]), "rate-limited");
  assert.ok(Number(refused[0].headers["retry-after"]) >= 1 && Number(refused[0].headers["retry-after"]) <= 60);
  await propose(other, { action: "ticket.tag" });
});
