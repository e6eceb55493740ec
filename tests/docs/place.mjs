// SPDX-License-Identifier: Apache-2.0
/*
 * Where documents are tried out: the tree as a repository to clone, a clone made as good as built, a folder
 * in which the tree appears, a free port, and processes that are ended with all their children.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, lstatSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";

import { BINARY, ROOT } from "../http/server.mjs";

export const BUILT = dirname(BINARY);
const LONG_AGO = "2000-01-01T00:00:00";
const MADE = ["web/node_modules", "web/dist", "tests/node_modules"];
const IDENTITY = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"];

/* Git as an outsider has it: no settings of this machine, nothing of a repository around. */
function git(folder, ...args) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_")));
  return execFileSync("git", args, {
    cwd: folder,
    env: { ...env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" },
    encoding: "utf8",
    maxBuffer: 64 << 20,
  });
}

/* The files of the tree as it lies there, also what is not committed yet, without what is built. */
export function treeFiles() {
  const listed = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard");
  return listed.split("\0").filter((file) => file && existsSync(join(ROOT, file)) && !lstatSync(join(ROOT, file)).isDirectory());
}

/* A bare repository FOLDER/fermata.git with one commit: the tree. */
export function makeRepository(folder) {
  const copy = join(folder, ".tree");
  mkdirSync(copy, { recursive: true });
  const options = { cwd: ROOT, input: treeFiles().join("\0"), maxBuffer: 256 << 20 };
  const archive = execFileSync("tar", ["-c", "--null", "-T", "-"], options);
  execFileSync("tar", ["-x", "-C", copy], { input: archive, maxBuffer: 256 << 20 });
  git(copy, "init", "-q", "-b", "main");
  git(copy, "add", "-A", "-f");
  git(copy, ...IDENTITY, "commit", "-q", "-m", "The tree under test");
  git(folder, "clone", "-q", "--bare", copy, "fermata.git");
}

/* Gives a clone what was built from the same sources: the sources look old, so make finds all of it done. */
export function warm(clone) {
  execFileSync("find", [clone, "-path", `${clone}/.git`, "-prune", "-o", "-type", "f", "-exec", "touch", "-d", LONG_AGO, "{}", "+"]);
  symlinkSync(BUILT, join(clone, "build"));
  for (const made of MADE.filter((name) => existsSync(join(ROOT, name)))) {
    symlinkSync(join(ROOT, made), join(clone, made));
  }
}

/* Lets the tree appear in a folder, for commands that are given from its root. */
export function showTree(folder) {
  const hidden = new Set([".git", "build", "fermata-data"]);
  for (const name of readdirSync(ROOT).filter((each) => !hidden.has(each))) {
    symlinkSync(join(ROOT, name), join(folder, name));
  }
  symlinkSync(BUILT, join(folder, "build"));
  symlinkSync(join(ROOT, "tests/node_modules"), join(folder, "node_modules")); // npm install, so to say
}

/* A port that was free a moment ago, for programs that are told one. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/* The environment of somebody who has just sat down: no settings of make or of a Fermata. */
export function plainEnv(changes) {
  const dropped = /^(MAKE|MFLAGS|FERMATA_|GIT_|PYTHON|MODEL_|BUILD$|NODE_TEST_CONTEXT)/;
  const kept = Object.entries(process.env).filter(([name]) => !dropped.test(name));
  return { ...Object.fromEntries(kept), ...changes };
}

/* A bash that runs `script`: {said, ended, end()}; it and its children get SIGINT at the end. */
export function startBash(script, { cwd, env }) {
  const child = spawn("bash", ["-euo", "pipefail", "-c", script], { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const run = { said: "", out: "", listeners: new Set() };
  const take = (text) => {
    run.said += text;
    run.listeners.forEach((listener) => listener());
  };
  child.stdout.setEncoding("utf8").on("data", (text) => ((run.out += text), take(text)));
  child.stderr.setEncoding("utf8").on("data", take);
  run.ended = once(child, "close").then(([code]) => ((run.code = code), take(""), code));
  const signal = (name) => {
    try {
      process.kill(-child.pid, name);
    } catch {
      // it has ended already
    }
  };
  run.end = async (withinMs = 30_000) => {
    signal("SIGINT");
    const timer = setTimeout(() => signal("SIGKILL"), withinMs);
    const code = await run.ended;
    clearTimeout(timer);
    return code;
  };
  return run;
}

/* Waits until the run has printed what fits; throws with all that it said if it ends or takes too long. */
export function saying(run, pattern, withinMs) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => stop(() => reject(new Error(`it never said ${pattern}:\n${run.said}`))), withinMs);
    const look = () => {
      const match = pattern.exec(run.said);
      if (match) {
        stop(() => resolve(match));
      } else if (run.code !== undefined) {
        stop(() => reject(new Error(`it ended with ${run.code} before it said ${pattern}:\n${run.said}`)));
      }
    };
    const stop = (then) => {
      clearTimeout(timer);
      run.listeners.delete(look);
      then();
    };
    run.listeners.add(look);
    look();
  });
}
