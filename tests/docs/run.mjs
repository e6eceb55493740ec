// SPDX-License-Identifier: Apache-2.0
/*
 * Runs every command and every JSON example of the documents. What the marks mean, and what a block finds
 * around it, is said in README.md beside this file.
 *
 *   node tests/docs/run.mjs [FILE ...]
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";

import { parse as parseYaml } from "yaml";

import { duplicateMember, schemaFault } from "../http/contract.mjs";
import { BINARY, fermata, PASSWORD, ROOT, Server } from "../http/server.mjs";
import { blocksOf, fits } from "./blocks.mjs";
import { BUILT, freePort, makeRepository, plainEnv, saying, showTree, startBash, warm } from "./place.mjs";

const WITHIN_MS = 120_000;
const GUIDES = readdirSync(join(ROOT, "docs/guide")).filter((name) => name.endsWith(".md")).sort();
const FILES = ["README.md", ...GUIDES.map((name) => `docs/guide/${name}`), "sdk/python/README.md", "examples/support-agent/README.md"];
const POLICY = readFileSync(join(ROOT, "examples/policy.yaml"), "utf8").replace("undo: 5s", "undo: 0s");
const PROGRAMS = { python: ["python3", "program.py"], javascript: ["node", "program.mjs"] };

/* A callback to an address that no callback may go to: it is given up at once. */
const DEAD_LETTER = `key=$(fermata agent add gone-agent --owner lena --host localhost --json | grep -oE 'fka_[A-Za-z0-9_-]{43}')
  call() { curl -sSf -H "Authorization: Bearer $key" -H 'Content-Type: application/json' -d "$2" "http://127.0.0.1:$PORT/v1/proposals$1"; }
  body='{"action": "note.write", "arguments": {}, "callback": {"url": "https://localhost/"}}'
  call "/$(call '' "$body" | grep -oE 'prp_[0-9A-Z]{26}' | head -n 1)/withdraw" '{}'
  until fermata webhook list --status dead --json | grep -q evt_; do sleep 0.1; done`;

/* For bash: the first id of that kind in what a command lists. */
const newestOf = (command, kind) => `$(fermata ${command} --json | grep -oE '${kind}_[0-9A-Z]{26}' | head -n 1)`;

/* A refund whose brief has what examples/policy.yaml asks for. */
const refundOf = (amount) => ({
  action: "refund.issue",
  arguments: { order_id: `W${amount}`, amount, currency: "EUR" },
  brief: {
    summary: `Refund ${amount} EUR`, request: "It arrived broken.", reasoning: "The photo shows it.",
    evidence: [{ title: "Order", text: "delivered" }], options: [{ title: "Refund" }, { title: "Replace" }],
  },
});

const totals = { passed: 0, failed: 0, skipped: 0 };

function tell(ok, what, why = "") {
  totals[ok ? "passed" : "failed"] += 1;
  if (!ok) {
    console.log(`\nFAILED ${what}\n${why}\n`);
  }
}

/* One document on its way: its folder, its server, and what its blocks have left behind. */
class Document {
  constructor(file, blocks) {
    this.file = file;
    this.blocks = blocks;
    this.folder = mkdtempSync(join(tmpdir(), "fermata-docs-"));
    this.background = [];
    this.commandStandIns = [["pau_...", newestOf("pause list", "pau")], ["evt_...", newestOf("webhook list", "evt")]];
    this.before = null; // what the last block printed
    this.startsItself = blocks.some(({ language, mark }) => language === "sh" && mark === "until");
    this.clones = blocks.some(({ mark, text }) => mark !== "skip" && text.includes("git clone fermata.git"));
  }

  async open() {
    if (this.clones) {
      makeRepository(this.folder);
    } else {
      showTree(this.folder);
    }
    mkdirSync(join(this.folder, "home"));
    const address = this.startsItself ? `http://127.0.0.1:${await freePort()}` : await this.#serve();
    this.url = address;
    this.env = plainEnv({
      PATH: `${BUILT}:${process.env.PATH}`,
      HOME: join(this.folder, "home"),
      PORT: new URL(address).port,
      PACE: "0.05",
      YES: "1",
      PYTHONDONTWRITEBYTECODE: "1",
      ...(this.server && { FERMATA_URL: address, FERMATA_KEY: this.bot.secret, FERMATA_DATA: this.server.data }),
    });
    this.standIns = [
      ["http://127.0.0.1:8600", address],
      ["127.0.0.1:8600", new URL(address).host],
      ["https://fermata.example", address],
      ["/var/lib/fermata", join(this.folder, "var-lib-fermata")],
      ["/backup/", join(this.folder, "backup") + "/"],
      ...(this.server ? [["--data DIR", `--data ${this.server.data}`], [/prp_01M8\.\.\./g, this.example]] : []),
      ...(this.tokens ? this.#policyStandIns() : []),
    ];
    mkdirSync(join(this.folder, "backup"));
    writeFileSync(join(this.folder, ".state"), `cd ${JSON.stringify(this.folder)}\n`);
  }

  async #serve() {
    this.server = new Server({ policy: POLICY });
    await this.server.start();
    this.you = await this.server.person("you", ["reviewer", "lead", "admin", "auditor"]);
    await this.server.addPerson("ana", ["reviewer"]);
    this.bot = await this.server.agent("docs-agent", { owner: "you" });
    this.example = await this.#decided();
    this.commandStandIns = [
      ...this.commandStandIns,
      ["prp_...", this.example],
      ["fkr_...", (await this.server.token("you")).secret],
    ];
    if (this.blocks.some(({ text }) => text.includes("fkr_PETRA..."))) {
      await this.#proposers();
      await this.#past();
    }
    return this.server.url;
  }

  /* Two people who own the policy, for documents in which it is changed. */
  async #proposers() {
    this.tokens = {};
    for (const name of ["PETRA", "MAX"]) {
      await this.server.addPerson(name.toLowerCase(), ["policy"]);
      this.tokens[name] = (await this.server.token(name.toLowerCase())).secret;
    }
  }

  #policyStandIns() {
    return [
      ["fkr_PETRA...", this.tokens.PETRA],
      ["fkr_MAX...", this.tokens.MAX],
      ["pol_01KB...", newestOf("policy list", "pol")],
      ["--data fermata-data", `--data ${this.server.data}`],
    ];
  }

  /* What a backtest replays: tags that went on, and refunds that people decided: two wrong, three large. */
  async #past() {
    for (let ticket = 1; ticket <= 5; ticket += 1) {
      await this.bot.post("/v1/proposals", { action: "ticket.tag", arguments: { ticket_id: `${ticket}`, tags: ["refund"] } });
    }
    for (const amount of [20, 30, 40, 50, 60, 70, 80, 600, 700, 800]) {
      const { body } = await this.bot.post("/v1/proposals", refundOf(amount));
      const wrong = amount === 30 || amount === 50;
      await this.you.post(`/v1/proposals/${body.id}/decision`, {
        verdict: wrong ? "reject" : "approve", digest: body.digest, ...(wrong && { reason: "Not broken" }),
      });
    }
  }

  /* A proposal that was approved and whose decision is signed, for documents that speak of one: its id. */
  async #decided() {
    const { body } = await this.bot.post("/v1/proposals", { action: "note.write", arguments: { text: "Hello" } });
    const path = `/v1/proposals/${body.id}/decision`;
    const decided = await this.you.post(path, { verdict: "approve", digest: body.digest });
    const wanted = decided.body.decision.log.index;
    for (let size = 0; size <= wanted; ) {
      const { text } = await this.server.public.get("/log/checkpoint"); // a new one each second
      size = Number(text.split("\n")[1] ?? 0) || 0;
    }
    return body.id;
  }

  async close() {
    for (const run of this.background.reverse()) {
      await run.end();
    }
    await this.server?.remove();
    rmSync(this.folder, { recursive: true, force: true });
  }

  withStandIns(text) {
    return this.standIns.reduce((all, [from, to]) => all.replaceAll(from, to), text);
  }

  /* Bash that goes on where the last block ended, and keeps where this one ends. */
  script(text) {
    const state = JSON.stringify(join(this.folder, ".state"));
    return [
      `source ${state}`,
      `fermata() { command fermata "$@" <<<${JSON.stringify(PASSWORD)}; }`,
      `trap '{ export -p; printf "cd %q\\n" "$PWD"; } > ${state}' EXIT`,
      text,
    ].join("\n");
  }

  /* Where blocks are at the moment. */
  get here() {
    const [, quoted] = /(?:^|\n)cd ([^\n]*)\n$/.exec(readFileSync(join(this.folder, ".state"), "utf8"));
    return quoted.replace(/^"|"$/g, "").replace(/\\(.)/g, "$1");
  }

  start(text) {
    return startBash(this.script(text), { cwd: this.folder, env: this.env });
  }

  /* A reviewer who approves whatever is held, until the block ends. */
  async approveUntil(ended) {
    const you = this.you ?? (this.you = await this.#visitor());
    const stream = await you.stream();
    let over = false;
    ended.then(() => ((over = true), stream.close()));
    while (!over) {
      const { body } = await you.get("/v1/inbox?limit=200");
      for (const { id, digest } of body.items ?? []) {
        await you.post(`/v1/proposals/${id}/decision`, { verdict: "approve", digest }); // refused: it was decided
      }
      await Promise.race([stream.next().catch(() => undefined), ended]);
    }
  }

  /* The visitor of a server that a block has started: signed in as the sample says. */
  async #visitor() {
    const sample = readFileSync(join(this.here, "fermata-data/sample.env"), "utf8");
    const [, password] = /^PASSWORD=(.*)$/m.exec(sample);
    return Server.at(this.url).signIn("you", password);
  }

  /* Runs a command to its end: {code, out, said}. */
  async run(text, { mark }) {
    const run = this.start(text);
    const timer = setTimeout(() => run.end(1000), WITHIN_MS);
    const approver = mark === "approving" ? this.approveUntil(run.ended) : null;
    const code = await run.ended;
    clearTimeout(timer);
    await approver;
    return { code, out: run.out, said: run.said };
  }
}

/* --- what becomes of a block, by its language --------------------------------------------------------- */

/* What a receiver of callbacks finds: a port of its own, its secret, the SDK as if it were installed. */
const RECEIVER = `PORT=0 FERMATA_WEBHOOK_SECRET=whsec_${"A".repeat(32)} PYTHONPATH=${join(ROOT, "sdk/python/src")} `;

/* Writes it beside what blocks have made; the command that runs it. */
function writeProgram(doc, language, text, before = "") {
  const [program, file] = PROGRAMS[language];
  writeFileSync(join(doc.here, file), text);
  return `${before}${program} ${file}`;
}

async function runBlock(doc, block) {
  const text = doc.commandStandIns.reduce((all, [from, to]) => all.replaceAll(from, to), doc.withStandIns(block.text));
  if (block.mark === "until") {
    const run = doc.start(PROGRAMS[block.language] ? writeProgram(doc, block.language, text, RECEIVER) : text);
    doc.background.push(run);
    await saying(run, new RegExp(block.argument.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")), WITHIN_MS);
    return null;
  }
  if (block.text.includes("evt_...")) {
    const made = await doc.run(DEAD_LETTER, block);
    if (made.code !== 0) {
      return `there is no dead letter: ${made.said}`;
    }
  }
  const command = PROGRAMS[block.language] ? writeProgram(doc, block.language, text) : text;
  const { code, out, said } = await doc.run(command, block);
  doc.before = out;
  if (doc.clones && text.includes("git clone fermata.git")) {
    warm(join(doc.folder, "fermata"));
  }
  const wanted = block.mark === "fails" ? Number(block.argument) : 0;
  return code === wanted ? null : `exit code ${code}, expected ${wanted}:\n${said}`;
}

function checkOutput(doc, { text }) {
  if (doc.before === null) {
    return "no block before it printed anything";
  }
  return fits(doc.before, doc.withStandIns(text)) ? null : `printed:\n${doc.before}\nthe document shows:\n${text}`;
}

function checkJson(doc, { text, mark, argument }) {
  const double = duplicateMember(text);
  if (double) {
    return `the member ${double} is there twice`;
  }
  const value = JSON.parse(text);
  return mark === "as" ? schemaFault(argument, value) : null;
}

async function checkYaml(doc, { text }) {
  parseYaml(text);
  if (!/^version: 1$/m.test(text)) {
    return null;
  }
  const file = join(doc.folder, "checked.yaml");
  writeFileSync(file, text);
  const { code, stdout, stderr } = await fermata(["policy", "check", file]);
  return code === 0 ? null : stdout + stderr;
}

const CHECKS = { sh: runBlock, python: runBlock, javascript: runBlock, json: checkJson, yaml: checkYaml };

async function checkBlock(doc, block) {
  if (block.mark === "file") {
    writeFileSync(join(doc.here, block.argument), doc.withStandIns(block.text) + "\n");
  }
  if (block.mark === "output") {
    return checkOutput(doc, block);
  }
  const check = CHECKS[block.language];
  return check ? check(doc, block) : null;
}

async function checkFile(file) {
  const blocks = blocksOf(readFileSync(resolve(ROOT, file), "utf8"), file);
  const doc = new Document(file, blocks);
  const begun = Date.now();
  let count = 0;
  try {
    await doc.open();
    for (const block of blocks) {
      const what = `${file}:${block.line} (${block.language || "plain"})`;
      if (block.mark === "skip") {
        totals.skipped += 1;
        console.log(`skipped: ${what}: ${block.argument}`);
      } else if (CHECKS[block.language] || block.mark === "output") {
        const fault = await checkBlock(doc, block).catch((error) => error.message);
        tell(!fault, what, fault ?? "");
        count += 1;
      }
    }
  } finally {
    await doc.close();
  }
  console.log(`${file}: ${count} blocks, ${((Date.now() - begun) / 1000).toFixed(1)} s`);
}

if (!existsSync(BINARY) || basename(BINARY) !== "fermata") {
  throw new Error(`there is no ${BINARY}: run make`);
}
for (const file of process.argv.length > 2 ? process.argv.slice(2) : FILES) {
  await checkFile(file).catch((error) => tell(false, file, error.stack));
}
console.log(`${totals.skipped} skipped, each with its reason in the document`);
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0;
