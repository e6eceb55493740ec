// SPDX-License-Identifier: Apache-2.0
/*
 * The page Done: what became of what I decided, as it happens; and for leads, what nobody knows.
 */
import assert from "node:assert/strict";
import * as file from "node:test";

import { axeFindings, openPage, waitForText } from "./browser.mjs";
import { decide, policy, propose, refund, released, startWorld } from "./world.mjs";

const { test } = file;
const world = await startWorld(file);
const { browser, server, bot } = world;
await server.addPerson("lea", ["lead"]);
const ana = await server.signIn("ana");

/* Decided by ana; as the agent reads it then. */
async function approved(order) {
  const made = await propose(bot, refund(world, order));
  await decide(ana, made, { verdict: "approve" });
  return released(bot, made);
}

async function redeem({ permit, arguments: args }) {
  const { status, text } = await bot.post("/v1/permits/redeem", { permit, arguments: args });
  assert.equal(status, 200, text);
}

const report = ({ id }, body) => bot.post(`/v1/proposals/${id}/outcome`, body);
const cell = ({ id }, label) => `tr:has(a[href="/p/${id}"]) [data-label="${label}"]`;

test("each step of an approval appears by itself", async (t) => {
  const page = await openPage(t, browser, server, { who: "ana", path: "/done" });
  await page.waitForSelector(".line.live", { state: "attached" });
  const made = await approved("W1001");
  await waitForText(page, cell(made, "Outcome"), "Not used yet");
  await redeem(made);
  await waitForText(page, cell(made, "Outcome"), "Executing");
  await report(made, { status: "failed", detail: "The bank refused it" });
  await waitForText(page, cell(made, "Outcome"), "The bank refused it");
  assert.equal(await page.getByRole("button", { name: "Outcome unknown" }).count(), 0, "for leads alone");
  assert.deepEqual(await axeFindings(page), []);
});

test("leads list what was executed and not reported in time, until it is", async (t) => {
  server.setPolicy(policy().replace("valid_for: 24h", "outcome_within: 1s\n  valid_for: 24h"));
  await server.signal("SIGHUP", "policy.reloaded");
  const made = await approved("W1002");
  await redeem(made);
  const waits = await propose(bot, refund(world, "W1003"));
  await bot.get(`/v1/proposals/${waits.id}?wait=2s`); // longer than outcome_within
  const page = await openPage(t, browser, server, { who: "lea", path: "/done" });
  await waitForText(page, ".empty", "No decisions yet");
  await page.getByRole("button", { name: "Outcome unknown" }).click();
  await waitForText(page, cell(made, "Outcome"), "Unknown");
  await waitForText(page, cell(made, "Decision"), "by ana");
  assert.deepEqual(await axeFindings(page), []);
  if (process.env.FERMATA_SHOT) {
    await page.screenshot({ path: process.env.FERMATA_SHOT });
  }
  await page.waitForSelector(".line.live", { state: "attached" });
  await report(made, { status: "succeeded" });
  await waitForText(page, ".empty", "Every outcome is known");
});

test("an approval that was never used says so", async (t) => {
  server.setPolicy(policy().replace("valid_for: 24h", "valid_for: 1s"));
  await server.signal("SIGHUP", "policy.reloaded");
  const page = await openPage(t, browser, server, { who: "ana", path: "/done" });
  await page.waitForSelector(".line.live", { state: "attached" });
  const made = await approved("W1004");
  await waitForText(page, cell(made, "Outcome"), "Never used");
  if (process.env.FERMATA_SHOT) {
    await page.screenshot({ path: process.env.FERMATA_SHOT.replace(".png", "-mine.png") });
  }
});
