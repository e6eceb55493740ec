// SPDX-License-Identifier: Apache-2.0
/*
 * Accounts in the page: the first admin by the setup link, changing a password, a reset from both sides, adding
 * people and keys, and pauses with their banner, on two screens.
 */
import assert from "node:assert/strict";
import * as file from "node:test";

import { PASSWORD, startServer } from "../http/server.mjs";
import { openPage, press, SIZES, waitForFocus, waitForText } from "./browser.mjs";
import { propose, refund, startWorld } from "./world.mjs";

const { test } = file;
const world = await startWorld(file);
const { server, browser, bot } = world;
const NEW = "four unrelated words here";

async function signIn(page, name, password) {
  await page.fill("#name", name);
  await page.fill("#password", password);
  await page.click("button[type=submit]");
}

async function setPassword(page, fresh, again = fresh) {
  await page.fill("#password-new", fresh);
  await page.fill("#password-again", again);
  await page.click("form button[type=submit]");
}

/* A page of its own without the harness's wait for the sign-in form. */
async function open(t, url) {
  const context = await browser.newContext({ viewport: SIZES.desktop });
  t.after(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(url);
  return page;
}

test("setup: the link makes the first admin, signs in, and leaves no token behind", async (t) => {
  const own = await startServer(t);
  const [, link, token] = /(http\S+\/setup#(\S+))/.exec(own.out);
  const page = await open(t, link);
  const sent = [];
  page.on("request", (request) => sent.push(request.url()));
  await waitForFocus(page, "#setup-name");
  assert.equal(page.url(), `${own.origin}/setup`, "the token has left the address bar");
  await page.fill("#setup-name", "eva");
  await page.fill("#setup-password", NEW);
  await page.fill("#setup-again", "something else");
  await page.click("button[type=submit]");
  await waitForText(page, "#setup-refusal", "not the same");
  await page.fill("#setup-again", NEW);
  await press(page, "Enter");
  await page.waitForSelector(".top");
  assert.match(await page.locator(".who").innerText(), /eva$/);
  assert.equal(sent.some((url) => url.includes(token)), false);
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  assert.equal(kept.includes(token), false);
  await page.goBack().catch(() => null);
  assert.equal(page.url().includes(token), false, "nor is it in the history");
  assert.deepEqual((await (await own.signIn("eva", NEW)).get("/v1/me")).body.roles.length, 5);
  const late = await open(t, link);
  await late.waitForSelector("#setup-name");
  await waitForText(late, "main", "works once, while nobody else is here yet");
  assert.equal(await late.locator("text=Sign in instead").count(), 0);
  await late.fill("#setup-name", "mallory");
  await late.fill("#setup-password", NEW);
  await late.fill("#setup-again", NEW);
  await late.click("button[type=submit]");
  await waitForText(late, "#setup-refusal", "There is somebody already");
  await late.click("text=Sign in instead");
  await late.waitForSelector("#name");
});

test("a password is changed under Me; a wrong one is refused and forgotten", async (t) => {
  const page = await openPage(t, browser, server, { who: "ben", path: "/me" });
  const elsewhere = await server.signIn("ben");
  await page.fill("#password-current", "wrong");
  await setPassword(page, NEW);
  await waitForText(page, "#password-refusal", "not your present password");
  assert.equal(await page.inputValue("#password-current"), "");
  await waitForFocus(page, "#password-current");
  await page.fill("#password-current", PASSWORD);
  await setPassword(page, "short77", "short77");
  assert.equal((await elsewhere.get("/v1/me")).status, 200);
  await setPassword(page, NEW);
  await waitForText(page, "[role=status]", "Your other sessions have ended");
  assert.equal((await elsewhere.get("/v1/me")).status, 401);
  assert.equal((await page.caller.get("/v1/me")).status, 200);
});

test("a reset, from both sides: the admin hands over a code, the person reads who it was and sets a password", async (t) => {
  const admin = await openPage(t, browser, server, { who: "lena", path: "/people" });
  const row = admin.locator("tr", { has: admin.locator("th", { hasText: "bob" }) });
  await row.locator("text=Reset password").click();
  await waitForText(admin, "dialog", "they read that it was you");
  await admin.click("dialog .primary");
  const code = await admin.locator(".secret").innerText();
  assert.match(code, /^[0-9A-Z]{5}(-[0-9A-Z]{5}){3}$/);
  await admin.click("text=I have kept it");
  await admin.waitForSelector(".secret", { state: "detached" });
  assert.equal((await admin.content()).includes(code), false, "it is gone from the page");
  await waitForText(admin, ".wide-table", "Must set a password");

  const page = await openPage(t, browser, server);
  await signIn(page, "bob", code);
  await waitForText(page, ".notice", "was reset by lena");
  assert.equal(await page.locator(".top").count(), 0, "nothing else can be reached");
  await page.goto(`${server.url}/done`);
  await waitForText(page, "h1", "Set a new password");
  await setPassword(page, NEW, "another one");
  await waitForText(page, "#password-refusal", "not the same");
  await setPassword(page, "bob the builder");
  await waitForText(page, "#password-refusal", "must not contain the name");
  await setPassword(page, NEW);
  await page.waitForSelector(".top");
  await page.goto(`${server.url}/me`);
  await waitForText(page, "section", "by lena");
});

test("people: somebody is added with roles, gets other roles, is deactivated and comes back", async (t) => {
  const page = await openPage(t, browser, server, { who: "lena", path: "/people" });
  await page.fill("#person-name", "carl");
  await page.click("text=Add person");
  await page.waitForSelector(".secret");
  await press(page, "Escape");
  const row = page.locator("tr", { has: page.locator("th", { hasText: "carl" }) });
  await row.locator("text=Roles").click();
  await page.click("dialog label:has-text('Lead')");
  await page.click("dialog >> text=Save");
  await row.locator(".tag", { hasText: "Lead" }).waitFor();
  await row.locator("text=Deactivate").click();
  await page.click("dialog .primary");
  await row.locator("text=Deactivated").waitFor();
  await row.locator("text=Reactivate").click();
  await row.locator("text=Must set a password").waitFor();
  await page.fill("#person-name", "carl");
  await page.click("text=Add person");
  await waitForText(page, ".notice.danger", "carl already");
});

test("agents and services: keys are made, shown once, and revoked", async (t) => {
  const page = await openPage(t, browser, server, { who: "lena", path: "/people" });
  await page.fill("#agent-name", "fresh-bot");
  await page.selectOption("#agent-owner", "lena");
  await page.click("text=Add agent");
  const key = await page.locator(".secret").innerText();
  await page.click("text=I have kept it");
  const me = () => server.public.get("/v1/me", { headers: { authorization: `Bearer ${key}` } });
  assert.equal((await me()).body.name, "fresh-bot");
  const holder = page.locator(".holder", { has: page.locator("h3", { hasText: "fresh-bot" }) });
  await holder.locator("text=Revoke").click();
  await page.click("dialog .primary");
  await holder.locator("li").waitFor({ state: "detached" });
  assert.equal((await me()).status, 401);
  await page.fill("#service-name", "scraper");
  await page.click("text=Make a token");
  assert.match(await page.locator(".secret").innerText(), /^fks_/);
});

test("an auditor reads people and access, and changes nothing", async (t) => {
  const page = await openPage(t, browser, server, { who: "vera", path: "/people" });
  await waitForText(page, ".wide-table", "ana");
  assert.equal(await page.locator(".page button").count(), 0);
  await waitForText(page, ".page a", "CSV");
});

test("pauses: everybody sees the banner at once, approving is refused, and it takes two to go on", async (t) => {
  const proposal = await propose(bot, refund(world, "W-paused"));
  const lead = await openPage(t, browser, server, { who: "lena", path: "/pauses" });
  const reviewer = await openPage(t, browser, server, { who: "ana", path: `/p/${proposal.id}` });
  await reviewer.waitForSelector(".line.live", { state: "attached" });
  await lead.fill("#pause-reason", "It answers nonsense");
  await lead.click("text=Pause now");
  await waitForText(reviewer, ".pause-line", "Everything is paused");
  const { status } = await reviewer.caller.post(`/v1/proposals/${proposal.id}/decision`, {
    verdict: "approve",
    digest: proposal.digest,
  });
  assert.equal(status, 423);
  await lead.click(".row-actions >> text=Go on");
  await waitForText(lead, ".wide-table", "lena asked: one more person");
  assert.equal(await lead.locator(".row-actions button").count(), 0, "not twice by one person");
  const second = await openPage(t, browser, server, { who: "max", path: "/pauses" });
  await second.click("text=Agree, and go on");
  await waitForText(second, ".empty", "Nothing is paused");
  await reviewer.waitForSelector(".pause-line", { state: "detached" });
  await waitForText(lead, ".empty", "Nothing is paused");
});
