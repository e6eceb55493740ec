// SPDX-License-Identifier: Apache-2.0
// Runs the load generator (bench/load/) against a server. What it reports as an error, a wrong
// answer or a client without an answer is kept in `problems` and makes the benchmark fail.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = resolve(import.meta.dirname, '../..');
const SOURCES = join(ROOT, 'bench/load');
const BINARY = join(ROOT, 'build/bench/load');
const FAILURES = ['errors', 'wrong', 'unserved', 'unanswered'];

/** Everything that must not happen; one text each. */
export const problems = [];

/** Compile the load generator if it is missing or older than its source. */
export function buildLoad() {
  const files = readdirSync(SOURCES).map((name) => join(SOURCES, name));
  const newest = Math.max(...files.map((path) => statSync(path).mtimeMs));
  if (existsSync(BINARY) && statSync(BINARY).mtimeMs > newest) return;
  mkdirSync(dirname(BINARY), { recursive: true });
  const sources = files.filter((path) => path.endsWith('.c'));
  execFileSync('cc', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', BINARY, ...sources]);
}

function start(server, mode, options) {
  const args = [mode, '--json', '--url', server.url, '--keys', server.keysFile,
    '--token', server.token, '--pid', String(server.pid)];
  for (const [name, value] of Object.entries(options)) args.push(`--${name}`, String(value));
  return spawn(BINARY, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

function check(server, mode, result) {
  const what = `${server.name}: ${mode} with ${result.agents} clients`;
  for (const name of FAILURES) {
    if (result[name] > 0) problems.push(`${what}: ${name} ${result[name]}`);
  }
  return result;
}

/** Run a mode to its end; options are those of the load generator without the dashes. */
export async function load(server, mode, options) {
  const child = start(server, mode, options);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => { text += chunk; });
  const status = await new Promise((resolveExit) => { child.once('close', resolveExit); });
  if (status !== 0) throw new Error(`load ${mode} against ${server.name} ended with ${status}`);
  return check(server, mode, JSON.parse(text));
}

/** Park agents and answer when all are parked; release() ends it and answers its report. */
export async function park(server, options) {
  const child = start(server, 'park', options);
  const lines = [];
  const closed = new Promise((resolveExit) => { child.once('close', resolveExit); });
  await new Promise((resolveParked, reject) => {
    closed.then((status) => reject(new Error(`load park ended with ${status}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line);
      resolveParked();
    });
  });
  return {
    async release() {
      child.kill('SIGTERM');
      await closed;
      return check(server, 'park', JSON.parse(lines.at(-1)));
    },
  };
}
