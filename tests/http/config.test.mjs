// SPDX-License-Identifier: Apache-2.0
/*
 * Where a server's options come from: the command line, the environment, the file that --config names,
 * in this order; and what is refused, with its place.
 */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";

import { fermata, startServer } from "./server.mjs";

const folder = mkdtempSync(join(tmpdir(), "fermata-config-"));
after(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;

/* A file of these lines: its path. */
function file(...lines) {
  count += 1;
  const path = join(folder, `fermata-${count}.yaml`);
  writeFileSync(path, lines.map((line) => `${line}\n`).join(""));
  return path;
}

const metrics = async (server) => (await server.public.get("/metrics")).status;

test("the file says what no option and no variable says", async (t) => {
  const config = file("# the port is taken from the option", "listen: 127.0.0.1:1", "metrics-open: true", "loops: 2");
  const server = await startServer(t, { args: ["--config", config] });
  assert.equal(await metrics(server), 200);
  const other = await startServer(t, { env: { FERMATA_CONFIG: config, FERMATA_METRICS_OPEN: "0" } });
  assert.equal(await metrics(other), 401, "a variable that says no is heard");
  const closed = await startServer(t, {});
  assert.equal(await metrics(closed), 401);
});

test("an option beats the environment, the environment the file", async (t) => {
  const [data, elsewhere] = [join(folder, "from-file"), join(folder, "from-environment")];
  const config = file("public-url: https://file.example", `data: ${data}`);
  const env = { FERMATA_PUBLIC_URL: "https://environment.example" };
  assert.equal((await startServer(t, { args: ["--config", config] })).origin, "https://file.example");
  assert.equal((await startServer(t, { args: ["--config", config], env })).origin, "https://environment.example");
  const args = ["--config", config, "--public-url", "https://option.example"];
  assert.equal((await startServer(t, { args, env })).origin, "https://option.example");
  assert.equal(existsSync(data), false, "--data was an option each time");
  const report = async (more) =>
    JSON.parse((await fermata(["check", "--json", "--config", config], { env: { FERMATA_DATA: "", ...more } })).stdout)
      .checks.find(({ name }) => name === "folder").detail;
  assert.match(await report({}), /from-file/);
  assert.match(await report({ FERMATA_DATA: elsewhere }), /from-environment/);
});

test("a file that is not named is not read", async () => {
  writeFileSync(join(folder, "fermata.yaml"), "nonsense: 1\n");
  const { code, stderr } = await fermata(["check", "--data", join(folder, "none")], { env: { PWD: folder } });
  assert.equal(code, 1);
  assert.doesNotMatch(stderr, /nonsense/);
});

/* Each row: name, lines, what is said. */
const REFUSED = [
  ["a name that is not known", ["loops: 1", "lisen: 127.0.0.1:0"], /:2:1: there is no setting "lisen"; did you mean "listen"\?/],
  ["a name of its own", ["config: x"], /:1:1: there is no setting "config"/],
  ["a list where there is one value", ["listen: [a, b]"], /:1:1: listen has one value, not a list/],
  ["nothing behind a name", ["policy:"], /:1:8: a setting is a text/],
  ["a mapping behind a name", ["policy: {a: b}"], /:1:9: a setting is a text/],
  ["a list alone", ["- listen"], /:1:1: the file is a mapping of settings/],
  ["an empty file", [], /:1:1: the file is empty\n/],
  ["a name twice", ["loops: 1", "loops: 2"], /:2:1: .*a second time/],
  ["a flag that is neither", ["metrics-open: ja"], /:1:1: metrics-open is true or false/],
  ["no YAML", ["a: b: c"], /:1:5: this is not YAML/],
  ["a bad value", ["callback-allow: [10.0.0.0/33]"], /--callback-allow wants networks/],
  ["a bad port", ["listen: 127.0.0.1:99999"], /--listen wants HOST:PORT/],
];
for (const [name, lines, said] of REFUSED) {
  test(`refused, exit code 2: ${name}`, async () => {
    const config = file(...lines);
    for (const command of ["serve", "check"]) {
      const { code, stdout, stderr } = await fermata([command, "--config", config, "--data", join(folder, "none")]);
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, said);
    }
  });
}

test("refused: a file that is not there, a bad variable, a bad option", async () => {
  for (const [args, env, said] of [
    [["--config", join(folder, "missing.yaml")], {}, /missing\.yaml: No such file/],
    [[], { FERMATA_LOOPS: "many" }, /--loops is 1 to 64/],
    [[], { FERMATA_METRICS_OPEN: "ja" }, /FERMATA_METRICS_OPEN is true or false/],
    [["--listen", "127.0.0.1:99999"], {}, /--listen wants HOST:PORT/],
    [["--listen", "8600"], {}, /--listen wants HOST:PORT/],
  ]) {
    const { code, stderr } = await fermata(["serve", "--data", join(folder, "none"), ...args], { env });
    assert.deepEqual([code, said.test(stderr)], [2, true], stderr);
  }
});

test("version, for people and for programs", async () => {
  const { stdout } = await fermata(["version"]);
  const { code, stdout: json } = await fermata(["version", "--json"]);
  assert.equal(code, 0);
  assert.equal(`fermata ${JSON.parse(json).version}\n`, stdout);
  assert.equal((await fermata(["version", "--jason"])).code, 2);
});
