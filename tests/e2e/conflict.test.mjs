// SPDX-License-Identifier: Apache-2.0
/*
 * Others act at the same time: colleagues, the agent, the clock. Nobody decides on what they did not read,
 * one decision stands, and whoever comes second sees who was first and keeps what they typed.
 */
import assert from "node:assert/strict";
import * as file from "node:test";

import { openPage, openProposal, press, waitForText, wake } from "./browser.mjs";
import { decide, propose, refund, released, startWorld } from "./world.mjs";

const { test } = file;
const world = await startWorld(file);
const { server, browser, bot } = world;
const ben = await server.signIn("ben");
const RACES = 5;

async function opened(t, order, changed = {}) {
  const proposal = await propose(bot, { ...refund(world, order), ...changed });
  const page = await openPage(t, browser, server, { who: "ana" });
  await openProposal(page, server, proposal);
  await wake(page);
  return { proposal, page };
}

test("two browsers race: one decision stands, the loser sees who and when", async (t) => {
  const people = ["ana", "ben"];
  const pages = await Promise.all(people.map((who) => openPage(t, browser, server, { who })));
  for (let race = 0; race < RACES; race += 1) {
    const proposal = await propose(bot, refund(world, `W-race-${race}`));
    await Promise.all(pages.map((page) => openProposal(page, server, proposal)));
    await Promise.all(pages.map((page) => wake(page)));
    await Promise.all(pages.map((page) => press(page, "a")));
    const { decision, status } = await released(bot, proposal);
    assert.equal(status, "approved");
    const loser = pages[1 - people.indexOf(decision.by.name)];
    await waitForText(loser, ".bar.ended", new RegExp(`${decision.by.name} decided .*: approved`));
    const { body } = await ben.get(`/v1/proposals/${proposal.id}`);
    assert.equal(body.timeline.filter(({ type }) => type === "proposal.decided").length, 1);
  }
});

test("decided by a colleague while I write: who, what, when, and my note is kept", async (t) => {
  const { proposal, page } = await opened(t, "W-note-kept");
  await press(page, "r");
  await page.fill("#reject-field", "The amount is wrong, see the order.");
  await decide(ben, proposal, { verdict: "reject", reason: "Wrong person", reason_code: "wrong_person" });
  await waitForText(page, ".bar.ended", /ben decided (just now|0:0\d ago): rejected/);
  await waitForText(page, ".bar.ended", "Wrong person");
  await waitForText(page, ".kept", "The amount is wrong, see the order.");
  await waitForText(page, ".row.selected", "by ben");
  assert.match(await page.locator("[role=alert][aria-live=assertive]").textContent(), /ben decided: rejected/);
});

test("decided by a colleague while my decision is on its way: mine is refused, and I see theirs", async (t) => {
  const { proposal, page } = await opened(t, "W-second");
  await page.route("**/decision", async (route) => {
    await decide(ben, proposal, { verdict: "reject", reason: "Not his order", reason_code: "wrong_person" });
    await route.continue();
  });
  const answer = page.waitForResponse("**/decision");
  await press(page, "a");
  assert.equal((await answer).status(), 409);
  await waitForText(page, ".bar.ended", /ben decided (just now|0:0\d ago): rejected\. Reason: Not his order/);
  assert.equal(await page.locator(".held").count(), 0);
});

test("revised under the reviewer: nothing can be approved until the new revision was read", async (t) => {
  const { proposal, page } = await opened(t, "W-revised");
  const decided = { verdict: "return", reason: "Are you sure?" };
  await decide(ben, proposal, decided);
  await bot.post(`/v1/proposals/${proposal.id}/revise`, { arguments: { ...proposal.arguments, amount: 7450 } });
  await waitForText(page, ".bar.changed", "Changed since you opened it.");
  assert.ok(!(await page.locator(".card").innerText()).includes("7450"), "what is read stays as it was");
  await press(page, "a", "Enter");
  assert.equal((await ben.get(`/v1/proposals/${proposal.id}`)).body.decision, null);
  await page.click(".bar.changed button");
  await waitForText(page, ".card", "7450");
  await waitForText(page, ".revision", "7450");
  await waitForText(page, ".row.selected", "Refund 7450 USD");
  await waitForText(page, ".bar.claimed", "ben is looking at it");
});

test("a decision on an old digest is refused by the server, whatever the page believes", async (t) => {
  const { proposal, page } = await opened(t, "W-digest");
  await page.route("**/decision", async (route) => {
    const body = { ...route.request().postDataJSON(), digest: `sha256:${"0".repeat(64)}` };
    await route.continue({ postData: JSON.stringify(body) });
  });
  await press(page, "a");
  await waitForText(page, ".bar .notice", "digest-mismatch");
  assert.equal((await ben.get(`/v1/proposals/${proposal.id}`)).body.decision, null);
});

test("withdrawn by the agent under the reviewer", async (t) => {
  const { proposal, page } = await opened(t, "W-withdrawn");
  await bot.post(`/v1/proposals/${proposal.id}/withdraw`);
  await waitForText(page, ".bar.ended", /Withdrawn .*No decision is needed\./);
  await waitForText(page, ".row.over", "withdrawn");
  assert.equal(await page.locator(".verbs").count(), 0);
});

test("expired under the reviewer: the agent no longer wants the answer", async (t) => {
  const { proposal, page } = await opened(t, "W-expired", { deadline: "3s" });
  await waitForText(page, ".bar.ended", /Expired .*No decision is needed\./);
  await waitForText(page, ".timeline", "the agent no longer wants the answer");
  assert.equal((await bot.get(`/v1/proposals/${proposal.id}`)).body.status, "expired");
});

test("claimed by a colleague: I see who, and can decide again once it is given back", async (t) => {
  const { proposal, page } = await opened(t, "W-claimed");
  await ben.post(`/v1/proposals/${proposal.id}/claim`);
  await waitForText(page, ".bar.claimed", /ben is looking at it and holds it until (\d+ \w+ )?\d\d:\d\d/);
  await waitForText(page, ".row.selected", "ben is looking");
  await press(page, "a");
  assert.equal((await ben.get(`/v1/proposals/${proposal.id}`)).body.decision, null);
  await ben.post(`/v1/proposals/${proposal.id}/unclaim`);
  await page.waitForSelector(".bar.decide");
});

test("a lost answer: pressing again sends the same decision, and it is made once", async (t) => {
  const { proposal, page } = await opened(t, "W-lost");
  const keys = [];
  await page.route("**/decision", async (route) => {
    keys.push(route.request().headers()["idempotency-key"]);
    if (keys.length > 1) {
      await route.continue();
      return;
    }
    await route.fetch(); // it arrives, and is done
    await route.abort(); // but its answer does not come back
  });
  await press(page, "a");
  await waitForText(page, ".bar", /No answer from the server|You decided|You approved/);
  const { body } = await ben.get(`/v1/proposals/${proposal.id}`);
  assert.equal(body.timeline.filter(({ type }) => type === "proposal.decided").length, 1);
  assert.equal(new Set(keys).size, 1);
});
