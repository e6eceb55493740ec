// SPDX-License-Identifier: Apache-2.0
/*
 * A real browser for the tests of the page: Chromium from the system (or CHROMIUM), headless, with a
 * profile of its own. Watches what no test may cause: console errors, thrown errors, violations of the
 * page's policies, requests to anybody but the server. `t.after` closes everything and fails the test
 * if something of that kind was seen.
 *
 * Invariant: nothing here waits for time to pass; every wait is for something on the screen.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { chromium } from "playwright-core";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const WITHIN_MS = 15_000;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const SIZES = {
  desktop: { width: 1280, height: 800 },
  phone: { width: 390, height: 844 },
  small: { width: 320, height: 700 },
};

/* One browser for a file of tests. */
export async function startBrowser(t) {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  t.after(() => browser.close());
  return browser;
}

/* What the page tells about itself through its own events, kept where a test can read it. */
function watchViolations() {
  globalThis.violations = [];
  addEventListener("securitypolicyviolation", (event) => {
    globalThis.violations.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`);
  });
}

/* The browser logs every refused request as an error; the refusals that a test provokes are expected. */
const REFUSED = "the server responded with a status of (401|403|404|409|422|429) ";
const UNREACHABLE =
  "net::ERR_(FAILED|CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INCOMPLETE|INTERNET_DISCONNECTED|NETWORK_CHANGED)";
const EXPECTED = new RegExp(`^Failed to load resource: (${REFUSED}|${UNREACHABLE})`);

function watch(page, origin, seen) {
  page.on("console", (message) => {
    if (message.type() === "error" && !EXPECTED.test(message.text())) {
      seen.push(`console: ${message.text()}`);
    }
  });
  page.on("pageerror", (error) => seen.push(`thrown: ${error.stack}`));
  page.on("dialog", (dialog) => {
    seen.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(`${origin()}/`)) {
      seen.push(`request: ${request.url()}`);
    }
  });
}

/* The cookie of a session that the harness opened, as the browser keeps it. */
function cookieOf(caller, url) {
  const [name, value] = caller.headersFor(false).cookie.split(/=(.*)/s);
  return { name, value, url, httpOnly: true, sameSite: "Strict" };
}

/*
 * A page of its own context, on `path`, signed in as `who` (a name; nobody without).
 * Options of the browser's context go through: viewport, colorScheme.
 */
export async function openPage(t, browser, server, { who, path = "/", ...options } = {}) {
  const context = await browser.newContext({ viewport: SIZES.desktop, ...options });
  const page = await context.newPage();
  const seen = [];
  page.expected = []; // patterns of what a test provokes
  page.setDefaultTimeout(WITHIN_MS);
  watch(page, () => server.origin, seen);
  await page.addInitScript(watchViolations);
  t.after(async () => {
    seen.push(...(await page.evaluate(() => globalThis.violations ?? []).catch(() => [])));
    await context.close();
    const unexpected = seen.filter((text) => !page.expected.some((pattern) => pattern.test(text)));
    assert.deepEqual(unexpected, [], "the page stayed clean");
  });
  if (who) {
    page.caller = await server.signIn(who); // the same session, for what a test does behind the page's back
    await context.addCookies([cookieOf(page.caller, server.url)]);
  }
  await page.goto(server.url + path);
  await page.waitForSelector(who ? ".top" : "#name");
  return page;
}

/* Opens a proposal beside the list, or on its own page where there is no room for both. */
export async function openProposal(page, server, { id }) {
  const wide = page.viewportSize().width >= 960;
  await page.goto(`${server.url}${wide ? `/?sel=${id}` : `/p/${id}`}`);
  await page.waitForSelector(".proposal .bar");
  await page.waitForSelector(".line.live", { state: "attached" });
}

/* What a person does before deciding: moves the pointer, and Approve becomes live. */
export async function wake(page) {
  await page.mouse.move(200, 20);
  await page.mouse.move(210, 24);
  await page.waitForFunction(() => document.querySelector(".verb-approve")?.getAttribute("aria-disabled") === "false");
}

/* Sends keys one after the other. */
export async function press(page, ...keys) {
  for (const key of keys) {
    await page.keyboard.press(key);
  }
}

/* Waits until the element that fits the selector has the focus. */
export async function waitForFocus(page, selector) {
  await page.waitForFunction((wanted) => document.activeElement.matches(wanted), selector);
}

/* Waits until a text is somewhere in the element. */
export async function waitForText(page, selector, text) {
  await page
    .locator(selector)
    .filter({ hasText: text })
    .first()
    .waitFor()
    .catch(async (error) => {
      const shown = await page.locator(selector).allInnerTexts();
      throw new Error(`${selector} never held ${text}; it held ${JSON.stringify(shown)}`, { cause: error });
    });
}

/* What axe finds wrong with what is on the screen, in words; an empty list is what is wanted. */
export async function axeFindings(page) {
  if (!(await page.evaluate(() => "axe" in globalThis))) {
    await page.evaluate(AXE);
  }
  const violations = await page.evaluate(async () => (await globalThis.axe.run(document, { resultTypes: ["violations"] })).violations);
  return violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target.join(" ")} (${node.failureSummary})`).join("; ")}`,
  );
}
