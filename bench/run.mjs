// SPDX-License-Identifier: Apache-2.0
// The driver of `make bench`: measures Fermata beside a bare SQLite loop and a hand-written Node
// server in the same run, and prints tables and bars. See bench/README.md.
// Bars are timings on whatever machine this is: they are printed, and never fail the run. Errors,
// wrong answers and clients left without an answer do: exit status 1.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildLoad, problems } from './lib/load.mjs';
import { describeMachine } from './lib/machine.mjs';
import { parts } from './lib/parts.mjs';
import { makeBars, renderBars, renderTables } from './lib/report.mjs';
import { fermata, node } from './lib/servers.mjs';

const USAGE = `usage: node bench/run.mjs [--small | --full] [--part NAME] [--only SERVER] [options]
  --small          about a minute, one round: are all answers right, roughly how fast
  --full           five rounds of three seconds: what a claim needs
  --part NAME      one of ${Object.keys(parts).join(', ')} (may be repeated)
  --only SERVER    fermata or node alone
  --fermata PATH   another binary than build/fermata
  --dir DIR        where data folders are made (build/bench/run); must be on a real disk
  --json FILE      everything that was measured, as JSON
  --keep           leave the data folders`;

const PROFILES = {
  small: { rounds: 1, seconds: 0.5, warmup: 0.1, bareRounds: 3, bareRows: 20_000, parked: 10_000,
    parkRounds: 1, pending: { fermata: 100_000, node: 0 }, restarts: 1, keys: 16 },
  normal: { rounds: 3, seconds: 1, warmup: 0.2, bareRounds: 5, bareRows: 50_000, parked: 10_000,
    parkRounds: 2, pending: { fermata: 100_000, node: 100_000 }, restarts: 3, keys: 64 },
  full: { rounds: 5, seconds: 3, warmup: 0.5, bareRounds: 9, bareRows: 200_000, parked: 10_000,
    parkRounds: 3, pending: { fermata: 100_000, node: 100_000 }, restarts: 5, keys: 256 },
};

function usageError(message) {
  process.stderr.write(`bench: ${message}\n${USAGE}\n`);
  process.exit(2);
}

function parseArguments() {
  const { values } = parseArgs({ options: {
    small: { type: 'boolean' }, full: { type: 'boolean' }, help: { type: 'boolean' },
    part: { type: 'string', multiple: true, default: Object.keys(parts) },
    only: { type: 'string' }, fermata: { type: 'string' }, keep: { type: 'boolean' },
    dir: { type: 'string', default: resolve(import.meta.dirname, '../build/bench/run') },
    json: { type: 'string' } } });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  const unknown = values.part.find((name) => !parts[name]);
  if (unknown) usageError(`there is no part ${unknown}`);
  const { only } = values;
  if (only && !['fermata', 'node'].includes(only)) usageError(`there is no server ${only}`);
  if (values.fermata) fermata.binary = resolve(values.fermata);
  return values;
}

function describe(machine, name) {
  const { at, cores, cpu, memoryGiB, kernel, loadAverage, disk } = machine;
  return `Fermata benchmark (${name}), ${at}
  ${cores} cores ${cpu}, ${memoryGiB} GiB, Linux ${kernel}, Node ${machine.node}
  load average before: ${loadAverage.toFixed(2)}
  4 KiB append + fdatasync: ${disk.perSecond} per second, p50 ${disk.p50Ms} ms
  Load generator and servers share the cores. Compare within this run, never across runs.
`;
}

async function measure(context, names) {
  const results = {};
  for (const name of Object.keys(parts).filter((part) => names.includes(part))) {
    try {
      results[name] = await parts[name](context);
    } catch (error) {
      context.say(`the servers' logs and data are left in ${context.dir}`);
      throw error;
    }
  }
  return results;
}

async function main() {
  const values = parseArguments();
  const name = values.small ? 'small' : values.full ? 'full' : 'normal';
  const kinds = [fermata, node].filter((kind) => !values.only || values.only === kind.name);
  const dir = join(resolve(values.dir), String(process.pid));
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  buildLoad();
  for (const kind of kinds) await kind.prepare();
  const machine = describeMachine(dir);
  const say = (text) => process.stderr.write(`bench: ${text}\n`);
  const context = { profile: PROFILES[name], kinds, dir, keep: values.keep, say };
  const results = await measure(context, values.part);
  const bars = makeBars(results);
  console.log(describe(machine, name) + renderTables(results) + renderBars(bars));
  for (const problem of problems) console.log(`PROBLEM: ${problem}`);
  if (values.json) {
    const all = { machine, profile: name, results, bars, problems };
    writeFileSync(values.json, `${JSON.stringify(all, null, 1)}\n`);
  }
  if (!values.keep) rmSync(dir, { recursive: true });
  process.exitCode = problems.length > 0 ? 1 : 0;
}

main().catch((error) => {
  process.stderr.write(`bench: ${error.stack}\n`);
  process.exit(1);
});
