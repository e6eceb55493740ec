// SPDX-License-Identifier: Apache-2.0
// A receiver of callbacks that fails at random, for callbacks.mjs: a process of its own, so that it
// can be killed. What it has seen stands in a file, line by line, before it answers.
//
// It verifies every signature with the npm package `standardwebhooks`, as a receiver should. It lets
// one callback fail at most `failures` times in its life: the end of a run must come.
//
// Called with one word of JSON: {hosts, port, log, secret, seed, failures}; prints `ready PORT`.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Webhook } from 'standardwebhooks';
import { random } from './lib.mjs';

const { hosts, port, log, secret, seed, failures: most } = JSON.parse(process.argv[2]);
const next = random(seed);
const webhook = new Webhook(secret);
const failures = failuresBefore();

/** How often each of them, and what the sender gets to see. */
const WAYS = [
  { name: 'reset', share: 0.05, answer: (_, response) => response.socket.destroy() },
  { name: '500', share: 0.05, answer: (_, response) => response.writeHead(500).end('no') },
  { name: '302', share: 0.01, answer: (_, response) => response.writeHead(302, { location: '/elsewhere' }).end() },
  { name: '429', share: 0.01, answer: (_, response) => response.writeHead(429, { 'retry-after': '1' }).end() },
  { name: 'timeout', share: 0.02, answer: () => {} },
  { name: 'half', share: 0.02, answer: (_, response) => half(response) },
  // It counts here, and the sender never learns it: the same comes again.
  { name: 'unsaid', share: 0.03, accepted: true, answer: (_, response) => response.socket.destroy() },
  { name: 'slow', share: 0.03, well: true, accepted: true, answer: (_, response) => setTimeout(() => response.writeHead(204).end(), 300) },
  { name: 'large', share: 0.01, well: true, accepted: true, answer: (_, response) => response.writeHead(200).end('x'.repeat(1 << 20)) },
];
const WELL = { name: 'well', well: true, accepted: true, answer: (_, response) => response.writeHead(204).end() };

/** Those of the processes before this one, that were killed. */
function failuresBefore() {
  const before = new Map();
  const lines = existsSync(log) ? readFileSync(log, 'utf8').split('\n').slice(0, -1) : [];
  for (const { id, failed } of lines.map((line) => JSON.parse(line))) {
    if (failed) before.set(id, (before.get(id) ?? 0) + 1);
  }
  return before;
}

function half(response) {
  response.writeHead(200, { 'content-length': 100 });
  response.write('half of');
  setImmediate(() => response.socket.destroy());
}

function way(id) {
  let at = next();
  const found = WAYS.find(({ share }) => (at -= share) < 0) ?? WELL;
  const failed = failures.get(id) ?? 0;
  if (found.well) return found;
  if (failed >= most) return WELL;
  failures.set(id, failed + 1);
  return found;
}

function verified(body, headers) {
  try {
    webhook.verify(body, headers);
    return true;
  } catch {
    return false;
  }
}

function take(request, response) {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const body = Buffer.concat(parts).toString();
    const id = request.headers['webhook-id'];
    const chosen = way(id);
    const note = {
      id,
      way: chosen.name,
      accepted: chosen.accepted === true,
      failed: chosen.well !== true,
      verified: verified(body, request.headers),
      trace: request.headers.traceparent,
      path: request.url,
      body,
    };
    appendFileSync(log, `${JSON.stringify(note)}\n`);
    chosen.answer(request, response);
  });
}

let bound = port;
for (const host of hosts) {
  const server = createServer({ keepAliveTimeout: 2000 }, take);
  server.on('clientError', (_, socket) => socket.destroy());
  await new Promise((done) => {
    server.listen(bound, host, done);
  });
  bound = server.address().port;
}
console.log(`ready ${bound}`);
