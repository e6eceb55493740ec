// SPDX-License-Identifier: Apache-2.0
// The agents and the reviewers of the replay. They know only what the API tells them, note every
// answer they were given, and go on over every restart of the server.
//
// 1. Each agent proposes its rows in their order: the next when the one before was acknowledged.
// 2. An action is executed only behind a redeemed permit, and the list of executions only grows.
// 3. A reviewer finds work in the inbox, reads the proposal, and decides what the plan says.
import { get } from 'node:http';
import { digestOf, pool, problem } from '../../tests/crash/lib.mjs';
import { proposalOf } from './rows.mjs';

const WAIT = '20s';
const DECIDING_AT_ONCE = 8;
const LOOK_AGAIN_MS = 500; // without news; news come from the stream at once
const GATHER_MS = 25; // news within it are looked at together

/** What all of them share: the rows' plans, what was said to whom, and what was done in the
 * world. */
export class World {
  constructor(rows) {
    this.rows = rows;
    this.told = new Map(); // row's id -> everything the clients were told about it
    this.executed = []; // {proposal, row, digest, permit}: the side effects
    this.acknowledged = 0;
    this.onAcknowledged = () => {};
  }

  teller(plan) {
    const told = { plan, decisions: [], probes: [] };
    this.told.set(plan.id, told);
    return told;
  }
}

// --- agents --------------------------------------------------------------------------------------

const claimsOf = (permit) => JSON.parse(Buffer.from(permit.split('.')[1], 'base64url').toString());

export class AgentAtWork {
  constructor(world, client) {
    this.world = world;
    this.client = client;
    this.last = Promise.resolve();
  }

  /** Proposes behind the agent's earlier rows; answers when the row has reached its end. */
  async live(row, plan) {
    const told = this.world.teller(plan);
    this.last = this.last.then(() => this.propose(row, told));
    await this.last;
    if (!told.acknowledged) return;
    await this.wait(told);
    if (told.final.status === 'approved') await this.execute(told);
  }

  async propose(row, told) {
    const answer = await this.client.post('/v1/proposals', proposalOf(row));
    if (answer.status !== 201 && !(answer.status === 200 && answer.replayed)) {
      told.refused = `${answer.status} ${JSON.stringify(answer.body)}`;
      return;
    }
    const { id, digest, status } = answer.body;
    told.acknowledged = { id, digest, status };
    told.body = answer.body;
    this.world.onAcknowledged(++this.world.acknowledged);
  }

  async wait(told) {
    let body = told.body;
    delete told.body;
    while (body.status === 'pending') {
      const answer = await this.client.get(`/v1/proposals/${body.id}?wait=${WAIT}`);
      if (answer.status !== 200) throw new Error(`reading ${body.id}: ${answer.status}`);
      body = answer.body;
    }
    told.final = {
      status: body.status,
      decision: body.decision?.id ?? null,
      by: body.decision?.by ?? null,
    };
    told.permit = body.permit;
    if (body.decision?.arguments) told.final.delivered = digestOf(body.decision.arguments);
    told.arguments = body.decision?.arguments;
  }

  async execute(told) {
    const { permit, arguments: delivered } = told;
    const claims = claimsOf(permit);
    told.permitted = { jti: claims.jti, digest: claims.arguments_sha256 };
    if (told.plan.plan === 'modify') await this.tryProposed(told, permit);
    const answer = await this.client.post('/v1/permits/redeem', { permit, arguments: delivered });
    told.redeemed = { status: answer.status, at: answer.body.redeemed_at, why: problem(answer) };
    if (answer.status !== 200) return;
    this.world.executed.push({
      proposal: told.acknowledged.id,
      row: told.plan.id,
      permit: claims.jti,
      digest: digestOf(answer.body.arguments),
    });
    if (told.plan.probed) await this.redeemAgain(told, permit, delivered);
    const outcome = await this.client.post(`/v1/proposals/${told.acknowledged.id}/outcome`, {
      status: 'succeeded',
      detail: `done as ${told.plan.id}`,
    });
    told.outcome = outcome.status;
    delete told.permit;
    delete told.arguments;
  }

  /** An agent that would rather do what it had proposed than what was approved. */
  async tryProposed(told, permit) {
    if (digestOf(told.plan.proposed) === told.plan.finalDigest) return;
    const answer = await this.client.post('/v1/permits/redeem', {
      permit,
      arguments: told.plan.proposed,
    });
    told.probes.push({ kind: 'other arguments', status: answer.status, want: 422 });
  }

  /** An agent that shows a used permit once more, as a new attempt. */
  async redeemAgain(told, permit, delivered) {
    const answer = await this.client.post('/v1/permits/redeem', { permit, arguments: delivered });
    told.probes.push({ kind: 'a used permit', status: answer.status, want: 409 });
  }
}

// --- reviewers -----------------------------------------------------------------------------------

export class Team {
  constructor(world, clients) {
    this.world = world;
    this.clients = clients;
    this.handled = new Set();
    this.stopped = false;
    this.news = this.#nextNews();
  }

  #nextNews() {
    return new Promise((done) => {
      this.ring = done;
    });
  }

  /** Works until stop(). */
  run() {
    for (const client of this.clients) this.#listen(client);
    return Promise.all(this.clients.map((client, i) => this.#work(client, i)));
  }

  stop() {
    this.stopped = true;
    this.ring();
  }

  /** The page's stream: only a bell here, the inbox says what there is. Opened again after a
   * restart. */
  async #listen(client) {
    while (!this.stopped) {
      await client.server.up;
      await new Promise((done) => {
        const headers = { authorization: `Bearer ${client.credential}` };
        const request = get(
          `${client.server.url}/v1/stream`,
          { headers, agent: false },
          (stream) => {
            stream.on('data', () => this.ring());
            stream.on('close', done);
            stream.on('error', done);
          },
        );
        request.on('error', () => setTimeout(done, GATHER_MS));
      });
    }
  }

  async #work(client, place) {
    while (!this.stopped) {
      const found = await this.#look(client, place);
      await pool(found, DECIDING_AT_ONCE, (id) => this.#decide(client, place, id));
      if (found.length > 0) continue;
      await Promise.race([
        this.news,
        new Promise((done) => {
          setTimeout(done, LOOK_AGAIN_MS);
        }),
      ]);
      await new Promise((done) => {
        setTimeout(done, GATHER_MS);
      });
      this.news = this.#nextNews();
    }
  }

  /** Everybody looks at the whole inbox and takes what falls to them, each proposal once. */
  async #look(client, place) {
    const mine = [];
    let cursor = '';
    do {
      const answer = await client.get(`/v1/inbox?limit=200&sort=due${cursor}`);
      for (const { id } of answer.body.items) {
        const owner = id.charCodeAt(id.length - 1) % this.clients.length;
        if (owner !== place || this.handled.has(id)) continue;
        this.handled.add(id);
        mine.push(id);
      }
      cursor = answer.body.next_cursor ? `&cursor=${answer.body.next_cursor}` : null;
    } while (cursor !== null);
    return mine;
  }

  async #decide(client, place, id) {
    const { body } = await client.get(`/v1/proposals/${id}`);
    const told = this.world.told.get(body.labels.row);
    if (told.plan.plan === 'leave') return;
    const decision = decisionOf(told.plan, body.digest);
    const second = this.clients[(place + 1) % this.clients.length];
    const deciders = told.plan.raced ? [client, second] : [client];
    await Promise.all(
      deciders.map(async (by) => {
        const answer = await by.post(`/v1/proposals/${id}/decision`, decision);
        told.decisions.push({
          by: by.id,
          status: answer.status,
          why: problem(answer),
          decision: answer.body.decision?.id ?? null,
          ended: answer.body.proposal_status,
        });
      }),
    );
  }
}

function decisionOf(plan, digest) {
  if (plan.plan === 'modify') return { verdict: 'modify', digest, arguments: plan.final };
  if (plan.plan === 'reject') {
    return {
      verdict: 'reject',
      digest,
      reason: 'This is not what was asked for',
      reason_code: 'policy',
    };
  }
  return { verdict: 'approve', digest };
}
