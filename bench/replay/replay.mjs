// SPDX-License-Identifier: Apache-2.0
// Replays recorded actions of real agents against a real server that is killed on the way, with
// scripted reviewers, and then asks whether anything was lost, decided twice, delivered wrongly or
// executed twice.
//
//   node bench/replay/replay.mjs [--rows N] [--kills N] [--seed N] [--window N]
//     [--respond-within 5s]
//
// The data comes from FERMATA_TESTDATA (default ../shared/data); the binary from FERMATA_BIN.
import { join, resolve } from 'node:path';
import {
  Client,
  ROOT,
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
  verify,
} from '../../tests/crash/lib.mjs';
import { AgentAtWork, Team, World } from './actors.mjs';
import { STATES, check, counts, sabotage } from './checker.mjs';
import { load, planned, policyOf } from './rows.mjs';

const REVIEWERS = { ana: ['reviewer'], ben: ['reviewer'], cleo: ['reviewer'], dora: ['reviewer'] };
const READ_AT_ONCE = 16;
const PROGRESS_MS = 5000;
const ULID = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

// --- the run -------------------------------------------------------------------------------------

/** Kills the server when so many proposals were acknowledged, and starts it on the same folder. */
function planKills(world, server, { kills, seed }) {
  const next = random(seed);
  const total = world.rows.length;
  const at = Array.from({ length: kills }, () => Math.floor(total * (0.02 + 0.94 * next()))).sort(
    (a, b) => a - b,
  );
  const state = { done: 0, last: Promise.resolve(), error: null };
  world.onAcknowledged = (count) => {
    while (at.length > 0 && count >= at[0]) {
      at.shift();
      const delay = pick(next, 40);
      state.last = state.last
        .then(async () => {
          await new Promise((done) => {
            setTimeout(done, delay);
          });
          await server.crash();
          state.done++;
        })
        .catch((error) => {
          state.error = error;
          process.exitCode = 1;
        });
    }
  };
  return state;
}

function showProgress(world, kills, startedAt) {
  const timer = setInterval(() => {
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    console.log(
      `${seconds} s: ${world.acknowledged} of ${world.rows.length} proposed, ` +
        `${world.executed.length} executed, ${kills.done} kills`,
    );
  }, PROGRESS_MS);
  return () => clearInterval(timer);
}

/** Feeds the rows in their order; at most `window` of them are on their way at a time. */
async function feed(world, plans, agents, window) {
  const work = world.rows.map((row, i) => [row, plans[i]]);
  await pool(work, window, async ([row, plan]) => agents.get(plan.agent).live(row, plan));
}

async function replay(server, data, plans, opt) {
  const world = new World(data.rows);
  const names = [...new Set(plans.map((plan) => plan.agent))];
  const staff = await people(server, { reviewers: REVIEWERS, agents: names });
  for (const client of staff.agents.values()) client.agent.maxSockets = opt.window;
  const agents = new Map(
    [...staff.agents].map(([name, client]) => [name, new AgentAtWork(world, client)]),
  );
  const team = new Team(world, staff.reviewers);
  const kills = planKills(world, server, opt);
  const startedAt = Date.now();
  const done = showProgress(world, kills, startedAt);
  const reviewing = team.run();
  await feed(world, plans, agents, opt.window);
  await kills.last;
  team.stop();
  await reviewing;
  done();
  if (kills.error) throw kills.error;
  const clients = [...staff.agents.values(), ...staff.reviewers];
  const sum = (name) => clients.reduce((total, client) => total + client[name], 0);
  return {
    world,
    kills: kills.done,
    seconds: (Date.now() - startedAt) / 1000,
    repeats: sum('repeats'),
    replays: sum('replays'),
  };
}

// --- what is there afterwards --------------------------------------------------------------------

/** What an auditor reads over the API, proposal by proposal. */
async function readApi(server, world) {
  const words = ['user', 'add', 'vera', '--role', 'auditor', '--password-stdin'];
  await fermata(server.dir, words, 'she reads everything\n');
  const { token } = await fermata(server.dir, ['token', 'create', '--user', 'vera']);
  const client = new Client(server, token, READ_AT_ONCE);
  const api = new Map();
  const ids = [...world.told.values()].map((told) => told.acknowledged?.id).filter(Boolean);
  await pool(ids, READ_AT_ONCE, async (id) => {
    const answer = await client.get(`/v1/proposals/${id}`);
    if (answer.status !== 200) return;
    const { status, digest, decision } = answer.body;
    api.set(id, { status, digest, decision: decision && { id: decision.id, by: decision.by } });
  });
  client.close();
  return api;
}

/** The 26 characters of an id's 16 bytes. */
function ulid(hex) {
  let number = BigInt(`0x${hex}`);
  let out = '';
  for (let i = 0; i < 26; i++, number >>= 5n) out = ULID[Number(number & 31n)] + out;
  return out;
}

async function readStore(dir) {
  const rows = await query(
    dir,
    `SELECT p.row, hex(p.id) id, p.state, p.agent, p.last_leaf leaf,
    json_extract(CAST(b.body AS TEXT), '$.labels.row') label
    FROM proposals p JOIN payloads b ON b.idx = p.payload`,
  );
  return rows.map((row) => ({ ...row, id: `prp_${ulid(row.id)}`, state: STATES[row.state] }));
}

async function readLog(dir) {
  const rows = await query(
    dir,
    'SELECT idx, CAST(entry AS TEXT) entry FROM log_entries ORDER BY idx',
  );
  return rows.map((row) => ({ index: row.idx, entry: JSON.parse(row.entry) }));
}

// --- the report ----------------------------------------------------------------------------------

function printTable(title, rows) {
  console.log(`\n${title}`);
  for (const [name, value] of Object.entries(rows))
    console.log(`  ${String(value).padStart(8)}  ${name}`);
}

function judge(score, server, input, opt, result) {
  for (const [rule, findings] of check(input)) score.none(rule, findings);
  score.check(
    `the server was killed ${opt.kills} times`,
    result.kills === opt.kills,
    String(result.kills),
  );
  score.none('the server logged no error', server.errors());
  for (const [lie, [rule, tell]] of Object.entries(sabotage)) {
    const findings = check(tell(input)).get(rule);
    score.check(`the checker notices that ${lie}`, findings.length > 0, `"${rule}" said nothing`);
  }
}

async function main() {
  const opt = options({ rows: 0, kills: 10, seed: 1, window: 256, respond_within: '5s' });
  await need();
  const data = load(
    resolve(process.env.FERMATA_TESTDATA ?? join(ROOT, '../shared/data')),
    opt.rows,
  );
  if (!data) {
    console.log('skipped: agent_actions is not in FERMATA_TESTDATA');
    console.log('0 passed, 0 failed');
    return;
  }
  const plans = data.rows.map(planned);
  const place = folder('replay');
  const score = new Score();
  const server = await new Server(place.dir, policyOf(data.tools, opt.respond_within)).start();
  console.log(`${plans.length} rows, ${opt.kills} kills, seed ${opt.seed}, ${server.url}`);
  const result = await replay(server, data, plans, opt);
  const api = await readApi(server, result.world);
  await server.stop();
  const input = {
    plans,
    told: result.world.told,
    executed: result.world.executed,
    api,
    store: await readStore(server.dir),
    leaves: await readLog(server.dir),
    verify: await verify(server.dir),
  };
  printTable('what happened', {
    ...counts(input),
    kills: result.kills,
    'requests repeated after a lost or refused answer': result.repeats,
    'of them: done already, first answer given again': result.replays,
    seconds: result.seconds.toFixed(1),
  });
  judge(score, server, input, opt, result);
  score.end(place);
}

await main();
