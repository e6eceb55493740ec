// SPDX-License-Identifier: Apache-2.0
// The sample policies: each loads without a warning, its own tests pass, and each rule and budget is seen
// to match in one of them. Run: node tests/examples/policies.mjs
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const FERMATA = process.env.FERMATA_BIN ?? join(ROOT, "build/fermata");
const FOLDER = join(ROOT, "examples/policies");
const WHOLE = ["airline", "customer-support", "devops", "healthcare", "payments", "publishing", "retail"];

let passed = 0;
let failed = 0;

function expect(what, holds, why) {
  if (holds) {
    passed++;
    return;
  }
  failed++;
  console.log(`FAILED ${what}: ${why}`);
}

/* {code, text}: of both streams. */
function run(...words) {
  try {
    return { code: 0, text: execFileSync(FERMATA, words, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }) };
  } catch (error) {
    return { code: error.status, text: `${error.stdout}${error.stderr}` };
  }
}

/* The ids under `rules` and `budgets`. */
function idsOf(text) {
  const sections = text.split(/^(?=\S)/m).filter((section) => /^(rules|budgets):/.test(section));
  return sections.flatMap((section) => [...section.matchAll(/^\s*- \{?\s*id: ([a-z0-9-]+)/gm)].map(([, id]) => id));
}

function examine(file) {
  const path = join(FOLDER, file);
  const checked = run("policy", "check", path);
  expect(`${file} loads`, checked.code === 0, checked.text);
  expect(`${file} has no warnings`, !/warning:/.test(checked.text), checked.text);
  const tested = run("policy", "test", path, "--json");
  expect(`${file} passes its tests`, tested.code === 0, tested.text.slice(0, 4000));
  if (tested.code !== 0 || !WHOLE.includes(file.replace(/\.yaml$/, ""))) {
    return;
  }
  const text = readFileSync(path, "utf8");
  const { tests } = JSON.parse(tested.text);
  const matched = new Set(tests.flatMap(({ reasons }) => reasons.map(({ rule }) => rule)));
  const ids = idsOf(text);
  expect(`${file} has rules and tests`, ids.length >= 8 && tests.length >= 12, `${ids.length}, ${tests.length}`);
  for (const id of ids) {
    expect(`${file}: ${id} is tested`, matched.has(id), "no test lets it match");
  }
  expect(`${file} gives five seconds to undo`, /^ {2}undo: 5s/m.test(text), "defaults.undo");
}

const files = readdirSync(FOLDER).filter((name) => name.endsWith(".yaml"));
for (const name of WHOLE) {
  expect(`${name}.yaml is there`, files.includes(`${name}.yaml`), files.join(", "));
}
files.forEach(examine);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
