// SPDX-License-Identifier: Apache-2.0
/*
 * People without a browser: fermata inbox, show and decide, over HTTP with a personal token. On a real
 * terminal they are shown what would run and asked; elsewhere they must name what they have seen.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { after } from "node:test";

import { BINARY, fermata, ROOT } from "./server.mjs";
import { act, decided, policyText, propose, read, refund, startWorld } from "./world.mjs";

const NASTY = "fine\u001b[31m\u202eevil\r\nproposal       prp_fake";
const LARGE = "rules: [{id: large, when: 'args.?amount.orValue(0) > 5000', then: review, queue: leads}]\n";
const world = await startWorld({ after }, { people: ["ana", "ben", "lea"], policy: policyText({ extra: LARGE }) });
const token = (await world.server.token("ana")).secret;

const environment = (own = {}) => ({ FERMATA_URL: world.server.url, FERMATA_TOKEN: token, ...own });
const run = (args, { env, ...options } = {}) => fermata(args, { env: environment(env), ...options });

/* On a terminal: answers the question with `answer`. */
function onTerminal(args, answer, { columns = 100, env } = {}) {
  return new Promise((resolve, reject) => {
    const helper = [join(ROOT, "tests/http/terminal.py"), `${columns}`, "anything else", answer, BINARY, ...args];
    const child = spawn("python3", helper, { env: { ...process.env, ...environment(env) } });
    let out = "";
    child.stdout.setEncoding("utf8").on("data", (text) => (out += text));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out: out.replaceAll("\r\n", "\n") }));
  });
}

test("inbox lists what this person may decide, as a table and as JSON", async () => {
  const made = await propose(world.bot);
  await propose(world.bot, { action: "contract.sign" }); // for leads
  const { code, stdout } = await run(["inbox", "--limit", "200"]);
  assert.equal(code, 0);
  assert.match(stdout, /^ID +DUE +QUEUE +AGENT +TITLE\n/);
  assert.match(stdout, new RegExp(`^${made.id} +in 3 h +general +bot +Refund 74\\.5 USD for order W`, "m"));
  assert.doesNotMatch(stdout, /contract\.sign/);
  const json = JSON.parse((await run(["inbox", "--json", "--limit", "200"])).stdout);
  assert.ok(json.items.some(({ id }) => id === made.id));
  const none = await run(["inbox", "--queue", "leads & co"]);
  assert.equal(none.stdout, "Nothing waits for you.\n");
});

test("inbox says which time comes first, and how many are alike; show names the others", async () => {
  const same = { arguments: refund({ order_id: "W-alike" }), deadline: "30m" };
  const [one, two] = [await propose(world.bot, same), await propose(world.bot, same)];
  const { stdout } = await run(["inbox", "--limit", "200"]);
  assert.match(stdout, new RegExp(`^${one.id} x2 +in (29|30) min, agent's +general `, "m"));
  assert.doesNotMatch(stdout, new RegExp(two.id));
  assert.match(stdout, /^x2 and more: so many are alike/m);
  const json = JSON.parse((await run(["inbox", "--json", "--limit", "200"])).stdout);
  assert.ok(json.items.some(({ id }) => id === two.id), "a machine gets each of them");
  const shown = (await run(["show", one.id])).stdout;
  assert.match(shown, /^deadline +\S+, in (29|30) min \(the agent's own\)$/m);
  assert.match(shown, /^alike +1 of 2$/m);
  assert.match(shown, new RegExp(`^the others +${two.id}$`, "m"));
});

test("show prints everything, and nothing that an agent wrote can pass for ours", async () => {
  const made = await propose(world.bot, {
    arguments: refund({ message: NASTY, "\u001b]0;x": 1 }),
    brief: { summary: NASTY, request: NASTY, draft: { pointer: "/message" }, evidence: [{ title: NASTY, text: NASTY }] },
  });
  const { code, stdout } = await run(["show", made.id]);
  assert.equal(code, 0);
  assert.doesNotMatch(stdout, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  assert.match(stdout, /^ {2}\| fine\[U\+001B\]\[31m\[U\+202E\]evil\[U\+000D\]\n {2}\| proposal {7}prp_fake$/m);
  assert.equal(stdout.match(/^proposal /gm).length, 1, "the fake line stands behind a bar");
  assert.match(stdout, /"\\u001b\]0;x": 1/);
  assert.match(stdout, new RegExp(`^digest +${made.digest}$`, "m"));
});

test("a long line is broken by us: it cannot wrap to the margin", async () => {
  const made = await propose(world.bot, { brief: { summary: `${"x".repeat(200)}  digest sha256:0` } });
  const { out } = await onTerminal(["show", made.id], "", { columns: 60 });
  for (const line of out.split("\n")) {
    assert.ok(line.length <= 100 && (!line.includes("xxx") || line.length <= 60), line);
  }
  assert.match(out, /^ {2}\| x{56}$/m);
});

test("on a terminal: shown, asked, decided", async () => {
  const made = await propose(world.bot);
  const { code, out } = await onTerminal(["decide", made.id, "approve"], "approve");
  assert.equal(code, 0, out);
  assert.match(out, /What will run\n {2}\| \{\n {2}\| {3}"amount": 74\.5,/);
  assert.match(out, /Decided: approved\.\n$/);
  const seen = await read(world.ana, made);
  assert.deepEqual([seen.status, seen.decision.via, seen.decision.by.name], ["approved", "token", "ana"]);
});

test("any other answer leaves it as it was", async () => {
  const made = await propose(world.bot);
  for (const answer of ["", "y", "reject"]) {
    const { code, out } = await onTerminal(["decide", made.id, "approve"], answer);
    assert.equal(code, 1);
    assert.match(out, /nothing was decided/);
  }
  assert.equal((await read(world.ana, made)).hold.phase, "waiting");
});

test("modify shows the changes and sends the edited arguments", async () => {
  const made = await propose(world.bot);
  const edited = { ...made.arguments, amount: 50 };
  const file = join(world.server.folder, "edited.json");
  writeFileSync(file, JSON.stringify(edited, null, 2));
  const { code, out } = await onTerminal(["decide", made.id, "modify", "--arguments", file], "modify");
  assert.equal(code, 0, out);
  assert.match(out, /Your change 1 of 1\n at\n {2}\| \/amount\n from\n {2}\| 74\.5\n to\n {2}\| 50\n/);
  assert.deepEqual((await read(world.ana, made)).decision.arguments, edited);
  const again = await propose(world.bot);
  const digest = ["--digest", again.digest];
  const piped = await run(["decide", again.id, "modify", "--arguments", "-", "--json", ...digest], {
    input: JSON.stringify({ ...again.arguments, amount: 1 }),
  });
  assert.equal(JSON.parse(piped.stdout).decision.arguments.amount, 1);
});

test("an edit that takes others is not told as decided", async () => {
  const made = await propose(world.bot);
  const answer = await run(["decide", made.id, "modify", "--arguments", "-", "--digest", made.digest], {
    input: JSON.stringify({ ...made.arguments, amount: 9000 }),
  });
  assert.equal(answer.code, 1);
  assert.match(answer.stderr, /not approved: the policy wants it decided in the queue leads, mode glance; it waits there/);
  assert.equal((await read(world.lea, made)).edit.arguments.amount, 9000);
});

test("without a terminal: only what --digest names", async () => {
  const made = await propose(world.bot);
  const blind = await run(["decide", made.id, "approve"]);
  assert.equal(blind.code, 1);
  assert.match(blind.stderr, /nobody can be asked here.*--digest/);
  const other = await run(["decide", made.id, "approve", "--digest", `sha256:${"0".repeat(64)}`, "--json"]);
  assert.deepEqual([other.code, JSON.parse(other.stderr).name], [1, "digest-mismatch"]);
  assert.equal((await read(world.ana, made)).status, "pending");
  const reason = ["--reason", "Wrong amount", "--reason-code", "wrong_amount"];
  const named = await run(["decide", made.id, "reject", "--digest", made.digest, ...reason]);
  assert.deepEqual([named.code, named.stdout], [0, "Decided: rejected.\n"]);
  const { decision } = await read(world.ana, made);
  assert.deepEqual([decision.reason, decision.reason_code], ["Wrong amount", "wrong_amount"]);
});

test("in the mode `read` it claims before it shows, and gives back what is not decided", async (t) => {
  const own = await startWorld(t, { people: ["ana", "ben"], policy: policyText({ defaults: { mode: "read" } }) });
  const env = { FERMATA_URL: own.server.url, FERMATA_TOKEN: (await own.server.token("ana")).secret };
  const made = await propose(own.bot);
  await onTerminal(["decide", made.id, "approve"], "no", { env });
  assert.equal((await read(own.ana, made)).hold.phase, "waiting", "given back");
  const early = await run(["decide", made.id, "approve", "--digest", made.digest], { env });
  assert.match(early.stderr, /it is claimed for you: run this again/);
  assert.equal((await read(own.ana, made)).hold.claimed_by.name, "ana");
  await act(own.ana, made, "unclaim");
  await act(own.ben, made, "claim");
  const taken = await onTerminal(["decide", made.id, "approve"], "approve", { env });
  assert.equal(taken.code, 1);
  assert.match(taken.out, /ben/, "who has it");
  await act(own.ben, made, "unclaim");
});

test("where the policy wants the page, it says so before anything is read", async (t) => {
  const policy = policyText({ defaults: { decide_by: "[page]" } });
  const own = await startWorld(t, { policy });
  const made = await propose(own.bot);
  const ana = await own.server.token("ana");
  assert.deepEqual((await read(ana, made)).can, {
    decide: false,
    claim: true,
    reason: "the policy does not let a personal token decide (`decide_by`): use the page",
  });
  assert.equal((await read(own.ana, made)).can.decide, true, "on the page they may");
  const env = { FERMATA_URL: own.server.url, FERMATA_TOKEN: ana.secret };
  const { code, out } = await onTerminal(["decide", made.id, "approve"], "approve", { env });
  assert.equal(code, 1);
  assert.match(out, /^fermata: the policy does not let a personal token decide/);
});

test("a decision in its undo time is told as such", async (t) => {
  const own = await startWorld(t, { policy: policyText({ defaults: { undo: "60s" } }) });
  const made = await propose(own.bot);
  const env = { FERMATA_URL: own.server.url, FERMATA_TOKEN: (await own.server.token("ana")).secret };
  const { stdout } = await run(["decide", made.id, "approve", "--digest", made.digest], { env });
  assert.match(stdout, /^Decided\. The agent is told at .*Z, in \d+ (s|min); until then it can be undone on the page\.\n$/);
  const again = await run(["decide", made.id, "approve", "--digest", made.digest], { env });
  assert.match(again.stderr, /it is decided, in its undo time, decided by ana/);
});

test("two reviewers: the second is told who was first", async () => {
  const made = await propose(world.bot);
  await decided(world.ben, made, "reject");
  const { code, stderr } = await run(["decide", made.id, "approve", "--digest", made.digest]);
  assert.equal(code, 1);
  assert.match(stderr, /it is rejected, decided by ben/);
});

const MISUSED = [
  [["decide", "x", "approve"], /no proposal's id/],
  [["decide", "prp_01M8CN8E2Z000CK82FTQY71472", "accept"], /approve, modify, reject or return/],
  [["decide", "prp_01M8CN8E2Z000CK82FTQY71472", "reject"], /reject needs --reason/],
  [["decide", "prp_01M8CN8E2Z000CK82FTQY71472", "return", "--reason", " \n\u00a0"], /return needs --reason/],
  [["decide", "prp_01M8CN8E2Z000CK82FTQY71472", "modify"], /modify needs --arguments/],
  [["decide", "prp_01M8CN8E2Z000CK82FTQY71472", "approve", "--arguments", "x"], /only modify takes/],
  [["decide", "prp_01M8CN8E2Z000CK82FTQY71472", "approve", "--severity", "minor"], /goes with modify/],
  [["decide", "prp_01M8CN8E2Z000CK82FTQY71472"], /./],
];
for (const [args, complaint] of MISUSED) {
  test(`usage: ${args.join(" ")}`, async () => {
    const { code, stderr } = await run(args);
    assert.equal(code, 2);
    assert.match(stderr, complaint);
  });
}

const FAILS = [
  ["no token", { FERMATA_TOKEN: "" }, /FERMATA_TOKEN.*`fermata token create --user NAME`/],
  ["an agent's key", { FERMATA_TOKEN: "fka_x" }, /an agent's key/],
  ["a line end in the token", { FERMATA_TOKEN: "fkr_a\nX: y" }, /the token alone/],
  ["an unknown token", { FERMATA_TOKEN: "fkr_unknown" }, /not known.*makes a new FERMATA_TOKEN/],
  ["nobody listens", { FERMATA_URL: "http://127.0.0.1:1" }, /does not answer.*does the server run\?/],
  ["http to elsewhere", { FERMATA_URL: "http://fermata.example" }, /would carry the token in clear/],
  ["http to elsewhere, dressed up", { FERMATA_URL: "http://127.0.0.1@fermata.example" }, /in clear/],
  ["http to elsewhere, as a prefix", { FERMATA_URL: "http://localhost.fermata.example" }, /in clear/],
  ["no address", { FERMATA_URL: "fermata.example" }, /is no address/],
];
for (const [name, env, complaint] of FAILS) {
  test(`fails with the next step: ${name}`, async () => {
    const { code, stdout, stderr } = await run(["inbox"], { env });
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, complaint);
  });
}

test("a proposal that is not there, or not theirs to see", async () => {
  const foreign = await propose(world.bot, { action: "contract.sign" });
  for (const id of [foreign.id, "prp_01M8CN8E2Z000CK82FTQY71472"]) {
    const { code, stderr } = await run(["show", id]);
    assert.equal(code, 1);
    assert.match(stderr, /no such proposal/);
  }
});
