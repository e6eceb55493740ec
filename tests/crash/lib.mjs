// SPDX-License-Identifier: Apache-2.0
// What the crash tests and the replay share: a real server in a folder of its own that can be
// killed and started again, clients that do not give up, reading the store from outside, and the
// score.
//
// 1. No server started here outlives the test, and no folder is left behind by a test that passed.
// 2. A client repeats an unanswered write with the same Idempotency-Key and nothing else.
// 3. Only the server writes a store, unless a test says that it plays the insider.
import { execFile, spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  closeSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');
export const BINARY = resolve(process.env.FERMATA_BIN ?? join(ROOT, 'build/fermata'));
const START_MS_MAX = 30_000;
const STOP_MS_MAX = 30_000;
const GIVE_UP_MS = 90_000; // a write that is refused for so long will never be taken
const PAUSE_MS = 20; // before a connection that was refused is tried again
const OUTPUT_BYTES_MAX = 1 << 30;

const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

// --- small things --------------------------------------------------------------------------------

/** Numbers from 0 to below 1 that a seed decides (mulberry32). */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** A whole number from 0 to below `n`. */
export const pick = (next, n) => Math.floor(next() * n);

/** RFC 8785: JavaScript's own number and string forms, members in order of UTF-16 units. */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${members.join(',')}}`;
}

export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
export const digestOf = (value) => sha256(canonical(value));

export const pause = (ms) =>
  new Promise((done) => {
    setTimeout(done, ms);
  });

/** Runs `work` over the items, at most `width` at a time; the first failure ends it. */
export async function pool(items, width, work) {
  const iterator = items[Symbol.iterator]();
  const lane = async () => {
    for (let next = iterator.next(); !next.done; next = iterator.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: width }, lane));
}

/** Options `--name value` and flags `--name`; an unknown one ends the program with status 2. */
export function options(defaults) {
  const out = { ...defaults };
  const words = process.argv.slice(2);
  while (words.length > 0) {
    const name = words.shift().replace(/^--/, '').replaceAll('-', '_');
    if (!(name in defaults)) {
      process.stderr.write(
        `unknown option --${name}; known: --${Object.keys(defaults).join(', --')}\n`,
      );
      process.exit(2);
    }
    if (typeof defaults[name] === 'boolean') out[name] = true;
    else out[name] = typeof defaults[name] === 'number' ? Number(words.shift()) : words.shift();
  }
  return out;
}

/** A folder of its own for one run; `remove()` when everything passed. */
export function folder(name) {
  const dir = mkdtempSync(join(tmpdir(), `fermata-${name}-`));
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/** Counts checks, prints what failed, and ends the program. */
export class Score {
  constructor() {
    this.passed = 0;
    this.failed = 0;
  }

  check(name, holds, detail = '') {
    if (holds) {
      this.passed++;
      return true;
    }
    this.failed++;
    console.log(`FAILED ${name}${detail === '' ? '' : `: ${detail}`}`);
    return false;
  }

  /** Nothing may stand in `findings`; the first few are printed. */
  none(name, findings) {
    return this.check(
      name,
      findings.length === 0,
      `${findings.length}: ${findings.slice(0, 5).join(' | ')}`,
    );
  }

  /** Prints the last line; `place` is removed if all went well and named otherwise. */
  end(place) {
    if (this.failed > 0 && place) console.log(`the store and the server's log are in ${place.dir}`);
    else place?.remove();
    console.log(`${this.passed} passed, ${this.failed} failed`);
    process.exit(this.failed > 0 ? 1 : 0);
  }
}

// --- programs ------------------------------------------------------------------------------------

/** Runs a program to its end: {code, stdout, stderr}; an exit code is no error. */
export function run(command, args, input = '') {
  return new Promise((done, reject) => {
    const child = execFile(
      command,
      args,
      { maxBuffer: OUTPUT_BYTES_MAX },
      (error, stdout, stderr) => {
        if (error && typeof error.code !== 'number') reject(error);
        else done({ code: error?.code ?? 0, stdout, stderr });
      },
    );
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

/** `fermata` with words and a data folder; its answer as JSON. */
export async function fermata(dir, words, input = '') {
  const { code, stdout, stderr } = await run(BINARY, [...words, '--data', dir, '--json'], input);
  if (code !== 0)
    throw new Error(`fermata ${words.join(' ')} ended with ${code}: ${stderr}${stdout}`);
  return JSON.parse(stdout);
}

/** `fermata audit verify`: its exit code and what it found, in words. */
export async function verify(dir, against) {
  const words = ['audit', 'verify', '--data', dir, ...(against ? ['--against', against] : [])];
  const { code, stdout, stderr } = await run(BINARY, words);
  return { code, text: `${stdout}${stderr}`.trim() };
}

/** Rows of a query, read with the sqlite3 program beside the server; a server that starts after a
 * crash locks everybody out for a moment. Blobs: ask for hex(). */
export async function query(dir, sql) {
  const args = ['-readonly', '-cmd', '.timeout 10000', '-json', join(dir, 'fermata.db'), sql];
  const { code, stdout, stderr } = await run('sqlite3', args);
  if (code !== 0) throw new Error(`sqlite3: ${stderr}`);
  return stdout.trim() === '' ? [] : JSON.parse(stdout);
}

/** Changes a stopped store behind the server's back: the insider. */
export async function tamper(dir, sql) {
  const { code, stderr } = await run('sqlite3', [join(dir, 'fermata.db')], `${sql}\n`);
  if (code !== 0) throw new Error(`sqlite3: ${stderr}`);
}

/** What must be there for any of this; prints why not and ends with success where it is a skip. */
export async function need() {
  if (!existsSync(BINARY)) throw new Error(`${BINARY} is missing: run make first`);
  const found = await run('sqlite3', ['--version']).then(
    () => true,
    () => false,
  );
  if (found) return;
  console.log('skipped: the program sqlite3 is not installed (apt install sqlite3)');
  console.log('0 passed, 0 failed');
  process.exit(0);
}

// --- the server ----------------------------------------------------------------------------------

const BANNER = /listening on (http:\/\/[^\s]+)/;

/** A server on a folder: start, kill -9, start again on the same port. `wrap` goes before the
 * command, `args` behind it. */
export class Server {
  constructor(dir, policy, { wrap = [], args = [] } = {}) {
    this.dir = join(dir, 'data');
    this.log = join(dir, 'server.log');
    this.policy = join(dir, 'policy.yaml');
    this.wrap = wrap;
    this.args = args;
    this.listen = '127.0.0.1:0';
    this.starts = 0;
    mkdirSync(this.dir, { recursive: true, mode: 0o700 });
    writeFileSync(this.policy, policy);
    this.#down();
  }

  #down() {
    this.up = new Promise((done) => {
      this.isUp = done;
    });
    this.child = null;
  }

  async start() {
    const words = [
      ...this.wrap,
      BINARY,
      'serve',
      '--data',
      this.dir,
      '--listen',
      this.listen,
      '--policy',
      this.policy,
      ...this.args,
    ];
    const log = openSync(this.log, 'a');
    this.child = spawn(words[0], words.slice(1), { stdio: ['ignore', 'pipe', log] });
    closeSync(log);
    running.add(this.child);
    this.child.once('exit', () => running.delete(this.child));
    this.url = await this.#listening(this.child);
    this.listen = new URL(this.url).host;
    this.starts++;
    this.isUp();
    return this;
  }

  #listening(child) {
    return new Promise((done, reject) => {
      const fail = (why) => reject(new Error(`the server ${why}:\n${this.logTail()}`));
      const timer = setTimeout(() => fail('does not listen in time'), START_MS_MAX);
      let text = '';
      child.once('error', (error) => fail(error.message));
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        fail(`ended with ${code ?? signal} at its start`);
      });
      child.stdout.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
        const url = BANNER.exec(text)?.[1];
        if (!url) return;
        clearTimeout(timer);
        done(url);
      });
    });
  }

  /** Ends the process by a signal and answers when it has gone. */
  async stop(signal = 'SIGTERM') {
    const { child } = this;
    if (!child) return;
    this.#down();
    if (child.exitCode !== null || child.signalCode !== null) return;
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
    const ended = new Promise((done) => {
      child.once('exit', done);
    });
    child.kill(signal);
    await ended;
    clearTimeout(timer);
    if (signal === 'SIGTERM' && child.exitCode !== 0) {
      throw new Error(
        `the server ended with ${child.exitCode ?? child.signalCode}:\n${this.logTail()}`,
      );
    }
  }

  /** kill -9 and start again on the same folder and port. */
  async crash() {
    await this.stop('SIGKILL');
    await this.start();
  }

  /** Whether the process is gone without having been told. */
  get died() {
    return this.child !== null && (this.child.exitCode !== null || this.child.signalCode !== null);
  }

  /** What it has logged as an error; a panic and a sanitizer's report have no level. */
  errors() {
    const lines = existsSync(this.log) ? readFileSync(this.log, 'utf8').split('\n') : [];
    return lines.filter((line) => line !== '' && !/"level":"(info|warn)"/.test(line));
  }

  logTail() {
    return existsSync(this.log) ? readFileSync(this.log, 'utf8').slice(-2000) : '';
  }
}

// --- clients -------------------------------------------------------------------------------------

const BUSY = new Set([429, 503]);

/** Somebody with a key or a token and connections of their own. */
export class Client {
  constructor(server, credential, width = 256) {
    this.server = server;
    this.credential = credential;
    this.agent = new Agent({ keepAlive: true, maxSockets: width });
    this.repeats = 0; // attempts after the first
    this.replays = 0; // answers that the server gave for the second time
  }

  /** One attempt: {status, headers, body}; rejects when no whole answer came. */
  once(method, path, body, key) {
    const headers = { authorization: `Bearer ${this.credential}` };
    const text = body === undefined ? undefined : JSON.stringify(body);
    if (text !== undefined) {
      headers['content-type'] = 'application/json';
      headers['content-length'] = Buffer.byteLength(text);
    }
    if (key) headers['idempotency-key'] = key;
    return new Promise((done, reject) => {
      const request = httpRequest(this.server.url + path, { method, headers, agent: this.agent });
      request.on('error', reject);
      request.on('response', (response) => {
        const parts = [];
        response.on('error', reject);
        response.on('data', (part) => parts.push(part));
        response.on('end', () => {
          if (!response.complete) return reject(new Error('half an answer'));
          return done(read(response, Buffer.concat(parts).toString()));
        });
      });
      request.end(text);
    });
  }

  /** Until there is an answer, over restarts and busy servers. Every attempt carries the same
   * key. */
  async call(method, path, body, key = method === 'GET' ? undefined : randomUUID()) {
    const until = Date.now() + GIVE_UP_MS;
    for (;;) {
      await this.server.up;
      const answer = await this.once(method, path, body, key).catch((error) => ({ error }));
      if (answer.status !== undefined && !BUSY.has(answer.status)) {
        this.replays += answer.replayed ? 1 : 0;
        return answer;
      }
      if (Date.now() > until)
        throw new Error(`${method} ${path}: ${answer.error ?? answer.status}`);
      this.repeats++;
      await pause(PAUSE_MS);
    }
  }

  get(path) {
    return this.call('GET', path);
  }

  post(path, body, key) {
    return this.call('POST', path, body, key);
  }

  close() {
    this.agent.destroy();
  }
}

function read(response, text) {
  const isJson = /json/.test(response.headers['content-type'] ?? '');
  return {
    status: response.statusCode,
    replayed: response.headers['idempotent-replay'] === 'true',
    retryAfter: response.headers['retry-after'],
    body: isJson && text !== '' ? JSON.parse(text) : text,
  };
}

/** The name of a problem document: `already-decided`. */
export const problem = (answer) => String(answer.body?.type ?? '').replace('/problems/', '');

/** People with tokens and agents with keys, made by the command line while the server runs. */
export async function people(server, { reviewers, agents }) {
  const out = { reviewers: [], agents: new Map() };
  await fermata(
    server.dir,
    ['user', 'add', 'olga', '--role', 'admin', '--password-stdin'],
    'the owner of all agents\n',
  );
  for (const [name, roles] of Object.entries(reviewers)) {
    const words = [
      'user',
      'add',
      name,
      ...roles.flatMap((role) => ['--role', role]),
      '--password-stdin',
    ];
    const person = await fermata(server.dir, words, 'correct horse, battery and staple\n');
    const { token } = await fermata(server.dir, ['token', 'create', '--user', name]);
    out.reviewers.push(Object.assign(new Client(server, token), { name, id: person.id }));
  }
  for (const name of agents) {
    const made = await fermata(server.dir, ['agent', 'add', name, '--owner', 'olga']);
    out.agents.set(name, Object.assign(new Client(server, made.key), { name, id: made.id }));
  }
  return out;
}
