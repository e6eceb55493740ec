// SPDX-License-Identifier: Apache-2.0
// kill -9 under load of all write calls, and a disk that is full: what was acknowledged is there,
// what was refused is not, nothing is half done, and the log verifies.
//
//   node tests/crash/kill.mjs [--full] [--rounds N] [--seed N]
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
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
  pick,
  random,
  run,
  verify,
} from './lib.mjs';
import { Ledger, judge, readStore, work } from './load.mjs';

const ROUNDS = 12;
const FULL = 100;
const WIDTH = 48;
const LOAD_MS_MAX = 600; // a round is killed at a random moment before
const START_MS_MAX = 30; // and every third start is killed so early, to start once more
const FULL_DISK_BYTES = 64 << 20;
const ROOM_BYTES = 2 << 20; // what is left of it when the load begins
const FULL_DISK_MS = 4000;

const POLICY = `version: 1
defaults: {then: review, queue: general, mode: glance, undo: 1s, decide_by: [token], warm_up: 0}
actions:
  load.allow: {then: allow, effects: [none]}
  load.hold: {then: review}
unknown_actions: block
limits: {pending_per_agent: 1000000, proposals_per_minute: 1000000}
queues:
  general: {members: [role:reviewer]}
reasons: [other]
`;

async function openStage(server) {
  const staff = await people(server, {
    reviewers: { ana: ['reviewer'], ben: ['reviewer'], adi: ['admin'] },
    agents: ['bot'],
  });
  const [ana, ben, adi] = staff.reviewers;
  return { ana, ben, adi, agent: staff.agents.get('bot') };
}

function tellTruth(score, name, ledger, store) {
  score.none(`${name}: what was said is what is there`, [...judge(ledger, store)]);
  const [done, refused, silent] = ['done', 'refused', 'silent'].map((said) => ledger.count(said));
  return `${done} acknowledged, ${refused} refused, ${silent} unanswered`;
}

// --- kill -9 -------------------------------------------------------------------------------------

/** An agent and a key made under load: they work after the restart, or were never handed out. */
async function makePeople(server, stage, round, made) {
  const request = { name: `late-${round}`, owner: 'olga', hosts: [] };
  const one = await stage.adi.once('POST', '/v1/agents', request).catch(() => null);
  if (one?.status === 201) made.push(one.body.key);
  const key = await fermata(server.dir, ['key', 'create', '--agent', 'bot']).catch(() => null);
  if (key) made.push(key.key);
}

/** A start that is killed on the way, sometimes before it listens. */
async function dieAtStart(server, next) {
  const starting = server.start().catch(() => {});
  await pause(next() * START_MS_MAX);
  await server.stop('SIGKILL');
  await starting;
}

/** Load, kill -9, and a look at what is there; answers what was said, and how long the log is by
 * then. */
async function killOnce(score, server, { stage, next, made }, round, since) {
  const ledger = new Ledger();
  const end = Date.now() + next() * LOAD_MS_MAX;
  let killed = false;
  const load = work(ledger, stage, { width: WIDTH, until: () => killed, next });
  const others = makePeople(server, stage, round, made);
  await pause(Math.max(0, end - Date.now()));
  await server.stop('SIGKILL');
  killed = true;
  await Promise.all([load, others]);
  const result = await verify(server.dir);
  score.check(`kill ${round}: the log verifies`, result.code === 0, result.text);
  const store = await readStore(server.dir, since);
  tellTruth(score, `kill ${round}`, ledger, store);
  if (round % 3 === 0) await dieAtStart(server, next);
  await server.start();
  return { ledger, leaves: store.leaves };
}

async function kills(score, place, opt) {
  const server = await new Server(join(place.dir, 'kills'), POLICY).start();
  const stage = await openStage(server);
  const scene = { stage, next: random(opt.seed), made: [] };
  const ledgers = [];
  const rounds = opt.full ? FULL : opt.rounds;
  for (let round = 1, since = 0; round <= rounds; round++) {
    const { ledger, leaves } = await killOnce(score, server, scene, round, since);
    ledgers.push(ledger);
    since = leaves;
  }
  for (const key of scene.made) {
    const client = new Client(server, key);
    const me = await client.get('/v1/me');
    score.check(
      'a key that was handed out works after the crash',
      me.status === 200,
      String(me.status),
    );
    client.close();
  }
  await server.stop();
  score.none('the killed server logged no error', server.errors());
  const whole = new Ledger();
  whole.writes = ledgers.flatMap((ledger) => ledger.writes);
  const store = await readStore(server.dir);
  console.log(
    `${rounds} kills: ${tellTruth(score, 'all kills', whole, store)}, ${store.leaves} leaves`,
  );
  score.check(
    'there was work in every round',
    ledgers.some((ledger) => ledger.count('done') > 0) && whole.count('silent') > 0,
  );
  return { ledger: whole, store };
}

// --- a full disk ---------------------------------------------------------------------------------

/* Two ways to have no room: a file system that is full, and a limit on the size of files. Each:
 * what the server is started with, and how the room ends and comes back. */
const DISKS = [
  {
    name: 'a full file system',
    async open(dir) {
      mkdirSync(dir, { recursive: true });
      const { code } = await run('mount', [
        '-t',
        'tmpfs',
        '-o',
        `size=${FULL_DISK_BYTES},mode=700`,
        'fermata-test',
        dir,
      ]).catch(() => ({ code: 1 }));
      return code === 0 ? [] : null;
    },
    async fill(server, dir) {
      const { bavail, bsize } = statfsSync(dir);
      writeFileSync(
        join(dir, 'ballast'),
        Buffer.alloc(Math.max(0, bavail * bsize - ROOM_BYTES), 1),
      );
    },
    async empty(server, dir) {
      rmSync(join(dir, 'ballast'));
    },
    async close(dir) {
      await run('umount', ['-l', dir]);
    },
  },
  {
    name: 'a limit on the size of files',
    async open() {
      const found = await run('prlimit', ['--version']).then(
        () => true,
        () => false,
      );
      return found ? [] : null;
    },
    async fill(server) {
      await run('prlimit', ['--pid', String(server.child.pid), `--fsize=${ROOM_BYTES}:`]);
    },
    async empty(server) {
      if (!server.died)
        await run('prlimit', ['--pid', String(server.child.pid), '--fsize=unlimited:']);
    },
    async close() {},
  },
];

/** Writes that were refused for lack of room; everything else is a mistake. */
const isRefusal = (note) => note.status === 503 && note.why === 'overloaded';

async function fillUp(score, name, server, stage, disk, next) {
  const ledger = new Ledger();
  const readable = await stage.agent.get('/v1/proposals?limit=1');
  await disk.fill(server, server.dir);
  const end = Date.now() + FULL_DISK_MS;
  const full = () => ledger.writes.filter(isRefusal).length > 300;
  await work(ledger, stage, {
    width: WIDTH,
    until: () => Date.now() > end || full() || server.died,
    next,
    steady: true,
  });
  const refusals = ledger.writes.filter((note) => note.said === 'refused');
  score.check(
    `${name}: writes are refused`,
    refusals.some(isRefusal),
    `${refusals.length} refusals`,
  );
  score.none(
    `${name}: they are refused with 503 overloaded`,
    refusals
      .filter((note) => !isRefusal(note))
      .map((note) => `${note.leaf} ${note.status} ${note.why}`),
  );
  if (score.check(`${name}: the server goes on`, !server.died, server.logTail().slice(-300))) {
    const again = await stage.agent.get('/v1/proposals?limit=1');
    score.check(
      `${name}: reading goes on`,
      again.status === 200 && readable.status === 200,
      String(again.status),
    );
  }
  return ledger;
}

/** The room is back: the same process writes again, or a restart does. */
async function goOn(score, name, server, stage, next) {
  const ledger = new Ledger();
  if (server.died) await server.stop().then(() => server.start());
  const end = Date.now() + 500;
  await work(ledger, stage, { width: 8, until: () => Date.now() > end, next, steady: true });
  score.check(
    `${name}: with room again everything is written`,
    ledger.count('done') > 0 && ledger.count('refused') === 0 && ledger.count('silent') === 0,
    JSON.stringify(ledger.writes.find((note) => note.said !== 'done')),
  );
  return ledger;
}

async function fullDisk(score, place, disk, opt) {
  const dir = join(place.dir, disk.name.replaceAll(' ', '-'));
  const wrap = await disk.open(join(dir, 'data'));
  if (wrap === null) {
    console.log(`skipped: ${disk.name} (not allowed here)`);
    return;
  }
  try {
    const server = await new Server(dir, POLICY, { wrap }).start();
    const stage = await openStage(server);
    const next = random(opt.seed);
    const ledger = await fillUp(score, disk.name, server, stage, disk, next);
    await disk.empty(server, server.dir);
    const later = await goOn(score, disk.name, server, stage, next);
    await server.stop();
    const result = await verify(server.dir);
    score.check(`${disk.name}: the log verifies`, result.code === 0, result.text);
    ledger.writes.push(...later.writes);
    console.log(
      `${disk.name}: ${tellTruth(score, disk.name, ledger, await readStore(server.dir))}`,
    );
  } finally {
    await disk.close(join(dir, 'data'));
  }
}

// --- the judge must be able to find something ----------------------------------------------------

function checkTheJudge(score, { ledger, store }) {
  const has = (lie, change) => {
    const told = new Ledger();
    told.writes = ledger.writes.map((note) => ({ ...note }));
    const other = { ...store, kinds: new Map(store.kinds), marks: new Set(store.marks) };
    change(told, other);
    score.check(`the judge notices ${lie}`, [...judge(told, other)].length > 0);
  };
  const acknowledged = (leaf) => (note) => note.said === 'done' && note.leaf === leaf;
  has('a lost proposal', (told, there) =>
    there.marks.delete(told.writes.find((note) => note.mark && note.said === 'done').mark),
  );
  has('a lost decision', (told, there) => {
    const { proposal, leaf } = told.writes.find(acknowledged('proposal.decided'));
    there.kinds.delete(`${proposal} ${leaf}`);
  });
  has('a write that happened twice', (told, there) => {
    const { proposal, leaf } = told.writes.find(acknowledged('permit.redeemed'));
    there.kinds.set(`${proposal} ${leaf}`, 2);
  });
  has('a proposal without a row', (told, there) => {
    there.rows--;
  });
  has('a refused write that happened', (told) => {
    Object.assign(
      told.writes.find((note) => note.mark && note.said === 'done'),
      { said: 'refused', status: 503 },
    );
  });
}

async function main() {
  const opt = options({ full: false, rounds: ROUNDS, seed: 1 });
  await need();
  const place = folder('kill');
  const score = new Score();
  const killed = await kills(score, place, opt);
  checkTheJudge(score, killed);
  for (const disk of DISKS) await fullDisk(score, place, disk, opt);
  score.end(place);
}

await main();
