// SPDX-License-Identifier: Apache-2.0
/*
 * Callbacks in the page: leads find what was given up and why, and send it again; reviewers see neither
 * the page nor its link.
 */
import assert from "node:assert/strict";
import * as file from "node:test";

import { startReceiver } from "../http/receiver.mjs";
import { openPage, waitForText } from "./browser.mjs";
import { propose, startWorld } from "./world.mjs";

const { test } = file;
const world = await startWorld(file, { args: ["--callback-allow", "127.0.0.0/8"] });
const { server, browser } = world;
await server.addPerson("lea", ["lead"]);
const receiver = await startReceiver(file);

test("a lead finds a dead letter and sends it again", async (t) => {
  await server.cli("agent", "add", "hook-bot", "--owner", "lea", "--host", "127.0.0.1");
  const agent = await server.key("hook-bot");
  receiver.answers.push({ status: 410 });
  const callback = { url: `${receiver.url}/secret-path` };
  const proposal = await propose(agent, { action: "ticket.close", arguments: {}, callback });
  await agent.post(`/v1/proposals/${proposal.id}/withdraw`);
  await receiver.next();

  const page = await openPage(t, browser, server, { who: "lea" });
  await page.click("nav >> text=Callbacks");
  await waitForText(page, "h1", "Callbacks");
  const row = page.locator("tbody tr");
  await waitForText(page, "tbody", "Given up");
  await waitForText(page, "tbody", "The receiver wants no more of it (HTTP 410)");
  assert.equal(await row.count(), 1);
  const text = await row.innerText();
  assert.ok(text.includes("hook-bot") && text.includes("127.0.0.1") && !text.includes("secret-path"), text);

  await page.click("text=Send again");
  assert.equal((await receiver.next()).body.proposal, proposal.id);
  await page.check("text=Delivered");
  await waitForText(page, "tbody", "Withdrawn");
  await page.check("text=Given up");
  await waitForText(page, ".empty", "None given up");
  await page.click("text=Inbox");
  await waitForText(page, "h1", "Inbox");
});

test("a reviewer has no link to it, and reads why not where they come all the same", async (t) => {
  const page = await openPage(t, browser, server, { who: "ana", path: "/callbacks" });
  await waitForText(page, ".notice", "forbidden");
  assert.equal(await page.locator("nav >> text=Callbacks").count(), 0);
});
