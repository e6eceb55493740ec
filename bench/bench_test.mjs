// SPDX-License-Identifier: Apache-2.0
// Tests of the benchmark itself: does the load generator notice servers that misbehave, and do the
// bars say what was measured? Run: node bench/bench_test.mjs
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildLoad, load, park, problems } from './lib/load.mjs';
import { makeBars, renderBars, renderTables } from './lib/report.mjs';
import { median, spread, summary } from './lib/statistics.mjs';

const EVERY = 20;      // a misbehaving server fails at each 20th request
const COUNT = 400;
const dir = mkdtempSync(join(tmpdir(), 'bench-test-'));

/** A server whose answers are good until `change` spoils them; it may also take the answer over. */
async function withServer(change, work) {
  let number = 0;
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      number++;
      const fresh = `prp_${String(number).padStart(26, '0')}`;
      const id = /prp_\w{26}/.exec(request.url)?.[0] ?? fresh;
      const answer = { status: request.url.includes('prp_') ? 200 : 201,
        body: { id, status: 'approved', digest: `sha256:${'a'.repeat(64)}`, permit: 'eyJ' } };
      if (change(answer, number, { request, response })) return;
      const text = JSON.stringify(answer.body);
      response.writeHead(answer.status, { 'content-length': Buffer.byteLength(text) }).end(text);
    });
  });
  await new Promise((resolveListen) => { server.listen(0, '127.0.0.1', resolveListen); });
  const keysFile = join(dir, 'keys');
  writeFileSync(keysFile, 'fka_one\nfka_two\n');
  const { port } = server.address();
  const url = `http://127.0.0.1:${port}`;
  const result = await work({ name: 'test', url, keysFile, token: 'fkr_x', pid: process.pid });
  server.closeAllConnections();
  server.close();
  return result;
}

const each = (number) => number % EVERY === 0;
const answers = [
  { name: 'good answers are counted', change: () => false, want: { count: COUNT, errors: 0 } },
  { name: 'a 500 is an error', want: { errors: COUNT / EVERY, count: COUNT - COUNT / EVERY },
    change: (answer, number) => { if (each(number)) answer.status = 500; } },
  { name: 'an approval without permit is wrong', want: { wrong: COUNT / EVERY },
    change: (answer, number) => { if (each(number)) answer.body.permit = null; } },
  { name: 'pending is no approval', want: { wrong: COUNT / EVERY },
    change: (answer, number) => { if (each(number)) answer.body.status = 'pending'; } },
  { name: 'a closed connection is an error', want: { lost: COUNT / EVERY },
    change: (answer, number, { request }) => each(number) && request.socket.destroy() },
  { name: 'an answer in pieces is one answer', want: { count: COUNT, errors: 0 },
    change: ({ status, body }, number, { response }) => {
      const text = JSON.stringify(body);
      response.writeHead(status, { 'content-length': text.length });
      response.write(text.slice(0, 30));
      setImmediate(() => response.end(text.slice(30)));
      return true;
    } },
];

const reads = [
  { name: 'the proposal asked for is right', change: () => false, want: { errors: 0 } },
  { name: 'another proposal is wrong', want: { wrong: COUNT / EVERY },
    change: (answer, number) => { if (each(number)) answer.body.id = `prp_${'9'.repeat(26)}`; } },
];

function matches(result, want) {
  for (const [name, value] of Object.entries(want)) assert.equal(result[name], value, name);
}

const expectProblem = (want) => want.errors !== 0 && want.count !== COUNT;

async function loadCase(mode, { change, want }, options) {
  const before = problems.length;
  const result = await withServer(change, (server) =>
    load(server, mode, { agents: 8, count: COUNT, ...options }));
  matches(result, want);
  assert.equal(problems.length > before, expectProblem(want), 'problems');
}

async function silentServer() {
  const result = await withServer((answer, number) => number === 50, (server) =>
    load(server, 'auto', { agents: 4, seconds: 0.2, warmup: 0 }));
  matches(result, { unanswered: 1 });
}

async function parkedServer() {
  const tickets = join(dir, 'tickets');
  const report = await withServer((answer, number, { request, response }) => {
    answer.body.status = 'pending';
    return request.url.includes('wait=') && response.socket.unref() !== null;
  }, async (server) => (await park(server, { agents: 100, load: tickets })).release());
  matches(report, { parked: 100, errors: 0, released: 0, unserved: 0 });
}

function statisticsCase() {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.equal(median([]), undefined);
  assert.equal(spread([90, 100, 110]), 0.1);
  const run = (rate, p50) => ({ rate, server_cpu_us_per_op: 1, client_cpu_us_per_op: 1,
    latency_us: { auto: { p50, p90: 2, p99: 3 } } });
  assert.equal(summary([run(1, 5), run(3, 7), run(2, 6)]).latency.auto.p50, 6);
}

const cycle = (server, cpuUs) => ({ mode: 'cycle', agents: 64, server, cpuUs, rate: 1, spread: 0,
  latency: {} });

function barsCase() {
  const results = { bare: [{ group: 64, bare: 100, server: 71, ratio: 0.71 },
    { group: 256, bare: 100, server: 59, ratio: 0.59 }],
  rates: [cycle('fermata', 100), cycle('node', 301)] };
  const bars = makeBars(results);
  assert.deepEqual(bars.slice(0, 4).map((item) => item.reached), [true, false, true, true]);
  assert.ok(bars.slice(4).every((item) => item.reached === undefined), 'the rest is not measured');
  assert.match(renderBars(bars), /NOT reached[^]*not measured/);
  assert.match(renderTables(results), /group of 64/);
}

const ticket = `prp_${'0'.repeat(26)} sha256:${'a'.repeat(64)} 1\n`;
writeFileSync(join(dir, 'tickets'), ticket.repeat(100));
const cases = [
  ...answers.map((row) => [row.name, () => loadCase('auto', row)]),
  ...reads.map((row) => [row.name, () => loadCase('get', row, { load: join(dir, 'tickets') })]),
  ['a client without an answer is reported', silentServer],
  ['parked agents are counted and released', parkedServer],
  ['medians and spreads', statisticsCase],
  ['bars: reached, not reached, not measured', barsCase],
];

buildLoad();
let failed = 0;
for (const [name, work] of cases) {
  try {
    await work();
  } catch (error) {
    failed++;
    console.log(`FAILED ${name}: ${error.message}`);
  }
}
rmSync(dir, { recursive: true });
console.log(`${cases.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
