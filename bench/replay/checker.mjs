// SPDX-License-Identifier: Apache-2.0
// Holds what the clients were told against what the API, the store and the log say. Pure:
// everything comes in as one value and goes out as sentences, so that the checker itself can be
// tested (`sabotage`).
//
// input = {plans, told: Map(row -> told), executed: [...],
//          api: Map(proposal -> body), store: [row of proposals], leaves: [{index, entry}], verify}

const FINAL = {
  policy: 'approved',
  approve: 'approved',
  modify: 'approved',
  reject: 'rejected',
  leave: 'expired',
};
const EXECUTED_STATES = new Set(['redeemed', 'settled']);
export const STATES = [
  'waiting',
  'claimed',
  'undo',
  'approved',
  'returned',
  'redeemed',
  'settled',
  'rejected',
  'blocked',
  'expired',
  'withdrawn',
];
const STATUS_OF = {
  waiting: 'pending',
  claimed: 'pending',
  undo: 'pending',
  redeemed: 'approved',
  settled: 'approved',
};

/** The log by proposal: its leaves in order. */
function chains(leaves) {
  const out = new Map();
  for (const leaf of leaves) {
    const id = leaf.entry.proposal;
    if (!id) continue;
    if (!out.has(id)) out.set(id, []);
    out.get(id).push(leaf);
  }
  return out;
}

/** Makes the input easy to ask: one record for each row. */
function joined(input) {
  const store = new Map(input.store.map((row) => [row.id, row]));
  const chain = chains(input.leaves);
  const runs = new Map();
  for (const run of input.executed)
    runs.set(run.proposal, [...(runs.get(run.proposal) ?? []), run]);
  return input.plans.map((plan) => {
    const told = input.told.get(plan.id);
    const id = told?.acknowledged?.id;
    return {
      plan,
      told,
      id,
      api: input.api.get(id),
      row: store.get(id),
      chain: chain.get(id) ?? [],
      runs: runs.get(id) ?? [],
    };
  });
}

const of = (life, kind) => life.chain.filter((leaf) => leaf.entry.kind === kind);
/** Meant to be answered, but its time ran out first: the reviewers were too slow. */
export const isLate = (life) =>
  life.plan.plan !== 'leave' &&
  life.plan.plan !== 'policy' &&
  life.told?.final?.status === 'expired';
const want = (life) => (isLate(life) ? 'expired' : FINAL[life.plan.plan]);

function* lost(life) {
  if (!life.told?.acknowledged) yield `was not acknowledged: ${life.told?.refused}`;
  else if (!life.api) yield 'is acknowledged and not in the API';
  else if (!life.row) yield 'is acknowledged and not in the store';
  else if (life.chain.length === 0) yield 'is acknowledged and not in the log';
  else if (life.api.digest !== life.told.acknowledged.digest)
    yield 'has another digest than was said';
  else if (life.row.label !== life.plan.id) yield 'holds another row';
}

function* ended(life) {
  if (life.told?.final?.status !== want(life)) {
    yield `ended ${life.told?.final?.status}, wanted ${want(life)}`;
  }
}

function* agree(life) {
  if (!life.api || !life.row) return;
  const status = STATUS_OF[life.row.state] ?? life.row.state;
  if (life.api.status !== life.told.final?.status)
    yield `API ${life.api.status}, told ${life.told.final?.status}`;
  if (life.api.status !== status) yield `API ${life.api.status}, store ${life.row.state}`;
  if (life.chain.at(-1)?.index !== life.row.leaf)
    yield 'the store names another newest leaf than the log has';
}

function* decidedTwice(life) {
  const leaves = of(life, 'proposal.decided');
  const wins = (life.told?.decisions ?? []).filter((answer) => answer.status === 200);
  if (leaves.length > 1) yield `${leaves.length} decisions in the log`;
  if (wins.length > 1) yield `${wins.length} reviewers were told that they decided`;
  if (wins.length !== leaves.length)
    yield `${wins.length} decisions acknowledged, ${leaves.length} in the log`;
  if (wins.length === 1 && wins[0].decision !== life.api?.decision?.id)
    yield 'another decision stands';
  if (wins.length === 1 && wins[0].by !== life.api?.decision?.by?.id)
    yield 'another person decided';
  if (wins.length === 1 && leaves[0]?.entry.data.decision !== wins[0].decision) {
    yield 'the log has another decision';
  }
}

function* losers(life) {
  for (const answer of life.told?.decisions ?? []) {
    if (answer.status === 200) continue;
    if (answer.status !== 409 || answer.why !== 'already-decided')
      yield `a loser read ${answer.status} ${answer.why}`;
    else if (answer.ended !== life.api?.status) yield `a loser was told ${answer.ended}`;
  }
}

function* wrongDelivery(life) {
  const delivers = FINAL[life.plan.plan] === 'approved' && !isLate(life);
  if (!delivers) return;
  if (life.told?.final?.delivered !== life.plan.finalDigest) yield 'the agent read other arguments';
  if (life.told?.permitted?.digest !== life.plan.finalDigest)
    yield 'the permit is for other arguments';
  for (const run of life.runs) {
    if (run.digest !== life.plan.finalDigest) yield 'other arguments were executed';
  }
}

function* redemptions(life) {
  const leaves = of(life, 'permit.redeemed');
  const should = want(life) === 'approved' ? 1 : 0;
  if (leaves.length !== should) yield `${leaves.length} redemptions in the log, wanted ${should}`;
  if (should && life.told?.redeemed?.status !== 200) {
    yield `redeem answered ${life.told?.redeemed?.status} ${life.told?.redeemed?.why}`;
  }
  if (life.row && EXECUTED_STATES.has(life.row.state) !== (should === 1))
    yield `is ${life.row.state}`;
  for (const probe of life.told?.probes ?? []) {
    if (probe.status !== probe.want) yield `${probe.kind}: ${probe.status}`;
  }
}

function* executions(life) {
  const should = want(life) === 'approved' ? 1 : 0;
  if (life.runs.length !== should) yield `executed ${life.runs.length} times, wanted ${should}`;
  if (should && life.told?.outcome !== 200) yield `its outcome was answered ${life.told?.outcome}`;
  if (should && of(life, 'proposal.outcome').length !== 1)
    yield 'not exactly one outcome in the log';
}

function* expiredIsDead(life) {
  if (life.told?.final?.status !== 'expired' && life.api?.status !== 'expired') return;
  if (life.runs.length > 0) yield 'expired and executed';
  if (of(life, 'permit.redeemed').length > 0) yield 'expired and redeemed';
  if (of(life, 'proposal.decided').length > 0) yield 'expired and decided';
  if (life.chain.at(-1)?.entry.kind !== 'proposal.expired')
    yield 'the log does not end with its expiry';
  if (life.chain.at(-1)?.entry.by.kind !== 'clock') yield 'not the clock ended it';
}

const EACH = {
  'every acknowledged proposal is there': lost,
  'every proposal ended as planned': ended,
  'API, store and log agree': agree,
  'nothing was decided twice': decidedTwice,
  'every loser was told who won': losers,
  'exactly the approved arguments were delivered': wrongDelivery,
  'every permit was redeemed once': redemptions,
  'every approval was executed once': executions,
  'what expired was never executed': expiredIsDead,
};

// --- rules over the whole ------------------------------------------------------------------------

function repeated(values) {
  const seen = new Set();
  return values.filter((value) => seen.size === seen.add(value).size);
}

function* strangers(input) {
  const known = new Set([...input.told.values()].map((told) => told.acknowledged?.id));
  for (const row of input.store) if (!known.has(row.id)) yield `${row.id} was never acknowledged`;
  for (const label of repeated(input.store.map((row) => row.label)))
    yield `${label} is stored twice`;
}

function* sameExecution(input) {
  for (const name of ['proposal', 'row', 'permit']) {
    for (const value of repeated(input.executed.map((run) => run[name])))
      yield `${name} ${value} ran twice`;
  }
}

function* order(input) {
  const seq = new Map(input.plans.map((plan) => [plan.id, plan.seq]));
  const last = new Map();
  const rows = input.store.toSorted((a, b) => a.row - b.row);
  for (const row of rows) {
    if (seq.get(row.label) <= (last.get(row.agent) ?? -1))
      yield `${row.label} is out of its agent's order`;
    last.set(row.agent, seq.get(row.label));
  }
}

function* logged(input) {
  if (input.verify.code !== 0)
    yield `audit verify ended with ${input.verify.code}: ${input.verify.text}`;
  for (const [i, leaf] of input.leaves.entries())
    if (leaf.index !== i) yield `leaf ${i} is missing`;
}

const WHOLE = {
  'nothing was stored that nobody proposed': strangers,
  'no execution happened twice': sameExecution,
  'each agent kept its order': order,
  'the log verifies': logged,
};

/** Rule -> findings, all of them; empty lists mean that all is well. */
export function check(input) {
  const lives = joined(input);
  const out = new Map();
  for (const [name, rule] of Object.entries(EACH)) {
    out.set(
      name,
      lives.flatMap((life) => [...rule(life)].map((text) => `${life.plan.id} ${text}`)),
    );
  }
  for (const [name, rule] of Object.entries(WHOLE)) out.set(name, [...rule(input)]);
  return out;
}

/** What happened, for the table at the end. */
export function counts(input) {
  const lives = joined(input);
  const count = (holds) => lives.filter(holds).length;
  const all = (list) => lives.reduce((sum, life) => sum + list(life).length, 0);
  return {
    proposals: lives.length,
    'approved by policy': count((life) => life.plan.plan === 'policy'),
    held: count((life) => life.plan.plan !== 'policy'),
    'approved by people': count((life) => life.plan.plan === 'approve' && !isLate(life)),
    modified: count((life) => life.plan.plan === 'modify' && !isLate(life)),
    rejected: count((life) => life.plan.plan === 'reject' && !isLate(life)),
    'left to expire': count((life) => life.plan.plan === 'leave'),
    'answered too late (expired too)': count(isLate),
    'decided by two at once': count((life) => (life.told?.decisions.length ?? 0) > 1),
    'probes with a used permit or other arguments': all((life) => life.told?.probes ?? []),
    executed: input.executed.length,
    'leaves of the log': input.leaves.length,
  };
}

// --- the checker must be able to fail ------------------------------------------------------------

const changed = (map, key, change) => new Map(map).set(key, { ...map.get(key), ...change });
const withPlan = (input, plan) =>
  input.plans.find(
    (one) => one.plan === plan && input.told.get(one.id).final?.status === FINAL[plan],
  );
const idOf = (input, plan) => input.told.get(withPlan(input, plan).id).acknowledged.id;
const without = (input, id, kind) =>
  input.leaves.filter((leaf) => leaf.entry.proposal !== id || leaf.entry.kind !== kind);
const leafOf = (input, id, kind) =>
  input.leaves.find((leaf) => leaf.entry.proposal === id && leaf.entry.kind === kind);

/** One lie for each rule: the name of the rule that must notice, and the input with the lie in
 * it. */
export const sabotage = {
  'an acknowledged proposal is gone': [
    'every acknowledged proposal is there',
    (input) => {
      const api = new Map(input.api);
      api.delete(idOf(input, 'approve'));
      return { ...input, api };
    },
  ],
  'a rejected one was delivered': [
    'every proposal ended as planned',
    (input) => ({
      ...input,
      told: changed(input.told, withPlan(input, 'reject').id, { final: { status: 'approved' } }),
    }),
  ],
  'the store says something else': [
    'API, store and log agree',
    (input) => ({
      ...input,
      store: input.store.map((row) =>
        row.id === idOf(input, 'reject') ? { ...row, state: 'settled' } : row,
      ),
    }),
  ],
  'a decision is missing in the log': [
    'nothing was decided twice',
    (input) => ({ ...input, leaves: without(input, idOf(input, 'approve'), 'proposal.decided') }),
  ],
  'a decision is in the log twice': [
    'nothing was decided twice',
    (input) => ({
      ...input,
      leaves: [...input.leaves, leafOf(input, idOf(input, 'approve'), 'proposal.decided')],
    }),
  ],
  'a loser was told nothing': [
    'every loser was told who won',
    (input) => {
      const { id } = withPlan(input, 'approve');
      const decisions = [...input.told.get(id).decisions, { status: 500, why: 'internal' }];
      return { ...input, told: changed(input.told, id, { decisions }) };
    },
  ],
  'the proposed arguments were executed, not the modified ones': [
    'exactly the approved arguments were delivered',
    (input) => ({
      ...input,
      executed: input.executed.map((run) =>
        run.proposal === idOf(input, 'modify') ? { ...run, digest: '0' } : run,
      ),
    }),
  ],
  'a permit was redeemed twice': [
    'every permit was redeemed once',
    (input) => ({
      ...input,
      leaves: [...input.leaves, leafOf(input, idOf(input, 'approve'), 'permit.redeemed')],
    }),
  ],
  'an execution was forgotten': [
    'every approval was executed once',
    (input) => ({ ...input, executed: input.executed.slice(1) }),
  ],
  'an expired one was executed': [
    'what expired was never executed',
    (input) => ({
      ...input,
      executed: [
        ...input.executed,
        { proposal: idOf(input, 'leave'), row: 'x', permit: 'x', digest: 'x' },
      ],
    }),
  ],
  'a proposal came from nowhere': [
    'nothing was stored that nobody proposed',
    (input) => ({ ...input, store: [...input.store, { ...input.store[0], id: 'prp_0' }] }),
  ],
  'an execution happened twice': [
    'no execution happened twice',
    (input) => ({ ...input, executed: [...input.executed, input.executed[0]] }),
  ],
  'two of an agent changed places': [
    'each agent kept its order',
    (input) => ({ ...input, store: input.store.map((row) => ({ ...row, row: -row.row })) }),
  ],
  'a leaf is missing': [
    'the log verifies',
    (input) => ({ ...input, leaves: input.leaves.slice(1) }),
  ],
};
