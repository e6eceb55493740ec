// SPDX-License-Identifier: Apache-2.0
// The parts of the benchmark. Each starts its own servers, measures, stops them, and answers with
// plain data; tables and bars are made of that in report.mjs. What is compared runs in turns
// (A B A B, then B A B A), so that a slow minute of the machine meets both sides.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { load, park, problems } from './load.mjs';
import { folderBytes, memoryOf, openFilesMax, settledMemoryOf } from './machine.mjs';
import { Server } from './servers.mjs';
import { median, summary } from './statistics.mjs';

const BARELOOP = resolve(import.meta.dirname, '../../build/bench/bareloop');
const MODES = ['auto', 'submit', 'decide', 'cycle'];
const AGENTS = [1, 16, 64, 256];
const GROUPS = [64, 256];
const KEEPALIVE_CLIENTS = [127, 128, 129, 256, 384];
const RELEASED = 100;          // parked agents whose proposals are decided at the end
const CHECKED = 200;           // proposals read back after a kill -9
const exec = promisify(execFile);

/** Call work with a running server for each kind, in folders of their own, and stop them. */
async function withServers(context, part, kinds, work) {
  const servers = kinds.map((kind) => new Server(kind, join(context.dir, part)));
  for (const server of servers) await server.startWithPeople(context.profile.keys);
  const result = await work(servers);
  for (const server of servers) await server.stop();
  if (!context.keep) rmSync(join(context.dir, part), { recursive: true });
  return result;
}

const inTurns = (items, round) => (round % 2 ? [...items].reverse() : items);
const timing = ({ seconds, warmup }) => ({ seconds, warmup });

/** Auto-approvals, submits, decisions and full cycles per second at 1 to 256 agents. */
export async function rates(context) {
  const { profile, kinds, say } = context;
  return withServers(context, 'rates', kinds, async (servers) => {
    const runs = {};
    const one = async (server, mode, agents) => {
      const tickets = join(server.dir, `../${server.name}.tickets`);
      const files = { submit: { save: tickets }, decide: { load: tickets } }[mode] ?? {};
      const result = await load(server, mode, { agents, ...timing(profile), ...files });
      (runs[`${mode} ${agents} ${server.name}`] ??= []).push(result);
    };
    for (let round = 0; round < profile.rounds; round++) {
      for (const agents of AGENTS) {
        say(`rates: round ${round + 1} of ${profile.rounds}, ${agents} agents`);
        for (const mode of MODES) {
          for (const server of inTurns(servers, round)) await one(server, mode, agents);
        }
      }
    }
    return Object.entries(runs).map(([key, list]) => {
      const [mode, agents, server] = key.split(' ');
      return { mode, agents: Number(agents), server, ...summary(list) };
    });
  });
}

async function bareLoop(dir, rows, group) {
  mkdirSync(dir, { recursive: true });
  const args = ['--dir', dir, '--rows', String(rows), '--group', String(group)];
  const { stdout } = await exec(BARELOOP, args);
  rmSync(dir, { recursive: true });
  return JSON.parse(stdout).rate;
}

/** Auto-approvals against the bare loop: the same rows in groups of the same size, no server. */
export async function bare(context) {
  const { profile, kinds, say } = context;
  const fermata = kinds.filter((kind) => kind.name === 'fermata');
  if (fermata.length === 0) return null;
  if (!existsSync(BARELOOP)) {
    say(`bare: ${BARELOOP} is missing, so nothing is compared with it`);
    return null;
  }
  return withServers(context, 'bare', fermata, async ([server]) => {
    const rows = [];
    for (const group of GROUPS) {
      const sides = { bare: [], server: [] };
      const options = { agents: group, ...timing(profile) };
      const measure = {
        bare: () => bareLoop(join(context.dir, 'bareloop'), profile.bareRows, group),
        server: async () => (await load(server, 'auto', options)).rate,
      };
      for (let round = 0; round < profile.bareRounds; round++) {
        say(`bare: group of ${group}, round ${round + 1} of ${profile.bareRounds}`);
        for (const side of inTurns(['bare', 'server'], round)) {
          sides[side].push(await measure[side]());
        }
      }
      rows.push({ group, bare: median(sides.bare), server: median(sides.server),
        ratio: median(sides.bare.map((rate, i) => sides.server[i] / rate)), sides });
    }
    return rows;
  });
}

/** The server's own time from the return of COMMIT to that of send, beside the client's view. */
export async function commit(context) {
  const { profile, kinds, say } = context;
  const fermata = kinds.filter((kind) => kind.name === 'fermata');
  if (fermata.length === 0) return null;
  return withServers(context, 'commit', fermata, async ([server]) => {
    say('commit: cycle at 16 agents'); // the one kind of load in which an agent waits
    await server.get('/debug/commit-to-send?reset=1', server.token);
    const seen = await load(server, 'cycle', { agents: 16, ...timing(profile) });
    const { status, body } = await server.get('/debug/commit-to-send', server.token);
    if (status !== 200) {
      say(`commit: GET /debug/commit-to-send answers ${status}: not measured`);
      return null;
    }
    return [{ mode: 'cycle', server: body, client: seen.latency_us.cycle, rate: seen.rate }];
  });
}

async function others(server, tickets, profile) {
  const options = { agents: 64, ...timing(profile) };
  const get = await load(server, 'get', { ...options, load: tickets });
  const auto = await load(server, 'auto', options);
  return { get: get.rate, auto: auto.rate };
}

/** The memory that parked waits add, measured before the server has had any other load. */
async function parkedMemory(server, options) {
  const before = await settledMemoryOf(server.pid);
  const start = performance.now();
  const waiting = await park(server, options);
  const parkMs = performance.now() - start;
  const during = await settledMemoryOf(server.pid);
  await waiting.release();
  return { before, during, parkMs,
    cost: { rss: during.rss - before.rss, anonymous: during.anonymous - before.anonymous } };
}

/** In the last round some of the parked are decided, to see that they are answered. */
async function releaseAnswered(server, waiting, tickets) {
  await load(server, 'decide', { agents: 4, count: RELEASED, load: tickets });
  const { released } = await waiting.release();
  if (released !== RELEASED) {
    problems.push(`${server.name}: ${released} of ${RELEASED} decided parked agents were answered`);
  }
}

/** What parked waits cost: memory, and the rate of everybody else. */
async function parkedOn(server, context) {
  const { profile, say } = context;
  const agents = Math.min(profile.parked, openFilesMax() - 1000);
  const tickets = join(server.dir, `../${server.name}.tickets`);
  await load(server, 'submit', { agents: 64, count: agents, save: tickets });
  const memory = await parkedMemory(server, { agents, load: tickets });
  await others(server, tickets, profile);
  const without = [];
  const during = [];
  for (let round = 0; round < profile.parkRounds; round++) {
    say(`parked: ${server.name}, round ${round + 1} of ${profile.parkRounds}`);
    await settledMemoryOf(server.pid);
    without.push(await others(server, tickets, profile));
    const waiting = await park(server, { agents, load: tickets });
    await settledMemoryOf(server.pid);
    during.push(await others(server, tickets, profile));
    if (round < profile.parkRounds - 1) await waiting.release();
    else await releaseAnswered(server, waiting, tickets);
  }
  await settledMemoryOf(server.pid);
  without.push(await others(server, tickets, profile));
  return { server: server.name, agents, ...memory, ...ratesLost(without, during) };
}

function ratesLost(without, during) {
  const rate = (list, mode) => median(list.map((item) => item[mode]));
  return Object.fromEntries(['get', 'auto'].map((mode) => {
    const [free, loaded] = [rate(without, mode), rate(during, mode)];
    return [mode, { without: free, with: loaded, lost: 1 - loaded / free }];
  }));
}

export async function parked(context) {
  return withServers(context, 'parked', context.kinds, async (servers) => {
    const rows = [];
    for (const server of servers) rows.push(await parkedOn(server, context));
    return rows;
  });
}

const readTicket = (server, ticket) =>
  server.get(`/v1/proposals/${ticket.id}`, server.keys[ticket.key]);

/** Start a stopped server: milliseconds until it listens, is healthy, and answers a proposal. */
async function timedStart(server, ticket) {
  const listening = await server.start();
  const health = await server.get('/healthz');
  const healthy = performance.now() - server.spawnedAt;
  const answer = await readTicket(server, ticket);
  const answered = performance.now() - server.spawnedAt;
  if (health.status !== 200) problems.push(`${server.name}: /healthz answers ${health.status}`);
  checkTicket(server, ticket, answer);
  return { listening, healthy, answered };
}

function checkTicket(server, ticket, { status, body }) {
  if (status === 200 && body.digest === ticket.digest && body.status === 'pending') return;
  const read = `${status} ${body.status}`;
  problems.push(`${server.name}: the acknowledged proposal ${ticket.id} reads ${read}`);
}

function readTickets(path) {
  return readFileSync(path, 'utf8').trim().split('\n').map((line) => {
    const [id, digest, key] = line.split(' ');
    return { id, digest, key: Number(key) };
  });
}

/** Stop by the signal and start again, several times; the medians. */
async function restarts(server, signal, tickets, times) {
  const list = [];
  for (let i = 0; i < times; i++) {
    await server.stop(signal);
    list.push(await timedStart(server, tickets[i]));
  }
  for (const ticket of signal === 'SIGKILL' ? tickets.slice(-CHECKED) : []) {
    checkTicket(server, ticket, await readTicket(server, ticket));
  }
  const names = Object.keys(list[0]);
  return Object.fromEntries(names.map((name) => [name, median(list.map((item) => item[name]))]));
}

async function inboxMs(server) {
  const times = [];
  for (let i = 0; i < 20; i++) {
    const start = performance.now();
    const { status, body } = await server.get('/v1/inbox', server.token);
    times.push(performance.now() - start);
    if (status !== 200 || body.items.length === 0) {
      problems.push(`${server.name}: the inbox answers ${status} and is empty`);
    }
  }
  return median(times);
}

async function pendingOn(server, context) {
  const { profile, say } = context;
  const count = profile.pending[server.name];
  const tickets = join(server.dir, `../${server.name}.tickets`);
  const startMs = performance.now() - server.spawnedAt;
  const idle = memoryOf(server.pid);
  await server.stop();
  const emptyBytes = folderBytes(server.dir);
  await server.start();
  say(`pending: ${server.name}, filling with ${count}`);
  const fill = await load(server, 'submit', { agents: 64, count, save: tickets });
  const full = memoryOf(server.pid);
  const inbox = await inboxMs(server);
  const cycle = await load(server, 'cycle', { agents: 64, ...timing(profile) });
  const list = readTickets(tickets);
  say(`pending: ${server.name}, restarts`);
  const afterTerm = await restarts(server, 'SIGTERM', list, profile.restarts);
  const afterKill = await restarts(server, 'SIGKILL', list, profile.restarts);
  const restarted = memoryOf(server.pid);
  await server.stop();
  const bytes = (folderBytes(server.dir) - emptyBytes) / (count + cycle.count);
  await server.start();
  return { server: server.name, count, startMs, idle, full, restarted, fillRate: fill.rate, inbox,
    cycleRate: cycle.rate, afterTerm, afterKill, bytes };
}

/** Many pending proposals: memory, restart, disk. */
export async function pending(context) {
  const kinds = context.kinds.filter((kind) => context.profile.pending[kind.name] > 0);
  return withServers(context, 'pending', kinds, async (servers) => {
    const rows = [];
    for (const server of servers) rows.push(await pendingOn(server, context));
    return rows;
  });
}

/** Keep-alive clients around the multiples of 128, where an event loop can stall. */
export async function keepalive(context) {
  const { profile, kinds, say } = context;
  return withServers(context, 'keepalive', kinds, async (servers) => {
    const rows = [];
    for (const server of servers) {
      const tickets = join(server.dir, `../${server.name}.tickets`);
      await load(server, 'submit', { agents: 64, count: 384, save: tickets });
      for (const agents of KEEPALIVE_CLIENTS) {
        say(`keepalive: ${server.name}, ${agents} clients`);
        const get = await load(server, 'get', { agents, load: tickets, ...timing(profile) });
        const auto = await load(server, 'auto', { agents, ...timing(profile) });
        rows.push({ server: server.name, agents, get: get.rate, auto: auto.rate,
          slowest: get.slowest, fastest: get.fastest, maxUs: get.latency_us.get?.max });
      }
    }
    return rows;
  });
}

export const parts = { rates, bare, commit, parked, pending, keepalive };
