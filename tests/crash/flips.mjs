// SPDX-License-Identifier: Apache-2.0
// Tampering: single bits of a stopped store are flipped, and an insider cuts, swaps and replaces.
// Every change must make `fermata audit verify` end with 1 and name what does not fit; an untouched
// store never.
//
//   node tests/crash/flips.mjs [--full] [--count N] [--lives N] [--seed N]
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Score,
  Server,
  fermata,
  folder,
  need,
  options,
  people,
  pick,
  pool,
  query,
  random,
  tamper,
  verify,
} from './lib.mjs';

const COUNT = 60;
const FULL = 500;
const AT_ONCE = 32;
const TAIL = 40; // leaves that the insider cuts off

const POLICY = `version: 1
defaults: {then: review, queue: general, mode: glance, undo: 0s, decide_by: [token]}
actions:
  flip.run: {then: review}
unknown_actions: block
limits: {pending_per_agent: 1000000, proposals_per_minute: 1000000}
queues:
  general: {members: [role:reviewer]}
reasons: [other]
`;

// --- a store worth tampering with ----------------------------------------------------------------

const REJECTED_ONE_IN = 5;

/** One life with its five leaves (held, claimed, decided, redeemed, outcome); or with three,
 * rejected. */
async function live(agent, reviewer, n) {
  const made = await agent.post('/v1/proposals', {
    action: 'flip.run',
    arguments: { n },
    brief: { summary: `number ${n}`, reasoning: 'because it is next' },
  });
  const { id, digest } = made.body;
  await reviewer.post(`/v1/proposals/${id}/claim`, {});
  if (n % REJECTED_ONE_IN === 0) {
    await reviewer.post(`/v1/proposals/${id}/decision`, {
      verdict: 'reject',
      digest,
      reason: 'not this one',
    });
    return;
  }
  await reviewer.post(`/v1/proposals/${id}/decision`, { verdict: 'approve', digest });
  const read = await agent.get(`/v1/proposals/${id}`);
  await agent.post('/v1/permits/redeem', { permit: read.body.permit, arguments: { n } });
  const outcome = await agent.post(`/v1/proposals/${id}/outcome`, { status: 'succeeded' });
  if (outcome.status !== 200) throw new Error(`a life of the store: ${outcome.status}`);
}

async function populate(staff, from, to) {
  const numbers = Array.from({ length: to - from }, (_, i) => from + i);
  await pool(numbers, AT_ONCE, (n) => live(staff.agents.get('bot'), staff.reviewers[0], n));
}

/** Something of everything that stands in tables: somebody who left, a revoked key, a service, a pause,
 * a second policy, a comment. */
async function furnish(server, staff) {
  const cli = (...words) => fermata(server.dir, words);
  await cli('user', 'add', 'ben', '--role', 'lead', '--role', 'auditor');
  await cli('user', 'roles', 'ben', '--role', 'reviewer');
  await cli('token', 'create', '--user', 'ben');
  await cli('user', 'deactivate', 'ben');
  await cli('agent', 'add', 'other', '--owner', 'olga', '--host', 'hooks.example');
  const { id } = await cli('key', 'create', '--agent', 'other');
  await cli('key', 'revoke', id);
  await cli('token', 'create', '--service', 'monitor', '--scope', 'metrics');
  await cli('pause', '--action', 'other.run', '--reason', 'not now');
  const [ana, bot] = [staff.reviewers[0], staff.agents.get('bot')];
  const made = await bot.post('/v1/proposals', { action: 'flip.run', arguments: { n: -1 } });
  await ana.post(`/v1/proposals/${made.body.id}/comment`, { text: 'what is this?' });
  await bot.post(`/v1/proposals/${made.body.id}/withdraw`, {});
}

/** A store, a copy from when it was younger, and signed checkpoints of both. */
async function makeStore(place, lives) {
  const server = await new Server(place.dir, POLICY).start();
  const staff = await people(server, { reviewers: { ana: ['reviewer'] }, agents: ['bot'] });
  await furnish(server, staff);
  const note = async (name) => {
    const file = join(place.dir, name);
    writeFileSync(file, (await staff.reviewers[0].get('/log/checkpoint')).body);
    return file;
  };
  await populate(staff, 0, Math.floor(lives * 0.6));
  await server.stop();
  const younger = join(place.dir, 'younger');
  cpSync(server.dir, younger, { recursive: true });
  await server.start();
  const early = await note('early.note');
  await populate(staff, Math.floor(lives * 0.6), lives);
  await server.stop();
  await server.start(); // what was signed last covers everything
  const late = await note('late.note');
  await server.stop();
  return { server, staff, place, dir: server.dir, younger, early, late };
}

let copies = 0;
/** Gives `work` a copy of a folder and removes it. */
async function onCopy(store, from, work) {
  const dir = join(store.place.dir, `copy-${copies++}`);
  cpSync(from, dir, { recursive: true });
  try {
    return await work(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

// --- single bits ---------------------------------------------------------------------------------

/* Columns of which leaves tell: of blobs and texts any bit, of numbers one of the lowest five. */
const ROWS = [
  ['people', 'id', 'blob', /of which no leaf tells/],
  ['people', 'name', 'text', /has another name/],
  ['people', 'roles', 'number', /another set of roles/],
  ['agents', 'id', 'blob', /of which no leaf tells/],
  ['agents', 'name', 'text', /has another name/],
  ['agents', 'owner', 'number', /has another owner/],
  ['agents', 'hosts', 'text', /another list of hosts/],
  ['policies', 'id', 'blob', /of which no leaf tells/],
  ['policies', 'hash', 'blob', /another version/],
  ['policies', 'canonical', 'text', /another canonical text/],
  ['policies', 'state', 'number', /candidate, active or retired|cannot be read/],
  ['policies', 'road', 'number', /another road/],
  ['pauses', 'id', 'blob', /of which no leaf tells/],
  ['pauses', 'covers', 'number', /another reach/],
  ['pauses', 'name', 'text', /has another name/],
  ['pauses', 'reason', 'text', /has another reason/],
  ['comments', 'leaf', 'number', /comments/],
  ['comments', 'person', 'number', /comments/],
  ['proposals', 'id', 'blob', /prp_/],
  ['proposals', 'agent', 'number', /prp_/],
  ['proposals', 'state', 'number', /prp_|cannot be read/],
  ['proposals', 'revision', 'number', /prp_/],
  ['proposals', 'action', 'text', /prp_/],
  ['proposals', 'category', 'text', /another category/],
  ['proposals', 'policy', 'number', /another policy/],
  ['proposals', 'digest', 'blob', /prp_/],
  ['proposals', 'arguments_digest', 'blob', /prp_/],
  ['proposals', 'queue', 'text', /another queue/],
  ['proposals', 'first_queue', 'text', /another queue/],
  ['proposals', 'decision', 'blob', /another decision/],
  ['proposals', 'verdict', 'number', /another decision/],
  ['proposals', 'decided_by', 'number', /another decision/],
  ['proposals', 'decision_leaf', 'number', /another decision/],
  ['proposals', 'via', 'number', /another decision/],
  ['proposals', 'outcome', 'number', /another outcome/],
  ['proposals', 'outcome_leaf', 'number', /another outcome/],
];

/* Where a bit is flipped, by what a row is found, and what the finding must name. */
const CELLS = [
  {
    table: 'log_entries',
    column: 'entry',
    key: 'idx',
    names: (key) => RegExp(`leaf ${key}\\b|tile|root|checkpoint|newest leaf`),
  },
  { table: 'log_tiles', column: 'hashes', key: 'tile', names: () => /tile/ },
  { table: 'log_head', column: 'root', key: 'one', names: () => /root/ },
  {
    table: 'payloads',
    column: 'salt',
    key: 'idx',
    names: (key) => RegExp(`payload of leaf ${key}\\b`),
  },
  {
    table: 'payloads',
    column: 'body',
    key: 'idx',
    names: (key) => RegExp(`payload of leaf ${key}\\b`),
  },
  { table: 'log_checkpoints', column: 'note', key: 'size', text: true, names: () => /checkpoint/ },
  ...ROWS.map(([table, column, kind, names]) => ({
    table,
    column,
    key: 'row',
    [kind]: true,
    names: () => names,
  })),
];

async function readCells(dir) {
  const keys = new Map();
  for (const cell of CELLS) {
    const rows = await query(
      dir,
      `SELECT ${cell.key} AS k FROM ${cell.table} WHERE length(${cell.column}) > 0`,
    );
    keys.set(
      cell,
      rows.map((row) => row.k),
    );
  }
  return keys;
}

function flipped(hex, bit) {
  const bytes = Buffer.from(hex, 'hex');
  bytes[bit >> 3] ^= 1 << (bit & 7);
  return bytes.toString('hex');
}

/** Flips one bit of one cell in the folder, and says where. */
async function flip(dir, cell, key, share) {
  const where = `${cell.table} WHERE ${cell.key} = ${key}`;
  if (cell.number) {
    const bit = 1 << Math.floor(share * 5);
    const xor = `(${cell.column} | ${bit}) - (${cell.column} & ${bit})`;
    await tamper(dir, `UPDATE ${cell.table} SET ${cell.column} = ${xor} WHERE ${cell.key} = ${key};`);
    return `${cell.table}.${cell.column} of ${key}, ${bit}`;
  }
  const [{ hex }] = await query(dir, `SELECT hex(${cell.column}) hex FROM ${where}`);
  const bit = Math.floor(share * hex.length * 4);
  const value = `x'${flipped(hex, bit)}'`;
  await tamper(
    dir,
    `UPDATE ${cell.table} SET ${cell.column} = ${cell.text ? `CAST(${value} AS TEXT)` : value}
    WHERE ${cell.key} = ${key};`,
  );
  return `${cell.table}.${cell.column} of ${key}, bit ${bit}`;
}

/** What is wrong with how a change was noticed; nothing if verify ended with 1 and named it. */
function unnoticed(result, names) {
  if (result.code !== 1) return `verify ended with ${result.code}`;
  return names.test(result.text) ? '' : `it says only: ${result.text.slice(-300)}`;
}

async function flipMany(score, store, count, next) {
  const keys = await readCells(store.dir);
  const results = new Map(CELLS.map((cell) => [cell, []]));
  const plan = Array.from({ length: count }, (_, i) => {
    const cell = CELLS[i % CELLS.length];
    return { cell, key: keys.get(cell)[pick(next, keys.get(cell).length)], share: next() };
  });
  await pool(plan, 2, ({ cell, key, share }) =>
    onCopy(store, store.dir, async (dir) => {
      const where = await flip(dir, cell, key, share);
      const why = unnoticed(await verify(dir), cell.names(key));
      results.get(cell).push(why === '' ? '' : `${where}: ${why}`);
    }),
  );
  for (const [cell, list] of results) {
    score.none(`${list.length} bits of ${cell.table}.${cell.column}`, list.filter(Boolean));
  }
}

// --- the insider ---------------------------------------------------------------------------------

const size = async (dir) => (await query(dir, 'SELECT size FROM log_head'))[0].size;

/** Two neighbours of the same length change places, with their payloads. */
async function swap(dir) {
  const [{ a, b }] = await query(
    dir,
    `SELECT x.idx a, y.idx b FROM log_entries x
    JOIN log_entries y ON y.idx > x.idx AND y.idx < x.idx + 40 AND length(y.entry) = length(x.entry)
    WHERE x.idx > 500 LIMIT 1`,
  );
  const move = (table, from, to) => `UPDATE ${table} SET idx = ${to} WHERE idx = ${from};`;
  await tamper(
    dir,
    ['log_entries', 'payloads']
      .flatMap((table) => [move(table, a, -1), move(table, b, a), move(table, -1, b)])
      .join('\n'),
  );
}

async function deleteMiddle(dir) {
  const [{ idx }] = await query(dir, 'SELECT idx FROM log_entries WHERE idx > 700 LIMIT 1');
  await tamper(
    dir,
    `DELETE FROM log_entries WHERE idx = ${idx}; DELETE FROM payloads WHERE idx = ${idx};`,
  );
}

/** The same, and the leaves behind it move up, so that no number is missing. */
async function closeTheGap(dir) {
  await deleteMiddle(dir);
  const gap = (
    await query(
      dir,
      'SELECT min(e.idx) + 1 gap FROM log_entries e WHERE NOT EXISTS' +
        ' (SELECT 1 FROM log_entries n WHERE n.idx = e.idx + 1)',
    )
  )[0].gap;
  await tamper(
    dir,
    ['log_entries', 'payloads']
      .map(
        (table) =>
          `UPDATE ${table} SET idx = -idx WHERE idx > ${gap};
     UPDATE ${table} SET idx = -idx - 1 WHERE idx < 0;`,
      )
      .join('\n'),
  );
}

async function cutTail(dir) {
  const from = (await size(dir)) - TAIL;
  await tamper(
    dir,
    `DELETE FROM log_entries WHERE idx >= ${from}; DELETE FROM payloads WHERE idx >= ${from};`,
  );
}

/** The newest stored checkpoint gets the words of an older one. */
async function replaceCheckpoint(dir) {
  await tamper(
    dir,
    `UPDATE log_checkpoints SET note = (SELECT note FROM log_checkpoints ORDER BY size LIMIT 1)
    WHERE size = (SELECT max(size) FROM log_checkpoints);`,
  );
}

/** The older one's row says the newer size as well: another tree under a true signature. */
async function rewordCheckpoint(dir) {
  await tamper(
    dir,
    `UPDATE log_checkpoints SET note = replace(note, char(10) || size || char(10),
    char(10) || (size - 1) || char(10)) WHERE size = (SELECT max(size) FROM log_checkpoints);`,
  );
}

async function dropPayload(dir) {
  await tamper(
    dir,
    'DELETE FROM payloads WHERE idx = (SELECT idx FROM payloads WHERE idx > 300 LIMIT 1);',
  );
}

async function inventPayload(dir) {
  await tamper(
    dir,
    `INSERT INTO payloads(idx, salt, body) SELECT max(idx) + 9, x'00', x'00' FROM log_entries;`,
  );
}

async function appendLeaf(dir) {
  await tamper(
    dir,
    `INSERT INTO log_entries(idx, entry) SELECT max(idx) + 1,
    (SELECT entry FROM log_entries WHERE idx = 100) FROM log_entries;`,
  );
}

async function dropTile(dir) {
  await tamper(dir, 'DELETE FROM log_tiles WHERE tile = (SELECT min(tile) FROM log_tiles);');
}

/* What an insider gains most from: the row of a proposal says something else than its leaves. */
const ONE = (state) => `row = (SELECT row FROM proposals WHERE state = ${state} LIMIT 1 OFFSET 7)`;
const REJECTED = 7,
  SETTLED = 6;
const rewrite = (state, values) => (dir) =>
  tamper(dir, `UPDATE proposals SET ${values} WHERE ${ONE(state)};`);
const ROW_DEEDS = [
  {
    name: 'a rejection is made an approval',
    names: /has another decision than its leaves/,
    deed: rewrite(
      REJECTED,
      'state = 3, verdict = 1, permit = decision, approved_until = decided_at * 2',
    ),
  },
  {
    name: 'a rejected proposal is in the state of an approved one',
    names: /its leaves do not lead to/,
    deed: rewrite(REJECTED, 'state = 3'),
  },
  {
    name: 'a rejected proposal waits again',
    names: /names an older leaf as its newest/,
    deed: rewrite(
      REJECTED,
      `state = 0, last_leaf = payload, verdict = NULL, decision = NULL, decided_by = NULL,
      decided_at = NULL, decision_leaf = NULL`,
    ),
  },
  {
    name: 'a redemption is taken back',
    names: /names an older leaf as its newest/,
    deed: rewrite(
      SETTLED,
      `state = 3, last_leaf = decision_leaf, redeemed_at = NULL, outcome = NULL,
      outcome_leaf = NULL, outcome_at = NULL`,
    ),
  },
  {
    name: 'a redemption is denied',
    names: /its row denies it/,
    deed: rewrite(SETTLED, 'redeemed_at = NULL'),
  },
  {
    name: 'another person has decided',
    names: /has another decision than its leaves/,
    deed: rewrite(SETTLED, 'decided_by = decided_by - 1'),
  },
  {
    name: 'other arguments are approved',
    names: /is not that of its content/,
    deed: rewrite(SETTLED, 'arguments_digest = digest'),
  },
  {
    name: 'another action is approved',
    names: /is not that of its content/,
    deed: rewrite(SETTLED, "action = 'flip.all'"),
  },
  {
    name: 'another agent has proposed',
    names: /is not that of its content/,
    deed: rewrite(SETTLED, 'agent = agent + 1'),
  },
  {
    name: 'the policy is said to have judged otherwise',
    names: /was assessed otherwise/,
    deed: rewrite(SETTLED, "assessment = json_set(assessment, '$.verdict', 'allow')"),
  },
  {
    name: 'a proposal is deleted',
    names: /one is gone/,
    deed: (dir) => tamper(dir, `DELETE FROM proposals WHERE ${ONE(SETTLED)};`),
  },
];

/* Rights, by hand. */
const sql = (text) => (dir) => tamper(dir, text);
const RIGHTS_DEEDS = [
  {
    name: 'somebody gets all roles',
    names: /another set of roles/,
    deed: sql("UPDATE people SET roles = 31 WHERE name = 'ana';"),
  },
  {
    name: 'two people change places',
    names: /another decision|another holder|has another name/,
    deed: sql(`UPDATE people SET row = -1 WHERE row = 1; UPDATE people SET row = 1 WHERE row = 2;
      UPDATE people SET row = 2 WHERE row = -1;`),
  },
  {
    name: 'somebody comes back',
    names: /another state \(deactivated or not\)/,
    deed: sql("UPDATE people SET disabled_at = NULL WHERE name = 'ben';"),
  },
  {
    name: 'somebody is deleted',
    names: /which has no row/,
    deed: sql("DELETE FROM people WHERE name = 'ben';"),
  },
  {
    name: 'a revoked key is good again',
    names: /another state \(revoked or not\)/,
    deed: sql('UPDATE credentials SET revoked_at = NULL WHERE kind = 0;'),
  },
  {
    name: 'the token of somebody who left is good again',
    names: /another state \(revoked or not\)/,
    deed: sql('UPDATE credentials SET revoked_at = NULL WHERE kind = 1;'),
  },
  {
    name: 'a service reads more',
    names: /another set of scopes/,
    deed: sql('UPDATE credentials SET scopes = 31 WHERE kind = 3;'),
  },
  {
    name: 'a key gets a second secret',
    names: /twice/,
    deed: sql(`INSERT INTO credentials(hash, id, kind, agent, created_at) SELECT zeroblob(32), id, kind,
      agent, created_at FROM credentials WHERE kind = 0 LIMIT 1;`),
  },
  {
    name: 'a token is invented',
    names: /of which no leaf tells/,
    deed: sql(`INSERT INTO credentials(hash, id, kind, person, created_at)
      VALUES(zeroblob(32), zeroblob(16), 1, 2, 1);`),
  },
  {
    name: 'the policy in force gets another text',
    names: /another text/,
    deed: sql("UPDATE policies SET source = replace(source, '1000000', '1000001');"),
  },
  {
    name: 'a pause is ended',
    names: /another state \(ended or not\)/,
    deed: sql('UPDATE pauses SET ended_at = 1;'),
  },
  {
    name: 'a pause is deleted',
    names: /which has no row/,
    deed: sql('DELETE FROM pauses;'),
  },
  {
    name: 'void permits are good again',
    names: /is in epoch/,
    deed: sql("INSERT OR REPLACE INTO meta(name, value) VALUES('epoch', 2);"),
  },
];

const DEEDS = [
  { name: 'a leaf from the middle is deleted', deed: deleteMiddle, names: /leaf \d+ is missing/ },
  { name: 'a leaf is deleted and the gap closed', deed: closeTheGap, names: /tile|root|payload/ },
  { name: 'two leaves change places', deed: swap, names: /tile|root|payload|newest leaf/ },
  { name: 'the last leaves are deleted', deed: cutTail, names: /its head says/ },
  { name: 'a leaf is added by hand', deed: appendLeaf, names: /its head says/ },
  {
    name: 'a checkpoint is replaced by an older one',
    deed: replaceCheckpoint,
    names: /checkpoint/,
  },
  { name: 'a checkpoint is made to say another size', deed: rewordCheckpoint, names: /checkpoint/ },
  { name: 'a payload is deleted', deed: dropPayload, names: /the payload of leaf \d+ is missing/ },
  { name: 'a payload is invented', deed: inventPayload, names: /belong to no leaf/ },
  { name: 'a tile is deleted', deed: dropTile, names: /tile/ },
];

async function playInsider(score, store) {
  for (const { name, deed, names } of [...DEEDS, ...ROW_DEEDS, ...RIGHTS_DEEDS]) {
    const result = await onCopy(store, store.dir, async (dir) => {
      await deed(dir);
      return verify(dir);
    });
    const why = unnoticed(result, names);
    score.check(name, why === '', why);
  }
}

/** The tail is cut as somebody would who can rewrite the tree: by an older copy, consistent in
 * itself. */
async function restoreYounger(score, store) {
  await onCopy(store, store.younger, async (dir) => {
    const alone = await verify(dir);
    score.check('an older copy fits in itself', alone.code === 0, alone.text);
    const before = await verify(dir, store.early);
    score.check('an older copy fits its own checkpoint', before.code === 0, before.text);
    const why = unnoticed(await verify(dir, store.late), /tail was cut off/);
    score.check('a cut tail is found by a later checkpoint', why === '', why);
  });
}

/** The older copy lives another life until it is longer than what it replaces. */
async function writeAnotherHistory(score, store, lives) {
  const { server } = store;
  const note = /\n(\d+)\n/.exec(readFileSync(store.late, 'utf8'))[1];
  await onCopy(store, store.younger, async (dir) => {
    const own = server.dir;
    server.dir = dir;
    await server.start();
    await populate(store.staff, lives, lives * 2);
    await server.stop();
    server.dir = own;
    score.check('the other history is longer', (await size(dir)) > Number(note));
    const alone = await verify(dir);
    score.check('another history fits in itself', alone.code === 0, alone.text);
    const why = unnoticed(await verify(dir, store.late), /not those of the earlier checkpoint/);
    score.check('another history is found by an earlier checkpoint', why === '', why);
  });
}

/** Nothing is accused that was not touched: otherwise everything above would prove nothing. */
async function touchNothing(score, store, next) {
  for (const against of [undefined, store.early, store.late]) {
    const result = await verify(store.dir, against);
    score.check('an untouched store is not accused', result.code === 0, result.text);
  }
  const [cell] = CELLS;
  const result = await onCopy(store, store.dir, async (dir) => {
    const share = next();
    await flip(dir, cell, 100, share);
    await flip(dir, cell, 100, share);
    return verify(dir);
  });
  score.check('a bit flipped back is not accused', result.code === 0, result.text);
  score.check('this test would notice an unnoticed flip', unnoticed(result, /./) !== '');
}

async function main() {
  const opt = options({ full: false, count: COUNT, lives: 900, seed: 1 });
  await need();
  const place = folder('flips');
  const score = new Score();
  const next = random(opt.seed);
  const store = await makeStore(place, opt.lives);
  console.log(`${await size(store.dir)} leaves, seed ${opt.seed}`);
  await touchNothing(score, store, next);
  await flipMany(score, store, opt.full ? FULL : opt.count, next);
  await playInsider(score, store);
  await restoreYounger(score, store);
  await writeAnotherHistory(score, store, opt.lives);
  score.end(place);
}

await main();
