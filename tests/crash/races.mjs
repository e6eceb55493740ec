// SPDX-License-Identifier: Apache-2.0
// Races for one proposal: two people, a person and the agent, a person and the clock. There is one
// winner, the loser is told who won and when, and API, store and log tell the same story.
//
//   node tests/crash/races.mjs [--full] [--count N] [--seed N] [--only WORD]
import { randomUUID } from 'node:crypto';
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
  pool,
  problem,
  query,
  random,
  verify,
} from './lib.mjs';

const COUNT = 100;
const FULL = 1000;
const AT_ONCE = 40;
const WAIT = '10s';
const EARLY_MS = 60; // a clock race is run from so long before the moment
const SPAN_MS = 120; // to so long behind that; the clock looks every 50 ms
const DEADLINE = '1s';
const DEADLINE_MS = 1000;
const FRESH_MS = 60_000; // `ended_at` lies this near to the race
const APART_MS = 2; // at most, between the starts of two contestants
const STATES = [
  'pending',
  'pending',
  'pending',
  'approved',
  'returned',
  'approved',
  'approved',
  'rejected',
  'blocked',
  'expired',
  'withdrawn',
];

const policy = (undo) => `version: 1
defaults: {then: review, queue: general, mode: glance, undo: ${undo}, decide_by: [token]}
actions:
  race.run: {then: review}
unknown_actions: block
limits: {pending_per_agent: 1000000, proposals_per_minute: 1000000}
queues:
  general: {members: [role:reviewer, role:lead]}
reasons: [other]
`;

// --- what contestants do -------------------------------------------------------------------------

const decide = (verdict) => (stage, id, digest, who) =>
  who.post(`/v1/proposals/${id}/decision`, {
    verdict,
    digest,
    ...(verdict === 'approve' ? {} : { reason: 'no' }),
  });
const simple = (verb) => (stage, id, digest, who) => who.post(`/v1/proposals/${id}/${verb}`, {});
const revise = (stage, id, digest, who) =>
  who.post(`/v1/proposals/${id}/revise`, { arguments: { n: 2 } });
const redeem = (stage, id, digest, who, prepared) =>
  who.post('/v1/permits/redeem', { permit: prepared.permit, arguments: prepared.arguments });
const supersede = (stage, id, digest, who) =>
  who.post('/v1/proposals', { action: 'race.run', arguments: { n: 3 }, supersedes: id });

/** What happens to the fresh proposal before the race. */
const before = {
  nothing: async () => ({}),
  returned: async (stage, made) =>
    okay(await decide('return')(stage, made.id, made.digest, stage.ana)),
  approved: async (stage, made) => {
    okay(await decide('approve')(stage, made.id, made.digest, stage.ana));
    return okay(await stage.agent.get(`/v1/proposals/${made.id}`));
  },
};

function okay(answer) {
  if (answer.status >= 300)
    throw new Error(`preparing a race: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

// --- the table of races --------------------------------------------------------------------------

/* `who` runs what; `ends` lists every allowed end: winners (none: the clock), the leaves behind
 * those of the preparation, and the status. `lose` names the problems a loser may read. `clock`:
 * the moment that is raced with. `ends[].settles`: it goes on to that status by itself. */
const DECIDED = 'proposal.decided',
  WITHDRAWN = 'proposal.withdrawn',
  EXPIRED = 'proposal.expired';
const UNDONE = 'proposal.undone',
  REVISED = 'proposal.revised',
  CLAIMED = 'proposal.claimed';
const NORMAL = ['already-decided'];
const RACES = [
  {
    name: 'decide and decide',
    who: { ana: decide('approve'), ben: decide('reject') },
    ends: [
      { won: ['ana'], leaves: [DECIDED], status: 'approved' },
      { won: ['ben'], leaves: [DECIDED], status: 'rejected' },
    ],
  },
  {
    name: 'six people decide',
    who: {
      ana: decide('approve'),
      ben: decide('approve'),
      lea: decide('approve'),
      cai: decide('reject'),
      dee: decide('reject'),
      eva: decide('reject'),
    },
    ends: ['ana', 'ben', 'lea', 'cai', 'dee', 'eva'].map((name, i) => ({
      won: [name],
      leaves: [DECIDED],
      status: i < 3 ? 'approved' : 'rejected',
    })),
  },
  {
    name: 'decide and withdraw',
    who: { ana: decide('approve'), agent: simple('withdraw') },
    ends: [
      { won: ['ana'], leaves: [DECIDED], status: 'approved' },
      { won: ['agent'], leaves: [WITHDRAWN], status: 'withdrawn' },
    ],
  },
  {
    name: 'decide and supersede',
    who: { ana: decide('reject'), agent: supersede },
    ends: [
      { won: ['ana'], leaves: [DECIDED], status: 'rejected' },
      { won: ['agent'], leaves: [WITHDRAWN], status: 'withdrawn' },
    ],
  },
  {
    name: 'claim and claim',
    who: { ana: simple('claim'), ben: simple('claim') },
    lose: ['claimed'],
    ends: [
      { won: ['ana'], leaves: [CLAIMED], status: 'pending' },
      { won: ['ben'], leaves: [CLAIMED], status: 'pending' },
    ],
  },
  {
    name: 'decide and expire',
    who: { ana: decide('approve') },
    clock: 'deadline_at',
    ends: [
      { won: ['ana'], leaves: [DECIDED], status: 'approved' },
      { won: [], leaves: [EXPIRED], status: 'expired' },
    ],
  },
  {
    name: 'withdraw and expire',
    who: { agent: simple('withdraw') },
    clock: 'deadline_at',
    ends: [
      { won: ['agent'], leaves: [WITHDRAWN], status: 'withdrawn' },
      { won: [], leaves: [EXPIRED], status: 'expired' },
    ],
  },
  {
    name: 'decide, withdraw and expire',
    who: { ana: decide('reject'), agent: simple('withdraw') },
    clock: 'deadline_at',
    ends: [
      { won: ['ana'], leaves: [DECIDED], status: 'rejected' },
      { won: ['agent'], leaves: [WITHDRAWN], status: 'withdrawn' },
      { won: [], leaves: [EXPIRED], status: 'expired' },
    ],
  },
  {
    name: 'revise and withdraw',
    before: 'returned',
    who: { agent: revise, twin: simple('withdraw') },
    lose: ['already-decided', 'not-returned'],
    ends: [
      { won: ['twin'], leaves: [WITHDRAWN], status: 'withdrawn' },
      { won: ['agent', 'twin'], leaves: [REVISED, CLAIMED, WITHDRAWN], status: 'withdrawn' },
    ],
  },
  {
    name: 'revise and revise',
    before: 'returned',
    who: { agent: revise, twin: revise },
    lose: ['not-returned'],
    ends: [
      { won: ['agent'], leaves: [REVISED, CLAIMED], status: 'pending' },
      { won: ['twin'], leaves: [REVISED, CLAIMED], status: 'pending' },
    ],
  },
  {
    name: 'revise and expire',
    before: 'returned',
    who: { agent: revise },
    clock: 'deadline_at',
    ends: [
      { won: ['agent'], leaves: [REVISED, CLAIMED, EXPIRED], status: 'expired', settles: true },
      { won: [], leaves: [EXPIRED], status: 'expired' },
    ],
  },
  {
    name: 'redeem and redeem',
    before: 'approved',
    who: { agent: redeem, twin: redeem },
    lose: ['permit-used'],
    ends: ['agent', 'twin'].map((name) => ({
      won: [name],
      leaves: ['permit.redeemed'],
      status: 'approved',
    })),
  },
  {
    name: 'undo and release',
    undo: true,
    before: 'approved',
    who: { ana: simple('undo') },
    clock: 'release_at',
    lose: ['already-released', 'already-decided'],
    ends: [
      { won: ['ana'], leaves: [UNDONE], status: 'pending' },
      { won: [], leaves: ['proposal.released'], status: 'approved' },
    ],
  },
  {
    name: 'undo and undo',
    undo: true,
    before: 'approved',
    who: { ana: simple('undo'), lea: simple('undo') },
    lose: ['not-decided'],
    ends: [
      { won: ['ana'], leaves: [UNDONE], status: 'pending' },
      { won: ['lea'], leaves: [UNDONE], status: 'pending' },
    ],
  },
  {
    name: "undo and the same person's second decision",
    undo: true,
    before: 'approved',
    who: { ana: simple('undo'), again: decide('reject') },
    ends: [
      { won: ['ana'], leaves: [UNDONE], status: 'pending' },
      { won: ['ana', 'again'], leaves: [UNDONE, DECIDED], status: 'rejected' },
    ],
  },
  {
    name: "undo and another person's decision",
    undo: true,
    before: 'approved',
    who: { ana: simple('undo'), ben: decide('reject') },
    lose: ['already-decided', 'claimed'],
    ends: [{ won: ['ana'], leaves: [UNDONE], status: 'pending' }],
  },
  {
    name: 'undo and withdraw',
    undo: true,
    before: 'approved',
    who: { ana: simple('undo'), agent: simple('withdraw') },
    lose: ['already-decided'],
    ends: [
      { won: ['agent'], leaves: [WITHDRAWN], status: 'withdrawn' },
      { won: ['ana', 'agent'], leaves: [UNDONE, WITHDRAWN], status: 'withdrawn' },
    ],
  },
];

// --- running one ---------------------------------------------------------------------------------

const sleepUntil = (moment) => pause(Math.max(0, moment - Date.now()));

/** The moment at which the contestants start, and who is first. */
async function startingMoment(race, stage, made) {
  if (!race.clock) return;
  const seen = okay(await stage.ana.get(`/v1/proposals/${made.id}`));
  const moment =
    race.clock === 'deadline_at'
      ? Date.parse(made.created_at) + DEADLINE_MS
      : Date.parse(seen.hold[race.clock]);
  await sleepUntil(moment - EARLY_MS + stage.next() * SPAN_MS);
}

function shuffled(list, next) {
  const out = [...list];
  for (let i = out.length - 1; i > 0; i--) {
    const k = pick(next, i + 1);
    [out[i], out[k]] = [out[k], out[i]];
  }
  return out;
}

/** Both wait until the clock or the others have had their turn. */
async function settle(race, stage, id, won) {
  const end = race.ends.find((one) => one.won.join() === won.join());
  if (won.length > 0 && !end?.settles) return;
  for (;;) {
    const { status } = okay(await stage.agent.get(`/v1/proposals/${id}?wait=${WAIT}`));
    if (status !== 'pending' && status !== 'returned') return;
  }
}

/** Runs one contest and answers what everybody was told. */
async function contest(race, stage) {
  const request = { action: 'race.run', arguments: { n: 1, salt: randomUUID() } };
  if (race.clock === 'deadline_at') request.deadline = DEADLINE;
  const made = okay(await stage.agent.post('/v1/proposals', request));
  const prepared = await before[race.before ?? 'nothing'](stage, made);
  await startingMoment(race, stage, made);
  const startedAt = Date.now();
  const answers = await Promise.all(
    shuffled(Object.entries(race.who), stage.next).map(async ([name, act]) => {
      await pause(stage.next() * APART_MS);
      const who = stage[name];
      const answer = await act(stage, made.id, made.digest, who, prepared);
      return { name, id: who.id, status: answer.status, why: problem(answer), body: answer.body };
    }),
  );
  const won = Object.keys(race.who).filter(
    (name) => answers.find((one) => one.name === name).status < 300,
  );
  await settle(race, stage, made.id, won);
  return {
    race,
    id: made.id,
    won,
    answers,
    startedAt,
    leavesBefore: race.before ? 2 : 1,
    deadline: Date.parse(made.created_at) + DEADLINE_MS,
  };
}

// --- judging -------------------------------------------------------------------------------------

/** The decision that the winner was told, if it was one. */
const decision = (fact) => fact.answers.find((one) => one.status < 300)?.body.decision;

/** Who may stand as the one who ended it: a winner, or in the undo races whoever had decided
 * before. */
function enders(fact) {
  const winners = fact.answers.filter((one) => one.status < 300).map((one) => one.id);
  return fact.race.undo ? [...winners, fact.stage.ana.id] : winners;
}

/** 409 with who decided or ended it, and when. */
function* toldWhoWon(fact, { name, body }) {
  const { ended_by: by, ended_at: at } = body;
  const stands = decision(fact);
  const ends = enders(fact);
  if (!by?.kind) return yield `${name} is not told who`;
  if (Number.isNaN(Date.parse(at ?? ''))) return yield `${name} is not told when`;
  if (ends.length === 0 && by.kind !== 'clock')
    yield `${name} is told ${by.kind}, it was the clock`;
  if (ends.length > 0 && !ends.includes(by.id)) yield `${name} is told ${by.kind} ${by.id}`;
  if (stands && !fact.race.before && body.decision?.id !== stands.id) {
    yield `${name} is told another decision`;
  }
  const away = Math.abs(Date.parse(at) - fact.startedAt);
  return away > FRESH_MS ? yield `${name} is told ${at}` : undefined;
}

/** Everything that is wrong with one contest. */
export function* judge(fact) {
  const { race } = fact;
  const end = race.ends.find((one) => one.won.join() === fact.won.join());
  if (!end) return yield `winners: ${fact.won.join(' and ') || 'nobody'}`;
  for (const loser of fact.answers.filter((one) => one.status >= 300)) {
    if (loser.status !== 409 || !(race.lose ?? NORMAL).includes(loser.why)) {
      yield `${loser.name} read ${loser.status} ${loser.why}`;
    } else if (loser.why === 'already-decided' || loser.body.ended_by) {
      yield* toldWhoWon(fact, loser);
    }
  }
  const at = decision(fact)?.at;
  if (race.clock === 'deadline_at' && at && Date.parse(at) > fact.deadline) {
    yield `decided at ${at}, behind the deadline`;
  }
  const leaves = fact.chain.slice(fact.leavesBefore).map((entry) => entry.kind);
  if (leaves.join() !== end.leaves.join())
    yield `the log has ${leaves.join()}, wanted ${end.leaves.join()}`;
  if (fact.api !== end.status) yield `the API says ${fact.api}, wanted ${end.status}`;
  return fact.store !== end.status
    ? yield `the store says ${fact.store}, wanted ${end.status}`
    : undefined;
}

/** What the API, the store and the log say about every contest; the server is stopped for it. */
async function collect(server, facts) {
  const api = new Map();
  await pool(facts, AT_ONCE, async (fact) => {
    api.set(fact.id, okay(await fact.stage.lea.get(`/v1/proposals/${fact.id}`)).status);
  });
  await server.stop();
  const leaves = await query(
    server.dir,
    'SELECT CAST(entry AS TEXT) entry FROM log_entries ORDER BY idx',
  );
  const chains = new Map();
  for (const { entry } of leaves) {
    const leaf = JSON.parse(entry);
    if (leaf.proposal) chains.set(leaf.proposal, [...(chains.get(leaf.proposal) ?? []), leaf]);
  }
  const states = new Map();
  const rows = await query(server.dir, 'SELECT last_leaf, state FROM proposals');
  const byLeaf = new Map(rows.map((row) => [row.last_leaf, STATES[row.state]]));
  for (const [i, { entry }] of leaves.entries()) {
    if (byLeaf.has(i)) states.set(JSON.parse(entry).proposal, byLeaf.get(i));
  }
  return facts.map((fact) => ({
    ...fact,
    api: api.get(fact.id),
    store: states.get(fact.id),
    chain: chains.get(fact.id) ?? [],
  }));
}

// --- the judge must be able to find something ----------------------------------------------------

const loserOf = (fact) => fact.answers.find((one) => one.status >= 300);
const withLoser = (fact, change) => ({
  ...fact,
  answers: fact.answers.map((one) => (one === loserOf(fact) ? change(one) : one)),
});
const LIES = {
  'two winners': (fact) => ({ ...fact, won: ['ana', 'ben'] }),
  'no winner': (fact) => ({ ...fact, won: [] }),
  'a loser with 500': (fact) =>
    withLoser(fact, (one) => ({ ...one, status: 500, why: 'internal' })),
  'a loser who is not told who': (fact) =>
    withLoser(fact, (one) => ({ ...one, body: { ...one.body, ended_by: null } })),
  'a loser who is not told when': (fact) =>
    withLoser(fact, (one) => ({ ...one, body: { ...one.body, ended_at: null } })),
  'a loser who is told the wrong person': (fact) =>
    withLoser(fact, (one) => ({
      ...one,
      body: { ...one.body, ended_by: { kind: 'reviewer', id: one.id } },
    })),
  'a second decision in the log': (fact) => ({
    ...fact,
    chain: [...fact.chain, fact.chain.at(-1)],
  }),
  'no decision in the log': (fact) => ({ ...fact, chain: fact.chain.slice(0, 1) }),
  'another state in the store': (fact) => ({ ...fact, store: 'pending' }),
  'a decision behind the deadline': (fact) => ({
    ...fact,
    race: { ...fact.race, clock: 'deadline_at' },
    deadline: 0,
  }),
  'another status in the API': (fact) => ({ ...fact, api: 'expired' }),
};

function checkTheJudge(score, fact) {
  for (const [lie, tell] of Object.entries(LIES)) {
    score.check(`the judge notices ${lie}`, [...judge(tell(fact))].length > 0);
  }
}

// --- main ----------------------------------------------------------------------------------------

/** Connections for all races at once: nobody loses by a slower handshake. */
const warm = (client) => Promise.all(Array.from({ length: AT_ONCE }, () => client.get('/v1/me')));

async function openStage(server, next) {
  const staff = await people(server, {
    reviewers: {
      ana: ['reviewer'],
      ben: ['reviewer'],
      cai: ['reviewer'],
      dee: ['reviewer'],
      eva: ['reviewer'],
      lea: ['lead'],
    },
    agents: ['bot'],
  });
  const agent = staff.agents.get('bot');
  const stage = Object.fromEntries(staff.reviewers.map((client) => [client.name, client]));
  const key = await fermata(server.dir, ['key', 'create', '--agent', 'bot']);
  const twin = Object.assign(new Client(server, key.key), { id: agent.id });
  const again = Object.assign(new Client(server, stage.ana.credential), { id: stage.ana.id });
  const all = { ...stage, agent, twin, again };
  await Promise.all(Object.values(all).map((client) => warm(client)));
  return { ...all, next };
}

/** How often each contestant won: a race that always ends the same way is none. */
function shares(facts) {
  const wins = {};
  for (const { won } of facts) {
    const name = won.join(' then ') || 'clock';
    wins[name] = (wins[name] ?? 0) + 1;
  }
  return Object.entries(wins)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}

function tell(score, races, facts) {
  for (const race of races) {
    const own = facts.filter((fact) => fact.race === race);
    console.log(`  ${String(own.length).padStart(5)}  ${race.name}: ${shares(own)}`);
    score.none(
      race.name,
      own.flatMap((fact) => [...judge(fact)].map((text) => `${fact.id} ${text}`)),
    );
  }
}

async function runOn(score, place, undo, races, opt) {
  const server = await new Server(`${place.dir}/${undo}`, policy(undo)).start();
  const stage = await openStage(server, random(opt.seed));
  const facts = [];
  for (const race of races) {
    const rounds = Array.from({ length: opt.full ? FULL : opt.count }, (_, i) => i);
    await pool(rounds, AT_ONCE, async () => facts.push({ ...(await contest(race, stage)), stage }));
  }
  const judged = await collect(server, facts);
  tell(score, races, judged);
  score.none(`the server logged no error (undo ${undo})`, server.errors());
  const result = await verify(server.dir);
  score.check(`the log of the races verifies (undo ${undo})`, result.code === 0, result.text);
  return judged;
}

async function main() {
  const opt = options({ full: false, count: COUNT, seed: 1, only: '' });
  await need();
  const place = folder('races');
  const score = new Score();
  const races = RACES.filter((race) => race.name.includes(opt.only));
  const plain = await runOn(
    score,
    place,
    '0s',
    races.filter((race) => !race.undo),
    opt,
  );
  await runOn(
    score,
    place,
    '1s',
    races.filter((race) => race.undo),
    opt,
  );
  const sample = plain.find((fact) => fact.race === RACES[0]);
  if (sample) checkTheJudge(score, sample);
  score.end(place);
}

await main();
