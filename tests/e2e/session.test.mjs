// SPDX-License-Identifier: Apache-2.0
/*
 * Who is signed in, and whether there is a server: wrong and throttled passwords, a session that ends under
 * somebody's hands, a server that goes and comes back. Nothing that was typed is lost, and nothing is decided
 * that was not acknowledged.
 */
import assert from "node:assert/strict";
import * as file from "node:test";

import { PASSWORD } from "../http/server.mjs";
import { openPage, openProposal, press, waitForFocus, waitForText, wake } from "./browser.mjs";
import { propose, refund, released, startWorld } from "./world.mjs";

const { test } = file;
const world = await startWorld(file, { keepPort: true });
const { server, browser, bot } = world;
const FREE_ATTEMPTS = 5;

async function signIn(page, name, password) {
  await page.fill("#name", name);
  await page.fill("#password", password);
  await page.click("button[type=submit]");
}

test("sign in: a wrong password is refused and forgotten, the right one opens the inbox", async (t) => {
  await propose(bot, refund(world, "W-first"));
  const page = await openPage(t, browser, server);
  await signIn(page, "ana", "guess");
  await waitForText(page, "#signin-refusal", "Name or password is wrong.");
  assert.equal(await page.inputValue("#password"), "");
  await waitForFocus(page, "#password");
  await signIn(page, "ana", PASSWORD);
  await waitForText(page, ".row", "W-first");
  assert.match(await page.locator(".who").innerText(), /ana$/);
  const kept = await page.evaluate(() => JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }]));
  assert.ok(!/W-first|correct horse|fermata=/.test(kept), kept);
});

test("sign in under another name of the host: refused, with the address to use", async (t) => {
  const url = server.url.replace("127.0.0.1", "localhost");
  const page = await openPage(t, browser, { url, origin: url });
  await signIn(page, "ana", PASSWORD);
  await waitForText(page, "#signin-refusal", `${server.origin}. Open it there to sign in.`);
});

test("sign in: too many guesses have to wait, and are told how long", async (t) => {
  const page = await openPage(t, browser, server);
  for (let guess = 0; guess < FREE_ATTEMPTS; guess += 1) {
    await signIn(page, "mallory", `guess ${guess}`);
    await waitForText(page, "#signin-refusal", "Name or password is wrong.");
    await page.waitForSelector("button[type=submit]:not([disabled])");
  }
  await signIn(page, "mallory", "one more");
  await waitForText(page, "#signin-refusal", /Too many attempts\. Try again in \d+ seconds?\./);
});

test("sign out: the session is over at the server too", async (t) => {
  const page = await openPage(t, browser, server, { who: "ana", path: "/me" });
  await page.click("text=Sign out");
  await page.waitForSelector("#name");
  assert.equal((await page.caller.get("/v1/me")).status, 401);
  await page.goBack();
  await page.waitForSelector("#name");
});

test("the session ends while somebody writes: the draft is kept, and sent once after signing in", async (t) => {
  const proposal = await propose(bot, refund(world, "W-ended"));
  const page = await openPage(t, browser, server, { who: "ana" });
  await openProposal(page, server, proposal);
  await wake(page);
  await press(page, "q");
  await page.fill("#ask-field", "Is the photo from this month?");
  await page.caller.delete("/v1/session");
  await press(page, "Control+Enter");
  await waitForText(page, "dialog", "Your session has ended");
  await page.fill("#password", "wrong");
  await press(page, "Enter");
  await waitForText(page, "#signin-refusal", "wrong");
  await page.fill("#password", PASSWORD);
  await press(page, "Enter");
  await page.waitForSelector("dialog", { state: "detached" });
  assert.equal(await page.inputValue("#ask-field"), "Is the photo from this month?");
  await page.focus("#ask-field");
  await press(page, "Control+Enter");
  await page.waitForSelector(".held");
  const after = await released(bot, proposal);
  assert.deepEqual([after.status, after.decision.reason], ["returned", "Is the photo from this month?"]);
});

test("the server stops and comes back: read only meanwhile, then up to date", async (t) => {
  const proposal = await propose(bot, refund(world, "W-offline"));
  const page = await openPage(t, browser, server, { who: "ana" });
  await openProposal(page, server, proposal);
  await wake(page);
  await press(page, "r");
  await page.fill("#reject-field", "Half typed");
  await server.stop();
  await page.waitForSelector(".offline-line");
  await waitForText(page, ".bar.offline", "Offline: read only.");
  assert.ok((await page.locator(".card").innerText()).includes("W-offline"), "still there to read");
  await server.start();
  await propose(bot, refund(world, "W-meanwhile"));
  await page.waitForSelector(".line.live");
  await page.waitForSelector(".bar.decide");
  await waitForText(page, ".fresh", "1 new");
  assert.equal(await page.inputValue("#reject-field"), "Half typed");
  await press(page, "Control+Enter");
  await page.waitForSelector(".held");
  assert.equal((await released(bot, proposal)).decision.reason, "Half typed");
});

test("a page that is opened while there is no server says so, and goes on by itself when asked", async (t) => {
  const page = await openPage(t, browser, server, { who: "ana" });
  await page.route("**/v1/me", (route) => route.abort());
  await page.reload();
  await waitForText(page, "main", "No answer from the server");
  await page.unroute("**/v1/me");
  await page.click("button");
  await page.waitForSelector(".top");
});
