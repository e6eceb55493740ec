// SPDX-License-Identifier: Apache-2.0
/*
 * An edit that the policy wants others to decide on: who made it is told that nothing was approved, and
 * the lead sees it beside what was proposed, and takes it over.
 */
import assert from "node:assert/strict";
import * as file from "node:test";

import { openPage, openProposal, press, waitForText, wake } from "./browser.mjs";
import { policy, propose, refund, released, startWorld } from "./world.mjs";

const { test } = file;
const LARGE = `  - {id: large, when: 'action.name == "anything.refund" && args.?amount.orValue(0) > 400', then: review, queue: leads,
     because: "Large refunds are for leads"}
`;
const text = policy();
const rules = text.includes("\nrules:\n") ? text.replace("\nrules:\n", `\nrules:\n${LARGE}`) : `${text}\nrules:\n${LARGE}`;
const world = await startWorld(file, { policy: rules });
const { server, browser, bot } = world;

test("an edit for leads is not told as approved, and a lead takes it over", async (t) => {
  const proposal = await propose(bot, refund(world, "W-lead", { amount: 30 }));
  const page = await openPage(t, browser, server, { who: "ana" });
  await openProposal(page, server, proposal);
  await wake(page);
  await press(page, "e");
  const amount = page.getByRole("textbox", { name: /^amount/ });
  await amount.fill("800");
  await press(page, "Control+Enter");
  await waitForText(page, ".proposal", "Not approved: the policy wants the queue leads to decide it");
  await waitForText(page, ".card", "30"); // what was proposed is still there to read

  const lead = await openPage(t, browser, server, { who: "lena" });
  await openProposal(lead, server, proposal);
  await waitForText(lead, ".proposal", "ana would change it");
  await waitForText(lead, ".proposal", "With a reviewer's edit: Large refunds are for leads");
  await lead.getByRole("button", { name: "Take this edit over" }).click();
  await waitForText(lead, ".proposal", "What you change");
  await press(lead, "Control+Enter");
  const after = await released(bot, proposal);
  assert.deepEqual([after.status, after.decision.arguments.amount, after.decision.by.name], ["approved", 800, "lena"]);
});
