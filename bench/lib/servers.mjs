// SPDX-License-Identifier: Apache-2.0
// Starts and stops the two servers that are compared, and makes their agents and people.
// Invariant: a server started here does not outlive the benchmark.
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = resolve(import.meta.dirname, '../..');
const START_MS_MAX = 20_000;
const STOP_MS_MAX = 20_000;
const ANSWER_MS_MAX = 30_000;
const running = new Set();
process.on('exit', () => { for (const child of running) child.kill('SIGKILL'); });

function run(command, args, input = '', cwd = ROOT) {
  return new Promise((resolveRun, reject) => {
    const child = execFile(command, args, { cwd, maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      if (!error) return resolveRun(stdout);
      const why = stderr.trim() || error.message;
      return reject(new Error(`${command} ${args.join(' ')}: ${why}`));
    });
    child.stdin.on('error', () => {});  // a command that reads nothing may be gone already
    child.stdin.end(input);
  });
}

/** Fermata: people and agents come through its command line, with the server running. */
export const fermata = {
  name: 'fermata',
  binary: join(ROOT, 'build/fermata'),
  command(dir) {
    return [this.binary, 'serve', '--data', dir, '--listen', '127.0.0.1:0',
      '--policy', join(ROOT, 'bench/policy.yaml')];
  },
  async prepare() {
    if (!existsSync(this.binary)) throw new Error(`${this.binary} is missing: run make first`);
  },
  async provision(dir, agents) {
    const cli = async (words, input) =>
      run(this.binary, [...words.split(' '), '--data', dir, '--json'], input);
    await cli('user add olga --role admin --password-stdin', 'the owner of all agents\n');
    await cli('user add ana --role reviewer --password-stdin', 'a reviewer with a token\n');
    const { token } = JSON.parse(await cli('token create --user ana'));
    const keys = [];
    for (let i = 0; i < agents; i++) {
      keys.push(JSON.parse(await cli(`agent add bench-${i} --owner olga`)).key);
    }
    return { token, keys };
  },
};

/** The hand-written Node server: one command makes all its people and agents. */
export const node = {
  name: 'node',
  folder: join(ROOT, 'bench/node'),
  command(dir) {
    return [process.execPath, join(this.folder, 'server.mjs'), 'serve', '--data', dir];
  },
  async prepare() {
    if (existsSync(join(this.folder, 'node_modules/fastify'))) return;
    process.stderr.write('bench: installing the packages of bench/node\n');
    await run('npm', ['ci', '--no-audit', '--no-fund'], '', this.folder);
  },
  async provision(dir, agents) {
    const words = ['init', '--data', dir, '--agents', String(agents)];
    return JSON.parse(await run(process.execPath, [join(this.folder, 'server.mjs'), ...words]));
  },
};

/** A folder with a server on it, which can be started and stopped several times. */
export class Server {
  constructor(kind, dir) {
    this.kind = kind;
    this.dir = join(dir, kind.name);
    this.keysFile = `${this.dir}.keys`;
    mkdirSync(this.dir, { recursive: true, mode: 0o700 });
  }

  get name() { return this.kind.name; }

  /** Start, and answer the milliseconds until it listened. */
  async start() {
    const [command, ...args] = this.kind.command(this.dir);
    this.log = `${this.dir}.log`;
    const spawnedAt = performance.now();
    const stdio = ['ignore', 'pipe', openSync(this.log, 'a')];
    this.child = spawn(command, args, { cwd: ROOT, stdio });
    this.spawnedAt = spawnedAt;
    this.pid = this.child.pid;
    running.add(this.child);
    this.child.once('exit', () => running.delete(this.child));
    this.url = await this.#listening();
    return performance.now() - spawnedAt;
  }

  #listening() {
    return new Promise((resolveUrl, reject) => {
      const fail = (why) => reject(new Error(`${this.name} ${why}:\n${this.logTail()}`));
      const timer = setTimeout(() => fail('does not listen in time'), START_MS_MAX);
      this.child.once('error', (error) => fail(error.message));
      this.child.once('exit', (code) => fail(`ended with status ${code} at its start`));
      createInterface({ input: this.child.stdout }).on('line', (line) => {
        const url = /listening on (http:\/\/\S+)/.exec(line)?.[1];
        if (url === undefined) return;
        clearTimeout(timer);
        resolveUrl(url);
      });
    });
  }

  logTail() {
    return readFileSync(this.log, 'utf8').slice(-2000);
  }

  /** Start an empty folder and give it one reviewer with a token, and agents with keys. */
  async startWithPeople(agents) {
    await this.start();
    const { token, keys } = await this.kind.provision(this.dir, agents);
    this.token = token;
    this.keys = keys;
    writeFileSync(this.keysFile, `${keys.join('\n')}\n`, { mode: 0o600 });
  }

  async stop(signal = 'SIGTERM') {
    const { child } = this;
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`${this.name} had ended before it was stopped:\n${this.logTail()}`);
    }
    const ended = new Promise((resolveEnd) => { child.once('exit', resolveEnd); });
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
    child.kill(signal);
    await ended;
    child.stdout.destroy();
    clearTimeout(timer);
    if (signal === 'SIGTERM' && child.signalCode === 'SIGKILL') {
      throw new Error(`${this.name} did not stop in ${STOP_MS_MAX} ms`);
    }
  }

  /** One request; the body as JSON where it is JSON. */
  get(path, credential) {
    return new Promise((resolveGet, reject) => {
      const headers = credential ? { authorization: `Bearer ${credential}` } : {};
      const options = { headers, agent: false, timeout: ANSWER_MS_MAX };
      const request = httpRequest(this.url + path, options, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk) => { text += chunk; });
        response.on('end', () => {
          const isJson = /json/.test(response.headers['content-type'] ?? '');
          resolveGet({ status: response.statusCode, body: isJson ? JSON.parse(text) : text });
        });
      });
      request.on('error', reject);
      request.on('timeout', () => {
        request.destroy(new Error(`${this.name}: no answer to GET ${path}`));
      });
      request.end();
    });
  }
}
