// SPDX-License-Identifier: Apache-2.0
/*
 * Where each role starts, which pages it has, and the list of all proposals: what somebody who decides
 * nothing reads instead of an inbox.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as file from "node:test";

import { openPage, press, SIZES, waitForText } from "./browser.mjs";
import { decide, propose, refund, startWorld } from "./world.mjs";

const { test } = file;
const world = await startWorld(file);
const { server, browser, bot } = world;
await server.addPerson("ada", ["admin"]);
const ben = await server.signIn("ben");

const pagesOf = (page) => page.locator("nav[aria-label=Pages] a:visible").evaluateAll((links) => links.map(({ textContent }) => textContent.replace(/\d+$/, "")));
const pathOf = (page) => new URL(page.url()).pathname;

/* who, the page they start from, its heading, their pages, and those in the bar of a phone */
const STARTS = [
  ["ana", "/", "Inbox", ["Inbox", "Done", "Proposals", "Categories"], ["Inbox", "Done", "Categories"]],
  ["vera", "/proposals", "Proposals", ["Proposals", "Categories", "Policy", "People"], ["Proposals", "Categories"]],
  ["max", "/policy", "Policy", ["Proposals", "Categories", "Pauses", "Policy"], ["Categories", "Policy"]],
  ["ada", "/people", "People and access", ["Categories", "Callbacks", "People"], ["Categories", "People"]],
  ["lena", "/", "Inbox", ["Inbox", "Done", "Proposals", "Categories", "Callbacks", "Pauses", "Policy", "People"], ["Inbox", "Done", "Categories"]],
];

for (const [who, path, heading, wide, narrow] of STARTS) {
  for (const size of ["desktop", "phone"]) {
    test(`${who} starts on ${path}, on a ${size}`, async (t) => {
      const page = await openPage(t, browser, server, { who, viewport: SIZES[size] });
      await waitForText(page, "h1", heading);
      assert.equal(pathOf(page), path);
      assert.deepEqual(await pagesOf(page), size === "phone" ? narrow : wide);
      assert.equal(await page.locator(".notice.danger").count(), 0, "nothing was refused");
      await page.goto(`${server.url}/me`);
      await page.click(".brand");
      await waitForText(page, "h1", heading);
      assert.equal(pathOf(page), path);
    });
  }
}

test("an auditor finds a proposal, reads all of it, and has its evidence", async (t) => {
  const held = await propose(bot, refund(world, "W-find-held"));
  const over = await propose(bot, refund(world, "W-find-over"));
  await decide(ben, over, { verdict: "reject", reason: "Not his order" });
  const page = await openPage(t, browser, server, { who: "vera" });
  await waitForText(page, "tbody tr:nth-child(1)", "W-find-over");
  await waitForText(page, "tbody tr:nth-child(1)", "by ben");
  await waitForText(page, "tbody tr:nth-child(2)", "Pending");
  await page.selectOption("#by-status", "rejected");
  await page.fill("#by-q", "w-find");
  await press(page, "Enter");
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
  assert.match(page.url(), /\?q=w-find&status=rejected$/);
  await page.click("tbody a");
  await waitForText(page, ".card", "W-find-over");
  await waitForText(page, ".timeline", "Rejected");
  assert.equal(await page.locator(".verbs, #note-field").count(), 0, "read only");
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("text=save it as JSON")]);
  assert.ok(readFileSync(await download.path(), "utf8").includes(over.id), "it is about this one");
  await press(page, "Escape");
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
  assert.match(page.url(), /\?q=w-find&status=rejected$/, "back to what was looked at");
  await page.click("text=Show all");
  await waitForText(page, "tbody", "W-find-held");
  assert.equal((await page.caller.get(`/v1/proposals/${held.id}`)).body.status, "pending");
});

test("the list is read in pages, and what happens meanwhile waits behind a button", async (t) => {
  await Promise.all(Array.from({ length: 60 }, (_, n) => propose(bot, refund(world, `W-page-${n}`))));
  const page = await openPage(t, browser, server, { who: "vera", path: "/proposals?q=W-page" });
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 50);
  await page.click("text=Look further back");
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 60);
  await page.waitForSelector(".line.live");
  await propose(bot, refund(world, "W-page-news"));
  await waitForText(page, ".fresh", "There is news");
  assert.equal(await page.locator("tbody tr").count(), 60, "no row has moved");
  await press(page, ".");
  await waitForText(page, "tbody tr:nth-child(1)", "W-page-news");
  await page.waitForSelector(".fresh", { state: "detached" });
});

test("a reviewer looks up what others decided for their queue", async (t) => {
  const over = await propose(bot, refund(world, "W-lookup"));
  await decide(ben, over, { verdict: "approve" });
  const page = await openPage(t, browser, server, { who: "ana" });
  await press(page, "g", "a");
  await waitForText(page, "h1", "Proposals");
  await waitForText(page, "tbody tr:nth-child(1)", "W-lookup");
  assert.equal(await page.locator("#by-agent").count(), 0, "who may not list agents does not choose one");
});
