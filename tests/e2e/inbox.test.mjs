// SPDX-License-Identifier: Apache-2.0
/*
 * The inbox and the pages beside it: nothing moves under the reader, selection goes by id, counts are the
 * server's, everything works with the keyboard alone.
 */
import assert from "node:assert/strict";
import * as file from "node:test";

import { openPage, press, SIZES, waitForFocus, waitForText, wake } from "./browser.mjs";
import { decide, propose, refund, startWorld } from "./world.mjs";

const { test } = file;
const world = await startWorld(file);
const { server, browser, bot } = world;
const ben = await server.signIn("ben");

const order = (page) => page.locator(".row").evaluateAll((rows) => rows.map((row) => row.id));
const selected = (page) => page.locator(".row.selected").getAttribute("id");

test("the empty inbox says why it is empty", async (t) => {
  const page = await openPage(t, browser, server, { who: "ana" });
  await waitForText(page, ".empty", "Nothing waits for you");
  const proposal = await propose(bot, refund(world, "W-1"));
  await waitForText(page, ".fresh", "1 new");
  await press(page, ".");
  await waitForText(page, ".row.selected", "W-1");
  await waitForText(page, "#proposal-title", "W-1");
  assert.equal(await selected(page), `row-${proposal.id}`);
});

test("new rows wait behind a count, rows that end stay in their place, and . brings the list up to date", async (t) => {
  const made = [];
  for (const name of ["W-2", "W-3", "W-4"]) {
    made.push(await propose(bot, refund(world, name)));
  }
  const page = await openPage(t, browser, server, { who: "ana" });
  await page.waitForSelector(".line.live");
  await page.waitForSelector(".row.selected");
  const before = await order(page);
  await propose(bot, refund(world, "W-new-1"));
  await propose(bot, refund(world, "W-new-2"));
  await waitForText(page, ".fresh", "2 new");
  await decide(ben, made[0], { verdict: "reject", reason: "no", reason_code: "policy" });
  await waitForText(page, ".row.over", "by ben");
  await waitForText(page, ".fresh", "2 new, 1 over");
  assert.deepEqual(await order(page), before, "no row has moved");
  await press(page, ".");
  await page.waitForSelector(".fresh", { state: "detached" });
  const after = await order(page);
  assert.equal(after.length, before.length + 1);
  assert.ok(!after.includes(`row-${made[0].id}`));
  assert.equal(await page.locator(".row").first().getAttribute("aria-setsize"), String(after.length));
  await waitForText(page, ".tabs a[aria-current]", String(after.length));
});

test("j, k, Enter and Escape move by id; the address names the row, and a link opens it again", async (t) => {
  const page = await openPage(t, browser, server, { who: "ana" });
  await page.waitForSelector(".row.selected");
  const [first, second] = await order(page);
  assert.equal(await selected(page), first);
  await press(page, "j");
  assert.equal(await selected(page), second);
  await press(page, "k", "j");
  assert.equal(await selected(page), second);
  await page.waitForSelector("#proposal-title");
  await press(page, "Enter");
  await waitForFocus(page, "#proposal-title");
  await press(page, "Escape");
  await waitForFocus(page, "#list");
  await page.reload();
  await page.waitForSelector(".row.selected");
  assert.equal(await selected(page), second);
});

test("the list shows hundreds of rows in a window, with right positions", async (t) => {
  await Promise.all(Array.from({ length: 150 }, (_, n) => propose(bot, refund(world, `W-many-${n}`))));
  const page = await openPage(t, browser, server, { who: "ana" });
  await page.waitForSelector(".row.selected");
  const pending = (await page.caller.get("/v1/inbox?limit=1")).body.counts.pending;
  await page.focus("#list");
  for (let [steps, at] = [0, 0]; at !== pending; steps += 1) {
    assert.ok(steps < 50, `End leads to the last of ${pending} rows, not to ${at}`);
    await press(page, "End"); // the last that was read so far; further ones are read on the way
    await page.waitForSelector("#list[aria-busy=false]");
    at = Number(await page.locator(".row.selected").getAttribute("aria-posinset"));
  }
  assert.equal(await page.locator(".row").first().getAttribute("aria-setsize"), String(pending));
  assert.ok((await page.locator(".row").count()) < 40, "only the rows in view exist");
});

test("mine: what I have claimed, and nothing else", async (t) => {
  const proposal = await propose(bot, refund(world, "W-mine"));
  const page = await openPage(t, browser, server, { who: "ana", path: "/?mine=1" });
  await waitForText(page, ".empty", "No held proposal fits this filter");
  await page.caller.post(`/v1/proposals/${proposal.id}/claim`);
  await page.reload();
  await waitForText(page, ".row", "you hold it");
  assert.equal(await page.locator(".row").count(), 1);
  await waitForText(page, ".tabs a[aria-current]", "Mine 1");
});

test("done: my decisions, newest first, with what became of them", async (t) => {
  const page = await openPage(t, browser, server, { who: "ana" });
  const made = [];
  for (const [name, verdict] of [["W-done-1", "approve"], ["W-done-2", "reject"]]) {
    const proposal = await propose(bot, refund(world, name));
    await decide(page.caller, proposal, verdict === "reject" ? { verdict, reason: "Not his", reason_code: "policy" } : { verdict });
    made.push(proposal);
  }
  const approved = (await bot.get(`/v1/proposals/${made[0].id}`)).body;
  await bot.post("/v1/permits/redeem", { permit: approved.permit, arguments: approved.decision.arguments });
  await press(page, "g", "d");
  await waitForText(page, "h1", "Done");
  await waitForText(page, "tbody tr:nth-child(1)", "W-done-2");
  await waitForText(page, "tbody tr:nth-child(1)", "Not his");
  await waitForText(page, "tbody tr:nth-child(2)", "W-done-1");
  await waitForText(page, "tbody tr:nth-child(2)", "Executing");
  await bot.post(`/v1/proposals/${made[0].id}/outcome`, { status: "succeeded", detail: "payment 5521" });
  await waitForText(page, "tbody tr:nth-child(2)", "payment 5521");
  assert.ok(!(await page.locator("table").innerText()).includes("W-2"), "nothing that ben decided");
  await page.click("tbody tr:nth-child(2) a");
  await waitForText(page, ".bar.ended", "You decided");
  await waitForText(page, ".timeline", "Permit redeemed");
});

test("categories: the counts are those of the decisions that were made", async (t) => {
  const other = await server.agent("counted-bot");
  const page = await openPage(t, browser, server, { who: "ana" });
  const verdicts = ["approve", "approve", "modify", "reject", "return"];
  for (const [n, verdict] of verdicts.entries()) {
    const proposal = await propose(other, refund(world, `W-count-${n}`));
    await decide(page.caller, proposal, {
      verdict,
      ...(verdict === "modify" && { arguments: { ...proposal.arguments, amount: 1 } }),
      ...(["reject", "return"].includes(verdict) && { reason: "because" }),
    });
  }
  await press(page, "g", "c");
  await waitForText(page, "h1", "Categories");
  const row = page.locator("tbody tr", { hasText: "counted-bot" });
  await row.waitFor();
  const cell = (label) => row.locator(`[data-label=${label}]`).innerText();
  assert.equal(await cell("Reviewed"), "4");
  assert.match(await cell("Approved"), /^2\s+50 %$/);
  assert.match(await cell("Modified"), /^1\s+25 %$/);
  assert.match(await cell("Rejected"), /^1\s+25 %$/);
  assert.equal(await cell("Returned"), "1");
  assert.equal(await cell("Expired"), "0");
});

test("keys: the panel, the pages, and none of them inside a field or when switched off", async (t) => {
  const proposal = await propose(bot, refund(world, "W-keys"));
  const page = await openPage(t, browser, server, { who: "ana", path: `/p/${proposal.id}` });
  await page.waitForSelector(".verbs");
  for (const [key, heading] of [["d", "Done"], ["c", "Categories"], ["m", "Me"]]) {
    await press(page, "g", key);
    await waitForText(page, "h1", heading);
  }
  await press(page, "?");
  await waitForText(page, "dialog", "Reject");
  await press(page, "Escape");
  await page.waitForSelector("dialog", { state: "detached" });
  await page.click("text=Single-key shortcuts");
  await page.goto(`${server.url}/p/${proposal.id}`);
  await page.waitForSelector(".verbs");
  await press(page, "r", "q", "e");
  assert.equal(await page.locator(".sheet").count(), 0, "switched off");
  await page.click(".verb-reject");
  await page.waitForSelector(".sheet");
  await press(page, "Escape");
  await page.waitForSelector(".verbs");
  await waitForFocus(page, ".verb-reject");
});

test("an auditor reads everything and decides nothing", async (t) => {
  const proposal = await propose(bot, refund(world, "W-audit"));
  const page = await openPage(t, browser, server, { who: "vera", path: `/p/${proposal.id}` });
  await waitForText(page, ".card", "W-audit");
  await waitForText(page, ".bar.not-allowed", "You cannot decide this one.");
  assert.equal(await page.locator(".verbs").count(), 0);
});

test("unknown addresses are named as such", async (t) => {
  const page = await openPage(t, browser, server, { who: "ana", path: "/p/prp_01ARZ3NDEKTSV4RRFFQ69G5FAV" });
  await waitForText(page, ".empty", "There is no such proposal here");
  await page.goto(`${server.url}/me?x=1`);
  await waitForText(page, "h1", "Me");
});

test("the agent's own deadline counts down and comes first where it is earlier", async (t) => {
  const late = await propose(bot, refund(world, "W-due"));
  const urgent = await propose(bot, { ...refund(world, "W-deadline"), deadline: "30m" });
  const page = await openPage(t, browser, server, { who: "ana" });
  await waitForText(page, ".row.selected", "W-deadline");
  await waitForText(page, ".row.selected", "agent's deadline");
  await waitForText(page, ".proposal .due", /the agent's deadline\s*(29:\d\d|30 m)/);
  await waitForText(page, ".proposal .due", "ends in");
  await page.goto(`${server.url}/p/${late.id}`);
  await waitForText(page, ".proposal .due", /^due\s*3 h 59 m/);
  await decide(ben, urgent, { verdict: "reject", reason: "no" });
});

test("repeats are one row with a count, decided one by one with the same key", async (t) => {
  const body = { ...refund(world, "W-alike"), deadline: "20m" }; // the first row
  const made = [];
  for (let n = 0; n < 4; n += 1) {
    made.push(await propose(bot, body));
  }
  const page = await openPage(t, browser, server, { who: "ana" });
  await waitForText(page, ".row.selected", "4 alike");
  assert.equal(await page.locator(".row", { hasText: "W-alike" }).count(), 1);
  const size = await page.locator(".row").first().getAttribute("aria-setsize");
  await waitForText(page, ".alike summary", "1 of 4 alike");
  await page.click(".alike summary");
  assert.equal(await page.locator(".alike a").count(), 3);
  await page.click(".alike a >> nth=1");
  await waitForText(page, ".alike summary", "3 of 4 alike");
  await page.click(".row >> nth=0");
  await waitForText(page, ".alike summary", "1 of 4 alike");
  for (const [index, left] of [3, 2, 1].entries()) {
    await wake(page);
    await press(page, "a");
    await page.waitForSelector(`#row-${made[index + 1].id}.selected`);
    await waitForFocus(page, "#proposal-title");
    await waitForText(page, ".row.selected", left > 1 ? `${left} alike` : "repeat");
    assert.equal(await page.locator(".alike").count(), left > 1 ? 1 : 0);
  }
  assert.equal(await page.locator(".row", { hasText: "W-alike" }).count(), 1, "in its place");
  assert.equal(await page.locator(".row").first().getAttribute("aria-setsize"), size, "and nothing has moved");
  const states = await Promise.all(made.map(async ({ id }) => (await page.caller.get(`/v1/proposals/${id}`)).body.status));
  assert.deepEqual(states, ["approved", "approved", "approved", "pending"]);
  await waitForText(page, ".tabs a[aria-current]", String((await page.caller.get("/v1/inbox?limit=1")).body.counts.pending));
  await decide(ben, made[3], { verdict: "reject", reason: "no" });
});

test("on a phone the next of the repeats follows too", async (t) => {
  const body = { ...refund(world, "W-alike-phone"), deadline: "20m" };
  const made = [await propose(bot, body), await propose(bot, body)];
  const page = await openPage(t, browser, server, { who: "ana", viewport: SIZES.phone });
  await page.click(`#row-${made[0].id}`);
  await waitForText(page, ".alike summary", "1 of 2 alike");
  await wake(page);
  await page.click(".verb-approve");
  await page.waitForURL(`**/p/${made[1].id}`);
  await waitForText(page, "#proposal-title", "W-alike-phone");
  await decide(ben, made[1], { verdict: "reject", reason: "no" });
});
