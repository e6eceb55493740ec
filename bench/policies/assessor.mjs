// SPDX-License-Identifier: Apache-2.0
// A running build/bench/policies: gives it proposals one by one and reads what becomes of each. Keeps
// what a server would keep beside: whom people approved, and what of a budget is used up.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const STRICTNESS = ['allow', 'earn', 'review', 'block', 'refused'];

/** The stricter of two verdicts. `refused` is what the schema says: nobody is even asked. */
export const stricter = (a, b) => (STRICTNESS.indexOf(a) >= STRICTNESS.indexOf(b) ? a : b);

export class Assessor {
  #child;
  #lines;
  #used = new Map(); // budget and whose -> millionths
  #known = new Map(); // agent and party -> recipients
  #errors = '';

  constructor(program, policyFile) {
    this.#child = spawn(program, [policyFile], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr.on('data', (text) => { this.#errors += text; });
    this.#child.stdin.on('error', () => {}); // it has ended: the next line does not come, and says so
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** {verdict, rules, unsourced, recipients, uses}: budgets that are exceeded are among the rules. */
  async assess(proposal) {
    const known = [...(this.#known.get(partyOf(proposal)) ?? [])];
    this.#child.stdin.write(`${JSON.stringify({ ...proposal, known })}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the assessor ended: ${this.#errors || 'it says nothing'}`);
    const answer = { rules: [], unsourced: [], recipients: [], uses: [], ...JSON.parse(value) };
    for (const use of answer.uses) {
      const used = this.#used.get(keyOf(use, proposal)) ?? 0;
      if (used + use.micros <= use.limit_micros) continue;
      answer.verdict = stricter(answer.verdict, use.then);
      answer.rules.push(use.budget);
    }
    return answer;
  }

  /** It was let go, or a person approved it: budgets are charged. */
  charge(proposal, answer) {
    for (const use of answer.uses) {
      const key = keyOf(use, proposal);
      this.#used.set(key, (this.#used.get(key) ?? 0) + use.micros);
    }
  }

  /** A person approved it: its recipients are known to this action from now on, for whom the agent acts. */
  learn(proposal, answer) {
    const key = partyOf(proposal);
    const known = this.#known.get(key) ?? new Set();
    for (const recipient of answer.recipients) known.add(recipient);
    this.#known.set(key, known);
  }

  async end() {
    this.#child.stdin.end();
    await new Promise((resolve) => { this.#child.once('close', resolve); });
    if (this.#errors) throw new Error(this.#errors);
  }
}

const partyOf = (proposal) => `${proposal.agent} ${proposal.on_behalf_of} ${proposal.action}`;

function keyOf(use, proposal) {
  const whose = { agent: proposal.agent, subject: `${proposal.agent} ${proposal.subject}`,
    action: proposal.action, category: proposal.action, all: '' };
  return `${use.budget} ${whose[use.per]}`;
}
