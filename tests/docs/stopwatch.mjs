// SPDX-License-Identifier: Apache-2.0
/*
 * The stopwatch: somebody who has never seen this follows the section "Five minutes" of README.md on a clean
 * machine, from cloning to the first held proposal decided. Every command, and every key, is copied out of
 * that text; each step may be explained by one line.
 *
 *   node tests/docs/stopwatch.mjs           the clone finds what was built before (in `make test`)
 *   node tests/docs/stopwatch.mjs --full    it builds all of it, npm packages included (make prove-stopwatch)
 *
 * Ends with steps and seconds, and `N passed, N failed`.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ROOT } from "../http/server.mjs";
import { startBrowser } from "../e2e/browser.mjs";
import { blocksOf } from "./blocks.mjs";
import { freePort, makeRepository, plainEnv, saying, startBash, warm } from "./place.mjs";

const FULL = process.argv.includes("--full");
const WITHIN_S = FULL ? 300 : 40; // five minutes are the title
const BUILD_WITHIN_MS = 900_000;
const STEP_MAX = 100; // characters: one line
const STEPS_MAX = 5;

/* The numbered steps of the section: {text, command}. Each is one line, with a command or without. */
function stepsOf(readme) {
  const [, section] = /\n## Five minutes\n([\s\S]*?)\n## /.exec(readme);
  const parts = section.split(/\n(?=\d+\. )/).slice(1);
  return parts.map((part) => {
    const text = /^\d+\. (.*)$/m.exec(part)[1];
    const commands = blocksOf(part, "README.md").filter(({ language }) => language === "sh");
    assert.ok(commands.length <= 1, `one command at most: ${text}`);
    return { text, command: commands[0]?.text ?? null };
  });
}

/* The keys that a step names, in order. */
const keysOf = ({ text }) => [...text.matchAll(/`(\w+)`/g)].map(([, key]) => key);

const folder = mkdtempSync(join(tmpdir(), "fermata-stopwatch-"));
const cleanups = [() => rmSync(folder, { recursive: true, force: true })];
const begun = performance.now();
const laps = [];
let paused = 0; // what a real machine would not do

function lap(step, what) {
  laps.push({ step: step.text, seconds: (performance.now() - begun - paused) / 1000 });
  console.log(`${laps.at(-1).seconds.toFixed(1).padStart(6)} s  ${laps.length}. ${step.text}  ->  ${what}`);
}

/* What somebody at the browser does: opens the link, presses the keys. Resolves with what was decided. */
async function decideInBrowser(link, open, keys) {
  const browser = await startBrowser({ after: (end) => cleanups.unshift(end) });
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(link);
  await page.waitForSelector(".row");
  lap(open, `signed in as ${(await page.locator(".who").innerText()).replace(/^Me:\s*/, "")}`);
  for (const key of keys) {
    if (key === keys.at(-1)) {
      await page.waitForFunction(() => document.querySelector(".verb-approve")?.getAttribute("aria-disabled") === "false");
    }
    await page.keyboard.press(key);
  }
  await page.waitForSelector(".held");
  return (await page.locator(".held").innerText()).split("\n")[0];
}

async function follow() {
  makeRepository(folder);
  mkdirSync(join(folder, "home"));
  const steps = stepsOf(readFileSync(join(ROOT, "README.md"), "utf8"));
  assert.ok(steps.length > 0 && steps.length <= STEPS_MAX, `${steps.length} steps`);
  for (const { text } of steps) {
    assert.ok(text.length <= STEP_MAX, `explained by one line: ${text}`);
  }
  const [get, start, open, decide] = steps;
  const env = plainEnv({ HOME: join(folder, "home"), PORT: `${await freePort()}`, PACE: "0.3", YES: "1", CI: "1" });
  paused = performance.now() - begun;

  const cloning = startBash(get.command.replace(/ && cd .*/, ""), { cwd: folder, env });
  assert.equal(await cloning.ended, 0, cloning.said);
  lap(get, "cloned");
  const clone = join(folder, /&& cd (\S+)/.exec(get.command)[1]);
  if (!FULL) {
    const since = performance.now();
    warm(clone);
    paused += performance.now() - since;
  }
  const running = startBash(start.command, { cwd: clone, env });
  cleanups.unshift(() => running.end());
  const [link] = await saying(running, /http:\/\/\S+\/#fkl_\S+/, BUILD_WITHIN_MS);
  lap(start, "a server, an agent, a link");
  const decided = await decideInBrowser(link, open, keysOf(decide));
  lap(decide, decided);
  assert.match(decided, /^Approved/i);
  const [said] = await saying(running, /you approved.*/, 30_000);
  console.log(`${((performance.now() - begun - paused) / 1000).toFixed(1).padStart(6)} s  and the agent went on: ${said}`);
  return steps;
}

let failed = 0;
try {
  const steps = await follow();
  const seconds = laps.at(-1).seconds;
  console.log(`${steps.length} steps, ${seconds.toFixed(1)} s${FULL ? "" : ", with what was built before"}`);
  assert.ok(seconds <= WITHIN_S, `${seconds.toFixed(1)} s; ${WITHIN_S} are the limit`);
} catch (error) {
  failed = 1;
  console.log(error.stack);
} finally {
  for (const cleanup of cleanups) {
    await cleanup();
  }
}
console.log(`${1 - failed} passed, ${failed} failed`);
process.exitCode = failed;
