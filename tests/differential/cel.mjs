// SPDX-License-Identifier: Apache-2.0
//
// CEL of the product beside two implementations in JavaScript, on generated expressions. A difference must
// be explained by a rule of rules.mjs, or the test fails.
//
//   node tests/differential/cel.mjs [--count N] [--seed S] [--full] [--show N]
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { makeExpression, VARIABLES } from "./generate.mjs";
import { implementations } from "./implementations.mjs";
import { explain } from "./rules.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const binary = process.env.FERMATA_BIN ?? join(root, "build/fermata");

const { values: options } = parseArgs({
  options: {
    count: { type: "string", default: "3000" },
    seed: { type: "string", default: "1" },
    full: { type: "boolean", default: false },
    show: { type: "string", default: "20" },
  },
});

// What ours says, one line each: {text, ...}, {error, ...} or {findings, ...}.
function evaluateOurs(expressions) {
  const folder = mkdtempSync(join(tmpdir(), "fermata-cel-"));
  const file = join(folder, "variables.json");
  writeFileSync(file, JSON.stringify(VARIABLES));
  const child = spawnSync(binary, ["cel", "eval", "--lines", "--vars", file], {
    input: `${expressions.map((one) => one.text.replaceAll("\n", " ")).join("\n")}\n`, maxBuffer: 1 << 30,
  });
  rmSync(folder, { recursive: true });
  const lines = child.stdout.toString().trimEnd().split("\n");
  if (child.status !== 0 || lines.length !== expressions.length) {
    throw new Error(`${binary}: ${lines.length} answers to ${expressions.length}: ${child.stderr}${child.error ?? ""}`);
  }
  return lines.map((line) => JSON.parse(line));
}

function ourText(answer) {
  if (answer.findings) return `error: ${answer.findings[0].message}`;
  return answer.error === undefined ? answer.text : `error: ${answer.error}`;
}

// Numbers of JSON are shown without ".0", and entries of maps may come in another order.
function same(ours, theirs) {
  if (ours.startsWith("error: ") || theirs.startsWith("error: ")) {
    return ours.startsWith("error: ") && theirs.startsWith("error: ");
  }
  return ours === theirs || ours.replaceAll(/(\d)\.0\b/g, "$1") === theirs.replaceAll(/(\d)\.0\b/g, "$1");
}

// One more expression, for a rule that asks.
function evaluate(text) {
  return ourText(evaluateOurs([{ text }])[0]);
}

const count = options.full ? 100000 : Number(options.count);
const first = Number(options.seed) * 1000003;
const expressions = Array.from({ length: count }, (_, i) => makeExpression(first + i));
const answers = evaluateOurs(expressions);
const tally = new Map(); // "implementation: rule" -> {count, example}
let passed = 0, failed = 0, errors = 0;

expressions.forEach((expression, i) => {
  const ours = ourText(answers[i]);
  let good = true;
  errors += ours.startsWith("error: ");
  for (const implementation of implementations) {
    const theirs = implementation.evaluate(expression.text);
    if (same(ours, theirs)) continue;
    const rule = explain({ expression, ours, theirs, implementation, same, evaluate });
    const key = `${implementation.name}: ${rule ?? "UNEXPLAINED"}`;
    const row = tally.get(key) ?? { count: 0, example: `${expression.text}\n      ours   ${ours}\n      theirs ${theirs}` };
    row.count++;
    tally.set(key, row);
    if (!rule) {
      good = false;
      if (failed < Number(options.show)) {
        console.log(`${implementation.name} differs (seed ${expression.seed}): ${expression.text}\n  ours   ${ours}\n  theirs ${theirs}`);
      }
    }
  }
  passed += good;
  failed += !good;
});

console.log(`${count} expressions, ${errors} of them errors in ours`);
for (const [key, row] of [...tally].sort()) {
  console.log(`${String(row.count).padStart(7)}  ${key}`);
  if (options.full) console.log(`      ${row.example}`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
