// SPDX-License-Identifier: Apache-2.0
// The baseline of the benchmark: the approval server that a team would write in a day with fastify
// and SQLite. It is written to be good: prepared statements, one commit for all writes of an
// event-loop turn, answers only after that commit, wake-ups in the process. It must never be made
// slower to look worse: a faster idea that fits in that day belongs in here.
//   node server.mjs init --data DIR --agents N       prints {"keys": [...], "token": "..."}
//   node server.mjs serve --data DIR --listen HOST:PORT
import { createHash, createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Database from 'better-sqlite3';
import Fastify from 'fastify';

const TABLES = `
CREATE TABLE IF NOT EXISTS callers (id TEXT PRIMARY KEY, name TEXT, kind TEXT,
  key_hash TEXT UNIQUE) STRICT;
CREATE TABLE IF NOT EXISTS proposals (row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
  agent TEXT NOT NULL, status TEXT NOT NULL, payload TEXT NOT NULL, digest TEXT NOT NULL,
  decision TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS inbox ON proposals (row) WHERE status = 'pending';
CREATE TABLE IF NOT EXISTS audit (seq INTEGER PRIMARY KEY, body TEXT NOT NULL,
  hash BLOB NOT NULL) STRICT;`;

const text = { type: 'string', maxLength: 32768 };
const strict = (properties, required = []) =>
  ({ type: 'object', additionalProperties: false, properties, required });
const BRIEF = strict({
  summary: { type: 'string', maxLength: 300 },
  request: text, reasoning: text, recommendation: text, case_against: text,
  confidence: { type: 'number', minimum: 0, maximum: 1 },
  evidence: { type: 'array', maxItems: 50 },
  options: { type: 'array', maxItems: 20 },
});
const PROPOSAL = strict({
  action: { type: 'string', pattern: '^[a-z0-9._/-]{1,128}$' },
  arguments: { type: 'object' },
  agent_version: text, on_behalf_of: text, subject: text, session: text,
  labels: { type: 'object' },
  brief: BRIEF,
}, ['action', 'arguments']);
const DECISION = strict({ verdict: { enum: ['approve', 'reject'] }, digest: text, reason: text },
  ['verdict', 'digest']);
const POLICY = { 'bench.allow': 'approved' };            // every other action waits for a person
const STATUS = { approve: 'approved', reject: 'rejected' };
const WAIT_MAX_S = 120;
const PERMIT_S = 600;
const BASE32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

const sha256 = (...parts) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
const problem = (status, name) => Object.assign(new Error(name), { statusCode: status });

function newId(prefix) {                                 // a ULID: 48 bits of time, 80 random bits
  let id = '';
  for (let ms = Date.now(), i = 0; i < 10; i++, ms = Math.floor(ms / 32)) id = BASE32[ms % 32] + id;
  for (const byte of randomBytes(16)) id += BASE32[byte & 31];
  return prefix + id;
}

function openDatabase(dir) {
  mkdirSync(dir, { recursive: true });
  const db = new Database(join(dir, 'approvals.db'));
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec(TABLES);
  return db;
}

function init(db, agents) {
  const insert = db.prepare('INSERT INTO callers VALUES (?, ?, ?, ?)');
  const add = (name, kind, id, prefix) => {
    const key = prefix + randomBytes(24).toString('base64url');
    insert.run(newId(id), name, kind, sha256(key).toString('hex'));
    return key;
  };
  return db.transaction(() => ({
    token: add('ana', 'reviewer', 'rev_', 'fkr_'),
    keys: Array.from({ length: agents }, (_, i) => add(`agent-${i}`, 'agent', 'agt_', 'fka_')),
  }))();
}

function signingKey(dir) {
  const file = join(dir, 'permit-key.pem');
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync('ed25519');
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  }
  return createPrivateKey(readFileSync(file));
}

// The audit chain: each row's hash covers the hash before it.
function auditLog(db) {
  const last = db.prepare('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1').get();
  const insert = db.prepare('INSERT INTO audit VALUES (?, ?, ?)');
  const audit = { head: last ?? { seq: 0, hash: Buffer.alloc(32) } };
  audit.append = (event) => {
    const body = JSON.stringify(event);
    audit.head = { seq: audit.head.seq + 1, hash: sha256(audit.head.hash, body) };
    insert.run(audit.head.seq, body, audit.head.hash);
  };
  return audit;
}

// All work handed in during one turn of the event loop runs in one transaction; each promise is
// settled after its COMMIT. Work checks before it writes, so what it refuses leaves no trace.
function groupCommit(db, audit) {
  const begin = db.prepare('BEGIN IMMEDIATE');
  const end = db.prepare('COMMIT');
  let waiting = [];
  function flush() {
    const batch = waiting;
    const head = audit.head;
    waiting = [];
    try {
      begin.run();
      for (const job of batch) job.result = job.work();
      end.run();
    } catch (error) {
      if (db.inTransaction) db.exec('ROLLBACK');
      audit.head = head;
      for (const job of batch) job.reject(error);
      return;
    }
    for (const job of batch) job.resolve(job.result);
  }
  return (work) => new Promise((resolve, reject) => {
    if (waiting.push({ work, resolve, reject }) === 1) setImmediate(flush);
  });
}

function permitSigner(key) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const header = encode({ alg: 'EdDSA', typ: 'fermata-permit+jwt', kid: 'k1' });
  return (row, payload) => {
    const iat = Math.floor(Date.now() / 1000);
    const claims = encode({ sub: row.agent, jti: row.id, iat, exp: iat + PERMIT_S,
      proposal: row.id, revision: 1, action: payload.action,
      arguments_sha256: sha256(JSON.stringify(payload.arguments)).toString('hex') });
    const signature = sign(null, Buffer.from(`${header}.${claims}`), key);
    return `${header}.${claims}.${signature.toString('base64url')}`;
  };
}

// Agents parked on a proposal: each waits until wake(id), its time is up, or it hangs up.
function parkingLot() {
  const waiters = new Map();                             // proposal id -> Set of functions to call
  const park = (id, seconds, socket) => new Promise((resolve) => {
    const group = waiters.get(id) ?? waiters.set(id, new Set()).get(id);
    const done = () => {
      clearTimeout(timer);
      socket.off('close', done);
      group.delete(done);
      if (group.size === 0) waiters.delete(id);
      resolve();
    };
    const timer = setTimeout(done, seconds * 1000);
    socket.once('close', done);
    group.add(done);
  });
  return { park, wake: (id) => waiters.get(id)?.forEach((done) => done()) };
}

function buildServer(db, dir) {
  const app = Fastify({ bodyLimit: 1 << 20,
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } } });
  const audit = auditLog(db);
  const commit = groupCommit(db, audit);
  const permit = permitSigner(signingKey(dir));
  const { park, wake } = parkingLot();
  const findCaller = db.prepare('SELECT id, name, kind FROM callers WHERE key_hash = ?');
  const find = db.prepare('SELECT * FROM proposals WHERE id = ?');
  const insert = db.prepare(`INSERT INTO proposals
    (id, agent, status, payload, digest, decision, created_at, updated_at)
    VALUES (@id, @agent, @status, @payload, @digest, @decision, @created_at, @updated_at)`);
  const decide = db.prepare(`UPDATE proposals
    SET status = @status, decision = @decision, updated_at = @updated_at WHERE id = @id`);
  const inbox = db.prepare(`SELECT * FROM proposals WHERE status = 'pending'
    ORDER BY row LIMIT 50`);

  const view = (row, payload, caller) => ({ ...payload, id: row.id, status: row.status,
    category: payload.action, agent: { id: row.agent }, revision: 1, digest: row.digest,
    created_at: row.created_at, updated_at: row.updated_at,
    decision: row.decision && JSON.parse(row.decision),
    permit: row.status === 'approved' && caller.kind === 'agent' ? permit(row, payload) : null });
  const read = (row, caller) => view(row, JSON.parse(row.payload), caller);
  const must = (caller, kind) => { if (caller.kind !== kind) throw problem(403, 'forbidden'); };
  const visible = (row, caller) => {
    const mayRead = row && (caller.kind !== 'agent' || row.agent === caller.id);
    if (!mayRead) throw problem(404, 'not-found');
    return row;
  };

  app.decorateRequest('caller', null);
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.open) return;
    const [, key] = /^Bearer (\S{1,200})$/.exec(request.headers.authorization ?? '') ?? [];
    request.caller = key && findCaller.get(sha256(key).toString('hex'));
    if (!request.caller) throw problem(401, 'unauthenticated');
  });

  app.get('/healthz', { config: { open: true } }, async () => ({ status: 'ok' }));

  app.get('/v1/inbox', async ({ caller }) => {
    must(caller, 'reviewer');
    return { items: inbox.all().map((row) => read(row, caller)), next_cursor: null };
  });

  app.post('/v1/proposals', { schema: { body: PROPOSAL } }, async ({ body, caller }, reply) => {
    must(caller, 'agent');
    const id = newId('prp_');
    const payload = JSON.stringify(body);
    const digest = `sha256:${sha256(id, caller.id, payload).toString('hex')}`;
    const at = new Date().toISOString();
    const status = POLICY[body.action] ?? 'pending';
    const decision = status === 'pending' ? null
      : JSON.stringify({ verdict: 'approve', by: { kind: 'policy' }, at });
    const row = { id, agent: caller.id, status, payload, digest, decision,
      created_at: at, updated_at: at };
    await commit(() => {
      insert.run(row);
      audit.append({ type: status, at, proposal: id, by: caller.id, digest });
    });
    reply.code(201);
    return view(row, body, caller);
  });

  app.get('/v1/proposals/:id', async ({ params, query, caller, raw }) => {
    const row = visible(find.get(params.id), caller);
    const seconds = Math.min(Number.parseInt(query.wait, 10) || 0, WAIT_MAX_S);
    if (row.status !== 'pending' || seconds <= 0) return read(row, caller);
    await park(row.id, seconds, raw.socket);
    return read(find.get(row.id), caller);
  });

  app.post('/v1/proposals/:id/decision', { schema: { body: DECISION } }, async (request) => {
    const { params, body, caller } = request;
    must(caller, 'reviewer');
    visible(find.get(params.id), caller);
    const row = await commit(() => {
      const before = find.get(params.id);
      if (before.status !== 'pending') return problem(409, 'already-decided');
      if (before.digest !== body.digest) return problem(409, 'digest-mismatch');
      const decision = { id: newId('dec_'), verdict: body.verdict, reason: body.reason ?? null,
        by: { kind: 'reviewer', id: caller.id, name: caller.name }, at: new Date().toISOString() };
      const after = { ...before, status: STATUS[body.verdict],
        decision: JSON.stringify(decision), updated_at: decision.at };
      decide.run(after);
      audit.append({ type: 'decided', proposal: before.id, digest: before.digest, ...decision });
      return after;
    });
    if (row instanceof Error) throw row;
    wake(row.id);
    return read(row, caller);
  });
  return app;
}

function serve(db, dir, listen) {
  const [host, port] = listen.split(':');
  process.once('SIGTERM', () => { db.close(); process.exit(0); });
  buildServer(db, dir).listen({ host, port: Number(port), backlog: 4096 }, (error, url) => {
    if (error) throw error;
    console.log(`baseline: listening on ${url}`);
  });
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: {
  data: { type: 'string' },
  listen: { type: 'string', default: '127.0.0.1:0' },
  agents: { type: 'string', default: '1' },
} });
const db = openDatabase(values.data);
if (positionals[0] === 'init') console.log(JSON.stringify(init(db, Number(values.agents))));
else serve(db, values.data, values.listen);
