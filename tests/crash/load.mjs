// SPDX-License-Identifier: Apache-2.0
// All write calls at once, by clients that ask once and note what they were answered. What came
// back as a success is acknowledged; what came back as a refusal must not have happened; what was
// never answered may have happened, wholly or not at all.
import { randomUUID } from 'node:crypto';
import { pause, pick, problem, query } from './lib.mjs';

const LATER_MAX = 200; // approvals that wait for their release at a time

/** What was said about writes: success, refusal, or silence. */
export class Ledger {
  constructor() {
    this.writes = []; // {leaf, proposal, mark, said: 'done' | 'refused' | 'silent', status, why}
    this.gone = false; // somebody found nobody at the other end
    this.waiting = new Set();
  }

  /** Something that ends by itself; work() waits for it. Beyond LATER_MAX it is left out. */
  later(task) {
    if (this.waiting.size >= LATER_MAX) return;
    const running = task().finally(() => this.waiting.delete(running));
    this.waiting.add(running);
  }

  /** One write; `leaf` is the event that it makes, `mark` what is unique in a fresh proposal. */
  async write(client, method, path, body, { leaf, proposal, mark }) {
    const note = { leaf, proposal, mark, said: 'silent' };
    this.writes.push(note);
    try {
      const answer = await client.once(method, path, body);
      note.status = answer.status;
      note.why = problem(answer);
      note.said = answer.status < 300 ? 'done' : 'refused';
      if (note.said === 'done' && !proposal) note.proposal = answer.body.id;
      return answer;
    } catch {
      this.gone = true;
      return null;
    }
  }

  count(said) {
    return this.writes.filter((note) => note.said === said).length;
  }
}

const done = (answer) => answer !== null && answer.status < 300;

/** One life of a proposal, its turns chosen by `next`; ends early when something is refused or
 * silent. */
class Life {
  constructor(ledger, stage) {
    this.ledger = ledger;
    this.stage = stage;
  }

  post(who, verb, body, leaf) {
    return this.ledger.write(who, 'POST', `/v1/proposals/${this.id}/${verb}`, body, {
      leaf,
      proposal: this.id,
    });
  }

  async propose(action) {
    const mark = randomUUID();
    const request = { action, arguments: { mark }, brief: { summary: 'under load' } };
    const leaf = action === 'load.allow' ? 'proposal.released' : 'proposal.held';
    const answer = await this.ledger.write(this.stage.agent, 'POST', '/v1/proposals', request, {
      leaf,
      mark,
    });
    if (!done(answer)) return false;
    this.id = answer.body.id;
    this.digest = answer.body.digest;
    this.arguments = { mark };
    this.permit = answer.body.permit;
    return true;
  }

  decide(verdict) {
    const body = { verdict, digest: this.digest };
    if (verdict === 'modify') body.arguments = { ...this.arguments, changed: true };
    if (verdict === 'reject' || verdict === 'return') body.reason = 'because';
    return this.post(this.stage.ana, 'decision', body, 'proposal.decided');
  }

  /** Read again until the undo time is over. */
  async release() {
    const read = await this.stage.agent
      .once('GET', `/v1/proposals/${this.id}?wait=5s`)
      .catch(() => null);
    if (read === null) this.ledger.gone = true;
    this.permit = read?.body.permit;
    this.arguments = read?.body.decision?.arguments;
    return Boolean(this.permit);
  }

  async execute() {
    const body = { permit: this.permit, arguments: this.arguments };
    const answer = await this.ledger.write(this.stage.agent, 'POST', '/v1/permits/redeem', body, {
      leaf: 'permit.redeemed',
      proposal: this.id,
    });
    if (done(answer))
      await this.post(this.stage.agent, 'outcome', { status: 'succeeded' }, 'proposal.outcome');
  }
}

/** Approved or modified, and executed when the undo time is over; meanwhile the lane goes on. */
async function approved(life, verdict) {
  if (!(await life.propose('load.hold')) || !done(await life.decide(verdict))) return;
  life.ledger.later(async () => {
    if (await life.release()) await life.execute();
  });
}

/* The turns that lives take; each uses other calls. */
const TURNS = [
  async (life) => {
    if (await life.propose('load.allow')) await life.execute();
  },
  async (life) => approved(life, 'approve'),
  async (life) => approved(life, 'modify'),
  async (life) => {
    if (await life.propose('load.hold')) await life.decide('reject');
  },
  async (life) => {
    if (!(await life.propose('load.hold')) || !done(await life.decide('return'))) return;
    const body = { arguments: { mark: randomUUID(), again: 1 } };
    const revised = await life.post(life.stage.agent, 'revise', body, 'proposal.revised');
    if (!done(revised)) return;
    life.digest = revised.body.digest;
    await life.decide('reject');
  },
  async (life) => {
    if (await life.propose('load.hold'))
      await life.post(life.stage.agent, 'withdraw', {}, 'proposal.withdrawn');
  },
  async (life) => {
    if (!(await life.propose('load.hold')) || !done(await life.decide('approve'))) return;
    if (done(await life.post(life.stage.ana, 'undo', {}, 'proposal.undone')))
      await life.decide('reject');
  },
  async (life) => {
    if (!(await life.propose('load.hold'))) return;
    if (!done(await life.post(life.stage.ben, 'claim', {}, 'proposal.claimed'))) return;
    await life.post(life.stage.ben, 'unclaim', {}, 'proposal.unclaimed');
    await life.post(life.stage.ben, 'comment', { text: 'look at this' }, 'proposal.commented');
  },
];

/** `width` clients at work until `until()` says stop; with `steady`, refusals do not end it. */
export async function work(ledger, stage, { width, until, next, steady = false }) {
  const lane = async () => {
    while (!until() && (steady || !ledger.gone)) {
      const before = ledger.writes.length;
      await TURNS[pick(next, TURNS.length)](new Life(ledger, stage));
      if (ledger.writes.at(-1)?.said === 'refused' && before < ledger.writes.length) await pause(1);
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  await Promise.all(ledger.waiting);
}

// --- what is in the store ------------------------------------------------------------------------

/** Leaves by `proposal kind`, and the marks of the stored requests, from the leaf `since` on; read
 * while the server is down. */
export async function readStore(dir, since = 0) {
  const from = `idx >= ${since}`;
  const leaves = await query(
    dir,
    `SELECT CAST(entry AS TEXT) entry FROM log_entries WHERE ${from} ORDER BY idx`,
  );
  const marks = await query(
    dir,
    `SELECT json_extract(CAST(body AS TEXT), '$.arguments.mark') mark FROM payloads
    WHERE ${from} AND json_valid(CAST(body AS TEXT))`,
  );
  const [{ rows }] = await query(
    dir,
    `SELECT count(*) rows FROM proposals WHERE payload >= ${since}
    OR last_leaf >= ${since}`,
  );
  const kinds = new Map();
  const proposals = new Set();
  for (const { entry } of leaves) {
    const { proposal, kind } = JSON.parse(entry);
    if (!proposal) continue;
    proposals.add(proposal);
    kinds.set(`${proposal} ${kind}`, (kinds.get(`${proposal} ${kind}`) ?? 0) + 1);
  }
  return {
    kinds,
    marks: new Set(marks.map((row) => row.mark)),
    leaves: since + leaves.length,
    rows,
    logged: proposals.size,
  };
}

/** What of the ledger does not fit the store. */
export function* judge(ledger, store) {
  const said = new Map();
  if (store.rows !== store.logged)
    yield `${store.rows} proposals in the store, ${store.logged} in the log`;
  for (const note of ledger.writes) {
    const isThere = note.mark && store.marks.has(note.mark);
    if (isThere && note.said === 'refused')
      yield `refused with ${note.status}, but stored: ${note.mark}`;
    if (note.mark && note.said === 'done' && !isThere)
      yield `acknowledged, but not stored: ${note.proposal}`;
    if (!note.proposal) continue;
    const key = `${note.proposal} ${note.leaf}`;
    const counts = said.get(key) ?? { done: 0, refused: 0, silent: 0 };
    counts[note.said]++;
    said.set(key, counts);
  }
  for (const [key, counts] of said) {
    const there = store.kinds.get(key) ?? 0;
    const released = key.endsWith('released') ? 1 : 0; // the clock's own, after a person's approval
    const most = counts.done + counts.silent + released;
    if (there < counts.done || there > most) {
      yield `${key}: ${there} in the log, ${counts.done} acknowledged, ${counts.silent} unanswered`;
    }
  }
}
