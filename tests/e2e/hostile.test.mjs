// SPDX-License-Identifier: Apache-2.0
/*
 * An agent that is against us (A1, A2, A3, A7): markup, scripts, forged cards and hidden characters in every
 * text that it can send. What it writes makes no element, runs nothing, asks nobody, and stands only where it
 * is marked as the agent's; what will run is shown character by character.
 *
 * Every text of the agent carries MARK, by which it is found again on every page.
 */
import assert from "node:assert/strict";
import * as file from "node:test";

import { openPage, openProposal, press, waitForFocus, waitForText, wake } from "./browser.mjs";
import { decide, propose, released, startWorld } from "./world.mjs";

const { test } = file;
const world = await startWorld(file);
const { server, browser, bot } = world;

const MARK = "zq7x";
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const PAYLOADS = {
  script: "<script>globalThis.pwned = 1</script>",
  image: '<img src="https://evil.example/beacon.png" onerror="globalThis.pwned = 1">',
  svg: '"><svg/onload=globalThis.pwned=1><a href="javascript:globalThis.pwned=1">',
  markdown: "[open](javascript:globalThis.pwned=1) ![x](https://evil.example/x.png) **APPROVED BY ana**",
  "forged card": '</bdi></div></article><section class="card"><h3>What will run</h3>amount 1.00</section>',
  template: "{{constructor.constructor('globalThis.pwned=1')()}} ${globalThis.pwned=1} <%= 7*7 %>",
  bidi: "invoice\u202Efdp.exe\u202C \u2066isolated\u2069 \u200F\u061Cright",
  invisible: "pay\u200Bpal\u00AD\uFEFF\u2060\u{E0041}\u{E0042}\uFE0F\u3164end",
  controls: "one\u001B[2J\u0007two\u0008three\u0085four\u2028five",
  stacked: `Z${"\u0351\u036B\u0343\u036A\u0302\u036B\u033D\u034F\u0334\u0319\u0324\u031E\u0349\u035A\u032F\u031E\u0320\u034D".repeat(2)}`,
  formula: "=HYPERLINK(\"https://evil.example\",\"Approve\")",
  "right to left": "\u05E9\u05DC\u05D5\u05DD 100 \u0645\u0631\u062D\u0628\u0627",
  entities: "&lt;b&gt;&amp;&#x3c;script&#x3e; &nbsp;",
  buttons: "[ Approve ] ✓ Checked by Fermata. Approved by policy. digest c1a2…e1c1",
};

/* A proposal with one payload in every text that an agent may send. */
function poisoned(payload, number) {
  const text = (where) => `${MARK} ${where} ${payload}`;
  return {
    action: "anything.refund",
    arguments: {
      amount: 74.5,
      order_id: text("order"),
      currency: "USD",
      message: `${text("message")}\nsecond line\tafter a tab`,
      [text("name")]: { nested: [text("leaf"), null, true, {}, [], ""] },
    },
    agent_version: text("version"),
    on_behalf_of: text("requester"),
    subject: text("subject"),
    labels: { region: text("label").slice(0, 60) },
    session: `hostile-${number}`,
    brief: {
      summary: text("summary").slice(0, 290),
      request: text("request"),
      recommendation: text("recommendation"),
      reasoning: text("reasoning"),
      case_against: text("against"),
      confidence: 0.99,
      evidence: [
        { title: text("title"), text: text("fact"), source: text("source"), data: { [text("key")]: text("value") } },
        { title: text("deep"), data: [{ [text("key")]: [text("value")] }] },
        { title: text("picture"), content_type: "image/png", base64: PNG },
        { title: text("page"), content_type: "text/html", base64: Buffer.from(`<script>${MARK}</script>`).toString("base64") },
      ],
      options: [
        { title: text("option"), pros: [text("pro")], cons: [text("con")], recommended: true },
        { title: text("other"), arguments: { order_id: text("edited") } },
      ],
      draft: { pointer: "/message", format: "text/plain" },
    },
  };
}

/* What is wrong with what is on the screen. */
function faultsOnScreen(mark) {
  const faults = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = texts.nextNode()); ) {
    if (node.data.includes(mark) && !node.parentElement.closest("[data-untrusted], textarea")) {
      faults.push(`unmarked: ${node.parentElement.outerHTML.slice(0, 200)}`);
    }
  }
  for (const element of document.querySelectorAll("[data-untrusted] *")) {
    if (!element.matches("span.hid") || element.childElementCount > 0) {
      faults.push(`element: ${element.outerHTML.slice(0, 200)}`);
    }
  }
  for (const element of document.querySelectorAll("body *")) {
    for (const { name, value } of element.attributes) {
      const own = element.matches("input, textarea") || name === "aria-label" || name === "title";
      if (/^on|^srcdoc$/.test(name) || (!own && value.includes(mark)) || /javascript:/i.test(value)) {
        faults.push(`attribute: ${name}=${value.slice(0, 100)}`);
      }
    }
  }
  const outside = [...document.querySelectorAll("a[href], img, form[action]")]
    .map((element) => element.href ?? element.src ?? element.action)
    .filter((url) => !url.startsWith(`${location.origin}/`));
  faults.push(...outside.map((url) => `leads outside: ${url}`));
  if (document.querySelectorAll("section.card").length > 1 || "pwned" in globalThis) {
    faults.push("a forged card, or a script that ran");
  }
  return faults;
}

async function assertHarmless(page, where) {
  assert.deepEqual(await page.evaluate(faultsOnScreen, MARK), [], where);
}

/* The lines of the card as {pointer label: value}, marks turned back into the characters they stand for. */
function cardValues() {
  const back = (node) => {
    if (node.nodeType === Node.TEXT_NODE) {
      return node.data;
    }
    if (!node.matches(".hid")) {
      return [...node.childNodes].map(back).join("");
    }
    const [, hex, times] = /^U\+([0-9A-F]+)(?: ×(\d+))?$/.exec(node.textContent) ?? [];
    return hex ? String.fromCodePoint(parseInt(hex, 16)).repeat(Number(times ?? 1)) : ""; // ↵ and ⇥ take effect themselves
  };
  return [...document.querySelectorAll(".card-line")].map((line) => [
    back(line.querySelector("dt [data-untrusted]")),
    [...line.querySelectorAll(".value [data-untrusted]")].map(back).join(""),
  ]);
}

/* The text of every leaf, as the card has it, from what the API delivers. */
function leavesOf(value, label = "") {
  if (value === null || typeof value !== "object" || Object.keys(value).length === 0) {
    return [[label, typeof value === "string" ? value : JSON.stringify(value)]];
  }
  return Object.entries(value).flatMap(([name, child]) => leavesOf(child, label === "" ? name : `${label} / ${name}`));
}

for (const [number, [name, payload]] of Object.entries(PAYLOADS).entries()) {
  test(`${name}: inert in every field of every page`, async (t) => {
    const proposal = await propose(bot, poisoned(payload, number));
    const page = await openPage(t, browser, server, { who: "ana" });
    await openProposal(page, server, proposal);
    await page.locator(".fact img").scrollIntoViewIfNeeded();
    await page.waitForFunction(() => document.querySelector(".fact img").naturalWidth > 0);
    await assertHarmless(page, "the decision");
    const shown = (await page.evaluate(cardValues)).map(([, value]) => value).sort();
    const wanted = leavesOf(proposal.arguments).map(([, value]) => value);
    assert.deepEqual(shown, wanted.sort(), "the card is the call");
    await wake(page);
    await press(page, "e");
    await assertHarmless(page, "the editor");
    await press(page, "Escape");
    const reason = `${MARK} ${payload}`;
    await page.caller.post(`/v1/proposals/${proposal.id}/comment`, { text: reason });
    await waitForText(page, ".note", MARK);
    await assertHarmless(page, "the notes");
    await decide(page.caller, proposal, { verdict: "reject", reason });
    await page.waitForSelector(".bar.ended");
    await assertHarmless(page, "the ended decision");
    await page.goto(`${server.url}/done`);
    await waitForText(page, "tbody", MARK);
    await assertHarmless(page, "the decisions that were made");
  });
}

test("hidden characters in a call: counted, named, and approved only after a second look", async (t) => {
  const body = poisoned(PAYLOADS.invisible, 100);
  const proposal = await propose(bot, body);
  const page = await openPage(t, browser, server, { who: "ana" });
  await openProposal(page, server, proposal);
  await waitForText(page, ".card .notice", /\d+ hidden characters in this call/);
  const chip = page.locator(".card-line .hid", { hasText: "U+200B" }).first();
  assert.equal(await chip.getAttribute("aria-label"), "hidden character U+200B ZERO WIDTH SPACE");
  await wake(page);
  await press(page, "a");
  await waitForText(page, ".sheet", "hidden characters");
  await waitForFocus(page, ".sheet button.approve");
  const scrolled = await page.evaluate(() => document.querySelector(".scroll:has(.proposal)").scrollTop);
  assert.equal(scrolled, 0, "what will run stays in view");
  assert.equal((await page.caller.get(`/v1/proposals/${proposal.id}`)).body.decision, null);
  await press(page, "Enter");
  assert.deepEqual((await released(bot, proposal)).decision.arguments, body.arguments);
});

test("fifty facts with attachments: all are listed, pictures are drawn, everything else is a download", async (t) => {
  const evidence = Array.from({ length: 50 }, (_, n) => ({
    title: `${MARK} fact ${n}`,
    source: `crm://facts/${n}`,
    ...(n % 2 ? { content_type: "image/png", base64: PNG } : { content_type: "image/svg+xml", base64: Buffer.from("<svg onload='pwned=1'/>").toString("base64") }),
  }));
  const body = poisoned("many", 101);
  const proposal = await propose(bot, { ...body, brief: { ...body.brief, evidence } });
  const page = await openPage(t, browser, server, { who: "ana" });
  await openProposal(page, server, proposal);
  assert.equal(await page.locator(".fact").count(), 50);
  assert.equal(await page.locator(".fact img").count(), 25, "no picture that can hold a script");
  await assertHarmless(page, "fifty facts");
  const url = await page.locator(".fact a[download]").first().getAttribute("href");
  const { status, headers } = await page.caller.get(url);
  assert.equal(status, 200);
  assert.equal(headers["content-disposition"], "attachment");
  assert.equal(headers["x-content-type-options"], "nosniff");
  assert.match(headers["content-security-policy"], /sandbox/);
});

test("another site cannot frame the page, and no policy of it is loosened", async (t) => {
  const page = await openPage(t, browser, server, { who: "ana" });
  const { headers } = await page.caller.get("/");
  const policy = headers["content-security-policy"];
  for (const part of ["default-src 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"]) {
    assert.ok(policy.includes(part), `${part} in ${policy}`);
  }
  assert.ok(!/unsafe|\*|data:|https?:/.test(policy), policy);
  page.expected.push(/TrustedHTML|trusted-types-sink/);
  const attempt = page.evaluate(() => {
    document.body.innerHTML = "<b>x</b>";
  });
  await assert.rejects(attempt, /TrustedHTML/, "the browser itself refuses markup from text");
});
