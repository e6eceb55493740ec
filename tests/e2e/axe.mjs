// SPDX-License-Identifier: Apache-2.0
/*
 * Every page and state of the page, each a row of one table, for the accessibility checks: at a size, in light
 * and in dark. Which size runs where is said by the files axe_*.test.mjs.
 */
import assert from "node:assert/strict";

import { axeFindings, openPage, openProposal, press, SIZES, waitForText, wake } from "./browser.mjs";
import { decide, givenUp, propose, refund, startWorld } from "./world.mjs";

/* Opens a fresh refund of its own, ready to be decided. */
async function fresh({ world, page }, order, changed) {
  const proposal = await propose(world.bot, refund(world, order, changed));
  await openProposal(page, world.server, proposal);
  await wake(page);
  return proposal;
}

/* The same with one of the forms open. */
const withForm = (key, field) => async (stage) => {
  await fresh(stage, `W-form-${key}`);
  await press(stage.page, key);
  await stage.page.waitForSelector(field);
};

const on = (path, selector, text) => async ({ page, world }) => {
  await page.goto(world.server.url + path);
  await waitForText(page, selector, text);
};

const hostile = "pay\u200Bpal \u202Efdp.exe\n<b>bold</b> ".repeat(3);

let count = 0;
const serial = () => `${process.pid}${(count += 1)}`;

/* The version in force, with its text. */
async function activePolicy(caller) {
  const { items } = (await caller.get("/v1/policies")).body;
  const active = items.filter(({ state }) => state === "active");
  return Promise.all(active.map(async ({ id }) => (await caller.get(`/v1/policies/${id}`)).body));
}

/* name of the state, what brings it about, and where it differs: `phone` (only there), `who` */
export const STATES = [
  ["inbox", on("/", ".row", "Refund")],
  ["an auditor's first page", on("/", "tbody", "W-shown"), { who: "vera" }],
  ["an auditor's first page, filtered to nothing", on("/proposals?q=nowhere", ".empty", "Nothing fits"), { who: "vera" }],
  ["a policy owner's first page", on("/", "h1", "Policy"), { who: "max" }],
  ["an admin's first page", on("/", "h1", "People and access"), { who: "ada" }],
  ["proposals, for a reviewer", on("/proposals?status=pending", "tbody", "W-shown")],
  ["done, for an auditor", on("/done", ".empty", "decide nothing"), { who: "vera" }],
  ["inbox, filtered to nothing", on("/?mine=1", ".empty", "No held proposal fits")],
  [
    "inbox with news",
    async (stage) => {
      await on("/", ".row", "Refund")(stage);
      await stage.page.waitForSelector(".line.live", { state: "attached" });
      await propose(stage.world.bot, refund(stage.world, "W-news"));
      await waitForText(stage.page, ".fresh", "new");
    },
  ],
  ["decision", (stage) => fresh(stage, "W-plain")],
  ["decision, hidden characters and long values", (stage) => fresh(stage, hostile, { memo: hostile.repeat(40) })],
  [
    "confirmation of hidden characters",
    async (stage) => {
      await fresh(stage, "W\u200B1");
      await press(stage.page, "a");
      await stage.page.waitForSelector(".sheet");
    },
  ],
  ["reject", withForm("r", "#reject-field")],
  ["ask", withForm("q", "#ask-field")],
  [
    "edit with a mistake",
    async (stage) => {
      await withForm("e", "#edit-0")(stage);
      await stage.page.fill("#edit-0", "12,5");
      await stage.page.waitForSelector("#edit-0-error");
    },
  ],
  [
    "edit with changes",
    async (stage) => {
      await withForm("e", "#edit-0")(stage);
      await stage.page.fill("#edit-0", "12.5");
      await waitForText(stage.page, ".changes", "12.5");
    },
  ],
  [
    "more",
    async (stage) => {
      await fresh(stage, "W-more");
      await stage.page.click(".verb-more");
      await stage.page.waitForSelector(".more-menu");
    },
    { phone: true },
  ],
  [
    "held for undo",
    async (stage) => {
      const proposal = await fresh(stage, "W-held");
      await press(stage.page, "a");
      await stage.page.waitForSelector(".held button");
      await stage.page.goto(`${stage.world.server.url}/p/${proposal.id}`);
      await stage.page.waitForSelector(".bar.undo");
    },
  ],
  [
    "inbox with a row that a colleague has just decided",
    async (stage) => {
      const proposal = await propose(stage.world.bot, refund(stage.world, "W-over"));
      await on("/?sort=new", ".row", "W-over")(stage);
      await stage.page.waitForSelector(".line.live", { state: "attached" });
      await decide(stage.world.ben, proposal, { verdict: "reject", reason: "Not his order" });
      await waitForText(stage.page, ".row.over", /(decided|rejected) by ben/);
    },
  ],
  [
    "decided by a colleague, with my note kept",
    async (stage) => {
      const proposal = await fresh(stage, "W-other");
      await press(stage.page, "r");
      await stage.page.fill("#reject-field", "My own words");
      await decide(stage.world.ben, proposal, { verdict: "reject", reason: "Wrong person" });
      await stage.page.waitForSelector(".kept");
    },
  ],
  [
    "claimed by a colleague",
    async (stage) => {
      const { id } = await fresh(stage, "W-claimed");
      await stage.world.ben.post(`/v1/proposals/${id}/claim`);
      await stage.page.waitForSelector(".bar.claimed");
    },
  ],
  [
    "a new revision, before and after it is shown",
    async (stage) => {
      const proposal = await fresh(stage, "W-revised");
      await decide(stage.page.caller, proposal, { verdict: "return", reason: "Sure?" });
      const { arguments: before } = proposal;
      await stage.world.bot.post(`/v1/proposals/${proposal.id}/revise`, { arguments: { ...before, amount: 1 } });
      await stage.page.waitForSelector(".bar.changed");
      await stage.check();
      await stage.page.click(".bar.changed button");
      await stage.page.waitForSelector(".revision");
    },
  ],
  [
    "offline",
    async (stage) => {
      await fresh(stage, "W-offline");
      await stage.page.context().setOffline(true);
      await stage.page.waitForSelector(".bar.offline");
      await stage.check();
      await stage.page.context().setOffline(false);
      await stage.page.waitForSelector(".line.live", { state: "attached" });
    },
  ],
  [
    "keys",
    async (stage) => {
      await on("/", ".row", "Refund")(stage);
      await press(stage.page, "?");
      await stage.page.waitForSelector("dialog");
    },
  ],
  ["done", on("/done", "tbody", "W-done")],
  ["categories", on("/categories", "tbody", "refund.issue")],
  ["callbacks that were given up", on("/callbacks", "tbody", "Given up"), { who: "lea" }],
  [
    "callbacks, none delivered",
    async (stage) => {
      await on("/callbacks", "tbody", "Given up")(stage);
      await stage.page.check("text=Delivered");
      await waitForText(stage.page, ".empty", "None delivered");
    },
    { who: "lea" },
  ],
  ["first-run guide, no admin", on("/start", ".page", "An admin makes agents")],
  [
    "first-run guide: a refusal, the key, the first proposal",
    async (stage) => {
      const { page, world } = stage;
      await on("/start", "h1", "Your first agent")(stage);
      await stage.check();
      await page.fill("#agent-name", "support-bot");
      await press(page, "Enter");
      await waitForText(page, "#agent-refusal", "already");
      await stage.check();
      await page.fill("#agent-name", "axe-agent");
      await press(page, "Enter");
      const key = await page.locator("#agent-key").innerText();
      await stage.check();
      await page.waitForSelector(".line.live", { state: "attached" });
      await world.server.public.post("/v1/proposals", refund(world, "W-start"), { headers: { authorization: `Bearer ${key}` } });
      await waitForText(page, ".notice.ok", "W-start");
    },
    { who: "eve" },
  ],
  ["me", on("/me", "#password-heading", "Password")],
  ["people and access, an admin", on("/people", ".wide-table", "vera"), { who: "lena" }],
  ["people and access, an auditor", on("/people", ".wide-table", "vera"), { who: "vera" }],
  [
    "roles of a person",
    async (stage) => {
      await on("/people", ".wide-table", "vera")(stage);
      await stage.page.click("tr:has(th:has-text('vera')) >> button >> nth=0");
      await waitForText(stage.page, "dialog", "Roles of vera");
    },
    { who: "lena" },
  ],
  [
    "a one-time code, shown once",
    async (stage) => {
      await on("/people", ".wide-table", "vera")(stage);
      await stage.page.fill("#person-name", `new${serial()}`);
      await stage.page.click("text=Add person");
      await stage.page.waitForSelector(".secret");
    },
    { who: "lena" },
  ],
  [
    "people and access, refused",
    async (stage) => {
      await on("/people", ".wide-table", "vera")(stage);
      await stage.page.fill("#person-name", "not a name");
      await stage.page.click("text=Add person");
      await stage.page.waitForSelector(".notice.danger");
    },
    { who: "lena" },
  ],
  ["pauses, none", on("/pauses", ".empty", "Nothing is paused"), { who: "lena" }],
  [
    "pauses, and the banner",
    async (stage) => {
      const { page } = stage;
      const { id } = (await page.caller.post("/v1/pauses", { agent: "support-bot", reason: "Nonsense" })).body;
      await on("/pauses", ".wide-table", "support-bot")(stage);
      await page.click("text=Go on");
      await waitForText(page, ".wide-table", "lena asked");
      await stage.check();
      await on("/", ".pause-line", "support-bot")(stage);
      await stage.check();
      await stage.world.second.delete(`/v1/pauses/${id}`);
      await page.waitForSelector(".pause-line", { state: "detached" });
    },
    { who: "lena" },
  ],
  [
    "a new password after a reset",
    async ({ page, world }) => {
      const name = `reset${serial()}`;
      const { code } = (await world.admin.post("/v1/people", { name, roles: ["reviewer"] })).body;
      await page.goto(world.server.url);
      await page.fill("#name", name);
      await page.fill("#password", code);
      await page.click("button[type=submit]");
      await page.waitForSelector("#password-new");
    },
    { who: null, fresh: true },
  ],
  ["setup without a link", on("/setup", "h1", "Set up"), { who: null }],
  [
    "setup",
    async ({ page, world }) => {
      await page.goto(`${world.server.url}/setup#fkf_not_the_one`);
      await page.waitForSelector("#setup-name");
    },
    { who: null },
  ],
  ["policy, its versions", on("/policy", "tbody", "Active"), { who: "max" }],
  [
    "a rule being built: empty, with a mistake, with its effect",
    async (stage) => {
      const { page } = stage;
      await on("/policy?tab=build", ".result", "this rule would match everything")(stage);
      await stage.check();
      await page.selectOption("#rule-action", "refund.issue");
      await page.click("text=Add a condition");
      await page.getByLabel("Value", { exact: true }).fill("no number");
      await waitForText(page, ".condition .error", "Write a number");
      await stage.check();
      await page.getByLabel("Value", { exact: true }).fill("1");
      await page.click("text=And another condition");
      await page.locator(".condition").nth(1).getByLabel("Member", { exact: true }).selectOption({ label: "another argument" });
      await page.getByLabel("Name of the argument").fill("note");
      await page.locator(".condition").nth(1).getByLabel("Comparison").selectOption({ label: "is not given" });
      await page.click("text=Day by day");
    },
    { who: "max" },
  ],
  [
    "a policy as a text: mistakes, then its effect",
    async (stage) => {
      const { page } = stage;
      await on("/policy?tab=write", "label", "The whole policy")(stage);
      const text = await page.inputValue("#policy-text");
      await page.fill("#policy-text", text.replace("undo: 60s", "undo: long"));
      await page.click("text=Check and try");
      await waitForText(page, ".findings", "long");
      await stage.check();
      await page.fill("#policy-text", text.replace("refund.issue:\n    then: earn", "refund.issue:\n    then: allow"));
      await page.click("text=Check and try");
      await waitForText(page, ".replay", "would go on without a review");
    },
    { who: "max" },
  ],
  [
    "a candidate: proposed by me, asked twice, as a shadow",
    async (stage) => {
      const { page, world } = stage;
      const [{ id }] = (await page.caller.get("/v1/policies?limit=1")).body.items;
      const { yaml } = (await page.caller.get(`/v1/policies/${id}`)).body;
      const action = `letter.n${serial()}`;
      const added = yaml.replace("actions:\n", `actions:\n  ${action}: {then: allow}\n`);
      const { body } = await page.caller.post("/v1/policies", { yaml: added });
      await page.goto(`${world.server.url}/policy?v=${body.id}`);
      await page.getByLabel("Nobody else has ever had the role policy").check();
      await page.click("text=Activate alone");
      await page.click("text=Run it as a shadow");
      await waitForText(page, "#shadow-heading", "On");
      await waitForText(page, ".src", action);
      await stage.check();
      await page.selectOption("#compared-with", "");
      await waitForText(page, ".src", "version: 1");
    },
    { who: "max" },
  ],
  [
    "held by a rule, with the values",
    async (stage) => {
      const { page, world } = stage;
      const [{ yaml }] = await activePolicy(page.caller);
      const rule = "rules: [{id: letters, when: 'action.name == \"letter.post\" && args.pages > 2', then: review}]\n";
      await world.max.post("/v1/policies", { yaml: yaml.includes("rules:") ? yaml : `${yaml}${rule}` });
      const held = await propose(world.bot, { action: "letter.post", arguments: { pages: 3 } });
      await openProposal(page, world.server, held);
      await waitForText(page, ".facts", "args.pages = 3");
    },
  ],
  ["coverage", on("/policy?tab=coverage", "tbody", "refund.issue"), { who: "vera" }],
  ["edge cases", on("/policy?tab=edge-cases", "tbody", "refund.issue"), { who: "vera" }],
  ["the policy, for who may not see it", on("/policy", ".empty", "does not see the policy")],
  ["no such proposal", on("/p/prp_01ARZ3NDEKTSV4RRFFQ69G5FAV", ".empty", "There is no such proposal")],
  ["read only", async (stage) => on(`/p/${stage.world.shown.id}`, ".bar.not-allowed", "cannot decide")(stage), { who: "vera" }],
  ["nobody signed in", on("/", "#name", ""), { who: null }],
  [
    "a wrong password",
    async ({ page, world }) => {
      await page.goto(world.server.url);
      await page.fill("#name", "nobody");
      await page.fill("#password", "wrong");
      await page.click("button[type=submit]");
      await waitForText(page, "#signin-refusal", "wrong");
    },
    { who: null },
  ],
  [
    "a sign-in link that was used",
    async ({ page, world }) => {
      await page.goto("about:blank");
      await page.goto(`${world.server.url}/#fkl_used`);
      await waitForText(page, ".signin-box .notice", "used or is too old");
    },
    { who: null },
  ],
  [
    "session ended",
    async (stage) => {
      await fresh(stage, "W-session");
      await press(stage.page, "q");
      await stage.page.fill("#ask-field", "Why?");
      await stage.page.caller.delete("/v1/session");
      await press(stage.page, "Control+Enter");
      await stage.page.waitForSelector("dialog");
    },
    { who: "ana" },
  ],
];

/* Checks what is on the screen in light and in dark, and that nothing sticks out at the sides or below: panes
 * scroll, the window does only where there are none (signing in, setting up). */
async function check(page, name) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    assert.deepEqual(await axeFindings(page), [], `${name}, ${colorScheme}`);
  }
  const over = await page.evaluate(() => {
    const { scrollWidth, scrollHeight } = document.documentElement;
    return [scrollWidth - innerWidth, document.querySelector(".scroll") ? scrollHeight - innerHeight : 0];
  });
  assert.ok(Math.max(...over) <= 0, `${name}: ${over} px stick out at the side, below`);
}

/* One test for each state, all at one size. The states of one person share a page. */
export async function testStates(file, size) {
  const world = await startWorld(file, { undo: "60s" });
  const pages = new Map();
  const viewport = SIZES[size];
  await world.server.addPerson("lea", ["lead"]);
  await world.server.addPerson("ada", ["admin"]);
  await givenUp(world);
  for (const who of ["ana", "bob", "vera", "eve", "lea", "lena", "max", "ada", null]) {
    pages.set(who, await openPage(file, world.browser, world.server, { who, viewport }));
  }
  world.ben = await world.server.signIn("ben");
  world.second = await world.server.signIn("max");
  world.max = await world.server.signIn("max");
  world.admin = await world.server.signIn("lena");
  world.shown = await propose(world.bot, refund(world, "W-shown"));
  const done = await propose(world.bot, refund(world, "W-done"));
  await decide(pages.get("bob").caller, done, { verdict: "reject", reason: "Not his order" });
  for (const [name, bring, { who = "bob", phone = false, fresh: apart = false } = {}] of STATES) {
    if (phone && viewport.width > 640) {
      continue;
    }
    file.test(`${size}: ${name}`, async () => {
      const page = apart ? await openPage(file, world.browser, world.server, { viewport }) : pages.get(who);
      const stage = { world, page, check: () => check(page, name) };
      await bring(stage);
      await stage.check();
    });
  }
}
