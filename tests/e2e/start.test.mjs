// SPDX-License-Identifier: Apache-2.0
/*
 * The first minutes in the page: a one-time link signs in and leaves no trace in the URL; the first-run guide
 * makes an agent, its three lines work as they are copied, in every language, and the proposal arrives live.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as file from "node:test";

import { ROOT, startServer } from "../http/server.mjs";
import { openPage, press, startBrowser, waitForText } from "./browser.mjs";
import { policy } from "./world.mjs";

const { test } = file;
const server = await startServer(file, { policy: policy() });
const browser = await startBrowser(file);
await server.addPerson("eva", ["admin", "reviewer"]);
await server.addPerson("adam", ["admin"]);
await server.addPerson("ray", ["reviewer"]);

const linkFor = async (name) => (await server.cli("user", "link", name)).link;

test("an admin without agents is led from the inbox to the guide; the three lines make a proposal arrive", async (t) => {
  const page = await openPage(t, browser, server, { who: "eva" });
  await waitForText(page, "h1", "Your first agent");
  assert.equal(new URL(page.url()).pathname, "/start");
  await waitForText(page, ".page", "First make the agent.");

  await page.fill("#agent-name", "Not A Name");
  await press(page, "Enter");
  await page.waitForFunction(() => document.querySelector("#agent-refusal").textContent !== "");
  await page.fill("#agent-name", "first-agent");
  await press(page, "Enter");
  const key = await page.locator("#agent-key").innerText();
  assert.match(key, /^fka_[\w-]{43}$/);

  const lines = {};
  for (const language of ["curl", "Python", "JavaScript"]) {
    await page.getByLabel(language, { exact: true }).check();
    lines[language] = await page.locator("#first-lines").innerText();
    assert.ok(lines[language].includes(key) && lines[language].includes(server.url), language);
    assert.equal(lines[language].trim().split("\n").length, 3, `three lines of ${language}`);
  }
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.getByRole("button", { name: "Copy: three lines" }).click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), lines.JavaScript);

  assert.match(await run("bash", ["-c", lines.curl]), /"status":"pending"/);
  await waitForText(page, ".notice.ok", "hello.say");
  await page.click("text=Open it");
  await waitForText(page, ".proposal", "hello.say");

  assert.equal((await run("python3", ["-c", lines.Python])).trim(), "pending");
  const program = join(server.folder, "first.mjs");
  writeFileSync(program, lines.JavaScript);
  assert.equal((await run("node", [program])).trim(), "pending");
  assert.equal((await page.caller.get("/v1/inbox")).body.items.length, 3);
  const kept = await page.evaluate(() => JSON.stringify([location.href, { ...localStorage }, { ...sessionStorage }]));
  assert.equal(kept.includes(key), false, "the key is kept nowhere");
});

/* Runs what was copied; its output. */
async function run(program, args) {
  const env = { ...process.env, PYTHONPATH: join(ROOT, "sdk/python/src"), PYTHONDONTWRITEBYTECODE: "1" };
  const child = spawn(program, args, { env });
  let out = "";
  child.stdout.on("data", (text) => (out += text));
  child.stderr.on("data", (text) => (out += text));
  const [code] = await once(child, "close");
  assert.equal(code, 0, out);
  return out;
}

test("with an agent there, the inbox stays the inbox, and /start is still there", async (t) => {
  const page = await openPage(t, browser, server, { who: "eva" });
  await waitForText(page, ".row", "hello.say");
  await page.goto(`${server.url}/start`);
  await waitForText(page, "h1", "Your first agent");
  await page.fill("#agent-name", "first-agent");
  await press(page, "Enter");
  await waitForText(page, "#agent-refusal", "already");
});

test("an admin who sees no proposals is told where the first one arrives", async (t) => {
  const page = await openPage(t, browser, server, { who: "adam", path: "/start" });
  await waitForText(page, ".page", "Your role does not see proposals");
});

test("who is no admin is told whom to ask", async (t) => {
  const page = await openPage(t, browser, server, { who: "ray", path: "/start" });
  await waitForText(page, ".page", "An admin makes agents");
  assert.equal(await page.locator("#agent-name").count(), 0);
});

test("a link signs in, once, and is gone from the URL and the history", async (t) => {
  const link = await linkFor("ray");
  const page = await openPage(t, browser, server);
  await page.goto("about:blank");
  await page.goto(link);
  await waitForText(page, ".who", "ray");
  assert.equal(page.url().includes("fkl_"), false);
  await page.click("a.who");
  await page.goBack();
  assert.equal(page.url().includes("fkl_"), false);

  const other = await openPage(t, browser, server);
  await other.goto("about:blank");
  await other.goto(link);
  await waitForText(other, ".signin-box .notice", "This sign-in link has been used or is too old");
  assert.equal(other.url().includes("fkl_"), false);
});

test("who is signed in stays who they are, and the link stays unused", async (t) => {
  const link = await linkFor("ray");
  const page = await openPage(t, browser, server, { who: "eva" });
  await page.goto("about:blank");
  await page.goto(link);
  await waitForText(page, ".who", "eva");
  assert.equal(page.url().includes("fkl_"), false);
  const answer = await server.public.post("/v1/session/link", { code: link.split("#")[1] });
  assert.equal(answer.status, 200);
  assert.equal(answer.body.name, "ray");
});
