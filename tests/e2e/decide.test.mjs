// SPDX-License-Identifier: Apache-2.0
/*
 * The decisions, as a reviewer makes them with the keyboard, and what the agent then gets: checked through
 * the agent's own reads, not through what the page says.
 */
import assert from "node:assert/strict";
import * as file from "node:test";

import { openPage, openProposal, press, waitForFocus, waitForText, wake } from "./browser.mjs";
import { propose, refund, released, startWorld } from "./world.mjs";

const { test } = file;
const world = await startWorld(file, { undo: "3s" });
const { server, browser, bot, samples } = world;

/* A fresh proposal, open in ana's page, with Approve live where it may be pressed at once. */
async function opened(t, body, options = {}) {
  const proposal = await propose(bot, body);
  const page = await openPage(t, browser, server, { who: "ana", ...options });
  await openProposal(page, server, proposal);
  return { proposal, page };
}

const selectedId = (page) => new URL(page.url()).searchParams.get("sel");

test("approve with a: the agent gets exactly what was shown, after the undo time", async (t) => {
  const next = await propose(bot, refund(world, "W-next"));
  const { proposal, page } = await opened(t, refund(world, "W-approve"));
  await wake(page);
  const request = page.waitForRequest("**/decision");
  await press(page, "a");
  assert.deepEqual((await request).postDataJSON(), { verdict: "approve", digest: proposal.digest });
  await waitForText(page, ".held", "W-approve");
  const before = (await bot.get(`/v1/proposals/${proposal.id}`)).body;
  assert.deepEqual([before.status, before.decision], ["pending", null], "not released within the undo time");
  await page.waitForFunction((id) => new URL(location.href).searchParams.get("sel") !== id, proposal.id);
  await waitForFocus(page, "#proposal-title");
  assert.ok(selectedId(page), "another one is open");
  const after = await released(bot, proposal);
  assert.equal(after.status, "approved");
  assert.deepEqual(after.decision.arguments, proposal.arguments);
  assert.equal(after.decision.via, "page");
  assert.equal(after.decision.by.name, "ana");
  await waitForText(page, ".row.over", "approved by you");
  await bot.post(`/v1/proposals/${next.id}/withdraw`);
});

test("approve is inert when a proposal has only just appeared", async (t) => {
  const { proposal, page } = await opened(t, refund(world, "W-inert"));
  await page.evaluate(() => document.querySelector(".verb-approve").click()); // no person made this click
  await page.keyboard.press("Shift"); // a person is there, and Approve becomes live
  await page.waitForSelector(".verb-approve[aria-disabled=false]");
  await page.evaluate(() => document.querySelector(".verb-approve").click());
  await press(page, "r", "Escape"); // whatever the click did is done by now
  await page.waitForSelector(".verbs");
  assert.equal((await page.caller.get(`/v1/proposals/${proposal.id}`)).body.decision, null);
});

test("undo with z: the agent never sees the approval", async (t) => {
  const { proposal, page } = await opened(t, refund(world, "W-undo"));
  await wake(page);
  await press(page, "a");
  await page.waitForSelector(".held button");
  await press(page, "z");
  await waitForText(page, ".claim.mine", "You hold it");
  const { body } = await page.caller.get(`/v1/proposals/${proposal.id}`);
  assert.deepEqual([body.decision, body.hold.phase, body.hold.claimed_by.name], [null, "claimed", "ana"]);
  assert.ok(body.timeline.some(({ type }) => type === "proposal.undone"));
  await wake(page);
  await press(page, "r", "1", "Control+Enter");
  assert.equal((await released(bot, proposal)).status, "rejected");
});

test("undo by the button on the proposal's own page, while it runs", async (t) => {
  const { proposal, page } = await opened(t, refund(world, "W-undo-own"));
  await wake(page);
  await press(page, "a");
  await page.waitForSelector(".held");
  await page.goto(`${server.url}/p/${proposal.id}`);
  await page.click(".bar.undo button");
  await page.waitForSelector(".bar.decide");
  assert.equal((await bot.get(`/v1/proposals/${proposal.id}`)).body.status, "pending");
});

test("modify: the agent gets exactly the edited arguments, and the differences are on record", async (t) => {
  const { proposal, page } = await opened(t, refund(world, "W-modify"));
  await wake(page);
  await press(page, "e");
  await page.fill("#edit-0", "37.250");
  await page.locator(".fields textarea").first().fill("Half of it,\nas agreed: ‘37.25’ \u{1F4B8}");
  await waitForText(page, ".changes", "37.25");
  await page.fill("#edit-reason", "Half was agreed");
  await press(page, "Control+Enter");
  await page.waitForSelector(".held");
  const after = await released(bot, proposal);
  const wanted = { ...proposal.arguments, amount: 37.25, message: "Half of it,\nas agreed: ‘37.25’ \u{1F4B8}" };
  assert.deepEqual(after.decision.arguments, wanted);
  assert.equal(after.decision.verdict, "modify");
  assert.equal(after.decision.severity, "material", "a critical member changed");
  assert.deepEqual(after.decision.changed.map(({ pointer }) => pointer).sort(), ["/amount", "/message"]);
  const redeemed = await bot.post("/v1/permits/redeem", { permit: after.permit, arguments: wanted });
  assert.equal(redeemed.status, 200, redeemed.text);
});

test("modify: the schema gives hints and choices, and what the server refuses stands under its field", async (t) => {
  const { proposal, page } = await opened(t, refund(world, "W-schema"));
  await wake(page);
  await press(page, "e");
  await waitForText(page, "label[for=edit-0]", "required, above 0, in steps of 0.01");
  const options = await page.locator("#edit-1 option").allTextContents();
  assert.deepEqual(options, ["USD", "EUR", "GBP"]);
  await page.fill("#edit-0", "37.255");
  await press(page, "Control+Enter");
  await waitForText(page, "#edit-0-error", "must be a multiple of 0.01");
  assert.equal((await bot.get(`/v1/proposals/${proposal.id}`)).body.status, "pending");
  await page.fill("#edit-0", "37.25");
  await page.selectOption("#edit-1", "EUR");
  await press(page, "Control+Enter");
  const { arguments: args } = (await released(bot, proposal)).decision;
  assert.deepEqual([args.amount, args.currency], [37.25, "EUR"]);
});

test("modify as JSON text: what is missing is told although no field shows it", async (t) => {
  const { page } = await opened(t, refund(world, "W-missing"));
  await wake(page);
  await press(page, "e");
  await page.click("text=Edit as JSON text");
  await page.fill("#edit-raw", '{"order_id": "W-missing", "amuont": 1, "currency": "USD"}');
  await press(page, "Control+Enter");
  await waitForText(page, "#edit-raw-error", "amount: is required");
  await waitForText(page, ".sheet [role=alert]", "amuont: is not known here; did you mean `amount`?");
});

test("modify as JSON text: a mistake is named where it stands and nothing is sent", async (t) => {
  const { proposal, page } = await opened(t, refund(world, "W-json"));
  await wake(page);
  await press(page, "e");
  await page.click("text=Edit as JSON text");
  await page.fill("#edit-raw", '{"amount": 9007199254740993, "order_id": "W-json"}');
  await page.waitForSelector("#edit-raw-error");
  assert.ok(await page.locator(".sheet button.approve").isDisabled());
  await page.fill("#edit-raw", '{"order_id": "W-json", "amount": 1e1, "currency": "USD", "message": ""}');
  await press(page, "Control+Enter");
  assert.deepEqual((await released(bot, proposal)).decision.arguments, {
    amount: 10,
    currency: "USD",
    message: "",
    order_id: "W-json",
  });
});

test("reject: the reason's code and words reach the agent at once", async (t) => {
  const { proposal, page } = await opened(t, refund(world, "W-reject"));
  await wake(page);
  await press(page, "r", "2");
  await page.fill("#reject-field", "This order is Ben’s, not Maya’s.");
  await press(page, "Control+Enter");
  await waitForText(page, ".held", "W-reject");
  const after = await released(bot, proposal);
  assert.equal(after.status, "rejected");
  assert.equal(after.decision.reason_code, "wrong_person");
  assert.equal(after.decision.reason, "This order is Ben’s, not Maya’s.");
  assert.equal(after.permit, null);
});

test("return with a question: the agent revises, and the page shows the new revision to its asker", async (t) => {
  const { proposal, page } = await opened(t, refund(world, "W-return"));
  await wake(page);
  await press(page, "q");
  await page.fill("#ask-field", "When was the photo taken?");
  await press(page, "Control+Enter");
  await page.waitForSelector(".held");
  const asked = await released(bot, proposal);
  assert.deepEqual([asked.status, asked.decision.reason], ["returned", "When was the photo taken?"]);
  const brief = { ...samples["refund.issue"].brief, reasoning: "The photo was taken after the delivery." };
  await openProposal(page, server, proposal);
  await waitForText(page, ".bar.ended", "returned with a question");
  const revised = await bot.post(`/v1/proposals/${proposal.id}/revise`, {
    arguments: { ...proposal.arguments, amount: 70 },
    brief,
  });
  assert.equal(revised.status, 200, revised.text);
  await page.click(".bar.changed button");
  await waitForText(page, ".card-head", "revision 2");
  await waitForText(page, ".agent", "taken after the delivery");
  await waitForText(page, ".revision", "amount");
  await waitForText(page, ".asked", "When was the photo taken?");
  await waitForText(page, ".claim.mine", "You hold it");
  await wake(page);
  await press(page, "a");
  const after = await released(bot, proposal);
  assert.deepEqual([after.status, after.revision, after.decision.arguments.amount], ["approved", 2, 70]);
});

test("an option's own arguments go into the editor, not past it", async (t) => {
  const body = refund(world, "W-option");
  const halved = { ...body.arguments, amount: 37.25 };
  const options = [{ title: "Half", cons: ["less"], arguments: halved }];
  const { proposal, page } = await opened(t, { ...body, brief: { ...body.brief, options } });
  await wake(page);
  await page.click("text=Edit with its arguments");
  await waitForText(page, ".changes", "37.25");
  await press(page, "Control+Enter");
  assert.deepEqual((await released(bot, proposal)).decision.arguments, halved);
});

test("a note for colleagues stays with them", async (t) => {
  const { proposal, page } = await opened(t, refund(world, "W-note"));
  await press(page, "m");
  await page.keyboard.type("Asked the warehouse. a r q e are no keys in here.");
  await page.click("text=Add note");
  await waitForText(page, ".note", "Asked the warehouse");
  assert.ok(!(await bot.get(`/v1/proposals/${proposal.id}`)).text.includes("warehouse"));
});
