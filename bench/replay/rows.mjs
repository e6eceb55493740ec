// SPDX-License-Identifier: Apache-2.0
// The recorded actions of real agents, as proposals: what each of them sends, what the policy does
// with it, and what the scripted reviewers are to answer. Everything here follows from the rows
// alone, so the same rows always give the same plan.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { canonical, sha256 } from '../../tests/crash/lib.mjs';

const LEFT_ONE_IN = 10; // holds that nobody answers
const PROBED_ONE_IN = 10; // executions after which the permit is shown once more
const RACED_ONE_IN = 20; // holds that two reviewers decide at the same moment
const SUMMARY_MAX = 300;
const LABEL_BYTES_MAX = 250;
const TEXT_MAX = 8000;

/** Words of the data for effects, and the policy's. */
const EFFECTS = {
  none: 'none',
  money: 'money',
  record: 'record',
  outbound: 'message',
  auth: 'auth',
  handoff: 'handoff',
  message: 'message',
  external_fetch: 'fetch',
};

/** The wire's alphabet for actions: [a-z0-9._/-]. The same tool differs between domains. */
export const actionName = (row) =>
  `${row.domain}/${row.action}`.toLowerCase().replace(/[^a-z0-9._/-]/g, '-');

export const agentName = (row) =>
  row.agent
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/-$/, '');

/** A share of the rows, by a hash of the row's id: `one` in `among`. */
const chosen = (row, purpose, among) =>
  Number.parseInt(sha256(`${purpose} ${row.id}`).slice(0, 8), 16) % among === 0;

/** Evenly spaced rows in their order: every agent and every kind of answer is among them. */
function thin(rows, wanted) {
  if (!wanted || wanted >= rows.length) return rows;
  return Array.from({ length: wanted }, (_, i) => rows[Math.floor((i * rows.length) / wanted)]);
}

/** {rows, tools}, or null where the data is not there. */
export function load(folder, wanted) {
  const file = join(folder, 'agent_actions/actions.jsonl.gz');
  if (!existsSync(file)) return null;
  const text = gunzipSync(readFileSync(file)).toString();
  const rows = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  rows.sort((a, b) => a.seq - b.seq);
  const tools = JSON.parse(readFileSync(join(folder, 'agent_actions/tools.json'), 'utf8'));
  return { rows: thin(rows, wanted), tools };
}

/** The policy: what has no effect goes on at once, everything else is reviewed. */
export function policyOf(tools, respondWithin) {
  const actions = new Map(tools.map((tool) => [actionName(tool), tool.effect]));
  const lines = [...actions].sort().map(([name, effect]) => {
    const then = effect === 'none' ? 'allow' : 'review';
    return `  ${name}: {then: ${then}, effects: [${EFFECTS[effect]}]}`;
  });
  return `version: 1
defaults:
  then: review
  queue: general
  mode: glance
  undo: 0s
  respond_within: ${respondWithin}
  on_expiry: expire
  decide_by: [token]
  valid_for: 24h
  warm_up: 0
actions:
${lines.join('\n')}
unknown_actions: block
limits: {pending_per_agent: 1000000, proposals_per_minute: 1000000}
queues:
  general: {members: [role:reviewer]}
reasons: [policy, other]
`;
}

/** Where in the arguments the message stands that people should read, as an RFC 6901 pointer. */
function draftPointer(value, draft, path = '') {
  if (value === draft) return path;
  if (value === null || typeof value !== 'object') return null;
  for (const [name, inner] of Object.entries(value)) {
    const step = name.replaceAll('~', '~0').replaceAll('/', '~1');
    const found = draftPointer(inner, draft, `${path}/${step}`);
    if (found !== null) return found;
  }
  return null;
}

function clip(text, bytes) {
  let out = text.slice(0, bytes).replace(/[\ud800-\udbff]$/, '');
  while (Buffer.byteLength(out) > bytes) out = [...out].slice(0, -1).join('');
  return out;
}

function evidenceOf(row) {
  return (row.context ?? []).map((message, i) => ({
    title: `Message ${i + 1}: ${message.role}`,
    text: clip(message.text ?? '', TEXT_MAX),
    ...(message.calls ? { data: message.calls } : {}),
  }));
}

/** What would be executed as proposed. A message to the customer is in `draft`: it becomes an
 * argument. */
export function argumentsOf(row) {
  const isBare = Object.keys(row.arguments).length === 0;
  return isBare && row.draft ? { message: row.draft } : row.arguments;
}

/** The body of POST /v1/proposals. */
export function proposalOf(row) {
  const args = argumentsOf(row);
  const pointer = row.draft ? draftPointer(args, row.draft) : null;
  const brief = { summary: clip(`${row.action} in ${row.domain}, step ${row.step}`, SUMMARY_MAX) };
  if (row.request_text) brief.request = clip(row.request_text, TEXT_MAX);
  if (row.reasoning) brief.reasoning = clip(row.reasoning, TEXT_MAX);
  if (pointer !== null) brief.draft = { pointer, format: 'text/plain' };
  const evidence = evidenceOf(row);
  if (evidence.length > 0) brief.evidence = evidence;
  return {
    action: actionName(row),
    arguments: args,
    agent_version: clip(row.model, LABEL_BYTES_MAX),
    brief,
    domains: [row.domain],
    session: row.session,
    labels: { row: row.id, source: clip(row.source ?? 'none', LABEL_BYTES_MAX) },
  };
}

/** What is to become of a row: `policy` (nobody asked), `leave` (nobody answers), or the oracle's
 * word. */
function planOf(row) {
  if (row.effect === 'none') return 'policy';
  if (chosen(row, 'leave', LEFT_ONE_IN)) return 'leave';
  return row.oracle?.decision ?? 'approve';
}

/** Everything that is known of a row before it is proposed. */
export function planned(row) {
  const plan = planOf(row);
  const proposed = argumentsOf(row);
  const final = plan === 'modify' ? row.oracle.arguments : proposed;
  return {
    id: row.id,
    seq: row.seq,
    agent: agentName(row),
    action: actionName(row),
    plan,
    proposed,
    final,
    finalDigest: sha256(canonical(final)),
    probed: chosen(row, 'probe', PROBED_ONE_IN),
    raced: chosen(row, 'race', RACED_ONE_IN),
  };
}
