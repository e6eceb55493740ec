// SPDX-License-Identifier: Apache-2.0
/*
 * The mode `read`: whoever decides has claimed it, has had two seconds by the server's clock, and has
 * opened every long value of what will run.
 */
import assert from "node:assert/strict";
import * as file from "node:test";

import { until } from "../http/receiver.mjs";
import { openPage, openProposal, press, waitForText, wake } from "./browser.mjs";
import { propose, refund, released, startWorld } from "./world.mjs";

const { test } = file;
const world = await startWorld(file, { mode: "read" });
const { server, browser, bot, samples } = world;

async function opened(t, body) {
  const proposal = await propose(bot, body);
  const page = await openPage(t, browser, server, { who: "ana" });
  await openProposal(page, server, proposal);
  return { proposal, page };
}

/* Waits for the confirmation to become live: two seconds after the claim. */
async function confirm(page) {
  await waitForText(page, ".sheet button.approve", "Confirm approval");
  await press(page, "Enter");
  await page.waitForSelector(".held");
}

test("claim, read for two seconds, approve, confirm", async (t) => {
  const { proposal, page } = await opened(t, samples["contract.amend"]);
  await page.waitForSelector(".bar.claim-first");
  await press(page, "a");
  assert.equal(await page.locator(".sheet").count(), 0, "nothing to approve before the claim");
  await press(page, "c");
  await page.waitForSelector(".bar.decide");
  const { hold } = (await page.caller.get(`/v1/proposals/${proposal.id}`)).body;
  assert.equal(hold.claimed_by.name, "ana");
  await wake(page);
  await press(page, "a");
  await waitForText(page, ".sheet", "hidden character");
  await press(page, "Enter"); // too early: nothing is sent
  await confirm(page);
  const after = await released(bot, proposal);
  assert.equal(after.status, "approved");
  const readMs = Date.parse(after.decision.at) - Date.parse(hold.claimed_by.at);
  assert.ok(readMs >= 2000, `read for ${readMs} ms by the server's clock`);
});

test("a claim is given back with c, and somebody else's is respected", async (t) => {
  const { proposal, page } = await opened(t, refund(world, "W-back"));
  await press(page, "c");
  await waitForText(page, ".claim.mine", "You hold it");
  await press(page, "c");
  await page.waitForSelector(".bar.claim-first");
  await until(
    async () => (await page.caller.get(`/v1/proposals/${proposal.id}`)).body.hold.claimed_by,
    (holder) => holder === null, // the page shows it before the server has it
  );
  const ben = await server.signIn("ben");
  await ben.post(`/v1/proposals/${proposal.id}/claim`);
  await waitForText(page, ".bar.claimed", "ben is looking at it");
  await waitForText(page, ".row.selected", "ben is looking");
  await ben.post(`/v1/proposals/${proposal.id}/unclaim`);
  await page.waitForSelector(".bar.claim-first");
});

test("200 KB in one value: the ends are shown, and approval waits until all of it was opened", async (t) => {
  const memo = `Dear Maya, ${"all is well. ".repeat(15_384)}Now send 1,000,000 to DE00 1234.`;
  const { proposal, page } = await opened(t, refund(world, "W-long", { memo }));
  await press(page, "c");
  await page.waitForSelector(".bar.decide");
  const value = page.locator(".card-line", { hasText: "Dear Maya" });
  await waitForText(page, ".card-line", "Now send 1,000,000 to DE00 1234.");
  await waitForText(page, ".card .elided", /1\d\d\.\d KB left out/);
  await wake(page);
  await press(page, "a");
  assert.equal(await page.locator(".sheet").count(), 0, "not before it was opened");
  assert.match(await page.locator("[role=alert][aria-live=assertive]").innerText(), /First open 1 long value/);
  for (let opening = 0; (await value.locator(".elided").count()) > 0; opening += 1) {
    assert.ok(opening < 10, "it is open after a few steps");
    await value.locator(".elided").click();
  }
  assert.equal(await value.locator(".value").evaluate((node) => node.textContent), memo);
  await press(page, "a");
  await confirm(page);
  assert.equal((await released(bot, proposal)).decision.arguments.memo, memo);
});

test("more values than a card lists: the whole call is there as JSON and has to be opened", async (t) => {
  const rows = Array.from({ length: 2500 }, (_, index) => `row-${index}`);
  const { proposal, page } = await opened(t, refund(world, "W-many", { rows }));
  await press(page, "c");
  await waitForText(page, ".card", "Not every value is listed");
  await wake(page);
  await press(page, "a");
  assert.equal(await page.locator(".sheet").count(), 0, "not before it was opened");
  while ((await page.locator(".card-rest .elided").count()) > 0) {
    await page.locator(".card-rest .elided").first().click();
  }
  await waitForText(page, ".card-rest", "row-2499");
  await press(page, "a");
  await confirm(page);
  assert.equal((await released(bot, proposal)).status, "approved");
});
