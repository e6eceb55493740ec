// SPDX-License-Identifier: Apache-2.0
/*
 * A real server for a test: its own folder, its own port, its own people and agents, made through the
 * command line as an operator would. Also kills it, starts it again on the same folder, backs it up.
 *
 * Example:
 *   const server = await startServer(t, { policy: "version: 1\n" });
 *   const ana = await server.person("ana", ["reviewer"]);      // signed in: a session cookie
 *   const bot = await server.agent("bot");                     // an agent's key
 *   const made = await bot.post("/v1/proposals", { action: "a.b", arguments: {} });
 *
 * Whatever a test did, its store is verified at the end: unless it says isTampered, nothing may be found.
 * Every answer that passes through here has been held against docs/openapi.yaml.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { openStream, send } from "./client.mjs";

export { problemOf } from "./client.mjs";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const BINARY = process.env.FERMATA_BIN ?? join(ROOT, "build", "fermata");
export const PASSWORD = "correct horse battery staple";

const START_WITHIN_MS = 15_000;
const STOP_WITHIN_MS = 15_000;

/* Runs the binary to its end. */
export function fermata(args, { input = "", env = {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(BINARY, args, { env: { ...process.env, ...env } });
    const out = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"]) {
      child[name].setEncoding("utf8").on("data", (text) => (out[name] += text));
    }
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...out }));
    child.stdin.on("error", () => {}); // it may end before it has read everything
    child.stdin.end(input);
  });
}

/* The same for a command that must succeed; with --json its answer is parsed. */
export async function fermataJson(args, options) {
  const { code, stdout, stderr } = await fermata([...args, "--json"], options);
  if (code !== 0) {
    throw new Error(`fermata ${args.join(" ")}: exit ${code}: ${stderr}${stdout}`);
  }
  return JSON.parse(stdout);
}

/* What `audit verify` has against a store; empty when there is nothing, or no store. */
async function accusation(data) {
  if (!existsSync(join(data, "fermata.db"))) {
    return "";
  }
  const { code, stdout, stderr } = await fermata(["audit", "verify", "--data", data]);
  return code === 0 ? "" : `${stdout}${stderr}`;
}

/* Somebody who calls the API. `headersFor(write)` says how they show who they are. */
export class Caller {
  constructor(server, { id, name, kind, headersFor }) {
    Object.assign(this, { server, id, name, kind, headersFor });
  }

  request(method, path, options = {}) {
    const headers = { ...this.headersFor(method !== "GET" && method !== "HEAD"), ...options.headers };
    return send(this.server.url, this.server.sockets, method, path, { ...options, headers });
  }

  get(path, options) {
    return this.request("GET", path, options);
  }

  /* Without a body, {} is sent: most calls take no members. */
  post(path, body = {}, options) {
    return this.request("POST", path, { body, ...options });
  }

  /* Bytes that may be no JSON at all, sent as application/json. */
  postRaw(path, raw, options) {
    return this.request("POST", path, { raw, ...options });
  }

  delete(path, options) {
    return this.request("DELETE", path, options);
  }

  stream(path = "/v1/stream", headers = {}) {
    return openStream(this.server.url, path, { ...this.headersFor(false), ...headers });
  }
}

export class Server {
  /* A restart with a looser policy is taken at its word, unless `alone` is false: then it waits for a
   * second person, as in earnest. With `keepPort` a restart listens where the first start did: for those who come again by themselves. */
  constructor({ policy, args = [], env = {}, keepPort = false, alone = true }) {
    this.folder = mkdtempSync(join(tmpdir(), "fermata-test-"));
    this.data = join(this.folder, "data");
    this.args = args;
    this.env = env;
    this.keepPort = keepPort;
    this.alone = alone;
    this.setPolicy(policy);
  }

  /* One that somebody else has started: for calling it, not for stopping it. */
  static at(url) {
    const sockets = new http.Agent({ keepAlive: true });
    const server = Object.assign(Object.create(Server.prototype), { url, origin: url, sockets });
    server.public = new Caller(server, { name: "nobody", kind: "none", headersFor: () => ({}) });
    return server;
  }

  /* Takes effect at the next start. */
  setPolicy(text) {
    this.policyFile = text === undefined ? null : join(this.folder, "policy.yaml");
    if (this.policyFile) {
      writeFileSync(this.policyFile, text);
    }
  }

  cli(...args) {
    return fermataJson([...args, "--data", this.data]);
  }

  /* Starts the process; resolves when it serves. */
  async start() {
    const policy = this.policyFile ? ["--policy", this.policyFile, ...(this.alone ? ["--policy-alone"] : [])] : [];
    const wanted = this.keepPort && this.url ? new URL(this.url).port : 0;
    const args = ["serve", "--data", this.data, "--listen", `127.0.0.1:${wanted}`, ...policy, ...this.args];
    this.process = spawn(BINARY, args, { env: { ...process.env, ...this.env } });
    this.exited = new Promise((resolve) => this.process.on("close", (code, signal) => resolve({ code, signal })));
    [this.out, this.log] = ["", ""];
    const { port, origin } = await this.#listening();
    this.url = `http://127.0.0.1:${port}`; // where it is reached
    this.origin = origin; // what browsers see: another one behind a proxy
    this.sockets = new http.Agent({ keepAlive: true });
    this.public = new Caller(this, { name: "nobody", kind: "none", headersFor: () => ({}) });
    return this;
  }

  /* The origin is printed, the port stands in the log. */
  #listening() {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.process.kill("SIGKILL"), START_WITHIN_MS);
      const look = () => {
        const [, origin] = /listening on (https?:\/\/\S+)/.exec(this.out) ?? [];
        const [, port] = /"server\.started".*"port":(\d+)/.exec(this.log) ?? [];
        if (origin && port) {
          clearTimeout(timer);
          resolve({ origin, port });
        }
      };
      this.process.stdout.setEncoding("utf8").on("data", (text) => ((this.out += text), look()));
      this.process.stderr.setEncoding("utf8").on("data", (text) => ((this.log += text), look()));
      this.exited.then(({ code }) => reject(new Error(`the server did not start (${code}): ${this.log}`)));
    });
  }

  /* Waits for the log line of an event that comes after `from` (a length of this.log): its fields. */
  logged(event, from = 0) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ${event} in ${this.log.slice(from)}`)), STOP_WITHIN_MS);
      const look = () => {
        const line = this.log
          .slice(from)
          .split("\n")
          .slice(0, -1) // the last one may be half there
          .find((each) => each.includes(`"event":"${event}"`));
        if (line) {
          clearTimeout(timer);
          this.process.stderr.off("data", look);
          resolve(JSON.parse(line));
        }
      };
      this.process.stderr.on("data", look);
      look();
    });
  }

  /* Sends a signal and waits for the log line that answers it. */
  signal(name, event) {
    const from = this.log.length;
    this.process.kill(name);
    return this.logged(event, from);
  }

  /* Asks it to stop, and waits for the end. Resolves with its exit code. */
  async stop() {
    const timer = setTimeout(() => this.process.kill("SIGKILL"), STOP_WITHIN_MS);
    this.process.kill("SIGTERM");
    const { code } = await this.exited;
    clearTimeout(timer);
    this.sockets.destroy();
    return code;
  }

  /* The hardest end: nothing of the process gets to run any more. */
  async kill() {
    this.process.kill("SIGKILL");
    await this.exited;
    this.sockets.destroy();
  }

  async restart({ policy, hard = false } = {}) {
    await (hard ? this.kill() : this.stop());
    if (policy !== undefined) {
      this.setPolicy(policy);
    }
    return this.start();
  }

  async remove() {
    if (this.process && this.process.exitCode === null && this.process.signalCode === null) {
      await this.kill();
    }
    const untrue = this.isTampered ? "" : await accusation(this.data);
    rmSync(this.folder, { recursive: true, force: true });
    assert.equal(untrue, "", "a store that nobody has tampered with");
  }

  /* --- people and agents ------------------------------------------------------------------------ */

  addPerson(name, roles = ["reviewer"], password = PASSWORD) {
    const flags = roles.flatMap((role) => ["--role", role]);
    return fermataJson(["user", "add", name, ...flags, "--password-stdin", "--data", this.data], {
      input: `${password}\n`,
    });
  }

  /* A new person, signed in through the page's way: with a session cookie. */
  async person(name, roles, password = PASSWORD) {
    await this.addPerson(name, roles, password);
    return this.signIn(name, password);
  }

  /* A session of somebody who is there. Throws the answer when refused. */
  async signIn(name, password = PASSWORD) {
    const answer = await this.public.post("/v1/session", { name, password }, { headers: { origin: this.origin } });
    if (answer.status !== 200) {
      throw Object.assign(new Error(`sign-in: ${answer.status} ${answer.text}`), { answer });
    }
    const cookie = answer.headers["set-cookie"][0].split(";")[0];
    return new Caller(this, {
      ...answer.body,
      kind: "session",
      headersFor: (write) => ({ cookie, ...(write && { origin: this.origin }) }),
    });
  }

  #bearer(kind, { id, name }, secret) {
    const caller = new Caller(this, { id, name, kind, headersFor: () => ({ authorization: `Bearer ${secret}` }) });
    return Object.assign(caller, { secret });
  }

  /* A personal token of somebody who is there. */
  async token(name) {
    const { token } = await this.cli("token", "create", "--user", name);
    const caller = this.#bearer("token", { name }, token);
    caller.id = (await caller.get("/v1/me")).body.id;
    return caller;
  }

  /* A token of a service with these scopes. */
  async service(name, scopes) {
    const { id, token } = await this.cli("token", "create", "--service", name, ...scopes.flatMap((s) => ["--scope", s]));
    return this.#bearer("service", { id, name }, token);
  }

  /* A new agent; its owner is made where there is none. */
  async agent(name, { owner, hosts = [] } = {}) {
    const ownedBy = owner ?? (await this.#owner());
    const flags = hosts.flatMap((host) => ["--host", host]);
    const made = await this.cli("agent", "add", name, "--owner", ownedBy, ...flags);
    return this.#bearer("agent", { id: made.id, name }, made.key);
  }

  /* Another key of an agent that is there. */
  async key(name, id) {
    const { key } = await this.cli("key", "create", "--agent", name);
    return this.#bearer("agent", { id, name }, key);
  }

  #owner() {
    this.ownerMade ??= this.addPerson("owner", ["admin"]).then(({ name }) => name);
    return this.ownerMade;
  }
}

/*
 * Starts a server that ends with the test `t` (anything with an `after` method, or node:test's module
 * object itself for a whole file).
 */
export async function startServer(t, options = {}) {
  const server = new Server(options);
  t.after(() => server.remove());
  return server.start();
}
