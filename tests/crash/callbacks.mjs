// SPDX-License-Identifier: Apache-2.0
// Callbacks to a receiver that fails at random, with kill -9 on both sides: each arrives at least
// once, each signature verifies, and of one proposal a later event is not even tried before an
// earlier one was accepted.
//
//   node tests/crash/callbacks.mjs [--full] [--count N] [--seed N]
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Client,
  Score,
  Server,
  fermata,
  folder,
  need,
  options,
  pause,
  people,
  pool,
  query,
  random,
  verify,
} from './lib.mjs';

const COUNT = 200; // callbacks; two for each proposal
const FULL = 10_000;
const WIDTH = 32; // proposals at a time
const HOSTS = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5', '127.0.0.6'];
const KILL_MS = 1500; // at most, between two kills of one side
const KILLS_AT_REST = 3; // of each side, at least
const DONE_WITHIN_MS = 20 * 60_000;
const LOOK_MS = 200;

const POLICY = `version: 1
defaults: {then: review, queue: general, mode: glance, undo: 0s, decide_by: [token]}
actions: {}
unknown_actions: review
limits: {pending_per_agent: 1000000, proposals_per_minute: 1000000}
queues:
  general: {members: [role:reviewer]}
reasons: [other]
`;

/** The receiver as a process: start, kill -9, start again on the same port. */
class Receiver {
  constructor(place, secret, { seed, failures }) {
    this.options = { hosts: HOSTS, port: 0, log: join(place.dir, 'received'), secret, seed, failures };
    process.on('exit', () => this.child?.kill('SIGKILL'));
  }

  async start() {
    const words = [join(import.meta.dirname, 'receiver.mjs'), JSON.stringify(this.options)];
    this.child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.options.seed++;
    this.options.port = await new Promise((done, reject) => {
      this.child.stdout.setEncoding('utf8').once('data', (text) => done(Number(/\d+/.exec(text))));
      this.child.once('exit', (code, signal) => reject(new Error(`receiver: ${code ?? signal}`)));
    });
  }

  async stop() {
    const gone = new Promise((done) => {
      this.child.once('exit', done);
    });
    this.child.kill('SIGKILL');
    await gone;
  }

  async crash() {
    await this.stop();
    await this.start();
  }

  received() {
    if (!existsSync(this.options.log)) return [];
    const lines = readFileSync(this.options.log, 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line));
  }
}

/** One proposal that leaves `pending` twice: returned, revised, approved. */
async function live({ agent, reviewer, port }, n) {
  const url = `http://${HOSTS[n % HOSTS.length]}:${port}/hooks/${n}`;
  const decide = (made, members) =>
    reviewer.post(`/v1/proposals/${made.id}/decision`, { digest: made.digest, ...members });
  const proposed = await agent.post('/v1/proposals', { action: 'n.o', arguments: { n }, callback: { url } });
  if (proposed.status > 201) throw new Error(JSON.stringify(proposed));
  await decide(proposed.body, { verdict: 'return', reason: 'Why?' });
  const revised = await agent.post(`/v1/proposals/${proposed.body.id}/revise`, { arguments: { n, again: true } });
  const decided = await decide(revised.body, { verdict: 'approve' });
  if (decided.status !== 200) throw new Error(JSON.stringify(decided));
}

/** Kills one side again and again while `going()`, and at least KILLS_AT_REST times. */
async function killer(side, next, going) {
  let kills = 0;
  while (going() || kills < KILLS_AT_REST) {
    await pause(next() * KILL_MS);
    await side.crash();
    kills++;
  }
  return kills;
}

async function pending(server) {
  const [row] = await query(server.dir, 'SELECT count(*) AS n FROM outbox WHERE status = 0');
  return row.n;
}

async function untilDone(server) {
  const until = Date.now() + DONE_WITHIN_MS;
  while ((await pending(server)) > 0) {
    if (Date.now() > until) return false;
    await pause(LOOK_MS);
  }
  return true;
}

function grouped(items, keyOf) {
  const groups = new Map();
  for (const item of items) {
    const key = keyOf(item);
    if (groups.has(key)) groups.get(key).push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

// --- what must hold --------------------------------------------------------------------------------

function* wrongBodies(received, rows) {
  const known = new Map(rows.map((row) => [row.id, row]));
  for (const note of received) {
    const body = JSON.parse(note.body);
    const row = known.get(note.id);
    if (!note.verified) yield `${note.id}: the signature does not verify`;
    if (body.id !== note.id) yield `${note.id}: its body is about ${body.id}`;
    if (row && (body.type !== row.type || body.proposal !== row.proposal))
      yield `${note.id}: is ${body.type} of ${body.proposal}`;
    if (!row) yield `${note.id}: nothing that was written`;
  }
}

function* missing(received, rows) {
  const accepted = new Set(received.filter((note) => note.accepted).map((note) => note.id));
  for (const row of rows) if (!accepted.has(row.id)) yield row.id;
}

/** A later event that was tried before an earlier one was accepted. */
function* outOfOrder(received, rows) {
  const lives = grouped(rows, (row) => row.proposal);
  const tried = new Map();
  const accepted = new Map();
  received.forEach((note, at) => {
    if (!tried.has(note.id)) tried.set(note.id, at);
    if (note.accepted && !accepted.has(note.id)) accepted.set(note.id, at);
  });
  for (const [proposal, events] of lives) {
    for (let i = 1; i < events.length; i++) {
      const before = accepted.get(events[i - 1].id);
      if (before === undefined || tried.get(events[i].id) < before) yield proposal;
    }
  }
}

function* incomplete(rows, count) {
  const lives = grouped(rows, (row) => row.proposal);
  if (lives.size !== count / 2) yield `${lives.size} proposals with callbacks`;
  for (const [proposal, events] of lives) {
    const types = events.map((row) => row.type).join(' ');
    if (types !== 'proposal.returned proposal.released') yield `${proposal}: ${types}`;
  }
}

/** Ids as the wire has them: the store has their bytes. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
function ulid(prefix, hex) {
  let bits = BigInt(`0x${hex}`);
  let text = '';
  for (let i = 0; i < 26; i++, bits >>= 5n) text = ALPHABET[Number(bits & 31n)] + text;
  return prefix + text;
}

async function outbox(server) {
  const rows = await query(
    server.dir,
    'SELECT hex(o.id) AS id, hex(p.id) AS proposal, o.type, o.status, o.attempts FROM outbox o' +
      ' JOIN proposals p ON p.row = o.proposal ORDER BY o.row',
  );
  return rows.map((row) => ({ ...row, id: ulid('evt_', row.id), proposal: ulid('prp_', row.proposal) }));
}

function judge(score, received, rows, count) {
  score.none('every change has its row', [...incomplete(rows, count)]);
  score.none('all are delivered', rows.filter((row) => row.status !== 1).map((row) => row.id));
  score.none('each arrives at least once', [...missing(received, rows)]);
  score.none('each is signed and says what happened', [...wrongBodies(received, rows)]);
  score.none('the order of each proposal is kept', [...outOfOrder(received, rows)]);
}

function figures(received, rows, kills, seconds) {
  const ways = grouped(received, (note) => note.way);
  const shares = [...ways].map(([name, notes]) => `${name} ${notes.length}`);
  const accepted = received.filter((note) => note.accepted).length;
  console.log(
    `${rows.length} callbacks delivered in ${seconds.toFixed(1)} s: ${received.length} attempts reached` +
      ` the receiver, ${accepted} accepted (${accepted - rows.length} more than once);` +
      ` at most ${Math.max(...rows.map((row) => row.attempts))} attempts for one`,
  );
  console.log(`kills: ${kills[0]} of the server, ${kills[1]} of the receiver`);
  console.log(`the receiver's ways: ${shares.join(', ')}`);
}

// --- the run ---------------------------------------------------------------------------------------

await need();
const opt = options({ full: false, count: COUNT, seed: Date.now() % 1_000_000 });
const count = opt.full ? FULL : opt.count;
console.log(`seed ${opt.seed}`);
const score = new Score();
const place = folder('callbacks');
const server = await new Server(place.dir, POLICY, {
  args: ['--callback-allow', '127.0.0.0/8', '--callback-retry', '1s', '--callback-timeout', '2s'],
}).start();
const staff = await people(server, { reviewers: { ana: ['reviewer'] }, agents: [] });
const made = await fermata(server.dir, [
  'agent', 'add', 'bot', '--owner', 'olga', ...HOSTS.flatMap((host) => ['--host', host]),
]);
const receiver = new Receiver(place, made.webhook_secret, {
  seed: opt.seed,
  failures: opt.full ? 4 : 2, // 1, 3, 9, 27 s: how long the last one takes to come home
});
await receiver.start();
const agent = new Client(server, made.key);
const stage = { agent, reviewer: staff.reviewers[0], port: receiver.options.port };

const began = Date.now();
let working = true;
const going = () => working;
const killers = [
  killer(server, random(opt.seed), going),
  killer(receiver, random(opt.seed + 1), going),
];
await pool(Array.from({ length: count / 2 }, (_, n) => n), WIDTH, (n) => live(stage, n));
const writtenAfter = (Date.now() - began) / 1000;
// The killing goes on while the better half is delivered; then the rest may come home.
while ((await pending(server)) > count / 4) await pause(LOOK_MS);
working = false;
const kills = await Promise.all(killers);
score.check('everything is delivered in time', await untilDone(server));
const seconds = (Date.now() - began) / 1000;
await server.stop();
await receiver.stop();
agent.close();
staff.reviewers[0].close();

const rows = await outbox(server);
const received = receiver.received();
judge(score, received, rows, count);
const log = await verify(server.dir);
score.check('the log verifies', log.code === 0, log.text);
score.none('the server logged no error', server.errors());
console.log(`${count / 2} proposals were returned, revised and approved in ${writtenAfter.toFixed(1)} s`);
figures(received, rows, kills, seconds);
score.end(place);
