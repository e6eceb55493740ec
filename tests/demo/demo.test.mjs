// SPDX-License-Identifier: Apache-2.0
/*
 * The demo as a visitor meets it: `fermata demo` from an installation signs in by its link and goes on
 * after Ctrl-C; and the sample agent against a real server under the demo's policy, through every kind of
 * decision, and through a kill of its own process.
 */
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { BINARY, fermata, ROOT, startServer } from "../http/server.mjs";

const POLICY = readFileSync(join(ROOT, "examples/policies/demo.yaml"), "utf8").replace("undo: 5s", "undo: 0s");
const AGENT = join(ROOT, "examples/support-agent/agent.py");
const DECISIONS_MAX = 200;

/* Runs the agent; `ended` resolves with its exit code, `said` grows. */
function startAgent(server, bot, data, ...args) {
  const env = { ...process.env, FERMATA_KEY: bot.secret, PYTHONDONTWRITEBYTECODE: "1", MODEL_URL: "" };
  const child = spawn("python3", [AGENT, "--url", server.url, "--data", data, "--pace", "0", ...args], { env });
  const agent = { child, said: "", ended: once(child, "close").then(([code]) => code) };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => (agent.said += text));
  }
  return agent;
}

const waiting = async (person) => (await person.get("/v1/inbox?limit=200")).body.items;

/* Waits until the inbox holds what is asked for, by the stream's news and not by the clock. */
async function inboxWith(person, enough) {
  const stream = await person.stream();
  try {
    for (;;) {
      const items = await waiting(person);
      if (enough(items)) {
        return items;
      }
      await stream.next();
    }
  } finally {
    stream.close();
  }
}

async function decide(person, { id, digest }, verdict, members = {}) {
  const answer = await person.post(`/v1/proposals/${id}/decision`, { verdict, digest, ...members });
  assert.equal(answer.status, 200, answer.text);
}

/* How this visitor decides: each verdict comes up, by turns. */
function verdictFor({ revision }, turn) {
  if (revision === 1 && turn % 5 === 1) {
    return ["return", { reason: "Any earlier refunds, and what does the policy say?" }];
  }
  return turn % 5 === 3 ? ["reject", { reason: "Not like this", reason_code: "policy" }] : ["approve", {}];
}

test("the agent works off its mailbox through every kind of decision, and is killed on the way", async (t) => {
  const server = await startServer(t, { policy: POLICY });
  const you = await server.person("you", ["reviewer", "lead", "auditor"]);
  const bot = await server.agent("support-agent");
  const data = join(server.folder, "desk.db");

  const first = startAgent(server, bot, data);
  const open = await inboxWith(you, (items) => items.length === 12);
  assert.ok(open.length <= 12, "no more than a dozen wait");
  for (const item of open.slice(0, 4)) {
    await decide(you, item, "approve");
  }
  await inboxWith(you, (items) => items.filter(({ id }) => !open.some((each) => each.id === id)).length >= 2);
  first.child.kill("SIGKILL");
  await first.ended;
  const before = (await bot.get("/v1/proposals?limit=200")).body.items;

  const second = startAgent(server, bot, data);
  let over = false;
  const done = second.ended.then((code) => ((over = true), code));
  const stream = await you.stream();
  for (let turn = 0; !over && turn < DECISIONS_MAX; ) {
    const items = await waiting(you);
    for (const item of items) {
      await decide(you, item, ...verdictFor(item, turn));
      turn += 1;
    }
    await Promise.race([done, stream.next()]);
  }
  assert.equal(await done, 0, second.said);
  stream.close();

  const proposals = [];
  for (let cursor = ""; cursor !== null; ) {
    const page = (await bot.get(`/v1/proposals?limit=200${cursor && `&cursor=${cursor}`}`)).body;
    proposals.push(...page.items);
    cursor = page.next_cursor;
  }
  const of = (status) => proposals.filter((each) => each.status === status);
  assert.ok(proposals.length > before.length);
  for (const status of ["approved", "rejected", "blocked"]) {
    assert.ok(of(status).length > 0, `some are ${status}`);
  }
  assert.deepEqual(of("pending"), []);
  assert.ok(proposals.some(({ revision }) => revision > 1), "questions were answered");
  const once = new Set(proposals.map(({ session, action, arguments: args, status }) => JSON.stringify([session, action, args, status])));
  assert.equal(once.size, proposals.length, "nothing was proposed twice");
  for (const each of of("approved")) {
    assert.ok(each.redeemed_at !== null && each.outcome !== null, `${each.session} ${each.action} was carried out and reported`);
  }
  const tickets = new Set(proposals.map(({ session }) => session));
  assert.ok(tickets.size >= 40, `${tickets.size} tickets`);

  // The newest stand first; what follows where this one is rejected is a handover to a person.
  const attack = proposals.findLast(({ session }) => session === "T-1008");
  assert.equal(attack.action, "message.send");
  assert.match(attack.brief.evidence[0].title, /^Warning/);
  const again = startAgent(server, bot, data);
  assert.equal(await again.ended, 0, again.said);
  assert.match(again.said, /0 cases/, "what is closed stays closed");
  const { code, stdout } = await fermata(["audit", "verify", "--data", server.data]);
  assert.equal(code, 0, stdout);
});

test("the demo's policy holds for what the agent knows", async () => {
  const file = join(ROOT, "examples/policies/demo.yaml");
  const { code, stdout, stderr } = await fermata(["policy", "check", file]);
  assert.equal(code, 0, stdout + stderr);
  const source = ["money.py", "words.py", "thinking.py"].map((name) => readFileSync(join(ROOT, "examples/support-agent", name), "utf8")).join("");
  const used = new Set([...source.matchAll(/"((?:refund|order|account|message|article|ticket|report|customer)\.\w+)"/g)].map(([, name]) => name));
  for (const action of used) {
    assert.ok(POLICY.includes(`\n  ${action}:\n`), `${action} is in the catalogue`);
  }
});

/* Installs into a folder of its own, or takes the binary under test where it lies in the tree. */
function install(folder) {
  execFileSync("make", ["-s", "install", `DESTDIR=${folder}`, "PREFIX=/usr", `BUILD=${BINARY.replace(/\/fermata$/, "")}`], {
    cwd: ROOT,
    stdio: "pipe",
  });
  return join(folder, "usr", "bin", "fermata");
}

/* Runs the demo until it has printed its link. */
async function startDemo(binary, data) {
  const env = { ...process.env, PACE: "0", MODEL_URL: "" };
  delete env.FERMATA_DATA;
  const child = spawn(binary, ["demo", "--data", data, "--port", "0"], { env });
  const demo = { child, said: "", ended: once(child, "close").then(([code]) => code) };
  await new Promise((resolve, reject) => {
    const look = (text) => {
      demo.said += text;
      demo.link ??= /(http:\/\/\S+\/#fkl_\S+)\n/.exec(demo.said)?.[1];
      if (demo.link) {
        resolve();
      }
    };
    child.stdout.setEncoding("utf8").on("data", look);
    child.stderr.setEncoding("utf8").on("data", look);
    demo.ended.then(() => reject(new Error(`the demo ended: ${demo.said}`)));
  });
  return demo;
}

async function signIn({ link }) {
  const [url, code] = link.split("/#");
  const answer = await fetch(`${url}/v1/session/link`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Origin: url },
    body: JSON.stringify({ code }),
  });
  assert.equal(answer.status, 200);
  const headers = { Cookie: answer.headers.get("set-cookie").split(";")[0] };
  return { who: await answer.json(), get: async (path) => (await fetch(url + path, { headers })).json() };
}

test("fermata demo, installed: a link that signs in, cases that wait, and the same again after Ctrl-C", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "fermata-demo-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const binary = install(join(folder, "root"));
  const data = join(folder, "data");

  const demo = await startDemo(binary, data);
  t.after(() => demo.child.kill("SIGTERM"));
  const you = await signIn(demo);
  assert.equal(you.who.name, "you");
  assert.equal(you.who.can.decide, true);
  const inbox = await you.get("/v1/inbox?limit=200");
  assert.ok(inbox.items.length >= 8, `${inbox.items.length} wait`);
  assert.equal(readFileSync(join(data, "server.log"), "utf8").includes("fkl_"), false);
  demo.child.kill("SIGINT");
  assert.equal(await demo.ended, 0, demo.said);

  const again = await startDemo(binary, data);
  t.after(() => again.child.kill("SIGTERM"));
  const after_ = await (await signIn(again)).get("/v1/inbox?limit=200");
  const ids = new Set(after_.items.map(({ id }) => id));
  assert.ok(inbox.items.every(({ id }) => ids.has(id)), "what waited waits");
  again.child.kill("SIGINT");
  assert.equal(await again.ended, 0, again.said);
});

test("fermata demo without its files says where they should be", async () => {
  const { code, stderr } = await fermata(["demo"], { env: { FERMATA_SHARE: "/nowhere" } });
  assert.equal(code, 1);
  assert.match(stderr, /share\/fermata/);
});


test("a port that is none is said to be one, by the command and by the script", async () => {
  for (const port of ["abc", "99999", "-1", "08600x", "65536"]) {
    const { code, stderr } = await fermata(["demo", `--port=${port}`]);
    assert.equal(`${code} ${stderr.split("\n")[0]}`, "2 fermata: --port is 0 to 65535", port);
    const script = spawnSync("bash", [join(ROOT, "examples/demo.sh")], {
      env: { ...process.env, PORT: port, FERMATA_BIN: BINARY, FERMATA_DATA: join(tmpdir(), "fermata-never-made") },
      encoding: "utf8",
    });
    assert.equal(`${script.status} ${script.stderr}`, `2 PORT is 0 to 65535, not ${port}\n`);
  }
});
