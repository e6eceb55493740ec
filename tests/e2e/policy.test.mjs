// SPDX-License-Identifier: Apache-2.0
/*
 * The policy in the page: a rule is built without YAML, its effect on the past is seen, it is proposed, a second
 * person activates it, and the next proposal is held by it, with the value that made it match.
 */
import assert from "node:assert/strict";
import * as file from "node:test";

import { startServer } from "../http/server.mjs";
import { openPage, openProposal, startBrowser, waitForText } from "./browser.mjs";
import { decide, policy, propose, refund, samples } from "./world.mjs";

const { test } = file;
const all = samples();

/* The defaults ask for a review, so that a rule that says `earn` may loosen something. */
const POLICY = policy()
  .replace("  then: earn\n  queue: general", "  then: review\n  queue: general")
  .replace(
    "reasons: [",
    "tests:\n  - {name: reading goes on, given: {action: order.read, arguments: {order_id: A}}, want: {verdict: allow}}\nreasons: [",
  );

const browser = await startBrowser(file);

async function startWorld(t, people) {
  const server = await startServer(t, { policy: POLICY, alone: false });
  for (const [name, roles] of Object.entries(people)) {
    await server.addPerson(name, roles);
  }
  return { server, bot: await server.agent("support-bot"), samples: all };
}

const PEOPLE = { pol: ["policy"], pia: ["policy", "lead"], ana: ["reviewer"], vera: ["auditor"] };
const tag = (tags, members = {}) => ({ action: "ticket.tag", arguments: { ticket_id: "T-1", tags, ...members } });

const at = (page, server, path) => page.goto(server.url + path);
const button = (page, name) => page.getByRole("button", { name, exact: true });

/* Fills the first condition of a rule. */
async function condition(page, action, member, operator) {
  await page.selectOption("#rule-action", action);
  await button(page, "Add a condition").click();
  await page.getByLabel("Member", { exact: true }).selectOption({ label: member });
  await page.getByLabel("Comparison", { exact: true }).selectOption({ label: operator });
}

test("a rule that may loosen: built, tried on the past, proposed, activated by a second person, holds", async (t) => {
  const { server, bot } = await startWorld(t, PEOPLE);
  for (const tags of [["vip"], ["vip", "new"], ["old"]]) {
    assert.equal((await propose(bot, tag(tags))).status, "approved");
  }

  const page = await openPage(t, browser, server, { who: "pol", path: "/policy?tab=build" });
  await page.waitForSelector("#rule-action");
  await waitForText(page, ".result", "this rule would match everything");
  await condition(page, "ticket.tag", "tags", "includes");
  await page.getByLabel("Value", { exact: true }).fill("vip");
  await page.getByLabel("Review until earned").check();
  await page.selectOption("#rule-queue", "leads");
  await page.fill("#rule-because", 'Who is "vip" gets a look');
  const rule = await page.locator(".rule-text").innerText();
  assert.equal(
    rule,
    [
      "- id: ticket-tag-tags",
      `  when: 'action.name == "ticket.tag" && "vip" in args.tags'`,
      "  then: earn",
      "  queue: leads",
      '  because: "Who is \\"vip\\" gets a look"',
    ].join("\n"),
  );
  await waitForText(page, ".result", "This rule matches 2 proposals of 3");
  await waitForText(page, ".result", "2 proposals of ticket.tag: Allowed → Reviewed until earned, because of ticket-tag-tags");
  await waitForText(page, ".result", /Reviews: 0 before .*, 2 after/);

  await button(page, "Propose this rule").click();
  await waitForText(page, ".notice.warn", "waits for a second person");
  assert.equal((await propose(bot, tag(["vip"]))).status, "approved", "the old version rules");
  await page.click("text=See the version");
  await waitForText(page, ".bullets", "rules.ticket-tag-tags is new");
  await waitForText(page, ".src", "+");
  assert.equal(await button(page, "Activate alone").isDisabled(), true);
  await page.getByLabel("Nobody else has ever had the role policy").check();
  await button(page, "Activate alone").click();
  await button(page, "Yes, activate it alone").click();
  await waitForText(page, ".notice.danger", "forbidden");

  const other = await openPage(t, browser, server, { who: "pia", path: "/policy" });
  await other.click("tr:has-text('Candidate') a");
  await waitForText(other, "section", "Proposed by pol");
  await button(other, "Activate").click();
  await button(other, "Yes, I have read what it loosens").click();
  await waitForText(other, ".notice.ok", "It is in force");
  await waitForText(other, "#version-heading", "Active");
  await waitForText(other, ".about", "pia");

  const held = await propose(bot, tag(["vip", "a\u200Bb"]));
  assert.equal(held.status, "pending");
  await openProposal(other, server, held);
  await waitForText(other, ".reason", /Rule\s*ticket-tag-tags: Who is "vip" gets a look/);
  await waitForText(other, ".facts", 'args.tags = ["vip","aU+200Bb"]');
  assert.equal(await other.locator(".facts [data-untrusted] .hid").count(), 1, "hidden characters are chips");
  await other.click("text=The version of the policy that said so");
  await waitForText(other, "#version-heading", "Active");
});

test("a rule that only tightens is in force at once, and the value stands beside it", async (t) => {
  const world = await startWorld(t, PEOPLE);
  const { server, bot } = world;
  const page = await openPage(t, browser, server, { who: "pol", path: "/policy?tab=build" });
  await page.waitForSelector("#rule-action");
  await condition(page, "refund.issue", "amount", "is above");
  await page.getByLabel("Value", { exact: true }).fill("50 || true");
  await waitForText(page, ".condition .error", "Write a number");
  await page.getByLabel("Value", { exact: true }).fill("50");
  await waitForText(page, ".result", "No proposals in the last 30 days");
  await button(page, "Propose this rule").click();
  await waitForText(page, ".notice.ok", "It is in force");
  const { body } = await page.caller.get("/v1/policies?limit=1");
  const { yaml, canonical } = (await page.caller.get(`/v1/policies/${body.items[0].id}`)).body;
  const added = `\nrules:\n  - id: refund-issue-amount\n    when: 'action.name == "refund.issue" && args.amount > 50'\n    then: review\n    because: "amount is above 50"\n`;
  assert.equal(yaml, POLICY + added, "comments and all stay");
  assert.equal(canonical.rules.length, 1);

  const held = await propose(bot, { ...refund(world), arguments: { ...refund(world).arguments, amount: 74.5 } });
  const ana = await openPage(t, browser, server, { who: "ana" });
  await openProposal(ana, server, held);
  await waitForText(ana, ".reason", /Must be reviewed\s*Rule\s*refund-issue-amount: amount is above 50/);
  await waitForText(ana, ".facts", "args.amount = 74.5");
  assert.equal(await ana.locator("a[href^='/policy']").count(), 0, "a reviewer is not sent where they may not go");
});

test("hostile values stay inside their quotes, from the field to the server's reading", async (t) => {
  const { server, bot } = await startWorld(t, PEOPLE);
  const page = await openPage(t, browser, server, { who: "pol", path: "/policy?tab=build" });
  await page.waitForSelector("#rule-action");
  await page.selectOption("#rule-action", "ticket.tag");
  await button(page, "Add a condition").click();
  await page.getByLabel("Member", { exact: true }).selectOption({ label: "note" });
  await page.getByLabel("Comparison", { exact: true }).selectOption({ label: "is one of" });
  const hostile = [`" || true || "`, `it's ]} # no`, "pay\u200Bpal\\", "', then: allow"];
  await page.getByLabel("Values, one a line").fill(hostile.join("\n"));
  await page.getByLabel("Block").check();
  await page.fill("#rule-because", `'"\\: {} # \u202E`);
  await waitForText(page, ".result", "No proposals in the last 30 days");
  await button(page, "Propose this rule").click();
  await waitForText(page, ".notice.ok", "It is in force");
  const status = async (note) => (await propose(bot, tag([], { note }))).status;
  assert.equal(await status("anything else"), "approved");
  for (const note of hostile) {
    assert.equal(await status(note), "blocked", note);
  }
});

test("a text: mistakes at their place, failed tests, the way back, a version with what it loosens", async (t) => {
  const { server, bot, samples: every } = await startWorld(t, PEOPLE);
  const refused = await propose(bot, refund({ samples: every }));
  await decide(await server.signIn("ana"), refused, { verdict: "reject", reason: "No", reason_code: "wrong_amount" });
  const page = await openPage(t, browser, server, { who: "pol", path: "/policy?tab=write" });
  await page.waitForSelector("#policy-text");
  assert.equal(await button(page, "Propose").isDisabled(), true, "nothing has changed");
  const bad = POLICY.replace("respond_within: 4h", "respond_within: soon");
  await page.fill("#policy-text", bad);
  await button(page, "Check and try").click();
  const line = bad.split("\n").findIndex((text) => text.includes("soon")) + 1;
  await page.getByRole("button", { name: `Go to ${line}:19` }).click();
  assert.equal(
    await page.evaluate(() => document.activeElement.value.slice(document.activeElement.selectionStart).slice(0, 4)),
    "soon",
  );
  await button(page, "Propose").click();
  await waitForText(page, ".findings", "soon");

  await page.fill("#policy-text", POLICY.replace("want: {verdict: allow}", "want: {verdict: block}"));
  await button(page, "Check and try").click();
  await waitForText(page, ".page", "1 of 1 test of the text failed");

  const loose = POLICY.replace("  refund.issue:\n    then: earn", "  refund.issue:\n    then: allow");
  assert.notEqual(loose, POLICY);
  await page.setInputFiles("#policy-file", { name: "p.yaml", mimeType: "text/yaml", buffer: Buffer.from(loose) });
  await button(page, "Check and try").click();
  await waitForText(page, ".page", "1 test of the text, all passed");
  await waitForText(page, ".reason", /Looser\s*1 proposal of refund.issue: Reviewed until earned → Allowed/);
  await waitForText(page, ".replay", "found 1 error (100 %): at 95 % confidence, at most 100 %");
  await button(page, "Propose").click();
  await waitForText(page, ".notice.warn", "waits for a second person");
  await page.click("text=See the version");
  await waitForText(page, ".bullets", "actions.refund.issue.then: earn becomes allow");
  await button(page, "Backtest").click();
  await waitForText(page, ".replay", "1 would be judged more loosely");
  await button(page, "Run them now").click();
  await waitForText(page, ".page", "1 test of the text, all passed");

  await button(page, "Run it as a shadow").click();
  await page.waitForSelector("text=End the shadow");
  await propose(bot, refund({ samples: every }, "W7"));
  await button(page, "Count again").click();
  await waitForText(page, ".page", "Of 1 proposal, it judged 1 more loosely");
  await button(page, "End the shadow").click();
  await page.waitForSelector("text=Run it as a shadow");
});

test("one person alone: it is spelled out, and stands in the list", async (t) => {
  const { server } = await startWorld(t, { pol: ["policy"] });
  const pol = await server.signIn("pol");
  const { body } = await pol.post("/v1/policies", { yaml: POLICY.replace("actions:\n", "actions:\n  letter.post: {then: allow}\n") });
  const page = await openPage(t, browser, server, { who: "pol", path: `/policy?v=${body.id}` });
  await page.getByLabel("Nobody else has ever had the role policy").check();
  await button(page, "Activate alone").click();
  await button(page, "Yes, activate it alone").click();
  await waitForText(page, ".notice.ok", "It is in force");
  await page.click("text=All versions");
  await waitForText(page, "tbody tr", /Active\s*pol.*\s*.*pol alone/s);
});

test("who may read sees everything and no button; others are told", async (t) => {
  const { server, bot, samples: every } = await startWorld(t, PEOPLE);
  const page = await openPage(t, browser, server, { who: "vera", path: "/policy?tab=coverage" });
  await waitForText(page, ".empty", "No agent has proposed anything yet");
  await at(page, server, "/policy?tab=edge-cases");
  await waitForText(page, ".empty", "Nothing in the last 30 days");
  await propose(bot, { action: "letter.post", arguments: {} });
  const refused = await propose(bot, refund({ samples: every }));
  await decide(await server.signIn("ana"), refused, { verdict: "reject", reason: "No", reason_code: "wrong_amount" });
  await at(page, server, "/policy?tab=edge-cases");
  await waitForText(page, "tbody tr", /refund.issue\s*Wrong amount\s*nothing\s*1 rejected\s*No rule/);
  await at(page, server, "/policy?tab=coverage");
  await waitForText(page, "tbody tr", /letter.post.*not in it\s*Never/s);
  await at(page, server, "/policy?tab=build");
  await waitForText(page, "tbody", "Active");
  await page.click("tbody a");
  await waitForText(page, ".src", "version: 1");
  assert.deepEqual(await page.locator(".page button").allInnerTexts(), []);

  await openPage(t, browser, server, { who: "ana", path: "/policy" }).then(async (ana) => {
    await waitForText(ana, ".empty", "Your role does not see the policy");
    assert.equal(await ana.locator("nav a[href='/policy']").count(), 0);
  });
});
