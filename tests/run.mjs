// SPDX-License-Identifier: Apache-2.0
/*
 * Runs the tests of the folders that are named (`node run.mjs http`), or of one file
 * (`node run.mjs http/permits`), each file in a process of its own, as many at once as there are cores;
 * tells what failed, and ends with `N passed, N failed`.
 *
 *   node run.mjs [FOLDER | FOLDER/FILE ...] [--only PATTERN] [--slow]
 *
 * --only runs the tests whose names match; --slow lists the ten slowest.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { run } from "node:test";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const HERE = dirname(fileURLToPath(import.meta.url));
const FILE_WITHIN_MS = 300_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: "string" }, slow: { type: "boolean" } },
});
const wanted = positionals.length > 0 ? positionals : ["http"];
const files = wanted.flatMap((each) => {
  const [folder, file] = each.split("/");
  return readdirSync(join(HERE, folder))
    .filter((name) => (file ? name === `${file}.test.mjs` : name.endsWith(".test.mjs")))
    .map((name) => join(HERE, folder, name));
});

const totals = { passed: 0, failed: 0, skipped: 0 };
const times = [];

/* The innermost of what a test threw: what the reader wants first. */
function reasonOf(error) {
  const cause = error?.cause ?? error;
  return cause?.stack ?? cause?.message ?? String(cause);
}

function isWholeFile(event) {
  return event.nesting === 0 && files.includes(event.name);
}

function count(event, ended) {
  if (event.details.type === "suite" || event.todo !== undefined) {
    return;
  }
  if (event.skip !== undefined) {
    totals.skipped += 1;
    console.log(`skipped: ${event.name}${typeof event.skip === "string" ? `: ${event.skip}` : ""}`);
  } else if (ended === "passed") {
    totals.passed += isWholeFile(event) ? 0 : 1;
    times.push({ name: event.name, ms: event.details.duration_ms, file: basename(event.file ?? "") });
  } else if (event.details.error?.failureType !== "subtestsFailed") {
    totals.failed += 1;
    console.log(`\nFAILED ${basename(event.file ?? event.name)}: ${event.name}\n${reasonOf(event.details.error)}\n`);
  }
}

/* A folder may want to look back at a whole run: its seen.mjs tells what no test has met. */
const lookBack = values.only ? [] : wanted.filter((each) => existsSync(join(HERE, each, "seen.mjs")));
const seenFolder = mkdtempSync(join(tmpdir(), "fermata-seen-"));
if (lookBack.length > 0) {
  process.env.FERMATA_SEEN = seenFolder;
}

async function tellUnseen() {
  delete process.env.FERMATA_SEEN; // this process has nothing to tell
  for (const folder of lookBack) {
    const { unseen } = await import(join(HERE, folder, "seen.mjs"));
    for (const each of unseen(seenFolder)) {
      totals.failed += 1;
      console.log(`FAILED ${folder}: no test has met: ${each}`);
    }
  }
  rmSync(seenFolder, { recursive: true, force: true });
}

const stream = run({
  files,
  concurrency: availableParallelism(),
  timeout: FILE_WITHIN_MS,
  ...(values.only && { testNamePatterns: new RegExp(values.only) }),
});
stream.on("test:pass", (event) => count(event, "passed"));
stream.on("test:fail", (event) => count(event, "failed"));
stream.on("test:stderr", ({ message }) => process.stderr.write(message));
stream.on("test:stdout", ({ message }) => process.stdout.write(message));

const begun = Date.now();
stream.on("end", async () => {
  await tellUnseen();
  if (values.slow) {
    for (const { name, ms, file } of times.sort((a, b) => b.ms - a.ms).slice(0, 10)) {
      console.log(`${Math.round(ms)} ms  ${file}: ${name}`);
    }
  }
  console.log(
    `${wanted.join(", ")}: ${files.length} files, ${((Date.now() - begun) / 1000).toFixed(1)} s, ${totals.skipped} skipped`,
  );
  console.log(`${totals.passed} passed, ${totals.failed} failed`);
  process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0;
});
stream.resume();
